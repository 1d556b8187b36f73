//! Waiting for what must happen: as long as a busy machine may need, and not for ever.

#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes that is waited for, even where others keep the machine busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What is seen soon is looked for often.
const SOON: Duration = Duration::from_millis(500);

/// Looks again and again until something holds; what never does fails the test.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        let waited = started.elapsed();
        if waited > PATIENCE {
            panic!("{what}: not within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_micros(if waited < SOON { 500 } else { 20_000 }));
    }
}

/// Does something in a thread of its own, so that what hangs, or takes ages, fails the test and is no wait.
pub fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    let working = thread::spawn(move || drop(sender.send(work())));
    let result = receiver.recv_timeout(PATIENCE);
    if let Err(RecvTimeoutError::Timeout) = result {
        panic!("{what}: not within {PATIENCE:?}");
    }
    if let Err(panic) = working.join() {
        std::panic::resume_unwind(panic);
    }
    result.expect("what was done")
}
