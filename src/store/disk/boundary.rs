//! The panic boundary around sled, which panics on damaged files.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;
use std::thread;

use super::{damaged, io_error};
use crate::store::StoreError;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls sled. Answers the message of its panic, when it panics; nothing is printed.
fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    silence_sled();
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(before);
    result.map_err(|payload| message(payload.as_ref()))
}

/// An open database of sled's. Its end is within the boundary too: sled unwraps what its last sync answers.
#[derive(Debug)]
pub(super) struct Handle(Option<sled::Db>);

impl Handle {
    pub(super) fn new(db: sled::Db) -> Self {
        Handle(Some(db))
    }

    /// Returns the database; none once it is closed.
    pub(super) fn db(&self) -> Option<&sled::Db> {
        self.0.as_ref()
    }

    /// Lets go of the database and does not end it: once a call of sled's has failed, its end may wait for ever for what that
    /// call had begun to write. What it has in memory stays until the process ends.
    pub(super) fn abandon(&mut self) {
        std::mem::forget(self.0.take());
    }

    /// Closes the database. What was promised is durable already; closing only saves the next opening some work.
    pub(super) fn close(&mut self) {
        let db = self.0.take();
        let _ = caught(|| drop(db));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Puts a hook in front of the one there is: it drops what is said within [`caught`] and by sled's own
/// threads, and passes everything else on. It stays, for hooks cannot be exchanged per thread.
fn silence_sled() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let in_sled = thread::current().name().is_some_and(|name| name.starts_with("sled-io-"));
            if !in_sled && !QUIET.get() {
                next(panic);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// Calls sled behind the boundary, and tells what it says as an error of the store's.
pub(super) fn guarded<T>(
    path: &Path,
    action: &'static str,
    call: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) => Err(io_error(action, path)(error)),
        Ok(Err(error)) => Err(damaged(format!("sled cannot {action} `{}`: {error}", path.display()))),
        Err(message) => Err(match system_error(&message) {
            Some(error) => io_error(action, path)(error),
            None => damaged(format!("sled cannot {action} `{}`: {message}", path.display())),
        }),
    }
}

/// Finds the system's error in a panic that was an unwrapped one.
fn system_error(message: &str) -> Option<std::io::Error> {
    let (_, rest) = message.split_once("Os { code: ")?;
    let (code, _) = rest.split_once(',')?;
    code.parse().ok().map(std::io::Error::from_raw_os_error)
}
