//! What Linux tells of the processes of this machine: in `/proc`, and nothing elsewhere.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;

use phaseledger::model::EventId;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// The variable by which a child knows the event that started its attempt, and we know the child.
pub const EVENT_VARIABLE: &str = "PHASELEDGER_EVENT";

/// What the kernel says of a process.
pub struct Stat {
    /// The number of its group.
    pub group: u32,
    /// When it started, in clock ticks since the machine did.
    pub started_ticks: u64,
    /// Whether it has ended, and nobody has collected it.
    pub has_ended: bool,
}

/// Returns what the kernel says of a process; none where it has none of that number, or does not tell.
pub fn stat(pid: u32) -> Option<Stat> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name, in parentheses, and may hold anything.
    let after_name = bytes.iter().rposition(|&byte| byte == b')')? + 1;
    let rest = std::str::from_utf8(&bytes[after_name..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let has_ended = matches!(fields.next()?, "Z" | "X");
    let group = fields.nth(1)?.parse().ok()?;
    Some(Stat { group, started_ticks: fields.nth(16)?.parse().ok()?, has_ended })
}

/// Says whether a process has a number, or may have: not all can be seen.
pub fn may_exist(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// Returns the processes that run, by number; none where the system does not tell.
pub fn running() -> impl Iterator<Item = (u32, Stat)> {
    pids().filter_map(|pid| Some((pid, stat(pid)?))).filter(|(_, stat)| !stat.has_ended)
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns the event that started the attempt for which `exec` started a process; none for one that it did not start,
/// and for one of another user's.
pub fn mark(pid: u32) -> Option<String> {
    // As long as most: a read of what has no length is done again and again otherwise.
    let mut environment = Vec::with_capacity(16 << 10);
    File::open(format!("/proc/{pid}/environ")).ok()?.read_to_end(&mut environment).ok()?;
    let mark = |entry: &[u8]| {
        let value = entry.strip_prefix(EVENT_VARIABLE.as_bytes())?.strip_prefix(b"=")?;
        String::from_utf8(value.to_vec()).ok()
    };
    environment.split(|&byte| byte == 0).find_map(mark)
}

/// Says whether a process was started for an attempt, by the event that started that.
pub fn is_marked(pid: u32, event: EventId) -> bool {
    mark(pid).is_some_and(|mark| mark == event.to_string())
}

/// For each attempt for which processes were started that run, apart from this one: the first of them.
pub struct Marks(HashMap<String, u32>);

impl Marks {
    /// Looks at every process that can be looked at. One that has ended has no environment any more.
    pub fn read() -> Self {
        let mut found = HashMap::new();
        for pid in pids().filter(|pid| *pid != std::process::id()) {
            if let Some(mark) = mark(pid) {
                found.entry(mark).or_insert(pid);
            }
        }
        Marks(found)
    }

    /// Returns a process that was started for an attempt.
    pub fn of(&self, event: EventId) -> Option<u32> {
        self.0.get(&event.to_string()).copied()
    }
}

/// Returns the name of the machine.
pub fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Returns the run of the machine.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Returns the inode of the namespace in which numbers count here, of `pid:[4026531836]`.
pub fn pid_namespace() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    let inode: String = link.to_str()?.chars().filter(char::is_ascii_digit).collect();
    Some(inode)
}
