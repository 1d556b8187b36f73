//! A workflow that retires, and comes back.

use serde_json::{Value, json};

use super::{PHASES, define, file, ran};
use crate::cli::{Ran, Scene};

fn retire(scene: &Scene, name: &str) -> Ran {
    scene.run(&["define", "--retire", name, "--reason", "the wrong file"])
}

fn error(ran: &Ran) -> Value {
    serde_json::from_str::<Value>(&ran.stderr).expect("JSON")["error"].clone()
}

#[test]
fn found_29_a_wrong_definition_is_removed_and_names_are_free_again() {
    let scene = ran();
    scene.define("wrong", &[("join", &[]), ("extra", &[])]);
    scene.ok(&["start", "wrong/join"]);
    assert_eq!(scene.run(&["why", "join"]).code, 2, "ambiguous");
    let ran = retire(&scene, "wrong");
    assert_eq!(ran.code, 0, "{}", ran.picture());
    assert!(
        ran.stdout.contains("workflow_retired wrong  2 phases retired: the wrong file"),
        "{}",
        ran.picture()
    );
    assert!(
        ran.stderr.contains("`wrong/join` retires with its history: 1 attempt, IN_PROGRESS"),
        "{}",
        ran.picture()
    );
    scene.ok(&["why", "join"]);
    for verb in [&["status"][..], &["next"], &["graph"]] {
        let stdout = scene.ok(verb).stdout;
        assert!(!stdout.contains("wrong") && !stdout.contains("extra"), "{verb:?}: {stdout}");
        assert!(!stdout.contains("w/load"), "there is one workflow: {stdout}");
    }
    let report = scene.ok(&["report"]).stdout;
    assert!(report.starts_with("# Workflow report: w\n") && !report.contains("`extra`"), "{report}");
    // The only workflow there is needs no name.
    scene.ok(&["reset", "--all", "--reason", "r"]);
    assert!(scene.ok(&["log", "--workflow", "wrong"]).stdout.contains("the wrong file"));
    assert!(scene.ok(&["show", "wrong/join"]).stdout.contains("retired"));
    assert!(scene.ok(&["status", "--all", "--workflow", "wrong"]).stdout.contains("extra"));
    assert!(scene.ok(&["status", "--before", "head"]).stdout.contains("load"));
    scene.ok(&["verify"]);
}

#[test]
fn found_29_what_others_need_does_not_retire() {
    let scene = ran();
    scene.define("below", &[("a", &["w/join"]), ("b", &["w/draw", "a"])]);
    let before = scene.ok(&["export"]).stdout;
    let ran = scene.run(&["define", "--retire", "w", "--reason", "r", "--json"]);
    assert_eq!(ran.code, 6);
    let error = error(&ran);
    assert_eq!(error["code"], "still_needed");
    assert_eq!(error["message"], "cannot retire `w`: `below/a` needs `w/join`, `below/b` needs `w/draw`");
    assert_eq!(error["needed_by"], json!(["below/a", "below/b"]));
    assert_eq!(scene.ok(&["export"]).stdout, before);
    assert_eq!(retire(&scene, "below").code, 0);
    assert_eq!(retire(&scene, "w").code, 0);
    assert!(scene.run(&["status"]).stderr.contains("nothing is in force: `below`, `w` are retired"));
}

#[test]
fn found_29_what_is_retired_is_named_so_and_money_stays() {
    let scene = Scene::made();
    define(&scene, PHASES);
    let other =
        file("other", PHASES).replace("name = 'other'", "name = 'other'\ncurrency = 'USD'\ncost_limit = '5'");
    scene.write("other.toml", &other);
    scene.ok(&["define", "other.toml"]);
    scene.ok(&["cost", "record", "other/load", "2"]);
    scene.define("never", &[("x", &[])]);
    assert_eq!(retire(&scene, "other").code, 0);
    assert_eq!(retire(&scene, "never").code, 0);
    let summary = scene.ok(&["cost", "summary", "--json"]).json();
    let of = |at: usize| {
        json!([
            summary["workflows"][at]["workflow"],
            summary["workflows"][at]["spent"],
            summary["workflows"][at]["retired"]
        ])
    };
    assert_eq!(of(0), json!(["other", "2", true]));
    assert_eq!(of(1), json!(["w", "0", null]));
    assert_eq!(summary["workflows"].as_array().map(Vec::len), Some(2), "what cost nothing is not told");
    assert!(
        scene
            .ok(&["cost", "summary", "--workflow", "other"])
            .stdout
            .contains("other (retired): 2 USD spent of 5 USD")
    );
    for args in [
        &["status", "--workflow", "other", "--json"][..],
        &["define", "--retire", "other", "--reason", "r", "--json"],
        &["reset", "--all", "--workflow", "other", "--reason", "r", "--json"],
        &["cost", "limit", "7", "--workflow=other", "--json"],
        &["define", "--print", "--workflow", "other", "--json"],
    ] {
        let ran = scene.run(args);
        let error = error(&ran);
        assert_eq!((ran.code, &error["code"]), (4, &json!("retired_workflow")), "{}", ran.picture());
        assert_eq!(error["message"], "the workflow `other` is retired since e5");
    }
    assert_eq!(scene.run(&["define", "--retire", "nobody", "--reason", "r"]).code, 4);
    assert_eq!(scene.run(&["define", "--retire", "w"]).code, 2, "it needs a reason");
    // What was spent in a currency stays in it.
    scene.write("other.toml", &other.replace("USD", "EUR"));
    assert_eq!(scene.run(&["define", "other.toml"]).code, 6);
}

