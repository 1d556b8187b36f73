//! `cost`: what phases cost, what they may cost, and what edits cost.

mod by;
mod check;
mod project;
mod record;
mod summary;

use std::io::Write;
use std::process::ExitCode;

use phaseledger::model::Amount;
use phaseledger::query::LimitCheck;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::ui::columns::Column;
use crate::cli::verbs::status;

/// The verbs of the family.
#[derive(clap::Subcommand)]
#[command(defer = true)]
pub enum Verb {
    /// Record what was spent on a phase, or given back
    Record(record::RecordArgs),
    /// Set the most that a phase, or a workflow, may cost
    Limit(record::LimitArgs),
    /// Tell whether an estimate fits the limits, before it is spent; hold it, with `--reserve`
    Check(check::CheckArgs),
    /// End a reservation of which nothing was spent
    Release(record::ReleaseArgs),
    /// Tell what is left to spend on a phase, and how many items that buys
    Remaining(check::RemainingArgs),
    /// Tell whether planned operations fit the limits
    Project(project::Args),
    /// Tell what was spent of which limits, on which models, and last
    Summary(summary::Args),
    /// Tell what was spent by phase, model, operation, root cause or day
    By(by::Args),
}

/// Runs a verb of the family.
pub fn run(verb: Verb, context: &Context) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Record(args) => record::record(args, context),
        Verb::Limit(args) => record::limit(args, context),
        Verb::Check(args) => check::check(args, context),
        Verb::Release(args) => record::release(args, context),
        Verb::Remaining(args) => check::remaining(&args, context),
        Verb::Project(args) => project::run(&args, context),
        Verb::Summary(args) => summary::run(&args, context),
        Verb::By(args) => by::run(&args, context),
    }
}

/// What tells how something planned fits limits.
const LIMITS: &[Column] = &[
    Column { header: "limit of", yields: 0 },
    Column { header: "spent", yields: 0 },
    Column { header: "reserved", yields: 0 },
    Column { header: "planned", yields: 0 },
    Column { header: "limit", yields: 0 },
    Column { header: "left", yields: 0 },
    Column { header: "verdict", yields: 0 },
];

/// Returns how something planned fits a limit, as a row of [`LIMITS`].
fn limit_row(check: &LimitCheck) -> Vec<String> {
    let or_none = |amount: Option<Amount>| amount.map_or_else(|| "none".to_owned(), |it| it.to_string());
    let verdict = match (check.fits, check.limit) {
        (false, _) => format!("over by {}", check.over.of(&check.currency)),
        (true, None) => "fits: no limit".to_owned(),
        (true, Some(_)) => match check.status {
            phaseledger::rules::Standing::Warning => "fits, near the limit".to_owned(),
            _ => "fits".to_owned(),
        },
    };
    vec![
        limit_of(check),
        check.spent.to_string(),
        check.reserved.to_string(),
        check.planned.to_string(),
        or_none(check.limit),
        check.remaining.map(|left| left.to_string()).unwrap_or_default(),
        verdict,
    ]
}

/// Says whose limit it is, and of which period.
fn limit_of(check: &LimitCheck) -> String {
    let period = check.period.as_ref().map_or_else(String::new, |of| format!(", {} {}", of.per, of.name));
    format!("{} {}{period}", check.scope.as_str(), check.name)
}

/// Writes how something planned fits limits; what is held, where anything is.
fn show_limits(out: &mut impl Write, checks: &[LimitCheck]) -> Result<(), Failure> {
    let is_held = checks.iter().any(|check| check.reserved.is_positive());
    let is_shown = |column: &Column| is_held || column.header != "reserved";
    let shown: Vec<bool> = LIMITS.iter().map(is_shown).collect();
    let columns: Vec<Column> =
        LIMITS.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(of, _)| *of).collect();
    let row = |check: &LimitCheck| {
        let cells = limit_row(check).into_iter().zip(&shown);
        cells.filter(|(_, shown)| **shown).map(|(cell, _)| cell).collect()
    };
    status::show(out, &columns, &checks.iter().map(row).collect::<Vec<Vec<String>>>())
}

/// Returns the exit code of an answer.
fn answer(is_yes: bool) -> ExitCode {
    if is_yes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads an amount that may not be below zero.
pub fn estimate(text: &str) -> Result<Amount, String> {
    let amount: Amount = text.parse().map_err(|error: phaseledger::model::AmountError| error.to_string())?;
    match amount.is_negative() {
        true => Err(format!("{amount} is negative; expected 0 or more")),
        false => Ok(amount),
    }
}
