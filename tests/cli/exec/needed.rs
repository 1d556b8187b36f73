//! Running again: `--if-needed`, and ids that are known.

use std::os::unix::process::CommandExt;

use rustix::process::{Pid, Signal, kill_process_group};

use super::*;

/// A pipeline of four phases, as people write it. The command named by BLOCK waits for the test.
const PIPELINE: &str = r#"
set -e
for phase in fetch clean model publish; do
    "$PROGRAM" exec $phase --if-needed -- sh -c '
        echo $PHASELEDGER_PHASE >>ran
        if [ "$PHASELEDGER_PHASE" = "w/$BLOCK" ]; then echo ready; read line; fi'
done
"#;

#[test]
fn a_pipeline_that_is_killed_can_be_resumed() {
    let phases = ["fetch", "clean", "model", "publish"];
    for block in phases {
        let scene = Scene::made();
        let needs: Vec<(&str, &[&str])> =
            vec![("fetch", &[]), ("clean", &["fetch"]), ("model", &["clean"]), ("publish", &["model"])];
        scene.define("w", &needs);
        let pipeline = |block: &str| {
            let plain = scene.command();
            let mut command = Command::new("bash");
            command.env("PROGRAM", plain.get_program()).env("BLOCK", block).args(["-c", PIPELINE]);
            command.current_dir(scene.dir());
            plain.get_envs().for_each(|(name, value)| {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            });
            command.stdin(Stdio::null()).process_group(0);
            command
        };
        let mut running = Running::start(pipeline(block));
        kill_process_group(Pid::from_child(&running.child), Signal::KILL).expect("a group of ours");
        running.child.wait().expect("it ended");
        // The command has a group of its own, and goes on until it has read all.
        drop(running.stdin.take());
        eventually("all are gone", || phase(&scene, block)["process_state"] == "gone");

        let resumed = pipeline("").output().expect("bash runs");
        let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
        assert!(resumed.status.success(), "{said}");
        let ran = std::fs::read_to_string(scene.dir().join("ran")).expect("they ran");
        let expected: Vec<_> = phases
            .iter()
            .flat_map(|phase| vec![format!("w/{phase}"); 1 + usize::from(*phase == block)])
            .collect();
        assert_eq!(ran.lines().collect::<Vec<_>>(), expected, "what was complete is not run again");
        assert_eq!(phase(&scene, block)["attempt"], 2);
        assert_eq!(scene.ok(&["status", "--json"]).json()["summary"]["COMPLETE"], 4);
        assert_eq!(scene.ok(&["verify"]).code, 0);

        let before = scene.ok(&["export"]).stdout;
        assert!(pipeline("").status().expect("bash runs").success());
        assert_eq!(before, scene.ok(&["export"]).stdout, "nothing is left to run");
    }
}

#[test]
fn what_is_not_needed_is_not_run() {
    let scene = Scene::small();
    scene.ok(&["skip", "a", "--reason", "not this time"]);
    let script = "echo ran";
    let skipped = exec(&scene, &["a", "--if-needed"], script);
    assert_eq!((skipped.code, skipped.stdout.as_str()), (0, ""), "{}", skipped.picture());
    assert!(skipped.stderr.contains("skipped since e2: not this time"), "{}", skipped.stderr);
    assert_eq!(exec(&scene, &["b", "--if-needed"], "exit 3").code, 3);
    assert_eq!(exec(&scene, &["b", "--if-needed"], script).stdout, "ran\n", "it had failed");
    assert_eq!(exec(&scene, &["b", "--if-needed"], script).stdout, "", "it is complete");
    scene.ok(&["rerun", "b", "--reason", "new books"]);
    assert_eq!(exec(&scene, &["b", "--if-needed"], script).stdout, "ran\n", "it must run again");
    scene.ok(&["start", "c"]);
    let unknown = exec(&scene, &["c", "--if-needed"], script);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (6, ""), "{}", unknown.picture());
    assert!(unknown.stderr.contains("is not known"), "{}", unknown.stderr);
}

/// An unchanged output leaves what was built on it as it is.
#[test]
fn an_unchanged_output_stops_a_rerun() {
    let scene = Scene::small();
    let run = |name: &str| {
        exec(&scene, &[name, "--if-needed", "--output", "out"], "echo ran; echo same >out").stdout
    };
    let all = || ["a", "b", "c"].map(run).concat();
    assert_eq!(all(), "ran\n".repeat(3));
    scene.ok(&["rerun", "a", "--reason", "new books"]);
    assert_eq!(phase(&scene, "c")["state"], "NEEDS_RERUN");
    assert_eq!(all(), "ran\n", "only what was marked by hand");
}

#[test]
fn a_known_id_never_runs_twice() {
    let scene = Scene::small();
    let run = |phase: &str, id: &str, script: &str| exec(&scene, &[phase, "--id", id], script);
    assert_eq!(run("a", "key:own/1", "echo ran").stdout, "ran\n");
    let again = run("a", "key:own/1", "echo ran");
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{}", again.picture());
    assert!(again.stderr.contains("duplicate: recorded as e2 already"), "{}", again.stderr);

    assert_eq!(run("b", "key:own/2", "exit 7").code, 7);
    assert_eq!(run("b", "key:own/2", "echo ran").code, 7);
    assert_eq!(run("b", "key:own/3", "kill -TERM $$").code, 143);
    assert_eq!(run("b", "key:own/3", "echo ran").code, 143);
    let conflict = run("a", "key:own/3", "echo ran");
    assert_eq!((conflict.code, conflict.stdout.as_str()), (3, ""), "{}", conflict.picture());

    scene.ok(&["reset", "a", "--reason", "anew"]);
    assert_eq!(run("a", "key:own/1", "echo ran").code, 0, "it was completed, whatever came of it");
    scene.ok(&["start", "a", "--id", "key:own/4"]);
    let under_way = run("a", "key:own/4", "echo ran");
    assert_eq!((under_way.code, under_way.stdout.as_str()), (6, ""), "{}", under_way.picture());
    scene.ok(&["reset", "a", "--reason", "anew"]);
    let reset = run("a", "key:own/4", "echo ran");
    assert_eq!((reset.code, reset.stdout.as_str()), (1, ""), "{}", reset.picture());
    let note = scene.ok(&["note", "x", "--id", "key:own/5"]);
    assert_eq!(run("a", "key:own/5", "echo ran").code, 3, "after {}", note.picture());
}

/// Also where it took over an attempt whose process was gone, which the caller had not said.
#[test]
fn a_known_id_that_took_over() {
    let scene = Scene::small();
    let process = sleeper();
    scene.ok(&["start", "a", "--pid", &process.id().to_string()]);
    bury(process);
    let args = ["a", "--if-needed", "--id", "key:own/1"];
    assert_eq!(exec(&scene, &args, "echo ran").stdout, "ran\n");
    let before = scene.ok(&["export"]).stdout;
    let again = exec(&scene, &args, "echo ran");
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{}", again.picture());
    assert!(again.stderr.contains("attempt 2 was completed as e5"), "{}", again.stderr);
    assert_eq!(before, scene.ok(&["export"]).stdout);
}
