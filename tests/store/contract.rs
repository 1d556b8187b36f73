//! What every store does, whatever it keeps things in.

use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use phaseledger::ledger::{Ledger, Session};
use phaseledger::model::{CommandId, Digest, Seq, Timestamp};
use phaseledger::store::{
    Appended, Batch, Cache, DiskOptions, DiskStore, Entry, Frontier, Head, Log, MemoryStore, RowChanges,
    Snapshot, Store, StoreError, Times, Until,
};
use uuid::Uuid;

/// A store under test, which may be closed and opened again.
pub trait Subject {
    fn store(&mut self) -> &mut dyn Store;
    fn reopen(&mut self);
}

pub struct InMemory(pub MemoryStore);

impl Subject for InMemory {
    fn store(&mut self) -> &mut dyn Store {
        &mut self.0
    }

    fn reopen(&mut self) {}
}

pub struct OnDisk {
    pub dir: tempfile::TempDir,
    options: DiskOptions,
    store: Option<DiskStore>,
}

impl OnDisk {
    pub fn new(options: DiskOptions) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        drop(DiskStore::create(&dir.path().join("log")).expect("a new log"));
        let mut subject = OnDisk { dir, options, store: None };
        subject.reopen();
        subject
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    pub fn close(&mut self) {
        self.store = None;
    }
}

impl Subject for OnDisk {
    fn store(&mut self) -> &mut dyn Store {
        self.store.as_mut().expect("an open store")
    }

    fn reopen(&mut self) {
        self.close();
        let opened = DiskStore::open_with(&self.log(), Duration::from_secs(10), self.options);
        self.store = Some(opened.expect("the log opens again"));
    }
}

/// Seals often, so that small logs have all there is.
pub const SMALL: DiskOptions = DiskOptions {
    open_events_max: 8,
    open_bytes_max: 4096,
    behind_max: 1,
    block_events_max: 4,
    block_bytes_full: 1024,
    merge_small: 128,
    merge_large: 512,
};

/// Runs a check on every store, several ways.
fn on_every_store(check: impl Fn(&mut dyn Subject)) {
    check(&mut InMemory(MemoryStore::new()));
    check(&mut OnDisk::new(DiskOptions::default()));
    check(&mut OnDisk::new(SMALL));
}

