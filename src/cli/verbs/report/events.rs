//! The tables of events in the report: the roots of what must run again, and the last events.

use phaseledger::query::{EventReport, OpenReruns, RootReport};

use super::style::{Style, heading, start, subject};
use super::syntax::{Align, code, table, text};
use crate::cli::ui::render;

const COLUMNS: [(&str, Align); 7] = [
    ("Event", Align::Right),
    ("When", Align::Left),
    ("What", Align::Left),
    ("Of", Align::Left),
    ("By", Align::Left),
    ("Why", Align::Left),
    ("Phases", Align::Right),
];

/// Writes what the phases that must run again go back to: each root once, with how many phases it led to.
pub fn push_roots(document: &mut String, reruns: &OpenReruns<'_>, level: usize, style: &Style<'_>) {
    if reruns.roots.is_empty() {
        return;
    }
    let row = |root: &RootReport<'_>| {
        let why = root.event.text.as_deref().map(text).unwrap_or_default();
        row(&root.event, why, root.phases.to_string(), style)
    };
    document.push_str(&heading(level, "Open reruns"));
    document.push_str(&table(&COLUMNS, &reruns.roots.iter().map(row).collect::<Vec<_>>()));
    if reruns.others > 0 {
        let (others, each) = (reruns.others, render::count(reruns.others_phases_max, "phase", "phases"));
        document.push_str(&format!(
            "\nMore roots: {others}, each of at most {each}; `phaseledger why` names those of a phase.\n"
        ));
    }
}

/// Writes the last events.
pub fn push_recent(document: &mut String, recent: &[EventReport<'_>], style: &Style<'_>) {
    if recent.is_empty() {
        return;
    }
    document.push_str(&heading(2, "Last events"));
    let row = |event: &EventReport<'_>| {
        let why = event.text.as_deref().map(|why| text(&start(why))).unwrap_or_default();
        row(event, why, String::new(), style)
    };
    document.push_str(&table(&COLUMNS, &recent.iter().map(row).collect::<Vec<_>>()));
}

fn row(report: &EventReport<'_>, why: String, phases: String, style: &Style<'_>) -> Vec<String> {
    let EventReport { event, by, user, derived, text: _ } = report;
    let by = user.map_or_else(|| code(by), |user| format!("{} (as {})", code(by), code(user)));
    vec![
        event.seq.to_string(),
        style.time(Some(event.at)),
        format!("`{}`", event.kind),
        subject(event, style),
        if *derived { "a rule".to_owned() } else { by },
        why,
        phases,
    ]
}
