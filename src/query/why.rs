//! `why`: from where a phase stands back through the causes, to every root.
//!
//! ```text
//!   state ─▶ the events it follows from ─▶ their causes ─▶ their causes ─▶ … ─▶ roots
//! ```
//!
//! What a phase that is stale goes back to is told by the table ([`trail`]): the reasons that hold as things stand, not
//! those that were recorded when it was marked. Behind the marks, the completions and the starts it is the recorded
//! causes. Each event is read once, however many ways lead to it and however deep they go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::brief::EventBrief;
use super::words::words;
use crate::model::{
    Actor, CauseKind, Change, Comparison, DefinitionChange, Digest, EventId, LineError, PhaseId, PhaseName,
    PhaseRef, Recorded, Seq, StateName, Timestamp, WorkflowName,
};
use crate::rules::{Mark, Names, Phase, PhaseState, Step, Table, trail};

/// An event as it was read from the log, with its proof.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The event.
    pub record: Recorded,
    /// The leaf of the Merkle tree that its line is (RFC 6962, section 2.1).
    pub leaf: Digest,
}

impl Proven {
    /// Reads an event from its line.
    ///
    /// # Errors
    ///
    /// [`LineError`] for a line that is no event.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        Ok(Proven { record: Recorded::from_line(line)?, leaf: Digest::leaf(line) })
    }
}

/// Why a phase stands where it does.
#[derive(Debug, Clone)]
pub struct Why {
    /// The phase.
    pub phase: PhaseId,
    /// Where it stands.
    pub state: StateName,
    /// Whether it was skipped.
    pub skipped: bool,
    /// The places of the events that the state follows from directly.
    pub because: Vec<Seq>,
    /// What it waits for, while it is PENDING.
    pub waits_for: Vec<Waiting>,
    /// Those events and all their causes, the latest first.
    pub chain: Vec<ChainEvent>,
}

/// A phase that another one waits for.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// The phase's workflow.
    pub workflow: WorkflowName,
    /// Its name.
    pub phase: PhaseName,
    /// Where it stands: neither complete nor skipped.
    pub state: StateName,
    /// The place of the event by which it does.
    pub seq: Seq,
    /// Why, where someone or some rule gave a reason.
    pub reason: Option<String>,
}

/// An event in a chain of causes.
#[derive(Debug, Clone)]
pub struct ChainEvent {
    /// The event, with its proof.
    pub proven: Proven,
    /// How the chain came to it; none for what the state follows from directly. Of several ways, the
    /// shortest.
    pub led_by: Option<LedBy>,
    /// How many steps back it is, by that way.
    pub depth: u64,
    /// The places of the events that it goes back to.
    pub back: Vec<Seq>,
    /// What its phase is called, where that is not what it was.
    pub called: Option<PhaseId>,
    /// Whether it goes back to none, or is the start of the attempt asked about and answers nothing.
    is_root: bool,
}

/// One step from an event back to its cause.
#[derive(Debug, Clone)]
pub struct LedBy {
    /// The place of the event that was caused.
    pub via: Seq,
    /// Why the one caused the other.
    pub kind: CauseKind,
    /// The edge of the graph along which it did.
    pub edge: Option<(PhaseId, PhaseId)>,
}

impl ChainEvent {
    /// Says whether it goes back to nothing else in the ledger.
    pub fn is_root(&self) -> bool {
        self.is_root
    }
}

impl Why {
    /// Returns the events that nothing in the ledger caused, the latest first.
    pub fn roots(&self) -> impl Iterator<Item = &ChainEvent> {
        self.chain.iter().filter(|event| event.is_root())
    }
}

/// Explains where a phase of the table stands. `read` returns the event at a place, which is never beyond
/// the table's head.
///
/// # Errors
///
/// Those of `read`.
pub fn why<E>(
    table: &Table,
    phase: &Phase,
    mut read: impl FnMut(Seq) -> Result<Proven, E>,
) -> Result<Why, E> {
    let mut because = because(&table.names_of(phase), phase, &mut read)?;
    let steps = if phase.is_stale() { trail(table, phase) } else { Vec::new() };
    because.extend(steps.iter().filter(|step| step.from.is_none()).map(|step| step.to));
    let mut seen = BTreeSet::new();
    because.retain(|seq| seen.insert(*seq));
    let own_start = phase.state.attempt().map(|attempt| attempt.seq);
    let chain = chain(table, &because, steps, own_start, read)?;
    let is_pending = phase.state.name() == StateName::Pending;
    let skipped = is_pending && phase.state.satisfies();
    let unmet = if is_pending && !skipped { table.unmet(phase) } else { Vec::new() };
    let waits_for = unmet.iter().filter_map(|need| Some(Waiting::new(table.phases.get(need)?))).collect();
    Ok(Why { phase: phase.id.clone(), state: phase.state.name(), skipped, because, waits_for, chain })
}

