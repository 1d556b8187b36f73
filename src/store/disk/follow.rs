//! sled follows the journal: it gets its events a little later, many at once, for to open it takes as long as all else of a
//! command. Once they are in a segment it is made anew, for those behind them.
//!
//! What it has is a copy of what the journal has, for `salvage`: nothing else reads it, and nothing depends on it.

use std::time::Instant;

use super::tail::Tail;
use super::{DiskStore, mark, threads};
use crate::store::StoreError;

/// Brings sled up to the journal, where it has fallen behind. Where that fails, it is tried again as many events later.
pub(super) fn follow(store: &mut DiskStore) {
    if store.doubt.is_some() || store.journal_is_old || behind(store) < store.options.behind_max {
        return;
    }
    if !matches!(bring_up(store), Ok(true)) {
        store.tail = None;
        mark::pass(&store.dir, &store.view.state);
    }
    store.followed = store.view.state.seq();
}

/// Makes sled's folder anew, with all that the journal has.
pub(super) fn begin_anew(store: &mut DiskStore) -> Result<(), StoreError> {
    // It goes before another one is made in its place.
    store.tail = None;
    store.tail = Tail::make(&store.dir, &store.front, Instant::now() + threads::PATIENCE)?;
    bring_up(store)?;
    store.followed = store.view.state.seq();
    Ok(())
}

/// Returns how many events the journal has that sled has not.
fn behind(store: &DiskStore) -> u64 {
    let archived = store.view.archived();
    store.view.state.seq().number().saturating_sub(store.followed.max(archived).number())
}

/// Says whether sled was there to be brought up.
fn bring_up(store: &mut DiskStore) -> Result<bool, StoreError> {
    let (front, entries, state) = (&store.front, &store.view.entries, &store.view.state);
    // What was archived since is in it still.
    store.tail.take_if(|tail| tail.seq() < front.seq());
    if store.tail.is_none() {
        let deadline = Instant::now() + threads::PATIENCE;
        store.tail = Tail::open(&store.dir, front, entries, deadline)?;
    }
    let Some(tail) = &mut store.tail else { return Ok(false) };
    tail.add(front, entries, state)?;
    Ok(true)
}
