//! `cost check`, `cost remaining`, `cost project`: what may still be spent, and whether plans fit.

use std::collections::BTreeMap;

use serde::Serialize;

use super::costs::SumTooLarge;
use crate::model::{Amount, Money, PhaseId, PhaseRef, Scope};
use crate::rules::{Budget, Phase, Rejection, Standing, Table};

/// How something that is planned fits a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitCheck {
    /// Whose limit it is.
    pub scope: Scope,
    /// The phase, by its full name, or the workflow.
    pub name: String,
    /// The currency.
    pub currency: Option<String>,
    /// The limit; none for no limit.
    pub limit: Option<Amount>,
    /// What was spent.
    pub spent: Amount,
    /// What is planned.
    pub planned: Amount,
    /// What will have been spent.
    pub after: Amount,
    /// What will be left, below zero where it does not fit.
    pub remaining: Option<Amount>,
    /// Whether it fits.
    pub fits: bool,
    /// By how much it does not; zero where it does.
    pub over: Amount,
    /// How what will have been spent stands to the limit.
    pub status: Standing,
}

impl LimitCheck {
    fn new(
        (scope, name, budget): (Scope, String, &Budget),
        Money(planned, currency): Money<'_>,
    ) -> Result<Self, SumTooLarge> {
        let after = budget.spent.plus(planned).ok_or(SumTooLarge)?;
        let remaining = budget.limit.map(|limit| limit.minus(after).ok_or(SumTooLarge)).transpose()?;
        let excess = budget.limit.filter(|limit| after > *limit).and_then(|limit| after.minus(limit));
        Ok(LimitCheck {
            scope,
            name,
            currency: currency.map(str::to_owned),
            limit: budget.limit,
            spent: budget.spent,
            planned,
            after,
            remaining,
            fits: excess.is_none(),
            over: excess.unwrap_or_default(),
            status: Standing::of(after, budget.limit),
        })
    }
}

/// Checks an estimate against the limits that hold for a phase: its own, then its workflow's.
///
/// # Errors
///
/// [`SumTooLarge`].
pub fn check_estimate(
    table: &Table,
    phase: &Phase,
    estimate: Amount,
) -> Result<Vec<LimitCheck>, SumTooLarge> {
    let workflow = table.workflows.get(&phase.id.workflow);
    let planned = Money(estimate, workflow.and_then(|workflow| workflow.currency.as_deref()));
    let own = LimitCheck::new((Scope::Phase, phase.id.to_string(), &phase.budget), planned)?;
    let whole = workflow.map(|workflow| {
        LimitCheck::new((Scope::Workflow, workflow.name.to_string(), &workflow.budget), planned)
    });
    Ok(std::iter::once(own).chain(whole.transpose()?).collect())
}

/// What may still be spent on a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remaining {
    /// The smaller of what its own limit and its workflow's leave, below zero where one is exceeded; none
    /// where neither has a limit.
    pub remaining: Option<Amount>,
    /// Whether there is no limit.
    pub unlimited: bool,
    /// Which limit leaves the least.
    pub bound_by: Option<Scope>,
    /// What one item costs.
    pub per_item: Option<Amount>,
    /// How many items what is left buys; none without a limit or a price.
    pub items: Option<u64>,
    /// The limits.
    pub limits: Vec<LimitCheck>,
}

impl Remaining {
    /// Works out what the limits leave; `per_item` is above zero.
    pub fn new(limits: Vec<LimitCheck>, per_item: Option<Amount>) -> Self {
        let left = limits.iter().filter_map(|check| Some((check.remaining?, check.scope)));
        let least = left.min();
        let items = least.zip(per_item).map(|((left, _), price)| left.holds(price));
        Remaining {
            remaining: least.map(|(left, _)| left),
            unlimited: least.is_none(),
            bound_by: least.map(|(_, scope)| scope),
            per_item,
            items: items.map(|items| u64::try_from(items).unwrap_or(u64::MAX)),
            limits,
        }
    }
}

/// Planned operations, phase by phase.
#[derive(Debug, Clone, Default)]
pub struct CostPlan {
    phases: BTreeMap<PhaseId, Amount>,
    operations: u64,
}

/// How planned operations fit the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Projection {
    /// Whether all of it fits.
    pub fits: bool,
    /// How many operations are planned.
    pub operations: u64,
    /// What they cost together, by currency.
    pub total: Vec<PlannedTotal>,
    /// Each phase that something is planned for, and each of their workflows.
    pub limits: Vec<LimitCheck>,
}

/// What is planned in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedTotal {
    /// The currency; none where the workflow names none.
    pub currency: Option<String>,
    /// How much.
    pub planned: Amount,
}

/// Why an operation cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The phase is not there.
    #[error(transparent)]
    Phase(#[from] Rejection),
    /// The plan costs too much to be counted.
    #[error(transparent)]
    Sum(#[from] SumTooLarge),
}

impl CostPlan {
    /// Plans an operation on a phase, so many times.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub fn plan(
        &mut self,
        table: &Table,
        phase: &PhaseRef,
        (amount, count): (Amount, u64),
    ) -> Result<(), PlanError> {
        let phase = table.resolve(phase)?;
        let planned = self.phases.entry(phase.id.clone()).or_default();
        let more = amount.times(count).ok_or(SumTooLarge)?;
        *planned = planned.plus(more).ok_or(SumTooLarge)?;
        self.operations = self.operations.checked_add(count).ok_or(SumTooLarge)?;
        Ok(())
    }

    /// Holds the plan against the limits.
    ///
    /// # Errors
    ///
    /// [`SumTooLarge`].
    pub fn project(&self, table: &Table) -> Result<Projection, SumTooLarge> {
        let mut workflows: BTreeMap<_, Amount> = BTreeMap::new();
        let mut limits = Vec::new();
        for (id, planned) in &self.phases {
            let (Some(phase), Some(workflow)) = (table.phases.get(id), table.workflows.get(&id.workflow))
            else {
                continue;
            };
            let sum = workflows.entry(&workflow.name).or_default();
            *sum = sum.plus(*planned).ok_or(SumTooLarge)?;
            let scope = (Scope::Phase, id.to_string(), &phase.budget);
            limits.push(LimitCheck::new(scope, planned.of(&workflow.currency))?);
        }
        let mut total: BTreeMap<Option<String>, Amount> = BTreeMap::new();
        for (name, planned) in workflows {
            let Some(workflow) = table.workflows.get(name) else { continue };
            let sum = total.entry(workflow.currency.clone()).or_default();
            *sum = sum.plus(planned).ok_or(SumTooLarge)?;
            let scope = (Scope::Workflow, name.to_string(), &workflow.budget);
            limits.push(LimitCheck::new(scope, planned.of(&workflow.currency))?);
        }
        let total = total.into_iter().map(|(currency, planned)| PlannedTotal { currency, planned });
        let fits = limits.iter().all(|check| check.fits);
        Ok(Projection { fits, operations: self.operations, total: total.collect(), limits })
    }
}
