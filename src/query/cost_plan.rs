//! `cost check`, `cost remaining`, `cost project`: what may still be spent, and whether plans fit.

use std::collections::BTreeMap;

use serde::Serialize;

use super::costs::{ReservationView, SumTooLarge};
use crate::model::{Amount, EventId, Money, Period, PhaseId, PhaseRef, Scope, Timestamp};
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
    /// The period that it is a limit of; absent for one in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The limit; none for no limit.
    pub limit: Option<Amount>,
    /// What was spent, in all or in the period.
    pub spent: Amount,
    /// What others hold.
    pub reserved: Amount,
    /// What is planned.
    pub planned: Amount,
    /// What will have been spent, with what others hold.
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

/// As of when limits are held against what is planned, and which reservation is that of it already.
type AsOf = (Option<Timestamp>, Option<EventId>);

impl LimitCheck {
    /// Checks the limit in all, and those of the day, the week and the month.
    fn all(
        (scope, name, budget): (Scope, &str, &Budget),
        Money(planned, currency): Money<'_>,
        (at, beside): AsOf,
    ) -> Result<Vec<Self>, SumTooLarge> {
        let others = budget.reserved_at(at).filter(|held| Some(held.event) != beside);
        let reserved = others.into_iter().try_fold(Amount::ZERO, |sum, held| sum.plus(held.amount));
        let reserved = reserved.ok_or(SumTooLarge)?;
        let periods = budget.limits_at(at).into_iter().filter(|of| of.period.is_some());
        let in_all = (None, budget.limit, budget.spent);
        let all = std::iter::once(in_all).chain(periods.map(|of| (of.period, Some(of.limit), of.spent)));
        all.map(|(period, limit, spent)| {
            let sum = spent.plus(reserved).and_then(|taken| taken.plus(planned));
            let after = sum.ok_or(SumTooLarge)?;
            let remaining = limit.map(|limit| limit.minus(after).ok_or(SumTooLarge)).transpose()?;
            let excess = limit.filter(|limit| after > *limit).and_then(|limit| after.minus(limit));
            Ok(LimitCheck {
                scope,
                name: name.to_owned(),
                currency: currency.map(str::to_owned),
                period,
                limit,
                spent,
                reserved,
                planned,
                after,
                remaining,
                fits: excess.is_none(),
                over: excess.unwrap_or_default(),
                status: Standing::of(after, limit),
            })
        })
        .collect()
    }
}

/// Checks an estimate against the limits that hold for a phase at an instant: its own, then its workflow's.
///
/// # Errors
///
/// [`SumTooLarge`].
pub fn check_estimate(
    table: &Table,
    phase: &Phase,
    estimate: Amount,
    as_of: (Option<Timestamp>, Option<EventId>),
) -> Result<Vec<LimitCheck>, SumTooLarge> {
    let workflow = table.workflows.get(&phase.id.workflow);
    let planned = Money(estimate, workflow.and_then(|workflow| workflow.currency.as_deref()));
    let mut checks = LimitCheck::all((Scope::Phase, &phase.id.to_string(), &phase.budget), planned, as_of)?;
    if let Some(workflow) = workflow {
        let whole = (Scope::Workflow, workflow.name.as_str(), &workflow.budget);
        checks.extend(LimitCheck::all(whole, planned, as_of)?);
    }
    Ok(checks)
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
    /// The period of that limit; absent for one in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_by_period: Option<Period>,
    /// What one item costs.
    pub per_item: Option<Amount>,
    /// How many items what is left buys; none without a limit or a price.
    pub items: Option<u64>,
    /// The limits.
    pub limits: Vec<LimitCheck>,
    /// What is held of them.
    pub reservations: Vec<ReservationView>,
}

impl Remaining {
    /// Works out what the limits leave; `per_item` is above zero.
    pub fn new(limits: Vec<LimitCheck>, per_item: Option<Amount>) -> Self {
        let left = limits.iter().filter_map(|check| Some((check.remaining?, check.scope, check)));
        let least = left.min_by_key(|(left, scope, _)| (*left, *scope));
        let (remaining, bound_by) = least.map(|(left, scope, _)| (left, scope)).unzip();
        let bound_by_period = least.and_then(|(_, _, check)| check.period.clone());
        let items = remaining.zip(per_item).map(|(left, price)| left.holds(price));
        Remaining {
            remaining,
            unlimited: remaining.is_none(),
            bound_by,
            bound_by_period,
            per_item,
            items: items.map(|items| u64::try_from(items).unwrap_or(u64::MAX)),
            limits,
            reservations: Vec::new(),
        }
    }

    /// Says what is held.
    pub fn beside(self, reservations: Vec<ReservationView>) -> Self {
        Remaining { reservations, ..self }
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

    /// Holds the plan against the limits that hold at an instant.
    ///
    /// # Errors
    ///
    /// [`SumTooLarge`].
    pub fn project(&self, table: &Table, at: Option<Timestamp>) -> Result<Projection, SumTooLarge> {
        let mut workflows: BTreeMap<_, Amount> = BTreeMap::new();
        let mut limits = Vec::new();
        for (id, planned) in &self.phases {
            let (Some(phase), Some(workflow)) = (table.phases.get(id), table.workflows.get(&id.workflow))
            else {
                continue;
            };
            let sum = workflows.entry(&workflow.name).or_default();
            *sum = sum.plus(*planned).ok_or(SumTooLarge)?;
            let scope = (Scope::Phase, &*id.to_string(), &phase.budget);
            limits.extend(LimitCheck::all(scope, planned.of(&workflow.currency), (at, None))?);
        }
        let mut total: BTreeMap<Option<String>, Amount> = BTreeMap::new();
        for (name, planned) in workflows {
            let Some(workflow) = table.workflows.get(name) else { continue };
            let sum = total.entry(workflow.currency.clone()).or_default();
            *sum = sum.plus(planned).ok_or(SumTooLarge)?;
            let scope = (Scope::Workflow, name.as_str(), &workflow.budget);
            limits.extend(LimitCheck::all(scope, planned.of(&workflow.currency), (at, None))?);
        }
        let total = total.into_iter().map(|(currency, planned)| PlannedTotal { currency, planned });
        let fits = limits.iter().all(|check| check.fits);
        Ok(Projection { fits, operations: self.operations, total: total.collect(), limits })
    }
}
