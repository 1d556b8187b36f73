//! The command line: an edge. It reads the clock, the environment and the arguments, calls the library, and
//! renders what comes back; this file only dispatches.
//!
//! ```text
//!  verbs ──▶ ui ──▶ host      a verb asks the library, ui words and draws the answer, host is the machine
//! ```

mod host;
mod ui;
mod verbs;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use host::context::{self, Context};
use host::error::Failure;
use ui::usage;
use verbs::{
    append, approval, cost, define, demo, exec, export, graph, import, init, log, manual, next, record,
    replay, report, scan, show, status, verify, why,
};

/// Records every transition of a workflow's phases as an immutable event, and answers, as of any moment, why
/// a phase must run again.
#[derive(Parser)]
#[command(name = "phaseledger", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = "Exit codes: 0 done, or recorded already; 1 the answer is no; 2 usage; 3 conflict; \
    4 not found; 5 damage; 6 refused by the rules; 74 input or output; 75 lock timeout, or an approval that nobody \
    has decided yet.")]
struct Cli {
    #[command(flatten)]
    context: context::Args,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    // Set up.
    /// Make a ledger: `ledger/workflow.toml`, which is yours to edit, and the log beside it
    Init(init::Args),
    /// Put a workflow's definition in force
    Define(define::Args),
    /// Take in an export, or a history that others wrote
    Import(import::Args),
    /// See it work: the main job on the shipped workflow and history, in a folder of its own
    Demo(demo::Args),
    /// Print the completions of a shell
    Completions(manual::CompletionsArgs),
    /// Print the manual
    Man(manual::ManArgs),
    // Record.
    /// Start an attempt of a phase
    Start(record::StartArgs),
    /// End the attempt under way well
    Complete(record::CompleteArgs),
    /// End the attempt under way badly
    Fail(record::FailArgs),
    /// Do without a phase: those who need it may go on
    Skip(record::SkipArgs),
    /// Mark a complete phase, and all that was built on it, for rerun
    Rerun(record::RerunArgs),
    /// Make a phase, or all of a workflow, as if it had not run
    Reset(record::ResetArgs),
    /// Attach metadata to a phase
    Meta(record::MetaArgs),
    /// Make a note, on a phase or on the ledger
    Note(record::NoteArgs),
    /// Name a place in the log
    Tag(record::TagArgs),
    /// Record what phases cost, set limits, and ask about both
    #[command(subcommand)]
    Cost(cost::Verb),
    /// Ask leave for something, and decide on what others ask
    #[command(subcommand)]
    Approval(approval::Verb),
    /// Record commands from JSON lines, one answer a line
    Append(append::Args),
    /// Start an attempt, run a command, and end the attempt as the command ends
    Exec(exec::Args),
    /// Look whether files that phases read have changed since, and mark those phases for rerun
    Scan(scan::Args),
    // Ask.
    /// Tell where each phase stands
    Status(status::Args),
    /// Tell what is ready to start, and what waits for what
    Next(next::Args),
    /// List events, in the order in which they happened
    Log(log::Args),
    /// Show one event, or one phase, in full
    Show(show::Args),
    /// Tell why a phase stands where it does, with every cause back to the roots
    Why(why::Args),
    /// Draw the phases, where each stands, and what needs what
    Graph(graph::Args),
    /// Write where everything stands, with the evidence, as a document
    Report(report::Args),
    /// Fold the log anew, event by event, and show each step
    Replay(replay::Args),
    // Prove.
    /// Check every line, place, time, id, cause and transition, and the root over them all
    Verify(verify::Args),
    /// Write the log as JSON lines, byte for byte
    Export(export::Args),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::answer(error),
    };
    let wants_json = cli.context.json();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.exit(wants_json),
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let context = Context::new(cli.context)?;
    let context = &context;
    match cli.verb {
        Verb::Init(args) => init::run(&args, context),
        Verb::Define(args) => define::run(args, context),
        Verb::Import(args) => import::run(&args, context),
        Verb::Demo(args) => demo::run(&args),
        Verb::Completions(args) => manual::completions(args, context, Cli::command()),
        Verb::Man(args) => manual::run(&args, Cli::command()),
        Verb::Start(args) => record::start(args, context),
        Verb::Complete(args) => record::complete(args, context),
        Verb::Fail(args) => record::fail(args, context),
        Verb::Skip(args) => record::skip(args, context),
        Verb::Rerun(args) => record::rerun(args, context),
        Verb::Reset(args) => record::reset(args, context),
        Verb::Meta(args) => record::meta(args, context),
        Verb::Note(args) => record::note(args, context),
        Verb::Tag(args) => record::tag(args, context),
        Verb::Cost(verb) => cost::run(verb, context),
        Verb::Approval(verb) => approval::run(verb, context),
        Verb::Append(args) => append::run(&args, context),
        Verb::Exec(args) => exec::run(args, context),
        Verb::Scan(args) => scan::run(&args, context),
        Verb::Status(args) => status::run(args, context),
        Verb::Next(args) => next::run(&args, context),
        Verb::Log(args) => log::run(args, context),
        Verb::Show(args) => show::run(&args, context),
        Verb::Graph(args) => graph::run(&args, context),
        Verb::Report(args) => report::run(&args, context),
        Verb::Why(args) => why::run(&args, context),
        Verb::Replay(args) => replay::run(&args, context),
        Verb::Verify(args) => verify::run(&args, context),
        Verb::Export(args) => export::run(&args, context),
    }
}
