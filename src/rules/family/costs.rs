//! Costs: what may be recorded, and which limits it counts for.
//!
//! ```text
//!   cost record ─▶ cost_recorded  ─┐
//!   cost limit  ─▶ cost_limit_set ─┼─▶ what follows from crossing a limit: alerts.rs
//!   define ─▶ workflow_defined ────┘
//! ```
//!
//! Money spent is a fact: a record over a limit is kept, and what follows from it is derived.

use crate::model::{
    Amount, Clocks, Command, CostLimitExceeded, CostLimitSet, CostRecorded, CostWarningRaised, Metadata,
    Past, Per, Period, PeriodLimit, Recorded, Subject, Timestamp, Undone, Zone, action,
};
use crate::rules::budget::Budget;
use crate::rules::draft::{Draft, root};
use crate::rules::happened::Happened;
use crate::rules::phase::Phase;
use crate::rules::rejection::Rejection;
use crate::rules::standing::Standing;
use crate::rules::table::{Table, Workflow};
use crate::rules::touched::Changing;
use crate::rules::undoing::{Undoing, passed, subject};

use super::alerts::counts_at;
use super::reservations;

/// Decides on a cost or a refund. It is caused by the start of the attempt that it was spent in: the one
/// under way, or else the last one.
pub(in crate::rules) fn record(
    table: &Table,
    command: &Command,
    asked: &action::Cost,
    at: Timestamp,
) -> Result<Draft, Rejection> {
    let action::Cost { phase, amount, currency, refund, model, operation, metadata, reservation } = asked;
    let phase = table.resolve(phase)?;
    let workflow = table.workflow(Some(&phase.id.workflow))?;
    check_currency(workflow, currency.as_deref())?;
    if *refund != amount.is_negative() {
        return Err(match refund {
            true => Rejection::RefundNotNegative { amount: *amount },
            false => Rejection::NegativeCost { amount: *amount },
        });
    }
    check_sum(workflow, phase, (*amount, at))?;
    let reservation = reservation.map(|of| reservations::named(phase, of, command)).transpose()?;
    let attempt = phase.state.attempt();
    let cost = CostRecorded {
        amount: *amount,
        currency: workflow.currency.clone(),
        refund: *refund,
        model: model.clone(),
        operation: operation.clone(),
        attempt: attempt.map(|_| phase.attempt),
        reservation: reservation.flatten(),
        counts_at: None,
        metadata: Metadata::clone(metadata),
    };
    let draft = root(command.id.event(0), Subject::Phase(phase.id.clone()), cost);
    Ok(match attempt {
        None => draft,
        Some(attempt) => Draft { root: attempt.root, causes: vec![attempt.cause()], ..draft },
    })
}

/// Checks that no more is given back than was spent, and that the sums can be written.
fn check_sum(workflow: &Workflow, phase: &Phase, (amount, at): (Amount, Timestamp)) -> Result<(), Rejection> {
    let (spent, id) = (phase.budget.spent, || phase.id.clone());
    if amount.is_negative() && spent.plus(amount).is_none_or(Amount::is_negative) {
        return Err(Rejection::RefundTooLarge { phase: id(), amount, spent });
    }
    match phase.budget.with(amount, at).and(workflow.budget.with(amount, at)) {
        Some(_) => Ok(()),
        None => Err(Rejection::SumTooLarge { phase: id(), amount }),
    }
}

fn check_currency(workflow: &Workflow, given: Option<&str>) -> Result<(), Rejection> {
    if given.is_none() || given == workflow.currency.as_deref() {
        return Ok(());
    }
    Err(Rejection::WrongCurrency {
        workflow: workflow.name.clone(),
        given: given.unwrap_or_default().to_owned(),
        expected: workflow.currency.clone(),
    })
}

