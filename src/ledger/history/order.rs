//! The lines of a history in the order of their times, whatever order the file has them in.

use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use super::HistoryError;
use super::line::{Against, HistoryLine, parse_line, time_of};
use crate::ledger::lines::{LineFault, next_line};
use crate::model::{Algorithm, Digest, TimeContext, Timestamp, without_mark};

/// The longest line of a history, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// A line, by its number in the file.
#[derive(Debug, Clone)]
pub(super) struct FileLine {
    pub(super) number: u64,
    /// How many bytes of its line are before it.
    indent: usize,
    pub(super) text: String,
}

impl FileLine {
    /// Reads what it says.
    pub(super) fn parse(&self, against: Against<'_>) -> Result<HistoryLine, HistoryError> {
        parse_line(&self.text, against).map_err(|refused| HistoryError::Line {
            line: self.number,
            column: refused.column.map(|column| column + self.indent),
            found: refused.found,
        })
    }

    fn at(&self, times: &TimeContext) -> Option<Timestamp> {
        time_of(&self.text, times)
    }
}

/// What is known of a file once it was read.
#[derive(Debug)]
pub(super) struct Ordered {
    /// The digest of its bytes.
    pub(super) digest: Digest,
    /// The number of its last line.
    pub(super) last: u64,
    /// Its lines, sorted; none where the file has them in order, so that they need not be held.
    sorted: Option<Vec<FileLine>>,
}

impl Ordered {
    /// Reads a file to learn the order of its lines: by their times, and at the same time as the file has them.
    /// Whatever is no line of a history is refused here, the first one of the file first.
    pub(super) fn read<R: BufRead>(
        open: impl Fn() -> std::io::Result<R>,
        against: Against<'_>,
    ) -> Result<Self, HistoryError> {
        let (mut lines, mut digest) = (FileLines::new(open()?), Sha256::new());
        let (mut latest, mut is_ordered) = (None, true);
        while let Some(line) = lines.next(|text| digest.update(text))? {
            let at = line.parse(against)?.at;
            is_ordered &= Some(at) >= latest;
            latest = latest.max(Some(at));
        }
        let (digest, last) = (Digest::new(Algorithm::Sha256, digest.finalize().into()), lines.number);
        let sorted = if is_ordered { None } else { Some(sorted(open()?, against.times)?) };
        Ok(Ordered { digest, last, sorted })
    }

    /// Returns the lines in order; a file that has them so is read again.
    pub(super) fn lines<R: BufRead>(
        &self,
        open: impl FnOnce() -> std::io::Result<R>,
    ) -> Result<InOrder<'_, R>, HistoryError> {
        Ok(match &self.sorted {
            Some(sorted) => InOrder::Sorted(sorted.iter()),
            None => InOrder::File(FileLines::new(open()?)),
        })
    }
}

fn sorted(file: impl BufRead, times: &TimeContext) -> Result<Vec<FileLine>, HistoryError> {
    let (mut lines, mut sorted) = (FileLines::new(file), Vec::new());
    while let Some(line) = lines.next(|_| {})? {
        sorted.push(line);
    }
    sorted.sort_by_cached_key(|line| line.at(times));
    Ok(sorted)
}

/// Lines in the order of time.
pub(super) enum InOrder<'a, R> {
    File(FileLines<R>),
    Sorted(std::slice::Iter<'a, FileLine>),
}

impl<R: BufRead> InOrder<'_, R> {
    pub(super) fn next(&mut self) -> Result<Option<FileLine>, HistoryError> {
        match self {
            InOrder::File(lines) => lines.next(|_| {}),
            InOrder::Sorted(lines) => Ok(lines.next().cloned()),
        }
    }
}

/// The lines of a file that say something, as it has them.
pub(super) struct FileLines<R> {
    file: R,
    number: u64,
}

impl<R: BufRead> FileLines<R> {
    fn new(file: R) -> Self {
        FileLines { file, number: 0 }
    }

    fn next(&mut self, mut see: impl FnMut(&str)) -> Result<Option<FileLine>, HistoryError> {
        let mut text = String::new();
        loop {
            let number = self.number + 1;
            let more = next_line(&mut self.file, &mut text, LINE_BYTES_MAX).map_err(|fault| match fault {
                LineFault::Read(error) => HistoryError::Read(error),
                LineFault::Found { column, found } => HistoryError::Line { line: number, column, found },
            })?;
            if !more {
                return Ok(None);
            }
            self.number = number;
            see(&text);
            // Its digest is that of all of its bytes, its lines are the same with a byte order mark as without.
            let line = if number == 1 { without_mark(&text) } else { &text };
            if !line.trim().is_empty() {
                let indent = text.len() - line.trim_start().len();
                return Ok(Some(FileLine { number, indent, text: line.trim().to_owned() }));
            }
        }
    }
}
