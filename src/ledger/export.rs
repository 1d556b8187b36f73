//! The form of a file of lines: those of the log, and a last line that says what is before it.
//!
//! What `export` writes ends with an [`ExportEnd`]. What `salvage` writes of a log that is not whole ends with a
//! [`SalvagedEnd`], which names the events that are missing.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::lines::{LineFault, next_line};
use super::{LedgerError, VerifyError};
use crate::model::{Digest, Seq, Span};

/// The form of an export.
pub const EXPORT_SCHEMA: &str = "export/1";

/// The form of what was salvaged of a log that is not whole.
pub const SALVAGED_SCHEMA: &str = "salvaged/1";

/// The longest line, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// The last line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportEnd {
    /// [`EXPORT_SCHEMA`].
    pub schema: String,
    /// How many events are before it.
    pub events: u64,
    /// The root over their lines.
    pub root: Digest,
}

/// The last line of what was salvaged of a log that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalvagedEnd {
    /// [`SALVAGED_SCHEMA`].
    pub schema: String,
    /// How many events are before it.
    pub events: u64,
    /// Which events are missing, in order.
    pub missing: Vec<Stretch>,
    /// Places at which the lines up to there add up to another root than they once did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<Seq>,
    /// The root over the lines that are there, as if nothing were missing between them.
    pub root: Digest,
}

/// Events that follow one another, by their first and their last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
}

impl Stretch {
    /// Returns how many events these are.
    pub fn events(self) -> u64 {
        (self.last.number() + 1).saturating_sub(self.first.number())
    }
}

impl From<Span> for Stretch {
    fn from(span: Span) -> Self {
        Stretch { first: span.after.plus(1), last: span.through }
    }
}

impl std::fmt::Display for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.first == self.last {
            true => write!(f, "e{}", self.first),
            false => write!(f, "e{} to e{}", self.first, self.last),
        }
    }
}

/// What the last line of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing is missing.
    Whole(ExportEnd),
    /// Something is.
    Holes(SalvagedEnd),
}

/// Why an export was not taken in. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file cannot be read.
    #[error("the export cannot be read")]
    Read(#[from] std::io::Error),
    /// A line is wrong.
    #[error("line {line}: {source}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        source: VerifyError,
    },
    /// A line is no text, or no event is as long.
    #[error("line {line}: {found}")]
    Text {
        /// Its number, from 1.
        line: u64,
        /// What was found.
        found: String,
    },
    /// The file ends before its last line, or has something after it.
    #[error("line {line}: {found}")]
    End {
        /// The number of the line, from 1.
        line: u64,
        /// What was found, and what was expected.
        found: String,
    },
    /// Events are missing in the file, or are not those that were there.
    #[error("{}", holes(end))]
    Hole {
        /// What its last line says.
        end: SalvagedEnd,
    },
    /// The ledger has other events than the file.
    #[error(
        "the ledger's events are not those of the file: up to event {events} their root is {found}, expected {expected}"
    )]
    Different {
        /// How many events the ledger has.
        events: Seq,
        /// Their root.
        found: Digest,
        /// The root of as many events of the file, or of all when it has fewer.
        expected: Digest,
    },
    /// The ledger refuses it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Says which events are missing, a few of them by their places.
fn holes(end: &SalvagedEnd) -> String {
    let places =
        |places: &[Stretch]| places.iter().take(8).map(Stretch::to_string).collect::<Vec<_>>().join(", ");
    let (count, more) =
        (end.missing.iter().map(|places| places.events()).sum::<u64>(), end.missing.len() > 8);
    match (count, end.differing.first()) {
        (0, Some(seq)) => {
            format!("the file was salvaged: its lines up to e{seq} are not those that the log once had")
        }
        (count, _) => format!(
            "the file was salvaged, and {count} {} missing: {}{}",
            if count == 1 { "event is" } else { "events are" },
            places(&end.missing),
            if more { " …" } else { "" }
        ),
    }
}

