//! The command line of phaseledger.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
