//! One sync of a command fails, wherever it is, and what it should have written is dropped: Linux takes those pages for
//! clean. Others go on, and the power goes at some time after.

use std::time::Instant;

use super::{FIRST_OF_ONE_SHELL, judge_image, ledger, old};
use crate::harness::image::Image;
use crate::harness::program::judges::Judges;
use crate::harness::program::run::{Cut, Stage};
use crate::harness::program::story::{Kind, Story};
use crate::harness::program::told::Told;
use crate::harness::random::Random;
use crate::harness::{scratch, trace};
use crate::numbers::{seed, setting};
use crate::skip::skip;

/// What fails, and what the others do then.
const VICTIMS: [(&str, &str); 11] = [
    ("note", "run 1 note 'first' --json"),
    ("archiving", "run 1 append \"$H/many\""),
    ("archiving, and more in one stream", "run 1 append \"$H/more\""),
    ("archiving at once", "run atomic.1 append \"$H/many\" --atomic"),
    ("exec", "run 1 exec a --json -- true"),
    ("init", "run 1 init --json"),
    ("init, and no second one", "run 1 init --json"),
    ("takeover", "run 1 note 'first' --json"),
    ("rebuild", "run 1 verify --rebuild --json"),
    ("after a kill", "run 1 note 'first' --json"),
    ("restored", "run 1 init --json; run 2 import \"$H/earlier\" --json"),
];

#[test]
fn found_19_one_failed_sync_whose_data_is_dropped_loses_nothing() {
    if let Some(obstacle) = trace::obstacle() {
        return skip("found_19_one_failed_sync_whose_data_is_dropped_loses_nothing", "strace", &obstacle);
    }
    let seed = seed("PHASELEDGER_PROGRAM_SEED", 1);
    let places = setting("PHASELEDGER_SYNCS", 8);
    let (count, failures) = fail(seed, places, setting("PHASELEDGER_SYNC_IMAGES", 4));
    let some = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} images:\n{some}", failures.len());
}

/// Lets syncs fail, at as many places, and cuts what follows.
pub fn fail(seed: u64, places: u64, images: u64) -> (usize, Vec<String>) {
    let started = Instant::now();
    let mut judges = Judges::start(|cut: &Cut| judge_image(cut, true));
    let (made, torn) = (ledger(false), ledger(true));
    let (mut failed, mut place) = (0, 0);
    let mut next = [1; 2 * VICTIMS.len()];
    let mut has_none = [false; 2 * VICTIMS.len()];
    while failed < places {
        let mut random = Random::of(&[seed, place, 21]);
        // strace counts the calls of each name for themselves.
        let at = ((seed + place) % next.len() as u64) as usize;
        let (name, victim) = VICTIMS[at % VICTIMS.len()];
        let (kind, nth) = (["fsync", "fdatasync"][at / VICTIMS.len()], next[at]);
        place += 1;
        let (start, before) = match name {
            "init" | "init, and no second one" | "restored" => (Image::empty(), Told::default()),
            "takeover" => old(),
            "after a kill" => torn.clone(),
            _ => made.clone(),
        };
        let (base, home) = (scratch(), scratch());
        let mut stage = Stage::new(base.path(), home.path(), &start, before);
        let mut story = Story::new(Kind::Fresh, base.path(), home.path(), random.next());
        super::put_files(home.path());
        let inject = format!("inject={kind}:error=EIO:when={nth}");
        let script = format!("{}{FIRST_OF_ONE_SHELL}{victim}", story.head());
        let what = format!("{name}, {kind} {nth} fails (case {place})");
        let options = ["-e".to_owned(), inject];
        let half = images / 2;
        stage.run(&format!("{what}, at once"), &script, &options, half, &mut random, &mut |cut| {
            judges.give(cut)
        });
        if stage.failed_syncs == 0 {
            // Each of its syncs has had its turn. What appends to the journal has one kind of them, what archives the other.
            has_none[at] = nth == 1;
            let other = has_none[(at + VICTIMS.len()) % next.len()];
            assert!(!has_none[at] || !other || name == "rebuild", "{name} syncs nothing");
            next[at] = 1;
            continue;
        }
        (failed, next[at]) = (failed + 1, nth + 1);
        let others = others(&mut story, name, &mut random);
        let script = format!("{}{FIRST_OF_ONE_SHELL}{others}", story.head());
        stage.run(&format!("{what}, later"), &script, &[], images - half, &mut random, &mut |cut| {
            judges.give(cut)
        });
    }
    let (count, failures) = judges.end();
    println!(
        "{failed} syncs that failed, {count} images, {} of them bad, {} s",
        failures.len(),
        started.elapsed().as_secs()
    );
    (count, failures)
}

/// What comes after the failure: the same again, or others.
fn others(story: &mut Story, name: &str, random: &mut Random) -> String {
    let mut steps = Vec::new();
    if name.starts_with("init") || name == "restored" {
        if name != "init, and no second one" {
            steps.push("run 11 init --json".to_owned());
        }
        steps.push("run 12 note 'second' --json".to_owned());
        steps.push("run 13 define \"$H/w.toml\" --json".to_owned());
    }
    for number in 20..22 + random.below(4) {
        steps.push(format!("run {number} note 'n {number}' --json"));
    }
    if random.chance(40) {
        steps.push("run 30 append \"$H/many\"".to_owned());
    }
    steps.push(story.question());
    steps.push("run 40 note 'the last one' --json".to_owned());
    steps.join("\n")
}
