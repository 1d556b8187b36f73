//! What there is of a log: pieces of it, each where it lies, and what says how long it was and what it added up to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use super::raw;
use crate::model::{Digest, Seq};
use crate::store::disk::block::Block;
use crate::store::disk::copy::Copy;
use crate::store::disk::journal;
use crate::store::disk::old::Database;
use crate::store::disk::segment::{Segment, SegmentName};
use crate::store::disk::state::State;
use crate::store::disk::view::{LOOKS_MAX, SEGMENTS};
use crate::store::disk::witness;
use crate::store::disk::{mark, snapshot};
use crate::store::{Entry, Frontier, StoreError};

/// Where the events of a piece are.
enum Kept {
    /// A block of a segment whose index is whole.
    Block(Rc<Segment>, usize),
    /// A block that was found among the bytes of a segment whose index is not.
    Raw(Rc<File>, u64, usize),
    /// A frame.
    Frame(Vec<Entry>),
    /// A block of a database of format 1.
    Old(Rc<Database>, Seq),
}

/// Events that follow one another and are read at once.
struct Piece {
    first: Seq,
    last: Seq,
    /// What is read first where there are several: the lower.
    rank: u8,
    kept: Kept,
}

/// All that was found of a log.
#[derive(Default)]
pub(in crate::store::disk) struct Found {
    /// By their first place.
    pieces: Vec<Piece>,
    /// Those that may have the next events, and how many of the pieces were looked at for that.
    near: Vec<usize>,
    looked: usize,
    /// The roots that are known, with who says so.
    pub(super) roots: BTreeMap<Seq, Vec<(Digest, String)>>,
    /// Where the tree stands at some places, to go on behind a hole.
    pub(super) frontiers: BTreeMap<Seq, Frontier>,
    /// The last place that a witness saw; none where no witness can be read.
    pub(super) seen: Option<Seq>,
    /// The last place that anything speaks of.
    pub(super) end: Seq,
    /// What could not be read, with why.
    pub(super) unreadable: Vec<String>,
    /// What sled's folders were copied to. It goes after what is open there.
    pub(super) copies: Vec<Copy>,
}

impl Found {
    /// Looks at all but sled's folders. A witness comes first, then the journal, then the segments, as for whoever asks.
    pub(super) fn in_log(dir: &Path) -> Result<Self, StoreError> {
        let mut found = Found::default();
        for path in ["head", "segments/head"] {
            match witness::latest(&dir.join(path)) {
                Ok(((seq, root), _)) => {
                    found.seen = found.seen.max(Some(seq));
                    found.root(seq, root, path);
                }
                Err(error) => found.note(&error),
            }
        }
        found.journal(dir);
        found.segments(dir)?;
        found.end = found.end.max(snapshot::last_place(dir)?).max(mark::seen(dir));
        found.sort();
        Ok(found)
    }

    /// Adds what a database of format 1 has.
    pub(super) fn add_old(&mut self, database: &Rc<Database>) {
        let places = database.places();
        let ends = places.iter().skip(1).map(|next| next.minus(1)).chain([Seq::new(u64::MAX)]);
        for (first, last) in places.iter().zip(ends) {
            let kept = Kept::Old(Rc::clone(database), *first);
            self.pieces.push(Piece { first: *first, last, rank: 2, kept });
            self.end = self.end.max(*first);
        }
        self.sort();
    }

    /// Adds a frame that sled's folder has; they are to be sorted once all are there.
    pub(super) fn add_frame(&mut self, first: Seq, entries: Vec<Entry>) {
        self.add(first, entries, 2);
    }

    /// Notes where the log stood once.
    pub(super) fn stood(&mut self, state: &State, by: &str) {
        self.root(state.seq(), state.root(), by);
        self.frontiers.insert(state.seq(), state.frontier.clone());
    }

    pub(super) fn root(&mut self, seq: Seq, root: Digest, by: &str) {
        self.end = self.end.max(seq);
        self.roots.entry(seq).or_default().push((root, by.to_owned()));
    }

    fn add(&mut self, first: Seq, entries: Vec<Entry>, rank: u8) {
        let last = first.plus(entries.len() as u64).minus(1);
        self.end = self.end.max(last);
        self.pieces.push(Piece { first, last, rank, kept: Kept::Frame(entries) });
    }

    /// Notes what could not be read, once.
    pub(super) fn note(&mut self, error: &StoreError) {
        let text = match error {
            StoreError::Damaged { found } => found.clone(),
            StoreError::Io { source, .. } => format!("{error}: {source}"),
            other => other.to_string(),
        };
        if !self.unreadable.contains(&text) {
            self.unreadable.push(text);
        }
    }

    /// Puts the pieces in order.
    pub(super) fn sort(&mut self) {
        self.pieces.sort_by_key(|piece| piece.first);
        (self.near, self.looked) = (Vec::new(), 0);
    }

