//! A batch in the making: commands are decided one after the other, each on what the ones before it left, and
//! become durable together.

mod before;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use self::before::named;
use super::LedgerError;
use super::identity::{self, Once, check_repeats};
use super::loader::Loader;
use super::past::{Before, past};
use super::rows::Changed;
use super::spent::{self, Spent};
use crate::model::{
    Command, CommandId, Declared, Event, FileRole, PhaseRef, Recorded, Seq, StateName, Timestamp,
    WorkflowName,
};
use crate::rules::{
    DATED_BACK, Draft, Happened, Phase, Reach, Rejection, Rest, Resting, Stamp, Table, check_expectations,
    check_new_names, decide, evolve, moment, propagate, reach, rests_on,
};
use crate::store::{Appended, Batch, Entry, Head, Store, StoreError, Times};

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerStatus {
    /// It is in the log, and would survive a power cut.
    Appended,
    /// It was in the log already.
    Duplicate,
    /// It changes nothing: nothing was written.
    Unchanged,
    /// It would be appended.
    Preview,
}

impl AnswerStatus {
    /// Returns what would come of a command of which this came without being written.
    pub(super) fn previewed(self) -> Self {
        match self {
            AnswerStatus::Appended => AnswerStatus::Preview,
            AnswerStatus::Duplicate | AnswerStatus::Unchanged | AnswerStatus::Preview => self,
        }
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What came of it.
    pub status: AnswerStatus,
    /// The command's id.
    pub id: CommandId,
    /// The place of its first event; for an unchanged one, the head.
    pub seq: Seq,
    /// Its events: what was asked for, then what was derived. Those of a duplicate are as they were recorded.
    pub events: Vec<Recorded>,
    /// What its events rest on that took effect later than was claimed, or than it is now; none where nothing did.
    pub raised: Option<Happened>,
}

/// Commands that become durable together. Dropping it forgets what was staged since the last commit.
pub struct Session<'a> {
    store: &'a mut dyn Store,
    head: Head,
    /// When the last event was recorded.
    last: Option<Timestamp>,
    loader: Loader,
    table: Table,
    entries: Vec<Entry>,
    staged: HashMap<CommandId, Seq>,
    /// Commands that the log surely has not.
    ruled_out: HashSet<CommandId>,
    /// When the events took effect that are not in the log yet.
    staged_at: Vec<Timestamp>,
    changed: Changed,
    /// Whether a commit failed: what was staged is forgotten, but the table has it.
    is_over: bool,
}

impl<'a> Session<'a> {
    /// Begins on a head, whoever appends meanwhile: then it cannot be committed.
    pub(super) fn new(
        store: &'a mut dyn Store,
        head: Head,
        preferred: Option<WorkflowName>,
    ) -> Result<Self, LedgerError> {
        let (loader, table) = Loader::new(store, &head)?;
        let table = Table { preferred, ..table };
        let changed = Changed::new(loader.has_everything());
        Ok(Session {
            last: head.times.map(|times| times.recorded_at),
            head,
            loader,
            table,
            store,
            entries: Vec::new(),
            staged: HashMap::new(),
            ruled_out: HashSet::new(),
            staged_at: Vec::new(),
            changed,
            is_over: false,
        })
    }

    /// Looks which of many commands that are to be staged the log surely has not: at once, which is quicker than one by one.
    pub(super) fn rule_out(&mut self, commands: &[Command]) -> Result<(), LedgerError> {
        let ids: Vec<_> = commands.iter().filter(|command| command.may_repeat).map(|of| of.id).collect();
        let may_be = self.store.may_hold(&ids)?;
        self.ruled_out =
            ids.into_iter().zip(may_be).filter(|(_, may_be)| !may_be).map(|(id, _)| id).collect();
        Ok(())
    }

    /// Decides on a command, in the order of DESIGN section 6: id, expectation, rules, what is derived. What
    /// it turns into becomes durable with [`Session::commit`].
    ///
    /// # Errors
    ///
    /// [`LedgerError`]; a command that is refused leaves what was staged before it as it was. After a commit that failed
    /// the session is over: [`StoreError::Moved`].
    pub fn stage(&mut self, command: &Command, now: Timestamp) -> Result<Answer, LedgerError> {
        self.stage_as(command, None, now)
    }

