//! Random damage to the files of a ledger: every answer is right or an error, whoever asks or records; only an older copy of
//! the whole ledger is taken for one. A bit that is put right again leaves all as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use phaseledger::ledger::{Ledger, LedgerError};
use phaseledger::model::Seq;
use phaseledger::rules::Table;

use super::{put_files, shell};
use crate::folder::{self, Tree};
use crate::harness::check::panic_text;
use crate::harness::program::judge::{Truth, record};
use crate::harness::program::story::{Kind, Story};
use crate::harness::random::Random;
use crate::harness::scratch;
use crate::numbers::{seed, setting};
use crate::patience::in_time;

/// What a ledger says: its lines, its table, and the table of a time before.
#[derive(PartialEq)]
struct Answers {
    lines: Vec<String>,
    table: Table,
    earlier: Table,
}

/// Where the earlier table is asked for.
const EARLIER: u64 = 700;

/// A ledger at some ages, the last one today's.
struct Ages {
    trees: Vec<Tree>,
    said: Vec<Answers>,
}

/// How many damages came to what.
#[derive(Debug, Default)]
struct Counts {
    right: usize,
    errors: usize,
    older: usize,
    recorded: usize,
    refused: usize,
    put_right: usize,
}

fn ages() -> Ages {
    let (base, home) = (scratch(), scratch());
    let story = Story::new(Kind::Fresh, base.path(), home.path(), 7);
    put_files(home.path());
    let parts = [
        "run 1 init --json; run 2 define \"$H/w.toml\" --json; run 3 start a --json; run 4 append \"$H/short\"",
        "run 5 complete a --json; run 6 append \"$H/long\"",
        "run 7 rerun a --reason x --json; run 8 append \"$H/many\"; run 9 append \"$H/many\"",
        "run 10 note x --json",
        "run 11 start a --json; run 12 append \"$H/short\"; run 13 append \"$H/few\"",
        "run 14 complete a --json",
    ];
    let log = base.path().join("ledger/log");
    let (mut trees, mut said) = (Vec::new(), Vec::new());
    for part in parts {
        shell(base.path(), home.path(), &format!("{}{part}", story.head()));
        trees.push(folder::tree(&log));
        said.push(ask(&log).expect("an undamaged ledger"));
    }
    Ages { trees, said }
}

fn ask(log: &Path) -> Result<Answers, LedgerError> {
    let (ledger, _) = Ledger::open_to_ask(log)?;
    let lines = ledger.lines(Seq::ZERO, usize::MAX)?;
    Ok(Answers { lines, table: ledger.table()?, earlier: ledger.table_at(Seq::new(EARLIER))? })
}

/// Damages a folder at random; returns what was done, and the bytes before of a file in which one bit was flipped.
fn damage(log: &Path, ages: &Ages, random: &mut Random) -> (String, Option<(PathBuf, Vec<u8>)>) {
    let files = folder::files(log);
    let pick = |random: &mut Random| files[random.below(files.len() as u64) as usize].clone();
    let path = pick(random);
    let name = path.strip_prefix(log).expect("below it").display().to_string();
    let mut bytes = fs::read(&path).expect("a file");
    let length = bytes.len() as u64;
    let kind = random.below(12);
    let what = match kind {
        0 => {
            fs::remove_file(&path).expect("it goes");
            return (format!("{name} gone"), None);
        }
        1 => {
            let other = pick(random);
            let swapped = fs::read(&other).expect("a file");
            fs::write(&other, &bytes).expect("a file");
            fs::write(&path, swapped).expect("a file");
            return (format!("{name} and {} swapped", other.display()), None);
        }
        2..5 => return (older_parts(log, ages, random), None),
        5 => {
            bytes.extend((0..1 + random.below(300)).map(|_| random.next() as u8));
            "garbage behind it".to_owned()
        }
        _ if length == 0 => "left empty".to_owned(),
        6 => {
            let to = random.below(length);
            bytes.truncate(to as usize);
            format!("cut to {to} of {length}")
        }
        7 => {
            let (start, count) = (random.below(length), 1 + random.below(5_000));
            let end = (start + count).min(length);
            bytes[start as usize..end as usize].fill(0);
            format!("zeroes {start}..{end}")
        }
        _ => {
            let (at, bit) = (random.below(length), random.below(8));
            let right = bytes.clone();
            bytes[at as usize] ^= 1 << bit;
            fs::write(&path, bytes).expect("a file");
            return (format!("{name}: bit {bit} of {at}"), Some((path, right)));
        }
    };
    fs::write(&path, bytes).expect("a file");
    (format!("{name}: {what}"), None)
}

/// Puts some files, or the segments, or all but them, of an older copy in the place of today's.
fn older_parts(log: &Path, ages: &Ages, random: &mut Random) -> String {
    let age = random.below(ages.trees.len() as u64 - 1) as usize;
    let older = &ages.trees[age];
    let today = ages.trees.last().expect("ages");
    let percent = [10, 50, 90, 100][random.below(4) as usize];
    let is_segment = |path: &Path| path.starts_with("segments");
    let part = random.below(4);
    let mut taken = Vec::new();
    let names: std::collections::BTreeSet<_> = older.keys().chain(today.keys()).collect();
    for name in names {
        let is_chosen = match part {
            0 => is_segment(name),
            1 => !is_segment(name),
            _ => random.chance(percent),
        };
        if !is_chosen || today.get(name) == older.get(name) {
            continue;
        }
        let path = log.join(name);
        match older.get(name) {
            Some(Some(bytes)) => {
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(&path, bytes).expect("a file");
            }
            None if path.is_file() => fs::remove_file(&path).expect("it goes"),
            _ => continue,
        }
        taken.push(name.display().to_string());
    }
    format!("of age {age}: {}", taken.join(" "))
}

