//! `status`: where each phase stands.

use std::io::Write;
use std::process::ExitCode;

use anstyle::AnsiColor;
use phaseledger::ask::{self, StatusAnswer};
use phaseledger::model::{Amount, PhaseId, PhaseRef, StateName, Text, WorkflowName};
use phaseledger::query::{LimitReached, PhaseStatus, Status, StatusFilter, Summary, WorkflowSummary};
use phaseledger::rules::{Standing, Table};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{output, process};
use crate::cli::ui::columns::{self, Column};
use crate::cli::ui::render::{self, Naming};
use crate::cli::verbs::{asking, drift};

/// How much of a note is shown on a terminal, in characters.
const NOTE_CHARACTERS_MAX: usize = 240;

/// The symbol beside what is done without.
const SKIPPED: &str = "⊘";

/// How many unmet needs are named.
const NEEDS_NAMED_MAX: usize = 3;

// Options of `status`.
#[derive(clap::Args)]
#[command(
    after_help = "In JSON (`status/1`): `completed_at` is when the last attempt ended, well or badly; \
    `unmet` lists, by their full names, the needs that are neither complete nor skipped as of the place asked \
    about, and `dependencies_met` says that there are none; `attempt` is 0 before the first one; `skipped` is \
    the reason; `summary` counts the phases listed, `skipped` being those of `PENDING` that are done without and `done` what is \
    COMPLETE or skipped; `workflows` has the same for each; `approvals_pending` counts the requests for leave that wait for \
    a person; `limits`, where there are any, lists the limits on costs that are exceeded (`over`) or nearly (`warning`), of the \
    current day, week and month too. As of the head, `process_state` tells of the `process` that \
    works on an attempt whether it is `running`, `gone` or `unknown` (on another host); where it is gone but one that \
    it started runs, `left_behind_pid` is that; so it is where an attempt has ended but left a process behind.\n\n\
    With `--exit-code` it exits with 0 when nothing that is listed must run again, has failed or waits for leave, and with 1 \
    otherwise; with `--exit-code=complete` when all of it is COMPLETE or skipped besides."
)]
pub struct Args {
    /// Only these phases: `phase`, or `workflow/phase` [default: all]
    #[arg(value_name = "PHASE")]
    phases: Vec<PhaseRef>,
    /// Only phases in this state; several may be given
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',')]
    states: Vec<StateName>,
    /// Only phases of this workflow
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    /// List retired phases too, which the definition no longer has
    #[arg(long)]
    all: bool,
    /// Exit with 1 unless all that is listed is up to date, or with `complete` done
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "current")]
    exit_code: Option<Wanted>,
    #[command(flatten)]
    asking: asking::Args,
}

/// What `--exit-code` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Wanted {
    /// Nothing must run again, has failed or waits for leave
    Current,
    /// All is complete or skipped besides
    Complete,
}

impl Wanted {
    /// Says what is in the way of it, in a few words; none where nothing is.
    fn missing(self, status: &Status) -> Option<String> {
        let Summary { failed, stale, done, total, .. } = status.summary;
        let count = |number: usize, what: &str| (number > 0).then(|| format!("{number} {what}"));
        let left = if self == Wanted::Complete { total - done } else { 0 };
        let in_the_way = [
            count(stale, "to run again"),
            count(failed, "failed"),
            count(left.saturating_sub(stale + failed), "not done"),
            count(status.approvals_pending, "waiting for leave"),
        ];
        let in_the_way: Vec<_> = in_the_way.into_iter().flatten().collect();
        (!in_the_way.is_empty()).then(|| in_the_way.join(", "))
    }
}

