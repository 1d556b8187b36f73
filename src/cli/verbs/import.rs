//! `import`: takes in the ledger's own export, what was salvaged of one, or a history that others wrote.
//!
//! Where there is no ledger it makes one, once all that is to be taken in is known to be right.

mod spooled;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::ledger::{
    HistoryOptions, Imported, Ledger, Restored, SalvagedOptions, Stretch, Taken, check_export,
    import_history, import_salvaged, restore, restore_checked,
};
use phaseledger::model::{Definition, Seq, Timestamp, WorkflowName};
use phaseledger::store::MemoryStore;
use serde::Serialize;
use spooled::Spooled;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::files;
use crate::cli::host::home::Home;
use crate::cli::host::output::{self, Progress};
use crate::cli::host::paths::shown;
use crate::cli::ui::render;
use crate::cli::verbs::define::read_definition;
use crate::cli::verbs::init::{self, Beginning};

// Options of `import`.
#[derive(clap::Args)]
#[command(
    after_help = "A line of a history has `at`, `phase` and `event`: `start`, `complete`, `fail`, `skip`, `cached`, \
    `needs_rerun`, or `cost` with an `amount` (below zero for a refund), perhaps `currency`, `model`, `operation`. A \
    time is written as in every flag; without an offset it is one of the `--tz` zone. Lines are taken in the order of their times. A phase that has not run yet is taken to have been defined before its first \
    line. A file that was taken in may be taken in again, also when it has grown at either end: what is known is \
    passed over."
)]
pub struct Args {
    /// The file, or `-` for standard input
    file: PathBuf,
    /// What the file is
    #[arg(long, value_enum, default_value = "export")]
    format: Format,
    /// Take what `salvage` wrote of a log with holes into a new ledger: what is before the first hole as it was, then an
    /// event that names what is missing, then what follows, recorded once more; what has to be inferred is marked
    #[arg(long)]
    as_new: bool,
    /// Who asks [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::claim)]
    by: Option<String>,
    #[command(flatten)]
    history: HistoryArgs,
}

// Options of `import --format history`.
#[derive(clap::Args)]
#[command(next_help_heading = "Histories")]
#[group(skip)]
struct HistoryArgs {
    /// The definition to put in force first, at the time of the first line; with `--as-new`, behind the first hole
    /// [default: the ledger's `workflow.toml`, where nothing is defined yet]
    #[arg(long, value_name = "FILE")]
    define: Option<PathBuf>,
    /// The workflow whose phases the lines name; with a definition, its name
    #[arg(long = "as", value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    name: Option<WorkflowName>,
    /// Make lines legal that are not: add a missing start, a missing mark, or the end of an abandoned attempt,
    /// each marked as inferred; let starts pass whose needs are not met; keep the rest as notes
    #[arg(long)]
    repair: bool,
    /// Let starts pass whose needs are not met; the events say so
    #[arg(long)]
    allow_unmet: bool,
    /// Take in only what happened before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    before: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// What `export` writes: restored byte for byte
    Export,
    /// JSON lines `{at, phase, event, …}` in any order: recorded through the rules, at their times
    History,
}

