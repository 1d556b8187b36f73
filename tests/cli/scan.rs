//! `scan`, and the fingerprints of declared files.

mod back;
mod declared;
mod files;
mod once;
mod outputs;
#[cfg(unix)]
mod stated;
mod watch;

use std::fs;

use crate::cli::Scene;
use serde_json::Value;

/// A workflow of `a`, which reads `in/` and writes `out/`, `b` below it, which reads `b.txt`, and `c` below
/// that, which declares nothing.
const WORKFLOW: &str = "[workflow]\nname = \"w\"\n\
    [[phase]]\nid = \"a\"\ninputs = [\"in/**\"]\noutputs = [\"out/*.txt\"]\n\
    [[phase]]\nid = \"b\"\nneeds = [\"a\"]\ninputs = [\"b.txt\"]\n\
    [[phase]]\nid = \"c\"\nneeds = [\"b\"]\n";

/// Writes a file, and the folders that it is in.
fn put(scene: &Scene, path: &str, content: &str) {
    let full = scene.dir().join(path);
    fs::create_dir_all(full.parent().expect("in a folder")).expect("the folder takes a folder");
    fs::write(full, content).expect("the folder takes a file");
}

/// Makes a ledger of a definition.
fn defined(definition: &str) -> Scene {
    let scene = Scene::made();
    put(&scene, "ledger/workflow.toml", definition);
    scene.record(&["define"]);
    scene
}

/// Makes a ledger of [`WORKFLOW`], with files.
fn made() -> Scene {
    let scene = defined(WORKFLOW);
    for (path, content) in [("in/one", "1"), ("in/deep/two", "2"), ("b.txt", "b"), ("out/x.txt", "x")] {
        put(&scene, path, content);
    }
    scene
}

/// Runs phases, one after the other.
fn run(scene: &Scene, phases: &[&str]) {
    for phase in phases {
        scene.record(&["start", phase]);
        scene.record(&["complete", phase]);
    }
}

/// Returns the last events, as they are in the log.
fn last(scene: &Scene, count: usize) -> Vec<Value> {
    let log = scene.ok(&["log", "--json"]).stdout;
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    lines[lines.len() - count..].to_vec()
}

/// Returns the states of all phases, by name.
fn states(scene: &Scene) -> Vec<String> {
    let status = scene.ok(&["status", "--json"]).json();
    let state = |phase: &Value| format!("{} {}", phase["phase"], phase["state"]).replace('"', "");
    status["phases"].as_array().expect("a list").iter().map(state).collect()
}

/// Returns the paths of the inputs or outputs that an event tells.
fn paths(event: &Value, key: &str) -> Vec<String> {
    let files = event["data"][key].as_array().unwrap_or_else(|| panic!("no {key} in {event:#}"));
    files.iter().map(|file| file["path"].as_str().expect("a text").to_owned()).collect()
}
