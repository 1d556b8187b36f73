//! What is found in a need: its completion, where one stands; else what is found in its own needs, and so on.

use std::collections::{HashMap, HashSet};

use crate::model::{Consumed, LookedThrough, PhaseId};
use crate::rules::attempt::Attempt;
use crate::rules::basis::{Basis, is_same_completion};
use crate::rules::phase::Phase;
use crate::rules::table::Table;

/// How many phases are compared one by one.
const SEEN_FEW_MAX: usize = 8;

/// What is found in a need, and on the way to it.
pub(in crate::rules) struct Look {
    pub(in crate::rules) basis: Basis,
    /// Whether the need, or a phase looked through or found, is itself stale.
    pub(in crate::rules) is_stale: bool,
}

/// How the phases of a table are judged, as far as that is known: what is judged anew is noted, from above to below.
pub(in crate::rules) struct Judge<'a> {
    pub(in crate::rules) table: &'a Table,
    /// Whether what the events say of a phase does not count.
    is_anew: bool,
    judged: HashMap<&'a PhaseId, bool>,
    /// Attempts under way that are stale, but would find the same still.
    as_found: HashSet<&'a PhaseId>,
}

impl<'a> Judge<'a> {
    /// Makes one that goes by what the events say.
    pub(in crate::rules) fn new(table: &'a Table) -> Self {
        Judge { table, is_anew: false, judged: HashMap::new(), as_found: HashSet::new() }
    }

    /// Makes one that goes by nothing but what is noted.
    pub(super) fn anew(table: &'a Table) -> Self {
        Judge { is_anew: true, ..Judge::new(table) }
    }

    /// Notes how a phase is judged.
    pub(in crate::rules) fn note(&mut self, phase: &'a Phase, is_stale: bool) {
        self.judged.insert(&phase.id, is_stale);
    }

    /// Notes that the attempt of a phase would find the same still.
    pub(super) fn note_as_found(&mut self, phase: &'a Phase) {
        self.as_found.insert(&phase.id);
    }

    /// Says whether a phase is stale.
    pub(in crate::rules) fn is_stale(&self, phase: &Phase) -> bool {
        let known = self.judged.get(&phase.id).copied();
        known.unwrap_or_else(|| !self.is_anew && phase.is_stale())
    }

    /// Looks into a need.
    pub(in crate::rules) fn look(&self, need: &PhaseId) -> Look {
        let (mut found, mut stale) = (Vec::new(), false);
        self.walk(need, |phase| {
            stale |= self.is_stale(phase);
            found.extend(consumed(phase));
            Go::On
        });
        Look { basis: Basis::of(found), is_stale: stale }
    }

    /// Says whether what an attempt found in a need is what is found there now.
    pub(super) fn is_same(&self, then: &Basis, now: &Basis, attempt: &Attempt) -> bool {
        let since = attempt.since();
        match self.table.is_renamed_since(since) {
            true => then.is_same_then(now, |id| self.table.called_then(id, since)),
            false => then.is_same(now),
        }
    }

    /// Returns what an attempt that starts now finds through each need that has no completion which stands.
    pub(in crate::rules) fn looked_through(&self, phase: &Phase) -> Vec<LookedThrough> {
        let stands =
            |need: &PhaseId| self.table.phases.get(need).is_some_and(|need| need.standing().is_some());
        let open = phase.spec.needs.iter().filter(|need| !stands(need));
        open.map(|need| self.look(need).basis.to_record(need.clone())).collect()
    }

    /// Visits the nearest stale phases above one, each with the need through which it is found.
    pub(in crate::rules) fn stale_above<'b>(
        &self,
        phase: &'b Phase,
        mut visit: impl FnMut(&'b PhaseId, &'b Phase),
    ) where
        'a: 'b,
    {
        for need in &phase.spec.needs {
            self.walk(need, |above| {
                if !self.is_stale(above) {
                    return Go::On;
                }
                visit(need, above);
                // What is behind it is visited from there.
                Go::Past
            });
        }
    }

    /// Visits a need and, as long as what it visits has no completion that stands, what that needs in turn. Behind an
    /// attempt under way that would find the same still it goes by what that found.
    pub(in crate::rules) fn walk<'b>(&self, need: &'b PhaseId, mut visit: impl FnMut(&'b Phase) -> Go)
    where
        'a: 'b,
    {
        let known = |id: &PhaseId| self.table.phases.get(id).filter(|phase| !phase.retired);
        // Mostly the need itself stands, and what was seen need not be kept.
        let Some(phase) = known(need) else { return };
        if visit(phase) != Go::On || phase.standing().is_some() {
            return;
        }
        let (mut seen, mut open) = (Seen::default(), self.behind(phase));
        seen.insert(need);
        while let Some(id) = open.pop() {
            let Some(phase) = known(id).filter(|_| seen.insert(id)) else { continue };
            match visit(phase) {
                Go::Home => return,
                Go::Past => continue,
                Go::On if phase.standing().is_some() => continue,
                Go::On => open.extend(self.behind(phase)),
            }
        }
    }

    /// Returns what is behind a phase that is looked through, the last to be visited first.
    fn behind<'b>(&self, phase: &'b Phase) -> Vec<&'b PhaseId> {
        let is_as_found = !self.is_stale(phase) || self.as_found.contains(&phase.id);
        let found = phase.found_under_way().filter(|_| is_as_found);
        found.unwrap_or_else(|| phase.spec.needs.iter().rev().collect())
    }

    /// Says whether an attempt that had a need would find the same in it now.
    pub(super) fn finds_again(&self, need: &PhaseId, attempt: &Attempt) -> bool {
        let standing = self.table.phases.get(need).and_then(Phase::standing);
        if let (Some(then), Some(now)) = (attempt.found_itself(need), standing) {
            return is_same_completion((then.event, then.output), (now.event, now.output));
        }
        let then = attempt.basis(need);
        then.is_some_and(|then| self.is_same(&then, &self.look(need).basis, attempt))
    }
}

/// Phases that were visited: most walks end with a few, for which hashing their names costs more than comparing them.
#[derive(Default)]
struct Seen<'a> {
    few: Vec<&'a PhaseId>,
    more: HashSet<&'a PhaseId>,
}

impl<'a> Seen<'a> {
    /// Adds a phase, and says whether it is a new one.
    fn insert(&mut self, id: &'a PhaseId) -> bool {
        if self.few.contains(&id) {
            return false;
        }
        if self.few.len() < SEEN_FEW_MAX {
            self.few.push(id);
            return true;
        }
        self.more.insert(id)
    }
}

/// Returns the completion of a phase that stands.
pub(in crate::rules) fn consumed(phase: &Phase) -> Option<Consumed> {
    let completion = phase.standing()?;
    let (event, seq, output) = (completion.event, completion.seq, completion.output);
    Some(Consumed { phase: phase.id.clone(), event, seq, output })
}

/// How a walk goes on from a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Go {
    /// To what is behind it as well.
    On,
    /// Not to what is behind it.
    Past,
    /// Not at all.
    Home,
}
