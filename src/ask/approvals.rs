//! `approval`: what leave was asked for, which request is meant, and who may grant it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::error::{ApprovalCandidate, NoApproval};
use super::{AskError, Cut, Question};
use crate::model::{ApprovalPolicy, EventId, IdPrefix, PhaseId, PhaseRef, Seq, WorkflowName};
use crate::query::{self, ApprovalFilter};
use crate::rules::{Approval, ApprovalRejection, Rejection, Table};

/// How many digits an id has before its first dash.
const START_DIGITS: usize = 8;

/// What leave was asked for, and how was it decided? Those requests for which all of it holds.
#[derive(Debug, Clone, Default)]
pub struct Approvals {
    /// Of this workflow and its phases.
    pub workflow: Option<WorkflowName>,
    /// For this phase.
    pub phase: Option<PhaseRef>,
    /// Decided, or not.
    pub decided: Option<bool>,
}

/// What the requests are listed from.
#[derive(Debug, Clone)]
pub struct ApprovalsAnswer {
    /// The table that has them.
    pub table: Arc<Table>,
    workflow: Option<WorkflowName>,
    phase: Option<PhaseId>,
    decided: Option<bool>,
}

impl ApprovalsAnswer {
    /// Lists the requests.
    pub fn list(&self) -> query::Approvals<'_> {
        let (workflow, phase) = (self.workflow.as_ref(), self.phase.as_ref());
        query::Approvals::new(&self.table, &ApprovalFilter { workflow, phase, decided: self.decided })
    }
}

impl Serialize for ApprovalsAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list().serialize(serializer)
    }
}

impl Question for Approvals {
    const SCHEMA: &'static str = "approvals/1";
    type View = ApprovalsAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ApprovalsAnswer, AskError> {
        let table = cut.table()?;
        let workflow = table.known_workflow_named(self.workflow.as_ref())?;
        let named = |name| Ok::<_, Rejection>(query::phase_named(&table, name)?.id.clone());
        let phase = self.phase.as_ref().map(named).transpose()?;
        Ok(ApprovalsAnswer { workflow, phase, decided: self.decided, table })
    }
}

/// Which request is meant?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalNamed {
    /// That of this event, which makes it or decides on it.
    At(Seq),
    /// The one with this id.
    Whole(EventId),
    /// The one whose id starts so.
    Id(IdPrefix),
}

impl Question for ApprovalNamed {
    const SCHEMA: &'static str = "approval/1";
    type View = Approval;

    fn ask(&self, cut: &Cut<'_>) -> Result<Approval, AskError> {
        match self {
            ApprovalNamed::At(seq) => at(*seq, cut),
            ApprovalNamed::Whole(request) => known(*request, cut),
            ApprovalNamed::Id(prefix) => match prefix.whole() {
                Some(request) => known(request, cut),
                None => starting(prefix, cut),
            },
        }
    }
}

/// Finds a request by its whole id.
fn known(request: EventId, cut: &Cut<'_>) -> Result<Approval, AskError> {
    let found = cut.approvals(&request.to_string())?.remove(&request);
    found.ok_or_else(|| Rejection::Approval(ApprovalRejection::UnknownApproval { request }).into())
}

/// Finds the request that an event makes, or decides on.
fn at(seq: Seq, cut: &Cut<'_>) -> Result<Approval, AskError> {
    if !cut.holds(seq) {
        return Err(NoApproval::NoEvent { seq }.into());
    }
    let record = cut.record(seq)?;
    match (record.event.requested(), record.event.decision()) {
        (Some(_), _) => known(record.id, cut),
        (None, Some((_, decided))) => known(decided.request, cut),
        (None, None) => Err(NoApproval::OtherKind { seq, kind: record.event.kind() }.into()),
    }
}

/// Finds the one request whose id starts so.
fn starting(prefix: &IdPrefix, cut: &Cut<'_>) -> Result<Approval, AskError> {
    let start: String = prefix.to_string().chars().take(START_DIGITS).collect();
    let found = cut.approvals(&start)?.into_values();
    let mut found: Vec<_> = found.filter(|approval| prefix.matches(approval.request)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(NoApproval::NoId { prefix: prefix.clone() }.into()),
        (Some(last), false) => {
            found.push(last);
            found.sort_by_key(|approval| approval.seq);
            let candidates = found.iter().map(ApprovalCandidate::new).collect();
            Err(NoApproval::AmbiguousId { prefix: prefix.clone(), candidates }.into())
        }
    }
}

/// By which policy is leave given in a workflow?
#[derive(Debug, Clone)]
pub struct PolicyInForce {
    /// The workflow.
    pub workflow: WorkflowName,
}

impl Question for PolicyInForce {
    const SCHEMA: &'static str = "policy/1";
    type View = ApprovalPolicy;

    fn ask(&self, cut: &Cut<'_>) -> Result<ApprovalPolicy, AskError> {
        Ok(cut.workflow(Some(&self.workflow))?.approval)
    }
}
