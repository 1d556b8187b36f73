//! The processes that a command comes to: whom signals go to, and who outlives it.
//!
//! Without a terminal a command has a process group of its own, which signals reach as a whole. At a terminal it stays in
//! ours: the shell and the terminal stop, continue and interrupt a job as one group, and only a group in the foreground may
//! read what is typed. Whom a signal from elsewhere is for is then told by the environment that we gave the command.

use std::fs::File;

use phaseledger::model::EventId;
use rustix::process::{Pid, Signal, getpgrp, kill_process, kill_process_group};

use super::proc::{is_marked, running};

/// Says whether a command is to have a group of its own: where there is no terminal that controls us.
pub fn is_to_be_alone() -> bool {
    File::open("/dev/tty").is_err()
}

/// The processes of a command.
pub struct Group {
    /// The command itself, not waited for: its number, and that of its group, are its own.
    pub leader: Pid,
    /// Whether the group is its own.
    pub is_own: bool,
    /// The event that started the attempt, which is in the environment of what is started for it.
    pub event: EventId,
}

impl Group {
    /// Sends a signal to the command alone.
    pub fn signal_leader(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            let _ = kill_process(self.leader, signal);
        }
    }

    /// Sends a signal to all of it. What is another user's may not be sent any; it is then for it to end.
    pub fn signal(&self, signal: i32) {
        let Some(signal) = Signal::from_named_raw(signal) else { return };
        if self.is_own {
            let _ = kill_process_group(self.leader, signal);
            return;
        }
        let others = self.others();
        let _ = kill_process(self.leader, signal);
        for pid in others.into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Returns who is in it and runs, beside the command; none where the system does not tell.
    pub fn others(&self) -> Vec<u32> {
        let group = if self.is_own { self.leader } else { getpgrp() };
        let group = group.as_raw_nonzero().get().unsigned_abs();
        let beside = running().filter(|(pid, stat)| stat.group == group && !self.is_leader(*pid));
        beside.map(|(pid, _)| pid).filter(|pid| self.is_own || is_marked(*pid, self.event)).collect()
    }

    /// Returns who is in it and runs, beside the command, or was started for the attempt and has left it.
    pub fn survivors(&self) -> Vec<u32> {
        let mut found = self.others();
        let marked = running().map(|(pid, _)| pid).filter(|pid| is_marked(*pid, self.event));
        found.extend(marked.filter(|pid| !self.is_leader(*pid)));
        found.sort_unstable();
        found.dedup();
        found
    }

    fn is_leader(&self, pid: u32) -> bool {
        self.leader.as_raw_nonzero().get().unsigned_abs() == pid
    }
}
