//! How long an attempt took: as long as its command did, and not as long as others had the ledger.

use std::fs::{File, OpenOptions};
use std::time::{Duration, Instant};

use super::*;

/// What a wait for the ledger takes at least here, and a command and what is to be done around it never take.
const APART: Duration = Duration::from_secs(3);

/// Keeps everybody else out of the ledger.
fn hold(scene: &Scene) -> File {
    let lock =
        OpenOptions::new().write(true).open(scene.dir().join("ledger/log/lock")).expect("the lock is there");
    lock.lock().expect("it can be had");
    lock
}

/// Starts `exec` under the real clock, with a command that writes down when it began and ended.
fn exec_timed(scene: &Scene, args: &[&str], script: &str) -> Command {
    let mut command = scene.command();
    let timed = format!("date +%s.%N >began; {script}; date +%s.%N >ended");
    command.env_remove("PHASELEDGER_CLOCK").arg("exec").args(args).args(["--", "sh", "-c", &timed]);
    command
}

fn seconds(scene: &Scene, name: &str) -> f64 {
    let text = std::fs::read_to_string(scene.dir().join(name)).expect("it was written down");
    text.trim().parse().expect("seconds")
}

/// Compares what is recorded of an attempt with what its command wrote down.
fn assert_its_own(scene: &Scene) {
    let (began, ended) = (seconds(scene, "began"), seconds(scene, "ended"));
    let recorded = last(scene, "phase_completed");
    let took = recorded["data"]["duration_seconds"].as_f64().expect("it is known");
    let beyond = took - (ended - began);
    assert!((0.0..APART.as_secs_f64()).contains(&beyond), "{took} s for {began} to {ended}: {recorded}");
    let at: chrono::DateTime<chrono::Utc> =
        recorded["at"].as_str().expect("a time").parse().expect("RFC 3339");
    let late = at.timestamp_micros() as f64 / 1e6 - ended;
    assert!((0.0..APART.as_secs_f64()).contains(&late), "it ended at {ended}: {recorded}");
}

#[test]
fn found_14_a_wait_to_record_the_end_is_no_part_of_the_duration() {
    let scene = Scene::small();
    let mut running =
        Running::start(exec_timed(&scene, &["a", "--lock-timeout", "2s"], "echo ready; read line"));
    let held = hold(&scene);
    drop(running.stdin.take());
    // It says so each time that it has waited for two seconds.
    let mut said = BufReader::new(running.child.stderr.take().expect("a pipe")).lines();
    for _ in 0..2 {
        assert!(said.any(|line| line.is_ok_and(|line| line.ends_with("trying again"))), "it waits");
    }
    drop(held);
    said.for_each(drop);
    assert!(running.child.wait().expect("it ends").success());
    assert_its_own(&scene);
}

#[test]
fn found_14_a_wait_to_record_the_start_is_no_part_of_the_duration() {
    let scene = Scene::small();
    let held = hold(&scene);
    let mut running = exec_timed(&scene, &["a", "--lock-timeout", "2m"], "true").spawn().expect("it runs");
    let since = Instant::now();
    eventually("it has waited", || since.elapsed() > APART);
    drop(held);
    assert!(running.wait().expect("it ends").success());
    assert_its_own(&scene);
}

/// A clock that is set back while the command runs tells of no time: the attempt did not end before it began.
#[test]
fn found_14_a_clock_that_is_behind_claims_no_end() {
    let scene = Scene::small();
    scene.clock("2025-10-29T19:00:00Z");
    let ran = exec(&scene, &["a"], "true");
    assert_eq!(ran.code, 0, "{}", ran.picture());
    assert_eq!(last(&scene, "phase_completed").get("occurred_at"), None, "{}", ran.picture());
    scene.ok(&["verify"]);
}
