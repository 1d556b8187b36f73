//! The ledgers that are measured: made once, kept below the target folder, and copied for each run.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use phaseledger::model::Seq;

use crate::harness::thousands;
use crate::peers::{Lite, Raw, Row, bytes_of, copy};
use crate::workload::{self, Dice};

/// The same log, three times, and what is to be known of it.
#[derive(Debug)]
pub struct Trio {
    /// How many events there are.
    pub events: u64,
    /// How many bytes their lines have.
    pub json: u64,
    /// How many bytes our log and SQLite's file had when they were made.
    pub ours_bytes: u64,
    pub lite_bytes: u64,
    /// How many seconds went by in it.
    pub seconds: u64,
    /// The folder of ours: a copy, for it is written to.
    pub ours: PathBuf,
    /// The file of SQLite's.
    pub lite: PathBuf,
    /// The file of lines.
    pub raw: PathBuf,
}

impl Trio {
    /// Makes three logs without an event, but for the definition in ours.
    pub fn empty(folder: &Path) -> Self {
        let _ = fs::remove_dir_all(folder);
        let ours = folder.join("ledger");
        let workflow = workload::sixteen("daily");
        workload::create(&ours, &workflow);
        fs::write(ours.join("workflow.toml"), workflow).expect("a workflow file");
        let [lite, raw] = ["log.sqlite", "log.jsonl"].map(|name| folder.join(name));
        Lite::create(&lite);
        Raw::open(&raw);
        Trio { events: 1, json: 0, ours_bytes: 0, lite_bytes: 0, seconds: 1, ours, lite, raw }
    }

    /// Draws an instant, as the command line takes it.
    pub fn instant(&self, dice: &mut Dice) -> String {
        workload::written(dice.below(self.seconds))
    }

    /// Returns its size in words.
    pub fn name(&self) -> String {
        format!("{} events", thousands(self.events as f64))
    }
}

/// All ledgers of a run.
#[derive(Debug)]
pub struct Ledgers {
    /// Where they are kept from run to run.
    kept: PathBuf,
    /// Where this run writes.
    pub scratch: PathBuf,
    /// Whether those count that another build has made.
    any_build: bool,
    at_hand: RefCell<Vec<Rc<Trio>>>,
}

impl Ledgers {
    /// Takes where they are kept, and where this run writes.
    pub fn new(kept: PathBuf, scratch: PathBuf, any_build: bool) -> Self {
        Ledgers { kept, scratch, any_build, at_hand: RefCell::default() }
    }

    /// Returns the log of about so many events, as this run has left it.
    pub fn of(&self, events: u64) -> Rc<Trio> {
        let found = self.at_hand.borrow().iter().find(|trio| trio.events.abs_diff(events) < 100).cloned();
        found.unwrap_or_else(|| {
            let trio = Rc::new(self.copied(events));
            self.at_hand.borrow_mut().push(Rc::clone(&trio));
            trio
        })
    }

    fn copied(&self, events: u64) -> Trio {
        let folder = self.kept.join(events.to_string());
        let stamp = folder.join("stamp");
        // Another build may lay out a log otherwise.
        let program = fs::read(env!("CARGO_BIN_EXE_phaseledger")).expect("the program");
        let program = blake3::hash(&program).to_hex().to_string();
        let read = || fs::read_to_string(&stamp).unwrap_or_default();
        if read().is_empty() || !self.any_build && !read().starts_with(&program) {
            make(&folder, events, &program);
        }
        let stamp = read();
        let numbers: Vec<u64> =
            stamp.split(' ').skip(1).map(|word| word.parse().expect("a number")).collect();
        let [events, json, lite_bytes, seconds] = numbers[..] else { panic!("four numbers: {stamp}") };
        let [lite, raw] = ["log.sqlite", "log.jsonl"].map(|name| folder.join(name));
        // What a run appended to the peers is taken away, instead of copying gigabytes.
        Lite::open(&lite).cut(events);
        Raw::open(&raw).cut(json);
        let ours = self.scratch.join(events.to_string());
        copy(&folder.join("ledger"), &ours);
        settle();
        let ours_bytes = bytes_of(&ours.join("log"));
        Trio { events, json, ours_bytes, lite_bytes, seconds, ours, lite, raw }
    }
}

/// Writes what the system still holds, so that it is not written while something is measured.
pub fn settle() {
    rustix::fs::sync();
}

fn make(folder: &Path, events: u64, program: &str) {
    let start = Instant::now();
    let trio = Trio::empty(folder);
    let (mut ledger, mut table, mut lines) =
        (workload::open(&trio.ours), Lite::open(&trio.lite), Raw::open(&trio.raw));
    let mut append = |rows: &[_]| {
        table.append(rows);
        lines.append(rows);
    };
    let definition = ledger.event(Seq::new(1)).expect("an event").expect("a definition");
    let (id, line) = (definition.id.uuid().into_bytes(), definition.to_line());
    append(&[Row { id, phase: None, line }]);
    let seconds = workload::fill(&mut ledger, events - 1, append);
    let head = ledger.head().expect("a head").seq.number();
    drop(table);
    let [json, lite_bytes] = [&trio.raw, &trio.lite].map(|file| bytes_of(file));
    fs::write(folder.join("stamp"), format!("{program} {head} {json} {lite_bytes} {seconds}"))
        .expect("a stamp");
    eprintln!("three logs of {head} events: {:.1?}", start.elapsed());
}
