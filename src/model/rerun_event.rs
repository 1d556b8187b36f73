//! What events say of a phase that must run again, or need not: why, what changed, and what turned out the same.

use serde::{Deserialize, Serialize};

use super::{Digest, EventId, FileRole, PhaseId, Reason, Said, Seq, Text};

/// One thing that changed: evidence for a rerun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What changed: `version`, `needs`, or `input ` or `output ` and the path of a file.
    pub what: String,
    /// What it was; none when it was not there.
    pub before: Option<String>,
    /// What it is; none when it is gone.
    pub after: Option<String>,
}

/// What stands before the path in [`Change::what`].
const INPUT: &str = "input ";
const OUTPUT: &str = "output ";

impl Change {
    /// Makes the change of a file.
    pub fn of_file(role: FileRole, path: &str, (before, after): (Option<Digest>, Option<Digest>)) -> Self {
        let head = match role {
            FileRole::Inputs => INPUT,
            FileRole::Outputs => OUTPUT,
        };
        let text = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
        Change { what: format!("{head}{path}"), before: text(before), after: text(after) }
    }

    /// Tells of which of a phase's files it is; none for a change that is of none.
    pub fn role(&self) -> Option<FileRole> {
        let is = |head| self.what.starts_with(head);
        let output = is(OUTPUT).then_some(FileRole::Outputs);
        is(INPUT).then_some(FileRole::Inputs).or(output)
    }

    /// Returns the path of the file that changed; none for a change that is of none.
    pub fn path(&self) -> Option<&str> {
        self.what.strip_prefix(INPUT).or(self.what.strip_prefix(OUTPUT))
    }
}

/// The data of `rerun_marked`, `rerun_cause_added` and `rerun_deferred`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunReason {
    /// Why, in words.
    pub reason: Text,
    /// What changed, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Every reason that holds; for what a person or a scan says, none but that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

impl RerunReason {
    /// Says it without a change that is known.
    pub fn because(reason: &Text) -> Self {
        RerunReason { reason: reason.clone(), changes: Vec::new(), reasons: Vec::new() }
    }
}

/// The data of `rerun_withdrawn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunWithdrawn {
    /// Why, in words.
    pub reason: Text,
    /// What no longer holds: every mark of this kind since the last attempt began.
    pub withdrawn: Said,
    /// Why the phase must run again all the same; none where nothing holds any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<RerunReason>,
}

/// The data of `rerun_cleared`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunCleared {
    /// Why, in words; none in what the first release wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// For each phase that ran again and put out the same: what was consumed and what is there now.
    pub compared: Vec<Comparison>,
}

/// Two outputs that were found equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The needed phase.
    pub phase: PhaseId,
    /// What the phase consumed at its own last completion.
    pub consumed: Digest,
    /// What the needed phase's last completion put out.
    pub found: Digest,
    /// That completion.
    pub event: EventId,
    /// Where that event is in the log.
    pub seq: Seq,
}
