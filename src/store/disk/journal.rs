//! The journal: a plain file to which each append adds a frame. It makes events durable, and nothing else does.
//!
//! ```text
//!  magic 8 │ version 4 │ length 4 │ where the log stood before its first event (see state.rs) │ checksum of these 4
//!  │ frames (see frame.rs) …
//! ```
//!
//! A frame that is not whole ends what counts: it is what a crash left of an append that was never answered, or a mark that
//! the journal's name may not be durable yet. That no frame was lost is told by the witnesses.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::bytes::{Reader, Writer, crc};
use super::folder::sync;
use super::frame::{self, Frame};
use super::state::{FORMAT_VERSION, State};
use super::{damaged, io_error};
use crate::model::{Digest, Seq};
use crate::store::{Entry, StoreError};

pub(super) const NAME: &str = "journal";
const MAGIC: &[u8; 8] = b"phasejrn";
const FRONT_BYTES: usize = 8 + 4 + 4;
/// Is behind all that counts until the journal's name is durable. Where the sync of its folder failed, whoever appends next
/// finds it, and puts the journal there anew.
const UNSURE: u8 = b'?';

/// What a journal says.
#[derive(Debug)]
pub(super) struct Journal {
    /// Where the log stood before its first event.
    pub(super) before: State,
    /// Where it stands after its last one.
    pub(super) after: State,
    /// The events.
    pub(super) entries: Vec<Entry>,
    /// How many bytes the front and the whole frames take up.
    pub(super) whole_bytes: u64,
    /// How many bytes the file has.
    pub(super) bytes: u64,
}

impl Journal {
    /// Reads what a journal's bytes say, no frame beyond a place. `seen` are places with their roots, which it must
    /// agree with.
    pub(super) fn parse(bytes: &[u8], limit: Seq, seen: &[(Seq, Digest)]) -> Result<Self, StoreError> {
        let (before, front) = read_front(bytes)?;
        let (mut state, mut entries) = (before.clone(), Vec::new());
        let mut at = front;
        check_seen(&state, seen)?;
        while let Some(frame) = Frame::read(&bytes[at..]) {
            let last = frame.first.plus(frame.count).minus(1);
            if frame.first != state.seq().plus(1) {
                return Err(damaged(format!(
                    "in the journal, event {} is followed by event {}",
                    state.seq(),
                    frame.first
                )));
            }
            if last > limit {
                break;
            }
            let follows = Frame::read(bytes.get(at + frame.bytes..).unwrap_or_default()).is_some();
            // The root before the last one covers all that are before it.
            if !follows && state.root().bytes() != &frame.root_before {
                return Err(damaged(format!(
                    "the events before {} in the journal are not those that were there",
                    frame.first
                )));
            }
            let events = frame.entries();
            let events = events.ok_or_else(|| {
                damaged(format!("the events {} to {last} in the journal cannot be read", frame.first))
            })?;
            for entry in events {
                state.push(&entry);
                entries.push(entry);
            }
            check_seen(&state, seen)?;
            at += frame.bytes;
        }
        let (whole_bytes, bytes) = (at as u64, bytes.len() as u64);
        Ok(Journal { before, after: state, entries, whole_bytes, bytes })
    }
}

/// Refuses a root that is not the one that was seen at its place.
fn check_seen(state: &State, seen: &[(Seq, Digest)]) -> Result<(), StoreError> {
    for (seq, root) in seen {
        if *seq == state.seq() && *root != state.root() {
            return Err(damaged(format!("the root at event {seq} is {}; it was {root}", state.root())));
        }
    }
    Ok(())
}

