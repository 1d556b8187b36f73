//! Definitions: which is in force, what one that was put in force changed, and whether a file says another.

use std::sync::Arc;

use super::{AskError, Cut, Question};
use crate::model::{Definition, PhaseId, PhaseName, Recorded, Seq, WorkflowName};
use crate::query::{Clash, DefinitionChanges, Drift, LeftBehind, clashes, drift, left_behind};
use crate::rules::Table;

/// Which definition is in force?
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// Of this workflow; of the only one for none.
    pub workflow: Option<WorkflowName>,
}

/// The definition that is in force.
#[derive(Debug, Clone)]
pub struct InForceAnswer {
    /// The place of the event that put it in force.
    pub seq: Seq,
    /// The definition.
    pub definition: Definition,
}

impl Question for InForce {
    const SCHEMA: &'static str = "in-force/1";
    type View = InForceAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<InForceAnswer, AskError> {
        let table = cut.table_of_names()?;
        let seq = table.workflow(self.workflow.as_ref())?.defined;
        match cut.record(seq)?.event.definition() {
            Some(defined) => Ok(InForceAnswer { seq, definition: defined.definition.clone() }),
            None => Err(AskError::Damaged { found: format!("e{seq} is no definition, expected one") }),
        }
    }
}

/// What does a definition, or a retirement, change that is in the log, or is about to be?
#[derive(Debug, Clone)]
pub struct Redefined {
    /// Its event.
    pub event: Recorded,
}

/// What a definition changes.
#[derive(Debug, Clone)]
pub struct RedefinedAnswer {
    /// All of it.
    pub changes: DefinitionChanges,
    /// How many phases were in force before.
    pub phases_before: usize,
    /// The phases that are no longer there and have a history, in the order of the definition of before.
    pub left_behind: Vec<LeftBehind>,
    /// The bare names that stand for one phase more than before, and no longer for one alone.
    pub clashes: Vec<Clash>,
}

impl Question for Redefined {
    const SCHEMA: &'static str = "redefined/1";
    type View = RedefinedAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<RedefinedAnswer, AskError> {
        let workflows = cut.table_of_names()?;
        let Some(name) = self.event.subject.workflow() else {
            return Err(AskError::Damaged { found: format!("e{} is about no workflow", self.event.seq) });
        };
        let before = before(cut, &workflows, name, self.event.seq)?;
        let changes = match (&before, self.event.event.definition()) {
            (before, Some(after)) => {
                DefinitionChanges::between(before.as_ref(), &after.definition, &after.renamed)
            }
            (Some(before), None) => DefinitionChanges::retiring(before),
            (None, None) => DefinitionChanges::default(),
        };
        let names = |phases: &mut dyn Iterator<Item = &PhaseId>| -> Vec<PhaseName> {
            phases.map(|id| id.phase.clone()).collect()
        };
        let (added, retired) = (names(&mut changes.added()), names(&mut changes.retired()));
        // Of phases there is something to tell where some go, or others may have the names of those that come.
        let is_alone = workflows.in_force().all(|known| known.name == *name);
        let table = if retired.is_empty() && is_alone { workflows } else { cut.table()? };
        Ok(RedefinedAnswer {
            phases_before: before.map_or(0, |before| before.phases().len()),
            left_behind: left_behind(&table, name, &retired, &added),
            clashes: clashes(&table, name, &added),
            changes,
        })
    }
}

/// Returns the definition that was in force in front of an event.
fn before(
    cut: &Cut<'_>,
    table: &Table,
    name: &WorkflowName,
    seq: Seq,
) -> Result<Option<Definition>, AskError> {
    let last = table.workflows.get(name).and_then(|known| known.defined_before(seq));
    let Some(last) = last else { return Ok(None) };
    let record = cut.record(last.event.seq)?;
    Ok(record.event.definition().map(|defined| defined.definition.clone()))
}

/// Does a definition, of a file, differ from what is in force?
#[derive(Debug, Clone)]
pub struct Drifted {
    /// The definition.
    pub definition: Arc<Definition>,
}

impl Question for Drifted {
    const SCHEMA: &'static str = "drifted/1";
    type View = Option<Drift>;

    fn ask(&self, cut: &Cut<'_>) -> Result<Option<Drift>, AskError> {
        Ok(drift(&*cut.table_of_names()?, &self.definition))
    }
}
