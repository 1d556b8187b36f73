//! For how long an amount is held.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;
use super::text::escape;

/// For how long an amount is held at most: from a second to 366 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold(u32);

/// For how long where nobody says: an hour.
pub const HOLD_DEFAULT: Hold = Hold(60 * 60);

/// The longest.
const SECONDS_MAX: u64 = 366 * 24 * 60 * 60;

/// The units, and how many seconds each has.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl Hold {
    /// Returns the length of time from one instant to another, in whole seconds; none where that is none to hold for.
    pub fn between(from: Timestamp, until: Timestamp) -> Option<Hold> {
        let seconds = until.since(from).as_secs();
        u32::try_from(seconds).ok().filter(|_| (1..=SECONDS_MAX).contains(&seconds)).map(Hold)
    }

    /// Returns it as a difference of two instants.
    pub fn delta(self) -> TimeDelta {
        TimeDelta::seconds(self.0.into())
    }
}

/// Why a text is no length of time to hold something for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{shown}`, expected how long, from `1s` to `366d`, such as `1h` or `1h 30m`")]
pub struct HoldError {
    /// What was found, escaped.
    shown: String,
}

impl FromStr for Hold {
    type Err = HoldError;

    fn from_str(text: &str) -> Result<Self, HoldError> {
        let refused = || HoldError { shown: escape(text) };
        let (mut seconds, mut rest) = (0_u64, text.trim());
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
            let (digits, after) = rest.split_at(end);
            let unit = UNITS.iter().find(|(unit, _)| after.starts_with(unit)).ok_or_else(refused)?;
            let count: u64 = digits.parse().map_err(|_| refused())?;
            seconds =
                count.checked_mul(unit.1).and_then(|more| seconds.checked_add(more)).ok_or_else(refused)?;
            rest = after[unit.0.len()..].trim_start();
        }
        match u32::try_from(seconds) {
            Ok(whole) if (1..=SECONDS_MAX).contains(&seconds) => Ok(Hold(whole)),
            Ok(_) | Err(_) => Err(refused()),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::from(self.0);
        for (unit, seconds) in UNITS {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
    }
}

impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_are_read_and_written() {
        for (text, written) in
            [("1h", "1h"), ("60m", "1h"), ("90m", "1h30m"), ("1h 30m", "1h30m"), ("366d", "366d")]
        {
            assert_eq!(text.parse::<Hold>().expect(text).to_string(), written);
        }
        for text in ["", "0s", "1", "h", "1w", "367d", "-1h", "1.5h", "99999999999999999999d"] {
            assert!(text.parse::<Hold>().is_err(), "{text}");
        }
    }
}
