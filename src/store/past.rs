//! The rows of a table in the past, read one by one.

use super::{Snapshot, StoreError};
use crate::model::Seq;

/// The rows of the table at some place in the past. A cache, as a [`Snapshot`] is: it is checked by whoever asks.
pub trait PastRows {
    /// Returns the place.
    fn seq(&self) -> Seq;

    /// Returns the version of the fold that made them.
    fn fold_version(&self) -> u32;

    /// Returns a row.
    ///
    /// # Errors
    ///
    /// As every call here: [`StoreError`], where what is kept is not what was written.
    fn row(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns the rows whose key has a prefix, in the order of their keys.
    fn rows(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

impl PastRows for Snapshot {
    fn seq(&self) -> Seq {
        self.seq
    }

    fn fold_version(&self) -> u32 {
        self.fold_version
    }

    fn row(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.rows.binary_search_by(|(of, _)| of.as_str().cmp(key));
        Ok(found.ok().map(|at| self.rows[at].1.clone()))
    }

    fn rows(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        Ok(self.rows.iter().filter(|(key, _)| key.starts_with(prefix)).cloned().collect())
    }
}
