//! `show PHASE`: where a phase stands, what its definition says, and all that it went through.

use std::io::Write;

use anstyle::Style;
use phaseledger::model::{Amount, PhaseId, StateName, Text, escape};
use phaseledger::query::{AcceptedView, AttemptView, NoteView, Outcome, PhaseView};
use phaseledger::rules::{PhaseState, Table};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{output, process};
use crate::cli::ui::columns::Column;
use crate::cli::ui::sheet::Sheet;
use crate::cli::ui::{
    events, pretty,
    render::{self, Naming},
};
use crate::cli::verbs::status;

const COLUMNS: &[Column] = &[
    Column { header: "attempt", yields: 0 },
    Column { header: "outcome", yields: 0 },
    Column { header: "started", yields: 1 },
    Column { header: "ended", yields: 4 },
    Column { header: "duration", yields: 0 },
    Column { header: "events", yields: 2 },
    Column { header: "by", yields: 3 },
    Column { header: "note", yields: 0 },
];

/// How many lines of standard error are shown.
const STDERR_LINES_MAX: usize = 10;

/// How many files an attempt is shown with at most.
const FILES_SHOWN: usize = 20;

/// Shows a phase: all of its attempts, or the last ones.
pub fn tell(view: &PhaseView, table: &Table, context: &Context) -> Result<(), Failure> {
    let bold = Style::new().bold();
    let mut out = output::stdout();
    writeln!(out, "{bold}{}{bold:#}  {}", view.phase.id(), status::state(&view.phase))?;
    if let Some(description) = &view.spec.description {
        writeln!(out, "{}", render::one_line(description))?;
    }
    writeln!(out)?;
    standing(view, table, context).write(&mut out)?;
    if !view.attempts.is_empty() {
        writeln!(out)?;
        let rows: Vec<_> = view.attempts.iter().map(|attempt| row(attempt, view, context)).collect();
        status::show(&mut out, COLUMNS, &rows)?;
    }
    if let Some(before) = view.attempts_before {
        let before = render::count(before as usize, "attempt before", "attempts before");
        writeln!(out, "… {before} left out: `--all` tells them")?;
    }
    inputs(view, &mut out)?;
    process::tell_how_to_settle([&view.phase]);
    Ok(())
}

/// Shows which files the last attempt read, or counts as having read since it was accepted.
fn inputs(view: &PhaseView, out: &mut impl Write) -> Result<(), Failure> {
    let Some(attempt) = view.attempts.last() else { return Ok(()) };
    let (inputs, seq, as_of) = match attempt.accepted.last() {
        Some(accepted) => (&accepted.inputs, accepted.seq, format!("e{}, which accepts it", accepted.seq)),
        None => (&attempt.inputs, attempt.started_seq, "its start".to_owned()),
    };
    let Some(inputs) = inputs else { return Ok(()) };
    let count = render::count(inputs.len(), "file", "files");
    writeln!(out, "\nattempt {} reads {count}, as of {as_of}", attempt.attempt)?;
    for file in inputs.iter().take(FILES_SHOWN) {
        writeln!(out, "  {}  {}", events::short(&file.digest), escape(&file.path))?;
    }
    if inputs.len() > FILES_SHOWN {
        writeln!(out, "  and {} more; `phaseledger show e{seq}` lists them", inputs.len() - FILES_SHOWN)?;
    }
    Ok(())
}

/// Returns what was spent on the phase of which limit; none where there is neither.
fn cost(view: &PhaseView) -> Option<String> {
    let (phase, spec) = (&view.phase, &view.spec);
    let money = |amount: Amount| amount.of(&spec.currency);
    let defined = match spec.cost_limit {
        limit if limit == phase.cost_limit => String::new(),
        None => "; its definition has no limit".to_owned(),
        Some(limit) => format!("; its definition says {}", money(limit)),
    };
    match phase.cost_limit {
        Some(limit) => Some(format!("{} spent of {}{defined}", money(phase.spent), money(limit))),
        None if phase.spent == Amount::ZERO && defined.is_empty() => None,
        None => Some(format!("{} spent, no limit{defined}", money(phase.spent))),
    }
}

