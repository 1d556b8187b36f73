//! `cost record` and `cost limit`.

use std::process::ExitCode;

use phaseledger::model::{
    Action, Amount, CallerId, EventId, Per, PhaseRef, Text, WorkflowName, action, label,
};

use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::verbs::asking;
use crate::cli::verbs::record::text;
use crate::cli::verbs::writing::{self, MetaArgs};

// Options of `cost record`.
#[derive(clap::Args)]
#[command(
    after_help = "Money that is spent is a fact: an amount that goes over a limit is recorded all the same. At \
    80 % of a limit a warning is derived, over it that it is exceeded, and the attempt under way fails. Amounts are \
    exact: digits with at most one point, at most 18 before it and 9 after it."
)]
pub struct RecordArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// How much, such as `0.10`; with a minus for a refund
    #[arg(allow_negative_numbers = true)]
    amount: Amount,
    /// The model that was paid for
    #[arg(long, value_name = "NAME", value_parser = label)]
    model: Option<String>,
    /// What was done for it
    #[arg(long, value_name = "NAME", value_parser = label)]
    operation: Option<String>,
    /// In which currency; it must be the workflow's [default: that]
    #[arg(long, value_name = "CODE", value_parser = label)]
    currency: Option<String>,
    /// Money was given back: the amount is negative, `-5.00`
    #[arg(long)]
    refund: bool,
    /// The reservation that it ends, the whole of it: `e12`, or the id or `key:TEXT` that it was made under
    #[arg(long, value_name = "EVENT")]
    reservation: Option<String>,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    meta: MetaArgs,
    #[command(flatten)]
    writing: writing::Args,
}

/// Records a cost or a refund.
pub fn record(args: RecordArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let action = Action::Cost(action::Cost {
        phase: args.phase,
        amount: args.amount,
        currency: args.currency,
        refund: args.refund,
        model: args.model,
        operation: args.operation,
        metadata: args.meta.metadata()?,
        reservation: args.reservation.map(|given| named(&given, &args.writing, context)).transpose()?,
    });
    writing::record(args.writing, action, context)
}

/// Finds a reservation by what a caller calls it.
fn named(given: &str, writing: &writing::Args, context: &Context) -> Result<EventId, Failure> {
    if let Ok(id) = given.parse::<CallerId>() {
        return Ok(id.event());
    }
    let then = asking::Then::of(writing.id(), context)?;
    Ok(then.commanded(given, "looking for the reservation", context)?.first)
}

// Options of `cost release`.
#[derive(clap::Args)]
#[command(
    after_help = "What is released, or spent with `cost record --reservation`, others may reserve. A reservation that nobody \
    releases is over when its time is: see `--for` of `cost check`."
)]
pub struct ReleaseArgs {
    /// The reservation: `e12`, or the id or `key:TEXT` that it was made under
    #[arg(value_name = "EVENT")]
    reservation: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Option<Text>,
    #[command(flatten)]
    writing: writing::Args,
}

/// Ends a reservation of which nothing was spent.
pub fn release(args: ReleaseArgs, context: &Context) -> Result<ExitCode, Failure> {
    let reservation = named(&args.reservation, &args.writing, context)?;
    let action = action::CostRelease { reservation, reason: args.reason };
    writing::record(args.writing, Action::CostRelease(action), context)
}

// Options of `cost limit`.
#[derive(clap::Args)]
#[command(
    override_usage = "phaseledger cost limit [OPTIONS] <PHASE> <AMOUNT|--none>\n       \
    phaseledger cost limit [OPTIONS] --workflow[=NAME] <AMOUNT|--none>",
    after_help = "It holds until it is set again, or a definition comes that says another limit than the one before. \
    A limit below what is spent already is exceeded at once; it fails nothing, but keeps the phase, or every phase \
    of the workflow, from being started.\n\n\
    With `--per` it is the most that may be spent in each day, week (from Monday) or month of the zone `--tz`, by when \
    costs took effect, from the current one on. The event keeps the rule of the zone's clocks. Limits in all, and of \
    each length, stand beside each other; `--none --per day` lifts the one of days."
)]
pub struct LimitArgs {
    /// The phase: `phase`, or `workflow/phase`; left out with `--workflow`
    #[arg(value_name = "PHASE", required_unless_present = "workflow", allow_negative_numbers = true)]
    first: Option<String>,
    /// The most it may cost: zero or more
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    second: Option<String>,
    /// The workflow as a whole: all its phases together; `=NAME` where the ledger has several
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    workflow: Option<String>,
    /// No limit
    #[arg(long)]
    none: bool,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Option<Text>,
    /// The most of each day, week or month, by the clocks of `--tz` [default: in all]
    #[arg(long, value_name = "PERIOD")]
    per: Option<Per>,
    #[command(flatten)]
    writing: writing::Args,
}

/// Sets a limit, or lifts it.
pub fn limit(args: LimitArgs, context: &Context) -> Result<ExitCode, Failure> {
    let misuse = |error: &dyn std::fmt::Display| Failure::misuse(error.to_string());
    let (phase, amount) = match (&args.workflow, args.first, args.second) {
        (Some(_), Some(_), Some(_)) => {
            let message = "a phase and `--workflow` exclude each other";
            return Err(Failure::misuse(message).hint("name a workflow with `--workflow=NAME`"));
        }
        (Some(_), amount, None) | (Some(_), None, amount) => (None, amount),
        (None, phase, amount) => (phase, amount),
    };
    let limit = match (amount, args.none) {
        (Some(amount), false) => Some(amount.parse::<Amount>().map_err(|error| misuse(&error))?),
        (None, true) => None,
        (Some(_), true) => return Err(Failure::misuse("an amount and `--none` exclude each other")),
        (None, false) => {
            return Err(Failure::misuse(
                "the limit is missing; expected an amount, or `--none` for no limit",
            ));
        }
    };
    let phase: Option<PhaseRef> =
        phase.map(|phase| phase.parse()).transpose().map_err(|error| misuse(&error))?;
    let workflow = args.workflow.filter(|name| !name.is_empty());
    let workflow =
        workflow.map(|name| WorkflowName::new(&name)).transpose().map_err(|error| misuse(&error))?;
    let action = action::CostLimit {
        phase,
        workflow,
        limit,
        reason: args.reason,
        per: args.per,
        tz: args.per.map(|_| context.zone.to_string()),
        clocks: None,
        was_recorded: false,
    };
    writing::record(args.writing, Action::CostLimit(action), context)
}
