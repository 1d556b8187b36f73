//! JSON to nodes.
//!
//! serde_json does not say where a value stands, but a borrowed [`RawValue`] is a slice of the text: its
//! address gives its place. Each level of nodes therefore costs one more pass over the text below it.
//! Skipping over raw values does not recurse, so depth costs no stack.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Fault;
use super::node::{Entry, LEVELS_MAX, Node, Value};

/// Reads a JSON text.
pub(super) fn read(text: &str) -> Result<Node<'_>, Fault> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| syntax_fault(text, &error))?;
    read_value(text, raw, 0)
}

fn read_value<'t>(text: &'t str, raw: &'t RawValue, level: usize) -> Result<Node<'t>, Fault> {
    let span = span_of(text, raw);
    let json = raw.get();
    let value = match json.as_bytes().first() {
        Some(b'"') => Value::Text(read_string(text, raw)?),
        Some(b'{') if level >= LEVELS_MAX => Value::Other("an object"),
        Some(b'[') if level >= LEVELS_MAX => Value::Other("an array"),
        Some(b'{') => {
            let Members(members) = parse(json, &span)?;
            let entry = |(key, value): (&'t RawValue, &'t RawValue)| {
                Ok(Entry {
                    key: read_string(text, key)?,
                    key_span: span_of(text, key),
                    node: read_value(text, value, level + 1)?,
                })
            };
            Value::Table(members.into_iter().map(entry).collect::<Result<_, Fault>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = parse(json, &span)?;
            let items = items.into_iter().map(|item| read_value(text, item, level + 1));
            Value::List(items.collect::<Result<_, Fault>>()?)
        }
        Some(b't' | b'f') => Value::Truth(json == "true"),
        Some(b'n') => Value::Other("null"),
        _ => Value::Number(Cow::Borrowed(json)),
    };
    Ok(Node { span, value })
}

fn read_string<'t>(text: &'t str, raw: &'t RawValue) -> Result<Cow<'t, str>, Fault> {
    let json = raw.get();
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => parse(json, &span_of(text, raw)).map(Cow::Owned),
    }
}

/// Parses a part of the text, `span` being its place, that is known to be JSON: what still can go wrong are
/// the escapes in strings.
fn parse<'t, T: Deserialize<'t>>(json: &'t str, span: &Range<usize>) -> Result<T, Fault> {
    serde_json::from_str(json).map_err(|error| Fault::new(span.clone(), message(&error)))
}

fn span_of(text: &str, raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + raw.get().len()
}

fn syntax_fault(text: &str, error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        return Fault::new(text.len()..text.len(), message(error));
    }
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let line_start: usize = lines.map(str::len).sum();
    // serde_json counts columns in bytes, from 1.
    let at = line_start + error.column().saturating_sub(1);
    Fault::new(at..at + 1, message(error))
}

fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    match text.strip_prefix("EOF while parsing ") {
        Some(what) => format!("not JSON: the text ends within {what}"),
        None => format!("not JSON: {text}"),
    }
}

/// An object's members in their order, repeated keys included.
struct Members<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
