//! The verbs that record one command: `start`, `complete`, `fail`, `skip`, `rerun`, `reset`, `meta`, `note`.

use std::path::PathBuf;
use std::process::ExitCode;

use phaseledger::model::{
    Action, Again, Digest, Metadata, OutputFile, PhaseRef, Text, Worker, WorkflowName, action,
};

use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::{files, process};
use crate::cli::verbs::drift;
use crate::cli::verbs::writing::{self, MetaArgs as Meta};

// Options of `start` and `exec`: how to start what stands in the way.
#[derive(clap::Args)]
#[group(skip)]
pub struct HowArgs {
    /// Start even when what it needs is neither complete nor skipped; the event says so
    #[arg(long)]
    allow_unmet: bool,
    /// Start it whatever has come of it, unless it is under way: one that is COMPLETE is marked for rerun first
    #[arg(long, requires = "reason", conflicts_with = "take_over")]
    rerun: bool,
    /// Start a phase whose attempt nobody will end: fail that one as abandoned first
    #[arg(long, requires = "reason")]
    pub take_over: bool,
    /// Start it although it, or its workflow, has spent more than it may; the event says so
    #[arg(long, requires = "reason")]
    over_limit: bool,
    /// Why, for `--rerun`, `--take-over` and `--over-limit`
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Option<Text>,
}

impl HowArgs {
    /// Returns a start as it is asked for, by nobody yet, without metadata.
    pub fn start(&self, phase: PhaseRef) -> Result<action::Start, Failure> {
        let again = match (&self.reason, self.rerun, self.take_over) {
            (Some(reason), true, _) => Some(Again::Rerun(reason.clone())),
            (Some(reason), _, true) => Some(Again::TakeOver(reason.clone())),
            (Some(_), false, false) if !self.over_limit => {
                return Err(Failure::misuse(
                    "`--reason` goes with `--rerun`, `--take-over` or `--over-limit`",
                ));
            }
            (Some(_) | None, ..) => None,
        };
        Ok(action::Start {
            phase,
            metadata: Metadata::default(),
            allow_unmet: self.allow_unmet,
            again,
            over_limit: self.reason.clone().filter(|_| self.over_limit),
            inputs: Vec::new(),
            worker: None,
        })
    }
}

// Options of `start`.
#[derive(clap::Args)]
#[command(
    after_help = "The inputs that the workflow file declares are fingerprinted first. Where not all can be read \
    (a link to nowhere, a name that is not UTF-8, more than are kept), it is started all the same: they are named in a \
    warning and in the event (`unreadable`), which has no `inputs` then, and a `scan` says `unknown` of the phase until \
    its next start. Pipes, sockets and devices are left out, and named."
)]
pub struct StartArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    #[command(flatten)]
    how: HowArgs,
    /// The process that does the work, such as `$$` in a script: once it is gone, `status` and `next` say so
    #[arg(long, value_name = "N")]
    pid: Option<u32>,
    #[command(flatten)]
    meta: Meta,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Starts an attempt.
pub fn start(args: StartArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let start = args.how.start(args.phase)?;
    let metadata = args.meta.metadata()?;
    let worker = args.pid.map(Worker::Named);
    let action = Action::Start(action::Start { metadata, worker, ..start });
    let warn: writing::Refuse = match args.how.take_over {
        true => |phase| {
            process::warn_of_running(phase);
            Ok(())
        },
        false => |phase| {
            process::warn_of(phase, &process::survivors(phase));
            Ok(())
        },
    };
    let exit = writing::record_unless(args.writing, action, context, Some(warn))?;
    drift::tell(context);
    Ok(exit)
}

// Options of `complete`.
#[derive(clap::Args)]
#[command(
    after_help = "The outputs that the workflow file declares are fingerprinted, unless `--output` or `--digest` \
    says what was put out. Where not all of them can be read (a link to nowhere, a pipe, a name that is not UTF-8, more \
    than are kept), the attempt ends all the same: they are named in a warning and in the event (`unreadable`), which \
    has no digest then, and no rerun is stopped by it. A file of `--output` that cannot be read is an error, and \
    nothing is recorded."
)]
pub struct CompleteArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// A file that the phase put out, instead of those that its definition declares; its digest is recorded, so
    /// that an unchanged one stops a rerun
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// The digest of all that the phase put out, instead of any files: `sha256:…` or `blake3:…`
    #[arg(long, value_name = "DIGEST", conflicts_with = "output")]
    digest: Option<Digest>,
    #[command(flatten)]
    meta: Meta,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Ends the attempt well.
