//! Approvals: what someone asks leave for, and how it was decided.

use serde::{Deserialize, Serialize};

use super::{Amount, EventId, Metadata, OperationName, PhaseRef, PolicyRule, Seq, Text, WorkflowName};

/// A rule that decided, or that left the decision to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// Which.
    pub rule: PolicyRule,
    /// What was compared with: an amount, or a number of items; none for a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
}

/// How a request was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Granted,
    /// No.
    Rejected,
}

impl Verdict {
    /// Returns the word, as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Granted => "granted",
            Verdict::Rejected => "rejected",
        }
    }
}

/// What decided a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The workflow's policy, at once.
    Policy,
    /// A person, or a program that stands for one.
    Person,
}

/// What someone asks leave for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalAsk {
    /// Without a phase: for which workflow; none where the ledger has but one.
    pub workflow: Option<WorkflowName>,
    /// For which phase; none for the workflow as a whole.
    pub phase: Option<PhaseRef>,
    /// What is to be done.
    pub operation: OperationName,
    /// What it is thought to cost, in the workflow's currency: 0 or more.
    pub estimate: Amount,
    /// How many things it touches.
    pub items: u64,
    /// What it does to them.
    pub impact: Option<Text>,
    /// Replaces the workflow's own threshold of that name, and no other.
    pub auto_approve_below: Option<Amount>,
    /// Is attached to the request.
    pub metadata: Metadata,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalAnswer {
    /// The request: its event.
    pub request: EventId,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: Text,
}

/// The data of `approval_requested`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRequested {
    /// What is to be done.
    pub operation: OperationName,
    /// What it is thought to cost.
    pub estimate: Amount,
    /// In which currency, where the workflow has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How many things it touches.
    pub items: u64,
    /// What it does to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Text>,
    /// The threshold that the request brought along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_approve_below: Option<Amount>,
    /// Why the policy leaves it to a person; none where the policy decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_person: Vec<Ground>,
    /// What the caller attached.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The data of `approval_granted` and `approval_rejected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalDecided {
    /// The request: its event.
    pub request: EventId,
    /// Where that event is in the log.
    pub request_seq: Seq,
    /// What decided.
    pub decided_by: DecidedBy,
    /// Why.
    pub reason: Text,
    /// The rules of the policy that decided; none for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<Ground>,
    /// How long the request waited for a person, on the `at` axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_seconds: Option<f64>,
}
