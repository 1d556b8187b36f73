//! `--max-cost` and limits: what a command costs may stop it.
//!
//! Commands that would run for ever sleep in the shell itself, so that nothing is left of them once they are
//! stopped; those that end by themselves end before they are looked at, or wait for the test.

use std::time::Duration;

use super::*;

/// The phases `a`, which may cost 10, `b` and `c`, and all together 25, in USD.
fn limited() -> Scene {
    let scene = Scene::made();
    let file = "[workflow]\nname = \"w\"\ncurrency = \"USD\"\ncost_limit = \"25\"\n\
        [[phase]]\nid = \"a\"\ncost_limit = \"10.00\"\n[[phase]]\nid = \"b\"\n[[phase]]\nid = \"c\"\nneeds = [\"b\"]\n";
    scene.write("w.toml", file);
    scene.record(&["define", "w.toml"]);
    scene
}

/// Runs a script of the shell, in which `PL` is the program, and `COST` records a cost of its phase.
fn exec_pl(scene: &Scene, args: &[&str], script: &str) -> Ran {
    let program = scene.command().get_program().to_string_lossy().into_owned();
    exec(scene, args, &script.replace("COST", "PL cost record $PHASELEDGER_PHASE").replace("PL", &program))
}

/// What never ends by itself; the standard output is closed, so that what is left of it keeps nobody waiting.
const FOREVER: &str = "exec sleep 600 >/dev/null 2>&1";

fn error(scene: &Scene, name: &str) -> String {
    phase(scene, name)["error"].as_str().unwrap_or_default().to_owned()
}

