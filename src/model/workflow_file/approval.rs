//! The table `workflow.approval`: when approvals are decided without a person.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error::Fault;
use super::expect::{fields, texts, wrong_type};
use super::node::{Entry, Format, Shape, Value, shown};
use crate::model::{Amount, ApprovalPolicy, OperationName, PolicyError, PolicyRule, PolicyTerms};

/// The keys of the table.
pub(super) const APPROVAL: Shape = Shape {
    owner: "`approval`",
    keys: &[
        "auto_approve_below",
        "require_above",
        "items",
        "reject_above",
        "self_approval",
        "distinct_users",
        "high_impact",
    ],
    aliases: &[],
};

/// Where the thresholds are written.
type Places = BTreeMap<PolicyRule, Range<usize>>;

/// Reads the table.
pub(super) fn read_policy(entry: Entry<'_>, format: Format) -> Result<ApprovalPolicy, Fault> {
    let mut fields = fields(entry.node, "`approval`", &APPROVAL, format, |_| None)?;
    let mut places = Places::new();
    let mut amount = |rule: PolicyRule| {
        let Some(entry) = fields.take(&rule.to_string()) else { return Ok(None) };
        places.insert(rule, entry.node.span.clone());
        threshold(&entry, format).map(Some)
    };
    let auto_approve_below = amount(PolicyRule::AutoApproveBelow)?;
    let require_above = amount(PolicyRule::RequireAbove)?;
    let reject_above = amount(PolicyRule::RejectAbove)?;
    let items = match fields.take("items") {
        None => None,
        Some(entry) => {
            places.insert(PolicyRule::Items, entry.node.span.clone());
            Some(items(&entry, format)?)
        }
    };
    let self_approval = fields.take("self_approval").map(|entry| truth(&entry, format)).transpose()?;
    let distinct_users = fields.take("distinct_users").map(|entry| truth(&entry, format)).transpose()?;
    let high_impact = match fields.take("high_impact") {
        None => Vec::new(),
        Some(entry) => operations(entry, format)?,
    };
    let terms = PolicyTerms {
        auto_approve_below,
        require_above,
        items,
        reject_above,
        self_approval,
        distinct_users,
        high_impact,
    };
    ApprovalPolicy::new(terms).map_err(|error| fault(&error, &places))
}

fn threshold(entry: &Entry<'_>, format: Format) -> Result<Amount, Fault> {
    let (Value::Text(text) | Value::Number(text)) = &entry.node.value else {
        let expected = "an amount such as \"20.00\"";
        return Err(wrong_type(&format!("`{}`", entry.key), &entry.node, expected, format));
    };
    let refused = |why: String| {
        let message = format!("`{}` is `{}`, which is no threshold: {why}", entry.key, shown(text));
        Fault::new(entry.node.span.clone(), message)
    };
    match text.parse::<Amount>() {
        Ok(_) if text.starts_with('-') => Err(refused("it is negative; expected 0 or more".to_owned())),
        Ok(amount) => Ok(amount),
        Err(error) => Err(refused(error.fault.to_string())),
    }
}

fn items(entry: &Entry<'_>, format: Format) -> Result<u64, Fault> {
    let expected = "a whole number of 1 or more";
    match &entry.node.value {
        Value::Number(number) => number.parse().map_err(|_| {
            let message = format!("`items` is `{}`; expected {expected}", shown(number));
            Fault::new(entry.node.span.clone(), message)
        }),
        Value::Text(_) | Value::Truth(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
            Err(wrong_type("`items`", &entry.node, expected, format))
        }
    }
}

fn truth(entry: &Entry<'_>, format: Format) -> Result<bool, Fault> {
    match entry.node.value {
        Value::Truth(truth) => Ok(truth),
        Value::Text(_) | Value::Number(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
            Err(wrong_type(&format!("`{}`", entry.key), &entry.node, "true or false", format))
        }
    }
}

fn operations(entry: Entry<'_>, format: Format) -> Result<Vec<OperationName>, Fault> {
    let one = |(name, span): (String, Range<usize>)| {
        OperationName::new(&name).map_err(|error| Fault::new(span, error.to_string()))
    };
    texts(entry, format)?.into_iter().map(one).collect()
}

/// Points at the thresholds that cannot stand together: those that are written.
fn fault(error: &PolicyError, places: &Places) -> Fault {
    let message = error.to_string();
    let at = |rule: &PolicyRule| places.get(rule).cloned();
    match error {
        PolicyError::Negative { rule, .. } => Fault::new(at(rule).unwrap_or(0..0), message),
        PolicyError::NoItems => Fault::new(at(&PolicyRule::Items).unwrap_or(0..0), message),
        PolicyError::OutOfOrder { lower, upper, .. } => match (at(lower), at(upper)) {
            (Some(lower), Some(upper)) => Fault::new(lower, message).also(upper, "the other one"),
            (below, above) => Fault::new(below.or(above).unwrap_or(0..0), message)
                .hint(format!("write both `{lower}` and `{upper}`")),
        },
    }
}
