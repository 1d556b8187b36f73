//! Salvage: every line that can still be read, byte for byte and in order, and which are missing.
//!
//! ```text
//!  witnesses, journal, segments ──▶ pieces ──▶ lines in order ──▶ whoever takes them
//!            sled's folders, copied aside ──▲ only where those lack something
//! ```
//!
//! Nothing is written below the log, nothing is locked. A part that is not as it was written is searched for whole blocks
//! or frames. What several parts have is taken from segments first, then from the journal, then from sled. The roots that
//! segments, journal and witnesses know are compared with what the lines add up to, as far as there is no hole.

mod found;
mod raw;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

pub(super) use self::found::Found;

use super::boundary::guarded;
use super::copy::Copy;
use super::frame::Frame;
use super::look::is_held;
use super::old::{self, Database};
use super::tail;
use super::{folder, journal, takeover, threads, view, witness};
use crate::model::{Digest, Seq, Span};
use crate::store::{Entry, Frontier, StoreError};

/// What could be read of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Salvaged {
    /// How many lines were read.
    pub events: u64,
    /// The last place that anything in the log speaks of, its line read or not.
    pub last: Seq,
    /// Which events are missing, in order.
    pub missing: Vec<Span>,
    /// The events behind the last one that a witness saw; a process that ended wrote them and never said so. None where
    /// there are none, or no witness can be read.
    pub beyond_witness: Option<Span>,
    /// Where the lines that were read add up to something else than the log says that they did.
    pub differing: Vec<Differing>,
    /// What could not be read as it was written, with why; not all of it costs lines.
    pub unreadable: Vec<String>,
    /// Whether anything says how long the log was.
    pub is_end_known: bool,
}

/// A place at which the lines add up to something else than they once did: some before it are not those that were there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// The place.
    pub seq: Seq,
    /// The root over the lines that were read.
    pub root: Digest,
    /// The root that was there.
    pub expected: Digest,
    /// What says so.
    pub by: String,
}

impl Salvaged {
    /// Says whether all of the log was read, as far as that can be told.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.differing.is_empty()
    }
}

/// Takes every line that can be read of the log in a directory, with its place, in order.
///
/// # Errors
///
/// Those of `take`, and a [`StoreError`] where a folder cannot even be listed.
pub fn salvage<E: From<StoreError>>(
    dir: &Path,
    mut take: impl FnMut(Seq, &str) -> Result<(), E>,
) -> Result<Salvaged, E> {
    let dir = &takeover::place(dir);
    let is_old = is_old(dir);
    let mut found = if is_old { in_old_log(dir)? } else { Found::in_log(dir)? };
    // What no witness saw may be in flight while somebody holds the lock.
    let is_at_work = found.seen.is_some() && is_held(dir).unwrap_or(false);
    let limit = found.seen.filter(|_| is_at_work).unwrap_or(Seq::new(u64::MAX));
    let mut is_filled = is_old;
    if !is_filled && found.seen.is_none() {
        is_filled = true;
        from_sled(dir, &mut found);
    }
    let mut sums = Sums { frontier: Some(Frontier::default()), differing: Vec::new() };
    let (mut next, mut salvaged) = (Seq::new(1), Salvaged::default());
    while next <= found.end.min(limit) {
        if let Some(entries) = found.entries(next) {
            for Entry { line, .. } in entries {
                if next > limit {
                    break;
                }
                sums.add(next, &line, &found);
                take(next, &line)?;
                salvaged.events += 1;
                next = next.plus(1);
            }
        } else if !is_filled {
            is_filled = true;
            from_sled(dir, &mut found);
        } else {
            let end = found.end.min(limit);
            let last = found.next_after(next).map_or(end, |first| first.minus(1).min(end));
            miss(&mut salvaged.missing, Span { after: next.minus(1), through: last });
            sums.frontier = None;
            next = last.plus(1);
        }
    }
    let last = next.minus(1);
    sums.check(last, &found);
    Ok(Salvaged {
        last,
        beyond_witness: found
            .seen
            .filter(|seen| *seen < last)
            .map(|seen| Span { after: seen, through: last }),
        differing: sums.differing,
        is_end_known: found.seen.is_some(),
        unreadable: found.unreadable,
        ..salvaged
    })
}

