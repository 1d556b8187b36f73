//! How the log says that an attempt ended, whoever ended it.

use phaseledger::model::{PhaseId, Recorded};

use super::end::as_failed;
use crate::cli::ui::render;

/// Says how an event ends an attempt, and what to exit with; none where it does not end it.
pub fn end_of(record: &Recorded, phase: &PhaseId, attempt: u32) -> Option<(String, u8)> {
    let event = &record.event;
    if let Some(defined) = event.definition() {
        let is_retired =
            record.subject.workflow() == Some(&phase.workflow) && defined.retired.contains(&phase.phase);
        return is_retired.then(|| ("was retired".to_owned(), 1));
    }
    if record.subject.phase() != Some(phase) {
        return None;
    }
    let completed = event.completed().filter(|completed| completed.attempt == attempt);
    let failed = event.failed().filter(|failed| failed.attempt == attempt);
    match (completed, failed, event.reset()) {
        (Some(_), ..) => Some(("was completed".to_owned(), 0)),
        (_, Some(failed), _) => {
            let exit_code = as_failed(failed.exit_code, failed.signal.as_deref());
            Some((format!("failed ({})", render::one_line(failed.error.as_str())), exit_code))
        }
        (.., Some(_)) => Some(("was reset".to_owned(), 1)),
        (None, None, None) => None,
    }
}
