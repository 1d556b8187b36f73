//! One of the databases of a log of format 1: values in parts, each with a checksum.

use std::ops::Bound::Included;
use std::path::{Path, PathBuf};

use super::block;
use crate::model::Seq;
use crate::store::disk::boundary::{Handle, guarded};
use crate::store::disk::damaged;
use crate::store::disk::threads;
use crate::store::{Entry, StoreError};

/// The most bytes in one of sled's values.
const PART_BYTES: usize = 6 << 10;
/// The checksum and the length in front of the first bytes.
const HEADER_BYTES: usize = 8;
/// Where the further parts of values are; no key begins with it.
const FURTHER: u8 = 0xFF;

/// An open database.
pub(in crate::store::disk) struct Database {
    handle: Handle,
    path: PathBuf,
}

impl Database {
    /// Opens a copy of a database.
    pub(in crate::store::disk) fn open(path: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new().path(path).flush_every_ms(None);
        Ok(Database { handle: threads::open_or_fail(path, config)?, path: path.to_owned() })
    }

    /// Returns a value.
    pub(in crate::store::disk) fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let first = self.call(|db| db.get(key))?;
        first.map(|first| self.whole(key, &first)).transpose()
    }

    /// Returns the events from a place on, up to the end of the block that it is in, at most up to `end`.
    pub(in crate::store::disk) fn entries(&self, first: Seq, end: Seq) -> Result<Vec<Entry>, StoreError> {
        let missing = || damaged(format!("the block of event {first} is missing"));
        let key = [&b"b"[..], &first.number().to_be_bytes()].concat();
        let span = (Included(&b"b"[..]), Included(key.as_slice()));
        let found = self.call(|db| db.range::<&[u8], _>(span).next_back().transpose())?;
        let (key, front) = found.ok_or_else(missing)?;
        let start = Seq::new(u64::from_be_bytes(key[1..].try_into().map_err(|_| missing())?));
        let entries = block::entries(&self.whole(&key, &front)?);
        let entries =
            entries.ok_or_else(|| damaged(format!("the block of events from {start} on is odd")))?;
        let skip = usize::try_from(first.number() - start.number()).unwrap_or(usize::MAX);
        let most = usize::try_from(end.number() - first.number() + 1).unwrap_or(usize::MAX);
        let entries: Vec<Entry> = entries.into_iter().skip(skip).take(most).collect();
        if entries.is_empty() { Err(missing()) } else { Ok(entries) }
    }

    /// Returns the places at which blocks begin, as far as they can be read.
    pub(in crate::store::disk) fn places(&self) -> Vec<Seq> {
        let mut places = Vec::new();
        // What fails ends it: what was found until then counts.
        let _ = self.call(|db| {
            for key in db.scan_prefix(b"b").keys() {
                places.extend(key?[1..].try_into().ok().map(|key| Seq::new(u64::from_be_bytes(key))));
            }
            Ok(())
        });
        places
    }

    /// Puts a value together again and checks it.
    fn whole(&self, key: &[u8], first: &[u8]) -> Result<Vec<u8>, StoreError> {
        let bad = || {
            let key = key.escape_ascii();
            damaged(format!("the value `{key}` in `{}` does not match its checksum", self.path.display()))
        };
        let (front, bytes) = first.split_at_checked(HEADER_BYTES).ok_or_else(bad)?;
        let (sum, length) = front.split_at(4);
        let length = u32::from_le_bytes(length.try_into().map_err(|_| bad())?) as usize;
        let mut value = bytes.to_vec();
        for part in 1..length.div_ceil(PART_BYTES).max(1) {
            let part = u32::try_from(part).map_err(|_| bad())?;
            let further = [&[FURTHER], key, &part.to_be_bytes()].concat();
            value.extend_from_slice(&self.call(|db| db.get(further))?.ok_or_else(bad)?);
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(key);
        hasher.update(&value);
        match value.len() == length && *sum == hasher.finalize().to_le_bytes() {
            true => Ok(value),
            false => Err(bad()),
        }
    }

    fn call<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StoreError> {
        let db = self.handle.db().expect("it is open as long as the value");
        guarded(&self.path, "read", || call(db))
    }
}
