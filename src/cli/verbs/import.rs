//! `import`: takes in the ledger's own export, or a history that others wrote.

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::ledger::{HistoryOptions, Imported, Ledger, import_history, restore};
use phaseledger::model::{Definition, Seq, Timestamp, WorkflowName};
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output::{self, Progress};
use crate::cli::host::paths::shown;
use crate::cli::ui::render;
use crate::cli::verbs::define::read_definition;

/// Options of `import`.
#[derive(clap::Args)]
#[command(
    after_help = "A line of a history has `at`, `phase` and `event`: `start`, `complete`, `fail`, `skip`, `cached`, \
    `needs_rerun`, or `cost` with an `amount` (below zero for a refund), perhaps `currency`, `model`, `operation`. Lines \
    are taken in the order of their times. A phase that has not run yet is taken to have been defined before its first \
    line. A file that was taken in may be taken in again, also when it has grown at either end: what is known is \
    passed over."
)]
pub struct Args {
    /// The file, or `-` for standard input
    file: PathBuf,
    /// What the file is
    #[arg(long, value_enum, default_value = "export")]
    format: Format,
    /// Who asks [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::label)]
    by: Option<String>,
    #[command(flatten)]
    history: HistoryArgs,
}

/// Options of `import --format history`.
#[derive(clap::Args)]
#[command(next_help_heading = "Histories")]
#[group(skip)]
struct HistoryArgs {
    /// The definition to put in force first, at the time of the first line
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
    #[arg(long, value_name = "TIME")]
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
    let ledger = context.open_to_record()?;
    match args.format {
        Format::Export => restore_export(ledger, &file, context)?,
        Format::History => take_history(ledger, &file, args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A file that can be read twice; what is none, a pipe, is copied to one that goes away by itself.
struct Spooled {
    file: File,
    name: String,
}

impl Spooled {
    fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("read", path, &error);
        let spool = |mut source: Box<dyn io::Read>, name: &str| -> Result<Self, Failure> {
            let mut file = tempfile::tempfile().map_err(failed)?;
            io::copy(&mut source, &mut file).map_err(failed)?;
            Ok(Spooled { file, name: name.to_owned() })
        };
        if path == Path::new("-") {
            return spool(Box::new(io::stdin().lock()), "standard input");
        }
        if path.is_dir() {
            return Err(Failure::misuse(format!("`{}` is a folder, expected a file", shown(path))));
        }
        let file = File::open(path).map_err(failed)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match file.metadata().map_err(failed)?.is_file() {
            true => Ok(Spooled { file, name }),
            false => spool(Box::new(file), &name),
        }
    }

    fn reader(&self) -> io::Result<BufReader<File>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(BufReader::with_capacity(1 << 18, file))
    }
}

fn restore_export(mut ledger: Ledger, file: &Spooled, context: &Context) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct View {
        schema: &'static str,
        status: &'static str,
        events: u64,
        known: u64,
        root: String,
    }
    let mut progress = Progress::new("restoring", 0);
    let reader = file.reader().map_err(|error| Failure::io("read", Path::new(&file.name), &error))?;
    let restored = restore(&mut ledger, reader, |done| progress.at(done))?;
    drop(progress);
    // Nothing is answered while it is held.
    drop(ledger);
    let status = if restored.events == restored.known { "unchanged" } else { "restored" };
    let root = restored.root.to_string();
    let mut out = output::stdout();
    if context.json {
        let view = View { schema: "restore/1", status, events: restored.events, known: restored.known, root };
        output::json_line(&mut out, &view)?;
    } else {
        writeln!(
            out,
            "{status}: {} events, {} of them known already, root {root}",
            restored.events, restored.known
        )?;
    }
    Ok(())
}

fn take_history(mut ledger: Ledger, file: &Spooled, args: &Args, context: &Context) -> Result<(), Failure> {
    let before = args.history.before.as_deref();
    let before: Option<Timestamp> = before.map(|text| context.instant(text)).transpose()?;
    let define = definition(&mut ledger, &args.history, context)?;
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
        by: context.actor(args.by.as_deref(), "import"),
    };
    let mut progress = Progress::new("importing", 0);
    let imported =
        import_history(&mut ledger, || file.reader(), &options, context.now()?, |done| progress.at(done))?;
    drop(progress);
    // Nothing is answered while it is held.
    drop(ledger);
    tell(&imported, context)
}

fn definition(
    ledger: &mut Ledger,
    args: &HistoryArgs,
    context: &Context,
) -> Result<Option<Definition>, Failure> {
    let is_empty = ask::held(ledger, &ask::Head)? == Seq::ZERO;
    let path = match &args.define {
        Some(path) => path.clone(),
        None if is_empty => context.home()?.workflow(),
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
