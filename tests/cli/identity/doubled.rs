//! A key that comes twice is refused wherever a caller gives it.

use serde_json::Value;

use super::append;
use crate::cli::Scene;

/// Checks that the program refuses it, and says all of this.
fn refused(scene: &Scene, args: &[&str], said: &[&str]) {
    let before = scene.run(&["export"]).stdout;
    let ran = scene.run(args);
    assert_eq!(ran.code, 2, "{}", ran.picture());
    assert!(said.iter().all(|said| ran.stderr.contains(said)), "{said:?}\n{}", ran.picture());
    assert_eq!(scene.run(&["export"]).stdout, before);
}

#[test]
fn found_9_a_line_has_no_key_twice() {
    let scene = Scene::small();
    for (line, key, column) in [
        (r#"{"do":"meta","phase":"a","metadata":{"k":1,"k":2}}"#, "k", 44),
        (r#"{"do":"meta","phase":"a","metadata":{"a":[{"k":1,"\u006b":2}]}}"#, "k", 50),
        (r#"{"do":"start","phase":"a","metadata":{"é":{"k":{},"k":{}}}}"#, "k", 52),
    ] {
        let (answers, code, said) = append(&scene, &format!("{{\"do\":\"note\",\"text\":\"x\"}}\n{line}\n"));
        assert_eq!((answers.len(), code), (1, 2), "{line}");
        let error: Value = serde_json::from_str(said.lines().last().expect("an error")).expect("JSON");
        let message = error["error"]["message"].as_str().expect("a message");
        let expected = format!("line 2, column {column}: the key `{key}` comes twice");
        assert!(message.starts_with(&expected), "{message}, expected {expected}");
    }
    // A field that the line itself has twice.
    let (_, code, said) = append(&scene, r#"{"do":"note","text":"x","text":"y"}"#);
    assert!(code == 2 && said.contains("duplicate field `text`"), "{said}");
}

#[test]
fn found_9_a_history_has_no_key_twice() {
    let scene = Scene::small();
    let line = |more: &str| {
        format!("{{\"at\":\"2025-10-29T18:00:00Z\",\"phase\":\"a\",\"event\":\"start\",{more}}}\n")
    };
    for (more, column) in [("\"n\":1,\"n\":2", 64), ("\"n\":{\"k\":1,\"k\":2}", 69), ("\"phase\":\"b\"", 58)]
    {
        scene.write("h.jsonl", &line(more));
        let said = format!("line 1, column {column}: the key");
        refused(&scene, &["import", "--format", "history", "h.jsonl"], &[&said, "comes twice"]);
    }
}

#[test]
fn found_9_flags_have_no_key_twice() {
    let scene = Scene::small();
    refused(&scene, &["meta", "a", "k=1", "k=2"], &["the key `k` is given twice"]);
    refused(&scene, &["start", "a", "--meta", "k=1", "--meta", "k=1"], &["the key `k` is given twice"]);
    refused(
        &scene,
        &["start", "a", "--metadata", r#"{"k":1}"#, "--meta", "k=2"],
        &["the key `k` is given twice"],
    );
    refused(
        &scene,
        &["start", "a", "--metadata", r#"{"k":1,"k":2}"#],
        &["column 8: the key `k` comes twice"],
    );
    refused(
        &scene,
        &["start", "a", "--meta", r#"m={"k":1,"k":2}"#],
        &["`m`: column 8: the key `k` comes twice"],
    );
    refused(&scene, &["exec", "a", "--meta", "k=1", "--meta", "k=2", "--", "true"], &["`k` is given twice"]);
    scene.ok(&["start", "a", "--metadata", r#"{"k":{"k":1},"K":1}"#, "--meta", "l=1"]);
}

#[test]
fn found_9_a_workflow_file_has_no_key_twice() {
    let scene = Scene::made();
    for (text, place) in [
        (
            "{\"workflow\":{\"name\":\"w\"},\"phase\":[{\"id\":\"a\"}],\n \"source\":{\"x\":{\"k\":1,\"k\":2}}}",
            ":2:23:",
        ),
        ("{\"workflow\":{\"name\":\"w\"},\"phase\":[{\"id\":\"a\",\n\"id\":\"b\"}]}", ":2:1:"),
        (
            "{\"workflow\":{\"name\":\"w\"},\n\"workflow\":{\"name\":\"w\"},\"phase\":[{\"id\":\"a\"}]}",
            ":2:1:",
        ),
    ] {
        scene.write("w.json", text);
        refused(&scene, &["define", "w.json"], &[place, "stands twice"]);
    }
}

/// Versions that took such keys wrote them into their events.
#[test]
fn found_9_what_was_recorded_with_a_key_twice_is_read() {
    let scene = Scene::small();
    scene.ok(&["meta", "a", r#"m={"k":1,"l":2}"#, "--id", "key:m"]);
    scene.ok(&["meta", "a", "m=1"]);
    let export = scene.ok(&["export"]).stdout;
    let lines: Vec<String> =
        export.lines().map(|line| line.replace(r#"{"k":1,"l":2}"#, r#"{"k":1,"k":2}"#)).collect();
    let (end, lines) = lines.split_last().expect("an end");
    let mut frontier = phaseledger::store::Frontier::default();
    lines.iter().for_each(|line| frontier.push(line.as_bytes()));
    let mut end: Value = serde_json::from_str(end).expect("JSON");
    end["root"] = frontier.root().to_string().into();
    let end = phaseledger::ledger::ExportEnd {
        schema: "export/1".to_owned(),
        events: lines.len() as u64,
        root: frontier.root(),
    };
    let text = format!("{}\n{}\n", lines.join("\n"), serde_json::to_string(&end).expect("an end"));
    let other = Scene::empty();
    other.write("export.jsonl", &text);
    other.ok(&["import", "export.jsonl"]);
    other.ok(&["verify"]);
    assert!(other.ok(&["export"]).stdout == text, "byte for byte");
    assert!(other.ok(&["show", "e2"]).stdout.contains("key:m"));
    // To take back what replaced it brings it back.
    other.ok(&["revert", "e3", "--reason", "r"]);
    other.ok(&["verify", "--rebuild"]);
    let status = other.ok(&["status", "a", "--json"]).stdout;
    assert!(status.contains(r#""m":{"k":1,"k":2}"#), "{status}");
}
