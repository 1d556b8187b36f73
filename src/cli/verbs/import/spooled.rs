//! A file that is read more than once.

use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::Path;

use crate::cli::host::error::Failure;
use crate::cli::host::paths::shown;

/// A file that can be read twice; what is none, a pipe, is copied to one that goes away by itself.
pub struct Spooled {
    file: File,
    /// Its name.
    pub name: String,
}

impl Spooled {
    /// Opens a file, or takes in what is none.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("read", path, &error);
        let spool = |mut source: Box<dyn io::Read>, name: &str| -> Result<Self, Failure> {
            let mut file = tempfile::tempfile().map_err(failed)?;
            io::copy(&mut source, &mut file).map_err(failed)?;
            Ok(Spooled { file, name: name.to_owned() })
        };
        if path == Path::new("-") {
            return spool(Box::new(io::stdin().lock()), "standard input");
        }
        if path.is_dir() {
            return Err(Failure::misuse(format!("`{}` is a folder, expected a file", shown(path))));
        }
        let file = File::open(path).map_err(failed)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match file.metadata().map_err(failed)?.is_file() {
            true => Ok(Spooled { file, name }),
            false => spool(Box::new(file), &name),
        }
    }

    /// Reads it from the start.
    pub fn reader(&self) -> io::Result<BufReader<File>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(BufReader::with_capacity(1 << 18, file))
    }
}
