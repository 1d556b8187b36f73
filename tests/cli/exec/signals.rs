//! Signals that reach `exec`, and commands that they end.

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::skip::{has, skip};

pub(super) fn send(running: &Running, signal: Signal) {
    kill_process(Pid::from_child(&running.child), signal).expect("a process of ours");
}

/// Says whether a signal is ignored here, as below `nohup` or in the background of a script. What is started
/// from here ignores it as well, so that nothing can be told of it.
pub(super) fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let is_ignored = ignored >> (signal.as_raw() - 1) & 1 == 1;
    if is_ignored {
        skip("signals", "signals", &format!("{signal:?} is ignored here"));
    }
    is_ignored
}

#[test]
fn signals_are_handed_on() {
    let scene = Scene::small();
    let signals = [
        ("INT", Signal::INT),
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
    ];
    for (name, signal) in signals.into_iter().filter(|(_, signal)| !is_ignored(*signal)) {
        // A shell takes a signal while it waits for a process, but not while it reads.
        let script = format!(
            "exec 3<&0; (read line <&3) >/dev/null 2>&1 & trap 'echo got {name}; exit 9' {name}; echo ready; wait; wait"
        );
        let mut running = Running::exec(&scene, &["a"], &script);
        send(&running, signal);
        let stdin = running.stdin.take();
        let output = running.end();
        drop(stdin);
        assert_eq!(
            (output.code(), String::from_utf8_lossy(&output.stdout)),
            (9, format!("got {name}\n").into())
        );
        assert_eq!(phase(&scene, "a")["error"], "exit code 9");
    }
}

#[test]
fn a_command_that_a_signal_ends() {
    let scene = Scene::small();
    let signals =
        [("SIGTERM", Signal::TERM, 143), ("SIGINT", Signal::INT, 130), ("SIGHUP", Signal::HUP, 129)];
    for (name, signal, code) in signals.into_iter().filter(|(_, signal, _)| !is_ignored(*signal)) {
        let mut running = Running::exec(&scene, &["a"], "echo going down >&2; echo ready; read line");
        send(&running, signal);
        let stdin = running.stdin.take();
        let output = running.end();
        drop(stdin);
        assert_eq!(output.code(), code, "{}", output.said());
        let failed = last(&scene, "phase_failed");
        assert_eq!(failed["data"]["signal"], name);
        assert_eq!(failed["data"]["error"], format!("ended by {name}: going down"));
        assert_eq!(failed["data"].get("exit_code"), None);
    }
    let killed = exec(&scene, &["a"], "kill -KILL $$");
    assert_eq!((killed.code, phase(&scene, "a")["error"].as_str()), (137, Some("ended by SIGKILL")));
}

/// What a shell ignores for what it starts, as below `nohup`, stays ignored.
#[test]
fn ignored_signals_stay_ignored() {
    let scene = Scene::small();
    let mut command = scene.command();
    let program = command.get_program().to_owned();
    command = {
        let mut shell = Command::new("sh");
        shell
            .current_dir(scene.dir())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.args([
            "-c",
            "trap '' HUP; exec \"$0\" exec a -- sh -c 'kill -HUP $$; kill -HUP $PPID; echo ready'",
        ]);
        shell.arg(program);
        shell
    };
    let output = Running::start(command).end();
    assert_eq!(output.code(), 0, "{}", output.said());
}

/// ^C reaches all that runs in the foreground of a terminal: once, and not again by us; and a script is given
/// up, as without us.
#[test]
fn control_c_at_a_terminal() {
    if !has("control_c_at_a_terminal", "script") || is_ignored(Signal::INT) {
        return;
    }
    let scene = Scene::small();
    // After a command that ^C ended the script goes no further; after one that caught it, it does.
    let caught = at_a_terminal(&scene, "a", "echo ready; exec sleep 60", 1);
    assert_eq!((caught.as_str(), phase(&scene, "a")["error"].as_str()), ("", Some("ended by SIGINT")));
    let child = "n=0; trap \"n=\\$((n+1)); echo ready\" INT; echo ready
        while [ $n -lt 5 ]; do sleep 0.05; done; sleep 0.2; echo $n >count; exit 5";
    let caught = at_a_terminal(&scene, "b", child, 5);
    assert_eq!((caught.as_str(), phase(&scene, "b")["error"].as_str()), ("5\n", Some("exit code 5")));
    assert_eq!(std::fs::read_to_string(scene.dir().join("count")).expect("it was caught"), "5\n");
    // What has left the terminal is sent none by it, and none by us.
    scene.write("away.sh", "n=0; trap n=1 INT; echo ready; sleep 0.5; exit $n");
    let caught = at_a_terminal(&scene, "a", "exec setsid sh away.sh", 1);
    assert_eq!((caught.as_str(), phase(&scene, "a")["state"].as_str()), ("0\n", Some("COMPLETE")));
}

/// Runs a script with a line of `exec` at a terminal, types ^C each time that the child says `ready`, so many
/// times, and returns the exit code that the script saw, if it saw one.
fn at_a_terminal(scene: &Scene, phase: &str, child: &str, times: usize) -> String {
    let plain = scene.command();
    let program = plain.get_program().to_string_lossy();
    scene.write("script.sh", &format!("{program} exec {phase} -- sh -c '{child}'; echo $? >{phase}.code"));
    let mut command = Command::new("script");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(scene.dir()).args(["-qec", "bash script.sh", "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut terminal = command.spawn().expect("a terminal");
    let mut stdin = terminal.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(terminal.stdout.take().expect("a pipe")).lines();
    for _ in 0..times {
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))), "the child runs");
        std::io::Write::write_all(&mut stdin, b"\x03").expect("a terminal reads");
    }
    lines.for_each(drop);
    drop(stdin);
    terminal.wait().expect("it ends");
    std::fs::read_to_string(scene.dir().join(format!("{phase}.code"))).unwrap_or_default()
}
