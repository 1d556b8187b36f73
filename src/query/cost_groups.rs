//! `cost by`: what was spent, by phase, model, operation, root cause or day.

use std::collections::BTreeMap;

use serde::Serialize;

use super::costs::SumTooLarge;
use super::words::words;
use crate::model::{Amount, EventId, PhaseName, Recorded, Seq, Timestamp, WorkflowName};

/// What each group cost.
#[derive(Debug, Clone, Serialize)]
pub struct CostGroups {
    /// All of them together, by currency.
    pub total: Vec<CostTotal>,
    /// The groups: days in their order, others the dearest first.
    pub groups: Vec<CostGroup>,
}

/// What was spent in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostTotal {
    /// The currency; none where the workflow names none.
    pub currency: Option<String>,
    /// What was spent, refunds taken off.
    pub spent: Amount,
    /// How many costs and refunds that is.
    pub records: u64,
}

/// What one group cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostGroup {
    /// What its costs have in common: the name of the phase, the model or the operation, the day, or the id of
    /// the root; none for costs that have none.
    pub key: Option<String>,
    /// The currency; none where the workflow names none.
    pub currency: Option<String>,
    /// What was spent, refunds taken off.
    pub spent: Amount,
    /// How many costs and refunds that is.
    pub records: u64,
    /// How many phases it was spent on.
    pub phases: usize,
    /// The place of the first one.
    pub first_seq: Seq,
    /// The place of the last one.
    pub last_seq: Seq,
    /// The event that all of it goes back to, where costs are grouped by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<CostRoot>,
}

/// The event that costs go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostRoot {
    /// Its place.
    pub seq: Seq,
    /// Its identity.
    pub id: EventId,
    /// What happened.
    pub kind: &'static str,
    /// To which workflow.
    pub workflow: Option<WorkflowName>,
    /// To which phase; none for a whole workflow.
    pub phase: Option<PhaseName>,
    /// Which attempt it started, or was about.
    pub attempt: Option<u32>,
    /// When it took effect.
    pub at: Timestamp,
    /// Who asked.
    pub by: String,
    /// Why, where it says so.
    pub reason: Option<String>,
}

impl CostRoot {
    /// Views an event.
    pub fn new(record: &Recorded) -> Self {
        CostRoot {
            seq: record.seq,
            id: record.id,
            kind: record.event.kind(),
            workflow: record.subject.workflow().cloned(),
            phase: record.subject.phase().map(|id| id.phase.clone()),
            attempt: record.event.attempt(),
            at: record.at,
            by: record.by.name.clone(),
            reason: words(&record.event).quotation().map(|text| text.into_owned()),
        }
    }
}

/// Groups costs, from the events of a part of the log in order.
#[derive(Debug, Clone, Default)]
pub struct CostGrouping {
    groups: BTreeMap<(Option<String>, Option<String>), Sum>,
}

#[derive(Debug, Clone)]
struct Sum {
    spent: Amount,
    records: u64,
    phases: std::collections::BTreeSet<String>,
    first: Seq,
    last: Seq,
}

impl CostGrouping {
    /// Puts a cost into the group of a key, within its currency; any other event is passed over.
    ///
    /// # Errors
    ///
    /// [`SumTooLarge`].
    pub fn put(&mut self, record: &Recorded, key: Option<String>) -> Result<(), SumTooLarge> {
        let (Some(cost), Some(id)) = (record.event.cost(), record.subject.phase()) else {
            return Ok(());
        };
        let sum = self.groups.entry((key, cost.currency.clone())).or_insert_with(|| Sum {
            spent: Amount::ZERO,
            records: 0,
            phases: std::collections::BTreeSet::new(),
            first: record.seq,
            last: record.seq,
        });
        sum.spent = sum.spent.plus(cost.amount).ok_or(SumTooLarge)?;
        sum.records += 1;
        sum.last = record.seq;
        let name = id.to_string();
        if !sum.phases.contains(&name) {
            sum.phases.insert(name);
        }
        Ok(())
    }

    /// Returns the groups by their keys, or else the dearest first.
    ///
    /// # Errors
    ///
    /// [`SumTooLarge`].
    pub fn groups(self, by_key: bool) -> Result<CostGroups, SumTooLarge> {
        let mut total: BTreeMap<Option<String>, (Amount, u64)> = BTreeMap::new();
        let mut groups = Vec::new();
        for ((key, currency), sum) in self.groups {
            let (spent, records) = total.entry(currency.clone()).or_default();
            *spent = spent.plus(sum.spent).ok_or(SumTooLarge)?;
            *records += sum.records;
            groups.push(CostGroup {
                key,
                currency,
                spent: sum.spent,
                records: sum.records,
                phases: sum.phases.len(),
                first_seq: sum.first,
                last_seq: sum.last,
                root: None,
            });
        }
        if !by_key {
            groups.sort_by_key(|group| std::cmp::Reverse(group.spent));
        }
        let total = total.into_iter();
        let total = total.map(|(currency, (spent, records))| CostTotal { currency, spent, records });
        Ok(CostGroups { total: total.collect(), groups })
    }
}
