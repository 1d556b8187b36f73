//! What a caller asked for, field by field, each value in one form: what makes two commands the same, and what tells them
//! apart.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::canonical::{Of, canonical, is_bare_name_of, members, string, worth};
use super::quoted::Quoted;
use super::{
    Action, Again, Claim, Digest, PhaseId, PhaseRef, Seq, Verdict, WorkflowName, digest::DigestError,
};

/// The fields that hold amounts, which are compared by what they are worth.
const AMOUNTS: [&str; 4] = ["amount", "limit", "estimate", "auto_approve_below"];

/// Says whether two names are the same, of whatever they are.
fn is_same_name(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(WorkflowName::new);
    one.is_ok_and(|one| other.is_ok_and(|other| one.is_same(&other)))
}

/// What a caller asked for: fields by the names that a line of `append` has for them, each a JSON text in its one form. What
/// says nothing is not there: null, false, nothing attached, no files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(into = "BTreeMap<String, Box<RawValue>>")]
pub struct Asked(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> de::Visitor<'de> for Fields {
    type Value = Asked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Asked, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            fields.insert(name, String::from(Box::<str>::from(value)));
        }
        Ok(Asked(fields))
    }
}

impl From<Asked> for BTreeMap<String, Box<RawValue>> {
    fn from(asked: Asked) -> Self {
        let raw = |json: String| RawValue::from_string(json).expect("values are JSON");
        asked.0.into_iter().map(|(name, value)| (name, raw(value))).collect()
    }
}

/// Takes an action as it is written apart: what to do, as JSON, and with what.
fn written(json: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    let (verb, with) = json.strip_prefix("{\"do\":")?.split_once(",\"with\":")?;
    Some((verb, members(with.strip_suffix('}')?)?))
}

const NULL: &str = "null";

impl Asked {
    /// Takes what an action and a claim say.
    pub fn of(action: &Action, claim: Option<&Claim>) -> Self {
        let json = serde_json::to_string(action).expect("an action has string keys and finite numbers");
        let (verb, with) = written(&json).expect("what was written is read");
        let mut asked = Asked::default();
        for (name, value) in with {
            let of = if name == "definition" { Of::Definition } else { Of::Anything };
            let amount = AMOUNTS.contains(&name).then(|| worth(value)).flatten();
            asked.set(name, amount.unwrap_or_else(|| canonical(value, of)));
        }
        let verb = asked.in_words_of_lines(action).map_or_else(|| verb.to_owned(), string);
        asked.set("do", verb);
        match claim.map(|claim| (claim.words(), claim.at)) {
            // That is when it takes effect anyway.
            None | Some((Some("now"), _)) => {}
            Some((Some(words), _)) => asked.set("occurred_at", string(words)),
            Some((None, at)) => asked.set("occurred_at", string(&at.to_string())),
        }
        asked
    }

