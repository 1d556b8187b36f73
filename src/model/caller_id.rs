//! Ids as callers write them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::{escape, is_deceptive};
use super::{CommandId, EventId};

/// The namespace of ids that are made from a key (`key:TEXT`): UUIDv5 of the DNS name `phaseledger.dev` in
/// RFC 9562's namespace for DNS names.
const KEY_NAMESPACE: Uuid = Uuid::from_u128(0x9cb2_9c22_0355_59f6_8a37_7a5d_38cb_8f4d);

/// The longest key that a new command may have, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;

/// An id as callers write it: a UUID, or `key:` and any text, from which a UUIDv5 is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallerId {
    command: CommandId,
    key: Option<CallerKey>,
}

impl CallerId {
    /// Returns the id of the command.
    pub const fn command(&self) -> CommandId {
        self.command
    }

    /// Returns the id of the command's first event.
    pub fn event(&self) -> EventId {
        self.command.event(0)
    }

    /// Returns the key that the id is made from; none for a UUID.
    pub const fn key(&self) -> Option<&CallerKey> {
        self.key.as_ref()
    }
}

impl From<CommandId> for CallerId {
    fn from(command: CommandId) -> Self {
        CallerId { command, key: None }
    }
}

/// The text of a key, from which a command's id is made: `key:TEXT` without the `key:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallerKey(String);

impl CallerKey {
    /// Takes a text, unless it is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| CallerKey(text.to_owned()))
    }

    /// Returns the id of the command that is sent under it.
    pub fn id(&self) -> CommandId {
        CommandId::new(Uuid::new_v5(&KEY_NAMESPACE, self.0.as_bytes()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks that a new command may have it: it is kept in the command's event, and shown. Commands were recorded under
    /// any key before keys were kept; they are found by it for ever.
    ///
    /// # Errors
    ///
    /// Refuses more than [`KEY_BYTES_MAX`] bytes, and control and invisible characters.
    pub fn check(&self) -> Result<(), KeyError> {
        let start = || escape(&self.0.chars().take(40).collect::<String>());
        if self.0.len() > KEY_BYTES_MAX {
            return Err(KeyError::TooLong { start: start(), bytes: self.0.len() });
        }
        match self.0.chars().find(|character| is_deceptive(*character)) {
            None => Ok(()),
            Some(found) => Err(KeyError::Character { start: start(), found: escape(&found.to_string()) }),
        }
    }
}

impl TryFrom<String> for CallerKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        CallerKey::new(&text).ok_or("the key is empty")
    }
}

impl From<CallerKey> for String {
    fn from(key: CallerKey) -> String {
        key.0
    }
}

/// Why no new command may have a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Longer than [`KEY_BYTES_MAX`].
    #[error("the key `{start}…` has {bytes} bytes; keys have 1 to {KEY_BYTES_MAX}")]
    TooLong {
        /// How it starts, escaped.
        start: String,
        /// What was found.
        bytes: usize,
    },
    /// A character that keys may not have.
    #[error("the key `{start}` has the character `{found}`; keys have no control or invisible characters")]
    Character {
        /// How it starts, escaped.
        start: String,
        /// The character, escaped.
        found: String,
    },
}

impl FromStr for CallerId {
    type Err = CallerIdError;

    fn from_str(text: &str) -> Result<Self, CallerIdError> {
        let id = match text.strip_prefix("key:") {
            Some(key) => CallerKey::new(key).map(|key| CallerId { command: key.id(), key: Some(key) }),
            None => {
                let uuid = Uuid::parse_str(text).ok().filter(|id| !id.is_nil());
                uuid.map(|uuid| CommandId::new(uuid).into())
            }
        };
        id.ok_or_else(|| CallerIdError { found: escape(&text.chars().take(80).collect::<String>()) })
    }
}

impl TryFrom<String> for CallerId {
    type Error = CallerIdError;

    fn try_from(text: String) -> Result<Self, CallerIdError> {
        text.parse()
    }
}

impl From<CallerId> for String {
    fn from(id: CallerId) -> String {
        match id.key {
            Some(key) => format!("key:{}", key.as_str()),
            None => id.command.to_string(),
        }
    }
}

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not an id; expected a UUID, or `key:` and a text of your own such as `key:2025-10-29/ingest`"
)]
pub struct CallerIdError {
    found: String,
}
