//! What someone asks: commands.

use super::action::{Accept, Complete, Start};
use super::{
    Action, Actor, Asked, CallerId, CallerKey, Claim, CommandId, Digest, Expectation, FileRole, FoundByRole,
    OutputFile, Past, Process, Timestamp, Unreadable,
};

/// What someone asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its identity; sending it again under the same id is safe.
    pub id: CommandId,
    /// The key that the caller made the id from, where there is one. It is kept in the first event.
    pub key: Option<CallerKey>,
    /// Whether the caller chose the id, so that it may have been sent before.
    pub may_repeat: bool,
    /// Who asks.
    pub by: Actor,
    /// When the caller claims it took effect; none for now.
    pub occurred_at: Option<Claim>,
    /// What the caller expects to find, all of it.
    pub expect: Vec<Expectation>,
    /// The repair that the command is, when it is none that anyone asked for (see `import --repair`).
    pub inferred: Option<&'static str>,
    /// The declared files of the phase that starts, completes or is accepted, as they were found. They count where the action brings none of its own. The caller did not supply them: a command sent
    /// again is the same one even when the files have changed since. Files that cannot be told keep nothing from being
    /// recorded.
    pub fingerprints: FoundByRole,
    /// The processes that an attempt which ends started and that still run, as they were found. The caller did not supply
    /// them either.
    pub left_behind: Vec<Process>,
    /// What the log has of the command that is to be taken back; none for any other verb. The caller did not supply that
    /// either.
    pub past: Option<Box<Past>>,
    /// What to record.
    pub action: Action,
}

impl Command {
    /// Makes a command under an id of the caller's own, that takes effect now and expects nothing.
    pub fn new(id: CallerId, by: Actor, action: Action) -> Self {
        Command {
            id: id.command(),
            key: id.key().cloned(),
            may_repeat: true,
            by,
            occurred_at: None,
            expect: Vec::new(),
            inferred: None,
            fingerprints: FoundByRole::default(),
            left_behind: Vec::new(),
            past: None,
            action,
        }
    }

    /// Returns when the caller claims it took effect; none for now.
    pub fn claimed(&self) -> Option<Timestamp> {
        self.occurred_at.as_ref().map(|claim| claim.at)
    }

    /// Returns what the caller asked for, as it is compared where it is sent again: the action and the claimed time, never
    /// seq, time, host or who asks. A bare name is not resolved yet.
    pub fn asked(&self) -> Asked {
        Asked::of(&self.action, self.occurred_at.as_ref())
    }

    /// Returns the digest by which a command is known that was recorded before commands were compared by what they say: of
    /// the action and the claimed time as they were written.
    pub fn digest_as_written(&self) -> Digest {
        let content = serde_json::to_vec(&(&self.action, self.claimed()))
            .expect("a command has string keys and finite numbers");
        Digest::sha256(&content)
    }
}

impl Command {
    /// Returns the digest and the files of what a completion puts out, or is there of it: those that the caller stated,
    /// or else what was found of the declared ones.
    pub fn outputs(&self) -> (Option<Digest>, &[OutputFile]) {
        if let Some(found) = self.found(FileRole::Outputs) {
            return (OutputFile::together(found), found);
        }
        match &self.action {
            Action::Complete(Complete { output, outputs, .. })
            | Action::Accept(Accept { output, outputs, .. }) => (*output, outputs),
            _ => (None, &[]),
        }
    }

    /// Returns the files that a start says its attempt reads, or an acceptance that it counts as having read: those that
    /// the caller stated, or else what was found of the declared ones; none where nobody looked, or not all of them
    /// could be told.
    pub fn inputs(&self) -> Option<&[OutputFile]> {
        match &self.action {
            Action::Start(Start { inputs, .. }) | Action::Accept(Accept { inputs, .. })
                if !inputs.is_empty() =>
            {
                Some(inputs)
            }
            _ => self.found(FileRole::Inputs),
        }
    }

    /// Returns what was found of the declared files of a role, where it counts: none where the caller stated its own, nor
    /// where not all could be told.
    fn found(&self, role: FileRole) -> Option<&[OutputFile]> {
        self.action.lacks_files(role)?;
        self.fingerprints.of(role)?.as_deref().ok()
    }

    /// Returns the declared files that have no digest, where they are what counts: none where the caller stated its own.
    pub fn unreadable(&self) -> Unreadable {
        let roles = FileRole::ALL.into_iter().filter(|role| self.action.lacks_files(*role).is_some());
        let unreadable = roles.filter_map(|role| self.fingerprints.of(role)?.as_ref().err());
        unreadable.fold(Unreadable::default(), Unreadable::and)
    }
}
