//! How an attempt ends: as its command did, unless somebody ended it first.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use phaseledger::ask;
use phaseledger::ledger::Answer;
use phaseledger::model::{
    Action, Expectation, Metadata, OutputFile, PhaseId, Process, Request, Seq, Text, Timestamp, action,
};
use phaseledger::rules::PhaseState;
use signal_hook::low_level::signal_name;

use super::{Args, Started, View, tell_json};
use crate::cli::host::child::Ended;
use crate::cli::host::context::Context;
use crate::cli::host::error::{Class, Failure, Kind};
use crate::cli::host::{files, output, process};
use crate::cli::ui::render;
use crate::cli::verbs::writing::{self, AnswerView};

/// How often the end is tried to be recorded: what ran for hours is not lost because others are busy.
const TRIES_MAX: u32 = 10;

/// The most of the last line on standard error that is repeated in the error, in characters.
const LAST_LINE_CHARACTERS_MAX: usize = 200;

/// What to exit with where the attempt passed `--max-cost` or a limit: policy refuses to go on.
pub const PASSED: u8 = Kind::OverLimit.exit();

/// How the command ended.
struct Ending {
    action: Action,
    /// What to exit with.
    exit_code: u8,
    /// What to tell, where it is ours to tell.
    failure: Option<Failure>,
}

/// What `exec` saw beside how the command ended.
struct Seen {
    /// When it ended; none where the clock does not tell, or shows that it ended before it began.
    at: Option<Timestamp>,
    /// What it started that still runs, and what earlier attempts did.
    left_behind: Vec<Process>,
}

/// What became of the end.
enum Recorded {
    /// It is recorded.
    By(Answer),
    /// The command had ended the attempt by itself, well or not, by the event at a place.
    ByItself(bool, Seq),
    /// The ledger failed the attempt as a record passed a limit, by the event at a place, which says this.
    ByLimit(Seq, String),
}

/// Ends the attempt as the command ended, and returns what to exit with.
pub fn end(
    args: &Args,
    started: &mut Started,
    ran: io::Result<Ended>,
    ended_at: Option<Timestamp>,
    context: &Context,
) -> Result<u8, Failure> {
    let seen = Seen::of(started, &ran, ended_at.or_else(|| context.now().ok()));
    if ran.as_ref().is_ok_and(|ended| ended.stderr.last().is_some_and(|last| *last != b'\n')) {
        output::talk(format_args!(""));
    }
    let looked = match started.is_watched && ran.is_ok() {
        true => patiently(|| started.meter.look(context)),
        false => Ok(()),
    };
    let mut outcome = outcome(args, started, ran, context);
    let verb = outcome.action.verb();
    let recorded = looked
        .map_err(|failure| refused(failure, false, started, verb))
        .and_then(|()| patiently(|| record(args, started, (&outcome.action, &seen), context)));
    if started.meter.passed().is_some() {
        (outcome.exit_code, outcome.failure) = (PASSED, None);
    }
    let recorded = match recorded {
        Ok(recorded) => recorded,
        // It failed, and that is what to exit with; that nobody will know is worth a word.
        Err(failure) if outcome.exit_code != 0 => {
            let _ = failure.exit(context.json);
            return Ok(outcome.exit_code);
        }
        Err(failure) => return Err(failure),
    };
    match outcome.failure {
        Some(failure) => return Err(failure),
        None if context.json => tell_end_json(started, &recorded, &outcome, &seen),
        None => {
            tell_end(started, &recorded, &outcome, context);
            seen.tell(started);
        }
    }
    Ok(outcome.exit_code)
}

impl Seen {
    fn of(started: &Started, ran: &io::Result<Ended>, at: Option<Timestamp>) -> Self {
        let ours = ran.as_ref().map_or(&[][..], |ended| &ended.left_behind);
        let ours: Vec<_> = ours.iter().filter_map(|pid| process::identify(*pid)).collect();
        let earlier = process::running_of(&started.beside).filter(|process| !ours.contains(process)).cloned();
        // A clock that is behind does not tell.
        Seen { at: at.filter(|at| *at >= started.at), left_behind: earlier.chain(ours.clone()).collect() }
    }

    fn tell(&self, started: &Started) {
        let pids: Vec<_> = self.left_behind.iter().map(|process| process.pid.to_string()).collect();
        let (what, run) = if pids.len() == 1 { ("process", "runs") } else { ("processes", "run") };
        if !pids.is_empty() {
            output::talk(format_args!(
                "phaseledger: {what} {}, started for {}, still {run}: `exec --if-needed` does not run it beside that",
                pids.join(", "),
                started.phase
            ));
        }
    }
}

