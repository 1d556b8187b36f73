//! `--rerun`: whatever has come of a phase, it is run.

use super::*;

/// Brings `a` to a state.
fn brought_to(scene: &Scene, state: &str) {
    match state {
        "PENDING" => {}
        "skipped" => drop(scene.ok(&["skip", "a", "--reason", "not this time"])),
        "FAILED" => assert_eq!(exec(scene, &["a"], "exit 3").code, 3),
        "COMPLETE" => assert_eq!(exec(scene, &["a"], "true").code, 0),
        "NEEDS_RERUN" => {
            brought_to(scene, "COMPLETE");
            scene.ok(&["rerun", "a", "--reason", "marked"]);
        }
        state => panic!("{state} is not known"),
    }
}

#[test]
fn found_14_a_rerun_runs_from_any_state_but_in_progress() {
    for state in ["PENDING", "skipped", "FAILED", "COMPLETE", "NEEDS_RERUN"] {
        for way in ["exec", "start", "append"] {
            let scene = Scene::small();
            brought_to(&scene, state);
            let before = events(&scene).len();
            match way {
                "exec" => drop(scene.ok(&["exec", "a", "--rerun", "--reason", "to be sure", "--", "true"])),
                "start" => drop(scene.ok(&["start", "a", "--rerun", "--reason", "to be sure"])),
                _ => {
                    let line = r#"{"do":"start","phase":"a","rerun":true,"reason":"to be sure"}"#;
                    let lines = scene.write("lines", line);
                    scene.ok(&["append", lines.to_str().expect("ASCII")]);
                }
            }
            let recorded = &events(&scene)[before..];
            let started = last(&scene, "phase_started");
            match state {
                "COMPLETE" => {
                    assert_eq!(
                        (&recorded[0]["kind"], &recorded[1]["kind"]),
                        (&"rerun_marked".into(), &"phase_started".into())
                    );
                    assert_eq!(
                        (&recorded[0]["data"]["reason"], started["data"].get("reason")),
                        (&"to be sure".into(), None)
                    );
                }
                _ => {
                    assert_eq!(recorded[0], started, "{state} {way}: a plain start");
                    assert_eq!(started["data"]["reason"], "to be sure");
                }
            }
            scene.ok(&["verify"]);
        }
    }
}

#[test]
fn found_14_a_rerun_of_what_is_under_way_is_refused() {
    let scene = Scene::small();
    scene.record(&["start", "a", "--rerun", "--reason", "to be sure"]);
    let runs = [
        scene.run(&["start", "a", "--rerun", "--reason", "once more"]),
        scene.run(&["log"]),
        scene.run(&["show", "e2"]),
    ];
    assert_snapshot("start_rerun_plain", &pictures(runs));
    // A start without a reason says of none.
    scene.record(&["start", "b"]);
    assert_eq!(last(&scene, "phase_started")["data"].get("reason"), None);
}
