//! A workflow of 16 phases that was run over and over: single commands, questions, and what reads all of the log.

use std::fs;
use std::path::Path;

use phaseledger::ledger::Ledger;
use phaseledger::model::{Recorded, Seq};
use phaseledger::rules::{Table, evolve};

use crate::Scale;
use crate::harness::{Report, Row, Samples, Shown, digits, in_turn, time};
use crate::ledgers::{Ledgers, Trio, settle};
use crate::peers::{Lite, Raw, made_up};
use crate::process::Process;
use crate::workload::{Dice, command, now, open};

/// Measures single commands, as processes and through the library.
pub fn commands(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    for &events in scale.sizes {
        let trio = ledgers.of(events);
        report.section(format!("One command, {} of 16 phases", trio.name()));
        whole_process(report, &trio, scale);
        barriers(report, &trio, &ledgers.scratch);
        kept_open(report, &trio, scale);
    }
}

fn whole_process(report: &mut Report, trio: &Trio, scale: &Scale) {
    let note = Process::ours(&trio.ours, "note half-read --phase p07");
    // Nothing needs the last phase, so that its start marks nothing.
    let start =
        Process::ours(&trio.ours, "start p15 --rerun --reason again --allow-unmet --meta model=opus-4");
    let complete = Process::ours(&trio.ours, "complete p15");
    let lite = Process::peer("sqlite-append", &trio.lite).with("1");
    let raw = Process::peer("raw-append", &trio.raw).with("1");
    let mut note = || note.take();
    let mut start = || {
        let taken = start.take();
        complete.take();
        taken
    };
    let sides: [(_, &mut dyn FnMut() -> _); 2] = [("`note`", &mut note), ("`start`", &mut start)];
    for (name, ours) in sides {
        let samples = in_turn(scale.rounds, [ours, &mut || lite.take(), &mut || raw.take()]);
        let row = Row::of(format!("{name}, whole process"), Shown::Time, &samples).memory(&samples[0]);
        report.row(row.goal_ratio(scale.command_ratio_max(), &samples));
    }
}

fn barriers(report: &mut Report, trio: &Trio, scratch: &Path) {
    let note = Process::ours(&trio.ours, "note counted");
    let [lite, raw] = [("sqlite-append", &trio.lite), ("raw-append", &trio.raw)]
        .map(|(mode, file)| Process::peer(mode, file).with("1"));
    let counts = [note, lite, raw].map(|process| process.barriers(scratch));
    let cells = counts.map(|count| count.map_or("skipped: no strace".to_owned(), |count| count.to_string()));
    let row = Row::figures("barriers of `note`", cells);
    report.row(match counts[0] {
        Some(count) => row.goal("≤ 3", count <= 3),
        None => row,
    });
}

