//! How the command line reads a ledger: it asks, and has none in hand but to record.

use super::{Source, check, sources};

/// The files of the command line that may have a ledger in hand: what opens it for others, records in it, takes in or
/// verifies all of it. They too read it only by asking.
const HOLDERS: &[&str] = &[
    "src/cli/host/context.rs",
    "src/cli/verbs/append.rs",
    "src/cli/verbs/import.rs",
    "src/cli/verbs/verify.rs",
    "src/cli/verbs/writing.rs",
];

/// How a ledger is opened.
const OPENED: &[&str] = &["context.open", "Ledger::open"];

fn command_line() -> Vec<Source> {
    sources().into_iter().filter(|source| source.module() == "cli").collect()
}

/// Returns the code without what it imports.
fn without_imports(source: &Source) -> Vec<(usize, &str)> {
    let mut imports = false;
    let mut code = Vec::new();
    for (number, line) in source.code() {
        imports |= line.trim_start().starts_with("use ");
        if !imports {
            code.push((number, line));
        }
        imports &= !line.ends_with(';');
    }
    code
}

/// Says whether a line of code names the type of ledgers, and calls nothing of it.
fn names_type(line: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices("Ledger").any(|(at, name)| {
        let rest = &line[at + name.len()..];
        let is_part =
            line[..at].ends_with(is_name) || line[..at].ends_with("::") || rest.starts_with(is_name);
        !is_part && !rest.starts_with("::")
    })
}

/// Says whether a line of code opens a ledger by itself, instead of telling somebody how to.
fn opens(line: &str) -> bool {
    let opened = OPENED.iter().flat_map(|opened| line.match_indices(opened));
    opened.into_iter().any(|(at, _)| !line[..at].trim_end_matches("self.").ends_with("|| "))
}

#[test]
fn the_command_line_has_no_ledger_in_hand_but_to_record() {
    let mut found = Vec::new();
    for source in command_line().iter().filter(|source| !HOLDERS.contains(&source.path.as_str())) {
        for (number, line) in without_imports(source) {
            if names_type(line) || opens(line) {
                let line = line.trim();
                found.push(format!("{}:{number}: `{line}`, expected a question", source.path));
            }
        }
    }
    check(found);
}

/// What a ledger can be called for, but to verify it: to read it, and to record without the loop around that.
fn methods() -> Vec<String> {
    let sources = sources();
    let is_ledger = |path: &str| ["src/ledger/mod.rs", "src/ledger/tables.rs"].contains(&path);
    let ledger = sources.iter().filter(|source| is_ledger(&source.path));
    let methods = ledger.flat_map(|source| source.code()).filter_map(|(_, line)| {
        let (name, parameters) = line.trim_start().strip_prefix("pub fn ")?.split_once('(')?;
        (parameters.starts_with("&self") || parameters.starts_with("&mut self")).then(|| name.to_owned())
    });
    let methods: Vec<_> = methods.collect();
    assert!(
        ["table", "head", "lines", "session"].iter().all(|name| methods.iter().any(|found| found == name))
    );
    methods
}

/// Says whether what a method is called on, the end of a text without blanks, is a ledger.
fn is_ledger(text: &str) -> bool {
    let expression = text.rsplit([';', '{', '}', '|', '=']).next().unwrap_or_default();
    let is_opened = OPENED.iter().any(|opened| expression.contains(opened));
    is_opened || expression.ends_with("ledger") || expression.ends_with("open()?")
}

#[test]
fn the_command_line_reads_a_ledger_by_asking() {
    let methods = methods();
    let mut found = Vec::new();
    for source in command_line() {
        let code: String =
            source.code().flat_map(|(_, line)| line.chars().filter(|c| !c.is_whitespace())).collect();
        for name in &methods {
            let call = format!(".{name}(");
            let calls = code.match_indices(&call).filter(|(at, _)| is_ledger(&code[..*at]));
            found.extend(calls.map(|_| format!("{}: `ledger{call}…)`, expected a question", source.path)));
        }
    }
    check(found);
}
