//! `approval`: leave is asked for, and granted or rejected, by a policy at once or by a person.

mod ask;
mod find;
mod list;
mod wait;

use std::process::ExitCode;
use std::time::Duration;

use phaseledger::ledger::{Answer, AnswerStatus};
use phaseledger::model::{
    Action, Amount, AmountError, ApprovalAnswer, ApprovalAsk, DecidedBy, OperationName, OperationNameError,
    PhaseRef, Text, TextError, Verdict, WorkflowName, escape,
};
use phaseledger::query::ApprovalView;
use phaseledger::rules::Approval;
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::{Class, Failure};
use crate::cli::host::output;
use crate::cli::ui::render;
use crate::cli::verbs::asking::Then;
use crate::cli::verbs::writing::{self, AnswerView, MetaArgs};

/// What may be done about approvals.
#[derive(clap::Subcommand)]
#[command(defer = true)]
pub enum Verb {
    /// Ask leave for an operation; the policy decides at once, or a person does
    Request(RequestArgs),
    /// Grant a request
    Grant(DecideArgs),
    /// Reject a request, or take back one's own
    Reject(DecideArgs),
    /// Wait until a request is decided
    Wait(wait::Args),
    /// List requests, and how each was decided
    List(list::Args),
}

// Options of `approval request`.
#[derive(clap::Args)]
#[command(
    after_help = "The policy is the table `[workflow.approval]` of the workflow's definition. What is estimated \
    above `reject_above` (50.00), or touches more than twice `items` (10), is rejected. What is listed in \
    `high_impact`, estimated above `require_above` (20.00), or touches more than `items`, waits for a person. What is \
    estimated below `auto_approve_below` (5.00) is granted. The rest waits for a person.\n\n\
    Exits with 0 when it is granted, 1 when it is rejected, 75 when nobody has decided yet, so that `approval request \
    … && do-it` does nothing without leave. The request stays: the same command with the same `--id` finds out later \
    what came of it. With `--dry-run` the exit code is what it would be.\n\n\
    On a terminal those who may grant their own requests (`self_approval = true`) are asked.\n\n\
    In JSON: as every verb that records, and `decision` (granted, rejected or pending) and `approval`, as in \
    `approval list`; where nobody has decided, stderr has an error whose `code` is `undecided`."
)]
pub struct RequestArgs {
    /// What is to be done, such as `delete_plan`
    #[arg(value_parser = operation)]
    operation: OperationName,
    /// What it is thought to cost, in the workflow's currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount, allow_hyphen_values = true)]
    estimate: Amount,
    /// How many things it touches
    #[arg(long, value_name = "N", value_parser = items, allow_hyphen_values = true)]
    items: u64,
    /// What it does to them
    #[arg(long, value_name = "TEXT", value_parser = text)]
    impact: Option<Text>,
    /// For a phase: `phase`, or `workflow/phase` [default: the workflow as a whole]
    #[arg(long)]
    phase: Option<PhaseRef>,
    /// For which workflow, or of which one a bare name is, where the ledger has several [env: PHASELEDGER_WORKFLOW]
    #[arg(long, value_name = "NAME", value_parser = workflow_name)]
    workflow: Option<WorkflowName>,
    /// Instead of the workflow's own `auto_approve_below`; what must wait for a person still does
    #[arg(long, value_name = "AMOUNT", value_parser = amount, allow_hyphen_values = true)]
    auto_approve_below: Option<Amount>,
    /// Wait so long for a person's decision, such as `30m`
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::host::context::patience, conflicts_with = "dry_run")]
    wait: Option<Duration>,
    #[command(flatten)]
    meta: MetaArgs,
    #[command(flatten)]
    writing: writing::Args,
}

// Options of `approval grant` and `approval reject`.
#[derive(clap::Args)]
#[command(
    after_help = "A request is decided once: a second decision is refused, and says who was first. Sent again under its \
    `--id`, a decision changes nothing. Who asked may reject it, but grant it only where the definition in force says \
    `self_approval = true`. Names are what callers say they are (`--by`), \
    but hide nobody: who asks as the user `ana` of a machine cannot grant it there by another name, nor ask by another name and \
    grant it as `ana`. Several people who share a user each give a name of their own, unless the definition says \
    `distinct_users = true`. The ledger records names and users, and proves nothing."
)]
pub struct DecideArgs {
    /// The request: its id or the start of it, four digits at least, the `key:TEXT` that it was sent under, or its place,
    /// `eN`
    #[arg(value_name = "ID")]
    request: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Text,
    #[command(flatten)]
    writing: writing::Args,
}

/// Does what is asked about approvals.
pub fn run(verb: Verb, context: &Context) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Request(args) => request(args, context),
        Verb::Grant(args) => decide(args, Verdict::Granted, context),
        Verb::Reject(args) => decide(args, Verdict::Rejected, context),
        Verb::Wait(args) => wait::run(&args, context),
        Verb::List(args) => list::run(&args, context),
    }
}

