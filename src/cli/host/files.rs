//! Files: digests of what phases put out, and files that are written whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use phaseledger::files::{self, Fingerprints, Project, Unmatched};
use phaseledger::model::{Declared, FileRole, FoundFiles, OutputFile, Unreadable, UnreadableFile, escape};
use tempfile::NamedTempFile;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::host::paths::shown;

/// Returns the BLAKE3 digest of a file's bytes, with its path: from the project's folder where it is in there, with `/`, so
/// that a scan finds it from wherever it is named; as it is named otherwise.
pub fn fingerprint(path: &Path, context: &Context) -> Result<OutputFile, Failure> {
    let digest = files::read(path).map_err(|error| Failure::io("read", path, &error))?;
    let within = in_project(path, context).map(|within| shown(&within));
    Ok(OutputFile { path: within.unwrap_or_else(|| shown(path)), digest })
}

/// Returns a path from the project's folder; none where it does not lead in there, or that cannot be told.
fn in_project(path: &Path, context: &Context) -> Option<PathBuf> {
    let ledger = context.home().and_then(|home| home.folder()).ok()?;
    let folder = std::path::absolute(path).ok()?.parent()?.canonicalize().ok()?;
    let within = folder.join(path.file_name()?);
    within.strip_prefix(ledger.parent()?).ok().map(Path::to_owned)
}

/// Fingerprints what a phase declares, and warns of what matches nothing, is left out or cannot be read: none of it keeps
/// anything from being recorded.
pub fn declared(declared: &Declared, context: &Context) -> (FoundFiles, Vec<Unmatched>) {
    let found = match project(context) {
        Ok(mut project) => project.fingerprint(std::slice::from_ref(declared)),
        Err(failure) => vec![no_project(declared, &failure)],
    };
    let mut found = found.into_iter().next().expect("an answer to each question");
    warn(declared, &found, context);
    warn_of_unreadable(declared, &found.unreadable, context);
    let unmatched = std::mem::take(&mut found.unmatched);
    (found.whole(), unmatched)
}

/// Says of a project whose folder is not found that nothing of it can be read.
fn no_project(declared: &Declared, failure: &Failure) -> Fingerprints {
    let file = |pattern: &String| UnreadableFile {
        pattern: pattern.clone(),
        path: ".".to_owned(),
        why: failure.message.clone(),
    };
    Fingerprints {
        unreadable: declared.patterns.iter().take(1).map(file).collect(),
        ..Fingerprints::default()
    }
}

/// Returns the project's folder: the one that holds the ledger's.
pub fn project(context: &Context) -> Result<Project, Failure> {
    let ledger = context.home()?.folder()?;
    let root = ledger.parent().unwrap_or(&ledger).to_owned();
    Ok(Project::new(root, ledger.join("log")))
}

/// Tells a person which patterns match nothing, and what is left out.
pub fn warn(declared: &Declared, found: &Fingerprints, context: &Context) {
    if context.json {
        return;
    }
    let Declared { phase, role, .. } = declared;
    let of = format!("`{}` of `{phase}`", role.as_str());
    warn_of_unmatched(declared, &found.unmatched, context);
    for file in found.left_out.iter().take(NAMED_MAX) {
        output::talk(format_args!("warning: `{}` is left out of {of}: {}", file.path, file.why));
    }
    match found.left_out.len().saturating_sub(NAMED_MAX) {
        0 => {}
        more => output::talk(format_args!("warning: {more} more are left out of {of}")),
    }
}

/// Tells a person which patterns select nothing, each in a line with the reason.
pub fn warn_of_unmatched(declared: &Declared, unmatched: &[Unmatched], context: &Context) {
    if context.json {
        return;
    }
    let of = format!("`{}` of `{}`", declared.role.as_str(), declared.phase);
    for Unmatched { pattern, why, is_absent } in unmatched {
        let said = match (is_absent, pattern.starts_with('!')) {
            (true, _) => "matches no file".to_owned(),
            (false, true) => format!("leaves out no file: {why}"),
            (false, false) => format!("selects no file: {why}"),
        };
        output::talk(format_args!("warning: the pattern `{}` of {of} {said}", escape(pattern)));
    }
}

/// How many files are named in a warning at most.
const NAMED_MAX: usize = 5;

/// Tells a person which declared files cannot be read, and what that means for what is recorded.
fn warn_of_unreadable(declared: &Declared, unreadable: &Unreadable, context: &Context) {
    if context.json || unreadable.is_empty() {
        return;
    }
    let Declared { phase, role, .. } = declared;
    let so = match role {
        FileRole::Inputs => "what the attempt reads is not recorded, and no `scan` can compare it",
        FileRole::Outputs => "no digest of them is recorded",
    };
    output::talk(format_args!("warning: not all `{}` of `{phase}` can be read: {so}", role.as_str()));
    unreadable_lines(unreadable, NAMED_MAX).for_each(|line| output::talk(format_args!("  {line}")));
}

