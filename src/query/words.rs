//! Events in words: the one place that says what each kind of event means to a person.
//!
//! A kind has a payload, and a payload its words: a clause of a sentence (`was started (attempt 1)`, and why), a remark
//! (what there is to say beside the kind and the states), and a quotation (what a person wrote or a rule said, as it
//! is). Names and texts of others are escaped in clauses and remarks, and as they are in quotations.

mod costs;
mod reruns;
mod reverted;

use std::borrow::Cow;

use super::figures::{one_line, took};
use crate::model::{
    ApprovalDecided, ApprovalRequested, Event, Gap, HistoryImported, MetadataRecorded, NoteAdded,
    PhaseAccepted, PhaseCompleted, PhaseFailed, PhaseReset, PhaseSkipped, PhaseStarted, RerunReason, TagSet,
    WorkflowDefined, WorkflowRetired, escape,
};

/// How many renames of a definition are named.
const RENAMES_SHOWN: usize = 3;

/// What an event says.
pub trait Words<'a> {
    /// Returns what happened to what it is about, in the past tense, and the reason.
    fn clause(&self) -> (Cow<'static, str>, Option<String>);

    /// Returns what it says beside its kind and its states, in a few words; none for nothing.
    fn remark(&self) -> Option<String>;

    /// Returns the reason or the error that explains it, as it was given; none where it holds none.
    fn reason(&self) -> Option<&'a str> {
        None
    }

    /// Returns the reason, the error or the note that it holds; for one about costs, what it tells.
    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.reason().map(Cow::Borrowed)
    }
}

/// Returns the words of an event.
pub fn words(event: &Event) -> Box<dyn Words<'_> + '_> {
    match event {
        Event::WorkflowDefined(of) => Box::new(of.as_ref()),
        Event::WorkflowRetired(of) => Box::new(of),
        Event::PhaseStarted(of) => Box::new(of.as_ref()),
        Event::PhaseCompleted(of) => Box::new(of),
        Event::PhaseFailed(of) => Box::new(of),
        Event::PhaseAccepted(of) => Box::new(of.as_ref()),
        Event::PhaseSkipped(of) => Box::new(of),
        Event::PhaseReset(of) => Box::new(of),
        Event::RerunMarked(of) => Box::new(Rerun { what: "was marked for rerun", of }),
        Event::RerunCauseAdded(of) => Box::new(Rerun { what: "got one more reason to rerun", of }),
        Event::RerunDeferred(of) => Box::new(Rerun { what: "was marked for rerun while under way", of }),
        Event::RerunWithdrawn(of) => Box::new(of),
        Event::RerunCleared(of) => Box::new(of),
        Event::MetadataRecorded(of) => Box::new(of),
        Event::NoteAdded(of) => Box::new(of),
        Event::TagSet(of) => Box::new(of),
        Event::TagRemoved(of) => Box::new(of),
        Event::Reverted(of) => Box::new(of.as_ref()),
        Event::CostRecorded(of) => Box::new(of),
        Event::CostLimitSet(of) => Box::new(of),
        Event::CostWarningRaised(of) => Box::new(of),
        Event::CostLimitExceeded(of) => Box::new(of),
        Event::CostReserved(of) => Box::new(of),
        Event::CostReleased(of) => Box::new(of),
        Event::ApprovalRequested(of) => Box::new(of.as_ref()),
        Event::ApprovalGranted(of) => Box::new(Decision { what: "got an approval", of }),
        Event::ApprovalRejected(of) => Box::new(Decision { what: "was refused an approval", of }),
        Event::HistoryImported(of) => Box::new(of),
    }
}

/// A reason to run again, and which kind of event gave it.
struct Rerun<'a> {
    what: &'static str,
    of: &'a RerunReason,
}

/// A decision, and which one.
struct Decision<'a> {
    what: &'static str,
    of: &'a ApprovalDecided,
}

impl<'a> Words<'a> for &'a WorkflowDefined {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("was defined".into(), None)
    }

    fn remark(&self) -> Option<String> {
        let count = |what: &str, names: usize| (names > 0).then(|| format!("{names} {what}"));
        let phases = self.definition.phases().len();
        let parts = [
            Some(phases_in_words(phases)),
            count("added", self.added.len()).filter(|_| self.added.len() != phases),
            count("retired", self.retired.len()),
            count("changed", self.changed.len()),
        ];
        let renamed = self.renamed.iter().map(|names| format!("{} → {}", names.from, names.to));
        let renamed: Vec<_> = renamed.take(RENAMES_SHOWN).collect();
        let more = self.renamed.len() - renamed.len();
        let renamed = match (renamed.len(), more) {
            (0, _) => None,
            (_, 0) => Some(format!("renamed {}", renamed.join(", "))),
            (_, more) => Some(format!("renamed {} and {more} more", renamed.join(", "))),
        };
        Some(parts.into_iter().flatten().chain(renamed).collect::<Vec<_>>().join(", "))
    }
}

impl<'a> Words<'a> for &'a WorkflowRetired {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("was retired".into(), Some(self.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(format!("{} retired: {}", phases_in_words(self.retired.len()), one_line(self.reason.as_str())))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.reason.as_str())
    }
}

fn phases_in_words(number: usize) -> String {
    format!("{number} {}", if number == 1 { "phase" } else { "phases" })
}

