//! Money, a second time: amounts as whole billionths read digit by digit, and what events about costs must say.

use serde_json::{Value, json};

use crate::oracle::string;

/// Returns an amount in billionths.
pub fn units(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction:0<9}");
    sign * all.bytes().fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))
}

/// Returns an amount of a line; none for null, and where there is none.
pub fn amount(value: &Value) -> Option<i128> {
    value.as_str().map(units)
}

/// What was spent, the limit in force, the definition's, and how far it was told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Purse {
    pub spent: i128,
    pub records: u64,
    pub limit: Option<i128>,
    pub defined: Option<i128>,
    /// 0 nothing, 1 the warning, 2 that the limit is exceeded.
    pub told: u8,
}

impl Purse {
    /// Returns how far there is something to tell.
    pub fn level(&self) -> u8 {
        match self.limit {
            Some(limit) if self.spent > limit => 2,
            Some(limit) if limit > 0 && self.spent * 100 >= limit * 80 => 1,
            _ => 0,
        }
    }

    /// Takes an event about costs.
    pub fn apply(&mut self, line: &Value) {
        let data = &line["data"];
        match string(&line["kind"]).as_str() {
            "cost_recorded" => {
                self.spent += amount(&data["amount"]).expect("an amount");
                self.records += 1;
                assert!(self.spent >= 0, "no refund is larger than what was spent");
                assert_eq!(data["refund"] == true, amount(&data["amount"]) < Some(0));
            }
            "cost_limit_set" => {
                assert_eq!(amount(&data["before"]), self.limit);
                self.limit = amount(&data["limit"]);
            }
            "cost_warning_raised" => self.told = 1,
            "cost_limit_exceeded" => self.told = 2,
            _ => {}
        }
        self.told = self.told.min(self.level());
    }

    /// Takes the limit of a definition: it counts where it is another than the one before.
    pub fn define(&mut self, limit: Option<i128>) {
        if self.defined != limit {
            self.limit = limit;
        }
        self.defined = limit;
        self.told = self.told.min(self.level());
    }

    /// Returns the kinds that must be told now, each with the amounts that it must have.
    pub fn untold(&self) -> Vec<(&'static str, Vec<(&'static str, i128)>)> {
        let Some(limit) = self.limit else { return Vec::new() };
        let mut untold = Vec::new();
        if self.told < 1 && self.level() >= 1 && limit > 0 {
            untold.push(("cost_warning_raised", vec![("limit", limit), ("spent", self.spent)]));
        }
        if self.told < 2 && self.level() == 2 {
            let over = self.spent - limit;
            untold
                .push(("cost_limit_exceeded", vec![("limit", limit), ("spent", self.spent), ("over", over)]));
        }
        untold
    }
}

/// Says whether a line has just these amounts, and no others.
pub fn tells(line: &Value, amounts: &[(&str, i128)]) -> bool {
    let found =
        ["limit", "spent", "over"].iter().filter_map(|name| Some((*name, amount(&line["data"][*name])?)));
    let mut found: Vec<_> = found.collect();
    let mut wanted = amounts.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    found == wanted
        && (line["kind"] != "cost_warning_raised" || line["data"]["threshold_percent"] == json!(80))
}
