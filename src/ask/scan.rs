//! `scan`: which phases' files are looked at, and what their last attempts read and put out of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{AskError, Cut, Question};
use crate::model::{
    Declared, FileRole, OutputFile, Pattern, PhaseId, PhaseRef, Seq, StateName, WorkflowName,
};
use crate::query::topological;
use crate::rules::{Phase, PhaseState, Table};

/// Which phases' files are to be looked at, and what did their last attempts read and put out?
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// These phases only; all that declare inputs or outputs for none.
    pub phases: Vec<PhaseRef>,
    /// Phases of this workflow only.
    pub workflow: Option<WorkflowName>,
    /// The starts, completions and acceptances of which is known already what they recorded of such files: an event never
    /// changes.
    pub known: BTreeSet<(Seq, FileRole)>,
}

/// The phases whose files are to be looked at.
#[derive(Debug, Clone)]
pub struct ScanAnswer {
    /// The last event.
    pub head: Seq,
    /// How many workflows there are.
    pub workflows: usize,
    /// The phases, each after all that it needs: its inputs, then its outputs.
    pub targets: Vec<ScanTarget>,
    /// What the attempts read and put out, by the places of their starts, completions and acceptances, without those that
    /// are known; none where that was not recorded.
    pub recorded: BTreeMap<(Seq, FileRole), Option<Vec<OutputFile>>>,
}

/// A phase whose inputs, or whose outputs, are to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanTarget {
    /// Its name.
    pub id: PhaseId,
    /// Which of its files.
    pub role: FileRole,
    /// Where it stands.
    pub state: StateName,
    /// The last attempt, and the place of the event that recorded what it read, its start, or put out, its completion; or
    /// what was there of either, its acceptance since. None where it runs anyway.
    pub attempt: Option<(u32, Seq)>,
    /// Whether a scan said since that attempt began that they changed.
    pub is_told: bool,
    /// Those that it declares.
    pub declared: Option<Declared>,
    /// Whether those are to be looked at that the completion names: outputs that its caller stated, while none were declared.
    pub has_stated: bool,
}

impl Question for Scan {
    const SCHEMA: &'static str = "scan-targets/1";
    type View = ScanAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ScanAnswer, AskError> {
        let table = cut.table()?;
        let targets = self.targets(&table)?;
        let mut recorded = BTreeMap::new();
        for target in &targets {
            let Some((place, role)) = target.recorded_at() else { continue };
            if !self.known.contains(&(place, role)) {
                recorded.insert((place, role), recorded_of(cut, target, place)?);
            }
        }
        Ok(ScanAnswer { head: table.head, workflows: table.in_force().count(), targets, recorded })
    }
}

impl Scan {
    /// Returns the phases that are meant, each after all that it needs.
    fn targets(&self, table: &Table) -> Result<Vec<ScanTarget>, AskError> {
        let workflow = table.workflow_named(self.workflow.as_ref())?;
        let workflow = workflow.as_ref();
        let named = self.phases.iter().map(|name| {
            let bare = name.workflow.is_none();
            let workflow = workflow.filter(|_| bare).or(name.workflow.as_ref()).cloned();
            Ok(&table.resolve(&PhaseRef { workflow, phase: name.phase.clone() })?.id)
        });
        let named = named.collect::<Result<Vec<_>, AskError>>()?;
        let is_meant = |phase: &&Phase| match named.is_empty() {
            true => phase.watches_files() && workflow.is_none_or(|name| *name == phase.id.workflow),
            false => named.contains(&&phase.id),
        };
        let both = |phase| {
            let outputs = ScanTarget::new(phase, FileRole::Outputs);
            let inputs = ScanTarget::new(phase, FileRole::Inputs);
            let has_outputs = outputs.declared.is_some() || outputs.has_stated;
            let is_shown = inputs.declared.is_some() || !has_outputs;
            let outputs = Some(outputs).filter(|_| has_outputs);
            Some(inputs).filter(|_| is_shown).into_iter().chain(outputs)
        };
        Ok(topological(table).into_iter().filter(is_meant).flat_map(both).collect())
    }
}

impl ScanTarget {
    /// Returns what is to be looked at: what is declared, and the files that were recorded where the caller stated them.
    pub fn watched(&self, recorded: Option<&[OutputFile]>) -> Option<Declared> {
        let stated = recorded.filter(|_| self.has_stated).unwrap_or_default();
        if stated.is_empty() {
            return self.declared.clone();
        }
        let declared = self.declared.as_ref().map_or(&[][..], |declared| &declared.patterns);
        // A path with a backslash may be one that was escaped: which file that is nobody can tell.
        let stated = stated.iter().filter(|file| !file.path.contains('\\'));
        let stated = stated.filter_map(|file| Pattern::of_path(&file.path));
        let mut patterns: Vec<String> = declared.iter().cloned().chain(stated).collect();
        patterns.dedup();
        (!patterns.is_empty()).then(|| Declared { phase: self.id.clone(), role: self.role, patterns })
    }

    /// Returns the place of the event that recorded its files, and which; none where it runs anyway.
    pub fn recorded_at(&self) -> Option<(Seq, FileRole)> {
        self.attempt.map(|(_, place)| (place, self.role))
    }

    fn new(phase: &Phase, role: FileRole) -> Self {
        let place = match (&phase.state, role) {
            (PhaseState::InProgress { attempt, .. }, FileRole::Inputs) => Some(attempt.seq),
            (PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. }, _) => {
                Some(match (role, &completion.attempt.vouched) {
                    (_, Some(vouched)) => vouched.seq,
                    (FileRole::Inputs, None) => completion.attempt.seq,
                    (FileRole::Outputs, None) => completion.seq,
                })
            }
            (PhaseState::InProgress { .. }, FileRole::Outputs)
            | (PhaseState::Pending { .. } | PhaseState::Failed { .. }, _) => None,
        };
        let attempt = place.map(|place| (phase.attempt, place));
        let declared = phase.declared(role);
        let is_told = phase.is_told(role.into());
        let has_stated = role == FileRole::Outputs && phase.has_stated();
        let (id, state) = (phase.id.clone(), phase.state.name());
        ScanTarget { id, role, state, attempt, is_told, declared, has_stated }
    }
}

/// Returns the files of a target that the event at a place recorded; none where it did not.
fn recorded_of(cut: &Cut<'_>, target: &ScanTarget, place: Seq) -> Result<Option<Vec<OutputFile>>, AskError> {
    let record = cut.record(place)?;
    let files = match target.role {
        FileRole::Inputs => record.event.inputs(),
        FileRole::Outputs => record.event.outputs(),
    };
    if files.is_some() || record.event.accepted().is_none() || target.role.is_inputs() {
        return Ok(files.map(<[_]>::to_vec));
    }
    // A digest alone was stated: where it is that of the completion before, so are the files.
    let table = cut.table()?;
    let phase = table.phases.get(&target.id);
    match phase.and_then(Phase::standing).filter(|completion| completion.seq != place) {
        Some(completion) => Ok(cut.record(completion.seq)?.event.outputs().map(<[_]>::to_vec)),
        None => Ok(None),
    }
}
