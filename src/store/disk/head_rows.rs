//! The rows of the head: the last snapshot, and what changed since.

use std::path::Path;

use super::since::{self, Changed, Last, merged};
use super::snapshot::{SnapshotFile, SnapshotWriter};
use super::state::State;
use crate::model::Seq;
use crate::store::{Head, PastRows, RowChanges, StoreError};

/// The rows of a log that stands at a place.
#[derive(Debug)]
pub(super) struct HeadRows {
    snapshot: Option<SnapshotFile>,
    changed: Changed,
    place: Seq,
    /// The version of the fold that made them.
    pub(super) fold_version: u32,
}

/// Says of which version of the fold the rows are that are there for a log at a place, as far as can be told without reading
/// them; none where there are none.
pub(super) fn fold_version(dir: &Path, place: Seq) -> Option<u32> {
    let Last { place: reached, fold_version, .. } = since::last(dir)?;
    match fold_version {
        Some(version) => (reached >= place).then_some(version),
        None if reached == place && place > Seq::ZERO => {
            SnapshotFile::open(dir, place).ok().map(|snapshot| snapshot.fold_version)
        }
        None => None,
    }
}

impl HeadRows {
    /// Opens the rows of a log that stands so; none where they are not to be had.
    pub(super) fn of(dir: &Path, state: &State) -> Option<Self> {
        let since = since::read(dir, state)?;
        let snapshot = match since.snapshot {
            // Before the first event there is nothing.
            None | Some((Seq::ZERO, _)) => None,
            Some((place, root)) => {
                let snapshot = SnapshotFile::open(dir, place).ok()?;
                Some(snapshot).filter(|snapshot| snapshot.state.root() == root)
            }
        };
        let of_snapshot = snapshot.as_ref().map(|snapshot| snapshot.fold_version);
        let fold_version = since.fold_version.or(of_snapshot)?;
        let is_whole = snapshot.is_some() || !matches!(since.snapshot, Some((place, _)) if place > Seq::ZERO);
        let is_of_one = of_snapshot.is_none_or(|version| version == fold_version);
        let place = state.seq();
        (is_whole && is_of_one).then_some(HeadRows { snapshot, changed: since.changed, place, fold_version })
    }

    /// Begins with none: those of a log without an event, or of one whose rows are all told next.
    pub(super) fn none() -> Self {
        HeadRows { snapshot: None, changed: Changed::new(), place: Seq::ZERO, fold_version: 0 }
    }

    /// Goes on by what an append changed that led to a place.
    pub(super) fn change(&mut self, rows: &RowChanges, place: Seq) {
        if rows.replace {
            *self = HeadRows::none();
        }
        self.changed.extend(rows.rows.iter().cloned());
        (self.place, self.fold_version) = (place, rows.fold_version);
    }

    /// Says whether they are those of a head: of another one there are none.
    pub(super) fn check_of(&self, of: &Head) -> Result<&Self, StoreError> {
        let are_of = of.seq == self.place && of.fold_version == Some(self.fold_version);
        if are_of { Ok(self) } else { Err(StoreError::Moved) }
    }

    /// Says whether there are none at all.
    pub(super) fn are_none(&self) -> Result<bool, StoreError> {
        Ok(self.rows_after("", None)?.is_empty())
    }

    /// Writes all of them into a snapshot.
    pub(super) fn write(&self, to: &mut SnapshotWriter) -> Result<(), StoreError> {
        match &self.snapshot {
            Some(snapshot) => {
                let pieces = snapshot.pieces(&self.changed).map(|piece| piece.map_err(moved));
                to.put(snapshot.rows, pieces)
            }
            None => {
                let rows = self.changed.iter();
                to.put_rows(rows.filter_map(|(key, value)| Some((key.clone(), value.clone()?))))
            }
        }
    }

    /// Returns a row.
    pub(super) fn row(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match (self.changed.get(key), &self.snapshot) {
            (Some(changed), _) => Ok(changed.clone()),
            (None, Some(snapshot)) => snapshot.row(key).map_err(moved),
            (None, None) => Ok(None),
        }
    }

    /// Returns the rows whose key has a prefix, in order.
    pub(super) fn rows(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let kept = self.snapshot.as_ref().map(|snapshot| snapshot.rows(prefix)).transpose().map_err(moved)?;
        let changed = self.changed.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(merged(kept.unwrap_or_default(), changed))
    }

    /// Returns rows whose key has a prefix and comes after one, in order: at least one where there is any.
    pub(super) fn rows_after(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut after = after.map(str::to_owned);
        loop {
            let snapshot = self.snapshot.as_ref();
            let kept = snapshot.map(|snapshot| snapshot.rows_after(prefix, after.as_deref())).transpose();
            let kept = kept.map_err(moved)?.unwrap_or_default();
            let end = kept.last().map(|(key, _)| key.clone());
            let is_meant =
                |key: &String| key.starts_with(prefix) && end.as_ref().is_none_or(|end| key <= end);
            let from = prefix.max(after.as_deref().unwrap_or_default()).to_owned();
            let changed =
                self.changed.range(from..).filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
            let rows = merged(kept, changed.take_while(|(key, _)| is_meant(key)));
            match end {
                // What was there is gone.
                Some(end) if rows.is_empty() => after = Some(end),
                _ => return Ok(rows),
            }
        }
    }
}

/// A snapshot is a cache: one that cannot be read is as good as none, and the log tells the same.
fn moved(error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { .. } | StoreError::Io { .. } => StoreError::Moved,
        other => other,
    }
}
