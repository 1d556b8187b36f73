//! The name of a segment: its first and its last place.

use std::cmp::Reverse;
use std::fmt;
use std::path::Path;

use crate::model::Seq;
use crate::store::StoreError;
use crate::store::disk::folder;

/// Which events a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::disk) struct SegmentName {
    pub(in crate::store::disk) first: Seq,
    pub(in crate::store::disk) last: Seq,
}

impl SegmentName {
    /// Reads a file's name.
    pub(in crate::store::disk) fn read(name: &str) -> Option<Self> {
        let (first, last) = name.strip_suffix(".seg")?.split_once('-')?;
        let number = |text: &str| text.parse().ok().map(Seq::new);
        let read = SegmentName { first: number(first)?, last: number(last)? };
        // One that is written otherwise is another file.
        (read.to_string() == name && Seq::ZERO < read.first && read.first <= read.last).then_some(read)
    }

    /// Returns how many events it holds.
    pub(in crate::store::disk) fn count(&self) -> u64 {
        self.last.number() - self.first.number() + 1
    }

    /// Returns the segments that a folder has names of, by their first place, longer ones first.
    pub(in crate::store::disk) fn list(folder: &Path) -> Result<Vec<Self>, StoreError> {
        let names = folder::names(folder)?;
        let mut names: Vec<_> = names.iter().filter_map(|name| SegmentName::read(name)).collect();
        names.sort_by_key(|name| (name.first, Reverse(name.last)));
        Ok(names)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:020}.seg", self.first.number(), self.last.number())
    }
}
