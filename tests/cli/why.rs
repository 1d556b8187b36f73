//! `why`, `graph` and `replay`, as a person and as a program see them.

use std::fmt::Write;

use crate::cli::{Scene, assert_snapshot, pictures};
use crate::shared;
use phaseledger::model::Digest;
use serde_json::Value;

/// Starts and completes phases, one after the other.
fn run(scene: &Scene, phases: &[&str]) {
    for phase in phases {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase]);
    }
}

/// Makes a ledger of a chain `a`, `b`, `c`.
fn chain() -> Scene {
    let scene = Scene::made();
    scene.define("w", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    scene
}

/// Makes a ledger of a diamond, all complete.
fn diamond() -> Scene {
    let scene = Scene::made();
    scene.define("w", &[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
    run(&scene, &["a", "b", "c", "d"]);
    scene
}

/// Returns the places of the events in a part of an answer.
fn places(answer: &Value, part: &str) -> Vec<u64> {
    let events = answer[part].as_array().expect("events");
    events.iter().map(|event| event["seq"].as_u64().expect("a place")).collect()
}

#[test]
fn why_of_the_shipped_story() {
    let scene = Scene::example();
    let phases = ["phase_3_synthesis", "phase_2_analysis", "phase_0_foundation", "phase_4_file_generation"];
    assert_snapshot("why_story", &pictures(phases.map(|phase| scene.run(&["why", phase]))));
    let answer = scene.ok(&["why", "phase_3_synthesis", "--json"]).json();
    assert_eq!(places(&answer, "chain"), [9, 8]);
    assert_eq!(places(&answer, "roots"), [8]);
    let edge = serde_json::json!(["phase_2_analysis", "phase_3_synthesis"]);
    assert_eq!(answer["roots"][0]["edge"], edge);
    assert_eq!(answer["as_of"]["seq"], 10);
}

#[test]
fn why_in_the_past() {
    let scene = Scene::example();
    assert_snapshot(
        "why_past",
        &pictures([
            scene.run(&["why", "phase_3_synthesis", "--at", "e7"]),
            scene.run(&["why", "phase_3_synthesis", "--before", "2025-10-29T18:27:01.123456Z"]),
            scene.run(&["why", "phase_2_analysis", "--at", "e4"]),
            scene.run(&["why", "phase_2_analysis", "--at", "e0"]),
        ]),
    );
}

#[test]
fn why_of_a_diamond_with_two_roots() {
    let scene = diamond();
    scene.ok(&["rerun", "b", "--reason", "b was wrong"]);
    scene.ok(&["rerun", "c", "--reason", "c was wrong"]);
    let two = scene.run(&["why", "d"]);
    assert_eq!(scene.ok(&["why", "d", "--json"]).json()["roots"].as_array().map(Vec::len), Some(2));
    run(&scene, &["b", "c", "d"]);
    let again = scene.run(&["why", "d"]);
    scene.ok(&["rerun", "a", "--reason", "a was wrong"]);
    let one = scene.run(&["why", "d"]);
    let answer = scene.ok(&["why", "d", "--json"]).json();
    assert_eq!(answer["roots"].as_array().map(Vec::len), Some(1), "a root is told once: {answer}");
    assert_snapshot("why_diamond", &pictures([two, again, one]));
}

#[test]
fn why_of_a_deferred_rerun() {
    let scene = chain();
    run(&scene, &["a"]);
    scene.ok(&["start", "b"]);
    scene.ok(&["rerun", "a", "--reason", "new data"]);
    let during = scene.run(&["why", "b"]);
    scene.ok(&["complete", "b"]);
    let marked = scene.run(&["why", "b"]);
    run(&scene, &["a", "b"]);
    assert_snapshot("why_deferred", &pictures([during, marked, scene.run(&["why", "b"])]));
}

#[test]
fn why_after_an_early_cutoff() {
    let scene = chain();
    let digest = Digest::sha256(b"same").to_string();
    for phase in ["a", "b"] {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase, "--digest", &digest]);
    }
    scene.ok(&["rerun", "a", "--reason", "to be sure"]);
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a", "--digest", &digest]);
    let cleared = scene.run(&["why", "b"]);
    scene.ok(&["note", "looks right", "--phase", "b"]);
    let noted = scene.run(&["why", "b"]);
    let answer = scene.ok(&["why", "b", "--json"]).json();
    let compared = &answer["chain"][0]["compared"][0];
    assert_eq!(compared["consumed"], digest.as_str());
    assert_eq!(compared["found"], digest.as_str());
    assert_snapshot("why_cutoff", &pictures([cleared, noted]));
}

#[test]
fn why_after_a_changed_definition() {
    let scene = Scene::made();
    let file = |version: &str, needs: &str| {
        let phases = format!(
            "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\nversion = \"{version}\"\n[[phase]]\nid = \"x\"\n\
             [[phase]]\nid = \"b\"\nneeds = [{needs}]\n[[phase]]\nid = \"c\"\nneeds = [\"b\"]\n"
        );
        scene.write("w.toml", &phases);
        scene.ok(&["define", "w.toml"]);
    };
    file("1", "\"a\"");
    run(&scene, &["a", "x", "b", "c"]);
    file("2", "\"a\", \"x\"");
    let answer = scene.ok(&["why", "c", "--json"]).json();
    let root = &answer["roots"][0];
    assert_eq!(root["changed"][0]["changes"][0]["before"], "1", "{root}");
    assert_eq!(root["changed"][0]["changes"][0]["after"], "2");
    assert_snapshot("why_definition", &pictures(["a", "b", "c"].map(|phase| scene.run(&["why", phase]))));
}

#[test]
fn why_through_a_phase_that_is_pending() {
    let scene = chain();
    run(&scene, &["a", "b", "c"]);
    scene.define("w", &[("a", &[]), ("b", &["a"]), ("new", &["a"]), ("c", &["b"]), ("d", &["new"])]);
    scene.ok(&["start", "d", "--allow-unmet"]);
    scene.ok(&["complete", "d"]);
    scene.ok(&["rerun", "a", "--reason", "a was wrong"]);
    let ran = scene.run(&["why", "d"]);
    let answer = scene.ok(&["why", "d", "--json"]).json();
    let edges: Vec<&Value> =
        answer["roots"].as_array().expect("roots").iter().map(|root| &root["edge"]).collect();
    assert_eq!(edges, [&serde_json::json!(["new", "d"])]);
    assert_snapshot("why_through", &ran.picture());
}

#[test]
fn why_of_what_was_reset_skipped_or_failed() {
    let scene = chain();
    let never = scene.run(&["why", "b"]);
    let ready = scene.run(&["why", "a"]);
    run(&scene, &["a"]);
    scene.ok(&["start", "b"]);
    scene.ok(&["fail", "b", "--error", "exit 3"]);
    let failed = scene.run(&["why", "b"]);
    let waits = scene.run(&["why", "c"]);
    scene.ok(&["skip", "b", "--reason", "not this week"]);
    let skipped = scene.run(&["why", "b"]);
    scene.ok(&["reset", "b", "--reason", "this week after all"]);
    scene.ok(&["meta", "b", "owner=ana"]);
    let reset = scene.run(&["why", "b"]);
    scene.ok(&["reset", "--all", "--reason", "a new season"]);
    let all = scene.run(&["why", "a"]);
    assert_snapshot("why_pending", &pictures([never, ready, failed, waits, skipped, reset, all]));
}

#[test]
fn why_refuses() {
    let scene = Scene::small();
    scene.define("v", &[("a", &[]), ("end", &["w/c"])]);
    assert_snapshot(
        "why_refused",
        &pictures([
            scene.run(&["why", "nobody"]),
            scene.run(&["why", "a"]),
            scene.run(&["why", "a", "--json"]),
            scene.run(&["why", "v/a"]),
            scene.run(&["why", "end"]),
            scene.run(&["why", "v/a", "--at", "e99"]),
        ]),
    );
}

#[test]
fn every_event_of_an_answer_is_in_the_export() {
    let scene = diamond();
    scene.ok(&["rerun", "a", "--reason", "a was wrong"]);
    let export = scene.command().arg("export").output().expect("the program runs").stdout;
    let export = String::from_utf8(export).expect("UTF-8");
    let lines: Vec<&str> = export.lines().collect();
    let answer = scene.command().args(["why", "d", "--json"]).output().expect("the program runs").stdout;
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let chain = answer["chain"].as_array().expect("events");
    assert_eq!(chain.len(), 4);
    for event in chain {
        let line = lines[event["seq"].as_u64().expect("a place") as usize - 1];
        let leaf = Digest::sha256(&[b"\0", line.as_bytes()].concat());
        assert_eq!(event["leaf"], leaf.to_string());
        let stored: Value = serde_json::from_str(line).expect("JSON");
        for field in ["id", "kind", "workflow", "phase", "from", "to", "at", "recorded_at", "by", "derived"] {
            assert_eq!(event[field], stored[field], "{field}");
        }
    }
}

#[test]
fn graph_of_the_shipped_story() {
    let scene = Scene::example();
    assert_snapshot(
        "graph_story",
        &pictures([
            scene.run(&["graph"]),
            scene.run(&[
                "graph",
                "--at",
                "e5",
                "--below",
                "phase_2_analysis",
                "--above",
                "phase_6_validation",
            ]),
            scene.run(&["graph", "--format", "mermaid"]),
            scene.run(&["graph", "--format", "dot", "--below", "phase_9_integration"]),
            scene.run(&["graph", "--json", "--above", "phase_3_synthesis"]),
        ]),
    );
}

#[test]
fn graph_across_workflows_with_names_that_must_be_escaped() {
    let scene = Scene::made();
    let odd = r##"say "hi" \N <b> #quot; & `x` %%"##;
    scene.define("w", &[(odd, &[]), ("style:x#1; end", &[odd])]);
    scene.define("v", &[("graph", &["w/style:x#1; end"]), ("alone", &[])]);
    scene.ok(&["skip", "graph", "--reason", "no need"]);
    assert_snapshot(
        "graph_escaped",
        &pictures([
            scene.run(&["graph"]),
            scene.run(&["graph", "--workflow", "v", "--json"]),
            scene.run(&["graph", "--format", "mermaid"]),
            scene.run(&["graph", "--format", "dot"]),
        ]),
    );
}

#[test]
fn graph_that_is_too_wide_is_listed() {
    let scene = Scene::made();
    let names: Vec<String> = (0..60).map(|number| format!("leaf{number:02}")).collect();
    let mut phases: Vec<(&str, &[&str])> = vec![("root", &[])];
    phases.extend(names.iter().map(|name| (name.as_str(), ["root"].as_slice())));
    scene.define("w", &phases);
    let ran = scene.ok(&["graph"]);
    assert!(ran.stdout.contains("○  leaf59  PENDING  ← root\n"), "{}", ran.picture());
    assert!(ran.stderr.contains("too wide to draw"), "{}", ran.picture());
}

#[test]
fn graph_refuses() {
    let scene = Scene::small();
    assert_snapshot(
        "graph_refused",
        &pictures([
            scene.run(&["graph", "--workflow", "nobody"]),
            scene.run(&["graph", "--below", "nobody"]),
            scene.run(&["graph", "--format", "dot", "--json"]),
            scene.run(&["graph", "--at", "e0"]),
        ]),
    );
}

#[test]
fn replay_of_the_shipped_story() {
    let scene = Scene::example();
    assert_snapshot(
        "replay_story",
        &pictures([
            scene.run(&["replay"]),
            scene.run(&["replay", "e3..e9", "--phase", "phase_3_synthesis"]),
            scene.run(&["replay", "--quiet"]),
            scene.run(&["replay", "--at", "e5", "--quiet"]),
            scene.run(&["replay", "e7..", "--json"]),
            scene.run(&["replay", "e9..e3"]),
            scene.run(&["replay", "--phase", "nobody"]),
        ]),
    );
}

#[test]
fn replay_counts_what_definitions_add_and_retire() {
    let scene = Scene::small();
    run(&scene, &["a"]);
    scene.define("w", &[("b", &[]), ("c", &["b"]), ("d", &["b"])]);
    scene.define("w", &[("a", &[]), ("b", &[])]);
    let ran = scene.ok(&["replay", "--json"]);
    let last: Value = serde_json::from_str(ran.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["table_equal"], true);
    let counts = serde_json::json!(
        { "PENDING": 1, "IN_PROGRESS": 0, "COMPLETE": 1, "FAILED": 0, "NEEDS_RERUN": 0 }
    );
    assert_eq!(last["counts"], counts, "what comes back is what it was: {}", ran.picture());
}

#[test]
fn a_chain_of_20_000_causes_is_followed_to_its_root() {
    const DEPTH: usize = 20_000;
    let scene = Scene::made();
    let mut file = String::from("[workflow]\nname = \"deep\"\n");
    let mut commands =
        String::from("{\"do\":\"start\",\"phase\":\"p0\"}\n{\"do\":\"complete\",\"phase\":\"p0\"}\n");
    for at in 0..DEPTH {
        let needs = if at == 0 { String::new() } else { format!("\"p{}\"", at - 1) };
        writeln!(file, "[[phase]]\nid = \"p{at}\"\nneeds = [{needs}]").expect("a string takes all");
        if at > 0 {
            writeln!(commands, "{{\"do\":\"start\",\"phase\":\"p{at}\",\"allow_unmet\":true}}")
                .expect("a string takes all");
        }
    }
    commands.push_str("{\"do\":\"rerun\",\"phase\":\"p0\",\"reason\":\"all of it\"}\n");
    scene.write("deep.toml", &file);
    scene.write("deep.jsonl", &commands);
    scene.ok(&["define", "deep.toml"]);
    scene.ok(&["append", "deep.jsonl"]);
    let last = format!("p{}", DEPTH - 1);
    let answer = scene.ok(&["why", &last, "--json"]).json();
    // Every mark, and the start of the attempt that the last one outdates.
    assert_eq!(answer["chain"].as_array().map(Vec::len), Some(DEPTH + 1));
    assert_eq!(answer["roots"].as_array().map(Vec::len), Some(2));
    let shown = scene.ok(&["why", &last]).stdout;
    assert!(shown.lines().count() < 40, "{shown}");
    assert!(shown.contains("`--full` shows them"), "{shown}");
    let full = scene.ok(&["why", &last, "--full"]).stdout;
    assert_eq!(full.lines().count(), DEPTH + 2);
    let widest = full.lines().map(|line| line.chars().count()).max();
    assert!(widest < Some(200), "{widest:?}");
    let drawn = scene.ok(&["graph"]).stdout;
    assert_eq!(
        drawn.lines().filter(|line| *line != "│").count(),
        DEPTH,
        "a line a phase, and what joins them"
    );
}

#[test]
fn a_real_commit_graph_is_explained_and_drawn() {
    let Some(data) = shared::data("a_real_commit_graph_is_explained_and_drawn") else { return };
    let graph = std::fs::read_to_string(data.join("graphs/just-commits.json")).expect("a graph");
    let graph: Value = serde_json::from_str(&graph).expect("JSON");
    let phases = graph["phases"].as_array().expect("phases");
    let scene = Scene::made();
    let mut file = String::from("[workflow]\nname = \"just\"\n");
    for phase in phases {
        writeln!(file, "[[phase]]\nid = {}\nneeds = {}", phase["id"], phase["depends_on"]).expect("fits");
    }
    scene.write("just.toml", &file);
    scene.ok(&["define", "just.toml"]);
    let graph = scene.ok(&["graph", "--json"]).json();
    let nodes = graph["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), phases.len());
    let mut commands = String::new();
    for node in nodes {
        for verb in ["start", "complete"] {
            writeln!(commands, "{{\"do\":\"{verb}\",\"phase\":{}}}", node["phase"]).expect("fits");
        }
    }
    let (first, last) = (&nodes[0]["phase"], nodes[nodes.len() - 1]["phase"].as_str().expect("a name"));
    writeln!(commands, "{{\"do\":\"reset\",\"phase\":{first},\"reason\":\"anew\"}}").expect("fits");
    scene.write("just.jsonl", &commands);
    scene.ok(&["append", "just.jsonl"]);
    let answer = scene.ok(&["why", last, "--json"]).json();
    let chain = places(&answer, "chain");
    assert!(chain.len() > 1_000, "{}", chain.len());
    assert!(chain.is_sorted_by(|a, b| a > b), "each event once, the latest first");
    assert!(scene.ok(&["graph"]).stdout.lines().count() >= phases.len());
    assert!(scene.ok(&["why", last]).stdout.lines().count() < 300);
    scene.ok(&["replay", "--quiet"]);
}
