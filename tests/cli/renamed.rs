//! Phases that get another name: their history comes along, and nothing must run again for that.

use serde_json::{Value, json};

use crate::cli::Scene;

/// Writes and defines a workflow of a chain; of each phase its name and, where that is another, what it was called.
fn define(scene: &Scene, phases: &[(&str, Option<&str>)]) -> crate::cli::Ran {
    write(scene, phases);
    scene.ok(&["define", "w.toml"])
}

fn write(scene: &Scene, phases: &[(&str, Option<&str>)]) {
    let mut file = "[workflow]\nname = \"w\"\ncurrency = \"USD\"\n".to_owned();
    let mut above: Option<&str> = None;
    for (id, from) in phases {
        file.push_str(&format!("[[phase]]\nid = {id:?}\n"));
        above.iter().for_each(|need| file.push_str(&format!("needs = [{need:?}]\n")));
        from.iter().for_each(|from| file.push_str(&format!("renamed_from = {from:?}\n")));
        above = Some(id);
    }
    scene.write("w.toml", &file);
}

fn run(scene: &Scene, phases: &[&str]) {
    for phase in phases {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase]);
    }
}

/// A chain of three that has run; the second one cost something and has a note.
fn ran() -> Scene {
    let scene = Scene::made();
    define(&scene, &[("a", None), ("b", None), ("c", None)]);
    run(&scene, &["a", "b", "c"]);
    scene.ok(&["cost", "record", "b", "1.50"]);
    scene.ok(&["note", "--phase", "b", "slow today"]);
    scene
}

fn phases(scene: &Scene, args: &[&str]) -> Vec<Value> {
    let status = scene.ok(&[&["status", "--json"], args].concat()).json();
    let phases = status["phases"].as_array().expect("a list").iter();
    phases.map(|phase| json!([phase["phase"], phase["state"], phase["attempt"]])).collect()
}

#[test]
fn found_30_a_rename_takes_the_history_along() {
    let scene = ran();
    let before = scene.ok(&["show", "b", "--json"]).json();
    write(&scene, &[("a", None), ("bb", Some("b")), ("c", None)]);
    let dry = scene.ok(&["define", "w.toml", "--dry-run", "--json"]).json();
    let wet = scene.ok(&["define", "w.toml", "--json"]).json();
    assert_eq!((&dry["renamed"], &dry["derived"]), (&wet["renamed"], &wet["derived"]));
    assert_eq!(wet["renamed"], json!([{"from": "b", "to": "bb"}]));
    assert_eq!(wet["derived"], json!([]), "nothing must run again");
    let event = scene.ok(&["show", "head", "--json"]).json()["event"].clone();
    assert!(event["data"].get("added").is_none() && event["data"].get("retired").is_none(), "{event:#}");

    let complete = |name: &str| json!([name, "COMPLETE", 1]);
    assert_eq!(phases(&scene, &[]), ["a", "bb", "c"].map(complete));
    assert_eq!(phases(&scene, &["--before", "head"]), ["a", "b", "c"].map(complete), "the name of that time");
    let after = scene.ok(&["show", "bb", "--json"]).json();
    assert_eq!((&after["attempts"], &after["notes"]), (&before["attempts"], &before["notes"]));
    assert_eq!(after["renamed"], json!([{"from": "b", "seq": wet["seq"]}]));
    assert_eq!(scene.ok(&["log", "--phase", "bb"]).stdout.lines().count(), 4);
    let by = scene.ok(&["cost", "by", "phase", "--json"]).json();
    assert_eq!((&by["groups"][0]["key"], &by["groups"][0]["spent"]), (&json!("w/bb"), &json!("1.50")));
    let summary = scene.ok(&["cost", "summary", "--json"]).json();
    let workflow = &summary["workflows"][0];
    assert_eq!(
        (&workflow["phases"][0]["phase"], &workflow["last"][0]["phase"]),
        (&json!("bb"), &json!("bb"))
    );
    scene.ok(&["verify"]);
}

