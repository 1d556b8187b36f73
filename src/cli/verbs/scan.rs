//! `scan`: finds declared inputs that are no longer what the phases read.
//!
//! ```text
//!  table, starts ──▶ (ledger closed) files ─digests▶ compare ──▶ (ledger opened) stage all ──▶ one commit
//! ```
//!
//! The ledger is never held while files are read. What is recorded is compared with what the phase's last
//! attempt read then: a phase that has moved on meanwhile is looked at again.

mod tell;
mod watch;

use std::collections::{HashMap, HashSet};
use std::process::ExitCode;
use std::time::Duration;

use phaseledger::ask::{self, ScanAnswer, ScanTarget};
use phaseledger::files::{Fingerprints, Project};
use phaseledger::ledger::{Answer, AnswerStatus, How, Ledger, Recording};
use phaseledger::model::{
    Action, Change, Command, Declared, Expectation, FileRole, OutputFile, Patterns, PhaseId, PhaseRef,
    Request, Seq, Unreadable, WorkflowName, action,
};
use phaseledger::query::{Finding, changed_inputs, changed_outputs};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output};
use crate::cli::ui::render::Naming;
use crate::cli::verbs::writing::{self, Edge};

// Options of `scan`.
#[derive(clap::Args)]
#[command(
    after_help = "The files are those that the `inputs` and `outputs` of the workflow file name. Inputs are compared with \
    what they were when the phase's last attempt started, outputs with what they were when it completed: one that is \
    gone or has other contents has changed, one that came since is somebody else's. A phase that is COMPLETE is marked \
    for rerun, with all that was built on it; one that is IN_PROGRESS must be repeated once the attempt ends, where its \
    inputs changed; one that NEEDS_RERUN gets one more reason. Files that are again what that attempt read, or put out, \
    take back what scans said of it: where nothing else holds, the phase stands again, and what is below it. What a \
    `.gitignore` ignores is no input, unless its very path is declared; a pattern with a `!` leaves out what those before it \
    selected. Files that `--output` named as an attempt ended, where no outputs are declared, are compared too. A pattern that selects nothing is told, with the reason. Several changed phases are recorded together or \
    not at all. Where one input cannot be read (a link to nowhere, a name that is not UTF-8, more files than are kept) its \
    phase's are not compared: they are told, with each such file, and all others are scanned and recorded all the same. Of \
    outputs those are compared that can be: a link to nowhere, a pipe or a device in the place of one is a change. \
    Pipes, sockets and devices are left out of inputs. Exit codes: 0 done; 1 when files cannot be read, and with \
    `--dry-run` when there is something to record.\n\n\
    In JSON (`scan/1`): `status`, `seq` (the last event), `phases` with `workflow phase state finding files \
    changes unreadable unmatched outputs` (finding: changed, reported, restored, unchanged, unknown, unreadable, not_run, \
    undeclared; unreadable: the first 32 files, each with its `pattern`, `path` and `why`; `unreadable_more` counts the \
    others; unmatched: the patterns that select nothing, each with its `pattern` and `why`, absent for none; all of these are of its inputs, `outputs`, where some are declared, has the same of its outputs), `events` \
    that were recorded."
)]
pub struct Args {
    /// These phases only
    #[arg(value_name = "PHASE")]
    phases: Vec<PhaseRef>,
    /// Phases of this workflow only
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    /// Who asks [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::claim)]
    by: Option<String>,
    /// Tell what it would record, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on looking until interrupted; only what is recorded is told
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// How long to wait between two looks
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = interval, requires = "watch")]
    interval: Duration,
}

/// The shortest and the longest wait between two looks.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

fn interval(text: &str) -> Result<Duration, String> {
    let wait = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a duration such as `2s` or `1m 30s`"))?;
    match (INTERVAL_MIN..=INTERVAL_MAX).contains(&wait) {
        true => Ok(wait),
        false => Err("expected from 100ms to 24h".to_owned()),
    }
}

/// Scans once, or until interrupted.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = files::project(context)?;
    let mut scanner = Scanner { args, context, project, recorded: HashMap::new() };
    if args.watch {
        return watch::run(&mut scanner);
    }
    let look = scanner.look()?;
    scanner.warn(&look);
    let scanned = scanner.record(look)?;
    tell::tell(&scanned, context)?;
    let is_stale = args.dry_run && scanned.status == AnswerStatus::Preview;
    let is_whole = scanned.phases.iter().all(|phase| phase.unreadable().is_none());
    Ok(ExitCode::from(u8::from(is_stale || !is_whole)))
}

