//! Names of workflows, phases and tags.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::quoted::Quoted;
use super::text::{escape, is_deceptive};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters.
    #[error("a name is empty; names have 1 to {NAME_BYTES_MAX} bytes")]
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    #[error("the name `{start}…` has {bytes} bytes; names have 1 to {NAME_BYTES_MAX}")]
    TooLong {
        /// How the name starts.
        start: String,
        /// What was found.
        bytes: usize,
    },
    /// A character that names may not have.
    #[error(
        "the name `{shown}` has the character {found}; names have no `/`, no control or invisible \
             characters, and no white space at either end"
    )]
    Character {
        /// The name, escaped.
        shown: String,
        /// The character, escaped and quoted.
        found: String,
    },
}

/// Returns a name as names are compared: in Unicode's normalization form C (Standard Annex 15), so that `é` is one name
/// however it was typed. A name that is in a log stays as it is there.
fn normal(name: &str) -> Cow<'_, str> {
    match name.is_ascii() || is_nfc(name) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.nfc().collect()),
    }
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        let start = escape(&name.chars().take(24).collect::<String>());
        return Err(NameError::TooLong { start, bytes: name.len() });
    }
    if name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
        return Ok(());
    }
    let edge = |c: &char| c.is_whitespace();
    let bad = name
        .chars()
        .find(|&c| c == '/' || is_deceptive(c))
        .or_else(|| name.chars().next().filter(edge).or_else(|| name.chars().next_back().filter(edge)));
    match bad {
        None => Ok(()),
        Some(found) => Err(NameError::Character {
            shown: escape(name),
            found: format!("`{}`", escape(&found.to_string())),
        }),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Quoted<'_>", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks a name.
            ///
            /// # Errors
            ///
            /// Refuses an empty name, one over [`NAME_BYTES_MAX`] bytes, and one with `/`, a control or
            /// invisible character, or white space at either end.
            pub fn new(name: &str) -> Result<Self, NameError> {
                check(name)?;
                Ok($type(name.into()))
            }

            /// Returns the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Says whether two names are the same, however their characters are composed.
            pub fn is_same(&self, other: &Self) -> bool {
                self == other || normal(&self.0) == normal(&other.0)
            }

            /// Returns the name as a new one is written: with its characters composed. It may be a few bytes longer
            /// than a name may be: then it stays as it is.
            pub fn composed(&self) -> Self {
                match normal(&self.0) {
                    Cow::Borrowed(_) => self.clone(),
                    Cow::Owned(name) => $type::new(&name).unwrap_or_else(|_| self.clone()),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                $type::new(&name)
            }
        }

        impl TryFrom<Quoted<'_>> for $type {
            type Error = NameError;

            fn try_from(name: Quoted<'_>) -> Result<Self, NameError> {
                $type::new(&name.0)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

name! {
    /// The name of a workflow, unique in its ledger.
    WorkflowName
}
name! {
    /// The name of a phase, unique in its workflow.
    PhaseName
}
name! {
    /// The name of a tag: a word for a place in the log.
    TagName
}

/// A phase's full name, `workflow/phase`: unique in its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Quoted<'_>", into = "String")]
pub struct PhaseId {
    /// The workflow that has the phase.
    pub workflow: WorkflowName,
    /// The phase's bare name.
    pub phase: PhaseName,
}

impl PhaseId {
    /// Says whether two names are the same, however their characters are composed.
    pub fn is_same(&self, other: &Self) -> bool {
        self.phase.is_same(&other.phase) && self.workflow.is_same(&other.workflow)
    }

    /// Makes a full name from its parts.
    pub fn new(workflow: WorkflowName, phase: PhaseName) -> Self {
        PhaseId { workflow, phase }
    }
}

impl Ord for PhaseId {
    /// By workflow, then by name. Most that are compared are of one workflow, whose name is then held once.
    fn cmp(&self, other: &Self) -> Ordering {
        match self.workflow == other.workflow {
            true => self.phase.cmp(&other.phase),
            false => self.workflow.cmp(&other.workflow),
        }
    }
}

impl PartialOrd for PhaseId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PhaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workflow, self.phase)
    }
}

/// Checks the name of a workflow. One that was read just before is held once.
fn held(name: &str) -> Result<WorkflowName, NameError> {
    thread_local! {
        static LAST: RefCell<Option<WorkflowName>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some(last) if last.as_str() == name => Ok(last.clone()),
        last => Ok(last.insert(WorkflowName::new(name)?).clone()),
    })
}

impl FromStr for PhaseId {
    type Err = NameError;

    fn from_str(full: &str) -> Result<Self, NameError> {
        let (workflow, phase) = full.split_once('/').ok_or(NameError::Empty)?;
        Ok(PhaseId { workflow: held(workflow)?, phase: PhaseName::new(phase)? })
    }
}

impl TryFrom<String> for PhaseId {
    type Error = NameError;

    fn try_from(full: String) -> Result<Self, NameError> {
        full.parse()
    }
}

impl TryFrom<Quoted<'_>> for PhaseId {
    type Error = NameError;

    fn try_from(full: Quoted<'_>) -> Result<Self, NameError> {
        full.0.parse()
    }
}

impl From<PhaseId> for String {
    fn from(id: PhaseId) -> String {
        id.to_string()
    }
}

/// A phase as a caller names it: `phase`, or `workflow/phase`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Quoted<'_>", into = "String")]
pub struct PhaseRef {
    /// The workflow, where the caller named it.
    pub workflow: Option<WorkflowName>,
    /// The bare name.
    pub phase: PhaseName,
}

impl PhaseRef {
    /// Returns the name with its characters composed.
    pub fn composed(&self) -> PhaseRef {
        let workflow = self.workflow.as_ref().map(WorkflowName::composed);
        PhaseRef { workflow, phase: self.phase.composed() }
    }

    /// Says whether the name means a phase, however the characters of both are composed.
    pub fn means(&self, id: &PhaseId) -> bool {
        self.phase.is_same(&id.phase)
            && self.workflow.as_ref().is_none_or(|workflow| workflow.is_same(&id.workflow))
    }

    /// Returns the full name, a bare one being of `workflow`.
    pub fn within(&self, workflow: &WorkflowName) -> PhaseId {
        PhaseId::new(self.workflow.as_ref().unwrap_or(workflow).clone(), self.phase.clone())
    }
}

impl PhaseId {
    /// Returns the name as seen from a phase of a workflow: the bare one within it.
    pub fn beside(&self, workflow: &WorkflowName) -> PhaseRef {
        let elsewhere = self.workflow != *workflow;
        PhaseRef { workflow: elsewhere.then(|| self.workflow.clone()), phase: self.phase.clone() }
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

impl TryFrom<Quoted<'_>> for PhaseRef {
    type Error = NameError;

    fn try_from(text: Quoted<'_>) -> Result<Self, NameError> {
        text.0.parse()
    }
}

impl From<PhaseRef> for String {
    fn from(phase: PhaseRef) -> String {
        phase.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["phase_8.5", "run_method (a:b-c)", "é", "漢字", "a b"] {
            assert!(PhaseName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", " a", "a ", "a\nb", "a\u{202E}b", "a\0", "\u{FEFF}a"] {
            assert!(PhaseName::new(bad).is_err(), "{bad:?}");
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert!(PhaseName::new(&long).is_err());
        let error = WorkflowName::new("evil\u{202E}txt").expect_err("a bidirectional mark");
        assert!(error.to_string().contains("evil\\u{202e}txt"), "{error}");
    }
}
