//! A person's mark that is taken back: `rerun --withdraw`.

use serde_json::{Value, json};

use crate::cli::Scene;

const WORKFLOW: &str = "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n\
    [[phase]]\nid = \"c\"\nneeds = [\"b\"]\n";

/// A chain of three that has run.
fn ran() -> Scene {
    Scene::ran(WORKFLOW, &["a", "b", "c"])
}

/// Where each phase stands, without when it was last written about.
fn status(scene: &Scene) -> Vec<Value> {
    let mut phases = scene.ok(&["status", "--json"]).json()["phases"].as_array().expect("a list").clone();
    for phase in &mut phases {
        let fields = phase.as_object_mut().expect("an object");
        fields.remove("last_seq");
        fields.remove("updated_at");
    }
    phases
}

#[test]
fn found_31_a_mistaken_mark_is_taken_back_with_all_that_followed() {
    let scene = ran();
    let before = status(&scene);
    scene.ok(&["rerun", "a", "--reason", "wrong phase"]);
    let dry = scene.ok(&["rerun", "a", "--withdraw", "--reason", "a slip", "--dry-run", "--json"]).json();
    let wet = scene.ok(&["rerun", "a", "--withdraw", "--reason", "a slip", "--json"]).json();
    let followed = |answer: &Value| {
        let events = answer["derived"].as_array().expect("a list").clone();
        events.iter().map(|event| json!([event["seq"], event["kind"], event["phase"]])).collect::<Vec<_>>()
    };
    assert_eq!(followed(&dry), followed(&wet));
    assert_eq!(followed(&wet).len(), 3, "{wet:#}");
    assert_eq!(status(&scene), before);
    let why = scene.ok(&["why", "c"]).stdout;
    assert!(why.contains("a slip") && why.contains("still stands as of e"), "{why}");
    scene.ok(&["verify"]);
    // As of the moment between the two it must run again.
    let between = scene.ok(&["status", "c", "--at", "e10", "--json"]).json();
    assert_eq!(between["phases"][0]["state"], "NEEDS_RERUN");
}

#[test]
fn found_31_what_else_holds_is_said_and_stays() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "one"]);
    scene.ok(&["rerun", "b", "--reason", "two"]);
    scene.ok(&["rerun", "b", "--reason", "three"]);
    let taken = scene.ok(&["rerun", "b", "--withdraw", "--reason", "a slip", "--json"]).json();
    assert_eq!(taken["derived"], json!([]));
    let event = &scene.ok(&["show", "head", "--json"]).json()["event"];
    let still = json!({
        "reason": "Upstream phase requires rerun: a",
        "reasons": [{"reason": "need_stale", "need": "a"}],
    });
    assert_eq!((&event["data"]["withdrawn"], &event["data"]["still"]), (&json!("manual"), &still));
    assert_eq!(status(&scene)[1]["rerun_reasons"], json!(["Upstream phase requires rerun: a"]));
    // The other way round the last reason is the one that was taken back first.
    let scene = ran();
    scene.ok(&["rerun", "b", "--reason", "two"]);
    scene.ok(&["rerun", "a", "--reason", "one"]);
    scene.ok(&["rerun", "b", "--withdraw", "--reason", "a slip"]);
    assert_eq!(status(&scene)[1]["rerun_reasons"], json!(["Upstream phase requires rerun: a"]));
    let why = scene.ok(&["why", "c", "--json"]).json();
    let roots: Vec<_> = why["roots"].as_array().expect("a list").iter().map(|root| &root["reason"]).collect();
    assert_eq!(roots, ["one"], "{why:#}");
    scene.ok(&["rerun", "a", "--withdraw", "--reason", "a slip too"]);
    assert!(status(&scene).iter().all(|phase| phase["state"] == "COMPLETE"));
    scene.ok(&["verify"]);
}

#[test]
fn found_31_where_nobody_marked_there_is_nothing_to_take_back() {
    let scene = ran();
    let refused = scene.run(&["rerun", "a", "--withdraw", "--reason", "x"]);
    assert_eq!(refused.code, 6, "{}", refused.picture());
    scene.ok(&["rerun", "a", "--reason", "one"]);
    let refused = scene.run(&["rerun", "c", "--withdraw", "--reason", "x"]);
    assert_eq!(refused.code, 6, "{}", refused.picture());
    assert!(refused.stderr.contains("nobody marked it: what it needs changed (b)"), "{}", refused.stderr);
    let without = scene.run(&["rerun", "a", "--withdraw"]);
    assert_eq!(without.code, 2, "a reason is needed");
    assert_eq!(status(&scene)[0]["state"], "NEEDS_RERUN");
}

#[test]
fn found_31_a_line_takes_back_as_the_verb_does_and_is_recorded_once() {
    let scene = ran();
    let lines = "{\"do\":\"rerun\",\"phase\":\"a\",\"reason\":\"one\",\"id\":\"key:1\"}\n\
        {\"do\":\"rerun\",\"phase\":\"a\",\"reason\":\"a slip\",\"withdraw\":true,\"id\":\"key:2\"}\n";
    scene.write("lines", lines);
    scene.ok(&["append", "lines"]);
    let once = scene.ok(&["export"]).stdout;
    let again = scene.ok(&["append", "lines"]).stdout;
    assert_eq!(again.matches("\"duplicate\"").count(), 2, "{again}");
    assert_eq!(scene.ok(&["export"]).stdout, once);
    assert!(status(&scene).iter().all(|phase| phase["state"] == "COMPLETE"));
}
