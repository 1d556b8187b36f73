//! How much of the table a command needs: so that one step of a workflow of 100,000 reads a handful of rows.

#[cfg(doc)]
use super::Phase;
use crate::model::{Action, EventId, action};

/// How much of the table a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The workflows and tags alone.
    NoPhase,
    /// The request of that event, and the phase that it is about.
    Approval(EventId),
    /// The phase that it is about.
    Phase,
    /// That, all that is above it, and what needs it: what questions about it rest on.
    Above,
    /// That, all that is judged anew when its state changes, and what those judgements and its roots rest on: see
    /// [`Phase::passes`], [`Phase::above`] and [`Phase::above_through`](super::Phase::above_through).
    Around,
    /// All of it.
    Everything,
}

/// Returns how much of the table an action needs.
pub fn reach(action: &Action) -> Reach {
    match action {
        Action::Define(_) | Action::Retire(_) | Action::ResetAll(_) | Action::Revert(_) => Reach::Everything,
        // Its phase may have another name by now.
        Action::CostRelease(_) => Reach::Everything,
        Action::Start(_)
        | Action::Rerun(_)
        | Action::FilesChanged(_)
        | Action::Reset(_)
        | Action::Complete(_)
        | Action::Fail(_)
        | Action::Accept(_)
        | Action::Skip(_) => Reach::Around,
        Action::Meta(_)
        | Action::Cost(_)
        | Action::CostReserve(_)
        | Action::CostLimit(action::CostLimit { phase: Some(_), .. })
        | Action::Note(action::Note { phase: Some(_), .. }) => Reach::Phase,
        Action::Note(action::Note { phase: None, .. })
        | Action::CostLimit(action::CostLimit { phase: None, .. })
        | Action::Tag(_)
        | Action::Untag(_)
        | Action::NoteImport(_) => Reach::NoPhase,
        Action::ApprovalRequest(ask) => match ask.phase {
            Some(_) => Reach::Phase,
            None => Reach::NoPhase,
        },
        Action::ApprovalDecide(answer) => Reach::Approval(answer.request),
    }
}
