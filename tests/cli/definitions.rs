//! Definitions, as whoever defines sees them: what changes is named, what may not be meant is warned of, a workflow retires and
//! comes back, a file that is not in force is told, and what is in force is printed.

mod drift;
mod print;
mod retired;

use serde_json::{Value, json};

use crate::cli::Scene;

const PHASES: &str = "[[phase]]\nid = 'load'\nversion = '1'\ninputs = ['in/*']\n\
    [[phase]]\nid = 'join'\nneeds = ['load']\n[[phase]]\nid = 'draw'\nneeds = ['join']\n";

fn file(name: &str, phases: &str) -> String {
    format!("[workflow]\nname = '{name}'\n{phases}")
}

/// A ledger in which all of a workflow has run, from a file of its own.
fn ran() -> Scene {
    let scene = Scene::ran(&file("w", PHASES), &["load", "join", "draw"]);
    std::fs::create_dir(scene.dir().join("in")).expect("a folder");
    scene.write("in/x", "x");
    std::fs::remove_file(scene.dir().join("ledger/workflow.toml")).expect("the template");
    scene
}

fn define(scene: &Scene, phases: &str) -> crate::cli::Ran {
    scene.write("w.toml", &file("w", phases));
    scene.ok(&["define", "w.toml"])
}

/// Returns the lines of an answer that name changes, without what is derived.
fn changes(answer: &str) -> Vec<&str> {
    answer.lines().skip(1).map(str::trim).filter(|line| !line.starts_with('↳')).collect()
}

#[test]
fn found_30_a_slip_in_an_id_is_named_and_warned_of() {
    let scene = ran();
    let ran = define(&scene, &PHASES.replace("'join'", "'jion'"));
    assert_eq!(
        changes(&ran.stdout),
        ["- join, needed load", "~ draw needs jion", "~ draw no longer needs join", "+ jion, needs load"]
    );
    assert_eq!(
        ran.stderr,
        "warning: `w/join` retires with its history: 1 attempt, COMPLETE; if it is `jion` now, \
         `renamed_from = \"join\"` there keeps its history\n"
    );
    let json = scene.ok(&["define", "w.toml", "--json"]).json();
    assert_eq!((&json["status"], json.get("changes")), (&json!("unchanged"), None));
}

