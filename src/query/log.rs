//! `log`: which events are asked for.

use crate::model::{Recorded, WorkflowName};
use crate::rules::Names;

/// Which events are asked for. What is empty does not restrict.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Events about one of these phases, by whatever name each had.
    pub phases: Vec<Names>,
    /// Events about this workflow or a phase of it.
    pub workflow: Option<WorkflowName>,
    /// Events of one of these kinds.
    pub kinds: Vec<String>,
    /// Events that someone of exactly this name asked for.
    pub by: Option<String>,
    /// Whether only events are asked for that no other event caused.
    pub roots: bool,
}

impl LogFilter {
    /// Says whether every event is asked for, so that none needs to be looked at.
    pub fn admits_all(&self) -> bool {
        let LogFilter { phases, workflow, kinds, by, roots } = self;
        phases.is_empty() && workflow.is_none() && kinds.is_empty() && by.is_none() && !roots
    }

    /// Says whether an event is asked for.
    pub fn admits(&self, record: &Recorded) -> bool {
        let subject = &record.subject;
        (self.phases.is_empty() || self.phases.iter().any(|phase| phase.is_about(record)))
            && (self.workflow.is_none() || subject.workflow() == self.workflow.as_ref())
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == record.event.kind()))
            && self.by.as_ref().is_none_or(|name| *name == record.by.name)
            && (!self.roots || record.causes.is_empty())
    }
}
