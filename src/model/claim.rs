//! When a caller says that something took effect.

use super::{SelectorError, TimeContext, Timestamp};

/// When a caller says that something took effect, and in which words where those alone do not tell when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The instant that it was when it was said.
    pub at: Timestamp,
    words: Option<String>,
}

impl From<Timestamp> for Claim {
    fn from(at: Timestamp) -> Self {
        Claim { at, words: None }
    }
}

impl Claim {
    /// Returns what was said, for a time that is told from the present (`10 minutes ago`): in lower case, with one space
    /// wherever there were any. None for a time that says by itself which instant it is.
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }
}

/// The presents against which it is told whether a time needs one: whatever is long ago has passed by the last of them.
const PRESENTS: [&str; 2] = ["9999-12-30T12:00:00Z", "9998-06-15T00:00:00Z"];

impl TimeContext {
    /// Reads when something took effect: the instant as [`TimeContext::time`] does, and the words of a time that would be
    /// another one at another moment.
    ///
    /// # Errors
    ///
    /// As [`TimeContext::time`].
    pub fn claim(&self, text: &str) -> Result<Claim, SelectorError> {
        let at = self.time(text)?;
        // What programs write is an instant.
        if text.parse::<Timestamp>().is_ok() {
            return Ok(at.into());
        }
        let alone = PRESENTS.map(|present| {
            let now = present.parse().expect("a time");
            TimeContext { now, ..*self }.time(text).ok()
        });
        let is_told_from_now = alone[0].is_none() || alone[0] != alone[1];
        let words = || text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        Ok(Claim { at, words: is_told_from_now.then(words) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;

    #[test]
    fn a_time_that_is_told_from_the_present_goes_by_its_words() {
        let context = |now: &str| TimeContext { now: now.parse().expect("a time"), zone: Zone::utc() };
        let (one, other) = (context("2025-10-29T18:00:00Z"), context("2025-10-30T19:00:00Z"));
        for (text, words) in [
            ("10 minutes ago", Some("10 minutes ago")),
            ("10  Minutes AGO", Some("10 minutes ago")),
            ("-90m", Some("-90m")),
            ("1h", Some("1h")),
            ("yesterday 14:00", Some("yesterday 14:00")),
            ("14:00", Some("14:00")),
            ("now", Some("now")),
            ("2025-10-29T14:00:00+02:00", None),
            ("2025-10-29T12:00:00Z", None),
            ("2025-10-29 12:00", None),
            ("2025-10-29", None),
            ("@1730226421", None),
        ] {
            let (first, again) = (one.claim(text).expect(text), other.claim(text).expect(text));
            assert_eq!((first.words(), again.words()), (words, words), "{text}");
            assert_eq!(first.at == again.at, words.is_none(), "{text}");
        }
    }
}
