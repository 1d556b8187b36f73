//! `exec`, and the processes of attempts: what is passed on, what is recorded, what happens when somebody is
//! killed.
//!
//! Children that must be under way while something else happens say `ready` on standard output and then read
//! from standard input, which the test holds: nothing waits for a time to pass.

mod again;
mod compared;
mod costs;
mod gone;
mod group;
mod meanwhile;
mod needed;
mod passed_on;
mod signals;
mod time;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use crate::cli::{Ran, Scene, assert_snapshot, pictures};
use crate::patience::eventually;
use serde_json::Value;

/// A program under way, whose child has said that it is ready.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// What the child said: `ready`, and what came behind it on the line.
    said: String,
}

impl Running {
    fn start(mut command: Command) -> Running {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut said = String::new();
        stdout.read_line(&mut said).expect("a line");
        if !said.starts_with("ready") {
            let mut stderr = String::new();
            child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
            panic!("expected `ready`, found `{said}`; {stderr}");
        }
        Running { child, stdin, stdout, said: said.trim().to_owned() }
    }

    /// Starts `exec` with a script of the shell.
    fn exec(scene: &Scene, args: &[&str], script: &str) -> Running {
        let mut command = scene.command();
        command.arg("exec").args(args).args(["--", "sh", "-c", script]);
        Running::start(command)
    }

    /// Lets the child go on, and returns how the program ended, and all that it wrote.
    fn end(mut self) -> Output {
        drop(self.stdin.take());
        let mut pipe = self.child.stderr.take().expect("a pipe");
        let reader = std::thread::spawn(move || {
            let mut stderr = Vec::new();
            pipe.read_to_end(&mut stderr).expect("a pipe");
            stderr
        });
        let mut stdout = Vec::new();
        self.stdout.read_to_end(&mut stdout).expect("a pipe");
        let stderr = reader.join().expect("it reads to the end");
        Output { stdout, stderr, status: self.child.wait().expect("the program ends") }
    }

    /// Kills the program, and not its child.
    fn kill(&mut self) {
        self.child.kill().expect("a process of ours");
        self.child.wait().expect("it ended");
    }
}

struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: ExitStatus,
}

impl Output {
    fn code(&self) -> i32 {
        let said = String::from_utf8_lossy(&self.stderr);
        self.status.code().unwrap_or_else(|| panic!("{}: {said}", self.status))
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Returns where a phase stands.
fn phase(scene: &Scene, name: &str) -> Value {
    scene.ok(&["status", name, "--json"]).json()["phases"][0].take()
}

/// Returns the events, in order.
fn events(scene: &Scene) -> Vec<Value> {
    let export = scene.ok(&["export"]).stdout;
    let lines: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.into_iter().filter(|line| line["kind"].is_string()).collect()
}

/// Returns the last event of a kind.
fn last(scene: &Scene, kind: &str) -> Value {
    let found = events(scene).into_iter().rfind(|event| event["kind"] == kind);
    found.unwrap_or_else(|| panic!("there is no `{kind}`"))
}

/// Runs a script of the shell by `exec`.
fn exec(scene: &Scene, args: &[&str], script: &str) -> Ran {
    scene.run(&[&["exec"], args, &["--", "sh", "-c", script]].concat())
}

/// Returns a process that lives until its standard input is closed.
fn sleeper() -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", "read line"]).stdin(Stdio::piped()).spawn().expect("a shell")
}

/// Ends a process, and forgets it: nothing has its number any more.
fn bury(mut child: Child) {
    drop(child.stdin.take());
    child.wait().expect("it ended");
}

/// Takes the numbers of processes out of a picture.
fn without_pids(text: &str, pids: &[u32]) -> String {
    let places = ["process ", "process     ", "gone, but ", "--pid "];
    let replaced = |text: String, pid: &u32| {
        places.iter().fold(text, |text, place| text.replace(&format!("{place}{pid}"), &format!("{place}PID")))
    };
    pids.iter().fold(text.to_owned(), replaced)
}

/// Takes the widths of columns out of a picture: a table that shows the number of a process is as wide as that is long.
fn without_widths(picture: &str) -> String {
    let squeezed = |line: &str| {
        line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>().join("  ")
    };
    picture.lines().map(squeezed).collect::<Vec<_>>().join("\n")
}
