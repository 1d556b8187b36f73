//! Instants, to the microsecond, in UTC.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC, to the microsecond, in the years 0001 to 9999.
///
/// Written as RFC 3339 with six decimals and `Z`, so that the order of the texts is the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Makes an instant, dropping what is finer than a microsecond; a leap second counts as the last
    /// microsecond before it ends the minute.
    ///
    /// # Errors
    ///
    /// Refuses a year that RFC 3339 cannot write, or zero.
    pub fn new(time: DateTime<Utc>) -> Result<Self, YearOutOfRange> {
        if !(1..=9999).contains(&time.year()) {
            return Err(YearOutOfRange { year: time.year() });
        }
        let micros = (time.nanosecond() / 1_000).min(999_999);
        let time = time.with_nanosecond(micros * 1_000).expect("below a second");
        Ok(Timestamp(time))
    }

    /// Returns the instant as chrono knows it.
    pub const fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Returns the next instant: one microsecond later.
    pub fn next(self) -> Self {
        Timestamp(self.0 + TimeDelta::microseconds(1))
    }

    /// Returns how long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or(Duration::ZERO)
    }

    /// Returns the microseconds since 1970, for keys that sort by time.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        Timestamp::new(time.to_utc()).map_err(serde::de::Error::custom)
    }
}

/// A year that cannot be written as RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the year {year} is out of range; years go from 0001 to 9999")]
pub struct YearOutOfRange {
    /// What was found.
    pub year: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Timestamp {
        serde_json::from_str(&format!("\"{text}\"")).expect("a time")
    }

    #[test]
    fn six_decimals_always() {
        assert_eq!(parse("2025-10-29T18:27:01Z").to_string(), "2025-10-29T18:27:01.000000Z");
        assert_eq!(parse("2025-10-29T18:27:01.1234567+02:00").to_string(), "2025-10-29T16:27:01.123456Z");
        assert_eq!(parse("2016-12-31T23:59:60.5Z").to_string(), "2016-12-31T23:59:59.999999Z");
    }
}
