//! What the user is told when something is refused: the message, what to do, and the exit code. The only
//! place that knows hints and exit codes.

mod approvals;
mod costs;
mod files;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use phaseledger::ledger::{LedgerError, RestoreError, VerifyError};
use phaseledger::model::{SelectorError, WorkflowFileError, escape};
use phaseledger::rules::Rejection;
use phaseledger::store::StoreError;
use serde_json::{Map, Value, json};

use crate::cli::host::paths::shown;

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: u8,
    /// The name of the case, for programs.
    pub code: &'static str,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The place in a file, drawn.
    snippet: Option<String>,
    /// What else programs may want.
    details: Map<String, Value>,
    /// Whether the reader of our output went away: nothing to tell, and nobody to tell it to.
    silent: bool,
}

/// The exit code of a request for approval that nobody has decided yet: neither yes nor no.
pub const UNDECIDED: u8 = 75;

impl Failure {
    /// Makes a failure of its parts. What the message repeats of files and callers cannot deceive: see
    /// [`escape`].
    pub fn new(exit: u8, code: &'static str, message: impl Into<String>) -> Self {
        Failure {
            exit,
            code,
            message: escape(&message.into()),
            hint: None,
            snippet: None,
            details: Map::new(),
            silent: false,
        }
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says something else, and keeps the rest.
    pub fn reworded(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// Returns the column of a line, from 1, where the failure is at one.
    pub fn column(&self) -> Option<u64> {
        self.details.get("column")?.as_u64()
    }

    /// Adds something for programs.
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// A wrong use that clap does not see.
    pub fn misuse(message: impl Into<String>) -> Self {
        Failure::new(2, "usage", message)
    }

    /// No ledger where one was looked for.
    pub fn no_ledger(message: &str) -> Self {
        Failure::new(4, "no_ledger", message)
            .hint("`phaseledger init` makes one; `--dir` or PHASELEDGER_DIR names one elsewhere")
    }

    /// Something that is asked for by name and is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Failure::new(4, "not_found", message)
    }

    /// A clock that shows what no event can be recorded at.
    pub fn clock(shows: &str) -> Self {
        let message = format!("the system's clock shows a time {shows}, expected one from 1970 to 9999");
        Failure::new(74, "clock", message).hint("set the clock, and try again")
    }

    /// What the operating system refused.
    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        let message = format!("cannot {action} `{}`: {error}", shown(path));
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(4, "not_found", message).hint("check the path"),
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                Failure::new(74, "io", message)
                    .hint("a file is where a folder is to be: move it, or name another")
            }
            std::io::ErrorKind::PermissionDenied => {
                Failure::new(74, "io", message).hint("look at who owns it, and at its permissions")
            }
            _ => Failure::new(74, "io", message),
        }
    }

    /// Tells the user, and returns the exit code.
    pub fn exit(self, json: bool) -> ExitCode {
        if !self.silent {
            // Where stderr is closed there is nobody to tell.
            let _ = self.tell(json);
        }
        ExitCode::from(self.exit)
    }

    fn tell(&self, json: bool) -> std::io::Result<()> {
        let mut stderr = anstream::stderr();
        if json {
            return writeln!(stderr, "{}", self.json());
        }
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let cyan = anstyle::AnsiColor::Cyan.on_default();
        writeln!(stderr, "{red}error{red:#}: {}", self.message)?;
        if let Some(snippet) = &self.snippet {
            writeln!(stderr, "{snippet}")?;
        }
        match &self.hint {
            Some(hint) => writeln!(stderr, "{cyan}hint{cyan:#}: {hint}"),
            None => Ok(()),
        }
    }

    /// Returns the object that programs get.
    pub fn json(&self) -> Value {
        let mut error = self.details.clone();
        error.insert("code".to_owned(), self.code.into());
        error.insert("message".to_owned(), self.message.clone().into());
        error.insert("hint".to_owned(), self.hint.clone().into());
        json!({ "error": error })
    }
}

