//! What someone asks: commands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::definition::Definition;
use super::name::NameError;
use super::{
    Amount, ApprovalAnswer, ApprovalAsk, CallerId, Change, CommandId, Digest, Expectation, HistoryImported,
    Metadata, OutputFile, PhaseId, PhaseName, Seq, TagName, Text, Timestamp, Verdict, Worker, WorkflowName,
};

/// Who asks, from where and by which way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person or the program.
    pub name: String,
    /// The machine.
    pub host: String,
    /// The way in: `cli`, `import`, `library` ….
    pub via: String,
}

impl Actor {
    /// Names who asks.
    pub fn new(name: &str, host: &str, via: &str) -> Self {
        Actor { name: name.to_owned(), host: host.to_owned(), via: via.to_owned() }
    }
}

/// A phase as a caller names it: `phase`, or `workflow/phase`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhaseRef {
    /// The workflow, where the caller named it.
    pub workflow: Option<WorkflowName>,
    /// The bare name.
    pub phase: PhaseName,
}

impl PhaseRef {
    /// Returns the full name, a bare one being of `workflow`.
    pub fn within(&self, workflow: &WorkflowName) -> PhaseId {
        PhaseId::new(self.workflow.as_ref().unwrap_or(workflow).clone(), self.phase.clone())
    }
}

impl From<PhaseId> for PhaseRef {
    fn from(id: PhaseId) -> Self {
        PhaseRef { workflow: Some(id.workflow), phase: id.phase }
    }
}

impl fmt::Display for PhaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.workflow {
            Some(workflow) => write!(f, "{workflow}/{}", self.phase),
            None => self.phase.fmt(f),
        }
    }
}

impl FromStr for PhaseRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (workflow, phase) = match text.split_once('/') {
            Some((workflow, phase)) => (Some(WorkflowName::new(workflow)?), phase),
            None => (None, text),
        };
        Ok(PhaseRef { workflow, phase: PhaseName::new(phase)? })
    }
}

impl TryFrom<String> for PhaseRef {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<PhaseRef> for String {
    fn from(phase: PhaseRef) -> String {
        phase.to_string()
    }
}

/// What someone asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its identity; sending it again under the same id is safe.
    pub id: CommandId,
    /// Whether the caller chose the id, so that it may have been sent before.
    pub may_repeat: bool,
    /// Who asks.
    pub by: Actor,
    /// When the caller claims it took effect; none for now.
    pub occurred_at: Option<Timestamp>,
    /// What the caller expects to find, all of it.
    pub expect: Vec<Expectation>,
    /// The repair that the command is, when it is none that anyone asked for (see `import --repair`).
    pub inferred: Option<&'static str>,
    /// The declared files of the phase that starts or completes, as they were found; none where nobody looked.
    /// They count where the action brings none of its own. The caller did not supply them: a command sent
    /// again is the same one even when the files have changed since.
    pub fingerprints: Option<Vec<OutputFile>>,
    /// What to record.
    pub action: Action,
}

impl Command {
    /// Makes a command under an id of the caller's own, that takes effect now and expects nothing.
    pub fn new(id: CallerId, by: Actor, action: Action) -> Self {
        Command {
            id: id.0,
            may_repeat: true,
            by,
            occurred_at: None,
            expect: Vec::new(),
            inferred: None,
            fingerprints: None,
            action,
        }
    }

    /// Returns the digest of what the caller supplied: the action and the claimed time, never seq, time or
    /// host. Two commands with one id are the same command when their digests are equal.
    pub fn digest(&self) -> Digest {
        let content = serde_json::to_vec(&(&self.action, self.occurred_at))
            .expect("a command has string keys and finite numbers");
        Digest::sha256(&content)
    }
}

