//! The one loop that records: single commands and batches, with files read while nothing is held.
//!
//! ```text
//!  commands ──▶ open ──▶ stage ──┬── files are missing ──▶ close, read them ──┐
//!                 ▲              ├── one is refused ──▶ why, and what stands  │
//!                 │              └── commit ──┬── done ──▶ answers            │
//!                 ├── wait ◀── close ◀── others were first, or in doubt       │
//!                 └────────────────────────────────────────────────────────◀──┘
//! ```
//!
//! There is no clock here, no file and no patience: a [`Recorder`] has them. Whatever is staged again is decided anew,
//! on what others have left.

use std::ops::DerefMut;

use super::session::{Answer, AnswerStatus, Session};
use super::{Ledger, LedgerError, TRIES_MAX};
use crate::model::{Command, Declared, FoundByRole, FoundFiles, Seq, Timestamp};
use crate::store::StoreError;

/// What recording takes from outside.
pub trait Recorder {
    /// A ledger that is open; dropped, it is let go of.
    type Held: DerefMut<Target = Ledger>;
    /// Why something failed.
    type Error: From<LedgerError>;

    /// Opens the ledger, or waits for its turn with one that is open. Called anew after each look at files and each
    /// wait. What was held is dropped before.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being opened.
    fn open(&mut self) -> Result<Self::Held, Self::Error>;

    /// Returns the time.
    ///
    /// # Errors
    ///
    /// Where that cannot be told.
    fn now(&mut self) -> Result<Timestamp, Self::Error>;

    /// Reads the files that a phase declares; [`Project`](crate::files::Project) does. Nothing is held meanwhile.
    ///
    /// # Errors
    ///
    /// [`Unreadable`](crate::model::Unreadable), where not all of them can be told. That refuses nothing: the command is
    /// recorded without fingerprints, and with what was wrong.
    fn fingerprint(&mut self, declared: &Declared) -> FoundFiles;

    /// Waits a random time before the next try, longer the more there were: from 1 to 7. Nothing is held meanwhile.
    fn wait(&mut self, tries: u32);

    /// Looks at the ledger before anything is staged, each time it was opened; what is refused here is not recorded.
    /// What there is to see is asked by [`held`](crate::ask::held).
    ///
    /// # Errors
    ///
    /// To refuse.
    fn before(&mut self, _ledger: &mut Ledger) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// How much of a batch is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// All of it, or nothing.
    Together,
    /// Its first commands, up to one that is refused, or that needs files to be read first: to be sent again with
    /// those behind it.
    InOrder,
    /// Nothing: what it would record is told.
    Preview,
}

/// What was recorded of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The answers to its first commands: to all of them, but for [`How::InOrder`].
    pub answers: Vec<Answer>,
    /// The last event in the log.
    pub head: Seq,
}

/// Why a batch was not recorded as a whole.
#[derive(Debug)]
pub struct Unrecorded<E> {
    /// The answers to the commands that were recorded all the same; none, but for [`How::InOrder`].
    pub answers: Vec<Answer>,
    /// The place in the batch of the command that is refused; none where it is the ledger that fails.
    pub command: Option<usize>,
    /// Why.
    pub error: E,
}

impl<E> Unrecorded<E> {
    fn whole(error: E) -> Self {
        Unrecorded { answers: Vec::new(), command: None, error }
    }

    fn at(command: usize, error: E) -> Self {
        Unrecorded { command: Some(command), ..Unrecorded::whole(error) }
    }
}

