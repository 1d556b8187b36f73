//! The ways back of `docs/mistakes.md` are gone: each block that has a name, line by line, in a ledger of its own. What a
//! line must say stands behind the arrow below it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::Scene;
use crate::skip::has;

/// What stands before what the line above must have said.
const SAYS: &str = "# → ";

/// Returns the blocks of the page, each with its name.
fn blocks() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mistakes.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some((_, name)) = line.strip_prefix("```").and_then(|info| info.split_once(" mistake=")) else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push((name.to_owned(), block.join("\n") + "\n"));
    }
    blocks
}

/// Runs a line by bash, with the program on its path, and returns what it said.
fn said(scene: &Scene, line: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_phaseledger")).parent().expect("a folder");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", line]).current_dir(scene.dir()).stdin(Stdio::null());
    bash.env("PATH", path).env_remove("PHASELEDGER_DIR").env_remove("PHASELEDGER_CLOCK");
    let output = bash.output().expect("bash runs");
    let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    assert!(output.status.success(), "{line}: {said}");
    said
}

#[test]
fn found_31_every_way_back_leads_where_the_page_says() {
    if !has("found_31_every_way_back_leads_where_the_page_says", "bash") {
        return;
    }
    let blocks = blocks();
    let (_, workflow) = &blocks[0];
    let mut told = 0;
    for (name, block) in &blocks[1..] {
        let scene = Scene::empty();
        for folder in ["ledger", "books"] {
            std::fs::create_dir(scene.dir().join(folder)).expect("a folder");
        }
        scene.write("ledger/workflow.toml", workflow);
        scene.write("books/one", "one\n");
        scene.write("raw.txt", "one\n");
        scene.ok(&["init"]);
        scene.ok(&["define"]);
        for phase in ["extract", "transform", "publish"] {
            scene.ok(&["start", phase]);
            scene.ok(&["complete", phase]);
        }
        let mut last = String::new();
        for line in block.lines() {
            match line.strip_prefix(SAYS) {
                Some(expected) => {
                    assert!(last.contains(expected), "{name}: expected `{expected}`, found\n{last}");
                    told += 1;
                }
                None => last = said(&scene, line),
            }
        }
        scene.ok(&["verify"]);
    }
    assert!(told >= blocks.len() - 1, "{told} lines are compared in {} blocks", blocks.len());
}
