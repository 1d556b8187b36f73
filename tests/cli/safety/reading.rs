//! Asking must not destroy, whatever cannot be read.

use std::fs;
use std::path::Path;

use super::{log, notes, sealed, whole};
use crate::cli::Scene;
use crate::folder::Tree;
use crate::numbers::{Numbers, seed, setting};
use crate::{folder, strace};

const VERBS: [&[&str]; 3] = [&["status"], &["status", "--at", "e3000"], &["start", "b"]];

/// Lets one call after the other fail while a verb runs, each on the same log.
fn fail_each(scene: &Scene, call: &str, calls: u64, args: &[&str], codes: &[Option<i32>]) {
    let before = whole(scene);
    let kept = folder::tree(&log(scene));
    for nth in 1..=calls {
        folder::replace(&log(scene), &kept);
        let inject = format!("inject={call}:error=EIO:when={nth}");
        let traced = strace::run(scene, &["-e", &format!("trace={call}"), "-e", &inject], args);
        let what = format!("{args:?}, {call} {nth}: {:?}\n{}", traced.code, traced.calls);
        if traced.has_failed("/ledger/log/") {
            assert!(codes.contains(&traced.code), "{what}");
        } else {
            // The program's own libraries, or what the system tells of itself.
            assert!(matches!(traced.code, Some(0 | 127)), "{what}");
            folder::replace(&log(scene), &kept);
        }
        let is_recorded = args[0] == "start" && args.len() == 2 && traced.code == Some(0);
        assert!(is_recorded || whole(scene) == before, "not what it was: {what}");
        scene.ok(&["verify"]);
    }
    folder::replace(&log(scene), &kept);
}

#[test]
fn found_18_a_read_that_fails_destroys_nothing() {
    if !strace::is_there("found_18_a_read_that_fails_destroys_nothing") {
        return;
    }
    let calls = setting("PHASELEDGER_READS", 5);
    let scene = sealed(6_000);
    for args in VERBS {
        for call in ["pread64", "read"] {
            // What saves work may be done without.
            fail_each(&scene, call, calls, args, &[Some(0), Some(74)]);
        }
    }
}

/// Beyond the plain reads, those of sled itself.
#[test]
fn found_18_a_read_of_sleds_own_that_fails_destroys_nothing() {
    if !strace::is_there("found_18_a_read_of_sleds_own_that_fails_destroys_nothing") {
        return;
    }
    let scene = sealed(1_200);
    // sled has a hundred of them, and is behind from the next one on.
    notes(&scene, 100);
    notes(&scene, 63);
    let kept = folder::tree(&log(&scene));
    let all = strace::run(&scene, &["-e", "trace=pread64"], &["note", "x"]);
    let reads = all.calls.lines().filter(|call| call.contains("/ledger/log/work")).count() as u64;
    folder::replace(&log(&scene), &kept);
    assert!(reads > 3, "{}", all.calls);
    // It is done without.
    fail_each(&scene, "pread64", reads + 2, &["start", "b", "--dry-run"], &[Some(0), Some(74)]);
    for nth in 1..=reads {
        folder::replace(&log(&scene), &kept);
        let inject = format!("inject=pread64:error=EIO:when={nth}");
        let traced = strace::run(&scene, &["-e", "trace=pread64", "-e", &inject], &["start", "b"]);
        if !traced.has_failed("/ledger/log/") {
            continue;
        }
        assert!(matches!(traced.code, Some(0 | 74)), "read {nth}: {:?}\n{}", traced.code, traced.calls);
        scene.ok(&["note", "x"]);
        scene.ok(&["verify"]);
    }
    folder::replace(&log(&scene), &kept);
}

/// Once as a long stream has left it, so that sled reads all of its log again, and once after a single command.
#[test]
fn found_18_a_flipped_bit_put_right_again_leaves_a_whole_ledger() {
    let mut numbers = Numbers(seed("PHASELEDGER_BITS_SEED", 18));
    let rounds = setting("PHASELEDGER_BITS", 60);
    let scene = sealed(6_000);
    let after_a_stream = folder::tree(&log(&scene));
    scene.ok(&["status", "--at", "e5"]);
    scene.ok(&["note", "x"]);
    let after_a_command = folder::tree(&log(&scene));
    let mut noticed = 0;
    for kept in [after_a_stream, after_a_command] {
        folder::replace(&log(&scene), &kept);
        let expected = scene.ok(&["export"]).stdout;
        for round in 0..rounds / 2 {
            noticed += u32::from(flip_and_ask(&scene, &kept, &expected, &mut numbers, round));
        }
    }
    println!("{rounds} bits, {noticed} noticed");
    // Most files save work alone, and are done without.
    assert!(noticed > 0, "bits that matter were flipped");
}

/// Puts a byte right, where it still is what was written: questions that did not notice it may have written there, or
/// put another file in its place, and all of an old one beside what they left would be a mixture of two ages.
fn put_right(path: &Path, place: usize, flipped: &[u8], right: &[u8]) {
    let Ok(mut bytes) = fs::read(path) else { return };
    let around = place.saturating_sub(256)..(place + 256).min(flipped.len());
    if bytes.get(around.clone()) == Some(&flipped[around]) {
        bytes[place] = right[place];
        fs::write(path, bytes).expect("the file");
    }
}

/// Flips one bit, asks three questions, puts the file right again, and says whether a question noticed.
fn flip_and_ask(scene: &Scene, kept: &Tree, expected: &str, numbers: &mut Numbers, round: u64) -> bool {
    folder::replace(&log(scene), kept);
    let files = kept
        .iter()
        .filter_map(|(path, bytes)| Some((path, bytes.as_ref().filter(|bytes| !bytes.is_empty())?)));
    let files: Vec<_> = files.collect();
    let (name, bytes) = files[numbers.below(files.len() as u64) as usize];
    // Within what is written: behind it sled's files are zeroes.
    let written = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0) as u64 + 1;
    let (place, bit) = (numbers.below(written) as usize, 1_u8 << numbers.below(8));
    let mut flipped = bytes.clone();
    flipped[place] ^= bit;
    fs::write(log(scene).join(name), &flipped).expect("the file");
    let asked = [&["status"][..], &["why", "a"], &["status", "--at", "e3000"]];
    let told = asked.map(|args| scene.run(args).code);
    let what = format!("round {round}: {} at {place}, bit {bit}, told {told:?}", name.display());
    assert!(told.iter().all(|code| [0, 5, 74].contains(code)), "{what}");
    put_right(&log(scene).join(name), place, &flipped, bytes);
    let found = scene.run(&["export"]);
    assert!(found.stdout == expected, "{what}: {}", found.stderr);
    let verified = scene.run(&["verify"]);
    assert_eq!(verified.code, 0, "{what}: {}", verified.stderr);
    told != [0; 3]
}
