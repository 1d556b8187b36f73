//! The verbs, a file each or a family: the arguments, whose words are the help, and what the verb does.

mod accept;
mod append;
pub mod approval;
pub mod asking;
pub mod backup;
pub mod cost;
pub mod define;
pub mod demo;
mod drift;
pub mod exec;
pub mod export;
pub mod graph;
pub mod import;
pub mod init;
pub mod log;
pub mod manual;
pub mod next;
pub mod record;
pub mod replay;
pub mod report;
mod revert;
pub mod salvage;
pub mod scan;
pub mod show;
pub mod show_phase;
pub mod status;
mod tag;
pub mod verify;
pub mod why;
pub mod writing;

use std::process::ExitCode;

use clap::{CommandFactory, Subcommand};

use crate::cli::Cli;
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;

// The verbs, in the order of the help, which is why this is no documentation: clap would show it, and so it is with the options of
// each. Those of the verb that is asked for are described alone, for that takes a millisecond for all of them.
#[derive(Subcommand)]
#[command(defer = true)]
pub enum Verb {
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
    /// Vouch for what is there of a phase that failed or must run again: it is complete as it is
    Accept(accept::AcceptArgs),
    /// Do without a phase: those who need it may go on
    Skip(record::SkipArgs),
    /// Mark a complete phase, and all that was built on it, for rerun
    Rerun(record::RerunArgs),
    /// Take back what was asked for by mistake: a mark, a note, a tag, a cost, a definition, a skip
    Revert(revert::RevertArgs),
    /// Make a phase, or all of a workflow, as if it had not run
    Reset(record::ResetArgs),
    /// Attach metadata to a phase
    Meta(record::MetaArgs),
    /// Make a note, on a phase or on the ledger
    Note(record::NoteArgs),
    /// Name a place in the log, take the name away, or list the names
    Tag(tag::TagArgs),
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
    /// Copy the ledger while others record
    Backup(backup::Args),
    /// Write every line of the log that can still be read, byte for byte, and name the events that are missing
    Salvage(salvage::Args),
}

impl Verb {
    /// Does what the verb does.
    pub fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        match self {
            Verb::Init(args) => init::run(&args, context),
            Verb::Define(args) => define::run(args, context),
            Verb::Import(args) => import::run(&args, context),
            Verb::Demo(args) => demo::run(&args),
            Verb::Completions(args) => manual::completions(args, context, described()),
            Verb::Man(args) => manual::run(&args, described()),
            Verb::Start(args) => record::start(args, context),
            Verb::Complete(args) => record::complete(args, context),
            Verb::Fail(args) => record::fail(args, context),
            Verb::Accept(args) => accept::run(args, context),
            Verb::Skip(args) => record::skip(args, context),
            Verb::Rerun(args) => record::rerun(args, context),
            Verb::Revert(args) => revert::run(args, context),
            Verb::Reset(args) => record::reset(args, context),
            Verb::Meta(args) => record::meta(args, context),
            Verb::Note(args) => record::note(args, context),
            Verb::Tag(args) => tag::run(args, context),
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
            Verb::Backup(args) => backup::run(&args, context),
            Verb::Salvage(args) => salvage::run(&args, context),
        }
    }
}

/// Returns the command line with the options of every verb.
pub fn described() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}
