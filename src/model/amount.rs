//! Amounts of money: exact decimals, read from their text so that no digit changes.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::text::escape;

/// The most digits before the point of an amount, and of a sum of amounts.
pub const AMOUNT_WHOLE_DIGITS_MAX: usize = 18;

/// The most digits after the point.
pub const AMOUNT_FRACTION_DIGITS_MAX: usize = 9;

/// One with as many zeros as an amount has digits at most: how many billionths are too many.
const UNITS_MAX: u128 = 10_u128.pow((AMOUNT_WHOLE_DIGITS_MAX + AMOUNT_FRACTION_DIGITS_MAX) as u32);

/// How much of a text that is no amount is repeated, in characters.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// An amount of money: at most [`AMOUNT_WHOLE_DIGITS_MAX`] digits before the point and
/// [`AMOUNT_FRACTION_DIGITS_MAX`] after it, in the currency of a workflow.
///
/// It is written as a text, `"1.10"`, and keeps the zeros at its end; it is read from a text or from a JSON
/// number, digit for digit. Amounts are equal when they are worth the same: 1.1 is 1.10.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(Decimal::ZERO);

    /// Says whether it is below zero.
    pub fn is_negative(self) -> bool {
        self < Amount::ZERO
    }

    /// Says whether it is above zero.
    pub fn is_positive(self) -> bool {
        self > Amount::ZERO
    }

    /// Adds exactly, with the digits after the point of the one that has more; none beyond
    /// [`AMOUNT_WHOLE_DIGITS_MAX`] digits.
    pub fn plus(self, other: Amount) -> Option<Amount> {
        Amount::bounded(self.0.checked_add(other.0)?, self.0.scale().max(other.0.scale()))
    }

    /// Subtracts exactly, as [`Amount::plus`]; none beyond [`AMOUNT_WHOLE_DIGITS_MAX`] digits.
    pub fn minus(self, other: Amount) -> Option<Amount> {
        Amount::bounded(self.0.checked_sub(other.0)?, self.0.scale().max(other.0.scale()))
    }

    /// Multiplies exactly; none beyond [`AMOUNT_WHOLE_DIGITS_MAX`] digits.
    pub fn times(self, count: u64) -> Option<Amount> {
        let units = self.0.mantissa().checked_mul(i128::from(count))?;
        Amount::bounded(Decimal::try_from_i128_with_scale(units, self.0.scale()).ok()?, self.0.scale())
    }

    /// Returns what takes it away again.
    pub fn negated(self) -> Amount {
        Amount::default().minus(self).expect("an amount below zero has as many digits")
    }

    /// Returns what is midway between two amounts: exactly, or cut to [`AMOUNT_FRACTION_DIGITS_MAX`] digits after
    /// the point.
    pub fn midway(self, other: Amount) -> Amount {
        let scale = self.0.scale().max(other.0.scale());
        let sum = (self.units() + other.units()) / 10_i128.pow(AMOUNT_FRACTION_DIGITS_MAX as u32 - scale);
        let is_exact = sum % 2 == 0 || scale as usize == AMOUNT_FRACTION_DIGITS_MAX;
        let (half, scale) = if is_exact { (sum / 2, scale) } else { (sum * 5, scale + 1) };
        Amount(Decimal::from_i128_with_scale(half, scale))
    }

    /// Returns how often another amount goes into this one, rounded down; zero where this is below zero.
    /// The other one is above zero.
    pub fn holds(self, other: Amount) -> u128 {
        let count = self.units().checked_div(other.units()).unwrap_or(0);
        u128::try_from(count).unwrap_or(0)
    }

    /// Says whether it is at least so many hundredths of another one, worked out exactly.
    pub fn reaches(self, percent: u8, of: Amount) -> bool {
        self.units() * 100 >= of.units() * i128::from(percent)
    }

    /// Returns how many hundredths of another amount it is, rounded down; none where the other one is zero.
    pub fn percent_of(self, whole: Amount) -> Option<i128> {
        let (part, whole) = (self.units() * 100, whole.units());
        (whole != 0).then(|| part.div_euclid(whole))
    }

    /// Returns so much of the currency that goes with it, where there is one.
    pub fn of(self, currency: &Option<String>) -> Money<'_> {
        Money(self, currency.as_deref())
    }

    /// Returns the amount in billionths: 27 digits at most, so that a hundred of it still fit.
    fn units(self) -> i128 {
        let factor = 10_i128.pow(AMOUNT_FRACTION_DIGITS_MAX as u32 - self.0.scale());
        self.0.mantissa() * factor
    }

    /// Gives a result as many digits after the point as it is to have; none when it has too many before it.
    fn bounded(mut sum: Decimal, scale: u32) -> Option<Amount> {
        // Zeros at the end are added: neither digits nor the worth change.
        sum.rescale(scale);
        let sum = Amount(sum);
        (sum.units().unsigned_abs() < UNITS_MAX).then_some(sum)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// So much of a currency, where there is one. It is shown as a person reads it: `1.10 USD`, or `1.10`.
#[derive(Debug, Clone, Copy)]
pub struct Money<'a>(pub Amount, pub Option<&'a str>);

