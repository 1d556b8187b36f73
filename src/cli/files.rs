//! Files: digests of what phases put out, and files that are written whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use phaseledger::model::{Algorithm, Digest, OutputFile};
use tempfile::NamedTempFile;

use super::error::Failure;
use super::place::shown;

/// Returns the BLAKE3 digest of a file's bytes.
pub fn fingerprint(path: &Path) -> Result<OutputFile, Failure> {
    let failed = |error: std::io::Error| Failure::io("read", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut file, &mut hasher).map_err(failed)?;
    let digest = Digest::new(Algorithm::Blake3, *hasher.finalize().as_bytes());
    Ok(OutputFile { path: shown(path), digest })
}

/// Returns one digest for several files, whatever their order: that of the lines `digest path`, sorted. The
/// digest of a single file counts without its path. None for no file.
pub fn together(files: &[OutputFile]) -> Option<Digest> {
    match files {
        [] => None,
        [only] => Some(only.digest),
        _ => {
            let mut lines: Vec<_> =
                files.iter().map(|file| format!("{} {}\n", file.digest, file.path)).collect();
            lines.sort();
            let hash = blake3::hash(lines.concat().as_bytes());
            Some(Digest::new(Algorithm::Blake3, *hash.as_bytes()))
        }
    }
}

/// Makes a beginning of a file under another name, in the folder where it will be.
pub fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|error| {
        // What went wrong, without the other name, which says nothing to anybody.
        let said = error.to_string();
        io::Error::new(error.kind(), said.split(" at path ").next().unwrap_or_default().to_owned())
    })
}

/// Opens the folder of a file, to make the file's name durable.
pub fn folder(path: &Path) -> io::Result<File> {
    File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Writes a file whole or not at all: beside its place first, then durable, then moved there. A link stays
/// one, and its target is replaced. A pipe or a device is written to as it is.
pub fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let failed = |error: io::Error| Failure::io("write", path, &error);
    let there = path.metadata().ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        let mut out = BufWriter::new(File::options().write(true).open(path).map_err(failed)?);
        let result = write(&mut out)?;
        out.flush().map_err(failed)?;
        return Ok(result);
    }
    let path = &there.and_then(|_| path.canonicalize().ok()).unwrap_or_else(|| path.to_owned());
    let mut file = beside(path).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 18, file.as_file_mut());
    let result = write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    folder(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(result)
}
