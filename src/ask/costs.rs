//! `cost`: what was spent, and what may still be.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::reader::{Piece, decode};
use super::roots::find_root;
use super::{AskError, Cut, Question};
use crate::ledger::Sought;
use crate::model::{
    Amount, EventId, LineFront, PhaseId, PhaseName, PhaseRef, Places, Range, Recorded, Span, Timestamp,
    WorkflowName, Zone,
};
use crate::query::{
    self, CostGrouping, CostGroups, CostRoot, CostScan, LimitCheck, Remaining, ReservationView, WorkflowCosts,
};
use crate::rules::{Phase, Table};

/// How many of the last costs of a workflow are listed.
const TRANSACTIONS: usize = 10;

/// What was spent of which limits, on which models, and last?
#[derive(Debug, Clone, Default)]
pub struct CostSummary {
    /// The workflow that is asked about; none for all.
    pub workflow: Option<WorkflowName>,
}

/// What was spent, workflow by workflow.
#[derive(Debug, Clone, Serialize)]
pub struct CostSummaryAnswer {
    /// The workflows, by name.
    pub workflows: Vec<WorkflowCosts>,
}

impl Question for CostSummary {
    const SCHEMA: &'static str = "cost-summary/1";
    type View = CostSummaryAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<CostSummaryAnswer, AskError> {
        let table = cut.table()?;
        let workflows = scan_costs(cut, &table, cut.instant())?.views(&table, self.workflow.as_ref())?;
        Ok(CostSummaryAnswer { workflows })
    }
}

/// What costs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostKey {
    /// The phase it was spent on.
    Phase,
    /// The model that was paid for.
    Model,
    /// What was done for it.
    Operation,
    /// The event that made it be spent.
    RootCause,
    /// The day when it took effect.
    Day,
}

/// What was spent by phase, model, operation, root cause or day?
#[derive(Debug, Clone)]
pub struct CostsBy {
    /// What costs are grouped by.
    pub by: CostKey,
    /// The part of the log that is looked at; none for all that counts.
    pub range: Option<Range>,
    /// The workflow that is asked about; none for all.
    pub workflow: Option<WorkflowName>,
    /// The zone of days.
    pub zone: Zone,
}

/// What was spent, group by group.
#[derive(Debug, Clone, Serialize)]
pub struct CostsByAnswer {
    /// What costs are grouped by.
    pub by: CostKey,
    /// The first and the last of the events that were looked at.
    pub range: Span,
    /// The groups, and all of them together.
    #[serde(flatten)]
    pub groups: CostGroups,
}

impl Question for CostsBy {
    const SCHEMA: &'static str = "cost-by/1";
    type View = CostsByAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<CostsByAnswer, AskError> {
        let part = cut.find_part(self.range.as_ref())?.places();
        let workflow = match &self.workflow {
            Some(_) => cut.table()?.known_workflow_named(self.workflow.as_ref())?,
            None => None,
        };
        let (mut grouping, mut roots) = (CostGrouping::default(), BTreeMap::new());
        let names = cut.table_of_names()?;
        each_cost(cut, &part, |record| {
            let record = Recorded { subject: names.subject_now(&record), ..record };
            if workflow.is_some() && record.subject.workflow() != workflow.as_ref() {
                return Ok(());
            }
            let key = self.key(&record);
            if self.by == CostKey::RootCause
                && let Some(key) = &key
                && !roots.contains_key(key)
            {
                // At once: what led to it has mostly just gone by.
                roots.insert(key.clone(), find_root(cut, record.seq)?.map(|root| CostRoot::new(&root)));
            }
            Ok(grouping.put(&record, key)?)
        })?;
        let mut groups = grouping.groups(self.by == CostKey::Day)?;
        for group in &mut groups.groups {
            group.root = group.key.as_ref().and_then(|key| roots.get(key)?.clone());
        }
        Ok(CostsByAnswer { by: self.by, range: part.hull(), groups })
    }
}

impl CostsBy {
    /// Returns what a cost has in common with those of its group; none for one that has nothing.
    fn key(&self, record: &Recorded) -> Option<String> {
        let cost = record.event.cost()?;
        match self.by {
            CostKey::Phase => record.subject.phase().map(ToString::to_string),
            CostKey::Model => cost.model.clone(),
            CostKey::Operation => cost.operation.clone(),
            CostKey::Day => Some(self.zone.at(record.at).format("%Y-%m-%d").to_string()),
            // Outside any attempt it goes back to nothing.
            CostKey::RootCause => (!record.causes.is_empty()).then(|| record.correlation_id.to_string()),
        }
    }
}

/// An answer about one phase.
#[derive(Debug, Clone, Serialize)]
pub struct OfPhase<V> {
    /// Its workflow.
    pub workflow: WorkflowName,
    /// Its name.
    pub phase: PhaseName,
    /// The currency of its workflow.
    pub currency: Option<String>,
    /// The answer.
    #[serde(flatten)]
    pub view: V,
}