impl From<std::io::Error> for Failure {
    /// Writing the answer failed; where the reader went away, as `head` does, silently.
    fn from(error: std::io::Error) -> Self {
        let silent = error.kind() == std::io::ErrorKind::BrokenPipe;
        let exit = if silent { 0 } else { 74 };
        Failure { silent, ..Failure::new(exit, "unanswered", format!("cannot write the answer: {error}")) }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let message = error.to_string();
        match error {
            LedgerError::Rejected(rejection) => rejection.into(),
            LedgerError::Store(error) => error.into(),
            LedgerError::IdConflict { seq, found, given, .. } => Failure::new(3, "id_conflict", message)
                .hint("an id belongs to one command for ever; give a new command a new id")
                .detail("seq", seq.number())
                .detail("found", found.to_string())
                .detail("given", given.to_string()),
            LedgerError::Busy { .. } => busy(message),
            LedgerError::Line { .. } | LedgerError::Impossible(_) => damaged(message),
        }
    }
}

fn busy(message: String) -> Failure {
    Failure::new(75, "busy", message).hint("nothing was written; try again")
}

fn damaged(message: String) -> Failure {
    Failure::new(5, "damaged", message).hint(
        "keep a copy of the folder, which is as it was; `phaseledger verify` tells what is wrong, `verify --rebuild` \
         makes anew what is not the log itself, and an export or a backup of the folder restores what is missing",
    )
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Missing { .. } => Failure::no_ledger(&message),
            StoreError::LockTimeout { .. } => Failure::new(75, "lock_timeout", message)
                .hint("nothing was written; try again, or wait longer with `--lock-timeout`"),
            StoreError::Damaged { .. } => damaged(message),
            StoreError::Moved => busy(message),
            StoreError::Remains { .. } => Failure::new(5, "remains", message).hint(
                "nothing was made or changed; put back what is missing from a backup, or move the folder away, run \
                 `phaseledger init` and take in an export with `phaseledger import`",
            ),
            StoreError::Clock => Failure::clock("before 1970"),
            StoreError::NewerFormat { .. } => {
                Failure::new(5, "newer_format", message).hint("use the version that wrote it, or a later one")
            }
            StoreError::TooLarge { .. } => Failure::new(2, "too_large", message),
            StoreError::Unknown => Failure::new(74, "unknown", message)
                .hint("repeat the same call with the same `--id`: it is never recorded twice"),
            StoreError::Io { source, .. } => {
                let hint = match source.kind() {
                    std::io::ErrorKind::StorageFull => "free some space and try again",
                    std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                        "the ledger's folder must be writable, to ask as well: its files are locked while in use"
                    }
                    _ => "nothing was acknowledged; try again once the cause is mended",
                };
                Failure::new(74, "io", format!("{message}: {source}")).hint(hint)
            }
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let failure = |exit, code| Failure::new(exit, code, rejection.to_string());
        match &rejection {
            Rejection::UnknownPhase { .. } => {
                failure(4, "unknown_phase").hint(
                    "`phaseledger status` lists the phases; `phaseledger define` puts a changed `ledger/workflow.toml` \
                     in force",
                )
            }
            Rejection::AmbiguousPhase { candidates, .. } => failure(2, "ambiguous_phase")
                .hint("give the full name, `workflow/phase`")
                .detail("candidates", candidates.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Rejection::UnknownWorkflow { .. } => {
                failure(4, "unknown_workflow").hint("`phaseledger define FILE` defines a workflow")
            }
            Rejection::WorkflowNeeded { candidates } if candidates.is_empty() => {
                failure(4, "unknown_workflow")
                    .hint("`phaseledger define` puts `ledger/workflow.toml` in force")
            }
            Rejection::WorkflowNeeded { .. } => {
                failure(2, "workflow_needed").hint("name it with `--workflow`")
            }
            Rejection::IllegalTransition { verb, phase, from, allowed } => {
                let allowed: Vec<_> = allowed.iter().map(|state| state.as_str()).collect();
                failure(6, "illegal_transition")
                    .hint(way_on(verb, from.as_str(), &phase.phase))
                    .detail("phase", phase.to_string())
                    .detail("from", from.as_str())
                    .detail("to", led_to(verb))
                    .detail("allowed", allowed)
            }
            Rejection::UnmetNeeds { phase, unmet } => {
                let unmet: Vec<_> = unmet.iter().map(|(need, _)| need.to_string()).collect();
                failure(6, "unmet_needs")
                    .hint("complete or skip what it needs, or start it all the same with `--allow-unmet`")
                    .detail("phase", phase.to_string())
                    .detail("unmet", unmet)
            }
            Rejection::NoSuchProcess { pid } => failure(4, "no_such_process")
                .hint("give the number of a process that runs on this machine, such as `$$` in a shell")
                .detail("pid", *pid),
            Rejection::Conflict { expected, found } => failure(3, "conflict")
                .hint("someone was here before; look at `phaseledger status` and decide anew")
                .detail("expected", expected.to_string())
                .detail("found", found.clone()),
            Rejection::UnknownNeedElsewhere { need, .. } => {
                failure(4, "unknown_phase").hint(format!("define the workflow `{}` first", need.workflow))
            }
            Rejection::CycleAcrossWorkflows { .. } => failure(6, "cycle"),
            Rejection::StillNeeded { by, .. } => failure(6, "still_needed")
                .hint(format!("take the need out of the workflow `{}` first", by.workflow)),
            Rejection::NoSuchPlace { .. } => failure(4, "not_found"),
            Rejection::ClaimInFuture { .. } => {
                failure(6, "claim_in_future").hint("check the clock, and the offset of the time")
            }
            Rejection::NoLaterTime { .. } => failure(6, "no_later_time").hint("begin a new ledger"),
            Rejection::OverLimit { .. }
            | Rejection::NegativeCost { .. }
            | Rejection::RefundNotNegative { .. }
            | Rejection::RefundTooLarge { .. }
            | Rejection::SumTooLarge { .. }
            | Rejection::WrongCurrency { .. }
            | Rejection::CurrencyChanged { .. }
            | Rejection::NegativeLimit { .. } => costs::refused(&rejection),
            Rejection::MetadataTooLarge { .. } => {
                failure(2, "too_large").hint("keep large things in files, and their paths or digests here")
            }
            Rejection::Approval(rejection) => rejection.into(),
        }
    }
}

