//! Long streams of commands into `append`: the program itself, from a file to its answers, beside processes that are handed
//! as many finished lines.

use std::fs;
use std::path::{Path, PathBuf};

use phaseledger::model::Seq;

use crate::Scale;
use crate::harness::{Report, Row, Samples, Shown, digits, in_turn};
use crate::ledgers::{Ledgers, Trio, settle};
use crate::peers::Lite;
use crate::process::Process;
use crate::workload::{BATCH, Dice, create, open, sixteen, write_lines};

/// Measures streams into a ledger without events, then into those with the most.
pub fn measure(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    let lines = scale.stream;
    report.section(format!("A stream of {lines} lines into `append`"));
    for has_ids in [false, true] {
        let name = if has_ids { "each under an id" } else { "without ids" };
        let fresh = || Place::fresh(ledgers.scratch());
        let first =
            stream(report, &format!("{name}, from the first on"), &fresh, (has_ids, None), ledgers, scale);
        for &events in scale.sizes {
            let trio = ledgers.of(events);
            let name = format!("{name}, behind {}", trio.name());
            stream(report, &name, &|| Place::of(&trio), (has_ids, Some(&first)), ledgers, scale);
        }
    }
}

/// Where a stream goes.
struct Place {
    ours: PathBuf,
    lite: PathBuf,
    raw: PathBuf,
}

impl Place {
    fn of(trio: &Trio) -> Self {
        Place { ours: trio.ours.clone(), lite: trio.lite.clone(), raw: trio.raw.clone() }
    }

    fn fresh(scratch: &Path) -> Self {
        let folder = scratch.join("stream");
        let _ = fs::remove_dir_all(&folder);
        let ours = folder.join("ledger");
        create(&ours, &sixteen("daily"));
        let place = Place { ours, lite: folder.join("log.sqlite"), raw: folder.join("log.jsonl") };
        Lite::create(&place.lite);
        place
    }

    fn head(&self) -> Seq {
        open(&self.ours).head().expect("a head").seq
    }

    /// Returns how many bytes the lines behind a place have.
    fn json_after(&self, mut after: Seq) -> usize {
        let ledger = open(&self.ours);
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
}

/// Measures one kind of stream to one place, with the same stream sent again where there are ids, and returns what ours took.
fn stream(
    report: &mut Report,
    name: &str,
    place: &dyn Fn() -> Place,
    (has_ids, first): (bool, Option<&Samples>),
    ledgers: &Ledgers,
    scale: &Scale,
) -> Samples {
    let file = ledgers.scratch().join("stream.jsonl");
    let words = [file.as_os_str()];
    let text = file.to_str().expect("UTF-8");
    let mut dice = Dice(scale.seed ^ u64::from(first.is_some()) ^ name.len() as u64);
    let at = std::cell::RefCell::new(place());
    let (mut json, mut again) = (0, Vec::new());
    let mut ours = || {
        write_lines(&file, scale.stream, has_ids.then_some(&mut dice));
        *at.borrow_mut() = place();
        settle();
        let at = at.borrow();
        let before = at.head();
        let append = Process::ours(&at.ours, &["append", text]);
        let taken = append.take();
        json = at.json_after(before);
        if has_ids {
            again.push(append.take());
        }
        taken
    };
    let mut lite = || Process::peer("sqlite-stream", &at.borrow().lite, &words).take();
    let mut raw = || Process::peer("raw-stream", &at.borrow().raw, &words).take();
    let samples = in_turn(scale.rounds_slow, [&mut ours, &mut lite, &mut raw]);
    report.row(row(name, &samples, (json as f64, first), scale));
    if has_ids {
        let again = [Samples::from(again)];
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
        .note(&format!("{} µs CPU a line", digits(micros)))
        .memory(ours)
        .note(&format!("{} × the JSON written", digits(written)));
    let row = if scale.barrier <= 0.3e-3 {
        row.goal("≥ 50 k/s", lines / ours.seconds() >= 5e4)
    } else {
        row.goal("≥ 0.3 × SQLite's rate", ours.over(&samples[1]) <= 1.0 / 0.3)
    };
    let row = row
        .goal("≤ 15 µs", micros <= 15.0)
        .goal("≤ 100 MB", ours.megabytes() <= 100.0)
        // A file system in memory sends nothing to a disk.
        .goal("≤ 3 × the JSON", written <= 3.0);
    match first {
        Some(first) => {
            let more = ours.seconds() / first.seconds();
            row.goal(format_args!("≤ 1.2 × from the first on: {}", digits(more)), more <= 1.2)
        }
        None => row,
    }
}
