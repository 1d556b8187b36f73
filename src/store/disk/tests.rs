//! The formats: what is written comes back, and any bit that flips and any end that is missing is told.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::block::{self, Block, BlockSize};
use super::cover::Cover;
use super::head_rows::HeadRows;
use super::journal::{self, Journal};
use super::packed::{HEADER_BYTES, Packed, PackedWriter};
use super::segment::{Hash, Segment, SegmentName, SegmentWriter};
use super::since::SinceFile;
use super::snapshot;
use super::state::State;
use crate::model::{CommandId, Seq, Timestamp};
use crate::store::{Entry, RowChanges, Snapshot, Sought, StoreError, Times, Until};

const SIZE: BlockSize = BlockSize { events_max: 4, bytes_full: 500 };

pub(super) fn time(micros: i64) -> Timestamp {
    let time = DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).expect("a time");
    Timestamp::new(time).expect("a year")
}

pub(super) fn entry(number: u64) -> Entry {
    let command = Uuid::from_u64_pair(number / 2, !number / 2);
    let times = Times { at: time(number as i64 * 30), recorded_at: time(number as i64 * 40) };
    let line = format!(
        r#"{{"seq":{number},"kind":"k{}","workflow":"w","phase":"p{}","causes":[{{"seq":{}}}],"text":"é"}}"#,
        number / 40,
        number % 3,
        cause(number)
    );
    Entry { command_id: CommandId::new(command), times, line }
}

/// Returns the place of the cause that an entry names: near ones, and every tenth far back.
fn cause(number: u64) -> u64 {
    if number.is_multiple_of(10) { number / 2 } else { number.saturating_sub(1) }
}

pub(super) fn entries(places: Range<u64>) -> Vec<Entry> {
    places.map(entry).collect()
}

/// Hands on what some bytes become: each with one bit flipped, and each of their beginnings.
fn spoilt(bytes: &[u8], mut take: impl FnMut(&[u8], &str)) {
    let every_bit = bytes.len() < 3_000;
    let mut flipped = bytes.to_vec();
    for at in 0..bytes.len() {
        for bit in (0..8).filter(|bit| every_bit || *bit == at % 8) {
            flipped[at] ^= 1 << bit;
            take(&flipped, &format!("bit {bit} of byte {at} of {}", bytes.len()));
            flipped[at] ^= 1 << bit;
        }
    }
    for end in (0..bytes.len()).filter(|end| every_bit || end % 7 == 0) {
        take(&bytes[..end], &format!("{end} of {} bytes", bytes.len()));
    }
}

pub(super) fn journal_of(before: &State, batches: &[Vec<Entry>]) -> (Vec<u8>, State) {
    let (mut bytes, mut state) = (journal::front(before), before.clone());
    for batch in batches {
        bytes.extend(journal::frame(&state, batch));
        state = state.after(batch);
    }
    (bytes, state)
}

#[test]
fn a_journal_that_is_not_as_it_was_written_is_never_as_long() {
    let before = State::default().after(&entries(1..6));
    let batches = [entries(6..7), entries(7..12), entries(12..14)];
    let (bytes, after) = journal_of(&before, &batches);
    let seen = [(after.seq(), after.root())];
    let whole = Journal::parse(&bytes, Seq::new(u64::MAX), &seen).expect("a journal");
    assert_eq!((&whole.before, &whole.after, &whole.entries), (&before, &after, &entries(6..14)));
    spoilt(&bytes, |bytes, what| match Journal::parse(bytes, Seq::new(u64::MAX), &seen) {
        Err(StoreError::Damaged { .. } | StoreError::NewerFormat { .. }) => {}
        Err(error) => panic!("{what}: {error}"),
        Ok(found) => {
            assert!(found.after.seq() < after.seq(), "{what}: nothing is missing");
            let known = entries(6..found.after.seq().number() + 1);
            assert!(found.entries == known, "{what}: other events");
        }
    });
}

