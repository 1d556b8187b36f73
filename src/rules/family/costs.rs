//! Costs: what may be recorded, which limits it takes effect on, and what follows from crossing one.
//!
//! ```text
//!   cost record ─▶ cost_recorded ─┬─▶ cost_warning_raised ─────┐ each for the phase's limit
//!   cost limit  ─▶ cost_limit_set ┤                            │ and for the workflow's
//!   define ─▶ workflow_defined ───┴─▶ cost_limit_exceeded ─────┘
//!                                          └─(of a record, the phase IN_PROGRESS)─▶ phase_failed
//! ```
//!
//! Money spent is a fact: a record over a limit is kept, and what follows from it is derived. A crossing is
//! told once; what takes spending below the threshold again (a refund, a raised limit) arms it anew.

use crate::model::{
    Amount, Cause, CauseKind, CostLimitExceeded, CostLimitSet, CostRecorded, CostWarningRaised, EventId,
    Metadata, PhaseFailed, Recorded, Scope, StateName, Subject, Text, Undone, action,
};
use crate::rules::budget::{Budget, Standing, WARNING_PERCENT};
use crate::rules::draft::{Draft, root};
use crate::rules::happened::Happened;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::rejection::Rejection;
use crate::rules::table::{Table, Workflow};
use crate::rules::touched::Changing;
use crate::rules::undoing::{Undoing, passed, subject};
use crate::rules::wave::Wave;

/// The rule that warns of a limit.
pub(in crate::rules) const COST_WARNING_RULE: &str = "cost_warning/1";

/// The rule that fails an attempt when a record takes spending over a limit, and says that it is exceeded.
pub const COST_LIMIT_RULE: &str = "cost_limit/1";

/// Decides on a cost or a refund. It is caused by the start of the attempt that it was spent in: the one
/// under way, or else the last one.
pub(in crate::rules) fn record(table: &Table, id: EventId, asked: &action::Cost) -> Result<Draft, Rejection> {
    let action::Cost { phase, amount, currency, refund, model, operation, metadata } = asked;
    let phase = table.resolve(phase)?;
    let workflow = table.workflow(Some(&phase.id.workflow))?;
    check_currency(workflow, currency.as_deref())?;
    if *refund != amount.is_negative() {
        return Err(match refund {
            true => Rejection::RefundNotNegative { amount: *amount },
            false => Rejection::NegativeCost { amount: *amount },
        });
    }
    check_sum(workflow, phase, *amount)?;
    let attempt = phase.state.attempt();
    let cost = CostRecorded {
        amount: *amount,
        currency: workflow.currency.clone(),
        refund: *refund,
        model: model.clone(),
        operation: operation.clone(),
        attempt: attempt.map(|_| phase.attempt),
        metadata: Metadata::clone(metadata),
    };
    let draft = root(id, Subject::Phase(phase.id.clone()), cost);
    Ok(match attempt {
        None => draft,
        Some(attempt) => Draft { root: attempt.root, causes: vec![attempt.cause()], ..draft },
    })
}

