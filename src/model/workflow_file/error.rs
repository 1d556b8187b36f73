//! Why a workflow file was refused, and where.

use std::ops::Range;

use super::snippet::{self, Mark, Rendered};
use crate::model::escape;

/// Why a workflow file was refused, and where. Shown as `file:line:column: message`.
///
/// All its texts are escaped: none holds a character that could deceive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct WorkflowFileError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it, where that can be guessed.
    pub hint: Option<String>,
    snippet: String,
}

impl WorkflowFileError {
    /// Returns a picture of the place in plain text: file, line and column, and the lines with what is
    /// wrong marked. It repeats neither the message nor the hint, and has no line end after it. Without the feature
    /// `snippets` it is the place alone.
    pub fn snippet(&self) -> &str {
        &self.snippet
    }
}

/// What is wrong, before its place is worked out; the first mark is the place.
#[derive(Debug)]
pub(super) struct Fault {
    message: String,
    marks: Vec<Mark>,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        let mark = Mark { span, label: String::new() };
        Fault { message: message.into(), marks: vec![mark], hint: None }
    }

    /// Says something at the place itself.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.marks[0].label = label.into();
        self
    }

    /// Marks another place.
    pub(super) fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.marks.push(Mark { span, label: label.into() });
        self
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if(Some(hint.into()))
    }

    pub(super) fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Works out the place in `text`.
    pub(super) fn at(self, text: &str, file_name: &str) -> WorkflowFileError {
        let file = escape(file_name);
        let Rendered { line, column, snippet } = snippet::render(text, &file, &self.marks);
        let message = escape(&self.message);
        let hint = self.hint.as_deref().map(escape);
        WorkflowFileError { file, line, column, message, hint, snippet }
    }
}
