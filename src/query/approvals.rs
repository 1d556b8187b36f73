//! `approval list`: what leave was asked for, and how it was decided.

use std::fmt;

use serde::Serialize;

use crate::model::{
    Amount, DecidedBy, EventId, Ground, Metadata, OperationName, PhaseId, PhaseName, Seq, Text, Timestamp,
    Verdict, WorkflowName,
};
use crate::rules::{Approval, Table};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApprovalStatus {
    /// It waits for a person.
    Pending,
    /// A person granted it.
    Granted,
    /// A person rejected it.
    Rejected,
    /// The policy granted it.
    AutoGranted,
    /// The policy rejected it.
    AutoRejected,
}

impl ApprovalStatus {
    /// Tells where a request stands.
    pub fn of(approval: &Approval) -> Self {
        match &approval.decision {
            None => ApprovalStatus::Pending,
            Some(decision) => match (decision.verdict, decision.decided_by) {
                (Verdict::Granted, DecidedBy::Person) => ApprovalStatus::Granted,
                (Verdict::Granted, DecidedBy::Policy) => ApprovalStatus::AutoGranted,
                (Verdict::Rejected, DecidedBy::Person) => ApprovalStatus::Rejected,
                (Verdict::Rejected, DecidedBy::Policy) => ApprovalStatus::AutoRejected,
            },
        }
    }
}

impl fmt::Display for ApprovalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ApprovalStatus::Pending => "PENDING",
            ApprovalStatus::Granted => "GRANTED",
            ApprovalStatus::Rejected => "REJECTED",
            ApprovalStatus::AutoGranted => "AUTO_GRANTED",
            ApprovalStatus::AutoRejected => "AUTO_REJECTED",
        })
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalView<'a> {
    /// Its id: that of its event.
    pub id: EventId,
    /// The place of that event.
    pub seq: Seq,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// For which workflow.
    pub workflow: &'a WorkflowName,
    /// For which of its phases; none for the workflow as a whole.
    pub phase: Option<&'a PhaseName>,
    /// What is to be done.
    pub operation: &'a OperationName,
    /// What it is thought to cost.
    pub estimate: Amount,
    /// In which currency.
    pub currency: &'a Option<String>,
    /// How many things it touches.
    pub items: u64,
    /// What it does to them.
    pub impact: Option<&'a Text>,
    /// The threshold that the request brought along.
    pub auto_approve_below: Option<Amount>,
    /// What the caller attached.
    pub metadata: &'a Metadata,
    /// Who asked.
    pub requested_by: &'a str,
    /// When.
    pub requested_at: Timestamp,
    /// Why the policy leaves it to a person; none where the policy decided.
    pub needs_person: &'a [Ground],
    /// The same in words.
    pub needs_person_because: Option<String>,
    /// How it was decided; none while it waits.
    pub decision: Option<DecisionView<'a>>,
}

/// How a request was decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionView<'a> {
    /// The event.
    pub id: EventId,
    /// Its place.
    pub seq: Seq,
    /// Yes or no.
    pub verdict: Verdict,
    /// What decided.
    pub decided_by: DecidedBy,
    /// Who decided; none for a policy.
    pub by: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: &'a Text,
    /// The rules of the policy that decided; none for a person.
    pub policy: &'a [Ground],
    /// How long the request waited for a person.
    pub waited_seconds: Option<f64>,
}

impl<'a> ApprovalView<'a> {
    /// Views a request.
    pub fn new(approval: &'a Approval) -> Self {
        let asked = &approval.asked;
        ApprovalView {
            id: approval.request,
            seq: approval.seq,
            status: ApprovalStatus::of(approval),
            workflow: &approval.workflow,
            phase: approval.phase.as_ref().map(|id| &id.phase),
            operation: &asked.operation,
            estimate: asked.estimate,
            currency: &asked.currency,
            items: asked.items,
            impact: asked.impact.as_ref(),
            auto_approve_below: asked.auto_approve_below,
            metadata: &asked.metadata,
            requested_by: &approval.by.name,
            requested_at: approval.at,
            needs_person: &asked.needs_person,
            needs_person_because: approval.open_question(),
            decision: approval.decision.as_ref().map(|decision| DecisionView {
                id: decision.event,
                seq: decision.seq,
                verdict: decision.verdict,
                decided_by: decision.decided_by,
                by: match decision.decided_by {
                    DecidedBy::Policy => None,
                    DecidedBy::Person => Some(&decision.by.name),
                },
                at: decision.at,
                reason: &decision.reason,
                policy: &decision.policy,
                waited_seconds: decision.waited_seconds,
            }),
        }
    }

    /// Returns the full name of the phase that it is for.
    pub fn phase_id(&self) -> Option<PhaseId> {
        Some(PhaseId::new(self.workflow.clone(), self.phase?.clone()))
    }
}

/// Which requests to list: those for which all of it holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApprovalFilter<'a> {
    /// Of this workflow.
    pub workflow: Option<&'a WorkflowName>,
    /// For this phase.
    pub phase: Option<&'a PhaseId>,
    /// Decided, or not.
    pub decided: Option<bool>,
}

impl ApprovalFilter<'_> {
    /// Returns the requests, in their order.
    pub fn list<'t>(&self, table: &'t Table) -> Vec<ApprovalView<'t>> {
        let wanted = |approval: &&Approval| {
            self.workflow.is_none_or(|name| *name == approval.workflow)
                && self.phase.is_none_or(|id| Some(id) == approval.phase.as_ref())
                && self.decided.is_none_or(|decided| decided == approval.decision.is_some())
        };
        let mut found: Vec<_> = table.approvals.values().filter(wanted).map(ApprovalView::new).collect();
        found.sort_by_key(|approval| approval.seq);
        found
    }
}

/// How many requests stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ApprovalSummary {
    /// Those that wait for a person.
    pub pending: usize,
    /// Those that were granted, by whomever.
    pub granted: usize,
    /// Those that were rejected, by whomever.
    pub rejected: usize,
    /// All of them.
    pub total: usize,
}

impl ApprovalSummary {
    /// Counts requests.
    pub fn new(approvals: &[ApprovalView<'_>]) -> Self {
        let count = |of: &[ApprovalStatus]| approvals.iter().filter(|one| of.contains(&one.status)).count();
        ApprovalSummary {
            pending: count(&[ApprovalStatus::Pending]),
            granted: count(&[ApprovalStatus::Granted, ApprovalStatus::AutoGranted]),
            rejected: count(&[ApprovalStatus::Rejected, ApprovalStatus::AutoRejected]),
            total: approvals.len(),
        }
    }
}

/// The requests, and how many stand where (`approvals/1`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Approvals<'a> {
    /// How many of those listed stand where.
    pub summary: ApprovalSummary,
    /// The requests, in their order.
    pub approvals: Vec<ApprovalView<'a>>,
}

impl<'a> Approvals<'a> {
    /// Lists requests.
    pub fn new(table: &'a Table, filter: &ApprovalFilter<'_>) -> Self {
        let approvals = filter.list(table);
        Approvals { summary: ApprovalSummary::new(&approvals), approvals }
    }
}
