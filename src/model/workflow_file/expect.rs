//! What a node of a workflow file is taken for, or what is said of one that is something else.

use std::ops::Range;

use super::error::Fault;
use super::node::{Entry, Fields, Format, Node, Shape, Value, shown};

/// Takes a table apart, or says what stands in its place.
pub(super) fn fields<'t>(
    node: Node<'t>,
    what: &str,
    shape: &Shape,
    format: Format,
    elsewhere: impl Fn(&str) -> Option<String>,
) -> Result<Fields<'t>, Fault> {
    match node.value {
        Value::Table(entries) => Fields::of(node.span, entries, shape, elsewhere),
        _ => Err(wrong_type(what, &node, format.table(), format)),
    }
}

/// Returns a list of strings, each with its place.
pub(super) fn texts(entry: Entry<'_>, format: Format) -> Result<Vec<(String, Range<usize>)>, Fault> {
    let key = entry.key;
    let Node { span, value } = entry.node;
    let list = match value {
        Value::List(list) => list,
        value => {
            let hint = match &value {
                Value::Text(text) => Some(format!("put it in brackets: [\"{}\"]", shown(text))),
                _ => None,
            };
            let node = Node { span, value };
            return Err(wrong_type(&format!("`{key}`"), &node, "an array of strings", format).hint_if(hint));
        }
    };
    let item = |node: Node<'_>| match node.value {
        Value::Text(text) => Ok((text.into_owned(), node.span)),
        _ => Err(wrong_type(&format!("an item of `{key}`"), &node, "a string", format)),
    };
    list.into_iter().map(item).collect()
}

/// Says of what type something is, and of what type it should be.
pub(super) fn wrong_type(what: &str, node: &Node<'_>, expected: &str, format: Format) -> Fault {
    let found = node.value.kind(format);
    Fault::new(node.span.clone(), format!("{what} is {found}; expected {expected}"))
}
