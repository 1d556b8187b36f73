//! The process that appends: this test's own program, started again with its orders in the environment.
//!
//! It acknowledges each batch by a line `done SEQ` in a file of its own, which the trace shows between the
//! calls on the ledger and which outlives a kill. The line for the empty ledger follows its creation. What
//! it finds when it opens a ledger it writes down as `found SEQ`: an append that was never answered may
//! have been carried out.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use phaseledger::model::Seq;
use phaseledger::store::{Appended, DiskStore, Store, StoreError};

use super::script::Script;
use crate::numbers::setting;

const BASE: &str = "PHASELEDGER_POWER_BASE";
const SCRIPT: &str = "PHASELEDGER_POWER_SCRIPT";
const EVENTS: &str = "PHASELEDGER_POWER_EVENTS";

/// The name of the file that acknowledgements are written to.
pub const ACKNOWLEDGEMENTS: &str = "acknowledged";

/// How long a store may wait for another process: none is left to wait for.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns where the ledger lies.
pub fn ledger(base: &Path) -> PathBuf {
    base.join("log")
}

/// Returns where the acknowledgements lie.
pub fn acknowledgements(base: &Path) -> PathBuf {
    base.join(ACKNOWLEDGEMENTS)
}

/// Makes the command that appends up to some number of events. `test` is the test that calls [`obey`].
pub fn command(program: &mut Command, test: &str, base: &Path, script: Script, events: u64) {
    program.args(["--exact", test, "--nocapture"]);
    program.env(BASE, base).env(SCRIPT, script.seed.to_string()).env(EVENTS, events.to_string());
    program.stdin(Stdio::null()).stdout(Stdio::null());
}

/// Appends, when this process was started to do so.
pub fn obey() {
    let Some(base) = std::env::var_os(BASE) else { return };
    let script = Script { seed: setting(SCRIPT, 0) };
    append(Path::new(&base), script, setting(EVENTS, 0)).expect("a healthy disk");
}

fn append(base: &Path, script: Script, events: u64) -> Result<(), StoreError> {
    let mut said = OpenOptions::new()
        .create(true)
        .append(true)
        .open(acknowledgements(base))
        .expect("a file for acknowledgements");
    let mut store = match DiskStore::open(&ledger(base), LOCK_TIMEOUT) {
        Err(StoreError::Missing { .. }) => {
            let store = DiskStore::create(&ledger(base))?;
            say(&mut said, "done", store.head()?.seq);
            store
        }
        other => other?,
    };
    say(&mut said, "found", store.head()?.seq);
    loop {
        let head = store.head()?.seq;
        if head.number() >= events {
            return Ok(());
        }
        for _ in 0..script.reopens(head.number()) {
            drop(store);
            store = DiskStore::open(&ledger(base), LOCK_TIMEOUT)?;
        }
        let batch = script.batch(head.number());
        match store.append(head, &batch)? {
            Appended::Done(head) => say(&mut said, "done", head.seq),
            Appended::Conflict(found) => panic!("alone, and yet in conflict: {head} and {found:?}"),
            Appended::Unknown => panic!("no answer on a healthy disk"),
        }
    }
}

fn say(file: &mut File, what: &str, seq: Seq) {
    file.write_all(format!("{what} {seq}\n").as_bytes()).expect("the acknowledgement is written");
}

/// What an appender said before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said {
    /// The last place that it acknowledged; none when even the creation was not acknowledged.
    pub acknowledged: Option<u64>,
    /// The last place that it acknowledged or found; none when it never had the ledger open.
    pub seen: Option<u64>,
}

impl Said {
    /// Reads the lines that were written; a last one that was cut short does not count.
    pub fn read(written: &[u8]) -> Self {
        let mut said = Said::default();
        let written = std::str::from_utf8(written).expect("words and numbers");
        for line in written.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let (what, place) = line.split_once(' ').expect("a word and a place");
            let place = place.parse().expect("a place");
            if what == "done" {
                said.acknowledged = Some(place);
            }
            said.seen = said.seen.max(Some(place));
        }
        said
    }
}
