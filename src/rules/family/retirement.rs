//! Retirements: a workflow is no longer in force, and what it has done stays.

use crate::model::{EventId, PhaseName, Recorded, Subject, WorkflowRetired, action};
use crate::rules::draft::{Draft, root};
use crate::rules::happened::Happened;
use crate::rules::rejection::Rejection;
use crate::rules::table::{Defined, Table};
use crate::rules::touched::{Changing, about_else};

/// Decides on a retirement: of a workflow that is in force, and whose phases nobody else needs.
pub(in crate::rules) fn retire(
    table: &Table,
    id: EventId,
    asked: &action::Retire,
) -> Result<Draft, Rejection> {
    let name = &table.workflow(Some(&asked.workflow))?.name;
    let (own, others): (Vec<_>, Vec<_>) =
        table.current().into_iter().partition(|phase| phase.id.workflow == *name);
    let needed = others.into_iter().flat_map(|by| {
        let own = by.spec.needs.iter().filter(|need| need.workflow == *name);
        own.map(|need| (by.id.clone(), need.clone()))
    });
    let needed: Vec<_> = needed.collect();
    if !needed.is_empty() {
        return Err(Rejection::WorkflowNeededBy { workflow: name.clone(), needed });
    }
    let retired = own.into_iter().map(|phase| phase.id.phase.clone()).collect();
    let event = WorkflowRetired { reason: asked.reason.clone(), retired };
    Ok(root(id, Subject::Workflow(name.clone()), event))
}

/// Applies a retirement: the workflow and its phases keep all that they have, and are not in force.
pub(in crate::rules) fn retired(
    table: &mut Changing<'_>,
    record: &Recorded,
    retired: &WorkflowRetired,
) -> Result<(), String> {
    let Subject::Workflow(name) = &record.subject else { return Err(about_else(record)) };
    let table = table.everything();
    let own: Vec<PhaseName> = table
        .current()
        .into_iter()
        .filter(|phase| phase.id.workflow == *name)
        .map(|phase| phase.id.phase.clone())
        .collect();
    let workflow = table.workflows.get_mut(name).filter(|workflow| workflow.retired.is_none());
    let workflow = workflow.ok_or_else(|| format!("there is no workflow `{name}` in force"))?;
    if own != retired.retired {
        return Err(format!("`{name}` has other phases than those that it retires"));
    }
    workflow.retired = Some(record.event_ref());
    workflow.definitions.push(Defined::of(record));
    workflow.latest = Happened::of(record).later(Some(workflow.latest));
    for phase in table.phases.values_mut().filter(|phase| phase.id.workflow == *name && !phase.retired) {
        for need in &phase.spec.needs {
            if let Some(dependants) = table.dependants.get_mut(need) {
                dependants.remove(&phase.id);
            }
        }
        phase.retired = true;
        phase.last_seq = record.seq;
        phase.updated_at = record.at;
    }
    table.dependants.retain(|_, dependants| !dependants.is_empty());
    Ok(())
}
