//! What a definition says of former names that came to nothing.

use crate::model::{PhaseId, PhaseName, WorkflowDefined};
use crate::rules::Table;

/// That a phase did not get the history of the one that it is said to have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRenamed {
    /// The phase.
    pub phase: PhaseName,
    /// What it is said to have been called.
    pub from: PhaseName,
    /// Whether there was such a phase: then both have histories of their own.
    pub is_there: bool,
}

/// Returns what a definition wanted to rename and did not, other than what is called so since long. The table is that before
/// the event, or some table after it.
pub fn not_renamed(table: &Table, defined: &WorkflowDefined) -> Vec<NotRenamed> {
    let workflow = defined.definition.name();
    let row = |name: &PhaseName| table.phases.get(&PhaseId::new(workflow.clone(), name.clone()));
    let is_first = defined.added.len() == defined.definition.phases().len() && defined.retired.is_empty();
    let said =
        defined.definition.phases().iter().filter_map(|phase| Some((phase, phase.renamed_from.as_ref()?)));
    let not = said.filter_map(|(phase, from)| {
        let was = PhaseId::new(workflow.clone(), from.clone());
        let is_so = row(&phase.id).is_some_and(|phase| table.names_of(phase).was_ever(&was));
        if is_so || defined.renamed.iter().any(|renamed| renamed.to == phase.id) {
            return None;
        }
        let is_there = row(from).is_some_and(|phase| phase.has_history);
        let is_slip = !is_there && !is_first && row(from).is_none() && defined.added.contains(&phase.id);
        (is_there || is_slip).then(|| NotRenamed { phase: phase.id.clone(), from: from.clone(), is_there })
    });
    not.collect()
}
