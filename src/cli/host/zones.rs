//! Zones by their names: the machine's own time zone database is read, which is kept up to date as the machine is.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use phaseledger::model::{Clocks, Timestamp, Zone, ZoneError};

/// Where the database is, the first of them that is there, unless `TZDIR` says otherwise.
const FOLDERS: [&str; 4] =
    ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// The largest file that may tell a zone's clocks; none has a hundredth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How many folders deep a zone may be: `America/Argentina/Ushuaia`.
const DEPTH_MAX: usize = 3;

/// Reads a zone: `UTC`, `local`, an offset, or a name of the database, in any case.
pub fn read(text: &str) -> Result<Zone, ZoneError> {
    match text.parse() {
        Err(ZoneError::Name { shown }) => named(text, &folder().ok_or_else(|| no_database(shown))?),
        read => read,
    }
}

/// Where a machine says what its own zone is: a link into the database, or a copy of a file of it.
const LOCAL: &str = "/etc/localtime";

/// Tells the clocks of a zone, so that they are the same on any machine, for all periods since an instant.
pub fn clocks(zone: Zone, since: Timestamp) -> Result<Clocks, ZoneError> {
    let zone = if zone.is_local() { local()? } else { zone };
    Clocks::of(zone, since)
}

/// Reads the machine's own zone, as chrono does: what `TZ` names, or else what the machine is set to, or else UTC.
fn local() -> Result<Zone, ZoneError> {
    let named = std::env::var("TZ").ok().map(|name| name.trim_start_matches(':').to_owned());
    if let Some(name) = named.filter(|name| !name.is_empty()) {
        return read(&name);
    }
    let Some(tzif) = bytes(Path::new(LOCAL)) else { return Ok(Zone::utc()) };
    let link = fs::canonicalize(LOCAL).ok().and_then(|path| path.to_str().map(str::to_owned));
    let name = link.as_deref().and_then(|path| path.split_once("zoneinfo/")).map(|(_, name)| name);
    Zone::named(name.filter(|name| is_name(name)).unwrap_or("local"), &tzif)
}

fn no_database(shown: String) -> ZoneError {
    let why = format!(
        "this machine has no time zone database in `{}`: install `tzdata`, set `TZDIR`, or give an offset such as `+02:00`",
        FOLDERS[0]
    );
    ZoneError::Unread { shown, why }
}

fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("TZDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    given.or_else(|| FOLDERS.iter().map(PathBuf::from).find(|folder| folder.is_dir()))
}

fn named(name: &str, folder: &Path) -> Result<Zone, ZoneError> {
    let found = if is_name(name) { bytes(&folder.join(name)) } else { None };
    if let Some(bytes) = found {
        return Zone::named(name, &bytes);
    }
    let mut names = Vec::new();
    list(folder, "", &mut names);
    names.sort_unstable();
    // A name has one meaning, however it is capitalised.
    match names.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => {
            let unread = || ZoneError::unknown(name, &[]);
            Zone::named(known, &bytes(&folder.join(known)).ok_or_else(unread)?)
        }
        None => Err(ZoneError::unknown(name, &names)),
    }
}

/// Says whether a text may be a name: nothing that leads out of the folder, or to what else is in it.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_uppercase())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    name.split('/').count() <= DEPTH_MAX && name.split('/').all(is_part)
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|about| about.is_file()) => file,
        Ok(_) => return None,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        // What cannot be read is told as no zone too, with what was found of it.
        Err(_) => return Some(bytes),
    };
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Lists the names that the database has.
fn list(folder: &Path, within: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(last) = entry.file_name().into_string() else { continue };
        let name = if within.is_empty() { last } else { format!("{within}/{last}") };
        if !is_name(&name) {
            continue;
        }
        let path = entry.path();
        match path.is_dir() {
            true => list(&path, &name, names),
            false => names.push(name),
        }
    }
}
