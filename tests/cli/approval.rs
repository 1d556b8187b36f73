//! `approval`, as it looks: what a policy decides, what a person does, and what is refused.

mod terminal;
mod wait;

use std::io::Write;
use std::process::Stdio;

use crate::cli::{Ran, Scene, assert_snapshot, pictures};

/// A ledger with one workflow, `w`, of a phase `a` and a phase `b`, and what it says of approvals.
fn scene(terms: &str) -> Scene {
    let scene = Scene::made();
    define(&scene, terms);
    scene
}

fn define(scene: &Scene, terms: &str) {
    let head = "[workflow]\nname = \"w\"\ncurrency = \"USD\"\n[workflow.approval]\n";
    let file = format!("{head}{terms}\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n");
    scene.write("w.toml", &file);
    scene.record(&["define", "w.toml"]);
}

/// Asks under an id that says which request it is; whatever the answer.
fn ask(scene: &Scene, id: &str, more: &[&str]) -> Ran {
    let id = format!("key:{id}");
    scene.run(&[&["approval", "request", "--id", &id], more].concat())
}

/// Asks for something that waits for a person.
fn ask_pending(scene: &Scene, id: &str) -> Ran {
    let ran = ask(
        scene,
        id,
        &["delete_plan", "--estimate", "12.00", "--items", "3", "--impact", "deletes 3 plans"],
    );
    assert_eq!(ran.code, 75, "{}", ran.picture());
    ran
}

/// Returns the id of a request.
fn id_of(ran: &Ran) -> String {
    ran.json()["approval"]["id"].as_str().expect("an id").to_owned()
}

/// Runs each command as text and with `--json`; each must be refused with the exit code and change nothing.
fn refused(name: &str, scene: &Scene, runs: &[(i32, &[&str])]) {
    let before = scene.run(&["export"]).stdout;
    let mut pictured = Vec::new();
    for (code, args) in runs {
        for json in [false, true] {
            let args: Vec<_> = args.iter().copied().chain(json.then_some("--json")).collect();
            let ran = scene.run(&args);
            assert_eq!((ran.code, ran.stdout.as_str()), (*code, ""), "{}", ran.picture());
            pictured.push(ran);
        }
    }
    assert_eq!(before, scene.run(&["export"]).stdout, "a refused command changed the log");
    assert_snapshot(name, &pictures(pictured));
}

#[test]
fn a_policy_decides() {
    let scene = scene("high_impact = [\"drop_all\"]");
    let runs = [
        (0, ["cheap", "--estimate", "4.99", "--items", "10"].as_slice()),
        (75, &["middling", "--estimate", "5.00", "--items", "1", "--phase", "a"]),
        (75, &["dear", "--estimate", "20.01", "--items", "11", "--impact", "spends\nmuch"]),
        (1, &["dearest", "--estimate", "50.01", "--items", "1"]),
        (1, &["many", "--estimate", "0", "--items", "21"]),
        (75, &["drop_all", "--estimate", "0", "--items", "0"]),
        (0, &["middling", "--estimate", "19.99", "--items", "1", "--auto-approve-below", "20"]),
        (75, &["dear", "--estimate", "20.01", "--items", "1", "--auto-approve-below", "1000"]),
        (75, &["cheap", "--estimate", "4.99", "--items", "1", "--auto-approve-below", "0"]),
    ];
    let runs = runs.iter().enumerate().map(|(number, (code, args))| {
        let ran = ask(&scene, &format!("r{number}"), args);
        assert_eq!(ran.code, *code, "{}", ran.picture());
        ran
    });
    assert_snapshot("approval_policy", &pictures(runs));
    assert_eq!(scene.ok(&["verify", "--json"]).json()["table"], "right");
}

#[test]
fn a_request_in_json() {
    let scene = scene("");
    let granted =
        ask(&scene, "r", &["cheap", "--estimate", "1", "--items", "1", "--meta", "n=1.10", "--json"]);
    let pending = ask(&scene, "s", &["dear", "--estimate", "30", "--items", "1", "--json"]);
    let preview = ask(&scene, "t", &["dear", "--estimate", "60", "--items", "1", "--json", "--dry-run"]);
    assert_eq!((granted.code, pending.code, preview.code), (0, 75, 1));
    assert_eq!(
        (&granted.json()["decision"], &pending.json()["decision"]),
        (&"granted".into(), &"pending".into())
    );
    let plain = ask(&scene, "t", &["dear", "--estimate", "30", "--items", "1", "--dry-run"]);
    assert_eq!(plain.code, 75);
    assert_snapshot("approval_request_json", &pictures([granted, pending, preview, plain]));
    assert_eq!(scene.ok(&["approval", "list", "--json"]).json()["summary"]["total"], 2, "no preview");
}

