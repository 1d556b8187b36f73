//! Nodes to a definition: the rules of the file, written once for both formats.

use std::collections::BTreeMap;
use std::ops::Range;

use super::WorkflowName;
use super::approval::{APPROVAL, read_policy};
use super::error::Fault;
use super::expect::{fields, texts, wrong_type};
use super::node::{Entry, Format, Node, Shape, Value, repeated_key, shown};
use super::places::{PhasePlaces, definition_fault};
use crate::model::{
    Amount, ApprovalPolicy, BadPattern, Definition, Doubled, Metadata, NAME_BYTES_MAX, Patterns,
    PhaseDefinition, PhaseName, PhaseRef, TEXT_BYTES_MAX, escape,
};

const FILE_OF_TOML: Shape = Shape { owner: "a workflow file", keys: &["workflow", "phase"], aliases: &[] };
const FILE_OF_JSON: Shape =
    Shape { owner: "a workflow file", keys: &["workflow", "phase", "source"], aliases: &["phases"] };
const WORKFLOW: Shape = Shape {
    owner: "a workflow",
    keys: &["name", "currency", "cost_limit", "description", "approval"],
    aliases: &[],
};
const PHASE: Shape = Shape {
    owner: "a phase",
    keys: &["id", "needs", "cost_limit", "version", "inputs", "outputs", "description", "renamed_from"],
    aliases: &["depends_on"],
};

/// What is known of a file besides its nodes.
pub(super) struct File<'t> {
    pub(super) text: &'t str,
    pub(super) format: Format,
    /// The name that the file's own name gives.
    pub(super) stem: Option<WorkflowName>,
    pub(super) name_override: Option<&'t WorkflowName>,
    /// Whether the first release may have taken it, with a limit of no currency.
    pub(super) was_recorded: bool,
}

/// The table `workflow`.
#[derive(Default)]
struct Head {
    name: Option<WorkflowName>,
    currency: Option<String>,
    cost_limit: Option<Amount>,
    description: Option<String>,
    approval: ApprovalPolicy,
}

/// The names under which a need is of the workflow itself.
struct Names {
    /// The file's own, whatever the workflow's name becomes.
    own: Option<WorkflowName>,
    name: WorkflowName,
}

/// Makes a definition of a file's nodes.
pub(super) fn check(root: Node<'_>, file: &File<'_>) -> Result<Definition, Fault> {
    let shape = match file.format {
        Format::Toml => FILE_OF_TOML,
        Format::Json => FILE_OF_JSON,
    };
    let mut top = fields(root, "the file", &shape, file.format, |key| {
        let owner = if WORKFLOW.keys.contains(&key) { "workflow" } else { "phase" };
        let known = WORKFLOW.keys.iter().chain(PHASE.keys).chain(PHASE.aliases).any(|known| *known == key);
        known.then(|| format!("`{key}` is a key of `{owner}`"))
    })?;
    let head = match top.take("workflow") {
        Some(entry) => read_head(entry, file)?,
        None => Head::default(),
    };
    let source = match top.take("source") {
        Some(entry) => read_source(entry, file)?,
        None => Metadata::default(),
    };
    let own = head.name.clone().or_else(|| file.stem.as_ref().map(WorkflowName::composed));
    let Some(name) = file.name_override.map(WorkflowName::composed).or_else(|| own.clone()) else {
        let hint = "give `workflow` a `name`";
        return Err(Fault::new(0..0, "nothing names the workflow").hint(hint));
    };
    let names = Names { own, name };
    let (phases, places) = read_phases(
        top.take_either("phase", "phases")?,
        &names,
        head.currency.is_some() || file.was_recorded,
        file.format,
    )?;
    let definition = Definition::new(names.name.clone(), phases)
        .map_err(|error| definition_fault(&error, &places, &names.name))?;
    Ok(definition
        .described(head.description, head.currency, head.cost_limit, source)
        .approved_by(head.approval))
}

fn read_head(entry: Entry<'_>, file: &File<'_>) -> Result<Head, Fault> {
    let format = file.format;
    let mut fields = fields(entry.node, "`workflow`", &WORKFLOW, format, |key| {
        let owners = [("approval", APPROVAL.keys), ("phase", PHASE.keys)];
        let owner = owners.iter().find(|(_, keys)| keys.contains(&key));
        owner.map(|(owner, _)| format!("`{key}` is a key of `{owner}`"))
    })?;
    let name = fields.take("name").map(|entry| {
        let (name, node) = text(entry, format)?;
        let name = WorkflowName::new(&name).map_err(|error| Fault::new(node, error.to_string()))?;
        Ok(name.composed())
    });
    let name = name.transpose()?;
    let currency = fields.take("currency").map(|entry| currency(entry, format)).transpose()?;
    Ok(Head {
        name,
        cost_limit: limit(fields.take("cost_limit"), currency.is_some() || file.was_recorded, format)?,
        currency,
        description: fields.take("description").map(|entry| long_text(entry, format)).transpose()?,
        approval: match fields.take("approval") {
            Some(entry) => read_policy(entry, format)?,
            None => ApprovalPolicy::default(),
        },
    })
}

