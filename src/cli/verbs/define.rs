//! `define`: puts a workflow's definition in force.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::ledger::Answer;
use phaseledger::model::{
    Action, Declared, Definition, FileRole, PhaseId, Renamed, WORKFLOW_FILE_BYTES_MAX, WorkflowName, action,
    parse_workflow_bytes,
};

use phaseledger::query::NotRenamed;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output};
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
    not be there yet. In JSON `unmatched` lists them, each with `phase`, `role`, `pattern` and `why`.\n\nA phase that says \
    `renamed_from = \"phase_2\"` is the one that was called so: what it went through and cost, and what was built on it, come along. \
    Needs of other workflows follow by themselves. Once that is so it says nothing more, and may stay. In JSON `renamed` lists what \
    has another name, each with `from` and `to`."
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
    let definition = read_definition(&path, args.name.as_ref())?;
    let action = Action::Define(action::Define { definition: Box::new(definition.clone()) });
    let verb = action.verb();
    let answer = writing::submit(args.writing, action, context)?;
    let unmatched = unmatched(&definition, context);
    writing::answered(&answer, writing::tell_unmatched(&answer, &unmatched, verb, context))?;
    writing::answered(&answer, tell_renames(&answer, context))?;
    Ok(ExitCode::SUCCESS)
}

/// Tells which phases have another name now and, on standard error, which were to have one and have not.
fn tell_renames(answer: &Answer, context: &Context) -> Result<(), Failure> {
    let Some(defined) = answer.events.iter().find_map(|record| record.event.definition()) else {
        return Ok(());
    };
    if !context.json {
        let mut out = output::stdout();
        for Renamed { from, to } in &defined.renamed {
            writeln!(out, "renamed  {from} → {to}")?;
        }
    }
    let wants = defined.definition.phases().iter().any(|phase| phase.renamed_from.is_some());
    if !wants {
        return Ok(());
    }
    for NotRenamed { phase, from, is_there } in ask::now(|| context.open(), &ask::NotRenamedBy { defined })? {
        let told = match is_there {
            true => format!("`{phase}` is not what was called `{from}`: both have a history, and keep it"),
            false => format!("no phase was ever called `{from}`: `{phase}` begins without a history"),
        };
        output::talk(format_args!("phaseledger: {told}"));
    }
    Ok(())
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