fn kept_open(report: &mut Report, trio: &Trio, scale: &Scale) {
    let mut ledger = open(&trio.ours);
    let (mut lite, mut raw) = (Lite::open(&trio.lite), Raw::open(&trio.raw));
    let mut dice = Dice(scale.seed);
    for has_id in [false, true] {
        let mut ours = || {
            let id = if has_id { format!(r#","id":"key:{}""#, dice.below(u64::MAX)) } else { String::new() };
            let line = format!(
                r#"{{"do":"meta","phase":"p07","metadata":{{"rows":7,"file":"out/part-7.json"}}{id}}}"#
            );
            let (command, now) = (command(&line), now());
            time(|| ledger.submit(&command, now).expect("a legal command"))
        };
        let mut theirs = || {
            let rows = made_up(1);
            time(|| lite.append(&rows))
        };
        let mut file = || {
            let rows = made_up(1);
            time(|| raw.append(&rows))
        };
        let samples = in_turn(scale.rounds * 2 + 1, [&mut ours, &mut theirs, &mut file]);
        let name = if has_id { "kept open, under the caller's id" } else { "kept open" };
        report.row(Row::of(name, Shown::Time, &samples).goal_ratio(1.0, &samples));
    }
}

/// Measures questions, as processes.
pub fn questions(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    for &events in scale.sizes {
        let trio = ledgers.of(events);
        report.section(format!("Questions, {} of 16 phases", trio.name()));
        status(report, &trio, scale);
        let most = if events > 1_000_000 { 0.04 } else { 0.03 };
        let mut dice = Dice(scale.seed);
        for words in ["show e5", "show p07", "log --phase p07 -n 20"] {
            let name = format!("`{words}`");
            ask(report, &trio.ours, &name, scale.rounds, (most, 25.0), &mut || words.to_owned());
        }
        for words in ["status --at", "why p07 --at", "show p07 --at"] {
            let name = format!("`{words}` a random instant, the first time");
            let mut words = || format!("{words} {}", trio.instant(&mut dice));
            ask(report, &trio.ours, &name, scale.rounds, (most, 25.0), &mut words);
        }
    }
}

/// Measures a question that has no peer, with what it may take at most: seconds, and megabytes.
pub fn ask(
    report: &mut Report,
    ledger: &Path,
    name: &str,
    rounds: usize,
    (seconds, megabytes): (f64, f64),
    words: &mut dyn FnMut() -> String,
) {
    let [ours] = in_turn(rounds, [&mut || Process::ours(ledger, &words()).take()]);
    let row = Row::of(name, Shown::Time, std::slice::from_ref(&ours)).memory(&ours);
    let row = row.goal(format_args!("≤ {:.0} ms", seconds * 1e3), ours.seconds() <= seconds);
    report.row(row.goal(format_args!("≤ {megabytes:.0} MB"), ours.megabytes() <= megabytes));
}

fn status(report: &mut Report, trio: &Trio, scale: &Scale) {
    let ours = Process::ours(&trio.ours, "status");
    let lite = Process::peer("sqlite-status", &trio.lite);
    let samples = in_turn(scale.rounds, [&mut || ours.take(), &mut || lite.take()]);
    let row = Row::of("`status`", Shown::Time, &samples).memory(&samples[0]);
    report.row(row.goal_ratio(1.5, &samples));
    if std::process::Command::new("sqlite3").arg("--version").output().is_ok() {
        let shell = Process::shell(&trio.lite);
        let samples = in_turn(scale.rounds, [&mut || ours.take(), &mut || shell.take()]);
        report.row(Row::of("`status`, beside the `sqlite3` shell", Shown::Time, &samples));
    }
}

/// Measures what reads all of the log, and what it takes on the disk.
pub fn all(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    for &events in scale.sizes {
        let trio = ledgers.of(events);
        report.section(format!("All of the log, {} of 16 phases", trio.name()));
        report.row(bytes_on_disk(&trio));
        replay(report, &trio, scale);
        let rated = |name: &str, least: f64, samples: &[Samples; 1]| {
            let row = Row::of(name, Shown::Rate(trio.events), samples).memory(&samples[0]);
            let rate = trio.events as f64 / samples[0].seconds();
            row.goal(format_args!("≥ {} M/s", least / 1e6), rate >= least)
        };
        let verify = Process::ours(&trio.ours, "verify");
        report.row(rated("`verify`", 5e5, &in_turn(scale.rounds_slow, [&mut || verify.take()])));
        let file = ledgers.scratch.join("export.jsonl");
        let export = Process::ours(&trio.ours, "export").into_file(&file);
        report.row(rated("`export`", 7e5, &in_turn(scale.rounds_slow, [&mut || export.take()])));
        let mut import = || import(&ledgers.scratch, &file);
        report.row(rated("`import` of it", 2e5, &in_turn(scale.rounds_slow, [&mut import])));
        let costs = Process::ours(&trio.ours, "cost by root-cause");
        let samples = in_turn(scale.rounds_slow, [&mut || costs.take()]);
        let millions = trio.events as f64 / 1e6;
        let row = Row::of("`cost by root-cause`", Shown::Time, &samples).memory(&samples[0]);
        report.row(row.goal("≤ 0.5 s a million", samples[0].seconds() / millions <= 0.5));
        fs::remove_file(&file).expect("an export");
    }
}

fn import(scratch: &Path, file: &Path) -> crate::harness::Taken {
    let folder = scratch.join("imported");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    drop(Ledger::create(&folder.join("log")).expect("a ledger"));
    settle();
    let taken = Process::ours(&folder, "import").with(file).take();
    fs::remove_dir_all(&folder).expect("what was imported");
    taken
}

/// Says how much each engine keeps for a byte of the lines.
fn bytes_on_disk(trio: &Trio) -> Row {
    let share = |bytes: u64| bytes as f64 / trio.json as f64;
    let ours = share(trio.ours_bytes);
    let cells = [ours, share(trio.lite_bytes), 1.0].map(digits);
    Row::figures("bytes on the disk ÷ JSON, with all indexes and snapshots", cells)
        .goal("≤ 0.20", ours <= 0.2)
}

/// What hands on one record after the other.
type Each<'a> = &'a dyn Fn(&mut dyn FnMut(Recorded));

/// Measures the same parse and the same fold over the lines of each engine, from the first event on: of ours as the library
/// hands events on, which reads ahead on another thread; the peers hand on lines, which are parsed as they come.
fn replay(report: &mut Report, trio: &Trio, scale: &Scale) {
    let (ledger, lite, raw) = (open(&trio.ours), Lite::open(&trio.lite), Raw::open(&trio.raw));
    let fold = |each: Each<'_>| {
        time(|| {
            let mut table = Table::default();
            each(&mut |record| {
                evolve(&mut table, &record).expect("a fold");
            });
            table
        })
    };
    let (all, read) = (trio.events, |line: &str| Recorded::from_line(line).expect("an event"));
    let mut ours = || {
        fold(&|line| {
            let take = |record| {
                line(record);
                Ok(())
            };
            ledger.each_record(Seq::ZERO, Seq::new(all), take).expect("the events");
        })
    };
    let mut theirs = || fold(&|line| lite.scan(all, |text| line(read(text))));
    let mut file = || fold(&|line| raw.scan(all, |text| line(read(text))));
    let samples = in_turn(scale.rounds_slow, [&mut ours, &mut theirs, &mut file]);
    let rate = all as f64 / samples[0].seconds();
    let row = Row::of("replayed cold, with the fold", Shown::Rate(all), &samples);
    report.row(row.goal("≥ 0.8 M/s", rate >= 8e5));
}