/// Keeps the object that says where a graph comes from.
fn read_source(entry: Entry<'_>, file: &File<'_>) -> Result<Metadata, Fault> {
    let Node { span, value } = entry.node;
    let Value::Table(entries) = &value else {
        return Err(wrong_type("`source`", &Node { span, value }, "an object", file.format));
    };
    let mut first = BTreeMap::new();
    for entry in entries {
        if let Some(first) = first.insert(&entry.key, entry) {
            return Err(repeated_key(first, entry));
        }
    }
    let text = &file.text[span.clone()];
    if let Some(Doubled { key, at }) = Doubled::find(text) {
        let at = span.start + at;
        return Err(Fault::new(at..at + 1, format!("the key `{}` stands twice", escape(&key))));
    }
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        Fault::new(span, format!("`source`: {text}"))
    })
}

fn read_phases(
    entry: Option<Entry<'_>>,
    names: &Names,
    may_cost: bool,
    format: Format,
) -> Result<(Vec<PhaseDefinition>, Vec<PhasePlaces>), Fault> {
    let Some(Entry { key, node, .. }) = entry else {
        return Err(Fault::new(0..0, "the file has no phases").hint(format.hint_first_phase()));
    };
    let Node { span, value } = node;
    let list = match value {
        Value::List(list) if list.is_empty() => {
            return Err(Fault::new(span, "the file has no phases").hint(format.hint_first_phase()));
        }
        Value::List(list) => list,
        value => {
            let hint = matches!((format, &value), (Format::Toml, Value::Table(_)))
                .then(|| "write `[[phase]]`, in double brackets".to_owned());
            let node = Node { span, value };
            return Err(wrong_type(&format!("`{key}`"), &node, "an array of phases", format).hint_if(hint));
        }
    };
    let phases = list.into_iter().map(|node| read_phase(node, names, may_cost, format));
    Ok(phases.collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
}

fn read_phase(
    node: Node<'_>,
    names: &Names,
    may_cost: bool,
    format: Format,
) -> Result<(PhaseDefinition, PhasePlaces), Fault> {
    let mut fields = fields(node, "a phase", &PHASE, format, |key| match key {
        "name" => Some("a phase's name is its `id`".to_owned()),
        _ => WORKFLOW.keys.contains(&key).then(|| format!("`{key}` is a key of `workflow`")),
    })?;
    let Some(id) = fields.take("id") else {
        let hint = "give it an `id` that no other phase has";
        return Err(Fault::new(fields.span, "a phase has no `id`").hint(hint));
    };
    let (id, id_span) = phase_name(id, format)?;
    let renamed_from = fields.take("renamed_from").map(|entry| phase_name(entry, format)).transpose()?;
    let mut needs = Vec::new();
    if let Some(entry) = fields.take_either("needs", "depends_on")? {
        for (need, span) in texts(entry, format)? {
            let parsed = need.parse::<PhaseRef>();
            let parsed = parsed.map_err(|error| Fault::new(span.clone(), format!("{error}")))?;
            needs.push((names.within(parsed.composed()), span));
        }
    }
    let phase = PhaseDefinition {
        id: id.clone(),
        needs: needs.iter().map(|(need, _)| need.clone()).collect(),
        cost_limit: limit(fields.take("cost_limit"), may_cost, format)?,
        version: fields.take("version").map(|entry| version(entry, format)).transpose()?,
        inputs: globs(fields.take("inputs"), format)?,
        outputs: globs(fields.take("outputs"), format)?,
        description: fields.take("description").map(|entry| long_text(entry, format)).transpose()?,
        renamed_from: renamed_from.as_ref().map(|(name, _)| name.clone()),
    };
    Ok((phase, PhasePlaces { id, id_span, needs, renamed_from }))
}

impl Names {
    /// Writes a need of the workflow itself without the workflow's name.
    fn within(&self, need: PhaseRef) -> PhaseRef {
        let workflow = need.workflow.filter(|named| *named != self.name && Some(named) != self.own.as_ref());
        PhaseRef { workflow, phase: need.phase }
    }
}

/// Returns a string and its place.
fn text(entry: Entry<'_>, format: Format) -> Result<(String, Range<usize>), Fault> {
    match entry.node.value {
        Value::Text(text) => Ok((text.into_owned(), entry.node.span)),
        Value::Number(ref number) => {
            let pair = format.pair(&entry.key, &format!("\"{}\"", shown(number)));
            let hint = format!("put it in quotes: {pair}");
            let key = format!("`{}`", entry.key);
            Err(wrong_type(&key, &entry.node, "a string", format).hint(hint))
        }
        _ => Err(wrong_type(&format!("`{}`", entry.key), &entry.node, "a string", format)),
    }
}

fn phase_name(entry: Entry<'_>, format: Format) -> Result<(PhaseName, Range<usize>), Fault> {
    let (name, span) = text(entry, format)?;
    let name = PhaseName::new(&name).map_err(|error| Fault::new(span.clone(), error.to_string()))?;
    Ok((name.composed(), span))
}

fn long_text(entry: Entry<'_>, format: Format) -> Result<String, Fault> {
    let key = entry.key.clone().into_owned();
    let (text, span) = text(entry, format)?;
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("`{key}` has {} bytes; expected at most {TEXT_BYTES_MAX}", text.len());
        return Err(Fault::new(span, message));
    }
    Ok(text)
}

