//! Days of the calendar, and the instants at which they show a time.

use chrono::{DateTime, Datelike, Days, FixedOffset, MappedLocalTime, NaiveDate, NaiveTime};
use chrono::{SecondsFormat, Weekday};

use super::error::SelectorError;
use super::zone::Zone;
use crate::model::Timestamp;
use crate::model::scan::show;
use crate::model::time::Clock;

/// A day, not yet found on the calendar.
#[derive(Debug, Clone, Copy)]
pub(super) enum Day {
    /// A date.
    On(NaiveDate),
    /// So many days ago.
    Ago(u64),
    /// The last one whose time has come.
    Weekday(Weekday),
    /// The last one before today.
    LastWeekday(Weekday),
    /// Today, or yesterday while the time has not come.
    Latest,
}

impl Day {
    /// Finds the instant at which a calendar and a clock in `zone` show the day and the time; without a time,
    /// the day's first instant.
    pub(super) fn instant(
        self,
        clock: Option<Clock<'_>>,
        zone: Zone,
        now: Timestamp,
        written: &str,
    ) -> Result<Timestamp, SelectorError> {
        let today = zone.at(now).date_naive();
        let on = |date: NaiveDate| on(date, clock, zone, written);
        let days_ago = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let latest = |date: NaiveDate, step: u64| match on(date)? {
            time if time <= now => Ok(time),
            _ => on(date.checked_sub_days(Days::new(step)).unwrap_or(date)),
        };
        match self {
            Day::On(date) => on(date),
            Day::Ago(days) => on(days_ago(days)),
            Day::Weekday(weekday) => latest(days_ago(days_since(weekday, today)), 7),
            Day::LastWeekday(weekday) => match days_since(weekday, today) {
                0 => on(days_ago(7)),
                days => on(days_ago(days)),
            },
            Day::Latest => latest(today, 1),
        }
    }
}

/// Returns how many days before `today` the weekday last was: 0 to 6.
fn days_since(weekday: Weekday, today: NaiveDate) -> u64 {
    u64::from(today.weekday().days_since(weekday))
}

fn on(
    date: NaiveDate,
    clock: Option<Clock<'_>>,
    zone: Zone,
    written: &str,
) -> Result<Timestamp, SelectorError> {
    let shown = date.and_time(clock.map_or(NaiveTime::MIN, |clock| clock.time));
    let text = |time: DateTime<FixedOffset>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let time = match (clock, zone.instants(shown)) {
        (None, _) => zone.first_instant(shown),
        (Some(_), MappedLocalTime::Single(time)) => time,
        (Some(_), MappedLocalTime::Ambiguous(one, other)) => {
            let (first, second) = (text(one.min(other)), text(one.max(other)));
            return Err(SelectorError::Twice { shown: show(written), zone: zone.told(), first, second });
        }
        (Some(_), MappedLocalTime::None) => {
            let next = text(zone.first_instant(shown));
            return Err(SelectorError::Never { shown: show(written), zone: zone.told(), next });
        }
    };
    let time = time.to_utc();
    if let Some(clock) = clock {
        clock.check_leap(time)?;
    }
    Timestamp::new(time)
        .map_err(|_| SelectorError::OutOfRange { shown: show(written), example: "2025-10-29 14:00" })
}
