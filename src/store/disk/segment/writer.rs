//! Writing a segment: other segments, block by block as they are, and events.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::filter::Filling;
use super::index::{BlockEntry, write_blocks};
use super::links::Links;
use super::lists::Lists;
use super::{BLOCKS, FILTER, JOINT, KINDS, LINKS, MAGIC, PHASES, ROOTS, SPAN, Segment, SegmentName, V1};
use crate::model::{CommandId, Digest, Seq};
use crate::store::disk::block::{self, BlockSize};
use crate::store::disk::bytes::Writer;
use crate::store::disk::mention::Mentions;
use crate::store::disk::packed::PackedWriter;
use crate::store::disk::state::State;
use crate::store::disk::{damaged, io_error};
use crate::store::{Entry, StoreError, each_in_order};

/// The roots of subtrees of 256 leaves are kept: 2 to the power of this.
const LEVEL: u32 = 8;

/// From more blocks on a thread is worth it: as many has an archiving while commands come one by one.
const BLOCKS_ALONE: usize = 4;

/// A block that is made, and what is to be known of its lines: the leaf that each is, and what it tells.
struct Made<'a> {
    bytes: Vec<u8>,
    lines: Vec<(Digest, Option<Mentions<'a>>)>,
    entries: Vec<&'a Entry>,
}

impl<'a> Made<'a> {
    fn of(entries: Vec<&'a Entry>) -> Result<Self, StoreError> {
        let lines = entries.iter().map(|entry| (Digest::leaf(&entry.line), Mentions::of(&entry.line)));
        Ok(Made { bytes: block::write(&entries)?, lines: lines.collect(), entries })
    }
}

/// A segment in the making.
pub(in crate::store::disk) struct SegmentWriter {
    packed: PackedWriter,
    path: PathBuf,
    before: State,
    state: State,
    blocks: Vec<BlockEntry>,
    commands: HashSet<CommandId>,
    /// The blocks that have events about each phase, and of each kind.
    phases: Lists,
    kinds: Lists,
    /// The blocks that have events which each event led to.
    links: Links,
    /// The roots of the full subtrees that end here.
    roots: Vec<[u8; 32]>,
    /// The last place before the events that are appended with the segment.
    joint: Seq,
}

impl SegmentWriter {
    /// Begins a segment that follows on a state.
    pub(in crate::store::disk) fn create(path: &Path, before: &State) -> Result<Self, StoreError> {
        Ok(SegmentWriter {
            packed: PackedWriter::create(path, MAGIC)?,
            path: path.to_owned(),
            before: before.clone(),
            state: before.clone(),
            blocks: Vec::new(),
            commands: HashSet::new(),
            phases: Lists::default(),
            kinds: Lists::default(),
            links: Links::default(),
            roots: Vec::new(),
            joint: before.seq(),
        })
    }

    /// Adds the events of another segment, which follows on what is there.
    pub(in crate::store::disk) fn add_segment(&mut self, segment: &Segment) -> Result<(), StoreError> {
        if segment.before != self.state {
            return Err(damaged(format!(
                "the events from {} on do not follow on those before",
                segment.name.first
            )));
        }
        let shift = u32::try_from(self.blocks.len()).expect("limits keep segments small");
        for at in 0..segment.count() {
            // Read, so that what is damaged is not handed on.
            let block = segment.block(at)?;
            self.commands.extend(block.commands.iter().map(|(id, _)| *id));
            let offset = self.packed.put(&segment.block_bytes(at)?)?;
            self.blocks.push(segment.blocks[at].moved(offset, self.blocks.last()));
        }
        self.add_lists(segment, shift)?;
        let roots = segment.packed.needed(ROOTS, V1)?;
        self.roots.extend(roots.as_chunks::<32>().0);
        self.state = segment.after.clone();
        Ok(())
    }

