//! Definitions that are taken back: the one of before is in force, or none is.

use super::put_in_force;
use crate::model::{
    Definition, Past, PhaseId, PhaseName, Recorded, Renamed, Text, Undone, WorkflowDefined, action,
};
use crate::rules::draft::Draft;
use crate::rules::family::retirement::retire;
use crate::rules::rejection::{Rejection, RevertRejection};
use crate::rules::table::{Table, Workflow};
use crate::rules::undoing::{Undoing, passed};

/// Decides that the definition of before is in force, or that the workflow is retired where there was none. What was done
/// since with what the definition brought in keeps it.
pub(in crate::rules) fn back(
    table: &Table,
    past: &Past,
    target: &Recorded,
    defined: &WorkflowDefined,
    reason: &Text,
) -> Result<Undoing, Rejection> {
    let workflow = table.known_workflow(defined.definition.name())?;
    if let Some(by) = workflow.retired {
        return Err(passed(target, Some(by.seq)));
    }
    if workflow.definition != defined.definition.digest() || !workflow.is_named_as_at(target.seq) {
        return Err(passed(target, Some(workflow.defined)));
    }
    let id = |name| PhaseId::new(workflow.name.clone(), PhaseName::clone(name));
    let added = defined.added.iter().filter_map(|name| table.phases.get(&id(name)));
    let done = added.flat_map(|phase| {
        let happened = phase.moved.into_iter().chain(phase.paid);
        happened.filter(|happened| happened.seq > target.seq).map(|done| (done.seq, phase.id.clone()))
    });
    let by: Vec<_> = done.collect();
    match &past.definition {
        Some(_) if !by.is_empty() => {
            Err(RevertRejection::RestedOn { seq: target.seq, kind: target.event.kind(), by }.into())
        }
        None if !by.is_empty() => {
            let workflow = workflow.name.clone();
            Err(RevertRejection::FirstDefinition { seq: target.seq, workflow, by }.into())
        }
        Some(before) => {
            // What was renamed gets its name back, whatever the definition of before says.
            let back = |renamed: &Renamed| Renamed { from: renamed.to.clone(), to: renamed.from.clone() };
            again(table, target, before, defined.renamed.iter().map(back).collect())
        }
        None => {
            let asked = action::Retire { workflow: workflow.name.clone(), reason: reason.clone() };
            let Draft { subject, event, .. } = retire(table, target.id, &asked)?;
            Ok(Undoing::with(Undone::Definition, Some((subject, event))))
        }
    }
}

/// Decides that a workflow is in force again which an event retired, as it was defined then.
pub(in crate::rules) fn reinstate(
    table: &Table,
    past: &Past,
    target: &Recorded,
) -> Result<Undoing, Rejection> {
    let workflow = target.subject.workflow().and_then(|name| table.workflows.get(name));
    let by = workflow.and_then(|workflow| workflow.retired);
    match &past.definition {
        Some(before) if by.is_some_and(|by| by.id == target.id) => again(table, target, before, Vec::new()),
        Some(_) | None => Err(passed(target, workflow.map(|workflow| workflow.defined))),
    }
}

/// Decides that a definition of before is in force, and that phases have the names of before.
fn again(
    table: &Table,
    target: &Recorded,
    before: &Definition,
    renamed: Vec<Renamed>,
) -> Result<Undoing, Rejection> {
    let is_it = |known: &Workflow| known.name == *before.name() && known.definition == before.digest();
    if renamed.is_empty() && table.in_force().any(is_it) {
        return Err(passed(target, None));
    }
    let event = put_in_force(table, before, renamed)?;
    Ok(Undoing::with(Undone::Definition, Some((target.subject.clone(), event.into()))))
}
