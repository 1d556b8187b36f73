//! How long an attempt took, where nobody can say when it began or ended.

use serde_json::Value;

use crate::cli::Scene;

/// Starts `a` at a time before it was defined, which is raised to that.
fn raised() -> Scene {
    let scene = Scene::small();
    scene.record(&["start", "a", "--occurred-at", "2 hours ago"]);
    scene
}

fn took(scene: &Scene, of: usize) -> Value {
    scene.ok(&["show", "a", "--json"]).json()["attempts"][of]["duration_seconds"].clone()
}

#[test]
fn found_5_an_attempt_whose_start_was_raised_has_no_duration_however_it_ends() {
    for end in [
        &["complete", "a"][..],
        &["fail", "a", "--error", "x"],
        &["reset", "a", "--reason", "x"],
        &["start", "a", "--take-over", "--reason", "x"],
    ] {
        let scene = raised();
        scene.clock("2025-10-29T21:00:00Z");
        scene.record(end);
        assert_eq!(took(&scene, 0), Value::Null, "{end:?}");
        scene.ok(&["verify"]);
    }
}

#[test]
fn found_5_an_end_that_is_raised_to_the_start_is_not_a_duration_of_nothing() {
    let scene = Scene::small();
    scene.record(&["start", "a"]);
    scene.record(&["complete", "a", "--occurred-at", "1 hour ago"]);
    assert_eq!(took(&scene, 0), Value::Null);
    let status = scene.ok(&["status", "a"]).stdout;
    assert!(status.contains('–') && !status.contains("0 µs"), "{status}");
}

#[test]
fn found_5_what_was_claimed_and_stands_has_its_duration() {
    let scene = Scene::made();
    scene.clock("2025-10-29T08:00:00Z");
    scene.define("w", &[("a", &[])]);
    scene.clock(crate::cli::NOW);
    scene.record(&["start", "a", "--occurred-at", "2 hours ago"]);
    scene.record(&["reset", "a", "--reason", "x", "--occurred-at", "1 hour ago"]);
    assert_eq!(took(&scene, 0), 3600.0);
}
