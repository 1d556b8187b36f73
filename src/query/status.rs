//! `status`: where each phase stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::limits::{LimitReached, reached};
use super::phase_named;
use crate::model::{
    Amount, Metadata, PhaseId, PhaseName, PhaseRef, Process, Seq, StateName, Text, Timestamp, WorkflowName,
};
use crate::rules::{Approval, Phase, PhaseState, Rejection, Table};

/// Which phases are asked about. What is empty does not restrict.
#[derive(Debug, Clone, Default)]
pub struct StatusFilter {
    /// These phases; a retired one too, when it is named.
    pub phases: Vec<PhaseRef>,
    /// Phases in one of these states.
    pub states: Vec<StateName>,
    /// Phases of this workflow, of which bare names in `phases` are then.
    pub workflow: Option<WorkflowName>,
    /// Whether phases are listed that the definitions in force no longer have.
    pub with_retired: bool,
}

impl StatusFilter {
    /// Returns the names of the phases that are asked about; none where they are not asked about by name.
    pub fn named(&self) -> Vec<PhaseRef> {
        let within = |name: &PhaseRef| match &self.workflow {
            Some(workflow) => name.within(workflow).into(),
            None => name.clone(),
        };
        self.phases.iter().map(within).collect()
    }
}

/// Where each of some phases stands, and how many stand where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// How many of the phases listed are in each state.
    pub summary: Summary,
    /// The same of each workflow that has any of them, by name.
    pub workflows: Vec<WorkflowSummary>,
    /// How many requests for leave wait for a person: for phases listed, or for their workflows as a whole.
    pub approvals_pending: usize,
    /// The limits on costs that are exceeded, or nearly: of the workflows, and of the phases listed. Absent where none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReached>,
    /// The phases: by workflow, then in the file's order, then retired ones by name.
    pub phases: Vec<PhaseStatus>,
}

/// How many phases are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Summary {
    /// Not run, reset, or skipped.
    pub pending: usize,
    /// Under way.
    pub in_progress: usize,
    /// Ended well, and standing.
    pub complete: usize,
    /// Ended badly.
    pub failed: usize,
    /// Ended well, but to be repeated.
    pub needs_rerun: usize,
    /// How many of the pending ones are skipped.
    #[serde(rename = "skipped")]
    pub skipped: usize,
    /// How many those who need them may build on: complete or skipped.
    #[serde(rename = "done")]
    pub done: usize,
    /// How many must run again, now or once the attempt under way has ended.
    #[serde(skip)]
    pub stale: usize,
    /// All of them.
    #[serde(rename = "total")]
    pub total: usize,
}

/// How many phases of a workflow are in each state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkflowSummary {
    /// Its name.
    pub workflow: WorkflowName,
    /// How many are in each state.
    #[serde(flatten)]
    pub summary: Summary,
}

impl Summary {
    /// Counts one phase more.
    fn add(&mut self, phase: &PhaseStatus) {
        *self.in_state(phase.state) += 1;
        let is_skipped = phase.skipped.is_some();
        self.skipped += usize::from(is_skipped);
        self.done += usize::from(is_skipped || phase.state == StateName::Complete);
        self.stale += usize::from(!phase.rerun_reasons.is_empty() || phase.state == StateName::NeedsRerun);
        self.total += 1;
    }

    /// Returns how many phases are in a state.
    pub fn count(mut self, state: StateName) -> usize {
        *self.in_state(state)
    }

    fn in_state(&mut self, state: StateName) -> &mut usize {
        match state {
            StateName::Pending => &mut self.pending,
            StateName::InProgress => &mut self.in_progress,
            StateName::Complete => &mut self.complete,
            StateName::Failed => &mut self.failed,
            StateName::NeedsRerun => &mut self.needs_rerun,
        }
    }
}

/// Whether the process of an attempt is still there, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// It runs, or what it left behind does.
    Running,
    /// It is gone, and left nothing behind: nobody will end the attempt.
    Gone,
    /// It cannot be told from here, as of a process on another machine.
    Unknown,
}