#[test]
fn found_30_the_old_name_says_what_it_is_called_since_when() {
    let scene = ran();
    define(&scene, &[("a", None), ("bb", Some("b")), ("c", None)]);
    for args in [vec!["rerun", "b", "--reason", "x"], vec!["why", "b"], vec!["log", "--phase", "b"]] {
        let refused = scene.run(&args);
        assert_eq!(refused.code, 4, "{}", refused.picture());
        assert!(refused.stderr.contains("it is called `w/bb` since e10"), "{}", refused.picture());
    }
    let refused = scene.run(&["rerun", "w/b", "--reason", "x", "--json"]);
    let error: Value = serde_json::from_str(&refused.stderr).expect("JSON");
    assert_eq!(error["error"]["renamed"], json!({"now": "w/bb", "since": 10}));
    assert_eq!(scene.run(&["why", "bb", "--at", "e9"]).code, 4, "nothing was called so then");
    scene.ok(&["why", "b", "--at", "e9"]);
    // What is called otherwise once more is told by its last name.
    define(&scene, &[("a", None), ("bbb", Some("bb")), ("c", None)]);
    assert!(scene.run(&["why", "b"]).stderr.contains("it is called `w/bbb` since e11"));
    // The name may be given to another phase, and means that from then on.
    define(&scene, &[("a", None), ("bbb", None), ("b", None), ("c", None)]);
    assert_eq!(scene.ok(&["show", "b", "--json"]).json()["attempts"], json!([]));
}

#[test]
fn found_30_causes_of_before_are_told_by_the_names_of_now() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "new books"]);
    define(&scene, &[("aa", Some("a")), ("b", None), ("c", None)]);
    let why = scene.ok(&["why", "c"]).stdout;
    assert!(why.contains("a (now aa) was marked for rerun by ana"), "{why}");
    let json = scene.ok(&["why", "c", "--json"]).json();
    let roots: Vec<_> = json["roots"].as_array().expect("a list").iter().collect();
    assert_eq!((roots.len(), &roots[0]["phase"], &roots[0]["phase_now"]), (1, &json!("a"), &json!("aa")));
    // It runs again under its new name, which ends what was said of the old one.
    run(&scene, &["aa", "b", "c"]);
    assert!(phases(&scene, &[]).iter().all(|phase| phase[1] == "COMPLETE"));
    scene.ok(&["verify"]);
}

#[test]
fn found_30_a_rename_is_taken_back_with_its_definition() {
    let scene = ran();
    let before = phases(&scene, &[]);
    define(&scene, &[("a", None), ("bb", Some("b")), ("c", None)]);
    run(&scene, &[]);
    scene.ok(&["rerun", "bb", "--reason", "again"]);
    run(&scene, &["bb", "c"]);
    let taken = scene.ok(&["revert", "e10", "--reason", "the old name was right", "--json"]).json();
    assert_eq!(taken["renamed"], json!([{"from": "bb", "to": "b"}]));
    assert_eq!(phases(&scene, &[])[1], json!(["b", "COMPLETE", 2]), "what was done since is its own too");
    assert_eq!(before[0], phases(&scene, &[])[0]);
    // And that once more.
    scene.ok(&["revert", "head~1", "--reason", "it was not"]);
    assert_eq!(phases(&scene, &[])[1], json!(["bb", "COMPLETE", 2]));
    // A note of the time before is struck out by the name of now.
    scene.ok(&["revert", "e9", "--reason", "it was fast"]);
    let note = &scene.ok(&["show", "bb", "--json"]).json()["notes"][0];
    assert!(note["reverted_by"].is_number(), "{note:#}");
    scene.ok(&["verify"]);
}

#[test]
fn found_30_a_rename_that_was_not_said_is_said_later() {
    let scene = ran();
    define(&scene, &[("a", None), ("bb", None), ("c", None)]);
    assert_eq!(phases(&scene, &[])[1], json!(["bb", "PENDING", 0]));
    assert_eq!(phases(&scene, &[])[2], json!(["c", "NEEDS_RERUN", 1]), "it has a need that it had not");
    let told = define(&scene, &[("a", None), ("bb", Some("b")), ("c", None)]);
    assert!(told.stdout.contains("renamed b → bb\n  ~ bb was b\n"), "{}", told.picture());
    let complete = |name: &str| json!([name, "COMPLETE", 1]);
    assert_eq!(phases(&scene, &[]), ["a", "bb", "c"].map(complete));
    let again = scene.ok(&["define", "w.toml"]);
    assert!(again.stdout.contains("unchanged") && again.stderr.is_empty(), "{}", again.picture());
    scene.ok(&["verify"]);
    // Back again: what had no history has none.
    scene.ok(&["revert", "head~1", "--reason", "they are two"]);
    assert_eq!(phases(&scene, &[])[1], json!(["bb", "PENDING", 0]));
    scene.ok(&["verify"]);
}

