//! The verbs of a line, each with the struct that has its fields: the one table of them.
//!
//! Most are read into what the command records. Those here are written in another way than they are recorded: one
//! reason serves for all that needs one, or what is recorded depends on a field.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::RequestError;
use super::line::{Line, fields_of};
use crate::model::text::{escape, label, read_label};
use crate::model::{
    Action, Again, Amount, ApprovalAnswer, ApprovalAsk, CallerId, Metadata, OperationName, OutputFile,
    PhaseRef, Text, Verdict, Worker, WorkflowName, action,
};

macro_rules! verbs {
    ($($verb:literal: $fields:ty => $action:expr,)*) => {
        /// The verbs that a line may have.
        pub const VERBS: &[&str] = &[$($verb),*];

        /// Returns the fields that a verb takes, beside those that every line may have; none for what is no verb.
        pub(super) fn fields(verb: &str) -> Option<&'static [&'static str]> {
            match verb {
                $($verb => Some(fields_of::<$fields>()),)*
                _ => None,
            }
        }

        /// Returns what a line records, whatever fields there are beside those of its verb.
        ///
        /// # Errors
        ///
        /// Refuses an unknown verb, a field of the wrong form, and a line without one that is needed.
        pub(super) fn action(line: &Line<'_>) -> Result<Action, RequestError> {
            match line.verb.as_str() {
                $($verb => line.fields::<$fields>().and_then($action),)*
                unknown => Err(RequestError::Verb { found: escape(unknown) }),
            }
        }
    };
}

verbs! {
    "start": Start => Start::action,
    "complete": action::Complete => |complete| Ok(Action::Complete(complete)),
    "fail": action::Fail => |fail| Ok(Action::Fail(fail)),
    "accept": action::Accept => |accept| Ok(Action::Accept(accept)),
    "skip": action::Skip => |skip| Ok(Action::Skip(skip)),
    "rerun": action::Rerun => |rerun| Ok(Action::Rerun(rerun)),
    "revert": Revert => |revert| Ok(revert.action()),
    "reset": Reset => Reset::action,
    "retire": action::Retire => |retire| Ok(Action::Retire(retire)),
    "meta": action::Meta => |meta| Ok(Action::Meta(meta)),
    "note": action::Note => |note| Ok(Action::Note(note)),
    "tag": action::Tag => |tag| Ok(Action::Tag(tag)),
    "untag": action::Untag => |untag| Ok(Action::Untag(untag)),
    "cost": Cost => |cost| Ok(cost.action()),
    "cost_limit": action::CostLimit => cost_limit,
    "cost_reserve": action::CostReserve => |reserve| Ok(Action::CostReserve(reserve)),
    "cost_release": CostRelease => |release| Ok(release.action()),
    "approval_request": ApprovalRequest => ApprovalRequest::action,
    "approval_grant": ApprovalDecide => |decide| Ok(decide.action(Verdict::Granted)),
    "approval_reject": ApprovalDecide => |decide| Ok(decide.action(Verdict::Rejected)),
}

fn missing(verb: &str, field: &'static str) -> RequestError {
    RequestError::Missing { verb: verb.to_owned(), field }
}

fn surplus(verb: &str, field: &'static str) -> RequestError {
    RequestError::Surplus { verb: verb.to_owned(), field }
}

/// Starts an attempt. One reason serves for all that needs one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    phase: PhaseRef,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    allow_unmet: bool,
    #[serde(default)]
    rerun: bool,
    #[serde(default)]
    take_over: bool,
    #[serde(default)]
    over_limit: bool,
    reason: Option<Text>,
    pid: Option<u32>,
    #[serde(default)]
    inputs: Vec<OutputFile>,
}

impl Start {
    fn action(self) -> Result<Action, RequestError> {
        if self.rerun && self.take_over {
            return Err(surplus("start with `rerun`", "take_over"));
        }
        let (again, over_limit) = match (self.reason, self.rerun || self.take_over || self.over_limit) {
            (None, true) => return Err(missing("start", "reason")),
            (Some(_), false) => return Err(surplus("start", "reason")),
            (None, false) => (None, None),
            (Some(reason), true) => {
                let again = match (self.rerun, self.take_over) {
                    (true, _) => Some(Again::Rerun(reason.clone())),
                    (false, true) => Some(Again::TakeOver(reason.clone())),
                    (false, false) => None,
                };
                (again, self.over_limit.then_some(reason))
            }
        };
        Ok(Action::Start(action::Start {
            phase: self.phase,
            metadata: self.metadata,
            inputs: self.inputs,
            allow_unmet: self.allow_unmet,
            again,
            worker: self.pid.map(Worker::Named),
            over_limit,
        }))
    }
}

