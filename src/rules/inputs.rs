//! The files that a phase declares, and what it asks for when they change: a rerun of the phase that read them.

use super::decide::moving;
use super::{Draft, Phase, PhaseState};
use crate::model::{Change, Declared, Digest, Event, EventId, FileRole, RerunReason, StateName, Text};

/// How many changed files a reason names.
const NAMED_MAX: usize = 3;

/// What stands before the path in [`Change::what`].
const INPUT: &str = "input ";

impl Phase {
    /// Returns what its definition declares of its files; none where it declares nothing.
    pub fn declared(&self, role: FileRole) -> Option<Declared> {
        let patterns = match role {
            FileRole::Inputs => &self.spec.inputs,
            FileRole::Outputs => &self.spec.outputs,
        };
        let declared = || Declared { phase: self.id.clone(), role, patterns: patterns.clone() };
        (!patterns.is_empty()).then(declared)
    }
}

/// Turns changed inputs into the event that the phase's state asks for: COMPLETE is marked, IN_PROGRESS
/// deferred, NEEDS_RERUN gets one more cause. None where nothing changed, where the phase runs anyway, and
/// where it was told of the very same changes before.
pub(super) fn decide_inputs_changed(phase: &Phase, id: EventId, changes: &[Change]) -> Vec<Draft> {
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

/// Returns the digest of what changed; none where nothing did.
pub(super) fn digest(changes: &[Change]) -> Option<Digest> {
    let json = || serde_json::to_vec(changes).expect("changes are texts");
    (!changes.is_empty()).then(|| Digest::sha256(&json()))
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
