//! `exec`: starts an attempt, runs a command, and ends the attempt as the command ended.
//!
//! ```text
//!  begin: the ledger is open ──▶ run: nothing is held ──▶ end: the ledger is open
//! ```
//!
//! Standard output is the command's own. What `exec` itself says goes to standard error.

mod begin;
mod end;
mod meter;
mod outcome;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use phaseledger::ledger::Answer;
use phaseledger::model::{
    Amount, CallerId, CommandId, EventId, Expectation, PhaseId, PhaseRef, Process, Timestamp,
};
use serde::Serialize;
use signal_hook::consts::SIGINT;
use signal_hook::low_level::emulate_default_handler;

use self::meter::Meter;
use crate::cli::host::child::{self, Order};
use crate::cli::host::context::{Context, Within, patience};
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::verbs::cost::estimate;
use crate::cli::verbs::drift;
use crate::cli::verbs::record::HowArgs;
use crate::cli::verbs::writing::{self, AnswerView, MetaArgs as Meta};

// Options of `exec`.
#[derive(clap::Args)]
#[command(
    after_help = "CMD has the standard input and output; its standard error is passed on, and the last 64 KiB \
    of it are kept where it fails. SIGINT, SIGTERM, SIGHUP and SIGQUIT are handed on to it and to what it started \
    (its process group; at a terminal, which signals a job by itself, what is still in ours), SIGUSR1 and SIGUSR2 to it \
    alone. What is left of its group when it ends as it was asked to is sent SIGTERM, and SIGKILL once `--grace` is over. The \
    ledger is not held while it runs: CMD may record by itself, and finds PHASELEDGER_PHASE, PHASELEDGER_ATTEMPT, \
    PHASELEDGER_EVENT (the id of the start) and PHASELEDGER_DIR in its environment. An attempt that it ends by \
    itself is left as it is.\n\n\
    Exits as CMD does: with its exit code, with 128 + N where signal N ended it, with 127 where it is not found and \
    126 where it cannot be run; the phase is FAILED then. Otherwise as any verb that records.\n\n\
    With `--if-needed` a script of `exec` lines can be run again after it was interrupted, by whatever: what is \
    COMPLETE or skipped is left alone, what is PENDING, NEEDS_RERUN or FAILED is run, and an attempt whose process \
    is gone is taken over. One whose process runs, or may, is refused; so is a phase of which an attempt has ended but \
    left a process behind that runs. Without `--if-needed` that is told, and CMD is run beside it. Where a COMPLETE phase declares `inputs` or \
    `outputs`, they are looked at first: what is no longer what it read or put out is recorded, as by `scan`, and the \
    phase is run.\n\n\
    CMD is stopped once what it costs passes `--max-cost`, or a record of its costs passes the limit of the phase or \
    of the workflow: it is sent SIGTERM, and SIGKILL after `--grace`, with all that it started. The phase \
    is FAILED then, and `exec` exits with 6, however CMD ended: also where it ended first. Costs are what is \
    recorded on the phase while the attempt is under way, refunds taken off: `phaseledger cost record`. Limits are \
    watched where one is in force when the attempt starts.\n\n\
    An id that is known never runs CMD again: exits with 0 where its attempt was completed, as it ended where it \
    failed, with 6 while it is under way or where it passed `--max-cost` or a limit, and with 1 where it was reset.\n\n\
    The outputs that the workflow file declares are fingerprinted once CMD has ended. They never change how it ended: \
    where not all can be read (a link to nowhere, a pipe, a name that is not UTF-8, more than are kept), they are named \
    in a warning and in the event, which then has no digest, and the phase is COMPLETE as CMD was. A file that \
    `--output` names is meant: without it the phase is FAILED. Declared inputs that cannot be read are told too, and \
    CMD is run; no `scan` can compare them then.\n\n\
    With `--json` the last line on standard error is the answer (`exec/1`): `outcome` (`completed`, `failed` or \
    `not_run`), `phase`, `attempt`, `exit_code`, `started` and `ended` as other verbs answer, `left_behind` \
    (the processes that still run, as the event has them; absent where none do), and `reason`.",
    // Told behind `--grace`, which is the ninth, as what stops CMD is told with what it may cost.
    mut_arg("reason", |reason| reason.display_order(8))
)]
pub struct Args {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// The command to run, and its arguments
    #[arg(value_name = "CMD", last = true, required = true)]
    command: Vec<OsString>,
    /// Run only what is PENDING, NEEDS_RERUN or FAILED, or was left by a process that is gone
    #[arg(long, conflicts_with_all = ["rerun", "take_over"])]
    if_needed: bool,
    /// A file that CMD puts out; its digest is recorded, so that an unchanged one stops a rerun
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    how: HowArgs,
    /// The most that this attempt may cost, in the workflow's currency: more stops CMD, and fails the attempt
    #[arg(long, value_name = "AMOUNT", value_parser = estimate, allow_negative_numbers = true)]
    max_cost: Option<Amount>,
    /// How long a CMD that is stopped, and what it started, has between SIGTERM and SIGKILL
    #[arg(long, value_name = "DURATION", value_parser = patience, default_value = "10s")]
    grace: Duration,
    #[command(flatten)]
    meta: Meta,
    /// A UUID, or `key:` and a text of your own: whatever has run under it is not run again
    #[arg(long, value_name = "ID", help_heading = "Recording")]
    id: Option<CallerId>,
    /// Refuse to start unless this holds: `seq:N` (nothing happened to it after N), `state=A,B`, `attempt=N`
    #[arg(long, value_name = "WHAT", help_heading = "Recording")]
    expect: Vec<Expectation>,
    /// Who asks [env: PHASELEDGER_BY] [default: the user]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = phaseledger::model::claim,
        help_heading = "Recording"
    )]
    by: Option<String>,
}

