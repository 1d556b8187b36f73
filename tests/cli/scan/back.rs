//! Files that are again what an attempt read: what scans said of it is taken back.

use std::fs;

use super::{last, made, put, run, states};
use crate::cli::Scene;

fn kinds(scene: &Scene, count: usize) -> Vec<String> {
    let kind = |event: &serde_json::Value| {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("kind"), text("phase"))
    };
    last(scene, count).iter().map(kind).collect()
}

#[test]
fn found_3_files_that_are_changed_back_clear_what_their_change_marked() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    let one = fs::read(scene.dir().join("in/one")).expect("it is there");
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene), ["a NEEDS_RERUN", "b NEEDS_RERUN", "c NEEDS_RERUN"]);
    fs::write(scene.dir().join("in/one"), one).expect("written");
    let dry = scene.run(&["scan", "--dry-run"]);
    assert_eq!(dry.code, 1, "{}", dry.picture());
    let wet = scene.ok(&["scan", "--json"]).json();
    assert_eq!((&wet["phases"][0]["finding"], &wet["status"]), (&"restored".into(), &"appended".into()));
    assert_eq!(
        kinds(&scene, 4),
        ["rerun_withdrawn a", "rerun_cleared a", "rerun_cleared b", "rerun_cleared c"]
    );
    assert_eq!(states(&scene), ["a COMPLETE", "b COMPLETE", "c COMPLETE"]);
    assert!(scene.ok(&["why", "a"]).stdout.contains("still stands as of e"), "that says why");
    let again = scene.ok(&["scan", "--json"]).json();
    assert_eq!(
        (&again["phases"][0]["finding"], &again["status"]),
        (&"unchanged".into(), &"unchanged".into())
    );
    scene.ok(&["verify"]);
}

#[test]
fn found_3_what_is_only_partly_changed_back_is_told_anew() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    let before = [fs::read(scene.dir().join("in/one")), fs::read(scene.dir().join("in/deep/two"))];
    put(&scene, "in/one", "other");
    put(&scene, "in/deep/two", "other");
    put(&scene, "in/new", "new");
    scene.ok(&["scan"]);
    let [one, two] = before.map(|bytes| bytes.expect("it is there"));
    fs::write(scene.dir().join("in/one"), one).expect("written");
    scene.ok(&["scan"]);
    assert_eq!(kinds(&scene, 1), ["rerun_cause_added a"]);
    // What the first of two scans saw is news again when the second one saw something else.
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    assert_eq!(kinds(&scene, 2), ["rerun_cause_added a", "rerun_cause_added a"]);
    fs::write(scene.dir().join("in/deep/two"), two).expect("written");
    fs::remove_file(scene.dir().join("in/new")).expect("it is there");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene)[0], "a NEEDS_RERUN", "one file of two is not back");
}

#[test]
fn found_3_an_attempt_under_way_whose_files_are_back_stands_when_it_ends() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    let one = fs::read(scene.dir().join("in/one")).expect("it is there");
    scene.record(&["start", "a", "--rerun", "--reason", "again"]);
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    fs::write(scene.dir().join("in/one"), one).expect("written");
    scene.ok(&["scan"]);
    assert_eq!(kinds(&scene, 2), ["rerun_withdrawn a", "rerun_cleared a"]);
    scene.record(&["complete", "a"]);
    assert_eq!(states(&scene)[0], "a COMPLETE");
    scene.ok(&["verify"]);
}

#[test]
fn found_3_files_that_are_back_take_back_nothing_that_a_person_said() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    let one = fs::read(scene.dir().join("in/one")).expect("it is there");
    put(&scene, "in/one", "other");
    scene.ok(&["scan"]);
    scene.record(&["rerun", "a", "--reason", "by hand"]);
    fs::write(scene.dir().join("in/one"), one).expect("written");
    scene.ok(&["scan"]);
    assert_eq!(kinds(&scene, 1), ["rerun_withdrawn a"]);
    let status = scene.ok(&["status", "a", "--json"]).json();
    let phase = &status["phases"][0];
    assert_eq!(
        (&phase["state"], &phase["rerun_reasons"]),
        (&"NEEDS_RERUN".into(), &serde_json::json!(["by hand"]))
    );
    let why = scene.ok(&["why", "c"]).stdout;
    assert!(why.contains("by hand") && !why.contains("in/one"), "{why}");
}
