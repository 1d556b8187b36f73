//! Why a phase must run again: what events said of it.

use serde::{Deserialize, Serialize};

use crate::model::{CauseKind, Change, Digest, EventId, Origin, Said, Seq, Text, Timestamp};

/// Why a phase must run again: one event that said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The event: `rerun_marked`, `rerun_cause_added` or `rerun_deferred`; a `rerun_withdrawn` that left no other.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// The root of its causes.
    pub root: EventId,
    /// When it took effect.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: Text,
    /// The kind of its weightiest cause; none when someone asked for it.
    pub kind: Option<CauseKind>,
    /// The digest of the changed files that a scan found, so that it says the same only once; none for a mark
    /// that no scan made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Digest>,
    /// Whether those are files that the phase put out, and not such that it read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outputs: bool,
    /// Whether the first release made it and nothing explained it then: it holds until the next attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legacy: bool,
}

impl Mark {
    /// Says whether a person or a scan made it, and not a rule.
    pub fn is_own(&self) -> bool {
        self.kind.is_none()
    }

    /// Tells who made it; none where a rule did.
    pub fn said(&self) -> Option<Said> {
        self.is_own().then_some(match (self.changes, self.outputs) {
            (None, _) => Said::Manual,
            (Some(_), false) => Said::Input,
            (Some(_), true) => Said::Output,
        })
    }

    /// Returns the event that made it, as what a start answers.
    pub(super) fn origin(&self) -> Origin {
        let kind = match self.said() {
            // What stands in for marks that were taken back is no more than itself.
            None if self.root == self.event && !self.legacy => CauseKind::RerunWithdrawn,
            None => CauseKind::UpstreamRerun,
            Some(Said::Input) => CauseKind::InputChanged,
            Some(Said::Output) => CauseKind::OutputChanged,
            Some(Said::Manual) => CauseKind::RerunMarked,
        };
        let root = (self.root != self.event).then_some(self.root);
        Origin { seq: self.seq, event: self.event, kind, root }
    }
}

/// Says whether a kind of cause comes from a phase above.
pub(super) fn is_upstream(kind: CauseKind) -> bool {
    match kind {
        CauseKind::UpstreamRerun | CauseKind::UpstreamReset | CauseKind::UpstreamCompleted => true,
        CauseKind::DefinitionChanged
        | CauseKind::InputChanged
        | CauseKind::OutputChanged
        | CauseKind::RerunMarked
        | CauseKind::RerunWithdrawn
        | CauseKind::PhaseReset
        | CauseKind::PhaseSkipped
        | CauseKind::PhaseFailed
        | CauseKind::PhaseAccepted
        | CauseKind::PhaseStarted
        | CauseKind::Reverted
        | CauseKind::UpstreamUnchanged
        | CauseKind::CostRecorded
        | CauseKind::CostLimitSet
        | CauseKind::CostLimitExceeded
        | CauseKind::CostReserved
        | CauseKind::ApprovalRequested
        | CauseKind::SameCommand => false,
    }
}

/// Returns the digest of what changed; none where nothing did.
pub(super) fn digest(changes: &[Change]) -> Option<Digest> {
    let json = || serde_json::to_vec(changes).expect("changes are texts");
    (!changes.is_empty()).then(|| Digest::sha256(&json()))
}
