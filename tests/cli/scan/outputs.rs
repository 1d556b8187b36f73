//! Files that a phase put out, compared with what is there now.

use std::fs;

use serde_json::{Value, json};

use super::{defined, last, made, put, run, states};
use crate::cli::Scene;

/// Returns what a scan that records nothing finds of the outputs of a phase.
fn outputs(scene: &Scene, phase: &str) -> Value {
    let answer = scene.run(&["scan", phase, "--dry-run", "--json"]).json();
    let found = &answer["phases"][0]["outputs"];
    json!([found["finding"], found["files"], found["changes"].as_array().map(Vec::len)])
}

#[test]
fn found_4_an_output_that_is_gone_or_edited_is_a_reason_with_both_digests() {
    for edit in [None, Some("by hand")] {
        let scene = made();
        run(&scene, &["a", "b", "c"]);
        assert_eq!(outputs(&scene, "a"), json!(["unchanged", 1, 0]));
        match edit {
            None => fs::remove_file(scene.dir().join("out/x.txt")).expect("it is there"),
            Some(content) => put(&scene, "out/x.txt", content),
        }
        let dry = scene.run(&["scan", "--dry-run"]);
        assert_eq!(dry.code, 1, "{}", dry.picture());
        let wet = scene.ok(&["scan"]).stdout;
        assert_eq!(dry.stdout.replace("would append", "appended"), wet);
        let marks = last(&scene, 3);
        let change = &marks[0]["data"]["changes"][0];
        assert_eq!(
            (&marks[0]["kind"], &change["what"]),
            (&"rerun_marked".into(), &"output out/x.txt".into())
        );
        assert!(change["before"].is_string(), "{change}");
        assert_eq!(change["after"].is_null(), edit.is_none(), "{change}");
        assert_eq!(states(&scene), ["a NEEDS_RERUN", "b NEEDS_RERUN", "c NEEDS_RERUN"]);
        let why = scene.ok(&["why", "c"]).stdout;
        assert!(why.contains("Output changed: out/x.txt"), "{why}");
        assert_eq!(outputs(&scene, "a"), json!(["reported", usize::from(edit.is_some()), 1]));
        scene.ok(&["scan"]);
        assert_eq!(last(&scene, 3), marks, "the same is told once");
        // As it was, it stands.
        put(&scene, "out/x.txt", "x");
        scene.ok(&["scan"]);
        assert_eq!(last(&scene, 4)[0]["data"]["withdrawn"], "output");
        assert_eq!(states(&scene), ["a COMPLETE", "b COMPLETE", "c COMPLETE"]);
        scene.ok(&["verify"]);
    }
}

#[test]
fn found_4_the_next_attempt_answers_the_scan_that_found_it() {
    let scene = made();
    run(&scene, &["a", "b"]);
    put(&scene, "out/x.txt", "by hand");
    scene.ok(&["scan"]);
    scene.record(&["start", "a"]);
    assert_eq!(last(&scene, 1)[0]["causes"][0]["kind"], "output_changed");
    put(&scene, "out/x.txt", "x");
    scene.record(&["complete", "a"]);
    assert_eq!(states(&scene)[..2], ["a COMPLETE", "b COMPLETE"], "what it put out is the same again");
    scene.ok(&["verify"]);
}

#[test]
fn found_4_what_others_put_there_and_what_is_being_put_out_is_no_reason() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    put(&scene, "out/y.txt", "somebody's");
    assert_eq!(outputs(&scene, "a"), json!(["unchanged", 2, 0]));
    scene.record(&["start", "a", "--rerun", "--reason", "again"]);
    put(&scene, "out/x.txt", "half");
    assert_eq!(outputs(&scene, "a"), json!(["not_run", 0, 0]));
    scene.ok(&["scan"]);
    scene.record(&["complete", "a"]);
    assert_eq!(outputs(&scene, "a"), json!(["unchanged", 2, 0]));
}

