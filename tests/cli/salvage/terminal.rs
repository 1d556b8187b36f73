//! What a terminal acts on does not reach it in JSON: Python's `pty` stands for one.

use std::process::Command;

use crate::cli::Scene;
use crate::skip::skip;

/// Runs the program on a terminal of its own, and writes what was seen.
const TERMINAL: &str = r#"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
os.waitpid(child, 0)
sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
"#;

/// Something that is seen on a terminal; none where there is no Python with a `pty`.
fn seen(scene: &Scene, args: &[&str]) -> Option<String> {
    let python = Command::new("python3").args(["-c", "import pty"]).output();
    if !python.is_ok_and(|output| output.status.success()) {
        skip("what a terminal acts on", "python3", "no python3 with `pty`, to stand for a terminal");
        return None;
    }
    let program = scene.command();
    let mut command = Command::new("python3");
    command.current_dir(scene.dir()).args(["-c", TERMINAL]).arg(program.get_program()).args(args);
    command.env_remove("PHASELEDGER_DIR").env("TERM", "xterm").env("PHASELEDGER_CLOCK", crate::cli::NOW);
    let output = command.output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn found_25_json_does_nothing_to_a_terminal() {
    let scene = Scene::small();
    let acts = "x\u{9b}2Jy\u{85}z\u{202e}w\u{7f}v\u{2028}u\u{200b}";
    scene.ok(&["note", acts]);
    scene.ok(&["start", "a"]);
    scene.ok(&["fail", "a", "--error", acts]);
    for args in [
        &["log", "--json"][..],
        &["export"],
        &["salvage", "-"],
        &["status", "--json"],
        &["show", "e2", "--json"],
        &["why", "a", "--json"],
        &["report", "--format", "json"],
    ] {
        let Some(shown) = seen(&scene, args) else { return };
        let bad = |c: char| c != '\n' && (c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c));
        assert!(!shown.contains(bad), "{args:?}: {shown:?}");
        assert!(shown.contains("\\u009b2Jy\\u0085z\\u202ew\\u007f"), "{args:?}: {shown:?}");
        // Whatever parses it reads the same as from a pipe.
        let values = |text: &str| -> Vec<serde_json::Value> {
            let lines = text.lines().filter(|line| line.starts_with('{'));
            lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
        };
        let piped = scene.command().args(args).output().expect("the program runs").stdout;
        let piped = String::from_utf8(piped).expect("UTF-8");
        let expected = values(&piped);
        assert!(expected.iter().all(|value| values(&shown).contains(value)), "{args:?}");
        if args[0] != "status" && args[0] != "show" {
            assert!(piped.contains('\u{9b}'), "{args:?}: bytes in a pipe stay");
        }
    }
}