/// What is kept of the head's table.
pub trait AtHead {
    fn row_now(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    fn rows_now(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

impl<T: Store + ?Sized> AtHead for T {
    fn row_now(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.row(&self.head()?, key)
    }

    fn rows_now(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let head = self.head()?;
        let rows = self.rows(&head, prefix)?;
        assert_eq!(by_pieces(|after| self.rows_after(&head, prefix, after)), rows);
        Ok(rows)
    }
}

/// Returns rows that are read piece by piece.
pub fn by_pieces(
    rows_after: impl Fn(Option<&str>) -> Result<Vec<(String, Vec<u8>)>, StoreError>,
) -> Vec<(String, Vec<u8>)> {
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let piece = rows_after(after.as_deref()).expect("rows");
        let Some((last, _)) = piece.last() else { return rows };
        after = Some(last.clone());
        rows.extend(piece);
    }
}

pub fn command(number: u64) -> CommandId {
    CommandId::new(Uuid::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number))
}

pub fn time(micros: i64) -> Timestamp {
    let start = 1_700_000_000_000_000;
    Timestamp::new(DateTime::from_timestamp_micros(start + micros).expect("a time")).expect("a year")
}

/// The event at a place: recorded every 10 µs, and effective in steps of 30 µs.
pub fn entry(seq: u64) -> Entry {
    let times = Times { at: time(seq as i64 / 3 * 30), recorded_at: time(seq as i64 * 10) };
    Entry { command_id: command(seq), times, line: format!("{{\"seq\":{seq},\"text\":\"é\"}}") }
}

pub fn batch(entries: Vec<Entry>) -> Batch {
    Batch { entries, rows: RowChanges { fold_version: 1, ..RowChanges::default() } }
}

pub fn append(store: &mut dyn Store, batch: &Batch) -> Head {
    let head = store.head().expect("a head");
    match store.append(&head, batch).expect("an append") {
        Appended::Done(head) => head,
        other => panic!("expected the batch to be appended, found {other:?}"),
    }
}

/// Appends events one by one up to a place.
pub fn fill(store: &mut dyn Store, to: u64) {
    for seq in store.head().expect("a head").seq.number() + 1..=to {
        append(store, &batch(vec![entry(seq)]));
    }
}

fn rows(replace: bool, rows: &[(&str, Option<&str>)]) -> Batch {
    let rows = rows.iter().map(|(key, value)| ((*key).to_owned(), value.map(|value| value.into())));
    Batch { entries: Vec::new(), rows: RowChanges { fold_version: 1, replace, rows: rows.collect() } }
}

fn row_keys(store: &dyn Store, prefix: &str) -> Vec<String> {
    store.rows_now(prefix).expect("rows").into_iter().map(|(key, _)| key).collect()
}

#[test]
fn a_ledger_and_what_it_stands_on_may_go_to_another_thread() {
    fn is_send<T: Send + ?Sized>() {}
    is_send::<dyn Log>();
    is_send::<dyn Cache>();
    is_send::<dyn Store>();
    is_send::<MemoryStore>();
    is_send::<Ledger>();
    is_send::<Session<'static>>();
}

#[test]
fn an_empty_log() {
    on_every_store(|subject| {
        let store = subject.store();
        let head = store.head().expect("a head");
        assert_eq!(head.seq, Seq::ZERO);
        assert_eq!(head.root, Digest::sha256(b""));
        assert_eq!((head.times, head.fold_version), (None, None));
        assert_eq!(store.read(Seq::ZERO, 10).expect("no lines"), Vec::<String>::new());
        assert_eq!(store.find(command(1)).expect("no command"), None);
        assert_eq!(store.seek(Until::Through(time(5))).expect("a place"), Seq::ZERO);
        assert_eq!(store.row_now("a").expect("no row"), None);
        assert_eq!(store.rows_now("").expect("no rows"), vec![]);
        assert_eq!(store.snapshot(Seq::new(9)).expect("no snapshot"), None);
    });
}

#[test]
fn lines_come_back_byte_for_byte() {
    on_every_store(|subject| {
        for seq in 1..=40 {
            append(subject.store(), &batch(vec![entry(seq)]));
            if seq % 7 == 0 {
                subject.reopen();
            }
        }
        let store = subject.store();
        for after in 0..=41 {
            for limit in [0, 1, 3, 100] {
                let lines = store.read(Seq::new(after), limit).expect("lines");
                let expected = (after + 1..=40).take(limit).map(|seq| entry(seq).line);
                assert_eq!(lines, expected.collect::<Vec<_>>(), "{limit} after {after}");
                let bundle = store.bundle(Seq::new(after), limit).expect("a bundle");
                let (count, unpacked) = (bundle.count(), bundle.unpack().expect("lines"));
                assert_eq!(
                    (count == 0, unpacked.count()),
                    (lines.is_empty(), count),
                    "{limit} after {after}"
                );
                assert!(unpacked.iter().eq(&lines[..count]), "{limit} after {after}");
            }
        }
        assert_eq!(store.read(Seq::new(u64::MAX), 5).expect("no lines"), Vec::<String>::new());
    });
}

#[test]
fn the_root_is_the_tree_over_the_lines() {
    on_every_store(|subject| {
        let mut frontier = Frontier::default();
        for seq in 1..=30 {
            frontier.push(entry(seq).line.as_bytes());
            let head = append(subject.store(), &batch(vec![entry(seq)]));
            assert_eq!((head.seq, head.root), (Seq::new(seq), frontier.root()));
            for part in subject.store().check_beside().expect("it is whole") {
                let mut lines = Frontier::default();
                (1..=part.leaves()).for_each(|seq| lines.push(entry(seq).line.as_bytes()));
                assert!(part == lines && part.leaves() <= seq, "what the lines up to its end add up to");
            }
            assert_eq!((head.times, head.fold_version), (Some(entry(seq).times), Some(1)));
            subject.reopen();
            assert_eq!(subject.store().head().expect("a head"), head);
        }
    });
}

#[test]
fn an_append_elsewhere_than_at_the_head_writes_nothing() {
    on_every_store(|subject| {
        fill(subject.store(), 3);
        let head = subject.store().head().expect("a head");
        for wrong in [0, 2, 4, u64::MAX] {
            let wrong = Head { seq: Seq::new(wrong), ..head.clone() };
            let answer = subject.store().append(&wrong, &batch(vec![entry(4)])).expect("an answer");
            assert_eq!(answer, Appended::Conflict(head.clone()));
        }
        subject.reopen();
        assert_eq!(subject.store().head().expect("a head"), head);
        assert_eq!(subject.store().find(command(4)).expect("no command"), None);
    });
}

#[test]
fn commands_are_found_at_their_first_event() {
    on_every_store(|subject| {
        let mut seq = 0;
        for number in 1..=20 {
            let mut entries = Vec::new();
            for _ in 0..number % 6 + 1 {
                seq += 1;
                entries.push(Entry { command_id: command(number), ..entry(seq) });
            }
            append(subject.store(), &batch(entries));
        }
        let first = |number: u64| 1 + (1..number).map(|number| number % 6 + 1).sum::<u64>();
        // In the order in which a stream is sent again, against it, and across.
        let orders = [
            (1..=20).collect::<Vec<_>>(),
            (1..=20).rev().collect(),
            (1..=20).map(|number| number * 8 % 21).collect(),
        ];
        for order in orders.iter().chain(&orders) {
            for &number in order {
                let found = subject.store().find(command(number)).expect("a look-up");
                assert_eq!(found, Some(Seq::new(first(number))), "command {number}");
                let line = subject.store().read(Seq::new(first(number) - 1), 1).expect("a line");
                assert_eq!(line, [entry(first(number)).line], "command {number}");
            }
            assert_eq!(subject.store().find(command(999)).expect("a look-up"), None);
            subject.reopen();
        }
    });
}

#[test]
fn times_are_sought_and_told() {
    on_every_store(|subject| {
        fill(subject.store(), 45);
        subject.reopen();
        let store = subject.store();
        for micros in (-10..480).step_by(5) {
            for until in [Until::Through(time(micros)), Until::Before(time(micros))] {
                let included = |seq: &u64| until.includes(entry(*seq).times.recorded_at);
                let expected = (1..=45).filter(included).max().unwrap_or(0);
                let found = store.seek(until).expect("a place");
                assert_eq!(found, Seq::new(expected), "{until:?}");
            }
        }
        let times: Vec<_> = (1..=45).map(|seq| entry(seq).times).collect();
        crate::model::check_spans(&store.spans().expect("spans"), &times);
    });
}

#[test]
fn rows_change_with_the_events() {
    on_every_store(|subject| {
        append(
            subject.store(),
            &rows(false, &[("a/1", Some("one")), ("b", Some("b")), ("a/2", Some("two"))]),
        );
        append(subject.store(), &rows(false, &[("a/1", None), ("a/3", Some("x")), ("a/3", Some("three"))]));
        for _ in 0..2 {
            let store = subject.store();
            assert_eq!(store.row_now("a/1").expect("no row"), None);
            assert_eq!(store.row_now("a/3").expect("a row").as_deref(), Some(&b"three"[..]));
            assert_eq!(row_keys(store, "a/"), ["a/2", "a/3"]);
            assert_eq!(row_keys(store, ""), ["a/2", "a/3", "b"]);
            assert_eq!(row_keys(store, "c"), Vec::<String>::new());
            subject.reopen();
        }
        append(subject.store(), &rows(true, &[("c", Some("c"))]));
        subject.reopen();
        assert_eq!(row_keys(subject.store(), ""), ["c"]);
    });
}

#[test]
fn rows_are_those_of_one_head() {
    on_every_store(|subject| {
        let store = subject.store();
        append(store, &rows(false, &[("a", Some("one"))]));
        let forgotten = store.head().expect("a head");
        store.forget_cache().expect("the cache is forgotten");
        let before = store.head().expect("a head");
        let all = rows(true, &[("a", Some("two"))]);
        assert_eq!(store.append(&forgotten, &all).expect("an answer"), Appended::Conflict(before.clone()));
        append(store, &Batch { entries: vec![entry(1)], ..all });
        for gone in [&forgotten, &before] {
            let error = store.row(gone, "a").expect_err("another head");
            assert!(matches!(error, StoreError::Moved), "{error}");
            let error = store.rows(gone, "").expect_err("another head");
            assert!(matches!(error, StoreError::Moved), "{error}");
        }
        let head = store.head().expect("a head");
        assert_eq!(store.row(&head, "a").expect("a row").as_deref(), Some(&b"two"[..]));
        assert_eq!(store.rows(&head, "").expect("rows").len(), 1);
    });
}

#[test]
fn many_rows_and_large_rows() {
    on_every_store(|subject| {
        let key = |number: usize| format!("row/{number:05}/{}", "k".repeat(number % 50));
        let value = |number: usize, size: usize| Some(vec![number as u8; size]);
        let mut table = rows(true, &[]);
        table.rows.rows = (0..5000).map(|number| (key(number), value(number, 300))).collect();
        table.rows.rows.push((key(777), value(7, 5 << 20)));
        append(subject.store(), &table);
        for round in 0..20 {
            let mut change = rows(false, &[]);
            for number in (round * 250..round * 250 + 250).step_by(9) {
                let size = (number * 37) % 9000;
                change.rows.rows.push((key(number), value(number, size).filter(|_| number % 4 != 0)));
            }
            table.rows.rows.extend(change.rows.rows.clone());
            append(subject.store(), &change);
            subject.reopen();
        }
        let mut expected = MemoryStore::new();
        append(&mut expected, &table);
        assert_eq!(subject.store().rows_now("").expect("rows"), expected.rows_now("").expect("rows"));
        // A snapshot has them as they are kept: pages of few rows, and of many.
        append(subject.store(), &batch((1..=3000).map(entry).collect()));
        let snapshot = subject.store().snapshot(Seq::new(3000)).expect("snapshots");
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.seq == Seq::new(3000)) {
            assert_eq!(snapshot.rows, expected.rows_now("").expect("rows"));
        }
        for number in 0..5000 {
            let found = subject.store().row_now(&key(number)).expect("a row");
            assert_eq!(found, expected.row_now(&key(number)).expect("a row"), "{number}");
        }
    });
}

