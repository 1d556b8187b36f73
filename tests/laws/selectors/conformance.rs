//! The public test sets for dates and times, which are shared test data.

use std::path::{Path, PathBuf};

use phaseledger::model::{Timestamp, When};

use super::context;
use crate::shared;

fn is_when(text: &str) -> bool {
    When::parse(text, &context("UTC")).is_ok()
}

fn is_rfc_3339(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

/// Writes a time as RFC 3339 has it that a selector takes as well: a comma before the fraction, an offset without a
/// colon or without minutes. None for any other text.
fn strict(text: &str) -> Option<String> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut strict = text.replacen(',', ".", 1);
    let sign = strict.len() - strict.rfind(['+', '-']).map_or(0, |at| strict.len() - at);
    let offset = strict.get(sign + 1..).filter(|offset| strict.contains(':') && is_digits(offset));
    match offset.map(str::len) {
        Some(2) => strict.push_str(":00"),
        Some(4) => strict.insert(strict.len() - 2, ':'),
        _ => {}
    }
    (strict != text).then_some(strict)
}

#[test]
fn the_json_schema_formats_hold() {
    let Some(data) = shared::data("the_json_schema_formats_hold") else { return };
    let folder = data.join("conformance/json-schema-formats/tests/draft2020-12/optional/format");
    // No full date or time alone, but a selector all the same.
    let selectors_only =
        ["2020-11-28T23:55:45Z", "2020-01-01 00:00:00Z", "12:00:00", "12:00:00.52", "01:01:01,1111"];
    let mut count = 0;
    for format in ["date", "time", "date-time"] {
        let text = std::fs::read_to_string(folder.join(format!("{format}.json"))).expect("the set is there");
        let groups: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let tests = groups.as_array().into_iter().flatten().flat_map(|group| group["tests"].as_array());
        for test in tests.flatten() {
            let (Some(text), Some(valid)) = (test["data"].as_str(), test["valid"].as_bool()) else {
                continue;
            };
            count += 1;
            // Digits alone are no date, but a place.
            let is_place = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
            let day = if format == "time" { "1998-12-31T" } else { "" };
            let is_free = strict(text).is_some_and(|strict| is_rfc_3339(&format!("{day}{strict}")));
            let is_selector = valid || is_place || is_free || selectors_only.contains(&text);
            assert_eq!(is_when(text), is_selector, "{format}: {text:?}");
            match format {
                "date" => assert_eq!(is_rfc_3339(&format!("{text}T00:00:00Z")), valid, "date: {text:?}"),
                "time" => assert_eq!(is_rfc_3339(&format!("1998-12-31T{text}")), valid, "time: {text:?}"),
                _ => assert_eq!(is_rfc_3339(text), valid, "date-time: {text:?}"),
            }
        }
    }
    assert!(count > 130, "{count} cases");
}

#[test]
fn the_toml_datetimes_hold() {
    let Some(data) = shared::data("the_toml_datetimes_hold") else { return };
    let folder = data.join("conformance/toml-datetimes/tests");
    let mut count = 0;
    for (valid, path) in toml_files(&folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for line in std::fs::read_to_string(&path).expect("a file").lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((_, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            if value.starts_with('\'') {
                continue;
            }
            count += 1;
            // A selector may leave the seconds out, as TOML 1.1 allows.
            let is_free = strict(value).is_some_and(|strict| is_rfc_3339(&strict));
            assert_eq!(is_when(value), valid || is_free || name == "no-secs.toml", "{name}: {value:?}");
            let has_seconds = value.matches(':').count() >= 2 && name != "no-seconds.toml";
            let is_date_time = value.len() > 19 && value.starts_with(|c: char| c.is_ascii_digit());
            let has_offset = value.get(19..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
            let strict = valid && has_seconds && is_date_time && has_offset;
            assert_eq!(is_rfc_3339(value), strict, "{name}: {value:?}");
        }
    }
    assert!(count > 90, "{count} cases");
}

fn toml_files(folder: &Path) -> Vec<(bool, PathBuf)> {
    let list = |path: PathBuf| {
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    ["valid", "invalid"]
        .into_iter()
        .flat_map(|kind| list(folder.join(kind)).into_iter().map(move |group| (kind == "valid", group)))
        .flat_map(|(valid, group)| list(group).into_iter().map(move |path| (valid, path)))
        .filter(|(_, path)| path.extension().is_some_and(|extension| extension == "toml"))
        .collect()
}
