//! JSON that is invalid, deep or huge, wherever JSON is taken.

use std::fs;
use std::path::PathBuf;

use phaseledger::ledger::{HistoryOptions, Ledger, import_history, restore};
use phaseledger::model::{Actor, Metadata, Request, parse_workflow_bytes};
use phaseledger::store::MemoryStore;

use super::{Scene, run, shared, unchanged};

/// The files of JSONTestSuite's parsing tests with their contents.
fn suite(test: &str) -> Option<Vec<(PathBuf, Vec<u8>)>> {
    let folder = shared::data(test)?.join("conformance/jsontestsuite/test_parsing");
    let entries = fs::read_dir(folder).expect("the set is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
    assert!(files.len() > 300, "{} files", files.len());
    Some(files)
}

fn ledger() -> Ledger {
    Ledger::new(Box::new(MemoryStore::new()))
}

fn options() -> HistoryOptions {
    HistoryOptions {
        source: "a file".to_owned(),
        workflow: "w".to_owned().try_into().expect("a name"),
        define: None,
        repair: true,
        allow_unmet: true,
        before: None,
        zone: phaseledger::model::Zone::utc(),
        by: Actor::new("ana", "here", "test"),
    }
}

/// Says whether a file has no lines: a byte order mark is none.
fn is_blank(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    text.iter().all(u8::is_ascii_whitespace)
}

#[test]
fn no_invalid_json_is_taken_anywhere() {
    let Some(files) = suite("no_invalid_json_is_taken_anywhere") else { return };
    let now = "2025-10-29T20:00:00Z".parse().expect("a time");
    for (path, bytes) in &files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // None of the files is a command, an export, a history or a workflow, valid though its JSON may be.
        if let Ok(text) = std::str::from_utf8(bytes) {
            assert!(text.parse::<Request>().is_err(), "{name}");
            let nested = format!("{{\"do\":\"note\",\"text\":\"x\",\"metadata\":{{\"a\":{text}}}}}");
            assert!(nested.parse::<Request>().is_err(), "{name}");
            let taken = serde_json::from_str::<Metadata>(&format!("{{\"a\":{text}}}")).is_ok();
            assert!(!(taken && name.starts_with("n_")), "{name}");
            assert!(taken || !name.starts_with("y_"), "{name}");
        }
        assert!(restore(&mut ledger(), std::io::Cursor::new(bytes), |_| {}).is_err(), "{name}");
        let mut target = ledger();
        let imported = import_history(&mut target, || Ok(bytes.as_slice()), &options(), now, |_| {});
        let blank = is_blank(bytes);
        assert!(imported.is_err() || blank, "{name}: {imported:?}");
        assert_eq!(target.head().expect("a head").seq.number(), 0, "{name}");
        assert!(parse_workflow_bytes(bytes, "w.json", None).is_err(), "{name}");
    }
}

#[test]
fn the_program_refuses_it_too() {
    let Some(files) = suite("the_program_refuses_it_too") else { return };
    let scene = Scene::small();
    unchanged(&scene, || {
        // A few of each kind, and those that are known to hurt; the test above has all of them.
        let hurts = ["100000", "open_array_object", "huge", "null-byte", "UTF8"];
        let chosen = files.iter().enumerate().filter(|(at, (path, _))| {
            at % 24 == 0 || hurts.iter().any(|part| path.to_string_lossy().contains(part))
        });
        for (_, (path, bytes)) in chosen {
            let file = path.to_str().expect("a path of ASCII");
            let blank = is_blank(bytes);
            for args in [
                &["append", file][..],
                &["append", "--atomic", file],
                &["import", file],
                &["import", "--format", "history", file],
                &["define", "--as", "n", file],
            ] {
                let outcome = run(&scene, args, b"").calm(file);
                assert!(outcome.code == Some(2) || outcome.code == Some(5) || blank, "{args:?}");
            }
            if let Ok(text) = std::str::from_utf8(bytes)
                && text.len() < 100_000
                && !text.contains('\0')
                && !text.trim_start().starts_with('{')
            {
                run(&scene, &["start", "a", "--metadata", text], b"").refused(2, "'--metadata <JSON>'");
            }
        }
    });
}

#[test]
fn depth_and_size_have_bounds() {
    let scene = Scene::small();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    unchanged(&scene, || {
        let line = format!("{{\"do\":\"meta\",\"phase\":\"a\",\"metadata\":{{\"x\":{}}}}}\n", deep(100_000));
        run(&scene, &["append"], line.as_bytes()).refused(2, "more than 100 deep");
        let line = format!(
            "{{\"at\":\"2025-10-29T10:00:00Z\",\"phase\":\"a\",\"event\":\"start\",\"x\":{}}}\n",
            deep(100_000)
        );
        run(&scene, &["import", "--format", "history", "-"], line.as_bytes()).refused(2, "line 1: `x`: ");
        run(&scene, &["meta", "a", &format!("x={}", deep(101))], b"").refused(2, "more than 100 deep");
        run(&scene, &["define", "--as", "n", "-"], deep(100_000).as_bytes()).refused(2, "");
        run(&scene, &["append"], deep(100_000).as_bytes()).refused(2, "line 1, column");
        run(&scene, &["import", "-"], deep(100_000).as_bytes()).refused(5, "line 1");

        let large = format!(
            "{{\"do\":\"meta\",\"phase\":\"a\",\"metadata\":{{\"x\":\"{}\"}}}}\n",
            "x".repeat(300_000)
        );
        run(&scene, &["append"], large.as_bytes()).refused(2, "at most 262144 are kept");
        let huge = format!("{{\"do\":\"note\",\"text\":\"{}\"}}\n", "x".repeat(2 << 20));
        run(&scene, &["append"], huge.as_bytes()).refused(2, "more than 1048576 bytes");
        let long = format!("{{\"do\":\"note\",\"text\":\"{}\"}}\n", "x".repeat(100_000));
        run(&scene, &["append"], long.as_bytes()).refused(2, "the text is 100000 bytes long; at most 65536");
        let half = "{\"do\":\"meta\",\"phase\":\"a\",\"metadata\":{\"x\":\"\\ud800\"}}\n";
        run(&scene, &["append"], half.as_bytes()).refused(2, "line 1, column");
        run(&scene, &["define", "--as", "n", "-"], " ".repeat(32 << 20).as_bytes()).refused(2, "");
    });
    run(&scene, &["meta", "a", &format!("x={}", deep(100))], b"").calm("as deep as may be");
    run(&scene, &["verify"], b"").calm("verify");
}

#[test]
fn metadata_that_grows_over_its_bound_is_refused() {
    let scene = Scene::small();
    let part = |key: &str| {
        let value = "x".repeat(150_000);
        format!("{{\"do\":\"meta\",\"phase\":\"a\",\"metadata\":{{\"{key}\":\"{value}\"}}}}\n")
    };
    assert_eq!(run(&scene, &["append"], part("a").as_bytes()).code, Some(0));
    unchanged(&scene, || {
        run(&scene, &["append"], part("b").as_bytes()).refused(2, "at most 262144 are kept")
    });
    assert_eq!(run(&scene, &["verify"], b"").code, Some(0));
}
