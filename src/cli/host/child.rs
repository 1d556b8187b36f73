//! A child process: it has our standard input and output, what it writes to its standard error is passed on
//! while the end of it is kept, and signals are handed on to all that it comes to.
//!
//! ```text
//!  signals ──thread──▶ wait: hand on, or see that it ended ──▶ clear: what was asked to end, ends ──▶ status
//!                        ▲ and, with a watch, ask it now and then whether to stop the child
//!  stderr  ──thread──▶ ours, and the last 64 KiB of it     ──▶ kept
//! ```

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use phaseledger::model::EventId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

use super::group::{Group, is_to_be_alone};
use super::proc::EVENT_VARIABLE;

/// The signals that are handed on.
const HANDED_ON: &[i32] = &[SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];

/// Those of them that ask a process to end.
const ASKING: &[i32] = &[SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// How much of the end of standard error is kept, in bytes.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// How long standard error may stay open, and others may take to end, once the child has ended: whoever else is there
/// may have a last word.
const GRACE: Duration = Duration::from_millis(200);

/// How much is read after that at most, in bytes: as much as a pipe holds.
const LATE_BYTES_MAX: usize = 1 << 20;

/// How often a watch is asked.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// How often it is looked whether those whom a signal ended are gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What to run, and how.
pub struct Order<'a> {
    /// The program, and its arguments.
    pub command: &'a [OsString],
    /// What it finds in its environment beside ours, and the event.
    pub environment: &'a [(&'a str, OsString)],
    /// The event that started the attempt.
    pub event: EventId,
    /// Says whether the child is to end, before it ends by itself; asked again until it says so. Signals wait for the
    /// answer. None where nothing calls for that.
    pub calls: Option<&'a mut dyn FnMut() -> bool>,
    /// How long what is asked to end has before it is killed.
    pub grace: Duration,
    /// Called at the moment at which the child has ended.
    pub on_end: &'a mut dyn FnMut(),
}

/// How a child ended.
pub struct Ended {
    /// Its exit code, or the signal that ended it.
    pub status: ExitStatus,
    /// The end of what it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Whether the terminal sent us the signal of ^C, and the child as well.
    pub is_interrupted: bool,
    /// The processes that it started and that still run, by number, as far as the system tells.
    pub left_behind: Vec<u32>,
}

/// Runs a command, and waits until it has ended, or was stopped.
pub fn run(mut order: Order<'_>) -> io::Result<Ended> {
    let (program, arguments) = order.command.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut signals = catch()?;
    let (ended, ending) = io::pipe()?;
    // Before the child: where there is no thread to be had, nothing has been run.
    let (hand_over, stderr) = channel();
    let passing =
        thread::Builder::new().spawn(move || stderr.recv().map(|stderr| pass_on(stderr, &ended)))?;
    let is_own = is_to_be_alone();
    let mut command = Command::new(program);
    command.args(arguments).envs(order.environment.iter().map(|(name, value)| (name, value)));
    command.env(EVENT_VARIABLE, order.event.to_string()).stderr(Stdio::piped());
    if is_own {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let group = Group { leader: Pid::from_child(&child), is_own, event: order.event };
    let stderr = child.stderr.take().expect("it was asked for");
    // The thread waits for it, and for nothing else.
    let _ = hand_over.send(stderr);
    let waited = signals.wait(&mut child, &group, &mut order);
    signals.settle(&waited);
    drop(ending);
    let stderr = passing.join().ok().and_then(Result::ok).unwrap_or_default();
    let left_behind = group.survivors();
    Ok(Ended { status: waited?, stderr, is_interrupted: signals.is_interrupted, left_behind })
}

/// Says whether a child has ended, and leaves it uncollected: its number, and its group's, stay its own.
fn has_ended(leader: Pid, or_wait: bool) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let options = if or_wait { options } else { options | WaitIdOptions::NOHANG };
    Ok(retry_on_intr(|| waitid(WaitId::Pid(leader), options))?.is_some())
}

