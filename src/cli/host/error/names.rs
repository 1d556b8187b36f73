//! What the user is told when a name is open, or cannot be given.

use phaseledger::model::{Likeness, Named, WorkflowName};
use phaseledger::rules::Rejection;

use super::{Failure, Kind};
use crate::cli::host::shell_words::word;
use crate::cli::host::variables::WORKFLOW;

impl Failure {
    /// A new name that looks like something else.
    pub fn unfit_name(of: Named, name: &str, looks: Likeness) -> Self {
        Rejection::UnfitName { of, name: name.to_owned(), looks }.into()
    }
}

/// Says what to do about a refusal of a name.
pub fn advised(message: String, rejection: &Rejection) -> Failure {
    let failure = |kind| Failure::new(kind, message.clone());
    match rejection {
        Rejection::AmbiguousPhase { candidates, preferred, .. } => failure(Kind::AmbiguousPhase)
            .hint(format!(
                "give the full name, `workflow/phase`, or name the workflow with `--workflow` or {WORKFLOW}{}",
                preferred.as_ref().and_then(said_by_environment).unwrap_or_default()
            ))
            .detail("candidates", candidates.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Rejection::UnknownWorkflow { workflow } => failure(Kind::UnknownWorkflow).hint(format!(
            "`phaseledger define FILE` defines a workflow{}",
            said_by_environment(workflow).unwrap_or_default()
        )),
        Rejection::WorkflowNeeded { candidates } if candidates.is_empty() => {
            failure(Kind::UnknownWorkflow).hint("`phaseledger define` puts `ledger/workflow.toml` in force")
        }
        Rejection::WorkflowNeeded { .. } => {
            failure(Kind::WorkflowNeeded).hint(format!("name it with `--workflow`, or {WORKFLOW}"))
        }
        Rejection::UnknownTag { .. } => {
            failure(Kind::NotFound).hint("`phaseledger tag --list` lists the tags")
        }
        Rejection::TagThere { tag, seq, asked } => failure(Kind::TagThere)
            .hint(format!("`phaseledger tag {} e{asked} --force` moves it", word(tag.as_str())))
            .detail("tag", tag.as_str())
            .detail("seq", seq.number()),
        Rejection::UnfitName { of, name, looks } => unfit(failure(Kind::UnfitName), *of, name, *looks),
        _ => failure(Kind::NotFound),
    }
}

/// Says of a workflow that nobody named on the command line where its name comes from.
fn said_by_environment(workflow: &WorkflowName) -> Option<String> {
    let named = std::env::var(WORKFLOW).ok()?;
    (named == workflow.as_str()).then(|| format!("; `{named}` is what {WORKFLOW} says"))
}

/// Says what to type instead of a name that looks like something else.
fn unfit(failure: Failure, of: Named, name: &str, looks: Likeness) -> Failure {
    let hint = match (looks, name.to_ascii_lowercase().as_str()) {
        (Likeness::Word, "list" | "ls" | "show" | "help") => {
            "`phaseledger tag --list` lists the tags".to_owned()
        }
        (Likeness::Word, "add" | "create" | "set") => "`phaseledger tag NAME [WHEN]` sets one".to_owned(),
        (Likeness::Word, "move" | "mv" | "rename") => {
            "`phaseledger tag NAME WHEN --force` moves one; a new name is a new tag".to_owned()
        }
        (Likeness::Word, _) => "`phaseledger tag --delete NAME` takes one away".to_owned(),
        _ => "what is in the ledger already may keep its name".to_owned(),
    };
    failure.hint(hint).detail("of", of.as_str()).detail("name", name).detail("instead", of.instead(name))
}