    fn journal(&mut self, dir: &Path) {
        let path = dir.join(journal::NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable.push(format!("cannot read `{}`: {error}", path.display())),
        };
        let mut whole = 0;
        match journal::read_front(&bytes) {
            Ok((before, front)) => {
                whole = front;
                self.stood(&before, "the journal's front");
            }
            Err(error) => self.note(&error),
        }
        for (frame, root_before) in raw::frames(&bytes) {
            if frame.start != whole {
                let length = frame.start - whole.min(frame.start);
                self.unreadable
                    .push(format!("{length} bytes of the journal, from byte {whole} on, are no frame"));
            }
            whole = frame.start + frame.length;
            let root = Digest::new(crate::model::Algorithm::Sha256, root_before);
            self.root(frame.first.minus(1), root, "the journal");
            self.add(frame.first, frame.entries, 1);
        }
        if whole < bytes.len() {
            let length = bytes.len() - whole;
            self.unreadable
                .push(format!("{length} bytes of the journal, from byte {whole} on, are no frame"));
        }
    }

    fn segments(&mut self, dir: &Path) -> Result<(), StoreError> {
        let folder = dir.join(SEGMENTS);
        for look in 1.. {
            let names = SegmentName::list(&folder)?;
            let mut opened = Vec::with_capacity(names.len());
            let mut is_gone = false;
            for name in names {
                let path = folder.join(name.to_string());
                match File::open(&path) {
                    Ok(file) => opened.push((name, Rc::new(file), Segment::open(&folder, &name))),
                    Err(error) => {
                        is_gone |= error.kind() == ErrorKind::NotFound;
                        self.unreadable.push(format!("cannot open `{}`: {error}", path.display()));
                        self.end = self.end.max(name.last);
                    }
                }
            }
            // Merged into another one since: that one is there by now.
            if is_gone && look < LOOKS_MAX {
                continue;
            }
            opened.into_iter().for_each(|(name, file, segment)| self.segment(&name, &file, segment));
            break;
        }
        Ok(())
    }

    fn segment(&mut self, name: &SegmentName, file: &Rc<File>, segment: Result<Segment, StoreError>) {
        match segment {
            Ok(segment) => {
                self.stood(&segment.before, &format!("`{name}`"));
                self.stood(&segment.after, &format!("`{name}`"));
                let segment = Rc::new(segment);
                for at in 0..segment.count() {
                    let (first, last) = segment.places(at);
                    let kept = Kept::Block(Rc::clone(&segment), at);
                    self.pieces.push(Piece { first, last, rank: 0, kept });
                }
            }
            Err(error) => {
                self.end = self.end.max(name.last);
                self.note(&error);
                for block in read_all(file).map(|bytes| raw::blocks(&bytes)).unwrap_or_default() {
                    let last = block.first.plus(block.entries.len() as u64).minus(1);
                    let kept = Kept::Raw(Rc::clone(file), block.start as u64, block.length);
                    self.end = self.end.max(last);
                    self.pieces.push(Piece { first: block.first, last, rank: 0, kept });
                }
            }
        }
    }

    /// Returns the events from a place on that one piece has; none where none can be read that has it. Places are asked for
    /// in their order.
    pub(in crate::store::disk) fn entries(&mut self, next: Seq) -> Option<Vec<Entry>> {
        while let Some(piece) = self.pieces.get(self.looked).filter(|piece| piece.first <= next) {
            if piece.last >= next {
                self.near.push(self.looked);
            }
            self.looked += 1;
        }
        self.near.retain(|at| self.pieces[*at].last >= next);
        while let Some(at) = self.near.iter().copied().min_by_key(|at| self.pieces[*at].rank) {
            let piece = &self.pieces[at];
            let skip = usize::try_from(next.number() - piece.first.number()).unwrap_or(usize::MAX);
            match piece.kept.read() {
                Ok(mut entries) if entries.len() > skip => {
                    entries.drain(..skip);
                    return Some(entries);
                }
                Ok(_) => {}
                Err(error) => self.note(&error),
            }
            self.near.retain(|near| *near != at);
        }
        None
    }

    /// Returns the first place behind another that a piece begins at.
    pub(super) fn next_after(&self, place: Seq) -> Option<Seq> {
        self.pieces.get(self.looked).map(|piece| piece.first).filter(|first| *first > place)
    }
}

impl Kept {
    fn read(&self) -> Result<Vec<Entry>, StoreError> {
        match self {
            Kept::Frame(entries) => Ok(entries.clone()),
            Kept::Block(segment, at) => segment.entries(*at),
            Kept::Old(database, first) => database.entries(*first, Seq::new(u64::MAX)),
            Kept::Raw(file, start, length) => {
                let mut bytes = vec![0; *length];
                let read = file.read_exact_at(&mut bytes, *start).ok();
                Ok(read.and_then(|()| Block::read(bytes)?.entries()).unwrap_or_default())
            }
        }
    }
}

fn read_all(file: &File) -> Option<Vec<u8>> {
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let mut bytes = vec![0; length];
    // A part that cannot be read leaves the rest.
    if file.read_exact_at(&mut bytes, 0).is_err() {
        for at in (0..length).step_by(PAGE_BYTES) {
            let end = (at + PAGE_BYTES).min(length);
            if file.read_exact_at(&mut bytes[at..end], at as u64).is_err() {
                bytes[at..end].fill(0);
            }
        }
    }
    Some(bytes)
}

/// How much is given up where a read fails.
const PAGE_BYTES: usize = 4 << 10;
