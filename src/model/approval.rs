//! Approvals: what someone asks leave for, and how it was decided.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::PhaseRef;
use super::text::{escape, is_deceptive, label};
use super::{Amount, Event, EventId, Metadata, PolicyRule, Seq, Text, TextError, WorkflowName};

/// The name of an operation that needs an approval, such as `delete_plan`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperationName(String);

impl OperationName {
    /// Checks a name. Names are compared letter by letter, so none may look like another.
    ///
    /// # Errors
    ///
    /// Refuses an empty name, one over [`super::LABEL_BYTES_MAX`] bytes, and one with a control or invisible
    /// character, or white space at either end.
    pub fn new(name: &str) -> Result<Self, OperationNameError> {
        let name = label(name)?;
        match name.trim() == name && !name.contains(is_deceptive) {
            true => Ok(OperationName(name)),
            false => Err(OperationNameError::Character { shown: escape(&name) }),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for OperationName {
    type Error = OperationNameError;

    fn try_from(name: String) -> Result<Self, OperationNameError> {
        OperationName::new(&name)
    }
}

impl From<OperationName> for String {
    fn from(name: OperationName) -> String {
        name.0
    }
}

/// Why a text is not the name of an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationNameError {
    /// Empty, or too long.
    #[error("the name of an operation: {0}")]
    Text(#[from] TextError),
    /// A character that could deceive.
    #[error(
        "the operation `{shown}` has a control or invisible character, or white space at either end; \
             expected a name such as `delete_plan`"
    )]
    Character {
        /// The name, escaped.
        shown: String,
    },
}

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

impl ApprovalRequested {
    /// Returns what an event asks for; none for any other kind.
    pub fn of(event: &Event) -> Option<&Self> {
        match event {
            Event::ApprovalRequested(asked) => Some(asked),
            _ => None,
        }
    }
}

impl ApprovalDecided {
    /// Returns the event of a verdict.
    pub fn event(self, verdict: Verdict) -> Event {
        match verdict {
            Verdict::Granted => Event::ApprovalGranted(self),
            Verdict::Rejected => Event::ApprovalRejected(self),
        }
    }

    /// Returns the verdict of an event, and its data; none for any other kind.
    pub fn of(event: &Event) -> Option<(Verdict, &Self)> {
        match event {
            Event::ApprovalGranted(decided) => Some((Verdict::Granted, decided)),
            Event::ApprovalRejected(decided) => Some((Verdict::Rejected, decided)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_cannot_look_alike() {
        for name in ["", " ", " x", "x ", "x\u{200B}", "x\ny", &"x".repeat(300)] {
            assert!(OperationName::new(name).is_err(), "{name:?}");
        }
        assert!(OperationName::new("DELETE /books").is_ok());
    }
}
