//! Keys that come twice in an object of a JSON text: which of the two values is meant nobody can tell.

use std::borrow::Cow;
use std::collections::BTreeSet;

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
        let bytes = json.as_bytes();
        let (mut open, mut at) = (Vec::<Option<Keys<'_>>>::new(), 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' => open.push(Some(Keys::default())),
                b'[' => open.push(None),
                b'}' | b']' => drop(open.pop()),
                b',' => open.iter_mut().last().into_iter().flatten().for_each(|keys| keys.is_next = true),
                b'"' => {
                    let (start, end) = (at, end_of_string(bytes, at)?);
                    at = end;
                    if let Some(Some(keys)) = open.last_mut()
                        && std::mem::take(&mut keys.is_next)
                    {
                        let key = key(&json[start..=end])?;
                        if keys.seen.contains(&key) {
                            return Some(Doubled { key: key.into_owned(), at: start });
                        }
                        keys.seen.insert(key);
                    }
                }
                _ => {}
            }
            at += 1;
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
struct Keys<'a> {
    seen: BTreeSet<Cow<'a, str>>,
    /// Whether the string that comes next is a key.
    is_next: bool,
}

impl Default for Keys<'_> {
    fn default() -> Self {
        Keys { seen: BTreeSet::new(), is_next: true }
    }
}

/// Returns where the quote is that ends the string which begins at a place.
fn end_of_string(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match json.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
}

/// Reads a key, with its quotes; most have no escapes.
fn key(quoted: &str) -> Option<Cow<'_, str>> {
    let key = &quoted[1..quoted.len() - 1];
    match key.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control()) {
        true => serde_json::from_str(quoted).ok().map(Cow::Owned),
        false => Some(Cow::Borrowed(key)),
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
