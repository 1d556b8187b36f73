//! How the log says that an attempt ended, whoever ended it.

use phaseledger::model::Recorded;

use super::end::as_failed;
use crate::cli::ui::render;

/// Says how the event that ended an attempt did so, and what to exit with.
pub fn of_end(end: &Recorded) -> (String, u8) {
    let event = &end.event;
    match (event.completed(), event.failed(), event.reset()) {
        (Some(_), ..) => ("was completed".to_owned(), 0),
        (_, Some(failed), _) => {
            let exit_code = as_failed(failed.exit_code, failed.signal.as_deref());
            (format!("failed ({})", render::one_line(failed.error.as_str())), exit_code)
        }
        (.., Some(_)) => ("was reset".to_owned(), 1),
        // A definition no longer has the phase.
        (None, None, None) => ("was retired".to_owned(), 1),
    }
}
