//! How what a command and a question cost grows with the log, and a picture of it.

use std::fmt::Write as _;

use crate::Scale;
use crate::harness::{Report, Samples, Shown, digits, goal, thousands, time_text, turns};
use crate::ledgers::Ledgers;
use crate::process::Process;
use crate::workload::Dice;

/// What is drawn, with its colour.
const MEASURES: [(&str, &str); 4] =
    [("note", "#1b6ca8"), ("status", "#2a8f4d"), ("status --at", "#c2571a"), ("show e5", "#7b4bb3")];
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 600.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 350.0;

/// Measures each of them in turn over logs of all sizes, and returns the picture.
pub fn measure(report: &mut Report, ledgers: &Ledgers, scale: &Scale) -> String {
    let trios: Vec<_> = scale.growth.iter().map(|&events| ledgers.of(events)).collect();
    let sizes = trios.iter().map(|trio| trio.name());
    let columns =
        ["N".to_owned()].into_iter().chain(sizes).chain(["last ÷ first", "to reach"].map(str::to_owned));
    report.table("How it grows with the log", &columns.collect::<Vec<_>>());
    let mut curves = Vec::new();
    for (name, _) in MEASURES {
        let mut dice = Dice(scale.seed);
        let mut asked: Vec<_> = trios
            .iter()
            .map(|trio| {
                let mut dice = Dice(dice.below(u64::MAX));
                move || {
                    let question = match name {
                        "note" => "note half-read".to_owned(),
                        "status --at" => format!("{name} {}", trio.instant(&mut dice)),
                        _ => name.to_owned(),
                    };
                    Process::ours(&trio.ours, &question).take()
                }
            })
            .collect();
        let mut sides: Vec<&mut dyn FnMut() -> _> = asked.iter_mut().map(|side| side as _).collect();
        let samples = turns(scale.rounds, &mut sides);
        report.cells(&cells(name, &samples));
        let points =
            trios.iter().zip(&samples).map(|(trio, samples)| (trio.events as f64, samples.seconds()));
        curves.push(points.collect());
    }
    draw(&curves)
}

fn cells(name: &str, samples: &[Samples]) -> Vec<String> {
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);
    let more = last.over(first);
    let goal = match name {
        "note" => goal("≤ 1.15", more <= 1.15),
        _ => String::new(),
    };
    let shown = samples.iter().map(|samples| samples.shown(Shown::Time));
    let start = [format!("`{name}`"), first.rounds()].into_iter();
    start.chain(shown).chain([digits(more), goal]).collect()
}

/// Draws curves of (events, seconds), both axes by powers of ten.
fn draw(curves: &[Vec<(f64, f64)>]) -> String {
    let points = || curves.iter().flatten();
    let (least, most) = decades(points().map(|point| point.0));
    let (fast, slow) = decades(points().map(|point| point.1));
    let x = |events: f64| LEFT + (RIGHT - LEFT) * (events.log10() - least) / (most - least);
    let y = |seconds: f64| BOTTOM - (BOTTOM - TOP) * (seconds.log10() - fast) / (slow - fast);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    for power in least as i32..=most as i32 {
        let (events, at) = (10f64.powi(power), x(10f64.powi(power)));
        line(&mut svg, (at, TOP), (at, BOTTOM));
        text(&mut svg, (at, BOTTOM + 20.0), "middle", "#333", &thousands(events).replace(".00", ""));
    }
    for power in fast as i32..=slow as i32 {
        let (seconds, at) = (10f64.powi(power), y(10f64.powi(power)));
        line(&mut svg, (LEFT, at), (RIGHT, at));
        text(
            &mut svg,
            (LEFT - 8.0, at + 4.0),
            "end",
            "#333",
            &time_text(seconds).replace(".00", "").replace(".0", ""),
        );
    }
    text(&mut svg, (LEFT, TOP - 12.0), "start", "#333", "median time of a process");
    text(&mut svg, (f64::midpoint(LEFT, RIGHT), BOTTOM + 40.0), "middle", "#333", "events in the log");
    let ends: Vec<f64> = curves.iter().map(|curve| y(curve[curve.len() - 1].1)).collect();
    for ((curve, (name, colour)), end) in curves.iter().zip(MEASURES).zip(apart(&ends)) {
        let path: Vec<String> =
            curve.iter().map(|(events, seconds)| format!("{:.1},{:.1}", x(*events), y(*seconds))).collect();
        writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        )
        .expect("a text");
        for point in path {
            let (x, y) = point.split_once(',').expect("two numbers");
            writeln!(svg, r#"<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>"#).expect("a text");
        }
        text(&mut svg, (RIGHT + 10.0, end + 4.0), "start", colour, name);
    }
    svg + "</svg>\n"
}

/// Returns the powers of ten around numbers.
fn decades(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = numbers.clone().fold(f64::INFINITY, f64::min).log10() + 0.01;
    let most = numbers.fold(0.0, f64::max).log10() - 0.01;
    (least.floor(), most.ceil().max(least.floor() + 1.0))
}

/// Moves labels apart that would be one on the other.
fn apart(places: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|one, other| places[*one].total_cmp(&places[*other]));
    let mut moved = places.to_vec();
    for pair in order.windows(2) {
        moved[pair[1]] = moved[pair[1]].max(moved[pair[0]] + 16.0);
    }
    moved
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    writeln!(
        svg,
        r##"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="#ddd"/>"##,
        from.0, from.1, to.0, to.1
    )
    .expect("a text");
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, colour: &str, text: &str) {
    writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}" fill="{colour}">{text}</text>"#,
        at.0, at.1
    )
    .expect("a text");
}
