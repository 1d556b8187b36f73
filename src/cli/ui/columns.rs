//! Aligned columns, of which the last one may be long: on a terminal it takes what room is left, and other
//! columns make room for it. For a program nothing is left out or wrapped.

use std::fmt::Write;

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Width};

use crate::cli::ui::render;

/// The room that the last column gets at least, in columns of a terminal.
const LAST_WIDTH_MIN: usize = 20;

/// The longest word for which the other columns make room, so that it need not be broken.
const WORD_WIDTH_MAX: usize = 36;

/// How much of a terminal a column that stays may take before it wraps, in hundredths.
const STAYING_WIDTH_MAX: usize = 45;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub header: &'static str,
    /// How soon it makes room on a narrow terminal: the highest first; 0 stays.
    pub yields: u8,
}

/// What came of some columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// The lines.
    pub text: String,
    /// The columns that made room.
    pub left_out: Vec<&'static str>,
}

/// Aligns rows. Columns that are empty in all of them are left out.
pub fn show(columns: &[Column], rows: &[Vec<String>], width: Option<u16>) -> Shown {
    let widest: Vec<usize> = (0..columns.len())
        .map(|at| rows.iter().map(|row| render::width(&row[at])).max().unwrap_or(0))
        .collect();
    let kept: Vec<usize> = (0..columns.len()).filter(|&at| widest[at] > 0).collect();
    let is_plain = || rows.iter().flatten().all(|cell| !cell.contains(['\n', '\t']));
    match width {
        None if !kept.is_empty() && is_plain() => {
            Shown { text: aligned(columns, rows, &kept, &widest), left_out: Vec::new() }
        }
        width => arranged(columns, rows, kept, &widest, width),
    }
}

/// Aligns rows of which none wraps, however many there are.
fn aligned(columns: &[Column], rows: &[Vec<String>], kept: &[usize], widest: &[usize]) -> String {
    let bold = Style::new().bold();
    let room = |at: usize| widest[at].max(render::width(columns[at].header));
    let mut text = String::new();
    for &at in kept {
        let header = columns[at].header;
        let gap = room(at) + 2 - render::width(header);
        let _ = write!(text, "{bold}{header}{bold:#}{:gap$}", "");
    }
    end_line(&mut text, 0);
    for row in rows {
        text.push('\n');
        let start = text.len();
        for &at in kept {
            let gap = room(at) + 2 - render::width(&row[at]);
            let _ = write!(text, "{}{:gap$}", row[at], "");
        }
        end_line(&mut text, start);
    }
    text
}

/// Takes the white space away at the end of a line that begins there.
fn end_line(text: &mut String, start: usize) {
    text.truncate(start + text[start..].trim_end().len());
}

/// Arranges rows within a width, where there is one.
fn arranged(
    columns: &[Column],
    rows: &[Vec<String>],
    mut kept: Vec<usize>,
    widest: &[usize],
    width: Option<u16>,
) -> Shown {
    let word = |row: &Vec<String>| row.last()?.split(' ').map(render::width).max();
    let word = rows.iter().filter_map(word).max().unwrap_or(0).clamp(LAST_WIDTH_MIN, WORD_WIDTH_MAX);
    let terminal = width.map_or(usize::MAX, usize::from);
    let staying = width.map_or(usize::MAX, |width| usize::from(width) * STAYING_WIDTH_MAX / 100);
    let needs = |at: usize| widest[at].max(columns[at].header.len());
    let room = |kept: &[usize], last_min: usize| -> usize {
        let (last, others) = kept.split_last().expect("a column that is not empty");
        let others: usize = others.iter().map(|&at| needs(at).min(staying) + 2).sum();
        others + needs(*last).min(last_min)
    };
    let mut left_out = Vec::new();
    while !kept.is_empty() && room(&kept, word) > terminal {
        let yields = kept.iter().copied().filter(|&at| columns[at].yields > 0);
        let Some(first) = yields.max_by_key(|&at| columns[at].yields) else { break };
        kept.retain(|&at| at != first);
        left_out.push(columns[first].header);
    }
    let fits = !kept.is_empty() && room(&kept, LAST_WIDTH_MIN) <= terminal;
    let headers: Vec<_> = kept.iter().map(|&at| columns[at].header).collect();
    let mut table = render::table(&headers);
    match width.filter(|_| fits) {
        None => table.set_content_arrangement(ContentArrangement::Disabled),
        // The table pads its sides by a space each, which `render::lines` takes away.
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(2))
        }
    };
    for row in rows {
        table.add_row(kept.iter().map(|&at| &row[at]));
    }
    for (place, &at) in kept.iter().enumerate().take(kept.len().saturating_sub(1)) {
        let constraint = match needs(at) <= staying || !fits {
            true => ColumnConstraint::ContentWidth,
            false => ColumnConstraint::Absolute(Width::Fixed(staying as u16 + 2)),
        };
        table.column_mut(place).expect("a column").set_constraint(constraint);
    }
    Shown { text: render::lines(&table), left_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { header: "phase", yields: 0 },
        Column { header: "attempt", yields: 1 },
        Column { header: "started", yields: 2 },
        Column { header: "empty", yields: 0 },
        Column { header: "note", yields: 0 },
    ];

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
        let note = "\u{1b}[33mwords\u{1b}[0m that go on and on and on and on";
        vec![row(["a", "1", "yesterday", "", note]), row(["漢字", "", "", "", ""])]
    }

    #[test]
    fn nothing_is_left_out_for_a_program_but_what_is_empty() {
        let shown = show(COLUMNS, &rows(), None);
        assert!(shown.left_out.is_empty());
        let plain = anstream::adapter::strip_str(&shown.text).to_string();
        let lines: Vec<_> = plain.lines().collect();
        assert_eq!(lines[0], "phase  attempt  started    note");
        assert_eq!(lines[1], "a      1        yesterday  words that go on and on and on and on");
        assert_eq!(lines[2], "漢字");
    }

    #[test]
    fn what_is_aligned_is_what_is_arranged_without_a_width() {
        for rows in [rows(), rows()[1..].to_vec(), vec![vec![String::new(); 5]; 2]] {
            let widest: Vec<usize> =
                (0..5).map(|at| rows.iter().map(|row| render::width(&row[at])).max().unwrap_or(0)).collect();
            let kept: Vec<usize> = (0..5).filter(|&at| widest[at] > 0).collect();
            let arranged = arranged(COLUMNS, &rows, kept, &widest, None);
            assert_eq!(show(COLUMNS, &rows, None), arranged);
        }
    }

    #[test]
    fn columns_make_room_on_a_terminal_and_the_last_one_wraps() {
        let shown = show(COLUMNS, &rows(), Some(40));
        assert_eq!(shown.left_out, ["started"]);
        assert!(shown.text.lines().all(|line| render::width(line) <= 40), "{}", shown.text);
        assert!(shown.text.lines().count() > 3, "{}", shown.text);
        let name = "a name that is longer than half of it".to_owned();
        let long = [name, "1".to_owned(), String::new(), String::new(), "note".to_owned()].to_vec();
        let shown = show(COLUMNS, &[long], Some(50));
        assert!(shown.left_out.is_empty());
        assert!(shown.text.lines().all(|line| render::width(line) <= 50), "{}", shown.text);
        let shown = show(COLUMNS, &rows(), Some(10));
        assert_eq!(shown.left_out, ["started", "attempt"]);
        assert_eq!(shown.text.lines().count(), 3, "too narrow to wrap: {}", shown.text);
    }
}
