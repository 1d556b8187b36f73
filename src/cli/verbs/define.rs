//! `define`: puts a workflow's definition in force, retires a workflow, or prints what is in force.

mod print;
mod tell;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::ledger::{Answer, AnswerStatus};
use phaseledger::model::{
    Action, Declared, Definition, FileRole, PhaseId, Text, WORKFLOW_FILE_BYTES_MAX, WorkflowName, action,
    parse_recorded_workflow, parse_workflow_bytes,
};

use phaseledger::query::NotRenamed;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output};
use crate::cli::verbs::asking;
use crate::cli::verbs::writing::{self, Beside, UnmatchedView};

// Options of `define`.
#[derive(clap::Args)]
#[command(
    after_help = "The `inputs` and `outputs` of a phase are patterns of files, from the folder that holds the ledger's: `*` and \
    `?` stay within a part of a path, `**` crosses folders. Names that begin with a dot are selected where a part of the \
    pattern begins with one. A pattern that begins with `!` leaves out what the patterns before it selected, and a later \
    one may bring it back: the last that matches a path decides. A name that begins with `!` is written `\\!name`. A pattern \
    that selects nothing is told, with the reason where names tell one (a folder, what a line of a `.gitignore` ignores, \
    names that begin with a dot, what is left out), and the workflow is defined all the same; what a phase is to put out need \
    not be there yet. In JSON `unmatched` lists them, each with `phase`, `role`, `pattern` and `why`.\n\n\
    The answer names what changes: `+` phases that are new, `-` phases that retire, `~` all else, at most 19 lines. In JSON \
    `changes` has all of it; `left_behind` the phases that retire with a history, and `ambiguous` the bare names that stand \
    for a phase of another workflow too from now on: warnings say the same. A phase that retires keeps its history, and what \
    is under way of it can end once it is defined again.\n\n\
    A phase that says `renamed_from = \"phase_2\"` is the one that was called so: what it went through and cost, and what \
    was built on it, come along. Needs of other workflows follow by themselves. Once that is so it says nothing more, and may \
    stay. In JSON `renamed` lists what has another name, each with `from` and `to`.\n\n\
    `--retire` takes a whole workflow out of force: its phases are no longer in `status`, `next`, `graph` and reports, and \
    their names are free. Its history, its costs and its notes stay; to define it again, the very same too, brings all of it \
    back as it was, and judges it anew. Refused (6) while phases of other workflows need its phases.\n\n\
    `--print` writes what is in force, or was, as a workflow file that says the very same: TOML, or with `--json` JSON."
)]
pub struct Args {
    /// The workflow file, TOML or JSON; `-` for standard input [default: the ledger's `workflow.toml`]
    file: Option<PathBuf>,
    /// The workflow's name, instead of what the file says: one file can define several
    #[arg(long = "as", value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    name: Option<WorkflowName>,
    /// List all that changes, however much it is
    #[arg(long)]
    full: bool,
    /// Retire this workflow: it is no longer in force, and its history stays
    #[arg(long, value_name = "NAME", requires = "reason", conflicts_with_all = ["file", "name"], value_parser = |name: &str| WorkflowName::new(name))]
    retire: Option<WorkflowName>,
    /// Why it retires
    #[arg(long, value_name = "TEXT", value_parser = super::record::text)]
    reason: Option<Text>,
    /// Print the definition in force, as a workflow file
    #[arg(long, conflicts_with_all = ["file", "name", "full", "retire"])]
    print: bool,
    /// With `--print`: of this workflow [default: the only one]
    #[arg(long, value_name = "NAME", requires = "print", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    #[command(flatten)]
    writing: writing::Args,
    #[command(flatten)]
    asking: asking::Args,
}