/// Reads the front: where the log stood, and how many bytes the front has.
pub(super) fn read_front(bytes: &[u8]) -> Result<(State, usize), StoreError> {
    let odd = || damaged("the journal's front is not as it was written".to_owned());
    let mut reader = Reader::new(bytes);
    let magic = reader.take(8);
    let (Some(magic), Some(version), Some(length)) = (magic, reader.u32(), reader.u32()) else {
        return Err(odd());
    };
    let end = FRONT_BYTES.checked_add(length as usize).ok_or_else(odd)?;
    let summed = bytes.get(..end).ok_or_else(odd)?;
    let sum = bytes.get(end..end + 4).ok_or_else(odd)?;
    if magic != MAGIC || crc(summed).to_le_bytes() != *sum {
        return Err(odd());
    }
    if version > FORMAT_VERSION {
        return Err(StoreError::NewerFormat { found: version, known: FORMAT_VERSION });
    }
    let mut reader = Reader::new(&summed[FRONT_BYTES..]);
    let state = State::read(&mut reader).filter(|_| reader.rest().is_empty() && version == FORMAT_VERSION);
    Ok((state.ok_or_else(odd)?, end + 4))
}

/// Writes a front.
pub(super) fn front(before: &State) -> Vec<u8> {
    let mut state = Writer::default();
    before.write(&mut state);
    let state = state.finish();
    let mut front = Writer::default();
    front.bytes(MAGIC);
    front.bytes(&FORMAT_VERSION.to_le_bytes());
    front.u32(state.len());
    front.bytes(&state);
    front.checksum();
    front.finish()
}

/// The journal as it is appended to.
#[derive(Debug)]
pub(super) struct JournalFile {
    file: File,
    path: PathBuf,
    /// How many bytes of it count.
    pub(super) bytes: u64,
}

impl JournalFile {
    /// Opens a journal of which so many bytes count, and nothing else is there.
    pub(super) fn open(dir: &Path, bytes: u64) -> Result<Self, StoreError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().write(true).open(&path).map_err(io_error("open", &path))?;
        Ok(JournalFile { file, path, bytes })
    }

    /// Puts a journal of these bytes in the place of the one that is there, durably.
    pub(super) fn replace(dir: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        let journal = Self::put(dir, bytes)?;
        journal.settle();
        Ok(journal)
    }

    /// As [`JournalFile::replace`], where the name of `dir` itself is not durable yet: once it is, the journal is settled.
    pub(super) fn put(dir: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        let (path, aside) = (dir.join(NAME), dir.join("journal.new"));
        let mut file = File::create(&aside).map_err(io_error("create", &aside))?;
        let written = file.write_all(bytes).and_then(|()| file.write_all(&[UNSURE]));
        written.and_then(|()| file.sync_all()).map_err(io_error("write", &aside))?;
        fs::rename(&aside, &path).map_err(io_error("replace", &path))?;
        sync(dir)?;
        Ok(JournalFile { file, path, bytes: bytes.len() as u64 })
    }

    /// Says that all names that lead to it are durable. Where that fails it is put there anew once more, which is harmless.
    pub(super) fn settle(&self) {
        let _ = self.file.set_len(self.bytes);
    }

    /// Writes a frame behind what counts. Where that fails, nothing of it is left.
    pub(super) fn write(&self, frame: &[u8]) -> Result<(), Failed> {
        let written = self.file.write_all_at(frame, self.bytes);
        written.map_err(|error| match self.file.set_len(self.bytes) {
            Ok(()) => Failed::Nothing(io_error("write", &self.path)(error)),
            Err(_) => Failed::InDoubt(io_error("write", &self.path)(error)),
        })
    }

    /// Makes durable what was written, so that it counts.
    pub(super) fn make_durable(&mut self, written: usize) -> Result<(), StoreError> {
        self.file.sync_data().map_err(io_error("make durable", &self.path))?;
        self.bytes += written as u64;
        Ok(())
    }
}

/// What a failure leaves.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing was written.
    Nothing(StoreError),
    /// Something may have been.
    InDoubt(StoreError),
}

/// Returns the frame of some events that follow on a state.
pub(super) fn frame(before: &State, entries: &[Entry]) -> Vec<u8> {
    frame::write(before.seq().plus(1), before.root().bytes(), entries)
}
