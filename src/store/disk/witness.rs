//! The witness: a plain file that says how long the log was when it was last made durable.
//!
//! There are two of them, `head` and `segments/head`. Who puts the journal and `head` back from an older copy leaves the
//! one beside the segments, which knows better.
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
const PLACES: [&str; 2] = ["head", "segments/head"];

/// A place with its root.
pub(super) type Sight = (Seq, Digest);

/// What the witnesses say.
#[derive(Debug)]
pub(super) struct Sights {
    /// What each says, in the order of [`PLACES`]; none where it cannot be told.
    each: [Option<(Sight, usize)>; 2],
}

impl Sights {
    /// Reads what the witnesses of a log say. Each of them must say something.
    pub(super) fn read(dir: &Path) -> Result<Self, StoreError> {
        let read = |place| latest(&dir.join(place)).map(Some);
        Ok(Sights { each: [read(PLACES[0])?, read(PLACES[1])?] })
    }

    /// Reads what those witnesses say that are there and whole.
    pub(super) fn read_mending(dir: &Path) -> Result<Self, StoreError> {
        let read = |place| match latest(&dir.join(place)) {
            Err(StoreError::Damaged { .. }) => Ok(None),
            latest => latest.map(Some),
        };
        Ok(Sights { each: [read(PLACES[0])?, read(PLACES[1])?] })
    }

    /// Returns all places that were seen.
    pub(super) fn all(&self) -> Vec<Sight> {
        self.each.iter().flatten().map(|(sight, _)| *sight).collect()
    }

    /// Returns the last place that was seen.
    pub(super) fn last(&self) -> Seq {
        self.all().into_iter().map(|(seq, _)| seq).max().unwrap_or(Seq::ZERO)
    }

    /// Refuses a log that ends before what was seen, or holds something else there.
    pub(super) fn check(&self, state: &State) -> Result<(), StoreError> {
        for (seen, root) in self.all() {
            let seq = state.seq();
            if seq < seen {
                let missing = seen.number() - seq.number();
                return Err(damaged(format!(
                    "the log ends at event {seq}, but it was once durable up to event {seen}: \
                     {missing} events are missing"
                )));
            }
            if seq == seen && root != state.root() {
                return Err(damaged(format!("the root at event {seq} is {}; it was {root}", state.root())));
            }
        }
        Ok(())
    }
}

/// The witnesses of a log, to be written.
#[derive(Debug)]
pub(super) struct Witnesses {
    dir: PathBuf,
    open: [Option<Witness>; 2],
}

impl Witnesses {
    /// Opens those witnesses that say something.
    pub(super) fn open(dir: &Path, sights: &Sights) -> Result<Self, StoreError> {
        let open = |at: usize| match &sights.each[at] {
            Some((sight, line)) => Witness::open(&dir.join(PLACES[at]), *sight, *line).map(Some),
            None => Ok(None),
        };
        Ok(Witnesses { dir: dir.to_owned(), open: [open(0)?, open(1)?] })
    }

    /// Says whether one does not know yet how long the log is.
    pub(super) fn are_behind(&self, seq: Seq) -> bool {
        self.open.iter().flatten().any(|witness| witness.seen.0 != seq)
    }

    /// Notes that the log is durable up to a place. Staying behind is harmless, so a failure is passed over.
    pub(super) fn note(&mut self, state: &State) {
        let root = state.root();
        self.open.iter_mut().flatten().for_each(|witness| witness.note(state.seq(), root));
    }

    /// Makes those that are not there, durably, for a log that is whole. Returns which.
    pub(super) fn complete(&mut self, state: &State) -> Result<Vec<Mended>, StoreError> {
        let mut made = Vec::new();
        for (place, witness) in PLACES.iter().zip(&mut self.open) {
            if witness.is_none() {
                let (path, sight) = (self.dir.join(place), (state.seq(), state.root()));
                create_at(&path, sight)?;
                *witness = Some(Witness::open(&path, sight, 1)?);
                made.push(Mended::Witness(path));
            }
        }
        Ok(made)
    }
}

/// Makes the witnesses of a log, durably.
pub(super) fn create(dir: &Path, state: &State) -> Result<(), StoreError> {
    PLACES.iter().rev().try_for_each(|place| create_at(&dir.join(place), (state.seq(), state.root())))
}

/// Says whether a witness knows of an event.
pub(super) fn knows_events(dir: &Path) -> Result<bool, StoreError> {
    Ok(Sights::read_mending(dir)?.last() > Seq::ZERO)
}

/// Returns the last place that the witness knows to be durable. It may be asked while others write.
pub(super) fn seen(dir: &Path) -> Result<Seq, StoreError> {
    let ((seq, _), _) = latest(&dir.join(PLACES[0]))?;
    Ok(seq)
}

/// Makes a witness, durably. A reader finds it whole or not at all.
fn create_at(path: &Path, (seq, root): Sight) -> Result<(), StoreError> {
    let aside = path.with_extension("new");
    fs::write(&aside, line(seq, root).repeat(2)).map_err(io_error("write", &aside))?;
    sync(&aside)?;
    fs::rename(&aside, path).map_err(io_error("create", path))?;
    sync(path.parent().unwrap_or(path))
}

/// An open witness.
#[derive(Debug)]
struct Witness {
    /// None where another user made it, who lets nobody else write: it then stays behind.
    file: Option<File>,
    /// Where the next line goes: over the older one.
    next: u64,
    seen: Sight,
}

impl Witness {
    /// Opens a witness whose later line is the one with this number.
    fn open(path: &Path, seen: Sight, line: usize) -> Result<Self, StoreError> {
        let file = match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
            file => Some(file.map_err(io_error("open", path))?),
        };
        Ok(Witness { file, next: u64::from(line == 0), seen })
    }

    fn note(&mut self, seq: Seq, root: Digest) {
        let Some(file) = &self.file else { return };
        if file.write_all_at(line(seq, root).as_bytes(), self.next * LINE_BYTES).is_ok() {
            self.next = 1 - self.next;
            self.seen = (seq, root);
        }
    }
}

/// Reads what the later of the two lines says, and which one it is, from 0.
pub(super) fn latest(path: &Path) -> Result<(Sight, usize), StoreError> {
    let text = match fs::read(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(damaged(format!("`{}` is missing", path.display())));
        }
        text => text.map_err(io_error("read", path))?,
    };
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

fn parse(line: &str) -> Option<Sight> {
    let (text, checksum) = line.rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(text.as_bytes()) {
        return None;
    }
    let (seq, root) = text.split_once(' ')?;
    Some((Seq::new(seq.parse().ok()?), root.parse().ok()?))
}

/// Says whether the second witness of a log of format 1 knows of an event.
pub(super) fn old_knows_events(dir: &Path) -> Result<bool, StoreError> {
    match latest(&dir.join("sealed/head")) {
        Err(StoreError::Damaged { .. }) => Ok(false),
        latest => Ok(latest?.0.0 > Seq::ZERO),
    }
}
