//! Definitions: an event holds the whole of one, says what it changed, and puts it in force.

mod back;

use std::collections::{BTreeMap, BTreeSet};

pub(in crate::rules) use self::back::{back, reinstate};
use crate::model::{
    Change, Definition, DefinitionChange, EventId, Metadata, PhaseId, Recorded, Renamed, Subject,
    WorkflowDefined, action, find_cycle,
};
use crate::rules::budget::Budget;
use crate::rules::draft::{Draft, root};
use crate::rules::happened::Happened;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::rejection::Rejection;
use crate::rules::renames::{self, Exchange};
use crate::rules::spec::{Lineage, PhaseSpec};
use crate::rules::table::{Defined, Table, Workflow};
use crate::rules::touched::{Changing, about_else};
use crate::rules::wave::Wave;

/// Decides on a definition; one that is in force already turns into nothing.
pub(in crate::rules) fn define(
    table: &Table,
    id: EventId,
    asked: &action::Define,
    inferred: Option<&str>,
) -> Result<Vec<Draft>, Rejection> {
    let definition = &*asked.definition;
    let is_dated_back = inferred == Some(DATED_BACK);
    let known = table.in_force().find(|known| known.name == *definition.name());
    let renamed = renames::asked_for(table, definition);
    let is_known = known.is_some_and(|known| known.definition == definition.digest()) && renamed.is_empty();
    match (is_dated_back, is_known) {
        (true, _) => {
            let defined = put_in_force(table, definition, Vec::new())?;
            let renamed = renames::ever_called(table, definition);
            let subject = Subject::Workflow(definition.name().clone());
            Ok(vec![root(id, subject, WorkflowDefined { renamed, ..defined })])
        }
        (false, true) => Ok(Vec::new()),
        (false, false) => {
            let defined = put_in_force(table, definition, renamed)?;
            Ok(vec![root(id, Subject::Workflow(definition.name().clone()), defined)])
        }
    }
}

