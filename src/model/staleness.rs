//! What an attempt was built on, and why that does not stand any more.

use serde::{Deserialize, Serialize};

use super::{Digest, EventId, FileRole, PhaseId, PhaseRef, Seq};

/// A completion, or a skip, that an attempt builds on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// The needed phase.
    pub phase: PhaseId,
    /// Its completion or skip.
    pub event: EventId,
    /// Where that event is in the log.
    pub seq: Seq,
    /// The digest of its output; none when it had none, or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Digest>,
}

/// What an attempt found through a need that has no completion which stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookedThrough {
    /// The need.
    pub need: PhaseId,
    /// The completions found, by the names of their phases; none where they are too many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Consumed>,
    /// How many they are and what tells them apart, in place of more than [`BASIS_LISTED_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<Many>,
}

/// How many completions a start lists for a need; of more it keeps their number and a digest.
pub const BASIS_LISTED_MAX: usize = 64;

/// More completions than are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Many {
    /// How many they are.
    pub count: u64,
    /// The digest over a line each, in the order of their names: the name, a space, the digest of the output or, where
    /// there is none, the id of the completion.
    pub digest: Digest,
}

/// Who says that a phase must run again, where it is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// A person: the reason is [`Reason::Manual`].
    Manual,
    /// A scan that looked at its inputs: the reason is [`Reason::Input`].
    Input,
    /// A scan that looked at its outputs: the reason is [`Reason::Output`].
    Output,
}

impl From<FileRole> for Said {
    fn from(role: FileRole) -> Self {
        match role {
            FileRole::Inputs => Said::Input,
            FileRole::Outputs => Said::Output,
        }
    }
}

impl Said {
    /// Returns the reason that holds while it is said.
    pub const fn reason(self) -> Reason {
        match self {
            Said::Manual => Reason::Manual,
            Said::Input => Reason::Input,
            Said::Output => Reason::Output,
        }
    }
}

/// Why what a phase has, or is about to have, does not stand: a reason holds as long as what it says is so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// A person marked it since its attempt began.
    Manual,
    /// The definition's version is not the one that it ran under.
    Version {
        /// The one that it ran under.
        before: Option<String>,
        /// The definition's.
        after: Option<String>,
    },
    /// Its input files, as last looked at, are not what it read.
    Input,
    /// Its output files, as last looked at, are not what it put out.
    Output,
    /// It has a need that it did not have when its attempt began.
    NeedAdded {
        /// The need; its bare name within the workflow.
        need: PhaseRef,
    },
    /// What it would find in a need, or through it, is not what its attempt found.
    NeedChanged {
        /// The need.
        need: PhaseRef,
    },
    /// The need, or a phase that is looked through or found through it, is itself stale.
    NeedStale {
        /// The need.
        need: PhaseRef,
    },
    /// The first release marked it, and none of these explained it then: until its next attempt.
    Legacy,
}