/// Tells where phases stand.
pub fn run(args: Args, context: &Context) -> Result<ExitCode, Failure> {
    let filter = StatusFilter {
        phases: args.phases,
        states: args.states,
        workflow: args.workflow,
        with_retired: args.all,
    };
    let mut answered = args.asking.ask(&ask::Status { filter }, context)?;
    let missing = args.exit_code.and_then(|wanted| wanted.missing(&answered.view.status));
    let exit = if missing.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    let is_head = answered.is_head;
    let StatusAnswer { status, table } = &mut answered.view;
    if is_head {
        process::look_at(&mut status.phases, table);
    }
    if context.json {
        asking::write_json(&answered)?;
        return Ok(exit);
    }
    let with_retired = status.phases.iter().any(|phase| phase.retired);
    let naming = Naming::among(if with_retired { table.workflows.len() } else { table.in_force().count() });
    let rows: Vec<_> = status.phases.iter().map(|phase| row(phase, naming, is_head, context)).collect();
    let mut out = output::stdout();
    show(&mut out, COLUMNS, &rows)?;
    let gap = if rows.is_empty() { "" } else { "\n" };
    write!(out, "{gap}")?;
    if status.workflows.len() > 1 {
        for WorkflowSummary { workflow, summary: of } in &status.workflows {
            writeln!(out, "{workflow}: {}", summary(of))?;
        }
    }
    writeln!(out, "{}", summary(&status.summary))?;
    if status.approvals_pending > 0 {
        let requests = render::count(status.approvals_pending, "request waits", "requests wait");
        writeln!(out, "{requests} for leave: `phaseledger approval list` lists them")?;
    }
    for limit in &status.limits {
        writeln!(out, "{}", reached(limit))?;
    }
    if let Some(missing) = missing {
        output::talk(format_args!("not up to date: {missing}"));
    }
    process::tell_how_to_settle(&status.phases);
    match table.in_force().next() {
        _ if !is_head => {}
        Some(_) => drift::tell_of(table, context),
        None => tell_none_in_force(table),
    }
    Ok(exit)
}

/// Says why there is nothing to show.
fn tell_none_in_force(table: &Table) {
    let retired: Vec<_> = table.workflows.keys().map(|name| format!("`{name}`")).collect();
    match retired.as_slice() {
        [] => output::talk(format_args!(
            "nothing is defined yet: `phaseledger define` puts `ledger/workflow.toml` in force"
        )),
        retired => output::talk(format_args!(
            "nothing is in force: {} {} retired, and `phaseledger define FILE` brings back what a file defines",
            retired.join(", "),
            if retired.len() == 1 { "is" } else { "are" }
        )),
    }
}

/// Says of a limit that it is exceeded, or nearly.
fn reached(limit: &LimitReached) -> String {
    let LimitReached { scope, name, currency, period, limit, spent, remaining, status } = limit;
    let (word, colour) = match status {
        Standing::Over => ("over the limit", AnsiColor::Red.on_default()),
        Standing::Warning | Standing::Ok => ("near the limit", AnsiColor::Yellow.on_default()),
    };
    let period = period.as_ref().map_or_else(String::new, |period| format!(" for {period}"));
    let (spent, limit) = (spent.of(currency), limit.of(currency));
    let left = match Amount::ZERO.minus(*remaining).filter(|over| over.is_positive()) {
        Some(over) => format!("{} over", over.of(currency)),
        None => format!("{} left", remaining.of(currency)),
    };
    format!(
        "{colour}{word}{colour:#}: {} {name} has spent {spent} of {limit}{period}, {left}",
        scope.as_str()
    )
}

const COLUMNS: &[Column] = &[
    Column { header: "phase", yields: 0 },
    Column { header: "state", yields: 0 },
    Column { header: "attempt", yields: 2 },
    Column { header: "started", yields: 3 },
    Column { header: "duration", yields: 1 },
    Column { header: "note", yields: 0 },
];

/// Writes rows as columns, and says which of them a terminal has no room for.
pub fn show(out: &mut impl Write, columns: &[Column], rows: &[Vec<String>]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let shown = columns::show(columns, rows, output::terminal_width());
    writeln!(out, "{}", shown.text)?;
    if !shown.left_out.is_empty() {
        let names = shown.left_out.join(", ");
        output::talk(format_args!("left out for want of room: {names} (`--json`, or a pipe, has all)"));
    }
    Ok(())
}

