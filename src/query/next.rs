//! `next`: what can be started, what is under way, and what waits for what.

use serde::Serialize;

use super::{PhaseStatus, topological};
use crate::model::{Timestamp, WorkflowName};
use crate::rules::{PhaseState, Rejection, Table};

/// The phases that are still to run, each list in topological order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next {
    /// Those that can be started: PENDING and not skipped, FAILED or NEEDS_RERUN, and all that they need is
    /// complete or skipped, and no limit of what they may cost is exceeded.
    pub ready: Vec<PhaseStatus>,
    /// Those under way; who asks adds those whose last attempt has ended and left something behind that runs.
    pub running: Vec<PhaseStatus>,
    /// Those that wait for what they need (`unmet`), or are over a limit (`over_limit`).
    pub blocked: Vec<PhaseStatus>,
    /// Whether nothing is left to run: there are phases, and all are complete or skipped.
    pub done: bool,
}

/// Tells what can be started at an instant, in one workflow or in all.
///
/// # Errors
///
/// [`Rejection`] for a workflow that is not there.
pub fn next(
    table: &Table,
    workflow: Option<&WorkflowName>,
    at: Option<Timestamp>,
) -> Result<Next, Rejection> {
    let workflow = table.workflow_named(workflow)?;
    let workflow = workflow.as_ref();
    let mut next = Next { ready: Vec::new(), running: Vec::new(), blocked: Vec::new(), done: false };
    for phase in topological(table) {
        if workflow.is_some_and(|name| *name != phase.id.workflow) {
            continue;
        }
        next.done = true;
        let list = match phase.state {
            PhaseState::Complete { .. } | PhaseState::Pending { skipped: Some(_) } => continue,
            PhaseState::InProgress { .. } => &mut next.running,
            PhaseState::Pending { skipped: None }
            | PhaseState::Failed { .. }
            | PhaseState::NeedsRerun { .. } => {
                match table.unmet(phase).is_empty() && !table.is_over_limit(phase, at) {
                    true => &mut next.ready,
                    false => &mut next.blocked,
                }
            }
        };
        list.push(PhaseStatus::new(table, phase, at));
    }
    next.done &= next.ready.is_empty() && next.running.is_empty() && next.blocked.is_empty();
    Ok(next)
}
