//! How values look to a person: states, times, durations, tables, events in a line.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table};
use phaseledger::model::{PhaseId, Recorded, StateName, Subject, Timestamp, WorkflowName, Zone, escape};
use phaseledger::query::words;
pub use phaseledger::query::{duration, one_line};
use unicode_width::UnicodeWidthStr;

/// What stands for a duration of which one end is inferred.
pub const UNKNOWN: &str = "–";

/// Returns the symbol that stands beside a state.
pub const fn symbol(state: StateName) -> &'static str {
    state.symbol()
}

/// Returns the colour of a state.
pub const fn style(state: StateName) -> Style {
    match state {
        StateName::Pending => Style::new().dimmed(),
        StateName::InProgress => AnsiColor::Blue.on_default(),
        StateName::Complete => AnsiColor::Green.on_default(),
        StateName::Failed => AnsiColor::Red.on_default(),
        StateName::NeedsRerun => AnsiColor::Yellow.on_default(),
    }
}

/// Returns a state with its symbol, in its colour.
pub fn state(state: StateName) -> String {
    let style = style(state);
    format!("{style}{} {state}{style:#}", symbol(state))
}

/// Returns an instant in a zone: to the second, or to the microsecond where it is `exact`.
pub fn time(time: Timestamp, zone: Zone, exact: bool) -> String {
    let shown = zone.at(time);
    let clock = if exact { shown.format("%Y-%m-%d %H:%M:%S%.6f") } else { shown.format("%Y-%m-%d %H:%M:%S") };
    match shown.offset().local_minus_utc() {
        0 => format!("{clock}Z"),
        _ => format!("{clock}{}", shown.format("%:z")),
    }
}

/// Makes an aligned table without lines; on a terminal it fits the width.
pub fn table(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let bold = Style::new().bold();
    table.set_header(headers.iter().map(|header| format!("{bold}{header}{bold:#}")));
    if let Some(width) = crate::cli::host::output::terminal_width() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// Returns a table as text, without the white space at the ends of its lines.
pub fn lines(table: &Table) -> String {
    let text = table.to_string();
    let lines: Vec<_> = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n")
}

/// How phases are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By their bare names: where there is one workflow, or it is plain which one is meant.
    Bare,
    /// By their full names, `workflow/phase`.
    Full,
}

impl Naming {
    /// Names the phases of a ledger that has so many workflows.
    pub const fn among(workflows: usize) -> Self {
        if workflows <= 1 { Naming::Bare } else { Naming::Full }
    }

    /// Names a phase beside another one.
    pub fn beside(id: &PhaseId, workflow: &WorkflowName) -> Self {
        if id.workflow == *workflow { Naming::Bare } else { Naming::Full }
    }
}

/// Returns what an event is about, as a person names it.
pub fn subject(subject: &Subject, naming: Naming) -> String {
    match subject {
        Subject::Phase(id) => phase(id, naming),
        Subject::Workflow(name) => name.to_string(),
        Subject::Ledger => "the ledger".to_owned(),
    }
}

/// Returns a phase as a person names it.
pub fn phase(id: &PhaseId, naming: Naming) -> String {
    match naming {
        Naming::Bare => id.phase.to_string(),
        Naming::Full => id.to_string(),
    }
}

/// Returns what happened in a few words: the states, the attempt, the reason.
pub fn summary(record: &Recorded) -> String {
    let mut parts = Vec::new();
    if let Some((from, to)) = record.transition
        && from != to
    {
        parts.push(format!("{} → {}", state(from), state(to)));
    }
    parts.extend(words(&record.event).remark());
    if let Some(inferred) = &record.inferred {
        parts.push(format!("inferred: {}", escape(inferred)));
    }
    parts.join("  ")
}

/// Returns how many columns a text takes on a terminal, colours aside.
pub fn width(text: &str) -> usize {
    match text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        true => text.len(),
        false => anstream::adapter::strip_str(text).map(UnicodeWidthStr::width).sum(),
    }
}

/// Returns a count with its noun.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
