//! Ids as callers write them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CommandId;
use super::text::escape;

/// The namespace of ids that are made from a key (`key:TEXT`): UUIDv5 of the DNS name `phaseledger.dev` in
/// RFC 9562's namespace for DNS names.
const KEY_NAMESPACE: Uuid = Uuid::from_u128(0x9cb2_9c22_0355_59f6_8a37_7a5d_38cb_8f4d);

/// An id as callers write it: a UUID, or `key:` and any text, from which a UUIDv5 is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallerId(pub CommandId);

/// The text of a key, from which a command's id is made: `key:TEXT` without the `key:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
}

impl FromStr for CallerId {
    type Err = CallerIdError;

    fn from_str(text: &str) -> Result<Self, CallerIdError> {
        let id = match text.strip_prefix("key:") {
            Some(key) => CallerKey::new(key).map(|key| key.id()),
            None => Uuid::parse_str(text).ok().filter(|id| !id.is_nil()).map(CommandId::new),
        };
        let error = || CallerIdError { found: escape(&text.chars().take(80).collect::<String>()) };
        id.map(CallerId).ok_or_else(error)
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
        id.0.to_string()
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
