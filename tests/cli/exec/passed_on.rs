//! What a command finds, what it writes, how it ends, and what is recorded of that.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// Every byte there is, and no line's end behind the last.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|number| (number * 7 + number / 256) as u8).collect()
}

#[test]
fn a_command_that_succeeds() {
    let scene = Scene::small();
    let out = bytes(100_000);
    std::fs::write(scene.dir().join("out"), &out).expect("a file");
    let running = Running::exec(
        &scene,
        &["a", "--output", "out", "--meta", "books=3", "--by", "bob"],
        "echo ready; cat out; echo two words >&2; cat >&2",
    );
    let output = running.end();
    assert_eq!(output.code(), 0, "{}", output.said());
    assert_eq!(output.stdout, out);
    assert_eq!(
        output.said(),
        "phaseledger: started w/a, attempt 1 (e2)\ntwo words\nphaseledger: completed w/a (e3)\n"
    );
    let start = last(&scene, "phase_started");
    assert_eq!((&start["by"]["name"], &start["by"]["via"]), (&"bob".into(), &"exec".into()));
    assert_eq!(start["data"]["metadata"]["books"], 3);
    let process = &start["data"]["process"];
    assert!(process["pid"].is_u64() && process["host"].is_string(), "{process}");
    let end = last(&scene, "phase_completed");
    assert_eq!(end["data"]["outputs"][0]["path"], "out");
    assert_eq!(end["data"]["output"], format!("blake3:{}", blake3::hash(&out)));
    assert_eq!(phase(&scene, "a").get("process"), None, "of what has ended nobody asks for a process");
}

#[test]
fn a_command_that_fails() {
    let scene = Scene::small();
    let noise = [bytes(200_000), b"\n\x1b[31mno \xff such book\x1b[0m\n \n".to_vec()].concat();
    std::fs::write(scene.dir().join("noise"), &noise).expect("a file");
    let output = Running::exec(&scene, &["a"], "echo ready; cat noise >&2; exit 3").end();
    assert_eq!(output.code(), 3);
    let first = b"phaseledger: started w/a, attempt 1 (e2)\n";
    let rest = output.stderr.strip_prefix(first).expect("what it says first");
    let rest = rest.strip_prefix(&noise[..]).expect("standard error, byte for byte");
    let told = String::from_utf8_lossy(rest);
    assert_eq!(told, "phaseledger: failed w/a (e3): exit code 3: no \u{fffd} such book\n");

    let failed = last(&scene, "phase_failed");
    let data = &failed["data"];
    assert_eq!(data["exit_code"], 3);
    assert_eq!(data["error"], "exit code 3: no \u{fffd} such book");
    let kept = data["stderr"].as_str().expect("a text");
    let whole = String::from_utf8_lossy(&noise[noise.len() - 65_536..]).into_owned();
    assert!(kept.len() <= 65_536 && whole.ends_with(kept) && kept.len() > 65_000, "{}", kept.len());
    let shown = scene.ok(&["show", "a"]).stdout;
    assert!(shown.contains("no \u{fffd} such book") && shown.contains("lines before"), "{shown}");
    let json = scene.ok(&["show", "a", "--json"]).json();
    assert_eq!(json["attempts"][0]["stderr"], data["stderr"]);
}

#[test]
fn what_it_tells() {
    let scene = Scene::small();
    let runs = [
        exec(&scene, &["a", "--output", "gone"], "true"),
        exec(&scene, &["a"], "printf 'no line' >&2; exit 4"),
        exec(&scene, &["c"], "true"),
        exec(&scene, &["none"], "true"),
        scene.run(&["exec", "a", "--", "./no-such-program", "x"]),
        scene.run(&["exec", "a"]),
        exec(&scene, &["a", "--reason", "x"], "true"),
        exec(&scene, &["a"], "true"),
        exec(&scene, &["a"], "true"),
        exec(&scene, &["a", "--expect", "attempt=1", "--rerun", "--reason", "x"], "true"),
        exec(&scene, &["a", "--rerun", "--reason", "new books"], "true"),
        exec(&scene, &["a", "--if-needed"], "true"),
        exec(&scene, &["b", "--if-needed"], "true"),
        exec(&scene, &["c", "--allow-unmet"], "exit 300"),
    ];
    assert_snapshot("exec", &pictures(runs));
}

#[test]
fn what_it_tells_in_json() {
    let scene = Scene::small();
    let runs = [
        exec(&scene, &["a", "--json", "--id", "key:own/1"], "echo out; echo err >&2"),
        exec(&scene, &["a", "--json", "--id", "key:own/1"], "echo out; echo err >&2"),
        exec(&scene, &["b", "--json", "--id", "key:own/2"], "kill -KILL $$"),
        exec(&scene, &["b", "--json", "--id", "key:own/2"], "kill -KILL $$"),
        exec(&scene, &["c", "--json", "--id", "key:own/3"], "true"),
        exec(&scene, &["b", "--json", "--id", "key:own/1"], "true"),
    ];
    assert_snapshot("exec_json", &pictures(runs));
}

#[test]
fn what_cannot_be_run() {
    let scene = Scene::small();
    let script = scene.write("script", "#!/no/such/interpreter\n");
    let missing = scene.run(&["exec", "a", "--", "./none"]);
    assert_eq!(missing.code, 127, "{}", missing.picture());
    let refused = scene.run(&["exec", "a", "--", "./script"]);
    assert_eq!(refused.code, 126, "{}", refused.picture());
    assert_eq!(last(&scene, "phase_failed")["data"]["exit_code"], 126);
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("a file of ours");
    let no_interpreter = scene.run(&["exec", "a", "--", "./script"]);
    assert_eq!(no_interpreter.code, 127, "{}", no_interpreter.picture());
    assert_eq!((phase(&scene, "a")["state"].as_str(), events(&scene).len()), (Some("FAILED"), 7));
}

#[test]
fn a_command_knows_its_attempt() {
    let scene = Scene::small();
    scene.ok(&["start", "a"]);
    let script = "printf '%s ' $PHASELEDGER_PHASE $PHASELEDGER_ATTEMPT $PHASELEDGER_EVENT $PHASELEDGER_DIR";
    let ran = exec(&scene, &["a", "--take-over", "--reason", "mine"], script);
    assert_eq!(ran.code, 0, "{}", ran.picture());
    let event = last(&scene, "phase_started")["id"].as_str().expect("an id").to_owned();
    assert_eq!(ran.stdout, format!("w/a 2 {event} DIR/ledger "));
}

/// Whoever keeps standard error open, as a daemon does, is not waited for.
#[test]
fn a_grandchild_that_keeps_standard_error() {
    let scene = Scene::small();
    let script = "echo ready; exec 3<&0; (read line <&3; echo late >&2) >/dev/null & echo early >&2";
    let mut running = Running::exec(&scene, &["a"], script);
    let stdin = running.stdin.take();
    let output = running.end();
    drop(stdin);
    assert_eq!(output.code(), 0, "{}", output.said());
    assert!(output.said().contains("early\n") && !output.said().contains("late"), "{}", output.said());
}
