//! What becomes of names and of work when a workflow is defined anew: what is left behind, which bare names clash, and where
//! a file says something else than what is in force.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::{Definition, PhaseId, PhaseName, StateName, WorkflowName, nearest};
use crate::rules::{Phase, Table, Workflow};

/// A phase that is no longer there, and has a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// The phase.
    pub phase: PhaseId,
    /// How many attempts it has had.
    pub attempts: u32,
    /// Where it stands.
    pub state: StateName,
    /// The new phase that has almost its name: perhaps it is the same one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near: Option<PhaseName>,
}

/// Returns those of the phases that a definition retires which have a history. Whether it is in the table already does not
/// matter.
pub fn left_behind(
    table: &Table,
    workflow: &WorkflowName,
    retired: &[PhaseName],
    added: &[PhaseName],
) -> Vec<LeftBehind> {
    let has_history = |phase: &&Phase| phase.attempt > 0 || phase.moved.is_some() || phase.budget.records > 0;
    let phases = retired.iter().filter_map(|name| {
        let id = PhaseId::new(workflow.clone(), name.clone());
        table.phases.get(&id).filter(has_history)
    });
    let mut taken = BTreeSet::new();
    let behind = phases.map(|phase| {
        let names = added.iter().map(PhaseName::as_str).filter(|name| !taken.contains(name));
        let near = nearest(phase.id.phase.as_str(), names).and_then(|near| {
            let near = added.iter().find(|name| name.as_str() == near)?;
            taken.insert(near.as_str());
            Some(near.clone())
        });
        let (phase, attempts, state) = (phase.id.clone(), phase.attempt, phase.state.name());
        LeftBehind { phase, attempts, state, near }
    });
    behind.collect()
}

/// A bare name that stands for several phases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clash {
    /// The name.
    pub name: PhaseName,
    /// The phases, by their full names.
    pub phases: Vec<PhaseId>,
}

/// Returns which new phases of a workflow have a name that was another workflow's alone until then. Whether the definition
/// is in the table already does not matter.
pub fn clashes(table: &Table, workflow: &WorkflowName, added: &[PhaseName]) -> Vec<Clash> {
    let clash = |name: &PhaseName| {
        let others = table.in_force().filter(|other| other.name != *workflow);
        let others = others.map(|other| PhaseId::new(other.name.clone(), name.clone()));
        let others = others.filter(|id| table.phases.get(id).is_some_and(|phase| !phase.retired));
        let mut phases: Vec<_> = others.collect();
        if phases.len() != 1 {
            return None;
        }
        phases.push(PhaseId::new(workflow.clone(), name.clone()));
        Some(Clash { name: name.clone(), phases })
    };
    added.iter().filter_map(clash).collect()
}

/// How a definition differs from what is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// Another one is in force.
    Differs,
    /// The workflow was never defined.
    NotDefined {
        /// Whether others are in force.
        others: bool,
    },
    /// The workflow is retired.
    Retired,
}

/// Under how many names a file may be in force to be looked for under them.
const NAMES_MAX: usize = 16;

/// Tells how a definition differs from what is in force, by what both say; none where it is in force, under its own name or
/// under several others.
pub fn drift(table: &Table, definition: &Definition) -> Option<Drift> {
    match table.workflows.get(definition.name()) {
        None => {
            let mut latest: Vec<_> = table.in_force().collect();
            latest.sort_by_key(|workflow| Reverse(workflow.defined));
            let others = !latest.is_empty();
            let is_it = |known: &Workflow| {
                definition
                    .under(&known.name)
                    .is_some_and(|definition| definition.digest() == known.definition)
            };
            // One alone may as well be what the file was before somebody gave it another name.
            let is_in_force = latest.into_iter().take(NAMES_MAX).filter(|known| is_it(known)).count() > 1;
            (!is_in_force).then_some(Drift::NotDefined { others })
        }
        Some(known) if known.retired.is_some() => Some(Drift::Retired),
        Some(known) => (known.definition != definition.digest()).then_some(Drift::Differs),
    }
}
