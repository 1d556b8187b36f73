//! Times as people write them.
//!
//! ```text
//! TIME  = RFC 3339 | DAY [[at] CLOCK] [ZONE] | CLOCK [ZONE] | SPAN ago | -SPAN | SHORT | now | @EPOCH
//! DAY   = 2025-10-29 | today | yesterday | [last] WEEKDAY
//! CLOCK = 14:00 | 14:00:01.5 | 14:00:01,5 | 2pm | 2:30 pm | noon | midnight
//! ZONE  = UTC | Z | +02:00 | +0200 | +02      (after a space; right after a clock: Z or an offset)
//! SPAN  = 2 hours | 1 hour 30 minutes | an hour | SHORT
//! SHORT = 1h | 90m | 1h30m | 2d               (so long ago: units of one or two letters, and no spaces)
//! ```
//!
//! Flags, lines of `append` and files of histories have the same grammar: [`TimeContext::time`]. What is printed is
//! read back as the same.
//!
//! A grammar of our own, because a ledger's answers are evidence: each text has one meaning or none.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime};

use super::context::TimeContext;
use super::day::Day;
use super::error::SelectorError;
use super::zone::{self, Zone};
use super::{EXPECTED, relative};
use crate::model::Timestamp;
use crate::model::scan::{Misread, Scan, show};
use crate::model::time::{Clock, Form, clock, date, fraction, offset};

const EXAMPLE: &str = "2025-10-29 14:00";

impl TimeContext {
    /// Reads a time alone: of a flag, a line or a file.
    ///
    /// # Errors
    ///
    /// Refuses what [`When`](super::When) does not accept as a time.
    pub fn time(&self, text: &str) -> Result<Timestamp, SelectorError> {
        // What programs write is read at once, and is the same in the grammar.
        if let Ok(time) = text.parse() {
            return Ok(time);
        }
        let mut scan = Scan::new(text, EXAMPLE);
        let time = read(&mut scan, self)?;
        scan.finish("the end")?;
        Ok(time)
    }
}

/// Reads a time, and leaves what follows it.
pub(super) fn read(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Timestamp, SelectorError> {
    scan.example = EXAMPLE;
    match scan.peek() {
        Some('@') => epoch(scan),
        Some('-') => relative::minus(scan, context),
        Some('0'..='9') => read_digits(scan, context),
        Some('a'..='z' | 'A'..='Z') => read_word(scan, context),
        Some('+') => Err(ahead(scan)),
        _ => Err(scan.misread(EXPECTED).into()),
    }
}

/// Reads what starts with a digit: a date, a time of day, or a length of time.
fn read_digits(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Timestamp, SelectorError> {
    let start = *scan;
    let mut after = *scan;
    let width = after.digits().len();
    match after.peek() {
        Some(':') => calendar(scan, start, Day::Latest, context),
        Some('-') if width == 4 => {
            let day = Day::On(date(scan)?);
            calendar(scan, start, day, context)
        }
        Some('-' | '/' | '.') => Err(other_date(scan)),
        Some(_) if half_day(&mut scan.clone())?.is_some() => calendar(scan, start, Day::Latest, context),
        Some(next) if next == ' ' || next.is_alphabetic() => relative::ago(scan, context),
        _ => Err(scan.misread("a date, a time of day, or a place such as `e12`").into()),
    }
}

/// Reads what starts with a word.
fn read_word(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Timestamp, SelectorError> {
    let start = *scan;
    let word = scan.word();
    let day = match word.as_str() {
        "now" => return Ok(context.now),
        "a" | "an" => {
            *scan = start;
            return relative::ago(scan, context);
        }
        "noon" | "midnight" => {
            *scan = start;
            Day::Latest
        }
        "today" => Day::Ago(0),
        "yesterday" => Day::Ago(1),
        "last" => {
            scan.example = "last monday";
            scan.spaces();
            let start = *scan;
            let weekday = scan.word().parse();
            Day::LastWeekday(weekday.map_err(|_| start.misread("a day of the week"))?)
        }
        "tomorrow" | "next" | "in" => return Err(ahead(&start)),
        word => Day::Weekday(word.parse().map_err(|_| start.misread(EXPECTED))?),
    };
    calendar(scan, start, day, context)
}

/// Reads the time of day and the zone after a day, and finds the instant.
fn calendar<'a>(
    scan: &mut Scan<'a>,
    start: Scan<'a>,
    day: Day,
    context: &TimeContext,
) -> Result<Timestamp, SelectorError> {
    let clock = match day {
        Day::Latest => Some(time_of_day(scan)?),
        Day::On(_) if scan.eat("T") => Some(clock(scan, Form::Free)?),
        Day::On(_) | Day::Ago(_) | Day::Weekday(_) | Day::LastWeekday(_) => clock_after_space(scan)?,
    };
    let zone = zone_after(scan, clock.is_some())?.map_or(context.zone, Zone::Fixed);
    day.instant(clock, zone, context.now, scan.since(start))
}

/// Reads ` 14:00` or ` at 2pm`, where it is.
fn clock_after_space<'a>(scan: &mut Scan<'a>) -> Result<Option<Clock<'a>>, Misread> {
    let mut clock = *scan;
    if !clock.spaces() {
        return Ok(None);
    }
    let mut word = clock;
    match word.word().as_str() {
        "at" if word.spaces() => clock = word,
        "noon" | "midnight" => {}
        "" if clock.peek().is_some_and(|next| next.is_ascii_digit()) => {}
        _ => return Ok(None),
    }
    *scan = clock;
    time_of_day(scan).map(Some)
}

