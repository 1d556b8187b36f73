//! `docs/cli.md` is what the program says of itself, `docs/errors.md` the table of its kinds of failures.
//! `UPDATE_DOCS=1 cargo test --test docs` writes both anew.

#[path = "../../src/cli/host/error/kind.rs"]
mod kind;

use std::path::{Path, PathBuf};
use std::process::Command;

use kind::Kind;

/// What stands above the table of failures.
const ERRORS: &str = "# Errors

What went wrong is told on stderr, with what to do; the exit code tells a script. With `--json` it is one object,
`{\"error\":{\"code\":…,\"message\":…,\"hint\":…}}`, with further fields where a kind has them. Messages and hints are for people;
programs go by the codes.

Two codes have two exit codes: `unanswered` is silent where nobody reads any more, and `wrong_currency` tells of an
amount or of a definition. Some verbs exit with other codes than 0 without an error: `exec` as its command does, those
that answer yes or no with 1, `approval` with 75 where nobody has decided yet; see [cli.md](cli.md).

| `error.code` | exit code | when | what to do |
|---|---|---|---|
";

fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(page)
}

/// Compares a page with what it is made of, or writes it anew.
fn check(page: &str, made: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(page), made).expect("the page is written");
    }
    let found = std::fs::read_to_string(path(page)).unwrap_or_default();
    assert!(found == made, "{page} is stale: UPDATE_DOCS=1 cargo test --test docs writes it anew");
}

#[test]
fn the_manual_is_not_stale() {
    let output = Command::new(env!("CARGO_BIN_EXE_phaseledger"))
        .args(["man", "--format", "markdown"])
        .env_remove("PHASELEDGER_DIR")
        .output()
        .expect("the program runs");
    check("docs/cli.md", &String::from_utf8(output.stdout).expect("UTF-8"));
}

#[test]
fn the_table_of_errors_is_not_stale() {
    let row = |kind: &Kind| {
        format!("| `{}` | {} | {} | {} |\n", kind.code(), kind.exit(), kind.when(), kind.advice())
    };
    check("docs/errors.md", &format!("{ERRORS}{}", Kind::ALL.iter().map(row).collect::<String>()));
    assert!(Kind::ALL.is_sorted_by_key(|kind| kind.exit()), "the kinds are in the order of their exit codes");
}

#[test]
fn every_kind_of_failure_is_told_by_the_program() {
    let folder = path("src/cli/host/error");
    let files =
        std::fs::read_dir(&folder).expect("the error module").map(|file| file.expect("a file").path());
    let code: String = files
        .chain([folder.with_extension("rs")])
        .filter(|file| !file.ends_with("kind.rs"))
        .map(|file| std::fs::read_to_string(file).expect("UTF-8"))
        .collect();
    for kind in Kind::ALL {
        let name = format!("Kind::{kind:?}");
        let is_told = code.split(|c: char| !c.is_alphanumeric() && c != ':').any(|word| word == name);
        assert!(is_told, "nothing makes a failure of the kind `{name}`");
    }
}