/// Returns the places of the events that a phase's state follows from directly.
fn because<E>(
    names: &Names,
    phase: &Phase,
    read: &mut impl FnMut(Seq) -> Result<Proven, E>,
) -> Result<Vec<Seq>, E> {
    // Of the derived ones the last: it says what held then.
    let places = |marks: &[Mark]| {
        let last = marks.iter().rposition(|mark| !mark.is_own());
        let counts = |at: usize, mark: &Mark| mark.is_own() && mark.changes.is_none() || Some(at) == last;
        let places = marks.iter().enumerate().filter(|(at, mark)| counts(*at, mark));
        places.map(|(_, mark)| mark.seq).collect::<Vec<_>>()
    };
    Ok(match &phase.state {
        PhaseState::Pending { skipped: Some(skip) } => vec![skip.seq],
        PhaseState::Pending { skipped: None } => {
            last(phase, Seq::ZERO, read, |record| is_reset(record, names) || adds(record, names))?
        }
        PhaseState::InProgress { attempt, outdated_by } => {
            let mut because = places(outdated_by);
            because.push(attempt.seq);
            because
        }
        PhaseState::Complete { completion } => {
            // What let an older completion stand again, whatever kind of event that was.
            let restores = |record: &Recorded| {
                record.transition.is_some_and(|(from, to)| from != to && to == StateName::Complete)
                    && names.is_about(record)
            };
            let mut because = last(phase, completion.seq, read, restores)?;
            because.push(completion.seq);
            because
        }
        PhaseState::Failed { failure } => vec![failure.seq],
        PhaseState::NeedsRerun { marks, .. } => places(marks),
    })
}

/// Finds the last event about a phase, after a place, that fits. The table does not keep where that is.
fn last<E>(
    phase: &Phase,
    after: Seq,
    read: &mut impl FnMut(Seq) -> Result<Proven, E>,
    fits: impl Fn(&Recorded) -> bool,
) -> Result<Vec<Seq>, E> {
    let mut seq = phase.last_seq;
    while seq > after {
        if fits(&read(seq)?.record) {
            return Ok(vec![seq]);
        }
        seq = seq.minus(1);
    }
    Ok(Vec::new())
}

fn is_reset(record: &Recorded, names: &Names) -> bool {
    record.event.reset().is_some() && names.is_about(record)
}

fn adds(record: &Recorded, names: &Names) -> bool {
    let id = names.at(record.seq);
    let defined = record.event.definition().filter(|_| record.subject.workflow() == Some(&id.workflow));
    defined.is_some_and(|defined| defined.added.contains(&id.phase))
}

/// Follows some events back to every root: by the steps that hold, and by the recorded causes of those that no step
/// explains, and of the start of the attempt that is asked about.
fn chain<E>(
    table: &Table,
    because: &[Seq],
    steps: Vec<Step>,
    own_start: Option<Seq>,
    mut read: impl FnMut(Seq) -> Result<Proven, E>,
) -> Result<Vec<ChainEvent>, E> {
    let mut by_step: BTreeMap<Seq, Vec<Step>> = BTreeMap::new();
    let marks: BTreeSet<Seq> = steps.iter().filter_map(|step| step.from).collect();
    for step in steps {
        if let Some(from) = step.from {
            by_step.entry(from).or_default().push(step);
        }
    }
    let mut found: BTreeMap<Seq, ChainEvent> = BTreeMap::new();
    let mut ahead: VecDeque<(Seq, Option<LedBy>, u64)> = because.iter().map(|seq| (*seq, None, 0)).collect();
    while let Some((seq, led_by, depth)) = ahead.pop_front() {
        if found.contains_key(&seq) {
            continue;
        }
        let proven = read(seq)?;
        let mut back = Vec::new();
        let mut go_on = |to: Seq, kind: CauseKind, edge: &Option<(PhaseId, PhaseId)>| {
            if !back.contains(&to) {
                back.push(to);
                ahead.push_back((to, Some(LedBy { via: seq, kind, edge: edge.clone() }), depth + 1));
            }
        };
        for step in by_step.remove(&seq).unwrap_or_default() {
            go_on(step.to, step.kind, &step.edge);
        }
        // What a mark of this release was derived from may hold no longer; and what an attempt above answers, that is stale
        // since it began, is not why it is.
        let is_own_start = own_start == Some(seq);
        let is_judged = marks.contains(&seq) && proven.record.version > 1 && !is_own_start;
        for cause in proven.record.causes.iter().filter(|cause| cause.event.seq < seq && !is_judged) {
            let now = |id: &PhaseId| table.called_now(id, seq);
            let edge = cause.edge.as_ref().map(|(above, below)| (now(above), now(below)));
            go_on(cause.event.seq, cause.kind, &edge);
        }
        let is_root = back.is_empty() || is_own_start && proven.record.causes.is_empty();
        let called = table.subject_now(&proven.record);
        let called = called.phase().filter(|called| Some(*called) != proven.record.subject.phase()).cloned();
        found.insert(seq, ChainEvent { proven, led_by, depth, back, called, is_root });
    }
    Ok(found.into_values().rev().collect())
}