impl<V> OfPhase<V> {
    fn new(table: &Table, phase: &Phase, view: V) -> Self {
        let PhaseId { workflow, phase } = phase.id.clone();
        let currency = table.workflows.get(&workflow).and_then(|workflow| workflow.currency.clone());
        OfPhase { workflow, phase, currency, view }
    }
}

/// Does an estimate fit the limits of a phase and its workflow?
#[derive(Debug, Clone)]
pub struct CostCheck {
    /// The phase.
    pub phase: PhaseRef,
    /// What is about to be spent.
    pub estimate: Amount,
    /// The reservation that holds it already, beside which others count.
    pub beside: Option<EventId>,
}

/// Whether an estimate fits.
#[derive(Debug, Clone, Serialize)]
pub struct CostCheckAnswer {
    /// What is about to be spent.
    pub estimate: Amount,
    /// Whether it fits all limits, beside what others hold.
    pub fits: bool,
    /// The limits: the phase's own, then its workflow's; of each those in all, then of the day, the week and the month.
    pub limits: Vec<LimitCheck>,
    /// What others hold of them.
    pub reservations: Vec<ReservationView>,
    /// The reservation that holds the estimate already, where that was asked about and is still held.
    #[serde(skip)]
    pub held: Option<ReservationView>,
}

impl Question for CostCheck {
    const SCHEMA: &'static str = "cost-check/1";
    type View = OfPhase<CostCheckAnswer>;

    fn ask(&self, cut: &Cut<'_>) -> Result<Self::View, AskError> {
        let table = cut.table()?;
        let phase = table.resolve(&self.phase)?;
        let limits = query::check_estimate(&table, phase, self.estimate, (cut.instant(), self.beside))?;
        let fits = limits.iter().all(|check| check.fits);
        let mut reservations = ReservationView::of_workflow(&table, &phase.id.workflow, cut.instant());
        let own = reservations.iter().position(|held| Some(held.id) == self.beside);
        let held = own.map(|own| reservations.remove(own));
        let answer = CostCheckAnswer { estimate: self.estimate, fits, limits, reservations, held };
        Ok(OfPhase::new(&table, phase, answer))
    }
}

/// What is left to spend on a phase, and how many items does that buy?
#[derive(Debug, Clone)]
pub struct CostRemaining {
    /// The phase.
    pub phase: PhaseRef,
    /// What one item costs, above zero.
    pub per_item: Option<Amount>,
}

impl Question for CostRemaining {
    const SCHEMA: &'static str = "cost-remaining/1";
    type View = OfPhase<Remaining>;

    fn ask(&self, cut: &Cut<'_>) -> Result<Self::View, AskError> {
        let table = cut.table()?;
        let phase = table.resolve(&self.phase)?;
        let limits = query::check_estimate(&table, phase, Amount::ZERO, (cut.instant(), None))?;
        let reservations = ReservationView::of_workflow(&table, &phase.id.workflow, cut.instant());
        Ok(OfPhase::new(&table, phase, Remaining::new(limits, self.per_item).beside(reservations)))
    }
}

/// Which limits are there for plans to fit? The plan is held against them once the ledger is let go: it may be read
/// from a pipe.
#[derive(Debug, Clone, Copy, Default)]
pub struct CostProject;

/// The limits.
#[derive(Debug, Clone)]
pub struct CostProjectAnswer {
    /// The table that has them.
    pub table: Arc<Table>,
    /// As of when limits of periods, and what is held, count.
    pub at: Option<Timestamp>,
}

impl Question for CostProject {
    const SCHEMA: &'static str = "cost-project/1";
    type View = CostProjectAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<CostProjectAnswer, AskError> {
        Ok(CostProjectAnswer { table: cut.table()?, at: cut.instant() })
    }
}

/// Reads what the log tells of costs, where there are any.
pub(super) fn scan_costs(cut: &Cut<'_>, table: &Table, at: Option<Timestamp>) -> Result<CostScan, AskError> {
    let mut scan = CostScan::new(TRANSACTIONS).as_of(at);
    if table.workflows.values().any(|workflow| workflow.budget.records > 0) {
        each_cost(cut, cut.places(), |record| Ok(scan.look_at(&record)?))?;
    }
    Ok(scan)
}

/// The kind of costs.
const COST: &str = "cost_recorded";

/// Takes each cost of a part of the log. Lines that cannot be one are not read further.
fn each_cost(
    cut: &Cut<'_>,
    places: &Places,
    mut take: impl FnMut(Recorded) -> Result<(), AskError>,
) -> Result<(), AskError> {
    let places = places.and(&cut.places_of(Sought::Kind(COST))?);
    let may_be =
        |line: &str| LineFront::of(line).map_or_else(|| line.contains(COST), |front| front.kind == COST);
    let read = |piece: &Piece| {
        let costs = piece.at(&places).filter(|(_, line)| may_be(line));
        costs.map(|(seq, line)| decode(seq, line)).collect::<Vec<_>>()
    };
    cut.each_piece(&places, read, |costs| {
        costs.into_iter().try_for_each(|record| {
            let record = record?;
            if record.event.cost().is_some() { take(record) } else { Ok(()) }
        })
    })
}
