//! What a definition turns into: an event that holds it whole, and says what it changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Change, Definition, DefinitionChange, Digest, EventId, PhaseId, Subject, WorkflowDefined, action,
    find_cycle,
};
use crate::rules::draft::{Draft, root};
use crate::rules::phase::PhaseSpec;
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;

/// Decides on a definition; one that is in force already turns into nothing.
pub(in crate::rules) fn define(
    table: &Table,
    id: EventId,
    asked: &action::Define,
) -> Result<Vec<Draft>, Rejection> {
    let definition = &*asked.definition;
    let name = definition.name();
    if table.workflows.get(name).is_some_and(|known| known.definition == digest(definition)) {
        return Ok(Vec::new());
    }
    check_currency(table, definition)?;
    let specs: BTreeMap<PhaseId, PhaseSpec> = specs(definition).collect();
    check_across(table, definition, &specs)?;
    let known = |id: &PhaseId| table.phases.get(id).filter(|phase| !phase.retired);
    let added = specs.keys().filter(|id| known(id).is_none()).map(|id| id.phase.clone()).collect();
    let retired = table
        .current()
        .into_iter()
        .filter(|phase| phase.id.workflow == *name && !specs.contains_key(&phase.id))
        .map(|phase| phase.id.phase.clone())
        .collect();
    let changed = definition.phases().iter().filter_map(|phase| {
        let id = PhaseId::new(name.clone(), phase.id.clone());
        let changes = outdating(&known(&id)?.spec, &specs[&id]);
        (!changes.is_empty()).then(|| DefinitionChange { phase: phase.id.clone(), changes })
    });
    let event =
        WorkflowDefined { definition: definition.clone(), added, retired, changed: changed.collect() };
    Ok(vec![root(id, Subject::Workflow(name.clone()), event)])
}

/// Checks that what was spent in one currency is not taken for another.
fn check_currency(table: &Table, definition: &Definition) -> Result<(), Rejection> {
    let Some(workflow) = table.workflows.get(definition.name()) else { return Ok(()) };
    let Some(before) = workflow.currency.as_deref() else { return Ok(()) };
    if workflow.budget.records == 0 || definition.currency() == Some(before) {
        return Ok(());
    }
    Err(Rejection::CurrencyChanged {
        workflow: workflow.name.clone(),
        before: before.to_owned(),
        after: definition.currency().map(str::to_owned),
    })
}

/// Returns the digest by which definitions are told apart.
pub(in crate::rules) fn digest(definition: &Definition) -> Digest {
    Digest::sha256(&serde_json::to_vec(definition).expect("a definition has string keys and no floats"))
}

/// Returns each phase of a definition with its full name.
pub(in crate::rules) fn specs(definition: &Definition) -> impl Iterator<Item = (PhaseId, PhaseSpec)> {
    definition.phases().iter().enumerate().map(|(position, phase)| {
        let id = PhaseId::new(definition.name().clone(), phase.id.clone());
        (id, PhaseSpec::new(definition.name(), position, phase))
    })
}

/// Returns what outdates completed work: a changed version, and needs that were not there before.
fn outdating(before: &PhaseSpec, after: &PhaseSpec) -> Vec<Change> {
    let version = (before.version != after.version).then(|| Change {
        what: "version".to_owned(),
        before: before.version.clone(),
        after: after.version.clone(),
    });
    let known: BTreeSet<_> = before.needs.iter().collect();
    let needs = after.needs.iter().filter(|need| !known.contains(need)).map(|need| Change {
        what: "needs".to_owned(),
        before: None,
        after: Some(need.to_string()),
    });
    version.into_iter().chain(needs).collect()
}

/// Checks what a definition cannot check by itself: the needs that lead into and out of other workflows.
fn check_across(
    table: &Table,
    definition: &Definition,
    specs: &BTreeMap<PhaseId, PhaseSpec>,
) -> Result<(), Rejection> {
    let name = definition.name();
    let elsewhere: Vec<_> = table.current().into_iter().filter(|phase| phase.id.workflow != *name).collect();
    for (id, spec) in specs {
        for need in spec.needs.iter().filter(|need| need.workflow != *name) {
            if table.phases.get(need).is_none_or(|phase| phase.retired) {
                return Err(Rejection::UnknownNeedElsewhere { phase: id.clone(), need: need.clone() });
            }
        }
    }
    let into = |need: &&PhaseId| need.workflow == *name && !specs.contains_key(*need);
    for phase in &elsewhere {
        if let Some(dropped) = phase.spec.needs.iter().find(into) {
            return Err(Rejection::StillNeeded { phase: dropped.clone(), by: phase.id.clone() });
        }
    }
    let nodes: Vec<(&PhaseId, &PhaseSpec)> =
        specs.iter().chain(elsewhere.iter().map(|phase| (&phase.id, &phase.spec))).collect();
    let index: BTreeMap<_, _> = nodes.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
    let edges: Vec<Vec<usize>> = nodes
        .iter()
        .map(|(_, spec)| spec.needs.iter().filter_map(|need| index.get(need).copied()).collect())
        .collect();
    match find_cycle(&edges) {
        None => Ok(()),
        Some(cycle) => {
            let path = cycle.into_iter().map(|at| nodes[at].0.clone()).collect();
            Err(Rejection::CycleAcrossWorkflows { path })
        }
    }
}
