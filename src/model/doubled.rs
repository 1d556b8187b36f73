//! Keys that come twice in an object of a JSON text: which of the two values is meant nobody can tell.

use std::collections::HashSet;

use super::text::escape;

/// A key that an object has twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key `{}` comes twice in one object", escape(key))]
pub struct Doubled {
    /// The key.
    pub key: String,
    /// Where it comes the second time, in bytes from the start of the text.
    pub at: usize,
}

impl Doubled {
    /// Returns the first key of a JSON text that comes twice in its object, however deep that lies; none too where the text
    /// is no JSON, which whoever reads it says better.
    pub fn find(json: &str) -> Option<Doubled> {
        let mut open: Vec<Option<Keys>> = Vec::new();
        let mut rest = json.char_indices();
        while let Some((at, character)) = rest.next() {
            match character {
                '{' => open.push(Some(Keys::default())),
                '[' => open.push(None),
                '}' | ']' => drop(open.pop()),
                ',' => open.iter_mut().last().into_iter().flatten().for_each(|keys| keys.is_next = true),
                '"' => {
                    let end = end_of_string(&mut rest)?;
                    let Some(Some(keys)) = open.last_mut() else { continue };
                    if !std::mem::take(&mut keys.is_next) {
                        continue;
                    }
                    let key: String = serde_json::from_str(&json[at..=end]).ok()?;
                    if !keys.seen.insert(key.clone()) {
                        return Some(Doubled { key, at });
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Returns the line and the column, both from 1, at which it comes the second time in the text; columns are of bytes.
    pub fn place(&self, json: &str) -> (usize, usize) {
        let before = &json.as_bytes()[..self.at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        (line, self.at - start + 1)
    }
}

/// The keys of an object that have been read.
struct Keys {
    seen: HashSet<String>,
    /// Whether the string that comes next is a key.
    is_next: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Keys { seen: HashSet::new(), is_next: true }
    }
}

/// Goes to the quote that ends a string, and returns where that is.
fn end_of_string(rest: &mut std::str::CharIndices<'_>) -> Option<usize> {
    loop {
        match rest.next()? {
            (_, '\\') => drop(rest.next()?),
            (at, '"') => return Some(at),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_twice_is_found_wherever_it_is() {
        for (json, key, place) in [
            (r#"{"k":1,"k":2}"#, "k", (1, 8)),
            (r#"{"a":[{"k":"{","l":"}","k":[]}]}"#, "k", (1, 24)),
            ("{\"a\":{\"b\":{}},\n \"é\":1, \"\\u00e9\":2}", "é", (2, 10)),
            (r#"[{"\"":"k","k":1,"\u0022":2}]"#, "\"", (1, 18)),
        ] {
            let doubled = Doubled::find(json).expect(json);
            assert_eq!((doubled.key.as_str(), doubled.place(json)), (key, place), "{json}");
        }
        for json in [
            r#"{"a":{"k":1},"b":{"k":1},"k":["k","k",{"k":"k"}]}"#,
            r#"["k","k"]"#,
            r#"{"k":"k","l":"k"}"#,
            r#"{"k":1,"K":2}"#,
            r#"{"k":1,"k"#,
            r#""k""#,
            "",
        ] {
            assert_eq!(Doubled::find(json), None, "{json}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), r#"{"k":1,"k":2}"#);
        assert_eq!(Doubled::find(&deep).map(|doubled| doubled.at), Some(100_007));
    }
}
