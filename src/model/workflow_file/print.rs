//! A definition back to the text of a workflow file, which reads as the very same definition.
//!
//! The text is written here and not by the `toml` crate, of which the reader alone is built in: a file has tables, texts
//! and lists of texts, and nothing else that a writer has to know.

use serde::Serialize;
use serde_json::Value;

use crate::model::text::is_deceptive;
use crate::model::{ApprovalPolicy, Definition, Metadata, PhaseDefinition, WorkflowName};

/// A workflow file.
#[derive(Serialize)]
struct File<'a> {
    workflow: Head<'a>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    source: &'a Metadata,
    phase: &'a [PhaseDefinition],
}

/// The table `workflow`.
#[derive(Serialize)]
struct Head<'a> {
    name: &'a WorkflowName,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_limit: Option<crate::model::Amount>,
    #[serde(skip_serializing_if = "ApprovalPolicy::is_default")]
    approval: &'a ApprovalPolicy,
}

/// The keys that come first, in this order; others follow by name.
const FIRST: &[&str] = &["name", "id", "description", "needs", "currency", "cost_limit", "version"];

fn file(definition: &Definition) -> File<'_> {
    File {
        workflow: Head {
            name: definition.name(),
            description: definition.description(),
            currency: definition.currency(),
            cost_limit: definition.cost_limit(),
            approval: definition.approval(),
        },
        source: definition.source(),
        phase: definition.phases(),
    }
}

/// Writes a definition as JSON.
pub fn workflow_to_json(definition: &Definition) -> String {
    serde_json::to_string(&file(definition)).expect("a definition has string keys and no floats")
}

/// Writes a definition as TOML; none where only JSON can say it: TOML has no word for where a graph comes from.
pub fn workflow_to_toml(definition: &Definition) -> Option<String> {
    if !definition.source().is_empty() {
        return None;
    }
    let File { workflow, phase, .. } = file(definition);
    let mut text = String::new();
    table(&mut text, "[workflow]", &workflow);
    for phase in phase {
        text.push('\n');
        table(&mut text, "[[phase]]", phase);
    }
    Some(text)
}

/// Writes a table, and after it those within.
fn table(text: &mut String, heading: &str, of: &impl Serialize) {
    let of = serde_json::to_value(of).expect("a definition has string keys and no floats");
    let Value::Object(of) = of else { return };
    text.push_str(heading);
    text.push('\n');
    let first = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut keys: Vec<_> = of.into_iter().collect();
    keys.sort_by_key(|(key, _)| first(key));
    let (tables, keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(_, value)| value.is_object());
    for (key, value) in keys {
        text.push_str(&format!("{key} = "));
        push(text, &value);
        text.push('\n');
    }
    for (key, within) in tables {
        text.push('\n');
        table(text, &format!("{}.{key}]", heading.trim_end_matches(']')), &within);
    }
}

fn push(text: &mut String, value: &Value) {
    match value {
        Value::String(string) => push_string(text, string),
        Value::Array(list) => {
            text.push('[');
            for (at, one) in list.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                push(text, one);
            }
            text.push(']');
        }
        // Numbers and truths are written alike in both.
        plain => text.push_str(&plain.to_string()),
    }
}

/// Writes a text, over several lines where it has some. What would act on a terminal is written as its number.
fn push_string(text: &mut String, string: &str) {
    let has_lines = string.contains('\n');
    text.push_str(if has_lines { "\"\"\"\n" } else { "\"" });
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' if has_lines => text.push('\n'),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            other if other.is_control() || is_deceptive(other) => {
                text.push_str(&format!("\\U{:08X}", u32::from(other)));
            }
            other => text.push(other),
        }
    }
    text.push_str(if has_lines { "\"\"\"" } else { "\"" });
}
