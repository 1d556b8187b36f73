//! Signals that reach `exec`, and commands that they end.

use rustix::process::{Pid, Signal, kill_process};

use super::*;

fn send(running: &Running, signal: Signal) {
    kill_process(Pid::from_child(&running.child), signal).expect("a process of ours");
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
    for (name, signal) in signals {
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
    for (name, signal, code) in signals {
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
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script` to make a terminal");
        return;
    }
    let scene = Scene::small();
    let program = scene.command().get_program().to_string_lossy().into_owned();
    let traps = "trap \"echo once >>count; exit 5\" INT; echo ready; while :; do sleep 0.05; done";
    for (phase_name, child, code) in [("a", traps, "5"), ("b", "echo ready; exec sleep 60", "")] {
        // After a command that ^C ended the script goes no further; after one that caught it, it does.
        let script = format!("{program} exec {phase_name} -- sh -c '{child}'; echo $? >{phase_name}.code");
        scene.write("script.sh", &script);
        let mut command = scene.command();
        let envs: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command = Command::new("script");
        command.current_dir(scene.dir()).envs(envs).args(["-qec", "bash script.sh", "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut terminal = command.spawn().expect("a terminal");
        let mut stdin = terminal.stdin.take().expect("a pipe");
        let stdout = BufReader::new(terminal.stdout.take().expect("a pipe"));
        let mut lines = stdout.lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))), "the child runs");
        std::io::Write::write_all(&mut stdin, b"\x03").expect("a terminal reads");
        lines.for_each(drop);
        drop(stdin);
        terminal.wait().expect("it ends");
        assert_eq!(phase(&scene, phase_name)["state"], "FAILED");
        let found =
            std::fs::read_to_string(scene.dir().join(format!("{phase_name}.code"))).unwrap_or_default();
        assert_eq!(found.trim(), code);
    }
    assert_eq!(std::fs::read_to_string(scene.dir().join("count")).expect("it was caught"), "once\n");
    assert_eq!(phase(&scene, "b")["error"], "ended by SIGINT");
}
