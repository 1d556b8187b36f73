//! Whether the ledger's `workflow.toml` says something else than what is in force: a line for whoever works on. Never an
//! error, whatever the file is.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use phaseledger::ask;
use phaseledger::model::{Definition, WORKFLOW_FILE_BYTES_MAX, parse_workflow_bytes};
use phaseledger::query::{self, Drift};
use phaseledger::rules::Table;

use crate::cli::host::context::Context;
use crate::cli::host::output;
use crate::cli::host::paths::shown;
use crate::cli::verbs::init::STARTER;

/// The largest file that is compared where the rest of the verb costs the same whatever the size of the workflow.
const COMPARED_BYTES_MAX: u64 = 256 << 10;

/// Says so by asking the ledger; nothing of a file so large that reading it would be felt.
pub fn tell(context: &Context) {
    told(context, COMPARED_BYTES_MAX, |definition| {
        let question = ask::Drifted { definition: Arc::new(definition.clone()) };
        ask::now(|| context.open(), &question).ok().flatten()
    });
}

/// Says so of a table of the head.
pub fn tell_of(table: &Table, context: &Context) {
    told(context, WORKFLOW_FILE_BYTES_MAX as u64, |definition| query::drift(table, definition));
}

fn told(context: &Context, bytes_max: u64, find: impl FnOnce(&Definition) -> Option<Drift>) {
    let Some(path) = context.home().ok().map(|home| home.workflow()).filter(|_| !context.json) else {
        return;
    };
    let file = shown(&path);
    let bytes = match read(&path, bytes_max) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return,
        Err(error) => {
            return output::talk(format_args!("`{file}` is not compared with what is in force: {error}"));
        }
    };
    let definition = match parse_workflow_bytes(&bytes, &path.to_string_lossy(), None) {
        Ok(definition) => definition,
        Err(error) => {
            return output::talk(format_args!("`{file}` is not compared with what is in force: {error}"));
        }
    };
    let name = definition.name();
    match find(&definition) {
        None => {}
        // Whoever never touched it, and defined another file, has no use for it.
        Some(Drift::NotDefined { others: true }) if bytes == STARTER.as_bytes() => {}
        Some(Drift::Differs) => output::talk(format_args!(
            "`{file}` is not what is in force of `{name}`: `phaseledger define --dry-run` tells what would change"
        )),
        Some(Drift::NotDefined { .. }) => {
            output::talk(format_args!(
                "`{file}`: the workflow `{name}` is not defined: run `phaseledger define`"
            ));
        }
        Some(Drift::Retired) => output::talk(format_args!(
            "`{file}`: the workflow `{name}` is retired: `phaseledger define FILE` brings it back"
        )),
    }
}

/// Reads the file; none where there is none, or where it is larger.
fn read(path: &Path, bytes_max: u64) -> std::io::Result<Option<Vec<u8>>> {
    let found = match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    // To open a pipe would wait for whoever writes.
    if !found.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    if found.len() > bytes_max {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