impl fmt::Display for Money<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Money(amount, currency) = self;
        amount.fmt(f)?;
        currency.map_or(Ok(()), |currency| write!(f, " {}", escape(currency)))
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads digits with at most one point among them, after a minus where it is negative, and perhaps an exponent
    /// behind them: programs write `1.5e-07` for what is exactly 0.00000015.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let refused = |fault| AmountError { found: repeated(text), fault };
        if text.is_empty() {
            return Err(refused(AmountFault::Empty));
        }
        let (digits, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(d, e)| (d, Some(e)));
        let (mut whole, mut fraction) = parts(digits).ok_or_else(|| refused(AmountFault::NotAnAmount))?;
        if let Some(exponent) = exponent {
            let by = power(exponent).ok_or_else(|| refused(AmountFault::NotAnAmount))?;
            (whole, fraction) = shifted(&whole, &fraction, by).map_err(refused)?;
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > AMOUNT_WHOLE_DIGITS_MAX {
            return Err(refused(AmountFault::TooLarge));
        }
        if fraction.len() > AMOUNT_FRACTION_DIGITS_MAX {
            return Err(refused(AmountFault::TooFine));
        }
        let units: i128 =
            format!("0{whole}{fraction}").parse().map_err(|_| refused(AmountFault::TooLarge))?;
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let amount = Decimal::try_from_i128_with_scale(sign * units, fraction.len() as u32);
        amount.map(Amount).map_err(|_| refused(AmountFault::TooLarge))
    }
}

/// Returns the digits before the point and those after it; none for what is not digits with at most one point.
fn parts(text: &str) -> Option<(String, String)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let is_amount = all_digits(whole) && fraction.is_none_or(all_digits);
    is_amount.then(|| (whole.to_owned(), fraction.unwrap_or_default().to_owned()))
}

fn all_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads an exponent; one that is beyond all amounts is as large as any other such one.
fn power(exponent: &str) -> Option<i64> {
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let size = all_digits(digits).then(|| digits.parse().unwrap_or(i64::MAX))?;
    Some(if exponent.starts_with('-') { -size } else { size })
}

/// Moves the point by so many digits, to the right above zero. Zeros that are not written come in; at the end of what
/// follows the point they go out again where there are too many digits: what it is worth does not change.
fn shifted(whole: &str, fraction: &str, by: i64) -> Result<(String, String), AmountFault> {
    /// More than this no amount has, wherever its point is written.
    const SHIFT_MAX: usize = 100;
    let digits = format!("{whole}{fraction}");
    if digits.bytes().all(|digit| digit == b'0') {
        return Ok(("0".to_owned(), String::new()));
    }
    if digits.len() > SHIFT_MAX || by.unsigned_abs() > SHIFT_MAX as u64 {
        return Err(if by < 0 { AmountFault::TooFine } else { AmountFault::TooLarge });
    }
    let point = whole.len() as i64 + by;
    let padded = match point {
        ..0 => format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        _ => format!("{digits}{}", "0".repeat((point as usize).saturating_sub(digits.len()))),
    };
    let (whole, fraction) = padded.split_at(point.max(0) as usize);
    let mut fraction = fraction;
    while fraction.len() > AMOUNT_FRACTION_DIGITS_MAX && fraction.ends_with('0') {
        fraction = &fraction[..fraction.len() - 1];
    }
    Ok((whole.to_owned(), fraction.to_owned()))
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    /// Reads a text, or a number by its digits as they are written: never by way of a float.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        let is_number = raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let amount = match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => text.parse(),
            Err(_) if is_number => raw.get().parse(),
            Err(_) => Err(AmountError { found: repeated(raw.get()), fault: AmountFault::NotAnAmount }),
        };
        amount.map_err(|error: AmountError| D::Error::custom(error))
    }
}

/// A text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no amount: {fault}")]
pub struct AmountError {
    /// What was found, escaped.
    pub found: String,
    /// What is wrong with it.
    pub fault: AmountFault,
}

/// What is wrong with a text that is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountFault {
    /// Nothing at all.
    #[error("it is empty; expected digits such as 30.00")]
    Empty,
    /// Not digits with at most one point.
    #[error("expected digits such as 30.00, without separators")]
    NotAnAmount,
    /// More than [`AMOUNT_WHOLE_DIGITS_MAX`] digits before the point.
    #[error("too many digits before the point; expected at most {AMOUNT_WHOLE_DIGITS_MAX}")]
    TooLarge,
    /// More than [`AMOUNT_FRACTION_DIGITS_MAX`] digits after the point.
    #[error("too many digits after the point; expected at most {AMOUNT_FRACTION_DIGITS_MAX}")]
    TooFine,
}

