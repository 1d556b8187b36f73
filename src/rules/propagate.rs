//! What events force: which of them starts what.

use super::draft::Draft;
use super::family::{costs, definition};
use super::settle::settle;
use super::table::Table;
use super::wave::Wave;
use crate::model::{CauseKind, Event, Recorded};

/// Derives what a command's events force. The table has those events folded in already.
pub fn propagate(table: &Table, events: &[Recorded]) -> Vec<Draft> {
    let Some(first) = events.first() else { return Vec::new() };
    let mut wave = Wave::new(table, first, events);
    let mut completed = Vec::new();
    let mut due = Vec::new();
    for record in events {
        match &record.event {
            Event::WorkflowDefined(defined) => {
                definition::outdate(&mut wave, record, defined);
                due.push(costs::Due::Defined(record));
            }
            Event::PhaseCompleted(_) => {
                wave.complete(record);
                completed.push(record);
            }
            Event::PhaseReset(_) => wave.source(record, CauseKind::UpstreamReset),
            Event::RerunMarked(_) | Event::RerunCauseAdded(_) | Event::RerunDeferred(_) => {
                wave.source(record, CauseKind::UpstreamRerun);
            }
            Event::CostRecorded(_) => due.push(costs::Due::Spent(record)),
            Event::CostLimitSet(_) => due.push(costs::Due::Limited(record)),
            Event::PhaseStarted(_)
            | Event::PhaseFailed(_)
            | Event::PhaseSkipped(_)
            | Event::RerunCleared(_)
            | Event::MetadataRecorded(_)
            | Event::NoteAdded(_)
            | Event::TagSet(_)
            | Event::CostWarningRaised(_)
            | Event::CostLimitExceeded(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalGranted(_)
            | Event::ApprovalRejected(_)
            | Event::HistoryImported(_) => {}
        }
    }
    wave.visit();
    completed.iter().for_each(|record| settle(&mut wave, record));
    due.iter().for_each(|due| costs::alert(&mut wave, due));
    wave.drafts
}