/// Reads `14:00`, `2pm`, `noon` or `midnight`.
fn time_of_day<'a>(scan: &mut Scan<'a>) -> Result<Clock<'a>, Misread> {
    let mut word = *scan;
    let hour = match word.word().as_str() {
        "midnight" => 0,
        "noon" => 12,
        _ => {
            return match half_day(scan)? {
                Some(time) => Ok(Clock::new(time)),
                None => clock(scan, Form::Free),
            };
        }
    };
    *scan = word;
    Ok(Clock::new(NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour of the day")))
}

/// Reads `2pm` or `2:30 pm`; nothing when the half of the day does not follow.
fn half_day(scan: &mut Scan<'_>) -> Result<Option<NaiveTime>, Misread> {
    let start = *scan;
    scan.take(2, u8::is_ascii_digit);
    let mut hour = (start, *scan);
    let mut minute = scan.eat(":").then_some(*scan);
    scan.take(if minute.is_some() { 2 } else { 0 }, u8::is_ascii_digit);
    scan.spaces();
    let afternoon = match scan.word().as_str() {
        "am" => 0,
        "pm" => 12,
        _ => {
            *scan = start;
            return Ok(None);
        }
    };
    let width = hour.1.since(hour.0).len();
    let hour = hour.0.field(width.max(1), 1..=12, "an hour")?;
    let minute = minute.as_mut().map_or(Ok(0), |minute| minute.field(2, 0..=59, "a minute"))?;
    Ok(NaiveTime::from_hms_opt(hour % 12 + afternoon, minute, 0))
}

/// Reads `+02:00` or ` UTC`, where it is. What follows right after a day is no zone.
fn zone_after(scan: &mut Scan<'_>, has_clock: bool) -> Result<Option<FixedOffset>, Misread> {
    const ZONE: &str = "`UTC` or an offset such as `+02:00`";
    const CLOCK_OR_ZONE: &str = "a time of day, `UTC` or an offset such as `+02:00`";
    let mut zone = *scan;
    if !zone.spaces() {
        return if has_clock { offset(scan, Form::Free) } else { Ok(None) };
    }
    match zone.peek() {
        Some(next) if next.is_alphabetic() || "+-".contains(next) => {
            let expected = if has_clock { ZONE } else { CLOCK_OR_ZONE };
            let found = zone::fixed(&mut zone)?.ok_or_else(|| zone.misread(expected))?;
            *scan = zone;
            Ok(Some(found))
        }
        _ => Ok(None),
    }
}

/// Reads `@1730226421`: seconds since 1970, decimals too.
fn epoch(scan: &mut Scan<'_>) -> Result<Timestamp, SelectorError> {
    let start = *scan;
    scan.example = "@1730226421";
    scan.require("@", "`@` and the seconds since 1970")?;
    let sign = if scan.eat("-") { -1 } else { 1 };
    let seconds = scan.number()?;
    let micros = i64::from(fraction(scan, Form::Free)?);
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000)?.checked_add(micros)?.checked_mul(sign))
        .and_then(DateTime::from_timestamp_micros)
        .and_then(|time| Timestamp::new(time).ok())
        .ok_or_else(|| SelectorError::OutOfRange { shown: show(scan.since(start)), example: scan.example })
}

fn ahead(scan: &Scan<'_>) -> SelectorError {
    let mut scan = *scan;
    scan.example = "2 hours ago";
    scan.misread("a time that has passed, or a date").into()
}

/// Refuses `10/11/2025` and the like, with the dates that it may mean.
fn other_date(scan: &Scan<'_>) -> SelectorError {
    let mut after = *scan;
    let mut fields = [""; 3];
    for field in &mut fields {
        *field = after.digits();
        after.take(1, |byte| b"-/.".contains(byte));
    }
    let number = |field: &str| field.parse::<u32>().unwrap_or(0);
    let [first, second, third] = fields;
    let orders = match (first.len(), second.len(), third.len()) {
        (4, 1..=2, 1..=2) => [(first, second, third); 2],
        (1..=2, 1..=2, 4) => [(third, first, second), (third, second, first)],
        _ => return scan.misread("a date, a time of day or a length of time").into(),
    };
    let mut readings: Vec<NaiveDate> = orders
        .into_iter()
        .filter_map(|(year, month, day)| {
            NaiveDate::from_ymd_opt(number(year).cast_signed(), number(month), number(day))
        })
        .collect();
    readings.dedup();
    if readings.is_empty() {
        return scan.misread("a date, year first").into();
    }
    SelectorError::OtherDate { shown: show(after.since(*scan)), readings }
}
