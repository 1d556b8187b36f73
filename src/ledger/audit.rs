//! Following a log line by line: what each event says against what is known of those before it.

use super::derived::Derivation;
use super::lines::ReadLine;
use crate::model::{CommandId, EventId, LineError, Recorded, Seq, Timestamp};
use crate::rules::{Impossible, Resting, Table, evolve, rests_on};
use crate::store::Frontier;

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A line is not an event.
    #[error("event {seq} cannot be read: {source}")]
    Line {
        /// Its place.
        seq: Seq,
        /// Why not.
        source: LineError,
    },
    /// An event cannot follow what is before it.
    #[error(transparent)]
    Impossible(#[from] Impossible),
    /// An event is not what the format says.
    #[error("event {seq} is not as it was written: {found}")]
    Broken {
        /// Its place.
        seq: Seq,
        /// What was found, and what was expected.
        found: String,
    },
    /// What rules derived is not what they derive.
    #[error("event {seq} is not what the rules derive: {found}")]
    Derived {
        /// Its place.
        seq: Seq,
        /// What they derive.
        found: String,
    },
    /// The end of the log is not where it was left.
    #[error("the log is not as it was written: {found}")]
    Head {
        /// What was found, and what was expected.
        found: String,
    },
}

/// What is kept of an event: its id, the place of its root, and when it took effect.
#[derive(Debug)]
struct Seen {
    id: EventId,
    root: Seq,
    at: i64,
}

/// What is to be known of an event for the one behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Followed {
    version: u32,
    pub(super) seq: Seq,
    pub(super) command_id: CommandId,
    pub(super) at: Timestamp,
    pub(super) recorded_at: Timestamp,
    occurred_at: Option<Timestamp>,
    clock: Option<Timestamp>,
}

impl Followed {
    fn new(record: &Recorded) -> Self {
        Followed {
            version: record.version,
            seq: record.seq,
            command_id: record.command_id,
            at: record.at,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            clock: record.clock,
        }
    }

    fn times(&self) -> (Timestamp, Option<Timestamp>, Option<Timestamp>) {
        (self.at, self.occurred_at, self.clock)
    }
}

/// Follows a log from its start, checking line by line.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) table: Table,
    pub(super) frontier: Frontier,
    pub(super) commands: u64,
    pub(super) clock_behind: u64,
    /// Whether what rules derived is what they derive, where that is asked.
    derivation: Option<Derivation>,
    /// The first that they do not: it is told where nothing else is wrong.
    underived: Option<VerifyError>,
    /// What is known of each event so far.
    seen: Vec<Seen>,
    last: Option<Followed>,
    /// How many events of the command under way have been seen.
    in_command: usize,
}

impl Audit {
    /// Begins to follow a log, checking what rules derived as well.
    pub(super) fn deriving() -> Self {
        Audit { derivation: Some(Derivation::default()), ..Audit::default() }
    }

    /// Returns how many derived events are what is derived anew, and how many are of the first release.
    pub(super) fn derived(&self) -> (u64, u64) {
        self.derivation.as_ref().map_or((0, 0), |derivation| (derivation.anew, derivation.older))
    }

    /// Returns the first derived event that is not what is derived.
    pub(super) fn take_underived(&mut self) -> Result<(), VerifyError> {
        self.underived.take().map_or(Ok(()), Err)
    }

    /// Checks the next line.
    pub(super) fn follow(&mut self, line: ReadLine) -> Result<Followed, VerifyError> {
        let seq = self.table.head.plus(1);
        let record = line.record.map_err(|source| VerifyError::Line { seq, source })?;
        self.check_place(&record).map_err(|found| VerifyError::Broken { seq, found })?;
        let root = self.check_causes(&record).map_err(|found| VerifyError::Broken { seq, found })?;
        self.check_rests(&record).map_err(|found| VerifyError::Broken { seq, found })?;
        self.follow_derived(&record);
        evolve(&mut self.table, &record)?;
        self.frontier.push_leaf(&line.leaf);
        self.seen.push(Seen { id: record.id, root, at: record.at.micros() });
        self.clock_behind += u64::from(record.clock.is_some());
        let followed = *self.last.insert(Followed::new(&record));
        if let Some(derivation) = &mut self.derivation {
            derivation.take(record);
        }
        Ok(followed)
    }

