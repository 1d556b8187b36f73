//! What is saved of a log after random damage: never a line that was not there, and all but what is damaged.

use std::fs;
use std::path::{Path, PathBuf};

use phaseledger::model::Seq;
use phaseledger::store::{Batch, Entry, RowChanges, Salvaged, StoreError, salvage};

use crate::contract::{OnDisk, SMALL, Subject, append, entry};
use crate::folder::{self, copy, files};
use crate::numbers::{Numbers, seed, setting};
use crate::patience::in_time;

const EVENTS: u64 = 303;

/// The line of an event, which says its place as those of a ledger do.
fn line(seq: u64) -> String {
    format!("{{\"v\":1,\"seq\":{seq},\"text\":\"{}\"}}", "x".repeat(seq as usize * 7 % 90))
}

/// A log with segments and a journal, closed.
fn log_to_salvage() -> OnDisk {
    let mut subject = OnDisk::new(SMALL);
    for seq in 1..=EVENTS {
        let rows = RowChanges { fold_version: 1, replace: false, rows: Vec::new() };
        append(subject.store(), &Batch { entries: vec![Entry { line: line(seq), ..entry(seq) }], rows });
    }
    subject.close();
    subject
}

fn read(log: PathBuf) -> (Vec<(u64, String)>, Salvaged) {
    in_time("an answer", move || {
        let mut lines = Vec::new();
        let salvaged = salvage(&log, |seq: Seq, line: &str| -> Result<(), StoreError> {
            lines.push((seq.number(), line.to_owned()));
            Ok(())
        });
        (lines, salvaged.expect("it is read as far as it can be"))
    })
}

/// Damages a file; returns what was done, and whether more than a part of it was.
fn damage(file: &Path, numbers: &mut Numbers) -> (String, bool) {
    let mut bytes = fs::read(file).expect("a file");
    let length = bytes.len() as u64;
    let (what, is_gone) = match numbers.below(6) {
        0 => {
            fs::remove_file(file).expect("it goes");
            return ("gone".to_owned(), true);
        }
        _ if length == 0 => ("left empty".to_owned(), false),
        1 => {
            bytes.truncate(numbers.below(length) as usize);
            (format!("cut to {} of {length}", bytes.len()), true)
        }
        2 => {
            let (start, count) = (numbers.below(length), 1 + numbers.below(300));
            let end = (start + count).min(length);
            bytes[start as usize..end as usize].fill(0);
            (format!("zeroed {start}..{end}"), true)
        }
        _ => {
            let (at, bit) = (numbers.below(length), numbers.below(8));
            bytes[at as usize] ^= 1 << bit;
            (format!("bit {bit} of {at} flipped"), false)
        }
    };
    fs::write(file, bytes).expect("a file");
    (what, is_gone)
}

#[test]
fn found_22_all_but_what_is_damaged_is_salvaged() {
    let rounds = setting("PHASELEDGER_SALVAGE_ROUNDS", 200);
    let seed = seed("PHASELEDGER_SALVAGE_SEED", 22);
    let subject = log_to_salvage();
    let (lines, salvaged) = read(subject.log());
    assert_eq!((lines.len() as u64, salvaged.is_whole()), (EVENTS, true));
    let (mut lost, mut whole, mut most) = (0, 0, 0);
    for round in 0..rounds {
        let mut numbers = Numbers(seed.wrapping_mul(1_000_003).wrapping_add(round));
        let log = subject.dir.path().join(format!("damaged-{round}"));
        copy(&subject.log(), &log);
        let all = files(&log);
        let file = &all[numbers.below(all.len() as u64) as usize];
        let (what, is_much) = damage(file, &mut numbers);
        let what = format!("seed {seed}, round {round}: {}: {what}", file.display());
        let before = folder::tree(&log);
        let (lines, salvaged) = read(log.clone());
        assert!(folder::tree(&log) == before, "{what}: something was changed");
        assert!(lines.is_sorted(), "{what}");
        for (seq, found) in &lines {
            assert_eq!(*found, line(*seq), "{what}");
        }
        let missing: u64 = salvaged.missing.iter().map(|span| span.events()).sum();
        assert_eq!(lines.len() as u64 + missing, EVENTS, "{what}: {salvaged:?}");
        assert_eq!(salvaged.events, lines.len() as u64, "{what}");
        assert!(salvaged.differing.is_empty(), "{what}: {salvaged:?}");
        // One bit costs one block at most; what the journal has is in sled's folder too.
        assert!(is_much || missing <= SMALL.block_events_max as u64, "{what}: {missing} are missing");
        (lost, most) = (lost + missing, most.max(missing));
        whole += u64::from(missing == 0);
        fs::remove_dir_all(log).expect("a directory goes");
    }
    println!(
        "{rounds} damages of {EVENTS} events: {whole} cost nothing, {lost} events lost in all, {most} at most"
    );
    assert!(whole > rounds / 4 && lost > 0, "{whole} cost nothing, {lost} events lost");
}

/// Two kinds of damage at once: still no wrong line, and every line that is missing is named.
#[test]
fn found_22_what_is_missing_is_named_whatever_is_damaged() {
    let rounds = setting("PHASELEDGER_SALVAGE_ROUNDS", 100);
    let seed = seed("PHASELEDGER_SALVAGE_SEED", 23);
    let subject = log_to_salvage();
    for round in 0..rounds {
        let mut numbers = Numbers(seed.wrapping_mul(1_000_003).wrapping_add(round));
        let log = subject.dir.path().join(format!("damaged-{round}"));
        copy(&subject.log(), &log);
        let mut what = format!("seed {seed}, round {round}");
        for _ in 0..2 + numbers.below(4) {
            let all = files(&log);
            let file = &all[numbers.below(all.len() as u64) as usize];
            what = format!("{what}; {}: {}", file.display(), damage(file, &mut numbers).0);
        }
        let (lines, salvaged) = read(log.clone());
        let mut places: Vec<u64> = lines.iter().map(|(seq, _)| *seq).collect();
        places
            .extend(salvaged.missing.iter().flat_map(|span| span.after.number() + 1..=span.through.number()));
        places.sort_unstable();
        assert!(places.iter().copied().eq(1..=salvaged.last.number()), "{what}: {salvaged:?}");
        assert!(salvaged.last.number() <= EVENTS, "{what}: {salvaged:?}");
        for (seq, found) in &lines {
            assert_eq!(*found, line(*seq), "{what}");
        }
        fs::remove_dir_all(log).expect("a directory goes");
    }
}
