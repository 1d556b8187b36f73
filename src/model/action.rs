//! What a command records, in the imperative: one payload a verb.
//!
//! Serde reads most of them from the lines of `append`, in which the fields are named as here. A line says otherwise
//! how to start (one `reason` serves for all that needs one), to reset (`all`), and what becomes of a request.
//!
//! The order of the fields, and which are left out when there is nothing in them, is part of what
//! [`Command::digest_as_written`](super::Command::digest_as_written) is made from: it stays, or a command that was recorded
//! by an earlier version and is sent again is another one. What is compared now are the fields, by their names
//! ([`Asked`](super::Asked)): one that is left out, null, false or empty says nothing.
//!
//! ```
//! use phaseledger::model::{Action, Actor, Command, Metadata, Request, Text, action};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let skip = action::Skip {
//!     phase: "phase_2_analysis".parse()?,
//!     reason: Text::new("nothing is new")?,
//!     metadata: Metadata::default(),
//! };
//! let ana = Actor::new("ana", "laptop", "library");
//! let command = Command::new("key:2025-10-29/2".parse()?, ana.clone(), Action::Skip(skip));
//! // To send a line that says the same changes nothing any more.
//! let line = r#"{"do":"skip","phase":"phase_2_analysis","reason":"nothing is new","id":"key:2025-10-29/2"}"#;
//! let sent = line.parse::<Request>()?.command(command.id, ana);
//! assert_eq!((sent.id, sent.asked()), (command.id, command.asked()));
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

pub use super::cost_action::{Cost, CostLimit, CostRelease, CostReserve};
use super::definition::Definition;
pub use super::retirement::Retire;
pub use super::tag::{Tag, Untag};
use super::text::read_label;
use super::{
    ApprovalAnswer, ApprovalAsk, Change, Digest, EventId, FileRole, HistoryImported, Metadata, OutputFile,
    PhaseRef, Text, Verdict, Worker, WorkflowName,
};

/// What to record, in the imperative.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", content = "with", rename_all = "snake_case")]
pub enum Action {
    /// Define a workflow, or define it anew.
    Define(Define),
    /// Retire a workflow.
    Retire(Retire),
    /// Start an attempt.
    Start(Start),
    /// End the attempt well.
    Complete(Complete),
    /// End the attempt badly.
    Fail(Fail),
    /// Vouch for what is there: the phase is complete as it is.
    Accept(Accept),
    /// Take back what a command asked for.
    Revert(Revert),
    /// Let those who need the phase go on without it.
    Skip(Skip),
    /// Mark a complete phase, and what was built on it, for rerun, or take that back.
    Rerun(Rerun),
    /// State that files which a phase read, or put out, have changed since: it, and what was built on it, must run again;
    /// or that they are again what they were.
    // Named as it was while it was about inputs alone, so that a digest of then is one of now.
    #[serde(rename = "inputs_changed")]
    FilesChanged(FilesChanged),
    /// Make a phase as if it had not run.
    Reset(Reset),
    /// Make every phase of a workflow as if it had not run.
    ResetAll(ResetAll),
    /// Attach metadata.
    Meta(Meta),
    /// Make a note.
    Note(Note),
    /// Name a place in the log.
    Tag(Tag),
    /// Take the name of a place away.
    Untag(Untag),
    /// Record what was spent, or given back.
    Cost(Cost),
    /// Set the most that a phase, or a workflow, may cost.
    CostLimit(CostLimit),
    /// Hold an amount, where it fits the limits.
    CostReserve(CostReserve),
    /// Hold it no longer.
    CostRelease(CostRelease),
    /// Ask leave for something.
    ApprovalRequest(Box<ApprovalAsk>),
    /// Decide on what someone asked leave for.
    ApprovalDecide(ApprovalAnswer),
    /// State that a history was taken in.
    NoteImport(NoteImport),
}

impl Action {
    /// Returns the verb, as it is written.
    pub const fn verb(&self) -> &'static str {
        match self {
            Action::Define(_) => "define",
            Action::Retire(_) => "retire",
            Action::Start(_) => "start",
            Action::Complete(_) => "complete",
            Action::Fail(_) => "fail",
            Action::Accept(_) => "accept",
            Action::Revert(_) => "revert",
            Action::Skip(_) => "skip",
            Action::Rerun(_) => "rerun",
            Action::FilesChanged(_) => "scan",
            Action::Reset(_) | Action::ResetAll(_) => "reset",
            Action::Meta(_) => "meta",
            Action::Note(_) => "note",
            Action::Tag(_) | Action::Untag(_) => "tag",
            Action::Cost(_) => "cost record",
            Action::CostLimit(_) => "cost limit",
            Action::CostReserve(_) => "cost check --reserve",
            Action::CostRelease(_) => "cost release",
            Action::ApprovalRequest(_) => "approval request",
            Action::ApprovalDecide(answer) => match answer.verdict {
                Verdict::Granted => "approval grant",
                Verdict::Rejected => "approval reject",
            },
            Action::NoteImport(_) => "import",
        }
    }

    /// Returns the phase that the action is about, as the caller named it.
    pub fn phase(&self) -> Option<&PhaseRef> {
        match self {
            Action::Start(Start { phase, .. })
            | Action::Complete(Complete { phase, .. })
            | Action::Fail(Fail { phase, .. })
            | Action::Accept(Accept { phase, .. })
            | Action::Skip(Skip { phase, .. })
            | Action::Rerun(Rerun { phase, .. })
            | Action::FilesChanged(FilesChanged { phase, .. })
            | Action::Reset(Reset { phase, .. })
            | Action::Meta(Meta { phase, .. })
            | Action::Cost(Cost { phase, .. })
            | Action::CostReserve(CostReserve { phase, .. }) => Some(phase),
            Action::Note(Note { phase, .. }) | Action::CostLimit(CostLimit { phase, .. }) => phase.as_ref(),
            Action::ApprovalRequest(ask) => ask.phase.as_ref(),
            Action::Define(_)
            | Action::Retire(_)
            | Action::ResetAll(_)
            | Action::Tag(_)
            | Action::Untag(_)
            | Action::Revert(_)
            | Action::CostRelease(_)
            | Action::ApprovalDecide(_)
            | Action::NoteImport(_) => None,
        }
    }
}