#[test]
fn found_29_to_define_it_again_brings_it_back_as_it_was_and_judges_it_anew() {
    let scene = ran();
    let status = |scene: &Scene| {
        let json = scene.ok(&["status", "--json"]).json();
        let phases = json["phases"].as_array().expect("phases").iter();
        phases
            .map(|phase| json!([phase["phase"], phase["state"], phase["attempt"], phase["metadata"]]))
            .collect::<Vec<_>>()
    };
    scene.ok(&["meta", "load", "books=3"]);
    let before = status(&scene);
    assert_eq!(retire(&scene, "w").code, 0);
    assert!(status(&scene).is_empty());
    let ran = scene.ok(&["define", "w.toml"]);
    assert!(ran.stdout.starts_with("appended"), "the very same definition: {}", ran.picture());
    assert_eq!(status(&scene), before);
    assert_eq!(retire(&scene, "w").code, 0);
    let ran = define(&scene, &PHASES.replace("'1'", "'2'"));
    assert!(ran.stdout.contains("rerun_marked load"), "{}", ran.picture());
    assert_eq!(status(&scene)[0][1], "NEEDS_RERUN");
    scene.ok(&["verify"]);
}

#[test]
fn found_29_a_retirement_and_a_first_definition_are_taken_back() {
    let scene = ran();
    scene.define("wrong", &[("join", &[]), ("extra", &[])]);
    let ran = scene.ok(&["revert", "head", "--reason", "the wrong file"]);
    assert!(
        ran.stdout.contains("workflow_retired wrong  2 phases retired: the wrong file"),
        "{}",
        ran.picture()
    );
    assert_eq!(scene.run(&["status", "--workflow", "wrong"]).code, 4);
    let ran = scene.ok(&["revert", "head", "--reason", "no, it was right"]);
    assert!(ran.stdout.contains("workflow_defined wrong  2 phases"), "{}", ran.picture());
    assert_eq!(retire(&scene, "w").code, 0);
    scene.ok(&["revert", "head", "--reason", "still used"]);
    assert!(scene.ok(&["status", "--workflow", "w"]).stdout.contains("3 COMPLETE"));
    // Nothing is left of a retirement once it is defined again.
    assert_eq!(retire(&scene, "wrong").code, 0);
    scene.ok(&["define", "wrong.toml"]);
    let log = scene.ok(&["log", "--kind", "workflow_retired", "--json"]).stdout;
    let last: Value = serde_json::from_str(log.lines().last().expect("one")).expect("JSON");
    let ran = scene.run(&["revert", &format!("e{}", last["seq"]), "--reason", "r"]);
    assert!(ran.code == 6 && ran.stderr.contains("nothing of it is left since"), "{}", ran.picture());
    scene.ok(&["verify"]);
}

#[test]
fn found_29_a_first_definition_stays_where_work_was_done_or_others_need_it() {
    let scene = ran();
    let refused = scene.run(&["revert", "e1", "--reason", "r", "--json"]);
    let error_ = error(&refused);
    assert_eq!((refused.code, &error_["code"]), (6, &json!("cannot_revert")));
    let message = error_["message"].as_str().expect("a message");
    assert!(message.contains("nothing of `w` was in force before, and `w/draw` (e7)"), "{message}");
    assert!(error_["hint"].as_str().expect("a hint").contains("define --retire w"), "{error_:#}");
    scene.define("above", &[("a", &[])]);
    scene.define("below", &[("b", &["above/a"])]);
    let refused = scene.run(&["revert", "e8", "--reason", "r", "--json"]);
    assert_eq!((refused.code, &error(&refused)["code"]), (6, &json!("still_needed")));
}

#[test]
fn a_line_retires_too_and_an_id_makes_it_safe() {
    let scene = ran();
    let line = r#"{"do":"retire","workflow":"w","reason":"done","id":"key:r"}"#;
    scene.write(
        "lines",
        &format!("{line}\n{line}\n{{\"do\":\"retire\",\"workflow\":\"w\",\"reason\":\"r\"}}\n"),
    );
    let ran = scene.run(&["append", "lines", "--json"]);
    let answers: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0]["status"], "appended");
    assert_eq!(answers[1]["status"], "duplicate");
    assert_eq!(ran.code, 4, "{}", ran.picture());
    // An export has it, and a salvage would.
    let copy = Scene::empty();
    let file = |scene: &Scene, name: &str| std::fs::read(scene.dir().join(name)).expect("a file");
    scene.ok(&["export", "-o", "all.jsonl"]);
    std::fs::write(copy.dir().join("all.jsonl"), file(&scene, "all.jsonl")).expect("the folder takes a file");
    copy.ok(&["import", "all.jsonl"]);
    copy.ok(&["export", "-o", "again.jsonl"]);
    assert_eq!(file(&copy, "again.jsonl"), file(&scene, "all.jsonl"));
    assert_eq!(copy.run(&["status", "--workflow", "w"]).code, 4);
}