/// Takes a command back, which is named by its id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revert {
    event: CallerId,
    reason: Text,
}

impl Revert {
    fn action(self) -> Action {
        Action::Revert(action::Revert { event: self.event.event(), reason: self.reason })
    }
}

/// Resets a phase, or all of a workflow.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    phase: Option<PhaseRef>,
    workflow: Option<WorkflowName>,
    #[serde(default)]
    all: bool,
    reason: Text,
}

impl Reset {
    fn action(self) -> Result<Action, RequestError> {
        match (self.all, self.phase, self.workflow) {
            (true, None, workflow) => {
                Ok(Action::ResetAll(action::ResetAll { workflow, reason: self.reason }))
            }
            (true, Some(_), _) => Err(surplus("reset", "phase")),
            (false, None, _) => Err(missing("reset", "phase")),
            (false, Some(_), Some(_)) => Err(surplus("reset", "workflow")),
            (false, Some(phase), None) => Ok(Action::Reset(action::Reset { phase, reason: self.reason })),
        }
    }
}

/// Records what was spent; a reservation is named by the id of its command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    phase: PhaseRef,
    amount: Amount,
    #[serde(default, deserialize_with = "read_label")]
    currency: Option<String>,
    #[serde(default)]
    refund: bool,
    #[serde(default, deserialize_with = "read_label")]
    model: Option<String>,
    #[serde(default, deserialize_with = "read_label")]
    operation: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    reservation: Option<CallerId>,
}

impl Cost {
    fn action(self) -> Action {
        Action::Cost(action::Cost {
            phase: self.phase,
            amount: self.amount,
            currency: self.currency,
            refund: self.refund,
            model: self.model,
            operation: self.operation,
            metadata: self.metadata,
            reservation: self.reservation.map(|id| id.event()),
        })
    }
}

/// Ends a reservation, which is named by the id of its command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CostRelease {
    reservation: CallerId,
    reason: Option<Text>,
}

impl CostRelease {
    fn action(self) -> Action {
        let reservation = self.reservation.event();
        Action::CostRelease(action::CostRelease { reservation, reason: self.reason })
    }
}

/// Checks that a limit is of a phase, or of the workflow that is named.
fn cost_limit(limit: action::CostLimit) -> Result<Action, RequestError> {
    if limit.per.is_none() && limit.tz.is_some() {
        return Err(surplus("cost_limit without `per`", "tz"));
    }
    match (&limit.phase, &limit.workflow) {
        (None, None) => Err(missing("cost_limit", "phase` or `workflow")),
        (Some(_), Some(_)) => Err(surplus("cost_limit", "workflow")),
        (Some(_), None) | (None, Some(_)) => Ok(Action::CostLimit(limit)),
    }
}

/// Asks leave for something. The name of the operation is checked once all of the line is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalRequest {
    workflow: Option<WorkflowName>,
    phase: Option<PhaseRef>,
    #[serde(deserialize_with = "read_operation")]
    operation: String,
    estimate: Amount,
    items: u64,
    impact: Option<Text>,
    auto_approve_below: Option<Amount>,
    #[serde(default)]
    metadata: Metadata,
}

fn read_operation<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    label(&String::deserialize(from)?).map_err(D::Error::custom)
}

impl ApprovalRequest {
    fn action(self) -> Result<Action, RequestError> {
        if self.phase.is_some() && self.workflow.is_some() {
            return Err(surplus("approval_request for a phase", "workflow"));
        }
        let operation = OperationName::new(&self.operation).map_err(serde_json::Error::custom)?;
        Ok(Action::ApprovalRequest(Box::new(ApprovalAsk {
            workflow: self.workflow,
            phase: self.phase,
            operation,
            estimate: self.estimate,
            items: self.items,
            impact: self.impact,
            auto_approve_below: self.auto_approve_below,
            metadata: self.metadata,
        })))
    }
}

/// Grants or rejects a request, which is named by the id of its command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalDecide {
    request: CallerId,
    reason: Text,
}

impl ApprovalDecide {
    fn action(self, verdict: Verdict) -> Action {
        Action::ApprovalDecide(ApprovalAnswer { request: self.request.event(), verdict, reason: self.reason })
    }
}
