//! The files that a phase declares: what it asks for when they change, a rerun of the phase that read them.

use crate::model::{Change, Digest, EventId, RerunReason, StateName, Text, action};
use crate::rules::draft::{Draft, moving};
use crate::rules::mark::digest;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;

/// How many changed files a reason names.
const NAMED_MAX: usize = 3;

/// What stands before the path in [`Change::what`].
const INPUT: &str = "input ";

/// Decides on changed inputs: they turn into the event that the phase's state asks for: COMPLETE is marked, IN_PROGRESS
/// deferred, NEEDS_RERUN gets one more cause. None where nothing changed, where the phase runs anyway, and
/// where it was told of the very same changes before.
pub(in crate::rules) fn inputs_changed(
    table: &Table,
    id: EventId,
    asked: &action::InputsChanged,
) -> Result<Vec<Draft>, Rejection> {
    let (phase, changes) = (table.resolve(&asked.phase)?, &asked.changes);
    if digest(changes).is_none_or(|told| is_told(phase, told)) {
        return Ok(Vec::new());
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

/// Says whether something that was said since the attempt began told the phase of these changes.
fn is_told(phase: &Phase, changes: Digest) -> bool {
    phase.said().any(|mark| mark.changes == Some(changes))
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