#[test]
fn large_lines_and_large_batches() {
    on_every_store(|subject| {
        let long = |seq| Entry { line: format!("{}{}", seq, "x".repeat(1 << 20)), ..entry(seq) };
        append(subject.store(), &batch(vec![entry(1), long(2), entry(3)]));
        append(subject.store(), &batch((4..=5000).map(entry).collect()));
        append(subject.store(), &batch(vec![long(5001)]));
        subject.reopen();
        fill(subject.store(), 5010);
        let lines = subject.store().read(Seq::ZERO, usize::MAX).expect("lines");
        let expected =
            (1..=5010).map(|seq| if seq == 2 || seq == 5001 { long(seq).line } else { entry(seq).line });
        assert!(lines.into_iter().eq(expected));
        for seq in [1, 2, 3, 4, 300, 4999, 5001, 5010] {
            assert_eq!(subject.store().find(command(seq)).expect("a look-up"), Some(Seq::new(seq)));
        }
    });
}

/// A snapshot of a table of two rows.
pub fn snapshot(seq: u64, row: &[u8]) -> Snapshot {
    let peaks = vec![[seq as u8; 32]; seq.count_ones() as usize];
    let rows = vec![("a".to_owned(), row.to_vec()), ("b".to_owned(), Vec::new())];
    let frontier = Frontier::from_parts(seq, peaks).expect("a peak for each bit");
    Snapshot { seq: Seq::new(seq), frontier, fold_version: 1, rows }
}

