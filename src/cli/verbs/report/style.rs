//! What the whole report has in common: how it shows times, names, events and headings.

use phaseledger::model::{PhaseId, Seq, Timestamp, WorkflowName, Zone};
use phaseledger::query::EventBrief;

use super::syntax::code;
use crate::cli::ui::render;

/// How much of a reason is shown where there are many; `phaseledger show` has it all.
const WHY_CHARACTERS_MAX: usize = 100;

/// What the whole document has in common.
pub struct Style<'a> {
    /// The zone that times are shown in.
    pub zone: Zone,
    /// The workflow whose phases go by their bare names.
    pub workflow: Option<&'a WorkflowName>,
}

impl Style<'_> {
    /// Returns a time to the second.
    pub fn time(&self, time: Option<Timestamp>) -> String {
        time.map_or_else(String::new, |time| render::time(time, self.zone, false))
    }

    /// Returns a phase's name as code: the bare one within its own workflow.
    pub fn phase(&self, id: &PhaseId) -> String {
        self.name(&id.workflow, id.phase.as_str())
    }

    pub fn name(&self, workflow: &WorkflowName, phase: &str) -> String {
        if Some(workflow) == self.workflow { code(phase) } else { code(&format!("{workflow}/{phase}")) }
    }

    /// Returns the names of phases.
    pub fn phases<'a>(&self, ids: impl IntoIterator<Item = &'a PhaseId>) -> String {
        ids.into_iter().map(|id| self.phase(id)).collect::<Vec<_>>().join(", ")
    }

    /// Returns which event it is, when, and by whom.
    pub fn event(&self, seq: Seq, at: Option<Timestamp>, by: Option<&str>) -> String {
        let by = by.map(|by| format!("by {}", code(by)));
        let parts = [Some(format!("event {seq}")), at.map(|at| self.time(Some(at))), by];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Returns a heading of a level.
pub fn heading(level: usize, title: &str) -> String {
    format!("\n{} {title}\n\n", "#".repeat(level))
}

/// Returns the start of a text: its first line, or less.
pub fn start(given: &str) -> String {
    let line = given.trim().lines().next().unwrap_or_default();
    let start: String = line.chars().take(WHY_CHARACTERS_MAX).collect();
    if start.len() < given.trim().len() { format!("{}…", start.trim_end()) } else { start }
}

/// Returns what an event is about.
pub fn subject(event: &EventBrief, style: &Style<'_>) -> String {
    match (&event.workflow, &event.phase) {
        (Some(workflow), Some(phase)) => style.name(workflow, phase.as_str()),
        (Some(workflow), None) => code(workflow.as_str()),
        (None, _) => "the ledger".to_owned(),
    }
}
