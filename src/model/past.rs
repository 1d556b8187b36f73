//! What the log has of a command that is to be taken back.

use super::{Definition, EventId, Metadata, Recorded, Seq};

/// What the log has of a command that is to be taken back, and of how things were in front of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Its events, in order: at least one.
    pub events: Vec<Recorded>,
    /// Where it takes something back itself: what that is, and so on down to what takes nothing back, that first; itself last.
    pub chain: Vec<EventId>,
    /// What was attached to the phase that it is about.
    pub metadata: Metadata,
    /// The place that a tag named that it set or removed.
    pub tag: Option<Seq>,
    /// The definition that was in force of the workflow that it defined.
    pub definition: Option<Definition>,
}
