//! An event as a sentence, and what it has for evidence.

use anstyle::Style;
use phaseledger::model::{Change, Comparison, Digest, Recorded, Subject, Zone, escape};
use phaseledger::query::{ChainEvent, words};

use crate::cli::ui::render::{self, Naming};

/// How many pieces of evidence are shown at most.
const EVIDENCE_SHOWN: usize = 8;

/// Returns what happened to what, by whom, when and why.
pub fn sentence(event: &ChainEvent, zone: Zone, naming: Naming) -> String {
    let record = &event.proven.record;
    let subject = match &record.subject {
        Subject::Workflow(name) => format!("the workflow {name}"),
        subject @ (Subject::Phase(_) | Subject::Ledger) => render::subject(subject, naming),
    };
    let subject = match &event.called {
        Some(called) => format!("{subject} (now {})", render::phase(called, naming)),
        None => subject,
    };
    let (what, why) = words(&record.event).clause();
    let time = render::time(record.at, zone, false);
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let inferred = record.inferred.as_ref().map_or_else(String::new, |rule| format!(" (inferred: {rule})"));
    let through = through(event, naming);
    let dim = Style::new().dimmed();
    format!("{subject} {what} by {} {dim}at {time}{dim:#}{why}{inferred}{through}", author(record))
}

fn author(record: &Recorded) -> String {
    match &record.rule {
        Some(rule) => format!("rule {}", escape(rule)),
        None if record.by.via == "import" => format!("{}, imported,", escape(&record.by.name)),
        None => escape(&record.by.name),
    }
}

/// Names the phase through which a cause reached its effect, where that is not the phase it is about.
fn through(event: &ChainEvent, naming: Naming) -> String {
    let edge = event.led_by.as_ref().and_then(|led_by| led_by.edge.as_ref());
    match edge {
        Some((above, _)) if event.called.as_ref().or(event.proven.record.subject.phase()) != Some(above) => {
            format!(" (through {})", render::phase(above, naming))
        }
        Some(_) | None => String::new(),
    }
}

/// Returns what proves an event's reason: what a definition changed, which files
/// changed, and what outputs were compared.
pub fn evidence(event: &ChainEvent, naming: Naming) -> Vec<String> {
    let event = &event.proven.record.event;
    let mut lines: Vec<_> = if let Some(defined) = event.definition() {
        let changes = defined.changed.iter().flat_map(|phase| {
            phase.changes.iter().map(|change| format!("{}: {}", phase.phase, changed(change)))
        });
        changes.collect()
    } else if let Some(cleared) = event.cleared() {
        cleared.compared.iter().map(|equal| compared(equal, naming)).collect()
    } else {
        event.rerun().into_iter().flat_map(|why| why.changes.iter().filter_map(changed_file)).collect()
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
pub fn changed_file(change: &Change) -> Option<String> {
    let path = escape(change.path()?);
    Some(match (change.before.as_deref().map(shortened), change.after.as_deref().map(shortened)) {
        (Some(before), Some(after)) => format!("{path} {before} → {after}"),
        (None, Some(after)) => format!("{path} is new: {after}"),
        (before, _) => format!("{path} is gone, it was {}", before.unwrap_or_default()),
    })
}

fn compared(equal: &Comparison, naming: Naming) -> String {
    let phase = render::phase(&equal.phase, naming);
    let (consumed, found) = (short(&equal.consumed), short(&equal.found));
    format!("it consumed {consumed} of {phase}, which put out {found} again in e{}", equal.seq)
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
