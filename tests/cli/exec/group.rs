//! All that a command comes to: what it starts is signalled with it, and what outlives it is seen.

use rustix::process::{Pid, Signal, test_kill_process};

use super::signals::{is_ignored, send};
use super::*;
use crate::skip::{has, skip};
use crate::terminal;

/// Starts something beside a command that says its number, and whose standard input the test holds.
const BESIDE: &str = r"exec 3<&0; WRAPPER sh -c 'TRAP echo ready $$; exec >&2; read line <&3' 2>/dev/null &";

/// Returns the script of a command that starts something beside itself.
fn beside(wrapper: &str, trap: &str, then: &str) -> String {
    format!("{}\n{then}", BESIDE.replace("WRAPPER", wrapper).replace("TRAP", trap))
}

/// Returns the process that said that it is ready.
fn number(said: &str) -> Pid {
    let number = said.trim().trim_start_matches("ready ").parse().ok();
    number.and_then(Pid::from_raw).unwrap_or_else(|| panic!("expected a number, found `{said}`"))
}

/// Says whether a process is there that has not ended, collected or not.
fn runs(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).unwrap_or_default();
    test_kill_process(pid).is_ok() && !stat.contains(") Z ")
}

#[test]
fn found_13_what_a_command_started_ends_with_it() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP"), (Signal::INT, "SIGINT")] {
        if is_ignored(signal) {
            continue;
        }
        let scene = Scene::small();
        let mut running = Running::exec(&scene, &["a"], &beside("", "", "wait"));
        let (beside, stdin) = (number(&running.said), running.stdin.take());
        send(&running, signal);
        let output = running.end();
        assert!(!runs(beside), "{name}: {}", output.said());
        let failed = last(&scene, "phase_failed");
        assert_eq!((&failed["data"]["signal"], failed["data"].get("left_behind")), (&name.into(), None));
        drop(stdin);
    }
}