/// Adds events to those that are missing.
fn miss(missing: &mut Vec<Span>, span: Span) {
    match missing.last_mut().filter(|last| last.through == span.after) {
        Some(last) => last.through = span.through,
        None => missing.push(span),
    }
}

/// What the lines add up to.
struct Sums {
    /// The tree over the lines so far; none behind a hole.
    frontier: Option<Frontier>,
    differing: Vec<Differing>,
}

impl Sums {
    /// Goes on by a line; behind a hole, where it is known what was before it.
    fn add(&mut self, place: Seq, line: &str, found: &Found) {
        let before = place.minus(1);
        if self.frontier.is_none() && self.differing.is_empty() {
            self.frontier = found.frontiers.get(&before).cloned();
        }
        self.check(before, found);
        if let Some(frontier) = &mut self.frontier {
            frontier.push(line.as_bytes());
        }
    }

    /// Compares with what is known of a place. What differs once differs from there on: the first place says it.
    fn check(&mut self, seq: Seq, found: &Found) {
        let (Some(frontier), Some(known)) = (&self.frontier, found.roots.get(&seq)) else { return };
        let root = frontier.root();
        if let Some((expected, by)) = known.iter().find(|(expected, _)| *expected != root) {
            self.differing.push(Differing { seq, root, expected: *expected, by: by.clone() });
            self.frontier = None;
        }
    }
}

impl Found {
    /// Looks at all that there is of a log of this format, sled's folder too.
    pub(super) fn everywhere(dir: &Path) -> Result<Self, StoreError> {
        let mut found = Found::in_log(dir)?;
        from_sled(dir, &mut found);
        Ok(found)
    }
}

/// Says whether what is in a folder is a log of format 1, or what is left of one.
fn is_old(dir: &Path) -> bool {
    let has = |part: &str| dir.join(part).exists();
    let is_folder = |part: &str| dir.join(part).is_dir();
    is_folder("sealed")
        || (is_folder("tail") && ![view::SEGMENTS, journal::NAME, tail::NAME, "sealed"].into_iter().any(has))
}

fn in_old_log(dir: &Path) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for path in ["head", "sealed/head"] {
        match witness::latest(&dir.join(path)) {
            Ok(((seq, root), _)) => {
                found.seen = found.seen.max(Some(seq));
                found.root(seq, root, path);
            }
            // Earlier versions made one witness alone.
            Err(_) if path != "head" => {}
            Err(error) => found.note(&error),
        }
    }
    let copy = Copy::new()?;
    for name in ["sealed", "tail"] {
        let from = dir.join(name);
        let open = || Database::open(&copy.add(&from)?);
        match open() {
            Ok(database) => {
                if name == "tail"
                    && let Some(state) = old::stood(&database)
                {
                    found.stood(&state, "`tail`");
                }
                found.add_old(&Rc::new(database));
            }
            Err(error) => found.note(&error),
        }
    }
    found.copies.push(copy);
    Ok(found)
}

/// Adds what sled's folders have, under whatever name a crash left them. They are copied first.
fn from_sled(dir: &Path, found: &mut Found) {
    let names = folder::names(dir).unwrap_or_default();
    for name in names.iter().filter(|name| *name == tail::NAME || tail::is_left(name)) {
        let from = dir.join(name);
        if !from.is_dir() {
            continue;
        }
        let read = Copy::new().and_then(|copy| frames(&copy.add(&from)?));
        match read {
            Ok(values) => {
                for value in values {
                    let Some(frame) = Frame::read(&value) else { continue };
                    let Some(entries) = frame.entries() else { continue };
                    found.add_frame(frame.first, entries);
                }
                found.sort();
            }
            Err(error) => found.note(&error),
        }
    }
}

/// Returns the frames that a copy of sled's folder has, as far as sled reads it.
fn frames(path: &Path) -> Result<Vec<Vec<u8>>, StoreError> {
    let handle = threads::open_or_fail(path, tail::config(path))?;
    let values = RefCell::new(Vec::new());
    // What fails ends it: what was found until then counts.
    let _ = guarded(path, "read", || {
        for value in handle.db().into_iter().flat_map(|db| db.scan_prefix([tail::FRAME]).values()) {
            values.borrow_mut().extend(tail::unpacked_frame(&value?));
        }
        Ok(())
    });
    Ok(values.into_inner())
}
