//! The shape of the code, held by a test: which module may use which, how long files and functions may be,
//! where clocks and randomness may be read, where failures are made, how the command line reads, that rules match
//! exhaustively, and how they are cut.

mod circles;
mod reads;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file, and of a function.
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Which modules of the library a module may use. The command line is a crate of its own on top of it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("rules", &["rules", "model"]),
    ("store", &["store", "model"]),
    ("query", &["query", "model", "rules"]),
    ("files", &["files", "model"]),
    ("ledger", &["ledger", "model", "rules", "store"]),
    ("ask", &["ask", "ledger", "query", "rules", "model"]),
];

/// Which rooms of the command line a room may use.
const ROOMS: &[(&str, &[&str])] =
    &[("host", &["host"]), ("ui", &["ui", "host"]), ("verbs", &["verbs", "ui", "host"])];

/// What reads a clock or makes something random, and the files that may.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("Utc::now", &[]),
    ("Local", &["src/model/selector/zone.rs"]),
    ("SystemTime", &["src/cli/host/context.rs", "src/store/disk/tail.rs"]),
    ("Instant::now", &["src/cli/", "src/store/disk/"]),
    ("now_v7", &["src/cli/"]),
    ("new_v4", &[]),
    ("std::env", &["src/cli/", "src/store/disk/copy.rs"]),
    ("sled", &["src/store/disk/"]),
];

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines of code with their numbers: no comments, and nothing from the unit tests on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines
            .take_while(|(_, line)| *line != "#[cfg(test)]")
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The path of its module, from the crate's root.
    fn path_of_module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').map(str::to_owned).collect()
    }

    fn module(&self) -> &str {
        let rest = self.path.strip_prefix("src/").unwrap_or(&self.path);
        rest.split(['/', '.']).next().unwrap_or_default()
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let path =
                    path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
                sources.push(Source { path, text });
            }
        }
    }
    assert!(sources.len() > 20, "the sources are found");
    sources
}

fn check(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn dependencies_point_one_way() {
    let mut found = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == source.module()) else {
            continue;
        };
        for (number, line) in source.code() {
            for used in line.split("crate::").skip(1) {
                let module: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_module = MAY_USE.iter().any(|(name, _)| *name == module);
                if is_module && !allowed.contains(&module.as_str()) {
                    found.push(format!(
                        "{}:{number}: `{}` may not use `{module}`",
                        source.path,
                        source.module()
                    ));
                }
            }
        }
    }
    check(found);
}

#[test]
fn rooms_of_the_command_line_point_one_way() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.module() == "cli") {
        let path = source.path_of_module();
        let Some((room, allowed)) =
            ROOMS.iter().find(|(room, _)| path.get(1).is_some_and(|name| name == room))
        else {
            continue;
        };
        for (number, line) in source.code() {
            for used in line.split("crate::cli::").skip(1) {
                let used: String = used.chars().take_while(char::is_ascii_alphabetic).collect();
                if ROOMS.iter().any(|(name, _)| *name == used) && !allowed.contains(&used.as_str()) {
                    found.push(format!("{}:{number}: `{room}` may not use `{used}`", source.path));
                }
            }
        }
    }
    check(found);
}

#[test]
fn files_and_functions_are_short() {
    let mut found = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            found.push(format!("{}: {} lines, at most {FILE_LINES_MAX}", source.path, lines.len()));
        }
        for (at, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = line.trim_start().split('(').next().is_some_and(|head| {
                head.split_whitespace().rev().nth(1) == Some("fn") && !line.trim_start().starts_with("//")
            });
            if !is_function || line.trim_end().ends_with([';', '}']) {
                continue;
            }
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[at..].iter().position(|line| *line == end).map_or(1, |length| length + 1);
            if length > FUNCTION_LINES_MAX {
                found.push(format!(
                    "{}:{}: {length} lines, at most {FUNCTION_LINES_MAX}",
                    source.path,
                    at + 1
                ));
            }
        }
    }
    check(found);
}

#[test]
fn clocks_and_randomness_stay_at_the_edges() {
    let mut found = Vec::new();
    // Cargo tells a build script by variables what it builds for.
    for source in sources().into_iter().filter(|source| source.path != "src/build.rs") {
        for (number, line) in source.code() {
            for (name, allowed) in OUTSIDE {
                let is_used =
                    line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').any(|word| {
                        word == *name
                            || word.starts_with(&format!("{name}::"))
                            || word.ends_with(&format!("::{name}"))
                    });
                if is_used && !allowed.iter().any(|path| source.path.starts_with(path)) {
                    found.push(format!("{}:{number}: `{name}`", source.path));
                }
            }
        }
    }
    check(found);
}

#[test]
fn failures_are_made_in_the_error_module() {
    let is_made = |line: &str| {
        let names = ["Failure::new(", " for Failure", ".exit() =="];
        let number =
            line.split("ExitCode::from(").nth(1).is_some_and(|rest| rest.starts_with(char::is_numeric));
        number || names.iter().any(|name| line.contains(name))
    };
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.path.starts_with("src/cli/host/error")) {
        for (number, line) in source.code().filter(|(_, line)| is_made(line)) {
            found.push(format!(
                "{}:{number}: `{}`, expected in src/cli/host/error",
                source.path,
                line.trim()
            ));
        }
    }
    check(found);
}

#[test]
fn rules_match_exhaustively() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.module() == "rules") {
        for (number, line) in source.code() {
            if line.trim_start().starts_with("_ =>") || line.trim_start().starts_with("_ if ") {
                found.push(format!("{}:{number}: `_ =>`", source.path));
            }
        }
    }
    check(found);
}

#[test]
fn no_folder_has_a_circle() {
    let code: BTreeMap<_, _> = sources()
        .iter()
        .filter(|source| !["src/lib.rs", "src/main.rs"].contains(&source.path.as_str()))
        .map(|source| {
            let lines: Vec<_> = source.code().map(|(_, line)| line).collect();
            (source.path_of_module(), lines.join("\n"))
        })
        .collect();
    check(circles::circles(&code));
}

/// What draws diagrams and Markdown writes character references so.
const WRITES_REFERENCES: &[&str] = &["src/query/diagram.rs", "src/cli/verbs/report/syntax.rs"];

#[test]
fn found_26_no_place_is_written_as_a_comment_of_the_shell() {
    let mut found = Vec::new();
    for source in
        sources().iter().filter(|source| !WRITES_REFERENCES.iter().any(|path| source.path.ends_with(path)))
    {
        for (number, line) in source.code().filter(|(_, line)| line.contains("#{")) {
            found.push(format!("{}:{number}: `{}`, expected a place as `e12`", source.path, line.trim()));
        }
    }
    check(found);
}

#[test]
fn paths_go_up_one_step_at_most() {
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in source.code().filter(|(_, line)| line.contains("super::super")) {
            found.push(format!(
                "{}:{number}: `{}`, expected the path from the crate",
                source.path,
                line.trim()
            ));
        }
    }
    check(found);
}
