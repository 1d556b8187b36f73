//! `salvage`: writes every line of the log that can still be read, and names the events that are missing.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ledger::{EXPORT_SCHEMA, ExportEnd, SALVAGED_SCHEMA, SalvagedEnd, Stretch};
use phaseledger::store::{Frontier, Salvaged, salvage};
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output::{self, Progress};
use crate::cli::host::paths::shown;
use crate::cli::host::{files, output::json_line};
use crate::cli::ui::render;

// Options of `salvage`.
#[derive(clap::Args)]
#[command(
    after_help = "Nothing of the ledger is changed. Where the log is whole, OUT is what `export` writes (exit 0). \
    Where events are missing, they are named on stderr, and the last line of OUT names them too (exit 1): `import \
    --as-new` takes such a file into a new ledger."
)]
pub struct Args {
    /// The file to write, whole or not at all, or `-` for standard output
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// How many notes on what could not be read are told.
const NOTES_MAX: usize = 20;

/// Salvages the log.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let log = context.home()?.log();
    let is_stdout = args.out == Path::new("-");
    let salvaged = if is_stdout {
        let mut out = BufWriter::with_capacity(1 << 18, output::raw_stdout());
        let salvaged = write(&log, &mut out)?;
        out.flush()?;
        salvaged
    } else {
        files::refuse_within(&args.out, &log)?;
        let target = files::Target::new(&args.out)?;
        files::write_whole(&target, |out| write(&log, out))?
    };
    let name = if is_stdout { "-".to_owned() } else { shown(&args.out) };
    match (context.json, is_stdout) {
        (true, false) => json_line(&mut output::stdout(), &View::new(&salvaged, &name))?,
        // The answer is in the way of nothing there.
        (true, true) => output::json_talk(&View::new(&salvaged, &name))?,
        (false, _) => tell(&salvaged, &name),
    }
    Ok(if salvaged.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes the lines, then the line that says what they are.
fn write(log: &Path, out: &mut dyn Write) -> Result<Salvaged, Failure> {
    let mut progress = Progress::new("salvaging", 0);
    let mut frontier = Frontier::default();
    let salvaged = salvage(log, |seq, line| -> Result<(), Failure> {
        frontier.push(line.as_bytes());
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        progress.at(seq.number());
        Ok(())
    })?;
    let (events, root) = (frontier.leaves(), frontier.root());
    if salvaged.is_whole() {
        json_line(&mut &mut *out, &ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events, root })?;
    } else {
        let schema = SALVAGED_SCHEMA.to_owned();
        let missing = salvaged.missing.iter().copied().map(Stretch::from).collect();
        let differing = salvaged.differing.iter().map(|differing| differing.seq).collect();
        json_line(&mut &mut *out, &SalvagedEnd { schema, events, missing, differing, root })?;
    }
    Ok(salvaged)
}

/// The answer for programs.
#[derive(Serialize)]
struct View<'a> {
    schema: &'static str,
    status: &'static str,
    out: &'a str,
    events: u64,
    last: u64,
    missing: Vec<Stretch>,
    beyond_witness: Option<Stretch>,
    differing: Vec<DifferingView<'a>>,
    unreadable: &'a [String],
    end_known: bool,
}

#[derive(Serialize)]
struct DifferingView<'a> {
    seq: u64,
    root: String,
    expected: String,
    by: &'a str,
}

impl<'a> View<'a> {
    fn new(salvaged: &'a Salvaged, out: &'a str) -> Self {
        let differing = salvaged.differing.iter().map(|differing| DifferingView {
            seq: differing.seq.number(),
            root: differing.root.to_string(),
            expected: differing.expected.to_string(),
            by: &differing.by,
        });
        View {
            schema: "salvage/1",
            status: status(salvaged),
            out,
            events: salvaged.events,
            last: salvaged.last.number(),
            missing: salvaged.missing.iter().copied().map(Stretch::from).collect(),
            beyond_witness: salvaged.beyond_witness.map(Stretch::from),
            differing: differing.collect(),
            unreadable: &salvaged.unreadable,
            end_known: salvaged.is_end_known,
        }
    }
}

fn status(salvaged: &Salvaged) -> &'static str {
    match (salvaged.missing.is_empty(), salvaged.differing.is_empty()) {
        (true, true) => "whole",
        (true, false) => "differing",
        (false, _) => "holes",
    }
}

/// Tells a person, on stderr: the lines may be on stdout.
fn tell(salvaged: &Salvaged, out: &str) {
    let events = render::count(salvaged.events as usize, "event", "events");
    let to = if out == "-" { String::new() } else { format!(" to `{out}`") };
    if salvaged.is_whole() {
        output::talk(format_args!("salvaged {events}{to}: no event is missing"));
    } else {
        let missing = salvaged.missing.iter().map(|span| span.events()).sum::<u64>();
        let are = if missing == 1 { "is" } else { "are" };
        output::talk(format_args!("salvaged {events}{to}: {missing} {are} missing"));
    }
    for places in salvaged.missing.iter().copied().map(Stretch::from) {
        output::talk(format_args!("  missing: {places}"));
    }
    for differing in &salvaged.differing {
        output::talk(format_args!(
            "  the root over the lines up to e{} is {}; {} says {}",
            differing.seq, differing.root, differing.by, differing.expected
        ));
    }
    if let Some(beyond) = salvaged.beyond_witness.map(Stretch::from) {
        output::talk(format_args!("  {beyond}: written by a process that ended before it could say so"));
    }
    if !salvaged.is_end_known {
        output::talk(format_args!("  no file says how long the log was: its end may be missing"));
    }
    for note in salvaged.unreadable.iter().take(NOTES_MAX) {
        output::talk(format_args!("  note: {note}"));
    }
    if salvaged.unreadable.len() > NOTES_MAX {
        output::talk(format_args!(
            "  and {} more notes; `--json` has all",
            salvaged.unreadable.len() - NOTES_MAX
        ));
    }
    if out != "-" {
        let how = if salvaged.is_whole() { "" } else { "--as-new " };
        output::talk(format_args!("next: `phaseledger --dir NEW import {how}{out}` makes a ledger of it"));
    }
}
