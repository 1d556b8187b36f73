//! `key:TEXT`, wherever an id is asked for.

use super::{fed, last};
use crate::cli::Scene;

#[test]
fn found_32_an_approval_is_granted_by_the_key_that_asked_for_it() {
    let scene = Scene::small();
    let ask = ["approval", "request", "x", "--estimate", "10", "--items", "1", "--id", "key:2025-10-29/ask"];
    assert_eq!(scene.run(&ask).code, 75);
    let other = scene.run(&["approval", "grant", "key:other", "--reason", "r", "--by", "eve"]);
    assert_eq!(other.code, 4, "{}", other.picture());
    scene.ok(&["approval", "grant", "key:2025-10-29/ask", "--reason", "fine", "--by", "eve"]);
    assert_eq!(scene.run(&["approval", "wait", "key:2025-10-29/ask", "--timeout", "1s"]).code, 0);
    let empty = scene.run(&["approval", "grant", "key:", "--reason", "r"]);
    assert!(empty.code == 2 && empty.stderr.contains("`key:` and a text of your own"), "{}", empty.picture());
}

#[test]
fn found_32_a_key_is_a_place() {
    let scene = Scene::small();
    scene.ok(&["start", "a", "--id", "key:run/1"]);
    scene.ok(&["complete", "a", "--id", "key:a~1..b"]);
    scene.ok(&["rerun", "a", "--reason", "why", "--id", "key:mark"]);
    let seq = |what: &str| scene.ok(&["show", what, "--json"]).json()["event"]["seq"].clone();
    let first = seq("key:run/1");
    assert_eq!(first, 2);
    assert_eq!(seq(r#"key:"a~1..b""#), 3);
    assert_eq!(seq(r#"key:"a~1..b"~1"#), 2);
    assert_eq!(seq("KEY:mark"), 4);
    let status = scene.ok(&["status", "a", "--json", "--at", "key:run/1"]).json();
    assert_eq!(status["phases"][0]["state"], "IN_PROGRESS");
    let status = scene.ok(&["status", "a", "--json", "--before", "key:run/1"]).json();
    assert_eq!(status["phases"][0]["state"], "PENDING");
    assert_eq!(scene.ok(&["log", "key:run/1..key:mark", "--json"]).stdout.lines().count(), 2);
    scene.ok(&["tag", "begun", "key:run/1"]);
    assert_eq!(seq("tag:begun"), first);
}

#[test]
fn found_32_a_key_that_nobody_sent_is_told() {
    let scene = Scene::small();
    let ran = scene.run(&["show", "key:nowhere"]);
    assert!(
        ran.code == 4 && ran.stderr.contains("no command was sent under `key:nowhere`"),
        "{}",
        ran.picture()
    );
    let ran = scene.run(&["status", "--at", "key:"]);
    assert!(ran.code == 2 && ran.stderr.contains("expected the text of a key"), "{}", ran.picture());
    // What was sent by a line is found too, and the event is the command's first.
    let line = b"{\"do\":\"start\",\"phase\":\"a\",\"id\":\"key:sent\"}";
    assert_eq!(fed(&scene, &["append"], line, &[]).0, 0);
    let seq = scene.ok(&["show", "key:sent", "--json"]).json()["event"]["seq"].clone();
    assert_eq!(seq, last(&scene)["seq"]);
}
