//! The section of a report on costs: totals and limits, by phase, by model, and the last payments.

use phaseledger::model::Amount;
use phaseledger::query::{BudgetView, ModelCosts, PeriodView, PhaseCosts, Transaction, WorkflowCosts};
use phaseledger::rules::Standing;

use super::style::{Style, heading};
use super::syntax::{Align, code, folded, table, text};
use crate::cli::ui::render;

/// How many blocks the bar has.
const BAR_BLOCKS: u64 = 20;

/// Writes the section; nothing where there is neither a limit nor a cost.
pub fn push(document: &mut String, costs: &WorkflowCosts, level: usize, style: &Style<'_>) {
    if costs.is_empty() {
        return;
    }
    document.push_str(&heading(level, "Costs"));
    push_total(document, costs);
    push_periods(document, costs);
    push_phases(document, costs, style);
    push_models(document, costs);
    push_last(document, costs, style);
}

/// Returns an amount in the workflow's currency.
fn money(amount: Amount, costs: &WorkflowCosts) -> String {
    match &costs.currency {
        Some(currency) => format!("{amount} {}", text(currency)),
        None => amount.to_string(),
    }
}

fn push_total(document: &mut String, costs: &WorkflowCosts) {
    let BudgetView { spent, limit, remaining, percent, status, .. } = costs.budget.clone();
    let Some((limit, remaining)) = limit.zip(remaining) else {
        document.push_str(&format!("**{}** spent, without a limit.\n", money(spent, costs)));
        return;
    };
    let bar = percent.map_or_else(String::new, |percent| format!("`{}` **{percent} %** ", bar(percent)));
    let (spent, limit, left) = (money(spent, costs), money(limit, costs), money(remaining, costs));
    document.push_str(&format!("{bar}{spent} spent of {limit}, {left} left{}\n", word(status)));
}

/// Writes how spending stands to the limits of the day, the week and the month that the report is as of, and what is held.
fn push_periods(document: &mut String, costs: &WorkflowCosts) {
    let own = costs.budget.periods.iter().map(|view| (None, view));
    let of_phases = costs
        .phases
        .iter()
        .flat_map(|phase| phase.budget.periods.iter().map(move |view| (Some(phase.phase.as_str()), view)));
    let lines: Vec<_> = own.chain(of_phases).map(|(phase, view)| period(phase, view, costs)).collect();
    if !lines.is_empty() {
        document.push_str(&format!("\n{}", lines.concat()));
    }
    if costs.budget.reserved.is_positive() {
        let reserved = money(costs.budget.reserved, costs);
        document.push_str(&format!("\n{reserved} reserved.\n"));
    }
}

fn period(phase: Option<&str>, view: &PeriodView, costs: &WorkflowCosts) -> String {
    let whose = phase.map_or_else(String::new, |phase| format!("{}, ", text(phase)));
    let (spent, limit) = (money(view.spent, costs), money(view.limit, costs));
    let left = money(view.remaining, costs);
    format!("- {whose}{}: {spent} spent of {limit}, {left} left{}\n", view.period, word(view.status))
}

fn bar(percent: u64) -> String {
    let filled = (percent * BAR_BLOCKS / 100).min(BAR_BLOCKS);
    let filled = if percent > 0 { filled.max(1) } else { filled };
    "█".repeat(filled as usize) + &"░".repeat((BAR_BLOCKS - filled) as usize)
}

/// Returns what follows a sum that is near its limit, or over it.
const fn word(status: Standing) -> &'static str {
    match status {
        Standing::Ok => "",
        Standing::Warning => ": **near the limit**",
        Standing::Over => ": **over the limit**",
    }
}

/// Writes what was spent on each phase, and of how many with a limit there is nothing to tell.
fn push_phases(document: &mut String, costs: &WorkflowCosts, style: &Style<'_>) {
    let is_told = |phase: &&PhaseCosts| phase.budget.records > 0 || phase.budget.status != Standing::Ok;
    let (told, others): (Vec<_>, Vec<_>) = costs.phases.iter().partition(is_told);
    let columns = [
        ("Phase", Align::Left),
        ("Spent", Align::Right),
        ("Limit", Align::Right),
        ("Left", Align::Right),
        ("Part", Align::Right),
        ("Status", Align::Left),
    ];
    let row = |phase: &&PhaseCosts| {
        let BudgetView { spent, limit, remaining, percent, status, .. } = phase.budget.clone();
        let or_none = |amount: Option<Amount>| amount.map(|amount| amount.to_string()).unwrap_or_default();
        let status = match (status, limit) {
            (Standing::Ok, None) => "no limit",
            (Standing::Ok, Some(_)) => "ok",
            (Standing::Warning, _) => "**warning**",
            (Standing::Over, _) => "**over**",
        };
        vec![
            style.name(&costs.workflow, phase.phase.as_str()),
            spent.to_string(),
            or_none(limit),
            or_none(remaining),
            percent.map(|percent| format!("{percent} %")).unwrap_or_default(),
            if phase.retired { format!("{status}, retired") } else { status.to_owned() },
        ]
    };
    let count = |phases: &[&PhaseCosts]| render::count(phases.len(), "phase", "phases");
    if !told.is_empty() {
        let part = table(&columns, &told.iter().map(row).collect::<Vec<_>>());
        document.push_str(&format!("\n{}", folded(told.len(), &count(&told), &part)));
    }
    if !others.is_empty() {
        document.push_str(&format!(
            "\nNothing is spent on {} with a limit; `phaseledger cost summary` shows the limits.\n",
            count(&others)
        ));
    }
}

fn push_models(document: &mut String, costs: &WorkflowCosts) {
    if costs.models.iter().all(|model| model.model.is_none()) {
        return;
    }
    document.push('\n');
    let columns = [("Model", Align::Left), ("Spent", Align::Right), ("Records", Align::Right)];
    let row = |model: &ModelCosts| {
        let name = model.model.as_deref().map_or_else(|| "none".to_owned(), code);
        vec![name, model.spent.to_string(), model.records.to_string()]
    };
    document.push_str(&table(&columns, &costs.models.iter().map(row).collect::<Vec<_>>()));
}

fn push_last(document: &mut String, costs: &WorkflowCosts, style: &Style<'_>) {
    if costs.last.is_empty() {
        return;
    }
    document.push_str("\nThe last payments:\n\n");
    let columns = [
        ("Event", Align::Right),
        ("When", Align::Left),
        ("Phase", Align::Left),
        ("Amount", Align::Right),
        ("Model", Align::Left),
        ("Operation", Align::Left),
        ("By", Align::Left),
    ];
    let row = |paid: &Transaction| {
        let or_none = |name: &Option<String>| name.as_deref().map(code).unwrap_or_default();
        vec![
            paid.seq.to_string(),
            style.time(Some(paid.at)),
            style.name(&costs.workflow, paid.phase.as_str()),
            paid.amount.to_string(),
            or_none(&paid.model),
            or_none(&paid.operation),
            code(&paid.by),
        ]
    };
    document.push_str(&table(&columns, &costs.last.iter().map(row).collect::<Vec<_>>()));
}
