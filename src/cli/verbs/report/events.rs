//! The tables of events in the report: the roots of what must run again, and the last events.

use std::collections::{BTreeMap, BTreeSet};

use phaseledger::query::{EventReport, WorkflowReport};

use super::style::{Style, heading, start, subject};
use super::syntax::{Align, code, table, text};
use crate::cli::ui::render;

/// How many roots are listed, those of the most phases; every phase names its own.
const ROOTS_MAX: usize = 10;

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
pub fn push_roots(document: &mut String, workflow: &WorkflowReport<'_>, level: usize, style: &Style<'_>) {
    let mut roots: BTreeMap<_, (&EventReport<'_>, BTreeSet<_>)> = BTreeMap::new();
    for phase in &workflow.phases {
        for root in phase.marks.iter().filter_map(|mark| mark.root.as_ref()) {
            roots.entry(root.event.seq).or_insert((root, BTreeSet::new())).1.insert(phase.phase);
        }
    }
    if roots.is_empty() {
        return;
    }
    let mut roots: Vec<_> = roots.into_values().map(|(root, phases)| (root, phases.len())).collect();
    roots.sort_by_key(|&(_, phases)| std::cmp::Reverse(phases));
    let (listed, others) = roots.split_at(roots.len().min(ROOTS_MAX));
    let row = |&(root, phases): &(&EventReport<'_>, usize)| {
        let why = root.text.as_deref().map(text).unwrap_or_default();
        row(root, why, phases.to_string(), style)
    };
    document.push_str(&heading(level, "Open reruns"));
    document.push_str(&table(&COLUMNS, &listed.iter().map(row).collect::<Vec<_>>()));
    if let Some((_, most)) = others.first() {
        let (others, each) = (others.len(), render::count(*most, "phase", "phases"));
        document.push_str(&format!(
            "\nMore roots: {others}, each of at most {each}. A phase names its root; `phaseledger show` shows it.\n"
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
    let EventReport { event, by, derived, text: _ } = report;
    vec![
        event.seq.to_string(),
        style.time(Some(event.at)),
        format!("`{}`", event.kind),
        subject(event, style),
        if *derived { "a rule".to_owned() } else { code(by) },
        why,
        phases,
    ]
}
