//! An event as it stands in the log: stamped with its place, its times, its author and its causes.

mod known;
mod line;
mod written;

use std::borrow::Cow;
use std::sync::Arc;

use known::Known;
pub use line::LineFront;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{
    Actor, Asked, CallerKey, Cause, CauseKind, CommandDigest, CommandId, Event, EventId, EventRef, PhaseId,
    PhaseName, PhaseRef, Seq, StateName, Timestamp, WorkflowName,
};

/// The version of the event's form that this library writes. It reads the earlier ones as well: a line of theirs is
/// written again as it was.
pub const FORMAT_VERSION: u32 = 2;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The ledger as a whole.
    Ledger,
    /// One workflow as a whole.
    Workflow(WorkflowName),
    /// One phase.
    Phase(PhaseId),
}

impl Subject {
    /// Returns the phase, when the event is about one.
    pub fn phase(&self) -> Option<&PhaseId> {
        match self {
            Subject::Phase(id) => Some(id),
            Subject::Workflow(_) | Subject::Ledger => None,
        }
    }

    /// Returns the workflow, when the event is about one or about a phase of one.
    pub fn workflow(&self) -> Option<&WorkflowName> {
        match self {
            Subject::Phase(id) => Some(&id.workflow),
            Subject::Workflow(name) => Some(name),
            Subject::Ledger => None,
        }
    }
}

/// The form of a cause in a line: phases of the event's own workflow go by their bare names.
#[derive(Serialize, Deserialize)]
struct LineCause {
    event: EventId,
    seq: Seq,
    kind: CauseKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edge: Option<(PhaseRef, PhaseRef)>,
}

impl LineCause {
    fn new(cause: &Cause, workflow: Option<&WorkflowName>) -> Self {
        let name = |id: &PhaseId| PhaseRef {
            workflow: (Some(&id.workflow) != workflow).then(|| id.workflow.clone()),
            phase: id.phase.clone(),
        };
        let edge = cause.edge.as_ref().map(|(above, below)| (name(above), name(below)));
        LineCause { event: cause.event.id, seq: cause.event.seq, kind: cause.kind, edge }
    }

    fn cause(self, workflow: Option<&WorkflowName>) -> Option<Cause> {
        let id = |name: &PhaseRef| Some(name.within(name.workflow.as_ref().or(workflow)?));
        let edge = match &self.edge {
            None => None,
            Some((above, below)) => Some((id(above)?, id(below)?)),
        };
        Some(Cause { event: EventRef { seq: self.seq, id: self.event }, kind: self.kind, edge })
    }
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The version of its form: 1 for what the first release wrote, whose `at` never falls.
    pub version: u32,
    /// Its place.
    pub seq: Seq,
    /// Its identity.
    pub id: EventId,
    /// The command that it came of.
    pub command_id: CommandId,
    /// The digest of what the caller asked for; on a command's first event only.
    pub command_digest: Option<CommandDigest>,
    /// The key that the caller made the command's id from; on a command's first event only.
    pub key: Option<CallerKey>,
    /// What the caller asked for, where the events do not tell it, or tell otherwise: null for what they tell and nobody
    /// asked for. On a command's first event only.
    pub asked: Asked,
    /// What happened.
    pub event: Event,
    /// To what.
    pub subject: Subject,
    /// The states before and after, for an event that is about a phase's state.
    pub transition: Option<(StateName, StateName)>,
    /// When it took effect: the same for all events of a command, never before what they rest on. It may lie before
    /// events in front of it.
    pub at: Timestamp,
    /// When it was appended. The same for all events of a command, later than all before.
    pub recorded_at: Timestamp,
    /// When the caller claimed it took effect, where that was before what the command's events rest on.
    pub occurred_at: Option<Timestamp>,
    /// What the clock showed, where that was more than a minute before what was recorded already.
    pub clock: Option<Timestamp>,
    /// Who asked.
    pub by: Arc<Actor>,
    /// The rule that derived it; none for what the caller asked for.
    pub rule: Option<Cow<'static, str>>,
    /// The repair that put it in, for an event that no line of an imported history states.
    pub inferred: Option<Cow<'static, str>>,
    /// The root of the chain of causes: its own id when it has no cause.
    pub correlation_id: EventId,
    /// All immediate causes; the first one is the `causation_id`.
    pub causes: Vec<Cause>,
}

/// The form of a line, field by field, in the order in which they are written.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    v: u32,
    seq: Seq,
    id: EventId,
    command_id: CommandId,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<WorkflowName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<PhaseName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<StateName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<StateName>,
    at: Timestamp,
    recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<Timestamp>,
    by: Cow<'a, Actor>,
    derived: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inferred: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    correlation_id: EventId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<LineCause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command_digest: Option<CommandDigest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<CallerKey>,
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    asked: Asked,
    #[serde(borrow, deserialize_with = "borrowed")]
    data: Cow<'a, RawValue>,
}

/// Reads a part of a line that is read further on its own, without copying it.
fn borrowed<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Cow<'a, RawValue>, D::Error> {
    <&'a RawValue>::deserialize(from).map(Cow::Borrowed)
}

/// Reads lines that follow one another, each as [`Recorded::from_line`] does: what they have in common is made once.
#[derive(Debug, Default)]
pub struct RecordReader<'a> {
    known: Known<'a>,
}

impl<'a> RecordReader<'a> {
    /// Begins to read many lines.
    pub fn of_many() -> Self {
        let mut reader = RecordReader::default();
        reader.known.keep_phases();
        reader
    }

