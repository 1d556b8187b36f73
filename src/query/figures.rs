//! Values in words: texts on one line, durations.

use crate::model::escape;

/// Returns a text as one line, escaped, its own lines parted by ` ⏎ `.
pub fn one_line(text: &str) -> String {
    text.trim_end().lines().map(escape).collect::<Vec<_>>().join(" ⏎ ")
}

/// Returns a duration in seconds as a person reads it, to three digits or so.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 59.995 => format!("{s:.2} s"),
        s if s < 3599.5 => format!("{} m {:02} s", whole / 60, whole % 60),
        s if s < 86_400.0 => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// Returns how long something took, where that is known.
pub fn took(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "nobody knows how long".to_owned(), duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (seconds, shown) in [
            (0.000_001, "1 µs"),
            (0.047_901, "48 ms"),
            (5.492_104, "5.49 s"),
            (59.996, "1 m 00 s"),
            (125.0, "2 m 05 s"),
            (3_725.0, "1 h 02 m"),
            (90_000.0, "1 d 01 h"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }
}
