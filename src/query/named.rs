//! Phases by the names that people give them.

use crate::model::PhaseRef;
use crate::rules::{Phase, Rejection, Table};

/// Returns the phase of a name: one that the definitions in force have, or else a retired one.
///
/// # Errors
///
/// As [`Table::resolve`]: no such phase, or several workflows that have one.
pub fn phase_named<'a>(table: &'a Table, name: &PhaseRef) -> Result<&'a Phase, Rejection> {
    let refused = match table.resolve(name) {
        Err(refused @ (Rejection::UnknownPhase { .. } | Rejection::RenamedPhase { .. })) => refused,
        answer => return answer,
    };
    let is_meant = |phase: &&Phase| {
        phase.id.phase == name.phase
            && name.workflow.as_ref().is_none_or(|workflow| *workflow == phase.id.workflow)
    };
    let retired: Vec<_> = table.phases.values().filter(is_meant).collect();
    match retired.as_slice() {
        [] => Err(refused),
        [only] => Ok(only),
        several => Err(Rejection::AmbiguousPhase {
            phase: name.clone(),
            candidates: several.iter().map(|phase| phase.id.clone()).collect(),
        }),
    }
}
