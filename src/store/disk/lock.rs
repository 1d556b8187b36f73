//! The side lock: one process at a time, in turn.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::io_error;
use crate::store::StoreError;

/// The right to use the log, held until dropped. The system takes it back when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, waiting for whoever holds it. The wait is the system's own queue, entered by a thread
    /// so that it can be given up: polling would let a busy writer starve the others.
    pub(super) fn take(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let deadline = Instant::now() + timeout;
        loop {
            // A takeover puts another folder, with a lock of its own, in the place of the one that was waited for.
            match Lock::take_one(path, timeout, deadline) {
                Ok(lock) if lock.is_at(path).map_err(io_error("find", path))? => return Ok(lock),
                Ok(_) if Instant::now() >= deadline => {
                    return Err(StoreError::LockTimeout { waited: timeout });
                }
                Ok(_) => {}
                Err(StoreError::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound && Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_at(&self, path: &Path) -> std::io::Result<bool> {
        let here = |found: Metadata| (found.dev(), found.ino());
        match path.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            found => Ok(here(self.file.metadata()?) == here(found?)),
        }
    }

    fn take_one(path: &Path, timeout: Duration, deadline: Instant) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(io_error("open", path))?;
        match file.try_lock() {
            Ok(()) => return Ok(Lock { file }),
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
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(locked) => Ok(Lock { file: locked.map_err(io_error("lock", path))? }),
            Err(_) => Err(StoreError::LockTimeout { waited: timeout }),
        }
    }
}
