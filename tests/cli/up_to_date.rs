//! What programs ask first: is all up to date, is all done, is anything ready?

use serde_json::{Value, json};

use crate::cli::Scene;

/// A chain of two and one that stands alone.
fn scene() -> Scene {
    let scene = Scene::made();
    scene.write(
        "w.toml",
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n[[phase]]\nid = \"c\"\n",
    );
    scene.ok(&["define", "w.toml"]);
    scene
}

fn run(scene: &Scene, phase: &str) {
    scene.ok(&["start", phase]);
    scene.ok(&["complete", phase]);
}

/// Returns what `status --exit-code`, `--exit-code=complete` and `next` exit with, and whether all is done.
fn exits(scene: &Scene) -> (i32, i32, i32, bool) {
    let next = scene.run(&["next", "--json"]);
    (
        scene.run(&["status", "--exit-code"]).code,
        scene.run(&["status", "--exit-code=complete"]).code,
        next.code,
        next.json()["done"].as_bool().expect("a flag"),
    )
}

#[test]
fn found_31_found_36_programs_learn_whether_all_is_up_to_date_or_done() {
    let empty = Scene::made();
    assert_eq!(exits(&empty), (0, 0, 1, false), "there is nothing yet");
    let scene = scene();
    assert_eq!(exits(&scene), (0, 1, 0, false), "pending");
    run(&scene, "a");
    run(&scene, "b");
    scene.ok(&["start", "c"]);
    assert_eq!(exits(&scene), (0, 1, 1, false), "the last one is under way");
    scene.ok(&["fail", "c", "--error", "no"]);
    assert_eq!(exits(&scene), (1, 1, 0, false), "failed");
    scene.ok(&["skip", "c", "--reason", "not today"]);
    assert_eq!(exits(&scene), (0, 0, 0, true), "skipped and complete");
    scene.ok(&["rerun", "a", "--reason", "new books"]);
    assert_eq!(exits(&scene), (1, 1, 0, false), "stale");
    let told = scene.run(&["status", "--exit-code"]).stderr;
    assert!(told.contains("not up to date: 2 to run again"), "{told}");
    scene.ok(&["start", "a"]);
    assert_eq!(exits(&scene), (1, 1, 1, false), "what is below still is");
}

#[test]
fn found_36_only_what_is_listed_counts() {
    let scene = scene();
    run(&scene, "a");
    scene.ok(&["start", "c"]);
    scene.ok(&["fail", "c", "--error", "no"]);
    assert_eq!(scene.run(&["status", "a", "--exit-code=complete"]).code, 0);
    assert_eq!(scene.run(&["status", "c", "--exit-code"]).code, 1);
    assert_eq!(scene.run(&["status", "b", "--exit-code"]).code, 0);
    assert_eq!(scene.run(&["status", "--exit-code", "--at", "e3"]).code, 0, "as of then");
    assert_eq!(scene.run(&["status", "--exit-code=other"]).code, 2);
}

#[test]
fn found_36_leave_that_is_waited_for_is_in_the_way() {
    let scene = scene();
    for phase in ["a", "b", "c"] {
        run(&scene, phase);
    }
    assert_eq!(exits(&scene), (0, 0, 0, true));
    let asked = scene.run(&[
        "approval",
        "request",
        "op",
        "--estimate",
        "30",
        "--items",
        "1",
        "--phase",
        "c",
        "--json",
    ]);
    assert_eq!((asked.code, &asked.json()["decision"]), (75, &json!("pending")));
    // Not the same as a ledger that others keep.
    let error: Value = serde_json::from_str(&asked.stderr).expect("JSON");
    assert_eq!((&error["error"]["code"], &error["error"]["request"]), (&json!("undecided"), &json!(8)));
    let waited = scene.run(&["approval", "wait", "e8", "--timeout", "0s", "--json"]);
    assert_eq!(waited.code, 75);
    let error: Value = serde_json::from_str(&waited.stderr).expect("JSON");
    assert_eq!(error["error"]["code"], "undecided");
    assert_eq!(exits(&scene), (1, 1, 0, true));
    assert_eq!(scene.run(&["status", "a", "--exit-code"]).code, 0, "it is for another phase");
    assert_eq!(scene.run(&["status", "c", "--exit-code"]).code, 1);
    let status = scene.ok(&["status", "--json"]).json();
    assert_eq!(status["approvals_pending"], 1);
    let text = scene.ok(&["status"]).stdout;
    assert!(text.contains("1 request waits for leave"), "{text}");
    scene.ok(&["approval", "grant", "e8", "--reason", "ok", "--by", "ben"]);
    assert_eq!(exits(&scene), (0, 0, 0, true));
    scene.run(&["approval", "request", "op", "--estimate", "30", "--items", "1"]);
    assert_eq!(exits(&scene), (1, 1, 0, true), "for the workflow as a whole");
    assert_eq!(scene.run(&["status", "c", "--exit-code"]).code, 0);
}

#[test]
fn found_36_what_is_skipped_is_counted_apart_and_workflows_have_totals() {
    let scene = scene();
    scene.define("x", &[("y", &[]), ("z", &["y"])]);
    run(&scene, "a");
    scene.ok(&["skip", "c", "--reason", "not today"]);
    scene.ok(&["skip", "y", "--reason", "nor this"]);
    let status = scene.ok(&["status", "--json"]).json();
    let counts = |of: &Value| json!([of["PENDING"], of["COMPLETE"], of["skipped"], of["done"], of["total"]]);
    assert_eq!(counts(&status["summary"]), json!([4, 1, 2, 3, 5]));
    let workflows = status["workflows"].as_array().expect("a list");
    let each: Vec<_> = workflows.iter().map(|of| json!([of["workflow"], counts(of)])).collect();
    assert_eq!(each, [json!(["w", [2, 1, 1, 2, 3]]), json!(["x", [2, 0, 1, 1, 2]])]);
    let text = scene.ok(&["status"]).stdout;
    for expected in [
        "⊘ PENDING (skipped)",
        "w: 3 phases: 1 PENDING, 1 COMPLETE, 1 skipped",
        "x: 2 phases: 1 PENDING, 1 skipped",
        "5 phases: 2 PENDING, 1 COMPLETE, 2 skipped",
    ] {
        assert!(text.contains(expected), "{expected}:\n{text}");
    }
}