/// Returns what to exit with where a signal ended the command, as a shell does.
pub const fn signalled(signal: i32) -> u8 {
    (128 + (signal & 127)) as u8
}

/// Returns what to exit with where an attempt failed before: as it did, as far as that is known.
pub fn as_failed(exit_code: Option<i32>, signal: Option<&str>) -> u8 {
    let number = signal.and_then(|name| (1..65).find(|number| signal_name(*number) == Some(name)));
    let code = exit_code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
    code.or(number.map(signalled)).unwrap_or(1)
}

fn outcome(args: &Args, started: &Started, ran: io::Result<Ended>, context: &Context) -> Ending {
    let Ended { status, stderr, .. } = match ran {
        Ok(ended) => ended,
        Err(error) => return not_runnable(args, started, &error),
    };
    if let Some(over) = started.meter.over() {
        let code = status.code().filter(|code| *code != 0);
        let action = fail(started, &over, code, status.signal().map(name_of), &stderr);
        return Ending { action, exit_code: PASSED, failure: None };
    }
    if !status.success() {
        return failed(started, status, &stderr);
    }
    let outputs = args.output.iter().map(|path| files::fingerprint(path, context));
    let outputs = outputs.collect::<Result<Vec<_>, _>>();
    match outputs {
        Ok(outputs) => {
            let output = OutputFile::together(&outputs);
            let (phase, metadata) = (started.phase.clone().into(), Metadata::default());
            let action = Action::Complete(action::Complete { phase, metadata, output, outputs });
            Ending { action, exit_code: 0, failure: None }
        }
        Err(failure) => {
            let error = format!("the command succeeded without its output: {}", failure.message);
            let action = fail(started, &error, None, None, &stderr);
            Ending { action, exit_code: failure.kind.exit(), failure: Some(failure.reworded(error)) }
        }
    }
}

fn not_runnable(args: &Args, started: &Started, error: &io::Error) -> Ending {
    let program = args.command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
    let exit_code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    let error = format!("cannot run `{program}`: {error}");
    let action = fail(started, &error, Some(exit_code.into()), None, &[]);
    Ending { action, exit_code, failure: None }
}

fn failed(started: &Started, status: ExitStatus, stderr: &[u8]) -> Ending {
    let (what, exit_code, signal) = match (status.code(), status.signal()) {
        (Some(code), _) => (format!("exit code {code}"), code as u8, None),
        (None, Some(number)) => {
            let name = name_of(number);
            (format!("ended by {name}"), signalled(number), Some(name))
        }
        (None, None) => (status.to_string(), 1, None),
    };
    let error = match last_line(stderr) {
        None => what,
        Some(line) => format!("{what}: {line}"),
    };
    let action = fail(started, &error, status.code(), signal, stderr);
    Ending { action, exit_code, failure: None }
}

fn name_of(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

fn fail(
    started: &Started,
    error: &str,
    exit_code: Option<i32>,
    signal: Option<String>,
    stderr: &[u8],
) -> Action {
    Action::Fail(action::Fail {
        phase: started.phase.clone().into(),
        error: Text::cut(error).expect("it begins with words"),
        exit_code,
        signal,
        stderr: Text::cut_start(&String::from_utf8_lossy(stderr)),
        abandoned: false,
        metadata: Metadata::default(),
    })
}

/// Returns the last line that says something, without colours.
fn last_line(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let plain = anstream::adapter::strip_str(&text).to_string();
    let line = plain.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(LAST_LINE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    })
}

/// Does something with the ledger, and again while others are busy with it.
fn patiently<T>(mut work: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut tries = 1;
    loop {
        match work() {
            Err(failure)
                if tries < TRIES_MAX
                    && matches!(failure.kind, Kind::LockTimeout | Kind::Busy | Kind::Unknown) =>
            {
                output::talk(format_args!("phaseledger: {}; trying again", failure.message));
                tries += 1;
            }
            result => return result,
        }
    }
}

