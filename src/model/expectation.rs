//! What a caller expects to find.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Seq, StateName, escape};

/// What the caller expects to find; the command is refused when it is not so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Expectation {
    /// `seq:N`: nothing has happened to the phase (without a phase: to the ledger) after place N.
    Seq(Seq),
    /// `state=A,B`: the phase is in one of these states.
    State(Vec<StateName>),
    /// `attempt=N`: N attempts have been started; 0 for none.
    Attempt(u32),
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expectation::Seq(seq) => write!(f, "seq:{seq}"),
            Expectation::Attempt(attempt) => write!(f, "attempt={attempt}"),
            Expectation::State(states) => {
                let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
                write!(f, "state={}", names.join(","))
            }
        }
    }
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let error = || ExpectationError { found: escape(&text.chars().take(80).collect::<String>()) };
        if let Some(number) = text.strip_prefix("seq:") {
            return Ok(Expectation::Seq(Seq::new(number.parse().map_err(|_| error())?)));
        }
        if let Some(number) = text.strip_prefix("attempt=") {
            return Ok(Expectation::Attempt(number.parse().map_err(|_| error())?));
        }
        let states = text.strip_prefix("state=").ok_or_else(error)?;
        let states = states.split(',').map(str::parse).collect::<Result<_, _>>();
        Ok(Expectation::State(states.map_err(|_| error())?))
    }
}

impl TryFrom<String> for Expectation {
    type Error = ExpectationError;

    fn try_from(text: String) -> Result<Self, ExpectationError> {
        text.parse()
    }
}

impl From<Expectation> for String {
    fn from(expectation: Expectation) -> String {
        expectation.to_string()
    }
}

/// A text that is not an expectation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown expectation `{found}`; expected `seq:N`, `state=A,B` (PENDING, IN_PROGRESS, COMPLETE, \
         FAILED, NEEDS_RERUN) or `attempt=N`"
)]
pub struct ExpectationError {
    found: String,
}
