//! `next`: what can be started, and what waits for what.

use std::io::Write;
use std::process::ExitCode;

use phaseledger::ask::{self, NextAnswer};
use phaseledger::model::{StateName, WorkflowName};
use phaseledger::query::{Next, PhaseStatus};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{output, process};
use crate::cli::ui::columns::Column;
use crate::cli::ui::render::{self, Naming};
use crate::cli::verbs::{asking, drift, status};

// Options of `next`.
#[derive(clap::Args)]
#[command(after_help = "What is ready is PENDING, FAILED or NEEDS_RERUN, all that it needs is complete or \
    skipped, no cost limit is exceeded, and nothing that its last attempt started still runs. Exits with 0 when something is ready, or when nothing is left to \
    run, and with 1 when something is left and none of it can be started. In JSON (`next/1`): `ready`, \
    `running` and `blocked`, in topological order, each phase as `status --json` has it; `done`, whether nothing is left.")]
pub struct Args {
    /// Only phases of this workflow
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    /// List what waits, and for what, too
    #[arg(long)]
    blocked: bool,
    #[command(flatten)]
    asking: asking::Args,
}

/// What is said of a phase that has spent too much to be started.
const OVER_LIMIT: &str = "over its cost limit";

const COLUMNS: &[Column] = &[
    Column { header: "", yields: 0 },
    Column { header: "phase", yields: 0 },
    Column { header: "state", yields: 1 },
    Column { header: "attempts", yields: 2 },
    Column { header: "note", yields: 0 },
];

/// Tells what can be started.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let question = ask::Next { workflow: args.workflow.clone() };
    let mut answered = args.asking.ask(&question, context)?;
    let NextAnswer { next, table } = &mut answered.view;
    if answered.is_head {
        process::look_at(next.running.iter_mut().chain(&mut next.ready), table);
        // What an attempt left behind works on, though the attempt has ended.
        let left = next.ready.extract_if(.., |phase| phase.left_behind_pid.is_some());
        next.running.extend(left);
    }
    let exit = if next.ready.is_empty() && !next.done { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if context.json {
        asking::write_json(&answered)?;
        return Ok(exit);
    }
    let naming = Naming::among(table.in_force().count());
    let listed = |heading, phases: &[PhaseStatus]| -> Vec<Vec<String>> {
        phases.iter().map(|phase| row(heading, phase, naming)).collect()
    };
    let mut rows = listed("ready", &next.ready);
    rows.extend(listed("running", &next.running));
    if args.blocked {
        rows.extend(listed("blocked", &next.blocked));
    }
    let mut out = output::stdout();
    status::show(&mut out, COLUMNS, &rows)?;
    let gap = if rows.is_empty() { "" } else { "\n" };
    match table.current().is_empty() {
        true => writeln!(out, "no phases")?,
        false => writeln!(out, "{gap}{}", summary(next, args.blocked))?,
    }
    process::tell_how_to_settle(&next.running);
    if answered.is_head {
        drift::tell_of(table, context);
    }
    Ok(exit)
}

fn row(heading: &str, phase: &PhaseStatus, naming: Naming) -> Vec<String> {
    let attempts = if phase.attempt == 0 { String::new() } else { phase.attempt.to_string() };
    let note = match phase.state {
        StateName::InProgress => status::note(phase),
        _ => status::needs(phase).unwrap_or_else(|| status::note(phase)),
    };
    let note = match (phase.over_limit && phase.state != StateName::InProgress, note.is_empty()) {
        (true, true) => OVER_LIMIT.to_owned(),
        (true, false) => format!("{OVER_LIMIT}; {note}"),
        (false, _) => note,
    };
    let name = render::phase(&phase.id(), naming);
    vec![heading.to_owned(), name, status::state(phase), attempts, status::fit(&note)]
}

/// Returns how many phases can be started, are under way, and wait.
fn summary(next: &Next, listed: bool) -> String {
    let Next { ready, running, blocked, .. } = next;
    if next.done {
        return "nothing is left to run".to_owned();
    }
    let first = match ready.len() {
        0 => "nothing is ready to start".to_owned(),
        number => format!("{number} ready"),
    };
    let hint = if listed || blocked.is_empty() { "" } else { ": `--blocked` tells for what" };
    format!("{first}, {} running, {} blocked{hint}", running.len(), blocked.len())
}
