//! What the log on disk costs, beside SQLite and a raw file in the same run.
//!
//! ```text
//!  cargo bench               everything, up to a million events: some minutes
//!  cargo bench -- --quick    up to 10,000 events
//!  cargo bench -- cascade    one group alone: append, stream, cold, replay, cascade
//!  cargo test --benches      each measure once, tiny: only that it runs
//! ```
//!
//! The tables go to stdout as Markdown, ready for docs/performance.md; progress goes to stderr.

mod append;
mod cascade;
mod cold;
mod harness;
mod machine;
mod peers;
mod replay;
mod stream;
mod workload;

use std::path::Path;

use harness::Report;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// How many events the ledgers hold that are opened cold, the last of them also the one that is replayed.
    ledgers: &'static [u64],
    /// How often cheap things are measured.
    rounds: usize,
    /// How often things that take seconds are measured.
    rounds_slow: usize,
    /// How many phases the chain has.
    chain: usize,
    /// How many commands a batch has.
    batch: usize,
    /// How many lines a stream has.
    stream: usize,
}

const FULL: Scale = Scale {
    ledgers: &[0, 10_000, 1_000_000],
    rounds: 101,
    rounds_slow: 5,
    chain: 100_000,
    batch: 1_000,
    stream: 1_000_000,
};
const QUICK: Scale =
    Scale { ledgers: &[0, 10_000], rounds: 51, rounds_slow: 3, chain: 10_000, batch: 1_000, stream: 100_000 };
const SMOKE: Scale =
    Scale { ledgers: &[0, 300], rounds: 1, rounds_slow: 1, chain: 50, batch: 20, stream: 50 };

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    if has("--list") {
        return;
    }
    // `cargo bench` says `--bench`; `cargo test` does not.
    let scale = match (has("--bench"), has("--quick")) {
        (false, _) => SMOKE,
        (true, true) => QUICK,
        (true, false) => FULL,
    };
    // On the disk that the build is on: a temporary directory may be in memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory for the ledgers");
    println!("{}\n", machine::describe(dir.path()));
    let groups: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let report = run(dir.path(), &scale, |group| groups.is_empty() || groups.contains(&group));
    print!("{report}");
    println!("{}", machine::load());
}

fn run(dir: &Path, scale: &Scale, wanted: impl Fn(&str) -> bool) -> Report {
    let mut report = Report::default();
    if wanted("append") {
        append::measure(&mut report, dir, scale);
    }
    if wanted("stream") {
        stream::measure(&mut report, dir, scale);
    }
    for &events in scale.ledgers {
        let is_last = Some(&events) == scale.ledgers.last();
        if !(wanted("cold") || is_last && wanted("replay")) {
            continue;
        }
        let ledgers = workload::Trio::filled(&dir.join(events.to_string()), events);
        if wanted("cold") {
            cold::measure(&mut report, &ledgers, scale);
        }
        if is_last && wanted("cold") {
            cold::measure_one_database(&mut report, &ledgers, scale);
        }
        if is_last && wanted("replay") {
            replay::measure(&mut report, &ledgers, scale);
        }
    }
    if wanted("cascade") {
        cascade::measure(&mut report, dir, scale);
    }
    report
}
