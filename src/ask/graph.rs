//! `graph`: the phases, and what needs what.

use super::{AskError, Cut, Question};
use crate::model::{PhaseId, PhaseRef, WorkflowName};
use crate::query;
use crate::rules::Rejection;

/// Which phases are there, and what needs what?
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Only this workflow, with the phases of others that it shares an edge with; all for none.
    pub workflow: Option<WorkflowName>,
    /// Only this phase and what is built on it.
    pub below: Option<PhaseRef>,
    /// Only this phase and what it is built on.
    pub above: Option<PhaseRef>,
}

impl Question for Graph {
    const SCHEMA: &'static str = "graph/1";
    type View = query::Graph;

    fn ask(&self, cut: &Cut<'_>) -> Result<query::Graph, AskError> {
        let table = cut.table()?;
        let workflow = table.workflow_named(self.workflow.as_ref())?;
        let workflow = workflow.as_ref();
        let find = |name: &Option<PhaseRef>| -> Result<Option<PhaseId>, Rejection> {
            let Some(name) = name else { return Ok(None) };
            let own = workflow.map(|workflow| PhaseRef::from(name.within(workflow)));
            Ok(Some(table.resolve(own.as_ref().unwrap_or(name))?.id.clone()))
        };
        let (below, above) = (find(&self.below)?, find(&self.above)?);
        Ok(query::graph(&table, workflow).cut(below.as_ref(), above.as_ref()))
    }
}
