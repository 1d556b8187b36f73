//! Taking what was salvaged of a log with holes into a new ledger.
//!
//! ```text
//!  lines before the first hole ── byte for byte ──────────────────────────────────┐
//!  a hole ── `history_imported` that names it ────────────────────────────────────┤
//!  lines behind it ── by command ──▶ action ──▶ Session::stage, at their times ───┴──▶ a ledger in memory ──▶ an export
//!                        └─ bridge: where the phases stood then, inferred
//! ```
//!
//! Behind a hole no line can stay as it is: its place, and those of its causes, are others now. So each command is recorded
//! once more, through the rules: under its own id, by who asked then, at its own times, with the digest of what was asked for.
//! What the rules derive of it is derived anew. Before it, phases that stand elsewhere because of what is missing are
//! brought to where its events say that they stood; after it, to where they say that they came.

mod bridge;
mod file;
mod taker;

use std::collections::BTreeMap;
use std::io::{BufRead, Seek, SeekFrom};

use super::audit::VerifyError;
use super::export::{RestoreError, Stretch, each_line};
use crate::model::{Actor, Definition, Recorded, Seq, Timestamp};
use file::{check, export, prefix};
use taker::Taker;

/// How what was salvaged is to be taken in.
#[derive(Debug, Clone)]
pub struct SalvagedOptions {
    /// The file's name, for the record.
    pub source: String,
    /// A definition to put in force behind the first hole, where the one that was in force is missing.
    pub define: Option<Definition>,
    /// Who asks.
    pub by: Actor,
}

/// What came of taking it in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many lines the file has.
    pub lines: u64,
    /// How many of them are in the new ledger byte for byte.
    pub kept: u64,
    /// How many events were recorded for the others.
    pub events: u64,
    /// Which events are missing.
    pub missing: Vec<Stretch>,
    /// How many events were inferred, and what else is not as it was, by kind.
    pub inferred: BTreeMap<String, u64>,
}

/// Makes of a file that `salvage` wrote what a new ledger is to hold, as an export, to be taken in by
/// [`restore`](super::restore()).
///
/// # Errors
///
/// [`RestoreError`], where the file is not as `salvage` wrote it.
pub fn import_salvaged(
    mut file: impl BufRead + Seek,
    options: &SalvagedOptions,
    now: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<(Vec<u8>, Taken), RestoreError> {
    let (end, behind) = check(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    let (mut ledger, kept) = prefix(&mut file, &end)?;
    let missing = end.missing.clone();
    let mut taken = Taken { lines: end.events, kept, missing, ..Taken::default() };
    file.seek(SeekFrom::Start(0))?;
    let stands = ledger.table()?.phases.into_values().filter(|phase| !phase.retired);
    let stands = stands.map(|phase| (phase.id, phase.state.name())).collect();
    let mut taker = Taker::new(ledger.session()?, options, (&end, behind, stands), kept, now);
    let mut refused = None;
    let mut line = 0;
    each_line(&mut file, |text| {
        line += 1;
        if line % 1024 == 0 {
            progress(line);
        }
        let record =
            Recorded::from_line(text).map_err(|source| VerifyError::Line { seq: Seq::ZERO, source })?;
        if line > kept && refused.is_none() {
            refused = taker.line(record).err();
        }
        Ok(())
    })?;
    if let Some(error) = refused {
        return Err(error.into());
    }
    (taken.events, taken.inferred) = taker.finish()?;
    Ok((export(&ledger)?, taken))
}
