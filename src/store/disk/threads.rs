//! sled's threads: without a single one, sled waits for ever and keeps the ledger locked.
//!
//! sled starts them with the first database of a process, and keeps those that it gets. So that one is opened once as many
//! can be had, by a thread that may wait for ever if sled gets none all the same.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::boundary::{Handle, guarded};
use super::io_error;
use crate::store::StoreError;

/// How many threads sled starts with the first database of a process (`threadpool.rs`).
const THREADS: usize = 7;
/// How long whoever cannot do without sled waits for its threads.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long sled may take to open a database that there is no doing without: longer than a large one takes on a busy machine.
const OPENING_MAX: Duration = Duration::from_secs(30);

/// sled has not been asked yet in this process.
const UNTRIED: u8 = 0;
/// It has a thread.
const WORKS: u8 = 1;
/// It has not answered: it is not asked again.
const HANGS: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNTRIED);

type Opened = Result<Handle, StoreError>;
type Work = Box<dyn FnOnce() -> Opened + Send>;

/// Who opens a database.
pub(super) enum Opener {
    /// Whoever asks: sled has a thread.
    Asker,
    /// A thread, for it is the first one.
    Thread(Sender<Work>, Receiver<Opened>),
    /// Nobody: sled has no thread, and gets none any more.
    Nobody,
}

impl Opener {
    /// Waits until sled's threads can be had, all at once: where others take the last ones meanwhile, some are left.
    pub(super) fn wait(path: &Path, deadline: Instant) -> Result<Self, StoreError> {
        match STATE.load(Ordering::Relaxed) {
            WORKS => return Ok(Opener::Asker),
            HANGS => return Ok(Opener::Nobody),
            _ => {}
        }
        loop {
            match Opener::start() {
                Ok(opener) => return Ok(opener),
                Err(error) if Instant::now() >= deadline => {
                    return Err(io_error("start a thread for", path)(error));
                }
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Starts the one that opens, and as many as sled needs, which end.
    fn start() -> std::io::Result<Self> {
        let (work, given) = channel::<Work>();
        let (sender, opened) = channel();
        let named = || thread::Builder::new().name("phaseledger-sled".to_owned());
        named().spawn(move || {
            if let Ok(work) = given.recv() {
                // What comes too late is closed and goes: its folder has a name of its own.
                let _ = sender.send(work());
            }
        })?;
        let mut threads = Vec::with_capacity(THREADS);
        let started = (0..THREADS).try_for_each(|_| {
            let (sender, receiver) = channel::<()>();
            // It waits until the sender goes.
            threads.push((sender, named().spawn(move || receiver.recv())?));
            Ok(())
        });
        for (sender, thread) in threads {
            drop(sender);
            // It ends with what it waited for; there is nothing to learn of it.
            let _ = thread.join();
        }
        started.map(|()| Opener::Thread(work, opened))
    }

    /// Opens a database; none where sled does not answer in time.
    pub(super) fn open(
        self,
        path: &Path,
        config: sled::Config,
        opening_max: Duration,
    ) -> Result<Option<Handle>, StoreError> {
        match self {
            Opener::Asker => open(path, &config).map(Some),
            Opener::Nobody => Ok(None),
            Opener::Thread(work, opened) => {
                let path = path.to_owned();
                // Where it does not arrive, nothing is opened either.
                let _ = work.send(Box::new(move || open_first(&path, &config)));
                match opened.recv_timeout(opening_max) {
                    Ok(opened) => opened.map(Some),
                    Err(_) => {
                        // Unless it has answered by now.
                        let _ = STATE.compare_exchange(UNTRIED, HANGS, Ordering::Relaxed, Ordering::Relaxed);
                        Ok(None)
                    }
                }
            }
        }
    }
}

/// Opens a database that there is no doing without.
pub(super) fn open_or_fail(path: &Path, config: sled::Config) -> Result<Handle, StoreError> {
    let none = || io_error("start a thread for", path)(Error::from(ErrorKind::WouldBlock));
    Opener::wait(path, Instant::now() + PATIENCE)?.open(path, config, OPENING_MAX)?.ok_or_else(none)
}

fn open(path: &Path, config: &sled::Config) -> Opened {
    guarded(path, "open", || config.open()).map(Handle::new)
}

/// Opens the first database, and has one of sled's threads do something. Does not return where there is none.
fn open_first(path: &Path, config: &sled::Config) -> Opened {
    let handle = open(path, config)?;
    let Some(db) = handle.db() else { return Ok(handle) };
    guarded(path, "open", || {
        let mut flushed = pin!(db.flush_async());
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match flushed.as_mut().poll(&mut context) {
                Poll::Ready(flushed) => break flushed,
                Poll::Pending => thread::sleep(Duration::from_micros(20)),
            }
        }
    })?;
    STATE.store(WORKS, Ordering::Relaxed);
    Ok(handle)
}
