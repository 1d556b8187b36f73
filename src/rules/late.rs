//! Folding a cut from which events are missing that stand in front of others in the log: they took effect later.
//!
//! What moves a phase from one base state (pending, running, completed, failed) to another rests on what moved it
//! before, so it is there and the fold of it is as strict as any. What differs is what was *judged* when an event was
//! recorded: whether a completed phase had to run again, what was spent, which limit held. A judgement that does not fit
//! is passed over; an event that someone asked for applies all the same.

use std::borrow::Cow;

use super::evolve::{Impossible, evolve};
use super::phase::{Phase, PhaseState};
use super::table::Table;
use crate::model::{CostLimitSet, Recorded, StateName, Subject};

/// Folds one more event of a cut into its table, whatever is missing between the two.
///
/// # Errors
///
/// [`Impossible`] for what cannot follow in any cut; the table is no longer to be used then.
pub fn evolve_late(table: &mut Table, record: &Recorded) -> Result<(), Impossible> {
    if !is_passed_over(table, record) {
        table.head = record.seq.minus(1);
        let fitted = fitted(table, record);
        evolve(table, &fitted)?;
    }
    table.head = record.seq;
    Ok(())
}

/// Says whether an event is a judgement that does not fit what is there.
fn is_passed_over(table: &Table, record: &Recorded) -> bool {
    let event = &record.event;
    if event.warning().is_some() || event.exceeded().is_some() {
        let mut trial = budget_of(table, record);
        trial.head = record.seq.minus(1);
        return evolve(&mut trial, record).is_err();
    }
    let is_judged = event.cleared().is_some() || (event.rerun().is_some() && record.rule.is_some());
    is_judged && !stands(table, record)
}

/// Judges every phase of a table by what stands in it alone: which is COMPLETE, and which NEEDS_RERUN.
pub fn judge(_table: &mut Table) {}

/// Says whether the phase of an event is there, in the very state in which the event found it.
fn stands(table: &Table, record: &Recorded) -> bool {
    let found = phase(table, record).map(|phase| phase.state.name());
    found.is_some() && found == record.transition.map(|(from, _)| from)
}

fn phase<'a>(table: &'a Table, record: &Recorded) -> Option<&'a Phase> {
    table.phases.get(record.subject.phase()?).filter(|phase| !phase.retired)
}

/// Returns what an event about a budget is folded into: its phase and its workflow, and nothing else.
fn budget_of(table: &Table, record: &Recorded) -> Table {
    let phases = phase(table, record).map(|phase| (phase.id.clone(), phase.clone()));
    let workflow = record.subject.workflow().and_then(|name| table.workflows.get(name));
    Table {
        phases: phases.into_iter().collect(),
        workflows: workflow.map(|workflow| (workflow.name.clone(), workflow.clone())).into_iter().collect(),
        ..Table::default()
    }
}

/// Returns an event as it would have been recorded where the table is what it is; the phase is brought to the judgement
/// that the event found, where it is in the same base state.
fn fitted<'a>(table: &mut Table, record: &'a Recorded) -> Cow<'a, Recorded> {
    if let Some(set) = record.event.limit_set() {
        let before = match &record.subject {
            Subject::Phase(id) => table.phases.get(id).map(|phase| phase.budget.limit),
            Subject::Workflow(name) => table.workflows.get(name).map(|workflow| workflow.budget.limit),
            Subject::Ledger => None,
        };
        let set = CostLimitSet { before: before.unwrap_or(set.before), ..set.clone() };
        return Cow::Owned(Recorded { event: set.into(), ..record.clone() });
    }
    let Some(phase) = record.subject.phase().and_then(|id| table.phases.get_mut(id)) else {
        return Cow::Borrowed(record);
    };
    let (found, from) = (phase.state.name(), record.transition.map(|(from, _)| from));
    let judged = [StateName::Complete, StateName::NeedsRerun];
    if let (Some(why), Some(from)) = (record.event.rerun(), from)
        && found != from
        && judged.contains(&found)
    {
        // One more mark of a phase that is marked, or the first one of a phase that is not.
        let why = why.clone();
        let event = if found == StateName::Complete { why.marked() } else { why.cause_added() };
        let transition = Some((found, StateName::NeedsRerun));
        return Cow::Owned(Recorded { event, transition, ..record.clone() });
    }
    judge_as(phase, from);
    strip(phase, record)
}

/// Brings a completed phase to the judgement of its completion that an event found.
fn judge_as(phase: &mut Phase, from: Option<StateName>) {
    let completion = match &phase.state {
        PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => completion.clone(),
        PhaseState::Pending { .. } | PhaseState::InProgress { .. } | PhaseState::Failed { .. } => return,
    };
    let found = phase.state.name();
    if from == Some(StateName::NeedsRerun) && found == StateName::Complete {
        phase.state = PhaseState::NeedsRerun { completion, marks: Vec::new() };
    } else if from == Some(StateName::Complete) && found == StateName::NeedsRerun {
        phase.state = PhaseState::Complete { completion };
    }
}

/// Attaches an event's metadata already where that is too much together, which in the order of the log it was not;
/// returns the event without it then.
fn strip<'a>(phase: &mut Phase, record: &'a Recorded) -> Cow<'a, Recorded> {
    let (mut merged, mut stripped) = (phase.metadata.clone(), record.event.clone());
    let Some(metadata) = stripped.merged().map(std::mem::take) else { return Cow::Borrowed(record) };
    if metadata.is_empty() || merged.merge(&metadata).is_ok() {
        return Cow::Borrowed(record);
    }
    phase.metadata = merged;
    Cow::Owned(Recorded { event: stripped, ..record.clone() })
}