/// Says which age's whole log is there: all that is not sled's, which nobody reads who asks.
fn age_of(log: &Path, ages: &Ages) -> Option<usize> {
    let whole = |tree: &Tree| -> BTreeMap<PathBuf, Vec<u8>> {
        let files = tree.iter().filter_map(|(path, bytes)| Some((path.clone(), bytes.clone()?)));
        let counts = |path: &Path| {
            let is_beside = ["work", "work.mark", "tail", "sealed"].iter().any(|name| path.starts_with(name));
            !is_beside
        };
        files.filter(|(path, _)| counts(path)).collect()
    };
    let now = whole(&folder::tree(log));
    ages.trees.iter().position(|tree| whole(tree) == now)
}

fn round(number: u64, seed: u64, ages: &Ages, counts: &mut Counts) -> Result<(), String> {
    let mut random = Random::of(&[seed, number, 41]);
    let base = scratch();
    let log = base.path().join("log");
    let today = ages.trees.last().expect("ages");
    folder::write(today, &log);
    let (what, flipped) = damage(&log, ages, &mut random);
    let age = age_of(&log, ages);
    let expected = ages.said.last().expect("ages");
    let found = |text: String| Err(format!("round {number}, {what}: {text}"));
    for _ in 0..2 {
        match ask(&log) {
            Ok(said) if said == *expected => counts.right += 1,
            Ok(said) if age.is_some_and(|age| said == ages.said[age]) => counts.older += 1,
            Ok(said) => {
                return found(format!("WRONG: {} of {} lines", said.lines.len(), expected.lines.len()));
            }
            Err(error) if is_told(&error) => counts.errors += 1,
            Err(error) => return found(format!("told as {error:?}")),
        }
    }
    if let Some((path, right)) = flipped
        && random.chance(50)
    {
        fs::write(path, right).expect("a file");
        counts.put_right += 1;
        return match ask(&log) {
            Ok(said) if said == *expected && folder::tree(&log) == *today => Ok(()),
            Ok(_) => found("it is put right, and not whole".to_owned()),
            Err(error) => found(format!("it is put right: {error}")),
        };
    }
    let before = &ages.said[age.unwrap_or(ages.said.len() - 1)].lines;
    match Ledger::open(&log, std::time::Duration::from_secs(5)) {
        Err(error) if is_told(&error) => counts.refused += 1,
        Err(error) => return found(format!("opening to record: {error:?}")),
        Ok(ledger) => {
            drop(ledger);
            // What a command does not read it does not see.
            match record(&log, before, number) {
                Ok(()) => counts.recorded += 1,
                Err(error) if error.contains("damaged") || error.contains("not verified") => {
                    counts.refused += 1
                }
                Err(error) => return found(error),
            }
        }
    }
    match ask(&log) {
        Ok(said) if said.lines.starts_with(before) && said.lines.len() <= before.len() + 1 => Ok(()),
        Ok(said) => found(format!("WRONG later: {} lines", said.lines.len())),
        Err(error) if is_told(&error) => Ok(()),
        Err(error) => found(format!("later: {error:?}")),
    }
}

fn is_told(error: &LedgerError) -> bool {
    use phaseledger::store::StoreError::{Damaged, Io, Missing, NewerFormat, Remains};
    match error {
        LedgerError::Store(error) => {
            matches!(error, Damaged { .. } | Io { .. } | NewerFormat { .. } | Remains { .. } | Missing { .. })
        }
        LedgerError::Line { .. } => true,
        _ => false,
    }
}

#[test]
fn found_20_random_damage_is_told_or_does_not_matter() {
    let seed = seed("PHASELEDGER_PROGRAM_SEED", 1);
    let rounds = setting("PHASELEDGER_DAMAGES", 100);
    let started = Instant::now();
    let ages = ages();
    let (counts, failures) = in_time_each(rounds, seed, ages);
    println!("{rounds} damages, {counts:?}, {} wrong, {} s", failures.len(), started.elapsed().as_secs());
    let some = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {rounds} damages:\n{some}", failures.len());
    assert!(counts.right > 0 && counts.errors > 0, "{counts:?}");
}

/// Does all rounds; one that hangs fails the test.
fn in_time_each(rounds: u64, seed: u64, ages: Ages) -> (Counts, Vec<String>) {
    let ages = std::sync::Arc::new(ages);
    let (mut counts, mut failures) = (Counts::default(), Vec::new());
    for number in 0..rounds {
        let (given, mut own) = (std::sync::Arc::clone(&ages), std::mem::take(&mut counts));
        let done = in_time(&format!("damage {number}"), move || {
            let work = std::panic::AssertUnwindSafe(|| round(number, seed, &given, &mut own));
            let judged = std::panic::catch_unwind(work);
            let judged = judged.unwrap_or_else(|cause| {
                Err(format!("round {number}: a panic: {}", panic_text(cause.as_ref())))
            });
            (own, judged)
        });
        counts = done.0;
        failures.extend(done.1.err());
    }
    (counts, failures)
}

/// The truth of a healthy ledger is what its lines say.
#[test]
fn the_ages_are_what_their_lines_say() {
    let ages = ages();
    for (tree, said) in ages.trees.iter().zip(&ages.said) {
        let base = scratch();
        let log = base.path().join("log");
        folder::write(tree, &log);
        assert_eq!(Truth::read(&log).lines(), said.lines);
    }
}
