//! The files that a phase declares: what it asks for when they change, a rerun of the phase that read them.

use super::rerun::taking_back;
use crate::model::{Change, EventId, RerunReason, Said, StateName, Text, action};
use crate::rules::draft::{Draft, moving};
use crate::rules::mark::digest;
use crate::rules::phase::PhaseState;
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;

/// How many changed files a reason names.
const NAMED_MAX: usize = 3;

/// What stands before the path in [`Change::what`].
const INPUT: &str = "input ";

/// Decides on what a scan saw of a phase's inputs. Where they changed that turns into the event that the phase's state asks
/// for: COMPLETE is marked, IN_PROGRESS deferred, NEEDS_RERUN gets one more cause; where they are again what the last attempt
/// read, what scans said before is taken back. None where the phase runs anyway, and where that is what the last scan saw.
pub(in crate::rules) fn inputs_changed(
    table: &Table,
    id: EventId,
    asked: &action::InputsChanged,
) -> Result<Vec<Draft>, Rejection> {
    let (phase, changes) = (table.resolve(&asked.phase)?, &asked.changes);
    let told = phase.said().filter(|mark| mark.said() == Some(Said::Input)).last();
    if told.and_then(|mark| mark.changes) == digest(changes) {
        return Ok(Vec::new());
    }
    if changes.is_empty() {
        let again = Text::cut("Inputs are again what the last attempt read").expect("a text");
        return Ok(vec![taking_back(table, phase, id, Said::Input, again)]);
    }
    let why = RerunReason { reason: reason(changes), changes: changes.clone(), reasons: Vec::new() };
    let (event, to) = match phase.state {
        PhaseState::Complete { .. } => (why.marked(), StateName::NeedsRerun),
        PhaseState::InProgress { .. } => (why.deferred(), StateName::InProgress),
        PhaseState::NeedsRerun { .. } => (why.cause_added(), StateName::NeedsRerun),
        PhaseState::Pending { .. } | PhaseState::Failed { .. } => return Ok(Vec::new()),
    };
    Ok(vec![moving(phase, id, event, to)])
}

/// Says in words which inputs changed.
fn reason(changes: &[Change]) -> Text {
    let path = |change: &Change| change.what.strip_prefix(INPUT).unwrap_or(&change.what).to_owned();
    let named: Vec<_> = changes.iter().take(NAMED_MAX).map(path).collect();
    let head = if changes.len() == 1 { "Input changed" } else { "Inputs changed" };
    let more = match changes.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Text::cut(&format!("{head}: {}{more}", named.join(", "))).expect("something changed")
}
