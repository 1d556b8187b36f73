//! `show`: one event with what caused it and what it forced, or one phase with all its attempts.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::value::RawValue;

use super::PhaseStatus;
use super::brief::EventBrief;
use crate::model::{
    Amount, CauseKind, Digest, EventId, OutputFile, PhaseAccepted, PhaseFailed, PhaseId, PhaseName,
    PhaseStarted, Recorded, Reverted, Seq, Text, Timestamp, Undone,
};
use crate::rules::{Names, Phase, Table};

/// One event, as it is kept.
#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// Its line.
    pub event: Box<RawValue>,
    /// Its leaf in the Merkle tree: SHA-256(0x00 ‖ line).
    pub leaf: Digest,
    /// The events that directly caused it.
    pub causes: Vec<Linked>,
    /// The events that it forced or motivated, in order.
    pub effects: Vec<Linked>,
}

impl EventView {
    /// Views an event with its line, its causes and its effects.
    ///
    /// # Errors
    ///
    /// A line that is not JSON.
    pub fn new(line: &str, causes: Vec<Linked>, effects: Vec<Linked>) -> serde_json::Result<Self> {
        let leaf = Digest::leaf(line);
        Ok(EventView { event: serde_json::from_str(line)?, leaf, causes, effects })
    }
}

/// An event that is linked with another by a cause, in a few words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linked {
    /// The event.
    #[serde(flatten)]
    pub event: EventBrief,
    /// The rule that derived it.
    pub rule: Option<String>,
    /// Why the one caused the other.
    pub why: CauseKind,
    /// The places of its own causes.
    pub because: Vec<Seq>,
}

impl Linked {
    /// Views an event that is linked by a cause of some kind.
    pub fn new(record: &Recorded, why: CauseKind) -> Self {
        Linked {
            event: EventBrief::new(record),
            rule: record.rule.as_deref().map(str::to_owned),
            why,
            because: record.causes.iter().map(|cause| cause.event.seq).collect(),
        }
    }
}

/// Collects what an event forced or motivated, from the events after it: within its own command however many
/// steps away, beyond it those that name it as a cause.
#[derive(Debug)]
pub struct Effects<'a> {
    of: &'a Recorded,
    forced: BTreeSet<EventId>,
    found: Vec<Linked>,
}

impl<'a> Effects<'a> {
    /// Begins with the event itself.
    pub fn of(record: &'a Recorded) -> Self {
        Effects { of: record, forced: BTreeSet::from([record.id]), found: Vec::new() }
    }

    /// Looks at the next event.
    pub fn look_at(&mut self, record: &Recorded) {
        let is_same_command = record.command_id == self.of.command_id;
        let is_link = |event: EventId| match is_same_command {
            true => self.forced.contains(&event),
            false => event == self.of.id,
        };
        if let Some(cause) = record.causes.iter().find(|cause| is_link(cause.event.id)) {
            if is_same_command {
                self.forced.insert(record.id);
            }
            self.found.push(Linked::new(record, cause.kind));
        }
    }

    /// Returns what was found, in order.
    pub fn found(self) -> Vec<Linked> {
        self.found
    }
}

/// One phase: where it stands, what its definition says, what it went through.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseView {
    /// Where it stands.
    pub phase: PhaseStatus,
    /// What its definition says.
    pub spec: Spec,
    /// Its attempts, in order; the last ones where so many were asked for.
    pub attempts: Vec<AttemptView>,
    /// How many attempts there were before these; absent where these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts_before: Option<u32>,
    /// The notes on it, in order, since the first of these attempts.
    pub notes: Vec<NoteView>,
    /// What it was called, the first name first; absent where it always was what it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<RenamedView>,
}

/// What a phase was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RenamedView {
    /// The name.
    pub from: PhaseName,
    /// The place of the definition since which it has the next one.
    pub seq: Seq,
}

/// What its definition says of a phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spec {
    /// What it does.
    pub description: Option<String>,
    /// What it needs.
    pub needs: Vec<PhaseId>,
    /// What needs it.
    pub needed_by: Vec<PhaseId>,
    /// The most it may cost.
    pub cost_limit: Option<Amount>,
    /// In which currency.
    pub currency: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Globs of the files it reads.
    pub inputs: Vec<String>,
    /// Globs of the files it writes.
    pub outputs: Vec<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is under way.
    Running,
    /// Well.
    Completed,
    /// Badly.
    Failed,
    /// Nobody saw it end: another one took over.
    Abandoned,
    /// The phase was reset while it was under way.
    Reset,
    /// A definition dropped the phase while it was under way.
    Retired,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptView {
    /// Which one, from 1.
    pub attempt: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended, however it did.
    pub completed_at: Option<Timestamp>,
    /// How long it took; none while it is under way, and where its start or its end is inferred.
    pub duration_seconds: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong; for a reset, its reason.
    pub error: Option<Text>,
    /// The end of what its process wrote to its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Text>,
    /// What it needed that was not met when it started.
    pub unmet: Vec<PhaseId>,
    /// The declared inputs as they were before it started; absent where nothing is known of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<OutputFile>>,
    /// Who started it.
    pub by: String,
    /// The place of its start.
    pub started_seq: Seq,
    /// The place of its end.
    pub completed_seq: Option<Seq>,
    /// Who vouched for what it left, in order; absent where nobody did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedView>,
}

/// That somebody vouched for what an attempt left, so that its phase was COMPLETE as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AcceptedView {
    /// Its place.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who did.
    pub by: String,
    /// Why.
    pub reason: Text,
    /// The declared inputs as they were then; absent where nothing is known of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<OutputFile>>,
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteView {
    /// Its place.
    pub seq: Seq,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: String,
    /// The note.
    pub text: Text,
    /// The place of the event that struck it out; absent where none did, or that was taken back itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverted_by: Option<Seq>,
    /// The last event that says whether it holds.
    #[serde(skip)]
    last: Seq,
}

