//! From strace's text to calls, each with the moment it began and the moment it ended.
//!
//! A moment is an index: calls of several threads overlap, and strace then writes one line where a call
//! begins (`<unfinished ...>`) and one where it ends (`<... write resumed>`). Strings come with every byte
//! as `\xNN` (`strace -xx`), so that no comma or quote can stand inside them.

use std::collections::HashMap;

/// A path as a call gives it: relative to the directory behind a descriptor, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The descriptor; none when the path starts at the root.
    pub fd: Option<i64>,
    /// The path.
    pub path: String,
}

/// A call that changes a file, a name, or what a descriptor stands for.
#[derive(Debug, Clone)]
pub enum Action {
    /// Opens a path, and perhaps makes or empties it.
    Open { path: Place, flags: String },
    /// Writes at a place, or where the descriptor stands.
    Write { fd: i64, at: Option<u64>, bytes: Vec<u8> },
    /// Waits until all that was written is on the disk.
    Sync { fd: i64 },
    /// A sync that failed: the system takes what was not written for clean.
    FailedSync { fd: i64 },
    /// Makes a process, which the call returns, or a thread, which has the descriptors in common.
    Clone { is_thread: bool },
    /// Sets the length of a file.
    Truncate { fd: i64, length: u64 },
    /// Makes a file at least so long.
    Allocate { fd: i64, end: u64 },
    /// Gives a path another name.
    Rename { from: Place, to: Place },
    /// Forgets a path.
    Remove { path: Place },
    /// Makes a directory.
    MakeDirectory { path: Place },
    /// Moves where a descriptor stands; the call returns the new place.
    Seek { fd: i64 },
    /// Makes a second descriptor of a file; the call returns it.
    Duplicate { fd: i64 },
    /// Gives a descriptor up.
    Close { fd: i64 },
    /// A call that the model does not know. It must not touch the ledger.
    Unknown { text: String },
}

/// A call that the system carried out.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it did.
    pub action: Action,
    /// What it returned; none when the process ended first.
    pub result: Option<i64>,
    /// The process whose descriptors it means.
    pub process: i64,
}

impl Call {
    /// Says whether it may have changed something, or not: its process was killed before it told.
    pub fn is_in_doubt(&self) -> bool {
        let changes = match &self.action {
            Action::Open { flags, .. } => flags.contains("O_CREAT") || flags.contains("O_TRUNC"),
            Action::Write { .. } | Action::Truncate { .. } | Action::Allocate { .. } => true,
            Action::Rename { .. } | Action::Remove { .. } | Action::MakeDirectory { .. } => true,
            _ => false,
        };
        changes && self.result.is_none()
    }
}

/// A moment of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call with this index begins.
    Begin(usize),
    /// The call with this index ends.
    End(usize),
}

/// What a process did, in order.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// The calls, in the order in which they began. Failed ones are left out.
    pub calls: Vec<Call>,
    /// The order of their beginnings and ends.
    pub moments: Vec<Moment>,
}

/// The name of the calls that strace is asked to show. The mark makes it ignore those that a machine lacks.
pub const TRACED: &str = "trace=?open,openat,?creat,write,pwrite64,pwritev,pwritev2,writev,fsync,fdatasync,\
    ftruncate,truncate,fallocate,?rename,?renameat,renameat2,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,close,\
    dup,?dup2,dup3,fcntl,lseek,?link,linkat,?symlink,symlinkat,copy_file_range,sendfile,splice,mmap,\
    io_uring_setup,sync,syncfs,clone,?clone3,?fork,?vfork";

struct Begun {
    at: usize,
    name: String,
    arguments: String,
}

/// Reads what `strace -f -xx -o` wrote.
pub fn parse(text: &str) -> Calls {
    let mut begun: HashMap<&str, Begun> = HashMap::new();
    let mut order: Vec<(bool, usize)> = Vec::new();
    let mut found: Vec<Option<Call>> = Vec::new();
    let mut threads: Vec<i64> = Vec::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').expect("a thread and what it did");
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some(start) = begun.remove(thread) else { continue };
            let (_, tail) = resumed.split_once(" resumed>").expect("what is resumed");
            let (more, result) = split_result(tail);
            found[start.at] = call(&start.name, &(start.arguments + more), result);
            order.push((false, start.at));
            continue;
        }
        let (name, tail) = rest.split_once('(').expect("a call and its arguments");
        let at = found.len();
        threads.push(number(thread));
        order.push((true, at));
        if let Some(arguments) = tail.strip_suffix(" <unfinished ...>") {
            let arguments = arguments.to_owned();
            found.push(call(name, &arguments, None));
            begun.insert(thread, Begun { at, name: name.to_owned(), arguments });
        } else {
            let (arguments, result) = split_result(tail);
            found.push(call(name, arguments, result));
            order.push((false, at));
        }
    }
    tell_processes(&mut found, &threads);
    keep_successful(found, &order)
}

/// Tells each call whose descriptors it means. A thread is made before it makes a call, so one pass will do.
fn tell_processes(found: &mut [Option<Call>], threads: &[i64]) {
    let mut processes: HashMap<i64, i64> = HashMap::new();
    for (call, thread) in found.iter_mut().zip(threads) {
        let Some(call) = call else { continue };
        call.process = *processes.entry(*thread).or_insert(*thread);
        if let (Action::Clone { is_thread }, Some(made)) = (&call.action, call.result) {
            processes.insert(made, if *is_thread { call.process } else { made });
        }
    }
}

