//! What the user is told when what is asked about cannot be found.

use super::{Failure, Kind};

impl Failure {
    /// Something that is asked for by name and is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Failure::new(Kind::NotFound, message)
    }

    /// A request for approval that is not there.
    pub fn unknown_approval(message: String) -> Self {
        Failure::new(Kind::UnknownApproval, message)
    }

    /// The start of an id that several things have.
    pub fn ambiguous_id(message: String, candidates: Vec<String>) -> Self {
        Failure::new(Kind::AmbiguousId, message).detail("candidates", candidates)
    }

    /// A step of the demonstration that failed.
    pub fn demo(message: String) -> Self {
        Failure::new(Kind::Demo, message).hint("name a folder that is empty, or none")
    }
}
