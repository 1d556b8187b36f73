//! Is a ledger what it must be? Asked in this process, which is cheap: the questions, a command, and a proof.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use phaseledger::ledger::{AnswerStatus, Ledger, LedgerError};
use phaseledger::model::{Actor, Command, Recorded, Request, Seq, Timestamp};
use phaseledger::store::StoreError;

use super::told::Told;
use crate::harness::check::panic_text;

const LOCK_TIMEOUT: Duration = Duration::from_secs(20);

/// What the log may hold.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// All lines.
    lines: Arc<Vec<String>>,
    /// For each line, whether a command ends there.
    ends: Arc<Vec<bool>>,
    /// Batches of several commands, by the places before the first and of the last event: all or nothing.
    batches: Vec<(u64, u64)>,
}

impl Truth {
    /// Reads what a log holds; nothing where there is none.
    pub fn read(log: &Path) -> Self {
        let lines = match Ledger::open_to_ask(log) {
            Err(LedgerError::Store(StoreError::Missing { .. })) => Vec::new(),
            opened => {
                let (ledger, _) = opened.unwrap_or_else(|error| panic!("the log as it is: {error}"));
                ledger.lines(Seq::ZERO, usize::MAX).expect("a healthy disk")
            }
        };
        Truth::of(lines)
    }

    /// Makes it of lines.
    pub fn of(lines: Vec<String>) -> Self {
        let commands: Vec<_> =
            lines.iter().map(|line| Recorded::from_line(line).expect("an event").command_id).collect();
        let is_end = |at: usize| commands.get(at + 1) != Some(&commands[at]);
        let ends = (0..commands.len()).map(is_end).collect();
        Truth { lines: Arc::new(lines), ends: Arc::new(ends), batches: Vec::new() }
    }

    /// Says that what is between two places, the second one included, is there as a whole or not at all.
    pub fn add_batch(&mut self, before: u64, last: u64) {
        self.batches.push((before, last));
    }

    /// Returns how many events there are.
    pub fn count(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Returns the line at a place.
    pub fn line(&self, place: u64) -> Option<&str> {
        self.lines.get(usize::try_from(place).ok()?.checked_sub(1)?).map(String::as_str)
    }

    /// Returns all lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Compares the lines of a log with this: they are a beginning of it, whole commands, at least so many.
    fn compare(&self, found: &[String], least: u64) -> Result<(), String> {
        let count = found.len() as u64;
        if count < least {
            return Err(format!("LOST: the log ends at {count}, but {least} was acknowledged"));
        }
        if count > self.count() {
            return Err(format!("the log has {count} events, and never had more than {}", self.count()));
        }
        if let Some(at) = (0..found.len()).find(|at| found[*at] != self.lines[*at]) {
            return Err(format!("event {} of {count} is another one", at + 1));
        }
        if found.last().is_some() && !self.ends[found.len() - 1] {
            return Err(format!("the log ends at {count}, within a command"));
        }
        match self.batches.iter().find(|(before, last)| (before + 1..*last).contains(&count)) {
            Some(batch) => Err(format!("the log ends at {count}, within the batch {batch:?}")),
            None => Ok(()),
        }
    }
}

/// Asks a ledger, records, and asks again; `seed` makes the commands of different judgements different.
pub fn judge(log: &Path, truth: &Truth, told: Told, seed: u64) -> Result<(), String> {
    let judged = catch_unwind(AssertUnwindSafe(|| judge_calmly(log, truth, told, seed)));
    judged.unwrap_or_else(|cause| Err(format!("a panic: {}", panic_text(cause.as_ref()))))
}

fn judge_calmly(log: &Path, truth: &Truth, told: Told, seed: u64) -> Result<(), String> {
    let asked = match Ledger::open_to_ask(log) {
        Err(LedgerError::Store(StoreError::Missing { .. })) if !told.is_made => None,
        opened => Some(opened.map_err(|error| failed("a question", &error))?.0),
    };
    let found = match &asked {
        Some(ledger) => ledger.lines(Seq::ZERO, usize::MAX).map_err(|error| failed("reading", &error))?,
        None => Vec::new(),
    };
    truth.compare(&found, told.last)?;
    let Some(ledger) = asked else {
        Ledger::create(log).map_err(|error| failed("a second creation", &error))?;
        return record(log, &found, seed);
    };
    // What it costs is in no proportion to what it finds beside the proof below, so not each time.
    if !seed.is_multiple_of(3) {
        drop(ledger);
        return record(log, &found, seed);
    }
    let table = ledger.table().map_err(|error| failed("the table", &error))?;
    let middle = Seq::new(found.len() as u64 / 2);
    let was = ledger.table_at(middle).map_err(|error| failed("an earlier table", &error))?;
    record(log, &found, seed)?;
    // Of the same places, by whoever comes later.
    let (ledger, _) = Ledger::open_to_ask(log).map_err(|error| failed("a later question", &error))?;
    let now = Seq::new(found.len() as u64);
    let same = ledger.table_at(now).map_err(|error| failed("the table later", &error))? == table
        && ledger.table_at(middle).map_err(|error| failed("an earlier table later", &error))? == was;
    if same { Ok(()) } else { Err("another table".to_owned()) }
}

/// Records, and looks at what was recorded.
pub fn record(log: &Path, before: &[String], seed: u64) -> Result<(), String> {
    let mut ledger = Ledger::open(log, LOCK_TIMEOUT).map_err(|error| failed("opening to record", &error))?;
    let now = Timestamp::new(chrono::Utc::now()).map_err(|_| "no time".to_owned())?;
    let answer = ledger.submit(&note(seed), now).map_err(|error| failed("a note", &error))?;
    let end = before.len() as u64 + 1;
    if (answer.status, answer.seq) != (AnswerStatus::Appended, Seq::new(end)) {
        return Err(format!("a note behind {} is {:?} at {}", end - 1, answer.status, answer.seq));
    }
    drop(ledger);
    let mut ledger = Ledger::open(log, LOCK_TIMEOUT).map_err(|error| failed("opening again", &error))?;
    let lines = ledger.lines(Seq::ZERO, usize::MAX).map_err(|error| failed("reading again", &error))?;
    if lines.len() as u64 != end || lines[..before.len()] != *before {
        return Err(format!("{} lines behind {end}, or others", lines.len()));
    }
    let verified = ledger.verify(false, |_| {}).map_err(|error| failed("verify", &error))?;
    match verified {
        Ok(verified) if verified.rows_match && verified.seq == Seq::new(end) => Ok(()),
        Ok(verified) => Err(format!("verified {}, rows match: {}", verified.seq, verified.rows_match)),
        Err(error) => Err(format!("it is not verified: {error}")),
    }
}

fn note(seed: u64) -> Command {
    let request: Request = r#"{"do":"note","text":"what comes next"}"#.parse().expect("a request");
    let id = format!("key:judge/{seed}").parse().expect("a key");
    Command::new(id, Actor::new("judge", "here", "test"), request.action)
}

fn failed(what: &str, error: &LedgerError) -> String {
    let mut text = format!("{what} fails: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
