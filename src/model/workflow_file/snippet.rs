//! Pictures of the places in a text that an error marks.
//!
//! The lines are cut, escaped and only then given to annotate-snippets, so that a text of one huge line
//! gives a short picture and no character of it can deceive. The line and the column are therefore worked
//! out here, on the text as it is.

use std::collections::BTreeMap;
use std::ops::Range;

#[cfg(feature = "snippets")]
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::model::escape;

/// The most characters of a line that is shown whole.
const LINE_CHARACTERS_MAX: usize = 120;
/// How many characters are shown before the mark in a line that is cut.
const LEAD_CHARACTERS: usize = 40;
/// Stands where a line is cut.
const CUT: &str = "…";
/// Lines between two marks are shown when they are no more than this.
const LINES_BETWEEN_MAX: usize = 2;

/// A part of the text to mark, and what to say of it.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) span: Range<usize>,
    pub(super) label: String,
}

/// A picture, and the place of the first mark, both from 1, the column in characters.
pub(super) struct Rendered {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) snippet: String,
}

/// Draws the marks (at least one; the first is the primary one).
pub(super) fn render(text: &str, file: &str, marks: &[Mark]) -> Rendered {
    let mut lines: BTreeMap<usize, Line<'_>> = BTreeMap::new();
    let mut place = (1, 1);
    for (at, mark) in marks.iter().enumerate() {
        // What is missing at the end of the text is missed behind its last word.
        let start = floor(text, mark.span.start.min(text.trim_end().len()));
        let line = Line::around(text, start);
        let limit = line.start + line.text.len();
        let start = start.min(limit);
        let end = floor(text, mark.span.end.min(text.len())).clamp(start, limit);
        if at == 0 {
            place = (line.number, text[line.start..start].chars().count() + 1);
        }
        let line = lines.entry(line.number).or_insert(line);
        line.marks.push((start - line.start..end - line.start, at));
    }
    let picture = draw(text, &lines, marks);
    // Its own header would have the column in the line as it is shown.
    let (line, column) = place;
    let last_line = lines.keys().next_back().copied().unwrap_or(1);
    let indent = " ".repeat(last_line.to_string().len());
    let snippet = format!("{indent}--> {file}:{line}:{column}\n{picture}");
    Rendered { line, column, snippet: snippet.trim_end_matches('\n').to_owned() }
}

/// Draws the lines with their marks, from the second line of a picture on.
#[cfg(feature = "snippets")]
fn draw(text: &str, lines: &BTreeMap<usize, Line<'_>>, marks: &[Mark]) -> String {
    let (source, spans) = compose(text, lines);
    let annotations = spans.into_iter().map(|(span, at)| {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = Some(escape(&marks[at].label)).filter(|label| !label.is_empty());
        kind.span(span).label(label)
    });
    let first_line = lines.keys().next().copied().unwrap_or(1);
    let picture = Snippet::source(source).line_start(first_line).annotations(annotations);
    Renderer::plain().render(&[Group::with_level(Level::ERROR).element(picture)])
}

/// Draws nothing: without what draws, the place has to do.
#[cfg(not(feature = "snippets"))]
fn draw(_: &str, _: &BTreeMap<usize, Line<'_>>, _: &[Mark]) -> String {
    String::new()
}

/// Returns the last character's edge at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A line of the text, and what is marked in it: a range of its bytes, and the mark's number.
struct Line<'t> {
    number: usize,
    start: usize,
    text: &'t str,
    marks: Vec<(Range<usize>, usize)>,
}

impl<'t> Line<'t> {
    fn around(text: &'t str, at: usize) -> Self {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let number = text[..start].bytes().filter(|&byte| byte == b'\n').count() + 1;
        let line = text[start..].split('\n').next().unwrap_or_default();
        Line { number, start, text: line.strip_suffix('\r').unwrap_or(line), marks: Vec::new() }
    }
}

/// Puts the shown lines together, from the first marked one to the last. Lines far from any mark are left
/// empty: they are folded away.
fn compose(text: &str, lines: &BTreeMap<usize, Line<'_>>) -> (String, Vec<(Range<usize>, usize)>) {
    let mut source = String::new();
    let mut spans = Vec::new();
    let mut last: Option<&Line<'_>> = None;
    for line in lines.values() {
        if let Some(last) = last {
            let between = line.number - last.number - 1;
            source.push('\n');
            if between <= LINES_BETWEEN_MAX {
                for plain in text[last.start..].split('\n').skip(1).take(between) {
                    source.push_str(&Window::of(plain.trim_end(), 0).show());
                    source.push('\n');
                }
            } else {
                source.push_str(&"\n".repeat(between));
            }
        }
        let primary = line.marks.iter().min_by_key(|(_, at)| *at);
        let window = Window::of(line.text, primary.map_or(0, |(mark, _)| mark.start));
        let base = source.len();
        source.push_str(&window.show());
        for (mark, at) in &line.marks {
            if let Some(span) = window.place(mark) {
                spans.push((base + span.start..base + span.end, *at));
            }
        }
        last = Some(line);
    }
    (source, spans)
}

/// The part of a line that is shown.
struct Window<'t> {
    line: &'t str,
    range: Range<usize>,
}

impl<'t> Window<'t> {
    /// Cuts a long line to what stands around the byte `at`.
    fn of(line: &'t str, at: usize) -> Self {
        let after = |from: usize| {
            let mut rest = line[from..].char_indices();
            rest.nth(LINE_CHARACTERS_MAX).map_or(line.len(), |(offset, _)| from + offset)
        };
        if after(0) == line.len() {
            return Window { line, range: 0..line.len() };
        }
        let lead = line[..at].char_indices().rev().nth(LEAD_CHARACTERS - 1);
        let start = lead.map_or(0, |(offset, _)| offset);
        Window { line, range: start..after(start) }
    }

    /// Returns what is shown, with `…` where the line is cut.
    fn show(&self) -> String {
        let end = if self.range.end < self.line.len() { CUT } else { "" };
        format!("{}{}{end}", self.start(), show(&self.line[self.range.clone()]))
    }

    /// Returns where a part of the line is in what is shown; none where it was cut away.
    fn place(&self, part: &Range<usize>) -> Option<Range<usize>> {
        if part.start < self.range.start || part.start > self.range.end {
            return None;
        }
        let at = |offset: usize| {
            self.start().len() + show(&self.line[self.range.start..offset.min(self.range.end)]).len()
        };
        Some(at(part.start)..at(part.end))
    }

    fn start(&self) -> &'static str {
        if self.range.start > 0 { CUT } else { "" }
    }
}

/// Escapes a part of a line; a tab becomes spaces.
fn show(part: &str) -> String {
    part.split('\t').map(escape).collect::<Vec<_>>().join("    ")
}