/// Calls `event` with each line but the last, and returns what the last one says.
pub(super) fn each_line(
    file: &mut impl BufRead,
    mut event: impl FnMut(&str) -> Result<(), VerifyError>,
) -> Result<End, RestoreError> {
    let mut lines = FileLines::new(file);
    while let Some((line, text)) = lines.next_line()? {
        event(&text).map_err(|source| RestoreError::Line { line, source })?;
    }
    lines.end()
}

/// How many lines, and how many bytes of them, are read at a time: several pieces are held.
const PIECE_LINES: usize = 1024;
const PIECE_BYTES: usize = 1 << 20;

/// The lines of a file but the last, each with its number, from 1.
pub(super) struct FileLines<'a, F> {
    file: &'a mut F,
    /// How many lines were read.
    read: u64,
    /// What the last line says, once it was read.
    end: Option<End>,
    /// What is wrong with the line behind those that were handed out.
    fault: Option<RestoreError>,
}

impl<'a, F: BufRead> FileLines<'a, F> {
    pub(super) fn new(file: &'a mut F) -> Self {
        FileLines { file, read: 0, end: None, fault: None }
    }

    /// Reads the next lines; none at the end. What is in front of a line that cannot be read is handed out first.
    pub(super) fn next_piece(&mut self) -> Result<Vec<(u64, String)>, RestoreError> {
        let (mut piece, mut bytes) = (Vec::new(), 0);
        while piece.len() < PIECE_LINES && bytes < PIECE_BYTES && self.fault.is_none() {
            match self.next_line() {
                Ok(None) => break,
                Ok(Some((line, text))) => {
                    bytes += text.len();
                    piece.push((line, text));
                }
                Err(error) => self.fault = Some(error),
            }
        }
        match self.fault.take_if(|_| piece.is_empty()) {
            Some(error) => Err(error),
            None => Ok(piece),
        }
    }

    fn next_line(&mut self) -> Result<Option<(u64, String)>, RestoreError> {
        // As large as most lines are: a text that grows is copied each time.
        let (line, mut text) = (self.read + 1, String::with_capacity(1 << 10));
        let more = next_line(self.file, &mut text, LINE_BYTES_MAX).map_err(|fault| match fault {
            LineFault::Read(error) => RestoreError::Read(error),
            LineFault::Found { column, found } => {
                let found = column.map_or(found.clone(), |column| format!("byte {column}: {found}"));
                RestoreError::Text { line, found }
            }
        })?;
        if !more {
            return Ok(None);
        }
        self.read = line;
        if self.end.is_some() {
            let found = "something after the line that ends an export".to_owned();
            return Err(RestoreError::End { line, found });
        }
        if text.ends_with('\n') {
            text.pop();
        }
        self.end = read_end(&text);
        // Behind the last line there is to be nothing.
        if self.end.is_some() { self.next_line() } else { Ok(Some((line, text))) }
    }

    /// Returns what the last line says, once all were read.
    pub(super) fn end(self) -> Result<End, RestoreError> {
        let line = self.read + 1;
        self.end.ok_or_else(|| {
            let found =
                format!("the file ends without its last line, `{{\"schema\":\"{EXPORT_SCHEMA}\",…}}`");
            RestoreError::End { line, found }
        })
    }
}

/// Reads the line that ends a file; none when it is another, or not written as it would be: no root covers it, so not a
/// byte of it may differ.
fn read_end(line: &str) -> Option<End> {
    let export = |end: &ExportEnd| end.schema == EXPORT_SCHEMA;
    let salvaged = |end: &SalvagedEnd| end.schema == SALVAGED_SCHEMA;
    let end = || Some(End::Whole(read_as(line).filter(export)?));
    end().or_else(|| Some(End::Holes(read_as(line).filter(salvaged)?)))
}

fn read_as<'a, T: Serialize + Deserialize<'a>>(line: &'a str) -> Option<T> {
    let end: T = line.starts_with("{\"schema\"").then(|| serde_json::from_str(line).ok()).flatten()?;
    let written = serde_json::to_string(&end).expect("an end has string keys and no floats");
    (written == line).then_some(end)
}
