//! `accept`: a person vouches for what is there.

use std::path::PathBuf;
use std::process::ExitCode;

use phaseledger::model::{Action, Digest, OutputFile, PhaseRef, Text, action};

use super::writing;
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::files;

/// Options of `accept`.
#[derive(clap::Args)]
#[command(
    after_help = "The phase is COMPLETE without running again, built from now on on what stands above it, under the \
    definition's version. That is refused (6, with the list) while something above it must run again. What is below it is \
    judged anew: with the same outputs as before nothing happens there. The outputs that the workflow file declares are \
    fingerprinted, unless `--output` or `--digest` says what is there."
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
    writing: writing::Args,
}

/// Vouches for a phase.
pub fn run(args: AcceptArgs, context: &Context) -> Result<ExitCode, Failure> {
    let outputs = args.output.iter().map(|path| files::fingerprint(path)).collect::<Result<Vec<_>, _>>()?;
    let output = args.digest.or_else(|| OutputFile::together(&outputs));
    let action = action::Accept { phase: args.phase, reason: args.reason, output, outputs };
    writing::record(args.writing, Action::Accept(action), context)
}
