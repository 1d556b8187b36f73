//! What `scan` finds, and what it records.

use std::fs;

use super::{WORKFLOW, defined, last, made, put, run, states};
use crate::cli::{Ran, assert_snapshot, pictures};

/// Takes out the ids, which differ each time, and so the leaves.
fn findings(ran: &Ran) -> Vec<String> {
    let answer = ran.json();
    assert_eq!(answer["schema"], "scan/1");
    let phases = answer["phases"].as_array().expect("a list").iter();
    let one = |phase: &serde_json::Value| {
        let changes = phase["changes"].as_array().expect("a list").len();
        format!("{} {} {} {changes}", phase["phase"], phase["finding"], phase["files"]).replace('"', "")
    };
    phases.map(one).collect()
}

#[test]
fn changed_files_are_recorded_once_and_reach_what_was_built_on_them() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    let mut runs = vec![scene.ok(&["scan"])];
    put(&scene, "in/one", "other");
    fs::remove_file(scene.dir().join("in/deep/two")).expect("it is there");
    put(&scene, "in/new", "n");
    runs.push(scene.run(&["scan", "--dry-run"]));
    let before = scene.ok(&["export"]).stdout;
    runs.push(scene.run(&["scan", "--dry-run"]));
    assert_eq!(scene.ok(&["export"]).stdout, before, "a dry run writes nothing");
    runs.push(scene.ok(&["scan"]));
    let after = scene.ok(&["export"]).stdout;
    runs.push(scene.ok(&["scan"]));
    assert_eq!(scene.ok(&["export"]).stdout, after, "the same changes are told once");
    runs.push(scene.ok(&["scan", "--dry-run"]));
    runs.push(scene.ok(&["why", "c"]));
    runs.push(scene.ok(&["status"]));
    assert_snapshot("scan", &pictures(runs));
    assert_eq!(states(&scene), ["a NEEDS_RERUN", "b NEEDS_RERUN", "c NEEDS_RERUN"]);
    // Other changes are told, of the phase that read them alone: what is below must run again already.
    put(&scene, "in/one", "yet another");
    let before = scene.ok(&["export"]).stdout.lines().count();
    scene.ok(&["scan"]);
    assert_eq!(scene.ok(&["export"]).stdout.lines().count(), before + 1);
    let more = last(&scene, 1);
    assert_eq!((&more[0]["kind"], &more[0]["derived"]), (&"rerun_cause_added".into(), &false.into()));
    scene.ok(&["verify"]);
}

#[test]
fn a_dry_run_tells_what_is_then_recorded() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    put(&scene, "in/one", "other");
    put(&scene, "b.txt", "other");
    let dry = scene.run(&["scan", "--dry-run"]);
    assert_eq!(dry.code, 1, "{}", dry.picture());
    let wet = scene.ok(&["scan"]);
    assert_eq!(dry.stdout.replace("would append", "appended"), wet.stdout);
    // All of it is one batch, the phase above first: `b` is reached from `a`, then has its own reason.
    let events = last(&scene, 4);
    let told: Vec<_> = events.iter().map(|event| format!("{} {}", event["kind"], event["phase"])).collect();
    assert_eq!(
        told,
        [
            "\"rerun_marked\" \"a\"",
            "\"rerun_marked\" \"b\"",
            "\"rerun_marked\" \"c\"",
            "\"rerun_cause_added\" \"b\""
        ]
    );
}

#[test]
fn an_answer_in_json_tells_of_each_phase() {
    let scene = made();
    assert_eq!(findings(&scene.ok(&["scan", "--json"])), ["a not_run 0 0", "b not_run 0 0"]);
    run(&scene, &["a", "b"]);
    assert_eq!(findings(&scene.ok(&["scan", "--json"])), ["a unchanged 2 0", "b unchanged 1 0"]);
    put(&scene, "in/one", "other");
    let ran = scene.run(&["scan", "--dry-run", "--json"]);
    assert_eq!(
        (ran.code, findings(&ran)),
        (1, vec!["a changed 2 1".to_owned(), "b unchanged 1 0".to_owned()])
    );
    let answer = scene.ok(&["scan", "a", "--json"]);
    assert_eq!(findings(&answer), ["a changed 2 1"]);
    let answer = answer.json();
    assert_eq!((&answer["status"], &answer["seq"]), (&"appended".into(), &7.into()));
    assert_eq!(answer["events"].as_array().expect("a list").len(), 2);
    assert_eq!(findings(&scene.ok(&["scan", "--json"])), ["a reported 2 1", "b unchanged 1 0"]);
    assert_eq!(findings(&scene.ok(&["scan", "c", "--workflow", "w", "--json"])), ["c undeclared 0 0"]);
    assert_eq!(scene.run(&["scan", "nobody"]).code, 4);
    assert_eq!(scene.run(&["scan", "--workflow", "nobody"]).code, 4);
}

