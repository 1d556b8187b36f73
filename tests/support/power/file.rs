//! One file: what has surely reached the disk, and what may have.
//!
//! Data is durable once an fsync or fdatasync of the file has returned that began after the write had
//! ended. `sync_file_range` counts for nothing: it does not write metadata, nor flush the disk's own cache.
//! Until then each write may be there, be absent, or be torn at sectors or pages, in any order between
//! writes. Within one sector there is an order: a sector holds all writes up to some moment, since it is
//! one piece of the page cache that reaches the disk.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

const SECTOR: u64 = 512;
const PAGE: u64 = 4_096;

/// A change to a file's contents.
#[derive(Debug, Clone)]
pub enum Change {
    /// Bytes at a place.
    Write { at: u64, bytes: Vec<u8> },
    /// A new length.
    Length(u64),
}

#[derive(Debug, Clone)]
struct Pending {
    call: usize,
    ended: bool,
    /// Whether a sync of it failed: the system takes it for clean, and no later sync writes it.
    is_dropped: bool,
    change: Change,
}

/// A file of the model.
#[derive(Debug, Clone, Default)]
pub struct File {
    durable: Vec<u8>,
    /// What processes see.
    live: Vec<u8>,
    pending: Vec<Pending>,
    length: u64,
    /// Where a new length and a write were under way at once: which came last the trace does not tell.
    raced: Option<usize>,
    /// Each sync under way, with the changes that it will have made durable.
    syncs: BTreeMap<usize, BTreeSet<usize>>,
}

/// What a cut leaves of the changes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Everything is there after all.
    Nothing,
    /// All of them are lost.
    All,
    /// The first so many are there; the next is torn, the rest lost.
    After(usize),
    /// The last one alone is there: the worst order.
    AllButLast,
    /// Each is there, torn or lost by chance, so many times in a hundred.
    Some(u64),
}

impl Loss {
    /// Draws one for a number of pending changes.
    pub fn draw(random: &mut Random, pending: usize) -> Self {
        match random.below(100) {
            0..8 => Loss::Nothing,
            8..30 => Loss::All,
            30..50 => Loss::After(random.below(pending as u64 + 1) as usize),
            50..60 => Loss::AllButLast,
            _ => Loss::Some(10 + random.below(81)),
        }
    }
}

impl File {
    /// Makes a file whose contents are on the disk.
    pub fn durable(contents: Vec<u8>) -> Self {
        let (live, length) = (contents.clone(), contents.len() as u64);
        File { length, durable: contents, live, ..File::default() }
    }

    /// Returns the length that the process sees.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns how many changes are not known to be durable.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Returns the contents that the process sees.
    pub fn live(&self) -> Vec<u8> {
        self.live.clone()
    }

    /// Begins a change.
    pub fn begin(&mut self, call: usize, change: Change) {
        self.note_race(&change);
        match &change {
            Change::Write { at, bytes } => self.length = self.length.max(at + bytes.len() as u64),
            Change::Length(length) => self.length = *length,
        }
        apply(&mut self.live, &change);
        self.pending.push(Pending { call, ended: false, is_dropped: false, change });
    }

    fn note_race(&mut self, change: &Change) {
        for other in self.pending.iter().filter(|pending| !pending.ended) {
            match (change, &other.change) {
                (Change::Length(length), Change::Write { at, bytes })
                | (Change::Write { at, bytes }, Change::Length(length))
                    if at + bytes.len() as u64 > *length =>
                {
                    self.raced = Some(*length as usize);
                }
                _ => {}
            }
        }
    }

    /// Ends a change.
    pub fn end(&mut self, call: usize) {
        for pending in self.pending.iter_mut().filter(|pending| pending.call == call) {
            pending.ended = true;
        }
    }

    /// Begins a sync: it covers the changes that have ended by now.
    pub fn begin_sync(&mut self, call: usize) {
        let ended = self.pending.iter().filter(|pending| pending.ended && !pending.is_dropped);
        self.syncs.insert(call, ended.map(|pending| pending.call).collect());
    }

    /// A sync fails: what it would have written is dropped.
    pub fn fail_sync(&mut self) {
        self.pending.iter_mut().filter(|pending| pending.ended).for_each(|pending| pending.is_dropped = true);
    }

