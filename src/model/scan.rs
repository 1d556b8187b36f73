//! Reads text from left to right, and says where it stopped.

use std::ops::RangeInclusive;

use super::text::escape;

/// How many characters of a text an error repeats.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// A place in a text that is being read. A copy is a place to come back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// What an error gives as an example of the form that is being read.
    pub(super) example: &'static str,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str, example: &'static str) -> Self {
        Scan { text, at: 0, example }
    }

    /// Returns what is still to be read.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Returns the next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads the next character.
    pub(super) fn character(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Returns what was read since an earlier place.
    pub(super) fn since(&self, start: Scan<'a>) -> &'a str {
        &self.text[start.at..self.at]
    }

    /// Reads `token`, in any case, if it is next.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().get(..token.len()).is_some_and(|next| next.eq_ignore_ascii_case(token));
        if found {
            self.at += token.len();
        }
        found
    }

    /// Reads the characters, ASCII ones, for which `wanted` holds.
    pub(super) fn take(&mut self, max: usize, wanted: impl Fn(&u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().take(max).take_while(|byte| byte.is_ascii() && wanted(byte)).count();
        self.at += length;
        &rest[..length]
    }

    /// Reads spaces, and says whether there were any.
    pub(super) fn spaces(&mut self) -> bool {
        !self.take(usize::MAX, |&byte| byte == b' ').is_empty()
    }

    /// Reads ASCII letters, and returns them in lower case.
    pub(super) fn word(&mut self) -> String {
        self.take(usize::MAX, u8::is_ascii_alphabetic).to_ascii_lowercase()
    }

    /// Reads ASCII digits.
    pub(super) fn digits(&mut self) -> &'a str {
        self.take(usize::MAX, u8::is_ascii_digit)
    }

    /// Reads a whole number.
    pub(super) fn number(&mut self) -> Result<u64, Misread> {
        let start = *self;
        match self.digits() {
            "" => Err(self.misread("a number")),
            digits => digits
                .parse()
                .map_err(|_| self.misread_since(start, format!("a number from 0 to {}", u64::MAX))),
        }
    }

    /// Reads exactly `width` digits that make a number within `bounds`.
    pub(super) fn field(
        &mut self,
        width: usize,
        bounds: RangeInclusive<u32>,
        what: &str,
    ) -> Result<u32, Misread> {
        let start = *self;
        let digits = self.take(width, u8::is_ascii_digit);
        let expected = || format!("{what} from {:0width$} to {:0width$}", bounds.start(), bounds.end());
        match digits.parse() {
            Ok(number) if digits.len() == width && bounds.contains(&number) => Ok(number),
            Ok(_) if digits.len() == width => Err(self.misread_since(start, expected())),
            _ => Err(start.misread(expected())),
        }
    }

    /// Reads `token`, which must be next.
    pub(super) fn require(&mut self, token: &str, expected: &str) -> Result<(), Misread> {
        if self.eat(token) { Ok(()) } else { Err(self.misread(expected)) }
    }

    /// Refuses what is left, where something is.
    pub(super) fn finish(mut self, expected: &str) -> Result<(), Misread> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let start = self;
        if self.spaces() && !self.rest().is_empty() {
            return Err(self.misread(expected));
        }
        Err(start.misread(expected))
    }

    /// Says that what is next, up to white space, is not what was expected.
    pub(super) fn misread(&self, expected: impl Into<String>) -> Misread {
        let rest = self.rest();
        let blank = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let end = rest[blank..].find(char::is_whitespace).map_or(rest.len(), |end| blank + end);
        self.refuse(&rest[..end], expected.into())
    }

    /// Says that what was read since `start` is not what was expected.
    pub(super) fn misread_since(&self, start: Scan<'a>, expected: impl Into<String>) -> Misread {
        start.refuse(self.since(start), expected.into())
    }

    fn refuse(&self, found: &str, expected: String) -> Misread {
        Misread {
            shown: show(self.text),
            column: self.text[..self.at].chars().count() + 1,
            found: if found.is_empty() { "the end".to_owned() } else { format!("`{}`", show(found)) },
            expected,
            example: self.example,
        }
    }
}

/// Returns a text as errors show it: escaped, and its start alone where it is long.
pub(super) fn show(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        None => escape(text),
        Some((end, _)) => format!("{}…", escape(&text[..end])),
    }
}

/// Where the reading of a text stopped, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{shown}`: found {found} at character {column}, expected {expected}, as in `{example}`")]
pub struct Misread {
    /// The text, escaped; its start alone where it is long.
    pub shown: String,
    /// The place in the text, in characters from 1.
    pub column: usize,
    /// What was found there, escaped and quoted, or the words that the text ended.
    pub found: String,
    /// What would have been accepted there.
    pub expected: String,
    /// A text that is accepted.
    pub example: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_short_and_shows_no_controls() {
        let text = format!("é\u{202E}{}", "x".repeat(500));
        let mut scan = Scan::new(&text, "y");
        assert!(!scan.eat("e"));
        assert_eq!(scan.word(), "");
        let error = scan.misread("a `y`").to_string();
        assert!(error.starts_with("cannot read `é\\u{202e}xxx") && error.len() < 250, "{error}");
        let mut scan = Scan::new("12x", "12");
        assert_eq!(scan.number(), Ok(12));
        assert_eq!(
            scan.finish("the end").expect_err("an `x` is left").to_string(),
            "cannot read `12x`: found `x` at character 3, expected the end, as in `12`"
        );
    }
}