/// The signals that reach us.
struct Signals {
    arriving: Receiver<Origin>,
    is_interrupted: bool,
    /// The last signal that asked the child to end, and when.
    asked: Option<(i32, Instant)>,
}

/// Begins to catch signals. One that is ignored, as SIGHUP is below `nohup`, stays so: for the child too.
fn catch() -> io::Result<Signals> {
    let ignored = ignored();
    let is_heeded = |signal: &&i32| ignored & (1 << (**signal - 1)) == 0;
    let caught = HANDED_ON.iter().filter(is_heeded).chain([&SIGCHLD]);
    let mut signals = SignalsInfo::<WithOrigin>::new(caught)?;
    let (sender, arriving) = channel();
    thread::Builder::new().spawn(move || signals.forever().try_for_each(|origin| sender.send(origin)))?;
    Ok(Signals { arriving, is_interrupted: false, asked: None })
}

/// Returns the set of signals that are ignored, the first one being bit 0; empty where the system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0)
}

impl Signals {
    /// Hands signals on until the child has ended, and what was asked to end with it.
    fn wait(&mut self, child: &mut Child, group: &Group, order: &mut Order<'_>) -> io::Result<ExitStatus> {
        let mut stopping = order.calls.take().map(|calls| Stopping::new(calls, order.grace));
        loop {
            let arrived = match stopping.as_ref().and_then(|stopping| stopping.due) {
                None => self.arriving.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => self.arriving.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            let is_over = match arrived {
                Ok(origin) if origin.signal == SIGCHLD => has_ended(group.leader, false)?,
                Ok(origin) => {
                    self.hand_on(&origin, group);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => has_ended(group.leader, true)?,
            };
            if is_over {
                break;
            }
            if let Some(stopping) = &mut stopping
                && let Some(signal) = stopping.step()
            {
                self.send(signal, group);
            }
        }
        (order.on_end)();
        self.clear(group, order.grace);
        child.wait()
    }

    fn hand_on(&mut self, origin: &Origin, group: &Group) {
        // What the terminal sent to us it has sent to the child as well.
        if !group.is_own && matches!(origin.cause, Cause::Kernel) {
            self.is_interrupted |= origin.signal == SIGINT;
            self.note(origin.signal);
        } else if origin.signal != SIGCHLD {
            self.send(origin.signal, group);
        }
    }

    /// Sends a signal: to all of the child's group where it asks to end, otherwise to the child alone, which may have told
    /// no one else what it means.
    fn send(&mut self, signal: i32, group: &Group) {
        match ASKING.contains(&signal) || signal == SIGKILL {
            true => group.signal(signal),
            false => group.signal_leader(signal),
        }
        self.note(signal);
    }

    fn note(&mut self, signal: i32) {
        if ASKING.contains(&signal) {
            self.asked = Some((signal, Instant::now()));
        }
    }

    /// Ends what is left of a child that ended as it was asked to: by SIGTERM, and SIGKILL once the grace is over. What
    /// is left of one that ended by itself is left alone, and has a moment to go.
    fn clear(&mut self, group: &Group, grace: Duration) {
        let now = Instant::now();
        let asked = self.asked.filter(|(_, at)| now.duration_since(*at) <= grace.max(GRACE));
        let mut until = asked.map_or(now + GRACE, |(_, at)| at + grace);
        let mut is_killed = asked.is_none();
        if asked.is_some_and(|(signal, _)| signal != SIGTERM) && !group.others().is_empty() {
            // A shell lets what runs in its background ignore SIGINT.
            group.signal(SIGTERM);
        }
        while !group.others().is_empty() {
            if Instant::now() >= until {
                if is_killed {
                    return;
                }
                group.signal(SIGKILL);
                is_killed = true;
                until = Instant::now() + GRACE;
            }
            match self.arriving.recv_timeout(LOOK_EVERY) {
                Ok(origin) => self.hand_on(&origin, group),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Waits a moment for the ^C that ended the child: it is on its way to us as well, and may come second.
    fn settle(&mut self, waited: &io::Result<ExitStatus>) {
        let until = Instant::now() + GRACE;
        while !self.is_interrupted && waited.as_ref().is_ok_and(|status| status.signal() == Some(SIGINT)) {
            match self.arriving.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(origin) => self.is_interrupted = (origin.signal, origin.cause) == (SIGINT, Cause::Kernel),
                Err(_) => break,
            }
        }
    }
}

/// The way to a child's end: asked for, told, forced.
struct Stopping<'a> {
    calls: &'a mut dyn FnMut() -> bool,
    grace: Duration,
    is_told: bool,
    /// When the next step is due; none after the last one.
    due: Option<Instant>,
}

impl<'a> Stopping<'a> {
    fn new(calls: &'a mut dyn FnMut() -> bool, grace: Duration) -> Self {
        Stopping { calls, grace, is_told: false, due: Some(Instant::now() + WATCH_EVERY) }
    }

    /// Takes the next step, where it is due, and returns the signal that is to be sent for it.
    fn step(&mut self) -> Option<i32> {
        if self.due.is_none_or(|due| due > Instant::now()) {
            return None;
        }
        if self.is_told {
            self.due = None;
            return Some(SIGKILL);
        }
        self.is_told = (self.calls)();
        let (wait, signal) = match self.is_told {
            true => (self.grace, Some(SIGTERM)),
            false => (WATCH_EVERY, None),
        };
        self.due = Some(Instant::now() + wait);
        signal
    }
}

/// Passes on what arrives until all who may write have closed it; or, once the other
/// end of `ended` is closed, until no more arrives.
fn pass_on(mut stderr: ChildStderr, ended: &PipeReader) -> Vec<u8> {
    let mut kept = Kept::default();
    let mut bytes = vec![0; KEPT_BYTES_MAX];
    let mut until: Option<Instant> = None;
    let mut late = 0;
    while late <= LATE_BYTES_MAX {
        let is_readable = match until {
            None => {
                let (is_readable, has_ended) = wait_for_either(&stderr, ended);
                until = has_ended.then(|| Instant::now() + GRACE);
                is_readable
            }
            Some(until) => is_readable(&stderr, until.saturating_duration_since(Instant::now())),
        };
        if !is_readable {
            match until {
                Some(until) if until <= Instant::now() => break,
                _ => continue,
            }
        }
        let read = match stderr.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if until.is_some_and(|until| until <= Instant::now()) {
            late += read;
        }
        // Where ours is closed, the child goes on all the same.
        let _ = io::stderr().write_all(&bytes[..read]);
        kept.keep(&bytes[..read]);
    }
    kept.end()
}

/// Waits until one can be read, or the other is closed, and says which.
fn wait_for_either(stderr: &impl AsFd, ended: &impl AsFd) -> (bool, bool) {
    let mut both = [PollFd::new(stderr, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
    // What cannot be waited for is read at once: that waits, or tells why not.
    let waited = retry_on_intr(|| poll(&mut both, None));
    (waited.is_err() || !both[0].revents().is_empty(), !both[1].revents().is_empty())
}

/// Waits a while until it can be read, and says whether it can.
fn is_readable(stderr: &impl AsFd, wait: Duration) -> bool {
    let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
    let mut one = [PollFd::new(stderr, PollFlags::IN)];
    retry_on_intr(|| poll(&mut one, Some(&wait))).is_ok_and(|ready| ready > 0)
}

/// The end of what was passed on.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
}

impl Kept {
    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * KEPT_BYTES_MAX {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let surplus = self.bytes.len().saturating_sub(KEPT_BYTES_MAX);
        self.bytes.drain(..surplus);
    }

    fn end(mut self) -> Vec<u8> {
        self.cut();
        self.bytes
    }
}