fn version(entry: Entry<'_>, format: Format) -> Result<String, Fault> {
    let (version, span) = text(entry, format)?;
    if version.trim().is_empty() || version.len() > NAME_BYTES_MAX {
        let message = format!("`version` has {} bytes; expected 1 to {NAME_BYTES_MAX}", version.trim().len());
        return Err(Fault::new(span, message));
    }
    Ok(version)
}

fn globs(entry: Option<Entry<'_>>, format: Format) -> Result<Vec<String>, Fault> {
    let Some(entry) = entry else {
        return Ok(Vec::new());
    };
    let key = entry.key.clone().into_owned();
    let globs = texts(entry, format)?;
    if let Some((glob, span)) =
        globs.iter().find(|(glob, _)| glob.is_empty() || glob.contains(char::is_control))
    {
        let message = match glob.is_empty() {
            true => format!("`{key}` has an empty pattern; expected a path such as `books/*.pdf`"),
            false => format!("the pattern `{}` of `{key}` has a control character", shown(glob)),
        };
        return Err(Fault::new(span.clone(), message));
    }
    let (globs, spans): (Vec<_>, Vec<_>) = globs.into_iter().unzip();
    match Patterns::read(&globs).1.first() {
        Some(BadPattern { index, error }) => {
            Err(Fault::new(spans[*index].clone(), format!("`{key}`: {error}")))
        }
        None => Ok(globs),
    }
}

fn currency(entry: Entry<'_>, format: Format) -> Result<String, Fault> {
    let (currency, span) = text(entry, format)?;
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(currency);
    }
    let upper = currency.to_ascii_uppercase();
    let hint = (upper.len() == 3 && upper.bytes().all(|byte| byte.is_ascii_uppercase()))
        .then(|| format!("did you mean `{upper}`?"));
    let message = format!("`currency` is `{}`; expected three capital letters, as `USD`", shown(&currency));
    Err(Fault::new(span, message).hint_if(hint))
}

/// Reads a limit, which is one of a currency: where there is none it may not be.
fn limit(entry: Option<Entry<'_>>, may_cost: bool, format: Format) -> Result<Option<Amount>, Fault> {
    let Some(entry) = entry else { return Ok(None) };
    let span = entry.node.span.clone();
    let limit = amount(entry, format)?;
    if !may_cost {
        let message =
            format!("`cost_limit` is `{limit}` of no currency; expected `workflow` to have a `currency`");
        let hint = format!("put `{}` into `workflow`", format.pair("currency", "\"USD\""));
        return Err(Fault::new(span, message).hint(hint));
    }
    Ok(Some(limit))
}

fn amount(entry: Entry<'_>, format: Format) -> Result<Amount, Fault> {
    let refused = |text: &str, why: &dyn std::fmt::Display| {
        let message = format!("`{}` is `{}`, which is no limit: {why}", entry.key, shown(text));
        Fault::new(entry.node.span.clone(), message)
    };
    let (Value::Text(text) | Value::Number(text)) = &entry.node.value else {
        let expected = "an amount such as \"30.00\"";
        return Err(wrong_type(&format!("`{}`", entry.key), &entry.node, expected, format));
    };
    match text.parse::<Amount>() {
        Ok(_) if text.starts_with('-') => Err(refused(text, &"it is negative; expected 0 or more")),
        Ok(amount) => Ok(amount),
        Err(error) => Err(refused(text, &error.fault)),
    }
}
