//! What the Tab key offers: verbs and options from the command line's own description, and phases, tags and
//! workflows from the ledger at hand.
//!
//! ```text
//!  shell ──Tab──▶ phaseledger completions SHELL, with the words so far ──▶ a candidate a line ──▶ shell
//! ```
//!
//! What an argument offers goes by its name, so that a new verb with a PHASE or a WHEN needs nothing here. No
//! ledger, one that is in use, and one that is damaged offer nothing, and nothing is ever said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use phaseledger::ask::{self, AskError};
use phaseledger::ledger::Ledger;
use phaseledger::model::StateName;
use phaseledger::rules::Table;

use crate::cli::host::error::Failure;
use crate::cli::host::home::Home;
use crate::cli::host::output;
use crate::cli::host::shell_words::Typed;

/// What an argument offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offers {
    Phases,
    Workflows,
    States,
    Tags,
    Places,
    /// Places of both ends of a range.
    Range,
    /// A phase or a place.
    Anything,
}

/// Returns what an argument of a verb offers; none where that is clap's own business.
fn offers(verb: &str, arg: &Arg) -> Option<Offers> {
    let value = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    match (verb, arg.get_id().as_str(), value) {
        ("tag", "name", _) => Some(Offers::Tags),
        ("show", "what", _) => Some(Offers::Anything),
        (_, "phase" | "phases", _) | (_, _, "PHASE") => Some(Offers::Phases),
        (_, "workflow" | "workflows", _) => Some(Offers::Workflows),
        (_, "state" | "states", _) => Some(Offers::States),
        (_, "range", _) => Some(Offers::Range),
        (_, "when", _) | (_, _, "WHEN") => Some(Offers::Places),
        _ => None,
    }
}

/// Prints what may stand where the cursor is, a candidate a line.
pub fn answer(typed: &Typed, dir: Option<PathBuf>, with_help: bool, command: Command) -> Result<(), Failure> {
    let names = Rc::new(Names::of(typed.dir().or(dir)));
    let mut command = taught(command, &names);
    let words: Vec<OsString> = typed.words().map(OsString::from).collect();
    let (last, here) = (words.len().saturating_sub(1), std::env::current_dir().ok());
    // What cannot be completed is not.
    let mut found = complete(&mut command, words, last, here.as_deref()).unwrap_or_default();
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    if typed.current().is_empty() && found.iter().any(|candidate| !is_option(candidate)) {
        found.retain(|candidate| !is_option(candidate));
    }
    let mut lines = String::new();
    for candidate in &found {
        let Some(word) = typed.replacement(&candidate.get_value().to_string_lossy()) else { continue };
        lines.push_str(&word);
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        if let Some(help) = help.lines().next().filter(|_| with_help) {
            lines.push('\t');
            lines.push_str(help);
        }
        lines.push('\n');
    }
    output::stdout().write_all(lines.as_bytes())?;
    Ok(())
}

/// Teaches every argument what it offers.
fn taught(command: Command, names: &Rc<Names>) -> Command {
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let mut taught = command;
    for name in verbs {
        taught = taught.mut_subcommand(&name, |verb| {
            let inner = self::taught(verb, names);
            inner.mut_args(|arg| match offers(&name, &arg) {
                None => arg,
                Some(offers) => {
                    let candidates = names.candidates(offers);
                    arg.add(ArgValueCompleter::new(move |current: &std::ffi::OsStr| {
                        matching(&candidates, offers, &current.to_string_lossy())
                    }))
                }
            })
        });
    }
    taught
}

