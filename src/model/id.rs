//! Places in the log and identities of events.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event's place in the log: 1, 2, 3 …, without gaps. Zero is the place before the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// The place before the first event: the head of an empty log.
    pub const ZERO: Seq = Seq(0);

    /// Makes a place from its number.
    pub const fn new(number: u64) -> Self {
        Seq(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the place `count` events later, or the last one that there can be.
    pub const fn plus(self, count: u64) -> Self {
        Seq(self.0.saturating_add(count))
    }

    /// Returns the place `count` events earlier, or [`Seq::ZERO`] when there is none.
    pub const fn minus(self, count: u64) -> Self {
        Seq(self.0.saturating_sub(count))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Events that follow one another: those after one place, up to and including another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Span {
    /// The place before the first of them.
    pub after: Seq,
    /// The place of the last of them; not before `after`.
    pub through: Seq,
}

impl Span {
    /// Returns how many events these are.
    pub const fn events(self) -> u64 {
        self.through.number().saturating_sub(self.after.number())
    }

    /// Says whether there are none.
    pub const fn is_empty(self) -> bool {
        self.events() == 0
    }
}

/// The identity of a command: the caller's own, or a fresh UUIDv7.
///
/// Sending a command again under the same id never records it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(Uuid);

impl CommandId {
    /// Makes a command id from a UUID of any version.
    pub const fn new(uuid: Uuid) -> Self {
        CommandId(uuid)
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// Returns the id of the command's `index`-th event: the command's own id for the first (0), then
    /// `UUIDv5(command id, index)`, so that a retried command yields the same ids.
    pub fn event(self, index: usize) -> EventId {
        match index {
            0 => EventId(self.0),
            _ => EventId(Uuid::new_v5(&self.0, index.to_string().as_bytes())),
        }
    }

    /// Returns the id of the command that ends what this one starts, `UUIDv5(command id, "end")`: whoever ends
    /// it under that id can do so again.
    pub fn end(self) -> CommandId {
        CommandId(Uuid::new_v5(&self.0, b"end"))
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of an event, known before it is stored (see [`CommandId::event`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// Makes an event id from a UUID.
    pub const fn new(uuid: Uuid) -> Self {
        EventId(uuid)
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event, by its place and its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventRef {
    /// Its place.
    pub seq: Seq,
    /// Its identity.
    pub id: EventId,
}