#[test]
fn found_30_two_histories_are_left_as_they_are() {
    let scene = ran();
    define(&scene, &[("a", None), ("bb", None), ("c", None)]);
    run(&scene, &["bb"]);
    let told = define(&scene, &[("a", None), ("bb", Some("b")), ("c", None)]);
    assert!(told.stderr.is_empty(), "nothing changed: {}", told.picture());
    let told = define(&scene, &[("a", None), ("bb", Some("b")), ("c", None), ("d", None)]);
    let both = "`bb` is not what was called `b`: both have a history, and keep it";
    assert!(told.stderr.contains(both), "{}", told.picture());
    let attempts =
        |phase: &str| scene.ok(&["show", phase, "--json"]).json()["attempts"][0]["started_seq"].clone();
    assert_eq!((attempts("b"), attempts("bb")), (json!(4), json!(12)));
    // A slip is told, once there is a history that could be meant; a new ledger knows no history.
    let told = define(&scene, &[("a", None), ("bb", None), ("c", None), ("d", None), ("e", Some("dd"))]);
    assert!(told.stderr.contains("no phase was ever called `dd`: `e` begins without a history"));
    let fresh = Scene::made();
    let told = define(&fresh, &[("a", Some("z")), ("bb", Some("b"))]);
    assert!(told.stderr.is_empty() && !told.stdout.contains("renamed"), "{}", told.picture());
    // The other way round: the new name is that of a retired phase with a history, and both keep theirs.
    define(&scene, &[("a", None), ("b", Some("bb")), ("c", None)]);
    assert_eq!((attempts("bb"), attempts("b")), (json!(4), json!(12)));
    assert_eq!(scene.ok(&["log", "--phase", "b"]).stdout.lines().count(), 2);
    scene.ok(&["verify"]);
}

#[test]
fn found_30_other_workflows_follow() {
    let scene = ran();
    let other = "[workflow]\nname = \"x\"\n[[phase]]\nid = \"p\"\nneeds = [\"w/c\"]\n";
    scene.write("x.toml", other);
    scene.ok(&["define", "x.toml"]);
    run(&scene, &["p"]);
    define(&scene, &[("a", None), ("b", None), ("cc", Some("c"))]);
    let needs = |at: &str| scene.ok(&["show", "p", "--at", at, "--json"]).json()["spec"]["needs"].clone();
    assert_eq!((needs("head"), needs("head~1")), (json!(["w/cc"]), json!(["w/c"])));
    assert!(scene.ok(&["define", "x.toml"]).stdout.contains("unchanged"));
    // The old name means the phase as long as no other has it.
    scene.write("x.toml", &format!("{other}description = \"published\"\n"));
    scene.ok(&["define", "x.toml"]);
    assert_eq!(needs("head"), json!(["w/cc"]));
    scene.write("x.toml", &other.replace("w/c", "w/cc"));
    scene.ok(&["define", "x.toml"]);
    let status = phases(&scene, &[]);
    assert!(status.iter().all(|phase| phase[1] == "COMPLETE"), "{status:?}");
    scene.ok(&["rerun", "cc", "--reason", "again"]);
    assert_eq!(phases(&scene, &["p"])[0][1], "NEEDS_RERUN");
    scene.ok(&["verify"]);
}

#[test]
fn found_30_what_cannot_be_a_rename_is_refused_at_its_line() {
    let scene = Scene::made();
    let refused = |file: &str| {
        scene.write("w.toml", file);
        let refused = scene.run(&["define", "w.toml"]);
        assert_eq!(refused.code, 2, "{}", refused.picture());
        refused.stderr
    };
    let twice = "[[phase]]\nid = \"a\"\nrenamed_from = \"z\"\n[[phase]]\nid = \"b\"\nrenamed_from = \"z\"\n";
    assert!(refused(twice).contains("w.toml:6:16: phases `a` and `b` are both renamed from `z`"));
    let there = "[[phase]]\nid = \"a\"\nrenamed_from = \"b\"\n[[phase]]\nid = \"b\"\n";
    assert!(refused(there).contains("w.toml:3:16: phase `a` is renamed from `b`, which is still a phase"));
    let swap = "[[phase]]\nid = \"a\"\nrenamed_from = \"b\"\n[[phase]]\nid = \"b\"\nrenamed_from = \"a\"\n";
    assert!(refused(swap).contains("phases swap names in two definitions"));
    let itself = "[[phase]]\nid = \"a\"\nrenamed_from = \"a\"\n";
    assert!(refused(itself).contains("w.toml:3:16: phase `a` is renamed from itself"));
    let need = "[[phase]]\nid = \"a2\"\nrenamed_from = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n";
    assert!(refused(need).contains("it is called `a2` here"));
}

