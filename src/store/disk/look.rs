//! Looking at a log: where it stands, and what a crash left. Nothing is written, and no lock is taken.
//!
//! ```text
//!  witnesses ──▶ journal ──▶ names of segments ──▶ where the log stands
//! ```
//!
//! In this order, for the other way round a writer in between looks like a lost end. What is written and not witnessed
//! yet counts for whoever holds the lock, and where nobody does: then a crash left it.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::cover::Cover;
use super::journal::{self, Journal};
use super::segment::{Segment, SegmentName};
use super::state::State;
use super::view::{LOOKS_MAX, SEGMENTS, View};
use super::witness::Sights;
use super::{damaged, folder, io_error, mark, since, snapshot};
use crate::model::Seq;
use crate::store::StoreError;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever holds the lock.
    Holder,
    /// Whoever holds the lock and makes witnesses anew.
    Mender,
    /// Anybody else.
    Asker,
}

/// What was seen of a log.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) view: View,
    pub(super) sights: Sights,
    /// Where the log stood when the journal began, once all is put right.
    pub(super) front: State,
    /// How many bytes of the journal count.
    pub(super) journal_bytes: u64,
    /// Whether its end was written by a process that ended before it could say so.
    pub(super) is_left_over: bool,
    /// Whether something is to be put right before anything is appended.
    pub(super) needs_repair: bool,
    /// The segment that reaches beyond the journal's front, where one does and counts.
    pub(super) beyond: Option<SegmentName>,
    /// The last event that sled has, as far as its mark says.
    pub(super) followed: Seq,
    /// Segments that others hold too.
    pub(super) obsolete: Vec<SegmentName>,
}

/// Looks at a log of this format.
pub(super) fn look(dir: &Path, who: Who) -> Result<Look, StoreError> {
    let mut looked = Err(StoreError::Moved);
    for _ in 0..LOOKS_MAX {
        let journal = dir.join(journal::NAME);
        let before = folder::inode(&journal)?;
        looked = look_once(dir, who);
        let is_settled = match &looked {
            // What is exchanged just now may look like damage.
            Err(StoreError::Damaged { .. }) => who != Who::Asker,
            Err(_) => true,
            Ok(_) => who != Who::Asker || before == folder::inode(&journal)?,
        };
        if is_settled {
            return looked;
        }
    }
    looked
}

fn look_once(dir: &Path, who: Who) -> Result<Look, StoreError> {
    let followed = mark::seen(dir);
    let rows = since::last(dir).map_or(Seq::ZERO, |last| last.place);
    let cached = snapshot::last_place(dir)?.max(followed).max(rows);
    let sights = match who {
        Who::Mender => Sights::read_mending(dir)?,
        Who::Holder | Who::Asker => Sights::read(dir)?,
    };
    let bytes = read_journal(dir)?;
    let names = SegmentName::list(&dir.join(SEGMENTS))?;
    let seen_all = sights.all();
    let journal = Journal::parse(&bytes, Seq::new(u64::MAX), &seen_all)?;
    let cover = Cover::of(&names, journal.before.seq())?;
    let seen = sights.last();
    let end = journal.after.seq().max(cover.end());
    let is_excess = end > seen;
    let looked = if is_excess && who == Who::Asker && is_held(dir)? {
        // In flight: they do not count yet.
        finish(dir, sights, Journal::parse(&bytes, seen, &seen_all)?, cover, false)?
    } else {
        // Whoever wrote it may have said so meanwhile.
        let is_left_over = is_excess && who == Who::Asker && end > Sights::read(dir)?.last();
        Look { is_left_over, ..finish(dir, sights, journal, cover, true)? }
    };
    let end = looked.view.state.seq();
    match end < cached {
        true => Err(damaged(format!(
            "the log ends at event {end}, but event {cached} was there when what is beside it was made"
        ))),
        false => Ok(Look { followed, ..looked }),
    }
}

/// Puts together where the log stands; `beyond` says whether a segment beyond the journal's front counts.
fn finish(
    dir: &Path,
    sights: Sights,
    journal: Journal,
    cover: Cover,
    beyond: bool,
) -> Result<Look, StoreError> {
    let front = journal.before.seq();
    let beyond = cover.segments.last().copied().filter(|name| beyond && name.last > front);
    let (mut state, mut entries, mut begins) = (journal.after, journal.entries, journal.before.clone());
    let mut needs_repair = journal.whole_bytes != journal.bytes || beyond.is_some();
    if let Some(name) = &beyond {
        let segment = Segment::open(&dir.join(SEGMENTS), name)?;
        check_beyond(&segment, &journal.before, &state)?;
        (state, entries, begins) = (segment.after.clone(), Vec::new(), segment.after);
    }
    sights.check(&state)?;
    needs_repair |= state.seq() > sights.last();
    let view = View::new(dir, state, entries, cover.segments);
    let journal_bytes = journal.whole_bytes;
    let (front, is_left_over, followed, obsolete) = (begins, false, Seq::ZERO, cover.obsolete);
    Ok(Look { view, sights, front, journal_bytes, is_left_over, needs_repair, beyond, followed, obsolete })
}

/// Refuses a segment beyond the journal's front that has not all that the journal has.
fn check_beyond(segment: &Segment, front: &State, end: &State) -> Result<(), StoreError> {
    let differs =
        || damaged(format!("the journal and the segments have other events after event {}", front.seq()));
    if segment.after.seq() < end.seq() || segment.before.seq() > front.seq() {
        return Err(differs());
    }
    // A crash leaves the journal that the segment was made of; an older one is of another time.
    if segment.joint()?.is_some_and(|joint| joint != end.seq()) {
        return Err(differs());
    }
    let mut state = segment.before.clone();
    for at in 0..segment.count() {
        for entry in segment.entries(at)? {
            if (state.seq() == front.seq() && state != *front) || (state.seq() == end.seq() && state != *end)
            {
                return Err(differs());
            }
            state.push(&entry);
        }
    }
    let agrees = state == segment.after && (end.seq() < state.seq() || *end == state);
    if agrees { Ok(()) } else { Err(differs()) }
}

fn read_journal(dir: &Path) -> Result<Vec<u8>, StoreError> {
    let path = dir.join(journal::NAME);
    let mut bytes = Vec::new();
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged(format!("`{}` is missing", path.display())));
        }
        file => file.map_err(io_error("open", &path))?,
    };
    file.read_to_end(&mut bytes).map_err(io_error("read", &path))?;
    Ok(bytes)
}

/// Says whether somebody holds the lock, without waiting.
pub(super) fn is_held(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join("lock");
    let file = match File::open(&path) {
        // Whoever may not look takes nobody for at work: a folder that may only be read.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Ok(false);
        }
        file => file.map_err(io_error("open", &path))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
    }
}
