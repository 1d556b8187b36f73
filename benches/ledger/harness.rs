//! Measuring in turn, and the tables of what was measured.

use std::fmt;
use std::time::{Duration, Instant};

/// How long one row may be measured, as long as there are three turns of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What something took. What is not known of it is no number.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub seconds: f64,
    /// Seconds of processor time.
    pub processor: f64,
    /// The most memory that the process had.
    pub megabytes: f64,
    /// Bytes sent to the disk.
    pub written: f64,
}

/// What is measured: it says what that took, without what it had to prepare.
pub type Side<'a> = &'a mut dyn FnMut() -> Taken;

/// What one side took, in each turn.
#[derive(Debug, Clone, Default)]
pub struct Samples(pub Vec<Taken>);

impl Samples {
    /// Returns the median of one figure.
    pub fn median(&self, of: impl Fn(&Taken) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    /// Returns the median of the seconds.
    pub fn seconds(&self) -> f64 {
        self.median(|taken| taken.seconds)
    }

    /// Returns the most memory that it had in any turn.
    pub fn megabytes(&self) -> f64 {
        self.0.iter().map(|taken| taken.megabytes).fold(0.0, f64::max)
    }

    /// Returns the median of each turn's ratio, so that a machine which is busy for a while slows both sides of it.
    pub fn over(&self, other: &Samples) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(one, other)| one.seconds / other.seconds).collect())
    }

    /// Shows the median, the least and the most.
    pub fn shown(&self, shown: Shown) -> String {
        let mut seconds: Vec<f64> = self.0.iter().map(|taken| taken.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let show = |taken: f64| match shown {
            Shown::Time => time_text(taken),
            Shown::Rate(count) => format!("{}/s", thousands(count as f64 / taken)),
        };
        match seconds[..] {
            [] => String::new(),
            [only] => format!("**{}**", show(only)),
            [least, .., most] => format!("**{}** ({}–{})", show(self.seconds()), show(least), show(most)),
        }
    }

    /// Says how many turns there were.
    pub fn rounds(&self) -> String {
        self.0.len().to_string()
    }
}

/// How a duration is shown.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// As it is.
    Time,
    /// As so many a second.
    Rate(u64),
}

/// Measures a known number of sides as [`turns`] does.
pub fn in_turn<const N: usize>(rounds: usize, mut sides: [Side<'_>; N]) -> [Samples; N] {
    turns(rounds, &mut sides).try_into().expect("as many samples as sides")
}

/// Measures in turn, A B C A B C, after one turn that does not count where that is cheap. Fewer turns, an odd number, where they
/// take long.
pub fn turns(rounds: usize, sides: &mut [Side<'_>]) -> Vec<Samples> {
    let mut samples = vec![Samples::default(); sides.len()];
    let mut turn = |counts: bool| {
        for (side, samples) in sides.iter_mut().zip(&mut samples) {
            let taken = side();
            samples.0.extend(counts.then_some(taken));
        }
    };
    let start = Instant::now();
    if rounds > 3 {
        turn(false);
    }
    for round in 0..rounds {
        if round >= 3 && round % 2 == 1 && start.elapsed() > PATIENCE {
            break;
        }
        turn(true);
    }
    samples
}

/// Says how long a call within this process takes.
pub fn time<T>(call: impl FnOnce() -> T) -> Taken {
    let start = Instant::now();
    std::hint::black_box(call());
    Taken {
        seconds: start.elapsed().as_secs_f64(),
        processor: f64::NAN,
        megabytes: f64::NAN,
        written: f64::NAN,
    }
}

/// All that was measured: tables in Markdown.
#[derive(Debug, Default)]
pub struct Report(String);

impl Report {
    /// Begins a table of the engines, with what is to be reached.
    pub fn section(&mut self, title: impl fmt::Display) {
        let columns = ["N", "phaseledger", "SQLite", "raw file", "÷ SQLite", "÷ raw file", "to reach"];
        self.table(title, &columns.map(str::to_owned));
    }

    /// Begins a table.
    pub fn table(&mut self, title: impl fmt::Display, columns: &[String]) {
        let lines = "|---:".repeat(columns.len());
        self.line(&format!("\n### {title}\n\n|  | {} |\n|---{lines}|", columns.join(" | ")));
    }

    /// Adds a row of engines.
    pub fn row(&mut self, row: Row) {
        let [ours, lite, raw] = row.cells;
        let goals = row.goals.join("; ");
        self.cells(&[row.name, row.rounds, ours, lite, raw, row.over_lite, row.over_raw, goals]);
    }

    /// Adds a row of a table of any columns.
    pub fn cells(&mut self, cells: &[String]) {
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    fn line(&mut self, line: &str) {
        eprintln!("{line}");
        self.0 += line;
        self.0.push('\n');
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row of a table of the engines.
#[derive(Debug, Default)]
pub struct Row {
    name: String,
    rounds: String,
    cells: [String; 3],
    over_lite: String,
    over_raw: String,
    goals: Vec<String>,
}

impl Row {
    /// Begins a row of what was measured in turn: ours, then SQLite, then the raw file, as many as there are.
    pub fn of(name: impl Into<String>, shown: Shown, samples: &[Samples]) -> Self {
        let mut row = Row { name: name.into(), rounds: samples[0].rounds(), ..Row::default() };
        for (cell, samples) in row.cells.iter_mut().zip(samples) {
            *cell = samples.shown(shown);
        }
        let over =
            |other| samples.get(other).map_or_else(String::new, |other| digits(samples[0].over(other)));
        (row.over_lite, row.over_raw) = (over(1), over(2));
        row
    }

    /// Begins a row of figures that are not medians.
    pub fn figures(name: &str, cells: [String; 3]) -> Self {
        Row { name: name.to_owned(), cells, ..Row::default() }
    }

    /// Adds to our cell.
    pub fn note(mut self, text: impl fmt::Display) -> Self {
        self.cells[0] += &format!(", {text}");
        self
    }

    /// Adds the memory to our cell.
    pub fn memory(self, samples: &Samples) -> Self {
        self.note(digits(samples.megabytes()) + " MB")
    }

    /// Adds a goal, and whether it is reached.
    pub fn goal(mut self, text: impl fmt::Display, is_reached: bool) -> Self {
        self.goals.push(goal(text, is_reached));
        self
    }

    /// Adds a goal for a ratio to SQLite, which is kept when no more.
    pub fn goal_ratio(self, most: f64, samples: &[Samples]) -> Self {
        self.goal(format_args!("≤ {most:.1} × SQLite"), samples[0].over(&samples[1]) <= most)
    }
}

/// Says what is to be reached, and whether it is.
pub fn goal(text: impl fmt::Display, is_reached: bool) -> String {
    format!("{text} {}", if is_reached { '✔' } else { '✘' })
}

/// Returns the median of numbers.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => numbers[count / 2],
        count => f64::midpoint(numbers[count / 2 - 1], numbers[count / 2]),
    }
}

/// Shows a duration.
pub fn time_text(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{} µs", digits(s * 1e6)),
        s if s < 1.0 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} s", digits(s)),
    }
}

/// Shows three digits that count.
pub fn digits(value: f64) -> String {
    match value {
        v if v.is_nan() => "not known".to_owned(),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// Shows a number as so many thousands or millions.
pub fn thousands(value: f64) -> String {
    match value {
        v if v < 1e4 => format!("{v:.0}"),
        v if v < 1e6 => format!("{:.0} k", v / 1e3),
        v => format!("{:.2} M", v / 1e6),
    }
}
