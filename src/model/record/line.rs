//! A line that is read as it was written: its fields in their order, without white space and without escapes in front of its
//! data. Most lines of a log are, and are read so several times faster than any JSON can be. What differs in the least is
//! left to whoever reads any JSON.

use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use uuid::Uuid;

use super::FORMAT_VERSION;
use super::known::Known;
use crate::model::{
    Actor, CallerKey, Cause, CauseKind, CommandId, Event, EventId, EventRef, PhaseId, PhaseRef, Recorded,
    Seq, StateName, Subject, Timestamp,
};

/// Reads a line, with what others said before; none where it is not written so, or says what cannot be.
pub(super) fn read<'a>(line: &'a str, known: &mut Known<'a>) -> Option<Recorded> {
    let mut rest = Rest(line);
    rest.take("{\"v\":")?;
    let version = u32::try_from(rest.number()?).ok().filter(|v| (1..=FORMAT_VERSION).contains(v))?;
    rest.take(",\"seq\":")?;
    let seq = Seq::new(rest.number()?);
    rest.take(",\"id\":")?;
    let id = EventId::new(rest.uuid(known)?);
    rest.take(",\"command_id\":")?;
    let command_id = CommandId::new(rest.uuid(known)?);
    rest.take(",\"kind\":")?;
    let kind = rest.text()?;
    let subject = rest.subject(known)?;
    let transition = match rest.optional(",\"from\":", Rest::state)? {
        Some(from) => Some((from, rest.after(",\"to\":", Rest::state)?)),
        None => None,
    };
    let at = rest.after(",\"at\":", |rest| rest.time(known))?;
    let recorded_at = rest.after(",\"recorded_at\":", |rest| rest.time(known))?;
    let occurred_at = rest.optional(",\"occurred_at\":", |rest| rest.time(known))?;
    let clock = rest.optional(",\"clock\":", |rest| rest.time(known))?;
    let by = rest.after(",\"by\":", |rest| rest.actor(known))?;
    let is_derived = rest.after(",\"derived\":", Rest::truth)?;
    let rule = rest.optional(",\"rule\":", Rest::text)?;
    let inferred = rest.optional(",\"inferred\":", Rest::text)?;
    let causation_id = rest.optional(",\"causation_id\":", |rest| rest.uuid(known))?.map(EventId::new);
    let correlation_id = EventId::new(rest.after(",\"correlation_id\":", |rest| rest.uuid(known))?);
    let causes = rest.optional(",\"causes\":", |rest| rest.causes(&subject, known))?.unwrap_or_default();
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
    /// Its place.
    pub seq: Seq,
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
        let seq = Seq::new(rest.after(",\"seq\":", Rest::number)?);
        rest.after(",\"id\":", Rest::text)?;
        let command_id = rest.after(",\"command_id\":", Rest::text)?;
        let kind = rest.after(",\"kind\":", Rest::text)?;
        let workflow = rest.optional(",\"workflow\":", Rest::text)?;
        let phase = rest.optional(",\"phase\":", Rest::text)?;
        Some(LineFront { seq, command_id, kind, workflow, phase, rest: rest.0 })
    }
}

