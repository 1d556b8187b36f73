//! As of when something is asked, and which place a selector means: `e12`, `id:…`, `tag:…`, a time, and ranges of them.

use super::error::Candidate;
use super::{AskError, Cut, Question};
use crate::ledger::{Axis, Until};
use crate::model::{CommandId, IdPrefix, Range, Seq, Span, When, WhenBase};

/// As of when something is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Moment {
    /// Now: all that is in the log.
    #[default]
    Head,
    /// What is meant is included; times are when events took effect.
    At(When),
    /// What is meant is left out.
    Before(When),
    /// What is meant is included; times are when events were recorded.
    KnownAt(When),
}

/// Which place is meant?
#[derive(Debug, Clone)]
pub struct Place {
    /// The selector.
    pub when: When,
}

impl Question for Place {
    const SCHEMA: &'static str = "place/1";
    type View = Seq;

    fn ask(&self, cut: &Cut<'_>) -> Result<Seq, AskError> {
        cut.find(&self.when)
    }
}

/// Where does what counts end?
#[derive(Debug, Clone, Copy)]
pub struct Head;

impl Question for Head {
    const SCHEMA: &'static str = "head/1";
    type View = Seq;

    fn ask(&self, cut: &Cut<'_>) -> Result<Seq, AskError> {
        Ok(cut.as_of().seq)
    }
}

impl Cut<'_> {
    /// Cuts what is in the log at a moment.
    pub(super) fn cut_at(self, moment: &Moment) -> Result<Self, AskError> {
        // No cut has a part of what a command recorded.
        let end = match moment {
            Moment::Head => self.head.seq,
            Moment::At(when) => self.end_of_command(self.resolve(when, Side::At)?)?,
            Moment::KnownAt(when) => self.end_of_command(self.resolve(when, Side::KnownAt)?)?,
            Moment::Before(when) => {
                let place = self.resolve(when, Side::Before)?;
                match when.base {
                    WhenBase::Time(_) => self.end_of_command(place)?,
                    WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Tag(_) => {
                        self.start_of_command(place)?.minus(1)
                    }
                }
            }
        };
        self.up_to(end)
    }

    /// Finds the very place that a selector means, of all that is in the log: also one inside what a command recorded.
    ///
    /// # Errors
    ///
    /// [`AskError`] for what the log does not have.
    pub fn find(&self, when: &When) -> Result<Seq, AskError> {
        self.resolve(when, Side::At)
    }

    /// Finds the event that a selector means, among those that count.
    ///
    /// # Errors
    ///
    /// As [`Cut::find`]; an event that does not count is one.
    pub fn find_event(&self, when: &When) -> Result<Seq, AskError> {
        let end = self.as_of().seq;
        let seq = match &when.base {
            WhenBase::Head => end.minus(when.back),
            WhenBase::Time(_) => self.find(when)?.min(end),
            WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Tag(_) => self.find(when)?,
        };
        match seq {
            Seq::ZERO => Err(AskError::BeforeFirst),
            seq if seq > end => Err(AskError::After { seq, end }),
            seq => Ok(seq),
        }
    }

    /// Finds the events that a range means, among those that count; all of them for none. A place is left out on the
    /// left and taken in on the right, a time the other way round: so two days that meet share no event. What is listed
    /// may begin and end within what a command recorded.
    ///
    /// # Errors
    ///
    /// As [`Cut::find`]; a range that runs backwards is one.
    pub fn find_span(&self, range: Option<&Range>) -> Result<Span, AskError> {
        let Some(range) = range else { return Ok(self.span()) };
        let end =
            |when: &Option<When>| when.as_ref().map(|when| self.resolve(when, Side::Before)).transpose();
        let after = end(&range.after)?.unwrap_or(Seq::ZERO);
        let last = end(&range.through)?.unwrap_or(self.as_of().seq).min(self.as_of().seq);
        if after > last && range.through.is_some() {
            return Err(AskError::Backwards { after, last });
        }
        Ok(Span { after: after.min(last), through: last })
    }

    /// Finds the place of a command's first event, of all that is in the log.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub(super) fn find_command(&self, id: CommandId) -> Result<Option<Seq>, AskError> {
        Ok(self.ledger.borrow().find(id)?.filter(|seq| *seq <= self.head.seq))
    }

    fn resolve(&self, when: &When, side: Side) -> Result<Seq, AskError> {
        let seq = match &when.base {
            WhenBase::Head => self.head.seq,
            WhenBase::Seq(seq) if *seq > self.head.seq => {
                return Err(AskError::NoEvent { seq: *seq, head: self.head.seq });
            }
            WhenBase::Seq(seq) => *seq,
            WhenBase::Tag(name) => match self.ledger.borrow().small_table_of(&self.head)?.tags.get(name) {
                Some(tag) => tag.seq,
                None => return Err(AskError::NoTag { name: name.clone() }),
            },
            WhenBase::Id(prefix) => self.find_id(prefix)?,
            WhenBase::Time(time) => {
                let (axis, until) = match side {
                    Side::At => (Axis::At, Until::Through(*time)),
                    Side::Before => (Axis::At, Until::Before(*time)),
                    Side::KnownAt => (Axis::RecordedAt, Until::Through(*time)),
                };
                // A log that others append to meanwhile may tell of more than was there when it was cut.
                self.ledger.borrow().seek(axis, until)?.min(self.head.seq)
            }
        };
        Ok(seq.minus(when.back))
    }

    /// Returns the last place of the command that recorded the event at a place.
    fn end_of_command(&self, seq: Seq) -> Result<Seq, AskError> {
        if seq == Seq::ZERO {
            return Ok(seq);
        }
        let (id, mut end) = (self.record(seq)?.command_id, seq);
        while end < self.head.seq && self.record(end.plus(1))?.command_id == id {
            end = end.plus(1);
        }
        Ok(end)
    }

    /// Returns the first place of the command that recorded the event at a place.
    fn start_of_command(&self, seq: Seq) -> Result<Seq, AskError> {
        if seq == Seq::ZERO {
            return Ok(seq);
        }
        let (id, mut start) = (self.record(seq)?.command_id, seq);
        while start > Seq::new(1) && self.record(start.minus(1))?.command_id == id {
            start = start.minus(1);
        }
        Ok(start)
    }

    /// Finds the one event whose id has a prefix: a whole id of a command's first event at once, any other by
    /// reading the log.
    fn find_id(&self, prefix: &IdPrefix) -> Result<Seq, AskError> {
        if let Some(id) = prefix.whole()
            && let Some(seq) = self.find_command(CommandId::new(id.uuid()))?
            && self.record(seq)?.id == id
        {
            return Ok(seq);
        }
        let mut candidates = Vec::new();
        self.each(Span { after: Seq::ZERO, through: self.head.seq }, |record| {
            if prefix.matches(record.id) {
                candidates.push(Candidate { seq: record.seq, id: record.id, kind: record.event.kind() });
            }
            Ok(())
        })?;
        match candidates.as_slice() {
            [only] => Ok(only.seq),
            [] => Err(AskError::NoId { prefix: prefix.clone() }),
            _ => Err(AskError::AmbiguousId { prefix: prefix.clone(), candidates }),
        }
    }
}

/// How the time of a selector is read; a place is always the very place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The last event that took effect by then.
    At,
    /// The last event that took effect before then.
    Before,
    /// The last event that was recorded by then.
    KnownAt,
}
