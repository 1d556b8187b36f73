//! What both formats become: values with their places in the text.

use std::borrow::Cow;
use std::ops::Range;

use super::error::Fault;
use crate::model::escape;
use crate::model::nearest::nearest;

/// How many levels of lists and tables are looked into: the file, its phases, a phase, its needs. What is
/// below (but for a `source`, which is kept as it is) is wrong, and its type is all that an error says.
pub(super) const LEVELS_MAX: usize = 4;

const SHOWN_CHARACTERS_MAX: usize = 60;

/// Which of the two a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Toml,
    Json,
}

/// A value and the bytes of the text that say it.
pub(super) struct Node<'t> {
    pub(super) span: Range<usize>,
    pub(super) value: Value<'t>,
}

/// A value, as far as a workflow file has use for it.
pub(super) enum Value<'t> {
    Text(Cow<'t, str>),
    /// Its decimal digits as they are written, without TOML's underscores.
    Number(Cow<'t, str>),
    Truth(bool),
    List(Vec<Node<'t>>),
    /// In the file's order.
    Table(Vec<Entry<'t>>),
    /// Anything else; the words that name its type.
    Other(&'static str),
}

/// A key and its value.
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node<'t>,
}

impl Format {
    /// Returns what the format calls a table.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Format::Toml => "a table",
            Format::Json => "an object",
        }
    }

    /// Returns what to write when there is no phase yet.
    pub(super) const fn hint_first_phase(self) -> &'static str {
        match self {
            Format::Toml => "give it at least one phase: `[[phase]]`, and below it `id = \"first\"`",
            Format::Json => "give it at least one phase: `\"phase\": [{\"id\": \"first\"}]`",
        }
    }

    /// Returns a key and its value as they are written.
    pub(super) fn pair(self, key: &str, value: &str) -> String {
        match self {
            Format::Toml => format!("{key} = {value}"),
            Format::Json => format!("\"{key}\": {value}"),
        }
    }
}

impl Value<'_> {
    /// Returns the words that name the value's type.
    pub(super) const fn kind(&self, format: Format) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Number(_) => "a number",
            Value::Truth(_) => "a boolean",
            Value::List(_) => "an array",
            Value::Table(_) => format.table(),
            Value::Other(kind) => kind,
        }
    }
}

/// A table's entries, each taken once. Its keys are known, and none stands twice.
pub(super) struct Fields<'t> {
    pub(super) span: Range<usize>,
    entries: Vec<Entry<'t>>,
}

/// Which keys a table may have, and how an error speaks of it.
pub(super) struct Shape {
    /// Who has the keys: `a phase`.
    pub(super) owner: &'static str,
    /// The keys that an error lists.
    pub(super) keys: &'static [&'static str],
    /// Other spellings that are accepted.
    pub(super) aliases: &'static [&'static str],
}

impl<'t> Fields<'t> {
    /// Takes a table apart; `elsewhere` may say where a key that is unknown here belongs.
    pub(super) fn of(
        span: Range<usize>,
        entries: Vec<Entry<'t>>,
        shape: &Shape,
        elsewhere: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Fault> {
        for (at, entry) in entries.iter().enumerate() {
            let known = || shape.keys.iter().chain(shape.aliases).copied();
            if !known().any(|key| key == entry.key) {
                return Err(unknown_key(entry, shape, elsewhere(&entry.key)));
            }
            // At most as many turns as there are keys: the next one is unknown or a repetition.
            if let Some(first) = entries[..at].iter().find(|first| first.key == entry.key) {
                return Err(repeated_key(first, entry));
            }
        }
        Ok(Fields { span, entries })
    }

    /// Takes the entry of a key.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry<'t>> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.swap_remove(at))
    }

    /// Takes the entry of a key that may be written in two ways, though not in both at once.
    pub(super) fn take_either(&mut self, key: &str, alias: &str) -> Result<Option<Entry<'t>>, Fault> {
        let (one, other) = match (self.take(key), self.take(alias)) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return Ok(one.or(other)),
        };
        let (first, second) =
            if one.key_span.start < other.key_span.start { (one, other) } else { (other, one) };
        let message = format!("`{alias}` means `{key}`, and both stand here");
        Err(Fault::new(second.key_span, message)
            .also(first.key_span, "the other one")
            .hint("keep one of the two"))
    }
}

/// Refuses a key that stands twice.
pub(super) fn repeated_key(first: &Entry<'_>, second: &Entry<'_>) -> Fault {
    Fault::new(second.key_span.clone(), format!("the key `{}` stands twice", shown(&second.key)))
        .also(first.key_span.clone(), "here first")
}

fn unknown_key(entry: &Entry<'_>, shape: &Shape, elsewhere: Option<String>) -> Fault {
    let keys: Vec<_> = shape.keys.iter().map(|key| format!("`{key}`")).collect();
    let message = format!("unknown key `{}`; {} has {}", shown(&entry.key), shape.owner, list(&keys));
    let hint = elsewhere.or_else(|| {
        nearest(&entry.key, shape.keys.iter().chain(shape.aliases).copied())
            .map(|key| format!("did you mean `{key}`?"))
    });
    Fault::new(entry.key_span.clone(), message).hint_if(hint)
}

fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns a text as an error shows it: escaped, and cut when it is long.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        None => escape(text),
        Some((end, _)) => format!("{}…", escape(&text[..end])),
    }
}
