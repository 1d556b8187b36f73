//! What callers attach to events: any JSON object.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Doubled;

/// The largest metadata, in bytes of compact JSON.
pub const METADATA_BYTES_MAX: usize = 256 * 1024;

/// How deep lists and objects may lie in one another within a value. Readers of JSON stop at some depth, many
/// at 128; what is kept is what they all can read.
pub const METADATA_DEPTH_MAX: usize = 100;

/// A JSON object of at most [`METADATA_BYTES_MAX`] bytes, its keys sorted.
///
/// Values are kept as the text that was given (white space aside), so that 1.10 stays 1.10 and a number of
/// thirty digits keeps them all. A key that comes twice in an object is refused where callers give it: by
/// [`Metadata::insert`], from a text, and in a line of `append`. Serde reads what is kept, and earlier versions kept such.
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

    /// Returns the value under a key, as JSON text; none where there is none.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.get())
    }

    /// Takes out the value under a key, where there is one.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Puts `value`, a JSON text, under `key`.
    ///
    /// # Errors
    ///
    /// Refuses a text that is not JSON, one with a key twice in an object, one too deep or with half a character, and what
    /// makes the whole too large.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        match Doubled::find(value) {
            Some(doubled) => Err(doubled.into()),
            None => self.put_back(key, value),
        }
    }

    /// Puts `value`, which was there before, under `key` again, as [`Metadata::insert`].
    ///
    /// # Errors
    ///
    /// As [`Metadata::insert`], but for keys that come twice, which earlier versions took.
    pub fn put_back(&mut self, key: &str, value: &str) -> Result<(), MetadataError> {
        let value: Box<RawValue> = serde_json::from_str(value)?;
        let compacted = compact(&value)?;
        self.0.insert(key.to_owned(), compacted.unwrap_or(value));
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

impl FromStr for Metadata {
    type Err = MetadataError;

    /// Reads a JSON object that a caller gives.
    fn from_str(json: &str) -> Result<Self, MetadataError> {
        match Doubled::find(json) {
            Some(doubled) => Err(doubled.into()),
            None => Ok(serde_json::from_str(json)?),
        }
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

    fn try_from(mut values: BTreeMap<String, Box<RawValue>>) -> Result<Self, MetadataError> {
        for value in values.values_mut() {
            if let Some(compacted) = compact(value)? {
                *value = compacted;
            }
        }
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

/// Takes the white space between tokens out of a JSON text, and refuses what not every reader of JSON takes: a
/// text too deep, and half of a surrogate pair, which is no character. None for a text that has no such space: mostly it was
/// kept before, and is only read again.
fn compact(value: &RawValue) -> Result<Option<Box<RawValue>>, MetadataError> {
    let text = value.get();
    let (mut kept, mut from) = (String::new(), 0);
    let (mut depth, mut at) = (0, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b' ' | b'\t' | b'\n' | b'\r' => {
                kept.push_str(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        if depth > METADATA_DEPTH_MAX {
            return Err(MetadataError::TooDeep);
        }
        at += 1;
    }
    if from == 0 {
        return Ok(None);
    }
    kept.push_str(&text[from..]);
    Ok(Some(RawValue::from_string(kept)?))
}

/// Returns where a string ends that begins at a place of a JSON text. What it escapes is to be characters.
fn string_end(text: &str, start: usize) -> Result<usize, MetadataError> {
    let (mut at, mut has_escapes) = (start + 1, false);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => break,
            b'\\' => (at, has_escapes) = (at + 2, true),
            _ => at += 1,
        }
    }
    if has_escapes {
        serde_json::from_str::<String>(&text[start..=at])?;
    }
    Ok(at + 1)
}

/// Why metadata was refused.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Not JSON.
    #[error("the value is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// A key that comes twice.
    #[error("column {}: {_0}", _0.at + 1)]
    Doubled(#[from] Doubled),
    /// Deeper than [`METADATA_DEPTH_MAX`].
    #[error("lists and objects lie in one another more than {METADATA_DEPTH_MAX} deep")]
    TooDeep,
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
    fn what_not_every_reader_takes_is_refused() {
        let nested = |depth| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(serde_json::from_str::<Metadata>(&nested(METADATA_DEPTH_MAX)).is_ok());
        for text in [&nested(METADATA_DEPTH_MAX + 1), &nested(100_000), r#"{"a":["\ud800"]}"#] {
            assert!(serde_json::from_str::<Metadata>(text).is_err(), "{}", &text[..20]);
        }
        assert!(serde_json::from_str::<Metadata>(r#"{"a":"\ud83d\ude00 \" \\"}"#).is_ok());
    }

    #[test]
    fn what_is_kept_is_read_and_what_is_given_has_no_key_twice() {
        for (text, column) in [(r#"{"k":1,"k":2}"#, 8), (r#"{"a":[{"k":1, "\u006b":2}]}"#, 15)] {
            let kept: Metadata = serde_json::from_str(text).expect("what an earlier version kept");
            assert!(!kept.is_empty());
            let refused = text.parse::<Metadata>().expect_err(text).to_string();
            assert_eq!(refused, format!("column {column}: the key `k` comes twice in one object"));
        }
        let mut metadata = Metadata::default();
        assert!(metadata.insert("a", r#"{"k":1,"k":2}"#).is_err());
        assert!(metadata.put_back("a", r#"{"k":1,"k":2}"#).is_ok());
    }

    #[test]
    fn too_much_is_refused() {
        let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(METADATA_BYTES_MAX));
        assert!(serde_json::from_str::<Metadata>(&text).is_err());
    }
}