    /// Reads the next line.
    ///
    /// # Errors
    ///
    /// As [`Recorded::from_line`].
    pub fn read(&mut self, line: &'a str) -> Result<Recorded, LineError> {
        line::read(line, &mut self.known).map_or_else(|| Recorded::from_line(line), Ok)
    }
}

impl Recorded {
    /// Says whether it is known when it took effect: not where a repair of a history put it in, nor where it was claimed for a
    /// time when it cannot have been. Of what the first release raised it was not told apart.
    pub fn is_dated(&self) -> bool {
        self.inferred.is_none() && (self.version == 1 || self.occurred_at.is_none())
    }

    /// Writes the event as its line: canonical JSON without a line end.
    pub fn to_line(&self) -> String {
        let line = written::line(self);
        debug_assert_eq!(line, self.serialized(), "it is what a serializer makes of it");
        line
    }

    fn serialized(&self) -> String {
        let mut data = Vec::new();
        self.event.write_data(&mut data);
        let data = String::from_utf8(data).ok().and_then(|data| RawValue::from_string(data).ok());
        let line = Line {
            v: self.version,
            seq: self.seq,
            id: self.id,
            command_id: self.command_id,
            kind: self.event.kind().into(),
            workflow: self.subject.workflow().cloned(),
            phase: self.subject.phase().map(|id| id.phase.clone()),
            from: self.transition.map(|(from, _)| from),
            to: self.transition.map(|(_, to)| to),
            at: self.at,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            clock: self.clock,
            by: Cow::Borrowed(&self.by),
            derived: self.rule.is_some(),
            rule: self.rule.clone(),
            inferred: self.inferred.clone(),
            causation_id: self.causation_id(),
            correlation_id: self.correlation_id,
            causes: self.causes.iter().map(|cause| LineCause::new(cause, self.subject.workflow())).collect(),
            command_digest: self.command_digest,
            key: self.key.clone(),
            asked: self.asked.clone(),
            data: Cow::Owned(data.expect("what is written is JSON")),
        };
        serde_json::to_string(&line).expect("a line has string keys and finite numbers")
    }

    /// Reads an event from its line. Fields that this version does not know are passed over; they stay in
    /// the line.
    ///
    /// # Errors
    ///
    /// Refuses what is not an event: other JSON, a missing field, a newer version, an unknown kind, or
    /// fields that contradict one another.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        if let Some(record) = line::read(line, &mut Known::default()) {
            return Ok(record);
        }
        let line: Line<'_> = serde_json::from_str(line)?;
        if !(1..=FORMAT_VERSION).contains(&line.v) {
            return Err(LineError::Version { found: line.v });
        }
        let event = match Event::from_data(&line.kind, line.data.get()) {
            Some(event) => event?,
            None => return Err(LineError::Kind { found: super::escape(&line.kind) }),
        };
        let subject = match (line.workflow, line.phase) {
            (Some(workflow), Some(phase)) => Subject::Phase(PhaseId::new(workflow, phase)),
            (Some(workflow), None) => Subject::Workflow(workflow),
            (None, None) => Subject::Ledger,
            (None, Some(_)) => return Err(LineError::Contradiction("`phase` without `workflow`")),
        };
        let transition = match (line.from, line.to) {
            (Some(from), Some(to)) => Some((from, to)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(LineError::Contradiction("`from` without `to`, or `to` without `from`"));
            }
        };
        let causes = line.causes.into_iter().map(|cause| cause.cause(subject.workflow())).collect();
        let Some(causes): Option<Vec<Cause>> = causes else {
            return Err(LineError::Contradiction(
                "an edge names a bare phase, but the event has no `workflow`",
            ));
        };
        if line.causation_id != causes.first().map(|cause| cause.event.id) {
            return Err(LineError::Contradiction("`causation_id` is not the first of `causes`"));
        }
        if line.derived != line.rule.is_some() {
            return Err(LineError::Contradiction("`derived` without `rule`, or `rule` without `derived`"));
        }
        Ok(Recorded {
            version: line.v,
            seq: line.seq,
            id: line.id,
            command_id: line.command_id,
            command_digest: line.command_digest,
            key: line.key,
            asked: line.asked,
            event,
            subject,
            transition,
            at: line.at,
            recorded_at: line.recorded_at,
            occurred_at: line.occurred_at,
            clock: line.clock,
            by: Arc::new(line.by.into_owned()),
            rule: line.rule,
            inferred: line.inferred,
            correlation_id: line.correlation_id,
            causes,
        })
    }

    /// Returns its place and its identity.
    pub const fn event_ref(&self) -> EventRef {
        EventRef { seq: self.seq, id: self.id }
    }

    /// Returns the immediate cause, where there is one.
    pub fn causation_id(&self) -> Option<EventId> {
        self.causes.first().map(|cause| cause.event.id)
    }
}

/// Why a line is not an event.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not the JSON of an event.
    #[error("the line is not an event: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the event has format version {found}; this version reads 1 to {FORMAT_VERSION}")]
    Version {
        /// What was found.
        found: u32,
    },
    /// A kind that this version does not know.
    #[error("unknown kind of event `{found}`")]
    Kind {
        /// What was found, escaped.
        found: String,
    },
    /// Fields that cannot both be true.
    #[error("the event contradicts itself: {0}")]
    Contradiction(&'static str),
}
