//! Bad input, of every kind there is: no panic, nothing written, and a message that names the place and the
//! remedy.

mod damage;
mod fuzz;
mod imports;
mod json;
mod large;
mod places;
mod streams;
mod text;
mod times;

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::cli::Scene;
use crate::shared;
use crate::skip::skip;

/// What a run of the program came to, byte for byte.
struct Outcome {
    /// The exit code; none when a signal ended it.
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Outcome {
    /// Checks that the program ended by itself, without a panic, and with one of its own exit codes.
    fn calm(self, what: &str) -> Self {
        let Outcome { code, stderr, .. } = &self;
        assert!(!stderr.contains("panicked") && !stderr.contains("RUST_BACKTRACE"), "{what}: {stderr}");
        assert!(code.is_some_and(|code| EXIT_CODES.contains(&code)), "{what}: {code:?} {stderr}");
        self
    }

    /// Checks that the program refused with an exit code, answered nothing, and said what to look at.
    fn refused(self, code: i32, said: &str) -> Self {
        let outcome = self.calm(said);
        let told = format!("{said}: {:?} {}", outcome.code, outcome.stderr);
        assert!(outcome.code == Some(code) && outcome.stdout.is_empty(), "{told}");
        assert!(outcome.stderr.contains(said), "{told}");
        outcome
    }
}

/// The exit codes that the program has (DESIGN section 6).
const EXIT_CODES: &[i32] = &[0, 1, 2, 3, 4, 5, 6, 7, 74, 75];

/// Runs a command to its end with something on its standard input.
fn finish(mut command: Command, input: &[u8]) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may end before it has read everything.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    let stderr = String::from_utf8(output.stderr).expect("the program talks in UTF-8");
    Outcome { code: output.status.code(), stdout: output.stdout, stderr }
}

/// Runs the program in a scene.
fn run<S: AsRef<OsStr>>(scene: &Scene, args: &[S], input: &[u8]) -> Outcome {
    let mut command = scene.command();
    command.args(args);
    finish(command, input)
}

/// Returns the log, byte for byte.
fn export(scene: &Scene) -> Vec<u8> {
    let outcome = run(scene, &["export"], b"");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    outcome.stdout
}

/// Does something that must leave the log as it is, byte for byte.
fn unchanged<T>(scene: &Scene, action: impl FnOnce() -> T) -> T {
    let before = export(scene);
    let result = action();
    assert!(before == export(scene), "the log has changed");
    result
}
