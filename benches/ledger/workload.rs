//! What is recorded: the life of a workflow of 16 phases, over and over, and one long chain.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::DateTime;
use phaseledger::ledger::{Answer, Ledger, Session};
use phaseledger::model::{
    Action, Actor, Command, CommandId, Definition, FoundByRole, Metadata, PhaseDefinition, PhaseName,
    PhaseRef, Text, Timestamp, WorkflowName, action,
};
use phaseledger::rules::Table;
use phaseledger::store::MemoryStore;
use uuid::Uuid;

use crate::harness::timed;
use crate::peers::{Lite, Raw, Row};

/// How many phases the workflow has that is run over and over.
pub const PHASES: usize = 16;
/// How many events are written at a time when ledgers are filled.
const FILL_BATCH: usize = 20_000;

/// Makes an id that has not been made before: a UUIDv7, with the time in front, so that an index grows at its
/// end.
pub fn fresh_id() -> Uuid {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let millis = 1_735_689_600_000 + u128::from(number);
    Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62 | u128::from(random >> 2))
}

/// Makes a command that has not been given before.
pub fn command(action: Action) -> Command {
    Command {
        id: CommandId::new(fresh_id()),
        key: None,
        may_repeat: false,
        by: Actor::new("ana", "build-3", "library"),
        occurred_at: None,
        expect: Vec::new(),
        inferred: None,
        fingerprints: FoundByRole::default(),
        left_behind: Vec::new(),
        past: None,
        action,
    }
}

/// Returns the time at which a command is given: a millisecond after the one made before.
pub fn time_of(command: &Command) -> Timestamp {
    let millis = i64::try_from(command.id.uuid().as_u128() >> 80).expect("48 bits");
    Timestamp::new(DateTime::from_timestamp_millis(millis).expect("a time")).expect("a year")
}

fn phase(number: usize) -> PhaseRef {
    PhaseRef { workflow: None, phase: phase_name(number) }
}

fn phase_name(number: usize) -> PhaseName {
    PhaseName::new(&format!("phase_{number:02}_step")).expect("a name")
}

/// Defines a chain of phases, each needing the one before.
pub fn define(phases: usize) -> Action {
    let one = |number: usize| PhaseDefinition {
        id: phase_name(number),
        needs: number.checked_sub(1).map(phase).into_iter().collect(),
        cost_limit: None,
        version: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        description: None,
        renamed_from: None,
    };
    let name = WorkflowName::new("nba-mcp-synthesis").expect("a name");
    let definition = Definition::new(name, (0..phases).map(one).collect()).expect("a definition");
    Action::Define(action::Define { definition: Box::new(definition) })
}

pub fn start(number: usize) -> Action {
    Action::Start(action::Start {
        phase: phase(number),
        metadata: metadata(&[("model", "\"opus-4\""), ("books", "45")]),
        allow_unmet: false,
        again: None,
        inputs: Vec::new(),
        over_limit: None,
        worker: None,
    })
}

pub fn complete(number: usize) -> Action {
    Action::Complete(action::Complete {
        phase: phase(number),
        metadata: metadata(&[("recommendations", "218"), ("cost_usd", "1.10")]),
        output: None,
        outputs: Vec::new(),
    })
}

pub fn fail(number: usize) -> Action {
    Action::Fail(action::Fail {
        phase: phase(number),
        error: text("the upstream service answered 503"),
        exit_code: Some(1),
        signal: None,
        stderr: None,
        abandoned: false,
        metadata: Metadata::default(),
    })
}

pub fn meta(number: usize) -> Action {
    let metadata = metadata(&[("progress", "0.25"), ("source", "\"books/vol-7.pdf\""), ("pages", "412")]);
    Action::Meta(action::Meta { phase: phase(number), metadata })
}

pub fn rerun(number: usize) -> Action {
    Action::Rerun(action::Rerun { phase: phase(number), reason: text("the source changed"), withdraw: false })
}

fn note(number: usize) -> Action {
    Action::Note(action::Note {
        phase: Some(phase(number)),
        text: text("half of the books are read, none was skipped"),
    })
}

fn text(text: &str) -> Text {
    Text::new(text).expect("a text")
}

fn metadata(values: &[(&str, &str)]) -> Metadata {
    let mut metadata = Metadata::default();
    for (key, value) in values {
        metadata.insert(key, value).expect("JSON");
    }
    metadata
}

