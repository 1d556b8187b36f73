//! A key is kept, and is an id wherever one is asked for.

use serde_json::{Value, json};

use super::{W, append, conflict, field};
use crate::cli::Scene;

/// A ledger with a request that waits, which was sent under `key:ask`.
fn asked() -> Scene {
    let scene = Scene::ran(W, &["a"]);
    let ask = ["approval", "request", "x", "--estimate", "30", "--items", "1", "--id", "key:ask"];
    assert_eq!(scene.run(&ask).code, 75);
    scene
}

#[test]
fn found_32_a_key_is_kept_and_shown() {
    let scene = asked();
    let event = scene.ok(&["show", "key:ask", "--json"]).json()["event"].clone();
    assert_eq!(event["key"], "ask");
    assert!(scene.ok(&["show", "key:ask"]).stdout.contains("key:ask"));
    // It is that of the command: what was derived has none of its own.
    scene.ok(&["start", "b"]);
    scene.ok(&["complete", "b"]);
    scene.ok(&["rerun", "a", "--reason", "r", "--id", "key:mark"]);
    let kept: Vec<Value> = scene
        .ok(&["log", "key:ask..", "--json"])
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["key"].clone())
        .collect();
    assert_eq!(kept, [Value::Null, Value::Null, json!("mark"), Value::Null]);
    let id = event["id"].as_str().expect("an id").to_owned();
    // The id itself is no key.
    scene.ok(&["note", "x", "--id", "0199f3c0-0000-7000-8000-000000000001"]);
    assert_eq!(scene.ok(&["show", "head", "--json"]).json()["event"].get("key"), None);
    assert_eq!(scene.run(&["approval", "grant", &id, "--reason", "r"]).code, 0);
}

#[test]
fn found_32_a_request_is_decided_by_its_key_in_each_way_in() {
    let ways: [&[&str]; 4] = [
        &["approval", "grant", "key:ask", "--reason", "r"],
        &["approval", "reject", "key:ask", "--reason", "r"],
        &["approval", "grant", "id:key:ask", "--reason", "r"],
        &["revert", "key:ask", "--reason", "r"],
    ];
    for way in &ways[..3] {
        asked().ok(way);
    }
    assert_eq!(asked().run(ways[3]).code, 6, "a request is rejected, not taken back");
    for verb in ["approval_grant", "approval_reject"] {
        let line = json!({"do": verb, "request": "key:ask", "reason": "r", "id": "key:decide"}).to_string();
        let scene = asked();
        assert_eq!(append(&scene, &line).0[0]["status"], "appended");
        assert_eq!(append(&scene, &line).0[0]["status"], "duplicate");
        assert_eq!(
            scene.run(&["approval", "wait", "key:ask", "--timeout", "1s"]).code,
            i32::from(verb != "approval_grant")
        );
    }
    let scene = asked();
    scene.ok(&["note", "x", "--id", "key:note"]);
    let line = r#"{"do":"revert","event":"key:note","reason":"r"}"#;
    assert_eq!(append(&scene, line).0[0]["status"], "appended");
    let decided = conflict(&scene, &["approval", "grant", "key:ask", "--reason", "r", "--id", "key:note"]);
    assert_eq!(decided[0], field("do", json!("note"), json!("approval_grant")));
}

#[test]
fn found_32_a_key_of_a_new_command_is_checked() {
    let scene = Scene::small();
    let long = format!("key:{}", "x".repeat(1025));
    for (key, said) in [
        ("key:a\nb", "the character `\\u{a}`"),
        ("key:a\u{1b}[2Jb", "the character `\\u{1b}`"),
        ("key:a\u{202e}b", "the character `\\u{202e}`"),
        (long.as_str(), "has 1025 bytes"),
    ] {
        let ran = scene.run(&["note", "x", "--id", key]);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{}", ran.picture());
        let line = json!({"do": "note", "text": "x", "id": key}).to_string();
        let (answers, code, told) = append(&scene, &line);
        assert!(answers.is_empty() && code == 2 && told.contains("bad_key"), "{told}");
        // To ask for it is no harm: one was recorded under such a key before keys were kept.
        assert_ne!(scene.run(&["revert", key, "--reason", "r"]).code, 2);
    }
    scene.ok(&["note", "x", "--id", &long[..1028]]);
    scene.ok(&["note", "x", "--id", "key:é 漢 ~1..b \"q\""]);
    assert_eq!(scene.ok(&["show", "head", "--json"]).json()["event"]["key"], "é 漢 ~1..b \"q\"");
}
