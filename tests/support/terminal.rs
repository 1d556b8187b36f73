//! The program on a terminal of its own: Python's `pty` stands for one.

use std::process::Command;

use crate::cli::{NOW, Scene};
use crate::skip::skip;

/// Runs the program, types each answer at the next prompt, and writes what was seen and the exit code.
const TERMINAL: &str = r#"
import os, pty, select, sys, time
answers = sys.argv[1].split(",")
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, prompts, end = b"", (b"later: ", b"why? "), time.time() + 60
while time.time() < end:
    ready, _, _ = select.select([terminal], [], [], 1)
    if not ready:
        continue
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
    if seen.endswith(prompts):
        answer = answers.pop(0) if answers else ""
        os.write(terminal, b"\x04" if answer == "END" else answer.encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
sys.stdout.buffer.write(b"exit %d\n" % os.waitstatus_to_exitcode(status))
"#;

/// Returns Python, which stands for a terminal; none where there is no Python with a `pty`, which is said.
pub fn python() -> Option<Command> {
    let python = Command::new("python3").args(["-c", "import pty, os; os.waitstatus_to_exitcode"]).output();
    if !python.is_ok_and(|output| output.status.success()) {
        skip("a person at a terminal", "python3", "no python3 with `pty`, to stand for a terminal");
        return None;
    }
    Some(Command::new("python3"))
}

/// Returns what a person sees, and `exit CODE` behind it; none where there is no Python with a `pty`. `kind` is what `TERM`
/// says of the terminal.
pub fn seen(scene: &Scene, kind: &str, answers: &str, args: &[&str]) -> Option<String> {
    let mut command = python()?;
    let program = scene.command();
    command.current_dir(scene.dir()).args(["-c", TERMINAL, answers]).arg(program.get_program()).args(args);
    command.env_remove("PHASELEDGER_DIR").env("TERM", kind).env("NO_COLOR", "1");
    command.env("PHASELEDGER_CLOCK", NOW).env("PHASELEDGER_BY", "ana");
    let output = command.output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}
