//! When approvals are decided without a person: what a definition says, and what holds where it says nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Actor, Amount, OperationName};

/// What a definition says of approvals, and only what it says; [`ApprovalPolicy`] has the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTerms {
    /// What is estimated below this is granted at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_approve_below: Option<Amount>,
    /// What is estimated above this waits for a person, whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_above: Option<Amount>,
    /// What touches more than so many items waits for a person; more than twice as many are rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// What is estimated above this is rejected at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_above: Option<Amount>,
    /// Whether those who ask may grant it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_approval: Option<bool>,
    /// Whether who grants must be another system user than who asked, whatever names both claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_users: Option<bool>,
    /// The operations that always wait for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub high_impact: Vec<OperationName>,
}

/// When a workflow's approvals are decided without a person: the definition's terms, checked against each
/// other, and the defaults of what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyTerms", into = "PolicyTerms")]
pub struct ApprovalPolicy {
    terms: PolicyTerms,
}

/// The thresholds that a definition need not say: `auto_approve_below`, `require_above`, `reject_above`.
const AMOUNTS: [&str; 3] = ["5.00", "20.00", "50.00"];

/// How many items need no person, where a definition does not say.
const ITEMS: u64 = 10;

impl ApprovalPolicy {
    /// Checks terms.
    ///
    /// # Errors
    ///
    /// Refuses a threshold below zero, thresholds of which a lower one is above a higher one, and `items` of 0.
    pub fn new(terms: PolicyTerms) -> Result<Self, PolicyError> {
        let policy = ApprovalPolicy { terms };
        let amounts = [
            (PolicyRule::AutoApproveBelow, policy.terms.auto_approve_below, policy.auto_approve_below()),
            (PolicyRule::RequireAbove, policy.terms.require_above, policy.require_above()),
            (PolicyRule::RejectAbove, policy.terms.reject_above, policy.reject_above()),
        ];
        if let Some((rule, _, amount)) = amounts.iter().find(|(.., amount)| amount.is_negative()) {
            return Err(PolicyError::Negative { rule: *rule, amount: *amount });
        }
        for pair in amounts.windows(2) {
            let [(lower, below_written, below), (upper, above_written, above)] = pair else { continue };
            if below > above {
                return Err(PolicyError::OutOfOrder {
                    lower: *lower,
                    below: *below,
                    upper: *upper,
                    above: *above,
                    default: below_written.is_none() || above_written.is_none(),
                });
            }
        }
        match policy.terms.items {
            Some(0) => Err(PolicyError::NoItems),
            Some(_) | None => Ok(policy),
        }
    }

    /// Returns the amount below which an estimate is granted at once.
    pub fn auto_approve_below(&self) -> Amount {
        self.terms.auto_approve_below.unwrap_or_else(|| default(AMOUNTS[0]))
    }

    /// Returns the amount above which an estimate waits for a person.
    pub fn require_above(&self) -> Amount {
        self.terms.require_above.unwrap_or_else(|| default(AMOUNTS[1]))
    }

    /// Returns the amount above which an estimate is rejected at once.
    pub fn reject_above(&self) -> Amount {
        self.terms.reject_above.unwrap_or_else(|| default(AMOUNTS[2]))
    }

    /// Returns how many items need no person.
    pub fn items(&self) -> u64 {
        self.terms.items.unwrap_or(ITEMS)
    }

    /// Returns how many items are not rejected at once.
    pub fn items_max(&self) -> u64 {
        self.items().saturating_mul(2)
    }

    /// Says whether those who ask may grant it themselves.
    pub fn self_approval(&self) -> bool {
        self.terms.self_approval.unwrap_or(false)
    }

    /// Says whether who grants must be another system user than who asked.
    pub fn distinct_users(&self) -> bool {
        self.terms.distinct_users.unwrap_or(false)
    }

    /// Says whether someone would grant what they asked for themselves, and may not. A name that is claimed hides nobody: on one
    /// machine the user of the one is not to be the name of the other. Two names that are neither are two people who share
    /// a user, unless the definition says that users are to differ.
    pub fn keeps_from(&self, by: &Actor, asked: &Actor) -> bool {
        let is_one_user =
            by.is_called(asked) || asked.is_called(by) || self.distinct_users() && by.is_user_of(asked);
        !self.self_approval() && (by.has_name_of(asked) || is_one_user)
    }

