//! Caches that cannot be relied on: of another fold, forgotten, unreadable, or at odds with themselves. What they would
//! tell differs from what the log tells, so that whoever reads them is found out.

use phaseledger::ledger::Ledger;
use phaseledger::model::{Seq, TagName};
use phaseledger::rules::{FOLD_VERSION, Table, Tag};
use phaseledger::store::{
    Batch, Cache as _, DiskOptions, Frontier, Log as _, MemoryStore, RowChanges, Snapshot,
};

use crate::contract::{self, AtHead, OnDisk, Subject, append, fill};
use crate::tapped::{Shared, chain, command, now};

/// A log of everything that rows are kept of: tags and requests for approval too.
fn full() -> Shared {
    let shared = chain();
    let mut ledger = shared.calm();
    let lines = [
        r#"{"do":"tag","name":"here","seq":3}"#,
        r#"{"do":"approval_request","operation":"x","estimate":7,"items":1}"#,
        r#"{"do":"approval_request","operation":"y","estimate":7,"items":1,"phase":"c"}"#,
        r#"{"do":"rerun","phase":"a","reason":"why not"}"#,
        r#"{"do":"cost","phase":"a","amount":"0.25"}"#,
    ];
    for (number, line) in (20..).zip(lines) {
        ledger.submit(&command(&format!("full {number}"), line), now(number)).expect("it is legal");
    }
    shared
}

/// Returns a store with the lines and the rows of a log, and the head's table.
fn copied(shared: &Shared) -> (MemoryStore, Table) {
    let mut store = crate::tapped::without_rows(&shared.lines());
    let mut ledger = Ledger::new(Box::new(store.clone()));
    let head = ledger.head().expect("memory").seq;
    let table = ledger.table_at(head).expect("a table");
    assert!(!table.tags.is_empty() && table.approvals.len() == 2 && !table.dependants.is_empty());
    ledger.verify(true, |_| {}).expect("memory").expect("whole");
    append(&mut store, &Batch { entries: Vec::new(), rows: rows(&table, FOLD_VERSION) });
    (store, table)
}

/// Every row of a table, as docs/format.md has them.
fn rows(table: &Table, fold_version: u32) -> RowChanges {
    fn of<'a, K: std::fmt::Display>(
        kind: char,
        rows: impl IntoIterator<Item = (K, &'a (impl serde::Serialize + 'a))>,
    ) -> Vec<(String, Option<Vec<u8>>)> {
        let row = |(key, row)| (format!("{kind}/{key}"), Some(serde_json::to_vec(row).expect("a row")));
        rows.into_iter().map(row).collect()
    }
    let kinds = [
        of('w', &table.workflows),
        of('p', &table.phases),
        of('d', &table.dependants),
        of('t', &table.tags),
        of('a', &table.approvals),
    ];
    RowChanges { fold_version, replace: true, rows: kinds.concat() }
}

/// A table that the log does not lead to, in every kind of row.
fn untrue(table: &Table) -> Table {
    let mut untrue = table.clone();
    for workflow in untrue.workflows.values_mut() {
        workflow.description = Some("untrue".to_owned());
    }
    untrue.phases.pop_last().expect("a phase");
    untrue.dependants.pop_last().expect("one that others need");
    untrue.approvals.pop_last().expect("a request");
    let tag = Tag { seq: Seq::new(1), set: Seq::new(2) };
    untrue.tags.insert(TagName::new("untrue").expect("a name"), tag);
    untrue
}

