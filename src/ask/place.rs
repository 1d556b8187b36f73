//! As of when something is asked, and which place a selector means: `e12`, `id:…`, `key:…`, `tag:…`, a time, and ranges of them.

use chrono::TimeDelta;

use super::error::Candidate;
use super::{AskError, Cut, Question};
use crate::ledger::Until;
use crate::model::{CommandId, IdPrefix, Places, Range, Seq, Timestamp, When, WhenBase};

/// As of when something is asked: how things stood then, as far as it was known by then. Without either, now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moment {
    /// How things stood: what had taken effect.
    pub stood: Stood,
    /// By when it was known: what had been recorded, that moment included; all that is in the log for none.
    pub known_at: Option<When>,
    /// What time it is, where it is asked how things stand now: which day it is the log does not tell. For none it is when
    /// the last event took effect.
    pub now: Option<Timestamp>,
}

/// How things stood, by when events took effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stood {
    /// As they do now.
    #[default]
    Now,
    /// As they did then: what is meant is included.
    At(When),
    /// As they did before: what is meant is left out.
    Before(When),
}

impl Moment {
    /// Now: all that is in the log.
    pub const HEAD: Moment = Moment { stood: Stood::Now, known_at: None, now: None };

    /// As things stood at a place or an instant, by what is known now.
    pub fn at(when: When) -> Self {
        Moment { stood: Stood::At(when), ..Moment::HEAD }
    }

    /// As things stood before a place or an instant, by what is known now.
    pub fn before(when: When) -> Self {
        Moment { stood: Stood::Before(when), ..Moment::HEAD }
    }

    /// As far as it was known at a place or an instant.
    pub fn known_at(when: When) -> Self {
        Moment { known_at: Some(when), ..Moment::HEAD }
    }
}

/// A part of the events that count: those that a range means.
#[derive(Debug, Clone)]
pub struct Part {
    /// The events in front of it.
    pub before: Places,
    /// Those, and the part.
    pub through: Places,
}

impl Part {
    /// Returns the events of the part.
    pub fn places(&self) -> Places {
        self.through.without(&self.before)
    }
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
        Ok(cut.places().last())
    }
}

/// Returns the instant that is asked about, where the moment is one.
fn instant(moment: &Moment) -> Option<Timestamp> {
    let time = |when: &When| match when.base {
        WhenBase::Time(time) if when.back == 0 => Some(time),
        _ => None,
    };
    match (&moment.stood, &moment.known_at) {
        (Stood::At(when), _) => time(when),
        (Stood::Before(when), _) => time(when).map(just_before),
        (Stood::Now, known) => known.as_ref().and_then(time),
    }
}

fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::new(time.utc() - TimeDelta::microseconds(1)).unwrap_or(time)
}

