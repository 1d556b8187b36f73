//! Why a phase is stale: every reason that holds.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::judge::{Go, Judge};
use crate::model::{PhaseId, Reason, Said};
use crate::rules::attempt::Attempt;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::table::Table;

impl<'a> Judge<'a> {
    /// Returns every reason that holds for a phase, in the order of [`Reason`] and of its needs.
    pub(in crate::rules) fn reasons(&mut self, phase: &'a Phase) -> Vec<Reason> {
        let Some(attempt) = judged(phase) else { return Vec::new() };
        let mut reasons = own(phase, attempt);
        let workflow = &phase.id.workflow;
        let (mut added, mut changed, mut stale) = (Vec::new(), Vec::new(), Vec::new());
        for id in &phase.spec.needs {
            let (look, need) = (self.look(id), id.beside(workflow));
            match attempt.basis(id) {
                None => added.push(Reason::NeedAdded { need: need.clone() }),
                Some(then) if !self.is_same(&then, &look.basis, attempt) => {
                    changed.push(Reason::NeedChanged { need: need.clone() })
                }
                Some(_) => {}
            }
            if look.is_stale {
                stale.push(Reason::NeedStale { need });
            }
        }
        if added.is_empty() && changed.is_empty() && attempt.needs() == phase.spec.needs.len() {
            self.note_as_found(phase);
        }
        reasons.extend(added.into_iter().chain(changed).chain(stale));
        reasons.extend(phase.state.marks().iter().any(|mark| mark.legacy).then_some(Reason::Legacy));
        reasons
    }

    /// Says whether a reason holds for a phase: as [`Judge::reasons`], but ends at the first.
    pub(in crate::rules) fn holds(&self, phase: &Phase) -> bool {
        let Some(attempt) = judged(phase) else { return false };
        if !own(phase, attempt).is_empty() || phase.state.marks().iter().any(|mark| mark.legacy) {
            return true;
        }
        if phase.spec.needs.iter().any(|need| !attempt.had(need)) {
            return true;
        }
        phase.spec.needs.iter().any(|need| {
            let mut stale = false;
            self.walk(need, |above| {
                stale |= self.is_stale(above);
                if stale { Go::Home } else { Go::On }
            });
            stale || !self.finds_again(need, attempt)
        })
    }
}

/// Returns the attempt by which a phase is judged; none for one that is never stale.
fn judged(phase: &Phase) -> Option<&Attempt> {
    if phase.retired {
        return None;
    }
    match &phase.state {
        PhaseState::InProgress { attempt, .. } => Some(attempt),
        PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
            Some(&completion.attempt)
        }
        PhaseState::Pending { .. } | PhaseState::Failed { .. } => None,
    }
}

/// Returns the reasons that lie in the phase itself.
fn own(phase: &Phase, attempt: &Attempt) -> Vec<Reason> {
    let mut reasons = Vec::new();
    reasons.extend(phase.is_told(Said::Manual).then_some(Reason::Manual));
    if attempt.version != phase.spec.version {
        reasons.push(Reason::Version { before: attempt.version.clone(), after: phase.spec.version.clone() });
    }
    reasons.extend(phase.is_told(Said::Input).then_some(Reason::Input));
    reasons.extend(phase.is_told(Said::Output).then_some(Reason::Output));
    reasons
}

/// Judges every phase of a table anew: returns those that are stale, with every reason.
pub fn judge(table: &Table) -> HashMap<&PhaseId, Vec<Reason>> {
    judge_all(table).1
}

/// As [`judge`], with how all of them are judged.
pub(in crate::rules) fn judge_all(table: &Table) -> (Judge<'_>, HashMap<&PhaseId, Vec<Reason>>) {
    let mut judge = Judge::anew(table);
    let mut stale: HashMap<&PhaseId, Vec<Reason>> = HashMap::new();
    for phase in in_order(table) {
        let reasons = judge.reasons(phase);
        judge.note(phase, !reasons.is_empty());
        if !reasons.is_empty() {
            stale.insert(&phase.id, reasons);
        }
    }
    (judge, stale)
}

/// Returns the phases that the definitions have, each after all that it needs, ties by name.
pub(super) fn in_order(table: &Table) -> Vec<&Phase> {
    let phases = || table.phases.values().filter(|phase| !phase.retired);
    let mut left: HashMap<&PhaseId, usize> =
        phases().map(|phase| (&phase.id, phase.spec.needs.len())).collect();
    let free = phases().filter(|phase| phase.spec.needs.is_empty());
    let mut ready: BinaryHeap<Reverse<&PhaseId>> = free.map(|phase| Reverse(&phase.id)).collect();
    let mut order = Vec::with_capacity(left.len());
    while let Some(Reverse(id)) = ready.pop() {
        order.extend(table.phases.get(id));
        for below in table.dependants_of(id) {
            let Some(count) = left.get_mut(below) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.push(Reverse(below));
            }
        }
    }
    order
}
