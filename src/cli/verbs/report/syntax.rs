//! GitHub-flavoured Markdown: what people wrote, shown as they wrote it and never as structure, and tables
//! that read well as they are, or are folded away.
//!
//! The rules are those of the GitHub Flavored Markdown Spec 0.29: sections 2.4 and 6.1 (escapes), 4.5
//! (fences), 4.10 (tables) and 6.3 (code spans).

use phaseledger::model::escape;
use unicode_width::UnicodeWidthStr;

/// The widest that a column is made for the sake of alignment; what is wider sticks out.
const COLUMN_WIDTH_MAX: usize = 100;

/// The most rows that a reader takes in at once: a longer table is folded away, and nobody reads it unrendered.
pub const MANY: usize = 40;

/// Returns a text that shows as it is anywhere within a line, a table's cell included.
pub fn text(given: &str) -> String {
    let lines: Vec<_> = given.trim_end().lines().map(|line| inline(&escape(line))).collect();
    lines.join("<br>")
}

/// Writes the characters of one line that Markdown gives a meaning so that they have none.
fn inline(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // In a table a backslash before it would be taken for the pipe's own escape.
            '\\' => shown.push_str("&#92;"),
            '|' => shown.push_str("&#124;"),
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => shown.push('_'),
            '`' | '*' | '_' | '[' | ']' | '~' | '$' => shown.extend(['\\', character]),
            // Lists, headings and rules, where the text begins a line.
            '#' | '+' | '-' | '=' if shown.is_empty() => shown.extend(['\\', character]),
            '.' | ')' if !shown.is_empty() && shown.bytes().all(|byte| byte.is_ascii_digit()) => {
                shown.extend(['\\', character]);
            }
            _ => shown.push(character),
        }
        before = character;
    }
    shown
}

/// Returns a name or a value as code, within a line or a table's cell.
///
/// A code span can hold neither a backtick at will nor, in a table, a backslash before a pipe; a text that has
/// one of these becomes `<code>` with every mark of ASCII written as a number.
pub fn code(given: &str) -> String {
    let shown = escape(given);
    let is_plain = |c: char| !matches!(c, '`' | '|' | '\\');
    if !shown.is_empty() && shown.trim() == shown && shown.chars().all(is_plain) {
        return format!("`{shown}`");
    }
    let mut numbers = String::from("<code>");
    for character in shown.chars() {
        match character {
            '_' | '-' | '.' | '/' | ' ' => numbers.push(character),
            _ if character.is_ascii_punctuation() => {
                numbers.push_str(&format!("&#{};", u32::from(character)));
            }
            _ => numbers.push(character),
        }
    }
    numbers.push_str("</code>");
    numbers
}

/// Returns several lines as a block of code, each line after `indent`, the fence longer than any in it.
pub fn block(language: &str, given: &str, indent: &str) -> String {
    let runs = given.split(|character| character != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    let mut block = format!("{indent}{fence}{language}\n");
    for line in given.trim_end().lines() {
        let line = escape(&line.replace('\t', "    "));
        block.push_str(format!("{indent}{line}").trim_end());
        block.push('\n');
    }
    block.push_str(&format!("{indent}{fence}\n"));
    block
}

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left: words.
    Left,
    /// At the right: numbers.
    Right,
}

/// Returns a table without the columns that are empty, of up to [`MANY`] rows aligned. Cells are Markdown without a
/// bare pipe or a line's end, as [`text`] and [`code`] make it.
pub fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let is_said = |column: &usize| *column == 0 || rows.iter().any(|row| !row[*column].is_empty());
    let is_long = rows.len() > MANY;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        let widest = cells.filter(|&width| width <= COLUMN_WIDTH_MAX).max().unwrap_or(0);
        widest.max(columns[column].0.width())
    };
    let said = (0..columns.len()).filter(is_said);
    let said: Vec<_> = said.map(|column| (column, (!is_long).then(|| width(column)))).collect();
    let mut lines = String::new();
    let headers: Vec<_> = columns.iter().map(|(header, _)| (*header).to_owned()).collect();
    push_row(&mut lines, columns, &said, &headers);
    for &(column, width) in &said {
        let end = if columns[column].1 == Align::Right { ":" } else { "-" };
        lines.push_str(&format!("|{}{end}", "-".repeat(width.map_or(1, |width| width + 1))));
    }
    lines.push_str("|\n");
    for row in rows {
        push_row(&mut lines, columns, &said, row);
    }
    lines
}

