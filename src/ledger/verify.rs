//! Proof that a log is what was written: every line, place, time, id, cause and transition, the root over
//! them all, and the table that they add up to.

use std::iter::Peekable;

use super::audit::{Audit, VerifyError};
use super::lines::ReadLine;
use super::replay::each_bundle;
use super::{Ledger, LedgerError, TRIES_MAX, replay, rows};
use crate::model::{Seq, Span};
use crate::rules::{FOLD_VERSION, Table};
use crate::store::{Appended, Batch, Frontier, Head, Mended, StoreError, Unpacked};

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many events there are.
    pub seq: Seq,
    /// How many commands they came of.
    pub commands: u64,
    /// The root over their lines.
    pub root: crate::model::Digest,
    /// Whether the rows kept beside the log are those that the log adds up to.
    pub rows_match: bool,
    /// Whether rows and snapshots were made anew.
    pub rebuilt: bool,
    /// How many events were recorded while the clock was more than a minute behind those before them.
    pub clock_behind: u64,
    /// How many derived events are what the rules derive.
    pub derived_anew: u64,
    /// How many derived events are of the first release, and were not derived anew: only their causes were checked.
    pub derived_before: u64,
    /// What was gone beside the log and was made anew.
    pub mended: Vec<Mended>,
}

/// Why a log is not followed to its end.
enum Stopped {
    /// Something is wrong with it.
    Wrong(VerifyError),
    /// It cannot be read.
    Failed(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Stopped::Failed(error)
    }
}

fn other_root(seq: Seq) -> StoreError {
    let found = format!("the root over the events up to {seq} is not the one that is kept");
    StoreError::Damaged { found }
}

/// How many events are verified between two words on how far that is.
const PROGRESS_EVENTS: u64 = 1024;

impl Ledger {
    /// Verifies the whole log, calling `progress` with the place reached now and then. With `rebuild`, makes
    /// rows, snapshots, and what the store tells a lost end by anew, once all else is right.
    ///
    /// # Errors
    ///
    /// The outer error is the machine's, the inner one what is wrong with the log.
    pub fn verify(
        &mut self,
        rebuild: bool,
        mut progress: impl FnMut(Seq),
    ) -> Result<Result<Verified, VerifyError>, LedgerError> {
        let mut audit = Audit::deriving();
        let (mut rows_match, mut snapshot_matches) = (None, true);
        let mut parts = self.store.check_beside()?.into_iter().peekable();
        for _ in 0..TRIES_MAX {
            let head = self.store.head()?;
            let followed = self.follow(&mut audit, (&head, &mut parts), &mut snapshot_matches, &mut progress);
            if !matches!(followed, Ok(Ok(()))) {
                // What the store finds wrong with all that it keeps comes first.
                self.store.check()?;
            }
            if let Err(error) = followed? {
                return Ok(Err(error));
            }
            let rows_match = match rows_match {
                Some(known) => known,
                None => {
                    *rows_match.insert(self.rows_match(&head, &audit.table, rebuild)? && snapshot_matches)
                }
            };
            if rebuild && !self.rebuild(&head, &audit.table)? {
                continue;
            }
            let mended = if rebuild { self.store.vouch()? } else { Vec::new() };
            let (derived_anew, derived_before) = audit.derived();
            return Ok(Ok(Verified {
                seq: head.seq,
                commands: audit.commands,
                root: head.root,
                rows_match,
                rebuilt: rebuild,
                clock_behind: audit.clock_behind,
                derived_anew,
                derived_before,
                mended,
            }));
        }
        Err(LedgerError::Busy { tries: TRIES_MAX })
    }

    /// Checks the lines up to a head, that they end there, and that they add up to what parts of the log say on the way. What
    /// is appended meanwhile is not looked at. The last snapshot is compared with what they add up to at its place, and says no in `matches`.
    fn follow(
        &self,
        audit: &mut Audit,
        (head, parts): (&Head, &mut Peekable<impl Iterator<Item = Frontier>>),
        matches: &mut bool,
        progress: &mut impl FnMut(Seq),
    ) -> Result<Result<(), VerifyError>, LedgerError> {
        let kept = self.store.snapshot(head.seq)?;
        let kept = kept.filter(|kept| kept.fold_version == FOLD_VERSION && kept.seq > audit.table.head);
        let part = Span { after: audit.table.head, through: head.seq };
        let read = |lines: &Unpacked| ReadLine::all(lines.iter());
        let followed = each_bundle(self.store.as_ref(), part, read, |lines| {
            lines.into_iter().try_for_each(|line| {
                let seq = audit.follow(line).map_err(Stopped::Wrong)?.seq;
                let part = parts.next_if(|part| part.leaves() == seq.number());
                if part.is_some_and(|part| part != audit.frontier) {
                    return Err(other_root(seq).into());
                }
                if let Some(kept) = kept.as_ref().filter(|kept| kept.seq == audit.table.head) {
                    *matches &= *kept == replay::snapshot(&audit.table, &audit.frontier);
                }
                if audit.table.head.number().is_multiple_of(PROGRESS_EVENTS) {
                    progress(audit.table.head);
                }
                Ok(())
            })
        });
        match followed {
            Ok(()) => {}
            Err(Stopped::Wrong(error)) => return Ok(Err(error)),
            Err(Stopped::Failed(error)) => return Err(error.into()),
        }
        audit.end_derived();
        let (seq, root) = (audit.table.head, audit.frontier.root());
        if (seq, root) != (head.seq, head.root) {
            let found =
                format!("it ends at {seq} with root {root}, expected {} with root {}", head.seq, head.root);
            return Ok(Err(VerifyError::Head { found }));
        }
        Ok(audit.take_underived())
    }

    /// Says whether the rows of a head are those of its table. Rows that cannot be read are not, where they are to be made
    /// anew.
    fn rows_match(&self, head: &Head, table: &Table, rebuild: bool) -> Result<bool, StoreError> {
        match rows::whole(self.kept(head)) {
            Err(StoreError::Damaged { .. }) if rebuild => Ok(false),
            whole => Ok(whole?.is_none_or(|whole| whole == *table)),
        }
    }

    /// Makes rows anew, and forgets snapshots. Says whether nobody appended in between.
    fn rebuild(&mut self, head: &Head, table: &Table) -> Result<bool, LedgerError> {
        self.store.forget_cache()?;
        let without_rows = Head { fold_version: None, ..head.clone() };
        let batch = Batch { entries: Vec::new(), rows: rows::all(table) };
        match self.store.append(&without_rows, &batch)? {
            Appended::Done(_) => {}
            Appended::Conflict(_) => return Ok(false),
            Appended::Unknown => return Err(StoreError::Unknown.into()),
        }
        replay::keep_snapshots(self.store.as_mut(), Seq::ZERO, head.seq)?;
        Ok(true)
    }
}