impl Waiting {
    fn new(need: &Phase) -> Self {
        let (seq, reason) = match &need.state {
            PhaseState::Pending { .. } => (need.last_seq, None),
            PhaseState::InProgress { attempt, .. } => (attempt.seq, None),
            PhaseState::Complete { completion } => (completion.seq, None),
            PhaseState::Failed { failure } => (failure.seq, Some(failure.error.as_str().to_owned())),
            PhaseState::NeedsRerun { completion, marks } => marks
                .last()
                .map_or((completion.seq, None), |mark| (mark.seq, Some(mark.reason.as_str().to_owned()))),
        };
        let PhaseId { workflow, phase } = need.id.clone();
        Waiting { workflow, phase, state: need.state.name(), seq, reason }
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Why", 8)?;
        object.serialize_field("workflow", &self.phase.workflow)?;
        object.serialize_field("phase", &self.phase.phase)?;
        object.serialize_field("state", &self.state)?;
        object.serialize_field("skipped", &self.skipped)?;
        object.serialize_field("because", &self.because)?;
        object.serialize_field("waits_for", &self.waits_for)?;
        object.serialize_field("chain", &self.chain)?;
        object.serialize_field("roots", &self.roots().collect::<Vec<_>>())?;
        object.end()
    }
}

/// The form of a [`ChainEvent`]: the event's fields by their names in its line, then how the chain came to it. Its phase goes
/// by the name that it had, with the one that it has where that is another; the edge by which the chain came by the latter.
/// In edges, phases of the event's own workflow go by their bare names.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    event: EventBrief,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase_now: Option<&'a PhaseName>,
    recorded_at: Timestamp,
    by: &'a Actor,
    derived: bool,
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inferred: Option<&'a str>,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changes: &'a [Change],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changed: &'a [DefinitionChange],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    compared: &'a [Comparison],
    causes: Vec<CauseView>,
    edge: Option<(PhaseRef, PhaseRef)>,
    cause_kind: Option<CauseKind>,
    via: Option<Seq>,
    depth: u64,
    leaf: Digest,
}

#[derive(Serialize)]
struct CauseView {
    event: EventId,
    seq: Seq,
    kind: CauseKind,
    edge: Option<(PhaseRef, PhaseRef)>,
}

impl Serialize for ChainEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = &self.proven.record;
        let workflow = record.subject.workflow();
        let name = |id: &PhaseId| PhaseRef {
            workflow: (Some(&id.workflow) != workflow).then(|| id.workflow.clone()),
            phase: id.phase.clone(),
        };
        let edge = |edge: &Option<(PhaseId, PhaseId)>| {
            edge.as_ref().map(|(above, below)| (name(above), name(below)))
        };
        let event = &record.event;
        let cause = |cause: &crate::model::Cause| CauseView {
            event: cause.event.id,
            seq: cause.event.seq,
            kind: cause.kind,
            edge: edge(&cause.edge),
        };
        let view = View {
            event: EventBrief::new(record),
            phase_now: self.called.as_ref().map(|called| &called.phase),
            recorded_at: record.recorded_at,
            by: &record.by,
            derived: record.rule.is_some(),
            rule: record.rule.as_deref(),
            inferred: record.inferred.as_deref(),
            reason: words(event).reason(),
            attempt: event.attempt().or_else(|| event.cost().and_then(|cost| cost.attempt)),
            changes: event.rerun().map(|why| why.changes.as_slice()).unwrap_or_default(),
            changed: event.definition().map(|defined| defined.changed.as_slice()).unwrap_or_default(),
            compared: event.cleared().map(|cleared| cleared.compared.as_slice()).unwrap_or_default(),
            causes: record.causes.iter().map(cause).collect(),
            edge: self.led_by.as_ref().and_then(|led_by| edge(&led_by.edge)),
            cause_kind: self.led_by.as_ref().map(|led_by| led_by.kind),
            via: self.led_by.as_ref().map(|led_by| led_by.via),
            depth: self.depth,
            leaf: self.proven.leaf,
        };
        view.serialize(serializer)
    }
}
