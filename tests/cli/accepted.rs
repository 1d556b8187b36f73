//! A person vouches for what is there: `accept`.

mod files;
mod since;

use serde_json::{Value, json};

use crate::cli::Scene;

fn define(scene: &Scene, version: u32) {
    let workflow = format!(
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nversion = \"{version}\"\n\
         needs = [\"a\"]\noutputs = [\"out\"]\n[[phase]]\nid = \"c\"\nneeds = [\"b\"]\n"
    );
    scene.write("w.toml", &workflow);
    scene.ok(&["define", "w.toml"]);
}

/// A chain of three that has run; `b` puts out a file.
fn ran() -> Scene {
    let scene = Scene::made();
    scene.write("out", "x");
    define(&scene, 1);
    for phase in ["a", "b", "c"] {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase]);
    }
    scene
}

fn states(scene: &Scene) -> Vec<String> {
    let status = scene.ok(&["status", "--json"]).json();
    let phases = status["phases"].as_array().expect("a list").iter();
    phases.map(|phase| phase["state"].as_str().expect("a state").to_owned()).collect()
}

fn last(scene: &Scene) -> Value {
    scene.ok(&["show", "head", "--json"]).json()["event"].clone()
}

#[test]
fn found_31_what_must_run_again_is_accepted_and_nothing_below_runs() {
    let scene = ran();
    define(&scene, 2);
    assert_eq!(states(&scene), ["COMPLETE", "NEEDS_RERUN", "NEEDS_RERUN"]);
    let answer = scene.ok(&["accept", "b", "--reason", "only a comment changed", "--json"]).json();
    assert_eq!(answer["derived"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!(states(&scene), ["COMPLETE", "COMPLETE", "COMPLETE"], "with the same outputs");
    let why = scene.ok(&["why", "b", "--json"]).json();
    let kinds: Vec<_> = why["chain"].as_array().expect("a list").iter().map(|event| &event["kind"]).collect();
    assert!(kinds.contains(&&json!("phase_accepted")), "{why:#}");
    // Under this version from now on: going back to the other one is a change.
    define(&scene, 1);
    assert_eq!(states(&scene)[1], "NEEDS_RERUN");
    define(&scene, 2);
    assert_eq!(states(&scene), ["COMPLETE", "COMPLETE", "COMPLETE"]);
    scene.ok(&["verify"]);
}

#[test]
fn found_31_what_failed_is_accepted_and_other_outputs_reach_what_is_below() {
    let scene = ran();
    scene.ok(&["start", "b", "--rerun", "--reason", "again"]);
    scene.write("out", "by hand");
    scene.ok(&["fail", "b", "--error", "the upload broke"]);
    scene.ok(&["accept", "b", "--reason", "uploaded by hand"]);
    assert_eq!(states(&scene), ["COMPLETE", "COMPLETE", "NEEDS_RERUN"]);
    let log = scene.ok(&["log", "--kind", "phase_accepted", "--json"]).stdout;
    let event: Value = serde_json::from_str(log.trim()).expect("one event");
    assert_eq!((&event["from"], &event["causes"][0]["kind"]), (&"FAILED".into(), &"phase_failed".into()));
    assert_eq!(event["data"]["outputs"][0]["path"], "out");
    let status = scene.ok(&["status", "b", "--json"]).json();
    assert_eq!((&status["phases"][0]["attempt"], &status["phases"][0]["error"]), (&json!(2), &Value::Null));
    scene.ok(&["verify"]);
}

#[test]
fn found_31_below_what_must_run_again_nothing_is_accepted() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "bad data"]);
    let before = last(&scene);
    let refused = scene.run(&["accept", "c", "--reason", "x", "--json"]);
    let error = &serde_json::from_str::<Value>(&refused.stderr).expect("JSON")["error"];
    assert_eq!((refused.code, &error["code"], &error["stale"]), (6, &json!("stale_above"), &json!(["w/b"])));
    assert_eq!(scene.run(&["accept", "b", "--reason", "x"]).code, 6);
    assert_eq!(last(&scene), before);
    scene.ok(&["accept", "a", "--reason", "it was right after all"]);
    assert_eq!(states(&scene)[0], "COMPLETE");
    let refused = scene.run(&["accept", "a", "--reason", "again"]);
    assert_eq!(refused.code, 6, "it is COMPLETE already: {}", refused.picture());
    scene.ok(&["verify"]);
}

#[test]
fn found_31_an_acceptance_that_is_sent_again_is_recorded_once() {
    let scene = ran();
    scene.ok(&["rerun", "b", "--reason", "x"]);
    let line = "{\"do\":\"accept\",\"phase\":\"b\",\"reason\":\"fine\",\"id\":\"key:1\"}\n";
    scene.write("lines", line);
    scene.ok(&["append", "lines"]);
    let once = scene.ok(&["export"]).stdout;
    scene.write("out", "changed meanwhile");
    assert!(scene.ok(&["append", "lines"]).stdout.contains("\"duplicate\""));
    assert_eq!(scene.ok(&["export"]).stdout, once);
}

