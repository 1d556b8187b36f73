//! `define`: puts a workflow's definition in force.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::model::{
    Action, Declared, Definition, FileRole, PhaseId, WORKFLOW_FILE_BYTES_MAX, WorkflowName, action,
    parse_recorded_workflow, parse_workflow_bytes,
};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::files;
use crate::cli::verbs::writing::{self, UnmatchedView};

/// Options of `define`.
#[derive(clap::Args)]
#[command(
    after_help = "The `inputs` and `outputs` of a phase are patterns of files, from the folder that holds the ledger's: `*` and \
    `?` stay within a part of a path, `**` crosses folders. Names that begin with a dot are selected where a part of the \
    pattern begins with one. A pattern that begins with `!` leaves out what the patterns before it selected, and a later \
    one may bring it back: the last that matches a path decides. A name that begins with `!` is written `\\!name`. A pattern \
    that selects nothing is told, with the reason where names tell one (a folder, what a line of a `.gitignore` ignores, \
    names that begin with a dot, what is left out), and the workflow is defined all the same; what a phase is to put out need \
    not be there yet. In JSON `unmatched` lists them, each with `phase`, `role`, `pattern` and `why`."
)]
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
    let definition = definition(&path, args.name.as_ref(), &args.writing, context)?;
    let action = Action::Define(action::Define { definition: Box::new(definition.clone()) });
    let verb = action.verb();
    let answer = writing::submit(args.writing, action, context)?;
    let unmatched = unmatched(&definition, context);
    writing::answered(&answer, writing::tell_unmatched(&answer, &unmatched, verb, context))?;
    Ok(ExitCode::SUCCESS)
}

/// Tells which declared patterns select nothing, by the names of files alone. What a phase will put out need not be there
/// yet, nor what another one declares as its output.
fn unmatched(definition: &Definition, context: &Context) -> Vec<UnmatchedView> {
    let Ok(project) = files::project(context) else { return Vec::new() };
    let phases = definition.phases().iter().flat_map(|phase| {
        let id = PhaseId { workflow: definition.name().clone(), phase: phase.id.clone() };
        let of =
            |role, patterns: &Vec<String>| Declared { phase: id.clone(), role, patterns: patterns.clone() };
        [of(FileRole::Inputs, &phase.inputs), of(FileRole::Outputs, &phase.outputs)]
    });
    let declared: Vec<Declared> = phases.filter(|declared| !declared.patterns.is_empty()).collect();
    let outputs = declared.iter().filter(|declared| !declared.role.is_inputs());
    let put_out: HashSet<&String> = outputs.flat_map(|declared| &declared.patterns).collect();
    let mut told = Vec::new();
    for (declared, mut found) in declared.iter().zip(project.unmatched(&declared)) {
        found.retain(|one| !one.is_absent || declared.role.is_inputs() && !put_out.contains(&one.pattern));
        files::warn_of_unmatched(declared, &found, context);
        told.extend(UnmatchedView::all(declared, found));
    }
    told
}

/// Reads a workflow file.
pub fn read_definition(path: &Path, name: Option<&WorkflowName>) -> Result<Definition, Failure> {
    Ok(parse_workflow_bytes(&read(path)?, &path.to_string_lossy(), name)?)
}

/// Reads a workflow file that is to be recorded; one that was recorded already under its id, by what was taken then.
fn definition(
    path: &Path,
    name: Option<&WorkflowName>,
    writing: &writing::Args,
    context: &Context,
) -> Result<Definition, Failure> {
    let (bytes, file) = (read(path)?, path.to_string_lossy());
    match parse_workflow_bytes(&bytes, &file, name) {
        Err(refused) if writing.is_recorded(context) => {
            Ok(parse_recorded_workflow(&bytes, &file, name).map_err(|_| refused)?)
        }
        parsed => Ok(parsed?),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
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
    Ok(bytes)
}
