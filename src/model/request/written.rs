//! A time as a line has it.

use serde::{Deserialize, Deserializer};

use super::RequestError;
use crate::model::text::escape;
use crate::model::{Claim, TimeContext, Zone};

/// A time as a line has it: of a form that the grammar has. Which instant it is, a present and a zone say.
pub(super) struct WrittenTime(String);

/// A present in which whatever is long ago has passed.
fn late() -> TimeContext {
    TimeContext { now: "9999-12-30T12:00:00Z".parse().expect("a time"), zone: Zone::utc() }
}

impl WrittenTime {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the instant where the text alone says which, in UTC where it has no offset.
    pub fn without_present(&self) -> Result<Claim, RequestError> {
        match late().claim(&self.0)? {
            claim if claim.words().is_none() => Ok(claim),
            _ => Err(RequestError::NoPresent { found: escape(&self.0) }),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenTime {
    /// Reads a text, and refuses it here, where its place in the line is known, unless it is of the form of a time.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        late().time(&text).map_err(serde::de::Error::custom)?;
        Ok(WrittenTime(text))
    }
}
