//! The side lock: one process at a time, in turn.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::io_error;
use crate::store::StoreError;

/// The right to use the log, held until dropped. The system takes it back when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, waiting for whoever holds it. The wait is the system's own queue, entered by a thread
    /// so that it can be given up: polling would let a busy writer starve the others.
    pub(super) fn take(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let start = Instant::now();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(io_error("open", path))?;
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(io_error("lock", path)(error)),
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("phaseledger-lock".to_owned())
            .spawn(move || {
                let locked = file.lock().map(|()| file);
                // Nobody waits any more when this fails; the file goes, and the lock with it.
                let _ = sender.send(locked);
            })
            .map_err(io_error("start a thread for", path))?;
        match receiver.recv_timeout(timeout.saturating_sub(start.elapsed())) {
            Ok(locked) => Ok(Lock { _file: locked.map_err(io_error("lock", path))? }),
            Err(_) => Err(StoreError::LockTimeout { waited: timeout }),
        }
    }
}
