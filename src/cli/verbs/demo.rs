//! `demo`: the main job from end to end, on the workflow and the history that the project ships. Each step
//! is this same program, run as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::host::paths::shown;

// Options of `demo`.
#[derive(clap::Args)]
pub struct Args {
    /// The folder to work in, which stays [default: a new one among the temporary files]
    folder: Option<PathBuf>,
}

const MARKED: &str = "2025-10-29T18:27:01.123456Z";

/// What is said, and then run.
const STEPS: &[(&str, &[&str])] = &[
    ("Make a ledger, with a workflow of 16 phases.", &["init", "--example"]),
    (
        "Replay a history into it: three phases ran on 2025-10-29.",
        &["import", "--format", "history", "ledger/histories/2025-10-29.jsonl", "--before", MARKED],
    ),
    ("Where does everything stand?", &["status"]),
    (
        "New books came in: mark the analysis for rerun. What was built on it follows.",
        &["rerun", "phase_2_analysis", "--reason", "New books added to analysis", "--occurred-at", MARKED],
    ),
    ("Why must the synthesis run again?", &["why", "phase_3_synthesis"]),
    ("And how did things stand just before that?", &["status", "--before", MARKED]),
    ("Write the report as of both moments.", &["report", "--before", MARKED, "--output", "before.md"]),
    ("", &["report", "--output", "after.md"]),
    ("Prove that the log is what was written.", &["verify"]),
];

/// Runs the demonstration.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let folder = match &args.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder, &error))?;
            folder.clone()
        }
        None => {
            let made = tempfile::Builder::new().prefix("phaseledger-demo-").tempdir();
            made.map_err(|error| Failure::io("make", &std::env::temp_dir(), &error))?.keep()
        }
    };
    let program =
        std::env::current_exe().map_err(|error| Failure::io("find", Path::new("phaseledger"), &error))?;
    for (said, arguments) in STEPS {
        if !said.is_empty() {
            output::say(format_args!("\n# {said}"))?;
        }
        output::say(format_args!("$ phaseledger {}", quoted(arguments)))?;
        let mut child = Command::new(&program);
        child.args(*arguments).current_dir(&folder).env_remove("PHASELEDGER_DIR");
        let status = child.status().map_err(|error| Failure::io("run", &program, &error))?;
        if !status.success() {
            let message = format!("`phaseledger {}` ended with {status}", quoted(arguments));
            return Err(Failure::demo(message).detail("folder", shown(&folder)));
        }
    }
    output::say(format_args!(
        "\n# All of it stays in {}: look at before.md and after.md there.",
        shown(&folder)
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn quoted(arguments: &[&str]) -> String {
    let quote = |argument: &&str| match argument.contains(' ') {
        true => format!("\"{argument}\""),
        false => (*argument).to_owned(),
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}
