//! A command as a line of JSON: what `append` reads.
//!
//! ```json
//! {"do":"start","phase":"phase_2_analysis","id":"key:2025-10-29/2","expect":"state=PENDING"}
//! ```
//!
//! ```text
//! text ─▶ Line: the verb, and which fields are there ─▶ How ─▶ the struct of the verb ─▶ Action
//! ```
//!
//! Its time is written as everywhere else, `10 minutes ago` too, and is read against a present and a zone.

mod line;
mod verbs;
mod written;

use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use self::line::Line;
pub use self::verbs::VERBS;
use self::written::WrittenTime;
use super::text::{escape, read_claim};
use super::{
    Action, Actor, CallerId, Claim, Command, CommandId, Doubled, Expectation, FoundByRole, SelectorError,
    TimeContext,
};

/// A command as a caller writes it: what to record, and how to do so safely.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The caller's id, that makes sending it again safe.
    pub id: Option<CallerId>,
    /// What the caller expects to find.
    pub expect: Vec<Expectation>,
    /// When the caller claims it took effect.
    pub occurred_at: Option<Claim>,
    /// Who asks, where that is not the one who runs the program.
    pub by: Option<String>,
    /// What to record.
    pub action: Action,
}

/// What every line may have: how to record safely what its verb says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    id: Option<CallerId>,
    #[serde(default, deserialize_with = "read_expectations")]
    expect: Vec<Expectation>,
    occurred_at: Option<WrittenTime>,
    #[serde(default, deserialize_with = "read_claim")]
    by: Option<String>,
}

/// Why a line is not a command.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or a field of the wrong form.
    #[error("{}", shown(source))]
    Json {
        /// What the parser said, with its place.
        #[from]
        source: serde_json::Error,
    },
    /// No such verb.
    #[error("unknown command `{found}`; the commands are {}", VERBS.join(", "))]
    Verb {
        /// What was found, escaped.
        found: String,
    },
    /// A key that comes twice, in what is attached or wherever else.
    #[error(transparent)]
    Doubled {
        /// Which, and where in the line.
        #[from]
        source: Doubled,
    },
    /// A time that is none in the zone, or that only a present makes one.
    #[error("`occurred_at`: {source}")]
    Time {
        /// Why not.
        #[from]
        source: SelectorError,
    },
    /// A time that is told from the present, where the line is read without one.
    #[error("`occurred_at` is told from the present, as `{found}`: expected a date and a time of day")]
    NoPresent {
        /// What was found, escaped.
        found: String,
    },
    /// A field that is missing.
    #[error("`{verb}` needs `{field}`")]
    Missing {
        /// The verb.
        verb: String,
        /// The field.
        field: &'static str,
    },
    /// A field that the verb does not take.
    #[error("`{verb}` takes no `{field}`")]
    Surplus {
        /// The verb.
        verb: String,
        /// The field.
        field: &'static str,
    },
}

/// Returns what the parser said, without the place at its end: a request is one line of many.
fn shown(error: &serde_json::Error) -> String {
    let said = error.to_string();
    escape(said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said))
}

impl RequestError {
    /// Returns the column in the line, from 1, where it is known.
    pub fn column(&self) -> Option<usize> {
        match self {
            // Line 0 is that of an error which is not of the text, but of what it says.
            RequestError::Json { source } if source.line() == 0 => None,
            RequestError::Json { source } => Some(source.column().max(1)),
            RequestError::Doubled { source } => Some(source.at + 1),
            RequestError::Verb { .. }
            | RequestError::Time { .. }
            | RequestError::NoPresent { .. }
            | RequestError::Missing { .. }
            | RequestError::Surplus { .. } => None,
        }
    }
}

/// Reads one expectation, or several.
fn read_expectations<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Expectation>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "`expect` is neither a text nor a list of texts")]
    enum Expect {
        None(()),
        One(String),
        All(Vec<String>),
    }
    let texts = match Expect::deserialize(from)? {
        Expect::None(()) => Vec::new(),
        Expect::One(text) => vec![text],
        Expect::All(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

impl FromStr for Request {
    type Err = RequestError;

    /// Reads a command from its JSON, as [`Request::read`] does, without a present: a time without an offset is in UTC,
    /// and one that is told from the present is refused.
    ///
    /// # Errors
    ///
    /// As [`Request::read`].
    fn from_str(line: &str) -> Result<Self, RequestError> {
        Request::read_with(line, WrittenTime::without_present)
    }
}

impl Request {
    /// Reads a command from its JSON. A field that is null is as if it were not there, but for the `limit` of
    /// `cost_limit`. Its time is read as everywhere else: [`TimeContext::time`].
    ///
    /// # Errors
    ///
    /// [`RequestError`]: what was found and what was expected; unknown fields are refused.
    pub fn read(line: &str, times: &TimeContext) -> Result<Self, RequestError> {
        Request::read_with(line, |written| Ok(times.claim(written.as_str())?))
    }

    fn read_with(
        text: &str,
        time: impl FnOnce(&WrittenTime) -> Result<Claim, RequestError>,
    ) -> Result<Self, RequestError> {
        let line = Line::read(text)?;
        if let Some(doubled) = Doubled::find(text) {
            return Err(doubled.into());
        }
        let How { id, expect, occurred_at, by } = line.fields()?;
        let action = verbs::action(&line)?;
        line.check_surplus(&[
            &["do"],
            line::fields_of::<How>(),
            verbs::fields(&line.verb).unwrap_or_default(),
        ])?;
        let occurred_at = occurred_at.as_ref().map(time).transpose()?;
        Ok(Request { id, expect, occurred_at, by, action })
    }

    /// Returns the fields that a line of a verb may have, needed or not; none for what is no verb.
    pub fn fields(verb: &str) -> Option<Vec<&'static str>> {
        let own = verbs::fields(verb)?;
        Some([&["do"], line::fields_of::<How>(), own].concat())
    }

    /// Makes the command: under the caller's id, or else under a fresh one.
    pub fn command(self, fresh: CommandId, by: Actor) -> Command {
        Command {
            id: self.id.as_ref().map_or(fresh, CallerId::command),
            may_repeat: self.id.is_some(),
            key: self.id.and_then(|id| id.key().cloned()),
            by,
            occurred_at: self.occurred_at,
            expect: self.expect,
            inferred: None,
            fingerprints: FoundByRole::default(),
            left_behind: Vec::new(),
            past: None,
            action: self.action,
        }
    }
}

#[cfg(test)]
mod tests;
