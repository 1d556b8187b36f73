//! Instants, to the microsecond, in UTC, and the pieces of RFC 3339.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scan::{Misread, Scan};

/// An instant in UTC, to the microsecond, in the years 0001 to 9999.
///
/// Written as RFC 3339 with six decimals and `Z`, so that the order of the texts is the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The beginning of 1970, from which clocks count.
    pub const FIRST: Timestamp = Timestamp(DateTime::UNIX_EPOCH);

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
    ///
    /// # Errors
    ///
    /// Refuses to leave the year 9999.
    pub fn next(self) -> Result<Self, YearOutOfRange> {
        Timestamp::new(self.0 + TimeDelta::microseconds(1))
    }

    /// Returns how long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or(Duration::ZERO)
    }

    /// Makes an instant from the microseconds since 1970; none in a year that RFC 3339 cannot write, or zero.
    pub fn from_micros(micros: i64) -> Option<Self> {
        /// From 0001-01-01T00:00:00Z to the last microsecond of 9999.
        const YEARS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;
        let time = DateTime::from_timestamp_micros(micros).filter(|_| YEARS.contains(&micros))?;
        Some(Timestamp(time))
    }

    /// Returns the microseconds since 1970, for keys that sort by time.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }
}

/// The form in which an instant is written; other digits are put in place of the zeros.
const WRITTEN: [u8; 27] = *b"0000-00-00T00:00:00.000000Z";

impl Timestamp {
    /// Writes the instant. Every line and row has several of them, which chrono would take its time for.
    pub(super) fn write(self) -> [u8; 27] {
        let time = self.0.naive_utc();
        let mut written = WRITTEN;
        let mut put = |end: usize, digits: usize, mut value: u32| {
            for digit in written[end - digits..end].iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(4, 4, time.year().cast_unsigned());
        put(7, 2, time.month());
        put(10, 2, time.day());
        put(13, 2, time.hour());
        put(16, 2, time.minute());
        put(19, 2, time.second());
        put(26, 6, time.nanosecond() / 1_000);
        written
    }

    /// Reads an instant that is written as [`Timestamp::write`] does; none for any other text, which may be one too.
    fn read(text: &str) -> Option<Self> {
        let text: &[u8; 27] = text.as_bytes().try_into().ok()?;
        let is_written = |(at, sign): (usize, &u8)| match sign {
            b'0' => text[at].is_ascii_digit(),
            sign => text[at] == *sign,
        };
        if !WRITTEN.iter().enumerate().all(is_written) {
            return None;
        }
        let number = |start: usize, digits: usize| {
            text[start..start + digits].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
        };
        let date = NaiveDate::from_ymd_opt(number(0, 4).cast_signed(), number(5, 2), number(8, 2))?;
        let time = date.and_hms_micro_opt(number(11, 2), number(14, 2), number(17, 2), number(20, 6))?;
        (number(0, 4) > 0).then(|| Timestamp(time.and_utc()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.write()).expect("ASCII"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.write()).expect("ASCII"))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimestampVisitor)
    }
}

/// Reads a time from a text that need not be copied.
struct TimestampVisitor;

impl serde::de::Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 time")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
}

/// Reads RFC 3339, section 5.6, and nothing else: all of date, time and offset, ASCII digits, `T`, `t` or
/// one space between date and time. A leap second is accepted at 23:59 UTC, of any day.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if let Some(time) = Timestamp::read(text) {
            return Ok(time);
        }
        let mut scan = Scan::new(text, "2025-10-29T18:27:01Z");
        let date = date(&mut scan)?;
        if !scan.eat("T") {
            scan.require(" ", "`T` and a time of day")?;
        }
        let clock = clock(&mut scan, Form::Rfc3339)?;
        let Some(offset) = offset(&mut scan, Form::Rfc3339)? else {
            return Err(scan.misread("`Z` or an offset").into());
        };
        scan.finish("the end")?;
        let local = date.and_time(clock.time).and_local_timezone(offset).single();
        let time = local.expect("a fixed offset never skips or repeats").to_utc();
        clock.check_leap(time)?;
        Ok(Timestamp::new(time)?)
    }
}

/// Why a text is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It is written otherwise.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// It lies in a year, in UTC, that RFC 3339 cannot write.
    #[error(transparent)]
    Year(#[from] YearOutOfRange),
}

/// A year that cannot be written as RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the year {year} is out of range; years go from 0001 to 9999")]
pub struct YearOutOfRange {
    /// What was found.
    pub year: i32,
}

/// A time of day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock<'a> {
    /// The time; for a leap second the last microsecond before it.
    pub(super) time: NaiveTime,
    /// Where a leap second was written: before its digits, and after them.
    leap: Option<(Scan<'a>, Scan<'a>)>,
}

impl Clock<'_> {
    /// Makes a time of day without a leap second.
    pub(super) fn new(time: NaiveTime) -> Self {
        Clock { time, leap: None }
    }

    /// Refuses a leap second anywhere but at the end of a day in UTC (RFC 3339, section 5.7).
    pub(super) fn check_leap(&self, time: DateTime<Utc>) -> Result<(), Misread> {
        match self.leap {
            Some((start, end)) if (time.hour(), time.minute()) != (23, 59) => {
                Err(end.misread_since(start, "a second from 00 to 59, or a leap second at 23:59 UTC"))
            }
            _ => Ok(()),
        }
    }
}

/// How strictly a time is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As RFC 3339 has it, and no other way: what the log keeps.
    Rfc3339,
    /// As people and other programs write it: seconds may be left out, a comma may stand before the fraction, an offset
    /// may be `+0200` or `+02`.
    Free,
}

