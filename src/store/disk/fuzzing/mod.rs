//! What a fuzzer calls: bytes that nobody wrote, read as each of the files of a log.
//!
//! A check takes bytes as they are, and again with everything put right that a checksum, a length or a place says, so that
//! what stands behind these is reached. It panics where a reader does, and where what was read is not what is read once it
//! is written again. It returns how often the bytes were accepted. Time and memory are for the fuzzer to bound.
//!
//! This is here, and not with the fuzzer, because the formats are nobody's business outside this folder: it is built for
//! the unit tests, which replay the corpus, and under `--cfg fuzzing`, and for nobody else.

mod mend;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use self::mend::Form;
use super::block::{self, Block, BlockSize};
use super::bytes::Reader;
use super::journal::Journal;
use super::packed::Packed;
use super::segment::{Segment, SegmentName, SegmentWriter};
use super::state::State;
use super::{old, snapshot};
use crate::model::{CommandId, Seq};
use crate::store::{Entry, StoreError, Until};

const SIZE: BlockSize = BlockSize { events_max: 4, bytes_full: 500 };
const FORMS: [Form; 2] = [Form::Stored, Form::Plain];

/// Calls a check with bytes as they are, and as they are mended; says how often it accepted them.
fn each<const N: usize>(
    bytes: &[u8],
    mended: [Option<Vec<u8>>; N],
    check: impl Fn(&[u8]) -> Option<()>,
) -> usize {
    let accepted = mended.iter().flatten().filter(|bytes| check(bytes).is_some()).count();
    accepted + usize::from(check(bytes).is_some())
}

/// Reads bytes as a block of a segment, and as one of format 1.
pub fn block(bytes: &[u8]) -> usize {
    let _ = old::block::entries(bytes);
    each(bytes, FORMS.map(|form| mend::block(bytes, form)), |bytes| {
        let block = Block::read(bytes)?;
        for (id, _) in &block.commands {
            assert!(block.find(*id).is_some_and(|before| before < block.count()), "a command is found");
        }
        let entries = block.entries()?;
        assert_eq!(entries.len() as u64, block.count(), "as many events as it says");
        let again = block::write(&entries.iter().collect::<Vec<_>>()).expect("memory");
        let again = Block::read(again).and_then(|block| block.entries());
        assert_eq!(again, Some(entries), "what is written again is the same");
        Some(())
    })
}

/// Reads bytes as a journal.
pub fn journal(bytes: &[u8]) -> usize {
    let parse = |bytes: &[u8]| Journal::parse(bytes, Seq::new(u64::MAX), &[]).ok();
    each(bytes, [mend::journal(bytes)], |bytes| {
        let found = parse(bytes)?;
        let whole = usize::try_from(found.whole_bytes).expect("it is as long as the bytes at most");
        let begins = parse(&bytes[..whole]).expect("what counts of it is one");
        let again = parse(&mend::journal_of(&found.before, &found.entries)).expect("it was written");
        for same in [begins, again] {
            assert_eq!(same.before, found.before);
            assert_eq!(same.after, found.after);
            assert_eq!(same.entries, found.entries);
            assert_eq!(same.whole_bytes, same.bytes);
        }
        let middle = Seq::new(found.before.seq().number().midpoint(found.after.seq().number()));
        let part = Journal::parse(bytes, middle, &[(found.before.seq(), found.before.root())]);
        // The last frame that is read has the root before it, so that a wrong one is told there alone.
        assert!(part.is_err() || part.is_ok_and(|part| found.entries.starts_with(&part.entries)));
        (!found.entries.is_empty()).then_some(())
    })
}

/// Reads bytes as a segment. The folder is the fuzzer's own.
pub fn segment(folder: &Path, bytes: &[u8]) -> usize {
    each(bytes, FORMS.map(|form| mend::segment(bytes, form)), |bytes| {
        let name = named(folder, bytes)?;
        let checked = check_segment(folder, &name);
        let _ = fs::remove_file(folder.join(name.to_string()));
        checked.ok()
    })
}

