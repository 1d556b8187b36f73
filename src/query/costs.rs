//! Costs: what was spent of which limits, on which models, and what was paid last.
//!
//! ```text
//!   Table ──────────────────────────────┐
//!   log ──(cost_recorded)──▶ CostScan ──┴──▶ WorkflowCosts ──▶ `cost summary`, the report
//! ```
//!
//! Totals and limits are in the table; only models and single payments need the log.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::model::{
    AMOUNT_WHOLE_DIGITS_MAX, Amount, EventId, Period, PhaseId, PhaseName, Recorded, Seq, Timestamp,
    WorkflowName,
};
use crate::rules::{Budget, Limited, Phase, Rejection, Standing, Table, Workflow};

/// A sum with more digits than an amount has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sum needs more than {AMOUNT_WHOLE_DIGITS_MAX} digits before the point")]
pub struct SumTooLarge;

/// What was spent of what may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// What was spent, refunds taken off.
    pub spent: Amount,
    /// How many costs and refunds that is.
    pub records: u64,
    /// The most that may be spent; none for no limit.
    pub limit: Option<Amount>,
    /// What may still be spent, below zero where the limit is exceeded.
    pub remaining: Option<Amount>,
    /// How many hundredths of the limit are spent, rounded down; none without a limit above zero.
    pub percent: Option<u64>,
    /// How that stands to the limit.
    pub status: Standing,
    /// What is held and not spent yet.
    pub reserved: Amount,
    /// The limits of the day, the week and the month that are asked about; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<PeriodView>,
}

/// What was spent of what may be in a day, a week or a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeriodView {
    /// The period.
    #[serde(flatten)]
    pub period: Period,
    /// The zone by whose clocks it begins.
    pub tz: String,
    /// What was spent in it.
    pub spent: Amount,
    /// The most that may be.
    pub limit: Amount,
    /// What may still be spent, below zero where the limit is exceeded.
    pub remaining: Amount,
    /// How that stands to the limit.
    pub status: Standing,
}

impl PeriodView {
    fn new(of: Limited) -> Option<Self> {
        let (remaining, status) = (of.remaining(), of.standing());
        let Limited { period, zone, limit, spent, .. } = of;
        Some(PeriodView { period: period?, tz: zone?, spent, limit, remaining, status })
    }
}

/// An amount that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReservationView {
    /// The place of its event.
    pub seq: Seq,
    /// That event.
    pub id: EventId,
    /// For which phase.
    pub phase: PhaseName,
    /// How much is held.
    pub amount: Amount,
    /// Since when.
    pub at: Timestamp,
    /// From when on it is no longer.
    pub until: Timestamp,
}

impl ReservationView {
    /// Views what is held for a phase at an instant.
    pub fn of(phase: &Phase, at: Option<Timestamp>) -> impl Iterator<Item = ReservationView> {
        phase.budget.reserved_at(at).map(|held| ReservationView {
            seq: held.seq,
            id: held.event,
            phase: phase.id.phase.clone(),
            amount: held.amount,
            at: held.at,
            until: held.until,
        })
    }

    /// Views what is held for the phases of a workflow, in the order in which it was reserved.
    pub fn of_workflow(
        table: &Table,
        workflow: &WorkflowName,
        at: Option<Timestamp>,
    ) -> Vec<ReservationView> {
        let phases = table.phases.values().filter(|phase| phase.id.workflow == *workflow);
        let mut held: Vec<_> = phases.flat_map(|phase| ReservationView::of(phase, at)).collect();
        held.sort_by_key(|held| held.seq);
        held
    }
}

impl BudgetView {
    /// Views a budget as of an instant.
    pub fn new(budget: &Budget, at: Option<Timestamp>) -> Self {
        let percent = budget.limit.and_then(|limit| budget.spent.percent_of(limit));
        BudgetView {
            spent: budget.spent,
            records: budget.records,
            limit: budget.limit,
            remaining: budget.remaining(),
            percent: percent.map(|percent| u64::try_from(percent.max(0)).unwrap_or(u64::MAX)),
            status: budget.standing(),
            reserved: budget.held_at(at).unwrap_or_default(),
            periods: budget.limits_at(at).into_iter().filter_map(PeriodView::new).collect(),
        }
    }
}

/// What a phase cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhaseCosts {
    /// The phase.
    pub phase: PhaseName,
    /// What was spent on it.
    #[serde(flatten)]
    pub budget: BudgetView,
    /// Whether the definition in force no longer has it; absent while it has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// What a model cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelCosts {
    /// The model; none for what was spent on none.
    pub model: Option<String>,
    /// What was spent on it, refunds taken off.
    pub spent: Amount,
    /// How many costs and refunds that is.
    pub records: u64,
}

/// One cost or refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// The place of its event.
    pub seq: Seq,
    /// When it took effect.
    pub at: Timestamp,
    /// On which phase.
    pub phase: PhaseName,
    /// In which attempt; none for a phase that was PENDING.
    pub attempt: Option<u32>,
    /// How much; negative for a refund.
    pub amount: Amount,
    /// The model that was paid for.
    pub model: Option<String>,
    /// What was done for it.
    pub operation: Option<String>,
    /// Who recorded it.
    pub by: String,
}

