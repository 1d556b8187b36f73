//! What was asked for by mistake and is taken back: `revert`.

mod refused;

use serde_json::{Value, json};

use crate::cli::{Scene, assert_snapshot, pictures};

const WORKFLOW: &str = "[workflow]\nname = \"w\"\ncurrency = \"USD\"\n[workflow.approval]\nself_approval = true\n\
    [[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n[[phase]]\nid = \"c\"\nneeds = [\"b\"]\n";

/// A chain of three that has run.
fn ran() -> Scene {
    Scene::ran(WORKFLOW, &["a", "b", "c"])
}

/// Where everything stands, but for what says when it was written about last.
fn everything(scene: &Scene) -> Value {
    let mut phases = scene.ok(&["status", "--json"]).json()["phases"].clone();
    for phase in phases.as_array_mut().expect("a list") {
        let fields = phase.as_object_mut().expect("an object");
        fields.remove("last_seq");
        fields.remove("updated_at");
    }
    let of = |phase: &str| {
        let shown = scene.ok(&["show", phase, "--json"]).json();
        let notes = shown["notes"].as_array().expect("a list").iter();
        let notes = notes.filter(|note| note["reverted_by"].is_null()).count();
        let money = scene.ok(&["cost", "remaining", phase, "--json"]).json();
        json!([shown["spec"]["version"], notes, money["limits"]])
    };
    let shown: Vec<_> = ["a", "b", "c"].into_iter().map(of).collect();
    let mut approvals = scene.ok(&["approval", "list", "--json"]).json();
    approvals.as_object_mut().expect("an object").remove("as_of");
    let tag = scene.run(&["show", "tag:t", "--json"]).stdout;
    let tag = serde_json::from_str::<Value>(&tag).map(|shown| shown["event"]["seq"].clone()).ok();
    json!([phases, shown, approvals, tag])
}

/// Takes back the last command, and says how many events that was.
fn revert(scene: &Scene) -> Vec<Value> {
    let answer = scene.ok(&["revert", "head", "--reason", "a slip", "--json"]).json();
    answer["derived"].as_array().expect("a list").iter().map(|event| event["kind"].clone()).collect()
}

/// What can be taken back: its name, what is there before, the command, and the kinds of events behind `reverted`.
type Mistake =
    (&'static str, &'static [&'static [&'static str]], &'static [&'static str], &'static [&'static str]);

const EACH: &[Mistake] = &[
    ("mark", &[], &["rerun", "a", "--reason", "r"], &["rerun_cleared", "rerun_cleared", "rerun_cleared"]),
    ("one more mark", &[&["rerun", "a", "--reason", "q"]], &["rerun", "b", "--reason", "r"], &[]),
    (
        "withdrawal",
        &[&["rerun", "b", "--reason", "q"]],
        &["rerun", "b", "--withdraw", "--reason", "r"],
        &["rerun_marked"],
    ),
    ("note", &[], &["note", "n", "--phase", "a"], &[]),
    ("note of the ledger", &[], &["note", "n"], &[]),
    ("tag", &[], &["tag", "t", "e2"], &["tag_removed"]),
    ("moved tag", &[&["tag", "t", "e2"]], &["tag", "t", "e3", "--force"], &["tag_set"]),
    ("metadata", &[], &["meta", "a", "k=1", "n=[2]"], &["metadata_recorded"]),
    (
        "metadata over others",
        &[&["meta", "a", "k=0", "z=3"]],
        &["meta", "a", "k=1", "n=2"],
        &["metadata_recorded"],
    ),
    ("cost", &[], &["cost", "record", "a", "9"], &["cost_recorded"]),
    (
        "refund",
        &[&["cost", "record", "a", "9"]],
        &["cost", "record", "a", "-4", "--refund"],
        &["cost_recorded"],
    ),
    ("limit", &[], &["cost", "limit", "a", "10"], &["cost_limit_set"]),
    ("limit of all", &[], &["cost", "limit", "--workflow", "10"], &["cost_limit_set"]),
    ("limit of days", &[], &["cost", "limit", "a", "10", "--per", "day"], &["cost_limit_set"]),
    (
        "another limit of weeks",
        &[&["cost", "limit", "--workflow", "10", "--per", "week", "--tz", "+02:00"]],
        &["cost", "limit", "--workflow", "7", "--per", "week"],
        &["cost_limit_set"],
    ),
    (
        "no limit of months",
        &[&["cost", "limit", "b", "10", "--per", "month"]],
        &["cost", "limit", "b", "--none", "--per", "month"],
        &["cost_limit_set"],
    ),
    ("no limit", &[&["cost", "limit", "a", "10"]], &["cost", "limit", "a", "--none"], &["cost_limit_set"]),
    ("skip of what waits", &[&["reset", "c", "--reason", "q"]], &["skip", "c", "--reason", "r"], &[]),
    (
        "skip of what is stale",
        &[&["rerun", "b", "--reason", "q"]],
        &["skip", "b", "--reason", "r", "--meta", "k=1"],
        &["metadata_recorded"],
    ),
    (
        "skip of what failed",
        &[&["reset", "c", "--reason", "q"], &["start", "c"], &["fail", "c", "--error", "e"]],
        &["skip", "c", "--reason", "r"],
        &[],
    ),
    (
        "grant",
        &[&["approval", "request", "op", "--estimate", "30", "--items", "1", "--phase", "a"]],
        &["approval", "grant", "e8", "--reason", "r"],
        &[],
    ),
    (
        "rejection",
        &[&["approval", "request", "op", "--estimate", "30", "--items", "1"]],
        &["approval", "reject", "e8", "--reason", "r"],
        &[],
    ),
];

