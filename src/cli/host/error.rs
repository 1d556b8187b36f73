//! What the user is told when something is refused: the message, what to do, and the exit code. The only
//! place that makes failures, and that knows hints and exit codes; each file has those of one source.

mod approvals;
mod asking;
mod costs;
mod definitions;
mod files;
mod kind;
mod ledger;
mod names;
mod reverts;
mod rules;
mod words;

pub use approvals::APPROVAL_EXPECTED;

use std::io::Write;
use std::process::ExitCode;

pub use kind::{Class, Kind};
use phaseledger::model::escape;
use serde_json::{Map, Value, json};

use crate::cli::host::output;

/// Why a verb did not do what was asked. Only this module makes one; others say what they found, by the name of
/// the case.
#[derive(Debug)]
pub struct Failure {
    /// The kind, which the exit code and the code for programs follow from.
    pub kind: Kind,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The place in a file, drawn.
    snippet: Option<String>,
    /// What else programs may want.
    details: Map<String, Value>,
}

impl Failure {
    /// Makes a failure of its parts. What the message repeats of files and callers cannot deceive: see
    /// [`escape`].
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure { kind, message: escape(&message.into()), hint: None, snippet: None, details: Map::new() }
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

    /// Tells the user, and returns the exit code.
    pub fn exit(self, json: bool) -> ExitCode {
        if self.kind != Kind::ReaderGone {
            // Where stderr is closed there is nobody to tell.
            let _ = self.tell(json);
        }
        ExitCode::from(self.kind.exit())
    }

    fn tell(&self, json: bool) -> std::io::Result<()> {
        if json {
            return output::json_talk(&self.json());
        }
        let mut stderr = anstream::stderr();
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
        error.insert("code".to_owned(), self.kind.code().into());
        error.insert("message".to_owned(), self.message.clone().into());
        error.insert("hint".to_owned(), self.hint.clone().into());
        json!({ "error": error })
    }
}

impl From<std::io::Error> for Failure {
    /// Writing the answer failed; where the reader went away, as `head` does, silently.
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Kind::ReaderGone,
            _ => Kind::Unanswered,
        };
        Failure::new(kind, format!("cannot write the answer: {error}"))
    }
}
