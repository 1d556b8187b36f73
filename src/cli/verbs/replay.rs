//! `replay`: folds the log anew, event by event, and shows each step.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use phaseledger::ask::{self, AsOf, Lines, ReplayAnswer};
use phaseledger::ledger::LedgerError;
use phaseledger::model::{PhaseName, PhaseRef, Recorded, Seq, StateName, WorkflowName};
use phaseledger::query::{Counts, Replay};
use phaseledger::rules::{Names, Table};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::output::{self, Progress};
use crate::cli::ui::render::{self, Naming};
use crate::cli::verbs::asking;

/// The widest column of names.
const NAME_WIDTH_MAX: usize = 40;

// Options of `replay`.
#[derive(clap::Args)]
pub struct Args {
    /// Show only these steps: `WHEN..WHEN` as for `log`, either end left out at will
    #[arg(value_name = "RANGE", allow_hyphen_values = true)]
    range: Option<String>,
    /// Show only the steps of a phase
    #[arg(long, value_name = "PHASE")]
    phase: Option<PhaseRef>,
    /// Show only what it came to
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

/// One step, in JSON.
#[derive(Serialize)]
struct StepView<'a> {
    schema: &'static str,
    seq: Seq,
    kind: &'static str,
    workflow: Option<&'a WorkflowName>,
    phase: Option<&'a PhaseName>,
    from: Option<StateName>,
    to: Option<StateName>,
    derived: bool,
    counts: Counts,
}

/// What it came to, in JSON.
#[derive(Serialize)]
struct EndView<'a> {
    schema: &'static str,
    status: &'static str,
    as_of: &'a AsOf,
    events: u64,
    commands: u64,
    /// Whether the table kept beside the log is what the log adds up to; none where the head is not reached.
    table_equal: Option<bool>,
    counts: Counts,
}

/// Replays the log.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let range = args.range.as_deref().map(|text| asking::parse_range(text, context)).transpose()?;
    let question = ask::Replay { range, phase: args.phase.clone() };
    let answered = args.asking.ask_untold(&question, "replaying", context)?;
    let ReplayAnswer { as_of, is_head, is_late, phase, before, kept, lines } = answered.view;
    asking::tell_as_of(&as_of, is_head, context);
    let mut out = BufWriter::with_capacity(1 << 16, output::stdout());
    let mut replay = Replay::new(before, is_late);
    let shown = Shown { quiet: args.quiet, only: phase, json: context.json };
    fold(lines, &mut replay, &shown, &mut out, context)?;
    replay.end();
    finish(as_of, kept.as_deref(), &replay, &mut out, context)?;
    Ok(ExitCode::SUCCESS)
}

/// What is shown of the steps, and how.
struct Shown {
    quiet: bool,
    only: Option<Names>,
    json: bool,
}

impl Shown {
    fn includes(&self, record: &Recorded) -> bool {
        !self.quiet && self.only.as_ref().is_none_or(|phase| phase.is_about(record))
    }
}

fn fold(
    lines: Lines,
    replay: &mut Replay,
    shown: &Shown,
    out: &mut impl Write,
    context: &Context,
) -> Result<(), Failure> {
    let started = Instant::now();
    let mut progress = Progress::new("replaying", lines.places().count());
    let mut columns = Columns::new(replay, lines.places().last());
    let open = || context.open();
    lines.each_event(open, |record| -> Result<(), Failure> {
        let is_first = replay.step(&record).map_err(LedgerError::from)?;
        columns.widen(&record);
        if shown.includes(&record) {
            if shown.json {
                output::json_line(&mut *out, &StepView::new(&record, replay.counts))?;
            } else {
                writeln!(out, "{}", columns.line(&record, is_first, replay, context))?;
            }
        }
        progress.at(replay.events);
        Ok(())
    })?;
    drop(progress);
    let seconds = started.elapsed().as_secs_f64();
    if shown.quiet && seconds > 1.0 {
        let rate = replay.events as f64 / seconds;
        output::talk(format_args!("{rate:.0} events a second, {} in all", render::duration(seconds)));
    }
    Ok(())
}

