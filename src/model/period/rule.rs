//! The rule by which the clocks of a zone change from year to year: POSIX's `TZ`, as a zone's file ends with it.
//!
//! ```text
//!  CET-1CEST,M3.5.0,M10.5.0/3
//!  └┬┘└┤└┬─┘ └─┬──┘ └──┬───┘
//!  name│ name  │       └ back on the last Sunday of October, at 3
//!      │       └ forward on the last Sunday of March, at 2
//!      └ hours west of UTC
//! ```

use chrono::{DateTime, Datelike, Days, NaiveDate};

/// The rule by which clocks change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClockRule {
    /// They do not.
    Never {
        /// How far they are from UTC, in seconds to the east.
        offset: i32,
    },
    /// Twice a year.
    Yearly {
        /// How far they are from UTC for one part of the year.
        standard: i32,
        /// And for the other.
        summer: i32,
        /// When the second part begins, by the clocks of the first.
        forward: Turn,
        /// When it ends, by its own clocks.
        back: Turn,
    },
}

/// A day of a year, and the seconds since its midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    day: Day,
    seconds: i64,
}

/// A day of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// The n-th from 1, the 29th of February never counted.
    WithoutLeap(u32),
    /// The n-th from 0.
    Counted(u32),
    /// A day of the week, from Sunday, in the n-th week of a month; the last one for 5.
    OfWeek { month: u32, week: u32, day: u32 },
}

const HOUR: i64 = 3600;

impl ClockRule {
    /// Reads a rule; none for what is none.
    pub(super) fn read(text: &str) -> Option<ClockRule> {
        let mut rest = Rest(text.as_bytes());
        rest.name()?;
        let standard = -rest.clock(24)?;
        let offset = |seconds: i64| i32::try_from(seconds).ok();
        if rest.0.is_empty() {
            return Some(ClockRule::Never { offset: offset(standard)? });
        }
        rest.name()?;
        let summer = if rest.0.first() == Some(&b',') { standard + HOUR } else { -rest.clock(24)? };
        let (forward, back) = (rest.turn()?, rest.turn()?);
        rest.0.is_empty().then_some(())?;
        Some(ClockRule::Yearly { standard: offset(standard)?, summer: offset(summer)?, forward, back })
    }

    /// Returns how far the clocks are from UTC at an instant, both in seconds.
    pub(super) fn offset_at(&self, instant: i64) -> i32 {
        let ClockRule::Yearly { standard, summer, forward, back } = *self else {
            let ClockRule::Never { offset } = *self else { return 0 };
            return offset;
        };
        let year = DateTime::from_timestamp(instant, 0).map_or(1970, |time| time.year());
        // A turn may lie a week beyond its year. Where both come at once, the part that begins counts.
        let turns = (year - 1..=year + 1).flat_map(|year| {
            let at = |turn: Turn, offset: i32| Some(turn.second(year)? - i64::from(offset));
            [(at(back, summer), false), (at(forward, standard), true)]
        });
        let passed = turns.filter_map(|(at, is_summer)| Some((at.filter(|at| *at <= instant)?, is_summer)));
        match passed.max() {
            Some((_, true)) => summer,
            Some((_, false)) | None => standard,
        }
    }
}

impl Turn {
    /// Returns the second of a year at which it comes, as if the clocks showed UTC.
    fn second(self, year: i32) -> Option<i64> {
        let day = match self.day {
            Day::WithoutLeap(number) => {
                let leap = NaiveDate::from_ymd_opt(year, 2, 29).is_some();
                let number = number - 1 + u32::from(leap && number >= 60);
                NaiveDate::from_ymd_opt(year, 1, 1)?.checked_add_days(Days::new(number.into()))?
            }
            Day::Counted(number) => {
                NaiveDate::from_ymd_opt(year, 1, 1)?.checked_add_days(Days::new(number.into()))?
            }
            Day::OfWeek { month, week, day } => {
                let first = NaiveDate::from_ymd_opt(year, month, 1)?;
                let ahead = (7 + day - first.weekday().num_days_from_sunday()) % 7;
                let days = (1..=week).rev().map(|week| 1 + ahead + 7 * (week - 1));
                days.into_iter().find_map(|day| NaiveDate::from_ymd_opt(year, month, day))?
            }
        };
        Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp() + self.seconds)
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn eat(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn take(&mut self, is_meant: impl Fn(u8) -> bool) -> &[u8] {
        let end = self.0.iter().position(|byte| !is_meant(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    /// Passes over what the clocks are called.
    fn name(&mut self) -> Option<()> {
        let is_quoted = self.eat(b'<');
        let name = match is_quoted {
            true => self.take(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte)),
            false => self.take(|byte| byte.is_ascii_alphabetic()),
        };
        (name.len() >= 3 && (!is_quoted || self.eat(b'>'))).then_some(())
    }

    fn number(&mut self, most: i64) -> Option<i64> {
        let digits = self.take(|byte| byte.is_ascii_digit());
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (number <= most).then_some(number)
    }

    /// Reads hours, minutes and seconds, with a sign or without, as seconds.
    fn clock(&mut self, hours_max: i64) -> Option<i64> {
        let sign = match (self.eat(b'-'), self.eat(b'+')) {
            (true, true) => return None,
            (true, false) => -1,
            (false, _) => 1,
        };
        let mut seconds = self.number(hours_max)? * HOUR;
        for unit in [60, 1] {
            if self.eat(b':') {
                seconds += self.number(59)? * unit;
            }
        }
        Some(sign * seconds)
    }

    fn turn(&mut self) -> Option<Turn> {
        self.eat(b',').then_some(())?;
        let small = |number: i64| u32::try_from(number).ok();
        let day = if self.eat(b'M') {
            let month = small(self.number(12)?).filter(|month| *month > 0)?;
            let week = self.eat(b'.').then(|| self.number(5)).flatten().and_then(small)?;
            let day = self.eat(b'.').then(|| self.number(6)).flatten().and_then(small)?;
            Day::OfWeek { month, week: Some(week).filter(|week| *week > 0)?, day }
        } else if self.eat(b'J') {
            Day::WithoutLeap(small(self.number(365)?).filter(|day| *day > 0)?)
        } else {
            Day::Counted(small(self.number(365)?)?)
        };
        // Beyond a day as RFC 9636 has it, for rules such as that of Greenland.
        let seconds = if self.eat(b'/') { self.clock(167)? } else { 2 * HOUR };
        Some(Turn { day, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_others_are_not() {
        for text in [
            "UTC0",
            "<+0530>-5:30",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
            "EST5EDT,0/0,J365/25",
            "IST-2IDT,M3.4.4/26,M10.5.0",
        ] {
            assert!(ClockRule::read(text).is_some(), "{text}");
        }
        for text in ["", "UTC", "X0", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "UTC0 "] {
            assert_eq!(ClockRule::read(text), None, "{text}");
        }
    }

    #[test]
    fn summer_begins_and_ends_at_the_second() {
        let berlin = ClockRule::read("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule");
        let second = |text: &str| text.parse::<DateTime<chrono::Utc>>().expect("a time").timestamp();
        for (text, before, after) in
            [("2026-03-29T01:00:00Z", 3600, 7200), ("2026-10-25T01:00:00Z", 7200, 3600)]
        {
            assert_eq!(berlin.offset_at(second(text) - 1), before, "{text}");
            assert_eq!(berlin.offset_at(second(text)), after, "{text}");
        }
    }
}