/// Returns the state that a verb leads to.
fn led_to(verb: &str) -> Option<&'static str> {
    use phaseledger::model::StateName;
    let state = match verb {
        "start" => StateName::InProgress,
        "complete" => StateName::Complete,
        "fail" => StateName::Failed,
        "skip" | "reset" => StateName::Pending,
        "rerun" => StateName::NeedsRerun,
        _ => return None,
    };
    Some(state.as_str())
}

/// Says what would be accepted in the state that was found.
fn way_on(verb: &str, from: &str, phase: &phaseledger::model::PhaseName) -> String {
    match (verb, from) {
        ("start", "COMPLETE") => {
            format!("`phaseledger start {phase} --rerun --reason …` marks it for rerun and starts it")
        }
        ("start", "IN_PROGRESS") => {
            format!("`phaseledger start {phase} --take-over --reason …` gives up the attempt under way")
        }
        ("complete" | "fail", _) => format!("`phaseledger start {phase}` starts an attempt"),
        ("rerun", "NEEDS_RERUN") => format!("it is marked already: `phaseledger why {phase}` tells why"),
        ("rerun", _) => "only what is complete can be marked; the others will run anyway".to_owned(),
        ("skip", "COMPLETE") => {
            format!("`phaseledger reset {phase} --reason …` first, if it is to count as not run")
        }
        _ => "`phaseledger status` shows where it stands".to_owned(),
    }
}

impl From<WorkflowFileError> for Failure {
    fn from(error: WorkflowFileError) -> Self {
        let mut failure = Failure::new(2, "workflow_file", error.to_string())
            .detail("line", error.line)
            .detail("column", error.column);
        failure.hint = error.hint.clone();
        failure.snippet = Some(error.snippet().to_string());
        failure
    }
}

impl From<SelectorError> for Failure {
    fn from(error: SelectorError) -> Self {
        Failure::new(2, "bad_selector", error.to_string())
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        damaged(error.to_string())
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        let message = error.to_string();
        match error {
            RestoreError::Ledger(error) => error.into(),
            RestoreError::Read(error) => Failure::new(74, "io", format!("{message}: {error}")),
            RestoreError::Line { line, .. }
            | RestoreError::End { line, .. }
            | RestoreError::Text { line, .. } => Failure::new(5, "damaged_export", message)
                .hint("nothing was written; a history that others wrote is taken in with `--format history`")
                .detail("line", line),
            RestoreError::Different { .. } => Failure::new(3, "conflict", message)
                .hint("nothing was written; restore into a ledger that is empty, or has the first events of the file"),
        }
    }
}
