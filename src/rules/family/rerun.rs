//! Reruns: a phase must run again, because someone says so or because something above it or its files changed.

use crate::model::{EventId, RerunReason, StateName, action};
use crate::rules::draft::{Draft, moving};
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;

const COMPLETE: &[StateName] = &[StateName::Complete];

/// Decides on a mark that someone asks for.
pub(in crate::rules) fn rerun(table: &Table, id: EventId, asked: &action::Rerun) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    phase.check_state("rerun", COMPLETE)?;
    Ok(moving(phase, id, RerunReason::because(&asked.reason).marked(), StateName::NeedsRerun))
}