/// Compares what the log adds up to with the table that was kept beside it at the same head, and says what came of it.
fn finish(
    as_of: AsOf,
    kept: Option<&Table>,
    replay: &Replay,
    out: &mut impl Write,
    context: &Context,
) -> Result<(), Failure> {
    let table_equal = kept.map(|kept| *kept == replay.table);
    if table_equal == Some(false) {
        out.flush()?;
        return Err(Failure::table_differs()
            .hint("the log counts: `phaseledger verify --rebuild` makes the table anew from it")
            .detail("seq", as_of.seq.number()));
    }
    let Replay { events, commands, counts, .. } = *replay;
    if context.json {
        let schema = "replay/1";
        let as_of = &as_of;
        let view = EndView { schema, status: "replayed", as_of, events, commands, table_equal, counts };
        output::json_line(&mut *out, &view)?;
    } else {
        let events = render::count(events as usize, "event", "events");
        let commands = render::count(commands as usize, "command", "commands");
        match table_equal {
            Some(_) => {
                writeln!(out, "replayed {events} of {commands}: the table equals the one kept")?;
            }
            None => writeln!(out, "replayed {events} of {commands}, up to {as_of}")?,
        }
    }
    out.flush()?;
    Ok(())
}

impl<'a> StepView<'a> {
    fn new(record: &'a Recorded, counts: Counts) -> Self {
        StepView {
            schema: "replay/1",
            seq: record.seq,
            kind: record.event.kind(),
            workflow: record.subject.workflow(),
            phase: record.subject.phase().map(|id| &id.phase),
            from: record.transition.map(|(from, _)| from),
            to: record.transition.map(|(_, to)| to),
            derived: record.rule.is_some(),
            counts,
        }
    }
}

/// The widths of the columns: known before the first line, so that nothing need be kept.
struct Columns {
    seq: usize,
    name: usize,
}

impl Columns {
    fn new(replay: &Replay, through: Seq) -> Self {
        let names = replay.table.phases.keys().map(|id| id.phase.as_str().width());
        let name = names.max().unwrap_or(0).min(NAME_WIDTH_MAX);
        Columns { seq: through.to_string().len(), name }
    }

    /// Makes room for the names that a definition brings.
    fn widen(&mut self, record: &Recorded) {
        if let Some(defined) = record.event.definition() {
            let names = defined.definition.phases().iter().map(|phase| phase.id.as_str().width());
            let own = record.subject.workflow().map_or(0, |name| name.as_str().width());
            self.name = names.chain([own]).fold(self.name, usize::max).min(NAME_WIDTH_MAX);
        }
    }

    fn line(&self, record: &Recorded, is_first: bool, replay: &Replay, context: &Context) -> String {
        let name = render::subject(&record.subject, Naming::among(replay.table.workflows.len()));
        let pad = " ".repeat(self.name.saturating_sub(name.width()));
        let mark = if is_first { ' ' } else { '↳' };
        let seq = format!("e{}", record.seq);
        let time = render::time(record.at, context.zone, false);
        let what = match record.transition {
            Some((from, to)) if from != to => {
                format!("{:<11} → {}", from.as_str(), render::state(to))
            }
            _ => format!("{:<13}{}", "", record.event.kind()),
        };
        // A state is up to eleven letters long, with its symbol thirteen.
        let wide = match record.transition {
            Some((from, to)) if from != to => 14 + 2 + to.as_str().len(),
            _ => 13 + record.event.kind().len(),
        };
        let gap = " ".repeat(31_usize.saturating_sub(wide));
        let counts: Vec<_> = replay.counts.iter().map(|(state, count)| counted(state, count)).collect();
        format!(
            "{mark}{seq:<width$} {time} {name}{pad}  {what}{gap}  {}",
            counts.join(" "),
            width = self.seq + 1
        )
    }
}

fn counted(state: StateName, count: u64) -> String {
    let style = render::style(state);
    format!("{style}{}{count}{style:#}", state.symbol())
}