fn request(args: RequestArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.preferring(args.workflow.clone());
    let ask = ApprovalAsk {
        workflow: args.workflow.filter(|_| args.phase.is_none()),
        phase: args.phase,
        operation: args.operation,
        estimate: args.estimate,
        items: args.items,
        impact: args.impact,
        auto_approve_below: args.auto_approve_below,
        metadata: args.meta.metadata()?,
    };
    let by = args.writing.by().map(str::to_owned);
    let action = Action::ApprovalRequest(Box::new(ask));
    let verb = action.verb();
    let answer = writing::submit(args.writing, action, context)?;
    let mut approval = standing(&answer, context)?;
    if !context.json {
        writing::answered(&answer, writing::tell(&answer, verb, context))?;
    }
    let can_be_decided = approval.decision.is_none() && answer.status != AnswerStatus::Preview;
    if can_be_decided {
        match args.wait {
            Some(timeout) => approval = wait::until_decided(approval, Some(timeout), context)?,
            None => approval = ask::on_terminal(approval, by, context)?,
        }
    }
    writing::answered(&answer, answer_with(&answer, &approval, context))?;
    if can_be_decided && approval.decision.is_none() && args.wait.is_none() && !context.json {
        ask::tell_who_may(&approval, context)?;
    }
    Ok(exit(&approval, context))
}

/// Answers with what came of a request: in text, where the events did not say so already.
fn answer_with(answer: &Answer, approval: &Approval, context: &Context) -> Result<(), Failure> {
    if context.json {
        let view = RequestView { answer: AnswerView::new(answer), outcome: DecisionView::new(approval) };
        return Ok(output::json_line(&mut output::stdout(), &view)?);
    }
    let decision = approval.decision.as_ref();
    match decision.is_some_and(|decision| answer.events.iter().any(|record| record.id == decision.event)) {
        true => Ok(()),
        false => tell(approval),
    }
}

/// Returns how a request stands that was just recorded, or was recorded before.
fn standing(answer: &Answer, context: &Context) -> Result<Approval, Failure> {
    // What was recorded before may have been decided since.
    let asked = if answer.status == AnswerStatus::Duplicate { None } else { Approval::of(&answer.events) };
    asked.map_or_else(|| find::known(answer.id.event(0), context), Ok)
}

fn decide(args: DecideArgs, verdict: Verdict, context: &Context) -> Result<ExitCode, Failure> {
    let then = Then::of(args.writing.id(), context)?;
    let request = find::find_then(&args.request, &then, context)?.request;
    let action = Action::ApprovalDecide(ApprovalAnswer { request, verdict, reason: args.reason });
    writing::record(args.writing, action, context)
}

/// The answer to a request, in JSON.
#[derive(Serialize)]
struct RequestView<'a> {
    #[serde(flatten)]
    answer: AnswerView<'a>,
    #[serde(flatten)]
    outcome: DecisionView<'a>,
}

/// What came of a request, in JSON.
#[derive(Serialize)]
pub struct DecisionView<'a> {
    decision: &'static str,
    approval: ApprovalView<'a>,
}

impl<'a> DecisionView<'a> {
    /// Views what came of a request.
    pub fn new(approval: &'a Approval) -> Self {
        let decision = approval.decision.as_ref();
        DecisionView {
            decision: decision.map_or("pending", |decision| decision.verdict.as_str()),
            approval: ApprovalView::new(approval),
        }
    }
}

/// Tells what came of a request, in a line.
pub fn tell(approval: &Approval) -> Result<(), Failure> {
    Ok(output::say(format_args!("{}", outcome(approval)))?)
}

fn outcome(approval: &Approval) -> String {
    let Some(decision) = &approval.decision else {
        let why = approval.open_question().unwrap_or_default();
        return format!("pending: e{} waits for a person: {}", approval.seq, escape(&why));
    };
    let by = match decision.decided_by {
        DecidedBy::Policy => "the policy".to_owned(),
        DecidedBy::Person => escape(&decision.by.name),
    };
    let reason = render::one_line(decision.reason.as_str());
    format!("{} by {by} in e{}: {reason}", decision.verdict.as_str(), decision.seq)
}

/// Returns the exit code that a script goes by.
pub fn exit(approval: &Approval, context: &Context) -> ExitCode {
    match approval.decision.as_ref().map(|decision| decision.verdict) {
        Some(Verdict::Granted) => ExitCode::SUCCESS,
        Some(Verdict::Rejected) => ExitCode::FAILURE,
        // Neither yes nor no. A program gets the answer, and why it is none: the ledger kept too long has the same exit code.
        None => match context.json {
            true => Failure::undecided(approval.seq).exit(true),
            false => ExitCode::from(Class::Later.exit()),
        },
    }
}

fn amount(given: &str) -> Result<Amount, AmountError> {
    given.parse()
}

fn items(given: &str) -> Result<u64, &'static str> {
    given.parse().map_err(|_| "expected a whole number of 0 or more")
}

fn text(given: &str) -> Result<Text, TextError> {
    Text::new(given)
}

fn workflow_name(given: &str) -> Result<WorkflowName, phaseledger::model::NameError> {
    WorkflowName::new(given)
}

fn operation(given: &str) -> Result<OperationName, OperationNameError> {
    OperationName::new(given)
}
