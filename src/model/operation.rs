//! The names of operations that need leave.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TextError;
use super::text::{escape, is_deceptive, label};

/// The name of an operation that needs an approval, such as `delete_plan`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperationName(String);

impl OperationName {
    /// Checks a name. Names are compared letter by letter, so none may look like another.
    ///
    /// # Errors
    ///
    /// Refuses an empty name, one over [`super::LABEL_BYTES_MAX`] bytes, and one with a control or invisible
    /// character, or white space at either end.
    pub fn new(name: &str) -> Result<Self, OperationNameError> {
        let name = label(name)?;
        match name.trim() == name && !name.contains(is_deceptive) {
            true => Ok(OperationName(name)),
            false => Err(OperationNameError::Character { shown: escape(&name) }),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for OperationName {
    type Error = OperationNameError;

    fn try_from(name: String) -> Result<Self, OperationNameError> {
        OperationName::new(&name)
    }
}

impl From<OperationName> for String {
    fn from(name: OperationName) -> String {
        name.0
    }
}

/// Why a text is not the name of an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationNameError {
    /// Empty, or too long.
    #[error("the name of an operation: {0}")]
    Text(#[from] TextError),
    /// A character that could deceive.
    #[error(
        "the operation `{shown}` has a control or invisible character, or white space at either end; \
             expected a name such as `delete_plan`"
    )]
    Character {
        /// The name, escaped.
        shown: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_cannot_look_alike() {
        for name in ["", " ", " x", "x ", "x\u{200B}", "x\ny", &"x".repeat(300)] {
            assert!(OperationName::new(name).is_err(), "{name:?}");
        }
        assert!(OperationName::new("DELETE /books").is_ok());
    }
}
