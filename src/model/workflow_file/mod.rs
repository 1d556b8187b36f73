//! The workflow file: its text in, a checked [`Definition`] out, or an error that points at the line.
//!
//! ```text
//! text ─from_toml▶ Node ┐
//!                       ├─check▶ Definition        any step ─▶ Fault ─at(text, file)▶ WorkflowFileError
//! text ─from_json▶ Node ┘
//! ```
//! Both formats become the same spanned [`node::Node`]s, so that every rule is written once and knows the
//! place of what it refuses. A definition is written back as either, for whoever prints one. Reading the file from a
//! disk is not here, and neither is writing one.

mod approval;
mod check;
mod error;
mod expect;
mod from_json;
mod from_toml;
mod node;
mod places;
mod print;
#[cfg_attr(not(feature = "snippets"), expect(dead_code, reason = "what only pictures need"))]
mod snippet;

use super::{Definition, Named, NotText, WorkflowName, text::is_deceptive, without_mark};
use crate::model::NAME_BYTES_MAX;
use error::Fault;
use node::Format;

pub use error::WorkflowFileError;
pub use print::{workflow_to_json, workflow_to_toml};

/// The largest workflow file, in bytes.
pub const WORKFLOW_FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads a workflow file's text, as [`parse_workflow`] does, from its bytes.
///
/// # Errors
///
/// As [`parse_workflow`], and refuses bytes that are not UTF-8.
pub fn parse_workflow_bytes(
    bytes: &[u8],
    file_name: &str,
    name_override: Option<&WorkflowName>,
) -> Result<Definition, WorkflowFileError> {
    if bytes.len() > WORKFLOW_FILE_BYTES_MAX {
        return Err(too_large(bytes.len()).at("", file_name));
    }
    if let Some(encoding) = NotText::encoding(bytes) {
        return Err(Fault::new(0..0, encoding.to_string()).at("", file_name));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_workflow(text, file_name, name_override),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes);
            // What precedes the first bad byte is the same in both, but for the byte order mark.
            let mark = text.len() - without_mark(&text).len();
            let start = error.valid_up_to().saturating_sub(mark);
            let fault = NotText::Byte { byte: bytes[error.valid_up_to()] };
            Err(Fault::new(start..start, fault.to_string()).at(without_mark(&text), file_name))
        }
    }
}

/// Reads a workflow file: TOML, or JSON when its text starts with `{` or its name ends in `.json`.
///
/// The workflow's name is `name_override`, else what the file says, else the file's stem. A need written
/// as `name/phase`, where `name` is the file's own, stays within the workflow whatever its name becomes.
/// `file_name` is only for the stem, the ending and the errors: nothing is opened.
///
/// # Errors
///
/// Refuses, pointing at the place: a text that is neither format or larger than
/// [`WORKFLOW_FILE_BYTES_MAX`]; a key that is unknown, twice there or of the wrong type; a name, an amount
/// or a currency that is none; a file without phases; and what [`Definition`] refuses.
pub fn parse_workflow(
    text: &str,
    file_name: &str,
    name_override: Option<&WorkflowName>,
) -> Result<Definition, WorkflowFileError> {
    let text = without_mark(text);
    read(text, (file_name, name_override), false).map_err(|fault| fault.at(text, file_name))
}

/// Reads a workflow file that may have been recorded by the first release, which took a limit without a currency: sent
/// again, it is the same definition.
///
/// # Errors
///
/// As [`parse_workflow_bytes`].
pub fn parse_recorded_workflow(
    bytes: &[u8],
    file_name: &str,
    name_override: Option<&WorkflowName>,
) -> Result<Definition, WorkflowFileError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text = without_mark(text);
            read(text, (file_name, name_override), true).map_err(|fault| fault.at(text, file_name))
        }
        Err(_) => parse_workflow_bytes(bytes, file_name, name_override),
    }
}

