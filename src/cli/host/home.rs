//! Where a ledger is: a folder with `workflow.toml` and `log/`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use phaseledger::ledger::Ledger;

use crate::cli::host::error::Failure;
use crate::cli::host::paths::shown;

/// What git passes over: the log, and the one that a takeover leaves.
pub const IGNORED: &str = "/log/\n/log.1/\n";
/// The same as the first release made it.
const IGNORED_ONCE: &str = "/log/\n";

/// Says whether a name in a ledger's folder is one of the store's: the log, and what a takeover leaves beside it.
pub fn is_of_store(name: &std::ffi::OsStr) -> bool {
    ["log", "log.1", "log.new"].iter().any(|own| name == *own)
}

/// A ledger's folder.
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Takes the folder that is given, or looks for `ledger/log` here and in each parent, as git looks for its
    /// repository.
    pub fn find(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(given) = given {
            let home = Home { root: given.to_owned() };
            return match home.is_there()? {
                true => Ok(home),
                false => Err(Failure::no_ledger(&format!("no ledger at `{}`", shown(given)))),
            };
        }
        let here = std::env::current_dir().map_err(|error| Failure::io("find", Path::new("."), &error))?;
        for folder in here.ancestors() {
            let home = Home { root: folder.join("ledger") };
            if home.is_there()? {
                return Ok(home);
            }
        }
        Err(Failure::no_ledger(&format!("no `ledger` with a log in `{}` or any parent", shown(&here))))
    }

    /// Says whether there is a log, unless it may not be known.
    fn is_there(&self) -> Result<bool, Failure> {
        let log = self.log();
        match log.metadata() {
            Ok(found) => Ok(found.is_dir()),
            // Where a takeover was cut short, the log is beside its place.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Ledger::is_there(&log).unwrap_or(false))
            }
            Err(error) => Err(Failure::io("open", &log, &error)),
        }
    }

    /// Makes the home of a ledger that may not be there yet.
    pub fn at(root: PathBuf) -> Self {
        Home { root }
    }

    /// Returns the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder itself as an absolute path, without `..`: it leads there also where folders that were gone through
    /// are not there any more. Its parent is the project's folder.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = match self.root.file_name() {
            Some(name) => std::path::absolute(&self.root)
                .and_then(|whole| Ok(whole.parent().unwrap_or(&whole).canonicalize()?.join(name))),
            None => self.root.canonicalize(),
        };
        folder.map_err(|error| Failure::io("find", &self.root, &error))
    }

    /// Returns the folder of the log.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Keeps the log that a takeover left out of git too, where the list of what git passes over is as an earlier version
    /// made it. Where that fails, git shows it, and nothing is lost.
    pub fn ignore_taken_over(&self) {
        let path = self.root.join(".gitignore");
        if self.root.join("log.1").exists()
            && std::fs::read(&path).is_ok_and(|found| found == IGNORED_ONCE.as_bytes())
        {
            let _ = std::fs::write(&path, IGNORED);
        }
    }

    /// Returns the workflow's definition, the user's to edit.
    pub fn workflow(&self) -> PathBuf {
        self.root.join("workflow.toml")
    }
}