#[test]
fn snapshots_are_a_cache() {
    on_every_store(|subject| {
        fill(subject.store(), 20);
        let snapshot = |seq: u64, table: &[u8]| snapshot(seq, &table.repeat(100_000));
        for seq in [4, 11, 18] {
            subject.store().keep_snapshot(&snapshot(seq, b"table")).expect("a snapshot is kept");
        }
        subject.store().keep_snapshot(&snapshot(11, b"other")).expect("a snapshot is kept");
        subject.reopen();
        for (at_most, expected) in [(3, None), (4, Some(4)), (10, Some(4)), (17, Some(11)), (99, Some(18))] {
            let found = subject.store().snapshot(Seq::new(at_most)).expect("a snapshot");
            let table: &[u8] = if expected == Some(11) { b"other" } else { b"table" };
            assert_eq!(found, expected.map(|seq| snapshot(seq, table)), "at most {at_most}");
        }
        append(subject.store(), &rows(false, &[("a", Some("a"))]));
        subject.store().forget_cache().expect("the cache is forgotten");
        for _ in 0..2 {
            let store = subject.store();
            assert_eq!(store.snapshot(Seq::new(99)).expect("no snapshot"), None);
            assert_eq!(
                (store.row_now("a").expect("no row"), store.rows_now("").expect("no rows")),
                (None, vec![])
            );
            assert_eq!(store.head().expect("a head").fold_version, None);
            assert_eq!(store.read(Seq::ZERO, 100).expect("lines").len(), 20);
            subject.reopen();
        }
        // Changes to rows that are not there say nothing.
        append(subject.store(), &rows(false, &[("b", Some("b"))]));
        assert_eq!(row_keys(subject.store(), ""), Vec::<String>::new());
        assert_eq!(subject.store().head().expect("a head").fold_version, None);
        append(subject.store(), &rows(true, &[("b", Some("b"))]));
        assert_eq!(row_keys(subject.store(), ""), ["b"]);
    });
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    let mut subject = OnDisk::new(SMALL);
    fill(subject.store(), 2);
    let head = subject.store().head().expect("a head");
    let limits = subject.store().limits();
    let line = Entry { line: "x".repeat(limits.line_bytes_max + 1), ..entry(3) };
    let many = vec![Entry { line: String::new(), ..entry(3) }; limits.batch_events_max + 1];
    let key = "k".repeat(1025);
    for batch in [batch(vec![line]), batch(many), rows(false, &[(&key, Some("value"))])] {
        let answer = subject.store().append(&head, &batch);
        assert!(matches!(answer, Err(StoreError::TooLarge { .. })), "{answer:?}");
    }
    subject.reopen();
    assert_eq!(subject.store().head().expect("a head"), head);
}
