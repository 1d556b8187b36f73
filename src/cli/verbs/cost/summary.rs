//! `cost summary`: what was spent of which limits, on which models, and last.

use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use phaseledger::ask;
use phaseledger::model::{Amount, WorkflowName, Zone, escape};
use phaseledger::query::{
    BudgetView, ModelCosts, PeriodView, PhaseCosts, ReservationView, Transaction, WorkflowCosts,
};
use phaseledger::rules::Standing;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::columns::Column;
use crate::cli::ui::render;
use crate::cli::verbs::{asking, status};

// Options of `cost summary`.
#[derive(clap::Args)]
#[command(
    after_help = "In JSON (`cost-summary/1`): for each of `workflows` its `currency`, `spent`, `limit`, `remaining`, \
    `percent` (rounded down), `status` (`ok`, `warning` from 80 % on, `over`), `reserved`, `periods` (its limits of the \
    current day, week and month), `phases` with the same, `models`, `reservations` and the `last` ten payments. Amounts are texts, so that no digit is lost."
)]
pub struct Args {
    /// Only this workflow
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    #[command(flatten)]
    asking: asking::Args,
}

const PHASES: &[Column] = &[
    Column { header: "phase", yields: 0 },
    Column { header: "spent", yields: 0 },
    Column { header: "limit", yields: 0 },
    Column { header: "left", yields: 1 },
    Column { header: "part", yields: 2 },
    Column { header: "status", yields: 0 },
];

const PERIODS: &[Column] = &[
    Column { header: "limit of", yields: 0 },
    Column { header: "period", yields: 0 },
    Column { header: "spent", yields: 0 },
    Column { header: "limit", yields: 0 },
    Column { header: "left", yields: 1 },
    Column { header: "zone", yields: 2 },
    Column { header: "status", yields: 0 },
];

const HELD: &[Column] = &[
    Column { header: "reservation", yields: 0 },
    Column { header: "reserved", yields: 0 },
    Column { header: "for", yields: 0 },
    Column { header: "until", yields: 1 },
];

const MODELS: &[Column] = &[
    Column { header: "model", yields: 0 },
    Column { header: "spent", yields: 0 },
    Column { header: "records", yields: 0 },
];

const LAST: &[Column] = &[
    Column { header: "event", yields: 0 },
    Column { header: "when", yields: 1 },
    Column { header: "phase", yields: 0 },
    Column { header: "amount", yields: 0 },
    Column { header: "model", yields: 3 },
    Column { header: "operation", yields: 2 },
];

/// Tells what was spent.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let question = ask::CostSummary { workflow: args.workflow.clone() };
    let answered = args.asking.ask_long(&question, "reading the costs", context)?;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(ExitCode::SUCCESS);
    }
    let workflows = &answered.view.workflows;
    let mut out = output::stdout();
    for (at, costs) in workflows.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        tell(costs, context.zone, &mut out)?;
    }
    if workflows.is_empty() {
        writeln!(out, "no workflows")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(costs: &WorkflowCosts, zone: Zone, out: &mut impl Write) -> Result<(), Failure> {
    let bold = Style::new().bold();
    let retired = if costs.retired { " (retired)" } else { "" };
    writeln!(out, "{bold}{}{bold:#}{retired}: {}", costs.workflow, total(costs))?;
    if !costs.phases.is_empty() {
        writeln!(out)?;
        status::show(out, PHASES, &costs.phases.iter().map(phase).collect::<Vec<_>>())?;
    }
    let periods = periods(costs);
    if !periods.is_empty() {
        writeln!(out)?;
        status::show(out, PERIODS, &periods)?;
    }
    if !costs.reservations.is_empty() {
        writeln!(out)?;
        let rows: Vec<_> = costs.reservations.iter().map(|held| reservation(held, zone)).collect();
        status::show(out, HELD, &rows)?;
    }
    if costs.models.iter().any(|model| model.model.is_some()) {
        writeln!(out)?;
        status::show(out, MODELS, &costs.models.iter().map(model).collect::<Vec<_>>())?;
    }
    if !costs.last.is_empty() {
        writeln!(out)?;
        let rows: Vec<_> = costs.last.iter().map(|paid| transaction(paid, zone)).collect();
        status::show(out, LAST, &rows)?;
    }
    Ok(())
}

/// Returns what was spent on all phases together, of which limit.
fn total(costs: &WorkflowCosts) -> String {
    let BudgetView { spent, limit, remaining, percent, status, .. } = costs.budget.clone();
    let money = |amount: Amount| amount.of(&costs.currency);
    match limit.zip(remaining) {
        None => format!("{} spent, no limit", money(spent)),
        Some((limit, left)) => {
            let percent = percent.map_or_else(String::new, |percent| format!(" ({percent} %)"));
            let (spent, limit, left) = (money(spent), money(limit), money(left));
            format!("{spent} spent of {limit}{percent}, {left} left{}", coloured(status, ", "))
        }
    }
}

/// Returns how spending stands where that is not well, in its colour.
fn coloured(status: Standing, before: &str) -> String {
    let (word, colour) = match status {
        Standing::Ok => return String::new(),
        Standing::Warning => ("near the limit", AnsiColor::Yellow.on_default()),
        Standing::Over => ("over the limit", AnsiColor::Red.on_default()),
    };
    format!("{before}{colour}{word}{colour:#}")
}

fn phase(phase: &PhaseCosts) -> Vec<String> {
    let BudgetView { spent, limit, remaining, percent, status, .. } = phase.budget.clone();
    let or_empty = |amount: Option<Amount>| amount.map(|amount| amount.to_string()).unwrap_or_default();
    let status = match status {
        Standing::Ok if phase.retired => "retired".to_owned(),
        status => coloured(status, ""),
    };
    vec![
        phase.phase.to_string(),
        spent.to_string(),
        or_empty(limit),
        or_empty(remaining),
        percent.map(|percent| format!("{percent} %")).unwrap_or_default(),
        status,
    ]
}

/// Returns the limits of the day, the week and the month: the workflow's, then those of its phases.
fn periods(costs: &WorkflowCosts) -> Vec<Vec<String>> {
    let row = |of: String, view: &PeriodView| {
        vec![
            of,
            format!("{} {}", view.period.per, view.period.name),
            view.spent.to_string(),
            view.limit.to_string(),
            view.remaining.to_string(),
            view.tz.clone(),
            coloured(view.status, ""),
        ]
    };
    let whole = format!("workflow {}", costs.workflow);
    let own = costs.budget.periods.iter().map(|view| row(whole.clone(), view));
    let of_phases = costs.phases.iter().flat_map(|phase| {
        phase.budget.periods.iter().map(move |view| row(format!("phase {}", phase.phase), view))
    });
    own.chain(of_phases).collect()
}

fn reservation(held: &ReservationView, zone: Zone) -> Vec<String> {
    let (seq, until) = (format!("e{}", held.seq), render::time(held.until, zone, false));
    vec![seq, held.amount.to_string(), held.phase.to_string(), until]
}

fn model(model: &ModelCosts) -> Vec<String> {
    let name = model.model.as_deref().map_or_else(|| "none".to_owned(), escape);
    vec![name, model.spent.to_string(), model.records.to_string()]
}

fn transaction(paid: &Transaction, zone: Zone) -> Vec<String> {
    let or_empty = |name: &Option<String>| name.as_deref().map(escape).unwrap_or_default();
    vec![
        format!("e{}", paid.seq),
        render::time(paid.at, zone, false),
        paid.phase.to_string(),
        paid.amount.to_string(),
        or_empty(&paid.model),
        or_empty(&paid.operation),
    ]
}