#[test]
fn found_30_an_attempt_goes_on_under_its_new_name() {
    let scene = Scene::made();
    define(&scene, &[("a", None), ("b", None)]);
    write(&scene, &[("aa", Some("a")), ("b", None)]);
    let program = env!("CARGO_BIN_EXE_phaseledger");
    let ran = scene.ok(&["exec", "a", "--", "sh", "-c", &format!("{program} define w.toml >/dev/null")]);
    assert!(ran.stderr.contains("completed w/aa"), "{}", ran.picture());
    assert_eq!(phases(&scene, &[])[0], json!(["aa", "COMPLETE", 1]));
    assert_eq!(scene.ok(&["show", "aa", "--json"]).json()["attempts"][0]["outcome"], "completed");
    scene.ok(&["verify"]);
}

#[test]
fn found_30_a_history_of_before_the_rename_is_taken_in() {
    let scene = Scene::made();
    define(&scene, &[("a", None), ("b", None)]);
    define(&scene, &[("aa", Some("a")), ("b", None)]);
    let line = |time: &str, phase: &str, status: &str| {
        format!("{{\"at\":\"2025-10-01T{time}Z\",\"phase\":\"{phase}\",\"event\":\"{status}\"}}\n")
    };
    let history = [line("10:00:00", "aa", "start"), line("11:00:00", "aa", "complete")].concat();
    scene.write("h.jsonl", &history);
    let taken = scene.run(&["import", "--format", "history", "h.jsonl"]);
    assert_eq!(taken.code, 0, "{}", taken.picture());
    let attempt = scene.ok(&["show", "aa", "--json"]).json()["attempts"][0].clone();
    assert_eq!((&attempt["duration_seconds"], &attempt["outcome"]), (&json!(3600.0), &json!("completed")));
    // In a cut of that time there is one phase, by the name that the history has for it.
    let then = phases(&scene, &["--at", "2025-10-01T12:00:00Z"]);
    assert_eq!(then, [json!(["aa", "COMPLETE", 1]), json!(["b", "PENDING", 0])]);
    scene.ok(&["verify"]);
    // And the whole of it is the same elsewhere.
    let (file, again) = (scene.dir().join("e.jsonl"), scene.dir().join("again.jsonl"));
    let (file, again) = (file.to_str().expect("a path"), again.to_str().expect("a path"));
    scene.ok(&["export", "-o", file]);
    let other = Scene::empty();
    other.ok(&["import", file]);
    other.ok(&["export", "-o", again]);
    assert_eq!(std::fs::read(file).expect("an export"), std::fs::read(again).expect("an export"));
    assert_eq!(phases(&other, &[]), phases(&scene, &[]));
}

#[test]
fn found_30_what_is_built_on_a_renamed_phase_is_not_before_its_name() {
    let scene = Scene::made();
    scene.clock("2025-10-29T10:00:00Z");
    define(&scene, &[("a", None), ("b", None)]);
    run(&scene, &["a"]);
    scene.clock("2025-10-29T12:00:00Z");
    define(&scene, &[("aa", Some("a")), ("b", None)]);
    scene.clock("2025-10-29T13:00:00Z");
    let late = ["--occurred-at", "2025-10-29T11:00:00Z", "--json"];
    for args in [vec!["start", "b"], vec!["note", "--phase", "aa", "late"]] {
        let raised = scene.ok(&[args, late.to_vec()].concat()).json()["raised"].clone();
        assert_eq!((&raised["at"], &raised["rests_on"]), (&json!("2025-10-29T12:00:00.000000Z"), &json!(4)));
    }
    // So the cut of that time knows neither.
    let then = phases(&scene, &["--at", "2025-10-29T11:30:00Z"]);
    assert_eq!(then, [json!(["a", "COMPLETE", 1]), json!(["b", "PENDING", 0])]);
    scene.ok(&["verify"]);
}