/// What became of the wish to start.
enum Begun {
    /// An attempt is under way, and ours.
    Started(Box<Started>),
    /// There is nothing to run.
    NotRun(NotRun),
}

/// An attempt of ours.
struct Started {
    /// The command that started it.
    id: CommandId,
    phase: PhaseId,
    attempt: u32,
    /// The event that started it.
    event: EventId,
    /// When that took effect.
    at: Timestamp,
    /// What earlier attempts had left behind that ran as it began.
    beside: Vec<Process>,
    answer: Answer,
    /// What it costs.
    meter: Meter,
    /// Whether there is anything that its costs may pass.
    is_watched: bool,
}

/// Why nothing is run.
struct NotRun {
    phase: PhaseId,
    attempt: u32,
    reason: String,
    exit_code: u8,
}

/// What came of it all, in JSON.
#[derive(Serialize)]
struct View<'a> {
    schema: &'static str,
    outcome: &'static str,
    phase: &'a PhaseId,
    attempt: u32,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<AnswerView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<AnswerView<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left_behind: &'a [Process],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Starts, runs and ends.
pub fn run(args: Args, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let context = &context.stay()?;
    let dir = context.home()?.folder()?;
    let mut started = match begin::begin(&args, context)? {
        Begun::Started(started) => started,
        Begun::NotRun(not_run) => return Ok(tell_not_run(&not_run, context)),
    };
    if !context.json {
        let Started { phase, attempt, answer, .. } = &*started;
        let seq = answer.events.last().map_or(answer.seq, |start| start.seq);
        output::talk(format_args!("phaseledger: started {phase}, attempt {attempt} (e{seq})"));
        writing::tell_times(answer, context);
        drift::tell(context);
    }
    let environment = [
        ("PHASELEDGER_PHASE", started.phase.to_string().into()),
        ("PHASELEDGER_ATTEMPT", started.attempt.to_string().into()),
        ("PHASELEDGER_DIR", dir.into_os_string()),
    ];
    let mut ended_at = None;
    let meter = &mut started.meter;
    let calls: &mut dyn FnMut() -> bool = &mut || meter.calls(context);
    let ran = child::run(Order {
        command: &args.command,
        environment: &environment,
        event: started.event,
        calls: started.is_watched.then_some(calls),
        grace: args.grace,
        // What comes now is none of its time: others may have the ledger for long.
        on_end: &mut || ended_at = context.now().ok(),
    });
    let is_interrupted = ran.as_ref().is_ok_and(|ended| ended.is_interrupted);
    let exit = end::end(&args, &mut started, ran, ended_at, context)?;
    if is_interrupted && exit == end::signalled(SIGINT) {
        // A shell gives up its script only where it sees that ^C ended what it ran.
        let _ = emulate_default_handler(SIGINT);
    }
    Ok(ExitCode::from(exit))
}

fn tell_not_run(not_run: &NotRun, context: &Context) -> ExitCode {
    let NotRun { phase, attempt, reason, exit_code } = not_run;
    if context.json {
        tell_json(&View {
            schema: "exec/1",
            outcome: "not_run",
            phase,
            attempt: *attempt,
            exit_code: *exit_code,
            started: None,
            ended: None,
            left_behind: &[],
            reason: Some(reason.clone()),
        });
    } else {
        output::talk(format_args!("phaseledger: {phase} is not run: {reason}"));
    }
    ExitCode::from(*exit_code)
}

fn tell_json(view: &View<'_>) {
    // Where standard error is closed there is nobody to tell.
    let _ = output::json_talk(view);
}