#[test]
fn a_journal_is_read_up_to_a_place() {
    let batches = [entries(1..3), entries(3..4), entries(4..9)];
    let (bytes, _) = journal_of(&State::default(), &batches);
    for (limit, end) in [(0, 0), (1, 0), (2, 2), (3, 3), (7, 3), (8, 8), (99, 8)] {
        let found = Journal::parse(&bytes, Seq::new(limit), &[]).expect("a journal");
        assert_eq!(found.after, State::default().after(&entries(1..end + 1)), "up to {limit}");
    }
    let wrong = [(Seq::new(3), State::default().root())];
    Journal::parse(&bytes, Seq::new(99), &wrong).expect_err("another root was seen");
}

fn segment_of(folder: &Path, places: Range<u64>) -> SegmentName {
    let before = State::default().after(&entries(1..places.start));
    let mut writer = SegmentWriter::create(&folder.join("aside"), &before).expect("a file");
    writer.add(&[], &entries(places), SIZE).expect("it is written");
    writer.finish(folder).expect("it is written")
}

fn check_segment(folder: &Path, name: &SegmentName) -> Result<(), StoreError> {
    let segment = Segment::open(folder, name)?;
    let lines = (0..segment.count()).try_for_each(|at| segment.lines(at).map(drop));
    let beside = segment.check_beside().and(lines);
    assert_eq!(beside.is_ok(), segment.check().is_ok(), "whoever reads the lines too is told as much");
    segment.check()?;
    let found = (0..segment.count()).map(|at| segment.entries(at)).collect::<Result<Vec<_>, _>>()?.concat();
    let expected = entries(name.first.number()..name.last.number() + 1);
    assert!(found == expected, "other events");
    for seq in name.first.number()..=name.last.number() {
        let first = expected.iter().find(|entry| entry.command_id == self::entry(seq).command_id);
        let first = first.expect("it is there").line.clone();
        let (at, place) = segment.find(entry(seq).command_id)?.expect("it is there");
        assert_eq!((segment.block_of(place), entry(place.number()).line), (at, first));
        let until = Until::Through(entry(seq).times.recorded_at);
        assert_eq!(segment.seek(until)?, Seq::new(seq));
    }
    assert_eq!(segment.find(entry(10_000).command_id)?, None);
    Ok(())
}

/// Checks that a segment knows in which blocks the events are that are looked for.
fn check_lists(folder: &Path, name: &SegmentName) -> Result<(), StoreError> {
    let segment = &Segment::open(folder, name)?;
    let entries = entries(name.first.number()..name.last.number() + 1);
    let first = segment.before.seq().plus(1).number();
    let blocks = |is_meant: &dyn Fn(u64) -> bool| {
        let places = (first..first + entries.len() as u64).filter(|place| is_meant(*place));
        let mut blocks: Vec<_> = places.map(|place| segment.block_of(Seq::new(place))).collect();
        blocks.dedup();
        blocks
    };
    for (name, rest) in [("w/p0", 0), ("w/p1", 1), ("w/p2", 2), ("w/p", 3)] {
        let expected = blocks(&|place| place % 3 == rest);
        assert_eq!(segment.blocks_of(Sought::Phase(name))?, Some(expected), "{name}");
    }
    for kind in 0..20 {
        let expected = blocks(&|place| place / 40 == kind);
        assert_eq!(segment.blocks_of(Sought::Kind(&format!("k{kind}")))?, Some(expected), "k{kind}");
    }
    for place in (0..first + entries.len() as u64 + 9).map(Seq::new) {
        let found = segment.blocks_of(Sought::CausedBy(place))?.expect("it says");
        let expected = blocks(&|other| cause(other) == place.number());
        let own = (first <= place.number() && place <= segment.after.seq()).then(|| segment.block_of(place));
        let mut all: Vec<_> = own.into_iter().chain(expected).collect();
        all.dedup();
        assert_eq!(found, all, "what event {place} led to");
    }
    Ok(())
}

