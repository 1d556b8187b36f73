//! `start`, `complete`, `fail`, `skip`, `rerun`, `reset`, `meta`, `note`, `tag`, when all is well.

use super::{Scene, done};

/// A scene whose phases `a` and `b` are complete.
fn built() -> Scene {
    let scene = Scene::small();
    for phase in ["a", "b"] {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase, "--digest", &format!("sha256:{}", phase.repeat(64))]);
    }
    scene
}

#[test]
fn start() {
    let scene = Scene::small();
    done(
        "start",
        &scene,
        &[
            &["start", "a", "--dry-run"],
            &["start", "a", "--meta", "books=3", "--meta", "who=ana", "--id", "key:own/1"],
            &["start", "w/b", "--occurred-at", "10 minutes ago", "--by", "bob"],
            &["start", "c", "--allow-unmet"],
        ],
    );
    done("start_take_over", &scene, &[&["start", "a", "--take-over", "--reason", "the host went away"]]);
}

#[test]
fn start_json() {
    let scene = built();
    let metadata = r#"{"books":1.10,"deep":{"list":[1, 2]}}"#;
    done(
        "start_json",
        &scene,
        &[
            &["start", "c", "--json", "--id", "key:own/1", "--metadata", metadata],
            &["complete", "c", "--json", "--id", "key:own/2"],
            &["start", "a", "--rerun", "--reason", "new books", "--json", "--id", "key:own/3"],
        ],
    );
}

#[test]
fn start_rerun() {
    let scene = built();
    scene.ok(&["start", "c"]);
    scene.ok(&["complete", "c"]);
    done("start_rerun", &scene, &[&["start", "a", "--rerun", "--reason", "new books"]]);
}

#[test]
fn complete() {
    let scene = Scene::small();
    for phase in ["a", "b"] {
        scene.ok(&["start", phase]);
    }
    scene.clock("2025-10-29T20:01:05Z");
    scene.write("one.txt", "one");
    scene.write("two.txt", "two");
    done(
        "complete",
        &scene,
        &[
            &["complete", "a", "--output", "one.txt", "--output", "two.txt", "--meta", "cost=1.10"],
            &[
                "complete",
                "b",
                "--digest",
                &format!("sha256:{}", "0".repeat(64)),
                "--json",
                "--id",
                "key:own/1",
            ],
        ],
    );
}

#[test]
fn fail() {
    let scene = Scene::small();
    for phase in ["a", "b"] {
        scene.ok(&["start", phase]);
    }
    done(
        "fail",
        &scene,
        &[
            &["fail", "a", "--error", "no such table", "--exit-code", "-1", "--meta", "tries=3"],
            &[
                "fail",
                "b",
                "--error",
                "gone",
                "--signal",
                "SIGKILL",
                "--abandoned",
                "--json",
                "--id",
                "key:own/1",
            ],
            &["start", "a"],
        ],
    );
}

#[test]
fn skip() {
    let scene = Scene::small();
    done(
        "skip",
        &scene,
        &[
            &["skip", "a", "--reason", "no data today"],
            &["skip", "b", "--reason", "nor here", "--json", "--id", "key:own/1"],
            &["start", "c"],
        ],
    );
}

#[test]
fn rerun() {
    let scene = built();
    scene.ok(&["start", "c"]);
    scene.ok(&["complete", "c"]);
    let rerun = ["rerun", "a", "--reason", "new books"];
    done("rerun_dry_run", &scene, &[&["rerun", "a", "--reason", "new books", "--dry-run"], &["verify"]]);
    done(
        "rerun",
        &scene,
        &[&rerun, &["rerun", "b", "--reason", "so are these", "--json", "--id", "key:own/1"]],
    );
}

#[test]
fn a_rerun_reaches_what_is_under_way_and_is_cleared_by_the_same_output() {
    let scene = built();
    scene.ok(&["start", "c"]);
    let digest = format!("sha256:{}", "a".repeat(64));
    done(
        "rerun_deferred",
        &scene,
        &[&["rerun", "a", "--reason", "new books"], &["complete", "c"], &["start", "a"]],
    );
    done("rerun_cleared", &scene, &[&["complete", "a", "--digest", &digest]]);
}

#[test]
fn reset() {
    let scene = built();
    done(
        "reset",
        &scene,
        &[
            &["reset", "a", "--reason", "a new month", "--json", "--id", "key:own/1"],
            &["reset", "--all", "--reason", "a new year"],
            &["reset", "--all", "--workflow", "w", "--reason", "a new year"],
        ],
    );
}

#[test]
fn meta() {
    let scene = Scene::small();
    done(
        "meta",
        &scene,
        &[
            &["meta", "a", "books=3", "title=A Tale", r#"list=[1, "two"]"#, "equal=a=b", "empty="],
            &["meta", "a", "books=3", "--json", "--id", "key:own/1"],
        ],
    );
}

#[test]
fn note_and_tag() {
    let scene = Scene::small();
    done(
        "note",
        &scene,
        &[&["note", "all is well"], &["note", "so is this", "--phase", "a", "--json", "--id", "key:own/1"]],
    );
    done(
        "tag",
        &scene,
        &[
            &["tag", "here"],
            &["tag", "there", "e1"],
            &["tag", "here", "tag:there~1", "--json", "--id", "key:own/2", "--force"],
        ],
    );
}
