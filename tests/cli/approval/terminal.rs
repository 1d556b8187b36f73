//! A person at a terminal: Python's `pty` stands for one.

use std::process::Command;

use super::{Scene, scene};
use crate::skip::skip;

/// Runs the program on a terminal of its own, types each answer at the next prompt, and prints what was seen
/// and the exit code.
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
sys.stdout.write(seen.decode().replace("\r\n", "\n"))
print("exit", os.waitstatus_to_exitcode(status))
"#;

/// Asks on a terminal; none where there is no Python with a `pty`.
fn asked(scene: &Scene, answers: &str, more: &[&str]) -> Option<String> {
    let python = Command::new("python3").args(["-c", "import pty, os; os.waitstatus_to_exitcode"]).output();
    if !python.is_ok_and(|output| output.status.success()) {
        skip("a person at a terminal", "python3", "no python3 with `pty`, to stand for a terminal");
        return None;
    }
    let program = scene.command();
    let mut command = Command::new("python3");
    command.current_dir(scene.dir()).args(["-c", TERMINAL, answers]).arg(program.get_program());
    command.args(["approval", "request", "delete_plan", "--estimate", "12", "--items", "3"]).args(more);
    command.env_remove("PHASELEDGER_DIR").env("TERM", "dumb").env("NO_COLOR", "1");
    command.env("PHASELEDGER_CLOCK", crate::cli::NOW).env("PHASELEDGER_BY", "ana");
    let output = command.output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

fn decisions(scene: &Scene) -> Vec<String> {
    let list = scene.ok(&["approval", "list", "--json"]).json();
    let list = list["approvals"].as_array().expect("a list").clone();
    list.iter().map(|one| format!("{}: {}", one["status"], one["decision"]["reason"])).collect()
}

#[test]
fn who_may_grant_their_own_is_asked() {
    let scene = scene("self_approval = true");
    let Some(granted) = asked(&scene, "y,looks right", &[]) else { return };
    assert!(granted.contains("grant it? [y]es, [n]o, or Enter to leave it for later: "), "{granted}");
    assert!(granted.contains("granted by ana in e3: looks right"), "{granted}");
    assert!(granted.ends_with("exit 0\n"), "{granted}");
    let rejected = asked(&scene, "n,", &[]).expect("a terminal");
    assert!(rejected.ends_with("exit 1\n"), "{rejected}");
    for (answers, more) in [("", &[] as &[&str]), ("END", &[]), ("y", &["--json"]), ("y", &["--wait", "0s"])]
    {
        let left = asked(&scene, answers, more).expect("a terminal");
        assert!(left.ends_with("exit 75\n"), "{left}");
    }
    let left = "\"PENDING\": null".to_owned();
    let mut expected = vec![
        "\"GRANTED\": \"looks right\"".to_owned(),
        "\"REJECTED\": \"decided at the terminal\"".to_owned(),
    ];
    expected.extend(vec![left; 4]);
    assert_eq!(decisions(&scene), expected);
}

#[test]
fn who_may_not_is_told_who_may() {
    let scene = scene("");
    let Some(told) = asked(&scene, "y", &[]) else { return };
    assert!(!told.contains("grant it?"), "{told}");
    assert!(
        told.contains("a person other than ana decides: `phaseledger approval grant seq:2 --reason …`"),
        "{told}"
    );
    assert!(told.ends_with("exit 75\n"), "{told}");
}