#[test]
fn found_31_what_was_asked_for_by_mistake_is_taken_back_and_there_again() {
    for (name, before, mistake, expected) in EACH {
        let scene = ran();
        for command in *before {
            scene.run(command);
        }
        let state_before = everything(&scene);
        scene.ok(mistake);
        let mistaken = everything(&scene);
        // A note on the ledger is nowhere but in the log.
        assert_eq!(mistaken == state_before, name.ends_with("of the ledger"), "{name}");
        let dry = scene.ok(&["revert", "head", "--reason", "a slip", "--dry-run", "--json"]).json();
        let kinds = revert(&scene);
        let previewed: Vec<_> =
            dry["derived"].as_array().expect("a list").iter().map(|event| event["kind"].clone()).collect();
        assert_eq!(previewed, kinds, "{name}");
        assert_eq!(kinds, expected.iter().map(|kind| json!(kind)).collect::<Vec<_>>(), "{name}");
        assert_eq!(everything(&scene), state_before, "{name}");
        // A revert may be reverted, as often as one likes.
        revert(&scene);
        assert_eq!(everything(&scene), mistaken, "{name}, there again");
        revert(&scene);
        assert_eq!(everything(&scene), state_before, "{name}, gone again");
        scene.ok(&["verify"]);
    }
}

#[test]
fn found_31_a_definition_is_taken_back_with_what_it_outdated() {
    let scene = ran();
    let before = everything(&scene);
    scene.write(
        "v2.toml",
        &WORKFLOW.replace("id = \"a\"\n", "id = \"a\"\nversion = \"2\"\n[[phase]]\nid = \"d\"\n"),
    );
    scene.ok(&["define", "v2.toml"]);
    assert_eq!(scene.ok(&["status", "c", "--json"]).json()["phases"][0]["state"], "NEEDS_RERUN");
    let kinds = revert(&scene);
    let cleared = json!("rerun_cleared");
    assert_eq!(kinds, [json!("workflow_defined"), cleared.clone(), cleared.clone(), cleared]);
    assert_eq!(everything(&scene), before);
    revert(&scene);
    let states = scene.ok(&["status", "--json"]).json();
    assert_eq!(states["phases"].as_array().expect("a list").len(), 4);
    assert_eq!(states["summary"]["NEEDS_RERUN"], 3);
    scene.ok(&["verify"]);
}

#[test]
fn found_31_what_is_taken_back_is_caused_by_it_and_says_who_and_why() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "wrong phase", "--by", "ana"]);
    scene.ok(&["revert", "e8", "--reason", "it was b", "--by", "ben"]);
    let shown = scene.ok(&["show", "e11", "--json"]).json();
    let (event, first) = (&shown["event"], scene.ok(&["show", "e8", "--json"]).json()["event"].clone());
    assert_eq!((&event["kind"], &event["by"]["name"]), (&json!("reverted"), &json!("ben")));
    assert_eq!((&event["causation_id"], &event["correlation_id"]), (&first["id"], &first["id"]));
    assert_eq!(event["causes"], json!([{"event": first["id"], "seq": 8, "kind": "reverted"}]));
    let data = json!({
        "event": first["id"], "seq": 8, "reason": "it was b", "what": "mark", "marks": [8],
    });
    assert_eq!(event["data"], data);
    let why = scene.ok(&["why", "c"]).stdout;
    assert!(why.contains("a had the mark of e8 taken back") && why.contains("it was b"), "{why}");
    // As of the moment between the two nothing is taken back.
    assert_eq!(
        scene.ok(&["status", "c", "--at", "e10", "--json"]).json()["phases"][0]["state"],
        "NEEDS_RERUN"
    );
}

