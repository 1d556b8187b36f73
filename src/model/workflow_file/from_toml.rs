//! TOML to nodes.

use std::borrow::Cow;

use serde_spanned::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::error::Fault;
use super::node::{Entry, LEVELS_MAX, Node, Value};

/// Reads a TOML text. The parser itself refuses what is nested over 80 levels deep.
pub(super) fn read(text: &str) -> Result<Node<'_>, Fault> {
    match DeTable::parse(text) {
        Ok(table) => {
            let span = table.span();
            Ok(Node { span, value: read_table(table.into_inner(), 1) })
        }
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            Err(Fault::new(span, format!("not TOML: {}", error.message())))
        }
    }
}

fn read_value(value: Spanned<DeValue<'_>>, level: usize) -> Node<'_> {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(integer) => Value::Number(digits(integer)),
        DeValue::Float(float) => Value::Number(Cow::Owned(float.as_str().to_owned())),
        DeValue::Boolean(truth) => Value::Truth(truth),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Array(_) if level >= LEVELS_MAX => Value::Other("an array"),
        DeValue::Table(_) if level >= LEVELS_MAX => Value::Other("a table"),
        DeValue::Array(list) => {
            Value::List(list.into_iter().map(|item| read_value(item, level + 1)).collect())
        }
        DeValue::Table(table) => read_table(table, level + 1),
    };
    Node { span, value }
}

/// Reads a table whose values are at `level`, the file itself being at level 0.
fn read_table(table: DeTable<'_>, level: usize) -> Value<'_> {
    let mut entries: Vec<_> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner(),
            node: read_value(value, level),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Value::Table(entries)
}

/// Returns an integer in decimal digits; one beyond 128 bits as it is written, for it is refused anyway.
fn digits(integer: DeInteger<'_>) -> Cow<'_, str> {
    let decimal = match integer.radix() {
        10 => None,
        radix => u128::from_str_radix(integer.as_str(), radix).ok().map(|number| number.to_string()),
    };
    Cow::Owned(decimal.unwrap_or_else(|| integer.to_string()))
}
