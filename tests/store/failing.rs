//! Writes that fail, each in its turn: nothing is half written, and what was acknowledged is there.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use phaseledger::ledger::{Answer, AnswerStatus, EXPORT_SCHEMA, ExportEnd, Ledger, LedgerError, restore};
use phaseledger::model::{Command, Recorded, Seq};
use phaseledger::store::{Batch, Cache, Log, MemoryStore, Snapshot, StoreError};

use phaseledger::rules::FOLD_VERSION;

use crate::contract::{AtHead, append, batch, snapshot};
use crate::tapped::{Call, Shared, Turn, chain, command, now, without_rows};

const FAILURES: [Turn; 3] = [Turn::Fails, Turn::InDoubt { written: false }, Turn::InDoubt { written: true }];

/// Opens a ledger whose write with a number fails.
fn failing(shared: &Shared, nth: u32, how: Turn) -> (Ledger, Arc<AtomicBool>) {
    let failed = Arc::new(AtomicBool::new(false));
    let (told, writes) = (Arc::clone(&failed), AtomicU32::new(0));
    let ledger = shared.tapped(move |call| {
        let is_write = matches!(call, Call::Append | Call::KeepSnapshot | Call::ForgetCache);
        if is_write && writes.fetch_add(1, Ordering::Relaxed) + 1 == nth {
            told.store(true, Ordering::Relaxed);
            return how;
        }
        Turn::Goes
    });
    (ledger, failed)
}

/// Commands that touch every sort of row, and reach others.
fn script() -> Vec<Command> {
    let lines = [
        r#"{"do":"start","phase":"c"}"#,
        r#"{"do":"rerun","phase":"a","reason":"why not"}"#,
        r#"{"do":"complete","phase":"c"}"#,
        r#"{"do":"tag","name":"here"}"#,
        r#"{"do":"start","phase":"a"}"#,
        r#"{"do":"cost","phase":"a","amount":"0.25"}"#,
        r#"{"do":"approval_request","operation":"x","estimate":7,"items":1}"#,
        r#"{"do":"complete","phase":"a"}"#,
        r#"{"do":"note","text":"done"}"#,
    ];
    (0..).zip(lines).map(|(number, line): (u32, _)| command(&format!("mine {number}"), line)).collect()
}

fn events(shared: &Shared) -> Vec<Recorded> {
    shared.lines().iter().map(|line| Recorded::from_line(line).expect("an event")).collect()
}

fn check(shared: &Shared, acknowledged: &[Answer], what: &str) {
    let events = events(shared);
    for answer in acknowledged.iter().filter(|answer| answer.status == AnswerStatus::Appended) {
        let start = answer.seq.number() as usize - 1;
        assert_eq!(events[start..start + answer.events.len()], answer.events, "{what}");
    }
    let mut calm = shared.calm();
    let verified = calm.verify(false, |_| {}).expect("memory").expect("nothing is damaged");
    assert!(verified.rows_match, "{what}: the rows are not those of the lines");
    assert!(calm.table().expect("a table") == calm.table_at(verified.seq).expect("a table"), "{what}");
}

#[test]
fn found_42_an_append_that_fails_is_no_half_command() {
    for how in FAILURES {
        for nth in 1.. {
            let what = format!("{how:?}, write {nth}");
            let shared = chain();
            let (mut ledger, failed) = failing(&shared, nth, how);
            let mut acknowledged = Vec::new();
            for (number, command) in (60..).zip(&script()) {
                let before = shared.lines();
                match ledger.submit(command, now(number)) {
                    Ok(answer) => acknowledged.push(answer),
                    Err(LedgerError::Store(StoreError::Io { .. })) => {
                        assert_eq!(shared.lines(), before, "{what}")
                    }
                    Err(LedgerError::Store(StoreError::Unknown)) => {
                        assert_eq!(
                            shared.lines().len() > before.len(),
                            how == Turn::InDoubt { written: true }
                        );
                    }
                    Err(error) => panic!("{what}: {error}"),
                }
                check(&shared, &acknowledged, &what);
                // Sent again, as the hint says, it is there once.
                let again =
                    ledger.submit(command, now(number)).unwrap_or_else(|error| panic!("{what}: {error}"));
                let found = events(&shared).iter().filter(|event| event.id == command.id.event(0)).count();
                assert_eq!(found, 1, "{what}");
                acknowledged.push(again);
            }
            check(&shared, &acknowledged, &what);
            let calm = chain();
            for (number, command) in (60..).zip(&script()) {
                calm.calm().submit(command, now(number)).expect("it is legal");
            }
            assert_eq!(shared.lines(), calm.lines(), "{what}");
            if !failed.load(Ordering::Relaxed) {
                assert!(nth > 9, "every write has had its turn");
                break;
            }
        }
    }
}

#[test]
fn found_42_a_batch_that_fails_is_there_as_a_whole_or_not_at_all() {
    for how in FAILURES {
        let shared = chain();
        let before = shared.lines().len();
        let (mut ledger, _) = failing(&shared, 1, how);
        let mut session = ledger.session().expect("memory");
        let staged: usize = script()
            .iter()
            .map(|command| session.stage(command, now(60)).expect("it is legal").events.len())
            .sum();
        session.commit().expect_err("it fails");
        let written = if how == (Turn::InDoubt { written: true }) { staged } else { 0 };
        assert_eq!(shared.lines().len() - before, written, "{how:?}");
        check(&shared, &[], &format!("{how:?}"));
    }
}

