//! A child process: it has our standard input and output, what it writes to its standard error is passed on
//! while the end of it is kept, and signals are handed on.
//!
//! ```text
//!  signals ──thread──▶ wait: hand on, or see that it ended ──▶ status
//!                        ▲ and, with a watch, ask it now and then whether to stop the child
//!  stderr  ──thread──▶ ours, and the last 64 KiB of it     ──▶ kept
//! ```

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

/// The signals that are handed on.
const HANDED_ON: &[i32] = &[SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];

/// How much of the end of standard error is kept, in bytes.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// How long standard error may stay open once the child has ended: whoever else has it may have a last word.
const GRACE: Duration = Duration::from_millis(200);

/// How much is read after that at most, in bytes: as much as a pipe holds.
const LATE_BYTES_MAX: usize = 1 << 20;

/// How often a watch is asked.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// What may call for a child's end before it ends by itself.
pub struct Watch<'a> {
    /// Says whether the child is to end; asked again until it says so. Signals wait for the answer.
    pub calls: &'a mut dyn FnMut() -> bool,
    /// How long the child has between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// How a child ended.
pub struct Ended {
    /// Its exit code, or the signal that ended it.
    pub status: ExitStatus,
    /// The end of what it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Whether the terminal sent us the signal of ^C, and the child as well.
    pub is_interrupted: bool,
}

/// Runs a command, its first word being the program, and waits until it has ended, or was stopped.
pub fn run(
    command: &[OsString],
    environment: &[(&str, OsString)],
    watch: Option<Watch<'_>>,
) -> io::Result<Ended> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut signals = catch()?;
    let (ended, ending) = io::pipe()?;
    // Before the child: where there is no thread to be had, nothing has been run.
    let (hand_over, stderr) = channel();
    let passing =
        thread::Builder::new().spawn(move || stderr.recv().map(|stderr| pass_on(stderr, &ended)))?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().expect("it was asked for");
    // The thread waits for it, and for nothing else.
    let _ = hand_over.send(stderr);
    let waited = signals.wait(&mut child, watch);
    signals.settle(&waited);
    drop(ending);
    let stderr = passing.join().ok().and_then(Result::ok).unwrap_or_default();
    Ok(Ended { status: waited?, stderr, is_interrupted: signals.is_interrupted })
}

/// The signals that reach us.
struct Signals {
    arriving: Receiver<Origin>,
    is_interrupted: bool,
}

/// Begins to catch signals. One that is ignored, as SIGHUP is below `nohup`, stays so: for the child too.
fn catch() -> io::Result<Signals> {
    let ignored = ignored();
    let is_heeded = |signal: &&i32| ignored & (1 << (**signal - 1)) == 0;
    let caught = HANDED_ON.iter().filter(is_heeded).chain([&SIGCHLD]);
    let mut signals = SignalsInfo::<WithOrigin>::new(caught)?;
    let (sender, arriving) = channel();
    thread::Builder::new().spawn(move || signals.forever().try_for_each(|origin| sender.send(origin)))?;
    Ok(Signals { arriving, is_interrupted: false })
}

/// Returns the set of signals that are ignored, the first one being bit 0; empty where the system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0)
}

impl Signals {
    /// Hands signals on until the child has ended. Nobody else waits for it, so that its number is its own for
    /// as long as it may be sent one.
    fn wait(&mut self, child: &mut Child, watch: Option<Watch<'_>>) -> io::Result<ExitStatus> {
        let mut stopping = watch.map(Stopping::new);
        loop {
            let arrived = match stopping.as_ref().and_then(|stopping| stopping.due) {
                None => self.arriving.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => self.arriving.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match arrived.map(|origin| (origin.signal, origin.cause)) {
                Ok((SIGCHLD, _)) => {
                    if let Some(status) = child.try_wait()? {
                        return Ok(status);
                    }
                }
                // The terminal has sent it to the child as well.
                Ok((signal, Cause::Kernel)) => self.is_interrupted |= signal == SIGINT,
                Ok((signal, _)) => hand_on(signal, child.id()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return child.wait(),
            }
            if let Some(stopping) = &mut stopping {
                stopping.step(child.id());
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
    watch: Watch<'a>,
    is_told: bool,
    /// When the next step is due; none after the last one.
    due: Option<Instant>,
}

impl<'a> Stopping<'a> {
    fn new(watch: Watch<'a>) -> Self {
        Stopping { watch, is_told: false, due: Some(Instant::now() + WATCH_EVERY) }
    }

    /// Takes the next step, where it is due. The child has not been waited for.
    fn step(&mut self, pid: u32) {
        if self.due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        if self.is_told {
            hand_on(SIGKILL, pid);
            self.due = None;
        } else if (self.watch.calls)() {
            hand_on(SIGTERM, pid);
            self.is_told = true;
            self.due = Some(Instant::now() + self.watch.grace);
        } else {
            self.due = Some(Instant::now() + WATCH_EVERY);
        }
    }
}

fn hand_on(signal: i32, pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
        // A child of another user's may not be sent any; it is then for it to end.
        let _ = kill_process(pid, signal);
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
