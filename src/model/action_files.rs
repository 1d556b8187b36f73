//! Which files a command could tell of, and does not.

use super::action::{Accept, Complete, Start};
use super::{Action, FileRole, PhaseRef};

impl Action {
    /// Returns the phase of an action that says nothing of such files, which it could tell, and which its phase may
    /// declare.
    pub fn lacks_files(&self, role: FileRole) -> Option<&PhaseRef> {
        match (role, self) {
            (
                FileRole::Inputs,
                Action::Start(Start { phase, inputs, .. }) | Action::Accept(Accept { phase, inputs, .. }),
            ) if inputs.is_empty() => Some(phase),
            (
                FileRole::Outputs,
                Action::Complete(Complete { phase, output: None, outputs, .. })
                | Action::Accept(Accept { phase, output: None, outputs, .. }),
            ) if outputs.is_empty() => Some(phase),
            _ => None,
        }
    }
}
