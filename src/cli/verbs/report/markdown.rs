//! The report in GitHub-flavoured Markdown.
//!
//! Nothing here depends on the machine, the time or the terminal: the same view gives the same bytes.

use phaseledger::ask::AsOf;
use phaseledger::model::{Seq, StateName, Zone};
use phaseledger::query::{EventReport, ProgressSummary, Report, WorkflowReport, mermaid};

use super::style::{Style, heading};
use super::syntax::{Align, block, code, folded, table, text};
use super::{approvals, costs, events, phases};
use crate::cli::ui::render;

/// How many blocks the progress bar has.
const BAR_BLOCKS: usize = 20;

/// The most edges and characters that Mermaid draws unless the page raises its limits, as GitHub does not.
const MERMAID_EDGES_MAX: usize = 500;
const MERMAID_CHARACTERS_MAX: usize = 50_000;

/// How many of the phases that are ready are listed; the tables of phases tell it of all.
const NEXT_MAX: usize = 20;

/// Writes a report.
pub fn write(report: &Report<'_>, as_of: &AsOf, zone: Zone) -> String {
    let mut document = String::new();
    let title = match report.workflows.as_slice() {
        [] => "no workflow".to_owned(),
        [only] => text(only.workflow.as_str()),
        several => render::count(several.len(), "workflow", "workflows"),
    };
    document.push_str(&format!("# Workflow report: {title}\n\n"));
    let only = if let [only] = report.workflows.as_slice() { Some(only) } else { None };
    let style = Style { zone, workflow: only.map(|only| only.workflow) };
    push_place(&mut document, report, as_of, &style);
    match only {
        Some(workflow) => push_workflow(&mut document, workflow, 2, &style),
        None => push_workflows(&mut document, &report.workflows, zone),
    }
    events::push_recent(&mut document, &report.recent, &style);
    document
}

/// Writes the place that the report is as of, and its proof.
fn push_place(document: &mut String, report: &Report<'_>, as_of: &AsOf, style: &Style<'_>) {
    let (seq, root, late) = (as_of.seq, report.root, as_of.late.count());
    let later = match late {
        0 => String::new(),
        _ => format!(" and {late} recorded later, from event {} on", as_of.late.hull().after.plus(1)),
    };
    match as_of.at {
        None => document.push_str(&format!("- **As of:** before the first event{later}\n")),
        Some(at) => {
            let at = render::time(at, style.zone, true);
            document.push_str(&format!("- **As of:** event {seq}, {at}{later}\n"));
        }
    }
    let over = match seq {
        Seq::ZERO => "no events".to_owned(),
        _ => format!("the first {}", render::count(seq.number() as usize, "event", "events")),
    };
    let proof = match late {
        0 => format!("over {over}; `phaseledger export --at e{seq}` ends with the same"),
        _ => format!("over {over} and those recorded later; `export` as of the same instant ends with it"),
    };
    document.push_str(&format!("- **Log root:** `{root}`, {proof}\n"));
}

/// Writes the sections of several workflows, after an overview; or that there is none.
fn push_workflows(document: &mut String, workflows: &[WorkflowReport<'_>], zone: Zone) {
    if workflows.is_empty() {
        document.push_str("\nNo workflow is defined.\n");
        return;
    }
    document.push_str(&heading(2, "Overview"));
    let mut columns = vec![("Workflow", Align::Left), ("Done", Align::Left)];
    columns.extend(phases::STATES.iter().map(|state| (state.as_str(), Align::Right)));
    columns.push(("of these, skipped", Align::Right));
    let row = |workflow: &WorkflowReport<'_>| {
        let summary = &workflow.summary;
        let mut row = vec![text(workflow.workflow.as_str()), share(summary)];
        let counts = phases::STATES.iter().map(|&state| count(summary, state)).chain([summary.skipped]);
        row.extend(counts.map(|count| if count == 0 { String::new() } else { count.to_string() }));
        row
    };
    document.push_str(&table(&columns, &workflows.iter().map(row).collect::<Vec<_>>()));
    for workflow in workflows {
        let style = Style { zone, workflow: Some(workflow.workflow) };
        document.push_str(&heading(2, &format!("Workflow {}", text(workflow.workflow.as_str()))));
        push_workflow(document, workflow, 3, &style);
    }
}

fn count(summary: &ProgressSummary, state: StateName) -> usize {
    summary.states.get(&state).copied().unwrap_or(0)
}

fn share(summary: &ProgressSummary) -> String {
    format!("{} % ({} of {})", summary.percent, summary.done, summary.total)
}

