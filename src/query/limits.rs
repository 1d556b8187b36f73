//! Limits on costs that there is something to tell of.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::{Amount, Period, PhaseId, Scope, Timestamp, WorkflowName};
use crate::rules::{Budget, Limited, Standing, Table};

/// A limit that is exceeded, or of which at least 80 % are spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitReached {
    /// Whose limit it is.
    pub scope: Scope,
    /// The phase, by its full name, or the workflow.
    pub name: String,
    /// The currency.
    pub currency: Option<String>,
    /// The period that it is a limit of; absent for one in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The limit.
    pub limit: Amount,
    /// What was spent, in all or in the period.
    pub spent: Amount,
    /// What may still be spent, below zero where it is exceeded.
    pub remaining: Amount,
    /// Whether it is exceeded, or nearly.
    pub status: Standing,
}

/// Returns the limits of workflows, and of phases, that are reached at an instant.
pub(super) fn reached<'a>(
    table: &Table,
    workflows: impl Iterator<Item = &'a WorkflowName>,
    phases: &BTreeSet<PhaseId>,
    at: Option<Timestamp>,
) -> Vec<LimitReached> {
    let mut reached = Vec::new();
    for workflow in workflows.filter_map(|name| table.workflows.get(name)) {
        let currency = &workflow.currency;
        let whole = (Scope::Workflow, workflow.name.to_string());
        reached.extend(of(whole, &workflow.budget, currency, at));
        let own = phases.iter().filter(|id| id.workflow == workflow.name);
        for phase in own.filter_map(|id| table.phases.get(id)) {
            reached.extend(of((Scope::Phase, phase.id.to_string()), &phase.budget, currency, at));
        }
    }
    reached
}

fn of(
    (scope, name): (Scope, String),
    budget: &Budget,
    currency: &Option<String>,
    at: Option<Timestamp>,
) -> impl Iterator<Item = LimitReached> {
    let limits = budget.limits_at(at).into_iter().filter(|of| of.standing() > Standing::Ok);
    limits.map(move |of| {
        let (status, remaining) = (of.standing(), of.remaining());
        let Limited { period, limit, spent, .. } = of;
        let (name, currency) = (name.clone(), currency.clone());
        LimitReached { scope, name, currency, period, limit, spent, remaining, status }
    })
}
