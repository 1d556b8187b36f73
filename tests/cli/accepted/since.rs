//! Since when a phase that was accepted is judged: what changed before is not why it must run again.

use super::*;

/// Defines `b`, which needs `m`, which needs `a`, or nothing.
fn define(scene: &Scene, edge: bool) {
    let needs = if edge { "needs = [\"a\"]\n" } else { "" };
    let workflow = format!(
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"m\"\n{needs}\
         [[phase]]\nid = \"b\"\nneeds = [\"m\"]\n"
    );
    scene.write("w.toml", &workflow);
    scene.ok(&["define", "w.toml"]);
}

/// A ledger in which `b` ran while `m` had not, and needed nothing.
fn looked_through() -> Scene {
    let scene = Scene::made();
    define(&scene, false);
    scene.ok(&["start", "b", "--allow-unmet"]);
    scene.ok(&["complete", "b"]);
    scene
}

fn accepted(scene: &Scene) {
    scene.ok(&["rerun", "b", "--reason", "look at it"]);
    scene.ok(&["accept", "b", "--reason", "fine"]);
}

/// Returns the kinds of the roots of why `b` must run again, and their phases.
fn roots(scene: &Scene) -> Vec<(String, Value)> {
    let why = scene.ok(&["why", "b", "--json"]).json();
    assert_eq!(why["state"], "NEEDS_RERUN");
    let roots = why["roots"].as_array().expect("a list").iter();
    let kind = |event: &Value| event["kind"].as_str().expect("a kind").to_owned();
    roots.map(|event| (kind(event), event["phase"].clone())).collect()
}

/// The edge was there as it was accepted: what is found by it now is what happened since.
#[test]
fn found_31_an_edge_from_before_the_acceptance_is_not_why() {
    let scene = looked_through();
    define(&scene, true);
    accepted(&scene);
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a"]);
    assert_eq!(roots(&scene), [("phase_started".to_owned(), json!("a"))]);
    scene.ok(&["verify"]);
}

/// The edge came before it was accepted, and goes after: that is the root.
#[test]
fn found_31_an_edge_that_goes_after_the_acceptance_is_why() {
    let scene = looked_through();
    define(&scene, true);
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a"]);
    accepted(&scene);
    define(&scene, false);
    let gone = last(&scene);
    assert_eq!(roots(&scene), [("workflow_defined".to_owned(), Value::Null)]);
    let why = scene.ok(&["why", "b", "--json"]).json();
    let seq = why["roots"][0]["seq"].as_u64().expect("a number");
    assert!(Some(seq) < gone["seq"].as_u64() && seq > 8, "the last definition: {why:#}");
    scene.ok(&["verify"]);
}
