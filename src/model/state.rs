//! The five states, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a phase's state. A skipped phase stays [`StateName::Pending`] and carries the skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StateName {
    /// Not run yet, reset, or skipped.
    Pending,
    /// An attempt is under way.
    InProgress,
    /// The last attempt ended well and nothing it was built on has changed since.
    Complete,
    /// The last attempt ended badly.
    Failed,
    /// The last attempt ended well, but must be repeated.
    NeedsRerun,
}

impl StateName {
    /// All five, in the order in which reports list them.
    pub const ALL: [StateName; 5] = [
        StateName::Pending,
        StateName::InProgress,
        StateName::Complete,
        StateName::Failed,
        StateName::NeedsRerun,
    ];

    /// Returns the name as it is written everywhere: `PENDING`, `IN_PROGRESS` ….
    pub const fn as_str(self) -> &'static str {
        match self {
            StateName::Pending => "PENDING",
            StateName::InProgress => "IN_PROGRESS",
            StateName::Complete => "COMPLETE",
            StateName::Failed => "FAILED",
            StateName::NeedsRerun => "NEEDS_RERUN",
        }
    }

    /// Returns the symbol that stands beside the name.
    pub const fn symbol(self) -> &'static str {
        match self {
            StateName::Pending => "○",
            StateName::InProgress => "▶",
            StateName::Complete => "✔",
            StateName::Failed => "✘",
            StateName::NeedsRerun => "↻",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StateName {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        StateName::ALL
            .into_iter()
            .find(|state| state.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownState(super::escape(text)))
    }
}

/// A word that is not the name of a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state `{0}`; the states are PENDING, IN_PROGRESS, COMPLETE, FAILED and NEEDS_RERUN")]
pub struct UnknownState(String);
