//! The zone that a time without an offset is in.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, FixedOffset, Local, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc,
};

use super::named::NamedZone;
use crate::model::Timestamp;
use crate::model::nearest::nearest;
use crate::model::scan::{Misread, Scan, show};
use crate::model::time::{Form, offset};

/// The zone that a time without an offset is in, and that times are shown in.
///
/// Where the clocks of a zone are put back, a time that came twice is refused, with the two that it may be; where they
/// are put forward, one that never came is refused, with the time at which it would have come. A day alone begins at
/// its first instant, whatever the clocks do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
    /// The machine's own zone, with its changes of the clocks. What they are, chrono asks the machine.
    Local,
    /// One of the IANA time zone database, with its changes of the clocks.
    Named(&'static NamedZone),
}

impl Zone {
    /// The zone when none is named.
    pub fn utc() -> Self {
        Zone::Fixed(Utc.fix())
    }

    /// Takes up a zone by its name and what the database says of it: the bytes of a TZif file.
    ///
    /// # Errors
    ///
    /// Refuses bytes that are none, that count leap seconds, or that do not tell the clocks of all years.
    pub fn named(name: &str, tzif: &[u8]) -> Result<Zone, ZoneError> {
        let read = NamedZone::read(name, tzif);
        read.map(Zone::Named).map_err(|why| ZoneError::Unread { shown: show(name), why })
    }

    /// Says whether it is the machine's own, which another machine does not have.
    pub fn is_local(self) -> bool {
        self == Zone::Local
    }

    /// Returns what a calendar and a clock in the zone show at an instant.
    pub fn at(self, time: Timestamp) -> DateTime<FixedOffset> {
        self.shown_at(time.utc())
    }

    fn shown_at(self, time: DateTime<Utc>) -> DateTime<FixedOffset> {
        match self {
            Zone::Fixed(offset) => time.with_timezone(&offset),
            Zone::Local => time.with_timezone(&Local).fixed_offset(),
            Zone::Named(zone) => time.with_timezone(&zone.offset_at(time)),
        }
    }

    /// Returns the instants at which a calendar and a clock in the zone show something: none where the
    /// clocks are put forward, two where they are put back.
    pub(super) fn instants(self, shown: NaiveDateTime) -> MappedLocalTime<DateTime<FixedOffset>> {
        match self {
            Zone::Fixed(offset) => offset.from_local_datetime(&shown),
            Zone::Local => Local.from_local_datetime(&shown).map(|time| time.fixed_offset()),
            Zone::Named(zone) => zone.instants(shown),
        }
    }

    /// Returns the first instant at which the zone shows something; where the clocks are put forward over
    /// it, the instant at which it would have been shown had they not been.
    pub(super) fn first_instant(self, shown: NaiveDateTime) -> DateTime<FixedOffset> {
        match self.instants(shown) {
            MappedLocalTime::Single(time) => time,
            MappedLocalTime::Ambiguous(one, other) => one.min(other),
            MappedLocalTime::None => {
                let before = *self.shown_at((shown - TimeDelta::days(1)).and_utc()).offset();
                self.shown_at((shown - before).and_utc())
            }
        }
    }

    /// Returns the zone as an error names it.
    pub(super) fn told(self) -> String {
        match self {
            Zone::Local => "the local zone".to_owned(),
            Zone::Fixed(_) | Zone::Named(_) => format!("the zone `{self}`"),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Fixed(offset) if offset.local_minus_utc() == 0 => f.pad("UTC"),
            Zone::Fixed(offset) => f.pad(&offset.to_string()),
            Zone::Local => f.pad("local"),
            Zone::Named(zone) => f.pad(zone.name()),
        }
    }
}

/// Reads `UTC`, `Z`, `local`, `+02:00`, `-0530` or `+02`, words in any case. What a name such as `Europe/Berlin` means,
/// a database of zones says, which is read at the edge: [`Zone::named`].
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
        "" => offset(scan, Form::Free),
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
    /// It is a name, which a database of zones is to be asked for.
    #[error("the zone `{shown}` is a name: expected `UTC`, `local` or an offset, as in `+02:00`")]
    Name {
        /// The name, escaped.
        shown: String,
    },
    /// It is a name that the database of zones does not have.
    #[error("there is no zone `{shown}`{}", suggested(near.as_deref()))]
    Unknown {
        /// The name, escaped.
        shown: String,
        /// The name that is most like it.
        near: Option<String>,
    },
    /// What the database has under the name does not tell its clocks.
    #[error("the zone `{shown}` cannot be read: {why}; expected a TZif file, as RFC 9636 has it")]
    Unread {
        /// The name, escaped.
        shown: String,
        /// What was found.
        why: String,
    },
    /// It is written otherwise.
    #[error(transparent)]
    Misread(#[from] Misread),
}

impl ZoneError {
    /// Says of a name that it is none of those in the database, and which one is most like it: a slip away, or the one
    /// that ends with it.
    pub fn unknown(name: &str, names: &[String]) -> ZoneError {
        let city =
            |full: &&String| full.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        ZoneError::Unknown { shown: show(name), near: names.iter().find(city).cloned().or(near) }
    }
}

fn suggested(near: Option<&str>) -> String {
    near.map_or_else(
        || "; expected `UTC`, `local`, an offset or a name, as in `+02:00` or `Europe/Berlin`".to_owned(),
        |near| format!("; did you mean `{near}`?"),
    )
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
            ("+02", "+02:00"),
            ("-00", "UTC"),
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
