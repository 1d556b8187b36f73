//! Reading the log a piece at a time, however long it is.

use phaseledger::ledger::Ledger;
use phaseledger::model::Seq;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;

/// How many lines are read at a time.
pub const LINES_PER_READ: u64 = 1024;

/// How many bytes of lines, or a little more, are held at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Takes each line after a place, up to and including another. The ledger is let go while lines are taken: a
/// reader that pauses, as a pager does, must not keep others waiting.
pub fn each(
    ledger: Ledger,
    (after, through): (Seq, Seq),
    context: &Context,
    mut take: impl FnMut(Seq, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut open = Some(ledger);
    let mut at = after;
    while at < through {
        let ledger = open.take().map_or_else(|| context.open(), Ok)?;
        let lines = piece(&ledger, at, through)?;
        drop(ledger);
        for line in lines {
            at = at.plus(1);
            take(at, &line)?;
        }
    }
    Ok(())
}

/// Reads lines after a place, as many as may be held at a time; at least one.
fn piece(ledger: &Ledger, after: Seq, through: Seq) -> Result<Vec<String>, Failure> {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    let mut at = after;
    while at < through && bytes < PIECE_BYTES {
        let limit = (through.number() - at.number()).min(LINES_PER_READ);
        let lines = ledger.lines(at, limit as usize)?;
        if lines.is_empty() {
            return Err(Failure::damage(format!("the log ends at {at}, expected {through}")));
        }
        at = at.plus(lines.len() as u64);
        bytes += lines.iter().map(String::len).sum::<usize>();
        piece.extend(lines);
    }
    Ok(piece)
}
