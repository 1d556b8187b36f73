//! sled's threads: without a single one, sled waits for ever and keeps the ledger locked.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::io_error;
use crate::store::StoreError;

/// How many threads sled starts with the first database of a process (`threadpool.rs`); it keeps them.
const THREADS: usize = 7;

static STARTED: AtomicBool = AtomicBool::new(false);

/// Waits until sled's threads can be had, all at once: where others take the last ones meanwhile, some are left.
/// Once sled has them there is nothing to wait for.
pub(super) fn wait(path: &Path, deadline: Instant) -> Result<(), StoreError> {
    while !STARTED.load(Ordering::Relaxed) {
        match start_and_end() {
            Ok(()) => break,
            Err(error) if Instant::now() >= deadline => {
                return Err(io_error("start a thread for", path)(error));
            }
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
    Ok(())
}

/// Notes that sled has its threads.
pub(super) fn started() {
    STARTED.store(true, Ordering::Relaxed);
}

fn start_and_end() -> std::io::Result<()> {
    let mut threads = Vec::with_capacity(THREADS);
    let result = (0..THREADS).try_for_each(|_| {
        let (sender, receiver) = mpsc::channel::<()>();
        let thread = thread::Builder::new().name("phaseledger-try".to_owned());
        // It waits until the sender goes.
        threads.push((sender, thread.spawn(move || receiver.recv())?));
        Ok(())
    });
    for (sender, thread) in threads {
        drop(sender);
        // It ends with what it waited for; there is nothing to learn of it.
        let _ = thread.join();
    }
    result
}