fn push_workflow(document: &mut String, workflow: &WorkflowReport<'_>, level: usize, style: &Style<'_>) {
    let place = match &workflow.defined {
        None => String::new(),
        Some(EventReport { event, by, .. }) => {
            format!("{}, ", style.event(event.seq, Some(event.at), Some(by)))
        }
    };
    document.push_str(&format!("- **Definition in force:** {place}`{}`\n", workflow.definition));
    if let Some(description) = workflow.description {
        document.push_str(&format!("\n{}\n", text(description)));
    }
    document.push_str(&heading(level, "Summary"));
    push_summary(document, &workflow.summary);
    events::push_roots(document, &workflow.open_reruns, level, style);
    document.push_str(&heading(level, "Ready next"));
    push_next(document, workflow, style);
    document.push_str(&heading(level, "Phases"));
    phases::push(document, workflow, level + 1, style);
    push_retired(document, workflow);
    approvals::push(document, workflow, level, style);
    push_graph(document, workflow, level);
    costs::push(document, &workflow.costs, level, style);
}

fn push_summary(document: &mut String, summary: &ProgressSummary) {
    let filled = summary.share(BAR_BLOCKS);
    let bar = "█".repeat(filled) + &"░".repeat(BAR_BLOCKS - filled);
    let ProgressSummary { skipped, done, total, percent, .. } = *summary;
    let parts = match skipped {
        0 => format!("{done} of {total} complete"),
        _ => format!("{done} of {total} done: {} complete, {skipped} skipped", done - skipped),
    };
    document.push_str(&format!("`{bar}` **{percent} %** ({parts})\n"));
    let states = phases::STATES.iter().filter(|&&state| count(summary, state) > 0);
    let states = states.map(|&state| format!("{} {} {state}", render::symbol(state), count(summary, state)));
    let states = states.collect::<Vec<_>>().join(" · ");
    if !states.is_empty() {
        document.push_str(&format!("\n{states}\n"));
    }
}

fn push_next(document: &mut String, workflow: &WorkflowReport<'_>, style: &Style<'_>) {
    let ready: Vec<_> = workflow.phases.iter().filter(|phase| phase.is_ready()).collect();
    let under_way = count(&workflow.summary, StateName::InProgress);
    let kept: Vec<_> =
        workflow.phases.iter().filter(|phase| phase.would_be_ready() && phase.over_limit).collect();
    if ready.is_empty() && kept.is_empty() {
        document.push_str(match (workflow.summary.done == workflow.summary.total, under_way) {
            (true, _) => "Nothing: every phase is done.\n",
            (false, 0) => "Nothing: every phase that is left waits for another.\n",
            (false, _) => "Nothing: every phase that is left is under way, or waits for another.\n",
        });
    }
    for phase in ready.iter().take(NEXT_MAX) {
        let why = match phase.state {
            StateName::Failed => ", which failed",
            StateName::NeedsRerun => ", again",
            StateName::Pending | StateName::InProgress | StateName::Complete => "",
        };
        document.push_str(&format!("- {}{why}\n", style.name(phase.workflow, phase.phase.as_str())));
    }
    if let Some(more) = ready.len().checked_sub(NEXT_MAX + 1) {
        document.push_str(&format!("- and {} more: those below that wait for nothing\n", more + 1));
    }
    for phase in kept {
        let name = style.name(phase.workflow, phase.phase.as_str());
        document.push_str(&format!("- not {name}: a cost limit is exceeded\n"));
    }
}

fn push_retired(document: &mut String, workflow: &WorkflowReport<'_>) {
    if workflow.retired.is_empty() {
        return;
    }
    let names = workflow.retired.iter().map(|retired| {
        let name = code(retired.phase.as_str());
        format!("{name} (event {})", retired.last_seq)
    });
    let names = names.collect::<Vec<_>>().join(", ");
    document.push_str(&format!("\nNo longer defined, with their history kept: {names}.\n"));
}

/// Writes what needs what as a picture; the phases name it in words.
fn push_graph(document: &mut String, workflow: &WorkflowReport<'_>, level: usize) {
    let edges = workflow.graph.edges.len();
    if edges == 0 {
        return;
    }
    document.push_str(&heading(level, "Dependencies"));
    let drawn = mermaid(&workflow.graph);
    if edges > MERMAID_EDGES_MAX || drawn.len() > MERMAID_CHARACTERS_MAX {
        document.push_str(&format!(
            "{edges} edges are more than Mermaid draws in a document; `phaseledger graph` draws them.\n"
        ));
    } else {
        let phases = workflow.graph.nodes.len();
        let title = render::count(phases, "phase", "phases");
        document.push_str(&folded(phases, &title, &block("mermaid", &drawn, "")));
    }
}
