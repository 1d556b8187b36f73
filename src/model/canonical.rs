//! JSON in one form, whatever its spelling: what says the same is the same text.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Amount;

/// The longest number that is written without an exponent, in digits.
const PLAIN_DIGITS_MAX: usize = 40;

/// Deeper values are read step by step.
const DEPTH_MAX: u32 = 16;

/// The fields of a definition that hold amounts, which are compared by what they are worth.
const AMOUNTS: [&str; 4] = ["cost_limit", "auto_approve_below", "require_above", "reject_above"];

/// What a JSON text is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// What a caller attached, or anything else that has no rules of its own.
    Anything,
    /// A definition.
    Definition,
}

/// Returns a JSON text with its keys sorted, without white space, with strings escaped no more than they must be and
/// numbers by what they are worth: `1.10`, `1.1` and `11e-1` are one. A text that is no JSON stays as it is.
pub(super) fn canonical(json: &str, of: Of) -> String {
    if of == Of::Anything && canonical_length(json.as_bytes(), 0) == Some(json.len()) {
        return json.to_owned();
    }
    let mut written = String::with_capacity(json.len());
    match serde_json::from_str(json).ok().and_then(|value| write(&mut written, value, of)) {
        Some(()) => written,
        None => json.to_owned(),
    }
}

/// Returns how many bytes the JSON value has that some bytes begin with, where it is in the one form as it stands, as most
/// are; none where it may be not.
fn canonical_length(json: &[u8], depth: u32) -> Option<usize> {
    match json.first()? {
        b'"' => plain_string(json),
        b'{' | b'[' if depth == DEPTH_MAX => None,
        b'{' => canonical_members(json, b'}', |json, last| {
            let (quoted, rest) = json.split_at(plain_string(json)?);
            // The quotes do not count in the order.
            let name = &quoted[1..quoted.len() - 1];
            let value = rest.strip_prefix(b":")?;
            if last.replace(name).is_some_and(|last| last >= name) {
                return None;
            }
            Some(quoted.len() + 1 + canonical_length(value, depth + 1)?)
        }),
        b'[' => canonical_members(json, b']', |json, _| canonical_length(json, depth + 1)),
        b't' => json.starts_with(b"true").then_some(4),
        b'f' => json.starts_with(b"false").then_some(5),
        b'n' => json.starts_with(b"null").then_some(4),
        _ => plain_number(json),
    }
}