/// Decides on a limit; one that is in force already turns into nothing.
pub(in crate::rules) fn set_limit(
    table: &Table,
    command: &Command,
    asked: &action::CostLimit,
    at: Timestamp,
) -> Result<Vec<Draft>, Rejection> {
    let (subject, budget, workflow) = match &asked.phase {
        Some(phase) => {
            let phase = table.resolve(phase)?;
            let workflow = table.workflow(Some(&phase.id.workflow))?;
            (Subject::Phase(phase.id.clone()), &phase.budget, workflow)
        }
        None => {
            let workflow = table.workflow(asked.workflow.as_ref())?;
            (Subject::Workflow(workflow.name.clone()), &workflow.budget, workflow)
        }
    };
    let limit = asked.limit;
    if let Some(limit) = limit.filter(|limit| limit.is_negative()) {
        return Err(Rejection::NegativeLimit { limit });
    }
    if limit.is_some() && workflow.currency.is_none() && !asked.was_recorded {
        return Err(Rejection::NoCurrency { workflow: workflow.name.clone() });
    }
    let (before, period) = match asked.per {
        None => (budget.limit, None),
        Some(per) => {
            let now = budget.of_periods(per);
            let clocks = match (now, limit) {
                // What is lifted ends by the clocks by which it began.
                (Some(now), None) => now.clocks.clone(),
                (_, _) => clocks(asked)?,
            };
            if now.is_some_and(|now| Some(now.limit) == limit && now.clocks.zone() == clocks.zone()) {
                return Ok(Vec::new());
            }
            let past = command.past.as_deref();
            (now.map(|now| now.limit), Some(Box::new(period_limit(budget, (per, clocks), past, at))))
        }
    };
    if before == limit && (asked.per.is_none() || limit.is_none()) {
        return Ok(Vec::new());
    }
    let (currency, reason) = (workflow.currency.clone(), asked.reason.clone());
    let set = CostLimitSet { limit, before, currency, reason, period };
    Ok(vec![root(command.id.event(0), subject, set)])
}

/// Returns the clocks by which the periods of a limit begin.
fn clocks(asked: &action::CostLimit) -> Result<Clocks, Rejection> {
    if let Some(clocks) = &asked.clocks {
        return Ok(clocks.clone());
    }
    let zone: Option<Zone> = match asked.tz.as_deref() {
        None => Some(Zone::utc()),
        Some(name) => name.parse().ok(),
    };
    // Only a named zone has clocks that go by when they are told.
    let clocks = zone.and_then(|zone| Clocks::of(zone, Timestamp::FIRST).ok());
    clocks.ok_or_else(|| Rejection::ClocksUnknown { zone: asked.tz.clone().unwrap_or_default() })
}

/// Says from when on a limit of periods holds, and what was spent by then in the first of them.
fn period_limit(
    budget: &Budget,
    (per, clocks): (Per, Clocks),
    past: Option<&Past>,
    at: Timestamp,
) -> PeriodLimit {
    let Period { from, to, .. } = clocks.period(per, at);
    let spent = past.into_iter().flat_map(|past| &past.spent).filter(|(at, _)| (from..to).contains(at));
    // It was within what all of it together was, which could be added.
    let spent = spent.fold(Amount::ZERO, |sum, (_, amount)| sum.plus(*amount).unwrap_or(sum));
    let clocks_before = budget.of_periods(per).map(|before| before.clocks.clone());
    PeriodLimit { per, from, spent, clocks_before: clocks_before.filter(|before| *before != clocks), clocks }
}

/// Decides that what was spent is given back, or what was given back is spent after all, in the attempt that it was spent
/// in, and in the periods.
pub(in crate::rules) fn give_back(
    table: &Table,
    target: &Recorded,
    cost: &CostRecorded,
) -> Result<Undoing, Rejection> {
    let phase = subject(table, target)?;
    let workflow = table.workflow(Some(&phase.id.workflow))?;
    let (amount, counts_at) = (cost.amount.negated(), counts_at(target, cost));
    check_sum(workflow, phase, (amount, counts_at))?;
    let back = CostRecorded {
        amount,
        refund: amount.is_negative(),
        reservation: None,
        counts_at: Some(counts_at),
        metadata: Metadata::default(),
        ..cost.clone()
    };
    Ok(Undoing::effect(Undone::Cost, target, back))
}

