//! The start of an event's id.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::model::EventId;
use crate::model::scan::{Misread, Scan};

/// The fewest digits that may stand for an id.
const DIGITS_MIN: usize = 4;

/// The digits of a whole id.
const DIGITS_MAX: usize = 32;

/// After how many digits an id has a dash.
const DASHES: [usize; 4] = [8, 12, 16, 20];

/// The start of an event's id: 4 to 32 hexadecimal digits, with or without the dashes between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdPrefix {
    /// Lower case, without dashes.
    digits: String,
}

impl IdPrefix {
    /// Says whether an event's id starts so.
    pub fn matches(&self, id: EventId) -> bool {
        let mut buffer = Uuid::encode_buffer();
        id.uuid().simple().encode_lower(&mut buffer).starts_with(&self.digits)
    }

    /// Returns the id, when all of it is there.
    pub fn whole(&self) -> Option<EventId> {
        (self.digits.len() == DIGITS_MAX).then(|| Uuid::try_parse(&self.digits).ok().map(EventId::new))?
    }

    /// Reads as many digits as there are.
    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Self, Misread> {
        let mut digits = String::with_capacity(DIGITS_MAX);
        loop {
            match scan.take(1, |byte| byte.is_ascii_hexdigit() || *byte == b'-') {
                "" => break,
                "-" if DASHES.contains(&digits.len()) && scan.peek() != Some('-') => {}
                "-" => return Err(scan.misread("dashes after 8, 12, 16 and 20 digits or none")),
                digit => digits.push_str(&digit.to_ascii_lowercase()),
            }
            if digits.len() == DIGITS_MAX {
                break;
            }
        }
        if digits.len() < DIGITS_MIN || scan.peek().is_some_and(char::is_alphanumeric) {
            return Err(scan.misread(format!("{DIGITS_MIN} to {DIGITS_MAX} hexadecimal digits")));
        }
        Ok(IdPrefix { digits })
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, digit) in self.digits.chars().enumerate() {
            if DASHES.contains(&index) {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl FromStr for IdPrefix {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Self, Misread> {
        let mut scan = Scan::new(text, "0199f3c1");
        let prefix = IdPrefix::read(&mut scan)?;
        scan.finish("the end")?;
        Ok(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0199_F3C1_AAAA_7BBB_8CCC_0123_4567_89AB);

    #[test]
    fn a_prefix_is_read_with_and_without_dashes() {
        for text in ["0199", "0199F3C1", "0199f3c1-", "0199f3c1-aaaa-7", "0199f3c1aaaa7"] {
            let prefix: IdPrefix = text.parse().expect(text);
            assert!(prefix.matches(EventId::new(ID)), "{text}");
            assert_eq!(prefix.whole(), None);
            assert_eq!(prefix.to_string().parse(), Ok(prefix));
        }
        let whole: IdPrefix = ID.to_string().parse().expect("a whole id");
        assert_eq!(whole.whole(), Some(EventId::new(ID)));
        assert_eq!(whole.to_string(), ID.to_string());
        let other: IdPrefix = "0199f3c2".parse().expect("a prefix");
        assert!(!other.matches(EventId::new(ID)));
        for bad in ["", "019", "0199-f3", "0199f3c1--a", "0199g", "-0199", "0199 f3", &format!("{ID}0")] {
            assert!(bad.parse::<IdPrefix>().is_err(), "{bad}");
        }
    }
}
