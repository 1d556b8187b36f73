//! A cut: which events count for a question, and what can be read of them.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::AskError;
use super::reader::{Lines, Piece, Reader, decode, each_piece, next_bundle};
use crate::ledger::{Head, Ledger, Sought};
use crate::model::{Digest, EventId, PhaseRef, Places, Recorded, Seq, Span, Timestamp, WorkflowName};
use crate::query::{Proven, phase_named};
use crate::rules::{Approval, Names, Table, Workflow};

/// Which events an answer is as of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsOf {
    /// The place up to which every event counts; zero before the first event.
    pub seq: Seq,
    /// When its event took effect.
    pub at: Option<Timestamp>,
    /// When its event was recorded.
    pub recorded_at: Option<Timestamp>,
    /// The places of the events that count as well, though one in front of them does not: they were recorded late. An
    /// answer lists the first 32 in `late`, and counts the others in `late_more`.
    #[serde(flatten, serialize_with = "first_places")]
    pub late: Places,
}

/// How many late events an answer lists.
const LATE_LISTED_MAX: usize = 32;

impl AsOf {
    /// Returns the last place that counts.
    pub fn last(&self) -> Seq {
        self.late.last().max(self.seq)
    }
}

fn first_places<S: Serializer>(places: &Places, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Listed {
        late: Vec<Seq>,
        #[serde(skip_serializing_if = "Option::is_none")]
        late_more: Option<u64>,
    }
    let late: Vec<Seq> = places.iter().take(LATE_LISTED_MAX).collect();
    let more = places.count() - late.len() as u64;
    Listed { late, late_more: (more > 0).then_some(more) }.serialize(to)
}

/// Writes the place, and how many were recorded later: `e120 and 3 recorded later (e131 …)`.
impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.seq)?;
        match (self.late.iter().next(), self.late.count()) {
            (None, _) => Ok(()),
            (Some(only), 1) => write!(f, " and 1 recorded later (e{only})"),
            (Some(first), count) => write!(f, " and {count} recorded later (e{first} …)"),
        }
    }
}

/// The events that count for a question. The head is read once; the table is made when it is asked for first.
pub struct Cut<'a> {
    pub(super) ledger: RefCell<&'a mut Ledger>,
    reader: RefCell<Reader>,
    pub(super) head: Head,
    places: Places,
    as_of: AsOf,
    /// The instant that is asked about, where that is told.
    pub(super) instant: Option<Timestamp>,
    table: OnceCell<Arc<Table>>,
    watch: RefCell<&'a mut dyn FnMut(u64, u64)>,
}

impl<'a> Cut<'a> {
    /// Takes all that is in the log.
    pub(super) fn whole(
        ledger: &'a mut Ledger,
        watch: &'a mut dyn FnMut(u64, u64),
    ) -> Result<Self, AskError> {
        let head = ledger.head()?;
        let (at, recorded_at) = head.times.map(|times| (times.at, times.recorded_at)).unzip();
        Ok(Cut {
            ledger: RefCell::new(ledger),
            reader: RefCell::new(Reader::default()),
            places: Places::up_to(head.seq),
            as_of: AsOf { seq: head.seq, at, recorded_at, late: Places::default() },
            head,
            instant: None,
            table: OnceCell::new(),
            watch: RefCell::new(watch),
        })
    }

    /// Takes the events at these places, and no others.
    pub(super) fn of(mut self, places: Places) -> Result<Self, AskError> {
        self.as_of = self.as_of_places(&places)?;
        self.places = places;
        Ok(self)
    }

    /// Returns which events answers are as of.
    pub fn as_of(&self) -> &AsOf {
        &self.as_of
    }

    /// Returns the instant that is asked about: the one that was given, now where nothing else was, or else when the last of
    /// the events took effect; none in an empty log.
    pub fn instant(&self) -> Option<Timestamp> {
        self.instant.or(self.as_of.at)
    }

    /// Says whether those are all that are in the log.
    pub fn is_head(&self) -> bool {
        self.places == Places::up_to(self.head.seq)
    }