/// Writes a segment under the name that it should have by what it says.
fn named(folder: &Path, bytes: &[u8]) -> Option<SegmentName> {
    let aside = folder.join("read");
    fs::write(&aside, bytes).expect("the folder is the fuzzer's");
    let span = Packed::open(&aside, b"phaseseg").ok()?.section(1, 1).ok()??;
    let mut reader = Reader::new(&span);
    let (before, after) = (State::read(&mut reader)?, State::read(&mut reader)?);
    let name = SegmentName { first: Seq::new(before.seq().number().checked_add(1)?), last: after.seq() };
    fs::rename(&aside, folder.join(name.to_string())).expect("the folder is the fuzzer's");
    Some(name)
}

fn check_segment(folder: &Path, name: &SegmentName) -> Result<(), StoreError> {
    let segment = Segment::open(folder, name)?;
    let checked = segment.check();
    let _ = segment.find(CommandId::new(uuid::Uuid::from_u128(7)));
    let _ = segment.spans(name.last, &mut Vec::new());
    let mut entries = Vec::new();
    for at in 0..segment.count() {
        let found = segment.entries(at)?;
        for entry in found.iter().take(2) {
            let _ = segment.find(entry.command_id);
            let _ = segment.seek(Until::Through(entry.times.recorded_at));
            let _ = segment.seek(Until::Before(entry.times.recorded_at));
        }
        entries.extend(found);
    }
    checked?;
    let again = folder.join("again");
    fs::create_dir_all(&again).expect("the folder is the fuzzer's");
    let aside = again.join("aside");
    let mut copied = SegmentWriter::create(&aside, &segment.before)?;
    copied.add_segment(&segment)?;
    check_same(&segment, &entries, &again, copied)?;
    let mut written = SegmentWriter::create(&aside, &segment.before)?;
    written.add(&[], &entries, SIZE)?;
    check_same(&segment, &entries, &again, written)
}

/// Checks that a segment that is written again holds the same.
fn check_same(
    was: &Segment,
    entries: &[Entry],
    folder: &Path,
    writer: SegmentWriter,
) -> Result<(), StoreError> {
    let name = writer.finish(folder)?;
    let segment = Segment::open(folder, &name).expect("it was written");
    segment.check().expect("it was written");
    assert!(segment.before == was.before && segment.after == was.after, "it adds up to the same");
    let found: Vec<_> = (0..segment.count()).map(|at| segment.entries(at).expect("it was written")).collect();
    assert_eq!(found.concat(), entries, "what is written again is the same");
    for entry in entries.iter().take(8) {
        let found = segment.find(entry.command_id).expect("it was written");
        let first = entries.iter().position(|first| first.command_id == entry.command_id);
        let first = first.map(|at| was.before.seq().plus(at as u64 + 1));
        assert_eq!(found.map(|(_, place)| place), first, "a command is found");
    }
    fs::remove_file(folder.join(name.to_string())).expect("the folder is the fuzzer's");
    Ok(())
}

/// Reads bytes as a snapshot. The folder is the fuzzer's own.
pub fn snapshot(folder: &Path, bytes: &[u8]) -> usize {
    each(bytes, FORMS.map(|form| mend::snapshot(bytes, form)), |bytes| {
        let (place, state) = placed(folder, bytes)?;
        let found = snapshot::last(folder, place).expect("a folder");
        let _ = snapshot::last_row_count(folder);
        snapshot::forget(folder).expect("the folder is the fuzzer's");
        let found = found?;
        assert!(found.seq == place && found.frontier == state.frontier, "it is of its place");
        snapshot::put(folder, &state, found.fold_version, &found.rows).expect("it is written");
        let again = snapshot::last(folder, place).expect("a folder");
        let count = snapshot::last_row_count(folder);
        snapshot::forget(folder).expect("the folder is the fuzzer's");
        assert_eq!(count, found.rows.len() as u64);
        assert_eq!(again, Some(found), "what is written again is the same");
        Some(())
    })
}

/// Writes a snapshot under the name that it should have by what it says.
fn placed(folder: &Path, bytes: &[u8]) -> Option<(Seq, State)> {
    snapshot::make_folder(folder).expect("the folder is the fuzzer's");
    let snapshots = folder.join("snapshots");
    let aside = snapshots.join("read");
    fs::write(&aside, bytes).expect("the folder is the fuzzer's");
    let front = Packed::open(&aside, b"phasesnp").ok()?.section(1, 1).ok()??;
    let state = State::read(&mut Reader::new(front.get(12..)?))?;
    let name = format!("{:020}.snap", state.seq().number());
    fs::rename(&aside, snapshots.join(name)).expect("the folder is the fuzzer's");
    Some((state.seq(), state))
}
