//! `accept`: a person vouches for what is there.

use std::path::PathBuf;
use std::process::ExitCode;

use phaseledger::model::{Action, Digest, OutputFile, PhaseRef, Text, action};

use super::writing;
use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::files;

// Options of `accept`.
#[derive(clap::Args)]
#[command(
    after_help = "The phase is COMPLETE without running again, built from now on on what stands above it, under the \
    definition's version. That is refused (6, with the list) while something above it must run again. What is below it is \
    judged anew: with the same outputs as before nothing happens there. The inputs and the outputs that the workflow file \
    declares are fingerprinted, and from now on a `scan` compares with these; `--output` or `--digest` say what is there \
    of the outputs instead. Where not all can be read (a link to nowhere, a pipe, more files than are kept), it is accepted \
    all the same: they are named in a warning and in the event (`unreadable`), which has no digest of the inputs, or of the \
    outputs, then; a file that `--output` names is meant, and refused where it is missing."
)]
pub struct AcceptArgs {
    /// The phase: `phase`, or `workflow/phase`
    phase: PhaseRef,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = super::record::text)]
    reason: Text,
    /// A file that is there, instead of those that its definition declares
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// The digest of all that is there, instead of any files: `sha256:…` or `blake3:…`
    #[arg(long, value_name = "DIGEST", conflicts_with = "output")]
    digest: Option<Digest>,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    writing: writing::Args,
}

/// Vouches for a phase.
pub fn run(args: AcceptArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let outputs =
        args.output.iter().map(|path| files::fingerprint(path, context)).collect::<Result<Vec<_>, _>>()?;
    let output = args.digest.or_else(|| OutputFile::together(&outputs));
    let action =
        action::Accept { phase: args.phase, reason: args.reason, output, outputs, inputs: Vec::new() };
    writing::record(args.writing, Action::Accept(action), context)
}
