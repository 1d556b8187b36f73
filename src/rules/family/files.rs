//! The files that a phase declares: what it asks for when they change, a rerun of the phase that read them or put them out.

use super::rerun::taking_back;
use crate::model::{Change, EventId, FileRole, RerunReason, Said, StateName, Text, action};
use crate::rules::draft::{Draft, moving};
use crate::rules::mark::digest;
use crate::rules::phase::PhaseState;
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;

/// How many changed files a reason names.
const NAMED_MAX: usize = 3;

/// Decides on what a scan saw of a phase's files. Where they changed that turns into the event that the phase's state asks
/// for: COMPLETE is marked, IN_PROGRESS deferred, NEEDS_RERUN gets one more cause; where they are again what the last attempt
/// read or put out, what scans said before is taken back. None where the phase runs anyway, and where that is what the last
/// scan saw; nor of the outputs of an attempt under way, which is to put them out yet.
pub(in crate::rules) fn changed(
    table: &Table,
    id: EventId,
    asked: &action::FilesChanged,
) -> Result<Vec<Draft>, Rejection> {
    let (phase, changes, by) = (table.resolve(&asked.phase)?, &asked.changes, Said::from(asked.role));
    let told = phase.said().filter(|mark| mark.said() == Some(by)).last();
    if told.and_then(|mark| mark.changes) == digest(changes) {
        return Ok(Vec::new());
    }
    if changes.is_empty() {
        let again = match asked.role {
            FileRole::Inputs => "Inputs are again what the last attempt read",
            FileRole::Outputs => "Outputs are again what the last attempt put out",
        };
        let again = Text::cut(again).expect("a text");
        return Ok(vec![taking_back(table, phase, id, by, again)]);
    }
    let reason = reason(asked.role, changes);
    let why = RerunReason { reason, changes: changes.clone(), reasons: Vec::new() };
    let (event, to) = match (&phase.state, asked.role) {
        (PhaseState::Complete { .. }, _) => (why.marked(), StateName::NeedsRerun),
        (PhaseState::InProgress { .. }, FileRole::Inputs) => (why.deferred(), StateName::InProgress),
        (PhaseState::NeedsRerun { .. }, _) => (why.cause_added(), StateName::NeedsRerun),
        (PhaseState::InProgress { .. }, FileRole::Outputs)
        | (PhaseState::Pending { .. } | PhaseState::Failed { .. }, _) => return Ok(Vec::new()),
    };
    Ok(vec![moving(phase, id, event, to)])
}

/// Says in words which files changed.
fn reason(role: FileRole, changes: &[Change]) -> Text {
    let path = |change: &Change| change.path().unwrap_or(&change.what).to_owned();
    let named: Vec<_> = changes.iter().take(NAMED_MAX).map(path).collect();
    let head = match (role, changes.len()) {
        (FileRole::Inputs, 1) => "Input changed",
        (FileRole::Inputs, _) => "Inputs changed",
        (FileRole::Outputs, 1) => "Output changed",
        (FileRole::Outputs, _) => "Outputs changed",
    };
    let more = match changes.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Text::cut(&format!("{head}: {}{more}", named.join(", "))).expect("something changed")
}