/// Returns how many bytes a list or an object has, of members that each have so many.
fn canonical_members<'a>(
    json: &'a [u8],
    end: u8,
    member: impl Fn(&'a [u8], &mut Option<&'a [u8]>) -> Option<usize>,
) -> Option<usize> {
    if json.get(1) == Some(&end) {
        return Some(2);
    }
    let (mut at, mut last) = (1, None);
    loop {
        at += member(&json[at..], &mut last)?;
        match json.get(at)? {
            b',' => at += 1,
            found if *found == end => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Returns how many bytes a text without escapes has, its quotes included.
fn plain_string(json: &[u8]) -> Option<usize> {
    let rest = json.strip_prefix(b"\"")?;
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (rest[end] == b'"').then_some(end + 2)
}

/// Returns how many bytes a whole number has that is written plainly.
fn plain_number(json: &[u8]) -> Option<usize> {
    let sign = usize::from(json.first() == Some(&b'-'));
    let digits = json[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_short = (1..=PLAIN_DIGITS_MAX).contains(&digits);
    let is_plain = json.get(sign) != Some(&b'0') || (sign, digits) == (0, 1);
    let goes_on = json.get(sign + digits).is_some_and(|next| matches!(next, b'.' | b'e' | b'E'));
    (is_short && is_plain && !goes_on).then_some(sign + digits)
}

/// Says whether one JSON text is the bare name of the phase that another one names in full, both in plain letters: then
/// neither needs to be read to know that it means it.
pub(super) fn is_bare_name_of(bare: &str, full: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let name = |json: &str| json.len() > 2 && json.bytes().skip(1).take(json.len() - 2).all(is_plain);
    let Some((workflow, phase)) = full.split_once('/') else { return false };
    name(bare) && workflow.len() > 1 && workflow[1..].bytes().all(is_plain) && phase == &bare[1..]
}

/// Returns the members of an object that was just written: names without escapes, with their values as JSON.
pub(super) fn members(json: &str) -> Option<Vec<(&str, &str)>> {
    let (mut members, mut rest) = (Vec::new(), json.strip_prefix('{')?);
    while let Some(begun) = rest.strip_prefix('"') {
        let (name, value) = begun.split_once('"')?;
        let value = value.strip_prefix(':')?;
        let (value, more) = value.split_at(value_length(value.as_bytes())?);
        members.push((name, value));
        rest = more.strip_prefix(',').unwrap_or(more);
    }
    (rest == "}").then_some(members)
}

/// Returns how many bytes there are in front of what ends a member of an object.
fn value_length(json: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match json.get(at)? {
            b'"' => at += string_length(&json[at..])? - 1,
            b'{' | b'[' => depth += 1,
            b',' | b'}' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
}

/// Returns how many bytes a text has, its quotes included.
fn string_length(json: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match json.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn write(out: &mut String, value: &RawValue, of: Of) -> Option<()> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            out.push('{');
            for (at, (key, value)) in fields.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(&string(&key));
                out.push(':');
                match amount(&key, value, of) {
                    Some(amount) => out.push_str(&amount),
                    None => write(out, value, of)?,
                }
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            out.push('[');
            for (at, item) in items.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write(out, item, of)?;
            }
            out.push(']');
        }
        b'"' => out.push_str(&string(&serde_json::from_str::<String>(json).ok()?)),
        b't' | b'f' | b'n' => out.push_str(json),
        _ => out.push_str(&number(json)),
    }
    Some(())
}

fn amount(key: &str, value: &RawValue, of: Of) -> Option<String> {
    (of == Of::Definition && AMOUNTS.contains(&key)).then(|| worth(value.get()))?
}

/// Returns an amount, a JSON text or number, as the shortest text that is worth as much; none for what is no amount.
pub(super) fn worth(json: &str) -> Option<String> {
    let amount: Amount = serde_json::from_str(json).ok()?;
    Some(string(&number(&amount.to_string())))
}

/// Returns a text as JSON.
pub(super) fn string(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// Returns a number in the one form that all of its spellings have; one beyond all counting stays as it is written.
fn number(json: &str) -> String {
    let (sign, rest) = json.strip_prefix('-').map_or(("", json), |rest| ("-", rest));
    let (decimal, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).ok().zip(i64::try_from(fraction.len()).ok());
    let exponent = exponent.parse::<i64>().ok().zip(shift);
    let Some(exponent) =
        exponent.and_then(|(by, (zeros, fraction))| by.checked_add(zeros)?.checked_sub(fraction))
    else {
        return json.to_owned();
    };
    let size = significant.len() as u64 + exponent.unsigned_abs();
    let plain = match usize::try_from(exponent.unsigned_abs()) {
        _ if size > PLAIN_DIGITS_MAX as u64 => format!("{significant}e{exponent}"),
        Ok(zeros) if exponent >= 0 => format!("{significant}{}", "0".repeat(zeros)),
        Ok(places) if places < significant.len() => {
            let (whole, fraction) = significant.split_at(significant.len() - places);
            format!("{whole}.{fraction}")
        }
        Ok(places) => format!("0.{}{significant}", "0".repeat(places - significant.len())),
        Err(_) => format!("{significant}e{exponent}"),
    };
    format!("{sign}{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_they_are_worth() {
        for (spellings, form) in [
            (&["1.1", "1.10", "11e-1", "0.11e1", "1.10E+0"][..], "1.1"),
            (&["0", "-0", "0.00", "0e9", "-0.0e-7"], "0"),
            (&["100", "1e2", "1E+2", "100.0", "10000e-2"], "100"),
            (&["-0.00000015", "-1.5e-07", "-15e-8"], "-0.00000015"),
            (&["1e400", "10e399", "0.1e401"], "1e400"),
            (&["1e-400", "10e-401"], "1e-400"),
            (
                &["123456789012345678901234567890", "12345678901234567890123456789.0e1"],
                "123456789012345678901234567890",
            ),
            (&["1e99999999999999999999"], "1e99999999999999999999"),
        ] {
            for spelling in spellings {
                assert_eq!(number(spelling), form, "{spelling}");
            }
        }
    }

    #[test]
    fn a_plain_bare_name_is_that_of_the_phase_in_full() {
        assert!(is_bare_name_of(r#""a.1""#, r#""w_2/a.1""#));
        for (bare, full) in [
            (r#""a""#, r#""w/b""#),
            (r#""a""#, r#""w/ba""#),
            (r#""a""#, r#""a""#),
            (r#""w/a""#, r#""w/a""#),
            (r#""é""#, r#""w/é""#),
            (r#""\u0061""#, r#""w/\u0061""#),
            (r#""""#, r#""w/""#),
            (r#""a""#, r#""/a""#),
            (r#""a""#, r#""v/w/a""#),
        ] {
            assert!(!is_bare_name_of(bare, full), "{bare} {full}");
        }
    }

    #[test]
    fn an_object_is_taken_apart() {
        let json = r#"{"a":{"x":"},\\\",","y":[1,{}]},"b":"","c":-1.5e3,"d":[]}"#;
        let parts = [("a", r#"{"x":"},\\\",","y":[1,{}]}"#), ("b", "\"\""), ("c", "-1.5e3"), ("d", "[]")];
        assert_eq!(members(json).as_deref(), Some(&parts[..]));
        assert_eq!(members("{}").as_deref(), Some(&[][..]));
        for other in ["", "[]", "{\"a\":1", "{\"a\":\"}", "{\"a\":1}}"] {
            assert_eq!(members(other), None, "{other}");
        }
    }

    #[test]
    fn what_says_the_same_is_the_same() {
        let one = r#"{"b":[1.0,{"z":"\u00e9\/","a":null}],"a":true}"#;
        let other = r#"{ "\u0061" : true, "b" : [ 1e0 , {"a":null,"z":"é/"} ] }"#;
        assert_eq!(canonical(one, Of::Anything), r#"{"a":true,"b":[1,{"a":null,"z":"é/"}]}"#);
        assert_eq!(canonical(one, Of::Anything), canonical(other, Of::Anything));
        for form in [
            r#"{"a":[],"a!":{"b":{},"c":[true,false,null,-10]},"aé":"x y","b":"漢"}"#,
            "[0,-1,100,1234567890123456789012345678901234567890]",
            "\"\"",
        ] {
            assert_eq!(canonical_length(form.as_bytes(), 0), Some(form.len()), "{form}");
            assert_eq!(canonical(&format!("[ {form} ]"), Of::Anything), format!("[{form}]"));
        }
        let deep = format!("{}1{}", "[".repeat(30), "]".repeat(30));
        for other in [
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a!":1,"a":1}"#,
            r#"["\u00e9"]"#,
            r#"["\\"]"#,
            "[1, 2]",
            "[1.0]",
            "[1e2]",
            "[-0]",
            "[01]",
            "[12345678901234567890123456789012345678901]",
            "[1",
            "[1}",
            "{\"a\"}",
            "nul",
            "",
            &deep,
        ] {
            assert_eq!(canonical_length(other.as_bytes(), 0), None, "{other}");
        }
        assert_ne!(canonical(r#"["1"]"#, Of::Anything), canonical("[1]", Of::Anything));
        let definition = r#"{"cost_limit":"1.10","name":"1.10"}"#;
        assert_eq!(canonical(definition, Of::Definition), r#"{"cost_limit":"1.1","name":"1.10"}"#);
    }
}
