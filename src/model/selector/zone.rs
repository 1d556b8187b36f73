//! The zone that a time without an offset is in.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, FixedOffset, Local, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc,
};

use crate::model::Timestamp;
use crate::model::scan::{Misread, Scan, show};
use crate::model::time::{Colon, offset};

/// The zone that a time without an offset is in, and that times are shown in.
///
/// Names such as `Europe/Berlin` are left out on purpose: their tables would add 1.8 MB to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
    /// The machine's own zone, with its changes of the clocks. What they are, chrono asks the machine.
    Local,
}

impl Zone {
    /// The zone when none is named.
    pub fn utc() -> Self {
        Zone::Fixed(Utc.fix())
    }

    /// Returns what a calendar and a clock in the zone show at an instant.
    pub fn at(self, time: Timestamp) -> DateTime<FixedOffset> {
        match self {
            Zone::Fixed(offset) => time.utc().with_timezone(&offset),
            Zone::Local => time.utc().with_timezone(&Local).fixed_offset(),
        }
    }

    /// Returns the instants at which a calendar and a clock in the zone show something: none where the
    /// clocks are put forward, two where they are put back.
    pub(super) fn instants(self, shown: NaiveDateTime) -> MappedLocalTime<DateTime<FixedOffset>> {
        match self {
            Zone::Fixed(offset) => offset.from_local_datetime(&shown),
            Zone::Local => Local.from_local_datetime(&shown).map(|time| time.fixed_offset()),
        }
    }

    /// Returns the first instant at which the zone shows something; where the clocks are put forward over
    /// it, the instant at which it would have been shown had they not been.
    pub(super) fn first_instant(self, shown: NaiveDateTime) -> DateTime<FixedOffset> {
        match self.instants(shown) {
            MappedLocalTime::Single(time) => time,
            MappedLocalTime::Ambiguous(one, other) => one.min(other),
            MappedLocalTime::None => {
                let before = Local.offset_from_utc_datetime(&(shown - TimeDelta::days(1))).fix();
                Local.from_utc_datetime(&(shown - before)).fixed_offset()
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Fixed(offset) if offset.local_minus_utc() == 0 => f.pad("UTC"),
            Zone::Fixed(offset) => f.pad(&offset.to_string()),
            Zone::Local => f.pad("local"),
        }
    }
}

/// Reads `UTC`, `Z`, `local`, `+02:00` or `-0530`, words in any case.
impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        if text.eq_ignore_ascii_case("local") {
            return Ok(Zone::Local);
        }
        let mut scan = Scan::new(text, "+02:00");
        let zone = fixed(&mut scan)?;
        if zone.is_none() && scan.peek().is_some_and(char::is_alphabetic) {
            return Err(ZoneError::Name { shown: show(text) });
        }
        let zone = zone.ok_or_else(|| scan.misread("`UTC`, `local` or an offset"))?;
        scan.finish("the end")?;
        Ok(Zone::Fixed(zone))
    }
}

/// Reads a zone other than the local one, where it is.
pub(super) fn fixed(scan: &mut Scan<'_>) -> Result<Option<FixedOffset>, Misread> {
    let mut word = *scan;
    match word.word().as_str() {
        "" => offset(scan, Colon::Optional),
        "utc" | "z" => {
            *scan = word;
            Ok(Some(Utc.fix()))
        }
        _ => Ok(None),
    }
}

/// Why a text is no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// It is a name.
    #[error(
        "the zone `{shown}` is a name, and zones are known by their offset alone: \
         expected `UTC`, `local` or an offset, as in `+02:00`"
    )]
    Name {
        /// The name, escaped.
        shown: String,
    },
    /// It is written otherwise.
    #[error(transparent)]
    Misread(#[from] Misread),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_and_shown() {
        for (text, shown) in [
            ("UTC", "UTC"),
            ("z", "UTC"),
            ("+00:00", "UTC"),
            ("Local", "local"),
            ("+02:00", "+02:00"),
            ("-0530", "-05:30"),
        ] {
            let zone: Zone = text.parse().expect(text);
            assert_eq!(zone.to_string(), shown);
            assert_eq!(shown.parse(), Ok(zone));
        }
        for (text, why) in [
            ("", "found the end at character 1, expected `UTC`, `local` or an offset"),
            ("02:00", "found `02:00` at character 1"),
            ("+2", "expected the offset's hours from 00 to 23"),
            ("+24:00", "found `24` at character 2"),
            ("+02:00x", "found `x` at character 7, expected the end"),
            ("UTC+2", "found `+2` at character 4, expected the end"),
            ("Europe/Berlin", "the zone `Europe/Berlin` is a name"),
            ("CET", "as in `+02:00`"),
        ] {
            let error = text.parse::<Zone>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
