//! Taking in the ledger's own export: byte for byte, or not at all.
//!
//! The ledger is empty, or has the first events of the file, or all of them and more: then they are known.

use std::io::{BufRead, Seek, SeekFrom};

use serde::Deserialize;

use super::audit::Audit;
use super::export::{End, FileLines, RestoreError};
use super::lines::ReadLine;
use super::replay::Taken;
use super::{Ledger, LedgerError, TRIES_MAX, VerifyError, rows};
use crate::model::{CommandId, Digest, LineFront, Seq, Timestamp};
use crate::store::{Appended, Batch, Entry, Head, LINES_ALONE, StoreError, Times, each_in_order};

/// How many events, and how many bytes of lines, are written in one batch; a command is never cut.
const BATCH_EVENTS: usize = 16_384;
const BATCH_BYTES: usize = 16 << 20;

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

/// A file that was checked, whole.
#[derive(Debug)]
pub struct CheckedExport {
    audit: Audit,
    /// The place that was asked for.
    there: Seq,
    /// The root up to there, where the file goes as far.
    root_there: Option<Digest>,
    /// The snapshots behind there.
    snapshots: Taken,
}

/// Checks that a file is a whole export, from its first event to its last line: it can be restored into a ledger that is yet
/// to be made.
///
/// # Errors
///
/// [`RestoreError`].
pub fn check_export(
    file: impl BufRead,
    mut progress: impl FnMut(u64),
) -> Result<CheckedExport, RestoreError> {
    check(file, Seq::ZERO, &mut progress)
}

/// Restores an export into a ledger that is empty, or has the first events of the file already, or all of them and more.
/// The file is read twice: once to check all of it, once to write what is new.
///
/// # Errors
///
/// [`RestoreError`]; nothing is written unless the whole file is right.
pub fn restore(
    ledger: &mut Ledger,
    file: impl BufRead + Seek,
    progress: impl FnMut(u64),
) -> Result<Restored, RestoreError> {
    restore_checked(ledger, file, None, progress)
}

/// As [`restore`], of a file that was checked: where the ledger is as it was meant to be then, it is not checked again.
///
/// # Errors
///
/// As [`restore`].
pub fn restore_checked(
    ledger: &mut Ledger,
    mut file: impl BufRead + Seek,
    mut checked: Option<CheckedExport>,
    mut progress: impl FnMut(u64),
) -> Result<Restored, RestoreError> {
    let known = ledger.head()?.seq.number();
    for _ in 0..TRIES_MAX {
        match try_restore(ledger, &mut file, checked.take(), &mut progress) {
            Err(RestoreError::Ledger(LedgerError::Store(StoreError::Moved))) => {
                file.seek(SeekFrom::Start(0))?
            }
            restored => {
                return restored.map(|(events, root)| Restored { events, known: known.min(events), root });
            }
        };
    }
    Err(LedgerError::Busy { tries: TRIES_MAX }.into())
}

/// Restores unless others append meanwhile. Returns how many events the file has, and their root.
fn try_restore(
    ledger: &mut Ledger,
    mut file: impl BufRead + Seek,
    checked: Option<CheckedExport>,
    progress: &mut impl FnMut(u64),
) -> Result<(u64, Digest), RestoreError> {
    let head = ledger.head()?;
    let checked = match checked.filter(|checked| checked.there == head.seq) {
        Some(checked) => checked,
        None => check(&mut file, head.seq, progress)?,
    };
    let CheckedExport { audit, root_there, snapshots, .. } = checked;
    let (last, root) = (audit.table.head, audit.frontier.root());
    // Where the file is older, what counts is what the ledger had then.
    let (events, found) = match root_there {
        Some(_) => (head.seq, head.root),
        None => (last, ledger.root_at(last)?),
    };
    let expected = root_there.unwrap_or(root);
    if found != expected {
        return Err(RestoreError::Different { events, found, expected });
    }
    file.seek(SeekFrom::Start(0))?;
    if last > head.seq {
        write(ledger, &mut file, head, &audit)?;
        // A cache: where it cannot be kept, questions about the past replay more.
        let _ = snapshots.keep(ledger.store.as_mut(), last);
    }
    Ok((last.number(), root))
}

