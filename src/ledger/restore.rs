//! Taking in the ledger's own export: byte for byte, or not at all.
//!
//! An export is the log's lines and, as its last line, an [`ExportEnd`] that says how many there are and
//! what root they have.

use std::io::{BufRead, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

use super::lines::{LineFault, next_line};
use super::verify::Audit;
use super::{Ledger, LedgerError, TRIES_MAX, VerifyError, replay, rows};
use crate::model::{Digest, Recorded, Seq};
use crate::store::{Appended, Batch, Entry, Head, StoreError, Times};

/// The form of an export.
pub const EXPORT_SCHEMA: &str = "export/1";

/// The longest line, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// How many events are written in one batch; a command is never cut.
const EVENTS_PER_BATCH: usize = 4096;

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

/// What came of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// How many events the file has.
    pub events: u64,
    /// How many of them the ledger had already.
    pub known: u64,
    /// The root over all of them.
    pub root: Digest,
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

/// Restores an export into a ledger that is empty, or has the first events of the file already. The file is
/// read twice: once to check all of it, once to write what is new.
///
/// # Errors
///
/// [`RestoreError`]; nothing is written unless the whole file is right.
pub fn restore(
    ledger: &mut Ledger,
    mut file: impl BufRead + Seek,
    mut progress: impl FnMut(u64),
) -> Result<Restored, RestoreError> {
    let known = ledger.head()?.seq.number();
    for _ in 0..TRIES_MAX {
        match try_restore(ledger, &mut file, &mut progress) {
            Err(RestoreError::Ledger(LedgerError::Store(StoreError::Moved))) => {
                file.seek(SeekFrom::Start(0))?
            }
            restored => return restored.map(|(events, root)| Restored { events, known, root }),
        };
    }
    Err(LedgerError::Busy { tries: TRIES_MAX }.into())
}

/// Restores unless others append meanwhile. Returns how many events the file has, and their root.
fn try_restore(
    ledger: &mut Ledger,
    mut file: impl BufRead + Seek,
    mut progress: impl FnMut(u64),
) -> Result<(u64, Digest), RestoreError> {
    let head = ledger.head()?;
    let mut audit = Audit::default();
    let mut root_at_head = (head.seq == Seq::ZERO).then(|| audit.frontier.root());
    let end = each_line(&mut file, |line| {
        let seq = audit.follow(line)?.seq;
        if seq == head.seq {
            root_at_head = Some(audit.frontier.root());
        }
        if seq.number() % 1024 == 0 {
            progress(seq.number());
        }
        Ok(())
    })?;
    let events = audit.table.head.number();
    let root = audit.frontier.root();
    if (end.events, end.root) != (events, root) {
        let found =
            format!("{events} events with root {root}, expected {} with root {}", end.events, end.root);
        return Err(RestoreError::End { line: events + 1, found });
    }
    if root_at_head != Some(head.root) {
        let expected = root_at_head.unwrap_or(root);
        return Err(RestoreError::Different { events: head.seq, found: head.root, expected });
    }
    file.seek(SeekFrom::Start(0))?;
    write(ledger, &mut file, head, &audit)?;
    Ok((events, root))
}

/// Writes the events after a head, in batches that end with a command; the rows come with the last one.
fn write(
    ledger: &mut Ledger,
    file: &mut impl BufRead,
    head: Head,
    audit: &Audit,
) -> Result<(), RestoreError> {
    let known = head.seq;
    let mut written = head;
    let mut batch = Batch::default();
    let mut commit = |batch: &mut Batch| -> Result<(), LedgerError> {
        match ledger.store.append(&written, &std::mem::take(batch))? {
            Appended::Done(head) => written = head,
            Appended::Conflict(_) => return Err(StoreError::Moved.into()),
            Appended::Unknown => return Err(StoreError::Unknown.into()),
        }
        Ok(())
    };
    let mut refused = None;
    each_line(file, |line| {
        let record =
            Recorded::from_line(line).map_err(|source| VerifyError::Line { seq: Seq::ZERO, source })?;
        if record.seq <= known || refused.is_some() {
            return Ok(());
        }
        let ends = batch.entries.last().is_some_and(|last: &Entry| last.command_id != record.command_id);
        if ends && batch.entries.len() >= EVENTS_PER_BATCH {
            refused = commit(&mut batch).err();
        }
        let times = Times { at: record.at, recorded_at: record.recorded_at };
        batch.entries.push(Entry { command_id: record.command_id, times, line: line.to_owned() });
        Ok(())
    })?;
    if let Some(error) = refused {
        return Err(error.into());
    }
    if audit.table.head > known {
        batch.rows = rows::all(&audit.table);
        commit(&mut batch)?;
        // A cache: where it cannot be kept, questions about the past replay more.
        let _ = replay::keep_snapshots(ledger.store.as_mut(), known, audit.table.head);
    }
    Ok(())
}

/// Calls `event` with each line but the last, and returns what the last one says.
fn each_line(
    file: &mut impl BufRead,
    mut event: impl FnMut(&str) -> Result<(), VerifyError>,
) -> Result<ExportEnd, RestoreError> {
    let mut text = String::new();
    let mut line = 0;
    let mut end: Option<ExportEnd> = None;
    loop {
        line += 1;
        let more = next_line(file, &mut text, LINE_BYTES_MAX).map_err(|fault| match fault {
            LineFault::Read(error) => RestoreError::Read(error),
            LineFault::Found(found) => RestoreError::Text { line, found },
        })?;
        if !more {
            break;
        }
        if end.is_some() {
            let found = "something after the line that ends an export".to_owned();
            return Err(RestoreError::End { line, found });
        }
        let content = text.strip_suffix('\n').unwrap_or(&text);
        end = read_end(content);
        if end.is_none() {
            event(content).map_err(|source| RestoreError::Line { line, source })?;
        }
    }
    end.ok_or_else(|| {
        let found = format!("the file ends without its last line, `{{\"schema\":\"{EXPORT_SCHEMA}\",…}}`");
        RestoreError::End { line, found }
    })
}

/// Reads the line that ends an export; none when it is another, or not written as [`ExportEnd`] is: no root
/// covers it, so not a byte of it may differ.
fn read_end(line: &str) -> Option<ExportEnd> {
    let end = line.starts_with("{\"schema\"").then(|| serde_json::from_str(line).ok());
    let end: ExportEnd = end.flatten()?;
    let written = serde_json::to_string(&end).expect("an end has string keys and no floats");
    (end.schema == EXPORT_SCHEMA && written == line).then_some(end)
}
