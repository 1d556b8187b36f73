//! What is not taken back, and what is said instead.

use serde_json::{Value, json};

use super::{WORKFLOW, ran};
use crate::cli::Scene;

/// Returns how taking something back is refused.
fn refused(scene: &Scene, event: &str, exit: i32) -> Value {
    let before = scene.ok(&["export"]).stdout;
    let ran = scene.run(&["revert", event, "--reason", "r", "--json"]);
    assert_eq!(ran.code, exit, "{}", ran.picture());
    assert_eq!(ran.stdout, "", "{}", ran.picture());
    assert_eq!(scene.ok(&["export"]).stdout, before, "nothing is written");
    let error: Value = serde_json::from_str(&ran.stderr).expect("JSON");
    assert!(!error["error"]["hint"].as_str().unwrap_or_default().is_empty(), "{error:#}");
    error["error"].clone()
}

/// Asserts what is said, and what is advised.
fn says(error: &Value, message: &str, hint: &str) {
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    assert!(text("message").contains(message), "{error:#}, expected {message}");
    assert!(text("hint").contains(hint), "{error:#}, expected {hint}");
}

#[test]
fn found_31_what_happened_is_not_taken_back_and_the_verb_that_helps_is_named() {
    let scene = ran();
    scene.ok(&["start", "a", "--rerun", "--reason", "again"]);
    scene.ok(&["fail", "a", "--error", "no"]);
    scene.ok(&["reset", "c", "--reason", "r"]);
    scene.ok(&["reset", "--all", "--reason", "r"]);
    scene.ok(&["approval", "request", "op", "--estimate", "1", "--items", "1"]);
    let kind = |event: &str| scene.ok(&["show", event, "--json"]).json()["event"]["kind"].clone();
    let mut seen = Vec::new();
    let head = kind("head");
    assert_eq!(head, "approval_granted", "by the policy");
    for (event, hint) in [
        ("e2", "`start --take-over`"),
        ("e3", "`rerun`"),
        ("e8", "`fail` ends the attempt"),
        ("e12", "`start`"),
        ("e13", "`start`"),
        ("e14", "`start`"),
        ("head", "`approval request`"),
    ] {
        let error = refused(&scene, event, 6);
        assert_eq!(error["code"], "cannot_revert");
        says(&error, "cannot revert e", hint);
        seen.push(kind(event));
    }
    let kinds = json!([
        "phase_started",
        "phase_completed",
        "rerun_marked",
        "phase_failed",
        "phase_reset",
        "phase_reset",
        "approval_granted",
    ]);
    assert_eq!(json!(seen), kinds);
}

#[test]
fn found_31_what_a_rule_derived_is_not_taken_back_by_itself() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "r"]);
    let error = refused(&scene, "e10", 6);
    says(&error, "cannot revert e10 (`rerun_marked`): it was derived from what e8 asked for", "revert e8");
    assert_eq!(error["command"], 8);
    let id = scene.ok(&["show", "e10", "--json"]).json()["event"]["id"].clone();
    let line = json!({"do": "revert", "event": id, "reason": "r"}).to_string();
    scene.write("line", &line);
    let ran = scene.run(&["append", "line"]);
    assert_eq!(ran.code, 4, "{}", ran.picture());
    says(&refused(&scene, "key:nobody", 4), "as its first event", "`phaseledger log`");
    says(&refused(&scene, "e99", 4), "there is no event 99", "`phaseledger log`");
}

