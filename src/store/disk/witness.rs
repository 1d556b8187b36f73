//! The witness: a plain file that says how long the log was when it was last made durable.
//!
//! Two lines of fixed width, each with a seq, a root and a checksum, written in turn; the later one counts.
//! A line is written in place after the log is durable and is not made durable itself. So after a power cut
//! the witness says what was true at some earlier moment (a torn line leaves the other one): it is never
//! ahead of the log, unless the log has lost its end.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{damaged, io_error};
use crate::model::{Digest, Seq};
use crate::store::StoreError;

/// A seq of 20 digits, a root of 71 characters, a checksum of 8 digits, two blanks and a line end.
const LINE_BYTES: u64 = 20 + 1 + 71 + 1 + 8 + 1;

/// An open witness.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    /// Where the next line goes: over the older one.
    next: u64,
    seen: (Seq, Digest),
}

impl Witness {
    /// Makes a witness, durably, of a log that has not been used.
    pub(super) fn create(path: &Path, seq: Seq, root: Digest) -> Result<(), StoreError> {
        let aside = path.with_extension("new");
        let text = line(seq, root).repeat(2);
        fs::write(&aside, text).map_err(io_error("write", &aside))?;
        super::database::sync(&aside)?;
        fs::rename(&aside, path).map_err(io_error("create", path))
    }

    /// Opens a witness.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let (seen, at) = latest(path)?;
        let file = OpenOptions::new().write(true).open(path).map_err(io_error("open", path))?;
        Ok(Witness { file, next: u64::from(at == 0), seen })
    }

    /// Refuses a log that ends before what was seen, or holds something else there.
    pub(super) fn check(&self, seq: Seq, root: Digest) -> Result<(), StoreError> {
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

    /// Returns the last place known to be durable.
    pub(super) fn seen(&self) -> Seq {
        self.seen.0
    }

    /// Notes that the log is durable up to a place. Staying behind is harmless, so a failure is passed over.
    pub(super) fn note(&mut self, seq: Seq, root: Digest) {
        if self.file.write_all_at(line(seq, root).as_bytes(), self.next * LINE_BYTES).is_ok() {
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
