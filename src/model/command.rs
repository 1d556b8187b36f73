//! What someone asks: commands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::name::NameError;
use super::{
    Action, CallerId, CommandId, Digest, Expectation, OutputFile, PhaseId, PhaseName, Timestamp, WorkflowName,
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
