//! How the log says that an attempt ended, whoever ended it.

use phaseledger::model::{Event, PhaseId, Recorded, Subject};

use super::end::as_failed;
use crate::cli::ui::render;

/// Says how an event ends an attempt, and what to exit with; none where it does not end it.
pub fn end_of(record: &Recorded, phase: &PhaseId, attempt: u32) -> Option<(String, u8)> {
    match (&record.event, &record.subject) {
        (Event::WorkflowDefined(defined), Subject::Workflow(workflow)) => {
            let is_retired = *workflow == phase.workflow && defined.retired.contains(&phase.phase);
            is_retired.then(|| ("was retired".to_owned(), 1))
        }
        (_, Subject::Phase(subject)) if subject != phase => None,
        (Event::PhaseCompleted(completed), _) if completed.attempt == attempt => {
            Some(("was completed".to_owned(), 0))
        }
        (Event::PhaseFailed(failed), _) if failed.attempt == attempt => {
            let exit_code = as_failed(failed.exit_code, failed.signal.as_deref());
            Some((format!("failed ({})", render::one_line(failed.error.as_str())), exit_code))
        }
        (Event::PhaseReset(_), Subject::Phase(_)) => Some(("was reset".to_owned(), 1)),
        _ => None,
    }
}
