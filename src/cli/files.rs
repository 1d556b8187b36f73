//! Digests of files that phases put out.

use std::fs::File;
use std::path::Path;

use phaseledger::model::{Algorithm, Digest, OutputFile};

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