    /// Checks the id, the command and the times against the event before.
    fn check_place(&mut self, record: &Recorded) -> Result<(), String> {
        let before = self.last.as_ref();
        let same_command = before.is_some_and(|before| before.command_id == record.command_id);
        self.in_command = if same_command { self.in_command + 1 } else { 0 };
        self.commands += u64::from(!same_command);
        let expected = record.command_id.event(self.in_command);
        if record.id != expected {
            return Err(format!("its id is {}, expected {expected}", record.id));
        }
        if record.command_digest.is_some() == same_command {
            return Err("the first event of a command, and no other, has a digest".to_owned());
        }
        if record.key.as_ref().is_some_and(|key| same_command || key.id() != record.command_id) {
            return Err("its key is not that of its command's id".to_owned());
        }
        check_times(record)?;
        let Some(before) = before else { return Ok(()) };
        if record.version < before.version {
            return Err(format!(
                "its form is that of version {}, that of event {} of version {}",
                record.version, before.seq, before.version
            ));
        }
        // In the first form what took effect never lay before the event in front of it.
        if record.version == 1 && record.at < before.at {
            return Err(format!(
                "it took effect at {}, before event {} at {}",
                record.at, before.seq, before.at
            ));
        }
        if record.version > 1 && same_command && Followed::new(record).times() != before.times() {
            return Err(format!("its times are not those of event {}, of the same command", before.seq));
        }
        let in_order = match same_command {
            true => record.recorded_at == before.recorded_at,
            false => record.recorded_at > before.recorded_at,
        };
        match in_order {
            true => Ok(()),
            false => Err(format!(
                "it was recorded at {}, event {} at {}",
                record.recorded_at, before.seq, before.recorded_at
            )),
        }
    }

    /// Checks that the event did not take effect before what it rests on.
    fn check_rests(&self, record: &Recorded) -> Result<(), String> {
        if record.version == 1 {
            return Ok(());
        }
        for rest in rests_on(&self.table, &Resting::recorded(record)) {
            let at = rest.at.or_else(|| Timestamp::from_micros(self.seen_at(rest.seq)?.at));
            if at.is_some_and(|at| record.at < at) {
                let at = at.map_or_else(String::new, |at| at.to_string());
                return Err(format!(
                    "it took effect at {}, before event {} at {at}, which it rests on",
                    record.at, rest.seq
                ));
            }
        }
        Ok(())
    }

    /// Follows, where that is asked, what its command derives, and whether all that the command before derived is there.
    fn follow_derived(&mut self, record: &Recorded) {
        // In front of a hole a command may have lost what it derived.
        let gap = record.event.imported().is_some_and(|history| history.gap.is_some());
        if self.in_command == 0 && gap {
            self.derivation.iter_mut().for_each(Derivation::forget);
        } else if self.in_command == 0 {
            self.end_derived();
        }
        self.derive(record.seq, |derivation, table| derivation.follow(table, record));
    }

    /// Checks, where that is asked, that all that the last command derived is there.
    pub(super) fn end_derived(&mut self) {
        self.derive(self.table.head, Derivation::end);
    }

    fn derive(&mut self, seq: Seq, check: impl FnOnce(&mut Derivation, &Table) -> Result<(), String>) {
        let Some(derivation) = &mut self.derivation else { return };
        if let Err(found) = check(derivation, &self.table) {
            self.underived.get_or_insert(VerifyError::Derived { seq, found });
            derivation.forget();
        }
    }

    fn seen_at(&self, seq: Seq) -> Option<&Seen> {
        self.seen.get(usize::try_from(seq.number()).ok()?.checked_sub(1)?)
    }

    /// Checks that every cause is the event that it says, and that the root is that of the first cause. Returns its place.
    fn check_causes(&self, record: &Recorded) -> Result<Seq, String> {
        let mut place = None;
        for cause in &record.causes {
            match self.seen_at(cause.event.seq) {
                Some(seen) if seen.id == cause.event.id => place = place.or(Some(seen.root)),
                Some(_) | None => {
                    return Err(format!("its cause {} is not event {}", cause.event.id, cause.event.seq));
                }
            }
        }
        let root = place.and_then(|place| self.seen_at(place)).map_or(record.id, |seen| seen.id);
        if record.correlation_id != root {
            return Err(format!("its root is {}, expected {root}", record.correlation_id));
        }
        Ok(place.unwrap_or(record.seq))
    }
}

/// Checks the times of an event against one another.
fn check_times(record: &Recorded) -> Result<(), String> {
    if let Some(claimed) = record.occurred_at.filter(|claimed| *claimed >= record.at) {
        return Err(format!("it keeps a claim of {claimed}, but took effect at {}", record.at));
    }
    if let Some(clock) = record.clock.filter(|clock| *clock >= record.recorded_at) {
        return Err(format!("the clock was at {clock}, not behind {}", record.recorded_at));
    }
    Ok(())
}
