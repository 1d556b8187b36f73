//! `log`: events, in the order in which they happened. It reads the log a piece at a time, however long it is.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use anstyle::Style;
use clap::builder::PossibleValuesParser;
use phaseledger::ask::{self, LogAnswer};
use phaseledger::model::{Event, PhaseRef, Recorded, Seq, Subject, WorkflowName, Zone};
use phaseledger::query::LogFilter;
use phaseledger::rules::Table;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::render::{self, Naming};
use crate::cli::verbs::asking;

/// The most room that names get before what happened is pushed aside.
const SUBJECT_WIDTH_MAX: usize = 40;

/// The least room on a terminal for what happened to stand beside the rest; with less it goes below.
const WHAT_WIDTH_MIN: usize = 32;

/// How far what happened is indented where it stands below.
const BELOW_INDENT: usize = 6;

// Options of `log`.
#[derive(clap::Args)]
#[command(
    after_help = "RANGE is `WHEN..WHEN`; either end may be left out. A place is left out on the left and taken in on \
    the right: `e5..e9` is what follows e5, up to e9. A time is taken in on the left and left out on the right: \
    `2025-10-29..2025-10-30` is that day.\n\n\
    An event that others forced is marked with `↳`, and `because` tells by which. With `--json` the lines are \
    printed as they are kept, byte for byte, one an event."
)]
pub struct Args {
    /// Which part of the log [default: all of it]
    range: Option<String>,
    /// Only events about this phase; several may be given
    #[arg(long = "phase", value_name = "PHASE")]
    phases: Vec<PhaseRef>,
    /// Only events about this workflow and its phases
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    /// Only events of this kind; several may be given
    #[arg(
        long = "kind",
        value_name = "KIND",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Event::KINDS),
        hide_possible_values = true
    )]
    kinds: Vec<String>,
    /// Only events that this one asked for
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Only the last N
    #[arg(short = 'n', long = "last", value_name = "N")]
    last: Option<u64>,
    /// Only events that no other event caused
    #[arg(long)]
    roots: bool,
    #[command(flatten)]
    asking: asking::Args,
}

