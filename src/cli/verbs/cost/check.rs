//! `cost check` and `cost remaining`: what may still be spent on a phase.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use phaseledger::ask::{self, Answered, CostCheckAnswer, OfPhase};
use phaseledger::ledger::{Answer, AnswerStatus};
use phaseledger::model::{Action, Amount, EventId, Hold, PhaseRef, Scope, Timestamp, action, label};
use phaseledger::query::{LimitCheck, Remaining};
use serde::Serialize;

use super::{answer, estimate, limit_of, show_limits};
use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::{Failure, Kind};
use crate::cli::host::output;
use crate::cli::ui::render;
use crate::cli::verbs::{asking, writing};

// Options of `cost check`.
#[derive(clap::Args)]
#[command(
    after_help = "Exits with 0 where the estimate fits the limits of the phase and of its workflow, in all and of the day, \
    the week and the month, beside what others hold; with 1 where it does not. In JSON (`cost-check/1`): `fits`, and for \
    each of the limits `period` (none for one in all), `spent`, `reserved`, `planned`, `after`, `remaining`, `fits`, `over`, \
    `status`; `reservations` lists what others hold.\n\n\
    With `--reserve` the amount is held, at once and for all to see, where it fits; where it does not, nothing is recorded. It \
    is held until `cost record --reservation` spends it, `cost release` gives it up, or its time is over, which no event says. \
    An attempt that ends leaves it as it is. In JSON `reservation` has `status`, `seq`, `id`, `amount`, `until`, `open`."
)]
pub struct CheckArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// What is about to be spent
    #[arg(long, value_name = "AMOUNT", value_parser = estimate, allow_hyphen_values = true)]
    estimate: Amount,
    /// Hold the amount, where it fits
    #[arg(long)]
    reserve: bool,
    /// How long it is held at most [default: 1h]
    #[arg(long = "for", value_name = "DURATION", requires = "reserve")]
    hold: Option<Hold>,
    /// The model that it is held for
    #[arg(long, value_name = "NAME", value_parser = label, requires = "reserve")]
    model: Option<String>,
    /// What it is held for
    #[arg(long, value_name = "NAME", value_parser = label, requires = "reserve")]
    operation: Option<String>,
    #[command(flatten)]
    writing: writing::Args,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

// Options of `cost remaining`.
#[derive(clap::Args)]
#[command(
    after_help = "What is left is the smallest of what the limits of the phase and of its workflow leave, in all and of the \
    day, the week and the month, once what is held is taken off. In JSON (`cost-remaining/1`): `remaining` and `items`, both \
    null without a limit, `unlimited`, `bound_by`, `bound_by_period`, `limits`, `reservations`."
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

/// What came of holding an amount.
#[derive(Serialize)]
struct Held {
    status: &'static str,
    /// The place of its event; none where it would be recorded.
    seq: Option<u64>,
    id: EventId,
    amount: Amount,
    /// From when on it is no longer held; none where it has ended already.
    until: Option<Timestamp>,
    open: bool,
}

/// An answer, and what came of holding the amount.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    answered: &'a Answered<OfPhase<CostCheckAnswer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<&'a Held>,
}

/// Checks an estimate.
pub fn check(args: CheckArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    if args.reserve {
        return reserve(args, context);
    }
    if args.writing.is_given() {
        let message = "`--id`, `--expect`, `--occurred-at`, `--by` and `--dry-run` are for what is recorded";
        return Err(Failure::misuse(message).hint("`--reserve` records a reservation"));
    }
    let question = ask::CostCheck { phase: args.phase, estimate: args.estimate, beside: None };
    let answered = args.asking.ask(&question, context)?;
    tell(&answered, None, context)
}

