//! Reruns: a phase must run again, because someone says so or because something above it or its files changed; and what
//! was said is taken back.

use crate::model::{
    Cause, CauseKind, Change, EventId, FileRole, Reason, Recorded, RerunReason, RerunWithdrawn, Reverted,
    Said, Seq, StateName, Text, Undone, action,
};
use crate::rules::attempt::Completion;
use crate::rules::draft::{Draft, moving};
use crate::rules::mark::{Mark, digest, is_upstream};
use crate::rules::phase::{Phase, PhaseState, Replaced, Was};
use crate::rules::reason::reasons_in_words;
use crate::rules::rejection::Rejection;
use crate::rules::stale::Judge;
use crate::rules::table::Table;
use crate::rules::touched::{Changing, misplaced};
use crate::rules::undoing::{Undoing, passed, subject};

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
    let still = still(table, phase, |holds| *holds != withdrawn.reason());
    moving(phase, id, RerunWithdrawn { reason, withdrawn, still }, phase.state.name())
}

/// Returns why a phase must run again by some of its reasons alone; none where there is none of these.
fn still(table: &Table, phase: &Phase, is_left: impl Fn(&Reason) -> bool) -> Option<RerunReason> {
    let mut judge = Judge::new(table);
    let mut reasons = judge.reasons(phase);
    reasons.retain(is_left);
    let reason = (!reasons.is_empty()).then(|| reasons_in_words(&judge, phase, &reasons))?;
    Some(RerunReason { reason, changes: Vec::new(), reasons })
}

/// Decides that some marks are taken back: those of them that are still there.
pub(in crate::rules) fn unmark(
    table: &Table,
    target: &Recorded,
    marks: &[Seq],
) -> Result<Undoing, Rejection> {
    let phase = subject(table, target)?;
    let manual = || phase.said().filter(|mark| mark.said() == Some(Said::Manual));
    let (gone, left): (Vec<_>, Vec<_>) = manual().partition(|mark| marks.contains(&mark.seq));
    if gone.is_empty() {
        let attempt = phase.state.attempt().map(|attempt| attempt.seq);
        return Err(passed(target, attempt.max(phase.moved.map(|moved| moved.seq))));
    }
    let is_left = |reason: &Reason| *reason != Reason::Manual || !left.is_empty();
    Ok(Undoing {
        marks: gone.iter().map(|mark| mark.seq).collect(),
        still: still(table, phase, is_left),
        transition: Some((phase.state.name(), phase.state.name())),
        ..Undoing::of(Undone::Mark)
    })
}

/// Decides that marks are there again which were taken back.
pub(in crate::rules) fn mark_again(table: &Table, target: &Recorded) -> Result<Undoing, Rejection> {
    let phase = subject(table, target)?;
    let replaced = phase.replaced.iter().find(|replaced| replaced.by == target.seq);
    let Some(Was::Marks(marks)) = replaced.map(|replaced| &replaced.was) else {
        return Err(passed(target, phase.moved.map(|moved| moved.seq)));
    };
    phase.check_state("mark once more", COMPLETED)?;
    Ok(Undoing {
        again: true,
        marks: marks.iter().map(|mark| mark.seq).collect(),
        transition: Some((phase.state.name(), StateName::NeedsRerun)),
        ..Undoing::of(Undone::Mark)
    })
}

/// Applies that what was said is taken back. Where no other mark is left, the phase goes by this event until it is judged,
/// which is at once where nothing holds any more.
pub(in crate::rules) fn withdrawn(
    table: &mut Changing<'_>,
    record: &Recorded,
    what: &RerunWithdrawn,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let is_gone = |mark: &Mark| mark.said() == Some(what.withdrawn);
        let gone = take(phase, record, is_gone, (&what.reason, what.still.as_ref()))?;
        // What a scan says goes and comes with the files.
        if what.withdrawn == Said::Manual {
            phase.replaced.push(Replaced { by: record.seq, was: Was::Marks(gone) });
        }
        Ok(())
    })
}

/// Applies that some marks are taken back, as [`withdrawn`] does with all.
pub(in crate::rules) fn unmarked(
    table: &mut Changing<'_>,
    record: &Recorded,
    what: &Reverted,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let is_gone = |mark: &Mark| mark.said() == Some(Said::Manual) && what.marks.contains(&mark.seq);
        let gone = take(phase, record, is_gone, (&what.reason, what.still.as_ref()))?;
        phase.replaced.push(Replaced { by: record.seq, was: Was::Marks(gone) });
        Ok(())
    })
}

/// Applies that marks are there again.
pub(in crate::rules) fn marked_again(
    table: &mut Changing<'_>,
    record: &Recorded,
    what: &Reverted,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let at = phase.replaced.iter().position(|replaced| replaced.by == what.seq);
        let Some(Was::Marks(again)) = at.map(|at| phase.replaced.remove(at).was) else {
            return Err(format!("event {} took no marks back", what.seq));
        };
        let (completion, marks) = match std::mem::replace(&mut phase.state, PhaseState::NOT_RUN) {
            PhaseState::Complete { completion } => (completion, Vec::new()),
            PhaseState::NeedsRerun { completion, marks } => (completion, marks),
            PhaseState::Pending { .. } | PhaseState::InProgress { .. } | PhaseState::Failed { .. } => {
                return Err(misplaced(record));
            }
        };
        // What stood in for them goes.
        let others = marks.into_iter().filter(|mark| mark.seq != what.seq);
        let mut marks: Vec<_> = others.chain(again).collect();
        marks.sort_by_key(|mark| mark.seq);
        phase.state = PhaseState::NeedsRerun { completion, marks };
        Ok(())
    })
}

/// Takes marks out of a phase, and returns them. Where no other is left, one by the event itself stands in until the phase
/// is judged.
fn take(
    phase: &mut Phase,
    record: &Recorded,
    is_gone: impl Fn(&Mark) -> bool,
    (reason, still): (&Text, Option<&RerunReason>),
) -> Result<Vec<Mark>, String> {
    let (put_off, marks) = match &mut phase.state {
        PhaseState::NeedsRerun { completion, marks } => (Some(&mut completion.outdated_by), marks),
        PhaseState::InProgress { outdated_by, .. } => (None, outdated_by),
        PhaseState::Pending { .. } | PhaseState::Complete { .. } | PhaseState::Failed { .. } => {
            return Err(misplaced(record));
        }
    };
    let put_off = put_off.into_iter().flat_map(|put_off| put_off.extract_if(.., |mark| is_gone(mark)));
    let mut gone: Vec<Mark> = put_off.collect();
    gone.extend(marks.extract_if(.., |mark| is_gone(mark)));
    if gone.is_empty() {
        return Err(format!("there is nothing that a `{}` takes back", record.event.kind()));
    }
    if marks.is_empty() {
        let why = still.cloned().unwrap_or_else(|| RerunReason::because(reason));
        let kind = match still.and_then(|still| still.reasons.first()) {
            Some(Reason::NeedStale { .. } | Reason::NeedChanged { .. }) => CauseKind::UpstreamRerun,
            Some(Reason::Version { .. } | Reason::NeedAdded { .. }) => CauseKind::DefinitionChanged,
            Some(Reason::Manual | Reason::Input | Reason::Output | Reason::Legacy) | None => {
                CauseKind::RerunWithdrawn
            }
        };
        marks.push(Mark { kind: Some(kind), ..mark(record, &why) });
    }
    Ok(gone)
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