    /// Says whether an event counts.
    pub fn holds(&self, seq: Seq) -> bool {
        self.places.holds(seq)
    }

    /// Returns the places of all the events that count.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Returns places of events that count, among which all are that are looked for; others may be there too.
    ///
    /// # Errors
    ///
    /// [`AskError`] for a log that cannot be read.
    pub fn places_of(&self, sought: Sought<'_>) -> Result<Places, AskError> {
        let within = Span { after: Seq::ZERO, through: self.places.last() };
        Ok(self.places.and(&self.ledger.borrow().places_of(sought, within)?))
    }

    /// As [`Cut::places_of`], of the events about a phase, by whatever name each had.
    pub(super) fn places_about(&self, names: &Names) -> Result<Places, AskError> {
        let former = names.former().iter().map(|(name, _)| name);
        let mut places = Places::default();
        for name in former.chain([names.now()]) {
            places = places.or(&self.places_of(Sought::Phase(&name.to_string()))?);
        }
        Ok(places)
    }

    /// Returns the table that the events add up to.
    ///
    /// # Errors
    ///
    /// [`AskError`] for a log that cannot be read.
    pub fn table(&self) -> Result<Arc<Table>, AskError> {
        if let Some(table) = self.table.get() {
            return Ok(Arc::clone(table));
        }
        let table = match self.is_head() {
            true => self.ledger.borrow().table_of(&self.head)?,
            false => self.ledger.borrow().table_of_places(&self.places)?,
        };
        Ok(Arc::clone(self.table.get_or_init(|| Arc::new(table))))
    }

