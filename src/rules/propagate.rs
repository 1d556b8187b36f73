//! What events force: which of them starts what.

use super::draft::Draft;
use super::family::costs::alert;
use super::settle::settle;
use super::table::Table;
use super::wave::Wave;
use crate::model::{CauseKind, Event, PhaseId, Recorded, Subject};

/// Derives what a command's events force. The table has those events folded in already.
pub fn propagate(table: &Table, events: &[Recorded]) -> Vec<Draft> {
    let Some(first) = events.first() else { return Vec::new() };
    let mut wave = Wave::new(table, first, events);
    let mut completed = Vec::new();
    for record in events {
        match (&record.event, &record.subject) {
            (
                Event::RerunMarked(_) | Event::RerunCauseAdded(_) | Event::RerunDeferred(_),
                Subject::Phase(id),
            ) => wave.source(id, record, CauseKind::UpstreamRerun),
            (Event::PhaseReset(_), Subject::Phase(id)) => wave.source(id, record, CauseKind::UpstreamReset),
            (Event::PhaseCompleted(_), Subject::Phase(id)) => {
                wave.complete(id, record);
                completed.push((id, (record.id, record.seq)));
            }
            (Event::WorkflowDefined(defined), Subject::Workflow(name)) => {
                for change in &defined.changed {
                    let id = PhaseId::new(name.clone(), change.phase.clone());
                    wave.seed_definition(&id, record, &change.changes);
                }
            }
            (
                Event::RerunMarked(_)
                | Event::PhaseReset(_)
                | Event::PhaseCompleted(_)
                | Event::WorkflowDefined(_)
                | Event::PhaseStarted(_)
                | Event::PhaseFailed(_)
                | Event::PhaseSkipped(_)
                | Event::RerunCauseAdded(_)
                | Event::RerunDeferred(_)
                | Event::RerunCleared(_)
                | Event::MetadataRecorded(_)
                | Event::NoteAdded(_)
                | Event::TagSet(_)
                | Event::CostRecorded(_)
                | Event::CostLimitSet(_)
                | Event::CostWarningRaised(_)
                | Event::CostLimitExceeded(_)
                | Event::ApprovalRequested(_)
                | Event::ApprovalGranted(_)
                | Event::ApprovalRejected(_)
                | Event::HistoryImported(_),
                _,
            ) => {}
        }
    }
    wave.visit();
    for (id, completion) in completed {
        settle(&mut wave, id, completion);
    }
    events.iter().for_each(|record| alert(&mut wave, record));
    wave.drafts
}