/// Takes a file in.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let file = Spooled::open(&args.file)?;
    match (args.format, args.as_new) {
        (Format::Export, false) => restore_export(&file, context)?,
        (Format::Export, true) => take_salvaged(&file, args, context)?,
        (Format::History, true) => {
            return Err(Failure::misuse("`--as-new` takes what `salvage` wrote, not a history"));
        }
        (Format::History, false) => take_history(&file, args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The ledger that a file is taken into.
struct Target {
    home: Home,
    /// Whether it is yet to be made.
    is_new: bool,
}

impl Target {
    fn find(context: &Context) -> Result<Self, Failure> {
        let (home, is_new) = context.home_or_new()?;
        Ok(Target { home, is_new })
    }

    /// Opens it; makes it where there is none, which is only once the file is known to be right.
    fn open(&self, context: &Context) -> Result<Ledger, Failure> {
        if self.is_new {
            files::refuse_logs(self.home.root())?;
            init::make(&self.home, Beginning::Nothing)?;
        }
        context.open_at(&self.home)
    }

    /// Removes the workflow that `init` begins with where another one came from the file.
    fn clear_template(&self) {
        let path = self.home.workflow();
        if std::fs::read(&path).is_ok_and(|found| found == init::STARTER.as_bytes())
            && std::fs::remove_file(&path).is_ok()
        {
            output::talk(format_args!(
                "removed `{}`, which was as `init` makes it: the definitions in force came with the file",
                shown(&path)
            ));
        }
    }
}

/// What is answered of an export that was restored, and of what was salvaged.
#[derive(Serialize)]
struct RestoredView<'a> {
    schema: &'static str,
    status: &'static str,
    events: u64,
    known: u64,
    root: String,
    #[serde(flatten)]
    taken: Option<TakenView<'a>>,
}

/// What is answered besides of what was salvaged.
#[derive(Serialize)]
struct TakenView<'a> {
    lines: u64,
    kept: u64,
    missing: &'a [Stretch],
    inferred: &'a BTreeMap<String, u64>,
}

fn restore_export(file: &Spooled, context: &Context) -> Result<(), Failure> {
    let target = Target::find(context)?;
    let mut progress = Progress::new("restoring", 0);
    let reader = || file.reader().map_err(|error| unread(file, &error));
    let checked = match target.is_new {
        true => Some(check_export(reader()?, |done| progress.at(done))?),
        false => None,
    };
    let mut ledger = target.open(context)?;
    let was_empty = ask::held(&mut ledger, &ask::Head)? == Seq::ZERO;
    let restored = restore_checked(&mut ledger, reader()?, checked, |done| progress.at(done))?;
    drop(progress);
    // Nothing is answered while it is held.
    drop(ledger);
    if was_empty && restored.events > 0 {
        target.clear_template();
    }
    tell_restored(&restored, None, context)
}

fn unread(file: &Spooled, error: &std::io::Error) -> Failure {
    Failure::io("read", Path::new(&file.name), error)
}

/// Takes what was salvaged into a new ledger.
fn take_salvaged(file: &Spooled, args: &Args, context: &Context) -> Result<(), Failure> {
    let target = Target::find(context)?;
    let define = args.history.define.as_deref();
    let define = define.map(|path| read_definition(path, args.history.name.as_ref())).transpose()?;
    let by = context.actor(args.by.as_deref(), "import")?;
    let options = SalvagedOptions { source: file.name.clone(), define, by };
    if !target.is_new {
        let events = ask::held(&mut context.open()?, &ask::Head)?;
        if events > Seq::ZERO {
            return Err(Failure::not_empty(events));
        }
    }
    let reader = file.reader().map_err(|error| unread(file, &error))?;
    let mut progress = Progress::new("importing", 0);
    let (export, taken) = import_salvaged(reader, &options, context.now()?, |done| progress.at(done))?;
    let mut ledger = target.open(context)?;
    // It is checked once more as any export is.
    let restored = restore(&mut ledger, std::io::Cursor::new(export), |done| progress.at(done))?;
    drop(progress);
    drop(ledger);
    target.clear_template();
    tell_restored(&restored, Some(&taken), context)
}

fn tell_restored(restored: &Restored, taken: Option<&Taken>, context: &Context) -> Result<(), Failure> {
    let status = if restored.events == restored.known { "unchanged" } else { "restored" };
    let root = restored.root.to_string();
    let mut out = output::stdout();
    if context.json {
        let taken = taken.map(|taken| TakenView {
            lines: taken.lines,
            kept: taken.kept,
            missing: &taken.missing,
            inferred: &taken.inferred,
        });
        let (events, known) = (restored.events, restored.known);
        let view = RestoredView { schema: "restore/1", status, events, known, root, taken };
        return Ok(output::json_line(&mut out, &view)?);
    }
    writeln!(
        out,
        "{status}: {} events, {} of them known already, root {root}",
        restored.events, restored.known
    )?;
    let Some(taken) = taken else { return Ok(()) };
    writeln!(
        out,
        "  {} of {} as they were, {} recorded once more; the new ledger has other places from e{} on",
        taken.kept,
        render::count(taken.lines as usize, "line", "lines"),
        taken.lines - taken.kept,
        taken.kept + 1
    )?;
    for places in &taken.missing {
        writeln!(out, "  missing: {places}")?;
    }
    for (repair, count) in &taken.inferred {
        writeln!(out, "  inferred {count} × {repair}")?;
    }
    if taken.inferred.contains_key("kept_as_note") {
        output::talk(format_args!(
            "what could not follow is kept as notes; where a definition is missing, `--define FILE` names it"
        ));
    }
    Ok(())
}

