//! The witness: a plain file that says how long the log was when it was last made durable.
//!
//! There are two of them, `head` and `sealed/head`. Who puts `tail/` and `head` back from an older copy leaves the
//! one beside the sealed events, which knows better.
//!
//! Two lines of fixed width, each with a seq, a root and a checksum, written in turn; the later one counts.
//! A line is written in place after the log is durable and is not made durable itself. So after a power cut
//! the witness says what was true at some earlier moment (a torn line leaves the other one): it is never
//! ahead of the log, unless the log has lost its end.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::folder::sync;
use super::state::State;
use super::{damaged, io_error};
use crate::model::{Digest, Seq};
use crate::store::{Mended, StoreError};

/// A seq of 20 digits, a root of 71 characters, a checksum of 8 digits, two blanks and a line end.
const LINE_BYTES: u64 = 20 + 1 + 71 + 1 + 8 + 1;

/// Where the witnesses are, below the log's folder.
const PLACES: [&str; 2] = ["head", "sealed/head"];

/// All witnesses of a log.
#[derive(Debug)]
pub(super) struct Witnesses {
    dir: PathBuf,
    /// In the order of [`PLACES`]; none where there is no such file.
    open: [Option<Witness>; 2],
}

impl Witnesses {
    /// Opens the witnesses of a log. The one beside the sealed events may not be there: earlier versions made none.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let head = Witness::open(&dir.join(PLACES[0]))?;
        let beside = match Witness::open(&dir.join(PLACES[1])) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
            beside => Some(beside?),
        };
        Ok(Witnesses { dir: dir.to_owned(), open: [Some(head), beside] })
    }

    /// Opens those witnesses of a log that are there and say something.
    pub(super) fn open_mending(dir: &Path) -> Result<Self, StoreError> {
        let open = |place| match Witness::open(&dir.join(place)) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(StoreError::Damaged { .. }) => Ok(None),
            witness => witness.map(Some),
        };
        Ok(Witnesses { dir: dir.to_owned(), open: [open(PLACES[0])?, open(PLACES[1])?] })
    }

    /// Says whether there is one beside the sealed events.
    pub(super) fn has_beside(&self) -> bool {
        self.open[1].is_some()
    }

    /// Refuses a log that ends before what was seen, or holds something else there.
    pub(super) fn check(&self, state: &State) -> Result<(), StoreError> {
        let root = state.frontier.root();
        self.open.iter().flatten().try_for_each(|witness| witness.check(state.seq(), root))
    }

    /// Says whether one does not know yet how long the log is.
    pub(super) fn are_behind(&self, seq: Seq) -> bool {
        self.open.iter().flatten().any(|witness| witness.seen.0 != seq)
    }

    /// Notes that the log is durable up to a place. Staying behind is harmless, so a failure is passed over.
    pub(super) fn note(&mut self, state: &State) {
        let root = state.frontier.root();
        self.open.iter_mut().flatten().for_each(|witness| witness.note(state.seq(), root));
    }

    /// Makes those that are not there, durably, for a log that is whole. Returns which.
    pub(super) fn complete(&mut self, state: &State) -> Result<Vec<Mended>, StoreError> {
        let mut made = Vec::new();
        for (place, witness) in PLACES.iter().zip(&mut self.open) {
            if witness.is_none() {
                let path = self.dir.join(place);
                Witness::create(&path, state.seq(), state.frontier.root())?;
                *witness = Some(Witness::open(&path)?);
                made.push(Mended::Witness(path));
            }
        }
        Ok(made)
    }
}

/// Makes the witness of a log that has no events, as the last one of its parts.
pub(super) fn create(dir: &Path) -> Result<(), StoreError> {
    let empty = State::default();
    Witness::create(&dir.join(PLACES[0]), empty.seq(), empty.frontier.root())
}

/// Says whether the witness beside the sealed events knows of an event.
pub(super) fn knows_events(dir: &Path) -> Result<bool, StoreError> {
    match seen(&dir.join(PLACES[1])) {
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(false),
        seen => Ok(seen? > Seq::ZERO),
    }
}

/// An open witness.
#[derive(Debug)]
struct Witness {
    /// None where another user made it, who lets nobody else write: it then stays behind.
    file: Option<File>,
    /// Where the next line goes: over the older one.
    next: u64,
    seen: (Seq, Digest),
}

impl Witness {
    /// Makes a witness, durably. A reader finds it whole or not at all.
    fn create(path: &Path, seq: Seq, root: Digest) -> Result<(), StoreError> {
        let aside = path.with_extension("new");
        let text = line(seq, root).repeat(2);
        fs::write(&aside, text).map_err(io_error("write", &aside))?;
        sync(&aside)?;
        fs::rename(&aside, path).map_err(io_error("create", path))?;
        sync(path.parent().unwrap_or(path))
    }

    /// Opens a witness.
    fn open(path: &Path) -> Result<Self, StoreError> {
        let (seen, at) = latest(path)?;
        let file = match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
            file => Some(file.map_err(io_error("open", path))?),
        };
        Ok(Witness { file, next: u64::from(at == 0), seen })
    }

    fn check(&self, seq: Seq, root: Digest) -> Result<(), StoreError> {
        let (seen, seen_root) = self.seen;
        if seq < seen {
            let missing = seen.number() - seq.number();
            return Err(damaged(format!(
                "the log ends at event {seq}, but it was once durable up to event {seen}: \
                 {missing} events are missing"
            )));
        }
        match seq == seen && root != seen_root {
            true => Err(damaged(format!("the root at event {seq} is {root}; it was {seen_root}"))),
            false => Ok(()),
        }
    }

    fn note(&mut self, seq: Seq, root: Digest) {
        let Some(file) = &self.file else { return };
        if file.write_all_at(line(seq, root).as_bytes(), self.next * LINE_BYTES).is_ok() {
            self.next = 1 - self.next;
            self.seen = (seq, root);
        }
    }
}

/// Returns the last place that a witness knows to be durable. It may be asked while others write.
pub(super) fn seen(path: &Path) -> Result<Seq, StoreError> {
    let ((seq, _), _) = latest(path)?;
    Ok(seq)
}

/// Reads what the later of the two lines says, and which one it is, from 0.
fn latest(path: &Path) -> Result<((Seq, Digest), usize), StoreError> {
    let text = fs::read(path).map_err(io_error("read", path))?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().enumerate().filter_map(|(at, line)| Some((parse(line)?, at)));
    lines.max_by_key(|((seq, _), _)| *seq).ok_or_else(|| {
        damaged(format!("`{}` holds no line with a seq, a root and a checksum", path.display()))
    })
}

fn line(seq: Seq, root: Digest) -> String {
    let text = format!("{:020} {root}", seq.number());
    format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()))
}

fn parse(line: &str) -> Option<(Seq, Digest)> {
    let (text, checksum) = line.rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(text.as_bytes()) {
        return None;
    }
    let (seq, root) = text.split_once(' ')?;
    Some((Seq::new(seq.parse().ok()?), root.parse().ok()?))
}
