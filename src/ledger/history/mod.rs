//! Taking in a history that others wrote: JSON lines `{at, phase, event, …}`, their times as everywhere else.
//!
//! ```text
//!  file ──order (by `at`)──▶ line ──parse──▶ HistoryLine ──plan (state of the phase)──▶ [Step] ──▶ Session::stage
//! ```
//!
//! Each line becomes one command, at the line's time, through the same rules as any other. Its id is made of the
//! workflow, its text, and how many lines before it say the very same, so that taking in a file again, one that has grown
//! at either end, or one whose lines were shuffled, records only what is new. A phase that has not run yet is taken to
//! have been defined before the first line about it. With repairs, a line that is not legal gets the fewest commands in
//! front of it that make it so; each is marked as inferred.

mod line;
mod order;

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use line::{Against, HistoryLine, KEPT_AS_NOTE, Step};
use order::{FileLine, InOrder, Ordered};

use super::{Ledger, LedgerError, Session, TRIES_MAX};
use crate::model::{
    Action, Actor, CallerId, Command, CommandId, Definition, Digest, FoundByRole, HistoryImported, Seq,
    TimeContext, Timestamp, WorkflowName, Zone, action,
};
use crate::rules::{DATED_BACK, Rejection};
use crate::store::StoreError;

/// How many events may be staged before they are made durable.
const EVENTS_PER_BATCH: usize = 4096;

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
    /// The zone of times without an offset.
    pub zone: Zone,
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
    /// How many lines claim a time before something that they rest on, and so took effect later than they claim.
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
    #[error("line {line}{}: {found}", column.map_or(String::new(), |column| format!(", column {column}")))]
    Line {
        /// Its number, from 1.
        line: u64,
        /// The byte of the line, from 1, where it is known.
        column: Option<usize>,
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

/// Takes a history in: all of it, or nothing. `open` opens the file anew, for it is read several times: to learn the
/// order of its lines, to try every line, and to record them. `progress` is called with the number of lines now and then.
/// Where others append in between, what is not recorded yet is tried and recorded anew, 8 times at most.
///
/// # Errors
///
/// [`HistoryError`], naming the first line, in the order of time, that is not legal.
pub fn import_history<R: BufRead>(
    ledger: &mut Ledger,
    open: impl Fn() -> std::io::Result<R>,
    options: &HistoryOptions,
    now: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<Imported, HistoryError> {
    let times = TimeContext { now, zone: options.zone };
    let ordered = Ordered::read(&open, Against { workflow: &options.workflow, times: &times })?;
    let mut done = Done::default();
    for _ in 0..TRIES_MAX {
        let rehearsal = Importer::new(ledger, options, now, true)?;
        rehearsal.run(ordered.lines(&open)?, &ordered, |_| {}, &mut done.clone())?;
        let importer = Importer::new(ledger, options, now, false)?;
        match importer.run(ordered.lines(&open)?, &ordered, &mut progress, &mut done) {
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
    /// Whether there was anything in the log that the first release may have taken in.
    was_empty: bool,
    /// The definition in force; none where the workflow is not defined.
    definition: Option<Definition>,
    /// The time of the line at hand, and how often each text was there at that time.
    same: (Option<Timestamp>, HashMap<Digest, u64>),
    imported: Imported,
}

impl<'a> Importer<'a> {
    fn new(
        ledger: &'a mut Ledger,
        options: &'a HistoryOptions,
        now: Timestamp,
        rehearsal: bool,
    ) -> Result<Self, HistoryError> {
        let definition = in_force(ledger, &options.workflow).map_err(HistoryError::Ledger)?;
        let session = ledger.session().map_err(HistoryError::Ledger)?;
        let was_empty = session.head() == Seq::ZERO;
        let (same, imported) = ((None, HashMap::new()), Imported::default());
        Ok(Importer { session, options, now, rehearsal, was_empty, definition, same, imported })
    }

    fn run<R: BufRead>(
        mut self,
        mut lines: InOrder<'_, R>,
        file: &Ordered,
        mut progress: impl FnMut(u64),
        done: &mut Done,
    ) -> Result<Imported, HistoryError> {
        self.imported = done.imported.clone();
        let (mut taken, mut last, mut defined) = (0, None, done.lines > 0);
        let times = TimeContext { now: self.now, zone: self.options.zone };
        while let Some(read) = lines.next()? {
            let line = read.parse(Against { workflow: &self.options.workflow, times: &times })?;
            let FileLine { number, text, .. } = read;
            let nth = self.count_same(line.at, &text);
            taken += 1;
            if taken <= done.lines || self.options.before.is_some_and(|end| line.at >= end) {
                continue;
            }
            if !std::mem::replace(&mut defined, true) {
                self.define(number, line.at)?;
            }
            last = Some(line.at);
            self.line(number, nth, &text, &line)?;
            if self.session.staged_events() >= EVENTS_PER_BATCH {
                self.flush()?;
                *done = Done { lines: taken, imported: self.imported.clone() };
                progress(taken);
            }
        }
        if self.imported.lines > self.imported.known {
            self.note(file, last)?;
        }
        self.flush()?;
        self.imported.head = self.session.head();
        Ok(self.imported)
    }

    /// Returns how many lines before it say the very same, which they do at the same time.
    fn count_same(&mut self, at: Timestamp, text: &str) -> u64 {
        if self.same.0 != Some(at) {
            self.same = (Some(at), HashMap::new());
        }
        let count = self.same.1.entry(Digest::sha256(text.as_bytes())).or_default();
        *count += 1;
        *count - 1
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        match self.rehearsal {
            true => self.session.forget_staged(),
            false => self.session.commit().map_err(HistoryError::Ledger)?,
        }
        Ok(())
    }

    /// Puts the given definition in force. Where the workflow is new, and others were defined after the first line, it is
    /// dated back at once.
    fn define(&mut self, number: u64, at: Timestamp) -> Result<(), HistoryError> {
        let Some(definition) = &self.options.define else { return Ok(()) };
        let table = self.session.table();
        let is_new = table.workflow(Some(definition.name())).is_err();
        let is_behind = table.workflows.values().any(|workflow| workflow.latest.at > at);
        let repair = (is_new && is_behind).then_some(DATED_BACK);
        let action = Action::Define(action::Define { definition: Box::new(definition.clone()) });
        let id = self.id("define", number, &written(definition));
        self.definition = Some(definition.clone());
        self.stage(number, id, Some(at), (action, repair), false)
    }

    /// Dates the definition in force back to a line about a phase that has not run yet, where it came later.
    fn date_back(&mut self, number: u64, line: &HistoryLine) -> Result<(), HistoryError> {
        let phase = self.session.phase(&line.phase).map_err(|error| at_line(number, error))?;
        if phase.moved.is_some() || phase.brought_in.at <= line.at {
            return Ok(());
        }
        let Some(definition) = &self.definition else { return Ok(()) };
        let action = Action::Define(action::Define { definition: Box::new(definition.clone()) });
        let id = self.id(&format!("{DATED_BACK} {}", line.at), number, &written(definition));
        self.stage(number, id, Some(line.at), (action, Some(DATED_BACK)), false)
    }

    fn line(&mut self, number: u64, nth: u64, text: &str, line: &HistoryLine) -> Result<(), HistoryError> {
        self.imported.lines += 1;
        let id = self.id("text", nth, text);
        if self.is_known(id, number, text)? {
            self.imported.known += 1;
            return Ok(());
        }
        self.date_back(number, line)?;
        let state = self.session.state(&line.phase).map_err(|error| at_line(number, error))?;
        let steps = line.plan(state, self.options.repair, self.options.allow_unmet);
        // The line's own command comes last but for what is cached, which is two: the id is the first one's
        // that no repair made.
        let mut own = Some(id);
        for (index, step) in steps.into_iter().enumerate() {
            let other = || self.id(&format!("text {index}"), nth, text);
            let id = if step.1.is_none() { own.take().unwrap_or_else(other) } else { other() };
            let id = if step.1 == Some(KEPT_AS_NOTE) { own.take().unwrap_or(id) } else { id };
            self.stage(number, id, Some(line.at), step, true)?;
        }
        Ok(())
    }

    /// Says whether a line is recorded already. The first release told lines apart by their numbers.
    fn is_known(&self, id: CommandId, number: u64, text: &str) -> Result<bool, HistoryError> {
        let find = |id| self.session.find(id).map_err(HistoryError::Ledger);
        if find(id)?.is_some() {
            return Ok(true);
        }
        Ok(!self.was_empty && find(self.id("line", number, text))?.is_some())
    }

    /// States that the history was taken in, as of its last line.
    fn note(&mut self, file: &Ordered, last: Option<Timestamp>) -> Result<(), HistoryError> {
        let history = HistoryImported {
            source: self.options.source.clone(),
            digest: file.digest,
            lines: self.imported.lines,
            inferred: self.imported.inferred.clone(),
            gap: None,
        };
        let id = self.id("history", self.imported.lines, &file.digest.to_string());
        let action =
            Action::NoteImport(action::NoteImport { workflow: Some(self.options.workflow.clone()), history });
        self.stage(file.last, id, last, (action, None), false)
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
            key: None,
            may_repeat: false,
            by: self.options.by.clone(),
            occurred_at: at.map(Into::into),
            expect: Vec::new(),
            inferred: repair,
            fingerprints: FoundByRole::default(),
            left_behind: Vec::new(),
            past: None,
            action,
        };
        let answer = self.session.stage(&command, self.now).map_err(|error| at_line(number, error))?;
        if let Some(repair) = repair.filter(|_| !answer.events.is_empty()) {
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
        key.parse::<CallerId>().expect("a key that is not empty").command()
    }
}

/// Returns the definition of a workflow that is in force; none where it is not defined.
fn in_force(ledger: &Ledger, workflow: &WorkflowName) -> Result<Option<Definition>, LedgerError> {
    let table = ledger.small_table_of(&ledger.head()?)?;
    let known = table.workflow(Some(workflow)).ok();
    let Some(defined) = known.map(|known| known.defined) else {
        return Ok(None);
    };
    let record = ledger.event(defined)?;
    Ok(record.and_then(|record| record.event.definition().map(|defined| defined.definition.clone())))
}

fn written(definition: &Definition) -> String {
    serde_json::to_string(definition).expect("a definition has string keys and no floats")
}

fn at_line(line: u64, error: LedgerError) -> HistoryError {
    match error {
        LedgerError::Rejected(source) => HistoryError::Illegal { line, source },
        other => HistoryError::Ledger(other),
    }
}
