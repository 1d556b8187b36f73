//! What is said of what is taken back.

use std::borrow::Cow;

use super::Words;
use crate::model::{Reverted, TagRemoved, Undone};
use crate::query::figures::one_line;

impl<'a> Words<'a> for &'a Reverted {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        let what = match self.what {
            Undone::Mark => "mark",
            Undone::Note => "note",
            Undone::Tag => "tag",
            Undone::Metadata => "metadata",
            Undone::Limit => "cost limit",
            Undone::Cost => "cost",
            Undone::Definition => "definition",
            Undone::Skip => "skip",
            Undone::Decision => "decision on a request",
        };
        let done = match self.again {
            false => format!("had the {what} of e{} taken back", self.seq),
            true => format!("got the {what} back that e{} had taken", self.seq),
        };
        (done.into(), Some(self.reason.to_string()))
    }

    fn remark(&self) -> Option<String> {
        let still = self.still.as_ref().map(|still| format!("; still: {}", one_line(still.reason.as_str())));
        Some(format!("e{}: {}{}", self.seq, one_line(self.reason.as_str()), still.unwrap_or_default()))
    }

    fn reason(&self) -> Option<&'a str> {
        Some(self.reason.as_str())
    }
}

impl<'a> Words<'a> for &'a TagRemoved {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        (format!("lost the tag {}", self.name).into(), self.reason.as_ref().map(ToString::to_string))
    }

    fn remark(&self) -> Option<String> {
        let why = self.reason.as_ref().map(|reason| format!(": {}", one_line(reason.as_str())));
        Some(format!("{} was e{}{}", self.name, self.seq, why.unwrap_or_default()))
    }

    fn reason(&self) -> Option<&'a str> {
        self.reason.as_ref().map(crate::model::Text::as_str)
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        Some(self.name.as_str().into())
    }
}
