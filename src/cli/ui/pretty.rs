//! JSON as a person reads it: numbers and strings as they were given, in lines of their own where long.

use phaseledger::model::escape;

/// How long an object or a list may be to stand in one line, in bytes.
const INLINE_BYTES_MAX: usize = 72;

/// Returns a JSON text as lines. What is short stays together; characters that could deceive are escaped.
pub fn json(text: &str) -> Vec<String> {
    let mut lines = Lines { done: Vec::new(), line: String::new(), depth: 0 };
    let mut rest = text.trim();
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '{' | '[' => lines.open(rest),
            '}' | ']' => lines.close(next),
            ',' => lines.part(),
            ':' => lines.push(":", ": "),
            '"' => lines.copy(&rest[..string(rest)]),
            ' ' | '\t' | '\n' | '\r' => 1,
            _ => lines.copy(&rest[..rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len())]),
        };
        rest = &rest[taken..];
    }
    lines.done.push(lines.line);
    lines.done.iter().map(|line| escape(line)).collect()
}

/// The lines of a JSON text in the making. What adds to them returns how many bytes it took.
struct Lines {
    done: Vec<String>,
    line: String,
    depth: usize,
}

impl Lines {
    fn push(&mut self, taken: &str, shown: &str) -> usize {
        self.line.push_str(shown);
        taken.len()
    }

    fn copy(&mut self, taken: &str) -> usize {
        self.push(taken, taken)
    }

    fn end_line(&mut self) {
        let next = "  ".repeat(self.depth);
        self.done.push(std::mem::replace(&mut self.line, next));
    }

    fn open(&mut self, rest: &str) -> usize {
        let end = container(rest);
        if end <= INLINE_BYTES_MAX {
            return self.copy(&rest[..end]);
        }
        self.copy(&rest[..1]);
        self.depth += 1;
        self.end_line();
        1
    }

    fn close(&mut self, bracket: char) -> usize {
        self.depth = self.depth.saturating_sub(1);
        self.end_line();
        self.line.push(bracket);
        1
    }

    fn part(&mut self) -> usize {
        self.line.push(',');
        self.end_line();
        1
    }
}

/// Returns where the string that a text starts with ends.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, character)| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Returns where the object or list that a text starts with ends, or a place beyond [`INLINE_BYTES_MAX`].
fn container(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at <= INLINE_BYTES_MAX && at < text.len() {
        match text.as_bytes()[at] {
            b'"' => at += string(&text[at..]) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_things_stay_together_and_long_ones_are_parted() {
        let short = r#"{"a":[1,2],"b":"x, {y\" \\"}"#;
        assert_eq!(json(short), [short]);
        assert_eq!(json("1.10"), ["1.10"]);
        let long = format!(r#"{{"a":"{}","b":{{"c":[1.10,{{}}]}},"é":null}}"#, "x, [".repeat(30));
        let expected = format!(
            "{{\n  \"a\": \"{}\",\n  \"b\": {{\"c\":[1.10,{{}}]}},\n  \"é\": null\n}}",
            "x, [".repeat(30)
        );
        assert_eq!(json(&long).join("\n"), expected);
        assert_eq!(json("\"a\u{202E}b\""), ["\"a\\u{202e}b\""]);
    }
}
