//! A cut: which events count for a question, and what can be read of them.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::AskError;
use super::reader::{Lines, Reader, decode};
use crate::ledger::{Head, Ledger};
use crate::model::{Digest, EventId, PhaseRef, Recorded, Seq, Span, Timestamp, WorkflowName};
use crate::query::Proven;
use crate::rules::{Approval, Table, Workflow};

/// The place that an answer is as of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AsOf {
    /// The place; zero before the first event.
    pub seq: Seq,
    /// When its event took effect.
    pub at: Option<Timestamp>,
    /// When its event was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// The events that count for a question. The head is read once; the table is made when it is asked for first.
pub struct Cut<'a> {
    pub(super) ledger: RefCell<&'a mut Ledger>,
    reader: RefCell<Reader>,
    pub(super) head: Head,
    as_of: AsOf,
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
            as_of: AsOf { seq: head.seq, at, recorded_at },
            head,
            table: OnceCell::new(),
            watch: RefCell::new(watch),
        })
    }

    /// Takes what is in the log up to a place.
    pub(super) fn up_to(mut self, seq: Seq) -> Result<Self, AskError> {
        self.as_of = self.as_of_place(seq)?;
        Ok(self)
    }

    /// Returns the place that answers are as of.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// Says whether that is the end of the log.
    pub fn is_head(&self) -> bool {
        self.as_of.seq == self.head.seq
    }

    /// Returns all the events that count, as places.
    pub fn span(&self) -> Span {
        Span { after: Seq::ZERO, through: self.as_of.seq }
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
            false => self.ledger.borrow().table_at(self.as_of.seq)?,
        };
        Ok(Arc::clone(self.table.get_or_init(|| Arc::new(table))))
    }

    /// Returns the table after a place that counts.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn table_after(&self, seq: Seq) -> Result<Table, AskError> {
        Ok(self.ledger.borrow().table_at(seq)?)
    }

    /// Returns the root over the lines of the events.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn root(&self) -> Result<Digest, AskError> {
        Ok(self.ledger.borrow().root_at(self.as_of.seq)?)
    }

    /// Returns a workflow, for no name the only one; quicker than the whole table where that is not asked for as well.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`]; a workflow that is not defined is one, and no name where there is none or several.
    pub fn workflow(&self, name: Option<&WorkflowName>) -> Result<Workflow, AskError> {
        let found = |table: &Table| table.workflow(name).cloned();
        match self.is_head() && self.table.get().is_none() {
            true => Ok(found(&self.ledger.borrow().small_table_of(&self.head)?)?),
            false => Ok(found(&*self.table()?)?),
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

    /// Returns the place and the times of an event.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub fn as_of_place(&self, seq: Seq) -> Result<AsOf, AskError> {
        let record = match seq {
            Seq::ZERO => None,
            _ => Some(self.record(seq)?),
        };
        let (at, recorded_at) = record.map(|record| (record.at, record.recorded_at)).unzip();
        Ok(AsOf { seq, at, recorded_at })
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

    /// Takes each event of a part of the log, in order.
    ///
    /// # Errors
    ///
    /// As [`Cut::event`], and those of `take`.
    pub fn each(
        &self,
        span: Span,
        mut take: impl FnMut(Recorded) -> Result<(), AskError>,
    ) -> Result<(), AskError> {
        self.each_line(span, |seq, line| take(decode(seq, line)?))
    }

    /// Takes the line of each event of a part of the log, in order.
    ///
    /// # Errors
    ///
    /// As [`Cut::each`].
    pub fn each_line(
        &self,
        span: Span,
        mut take: impl FnMut(Seq, &str) -> Result<(), AskError>,
    ) -> Result<(), AskError> {
        // A reader of its own: whoever takes a line may ask the cut for more.
        let mut reader = Reader::default();
        let mut seq = span.after;
        while seq < span.through {
            seq = seq.plus(1);
            let line = reader.line(seq, self.head.seq, &self.ledger.borrow())?;
            take(seq, line)?;
            (self.watch.borrow_mut())(seq.number() - span.after.number(), span.events());
        }
        Ok(())
    }

    /// Begins to read a part of the log that may be longer than memory: see [`Lines`].
    ///
    /// # Errors
    ///
    /// As [`Cut::event`].
    pub fn lines(&self, span: Span) -> Result<Lines, AskError> {
        Lines::begin(&self.ledger.borrow(), span)
    }
}
