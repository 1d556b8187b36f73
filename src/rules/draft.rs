//! Events that are not yet in the log, and the stamp that puts them there.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::phase::Phase;
use super::rejection::Rejection;
use crate::model::{
    Actor, Asked, Cause, Command, CommandId, Event, EventId, FORMAT_VERSION, Recorded, Seq, StateName,
    Subject, Timestamp,
};

/// An event that is decided or derived, but has no times yet. Its id and place are known before it is
/// stored, so that later drafts can name it as their cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its identity.
    pub id: EventId,
    /// What happened.
    pub event: Event,
    /// To what.
    pub subject: Subject,
    /// The states before and after, for an event that is about a phase's state.
    pub transition: Option<(StateName, StateName)>,
    /// The rule that derived it; none for what the caller asked for.
    pub rule: Option<&'static str>,
    /// The root of its causes.
    pub root: EventId,
    /// Its immediate causes.
    pub causes: Vec<Cause>,
}

/// The times of a command: all its events have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When it takes effect.
    pub at: Timestamp,
    /// When it is appended.
    pub recorded_at: Timestamp,
    /// When the caller claims that it took effect.
    pub claimed: Option<Timestamp>,
    /// What the clock shows, where that is more than a minute before what was recorded already.
    pub clock: Option<Timestamp>,
}

/// How far a claim may lie in the future, and a clock behind what was recorded already, without a word.
const APART_MAX: Duration = Duration::from_secs(60);

/// Returns the times of a command that comes after what was recorded at `last`, as far as nothing is known of what its
/// events rest on: it takes effect when the caller claims, or else now. Where the clock is far behind, now is what it
/// shows, not when it is recorded.
///
/// # Errors
///
/// [`Rejection::ClaimInFuture`] for a claim more than a minute after now, [`Rejection::NoLaterTime`] when the last
/// event was recorded at the end of the year 9999.
pub fn moment(
    last: Option<Timestamp>,
    now: Timestamp,
    claimed: Option<Timestamp>,
) -> Result<Moment, Rejection> {
    if let Some(claimed) = claimed.filter(|claimed| claimed.since(now) > APART_MAX) {
        return Err(Rejection::ClaimInFuture { claimed, now });
    }
    let recorded_at = match last {
        Some(last) => now.max(last.next().map_err(|_| Rejection::NoLaterTime { last })?),
        None => now,
    };
    let clock = (recorded_at.since(now) > APART_MAX).then_some(now);
    Ok(Moment { at: claimed.or(clock).unwrap_or(recorded_at), recorded_at, claimed, clock })
}

impl Moment {
    /// Returns the caller's claim, where it is not when the command takes effect.
    pub fn occurred_at(&self) -> Option<Timestamp> {
        self.claimed.filter(|claimed| *claimed < self.at)
    }
}

/// What every event of one command has in common.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The command.
    pub command_id: CommandId,
    /// Who asked.
    pub by: Arc<Actor>,
    /// The command's times.
    pub moment: Moment,
    /// The repair that the command is.
    pub inferred: Option<&'static str>,
    /// The head that the command follows.
    pub head: Seq,
}

impl Stamp {
    /// Makes the stamp of a command that follows a head.
    pub fn new(command: &Command, moment: Moment, head: Seq) -> Self {
        Stamp {
            command_id: command.id,
            by: Arc::new(command.by.clone()),
            moment,
            inferred: command.inferred,
            head,
        }
    }

    /// Stamps the command's `index`-th event. What the caller asked for is put into the first one by whoever records it.
    pub fn record(&self, index: usize, draft: Draft) -> Recorded {
        debug_assert_eq!(draft.id, self.command_id.event(index), "ids are given in order");
        Recorded {
            version: FORMAT_VERSION,
            seq: self.head.plus(index as u64 + 1),
            id: draft.id,
            command_id: self.command_id,
            command_digest: None,
            key: None,
            asked: Asked::default(),
            event: draft.event,
            subject: draft.subject,
            transition: draft.transition,
            at: self.moment.at,
            recorded_at: self.moment.recorded_at,
            occurred_at: self.moment.occurred_at(),
            clock: self.moment.clock,
            by: Arc::clone(&self.by),
            rule: draft.rule.map(Cow::Borrowed),
            inferred: self.inferred.map(Cow::Borrowed),
            correlation_id: draft.root,
            causes: draft.causes,
        }
    }
}

/// An event without a cause.
pub(super) fn root(id: EventId, subject: Subject, event: impl Into<Event>) -> Draft {
    Draft { id, event: event.into(), subject, transition: None, rule: None, root: id, causes: Vec::new() }
}

/// An event without a cause that moves a phase.
pub(super) fn moving(phase: &Phase, id: EventId, event: impl Into<Event>, to: StateName) -> Draft {
    let transition = Some((phase.state.name(), to));
    Draft { transition, ..root(id, Subject::Phase(phase.id.clone()), event) }
}

/// An event that ends an attempt: it is caused by the attempt's start.
pub(super) fn ending(phase: &Phase, id: EventId, event: impl Into<Event>, to: StateName) -> Draft {
    let draft = moving(phase, id, event, to);
    match phase.state.attempt() {
        None => draft,
        Some(attempt) => Draft { root: attempt.root, causes: vec![attempt.cause()], ..draft },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        serde_json::from_str(&format!("\"2025-01-01T{text}Z\"")).expect("a time")
    }

    #[test]
    fn what_is_recorded_rises_and_what_takes_effect_need_not() {
        let last = Some(time("12:00:00"));
        let plain = moment(last, time("11:59:30"), None).expect("legal");
        assert_eq!(plain.recorded_at, time("12:00:00.000001"), "a clock that went back");
        assert_eq!((plain.at, plain.clock), (plain.recorded_at, None));

        let claimed = moment(last, time("13:00:00"), Some(time("09:00:00"))).expect("legal");
        assert_eq!((claimed.at, claimed.occurred_at()), (time("09:00:00"), None));
        let raised = Moment { at: time("10:00:00"), ..claimed };
        assert_eq!(raised.occurred_at(), Some(time("09:00:00")));
    }

    #[test]
    fn found_6_a_clock_that_is_far_behind_is_kept_and_counts() {
        let last = Some(time("12:00:00"));
        let near = moment(last, time("11:59:00.000001"), None).expect("legal");
        assert_eq!((near.at, near.clock), (time("12:00:00.000001"), None), "a minute is nothing");
        let far = moment(last, time("11:59:00"), None).expect("legal");
        assert_eq!((far.recorded_at, far.clock), (time("12:00:00.000001"), Some(time("11:59:00"))));
        assert_eq!(far.at, time("11:59:00"));
        let claimed = moment(last, time("10:00:00"), Some(time("09:00:00"))).expect("legal");
        assert_eq!((claimed.at, claimed.clock), (time("09:00:00"), Some(time("10:00:00"))));
    }

    #[test]
    fn the_future_is_refused() {
        assert!(moment(None, time("12:00:00"), Some(time("12:01:00"))).is_ok());
        assert!(moment(None, time("12:00:00"), Some(time("12:01:00.000001"))).is_err());
    }
}