/// Reads a file to its end, and checks it; `there` is the place whose root is wanted.
fn check(
    mut file: impl BufRead,
    there: Seq,
    progress: &mut impl FnMut(u64),
) -> Result<CheckedExport, RestoreError> {
    let mut audit = Audit::default();
    let mut root_there = (there == Seq::ZERO).then(|| audit.frontier.root());
    let (mut hole, mut snapshots) = (None, Taken::new(there));
    let mut lines = FileLines::new(&mut file);
    let checked = each_in_order(
        LINES_ALONE,
        || Ok(Vec::from_iter(Some(lines.next_piece()?).filter(|piece| !piece.is_empty()))),
        |piece: Vec<(u64, String)>| {
            let read = ReadLine::all(piece.iter().map(|(_, text)| text.as_str()));
            piece.iter().map(|(number, _)| *number).zip(read).collect::<Vec<_>>()
        },
        |piece| {
            piece.into_iter().try_for_each(|(number, line)| {
                // Whether there may be one is told by the last line.
                if hole.is_some() {
                    return Ok(());
                }
                let expected = audit.table.head.plus(1);
                let is_behind = line.record.as_ref().is_ok_and(|record| record.seq > expected);
                let seq =
                    match audit.follow(line).map_err(|source| RestoreError::Line { line: number, source }) {
                        Err(error) if is_behind => {
                            hole = Some(error);
                            return Ok(());
                        }
                        followed => followed?.seq,
                    };
                if seq == there {
                    root_there = Some(audit.frontier.root());
                }
                snapshots.take(&audit.table, &audit.frontier, false);
                if seq.number() % 1024 == 0 {
                    progress(seq.number());
                }
                Ok(())
            })
        },
    );
    let end = checked.and_then(|()| lines.end());
    let end = match (end, hole) {
        (Ok(End::Holes(end)), _) => return Err(RestoreError::Hole { end }),
        (_, Some(error)) => return Err(error),
        (end, None) => end?,
    };
    let (events, root) = (audit.table.head.number(), audit.frontier.root());
    if let End::Whole(end) = end
        && (end.events, end.root) != (events, root)
    {
        let found =
            format!("{events} events with root {root}, expected {} with root {}", end.events, end.root);
        return Err(RestoreError::End { line: events + 1, found });
    }
    snapshots.take(&audit.table, &audit.frontier, true);
    Ok(CheckedExport { audit, there, root_there, snapshots })
}

/// What is to be known of a line that was checked, to write it.
#[derive(Deserialize)]
struct Front {
    seq: Seq,
    command_id: CommandId,
    at: Timestamp,
    recorded_at: Timestamp,
}

impl Front {
    fn of(line: &str) -> serde_json::Result<Self> {
        Front::usual(line).map_or_else(|| serde_json::from_str(line), Ok)
    }

    /// Reads a line as most lines are written.
    fn usual(line: &str) -> Option<Self> {
        let front = LineFront::of(line)?;
        let ((at, recorded_at), id) = (front.times()?, front.command_id.parse().ok()?);
        Some(Front { seq: front.seq, command_id: CommandId::new(id), at, recorded_at })
    }

    fn entry(self, line: String) -> Entry {
        let times = Times { at: self.at, recorded_at: self.recorded_at };
        Entry { command_id: self.command_id, times, line }
    }
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
    let (mut batch, mut bytes) = (Batch::default(), 0);
    let mut commit = |batch: &mut Batch| -> Result<(), LedgerError> {
        match ledger.store.append(&written, &std::mem::take(batch))? {
            Appended::Done(head) => written = head,
            Appended::Conflict(_) => return Err(StoreError::Moved.into()),
            Appended::Unknown => return Err(StoreError::Unknown.into()),
        }
        Ok(())
    };
    let mut lines = FileLines::new(file);
    each_in_order(
        LINES_ALONE,
        || lines.next_piece(),
        |(number, text): (u64, String)| (number, Front::of(&text).map(|front| (front, text))),
        |(line, read)| {
            let unread =
                |error: serde_json::Error| VerifyError::Line { seq: Seq::ZERO, source: error.into() };
            let (front, text) = read.map_err(unread).map_err(|source| RestoreError::Line { line, source })?;
            if front.seq <= known {
                return Ok(());
            }
            let ends = batch.entries.last().is_some_and(|last: &Entry| last.command_id != front.command_id);
            if ends && (batch.entries.len() >= BATCH_EVENTS || bytes >= BATCH_BYTES) {
                commit(&mut batch)?;
                bytes = 0;
            }
            bytes += text.len();
            batch.entries.push(front.entry(text));
            Ok(())
        },
    )?;
    lines.end()?;
    batch.rows = rows::all(&audit.table);
    Ok(commit(&mut batch)?)
}