/// Writes a segment as versions did that did not list kinds and links.
fn without_lists(folder: &Path, name: &SegmentName) {
    let path = folder.join(name.to_string());
    let packed = Packed::open(&path, b"phaseseg").expect("a segment");
    let mut writer = PackedWriter::create(&folder.join("aside"), b"phaseseg").expect("a file");
    let blocks = packed.read(HEADER_BYTES, packed.blocks_end() - HEADER_BYTES).expect("its blocks");
    writer.put(&blocks).expect("it is written");
    for kind in 1..=6 {
        let section = packed.needed(kind, 1).expect("a section");
        writer.section(kind, 1, &section).expect("it is written");
    }
    writer.finish().expect("it is written");
    fs::rename(folder.join("aside"), path).expect("renamed");
}

#[test]
fn a_segment_of_a_version_without_lists_is_read_and_gets_them_when_it_is_merged() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = [1..50, 50..120].map(|places| segment_of(folder.path(), places));
    names.iter().for_each(|name| without_lists(folder.path(), name));
    let old = names.map(|name| Segment::open(folder.path(), &name).expect("a segment"));
    for sought in [Sought::Kind("k1"), Sought::CausedBy(Seq::new(7))] {
        assert_eq!(old[1].blocks_of(sought).expect("it is whole"), None);
    }
    let mut writer = SegmentWriter::create(&folder.path().join("aside"), &State::default()).expect("a file");
    old.iter().for_each(|segment| writer.add_segment(segment).expect("it follows"));
    writer.add(&[], &entries(120..170), SIZE).expect("it is written");
    let name = writer.finish(folder.path()).expect("it is written");
    check_segment(folder.path(), &name).expect("it is whole");
    check_lists(folder.path(), &name).expect("it lists them");
}

#[test]
fn a_segment_that_is_not_as_it_was_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = segment_of(folder.path(), 250..271);
    check_segment(folder.path(), &name).expect("it is whole");
    let path = folder.path().join(name.to_string());
    let bytes = fs::read(&path).expect("a file");
    spoilt(&bytes, |bytes, what| {
        fs::write(&path, bytes).expect("a file");
        let told = check_segment(folder.path(), &name).err();
        assert!(
            matches!(told, Some(StoreError::Damaged { .. } | StoreError::NewerFormat { .. })),
            "{what}: {told:?}"
        );
    });
}

#[test]
fn segments_are_merged_block_by_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = [1..4, 4..300, 300..310].map(|places| segment_of(folder.path(), places));
    let mut writer = SegmentWriter::create(&folder.path().join("aside"), &State::default()).expect("a file");
    for name in &names {
        writer.add_segment(&Segment::open(folder.path(), name).expect("a segment")).expect("it follows");
    }
    let last = Segment::open(folder.path(), &names[2]).expect("a segment");
    writer.add_segment(&last).expect_err("it does not follow on itself");
    writer.add(&entries(310..312), &entries(312..600), SIZE).expect("it is written");
    let name = writer.finish(folder.path()).expect("it is written");
    check_segment(folder.path(), &name).expect("it is whole");
    check_lists(folder.path(), &name).expect("it lists them");
    // Whatever it was made of, it is the same.
    let merged = fs::read(folder.path().join(name.to_string())).expect("a file");
    assert!(merged.len() > 1_000);
    let cover = Cover::of(&SegmentName::list(folder.path()).expect("names"), Seq::new(599)).expect("whole");
    assert_eq!((cover.segments, cover.obsolete), (vec![name], names.to_vec()));
}