/// What to record, in the imperative.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", content = "with", rename_all = "snake_case")]
pub enum Action {
    /// Define a workflow, or define it anew.
    Define {
        /// The whole definition.
        definition: Box<Definition>,
    },
    /// Start an attempt.
    Start {
        /// Of which phase.
        phase: PhaseRef,
        /// Replaces the metadata of earlier attempts.
        metadata: Metadata,
        /// Start even when a needed phase is neither complete nor skipped.
        allow_unmet: bool,
        /// How to start what is complete or under way already.
        again: Option<Again>,
        /// Why to start even when more was spent than a limit allows.
        // Left out where there is none, so that the digest of a start is what it was before there were costs.
        #[serde(skip_serializing_if = "Option::is_none")]
        over_limit: Option<Text>,
        /// Who does the work. No part of what makes two commands the same: a retry comes from another process.
        #[serde(skip)]
        worker: Option<Worker>,
        /// The files that it reads, instead of what is found of the declared ones.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        inputs: Vec<OutputFile>,
    },
    /// End the attempt well.
    Complete {
        /// Of which phase.
        phase: PhaseRef,
        /// Is merged into the attempt's metadata.
        metadata: Metadata,
        /// One digest for all that the phase put out.
        output: Option<Digest>,
        /// The files that the digest was made from.
        outputs: Vec<OutputFile>,
    },
    /// End the attempt badly.
    Fail {
        /// Of which phase.
        phase: PhaseRef,
        /// What went wrong.
        error: Text,
        /// The exit code of the process that failed.
        exit_code: Option<i32>,
        /// The signal that ended the process, by name.
        signal: Option<String>,
        /// The end of what it wrote to its standard error.
        #[serde(skip_serializing_if = "Option::is_none")]
        stderr: Option<Text>,
        /// Whether nobody saw the attempt end.
        abandoned: bool,
        /// Is merged into the attempt's metadata.
        metadata: Metadata,
    },
    /// Let those who need the phase go on without it.
    Skip {
        /// Which phase.
        phase: PhaseRef,
        /// Why.
        reason: Text,
        /// Is merged into the phase's metadata.
        metadata: Metadata,
    },
    /// Mark a complete phase, and what was built on it, for rerun.
    Rerun {
        /// Which phase.
        phase: PhaseRef,
        /// Why.
        reason: Text,
    },
    /// State that files which a phase read have changed since: it, and what was built on it, must run again.
    InputsChanged {
        /// Which phase.
        phase: PhaseRef,
        /// The files that changed, with their digests before and after.
        changes: Vec<Change>,
    },
    /// Make a phase as if it had not run.
    Reset {
        /// Which phase.
        phase: PhaseRef,
        /// Why.
        reason: Text,
    },
    /// Make every phase of a workflow as if it had not run.
    ResetAll {
        /// Which workflow; none where the ledger has but one.
        workflow: Option<WorkflowName>,
        /// Why.
        reason: Text,
    },
    /// Attach metadata.
    Meta {
        /// To which phase.
        phase: PhaseRef,
        /// Is merged into the phase's metadata.
        metadata: Metadata,
    },
    /// Make a note.
    Note {
        /// On which phase; none for the ledger.
        phase: Option<PhaseRef>,
        /// The note.
        text: Text,
    },
    /// Name a place in the log.
    Tag {
        /// The name.
        name: TagName,
        /// The place; none for the head.
        seq: Option<Seq>,
    },
    /// Record what was spent, or given back.
    Cost {
        /// On which phase.
        phase: PhaseRef,
        /// How much: negative for a refund.
        amount: Amount,
        /// In which currency, which must be the workflow's; none for that.
        currency: Option<String>,
        /// Whether money was given back.
        refund: bool,
        /// The model that was paid for.
        model: Option<String>,
        /// What was done for it.
        operation: Option<String>,
        /// Is attached to the cost.
        metadata: Metadata,
    },
    /// Set the most that a phase, or a workflow, may cost.
    CostLimit {
        /// Which phase; none for the workflow as a whole.
        phase: Option<PhaseRef>,
        /// Without a phase: which workflow; none where the ledger has but one.
        workflow: Option<WorkflowName>,
        /// The most it may cost: zero or more; none for no limit.
        limit: Option<Amount>,
    },
    /// Ask leave for something.
    ApprovalRequest(Box<ApprovalAsk>),
    /// Decide on what someone asked leave for.
    ApprovalDecide(ApprovalAnswer),
    /// State that a history was taken in.
    NoteImport {
        /// Whose.
        workflow: WorkflowName,
        /// Which, and what it took.
        history: HistoryImported,
    },
}

impl Action {
    /// Returns the verb, as it is written.
    pub const fn verb(&self) -> &'static str {
        match self {
            Action::Define { .. } => "define",
            Action::Start { .. } => "start",
            Action::Complete { .. } => "complete",
            Action::Fail { .. } => "fail",
            Action::Skip { .. } => "skip",
            Action::Rerun { .. } => "rerun",
            Action::InputsChanged { .. } => "scan",
            Action::Reset { .. } | Action::ResetAll { .. } => "reset",
            Action::Meta { .. } => "meta",
            Action::Note { .. } => "note",
            Action::Tag { .. } => "tag",
            Action::Cost { .. } => "cost record",
            Action::CostLimit { .. } => "cost limit",
            Action::ApprovalRequest(_) => "approval request",
            Action::ApprovalDecide(answer) => match answer.verdict {
                Verdict::Granted => "approval grant",
                Verdict::Rejected => "approval reject",
            },
            Action::NoteImport { .. } => "import",
        }
    }

    /// Returns the phase that the action is about, as the caller named it.
    pub fn phase(&self) -> Option<&PhaseRef> {
        match self {
            Action::Start { phase, .. }
            | Action::Complete { phase, .. }
            | Action::Fail { phase, .. }
            | Action::Skip { phase, .. }
            | Action::Rerun { phase, .. }
            | Action::InputsChanged { phase, .. }
            | Action::Reset { phase, .. }
            | Action::Meta { phase, .. }
            | Action::Cost { phase, .. } => Some(phase),
            Action::Note { phase, .. } | Action::CostLimit { phase, .. } => phase.as_ref(),
            Action::ApprovalRequest(ask) => ask.phase.as_ref(),
            Action::Define { .. }
            | Action::ResetAll { .. }
            | Action::Tag { .. }
            | Action::ApprovalDecide(_)
            | Action::NoteImport { .. } => None,
        }
    }
}

/// How to start a phase that is complete, or under way, already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", content = "reason", rename_all = "snake_case")]
pub enum Again {
    /// The phase is complete: mark it for rerun, then start.
    Rerun(Text),
    /// An attempt is under way that nobody will end: fail it as abandoned, then start.
    TakeOver(Text),
}
