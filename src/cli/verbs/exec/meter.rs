//! What an attempt costs, event by event, and how others ended it while its command ran.
//!
//! ```text
//!  durable? ──grown──▶ ask: what became of it since ──▶ take ──▶ is it passed?
//! ```
//!
//! What is found depends on the events alone, and not on when they are looked at.

use phaseledger::ask;
use phaseledger::ledger::Ledger;
use phaseledger::model::{Amount, PhaseId, Recorded, Seq};
use phaseledger::rules::COST_LIMIT_RULE;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::render;

/// What an attempt has cost since it started, up to its end.
pub struct Meter {
    phase: PhaseId,
    attempt: u32,
    /// The most that it may cost, of `--max-cost`.
    max: Option<Amount>,
    currency: Option<String>,
    /// The last event that was looked at.
    seen: Seq,
    spent: Amount,
    /// What took it over the maximum.
    over: Option<Over>,
    /// How the attempt ended, where it did.
    end: Option<End>,
}

/// The first record that took the cost over the maximum.
struct Over {
    seq: Seq,
    spent: Amount,
    max: Amount,
}

/// The event that ended an attempt.
struct End {
    seq: Seq,
    /// What was said, where it was ended because a record passed a limit.
    limit: Option<String>,
}

impl Meter {
    /// Begins with the event that started the attempt.
    pub fn new(
        (phase, attempt): (PhaseId, u32),
        start: Seq,
        max: Option<Amount>,
        currency: Option<String>,
    ) -> Self {
        Meter { phase, attempt, max, currency, seen: start, spent: Amount::ZERO, over: None, end: None }
    }

    /// Asks what was recorded since the last look.
    pub fn question(&self) -> ask::Attempt {
        let Meter { phase, attempt, seen, .. } = self;
        ask::Attempt { phase: phase.clone(), attempt: *attempt, after: *seen, with_phase: false }
    }

    /// Takes in what was recorded since the last look.
    pub fn take(&mut self, since: &ask::AttemptAnswer) {
        self.seen = since.through;
        self.phase.clone_from(&since.called);
        if self.end.is_some() {
            return;
        }
        for (seq, amount) in &since.costs {
            // What the ledger has taken has no more digits than fit.
            self.spent = self.spent.plus(*amount).unwrap_or(self.spent);
            if let (Some(max), None) = (self.max, &self.over)
                && self.spent > max
            {
                self.over = Some(Over { seq: *seq, spent: self.spent, max });
            }
        }
        self.end = since.end.as_ref().map(|end| End { seq: end.seq, limit: limit(end) });
    }

    /// Looks at what was recorded since the last look.
    pub fn look(&mut self, context: &Context) -> Result<(), Failure> {
        self.take(&ask::now(|| context.open(), &self.question())?);
        Ok(())
    }

    /// Says what took the cost over the maximum.
    pub fn over(&self) -> Option<String> {
        let Over { seq, spent, max } = self.over.as_ref()?;
        let over = spent.minus(*max).unwrap_or(*spent);
        Some(format!("cost {}, {over} over --max-cost {max} (e{seq})", spent.of(&self.currency)))
    }

    /// Returns the event by which the ledger failed the attempt as a record passed a limit, and what it says.
    pub fn limit(&self) -> Option<(Seq, &str)> {
        let End { seq, limit } = self.end.as_ref()?;
        Some((*seq, limit.as_deref()?))
    }

    /// Says why the command is to be stopped; none where it is not.
    pub fn passed(&self) -> Option<String> {
        let limit = || self.limit().map(|(seq, error)| format!("{error} (e{seq})"));
        self.over().or_else(limit)
    }

    /// Says whether the command is to be stopped, and tells so. It reads a plain file, and opens the ledger only
    /// where that says that there is more to see. What cannot be seen now is seen later.
    pub fn calls(&mut self, context: &Context) -> bool {
        let durable = context.home().ok().and_then(|home| Ledger::durable(&home.log()).ok());
        if durable.is_some_and(|durable| durable > self.seen)
            && let Ok(since) = ask::now(|| context.open(), &self.question())
        {
            self.take(&since);
        }
        let Some(passed) = self.passed() else { return false };
        if !context.json {
            output::talk(format_args!("phaseledger: {passed}; stopping the command"));
        }
        true
    }
}

/// Returns what is said by the event that fails an attempt as a record passed a limit.
fn limit(record: &Recorded) -> Option<String> {
    let failed = record.event.failed().filter(|_| record.rule.as_deref() == Some(COST_LIMIT_RULE))?;
    Some(render::one_line(failed.error.as_str()))
}
