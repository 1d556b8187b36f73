//! Reading all of the log, folding it, and cutting it in the middle.

use phaseledger::ledger::Ledger;
use phaseledger::model::{Recorded, Seq};
use phaseledger::rules::{Table, evolve};
use phaseledger::store::Until;

use crate::Scale;
use crate::harness::{ENGINES, Report, Shown, time};
use crate::peers::{Lite, Raw, bytes_of};
use crate::workload::Trio;

/// How many lines are read at a time.
const LINES: usize = 1_024;

pub fn measure(report: &mut Report, trio: &Trio, scale: &Scale) {
    let mut ledger = trio.ledger();
    let (lite, raw) = (Lite::open(&trio.lite), Raw::open(&trio.raw));
    let end = trio.events + 1;
    let rounds = scale.rounds_slow;

    report.section(format!("Reading {} events", trio.events), &ENGINES);
    let shown = Shown::Events(end);
    let mut ours = || time(|| scan(&ledger, end));
    let mut theirs = || time(|| bytes(|line| lite.scan(end, line)));
    let mut file = || time(|| bytes(|line| raw.scan(end, line)));
    let sides = [Some(&mut ours as _), Some(&mut theirs as _), Some(&mut file as _)];
    report.measure("the lines alone", shown, rounds, sides);
    fold_all(report, "parsed and folded from the start", shown, rounds, [&ledger as _, &lite, &raw], end);
    verify(report, &mut ledger, end, rounds);

    let middle = trio.events / 2;
    report.section(format!("As of the middle of {} events", trio.events), &ENGINES);
    let sides: [&dyn Scan; 3] = [&ledger, &lite, &raw];
    fold_all(report, "the table, without a snapshot", Shown::Time, rounds, sides, middle);
    let mut ours = || time(|| ledger.table_at(Seq::new(middle)).expect("a table"));
    report.measure(
        "the table, from the nearest snapshot",
        Shown::Time,
        rounds,
        [Some(&mut ours), None, None],
    );
    let record = ledger.event(Seq::new(middle)).expect("an event").expect("an event in the middle");
    let head = Seq::new(end);
    let mut ours = || time(|| ledger.took_effect(Until::Through(record.at), head).expect("places"));
    let rounds = scale.rounds;
    report.measure("from a time to the events up to it", Shown::Time, rounds, [Some(&mut ours), None, None]);

    report.section(format!("Bytes for each of {} events", trio.events), &ENGINES);
    drop((ledger, lite));
    let lines = bytes_of(&trio.raw) as f64;
    let sizes = [bytes_of(&trio.ours) as f64, bytes_of(&trio.lite) as f64, lines];
    report.numbers("on the disk", sizes.map(|bytes| bytes / end as f64));
}

/// Measures a check of everything: ours alone can be asked for it.
fn verify(report: &mut Report, ledger: &mut Ledger, end: u64, rounds: usize) {
    let mut ours = || time(|| ledger.verify(false, |_| {}).expect("a log").expect("an intact log"));
    let name = "verified: folded, hashed, compared";
    report.measure(name, Shown::Events(end), rounds, [Some(&mut ours), None, None]);
}

/// What can be read line by line.
trait Scan {
    fn each(&self, through: u64, line: &mut dyn FnMut(Recorded));
}

impl Scan for Ledger {
    fn each(&self, through: u64, line: &mut dyn FnMut(Recorded)) {
        self.records(Seq::ZERO, Seq::new(through)).for_each(|record| line(record.expect("an event")));
    }
}

impl Scan for Lite {
    fn each(&self, through: u64, line: &mut dyn FnMut(Recorded)) {
        self.scan(through, |text| line(Recorded::from_line(text).expect("an event")));
    }
}

impl Scan for Raw {
    fn each(&self, through: u64, line: &mut dyn FnMut(Recorded)) {
        self.scan(through, |text| line(Recorded::from_line(text).expect("an event")));
    }
}

/// Measures the same parse and the same fold over the lines of each engine.
fn fold_all(
    report: &mut Report,
    name: &str,
    shown: Shown,
    rounds: usize,
    engines: [&dyn Scan; 3],
    through: u64,
) {
    let [mut ours, mut theirs, mut file] = engines.map(|engine| {
        move || {
            time(|| {
                let mut table = Table::default();
                engine.each(through, &mut |record| {
                    evolve(&mut table, &record).expect("a fold");
                });
                table
            })
        }
    });
    report.measure(name, shown, rounds, [Some(&mut ours), Some(&mut theirs), Some(&mut file)]);
}

fn scan(ledger: &Ledger, end: u64) -> usize {
    let (mut bytes, mut after) = (0, 0);
    while after < end {
        let lines = ledger.lines(Seq::new(after), LINES).expect("lines");
        after += lines.len() as u64;
        bytes += lines.iter().map(String::len).sum::<usize>();
    }
    bytes
}

fn bytes(scan: impl FnOnce(&mut dyn FnMut(&str))) -> usize {
    let mut bytes = 0;
    scan(&mut |line| bytes += line.len());
    bytes
}
