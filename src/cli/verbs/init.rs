//! `init`: makes a ledger.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ledger::Ledger;
use serde_json::json;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::home::{Home, IGNORED};
use crate::cli::host::paths::shown;
use crate::cli::host::{files, output};

/// A small workflow to start from.
pub const STARTER: &str = include_str!("../../../ledger/starter.toml");
/// The workflow that the project ships.
pub const EXAMPLE: &str = include_str!("../../../ledger/workflow.toml");
/// A history of it.
pub const EXAMPLE_HISTORY: &str = include_str!("../../../ledger/histories/2025-10-29.jsonl");

// Options of `init`.
#[derive(clap::Args)]
pub struct Args {
    /// The folder to make `ledger` in [default: this one]
    folder: Option<PathBuf>,
    /// Begin with the 16-phase example and its history instead of a small workflow
    #[arg(long)]
    example: bool,
}

/// Makes a ledger; one that is there already stays as it is.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let folder = args.folder.clone().unwrap_or_default();
    let home = Home::at(context.dir().map_or_else(|| folder.join("ledger"), Path::to_owned));
    files::refuse_logs(home.root())?;
    // Before anything is made: a folder with the remains of a log stays as it is.
    let existed = Ledger::is_there(&home.log())?;
    make(&home, if args.example { Beginning::Example } else { Beginning::Starter })?;
    let root = shown(home.root());
    let mut out = output::stdout();
    if context.json {
        let status = if existed { "unchanged" } else { "made" };
        output::json_line(&mut out, &json!({ "schema": "init/1", "status": status, "dir": root }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if existed {
        writeln!(out, "unchanged: there is a ledger at `{root}` already")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "made a ledger at `{root}`")?;
    if args.example {
        let history = home.root().join("histories/2025-10-29.jsonl");
        writeln!(out, "next: `phaseledger import --format history {}`", shown(&history))?;
    } else {
        writeln!(out, "next: edit `{}`, then `phaseledger define`", shown(&home.workflow()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a new ledger begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// No definition: there is one in what is taken in.
    Nothing,
    /// A small workflow to edit.
    Starter,
    /// The workflow that the project ships, and its history.
    Example,
}

/// Makes the files of a ledger that are not there yet. The log comes last: where it is, all is.
pub fn make(home: &Home, beginning: Beginning) -> Result<(), Failure> {
    let root = home.root();
    // A ledger is no more durable than the names that lead to it; and where one cannot be made so, nobody may find a ledger.
    files::make_folder(root)?.iter().try_for_each(|holder| files::sync_folder(holder))?;
    match beginning {
        Beginning::Nothing => {}
        Beginning::Starter => put(&home.workflow(), STARTER)?,
        Beginning::Example => put(&home.workflow(), EXAMPLE)?,
    }
    put(&root.join(".gitignore"), IGNORED)?;
    if beginning == Beginning::Example {
        let histories = root.join("histories");
        fs::create_dir_all(&histories).map_err(|error| Failure::io("make", &histories, &error))?;
        put(&histories.join("2025-10-29.jsonl"), EXAMPLE_HISTORY)?;
    }
    drop(Ledger::create(&home.log())?);
    Ok(())
}

/// Writes a file whole, unless there is one.
fn put(path: &Path, content: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = files::beside(path)?;
        file.write_all(content.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => files::folder(path).and_then(|folder| folder.sync_all()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    };
    if path.exists() {
        return Ok(());
    }
    write().map_err(|error| Failure::io("write", path, &error))
}
