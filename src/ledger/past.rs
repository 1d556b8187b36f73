//! What the log has of a command that is to be taken back, or of a reservation that is named.

use super::LedgerError;
use crate::model::{Definition, EventId, Past, Recorded, Seq};
use crate::rules::Table;

/// What there is of a ledger, staged or in the log.
pub(super) trait Before {
    /// Returns the table of now.
    fn now(&self) -> &Table;

    /// Returns the table in front of an event.
    fn table_before(&self, seq: Seq) -> Result<Table, LedgerError>;

    /// Returns an event.
    fn record(&self, seq: Seq) -> Result<Recorded, LedgerError>;
}

/// Returns what there is of the command whose first event is at a place.
pub(super) fn past(ledger: &impl Before, first: Seq) -> Result<Past, LedgerError> {
    let mut events = vec![ledger.record(first)?];
    if first < ledger.now().head {
        let next = ledger.record(first.plus(1))?;
        events.extend((next.command_id == events[0].command_id).then_some(next));
    }
    let needs_table = events.iter().any(|record| {
        let event = &record.event;
        event.tag().is_some() || event.attached().is_some() || event.skipped().is_some()
    });
    let before = if needs_table { ledger.table_before(first)? } else { Table::default() };
    let phase = events[0].subject.phase().and_then(|id| before.phases.get(id));
    let metadata = phase.map(|phase| phase.metadata.clone()).unwrap_or_default();
    let tag = events.iter().find_map(|record| record.event.tag());
    let tag = tag.and_then(|name| before.tags.get(name)).map(|tag| tag.seq);
    let (definition, chain) = (definition_before(ledger, &events)?, chain(ledger, &events[0])?);
    // What is taken back is about a phase by whatever name that has now.
    for record in &mut events {
        record.subject = ledger.now().subject_now(record);
    }
    Ok(Past { metadata, tag, definition, spent: Vec::new(), chain, events })
}

/// Returns what an event takes back, and what that does, and so on: the last one first.
fn chain(ledger: &impl Before, record: &Recorded) -> Result<Vec<EventId>, LedgerError> {
    let mut chain = vec![record.id];
    let mut next = record.event.reverted().map(|reverted| reverted.seq);
    while let Some(seq) = next {
        let record = ledger.record(seq)?;
        chain.push(record.id);
        next = record.event.reverted().map(|reverted| reverted.seq);
    }
    chain.reverse();
    Ok(chain)
}

/// Returns the definition that was in force when some events put another one in force.
fn definition_before(ledger: &impl Before, events: &[Recorded]) -> Result<Option<Definition>, LedgerError> {
    let is_about =
        |record: &&Recorded| record.event.definition().is_some() || record.event.workflow_retired().is_some();
    let Some(record) = events.iter().find(is_about) else { return Ok(None) };
    let workflow = record.subject.workflow().and_then(|name| ledger.now().workflows.get(name));
    let before = workflow.and_then(|workflow| workflow.defined_before(record.seq));
    let Some(before) = before else { return Ok(None) };
    // Where the last word was that the workflow is retired, nothing was in force.
    let before = ledger.record(before.event.seq)?;
    Ok(before.event.definition().map(|defined| defined.definition.clone()))
}
