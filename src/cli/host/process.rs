//! Processes of this machine: which one a number means, and whether the one that works on an attempt is still
//! there.
//!
//! What is told of a process comes from Linux's `/proc` ([`super::proc`]). Elsewhere only its number and host are known, and
//! whether it is still there cannot be told.

use std::cell::LazyCell;

use phaseledger::model::{Action, EventId, PhaseName, Process, StateName, Worker, action, escape};
use phaseledger::query::{PhaseStatus, ProcessState};
use phaseledger::rules::{Attempt, Phase, PhaseState, Table};

use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::host::proc::{Marks, boot_id, host, may_exist, pid_namespace, stat};

/// Whether somebody still works on an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Its process runs.
    Running,
    /// Its process is gone, but one that it started runs.
    LeftBehind(u32),
    /// Its process is gone.
    Gone,
    /// It cannot be told from here.
    Unknown,
}

/// Returns the process that has a number now; none where none has, or it has ended and nobody has noticed.
pub fn identify(pid: u32) -> Option<Process> {
    let process = Process {
        host: host(),
        pid,
        started_ticks: None,
        boot_id: boot_id(),
        pid_namespace: pid_namespace(),
    };
    match stat(pid) {
        Some(stat) if stat.has_ended => None,
        Some(stat) => Some(Process { started_ticks: Some(stat.started_ticks), ..process }),
        None => may_exist(pid).then_some(process),
    }
}

/// Looks up the process that a command names by its number.
pub fn look_up(action: &mut Action) {
    if let Action::Start(action::Start { worker: Some(worker), .. }) = action
        && let Worker::Named(pid) = *worker
        && let Some(process) = identify(pid)
    {
        *worker = Worker::Found(process);
    }
}

/// Tells whether somebody still works on an attempt that is under way.
pub fn life(attempt: &Attempt) -> Life {
    match &attempt.process {
        None => Life::Unknown,
        Some(process) => life_of(process, attempt.event),
    }
}

fn life_of(process: &Process, event: EventId) -> Life {
    match alone(process) {
        Life::Gone if process.boot_id == boot_id() => {
            Marks::read().of(event).map_or(Life::Gone, Life::LeftBehind)
        }
        life => life,
    }
}

/// Tells whether a process is still there, whatever it may have started.
fn alone(process: &Process) -> Life {
    let (Some(started_ticks), Some(boot)) = (process.started_ticks, &process.boot_id) else {
        return Life::Unknown;
    };
    if process.host != host() {
        return Life::Unknown;
    }
    match boot_id() {
        None => return Life::Unknown,
        Some(now) if now != *boot => return Life::Gone,
        Some(_) => {}
    }
    if process.pid_namespace != pid_namespace() {
        return Life::Unknown;
    }
    match stat(process.pid) {
        Some(stat) if stat.started_ticks == started_ticks && !stat.has_ended => Life::Running,
        None if may_exist(process.pid) => Life::Unknown,
        Some(_) | None => Life::Gone,
    }
}

/// Returns what the attempts of a phase that have ended left behind, and that is known to run, as far as can be told.
pub fn survivors(phase: &Phase) -> Vec<Process> {
    let marked = || Marks::read().of(phase.state.attempt()?.event).and_then(identify);
    survivors_among(phase, marked)
}

/// Returns those of some processes that are known to run.
pub fn running_of(processes: &[Process]) -> impl Iterator<Item = &Process> {
    processes.iter().filter(|process| alone(process) == Life::Running)
}

/// Returns what ends of attempts name, and what is found as `marked`, which is asked only where the phase may be run again.
fn survivors_among(phase: &Phase, marked: impl FnOnce() -> Option<Process>) -> Vec<Process> {
    let named = running_of(&phase.left_behind).cloned();
    let marked = match phase.state {
        PhaseState::Failed { .. } | PhaseState::NeedsRerun { .. } => marked(),
        PhaseState::Pending { .. } | PhaseState::Complete { .. } => None,
        PhaseState::InProgress { .. } => return Vec::new(),
    };
    let mut found: Vec<_> = named.collect();
    found.extend(marked.filter(|marked| !phase.left_behind.contains(marked)));
    found
}

/// Fills in whether the processes of what is under way are still there, and what others left behind.
pub fn look_at<'a>(phases: impl IntoIterator<Item = &'a mut PhaseStatus>, table: &Table) {
    let marks = LazyCell::new(Marks::read);
    for status in phases {
        let Some(phase) = table.phases.get(&status.id()) else { continue };
        let life = match &phase.state {
            PhaseState::InProgress { attempt, .. } if attempt.process.is_some() => life(attempt),
            PhaseState::InProgress { .. } => continue,
            state => match survivors_among(phase, || identify(marks.of(state.attempt()?.event)?)).first() {
                Some(process) => Life::LeftBehind(process.pid),
                None => continue,
            },
        };
        status.process_state = Some(match life {
            Life::Running | Life::LeftBehind(_) => ProcessState::Running,
            Life::Gone => ProcessState::Gone,
            Life::Unknown => ProcessState::Unknown,
        });
        status.left_behind_pid = match life {
            Life::LeftBehind(pid) => Some(pid),
            Life::Running | Life::Gone | Life::Unknown => None,
        };
    }
}

/// Returns what to say of a process beside the state of its phase; nothing of one that runs, or may.
pub fn remark(phase: &PhaseStatus) -> String {
    match (phase.process_state, phase.left_behind_pid) {
        (Some(ProcessState::Gone), _) => ", process gone".to_owned(),
        (_, Some(pid)) if phase.state == StateName::InProgress => {
            format!(", process gone, but {pid} still runs")
        }
        (_, Some(pid)) => format!(", but process {pid} still runs"),
        _ => String::new(),
    }
}

