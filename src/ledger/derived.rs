//! Whether what rules derived is what they derive: each command of this edition is propagated anew from the events that
//! somebody asked for.

use std::collections::VecDeque;

use crate::model::Recorded;
use crate::rules::{Draft, Table, is_forced, propagate};

/// Follows a log, deriving anew what each command forced.
#[derive(Debug, Default)]
pub(super) struct Derivation {
    /// The events of the command under way.
    events: Vec<Recorded>,
    /// Of how many of them it is known what they force.
    done: usize,
    /// What they force and is not there yet.
    expected: VecDeque<Draft>,
    /// Whether the event that was checked last is one to derive from.
    awaits: bool,
    /// How many derived events are what is derived.
    pub(super) anew: u64,
    /// How many are of the first release, whose rules were others.
    pub(super) older: u64,
}

impl Derivation {
    /// Checks the next event; the table is that in front of it. Says what is wrong with it. What it forces is derived once it
    /// is taken.
    pub(super) fn follow(&mut self, table: &Table, record: &Recorded) -> Result<(), String> {
        self.awaits = false;
        if record.version == 1 {
            self.older += u64::from(record.rule.is_some());
            return Ok(());
        }
        if is_forced(record) {
            self.derive(table);
            let draft = self.expected.pop_front();
            if draft.as_ref().is_none_or(|draft| !is_drafted(draft, record)) {
                let expected = draft.as_ref().map_or_else(|| "nothing".to_owned(), told);
                return Err(format!("its rule derives {expected} here"));
            }
            self.anew += 1;
        } else if let Some(draft) = self.expected.front() {
            return Err(format!("its command derives {} in front of it", told(draft)));
        }
        self.awaits = true;
        Ok(())
    }

    /// Takes the event that was checked last, which is folded in by now.
    pub(super) fn take(&mut self, record: Recorded) {
        if self.awaits {
            self.events.push(record);
        }
    }

    /// Ends the command under way; the table is that after it. Says what is missing.
    pub(super) fn end(&mut self, table: &Table) -> Result<(), String> {
        self.derive(table);
        if let Some(draft) = self.expected.front() {
            return Err(format!("its command derives {} after it", told(draft)));
        }
        self.forget();
        Ok(())
    }

    /// Leaves the command under way.
    pub(super) fn forget(&mut self) {
        self.events.clear();
        self.expected.clear();
        self.done = 0;
    }

    /// Derives what the events force of which that is not known yet, once all that was known is there.
    fn derive(&mut self, table: &Table) {
        if self.expected.is_empty() && self.done < self.events.len() {
            self.expected = propagate(table, &self.events, self.done).into();
            self.done = self.events.len();
        }
    }
}

fn told(draft: &Draft) -> String {
    let kind = draft.event.kind();
    draft.subject.phase().map_or_else(|| format!("`{kind}`"), |phase| format!("`{kind}` of {phase}"))
}

fn is_drafted(draft: &Draft, record: &Recorded) -> bool {
    draft.event == record.event
        && draft.subject == record.subject
        && draft.transition == record.transition
        && draft.rule == record.rule.as_deref()
        && draft.causes == record.causes
        && draft.root == record.correlation_id
}
