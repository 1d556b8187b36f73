//! The Tab key in bash, zsh and fish: the shells themselves are run, on a terminal where they need one. A shell
//! that is not there is skipped, and said to be.

use std::process::{Command, Stdio};

use crate::cli::{self, Scene};
use crate::skip::has;

/// A ledger with names that shells find hard, and one that two workflows have.
fn scene() -> Scene {
    let scene = Scene::made();
    scene.define("w", &[("extract", &[]), ("export it (all)", &["extract"]), ("shared", &[])]);
    scene.define("v", &[("shared", &[]), ("only:v", &[])]);
    scene.ok(&["start", "extract"]);
    scene.ok(&["tag", "release-1"]);
    scene.ok(&["tag", "review"]);
    scene
}

/// Runs a script in a shell, with the program on its path, and returns what it printed.
fn shell(scene: &Scene, shell: &[&str], script: &str) -> String {
    let program = scene.command();
    let bin = std::path::Path::new(program.get_program()).parent().expect("a folder");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(script).current_dir(scene.dir()).stdin(Stdio::null());
    command.env("PATH", path).env("HOME", scene.dir()).env_remove("PHASELEDGER_DIR").env("TERM", "dumb");
    let output = command.output().expect("the shell runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr, "", "{script}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Presses Tab at the end of a line in bash, as readline calls the function, and returns what it would insert.
fn bash(scene: &Scene, line: &str) -> Vec<String> {
    let script = format!(
        "source <(phaseledger completions bash); COMP_LINE={0}; COMP_POINT=${{#COMP_LINE}}; \
         COMP_WORDS=($COMP_LINE); COMP_CWORD=1; _phaseledger phaseledger; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        format_args!("'{}'", line.replace('\'', r"'\''")),
    );
    shell(scene, &["bash", "--norc", "-c"], &script)
        .lines()
        .map(str::to_owned)
        .filter(|l| !l.is_empty())
        .collect()
}

#[test]
fn bash_completes_from_the_ledger() {
    if !has("bash_completes_from_the_ledger", "bash") {
        return;
    }
    let scene = scene();
    assert_eq!(
        bash(&scene, "phaseledger start ex"),
        ["extract", r"export\ it\ \(all\)"].map(str::to_owned).iter().rev().cloned().collect::<Vec<_>>()
    );
    let all = bash(&scene, "phaseledger why ");
    for name in ["extract", "v/shared", "w/shared", "only:v", "w/extract"] {
        assert!(all.iter().any(|found| found == name), "no `{name}` in {all:?}");
    }
    assert!(!all.iter().any(|found| found.starts_with('-') || found == "shared"), "{all:?}");
    assert_eq!(bash(&scene, "phaseledger start w/ext"), ["w/extract"]);
    assert_eq!(bash(&scene, "phaseledger start 'export"), ["export it (all)"]);
    assert_eq!(bash(&scene, "phaseledger start only:"), ["v"]);
    // What bash takes for a word of its own begins behind the colon.
    assert_eq!(bash(&scene, "phaseledger status --at tag:re"), ["release-1", "review"]);
    assert_eq!(bash(&scene, "phaseledger status --at=tag:rel"), ["release-1"]);
    assert_eq!(bash(&scene, "phaseledger status --at t"), ["tag:release-1", "tag:review"]);
    assert_eq!(bash(&scene, "phaseledger log tag:release-1..tag:rev"), ["review"]);
    assert_eq!(bash(&scene, "phaseledger tag rev"), ["review"]);
    assert_eq!(bash(&scene, "phaseledger status --state PENDING,NE"), ["PENDING,NEEDS_RERUN"]);
    assert_eq!(bash(&scene, "phaseledger log --workflow "), ["v", "w"]);
    assert_eq!(bash(&scene, "phaseledger comple"), ["completions", "complete"]);
    assert_eq!(bash(&scene, "phaseledger start extract --allow"), ["--allow-unmet"]);
    assert_eq!(bash(&scene, "phaseledger start nothing-like-it"), [""; 0]);
    assert_eq!(bash(&scene, "PHASELEDGER_BY=me phaseledger start ext"), ["extract"]);
}

#[test]
fn zsh_completes_from_the_ledger() {
    if !has("zsh_completes_from_the_ledger", "zsh") {
        return;
    }
    let scene = scene();
    // A shell in a terminal of its own types a line, presses Tab and Enter: what it then runs is in the log.
    for (typed, expected) in [
        ("phaseledger note by-zsh --phase ext\\t\\n", "\"phase\":\"extract\""),
        ("phaseledger note by-zsh --phase only:\\t\\n", "\"phase\":\"only:v\""),
        ("phaseledger note by-zsh --phase exp\\t\\n", "\"phase\":\"export it (all)\""),
        ("phaseledger tag by-zsh tag:rel\\t\\n", "\"name\":\"by-zsh\""),
    ] {
        let before = scene.ok(&["log", "--json"]).stdout.lines().count();
        let script = format!(
            "zmodload zsh/zpty; zpty z zsh -f -i; \
             zpty -w z 'PS1=; autoload -U compinit; compinit -D; source <(phaseledger completions zsh)'; \
             zpty -w z 'print -r -- re\"\"ady'; zpty -r -m z x '*ready*'; zpty -w -n z $'{typed}'; \
             zpty -w z 'print -r -- fin\"\"ished'; zpty -r -m z x '*finished*'; zpty -d z"
        );
        shell(&scene, &["zsh", "-f", "-c"], &script);
        let log = scene.ok(&["log", "--json"]).stdout;
        let last = log.lines().last().expect("an event");
        assert!(log.lines().count() == before + 1 && last.contains(expected), "{typed}: {last}");
    }
}

#[test]
fn fish_completes_from_the_ledger() {
    if !has("fish_completes_from_the_ledger", "fish") {
        return;
    }
    let scene = scene();
    let fish = |line: &str| -> Vec<String> {
        let script = format!("phaseledger completions fish | source; complete -C {line:?}");
        let said = shell(&scene, &["fish", "--no-config", "-c"], &script);
        said.lines().map(str::to_owned).collect()
    };
    assert_eq!(fish("phaseledger start ext"), ["extract\tIN_PROGRESS"]);
    assert_eq!(fish("phaseledger start w/ext"), ["w/extract\tIN_PROGRESS"]);
    assert_eq!(fish("phaseledger status --at tag:re"), ["tag:release-1\te3", "tag:review\te4"]);
    assert_eq!(fish("phaseledger start exp"), ["export it (all)\tPENDING"]);
    assert_eq!(fish("phaseledger status --state COM"), ["COMPLETE"]);
}

/// What the scripts ask, as they ask it.
fn asked(scene: &Scene, words: &[&str]) -> cli::Ran {
    scene.run(&[&["completions", "fish", "--", "phaseledger"], words].concat())
}

#[test]
fn the_folder_is_the_one_that_is_named() {
    let (scene, elsewhere) = (scene(), Scene::empty());
    let dir = scene.dir().join("ledger");
    let dir = dir.to_str().expect("UTF-8");
    assert_eq!(asked(&elsewhere, &["start", "ext"]).stdout, "");
    assert_eq!(asked(&elsewhere, &["--dir", dir, "start", "ext"]).stdout, "extract\tIN_PROGRESS\n");
    assert_eq!(
        asked(&elsewhere, &["start", &format!("--dir={dir}"), "ext"]).stdout,
        "extract\tIN_PROGRESS\n"
    );
    let mut command = elsewhere.command();
    command.args(["completions", "fish", "--", "phaseledger", "start", "ext"]).env("PHASELEDGER_DIR", dir);
    let output = command.output().expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "extract\tIN_PROGRESS\n");
}

#[test]
fn what_is_not_there_is_not_offered_and_nothing_is_said() {
    let scene = scene();
    let damaged = Scene::made();
    std::fs::write(damaged.dir().join("ledger/log/journal"), "damage").expect("a file");
    for (scene, words) in [
        (&Scene::empty(), &["start", ""][..]),
        (&Scene::empty(), &["--dir", "/nowhere", "start", ""]),
        (&damaged, &["start", ""]),
        (&scene, &["fly", ""]),
        (&scene, &["start", "\u{1b}[2J"]),
        (&scene, &["start", "extract", "--at", ""]),
        (&scene, &[]),
    ] {
        let ran = asked(scene, words);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.picture());
        assert!(!ran.stdout.contains("extract"), "{}", ran.picture());
    }
    // One that is in use is not waited for.
    let lock =
        std::fs::File::options().write(true).open(scene.dir().join("ledger/log/lock")).expect("the lock");
    lock.lock().expect("nobody has it");
    let mut verb = scene.command();
    let mut verb = verb
        .args(["note", "x"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    assert_eq!(asked(&scene, &["start", ""]).code, 0);
    assert!(verb.try_wait().expect("a child").is_none(), "the verb waits on");
    verb.kill().expect("a child to kill");
    verb.wait().expect("the end of the child");
}
