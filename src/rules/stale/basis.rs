//! What is found in a need: its completion, where one stands; else what is found in its own needs, and so on.

use std::collections::HashSet;
use std::fmt::Write;

use crate::model::{BASIS_LISTED_MAX, Consumed, Digest, LookedThrough, Many, PhaseId};
use crate::rules::phase::Phase;
use crate::rules::table::Table;

/// The completions that an attempt builds on by one need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    found: Vec<Consumed>,
    many: Option<Many>,
}

impl Basis {
    /// Makes a basis of completions.
    pub(in crate::rules) fn of(mut found: Vec<Consumed>) -> Self {
        found.sort_by(|a, b| a.phase.cmp(&b.phase));
        match found.len() > BASIS_LISTED_MAX {
            false => Basis { found, many: None },
            true => Basis { many: Some(many(&found)), found },
        }
    }

    /// Takes a basis as a start recorded it.
    pub(in crate::rules) fn recorded(through: &LookedThrough) -> Self {
        Basis { found: through.found.clone(), many: through.many }
    }

    /// Returns the form in which a start records it.
    pub(in crate::rules) fn to_record(&self, need: PhaseId) -> LookedThrough {
        let found = if self.many.is_some() { Vec::new() } else { self.found.clone() };
        LookedThrough { need, found, many: self.many }
    }

    /// Returns the completions; none of them where they are too many to be recorded.
    pub(in crate::rules) fn found(&self) -> &[Consumed] {
        &self.found
    }

    /// Says whether it has more completions than it lists.
    pub(in crate::rules) fn is_cut(&self) -> bool {
        self.many.is_some() && self.found.is_empty()
    }

    /// Returns what is found of a phase.
    pub(in crate::rules) fn of_phase(&self, phase: &PhaseId) -> Option<&Consumed> {
        let at = self.found.binary_search_by(|found| found.phase.cmp(phase)).ok()?;
        self.found.get(at)
    }

    /// Says whether the same is found in both.
    pub(in crate::rules) fn is_same(&self, other: &Basis) -> bool {
        match (self.many, other.many) {
            (None, None) => {
                self.found.len() == other.found.len()
                    && self.found.iter().zip(&other.found).all(|(a, b)| a.phase == b.phase && are_same(a, b))
            }
            (a, b) => a == b,
        }
    }
}

/// Says whether two completions of a phase are worth the same: they put out the same, or are the very same.
pub(super) fn are_same(a: &Consumed, b: &Consumed) -> bool {
    match (a.output, b.output) {
        (Some(a), Some(b)) => a == b,
        (None, _) | (_, None) => a.event == b.event,
    }
}

fn many(found: &[Consumed]) -> Many {
    let mut lines = String::new();
    for one in found {
        let _ = match one.output {
            Some(output) => writeln!(lines, "{} {output}", one.phase),
            None => writeln!(lines, "{} {}", one.phase, one.event),
        };
    }
    Many { count: found.len() as u64, digest: Digest::sha256(lines.as_bytes()) }
}

/// What is found in a need, and on the way to it.
pub(in crate::rules) struct Look {
    pub(in crate::rules) basis: Basis,
    /// Whether the need, or a phase looked through or found, is itself stale.
    pub(in crate::rules) is_stale: bool,
}

/// Looks into a need. `is_stale` judges the phases on the way.
pub(in crate::rules) fn look(table: &Table, need: &PhaseId, is_stale: impl Fn(&Phase) -> bool) -> Look {
    let (mut found, mut stale) = (Vec::new(), false);
    walk(table, need, |phase| {
        stale |= is_stale(phase);
        found.extend(consumed(phase));
        true
    });
    Look { basis: Basis::of(found), is_stale: stale }
}

/// Returns the completion of a phase that stands.
pub(in crate::rules) fn consumed(phase: &Phase) -> Option<Consumed> {
    let completion = phase.standing()?;
    let (event, seq, output) = (completion.event, completion.seq, completion.output);
    Some(Consumed { phase: phase.id.clone(), event, seq, output })
}

/// Visits a need and, as long as what it visits has no completion that stands, what that needs in turn; until `visit`
/// says no.
pub(in crate::rules) fn walk<'a>(
    table: &'a Table,
    need: &'a PhaseId,
    mut visit: impl FnMut(&'a Phase) -> bool,
) {
    let (mut seen, mut open) = (HashSet::new(), vec![need]);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(phase) = table.phases.get(id).filter(|phase| !phase.retired) else { continue };
        if !visit(phase) {
            return;
        }
        if phase.standing().is_none() {
            open.extend(phase.spec.needs.iter().rev());
        }
    }
}