#[test]
fn a_change_while_the_attempt_runs_is_found_then_or_later() {
    let scene = made();
    scene.record(&["start", "a"]);
    put(&scene, "in/one", "other");
    scene.record(&["complete", "a"]);
    assert_eq!(states(&scene)[0], "a COMPLETE");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene)[0], "a NEEDS_RERUN");

    scene.record(&["start", "a"]);
    put(&scene, "in/one", "once more");
    let mut runs = vec![scene.ok(&["scan"]), scene.ok(&["scan"])];
    assert_eq!(last(&scene, 1)[0]["kind"], "rerun_deferred");
    runs.push(scene.record(&["complete", "a"]));
    runs.push(scene.ok(&["scan"]));
    runs.push(scene.ok(&["why", "a"]));
    assert_snapshot("scan_deferred", &pictures(runs));
    let mark = &last(&scene, 1)[0];
    assert_eq!(
        (&mark["kind"], &mark["causes"][0]["kind"]),
        (&"rerun_marked".into(), &"input_changed".into())
    );
    run(&scene, &["a"]);
    assert_eq!(states(&scene)[0], "a COMPLETE");
}

#[test]
fn equal_outputs_stop_the_rerun_but_not_below_changed_inputs() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    run(&scene, &["a"]);
    assert_eq!(states(&scene)[..2], ["a COMPLETE", "b COMPLETE"], "what `a` put out is unchanged");
    put(&scene, "in/one", "once more");
    put(&scene, "b.txt", "other");
    scene.ok(&["scan"]);
    run(&scene, &["a"]);
    assert_eq!(states(&scene)[..2], ["a COMPLETE", "b NEEDS_RERUN"], "`b` has a reason of its own");
    put(&scene, "out/x.txt", "other");
    run(&scene, &["b"]);
    scene.record(&["start", "a", "--rerun", "--reason", "other output"]);
    scene.record(&["complete", "a"]);
    assert_eq!(states(&scene)[1], "b NEEDS_RERUN", "what `a` put out has changed");
}

#[test]
fn what_is_declared_later_is_unknown_until_the_next_start() {
    let scene = defined("[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    put(&scene, "in/one", "1");
    run(&scene, &["a"]);
    assert_eq!(scene.ok(&["scan"]).stdout, "nothing to scan: no phase declares `inputs` or `outputs`\n");
    put(
        &scene,
        "ledger/workflow.toml",
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in/*\"]\n",
    );
    scene.record(&["define"]);
    let unknown = scene.ok(&["scan"]);
    assert!(unknown.stdout.starts_with("a: nothing tells what its last attempt read"), "{}", unknown.stdout);
    scene.record(&["start", "a", "--rerun", "--reason", "to know"]);
    scene.record(&["complete", "a"]);
    assert_eq!(scene.ok(&["scan"]).stdout, "unchanged: 1 phase, 1 file\n");
    // Narrower patterns change no file; wider ones add some.
    put(&scene, "in/two", "2");
    put(
        &scene,
        "ledger/workflow.toml",
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in/two*\"]\n",
    );
    scene.record(&["define"]);
    let added = scene.run(&["scan", "--dry-run"]);
    assert!(added.stdout.contains("in/two is new") && !added.stdout.contains("in/one"), "{}", added.stdout);
}

#[test]
fn files_changed_back_and_changed_again_are_told_again() {
    let scene = made();
    run(&scene, &["a"]);
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    put(&scene, "in/one", "1");
    scene.ok(&["scan"]);
    assert_eq!(scene.ok(&["scan"]).stdout, "b: PENDING, it runs anyway\nunchanged: 1 phase, 3 files\n");
    assert_eq!(states(&scene)[0], "a COMPLETE");
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene)[0], "a NEEDS_RERUN");
    let again = scene.ok(&["scan"]).stdout;
    assert!(again.starts_with("a: 1 changed file, reported before\n"), "{again}");
}

#[test]
fn a_scan_works_from_anywhere_in_the_project() {
    let scene = made();
    run(&scene, &["a", "b"]);
    put(&scene, "in/one", "other");
    let ledger = scene.dir().join("ledger");
    let inside =
        scene.command().current_dir(scene.dir().join("in/deep")).args(["scan", "--dry-run"]).output();
    let within = scene.command().current_dir(&ledger).args(["--dir", ".", "scan", "--dry-run"]).output();
    let named =
        scene.command().current_dir("/").arg("--dir").arg(&ledger).args(["scan", "--dry-run"]).output();
    let expected = scene.run(&["scan", "--dry-run"]).stdout;
    for ran in [inside, within, named] {
        let ran = ran.expect("the program runs");
        assert_eq!(
            (String::from_utf8(ran.stdout).expect("UTF-8"), ran.status.code()),
            (expected.clone(), Some(1))
        );
    }
    assert!(WORKFLOW.contains("in/**"));
}
