//! The part of a table in the past that a question is about: its rows in the last snapshot before, and what those of the
//! events since say that can matter to it.
//!
//! What an event does to a phase follows from the phase, from what is above it and from its workflow; so of the events that
//! move phases only those about the phases asked for, and about what is above them, are folded. The few others (money,
//! leave, tags) are all folded. Definitions, and what takes something back, reach further: where there is any the whole
//! table is folded, as it is where the part is most of it, or anything is odd.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;

use super::LedgerError;
use super::loader::Loader;
use super::replay::LINES_PER_READ;
use super::rows::{Kept, load_approvals};
use crate::model::{Event, LineFront, PhaseId, PhaseRef, Places, Recorded, Seq, Span, Subject};
use crate::rules::{Reach, Table, evolve};
use crate::store::{Sought, Store, StoreError};

/// The kinds of events that move a phase, or are put on record about it, and change nothing else.
const OF_ONE_PHASE: [&str; 13] = [
    "phase_started",
    "phase_completed",
    "phase_failed",
    "phase_skipped",
    "phase_reset",
    "phase_accepted",
    "rerun_marked",
    "rerun_cause_added",
    "rerun_deferred",
    "rerun_withdrawn",
    "rerun_cleared",
    "metadata_recorded",
    "note_added",
];

/// The kinds of those that change that, its workflow, and what is beside both: limits, requests, tags. All others may change any
/// phase.
const BESIDE: [&str; 12] = [
    "tag_set",
    "tag_removed",
    "cost_recorded",
    "cost_limit_set",
    "cost_warning_raised",
    "cost_limit_exceeded",
    "cost_reserved",
    "cost_released",
    "approval_requested",
    "approval_granted",
    "approval_rejected",
    "history_imported",
];

/// Returns the table after a prefix with the phases that some names mean, all that is above them, who needs them and where
/// that stands, the requests for approval, its workflows and its tags: the rest may be missing, and of the phases whether
/// anything was ever built on what is found through them. None where it is not to be had so.
pub(super) fn above(store: &dyn Store, place: Seq, names: &[PhaseRef]) -> Result<Option<Table>, LedgerError> {
    let Some(rows) = store.past_rows(place)? else { return Ok(None) };
    let kept = Kept::Past(&*rows);
    if !kept.can_be_read() || rows.seq() > place {
        return Ok(None);
    }
    let mut table = match load(kept, rows.seq(), names) {
        Ok(table) => table,
        // A snapshot is a cache: one that cannot be read is none.
        Err(StoreError::Moved | StoreError::Damaged { .. } | StoreError::Io { .. }) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let Some(known) = reached(kept, &table, names) else { return Ok(None) };
    // Of who needs a phase no more is told than where it stands, which its own events say.
    let loaded: BTreeSet<PhaseId> = table.phases.keys().cloned().collect();
    if !fold(store, kept, &mut table, place)? {
        return Ok(None);
    }
    table.phases.retain(|id, _| loaded.contains(id));
    let is_whole = reached(kept, &table, names).is_some_and(|reached| reached.is_subset(&known));
    Ok(is_whole.then_some(table))
}

fn load(kept: Kept<'_>, seq: Seq, names: &[PhaseRef]) -> Result<Table, StoreError> {
    let (mut loader, mut table) = (Loader::of_part(), Table { head: seq, ..Table::default() });
    loader.load_rows(kept, &mut table, (Reach::NoPhase, None))?;
    for name in names {
        loader.load_rows(kept, &mut table, (Reach::Above, Some(name)))?;
    }
    table.approvals = load_approvals(kept, "")?;
    Ok(table)
}

/// Returns the phases that some names may mean, and all that is above them; none where any of these is not loaded.
fn reached(kept: Kept<'_>, table: &Table, names: &[PhaseRef]) -> Option<BTreeSet<PhaseId>> {
    let is_meant = |id: &&PhaseId| names.iter().any(|name| name.means(id));
    let mut walk: Vec<&PhaseId> = table.phases.keys().filter(is_meant).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = walk.pop() {
        if reached.contains(id) {
            continue;
        }
        match table.phases.get(id) {
            Some(phase) => {
                reached.insert(id.clone());
                walk.extend(phase.above());
            }
            // What was never defined is nowhere.
            None if matches!(kept.row(&super::rows::phase_key(id)), Ok(None)) => {}
            None => return None,
        }
    }
    Some(reached)
}

/// Folds what the events up to a place say of a part of the table. False where they say more than can be told so.
fn fold(store: &dyn Store, kept: Kept<'_>, table: &mut Table, place: Seq) -> Result<bool, LedgerError> {
    let since = Span { after: table.head, through: place };
    let known: HashSet<String> = table.phases.keys().map(PhaseId::to_string).collect();
    let mut places = Places::default();
    for kind in Event::KINDS.iter().filter(|kind| !OF_ONE_PHASE.contains(kind)) {
        places = places.or(&store.places_of(Sought::Kind(kind), since)?);
    }
    for name in &known {
        places = places.or(&store.places_of(Sought::Phase(name), since)?);
    }
    let mut name = String::new();
    for span in places.spans() {
        let mut after = span.after;
        while after < span.through {
            let left = span.through.number() - after.number();
            let limit = usize::try_from(left.min(LINES_PER_READ)).unwrap_or(usize::MAX);
            for line in store.read(after, limit)? {
                after = after.plus(1);
                let front = LineFront::of(&line);
                if !front.is_some_and(|front| is_of_another(&front, &known, &mut name))
                    && !fold_line(kept, table, &line, after)?
                {
                    return Ok(false);
                }
            }
        }
    }
    table.head = place;
    Ok(true)
}

/// Says of an event, by the beginning of its line, that it is about another phase, and changes nothing else.
fn is_of_another(front: &LineFront<'_>, known: &HashSet<String>, name: &mut String) -> bool {
    let (Some(workflow), Some(phase)) = (front.workflow, front.phase) else { return false };
    name.clear();
    let _ = write!(name, "{workflow}/{phase}");
    !known.contains(name) && OF_ONE_PHASE.contains(&front.kind)
}

/// Folds one event, where it matters. False where it says more than can be told of a part.
fn fold_line(kept: Kept<'_>, table: &mut Table, line: &str, seq: Seq) -> Result<bool, LedgerError> {
    let record = Recorded::from_line(line).map_err(|source| LedgerError::Line { seq, source })?;
    let is_of_one_phase = OF_ONE_PHASE.contains(&record.event.kind());
    if !is_of_one_phase && !BESIDE.contains(&record.event.kind()) {
        return Ok(false);
    }
    if let Subject::Phase(id) = &record.subject
        && !table.phases.contains_key(id)
    {
        if is_of_one_phase {
            return Ok(true);
        }
        // It lends what it has spent, and what it may.
        let mut lender = Table::default();
        match Loader::of_part().phase(kept, &mut lender, id) {
            Ok(()) => table.phases.append(&mut lender.phases),
            Err(_) => return Ok(false),
        }
    }
    table.head = seq.minus(1);
    // Whoever folds all of it tells what cannot follow.
    Ok(evolve(table, &record).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_those_of_events() {
        for kind in OF_ONE_PHASE.iter().chain(&BESIDE) {
            assert!(Event::KINDS.contains(kind), "{kind}");
        }
    }
}
