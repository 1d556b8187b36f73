//! A graph in the languages of two tools that draw graphs.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Graph, GraphNode};
use crate::model::{StateName, WorkflowName};

/// The most phases that are drawn beside one another from top to bottom; a wider graph is drawn from left to
/// right, where names that stand below one another take less room.
const ABREAST_MAX: usize = 6;

/// Returns the graph as a Mermaid flowchart with a class for each state.
///
/// A page that draws it must raise Mermaid's `maxEdges` beyond 500 edges, and `maxTextSize` beyond 50,000
/// characters.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = format!("flowchart {}\n", if is_wide(graph) { "LR" } else { "TD" });
    for (number, (workflow, nodes)) in groups(graph).into_iter().enumerate() {
        if let Some(workflow) = workflow {
            put(&mut text, format_args!("  subgraph w{number}[\"{}\"]", mermaid_label(workflow.as_str())));
        }
        for (at, node) in nodes {
            let (label, class) = (mermaid_label(&label(node)), class(node.state));
            put(&mut text, format_args!("  n{at}[\"{label}\"]:::{class}"));
        }
        if workflow.is_some() {
            put(&mut text, format_args!("  end"));
        }
    }
    for (at, below) in graph.dependants().iter().enumerate() {
        below.iter().for_each(|below| put(&mut text, format_args!("  n{at} --> n{below}")));
    }
    for state in StateName::ALL {
        if graph.nodes.iter().any(|node| node.state == state) {
            let (class, Colours { fill, border, ink }) = (class(state), colours(state));
            put(&mut text, format_args!("  classDef {class} fill:{fill},stroke:{border},color:{ink}"));
        }
    }
    text
}

/// Returns the graph in Graphviz's language, DOT, with a colour for each state.
pub fn dot(graph: &Graph) -> String {
    let mut text = format!(
        "digraph phases {{\n  graph [rankdir={}, fontname=\"Helvetica\", nodesep=0.25, ranksep=0.4]\n  \
         node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11]\n  \
         edge [color=\"#6b7280\", arrowsize=0.7]\n",
        if is_wide(graph) { "LR" } else { "TB" },
    );
    for (number, (workflow, nodes)) in groups(graph).into_iter().enumerate() {
        if let Some(workflow) = workflow {
            let label = dot_label(workflow.as_str());
            put(
                &mut text,
                format_args!("  subgraph cluster_{number} {{ label=\"{label}\"; color=\"#9ca3af\""),
            );
        }
        for (at, node) in nodes {
            let (label, state) = (dot_label(&label(node)), node.state);
            let Colours { fill, border, ink } = colours(state);
            put(
                &mut text,
                format_args!(
                    "  n{at} [label=\"{label}\", tooltip=\"{state}\", fillcolor=\"{fill}\", color=\"{border}\", \
                     fontcolor=\"{ink}\"]"
                ),
            );
        }
        if workflow.is_some() {
            put(&mut text, format_args!("  }}"));
        }
    }
    for (at, below) in graph.dependants().iter().enumerate() {
        below.iter().for_each(|below| put(&mut text, format_args!("  n{at} -> n{below}")));
    }
    text.push_str("}\n");
    text
}

/// Says whether many phases are as far from the start as one another.
fn is_wide(graph: &Graph) -> bool {
    let dependants = graph.dependants();
    let mut ranks = vec![0; dependants.len()];
    let mut abreast = vec![0; dependants.len()];
    for (at, below) in dependants.iter().enumerate() {
        abreast[ranks[at]] += 1;
        below.iter().for_each(|&below| ranks[below] = ranks[below].max(ranks[at] + 1));
    }
    abreast.into_iter().any(|count| count > ABREAST_MAX)
}

/// What is drawn within one frame: a workflow, and its phases with their indices.
type Group<'a> = (Option<&'a WorkflowName>, Vec<(usize, &'a GraphNode)>);

/// Returns the phases by workflow; a single workflow needs no frame around it.
fn groups(graph: &Graph) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<&WorkflowName, Vec<(usize, &GraphNode)>> = BTreeMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        groups.entry(&node.workflow).or_default().push((at, node));
    }
    let is_one = groups.len() == 1;
    groups.into_iter().map(|(workflow, nodes)| (Some(workflow).filter(|_| !is_one), nodes)).collect()
}

fn label(node: &GraphNode) -> String {
    let skipped = if node.skipped { " (skipped)" } else { "" };
    // The space after the symbol does not break.
    format!("{}\u{a0}{}{skipped}", node.state.symbol(), node.id.phase)
}

/// Writes what Mermaid might read as its own, in a label or in its own replacement of such codes, as a code.
fn mermaid_label(label: &str) -> String {
    let mut escaped = String::with_capacity(label.len());
    for character in label.chars() {
        match character {
            '"' => escaped.push_str("#quot;"),
            ' ' | '_' | '-' | '.' | ',' | '/' | '(' | ')' | '+' | '=' => escaped.push(character),
            _ if character.is_ascii() && !character.is_ascii_alphanumeric() => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Writes what DOT reads as its own in a quoted label: quotes, backslashes, and the start of an entity.
fn dot_label(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}

/// The colours of a state.
struct Colours {
    fill: &'static str,
    border: &'static str,
    ink: &'static str,
}

const fn colours(state: StateName) -> Colours {
    let (fill, border, ink) = match state {
        StateName::Pending => ("#f3f4f6", "#9ca3af", "#374151"),
        StateName::InProgress => ("#dbeafe", "#2563eb", "#1e3a8a"),
        StateName::Complete => ("#dcfce7", "#16a34a", "#14532d"),
        StateName::Failed => ("#fee2e2", "#dc2626", "#7f1d1d"),
        StateName::NeedsRerun => ("#fef3c7", "#d97706", "#78350f"),
    };
    Colours { fill, border, ink }
}

const fn class(state: StateName) -> &'static str {
    match state {
        StateName::Pending => "pending",
        StateName::InProgress => "in_progress",
        StateName::Complete => "complete",
        StateName::Failed => "failed",
        StateName::NeedsRerun => "needs_rerun",
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}
