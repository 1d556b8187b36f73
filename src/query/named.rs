//! Phases by the names that people give them.

use crate::model::{PhaseId, PhaseRef};
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
    let retired: Vec<PhaseId> = table.phases.keys().filter(|id| name.means(id)).cloned().collect();
    if retired.is_empty() {
        return Err(refused);
    }
    let exact = retired.iter().find(|id| PhaseRef::from((*id).clone()) == *name).cloned();
    let [id] = table.preferred_of(name, exact.map_or(retired, |id| vec![id]))?;
    table.phases.get(&id).ok_or(refused)
}