/// The life of the workflow: every phase starts, is written about, completes; then all are reset.
fn step(step: u64, left: u64) -> Action {
    let (number, part) = (step / 4 % (PHASES as u64 + 1), step % 4);
    let number = usize::try_from(number).expect("few phases");
    match part {
        // A reset is an event for each phase and one for the workflow.
        0 if number == PHASES && left > PHASES as u64 => {
            Action::ResetAll(action::ResetAll { workflow: None, reason: text("the next day") })
        }
        _ if number == PHASES => meta(0),
        0 => start(number),
        1 => note(number),
        2 => meta(number),
        _ => complete(number),
    }
}

/// Returns what the peers are handed of an answer: its lines, and the rows that changed.
pub fn rows(answer: &Answer, table: &Table) -> Vec<Row> {
    let rows = answer.events.iter().map(|record| {
        let phase = record.subject.phase();
        let phase = phase.map(|id| {
            let row = serde_json::to_vec(&table.phases[id]).expect("a row");
            (id.to_string(), row)
        });
        Row { id: record.id.uuid().into_bytes(), phase, line: record.to_line() }
    });
    rows.collect()
}

/// A ledger in memory that commands are tried on first, so that the peers get the same lines.
pub struct Twin(Ledger);

impl Twin {
    pub fn new(phases: usize) -> Self {
        let mut twin = Twin(Ledger::new(Box::new(MemoryStore::new())));
        twin.rows(&command(define(phases)));
        twin
    }

    /// Records a command, and returns what came of it.
    pub fn rows(&mut self, command: &Command) -> Vec<Row> {
        let mut session = self.0.session().expect("a session");
        let rows = stage(&mut session, command);
        session.commit().expect("a commit");
        rows
    }
}

/// Stages a command, and returns what came of it.
pub fn stage(session: &mut Session<'_>, command: &Command) -> Vec<Row> {
    let answer = session.stage(command, time_of(command)).expect("a legal command");
    rows(&answer, session.table())
}

/// The same log, three times.
#[derive(Debug)]
pub struct Trio {
    /// The directory of ours.
    pub ours: PathBuf,
    /// The file of SQLite's.
    pub lite: PathBuf,
    /// The file of lines.
    pub raw: PathBuf,
    /// How many events there are, besides the definition.
    pub events: u64,
}

impl Trio {
    /// Makes three logs of so many events and a definition.
    pub fn filled(dir: &Path, events: u64) -> Self {
        let trio = Trio::in_dir(dir, events);
        let mut ledger = Ledger::create(&trio.ours).expect("a ledger");
        let (mut lite, mut raw) = (Lite::create(&trio.lite), Raw::open(&trio.raw));
        let ((), took) = timed(|| {
            fill(&mut ledger, events, |rows| {
                lite.append(rows);
                raw.append(rows);
            });
        });
        eprintln!("three logs of {events} events: {took:.1?}");
        trio
    }

    pub fn in_dir(dir: &Path, events: u64) -> Self {
        std::fs::create_dir_all(dir).expect("a directory");
        let [ours, lite, raw] = ["log", "log.sqlite", "log.jsonl"].map(|name| dir.join(name));
        Trio { ours, lite, raw, events }
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::open(&self.ours, std::time::Duration::from_secs(10)).expect("a ledger")
    }
}

/// How many events there are between two questions, each of which leaves a snapshot behind.
const SNAPSHOT_EVENTS: u64 = 1 << 16;

/// Fills a ledger, and hands on what is written, batch by batch.
pub fn fill(ledger: &mut Ledger, events: u64, mut written: impl FnMut(&[Row])) {
    let mut done = 0;
    let mut batch = Vec::with_capacity(FILL_BATCH + PHASES);
    let mut steps = 0;
    let mut asked = 0;
    let mut session = ledger.session().expect("a session");
    batch.extend(stage(&mut session, &command(define(PHASES))));
    loop {
        while done < events && batch.len() < FILL_BATCH {
            let rows = stage(&mut session, &command(step(steps, events - done)));
            done += rows.len() as u64;
            steps += 1;
            batch.extend(rows);
        }
        session.commit().expect("a commit");
        if done >= asked + SNAPSHOT_EVENTS {
            asked = done;
            let head = ledger.head().expect("a head").seq;
            ledger.table_at(head).expect("a table, from the last snapshot");
        }
        written(&batch);
        if done >= events {
            return;
        }
        batch.clear();
        session = ledger.session().expect("a session");
    }
}
