//! How an attempt begins, or why nothing is run. All of it sees the ledger at one moment.

use phaseledger::ask::{self, BeforeStartAnswer, KnownAttempt, KnownStart, ToStart};
use phaseledger::ledger::{AnswerStatus, check_repeats};
use phaseledger::model::{
    Action, Again, CallerId, Command, CommandId, Expectation, PhaseId, Recorded, Request, Seq, Text, Worker,
    action,
};
use phaseledger::rules::{Phase, PhaseState};

use super::end::PASSED;
use super::meter::Meter;
use super::outcome::of_end;
use super::{Args, Begun, NotRun, Started};
use crate::cli::host::context::Context;
use crate::cli::host::error::{Failure, Kind};
use crate::cli::host::process::{self, Life};
use crate::cli::ui::render;
use crate::cli::verbs::{scan, writing};

/// Starts an attempt of the phase, unless there is nothing to run.
pub fn begin(args: &Args, context: &Context) -> Result<Begun, Failure> {
    let mut start = args.how.start(args.phase.clone())?;
    let question =
        ask::BeforeStart { phase: args.phase.clone(), id: args.id.as_ref().map(CallerId::command) };
    let look = || ask::now(|| context.open(), &question);
    let mut found = look()?;
    if args.if_needed && has_changed(args, &found, context)? {
        found = look()?;
    }
    let ToStart { phase, is_limited, currency } = match found {
        BeforeStartAnswer::New(to_start) => *to_start,
        BeforeStartAnswer::Known(known) => return repeated(args, start, *known, context),
    };
    match needed(args, &phase) {
        Needed::No(reason) => return Ok(not_run(&phase.id, phase.attempt, reason, 0)),
        Needed::Yes => {}
        Needed::Abandoned(reason) => start.again = Some(Again::TakeOver(reason)),
    }
    let beside = process::survivors(&phase);
    match (args.if_needed, args.how.take_over) {
        (true, _) => process::refuse_beside(&phase, &beside)?,
        (false, true) => process::warn_of_running(&phase),
        (false, false) => process::warn_of(&phase, &beside),
    }
    let mut command = command(args, start, context)?;
    if !args.how.take_over && matches!(phase.state, PhaseState::InProgress { .. }) {
        // What was seen to be gone is taken over, and not what another process has begun since.
        command.expect.push(Expectation::Attempt(phase.attempt));
    }
    let answer = writing::send(&mut command, false, context).map_err(|failure| refused(failure, &phase))?;
    if answer.status == AnswerStatus::Duplicate && args.id.is_some() {
        // Whoever sent it too was first: its attempt is not ours.
        return begin(args, context);
    }
    match answer.events.iter().find_map(start_of) {
        Some((phase, attempt, start)) => {
            let (id, event, at, phase) = (command.id, start.id, start.at, phase.clone());
            let meter = Meter::new((phase.clone(), attempt), start.seq, args.max_cost, currency);
            let is_watched = is_limited || args.max_cost.is_some();
            Ok(Begun::Started(Box::new(Started {
                id,
                phase,
                attempt,
                event,
                at,
                beside,
                answer,
                meter,
                is_watched,
            })))
        }
        None => Err(unseen(command.id, answer.seq)),
    }
}

/// Says whether the files of a phase that is COMPLETE are no longer what it read and put out; that is recorded then.
fn has_changed(args: &Args, found: &BeforeStartAnswer, context: &Context) -> Result<bool, Failure> {
    match found {
        BeforeStartAnswer::New(to_start) => {
            let phase = &to_start.phase;
            let is_compared = matches!(phase.state, PhaseState::Complete { .. }) && phase.watches_files();
            Ok(is_compared && scan::one(&phase.id, args.by.as_ref(), context)?)
        }
        BeforeStartAnswer::Known(_) => Ok(false),
    }
}

fn command(args: &Args, start: action::Start, context: &Context) -> Result<Command, Failure> {
    let metadata = args.meta.metadata()?;
    let worker = Some(Worker::Named(std::process::id()));
    let action = Action::Start(action::Start { metadata, worker, ..start });
    let expect = args.expect.clone();
    let request = Request { id: args.id.clone(), expect, occurred_at: None, by: args.by.clone(), action };
    writing::command(request, context, "exec")
}

