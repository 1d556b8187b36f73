//! The mark that sled's folder was left as it is now, byte for byte, with the log's events up to some place.
//!
//! A line `seq root checksum-of-the-files checksum`, written as the folder is closed. Where it does not fit, the folder is
//! made anew: after a crash, after a restart of the machine that took back what was not synced, after damage, or when it
//! is a copy of another time. So nothing that sled's recovery does can harm, for it has nothing to recover.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::state::State;
use super::{folder, io_error};
use crate::model::{Digest, Seq};
use crate::store::StoreError;

const NAME: &str = "work.mark";

/// Returns the place that sled's folder was last left at, as far as that can be told.
pub(super) fn seen(dir: &Path) -> Seq {
    read(dir).map_or(Seq::ZERO, |(seq, _, _)| seq)
}

/// Says whether sled's folder is as it was left, at a place where the log stood so.
pub(super) fn fits(dir: &Path, tail: &Path, state: &State) -> bool {
    match read(dir) {
        Some((seq, root, sum)) if seq == state.seq() && root == state.root() => {
            checksum(tail).is_ok_and(|found| found == sum)
        }
        _ => false,
    }
}

/// Notes how sled's folder is left. Where that fails, it is made anew the next time.
pub(super) fn leave(dir: &Path, tail: &Path, state: &State) {
    if let Ok(sum) = checksum(tail) {
        write(dir, state, sum);
    }
}

/// Notes that sled was tried at a place and failed: its folder fits nothing, and it is not tried again at once.
pub(super) fn pass(dir: &Path, state: &State) {
    write(dir, state, 0);
}

fn write(dir: &Path, state: &State, sum: u32) {
    let text = format!("{:020} {} {sum:08x}", state.seq().number(), state.root());
    let aside = dir.join("work.mark.new");
    let line = format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()));
    let _ = fs::write(&aside, line).and_then(|()| fs::rename(&aside, dir.join(NAME)));
}

fn read(dir: &Path) -> Option<(Seq, Digest, u32)> {
    let text = fs::read_to_string(dir.join(NAME)).ok()?;
    let (text, sum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    if u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(text.as_bytes()) {
        return None;
    }
    let mut words = text.split(' ');
    let (seq, root, sum) = (words.next()?, words.next()?, words.next()?);
    Some((Seq::new(seq.parse().ok()?), root.parse().ok()?, u32::from_str_radix(sum, 16).ok()?))
}

/// Returns the checksum of all files below a folder, names and lengths included.
fn checksum(tail: &Path) -> Result<u32, StoreError> {
    let mut hasher = crc32fast::Hasher::new();
    for path in folder::files_below(tail)? {
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            bytes => bytes.map_err(io_error("read", &path))?,
        };
        hasher.update(path.strip_prefix(tail).unwrap_or(&path).as_os_str().as_encoded_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(hasher.finalize())
}
