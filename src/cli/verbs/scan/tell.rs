//! How the answer to a scan looks.

use std::io::{self, BufWriter, Write};

use phaseledger::files::Unmatched;
use phaseledger::ledger::AnswerStatus;
use phaseledger::model::{Change, FileRole, PhaseName, Seq, StateName, Unreadable, WorkflowName};
use phaseledger::query::Finding;
use serde::Serialize;

use super::{Looked, Scanned};
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output};
use crate::cli::ui::render::Naming;
use crate::cli::ui::{events, render};
use crate::cli::verbs::writing::{self, DerivedView, line};

/// How many files of a phase are shown at most: that changed, or that cannot be read.
const FILES_SHOWN: usize = 8;

#[derive(Serialize)]
struct View<'a> {
    schema: &'static str,
    status: &'static str,
    seq: Seq,
    phases: Vec<PhaseView<'a>>,
    events: Vec<DerivedView<'a>>,
}

#[derive(Serialize)]
struct PhaseView<'a> {
    workflow: &'a WorkflowName,
    phase: &'a PhaseName,
    state: StateName,
    #[serde(flatten)]
    inputs: FilesView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<FilesView<'a>>,
}

/// What was found of a phase's inputs, or of its outputs.
#[derive(Serialize)]
struct FilesView<'a> {
    finding: Finding,
    files: usize,
    changes: &'a [Change],
    #[serde(flatten)]
    unreadable: &'a Unreadable,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unmatched: &'a [Unmatched],
}

const NONE_UNREADABLE: &Unreadable = &Unreadable { files: Vec::new(), more: 0 };

impl<'a> FilesView<'a> {
    const UNDECLARED: FilesView<'static> = FilesView {
        finding: Finding::Undeclared,
        files: 0,
        changes: &[],
        unreadable: NONE_UNREADABLE,
        unmatched: &[],
    };

    fn new(looked: &'a Looked) -> Self {
        let unreadable = looked.found.as_ref().map_or(NONE_UNREADABLE, |found| &found.unreadable);
        let unmatched = looked.found.as_ref().map_or(&[][..], |found| &found.unmatched);
        FilesView {
            finding: looked.finding,
            files: looked.files(),
            changes: &looked.changes,
            unreadable,
            unmatched,
        }
    }
}

impl<'a> PhaseView<'a> {
    /// Views what was found of one phase.
    fn new(looked: &'a [Looked]) -> Self {
        let of = |role| looked.iter().find(|looked| looked.target.role == role).map(FilesView::new);
        let target = &looked[0].target;
        PhaseView {
            workflow: &target.id.workflow,
            phase: &target.id.phase,
            state: target.state,
            inputs: of(FileRole::Inputs).unwrap_or(FilesView::UNDECLARED),
            outputs: of(FileRole::Outputs),
        }
    }
}

impl Looked {
    fn files(&self) -> usize {
        self.found.as_ref().map_or(0, |found| found.files.len())
    }
}

/// Tells what was found and recorded.
pub fn tell(scanned: &Scanned, context: &Context) -> Result<(), Failure> {
    let text = |out: &mut dyn Write| {
        recorded(scanned, out)?;
        others(scanned, out)
    };
    answer(scanned, context, text)
}

/// Tells what was recorded, in text that alone.
pub fn tell_recorded(scanned: &Scanned, context: &Context) -> Result<(), Failure> {
    answer(scanned, context, |out| recorded(scanned, out))
}

fn answer(
    scanned: &Scanned,
    context: &Context,
    text: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(output::stdout());
    let written = match context.json {
        true => json(scanned, &mut out),
        false => text(&mut out),
    };
    written.and_then(|()| out.flush()).map_err(|error| match scanned.status {
        AnswerStatus::Appended => Failure::from(error).hint("what was found is recorded all the same"),
        AnswerStatus::Duplicate | AnswerStatus::Unchanged | AnswerStatus::Preview => error.into(),
    })
}

fn json(scanned: &Scanned, out: &mut impl Write) -> io::Result<()> {
    let phases = by_phase(&scanned.phases).map(PhaseView::new);
    let events = scanned.answers.iter().flat_map(|(_, answer)| &answer.events);
    let view = View {
        schema: "scan/1",
        status: writing::status_name(scanned.status),
        seq: scanned.head,
        phases: phases.collect(),
        events: events.map(DerivedView::new).collect(),
    };
    output::json_line(out, &view)
}

