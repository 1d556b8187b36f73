//! `import` of exports and of what was salvaged: continued, known, refused, or taken into a new ledger.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{archived, exported, flip, notes, segments};
use crate::cli::Scene;
use crate::folder;

#[test]
fn found_37_an_older_export_of_the_same_ledger_is_known() {
    let scene = Scene::example();
    scene.ok(&["export", "-o", "older.jsonl"]);
    scene.ok(&["note", "later"]);
    let before = folder::tree(&scene.dir().join("ledger"));
    let ran = scene.ok(&["import", "older.jsonl", "--json"]);
    let answer = ran.json();
    assert_eq!((&answer["status"], &answer["events"]), (&json!("unchanged"), &answer["known"]), "{answer}");
    scene.ok(&["export", "-o", "now.jsonl"]);
    scene.ok(&["import", "now.jsonl"]);
    let lines = |of: &Scene| of.ok(&["export"]).stdout;
    // One of another ledger is not, however short.
    let other = Scene::small();
    other.ok(&["export", "-o", scene.dir().join("other.jsonl").to_str().expect("a path")]);
    let ran = scene.run(&["import", "other.jsonl"]);
    assert_eq!(ran.code, 3, "{}", ran.picture());
    // The ledger that the older one made goes on with the newer.
    let to = Scene::empty();
    let file = |name: &str| scene.dir().join(name).to_str().expect("a path").to_owned();
    to.ok(&["import", &file("older.jsonl")]);
    to.ok(&["import", &file("now.jsonl")]);
    assert_eq!(lines(&to), lines(&scene));
    let mut after = folder::tree(&scene.dir().join("ledger"));
    after.retain(|path, _| before.contains_key(path));
    assert!(
        after.get(Path::new("log/journal")) == before.get(Path::new("log/journal")),
        "nothing was written"
    );
}

#[test]
fn found_37_import_makes_the_ledger_and_no_template() {
    let from = Scene::example();
    let export = from.dir().join("whole.jsonl");
    let export = export.to_str().expect("a path");
    from.ok(&["export", "-o", export]);
    let there = |scene: &Scene| {
        let mut names: Vec<_> = folder::tree(&scene.dir().join("ledger")).into_keys().collect();
        names.retain(|path| path.components().count() == 1);
        names.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
    };
    let to = Scene::empty();
    to.ok(&["import", export]);
    assert_eq!(there(&to), [".gitignore", "log"]);
    assert_eq!(to.ok(&["export"]).stdout, from.ok(&["export"]).stdout);
    to.ok(&["verify"]);
    // What `init` begins with goes where the file brings a definition; what is somebody's own stays.
    let to = Scene::made();
    let ran = to.ok(&["import", export]);
    assert!(ran.stderr.contains("workflow.toml"), "{}", ran.picture());
    assert_eq!(there(&to), [".gitignore", "log"]);
    let to = Scene::made();
    to.write("ledger/workflow.toml", "# mine\n");
    to.ok(&["import", export]);
    assert_eq!(there(&to), [".gitignore", "log", "workflow.toml"]);
    // A history needs a definition; both come in together.
    let to = Scene::empty();
    let (workflow, history) =
        (from.dir().join("ledger/workflow.toml"), from.dir().join("ledger/histories/2025-10-29.jsonl"));
    let args = ["import", "--format", "history", "--define", workflow.to_str().expect("a path")];
    to.ok(&[&args[..], &[history.to_str().expect("a path")]].concat());
    assert_eq!(there(&to), [".gitignore", "log"]);
    assert_eq!(
        to.ok(&["status", "--json"]).json()["phases"],
        from.ok(&["status", "--json"]).json()["phases"]
    );
}