/// Scans one phase for another verb, and tells a person what that recorded. Says whether it recorded anything.
pub fn one(phase: &PhaseId, by: Option<&String>, context: &Context) -> Result<bool, Failure> {
    let args = Args {
        phases: vec![phase.clone().into()],
        workflow: None,
        by: by.cloned(),
        dry_run: false,
        watch: false,
        interval: INTERVAL_MIN,
    };
    let project = files::project(context)?;
    let mut scanner = Scanner { args: &args, context, project, recorded: HashMap::new() };
    let look = scanner.look()?;
    let scanned = scanner.record(look)?;
    for line in tell::unreadable_files(&scanned.phases, scanned.naming).iter().filter(|_| !context.json) {
        output::talk(format_args!("warning: {line}"));
    }
    for record in scanned.answers.iter().filter_map(|(_, answer)| answer.events.first()) {
        if !context.json {
            output::talk(format_args!("appended e{} {}", record.seq, writing::line(record)));
        }
    }
    Ok(scanned.status == AnswerStatus::Appended)
}

/// Returns how files differ from those that were recorded, and whether that is all that can be told. Of inputs nothing can be
/// where one of them cannot be read; of outputs only that one cannot.
fn compared(
    role: FileRole,
    recorded: &[OutputFile],
    found: &Fingerprints,
    patterns: &Patterns,
) -> (Vec<Change>, bool) {
    match role {
        FileRole::Inputs if !found.unreadable.is_empty() => (Vec::new(), false),
        FileRole::Inputs => (changed_inputs(recorded, &found.files, patterns), true),
        FileRole::Outputs => {
            let mut changes = changed_outputs(recorded, &found.files, patterns);
            let all = changes.len();
            changes.retain(|change| !change.path().is_some_and(|path| found.may_hide(path)));
            let is_whole = changes.len() == all;
            (changes, is_whole)
        }
    }
}

/// How often a scan looks again at phases that move on while their files are read.
const LOOKS_MAX: usize = 3;

struct Scanner<'a> {
    args: &'a Args,
    context: &'a Context,
    project: Project,
    /// What the attempts read and put out, by the places of the events that recorded it.
    recorded: HashMap<(Seq, FileRole), Option<Vec<OutputFile>>>,
}

/// A phase with what was found of its inputs, or of its outputs.
#[derive(Debug, Clone, PartialEq)]
struct Looked {
    target: ScanTarget,
    found: Option<Fingerprints>,
    finding: Finding,
    changes: Vec<Change>,
}

impl Looked {
    /// Says whether it is to be recorded, unless that is known already.
    fn is_news(&self) -> bool {
        matches!(self.finding, Finding::Changed | Finding::Restored)
    }

    /// Returns what of them cannot be read, where that keeps them from being compared.
    fn unreadable(&self) -> Option<&Unreadable> {
        let is_compared = !matches!(self.finding, Finding::Unreadable | Finding::Unknown);
        let unreadable = self.found.as_ref().map(|found| &found.unreadable);
        unreadable.filter(|unreadable| !is_compared && !unreadable.is_empty())
    }
}

/// What a scan came to.
struct Scanned {
    status: AnswerStatus,
    /// The last event.
    head: Seq,
    phases: Vec<Looked>,
    /// The answers, each with the number of its phase.
    answers: Vec<(usize, Answer)>,
    naming: Naming,
}

/// A look at all phases, with the head that it is of.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    head: Seq,
    phases: Vec<Looked>,
    naming: Naming,
}

