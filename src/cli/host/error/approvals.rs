//! What the user is told when a request for approval, or a decision on one, is refused.

use phaseledger::rules::ApprovalRejection;

use super::{Failure, Kind};

impl From<&ApprovalRejection> for Failure {
    fn from(rejection: &ApprovalRejection) -> Self {
        let failure = |kind| Failure::new(kind, rejection.to_string());
        match rejection {
            ApprovalRejection::UnknownApproval { .. } => {
                failure(Kind::UnknownApproval).hint("`phaseledger approval list` lists the requests")
            }
            ApprovalRejection::AlreadyDecided { request, seq, decision } => failure(Kind::AlreadyDecided)
                .hint("a decision stands; ask anew with `phaseledger approval request`")
                .detail("request", request.to_string())
                .detail("request_seq", seq.number())
                .detail("decision", decision.verdict.as_str())
                .detail("seq", decision.seq.number()),
            ApprovalRejection::SelfApproval { request, seq, .. } => failure(Kind::SelfApproval)
                .hint(
                    "let someone else grant it, or put `self_approval = true` below `[workflow.approval]` and define \
                     the workflow anew",
                )
                .detail("request", request.to_string())
                .detail("request_seq", seq.number()),
            ApprovalRejection::NegativeAmount { .. } => failure(Kind::BadAmount),
        }
    }
}
