//! A workflow of 16 phases that was run over and over: single commands, questions, and what reads all of the log.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use phaseledger::ledger::Ledger;
use phaseledger::model::{Recorded, Seq};
use phaseledger::rules::{Table, evolve};

use crate::Scale;
use crate::harness::{Report, Row, Samples, Shown, digits, in_turn, time};
use crate::ledgers::{Ledgers, Trio, settle};
use crate::peers::{Lite, Raw, bytes_of, made_up};
use crate::process::Process;
use crate::workload::{Dice, command, now, open};

/// Measures single commands, as processes and through the library.
pub fn commands(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    for &events in scale.sizes {
        let trio = ledgers.of(events);
        report.section(format!("One command, {} of 16 phases", trio.name()));
        whole_process(report, &trio, scale);
        barriers(report, &trio, ledgers.scratch());
        kept_open(report, &trio, scale);
    }
}

fn whole_process(report: &mut Report, trio: &Trio, scale: &Scale) {
    let note = Process::ours(&trio.ours, &["note", "half of the books are read", "--phase", "p07"]);
    // Nothing needs the last phase, so that its start marks nothing.
    let start = ["start", "p15", "--rerun", "--reason", "again", "--allow-unmet", "--meta", "model=opus-4"];
    let start = Process::ours(&trio.ours, &start);
    let complete = Process::ours(&trio.ours, &["complete", "p15"]);
    let lite = Process::peer("sqlite-append", &trio.lite, &[]);
    let raw = Process::peer("raw-append", &trio.raw, &[]);
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
    let ours = Process::ours(&trio.ours, &["note", "counted"]).barriers(scratch);
    let lite = Process::peer("sqlite-append", &trio.lite, &[]).barriers(scratch);
    let raw = Process::peer("raw-append", &trio.raw, &[]).barriers(scratch);
    let counts = [ours, lite, raw];
    let row =
        counts.into_iter().enumerate().fold(Row::named("barriers of `note`"), |row, (engine, count)| {
            row.cell(engine, count.map_or("skipped: no strace".to_owned(), |count| count.to_string()))
        });
    report.row(match ours {
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
        let mut ask = |name: &str, arguments: &mut dyn FnMut() -> Vec<String>| {
            let mut ours = || {
                let arguments = arguments();
                let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
                Process::ours(&trio.ours, &words).take()
            };
            let samples = in_turn(scale.rounds, [&mut ours]);
            report.row(question(name, most, 25.0, &samples));
        };
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for question in ["show e5", "show p07", "log --phase p07 -n 20"] {
            ask(&format!("`{question}`"), &mut || words(question));
        }
        for question in ["status --at", "why p07 --at", "show p07 --at"] {
            let name = format!("`{question}` a random instant, the first time");
            ask(&name, &mut || words(&format!("{question} {}", trio.instant(&mut dice))));
        }
    }
}

/// Returns the row of a question that has no peer.
pub fn question(name: &str, seconds_max: f64, megabytes_max: f64, samples: &[Samples]) -> Row {
    Row::of(name, Shown::Time, samples)
        .memory(&samples[0])
        .goal(format_args!("≤ {:.0} ms", seconds_max * 1e3), samples[0].seconds() <= seconds_max)
        .goal(format_args!("≤ {megabytes_max:.0} MB"), samples[0].megabytes() <= megabytes_max)
}

fn status(report: &mut Report, trio: &Trio, scale: &Scale) {
    let ours = Process::ours(&trio.ours, &["status"]);
    let lite = Process::peer("sqlite-status", &trio.lite, &[]);
    let samples = in_turn(scale.rounds, [&mut || ours.take(), &mut || lite.take()]);
    let row = Row::of("`status`", Shown::Time, &samples).memory(&samples[0]);
    report.row(row.goal_ratio(1.5, &samples));
    let shell = ["sqlite3".as_ref(), trio.lite.as_os_str(), OsStr::new("SELECT * FROM phase")];
    if std::process::Command::new("sqlite3").arg("--version").output().is_ok() {
        let shell = Process::new(shell.into_iter());
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
        let rated = |name: &str, least: f64, samples: &[Samples]| {
            let row = Row::of(name, Shown::Rate(trio.events), samples).memory(&samples[0]);
            let rate = trio.events as f64 / samples[0].seconds();
            row.goal(format_args!("≥ {} M/s", least / 1e6), rate >= least)
        };
        let verify = Process::ours(&trio.ours, &["verify"]);
        report.row(rated("`verify`", 5e5, &in_turn(scale.rounds_slow, [&mut || verify.take()])));
        let file = ledgers.scratch().join("export.jsonl");
        let export = Process::ours(&trio.ours, &["export"]).into_file(&file);
        report.row(rated("`export`", 7e5, &in_turn(scale.rounds_slow, [&mut || export.take()])));
        let mut import = || import(ledgers.scratch(), &file);
        report.row(rated("`import` of it", 2e5, &in_turn(scale.rounds_slow, [&mut import])));
        let costs = Process::ours(&trio.ours, &["cost", "by", "root-cause"]);
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
    let taken = Process::ours(&folder, &["import", file.to_str().expect("UTF-8")]).take();
    fs::remove_dir_all(&folder).expect("what was imported");
    taken
}

/// Says how much each engine keeps for a byte of the lines.
fn bytes_on_disk(trio: &Trio) -> Row {
    let share = |bytes: u64| bytes as f64 / trio.json as f64;
    let ours = share(bytes_of(&trio.ours.join("log")));
    Row::named("bytes on the disk ÷ JSON, with all indexes and snapshots")
        .cell(0, digits(ours))
        .cell(1, digits(share(trio.lite_bytes)))
        .cell(2, digits(1.0))
        .goal("≤ 0.20", ours <= 0.2)
}

/// What hands on one record after the other.
type Each<'a> = &'a dyn Fn(&mut dyn FnMut(Recorded));

/// Measures the same parse and the same fold over the lines of each engine, from the first event on.
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
        let records = || ledger.records(Seq::ZERO, Seq::new(all));
        fold(&|line| records().for_each(|record| line(record.expect("an event"))))
    };
    let mut theirs = || fold(&|line| lite.scan(all, |text| line(read(text))));
    let mut file = || fold(&|line| raw.scan(all, |text| line(read(text))));
    let samples = in_turn(scale.rounds_slow, [&mut ours, &mut theirs, &mut file]);
    let rate = all as f64 / samples[0].seconds();
    let row = Row::of("replayed cold, with the fold", Shown::Rate(all), &samples);
    report.row(row.goal("≥ 0.8 M/s", rate >= 8e5));
}