/// Holds an estimate where it fits, and tells how it does.
fn reserve(args: CheckArgs, context: &Context) -> Result<ExitCode, Failure> {
    if args.asking.is_given() {
        let message = "`--at`, `--before` and `--known-at` are for questions: what is held is held now";
        return Err(Failure::misuse(message).hint("leave out `--reserve` to ask about the past"));
    }
    let CheckArgs { phase, estimate, hold, model, operation, writing, asking, .. } = args;
    let action = action::CostReserve { phase: phase.clone(), amount: estimate, hold, model, operation };
    let question = |beside| ask::CostCheck { phase: phase.clone(), estimate, beside };
    let answer = match writing::submit(writing, Action::CostReserve(action), context) {
        Ok(answer) => answer,
        Err(failure) if failure.kind == Kind::DoesNotFit => {
            let mut answered = asking.ask(&question(None), context)?;
            // By now it may: what was asked for was refused all the same.
            answered.view.view.fits = false;
            let exit = tell(&answered, None, context)?;
            if !context.json {
                output::talk(format_args!("nothing is reserved: {}", failure.message));
            }
            return Ok(exit);
        }
        Err(failure) => return Err(failure),
    };
    let id = EventId::new(answer.id.uuid());
    let answered = writing::answered(&answer, asking.ask(&question(Some(id)), context));
    let mut answered = answered?;
    answered.view.view.fits = true;
    let held = held(&answer, id, &answered);
    let told = tell(&answered, Some(&held), context);
    writing::answered(&answer, told)?;
    writing::tell_times(&answer, context);
    Ok(ExitCode::SUCCESS)
}

fn held(answer: &Answer, id: EventId, answered: &Answered<OfPhase<CostCheckAnswer>>) -> Held {
    let recorded = answer.events.first().and_then(|record| record.event.reserved()).map(|held| held.until);
    let view = &answered.view.view;
    let until = recorded.or(view.held.as_ref().map(|held| held.until));
    Held {
        status: writing::status_name(answer.status),
        seq: (answer.status != AnswerStatus::Preview).then(|| answer.seq.number()),
        id,
        amount: view.estimate,
        until,
        open: until.is_some() && answer.status != AnswerStatus::Preview,
    }
}

/// Tells how an estimate fits.
fn tell(
    answered: &Answered<OfPhase<CostCheckAnswer>>,
    held: Option<&Held>,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let OfPhase { phase, currency, view: check, .. } = &answered.view;
    let mut out = BufWriter::new(output::stdout());
    if context.json {
        output::json_line(&mut out, &Checked { answered, reservation: held })?;
        out.flush()?;
        return Ok(answer(check.fits));
    }
    let estimate = check.estimate.of(currency);
    let verdict = match held {
        None if check.fits => "fits".to_owned(),
        None => "does not fit".to_owned(),
        Some(held) => reserved(held, context),
    };
    writeln!(out, "{estimate} for {phase} {verdict}")?;
    show_limits(&mut out, &check.limits)?;
    out.flush()?;
    Ok(answer(check.fits))
}

/// Says of an amount how it is held.
fn reserved(held: &Held, context: &Context) -> String {
    let until = held.until.map(|until| render::time(until, context.zone, true));
    match (held.seq, until) {
        (Some(seq), Some(until)) if held.status == "duplicate" => {
            format!("is reserved as e{seq} already, until {until}")
        }
        (Some(seq), Some(until)) => format!("is reserved as e{seq} until {until}"),
        (Some(seq), None) => format!("was reserved as e{seq}, which has ended"),
        (None, Some(until)) => format!("would be reserved until {until}"),
        (None, None) => "would be reserved".to_owned(),
    }
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
    let by = match (remaining.bound_by, &remaining.bound_by_period) {
        (Some(Scope::Workflow), None) => " by its workflow's limit".to_owned(),
        (Some(Scope::Workflow), Some(period)) => format!(" by its workflow's limit for {period}"),
        (Some(Scope::Phase), Some(period)) => format!(" by its limit for {period}"),
        (Some(Scope::Phase), None) | (None, _) => String::new(),
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
    let LimitCheck { currency, spent, reserved, .. } = check;
    let held = match reserved.is_positive() {
        true => format!(" and {} reserved", reserved.of(currency)),
        false => String::new(),
    };
    let spent = format!("{}: {} spent{held}", limit_of(check), spent.of(currency));
    match check.limit.zip(check.remaining) {
        Some((limit, left)) => format!("{spent} of {}, {} left", limit.of(currency), left.of(currency)),
        None => format!("{spent}, no limit"),
    }
}