/// Collects what a phase went through, from the events of the log in order.
#[derive(Debug)]
pub struct PhaseHistory {
    of: Names,
    attempts: Vec<AttemptView>,
    notes: Vec<NoteView>,
    /// Whether it is known when the last attempt started.
    is_dated: bool,
}

/// What an end says of how long the attempt took.
enum Took {
    /// This; none where it cannot be known.
    Told(Option<f64>),
    /// Nothing.
    Untold,
}

impl PhaseHistory {
    /// Begins before the first event.
    pub fn of(table: &Table, phase: &Phase) -> Self {
        PhaseHistory { of: table.names_of(phase), attempts: Vec::new(), notes: Vec::new(), is_dated: true }
    }

    /// Looks at the next event.
    pub fn look_at(&mut self, record: &Recorded) {
        if self.is_retired_by(record) {
            self.end(record, Outcome::Retired, Took::Untold, None);
        }
        if !self.of.is_about(record) {
            return;
        }
        let event = &record.event;
        if let Some(started) = event.started() {
            self.start(record, started);
        } else if let Some(completed) = event.completed() {
            self.end(record, Outcome::Completed, Took::Told(completed.duration_seconds), None);
        } else if let Some(PhaseFailed { abandoned, error, duration_seconds, stderr, .. }) = event.failed() {
            let outcome = if *abandoned { Outcome::Abandoned } else { Outcome::Failed };
            self.end(record, outcome, Took::Told(*duration_seconds), Some(error));
            if let Some(ended) = self.attempts.last_mut() {
                ended.stderr = stderr.clone();
            }
        } else if let Some(reset) = event.reset() {
            self.end(record, Outcome::Reset, Took::Untold, Some(&reset.reason));
        } else if let Some(accepted) = event.accepted() {
            self.accept(record, accepted);
        } else if let Some(note) = event.note() {
            let (seq, at, by) = (record.seq, record.at, record.by.name.clone());
            let text = note.text.clone();
            self.notes.push(NoteView { seq, at, by, text, reverted_by: None, last: seq });
        } else if let Some(reverted) = event.reverted().filter(|reverted| reverted.what == Undone::Note) {
            self.strike(record.seq, reverted);
        }
    }

    /// Strikes a note out, or puts one back that was.
    fn strike(&mut self, by: Seq, reverted: &Reverted) {
        if let Some(note) = self.notes.iter_mut().find(|note| note.last == reverted.seq) {
            note.reverted_by = (!reverted.again).then_some(by);
            note.last = by;
        }
    }

    fn is_retired_by(&self, record: &Recorded) -> bool {
        let PhaseId { workflow, phase } = self.of.at(record.seq);
        record.subject.workflow() == Some(workflow) && record.event.retired().contains(phase)
    }

    fn start(&mut self, record: &Recorded, started: &PhaseStarted) {
        self.is_dated = record.is_dated();
        self.attempts.push(AttemptView {
            attempt: started.attempt,
            started_at: record.at,
            completed_at: None,
            duration_seconds: None,
            outcome: Outcome::Running,
            error: None,
            stderr: None,
            unmet: started.unmet.clone(),
            inputs: started.inputs.clone(),
            by: record.by.name.clone(),
            started_seq: record.seq,
            completed_seq: None,
            accepted: Vec::new(),
        });
    }

    fn accept(&mut self, record: &Recorded, accepted: &PhaseAccepted) {
        let vouched_for = self.attempts.last_mut().filter(|last| last.attempt == accepted.attempt);
        if let Some(attempt) = vouched_for {
            attempt.accepted.push(AcceptedView {
                seq: record.seq,
                at: record.at,
                by: record.by.name.clone(),
                reason: accepted.reason.clone(),
                inputs: accepted.inputs.clone(),
            });
        }
    }

    /// Ends the attempt under way, where there is one: a reset may find none.
    fn end(&mut self, record: &Recorded, outcome: Outcome, took: Took, error: Option<&Text>) {
        let Some(attempt) = self.attempts.last_mut().filter(|last| last.outcome == Outcome::Running) else {
            return;
        };
        attempt.outcome = outcome;
        attempt.completed_at = Some(record.at);
        attempt.completed_seq = Some(record.seq);
        attempt.duration_seconds = match took {
            Took::Told(seconds) => seconds,
            Took::Untold => {
                let is_dated = self.is_dated && record.is_dated();
                is_dated.then(|| record.at.since(attempt.started_at).as_secs_f64())
            }
        };
        attempt.error = error.cloned();
    }

    /// Views the phase as it stands at an instant, with what it went through.
    pub fn view(self, table: &Table, phase: &Phase, at: Option<Timestamp>) -> PhaseView {
        let spec = &phase.spec;
        let currency = table.workflows.get(&phase.id.workflow).and_then(|workflow| workflow.currency.clone());
        let spec = Spec {
            description: spec.description.clone(),
            needs: spec.needs.clone(),
            needed_by: table.dependants_of(&phase.id).cloned().collect(),
            cost_limit: spec.cost_limit,
            currency: currency.filter(|_| spec.cost_limit.is_some() || !phase.budget.is_empty()),
            version: spec.version.clone(),
            inputs: spec.inputs.clone(),
            outputs: spec.outputs.clone(),
        };
        let phase = PhaseStatus::new(table, phase, at);
        let renamed = self.of.former().iter();
        let renamed = renamed.map(|(from, seq)| RenamedView { from: from.phase.clone(), seq: *seq });
        PhaseView {
            phase,
            spec,
            attempts: self.attempts,
            attempts_before: None,
            notes: self.notes,
            renamed: renamed.collect(),
        }
    }
}
