//! What an event touches: the rows beside the log are those of the whole table after every command.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use phaseledger::model::{Recorded, Seq};
use phaseledger::rules::{Table, evolve};
use phaseledger::store::Log;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde::Serialize;

use crate::generate::{Sent, plans};
use crate::play::{Shared, blameless, cases, submit};

/// The seed of the histories: that of `PROPTEST_RNG_SEED`, or else another each time.
fn seed(config: &Config) -> u64 {
    match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |now| now.as_micros() as u64)
        }
    }
}

/// Whatever is sent, by a session for each command or one for all: after each of them, every row that is kept
/// beside the log is that of the table which the log adds up to, byte for byte, and there is no other.
#[test]
fn rows_are_those_of_the_whole_table_after_each_command() {
    let config = cases(1_000);
    let seed = seed(&config);
    println!("PROPTEST_RNG_SEED={seed}");
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..config };
    let strategy = (plans(6), any::<bool>());
    let kept = TestRunner::new(config).run(&strategy, |(plan, one_session)| {
        let shared = Shared::default();
        let mut followed = Followed::default();
        let mut ledger = shared.ledger();
        if one_session {
            let mut session = ledger.session().expect("memory");
            for Sent { command, now } in &plan.sent() {
                let _ = blameless(session.stage(command, *now));
                session.commit().expect("memory");
                followed.check(&shared);
            }
        } else {
            for sent in &plan.sent() {
                let _ = submit(&mut ledger, sent);
                followed.check(&shared);
            }
        }
        Ok(())
    });
    assert!(kept.is_ok(), "{}", kept.expect_err("a history"));
}

/// The table that the log so far adds up to.
#[derive(Default)]
struct Followed(Table);

impl Followed {
    fn check(&mut self, shared: &Shared) {
        let Followed(table) = self;
        for line in shared.read(table.head, usize::MAX).expect("memory") {
            let record = Recorded::from_line(&line).expect("a line");
            evolve(table, &record).expect("follows");
        }
        let found: BTreeMap<String, Vec<u8>> = shared.all_rows().into_iter().collect();
        let expected = if table.head == Seq::ZERO { BTreeMap::new() } else { rows(table) };
        if found != expected {
            let differs = |key: &&String| found.get(*key) != expected.get(*key);
            let key = found.keys().chain(expected.keys()).find(differs).expect("one that differs");
            let text = |row: Option<&Vec<u8>>| row.map(|row| String::from_utf8_lossy(row).into_owned());
            let (found, expected) = (text(found.get(key)), text(expected.get(key)));
            panic!("the row `{key}` at {} is {found:?}, expected {expected:?}", table.head);
        }
    }
}

/// Every row of a table, as docs/format.md has them.
fn rows(table: &Table) -> BTreeMap<String, Vec<u8>> {
    fn of<K: std::fmt::Display>(
        kind: char,
        rows: &BTreeMap<K, impl Serialize>,
    ) -> impl Iterator<Item = (String, Vec<u8>)> {
        let bytes = |row| serde_json::to_vec(row).expect("a row");
        rows.iter().map(move |(key, row)| (format!("{kind}/{key}"), bytes(row)))
    }
    let rows = of('w', &table.workflows).chain(of('p', &table.phases)).chain(of('d', &table.dependants));
    let rows = rows.chain(of('t', &table.tags)).chain(of('a', &table.approvals));
    rows.chain(of('r', &table.reverted)).collect()
}
