//! Names as the table has them: one is compared with its characters composed, kept as it is where it is known, and looked at
//! once, when it is new.

use std::borrow::Cow;

use super::rejection::Rejection;
use super::table::Table;
use crate::model::{Action, Definition, Named, PhaseId, PhaseName, PhaseRef, WorkflowName, action};

/// Refuses names that are given for the first time and look like something else: a place, a time, an option. What is
/// known already stays what it is, however it looks.
///
/// # Errors
///
/// [`Rejection::UnfitName`], for the first one.
pub fn check_new_names(table: &Table, action: &Action) -> Result<(), Rejection> {
    let fit = |of: Named, name: &str, is_known: bool| match of.likeness(name).filter(|_| !is_known) {
        None => Ok(()),
        Some(looks) => Err(Rejection::UnfitName { of, name: name.to_owned(), looks }),
    };
    if let Action::Tag(tag) = action {
        fit(Named::Tag, tag.name.as_str(), table.tag(&tag.name).is_some())?;
    }
    let Action::Define(define) = action else { return Ok(()) };
    let name = define.definition.name();
    let known = workflow(table, name);
    fit(Named::Workflow, name.as_str(), known.is_some())?;
    define.definition.phases().iter().try_for_each(|phase| {
        let is_known = known.is_some_and(|known| find(table, known, &phase.id).is_some());
        fit(Named::Phase, phase.id.as_str(), is_known)
    })
}

/// Writes the names of a definition as the table has them, and those that are new with their characters composed.
pub(super) fn settled<'a>(table: &Table, asked: &'a action::Define) -> Cow<'a, action::Define> {
    let definition = &*asked.definition;
    if has_ascii_names(definition) {
        return Cow::Borrowed(asked);
    }
    let own = definition.name();
    let name = workflow(table, own).map_or_else(|| own.composed(), WorkflowName::clone);
    let phase = |id: &PhaseName| find(table, &name, id).map_or_else(|| id.composed(), |id| id.phase.clone());
    let need = |need: &PhaseRef| match &need.workflow {
        Some(elsewhere) if !elsewhere.is_same(own) => {
            let found = workflow(table, elsewhere).and_then(|known| find(table, known, &need.phase));
            found.map_or_else(|| need.composed(), |id| PhaseRef::from(id.clone()))
        }
        own => PhaseRef { workflow: own.as_ref().map(|_| name.clone()), phase: phase(&need.phase) },
    };
    match definition.respelled(name.clone(), phase, need) {
        // Two names that are one, which a workflow file cannot have, stay two.
        Err(_) => Cow::Borrowed(asked),
        Ok(definition) => Cow::Owned(action::Define { definition: Box::new(definition) }),
    }
}

fn has_ascii_names(definition: &Definition) -> bool {
    let is_ascii = |need: &PhaseRef| {
        need.phase.as_str().is_ascii() && need.workflow.as_ref().is_none_or(|name| name.as_str().is_ascii())
    };
    let mut phases = definition.phases().iter();
    definition.name().as_str().is_ascii()
        && phases.all(|phase| {
            let mut names = phase.renamed_from.iter().chain([&phase.id]);
            names.all(|name| name.as_str().is_ascii()) && phase.needs.iter().all(is_ascii)
        })
}

fn workflow<'a>(table: &'a Table, name: &WorkflowName) -> Option<&'a WorkflowName> {
    table.known_workflow(name).ok().map(|workflow| &workflow.name)
}

/// Finds a phase of a workflow, retired ones included: one that is written so, or else one of the same name.
fn find<'a>(table: &'a Table, workflow: &WorkflowName, name: &PhaseName) -> Option<&'a PhaseId> {
    let id = PhaseId::new(workflow.clone(), name.clone());
    let exact = table.phases.get_key_value(&id).map(|(id, _)| id);
    exact.or_else(|| {
        let same = || table.phases.values().filter(|phase| phase.id.is_same(&id));
        same().find(|phase| !phase.retired).or_else(|| same().next()).map(|phase| &phase.id)
    })
}
