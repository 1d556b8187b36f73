//! JSON in one form, whatever its spelling: what says the same is the same text.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Amount;

/// The longest number that is written without an exponent, in digits.
const PLAIN_DIGITS_MAX: usize = 40;

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
    let mut written = String::with_capacity(json.len());
    match serde_json::from_str(json).ok().and_then(|value| write(&mut written, value, of)) {
        Some(()) => written,
        None => json.to_owned(),
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
    fn what_says_the_same_is_the_same() {
        let one = r#"{"b":[1.0,{"z":"\u00e9\/","a":null}],"a":true}"#;
        let other = r#"{ "\u0061" : true, "b" : [ 1e0 , {"a":null,"z":"é/"} ] }"#;
        assert_eq!(canonical(one, Of::Anything), r#"{"a":true,"b":[1,{"a":null,"z":"é/"}]}"#);
        assert_eq!(canonical(one, Of::Anything), canonical(other, Of::Anything));
        assert_ne!(canonical(r#"["1"]"#, Of::Anything), canonical("[1]", Of::Anything));
        let definition = r#"{"cost_limit":"1.10","name":"1.10"}"#;
        assert_eq!(canonical(definition, Of::Definition), r#"{"cost_limit":"1.1","name":"1.10"}"#);
    }
}