/// Checks that no more is given back than was spent, and that the sums can be written.
fn check_sum(workflow: &Workflow, phase: &Phase, amount: Amount) -> Result<(), Rejection> {
    let (spent, id) = (phase.budget.spent, || phase.id.clone());
    if amount.is_negative() && spent.plus(amount).is_none_or(Amount::is_negative) {
        return Err(Rejection::RefundTooLarge { phase: id(), amount, spent });
    }
    match phase.budget.with(amount).and(workflow.budget.with(amount)) {
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
    id: EventId,
    asked: &action::CostLimit,
) -> Result<Vec<Draft>, Rejection> {
    let (subject, before, workflow) = match &asked.phase {
        Some(phase) => {
            let phase = table.resolve(phase)?;
            let workflow = table.workflow(Some(&phase.id.workflow))?;
            (Subject::Phase(phase.id.clone()), phase.budget.limit, workflow)
        }
        None => {
            let workflow = table.workflow(asked.workflow.as_ref())?;
            (Subject::Workflow(workflow.name.clone()), workflow.budget.limit, workflow)
        }
    };
    let limit = asked.limit;
    if let Some(limit) = limit.filter(|limit| limit.is_negative()) {
        return Err(Rejection::NegativeLimit { limit });
    }
    if before == limit {
        return Ok(Vec::new());
    }
    let set = CostLimitSet { limit, before, currency: workflow.currency.clone() };
    Ok(vec![root(id, subject, set)])
}

/// Decides that what was spent is given back, or what was given back is spent after all, in the attempt that it was spent
/// in.
pub(in crate::rules) fn give_back(
    table: &Table,
    target: &Recorded,
    cost: &CostRecorded,
) -> Result<Undoing, Rejection> {
    let phase = subject(table, target)?;
    let workflow = table.workflow(Some(&phase.id.workflow))?;
    let amount = cost.amount.negated();
    check_sum(workflow, phase, amount)?;
    let back =
        CostRecorded { amount, refund: amount.is_negative(), metadata: Metadata::default(), ..cost.clone() };
    Ok(Undoing::effect(Undone::Cost, target, back))
}

/// Decides that the limit is the one of before.
pub(in crate::rules) fn limit_back(
    table: &Table,
    target: &Recorded,
    set: &CostLimitSet,
) -> Result<Undoing, Rejection> {
    let whole = target.subject.workflow().filter(|_| target.subject.phase().is_none());
    let now = match whole {
        Some(workflow) => table.workflow(Some(workflow))?.budget.limit,
        None => subject(table, target)?.budget.limit,
    };
    if now != set.limit {
        return Err(passed(target, None));
    }
    let back = CostLimitSet { limit: set.before, before: set.limit, currency: set.currency.clone() };
    Ok(Undoing::effect(Undone::Limit, target, back))
}

/// What may have crossed a limit.
pub(in crate::rules) enum Due<'a> {
    /// A cost, or a refund, of a phase.
    Spent(&'a Recorded),
    /// A limit that was set for a phase or a workflow.
    Limited(&'a Recorded),
    /// A definition, with the limits of a workflow and of its phases.
    Defined(&'a Recorded),
}

/// Derives what costs, limits and definitions force. The table has them folded in already.
pub(in crate::rules) fn alert(wave: &mut Wave<'_>, due: &Due<'_>) {
    match due {
        Due::Spent(record) => spent(wave, record),
        Due::Limited(record) => {
            let budget = match &record.subject {
                Subject::Phase(id) => wave.table.phases.get(id).map(|phase| &phase.budget),
                Subject::Workflow(name) => wave.table.workflows.get(name).map(|workflow| &workflow.budget),
                Subject::Ledger => None,
            };
            if let Some(budget) = budget {
                crossing(wave, record, CauseKind::CostLimitSet, (&record.subject, budget));
            }
        }
        Due::Defined(record) => {
            let Some(name) = record.subject.workflow() else { return };
            let of_workflow = |phase: &&Phase| phase.id.workflow == *name && !phase.retired;
            for phase in wave.table.phases.values().filter(of_workflow) {
                let subject = Subject::Phase(phase.id.clone());
                crossing(wave, record, CauseKind::DefinitionChanged, (&subject, &phase.budget));
            }
            if let Some(workflow) = wave.table.workflows.get(name) {
                crossing(wave, record, CauseKind::DefinitionChanged, (&record.subject, &workflow.budget));
            }
        }
    }
}

/// Derives what a cost forces for its phase's limit and for the workflow's.
fn spent(wave: &mut Wave<'_>, record: &Recorded) {
    let Some(phase) = record.subject.phase().and_then(|id| wave.table.phases.get(id)) else { return };
    let Some(workflow) = wave.table.workflows.get(&phase.id.workflow) else { return };
    let own = crossing(wave, record, CauseKind::CostRecorded, (&record.subject, &phase.budget));
    let whole = Subject::Workflow(workflow.name.clone());
    let shared = crossing(wave, record, CauseKind::CostRecorded, (&whole, &workflow.budget));
    fail(wave, record, phase, workflow, [(Scope::Phase, own), (Scope::Workflow, shared)]);
}

/// Derives a warning, or that a limit is exceeded, or both, where that was not said yet; returns the cause
/// that the latter is.
fn crossing(
    wave: &mut Wave<'_>,
    record: &Recorded,
    kind: CauseKind,
    (subject, budget): (&Subject, &Budget),
) -> Option<Cause> {
    let (limit, spent, standing) = (budget.limit?, budget.spent, budget.standing());
    if standing <= budget.alert {
        return None;
    }
    let workflow = subject.workflow().and_then(|name| wave.table.workflows.get(name));
    let currency = workflow.and_then(|workflow| workflow.currency.clone());
    let cause = || vec![Cause::new(record.event_ref(), kind)];
    if budget.alert < Standing::Warning && limit.is_positive() {
        let threshold_percent = WARNING_PERCENT;
        let warning = CostWarningRaised { limit, spent, threshold_percent, currency: currency.clone() };
        wave.draft_about(subject.clone(), warning, None, COST_WARNING_RULE, cause());
    }
    let (limit, over) = budget.excess()?;
    let exceeded = CostLimitExceeded { limit, spent, over, currency };
    let told = wave.draft_about(subject.clone(), exceeded, None, COST_LIMIT_RULE, cause());
    Some(Cause::new(told, CauseKind::CostLimitExceeded))
}

/// Says whether a cost on a phase under way takes spending over a limit, so that its attempt fails.
pub(in crate::rules) fn would_fail(table: &Table, phase: &Phase, amount: Amount) -> bool {
    let workflow = table.workflows.get(&phase.id.workflow).map(|workflow| &workflow.budget);
    let crosses = |budget: &Budget| {
        let after = budget.with(amount);
        after.is_some_and(|after| after.standing() == Standing::Over && after.alert < Standing::Over)
    };
    crosses(&phase.budget) || workflow.is_some_and(crosses)
}

/// Fails the attempt in which a record took spending over a limit.
fn fail(
    wave: &mut Wave<'_>,
    record: &Recorded,
    phase: &Phase,
    workflow: &Workflow,
    exceeded: [(Scope, Option<Cause>); 2],
) {
    let PhaseState::InProgress { attempt, .. } = &phase.state else { return };
    let mut told = Vec::new();
    let mut causes = Vec::new();
    for (scope, cause) in exceeded {
        let (name, budget) = match scope {
            Scope::Phase => ("cost limit", &phase.budget),
            Scope::Workflow => ("cost limit of the workflow", &workflow.budget),
        };
        let (Some(cause), Some((limit, over))) = (cause, budget.excess()) else { continue };
        causes.push(cause);
        let currency = &workflow.currency;
        let (spent, limit, over) = (budget.spent.of(currency), limit.of(currency), over.of(currency));
        told.push(format!("{name} exceeded: {spent} spent of {limit}, {over} over"));
    }
    let Some(error) = Text::cut(&told.join("; ")) else { return };
    causes.push(attempt.cause());
    let failed = PhaseFailed {
        attempt: phase.attempt,
        duration_seconds: attempt.took(record.is_dated().then_some(record.at)),
        error,
        exit_code: None,
        signal: None,
        stderr: None,
        abandoned: false,
        left_behind: Vec::new(),
        metadata: Metadata::default(),
    };
    let transition = (StateName::InProgress, StateName::Failed);
    wave.draft(phase, failed, transition, COST_LIMIT_RULE, causes);
}

/// Applies a cost, or a refund, to the budgets of its phase and its workflow.
pub(in crate::rules) fn recorded(
    table: &mut Changing<'_>,
    record: &Recorded,
    cost: &CostRecorded,
) -> Result<(), String> {
    let subject = &record.subject;
    let sums = subject.phase().and_then(|id| {
        let phase = budget(table, subject)?.with(cost.amount)?;
        let whole = Subject::Workflow(id.workflow.clone());
        let workflow = budget(table, &whole)?.with(cost.amount)?;
        *budget(table, subject)? = phase;
        *budget(table, &whole)? = workflow;
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
    change(table, record, |budget| {
        let follows = budget.limit == set.before;
        follows.then(|| budget.limited(set.limit))
    })
}

/// Applies that a warning was told.
pub(in crate::rules) fn warned(
    table: &mut Changing<'_>,
    record: &Recorded,
    warning: &CostWarningRaised,
) -> Result<(), String> {
    change(table, record, |budget| raise(budget, (warning.spent, warning.limit), Standing::Warning))
}

/// Applies that it was told that a limit is exceeded.
pub(in crate::rules) fn exceeded(
    table: &mut Changing<'_>,
    record: &Recorded,
    exceeded: &CostLimitExceeded,
) -> Result<(), String> {
    change(table, record, |budget| raise(budget, (exceeded.spent, exceeded.limit), Standing::Over))
}

/// Hands out the budget of a phase that is not retired, or of a workflow.
fn budget<'a>(table: &'a mut Changing<'_>, subject: &Subject) -> Option<&'a mut Budget> {
    match subject {
        Subject::Phase(id) => table.phase(id).filter(|phase| !phase.retired).map(|phase| &mut phase.budget),
        Subject::Workflow(name) => table.workflow(name).map(|workflow| &mut workflow.budget),
        Subject::Ledger => None,
    }
}

/// Changes the budget that an event is about.
fn change(
    table: &mut Changing<'_>,
    record: &Recorded,
    to: impl FnOnce(&Budget) -> Option<Budget>,
) -> Result<(), String> {
    let found =
        budget(table, &record.subject).ok_or_else(|| "there is nothing that it could be about".to_owned())?;
    let limit = found.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("a limit of {limit}"));
    let found_spent = found.spent;
    *found = to(found).ok_or_else(|| format!("what was spent is {found_spent}, with {limit}"))?;
    table.pass(record)
}

/// Puts on record that an alert was told, where it is the next to be told.
fn raise(budget: &Budget, told: (Amount, Amount), alert: Standing) -> Option<Budget> {
    let fits = (Some(told.0), Some(told.1)) == (Some(budget.spent), budget.limit);
    let rises = budget.alert < alert && alert <= budget.standing();
    (fits && rises).then_some(Budget { alert, ..*budget })
}
