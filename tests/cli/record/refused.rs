//! What the verbs that record refuse, and how they say so.

use super::{Scene, refused};

#[test]
fn start_unmet() {
    refused("start_unmet", &Scene::small(), 6, &[&["start", "c"]]);
}

#[test]
fn illegal_transitions() {
    let scene = Scene::small();
    for phase in ["a", "b"] {
        scene.ok(&["start", phase]);
    }
    scene.ok(&["complete", "b"]);
    refused("start_illegal", &scene, 6, &[&["start", "a"], &["start", "b"]]);
    refused("complete_illegal", &scene, 6, &[&["complete", "b"], &["complete", "c"]]);
    refused("fail_illegal", &scene, 6, &[&["fail", "c", "--error", "x"]]);
    refused("skip_illegal", &scene, 6, &[&["skip", "a", "--reason", "x"], &["skip", "b", "--reason", "x"]]);
    refused(
        "rerun_illegal",
        &scene,
        6,
        &[&["rerun", "a", "--reason", "x"], &["rerun", "c", "--reason", "x"]],
    );
}

#[test]
fn what_is_not_there() {
    let scene = Scene::small();
    refused(
        "not_found",
        &scene,
        4,
        &[
            &["start", "x"],
            &["start", "w/x"],
            &["start", "v/a"],
            &["reset", "--all", "--workflow", "v", "--reason", "x"],
            &["meta", "x", "a=1"],
            &["note", "x", "--phase", "x"],
            &["tag", "x", "e99"],
            &["tag", "x", "tag:y"],
            &["tag", "x", "id:ffffffff"],
            &["complete", "a", "--output", "nowhere"],
        ],
    );
    refused("nothing_defined", &Scene::made(), 4, &[&["start", "a"], &["reset", "--all", "--reason", "x"]]);
}

#[test]
fn what_is_ambiguous() {
    let scene = Scene::small();
    scene.define("v", &[("a", &[])]);
    refused("ambiguous", &scene, 2, &[&["start", "a"], &["reset", "--all", "--reason", "x"]]);
}

#[test]
fn misuse() {
    let scene = Scene::small();
    refused(
        "misuse",
        &scene,
        2,
        &[
            &["start"],
            &["fly"],
            &["start", "a", "--fly"],
            &["start", "a", "--reason", "x"],
            &["start", "a", "--rerun"],
            &["start", "a/b/c"],
            &["fail", "a"],
            &["rerun", "a", "--reason", " "],
            &["reset", "--reason", "x"],
            &["reset", "a", "--all", "--reason", "x"],
            &["meta", "a"],
            &["meta", "a", "novalue"],
            &["meta", "a", "=1"],
            &["start", "a", "--metadata", "[1]"],
            &["complete", "a", "--digest", "md5:00"],
            &["tag", "x", "nonsense"],
            &["note", "x", "--id", "7"],
            &["note", "x", "--expect", "seq=7"],
            &["note", "x", "--occurred-at", "2025-02-30"],
            &["note", "x", "--tz", "+2"],
            &["note", "x", "--lock-timeout", "forever"],
            &["import", "."],
        ],
    );
    refused("claim_in_future", &scene, 6, &[&["note", "x", "--occurred-at", "2025-10-29T20:01:01Z"]]);
}