/// Points at the place of a workflow file where a workflow or a phase gets its name, and says what is wrong with that; none
/// where the file does not say it. The file is one that [`parse_workflow_bytes`] has read.
pub fn point_at_name(
    bytes: &[u8],
    file_name: &str,
    (of, name): (Named, &str),
    message: &str,
) -> Option<WorkflowFileError> {
    let text = without_mark(std::str::from_utf8(bytes).ok()?);
    let root = match format_of(text, file_name) {
        Format::Json => from_json::read(text).ok()?,
        Format::Toml => from_toml::read(text).ok()?,
    };
    Some(Fault::new(places::of_name(root, of, name)?, message).at(text, file_name))
}

fn format_of(text: &str, file_name: &str) -> Format {
    let json = text.trim_start().starts_with('{') || has_json_ending(file_name);
    if json { Format::Json } else { Format::Toml }
}

fn read(
    text: &str,
    (file_name, name_override): (&str, Option<&WorkflowName>),
    was_recorded: bool,
) -> Result<Definition, Fault> {
    if text.len() > WORKFLOW_FILE_BYTES_MAX {
        return Err(too_large(text.len()));
    }
    let format = format_of(text, file_name);
    if let Some(at) = text.find('\0') {
        return Err(Fault::new(at..at + 1, NotText::Nul.to_string()));
    }
    if text.trim().is_empty() {
        return Err(Fault::new(0..0, "the file is empty").hint(format.hint_first_phase()));
    }
    let root = match format {
        Format::Json => from_json::read(text)?,
        Format::Toml => from_toml::read(text)?,
    };
    check::check(root, &check::File { text, format, stem: stem_name(file_name), name_override, was_recorded })
}

fn too_large(bytes: usize) -> Fault {
    Fault::new(0..0, format!("the file has {bytes} bytes; at most {WORKFLOW_FILE_BYTES_MAX} are read"))
}

fn has_json_ending(file_name: &str) -> bool {
    file_name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("json"))
}

/// Makes a name of a file's stem, with `-` for each character that names may not have.
fn stem_name(file_name: &str) -> Option<WorkflowName> {
    let last = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match last.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => last,
    };
    let name: String = stem.chars().map(|c| if is_deceptive(c) { '-' } else { c }).collect();
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    WorkflowName::new(name[..end].trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem(file_name: &str) -> String {
        stem_name(file_name).map(|name| name.as_str().to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_stem_becomes_a_name() {
        assert_eq!(stem("graphs/argo-diamond.json"), "argo-diamond");
        assert_eq!(stem(r"C:\flows\daily.v2.toml"), "daily.v2");
        assert_eq!(stem(".toml"), ".toml");
        assert_eq!(stem("evil\u{202E}txt.toml"), "evil-txt");
        assert_eq!(stem(" x .toml"), "x");
        assert_eq!(stem(&format!("{}.toml", "é".repeat(200))).len(), NAME_BYTES_MAX - 1);
        assert_eq!(stem(""), "");
    }

    #[test]
    fn what_nothing_names_is_refused() {
        let error = parse_workflow("phase = [{id = 'a'}]", "", None).expect_err("no name");
        assert_eq!(error.message, "nothing names the workflow");
        let name = WorkflowName::new("daily").expect("a name");
        let definition = parse_workflow("phase = [{id = 'a'}]", "", Some(&name)).expect("a workflow");
        assert_eq!(definition.name(), &name);
    }

    #[test]
    fn what_is_absurdly_deep_or_large_is_refused() {
        let brackets = "[".repeat(100_000);
        let tables = "{a=".repeat(100_000);
        let dots = vec!["a"; 100_000].join(".");
        let both = format!("{}1{}", format!("{{{}=", vec!["a"; 79].join(".")).repeat(78), "}".repeat(78));
        for text in [
            format!("x = {brackets}"),
            format!("x = {brackets}{}", "]".repeat(100_000)),
            format!("x = {tables}"),
            format!("{dots} = 1"),
            format!("[{dots}]"),
            format!("x = {both}"),
            format!("[workflow]\nname = {both}"),
            format!("{{\"phase\": {brackets}"),
            format!("{{\"phase\": {brackets}{}}}", "]".repeat(100_000)),
            format!("{}1{}", "{\"phase\":".repeat(100_000), "}".repeat(100_000)),
            " ".repeat(WORKFLOW_FILE_BYTES_MAX + 1),
        ] {
            assert!(parse_workflow(&text, "deep", None).is_err(), "{:.20}", text);
        }
    }
}
