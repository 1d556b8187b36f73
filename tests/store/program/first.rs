//! The harness, tried on the first release: it finds there what was found to be wrong with it, so it can see such things.
//!
//! Ignored unless `PHASELEDGER_PROGRAM` names that program: `.ci/first-release PROGRAM` runs it.

use std::time::Instant;

use crate::harness::image::Image;
use crate::harness::program::judge::Truth;
use crate::harness::program::judges::Judges;
use crate::harness::program::one::{calls, count, run};
use crate::harness::program::run::{Cut, Stage};
use crate::harness::program::story::{Kind, Story};
use crate::harness::program::told::Told;
use crate::harness::random::Random;
use crate::harness::scratch;
use crate::numbers::{seed, setting};

use super::{judge_image, ledger, put_files, syncs, tell};

#[test]
#[ignore = "it is for the first release"]
fn found_18_the_first_release_loses_events_in_the_worst_order() {
    let images = setting("PHASELEDGER_PROGRAM_IMAGES", 150);
    let (count, failures) = tell(seed("PHASELEDGER_PROGRAM_SEED", 1), 4, images, false);
    println!("found 18: {} of {count} images lost something or could not be opened", failures.len());
    failures.iter().take(5).for_each(|failure| println!("{failure}"));
    assert!(!failures.is_empty());
}

#[test]
#[ignore = "it is for the first release"]
fn found_18_the_first_release_destroys_by_reading() {
    let home = scratch();
    put_files(home.path());
    let (made, _) = ledger(false);
    let base = scratch();
    made.write(base.path()).expect("the files");
    let before = Truth::read(&base.path().join("ledger/log"));
    let (args, kind) = (["status", "--json"], "pread64");
    let places = count(&calls(base.path(), home.path(), &args, kind), kind, &base.path().join("ledger"));
    let (mut tried, mut ended) = (0, 0);
    for nth in places.take(40) {
        let base = scratch();
        made.write(base.path()).expect("the files");
        let inject = format!("inject={kind}:error=EIO:when={nth}");
        run(base.path(), home.path(), &args, &["-e", &inject]);
        let log = base.path().join("ledger/log");
        let now = std::panic::catch_unwind(|| Truth::read(&log));
        tried += 1;
        ended += u32::from(now.is_err() || now.is_ok_and(|now| now.lines() != before.lines()));
    }
    println!("found 18: {ended} of {tried} failed reads of a question ended the ledger");
    assert!(ended > 0);
}

#[test]
#[ignore = "it is for the first release"]
fn found_19_the_first_release_builds_on_what_is_not_on_the_disk() {
    let seed = seed("PHASELEDGER_PROGRAM_SEED", 1);
    let (count, failures) = syncs::fail(seed, setting("PHASELEDGER_SYNCS", 20), 8);
    println!("found 19: {} of {count} images after a failed sync lost something", failures.len());
    failures.iter().take(5).for_each(|failure| println!("{failure}"));
    assert!(!failures.is_empty());
}

#[test]
#[ignore = "it is for the first release"]
fn found_21_the_first_release_says_that_a_ledger_is_made_before_it_is() {
    let mut random = Random::of(&[seed("PHASELEDGER_PROGRAM_SEED", 1), 61]);
    let (base, home) = (scratch(), scratch());
    let mut judges = Judges::start(|cut: &Cut| judge_image(cut, false));
    let mut stage = Stage::new(base.path(), home.path(), &Image::empty(), Told::default());
    let story = Story::new(Kind::Fresh, base.path(), home.path(), 1);
    let script = format!("{}run 1 init --json; run 2 note x --json; run 3 note y --json", story.head());
    stage.run("init", &script, &[], 100, &mut random, &mut |cut| {
        // Those before it was told say nothing.
        if cut.told.is_made {
            judges.give(cut);
        }
    });
    let (count, failures) = judges.end();
    println!("found 21: {} of {count} images after `init` have no ledger", failures.len());
    assert!(!failures.is_empty());
}

#[test]
#[ignore = "it is for the first release"]
fn found_23_the_first_release_panics_and_hangs() {
    let home = scratch();
    put_files(home.path());
    let (made, _) = ledger(false);
    let started = Instant::now();
    let (mut panics, mut hangs, mut tried) = (0, 0, 0);
    let syncs = (1..=8).map(|nth| format!("inject=fsync,fdatasync:error=EIO:when={nth}+"));
    for inject in syncs.chain(["inject=clone,clone3:error=EAGAIN:when=1+".to_owned()]) {
        let base = scratch();
        made.write(base.path()).expect("the files");
        let ran = run(base.path(), home.path(), &["status", "--json"], &["-e", &inject]);
        tried += 1;
        panics += u32::from(ran.stderr.contains("panicked") || ran.code == Some(101));
        hangs += u32::from(ran.code.is_none());
    }
    println!("found 23: {panics} panics, {hangs} hangs in {tried} runs, {} s", started.elapsed().as_secs());
    assert!(panics > 0 && hangs > 0);
}