/// Also where the command itself has ended at once.
#[test]
fn found_13_what_ignores_a_signal_is_killed_after_the_grace() {
    let scene = Scene::small();
    let script = beside("", r#"trap "" TERM;"#, "wait");
    let mut running = Running::exec(&scene, &["a", "--grace", "300ms"], &script);
    let (beside, stdin) = (number(&running.said), running.stdin.take());
    send(&running, Signal::TERM);
    let output = running.end();
    assert!(!runs(beside), "{}", output.said());
    assert_eq!((output.code(), phase(&scene, "a")["state"].as_str()), (143, Some("FAILED")));
    drop(stdin);
}

#[test]
fn found_13_costs_stop_what_a_command_started() {
    let scene = Scene::small();
    let mut running = Running::exec(&scene, &["a", "--max-cost", "1"], &beside("", "", "wait"));
    let (beside, stdin) = (number(&running.said), running.stdin.take());
    scene.ok(&["cost", "record", "a", "2"]);
    let output = running.end();
    assert_eq!(output.code(), 6, "{}", output.said());
    assert!(!runs(beside), "{}", output.said());
    drop(stdin);
}

/// They mean something to the command, and would end what knows nothing of them.
#[test]
fn found_13_other_signals_are_for_the_command_alone() {
    let scene = Scene::small();
    let then = "trap 'kill -TERM $!; wait $!; exit $(($? - 136))' USR1; wait";
    let mut running = Running::exec(&scene, &["a"], &beside("", "", then));
    let stdin = running.stdin.take();
    // The trap may be set after the other has said that it is ready.
    eventually("the trap is set", || {
        let status = std::fs::read_to_string(format!("/proc/{}/task/{0}/children", running.child.id()));
        let leader = status.unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned();
        let status = std::fs::read_to_string(format!("/proc/{leader}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        caught >> (Signal::USR1.as_raw() - 1) & 1 == 1
    });
    send(&running, Signal::USR1);
    let output = running.end();
    assert_eq!(output.code(), 7, "{}", output.said());
    drop(stdin);
}

/// Whether it has left the group, or its environment says nothing of the attempt.
#[test]
fn found_13_nothing_is_startable_beside_what_outlives_a_command() {
    for wrapper in ["", "setsid", "env -i"] {
        if wrapper != "setsid" || has("what_outlives_a_command", "setsid") {
            outlived(wrapper);
        }
    }
}

fn outlived(wrapper: &str) {
    let scene = Scene::small();
    let mut running = Running::exec(&scene, &["a"], &beside(wrapper, "", "exit 3"));
    let (pid, stdin) = (number(&running.said).as_raw_pid(), running.stdin.take());
    let said = running.end().said();
    assert!(said.contains(&format!("process {pid}, started for w/a, still runs")), "{wrapper}: {said}");
    assert_eq!(last(&scene, "phase_failed")["data"]["left_behind"][0]["pid"], pid);
    let next = scene.ok(&["next", "--json"]).json();
    assert_eq!((&next["ready"][0]["phase"], &next["running"][0]["phase"]), (&"b".into(), &"a".into()));
    let found = phase(&scene, "a");
    assert_eq!((&found["process_state"], &found["left_behind_pid"]), (&"running".into(), &pid.into()));
    let refused = exec(&scene, &["a", "--if-needed"], "true");
    assert_eq!(refused.code, 6, "{}", refused.picture());
    let warning = format!("warning: process {pid}, which an attempt of `w/a` started, still runs");
    for args in [&["start", "a", "--dry-run"][..], &["exec", "a", "--", "false"]] {
        let ran = scene.run(args);
        assert!(ran.stderr.contains(&warning), "{}", ran.picture());
    }
    // Who went on all the same has not made it end: nor does a reset, or another attempt.
    assert_eq!(exec(&scene, &["a", "--if-needed"], "true").code, 6, "{wrapper}");
    scene.ok(&["reset", "a", "--reason", "anew"]);
    assert_eq!(exec(&scene, &["a", "--if-needed"], "true").code, 6, "{wrapper}");
    let pictured = pictures([
        scene.run(&["status", "a"]),
        scene.run(&["next"]),
        exec(&scene, &["a", "--if-needed"], "true"),
    ]);
    if wrapper.is_empty() {
        let pids = [pid.unsigned_abs()];
        assert_snapshot("process_survives", &without_widths(&without_pids(&pictured, &pids)));
    }
    drop(stdin);
    eventually("it ends", || phase(&scene, "a").get("left_behind_pid").is_none());
    assert_eq!(exec(&scene, &["a", "--if-needed"], "true").code, 0, "{wrapper}");
}

/// A limit fails the attempt before its command has ended.
#[test]
fn found_13_nothing_is_startable_beside_what_a_limit_stops() {
    let scene = Scene::ran("[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n", &[]);
    scene.ok(&["cost", "limit", "a", "1"]);
    let script = "trap '' TERM; echo ready; read line";
    let mut running = Running::exec(&scene, &["a", "--grace", "1h"], script);
    let stdin = running.stdin.take();
    scene.ok(&["cost", "record", "a", "2"]);
    assert_eq!(phase(&scene, "a")["state"], "FAILED");
    let over = ["--if-needed", "--over-limit", "--reason", "it is worth it"];
    let refused = exec(&scene, &[&["a"], &over[..]].concat(), "true");
    assert_eq!(refused.code, 6, "{}", refused.picture());
    assert!(refused.stderr.contains("which an attempt of `w/a` started, still runs"), "{}", refused.stderr);
    drop(stdin);
    assert_eq!(running.end().code(), 6);
    assert_eq!(exec(&scene, &[&["a"], &over[..]].concat(), "true").code, 0);
}

/// Says what a person types and sees: each line of the plan waits for a text, and types another one, in Python's words; the
/// first words start a program.
const AT_A_TERMINAL: &str = r#"
import os, pty, select, signal, sys, time
plan, words = eval(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(words[0], words)
seen, end = b"", time.time() + 60
while time.time() < end:
    if plan and plan[0][0] in seen:
        awaited, typed = plan.pop(0)
        seen = seen.split(awaited, 1)[1]
        os.write(terminal, typed)
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
    sys.stdout.buffer.write(more)
if time.time() >= end:
    os.kill(child, signal.SIGKILL)
sys.stdout.buffer.write(b"\nleft of the plan: %d, exit %d\n" % (len(plan), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
"#;

/// Returns what was seen at a terminal; none where nothing can stand for one.
fn at_a_terminal(scene: &Scene, plan: &str, words: &[&str]) -> Option<String> {
    let mut command = terminal::python()?;
    let plain = scene.command();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PROGRAM", plain.get_program()).env("TERM", "dumb");
    command.current_dir(scene.dir()).args(["-c", AT_A_TERMINAL, plan]).args(words);
    let output = command.output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

/// A command reads what is typed, is stopped by ^Z with all of its job, and goes on in the foreground.
#[test]
fn found_13_a_terminal_stops_and_continues_a_command() {
    if !has("a_terminal_stops", "bash") {
        return;
    }
    let scene = Scene::small();
    let plan = r#"[
        (b"bash-", b"\"$PROGRAM\" exec a -- sh -c 'echo up; read line; echo got $line'\n"),
        (b"up\r\n", b"\x1a"),
        (b"Stopped", b""),
        (b"bash-", b"echo going; fg\n"),
        (b"going\r\n", b"hello\n"),
        (b"got hello\r\n", b"exit\n"),
    ]"#;
    let Some(seen) = at_a_terminal(&scene, plan, &["bash", "--norc", "--noprofile", "-i"]) else { return };
    assert!(seen.ends_with("left of the plan: 0, exit 0\n"), "{seen}");
    assert_eq!(phase(&scene, "a")["state"], "COMPLETE", "{seen}");
}

/// A command that is stopped in the background, since it reads the terminal from there, goes on in the foreground.
#[test]
fn found_13_a_command_in_the_background_of_a_terminal_is_brought_to_the_foreground() {
    if !has("the_background_of_a_terminal", "bash") {
        return;
    }
    let scene = Scene::small();
    let plan = r#"[
        (b"bash-", b"set -b\n"),
        (b"bash-", b"\"$PROGRAM\" exec a -- sh -c 'echo up; read line; echo got $line' &\n"),
        (b"Stopped", b"echo going; fg\n"),
        (b"going\r\n", b"hello\n"),
        (b"got hello\r\n", b"exit\n"),
    ]"#;
    let Some(seen) = at_a_terminal(&scene, plan, &["bash", "--norc", "--noprofile", "-i"]) else { return };
    assert!(seen.ends_with("left of the plan: 0, exit 0\n"), "{seen}");
    assert_eq!(phase(&scene, "a")["state"], "COMPLETE", "{seen}");
}

/// At a terminal a command is in our group, which is not ours alone: a signal reaches what the command started, and no more.
#[test]
fn found_13_a_signal_reaches_what_a_command_started_at_a_terminal() {
    let scene = Scene::small();
    let made = Command::new("mkfifo").arg(scene.dir().join("beside")).status();
    if !made.is_ok_and(|status| status.success()) {
        skip("a signal at a terminal", "mkfifo", "no fifo can be made");
        return;
    }
    // The shell goes on: once it has ended, the terminal ends what is in its foreground.
    let shell = r#"
        "$PROGRAM" exec a -- sh -c 'sh -c "exec 3<>beside; echo \$\$ >number; echo up; read line <&3" & wait' &
        read go
        kill -TERM $!
        wait $!
        echo exit code $?
        case $(cut -d " " -f 3 /proc/$(cat number)/stat 2>/dev/null) in ""|Z) echo gone;; *) echo left;; esac"#;
    let Some(seen) = at_a_terminal(&scene, r#"[(b"up\r\n", b"go\n")]"#, &["sh", "-c", shell]) else { return };
    assert!(seen.contains("exit code 143\r\ngone\r\n"), "{seen}");
    assert_eq!(last(&scene, "phase_failed")["data"]["signal"], "SIGTERM");
}