/// Nothing is made of what is not right, not even an empty ledger.
#[test]
fn an_import_that_is_refused_leaves_no_ledger() {
    let from = Scene::example();
    let export = exported(&from);
    let bad = [
        ("export", export.replacen("\"name\":\"ana\"", "\"name\":\"eve\"", 1)),
        ("export", export.lines().take(3).map(|line| format!("{line}\n")).collect()),
        ("export", String::new()),
        ("history", "{\"at\":\"2025-10-29T10:00:00Z\",\"phase\":\"zz\",\"event\":\"start\"}\n".to_owned()),
        ("history", "not JSON\n".to_owned()),
    ];
    let to = Scene::empty();
    let workflow = from.dir().join("ledger/workflow.toml");
    for (format, text) in &bad {
        to.write("bad.jsonl", text);
        let mut args = vec!["import", "bad.jsonl", "--format", format];
        if *format == "history" {
            args.extend(["--define", workflow.to_str().expect("a path")]);
        }
        let ran = to.run(&args);
        assert_ne!(ran.code, 0, "{}", ran.picture());
        assert!(!to.dir().join("ledger").exists(), "{}", ran.picture());
    }
}

/// What a ledger is: where each phase stands, and the events that somebody asked for, by id and time.
fn stands(scene: &Scene, dir: &str) -> Value {
    let status = scene.ok(&["--dir", dir, "status", "--json"]).json();
    let phases = status["phases"].as_array().expect("a list").iter();
    phases.map(|phase| json!([phase["phase"], phase["state"]])).collect()
}