/// Returns the candidates that begin as what is typed does; of a list, or of a range, what is typed last.
fn matching(candidates: &[(String, String)], offers: Offers, current: &str) -> Vec<CompletionCandidate> {
    let end = match offers {
        Offers::Range => current.rfind("..").map_or(0, |at| at + 2),
        Offers::States => current.rfind(',').map_or(0, |at| at + 1),
        Offers::Phases | Offers::Workflows | Offers::Tags | Offers::Places | Offers::Anything => 0,
    };
    let (before, current) = current.split_at(end);
    let matching = candidates.iter().filter(|(name, _)| name.starts_with(current));
    matching
        .map(|(name, help)| {
            let help = Some(help.clone()).filter(|help| !help.is_empty());
            CompletionCandidate::new(format!("{before}{name}")).help(help.map(Into::into))
        })
        .collect()
}

/// The names in a ledger, each with a word about it.
#[derive(Debug, Default)]
struct Names {
    phases: Vec<(String, String)>,
    workflows: Vec<(String, String)>,
    tags: Vec<(String, String)>,
}

impl Names {
    /// Looks into the ledger in a folder, or into the one at hand.
    fn of(dir: Option<PathBuf>) -> Self {
        let answer = Home::find(dir.as_deref()).ok().and_then(|home| {
            let open = || Ledger::open_to_ask(&home.log()).map(|(ledger, _)| ledger).map_err(AskError::from);
            ask::now(open, &ask::Status::default()).ok()
        });
        answer.map(|answer| Names::in_table(&answer.table)).unwrap_or_default()
    }

    fn in_table(table: &Table) -> Self {
        let phases: Vec<_> = table.phases.values().filter(|phase| !phase.retired).collect();
        let mut bare: BTreeMap<&str, usize> = BTreeMap::new();
        for phase in &phases {
            *bare.entry(phase.id.phase.as_str()).or_default() += 1;
        }
        let state = |name: StateName| name.as_str().to_owned();
        let mut names = Names::default();
        for phase in &phases {
            let short = phase.id.phase.as_str();
            let is_only = bare.get(short) == Some(&1);
            let shown = if is_only { short.to_owned() } else { phase.id.to_string() };
            names.phases.push((shown, state(phase.state.name())));
        }
        // Whoever types the workflow's name wants the full one.
        for phase in phases.iter().filter(|phase| bare.get(phase.id.phase.as_str()) == Some(&1)) {
            names.phases.push((phase.id.to_string(), state(phase.state.name())));
        }
        let in_force = table.in_force().map(|workflow| (workflow.name.to_string(), String::new()));
        names.workflows = in_force.collect();
        names.tags =
            table.tags.iter().map(|(name, tag)| (name.to_string(), format!("e{}", tag.seq))).collect();
        names
    }

    fn candidates(&self, offers: Offers) -> Vec<(String, String)> {
        let tags = || self.tags.iter().map(|(name, place)| (format!("tag:{name}"), place.clone()));
        let head = ("head".to_owned(), "the end of the log".to_owned());
        match offers {
            Offers::Phases => self.phases.clone(),
            Offers::Workflows => self.workflows.clone(),
            Offers::States => StateName::ALL.map(|state| (state.as_str().to_owned(), String::new())).into(),
            Offers::Tags => self.tags.clone(),
            Offers::Places | Offers::Range => tags().chain([head]).collect(),
            Offers::Anything => self.phases.iter().cloned().chain(tags()).chain([head]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every argument that names a phase, a place or the like is one that offers them.
    #[test]
    fn what_the_arguments_of_each_verb_offer() {
        let command = crate::cli::verbs::described();
        let mut offered = Vec::new();
        for verb in command.get_subcommands() {
            for arg in verb.get_arguments() {
                if let Some(offers) = offers(verb.get_name(), arg) {
                    offered.push(format!("{} {} {offers:?}", verb.get_name(), arg.get_id()));
                }
            }
        }
        for expected in [
            "start phase Phases",
            "why phase Phases",
            "status phases Phases",
            "log phases Phases",
            "status states States",
            "log range Range",
            "tag name Tags",
            "tag when Places",
            "status at Places",
            "status before Places",
            "log workflow Workflows",
            "show what Anything",
        ] {
            assert!(offered.iter().any(|offered| offered == expected), "no `{expected}` in {offered:#?}");
        }
    }
}
