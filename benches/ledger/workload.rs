//! What is recorded: the life of a workflow of 16 phases, over and over, written as the lines that `append` reads.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};
use phaseledger::ledger::{Ledger, Session};
use phaseledger::model::{Action, Actor, Command, CommandId, Request, Timestamp, action, parse_workflow};
use uuid::Uuid;

use crate::peers::Row;

/// How many phases the workflow has that is run over and over.
pub const PHASES: u64 = 16;
/// So many commands become durable together, as in `append`.
pub const BATCH: usize = 1024;
/// When what is filled begins: each command is given a second after the one before. 2025-01-01.
const BEGIN_SECONDS: u64 = 1_735_689_600;
/// A cost in so many visits, and one in so many of them that is told late: one command in a hundred.
const VISITS_A_COST: u64 = 8;
const VISITS_A_LATE_COST: u64 = 32;
/// How late at most, in seconds.
const LATE_SECONDS_MAX: f64 = 86_400.0;

/// Numbers that look random, the same ones for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// Returns a number below another one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Makes an id as a caller makes one: random, so that no index grows at its end alone.
    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(
            (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes(),
        )
        .into_uuid()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Makes an id that nothing has yet, with the time in front.
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// Makes the command of a line.
pub fn command(line: &str) -> Command {
    let request: Request = line.parse().expect("a command");
    request.command(CommandId::new(fresh_id()), Actor::new("ana", "build-3", "library"))
}

/// Makes the command that puts a workflow file in force.
pub fn define(text: &str) -> Command {
    let definition = Box::new(parse_workflow(text, "workflow.toml", None).expect("a workflow"));
    let action = Action::Define(action::Define { definition });
    Command { action, ..command(r#"{"do":"note","text":"stands for the definition"}"#) }
}

/// Returns the workflow of 16 phases.
pub fn sixteen(name: &str) -> String {
    let mut text = format!("[workflow]\nname = \"{name}\"\ncurrency = \"USD\"\n");
    for number in 0..PHASES {
        let needs = match number {
            0 => String::new(),
            1 => "\"p00\"".to_owned(),
            _ => format!("\"p{:02}\", \"p{:02}\"", number - 1, number / 3),
        };
        write!(text, "[[phase]]\nid = \"p{number:02}\"\nneeds = [{needs}]\n").expect("a text");
    }
    text
}

/// Returns the time so many seconds after the first command.
pub fn moment(seconds: u64) -> Timestamp {
    timestamp(Duration::from_secs(BEGIN_SECONDS + seconds))
}

/// Writes a time as a command line takes it.
pub fn written(seconds: u64) -> String {
    let since = i64::try_from(BEGIN_SECONDS + seconds).expect("a time");
    DateTime::from_timestamp(since, 0).expect("a time").to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns the day.
pub fn today() -> String {
    let time = DateTime::from_timestamp_micros(now().micros()).expect("a time");
    time.date_naive().to_string()
}

/// Returns the present.
pub fn now() -> Timestamp {
    timestamp(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"))
}

fn timestamp(since_1970: Duration) -> Timestamp {
    let seconds = i64::try_from(since_1970.as_secs()).expect("a time");
    let time = DateTime::from_timestamp(seconds, since_1970.subsec_nanos()).expect("a time");
    Timestamp::new(time).expect("a year")
}

/// Returns the commands of one visit to a phase: it starts, is written about, completes; now and then a bill comes, which may
/// be late.
fn visit(number: u64, late: impl FnOnce() -> Option<String>) -> Vec<String> {
    let phase = number % PHASES;
    let mut lines = vec![
        format!(
            r#"{{"do":"start","phase":"p{phase:02}","rerun":true,"reason":"the next day","allow_unmet":true}}"#
        ),
        format!(
            r#"{{"do":"meta","phase":"p{phase:02}","metadata":{{"rows":{number},"model":"opus-4","file":"out/part-{number:07}.json"}}}}"#
        ),
        format!(r#"{{"do":"complete","phase":"p{phase:02}"}}"#),
    ];
    if number.is_multiple_of(VISITS_A_COST) {
        let occurred = match late() {
            Some(time) if number.is_multiple_of(VISITS_A_LATE_COST) => format!(r#","occurred_at":"{time}""#),
            _ => String::new(),
        };
        lines.push(format!(
            r#"{{"do":"cost","phase":"p{phase:02}","amount":"0.{:02}","model":"opus-4"{occurred}}}"#,
            number % 89 + 10
        ));
    }
    lines
}

/// Writes so many commands into a file, each under an id of its own where there are dice for it. A multiple of 25 leaves no
/// phase under way, so that the file may be followed by another one.
pub fn write_lines(path: &Path, count: usize, mut ids: Option<&mut Dice>) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let lines = (0..).flat_map(|number| visit(number, || None)).take(count);
    for line in lines {
        match &mut ids {
            Some(dice) => {
                writeln!(out, r#"{},"id":"{}"}}"#, &line[..line.len() - 1], dice.id()).expect("a line")
            }
            None => writeln!(out, "{line}").expect("a line"),
        }
    }
    out.flush().expect("the lines");
}

/// Stages a command, and returns what the peers are handed of it: its lines, and the rows that changed.
pub fn stage(session: &mut Session<'_>, command: &Command, now: Timestamp) -> Vec<Row> {
    let answer = session.stage(command, now).expect("a legal command");
    let rows = answer.events.iter().map(|record| {
        let phase = record.subject.phase();
        let phase = phase.map(|id| {
            let row = serde_json::to_vec(&session.table().phases[id]).expect("a row");
            (id.to_string(), row)
        });
        Row { id: record.id.uuid().into_bytes(), phase, line: record.to_line() }
    });
    rows.collect()
}

/// Fills a ledger with at least so many events, in batches, hands on what is written, and returns how many seconds went by in it.
pub fn fill(ledger: &mut Ledger, events: u64, mut append: impl FnMut(&[Row])) -> u64 {
    let (mut dice, mut seconds, mut number, mut done) = (Dice(1), 1_u64, 0, 0);
    while done < events {
        let mut rows = Vec::new();
        let mut session = ledger.session().expect("a session");
        let mut commands = 0;
        while commands < BATCH && done + (rows.len() as u64) < events {
            // Most are late by little: as often by a minute to an hour as by a second to a minute.
            let share = dice.below(1_000) as f64 / 1e3;
            let late = seconds.saturating_sub(LATE_SECONDS_MAX.powf(share) as u64).max(1);
            for line in visit(number, || Some(written(late))) {
                rows.extend(stage(&mut session, &command(&line), moment(seconds)));
                seconds += 1;
                commands += 1;
            }
            number += 1;
        }
        session.commit().expect("a commit");
        append(&rows);
        done += rows.len() as u64;
    }
    seconds
}

/// Makes a ledger with one workflow in force.
pub fn create(folder: &Path, workflow: &str) -> Ledger {
    fs::create_dir_all(folder).expect("a folder");
    let mut ledger = Ledger::create(&folder.join("log")).expect("a ledger");
    ledger.submit(&define(workflow), moment(0)).expect("a definition");
    ledger
}

/// Opens a ledger to record.
pub fn open(folder: &Path) -> Ledger {
    Ledger::open(&folder.join("log"), Duration::from_secs(10)).expect("a ledger")
}
