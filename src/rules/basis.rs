//! What an attempt was built on by one of its needs.

use std::fmt::Write;

use crate::model::{BASIS_LISTED_MAX, Consumed, Digest, EventId, LookedThrough, Many, PhaseId};

/// The completions that an attempt builds on by one need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    found: Vec<Consumed>,
    many: Option<Many>,
}

impl Basis {
    /// Makes a basis of completions.
    pub(super) fn of(mut found: Vec<Consumed>) -> Self {
        found.sort_by(|a, b| a.phase.cmp(&b.phase));
        match found.len() > BASIS_LISTED_MAX {
            false => Basis { found, many: None },
            true => Basis { many: Some(many(&found)), found },
        }
    }

    /// Takes a basis as a start recorded it.
    pub(super) fn recorded(through: &LookedThrough) -> Self {
        Basis { found: through.found.clone(), many: through.many }
    }

    /// Returns the form in which a start records it.
    pub(super) fn to_record(&self, need: PhaseId) -> LookedThrough {
        let found = if self.many.is_some() { Vec::new() } else { self.found.clone() };
        LookedThrough { need, found, many: self.many }
    }

    /// Returns the completions; none of them where they are too many to be recorded.
    pub(super) fn found(&self) -> &[Consumed] {
        &self.found
    }

    /// Says whether it has more completions than it lists.
    pub(super) fn is_cut(&self) -> bool {
        self.many.is_some() && self.found.is_empty()
    }

    /// Returns what is found of a phase.
    pub(super) fn of_phase(&self, phase: &PhaseId) -> Option<&Consumed> {
        let at = self.found.binary_search_by(|found| found.phase.cmp(phase)).ok()?;
        self.found.get(at)
    }

    /// As [`Basis::is_same`], for one whose completions may be told apart by what their phases were called then.
    pub(super) fn is_same_then(&self, now: &Basis, called_then: impl Fn(&PhaseId) -> PhaseId) -> bool {
        if self.many.is_none() || now.many.is_none() {
            return self.is_same(now);
        }
        let then = |found: &Consumed| Consumed { phase: called_then(&found.phase), ..found.clone() };
        let mut found: Vec<Consumed> = now.found.iter().map(then).collect();
        found.sort_by(|a, b| a.phase.cmp(&b.phase));
        self.many == Some(many(&found))
    }

    /// Says whether the same is found in both.
    pub(super) fn is_same(&self, other: &Basis) -> bool {
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
    is_same_completion((a.event, a.output), (b.event, b.output))
}

/// As [`are_same`], of their events and outputs.
pub(super) fn is_same_completion(a: (EventId, Option<Digest>), b: (EventId, Option<Digest>)) -> bool {
    match (a.1, b.1) {
        (Some(a), Some(b)) => a == b,
        (None, _) | (_, None) => a.0 == b.0,
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
