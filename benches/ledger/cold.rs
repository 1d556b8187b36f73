//! Whole commands as a process runs them: open, do one thing, close.

use std::path::Path;
use std::time::Duration;

use phaseledger::ledger::Ledger;
use phaseledger::model::Seq;
use phaseledger::rules::Phase;
use phaseledger::store::{DiskOptions, DiskStore};

use crate::Scale;
use crate::append::submit;
use crate::harness::{ENGINES, Report, Shown, time, timed};
use crate::peers::{Lite, Raw};
use crate::workload::{self, PHASES, Trio, Twin, command};

pub fn measure(report: &mut Report, trio: &Trio, scale: &Scale) {
    report.section(format!("Open, do one thing, close: {} events", trio.events), &ENGINES);
    let rounds = scale.rounds.div_ceil(2);
    let row = Twin::new(PHASES).rows(&command(workload::meta(0))).remove(0);
    let mut ours = || append(trio);
    let mut theirs = || {
        let row = row.again();
        time(|| Lite::open(&trio.lite).append(&[row]))
    };
    let mut file = || time(|| Raw::open(&trio.raw).append(std::slice::from_ref(&row)));
    let sides = [Some(&mut ours as _), Some(&mut theirs as _), Some(&mut file as _)];
    report.measure("append one event, durably", Shown::Time, rounds, sides);

    read(report, trio, rounds, "read the last event", |ledger| {
        let head = ledger.head().expect("a head");
        ledger.event(head.seq).expect("an event");
    });
    status(report, trio, rounds, "the table of 16 phases", || {});
    status(report, trio, rounds, "the table of 16 phases, after a write", || {
        append(trio);
    });
    let mut ours = || time(|| trio.ledger().event(Seq::new(1)).expect("an event"));
    let name = "read the first event (both databases)";
    report.measure(name, Shown::Time, rounds, [Some(&mut ours), None, None]);
}

fn append(trio: &Trio) -> Duration {
    let command = command(workload::meta(0));
    time(|| submit(&mut trio.ledger(), &command))
}

fn read(report: &mut Report, trio: &Trio, rounds: usize, name: &str, question: impl Fn(&Ledger)) {
    let mut ours = || time(|| question(&trio.ledger()));
    let mut theirs = || time(|| Lite::open(&trio.lite).last());
    let mut file = || time(|| Raw::open(&trio.raw).last());
    report.measure(name, Shown::Time, rounds, [Some(&mut ours), Some(&mut theirs), Some(&mut file)]);
}

fn status(report: &mut Report, trio: &Trio, rounds: usize, name: &str, before: impl Fn()) {
    let mut ours = || {
        before();
        time(|| trio.ledger().table().expect("a table"))
    };
    let mut theirs = || time(|| table(&Lite::open(&trio.lite)));
    report.measure(name, Shown::Time, rounds, [Some(&mut ours), Some(&mut theirs), None]);
}

/// Reads the table from its rows, as ours is read.
fn table(lite: &Lite) -> Vec<Phase> {
    let rows = lite.phases();
    rows.iter().map(|row| serde_json::from_slice(row).expect("a phase")).collect()
}

/// Measures what section 8 decided against: one database that holds everything, with an index of all ids.
pub fn measure_one_database(report: &mut Report, trio: &Trio, scale: &Scale) {
    let title = format!("Two databases, or one with an index of all ids: {} events", trio.events);
    report.section(title, &["two", "one"]);
    let dir = trio.ours.with_extension("one");
    drop(DiskStore::create(&dir).expect("a store"));
    let ((), took) = timed(|| workload::fill(&mut open_one(&dir), trio.events, |_| {}));
    eprintln!("one database of {} events: {took:.1?}", trio.events);
    let rounds = scale.rounds.div_ceil(2);
    let mut two = || append(trio);
    let mut one = || {
        let command = command(workload::meta(0));
        time(|| submit(&mut open_one(&dir), &command))
    };
    let sides = [Some(&mut two as _), Some(&mut one as _), None];
    report.measure("append one event, durably", Shown::Time, rounds, sides);
    let mut two = || time(|| trio.ledger().event(Seq::new(1)).expect("an event"));
    let mut one = || time(|| open_one(&dir).event(Seq::new(1)).expect("an event"));
    report.measure("read the first event", Shown::Time, rounds, [Some(&mut two), Some(&mut one), None]);
}

fn open_one(dir: &Path) -> Ledger {
    let options =
        DiskOptions { open_events_max: u64::MAX, open_bytes_max: u64::MAX, ..DiskOptions::default() };
    let store = DiskStore::open_with(dir, Duration::from_secs(10), options).expect("a store");
    Ledger::new(Box::new(store))
}
