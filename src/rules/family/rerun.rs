//! Reruns: a phase must run again, because someone says so or because something above it or its files changed.

use crate::model::{Cause, EventId, Recorded, RerunReason, StateName, action};
use crate::rules::attempt::Completion;
use crate::rules::draft::{Draft, moving};
use crate::rules::mark::{Mark, digest, is_upstream};
use crate::rules::phase::PhaseState;
use crate::rules::rejection::Rejection;
use crate::rules::stale::Judge;
use crate::rules::table::Table;
use crate::rules::touched::{Changing, misplaced};

const COMPLETED: &[StateName] = &[StateName::Complete, StateName::NeedsRerun];

/// Decides on a mark that someone asks for.
pub(in crate::rules) fn rerun(table: &Table, id: EventId, asked: &action::Rerun) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    phase.check_state("rerun", COMPLETED)?;
    let why = RerunReason::because(&asked.reason);
    let event = if phase.is_stale() { why.cause_added() } else { why.marked() };
    Ok(moving(phase, id, event, StateName::NeedsRerun))
}

/// Applies the mark of a complete phase.
pub(in crate::rules) fn marked(
    table: &mut Changing<'_>,
    record: &Recorded,
    why: &RerunReason,
) -> Result<(), String> {
    let legacy = is_unexplained(table.table(), record);
    table.apply(record, |phase| match std::mem::replace(&mut phase.state, PhaseState::NOT_RUN) {
        PhaseState::Complete { completion } => {
            let marks = vec![Mark { legacy, ..mark(record, why) }];
            phase.state = PhaseState::NeedsRerun { completion, marks };
            Ok(())
        }
        PhaseState::Pending { .. }
        | PhaseState::InProgress { .. }
        | PhaseState::Failed { .. }
        | PhaseState::NeedsRerun { .. } => Err(misplaced(record)),
    })
}

/// Applies one more cause for a phase that must run again.
pub(in crate::rules) fn cause_added(
    table: &mut Changing<'_>,
    record: &Recorded,
    why: &RerunReason,
) -> Result<(), String> {
    table.apply(record, |phase| match &mut phase.state {
        PhaseState::NeedsRerun { marks, .. } => {
            marks.push(mark(record, why));
            Ok(())
        }
        PhaseState::Pending { .. }
        | PhaseState::InProgress { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. } => Err(misplaced(record)),
    })
}

/// Applies what is put off until the attempt under way has ended.
pub(in crate::rules) fn deferred(
    table: &mut Changing<'_>,
    record: &Recorded,
    why: &RerunReason,
) -> Result<(), String> {
    let legacy = is_unexplained(table.table(), record);
    table.apply(record, |phase| match &mut phase.state {
        PhaseState::InProgress { outdated_by, .. } => {
            outdated_by.push(Mark { legacy, ..mark(record, why) });
            Ok(())
        }
        PhaseState::Pending { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. }
        | PhaseState::NeedsRerun { .. } => Err(misplaced(record)),
    })
}

/// Applies that a phase stands as it was.
pub(in crate::rules) fn cleared(table: &mut Changing<'_>, record: &Recorded) -> Result<(), String> {
    table.apply(record, |phase| match std::mem::replace(&mut phase.state, PhaseState::NOT_RUN) {
        PhaseState::NeedsRerun { completion, .. } => {
            let completion = Completion { outdated_by: Vec::new(), ..completion };
            phase.state = PhaseState::Complete { completion };
            Ok(())
        }
        PhaseState::InProgress { attempt, outdated_by } if !outdated_by.is_empty() => {
            phase.state = PhaseState::InProgress { attempt, outdated_by: Vec::new() };
            Ok(())
        }
        PhaseState::Pending { .. }
        | PhaseState::InProgress { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. } => Err(misplaced(record)),
    })
}

/// Says whether the first release derived a mark that nothing in the table explains.
fn is_unexplained(table: &Table, record: &Recorded) -> bool {
    let phase = record.subject.phase().and_then(|id| table.phases.get(id));
    let is_derived = record.version == 1 && record.rule.is_some();
    is_derived && phase.is_some_and(|phase| !Judge::new(table).holds(phase))
}

fn mark(record: &Recorded, why: &RerunReason) -> Mark {
    let own = |cause: &&Cause| !is_upstream(cause.kind);
    let weightiest = record.causes.iter().find(own).or(record.causes.first());
    Mark {
        event: record.id,
        seq: record.seq,
        root: record.correlation_id,
        at: record.at,
        reason: why.reason.clone(),
        kind: weightiest.map(|cause| cause.kind),
        changes: record.causes.is_empty().then(|| digest(&why.changes)).flatten(),
        legacy: false,
    }
}