fn recorded(scanned: &Scanned, out: &mut dyn Write) -> io::Result<()> {
    for (number, answer) in &scanned.answers {
        let name = if scanned.status == AnswerStatus::Preview { "would append" } else { "appended" };
        for (at, record) in answer.events.iter().enumerate() {
            let line = line(record);
            match at {
                0 => {
                    writeln!(out, "{name} e{} {line}", record.seq)?;
                    changes(&scanned.phases[*number], out)?;
                }
                _ => writeln!(out, "  ↳ e{} {line}", record.seq)?,
            }
        }
    }
    Ok(())
}

/// Returns what was found of each phase: of its inputs, of its outputs, or of both.
fn by_phase(phases: &[Looked]) -> impl Iterator<Item = &[Looked]> {
    phases.chunk_by(|one, next| one.target.id == next.target.id)
}

/// Says what was found of a phase's inputs, or of its outputs, of which nothing was recorded; none where that is nothing.
fn found(looked: &Looked) -> Option<String> {
    let role = looked.target.role;
    let (did, next) = match role {
        FileRole::Inputs => ("read", "start"),
        FileRole::Outputs => ("put out", "completion"),
    };
    let role = role.as_str();
    Some(match looked.finding {
        Finding::Changed | Finding::Restored | Finding::Unchanged => return None,
        Finding::Reported => {
            let files = render::count(looked.changes.len(), "changed file", "changed files");
            format!("{files}, reported before")
        }
        Finding::Unknown if looked.unreadable().is_some() => {
            format!("nothing tells what its last attempt {did}, and not all its `{role}` can be read now:")
        }
        Finding::Unknown => {
            format!("nothing tells what its last attempt {did}; its next {next} records it")
        }
        Finding::Unreadable => format!("cannot be compared, not all its `{role}` can be read:"),
        Finding::NotRun => format!("{}, it runs anyway", looked.target.state),
        Finding::Undeclared => "declares neither `inputs` nor `outputs`".to_owned(),
    })
}

/// Tells of the phases of which nothing was recorded.
fn others(scanned: &Scanned, out: &mut dyn Write) -> io::Result<()> {
    for phase in by_phase(&scanned.phases) {
        let name = render::phase(&phase[0].target.id, scanned.naming);
        // Where it runs anyway, that is said once.
        let both = phase.iter().all(|looked| looked.finding == Finding::NotRun);
        for looked in phase.iter().take(if both { 1 } else { phase.len() }) {
            let is_told = both || looked.finding != Finding::NotRun;
            if let Some(said) = found(looked).filter(|_| is_told) {
                writeln!(out, "{name}: {said}")?;
                unreadable(looked, out)?;
            }
        }
    }
    let is_unchanged = |looked: &Looked| looked.finding == Finding::Unchanged;
    let unchanged: Vec<_> =
        by_phase(&scanned.phases).filter(|phase| phase.iter().all(is_unchanged)).collect();
    if !unchanged.is_empty() {
        let files = unchanged.iter().copied().flatten().map(Looked::files).sum();
        let (phases, files) =
            (render::count(unchanged.len(), "phase", "phases"), render::count(files, "file", "files"));
        writeln!(out, "unchanged: {phases}, {files}")?;
    }
    if scanned.phases.is_empty() {
        writeln!(out, "nothing to scan: no phase declares `inputs` or `outputs`")?;
    }
    Ok(())
}

/// Shows the first files that cannot be read.
fn unreadable(looked: &Looked, out: &mut dyn Write) -> io::Result<()> {
    let lines = looked.unreadable().map(|unreadable| files::unreadable_lines(unreadable, FILES_SHOWN));
    lines.into_iter().flatten().try_for_each(|line| writeln!(out, "      {line}"))
}

/// Says in a line for each phase which of its files cannot be read.
pub fn unreadable_files(phases: &[Looked], naming: Naming) -> Vec<String> {
    let lines = phases.iter().filter_map(|looked| {
        let files: Vec<_> = files::unreadable_lines(looked.unreadable()?, FILES_SHOWN).collect();
        let name = render::phase(&looked.target.id, naming);
        let role = looked.target.role.as_str();
        Some(format!("{name}: cannot be compared, not all its `{role}` can be read: {}", files.join("; ")))
    });
    lines.collect()
}

/// Shows the first files that changed.
fn changes(looked: &Looked, out: &mut dyn Write) -> io::Result<()> {
    for change in looked.changes.iter().take(FILES_SHOWN).filter_map(events::changed_file) {
        writeln!(out, "      {change}")?;
    }
    match looked.changes.len().saturating_sub(FILES_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "      and {more} more"),
    }
}
