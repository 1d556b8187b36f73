//! Long streams of commands into `append`: the program itself, from a file to its answers, beside processes that are handed
//! as many finished lines.

use std::cell::RefCell;
use std::rc::Rc;

use phaseledger::ledger::Ledger;
use phaseledger::model::Seq;

use crate::Scale;
use crate::harness::{Report, Row, Samples, Shown, digits, in_turn};
use crate::ledgers::{Ledgers, Trio, settle};
use crate::process::Process;
use crate::workload::{BATCH, Dice, open, write_lines};

/// Measures streams into a ledger without events, then into those with the most.
pub fn measure(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    let lines = scale.stream;
    report.section(format!("A stream of {lines} lines into `append`"));
    for has_ids in [false, true] {
        let name = if has_ids { "each under an id" } else { "without ids" };
        let fresh = || Rc::new(Trio::empty(&ledgers.scratch.join("stream")));
        let first =
            stream(report, &format!("{name}, from the first on"), &fresh, (has_ids, None), ledgers, scale);
        for &events in scale.sizes {
            let trio = ledgers.of(events);
            let name = format!("{name}, behind {}", trio.name());
            stream(report, &name, &|| Rc::clone(&trio), (has_ids, Some(&first)), ledgers, scale);
        }
    }
}

/// Returns how many bytes the lines behind a place have.
fn json_after(ledger: &Ledger, mut after: Seq) -> usize {
    let mut bytes = 0;
    loop {
        let lines = ledger.lines(after, BATCH).expect("lines");
        if lines.is_empty() {
            return bytes;
        }
        after = Seq::new(after.number() + lines.len() as u64);
        bytes += lines.iter().map(|line| line.len() + 1).sum::<usize>();
    }
}

/// Measures one kind of stream to one place, with the same stream sent again where there are ids, and returns what ours took.
fn stream(
    report: &mut Report,
    name: &str,
    place: &dyn Fn() -> Rc<Trio>,
    (has_ids, first): (bool, Option<&Samples>),
    ledgers: &Ledgers,
    scale: &Scale,
) -> Samples {
    let file = ledgers.scratch.join("stream.jsonl");
    let mut dice = Dice(scale.seed);
    let at = RefCell::new(place());
    let (mut json, mut again) = (0, Vec::new());
    let mut ours = || {
        write_lines(&file, scale.stream, has_ids.then_some(&mut dice));
        *at.borrow_mut() = place();
        settle();
        let at = at.borrow();
        let before = open(&at.ours).head().expect("a head").seq;
        let append = Process::ours(&at.ours, "append").with(&file);
        let taken = append.take();
        json = json_after(&open(&at.ours), before);
        if has_ids {
            again.push(append.take());
        }
        taken
    };
    let mut lite = || Process::peer("sqlite-stream", &at.borrow().lite).with(&file).take();
    let mut raw = || Process::peer("raw-stream", &at.borrow().raw).with(&file).take();
    let samples = in_turn(scale.rounds_slow, [&mut ours, &mut lite, &mut raw]);
    report.row(row(name, &samples, (json as f64, first), scale));
    if has_ids {
        let again = [Samples(again)];
        let rate = scale.stream as f64 / again[0].seconds();
        let row = Row::of("… sent again", Shown::Rate(scale.stream as u64), &again).memory(&again[0]);
        report.row(row.goal("≥ 100 k/s", rate >= 1e5));
    }
    let [ours, ..] = samples;
    ours
}

fn row(name: &str, samples: &[Samples], (json, first): (f64, Option<&Samples>), scale: &Scale) -> Row {
    let ours = &samples[0];
    let lines = scale.stream as f64;
    let micros = ours.median(|taken| taken.processor) / lines * 1e6;
    let written = ours.median(|taken| taken.written) / json;
    let row = Row::of(name, Shown::Rate(scale.stream as u64), samples)
        .note(format_args!("{} µs CPU a line", digits(micros)))
        .memory(ours)
        .note(format_args!("{} × the JSON written", digits(written)));
    let row = if scale.barrier <= 0.3e-3 {
        row.goal("≥ 50 k/s", lines / ours.seconds() >= 5e4)
    } else {
        row.goal("≥ 0.3 × SQLite's rate", ours.over(&samples[1]) <= 1.0 / 0.3)
    };
    let row = row
        .goal("≤ 15 µs", micros <= 15.0)
        .goal("≤ 100 MB", ours.megabytes() <= 100.0)
        .goal("≤ 3 × the JSON", written <= 3.0);
    match first {
        Some(first) => {
            let more = ours.seconds() / first.seconds();
            row.goal(format_args!("≤ 1.2 × from the first on: {}", digits(more)), more <= 1.2)
        }
        None => row,
    }
}
