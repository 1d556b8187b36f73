//! Renames: what phases were called at which place, and how a table speaks of them once they have another name.
//!
//! A rename is an exchange of two names. As a rule nothing has the new one; where a phase that is retired has it, or one
//! that nothing was ever done to, that takes the old one, so that no history is lost and every rename can be undone. The table
//! speaks of phases by the names of its place alone; events keep those of their time.

use std::collections::BTreeMap;

use super::attempt::Attempt;
use super::happened::Happened;
use super::phase::{Phase, PhaseState, Replaced, Was};
use super::renaming::Renaming;
use super::table::{Table, Workflow};
use crate::model::{
    Definition, PhaseDefinition, PhaseId, PhaseName, PhaseRef, Recorded, Renamed, Seq, Subject, WorkflowName,
};

/// What a phase is called, and was called at each place before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    now: PhaseId,
    /// The definition that had it first: what was called so before is another phase.
    since: Seq,
    /// Its former names, the first one first, each with the place of the event that ended it.
    former: Vec<(PhaseId, Seq)>,
}

impl Names {
    /// Returns what it is called.
    pub fn now(&self) -> &PhaseId {
        &self.now
    }

    /// Returns what it was called, the first name first, each with the place of the definition that ended it.
    pub fn former(&self) -> &[(PhaseId, Seq)] {
        &self.former
    }

    /// Returns what it was called in the event at a place.
    pub fn at(&self, place: Seq) -> &PhaseId {
        let former = self.former.iter().find(|(_, until)| *until > place);
        former.map_or(&self.now, |(name, _)| name)
    }

    /// Says whether it is, or ever was, called so.
    pub fn was_ever(&self, id: &PhaseId) -> bool {
        self.now == *id || self.former.iter().any(|(name, _)| name == id)
    }

    /// Says whether an event is about it.
    pub fn is_about(&self, record: &Recorded) -> bool {
        record.seq > self.since && record.subject.phase() == Some(self.at(record.seq))
    }
}

impl Workflow {
    /// Returns what the phase is called that was called so in the event at a place.
    fn called_now<'a>(&'a self, name: &'a PhaseName, place: Seq) -> &'a PhaseName {
        let since = self.renamed.iter().filter(|renaming| renaming.by.seq > place);
        since.fold(name, |name, renaming| renaming.other(name).unwrap_or(name))
    }

    /// Returns what the phase was called in the event at a place that is called so.
    fn called_then<'a>(&'a self, name: &'a PhaseName, place: Seq) -> &'a PhaseName {
        let since = self.renamed.iter().rev().take_while(|renaming| renaming.by.seq > place);
        since.fold(name, |name, renaming| renaming.other(name).unwrap_or(name))
    }

    /// Says whether every phase is called what it was called at a place.
    pub(super) fn is_named_as_at(&self, place: Seq) -> bool {
        let since = self.renamed.iter().filter(|renaming| renaming.by.seq > place);
        let names = since.flat_map(|renaming| [&renaming.names.from, &renaming.names.to]);
        names.into_iter().all(|name| self.called_now(name, place) == name)
    }
}

impl Table {
    /// Returns what the phase is called that was called so in the event at a place.
    pub fn called_now(&self, id: &PhaseId, place: Seq) -> PhaseId {
        let workflow = self.workflows.get(&id.workflow);
        let name = workflow.map_or(&id.phase, |workflow| workflow.called_now(&id.phase, place));
        PhaseId::new(id.workflow.clone(), name.clone())
    }

    /// Returns what an event is about, by what that is called now.
    pub fn subject_now(&self, record: &Recorded) -> Subject {
        match &record.subject {
            Subject::Phase(id) => Subject::Phase(self.called_now(id, record.seq)),
            subject @ (Subject::Workflow(_) | Subject::Ledger) => subject.clone(),
        }
    }

    /// Returns what the phase was called in the event at a place that is called so.
    pub fn called_then(&self, id: &PhaseId, place: Seq) -> PhaseId {
        let workflow = self.workflows.get(&id.workflow);
        let name = workflow.map_or(&id.phase, |workflow| workflow.called_then(&id.phase, place));
        PhaseId::new(id.workflow.clone(), name.clone())
    }

    /// Says whether any phase has another name since a place.
    pub(super) fn is_renamed_since(&self, place: Seq) -> bool {
        let last = |workflow: &Workflow| workflow.renamed.last().is_some_and(|last| last.by.seq > place);
        self.workflows.values().any(last)
    }

