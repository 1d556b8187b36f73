//! Snapshots of the table: a cache, kept more sparsely the older they are.

use std::ops::Bound::{Excluded, Included};

use super::block;
use super::bytes::{Reader, Writer};
use super::database::{Changes, Database};
use crate::model::{Algorithm, Digest, Seq};
use crate::store::{Snapshot, StoreError};

const SNAPSHOT: u8 = b's';
/// How many snapshots are kept of those whose distances from the latest have the same power of two.
const KEPT_A_POWER: usize = 2;

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
    let mut seqs: Vec<Seq> = keys(database)?.iter().filter_map(|key| seq(key)).collect();
    seqs.push(snapshot.seq);
    seqs.sort_unstable();
    seqs.dedup();
    let mut kept = [0; 65];
    let latest = seqs.last().map_or(0, |seq| seq.number());
    for seq in seqs.iter().rev() {
        let power = u64::BITS - (latest - seq.number()).leading_zeros();
        kept[power as usize] += 1;
        if kept[power as usize] > KEPT_A_POWER && *seq != snapshot.seq {
            changes.forget(key(*seq));
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