/// Whether there is anything to run.
enum Needed {
    Yes,
    /// The attempt under way will never end by itself, for a reason.
    Abandoned(Text),
    /// No, for a reason.
    No(String),
}

fn needed(args: &Args, phase: &Phase) -> Needed {
    if !args.if_needed {
        return Needed::Yes;
    }
    match &phase.state {
        PhaseState::Complete { completion } => {
            Needed::No(format!("it is COMPLETE since e{}", completion.seq))
        }
        PhaseState::Pending { skipped: Some(skip) } => {
            let reason = render::one_line(skip.reason.as_str());
            Needed::No(format!("it is skipped since e{}: {reason}", skip.seq))
        }
        PhaseState::InProgress { attempt, .. } if process::life(attempt) == Life::Gone => {
            let name = attempt.process.as_deref().map(process::name).unwrap_or_default();
            let reason = format!("taken over by `exec --if-needed`: {name} is gone");
            Text::cut(&reason).map_or(Needed::Yes, Needed::Abandoned)
        }
        PhaseState::Pending { skipped: None }
        | PhaseState::InProgress { .. }
        | PhaseState::Failed { .. }
        | PhaseState::NeedsRerun { .. } => Needed::Yes,
    }
}

fn not_run(phase: &PhaseId, attempt: u32, reason: String, exit_code: u8) -> Begun {
    Begun::NotRun(NotRun { phase: phase.clone(), attempt, reason, exit_code })
}

/// Says of a start that the rules refuse what can be done about it.
fn refused(failure: Failure, phase: &Phase) -> Failure {
    let is_illegal = failure.kind == Kind::IllegalTransition;
    match (&phase.state, is_illegal) {
        (PhaseState::InProgress { attempt, .. }, true) => process::refused(failure, phase, attempt),
        (PhaseState::Complete { .. }, true) => failure.hint(format!(
            "`--rerun --reason …` marks it for rerun and runs it; `--if-needed` leaves `{}` as it is",
            phase.id.phase
        )),
        _ => failure,
    }
}

/// Returns the attempt that an event starts.
fn start_of(record: &Recorded) -> Option<(&PhaseId, u32, &Recorded)> {
    Some((record.subject.phase()?, record.event.started()?.attempt, record))
}

/// Answers a command whose id is known: its attempt is not begun again, however it ended.
fn repeated(
    args: &Args,
    mut start: action::Start,
    known: KnownStart,
    context: &Context,
) -> Result<Begun, Failure> {
    let KnownStart { events, attempt, phase } = known;
    let first = &events[0];
    if let Some(failed) = first.event.failed().filter(|_| args.if_needed) {
        // It took an attempt over, which nobody had asked for in as many words.
        start.again = Some(Again::TakeOver(failed.error.clone()));
    }
    // Refuses an id that was given to something else.
    check_repeats(&command(args, start, context)?, &events)?;
    let (id, seq) = (first.command_id, first.seq);
    let KnownAttempt { phase: of, attempt, start, since } = attempt.ok_or_else(|| unseen(id, seq))?;
    let mut meter = Meter::new((of.clone(), attempt), start, args.max_cost, None);
    meter.take(&since);
    if let Some(end) = &since.end {
        let (how, exit_code) = of_end(end);
        // What `exec` completed had not passed anything as its command ended.
        let is_ours = exit_code == 0 && end.command_id == id.end();
        let exit_code = if meter.passed().is_some() && !is_ours { PASSED } else { exit_code };
        let reason =
            format!("duplicate: recorded as e{seq} already; attempt {attempt} {how} as e{}", end.seq);
        return Ok(not_run(&of, attempt, reason, exit_code));
    }
    let phase = phase?;
    let message = format!("duplicate: recorded as e{seq} already; attempt {attempt} is under way");
    let failure = Failure::under_way(message);
    Err(match &phase.state {
        PhaseState::InProgress { attempt, .. } => {
            let failure = process::refused(failure, &phase, attempt);
            let hint = failure.hint.clone().unwrap_or_default();
            failure.hint(format!("{hint}; never under this id, which has run"))
        }
        _ => failure,
    })
}

fn unseen(id: CommandId, seq: Seq) -> Failure {
    Failure::damage(format!("event {seq} of the command {id} starts no attempt"))
}
