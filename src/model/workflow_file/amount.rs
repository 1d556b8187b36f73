//! Amounts of money, read from their text so that no digit changes.

use rust_decimal::Decimal;

/// The most digits of an amount: as many as any [`Decimal`] holds.
const DIGITS_MAX: usize = 28;

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AmountFault {
    /// Below zero, or zero with a sign.
    Negative,
    /// Over [`DIGITS_MAX`] digits.
    TooLong,
    /// Not digits with at most one point.
    NotAnAmount,
}

impl AmountFault {
    /// Returns what follows "… is `-1`".
    pub(super) fn explain(self) -> String {
        match self {
            AmountFault::Negative => "which is negative; expected 0 or more".to_owned(),
            AmountFault::TooLong => {
                format!("which needs more digits than an amount has; expected at most {DIGITS_MAX}")
            }
            AmountFault::NotAnAmount => {
                "which is not an amount; expected digits such as \"30.00\"".to_owned()
            }
        }
    }
}

/// Reads an amount that is a string: digits, and a fraction after a point.
pub(super) fn amount_of_text(text: &str) -> Result<Decimal, AmountFault> {
    match text.strip_prefix('-') {
        Some(rest) => amount(rest, 0).and(Err(AmountFault::Negative)),
        None => amount(text, 0),
    }
}

/// Reads an amount that is a number of TOML or JSON: it may have a sign and an exponent, too.
pub(super) fn amount_of_number(text: &str) -> Result<Decimal, AmountFault> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else {
        return amount_of_text(text);
    };
    let written = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if written.is_empty() || !written.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountFault::NotAnAmount);
    }
    let huge = if exponent.starts_with('-') { i64::from(i32::MIN) } else { i64::from(i32::MAX) };
    let exponent = exponent.parse::<i32>().map_or(huge, i64::from);
    match digits.strip_prefix('-') {
        Some(_) => Err(AmountFault::Negative),
        None => amount(digits, exponent),
    }
}

fn amount(text: &str, exponent: i64) -> Result<Decimal, AmountFault> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
        return Err(AmountFault::NotAnAmount);
    }
    let fraction = fraction.unwrap_or_default();
    let mut digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    let mut scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(exponent);
    if digits.is_empty() {
        // Zero keeps the places it was written with, and no exponent moves it.
        digits.push('0');
        scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    }
    let zeros = usize::try_from(scale.min(0).unsigned_abs()).unwrap_or(usize::MAX);
    if digits.len().saturating_add(zeros) > DIGITS_MAX {
        return Err(AmountFault::TooLong);
    }
    digits.push_str(&"0".repeat(zeros));
    let scale = u32::try_from(scale.max(0)).ok().filter(|&scale| scale as usize <= DIGITS_MAX);
    let (Some(scale), Ok(digits)) = (scale, digits.parse()) else {
        return Err(AmountFault::TooLong);
    };
    Decimal::try_from_i128_with_scale(digits, scale).map_err(|_| AmountFault::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit() {
        for (text, expected) in [
            ("30.00", "30.00"),
            ("0", "0"),
            ("0.00", "0.00"),
            ("007.10", "7.10"),
            ("9999999999999999999999999999", "9999999999999999999999999999"),
            ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
        ] {
            assert_eq!(amount_of_text(text).map(|amount| amount.to_string()), Ok(expected.to_owned()));
        }
        for (text, expected) in [
            ("1.10", "1.10"),
            ("+5", "5"),
            ("1e2", "100"),
            ("1.5E-3", "0.0015"),
            ("12.5e1", "125"),
            ("0e9", "0"),
        ] {
            assert_eq!(amount_of_number(text).map(|amount| amount.to_string()), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        use AmountFault::{Negative, NotAnAmount, TooLong};
        for text in ["", "-", "+5", "1e2", "1,5", "1_000", " 1", ".5", "5.", "1.2.3", "nan", "inf", "٣"] {
            assert_eq!(amount_of_text(text), Err(NotAnAmount), "{text}");
        }
        for text in ["nan", "-inf", "1e", "1e+", "e5", "0x1f", "1e5.5"] {
            assert_eq!(amount_of_number(text), Err(NotAnAmount), "{text}");
        }
        for text in ["1e400", "1e-400", "1e99999999999999999999", "1e28", "10000000000000000000000000000"] {
            assert_eq!(amount_of_number(text), Err(TooLong), "{text}");
        }
        for text in ["-5", "-0.01", "-1e5", "-0"] {
            assert_eq!(amount_of_number(text), Err(Negative), "{text}");
        }
    }
}
