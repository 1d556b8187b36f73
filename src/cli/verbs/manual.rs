//! `completions` and `man`: what the program says of itself.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::cli::host::complete;
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::host::shell_words::Typed;

// Options of `completions`.
#[derive(clap::Args)]
#[command(
    after_help = "bash: `source <(phaseledger completions bash)` in ~/.bashrc. zsh: the same in ~/.zshrc, after \
    `compinit`. fish: `phaseledger completions fish | source` in ~/.config/fish/config.fish. In these three, phases, \
    tags, workflows and states of the ledger at hand are completed too."
)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
    /// The line up to the cursor, asked for by the script for bash
    #[arg(long, hide = true)]
    line: Option<String>,
    /// What bash ends a word at
    #[arg(long, hide = true, default_value = "")]
    breaks: String,
    /// The words up to the cursor, asked for by the scripts for zsh and fish
    #[arg(last = true, hide = true)]
    words: Vec<std::ffi::OsString>,
}

// Options of `man`.
#[derive(clap::Args)]
pub struct ManArgs {
    /// How it is written
    #[arg(long, value_enum, default_value = "roff")]
    format: Format,
}

/// How the manual is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For `man`: `phaseledger man | man -l -`
    Roff,
    /// For the web: `docs/cli.md` is made of this
    Markdown,
}

/// The shells whose script asks the program at each Tab.
const SCRIPTS: &[(Shell, &str)] = &[
    (Shell::Bash, include_str!("shells/bash.sh")),
    (Shell::Zsh, include_str!("shells/zsh.zsh")),
    (Shell::Fish, include_str!("shells/fish.fish")),
];

/// Prints the completions of a shell, or, asked by them, what may stand where the cursor is.
pub fn completions(args: CompletionsArgs, context: &Context, command: Command) -> Result<ExitCode, Failure> {
    let dir = context.dir().map(std::path::Path::to_owned);
    let words = args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
    match args.line {
        Some(line) => complete::answer(&Typed::line_of_bash(&line, &args.breaks), dir, false, command)?,
        None if !words.is_empty() => complete::answer(&Typed::words_of(words), dir, true, command)?,
        None => output::stdout().write_all(&script(args.shell, command))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the script of a shell. It calls the program by the name, or the path, by which it was called here.
fn script(shell: Shell, mut command: Command) -> Vec<u8> {
    let Some((_, script)) = SCRIPTS.iter().find(|(known, _)| *known == shell) else {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "phaseledger", &mut script);
        return script;
    };
    let called = std::env::args_os().next().unwrap_or_default().to_string_lossy().into_owned();
    let path = match called.contains('/').then(std::env::current_dir) {
        Some(Ok(here)) => here.join(&called).to_string_lossy().into_owned(),
        Some(Err(_)) | None => "phaseledger".to_owned(),
    };
    let quote = if shell == Shell::Fish { r"\'" } else { r"'\''" };
    script.replace("PROGRAM", &format!("'{}'", path.replace('\'', quote))).into_bytes()
}

/// Prints the manual.
pub fn run(args: &ManArgs, command: Command) -> Result<ExitCode, Failure> {
    let mut out = output::stdout();
    match args.format {
        Format::Roff => {
            let mut pages = Vec::new();
            clap_mangen::Man::new(command.clone()).render(&mut pages)?;
            for (_, verb) in verbs(&command) {
                clap_mangen::Man::new(verb.clone()).render(&mut pages)?;
            }
            out.write_all(&pages)?;
        }
        Format::Markdown => out.write_all(markdown(&command).as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the help of every verb as one page.
fn markdown(command: &Command) -> String {
    let mut page = String::from(
        "# The command line\n\nMade of the program's own help: `phaseledger man --format markdown`.\n",
    );
    section(&mut page, "phaseledger", command.clone());
    for (name, verb) in verbs(command) {
        section(&mut page, &format!("phaseledger {name}"), verb.clone());
    }
    page
}

/// Returns every verb with its name, and after each that has verbs of its own, those.
fn verbs(command: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        found.push((verb.get_name().to_owned(), verb));
        let below = verbs(verb).into_iter();
        found.extend(below.map(|(name, below)| (format!("{} {name}", verb.get_name()), below)));
    }
    found
}

fn section(page: &mut String, title: &str, command: Command) {
    let help = command.term_width(100).render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n").trim_end())
        .expect("a string takes it");
}