#[test]
fn found_30_a_need_that_goes_is_named() {
    let scene = ran();
    let ran = define(
        &scene,
        &PHASES.replace("needs = ['load']", "").replace("'draw'\n", "'draw'\nversion = '2'\n"),
    );
    assert_eq!(changes(&ran.stdout), ["~ join no longer needs load", "~ draw version: none → 2"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn found_30_all_that_is_said_otherwise_is_named_of_the_workflow_too() {
    let scene = ran();
    let other = file(
        "w",
        &PHASES.replace("['in/*']", "['in/*', '!in/x']").replace("'1'", "'1'\ndescription = 'read\nit'"),
    );
    let other = other.replace(
        "name = 'w'\n",
        "name = 'w'\ncurrency = 'USD'\ncost_limit = '20'\n[workflow.approval]\nitems = 3\n",
    );
    scene.write("w.toml", &other.replace("'read\nit'", "\"read\\nit\""));
    let preview = scene.ok(&["define", "w.toml", "--dry-run"]);
    let ran = scene.ok(&["define", "w.toml"]);
    assert_eq!(changes(&preview.stdout), changes(&ran.stdout), "a preview names the same");
    assert_eq!(
        changes(&ran.stdout),
        [
            "~ workflow approval.items: none → 3",
            "~ workflow cost_limit: none → 20",
            "~ workflow currency: none → USD",
            "~ load description: none → read ⏎ it",
            "~ load inputs: in/* → in/*, !in/x",
        ]
    );
}

#[test]
fn found_30_programs_get_every_change() {
    let scene = ran();
    scene.write(
        "w.toml",
        &file("w", &PHASES.replace("'draw'\nneeds = ['join']", "'drow'\nneeds = ['load']\nversion = '3'")),
    );
    let json = scene.ok(&["define", "w.toml", "--json", "--dry-run"]).json();
    let edit = |change: &str, fields: Value| {
        let mut edit = json!({"change": change});
        edit.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        edit
    };
    assert_eq!(
        json["changes"],
        json!([
            edit("phase_added", json!({"phase": "w/drow"})),
            edit("need_added", json!({"phase": "w/drow", "need": "w/load"})),
            edit("phase_retired", json!({"phase": "w/draw"})),
            edit("need_removed", json!({"phase": "w/draw", "need": "w/join"})),
        ])
    );
    let left = json!([{"phase": "w/draw", "attempts": 1, "state": "COMPLETE", "near": "drow"}]);
    assert_eq!(json["left_behind"], left);
    assert_eq!(scene.ok(&["status", "draw", "--json"]).json()["phases"][0]["state"], "COMPLETE", "a preview");
}

#[test]
fn found_30_one_phase_is_one_phase() {
    let scene = Scene::made();
    let ran = scene.define("one", &[("a", &[])]);
    assert!(ran.stdout.contains("workflow_defined one  1 phase\n"), "{}", ran.picture());
    let ran = scene.ok(&["define", "--retire", "one", "--reason", "r"]);
    assert!(ran.stdout.contains("1 phase retired: r"), "{}", ran.picture());
    assert!(!scene.ok(&["log"]).stdout.contains("1 phases"));
}

#[test]
fn found_30_that_most_phases_retire_is_asked_about() {
    let scene = Scene::made();
    let many: String = (1..=40).map(|number| format!("[[phase]]\nid = 'p{number}'\n")).collect();
    define(&scene, &many);
    for phase in ["p1", "p2", "p3", "p4", "p5", "p6", "p7"] {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase]);
    }
    let ran = define(&scene, "[[phase]]\nid = 'p40'\n[[phase]]\nid = 'totally-else'\n");
    let warnings: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(warnings[0], "warning: 39 of 40 phases retire: is this the right file?");
    assert_eq!(warnings[1], "warning: `w/p1` retires with its history: 1 attempt, COMPLETE");
    assert_eq!(warnings[6], "warning: 2 more phases retire with a history");
    assert_eq!(warnings.len(), 7);
    assert_eq!(ran.stdout.lines().count(), 20, "{}", ran.picture());
    assert!(ran.stdout.ends_with("… 22 more changes: `--full` lists them\n"), "{}", ran.picture());
    let full = scene.ok(&["define", "--full", "--dry-run", "w.toml"]);
    assert!(full.stdout.starts_with("unchanged"));
    scene.write("w.toml", &file("w", &many));
    let full = scene.ok(&["define", "--full", "--dry-run", "w.toml"]);
    assert_eq!(full.stdout.lines().count(), 1 + 1 + 39, "{}", full.picture());
    // Half of them is no reason to ask, nor are two of two.
    let scene = Scene::made();
    define(&scene, "[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\n");
    assert_eq!(define(&scene, "[[phase]]\nid = 'c'\n[[phase]]\nid = 'd'\n").stderr, "");
}

#[test]
fn found_30_what_is_under_way_as_it_retires_is_said_and_can_end_later() {
    let scene = ran();
    scene.ok(&["start", "draw", "--rerun", "--reason", "r"]);
    let without = PHASES.split("[[phase]]\nid = 'draw'").next().expect("a start");
    let ran = define(&scene, without);
    assert!(
        ran.stderr
            .contains("`w/draw` retires with its history: 2 attempts, IN_PROGRESS; its attempt is under way")
    );
    assert_eq!(scene.run(&["complete", "draw"]).code, 4);
    define(&scene, PHASES);
    scene.ok(&["complete", "draw"]);
}

#[test]
fn found_29_a_bare_name_that_becomes_ambiguous_is_announced() {
    let scene = ran();
    let ran = scene.define("other", &[("join", &[]), ("draw", &["join"]), ("own", &[])]);
    assert_eq!(
        ran.stderr,
        "warning: `join` (`w/join`, `other/join`), `draw` (`w/draw`, `other/draw`) are phases of two workflows now: scripts \
         that use the bare name need `workflow/phase`, or a default workflow\n"
    );
    assert_eq!(scene.run(&["status", "join"]).code, 2);
    // The third adds nothing to that.
    assert_eq!(scene.define("third", &[("join", &[])]).stderr, "");
    // Nor does one of whom only a retired phase has the name.
    let without = PHASES.split("[[phase]]\nid = 'draw'").next().expect("a start");
    define(&scene, without);
    assert_eq!(scene.define("fourth", &[("own", &[])]).stderr.matches("`own`").count(), 1);
    let json = scene.ok(&["define", "--json", "--dry-run", "--as", "fifth", "fourth.toml"]).json();
    assert_eq!(json.get("ambiguous"), None, "it was ambiguous before");
}

#[test]
fn found_30_a_definition_that_is_sent_again_warns_no_more() {
    let scene = ran();
    scene.write("w.toml", &file("w", "[[phase]]\nid = 'load'\n"));
    let first = scene.ok(&["define", "w.toml", "--id", "key:d"]);
    assert!(first.stderr.contains("retires with its history"), "{}", first.picture());
    let again = scene.ok(&["define", "w.toml", "--id", "key:d"]);
    assert!(again.stdout.starts_with("duplicate: ") && again.stderr.is_empty(), "{}", again.picture());
}