#[test]
fn found_31_what_no_longer_is_so_is_not_taken_back() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "r"]);
    scene.ok(&["start", "a"]);
    says(&refused(&scene, "e8", 6), "nothing of it is left since e11", "`phaseledger show e8`");
    scene.ok(&["tag", "t", "e2"]);
    scene.ok(&["tag", "t", "e3", "--force"]);
    says(&refused(&scene, "e12", 6), "nothing of it is left since e13", "show e12");
    scene.ok(&["meta", "b", "k=1"]);
    scene.ok(&["meta", "b", "k=2"]);
    says(&refused(&scene, "e14", 6), "nothing of it is left", "show e14");
    scene.ok(&["cost", "limit", "b", "5"]);
    scene.ok(&["cost", "limit", "b", "6"]);
    says(&refused(&scene, "e16", 6), "nothing of it is left", "show e16");
    scene.ok(&["skip", "b", "--reason", "r"]);
    scene.ok(&["reset", "b", "--reason", "r"]);
    assert_eq!(scene.ok(&["show", "e18", "--json"]).json()["event"]["kind"], "phase_skipped");
    says(&refused(&scene, "e18", 6), "nothing of it is left since e", "show e18");
    scene.ok(&["note", "n"]);
    scene.ok(&["revert", "head", "--reason", "r"]);
    let last = scene.ok(&["show", "head", "--json"]).json()["event"]["seq"].as_u64().expect("a place");
    let error = refused(&scene, &format!("e{}", last - 1), 6);
    says(&error, &format!("is reverted already, by e{last}"), &format!("revert e{last}"));
    assert_eq!(error["by"], last);
}

#[test]
fn found_31_what_others_rest_on_is_refused_with_the_list() {
    let scene = ran();
    says(&refused(&scene, "e1", 6), "nothing of `w` was in force before", "define --retire w");
    scene.write("v2.toml", &format!("{WORKFLOW}[[phase]]\nid = \"d\"\n[[phase]]\nid = \"e\"\n"));
    scene.ok(&["define", "v2.toml"]);
    scene.ok(&["start", "d"]);
    scene.ok(&["cost", "record", "e", "1"]);
    let error = refused(&scene, "e8", 6);
    says(
        &error,
        "cannot revert e8 (`workflow_defined`): e9 of `w/d`, e10 of `w/e` came of it",
        "what was done stays",
    );
    assert_eq!(error["events"], json!([9, 10]));
    scene.run(&["approval", "request", "op", "--estimate", "30", "--items", "1", "--phase", "a"]);
    scene.ok(&["approval", "grant", "e11", "--reason", "r"]);
    scene.ok(&["start", "a", "--rerun", "--reason", "leave is given"]);
    let error = refused(&scene, "e12", 6);
    says(&error, "cannot revert e12 (`approval_granted`): e", "what was done stays");
    // A definition of another workflow needs what would be gone.
    let scene = ran();
    scene.write("v2.toml", &format!("{WORKFLOW}[[phase]]\nid = \"d\"\n"));
    scene.ok(&["define", "v2.toml"]);
    scene.write("x.toml", "[workflow]\nname = \"x\"\n[[phase]]\nid = \"y\"\nneeds = [\"w/d\"]\n");
    scene.ok(&["define", "x.toml"]);
    says(&refused(&scene, "e8", 6), "the definition drops `w/d`, which `x/y` needs", "`x`");
    // More would be given back than was spent: some of it was.
    scene.ok(&["cost", "record", "a", "9"]);
    scene.ok(&["cost", "record", "a", "-5", "--refund"]);
    let spent = scene.ok(&["log", "--kind", "cost_recorded", "--json", "-n", "2"]).stdout;
    let first: Value = serde_json::from_str(spent.lines().next().expect("a line")).expect("JSON");
    let error = refused(&scene, &format!("e{}", first["seq"]), 6);
    assert_eq!(error["code"], "refund_too_large");
}

#[test]
fn found_31_what_a_scan_says_goes_with_the_files() {
    let scene = Scene::made();
    scene.write("in", "1");
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in\"]\n");
    scene.ok(&["define", "w.toml"]);
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a"]);
    scene.write("in", "2");
    scene.ok(&["scan"]);
    says(&refused(&scene, "e4", 6), "cannot revert e4 (`rerun_marked`)", "goes and comes with the files");
}