fn row(phase: &PhaseStatus, naming: Naming, is_head: bool, context: &Context) -> Vec<String> {
    let so_far = |since| match context.now() {
        Ok(now) => format!("{} so far", render::duration(now.since(since).as_secs_f64())),
        // The answer does not depend on the clock.
        Err(_) => String::new(),
    };
    let duration = match (phase.duration_seconds, phase.state, phase.started_at) {
        (Some(seconds), ..) => render::duration(seconds),
        (None, StateName::InProgress, Some(since)) if is_head => so_far(since),
        (None, ..) if phase.completed_at.is_some() => render::UNKNOWN.to_owned(),
        (None, ..) => String::new(),
    };
    vec![
        render::phase(&phase.id(), naming),
        state(phase),
        if phase.attempt == 0 { String::new() } else { phase.attempt.to_string() },
        phase.started_at.map(|at| render::time(at, context.zone, false)).unwrap_or_default(),
        duration,
        fit(&note(phase)),
    ]
}

/// Returns a phase's state, with its symbol.
pub fn state(phase: &PhaseStatus) -> String {
    match phase.skipped {
        None => format!("{}{}", render::state(phase.state), process::remark(phase)),
        Some(_) => {
            let style = render::style(phase.state);
            format!("{style}{SKIPPED} {} (skipped){style:#}", phase.state)
        }
    }
}

/// Returns what there is to say of a phase: what went wrong, why it must run again, what it waits for, or why
/// it is done without.
pub fn note(phase: &PhaseStatus) -> String {
    let text = |text: &Text| render::one_line(text.as_str());
    let more = match phase.rerun_reasons.len() {
        0 | 1 => String::new(),
        several => format!(" (+{} more)", several - 1),
    };
    let reason = phase.rerun_reasons.first().map(|reason| format!("{}{more}", text(reason)));
    let note = match phase.state {
        StateName::Pending => phase.skipped.as_ref().map(text).or_else(|| needs(phase)),
        StateName::InProgress => reason.map(|reason| format!("must run again: {reason}")),
        StateName::Failed => phase.error.as_ref().map(text),
        StateName::NeedsRerun => reason,
        StateName::Complete => None,
    };
    match (phase.retired, note) {
        (false, note) => note.unwrap_or_default(),
        (true, None) => "retired".to_owned(),
        (true, Some(note)) => format!("retired; {note}"),
    }
}

/// Returns what a phase waits for; none for nothing.
pub fn needs(phase: &PhaseStatus) -> Option<String> {
    let name = |need: &PhaseId| render::phase(need, Naming::beside(need, &phase.workflow));
    let named: Vec<_> = phase.unmet.iter().take(NEEDS_NAMED_MAX).map(name).collect();
    match phase.unmet.len().saturating_sub(NEEDS_NAMED_MAX) {
        _ if named.is_empty() => None,
        0 => Some(format!("needs {}", named.join(", "))),
        more => Some(format!("needs {} (+{more} more)", named.join(", "))),
    }
}

/// Cuts a long note where a person reads it on a terminal; never for a program.
pub fn fit(note: &str) -> String {
    match note.char_indices().nth(NOTE_CHARACTERS_MAX) {
        Some((end, _)) if output::terminal_width().is_some() => format!("{}…", &note[..end]),
        _ => note.to_owned(),
    }
}

/// Returns how many phases are in each state, in a line.
fn summary(summary: &Summary) -> String {
    let count = |number: usize, what: &str, state: StateName| {
        let style = render::style(state);
        (number > 0).then(|| format!("{style}{number} {what}{style:#}"))
    };
    let in_state = |state: StateName| {
        // What is done without is no longer to run.
        let skipped = if state == StateName::Pending { summary.skipped } else { 0 };
        count(summary.count(state) - skipped, state.as_str(), state)
    };
    let skipped = count(summary.skipped, "skipped", StateName::Pending);
    let counts: Vec<_> = StateName::ALL.into_iter().filter_map(in_state).chain(skipped).collect();
    match summary.total {
        0 => "no phases".to_owned(),
        total => format!("{}: {}", render::count(total, "phase", "phases"), counts.join(", ")),
    }
}
