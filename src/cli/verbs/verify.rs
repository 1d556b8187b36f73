//! `verify`: proves that the log is what was written.

use std::io::Write;
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::ledger::Verified;
use phaseledger::store::{Mended, StoreError, salvage};
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::{Failure, Kind};
use crate::cli::host::output::{self, Progress};
use crate::cli::host::paths::shown;
use crate::cli::ui::render;

// Options of `verify`.
#[derive(clap::Args)]
pub struct Args {
    /// Make anew what is not the log itself: the phase table, every other cache, and the files beside the log that it is
    /// opened with
    #[arg(long)]
    rebuild: bool,
}

/// How many files say how long the log was.
const WITNESSES: usize = 2;

/// What is answered.
#[derive(Serialize)]
struct View {
    schema: &'static str,
    status: &'static str,
    events: u64,
    commands: u64,
    root: String,
    table: &'static str,
    /// How many events were recorded while the clock was more than a minute behind those before them.
    clock_behind: u64,
    /// How many derived events are what the rules derive.
    derived_anew: u64,
    /// How many are of the first release: only their causes and edges were checked.
    derived_before: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    made_anew: Vec<String>,
}

/// Verifies the ledger.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    // Nothing is held once it returns.
    let verified = verify(args, context).map_err(|failure| surveyed(failure, context))?;
    verified.mended.iter().for_each(tell);
    let is_witness = |mended: &&Mended| matches!(mended, Mended::Witness(_));
    if verified.mended.iter().filter(is_witness).count() == WITNESSES {
        output::talk(format_args!(
            "  no other file says so: whether the log was longer once, nothing tells any more"
        ));
    }
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
        clock_behind: verified.clock_behind,
        derived_anew: verified.derived_anew,
        derived_before: verified.derived_before,
        made_anew: made_anew(&verified.mended),
    };
    if table == "wrong" {
        return Err(Failure::table_differs()
            .hint("the log is sound; `phaseledger verify --rebuild` makes the table anew from it")
            .detail("root", view.root));
    }
    let mut out = output::stdout();
    if context.json {
        output::json_line(&mut out, &view)?;
        return Ok(ExitCode::SUCCESS);
    }
    write_text(&mut out, &view)?;
    Ok(ExitCode::SUCCESS)
}

fn write_text(out: &mut impl Write, view: &View) -> std::io::Result<()> {
    writeln!(out, "verified: {} events of {} commands", view.events, view.commands)?;
    writeln!(out, "  lines, places, ids, times, causes and transitions are as they were written")?;
    let derived = ("derived event is", "derived events are");
    write_counted(out, view.derived_anew, derived, "what the rules derive")?;
    let before = "that the first release derived: causes and edges were checked, not derived anew";
    write_counted(out, view.derived_before, ("event", "events"), before)?;
    let table = if view.table == "rebuilt" { "made anew" } else { view.table };
    writeln!(out, "  the table beside the log is {table}")?;
    let behind =
        "recorded while the clock was more than a minute behind those before: `clock` keeps what it showed";
    write_counted(out, view.clock_behind, ("event was", "events were"), behind)?;
    writeln!(out, "  root {}", view.root)
}

/// Writes what is so of some events; nothing where there are none.
fn write_counted(
    out: &mut impl Write,
    count: u64,
    (one, many): (&str, &str),
    what: &str,
) -> std::io::Result<()> {
    match count {
        0 => Ok(()),
        count => writeln!(out, "  {} {what}", render::count(count as usize, one, many)),
    }
}

fn verify(args: &Args, context: &Context) -> Result<Verified, Failure> {
    let mut ledger = if args.rebuild { context.open_mending()? } else { context.open()? };
    let head = ask::held(&mut ledger, &ask::Head)?;
    let mut progress = Progress::new("verifying", head.number());
    Ok(ledger.verify(args.rebuild, |done| progress.at(done.number()))??)
}

/// Adds to what is wrong with a log which of its events are missing: all of it is read for that.
fn surveyed(failure: Failure, context: &Context) -> Failure {
    let is_of_log = matches!(failure.kind, Kind::Damaged | Kind::Remains);
    let Some(home) = context.home().ok().filter(|_| is_of_log) else { return failure };
    match salvage(&home.log(), |_, _| Ok::<_, StoreError>(())) {
        Ok(found) => failure.surveyed(&found),
        Err(_) => failure,
    }
}

/// Says aloud what was mended: whoever kept the files apart may want to know why they differ.
fn tell(mended: &Mended) {
    match mended {
        Mended::Witness(path) => {
            output::talk(format_args!("made anew: `{}`, which says how long the log was", shown(path)));
        }
        Mended::Segment(path) => {
            output::talk(format_args!("made anew: `{}`, from its events, which are all there", shown(path)));
        }
    }
}

/// Returns the files that were made anew.
fn made_anew(mended: &[Mended]) -> Vec<String> {
    mended.iter().map(|(Mended::Witness(path) | Mended::Segment(path))| shown(path)).collect()
}
