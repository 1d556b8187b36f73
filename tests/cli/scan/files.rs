//! Which files count, and what becomes of those that cannot be read.

use std::fs;
use std::time::Duration;

use phaseledger::files::{FILES_MAX, PATH_BYTES_MAX};
use phaseledger::ledger::Ledger;
use phaseledger::model::{
    Action, Actor, Change, Command, Definition, Digest, FileRole, FoundByRole, Metadata, OutputFile,
    PhaseDefinition, PhaseName, PhaseRef, WorkflowName, action,
};

use super::{defined, last, paths, put};
use crate::cli::{Scene, assert_snapshot, pictures};

/// Makes a ledger of one phase `a` with these inputs and outputs, each a TOML list.
fn reading(inputs: &str, outputs: &str) -> Scene {
    defined(&format!(
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = {inputs}\noutputs = {outputs}\n"
    ))
}

fn started(scene: &Scene) -> Vec<String> {
    scene.record(&["start", "a"]);
    paths(&last(scene, 1)[0], "inputs")
}

#[test]
fn what_git_ignores_is_no_input_unless_it_is_named() {
    let scene = reading(r#"["in/**", "kept/secret.txt"]"#, r#"["in/**"]"#);
    for path in ["in/a.txt", "in/b.tmp", "in/keep.tmp", "in/cache/x.txt", "in/sub/y.txt", "in/sub/z.txt"] {
        put(&scene, path, path);
    }
    put(&scene, ".gitignore", "*.tmp\n!keep.tmp\ncache/\nkept/\n");
    put(&scene, "in/sub/.gitignore", "y.txt\n");
    put(&scene, "kept/secret.txt", "s");
    assert_eq!(started(&scene), ["in/a.txt", "in/keep.tmp", "in/sub/z.txt", "kept/secret.txt"]);
    // What a phase puts out is often ignored.
    scene.record(&["complete", "a"]);
    let outputs = paths(&last(&scene, 1)[0], "outputs");
    assert_eq!(
        outputs,
        ["in/a.txt", "in/b.tmp", "in/cache/x.txt", "in/keep.tmp", "in/sub/y.txt", "in/sub/z.txt"]
    );
    put(&scene, "in/b.tmp", "other");
    put(&scene, "in/cache/x.txt", "other");
    let finding = || scene.run(&["scan", "--dry-run", "--json"]).json()["phases"][0]["finding"].clone();
    assert_eq!(finding(), "unchanged");
    put(&scene, "in/keep.tmp", "other");
    assert_eq!(finding(), "changed");
}

/// A `.gitignore` counts up to the top of its repository; above that, and without one, others' do not.
#[test]
fn what_is_above_the_repository_ignores_nothing() {
    let scene = Scene::empty();
    put(&scene, ".gitignore", "*\n");
    put(&scene, "repository/.gitignore", "*.tmp\n");
    for project in ["repository/project", "alone"] {
        let run = |args: &[&str]| {
            let output = scene.command().current_dir(scene.dir().join(project)).args(args).output();
            let output = output.expect("it runs");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        put(&scene, &format!("{project}/in/a.txt"), "a");
        put(&scene, &format!("{project}/in/b.tmp"), "b");
        run(&["init"]);
        let file = "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in/*\"]\n";
        put(&scene, &format!("{project}/ledger/workflow.toml"), file);
        run(&["define"]);
        fs::create_dir_all(scene.dir().join("repository/.git")).expect("a folder");
        let found = if project == "alone" { vec!["in/a.txt", "in/b.tmp"] } else { vec!["in/a.txt"] };
        run(&["start", "a"]);
        let event = run(&["log", "--json", "--kind", "phase_started"]);
        assert_eq!(paths(&serde_json::from_str(&event).expect("one line"), "inputs"), found);
    }
}

/// A definition that was recorded before patterns were checked.
#[test]
fn what_is_no_pattern_in_a_recorded_definition_is_told() {
    let scene = Scene::made();
    let mut ledger =
        Ledger::open(&scene.dir().join("ledger/log"), Duration::from_secs(10)).expect("a ledger");
    let phase = PhaseDefinition {
        id: PhaseName::new("a").expect("a name"),
        needs: Vec::new(),
        cost_limit: None,
        version: None,
        inputs: vec!["in/[a".to_owned()],
        outputs: Vec::new(),
        description: None,
        renamed_from: None,
    };
    let definition = Definition::new(WorkflowName::new("w").expect("a name"), vec![phase]);
    let action = Action::Define(action::Define { definition: Box::new(definition.expect("no cycle")) });
    let by = Actor::new("ana", "here", "test");
    let command = Command::new("key:old".parse().expect("an id"), by, action);
    ledger.submit(&command, "2025-10-29T20:00:00Z".parse().expect("a time")).expect("it is taken");
    drop(ledger);
    assert_eq!(scene.ok(&["scan"]).stdout, "a: PENDING, it runs anyway\n");
    let started = scene.ok(&["start", "a"]);
    assert!(started.stderr.contains("  `in/[a`: unclosed character class"), "{}", started.stderr);
    let scanned = scene.run(&["scan", "--json"]);
    let found = &scanned.json()["phases"][0];
    assert_eq!((scanned.code, &found["finding"]), (1, &"unknown".into()));
    assert_eq!(found["unreadable"][0]["path"], "in/[a");
}

#[test]
fn hidden_files_the_log_and_git_count_only_where_they_are_asked_for() {
    let scene = reading(r#"["**", ".config/*"]"#, "[]");
    for path in [".config/x", ".config/sub/x", ".git/HEAD", ".hidden", "seen"] {
        put(&scene, path, "x");
    }
    fs::remove_file(scene.dir().join("ledger/.gitignore")).expect("made by init");
    assert_eq!(started(&scene), [".config/x", "ledger/workflow.toml", "seen"]);
}

#[test]
#[cfg(unix)]
fn links_count_as_what_they_lead_to() {
    let scene = reading(r#"["in/**"]"#, "[]");
    put(&scene, "in/a", "x");
    put(&scene, "elsewhere/b", "x");
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(to, scene.dir().join(from)).expect("the folder takes a link");
    };
    link("../elsewhere/b", "in/link");
    link("../elsewhere", "in/folder");
    link("../in", "in/loop");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(scene.dir().join("in/pipe"))
            .status()
            .expect("runs")
            .success()
    );
    assert_eq!(started(&scene), ["in/a", "in/link"], "no folder behind a link, and no pipe");
    let dry = scene.ok(&["scan", "--dry-run"]);
    assert_eq!(dry.stderr, "warning: `in/pipe` is left out of `inputs` of `w/a`: it is a pipe\n");
    scene.record(&["complete", "a"]);
    put(&scene, "elsewhere/b", "other");
    assert!(scene.run(&["scan", "--dry-run"]).stdout.contains("in/link blake3:"));
}

#[test]
fn what_is_no_pattern_is_refused_where_it_is_written() {
    let scene = Scene::made();
    let mut runs = Vec::new();
    for pattern in ["in/[a", "/data/*.csv", "../x", "books/"] {
        let file =
            format!("[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"x\", \"{pattern}\"]\n");
        put(&scene, "ledger/workflow.toml", &file);
        let refused = scene.run(&["define"]);
        assert_eq!(refused.code, 2, "{}", refused.picture());
        runs.push(refused);
    }
    assert_snapshot("scan_patterns", &pictures(runs));
}

#[test]
fn found_2_more_than_is_kept_is_told_and_not_read() {
    let scene = reading(r#"["in/**"]"#, "[]");
    let folder = format!("in/{}", ["x".repeat(250).as_str(); 12].join("/"));
    let path = |number: usize| format!("{folder}/{}{number:05}", "y".repeat(240));
    (0..320).for_each(|number| put(&scene, &path(number), ""));
    assert_eq!(started(&scene).len(), 320);
    scene.record(&["complete", "a"]);
    (320..330).for_each(|number| put(&scene, &path(number), ""));
    let scanned = scene.run(&["scan", "--json"]);
    let found = &scanned.json()["phases"][0];
    assert_eq!((scanned.code, &found["finding"]), (1, &"unreadable".into()));
    let why =
        "330 files with 1075800 bytes of paths are declared; at most 10000 files and 1048576 bytes are kept";
    let expected = serde_json::json!([{"pattern": "in/**", "path": "in/**", "why": why}]);
    assert_eq!(found["unreadable"], expected);
    let started = scene.ok(&["start", "a", "--rerun", "--reason", "more"]);
    assert!(started.stderr.contains(why), "{}", started.stderr);
    let event = &last(&scene, 1)[0]["data"];
    assert_eq!((event.get("inputs"), &event["unreadable"]), (None, &expected));
}

/// The longest lists that are kept fit a line, and so does all of it changing.
#[test]
fn the_largest_lists_are_kept() {
    let scene = reading("[]", "[]");
    let mut ledger =
        Ledger::open(&scene.dir().join("ledger/log"), Duration::from_secs(10)).expect("a ledger");
    let path = |number: usize| format!("{}{number:05}", "p".repeat(PATH_BYTES_MAX / FILES_MAX - 5));
    let digest = Digest::sha256(b"x");
    let files: Vec<_> = (0..FILES_MAX).map(|number| OutputFile { path: path(number), digest }).collect();
    let text = |digest: Digest| Some(digest.to_string());
    let changes = files.iter().flat_map(|file| {
        let change = |before, after| Change { what: format!("input {}", file.path), before, after };
        [change(text(digest), None), change(None, text(digest))]
    });
    let changes: Vec<_> = changes.collect();
    let (phase, metadata): (PhaseRef, _) = ("a".parse().expect("a name"), Metadata::default());
    let actions = [
        Action::Start(action::Start {
            phase: phase.clone(),
            metadata: metadata.clone(),
            allow_unmet: false,
            again: None,
            worker: None,
            over_limit: None,
            inputs: Vec::new(),
        }),
        Action::Complete(action::Complete {
            phase: phase.clone(),
            metadata,
            output: None,
            outputs: Vec::new(),
        }),
        Action::FilesChanged(action::FilesChanged { phase, role: FileRole::Inputs, changes }),
    ];
    let now = "2025-10-29T21:00:00Z".parse().expect("a time");
    for (number, action) in actions.into_iter().enumerate() {
        let id = format!("key:large {number}").parse().expect("an id");
        let mut command = Command::new(id, Actor::new("ana", "here", "test"), action);
        let found = Some(Ok(files.clone()));
        command.fingerprints = FoundByRole { inputs: found.clone(), outputs: found };
        ledger.submit(&command, now).expect("it is kept");
    }
    drop(ledger);
    assert_eq!(paths(&last(&scene, 3)[0], "inputs").len(), FILES_MAX);
    scene.ok(&["verify"]);
    let export = scene.command().arg("export").output().expect("it runs").stdout;
    let file = scene.write("export.jsonl", std::str::from_utf8(&export).expect("UTF-8"));
    let restored = Scene::made();
    restored.ok(&["import", file.to_str().expect("ASCII")]);
    assert_eq!(restored.command().arg("export").output().expect("it runs").stdout, export);
}
