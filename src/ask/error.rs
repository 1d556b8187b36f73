//! Why a question has no answer.

use crate::ledger::LedgerError;
use crate::model::{CallerKey, EventId, IdPrefix, OperationName, Seq, TagName, escape};
use crate::query::SumTooLarge;
use crate::rules::{Approval, Rejection};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The ledger cannot be read, or what is named is not in its table.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A place beyond the end of the log.
    #[error("there is no event {seq}; the log ends at {head}")]
    NoEvent {
        /// The place.
        seq: Seq,
        /// The last one.
        head: Seq,
    },
    /// The place before the first event, where an event is asked for.
    #[error("there is no event before the first one")]
    BeforeFirst,
    /// An event behind the place that is asked as of.
    #[error("event {seq} comes after e{end}, as of which is asked")]
    After {
        /// The event's place.
        seq: Seq,
        /// The last one that counts.
        end: Seq,
    },
    /// An event that took effect after the moment that is asked as of, though others behind it count.
    #[error("event {seq} took effect later than what is asked as of")]
    TookEffectLater {
        /// The event's place.
        seq: Seq,
    },
    /// A tag that nobody has set.
    #[error("there is no tag `{name}`")]
    NoTag {
        /// The name.
        name: TagName,
    },
    /// A key under which no command was sent.
    #[error("no command was sent under `key:{}`", escape(key.as_str()))]
    NoKey {
        /// The key.
        key: CallerKey,
    },
    /// The start of an id that no event has.
    #[error("no event has an id that starts with `{prefix}`")]
    NoId {
        /// The start.
        prefix: IdPrefix,
    },
    /// The start of an id that several events have.
    #[error("{} events have an id that starts with `{prefix}`", candidates.len())]
    AmbiguousId {
        /// The start.
        prefix: IdPrefix,
        /// The events.
        candidates: Vec<Candidate>,
    },
    /// A range whose end comes before its start.
    #[error("the range runs backwards: from e{after} to e{last}")]
    Backwards {
        /// The place after which it starts.
        after: Seq,
        /// The place where it ends.
        last: Seq,
    },
    /// The log is shorter than its head says, or an event that others name is not there.
    #[error("{found}")]
    Damaged {
        /// What was found, and what was expected.
        found: String,
    },
    /// No request for approval, or not one alone, is what is named.
    #[error(transparent)]
    NoApproval(#[from] NoApproval),
    /// Costs that add up to more than can be told.
    #[error(transparent)]
    Sum(#[from] SumTooLarge),
}

/// Why none of the requests for approval is what is named.
#[derive(Debug, thiserror::Error)]
pub enum NoApproval {
    /// A place without an event.
    #[error("there is no event {seq}")]
    NoEvent {
        /// The place.
        seq: Seq,
    },
    /// An event that is about no request.
    #[error("event {seq} is a `{kind}`, not an `approval_requested`")]
    OtherKind {
        /// Its place.
        seq: Seq,
        /// Its kind.
        kind: &'static str,
    },
    /// The start of an id that no request has.
    #[error("no approval request has an id that starts with `{prefix}`")]
    NoId {
        /// The start.
        prefix: IdPrefix,
    },
    /// The start of an id that several requests have.
    #[error("{} approval requests have an id that starts with `{prefix}`", candidates.len())]
    AmbiguousId {
        /// The start.
        prefix: IdPrefix,
        /// The requests, in their order.
        candidates: Vec<ApprovalCandidate>,
    },
}

/// One of several requests that may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalCandidate {
    /// Its place.
    pub seq: Seq,
    /// Its id.
    pub request: EventId,
    /// What is to be done.
    pub operation: OperationName,
}

impl ApprovalCandidate {
    pub(super) fn new(approval: &Approval) -> Self {
        let Approval { seq, request, asked, .. } = approval;
        ApprovalCandidate { seq: *seq, request: *request, operation: asked.operation.clone() }
    }
}

/// One of several events that may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its place.
    pub seq: Seq,
    /// Its id.
    pub id: EventId,
    /// Its kind.
    pub kind: &'static str,
}

impl From<Rejection> for AskError {
    fn from(rejection: Rejection) -> Self {
        AskError::Ledger(rejection.into())
    }
}