pub fn complete(args: CompleteArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let outputs =
        args.output.iter().map(|path| files::fingerprint(path, context)).collect::<Result<Vec<_>, _>>()?;
    let output = args.digest.or_else(|| OutputFile::together(&outputs));
    let action = Action::Complete(action::Complete {
        phase: args.phase,
        metadata: args.meta.metadata()?,
        output,
        outputs,
    });
    writing::record(args.writing, action, context)
}

// Options of `fail`.
#[derive(clap::Args)]
pub struct FailArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// What went wrong
    #[arg(long, value_name = "TEXT", value_parser = text)]
    error: Text,
    /// The exit code of the process that failed
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    exit_code: Option<i32>,
    /// The signal that ended the process, such as SIGKILL
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::label)]
    signal: Option<String>,
    /// Nobody saw the attempt end: its process is gone. Refused while that is known to run
    #[arg(long)]
    abandoned: bool,
    #[command(flatten)]
    meta: Meta,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Ends the attempt badly.
pub fn fail(args: FailArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let action = Action::Fail(action::Fail {
        phase: args.phase,
        error: args.error,
        exit_code: args.exit_code,
        signal: args.signal,
        stderr: None,
        abandoned: args.abandoned,
        metadata: args.meta.metadata()?,
    });
    let refuse: writing::Refuse = process::refuse_running;
    writing::record_unless(args.writing, action, context, args.abandoned.then_some(refuse))
}

// Options of `skip`.
#[derive(clap::Args)]
pub struct SkipArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Text,
    #[command(flatten)]
    meta: Meta,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Does without a phase.
pub fn skip(args: SkipArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let metadata = args.meta.metadata()?;
    writing::record(
        args.writing,
        Action::Skip(action::Skip { phase: args.phase, reason: args.reason, metadata }),
        context,
    )
}

// Options of `rerun`.
#[derive(clap::Args)]
pub struct RerunArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Text,
    /// Take back every mark that was made by hand since the last attempt began
    #[arg(long)]
    withdraw: bool,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Marks a phase for rerun, or takes that back.
pub fn rerun(args: RerunArgs, context: &Context) -> Result<ExitCode, Failure> {
    let RerunArgs { phase, reason, withdraw, within, writing } = args;
    let context = &context.within(&within);
    writing::record(writing, Action::Rerun(action::Rerun { phase, reason, withdraw }), context)
}

// Options of `reset`.
#[derive(clap::Args)]
pub struct ResetArgs {
    /// The phase: `phase`, or `workflow/phase`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    phase: Option<PhaseRef>,
    /// Every phase of the workflow, in one batch
    #[arg(long)]
    all: bool,
    /// Which workflow, for `--all` and for a bare name, where the ledger has several [env: PHASELEDGER_WORKFLOW]
    #[arg(long, value_name = "NAME", value_parser = workflow_name)]
    workflow: Option<WorkflowName>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Text,
    #[command(flatten)]
    writing: writing::Args,
}

/// Resets a phase, or all of a workflow.
pub fn reset(args: ResetArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.preferring(args.workflow.clone());
    let action = match args.phase {
        Some(phase) => Action::Reset(action::Reset { phase, reason: args.reason }),
        None => Action::ResetAll(action::ResetAll { workflow: args.workflow, reason: args.reason }),
    };
    writing::record(args.writing, action, context)
}

// Options of `meta`.
#[derive(clap::Args)]
pub struct MetaArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// What to attach; a value that is JSON is kept as JSON, any other as text
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = writing::pair)]
    pairs: Vec<(String, String)>,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Attaches metadata.
pub fn meta(args: MetaArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let mut metadata = Metadata::default();
    writing::insert_all(&mut metadata, &args.pairs)?;
    writing::record(args.writing, Action::Meta(action::Meta { phase: args.phase, metadata }), context)
}

// Options of `note`.
#[derive(clap::Args)]
pub struct NoteArgs {
    /// The note
    #[arg(value_parser = text)]
    text: Text,
    /// The phase that it is about: `phase`, or `workflow/phase`
    #[arg(long)]
    phase: Option<PhaseRef>,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Makes a note.
pub fn note(args: NoteArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    writing::record(args.writing, Action::Note(action::Note { phase: args.phase, text: args.text }), context)
}

/// Checks a text that a caller gives.
pub fn text(given: &str) -> Result<Text, phaseledger::model::TextError> {
    Text::new(given)
}

fn workflow_name(given: &str) -> Result<WorkflowName, phaseledger::model::NameError> {
    WorkflowName::new(given)
}