#[test]
fn found_22_a_hole_is_refused_and_taken_as_new() {
    let (scene, _, _) = archived();
    scene.ok(&["start", "b"]);
    scene.ok(&["complete", "b"]);
    scene.ok(&["rerun", "a", "--reason", "more"]);
    let export = exported(&scene);
    let segment = segments(&scene)[0].clone();
    // The second block: the definition and the first completion are in the first one.
    let block = second_block(&segment);
    flip(&segment, block + 100);
    let (lines, missing) = super::salvaged(&scene, &export);
    assert_eq!(missing, json!([{"first": 257, "last": 512}]));

    let ran = scene.run(&["--dir", "new", "import", "out.jsonl"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    assert!(ran.stderr.contains("e257 to e512") && ran.stderr.contains("--as-new"), "{}", ran.picture());
    assert!(!scene.dir().join("new").exists(), "nothing was written");
    let ran = scene.run(&["import", "--as-new", "out.jsonl"]);
    assert_ne!(ran.code, 0, "not into the damaged one: {}", ran.picture());

    let answer = scene.ok(&["--dir", "new", "import", "--as-new", "out.jsonl", "--json"]).json();
    assert_eq!((&answer["lines"], &answer["kept"]), (&json!(lines.len()), &json!(256)), "{answer}");
    assert_eq!(answer["missing"], missing);
    scene.ok(&["--dir", "new", "verify"]);
    assert!(!scene.dir().join("new/workflow.toml").exists());
    let output = scene.command().args(["--dir", "new", "export"]).output().expect("the program runs");
    let new = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(new.lines().take(256).eq(export.lines().take(256)), "what is before the hole is as it was");
    let (new, old): (Vec<Value>, Vec<Value>) = (events(&new), events(&lines.join("\n")));
    let gap = new.iter().find(|event| event["data"].get("gap").is_some()).expect("it is named");
    assert_eq!((&gap["kind"], &gap["seq"]), (&json!("history_imported"), &json!(257)), "{gap}");
    assert_eq!(gap["data"]["gap"], json!({"first": 257, "last": 512}));
    // Every event that was read is there, under its id, at its times, by whom it was, as what it was.
    for event in &old {
        let same = new.iter().find(|same| same["id"] == event["id"]).unwrap_or_else(|| panic!("{event}"));
        for field in ["kind", "at", "recorded_at", "by", "from", "to", "command_digest"] {
            assert_eq!(same[field], event[field], "{field} of {event}");
        }
    }
    // It is known again when it is sent again.
    let states = json!([["a", "NEEDS_RERUN"], ["b", "COMPLETE"], ["c", "PENDING"]]);
    assert_eq!(stands(&scene, "new"), states);
    let again = scene.run(&["--dir", "new", "import", "--as-new", "out.jsonl"]);
    assert_eq!(again.code, 3, "one that is not new: {}", again.picture());
    // A file that was changed since it was salvaged is none.
    let text = fs::read_to_string(scene.dir().join("out.jsonl")).expect("the file");
    for (what, changed) in [
        ("a line gone", text.replacen(&format!("{}\n", lines[300]), "", 1)),
        ("another name", text.replacen("\"name\":\"ana\"", "\"name\":\"eve\"", 1)),
        ("a hole less", text.replace("{\"first\":257,\"last\":512}", "")),
        ("no end", lines.join("\n")),
    ] {
        scene.write("changed.jsonl", &changed);
        let ran = scene.run(&["--dir", "other", "import", "--as-new", "changed.jsonl"]);
        assert_eq!(ran.code, 5, "{what}: {}", ran.picture());
        assert!(!scene.dir().join("other").exists(), "{what}");
    }
}

fn events(text: &str) -> Vec<Value> {
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter(|event| event.get("kind").is_some()).collect()
}

/// Returns where the second block of a segment begins.
fn second_block(segment: &Path) -> usize {
    let bytes = fs::read(segment).expect("a file");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4")) as usize;
    let runs = number(16 + 6);
    let stored = number(16 + 10 + runs * 20 + 4);
    16 + 10 + runs * 20 + 8 + stored + 4
}

/// Where the definition is missing, one can be named; without it the events are kept as notes.
#[test]
fn a_lost_definition_can_be_named() {
    let (scene, export, _) = archived();
    scene.ok(&["start", "b"]);
    let definition = scene.dir().join("w.toml");
    flip(&segments(&scene)[0], 500);
    let export = {
        let now = scene.run(&["salvage", "out.jsonl"]);
        assert_eq!(now.code, 1, "{}", now.picture());
        assert!(now.stderr.contains("missing: e1 to e256"), "{}", now.picture());
        export
    };
    let ran = scene.ok(&["--dir", "plain", "import", "--as-new", "out.jsonl"]);
    assert!(ran.stdout.contains("kept_as_note") && ran.stderr.contains("--define"), "{}", ran.picture());
    assert_eq!(stands(&scene, "plain"), json!([]));
    let definition = definition.to_str().expect("a path");
    scene.ok(&["--dir", "named", "import", "--as-new", "--define", definition, "out.jsonl"]);
    assert_eq!(stands(&scene, "named"), json!([["a", "PENDING"], ["b", "IN_PROGRESS"], ["c", "PENDING"]]));
    scene.ok(&["--dir", "named", "verify"]);
    assert!(export.lines().count() > 1_000);
}

/// Which files could not be read when an attempt began and ended is a fact of it.
#[cfg(unix)]
#[test]
fn found_1_files_that_could_not_be_read_are_taken_along() {
    let scene = Scene::small();
    let file = "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"x\"]\noutputs = [\"x\"]\n";
    fs::write(scene.dir().join("ledger/workflow.toml"), file).expect("a file");
    scene.ok(&["define"]);
    (0..2).for_each(|_| notes(&scene, 1_100));
    std::os::unix::fs::symlink("nowhere", scene.dir().join("x")).expect("a link");
    scene.ok(&["exec", "a", "--", "true"]);
    let segment = segments(&scene)[0].clone();
    flip(&segment, second_block(&segment) + 100);
    scene.run(&["salvage", "out.jsonl"]);
    scene.ok(&["--dir", "new", "import", "--as-new", "out.jsonl"]);
    let output = scene.command().args(["--dir", "new", "export"]).output().expect("the program runs");
    for kind in ["phase_started", "phase_completed"] {
        let found = events(std::str::from_utf8(&output.stdout).expect("UTF-8"));
        let told = found.iter().rfind(|event| event["kind"] == kind).expect("it is there");
        let why = "it is a link to a file that is not there";
        let expected = json!([{"pattern": "x", "path": "x", "why": why}]);
        assert_eq!(told["data"]["unreadable"], expected, "{told}");
    }
}
