//! `define`: puts a workflow's definition in force.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::model::{
    Action, Definition, WORKFLOW_FILE_BYTES_MAX, WorkflowName, action, parse_workflow_bytes,
};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::verbs::writing;

/// Options of `define`.
#[derive(clap::Args)]
pub struct Args {
    /// The workflow file, TOML or JSON; `-` for standard input [default: the ledger's `workflow.toml`]
    file: Option<PathBuf>,
    /// The workflow's name, instead of what the file says: one file can define several
    #[arg(long = "as", value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    name: Option<WorkflowName>,
    #[command(flatten)]
    writing: writing::Args,
}

/// Defines a workflow.
pub fn run(args: Args, context: &Context) -> Result<ExitCode, Failure> {
    let path = match args.file {
        Some(path) => path,
        None => context.home()?.workflow(),
    };
    let definition = Box::new(read_definition(&path, args.name.as_ref())?);
    writing::record(args.writing, Action::Define(action::Define { definition }), context)
}

/// Reads a workflow file.
pub fn read_definition(path: &Path, name: Option<&WorkflowName>) -> Result<Definition, Failure> {
    use std::io::Read;
    let failed = |error: std::io::Error| {
        Failure::io("read", path, &error).hint("name the workflow file, or make `ledger/workflow.toml`")
    };
    let mut bytes = Vec::new();
    let most = WORKFLOW_FILE_BYTES_MAX as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(parse_workflow_bytes(&bytes, &path.to_string_lossy(), name)?)
}
