//! `show`: one event, or one phase, in full.

use std::io::Write;
use std::process::ExitCode;

use anstyle::Style;
use phaseledger::ask::{Show, ShowAnswer, ShowPhase};
use phaseledger::model::{Cause, PhaseRef, Recorded, Subject, When, WhenBase, escape};
use phaseledger::query::{EventView, Linked};
use phaseledger::rules::Table;
use serde_json::value::RawValue;

use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::{output, process};
use crate::cli::ui::sheet::Sheet;
use crate::cli::ui::{
    pretty,
    render::{self, Naming},
};
use crate::cli::verbs::{asking, log, show_phase};

/// How many attempts are told where nobody says: more than most phases have, and as many as are read in no time.
const ATTEMPTS_TOLD: u32 = 20;

// Options of `show`.
#[derive(clap::Args)]
#[command(after_help = "WHAT is read as a place when it is `eN`, begins with `#`, `seq:`, `id:`, `key:` or \
    `tag:`, is `head` or `head~N`, or begins with a digit and is a time; the event there is shown, or for a time \
    the last one up to it. Anything else is a phase; `workflow/phase` always is. A number that is no phase is a place, and a \
    word that is none, but a time such as `yesterday`, is read as that.\n\n\
    In JSON (`show/1`), for an event: `event`, its line byte for byte; `leaf`, SHA-256(0x00 ‖ line); `causes`; \
    `effects`, what it forced within its command, and later events that name it as a cause. For a phase: \
    `phase` as in `status/1`, `spec`, `attempts`, `attempts_before`, how many are left out, `notes`.")]