/// Returns where the phase stands, what its definition says, and what people attached.
fn standing(view: &PhaseView, table: &Table, context: &Context) -> Sheet {
    let PhaseView { phase, spec, notes, .. } = view;
    let text = |text: &Text| render::one_line(text.as_str());
    let name = |id: &PhaseId| {
        let shown = render::phase(id, Naming::beside(id, &phase.workflow));
        match table.phases.get(id).map(|phase| &phase.state) {
            None => shown,
            Some(PhaseState::Pending { skipped: Some(_) }) => {
                format!("{} {shown} (skipped)", render::symbol(StateName::Pending))
            }
            Some(state) => format!("{} {shown}", render::symbol(state.name())),
        }
    };
    let mut sheet = Sheet::default();
    if !view.renamed.is_empty() {
        let former = view.renamed.iter().map(|former| format!("{} until e{}", former.from, former.seq));
        sheet.line("was called", former.collect::<Vec<_>>().join(", "));
    }
    if phase.retired {
        sheet.line("retired", "the definition in force no longer has it");
    }
    sheet.lines("because", phase.rerun_reasons.iter().map(text).collect());
    sheet.lines("error", phase.error.iter().map(text).collect());
    let stands = matches!(phase.state, StateName::Complete | StateName::NeedsRerun);
    let vouched = view.attempts.last().and_then(|attempt| attempt.accepted.last()).filter(|_| stands);
    sheet.lines("accepted", vouched.map(|accepted| vouching(accepted, context)).into_iter().collect());
    sheet.lines("stderr", stderr(view));
    sheet.lines("process", phase.process.iter().map(process::number).collect());
    sheet.lines("skipped", phase.skipped.iter().map(text).collect());
    sheet.lines("needs", spec.needs.iter().map(name).collect());
    sheet.lines("needed by", spec.needed_by.iter().map(name).collect());
    sheet.lines("cost", cost(view).into_iter().collect());
    sheet.lines("version", spec.version.iter().map(|version| escape(version)).collect());
    sheet.lines("inputs", spec.inputs.iter().map(|glob| escape(glob)).collect());
    sheet.lines("outputs", spec.outputs.iter().map(|glob| escape(glob)).collect());
    let updated = render::time(phase.updated_at, context.zone, false);
    sheet.line("last event", format!("e{}, {updated}", phase.last_seq));
    let metadata = phase.metadata.iter().flat_map(|(key, value)| {
        let mut lines = pretty::json(value);
        lines[0].insert_str(0, &format!("{} = ", escape(key)));
        lines
    });
    sheet.lines("metadata", metadata.collect());
    let note = |note: &NoteView| {
        let at = render::time(note.at, context.zone, false);
        let struck = note.reverted_by.map(|by| format!(" (struck out by e{by})")).unwrap_or_default();
        format!("e{} {at} {}: {}{struck}", note.seq, escape(&note.by), text(&note.text))
    };
    sheet.lines("notes", notes.iter().map(note).collect());
    sheet
}

/// Returns who vouched for what an attempt left, when, why and as what event.
fn vouching(accepted: &AcceptedView, context: &Context) -> String {
    let at = render::time(accepted.at, context.zone, false);
    let reason = render::one_line(accepted.reason.as_str());
    format!("by {} at {at} as e{}: {reason}", escape(&accepted.by), accepted.seq)
}

/// Returns the last lines that the process of a failed attempt wrote to its standard error.
fn stderr(view: &PhaseView) -> Vec<String> {
    let last = view.attempts.last().filter(|_| view.phase.state == StateName::Failed);
    let text = last.and_then(|attempt| attempt.stderr.as_ref()).map_or("", Text::as_str);
    let plain = anstream::adapter::strip_str(text).to_string();
    let lines: Vec<_> = plain.lines().map(escape).collect();
    match lines.len().checked_sub(STDERR_LINES_MAX) {
        None | Some(0) => lines,
        Some(more) => {
            let before = format!("({more} lines before, see `--json`)");
            std::iter::once(before).chain(lines[more..].iter().cloned()).collect()
        }
    }
}

fn row(attempt: &AttemptView, view: &PhaseView, context: &Context) -> Vec<String> {
    let outcome = match attempt.outcome {
        Outcome::Running => "running",
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
        Outcome::Reset => "reset",
        Outcome::Retired => "retired",
    };
    let name = |need: &PhaseId| render::phase(need, Naming::beside(need, &view.phase.workflow));
    let unmet: Vec<_> = attempt.unmet.iter().map(name).collect();
    let unmet = (!unmet.is_empty()).then(|| format!("started though unmet: {}", unmet.join(", ")));
    let error = attempt.error.as_ref().map(|error| render::one_line(error.as_str()));
    let accepted = attempt.accepted.last().map(|last| format!("accepted {}", vouching(last, context)));
    let notes: Vec<_> = accepted.into_iter().chain(error).chain(unmet).collect();
    let ends = attempt.completed_seq.into_iter().chain(attempt.accepted.iter().map(|one| one.seq));
    let events: Vec<_> =
        std::iter::once(attempt.started_seq).chain(ends).map(|seq| format!("e{seq}")).collect();
    let accepted = if attempt.accepted.is_empty() { "" } else { ", accepted" };
    vec![
        attempt.attempt.to_string(),
        format!("{outcome}{accepted}"),
        render::time(attempt.started_at, context.zone, false),
        attempt.completed_at.map(|at| render::time(at, context.zone, false)).unwrap_or_default(),
        match (attempt.duration_seconds, attempt.completed_at) {
            (Some(seconds), _) => render::duration(seconds),
            (None, Some(_)) => render::UNKNOWN.to_owned(),
            (None, None) => String::new(),
        },
        events.join(", "),
        escape(&attempt.by),
        status::fit(&notes.join("; ")),
    ]
}