#[test]
fn found_4_a_phase_that_declares_outputs_alone_is_scanned() {
    let scene = defined("[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\noutputs = [\"out/*\"]\n");
    put(&scene, "out/one", "1");
    run(&scene, &["a"]);
    assert_eq!(scene.ok(&["scan"]).stdout, "unchanged: 1 phase, 1 file\n");
    fs::remove_file(scene.dir().join("out/one")).expect("it is there");
    let answer = scene.ok(&["scan", "--json"]).json();
    let phase = &answer["phases"][0];
    assert_eq!((&phase["finding"], &phase["outputs"]["finding"]), (&"undeclared".into(), &"changed".into()));
    assert_eq!(states(&scene), ["a NEEDS_RERUN"]);
    // A digest that somebody stated is of no file.
    scene.record(&["start", "a"]);
    scene.record(&["complete", "a", "--digest", &format!("sha256:{}", "0".repeat(64))]);
    assert_eq!(outputs(&scene, "a"), json!(["unknown", 0, 0]));
}

/// Makes a ledger whose phase put out `out/one` and `out/two`, and is COMPLETE.
fn put_out() -> Scene {
    let scene = defined("[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\noutputs = [\"out/*\"]\n");
    ["out/one", "out/two"].iter().for_each(|path| put(&scene, path, "1"));
    run(&scene, &["a"]);
    scene
}

#[test]
#[cfg(unix)]
fn found_4_what_cannot_be_the_output_any_more_has_changed() {
    use std::os::unix::fs::symlink;
    type Replace = fn(&std::path::Path);
    let others: [(&str, Replace); 4] = [
        ("a link to nowhere", |path| symlink("nowhere", path).expect("a link")),
        ("a socket", |path| drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"))),
        ("a device", |path| symlink("/dev/null", path).expect("a link")),
        ("a folder", |path| fs::create_dir(path).expect("a folder")),
    ];
    for (kind, replace) in others {
        let scene = put_out();
        let path = scene.dir().join("out/one");
        fs::remove_file(&path).expect("it is there");
        replace(&path);
        assert_eq!(outputs(&scene, "a")[0], json!("changed"), "{kind}");
        assert_eq!(outputs(&scene, "a")[2], json!(1), "{kind}");
        let mend = "rm -rf out/one; echo 1 >out/one; echo x >>ran";
        let ran = scene.ok(&["exec", "a", "--if-needed", "--", "sh", "-c", mend]);
        assert!(scene.dir().join("ran").exists(), "{kind}: {}", ran.picture());
        assert_eq!(outputs(&scene, "a"), json!(["unchanged", 2, 0]), "{kind}");
        scene.ok(&["verify"]);
    }
}

#[test]
#[cfg(unix)]
fn found_4_what_was_not_put_out_is_in_the_way_of_nothing() {
    let scene = put_out();
    std::os::unix::fs::symlink("nowhere", scene.dir().join("out/somebodys")).expect("a link");
    assert_eq!(outputs(&scene, "a"), json!(["unchanged", 2, 0]));
    assert_eq!(scene.ok(&["scan"]).stdout, "unchanged: 1 phase, 2 files\n");
    fs::remove_file(scene.dir().join("out/two")).expect("it is there");
    assert_eq!(outputs(&scene, "a"), json!(["changed", 1, 1]));
    scene.ok(&["scan"]);
    assert_eq!(states(&scene), ["a NEEDS_RERUN"]);
    put(&scene, "out/two", "1");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene), ["a COMPLETE"]);
}

/// Where it cannot be told whether an output is there, nothing is said of it: here because no file is read at all.
#[test]
fn found_4_of_too_many_files_none_is_called_gone() {
    let scene = put_out();
    for number in 0..10_000 {
        fs::write(scene.dir().join(format!("out/{number}")), "").expect("a file");
    }
    let scanned = scene.run(&["scan"]);
    assert_eq!((scanned.code, states(&scene)), (1, vec!["a COMPLETE".to_owned()]), "{}", scanned.picture());
    assert!(scanned.stdout.contains("10002 files with"), "{}", scanned.stdout);
}
