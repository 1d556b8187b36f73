//! The files that a phase declares: what it asks for when they change, a rerun of the phase that read them.

use crate::model::{Change, Digest, Event, EventId, RerunReason, StateName, Text};
use crate::rules::draft::{Draft, moving};
use crate::rules::phase::{Phase, PhaseState, digest};

/// How many changed files a reason names.
const NAMED_MAX: usize = 3;

/// What stands before the path in [`Change::what`].
const INPUT: &str = "input ";

/// Turns changed inputs into the event that the phase's state asks for: COMPLETE is marked, IN_PROGRESS
/// deferred, NEEDS_RERUN gets one more cause. None where nothing changed, where the phase runs anyway, and
/// where it was told of the very same changes before.
pub(in crate::rules) fn decide_inputs_changed(phase: &Phase, id: EventId, changes: &[Change]) -> Vec<Draft> {
    let Some(told) = digest(changes) else { return Vec::new() };
    if is_told(phase, told) {
        return Vec::new();
    }
    let why = RerunReason { reason: reason(changes), changes: changes.to_vec() };
    let (event, to) = match phase.state {
        PhaseState::Complete { .. } => (Event::RerunMarked(why), StateName::NeedsRerun),
        PhaseState::InProgress { .. } => (Event::RerunDeferred(why), StateName::InProgress),
        PhaseState::NeedsRerun { .. } => (Event::RerunCauseAdded(why), StateName::NeedsRerun),
        PhaseState::Pending { .. } | PhaseState::Failed { .. } => return Vec::new(),
    };
    vec![moving(phase, id, event, to)]
}

/// Says whether something that still stands told the phase of these changes: a mark, or what was put off until
/// its last attempt ended.
fn is_told(phase: &Phase, changes: Digest) -> bool {
    let put_off = match &phase.state {
        PhaseState::NeedsRerun { completion, .. } => completion.outdated_by.as_slice(),
        PhaseState::Pending { .. }
        | PhaseState::InProgress { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. } => &[],
    };
    phase.state.marks().iter().chain(put_off).any(|mark| mark.changes == Some(changes))
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
