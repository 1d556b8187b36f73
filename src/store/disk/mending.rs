//! Making anew what sled keeps beside its log: its settings, which are always the same bytes, and a snapshot, which
//! only saves it the reading of its log.

use std::path::Path;
use std::time::Instant;

use super::database::Database;
use super::database::hold;
use super::folder::{remove_named, sync};
use super::shield::Image;
use crate::store::{Mended, StoreError};

const SETTINGS: &str = "conf";

impl Database {
    /// Opens a database as [`Database::open`], and makes anew what it takes for that. Returns what was; where the
    /// database cannot be opened even so, its files are what they were.
    pub(super) fn open_mending(
        path: &Path,
        deadline: Instant,
        check: impl Fn(&Database) -> Result<(), StoreError>,
    ) -> Result<(Self, Vec<Mended>), StoreError> {
        drop(hold(path, deadline)?);
        let image = Image::take(path)?;
        let mend = || {
            // sled writes those that are missing.
            remove_named(path, |name| name == SETTINGS)?;
            let mut mended = Vec::new();
            let opened = Database::open(path, deadline, &check).or_else(|error| match error {
                StoreError::Damaged { .. } => {
                    let removed = remove_named(path, |name| name.starts_with("snap."))?;
                    mended.extend(removed.into_iter().map(Mended::SnapshotRemoved));
                    Database::open(path, deadline, |database| {
                        database.read_every_page()?;
                        check(database)
                    })
                    // Without its snapshot sled tells less of what is wrong.
                    .map_err(|_| error)
                }
                error => Err(error),
            })?;
            let settings = path.join(SETTINGS);
            sync(&settings)?;
            sync(path)?;
            if image.differs_from(&settings)? {
                mended.insert(0, Mended::Settings(settings));
            }
            Ok((opened, mended))
        };
        mend().or_else(|error| {
            image.put_back()?;
            Err(error)
        })
    }
}