impl Ledger {
    /// Records a command, or tells that it is recorded already. The files that its phase declares are read first, while
    /// nothing is held, and only once it is known that it is not refused.
    ///
    /// ```
    /// use std::sync::{Mutex, MutexGuard};
    /// use std::time::Duration;
    ///
    /// use phaseledger::files::Project;
    /// use phaseledger::ledger::{Ledger, Recorder};
    /// use phaseledger::model::{
    ///     Action, Actor, Command, Declared, Event, FoundFiles, Request, Timestamp, action, parse_workflow,
    /// };
    /// use phaseledger::store::MemoryStore;
    ///
    /// struct Mine<'a> {
    ///     ledger: &'a Mutex<Ledger>, // on a disk: a path, and `Ledger::open` each time
    ///     project: Project,
    /// }
    ///
    /// impl<'a> Recorder for Mine<'a> {
    ///     type Held = MutexGuard<'a, Ledger>;
    ///     type Error = Box<dyn std::error::Error>;
    ///
    ///     fn open(&mut self) -> Result<Self::Held, Self::Error> {
    ///         self.ledger.lock().map_err(|_| "somebody panicked with it".into())
    ///     }
    ///
    ///     fn now(&mut self) -> Result<Timestamp, Self::Error> {
    ///         Ok("2025-10-29T18:26:36Z".parse()?) // a clock, elsewhere
    ///     }
    ///
    ///     fn fingerprint(&mut self, declared: &Declared) -> FoundFiles {
    ///         let found = self.project.fingerprint(std::slice::from_ref(declared));
    ///         found.into_iter().next().expect("an answer to each question").whole()
    ///     }
    ///
    ///     fn wait(&mut self, tries: u32) {
    ///         std::thread::sleep(Duration::from_millis(10) * tries); // and some jitter
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("books.txt"), "three books")?;
    /// let ledger = Mutex::new(Ledger::new(Box::new(MemoryStore::new())));
    /// let project = Project::new(folder.path().to_owned(), folder.path().join("ledger/log"));
    /// let mut mine = Mine { ledger: &ledger, project };
    ///
    /// let ana = Actor::new("ana", "laptop", "library");
    /// let file = "[workflow]\nname = 'w'\n[[phase]]\nid = 'a'\ninputs = ['*.txt']\n";
    /// let definition = Box::new(parse_workflow(file, "w.toml", None)?);
    /// let action = Action::Define(action::Define { definition });
    /// Ledger::record(&mut mine, &mut Command::new("key:define".parse()?, ana.clone(), action))?;
    ///
    /// let request: Request = r#"{"do":"start","phase":"a"}"#.parse()?;
    /// let answer = Ledger::record(&mut mine, &mut Command::new("key:a/1".parse()?, ana, request.action))?;
    /// let Event::PhaseStarted(started) = &answer.events[0].event else { panic!("a start") };
    /// let inputs = started.inputs.as_ref().expect("they were read");
    /// assert_eq!(inputs[0].path, "books.txt");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Where others append in between, it is staged again after a wait, 8 times at most. Where the store cannot say
    /// whether it was written, the same is sent again, which its id makes safe.
    ///
    /// # Errors
    ///
    /// Whatever the recorder fails with; [`LedgerError`] for a refusal, [`LedgerError::Busy`] when others were first each
    /// time, [`StoreError::Unknown`] when it cannot be told whether it was written. Nothing was, otherwise.
    pub fn record<R: Recorder>(recorder: &mut R, command: &mut Command) -> Result<Answer, R::Error> {
        let commands = std::slice::from_mut(command);
        let recorded =
            Ledger::record_all(recorder, commands, How::Together).map_err(|refused| refused.error)?;
        Ok(recorded.answers.into_iter().next().expect("an answer to each command"))
    }

    /// Records a batch of commands, which become durable together, as [`Ledger::record`] does with one. Commands are
    /// left with the fingerprints that were found.
    ///
    /// # Errors
    ///
    /// As [`Ledger::record`], with the command that is to blame, and what was recorded all the same.
    pub fn record_all<R: Recorder>(
        recorder: &mut R,
        commands: &mut [Command],
        how: How,
    ) -> Result<Recording, Unrecorded<R::Error>> {
        let read = vec![Vec::new(); commands.len()];
        Batch { recorder, commands, how, read, in_doubt: None, tries: 0 }.record()
    }
}

/// A batch on its way into the log.
struct Batch<'a, R: Recorder> {
    recorder: &'a mut R,
    commands: &'a mut [Command],
    how: How,
    /// How the files of each command were declared when they were read.
    read: Vec<Vec<Declared>>,
    /// The answers that hold if what may have been written was.
    in_doubt: Option<Vec<Answer>>,
    tries: u32,
}

/// What came of one look into the ledger.
enum Step {
    Done(Recording),
    /// These commands lack files, declared so.
    Lacking(Vec<(usize, Vec<Declared>)>),
    /// Others were first.
    Moved,
    /// It may have been written: then these are the answers.
    InDoubt(Vec<Answer>),
}

/// What came of a command.
enum Staged {
    Answered(Answer),
    /// It is not refused, as far as can be told without files that are declared so.
    Lacking(Vec<Declared>),
}

