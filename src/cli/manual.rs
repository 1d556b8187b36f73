//! `completions` and `man`: what the program says of itself.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use super::error::Failure;
use super::output;

/// Options of `completions`.
#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Options of `man`.
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

/// Prints the completions of a shell.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "phaseledger", &mut script);
    output::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual.
pub fn run(args: &ManArgs, mut command: Command) -> Result<ExitCode, Failure> {
    command.build();
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