impl Scanner<'_> {
    /// Reads where the phases stand, then their files.
    fn look(&mut self) -> Result<Look, Failure> {
        let answer = ask::now(|| self.context.open(), &self.question())?;
        let (head, naming) = (answer.head, Naming::among(answer.workflows));
        let targets = self.take(answer);
        let watched = |target: &ScanTarget| target.watched(self.recorded_of(target));
        let is_read = |target: &&ScanTarget| target.attempt.is_some();
        let declared: Vec<_> = targets.iter().filter(is_read).filter_map(watched).collect();
        let mut found = self.project.fingerprint(&declared).into_iter();
        let phases = targets.into_iter().map(|target| {
            let watched = target.watched(self.recorded_of(&target));
            let is_read = target.attempt.is_some() && watched.is_some();
            let found = if is_read { found.next() } else { None };
            self.compare(target, watched, found)
        });
        let phases = phases.collect();
        Ok(Look { head, phases, naming })
    }

    fn question(&self) -> ask::Scan {
        let Args { phases, workflow, .. } = self.args;
        let known = self.recorded.keys().copied().collect();
        ask::Scan { phases: phases.clone(), workflow: workflow.clone(), known }
    }

    /// Takes in what the attempts recorded, and forgets what other attempts did.
    fn take(&mut self, answer: ScanAnswer) -> Vec<ScanTarget> {
        let places: HashSet<_> = answer.targets.iter().filter_map(ScanTarget::recorded_at).collect();
        self.recorded.retain(|place, _| places.contains(place));
        self.recorded.extend(answer.recorded);
        answer.targets
    }

    fn recorded_of(&self, target: &ScanTarget) -> Option<&[OutputFile]> {
        target.recorded_at().and_then(|place| self.recorded.get(&place)?.as_deref())
    }

    fn compare(
        &self,
        target: ScanTarget,
        watched: Option<Declared>,
        mut found: Option<Fingerprints>,
    ) -> Looked {
        let patterns = watched.as_ref().map_or(&[][..], |watched| &watched.patterns);
        if let Some(found) = &mut found {
            // That a file which was stated is gone is a change, and no pattern that selects nothing.
            let declared = target.declared.as_ref().map_or(&[][..], |declared| &declared.patterns);
            found.unmatched.retain(|unmatched| declared.contains(&unmatched.pattern));
        }
        // What is no pattern is among what cannot be read.
        let (patterns, _) = Patterns::read(patterns);
        let recorded = self.recorded_of(&target);
        let mut changes = Vec::new();
        let finding = match (&watched, target.attempt, &found, recorded) {
            (None, ..) => Finding::Undeclared,
            (_, None, ..) | (_, _, None, _) => Finding::NotRun,
            (.., None) => Finding::Unknown,
            (.., Some(found), Some(recorded)) => {
                let is_whole;
                (changes, is_whole) = compared(target.role, recorded, found, &patterns);
                match (changes.is_empty(), is_whole, target.is_told) {
                    (false, ..) => Finding::Changed,
                    (true, false, _) => Finding::Unreadable,
                    (true, true, true) => Finding::Restored,
                    (true, true, false) => Finding::Unchanged,
                }
            }
        };
        Looked { target, found, finding, changes }
    }

    /// Tells a person which patterns match nothing, and what is left out.
    fn warn(&self, look: &Look) {
        for phase in &look.phases {
            if let (Some(declared), Some(found)) = (&phase.target.declared, &phase.found) {
                files::warn(declared, found, self.context);
            }
        }
    }

    /// Records what changed, all of it or nothing.
    fn record(&mut self, mut look: Look) -> Result<Scanned, Failure> {
        let mut looks = 0;
        loop {
            if !look.phases.iter().any(Looked::is_news) {
                let Look { head, phases, naming } = look;
                let answers = Vec::new();
                return Ok(Scanned { status: AnswerStatus::Unchanged, head, phases, answers, naming });
            }
            if looks == LOOKS_MAX {
                let message = "the phases moved on each time that their files were read";
                return Err(Failure::busy(message).hint("nothing was recorded; try again"));
            }
            match self.send(&look)? {
                Some(recording) => return Ok(self.scanned(look, recording)),
                None => look = self.look()?,
            }
            looks += 1;
        }
    }

    /// Sends a command for everything that is news. Returns nothing where the phases are no longer those that were looked at.
    fn send(&mut self, look: &Look) -> Result<Option<Recording>, Failure> {
        let news = look.phases.iter().filter(|phase| phase.is_news());
        let commands = news.map(|phase| self.command(phase)).collect::<Result<Vec<_>, _>>();
        let (mut commands, context) = (commands?, self.context);
        let how = if self.args.dry_run { How::Preview } else { How::Together };
        let mut has_moved = false;
        let mut edge = Edge {
            context,
            how,
            before: &mut |ledger| {
                if ask::held(ledger, &ask::Head)? != look.head {
                    let targets = self.take(ask::held(ledger, &self.question())?);
                    has_moved = !targets.iter().eq(look.phases.iter().map(|phase| &phase.target));
                }
                match has_moved {
                    true => Err(Failure::busy("the phases have moved on")),
                    false => Ok(()),
                }
            },
            unmatched: Vec::new(),
        };
        match Ledger::record_all(&mut edge, &mut commands, how) {
            Ok(recording) => Ok(Some(recording)),
            Err(_) if has_moved => Ok(None),
            Err(unrecorded) => Err(unrecorded.error),
        }
    }

    /// Tells each phase what became of its change.
    fn scanned(&self, look: Look, recording: Recording) -> Scanned {
        let Look { mut phases, naming, .. } = look;
        let news = phases.iter_mut().enumerate().filter(|(_, phase)| phase.is_news());
        let mut answers = Vec::new();
        for ((number, phase), answer) in news.zip(recording.answers) {
            match answer.status {
                AnswerStatus::Unchanged if phase.finding == Finding::Restored => {
                    phase.finding = Finding::Unchanged
                }
                AnswerStatus::Unchanged => phase.finding = Finding::Reported,
                AnswerStatus::Appended | AnswerStatus::Duplicate | AnswerStatus::Preview => {
                    answers.push((number, answer))
                }
            }
        }
        let status = match (answers.is_empty(), self.args.dry_run) {
            (true, _) => AnswerStatus::Unchanged,
            (false, true) => AnswerStatus::Preview,
            (false, false) => AnswerStatus::Appended,
        };
        Scanned { status, head: recording.head, phases, answers, naming }
    }

    fn command(&self, phase: &Looked) -> Result<Command, Failure> {
        let action = Action::FilesChanged(action::FilesChanged {
            phase: phase.target.id.clone().into(),
            role: phase.target.role,
            changes: phase.changes.clone(),
        });
        let attempt = phase.target.attempt.map(|(attempt, _)| Expectation::Attempt(attempt));
        let expect = attempt.into_iter().collect();
        let by = self.args.by.clone();
        let request = Request { id: None, expect, occurred_at: None, by, action };
        writing::command(request, self.context, "cli")
    }
}
