//! Taking in the ledger's own export: byte for byte, or not at all.
//!
//! The ledger is empty, or has the first events of the file, or all of them and more: then they are known.

use std::io::{BufRead, Seek, SeekFrom};

use super::export::{End, RestoreError, each_line};
use super::verify::Audit;
use super::{Ledger, LedgerError, TRIES_MAX, VerifyError, replay, rows};
use crate::model::{Digest, Recorded, Seq};
use crate::store::{Appended, Batch, Entry, Head, StoreError, Times};

/// How many events are written in one batch; a command is never cut.
const EVENTS_PER_BATCH: usize = 4096;

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
struct Checked {
    audit: Audit,
    /// The root up to the place that was asked for, where the file goes as far.
    root_there: Option<Digest>,
}

/// Checks that a file is a whole export, from its first event to its last line, and returns how many events it has.
///
/// # Errors
///
/// [`RestoreError`].
pub fn check_export(file: impl BufRead, mut progress: impl FnMut(u64)) -> Result<u64, RestoreError> {
    Ok(check(file, Seq::ZERO, &mut progress)?.audit.table.head.number())
}

/// Restores an export into a ledger that is empty, or has the first events of the file already, or all of them and more.
/// The file is read twice: once to check all of it, once to write what is new.
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
    progress: &mut impl FnMut(u64),
) -> Result<(u64, Digest), RestoreError> {
    let head = ledger.head()?;
    let Checked { audit, root_there } = check(&mut file, head.seq, progress)?;
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
    write(ledger, &mut file, head, &audit)?;
    Ok((last.number(), root))
}

/// Reads a file to its end, and checks it; `there` is the place whose root is wanted.
fn check(
    mut file: impl BufRead,
    there: Seq,
    progress: &mut impl FnMut(u64),
) -> Result<Checked, RestoreError> {
    let mut audit = Audit::default();
    let mut root_there = (there == Seq::ZERO).then(|| audit.frontier.root());
    let mut hole = None;
    let mut line = 0;
    let end = each_line(&mut file, |text| {
        line += 1;
        // Whether there may be one is told by the last line.
        if hole.is_some() {
            return Ok(());
        }
        let expected = audit.table.head.plus(1);
        let seq = match audit.follow(text) {
            Err(source) if Recorded::from_line(text).is_ok_and(|record| record.seq > expected) => {
                hole = Some(RestoreError::Line { line, source });
                return Ok(());
            }
            followed => followed?.seq,
        };
        if seq == there {
            root_there = Some(audit.frontier.root());
        }
        if seq.number() % 1024 == 0 {
            progress(seq.number());
        }
        Ok(())
    });
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
    Ok(Checked { audit, root_there })
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
