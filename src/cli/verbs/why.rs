//! `why`: explains where a phase stands, with every cause back to the roots.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use phaseledger::ask::{self, WhyAnswer};
use phaseledger::model::PhaseRef;

use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::{output, process};
use crate::cli::ui::causes::Drawing;
use crate::cli::ui::render::Naming;
use crate::cli::verbs::asking;

// Options of `why`.
#[derive(clap::Args)]
#[command(
    after_help = "The answer leads from where the phase stands back through what caused it, one step a line, to \
    each root: an event that nothing in the ledger caused. With `--json` each event comes with its edge and with \
    its leaf, the SHA-256 of a zero byte and its line in the export: whoever has an export can check the answer."
)]
pub struct Args {
    /// The phase: its name, or `workflow/phase`
    #[arg(value_name = "PHASE")]
    phase: PhaseRef,
    /// Show every event, however long the chain
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

/// Explains.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let answered = args.asking.ask(&ask::Why { phase: args.phase.clone() }, context)?;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(ExitCode::SUCCESS);
    }
    let WhyAnswer { why, table } = &answered.view;
    let naming = Naming::among(table.workflows.len());
    let mut out = BufWriter::new(output::stdout());
    Drawing { why, zone: context.zone, naming, full: args.full }.draw(&mut out)?;
    out.flush()?;
    if let (true, Some(phase)) = (answered.is_head, table.phases.get(&why.phase)) {
        process::tell_how_to_settle_one(phase);
    }
    Ok(ExitCode::SUCCESS)
}
