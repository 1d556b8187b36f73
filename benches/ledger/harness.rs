//! Measuring in turn, and the tables of what was measured.

use std::fmt;
use std::time::Instant;

/// The engines, in the order of the columns.
pub const ENGINES: [&str; 3] = ["phaseledger", "SQLite", "raw file"];

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
pub struct Samples(Vec<Taken>);

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

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<Vec<Taken>> for Samples {
    fn from(taken: Vec<Taken>) -> Self {
        Samples(taken)
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

/// Measures in turn, A B C A B C, after one turn that does not count where that is cheap.
pub fn turns(rounds: usize, sides: &mut [Side<'_>]) -> Vec<Samples> {
    let mut samples = vec![Samples::default(); sides.len()];
    let warm_up = usize::from(rounds > 3);
    for round in 0..rounds + warm_up {
        for (side, samples) in sides.iter_mut().zip(&mut samples) {
            let taken = side();
            if round >= warm_up {
                samples.0.push(taken);
            }
        }
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

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report(Vec<Section>);

#[derive(Debug)]
struct Section {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Report {
    /// Begins a table of the engines, with what is to be reached.
    pub fn section(&mut self, title: impl Into<String>) {
        let ratios = ENGINES[1..].iter().map(|name| format!("÷ {name}"));
        let columns = ["N"].iter().chain(&ENGINES).map(|name| (*name).to_owned());
        self.table(title, columns.chain(ratios).chain(["to reach".to_owned()]));
    }

    /// Begins a table.
    pub fn table(&mut self, title: impl Into<String>, columns: impl Iterator<Item = String>) {
        let title = title.into();
        eprintln!("{title}");
        let header = std::iter::once(String::new()).chain(columns).collect();
        self.0.push(Section { title, header, rows: Vec::new() });
    }

    /// Adds a row of engines.
    pub fn row(&mut self, row: Row) {
        let [ours, lite, raw] = row.cells;
        let goals = row.goals.join("; ");
        self.cells(vec![row.name, row.rounds, ours, lite, raw, row.over_lite, row.over_raw, goals]);
    }

    /// Adds a row of a table of any columns.
    pub fn cells(&mut self, cells: Vec<String>) {
        eprintln!("  {}", cells.join(" | "));
        self.0.last_mut().expect("a table was begun").rows.push(cells);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.0 {
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
    /// Begins a row without figures.
    pub fn named(name: impl Into<String>) -> Self {
        Row { name: name.into(), ..Row::default() }
    }

    /// Begins a row of what was measured in turn: ours, then SQLite, then the raw file, as many as there are.
    pub fn of(name: impl Into<String>, shown: Shown, samples: &[Samples]) -> Self {
        let mut row = Row::named(name);
        row.rounds = samples[0].len().to_string();
        for (cell, samples) in row.cells.iter_mut().zip(samples) {
            *cell = samples.shown(shown);
        }
        let over = |other| samples.get(other).map_or_else(String::new, |other| ratio(samples[0].over(other)));
        (row.over_lite, row.over_raw) = (over(1), over(2));
        row
    }

    /// Sets the cell of an engine.
    pub fn cell(mut self, engine: usize, text: impl Into<String>) -> Self {
        self.cells[engine] = text.into();
        self
    }

    /// Adds to our cell.
    pub fn note(mut self, text: &str) -> Self {
        self.cells[0] += ", ";
        self.cells[0] += text;
        self
    }

    /// Adds the memory to our cell.
    pub fn memory(self, samples: &Samples) -> Self {
        self.note(&format!("{} MB", digits(samples.megabytes())))
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

/// Shows a ratio.
pub fn ratio(value: f64) -> String {
    if value.is_nan() { String::new() } else { digits(value) }
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
