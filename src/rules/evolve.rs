//! What events add up to: the fold. It applies what is stored, and never decides or derives.

use super::budget::Budget;
use super::family::approval::evolve_approvals;
use super::family::costs::evolve_costs;
use super::family::definition::{digest, specs};
use super::phase::{
    self, Attempt, Completion, Failure, Mark, Phase, PhaseSpec, PhaseState, Skip, is_upstream,
};
use super::table::{Table, Tag, Workflow};
use crate::model::{
    Cause, Event, Metadata, PhaseCompleted, PhaseFailed, PhaseId, PhaseStarted, Recorded, RerunReason, Seq,
    Subject, WorkflowDefined,
};

/// An event that cannot follow what is before it: the log is damaged, or was made by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} cannot follow: {found}")]
pub struct Impossible {
    /// The event's place.
    pub seq: Seq,
    /// What was found, and what was expected.
    pub found: String,
}

/// Folds one more event into the table.
///
/// # Errors
///
/// [`Impossible`], and the table is no longer to be used: a ledger that shrugs is no evidence.
pub fn evolve(table: &mut Table, record: &Recorded) -> Result<(), Impossible> {
    let impossible = |found: String| Impossible { seq: record.seq, found };
    if record.seq != table.head.plus(1) {
        return Err(impossible(format!("it is event {}, expected event {}", record.seq, table.head.plus(1))));
    }
    if let Some(late) = record.causes.iter().find(|cause| cause.seq >= record.seq) {
        return Err(impossible(format!("its cause is event {}, which is not before it", late.seq)));
    }
    evolve_costs(table, record).map_err(impossible)?;
    evolve_approvals(table, record).map_err(impossible)?;
    match (&record.event, &record.subject) {
        (Event::WorkflowDefined(defined), Subject::Workflow(name)) if defined.definition.name() == name => {
            define(table, record, defined);
        }
        (Event::TagSet(tag), _) if tag.seq < record.seq => {
            table.tags.insert(tag.name.clone(), Tag { seq: tag.seq, set: record.seq });
        }
        (Event::NoteAdded(_) | Event::HistoryImported(_), Subject::Ledger)
        | (
            Event::PhaseReset(_)
            | Event::HistoryImported(_)
            | Event::CostLimitSet(_)
            | Event::CostWarningRaised(_)
            | Event::CostLimitExceeded(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalGranted(_)
            | Event::ApprovalRejected(_),
            Subject::Workflow(_),
        ) => {}
        (Event::WorkflowDefined(_) | Event::TagSet(_), _) | (_, Subject::Ledger | Subject::Workflow(_)) => {
            return Err(impossible(format!("`{}` cannot be about that", record.event.kind())));
        }
        (_, Subject::Phase(id)) => {
            let outlives = matches!(record.event, Event::ApprovalGranted(_) | Event::ApprovalRejected(_));
            let phase = table.phases.get_mut(id).filter(|phase| outlives || !phase.retired);
            let phase = phase.ok_or_else(|| impossible(format!("there is no phase `{id}`")))?;
            let found = phase.state.name();
            let (from, to) = record.transition.unwrap_or((found, found));
            if found != from {
                return Err(impossible(format!("`{id}` is {found}, expected {from}")));
            }
            move_phase(phase, record).map_err(impossible)?;
            if phase.state.name() != to {
                return Err(impossible(format!("`{}` does not lead to {to}", record.event.kind())));
            }
            phase.last_seq = record.seq;
            phase.updated_at = record.at;
        }
    }
    table.head = record.seq;
    Ok(())
}

/// Applies an event to its phase. The caller has checked the state before, and checks the one after.
fn move_phase(phase: &mut Phase, record: &Recorded) -> Result<(), String> {
    match &record.event {
        Event::PhaseStarted(started) => start(phase, record, started),
        Event::PhaseCompleted(completed) => complete(phase, record, completed),
        Event::PhaseFailed(failed) => fail(phase, record, failed),
        Event::PhaseSkipped(skipped) => {
            let skip = Skip { event: record.id, seq: record.seq, reason: skipped.reason.clone() };
            phase.state = PhaseState::Pending { skipped: Some(skip) };
            merge(phase, &skipped.metadata)
        }
        Event::PhaseReset(_) => {
            phase.state = PhaseState::Pending { skipped: None };
            phase.metadata = Metadata::default();
            Ok(())
        }
        Event::RerunMarked(why) => match std::mem::replace(&mut phase.state, VACANT) {
            PhaseState::Complete { completion } => {
                let marks = vec![mark(record, why)];
                phase.state = PhaseState::NeedsRerun { completion, marks };
                Ok(())
            }
            PhaseState::Pending { .. }
            | PhaseState::InProgress { .. }
            | PhaseState::Failed { .. }
            | PhaseState::NeedsRerun { .. } => Err(misplaced(record)),
        },
        Event::RerunCauseAdded(why) => match &mut phase.state {
            PhaseState::NeedsRerun { marks, .. } => {
                marks.push(mark(record, why));
                Ok(())
            }
            PhaseState::Pending { .. }
            | PhaseState::InProgress { .. }
            | PhaseState::Complete { .. }
            | PhaseState::Failed { .. } => Err(misplaced(record)),
        },
        Event::RerunDeferred(why) => match &mut phase.state {
            PhaseState::InProgress { outdated_by, .. } => {
                outdated_by.push(mark(record, why));
                Ok(())
            }
            PhaseState::Pending { .. }
            | PhaseState::Complete { .. }
            | PhaseState::Failed { .. }
            | PhaseState::NeedsRerun { .. } => Err(misplaced(record)),
        },
        Event::RerunCleared(_) => match std::mem::replace(&mut phase.state, VACANT) {
            PhaseState::NeedsRerun { completion, .. } => {
                phase.state = PhaseState::Complete { completion };
                Ok(())
            }
            PhaseState::Pending { .. }
            | PhaseState::InProgress { .. }
            | PhaseState::Complete { .. }
            | PhaseState::Failed { .. } => Err(misplaced(record)),
        },
        Event::MetadataRecorded(recorded) => merge(phase, &recorded.metadata),
        Event::NoteAdded(_)
        | Event::CostRecorded(_)
        | Event::CostLimitSet(_)
        | Event::CostWarningRaised(_)
        | Event::CostLimitExceeded(_)
        | Event::ApprovalRequested(_)
        | Event::ApprovalGranted(_)
        | Event::ApprovalRejected(_) => Ok(()),
        Event::WorkflowDefined(_) | Event::TagSet(_) | Event::HistoryImported(_) => Err(misplaced(record)),
    }
}

/// Stands for a state while it is being replaced.
const VACANT: PhaseState = PhaseState::Pending { skipped: None };

fn misplaced(record: &Recorded) -> String {
    format!("a `{}` does not fit the phase's state", record.event.kind())
}

fn merge(phase: &mut Phase, metadata: &Metadata) -> Result<(), String> {
    phase.metadata.merge(metadata).map_err(|error| error.to_string())
}

fn start(phase: &mut Phase, record: &Recorded, started: &PhaseStarted) -> Result<(), String> {
    match phase.state {
        PhaseState::Pending { .. } | PhaseState::Failed { .. } | PhaseState::NeedsRerun { .. } => {}
        PhaseState::InProgress { .. } | PhaseState::Complete { .. } => return Err(misplaced(record)),
    }
    if started.attempt != phase.attempt + 1 {
        return Err(format!("it starts attempt {}, expected {}", started.attempt, phase.attempt + 1));
    }
    phase.attempt = started.attempt;
    phase.metadata = started.metadata.clone();
    let attempt = Attempt {
        event: record.id,
        seq: record.seq,
        root: record.correlation_id,
        started_at: record.at,
        consumed: started.consumed.clone(),
        unmet: started.unmet.clone(),
        process: started.process.clone(),
    };
    phase.state = PhaseState::InProgress { attempt, outdated_by: Vec::new() };
    Ok(())
}

/// Takes the attempt that is under way out of its phase.
fn end(phase: &mut Phase, record: &Recorded, ended: u32) -> Result<(Attempt, Vec<Mark>), String> {
    if ended != phase.attempt {
        return Err(format!("it ends attempt {ended}, expected {}", phase.attempt));
    }
    match std::mem::replace(&mut phase.state, VACANT) {
        PhaseState::InProgress { attempt, outdated_by } => {
            Ok((Attempt { process: None, ..attempt }, outdated_by))
        }
        PhaseState::Pending { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. }
        | PhaseState::NeedsRerun { .. } => Err(misplaced(record)),
    }
}

fn complete(phase: &mut Phase, record: &Recorded, completed: &PhaseCompleted) -> Result<(), String> {
    let (attempt, outdated_by) = end(phase, record, completed.attempt)?;
    let completion = Completion {
        attempt,
        event: record.id,
        seq: record.seq,
        ended_at: record.at,
        duration_seconds: completed.duration_seconds,
        output: completed.output,
        outdated_by,
    };
    phase.state = PhaseState::Complete { completion };
    merge(phase, &completed.metadata)
}

fn fail(phase: &mut Phase, record: &Recorded, failed: &PhaseFailed) -> Result<(), String> {
    let (attempt, _) = end(phase, record, failed.attempt)?;
    let failure = Failure {
        attempt,
        event: record.id,
        seq: record.seq,
        ended_at: record.at,
        duration_seconds: failed.duration_seconds,
        error: failed.error.clone(),
    };
    phase.state = PhaseState::Failed { failure };
    merge(phase, &failed.metadata)
}

fn mark(record: &Recorded, why: &RerunReason) -> Mark {
    let own = |cause: &&Cause| !is_upstream(cause.kind);
    let weightiest = record.causes.iter().find(own).or(record.causes.first());
    Mark {
        event: record.id,
        seq: record.seq,
        root: record.correlation_id,
        at: record.at,
        reason: why.reason.clone(),
        kind: weightiest.map(|cause| cause.kind),
        changes: record.causes.is_empty().then(|| phase::digest(&why.changes)).flatten(),
    }
}

/// Puts a definition in force: its phases get their new specs, new ones are PENDING, the others retire.
fn define(table: &mut Table, record: &Recorded, defined: &WorkflowDefined) {
    let definition = &defined.definition;
    let before = table.workflows.get(definition.name());
    let (budget, limit) =
        before.map_or((Budget::default(), None), |before| (before.budget, before.cost_limit));
    let workflow = Workflow {
        name: definition.name().clone(),
        description: definition.description().map(str::to_owned),
        currency: definition.currency().map(str::to_owned),
        cost_limit: definition.cost_limit(),
        budget: budget.redefined(limit, definition.cost_limit()),
        approval: definition.approval().clone(),
        definition: digest(definition),
        defined: record.seq,
    };
    table.workflows.insert(workflow.name.clone(), workflow);
    let specs: std::collections::BTreeMap<_, _> = specs(definition).collect();
    let of_workflow = |phase: &&mut Phase| phase.id.workflow == *definition.name() && !phase.retired;
    for phase in table.phases.values_mut().filter(of_workflow) {
        for need in &phase.spec.needs {
            if let Some(dependants) = table.dependants.get_mut(need) {
                dependants.remove(&phase.id);
            }
        }
        if !specs.contains_key(&phase.id) {
            phase.retired = true;
            phase.last_seq = record.seq;
            phase.updated_at = record.at;
        }
    }
    for (id, spec) in specs {
        for need in &spec.needs {
            table.dependants.entry(need.clone()).or_default().insert(id.clone());
        }
        put(table, record, id, spec);
    }
    table.dependants.retain(|_, dependants| !dependants.is_empty());
}

fn put(table: &mut Table, record: &Recorded, id: PhaseId, spec: PhaseSpec) {
    let known = table.phases.get_mut(&id);
    match known {
        Some(phase) if !phase.retired => {
            if phase.spec != spec {
                phase.budget = phase.budget.redefined(phase.spec.cost_limit, spec.cost_limit);
                phase.spec = spec;
                phase.last_seq = record.seq;
                phase.updated_at = record.at;
            }
        }
        before => {
            let (attempt, budget) =
                before.map_or((0, Budget::default()), |phase| (phase.attempt, phase.budget));
            let phase = Phase {
                id: id.clone(),
                budget: budget.limited(spec.cost_limit),
                spec,
                retired: false,
                state: VACANT,
                attempt,
                metadata: Metadata::default(),
                last_seq: record.seq,
                updated_at: record.at,
            };
            table.phases.insert(id, phase);
        }
    }
}
