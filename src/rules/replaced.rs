//! What an event replaced that may be taken back: kept until the phase moves on, so that it is there again as it was.

use serde::{Deserialize, Serialize};

use super::approval::Decision;
use super::mark::Mark;
use super::phase::PhaseState;
use crate::model::{Origin, Seq, Timestamp};

/// What an event replaced of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// The place of the event.
    pub by: Seq,
    /// What was there.
    pub was: Was,
}

/// What was there of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Was {
    /// Marks, which are gone.
    Marks(Vec<Mark>),
    /// Where it stood.
    Stood(Box<Stood>),
}

/// Where a phase stood, with what of it goes when it moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stood {
    /// Its state.
    pub state: PhaseState,
    /// What set its last completion aside goes back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Origin>,
    /// The reset that it was as if it had not run by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Origin>,
}

/// What an event replaced of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplacedDecision {
    /// The place of the event.
    pub by: Seq,
    /// When it took effect.
    pub at: Timestamp,
    /// How the request was decided in front of it; none where it waited.
    pub was: Option<Decision>,
}
