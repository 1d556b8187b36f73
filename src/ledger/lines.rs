//! Reading lines: bounded, and named by their number when they cannot be read.

use std::io::{self, BufRead, Read};

use serde::Deserialize;

use crate::model::{Digest, LineError, RecordReader, Recorded, Timestamp, line_text};

/// When a line says that something happened, and nothing else of it.
#[derive(Deserialize)]
pub(super) struct At {
    pub(super) at: Timestamp,
}

/// A line of the log that was read: what it says, and the leaf of the tree that it is.
pub(super) struct ReadLine {
    pub(super) record: Result<Recorded, LineError>,
    pub(super) leaf: Digest,
}

impl ReadLine {
    pub(super) fn new(line: &str) -> Self {
        ReadLine { record: Recorded::from_line(line), leaf: Digest::leaf(line) }
    }

    /// Reads lines that follow one another.
    pub(super) fn all<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Self> {
        let mut reader = RecordReader::of_many();
        lines.map(|line| ReadLine { record: reader.read(line), leaf: Digest::leaf(line) }).collect()
    }
}

/// Why there is no next line.
#[derive(Debug)]
pub(super) enum LineFault {
    /// The file cannot be read.
    Read(io::Error),
    /// What was found is no line: what it is instead, and the byte of it, from 1, where that is known.
    Found { column: Option<usize>, found: String },
}

/// Reads the next line into `line`, with its end; answers whether there was one. `bytes_max` bounds what is
/// held in memory.
pub(super) fn next_line(
    file: &mut impl BufRead,
    line: &mut String,
    bytes_max: u64,
) -> Result<bool, LineFault> {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    file.by_ref().take(bytes_max + 1).read_until(b'\n', &mut bytes).map_err(LineFault::Read)?;
    if bytes.len() as u64 > bytes_max {
        let found = format!("the line is longer than {bytes_max} bytes");
        return Err(LineFault::Found { column: None, found });
    }
    if let Err((column, fault)) = line_text(&bytes) {
        return Err(LineFault::Found { column: Some(column), found: fault.to_string() });
    }
    // It is UTF-8, as was seen.
    *line = String::from_utf8(bytes).unwrap_or_default();
    Ok(!line.is_empty())
}
