//! Where the library refuses a log, read from its source: no check is without a forgery.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files that check what a log says, and how the type of a function ends that does.
const FILES: &[(&str, &str)] = &[
    ("src/rules/evolve.rs", "Impossible> {"),
    ("src/rules/touched.rs", "String> {"),
    ("src/rules/family", "String> {"),
    ("src/ledger/audit.rs", "String> {"),
    ("src/ledger/derived.rs", "String> {"),
    ("src/ledger/verify.rs", "VerifyError>, LedgerError> {"),
    ("src/ledger/restore.rs", "RestoreError> {"),
    ("src/ledger/export.rs", "RestoreError> {"),
    ("src/ledger/lines.rs", "LineFault> {"),
    ("src/ledger/replay.rs", "Fold, LedgerError> {"),
    ("src/model/record.rs", "LineError> {"),
];

/// What is said where the words are another function's.
const CALLS: &[&str] = &["about_else(record)", "misplaced(record)", ".merge("];

/// Words that are no refusal, but a part of one.
const PARTS: &[&str] = &["no limit", "a limit of {limit}"];

/// Returns every refusal: its function, and its words as they stand there.
pub fn refusals() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for (path, result) in FILES {
        let path = root.join(path);
        let files = match path.is_dir() {
            false => vec![path],
            true => {
                let entries =
                    fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
                // What is in a folder of its own refuses nothing that is in the log already.
                entries.filter(|path| path.is_file()).collect()
            }
        };
        for file in files {
            let text = fs::read_to_string(&file).expect("a file");
            found.extend(functions(&text).filter_map(|function| of_function(function, result)).flatten());
        }
    }
    found
}

/// Cuts a file into its functions; what is before the first one is none.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1)
}

fn of_function(function: &str, result: &str) -> Option<Vec<String>> {
    let (head, body) = function.split_once(" {\n")?;
    let name: String = head.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    if !format!("{head} {{").ends_with(result) {
        return None;
    }
    let body: Vec<_> = body.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let body = body.join("\n");
    let calls = CALLS.iter().filter(|call| body.contains(**call)).map(|call| (*call).to_owned());
    let words = texts(&body).into_iter().filter(|text| text.contains(' ') && !PARTS.contains(&text.as_str()));
    Some(calls.chain(words).map(|words| format!("{name}: {words}")).collect())
}

/// Returns the texts that stand in code.
fn texts(code: &str) -> Vec<String> {
    let (mut texts, mut text) = (Vec::new(), None::<String>);
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match (&mut text, character) {
            (None, '"') => text = Some(String::new()),
            (None, _) => {}
            (Some(_), '"') => texts.extend(text.take()),
            (Some(text), '\\') => text.extend(characters.next()),
            (Some(text), other) => text.push(other),
        }
    }
    texts
}

/// Returns the words of an error that a type has by itself, where no function says them.
pub fn of_types() -> BTreeSet<String> {
    [("src/model/record.rs", "LineError"), ("src/ledger/export.rs", "RestoreError")]
        .into_iter()
        .flat_map(|(file, name)| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = fs::read_to_string(path).expect("a file");
            let (_, body) = text.split_once(&format!("enum {name} {{\n")).expect("the type");
            let (body, _) = body.split_once("\n}\n").expect("its end");
            let whole = texts(&body.replace("//", ""));
            whole
                .into_iter()
                .filter(|text| said_alone(text))
                .map(move |text| format!("{name}: {text}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Says whether an error says more than that something stands in a line, and what.
fn said_alone(text: &str) -> bool {
    // What is missing in a file that was salvaged is no forgery: tests/laws/salvaged.rs.
    !["{}", "line {line}: {source}", "line {line}: {found}", "the event contradicts itself: {0}"]
        .contains(&text)
}
