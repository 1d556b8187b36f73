//! What `start` and `complete` record of declared files.

use std::io::Write;
use std::process::Stdio;

use super::{defined, last, made, paths, put, run};

#[test]
fn a_start_records_inputs_and_a_completion_outputs() {
    let scene = made();
    put(&scene, "out/not.md", "no output");
    scene.record(&["start", "a"]);
    scene.record(&["complete", "a"]);
    let events = last(&scene, 2);
    assert_eq!(paths(&events[0], "inputs"), ["in/deep/two", "in/one"]);
    assert_eq!(paths(&events[1], "outputs"), ["out/x.txt"]);
    let digest = format!("blake3:{}", blake3::hash(b"x").to_hex());
    assert_eq!(events[1]["data"]["output"], digest);
    let shown = scene.ok(&["show", "a"]).stdout;
    assert!(shown.contains("attempt 1 reads 2 files") && shown.contains("in/deep/two"), "{shown}");
    let shown = scene.ok(&["show", "a", "--json"]).json();
    assert_eq!(shown["attempts"][0]["inputs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_is_not_declared_is_not_recorded() {
    let scene = made();
    run(&scene, &["a", "b", "c"]);
    for event in last(&scene, 2) {
        assert_eq!((event["data"].get("inputs"), event["data"].get("outputs")), (None, None));
    }
    // `b` declares inputs only.
    assert_eq!(last(&scene, 3)[0]["data"].get("output"), None);
}

#[test]
fn stated_outputs_count_instead_of_declared_ones() {
    let scene = made();
    put(&scene, "stated.txt", "s");
    scene.record(&["start", "a"]);
    scene.record(&["complete", "a", "--output", "stated.txt"]);
    assert_eq!(paths(&last(&scene, 1)[0], "outputs"), ["stated.txt"]);
    scene.record(&["start", "a", "--rerun", "--reason", "r"]);
    let digest = format!("sha256:{}", "0".repeat(64));
    scene.record(&["complete", "a", "--digest", &digest]);
    let event = &last(&scene, 1)[0];
    assert_eq!((&event["data"]["output"], event["data"].get("outputs")), (&digest.into(), None));
}

#[test]
fn patterns_that_match_nothing_are_warned_of() {
    let scene = defined(
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in/*\", \"b.txt\"]\noutputs = [\"out\"]\n",
    );
    put(&scene, "b.txt", "b");
    put(&scene, "out/x", "a file in a folder");
    let started = scene.record(&["start", "a"]);
    assert_eq!(started.stderr, "warning: the pattern `in/*` of `inputs` of `w/a` matches no file\n");
    let completed = scene.record(&["complete", "a"]);
    let folder =
        "`out` of `outputs` of `w/a` selects no file: it names a folder, which selects nothing; `out/**`";
    assert!(completed.stderr.contains(folder), "{}", completed.stderr);
    assert_eq!(last(&scene, 1)[0]["data"].get("output"), None);
    // None is not unknown: a file that appears is one that was added.
    put(&scene, "in/one", "1");
    assert!(scene.run(&["scan", "--dry-run"]).stdout.contains("in/one is new"));
    assert_eq!(scene.run(&["scan", "--json"]).stderr, "", "a program is not talked to");
}

#[test]
fn a_retry_is_a_duplicate_whatever_became_of_the_files() {
    let scene = made();
    let start = ["start", "a", "--id", "key:start"];
    let complete = ["complete", "a", "--id", "key:complete"];
    scene.ok(&start);
    put(&scene, "in/one", "other");
    assert!(scene.ok(&start).stdout.starts_with("duplicate"));
    scene.ok(&complete);
    put(&scene, "out/x.txt", "other");
    let again = scene.ok(&complete);
    assert!(again.stdout.starts_with("duplicate") && again.stderr.is_empty(), "{}", again.picture());
    // Even when the files could not be read at all.
    std::fs::remove_dir_all(scene.dir().join("out")).expect("it is there");
    assert!(scene.ok(&complete).stdout.starts_with("duplicate"));
    let line = r#"{"do":"start","phase":"a","id":"key:start"}"#;
    let file = scene.write("lines", line);
    assert!(scene.ok(&["append", file.to_str().expect("ASCII")]).stdout.contains("duplicate"));
}

#[test]
fn what_is_refused_reads_no_file() {
    let scene = made();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", scene.dir().join("out/bad.txt")).expect("a link");
    let refused = scene.run(&["complete", "a"]);
    assert_eq!(refused.code, 6, "{}", refused.picture());
    assert!(refused.stderr.contains("cannot complete `w/a`: it is PENDING"), "{}", refused.stderr);
}

#[test]
fn lines_are_fingerprinted_unless_they_state_files() {
    let digest = format!("blake3:{}", "1".repeat(64));
    let lines = [
        r#"{"do":"note","text":"first"}"#.to_owned(),
        r#"{"do":"start","phase":"a"}"#.to_owned(),
        r#"{"do":"note","text":"between"}"#.to_owned(),
        r#"{"do":"complete","phase":"a"}"#.to_owned(),
        format!(r#"{{"do":"start","phase":"b","inputs":[{{"path":"stated","digest":"{digest}"}}]}}"#),
        format!(r#"{{"do":"complete","phase":"b","output":"{digest}"}}"#),
    ];
    for args in [&["append"][..], &["append", "--atomic"]] {
        let scene = made();
        let mut child =
            scene.command().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all((lines.join("\n") + "\n").as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).expect("UTF-8").lines().count(), lines.len());
        let events = last(&scene, 6);
        assert_eq!(paths(&events[1], "inputs"), ["in/deep/two", "in/one"], "{args:?}");
        assert_eq!(paths(&events[3], "outputs"), ["out/x.txt"]);
        assert_eq!(paths(&events[4], "inputs"), ["stated"]);
        assert_eq!(
            (&events[5]["data"]["output"], events[5]["data"].get("outputs")),
            (&digest.clone().into(), None)
        );
        scene.ok(&["verify"]);
    }
    let scene = made();
    let file = scene.write("lines", r#"{"do":"fail","phase":"a","error":"e","inputs":[]}"#);
    let refused = scene.run(&["append", file.to_str().expect("ASCII")]);
    assert!(refused.stderr.contains("`fail` takes no `inputs`"), "{}", refused.stderr);
}

#[test]
fn a_refused_line_among_fingerprinted_ones_is_named() {
    let scene = made();
    let lines = "{\"do\":\"start\",\"phase\":\"a\"}\n{\"do\":\"start\",\"phase\":\"a\"}\n";
    let file = scene.write("lines", lines);
    let refused = scene.run(&["append", file.to_str().expect("ASCII")]);
    assert_eq!(refused.code, 6, "{}", refused.picture());
    assert!(refused.stderr.contains("line 2") && refused.stderr.contains("the command before it stands"));
    let refused = scene.run(&["append", "--atomic", file.to_str().expect("ASCII")]);
    assert!(refused.stderr.contains("line 1") && refused.stderr.contains("nothing was recorded"));
}

#[test]
fn a_dry_run_fingerprints_as_well_and_writes_nothing() {
    let scene = made();
    let before = scene.ok(&["export"]).stdout;
    let preview = scene.ok(&["start", "a", "--dry-run"]);
    assert!(preview.stdout.starts_with("would append e2 phase_started a"), "{}", preview.stdout);
    assert_eq!(scene.ok(&["export"]).stdout, before);
}
