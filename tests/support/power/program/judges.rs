//! Several threads that judge what others make, and a call that hangs is noticed.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::patience::PATIENCE;

const THREADS: usize = 2;

/// Threads that judge.
pub struct Judges<T> {
    give: SyncSender<T>,
    told: Receiver<Result<(), String>>,
    given: usize,
}

impl<T: Send + 'static> Judges<T> {
    /// Starts them.
    pub fn start(judge: impl Fn(&T) -> Result<(), String> + Send + Sync + 'static) -> Self {
        let (give, take) = mpsc::sync_channel::<T>(2 * THREADS);
        let (tell, told) = mpsc::channel();
        let (take, judge) = (Arc::new(Mutex::new(take)), Arc::new(judge));
        for _ in 0..THREADS {
            let (take, judge, tell) = (Arc::clone(&take), Arc::clone(&judge), tell.clone());
            thread::spawn(move || {
                loop {
                    let next = take.lock().expect("no judge panics while it waits").recv();
                    let Ok(next) = next else { return };
                    if tell.send(judge(&next)).is_err() {
                        return;
                    }
                }
            });
        }
        Judges { give, told, given: 0 }
    }

    /// Hands something over.
    pub fn give(&mut self, next: T) {
        self.give.send(next).expect("judges listen");
        self.given += 1;
    }

    /// Returns how many there were, and what failed.
    pub fn end(self) -> (usize, Vec<String>) {
        drop(self.give);
        let (mut judged, mut failures) = (0, Vec::new());
        loop {
            match self.told.recv_timeout(PATIENCE) {
                Ok(verdict) => {
                    judged += 1;
                    failures.extend(verdict.err());
                }
                Err(RecvTimeoutError::Timeout) => panic!("no verdict for {PATIENCE:?}: an open hangs"),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        assert_eq!(judged, self.given, "one was not judged");
        (judged, failures)
    }
}
