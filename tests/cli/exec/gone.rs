//! Attempts whose process is gone, and how they are settled.

use super::*;

/// A ledger in which the process that worked on `a` is gone, and the one that works on `b` runs.
fn one_gone() -> (Scene, Child, [u32; 2]) {
    let scene = Scene::small();
    let (gone, running) = (sleeper(), sleeper());
    let pids = [gone.id(), running.id()];
    scene.record(&["start", "a", "--pid", &pids[0].to_string()]);
    scene.record(&["start", "b", "--pid", &pids[1].to_string()]);
    bury(gone);
    (scene, running, pids)
}

#[test]
fn a_process_that_is_gone_is_seen() {
    let (scene, running, pids) = one_gone();
    let runs = [
        scene.run(&["status"]),
        scene.run(&["status", "b", "c"]),
        scene.run(&["status", "--at", "e2"]),
        scene.run(&["next"]),
        scene.run(&["show", "a"]),
        scene.run(&["why", "a"]),
        exec(&scene, &["a"], "true"),
        scene.run(&["fail", "b", "--abandoned", "--error", "lost"]),
        scene.run(&["fail", "b", "--abandoned", "--error", "lost", "--dry-run", "--json"]),
        exec(&scene, &["b", "--if-needed"], "true"),
        scene.run(&["start", "b", "--take-over", "--reason", "it hangs", "--dry-run"]),
        scene.run(&["start", "a", "--take-over", "--reason", "it is gone"]),
        exec(&scene, &["a"], "true"),
    ];
    assert_snapshot("process_gone", &without_pids(&pictures(runs), &pids));
    bury(running);
}

#[test]
fn processes_in_json() {
    let (scene, running, pids) = one_gone();
    let states = |args: &[&str], list: &str| -> Vec<Value> {
        let answer = scene.run(&[args, &["--json"]].concat()).json();
        let phases = answer[list].as_array().expect("a list").clone();
        phases.iter().map(|phase| phase["process_state"].clone()).collect()
    };
    assert_eq!(states(&["status"], "phases"), ["gone".into(), "running".into(), Value::Null]);
    assert_eq!(states(&["next"], "running"), ["gone", "running"]);
    assert_eq!(states(&["status", "--at", "head"], "phases")[0], "gone");
    assert_eq!(states(&["status", "--before", "e3"], "phases"), [Value::Null, Value::Null, Value::Null]);
    let show = scene.ok(&["show", "a", "--json"]).json();
    assert_eq!(show["phase"]["process"]["pid"], pids[0]);
    assert_eq!(show["phase"]["process_state"], "gone");
    bury(running);
    assert_eq!(states(&["status"], "phases")[1], "gone");
}

#[test]
fn what_is_gone_can_be_settled() {
    for (args, state) in [
        (&["fail", "a", "--abandoned", "--error", "the machine went down"] as &[&str], "FAILED"),
        (&["start", "a", "--take-over", "--reason", "the machine went down"], "IN_PROGRESS"),
        (&["exec", "a", "--take-over", "--reason", "the machine went down", "--", "true"], "COMPLETE"),
        (&["exec", "a", "--if-needed", "--", "true"], "COMPLETE"),
    ] {
        let (scene, running, pids) = one_gone();
        scene.ok(args);
        assert_eq!(phase(&scene, "a")["state"], state);
        let failed = last(&scene, "phase_failed");
        assert_eq!(failed["data"]["abandoned"], true);
        if args.contains(&"--if-needed") {
            let reason = format!("taken over by `exec --if-needed`: process {} is gone", pids[0]);
            assert_eq!(failed["data"]["error"], reason);
        }
        bury(running);
    }
}

/// What `exec` started may outlive it: then nobody may start over, for two would be at work.
#[test]
fn a_child_that_outlives_exec() {
    let scene = Scene::small();
    let mut running = Running::exec(&scene, &["a"], "echo ready $$; read line");
    let child: u32 = running.said.trim_start_matches("ready ").parse().expect("a number");
    let exec_pid = running.child.id();
    assert_eq!(phase(&scene, "a")["process_state"], "running");
    running.kill();
    let status = phase(&scene, "a");
    assert_eq!((&status["process_state"], &status["left_behind_pid"]), (&"running".into(), &child.into()));
    let runs = [
        scene.run(&["status"]),
        exec(&scene, &["a", "--if-needed"], "true"),
        scene.run(&["fail", "a", "--abandoned", "--error", "lost"]),
    ];
    let picture = without_pids(&pictures(runs), &[child, exec_pid]);
    assert_snapshot("process_left_behind", &without_widths(&picture));

    drop(running.stdin.take());
    eventually("the child ends", || phase(&scene, "a")["process_state"] == "gone");
    let ran = exec(&scene, &["a", "--if-needed"], "true");
    assert_eq!((ran.code, phase(&scene, "a")["attempt"].as_u64()), (0, Some(2)), "{}", ran.picture());
}

#[test]
fn a_process_that_is_not_there() {
    let scene = Scene::small();
    let child = sleeper();
    let pid = child.id().to_string();
    let line = format!(r#"{{"do":"start","phase":"b","pid":{pid},"id":"key:own/b"}}"#);
    let lines = scene.write("lines", &line);
    let append = ["append", lines.to_str().expect("ASCII")];
    scene.ok(&["start", "a", "--pid", &pid, "--id", "key:own/a"]);
    scene.ok(&append);
    assert_eq!(phase(&scene, "b")["process"]["pid"], child.id());
    bury(child);
    let again = scene.ok(&["start", "a", "--pid", &pid, "--id", "key:own/a"]);
    assert!(again.stdout.starts_with("duplicate"), "a retry: {}", again.picture());
    assert!(scene.ok(&append).stdout.contains("duplicate"));
    scene.write("lines", &line.replace("own/b", "own/c").replace("\"b\"", "\"c\""));
    let runs = [
        scene.run(&["start", "c", "--allow-unmet", "--pid", &pid]),
        scene.run(&["start", "c", "--allow-unmet", "--pid", "0"]),
        scene.run(&["start", "c", "--allow-unmet", "--pid", "4294967295", "--json"]),
        scene.run(&["start", "c", "--allow-unmet", "--pid", "-1"]),
    ];
    assert_snapshot("process_none", &without_pids(&pictures(runs), &[pid.parse().expect("a number")]));
    assert_eq!(phase(&scene, "c")["state"], "PENDING");
}
