//! The file that was salvaged, checked and read up to its first hole; and what becomes of it.

use std::io::BufRead;

use crate::ledger::VerifyError;
use crate::ledger::audit::Audit;
use crate::ledger::export::{
    EXPORT_SCHEMA, End, ExportEnd, RestoreError, SALVAGED_SCHEMA, SalvagedEnd, Stretch, each_line,
};
use crate::ledger::lines::ReadLine;
use crate::ledger::{Ledger, LedgerError, rows};
use crate::model::{Recorded, Seq};
use crate::store::{Batch, Entry, Frontier, Log, MemoryStore, Times};

/// Checks that a file is as `salvage` wrote it: lines in the order of their places, with the holes that its end names.
/// Returns the end, and how many lines are behind each hole, up to the next one.
pub(super) fn check(file: &mut impl BufRead) -> Result<(SalvagedEnd, Vec<u64>), RestoreError> {
    let (mut frontier, mut next) = (Frontier::default(), Seq::new(1));
    let (mut holes, mut behind) = (Vec::new(), Vec::new());
    let end = each_line(file, |text| {
        let record = Recorded::from_line(text).map_err(|source| VerifyError::Line { seq: next, source })?;
        if record.seq < next {
            let found =
                format!("its place is before the one in front of it, expected e{next} or a later one");
            return Err(VerifyError::Broken { seq: record.seq, found });
        }
        if record.seq > next {
            holes.push(Stretch { first: next, last: record.seq.minus(1) });
            behind.push(0);
        }
        behind.last_mut().into_iter().for_each(|lines| *lines += 1);
        next = record.seq.plus(1);
        frontier.push(text.as_bytes());
        Ok(())
    })?;
    let end = match end {
        End::Holes(end) => end,
        End::Whole(ExportEnd { events, root, .. }) => {
            let schema = SALVAGED_SCHEMA.to_owned();
            SalvagedEnd { schema, events, missing: Vec::new(), differing: Vec::new(), root }
        }
    };
    let (line, events, root) = (frontier.leaves() + 1, frontier.leaves(), frontier.root());
    if (end.events, end.root) != (events, root) {
        let found =
            format!("{events} events with root {root}, expected {} with root {}", end.events, end.root);
        return Err(RestoreError::End { line, found });
    }
    // The last events may be missing too.
    let rest = end.missing.strip_prefix(holes.as_slice());
    if rest.is_none_or(|rest| rest.iter().any(|places| places.first < next)) {
        let found = "the events that are missing are not those that the last line names".to_owned();
        return Err(RestoreError::End { line, found });
    }
    behind.resize(end.missing.len(), 0);
    Ok((end, behind))
}

/// Takes the lines before the first hole into a ledger in memory, byte for byte. Returns how many there are.
pub(super) fn prefix(file: &mut impl BufRead, end: &SalvagedEnd) -> Result<(Ledger, u64), RestoreError> {
    let through = end.missing.first().map_or(end.events, |hole| hole.first.minus(1).number());
    let (mut audit, mut batch) = (Audit::default(), Batch::default());
    each_line(file, |text| {
        if audit.table.head.number() < through {
            let record = audit.follow(ReadLine::new(text))?;
            let times = Times { at: record.at, recorded_at: record.recorded_at };
            batch.entries.push(Entry { command_id: record.command_id, times, line: text.to_owned() });
        }
        Ok(())
    })?;
    batch.rows = rows::all(&audit.table);
    let mut store = MemoryStore::new();
    let head = store.head().map_err(LedgerError::from)?;
    store.append(&head, &batch).map_err(LedgerError::from)?;
    Ok((Ledger::new(Box::new(store)), through))
}

/// Returns what a ledger in memory exports.
pub(super) fn export(ledger: &Ledger) -> Result<Vec<u8>, RestoreError> {
    let (mut bytes, mut frontier) = (Vec::new(), Frontier::default());
    for line in ledger.lines(Seq::ZERO, usize::MAX)? {
        frontier.push(line.as_bytes());
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    let end =
        ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events: frontier.leaves(), root: frontier.root() };
    bytes.extend(serde_json::to_vec(&end).expect("an end has string keys and no floats"));
    bytes.push(b'\n');
    Ok(bytes)
}