    /// Says as lines of `append` do what actions are made of otherwise, and returns the verb where it has another name there.
    fn in_words_of_lines(&mut self, action: &Action) -> Option<&'static str> {
        match action {
            Action::Start(start) => {
                self.0.remove("again");
                let again = match &start.again {
                    None => None,
                    Some(Again::Rerun(reason)) => Some(("rerun", reason)),
                    Some(Again::TakeOver(reason)) => Some(("take_over", reason)),
                };
                // One reason serves for all, where it is one.
                let over = start.over_limit.as_ref();
                let reason = again.map(|(_, reason)| reason).or(over);
                if let Some(over) = over {
                    let is_same = Some(over) == reason;
                    self.set("over_limit", if is_same { "true".to_owned() } else { string(over.as_str()) });
                }
                if let Some((how, _)) = again {
                    self.set(how, "true".to_owned());
                }
                if let Some(reason) = reason {
                    self.set("reason", string(reason.as_str()));
                }
                None
            }
            Action::ResetAll(_) => {
                self.set("all", "true".to_owned());
                Some("reset")
            }
            // It allows what is asked for, and asks for nothing itself.
            Action::Tag(_) => {
                self.0.remove("force");
                None
            }
            Action::FilesChanged(_) => Some("scan"),
            Action::NoteImport(_) => Some("import"),
            Action::ApprovalDecide(answer) => {
                self.0.remove("verdict");
                Some(match answer.verdict {
                    Verdict::Granted => "approval_grant",
                    Verdict::Rejected => "approval_reject",
                })
            }
            _ => None,
        }
    }

    fn set(&mut self, name: &str, value: String) {
        if !matches!(value.as_str(), NULL | "false" | "{}" | "[]") {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Says whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the fields that have values, in their order, as JSON texts.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        fields.filter(|(_, value)| *value != NULL)
    }

    /// Says the names, and what is left out, as what was recorded says it: a bare name is that of the phase that was meant
    /// then, however ambiguous it is now; the workflow, the currency or the place that nobody names are those of then.
    pub fn resolved(mut self, recorded: &Asked) -> Self {
        if let (Some(given), Some(then)) = (self.get("phase"), recorded.get("phase"))
            && is_bare_name_of(given, then)
        {
            self.set("phase", then.to_owned());
        } else if self.get("phase") != recorded.get("phase")
            && let (Some(given), Some(then)) = (self.text("phase"), recorded.text("phase"))
            && let (Ok(given), Ok(then)) = (given.parse::<PhaseRef>(), PhaseId::try_from(then))
            && given.means(&then)
        {
            self.set("phase", string(&then.to_string()));
        }
        if self.get("do") != recorded.get("do") {
            return self;
        }
        let left_out: &[&str] = match self.get("phase") {
            None => &["workflow", "seq"],
            Some(_) => &["currency"],
        };
        for name in ["name", "workflow"] {
            if let (Some(given), Some(then)) = (self.text(name), recorded.text(name))
                && is_same_name(&given, &then)
            {
                self.set(name, string(&then));
            }
        }
        for name in left_out.iter().filter(|name| self.get(name).is_none()).collect::<Vec<_>>() {
            if let Some(then) = recorded.get(name) {
                self.set(name, then.to_owned());
            }
        }
        self
    }

    /// Says the place that one means who names none where the log ended at `head`: what was recorded names another one where
    /// its events tell another one.
    pub fn with_head(&self, told: &Asked, head: Seq) -> Cow<'_, Self> {
        let mut asked = Cow::Borrowed(self);
        if self.get("seq").is_some() {
            let head = head.to_string();
            if told.get("seq") != Some(head.as_str()) {
                asked.to_mut().set("seq", head);
            }
        }
        asked
    }

    /// Returns the digest of the fields, in their order, as one JSON object.
    pub fn digest(&self) -> Digest {
        let mut object = String::with_capacity(256);
        for (name, value) in &self.0 {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push_str(&string(name));
            object.push(':');
            object.push_str(value);
        }
        object.push_str(if object.is_empty() { "{}" } else { "}" });
        Digest::sha256(object.as_bytes())
    }

    /// Returns what is to be added to what is told, so that it says this: null for what is told and is not here.
    pub fn beyond(&self, told: &Asked) -> Asked {
        if self == told {
            return Asked::default();
        }
        let names: BTreeSet<_> = self.0.keys().chain(told.0.keys()).collect();
        let differing = names.into_iter().filter(|name| self.get(name) != told.get(name));
        let value = |name: &String| (name.clone(), self.get(name).unwrap_or(NULL).to_owned());
        Asked(differing.map(value).collect())
    }

    /// Adds what [`Asked::beyond`] returned.
    pub fn with(mut self, beyond: &Asked) -> Asked {
        for (name, value) in &beyond.0 {
            self.0.remove(name);
            self.set(name, value.clone());
        }
        self
    }

    /// Returns what is given otherwise than it was recorded, field by field: what is attached key by key, a definition part
    /// by part.
    pub fn differences(&self, given: &Asked) -> Vec<Difference> {
        let mut found = Vec::new();
        let names: BTreeSet<_> = self.0.keys().chain(given.0.keys()).collect();
        // What is asked for comes first.
        let (verb, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| *name == "do");
        for name in verb.into_iter().chain(others) {
            let depth = match name.as_str() {
                "metadata" => 1,
                "definition" => usize::MAX,
                _ => 0,
            };
            let mut differing = Differing { field: name, found: &mut found };
            differing.compare(&mut Vec::new(), [self.get(name), given.get(name)], depth);
        }
        found
    }
}

