//! Writing a segment: other segments, block by block as they are, and events.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::filter::Filling;
use super::index::{BlockEntry, write_blocks};
use super::{BLOCKS, FILTER, JOINT, MAGIC, PHASES, ROOTS, SPAN, Segment, SegmentName, V1};
use crate::model::{CommandId, Seq};
use crate::store::disk::block::{self, BlockSize};
use crate::store::disk::bytes::{Reader, Writer};

use crate::store::disk::packed::PackedWriter;
use crate::store::disk::state::State;
use crate::store::disk::{damaged, io_error};
use crate::store::{Entry, StoreError};

/// The roots of subtrees of 256 leaves are kept: 2 to the power of this.
const LEVEL: u32 = 8;

/// A segment in the making.
pub(in crate::store::disk) struct SegmentWriter {
    packed: PackedWriter,
    path: PathBuf,
    before: State,
    state: State,
    blocks: Vec<BlockEntry>,
    commands: HashSet<CommandId>,
    /// The blocks that each phase is in.
    phases: BTreeMap<String, Vec<u32>>,
    /// The roots of the full subtrees that end here.
    roots: Vec<[u8; 32]>,
    /// The last place before the events that are appended with the segment.
    joint: Seq,
}

/// What a line says that it is about. A line that says nothing of the sort is about nothing.
#[derive(Deserialize)]
struct Subject {
    workflow: Option<String>,
    phase: Option<String>,
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
            phases: BTreeMap::new(),
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
        let phases = read_phases(&segment.packed.needed(PHASES, V1)?);
        for (name, blocks) in phases.ok_or_else(|| segment.packed.damaged("its list of phases"))? {
            let blocks = blocks.into_iter().map(|block| block + shift);
            self.phases.entry(name).or_default().extend(blocks);
        }
        let roots = segment.packed.needed(ROOTS, V1)?;
        self.roots.extend(roots.as_chunks::<32>().0);
        self.state = segment.after.clone();
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
        while let Some(entries) = cut.next_block() {
            self.add_block(&entries)?;
        }
        Ok(())
    }

    fn add_block(&mut self, entries: &[&Entry]) -> Result<(), StoreError> {
        let bytes = block::write(entries)?;
        let (first, stored) = (self.state.seq().plus(1), bytes.len());
        let stored = u32::try_from(stored).expect("limits keep blocks small");
        let offset = self.packed.put(&bytes)?;
        let at = u32::try_from(self.blocks.len()).expect("limits keep segments small");
        self.blocks.push(BlockEntry::new(entries, first, offset, stored, self.blocks.last()));
        for entry in entries {
            self.commands.insert(entry.command_id);
            self.note_subject(&entry.line, at);
            self.roots.extend(self.state.push_seeing(entry, LEVEL));
        }
        Ok(())
    }

    fn note_subject(&mut self, line: &str, block: u32) {
        let name = match usual_subject(line) {
            Some((workflow, phase)) => format!("{workflow}/{phase}"),
            None => match serde_json::from_str(line) {
                Ok(Subject { workflow: Some(workflow), phase: Some(phase) }) => format!("{workflow}/{phase}"),
                Ok(_) | Err(_) => return,
            },
        };
        match self.phases.get_mut(&name) {
            Some(blocks) if blocks.last() == Some(&block) => {}
            Some(blocks) => blocks.push(block),
            None => drop(self.phases.insert(name, vec![block])),
        }
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
        self.packed.section(PHASES, V1, &write_phases(&self.phases))?;
        self.packed.section(FILTER, V1, &filling.finish())?;
        self.packed.section(ROOTS, V1, self.roots.as_flattened())?;
        self.packed.section(JOINT, V1, &self.joint.number().to_le_bytes())?;
        let name = SegmentName { first: self.before.seq().plus(1), last: self.state.seq() };
        let (aside, path) = (self.path, folder.join(name.to_string()));
        self.packed.finish()?.sync_all().map_err(io_error("make durable", &aside))?;
        fs::rename(&aside, &path).map_err(io_error("replace", &path))?;
        Ok(name)
    }
}

/// Returns the workflow and the phase of a line that begins as this version writes those about phases: it is not read to
/// its end. None says nothing.
fn usual_subject(line: &str) -> Option<(&str, &str)> {
    let (front, rest) = line.split_once(",\"workflow\":\"")?;
    // What is in front has no object, so that this is the line's own field; and no quote within a text.
    let is_usual = front.starts_with("{\"v\":2,\"seq\":") && !front[1..].contains(['{', '\\']);
    let (workflow, rest) = rest.split_once("\",\"phase\":\"").filter(|_| is_usual)?;
    let (phase, _) = rest.split_once('"')?;
    let is_plain = |name: &str| !name.contains(['"', '\\']);
    (is_plain(workflow) && is_plain(phase)).then_some((workflow, phase))
}

/// Writes which blocks each phase is in: the number of phases 4, then for each its length 4 and name, the number of blocks
/// 4 and 4 for each.
fn write_phases(phases: &BTreeMap<String, Vec<u32>>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u32(phases.len());
    for (name, blocks) in phases {
        writer.u32(name.len());
        writer.bytes(name.as_bytes());
        writer.u32(blocks.len());
        blocks.iter().for_each(|block| writer.u32(*block as usize));
    }
    writer.finish()
}

fn read_phases(bytes: &[u8]) -> Option<Vec<(String, Vec<u32>)>> {
    let mut reader = Reader::new(bytes);
    let phases = (0..reader.u32()?).map(|_| {
        let length = reader.u32()? as usize;
        let name = String::from_utf8(reader.take(length)?.to_vec()).ok()?;
        let blocks = (0..reader.u32()?).map(|_| reader.u32()).collect::<Option<Vec<_>>>()?;
        Some((name, blocks))
    });
    phases.collect()
}

#[cfg(test)]
mod tests {
    use super::usual_subject;

    #[test]
    fn what_a_line_is_about_is_told_by_its_beginning_where_that_is_usual() {
        let usual =
            r#"{"v":2,"seq":7,"id":"i","command_id":"c","kind":"k","workflow":"w é","phase":"a b","at":"t"}"#;
        assert_eq!(usual_subject(usual), Some(("w é", "a b")));
        for other in [
            r#"{"v":2,"seq":7,"kind":"k","workflow":"w","at":"t","data":{"text":"","phase":"a"}}"#,
            r#"{"v":2,"seq":7,"data":{"workflow":"w","phase":"a"}}"#,
            r#"{"v":2,"seq":7,"by":"\"","workflow":"w","phase":"a"}"#,
            r#"{"v":2,"seq":7,"workflow":"w\"","phase":"a"}"#,
            r#"{"v":2,"seq":7,"workflow":"w","phase":"a\u0062"}"#,
            r#"{"v":2,"seq":7,"workflow":"w", "phase":"a"}"#,
            r#"{"v":1,"seq":7,"workflow":"w","phase":"a"}"#,
            r#"{"v":2,"seq":7,"workflow":"w","phase":"a"#,
            "",
        ] {
            assert_eq!(usual_subject(other), None, "{other}");
        }
    }
}
