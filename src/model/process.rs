//! The process that does the work of an attempt.

use serde::{Deserialize, Serialize};

/// A process, told apart from every other one that ever had its number.
///
/// The number and the time of the start are the kernel's; both count from when the machine started, which is
/// why `boot_id` belongs to them. What a system does not tell is left out, and the process can then not be
/// looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// When it started, in the kernel's clock ticks since the machine did: field 22 of Linux's
    /// `/proc/PID/stat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ticks: Option<u64>,
    /// The run of the machine: Linux's `/proc/sys/kernel/random/boot_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// The namespace in which the number counts, by the inode of Linux's `/proc/self/ns/pid`: containers have
    /// their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_namespace: Option<String>,
}

/// Who is to do the work of an attempt, as the edge found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worker {
    /// A number that a caller gave. A start is refused while it is not more than that.
    Named(u32),
    /// The process of a number, which was there.
    Found(Process),
}
