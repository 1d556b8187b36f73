//! Taking in a history that others wrote: JSON lines `{at, phase, event, …}` in the order of time.
//!
//! ```text
//!  line ──parse──▶ HistoryLine ──plan (state of the phase)──▶ [Step] ──▶ Session::stage
//! ```
//!
//! Each line becomes one command, at the line's time, through the same rules as any other. Its id is made
//! of the workflow, the line and its number, so that taking in a file again, or one that has grown, records
//! only what is new. With repairs, a line that is not legal gets the fewest commands in front of it that make
//! it so; each is marked as inferred.

mod line;

use std::collections::BTreeMap;
use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use line::{HistoryLine, KEPT_AS_NOTE, Step, parse_line};

use super::lines::{LineFault, next_line};
use super::{Ledger, LedgerError, Session, TRIES_MAX};
use crate::model::{
    Action, Actor, Algorithm, CallerId, Command, CommandId, Definition, Digest, HistoryImported, Seq,
    Timestamp, WorkflowName, action,
};
use crate::rules::Rejection;
use crate::store::StoreError;

/// How many events may be staged before they are made durable.
const EVENTS_PER_BATCH: usize = 4096;

/// The longest line of a history, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// How a history is to be taken in.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// The file's name, for the record.
    pub source: String,
    /// The workflow whose phases the lines name.
    pub workflow: WorkflowName,
    /// The definition to put in force first, at the time of the first line.
    pub define: Option<Definition>,
    /// Whether to make lines legal that are not.
    pub repair: bool,
    /// Whether a start whose needs are not met is legal.
    pub allow_unmet: bool,
    /// Take in only what happened before this.
    pub before: Option<Timestamp>,
    /// Who asks.
    pub by: Actor,
}

/// What came of taking a history in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// How many lines were taken in.
    pub lines: u64,
    /// How many of them the ledger had already.
    pub known: u64,
    /// How many events were appended.
    pub events: u64,
    /// How many repairs were made, by kind.
    pub inferred: BTreeMap<String, u64>,
    /// How many lines claim a time before the ledger's last event, and so took effect later than they claim.
    pub raised: u64,
    /// The last event in the log after it.
    pub head: Seq,
}

/// Why a history was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("the history cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// A line is not of the form.
    #[error("line {line}: {found}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What was found, and what was expected.
        found: String,
    },
    /// A line is not legal.
    #[error("line {line}: {source}")]
    Illegal {
        /// Its number, from 1.
        line: u64,
        /// Why not.
        source: Rejection,
    },
    /// The ledger fails.
    #[error(transparent)]
    Ledger(LedgerError),
}

/// Takes a history in: all of it, or nothing. `open` opens the file anew, for it is read twice: once to try
/// every line, once to record them. `progress` is called with the number of lines now and then. Where others append in
/// between, what is not recorded yet is tried and recorded anew, 8 times at most.
///
/// # Errors
///
/// [`HistoryError`], naming the first line that is not legal.
pub fn import_history<R: BufRead>(
    ledger: &mut Ledger,
    open: impl Fn() -> std::io::Result<R>,
    options: &HistoryOptions,
    now: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<Imported, HistoryError> {
    let mut done = Done::default();
    for _ in 0..TRIES_MAX {
        Importer::new(ledger, options, now, true)?.run(open()?, |_| {}, &mut done.clone())?;
        match Importer::new(ledger, options, now, false)?.run(open()?, &mut progress, &mut done) {
            Err(HistoryError::Ledger(LedgerError::Store(StoreError::Moved))) => {}
            imported => return imported,
        }
    }
    Err(HistoryError::Ledger(LedgerError::Busy { tries: TRIES_MAX }))
}

/// How far a history is taken in for good.
#[derive(Debug, Clone, Default)]
struct Done {
    lines: u64,
    imported: Imported,
}

/// One pass over a history.
struct Importer<'a> {
    session: Session<'a>,
    options: &'a HistoryOptions,
    now: Timestamp,
    /// Whether to forget what was staged instead of making it durable.
    rehearsal: bool,
    imported: Imported,
}

impl<'a> Importer<'a> {
    fn new(
        ledger: &'a mut Ledger,
        options: &'a HistoryOptions,
        now: Timestamp,
        rehearsal: bool,
    ) -> Result<Self, HistoryError> {
        let session = ledger.session().map_err(HistoryError::Ledger)?;
        Ok(Importer { session, options, now, rehearsal, imported: Imported::default() })
    }

