//! What the program told outlives a power cut, whichever of its processes did what, and whatever fails.
//!
//! `PHASELEDGER_PROGRAM_SEED`, `…_STORIES` and `…_IMAGES` (of each story) make other and longer runs. A failed image is
//! kept and named. The harness is drawn in `support/power/program`.

mod calls;
mod damages;
mod first;
mod limits;
mod syncs;
mod takeover;
mod threads;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::folder;
use crate::harness::image::Image;
use crate::harness::program::judge::{Truth, judge};
use crate::harness::program::judges::Judges;
use crate::harness::program::program;
use crate::harness::program::run::{Cut, Stage};
use crate::harness::program::story::{Kind, Story};
use crate::harness::program::told::Told;
use crate::harness::random::Random;
use crate::harness::{scratch, trace};
use crate::numbers::{seed, setting};
use crate::skip::skip;

const KEPT_MAX: usize = 8;

static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Where stories begin, one after the other.
const KINDS: [Kind; 6] = [Kind::Fresh, Kind::GoesOn, Kind::Old, Kind::Bulk, Kind::GoesOn, Kind::Restored];

#[test]
fn found_18_what_the_program_told_survives_power_cuts() {
    if let Some(obstacle) = trace::obstacle() {
        return skip("found_18_what_the_program_told_survives_power_cuts", "strace", &obstacle);
    }
    let seed = seed("PHASELEDGER_PROGRAM_SEED", 1);
    let stories = setting("PHASELEDGER_PROGRAM_STORIES", 3);
    let images = setting("PHASELEDGER_PROGRAM_IMAGES", 67);
    let (count, failures) = tell(seed, stories, images, false);
    let some = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} images:\n{some}", failures.len());
}

/// The harness sees what it is for: where syncs do nothing, what was told is lost.
#[test]
fn found_18_where_syncs_do_nothing_what_was_told_is_lost() {
    if let Some(obstacle) = trace::obstacle() {
        return skip("found_18_where_syncs_do_nothing_what_was_told_is_lost", "strace", &obstacle);
    }
    let (count, failures) = tell(5, 1, 40, true);
    let lost =
        failures.iter().filter(|failure| failure.contains("LOST") || failure.contains("fails")).count();
    assert!(lost * 3 > count, "{lost} of {count} images have lost something: {failures:#?}");
}

/// Plays stories, cuts them, and judges what is left. Returns how many images there were, and what failed.
fn tell(seed: u64, stories: u64, images: u64, ignores_syncs: bool) -> (usize, Vec<String>) {
    println!("{stories} stories, {images} images of each");
    let started = Instant::now();
    let mut judges = Judges::start(move |cut: &Cut| judge_image(cut, !ignores_syncs));
    let shelf = scratch();
    let mut left: Option<(Image, Told)> = None;
    for number in 0..stories {
        let mut random = Random::of(&[seed, number, 8]);
        let kind = KINDS[((seed + number) % KINDS.len() as u64) as usize];
        let kind = if kind == Kind::GoesOn && left.is_none() { Kind::Fresh } else { kind };
        let (start, before) = match kind {
            Kind::GoesOn => left.take().expect("as above"),
            Kind::Old => old(),
            _ => (Image::empty(), Told::default()),
        };
        let (base, home) = (scratch(), scratch());
        let _ = fs::copy(shelf.path().join("earlier"), home.path().join("earlier"));
        let mut stage = Stage::new(base.path(), home.path(), &start, before);
        stage.disk.ignores_syncs = ignores_syncs;
        let mut story = Story::new(kind, base.path(), home.path(), random.next());
        let scripts = story.scripts();
        let (each, more) = (images / scripts.len() as u64, images % scripts.len() as u64);
        let mut truth = Truth::default();
        for (part, script) in scripts.iter().enumerate() {
            let count = each + u64::from(part == 0) * more;
            let name = format!("story {number} ({kind:?}), run {part}");
            let mut starting = random.below(count.max(1));
            truth = stage.run(&name, script, &[], count, &mut random, &mut |cut| {
                if starting == 0 {
                    left = Some((cut.image.clone(), cut.told));
                }
                starting = starting.wrapping_sub(1);
                judges.give(cut);
            });
        }
        println!("story {number} ({kind:?}): {} events, {} s", truth.count(), started.elapsed().as_secs());
        export(&stage, &shelf.path().join("earlier"));
    }
    let (count, failures) = judges.end();
    println!("{count} images, {} failed, {} s", failures.len(), started.elapsed().as_secs());
    (count, failures)
}

/// `run` for a script whose processes may fail.
const FIRST_OF_ONE_SHELL: &str = "run() { n=$1; shift; \"$P\" \"$@\" >>\"$B/told.$n\" 2>>\"$H/said\"; c=$?\n\
    case $c in 0|1|3|4|6|74) ;; *) echo \"$c $*\" >>\"$H/odd\" ;; esac; }\n";

