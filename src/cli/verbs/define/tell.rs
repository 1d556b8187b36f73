//! What a definition changes, in lines, and what it leaves behind, as warnings.

use phaseledger::ask::RedefinedAnswer;
use phaseledger::model::{PhaseId, StateName, WorkflowName, escape};
use phaseledger::query::{Clash, DefinitionEdit, LeftBehind};
use serde_json::Value;

use crate::cli::host::output;
use crate::cli::ui::render::{self, Naming};

/// How many lines are told of what changes, unless all are asked for: with the first line of the answer they fit a screen.
const LINES_MAX: usize = 19;

/// How many phases, and how many names, a warning names.
const NAMED_MAX: usize = 5;

/// The longest value that is told, in characters.
const VALUE_CHARACTERS_MAX: usize = 60;

/// What a line is about, in the order in which lines are told: what goes, what has another name, what is otherwise, what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Retired,
    Renamed,
    Otherwise,
    Added,
}

/// Returns what changes, a line for each phase that comes or goes and for each other change.
pub fn lines(redefined: &RedefinedAnswer, workflow: &WorkflowName, is_full: bool) -> Vec<String> {
    let name = |id: &PhaseId| render::phase(id, Naming::beside(id, workflow));
    let mut lines: Vec<(Order, String)> = Vec::new();
    let mut whole: Option<(&PhaseId, Vec<String>)> = None;
    for edit in &redefined.changes.edits {
        // The needs of a phase that comes or goes are told with it.
        if let (
            Some((of, needs)),
            DefinitionEdit::NeedAdded { phase, need } | DefinitionEdit::NeedRemoved { phase, need },
        ) = (&mut whole, edit)
            && *of == phase
        {
            needs.push(name(need));
            if let Some((order, line)) = lines.last_mut() {
                *line = comes_or_goes(*order, &name(phase), needs);
            }
            continue;
        }
        whole = None;
        lines.push(match edit {
            DefinitionEdit::PhaseAdded { phase } => {
                whole = Some((phase, Vec::new()));
                (Order::Added, comes_or_goes(Order::Added, &name(phase), &[]))
            }
            DefinitionEdit::PhaseRetired { phase } => {
                whole = Some((phase, Vec::new()));
                (Order::Retired, comes_or_goes(Order::Retired, &name(phase), &[]))
            }
            DefinitionEdit::PhaseRenamed { phase, from } => {
                (Order::Renamed, format!("~ {} was {from}", name(phase)))
            }
            DefinitionEdit::NeedAdded { phase, need } => {
                (Order::Otherwise, format!("~ {} needs {}", name(phase), name(need)))
            }
            DefinitionEdit::NeedRemoved { phase, need } => {
                (Order::Otherwise, format!("~ {} no longer needs {}", name(phase), name(need)))
            }
            DefinitionEdit::Said { phase, what, before, after } => {
                let of = phase.as_ref().map_or_else(|| "workflow".to_owned(), &name);
                let (before, after) = (shown(before), shown(after));
                (Order::Otherwise, format!("~ {of} {}: {before} → {after}", escape(what)))
            }
            DefinitionEdit::Reordered { phase: Some(phase) } => {
                (Order::Otherwise, format!("~ {} has its needs in another order", name(phase)))
            }
            DefinitionEdit::Reordered { phase: None } => {
                (Order::Otherwise, "~ the phases stand in another order".to_owned())
            }
        });
    }
    lines.sort_by_key(|(order, _)| *order);
    let mut lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    if !is_full && lines.len() > LINES_MAX {
        let more = lines.split_off(LINES_MAX - 1).len();
        lines.push(format!("… {more} more changes: `--full` lists them"));
    }
    lines
}

fn comes_or_goes(order: Order, phase: &str, needs: &[String]) -> String {
    let (sign, verb) = match order {
        Order::Retired => ("-", "needed"),
        Order::Renamed | Order::Otherwise | Order::Added => ("+", "needs"),
    };
    match needs.is_empty() {
        true => format!("{sign} {phase}"),
        false => format!("{sign} {phase}, {verb} {}", needs.join(", ")),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let texts = list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned));
            texts.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let line = render::one_line(&text);
    match line.char_indices().nth(VALUE_CHARACTERS_MAX) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// Warns of what may not have been meant: work that is left behind, most of a workflow that goes, names that clash.
pub fn warn(redefined: &RedefinedAnswer) {
    let RedefinedAnswer { changes, phases_before, left_behind, clashes } = redefined;
    let retired = changes.retired().count();
    if *phases_before >= 3 && retired * 2 > *phases_before {
        warn_with(format!("{retired} of {phases_before} phases retire: is this the right file?"));
    }
    // A slip is told first: it is what can be mended.
    let (slips, others): (Vec<&LeftBehind>, Vec<_>) =
        left_behind.iter().partition(|behind| behind.near.is_some());
    let behind: Vec<_> = slips.into_iter().chain(others).collect();
    behind.iter().take(NAMED_MAX).for_each(|behind| warn_with(left(behind)));
    if let Some(more) = behind.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        warn_with(format!(
            "{} with a history",
            render::count(more, "more phase retires", "more phases retire")
        ));
    }
    warn_of_clashes(clashes);
}

/// Warns of the attempts under way that a retirement leaves behind.
pub fn warn_of_running(redefined: &RedefinedAnswer) {
    let running: Vec<_> =
        redefined.left_behind.iter().filter(|behind| behind.state == StateName::InProgress).collect();
    running.iter().take(NAMED_MAX).for_each(|behind| warn_with(left(behind)));
    if let Some(more) = running.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        warn_with(render::count(more, "more attempt is under way", "more attempts are under way"));
    }
}

fn left(behind: &LeftBehind) -> String {
    let LeftBehind { phase, attempts, state, near } = behind;
    let attempts = render::count(*attempts as usize, "attempt", "attempts");
    let near = near.as_ref().map(|near| {
        format!("; if it is `{near}` now, `renamed_from = \"{}\"` there keeps its history", phase.phase)
    });
    let running = (*state == StateName::InProgress)
        .then_some("; its attempt is under way, and its end can be recorded once the phase is defined again");
    format!(
        "`{phase}` retires with its history: {attempts}, {state}{}{}",
        running.unwrap_or_default(),
        near.unwrap_or_default()
    )
}

fn warn_of_clashes(clashes: &[Clash]) {
    if clashes.is_empty() {
        return;
    }
    let one = |clash: &Clash| {
        let phases: Vec<_> = clash.phases.iter().map(|phase| format!("`{phase}`")).collect();
        format!("`{}` ({})", clash.name, phases.join(", "))
    };
    let named: Vec<_> = clashes.iter().take(NAMED_MAX).map(one).collect();
    let more = clashes.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let are = if clashes.len() == 1 { "is a phase" } else { "are phases" };
    warn_with(format!(
        "{}{more} {are} of two workflows now: scripts that use the bare name need `workflow/phase`, or a default workflow",
        named.join(", ")
    ));
}

fn warn_with(text: String) {
    output::talk(format_args!("warning: {text}"));
}
