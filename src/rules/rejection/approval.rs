//! Why a request for approval, or a decision on one, was refused.

use crate::model::{Actor, Amount, DecidedBy, EventId, EventRef, Seq};
use crate::rules::approval::Decision;

/// Why a request for approval, or a decision on one, was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApprovalRejection {
    /// No such request.
    #[error("the ledger has no approval request {request}")]
    UnknownApproval {
        /// What was asked for.
        request: EventId,
    },
    /// A request that was decided before.
    #[error(
        "the request of event {} was {} by {} in event {}, at {}: {}",
        request.seq,
        decision.verdict.as_str(),
        match decision.decided_by { DecidedBy::Policy => "the policy", DecidedBy::Person => &decision.by.name },
        decision.seq,
        decision.at,
        decision.reason,
    )]
    AlreadyDecided {
        /// The request.
        request: EventRef,
        /// How it was decided.
        decision: Box<Decision>,
    },
    /// A grant by whoever asked.
    #[error("{}: the workflow does not allow `self_approval`", own(by, asked, request.seq))]
    SelfApproval {
        /// The request.
        request: EventRef,
        /// Who would grant it.
        by: Box<Actor>,
        /// Who asked.
        asked: Box<Actor>,
    },
    /// An amount below zero.
    #[error("`{what}` is {amount}, which is negative; expected 0 or more")]
    NegativeAmount {
        /// Which.
        what: &'static str,
        /// What was given.
        amount: Amount,
    },
}

/// Says why it is their own request.
fn own(by: &Actor, asked: &Actor, seq: Seq) -> String {
    match by.has_name_of(asked) {
        true => format!("`{}` asked for it in event {seq}, and may not grant it", asked.name),
        false => format!(
            "`{by}` may not grant what `{asked}` asked for in event {seq}, who is the same user of `{}`",
            by.host
        ),
    }
}
