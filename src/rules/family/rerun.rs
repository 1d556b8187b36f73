//! Reruns: a phase must run again, because someone says so or because something above it or its files changed; and what
//! was said is taken back.

use crate::model::{
    Cause, CauseKind, Change, EventId, FileRole, Reason, Recorded, RerunReason, RerunWithdrawn, Said,
    StateName, Text, action,
};
use crate::rules::attempt::Completion;
use crate::rules::draft::{Draft, moving};
use crate::rules::mark::{Mark, digest, is_upstream};
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::reason::reasons_in_words;
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

/// Decides on taking back what persons said.
pub(in crate::rules) fn withdraw(
    table: &Table,
    id: EventId,
    asked: &action::Rerun,
) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    phase.check_state("withdraw the marks of", &[StateName::NeedsRerun])?;
    if !phase.is_told(Said::Manual) {
        let reasons = Judge::new(table).reasons(phase);
        return Err(Rejection::NotMarked { phase: phase.id.clone(), reasons });
    }
    Ok(taking_back(table, phase, id, Said::Manual, asked.reason.clone()))
}

/// Makes the event that takes back what was said of a phase, with what holds all the same.
pub(super) fn taking_back(table: &Table, phase: &Phase, id: EventId, withdrawn: Said, reason: Text) -> Draft {
    let mut judge = Judge::new(table);
    let mut reasons = judge.reasons(phase);
    reasons.retain(|reason| *reason != withdrawn.reason());
    let still = (!reasons.is_empty()).then(|| RerunReason {
        reason: reasons_in_words(&judge, phase, &reasons),
        changes: Vec::new(),
        reasons,
    });
    moving(phase, id, RerunWithdrawn { reason, withdrawn, still }, phase.state.name())
}

/// Applies that what was said is taken back. Where no other mark is left, the phase goes by this event until it is judged,
/// which is at once where nothing holds any more.
pub(in crate::rules) fn withdrawn(
    table: &mut Changing<'_>,
    record: &Recorded,
    what: &RerunWithdrawn,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let (put_off, marks) = match &mut phase.state {
            PhaseState::NeedsRerun { completion, marks } => (Some(&mut completion.outdated_by), marks),
            PhaseState::InProgress { outdated_by, .. } => (None, outdated_by),
            PhaseState::Pending { .. } | PhaseState::Complete { .. } | PhaseState::Failed { .. } => {
                return Err(misplaced(record));
            }
        };
        let is_kept = |mark: &Mark| mark.said() != Some(what.withdrawn);
        let is_there = |marks: &[Mark]| !marks.iter().all(is_kept);
        if !is_there(marks) && !put_off.as_deref().is_some_and(|put_off| is_there(put_off)) {
            return Err(format!("there is nothing that a `{}` takes back", record.event.kind()));
        }
        put_off.into_iter().for_each(|put_off| put_off.retain(is_kept));
        marks.retain(is_kept);
        if marks.is_empty() {
            let why = what.still.clone().unwrap_or_else(|| RerunReason::because(&what.reason));
            let kind = match what.still.as_ref().and_then(|still| still.reasons.first()) {
                Some(Reason::NeedStale { .. } | Reason::NeedChanged { .. }) => CauseKind::UpstreamRerun,
                Some(Reason::Version { .. } | Reason::NeedAdded { .. }) => CauseKind::DefinitionChanged,
                Some(Reason::Manual | Reason::Input | Reason::Output | Reason::Legacy) | None => {
                    CauseKind::RerunWithdrawn
                }
            };
            marks.push(Mark { kind: Some(kind), ..mark(record, &why) });
        }
        Ok(())
    })
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
        outputs: record.causes.is_empty() && is_of_outputs(&why.changes),
        legacy: false,
    }
}

fn is_of_outputs(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.role() == Some(FileRole::Outputs))
}
