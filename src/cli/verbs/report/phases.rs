//! The phases of a workflow in the report: a table for each state, and below it what more there is to say.

use phaseledger::model::{Metadata, StateName};
use phaseledger::query::{MarkReport, PhaseReport, WorkflowReport};

use super::style::{Style, heading, subject};
use super::syntax::{Align, block, code, table, text};
use crate::cli::ui::render;

/// The states in the order of what needs someone first.
pub const STATES: [StateName; 5] = [
    StateName::Failed,
    StateName::NeedsRerun,
    StateName::InProgress,
    StateName::Complete,
    StateName::Pending,
];

/// What stands for a skip where others have a state.
pub const SKIPPED: &str = "○ skipped";

/// How many of the phases that it waits for a phase names; the table of dependencies has them all.
const NAMES_MAX: usize = 5;

/// Returns a state with its symbol.
pub fn title(state: StateName) -> String {
    format!("{} {state}", render::symbol(state))
}

/// Returns where a phase stands.
pub fn standing(phase: &PhaseReport<'_>) -> String {
    if phase.skipped.is_some() { SKIPPED.to_owned() } else { title(phase.state) }
}

/// Writes the phases, state by state.
pub fn push(document: &mut String, workflow: &WorkflowReport<'_>, level: usize, style: &Style<'_>) {
    let mut is_first = true;
    for state in STATES {
        let phases: Vec<_> = workflow.phases.iter().filter(|phase| phase.state == state).collect();
        if phases.is_empty() {
            continue;
        }
        let title = heading(level, &format!("{} ({})", title(state), phases.len()));
        document.push_str(if is_first { title.trim_start() } else { &title });
        is_first = false;
        push_table(document, state, &phases, style);
        let mut is_first = true;
        for phase in phases {
            let said = said(phase, style);
            if !said.is_empty() {
                document.push_str(if is_first { "\n" } else { "" });
                document.push_str(&format!("- {}\n{said}", code(phase.phase.as_str())));
                is_first = false;
            }
        }
    }
    if is_first {
        document.push_str("There is none.\n");
    }
}

fn push_table(document: &mut String, state: StateName, phases: &[&PhaseReport<'_>], style: &Style<'_>) {
    let name = ("Phase", Align::Left);
    let attempt = ("Attempt", Align::Right);
    let started = ("Started", Align::Left);
    let duration = ("Duration", Align::Right);
    let columns = match state {
        StateName::Pending => vec![name, ("Attempts", Align::Right), ("Stands", Align::Left)],
        StateName::InProgress => vec![name, attempt, started],
        StateName::Failed => vec![name, attempt, started, ("Failed", Align::Left), duration],
        StateName::Complete | StateName::NeedsRerun => {
            vec![name, attempt, started, ("Completed", Align::Left), duration]
        }
    };
    let row = |phase: &&PhaseReport<'_>| {
        let mut row = vec![code(phase.phase.as_str()), phase.attempt.to_string()];
        match phase.state {
            StateName::Pending => row.push(waits(phase, style)),
            StateName::InProgress => row.push(style.time(phase.started_at)),
            StateName::Failed | StateName::Complete | StateName::NeedsRerun => {
                row.push(style.time(phase.started_at));
                row.push(style.time(phase.completed_at.or(phase.failed_at)));
                row.push(phase.duration_seconds.map_or_else(|| render::UNKNOWN.to_owned(), render::duration));
            }
        }
        row
    };
    document.push_str(&table(&columns, &phases.iter().map(row).collect::<Vec<_>>()));
}

/// Returns what a pending phase waits for.
fn waits(phase: &PhaseReport<'_>, style: &Style<'_>) -> String {
    match (&phase.skipped, phase.is_ready()) {
        (Some(_), _) => "skipped".to_owned(),
        (None, true) => "ready".to_owned(),
        (None, false) => format!("waits for {}", style.phases(&phase.waits_for, NAMES_MAX)),
    }
}

/// Returns what there is to say of a phase beyond its row, as items of a list within an item.
fn said(phase: &PhaseReport<'_>, style: &Style<'_>) -> String {
    let mut said = String::new();
    if let Some(error) = phase.error {
        push_error(&mut said, error.as_str(), phase);
    }
    if let Some(skip) = &phase.skipped {
        let event = style.event(skip.seq, skip.at, skip.by);
        push_item(&mut said, &format!("skipped: {} ({event})", text(skip.reason.as_str())));
    }
    for mark in &phase.marks {
        push_mark(&mut said, mark, phase.state, style);
    }
    if !phase.unmet.is_empty() {
        let unmet = style.phases(phase.unmet, usize::MAX);
        push_item(&mut said, &format!("attempt {} started without {unmet}", phase.attempt));
    }
    let is_to_run = matches!(phase.state, StateName::Failed | StateName::NeedsRerun);
    if is_to_run && !phase.waits_for.is_empty() {
        push_item(&mut said, &format!("waits for {}", style.phases(&phase.waits_for, NAMES_MAX)));
    }
    if let Some(output) = phase.output {
        push_item(&mut said, &format!("output: `{output}`"));
    }
    if !phase.metadata.is_empty() {
        push_item(&mut said, &format!("metadata: {}", metadata(phase.metadata)));
    }
    said
}

fn push_item(said: &mut String, item: &str) {
    said.push_str(&format!("  - {item}\n"));
}

/// Writes an error: in its line, or as a block where it has several.
fn push_error(said: &mut String, error: &str, phase: &PhaseReport<'_>) {
    let ended = match (phase.exit_code, phase.signal) {
        (None, None) => String::new(),
        (Some(code), None) => format!(" (exit code {code})"),
        (_, Some(signal)) => format!(" (signal {})", text(signal)),
    };
    if error.trim().lines().nth(1).is_none() {
        push_item(said, &format!("error{ended}: {}", text(error.trim())));
    } else {
        push_item(said, &format!("error{ended}:"));
        said.push_str(&block("text", error, "    "));
    }
}

/// Writes why a phase must run again, and the root of it.
fn push_mark(said: &mut String, mark: &MarkReport<'_>, state: StateName, style: &Style<'_>) {
    let is_deferred = state == StateName::InProgress;
    let when = if is_deferred { "must run again once this attempt ends" } else { "must run again" };
    let own = mark.root.as_ref().filter(|root| root.event.id == mark.id);
    let event = style.event(mark.seq, Some(mark.at), own.map(|root| root.by));
    push_item(said, &format!("{when}: {} ({event})", text(mark.reason.as_str())));
    if let Some(root) = mark.root.as_ref().filter(|root| root.event.id != mark.id) {
        let event = style.event(root.event.seq, Some(root.event.at), Some(root.by));
        let why = root.text.as_deref().map(|why| format!(": {}", text(why))).unwrap_or_default();
        let (kind, of) = (root.event.kind, subject(&root.event, style));
        said.push_str(&format!("    - root: `{kind}` of {of}{why} ({event})\n"));
    }
}

/// Returns metadata in a line: each key with its value as JSON.
fn metadata(metadata: &Metadata) -> String {
    let pairs = metadata.iter().map(|(key, value)| format!("{} = {}", code(key), code(value)));
    pairs.collect::<Vec<_>>().join(" · ")
}
