//! What events add up to: the fold. It applies what is stored, and never decides or derives.

use super::family::{
    accepted, approval, attempt, costs, definition, notes, rerun, reservations, reset, retirement, started,
};
use super::revert;
use super::table::Table;
use super::touched::{Changing, Touched};
use crate::model::{Event, Recorded, Seq, Verdict};

/// An event that cannot follow what is before it: the log is damaged, or was made by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} cannot follow: {found}")]
pub struct Impossible {
    /// The event's place.
    pub seq: Seq,
    /// What was found, and what was expected.
    pub found: String,
}

/// Folds one more event into the table, and returns which of its rows that touched.
///
/// # Errors
///
/// [`Impossible`], and the table is no longer to be used: a ledger that shrugs is no evidence.
pub fn evolve(table: &mut Table, record: &Recorded) -> Result<Touched, Impossible> {
    let impossible = |found: String| Impossible { seq: record.seq, found };
    if record.seq != table.head.plus(1) {
        return Err(impossible(format!("it is event {}, expected event {}", record.seq, table.head.plus(1))));
    }
    if let Some(late) = record.causes.iter().find(|cause| cause.event.seq >= record.seq) {
        return Err(impossible(format!("its cause is event {}, which is not before it", late.event.seq)));
    }
    let mut table = Changing::new(table);
    apply(&mut table, record).map_err(impossible)?;
    Ok(table.end(record.seq))
}

/// Hands the event's data to its family. Says what is wrong where it cannot follow.
fn apply(table: &mut Changing<'_>, record: &Recorded) -> Result<(), String> {
    match &record.event {
        Event::WorkflowDefined(defined) => definition::defined(table, record, defined),
        Event::WorkflowRetired(retired) => retirement::retired(table, record, retired),
        Event::PhaseStarted(started) => started::started(table, record, started),
        Event::PhaseCompleted(completed) => attempt::completed(table, record, completed),
        Event::PhaseFailed(failed) => attempt::failed(table, record, failed),
        Event::PhaseAccepted(accepted) => accepted::accepted(table, record, accepted),
        Event::PhaseSkipped(skipped) => attempt::skipped(table, record, skipped),
        Event::PhaseReset(_) => reset::done(table, record),
        Event::RerunMarked(why) => rerun::marked(table, record, why),
        Event::RerunCauseAdded(why) => rerun::cause_added(table, record, why),
        Event::RerunDeferred(why) => rerun::deferred(table, record, why),
        Event::RerunWithdrawn(withdrawn) => rerun::withdrawn(table, record, withdrawn),
        Event::RerunCleared(_) => rerun::cleared(table, record),
        Event::MetadataRecorded(recorded) => notes::attached(table, record, recorded),
        Event::NoteAdded(_) => notes::noted(table, record),
        Event::TagSet(tag) => notes::tagged(table, record, tag),
        Event::TagRemoved(tag) => notes::untagged(table, record, tag),
        Event::Reverted(what) => revert::reverted(table, record, what),
        Event::CostRecorded(cost) => costs::recorded(table, record, cost),
        Event::CostLimitSet(set) => costs::limit_set(table, record, set),
        Event::CostWarningRaised(warning) => costs::warned(table, record, warning),
        Event::CostLimitExceeded(exceeded) => costs::exceeded(table, record, exceeded),
        Event::CostReserved(held) => reservations::reserved(table, record, held),
        Event::CostReleased(released) => reservations::released(table, record, released),
        Event::ApprovalRequested(asked) => approval::requested(table, record, asked),
        Event::ApprovalGranted(decided) => approval::decided(table, record, Verdict::Granted, decided),
        Event::ApprovalRejected(decided) => approval::decided(table, record, Verdict::Rejected, decided),
        Event::HistoryImported(_) => notes::imported(table, record),
    }
}