#[test]
fn found_42_a_rebuild_that_fails_loses_nothing() {
    for how in FAILURES {
        for nth in 1..=2 {
            let what = format!("{how:?}, write {nth}");
            let shared = chain();
            let lines = shared.lines();
            let (mut ledger, failed) = failing(&shared, nth, how);
            let rebuilt = ledger.verify(true, |_| {});
            assert!(rebuilt.is_err() && failed.load(Ordering::Relaxed), "{what}");
            assert_eq!(shared.lines(), lines, "{what}");
            check(&shared, &[], &what);
            ledger.submit(&script()[1], now(60)).unwrap_or_else(|error| panic!("{what}: {error}"));
            check(&shared, &[], &what);
        }
    }
}

/// Opens a ledger on a copy of a store.
fn over(store: &MemoryStore) -> Ledger {
    Ledger::new(Box::new(store.clone()))
}

#[test]
fn found_41_rows_that_are_foreign_or_forgotten_are_not_read() {
    let shared = chain();
    let (store, right) = (without_rows(&shared.lines()), shared.calm());
    let expected = right.table().expect("a table");
    // Forgotten.
    let ledger = over(&store);
    assert!(ledger.table().expect("a table") == expected);
    let head = ledger.head().expect("a head");
    assert!(ledger.small_table_of(&head).expect("tags").tags == expected.tags);
    assert!(ledger.approvals_of(&head, "").expect("approvals") == expected.approvals);
    // Of another version of the fold, and nonsense to this one.
    let mut foreign = store.clone();
    let mut rows = batch(Vec::new()).rows;
    rows.fold_version = u32::MAX;
    rows.replace = true;
    rows.rows =
        ["w/w", "p/w/a", "t/x", "a/x", "d/w/a"].map(|key| (key.to_owned(), Some(b"?".to_vec()))).into();
    append(&mut foreign, &Batch { entries: Vec::new(), rows });
    assert_eq!(foreign.rows_now("").expect("rows").len(), 5);
    let mut ledger = over(&foreign);
    assert!(ledger.table().expect("a table") == expected);
    let head = ledger.head().expect("a head");
    assert!(ledger.small_table_of(&head).expect("tags").tags == expected.tags);
    assert!(ledger.approvals_of(&head, "").expect("approvals") == expected.approvals);
    ledger.submit(&script()[1], now(60)).expect("it is legal");
    assert!(
        ledger.table().expect("a table")
            == ledger.table_at(ledger.head().expect("a head").seq).expect("a table")
    );
    assert!(ledger.verify(false, |_| {}).expect("memory").expect("no damage").rows_match);
}

#[test]
fn found_41_a_snapshot_that_cannot_be_read_is_none() {
    let shared = chain();
    let (store, right) = (without_rows(&shared.lines()), shared.calm());
    let expected = right.table().expect("a table");
    let head = store.head().expect("a head");
    for (fold_version, row) in [(u32::MAX, &b"{}"[..]), (FOLD_VERSION, b"?"), (0, b"")] {
        let mut spoilt = store.clone();
        for seq in [1, 4, head.seq.number()] {
            let rows = vec![("p/w/a".to_owned(), row.to_vec())];
            spoilt.keep_snapshot(&Snapshot { fold_version, rows, ..snapshot(seq, b"") }).expect("memory");
        }
        let ledger = over(&spoilt);
        assert!(ledger.table_at(head.seq).expect("a table") == expected);
        assert_eq!(ledger.root_at(Seq::new(4)).expect("a root"), right.root_at(Seq::new(4)).expect("a root"));
        assert!(
            ledger.table_at(Seq::new(5)).expect("a table") == right.table_at(Seq::new(5)).expect("a table")
        );
    }
}

/// More events than a restore makes durable together.
const MANY: usize = 18_000;

/// The commands of a restore are there as a whole or not at all, also where it fails between two of its batches.
#[test]
fn found_42_a_restore_that_fails_leaves_whole_commands() {
    let whole = chain();
    let mut ledger = whole.calm();
    let mut session = ledger.session().expect("memory");
    let reset =
        |number: usize| command(&format!("reset {number}"), r#"{"do":"reset","all":true,"reason":"again"}"#);
    // Four events each.
    for number in 0..MANY / 4 {
        session.stage(&reset(number), now(60)).expect("it is legal");
    }
    session.commit().expect("memory");
    let head = ledger.head().expect("memory");
    let end = ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events: head.seq.number(), root: head.root };
    let mut export = whole.lines();
    export.push(serde_json::to_string(&end).expect("an end"));
    let (export, events) = (export.join("\n"), events(&whole));
    let mut left = Vec::new();
    for nth in 1..=3 {
        let restored = Shared::default();
        let (mut ledger, failed) = failing(&restored, nth, Turn::Fails);
        let done = restore(&mut ledger, Cursor::new(export.as_bytes()), |_| {});
        // The third one is a snapshot, which is a cache.
        assert!(failed.load(Ordering::Relaxed), "write {nth}");
        assert_eq!(done.is_err(), nth < 3, "write {nth}: {:?}", done.err());
        let there = restored.lines().len();
        let is_whole =
            there == 0 || there == events.len() || events[there - 1].command_id != events[there].command_id;
        assert!(is_whole, "write {nth}: the command of event {there} is there in part");
        left.push(there);
    }
    assert!(left[0] == 0 && left[1] > 16_000 && left[1] < MANY && left[2] == events.len(), "{left:?}");
}
