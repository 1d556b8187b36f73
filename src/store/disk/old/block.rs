//! The codec of a block of format 1.
//!
//! ```text
//!  format 1 │ codec 1 │ events 4 │ first and last times 32 │ runs 4 │ runs of command ids 20 each
//!  │ length 4 │ payload: (times 16, length 4) an event, then the lines
//! ```

use uuid::Uuid;

use crate::model::CommandId;
use crate::store::Entry;
use crate::store::disk::bytes::Reader;
use crate::store::disk::codec;
use crate::store::disk::state::times;

/// Reads the events of a block; none when it is not one.
pub(in crate::store::disk) fn entries(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut reader = Reader::new(bytes);
    if (reader.u8()?, reader.u8()?) != (1, 1) {
        return None;
    }
    let count = reader.u32()?;
    reader.take(32)?;
    let mut commands = Vec::new();
    for _ in 0..reader.u32()? {
        let id = CommandId::new(Uuid::from_bytes(reader.array()?));
        commands.push((id, reader.u32()?));
    }
    if commands.iter().map(|(_, count)| u64::from(*count)).sum::<u64>() != u64::from(count) {
        return None;
    }
    let length = reader.u32()? as usize;
    let payload = codec::decompress(reader.rest(), length)?;
    let (fronts, lines) = payload.split_at_checked(20 * count as usize)?;
    let (mut fronts, mut lines) = (Reader::new(fronts), Reader::new(lines));
    let commands = commands.iter().flat_map(|(id, count)| (0..*count).map(|_| *id));
    commands
        .map(|command_id| {
            let times = times(&mut fronts)?;
            let line = String::from_utf8(lines.take(fronts.u32()? as usize)?.to_vec()).ok()?;
            Some(Entry { command_id, times, line })
        })
        .collect()
}
