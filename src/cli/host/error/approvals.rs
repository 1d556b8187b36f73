//! What the user is told when a request for approval, or a decision on one, is refused.

use phaseledger::ask::{ApprovalCandidate, NoApproval};
use phaseledger::rules::ApprovalRejection;

use super::Failure;

/// How a request is named.
pub const APPROVAL_EXPECTED: &str = "give the request's id or the start of it, four digits at least, or its place as \
                                     `seq:12`; `phaseledger approval list` lists the requests";

/// How many of the requests that may be meant are named.
const CANDIDATES_NAMED: usize = 10;

impl From<NoApproval> for Failure {
    fn from(refused: NoApproval) -> Self {
        let message = refused.to_string();
        match refused {
            NoApproval::NoEvent { .. } => Failure::not_found(message).hint(APPROVAL_EXPECTED),
            NoApproval::OtherKind { .. } | NoApproval::NoId { .. } => {
                Failure::new(4, "unknown_approval", message).hint(APPROVAL_EXPECTED)
            }
            NoApproval::AmbiguousId { candidates, .. } => ambiguous(message, &candidates),
        }
    }
}

fn ambiguous(message: String, candidates: &[ApprovalCandidate]) -> Failure {
    let named = candidates.iter().take(CANDIDATES_NAMED);
    let line = |one: &ApprovalCandidate| format!("\n  seq:{} {} {}", one.seq, one.request, one.operation);
    let ids: Vec<_> = named.clone().map(|one| one.request.to_string()).collect();
    Failure::new(2, "ambiguous_id", message)
        .hint(format!("give its place, or more of it:{}", named.map(line).collect::<String>()))
        .detail("candidates", ids)
}

impl From<&ApprovalRejection> for Failure {
    fn from(rejection: &ApprovalRejection) -> Self {
        let failure = |exit, code| Failure::new(exit, code, rejection.to_string());
        match rejection {
            ApprovalRejection::UnknownApproval { .. } => {
                failure(4, "unknown_approval").hint("`phaseledger approval list` lists the requests")
            }
            ApprovalRejection::AlreadyDecided { request, seq, decision } => failure(6, "already_decided")
                .hint("a decision stands; ask anew with `phaseledger approval request`")
                .detail("request", request.to_string())
                .detail("request_seq", seq.number())
                .detail("decision", decision.verdict.as_str())
                .detail("seq", decision.seq.number()),
            ApprovalRejection::SelfApproval { request, seq, .. } => failure(6, "self_approval")
                .hint(
                    "let someone else grant it, or put `self_approval = true` below `[workflow.approval]` and define \
                     the workflow anew",
                )
                .detail("request", request.to_string())
                .detail("request_seq", seq.number()),
            ApprovalRejection::NegativeAmount { .. } => failure(2, "bad_amount"),
        }
    }
}
