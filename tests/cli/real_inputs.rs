//! Workflows and histories that others wrote, from end to end: each loads, replays, cascades and reports.

use std::path::Path;

use crate::cli::Scene;
use crate::shared;

fn path(folder: &Path, file: &str) -> String {
    folder.join(file).to_string_lossy().into_owned()
}

/// Takes a history in, then asks and marks, and proves that the past did not change.
fn history(name: &str, repairs: &str, phases: usize, first: &str) {
    let Some(data) = shared::data(name) else { return };
    let scene = Scene::empty();
    scene.ok(&["init"]);
    let graph = path(&data, &format!("graphs/{name}.json"));
    let history = path(&data, &format!("histories/{name}.history.jsonl"));
    let import = ["import", "--format", "history", &history, "--define", &graph, "--repair"];
    let imported = scene.ok(&import).stdout;
    assert!(imported.contains(repairs), "{imported}");
    assert!(scene.ok(&import).stdout.starts_with("unchanged"), "taken in again");

    let count = |text: &str, word: &str| text.matches(word).count();
    let replayed = scene.ok(&["replay", "-q"]).stdout;
    assert!(replayed.contains("the table equals the one kept"), "{replayed}");
    let before = scene.ok(&["status", "--json"]).stdout;
    assert_eq!(count(&before, "\"last_seq\""), phases);
    let report_before = scene.ok(&["report"]).stdout;
    assert!(report_before.contains("## Phases") && report_before.contains("✔ COMPLETE"), "{report_before}");

    scene.ok(&["tag", "taken-in"]);
    let marked = scene.ok(&["rerun", first, "--reason", "as if its input had changed"]).stdout;
    let forced = count(&marked, "↳");
    let after = scene.ok(&["status", "--json"]).stdout;
    assert_eq!(count(&after, "\"state\":\"NEEDS_RERUN\""), forced + 1, "{marked}");
    assert_eq!(scene.ok(&["report", "--at", "tag:taken-in"]).stdout, report_before);
    scene.ok(&["verify"]);
}

#[test]
fn a_pipeline_run_with_retries() {
    history("nextflow-openproblems", "imported: 434 lines", 209, "list_tasks");
}

#[test]
fn a_build_with_a_failure() {
    history("dbt-jaffle-build", "inferred 1 × unmet_needs", 30, "seed.jaffle_shop.raw_customers");
}

/// Every graph is defined, run from end to end by JSON lines, and marked at each of its beginnings.
#[test]
fn every_graph_cascades() {
    let Some(data) = shared::data("every_graph_cascades") else { return };
    for name in
        ["default16", "nba18", "airflow-example_complex", "argo-diamond", "dbt-jaffle-build", "just-commits"]
    {
        let scene = Scene::empty();
        scene.ok(&["init"]);
        scene.ok(&["define", &path(&data, &format!("graphs/{name}.json"))]);
        let graph: serde_json::Value =
            serde_json::from_str(&scene.ok(&["graph", "--json"]).stdout).expect("JSON");
        let nodes = graph["nodes"].as_array().expect("nodes");
        let mut lines = String::new();
        for node in nodes {
            let phase = &node["phase"];
            lines += &format!(
                "{{\"do\":\"start\",\"phase\":{phase}}}\n{{\"do\":\"complete\",\"phase\":{phase}}}\n"
            );
        }
        let file = scene.dir().join("run.jsonl");
        std::fs::write(&file, lines).expect("a file");
        scene.ok(&["append", &file.to_string_lossy(), "--atomic"]);
        let first = nodes[0]["phase"].as_str().expect("a name");
        let marked = scene.ok(&["rerun", first, "--reason", "from the start", "--json"]).stdout;
        let below = scene.ok(&["graph", "--below", first, "--json"]).stdout;
        let below: serde_json::Value = serde_json::from_str(&below).expect("JSON");
        let answer: serde_json::Value = serde_json::from_str(&marked).expect("JSON");
        let reached = answer["derived"].as_array().expect("events").len() + 1;
        assert_eq!(
            reached,
            below["nodes"].as_array().expect("nodes").len(),
            "{name}: all below, and no other"
        );
        scene.ok(&["report"]);
        scene.ok(&["verify"]);
    }
}
