//! The report: all that a table says of one workflow or of every one, with the events that say why.
//!
//! ```text
//!   Table ──references──▶ places ──(the caller reads them)──▶ Evidence
//!     └─────────────────────report(table, evidence)──────────────┘──▶ Report ──▶ Markdown | JSON
//! ```
//!
//! A report is a function of a prefix of the log: it knows no clock, so what is under way has no duration.

mod view;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

pub use view::{
    EventReport, MarkReport, OpenReruns, PhaseReport, ProgressSummary, Report, RetiredReport, RootReport,
    SkipReport, WorkflowReport,
};

use super::approvals::ApprovalFilter;
use super::brief::EventBrief;
use super::costs::CostScan;
use super::graph::graph;
use super::words::words;
use crate::model::{Digest, EventId, Recorded, Seq, StateName, Timestamp, WorkflowName};
use crate::rules::{Mark, Phase, PhaseState, Rejection, Rerun, Table, Workflow, reruns};

/// How many roots of what must run again are told of a workflow, those of the most phases; the others are counted.
const RERUNS_MAX: usize = 10;

/// What a report says besides what the table holds.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The Merkle root over the lines of the prefix.
    pub root: Digest,
    /// The events that the table refers to (see [`references`]).
    pub events: BTreeMap<EventId, Recorded>,
    /// The last events about what is reported, in order.
    pub recent: Vec<Recorded>,
    /// What must run again, by what it goes back to.
    pub reruns: Vec<Rerun>,
    /// What the log tells of costs.
    pub costs: CostScan,
    /// When the last event of the prefix took effect: whose day it is as of then.
    pub at: Option<Timestamp>,
}

/// The events that a report wants to quote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Their places, where the table knows them.
    pub places: BTreeSet<Seq>,
    /// The roots of marks, each with the place of the first mark that leads to it by its first causes.
    pub roots: BTreeMap<EventId, Seq>,
    /// What must run again, by what it goes back to; the places of those that are listed are among the places.
    pub reruns: Vec<Rerun>,
}

/// Returns the events that a report on a workflow, or on all, wants to quote.
///
/// # Errors
///
/// [`Rejection::UnknownWorkflow`].
pub fn references(table: &Table, workflow: Option<&WorkflowName>) -> Result<References, Rejection> {
    let mut found = References { reruns: reruns(table), ..References::default() };
    for workflow in workflows(table, workflow)? {
        found.places.insert(workflow.defined);
        found.places.extend(
            most_reaching(&found.reruns, &workflow.name).iter().take(RERUNS_MAX).map(|(root, _)| *root),
        );
    }
    for phase in table.phases.values().filter(|phase| is_of(phase, workflow)) {
        match &phase.state {
            PhaseState::Failed { failure } => _ = found.places.insert(failure.seq),
            PhaseState::Pending { skipped: Some(skip) } => _ = found.places.insert(skip.seq),
            PhaseState::Pending { skipped: None }
            | PhaseState::InProgress { .. }
            | PhaseState::Complete { .. }
            | PhaseState::NeedsRerun { .. } => {}
        }
        for mark in phase.state.marks() {
            let first = found.roots.entry(mark.root).or_insert(mark.seq);
            *first = mark.seq.min(*first);
        }
    }
    Ok(found)
}

/// Returns the roots of what must run again in a workflow, each with how many of its phases go back to it, the most first,
/// then in the order of the log.
fn most_reaching(reruns: &[Rerun], workflow: &WorkflowName) -> Vec<(Seq, usize)> {
    let here = reruns.iter().filter_map(|rerun| Some((rerun.root, *rerun.phases.get(workflow)?)));
    let mut here: Vec<_> = here.collect();
    here.sort_by_key(|(_, phases)| Reverse(*phases));
    here
}