/// Defines a workflow, or defines it anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Define {
    /// The whole definition.
    pub definition: Box<Definition>,
}

/// Starts an attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Start {
    /// Of which phase.
    pub phase: PhaseRef,
    /// Replaces the metadata of earlier attempts.
    pub metadata: Metadata,
    /// Start even when a needed phase is neither complete nor skipped.
    pub allow_unmet: bool,
    /// How to start what has run, or is under way, already.
    pub again: Option<Again>,
    /// Why to start even when more was spent than a limit allows.
    // Left out where there is none, so that the digest of a start is what it was before there were costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<Text>,
    /// Who does the work. No part of what makes two commands the same: a retry comes from another process.
    #[serde(skip)]
    pub worker: Option<Worker>,
    /// The files that it reads, instead of what is found of the declared ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<OutputFile>,
}

/// How to start a phase that has run, or is under way, already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", content = "reason", rename_all = "snake_case")]
pub enum Again {
    /// Whatever has come of the phase, unless an attempt is under way: where it is complete, mark it for rerun, then start.
    Rerun(Text),
    /// An attempt is under way that nobody will end: fail it as abandoned, then start.
    TakeOver(Text),
}

/// Ends the attempt well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// Of which phase.
    pub phase: PhaseRef,
    /// Is merged into the attempt's metadata.
    #[serde(default)]
    pub metadata: Metadata,
    /// One digest for all that the phase put out.
    pub output: Option<Digest>,
    /// The files that the digest was made from.
    #[serde(default)]
    pub outputs: Vec<OutputFile>,
}

/// Ends the attempt badly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// Of which phase.
    pub phase: PhaseRef,
    /// What went wrong.
    pub error: Text,
    /// The exit code of the process that failed.
    pub exit_code: Option<i32>,
    /// The signal that ended the process, by name.
    #[serde(default, deserialize_with = "read_label")]
    pub signal: Option<String>,
    /// The end of what it wrote to its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Text>,
    /// Whether nobody saw the attempt end.
    #[serde(default)]
    pub abandoned: bool,
    /// Is merged into the attempt's metadata.
    #[serde(default)]
    pub metadata: Metadata,
}

/// Vouches for what is there of a phase that failed or must run again: it is complete as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Which phase.
    pub phase: PhaseRef,
    /// Why.
    pub reason: Text,
    /// One digest for all that is there of what the phase puts out.
    pub output: Option<Digest>,
    /// The files that the digest was made from.
    #[serde(default)]
    pub outputs: Vec<OutputFile>,
    /// The files that it counts as having read, instead of what is found of the declared ones.
    // Left out where there are none, so that the digest is what it was before they could be stated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<OutputFile>,
}

/// Lets those who need the phase go on without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// Which phase.
    pub phase: PhaseRef,
    /// Why.
    pub reason: Text,
    /// Is merged into the phase's metadata.
    #[serde(default)]
    pub metadata: Metadata,
}

/// Takes back what a command asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Revert {
    /// Its first event.
    pub event: EventId,
    /// Why.
    pub reason: Text,
}

/// Marks a complete phase, and what was built on it, for rerun; or takes such marks back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// Which phase.
    pub phase: PhaseRef,
    /// Why.
    pub reason: Text,
    /// Whether every mark that a person made since the last attempt began is taken back.
    // Left out where it is not, so that the digest of a mark is what it was before marks could be taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdraw: bool,
}

/// States how files that a phase read, or put out, differ from what it read or put out, as they are now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilesChanged {
    /// Which phase.
    pub phase: PhaseRef,
    /// Which of its files.
    #[serde(skip_serializing_if = "FileRole::is_inputs")]
    pub role: FileRole,
    /// The files that changed, with their digests before and after; none where all are again as they were.
    pub changes: Vec<Change>,
}

/// Makes a phase as if it had not run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reset {
    /// Which phase.
    pub phase: PhaseRef,
    /// Why.
    pub reason: Text,
}

/// Makes every phase of a workflow as if it had not run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResetAll {
    /// Which workflow; none where the ledger has but one.
    pub workflow: Option<WorkflowName>,
    /// Why.
    pub reason: Text,
}

/// Attaches metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// To which phase.
    pub phase: PhaseRef,
    /// Is merged into the phase's metadata.
    pub metadata: Metadata,
}

/// Makes a note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// On which phase; none for the ledger.
    pub phase: Option<PhaseRef>,
    /// The note.
    pub text: Text,
}

/// States that a history was taken in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoteImport {
    /// Whose; none for what is about the ledger as a whole.
    pub workflow: Option<WorkflowName>,
    /// Which, and what it took.
    pub history: HistoryImported,
}
