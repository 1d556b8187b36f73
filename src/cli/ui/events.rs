//! An event as a sentence, and what it has for evidence.

use anstyle::Style;
use phaseledger::model::{Change, Comparison, Digest, Event, Recorded, Subject, Zone, escape};
use phaseledger::query::{ChainEvent, cost_in_words};

use crate::cli::ui::render;

/// How many pieces of evidence are shown at most.
const EVIDENCE_SHOWN: usize = 8;

/// Returns what happened to what, by whom, when and why.
pub fn sentence(event: &ChainEvent, zone: Zone, one_workflow: bool) -> String {
    let record = &event.proven.record;
    let subject = match &record.subject {
        Subject::Workflow(name) => format!("the workflow {name}"),
        subject @ (Subject::Phase(_) | Subject::Ledger) => render::subject(subject, one_workflow),
    };
    let (what, why) = told(&record.event);
    let time = render::time(record.at, zone, false);
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let inferred = record.inferred.as_ref().map_or_else(String::new, |rule| format!(" (inferred: {rule})"));
    let through = through(event, one_workflow);
    let dim = Style::new().dimmed();
    format!("{subject} {what} by {} {dim}at {time}{dim:#}{why}{inferred}{through}", author(record))
}

/// Returns what happened, in the past tense, and the reason.
fn told(event: &Event) -> (String, Option<String>) {
    let plain = |what: &str| (what.to_owned(), None);
    match event {
        Event::WorkflowDefined(_) => plain("was defined"),
        Event::PhaseStarted(started) => {
            let unmet: Vec<_> = started.unmet.iter().map(ToString::to_string).collect();
            let unmet = (!unmet.is_empty()).then(|| format!("its needs were not met: {}", unmet.join(", ")));
            let over = started.over_limit.as_ref().map(|over| format!("over its limit, {}", over.reason));
            let why: Vec<_> = unmet.into_iter().chain(over).collect();
            let why = (!why.is_empty()).then(|| why.join("; "));
            (format!("was started (attempt {})", started.attempt), why)
        }
        Event::PhaseCompleted(completed) => {
            let took = render::duration(completed.duration_seconds);
            (format!("was completed (attempt {}, {took})", completed.attempt), None)
        }
        Event::PhaseFailed(failed) => {
            let what = if failed.abandoned { "was given up" } else { "failed" };
            (format!("{what} (attempt {}), reported", failed.attempt), Some(failed.error.to_string()))
        }
        Event::PhaseSkipped(skipped) => ("was skipped".to_owned(), Some(skipped.reason.to_string())),
        Event::PhaseReset(reset) => ("was reset".to_owned(), Some(reset.reason.to_string())),
        Event::RerunMarked(why) => ("was marked for rerun".to_owned(), Some(why.reason.to_string())),
        Event::RerunCauseAdded(why) => {
            ("got one more reason to rerun".to_owned(), Some(why.reason.to_string()))
        }
        Event::RerunDeferred(why) => {
            ("was marked for rerun while under way".to_owned(), Some(why.reason.to_string()))
        }
        Event::RerunCleared(_) => {
            ("was found to stand as it is".to_owned(), Some("what it is built on is unchanged".to_owned()))
        }
        Event::CostRecorded(_) => ("had a cost recorded".to_owned(), cost_in_words(event)),
        Event::CostLimitSet(_) => ("had its cost limit set".to_owned(), cost_in_words(event)),
        Event::CostWarningRaised(_) => ("was found near its cost limit".to_owned(), cost_in_words(event)),
        Event::CostLimitExceeded(_) => ("was found over its cost limit".to_owned(), cost_in_words(event)),
        Event::MetadataRecorded(_) => plain("got metadata"),
        Event::NoteAdded(note) => ("got a note".to_owned(), Some(note.text.to_string())),
        Event::TagSet(tag) => (format!("got the tag {}", tag.name), None),
        Event::ApprovalRequested(asked) => {
            (format!("got a request to approve {}", escape(asked.operation.as_str())), None)
        }
        Event::ApprovalGranted(decided) => ("got an approval".to_owned(), Some(decided.reason.to_string())),
        Event::ApprovalRejected(decided) => {
            ("was refused an approval".to_owned(), Some(decided.reason.to_string()))
        }
        Event::HistoryImported(history) => ("took in a history".to_owned(), Some(escape(&history.source))),
    }
}

fn author(record: &Recorded) -> String {
    match &record.rule {
        Some(rule) => format!("rule {}", escape(rule)),
        None if record.by.via == "import" => format!("{}, imported,", escape(&record.by.name)),
        None => escape(&record.by.name),
    }
}

/// Names the phase through which a cause reached its effect, where that is not the phase it is about.
fn through(event: &ChainEvent, one_workflow: bool) -> String {
    let edge = event.led_by.as_ref().and_then(|led_by| led_by.edge.as_ref());
    match edge {
        Some((above, _)) if event.proven.record.subject.phase() != Some(above) => {
            format!(" (through {})", render::phase(above, one_workflow))
        }
        Some(_) | None => String::new(),
    }
}

/// Returns what proves an event's reason: what a definition changed, which files
/// changed, and what outputs were compared.
pub fn evidence(event: &ChainEvent, one_workflow: bool) -> Vec<String> {
    let mut lines = match &event.proven.record.event {
        Event::WorkflowDefined(defined) => {
            let changes = defined.changed.iter().flat_map(|phase| {
                phase.changes.iter().map(|change| format!("{}: {}", phase.phase, changed(change)))
            });
            changes.collect()
        }
        Event::RerunCleared(cleared) => {
            cleared.compared.iter().map(|equal| compared(equal, one_workflow)).collect()
        }
        Event::RerunMarked(why) | Event::RerunCauseAdded(why) | Event::RerunDeferred(why) => {
            why.changes.iter().filter_map(changed_input).collect()
        }
        _ => Vec::new(),
    };
    if lines.len() > EVIDENCE_SHOWN {
        let more = lines.len() - EVIDENCE_SHOWN;
        lines.truncate(EVIDENCE_SHOWN);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn changed(change: &Change) -> String {
    let value = |value: &Option<String>| value.as_deref().map_or_else(|| "none".to_owned(), escape);
    let (what, before, after) = (escape(&change.what), value(&change.before), value(&change.after));
    match change.before {
        None if what == "needs" => format!("needs {after} now"),
        _ => format!("{what} {before} → {after}"),
    }
}

/// Returns which file changed, and how; none for a change of something else.
pub fn changed_input(change: &Change) -> Option<String> {
    let path = escape(change.what.strip_prefix("input ")?);
    Some(match (change.before.as_deref().map(shortened), change.after.as_deref().map(shortened)) {
        (Some(before), Some(after)) => format!("{path} {before} → {after}"),
        (None, Some(after)) => format!("{path} is new: {after}"),
        (before, _) => format!("{path} is gone, it was {}", before.unwrap_or_default()),
    })
}

fn compared(equal: &Comparison, one_workflow: bool) -> String {
    let phase = render::phase(&equal.phase, one_workflow);
    let (consumed, found) = (short(&equal.consumed), short(&equal.found));
    format!("it consumed {consumed} of {phase}, which put out {found} again in #{}", equal.seq)
}

/// Returns the start of a digest, as much as a person compares.
pub fn short(digest: &Digest) -> String {
    shortened(&digest.to_string())
}

fn shortened(digest: &str) -> String {
    let colon = digest.find(':').unwrap_or(0);
    let start: String = digest.chars().take(colon + 13).collect();
    format!("{}…", escape(&start))
}
