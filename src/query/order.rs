//! The order in which phases can run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::model::PhaseId;
use crate::rules::{Phase, Table};

/// Returns the phases that the definitions in force have, each after all that it needs; where several could
/// come next, by workflow and then in the file's order.
///
/// Iterative (Kahn 1962): real graphs are thousands deep.
pub fn topological(table: &Table) -> Vec<&Phase> {
    let mut phases: Vec<&Phase> = table.phases.values().filter(|phase| !phase.retired).collect();
    phases.sort_by(|a, b| {
        let key = |phase: &'_ Phase| phase.spec.position;
        a.id.workflow.cmp(&b.id.workflow).then(key(a).cmp(&key(b))).then_with(|| a.id.phase.cmp(&b.id.phase))
    });
    // By rank: names are long, and looked up over and over.
    let ranks: HashMap<&PhaseId, usize> =
        phases.iter().enumerate().map(|(rank, phase)| (&phase.id, rank)).collect();
    let needs = |phase: &Phase| phase.spec.needs.iter().filter(|need| ranks.contains_key(need)).count();
    let mut waiting: Vec<usize> = phases.iter().map(|phase| needs(phase)).collect();
    let free = waiting.iter().enumerate().filter(|(_, waiting)| **waiting == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(rank, _)| Reverse(rank)).collect();
    let mut order = Vec::with_capacity(phases.len());
    while let Some(Reverse(rank)) = ready.pop() {
        order.push(phases[rank]);
        for below in table.dependants_of(&phases[rank].id) {
            let Some(&below) = ranks.get(below) else { continue };
            waiting[below] -= 1;
            if waiting[below] == 0 {
                ready.push(Reverse(below));
            }
        }
    }
    order
}