    /// Says whether an operation always waits for a person.
    pub fn is_high_impact(&self, operation: &OperationName) -> bool {
        self.terms.high_impact.contains(operation)
    }

    /// Says whether the definition says nothing.
    pub fn is_default(&self) -> bool {
        *self == ApprovalPolicy::default()
    }
}

fn default(amount: &str) -> Amount {
    amount.parse().expect("digits")
}

impl TryFrom<PolicyTerms> for ApprovalPolicy {
    type Error = PolicyError;

    fn try_from(terms: PolicyTerms) -> Result<Self, PolicyError> {
        ApprovalPolicy::new(terms)
    }
}

impl From<ApprovalPolicy> for PolicyTerms {
    fn from(policy: ApprovalPolicy) -> PolicyTerms {
        policy.terms
    }
}

/// Why terms were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A threshold below zero.
    #[error("`{rule}` is {amount}, which is negative; expected 0 or more")]
    Negative {
        /// Which.
        rule: PolicyRule,
        /// What it is.
        amount: Amount,
    },
    /// Two thresholds in the wrong order.
    #[error(
        "`{lower}` is {below} and `{upper}` is {above}{}; expected `{lower}` to be at most `{upper}`",
        if *default { ", one of them by default" } else { "" }
    )]
    OutOfOrder {
        /// The one that is to be lower.
        lower: PolicyRule,
        /// What it is.
        below: Amount,
        /// The one that is to be higher.
        upper: PolicyRule,
        /// What it is.
        above: Amount,
        /// Whether one of the two is not the definition's own.
        default: bool,
    },
    /// No items at all.
    #[error("`items` is 0, so that everything would be rejected; expected 1 or more")]
    NoItems,
}

/// A rule of the policy, by the key of its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyRule {
    /// The estimate is below this, or is not.
    AutoApproveBelow,
    /// The estimate is above this.
    RequireAbove,
    /// More items than this are touched.
    Items,
    /// More items than twice that are touched.
    TwiceItems,
    /// The estimate is above this.
    RejectAbove,
    /// The operation is one of these.
    HighImpact,
}

impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PolicyRule::AutoApproveBelow => "auto_approve_below",
            PolicyRule::RequireAbove => "require_above",
            PolicyRule::Items => "items",
            PolicyRule::TwiceItems => "twice_items",
            PolicyRule::RejectAbove => "reject_above",
            PolicyRule::HighImpact => "high_impact",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Option<Amount> {
        Some(text.parse().expect("an amount"))
    }

    #[test]
    fn thresholds_stand_in_order() {
        let refused = |terms: PolicyTerms| ApprovalPolicy::new(terms).expect_err("refused").to_string();
        let high = PolicyTerms { auto_approve_below: amount("30"), ..PolicyTerms::default() };
        assert!(refused(high.clone()).contains("`require_above` is 20.00, one of them by default"));
        let whole = PolicyTerms { require_above: amount("30"), ..high };
        assert!(ApprovalPolicy::new(whole.clone()).is_ok(), "as much is in order");
        let low = PolicyTerms { reject_above: amount("29.99"), ..whole };
        assert!(refused(low).contains("`require_above` is 30 and `reject_above` is 29.99; expected"));
        assert!(refused(PolicyTerms { items: Some(0), ..PolicyTerms::default() }).contains("1 or more"));
        let negative = PolicyTerms { auto_approve_below: amount("-1"), ..PolicyTerms::default() };
        assert!(refused(negative).contains("negative"));
    }

    #[test]
    fn a_policy_keeps_what_was_written() {
        let policy: ApprovalPolicy = serde_json::from_str(r#"{"require_above":"20.0"}"#).expect("terms");
        assert_eq!(serde_json::to_string(&policy).expect("text"), r#"{"require_above":"20.0"}"#);
        assert_eq!(policy.items_max(), 20);
        assert!(serde_json::from_str::<ApprovalPolicy>(r#"{"reject_above":"1"}"#).is_err());
    }
}
