//! A log of format 1: two of sled's databases. It is read once, to be taken over, or to be asked until then.
//!
//! sled destroys what it cannot read, so that it never sees the log itself: it opens a copy of it, elsewhere.

pub(super) mod block;
mod database;

use std::path::Path;

pub(super) use self::database::Database;

use super::bytes::Reader;
use super::copy::Copy;
use super::damaged;
use super::state::{State, times};
use super::witness::latest;
use crate::model::{Digest, Seq};
use crate::store::{Batch, Entry, Frontier, StoreError};

/// How many events are handed on at a time, at least.
const EVENTS: usize = 4096;

/// Hands on all events of a log, in pieces that end with a command.
pub(super) fn read(dir: &Path, take: impl FnMut(&Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
    read_with(dir, EVENTS, take).map(drop)
}

/// Hands on all events of a log, in pieces of at least so many that end with a command; returns its last place and root.
pub(super) fn read_with(
    dir: &Path,
    events: usize,
    mut take: impl FnMut(&Batch) -> Result<(), StoreError>,
) -> Result<(Seq, Digest), StoreError> {
    let copy = Copy::new()?;
    let tail = Database::open(&copy.add(&dir.join("tail"))?)?;
    let sealed = Database::open(&copy.add(&dir.join("sealed"))?)?;
    let head = read_head(&tail.value(b"h")?.ok_or_else(|| damaged("the log has lost its head".to_owned()))?)?;
    check_witnesses(dir, &head.state)?;
    let (mut batch, mut next) = (Batch::default(), Seq::new(1));
    while next <= head.state.seq() {
        let database = if next <= head.sealed { &sealed } else { &tail };
        let end = if next <= head.sealed { head.sealed } else { head.state.seq() };
        let entries = database.entries(next, end)?;
        next = next.plus(entries.len() as u64);
        for entry in entries {
            let ends = batch.entries.last().is_some_and(|last: &Entry| last.command_id != entry.command_id);
            if ends && batch.entries.len() >= events {
                take(&std::mem::take(&mut batch))?;
            }
            batch.entries.push(entry);
        }
    }
    if !batch.entries.is_empty() {
        take(&batch)?;
    }
    Ok((head.state.seq(), head.state.root()))
}

/// Refuses a log that ends before what was seen, or holds something else there.
fn check_witnesses(dir: &Path, state: &State) -> Result<(), StoreError> {
    let mut seen = vec![latest(&dir.join("head"))?.0];
    // Earlier versions made one witness alone.
    if dir.join("sealed/head").exists() {
        seen.push(latest(&dir.join("sealed/head"))?.0);
    }
    for (seq, root) in seen {
        if seq > state.seq() {
            return Err(damaged(format!(
                "the log ends at event {}, but it was once durable up to event {seq}: {} events are missing",
                state.seq(),
                seq.number() - state.seq().number()
            )));
        }
        if seq == state.seq() && root != state.root() {
            return Err(damaged(format!("the root at event {seq} is {}; it was {root}", state.root())));
        }
    }
    Ok(())
}

/// The head of a log of format 1.
struct OldHead {
    state: State,
    sealed: Seq,
}

fn read_head(bytes: &[u8]) -> Result<OldHead, StoreError> {
    let mut reader = Reader::new(bytes);
    let odd = || damaged("the head is not one that this version reads".to_owned());
    match reader.u32() {
        Some(1) => parse_head(&mut reader).ok_or_else(odd),
        Some(found) if found > 1 => Err(StoreError::NewerFormat { found, known: 1 }),
        _ => Err(odd()),
    }
}

fn parse_head(reader: &mut Reader<'_>) -> Option<OldHead> {
    if reader.u8()? == 1 {
        reader.u32()?;
    }
    let last = if reader.u8()? == 1 { Some(times(reader)?) } else { None };
    let sealed = Seq::new(reader.u64()?);
    if reader.u8()? == 1 {
        times(reader)?;
    }
    reader.u64()?;
    let leaves = reader.u64()?;
    let peaks = (0..reader.u32()?).map(|_| reader.array()).collect::<Option<Vec<[u8; 32]>>>()?;
    let frontier = Frontier::from_parts(leaves, peaks)?;
    Some(OldHead { state: State { frontier, times: last }, sealed })
}

/// Returns where the log stood that a database is the tail of, where that can be told.
pub(super) fn stood(tail: &Database) -> Option<State> {
    let head = tail.value(b"h").ok()??;
    Some(read_head(&head).ok()?.state)
}
