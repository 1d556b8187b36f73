//! The lines that ask leave for something, and that decide.

use serde::de::Error as _;

use super::{RequestError, Taking};
use crate::model::{Action, ApprovalAnswer, ApprovalAsk, EventId, OperationName, Verdict};

impl Taking<'_> {
    pub(super) fn approval_request(&mut self) -> Result<Action, RequestError> {
        let (phase, workflow) = (self.fields.phase.take(), self.fields.workflow.take());
        if phase.is_some() && workflow.is_some() {
            return Err(RequestError::Surplus {
                verb: format!("{} for a phase", self.verb),
                field: "workflow",
            });
        }
        let operation = self.need("operation", |fields| fields.operation.take())?;
        let operation = OperationName::new(&operation).map_err(serde_json::Error::custom)?;
        Ok(Action::ApprovalRequest(Box::new(ApprovalAsk {
            workflow,
            phase,
            operation,
            estimate: self.need("estimate", |fields| fields.estimate.take())?,
            items: self.need("items", |fields| fields.items.take())?,
            impact: self.fields.impact.take(),
            auto_approve_below: self.fields.auto_approve_below.take(),
            metadata: self.metadata(),
        })))
    }

    pub(super) fn approval_decide(&mut self, verdict: Verdict) -> Result<Action, RequestError> {
        let request = self.need("request", |fields| fields.request.take())?;
        let request = EventId::new(request.0.uuid());
        Ok(Action::ApprovalDecide(ApprovalAnswer { request, verdict, reason: self.reason()? }))
    }
}