impl<R: Recorder> Batch<'_, R> {
    fn record(mut self) -> Result<Recording, Unrecorded<R::Error>> {
        loop {
            let mut ledger = self.open().map_err(Unrecorded::whole)?;
            let step = self.step(&mut ledger)?;
            drop(ledger);
            match step {
                Step::Done(recording) => return Ok(recording),
                Step::Lacking(files) => self.read_files(files).map_err(Unrecorded::whole)?,
                Step::Moved => self.again().map_err(Unrecorded::whole)?,
                Step::InDoubt(answers) => {
                    self.in_doubt = Some(answers);
                    // What was sent has been sent before, whoever chose the id.
                    self.commands.iter_mut().for_each(|command| command.may_repeat = true);
                    self.again().map_err(Unrecorded::whole)?;
                }
            }
        }
    }

    fn open(&mut self) -> Result<R::Held, R::Error> {
        // What it fails with now does not tell what became of what was written.
        self.recorder.open().map_err(|error| match self.in_doubt {
            Some(_) => LedgerError::from(StoreError::Unknown).into(),
            None => error,
        })
    }

    /// Waits for the next try, where there is one.
    fn again(&mut self) -> Result<(), R::Error> {
        self.tries += 1;
        if self.tries < TRIES_MAX {
            self.recorder.wait(self.tries);
            return Ok(());
        }
        Err(match self.in_doubt {
            Some(_) => LedgerError::from(StoreError::Unknown).into(),
            None => LedgerError::Busy { tries: self.tries }.into(),
        })
    }

    /// Reads files while nothing is held. Where a definition came in between, it is one more try.
    fn read_files(&mut self, files: Vec<(usize, Vec<Declared>)>) -> Result<(), R::Error> {
        if files.iter().any(|(at, _)| !self.read[*at].is_empty()) {
            self.again()?;
        }
        for (at, declared) in files {
            let mut found = FoundByRole::default();
            for declared in &declared {
                found.keep(declared.role, self.recorder.fingerprint(declared));
            }
            self.commands[at].fingerprints = found;
            self.read[at] = declared;
        }
        Ok(())
    }

    /// Stages the batch on the ledger as it is now, and commits it where nothing is missing.
    fn step(&mut self, ledger: &mut Ledger) -> Result<Step, Unrecorded<R::Error>> {
        let is_in_doubt = self.in_doubt.is_some();
        let failed = |error: LedgerError| {
            // What the store fails with now does not tell what became of what was written.
            let error = if is_in_doubt && matches!(error, LedgerError::Store(_)) {
                StoreError::Unknown.into()
            } else {
                error
            };
            Unrecorded::whole(error.into())
        };
        if self.is_written(ledger).map_err(failed)? {
            let head = ledger.head().map_err(failed)?.seq;
            return Ok(Step::Done(Recording { answers: self.in_doubt.take().unwrap_or_default(), head }));
        }
        let head = ledger.head().map_err(failed)?;
        self.recorder.before(ledger).map_err(Unrecorded::whole)?;
        let mut session =
            Session::new(ledger.store.as_mut(), head, ledger.preferred.clone()).map_err(failed)?;
        session.rule_out(self.commands).map_err(failed)?;
        let (mut answers, mut lacking, mut refused) = (Vec::new(), Vec::new(), None);
        for at in 0..self.commands.len() {
            match self.stage(&mut session, at) {
                Ok(Staged::Answered(answer)) => answers.push(answer),
                Ok(Staged::Lacking(declared)) if self.how == How::InOrder => {
                    lacking.extend((at == 0).then_some((at, declared)));
                    break;
                }
                Ok(Staged::Lacking(declared)) => lacking.push((at, declared)),
                Err(error) => {
                    refused = Some(Unrecorded::at(at, error));
                    break;
                }
            }
        }
        match refused {
            // What comes behind a command whose files are not read may be refused for that alone.
            _ if !lacking.is_empty() => Ok(Step::Lacking(lacking)),
            Some(refused) if self.how != How::InOrder => Err(refused),
            refused => self.commit(session, answers, refused),
        }
    }

    fn commit(
        &self,
        mut session: Session<'_>,
        mut answers: Vec<Answer>,
        refused: Option<Unrecorded<R::Error>>,
    ) -> Result<Step, Unrecorded<R::Error>> {
        if self.how == How::Preview {
            answers.iter_mut().for_each(|answer| answer.status = answer.status.previewed());
        } else {
            match session.commit() {
                Ok(()) => {}
                Err(LedgerError::Store(StoreError::Moved)) => return Ok(Step::Moved),
                Err(LedgerError::Store(StoreError::Unknown)) => return Ok(Step::InDoubt(answers)),
                Err(error) => return Err(Unrecorded::whole(error.into())),
            }
        }
        match refused {
            None => Ok(Step::Done(Recording { answers, head: session.head() })),
            Some(refused) => Err(Unrecorded { answers, ..refused }),
        }
    }

    fn stage(&mut self, session: &mut Session<'_>, at: usize) -> Result<Staged, R::Error> {
        let command = &mut self.commands[at];
        let declared = session.declared(command)?;
        if declared.is_empty() {
            command.fingerprints = FoundByRole::default();
        }
        // Declared anew, or not yet: a definition may have come in between.
        let is_lacking = !declared.is_empty() && self.read[at] != declared;
        let lacking = is_lacking.then_some(declared);
        match lacking {
            Some(declared) if self.how == How::InOrder && at > 0 => Ok(Staged::Lacking(declared)),
            lacking => {
                let answer = session.stage(command, self.recorder.now()?)?;
                Ok(lacking.map_or(Staged::Answered(answer), Staged::Lacking))
            }
        }
    }

    /// Says whether what was in doubt is in the log after all: its first line tells, for it is there as a whole or not
    /// at all.
    fn is_written(&self, ledger: &Ledger) -> Result<bool, LedgerError> {
        let answers = self.in_doubt.iter().flatten();
        let new = answers.filter(|answer| answer.status == AnswerStatus::Appended);
        let Some(first) = new.flat_map(|answer| &answer.events).next() else { return Ok(false) };
        Ok(ledger.lines(first.seq.minus(1), 1)?.first() == Some(&first.to_line()))
    }
}
