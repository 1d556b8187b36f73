//! `replay`: the fold, one event at a time, with how many phases are in each state after each.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::model::{CommandId, Recorded, StateName};
use crate::rules::{Impossible, Table, evolve, evolve_late, judge_cut};

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
    is_late: bool,
}

impl Replay {
    /// Begins with a table. `is_late` says whether what follows are not all the events behind those in it: then some of
    /// them were recorded late.
    pub fn new(table: Table, is_late: bool) -> Self {
        let counts = Counts::of(&table);
        Replay { table, counts, events: 0, commands: 0, command: None, is_late }
    }

    /// Ends the fold: what was judged late is judged by what it came to.
    pub fn end(&mut self) {
        if self.is_late {
            judge_cut(&mut self.table);
            self.counts = Counts::of(&self.table);
        }
    }

    /// Folds one more event in. Says whether it is a command's first.
    ///
    /// # Errors
    ///
    /// [`Impossible`], and the fold cannot go on.
    pub fn step(&mut self, record: &Recorded) -> Result<bool, Impossible> {
        let before = self.state_of(record);
        match self.is_late {
            true => evolve_late(&mut self.table, record)?,
            false => _ = evolve(&mut self.table, record)?,
        }
        self.events += 1;
        if record.event.definition().is_some() {
            self.counts = Counts::of(&self.table);
        } else {
            let after = self.state_of(record);
            before.into_iter().for_each(|state| *self.counts.slot(state) -= 1);
            after.into_iter().for_each(|state| *self.counts.slot(state) += 1);
        }
        let is_first = self.command != Some(record.command_id);
        self.command = Some(record.command_id);
        self.commands += u64::from(is_first);
        Ok(is_first)
    }

    /// Returns where the phase stands that an event is about.
    fn state_of(&self, record: &Recorded) -> Option<StateName> {
        let phase = self.table.phases.get(record.subject.phase()?).filter(|phase| !phase.retired)?;
        Some(phase.state.name())
    }
}
