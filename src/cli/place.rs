//! Where a ledger is: a folder with `workflow.toml` and `log/`.

use std::path::{Path, PathBuf};

use super::error::Failure;

/// A ledger's folder.
pub struct Place {
    root: PathBuf,
}

impl Place {
    /// Takes the folder that is given, or looks for `ledger/log` here and in each parent, as git looks for its
    /// repository.
    pub fn find(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(given) = given {
            let place = Place { root: given.to_owned() };
            return match place.log().is_dir() {
                true => Ok(place),
                false => Err(Failure::no_ledger(&format!("no ledger at `{}`", shown(given)))),
            };
        }
        let here = std::env::current_dir().map_err(|error| Failure::io("find", Path::new("."), &error))?;
        here.ancestors()
            .map(|folder| Place { root: folder.join("ledger") })
            .find(|place| place.log().is_dir())
            .ok_or_else(|| {
                Failure::no_ledger(&format!("no `ledger` with a log in `{}` or any parent", shown(&here)))
            })
    }

    /// Makes the place of a ledger that may not be there yet.
    pub fn at(root: PathBuf) -> Self {
        Place { root }
    }

    /// Returns the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder of the log.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Returns the workflow's definition, the user's to edit.
    pub fn workflow(&self) -> PathBuf {
        self.root.join("workflow.toml")
    }
}

/// Returns a path as it may be shown.
pub fn shown(path: &Path) -> String {
    phaseledger::model::escape(&path.to_string_lossy())
}
