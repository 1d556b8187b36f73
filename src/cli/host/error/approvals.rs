//! What the user is told when a request for approval, or a decision on one, is refused.

use phaseledger::rules::ApprovalRejection;

use super::Failure;

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
