//! Damage: whatever happens to the files, a log is what was acknowledged, or an error, for who asks and for who records.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use phaseledger::model::Seq;
use phaseledger::store::{Batch, DiskReader, DiskStore, RowChanges, Store, StoreError};

use crate::contract::{OnDisk, SMALL, Subject, append, command, entry, snapshot};
use crate::folder::{self, Tree, copy, files};
use crate::numbers::{Numbers, setting};
use crate::patience::in_time;

const EVENTS: u64 = 303;

/// The lines, and the rows where there are some.
type Contents = (Vec<String>, Option<Vec<(String, Vec<u8>)>>);

/// A log with segments, a journal, rows and snapshots, closed; what it holds; and what its files were some time before.
fn log_to_damage() -> (OnDisk, Contents, Tree) {
    let mut subject = OnDisk::new(SMALL);
    let (mut older, mut table) = (Tree::new(), BTreeMap::new());
    for seq in 1..=EVENTS {
        let row = (format!("row/{:03}", seq * 7 % 150), Some(vec![seq as u8; 200]));
        table.extend([row.clone()]);
        // A worn folder is not kept: as a ledger does, who finds no rows puts all of them.
        let replace = subject.store().head().expect("a head").fold_version.is_none();
        let rows = if replace { table.clone().into_iter().collect() } else { vec![row] };
        let rows = RowChanges { fold_version: 1, replace, rows };
        append(subject.store(), &Batch { entries: vec![entry(seq)], rows });
        if seq % 100 == 0 {
            subject.store().keep_snapshot(&snapshot(seq, b"row")).expect("it is kept");
            subject.close();
            older = folder::tree(&subject.log());
            subject.reopen();
        }
    }
    let contents = contents(subject.store()).expect("an undamaged log");
    subject.reopen();
    let head = subject.store().head().expect("a head");
    assert!(contents.1.is_some() && head.fold_version.is_some(), "its folder is kept, with the rows");
    subject.close();
    (subject, contents, older)
}

fn contents(store: &dyn Store) -> Result<Contents, StoreError> {
    let lines = store.read(Seq::ZERO, usize::MAX)?;
    for seq in [1, 2, EVENTS / 2, EVENTS - 1, EVENTS] {
        assert_eq!(store.find(command(seq))?, Some(Seq::new(seq)));
    }
    let head = store.head()?;
    let rows = match head.fold_version.map(|_| store.rows(&head, "")).transpose() {
        // Those of the head are not to be had: the lines tell the same.
        Err(StoreError::Moved) => None,
        rows => rows?,
    };
    Ok((lines, rows))
}

/// Damages a file, by itself or by what another one had.
fn damage(file: &Path, others: &[PathBuf], older: Option<&Vec<u8>>, numbers: &mut Numbers) -> String {
    let mut bytes = fs::read(file).expect("a file");
    let length = bytes.len() as u64;
    let what = match numbers.below(8) {
        0 => {
            fs::remove_file(file).expect("it goes");
            return format!("{}: gone", file.display());
        }
        1 => {
            let other = &others[numbers.below(others.len() as u64) as usize];
            let swapped = fs::read(other).expect("a file");
            fs::write(other, &bytes).expect("a file");
            fs::write(file, swapped).expect("a file");
            return format!("{} and {}: swapped", file.display(), other.display());
        }
        2 if older.is_some() => {
            bytes = older.expect("as above").clone();
            "of an older copy".to_owned()
        }
        _ if length == 0 => "left empty".to_owned(),
        3 => {
            let to = numbers.below(length);
            bytes.truncate(to as usize);
            format!("cut to {to} of {length}")
        }
        4 => {
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

/// Asks, then opens to record, and reads; a call that never returns is noticed.
fn read_all(log: PathBuf) -> [Result<Contents, StoreError>; 2] {
    in_time("an answer", move || {
        let asked = DiskReader::open(&log).and_then(|opened| contents(&*opened.store));
        let opened = DiskStore::open_with(&log, Duration::ZERO, SMALL).and_then(|store| contents(&store));
        [asked, opened]
    })
}

#[test]
fn a_damaged_log_is_whole_or_an_error() {
    let rounds = setting("PHASELEDGER_DAMAGE_ROUNDS", 240);
    let (subject, expected, older) = log_to_damage();
    let (mut whole, mut damaged, mut refused) = (0, 0, 0);
    for round in 0..rounds {
        let mut numbers = Numbers(round);
        let log = subject.dir.path().join(format!("damaged-{round}"));
        copy(&subject.log(), &log);
        let files = files(&log);
        let file = &files[numbers.below(files.len() as u64) as usize];
        let before = older.get(file.strip_prefix(&log).expect("below it")).and_then(Option::as_ref);
        let what = damage(file, &files, before, &mut numbers);
        for found in read_all(log.clone()) {
            match found {
                Ok((lines, rows)) => {
                    assert!(lines == expected.0, "round {round}, {what}: {} lines", lines.len());
                    assert!(rows.is_none() || rows == expected.1, "round {round}, {what}: other rows");
                    whole += 1;
                }
                Err(StoreError::Damaged { .. } | StoreError::Remains { .. }) => damaged += 1,
                Err(StoreError::Io { .. } | StoreError::NewerFormat { .. }) => refused += 1,
                Err(other) => panic!("round {round}, {what}: {other}"),
            }
        }
        fs::remove_dir_all(log).expect("a directory goes");
    }
    println!("{whole} whole, {damaged} damaged, {refused} refused");
    assert!(damaged > 0 && whole > 0);
}

/// Whatever was asked meanwhile, a bit that is put right again leaves all as it was.
#[test]
fn found_18_a_bit_that_is_put_right_again_leaves_a_whole_log() {
    let (subject, expected, _) = log_to_damage();
    let kept = folder::tree(&subject.log());
    let mut noticed = 0;
    for round in 0..setting("PHASELEDGER_DAMAGE_ROUNDS", 120) {
        let mut numbers = Numbers(round + 1_000);
        let files = files(&subject.log());
        let file = &files[numbers.below(files.len() as u64) as usize];
        let bytes = fs::read(file).expect("a file");
        if bytes.is_empty() {
            continue;
        }
        let mut flipped = bytes.clone();
        flipped[numbers.below(bytes.len() as u64) as usize] ^= 1 << numbers.below(8);
        fs::write(file, flipped).expect("a file");
        let asked = DiskReader::open(&subject.log()).and_then(|opened| contents(&*opened.store));
        noticed += u32::from(asked.is_err());
        fs::write(file, bytes).expect("a file");
        assert!(folder::tree(&subject.log()) == kept, "round {round}: asking changed something");
        let opened = DiskReader::open(&subject.log()).expect("it is whole");
        assert_eq!(contents(&*opened.store).expect("it is whole").0, expected.0, "round {round}");
        opened.store.check().expect("it is whole");
    }
    assert!(noticed > 0, "bits that matter were flipped");
}
