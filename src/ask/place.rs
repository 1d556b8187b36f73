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
        let end = match moment {
            Moment::Head => self.head.seq,
            Moment::At(when) => self.resolve(when, Side::At)?,
            Moment::Before(when) => self.resolve(when, Side::Before)?,
            Moment::KnownAt(when) => self.resolve(when, Side::KnownAt)?,
        };
        self.up_to(end)
    }

    /// Finds the very place that a selector means, of all that is in the log: also one inside what a command recorded.
    ///
    /// # Errors
    ///
    /// [`AskError`] for what the log does not have.
    pub fn find(&self, when: &When) -> Result<Seq, AskError> {
        self.resolve(when, Side::Exactly)
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
    /// left and taken in on the right, a time the other way round: so two days that meet share no event.
    ///
    /// # Errors
    ///
    /// As [`Cut::find`]; a range that runs backwards is one.
    pub fn find_span(&self, range: Option<&Range>) -> Result<Span, AskError> {
        let Some(range) = range else { return Ok(self.span()) };
        let end = |when: &Option<When>| when.as_ref().map(|when| self.find_end(when)).transpose();
        let after = end(&range.after)?.unwrap_or(Seq::ZERO);
        let last = end(&range.through)?.unwrap_or(self.as_of().seq).min(self.as_of().seq);
        if after > last && range.through.is_some() {
            return Err(AskError::Backwards { after, last });
        }
        Ok(Span { after: after.min(last), through: last })
    }

    /// Finds the last place before one end of a range begins.
    fn find_end(&self, when: &When) -> Result<Seq, AskError> {
        match when.base {
            WhenBase::Time(_) => self.resolve(when, Side::Before),
            // What is listed may begin and end within a command; only what is asked as of may not.
            WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Tag(_) => self.find(when),
        }
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
                    Side::At | Side::Exactly => (Axis::At, Until::Through(*time)),
                    Side::Before => (Axis::At, Until::Before(*time)),
                    Side::KnownAt => (Axis::RecordedAt, Until::Through(*time)),
                };
                // A log that others append to meanwhile may tell of more than was there when it was cut.
                let found = self.ledger.borrow().seek(axis, until)?.min(self.head.seq);
                return Ok(found.minus(when.back));
            }
        };
        let seq = seq.minus(when.back);
        match side {
            Side::Exactly => Ok(seq),
            Side::At | Side::KnownAt => self.end_of_command(seq),
            Side::Before => Ok(self.start_of_command(seq)?.minus(1)),
        }
    }

    /// Returns the last place of the command that recorded the event at a place: no cut has a part of one.
    fn end_of_command(&self, seq: Seq) -> Result<Seq, AskError> {
        let mut end = seq;
        while Seq::ZERO < end && end < self.head.seq && self.is_one_command(end)? {
            end = end.plus(1);
        }
        Ok(end)
    }

    /// Returns the first place of the command that recorded the event at a place.
    fn start_of_command(&self, seq: Seq) -> Result<Seq, AskError> {
        let mut start = seq;
        while start > Seq::new(1) && self.is_one_command(start.minus(1))? {
            start = start.minus(1);
        }
        Ok(start)
    }

    /// Says whether the event at a place and the one behind it are of one command.
    fn is_one_command(&self, seq: Seq) -> Result<bool, AskError> {
        Ok(self.record(seq)?.command_id == self.record(seq.plus(1))?.command_id)
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

/// How a selector cuts the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The very place; times are when events took effect.
    Exactly,
    /// What is meant is included, with all that its command recorded; times are when events took effect.
    At,
    /// What is meant is left out, with all that its command recorded.
    Before,
    /// What is meant is included, with all that its command recorded; times are when events were recorded.
    KnownAt,
}