    /// Returns what a phase is called and was called.
    pub fn names_of(&self, phase: &Phase) -> Names {
        let (mut name, mut former) = (&phase.id.phase, Vec::new());
        let renamed = self.workflows.get(&phase.id.workflow).map_or(&[][..], |workflow| &workflow.renamed);
        // What was renamed before a phase was there is another one.
        for renaming in renamed.iter().rev().take_while(|renaming| renaming.by.seq > phase.lineage.added) {
            if let Some(before) = renaming.other(name) {
                former.push((PhaseId::new(phase.id.workflow.clone(), before.clone()), renaming.by.seq));
                name = before;
            }
        }
        former.reverse();
        Names { now: phase.id.clone(), since: phase.lineage.added, former }
    }

    /// Returns what a phase is called that was called so and has another name since the definition at a place; none where the
    /// name was never one, or was given to another phase since.
    pub fn renamed(&self, name: &PhaseRef) -> Option<(PhaseId, Seq)> {
        let named = |workflow: &Workflow| name.workflow.as_ref().is_none_or(|name| *name == workflow.name);
        let mut found = self.workflows.values().filter(|workflow| named(workflow)).filter_map(|workflow| {
            let last = workflow.renamed.iter().rfind(|renaming| renaming.other(&name.phase).is_some())?;
            let mut now = Some(&last.names.to).filter(|_| last.names.from == name.phase)?;
            let mut since = last.by.seq;
            for later in workflow.renamed.iter().filter(|later| later.by.seq > last.by.seq) {
                if let Some(other) = later.other(now) {
                    (now, since) = (other, later.by.seq);
                }
            }
            Some((PhaseId::new(workflow.name.clone(), now.clone()), since))
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// Returns the phase that a need of another workflow means: one of the name or, where there is none any more, the one that
    /// was called so. So a rename needs no other file to follow at once.
    pub(super) fn needed(&self, need: PhaseId) -> PhaseId {
        let in_force = |id: &PhaseId| self.phases.get(id).is_some_and(|phase| !phase.retired);
        if in_force(&need) {
            return need;
        }
        let now = self.renamed(&need.clone().into()).map(|(now, _)| now);
        now.filter(in_force).unwrap_or(need)
    }

    /// Returns the rename that last gave the phase of a name that name.
    pub(super) fn named_by(&self, id: &PhaseId) -> Option<Happened> {
        let renamed = &self.workflows.get(&id.workflow)?.renamed;
        renamed.iter().rfind(|renaming| renaming.other(&id.phase).is_some()).map(|renaming| renaming.by)
    }
}

/// Returns what a definition renames: what is in force, or has a history, to what has none.
pub(super) fn asked_for(table: &Table, definition: &Definition) -> Vec<Renamed> {
    let row = |name: &PhaseName| table.phases.get(&PhaseId::new(definition.name().clone(), name.clone()));
    let in_force = |phase: Option<&Phase>| phase.is_some_and(|phase| !phase.retired);
    let has_history = |phase: Option<&Phase>| phase.is_some_and(|phase| phase.has_history);
    let applies = |phase: &PhaseDefinition| {
        let from = phase.renamed_from.as_ref()?;
        let (old, new) = (row(from), row(&phase.id));
        let is_free = in_force(old) && !in_force(new);
        let is_without = !has_history(new) && (in_force(old) || has_history(old));
        (is_free || is_without).then(|| Renamed { from: from.clone(), to: phase.id.clone() })
    };
    definition.phases().iter().filter_map(applies).collect()
}

/// Returns what the phases of a definition were ever called, of each the last name first: what one that is dated back has to
/// know, for it may be of a time when they were.
pub(super) fn ever_called(table: &Table, definition: &Definition) -> Vec<Renamed> {
    let rows = definition
        .phases()
        .iter()
        .filter_map(|phase| table.phases.get(&PhaseId::new(definition.name().clone(), phase.id.clone())));
    let former = rows.flat_map(|phase| {
        let names = table.names_of(phase);
        let to = phase.id.phase.clone();
        names.former.into_iter().rev().map(move |(from, _)| Renamed { from: from.phase, to: to.clone() })
    });
    former.filter(|renamed| renamed.from != renamed.to).collect()
}

/// Names that take each other's place.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    other: BTreeMap<PhaseId, PhaseId>,
}

impl Exchange {
    /// Takes what is renamed in a workflow.
    pub(super) fn of(workflow: &WorkflowName, renamed: &[Renamed]) -> Self {
        let id = |name: &PhaseName| PhaseId::new(workflow.clone(), name.clone());
        let both = |one: &Renamed| [(id(&one.from), id(&one.to)), (id(&one.to), id(&one.from))];
        Exchange { other: renamed.iter().flat_map(both).collect() }
    }

    /// Says whether each name takes the place of one alone.
    pub(super) fn is_one_to_one(&self, renamed: &[Renamed]) -> bool {
        self.other.len() == 2 * renamed.len()
    }

    /// Returns the name that takes the place of one.
    pub(super) fn of_phase<'a>(&'a self, id: &'a PhaseId) -> &'a PhaseId {
        self.other.get(id).unwrap_or(id)
    }

    fn exchange(&self, id: &mut PhaseId) {
        if let Some(other) = self.other.get(id) {
            *id = other.clone();
        }
    }

    /// Has a table speak by the new names of all that it holds.
    pub(super) fn apply(&self, table: &mut Table, by: Happened) {
        if self.other.is_empty() {
            return;
        }
        let phases = std::mem::take(&mut table.phases).into_values().map(|mut phase| {
            if self.other.contains_key(&phase.id) {
                (phase.last_seq, phase.updated_at, phase.brought_in) = (by.seq, by.at, by);
            }
            self.in_phase(&mut phase);
            (phase.id.clone(), phase)
        });
        table.phases = phases.collect();
        let dependants = std::mem::take(&mut table.dependants).into_iter().map(|(mut id, dependants)| {
            self.exchange(&mut id);
            let dependants = dependants.into_iter().map(|mut id| {
                self.exchange(&mut id);
                id
            });
            (id, dependants.collect())
        });
        table.dependants = dependants.collect();
        table
            .approvals
            .values_mut()
            .filter_map(|asked| asked.phase.as_mut())
            .for_each(|id| self.exchange(id));
    }

    fn in_phase(&self, phase: &mut Phase) {
        self.exchange(&mut phase.id);
        phase.spec.needs.iter_mut().for_each(|need| self.exchange(need));
        let edges = std::mem::take(&mut phase.lineage.edges).into_iter().map(|(mut need, changes)| {
            self.exchange(&mut need);
            (need, changes)
        });
        phase.lineage.edges = edges.collect();
        self.in_state(&mut phase.state);
        self.in_replaced(&mut phase.replaced);
    }

    fn in_state(&self, state: &mut PhaseState) {
        match state {
            PhaseState::Pending { .. } => {}
            PhaseState::InProgress { attempt, .. } => self.in_attempt(attempt),
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                self.in_attempt(&mut completion.attempt);
            }
            PhaseState::Failed { failure } => self.in_attempt(&mut failure.attempt),
        }
    }

    fn in_replaced(&self, replaced: &mut [Replaced]) {
        for replaced in replaced {
            match &mut replaced.was {
                Was::Marks(_) => {}
                Was::Stood(stood) => {
                    self.in_state(&mut stood.state);
                    self.in_replaced(&mut stood.replaced);
                }
            }
        }
    }

    fn in_attempt(&self, attempt: &mut Attempt) {
        attempt.consumed.iter_mut().for_each(|consumed| self.exchange(&mut consumed.phase));
        attempt.unmet.iter_mut().for_each(|need| self.exchange(need));
        for through in &mut attempt.looked_through {
            self.exchange(&mut through.need);
            through.found.iter_mut().for_each(|found| self.exchange(&mut found.phase));
            // They are looked up by name.
            through.found.sort_by(|a, b| a.phase.cmp(&b.phase));
        }
    }
}

/// Has phases of a workflow go by other names from now on. Says what is wrong where they cannot.
pub(super) fn rename(
    table: &mut Table,
    record: &Recorded,
    workflow: &WorkflowName,
    renamed: &[Renamed],
) -> Result<(), String> {
    let missing = |renamed: &&Renamed| {
        !table.phases.contains_key(&PhaseId::new(workflow.clone(), renamed.from.clone()))
    };
    if let Some(Renamed { from, .. }) = renamed.iter().find(missing) {
        return Err(format!("there is no phase `{workflow}/{from}` to be renamed"));
    }
    let names = Exchange::of(workflow, renamed);
    if !names.is_one_to_one(renamed) {
        return Err("a name is renamed twice".to_owned());
    }
    names.apply(table, Happened::of(record));
    if let Some(workflow) = table.workflows.get_mut(workflow) {
        let by = Happened::of(record);
        workflow.renamed.extend(renamed.iter().map(|names| Renaming { by, names: names.clone() }));
    }
    Ok(())
}

/// As [`rename`], for a definition that is dated back: what is called so in a cut, and has not got its name yet.
pub(super) fn rename_back(
    table: &mut Table,
    record: &Recorded,
    mut known: Workflow,
    renamed: &[Renamed],
) -> Workflow {
    for renamed in renamed {
        let row = |name: &PhaseName| table.phases.get(&PhaseId::new(known.name.clone(), name.clone()));
        if row(&renamed.from).is_some_and(|phase| !phase.retired) && row(&renamed.to).is_none() {
            let by = Happened::of(record);
            Exchange::of(&known.name, std::slice::from_ref(renamed)).apply(table, by);
            known.renamed.push(Renaming { by, names: renamed.clone() });
        }
    }
    known
}
