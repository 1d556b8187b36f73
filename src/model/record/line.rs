//! A line that is read as it was written: its fields in their order, without white space and without escapes in front of its
//! data. Most lines of a log are, and are read so several times faster than any JSON can be. What differs in the least is
//! left to whoever reads any JSON.

use std::str::FromStr;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use uuid::Uuid;

use super::FORMAT_VERSION;
use crate::model::{
    Actor, CallerKey, Cause, CauseKind, CommandId, Event, EventId, EventRef, PhaseId, PhaseName, PhaseRef,
    Recorded, Seq, StateName, Subject, Timestamp, WorkflowName,
};

/// Reads a line; none where it is not written so, or says what cannot be.
pub(super) fn read(line: &str) -> Option<Recorded> {
    let mut rest = Rest(line);
    rest.take("{\"v\":")?;
    let version = u32::try_from(rest.number()?).ok().filter(|v| (1..=FORMAT_VERSION).contains(v))?;
    rest.take(",\"seq\":")?;
    let seq = Seq::new(rest.number()?);
    rest.take(",\"id\":")?;
    let id = EventId::new(rest.uuid()?);
    rest.take(",\"command_id\":")?;
    let command_id = CommandId::new(rest.uuid()?);
    rest.take(",\"kind\":")?;
    let kind = rest.text()?;
    let subject = rest.subject()?;
    let transition = match rest.optional(",\"from\":", Rest::state)? {
        Some(from) => Some((from, rest.after(",\"to\":", Rest::state)?)),
        None => None,
    };
    let at = rest.after(",\"at\":", Rest::parsed)?;
    let recorded_at = rest.after(",\"recorded_at\":", Rest::parsed)?;
    let occurred_at = rest.optional(",\"occurred_at\":", Rest::parsed::<Timestamp>)?;
    let clock = rest.optional(",\"clock\":", Rest::parsed::<Timestamp>)?;
    let by = rest.after(",\"by\":", Rest::actor)?;
    let is_derived = rest.after(",\"derived\":", Rest::truth)?;
    let rule = rest.optional(",\"rule\":", Rest::text)?;
    let inferred = rest.optional(",\"inferred\":", Rest::text)?;
    let causation_id = rest.optional(",\"causation_id\":", Rest::uuid)?.map(EventId::new);
    let correlation_id = EventId::new(rest.after(",\"correlation_id\":", Rest::uuid)?);
    let causes = rest.optional(",\"causes\":", |rest| rest.causes(&subject))?.unwrap_or_default();
    let command_digest = rest.optional(",\"command_digest\":", Rest::parsed)?;
    let key = rest.optional(",\"key\":", |rest| CallerKey::new(rest.text()?))?;
    let asked = rest.optional(",\"asked\":", Rest::json)?.unwrap_or_default();
    let data = rest.after(",\"data\":", |rest| rest.0.strip_suffix('}'))?;
    let is_sound = causation_id == causes.first().map(|cause| cause.event.id) && is_derived == rule.is_some();
    if !is_sound {
        return None;
    }
    Some(Recorded {
        version,
        seq,
        id,
        command_id,
        command_digest,
        key,
        asked,
        event: Event::from_data(kind, data)?.ok()?,
        subject,
        transition,
        at,
        recorded_at,
        occurred_at,
        clock,
        by,
        rule: rule.map(|rule| rule.to_owned().into()),
        inferred: inferred.map(|inferred| inferred.to_owned().into()),
        correlation_id,
        causes,
    })
}

/// What a line says right at its beginning, for whoever need not read all of it.
#[derive(Debug, Clone, Copy)]
pub struct LineFront<'a> {
    /// The command that its event came of, as text.
    pub command_id: &'a str,
    /// What kind of event it is.
    pub kind: &'a str,
    /// The workflow that it is about.
    pub workflow: Option<&'a str>,
    /// The phase of it.
    pub phase: Option<&'a str>,
    /// What follows.
    pub rest: &'a str,
}

impl<'a> LineFront<'a> {
    /// Reads the beginning of a line; none, which says nothing, where it is not written as most lines are.
    pub fn of(line: &'a str) -> Option<Self> {
        let mut rest = Rest(line);
        rest.after("{\"v\":", Rest::number)?;
        rest.after(",\"seq\":", Rest::number)?;
        rest.after(",\"id\":", Rest::text)?;
        let command_id = rest.after(",\"command_id\":", Rest::text)?;
        let kind = rest.after(",\"kind\":", Rest::text)?;
        let workflow = rest.optional(",\"workflow\":", Rest::text)?;
        let phase = rest.optional(",\"phase\":", Rest::text)?;
        Some(LineFront { command_id, kind, workflow, phase, rest: rest.0 })
    }
}

