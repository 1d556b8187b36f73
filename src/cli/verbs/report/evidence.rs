//! Reads what a report needs of the log itself: the root of the prefix, the events that are quoted, and the
//! last ones.

use std::collections::BTreeMap;

use phaseledger::ledger::Ledger;
use phaseledger::model::{EventId, Recorded, Seq, WorkflowName};
use phaseledger::query::{self, CostScan, Evidence};
use phaseledger::rules::Table;

use crate::cli::host::error::Failure;
use crate::cli::verbs::asking::Asked;
use crate::cli::verbs::{log, pieces};

/// How many of the last events a report lists.
const RECENT_EVENTS: usize = 10;

/// How many of the last costs of a workflow are listed.
const TRANSACTIONS: usize = 10;

/// Gathers the evidence for a report.
pub fn gather(asked: &Asked, table: &Table, workflow: Option<&WorkflowName>) -> Result<Evidence, Failure> {
    let references = query::references(table, workflow)?;
    let through = asked.as_of.seq;
    let mut events = BTreeMap::new();
    for seq in references.places {
        events.extend(asked.ledger.event(seq)?.map(|record| (record.id, record)));
    }
    for (root, mark) in references.roots {
        events.extend(find_root(&asked.ledger, root, mark)?.map(|record| (record.id, record)));
    }
    Ok(Evidence {
        root: asked.ledger.root_at(through)?,
        events,
        recent: recent(&asked.ledger, workflow, through)?,
        costs: scan_costs(asked, table)?,
    })
}

/// Reads what the log tells of costs, where there are any.
pub fn scan_costs(asked: &Asked, table: &Table) -> Result<CostScan, Failure> {
    let mut scan = CostScan::new(TRANSACTIONS);
    if table.workflows.values().any(|workflow| workflow.budget.records > 0) {
        each_cost(&asked.ledger, (Seq::ZERO, asked.as_of.seq), |record| Ok(scan.look_at(&record)?))?;
    }
    Ok(scan)
}

/// Takes each cost after a place, up to and including another. Lines that cannot be one are not read further.
pub fn each_cost(
    ledger: &Ledger,
    (after, through): (Seq, Seq),
    mut take: impl FnMut(Recorded) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut at = after;
    while at < through {
        let limit = (through.number() - at.number()).min(pieces::LINES_PER_READ);
        let lines = ledger.lines(at, limit as usize)?;
        if lines.is_empty() {
            return Err(Failure::new(5, "damaged", format!("the log ends at {at}, expected {through}")));
        }
        for line in lines {
            at = at.plus(1);
            if line.contains("cost_recorded") {
                take(log::decode(at, &line)?)?;
            }
        }
    }
    Ok(())
}

/// Follows the first causes from an event back to the root of them all.
pub fn find_root(ledger: &Ledger, root: EventId, from: Seq) -> Result<Option<Recorded>, Failure> {
    let mut seq = from;
    while let Some(record) = ledger.event(seq)? {
        if record.id == root {
            return Ok(Some(record));
        }
        match record.causes.first() {
            Some(cause) => seq = cause.seq,
            None => break,
        }
    }
    Ok(None)
}

/// Returns the last events about a workflow, or about anything, in order.
fn recent(ledger: &Ledger, workflow: Option<&WorkflowName>, through: Seq) -> Result<Vec<Recorded>, Failure> {
    let is_meant =
        |record: &Recorded| workflow.is_none_or(|name| record.subject.workflow().is_none_or(|of| of == name));
    let mut found: Vec<Recorded> = Vec::new();
    let mut end = through;
    while found.len() < RECENT_EVENTS && end > Seq::ZERO {
        let after = end.minus(if workflow.is_none() { RECENT_EVENTS as u64 } else { pieces::LINES_PER_READ });
        let mut records = ledger.records(after, end).collect::<Result<Vec<_>, _>>()?;
        records.retain(is_meant);
        found.splice(..0, records);
        end = after;
    }
    Ok(found.split_off(found.len().saturating_sub(RECENT_EVENTS)))
}