fn repeated(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        None => escape(text),
        Some((end, _)) => format!("{}…", escape(&text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().expect(text)
    }

    #[test]
    fn amounts_keep_every_digit() {
        for (text, expected) in [
            ("30.00", "30.00"),
            ("0", "0"),
            ("0.00", "0.00"),
            ("007.10", "7.10"),
            ("-1.10", "-1.10"),
            ("-0", "0"),
            ("999999999999999999.999999999", "999999999999999999.999999999"),
            ("0.000000001", "0.000000001"),
        ] {
            assert_eq!(amount(text).to_string(), expected);
        }
        for (json, expected) in [("1.10", "1.10"), ("\"1.10\"", "1.10"), ("-3", "-3"), ("0.1", "0.1")] {
            let read: Amount = serde_json::from_str(json).expect(json);
            assert_eq!(read.to_string(), expected);
            assert_eq!(serde_json::to_string(&read).expect("a text"), format!("\"{expected}\""));
        }
    }

    #[test]
    fn an_exponent_is_taken_where_it_is_exact() {
        for (text, expected) in [
            ("1.5e-07", "0.00000015"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("-2.50e1", "-25.0"),
            ("12e-1", "1.2"),
            ("123e0", "123"),
            ("1.00e-9", "0.000000001"),
            ("10e-10", "0.000000001"),
            ("0.000000001e9", "1"),
            ("0e400", "0"),
            ("-0.0e-400", "0"),
            ("999999999999999999e0", "999999999999999999"),
            ("1e17", "100000000000000000"),
        ] {
            assert_eq!(amount(text).to_string(), expected, "{text}");
            let read: Amount = serde_json::from_str(text).expect(text);
            assert_eq!(read.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        use AmountFault::{Empty, NotAnAmount, TooFine, TooLarge};
        let fault = |text: &str| text.parse::<Amount>().expect_err(text).fault;
        assert_eq!(fault(""), Empty);
        for text in [
            "-", "+5", "+-", "--1", "1e", "e5", "1e1.5", "1e2e3", "1e--2", "0x1e", "1,5", "1,000", "1_000",
            " 1", ".5", "5.", "1.2.3", "٣",
        ] {
            assert_eq!(fault(text), NotAnAmount, "{text}");
        }
        for text in ["nan", "NaN", "inf", "Infinity", "-inf", "0x1f", "$5", "5 USD"] {
            assert_eq!(fault(text), NotAnAmount, "{text}");
        }
        assert_eq!(fault("1000000000000000000"), TooLarge);
        assert_eq!(fault("0.0000000001"), TooFine);
        for (text, expected) in [
            ("1e19", TooLarge),
            ("1e400", TooLarge),
            ("1e99999999999999999999", TooLarge),
            ("1e-10", TooFine),
            ("1.5e-09", TooFine),
            ("1e-99999999999999999999", TooFine),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
        for json in ["1e400", "null", "true", "[1]", "{}", "\"1e-10\"", "\"\""] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn sums_are_exact_and_bounded() {
        let ten_times =
            (0..10).try_fold(Amount::ZERO, |sum, _| sum.plus(amount("0.1"))).expect("within bounds");
        assert_eq!(ten_times, amount("1"));
        assert_eq!(amount("1.10").plus(amount("2")).expect("small").to_string(), "3.10");
        for (a, b, left) in [("0.00", "0", "0.00"), ("1.10", "1.1", "0.00"), ("1", "0.50", "0.50")] {
            assert_eq!(amount(a).minus(amount(b)).map(|left| left.to_string()).as_deref(), Some(left));
        }
        let most = amount("999999999999999999.999999999");
        assert_eq!(most.plus(amount("0.000000001")), None);
        assert_eq!(most.minus(amount("-0.000000001")), None);
        assert_eq!(most.minus(most), Some(Amount::ZERO));
        assert_eq!(most.times(2), None);
        assert_eq!(amount("0.10").times(50).map(|sum| sum.to_string()).as_deref(), Some("5.00"));
    }

    #[test]
    fn parts_are_exact() {
        assert!(amount("0.8").reaches(80, amount("1")));
        assert!(!amount("0.799999999").reaches(80, amount("1")));
        let most = amount("999999999999999999.999999999");
        assert!(most.reaches(80, most));
        assert_eq!(most.percent_of(amount("0.000000001")), Some(99_999_999_999_999_999_999_999_999_900));
        assert_eq!(amount("29.99").percent_of(amount("30")), Some(99));
        assert_eq!(amount("1").percent_of(Amount::ZERO), None);
        assert_eq!(amount("1").holds(amount("0.3")), 3);
        assert_eq!(amount("-1").holds(amount("0.3")), 0);
    }
}
