//! `export`: writes the log as JSON lines, byte for byte, and a last line that seals them.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use phaseledger::ask::{self, Lines, Piece};
use phaseledger::ledger::{EXPORT_SCHEMA, ExportEnd};
use phaseledger::model::Digest;
use phaseledger::store::Frontier;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::files;
use crate::cli::host::output::{self, Progress};
use crate::cli::ui::render;
use crate::cli::verbs::asking;

// Options of `export`.
#[derive(clap::Args)]
pub struct Args {
    /// Write to a file, whole or not at all [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    asking: asking::Args,
}

/// Exports the ledger.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let output = args.output.as_deref().map(files::Target::new).transpose()?;
    let answered = args.asking.ask_untold(&ask::Export, "exporting", context)?;
    if !answered.as_of.late.is_empty() {
        output::talk(format_args!(
            "as of {}: a part of the log that cannot be restored by itself",
            answered.as_of
        ));
    }
    let lines = answered.view.lines;
    match output {
        None => {
            let mut out = BufWriter::with_capacity(1 << 18, output::raw_stdout());
            write(lines, context, &mut out)?;
            out.flush()?;
        }
        Some(target) => {
            let events = files::write_whole(&target, |out| write(lines, context, out))?;
            output::talk(format_args!("exported {}", render::count(events as usize, "event", "events")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the lines up to a place, then the line that seals them. Returns how many there were.
fn write(lines: Lines, context: &Context, out: &mut dyn Write) -> Result<u64, Failure> {
    let mut progress = Progress::new("exporting", lines.places().count());
    let mut frontier = Frontier::default();
    let open = || context.open();
    let places = lines.places().clone();
    let leaves = |piece: &Piece| piece.at(&places).map(|(_, line)| Digest::leaf(line)).collect::<Vec<_>>();
    lines.each_piece(open, leaves, |piece, leaves| -> Result<(), Failure> {
        for ((_, line), leaf) in piece.at(&places).zip(&leaves) {
            frontier.push_leaf(leaf);
            out.write_all(line.as_bytes())?;
            out.write_all(b"\n")?;
            progress.at(frontier.leaves());
        }
        Ok(())
    })?;
    let end =
        ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events: frontier.leaves(), root: frontier.root() };
    output::json_line(&mut &mut *out, &end)?;
    Ok(frontier.leaves())
}
