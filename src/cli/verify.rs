//! `verify`: proves that the log is what was written.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use super::context::Context;
use super::error::Failure;
use super::output::{self, Progress};

/// Options of `verify`.
#[derive(clap::Args)]
pub struct Args {
    /// Make the phase table and every other cache anew from the log
    #[arg(long)]
    rebuild: bool,
}

/// Verifies the ledger.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    #[derive(Serialize)]
    struct View {
        schema: &'static str,
        status: &'static str,
        events: u64,
        commands: u64,
        root: String,
        table: &'static str,
    }
    let mut ledger = context.open()?;
    let mut progress = Progress::new("verifying", ledger.head()?.seq.number());
    let verified = ledger.verify(args.rebuild, |done| progress.at(done.number()))??;
    drop(progress);
    let table = match (verified.rebuilt, verified.rows_match) {
        (true, _) => "rebuilt",
        (false, true) => "right",
        (false, false) => "wrong",
    };
    let status = if table == "wrong" { "table_differs" } else { "verified" };
    let view = View {
        schema: "verify/1",
        status,
        events: verified.seq.number(),
        commands: verified.commands,
        root: verified.root.to_string(),
        table,
    };
    if table == "wrong" {
        return Err(Failure::new(
            5,
            "table_differs",
            "the table kept beside the log is not what the log adds up to",
        )
        .hint("the log is sound; `phaseledger verify --rebuild` makes the table anew from it")
        .detail("root", view.root));
    }
    let mut out = output::stdout();
    if context.json {
        output::json_line(&mut out, &view)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "verified: {} events of {} commands", view.events, view.commands)?;
    writeln!(out, "  lines, places, ids, times, causes and transitions are as they were written")?;
    writeln!(out, "  the table beside the log is {}", if table == "rebuilt" { "made anew" } else { table })?;
    writeln!(out, "  root {}", view.root)?;
    Ok(ExitCode::SUCCESS)
}