pub struct Args {
    /// An event: `e12`, `id:PREFIX`, `key:TEXT`, `head`, `tag:NAME` or a time; or a phase
    what: String,
    /// Only the last N attempts of a phase, with what came since [default: 20]
    #[arg(short = 'n', long = "last", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    last: Option<u32>,
    /// All attempts of a phase
    #[arg(long, conflicts_with = "last")]
    all: bool,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

/// Shows an event or a phase.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let what = what(args, context)?;
    let doing = match &what {
        Show::Event(_) => "looking for what it forced",
        Show::Phase(_) => "reading its history",
    };
    let mut answered = args.asking.ask_long(&what, doing, context)?;
    if let (ShowAnswer::Phase(shown), true) = (&mut answered.view, answered.is_head) {
        process::look_at([&mut shown.view.phase], &shown.table);
    }
    match &answered.view {
        _ if context.json => asking::write_json(&answered)?,
        ShowAnswer::Event(shown) => tell(&shown.record, &shown.view, &shown.table, context)?,
        ShowAnswer::Phase(shown) => show_phase::tell(&shown.view, &shown.table, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads what is to be shown.
fn what(args: &Args, context: &Context) -> Result<Show, Failure> {
    let text = args.what.as_str();
    let last = if args.all { None } else { Some(args.last.unwrap_or(ATTEMPTS_TOLD)) };
    let when = When::parse(text, &context.time()?);
    let begins = |start: &str| text.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start));
    let is_place = ["#", "seq:", "id:", "key:", "tag:", "head~"].into_iter().any(begins)
        || text.eq_ignore_ascii_case("head");
    // `e12` is a place, and `2025-10-29` a time; digits alone, and words such as `yesterday`, may be a phase.
    let is_digit = text.starts_with(|first: char| first.is_ascii_digit());
    let is_meant = when.as_ref().is_ok_and(|when| matches!(when.base, WhenBase::Seq(_)) != is_digit);
    if (is_place || is_meant) && (args.last.is_some() || args.all) {
        return Err(Failure::misuse("`-n` and `--all` are of attempts of a phase, and this is an event")
            .hint("leave it out"));
    }
    if is_place || is_meant {
        return Ok(Show::Event(when?));
    }
    match (text.parse::<PhaseRef>(), when) {
        (Ok(name), when) => Ok(Show::Phase(ShowPhase { name, otherwise: when.ok(), last })),
        (Err(_), Ok(when)) => Ok(Show::Event(when)),
        (Err(error), Err(_)) => Err(Failure::misuse(error.to_string())
            .hint("show a phase, or a place such as `e12`, `head` or `2025-10-29 14:00`")),
    }
}

fn tell(record: &Recorded, view: &EventView, table: &Table, context: &Context) -> Result<(), Failure> {
    let naming = Naming::among(table.workflows.len());
    let bold = Style::new().bold();
    let mut out = output::stdout();
    let name = log::named(&record.subject, record.event.kind(), naming);
    writeln!(out, "{bold}e{} {name}{bold:#}", record.seq)?;
    let mut sheet = Sheet::default();
    if let Some((from, to)) = record.transition {
        match from == to {
            true => sheet.line("state", format!("{}, as before", render::state(to))),
            false => sheet.line("state", format!("{} → {}", render::state(from), render::state(to))),
        }
    }
    if let (false, Some(workflow)) =
        (matches!(record.subject, Subject::Workflow(_)), record.subject.workflow())
    {
        sheet.line("workflow", workflow.to_string());
    }
    sheet.line("at", render::time(record.at, context.zone, true));
    if let Some(claimed) = record.occurred_at {
        let claimed = render::time(claimed, context.zone, true);
        sheet.line("claimed", format!("{claimed}, earlier than the event before it"));
    }
    sheet.line("recorded", render::time(record.recorded_at, context.zone, true));
    let by = &record.by;
    let who = escape(&by.to_string());
    sheet.line("by", format!("{who} on {} via {}", escape(&by.host), escape(&by.via)));
    if let Some(rule) = &record.rule {
        sheet.line("derived", format!("by the rule {}", escape(rule)));
    }
    if let Some(repair) = &record.inferred {
        sheet.line("inferred", escape(repair));
    }
    ids(&mut sheet, record);
    links(&mut sheet, record, view, naming);
    fields(&mut sheet, view);
    sheet.line("leaf", view.leaf.to_string());
    sheet.write(&mut out)?;
    Ok(())
}

fn ids(sheet: &mut Sheet, record: &Recorded) {
    sheet.line("id", record.id.to_string());
    sheet.line("command", record.command_id.to_string());
    if let Some(key) = &record.key {
        sheet.line("key", format!("key:{}", escape(key.as_str())));
    }
    for (name, value) in record.asked.fields() {
        sheet.line("asked", format!("{} = {}", escape(name), pretty::json(value).join("\n")));
    }
    if let Some(digest) = &record.command_digest {
        sheet.line("content", digest.to_string());
    }
    match record.correlation_id == record.id {
        true => sheet.line("root", "itself"),
        false => sheet.line("root", record.correlation_id.to_string()),
    }
}

fn links(sheet: &mut Sheet, record: &Recorded, view: &EventView, naming: Naming) {
    let cause = |(cause, found): (&Cause, &Linked)| {
        let edge = cause.edge.as_ref().map(|(above, below)| {
            let name = |id| render::phase(id, naming);
            format!(", {} → {}", name(above), name(below))
        });
        format!("{} ({}{})", linked(found, naming), kind(found), edge.unwrap_or_default())
    };
    sheet.lines("because", record.causes.iter().zip(&view.causes).map(cause).collect());
    let effect = |effect: &Linked| {
        let other: Vec<_> = effect.because.iter().filter(|seq| **seq != record.seq).collect();
        let other = match other.as_slice() {
            [] => String::new(),
            seqs => {
                let seqs: Vec<_> = seqs.iter().map(|seq| format!("e{seq}")).collect();
                format!(", because {}", seqs.join(", "))
            }
        };
        format!("{} ({}{other})", linked(effect, naming), kind(effect))
    };
    sheet.lines("led to", view.effects.iter().map(effect).collect());
}

fn linked(link: &Linked, naming: Naming) -> String {
    let subject = match (&link.event.workflow, &link.event.phase) {
        (Some(workflow), Some(phase)) if naming == Naming::Full => format!(" {workflow}/{phase}"),
        (_, Some(phase)) => format!(" {phase}"),
        (Some(workflow), None) => format!(" {workflow}"),
        (None, None) => String::new(),
    };
    format!("e{} {}{subject}", link.event.seq, link.event.kind)
}

/// Returns the kind of a cause, as it is written.
fn kind(link: &Linked) -> String {
    let name = serde_json::to_value(link.why).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}

/// Adds what the event's kind says, and fields that this version does not know.
fn fields(sheet: &mut Sheet, view: &EventView) {
    const KNOWN: &[&str] = &[
        "v",
        "seq",
        "id",
        "command_id",
        "kind",
        "workflow",
        "phase",
        "from",
        "to",
        "at",
        "recorded_at",
        "occurred_at",
        "by",
        "derived",
        "rule",
        "inferred",
        "causation_id",
        "correlation_id",
        "causes",
        "command_digest",
        "key",
        "asked",
    ];
    let fields: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(view.event.get()).unwrap_or_default();
    for (name, value) in fields.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())) {
        match name.as_str() {
            "data" => sheet.lines("data", pretty::json(value.get())),
            unknown => {
                sheet.line("also", format!("{} = {}", escape(unknown), pretty::json(value.get()).join("\n")));
            }
        }
    }
}