#[test]
fn found_31_one_of_several_marks_is_taken_back() {
    let scene = ran();
    for reason in ["one", "two", "three"] {
        scene.ok(&["rerun", "b", "--reason", reason]);
    }
    scene.ok(&["revert", "e8", "--reason", "a slip"]);
    let reasons = || scene.ok(&["status", "b", "--json"]).json()["phases"][0]["rerun_reasons"].clone();
    assert_eq!(reasons(), json!(["two", "three"]));
    scene.ok(&["revert", "e12", "--reason", "it was right"]);
    assert_eq!(reasons(), json!(["one", "two", "three"]));
}

#[test]
fn found_31_a_note_that_is_struck_out_says_by_what() {
    let scene = ran();
    scene.ok(&["note", "the books are lost", "--phase", "a"]);
    scene.ok(&["revert", "head", "--reason", "they are not"]);
    let shown = scene.ok(&["show", "a"]).stdout;
    assert!(shown.contains("the books are lost (struck out by e9)"), "{shown}");
    // The line stays as it is.
    assert!(scene.ok(&["log", "--json"]).stdout.contains("the books are lost"));
}

#[test]
fn found_31_money_goes_back_to_the_attempt_and_the_root_that_it_was_spent_for() {
    let scene = ran();
    scene.ok(&["rerun", "a", "--reason", "new books"]);
    scene.ok(&["start", "a"]);
    scene.ok(&["cost", "record", "a", "9", "--model", "large"]);
    scene.ok(&["revert", "head", "--reason", "twice"]);
    for by in ["root-cause", "model", "phase"] {
        let groups = scene.ok(&["cost", "by", by, "--json"]).json();
        let spent: Vec<_> =
            groups["groups"].as_array().expect("a list").iter().map(|of| of["spent"].clone()).collect();
        assert!(spent.iter().all(|spent| *spent == json!("0")), "{by}: {groups:#}");
    }
}

#[test]
fn found_31_a_line_of_append_takes_back_what_a_key_names() {
    let scene = ran();
    let lines = "{\"do\":\"rerun\",\"phase\":\"a\",\"reason\":\"r\",\"id\":\"key:mark\"}\n\
        {\"do\":\"revert\",\"event\":\"key:mark\",\"reason\":\"a slip\",\"id\":\"key:back\"}\n\
        {\"do\":\"revert\",\"event\":\"key:mark\",\"reason\":\"a slip\",\"id\":\"key:back\"}\n";
    scene.write("lines", lines);
    scene.ok(&["append", "lines"]);
    assert_eq!(scene.ok(&["status", "--json"]).json()["summary"]["COMPLETE"], 3);
    let by_key = scene.ok(&["revert", "key:back", "--reason", "no", "--json"]).json();
    assert_eq!(by_key["derived"].as_array().map(Vec::len), Some(2));
    // In one batch, what is taken back is not in the log yet.
    let atomic = "{\"do\":\"note\",\"text\":\"n\",\"id\":\"key:n\"}\n{\"do\":\"meta\",\"phase\":\"a\",\"metadata\":{\"k\":1},\
        \"id\":\"key:m\"}\n{\"do\":\"revert\",\"event\":\"key:n\",\"reason\":\"x\"}\n\
        {\"do\":\"revert\",\"event\":\"key:m\",\"reason\":\"x\"}\n";
    scene.write("lines", atomic);
    scene.ok(&["append", "lines", "--atomic"]);
    assert_eq!(scene.ok(&["status", "a", "--json"]).json()["phases"][0]["metadata"], json!({}));
    scene.ok(&["verify"]);
}

#[test]
fn it_is_seen_so() {
    let scene = Scene::small();
    for phase in ["a", "b", "c"] {
        scene.record(&["start", phase]);
        scene.record(&["complete", phase]);
    }
    scene.record(&["rerun", "a", "--reason", "wrong phase"]);
    let id = ["--id", "key:back"];
    let runs = [
        scene.ok(&["revert", "e8", "--reason", "it was b", "--dry-run", "--id", "key:back"]),
        scene.ok(&[&["revert", "e8", "--reason", "it was b"][..], &id].concat()),
        scene.ok(&[&["revert", "e8", "--reason", "it was b", "--json"][..], &id].concat()),
        scene.ok(&["why", "c"]),
        scene.ok(&["show", "e10"]),
        scene.run(&["revert", "e8", "--reason", "once more"]),
        scene.run(&["revert", "e9", "--reason", "a rule said so"]),
        scene.run(&["revert", "e3", "--reason", "it did not", "--json"]),
    ];
    assert_snapshot("revert", &pictures(runs));
}
