//! The store on disk against the one in memory, under random sequences of operations.

use phaseledger::model::{CommandId, Seq, Span};
use phaseledger::store::{
    Appended, Batch, Cache, DiskReader, Entry, Head, Log, MemoryStore, RowChanges, Sought, StoreError,
    TimeSpan, Times, Until,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::contract::{AtHead, OnDisk, SMALL, Subject, by_pieces, command, snapshot, time};

#[derive(Debug, Clone)]
enum Operation {
    Append { events: Vec<Event>, rows: Vec<(String, Option<usize>)>, replace: bool },
    AppendElsewhere { offset: i64 },
    Reopen,
    KeepSnapshot { at: u64, bytes: usize },
    ForgetCache,
}

#[derive(Debug, Clone)]
struct Event {
    /// Whether it is of the command that the event before it was of.
    same: bool,
    bytes: usize,
    step: i64,
}

fn event() -> impl Strategy<Value = Event> {
    let bytes = prop_oneof![8 => 0..200usize, 1 => 900..20_000usize];
    (any::<bool>(), bytes, select(vec![0, 0, 10, 30, -50])).prop_map(|(same, bytes, step)| Event {
        same,
        bytes,
        step,
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let row = ("[ab]{0,3}", prop_oneof![1 => Just(None), 3 => (0..3000usize).prop_map(Some)]);
    let rows =
        prop_oneof![9 => prop::collection::vec(row.clone(), 0..4), 1 => prop::collection::vec(row, 0..40)];
    let events =
        prop_oneof![9 => prop::collection::vec(event(), 0..5), 1 => prop::collection::vec(event(), 0..40)];
    let append = (events, rows, prop::bool::weighted(0.05));
    prop_oneof![
        12 => append.prop_map(|(events, rows, replace)| Operation::Append { events, rows, replace }),
        1 => select(vec![-1, 1, 1000]).prop_map(|offset| Operation::AppendElsewhere { offset }),
        3 => Just(Operation::Reopen),
        1 => (0..60u64, 0..30_000usize).prop_map(|(at, bytes)| Operation::KeepSnapshot { at, bytes }),
        1 => Just(Operation::ForgetCache),
    ]
}

/// Both stores, and where time stands.
struct Pair {
    memory: MemoryStore,
    disk: OnDisk,
    command: u64,
    at: i64,
    recorded_at: i64,
    times: Vec<Times>,
    /// How often rows were asked for, and how often there were any.
    asked: (u64, u64),
}

/// Checks that spans are of all places, in order, and tell between which times the events took effect.
pub fn check_spans(spans: &[TimeSpan], times: &[Times]) {
    let mut end = Seq::ZERO;
    for span in spans {
        assert_eq!(span.first, end.plus(1), "{spans:?}");
        end = span.last;
        let (first, last) = (span.first.number() as usize - 1, span.last.number() as usize);
        let at = |times: &[Times]| {
            (times.iter().map(|times| times.at).min(), times.iter().map(|times| times.at).max())
        };
        let (of_span, so_far) = (at(&times[first..last]), at(&times[..last]));
        assert_eq!((Some(span.at.0), Some(span.at.1)), of_span, "{span:?}");
        assert_eq!(Some(span.running), so_far.1, "{span:?}");
    }
    assert_eq!(end, Seq::new(times.len() as u64));
}

impl Pair {
    fn run(&mut self, operation: &Operation) {
        match operation {
            Operation::Append { events, rows, replace } => self.append(events, rows, *replace),
            Operation::AppendElsewhere { offset } => {
                let seq = self.memory.head().expect("a head").seq.number();
                let head = self.memory.head().expect("a head");
                let wrong = Head { seq: Seq::new(seq.wrapping_add_signed(*offset)), ..head };
                let answer = self.disk.store().append(&wrong, &Batch::default()).expect("an answer");
                assert_eq!(answer, Appended::Conflict(self.memory.head().expect("a head")));
            }
            Operation::Reopen => self.disk.reopen(),
            Operation::KeepSnapshot { at, bytes } => {
                let head = self.memory.head().expect("a head");
                // None is ever taken beyond the head: that would be damage.
                let snapshot = snapshot((*at).min(head.seq.number()), &vec![*at as u8; *bytes]);
                self.memory.keep_snapshot(&snapshot).expect("a snapshot is kept");
                self.disk.store().keep_snapshot(&snapshot).expect("a snapshot is kept");
            }
            Operation::ForgetCache => {
                self.memory.forget_cache().expect("the cache is forgotten");
                self.disk.store().forget_cache().expect("the cache is forgotten");
            }
        }
    }

    fn append(&mut self, events: &[Event], rows: &[(String, Option<usize>)], replace: bool) {
        self.recorded_at += 7;
        let mut entries = Vec::new();
        for event in events {
            self.at += event.step;
            let times = Times { at: time(self.at), recorded_at: time(self.recorded_at) };
            self.command += u64::from(!event.same);
            let line = self.line(entries.len(), event.bytes);
            entries.push(Entry { command_id: command(self.command), times, line });
        }
        let rows = rows.iter().map(|(key, bytes)| (key.clone(), bytes.map(|bytes| vec![bytes as u8; bytes])));
        let rows = RowChanges { fold_version: 3, replace, rows: rows.collect() };
        let batch = Batch { entries, rows };
        let expected = self.memory.head().expect("a head");
        let memory = self.memory.append(&expected, &batch).expect("an answer");
        let disk = self.disk.store().append(&expected, &batch).expect("an answer");
        assert_eq!(memory, disk);
        self.times.extend(batch.entries.iter().map(|entry| entry.times));
    }

    /// Returns a line that is an event's, as far as a store looks, or one that is none.
    fn line(&self, before: usize, bytes: usize) -> String {
        if bytes.is_multiple_of(4) {
            return format!("{:x}", self.command % 40 * 31).repeat(bytes);
        }
        let cause = (self.times.len() + before) / (1 + bytes % 3);
        let (kind, phase) = (self.command % 5, self.command % 3);
        let text = "x".repeat(bytes);
        format!(
            r#"{{"kind":"k{kind}","workflow":"w","phase":"p{phase}","causes":[{{"seq":{cause}}}],"text":"{text}"}}"#
        )
    }

    /// Checks that all events that are looked for are among the places that a store returns.
    fn check_places(&mut self, sought: Sought<'_>, mention: &str) {
        let head = self.memory.head().expect("a head").seq;
        let lines = self.memory.read(Seq::ZERO, usize::MAX).expect("lines");
        for (after, through) in [(0, head.number()), (head.number() / 3, head.number() / 2 + 1)] {
            let within = Span { after: Seq::new(after), through: Seq::new(through) };
            let found = self.disk.store().places_of(sought, within).expect("places");
            assert!(found.iter().all(|place| place > within.after && place <= head.min(within.through)));
            for (place, line) in (1..).zip(&lines).filter(|(place, _)| *place > after && *place <= through) {
                let is_meant = line.contains(mention);
                assert!(!is_meant || found.holds(Seq::new(place)), "{sought:?}: {place} of {found:?}");
            }
            let by_memory = self.memory.places_of(sought, within).expect("places");
            assert!(found.without(&by_memory).is_empty(), "memory keeps no index");
        }
    }

    /// Looks at the rows as whoever asks has them: those of the head, or none.
    fn ask(&mut self) {
        let asked = DiskReader::open(&self.disk.log()).expect("the log is read").store;
        let head = asked.head().expect("a head");
        let rows = |prefix: &str| asked.rows(&head, prefix);
        self.asked.0 += 1;
        if head.fold_version.is_none() || matches!(rows(""), Err(StoreError::Moved)) {
            return;
        }
        self.asked.1 += 1;
        assert_eq!(asked.head().expect("a head"), self.memory.head().expect("a head"));
        for prefix in ["", "a", "ab", "b", "bb", "c"] {
            assert_eq!(rows(prefix).expect("rows"), self.memory.rows_now(prefix).expect("rows"));
            let pieces = by_pieces(|after| asked.rows_after(&head, prefix, after));
            assert_eq!(pieces, rows(prefix).expect("rows"));
            let row = asked.row(&head, prefix).expect("a row");
            assert_eq!(row, self.memory.row_now(prefix).expect("a row"));
        }
    }

    /// Asks both everything. Of snapshots the disk may have fewer.
    fn compare(&mut self) {
        let disk = self.disk.store();
        let head = self.memory.head().expect("a head");
        assert_eq!(disk.head().expect("a head"), head);
        for (after, limit) in [(0, usize::MAX), (head.seq.number() / 2, 5)] {
            let lines = self.memory.read(Seq::new(after), limit).expect("lines");
            assert!(disk.read(Seq::new(after), limit).expect("lines") == lines, "{limit} after {after}");
        }
        for id in (0..self.command + 3).map(command).collect::<Vec<CommandId>>() {
            assert_eq!(disk.find(id).expect("a look-up"), self.memory.find(id).expect("a look-up"));
        }
        for micros in (0..=self.at.max(self.recorded_at) + 10).step_by(5) {
            for until in [Until::Through(time(micros)), Until::Before(time(micros))] {
                let expected = self.memory.seek(until).expect("a place");
                assert_eq!(disk.seek(until).expect("a place"), expected, "{until:?}");
            }
        }
        check_spans(&disk.spans().expect("spans"), &self.times);
        check_spans(&self.memory.spans().expect("spans"), &self.times);
        self.check_places(Sought::Kind("k2"), "\"kind\":\"k2\"");
        self.check_places(Sought::Phase("w/p1"), "\"phase\":\"p1\"");
        for place in (0..=self.times.len() as u64).step_by(9) {
            self.check_places(Sought::CausedBy(Seq::new(place)), &format!("{{\"seq\":{place}}}"));
        }
        let disk = self.disk.store();
        for prefix in ["", "a", "ab", "b", "bb", "c"] {
            assert_eq!(disk.rows_now(prefix).expect("rows"), self.memory.rows_now(prefix).expect("rows"));
            assert_eq!(disk.row_now(prefix).expect("a row"), self.memory.row_now(prefix).expect("a row"));
        }
        self.ask();
        // The disk takes some of its own, of another fold.
        let disk = self.disk.store();
        let kept = disk.snapshot(Seq::new(40)).expect("a snapshot").filter(|found| found.fold_version == 1);
        if let Some(found) = kept {
            assert_eq!(self.memory.snapshot(found.seq).expect("a snapshot"), Some(found));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_disk_does_what_memory_does(operations in prop::collection::vec(operation(), 1..40)) {
        let mut pair = Pair { memory: MemoryStore::new(), disk: OnDisk::new(SMALL), command: 0, at: 0, recorded_at: 0, times: Vec::new(), asked: (0, 0) };
        for operation in &operations {
            pair.run(operation);
        }
        pair.compare();
        pair.disk.reopen();
        pair.compare();
        // A batch of all rows puts right whatever was not noted.
        let whole = Operation::Append { events: Vec::new(), rows: vec![("a".to_owned(), Some(9))], replace: true };
        pair.run(&whole);
        pair.ask();
        prop_assert!(pair.asked.1 > 0, "nobody who asks has rows");
    }
}
