//! `backup`: copies a ledger while others record.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::store::backup;
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::home::{Home, is_of_store};
use crate::cli::host::paths::shown;
use crate::cli::host::{files, output};

// Options of `backup`.
#[derive(clap::Args)]
#[command(after_help = "The copy is a ledger of its own, checked, and on the disk once the verb returns: \
    `phaseledger --dir DIR verify`. It ends at one place, whatever others record meanwhile; nobody waits for it. \
    `import` of its export brings a ledger that has lost its end up to date.")]
pub struct Args {
    /// The folder to make the copy in; one that is there must be empty
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

/// Copies the ledger.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    #[derive(Serialize)]
    struct View {
        schema: &'static str,
        dir: String,
        seq: u64,
        root: String,
    }
    let home = context.home()?;
    let to = Home::at(args.to.clone());
    files::refuse_logs(to.root())?;
    files::refuse_within(to.root(), home.root())?;
    refuse_used(to.root())?;
    let was_there = to.root().exists();
    let holders = files::make_folder(to.root())?;
    let copied = copy(&home, &to).inspect_err(|_| remove(&to, was_there));
    let head = copied?;
    holders.iter().try_for_each(|holder| files::sync_folder(holder))?;
    let (dir, seq, root) = (shown(to.root()), head.seq.number(), head.root.to_string());
    let mut out = output::stdout();
    if context.json {
        output::json_line(&mut out, &View { schema: "backup/1", dir, seq, root })?;
    } else {
        writeln!(out, "copied the ledger to `{dir}`: it ends at e{seq}, root {root}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the log, and what else is in the ledger's folder.
fn copy(home: &Home, to: &Home) -> Result<phaseledger::store::Head, Failure> {
    copy_files(home.root(), to.root(), true)?;
    let head = backup(&home.log(), &to.log())?;
    files::sync_folder(to.root())?;
    Ok(head)
}

/// Copies files and folders, but for what the store keeps, durably.
fn copy_files(from: &Path, to: &Path, is_root: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("copy", from, &error);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if is_root && is_of_store(&entry.file_name()) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            fs::create_dir(&target).map_err(|error| Failure::io("make", &target, &error))?;
            copy_files(&source, &target, false)?;
            files::sync_folder(&target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)
                .and_then(|_| fs::File::open(&target)?.sync_all())
                .map_err(|error| Failure::io("copy", &source, &error))?;
        }
    }
    Ok(())
}

/// Refuses a folder that has something in it: nothing is ever overwritten.
fn refuse_used(dir: &Path) -> Result<(), Failure> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            Err(Failure::misuse(format!("`{}` is not empty, expected a folder that is, or none", shown(dir)))
                .hint("name another folder"))
        }
        Ok(false) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::io("read", dir, &error)),
    }
}

/// Removes what there is of a copy that failed: the folder was empty, or not there.
fn remove(to: &Home, was_there: bool) {
    let _ = fs::remove_dir_all(to.root());
    if was_there {
        let _ = fs::create_dir(to.root());
    }
}