/// What of a line is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes what is to come next.
    fn take(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// Reads what stands behind a key.
    fn after<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.take(key)?;
        read(self)
    }

    /// Reads what stands behind a key, where that is next. The outer none is for what cannot be read.
    fn optional<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.take(key) {
            Some(()) => read(self).map(Some),
            None => Some(None),
        }
    }

    fn number(&mut self) -> Option<u64> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at(end);
        // JSON has no zeros in front.
        let number = digits.parse().ok().filter(|_| digits == "0" || !digits.starts_with('0'))?;
        self.0 = rest;
        Some(number)
    }

    fn text(&mut self) -> Option<&'a str> {
        let text = self.0.strip_prefix('"')?;
        // What JSON escapes, or is to, ends it too: it is then followed by no quote.
        let end = text.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
        self.0 = text[end..].strip_prefix('"')?;
        Some(&text[..end])
    }

    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn uuid(&mut self) -> Option<Uuid> {
        let (text, rest) = self.0.strip_prefix('"')?.split_at_checked(36)?;
        self.0 = rest.strip_prefix('"')?;
        Uuid::try_parse(text).ok()
    }

    fn json<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter();
        let value = values.next()?.ok()?;
        self.0 = self.0.get(values.byte_offset()..)?;
        Some(value)
    }

    fn truth(&mut self) -> Option<bool> {
        match self.take("true") {
            Some(()) => Some(true),
            None => self.take("false").map(|()| false),
        }
    }

    fn state(&mut self) -> Option<StateName> {
        let text = self.text()?;
        StateName::ALL.into_iter().find(|state| state.as_str() == text)
    }

    fn subject(&mut self) -> Option<Subject> {
        let workflow = self.optional(",\"workflow\":", |rest| WorkflowName::new(rest.text()?).ok())?;
        let phase = self.optional(",\"phase\":", |rest| PhaseName::new(rest.text()?).ok())?;
        match (workflow, phase) {
            (Some(workflow), Some(phase)) => Some(Subject::Phase(PhaseId::new(workflow, phase))),
            (Some(workflow), None) => Some(Subject::Workflow(workflow)),
            (None, None) => Some(Subject::Ledger),
            (None, Some(_)) => None,
        }
    }

    fn actor(&mut self) -> Option<Actor> {
        let name = self.after("{\"name\":", Rest::text)?;
        let user = self.optional(",\"user\":", Rest::text)?;
        let host = self.after(",\"host\":", Rest::text)?;
        let via = self.after(",\"via\":", Rest::text)?;
        self.take("}")?;
        let actor = Actor::new(name, host, via);
        Some(if let Some(user) = user { actor.of_user(user) } else { actor })
    }

    fn causes(&mut self, about: &Subject) -> Option<Vec<Cause>> {
        self.take("[")?;
        let mut causes = Vec::with_capacity(1);
        loop {
            causes.push(self.cause(about)?);
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(causes);
            }
        }
    }

    fn cause(&mut self, about: &Subject) -> Option<Cause> {
        let id = EventId::new(self.after("{\"event\":", Rest::uuid)?);
        let seq = Seq::new(self.after(",\"seq\":", Rest::number)?);
        let kind: StrDeserializer<'_, Error> = self.after(",\"kind\":", Rest::text)?.into_deserializer();
        let kind = CauseKind::deserialize(kind).ok()?;
        let edge = self.optional(",\"edge\":", |rest| {
            let above = rest.after("[", |rest| rest.phase(about))?;
            let below = rest.after(",", |rest| rest.phase(about))?;
            rest.take("]").map(|()| (above, below))
        })?;
        self.take("}")?;
        Some(Cause { event: EventRef { seq, id }, kind, edge })
    }

    /// Reads the name of a phase, a bare one being of the event's own workflow.
    fn phase(&mut self, about: &Subject) -> Option<PhaseId> {
        let name: PhaseRef = self.parsed()?;
        let workflow = name.workflow.as_ref().or(about.workflow())?.clone();
        Some(PhaseId::new(workflow, name.phase))
    }
}
