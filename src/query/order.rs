//! The order in which phases can run.

use std::collections::BTreeMap;

use crate::model::PhaseId;
use crate::rules::{Phase, Table};

/// Returns the phases that the definitions in force have, each after all that it needs; where several could
/// come next, by workflow and then in the file's order.
///
/// Iterative (Kahn 1962): real graphs are thousands deep.
pub fn topological(table: &Table) -> Vec<&Phase> {
    let current: BTreeMap<&PhaseId, &Phase> =
        table.phases.iter().filter(|(_, phase)| !phase.retired).collect();
    let needs = |phase: &Phase| phase.spec.needs.iter().filter(|need| current.contains_key(need)).count();
    let mut waiting: BTreeMap<&PhaseId, usize> =
        current.iter().map(|(id, phase)| (*id, needs(phase))).collect();
    let key = |phase: &'_ Phase| (phase.id.workflow.clone(), phase.spec.position, phase.id.phase.clone());
    let mut ready: BTreeMap<_, &Phase> =
        current.values().filter(|phase| waiting[&phase.id] == 0).map(|phase| (key(phase), *phase)).collect();
    let mut order = Vec::with_capacity(current.len());
    while let Some((_, phase)) = ready.pop_first() {
        order.push(phase);
        for below in table.dependants_of(&phase.id) {
            let (Some(left), Some(below)) = (waiting.get_mut(below), current.get(below)) else { continue };
            *left -= 1;
            if *left == 0 {
                ready.insert(key(below), below);
            }
        }
    }
    order
}
