//! Lines that a store hands out many at a time, packed as it keeps them: whoever has the time unpacks them, on whatever thread.

use std::fmt;
use std::ops::Range;

use super::StoreError;

/// How many bundles are worked on together: as many lines as a thread is worth, and no more where lines are long.
pub(crate) const BUNDLES_TOGETHER: usize = 4;

/// Lines that follow one another, still packed.
pub struct Bundle {
    count: usize,
    unpack: Box<dyn FnOnce() -> Result<Unpacked, StoreError> + Send>,
}

impl Bundle {
    /// Takes how many lines there are, and what unpacks them.
    pub(super) fn new(
        count: usize,
        unpack: impl FnOnce() -> Result<Unpacked, StoreError> + Send + 'static,
    ) -> Self {
        Bundle { count, unpack: Box::new(unpack) }
    }

    /// Returns how many lines there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Unpacks the lines.
    ///
    /// # Errors
    ///
    /// [`StoreError`] for what cannot be read, or is not as it was written.
    pub fn unpack(self) -> Result<Unpacked, StoreError> {
        (self.unpack)()
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Lines that follow one another, in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Unpacked {
    /// Takes a text, and where each line of it ends; none where that cannot be.
    pub(super) fn new(text: String, ends: Vec<usize>) -> Option<Self> {
        let are_in_order = ends.is_sorted() && ends.iter().all(|end| text.is_char_boundary(*end));
        (are_in_order && ends.last().copied().unwrap_or(0) == text.len()).then_some(Unpacked { text, ends })
    }

    /// Keeps the lines from one on, up to another one, and no others.
    pub(super) fn part(mut self, kept: Range<usize>) -> Self {
        let kept = kept.start.min(self.ends.len())..kept.end.min(self.ends.len());
        let (before, end) = (self.start(kept.start), self.start(kept.end));
        self.text.truncate(end);
        self.text.drain(..before);
        self.ends.truncate(kept.end);
        self.ends.drain(..kept.start);
        self.ends.iter_mut().for_each(|end| *end -= before);
        self
    }

    /// Returns the lines in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        (0..self.ends.len()).map(|at| &self.text[self.start(at)..self.ends[at]])
    }

    /// Returns a line by how many are before it.
    pub fn line(&self, at: usize) -> Option<&str> {
        Some(&self.text[self.start(at)..*self.ends.get(at)?])
    }

    /// Returns how many lines there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}

impl From<Vec<String>> for Unpacked {
    fn from(lines: Vec<String>) -> Self {
        let ends = lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        Unpacked { ends: ends.collect(), text: lines.concat() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_were_packed() {
        let lines = ["a", "", "é", "bcd"].map(str::to_owned).to_vec();
        let unpacked = Unpacked::from(lines.clone());
        assert!(unpacked.iter().eq(lines.iter().map(String::as_str)));
        assert_eq!((unpacked.line(2), unpacked.line(4), unpacked.count()), (Some("é"), None, 4));
        assert_eq!(Unpacked::from(Vec::new()), Unpacked::default());
        let text = || "aébcd".to_owned();
        assert_eq!(Unpacked::new(text(), vec![1, 1, 3, 6]).as_ref(), Some(&unpacked));
        for (kept, expected) in [(0..4, &lines[..]), (1..3, &lines[1..3]), (3..9, &lines[3..]), (2..2, &[])] {
            assert_eq!(unpacked.clone().part(kept), Unpacked::from(expected.to_vec()));
        }
        for ends in [vec![1, 2, 6], vec![1, 3], vec![3, 1, 6], vec![1, 7], vec![]] {
            assert_eq!(Unpacked::new(text(), ends.clone()), None, "{ends:?}");
        }
    }
}
