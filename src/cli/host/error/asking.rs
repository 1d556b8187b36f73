//! What the user is told when a question has no answer.

use phaseledger::ask::{AskError, Candidate};

use super::Failure;

/// How many of the events that may be meant are named.
const CANDIDATES_NAMED: usize = 10;

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
                Failure::not_found(message).hint("the first event is `#1`, the last one `head`")
            }
            AskError::After { .. } => Failure::not_found(message),
            AskError::NoTag { .. } => {
                Failure::not_found(message).hint("`phaseledger log --kind tag_set` lists the tags")
            }
            AskError::NoId { .. } => {
                Failure::not_found(message).hint("`phaseledger log --json` lists the events with their ids")
            }
            AskError::AmbiguousId { candidates, .. } => ambiguous(message, &candidates),
            AskError::Backwards { .. } => Failure::misuse(message).hint("put the earlier place first"),
            AskError::Damaged { .. } => Failure::new(5, "damaged", message),
        }
    }
}

fn ambiguous(message: String, candidates: &[Candidate]) -> Failure {
    let named = candidates.iter().take(CANDIDATES_NAMED);
    let lines = named.clone().map(|event| format!("\n  #{} {} {}", event.seq, event.id, event.kind));
    let ids: Vec<_> = named.map(|event| event.id.to_string()).collect();
    Failure::new(2, "ambiguous_id", message)
        .hint(format!("give more of it:{}", lines.collect::<String>()))
        .detail("candidates", ids)
}
