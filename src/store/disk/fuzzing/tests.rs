//! The corpus that fuzzing found, read once more, and what it began with.

use std::fs;
use std::path::{Path, PathBuf};

use super::{SIZE, block, journal, segment, snapshot};
use crate::model::Seq;
use crate::store::Entry;
use crate::store::disk::block::{self as blocks, Block};
use crate::store::disk::fuzzing::mend::Parts;
use crate::store::disk::segment::{Segment, SegmentName, SegmentWriter};
use crate::store::disk::snapshot as snapshots;
use crate::store::disk::state::State;
use crate::store::disk::tests::{entries, journal_of};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Calls a check with each of a corpus, of which some must still be what is read.
fn replay(target: &str, check: impl Fn(&[u8]) -> usize) {
    let files = fs::read_dir(corpus(target)).expect("a corpus");
    let files: Vec<_> = files.map(|file| fs::read(file.expect("a file").path()).expect("a file")).collect();
    let accepted: usize = files.iter().map(|bytes| check(bytes)).sum();
    assert!(files.len() >= 10, "{target}: {} in the corpus", files.len());
    assert!(accepted >= 10, "{target}: {accepted} accepted: the corpus is of another format");
}

#[test]
fn the_corpus_of_blocks_is_read() {
    replay("block", block);
}

#[test]
fn the_corpus_of_journals_is_read() {
    replay("journal", journal);
}

#[test]
fn the_corpus_of_segments_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    replay("segment", |bytes| segment(folder.path(), bytes));
}

#[test]
fn the_corpus_of_snapshots_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    replay("snapshot", |bytes| snapshot(folder.path(), bytes));
}

/// What a corpus begins with: small files as the store writes them, and the same with blocks that are not compressed, which
/// can be changed within.
#[test]
#[ignore = "writes the beginning of a corpus where a format has changed"]
fn the_beginning_of_a_corpus_is_written() {
    let put = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus(target)).expect("a folder");
        fs::write(corpus(target).join(name), bytes).expect("a file");
    };
    let folder = tempfile::tempdir().expect("a folder");
    for (count, first) in [1..2, 1..4, 3..9, 60..71, 255..258].into_iter().enumerate() {
        let before = State::default().after(&entries(1..first.start));
        let events = entries(first);
        let block = blocks::write(&events.iter().collect::<Vec<_>>()).expect("memory");
        put("block", &format!("seed-{count}"), &block);
        put("block", &format!("seed-{count}-plain"), &plain(&block).expect("a block"));
        let batches: Vec<Vec<Entry>> = events.chunks(2).map(<[Entry]>::to_vec).collect();
        put("journal", &format!("seed-{count}"), &journal_of(&before, &batches).0);
        let name = segment_of(folder.path(), &before, &events);
        let bytes = fs::read(folder.path().join(name.to_string())).expect("a file");
        put("segment", &format!("seed-{count}"), &bytes);
        put("segment", &format!("seed-{count}-plain"), &plain_segment(&bytes).expect("a segment"));
        let rows: Vec<_> = (0..count * 7).map(|n| (format!("p/w/{n:03}"), vec![b'{'; n * 99])).collect();
        snapshots::put(folder.path(), &before.after(&events), 2, &rows).expect("it is written");
        let place = before.after(&events).seq();
        let name = format!("snapshots/{:020}.snap", place.number());
        let bytes = fs::read(folder.path().join(name)).expect("a file");
        put("snapshot", &format!("seed-{count}"), &bytes);
        let plain = plain_snapshot(&bytes).expect("a snapshot");
        // Longer ones are beyond what a fuzzer makes.
        if plain.len() < 4_000 {
            put("snapshot", &format!("seed-{count}-plain"), &plain);
        }
    }
}

fn segment_of(folder: &Path, before: &State, events: &[Entry]) -> SegmentName {
    let mut writer = SegmentWriter::create(&folder.join("aside"), before).expect("a file");
    writer.add(&[], events, SIZE).expect("it is written");
    let name = writer.finish(folder).expect("it is written");
    assert_eq!(Segment::open(folder, &name).expect("a segment").after.seq(), name.last);
    assert!(name.first > Seq::ZERO);
    name
}

/// Returns a block with its events behind its front as they are.
fn plain(bytes: &[u8]) -> Option<Vec<u8>> {
    let read = Block::read(bytes)?;
    let front = 10 + 20 * read.commands.len();
    let length = u32::from_le_bytes(bytes[front..front + 4].try_into().ok()?) as usize;
    let payload = zstd::bulk::decompress(&bytes[front + 8..bytes.len() - 4], length).ok()?;
    Some([&bytes[..front], &payload].concat())
}

fn plain_segment(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Parts::of(bytes)?;
    let mut list = parts.section(2)?.clone();
    let stored = std::mem::take(&mut parts.blocks);
    for entry in list[4..].as_chunks_mut::<72>().0 {
        let start = u64::from_le_bytes(entry[..8].try_into().ok()?) as usize - 16;
        let length = u32::from_le_bytes(entry[8..12].try_into().ok()?) as usize;
        let block = plain(&stored[start..start + length])?;
        entry[8..12].copy_from_slice(&(block.len() as u32).to_le_bytes());
        parts.blocks.extend(block);
    }
    *parts.section(2)? = list;
    // Pages that are missing are made.
    let filter = parts.section(4)?;
    filter.truncate(filter.len() % 4096);
    Some(parts.finish())
}

fn plain_snapshot(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Parts::of(bytes)?;
    let mut index = parts.section(2)?.clone();
    let stored = std::mem::take(&mut parts.blocks);
    let mut at = 4;
    while at < index.len() {
        let start = u64::from_le_bytes(index[at..at + 8].try_into().ok()?) as usize - 16;
        let length = u32::from_le_bytes(index[at + 8..at + 12].try_into().ok()?) as usize;
        let block = &stored[start..start + length];
        let size = u32::from_le_bytes(block[..4].try_into().ok()?) as usize;
        let rows = zstd::bulk::decompress(&block[4..length - 4], size).ok()?;
        index[at + 8..at + 12].copy_from_slice(&(rows.len() as u32).to_le_bytes());
        parts.blocks.extend(rows);
        let key = u32::from_le_bytes(index[at + 12..at + 16].try_into().ok()?) as usize;
        at += 16 + key;
    }
    *parts.section(2)? = index;
    Some(parts.finish())
}
