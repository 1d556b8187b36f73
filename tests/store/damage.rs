//! Damage: whatever happens to the files, a log is what was acknowledged, or an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use phaseledger::model::Seq;
use phaseledger::store::{Batch, DiskStore, RowChanges, Store, StoreError};

use crate::contract::{OnDisk, SMALL, Subject, append, command, entry};
use crate::folder::{copy, files};
use crate::numbers::{Numbers, setting};
use crate::patience::in_time;

const EVENTS: u64 = 300;

type Contents = (Vec<String>, Vec<(String, Vec<u8>)>);

/// A log with sealed and unsealed events and rows, closed.
fn log_to_damage() -> (OnDisk, Contents) {
    let mut subject = OnDisk::new(SMALL);
    for seq in 1..=EVENTS {
        let rows = vec![(format!("row/{:03}", seq * 7 % 150), Some(vec![seq as u8; 200]))];
        let rows = RowChanges { fold_version: 1, replace: false, rows };
        append(subject.store(), &Batch { entries: vec![entry(seq)], rows });
        if seq % 100 == 0 {
            subject.reopen();
        }
    }
    let contents = contents(subject.store()).expect("an undamaged log");
    subject.close();
    (subject, contents)
}

fn contents(store: &dyn Store) -> Result<Contents, StoreError> {
    let lines = store.read(Seq::ZERO, usize::MAX)?;
    for seq in [1, 2, EVENTS / 2, EVENTS - 1, EVENTS] {
        assert_eq!(store.find(command(seq))?, Some(Seq::new(seq)));
    }
    Ok((lines, store.rows("")?))
}

fn damage(file: &Path, numbers: &mut Numbers) -> String {
    let mut bytes = fs::read(file).expect("a file");
    let length = bytes.len() as u64;
    let what = match numbers.below(4) {
        _ if length == 0 => "left empty".to_owned(),
        0 => {
            let to = numbers.below(length);
            bytes.truncate(to as usize);
            format!("cut to {to} of {length}")
        }
        1 => {
            let (start, count) = (numbers.below(length), 1 + numbers.below(5000));
            let end = (start + count).min(length);
            bytes[start as usize..end as usize].fill(0);
            format!("zeroed {start}..{end}")
        }
        _ => {
            let (at, bit) = (numbers.below(length), numbers.below(8));
            bytes[at as usize] ^= 1 << bit;
            format!("bit {bit} of {at} flipped")
        }
    };
    fs::write(file, bytes).expect("a file");
    format!("{}: {what}", file.display())
}

/// Opens and reads a log; a call that never returns is noticed.
fn read_all(log: PathBuf) -> Result<Contents, StoreError> {
    in_time("an answer", move || {
        DiskStore::open_with(&log, Duration::ZERO, SMALL).and_then(|store| contents(&store))
    })
}

#[test]
fn a_damaged_log_is_whole_or_an_error() {
    let rounds = setting("PHASELEDGER_DAMAGE_ROUNDS", 120);
    let (subject, expected) = log_to_damage();
    let (mut whole, mut damaged, mut refused) = (0, 0, 0);
    for round in 0..rounds {
        let mut numbers = Numbers(round);
        let log = subject.dir.path().join(format!("damaged-{round}"));
        copy(&subject.log(), &log);
        let files = files(&log);
        let file = &files[numbers.below(files.len() as u64) as usize];
        let what = damage(file, &mut numbers);
        match read_all(log.clone()) {
            Ok(found) => {
                assert!(found == expected, "round {round}, {what}: {} lines", found.0.len());
                whole += 1;
            }
            Err(StoreError::Damaged { .. }) => damaged += 1,
            Err(StoreError::Io { .. }) => refused += 1,
            Err(other) => panic!("round {round}, {what}: {other}"),
        }
        fs::remove_dir_all(log).expect("a directory goes");
    }
    println!("{whole} whole, {damaged} damaged, {refused} refused");
    assert!(damaged > 0 && whole > 0);
}
