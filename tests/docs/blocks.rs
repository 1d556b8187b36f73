//! The blocks of a page that have a name, run line by line. What a line must say stands behind the arrow below it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::Scene;

/// What stands before what the line above must have said.
const SAYS: &str = "# → ";

/// Returns the blocks of a page that a mark gives a name to, each with its name.
pub fn blocks(page: &str, mark: &str) -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = std::fs::read_to_string(page).expect("the page");
    let mark = format!(" {mark}=");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some((_, name)) = line.strip_prefix("```").and_then(|info| info.split_once(&mark)) else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push((name.to_owned(), block.join("\n") + "\n"));
    }
    blocks
}

/// Runs the lines of a block, and returns how many were compared with what they must say.
pub fn run(scene: &Scene, name: &str, block: &str) -> usize {
    let (mut last, mut told) = (String::new(), 0);
    for line in block.lines() {
        match line.strip_prefix(SAYS) {
            Some(expected) => {
                assert!(last.contains(expected), "{name}: expected `{expected}`, found\n{last}");
                told += 1;
            }
            None => last = said(scene, line),
        }
    }
    told
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
