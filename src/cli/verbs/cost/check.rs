//! `cost check` and `cost remaining`: what may still be spent on a phase.

use std::io::Write;
use std::process::ExitCode;

use phaseledger::ask::{self, OfPhase};
use phaseledger::model::{Amount, PhaseRef, Scope};
use phaseledger::query::{LimitCheck, Remaining};

use super::{LIMITS, answer, estimate, limit_row};
use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::verbs::{asking, status};

/// Options of `cost check`.
#[derive(clap::Args)]
#[command(
    after_help = "Exits with 0 where the estimate fits the phase's limit and its workflow's, with 1 where it does not. \
    In JSON (`cost-check/1`): `fits`, and for each of the two limits `spent`, `planned`, `after`, `remaining`, \
    `fits`, `over`, `status`."
)]
pub struct CheckArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// What is about to be spent
    #[arg(long, value_name = "AMOUNT", value_parser = estimate, allow_hyphen_values = true)]
    estimate: Amount,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

/// Options of `cost remaining`.
#[derive(clap::Args)]
#[command(
    after_help = "What is left is the smaller of what the phase's limit and its workflow's leave. In JSON \
    (`cost-remaining/1`): `remaining` and `items`, both null without a limit, `unlimited`, `bound_by`, `limits`."
)]
pub struct RemainingArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// What one item costs: tell how many items what is left buys
    #[arg(long, value_name = "AMOUNT", value_parser = price, allow_hyphen_values = true)]
    per_item: Option<Amount>,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

fn price(text: &str) -> Result<Amount, String> {
    let price = estimate(text)?;
    if price.is_positive() { Ok(price) } else { Err("0 buys any number; expected more than 0".to_owned()) }
}

/// Checks an estimate.
pub fn check(args: &CheckArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let question = ask::CostCheck { phase: args.phase.clone(), estimate: args.estimate };
    let answered = args.asking.ask(&question, context)?;
    let OfPhase { phase, currency, view: check, .. } = &answered.view;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(answer(check.fits));
    }
    let mut out = output::stdout();
    let estimate = args.estimate.of(currency);
    let verdict = if check.fits { "fits" } else { "does not fit" };
    writeln!(out, "{estimate} for {phase} {verdict}")?;
    status::show(&mut out, LIMITS, &check.limits.iter().map(limit_row).collect::<Vec<_>>())?;
    Ok(answer(check.fits))
}

/// Tells what is left.
pub fn remaining(args: &RemainingArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let question = ask::CostRemaining { phase: args.phase.clone(), per_item: args.per_item };
    let answered = args.asking.ask(&question, context)?;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = output::stdout();
    writeln!(out, "{}", told(&answered.view))?;
    for check in &answered.view.view.limits {
        writeln!(out, "  {}", limit(check))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is left, and what that buys.
fn told(OfPhase { phase: name, currency, view: remaining, .. }: &OfPhase<Remaining>) -> String {
    let Some(left) = remaining.remaining else {
        return format!("{name} has no limit, nor has its workflow: any amount is left");
    };
    let by = match remaining.bound_by {
        Some(Scope::Workflow) => " by its workflow's limit",
        Some(Scope::Phase) | None => "",
    };
    if let Some(over) = Amount::ZERO.minus(left).filter(|over| over.is_positive()) {
        return format!("{name} has nothing left{by}: {} over", over.of(currency));
    }
    let items = match (remaining.items, remaining.per_item) {
        (Some(items), Some(price)) => {
            let noun = if items == 1 { "item" } else { "items" };
            format!(": {items} {noun} at {}", price.of(currency))
        }
        _ => String::new(),
    };
    format!("{name} has {} left{by}{items}", left.of(currency))
}

fn limit(check: &LimitCheck) -> String {
    let LimitCheck { scope, name, currency, spent, .. } = check;
    let spent = format!("{} {name}: {} spent", scope.as_str(), spent.of(currency));
    match check.limit.zip(check.remaining) {
        Some((limit, left)) => format!("{spent} of {}, {} left", limit.of(currency), left.of(currency)),
        None => format!("{spent}, no limit"),
    }
}
