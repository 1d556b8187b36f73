//! One long chain of complete phases: the rerun of the first marks all the others.

use std::fs;
use std::path::Path;
use std::time::Duration;

use phaseledger::ledger::Ledger;
use phaseledger::rules::{evolve, propagate};

use crate::Scale;
use crate::append::submit;
use crate::harness::{ENGINES, Report, Shown, time, timed};
use crate::peers::{Lite, Raw, Row, copy};
use crate::workload::{self, Trio, Twin, command, stage, time_of};

pub fn measure(report: &mut Report, dir: &Path, scale: &Scale) {
    let chain = scale.chain;
    let trio = Trio::in_dir(&dir.join("chain"), 0);
    let ((), took) = timed(|| prepare(&trio, chain));
    eprintln!("a chain of {chain} phases: {took:.1?}");

    report.section(format!("The rerun of the first of {chain} complete phases in a chain"), &ENGINES);
    let rerun = command(workload::rerun(0));
    let mut ledger = trio.ledger();
    let mut table = ledger.table().expect("a table");
    let answer = ledger.preview(&rerun, time_of(&rerun)).expect("a legal command");
    assert_eq!(answer.events.len(), chain, "every phase of the chain is marked");
    evolve(&mut table, &answer.events[0]).expect("a mark");
    let rounds = scale.rounds_slow;
    let mut alone = || time(|| propagate(&table, &answer.events[..1], 0));
    report.measure("derived, in memory", Shown::Time, rounds, [Some(&mut alone), None, None]);
    let mut preview = || time(|| ledger.preview(&rerun, time_of(&rerun)).expect("a legal command"));
    let name = "previewed: rows read, derived, lines made";
    report.measure(name, Shown::Time, rounds, [Some(&mut preview), None, None]);
    let rows: Vec<Row> = workload::rows(&answer, &table);
    drop((ledger, answer, table));

    let scratch = Trio::in_dir(&dir.join("chain.scratch"), 0);
    let mut ours = || {
        refresh(&trio.ours, &scratch.ours);
        let mut ledger = scratch.ledger();
        time(|| submit(&mut ledger, &rerun))
    };
    let mut theirs = || {
        refresh(&trio.lite, &scratch.lite);
        let mut lite = Lite::open(&scratch.lite);
        time(|| lite.append(&rows))
    };
    let mut file = || {
        refresh(&trio.raw, &scratch.raw);
        let mut raw = Raw::open(&scratch.raw);
        time(|| raw.append(&rows))
    };
    let sides = [Some(&mut ours as _), Some(&mut theirs as _), Some(&mut file as _)];
    report.measure("recorded, durably", Shown::Time, rounds, sides);
    start(report, &trio, scale);
}

/// Measures the start of the last phase, which has not run.
fn start(report: &mut Report, trio: &Trio, scale: &Scale) {
    let chain = scale.chain;
    report.section(format!("The start of one of {} phases", chain + 1), &ENGINES);
    let row = Twin::new(1).rows(&command(workload::start(0))).remove(0);
    let start = |ledger: &mut Ledger| submit(ledger, &command(workload::start(chain)));
    let fail = |ledger: &mut Ledger| submit(ledger, &command(workload::fail(chain)));

    let mut ledger = trio.ledger();
    let (mut lite, mut raw) = (Lite::open(&trio.lite), Raw::open(&trio.raw));
    let mut ours = || {
        let took = time(|| start(&mut ledger));
        fail(&mut ledger);
        took
    };
    let mut theirs = || {
        let row = row.again();
        time(|| lite.append(&[row]))
    };
    let mut file = || {
        let row = row.again();
        time(|| raw.append(&[row]))
    };
    let sides = [Some(&mut ours as _), Some(&mut theirs as _), Some(&mut file as _)];
    report.measure("kept open", Shown::Time, scale.rounds, sides);
    drop((ledger, lite, raw));

    let mut ours = || {
        let took = time(|| start(&mut trio.ledger()));
        fail(&mut trio.ledger());
        took
    };
    let mut theirs = || {
        let row = row.again();
        time(|| Lite::open(&trio.lite).append(&[row]))
    };
    let mut file = || {
        let row = row.again();
        time(|| Raw::open(&trio.raw).append(&[row]))
    };
    let sides = [Some(&mut ours as _), Some(&mut theirs as _), Some(&mut file as _)];
    report.measure("open, start, close", Shown::Time, scale.rounds.div_ceil(4), sides);
}

/// Makes a chain of complete phases, and one more that has not run, in all three logs.
fn prepare(trio: &Trio, chain: usize) {
    let mut ledger = Ledger::create(&trio.ours).expect("a ledger");
    let mut session = ledger.session().expect("a session");
    let mut rows = stage(&mut session, &command(workload::define(chain + 1)));
    for number in 0..chain {
        rows.extend(stage(&mut session, &command(workload::start(number))));
        rows.extend(stage(&mut session, &command(workload::complete(number))));
    }
    session.commit().expect("a commit");
    Lite::create(&trio.lite).append(&rows);
    Raw::open(&trio.raw).append(&rows);
}

/// Puts a fresh copy of a log in place of one that was written to.
fn refresh(from: &Path, to: &Path) {
    if from.is_dir() {
        let _ = fs::remove_dir_all(to);
        copy(from, to);
    } else {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = to.as_os_str().to_owned();
            name.push(suffix);
            let _ = fs::remove_file(&name);
        }
        fs::copy(from, to).expect("a copy");
    }
    fs::File::open(to).and_then(|file| file.sync_all()).expect("a sync");
    std::thread::sleep(Duration::from_millis(1));
}
