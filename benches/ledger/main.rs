//! What the log on disk costs, beside SQLite and a raw file in the same run.
//!
//! ```text
//!  cargo bench                        everything, at a million and at ten million events: half an hour, 30 GB of disk
//!  cargo bench -- --write             the same, into docs/performance.md and docs/growth.svg
//!  cargo bench -- --quick             at 10,000 and 100,000 events: some minutes
//!  cargo bench -- --only questions    one group alone: growth, commands, questions, all, stream, tree, workflows
//!  cargo bench -- --only growth --write    the picture alone
//!  cargo bench -- --in FOLDER         on the disk of another folder, such as /dev/shm
//!  cargo bench -- --any-build         with the ledgers that are there, though another build has made them
//!  cargo bench -- --seed 7            with other instants and phases
//!  cargo test --benches               each measure once, tiny: only that it runs
//! ```
//!
//! The tables go to stdout as Markdown; progress goes to stderr. The ledgers are made once and kept below the target folder.

mod growth;
mod harness;
mod ledgers;
mod machine;
mod peers;
mod process;
mod sixteen;
mod stream;
mod wide;
mod workload;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{Report, time_text};
use ledgers::Ledgers;

/// Between what the figures are on their page.
const BEGIN: &str = "<!-- figures, written by `cargo bench -- --write` -->\n\n";
const END: &str = "<!-- end of the figures -->\n";
const GROUPS: [&str; 7] = ["growth", "commands", "questions", "all", "stream", "tree", "workflows"];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// How many events the ledgers hold that are measured in full.
    sizes: &'static [u64],
    /// How many they hold in the picture of how it grows.
    growth: &'static [u64],
    /// How often cheap things are measured.
    rounds: usize,
    /// How often things that take seconds are measured.
    rounds_slow: usize,
    /// How many lines a stream has.
    stream: usize,
    /// How many phases the tree has.
    phases: u64,
    /// How many workflows there are side by side.
    workflows: u64,
    /// What random instants and phases are drawn from.
    seed: u64,
    /// The median cost of one barrier in this run, in seconds.
    barrier: f64,
}

const FULL: Scale = Scale {
    sizes: &[1_000_000, 10_000_000],
    growth: &[1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    rounds: 51,
    rounds_slow: 3,
    stream: 300_000,
    phases: 100_000,
    // Ten thousand take a quarter of an hour to define: each definition looks through all that are there.
    workflows: 2_000,
    seed: 14,
    barrier: f64::NAN,
};
const QUICK: Scale = Scale {
    sizes: &[10_000, 100_000],
    growth: &[1_000, 10_000, 100_000],
    rounds: 11,
    stream: 10_000,
    phases: 10_000,
    workflows: 1_000,
    ..FULL
};
const SMOKE: Scale = Scale {
    sizes: &[500],
    growth: &[500, 1_000],
    rounds: 1,
    rounds_slow: 1,
    stream: 100,
    phases: 50,
    workflows: 3,
    ..FULL
};

impl Scale {
    /// Returns how many times SQLite's a command may take. The more a barrier costs the less does all else count.
    fn command_ratio_max(&self) -> f64 {
        match self.barrier {
            slow if slow > 1e-3 => 1.0,
            disk if disk >= 1e-4 => 1.3,
            _ => 1.6,
        }
    }
}

fn main() {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match words.split_first() {
        Some((mode, rest)) if mode == "--measured" => process::measured(rest),
        Some((mode, rest)) if mode == "--peer" => peers::run(rest),
        Some((mode, _)) if mode == "--list" => (),
        _ => bench(&words.iter().map(|word| word.to_str().expect("UTF-8")).collect::<Vec<_>>()),
    }
}

fn bench(words: &[&str]) {
    let has = |name: &str| words.contains(&name);
    let value = |name: &str| words.iter().skip_while(|word| **word != name).nth(1).copied();
    // `cargo bench` says `--bench`; `cargo test` does not.
    let mut scale = match (has("--bench"), has("--quick")) {
        (false, _) => SMOKE,
        (true, true) => QUICK,
        (true, false) => FULL,
    };
    scale.seed = value("--seed").map_or(scale.seed, |seed| seed.parse().expect("a number"));
    let only = value("--only");
    assert!(only.is_none_or(|only| GROUPS.contains(&only)), "the groups are {}", GROUPS.join(", "));
    assert!(!has("--write") || only.is_none_or(|only| only == "growth"), "a page is written of a whole run");
    // On the disk that the build is on: a temporary directory may be in memory.
    let base = value("--in").map_or(Path::new(env!("CARGO_TARGET_TMPDIR")), Path::new);
    let scratch = tempfile::tempdir_in(base).expect("a folder for this run");
    scale.barrier = machine::barrier(scratch.path());
    let machine = machine::describe(scratch.path(), scale.barrier);
    let ledgers = Ledgers::new(base.join("phaseledger-bench"), scratch.path().to_owned(), has("--any-build"));
    let (report, picture) = run(&ledgers, &scale, |group| only.is_none_or(|only| only == group));
    let (version, seed) = (env!("CARGO_PKG_VERSION"), scale.seed);
    let how = if has("--quick") { " -- --quick" } else { "" };
    let barrier = time_text(machine::barrier(scratch.path()));
    let figures = format!(
        "`cargo bench{how}`, phaseledger {version}, {}. Random instants and phases: seed {seed}.\n\n{machine} At the \
         end: {}, and one barrier took {barrier}.\n{report}\n",
        workload::today(),
        machine::load(),
    );
    print!("{figures}");
    if has("--write") {
        write_picture(&picture);
    }
    if has("--write") && only.is_none() {
        write_page(&figures);
    }
}

/// Measures the groups that are wanted, and returns the picture too, where it was made.
fn run(ledgers: &Ledgers, scale: &Scale, wanted: impl Fn(&str) -> bool) -> (Report, String) {
    let (mut report, mut picture) = (Report::default(), String::new());
    for group in GROUPS.into_iter().filter(|group| wanted(group)) {
        match group {
            "growth" => picture = growth::measure(&mut report, ledgers, scale),
            "commands" => sixteen::commands(&mut report, ledgers, scale),
            "questions" => sixteen::questions(&mut report, ledgers, scale),
            "all" => sixteen::all(&mut report, ledgers, scale),
            "stream" => stream::measure(&mut report, ledgers, scale),
            "tree" => wide::tree(&mut report, ledgers, scale),
            _ => wide::workflows(&mut report, ledgers, scale),
        }
    }
    (report, picture)
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Puts the picture in place of the one in the documentation.
fn write_picture(picture: &str) {
    fs::write(docs().join("growth.svg"), picture).expect("the picture");
}

/// Puts figures in place of those in the documentation.
fn write_page(figures: &str) {
    let path = docs().join("performance.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (front, rest) = page.split_once(BEGIN).expect("where figures begin");
    let (_, back) = rest.split_once(END).expect("where figures end");
    fs::write(path, format!("{front}{BEGIN}{figures}{END}{back}")).expect("the page");
}
