//! What events force: which of them starts what.

use super::draft::Draft;
use super::family::{alerts, definition};
use super::table::Table;
use super::wave::{STALE_RULE, Wave};
use crate::model::{CauseKind, Event, Recorded, Undone};

/// Derives what a command's events force, but for the first ones, of which that is derived already: until nothing is forced
/// any more, for a limit may fail an attempt, which is judged in turn. The table has all of them folded in.
pub fn propagate(table: &Table, events: &[Recorded], done: usize) -> Vec<Draft> {
    let Some(first) = events.first() else { return Vec::new() };
    let mut wave = Wave::new(table, first, events);
    let mut due = Vec::new();
    for record in events.iter().skip(done).filter(|record| !is_judged(record)) {
        match &record.event {
            Event::WorkflowDefined(defined) => {
                definition::judge_anew(&mut wave, record, defined);
                due.push(alerts::Due::Defined(record));
            }
            Event::PhaseStarted(_) => wave.source(record, CauseKind::PhaseStarted),
            Event::PhaseCompleted(_) | Event::PhaseAccepted(_) => {
                wave.source(record, CauseKind::UpstreamCompleted);
            }
            Event::PhaseFailed(_) => wave.source(record, CauseKind::UpstreamRerun),
            Event::PhaseSkipped(_) => wave.source(record, CauseKind::PhaseSkipped),
            Event::PhaseReset(_) => wave.source(record, CauseKind::UpstreamReset),
            Event::RerunMarked(_) | Event::RerunCauseAdded(_) | Event::RerunDeferred(_) => {
                wave.source(record, CauseKind::UpstreamRerun);
            }
            Event::RerunWithdrawn(_) => wave.source(record, CauseKind::RerunWithdrawn),
            Event::Reverted(reverted) => match (reverted.what, reverted.again) {
                (Undone::Mark, false) => wave.source(record, CauseKind::RerunWithdrawn),
                (Undone::Mark, true) => wave.source(record, CauseKind::UpstreamRerun),
                (Undone::Skip, _) => wave.source(record, CauseKind::PhaseSkipped),
                (
                    Undone::Note
                    | Undone::Tag
                    | Undone::Metadata
                    | Undone::Limit
                    | Undone::Cost
                    | Undone::Definition
                    | Undone::Decision,
                    _,
                ) => {}
            },
            Event::CostRecorded(_) => due.push(alerts::Due::Spent(record)),
            Event::CostLimitSet(_) => due.push(alerts::Due::Limited(record)),
            Event::WorkflowRetired(_)
            | Event::RerunCleared(_)
            | Event::MetadataRecorded(_)
            | Event::NoteAdded(_)
            | Event::TagSet(_)
            | Event::TagRemoved(_)
            | Event::CostWarningRaised(_)
            | Event::CostLimitExceeded(_)
            | Event::CostReserved(_)
            | Event::CostReleased(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalGranted(_)
            | Event::ApprovalRejected(_)
            | Event::HistoryImported(_) => {}
        }
    }
    wave.visit();
    due.iter().for_each(|due| alerts::alert(&mut wave, due));
    wave.drafts
}

/// Says whether an event is what a visit came to.
fn is_judged(record: &Recorded) -> bool {
    record.rule.as_deref() == Some(STALE_RULE)
}

/// Says whether an event is one that [`propagate`] derives.
pub fn is_forced(record: &Recorded) -> bool {
    matches!(record.rule.as_deref(), Some(STALE_RULE | alerts::COST_WARNING_RULE | alerts::COST_LIMIT_RULE))
}