/// Writes of a row the cells of the columns that are said, each in the width that it has, or bare.
fn push_row(
    lines: &mut String,
    columns: &[(&str, Align)],
    said: &[(usize, Option<usize>)],
    cells: &[String],
) {
    for &(column, width) in said {
        let cell = &cells[column];
        let room = " ".repeat(width.unwrap_or(0).saturating_sub(cell.width()));
        match (width, columns[column].1) {
            (None, _) => lines.push_str(&format!("|{cell}")),
            (Some(_), Align::Left) => lines.push_str(&format!("| {cell}{room} ")),
            (Some(_), Align::Right) => lines.push_str(&format!("| {room}{cell} ")),
        }
    }
    lines.push_str("|\n");
}

/// Returns a part of the document, folded away under `title` where it is of more than [`MANY`] things.
pub fn folded(things: usize, title: &str, part: &str) -> String {
    match things {
        0..=MANY => part.to_owned(),
        _ => format!("<details>\n<summary>{title}</summary>\n\n{part}\n</details>\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_structure() {
        for (given, shown) in [
            ("phase_2_analysis", "phase_2_analysis"),
            ("__init__", "\\_\\_init\\_\\_"),
            ("a|b", "a&#124;b"),
            ("a\\|b", "a&#92;&#124;b"),
            ("`x` *y* ~z~ [l](u) $m$", "\\`x\\` \\*y\\* \\~z\\~ \\[l\\](u) \\$m\\$"),
            ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
            ("1. one", "1\\. one"),
            ("# one", "\\# one"),
            ("- one - two", "\\- one - two"),
            ("one\r\n# two\n", "one<br>\\# two"),
            ("a\u{202E}b\u{1b}[2J", "a&#92;u{202e}b&#92;u{1b}\\[2J"),
            ("漢字 ✓", "漢字 ✓"),
        ] {
            assert_eq!(text(given), shown, "{given:?}");
        }
    }

    #[test]
    fn code_is_code_whatever_is_in_it() {
        for (given, shown) in [
            ("phase_2", "`phase_2`"),
            ("a*b<c>&d", "`a*b<c>&d`"),
            ("", "<code></code>"),
            ("a`b", "<code>a&#96;b</code>"),
            ("a\\|b", "<code>a&#92;&#124;b</code>"),
            (" a", "<code> a</code>"),
            ("a\nb", "<code>a&#92;u&#123;a&#125;b</code>"),
        ] {
            assert_eq!(code(given), shown, "{given:?}");
        }
    }

    #[test]
    fn a_block_ends_where_it_should() {
        assert_eq!(block("", "a\n```\nb\u{1b}", ""), "````\na\n```\nb\\u{1b}\n````\n");
        assert_eq!(block("text", "a\n\n\tb\n", "  "), "  ```text\n  a\n\n      b\n  ```\n");
    }

    fn cells(row: &[&str]) -> Vec<String> {
        row.iter().map(|&cell| cell.to_owned()).collect()
    }

    #[test]
    fn tables_are_aligned_and_have_no_empty_column() {
        let wide = "x".repeat(101);
        let rows = [cells(&["漢字", "", "1"]), cells(&[&wide, "", "10"])];
        let columns = [("Name", Align::Left), ("Kind", Align::Left), ("Count", Align::Right)];
        let expected = format!("| Name | Count |\n|------|------:|\n| 漢字 |     1 |\n| {wide} |    10 |\n");
        assert_eq!(table(&columns, &rows), expected);
        assert_eq!(table(&columns[..1], &[]), "| Name |\n|------|\n");
    }

    #[test]
    fn a_long_table_has_no_room_in_it_and_is_folded_away() {
        let rows = vec![cells(&["a", "1"]); MANY + 1];
        let shown = table(&[("Name", Align::Left), ("Count", Align::Right)], &rows);
        let start = "|Name|Count|\n|--|-:|\n|a|1|\n";
        assert!(shown.starts_with(start), "{shown}");
        assert_eq!(folded(MANY, "many", "part\n"), "part\n");
        let expected = "<details>\n<summary>many</summary>\n\npart\n\n</details>\n";
        assert_eq!(folded(MANY + 1, "many", "part\n"), expected);
    }
}
