//! A store in memory that several ledgers share, and in which something may happen before each call: others write,
//! or the machine fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use phaseledger::ledger::Ledger;
use phaseledger::model::{Actor, Command, CommandId, Recorded, Request, Seq, Timestamp};
use phaseledger::store::{
    Appended, Batch, Cache, Entry, Head, Limits, Log, MemoryStore, Snapshot, StoreError, TimeSpan, Times,
    Until,
};

use crate::contract::{append, batch, time};

/// A call to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Head,
    Read,
    Append,
    Find,
    Seek,
    Row,
    Rows,
    Snapshot,
    KeepSnapshot,
    ForgetCache,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Goes,
    /// The machine refuses, and nothing is written.
    Fails,
    /// It cannot be told whether it was written.
    InDoubt {
        written: bool,
    },
    /// Neither can it, and it is written once the next one is in doubt.
    Late,
}

type Tap = Box<dyn FnMut(Call) -> Turn + Send>;

/// The store. Whoever has it open keeps a tap of its own.
pub struct Tapped {
    shared: Shared,
    tap: Mutex<Tap>,
    late: Option<(Head, Batch)>,
}

/// What several ledgers share.
#[derive(Clone, Default)]
pub struct Shared {
    store: Arc<Mutex<MemoryStore>>,
    /// The heads that were told, in order.
    heads: Arc<Mutex<Vec<Head>>>,
}

impl Shared {
    /// Opens it, so that the tap is asked before each call.
    pub fn tapped(&self, tap: impl FnMut(Call) -> Turn + Send + 'static) -> Ledger {
        Ledger::new(Box::new(Tapped { shared: self.clone(), tap: Mutex::new(Box::new(tap)), late: None }))
    }

    /// Opens it, and nothing happens in between.
    pub fn calm(&self) -> Ledger {
        Shared { store: Arc::clone(&self.store), ..Shared::default() }.tapped(|_| Turn::Goes)
    }

    /// Takes the heads that were told through taps since the last call.
    pub fn heads(&self) -> Vec<Head> {
        std::mem::take(&mut hold(&self.heads))
    }

    pub fn lines(&self) -> Vec<String> {
        hold(&self.store).read(Seq::ZERO, usize::MAX).expect("memory")
    }
}

fn hold<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tapped {
    fn call(&self, call: Call) -> Result<MutexGuard<'_, MemoryStore>, StoreError> {
        match self.turn(call) {
            Turn::Fails | Turn::InDoubt { .. } | Turn::Late => Err(failure()),
            Turn::Goes => Ok(hold(&self.shared.store)),
        }
    }

    fn turn(&self, call: Call) -> Turn {
        hold(&self.tap)(call)
    }
}

fn failure() -> StoreError {
    let source = std::io::Error::other("the test says so");
    StoreError::Io { action: "write", path: "nowhere".to_owned(), source }
}

impl Log for Tapped {
    fn head(&self) -> Result<Head, StoreError> {
        let head = self.call(Call::Head)?.head()?;
        hold(&self.shared.heads).push(head.clone());
        Ok(head)
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        self.call(Call::Read)?.read(after, limit)
    }

    fn append(&mut self, expected: &Head, batch: &Batch) -> Result<Appended, StoreError> {
        match self.turn(Call::Append) {
            Turn::Goes => hold(&self.shared.store).append(expected, batch),
            Turn::Fails => Err(failure()),
            Turn::InDoubt { written } => {
                if written {
                    hold(&self.shared.store).append(expected, batch)?;
                }
                if let Some((expected, batch)) = self.late.take() {
                    hold(&self.shared.store).append(&expected, &batch)?;
                }
                Ok(Appended::Unknown)
            }
            Turn::Late => {
                self.late = Some((expected.clone(), batch.clone()));
                Ok(Appended::Unknown)
            }
        }
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        self.call(Call::Find)?.find(command)
    }

    fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        self.call(Call::Seek)?.seek(until)
    }

    fn spans(&self) -> Result<Vec<TimeSpan>, StoreError> {
        self.call(Call::Seek)?.spans()
    }

    fn limits(&self) -> Limits {
        hold(&self.shared.store).limits()
    }
}

impl Cache for Tapped {
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(Call::Row)?.row(of, key)
    }

    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.call(Call::Rows)?.rows(of, prefix)
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        self.call(Call::Snapshot)?.snapshot(at_most)
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.call(Call::KeepSnapshot)?.keep_snapshot(snapshot)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.call(Call::ForgetCache)?.forget_cache()
    }
}

/// Makes a command of a line, under an id of the caller's own.
pub fn command(id: &str, line: &str) -> Command {
    let request: Request = line.parse().expect("a request");
    Command::new(
        format!("key:{id}").parse().expect("a key"),
        Actor::new("ana", "here", "test"),
        request.action,
    )
}

/// The time of the command with a number.
pub fn now(number: u64) -> Timestamp {
    time(number as i64 * 1000)
}

/// A ledger with a chain of phases and one beside it, all complete but the last of the chain.
pub fn chain() -> Shared {
    use phaseledger::model::{Action, action, parse_workflow};
    let shared = Shared::default();
    let mut ledger = shared.calm();
    let file = "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = ['a']\n\
        [[phase]]\nid = 'c'\nneeds = ['b']\n[[phase]]\nid = 'd'\n";
    let definition = Box::new(parse_workflow(file, "w.toml", None).expect("a workflow"));
    let define = Command {
        action: Action::Define(action::Define { definition }),
        ..command("define", r#"{"do":"note","text":"x"}"#)
    };
    ledger.submit(&define, now(0)).expect("it is defined");
    for (number, phase) in (1..).zip(["a", "b", "d"]) {
        for verb in ["start", "complete"] {
            let line = format!(r#"{{"do":"{verb}","phase":"{phase}"}}"#);
            ledger.submit(&command(&format!("{verb} {phase}"), &line), now(number)).expect("it is legal");
        }
    }
    shared
}

/// A store that has these lines, and no rows.
pub fn without_rows(lines: &[String]) -> MemoryStore {
    let entry = |line: &String| {
        let record = Recorded::from_line(line).expect("an event");
        let times = Times { at: record.at, recorded_at: record.recorded_at };
        Entry { command_id: record.command_id, times, line: line.clone() }
    };
    let mut store = MemoryStore::new();
    append(&mut store, &batch(lines.iter().map(entry).collect()));
    store.forget_cache().expect("memory");
    store
}

/// Somebody else, who records something each time: what touches every sort of row, in turn.
pub struct Other {
    ledger: Ledger,
    written: u64,
}

impl Other {
    pub fn of(shared: &Shared) -> Self {
        Other { ledger: shared.calm(), written: 0 }
    }

    pub fn write(&mut self) {
        const LINES: [&str; 8] = [
            r#"{"do":"rerun","phase":"a","reason":"why not"}"#,
            r#"{"do":"tag","name":"again"}"#,
            r#"{"do":"start","phase":"a"}"#,
            r#"{"do":"cost","phase":"a","amount":"0.25"}"#,
            r#"{"do":"complete","phase":"a"}"#,
            r#"{"do":"approval_request","operation":"x","estimate":7,"items":1}"#,
            r#"{"do":"start","phase":"b"}"#,
            r#"{"do":"complete","phase":"b"}"#,
        ];
        let number = self.written;
        self.written += 1;
        let line = LINES[(number % 8) as usize];
        let head = self.ledger.head().expect("memory").seq.number();
        let (id, now) = (format!("other {head}"), now(100 + head));
        if self.ledger.submit(&command(&id, line), now).is_err() {
            let note = command(&id, r#"{"do":"note","text":"instead"}"#);
            self.ledger.submit(&note, now).expect("a note is always legal");
        }
    }
}