/// Names the first files that cannot be read, each with the reason, and counts the others.
pub fn unreadable_lines(unreadable: &Unreadable, named_max: usize) -> impl Iterator<Item = String> {
    let named = unreadable.files.iter().take(named_max);
    let more = unreadable.count() - named.len();
    let named = named.map(|UnreadableFile { pattern, path, why }| match escape(pattern) {
        pattern if pattern == *path => format!("`{path}`: {why}"),
        pattern => format!("`{path}` (declared as `{pattern}`): {why}"),
    });
    named.chain((more > 0).then(|| format!("and {more} more")))
}

/// Makes a beginning of a file under another name, in the folder where it will be.
pub fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|error| {
        // What went wrong, without the other name, which says nothing to anybody.
        let said = error.to_string();
        io::Error::new(error.kind(), said.split(" at path ").next().unwrap_or_default().to_owned())
    })
}

/// Opens the folder of a file, to make the file's name durable.
pub fn folder(path: &Path) -> io::Result<File> {
    File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Makes a folder and those above it that are not there. Returns the folders that hold a new one, the innermost
/// first: once they are synced, the new ones are durable.
pub fn make_folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let whole = std::path::absolute(path).map_err(|error| Failure::io("find", path, &error))?;
    let missing = whole.ancestors().take_while(|folder| !folder.exists());
    let mut holders: Vec<_> = missing.filter_map(Path::parent).map(Path::to_owned).collect();
    // One that is there may have been made a moment ago, by somebody who could not go on.
    holders.extend(whole.parent().filter(|_| holders.is_empty()).map(Path::to_owned));
    std::fs::create_dir_all(path).map_err(|error| Failure::io("make", path, &error))?;
    Ok(holders)
}

/// Makes the names in a folder durable. One that may not be read cannot be: the names in it are then for its owner
/// to keep.
pub fn sync_folder(path: &Path) -> Result<(), Failure> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced.map_err(|error| Failure::io("make durable", path, &error)),
    }
}

/// A file that may be written: none within the log of a ledger.
pub struct Target<'a>(&'a Path);

impl<'a> Target<'a> {
    /// Takes a path, where it is one that may be written.
    pub fn new(path: &'a Path) -> Result<Self, Failure> {
        refuse_logs(path).map(|()| Target(path))
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        self.0
    }
}

/// Refuses a path within the log of a ledger, this one or another, whatever links lead there: what is in it is the
/// store's alone.
pub fn refuse_logs(path: &Path) -> Result<(), Failure> {
    let real = real(path);
    match real.as_deref().and_then(|real| real.ancestors().find(|folder| is_log(folder))) {
        Some(log) => Err(within(path, log)),
        None => Ok(()),
    }
}

/// Refuses a path within a folder, whatever links lead there.
pub fn refuse_within(path: &Path, log: &Path) -> Result<(), Failure> {
    match (real(path), real(log)) {
        (Some(path), Some(log)) if path.starts_with(&log) => Err(within(&path, &log)),
        _ => Ok(()),
    }
}

fn within(path: &Path, log: &Path) -> Failure {
    Failure::misuse(format!(
        "`{}` lies within the log of a ledger, `{}`, where nothing else is written",
        shown(path),
        shown(log)
    ))
    .hint("name a place elsewhere")
}

/// Says whether a folder is a log, or what is left of one.
fn is_log(folder: &Path) -> bool {
    let has = |part| folder.join(part).exists();
    has("tail/db") || has("sealed/db") || (has("lock") && (has("head") || has("tail") || has("sealed")))
}

/// Returns where a path leads: the deepest part of it that is there, links followed, and the rest.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        Some(there.canonicalize().ok()?.join(rest))
    })
}

/// Writes a file whole or not at all: beside its place first, then durable, then moved there. A link stays
/// one, and what it leads to is replaced. A pipe or a device is written to as it is.
pub fn write_whole<T>(
    target: &Target<'_>,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let path = target.path();
    let failed = |error: io::Error| Failure::io("write", path, &error);
    let there = path.metadata().ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        let mut out = BufWriter::new(File::options().write(true).open(path).map_err(failed)?);
        let result = write(&mut out)?;
        out.flush().map_err(failed)?;
        return Ok(result);
    }
    let path = &there.and_then(|_| path.canonicalize().ok()).unwrap_or_else(|| path.to_owned());
    let mut file = beside(path).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 18, file.as_file_mut());
    let result = write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    folder(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(result)
}
