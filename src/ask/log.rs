//! `log`: events, in the order in which they happened.

use std::sync::Arc;

use super::{AskError, Cut, Lines, Question};
use crate::ledger::Sought;
use crate::model::{PhaseRef, Places, Range, Seq, Span};
use crate::query::{LogFilter, phase_named};
use crate::rules::Table;

/// Which events are there?
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Which part of the log; all that counts for none.
    pub range: Option<Range>,
    /// Events about one of these phases; about any for none. Retired phases may be named too.
    pub phases: Vec<PhaseRef>,
    /// What else restricts them.
    pub filter: LogFilter,
    /// Only the last ones, so many.
    pub last: Option<u64>,
    /// Whether to bring the table as well, for whoever words events with it.
    pub with_table: bool,
}

/// The events, yet to be read.
#[derive(Debug)]
pub struct LogAnswer {
    /// The first and the last event that the range means.
    pub span: Span,
    /// Which of the lines are asked for, its phases by all their names.
    pub filter: LogFilter,
    /// The lines that have them.
    pub lines: Lines,
    /// The table, where it was asked for.
    pub table: Option<Arc<Table>>,
}

impl Question for Log {
    const SCHEMA: &'static str = "event/1";
    type View = LogAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<LogAnswer, AskError> {
        let part = cut.find_part(self.range.as_ref())?.places();
        let is_narrowed = !self.phases.is_empty() || self.filter.workflow.is_some();
        let table = if is_narrowed || self.with_table { Some(cut.table()?) } else { None };
        let filter = match &table {
            Some(table) => self.resolved(table)?,
            None => self.filter.clone(),
        };
        let span = part.hull();
        let part = narrowed(part, cut, &filter)?;
        let listed = match self.last {
            None => part,
            Some(count) => last(cut, &part, count, &filter)?,
        };
        let lines = cut.lines(listed)?;
        Ok(LogAnswer { span, filter, lines, table: table.filter(|_| self.with_table) })
    }
}

impl Log {
    /// Finds the phases and the workflow that are named.
    fn resolved(&self, table: &Table) -> Result<LogFilter, AskError> {
        let mut filter = self.filter.clone();
        filter.workflow = table.known_workflow_named(filter.workflow.as_ref())?;
        for name in &self.phases {
            let own = filter.workflow.as_ref().map(|workflow| PhaseRef::from(name.within(workflow)));
            let phase = phase_named(table, own.as_ref().unwrap_or(name))?;
            filter.phases.push(table.names_of(phase));
        }
        Ok(filter)
    }
}

/// Leaves out places that the store knows to have nothing that is asked for.
fn narrowed(mut part: Places, cut: &Cut<'_>, filter: &LogFilter) -> Result<Places, AskError> {
    if !filter.phases.is_empty() {
        let mut about = Places::default();
        for names in &filter.phases {
            about = about.or(&cut.places_about(names)?);
        }
        part = part.and(&about);
    }
    if !filter.kinds.is_empty() {
        let mut of_kinds = Places::default();
        for kind in &filter.kinds {
            of_kinds = of_kinds.or(&cut.places_of(Sought::Kind(kind))?);
        }
        part = part.and(&of_kinds);
    }
    Ok(part)
}

/// Returns the last of some places, from the `count`-th last event on that is asked for.
fn last(cut: &Cut<'_>, part: &Places, count: u64, filter: &LogFilter) -> Result<Places, AskError> {
    if filter.admits_all() || count == 0 {
        return Ok(part.without(&part.without_last(count)));
    }
    let (mut left, mut first) = (count, Seq::ZERO);
    let mut places = part.iter().rev();
    while let Some(seq) = places.next().filter(|_| left > 0) {
        left -= u64::from(filter.admits(&cut.record(seq)?));
        first = seq;
    }
    Ok(part.without(&Places::up_to(first.minus(1))))
}
