//! Whether `tail/` and `sealed/` are of one log and of one time: a copy of one beside the other as it is today would
//! otherwise pass for a log that is shorter, and the next sealing would delete what it does not know.

use std::ops::Bound::{Excluded, Included};

use super::damaged;
use super::database::Database;
use super::state::State;
use super::{blocks, filter, rows, snapshots};
use crate::model::Seq;
use crate::store::StoreError;

/// The most commands of one batch: those that a stream makes durable together.
const BATCH_COMMANDS_MAX: usize = 1024;

/// Refuses a tail that does not hold all that its head refers to, as far as that can be told: whether a row is an older
/// one cannot.
pub(super) fn check_tail(tail: &Database, state: &State) -> Result<(), StoreError> {
    blocks::check(tail, state.sealed, state.seq())?;
    for kind in [filter::COMMAND, filter::FILTER] {
        tail.check((Included(&[kind]), Excluded(&[kind + 1])))?;
    }
    // Rows that do not count may be half written.
    match state.fold_version {
        Some(_) => tail.check((Included(&[rows::ROW]), Excluded(&[rows::ROW + 1]))),
        None => Ok(()),
    }
}

/// Refuses sealed events that are not those that the tail follows on, and snapshots of places that it has not
/// reached.
pub(super) fn check(sealed: &Database, state: &State) -> Result<(), StoreError> {
    let mark = state.sealed;
    if mark > Seq::ZERO {
        let block = blocks::holding(sealed, mark)?;
        if block.end() != mark || Some(block.last) != state.sealed_times {
            return Err(damaged(format!("event {mark} in `sealed` is not the one that `tail` follows on")));
        }
    }
    if sealed.is_doubtful {
        blocks::check(sealed, Seq::ZERO, mark)?;
    }
    match snapshots::last_place(sealed)? {
        Some(place) if place > state.seq() => Err(beyond(state, "a snapshot", place)),
        _ => Ok(()),
    }
}

/// Refuses more sealed events beyond the mark than a sealing that a crash cut short can leave: the first of those that
/// the tail has open, and then those of one batch that was never acknowledged. For logs whose witness beside the
/// sealed events is missing: where it is there, it tells an older tail more surely.
pub(super) fn check_left_over(sealed: &Database, tail: &Database, state: &State) -> Result<(), StoreError> {
    let (mark, end) = (state.sealed, blocks::end(sealed)?);
    let open = blocks::entries(tail, mark, state.seq())?;
    let left = blocks::entries(sealed, mark, end.min(state.seq()))?;
    let common = open.iter().zip(&left).take_while(|(open, left)| open == left).count();
    let after = mark.plus(common as u64);
    match blocks::count_commands(sealed, after, end)? <= BATCH_COMMANDS_MAX {
        true => Ok(()),
        false => Err(beyond(state, "events", end)),
    }
}

fn beyond(state: &State, what: &str, place: Seq) -> StoreError {
    damaged(format!("the log ends at event {}, but `sealed` has {what} up to {place}", state.seq()))
}
