//! How much of the table a command needs: so that one step of a workflow of 100,000 reads a handful of rows.

use super::phase::Phase;
use crate::model::{Action, EventId, PhaseId, action};

/// How much of the table a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The workflows and tags alone.
    NoPhase,
    /// The request of that event, and the phase that it is about.
    Approval(EventId),
    /// The phase that it is about.
    Phase,
    /// That, all that is judged anew when its state changes, and what those judgements and its roots rest on: see
    /// [`Around`].
    Around,
    /// All of it.
    Everything,
}

/// Which phases are around one: what is below it and may be judged anew, and what that is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Around;

impl Around {
    /// Says whether what needs a phase is around it too.
    pub fn goes_below(phase: &Phase) -> bool {
        phase.passes()
    }

    /// Returns what is above a phase that is judged: what it needs and needed, and what its attempt found.
    pub fn above(phase: &Phase) -> Vec<&PhaseId> {
        phase.spec.needs.iter().chain(phase.lineage.edges.keys()).chain(phase.found()).collect()
    }

    /// Returns what of that counts for what is below the phase: nothing where a completion stands that is not stale, and
    /// what was found where that is so of the attempt under way.
    pub fn above_through(phase: &Phase) -> Vec<&PhaseId> {
        if phase.standing().is_some() && !phase.is_stale() {
            return Vec::new();
        }
        let found = phase.found_under_way().filter(|_| !phase.is_stale());
        found.unwrap_or_else(|| Around::above(phase))
    }
}

/// Returns how much of the table an action needs.
pub fn reach(action: &Action) -> Reach {
    match action {
        Action::Define(_) | Action::ResetAll(_) => Reach::Everything,
        Action::Start(_)
        | Action::Rerun(_)
        | Action::InputsChanged(_)
        | Action::Reset(_)
        | Action::Complete(_)
        | Action::Fail(_)
        | Action::Skip(_) => Reach::Around,
        Action::Meta(_)
        | Action::Cost(_)
        | Action::CostLimit(action::CostLimit { phase: Some(_), .. })
        | Action::Note(action::Note { phase: Some(_), .. }) => Reach::Phase,
        Action::Note(action::Note { phase: None, .. })
        | Action::CostLimit(action::CostLimit { phase: None, .. })
        | Action::Tag(_)
        | Action::NoteImport(_) => Reach::NoPhase,
        Action::ApprovalRequest(ask) => match ask.phase {
            Some(_) => Reach::Phase,
            None => Reach::NoPhase,
        },
        Action::ApprovalDecide(answer) => Reach::Approval(answer.request),
    }
}