/// Defines a workflow.
pub fn run(args: Args, context: &Context) -> Result<ExitCode, Failure> {
    if args.print {
        args.writing.refuse_any("--print")?;
        print::run(args.workflow, &args.asking, context)?;
        return Ok(ExitCode::SUCCESS);
    }
    args.asking.refuse_any("--print")?;
    if args.reason.is_some() && args.retire.is_none() {
        return Err(Failure::misuse("`--reason` goes with `--retire` alone".to_owned()));
    }
    if let Some((workflow, reason)) = args.retire.zip(args.reason) {
        let action = Action::Retire(action::Retire { workflow: workflow.clone(), reason });
        return record(args.writing, action, (&workflow, None, args.full), context);
    }
    let path = match args.file {
        Some(path) => path,
        None => context.home()?.workflow(),
    };
    let (bytes, file) = (read_file(&path)?, path.to_string_lossy());
    let definition = definition((&bytes, &file), args.name.as_ref(), &args.writing, context)?;
    let action = Action::Define(action::Define { definition: Box::new(definition.clone()) });
    let recorded = record(args.writing, action, (definition.name(), Some(&definition), args.full), context);
    recorded.map_err(|failure| failure.at_name((&bytes, &file)))
}

/// Records what changes what is in force of a workflow, and tells what that is.
fn record(
    writing: writing::Args,
    action: Action,
    (workflow, definition, is_full): (&WorkflowName, Option<&Definition>, bool),
    context: &Context,
) -> Result<ExitCode, Failure> {
    let verb = action.verb();
    let answer = writing::submit(writing, action, context)?;
    let unmatched = definition.map(|definition| unmatched(definition, context)).unwrap_or_default();
    writing::answered(&answer, tell_all(&answer, &unmatched, (workflow, is_full), verb, context))?;
    writing::answered(&answer, tell_not_renamed(&answer, context))?;
    Ok(ExitCode::SUCCESS)
}

/// Tells which phases were to have another name, and have not.
fn tell_not_renamed(answer: &Answer, context: &Context) -> Result<(), Failure> {
    let Some(defined) = answer.events.iter().find_map(|record| record.event.definition()) else {
        return Ok(());
    };
    let wants = defined.definition.phases().iter().any(|phase| phase.renamed_from.is_some());
    if !wants || answer.status == AnswerStatus::Duplicate {
        return Ok(());
    }
    for NotRenamed { phase, from, is_there } in ask::now(|| context.open(), &ask::NotRenamedBy { defined })? {
        let told = match is_there {
            true => format!("`{phase}` is not what was called `{from}`: both have a history, and keep it"),
            false => format!("no phase was ever called `{from}`: `{phase}` begins without a history"),
        };
        output::talk(format_args!("warning: {told}"));
    }
    Ok(())
}

fn tell_all(
    answer: &Answer,
    unmatched: &[UnmatchedView],
    (workflow, is_full): (&WorkflowName, bool),
    verb: &str,
    context: &Context,
) -> Result<(), Failure> {
    let question = answer.events.first().map(|event| ask::Redefined { event: event.clone() });
    let ask = |question| asking::ask_head(&question, "reading the history", context);
    let redefined = question.map(ask).transpose()?;
    let lines = redefined.as_ref().map(|redefined| tell::lines(redefined, workflow, is_full));
    let redefined = redefined.as_ref().zip(lines.as_deref());
    writing::tell_with(answer, &Beside { unmatched, redefined, forecast: None }, verb, context)?;
    // Who sends it again was warned.
    let is_new = answer.status != AnswerStatus::Duplicate;
    if let Some((redefined, _)) = redefined.filter(|_| !context.json && is_new) {
        match answer.events.first().is_some_and(|event| event.event.definition().is_some()) {
            true => tell::warn(redefined),
            false => tell::warn_of_running(redefined),
        }
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
    Ok(parse_workflow_bytes(&read_file(path)?, &path.to_string_lossy(), name)?)
}

/// Reads a workflow file that is to be recorded; one that was recorded already under its id, by what was taken then.
fn definition(
    (bytes, file): (&[u8], &str),
    name: Option<&WorkflowName>,
    writing: &writing::Args,
    context: &Context,
) -> Result<Definition, Failure> {
    match parse_workflow_bytes(bytes, file, name) {
        Err(refused) if writing.is_recorded(context) => {
            Ok(parse_recorded_workflow(bytes, file, name).map_err(|_| refused)?)
        }
        parsed => Ok(parsed?),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
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
