//! `graph`: draws the phases and what needs what.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::model::{PhaseId, PhaseRef, WorkflowName};
use phaseledger::query::{self, Graph, GraphNode};
use renderdag::{Ancestor, GraphRowRenderer, Renderer};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::render::{self, Naming};
use crate::cli::verbs::asking;

/// The most lines that may run beside one another in a drawing; a wider graph is listed.
const COLUMNS_MAX: usize = 48;

// Options of `graph`.
#[derive(clap::Args)]
pub struct Args {
    /// Only this workflow, with the phases of others that it shares an edge with [default: all]
    #[arg(long, value_name = "NAME", value_parser = name)]
    workflow: Option<WorkflowName>,
    /// Only this phase and what is built on it
    #[arg(long, value_name = "PHASE")]
    below: Option<PhaseRef>,
    /// Only this phase and what it is built on
    #[arg(long, value_name = "PHASE")]
    above: Option<PhaseRef>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    #[command(flatten)]
    asking: asking::Args,
}

/// The languages a graph is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines and symbols, what comes first at the top
    Text,
    /// A Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
}

fn name(text: &str) -> Result<WorkflowName, String> {
    WorkflowName::new(text).map_err(|error| error.to_string())
}

/// Draws the graph.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let question =
        ask::Graph { workflow: args.workflow.clone(), below: args.below.clone(), above: args.above.clone() };
    let answered = args.asking.ask(&question, context)?;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (graph, mut out) = (&answered.view, BufWriter::new(output::stdout()));
    match args.format {
        Format::Text => draw(graph, &mut out)?,
        Format::Mermaid => out.write_all(query::mermaid(graph).as_bytes())?,
        Format::Dot => out.write_all(query::dot(graph).as_bytes())?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Draws the graph with lines, or lists it when too many would run beside one another.
fn draw(graph: &Graph, out: &mut impl Write) -> Result<(), Failure> {
    let dependants = graph.dependants();
    if columns(&dependants) > COLUMNS_MAX {
        output::talk(format_args!(
            "too wide to draw, so listed with what each phase needs; `--format dot` or `mermaid` draws it"
        ));
        return list(graph, out);
    }
    let naming = Naming::among(graph.workflows().len());
    let mut renderer = GraphRowRenderer::new()
        .output()
        .with_min_row_height(2)
        .with_stagger_consecutive_disconnected_nodes(true)
        .build_box_drawing();
    for (at, (node, below)) in graph.nodes.iter().zip(&dependants).enumerate() {
        let below = below.iter().map(|&at| Ancestor::Parent(at)).collect();
        let row = renderer.next_row(at, below, glyph(node), label(node, naming));
        for line in row.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Returns how many lines run beside one another at most: the phases that are needed by one that is drawn,
/// and are not drawn themselves yet.
fn columns(dependants: &[Vec<usize>]) -> usize {
    let mut waiting = vec![false; dependants.len()];
    let (mut now, mut most) = (0, 0);
    for (at, below) in dependants.iter().enumerate() {
        now -= usize::from(waiting[at]);
        for &below in below {
            now += usize::from(!std::mem::replace(&mut waiting[below], true));
        }
        most = most.max(now);
    }
    most
}

/// Lists each phase with what it needs.
fn list(graph: &Graph, out: &mut impl Write) -> Result<(), Failure> {
    let naming = Naming::among(graph.workflows().len());
    let mut needs: BTreeMap<&PhaseId, Vec<&PhaseId>> = BTreeMap::new();
    for edge in &graph.edges {
        needs.entry(&edge.to).or_default().push(&edge.from);
    }
    for node in &graph.nodes {
        write!(out, "{}  {}", glyph(node), label(node, naming))?;
        let needs = needs.get(&node.id).into_iter().flatten();
        let needs: Vec<_> = needs.map(|need| render::phase(need, naming)).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("  ← {}", needs.join(", ")) };
        writeln!(out, "{needs}")?;
    }
    Ok(())
}

fn glyph(node: &GraphNode) -> String {
    let style = render::style(node.state);
    format!("{style}{}{style:#}", node.state.symbol())
}

fn label(node: &GraphNode, naming: Naming) -> String {
    let style = render::style(node.state);
    let skipped = if node.skipped { ", skipped" } else { "" };
    format!("{}  {style}{}{skipped}{style:#}", render::phase(&node.id, naming), node.state)
}