    fn run<R: BufRead>(
        mut self,
        mut file: R,
        mut progress: impl FnMut(u64),
        done: &mut Done,
    ) -> Result<Imported, HistoryError> {
        self.imported = done.imported.clone();
        let mut file_digest = Sha256::new();
        let mut text = String::new();
        let mut number = 0;
        let mut defined = done.lines > 0;
        loop {
            number += 1;
            let more = next_line(&mut file, &mut text, LINE_BYTES_MAX).map_err(|fault| match fault {
                LineFault::Read(error) => HistoryError::Read(error),
                LineFault::Found(found) => HistoryError::Line { line: number, found },
            })?;
            if !more {
                break;
            }
            file_digest.update(&text);
            if text.trim().is_empty() || number <= done.lines {
                continue;
            }
            let line = parse_line(&text, &self.options.workflow)
                .map_err(|found| HistoryError::Line { line: number, found })?;
            if self.options.before.is_some_and(|end| line.at >= end) {
                continue;
            }
            if !std::mem::replace(&mut defined, true) {
                self.define(number, line.at)?;
            }
            self.line(number, text.trim(), &line)?;
            if self.session.staged_events() >= EVENTS_PER_BATCH {
                self.flush()?;
                *done = Done { lines: number, imported: self.imported.clone() };
                progress(number);
            }
        }
        let digest = Digest::new(Algorithm::Sha256, file_digest.finalize().into());
        if self.imported.lines > self.imported.known {
            self.note(number, digest)?;
        }
        self.flush()?;
        self.imported.head = self.session.head();
        Ok(self.imported)
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        match self.rehearsal {
            true => self.session.forget_staged(),
            false => self.session.commit().map_err(HistoryError::Ledger)?,
        }
        Ok(())
    }

    fn define(&mut self, number: u64, at: Timestamp) -> Result<(), HistoryError> {
        match &self.options.define {
            None => Ok(()),
            Some(definition) => {
                let action = Action::Define(action::Define { definition: Box::new(definition.clone()) });
                let id = self.id("define", number, definition.name().as_str());
                self.stage(number, id, Some(at), (action, None), false)
            }
        }
    }

    fn line(&mut self, number: u64, text: &str, line: &HistoryLine) -> Result<(), HistoryError> {
        self.imported.lines += 1;
        let id = self.id("line", number, text);
        if self.session.find(id).map_err(HistoryError::Ledger)?.is_some() {
            self.imported.known += 1;
            return Ok(());
        }
        let state = self.session.state(&line.phase).map_err(|error| at_line(number, error))?;
        let steps = line.plan(state, self.options.repair, self.options.allow_unmet);
        // The line's own command comes last but for what is cached, which is two: the id is the first one's
        // that no repair made.
        let mut own = Some(id);
        for (index, step) in steps.into_iter().enumerate() {
            let other = || self.id(&format!("step {index}"), number, text);
            let id = if step.1.is_none() { own.take().unwrap_or_else(other) } else { other() };
            let id = if step.1 == Some(KEPT_AS_NOTE) { own.take().unwrap_or(id) } else { id };
            self.stage(number, id, Some(line.at), step, true)?;
        }
        Ok(())
    }

    fn note(&mut self, lines: u64, digest: Digest) -> Result<(), HistoryError> {
        let history = HistoryImported {
            source: self.options.source.clone(),
            digest,
            lines: self.imported.lines,
            inferred: self.imported.inferred.clone(),
            gap: None,
        };
        let id = self.id("history", self.imported.lines, &digest.to_string());
        let action =
            Action::NoteImport(action::NoteImport { workflow: Some(self.options.workflow.clone()), history });
        let last = self.session.last_at();
        self.stage(lines, id, last, (action, None), false)
    }

    fn stage(
        &mut self,
        number: u64,
        id: CommandId,
        at: Option<Timestamp>,
        (action, repair): Step,
        is_line: bool,
    ) -> Result<(), HistoryError> {
        let command = Command {
            id,
            may_repeat: false,
            by: self.options.by.clone(),
            occurred_at: at,
            expect: Vec::new(),
            inferred: repair,
            fingerprints: None,
            action,
        };
        let answer = self.session.stage(&command, self.now).map_err(|error| at_line(number, error))?;
        if let Some(repair) = repair {
            *self.imported.inferred.entry(repair.to_owned()).or_default() += 1;
        }
        if let Some(first) = answer.events.first() {
            self.imported.raised += u64::from(is_line && repair.is_none() && first.occurred_at.is_some());
            if let Some(started) = first.event.started()
                && !started.dependencies_met
            {
                *self.imported.inferred.entry("unmet_needs".to_owned()).or_default() += 1;
            }
        }
        self.imported.events += answer.events.len() as u64;
        Ok(())
    }

    /// Makes the id of a command: the same whenever the same line is taken in.
    fn id(&self, what: &str, number: u64, text: &str) -> CommandId {
        let digest = Digest::sha256(text.as_bytes());
        let key = format!("key:history {} {what} {number} {digest}", self.options.workflow);
        key.parse::<CallerId>().expect("a key that is not empty").0
    }
}

fn at_line(line: u64, error: LedgerError) -> HistoryError {
    match error {
        LedgerError::Rejected(source) => HistoryError::Illegal { line, source },
        other => HistoryError::Ledger(other),
    }
}
