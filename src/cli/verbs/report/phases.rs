//! The phases of a workflow in the report: a table for each state, and below it what more there is to say.

use std::collections::BTreeSet;

use phaseledger::model::{Metadata, StateName};
use phaseledger::query::{MarkReport, PhaseReport, WorkflowReport};

use super::style::{Style, heading, start};
use super::syntax::{Align, block, code, folded, table, text};
use crate::cli::ui::render;

/// The states in the order of what needs someone first.
pub const STATES: [StateName; 5] = [
    StateName::Failed,
    StateName::NeedsRerun,
    StateName::InProgress,
    StateName::Complete,
    StateName::Pending,
];

/// What a phase is said to be, a column each; a table leaves out those that are empty in its state.
const COLUMNS: [(&str, Align); 11] = [
    ("Phase", Align::Left),
    ("Attempt", Align::Right),
    ("Started", Align::Left),
    ("Failed", Align::Left),
    ("Completed", Align::Left),
    ("Duration", Align::Right),
    ("Needs met", Align::Left),
    ("Waits for", Align::Left),
    ("Started without", Align::Left),
    ("Must run again", Align::Left),
    ("What it does", Align::Left),
];

/// Writes the phases, state by state.
pub fn push(document: &mut String, workflow: &WorkflowReport<'_>, level: usize, style: &Style<'_>) {
    let mut is_first = true;
    for state in STATES {
        let phases: Vec<_> = workflow.phases.iter().filter(|phase| phase.state == state).collect();
        if phases.is_empty() {
            continue;
        }
        let title = heading(level, &format!("{} {state} ({})", render::symbol(state), phases.len()));
        document.push_str(if is_first { title.trim_start() } else { &title });
        is_first = false;
        let rows: Vec<_> = phases.iter().map(|phase| row(phase, style)).collect();
        let mut part = table(&COLUMNS, &rows);
        let said: String = phases.iter().map(|phase| said(phase, style)).collect();
        if !said.is_empty() {
            part.push_str(&format!("\n{said}"));
        }
        let title = render::count(phases.len(), "phase", "phases");
        document.push_str(&folded(phases.len(), &title, &part));
    }
    if is_first {
        document.push_str("There is none.\n");
    }
}

fn row(phase: &PhaseReport<'_>, style: &Style<'_>) -> Vec<String> {
    let unmet: BTreeSet<_> = phase.waits_for.iter().collect();
    let met = phase.needs.iter().filter(|need| !unmet.contains(need));
    let marks: Vec<_> = phase.marks.iter().map(|mark| marked(mark, phase.state)).collect();
    vec![
        code(phase.phase.as_str()),
        if phase.attempt == 0 { String::new() } else { phase.attempt.to_string() },
        style.time(phase.started_at),
        style.time(phase.failed_at),
        style.time(phase.completed_at),
        duration(phase),
        style.phases(met),
        waits(phase, style),
        without(phase, style),
        marks.join("<br>"),
        text(phase.description.unwrap_or_default()),
    ]
}

/// Returns how long the last attempt took; nothing while none has ended.
fn duration(phase: &PhaseReport<'_>) -> String {
    let has_ended = phase.completed_at.or(phase.failed_at).is_some();
    let unknown = || if has_ended { render::UNKNOWN.to_owned() } else { String::new() };
    phase.duration_seconds.map_or_else(unknown, render::duration)
}

/// Returns what a phase that is to run waits for, and of one that has run which of its needs are not met now.
fn waits(phase: &PhaseReport<'_>, style: &Style<'_>) -> String {
    let names = style.phases(&phase.waits_for);
    match (phase.skipped.is_some(), phase.would_be_ready(), phase.over_limit) {
        (true, _, _) if names.is_empty() => "nothing: skipped".to_owned(),
        (true, _, _) => format!("nothing: skipped (else {names})"),
        (false, true, true) => "a cost limit".to_owned(),
        (false, true, false) => "nothing: ready".to_owned(),
        (false, false, _) => names,
    }
}

/// Returns what the last attempt started without: by name, unless it is all that the phase needs.
fn without(phase: &PhaseReport<'_>, style: &Style<'_>) -> String {
    let is_all = || phase.needs.iter().all(|need| phase.unmet.contains(need));
    if phase.unmet.len() == phase.needs.len() && !phase.unmet.is_empty() && is_all() {
        "all it needs".to_owned()
    } else {
        style.phases(phase.unmet)
    }
}

/// Returns why a phase must run again, with the events that are the evidence: the one that said so, and its root.
fn marked(mark: &MarkReport<'_>, state: StateName) -> String {
    let when = if state == StateName::InProgress { "once this attempt ends: " } else { "" };
    let root = mark.root.as_ref().filter(|root| root.event.id != mark.id);
    let root = root.map(|root| format!(", root e{}", root.event.seq)).unwrap_or_default();
    format!("{when}{} (e{}{root})", text(&start(mark.reason.as_str())), mark.seq)
}

/// Returns what there is to say of a phase beyond its row: an item of a list, with a list of its own for several.
fn said(phase: &PhaseReport<'_>, style: &Style<'_>) -> String {
    let mut said = Vec::new();
    said.extend(phase.error.map(|given| error(given.as_str(), phase)));
    said.extend(phase.skipped.as_ref().map(|skip| {
        let event = style.event(skip.seq, skip.at, skip.by);
        format!("skipped: {} ({event})\n", text(skip.reason.as_str()))
    }));
    said.extend(phase.output.map(|output| format!("output: `{output}`\n")));
    if !phase.metadata.is_empty() {
        said.push(format!("metadata: {}\n", metadata(phase.metadata)));
    }
    let name = code(phase.phase.as_str());
    match said.as_slice() {
        [] => String::new(),
        [only] if only.lines().nth(1).is_none() => format!("- {name}: {only}"),
        several => {
            let items: String = several.iter().map(|item| format!("  - {item}")).collect();
            format!("- {name}\n{items}")
        }
    }
}

/// Returns an error: in its line, or as a block where it has several.
fn error(given: &str, phase: &PhaseReport<'_>) -> String {
    let ended = match (phase.exit_code, phase.signal) {
        (None, None) => String::new(),
        (Some(code), None) => format!(" (exit code {code})"),
        (_, Some(signal)) => format!(" (signal {})", text(signal)),
    };
    if given.trim().lines().nth(1).is_none() {
        format!("error{ended}: {}\n", text(given.trim()))
    } else {
        format!("error{ended}:\n{}", block("text", given, "    "))
    }
}

/// Returns metadata in a line: each key with its value as JSON.
fn metadata(metadata: &Metadata) -> String {
    let pairs = metadata.iter().map(|(key, value)| format!("{} = {}", code(key), code(value)));
    pairs.collect::<Vec<_>>().join(" · ")
}