impl<'a> OpenReruns<'a> {
    fn new(workflow: &WorkflowName, evidence: &'a Evidence) -> Self {
        let roots = most_reaching(&evidence.reruns, workflow);
        let (listed, others) = roots.split_at(roots.len().min(RERUNS_MAX));
        let event = |place: Seq| evidence.events.values().find(|record| record.seq == place);
        let root = |(place, phases): &(Seq, usize)| {
            Some(RootReport { event: EventReport::new(event(*place)?), phases: *phases })
        };
        OpenReruns {
            roots: listed.iter().filter_map(root).collect(),
            others: others.len(),
            others_phases_max: others.first().map_or(0, |(_, phases)| *phases),
        }
    }
}

/// Reports on a workflow, or on all.
///
/// # Errors
///
/// [`Rejection::UnknownWorkflow`].
pub fn report<'a>(
    table: &'a Table,
    workflow: Option<&WorkflowName>,
    evidence: &'a Evidence,
) -> Result<Report<'a>, Rejection> {
    let mut phases: BTreeMap<&WorkflowName, Vec<&Phase>> = BTreeMap::new();
    for phase in table.current() {
        phases.entry(&phase.id.workflow).or_default().push(phase);
    }
    let workflows = workflows(table, workflow)?;
    let workflows = workflows.into_iter().map(|workflow| {
        let phases = phases.remove(&workflow.name).unwrap_or_default();
        report_workflow(table, workflow, &phases, evidence)
    });
    Ok(Report {
        root: evidence.root,
        workflows: workflows.collect(),
        recent: evidence.recent.iter().map(EventReport::new).collect(),
    })
}

/// Returns the workflow of a name, or all that are in force.
fn workflows<'a>(table: &'a Table, name: Option<&WorkflowName>) -> Result<Vec<&'a Workflow>, Rejection> {
    match name {
        Some(_) => Ok(vec![table.workflow(name)?]),
        None => Ok(table.in_force().collect()),
    }
}

fn is_of(phase: &Phase, workflow: Option<&WorkflowName>) -> bool {
    !phase.retired && workflow.is_none_or(|name| phase.id.workflow == *name)
}

fn report_workflow<'a>(
    table: &'a Table,
    workflow: &'a Workflow,
    phases: &[&'a Phase],
    evidence: &'a Evidence,
) -> WorkflowReport<'a> {
    let phases: Vec<_> = phases.iter().map(|phase| PhaseReport::new(table, phase, evidence)).collect();
    let defined = evidence.events.values().find(|record| record.seq == workflow.defined);
    let retired = table.phases.values().filter(|phase| phase.retired && phase.id.workflow == workflow.name);
    WorkflowReport {
        workflow: &workflow.name,
        description: workflow.description.as_deref(),
        definition: workflow.definition,
        defined: defined.map(EventReport::new),
        summary: ProgressSummary::new(&phases),
        open_reruns: OpenReruns::new(&workflow.name, evidence),
        next: phases.iter().filter(|phase| phase.is_ready()).map(|phase| phase.phase).collect(),
        phases,
        retired: retired
            .map(|phase| RetiredReport {
                phase: &phase.id.phase,
                attempt: phase.attempt,
                last_seq: phase.last_seq,
            })
            .collect(),
        costs: evidence.costs.view(table, workflow),
        graph: graph(table, Some(&workflow.name)),
        approvals: ApprovalFilter { workflow: Some(&workflow.name), ..ApprovalFilter::default() }.list(table),
    }
}