#[test]
fn a_name_promises_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = [1..10, 10..20].map(|places| segment_of(folder.path(), places));
    let path = |name: &SegmentName| folder.path().join(name.to_string());
    fs::copy(path(&names[0]), path(&names[1])).expect("a copy");
    let error = check_segment(folder.path(), &names[1]).expect_err("it is another one");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    for (text, is_one) in [
        ("00000000000000000001-00000000000000000009.seg", true),
        ("1-9.seg", false),
        ("00000000000000000009-00000000000000000001.seg", false),
        ("00000000000000000000-00000000000000000001.seg", false),
        ("segment.new", false),
        ("head", false),
    ] {
        assert_eq!(SegmentName::read(text).is_some(), is_one, "{text}");
    }
}

#[test]
fn segments_that_are_missing_or_too_many_are_told() {
    let name = |first, last| SegmentName { first: Seq::new(first), last: Seq::new(last) };
    let told = |names: &[SegmentName], archived| match Cover::of(names, Seq::new(archived)) {
        Ok(cover) => format!("to {}", cover.end()),
        Err(error) => error.to_string(),
    };
    let three = [name(1, 4), name(5, 8), name(9, 12)];
    for (names, archived, expected) in [
        (&three[..], 12, "to 12"),
        (&three, 8, "to 12"),
        (
            &three,
            4,
            "the ledger is damaged: the journal goes on after event 4, but there are segments up to event 12",
        ),
        (&three[1..], 12, "the ledger is damaged: the events 1 to 4 are missing: no segment holds them"),
        (
            &[three[0], three[2]],
            12,
            "the ledger is damaged: the events 5 to 8 are missing: no segment holds them",
        ),
        (&three[..2], 9, "the ledger is damaged: event 9 is missing: no segment holds it"),
        (&[name(1, 12), three[0], three[1], three[2]], 12, "to 12"),
        (&[], 0, "to 0"),
    ] {
        assert_eq!(told(names, archived), expected, "{names:?} up to {archived}");
    }
    assert!(told(&[name(1, 4), name(3, 8)], 8).contains("begins within"));
}

#[test]
fn a_snapshot_that_is_not_as_it_was_written_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: Vec<_> = (0..40).map(|n: u8| (format!("p/w/{n:03}"), vec![n; usize::from(n) * 40])).collect();
    let state = State::default().after(&entries(1..12));
    snapshot::put(folder.path(), &state, 3, &rows).expect("it is written");
    let expected = Snapshot { seq: Seq::new(11), frontier: state.frontier, fold_version: 3, rows };
    assert_eq!(snapshot::last(folder.path(), Seq::new(99)).expect("a folder"), Some(expected));
    assert_eq!(snapshot::last_row_count(folder.path()), 40);
    let path = folder.path().join("snapshots/00000000000000000011.snap");
    let bytes = fs::read(&path).expect("a file");
    spoilt(&bytes, |bytes, what| {
        fs::write(&path, bytes).expect("a file");
        assert_eq!(snapshot::last(folder.path(), Seq::new(99)).expect("a folder"), None, "{what}");
    });
}