/// Leaves out the calls that failed or change nothing, and their moments.
fn keep_successful(found: Vec<Option<Call>>, order: &[(bool, usize)]) -> Calls {
    let mut kept = Calls::default();
    let mut places = Vec::with_capacity(found.len());
    for call in found {
        places.push(call.is_some().then_some(kept.calls.len()));
        kept.calls.extend(call);
    }
    for (begins, at) in order {
        if let Some(place) = places[*at] {
            kept.moments.push(if *begins { Moment::Begin(place) } else { Moment::End(place) });
        }
    }
    kept
}

/// Splits `arguments) = result …`. A call that never returned (`= ?`) has no result.
fn split_result(tail: &str) -> (&str, Option<i64>) {
    let (arguments, result) = tail.rsplit_once(" = ").expect("a result");
    let arguments = arguments.trim_end().strip_suffix(')').expect("the end of the arguments");
    let number = result.split(' ').next().unwrap_or(result);
    let number = match number.strip_prefix("0x") {
        Some(_) => Ok(0),
        None => number.parse(),
    };
    (arguments, number.ok())
}

/// Reads one call; none when it failed or changes nothing that the model holds.
fn call(name: &str, arguments: &str, result: Option<i64>) -> Option<Call> {
    let is_sync = matches!(name, "fsync" | "fdatasync");
    let has_failed = result.is_some_and(|result| result < 0);
    if has_failed && !is_sync {
        return None;
    }
    let parts: Vec<&str> = arguments.split(", ").collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let fd = || number(part(0));
    let place = |index: usize| place("AT_FDCWD", part(index));
    let place_at = |index: usize| self::place(part(index), part(index + 1));
    let action = match name {
        "open" => Action::Open { path: place(0), flags: part(1).to_owned() },
        "creat" => Action::Open { path: place(0), flags: "O_WRONLY|O_CREAT|O_TRUNC".to_owned() },
        "openat" => Action::Open { path: place_at(0), flags: part(2).to_owned() },
        "write" => Action::Write { fd: fd(), at: None, bytes: string(part(1)) },
        "pwrite64" => Action::Write { fd: fd(), at: Some(number(part(3)) as u64), bytes: string(part(1)) },
        "writev" => Action::Write { fd: fd(), at: None, bytes: strings(arguments) },
        _ if is_sync && has_failed => Action::FailedSync { fd: fd() },
        _ if is_sync => Action::Sync { fd: fd() },
        "clone" | "clone3" => Action::Clone { is_thread: arguments.contains("CLONE_FILES") },
        "fork" | "vfork" => Action::Clone { is_thread: false },
        "ftruncate" => Action::Truncate { fd: fd(), length: number(part(1)) as u64 },
        "fallocate" if part(1) == "0" => {
            Action::Allocate { fd: fd(), end: (number(part(2)) + number(part(3))) as u64 }
        }
        "rename" => Action::Rename { from: place(0), to: place(1) },
        "renameat" => Action::Rename { from: place_at(0), to: place_at(2) },
        "renameat2" if matches!(part(4), "0" | "RENAME_NOREPLACE") => {
            Action::Rename { from: place_at(0), to: place_at(2) }
        }
        "unlink" | "rmdir" => Action::Remove { path: place(0) },
        "unlinkat" => Action::Remove { path: place_at(0) },
        "mkdir" => Action::MakeDirectory { path: place(0) },
        "mkdirat" => Action::MakeDirectory { path: place_at(0) },
        "lseek" => Action::Seek { fd: fd() },
        "dup" | "dup2" | "dup3" => Action::Duplicate { fd: fd() },
        "fcntl" if part(1).starts_with("F_DUPFD") => Action::Duplicate { fd: fd() },
        "fcntl" => return None,
        // Of a process that was killed as it entered a call strace may not know which.
        "???" => return None,
        "close" => Action::Close { fd: fd() },
        "mmap" if !(part(3).contains("MAP_SHARED") && part(2).contains("PROT_WRITE")) => return None,
        _ => Action::Unknown { text: format!("{name}({})", shown(arguments)) },
    };
    Some(Call { action, result, process: 0 })
}

fn number(text: &str) -> i64 {
    text.trim().parse().unwrap_or_else(|_| panic!("`{}` is not a number", shown(text)))
}

fn place(directory: &str, text: &str) -> Place {
    let path = String::from_utf8(string(text)).expect("a path of UTF-8");
    Place { fd: directory.parse().ok().filter(|_| !path.starts_with('/')), path }
}

/// Reads `"\x61\x62"`. A cut string ends in dots and is refused: its bytes are not known.
fn string(text: &str) -> Vec<u8> {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let inside = inside.unwrap_or_else(|| panic!("`{}` is not a whole string", shown(text)));
    let digit = |digit: u8| (digit as char).to_digit(16).expect("a digit") as u8;
    inside.as_bytes().chunks_exact(4).map(|four| (digit(four[2]) << 4) | digit(four[3])).collect()
}

/// Reads the strings of `[{iov_base="…", iov_len=3}, …]`, one after the other.
fn strings(text: &str) -> Vec<u8> {
    let pieces = text.split("iov_base=").skip(1);
    pieces.flat_map(|piece| string(piece.split(", iov_len").next().unwrap_or(piece))).collect()
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