/// Tells a person how to settle what nobody will end.
pub fn tell_how_to_settle<'a>(phases: impl IntoIterator<Item = &'a PhaseStatus>) {
    let is_gone = |phase: &&PhaseStatus| phase.process_state == Some(ProcessState::Gone);
    if let Some(phase) = phases.into_iter().find(is_gone) {
        tell_way_on(&phase.phase);
    }
}

/// Tells a person how to settle a phase, where nobody will end it.
pub fn tell_how_to_settle_one(phase: &Phase) {
    if let PhaseState::InProgress { attempt, .. } = &phase.state
        && life(attempt) == Life::Gone
    {
        tell_way_on(&phase.id.phase);
    }
}

fn tell_way_on(phase: &PhaseName) {
    output::talk(format_args!(
        "nobody will end an attempt whose process is gone: `phaseledger exec {phase} --take-over --reason … -- …` \
         (or `start --take-over`) runs it anew, `phaseledger fail {phase} --abandoned --error …` gives it up"
    ));
}

/// Names a process to a person.
pub fn name(process: &Process) -> String {
    format!("process {}", number(process))
}

/// Returns the number of a process, and where it has that.
pub fn number(process: &Process) -> String {
    match process.host == host() {
        true => process.pid.to_string(),
        false => format!("{} on {}", process.pid, escape(&process.host)),
    }
}

/// Adds to the refusal of a start what can be done about the attempt that is under way.
pub fn refused(failure: Failure, phase: &Phase, attempt: &Attempt) -> Failure {
    let (name, phase) = (attempt.process.as_deref().map(name), &phase.id.phase);
    let hint = match (life(attempt), name) {
        (Life::Running, Some(name)) => format!("{name} works on it: wait for it, or end it first"),
        (Life::LeftBehind(pid), Some(name)) => {
            format!(
                "{name} is gone, but process {pid}, which it started, still works: wait for it, or end it first"
            )
        }
        (Life::Gone, Some(name)) => {
            format!("{name} is gone: `--take-over --reason …`, or `exec --if-needed`, runs `{phase}` anew")
        }
        (_, Some(name)) => format!(
            "whether {name} still works on it cannot be told from here: `--take-over --reason …` gives that up"
        ),
        (_, None) => format!(
            "which process works on it is not known: `--take-over --reason …` gives that up, and runs `{phase}` anew"
        ),
    };
    failure.hint(hint)
}

/// Returns the process that is known to work on a phase.
fn running(phase: &Phase) -> Option<String> {
    let PhaseState::InProgress { attempt, .. } = &phase.state else { return None };
    match life(attempt) {
        Life::Running => attempt.process.as_deref().map(name),
        Life::LeftBehind(pid) => Some(format!("process {pid}")),
        Life::Gone | Life::Unknown => None,
    }
}

/// Tells a person who takes an attempt over that its process still runs.
pub fn warn_of_running(phase: &Phase) {
    if let Some(name) = running(phase) {
        output::talk(format_args!(
            "warning: {name} still works on attempt {} of {}; what it records of it will be refused",
            phase.attempt, phase.id
        ));
    }
}

/// Tells a person who starts a phase what earlier attempts left behind that runs.
pub fn warn_of(phase: &Phase, left_behind: &[Process]) {
    if let Some(process) = left_behind.first() {
        output::talk(format_args!("warning: {}", still_runs(phase, process)));
    }
}

/// Refuses to start a phase beside what earlier attempts left behind.
pub fn refuse_beside(phase: &Phase, left_behind: &[Process]) -> Result<(), Failure> {
    match left_behind.first() {
        None => Ok(()),
        Some(process) => Err(Failure::under_way(still_runs(phase, process))
            .hint("wait for it, or end it first; `exec` without `--if-needed` runs beside it")
            .detail("phase", phase.id.to_string())),
    }
}

fn still_runs(phase: &Phase, process: &Process) -> String {
    format!("{}, which an attempt of `{}` started, still runs", name(process), phase.id)
}

/// Refuses to call an attempt abandoned whose process is known to run.
pub fn refuse_running(phase: &Phase) -> Result<(), Failure> {
    match running(phase) {
        None => Ok(()),
        Some(name) => {
            let Phase { id, attempt, .. } = phase;
            let message = format!("attempt {attempt} of `{id}` is not abandoned: {name} still works on it");
            Err(Failure::not_abandoned(message)
                .hint("end the process first; or say `fail` without `--abandoned`")
                .detail("phase", id.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> EventId {
        EventId::new(uuid::Uuid::from_u128(7))
    }

    fn state(change: impl FnOnce(&mut Process)) -> Life {
        let mut process = identify(std::process::id()).expect("we are there");
        change(&mut process);
        life_of(&process, event())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_told_apart_from_every_other() {
        assert_eq!(state(|_| ()), Life::Running);
        let ticks =
            |process: &mut Process| process.started_ticks = process.started_ticks.map(|ticks| ticks - 1);
        assert_eq!(state(ticks), Life::Gone, "another had the number");
        let boot = |process: &mut Process| process.boot_id = Some("an earlier one".to_owned());
        assert_eq!(state(boot), Life::Gone, "the machine was started again");
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        assert_eq!(state(|process| process.host.push('x')), Life::Unknown, "another machine");
        assert_eq!(state(|process| process.pid_namespace = Some("1".to_owned())), Life::Unknown);
        assert_eq!(state(|process| process.started_ticks = None), Life::Unknown);
        assert_eq!(state(|process| process.boot_id = None), Life::Unknown);
    }

    #[test]
    fn numbers_that_no_process_has() {
        for pid in [0, i32::MAX as u32, u32::MAX] {
            assert_eq!(identify(pid), None, "{pid}");
        }
    }
}
