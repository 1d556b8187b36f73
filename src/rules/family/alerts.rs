//! What follows from crossing a limit on costs.
//!
//! ```text
//!   cost_recorded ────┬─▶ cost_warning_raised ─────┐ each for every limit of the phase, and of its workflow:
//!   cost_limit_set ───┤                            │ in all, of the day, of the week, of the month
//!   workflow_defined ─┴─▶ cost_limit_exceeded ─────┘
//!                             └─(of a cost, the phase IN_PROGRESS)─▶ phase_failed
//! ```
//!
//! A crossing is told once; what takes spending below the threshold again (a refund, a raised limit) arms it anew. A
//! period's limit is crossed by what counts for that period, whenever it is recorded.

use crate::model::{
    Amount, Cause, CauseKind, CostLimitExceeded, CostRecorded, CostWarningRaised, Metadata, PhaseFailed,
    Recorded, Scope, StateName, Subject, Text, Timestamp,
};
use crate::rules::budget::Budget;
use crate::rules::period_budget::Limited;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::standing::{Standing, WARNING_PERCENT};
use crate::rules::table::{Table, Workflow};
use crate::rules::wave::Wave;

/// The rule that warns of a limit.
pub(in crate::rules) const COST_WARNING_RULE: &str = "cost_warning/1";

/// The rule that fails an attempt when a record takes spending over a limit, and says that it is exceeded.
pub const COST_LIMIT_RULE: &str = "cost_limit/1";

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
                crossings(wave, record, CauseKind::CostLimitSet, (&record.subject, budget));
            }
        }
        Due::Defined(record) => {
            let Some(name) = record.subject.workflow() else { return };
            let of_workflow = |phase: &&Phase| phase.id.workflow == *name && !phase.retired;
            for phase in wave.table.phases.values().filter(of_workflow) {
                let subject = Subject::Phase(phase.id.clone());
                crossings(wave, record, CauseKind::DefinitionChanged, (&subject, &phase.budget));
            }
            if let Some(workflow) = wave.table.workflows.get(name) {
                crossings(wave, record, CauseKind::DefinitionChanged, (&record.subject, &workflow.budget));
            }
        }
    }
}

/// A limit that is exceeded, and that it was told.
struct Exceeded {
    scope: Scope,
    limit: Limited,
    cause: Cause,
}

/// Derives what a cost forces for the limits of its phase and of the workflow.
fn spent(wave: &mut Wave<'_>, record: &Recorded) {
    let Some(phase) = record.subject.phase().and_then(|id| wave.table.phases.get(id)) else { return };
    let Some(workflow) = wave.table.workflows.get(&phase.id.workflow) else { return };
    let own = crossings(wave, record, CauseKind::CostRecorded, (&record.subject, &phase.budget));
    let whole = Subject::Workflow(workflow.name.clone());
    let shared = crossings(wave, record, CauseKind::CostRecorded, (&whole, &workflow.budget));
    let of = |scope| move |(limit, cause)| Exceeded { scope, limit, cause };
    let own = own.into_iter().map(of(Scope::Phase));
    let exceeded: Vec<_> = own.chain(shared.into_iter().map(of(Scope::Workflow))).collect();
    fail(wave, record, (phase, workflow), &exceeded);
}

/// Derives what was not told yet of the limits of something, and returns those that are exceeded since, each with the cause
/// that this is.
fn crossings(
    wave: &mut Wave<'_>,
    record: &Recorded,
    kind: CauseKind,
    (subject, budget): (&Subject, &Budget),
) -> Vec<(Limited, Cause)> {
    let untold = budget.untold().into_iter();
    untold
        .filter_map(|limit| Some((limit.clone(), crossing(wave, record, kind, (subject, limit))?)))
        .collect()
}

/// Derives a warning, or that a limit is exceeded, or both; returns the cause that the latter is.
fn crossing(
    wave: &mut Wave<'_>,
    record: &Recorded,
    kind: CauseKind,
    (subject, of): (&Subject, Limited),
) -> Option<Cause> {
    let over = of.excess();
    let Limited { period, limit, spent, alert, .. } = of;
    let workflow = subject.workflow().and_then(|name| wave.table.workflows.get(name));
    let currency = workflow.and_then(|workflow| workflow.currency.clone());
    let period = period.map(Box::new);
    let cause = || vec![Cause::new(record.event_ref(), kind)];
    if alert < Standing::Warning && limit.is_positive() {
        let (threshold_percent, currency, period) = (WARNING_PERCENT, currency.clone(), period.clone());
        let warning = CostWarningRaised { limit, spent, threshold_percent, currency, period };
        wave.draft_about(subject.clone(), warning, None, COST_WARNING_RULE, cause());
    }
    let exceeded = CostLimitExceeded { limit, spent, over: over?, currency, period };
    let told = wave.draft_about(subject.clone(), exceeded, None, COST_LIMIT_RULE, cause());
    Some(Cause::new(told, CauseKind::CostLimitExceeded))
}

/// Says whether a cost on a phase under way takes spending over a limit in all, so that its attempt fails, whenever it took
/// effect: it rests on the start then. A period's limit is passed by what counts for the period alone, and fails no attempt
/// that began later.
pub(in crate::rules) fn would_fail(table: &Table, phase: &Phase, amount: Amount) -> bool {
    let workflow = table.workflows.get(&phase.id.workflow).map(|workflow| &workflow.budget);
    let crosses = |budget: &Budget| {
        let after = budget.spent.plus(amount).map(|spent| Standing::of(spent, budget.limit));
        after == Some(Standing::Over) && budget.alert < Standing::Over
    };
    crosses(&phase.budget) || workflow.is_some_and(crosses)
}

/// Fails the attempt in which a record took spending over a limit. What counts for a period from before the attempt began
/// fails it by no limit of that period.
fn fail(
    wave: &mut Wave<'_>,
    record: &Recorded,
    (phase, workflow): (&Phase, &Workflow),
    exceeded: &[Exceeded],
) {
    let PhaseState::InProgress { attempt, .. } = &phase.state else { return };
    let counts_at = record.event.cost().map_or(record.at, |cost| counts_at(record, cost));
    let since = phase.moved.map_or(attempt.started_at, |moved| moved.at.max(attempt.started_at));
    let is_in_attempt = counts_at >= since;
    let (mut told, mut causes) = (Vec::new(), Vec::new());
    for Exceeded { scope, limit: of, cause } in exceeded {
        let Some(over) = of.excess().filter(|_| is_in_attempt || of.period.is_none()) else { continue };
        let name = match scope {
            Scope::Phase => "cost limit",
            Scope::Workflow => "cost limit of the workflow",
        };
        let period = of.period.as_ref().map_or_else(String::new, |period| format!(" for {period}"));
        causes.push(cause.clone());
        let currency = &workflow.currency;
        let (spent, limit, over) = (of.spent.of(currency), of.limit.of(currency), over.of(currency));
        told.push(format!("{name}{period} exceeded: {spent} spent of {limit}, {over} over"));
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

/// Returns the instant whose periods a cost counts for.
pub(in crate::rules) fn counts_at(record: &Recorded, cost: &CostRecorded) -> Timestamp {
    cost.counts_at.unwrap_or(record.at)
}