/// Checks every question that rows could answer, before and after a command that writes some.
fn right(store: &MemoryStore, table: &Table, what: &str) {
    let open = || Ledger::new(Box::new(store.clone()));
    let mut ledger = open();
    assert!(ledger.table().expect("a table") == *table, "{what}: the table");
    let head = ledger.head().expect("a head");
    assert!(ledger.small_table_of(&head).expect("tags").tags == table.tags, "{what}: the tags");
    assert!(ledger.approvals_of(&head, "").expect("approvals") == table.approvals, "{what}: the requests");
    for request in table.approvals.keys() {
        let found = ledger.approvals_of(&head, &request.to_string()[..8]).expect("approvals");
        assert!(found.keys().eq([request]), "{what}: one request");
    }
    assert!(ledger.approvals_of(&head, "ffffffff").expect("approvals").is_empty(), "{what}: no request");
    let told = ledger.verify(false, |_| {}).expect("memory").expect("whole");
    assert!(told.rows_match, "{what}: rows that nobody reads match");
    for line in [r#"{"do":"note","text":"x"}"#, r#"{"do":"start","phase":"a"}"#] {
        let mut ledger = open();
        ledger.submit(&command("next", line), now(90)).expect("it is legal");
        let head = ledger.head().expect("memory");
        assert_eq!(head.fold_version, Some(FOLD_VERSION), "{what}: rows are written anew");
        assert!(
            ledger.table().expect("rows") == ledger.table_at(head.seq).expect("a table"),
            "{what}: {line}"
        );
        assert!(ledger.verify(false, |_| {}).expect("memory").expect("whole").rows_match, "{what}: {line}");
    }
    assert!(ledger.preview(&command("next", r#"{"do":"start","phase":"c"}"#), now(90)).is_err(), "{what}");
}

#[test]
fn found_41_rows_of_another_fold_or_of_none_answer_nothing() {
    let (store, table) = copied(&full());
    right(&store, &table, "rows as they are");
    for version in [0, FOLD_VERSION - 1, FOLD_VERSION + 1, u32::MAX] {
        let mut foreign = store.clone();
        append(&mut foreign, &Batch { entries: Vec::new(), rows: rows(&untrue(&table), version) });
        assert_eq!(foreign.head().expect("memory").fold_version, Some(version));
        right(&foreign, &table, &format!("version {version}"));
        foreign.forget_cache().expect("memory");
        assert_eq!(foreign.rows_now("").expect("memory"), []);
        right(&foreign, &table, &format!("version {version}, forgotten"));
    }
    // They would tell something else: under this fold's version they are believed.
    let mut believed = store.clone();
    append(&mut believed, &Batch { entries: Vec::new(), rows: rows(&untrue(&table), FOLD_VERSION) });
    let mut ledger = Ledger::new(Box::new(believed));
    assert!(ledger.table().expect("rows") == untrue(&table));
    let head = ledger.head().expect("a head");
    assert_eq!(ledger.small_table_of(&head).expect("rows").tags.len(), 2);
    assert_eq!(ledger.approvals_of(&head, "").expect("rows").len(), 1);
    assert!(!ledger.verify(false, |_| {}).expect("memory").expect("whole").rows_match);
    assert!(!ledger.verify(true, |_| {}).expect("memory").expect("whole").rows_match);
    assert!(ledger.table().expect("rows") == table, "rebuilt");
}

/// A snapshot of a table, with the tree over so many lines, as the library writes it.
fn snapshot(seq: Seq, frontier: &Frontier, table: &Table, fold_version: u32) -> Snapshot {
    let rows = rows(table, fold_version).rows.into_iter();
    let mut rows: Vec<_> = rows.map(|(key, value)| (key, value.expect("a row"))).collect();
    rows.sort();
    Snapshot { seq, frontier: frontier.clone(), fold_version, rows }
}

fn frontier(lines: &[String]) -> Frontier {
    let mut frontier = Frontier::default();
    lines.iter().for_each(|line| frontier.push(line.as_bytes()));
    frontier
}

#[test]
fn found_41_a_snapshot_that_cannot_be_relied_on_is_none() {
    let shared = full();
    let lines = shared.lines();
    let (store, table) = copied(&shared);
    let calm = shared.calm();
    let head = Seq::new(lines.len() as u64);
    for seq in [head, head.minus(1), Seq::new(7)] {
        let right = calm.table_at(seq).expect("a table");
        let known = &lines[..seq.number() as usize];
        let untrue = Table { head: seq, ..untrue(&table) };
        let whole = frontier(known);
        let good = snapshot(seq, &whole, &untrue, FOLD_VERSION);
        let mut cut = good.rows.clone();
        cut[0].1.pop();
        let cases = [
            ("an older fold", snapshot(seq, &whole, &untrue, FOLD_VERSION - 1)),
            ("a newer fold", snapshot(seq, &whole, &untrue, FOLD_VERSION + 1)),
            ("a row cut short", Snapshot { rows: cut, ..good.clone() }),
            ("fewer peaks", snapshot(seq, &frontier(&known[..4]), &untrue, FOLD_VERSION)),
        ];
        for (what, spoilt) in cases {
            let mut store = store.clone();
            // One before it is as good as it was, or as bad.
            for earlier in [None, Some(3)] {
                if let Some(place) = earlier {
                    store
                        .keep_snapshot(&Snapshot { seq: Seq::new(place), ..spoilt.clone() })
                        .expect("memory");
                }
                store.keep_snapshot(&spoilt).expect("memory");
                let ledger = Ledger::new(Box::new(store.clone()));
                assert!(ledger.table_at(seq).expect("a table") == right, "{what} at {seq}");
                assert_eq!(ledger.root_at(seq).expect("a root"), whole.root(), "{what} at {seq}");
                assert!(ledger.table_at(head).expect("a table") == table, "{what} at {seq}");
                let before = (seq.minus(1), &lines[..known.len() - 1]);
                assert_eq!(ledger.root_at(before.0).expect("a root"), frontier(before.1).root(), "{what}");
            }
        }
        // It would tell something else: one that is at odds with nothing is believed.
        let mut store = store.clone();
        store.keep_snapshot(&good).expect("memory");
        assert!(Ledger::new(Box::new(store)).table_at(seq).expect("a table") == untrue);
    }
}

/// A snapshot of which the tree is not that of the lines is none, where the fold that follows can tell.
#[test]
fn found_41_a_snapshot_that_is_at_odds_with_the_log_is_none() {
    let shared = full();
    let lines = shared.lines();
    let (store, table) = copied(&shared);
    let seq = Seq::new(lines.len() as u64);
    let mut other = lines.clone();
    other[0].push(' ');
    let mut spoilt = store;
    spoilt.keep_snapshot(&snapshot(seq, &frontier(&other), &untrue(&table), FOLD_VERSION)).expect("memory");
    assert!(Ledger::new(Box::new(spoilt)).table_at(seq).expect("a table") == table);
}

/// On disk, what a crash left of the newest snapshot is passed over for the one before it.
#[test]
fn found_41_the_newest_snapshot_cannot_be_read_from_disk() {
    for garble in [|value: &mut Vec<u8>| value.clear(), |value: &mut Vec<u8>| value.truncate(value.len() / 2)]
    {
        let mut subject = OnDisk::new(DiskOptions::default());
        fill(subject.store(), 9);
        for seq in [3, 6, 9] {
            subject.store().keep_snapshot(&contract::snapshot(seq, b"row")).expect("it is kept");
        }
        subject.close();
        let newest = subject.log().join("snapshots/00000000000000000009.snap");
        let mut bytes = std::fs::read(&newest).expect("a snapshot");
        garble(&mut bytes);
        std::fs::write(&newest, bytes).expect("a file");
        subject.reopen();
        for (at_most, expected) in [(99, Some(6)), (9, Some(6)), (6, Some(6)), (5, Some(3)), (2, None)] {
            let found = subject.store().snapshot(Seq::new(at_most)).expect("a snapshot");
            assert_eq!(found, expected.map(|seq| contract::snapshot(seq, b"row")), "at most {at_most}");
        }
    }
}

/// A row of this fold that cannot be read is damage that is told, and made anew from the log.
#[test]
fn found_41_a_row_that_cannot_be_read_is_told() {
    let (store, table) = copied(&full());
    let keys: Vec<_> = store.rows_now("").expect("memory").into_iter().map(|(key, _)| key).collect();
    for key in keys {
        let mut spoilt = store.clone();
        let rows = RowChanges {
            fold_version: FOLD_VERSION,
            replace: false,
            rows: vec![(key.clone(), Some(b"?".to_vec()))],
        };
        append(&mut spoilt, &Batch { entries: Vec::new(), rows });
        let mut ledger = Ledger::new(Box::new(spoilt));
        let told = ledger.table().expect_err("it cannot be read").to_string();
        assert_eq!(told.split(':').next(), Some("the ledger is damaged"), "{key}: {told}");
        assert!(told.contains(&format!("the row `{key}` cannot be read")), "{told}");
        assert!(ledger.table_at(table.head).expect("the log is whole") == table);
        assert_eq!(ledger.verify(false, |_| {}).expect_err("it cannot be compared").to_string(), told);
        let verified = ledger.verify(true, |_| {}).expect("memory").expect("the log is whole");
        assert!(verified.rebuilt && !verified.rows_match, "{key}");
        assert!(ledger.table().expect("rows") == table, "{key}");
        assert!(ledger.verify(false, |_| {}).expect("memory").expect("whole").rows_match, "{key}");
    }
}