/// Where one phase stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseStatus {
    /// Its workflow.
    pub workflow: WorkflowName,
    /// Its bare name.
    pub phase: PhaseName,
    /// Its state.
    pub state: StateName,
    /// How many attempts have been started; 0 for none.
    pub attempt: u32,
    /// When the last attempt started; none while the phase is PENDING.
    pub started_at: Option<Timestamp>,
    /// When the last attempt ended, well or badly; none while it is under way.
    pub completed_at: Option<Timestamp>,
    /// How long the last attempt took; none while it is under way, and where its start or its end is inferred.
    pub duration_seconds: Option<f64>,
    /// What went wrong with it.
    pub error: Option<Text>,
    /// Why the phase must run again, each reason once, the first one first. For a phase under way: why it
    /// must once this attempt ends.
    pub rerun_reasons: Vec<Text>,
    /// Why the phase is done without.
    pub skipped: Option<Text>,
    /// Whether all that the phase needs is complete or skipped, as things stand.
    pub dependencies_met: bool,
    /// What it needs that is neither.
    pub unmet: Vec<PhaseId>,
    /// What callers attached.
    pub metadata: Metadata,
    /// What was spent on it, refunds taken off.
    pub spent: Amount,
    /// The most it may cost; none for no limit.
    pub cost_limit: Option<Amount>,
    /// Whether its limit or its workflow's is exceeded, so that a start is refused; absent while none is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub over_limit: bool,
    /// The place of the last event about it.
    pub last_seq: Seq,
    /// When that event took effect.
    pub updated_at: Timestamp,
    /// The process that does the work, while an attempt is under way and where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Whether it is still there. The log does not tell: who asks looks, and fills this in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_state: Option<ProcessState>,
    /// What the process, itself gone, left behind at work, or an attempt that has ended. Filled in as `process_state` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_behind_pid: Option<u32>,
    /// Whether the definition in force no longer has it; absent while it has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl PhaseStatus {
    /// Views one phase as of an instant.
    pub fn new(table: &Table, phase: &Phase, at: Option<Timestamp>) -> Self {
        let (ended, error, skipped) = match &phase.state {
            PhaseState::Pending { skipped } => (None, None, skipped.as_ref().map(|skip| skip.reason.clone())),
            PhaseState::InProgress { .. } => (None, None, None),
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                (Some((completion.ended_at, completion.duration_seconds)), None, None)
            }
            PhaseState::Failed { failure } => {
                (Some((failure.ended_at, failure.duration_seconds)), Some(failure.error.clone()), None)
            }
        };
        let unmet = table.unmet(phase);
        PhaseStatus {
            workflow: phase.id.workflow.clone(),
            phase: phase.id.phase.clone(),
            state: phase.state.name(),
            attempt: phase.attempt,
            started_at: phase.state.attempt().map(|attempt| attempt.started_at),
            completed_at: ended.map(|(at, _)| at),
            duration_seconds: ended.and_then(|(_, seconds)| seconds),
            error,
            rerun_reasons: reasons(&phase.state),
            skipped,
            dependencies_met: unmet.is_empty(),
            unmet,
            metadata: phase.metadata.clone(),
            spent: phase.budget.spent,
            cost_limit: phase.budget.limit,
            over_limit: table.is_over_limit(phase, at),
            last_seq: phase.last_seq,
            updated_at: phase.updated_at,
            process: phase.state.attempt().and_then(|attempt| attempt.process.as_deref().cloned()),
            process_state: None,
            left_behind_pid: None,
            retired: phase.retired,
        }
    }

    /// Returns the phase's full name.
    pub fn id(&self) -> PhaseId {
        PhaseId::new(self.workflow.clone(), self.phase.clone())
    }
}

fn reasons(state: &PhaseState) -> Vec<Text> {
    let mut seen = BTreeSet::new();
    state.marks().iter().map(|mark| &mark.reason).filter(|reason| seen.insert(*reason)).cloned().collect()
}

/// Tells where phases stand, with the limits of the periods that an instant is in.
///
/// # Errors
///
/// [`Rejection`] for a phase or a workflow that is not there, and for a name that several workflows have.
pub fn status(table: &Table, filter: &StatusFilter, at: Option<Timestamp>) -> Result<Status, Rejection> {
    let workflow = match filter.with_retired || !filter.phases.is_empty() {
        true => table.known_workflow_named(filter.workflow.as_ref())?,
        false => table.workflow_named(filter.workflow.as_ref())?,
    };
    let named = named(table, filter)?;
    let retired = table.phases.values().filter(|phase| phase.retired);
    let is_asked = |phase: &&Phase| match named.is_empty() {
        true => filter.with_retired || !phase.retired,
        false => named.contains(&phase.id),
    };
    let phases: Vec<_> = table
        .current()
        .into_iter()
        .chain(retired)
        .filter(is_asked)
        .filter(|phase| workflow.as_ref().is_none_or(|name| *name == phase.id.workflow))
        .filter(|phase| filter.states.is_empty() || filter.states.contains(&phase.state.name()))
        .map(|phase| PhaseStatus::new(table, phase, at))
        .collect();
    let (mut summary, mut workflows) = (Summary::default(), BTreeMap::<&WorkflowName, Summary>::new());
    for phase in &phases {
        summary.add(phase);
        workflows.entry(&phase.workflow).or_default().add(phase);
    }
    let is_whole = filter.phases.is_empty() && filter.states.is_empty();
    let listed: BTreeSet<PhaseId> = phases.iter().map(PhaseStatus::id).collect();
    let waits = |approval: &&Approval| {
        let is_of = match &approval.phase {
            Some(phase) => listed.contains(phase),
            None => is_whole && workflows.contains_key(&approval.workflow),
        };
        is_of && approval.decision.is_none()
    };
    let approvals_pending = table.approvals.values().filter(waits).count();
    let limits = reached(table, workflows.keys().copied(), &listed, at);
    let workflows = workflows.into_iter().map(|(name, summary)| (name.clone(), summary));
    let workflows = workflows.map(|(workflow, summary)| WorkflowSummary { workflow, summary }).collect();
    Ok(Status { summary, workflows, approvals_pending, limits, phases })
}

/// Returns the phases that are asked for by name.
fn named(table: &Table, filter: &StatusFilter) -> Result<BTreeSet<PhaseId>, Rejection> {
    filter.named().iter().map(|name| Ok(phase_named(table, name)?.id.clone())).collect()
}