    /// Decides on a command that was recorded once, as [`Session::stage`], and keeps what its caller asked for then, so that
    /// it is known again when it is sent once more.
    pub(super) fn stage_as(
        &mut self,
        command: &Command,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<Answer, LedgerError> {
        self.check_goes_on()?;
        if let Some(answer) = self.known(command)? {
            return Ok(answer);
        }
        if let Some(key) = &command.key {
            key.check().map_err(Rejection::from)?;
        }
        if named(&command.action).is_some() {
            // What it names is looked for among all names.
            self.load_names()?;
        }
        let command = self.with_past(command)?;
        let reach = (reach(&command.action), command.action.phase());
        self.loader.load(self.store, &self.head, &mut self.table, reach)?;
        // What was recorded once, and what is made up for what is lost, has the names that there were.
        if once.is_none() && command.inferred.is_none_or(|repair| repair == DATED_BACK) {
            check_new_names(&self.table, &command.action)?;
        }
        check_expectations(&self.table, &command)?;
        let mut moment = moment(self.last, now, command.claimed())?;
        let command = &*self.with_spent(command, moment.at)?;
        let mut drafts = decide(&self.table, command, moment.at)?;
        let raised = self.latest_rest(&drafts, command)?.filter(|rest| rest.at > moment.at);
        if let Some(rest) = raised {
            moment.at = rest.at;
            drafts = decide(&self.table, command, moment.at)?;
        }
        let stamp = Stamp::new(command, moment, self.table.head);
        let stamped = drafts.into_iter().enumerate();
        let mut decided: Vec<Recorded> = stamped.map(|(index, draft)| stamp.record(index, draft)).collect();
        identity::keep(&mut decided, command, once);
        let mut events = Vec::with_capacity(decided.len());
        for record in decided {
            events.push(self.apply(record)?);
        }
        let mut done = 0;
        while done < events.len() {
            let is_failed = |record: &Recorded| matches!(record.event, Event::PhaseFailed(_));
            if done > 0 && events.iter().skip(done).any(is_failed) {
                // A limit failed the attempt: what is below is judged, which a cost does not reach.
                let around = (Reach::Around, command.action.phase());
                self.loader.load(self.store, &self.head, &mut self.table, around)?;
            }
            let drafts = propagate(&self.table, &events, done);
            done = events.len();
            for draft in drafts {
                events.push(self.apply(stamp.record(events.len(), draft))?);
            }
        }
        let status = if events.is_empty() { AnswerStatus::Unchanged } else { AnswerStatus::Appended };
        let seq = events.first().map_or(self.table.head, |first| first.seq);
        if !events.is_empty() {
            self.last = Some(moment.recorded_at);
            self.staged.insert(command.id, seq);
        }
        let raised = raised.filter(|_| !events.is_empty());
        Ok(Answer { status, id: command.id, seq, events, raised })
    }

    /// Returns a command with what the log has of the one that it takes back, or of the reservation that it names.
    fn with_past<'b>(&self, command: &'b Command) -> Result<Cow<'b, Command>, LedgerError> {
        let Some(named) = named(&command.action) else { return Ok(Cow::Borrowed(command)) };
        let past = match self.find(CommandId::new(named.uuid()))? {
            Some(first) => Some(Box::new(past(self, first)?)),
            None => None,
        };
        Ok(Cow::Owned(Command { past, ..command.clone() }))
    }

    /// Returns a command that sets the limit of a period with what was spent lately of what it is for.
    fn with_spent<'b>(
        &self,
        command: Cow<'b, Command>,
        at: Timestamp,
    ) -> Result<Cow<'b, Command>, LedgerError> {
        let subject = spent::subject(&self.table, &command);
        let Some(subject) = subject else { return Ok(command) };
        let mut spent = Spent::since(&subject, &self.table, at);
        spent.look_through(self.store, &self.head)?;
        for (entry, seq) in self.entries.iter().zip(self.head.seq.number() + 1..) {
            spent.look_at(Seq::new(seq), &entry.line)?;
        }
        let mut command = command.into_owned();
        command.past.get_or_insert_default().spent = spent.found;
        Ok(Cow::Owned(command))
    }

    /// Returns what took effect last of all that a command's events rest on.
    fn latest_rest(&self, drafts: &[Draft], command: &Command) -> Result<Option<Happened>, LedgerError> {
        let mut latest: Option<Happened> = None;
        for draft in drafts {
            for Rest { seq, at } in rests_on(&self.table, &Resting::draft(draft, command.inferred)) {
                // What the command records itself takes effect when all of it does.
                if seq > self.table.head {
                    continue;
                }
                let at = at.map_or_else(|| self.time_of(seq), Ok)?;
                if latest.is_none_or(|latest| (latest.at, latest.seq) < (at, seq)) {
                    latest = Some(Happened { seq, at });
                }
            }
        }
        Ok(latest)
    }

    /// Returns when an event took effect, staged or in the log.
    fn time_of(&self, seq: Seq) -> Result<Timestamp, LedgerError> {
        if let Some(staged) = seq.number().checked_sub(self.head.seq.number() + 1) {
            let staged = usize::try_from(staged).ok().and_then(|staged| self.staged_at.get(staged));
            return Ok(*staged.expect("what a table names is staged or in the log"));
        }
        Ok(self.record(seq)?.at)
    }

    /// Writes what was staged, and returns once it would survive a power cut.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`]: [`StoreError::Moved`] where others have appended since the session began, so
    /// that all of it is to be staged again in a new one; [`StoreError::Unknown`] where it may have been written.
    pub fn commit(&mut self) -> Result<(), LedgerError> {
        self.check_goes_on()?;
        if self.entries.is_empty() {
            return Ok(());
        }
        let rows = self.changed.rows(&self.table);
        let batch = Batch { entries: std::mem::take(&mut self.entries), rows };
        self.is_over = true;
        match self.store.append(&self.head, &batch)? {
            Appended::Done(head) => self.head = head,
            Appended::Conflict(_) => return Err(StoreError::Moved.into()),
            Appended::Unknown => return Err(StoreError::Unknown.into()),
        }
        self.staged.clear();
        // By now it has those that were staged.
        self.ruled_out.clear();
        self.staged_at.clear();
        self.changed = Changed::default();
        self.is_over = false;
        Ok(())
    }

    /// What is staged after a commit that failed would follow events that are not in the log.
    fn check_goes_on(&self) -> Result<(), StoreError> {
        if self.is_over { Err(StoreError::Moved) } else { Ok(()) }
    }

    /// Forgets the lines that are staged but goes on from where they lead, so that what follows can be tried
    /// without keeping it all. Nothing can be committed after that.
    pub(super) fn forget_staged(&mut self) {
        self.entries.clear();
        self.staged.clear();
    }

    /// Returns the place of a command's first event, staged or in the log.
    pub(super) fn find(&self, id: CommandId) -> Result<Option<Seq>, LedgerError> {
        match self.staged.get(&id) {
            Some(seq) => Ok(Some(*seq)),
            None if self.ruled_out.contains(&id) => Ok(None),
            None => Ok(self.store.find(id)?),
        }
    }

    /// Loads all workflows and tags: those that a command names are loaded with it.
    pub(super) fn load_names(&mut self) -> Result<(), LedgerError> {
        self.loader.load(self.store, &self.head, &mut self.table, (Reach::NoPhase, None))
    }

    /// Returns a phase as it is with everything that is staged.
    ///
    /// # Errors
    ///
    /// [`Rejection`](crate::rules::Rejection) for a name that no phase has, or several have; what the machine refuses.
    pub fn phase(&mut self, phase: &PhaseRef) -> Result<&Phase, LedgerError> {
        self.loader.load(self.store, &self.head, &mut self.table, (Reach::Phase, Some(phase)))?;
        Ok(self.table.resolve(phase)?)
    }

    /// Returns where a phase stands.
    pub(super) fn state(&mut self, phase: &PhaseRef) -> Result<StateName, LedgerError> {
        Ok(self.phase(phase)?.state.name())
    }

    /// Returns the files that the command's phase declares and the command lacks, role by role: to be fingerprinted before it
    /// is staged, while nobody holds the ledger. None where the phase declares none or cannot be told, where the caller stated
    /// the files, for every verb but `start`, `complete` and `accept`, and for a command that is recorded already.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]; an id of another command is one.
    pub fn declared(&mut self, command: &Command) -> Result<Vec<Declared>, LedgerError> {
        let lacks = |role: &FileRole| command.action.lacks_files(*role).is_some();
        let roles: Vec<FileRole> = FileRole::ALL.into_iter().filter(lacks).collect();
        let Some(name) = command.action.phase().filter(|_| !roles.is_empty()) else { return Ok(Vec::new()) };
        self.loader.load(self.store, &self.head, &mut self.table, (Reach::Phase, Some(name)))?;
        // A name that is refused is refused when the command is staged.
        let Ok(phase) = self.table.resolve(name) else { return Ok(Vec::new()) };
        let declared: Vec<Declared> = roles.into_iter().filter_map(|role| phase.declared(role)).collect();
        Ok(if declared.is_empty() || self.known(command)?.is_some() { Vec::new() } else { declared })
    }

    /// Returns when the last event was recorded.
    pub(super) fn last_recorded_at(&self) -> Option<Timestamp> {
        self.last
    }

    /// Returns the table as it is with everything that is staged. It may be partial.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the last event that is in the log, as far as the session knows.
    pub(super) fn head(&self) -> Seq {
        self.head.seq
    }

    /// Returns how many events are staged.
    pub fn staged_events(&self) -> usize {
        self.entries.len()
    }

    fn apply(&mut self, record: Recorded) -> Result<Recorded, LedgerError> {
        self.changed.add(evolve(&mut self.table, &record)?);
        self.staged_at.push(record.at);
        self.entries.push(Entry {
            command_id: record.command_id,
            times: Times { at: record.at, recorded_at: record.recorded_at },
            line: record.to_line(),
        });
        Ok(record)
    }

    /// Looks a command up among those staged and those in the log.
    fn known(&self, command: &Command) -> Result<Option<Answer>, LedgerError> {
        if !command.may_repeat {
            return Ok(None);
        }
        let Some(seq) = self.find(command.id)? else { return Ok(None) };
        let events = self.events_of(seq)?;
        check_repeats(command, &events)?;
        Ok(Some(Answer { status: AnswerStatus::Duplicate, id: command.id, seq, events, raised: None }))
    }

    /// Returns the events of the command whose first event is at a place, staged or in the log: as a whole in one of them.
    fn events_of(&self, first: Seq) -> Result<Vec<Recorded>, LedgerError> {
        if first <= self.head.seq {
            return identity::events_of(self.store, first, self.head.seq);
        }
        let mut events = vec![self.record(first)?];
        for seq in (1..).map(|count| first.plus(count)).take_while(|seq| *seq <= self.table.head) {
            let record = self.record(seq)?;
            if record.command_id != events[0].command_id {
                break;
            }
            events.push(record);
        }
        Ok(events)
    }
}
