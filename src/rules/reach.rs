//! How much of the table a command needs: so that one step of a workflow of 100,000 reads a handful of rows.

use super::phase::PhaseState;
use super::table::Table;
use super::wave::{not_consumed, stale_above};
use crate::model::{Action, Again, Digest, EventId, PhaseId, action};

/// How much of the table a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The workflows and tags alone.
    NoPhase,
    /// The request of that event, and the phase that it is about.
    Approval(EventId),
    /// The phase that it is about.
    Phase,
    /// That, and what the phase needs.
    Needs,
    /// That, and everything below the phase.
    Below,
    /// That, what is above as far as it is not complete, and what [`disturbed`] tells.
    Completion,
    /// All of it.
    Everything,
}

/// Returns how much of the table an action needs.
pub fn reach(action: &Action) -> Reach {
    match action {
        Action::Define(_) | Action::ResetAll(_) => Reach::Everything,
        Action::Start(action::Start { again: Some(Again::Rerun(_)), .. })
        | Action::Rerun(_)
        | Action::InputsChanged(_)
        | Action::Reset(_) => Reach::Below,
        Action::Start(action::Start { again: None | Some(Again::TakeOver(_)), .. }) => Reach::Needs,
        Action::Complete(_) => Reach::Completion,
        Action::Fail(_)
        | Action::Skip(_)
        | Action::Meta(_)
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

/// Returns the phases whose completion, with this output, may change what is below them. The table has the
/// phase, what is above it as far as it is not complete, and those who need it, directly or through phases
/// that are skipped.
pub fn disturbed(table: &Table, id: &PhaseId, output: Option<Digest>) -> Vec<PhaseId> {
    let Some(phase) = table.phases.get(id) else { return Vec::new() };
    if !phase.state.marks().is_empty() || !stale_above(table, phase).is_empty() {
        return vec![id.clone()];
    }
    let outdated = not_consumed(table, id, output);
    let unchanged = table.dependants_of(id).filter(|below| {
        output.is_some()
            && match table.phases.get(*below).map(|phase| &phase.state) {
                Some(PhaseState::NeedsRerun { completion, .. }) => {
                    completion.attempt.consumed_output(id) == output
                }
                Some(
                    PhaseState::Pending { .. }
                    | PhaseState::InProgress { .. }
                    | PhaseState::Complete { .. }
                    | PhaseState::Failed { .. },
                )
                | None => false,
            }
    });
    outdated.into_iter().chain(unchanged.cloned()).collect()
}