fn failed_and_accepted() -> Scene {
    let scene = ran();
    scene.ok(&["start", "b", "--rerun", "--reason", "again"]);
    scene.ok(&["fail", "b", "--error", "the upload broke"]);
    scene.ok(&["accept", "b", "--reason", "uploaded by hand", "--by", "bo"]);
    scene
}

#[test]
fn found_31_the_attempts_of_a_phase_say_who_accepted_them() {
    let scene = failed_and_accepted();
    let event = acceptance(&scene);
    let attempts = scene.ok(&["show", "b", "--json"]).json()["attempts"].clone();
    assert_eq!(attempts[0].get("accepted"), None, "nobody vouched for it: {attempts:#}");
    let (outcome, error) = (&attempts[1]["outcome"], &attempts[1]["error"]);
    assert_eq!((outcome, error), (&json!("failed"), &json!("the upload broke")), "it stays what it was");
    let accepted =
        json!([{"seq": event["seq"], "at": event["at"], "by": "bo", "reason": "uploaded by hand"}]);
    assert_eq!(attempts[1]["accepted"], accepted);
    let shown = scene.ok(&["show", "b"]).stdout;
    let said = format!("as e{}: uploaded by hand", event["seq"]);
    let row = shown.lines().find(|line| line.starts_with("2 ")).expect("a row");
    for wanted in ["failed, accepted", "accepted by bo at ", &said, "the upload broke"] {
        assert!(row.contains(wanted), "`{wanted}` in {shown}");
    }
    assert!(shown.lines().any(|line| line.starts_with("  accepted") && line.contains(&said)), "{shown}");
    // Once more, by somebody else: both are kept. Where the phase runs again, it is said of the attempt alone.
    scene.ok(&["rerun", "b", "--reason", "is it?"]);
    scene.ok(&["accept", "b", "--reason", "it is"]);
    scene.ok(&["start", "b", "--rerun", "--reason", "again"]);
    let attempts = scene.ok(&["show", "b", "--json"]).json()["attempts"].clone();
    let by = |number: usize| attempts[1]["accepted"][number]["reason"].clone();
    assert_eq!(
        (by(0), by(1), attempts[2].get("accepted")),
        ("uploaded by hand".into(), "it is".into(), None)
    );
    let shown = scene.ok(&["show", "b"]).stdout;
    assert!(!shown.lines().any(|line| line.starts_with("  accepted")), "{shown}");
    assert!(shown.contains("failed, accepted"), "{shown}");
}

#[test]
fn found_31_events_lead_to_the_acceptance_and_back() {
    let scene = failed_and_accepted();
    let event = acceptance(&scene);
    let seq = event["seq"].as_u64().expect("a number");
    let failed = format!("e{}", event["causes"][0]["seq"]);
    let shown = scene.ok(&["show", &failed]).stdout;
    assert!(shown.contains(&format!("led to    e{seq} phase_accepted b (phase_failed")), "{shown}");
    let shown = scene.ok(&["show", &format!("e{seq}")]).stdout;
    assert!(shown.contains("✘ FAILED → ✔ COMPLETE") && shown.contains("because   e"), "{shown}");
    let log = scene.ok(&["log"]).stdout;
    assert!(log.contains("✘ FAILED → ✔ COMPLETE  accepted: uploaded by hand"), "{log}");
}

#[test]
fn found_31_a_line_states_the_files_that_are_there() {
    let scene = ran();
    scene.ok(&["rerun", "b", "--reason", "x"]);
    let digest = format!("sha256:{}", "1".repeat(64));
    let file = |path: &str| json!([{"path": path, "digest": digest}]);
    let (inputs, outputs) = (file("elsewhere/in"), file("elsewhere/out"));
    let line = json!({"do": "accept", "phase": "b", "reason": "fine", "inputs": inputs, "outputs": outputs, "id": "key:1"});
    scene.write("lines", &format!("{line}\n"));
    scene.ok(&["append", "lines"]);
    let data = data(&scene);
    assert_eq!((&data["inputs"], &data["outputs"]), (&inputs, &outputs));
    scene.write("lines", &format!("{line}\n").replace("elsewhere/in", "another"));
    let refused = scene.run(&["append", "lines"]);
    assert_eq!(refused.code, 3, "other inputs are another command: {}", refused.picture());
}

/// Returns the last acceptance.
fn acceptance(scene: &Scene) -> Value {
    let log = scene.ok(&["log", "--kind", "phase_accepted", "--json"]).stdout;
    serde_json::from_str(log.lines().last().expect("there is one")).expect("JSON")
}

/// Returns the data of the last acceptance.
fn data(scene: &Scene) -> Value {
    acceptance(scene)["data"].take()
}
