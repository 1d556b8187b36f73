//! What others record while a command runs, and what it records by itself.

use super::*;

/// Puts the program where a command finds it.
fn program(scene: &Scene) -> String {
    scene.command().get_program().to_string_lossy().into_owned()
}

#[test]
fn the_ledger_is_not_held() {
    let scene = Scene::small();
    let running = Running::exec(&scene, &["a"], "echo ready; read line; true");
    for _ in 0..3 {
        scene.ok(&["note", "meanwhile", "--lock-timeout", "5s"]);
    }
    scene.ok(&["exec", "b", "--", "true"]);
    assert_eq!(running.end().code(), 0);
    assert_eq!(phase(&scene, "a")["state"], "COMPLETE");
}

#[test]
fn a_command_records_by_itself() {
    let scene = Scene::small();
    let program = program(&scene);
    let script = format!(
        "cd /; echo '{{\"do\":\"meta\",\"phase\":\"'$PHASELEDGER_PHASE'\",\"metadata\":{{\"n\":1.10}}}}' | {program} append"
    );
    let ran = exec(&scene, &["a"], &script);
    assert_eq!(ran.code, 0, "{}", ran.picture());
    assert!(scene.ok(&["status", "a", "--json"]).stdout.contains(r#""metadata":{"n":1.10}"#));
}

#[test]
fn a_command_ends_its_attempt_by_itself() {
    for (script, code, state) in [
        ("PL complete $PHASELEDGER_PHASE --expect attempt=$PHASELEDGER_ATTEMPT", 0, "COMPLETE"),
        ("PL complete $PHASELEDGER_PHASE; exit 3", 3, "COMPLETE"),
        ("PL fail $PHASELEDGER_PHASE --error broken", 0, "FAILED"),
        ("PL fail $PHASELEDGER_PHASE --error broken; exit 5", 5, "FAILED"),
    ] {
        let scene = Scene::small();
        let ran = exec(&scene, &["a"], &script.replace("PL", &program(&scene)));
        assert_eq!(
            (ran.code, phase(&scene, "a")["state"].as_str()),
            (code, Some(state)),
            "{}",
            ran.picture()
        );
        assert!(
            ran.stderr.ends_with("attempt 1 of w/a was ended by the command itself (e3)\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(events(&scene).len(), 3, "it is ended once");
    }
}

#[test]
fn an_attempt_that_others_ended() {
    for (args, code, state, attempt) in [
        (&["start", "a", "--take-over", "--reason", "mine"] as &[&str], 3, "IN_PROGRESS", 2),
        (&["reset", "a", "--reason", "anew"], 6, "PENDING", 1),
        (&["fail", "a", "--error", "stopped by hand"], 0, "FAILED", 1),
    ] {
        for script in ["echo ready; read line; exit 0", "echo ready; read line; exit 7"] {
            let scene = Scene::small();
            let running = Running::exec(&scene, &["a"], script);
            scene.ok(args);
            let before = events(&scene).len();
            let output = running.end();
            let expected = if script.ends_with('7') { 7 } else { code };
            assert_eq!(output.code(), expected, "{}", output.said());
            let found = phase(&scene, "a");
            assert_eq!((found["state"].as_str(), found["attempt"].as_u64()), (Some(state), Some(attempt)));
            assert_eq!(events(&scene).len(), before, "nothing is recorded of what is not its own");
        }
    }
    let scene = Scene::small();
    let running = Running::exec(&scene, &["a"], "echo ready; read line; true");
    let taken = scene.ok(&["start", "a", "--take-over", "--reason", "mine"]);
    let said = running.end().said();
    let pid = last(&scene, "phase_started");
    assert_eq!(pid["data"].get("process"), None);
    assert!(taken.stderr.contains("still works on attempt 1 of w/a"), "{}", taken.stderr);
    assert!(
        said.contains("cannot complete attempt 1 of `w/a`: expected attempt=1, found attempt=2"),
        "{said}"
    );
}

/// A rerun above, while the command runs, reaches it as it ends.
#[test]
fn an_attempt_that_is_outdated_meanwhile() {
    let scene = Scene::small();
    scene.ok(&["exec", "a", "--", "true"]);
    scene.ok(&["exec", "b", "--", "true"]);
    let running = Running::exec(&scene, &["c"], "echo ready; read line; true");
    scene.ok(&["rerun", "a", "--reason", "new books"]);
    let output = running.end();
    assert_eq!((output.code(), phase(&scene, "c")["state"].as_str()), (0, Some("NEEDS_RERUN")));
    assert!(output.said().contains("and 1 more that it forced"), "{}", output.said());
}
