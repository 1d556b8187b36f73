//! Measuring in turn, and the table of what was measured.

use std::fmt;
use std::time::{Duration, Instant};

/// The engines, in the order of the columns.
pub const ENGINES: [&str; 3] = ["phaseledger", "SQLite", "raw file"];

/// What is measured of one engine: it says how long that took, without what it had to prepare.
pub type Side<'a> = Option<&'a mut dyn FnMut() -> Duration>;

/// How a duration is shown.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// As it is.
    Time,
    /// As so many events a second.
    Events(u64),
}

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    title: String,
    engines: usize,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Report {
    /// Begins a table, with a column for each engine that is measured.
    pub fn section(&mut self, title: impl Into<String>, engines: &[&str]) {
        let title = title.into();
        eprintln!("{title}");
        let mut header = vec![String::new(), "N".to_owned()];
        header.extend(engines.iter().map(|name| (*name).to_owned()));
        header.extend(engines.iter().skip(1).map(|name| format!("÷ {name}")));
        self.sections.push(Section { title, engines: engines.len(), header, rows: Vec::new() });
    }

    /// Measures the engines in turn, A B C A B C, after one turn that does not count. The ratios are the
    /// medians of each turn's, so that a machine which is busy for a while slows both sides of them.
    pub fn measure(&mut self, name: &str, shown: Shown, rounds: usize, mut sides: [Side<'_>; 3]) {
        let mut samples: [Vec<f64>; 3] = Default::default();
        let warm_up = usize::from(rounds > 1);
        for round in 0..rounds + warm_up {
            for (side, samples) in sides.iter_mut().zip(&mut samples) {
                if let Some(side) = side {
                    let took = side().as_secs_f64();
                    if round >= warm_up {
                        samples.push(took);
                    }
                }
            }
        }
        let engines = self.engines();
        let mut row = vec![name.to_owned(), rounds.to_string()];
        row.extend(samples[..engines].iter().map(|samples| summary(samples, shown)));
        row.extend(samples[1..engines].iter().map(|theirs| ratio(&samples[0], theirs)));
        self.row(row);
    }

    /// Adds numbers that need not be measured in turn.
    pub fn numbers(&mut self, name: &str, values: [f64; 3]) {
        let engines = self.engines();
        let mut row = vec![name.to_owned(), "1".to_owned()];
        row.extend(values[..engines].iter().map(|value| digits(*value)));
        row.extend(values[1..engines].iter().map(|theirs| ratio(&values[..1], &[*theirs])));
        self.row(row);
    }

    fn engines(&self) -> usize {
        self.sections.last().map_or(0, |section| section.engines)
    }

    fn row(&mut self, row: Vec<String>) {
        eprintln!("  {}", row.join(" | "));
        self.sections.last_mut().expect("a section was begun").rows.push(row);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            writeln!(f, "### {}\n", section.title)?;
            writeln!(f, "| {} |", section.header.join(" | "))?;
            writeln!(f, "|---{}|", "|---:".repeat(section.header.len() - 1))?;
            for row in &section.rows {
                writeln!(f, "| {} |", row.join(" | "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Returns what a call returns, and how long it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = call();
    (result, start.elapsed())
}

/// Says how long a call takes.
pub fn time<T>(call: impl FnOnce() -> T) -> Duration {
    let (result, took) = timed(call);
    std::hint::black_box(result);
    took
}

/// Median, least and most.
fn summary(samples: &[f64], shown: Shown) -> String {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let show = |taken: f64| match shown {
        Shown::Time => seconds(taken),
        Shown::Events(count) => format!("{}/s", thousands(count as f64 / taken)),
    };
    match sorted.as_slice() {
        [] => String::new(),
        [only] => format!("**{}**", show(*only)),
        [least, .., most] => format!("**{}** ({}–{})", show(median(&sorted)), show(*least), show(*most)),
    }
}

fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    ratios.sort_by(f64::total_cmp);
    match median(&ratios) {
        none if none.is_nan() => String::new(),
        small if small < 10.0 => format!("{small:.2}"),
        large => format!("{large:.0}"),
    }
}

fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{} µs", digits(s * 1e6)),
        s if s < 1.0 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} s", digits(s)),
    }
}

/// Three digits that count.
fn digits(value: f64) -> String {
    match value {
        v if v.is_nan() => String::new(),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

fn thousands(value: f64) -> String {
    match value {
        v if v < 1e4 => format!("{v:.0}"),
        v if v < 1e6 => format!("{:.0} k", v / 1e3),
        v => format!("{:.2} M", v / 1e6),
    }
}
