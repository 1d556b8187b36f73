//! How long ago: `2 hours ago`, `-1h30m`, `1h30m`.
//!
//! Days and what is longer are counted on the calendar of the zone, so that a day ago is the same time of
//! day, and a month ago the same day of the month or the last one that month has. What is shorter is exact.

use chrono::{Days, Months, NaiveDateTime, TimeDelta};

use super::context::TimeContext;
use super::error::SelectorError;
use crate::model::Timestamp;
use crate::model::scan::{Misread, Scan, show};

const EXAMPLE: &str = "2 hours ago";

/// A length of time, in the three ways in which it is counted.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    months: u32,
    days: u64,
    millis: i64,
}

/// A unit: what one of it adds to a [`Span`].
type Unit = Span;

/// Reads `-1h30m`.
pub(super) fn minus(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Timestamp, SelectorError> {
    let start = *scan;
    scan.example = "-1h30m";
    scan.require("-", "`-` and a length of time")?;
    let span = span(scan)?;
    earlier(span, context).ok_or_else(|| out_of_range(scan, start))
}

/// Reads `2 hours ago`, or `2h` alone. `2 hours` alone is refused: some libraries read it as the future.
pub(super) fn ago(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Timestamp, SelectorError> {
    let start = *scan;
    scan.example = EXAMPLE;
    let span = span(scan)?;
    let mut after = *scan;
    if after.spaces() && after.word() == "ago" {
        *scan = after;
    } else if !is_short(scan.since(start)) {
        return Err(scan.misread("more of the length of time, or ` ago`").into());
    }
    earlier(span, context).ok_or_else(|| out_of_range(scan, start))
}

/// Says whether a length of time is counts and units of one or two letters alone: `1h30m`.
fn is_short(span: &str) -> bool {
    span.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && span.split(|c: char| c.is_ascii_digit()).all(|unit| unit.len() <= 2)
        && span.starts_with(|first: char| first.is_ascii_digit())
}

fn out_of_range<'a>(scan: &Scan<'a>, start: Scan<'a>) -> SelectorError {
    SelectorError::OutOfRange { shown: show(scan.since(start)), example: scan.example }
}

/// Reads counts with units: `1h30m`, `1 hour 30 minutes`, `1 hour and 30 minutes`, `an hour`.
fn span(scan: &mut Scan<'_>) -> Result<Option<Span>, Misread> {
    let mut sum = Some(Span::default());
    loop {
        let count = count(scan)?;
        scan.spaces();
        let unit = unit(scan)?;
        sum = sum.and_then(|sum| sum.plus(count, unit));
        let end = *scan;
        scan.spaces();
        scan.eat("and ");
        if !scan.peek().is_some_and(|next| next.is_ascii_digit()) {
            *scan = end;
            return Ok(sum);
        }
    }
}

fn count(scan: &mut Scan<'_>) -> Result<u64, Misread> {
    let mut word = *scan;
    if matches!(word.word().as_str(), "a" | "an") && word.peek() == Some(' ') {
        *scan = word;
        return Ok(1);
    }
    scan.number()
}

/// Reads a unit. `M` is refused: some read it as months.
fn unit(scan: &mut Scan<'_>) -> Result<Unit, Misread> {
    const UNITS: &str = "a unit: `s`, `m` (minutes), `h`, `d`, `w`, `months` or `years`";
    let start = *scan;
    let word = scan.word();
    let (months, days, millis) = match word.as_str() {
        "ms" | "millisecond" | "milliseconds" => (0, 0, 1),
        "s" | "sec" | "secs" | "second" | "seconds" => (0, 0, 1_000),
        "m" if scan.since(start) == "m" => (0, 0, 60_000),
        "min" | "mins" | "minute" | "minutes" => (0, 0, 60_000),
        "h" | "hr" | "hrs" | "hour" | "hours" => (0, 0, 3_600_000),
        "d" | "day" | "days" => (0, 1, 0),
        "w" | "week" | "weeks" => (0, 7, 0),
        "month" | "months" => (1, 0, 0),
        "y" | "year" | "years" => (12, 0, 0),
        _ => return Err(start.misread(UNITS)),
    };
    Ok(Span { months, days, millis })
}

impl Span {
    /// Adds `count` units, unless that is more than can be counted.
    fn plus(self, count: u64, unit: Unit) -> Option<Span> {
        let months = u32::try_from(count.checked_mul(u64::from(unit.months))?).ok()?;
        let millis = i64::try_from(count).ok()?.checked_mul(unit.millis)?;
        Some(Span {
            months: self.months.checked_add(months)?,
            days: self.days.checked_add(count.checked_mul(unit.days)?)?,
            millis: self.millis.checked_add(millis)?,
        })
    }
}

/// Returns the instant so long before now; none before the year 0001. It is never after now: a day ago that
/// the clocks were put forward over is found later by what they skipped, which is a day at most.
fn earlier(span: Option<Span>, context: &TimeContext) -> Option<Timestamp> {
    let span = span?;
    let mut time = context.now.utc();
    if span.months > 0 || span.days > 0 {
        let today: NaiveDateTime = context.zone.at(context.now).naive_local();
        let date = today.date().checked_sub_months(Months::new(span.months))?;
        let then = date.checked_sub_days(Days::new(span.days))?.and_time(today.time());
        Timestamp::new(then.and_utc()).ok()?;
        time = context.zone.first_instant(then).to_utc();
    }
    Timestamp::new(time.checked_sub_signed(TimeDelta::try_milliseconds(span.millis)?)?).ok()
}