#[test]
fn a_person_decides() {
    let scene = scene("");
    ask_pending(&scene, "r");
    ask_pending(&scene, "s");
    let bob = |verdict: &str, id: &str, more: &[&str]| {
        scene.run(&[&["approval", verdict, id, "--by", "bob", "--reason", "looked at it"], more].concat())
    };
    let runs = [
        bob("grant", "seq:2", &["--dry-run"]),
        bob("grant", "seq:2", &["--id", "key:grant"]),
        bob("grant", "seq:2", &["--id", "key:grant"]),
        bob("grant", "seq:2", &["--id", "key:grant", "--json"]),
        ask(
            &scene,
            "r",
            &["delete_plan", "--estimate", "12.00", "--items", "3", "--impact", "deletes 3 plans"],
        ),
        scene.run(&["approval", "reject", "seq:3", "--reason", "no longer wanted", "--id", "key:back"]),
        ask(
            &scene,
            "s",
            &["delete_plan", "--estimate", "12.00", "--items", "3", "--impact", "deletes 3 plans"],
        ),
        scene.run(&["show", "e2"]),
        scene.run(&["log"]),
    ];
    let codes: Vec<_> = runs.iter().map(|ran| ran.code).collect();
    assert_eq!(codes, [0, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_snapshot("approval_person", &pictures(runs));
    let hint = bob("reject", "seq:4", &[]);
    assert_eq!(hint.code, 6, "a decision's place names its request: {}", hint.picture());
}

#[test]
fn what_is_refused() {
    let scene = scene("");
    let id = id_of(&ask(&scene, "r", &["delete_plan", "--estimate", "12", "--items", "3", "--json"]));
    ask_pending(&scene, "s");
    scene.record(&["approval", "grant", "seq:3", "--reason", "fine", "--by", "bob"]);
    let unknown = "00000000-0000-5000-8000-000000000000";
    let long = "x".repeat(300);
    let grant = |id| ["approval", "grant", id, "--reason", "fine"];
    let ask = |estimate, items| ["approval", "request", "x", "--estimate", estimate, "--items", items];
    refused(
        "approval_refused",
        &scene,
        &[
            (6, &grant(&id)),
            (6, &["approval", "grant", "seq:3", "--reason", "again", "--by", "bob"]),
            (6, &["approval", "reject", "e3", "--reason", "after all", "--by", "bob"]),
            (4, &grant(unknown)),
            (4, &grant("ffff")),
            (4, &grant("seq:1")),
            (4, &grant("seq:99")),
            (2, &grant("fff")),
            (2, &grant("zebra")),
            (2, &grant("seq:x")),
            (2, &["approval", "grant", &id, "--reason", " "]),
            (2, &ask("NaN", "1")),
            (2, &ask("1e400", "1")),
            (2, &ask("0.1234567890", "1")),
            (2, &ask("-1", "1")),
            (2, &ask("1", "-1")),
            (2, &ask("1", "1.5")),
            (2, &["approval", "request", "x", "--estimate", "1"]),
            (2, &["approval", "request", " x", "--estimate", "1", "--items", "1"]),
            (2, &["approval", "request", &long, "--estimate", "1", "--items", "1"]),
            (
                2,
                &[
                    "approval",
                    "request",
                    "x",
                    "--estimate",
                    "1",
                    "--items",
                    "1",
                    "--auto-approve-below",
                    "-1",
                ],
            ),
            (4, &["approval", "request", "x", "--estimate", "1", "--items", "1", "--phase", "c"]),
            (4, &["approval", "request", "x", "--estimate", "1", "--items", "1", "--workflow", "v"]),
            (2, &["approval", "request", "x", "--estimate", "1", "--items", "1", "--wait", "soon"]),
            (4, &["approval", "list", "--workflow", "v"]),
            (4, &["approval", "list", "--phase", "c"]),
            (4, &["approval", "wait", "ffff"]),
        ],
    );
}

#[test]
fn a_start_of_an_id_that_several_have() {
    let scene = scene("");
    let ids = ["0199f3c1-aaaa-7bbb-8ccc-000000000001", "0199f3c1-bbbb-7bbb-8ccc-000000000002"];
    for id in ids {
        scene.run(&["approval", "request", "delete_plan", "--estimate", "12", "--items", "3", "--id", id]);
    }
    let ran = scene.run(&["approval", "grant", "0199f3c1", "--reason", "fine", "--by", "bob"]);
    assert_eq!(ran.code, 2);
    assert_snapshot("approval_ambiguous", &ran.picture());
    for start in ["0199f3c1-a", "0199F3C1BBBB"] {
        let ran = scene.ok(&["approval", "grant", start, "--reason", "fine", "--by", "bob"]);
        assert!(ran.stdout.contains("approval_granted"), "{}", ran.picture());
    }
}

#[test]
fn a_definition_says_who_may() {
    let scene = scene("self_approval = true\nrequire_above = \"6\"");
    ask_pending(&scene, "r");
    ask_pending(&scene, "s");
    let own = scene.record(&["approval", "grant", "seq:2", "--reason", "mine"]);
    assert_eq!(own.code, 0);
    // The policy in force when a person decides says whether they may.
    define(&scene, "");
    let refused = scene.run(&["approval", "grant", "seq:3", "--reason", "mine"]);
    assert_eq!(refused.code, 6, "{}", refused.picture());
    let json = scene.ok(&["show", "e1", "--json"]).json();
    let written = serde_json::json!({"require_above": "6", "self_approval": true});
    assert_eq!(json["event"]["data"]["definition"]["approval"], written, "only what was written");
}

#[test]
fn lists_are_as_of_any_moment() {
    let scene = scene("");
    scene.clock("2025-10-29T20:00:01Z");
    ask_pending(&scene, "r");
    ask(&scene, "s", &["cheap", "--estimate", "1", "--items", "1", "--phase", "b"]);
    scene.clock("2025-10-29T20:05:00Z");
    scene.record(&["approval", "grant", "seq:2", "--reason", "fine", "--by", "bob"]);
    scene.record(&["reset", "--all", "--reason", "anew"]);
    let list = |more: &[&str]| scene.ok(&[&["approval", "list"], more].concat());
    let runs = [
        list(&[]),
        list(&["--pending"]),
        list(&["--decided", "--phase", "b"]),
        list(&["--at", "e2"]),
        list(&["--before", "e2"]),
        list(&["--known-at", "20:03", "--pending"]),
        list(&["--workflow", "w", "--json"]),
        list(&["--at", "e2", "--json"]),
    ];
    assert_snapshot("approval_list", &pictures(runs));
}

#[test]
fn a_report_has_a_section() {
    let scene = scene("");
    ask_pending(&scene, "r");
    ask(&scene, "s", &["many", "--estimate", "1", "--items", "21", "--phase", "b", "--impact", "a|b\n`c`"]);
    ask(&scene, "t", &["dear|er", "--estimate", "21", "--items", "1", "--phase", "a"]);
    scene.record(&["approval", "grant", "seq:2", "--reason", "fine | so be it", "--by", "bob"]);
    let report = scene.ok(&["report"]).stdout;
    let (_, rest) = report.split_once("## Approvals").expect("a section");
    let (section, _) = rest.split_once("\n## ").expect("another section");
    assert_snapshot("approval_report", section.trim());
    let json = scene.ok(&["report", "--json"]).json();
    let statuses = json["workflows"][0]["approvals"].as_array().expect("a list").iter();
    let statuses: Vec<_> = statuses.map(|one| one["status"].as_str().expect("a text").to_owned()).collect();
    assert_eq!(statuses, ["GRANTED", "AUTO_REJECTED", "PENDING"]);
    let before = scene.ok(&["report", "--at", "e1"]).stdout;
    assert!(!before.contains("Approvals"), "nobody had asked");
}

#[test]
fn lines_of_append() {
    let scene = scene("");
    let request = "01990000-0000-7000-8000-000000000001";
    let lines = [
        r#"{"do":"approval_request","operation":"cheap","estimate":1.10,"items":1,"id":"key:l1"}"#.to_owned(),
        format!(r#"{{"do":"approval_request","operation":"x","estimate":"20.01","items":1,"impact":"y","phase":"a","metadata":{{"n":1}},"id":"{request}"}}"#),
        format!(r#"{{"do":"approval_grant","request":"{request}","reason":"fine","by":"bob","id":"key:l3"}}"#),
        r#"{"do":"approval_request","operation":"x","estimate":7,"items":1,"auto_approve_below":"7.01","id":"key:l4"}"#.to_owned(),
        r#"{"do":"approval_request","operation":"x","estimate":7,"items":1,"id":"key:l5"}"#.to_owned(),
        r#"{"do":"approval_reject","request":"key:l5","reason":"no","id":"key:l6"}"#.to_owned(),
    ];
    let first = fed(&scene, &lines.join("\n"));
    let again = fed(&scene, &lines.join("\n"));
    assert!(again.lines().filter(|line| line.contains("\"duplicate\"")).count() == lines.len(), "{again}");
    let refused = [
        r#"{"do":"approval_request","operation":"x","estimate":1e400,"items":1}"#,
        r#"{"do":"approval_request","operation":"x","estimate":-1,"items":1}"#,
        r#"{"do":"approval_request","operation":"x\u0000","estimate":1,"items":1}"#,
        r#"{"do":"approval_request","operation":"x","estimate":1,"items":1,"phase":"a","workflow":"w"}"#,
        r#"{"do":"approval_request","operation":"x","estimate":1}"#,
        r#"{"do":"approval_grant","request":"0199","reason":"x"}"#,
        r#"{"do":"approval_grant","request":"key:l5","reason":"x"}"#,
        r#"{"do":"approval_grant","request":"key:none","reason":"x"}"#,
        r#"{"do":"approval_reject","request":"key:l5"}"#,
    ];
    let refused: String = refused.iter().map(|line| fed(&scene, line)).collect();
    assert_snapshot("approval_append", &format!("{first}{refused}"));
    let list = scene.ok(&["approval", "list", "--json"]).json();
    assert_eq!(list["approvals"][0]["estimate"], "1.10", "no digit is lost");
}

/// Runs `append` with lines, and returns what it answers.
fn fed(scene: &Scene, lines: &str) -> String {
    let mut command = scene.command();
    command.args(["append"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{lines}").expect("the program reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("the program exits by itself");
    format!("{lines}\n--- exit {code}\n{}{}", text(output.stdout), text(output.stderr))
}

#[test]
fn terms_that_are_refused() {
    let scene = Scene::made();
    let mut runs = Vec::new();
    for terms in [
        "auto_aprove_below = \"5\"",
        "auto_approve_below = \"30\"",
        "require_above = \"50.01\"\nreject_above = 50",
        "reject_above = \"-1\"",
        "reject_above = true",
        "require_above = \"1e400\"",
        "items = 0",
        "items = \"10\"",
        "items = 1.5",
        "self_approval = \"yes\"",
        "high_impact = \"drop\"",
        "high_impact = [\"drop\", \" x\"]",
        "high_impact = [[\"drop\"]]",
    ] {
        let file = format!("[workflow]\nname = \"w\"\n[workflow.approval]\n{terms}\n[[phase]]\nid = \"a\"\n");
        scene.write("w.toml", &file);
        runs.push(scene.run(&["define", "w.toml"]));
    }
    for json in [
        r#"{"workflow":{"name":"w","approval":{"items":0}},"phases":[{"id":"a"}]}"#,
        r#"{"workflow":{"name":"w","approval":[]},"phases":[{"id":"a"}]}"#,
        r#"{"workflow":{"name":"w","items":5},"phases":[{"id":"a"}]}"#,
        r#"{"workflow":{"name":"w","approval":{"self_approval":null}},"phases":[{"id":"a"}]}"#,
    ] {
        scene.write("w.json", json);
        runs.push(scene.run(&["define", "w.json"]));
    }
    assert!(runs.iter().all(|ran| ran.code == 2));
    assert_snapshot("approval_terms_refused", &pictures(runs));
    let good = r#"{"workflow":{"name":"w","approval":{"items":3,"self_approval":false,"high_impact":["x"],
        "auto_approve_below":1.50,"require_above":"1.5","reject_above":2.0}},"phases":[{"id":"a"}]}"#;
    scene.write("w.json", good);
    scene.record(&["define", "w.json"]);
}