#[test]
fn rows_since_a_snapshot_that_are_not_as_they_were_written_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let mut state = State::default().after(&entries(1..12));
    let kept: Vec<_> = (0..9).map(|n: u8| (format!("p/w/{n}"), vec![n; 40])).collect();
    snapshot::put(dir, &state, 3, &kept).expect("it is written");
    let mut file = SinceFile::begin(dir, &state).expect("a file");
    let mut expected: BTreeMap<_, _> = kept.into_iter().collect();
    for number in 12..20_u64 {
        let before = state.seq();
        state = state.after(&entries(number..number + 1));
        let (key, value) = (format!("p/w/{}", number % 5 * 3), vec![number as u8; 30]);
        let gone = format!("p/w/{}", number % 4);
        expected.insert(key.clone(), value.clone());
        expected.remove(&gone);
        let rows = vec![(key, Some(value)), (gone, None)];
        file.add(before, &state, &RowChanges { fold_version: 3, replace: false, rows })
            .expect("it is written");
    }
    let rows = HeadRows::of(dir, &state).expect("rows of the head");
    assert_eq!(rows.rows("").expect("rows"), expected.clone().into_iter().collect::<Vec<_>>());
    for key in (0..16).map(|n| format!("p/w/{n}")) {
        assert_eq!(rows.row(&key).expect("a row"), expected.get(&key).cloned(), "{key}");
    }
    assert!(SinceFile::open(dir, &state).is_some(), "it is gone on with");
    let before = State::default().after(&entries(1..15));
    assert!(HeadRows::of(dir, &before).is_some(), "who asked a moment ago has those of then");
    assert!(SinceFile::open(dir, &before).is_none(), "who appends goes on from the end alone");
    let another = State::default().after(&entries(2..21));
    assert!(HeadRows::of(dir, &another).is_none(), "another log that is as long");
    let path = dir.join("rows");
    let bytes = fs::read(&path).expect("a file");
    spoilt(&bytes, |bytes, what| {
        fs::write(&path, bytes).expect("a file");
        assert!(HeadRows::of(dir, &state).is_none(), "{what}");
    });
    fs::write(&path, [&bytes[..], b"half of an ent"].concat()).expect("a file");
    assert!(HeadRows::of(dir, &state).is_some(), "what is just being written does not count");
    fs::remove_dir_all(dir.join("snapshots")).expect("a folder");
    assert!(HeadRows::of(dir, &state).is_none(), "without the snapshot it is nothing");
}

fn arbitrary_entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (0..5u64, 0..1_000i64, "[^\\n]{0,40}").prop_map(|(command, at, line)| Entry {
        command_id: CommandId::new(Uuid::from_u64_pair(command, 7)),
        times: Times { at: time(at), recorded_at: time(at * 3) },
        line,
    });
    prop::collection::vec(entry, 1..30)
}

proptest! {
    #[test]
    fn what_is_written_comes_back(batches in prop::collection::vec(arbitrary_entries(), 1..6)) {
        let (bytes, after) = journal_of(&State::default(), &batches);
        let all = batches.concat();
        let found = Journal::parse(&bytes, Seq::new(u64::MAX), &[]).expect("a journal");
        prop_assert_eq!((&found.after, &found.entries), (&after, &all));

        let block = block::write(&all.iter().collect::<Vec<_>>()).expect("memory");
        let block = Block::read(block).expect("a block");
        prop_assert_eq!(block.entries().expect("its events"), all.clone());

        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = SegmentWriter::create(&folder.path().join("aside"), &State::default()).expect("a file");
        for batch in &batches {
            writer.add(&[], batch, SIZE).expect("it is written");
        }
        let name = writer.finish(folder.path()).expect("it is written");
        let segment = Segment::open(folder.path(), &name).expect("a segment");
        segment.check().expect("it is whole");
        prop_assert_eq!(&segment.after, &after);
        let found = (0..segment.count()).map(|at| segment.entries(at).expect("a block")).collect::<Vec<_>>();
        prop_assert_eq!(found.concat(), all);
    }
}

/// Looking for many commands at once rules out none that is there, and nearly all that are not.
#[test]
fn commands_that_are_there_are_not_ruled_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = SegmentWriter::create(&folder.path().join("aside"), &State::default()).expect("a file");
    writer.add(&[], &entries(1..20_001), SIZE).expect("it is written");
    let name = writer.finish(folder.path()).expect("it is written");
    let hashes = |places| entries(places).iter().map(|entry| Hash::of(entry.command_id)).collect::<Vec<_>>();
    let segment = Segment::open(folder.path(), &name).expect("a segment");
    for _ in 0..2 {
        let (there, others) = (hashes(1..20_001), hashes(20_002..40_001));
        let mut may_be = vec![false; there.len()];
        segment.note(&there, &mut may_be).expect("a filter");
        assert!(may_be.iter().all(|may_be| *may_be));
        let mut may_be = vec![false; others.len()];
        segment.note(&others, &mut may_be).expect("a filter");
        assert!(may_be.iter().filter(|may_be| **may_be).count() < 10);
    }
}