/// Lists events.
pub fn run(args: Args, context: &Context) -> Result<ExitCode, Failure> {
    let range = args.range.as_deref().map(|text| asking::parse_range(text, context)).transpose()?;
    let question = ask::Log {
        range,
        phases: args.phases,
        filter: LogFilter {
            phases: Vec::new(),
            workflow: args.workflow,
            kinds: args.kinds,
            by: args.by,
            roots: args.roots,
        },
        last: args.last,
        with_table: !context.json,
    };
    let answered = args.asking.ask(&question, context)?;
    let LogAnswer { span, filter, lines, table } = answered.view;
    if question.range.is_some() && !span.is_empty() && !context.json {
        output::talk(format_args!("the range is e{} to e{}", span.after.plus(1), span.through));
    }
    let layout = table.map(|table| Layout::new(&table, &filter, answered.as_of.last(), context.zone));
    let out: Box<dyn Write> = match layout {
        Some(_) => Box::new(output::stdout()),
        None => output::raw_stdout(),
    };
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut found = false;
    lines.each(
        || context.open(),
        |seq, line| {
            let record = match filter.admits_all() && layout.is_none() {
                true => None,
                false => Some(ask::decode(seq, line)?),
            };
            if record.as_ref().is_some_and(|record| !filter.admits(record)) {
                return Ok(());
            }
            found = true;
            match (&layout, &record) {
                (Some(layout), Some(record)) => out.write_all(layout.event(record).as_bytes())?,
                (None, _) | (_, None) => writeln!(out, "{line}")?,
            }
            Ok(())
        },
    )?;
    if !found && !context.json {
        output::talk(format_args!("no events"));
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// How the parts of a line stand.
struct Layout {
    seq_width: usize,
    subject_width: usize,
    naming: Naming,
    zone: Zone,
    terminal: Option<usize>,
}

impl Layout {
    fn new(table: &Table, filter: &LogFilter, through: Seq, zone: Zone) -> Self {
        let naming = Naming::among(table.workflows.len());
        let former = filter.phases.iter().flat_map(|phase| phase.former()).map(|(id, _)| id);
        let phases = table.phases.keys().chain(former).filter(|id| {
            (filter.phases.is_empty() || filter.phases.iter().any(|phase| phase.was_ever(id)))
                && filter.workflow.as_ref().is_none_or(|name| *name == id.workflow)
        });
        let names = phases.map(|id| render::width(&render::phase(id, naming)));
        Layout {
            seq_width: through.to_string().len() + 1,
            subject_width: names.max().unwrap_or(0).min(SUBJECT_WIDTH_MAX),
            naming,
            zone,
            terminal: output::terminal_width().map(usize::from),
        }
    }

    /// Returns an event as a line; on a terminal, as several where it is long.
    fn event(&self, record: &Recorded) -> String {
        let subject = render::subject(&record.subject, self.naming);
        let takes = render::width(&subject);
        let pad = " ".repeat(self.subject_width.saturating_sub(takes));
        let seq = format!("e{}", record.seq);
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        let time = render::time(record.at, self.zone, false);
        let head = format!(
            "{bold}{seq:>width$}{bold:#}  {dim}{time}{dim:#}  {} {subject}",
            mark(record),
            width = self.seq_width
        );
        let what = what(record);
        let beside = self.seq_width + 2 + render::width(&time) + 4 + self.subject_width + 2;
        match self.terminal {
            Some(width) if takes <= self.subject_width && width >= beside + WHAT_WIDTH_MIN => {
                let lines = wrap(&what, width - beside);
                format!("{head}{pad}  {}\n", lines.join(&format!("\n{}", " ".repeat(beside))))
            }
            Some(width) => {
                let indent = format!("\n{}", " ".repeat(self.seq_width + BELOW_INDENT));
                let lines =
                    wrap(&what, width.saturating_sub(self.seq_width + BELOW_INDENT).max(WHAT_WIDTH_MIN));
                format!("{head}{indent}{}\n", lines.join(&indent))
            }
            None => format!("{head}{pad}  {what}\n"),
        }
    }
}

/// Returns the sign of an event: that of the state it leads to, or of what others forced.
fn mark(record: &Recorded) -> String {
    let (sign, style) = match record.transition {
        _ if record.rule.is_some() => ("↳", Style::new().dimmed()),
        Some((_, to)) => (render::symbol(to), render::style(to)),
        None => ("·", Style::new().dimmed()),
    };
    format!("{style}{sign}{style:#}")
}

/// Returns what happened: the states where they changed, or else the kind; for what others forced, by which.
fn what(record: &Recorded) -> String {
    let mut parts = Vec::new();
    let says_so = record.event.skipped().is_some() || record.transition.is_some_and(|(from, to)| from != to);
    if !says_so {
        parts.push(record.event.kind().replace('_', " "));
    }
    parts.push(render::summary(record));
    if record.rule.is_some() && !record.causes.is_empty() {
        let causes: Vec<_> = record.causes.iter().map(|cause| format!("e{}", cause.event.seq)).collect();
        parts.push(format!("because {}", causes.join(", ")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

/// Parts a text into lines of a width, at its spaces. A word that is longer stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = width;
    for word in text.split(' ') {
        let takes = render::width(word);
        let line = lines.last_mut().expect("a line");
        if line.is_empty() {
            line.push_str(word);
            room = width.saturating_sub(takes);
        } else if takes < room {
            line.push(' ');
            line.push_str(word);
            room -= takes + 1;
        } else {
            lines.push(word.to_owned());
            room = width.saturating_sub(takes);
        }
    }
    lines
}

/// Returns what an event is about, with its kind, in a few words.
pub fn named(subject: &Subject, kind: &str, naming: Naming) -> String {
    match subject {
        Subject::Ledger => kind.to_owned(),
        Subject::Workflow(_) | Subject::Phase(_) => {
            format!("{kind} {}", render::subject(subject, naming))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_colours_take_no_room() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("\u{1b}[33maa\u{1b}[0m bb cc", 5).len(), 2);
        assert_eq!(wrap("a 0123456789 b", 4), ["a", "0123456789", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
