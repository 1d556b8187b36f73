//! `backup`: a copy made while others record, whole, at one place.

use std::fs;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::{archived, flip, log, segments};
use crate::cli::Scene;
use crate::folder;
use crate::patience::eventually;

#[test]
fn a_backup_is_a_ledger_of_its_own() {
    let (scene, export, kept) = archived();
    scene.write("ledger/policies.toml", "# mine\n");
    let ran = scene.ok(&["backup", "copy", "--json"]);
    let answer = ran.json();
    let events = export.lines().count() - 1;
    assert_eq!((&answer["schema"], &answer["seq"]), (&json!("backup/1"), &json!(events)), "{answer}");
    assert!(export.contains(answer["root"].as_str().expect("a root")));
    let copied = scene.command().args(["--dir", "copy", "export"]).output().expect("the program runs").stdout;
    assert!(copied == export.as_bytes());
    for name in ["workflow.toml", ".gitignore", "policies.toml"] {
        let read = |dir: &str| fs::read(scene.dir().join(dir).join(name)).expect("a file");
        assert_eq!(read("copy"), read("ledger"), "{name}");
    }
    scene.ok(&["--dir", "copy", "verify"]);
    scene.ok(&["--dir", "copy", "note", "x"]);
    scene.ok(&["--dir", "copy", "verify"]);
    assert!(folder::tree(&log(&scene)) == kept, "what is copied is as it was");
    // Another one is made elsewhere: nothing is overwritten.
    for dir in ["copy", "ledger", "ledger/log", "ledger/copy"] {
        let found = folder::tree(scene.dir());
        let ran = scene.run(&["backup", dir]);
        assert_eq!(ran.code, 2, "{}", ran.picture());
        assert!(folder::tree(scene.dir()) == found, "{dir}");
    }
    fs::create_dir(scene.dir().join("empty")).expect("a folder");
    let ran = scene.ok(&["backup", "empty"]);
    assert!(ran.stdout.contains(&format!("it ends at e{events}, root sha256:")), "{}", ran.picture());
}

#[test]
fn a_backup_of_what_is_damaged_leaves_nothing() {
    let (scene, _, kept) = archived();
    flip(&segments(&scene)[0], 500);
    fs::create_dir(scene.dir().join("there")).expect("a folder");
    for dir in ["copy", "there"] {
        let ran = scene.run(&["backup", dir]);
        assert_eq!(ran.code, 5, "{}", ran.picture());
        assert!(ran.stderr.contains("salvage OUT"), "{}", ran.picture());
    }
    assert!(!scene.dir().join("copy").exists());
    assert!(folder::tree(&scene.dir().join("there")).is_empty());
    assert!(kept.len() > 3);
}

fn writer(scene: &Scene, name: &str) -> Child {
    let lines: String =
        (0..4_000).map(|n| format!("{{\"do\":\"note\",\"text\":\"{name} {n}\"}}\n")).collect();
    let file = scene.write(&format!("{name}.jsonl"), &lines);
    let mut command = scene.command();
    command.args(["append", file.to_str().expect("a path")]).stdout(Stdio::null());
    command.spawn().expect("the program runs")
}

#[test]
fn a_backup_is_made_while_others_record() {
    let scene = Scene::small();
    let mut writers = [writer(&scene, "one"), writer(&scene, "two")];
    let (mut copies, mut seen) = (0, Vec::new());
    eventually("copies of a log that grows", || {
        let at_work = writers.iter_mut().any(|writer| writer.try_wait().expect("a child").is_none());
        let dir = format!("copy-{copies}");
        let answer: Value = scene.ok(&["backup", &dir, "--json"]).json();
        seen.push((dir, answer["seq"].as_u64().expect("a place")));
        copies += 1;
        !at_work
    });
    assert!(writers.iter_mut().all(|writer| writer.wait().expect("a child").success()));
    let export = scene.ok(&["export"]).stdout;
    let lines: Vec<&str> = export.lines().collect();
    assert!(seen.is_sorted_by_key(|(_, seq)| *seq), "{seen:?}");
    for (dir, seq) in &seen {
        scene.ok(&["--dir", dir, "verify"]);
        let copy = scene.ok(&["--dir", dir, "export"]).stdout;
        let copied: Vec<&str> = copy.lines().collect();
        assert_eq!(copied[..copied.len() - 1], lines[..*seq as usize], "{dir}");
    }
    assert!(seen.iter().any(|(_, seq)| (2..8_001).contains(seq)), "some were made meanwhile: {seen:?}");
}
