//! What the user is told when a question has no answer, or what is asked about cannot be found.

use phaseledger::ask::{AskError, Candidate};

use super::{Failure, Kind};

/// How many of the events that may be meant are named.
const CANDIDATES_NAMED: usize = 10;

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

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let message = error.to_string();
        match error {
            AskError::Ledger(error) => error.into(),
            AskError::Sum(error) => error.into(),
            AskError::NoApproval(refused) => refused.into(),
            AskError::NoEvent { .. } => {
                Failure::not_found(message).hint("`phaseledger log` lists the events")
            }
            AskError::BeforeFirst => {
                Failure::not_found(message).hint("the first event is `e1`, the last one `head`")
            }
            AskError::After { .. } | AskError::TookEffectLater { .. } => Failure::not_found(message),
            AskError::NoTag { .. } => {
                Failure::not_found(message).hint("`phaseledger tag --list` lists the tags")
            }
            AskError::NoKey { .. } => Failure::not_found(message)
                .hint("a key is the text that a command was sent under, as in `--id key:TEXT`, all of it"),
            AskError::NoId { .. } => {
                Failure::not_found(message).hint("`phaseledger log --json` lists the events with their ids")
            }
            AskError::AmbiguousId { candidates, .. } => ambiguous(message, &candidates),
            AskError::Backwards { .. } => Failure::misuse(message).hint("put the earlier place first"),
            AskError::Damaged { .. } => Failure::damage(message),
        }
    }
}

fn ambiguous(message: String, candidates: &[Candidate]) -> Failure {
    let named = candidates.iter().take(CANDIDATES_NAMED);
    let lines = named.clone().map(|event| format!("\n  e{} {} {}", event.seq, event.id, event.kind));
    let ids = named.map(|event| event.id.to_string()).collect();
    Failure::ambiguous_id(message, ids).hint(format!("give more of it:{}", lines.collect::<String>()))
}
