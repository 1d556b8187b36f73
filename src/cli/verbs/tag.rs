//! `tag`: gives a place in the log a name, takes it away, and lists the names there are.

use std::io::Write;
use std::process::ExitCode;

use phaseledger::ask::{self, TagView};
use phaseledger::model::{Action, CallerId, Named, Seq, TagName, Text, action};

use super::{asking, writing};
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::columns::Column;
use crate::cli::ui::render;
use crate::cli::verbs::status;

// Options of `tag`.
#[derive(clap::Args)]
#[command(
    after_help = "A tag is a name for a place: `tag:NAME` means that place in every selector. It stays where it is set: one \
    that is set elsewhere moves with `--force` alone, and is refused (6) without it; setting it where it is changes nothing.\n\n\
    A new name must be one that `tag:NAME` finds, and look like nothing else: no place (`e5`, `5`, `head`), no time \
    (`2025-10-29`, `yesterday`), no range, no option, and nothing to be done with tags (`list`). `é` is one name, however it \
    is typed. A name from before there was that rule can be moved and deleted as any other.\n\n\
    In JSON `--list` is `tags/1`: `tags`, in the order of their places, each with `name`, `seq`, and `set_seq`, `set_at` and \
    `by` of the event that set it."
)]
pub struct TagArgs {
    /// The name
    #[arg(value_parser = |name: &str| TagName::new(name), required_unless_present = "list")]
    name: Option<TagName>,
    /// The place: `head`, `eN`, `id:PREFIX`, `key:TEXT`, `tag:NAME` or a time
    #[arg(value_name = "WHEN", default_value = "head", conflicts_with = "delete")]
    when: String,
    /// Move a name that is set elsewhere
    #[arg(long, conflicts_with = "delete")]
    force: bool,
    /// Take the name away; the place stays what it is
    #[arg(long)]
    delete: bool,
    /// Why, for `--delete`
    #[arg(long, value_name = "TEXT", value_parser = super::record::text, requires = "delete")]
    reason: Option<Text>,
    /// List the tags, and record nothing
    #[arg(long, conflicts_with_all = ["name", "when", "force", "delete"])]
    list: bool,
    #[command(flatten)]
    writing: writing::Args,
    #[command(flatten)]
    asking: asking::Args,
}

/// Names a place in the log, takes the name away, or lists the names.
pub fn run(args: TagArgs, context: &Context) -> Result<ExitCode, Failure> {
    let Some(name) = args.name.filter(|_| !args.list) else {
        return list(&args.asking, context);
    };
    args.asking.refuse_any("--list")?;
    if args.delete {
        let untag = action::Untag { name, reason: args.reason };
        return writing::record(args.writing, Action::Untag(untag), context);
    }
    let seq = match args.when.as_str() {
        "head" => None,
        // What is no place may be meant for the name: `tag delete NAME`.
        when => Some(place(when, args.writing.id(), context).map_err(|failure| {
            match Named::Tag.likeness(name.as_str()) {
                Some(looks) => Failure::unfit_name(Named::Tag, name.as_str(), looks),
                None => failure,
            }
        })?),
    };
    writing::record(args.writing, Action::Tag(action::Tag { name, seq, force: args.force }), context)
}

fn place(when: &str, id: Option<&CallerId>, context: &Context) -> Result<Seq, Failure> {
    let then = asking::Then::of(id, context)?;
    let question = ask::Place { when: then.when(when)? };
    then.ask(&question, "looking for the place", context)
}

const COLUMNS: &[Column] = &[
    Column { header: "tag", yields: 0 },
    Column { header: "place", yields: 0 },
    Column { header: "set", yields: 1 },
    Column { header: "by", yields: 2 },
];

fn list(asking: &asking::Args, context: &Context) -> Result<ExitCode, Failure> {
    let answered = asking.ask(&ask::Tags, context)?;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(ExitCode::SUCCESS);
    }
    let tags = &answered.view.tags;
    let row = |tag: &TagView| {
        vec![
            tag.name.to_string(),
            format!("e{}", tag.seq),
            render::time(tag.set_at, context.zone, false),
            tag.by.to_string(),
        ]
    };
    let rows: Vec<_> = tags.iter().map(row).collect();
    let mut out = output::stdout();
    match rows.is_empty() {
        true => writeln!(out, "no tags")?,
        false => status::show(&mut out, COLUMNS, &rows)?,
    }
    Ok(ExitCode::SUCCESS)
}
