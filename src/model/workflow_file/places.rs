//! Where in the text a definition's phases and needs stand, so that what [`Definition`] refuses points
//! there.
//!
//! [`Definition`]: crate::model::Definition

use std::ops::Range;

use super::error::Fault;
use super::node::{Entry, Node, Value};
use crate::model::nearest::nearest;
use crate::model::{DefinitionError, Named, PhaseName, PhaseRef, WorkflowName};

/// How many edges of a cycle are marked from its start, and as many from its end.
const EDGES_MARKED_MAX: usize = 6;

/// A phase's places.
pub(super) struct PhasePlaces {
    pub(super) id: PhaseName,
    pub(super) id_span: Range<usize>,
    /// Its needs in their order, each with its place.
    pub(super) needs: Vec<(PhaseRef, Range<usize>)>,
    /// What it was called before.
    pub(super) renamed_from: Option<(PhaseName, Range<usize>)>,
}

/// Finds where a workflow or a phase gets its name.
pub(super) fn of_name(root: Node<'_>, of: Named, name: &str) -> Option<Range<usize>> {
    let (tables, key): (&[&str], _) = match of {
        Named::Workflow => (&["workflow"], "name"),
        Named::Phase => (&["phase", "phases"], "id"),
        Named::Tag => return None,
    };
    let Value::Table(entries) = root.value else { return None };
    let named = entries.into_iter().find(|entry| tables.contains(&entry.key.as_ref()))?.node;
    let nodes = match named.value {
        Value::List(nodes) => nodes,
        _ => vec![named],
    };
    let wanted = PhaseName::new(name).ok()?;
    let is_it = |entry: &Entry<'_>| match &entry.node.value {
        Value::Text(text) if entry.key == key => {
            PhaseName::new(text).is_ok_and(|found| found.is_same(&wanted))
        }
        _ => false,
    };
    nodes.into_iter().find_map(|node| match node.value {
        Value::Table(entries) => entries.into_iter().find(is_it).map(|entry| entry.node.span),
        _ => None,
    })
}

/// Finds the places of what a definition was refused for.
pub(super) fn definition_fault(
    error: &DefinitionError,
    places: &[PhasePlaces],
    workflow: &WorkflowName,
) -> Fault {
    let message = error.to_string();
    match error {
        DefinitionError::Duplicate { phase } => {
            let mut spans = places.iter().filter(|place| place.id == *phase).map(|place| &place.id_span);
            two_marks(message, spans.next(), spans.next())
        }
        DefinitionError::UnknownNeed { phase, need } => {
            let span = needs_of(phase, places).find(|(found, _)| found == need).map(|(_, span)| span);
            let ids = places.iter().map(|place| place.id.as_str());
            let near = nearest(need.phase.as_str(), ids);
            let was = |place: &&PhasePlaces| {
                place.renamed_from.as_ref().is_some_and(|(from, _)| *from == need.phase)
            };
            let hint = match near {
                _ if let Some(renamed) = places.iter().find(was) => {
                    Some(format!("it is called `{}` here", renamed.id))
                }
                Some(near) => Some(format!("did you mean `{near}`?")),
                None if need.workflow.is_none() => {
                    Some(format!("a phase of another workflow is written `other/{}`", need.phase))
                }
                None => None,
            };
            Fault::new(span.cloned().unwrap_or(0..0), message).hint_if(hint)
        }
        DefinitionError::DuplicateNeed { phase, need } => {
            let same = |found: &PhaseRef| found.within(workflow) == need.within(workflow);
            let mut spans = needs_of(phase, places).filter(|(found, _)| same(found)).map(|(_, span)| span);
            two_marks(message, spans.next(), spans.next())
        }
        DefinitionError::RenamedItself { phase } => {
            let span = rename_of(phase, places).cloned().unwrap_or(0..0);
            Fault::new(span, message).hint("say what it was called before, or leave that out")
        }
        DefinitionError::RenamedAndThere { phase, from } => {
            let span = rename_of(phase, places).cloned().unwrap_or(0..0);
            let fault = Fault::new(span, message).hint(
                "once a rename is in force, `renamed_from` may go; phases swap names in two definitions",
            );
            match places.iter().find(|place| place.id == *from) {
                Some(place) => fault.also(place.id_span.clone(), "it is here"),
                None => fault,
            }
        }
        DefinitionError::RenamedTwice { first, second, .. } => {
            two_marks(message, rename_of(first, places), rename_of(second, places))
        }
        DefinitionError::Cycle { path } => cycle_fault(message, path, places, workflow),
    }
}

fn needs_of<'p>(
    phase: &PhaseName,
    places: &'p [PhasePlaces],
) -> impl Iterator<Item = &'p (PhaseRef, Range<usize>)> {
    let phase = phase.clone();
    places.iter().find(move |place| place.id == phase).into_iter().flat_map(|place| &place.needs)
}

/// Finds where a phase says what it was called before.
fn rename_of<'p>(phase: &PhaseName, places: &'p [PhasePlaces]) -> Option<&'p Range<usize>> {
    let renamed =
        places.iter().filter(|place| place.id == *phase).find_map(|place| place.renamed_from.as_ref());
    renamed.map(|(_, span)| span)
}

/// Points at the second of two places, the first one being all right without it.
fn two_marks(message: String, first: Option<&Range<usize>>, second: Option<&Range<usize>>) -> Fault {
    let fault = Fault::new(second.cloned().unwrap_or(0..0), message).label("here again");
    match first {
        Some(first) => fault.also(first.clone(), "here first"),
        None => fault,
    }
}

/// Marks the edges of a cycle where they are written, the first one being the place.
fn cycle_fault(
    message: String,
    path: &[PhaseName],
    places: &[PhasePlaces],
    workflow: &WorkflowName,
) -> Fault {
    let count = path.len().saturating_sub(1);
    let marked = |at: &usize| *at < EDGES_MARKED_MAX || count - *at <= EDGES_MARKED_MAX;
    let mut edges = (0..count).filter(marked).filter_map(|at| {
        let (from, to) = (&path[at], &path[at + 1]);
        let is_edge = |need: &PhaseRef| need.within(workflow).workflow == *workflow && need.phase == *to;
        let (_, span) = needs_of(from, places).find(|(need, _)| is_edge(need))?;
        Some((span.clone(), format!("`{from}` needs `{to}`")))
    });
    let (span, label) = edges.next().unwrap_or_default();
    let fault =
        edges.fold(Fault::new(span, message).label(label), |fault, (span, label)| fault.also(span, label));
    fault.hint("take one of these needs away")
}
