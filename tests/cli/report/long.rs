//! The report of many phases: nothing is said under each that is said once above, and nothing of the evidence is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::Scene;
use crate::numbers::Numbers;
use crate::shared;

/// A phase, and what it needs.
type Needs = (String, Vec<String>);

/// Defines phases, runs each of `order` whatever it needs, and then records `last`; in one batch.
fn recorded(phases: &[Needs], order: impl Iterator<Item = usize>, last: &str) -> Scene {
    let scene = Scene::made();
    let mut file = String::from("[workflow]\nname = \"long\"\n");
    for (id, needs) in phases {
        writeln!(file, "[[phase]]\nid = {id:?}\nneeds = {needs:?}").expect("a string takes all");
    }
    let mut commands = String::new();
    for at in order {
        let id = &phases[at].0;
        writeln!(commands, "{{\"do\":\"start\",\"phase\":{id:?},\"allow_unmet\":true}}")
            .and_then(|()| writeln!(commands, "{{\"do\":\"complete\",\"phase\":{id:?}}}"))
            .expect("a string takes all");
    }
    commands.push_str(last);
    scene.write("long.toml", &file);
    scene.write("long.jsonl", &commands);
    scene.ok(&["define", "long.toml"]);
    scene.ok(&["append", "--atomic", "long.jsonl"]);
    scene
}

/// Returns the report, which has a row for each phase, and in it what makes those run again that must.
fn report(scene: &Scene, phases: &[Needs]) -> String {
    let report = scene.ok(&["report"]).stdout;
    let json = scene.ok(&["report", "--json"]).json();
    let told = json["workflows"][0]["phases"].as_array().expect("phases");
    assert_eq!(told.len(), phases.len());
    // The first cell of no other table is code.
    let first = |line: &str| {
        line.strip_prefix('|')?.trim_start().strip_prefix('`')?.split('`').next().map(str::to_owned)
    };
    let rows: BTreeMap<String, &str> =
        report.lines().filter_map(|line| first(line).map(|name| (name, line))).collect();
    assert_eq!(rows.len(), phases.len(), "a row each");
    for phase in told {
        let row = rows[phase["phase"].as_str().expect("a name")];
        let of = |list: &str| phase[list].as_array().expect("a list").clone();
        for mark in of("marks") {
            let (seq, root) = (&mark["seq"], &mark["root"]["seq"]);
            let said = if seq == root { format!("(e{seq})") } else { format!("(e{seq}, root e{root})") };
            assert!(row.contains(&said), "{row}: {said}");
        }
        for need in of("needs") {
            let need = need.as_str().and_then(|need| need.rsplit('/').next()).expect("a name");
            assert!(row.contains(&format!("`{need}`")), "{row}: {need}");
        }
    }
    report
}

#[test]
fn found_16_one_rerun_over_300_phases_is_reported_in_60_kb() {
    let name = |at: usize| format!("p{at:06}");
    let phases: Vec<Needs> =
        (0..300).map(|at| (name(at), at.checked_sub(1).map(name).into_iter().collect())).collect();
    let rerun = "{\"do\":\"rerun\",\"phase\":\"p000000\",\"reason\":\"all of it\"}\n";
    let scene = recorded(&phases, 0..300, rerun);
    let report = report(&scene, &phases);
    assert!(report.len() <= 60_000, "{} bytes", report.len());
    assert_eq!(
        report.matches("all of it").count(),
        2,
        "once among the roots, once by the phase it was said of"
    );
    assert_eq!(report.lines().filter(|line| line.ends_with(" 300 |")).count(), 1, "one root, of them all");
}

#[test]
fn found_15_a_graph_of_2000_run_newest_first_is_reported_in_400_kb() {
    let mut numbers = Numbers(15);
    let name = |at: u64| format!("p{at:06}");
    let phases: Vec<Needs> = (0..2_000)
        .map(|at: u64| {
            let mut needs: Vec<u64> =
                (0..numbers.below(3)).map(|_| at.saturating_sub(1 + numbers.below(50))).collect();
            needs.retain(|need| *need < at);
            needs.sort_unstable();
            needs.dedup();
            (name(at), needs.into_iter().map(name).collect())
        })
        .collect();
    let scene = recorded(&phases, (0..phases.len()).rev(), "");
    let report = report(&scene, &phases);
    assert!(report.len() <= 400_000, "{} bytes", report.len());
    assert!(report.contains("\nMore roots: "), "the first of many roots are listed");
}

/// A part of the graph, the newest commits: the whole takes minutes to record where nothing is optimised.
#[test]
fn found_15_commits_run_newest_first_are_reported_in_200_bytes_each() {
    let Some(data) = shared::data("found_15_commits_run_newest_first_are_reported_in_200_bytes_each") else {
        return;
    };
    let graph = std::fs::read_to_string(data.join("graphs/just-commits.json")).expect("the graph is there");
    let graph: Value = serde_json::from_str(&graph).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let mut phases: Vec<Needs> = list(&graph["phases"])
        .iter()
        .map(|phase| (text(&phase["id"]), list(&phase["depends_on"]).iter().map(text).collect()))
        .collect();
    phases.truncate(600);
    let known: BTreeSet<String> = phases.iter().map(|(id, _)| id.clone()).collect();
    phases.iter_mut().for_each(|(_, needs)| needs.retain(|need| known.contains(need)));
    let scene = recorded(&phases, 0..phases.len(), "");
    let report = report(&scene, &phases);
    assert!(report.len() <= 200 * phases.len(), "{} bytes", report.len());
}
