//! What callers attach to events: any JSON object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The largest metadata, in bytes of compact JSON.
pub const METADATA_BYTES_MAX: usize = 256 * 1024;

/// A JSON object of at most [`METADATA_BYTES_MAX`] bytes, its keys sorted.
///
/// Values are kept as the text that was given (white space aside), so that 1.10 stays 1.10 and a number of
/// thirty digits keeps them all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Box<RawValue>>", into = "BTreeMap<String, Box<RawValue>>")]
pub struct Metadata(BTreeMap<String, Box<RawValue>>);

impl Metadata {
    /// Says whether nothing is attached.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the keys with their values as JSON text, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.get()))
    }

    /// Puts `value`, a JSON text, under `key`.
    ///
    /// # Errors
    ///
    /// Refuses a text that is not JSON, and what makes the whole too large.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        let value: Box<RawValue> = serde_json::from_str(value)?;
        self.0.insert(key.to_owned(), compact(&value)?);
        Ok(self.check()?)
    }

    /// Puts every value of `other` under its key, replacing what was there.
    ///
    /// # Errors
    ///
    /// Refuses to grow over [`METADATA_BYTES_MAX`].
    pub fn merge(&mut self, other: &Metadata) -> Result<(), TooLarge> {
        self.0.extend(other.0.iter().map(|(key, value)| (key.clone(), value.clone())));
        self.check()
    }

    fn check(&self) -> Result<(), TooLarge> {
        let bytes = self.0.iter().map(|(key, value)| key.len() + value.get().len() + 4).sum();
        if bytes > METADATA_BYTES_MAX {
            return Err(TooLarge { bytes });
        }
        Ok(())
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Metadata {}

impl TryFrom<BTreeMap<String, Box<RawValue>>> for Metadata {
    type Error = MetadataError;

    fn try_from(values: BTreeMap<String, Box<RawValue>>) -> Result<Self, MetadataError> {
        let values = values
            .into_iter()
            .map(|(key, value)| Ok((key, compact(&value)?)))
            .collect::<Result<_, MetadataError>>()?;
        let metadata = Metadata(values);
        metadata.check()?;
        Ok(metadata)
    }
}

impl From<Metadata> for BTreeMap<String, Box<RawValue>> {
    fn from(metadata: Metadata) -> Self {
        metadata.0
    }
}

/// Takes the white space between tokens out of a JSON text.
fn compact(value: &RawValue) -> Result<Box<RawValue>, MetadataError> {
    let mut text = String::with_capacity(value.get().len());
    let (mut in_string, mut escaped) = (false, false);
    for character in value.get().chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            in_string = character == '"';
            if matches!(character, ' ' | '\t' | '\n' | '\r') {
                continue;
            }
        }
        text.push(character);
    }
    Ok(RawValue::from_string(text)?)
}

/// Why metadata was refused.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Not JSON.
    #[error("the value is not JSON")]
    NotJson(#[from] serde_json::Error),
    /// Larger than [`METADATA_BYTES_MAX`].
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Metadata larger than [`METADATA_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metadata has {bytes} bytes; at most {METADATA_BYTES_MAX} are kept")]
pub struct TooLarge {
    /// What was found.
    pub bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_white_space_goes() {
        let text = r#"{ "z": 1.10, "a": [ 123456789012345678901234567890 , "x \" y" ] }"#;
        let metadata: Metadata = serde_json::from_str(text).expect("an object");
        let written = serde_json::to_string(&metadata).expect("serialises");
        assert_eq!(written, r#"{"a":[123456789012345678901234567890,"x \" y"],"z":1.10}"#);
    }

    #[test]
    fn too_much_is_refused() {
        let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(METADATA_BYTES_MAX));
        assert!(serde_json::from_str::<Metadata>(&text).is_err());
    }
}
