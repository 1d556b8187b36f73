//! Early cutoff: a rerun that turned out to change nothing stops there.
//!
//! When a phase completes again, each phase below that NEEDS_RERUN, whose every needed phase is COMPLETE with
//! exactly the output that it consumed at its own last completion, and whose marks all came from above,
//! stands as it was; and so on downward. Where either side has no digest there is no cutoff. (The term, and
//! the idea of comparing results rather than times: Mokhov, Mitchell, Peyton Jones, "Build Systems à la
//! Carte", section 2.)

use std::collections::{BTreeMap, BTreeSet};

use super::phase::{Completion, Mark, Phase, PhaseState};
use super::table::Table;
use super::wave::Wave;
use crate::model::{Cause, CauseKind, Comparison, EventRef, PhaseId, Recorded, RerunCleared, StateName};

/// Clears what the completion of a phase, just recorded, allows to clear.
pub(super) fn settle(wave: &mut Wave<'_>, record: &Recorded) {
    let Some(completed) = record.subject.phase() else { return };
    let completion = record.event_ref();
    let table = wave.table;
    let mut waiting = BTreeSet::from([completed.clone()]);
    // What each phase settled so far was settled by: the completion, or a clearing.
    let mut settled = BTreeMap::new();
    if !wave.unsettled.contains(completed) {
        settled.insert(completed.clone(), completion);
        waiting = table.dependants_of(completed).cloned().collect();
    }
    while let Some(id) = waiting.pop_first() {
        let Some(phase) = table.phases.get(&id).filter(|_| !settled.contains_key(&id)) else { continue };
        let stands = |need: &PhaseId| settled.contains_key(need) || !wave.unsettled.contains(need);
        let last = repeatable(phase, id == *completed);
        let Some(compared) = last.and_then(|last| compare(table, phase, last, &settled, stands)) else {
            continue;
        };
        let mut causes: Vec<Cause> =
            compared.iter().filter_map(|equal| cause(phase, equal, settled.get(&equal.phase)?)).collect();
        if causes.is_empty() {
            causes.push(Cause::new(completion, CauseKind::UpstreamUnchanged));
        }
        let transition = (StateName::NeedsRerun, StateName::Complete);
        let clearing = wave.draft(phase, RerunCleared { compared }, transition, "early_cutoff/1", causes);
        settled.insert(id.clone(), clearing);
        waiting.extend(table.dependants_of(&id).cloned());
    }
}

fn cause(phase: &Phase, equal: &Comparison, &event: &EventRef) -> Option<Cause> {
    let edge = Some((equal.phase.clone(), phase.id.clone()));
    Some(Cause { event, kind: CauseKind::UpstreamUnchanged, edge })
}

/// Returns the completion that may stand after all: that of a phase which NEEDS_RERUN only because of what is
/// above it, or the one just recorded, when it was marked at once.
fn repeatable(phase: &Phase, just_completed: bool) -> Option<&Completion> {
    let (completion, marks): (&Completion, &[Mark]) = match &phase.state {
        PhaseState::NeedsRerun { completion, marks } => (completion, marks),
        PhaseState::Complete { completion } if just_completed => (completion, &completion.outdated_by),
        PhaseState::Complete { .. }
        | PhaseState::Pending { .. }
        | PhaseState::InProgress { .. }
        | PhaseState::Failed { .. } => return None,
    };
    marks.iter().all(Mark::is_from_upstream).then_some(completion)
}

/// Compares what a completion consumed with what is there now; none unless there is something to compare, and
/// all of it is equal.
fn compare(
    table: &Table,
    phase: &Phase,
    last: &Completion,
    settled: &BTreeMap<PhaseId, EventRef>,
    stands: impl Fn(&PhaseId) -> bool,
) -> Option<Vec<Comparison>> {
    let one = |need: &PhaseId| {
        let consumed = last.attempt.consumed_output(need)?;
        let now = match &table.phases.get(need)?.state {
            PhaseState::Complete { completion } if stands(need) => completion,
            PhaseState::NeedsRerun { completion, .. } if settled.contains_key(need) => completion,
            PhaseState::Pending { .. }
            | PhaseState::InProgress { .. }
            | PhaseState::Complete { .. }
            | PhaseState::Failed { .. }
            | PhaseState::NeedsRerun { .. } => return None,
        };
        let found = now.output.filter(|found| *found == consumed)?;
        Some(Comparison { phase: need.clone(), consumed, found, event: now.event, seq: now.seq })
    };
    let compared: Option<Vec<_>> = phase.spec.needs.iter().map(one).collect();
    compared.filter(|compared| !compared.is_empty())
}
