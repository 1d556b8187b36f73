//! The program under strace: which calls it makes, and what becomes of it when one of them fails.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::cli::Scene;
use crate::patience::PATIENCE;
use crate::skip::skip;

/// What a traced run came to.
pub struct Traced {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// How it ended, and what it said.
    pub output: Output,
    /// What strace wrote: a line a call, with the paths of descriptors.
    pub calls: String,
}

impl Traced {
    /// Says whether a call failed that was made to fail, of those whose line has a text in it.
    pub fn has_failed(&self, text: &str) -> bool {
        self.calls.lines().any(|call| call.contains("(INJECTED)") && call.contains(text))
    }
}

/// Says whether processes can be traced here; where not, says that a test is skipped.
pub fn is_there(test: &str) -> bool {
    let probe =
        Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::piped()).output();
    let why = match probe {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    skip(test, "strace", &format!("strace cannot be run: {why}"));
    false
}

/// Runs the program in a scene under strace, with options for it.
pub fn run(scene: &Scene, options: &[&str], args: &[&str]) -> Traced {
    let program = scene.command();
    let trace = scene.dir().join("trace");
    // One that hangs is a failure, and no wait: it is killed, and has no exit code of the program's.
    let mut command = Command::new("timeout");
    command
        .args(["--signal=KILL", &PATIENCE.as_secs().to_string()])
        .args(["strace", "-f", "-qq", "-y", "-o"])
        .arg(&trace)
        .args(options)
        .arg("--");
    command.arg(program.get_program()).args(args).current_dir(scene.dir()).stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().expect("strace runs");
    let calls = fs::read(&trace).expect("a trace");
    fs::remove_file(&trace).expect("the trace goes");
    Traced { code: output.status.code(), output, calls: String::from_utf8_lossy(&calls).into_owned() }
}
