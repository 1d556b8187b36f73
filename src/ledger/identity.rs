//! Whether a command that is sent again is the one that was recorded under its id: what its caller asked for is kept with its
//! first event, by a digest, and where the events do not tell it in words.
//!
//! ```text
//!  command ─▶ Asked ─┬─▶ digest ─────────────────────────▶ command_digest ┐
//!  its events ─▶ told ┴─▶ what they do not tell ─▶ asked ────────────────┴▶ first event
//! ```

use std::fmt;

use super::LedgerError;
use super::told::action_of;
use crate::model::{
    Asked, CallerKey, Claim, Command, CommandDigest, CommandId, Difference, LineFront, Recorded, Seq, escape,
};
use crate::store::{Store, StoreError};

/// How many events of a command are read one by one: a store has single lines near the one that was just found at hand, and
/// must unpack a block for more.
const SINGLE_READS: usize = 4;

/// How many fields are told with their values in one line.
const FIELDS_TOLD_MAX: usize = 3;

/// How much of a value is told, in characters.
const VALUE_CHARACTERS_MAX: usize = 60;

/// Fields of which the events of a command may say nothing, or what was found where nothing was asked for.
const UNTOLD: [&str; 6] = ["allow_unmet", "over_limit", "reason", "inputs", "output", "outputs"];

/// What the first event of a command that was recorded once keeps of what its caller asked for.
#[derive(Debug, Clone)]
pub(super) struct Once {
    digest: CommandDigest,
    key: Option<CallerKey>,
    asked: Asked,
}

impl Once {
    /// Takes what the events of a command keep; none where the first of them is not there.
    pub(super) fn of(events: &[Recorded]) -> Option<Once> {
        let first = events.first()?;
        Some(Once {
            digest: first.command_digest?,
            key: first.key.clone(),
            asked: recorded(told(events), events),
        })
    }
}

/// Puts into the first event of a command what its caller asked for, or what it keeps of that from once before.
pub(super) fn keep(events: &mut [Recorded], command: &Command, once: Option<&Once>) {
    let told = told(events);
    let Some(first) = events.first_mut() else { return };
    match once {
        Some(once) => {
            first.command_digest = Some(once.digest);
            first.key.clone_from(&once.key);
            if matches!(once.digest, CommandDigest::Asked(_)) {
                first.asked = once.asked.beyond(&told);
            }
        }
        None => {
            let then = told.with_head(&told, first.seq.minus(1));
            let asked = command.asked().resolved(&then);
            first.command_digest = Some(CommandDigest::Asked(asked.digest()));
            first.key.clone_from(&command.key);
            first.asked = asked.beyond(&told);
        }
    }
}

/// Returns what a command asked for, as far as its events tell.
fn told(events: &[Recorded]) -> Asked {
    let Some(first) = events.first() else { return Asked::default() };
    // A time of its own is the caller's, or that of a clock that is behind.
    let is_its_own = first.at != first.recorded_at && Some(first.at) != first.clock;
    let claim = first.occurred_at.or(is_its_own.then_some(first.at)).map(Claim::from);
    let action = action_of(events, Some);
    action.map(|action| Asked::of(&action, claim.as_ref())).unwrap_or_default()
}

/// Returns what a command asked for, as far as is known.
fn recorded(told: Asked, events: &[Recorded]) -> Asked {
    match events.first() {
        Some(first) => told.with(&first.asked),
        None => told,
    }
}

/// Checks that a command which is sent again is the one that was recorded under its id: that it asks for the same as the one
/// whose events these are.
///
/// # Errors
///
/// [`LedgerError::IdConflict`] where it does not; a first event that does not say what was asked for is damage.
pub fn check_repeats(command: &Command, events: &[Recorded]) -> Result<(), LedgerError> {
    let seq = events.first().map_or(Seq::ZERO, |first| first.seq);
    let missing = || format!("event {seq} is a command's first, but has no digest");
    let found = events.first().and_then(|first| first.command_digest);
    let found = found.ok_or_else(|| StoreError::Damaged { found: missing() })?;
    let told = told(events);
    let recorded = recorded(told.clone(), events);
    let then = recorded.with_head(&told, seq.minus(1));
    let asked = command.asked().resolved(&then);
    let given = match found {
        CommandDigest::AsWritten(_) => CommandDigest::AsWritten(command.digest_as_written()),
        CommandDigest::Asked(_) => CommandDigest::Asked(asked.digest()),
    };
    if given == found {
        return Ok(());
    }
    let mut fields = recorded.differences(&asked);
    if matches!(found, CommandDigest::AsWritten(_)) {
        let is_half_known = |field: &Difference| field.recorded.is_none() != field.given.is_none();
        fields.retain(|field| !(UNTOLD.contains(&field.field.as_str()) && is_half_known(field)));
    }
    let conflict = Box::new(IdConflict { found, given, fields });
    Err(LedgerError::IdConflict { id: command.id, seq, conflict })
}

