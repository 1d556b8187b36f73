//! The lines, read and parsed by a thread of its own, a bounded number of them ahead: a hand-over costs more than a line, so
//! those that are there together are handed over together.
//!
//! ```text
//!  file or pipe ──thread──▶ chunks: what the lines that were read at once ask for ──▶ one after the other
//! ```

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use phaseledger::model::Request;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::lines::Lines;

/// The lines of a file.
const LINES: Lines = Lines { what: "the commands", bytes_max: 1 << 20, refused: Failure::bad_command };

/// How many bytes are read at once.
const READ_BYTES: usize = 1 << 16;

/// How many chunks may wait: each has the lines of one reading, or a single long one.
const CHUNKS_WAITING_MAX: usize = 16;

/// What a line asks for, with its number, or why it is none.
pub type Line = Result<(u64, Request), Box<(u64, Failure)>>;

/// Lines as they arrive.
pub struct Arriving {
    chunks: Receiver<Vec<Line>>,
    /// Those of the chunk that was taken up last.
    at_hand: std::vec::IntoIter<Line>,
}

impl Arriving {
    /// Begins to read a file or a pipe.
    pub fn read(path: &Path, context: &Context) -> Result<Self, Failure> {
        let source: Box<dyn Read + Send> = match path == Path::new("-") {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).map_err(|error| Failure::io("read", path, &error))?),
        };
        let (sender, chunks) = sync_channel(CHUNKS_WAITING_MAX);
        let context = context.clone();
        std::thread::Builder::new()
            .spawn(move || send_lines(BufReader::with_capacity(READ_BYTES, source), &context, &sender))
            .map_err(|error| Failure::io("start a thread to read", path, &error))?;
        Ok(Arriving { chunks, at_hand: Vec::new().into_iter() })
    }

    /// Waits for the next line; none where there are no more.
    pub fn wait(&mut self) -> Option<Line> {
        self.next_by(|chunks| chunks.recv().ok())
    }

    /// Waits for the next line, but not longer than that.
    pub fn wait_at_most(&mut self, longest: Duration) -> Option<Line> {
        self.next_by(|chunks| chunks.recv_timeout(longest).ok())
    }

    /// Returns the next line, where it has arrived.
    pub fn next_at_once(&mut self) -> Option<Line> {
        self.next_by(|chunks| chunks.try_recv().ok())
    }

    fn next_by(&mut self, take: impl FnOnce(&Receiver<Vec<Line>>) -> Option<Vec<Line>>) -> Option<Line> {
        if self.at_hand.len() == 0 {
            self.at_hand = take(&self.chunks)?.into_iter();
        }
        self.at_hand.next()
    }
}

/// Sends the lines that are not empty; ends at the first that cannot be read, or once nobody listens. Whole lines that were
/// read are not kept back while others are waited for.
fn send_lines(mut reader: BufReader<impl Read>, context: &Context, sender: &SyncSender<Vec<Line>>) {
    let mut chunk = Vec::new();
    for number in 1.. {
        let line = LINES.read(&mut reader, number).transpose();
        let mut has_ended = line.is_none();
        if let Some(line) = line.filter(|line| !line.as_ref().is_ok_and(|line| line.trim().is_empty())) {
            let asked = line.and_then(|line| asked_for(&line, context));
            has_ended = asked.is_err();
            chunk.push(match asked {
                Ok(request) => Ok((number, request)),
                Err(failure) => Err(Box::new((number, failure))),
            });
        }
        let is_whole = has_ended || !reader.buffer().contains(&b'\n');
        if is_whole && !chunk.is_empty() && sender.send(std::mem::take(&mut chunk)).is_err() {
            return;
        }
        if has_ended {
            return;
        }
    }
}

fn asked_for(line: &str, context: &Context) -> Result<Request, Failure> {
    Ok(Request::read(line, &context.time()?)?)
}
