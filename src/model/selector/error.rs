//! Why a selector was refused.

use chrono::NaiveDate;

use crate::model::name::NameError;
use crate::model::scan::Misread;

/// Why a selector was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It is written otherwise than any that is accepted.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// It names a tag that cannot be.
    #[error("{0}, as in `tag:release`")]
    Tag(NameError),
    /// It is a date that is written otherwise, and may be another one for other people.
    #[error("the date `{shown}` {}", rewritten(readings))]
    OtherDate {
        /// The date, escaped.
        shown: String,
        /// What it may mean.
        readings: Vec<NaiveDate>,
    },
    /// The clocks of the zone were put back over it.
    #[error("`{shown}` came twice in {zone}; expected one of `{first}` and `{second}`")]
    Twice {
        /// The time, escaped.
        shown: String,
        /// The zone, in words.
        zone: String,
        /// The earlier instant.
        first: String,
        /// The later instant.
        second: String,
    },
    /// The clocks of the zone were put forward over it.
    #[error("`{shown}` never came in {zone}, whose clocks skipped it; expected another time, as in `{next}`")]
    Never {
        /// The time, escaped.
        shown: String,
        /// The zone, in words.
        zone: String,
        /// The instant at which it would have come.
        next: String,
    },
    /// It lies in a year that RFC 3339 cannot write.
    #[error("`{shown}` lies outside the years 0001 to 9999, expected a time within them, as in `{example}`")]
    OutOfRange {
        /// The time, escaped.
        shown: String,
        /// A text that is accepted.
        example: &'static str,
    },
}

fn rewritten(readings: &[NaiveDate]) -> String {
    match readings {
        [one, other] => format!("could be either of two; expected `{one}` or `{other}`"),
        _ => {
            let dates: Vec<String> = readings.iter().map(|date| format!("as in `{date}`")).collect();
            format!("has another form; expected year, month and day with `-` between, {}", dates.join(", "))
        }
    }
}