/// Says which events caused the last failure, by their kinds.
fn causes(scene: &Scene) -> Vec<String> {
    let failed = last(scene, "phase_failed");
    let events = events(scene);
    let kind = |cause: &Value| {
        events.iter().find(|event| event["id"] == cause["event"]).expect("it is there")["kind"].clone()
    };
    let kinds = failed["causes"].as_array().expect("a list").iter().map(kind);
    kinds.map(|kind| kind.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_loop_that_spends_is_stopped() {
    let scene = Scene::small();
    let script = "while true; do echo '{\"do\":\"cost\",\"phase\":\"w/a\",\"amount\":\"1.10\"}' | PL append >/dev/null; done";
    let ran = exec_pl(&scene, &["a", "--max-cost", "5.00"], script);
    assert_eq!(ran.code, 6, "{}", ran.picture());
    assert!(
        ran.stderr.contains("cost 5.50, 0.50 over --max-cost 5.00 (e7); stopping the command\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(error(&scene, "a"), "cost 5.50, 0.50 over --max-cost 5.00 (e7)");
    let failed = last(&scene, "phase_failed");
    assert_eq!((failed["data"]["signal"].as_str(), failed["data"].get("exit_code")), (Some("SIGTERM"), None));
    assert_eq!((failed["rule"].as_str(), causes(&scene)), (None, vec!["phase_started".to_owned()]));
    scene.ok(&["verify"]);
}

#[test]
fn a_command_that_ignores_sigterm_is_killed() {
    let scene = Scene::small();
    let script = format!("trap '' TERM; echo last words >&2; COST 2; {FOREVER}");
    let ran = exec_pl(&scene, &["a", "--max-cost", "1", "--grace", "50ms"], &script);
    assert_eq!(ran.code, 6, "{}", ran.picture());
    let failed = last(&scene, "phase_failed");
    assert_eq!(failed["data"]["signal"], "SIGKILL");
    assert_eq!(failed["data"]["stderr"], "last words\n");
    // One that cleans up has the time for it, and its exit code is kept.
    let script = "trap 'echo bye; exit 3' TERM; COST 2; while true; do sleep 0.05; done";
    let ran = exec_pl(&scene, &["b", "--max-cost", "1"], script);
    assert_eq!((ran.code, ran.stdout.ends_with("bye\n")), (6, true), "{}", ran.picture());
    assert_eq!(last(&scene, "phase_failed")["data"]["exit_code"], 3);
}

#[test]
fn limits_of_the_phase_and_of_the_workflow_stop_it() {
    let scene = limited();
    let ran = exec_pl(&scene, &["a"], &format!("COST 10.00; COST 0.01; {FOREVER}"));
    let said = "cost limit exceeded: 10.01 USD spent of 10.00 USD, 0.01 USD over";
    assert_eq!(ran.code, 6, "{}", ran.picture());
    assert!(ran.stderr.contains(&format!("{said} (e7); stopping the command\n")), "{}", ran.stderr);
    let told = format!("phaseledger: attempt 1 of w/a was failed by its costs (e7): {said}\n");
    assert!(ran.stderr.ends_with(&told), "{}", ran.stderr);
    assert_eq!(causes(&scene), ["cost_limit_exceeded", "phase_started"]);
    // The workflow's limit stops a phase without one; also below `--max-cost`, and whoever recorded it.
    let mut running = Running::exec(&scene, &["b", "--max-cost", "20"], "echo ready; exec sleep 600");
    scene.ok(&["cost", "record", "b", "15.00"]);
    drop(running.stdin.take());
    let output = running.end();
    assert_eq!(output.code(), 6, "{}", output.said());
    assert_eq!(
        error(&scene, "b"),
        "cost limit of the workflow exceeded: 25.01 USD spent of 25 USD, 0.01 USD over"
    );
    assert_eq!(causes(&scene), ["cost_limit_exceeded", "phase_started"]);
    let failures = events(&scene).iter().filter(|event| event["kind"] == "phase_failed").count();
    assert_eq!(failures, 2, "each is failed once");
    scene.ok(&["verify"]);
}

/// A limit that comes into force while the command runs is not watched, but told of all the same.
/// Begins a script that ends by itself, however slow the machine is: what looks at its costs may be faster.
const UNHURRIED: &str = "trap '' TERM;";

#[test]
fn a_command_that_ended_first_comes_to_the_same() {
    let scene = limited();
    for (script, code) in [("COST 5.30", None), ("COST 5.30; exit 4", Some(4))] {
        let script = format!("{UNHURRIED} {script}");
        let ran = exec_pl(&scene, &["b", "--max-cost", "5.00", "--output", "nowhere"], &script);
        assert_eq!(ran.code, 6, "{}", ran.picture());
        assert!(error(&scene, "b").starts_with("cost 5.30 USD, 0.30 over --max-cost 5.00 (e"));
        let failed = last(&scene, "phase_failed");
        assert_eq!((failed["data"]["exit_code"].as_i64(), failed["data"].get("signal")), (code, None));
    }
    for script in ["PL cost limit c 1; COST 2", "PL cost limit c --none; PL cost limit c 3; COST 7; exit 4"] {
        let args = ["c", "--allow-unmet", "--over-limit", "--reason", "more", "--output", "nowhere"];
        let ran = exec_pl(&scene, &args, &format!("{UNHURRIED} {script}"));
        assert_eq!(ran.code, 6, "{}", ran.picture());
        assert!(ran.stderr.contains("of w/c was failed by its costs (e"), "{}", ran.stderr);
        assert_eq!(last(&scene, "phase_failed")["rule"], "cost_limit/1");
    }
}

#[test]
fn what_does_not_pass_completes() {
    let scene = limited();
    let script = "COST 5.00; COST 0";
    assert_eq!(exec_pl(&scene, &["b", "--max-cost", "5"], script).code, 0);
    // Refunds lower it, and what other attempts and phases cost is not counted.
    let again = ["b", "--max-cost", "5", "--rerun", "--reason", "again"];
    let script = "COST 4; COST -3.50 --refund; COST 4.50; PL cost record a 7; sleep 0.6";
    let ran = exec_pl(&scene, &again, script);
    assert_eq!((ran.code, phase(&scene, "b")["attempt"].as_u64()), (0, Some(2)), "{}", ran.picture());
    // A refund that comes after it was passed comes too late, whenever it is looked at.
    let ran = exec_pl(&scene, &again, &format!("{UNHURRIED} COST 1; COST 4.01; COST -5 --refund"));
    assert_eq!(ran.code, 6, "{}", ran.picture());
    assert_eq!(exec(&scene, &["a", "--max-cost", "0"], "true").code, 0, "nothing was spent");
    scene.ok(&["verify"]);
}

#[test]
fn an_attempt_that_it_ends_by_itself_or_others_do() {
    let scene = Scene::small();
    let script = format!("{UNHURRIED} COST 2 >&2; PL complete a >&2");
    let ran = exec_pl(&scene, &["a", "--max-cost", "1", "--json"], &script);
    let view: Value = serde_json::from_str(ran.stderr.lines().last().expect("a line")).expect("JSON");
    assert_eq!((ran.code, &view["outcome"], &view["exit_code"]), (6, &"completed".into(), &6.into()));
    assert_eq!(view["reason"], "ended by the command itself, as e4; cost 2, 1 over --max-cost 1 (e3)");
    assert_eq!(phase(&scene, "a")["state"], "COMPLETE");
    // What is recorded after the end of the attempt is not its cost: the command is left alone.
    let mut running = Running::exec(&scene, &["b", "--max-cost", "1"], "echo ready; read line; exit 5");
    scene.ok(&["start", "b", "--take-over", "--reason", "mine"]);
    scene.ok(&["cost", "record", "b", "3"]);
    std::thread::sleep(Duration::from_millis(600));
    assert!(running.child.try_wait().expect("a process of ours").is_none(), "it runs");
    assert_eq!(running.end().code(), 5);
    assert_eq!(phase(&scene, "b")["state"], "IN_PROGRESS");
}

#[test]
fn the_answer_in_json_and_to_a_known_id() {
    let scene = limited();
    let stopped = ["b", "--max-cost", "1", "--id", "key:stopped", "--json"];
    let ran = exec_pl(&scene, &stopped, &format!("COST 2 >&2; {FOREVER}"));
    let view: Value = serde_json::from_str(ran.stderr.lines().last().expect("a line")).expect("JSON");
    assert_eq!((ran.code, &view["schema"], &view["outcome"]), (6, &"exec/1".into(), &"failed".into()));
    assert_eq!(view["reason"], "cost 2 USD, 1 over --max-cost 1 (e3)");
    assert_eq!(view["ended"]["status"], "appended");
    let limited = ["a", "--id", "key:limited", "--json"];
    let ran = exec_pl(&scene, &limited, &format!("COST 20 >&2; {FOREVER}"));
    let view: Value = serde_json::from_str(ran.stderr.lines().last().expect("a line")).expect("JSON");
    assert_eq!((ran.code, &view["outcome"], view.get("ended")), (6, &"failed".into(), None));
    let reason = view["reason"].as_str().expect("a text");
    assert!(reason.starts_with("failed by its costs, as e10: cost limit exceeded"), "{reason}");
    for again in [&stopped[..], &limited] {
        let ran = exec(&scene, again, "echo never");
        assert_eq!((ran.code, ran.stdout.as_str()), (6, ""), "{}", ran.picture());
    }
}

/// The ledger is not held, and signals are handed on.
#[test]
fn while_it_watches() {
    let scene = limited();
    let mut running = Running::exec(
        &scene,
        &["a", "--max-cost", "9"],
        "trap 'exit 7' USR1; echo ready; while true; do sleep 0.02; done",
    );
    for amount in ["1", "2", "3"] {
        scene.ok(&["cost", "record", "a", amount, "--lock-timeout", "5s"]);
    }
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&running.child),
        rustix::process::Signal::USR1,
    )
    .expect("a process of ours");
    drop(running.stdin.take());
    assert_eq!(running.end().code(), 7);
    assert_eq!(error(&scene, "a"), "exit code 7");
}

#[test]
fn what_is_no_maximum_is_refused() {
    let scene = Scene::small();
    for args in [
        ["a", "--max-cost", "-1"],
        ["a", "--max-cost", "much"],
        ["a", "--max-cost", ""],
        ["a", "--grace", "soon"],
    ] {
        let ran = exec(&scene, &args, "echo never");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.picture());
    }
    assert_eq!(phase(&scene, "a")["state"], "PENDING");
}
