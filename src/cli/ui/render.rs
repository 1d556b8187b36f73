//! How values look to a person: states, times, durations, tables, events in a line.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table};
use phaseledger::model::{
    ApprovalRequested, Event, PhaseId, Recorded, StateName, Subject, Timestamp, Zone, escape,
};
use phaseledger::query::cost_in_words;
use unicode_width::UnicodeWidthStr;

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

/// Returns a duration in seconds as a person reads it, to three digits or so.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 59.995 => format!("{s:.2} s"),
        s if s < 3599.5 => format!("{} m {:02} s", whole / 60, whole % 60),
        s if s < 86_400.0 => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
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

/// Returns what an event is about, as a person names it: the bare phase where the ledger has one workflow.
pub fn subject(subject: &Subject, one_workflow: bool) -> String {
    match subject {
        Subject::Phase(id) => phase(id, one_workflow),
        Subject::Workflow(name) => name.to_string(),
        Subject::Ledger => "the ledger".to_owned(),
    }
}

/// Returns a phase as a person names it: the bare name where there is one workflow.
pub fn phase(id: &PhaseId, one_workflow: bool) -> String {
    if one_workflow { id.phase.to_string() } else { id.to_string() }
}

/// Returns what happened in a few words: the states, the attempt, the reason.
pub fn summary(record: &Recorded) -> String {
    let mut parts = Vec::new();
    if let Some((from, to)) = record.transition
        && from != to
    {
        parts.push(format!("{} → {}", state(from), state(to)));
    }
    parts.extend(detail(&record.event));
    if let Some(inferred) = &record.inferred {
        parts.push(format!("inferred: {}", escape(inferred)));
    }
    parts.join("  ")
}

/// Returns what an event says beyond its kind and states.
fn detail(event: &Event) -> Option<String> {
    Some(match event {
        Event::WorkflowDefined(defined) => {
            let count = |what: &str, names: usize| (names > 0).then(|| format!("{names} {what}"));
            let phases = defined.definition.phases().len();
            let parts = [
                count("phases", phases),
                count("added", defined.added.len()).filter(|_| defined.added.len() != phases),
                count("retired", defined.retired.len()),
                count("changed", defined.changed.len()),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Event::CostRecorded(_)
        | Event::CostLimitSet(_)
        | Event::CostWarningRaised(_)
        | Event::CostLimitExceeded(_) => cost_in_words(event)?,
        Event::PhaseStarted(started) => {
            let mut parts = vec![format!("attempt {}", started.attempt)];
            if !started.dependencies_met {
                let unmet: Vec<_> = started.unmet.iter().map(ToString::to_string).collect();
                parts.push(format!("needs unmet: {}", unmet.join(", ")));
            }
            let over = started.over_limit.as_ref();
            parts.extend(over.map(|over| format!("over its limit: {}", one_line(over.reason.as_str()))));
            parts.join(", ")
        }
        Event::PhaseCompleted(completed) => duration(completed.duration_seconds),
        Event::PhaseFailed(failed) => one_line(failed.error.as_str()),
        Event::PhaseSkipped(skipped) => format!("skipped: {}", one_line(skipped.reason.as_str())),
        Event::PhaseReset(reset) => one_line(reset.reason.as_str()),
        Event::RerunMarked(why) | Event::RerunCauseAdded(why) | Event::RerunDeferred(why) => {
            one_line(why.reason.as_str())
        }
        Event::RerunCleared(_) => "unchanged inputs".to_owned(),
        Event::MetadataRecorded(recorded) => recorded
            .metadata
            .iter()
            .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
            .collect::<Vec<_>>()
            .join(" "),
        Event::NoteAdded(note) => one_line(note.text.as_str()),
        Event::TagSet(tag) => format!("{} = #{}", tag.name, tag.seq),
        Event::ApprovalRequested(asked) => approval(asked),
        Event::ApprovalGranted(decided) | Event::ApprovalRejected(decided) => {
            format!("of #{}: {}", decided.request_seq, one_line(decided.reason.as_str()))
        }
        Event::HistoryImported(history) => {
            format!("{}, {} lines", escape(&history.source), history.lines)
        }
    })
}

/// Returns what leave is asked for.
fn approval(asked: &ApprovalRequested) -> String {
    let estimate = asked.estimate.shown(asked.currency.as_deref());
    let impact =
        asked.impact.as_ref().map_or_else(String::new, |impact| format!(": {}", one_line(impact.as_str())));
    let items = match asked.items {
        1 => "1 item".to_owned(),
        items => format!("{items} items"),
    };
    format!("{}, {estimate}, {items}{impact}", escape(asked.operation.as_str()))
}

/// Returns a text as one line, escaped, its own lines parted by ` ⏎ `.
pub fn one_line(text: &str) -> String {
    text.trim_end().lines().map(escape).collect::<Vec<_>>().join(" ⏎ ")
}

/// Returns how many columns a text takes on a terminal, colours aside.
pub fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).map(UnicodeWidthStr::width).sum()
}

/// Returns a count with its noun.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (seconds, shown) in [
            (0.000_001, "1 µs"),
            (0.047_901, "48 ms"),
            (5.492_104, "5.49 s"),
            (59.996, "1 m 00 s"),
            (125.0, "2 m 05 s"),
            (3_725.0, "1 h 02 m"),
            (90_000.0, "1 d 01 h"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }
}
