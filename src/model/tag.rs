//! Tags, in the imperative: a place gets a name, or loses it.

use serde::{Deserialize, Serialize};

use super::{Seq, TagName, Text};

/// Names a place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The name.
    pub name: TagName,
    /// The place; none for the head.
    pub seq: Option<Seq>,
    /// Whether a name that is set already moves.
    // Left out where it does not, so that the digest of a tag is what it was before one could say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Takes the name of a place away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Untag {
    /// The name.
    pub name: TagName,
    /// Why.
    pub reason: Option<Text>,
}
