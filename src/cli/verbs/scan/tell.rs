//! How the answer to a scan looks.

use std::io::{self, BufWriter, Write};

use phaseledger::ledger::AnswerStatus;
use phaseledger::model::{Change, PhaseName, Seq, StateName, Unreadable, WorkflowName};
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
    finding: Finding,
    files: usize,
    changes: &'a [Change],
    #[serde(flatten)]
    unreadable: &'a Unreadable,
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
    let phases = scanned.phases.iter().map(|looked| PhaseView {
        workflow: &looked.target.id.workflow,
        phase: &looked.target.id.phase,
        state: looked.target.state,
        finding: looked.finding,
        files: looked.files(),
        changes: &looked.changes,
        unreadable: looked.unreadable().unwrap_or(const { &Unreadable { files: Vec::new(), more: 0 } }),
    });
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

/// Tells of the phases of which nothing was recorded.
fn others(scanned: &Scanned, out: &mut dyn Write) -> io::Result<()> {
    for looked in &scanned.phases {
        let name = render::phase(&looked.target.id, scanned.naming);
        let said = match looked.finding {
            Finding::Changed | Finding::Restored | Finding::Unchanged => continue,
            Finding::Reported => {
                let files = render::count(looked.changes.len(), "changed file", "changed files");
                format!("{files}, reported before")
            }
            Finding::Unknown if looked.unreadable().is_some() => {
                "nothing tells what its last attempt read, and not all its `inputs` can be read now:"
                    .to_owned()
            }
            Finding::Unknown => {
                "nothing tells what its last attempt read; its next start records it".to_owned()
            }
            Finding::Unreadable => "cannot be compared, not all its `inputs` can be read:".to_owned(),
            Finding::NotRun => format!("{}, it runs anyway", looked.target.state),
            Finding::Undeclared => "declares no `inputs`".to_owned(),
        };
        writeln!(out, "{name}: {said}")?;
        unreadable(looked, out)?;
    }
    let unchanged: Vec<_> =
        scanned.phases.iter().filter(|looked| looked.finding == Finding::Unchanged).collect();
    if !unchanged.is_empty() {
        let files = unchanged.iter().map(|looked| looked.files()).sum();
        let (phases, files) =
            (render::count(unchanged.len(), "phase", "phases"), render::count(files, "file", "files"));
        writeln!(out, "unchanged: {phases}, {files}")?;
    }
    if scanned.phases.is_empty() {
        writeln!(out, "nothing to scan: no phase declares `inputs`")?;
    }
    Ok(())
}

/// Shows the first files that cannot be read.
fn unreadable(looked: &Looked, out: &mut dyn Write) -> io::Result<()> {
    let lines = looked.unreadable().map(|unreadable| files::unreadable_lines(unreadable, FILES_SHOWN));
    lines.into_iter().flatten().try_for_each(|line| writeln!(out, "      {line}"))
}

/// Says in a line for each phase which of its inputs cannot be read.
pub fn unreadable_inputs(phases: &[Looked], naming: Naming) -> Vec<String> {
    let lines = phases.iter().filter_map(|looked| {
        let files: Vec<_> = files::unreadable_lines(looked.unreadable()?, FILES_SHOWN).collect();
        let name = render::phase(&looked.target.id, naming);
        Some(format!("{name}: cannot be compared, not all its `inputs` can be read: {}", files.join("; ")))
    });
    lines.collect()
}

/// Shows the first files that changed.
fn changes(looked: &Looked, out: &mut dyn Write) -> io::Result<()> {
    for change in looked.changes.iter().take(FILES_SHOWN).filter_map(events::changed_input) {
        writeln!(out, "      {change}")?;
    }
    match looked.changes.len().saturating_sub(FILES_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "      and {more} more"),
    }
}
