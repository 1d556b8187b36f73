//! Text that people wrote: bounded, and shown so that it cannot deceive.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The longest reason, error message or note, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The longest name of who asks, or of a signal, in bytes.
pub const LABEL_BYTES_MAX: usize = 255;

/// A reason, an error message or a note: at most [`TEXT_BYTES_MAX`] bytes of any Unicode.
///
/// It is stored as it was given and shown through [`escape`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

impl Text {
    /// Checks a text.
    ///
    /// # Errors
    ///
    /// Refuses a text that is longer than [`TEXT_BYTES_MAX`] or has nothing but white space.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > TEXT_BYTES_MAX {
            return Err(TextError::TooLong { bytes: text.len(), max: TEXT_BYTES_MAX });
        }
        if text.trim().is_empty() {
            return Err(TextError::Empty);
        }
        Ok(Text(text))
    }

    /// Makes a text, cutting what is too long at a character's edge; `None` when nothing is left.
    pub fn cut(text: &str) -> Option<Self> {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Text::new(&text[..end]).ok()
    }

    /// Makes a text of the end of what is too long, from a character's edge; `None` when nothing is left.
    pub fn cut_start(text: &str) -> Option<Self> {
        let mut start = text.len().saturating_sub(TEXT_BYTES_MAX);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        Text::new(&text[start..]).ok()
    }

    /// Returns the text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Text::new(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.0
    }
}

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// A name of who asks that does not look like what it is.
    #[error(
        "the name `{shown}` has the character `{found}`; who asks has no control or invisible characters"
    )]
    Deceptive {
        /// The name, escaped.
        shown: String,
        /// The character, escaped.
        found: String,
    },
    /// Longer than [`TEXT_BYTES_MAX`], or [`LABEL_BYTES_MAX`].
    #[error("the text is {bytes} bytes long; at most {max} are kept")]
    TooLong {
        /// What was found.
        bytes: usize,
        /// The most there may be.
        max: usize,
    },
}

/// Checks the name of who asks, or of a signal: it is repeated in every event of a command.
///
/// # Errors
///
/// Refuses what is longer than [`LABEL_BYTES_MAX`] or has nothing but white space.
pub fn label(text: &str) -> Result<String, TextError> {
    if text.len() > LABEL_BYTES_MAX {
        return Err(TextError::TooLong { bytes: text.len(), max: LABEL_BYTES_MAX });
    }
    match text.trim() {
        "" => Err(TextError::Empty),
        _ => Ok(text.to_owned()),
    }
}

/// Checks the name of who asks, which is shown wherever what they asked for is.
///
/// # Errors
///
/// As [`label`], and refuses a character that could move the cursor, hide or reorder what is shown, or that shows nothing.
pub fn claim(text: &str) -> Result<String, TextError> {
    let text = label(text)?;
    match text.chars().find(|&character| is_deceptive(character) || is_blank(character)) {
        None => Ok(text),
        Some(found) => {
            let found = found.escape_unicode().to_string();
            Err(TextError::Deceptive { shown: escape(&text), found })
        }
    }
}

/// Says whether a character, though it moves nothing, shows nothing either: two names with and without it look the same.
fn is_blank(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{2800}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}')
}

/// Reads a claim that may be left out.
pub(crate) fn read_claim<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| claim(&text).map_err(D::Error::custom)).transpose()
}

/// Reads a label that may be left out.
pub(crate) fn read_label<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| label(&text).map_err(D::Error::custom)).transpose()
}

/// Returns the text with every character that could move the cursor, hide or reorder what is shown
/// (controls, bidirectional marks, zero-width characters) written as `\u{…}`.
///
/// The bidirectional marks are those of Unicode Standard Annex 9, section 2.
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_deceptive(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns the name of a file as [`escape`] writes it, with each byte that is no UTF-8 as `\xff`.
pub fn escape_path(path: &std::path::Path) -> String {
    let chunks = path.as_os_str().as_encoded_bytes().utf8_chunks();
    let shown = chunks.map(|chunk| {
        let bytes: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
        escape(chunk.valid()) + &bytes
    });
    shown.collect()
}

/// Returns JSON with every character that [`escape`] writes out, but for line ends, as JSON escapes it (`\u009b`): it says
/// the same, and does nothing to a terminal.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let acts = |character: char| character != '\n' && is_deceptive(character);
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if acts(character) {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            units.iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Says whether a character is one that [`escape`] writes out.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_written_out() {
        assert_eq!(escape("a\u{202E}b\u{1b}[2J"), "a\\u{202e}b\\u{1b}[2J");
        assert_eq!(escape("Ünïcode, 漢字 ✓"), "Ünïcode, 漢字 ✓");
    }

    #[test]
    fn json_for_a_terminal_says_the_same() {
        let text = "a\u{9b}b\u{202e}c\u{7f}d\u{e0041}é漢\\\"";
        let json = format!("{}\n", serde_json::to_string(text).expect("a text"));
        let shown = escape_json(&json);
        assert_eq!(shown, "\"a\\u009bb\\u202ec\\u007fd\\udb40\\udc41é漢\\\\\\\"\"\n");
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), text);
        assert!(matches!(escape_json("{\"a\":1}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let long = "é".repeat(TEXT_BYTES_MAX);
        let text = Text::cut(&long).expect("not empty");
        assert_eq!(text.as_str().len(), TEXT_BYTES_MAX);
        assert!(Text::new(long.clone()).is_err());
        assert_eq!(Text::cut("  "), None);
        let end = Text::cut_start(&format!("{long}!")).expect("not empty");
        assert_eq!((end.as_str().len(), end.as_str().ends_with("é!")), (TEXT_BYTES_MAX - 1, true));
        assert_eq!(Text::cut_start(" \n"), None);
    }
}