impl<'a> Words<'a> for &'a PhaseStarted {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        let unmet =
            (!self.unmet.is_empty()).then(|| format!("its needs were not met: {}", listed(&self.unmet)));
        let over = self.over_limit.as_ref().map(|over| format!("over its limit, {}", over.reason));
        let reason = self.reason.as_ref().map(|reason| reason.to_string());
        let why: Vec<_> = reason.into_iter().chain(unmet).chain(over).collect();
        let why = (!why.is_empty()).then(|| why.join("; "));
        (format!("was started (attempt {})", self.attempt).into(), why)
    }

    fn remark(&self) -> Option<String> {
        let mut parts = vec![format!("attempt {}", self.attempt)];
        if !self.dependencies_met {
            parts.push(format!("needs unmet: {}", listed(&self.unmet)));
        }
        let over = self.over_limit.as_ref();
        parts.extend(over.map(|over| format!("over its limit: {}", one_line(over.reason.as_str()))));
        parts.extend(unreadable("inputs", self.unreadable.len(), self.unreadable_more));
        let reason = self.reason.as_ref().map(|reason| format!(": {}", one_line(reason.as_str())));
        Some(format!("{}{}", parts.join(", "), reason.unwrap_or_default()))
    }

    fn reason(&self) -> Option<&'a str> {
        self.reason.as_ref().map(|reason| reason.as_str())
    }
}

impl<'a> Words<'a> for &'a PhaseCompleted {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        let took = took(self.duration_seconds);
        (format!("was completed (attempt {}, {took})", self.attempt).into(), None)
    }

    fn remark(&self) -> Option<String> {
        let unreadable = unreadable("outputs", self.unreadable.len(), self.unreadable_more);
        let parts = std::iter::once(took(self.duration_seconds)).chain(unreadable);
        Some(parts.collect::<Vec<_>>().join(", "))
    }
}

/// Says of declared files that some could not be read; nothing where all could.
fn unreadable(what: &str, named: usize, more: u64) -> Option<String> {
    let count = named as u64 + more;
    (count > 0).then(|| format!("{what} unknown: {count} unreadable"))
}

impl<'a> Words<'a> for &'a PhaseFailed {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        let what = if self.abandoned { "was given up" } else { "failed" };
        (format!("{what} (attempt {}), reported", self.attempt).into(), Some(self.error.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(one_line(self.error.as_str()))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.error.as_str())
    }
}

impl<'a> Words<'a> for &'a PhaseAccepted {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        (format!("was accepted as it is (attempt {})", self.attempt).into(), Some(self.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        let unreadable = unreadable("files", self.unreadable.len(), self.unreadable_more);
        let unreadable = unreadable.map_or_else(String::new, |what| format!(", {what}"));
        Some(format!("accepted{unreadable}: {}", one_line(self.reason.as_str())))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a PhaseSkipped {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("was skipped".into(), Some(self.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(format!("skipped: {}", one_line(self.reason.as_str())))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a PhaseReset {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("was reset".into(), Some(self.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(one_line(self.reason.as_str()))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a MetadataRecorded {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        let what = if self.metadata.is_empty() { "lost metadata" } else { "got metadata" };
        (what.into(), None)
    }

    fn remark(&self) -> Option<String> {
        let pairs = self.metadata.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value)));
        let removed = self.removed.iter().map(|key| format!("no {}", escape(key)));
        Some(pairs.chain(removed).collect::<Vec<_>>().join(" "))
    }
}

impl<'a> Words<'a> for &'a NoteAdded {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("got a note".into(), Some(self.text.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(one_line(self.text.as_str()))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        Some(self.text.as_str().into())
    }
}

impl<'a> Words<'a> for &'a TagSet {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        (format!("got the tag {}", self.name).into(), None)
    }

    fn remark(&self) -> Option<String> {
        Some(match self.from {
            None => format!("{} = e{}", self.name, self.seq),
            Some(from) => format!("{} moved from e{from} to e{}", self.name, self.seq),
        })
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        Some(self.name.as_str().into())
    }
}

impl<'a> Words<'a> for &'a ApprovalRequested {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        (format!("got a request to approve {}", escape(self.operation.as_str())).into(), None)
    }

    fn remark(&self) -> Option<String> {
        let estimate = self.estimate.of(&self.currency);
        let impact = self.impact.as_ref().map(|impact| format!(": {}", one_line(impact.as_str())));
        let items = match self.items {
            1 => "1 item".to_owned(),
            items => format!("{items} items"),
        };
        let operation = escape(self.operation.as_str());
        Some(format!("{operation}, {estimate}, {items}{}", impact.unwrap_or_default()))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        Some(self.operation.as_str().into())
    }
}

impl<'a> Words<'a> for Decision<'a> {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        (self.what.into(), Some(self.of.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(format!("of e{}: {}", self.of.request_seq, one_line(self.of.reason.as_str())))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.of.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a HistoryImported {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        match self.gap {
            None => ("took in a history".into(), Some(escape(&self.source))),
            Some(gap) => ("goes on behind a hole".into(), Some(missing(gap))),
        }
    }

    fn remark(&self) -> Option<String> {
        let gap = self.gap.map(|gap| format!("{}; ", missing(gap))).unwrap_or_default();
        Some(format!("{gap}{}, {} lines", escape(&self.source), self.lines))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        Some(self.source.as_str().into())
    }
}

/// Says which events are missing.
fn missing(gap: Gap) -> String {
    match gap.first == gap.last {
        true => format!("e{} of the log that was salvaged is missing", gap.first),
        false => format!("e{} to e{} of the log that was salvaged are missing", gap.first, gap.last),
    }
}

fn listed(names: &[impl ToString]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
