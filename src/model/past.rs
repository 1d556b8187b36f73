//! What the log has that a decision needs and the table does not tell.

use super::{Amount, Definition, EventId, Metadata, Recorded, Seq, Timestamp};

/// What the log has of a command that is to be taken back, and of how things were in front of it; of a reservation that is
/// named; and of what was spent lately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// Its events, in order: at least one, where a command or a reservation is meant.
    pub events: Vec<Recorded>,
    /// Where it takes something back itself: what that is, and so on down to what takes nothing back, that first; itself last.
    pub chain: Vec<EventId>,
    /// What was attached to the phase that it is about.
    pub metadata: Metadata,
    /// The place that a tag named that it set or removed.
    pub tag: Option<Seq>,
    /// The definition that was in force of the workflow that it defined.
    pub definition: Option<Definition>,
    /// What was spent, and given back, of what a period's limit is set for: each with the instant that it counts for.
    pub spent: Vec<(Timestamp, Amount)>,
}
