//! What a rerun would take, told with its preview: from each phase's own history.

use std::io::{self, Write};

use phaseledger::query::{Forecast, PhaseForecast};

use crate::cli::host::output;
use crate::cli::ui::columns::{self, Column};
use crate::cli::ui::render::{self, Naming};

const COLUMNS: &[Column] = &[
    Column { header: "phase", yields: 0 },
    Column { header: "attempts", yields: 2 },
    Column { header: "duration", yields: 0 },
    Column { header: "from … to", yields: 1 },
    Column { header: "cost", yields: 0 },
    Column { header: "from … to", yields: 1 },
    Column { header: "note", yields: 0 },
];

/// Tells a forecast: a row a phase, and the sum.
pub fn tell(out: &mut impl Write, forecast: &Forecast) -> io::Result<()> {
    let first = forecast.phases.first().map(|phase| &phase.phase.workflow);
    let is_of_first = |phase: &PhaseForecast| Some(&phase.phase.workflow) == first;
    let naming = if forecast.phases.iter().all(is_of_first) { Naming::Bare } else { Naming::Full };
    let rows: Vec<_> = forecast.phases.iter().map(|phase| row(phase, naming)).collect();
    let shown = columns::show(COLUMNS, &rows, output::terminal_width());
    writeln!(out, "\nforecast: the medians of each phase's own completed attempts\n{}", shown.text)?;
    writeln!(out, "\n{}", together(forecast))
}

fn row(phase: &PhaseForecast, naming: Naming) -> Vec<String> {
    let duration = phase.duration_seconds.as_ref();
    let cost = phase.cost.as_ref();
    let varies = |samples: usize| samples > 1;
    vec![
        render::phase(&phase.phase, naming),
        duration.map_or_else(String::new, |seen| seen.samples.to_string()),
        duration.map_or_else(String::new, |seen| render::duration(seen.median)),
        duration.filter(|seen| varies(seen.samples)).map_or_else(String::new, |seen| {
            format!("{} … {}", render::duration(seen.min), render::duration(seen.max))
        }),
        cost.map_or_else(String::new, |seen| seen.median.of(&phase.currency).to_string()),
        cost.filter(|seen| varies(seen.samples))
            .map_or_else(String::new, |seen| format!("{} … {}", seen.min, seen.max)),
        if duration.is_none() { "no history, no forecast".to_owned() } else { String::new() },
    ]
}

fn together(forecast: &Forecast) -> String {
    let mut parts = vec![format!(
        "together {} one after the other",
        render::duration(forecast.duration_seconds.sum_of_medians)
    )];
    for cost in &forecast.cost {
        let of = match cost.phases == forecast.phases.len() {
            true => String::new(),
            false => {
                format!(" for the {} that recorded costs", render::count(cost.phases, "phase", "phases"))
            }
        };
        parts.push(format!("{}{of}", cost.sum_of_medians.of(&cost.currency)));
    }
    let without = forecast.phases.len() - forecast.duration_seconds.phases;
    if without > 0 {
        parts.push(format!("{} without a history left out", render::count(without, "phase", "phases")));
    }
    parts.join(", ")
}
