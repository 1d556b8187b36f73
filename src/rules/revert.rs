//! Taking back: which commands can be taken back, and what holds instead.
//!
//! Nothing is deleted: one more event says what is taken back, and where another kind of event can say what holds from now
//! on (a refund, the limit of before, the definition of before), one of that kind follows in the same command. What came
//! of a command by rules goes as what they derive from then on. This is the one match over what can be taken back; how is
//! with the families.

use super::draft::{Draft, root};
use super::family::{approval, attempt, costs, definition, notes, rerun};
use super::rejection::{Rejection, RevertRejection};
use super::table::Table;
use super::touched::Changing;
use super::undoing::{Undoing, passed};
use crate::model::{
    Cause, CauseKind, Command, DecidedBy, Event, EventRef, Past, Recorded, Reverted, Said, Text, Timestamp,
    Undone, action,
};

/// The rule by which what holds from now on follows from what is taken back.
const RULE: &str = "revert/1";

/// Decides on taking a command back. `command` has what the log has of it.
pub(super) fn revert(
    table: &Table,
    command: &Command,
    asked: &action::Revert,
    at: Timestamp,
) -> Result<Vec<Draft>, Rejection> {
    let past = command.past.as_deref();
    let found = past.and_then(|past| Some((past, past.events.first()?)));
    let (past, target) = found.ok_or(RevertRejection::NoCommand { event: asked.event })?;
    if let Some(by) = table.taken_back(target.id) {
        return Err(RevertRejection::Already { seq: target.seq, by: by.seq }.into());
    }
    // What took something back can be taken back while nothing else has said since whether that holds.
    let chain = past.chain.iter().skip(1).map(Some).chain([None]);
    for (reverted, by) in past.chain.iter().zip(chain).filter(|_| past.chain.len() > 1) {
        let last = table.reverted.get(reverted).filter(|last| Some(&last.id) != by);
        if let Some(last) = last {
            return Err(passed(target, Some(last.seq)));
        }
    }
    let Undoing { what, again, marks, still, transition, effect } =
        undoing(table, past, target, (&asked.reason, at))?;
    let reason = asked.reason.clone();
    let reverted = Reverted { event: target.id, seq: target.seq, reason, what, again, marks, still };
    let first = Draft {
        transition,
        root: target.correlation_id,
        causes: vec![Cause::new(target.event_ref(), CauseKind::Reverted)],
        ..root(command.id.event(0), target.subject.clone(), reverted)
    };
    let cause = Cause::new(EventRef { seq: table.head.plus(1), id: first.id }, CauseKind::SameCommand);
    let second = effect.map(|(subject, event)| Draft {
        rule: Some(RULE),
        root: first.root,
        causes: vec![cause],
        ..root(command.id.event(1), subject, event)
    });
    Ok(std::iter::once(first).chain(second).collect())
}

/// Returns what taking a command back does; `target` is the event of it that says what is there now.
fn undoing(
    table: &Table,
    past: &Past,
    target: &Recorded,
    (reason, at): (&Text, Timestamp),
) -> Result<Undoing, Rejection> {
    let cannot = |kind| Err(RevertRejection::CannotBe { seq: target.seq, kind }.into());
    match &target.event {
        // Marked and started at once: that it began stays a fact.
        Event::RerunMarked(_) if past.events.get(1).is_some_and(|next| next.event.started().is_some()) => {
            cannot("phase_started")
        }
        Event::RerunMarked(why) | Event::RerunCauseAdded(why) if why.changes.is_empty() => {
            rerun::unmark(table, target, &[target.seq])
        }
        Event::RerunWithdrawn(withdrawn) if withdrawn.withdrawn == Said::Manual => {
            rerun::mark_again(table, target)
        }
        Event::PhaseSkipped(_) => attempt::lift(table, past, target),
        Event::NoteAdded(_) => Ok(Undoing::of(Undone::Note)),
        Event::TagSet(tag) => notes::tag_back(table, past, target, (&tag.name, Some(tag.seq))),
        Event::TagRemoved(tag) => notes::tag_back(table, past, target, (&tag.name, None)),
        Event::MetadataRecorded(recorded) => notes::detach(table, past, target, recorded),
        Event::CostRecorded(cost) => costs::give_back(table, target, cost),
        Event::CostLimitSet(set) => costs::limit_back(table, past, (target, set), at),
        Event::WorkflowDefined(defined) => definition::back(table, past, target, defined, reason),
        Event::WorkflowRetired(_) => definition::reinstate(table, past, target),
        Event::ApprovalGranted(decided) | Event::ApprovalRejected(decided)
            if decided.decided_by == DecidedBy::Person =>
        {
            approval::reopen(table, target, decided.request)
        }
        Event::Reverted(reverted) => once_more(table, past, (target, reverted), (reason, at)),
        Event::PhaseStarted(_)
        | Event::PhaseCompleted(_)
        | Event::PhaseFailed(_)
        | Event::PhaseAccepted(_)
        | Event::PhaseReset(_)
        | Event::RerunMarked(_)
        | Event::RerunCauseAdded(_)
        | Event::RerunDeferred(_)
        | Event::RerunWithdrawn(_)
        | Event::RerunCleared(_)
        | Event::CostWarningRaised(_)
        | Event::CostLimitExceeded(_)
        | Event::CostReserved(_)
        | Event::CostReleased(_)
        | Event::ApprovalRequested(_)
        | Event::ApprovalGranted(_)
        | Event::ApprovalRejected(_)
        | Event::HistoryImported(_) => cannot(target.event.kind()),
    }
}

/// Returns what taking back does that something was taken back.
fn once_more(
    table: &Table,
    past: &Past,
    (target, reverted): (&Recorded, &Reverted),
    (reason, at): (&Text, Timestamp),
) -> Result<Undoing, Rejection> {
    let undoing = match (reverted.what, past.events.get(1)) {
        (Undone::Note, _) => Undoing::of(Undone::Note),
        (Undone::Mark, _) if reverted.again => rerun::unmark(table, target, &reverted.marks)?,
        (Undone::Mark, _) => rerun::mark_again(table, target)?,
        (Undone::Skip, _) => attempt::lift(table, past, target)?,
        (Undone::Decision, _) => approval::reopen_of(table, target)?,
        (
            Undone::Tag | Undone::Metadata | Undone::Limit | Undone::Cost | Undone::Definition,
            Some(effect),
        ) => undoing(table, past, effect, (reason, at))?,
        (Undone::Tag | Undone::Metadata | Undone::Limit | Undone::Cost | Undone::Definition, None) => {
            return Err(RevertRejection::NoCommand { event: target.id }.into());
        }
    };
    Ok(Undoing { again: !reverted.again, ..undoing })
}

/// Applies that something is taken back; what an event of another kind says follows by that.
pub(super) fn reverted(table: &mut Changing<'_>, record: &Recorded, what: &Reverted) -> Result<(), String> {
    table.put_reverted(what.event, record.event_ref());
    match what.what {
        Undone::Mark if what.again => rerun::marked_again(table, record, what),
        Undone::Mark => rerun::unmarked(table, record, what),
        Undone::Skip => attempt::lifted(table, record, what.seq),
        Undone::Decision => approval::reopened(table, record, what.seq),
        Undone::Note => table.pass_retired(record),
        Undone::Tag | Undone::Metadata | Undone::Limit | Undone::Cost | Undone::Definition => {
            table.pass(record)
        }
    }
}
