//! What must run again, by what it goes back to.

use std::collections::{BTreeMap, HashMap};

use super::judge::Judge;
use super::reasons::in_order;
use super::roots::back;
use crate::model::{Seq, WorkflowName};
use crate::rules::phase::Phase;
use crate::rules::table::Table;

/// How many roots are followed down at once: one a bit.
const AT_ONCE: usize = u64::BITS as usize;

/// An event that phases go back to that must run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// Its place.
    pub root: Seq,
    /// How many phases go back to it, by their workflows.
    pub phases: BTreeMap<WorkflowName, usize>,
}

/// Returns every root of every phase that is stale, in the order of the log, as [`trail`](super::trail) would lead to it.
pub fn reruns(table: &Table) -> Vec<Rerun> {
    let mut judge = Judge::new(table);
    let stale: Vec<&Phase> = in_order(table).into_iter().filter(|phase| phase.is_stale()).collect();
    let numbers: HashMap<_, _> = stale.iter().zip(0..).map(|(phase, number)| (&phase.id, number)).collect();
    let mut roots: BTreeMap<Seq, Vec<usize>> = BTreeMap::new();
    let mut above: Vec<Vec<usize>> = Vec::with_capacity(stale.len());
    for (number, phase) in stale.iter().enumerate() {
        for origin in back(&mut judge, phase).iter().flat_map(|found| found.origins()) {
            roots.entry(origin.seq).or_default().push(number);
        }
        let mut nearest = Vec::new();
        judge.stale_above(phase, |_, above| nearest.extend(numbers.get(&above.id).copied()));
        above.push(nearest);
    }
    let roots: Vec<(Seq, Vec<usize>)> = roots.into_iter().collect();
    roots.chunks(AT_ONCE).flat_map(|roots| followed_down(roots, &stale, &above)).collect()
}

/// Counts the phases that some roots lead to.
fn followed_down(roots: &[(Seq, Vec<usize>)], stale: &[&Phase], above: &[Vec<usize>]) -> Vec<Rerun> {
    let mut reached = vec![0_u64; stale.len()];
    for (bit, (_, first)) in roots.iter().enumerate() {
        first.iter().for_each(|&number| reached[number] |= 1 << bit);
    }
    let mut reruns: Vec<Rerun> =
        roots.iter().map(|(root, _)| Rerun { root: *root, phases: BTreeMap::new() }).collect();
    for (number, phase) in stale.iter().enumerate() {
        // Each comes after all that is above it.
        let bits = above[number].iter().fold(reached[number], |bits, &above| bits | reached[above]);
        reached[number] = bits;
        for (bit, rerun) in reruns.iter_mut().enumerate() {
            if bits >> bit & 1 == 1 {
                *rerun.phases.entry(phase.id.workflow.clone()).or_default() += 1;
            }
        }
    }
    reruns
}
