//! `define --print`: the definition in force, as a workflow file.

use std::io::Write;

use phaseledger::ask;
use phaseledger::model::{WorkflowName, escape_json, workflow_to_json, workflow_to_toml};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::verbs::asking;

/// Prints the definition of a workflow, of the only one for none.
pub fn run(workflow: Option<WorkflowName>, asking: &asking::Args, context: &Context) -> Result<(), Failure> {
    let definition = asking.ask(&ask::InForce { workflow }, context)?.view.definition;
    let toml = if context.json { None } else { workflow_to_toml(&definition) };
    if toml.is_none() && !context.json {
        output::talk(format_args!(
            "it says where it comes from (`source`), for which TOML has no word: as JSON"
        ));
    }
    let text = toml.unwrap_or_else(|| format!("{}\n", escape_json(&workflow_to_json(&definition))));
    let mut out = output::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
