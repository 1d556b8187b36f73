//! `report`: where everything stands, with the events that are quoted, the last ones, and the root of all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::costs::scan_costs;
use super::roots::find_root;
use super::{AskError, Cut, Question};
use crate::model::{Recorded, WorkflowName};
use crate::query::{self, Evidence};
use crate::rules::{Rejection, Table};

/// How many of the last events a report lists.
const RECENT_EVENTS: usize = 10;

/// Where does everything stand?
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The workflow that is reported on; none for all.
    pub workflow: Option<WorkflowName>,
}

/// What a report is made of.
#[derive(Debug, Clone)]
pub struct ReportAnswer {
    workflow: Option<WorkflowName>,
    table: Arc<Table>,
    evidence: Evidence,
}

impl ReportAnswer {
    /// Returns the report.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`], of which the question was refused already.
    pub fn report(&self) -> Result<query::Report<'_>, Rejection> {
        query::report(&self.table, self.workflow.as_ref(), &self.evidence)
    }
}

impl Serialize for ReportAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.report().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl Question for Report {
    const SCHEMA: &'static str = "report/1";
    type View = ReportAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ReportAnswer, AskError> {
        let table = cut.table()?;
        let named = table.workflow_named(self.workflow.as_ref())?;
        let workflow = named.as_ref();
        let query::References { places, roots, reruns } = query::references(&table, workflow)?;
        let mut events = BTreeMap::new();
        for seq in places {
            let record = cut.record(seq)?;
            events.insert(record.id, record);
        }
        for mark in roots.into_values() {
            events.extend(find_root(cut, mark)?.map(|record| (record.id, record)));
        }
        // No clock is in a report: its day is that of its last event.
        let at = cut.as_of().at;
        let (root, recent) = (cut.root()?, recent(cut, workflow)?);
        let evidence = Evidence { root, events, recent, reruns, costs: scan_costs(cut, &table, at)?, at };
        Ok(ReportAnswer { workflow: named, table, evidence })
    }
}

/// Returns the last events about a workflow, or about anything, in order.
fn recent(cut: &Cut<'_>, workflow: Option<&WorkflowName>) -> Result<Vec<Recorded>, AskError> {
    let is_meant =
        |record: &Recorded| workflow.is_none_or(|name| record.subject.workflow().is_none_or(|of| of == name));
    let mut found = Vec::new();
    let mut places = cut.places().iter().rev();
    while let Some(seq) = places.next().filter(|_| found.len() < RECENT_EVENTS) {
        found.extend(Some(cut.record(seq)?).filter(is_meant));
    }
    found.reverse();
    Ok(found)
}