fn take_history(file: &Spooled, args: &Args, context: &Context) -> Result<(), Failure> {
    let before = args.history.before.as_deref();
    let before: Option<Timestamp> = before.map(|text| context.instant(text)).transpose()?;
    let target = Target::find(context)?;
    let mut ledger =
        if target.is_new { Ledger::new(Box::new(MemoryStore::new())) } else { target.open(context)? };
    let define = definition(&mut ledger, &args.history, &target.home)?;
    let workflow = match (&args.history.name, &define) {
        (Some(name), _) => name.clone(),
        (None, Some(definition)) => definition.name().clone(),
        (None, None) => ask::held(&mut ledger, &ask::OnlyWorkflow)?,
    };
    let options = HistoryOptions {
        source: file.name.clone(),
        workflow,
        define,
        repair: args.history.repair,
        allow_unmet: args.history.allow_unmet,
        before,
        zone: context.zone,
        by: context.actor(args.by.as_deref(), "import")?,
    };
    let mut progress = Progress::new("importing", 0);
    let mut import = |ledger: &mut Ledger| {
        import_history(ledger, || file.reader(), &options, context.now()?, |done| progress.at(done))
            .map_err(Failure::from)
    };
    if target.is_new {
        // In memory first: what is refused leaves no ledger.
        import(&mut ledger)?;
        ledger = target.open(context)?;
    }
    let imported = import(&mut ledger)?;
    drop(progress);
    // Nothing is answered while it is held.
    drop(ledger);
    tell(&imported, context)
}

fn definition(ledger: &mut Ledger, args: &HistoryArgs, home: &Home) -> Result<Option<Definition>, Failure> {
    let is_empty = ask::held(ledger, &ask::Head)? == Seq::ZERO;
    let path = match &args.define {
        Some(path) => path.clone(),
        None if is_empty => home.workflow(),
        None => return Ok(None),
    };
    read_definition(&path, args.name.as_ref()).map(Some)
}

fn tell(imported: &Imported, context: &Context) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct View<'a> {
        schema: &'static str,
        status: &'static str,
        lines: u64,
        known: u64,
        events: u64,
        inferred: &'a std::collections::BTreeMap<String, u64>,
        raised: u64,
        seq: u64,
    }
    let status = if imported.events == 0 { "unchanged" } else { "imported" };
    let mut out = output::stdout();
    if context.json {
        let Imported { lines, known, events, inferred, raised, head } = imported;
        let view = View {
            schema: "import/1",
            status,
            lines: *lines,
            known: *known,
            events: *events,
            inferred,
            raised: *raised,
            seq: head.number(),
        };
        output::json_line(&mut out, &view)?;
        return Ok(());
    }
    writeln!(
        out,
        "{status}: {}, {} of them known already; {} appended, the log ends at e{}",
        render::count(imported.lines as usize, "line", "lines"),
        imported.known,
        render::count(imported.events as usize, "event", "events"),
        imported.head
    )?;
    for (repair, count) in &imported.inferred {
        writeln!(out, "  inferred {count} × {repair}")?;
    }
    if imported.raised > 0 {
        let lines = render::count(imported.raised as usize, "line claims", "lines claim");
        output::talk(format_args!(
            "{lines} a time before something that it rests on in the ledger: `at` was raised to that, `occurred_at` keeps \
             the claim"
        ));
    }
    Ok(())
}