    /// Adds what another segment lists of its blocks, which follow on so many others.
    fn add_lists(&mut self, segment: &Segment, shift: u32) -> Result<(), StoreError> {
        let packed = &segment.packed;
        let lists = (packed.section(KINDS, V1)?, packed.section(LINKS, V1)?);
        if let (Some(kinds), Some(links)) = &lists {
            let phases = self.phases.add_section(&packed.needed(PHASES, V1)?, shift);
            phases.ok_or_else(|| packed.damaged("its list of phases"))?;
            self.kinds.add_section(kinds, shift).ok_or_else(|| packed.damaged("its list of kinds"))?;
            return self.links.add_section(links, shift).ok_or_else(|| packed.damaged("its links"));
        }
        // An earlier version wrote it.
        for at in 0..segment.count() {
            let block = shift + u32::try_from(at).expect("limits keep segments small");
            let first = segment.places(at).0;
            segment.lines(at)?.iter().for_each(|line| self.note(Mentions::of(line).as_ref(), first, block));
        }
        Ok(())
    }

    /// Adds events: those that are there already, then others.
    pub(in crate::store::disk) fn add(
        &mut self,
        entries: &[Entry],
        more: &[Entry],
        size: BlockSize,
    ) -> Result<(), StoreError> {
        self.joint = self.state.seq().plus(entries.len() as u64);
        let mut cut = size.cut(entries.iter().chain(more));
        let is_many = entries.len() + more.len() > BLOCKS_ALONE * size.events_max;
        let alone = if is_many { 0 } else { usize::MAX };
        let next = || Ok(Vec::from_iter(cut.next_block()));
        each_in_order(alone, next, Made::of, |made: Result<Made<'_>, StoreError>| self.add_block(&made?))
    }

    fn add_block(&mut self, made: &Made<'_>) -> Result<(), StoreError> {
        let first = self.state.seq().plus(1);
        let stored = u32::try_from(made.bytes.len()).expect("limits keep blocks small");
        let offset = self.packed.put(&made.bytes)?;
        let at = u32::try_from(self.blocks.len()).expect("limits keep segments small");
        self.blocks.push(BlockEntry::new(&made.entries, first, offset, stored, self.blocks.last()));
        for (entry, (leaf, mentions)) in made.entries.iter().zip(&made.lines) {
            self.commands.insert(entry.command_id);
            self.note(mentions.as_ref(), first, at);
            self.roots.extend(self.state.push_leaf_seeing(entry.times, leaf, LEVEL));
        }
        Ok(())
    }

    /// Notes what the line of an event tells that it may be looked for by; its block begins at a place.
    fn note(&mut self, mentions: Option<&Mentions<'_>>, first: Seq, block: u32) {
        let Some(mentions) = mentions else { return };
        if let Some(phase) = mentions.phase() {
            self.phases.add(&phase, block);
        }
        if let Some(kind) = &mentions.kind {
            self.kinds.add(kind, block);
        }
        mentions.causes().filter(|cause| *cause < first).for_each(|cause| self.links.add(cause, block));
    }

    /// Returns where the log stands behind what was added so far.
    pub(in crate::store::disk) fn state(&self) -> &State {
        &self.state
    }

    /// Ends the segment, and makes it durable under the name that it gets in a folder. That name is not durable yet.
    pub(in crate::store::disk) fn finish(mut self, folder: &Path) -> Result<SegmentName, StoreError> {
        let mut span = Writer::default();
        self.before.write(&mut span);
        self.state.write(&mut span);
        let mut filling = Filling::default();
        filling.add(0..self.blocks.len(), &self.commands);
        self.packed.section(SPAN, V1, &span.finish())?;
        self.packed.section(BLOCKS, V1, &write_blocks(&self.blocks))?;
        self.packed.section(PHASES, V1, &self.phases.finish())?;
        self.packed.section(FILTER, V1, &filling.finish())?;
        self.packed.section(ROOTS, V1, self.roots.as_flattened())?;
        self.packed.section(KINDS, V1, &self.kinds.finish())?;
        self.packed.section(LINKS, V1, &self.links.finish())?;
        self.packed.section(JOINT, V1, &self.joint.number().to_le_bytes())?;
        let name = SegmentName { first: self.before.seq().plus(1), last: self.state.seq() };
        let (aside, path) = (self.path, folder.join(name.to_string()));
        self.packed.finish()?.sync_all().map_err(io_error("make durable", &aside))?;
        fs::rename(&aside, &path).map_err(io_error("replace", &path))?;
        Ok(name)
    }
}
