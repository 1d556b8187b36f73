//! What a database's files were before sled opened them, so that they can be put back.
//!
//! sled takes any reason why its recovery stops reading, one failed read or one flipped bit, for the end of its
//! log, and zeroes what follows. So all that it may touch is read first, by plain reads: what the system cannot
//! read, sled never sees. And where sled then refuses, or finds less than was once durable, the bytes are put
//! back exactly, before anybody is told.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::folder::sync;
use super::io_error;
use crate::store::StoreError;

/// How many bytes are read or compared at a time.
const CHUNK_BYTES: usize = 32 << 10;

/// Every file below a folder, with its bytes.
#[derive(Debug)]
pub(super) struct Image {
    root: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Image {
    /// Reads every file below a folder.
    pub(super) fn take(root: &Path) -> Result<Self, StoreError> {
        let files = files_below(root)?.into_iter().map(|path| Ok((path.clone(), read(&path)?)));
        Ok(Image { root: root.to_owned(), files: files.collect::<Result<_, StoreError>>()? })
    }

    /// Returns the names of the files at the top of the folder.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|path| path.strip_prefix(&self.root).ok()?.to_str())
    }

    /// Says whether a file had other bytes than a file has now, or was not there.
    pub(super) fn differs_from(&self, path: &Path) -> Result<bool, StoreError> {
        Ok(self.files.get(path) != Some(&read(path)?))
    }

    /// Makes every file what it was, durably, and removes those that were not there. Where one cannot be put back,
    /// the others are all the same. A crash leaves each file that is gone or there whole: what is new goes last.
    pub(super) fn put_back(&self) -> Result<(), StoreError> {
        let put_back = self.files.iter().map(|(path, bytes)| match path.exists() {
            true => put_back(path, bytes),
            false => put_anew(path, bytes),
        });
        put_back.fold(Ok(()), Result::and).and(sync(&self.root))?;
        let new = files_below(&self.root)?.into_iter().filter(|path| !self.files.contains_key(path));
        let removed = new.map(|path| fs::remove_file(&path).map_err(io_error("remove", &path)));
        removed.fold(Ok(()), Result::and).and(sync(&self.root))
    }
}

/// Writes a file that is gone, aside first.
fn put_anew(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    // A name that sled's leftovers have, too: one that a crash leaves is removed before sled opens.
    let mut aside = path.as_os_str().to_owned();
    aside.push(".generating");
    let aside = PathBuf::from(aside);
    fs::write(&aside, bytes).map_err(io_error("put back", &aside))?;
    sync(&aside)?;
    fs::rename(&aside, path).map_err(io_error("put back", path))
}

/// Writes what differs of one file, in place: a full disk has room for that.
fn put_back(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(io_error("put back", path))?;
    let restore = || -> std::io::Result<()> {
        let wrong = differing(&file, bytes);
        let is_resized = file.metadata()?.len() != bytes.len() as u64;
        for &start in &wrong {
            file.write_all_at(&bytes[start..bytes.len().min(start + CHUNK_BYTES)], start as u64)?;
        }
        if is_resized {
            file.set_len(bytes.len() as u64)?;
        }
        match wrong.is_empty() && !is_resized {
            true => Ok(()),
            false => file.sync_all(),
        }
    };
    restore().map_err(io_error("put back", path))
}

/// Returns where the chunks begin that a file has otherwise, has not, or cannot be read.
fn differing(file: &File, bytes: &[u8]) -> Vec<usize> {
    let mut found = vec![0; CHUNK_BYTES];
    let mut differing = Vec::new();
    for (at, chunk) in bytes.chunks(CHUNK_BYTES).enumerate() {
        let start = at * CHUNK_BYTES;
        let read = read_chunk(file, &mut found[..chunk.len()], start);
        if !read.is_ok_and(|count| found[..count] == *chunk) {
            differing.push(start);
        }
    }
    differing
}

/// Reads a file from the start to the end.
fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    let length = file.metadata().map_err(io_error("read", path))?.len();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| io_error("hold in memory", path)(ErrorKind::OutOfMemory.into()))?;
    while bytes.len() < length {
        let end = bytes.len();
        bytes.resize(length.min(end + CHUNK_BYTES), 0);
        let count = read_chunk(&file, &mut bytes[end..], end).map_err(io_error("read", path))?;
        bytes.truncate(end + count);
        if count == 0 {
            break;
        }
    }
    Ok(bytes)
}

/// Reads as much as there is room for, less only at the end of the file.
fn read_chunk(file: &File, buffer: &mut [u8], start: usize) -> std::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match file.read_at(&mut buffer[count..], (start + count) as u64) {
            Ok(0) => break,
            Ok(read) => count += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Returns the files below a folder, in the order of their names.
fn files_below(root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io_error("read", &folder))? {
            let path = entry.map_err(io_error("read", &folder))?.path();
            let found = fs::metadata(&path).map_err(io_error("read", &path))?;
            if found.is_dir() {
                folders.push(path);
            } else if found.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