impl Cut<'_> {
    /// Cuts what is in the log at a moment. No cut has a part of what a command recorded.
    pub(super) fn cut_at(mut self, moment: &Moment) -> Result<Self, AskError> {
        if moment.stood == Stood::Now && moment.known_at.is_none() {
            self.instant = moment.now;
            return Ok(self);
        }
        self.instant = instant(moment);
        let known = match &moment.known_at {
            None => Places::up_to(self.head.seq),
            Some(when) => Places::up_to(self.end_of_command(self.recorded_by(when)?)?),
        };
        let stood = match &moment.stood {
            Stood::Now => known,
            Stood::At(when) => self.up_to(when, Side::At)?.and(&known),
            Stood::Before(when) => self.up_to(when, Side::Before)?.and(&known),
        };
        self.of(stood)
    }

    /// Returns the whole commands up to a selector, or before it.
    fn up_to(&self, when: &When, side: Side) -> Result<Places, AskError> {
        match (&when.base, side) {
            (WhenBase::Time(time), _) => self.by_time(side.until(*time), when.back, true),
            (
                WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Key(_) | WhenBase::Tag(_),
                Side::At,
            ) => Ok(Places::up_to(self.end_of_command(self.resolve(when)?)?)),
            (
                WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Key(_) | WhenBase::Tag(_),
                Side::Before,
            ) => Ok(Places::up_to(self.start_of_command(self.resolve(when)?)?.minus(1))),
        }
    }

    /// Returns the events that took effect before a cut through time, but for the last ones, so many; what is left of a
    /// command then is all of it where whole commands are asked for.
    fn by_time(&self, until: Until, back: u64, whole: bool) -> Result<Places, AskError> {
        let all = self.ledger.borrow().took_effect(until, self.head.seq)?;
        let places = all.without_last(back);
        match whole && back > 0 {
            true => Ok(all.and(&Places::up_to(self.end_of_command(places.last())?))),
            false => Ok(places),
        }
    }

    /// Returns the last place that was recorded by a selector.
    fn recorded_by(&self, when: &When) -> Result<Seq, AskError> {
        match when.base {
            // A log that others append to meanwhile may tell of more than was there when it was cut.
            WhenBase::Time(time) => {
                let found = self.ledger.borrow().seek(Until::Through(time))?;
                Ok(found.min(self.head.seq).minus(when.back))
            }
            WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Key(_) | WhenBase::Tag(_) => {
                self.resolve(when)
            }
        }
    }

    /// Finds the very place that a selector means, of all that is in the log: also one inside what a command recorded.
    ///
    /// # Errors
    ///
    /// [`AskError`] for what the log does not have.
    pub fn find(&self, when: &When) -> Result<Seq, AskError> {
        self.resolve(when)
    }

    /// Finds the event that a selector means, among those that count.
    ///
    /// # Errors
    ///
    /// As [`Cut::find`]; an event that does not count is one.
    pub fn find_event(&self, when: &When) -> Result<Seq, AskError> {
        let counting = self.places();
        let seq = match &when.base {
            WhenBase::Head => counting.without_last(when.back).last(),
            WhenBase::Time(time) => {
                self.by_time(Until::Through(*time), when.back, false)?.and(counting).last()
            }
            WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Key(_) | WhenBase::Tag(_) => self.find(when)?,
        };
        match seq {
            Seq::ZERO => Err(AskError::BeforeFirst),
            seq if counting.holds(seq) => Ok(seq),
            seq if seq > counting.last() => Err(AskError::After { seq, end: counting.last() }),
            seq => Err(AskError::TookEffectLater { seq }),
        }
    }

    /// Finds the events that a range means, among those that count; all of them for none. A place is left out on the
    /// left and taken in on the right, a time the other way round: so two days that meet share no event. What is listed
    /// may begin and end within what a command recorded.
    ///
    /// # Errors
    ///
    /// As [`Cut::find`]; a range that runs backwards is one.
    pub fn find_part(&self, range: Option<&Range>) -> Result<Part, AskError> {
        let counting = self.places();
        let end = |when: &When| match when.base {
            WhenBase::Time(time) => self.by_time(Until::Before(time), when.back, false),
            WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Key(_) | WhenBase::Tag(_) => {
                Ok(Places::up_to(self.resolve(when)?))
            }
        };
        let before = range.and_then(|range| range.after.as_ref()).map(end).transpose()?.unwrap_or_default();
        let Some(through) = range.and_then(|range| range.through.as_ref()).map(end).transpose()? else {
            return Ok(Part { before: before.and(counting), through: counting.clone() });
        };
        let through = through.and(counting);
        if through.without(&before).is_empty() && !before.without(&through).is_empty() {
            return Err(AskError::Backwards { after: before.last(), last: through.last() });
        }
        Ok(Part { before: before.and(&through), through })
    }

    /// Finds the place of a command's first event, of all that is in the log.
    ///
    /// # Errors
    ///
    /// As [`Cut::table`].
    pub(super) fn find_command(&self, id: CommandId) -> Result<Option<Seq>, AskError> {
        Ok(self.ledger.borrow().find(id)?.filter(|seq| *seq <= self.head.seq))
    }

    fn resolve(&self, when: &When) -> Result<Seq, AskError> {
        let seq = match &when.base {
            WhenBase::Head => self.head.seq,
            WhenBase::Seq(seq) if *seq > self.head.seq => {
                return Err(AskError::NoEvent { seq: *seq, head: self.head.seq });
            }
            WhenBase::Seq(seq) => *seq,
            WhenBase::Tag(name) => match self.ledger.borrow().small_table_of(&self.head)?.tag(name) {
                Some((_, tag)) => tag.seq,
                None => return Err(AskError::NoTag { name: name.clone() }),
            },
            WhenBase::Id(prefix) => self.find_id(prefix)?,
            WhenBase::Key(key) => match self.find_command(key.id())? {
                Some(seq) => seq,
                None => return Err(AskError::NoKey { key: key.clone() }),
            },
            WhenBase::Time(time) => {
                return Ok(self.by_time(Until::Through(*time), when.back, false)?.last());
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
    pub(super) fn start_of_command(&self, seq: Seq) -> Result<Seq, AskError> {
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
        self.each(&Places::up_to(self.head.seq), |record| {
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

/// Whether what a selector means is included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    At,
    Before,
}

impl Side {
    fn until(self, time: Timestamp) -> Until {
        match self {
            Side::At => Until::Through(time),
            Side::Before => Until::Before(time),
        }
    }
}
