//! `replay`: the fold, one event at a time, with how many phases are in each state after each.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::model::{CommandId, PhaseId, Recorded, StateName, Subject};
use crate::rules::{Impossible, Table, evolve};

/// How many phases are in each state, retired ones left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; 5]);

impl Counts {
    /// Counts the phases of a table.
    pub fn of(table: &Table) -> Self {
        let mut counts = Counts::default();
        for phase in table.phases.values().filter(|phase| !phase.retired) {
            *counts.slot(phase.state.name()) += 1;
        }
        counts
    }

    /// Returns each state, in the order in which reports list them, with its count.
    pub fn iter(self) -> impl Iterator<Item = (StateName, u64)> {
        StateName::ALL.into_iter().zip(self.0)
    }

    fn slot(&mut self, state: StateName) -> &mut u64 {
        &mut self.0[match state {
            StateName::Pending => 0,
            StateName::InProgress => 1,
            StateName::Complete => 2,
            StateName::Failed => 3,
            StateName::NeedsRerun => 4,
        }]
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(5))?;
        for (state, count) in self.iter() {
            object.serialize_entry(state.as_str(), &count)?;
        }
        object.end()
    }
}

/// A fold under way.
#[derive(Debug, Clone)]
pub struct Replay {
    /// What the events so far add up to.
    pub table: Table,
    /// How many phases that leaves in each state.
    pub counts: Counts,
    /// How many events were folded in.
    pub events: u64,
    /// Of how many commands they came.
    pub commands: u64,
    command: Option<CommandId>,
}

impl Replay {
    /// Begins with the table of a prefix.
    pub fn new(table: Table) -> Self {
        let counts = Counts::of(&table);
        Replay { table, counts, events: 0, commands: 0, command: None }
    }

    /// Folds one more event in. Says whether it is a command's first.
    ///
    /// # Errors
    ///
    /// [`Impossible`], and the fold cannot go on.
    pub fn step(&mut self, record: &Recorded) -> Result<bool, Impossible> {
        evolve(&mut self.table, record)?;
        self.events += 1;
        if let Some((from, to)) = record.transition {
            *self.counts.slot(from) -= 1;
            *self.counts.slot(to) += 1;
        }
        if let (Some(defined), Subject::Workflow(name)) = (record.event.definition(), &record.subject) {
            for phase in &defined.retired {
                let id = PhaseId::new(name.clone(), phase.clone());
                if let Some(phase) = self.table.phases.get(&id) {
                    let count = self.counts.slot(phase.state.name());
                    *count = count.saturating_sub(1);
                }
            }
            *self.counts.slot(StateName::Pending) += defined.added.len() as u64;
        }
        let is_first = self.command != Some(record.command_id);
        self.command = Some(record.command_id);
        self.commands += u64::from(is_first);
        Ok(is_first)
    }
}