/// Records the end of this very attempt, unless the command did so by itself, or the ledger did.
fn record(
    args: &Args,
    started: &mut Started,
    (action, seen): (&Action, &Seen),
    context: &Context,
) -> Result<Recorded, Failure> {
    if let Some((seq, error)) = started.meter.limit() {
        return Ok(Recorded::ByLimit(seq, error.to_owned()));
    }
    let request = Request {
        id: Some(started.id.end().into()),
        expect: vec![Expectation::Attempt(started.attempt)],
        occurred_at: seen.at.map(Into::into),
        by: args.by.clone(),
        action: action.clone(),
    };
    let mut command = writing::command(request, context, "exec")?;
    command.left_behind.clone_from(&seen.left_behind);
    let failure = match writing::send(&mut command, false, context) {
        Ok(answer) => return Ok(Recorded::By(answer)),
        Err(failure) => failure,
    };
    let is_rejected = matches!(failure.kind.class(), Class::Conflict | Class::NotFound | Class::Refused);
    if !is_rejected {
        return Err(refused(failure, is_rejected, started, action.verb()));
    }
    let question = ask::Attempt { with_phase: true, ..started.meter.question() };
    // Where nobody can be asked, the ledger is not there either.
    let Ok(since) = ask::now(|| context.open(), &question) else {
        return Err(refused(failure, false, started, action.verb()));
    };
    // A limit that came into force while the command ran was not watched.
    started.meter.take(&since);
    if let Some((seq, error)) = started.meter.limit() {
        return Ok(Recorded::ByLimit(seq, error.to_owned()));
    }
    if since.called != started.phase {
        // It got another name while the command ran, and is the same.
        started.phase = since.called;
        let action = about(action.clone(), &started.phase);
        return record(args, started, (&action, seen), context);
    }
    if let Some(phase) = since.phase
        && phase.state.attempt().is_some_and(|attempt| attempt.event == started.event)
    {
        match &phase.state {
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                return Ok(Recorded::ByItself(true, completion.seq));
            }
            PhaseState::Failed { failure } => return Ok(Recorded::ByItself(false, failure.seq)),
            PhaseState::Pending { .. } | PhaseState::InProgress { .. } => {}
        }
    }
    Err(refused(failure, is_rejected, started, action.verb()))
}

/// Returns the end of an attempt by what its phase is called now.
fn about(mut action: Action, phase: &PhaseId) -> Action {
    match &mut action {
        Action::Complete(complete) => complete.phase = phase.clone().into(),
        Action::Fail(fail) => fail.phase = phase.clone().into(),
        _ => {}
    }
    action
}

/// Says of an end that is refused whose attempt it was.
fn refused(failure: Failure, is_rejected: bool, started: &Started, verb: &str) -> Failure {
    let Started { phase, attempt, .. } = started;
    let message = format!("cannot {verb} attempt {attempt} of `{phase}`: {}", failure.message);
    let failure = failure.reworded(message);
    match is_rejected {
        true => failure.hint(format!(
            "it was taken over, reset or ended while the command ran: `phaseledger show {}` tells",
            phase.phase
        )),
        false => failure.hint(format!(
            "the command has ended, but the ledger does not know: `phaseledger {verb} {} --expect attempt={attempt}` \
             records it",
            phase.phase
        )),
    }
}

fn tell_end(started: &Started, recorded: &Recorded, outcome: &Ending, context: &Context) {
    let Started { phase, attempt, .. } = started;
    match recorded {
        Recorded::By(answer) => {
            let (what, why) = match &outcome.action {
                Action::Fail(action::Fail { error, .. }) => {
                    ("failed", format!(": {}", render::one_line(error.as_str())))
                }
                _ => ("completed", String::new()),
            };
            let derived = match answer.events.len() {
                0 | 1 => String::new(),
                events => format!(", and {} more that it forced", events - 1),
            };
            output::talk(format_args!("phaseledger: {what} {phase} (e{}{derived}){why}", answer.seq));
            writing::tell_times(answer, context);
        }
        Recorded::ByItself(_, seq) => {
            let over = started.meter.over().map(|over| format!(": {over}")).unwrap_or_default();
            output::talk(format_args!(
                "phaseledger: attempt {attempt} of {phase} was ended by the command itself (e{seq}){over}"
            ));
        }
        Recorded::ByLimit(seq, error) => output::talk(format_args!(
            "phaseledger: attempt {attempt} of {phase} was failed by its costs (e{seq}): {error}"
        )),
    }
}

fn tell_end_json(started: &Started, recorded: &Recorded, outcome: &Ending, seen: &Seen) {
    let exit_code = outcome.exit_code;
    let over = started.meter.over();
    let (is_well, ended, reason) = match recorded {
        Recorded::By(answer) => (exit_code == 0, Some(AnswerView::new(answer)), over),
        Recorded::ByItself(is_well, seq) => {
            let over = over.map(|over| format!("; {over}")).unwrap_or_default();
            (*is_well, None, Some(format!("ended by the command itself, as e{seq}{over}")))
        }
        Recorded::ByLimit(seq, error) => {
            (false, None, Some(format!("failed by its costs, as e{seq}: {error}")))
        }
    };
    tell_json(&View {
        schema: "exec/1",
        outcome: if is_well { "completed" } else { "failed" },
        phase: &started.phase,
        attempt: started.attempt,
        exit_code,
        started: Some(AnswerView::new(&started.answer)),
        ended,
        left_behind: &seen.left_behind,
        reason,
    });
}