/// Says what a definition changes, with what it renames.
fn put_in_force(
    table: &Table,
    definition: &Definition,
    renamed: Vec<Renamed>,
) -> Result<WorkflowDefined, Rejection> {
    let name = definition.name();
    check_currency(table, definition)?;
    let specs: BTreeMap<PhaseId, PhaseSpec> = specs(table, definition).collect();
    let names = Exchange::of(name, &renamed);
    check_across(table, definition, &specs, &names)?;
    let known = |id: &PhaseId| table.phases.get(names.of_phase(id)).filter(|phase| !phase.retired);
    let is_new = |id: &&PhaseId| known(id).is_none() && !renamed.iter().any(|renamed| renamed.to == id.phase);
    let added = specs.keys().filter(is_new).map(|id| id.phase.clone()).collect();
    let of_workflow = table.current().into_iter().filter(|phase| phase.id.workflow == *name);
    let now = of_workflow.map(|phase| names.of_phase(&phase.id)).filter(|id| !specs.contains_key(*id));
    let is_gone = |id: &&PhaseId| !renamed.iter().any(|renamed| renamed.from == id.phase);
    let retired = now.filter(is_gone).map(|id| id.phase.clone()).collect();
    let changed = definition.phases().iter().filter_map(|phase| {
        let id = PhaseId::new(name.clone(), phase.id.clone());
        let changes = outdating(&known(&id)?.spec, &specs[&id], &names);
        (!changes.is_empty()).then(|| DefinitionChange { phase: phase.id.clone(), changes })
    });
    let changed = changed.collect();
    Ok(WorkflowDefined { definition: definition.clone(), added, retired, changed, renamed })
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

/// Returns each phase of a definition with its full name, and its needs by what other workflows call them.
fn specs(table: &Table, definition: &Definition) -> impl Iterator<Item = (PhaseId, PhaseSpec)> {
    definition.phases().iter().enumerate().map(|(position, phase)| {
        let id = PhaseId::new(definition.name().clone(), phase.id.clone());
        let spec = PhaseSpec::new(definition.name(), position, phase);
        let mut seen = BTreeSet::new();
        let needs = spec.needs.into_iter().map(|need| match need.workflow == id.workflow {
            true => need,
            false => table.needed(need),
        });
        // It may name one by both of its names.
        let needs = needs.filter(|need| seen.insert(need.clone())).collect();
        (id, PhaseSpec { needs, ..spec })
    })
}

/// Returns what outdates completed work: a changed version, and needs that were not there before.
fn outdating(before: &PhaseSpec, after: &PhaseSpec, names: &Exchange) -> Vec<Change> {
    let version = (before.version != after.version).then(|| Change {
        what: "version".to_owned(),
        before: before.version.clone(),
        after: after.version.clone(),
    });
    // A need that is called otherwise is the same, and so is one whose history comes along.
    let known: BTreeSet<_> = before.needs.iter().flat_map(|need| [need, names.of_phase(need)]).collect();
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
    names: &Exchange,
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
    let into = |need: &&PhaseId| need.workflow == *name && !specs.contains_key(names.of_phase(need));
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
        .map(|(id, spec)| {
            // The new definition speaks by the new names, the others by the old ones.
            let now = |need| if id.workflow == *name { need } else { names.of_phase(need) };
            spec.needs.iter().filter_map(|need| index.get(now(need)).copied()).collect()
        })
        .collect();
    match find_cycle(&edges) {
        None => Ok(()),
        Some(cycle) => {
            let path = cycle.into_iter().map(|at| nodes[at].0.clone()).collect();
            Err(Rejection::CycleAcrossWorkflows { path })
        }
    }
}

/// Puts a definition in force: its phases get their new specs, new ones are PENDING, the others retire.
pub(in crate::rules) fn defined(
    table: &mut Changing<'_>,
    record: &Recorded,
    defined: &WorkflowDefined,
) -> Result<(), String> {
    let definition = &defined.definition;
    if record.subject != Subject::Workflow(definition.name().clone()) {
        return Err(about_else(record));
    }
    let table = table.everything();
    if let Some(before) = table.workflows.get(definition.name())
        && record.inferred.as_deref() == Some(DATED_BACK)
    {
        let known = before.clone();
        date_back(table, record, known, defined);
        return Ok(());
    }
    // A definition that is dated back and the first one has nothing to rename.
    let renamed = match record.inferred.as_deref() == Some(DATED_BACK) {
        true => &[][..],
        false => &defined.renamed,
    };
    renames::rename(table, record, definition.name(), renamed)?;
    let before = table.workflows.get(definition.name());
    let (budget, limit) =
        before.map_or((Budget::default(), None), |before| (before.budget.clone(), before.cost_limit));
    let happened = Happened::of(record);
    let workflow = Workflow {
        name: definition.name().clone(),
        description: definition.description().map(str::to_owned),
        currency: definition.currency().map(str::to_owned),
        cost_limit: definition.cost_limit(),
        budget: budget.redefined(limit, definition.cost_limit()),
        approval: definition.approval().clone(),
        definition: definition.digest(),
        defined: record.seq,
        definitions: before
            .iter()
            .flat_map(|before| &before.definitions)
            .copied()
            .chain([Defined::of(record)])
            .collect(),
        retired: None,
        renamed: before.map(|before| before.renamed.clone()).unwrap_or_default(),
        brought_in: before
            .filter(|before| before.retired.is_none())
            .map_or(happened, |before| before.brought_in),
        latest: happened.later(before.map(|before| before.latest)),
    };
    table.workflows.insert(workflow.name.clone(), workflow);
    let specs: BTreeMap<_, _> = specs(table, definition).collect();
    let of_workflow = |phase: &&mut Phase| phase.id.workflow == *definition.name() && !phase.retired;
    for phase in table.phases.values_mut().filter(of_workflow) {
        for need in &phase.spec.needs {
            if let Some(dependants) = table.dependants.get_mut(need) {
                dependants.remove(&phase.id);
            }
        }
        if !specs.contains_key(&phase.id) {
            phase.retired = true;
            phase.last_seq = record.seq;
            phase.updated_at = record.at;
        }
    }
    for (id, spec) in specs {
        put(table, record, id, spec);
    }
    look_through(table);
    table.dependants.retain(|_, dependants| !dependants.is_empty());
    Ok(())
}

/// The repair that a definition is which says from when on a workflow is taken to have been defined.
pub const DATED_BACK: &str = "dated_back";

/// Dates the definition of a workflow back: what is there stays as it is, what is not is filled in. In a cut that ends before
/// phases were renamed they get the names by which it speaks of them.
fn date_back(table: &mut Table, record: &Recorded, known: Workflow, defined: &WorkflowDefined) {
    let definition = &defined.definition;
    let known = renames::rename_back(table, record, known, &defined.renamed);
    let earlier = |before: Happened| {
        let happened = Happened::of(record);
        if happened.at < before.at { happened } else { before }
    };
    let specs: Vec<_> = specs(table, definition).collect();
    for (id, spec) in specs {
        match table.phases.get_mut(&id).filter(|phase| !phase.retired) {
            Some(phase) => phase.brought_in = earlier(phase.brought_in),
            None => put(table, record, id, spec),
        }
    }
    look_through(table);
    let workflow = Workflow { brought_in: earlier(known.brought_in), retired: None, ..known };
    table.workflows.insert(workflow.name.clone(), workflow);
}

/// Notes of what is above something that was looked through that it is looked through as well: a definition may have put
/// it there since.
fn look_through(table: &mut Table) {
    let seen = table.phases.values().filter(|phase| phase.looked_through);
    let mut open: Vec<PhaseId> = seen.flat_map(|phase| phase.spec.needs.iter().cloned()).collect();
    while let Some(id) = open.pop() {
        if let Some(phase) = table.phases.get_mut(&id).filter(|phase| !phase.looked_through) {
            phase.looked_through = true;
            open.extend(phase.spec.needs.iter().cloned());
        }
    }
}

/// Puts in force what a definition says of a phase.
fn put(table: &mut Table, record: &Recorded, id: PhaseId, spec: PhaseSpec) {
    for need in &spec.needs {
        table.dependants.entry(need.clone()).or_default().insert(id.clone());
    }
    let Some(phase) = table.phases.get_mut(&id) else {
        let lineage = Lineage { added: record.seq, version: record.seq, edges: BTreeMap::new() };
        let phase = Phase {
            id: id.clone(),
            budget: Budget::default().limited(spec.cost_limit),
            spec,
            retired: false,
            state: PhaseState::NOT_RUN,
            aside: Vec::new(),
            reset: None,
            replaced: Vec::new(),
            returned: None,
            lineage,
            looked_through: false,
            attempt: 0,
            left_behind: Vec::new(),
            metadata: Metadata::default(),
            has_history: false,
            last_seq: record.seq,
            updated_at: record.at,
            moved: None,
            brought_in: Happened::of(record),
            paid: None,
        };
        table.phases.insert(id, phase);
        return;
    };
    if !phase.retired && phase.spec == spec {
        return;
    }
    phase.lineage.go_on(&phase.spec, &spec, record.seq);
    phase.budget = match phase.retired {
        true => phase.budget.limited(spec.cost_limit),
        false => phase.budget.redefined(phase.spec.cost_limit, spec.cost_limit),
    };
    // What comes back is what it was; the first release let it begin anew.
    if phase.retired && record.version == 1 {
        phase.state = PhaseState::NOT_RUN;
        phase.metadata = Metadata::default();
    }
    if phase.retired {
        phase.brought_in = Happened::of(record);
    }
    phase.retired = false;
    phase.spec = spec;
    phase.last_seq = record.seq;
    phase.updated_at = record.at;
}

/// Starts the visit at the phases that a definition brings in, or says other needs or another version of than before.
pub(in crate::rules) fn judge_anew(wave: &mut Wave<'_>, record: &Recorded, defined: &WorkflowDefined) {
    let Some(workflow) = record.subject.workflow() else { return };
    // What has a new name may have a history that it had not.
    let renamed = defined.renamed.iter().map(|renamed| &renamed.to);
    let added: BTreeSet<_> = defined.added.iter().chain(renamed).collect();
    let is_other = |phase: &&Phase| phase.lineage.is_made_by(record.seq) || added.contains(&phase.id.phase);
    let of_workflow = |phase: &&Phase| phase.id.workflow == *workflow && !phase.retired;
    for phase in wave.table.phases.values().filter(of_workflow).filter(is_other) {
        wave.seed_definition(&phase.id, record);
    }
}
