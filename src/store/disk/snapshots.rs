//! Snapshots of the table: a cache, kept more sparsely the older they are.

use std::ops::Bound::{Excluded, Included};

use super::block;
use super::bytes::{Reader, Writer};
use super::database::{Changes, Database};
use crate::model::{Algorithm, Digest, Seq};
use crate::store::{Snapshot, StoreError};

const SNAPSHOT: u8 = b's';

/// Returns the place of the last snapshot, readable or not.
pub(super) fn last_place(database: &Database) -> Result<Option<Seq>, StoreError> {
    let last = database.last_key((Included(&[SNAPSHOT]), Excluded(&[SNAPSHOT + 1])))?;
    Ok(last.and_then(|key| seq(&key)))
}

/// Returns the last readable snapshot at or before a place.
pub(super) fn last(database: &Database, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
    let mut before = Included(key(at_most));
    loop {
        let span = (Included(&[SNAPSHOT][..]), before.as_ref().map(Vec::as_slice));
        let Some(key) = database.last_key(span)? else { return Ok(None) };
        // One that a crash left incomplete is as good as none.
        let value = database.value(&key).ok().flatten();
        if let Some(snapshot) = value.and_then(|value| decode(&key, &value)) {
            return Ok(Some(snapshot));
        }
        before = Excluded(key);
    }
}

/// Writes a snapshot, and forgets some of the older ones.
pub(super) fn put(changes: &mut Changes, database: &Database, snapshot: &Snapshot) -> Result<(), StoreError> {
    let mut places: Vec<u64> = keys(database)?.iter().filter_map(|key| seq(key)).map(Seq::number).collect();
    places.push(snapshot.seq.number());
    places.sort_unstable();
    places.dedup();
    for place in superfluous(&places) {
        if place != snapshot.seq.number() {
            changes.forget(key(Seq::new(place)));
        }
    }
    let mut writer = Writer::default();
    writer.bytes(snapshot.root.bytes());
    writer.bytes(&snapshot.fold_version.to_le_bytes());
    writer.u64(snapshot.table.len() as u64);
    writer.bytes(&block::compress(&snapshot.table)?);
    changes.put(key(snapshot.seq), writer.finish());
    Ok(())
}

/// Forgets all snapshots.
pub(super) fn forget(changes: &mut Changes, database: &Database) -> Result<(), StoreError> {
    keys(database)?.into_iter().for_each(|key| changes.forget(key));
    Ok(())
}

/// Returns the places, of rising ones, that can be missed: those without which the gap is still at most half
/// as wide as it lies back. So some 25 remain of a million.
fn superfluous(places: &[u64]) -> Vec<u64> {
    let latest = places.last().copied().unwrap_or(0);
    let (mut superfluous, mut newer) = (Vec::new(), latest);
    for at in (1..places.len().saturating_sub(1)).rev() {
        match newer - places[at - 1] <= (latest - newer) / 2 {
            true => superfluous.push(places[at]),
            false => newer = places[at],
        }
    }
    superfluous
}

fn keys(database: &Database) -> Result<Vec<Vec<u8>>, StoreError> {
    database.keys((Included(&[SNAPSHOT]), Excluded(&[SNAPSHOT + 1])))
}

fn decode(key: &[u8], value: &[u8]) -> Option<Snapshot> {
    let mut reader = Reader::new(value);
    let root = Digest::new(Algorithm::Sha256, reader.array()?);
    let fold_version = reader.u32()?;
    let length = usize::try_from(reader.u64()?).ok()?;
    let table = zstd::bulk::decompress(reader.rest(), length).ok()?;
    Some(Snapshot { seq: seq(key)?, root, fold_version, table })
}

fn seq(key: &[u8]) -> Option<Seq> {
    Some(Seq::new(u64::from_be_bytes(key.get(1..)?.try_into().ok()?)))
}

fn key(seq: Seq) -> Vec<u8> {
    [&[SNAPSHOT][..], &seq.number().to_be_bytes()].concat()
}