/// Reads the events of the command whose first event is at a place.
pub(super) fn events_of(store: &dyn Store, first: Seq, head: Seq) -> Result<Vec<Recorded>, LedgerError> {
    let mut events: Vec<Recorded> = Vec::new();
    // Most commands have an event or two, each of which is at hand by itself; some have thousands.
    let (mut after, mut limit) = (first.minus(1), 1);
    while after < head {
        let lines = store.read(after, limit)?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            after = after.plus(1);
            if events.first().is_some_and(|first| begins_with_another(&line, first.command_id)) {
                return Ok(events);
            }
            let record =
                Recorded::from_line(&line).map_err(|source| LedgerError::Line { seq: after, source })?;
            if events.first().is_some_and(|first| first.command_id != record.command_id) {
                return Ok(events);
            }
            events.push(record);
        }
        if events.len() > SINGLE_READS {
            limit = (limit * 8).min(1024);
        }
    }
    Ok(events)
}

/// Says whether a line says right at its beginning, as those of this version do, that it is of another command than this:
/// then it is not read. Where it does not, that says nothing.
fn begins_with_another(line: &str, command: CommandId) -> bool {
    let id = LineFront::of(line).and_then(|front| front.command_id.parse().ok()).map(CommandId::new);
    id.is_some_and(|id| id != command)
}

/// How a command differs from the one that was recorded under its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdConflict {
    /// The digest of what was asked for then.
    pub found: CommandDigest,
    /// The digest of what is asked for now, made in the same way.
    pub given: CommandDigest,
    /// What differs. None only for a command of an earlier version, where it is nothing that its events tell.
    pub fields: Vec<Difference>,
}

impl IdConflict {
    /// Returns the fields with both values, each cut to what fits a line.
    pub fn told(&self) -> impl Iterator<Item = String> {
        self.fields.iter().map(|field| {
            let [recorded, given] = [&field.recorded, &field.given]
                .map(|value| value.as_deref().map_or_else(|| "nothing".to_owned(), cut));
            format!("`{}` was {recorded}, here {given}", escape(&field.name()))
        })
    }

    /// Returns how many fields are not told where the error is told in a line.
    pub fn untold(&self) -> usize {
        self.fields.len().saturating_sub(FIELDS_TOLD_MAX)
    }
}

/// Cuts a value where it is long.
fn cut(json: &str) -> String {
    let mut rest = json.chars();
    let start: String = rest.by_ref().take(VALUE_CHARACTERS_MAX).collect();
    let more = if rest.next().is_some() { "…" } else { "" };
    escape(&start) + more
}

impl fmt::Display for IdConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fields.is_empty() {
            return f.write_str(
                "what differs is not in its events, which an earlier version recorded without all that was asked for",
            );
        }
        let told: Vec<_> = self.told().take(FIELDS_TOLD_MAX).collect();
        f.write_str(&told.join("; "))?;
        match self.untold() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_line_is_is_told_by_its_beginning() {
        let [own, other] = ["0199f3c0-0000-7000-8000-000000000001", "0199f3c0-0000-7000-8000-000000000002"];
        let id = CommandId::new(own.parse().expect("an id"));
        let line = |id: &str| {
            format!("{{\"v\":2,\"seq\":7,\"id\":\"{id}\",\"command_id\":\"{id}\",\"kind\":\"k\"}}")
        };
        assert!(begins_with_another(&line(other), id));
        for nothing in [
            line(own),
            line(&own.to_uppercase()),
            line(&format!("{other}0")[1..]),
            format!("{{\"v\":2,\"data\":{{\"x\":1,\"command_id\":\"{other}\"}}}}"),
            format!("{{\"v\":2,\"text\":\"\\\\\",\"command_id\":\"{other}\"}}"),
            String::new(),
        ] {
            assert!(!begins_with_another(&nothing, id), "{nothing}");
        }
    }
}
