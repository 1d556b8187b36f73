//! What was spent lately of what a period's limit is set for: the limit counts it, and the table does not tell it.

use chrono::TimeDelta;

use super::LedgerError;
use crate::model::{Action, Amount, Command, LineError, Recorded, Seq, Subject, Timestamp};
use crate::rules::Table;
use crate::store::{Head, Store, Until};

/// How far back costs may count for a period that has not ended: more than a month, by any clock.
const BACK: TimeDelta = TimeDelta::days(33);

/// How far an event may take effect after it is recorded: a claim lies at most a minute ahead of the clock.
const AHEAD: TimeDelta = TimeDelta::minutes(2);

/// Returns what a command sets the limit of a period for, or takes such a limit back of; none for any other command, and
/// where it is refused.
pub(super) fn subject(table: &Table, command: &Command) -> Option<Subject> {
    let is_of_period = |record: &&Recorded| record.event.limit_set().is_some_and(|set| set.period.is_some());
    match &command.action {
        Action::CostLimit(limit) if limit.per.is_some() => match &limit.phase {
            Some(phase) => table.resolve(phase).ok().map(|phase| Subject::Phase(phase.id.clone())),
            None => {
                let workflow = table.workflow(limit.workflow.as_ref()).ok();
                workflow.map(|workflow| Subject::Workflow(workflow.name.clone()))
            }
        },
        Action::Revert(_) => {
            let mut events = command.past.iter().flat_map(|past| &past.events);
            events.find(is_of_period).map(|record| record.subject.clone())
        }
        _ => None,
    }
}

fn earlier(at: Timestamp, by: TimeDelta) -> Timestamp {
    at.utc().checked_sub_signed(by).and_then(|time| Timestamp::new(time).ok()).unwrap_or(at)
}

/// Gathers what was spent on a phase or a workflow lately, line by line.
pub(super) struct Spent<'a> {
    subject: &'a Subject,
    /// What phases are called: a cost names its phase as it was called then.
    names: &'a Table,
    since: Timestamp,
    pub(super) found: Vec<(Timestamp, Amount)>,
}

impl<'a> Spent<'a> {
    /// Begins with what may count for a period that holds an instant.
    pub(super) fn since(subject: &'a Subject, names: &'a Table, at: Timestamp) -> Self {
        Spent { subject, names, since: earlier(at, BACK), found: Vec::new() }
    }

    /// Looks at the lines up to a head that may be meant.
    pub(super) fn look_through(&mut self, store: &dyn Store, head: &Head) -> Result<(), LedgerError> {
        let mut after = store.seek(Until::Before(earlier(self.since, AHEAD)))?;
        while after < head.seq {
            let left = usize::try_from(head.seq.number() - after.number()).unwrap_or(usize::MAX);
            let lines = store.read(after, left.min(1024))?;
            if lines.is_empty() {
                break;
            }
            for line in &lines {
                after = after.plus(1);
                self.look_at(after, line)?;
            }
        }
        Ok(())
    }

    /// Looks at the line at a place.
    pub(super) fn look_at(&mut self, seq: Seq, line: &str) -> Result<(), LedgerError> {
        if !line.contains("cost_recorded") {
            return Ok(());
        }
        let refused = |source: LineError| LedgerError::Line { seq, source };
        let record = Recorded::from_line(line).map_err(refused)?;
        let is_meant = match self.subject {
            Subject::Phase(id) => self.names.subject_now(&record).phase() == Some(id),
            Subject::Workflow(name) => record.subject.workflow() == Some(name),
            Subject::Ledger => false,
        };
        if let Some(cost) = record.event.cost().filter(|_| is_meant) {
            let at = cost.counts_at.unwrap_or(record.at);
            self.found.extend((at >= self.since).then_some((at, cost.amount)));
        }
        Ok(())
    }
}