/// Reads `2025-10-29`.
pub(super) fn date(scan: &mut Scan<'_>) -> Result<NaiveDate, Misread> {
    let year = scan.field(4, 1..=9999, "a year")?;
    scan.require("-", "`-` and a month")?;
    let month = scan.field(2, 1..=12, "a month")?;
    scan.require("-", "`-` and a day")?;
    let start = *scan;
    let day = scan.field(2, 1..=31, "a day")?;
    NaiveDate::from_ymd_opt(year.cast_signed(), month, day)
        .ok_or_else(|| scan.misread_since(start, format!("a day that {year:04}-{month:02} has")))
}

/// Reads `18:27:01.123456`, with any number of decimals; what is finer than a microsecond is dropped.
pub(super) fn clock<'a>(scan: &mut Scan<'a>, form: Form) -> Result<Clock<'a>, Misread> {
    let hour = scan.field(2, 0..=23, "an hour")?;
    scan.require(":", "`:` and minutes")?;
    let minute = scan.field(2, 0..=59, "a minute")?;
    let (mut second, mut micros, mut leap) = (0, 0, None);
    if form == Form::Rfc3339 || scan.peek() == Some(':') {
        scan.require(":", "`:` and seconds")?;
        let start = *scan;
        second = scan.field(2, 0..=60, "a second")?;
        let end = *scan;
        micros = fraction(scan, form)?;
        if second == 60 {
            (second, micros, leap) = (59, 999_999, Some((start, end)));
        }
    }
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros).expect("fields within bounds");
    Ok(Clock { time, leap })
}

/// Reads `.123456`, or `,123456` in a free form, where it is, in microseconds; the `..` of a range is none.
pub(super) fn fraction(scan: &mut Scan<'_>, form: Form) -> Result<u32, Misread> {
    let is_there = !scan.rest().starts_with("..") && (scan.eat(".") || (form == Form::Free && scan.eat(",")));
    if !is_there {
        return Ok(0);
    }
    let digits = scan.digits();
    if digits.is_empty() {
        return Err(scan.misread("a digit"));
    }
    let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(6);
    Ok(digits.fold(0, |micros, digit| micros * 10 + u32::from(digit - b'0')))
}

/// Reads `Z` or `+02:00`, where it is; in a free form also `+0200` and `+02`.
pub(super) fn offset(scan: &mut Scan<'_>, form: Form) -> Result<Option<FixedOffset>, Misread> {
    if scan.eat("Z") {
        return Ok(FixedOffset::east_opt(0));
    }
    let sign = match scan.take(1, |byte| b"+-".contains(byte)) {
        "+" => 1,
        "-" => -1,
        _ => return Ok(None),
    };
    let hours = scan.field(2, 0..=23, "the offset's hours")?;
    let minutes = match (form, scan.peek()) {
        (Form::Free, Some('0'..='9')) => scan.field(2, 0..=59, "the offset's minutes")?,
        (Form::Free, next) if next != Some(':') => 0,
        (Form::Rfc3339 | Form::Free, _) => {
            scan.require(":", "`:` and the offset's minutes")?;
            scan.field(2, 0..=59, "the offset's minutes")?
        }
    };
    Ok(FixedOffset::east_opt(sign * (hours * 60 + minutes).cast_signed() * 60))
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

    #[test]
    fn an_instant_comes_of_its_microseconds() {
        for text in
            ["0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"]
        {
            assert_eq!(Timestamp::from_micros(parse(text).micros()), Some(parse(text)));
        }
        let [first, last] =
            ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"].map(|text| parse(text).micros());
        assert_eq!((Timestamp::from_micros(first - 1), Timestamp::from_micros(last + 1)), (None, None));
    }

    #[test]
    fn only_rfc_3339_is_read() {
        for (good, shown) in [
            ("2025-10-29t18:27:01z", "2025-10-29T18:27:01.000000Z"),
            ("2025-10-29 18:27:01.5-00:00", "2025-10-29T18:27:01.500000Z"),
            ("1998-12-31T15:59:60.123-08:00", "1998-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(
                good.parse::<Timestamp>().map(|time| time.to_string()),
                Ok(shown.to_owned()),
                "{good}"
            );
        }
        for (bad, why) in [
            ("", "found the end at character 1, expected a year from 0001 to 9999"),
            ("2025-10-29", "found the end at character 11, expected `T` and a time of day"),
            ("2025-10-29T18:27Z", "found `Z` at character 17, expected `:` and seconds"),
            ("2025-10-29T18:27:01", "found the end at character 20, expected `Z` or an offset"),
            ("2025-10-29T18:27:01+0200", "found `00` at character 23, expected `:` and the offset's minutes"),
            ("2025-10-29T18:27:01\u{2212}02:00", "expected `Z` or an offset"),
            (
                "2025-10-29T18:27:01+02",
                "found the end at character 23, expected `:` and the offset's minutes",
            ),
            ("2025-10-29T18:27:01,5Z", "found `,5Z` at character 20, expected `Z` or an offset"),
            ("2025-10-29T18:27:01.Z", "found `Z` at character 21, expected a digit"),
            ("2025-10-29T18:27:01Z\n", "found `\\u{a}` at character 21, expected the end"),
            (
                "2025-10-29T18:27:60Z",
                "found `60` at character 18, expected a second from 00 to 59, or a leap",
            ),
            ("2025-02-29T00:00:00Z", "found `29` at character 9, expected a day that 2025-02 has"),
            ("0000-01-01T00:00:00Z", "found `0000` at character 1, expected a year"),
            ("0001-01-01T00:00:00+00:01", "the year 0 is out of range"),
            ("9999-12-31T23:59:59-00:01", "the year 10000 is out of range"),
        ] {
            let error = bad.parse::<Timestamp>().expect_err(bad).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
