//! Events about costs in words.

use std::borrow::Cow;

use super::Words;
use crate::model::{
    Amount, CostLimitExceeded, CostLimitSet, CostRecorded, CostReleased, CostReserved, CostWarningRaised,
    Period, escape,
};
use crate::query::figures::one_line;

impl<'a> Words<'a> for &'a CostRecorded {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("had a cost recorded".into(), self.remark())
    }

    fn remark(&self) -> Option<String> {
        let amount = Some(self.amount.of(&self.currency).to_string());
        let refund = self.refund.then(|| "refund".to_owned());
        let (model, operation) = (self.model.as_deref().map(escape), self.operation.as_deref().map(escape));
        let of = self.reservation.map(|of| format!("ends the reservation of e{}", of.seq));
        Some([amount, refund, model, operation, of].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.remark().map(Cow::Owned)
    }
}

impl<'a> Words<'a> for &'a CostLimitSet {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("had its cost limit set".into(), self.remark())
    }

    fn remark(&self) -> Option<String> {
        let shown = |limit: Option<Amount>| {
            limit.map_or_else(|| "no limit".to_owned(), |limit| limit.of(&self.currency).to_string())
        };
        let per = self.period.as_ref().map_or_else(String::new, |of| {
            format!(" a {}, by the clocks of {}", of.per, escape(of.clocks.zone()))
        });
        let reason =
            self.reason.as_ref().map_or_else(String::new, |why| format!(": {}", one_line(why.as_str())));
        Some(format!("{} → {}{per}{reason}", shown(self.before), shown(self.limit)))
    }

    fn reason(&self) -> Option<&'a str> {
        self.reason.as_ref().map(|reason| reason.as_str())
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.remark().map(Cow::Owned)
    }
}

impl<'a> Words<'a> for &'a CostWarningRaised {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("was found near its cost limit".into(), self.remark())
    }

    fn remark(&self) -> Option<String> {
        let (spent, limit) = (self.spent.of(&self.currency), self.limit.of(&self.currency));
        let period = within(self.period.as_deref());
        Some(format!("{spent} spent{period}, {} % or more of {limit}", self.threshold_percent))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.remark().map(Cow::Owned)
    }
}

impl<'a> Words<'a> for &'a CostLimitExceeded {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("was found over its cost limit".into(), self.remark())
    }

    fn remark(&self) -> Option<String> {
        let (spent, limit) = (self.spent.of(&self.currency), self.limit.of(&self.currency));
        let period = within(self.period.as_deref());
        Some(format!("{spent} spent of {limit}{period}, {} over", self.over.of(&self.currency)))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.remark().map(Cow::Owned)
    }
}

impl<'a> Words<'a> for &'a CostReserved {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("got an amount reserved".into(), self.remark())
    }

    fn remark(&self) -> Option<String> {
        let amount = Some(self.amount.of(&self.currency).to_string());
        let until = Some(format!("until {}", self.until.utc().format("%Y-%m-%d %H:%M:%SZ")));
        let (model, operation) = (self.model.as_deref().map(escape), self.operation.as_deref().map(escape));
        Some([amount, until, model, operation].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.remark().map(Cow::Owned)
    }
}

impl<'a> Words<'a> for &'a CostReleased {
    fn clause(&self) -> (Cow<'static, str>, Option<String>) {
        ("had a reservation released".into(), self.remark())
    }

    fn remark(&self) -> Option<String> {
        let reason =
            self.reason.as_ref().map_or_else(String::new, |why| format!(": {}", one_line(why.as_str())));
        Some(format!("{} of e{}{reason}", self.amount.of(&self.currency), self.reservation.seq))
    }

    fn reason(&self) -> Option<&'a str> {
        self.reason.as_ref().map(|reason| reason.as_str())
    }

    fn quotation(&self) -> Option<Cow<'a, str>> {
        self.remark().map(Cow::Owned)
    }
}

/// Says in which period it was; nothing where it was in all.
fn within(period: Option<&Period>) -> String {
    period.map_or_else(String::new, |period| format!(" for {period}"))
}