    /// Ends a sync: what it covers is durable.
    pub fn end_sync(&mut self, call: usize) {
        let covered = self.syncs.remove(&call).unwrap_or_default();
        let changes = std::mem::take(&mut self.pending).into_iter();
        let (durable, pending): (Vec<_>, Vec<_>) =
            changes.partition(|pending| covered.contains(&pending.call));
        self.pending = pending;
        for pending in durable {
            apply(&mut self.durable, &pending.change);
        }
    }

    /// Returns the contents as a cut may leave them.
    pub fn cut(&self, random: &mut Random, loss: Loss) -> Vec<u8> {
        let count = self.pending.len();
        let keep = |index: usize| match self.pending[index].is_dropped {
            true => Kept { length: false, sectors: Vec::new() },
            false => self.keep(random, loss, index, count),
        };
        let kept: Vec<Kept> = (0..count).map(keep).collect();
        let newest = newest_in_each_sector(&kept);
        let mut contents = self.durable.clone();
        for (index, (pending, kept)) in self.pending.iter().zip(&kept).enumerate() {
            match &pending.change {
                Change::Length(_) if kept.length => apply(&mut contents, &pending.change),
                Change::Length(_) => {}
                Change::Write { at, bytes } => {
                    if kept.length {
                        let end = (at + bytes.len() as u64) as usize;
                        contents.resize(contents.len().max(end), 0);
                    }
                    for (sector, from, to) in sectors(*at, bytes.len() as u64) {
                        if newest.get(&sector).is_some_and(|newest| *newest >= index) {
                            let piece = bytes[(from - at) as usize..(to - at) as usize].to_vec();
                            apply(&mut contents, &Change::Write { at: from, bytes: piece });
                        }
                    }
                }
            }
        }
        match self.raced {
            Some(length) if length < contents.len() && random.chance(50) && zeros(&contents[length..]) => {
                contents.truncate(length);
            }
            _ => {}
        }
        contents
    }

    /// Decides what is kept of one pending change.
    fn keep(&self, random: &mut Random, loss: Loss, index: usize, count: usize) -> Kept {
        let there = match loss {
            Loss::Nothing => Some(true),
            Loss::All => Some(false),
            Loss::After(first) if index == first => None,
            Loss::After(first) => Some(index < first),
            Loss::AllButLast => Some(index + 1 == count),
            Loss::Some(percent) => match random.chance(30) {
                true => None,
                false => Some(random.chance(percent)),
            },
        };
        let Change::Write { at, bytes } = &self.pending[index].change else {
            return Kept { length: there.unwrap_or_else(|| random.chance(50)), sectors: Vec::new() };
        };
        let all = sectors(*at, bytes.len() as u64).map(|(sector, _, _)| sector);
        match there {
            Some(true) => Kept { length: true, sectors: all.collect() },
            Some(false) => Kept { length: false, sectors: Vec::new() },
            None => {
                let grain = if random.chance(50) { 1 } else { PAGE / SECTOR };
                let percent = 10 + random.below(81);
                let fate = Random::of(&[random.next()]);
                let there = |sector: &u64| {
                    let mut fate = fate.clone();
                    Random::of(&[fate.next(), sector / grain]).chance(percent)
                };
                Kept { length: random.chance(50), sectors: all.filter(there).collect() }
            }
        }
    }
}

/// What a cut keeps of a change: the file's new length, and some of the sectors.
struct Kept {
    length: bool,
    sectors: Vec<u64>,
}

fn newest_in_each_sector(kept: &[Kept]) -> BTreeMap<u64, usize> {
    let pairs = kept.iter().enumerate();
    pairs.flat_map(|(index, kept)| kept.sectors.iter().map(move |sector| (*sector, index))).collect()
}

/// Returns each sector that a range touches, and which part of the range lies in it.
fn sectors(at: u64, length: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let end = at + length;
    let last = if length == 0 { at / SECTOR } else { (end - 1) / SECTOR + 1 };
    (at / SECTOR..last).map(move |sector| (sector, at.max(sector * SECTOR), end.min((sector + 1) * SECTOR)))
}

fn zeros(bytes: &[u8]) -> bool {
    bytes.chunks(SECTOR as usize).all(|piece| piece == &[0; SECTOR as usize][..piece.len()])
}

fn apply(contents: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => contents.resize(*length as usize, 0),
        Change::Write { at, bytes } => {
            let (from, to) = (*at as usize, *at as usize + bytes.len());
            if contents.len() < to {
                contents.resize(to, 0);
            }
            contents[from..to].copy_from_slice(bytes);
        }
    }
}
