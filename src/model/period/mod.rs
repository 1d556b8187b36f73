//! Periods of a calendar: the day, the week or the month, by the clocks of a zone, that an instant is in.

mod clocks;
mod rule;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

pub use self::clocks::Clocks;
use super::Timestamp;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// A day, from midnight to midnight.
    Day,
    /// A week, from Monday on, as ISO 8601 has it.
    Week,
    /// A month.
    Month,
}

impl Per {
    /// All of them, the shortest first.
    pub const ALL: [Per; 3] = [Per::Day, Per::Week, Per::Month];

    /// Returns the name, as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Per::Day => "day",
            Per::Week => "week",
            Per::Month => "month",
        }
    }

    /// Returns the first day of the period that a day is in.
    fn first(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Per::Day => Some(day),
            Per::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Per::Month => day.with_day(1),
        }
    }

    /// Returns the first day of the period after the one that begins with a day.
    fn next(self, first: NaiveDate) -> Option<NaiveDate> {
        match self {
            Per::Day => first.succ_opt(),
            Per::Week => first.checked_add_days(Days::new(7)),
            Per::Month => first.checked_add_months(Months::new(1)),
        }
    }

    /// Names the period that begins with a day.
    fn name(self, first: NaiveDate) -> String {
        let format = match self {
            Per::Day => "%Y-%m-%d",
            Per::Week => "%G-W%V",
            Per::Month => "%Y-%m",
        };
        first.format(format).to_string()
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Per {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Per::ALL.into_iter().find(|per| per.as_str() == text);
        found.ok_or_else(|| format!("found `{}`, expected `day`, `week` or `month`", super::escape(text)))
    }
}

/// A day, a week or a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// How long it is.
    pub per: Per,
    /// What a calendar calls it: `2025-10-29`, `2025-W44`, `2025-10`.
    pub name: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {}", self.per, self.name)
    }
}

impl Clocks {
    /// Returns the period that an instant is in.
    ///
    /// A day begins when the clocks show it for the first time, and lasts until they show the next one: also where they
    /// are put back over midnight, or forward over it.
    pub fn period(&self, per: Per, at: Timestamp) -> Period {
        let instant = at.utc().timestamp();
        let shown = DateTime::from_timestamp(instant + i64::from(self.offset_at(instant)), 0);
        let day = shown.map_or(NaiveDate::MAX, |shown| shown.date_naive());
        let first = per.first(day).unwrap_or(NaiveDate::MIN);
        let next = per.next(first).unwrap_or(NaiveDate::MAX);
        let (first, next) = match self.first_second(next) <= instant {
            // The clocks were put back over midnight: the day before is shown once more, but has ended.
            true => (next, per.next(next).unwrap_or(NaiveDate::MAX)),
            false => (first, next),
        };
        let instant = |day| timestamp(self.first_second(day));
        Period { per, name: per.name(first), from: instant(first), to: instant(next) }
    }

    /// Returns the first second at which the clocks show a day.
    fn first_second(&self, day: NaiveDate) -> i64 {
        const NEAR: i64 = 36 * 60 * 60;
        let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        let (before, after) = (self.offset_at(midnight - NEAR), self.offset_at(midnight + NEAR));
        let shows = |second: i64| second + i64::from(self.offset_at(second));
        let midnights = [before, after].map(|offset| midnight - i64::from(offset));
        if let Some(first) = midnights.into_iter().filter(|second| shows(*second) == midnight).min() {
            return first;
        }
        // The clocks are put forward over midnight: the day begins when they are.
        let (mut early, mut late) = (midnight - NEAR, midnight + NEAR);
        while late - early > 1 {
            let middle = early.midpoint(late);
            if shows(middle) >= midnight { late = middle } else { early = middle }
        }
        late
    }
}

/// Returns a second as an instant, or the first or last one that there is.
fn timestamp(second: i64) -> Timestamp {
    const FIRST: DateTime<chrono::Utc> =
        NaiveDate::from_ymd_opt(1, 1, 1).expect("a date").and_time(chrono::NaiveTime::MIN).and_utc();
    const LAST: DateTime<chrono::Utc> =
        NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date").and_time(chrono::NaiveTime::MIN).and_utc();
    let time = DateTime::from_timestamp(second, 0).unwrap_or(LAST).clamp(FIRST, LAST);
    Timestamp::new(time).expect("a year from 1 to 9999")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;

    fn clocks(rule: &str) -> Clocks {
        serde_json::from_value(serde_json::json!({"zone": "X", "rule": rule})).expect("clocks")
    }

    fn period(rule: &str, per: Per, at: &str) -> (String, String, String) {
        let Period { name, from, to, .. } = clocks(rule).period(per, at.parse().expect("a time"));
        let short = |at: Timestamp| at.to_string().replace(":00.000000Z", "Z");
        (name, short(from), short(to))
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        for (rule, per, at, expected) in [
            (
                "UTC0",
                Per::Day,
                "2026-11-26T00:00:00Z",
                ("2026-11-26", "2026-11-26T00:00Z", "2026-11-27T00:00Z"),
            ),
            (
                berlin,
                Per::Day,
                "2026-03-29T12:00:00Z",
                ("2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
            ),
            (
                berlin,
                Per::Day,
                "2026-10-25T22:59:59Z",
                ("2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
            ),
            (
                berlin,
                Per::Week,
                "2026-01-01T00:00:00Z",
                ("2026-W01", "2025-12-28T23:00Z", "2026-01-04T23:00Z"),
            ),
            (
                berlin,
                Per::Month,
                "2026-03-31T22:30:00Z",
                ("2026-04", "2026-03-31T22:00Z", "2026-04-30T22:00Z"),
            ),
            // Forward at midnight, and back at midnight: the day before is longer.
            (
                "A3B,M10.3.0/0,M2.3.0/0",
                Per::Day,
                "2026-10-18T12:00:00Z",
                ("2026-10-18", "2026-10-18T03:00Z", "2026-10-19T02:00Z"),
            ),
        ] {
            let rule = rule.replace("A3B", "AAA3BBB");
            let (name, from, to) = period(&rule, per, at);
            assert_eq!((name.as_str(), from.as_str(), to.as_str()), expected, "{rule} {at}");
        }
    }

    #[test]
    fn clocks_of_fixed_zones_are_read_again() {
        for zone in ["UTC", "+02:00", "-05:30", "+00:30"] {
            let zone: Zone = zone.parse().expect("a zone");
            let since = "2026-11-26T00:00:00Z".parse().expect("a time");
            let clocks = Clocks::of(zone, since).expect("a fixed zone");
            let text = serde_json::to_string(&clocks).expect("written");
            assert_eq!(serde_json::from_str::<Clocks>(&text).expect(&text), clocks);
            let day = clocks.period(Per::Day, since);
            assert_eq!(day.name, zone.at(since).format("%Y-%m-%d").to_string());
        }
    }
}
