//! `why`: explains where a phase stands, with every cause back to the roots.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use phaseledger::ledger::Ledger;
use phaseledger::model::{Digest, PhaseRef, Recorded, Seq, escape};
use phaseledger::query::{self, Proven, Why};
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{output, process};
use crate::cli::ui::causes::Drawing;
use crate::cli::verbs::asking::{self, AsOf};

/// Options of `why`.
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
    asking: asking::Args,
}

/// The answer, in JSON.
#[derive(Serialize)]
struct View<'a> {
    schema: &'static str,
    as_of: AsOf,
    #[serde(flatten)]
    why: &'a Why,
}

/// Explains.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut asked = args.asking.open(context)?;
    let table = asked.table()?;
    let phase = table.resolve(&args.phase)?;
    let mut events = Backwards::new(&asked.ledger);
    let why = query::why(&table, phase, |seq| events.read(seq))?;
    asked.talk(context);
    let mut out = BufWriter::new(output::stdout());
    if context.json {
        let view = View { schema: "why/1", as_of: asked.as_of, why: &why };
        output::json_line(&mut out, &view)?;
    } else {
        let one_workflow = table.workflows.len() == 1;
        Drawing { why: &why, zone: context.zone, one_workflow, full: args.full }.draw(&mut out)?;
    }
    out.flush()?;
    if asked.is_head && !context.json {
        process::tell_how_to_settle_one(phase);
    }
    Ok(ExitCode::SUCCESS)
}

/// How many lines are read at first, and at most.
const LINES_MIN: u64 = 16;
const LINES_MAX: u64 = 1024;

/// Reads events at places that mostly go backwards: a part of the log at a time, larger ones while the places
/// are near one another.
struct Backwards<'a> {
    ledger: &'a Ledger,
    /// The place before the lines at hand.
    after: Seq,
    lines: Vec<String>,
    count: u64,
}

impl<'a> Backwards<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        Backwards { ledger, after: Seq::ZERO, lines: Vec::new(), count: LINES_MIN }
    }

    fn read(&mut self, seq: Seq) -> Result<Proven, Failure> {
        if self.line(seq).is_none() {
            let is_near = seq <= self.after && self.after.number() - seq.number() < self.count;
            self.count = if is_near { (self.count * 2).min(LINES_MAX) } else { LINES_MIN };
            self.after = seq.minus(self.count);
            let count = seq.number() - self.after.number();
            self.lines = self.ledger.lines(self.after, usize::try_from(count).unwrap_or(usize::MAX))?;
        }
        let line = self.line(seq).ok_or_else(|| Failure::damage(format!("there is no event {seq}")))?;
        let record = Recorded::from_line(line).map_err(|error| {
            Failure::damage(format!("event {seq} cannot be read: {}", escape(&error.to_string())))
        })?;
        Ok(Proven { record, leaf: leaf(line) })
    }

    fn line(&self, seq: Seq) -> Option<&str> {
        let at = seq.number().checked_sub(self.after.number() + 1)?;
        self.lines.get(usize::try_from(at).ok()?).map(String::as_str)
    }
}

/// Returns the leaf of the Merkle tree that a line is.
fn leaf(line: &str) -> Digest {
    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.push(0);
    bytes.extend_from_slice(line.as_bytes());
    Digest::sha256(&bytes)
}
