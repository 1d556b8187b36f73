//! What was before an event, staged or in the log, for commands that take something back.

use super::Session;
use crate::ledger::past::Before;
use crate::ledger::{LedgerError, Records, replay};
use crate::model::{Action, EventId, Recorded, Seq};
use crate::rules::{Table, evolve};
use crate::store::StoreError;

impl Before for Session<'_> {
    fn now(&self) -> &Table {
        &self.table
    }

    fn table_before(&self, seq: Seq) -> Result<Table, LedgerError> {
        let stored = self.head.seq.min(seq.minus(1));
        let mut table = replay::fold(self.store, stored)?.table;
        while table.head < seq.minus(1) {
            let next = self.record(table.head.plus(1))?;
            evolve(&mut table, &next)?;
        }
        Ok(table)
    }

    fn record(&self, seq: Seq) -> Result<Recorded, LedgerError> {
        let staged = seq.number().checked_sub(self.head.seq.number() + 1);
        let staged = staged.and_then(|at| self.entries.get(usize::try_from(at).ok()?));
        if let Some(entry) = staged {
            return Recorded::from_line(&entry.line).map_err(|source| LedgerError::Line { seq, source });
        }
        let record = Records::new(self.store, seq.minus(1), seq).next().transpose()?;
        let missing = || StoreError::Damaged { found: format!("there is no event {seq}") };
        Ok(record.ok_or_else(missing)?)
    }
}

/// Returns the event that an action takes back, or by which it names a reservation.
pub(super) fn named(action: &Action) -> Option<EventId> {
    match action {
        Action::Revert(revert) => Some(revert.event),
        Action::CostRelease(release) => Some(release.reservation),
        Action::Cost(cost) => cost.reservation,
        _ => None,
    }
}