/// Decides that the limit is the one of before.
pub(in crate::rules) fn limit_back(
    table: &Table,
    past: &Past,
    (target, set): (&Recorded, &CostLimitSet),
    at: Timestamp,
) -> Result<Undoing, Rejection> {
    let whole = target.subject.workflow().filter(|_| target.subject.phase().is_none());
    let budget = match whole {
        Some(workflow) => &table.workflow(Some(workflow))?.budget,
        None => &subject(table, target)?.budget,
    };
    let now = match &set.period {
        None => budget.limit,
        Some(period) => {
            let now = budget.of_periods(period.per).filter(|now| now.clocks == period.clocks);
            now.map(|now| now.limit)
        }
    };
    if now != set.limit {
        return Err(passed(target, None));
    }
    let period = set.period.as_deref().map(|period| {
        let clocks = period.clocks_before.as_ref().unwrap_or(&period.clocks).clone();
        Box::new(period_limit(budget, (period.per, clocks), Some(past), at))
    });
    let (limit, before, currency) = (set.before, set.limit, set.currency.clone());
    let back = CostLimitSet { limit, before, currency, reason: None, period };
    Ok(Undoing::effect(Undone::Limit, target, back))
}

/// Applies a cost, or a refund, to the budgets of its phase and its workflow.
pub(in crate::rules) fn recorded(
    table: &mut Changing<'_>,
    record: &Recorded,
    cost: &CostRecorded,
) -> Result<(), String> {
    let subject = &record.subject;
    let counts_at = counts_at(record, cost);
    let sums = subject.phase().and_then(|id| {
        let with = |budget: &Budget| {
            let mut with = budget.with(cost.amount, counts_at)?;
            with.last = Some(Happened::of(record).later(budget.last));
            if let Some(of) = cost.reservation {
                with.release(of.event);
            }
            Some(with)
        };
        let phase = with(table.budget(subject)?)?;
        let whole = Subject::Workflow(id.workflow.clone());
        let workflow = with(table.budget(&whole)?)?;
        *table.budget(subject)? = phase;
        *table.budget(&whole)? = workflow;
        Some(())
    });
    sums.ok_or_else(|| format!("a cost of {} cannot be added to what was spent", cost.amount))?;
    if let Some(phase) = subject.phase().and_then(|id| table.phase(id)).filter(|_| !cost.refund) {
        phase.paid = Some(Happened::of(record).later(phase.paid));
    }
    table.pass(record)
}

/// Applies a limit.
pub(in crate::rules) fn limit_set(
    table: &mut Changing<'_>,
    record: &Recorded,
    set: &CostLimitSet,
) -> Result<(), String> {
    change(table, record, |budget| match set.period.as_deref() {
        None => (budget.limit == set.before).then(|| budget.limited(set.limit)),
        Some(PeriodLimit { per, clocks, from, spent, .. }) => {
            let before = budget.of_periods(*per).map(|before| before.limit);
            let follows = before == set.before && clocks.period(*per, record.at).from == *from;
            follows.then(|| budget.limited_per((*per, clocks), set.limit, (record.at, *spent)))
        }
    })
}

/// Applies that a warning was told.
pub(in crate::rules) fn warned(
    table: &mut Changing<'_>,
    record: &Recorded,
    warning: &CostWarningRaised,
) -> Result<(), String> {
    change(table, record, |budget| {
        budget.told(warning.period.as_deref(), (warning.spent, warning.limit), Standing::Warning)
    })
}

/// Applies that it was told that a limit is exceeded.
pub(in crate::rules) fn exceeded(
    table: &mut Changing<'_>,
    record: &Recorded,
    exceeded: &CostLimitExceeded,
) -> Result<(), String> {
    change(table, record, |budget| {
        budget.told(exceeded.period.as_deref(), (exceeded.spent, exceeded.limit), Standing::Over)
    })
}

/// Changes the budget that an event is about.
fn change(
    table: &mut Changing<'_>,
    record: &Recorded,
    to: impl FnOnce(&Budget) -> Option<Budget>,
) -> Result<(), String> {
    let found =
        table.budget(&record.subject).ok_or_else(|| "there is nothing that it could be about".to_owned())?;
    let limit = found.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("a limit of {limit}"));
    let found_spent = found.spent;
    *found = to(found).ok_or_else(|| format!("what was spent is {found_spent}, with {limit}"))?;
    table.pass(record)
}
