//! `scan`: which phases' files are looked at, and what their last attempts read of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{AskError, Cut, Question};
use crate::model::{Declared, FileRole, OutputFile, PhaseId, PhaseRef, Said, Seq, StateName, WorkflowName};
use crate::query::topological;
use crate::rules::{Phase, PhaseState, Table};

/// Which phases' files are to be looked at, and what did their last attempts read?
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// These phases only; all that declare inputs for none.
    pub phases: Vec<PhaseRef>,
    /// Phases of this workflow only.
    pub workflow: Option<WorkflowName>,
    /// The starts of which is known already what was read: an event never changes.
    pub known: BTreeSet<Seq>,
}

/// The phases whose files are to be looked at.
#[derive(Debug, Clone)]
pub struct ScanAnswer {
    /// The last event.
    pub head: Seq,
    /// How many workflows there are.
    pub workflows: usize,
    /// The phases, each after all that it needs.
    pub targets: Vec<ScanTarget>,
    /// What the attempts read, by the places of their starts, without those that are known; none where that was not
    /// recorded.
    pub read: BTreeMap<Seq, Option<Vec<OutputFile>>>,
}

/// A phase whose files are to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanTarget {
    /// Its name.
    pub id: PhaseId,
    /// Where it stands.
    pub state: StateName,
    /// The attempt that read its inputs last, and the place of its start; none where it runs anyway.
    pub attempt: Option<(u32, Seq)>,
    /// Whether a scan said since that attempt began that they changed.
    pub is_told: bool,
    /// The inputs that it declares.
    pub declared: Option<Declared>,
}

impl Question for Scan {
    const SCHEMA: &'static str = "scan-targets/1";
    type View = ScanAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ScanAnswer, AskError> {
        let table = cut.table()?;
        let targets = self.targets(&table)?;
        let mut read = BTreeMap::new();
        for (_, start) in targets.iter().filter_map(|target| target.attempt) {
            if !self.known.contains(&start) {
                let record = cut.record(start)?;
                read.insert(start, record.event.started().and_then(|started| started.inputs.clone()));
            }
        }
        Ok(ScanAnswer { head: table.head, workflows: table.workflows.len(), targets, read })
    }
}

impl Scan {
    /// Returns the phases that are meant, each after all that it needs.
    fn targets(&self, table: &Table) -> Result<Vec<ScanTarget>, AskError> {
        let workflow = self.workflow.as_ref();
        if workflow.is_some() {
            table.workflow(workflow)?;
        }
        let named = self.phases.iter().map(|name| {
            let bare = name.workflow.is_none();
            let workflow = workflow.filter(|_| bare).or(name.workflow.as_ref()).cloned();
            Ok(&table.resolve(&PhaseRef { workflow, phase: name.phase.clone() })?.id)
        });
        let named = named.collect::<Result<Vec<_>, AskError>>()?;
        let is_meant = |phase: &&Phase| match named.is_empty() {
            true => !phase.spec.inputs.is_empty() && workflow.is_none_or(|name| *name == phase.id.workflow),
            false => named.contains(&&phase.id),
        };
        Ok(topological(table).into_iter().filter(is_meant).map(ScanTarget::new).collect())
    }
}

impl ScanTarget {
    fn new(phase: &Phase) -> Self {
        let attempt = match &phase.state {
            PhaseState::Complete { .. } | PhaseState::NeedsRerun { .. } | PhaseState::InProgress { .. } => {
                phase.state.attempt().map(|attempt| (phase.attempt, attempt.seq))
            }
            PhaseState::Pending { .. } | PhaseState::Failed { .. } => None,
        };
        let declared = phase.declared(FileRole::Inputs);
        let is_told = phase.is_told(Said::Input);
        ScanTarget { id: phase.id.clone(), state: phase.state.name(), attempt, is_told, declared }
    }
}
