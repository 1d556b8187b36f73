//! The answers, written by a thread of its own: who reads them slowly, or pauses, keeps no ledger held.
//!
//! ```text
//!  answers ──lines──▶ a batch may wait ──thread──▶ stdout
//! ```

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use phaseledger::ledger::Answer;

use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::verbs::writing::AnswerView;

/// How many batches of answers may wait to be written, beside the one that is being written.
const BATCHES_WAITING_MAX: usize = 1;

/// Where the answers go.
pub struct Answers {
    /// None once they have ended.
    writer: Option<Writer>,
}

struct Writer {
    sender: SyncSender<Vec<u8>>,
    writing: JoinHandle<io::Result<()>>,
}

impl Answers {
    /// Starts the thread that writes.
    pub fn begin() -> Result<Self, Failure> {
        let (sender, batches) = sync_channel(BATCHES_WAITING_MAX);
        let writing = thread::Builder::new()
            .spawn(move || write(&batches))
            .map_err(|error| Failure::io("start a thread to write", Path::new("standard output"), &error))?;
        Ok(Answers { writer: Some(Writer { sender, writing }) })
    }

    /// Hands answers on. Where too many wait already, the ledger is let go before it is waited for whoever reads.
    pub fn tell(&mut self, answers: &[Answer], let_go: impl FnOnce()) -> io::Result<()> {
        let Some(Writer { sender, .. }) = &self.writer else { return Ok(()) };
        let mut lines = Vec::new();
        output::json_lines(&mut lines, answers.iter().map(AnswerView::new))?;
        let is_sent = match sender.try_send(lines) {
            Ok(()) => true,
            Err(TrySendError::Full(lines)) => {
                let_go();
                sender.send(lines).is_ok()
            }
            Err(TrySendError::Disconnected(_)) => false,
        };
        // The thread ends early only where it cannot write.
        if is_sent { Ok(()) } else { self.end() }
    }

    /// Waits until all are written.
    pub fn end(&mut self) -> io::Result<()> {
        match self.writer.take() {
            None => Ok(()),
            Some(Writer { sender, writing }) => {
                drop(sender);
                writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
        }
    }
}

/// Writes each batch as it comes. What was asked for is recorded all the same where nobody reads the answers, as with
/// `| head`: then they are dropped.
fn write(batches: &Receiver<Vec<u8>>) -> io::Result<()> {
    for lines in batches {
        match output::write_json(&lines) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
