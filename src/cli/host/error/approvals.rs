//! What the user is told when a request for approval, or a decision on one, is refused.

use phaseledger::ask::{ApprovalCandidate, NoApproval};
use phaseledger::model::Seq;
use phaseledger::rules::ApprovalRejection;

use super::{Failure, Kind};

/// How a request is named.
pub const APPROVAL_EXPECTED: &str = "give the request's id or the start of it, four digits at least, the `key:TEXT` \
                                     that it was sent under, or its place as `e12`; `phaseledger approval list` lists the requests";

const SELF_APPROVAL: &str = "let someone else grant it, or put `self_approval = true` below `[workflow.approval]` and \
                             define the workflow anew";

const SAME_USER: &str = "let someone grant it under a user of their own; where several people share one, each asks and \
                         grants by a name of their own (`--by`)";

/// How many of the requests that may be meant are named.
const CANDIDATES_NAMED: usize = 10;

impl Failure {
    /// A request on which nobody has decided.
    pub fn undecided(seq: Seq) -> Self {
        Failure::new(Kind::Undecided, format!("nobody has decided on the request e{seq} yet"))
            .hint(
                "`phaseledger approval grant` or `reject` decides, `phaseledger approval wait` waits for it",
            )
            .detail("request", seq.number())
    }
}

impl From<NoApproval> for Failure {
    fn from(refused: NoApproval) -> Self {
        let message = refused.to_string();
        match refused {
            NoApproval::NoEvent { .. } => Failure::not_found(message).hint(APPROVAL_EXPECTED),
            NoApproval::OtherKind { .. } | NoApproval::NoId { .. } => {
                Failure::unknown_approval(message).hint(APPROVAL_EXPECTED)
            }
            NoApproval::AmbiguousId { candidates, .. } => ambiguous(message, &candidates),
        }
    }
}

fn ambiguous(message: String, candidates: &[ApprovalCandidate]) -> Failure {
    let named = candidates.iter().take(CANDIDATES_NAMED);
    let line = |one: &ApprovalCandidate| format!("\n  seq:{} {} {}", one.seq, one.request, one.operation);
    let ids = named.clone().map(|one| one.request.to_string()).collect();
    Failure::ambiguous_id(message, ids)
        .hint(format!("give its place, or more of it:{}", named.map(line).collect::<String>()))
}

impl From<&ApprovalRejection> for Failure {
    fn from(rejection: &ApprovalRejection) -> Self {
        let failure = |kind| Failure::new(kind, rejection.to_string());
        match rejection {
            ApprovalRejection::UnknownApproval { .. } => {
                failure(Kind::UnknownApproval).hint("`phaseledger approval list` lists the requests")
            }
            ApprovalRejection::AlreadyDecided { request, decision } => failure(Kind::AlreadyDecided)
                .hint("a decision stands; ask anew with `phaseledger approval request`")
                .detail("request", request.id.to_string())
                .detail("request_seq", request.seq.number())
                .detail("decision", decision.verdict.as_str())
                .detail("seq", decision.seq.number()),
            ApprovalRejection::SelfApproval { request, by, asked } => failure(Kind::SelfApproval)
                .hint(match by.has_name_of(asked) {
                    true => SELF_APPROVAL,
                    false => SAME_USER,
                })
                .detail("request", request.id.to_string())
                .detail("request_seq", request.seq.number()),
            ApprovalRejection::NegativeAmount { .. } => failure(Kind::BadAmount),
        }
    }
}
