//! Sent again: in another spelling it is a duplicate, with what it derived, and changes nothing; anything else is refused, and
//! told field by field.

mod doubled;
mod keys;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::cli::{Ran, Scene};
use crate::folder::{self, Tree};

/// Runs `append` on lines, in JSON, and returns the answers, the exit code and what was said.
fn append(scene: &Scene, lines: &str) -> (Vec<Value>, i32, String) {
    let mut command = scene.command();
    command.args(["append", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let answers = text(output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (answers, output.status.code().expect("it exits by itself"), text(output.stderr))
}

/// The ledger's folder, but for sled's, which is made anew at will, and what only says who has it.
fn log(scene: &Scene) -> Tree {
    const ANEW: [&str; 4] = ["tail", "work", "work.mark", "lock"];
    let is_anew = |path: &Path| path.iter().any(|part| ANEW.iter().any(|name| part == *name));
    let tree = folder::tree(&scene.dir().join("ledger"));
    assert!(tree.keys().any(|path| path.ends_with("journal")), "the log is looked at");
    tree.into_iter().filter(|(path, _)| !is_anew(path)).collect()
}

/// Checks that what was recorded is a duplicate however it is spelled, and changes nothing; returns the last answer.
fn again(scene: &Scene, ways: &[&[&str]]) -> Value {
    let (before, mut last) = (log(scene), Value::Null);
    for args in ways {
        let answer = scene.ok(&[args, &["--json"][..]].concat());
        last = answer.json();
        assert_eq!(last["status"], "duplicate", "{}", answer.picture());
    }
    assert!(log(scene) == before, "what was sent again changed the ledger");
    last
}

/// Checks that a command is another one under its id, and returns the fields that differ.
fn conflict(scene: &Scene, args: &[&str]) -> Vec<Value> {
    let before = log(scene);
    let ran = scene.run(&[args, &["--json"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.picture());
    assert!(log(scene) == before, "what was refused changed the ledger");
    fields(&ran)
}

fn fields(ran: &Ran) -> Vec<Value> {
    let error: Value = serde_json::from_str(&ran.stderr).expect("one object");
    assert_eq!(error["error"]["code"], "id_conflict", "{}", ran.picture());
    error["error"]["fields"].as_array().expect("a list").clone()
}

fn field(name: &str, recorded: Value, given: Value) -> Value {
    json!({"field": name, "recorded": recorded, "given": given})
}

const W: &str = "[workflow]\nname = 'w'\ncurrency = 'USD'\n[workflow.approval]\nself_approval = true\n\
    [[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = ['a']\n[[phase]]\nid = 'c'\nneeds = ['b']\n";

#[test]
fn found_8_a_relative_time_is_its_words() {
    let scene = Scene::small();
    let note = |time| ["note", "x", "--id", "key:n", "--occurred-at", time];
    scene.ok(&note("10 minutes ago"));
    scene.clock("2025-10-29T21:00:00Z");
    again(&scene, &[&note("10 minutes ago"), &note("10  Minutes AGO")]);
    let line = r#"{"do":"note","text":"x","id":"key:n","occurred_at":"10 minutes ago"}"#;
    assert_eq!(append(&scene, line).0[0]["status"], "duplicate");
    assert_eq!(
        conflict(&scene, &note("11 minutes ago")),
        [field("occurred_at", json!("10 minutes ago"), json!("11 minutes ago"))]
    );
    assert_eq!(
        conflict(&scene, &["note", "x", "--id", "key:n"]),
        [field("occurred_at", json!("10 minutes ago"), Value::Null)]
    );
    // Now is when it takes effect anyway.
    scene.ok(&["note", "y", "--id", "key:now"]);
    again(&scene, &[&["note", "y", "--id", "key:now", "--occurred-at", "now"]]);
}

#[test]
fn found_8_an_absolute_time_is_its_instant() {
    let scene = Scene::small();
    let start = |time| ["start", "a", "--id", "key:s", "--occurred-at", time];
    scene.ok(&start("2025-10-29T21:00:00+02:00"));
    scene.clock("2026-10-29T21:00:00Z");
    again(
        &scene,
        &[
            &start("2025-10-29T19:00:00Z"),
            &start("2025-10-29 19:00"),
            &start("@1761764400"),
            &["start", "a", "--id", "key:s", "--tz", "+0200", "--occurred-at", "2025-10-29 21:00"],
        ],
    );
    assert_eq!(
        conflict(&scene, &start("2025-10-29T19:00:01Z")),
        [field("occurred_at", json!("2025-10-29T19:00:00.000000Z"), json!("2025-10-29T19:00:01.000000Z"))]
    );
}

#[test]
fn found_8_amounts_and_numbers_are_what_they_are_worth() {
    let scene = Scene::ran(W, &[]);
    let cost = |amount, meta| ["cost", "record", "w/a", amount, "--meta", meta, "--id", "key:c"];
    scene.ok(&cost("1.10", r#"m={"b":2.50,"a":[1e2]}"#));
    again(
        &scene,
        &[
            &cost("1.1", r#"m={"a":[100.0],"b":2.5}"#),
            &[
                "cost",
                "record",
                "a",
                "11e-1",
                "--currency",
                "USD",
                "--meta",
                r#"m={"b":25e-1,"a":[100]}"#,
                "--id",
                "key:c",
            ],
        ],
    );
    assert_eq!(
        conflict(&scene, &cost("1.11", r#"m={"b":2.5,"a":[101]}"#)),
        [
            field("amount", json!("1.1"), json!("1.11")),
            json!({"field": "metadata", "key": "m", "recorded": {"a": [100], "b": 2.5}, "given": {"a": [101], "b": 2.5}}),
        ]
    );
    // A text is no number, and a limit no other limit.
    assert_eq!(conflict(&scene, &cost("1.1", r#"m={"b":"2.5","a":[100]}"#)).len(), 1);
    scene.ok(&["cost", "limit", "a", "5.00", "--id", "key:l"]);
    again(&scene, &[&["cost", "limit", "w/a", "5", "--id", "key:l"]]);
    assert_eq!(
        conflict(&scene, &["cost", "limit", "w/a", "--none", "--id", "key:l"]),
        [field("limit", json!("5"), Value::Null)]
    );
}

#[test]
fn found_8_a_name_is_the_phase_that_was_meant() {
    let scene = Scene::small();
    scene.ok(&["start", "a", "--id", "key:s"]);
    again(&scene, &[&["start", "w/a", "--id", "key:s"]]);
    // It has become ambiguous since, and is retired, and the workflow is one of several.
    scene.define("v", &[("a", &[])]);
    again(&scene, &[&["start", "a", "--id", "key:s"], &["start", "w/a", "--id", "key:s"]]);
    assert_eq!(
        conflict(&scene, &["start", "v/a", "--id", "key:s"]),
        [field("phase", json!("w/a"), json!("v/a"))]
    );
    scene.ok(&["reset", "--all", "--workflow", "w", "--reason", "r", "--id", "key:r"]);
    again(&scene, &[&["reset", "--all", "--reason", "r", "--id", "key:r"]]);
    scene.define("w", &[("b", &[])]);
    again(&scene, &[&["start", "a", "--id", "key:s"]]);
}

#[test]
fn found_8_what_is_said_of_places_is_as_of_then() {
    let scene = Scene::small();
    scene.ok(&["start", "a"]);
    let tag = |when| ["tag", "t", when, "--id", "key:t"];
    scene.ok(&tag("head~1"));
    scene.clock("2025-10-29T22:00:00Z");
    scene.ok(&["note", "later"]);
    again(&scene, &[&tag("head~1"), &tag("e1")]);
    assert_eq!(conflict(&scene, &tag("e2")), [field("seq", json!(1), json!(2))]);
    scene.ok(&["tag", "u", "--id", "key:u"]);
    scene.ok(&["note", "latest"]);
    again(&scene, &[&["tag", "u", "--id", "key:u"], &["tag", "u", "head", "--id", "key:u"]]);
    // What was the last command then is another one now.
    scene.ok(&["revert", "head", "--reason", "r", "--id", "key:r"]);
    again(&scene, &[&["revert", "head", "--reason", "r", "--id", "key:r"]]);
}

#[test]
fn found_8_a_duplicate_has_what_was_derived() {
    let scene = Scene::ran(W, &["a", "b", "c"]);
    let rerun = ["rerun", "a", "--reason", "r", "--id", "key:m"];
    let first = scene.ok(&[&rerun[..], &["--json"]].concat()).json();
    assert_eq!(first["derived"].as_array().map(Vec::len), Some(2));
    scene.ok(&["note", "behind"]);
    let mut duplicate = again(&scene, &[&rerun]);
    duplicate["status"] = json!("appended");
    assert_eq!(duplicate, first);
    let told = scene.ok(&rerun).stdout;
    assert!(told.contains("already, nothing changed\n  ↳ e9 rerun_marked b"), "{told}");
    let line = r#"{"do":"rerun","phase":"a","reason":"r","id":"key:m"}"#;
    let (answers, ..) = append(&scene, &format!("{line}\n{line}\n"));
    assert_eq!([&answers[0]["derived"], &answers[1]["derived"]], [&first["derived"], &first["derived"]]);
    // Within one batch as well.
    let cost = r#"{"do":"cost_limit","phase":"a","limit":"1","id":"key:x"}"#;
    let over = r#"{"do":"cost","phase":"a","amount":"2","id":"key:y"}"#;
    let (answers, ..) = append(&scene, &format!("{cost}\n{over}\n{over}\n"));
    assert_eq!(answers[2]["status"], "duplicate");
    assert!(answers[1]["derived"].as_array().is_some_and(|derived| !derived.is_empty()));
    assert_eq!(answers[2]["derived"], answers[1]["derived"]);
    // A request that was decided since is told as it stands.
    let ask = ["approval", "request", "x", "--estimate", "30", "--items", "1", "--id", "key:q"];
    assert_eq!(scene.run(&ask).code, 75);
    scene.ok(&["approval", "grant", "key:q", "--reason", "fine"]);
    assert_eq!(again(&scene, &[&ask])["decision"], "granted");
}

#[test]
fn found_8_a_conflict_names_what_differs_within_a_screen() {
    let scene = Scene::ran(W, &["a"]);
    scene.ok(&["start", "b", "--meta", "n=1", "--meta", "same=0", "--id", "key:s"]);
    assert_eq!(
        conflict(
            &scene,
            &["start", "b", "--allow-unmet", "--meta", "n=2", "--meta", "same=0", "--id", "key:s"]
        ),
        [
            field("allow_unmet", Value::Null, json!(true)),
            json!({"field": "metadata", "key": "n", "recorded": 1, "given": 2}),
        ]
    );
    assert_eq!(
        conflict(&scene, &["complete", "b", "--meta", "n=1", "--meta", "same=0", "--id", "key:s"]),
        [field("do", json!("start"), json!("complete"))]
    );
    let many: Vec<String> = (0..40).map(|key| format!("k{key}={}", "x".repeat(500))).collect();
    let mut args = vec!["start", "b", "--id", "key:s"];
    many.iter().for_each(|pair| args.extend(["--meta", pair]));
    let told = scene.run(&args);
    assert_eq!(told.code, 3);
    assert!(told.stderr.lines().count() <= 20, "{}", told.stderr);
    assert!(told.stderr.lines().all(|line| line.chars().count() < 500), "{}", told.stderr);
    assert!(told.stderr.contains("`metadata.k0` was nothing, here \"xxx"), "{}", told.stderr);
    assert!(told.stderr.contains("more: `--json` has them all"), "{}", told.stderr);
    assert_eq!(conflict(&scene, &args).len(), 42);
    // A definition is told part by part.
    scene.write("w.toml", W);
    scene.ok(&["define", "w.toml", "--id", "key:d"]);
    let other =
        W.replace("id = 'a'\n", "id = 'a'\nversion = '2'\n").replace("needs = ['b']", "needs = ['a']");
    scene.write("w.toml", &other);
    scene.ok(&["define", "w.toml", "--id", "key:d2"]);
    scene.write("w.toml", W);
    assert_eq!(
        conflict(&scene, &["define", "w.toml", "--id", "key:d2"]),
        [
            json!({"field": "definition", "key": "phases.a.version", "recorded": "2", "given": null}),
            json!({"field": "definition", "key": "phases.c.needs", "recorded": ["a"], "given": ["b"]}),
        ]
    );
}

#[test]
fn found_8_an_earlier_command_is_compared_as_it_was_recorded() {
    let scene = Scene::made();
    scene.write("export.jsonl", include_str!("../fixtures/commands-0.1.0/export.jsonl"));
    scene.ok(&["import", "export.jsonl"]);
    let ran = scene.run(&["note", "another note", "--id", "key:meta p4", "--json"]);
    assert!(ran.code == 0 || !fields(&ran).is_empty(), "{}", ran.picture());
    let id = "b6bb745c-fd61-53af-88e8-6d15d2cf38b6";
    again(&scene, &[&["start", "p1", "--id", id]]);
    assert_eq!(conflict(&scene, &["start", "p2", "--id", id]), [field("phase", json!("w/p1"), json!("p2"))]);
    // As it was written then: what events of then do not tell is said to be so.
    assert_eq!(conflict(&scene, &["start", "w/p1", "--id", id]), [Value::Null; 0]);
    let told = scene.run(&["start", "w/p1", "--id", id]).stderr;
    assert!(told.contains("what differs is not in its events, which an earlier version recorded"), "{told}");
}

#[test]
fn what_was_recorded_is_known_after_an_import_and_another_archiving() {
    let scene = Scene::ran(W, &["a", "b"]);
    scene.ok(&["complete", "c", "--id", "key:no"].map(|arg| if arg == "complete" { "start" } else { arg }));
    scene.ok(&["note", "x", "--occurred-at", "1 hour ago", "--id", "key:n"]);
    scene.ok(&["rerun", "a", "--reason", "r", "--id", "key:m"]);
    let lines: String =
        (0..2500).map(|n| format!("{{\"do\":\"note\",\"text\":\"{n}\",\"id\":\"key:{n}\"}}\n")).collect();
    assert_eq!(append(&scene, &lines).1, 0);
    let ways: [&[&str]; 3] = [
        &["start", "w/c", "--id", "key:no"],
        &["note", "x", "--occurred-at", "1 hour ago", "--id", "key:n"],
        &["rerun", "w/a", "--reason", "r", "--id", "key:m"],
    ];
    scene.clock("2025-10-30T20:00:00Z");
    let first = again(&scene, &ways);
    scene.ok(&["export", "-o", "export.jsonl"]);
    let other = Scene::empty();
    other.ok(&["import", scene.dir().join("export.jsonl").to_str().expect("ASCII")]);
    other.clock("2025-10-31T20:00:00Z");
    assert_eq!(again(&other, &ways), first);
    let (answers, code, _) = append(&other, &lines);
    assert!(code == 0 && answers.iter().all(|answer| answer["status"] == "duplicate"));
    other.ok(&["verify"]);
}