impl LineFront<'_> {
    /// Returns when the event took effect, and when it was recorded; none, which says nothing, where that is not what
    /// follows as in most lines.
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let mut rest = Rest(self.rest);
        rest.optional(",\"from\":", Rest::text)?;
        rest.optional(",\"to\":", Rest::text)?;
        let at = rest.after(",\"at\":", Rest::parsed)?;
        Some((at, rest.after(",\"recorded_at\":", Rest::parsed)?))
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
        let end = end_of_text(text.as_bytes())?;
        self.0 = text[end..].strip_prefix('"')?;
        Some(&text[..end])
    }

    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn uuid(&mut self, known: &mut Known<'a>) -> Option<Uuid> {
        let (text, rest) = self.0.strip_prefix('"')?.split_at_checked(36)?;
        self.0 = rest.strip_prefix('"')?;
        known.id(text)
    }

    fn time(&mut self, known: &mut Known<'a>) -> Option<Timestamp> {
        known.time(self.text()?)
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

    fn subject(&mut self, known: &mut Known<'a>) -> Option<Subject> {
        let workflow = self.optional(",\"workflow\":", |rest| known.workflow(rest.text()?))?;
        let phase = self.optional(",\"phase\":", |rest| known.phase(rest.text()?))?;
        match (workflow, phase) {
            (Some(workflow), Some(phase)) => Some(Subject::Phase(PhaseId::new(workflow, phase))),
            (Some(workflow), None) => Some(Subject::Workflow(workflow)),
            (None, None) => Some(Subject::Ledger),
            (None, Some(_)) => None,
        }
    }

    fn actor(&mut self, known: &mut Known<'a>) -> Option<Arc<Actor>> {
        if let Some((actor, rest)) = known.actor(self.0) {
            self.0 = rest;
            return Some(actor);
        }
        let text = self.0;
        let name = self.after("{\"name\":", Rest::text)?;
        let user = self.optional(",\"user\":", Rest::text)?;
        let host = self.after(",\"host\":", Rest::text)?;
        let via = self.after(",\"via\":", Rest::text)?;
        self.take("}")?;
        let actor = Actor::new(name, host, via);
        let actor = Arc::new(if let Some(user) = user { actor.of_user(user) } else { actor });
        known.put_actor(&text[..text.len() - self.0.len()], &actor);
        Some(actor)
    }

    fn causes(&mut self, about: &Subject, known: &mut Known<'a>) -> Option<Vec<Cause>> {
        self.take("[")?;
        let mut causes = Vec::with_capacity(1);
        loop {
            causes.push(self.cause(about, known)?);
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(causes);
            }
        }
    }

    fn cause(&mut self, about: &Subject, known: &mut Known<'a>) -> Option<Cause> {
        let id = EventId::new(self.after("{\"event\":", |rest| rest.uuid(known))?);
        let seq = Seq::new(self.after(",\"seq\":", Rest::number)?);
        let kind: StrDeserializer<'_, Error> = self.after(",\"kind\":", Rest::text)?.into_deserializer();
        let kind = CauseKind::deserialize(kind).ok()?;
        let edge = self.optional(",\"edge\":", |rest| {
            let above = rest.after("[", |rest| rest.phase(about, known))?;
            let below = rest.after(",", |rest| rest.phase(about, known))?;
            rest.take("]").map(|()| (above, below))
        })?;
        self.take("}")?;
        Some(Cause { event: EventRef { seq, id }, kind, edge })
    }

    /// Reads the name of a phase, a bare one being of the event's own workflow.
    fn phase(&mut self, about: &Subject, known: &mut Known<'a>) -> Option<PhaseId> {
        let text = self.text()?;
        if !text.contains('/') {
            return Some(PhaseId::new(about.workflow()?.clone(), known.phase(text)?));
        }
        let name: PhaseRef = text.parse().ok()?;
        let workflow = name.workflow.as_ref().or(about.workflow())?.clone();
        Some(PhaseId::new(workflow, name.phase))
    }
}

/// Returns where the first quote, backslash or control character is: eight bytes at a time.
pub(super) fn end_of_text(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    // Bytes below a number below 128 get their highest bit; behind the first of them others may, too.
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGHS;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (before, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = below(word, b' ') | is(word, b'"') | is(word, b'\\');
        if found != 0 {
            return Some(8 * before + found.trailing_zeros() as usize / 8);
        }
    }
    let end = rest.iter().position(|byte| *byte == b'"' || *byte == b'\\' || *byte < b' ');
    end.map(|end| 8 * words.len() + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_where_a_byte_does_that_it_may_not_have() {
        for length in 0..20 {
            for end in 0..=u8::MAX {
                for fill in ["a", "~", "é", "\u{10FFFF}", "!", "#", "[", "]"] {
                    let text = fill.repeat(length);
                    let mut bytes = text.clone().into_bytes();
                    bytes.push(end);
                    bytes.extend(b"\"\\\n and more");
                    let ends = end == b'"' || end == b'\\' || end < b' ';
                    let expected = text.len() + usize::from(!ends);
                    assert_eq!(end_of_text(&bytes), Some(expected), "{text}, {end}");
                    assert_eq!(end_of_text(text.as_bytes()), None, "{text}");
                }
            }
        }
    }
}