/// One field that is given otherwise than it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, as a line of `append` calls it.
    pub field: String,
    /// Which key of what is attached, or which part of a definition; none for the field as a whole.
    pub key: Option<String>,
    /// What was recorded, as JSON; none for nothing.
    pub recorded: Option<String>,
    /// What is given, as JSON; none for nothing.
    pub given: Option<String>,
}

impl Difference {
    /// Returns the field with its key, as it is told.
    pub fn name(&self) -> String {
        self.key.as_ref().map_or_else(|| self.field.clone(), |key| format!("{}.{key}", self.field))
    }
}

/// The members of an object, or of a list of objects that have an `id` each.
struct Members<'a> {
    values: BTreeMap<String, &'a RawValue>,
    /// The ids of a list, in their order.
    order: Vec<String>,
}

impl<'a> Members<'a> {
    fn of(json: &'a str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }
        if json.starts_with('{') {
            return Some(Members { values: serde_json::from_str(json).ok()?, order: Vec::new() });
        }
        let items: Vec<&RawValue> = json.starts_with('[').then(|| serde_json::from_str(json).ok())??;
        let id = |item: &RawValue| serde_json::from_str::<Named>(item.get()).ok().map(|named| named.id);
        let order = items.iter().map(|item| id(item)).collect::<Option<Vec<_>>>()?;
        Some(Members { values: order.iter().cloned().zip(items).collect(), order })
    }
}

/// Differences of one field in the making.
struct Differing<'a> {
    field: &'a str,
    found: &'a mut Vec<Difference>,
}

impl Differing<'_> {
    fn compare(&mut self, path: &mut Vec<String>, [recorded, given]: [Option<&str>; 2], depth: usize) {
        if recorded == given {
            return;
        }
        let [then, now] =
            [recorded, given].map(|json| Members::of(json.unwrap_or("{}")).filter(|_| depth > 0));
        let (Some(then), Some(now)) = (then, now) else {
            let key = (!path.is_empty()).then(|| path.join("."));
            let [recorded, given] = [recorded, given].map(|json| json.map(str::to_owned));
            self.found.push(Difference { field: self.field.to_owned(), key, recorded, given });
            return;
        };
        let before = self.found.len();
        let names: BTreeSet<_> = then.values.keys().chain(now.values.keys()).collect();
        for name in names {
            path.push(name.clone());
            let value = |members: &Members<'_>| members.values.get(name).map(|value| value.get().to_owned());
            let (recorded, given) = (value(&then), value(&now));
            self.compare(path, [recorded.as_deref(), given.as_deref()], depth - 1);
            path.pop();
        }
        if self.found.len() == before {
            let order = |members: &Members<'_>| serde_json::to_string(&members.order).ok();
            let (recorded, given) = (order(&then), order(&now));
            self.compare(path, [recorded.as_deref(), given.as_deref()], 0);
        }
    }
}

/// The digest of what a command asked for, by which it is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Quoted<'_>", into = "String")]
pub enum CommandDigest {
    /// Of what was written: [`Command::digest_as_written`](super::Command::digest_as_written). It is written without a version.
    AsWritten(Digest),
    /// Of what it says: [`Asked::digest`]. It is written with `v2:` before it.
    Asked(Digest),
}

/// What stands before the digest of what a command says.
const ASKED: &str = "v2:";

impl fmt::Display for CommandDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandDigest::AsWritten(digest) => digest.fmt(f),
            CommandDigest::Asked(digest) => write!(f, "{ASKED}{digest}"),
        }
    }
}

impl FromStr for CommandDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.strip_prefix(ASKED) {
            Some(digest) => digest.parse().map(CommandDigest::Asked),
            None => text.parse().map(CommandDigest::AsWritten),
        }
    }
}

impl TryFrom<String> for CommandDigest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl TryFrom<Quoted<'_>> for CommandDigest {
    type Error = DigestError;

    fn try_from(text: Quoted<'_>) -> Result<Self, DigestError> {
        text.0.parse()
    }
}

impl From<CommandDigest> for String {
    fn from(digest: CommandDigest) -> String {
        digest.to_string()
    }
}
