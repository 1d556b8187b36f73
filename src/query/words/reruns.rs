//! What is said of a phase that must run again, or need not.

use std::borrow::Cow;

use super::{Rerun, Words};
use crate::model::{RerunCleared, RerunWithdrawn, Said, Text};
use crate::query::figures::one_line;

impl<'a> Words<'a> for Rerun<'a> {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        (self.what.into(), Some(self.of.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        Some(one_line(self.of.reason.as_str()))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.of.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a RerunWithdrawn {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        let what = match self.withdrawn {
            Said::Manual => "had its marks taken back",
            Said::Input => "was found to have the inputs of its last attempt again",
            Said::Output => "was found to have the outputs of its last attempt again",
        };
        (what.into(), Some(self.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        let still = self.still.as_ref().map(|still| format!("; still: {}", one_line(still.reason.as_str())));
        Some(format!("{}{}", one_line(self.reason.as_str()), still.unwrap_or_default()))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a RerunCleared {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        // The first release gave none.
        let why = self.reason().unwrap_or("what it is built on is unchanged");
        ("was found to stand as it is".into(), Some(one_line(why)))
    }

    fn remark(&self) -> Option<String> {
        Some(self.reason().map_or_else(|| "unchanged inputs".to_owned(), one_line))
    }

    fn reason(&self) -> Option<&'a str> {
        self.reason.as_ref().map(Text::as_str)
    }
}