impl ProgressSummary {
    fn new(phases: &[PhaseReport<'_>]) -> Self {
        let count = |state| phases.iter().filter(|phase| phase.state == state).count();
        let states: BTreeMap<_, _> = StateName::ALL.into_iter().map(|state| (state, count(state))).collect();
        let skipped = phases.iter().filter(|phase| phase.skipped.is_some()).count();
        let (done, total) = (states[&StateName::Complete] + skipped, phases.len());
        ProgressSummary { states, skipped, done, total, percent: share(done, total, 100) }
    }

    /// Returns the part that is done, of a `whole`: all of it only when all phases are done, nothing only when
    /// none is.
    pub fn share(&self, whole: usize) -> usize {
        share(self.done, self.total, whole)
    }
}

fn share(done: usize, total: usize, whole: usize) -> usize {
    match done {
        0 => 0,
        _ if done == total => whole,
        _ => ((2 * done * whole + total) / (2 * total)).clamp(1, whole - 1),
    }
}

impl<'a> PhaseReport<'a> {
    fn new(table: &'a Table, phase: &'a Phase, evidence: &'a Evidence) -> Self {
        let attempt = phase.state.attempt();
        let mut view = PhaseReport {
            workflow: &phase.id.workflow,
            phase: &phase.id.phase,
            description: phase.spec.description.as_deref(),
            state: phase.state.name(),
            attempt: phase.attempt,
            started_at: attempt.map(|attempt| attempt.started_at),
            completed_at: None,
            failed_at: None,
            duration_seconds: None,
            error: None,
            exit_code: None,
            signal: None,
            marks: phase.state.marks().iter().map(|mark| MarkReport::new(mark, evidence)).collect(),
            skipped: None,
            dependencies_met: attempt.map(|attempt| attempt.unmet.is_empty()),
            unmet: attempt.map_or(&[], |attempt| &attempt.unmet),
            waits_for: table.unmet(phase),
            over_limit: table.is_over_limit(phase, evidence.at),
            needs: &phase.spec.needs,
            needed_by: table.dependants_of(&phase.id).collect(),
            output: None,
            metadata: &phase.metadata,
            last_seq: phase.last_seq,
            updated_at: phase.updated_at,
        };
        view.take(&phase.state, evidence);
        view
    }

    /// Takes what is true only in a phase's state.
    fn take(&mut self, state: &'a PhaseState, evidence: &'a Evidence) {
        match state {
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                self.completed_at = Some(completion.ended_at);
                self.duration_seconds = completion.duration_seconds;
                self.output = completion.output;
            }
            PhaseState::Failed { failure } => {
                self.failed_at = Some(failure.ended_at);
                self.duration_seconds = failure.duration_seconds;
                self.error = Some(&failure.error);
                if let Some(failed) =
                    evidence.events.get(&failure.event).and_then(|record| record.event.failed())
                {
                    self.exit_code = failed.exit_code;
                    self.signal = failed.signal.as_deref();
                }
            }
            PhaseState::Pending { skipped: Some(skip) } => {
                let record = evidence.events.get(&skip.event);
                self.skipped = Some(SkipReport {
                    seq: skip.seq,
                    at: record.map(|record| record.at),
                    by: record.map(|record| record.by.name.as_str()),
                    reason: &skip.reason,
                });
            }
            PhaseState::Pending { skipped: None } | PhaseState::InProgress { .. } => {}
        }
    }

    /// Says whether the phase is to run, and may start now.
    pub fn is_ready(&self) -> bool {
        self.would_be_ready() && !self.over_limit
    }

    /// Says whether the phase is to run, and waits for nothing; a cost limit may still keep it.
    pub fn would_be_ready(&self) -> bool {
        let is_to_run = match self.state {
            StateName::Pending => self.skipped.is_none(),
            StateName::Failed | StateName::NeedsRerun => true,
            StateName::InProgress | StateName::Complete => false,
        };
        is_to_run && self.waits_for.is_empty()
    }
}

impl<'a> MarkReport<'a> {
    fn new(mark: &'a Mark, evidence: &'a Evidence) -> Self {
        let Mark { event, seq, root, at, reason, kind, changes: _, outputs: _, legacy: _ } = mark;
        let root = evidence.events.get(root).map(EventReport::new);
        MarkReport { id: *event, seq: *seq, at: *at, reason, kind: *kind, root }
    }
}

impl<'a> EventReport<'a> {
    fn new(record: &'a Recorded) -> Self {
        EventReport {
            event: EventBrief::new(record),
            by: &record.by.name,
            user: record.by.other_user(),
            derived: record.rule.is_some(),
            text: words(&record.event).quotation(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_only_at_the_ends() {
        for (done, total, percent) in
            [(0, 0, 0), (0, 16, 0), (7, 16, 44), (16, 16, 100), (1, 1000, 1), (999, 1000, 99)]
        {
            assert_eq!(share(done, total, 100), percent, "{done} of {total}");
        }
    }
}
