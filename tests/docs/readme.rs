//! The sessions in the README and in `docs/` are real: each `console` block is run, and its output compared.
//!
//! `$ ` begins a command; what follows is what it prints, stdout before stderr. `…` in a line stands for what
//! differs from run to run. The blocks of a file share one folder, in order.

use std::path::Path;
use std::process::Command;

/// A command with the output that the page shows.
struct Step {
    line: usize,
    command: String,
    shown: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (at, text) in page.lines().enumerate() {
        match text {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match text.strip_prefix("$ ") {
                Some(command) => {
                    steps.push(Step { line: at + 1, command: command.to_owned(), shown: Vec::new() });
                }
                None => steps.last_mut().expect("a block begins with a command").shown.push(text.to_owned()),
            },
        }
    }
    steps
}

/// Says whether a line is as it is shown, `…` standing for anything.
fn matches(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.rfind(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

fn run(page: &Path) {
    let text = std::fs::read_to_string(page).expect("a page");
    let folder = tempfile::tempdir().expect("a folder");
    let programs = Path::new(env!("CARGO_BIN_EXE_phaseledger")).parent().expect("a folder").to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{} has a session", page.display());
    for step in steps {
        let output = Command::new("sh")
            .args(["-c", &step.command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("PHASELEDGER_BY", "ana")
            .env_remove("PHASELEDGER_DIR")
            .env_remove("PHASELEDGER_CLOCK")
            .output()
            .expect("a shell");
        let found = [output.stdout, output.stderr].concat();
        let found = String::from_utf8(found).expect("UTF-8");
        let found: Vec<_> = found.lines().collect();
        let same = found.len() == step.shown.len()
            && step.shown.iter().zip(&found).all(|(shown, line)| matches(shown, line));
        assert!(
            same,
            "{}:{}: `{}` prints\n{}\nthe page shows\n{}\n",
            page.display(),
            step.line,
            step.command,
            found.join("\n"),
            step.shown.join("\n")
        );
    }
}

#[test]
#[cfg(unix)]
fn the_readme_is_real() {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
}

#[test]
#[cfg(unix)]
fn the_day_of_costs_is_real() {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/costs.md"));
}

#[test]
fn three_dots_stand_for_anything() {
    assert!(matches("e9 at …Z by …", "e9 at 2025Z by ana"));
    assert!(matches("a…", "a"));
    assert!(!matches("a…b", "ac"));
    assert!(!matches("ab", "abc"));
}
