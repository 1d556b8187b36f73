//! What an event was caused by, and what it goes back to.

use serde::{Deserialize, Serialize};

use super::{EventId, EventRef, PhaseId, Seq};

/// Why one event directly forced or motivated another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A phase above must run again.
    UpstreamRerun,
    /// A phase above was reset.
    UpstreamReset,
    /// A phase above completed anew, after it was consumed.
    UpstreamCompleted,
    /// The phase's definition changed.
    DefinitionChanged,
    /// A scan found an input changed while the attempt ran.
    InputChanged,
    /// A scan found an output changed.
    OutputChanged,
    /// The mark that a start answers.
    RerunMarked,
    /// What was taken back of why a phase was to run again.
    RerunWithdrawn,
    /// The reset that a start answers.
    PhaseReset,
    /// The skip that a start ends.
    PhaseSkipped,
    /// What somebody vouched for, and that explains no more than itself.
    PhaseAccepted,
    /// The start of the attempt that ended.
    PhaseStarted,
    /// The failure of the attempt that a start tries again.
    PhaseFailed,
    /// The completion whose output turned out to be unchanged.
    UpstreamUnchanged,
    /// The record of a cost that took what was spent over a threshold.
    CostRecorded,
    /// The new limit that what was spent already is over.
    CostLimitSet,
    /// The limit that the attempt went over.
    CostLimitExceeded,
    /// What is no longer held.
    CostReserved,
    /// The request that a decision answers.
    ApprovalRequested,
    /// What is taken back.
    Reverted,
    /// The command that asked for several events at once.
    SameCommand,
}

/// One immediate cause of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The event that directly forced or motivated this one: always earlier in the log.
    pub event: EventRef,
    /// Why it did.
    pub kind: CauseKind,
    /// The edge of the graph along which it did: from the needed phase to the one that needs it.
    pub edge: Option<(PhaseId, PhaseId)>,
}

impl Cause {
    /// Makes a cause that came along no edge.
    pub const fn new(event: EventRef, kind: CauseKind) -> Self {
        Cause { event, kind, edge: None }
    }
}

/// An event that something goes back to, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Its place.
    pub seq: Seq,
    /// Its identity.
    pub event: EventId,
    /// What it is to what goes back to it.
    pub kind: CauseKind,
    /// The root that it leads to, of what the first release recorded; none for one that is a root itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<EventId>,
}

impl Origin {
    /// Makes an origin.
    pub const fn new(event: EventRef, kind: CauseKind) -> Self {
        Origin { seq: event.seq, event: event.id, kind, root: None }
    }

    /// Returns it as a cause.
    pub const fn cause(&self) -> Cause {
        Cause::new(EventRef { seq: self.seq, id: self.event }, self.kind)
    }
}