/// Files that scripts name.
fn put_files(home: &Path) {
    let note = |length: usize| {
        let text = "0123456789abcdef".repeat(length / 16);
        move |number: usize| format!("{{\"do\":\"note\",\"text\":\"{number} {text}\"}}\n")
    };
    let workflow = |more: &str| {
        format!(
            "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = ['a']\n\
             [[phase]]\nid = 'c'\nneeds = ['a']\n[[phase]]\nid = 'd'\nneeds = ['b', 'c']\n{more}"
        )
    };
    let files = [
        ("w.toml", workflow("")),
        ("other.toml", workflow("[[phase]]\nid = 'e'\nneeds = ['d']\n")),
        ("short", (0..1_100).map(note(48)).collect()),
        ("long", (0..200).map(note(2_000)).collect()),
        ("few", (0..3).map(note(64)).collect()),
        ("many", (0..90).map(note(2_000)).collect()),
        ("more", (0..150).map(note(2_000)).collect()),
    ];
    files.iter().for_each(|(name, text)| fs::write(home.join(name), text).expect("a file"));
    let (base, elsewhere) = (scratch(), scratch());
    let mut story = Story::new(Kind::Fresh, base.path(), elsewhere.path(), 9);
    let (head, verb, home) = (story.head(), story.verb(), home.display());
    let script = format!(
        "{head}run 1 init --json\nrun 2 define '{home}/w.toml'\n{verb}\n\"$P\" export -o '{home}/earlier'"
    );
    shell(base.path(), elsewhere.path(), &script);
}

/// Runs a script, untraced.
fn shell(base: &Path, home: &Path, script: &str) {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("B='{}'; H='{}'; {script}", base.display(), home.display())]);
    shell.env("PHASELEDGER_DIR", base.join("ledger")).env("PHASELEDGER_BY", "ana");
    let output = shell.output().expect("a shell");
    let odd = fs::read_to_string(home.join("odd")).unwrap_or_default();
    assert!(output.status.success() && odd.is_empty(), "{odd}{}", String::from_utf8_lossy(&output.stderr));
}

/// A ledger with a segment, a snapshot and a journal that is nearly full; torn, half a frame is at the journal's end.
fn ledger(is_torn: bool) -> (Image, Told) {
    let (base, home) = (scratch(), scratch());
    let story = Story::new(Kind::Fresh, base.path(), home.path(), 7);
    put_files(home.path());
    let steps = "run 1 init --json; run 2 define \"$H/w.toml\" --json; run 3 start a --json; run 4 complete a --json; \
                 run 5 append \"$H/short\"; run 6 append \"$H/long\"; run 7 note x --json";
    shell(base.path(), home.path(), &format!("{}{steps}", story.head()));
    let log = base.path().join("ledger/log");
    // The first release has no journal.
    if is_torn && log.join("journal").exists() {
        let before = folder::tree(&log);
        shell(base.path(), home.path(), &format!("{}\"$P\" note 'not yet told'", story.head()));
        let mut journal = fs::read(log.join("journal")).expect("the journal");
        journal.truncate(journal.len() - 9);
        folder::replace(&log, &before);
        fs::write(log.join("journal"), journal).expect("the journal");
    }
    let told = Told { is_made: true, last: Truth::read(&log).count() };
    (Image::read(base.path()).expect("the files"), told)
}

/// A ledger without events.
fn empty() -> (Image, Told) {
    let (base, home) = (scratch(), scratch());
    let story = Story::new(Kind::Fresh, base.path(), home.path(), 7);
    shell(base.path(), home.path(), &format!("{}run 1 init --json", story.head()));
    (Image::read(base.path()).expect("the files"), Told { is_made: true, last: 0 })
}

/// A log of format 1, and what it was told to hold.
fn old() -> (Image, Told) {
    let base = scratch();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/format_1");
    folder::write(&folder::unpacked(&fixture), &base.path().join("ledger/log"));
    (Image::read(base.path()).expect("the files"), Told { is_made: true, last: 2_604 })
}

/// Exports what a story came to.
fn export(stage: &Stage, to: &Path) {
    let mut command = std::process::Command::new(program());
    command.args(["export", "-o"]).arg(to).env("PHASELEDGER_DIR", stage.base.join("ledger"));
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Judges an image; keeps it when it fails, the first few times.
fn judge_image(cut: &Cut, keeps: bool) -> Result<(), String> {
    let home = scratch();
    cut.image.write(home.path()).map_err(|error| format!("the image cannot be written: {error}"))?;
    judge(&home.path().join("ledger/log"), &cut.truth, cut.told, cut.seed).map_err(|found| {
        let kept = if keeps { keep(&cut.image) } else { None };
        let kept = kept.map_or_else(String::new, |kept| format!("; kept in {}", kept.display()));
        format!("{}, {:?}: {found}{kept}", cut.name, cut.told)
    })
}

/// Writes an image where it stays, unless many are there.
fn keep(image: &Image) -> Option<PathBuf> {
    if KEPT.fetch_add(1, Ordering::Relaxed) >= KEPT_MAX {
        return None;
    }
    let kept = tempfile::Builder::new().prefix("phaseledger-program-").tempdir().expect("a directory").keep();
    image.write(&kept).expect("the image is written");
    Some(kept)
}
