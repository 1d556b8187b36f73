//! What is said of a phase that need not run again after all: what ran again is named, and of what did not it is not said.

use phaseledger::model::Digest;
use serde_json::Value;

use crate::cli::Scene;

fn run(scene: &Scene, phase: &str, output: &str) -> u64 {
    scene.ok(&["start", phase]);
    let digest = Digest::sha256(output.as_bytes()).to_string();
    scene.ok(&["complete", phase, "--digest", &digest, "--json"]).json()["seq"].as_u64().expect("a place")
}

/// Puts a workflow of `a` and `b` in force.
fn define(scene: &Scene, version: u32, needs: &str) {
    let phases = format!(
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\nversion = \"{version}\"\n[[phase]]\nid = \"b\"\nneeds = [{needs}]\n"
    );
    scene.write("w.toml", &phases);
    scene.ok(&["define", "w.toml"]);
}

/// A ledger in which both are complete.
fn ran() -> (Scene, u64) {
    let scene = Scene::made();
    define(&scene, 1, "\"a\"");
    run(&scene, "a", "x");
    let place = run(&scene, "b", "y");
    (scene, place)
}

/// Returns what the last clearing says of `b`, and checks that `why` says no more.
fn cleared(scene: &Scene) -> Value {
    let log = scene.ok(&["log", "--json", "--kind", "rerun_cleared", "--phase", "b"]).stdout;
    let last = log.lines().last().expect("it is cleared");
    let event: Value = serde_json::from_str(last).expect("JSON");
    let why = scene.ok(&["why", "b"]).stdout;
    assert_eq!(why.contains("again in e"), event["data"]["compared"] != serde_json::json!([]), "{why}");
    let reason = event["data"]["reason"].as_str().expect("a reason");
    let lines = [why, scene.ok(&["log", "--phase", "b", "--kind", "rerun_cleared"]).stdout];
    assert!(lines.iter().all(|text| text.contains(reason)), "{lines:?}");
    event["data"].clone()
}

#[test]
fn found_12_of_a_version_that_goes_back_it_is_said_that_the_completion_still_stands() {
    let (scene, place) = ran();
    define(&scene, 2, "\"a\"");
    assert_eq!(scene.ok(&["status", "b", "--json"]).json()["phases"][0]["state"], "NEEDS_RERUN");
    define(&scene, 1, "\"a\"");
    let said = cleared(&scene);
    assert_eq!(said["reason"], format!("what it is built on still stands as of e{place}"));
}

#[test]
fn found_12_of_a_need_that_is_dropped_it_is_not_said_that_it_ran() {
    let (scene, place) = ran();
    scene.ok(&["rerun", "a", "--reason", "again"]);
    define(&scene, 1, "");
    let said = cleared(&scene);
    assert_eq!(said["reason"], format!("what it is built on still stands as of e{place}"));
}

#[test]
fn found_12_what_ran_again_is_named_with_the_event_of_its_end() {
    let (scene, _) = ran();
    scene.ok(&["rerun", "a", "--reason", "again"]);
    let place = run(&scene, "a", "x");
    let said = cleared(&scene);
    assert_eq!(said["reason"], format!("a put out the same again in e{place}"));
    assert_eq!(said["compared"][0]["seq"], place);
}