    /// Returns the table of a part of the events that count: those before an end of a range.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn table_of(&self, places: &Places) -> Result<Table, AskError> {
        Ok(self.ledger.borrow().table_of_places(places)?)
    }

    /// Returns the root over the lines of the events.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn root(&self) -> Result<Digest, AskError> {
        Ok(self.ledger.borrow().root_of(&self.places)?)
    }

    /// Returns a workflow, a retired one too, for no name the only one in force; quicker than the whole table where that is
    /// not asked for as well.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`]; a workflow that is not defined is one, and no name where there is none or several.
    pub fn workflow(&self, name: Option<&WorkflowName>) -> Result<Workflow, AskError> {
        let table = self.table_of_names()?;
        let found = match name {
            Some(name) => table.known_workflow(name),
            None => table.workflow(None),
        };
        Ok(found?.clone())
    }

    /// Returns a table that has all workflows, and so what phases were called, and all tags; quicker than the whole one, of
    /// which it may have the rest.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn table_of_names(&self) -> Result<Arc<Table>, AskError> {
        match self.is_head() && self.table.get().is_none() {
            true => Ok(Arc::new(self.ledger.borrow().small_table_of(&self.head)?)),
            false => self.table(),
        }
    }

    /// Returns a table that has the phases which a name may mean, and all workflows; quicker than the whole one.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn table_about(&self, phase: &PhaseRef) -> Result<Arc<Table>, AskError> {
        match self.is_head() && self.table.get().is_none() {
            true => Ok(Arc::new(self.ledger.borrow().table_about(&self.head, phase)?)),
            false => self.table(),
        }
    }

    /// Returns a table that has phases by these names with all that is above them and what needs them, the requests for
    /// approval, and all workflows; quicker than the whole one, of which it may have the rest.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn table_above(&self, phases: &[PhaseRef]) -> Result<Arc<Table>, AskError> {
        if self.table.get().is_some() {
            return self.table();
        }
        let table = match self.is_head() {
            true => Some(self.ledger.borrow().table_above(&self.head, phases)?),
            false => self.ledger.borrow().table_above_at(&self.places, phases)?,
        };
        // What is not found so is looked for everywhere, and refused by what there is.
        let is_there = |table: &Table| phases.iter().all(|phase| phase_named(table, phase).is_ok());
        table.filter(is_there).map_or_else(|| self.table(), |table| Ok(Arc::new(table)))
    }

    /// Returns the requests for approval whose ids start so: a whole id, or the start of one up to its first dash.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn approvals(&self, start: &str) -> Result<BTreeMap<EventId, Approval>, AskError> {
        if self.is_head() {
            return Ok(self.ledger.borrow().approvals_of(&self.head, start)?);
        }
        let mut all = self.table()?.approvals.clone();
        all.retain(|id, _| id.to_string().starts_with(start));
        Ok(all)
    }

    /// Says which events those at some places are.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn as_of_places(&self, places: &Places) -> Result<AsOf, AskError> {
        let record = match places.prefix() {
            Seq::ZERO => None,
            seq => Some(self.record(seq)?),
        };
        let (at, recorded_at) = record.map(|record| (record.at, record.recorded_at)).unzip();
        Ok(AsOf { seq: places.prefix(), at, recorded_at, late: places.late() })
    }

    /// Returns an event with its proof: one that is in the log.
    ///
    /// # Errors
    ///
    /// [`AskError`] for a log that cannot be read, or has no such event.
    pub fn event(&self, seq: Seq) -> Result<Proven, AskError> {
        self.reader.borrow_mut().event(seq, self.head.seq, &self.ledger.borrow())
    }

    /// Returns an event: one that is in the log.
    ///
    /// # Errors
    ///
    /// As [`Cut::event`].
    pub fn record(&self, seq: Seq) -> Result<Recorded, AskError> {
        self.reader.borrow_mut().record(seq, self.head.seq, &self.ledger.borrow())
    }

    /// Returns the line of an event, byte for byte.
    ///
    /// # Errors
    ///
    /// As [`Cut::event`].
    pub fn line(&self, seq: Seq) -> Result<String, AskError> {
        self.reader.borrow_mut().line(seq, self.head.seq, &self.ledger.borrow()).map(str::to_owned)
    }

    /// Takes each event at some places, in order.
    ///
    /// # Errors
    ///
    /// As [`Cut::event`], and those of `take`.
    pub fn each(
        &self,
        places: &Places,
        mut take: impl FnMut(Recorded) -> Result<(), AskError>,
    ) -> Result<(), AskError> {
        self.each_line(places, |seq, line| take(decode(seq, line)?))
    }

    /// Takes the line of each event at some places, in order.
    ///
    /// # Errors
    ///
    /// As [`Cut::each`].
    pub fn each_line(
        &self,
        places: &Places,
        mut take: impl FnMut(Seq, &str) -> Result<(), AskError>,
    ) -> Result<(), AskError> {
        // A reader of its own: whoever takes a line may ask the cut for more.
        let mut reader = Reader::default();
        let all = places.count();
        for (done, seq) in places.iter().enumerate() {
            let line = reader.line(seq, self.head.seq, &self.ledger.borrow())?;
            take(seq, line)?;
            (self.watch.borrow_mut())(done as u64 + 1, all);
        }
        Ok(())
    }

    /// Takes what `work` makes of lines that are kept together, among which some places are; most of these had better be
    /// near one another. Some are worked on ahead, on other threads where there are any. What went by last is at hand for
    /// whoever asks the cut for one of its events meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Cut::event`], and those of `take`.
    pub(super) fn each_piece<T: Send>(
        &self,
        places: &Places,
        work: impl Fn(&Piece) -> T + Sync,
        mut take: impl FnMut(T) -> Result<(), AskError>,
    ) -> Result<(), AskError> {
        let (all, mut done) = (places.count(), 0);
        let mut read = Seq::ZERO;
        let next = || next_bundle(&self.ledger.borrow(), places, &mut read);
        each_piece(next, work, |part, worked| {
            done = all.min(done + part.count());
            self.reader.borrow_mut().keep(part);
            take(worked)?;
            (self.watch.borrow_mut())(done, all);
            Ok(())
        })
    }

    /// Begins to read events that may be longer than memory: see [`Lines`].
    ///
    /// # Errors
    ///
    /// As [`Cut::event`].
    pub fn lines(&self, places: Places) -> Result<Lines, AskError> {
        Lines::begin(&self.ledger.borrow(), places)
    }
}