/// What a workflow cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkflowCosts {
    /// The workflow.
    pub workflow: WorkflowName,
    /// The currency of all its amounts.
    pub currency: Option<String>,
    /// What was spent on all its phases together, retired ones included.
    #[serde(flatten)]
    pub budget: BudgetView,
    /// The phases that have a limit or cost something: in the definition's order, then retired ones by name.
    pub phases: Vec<PhaseCosts>,
    /// Whether it is no longer in force; absent while it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// The models, the dearest first.
    pub models: Vec<ModelCosts>,
    /// The last costs and refunds, in order.
    pub last: Vec<Transaction>,
    /// What is held for its phases, in order.
    pub reservations: Vec<ReservationView>,
}

impl WorkflowCosts {
    /// Says whether there is nothing to tell: no limit, and nothing spent.
    pub fn is_empty(&self) -> bool {
        let no_limit = self.budget.limit.is_none() && self.budget.periods.is_empty();
        self.phases.is_empty() && no_limit && self.budget.records == 0 && self.reservations.is_empty()
    }
}

/// What the log tells of costs beyond the table: which models were paid for, and the last payments.
#[derive(Debug, Clone, Default)]
pub struct CostScan {
    last_max: usize,
    /// As of when limits of periods and reservations are told.
    at: Option<Timestamp>,
    found: BTreeMap<WorkflowName, Found>,
}

#[derive(Debug, Clone, Default)]
struct Found {
    models: BTreeMap<Option<String>, (Amount, u64)>,
    last: VecDeque<Transaction>,
}

impl CostScan {
    /// Begins before the first event; of each workflow the last so many payments are kept.
    pub fn new(last_max: usize) -> Self {
        CostScan { last_max, at: None, found: BTreeMap::new() }
    }

    /// Says as of when limits of periods, and what is held, are to be told.
    pub fn as_of(self, at: Option<Timestamp>) -> Self {
        CostScan { at, ..self }
    }

    /// Looks at the next event.
    ///
    /// # Errors
    ///
    /// [`SumTooLarge`].
    pub fn look_at(&mut self, record: &Recorded) -> Result<(), SumTooLarge> {
        let (Some(cost), Some(id)) = (record.event.cost(), record.subject.phase()) else {
            return Ok(());
        };
        let found = self.found.entry(id.workflow.clone()).or_default();
        let (spent, records) = found.models.entry(cost.model.clone()).or_default();
        *spent = spent.plus(cost.amount).ok_or(SumTooLarge)?;
        *records += 1;
        if found.last.len() == self.last_max {
            found.last.pop_front();
        }
        found.last.push_back(Transaction {
            seq: record.seq,
            at: record.at,
            phase: id.phase.clone(),
            attempt: cost.attempt,
            amount: cost.amount,
            model: cost.model.clone(),
            operation: cost.operation.clone(),
            by: record.by.name.clone(),
        });
        Ok(())
    }

    /// Views what one workflow cost.
    pub fn view(&self, table: &Table, workflow: &Workflow) -> WorkflowCosts {
        let of_workflow = |phase: &&Phase| phase.id.workflow == workflow.name;
        let retired = table.phases.values().filter(|phase| phase.retired);
        let phases = table.current().into_iter().chain(retired).filter(of_workflow);
        let tells = |phase: &&Phase| {
            let budget = &phase.budget;
            let holds = budget.reserved_at(self.at).next().is_some();
            budget.records > 0 || holds || (budget.is_limited() && !phase.retired)
        };
        let found = self.found.get(&workflow.name);
        let now = |paid: &Transaction| {
            let id = PhaseId::new(workflow.name.clone(), paid.phase.clone());
            Transaction { phase: table.called_now(&id, paid.seq).phase, ..paid.clone() }
        };
        let models = found
            .into_iter()
            .flat_map(|found| &found.models)
            .map(|(model, &(spent, records))| ModelCosts { model: model.clone(), spent, records });
        let mut models: Vec<_> = models.collect();
        models.sort_by(|a, b| b.spent.cmp(&a.spent).then_with(|| a.model.cmp(&b.model)));
        WorkflowCosts {
            workflow: workflow.name.clone(),
            currency: workflow.currency.clone(),
            budget: BudgetView::new(&workflow.budget, self.at),
            phases: phases.filter(tells).map(|phase| PhaseCosts::new(phase, self.at)).collect(),
            retired: workflow.retired.is_some(),
            models,
            last: found.into_iter().flat_map(|found| &found.last).map(now).collect(),
            reservations: ReservationView::of_workflow(table, &workflow.name, self.at),
        }
    }

    /// Views what a workflow cost, or each of those in force and of the retired ones that cost something.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`].
    pub fn views(
        &self,
        table: &Table,
        workflow: Option<&WorkflowName>,
    ) -> Result<Vec<WorkflowCosts>, Rejection> {
        match workflow {
            Some(name) => Ok(vec![self.view(table, table.known_workflow(name)?)]),
            None => {
                let costs = |of: &&Workflow| of.retired.is_none() || of.budget.records > 0;
                Ok(table.workflows.values().filter(costs).map(|of| self.view(table, of)).collect())
            }
        }
    }
}

impl PhaseCosts {
    fn new(phase: &Phase, at: Option<Timestamp>) -> Self {
        PhaseCosts {
            phase: phase.id.phase.clone(),
            budget: BudgetView::new(&phase.budget, at),
            retired: phase.retired,
        }
    }
}
