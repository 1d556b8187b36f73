//! Text that deceives, hides, or is none.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::{Scene, export, run, unchanged};

/// Moves the cursor, turns the reading direction, hides, rings, ends the line.
const NASTY: &str = "\u{1b}[2Jred\u{202e}gnp.exe\u{200b}\u{feff}\u{7}\r\n\u{9b}31m\u{2028}end";

/// The characters that nothing shown to a person may hold.
fn deceives(text: &str) -> bool {
    text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}

#[test]
fn what_callers_say_is_kept_whole_and_shown_escaped() {
    let scene = Scene::small();
    let meta = format!("key{NASTY}={NASTY}");
    let nasty_file = format!("out{}", NASTY.replace('/', ""));
    fs::write(scene.dir().join(&nasty_file), "x").expect("the system takes the name");
    for args in [
        &["note", NASTY][..],
        &["start", "a", "--meta", &meta],
        &["fail", "a", "--error", NASTY, "--signal", NASTY],
        &["skip", "a", "--reason", NASTY],
        &["start", "b"],
        &["complete", "b", "--output", &nasty_file],
        &["rerun", "b", "--reason", NASTY],
        &["reset", "--all", "--reason", NASTY],
        &["start", "b"],
        &["start", "b", "--take-over", "--reason", NASTY],
        &["meta", "a", &meta],
    ] {
        let outcome = run(&scene, args, b"");
        assert_eq!(outcome.code, Some(0), "{args:?}: {}", outcome.stderr);
        let shown = String::from_utf8(outcome.stdout).expect("UTF-8");
        assert!(!deceives(&shown) && !deceives(&outcome.stderr), "{args:?}: {shown:?}");
        let json = run(&scene, &["note", NASTY, "--json"], b"");
        assert!(serde_json::from_slice::<serde_json::Value>(&json.stdout).is_ok());
    }
    let log = String::from_utf8(export(&scene)).expect("UTF-8");
    let kept = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    assert!(kept.clone().any(|event| event["data"]["text"] == NASTY), "the note is kept as it was given");
    assert!(!log.contains('\u{1b}') && !log.contains('\r'), "controls are escaped as JSON");
}

#[test]
fn what_is_refused_is_shown_escaped() {
    let scene = Scene::small();
    let file = scene.dir().join(NASTY.replace('/', ""));
    fs::write(&file, NASTY).expect("the system takes the name");
    let file = file.to_str().expect("UTF-8");
    let field = format!("--fly{NASTY}");
    let missing = format!("no{NASTY}");
    unchanged(&scene, || {
        for args in [
            &["start", NASTY][..],
            &[NASTY],
            &["start", "a", &field],
            &["start", &format!("w/{NASTY}")],
            &["tag", NASTY],
            &["tag", "x", NASTY],
            &["tag", "x", &format!("tag:{NASTY}")],
            &["tag", "x", &format!("id:{NASTY}")],
            &["define", "--as", NASTY],
            &["define", file],
            &["define", &missing],
            &["import", file],
            &["import", &missing],
            &["import", "--format", "history", file],
            &["import", "--format", NASTY, file],
            &["append", file],
            &["append", &missing],
            &["note", "x", "--by", NASTY],
            &["note", "x", "--id", NASTY],
            &["note", "x", "--expect", NASTY],
            &["note", "x", "--occurred-at", NASTY],
            &["note", "x", "--tz", NASTY],
            &["note", "x", "--lock-timeout", NASTY],
            &["note", "x", "--dir", NASTY],
            &["start", "a", "--metadata", NASTY],
            &["complete", "a", "--digest", NASTY],
            &["complete", "a", "--output", &missing],
            &["completions", NASTY],
            &["export", "--at", NASTY],
            &["export", "--output", &format!("{missing}/x")],
        ] {
            let text = run(&scene, args, b"").refused_somehow(args);
            assert!(!deceives(&text), "{args:?}: {text:?}");
            let json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
            let text = run(&scene, &json, b"").refused_somehow(&json);
            let object: serde_json::Value = serde_json::from_str(&text).expect("one object");
            let message = object["error"]["message"].as_str().expect("a message");
            assert!(!deceives(message), "{args:?}: {message:?}");
        }
        let sound = String::from_utf8(export(&scene)).expect("UTF-8");
        let kind = sound.replacen("workflow_defined", "\\u202e\\u001b[2J", 1);
        assert_ne!(sound, kind);
        let said = run(&scene, &["import", "-"], kind.as_bytes()).refused_somehow(&["import"]);
        assert!(said.contains("\\u{202e}") && !deceives(&said), "{said:?}");
        for line in [format!("{{\"do\":{:?}}}", NASTY), format!("{{\"{}\":1}}", "\\u202e\\u001b")] {
            let text = run(&scene, &["append"], line.as_bytes()).refused_somehow(&[&line]);
            assert!(!deceives(&text), "{line}: {text:?}");
        }
    });
}

impl super::Outcome {
    fn refused_somehow(self, args: &[&str]) -> String {
        let outcome = self.calm(&format!("{args:?}"));
        assert!(outcome.code != Some(0) && outcome.stdout.is_empty(), "{args:?}: {}", outcome.stderr);
        outcome.stderr
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_by_their_place() {
    let scene = Scene::small();
    let bad = OsStr::from_bytes(b"\xff\xfe\x80");
    unchanged(&scene, || {
        for args in [&["start"][..], &["note"], &["define", "--as"], &["tag"], &["note", "x", "--by"]] {
            let args: Vec<_> = args.iter().map(OsStr::new).chain([bad]).collect();
            run(&scene, &args, b"").refused(2, "UTF-8");
        }
        run(&scene, &[OsStr::new("import"), bad], b"").refused(4, "check the path");
        run(&scene, &[OsStr::new("--dir"), bad, OsStr::new("verify")], b"").refused(4, "no ledger");
        run(&scene, &["append"], b"{\"do\":\"note\",\"text\":\"\xff\"}").refused(2, "line 1, column 22");
        let good = "{\"at\":\"2025-10-29T10:00:00Z\",\"phase\":\"a\",\"event\":\"start\"}\n";
        let history = [good.as_bytes(), b"{\"at\":\"\xff\"}\n"].concat();
        run(&scene, &["import", "--format", "history", "-"], &history)
            .refused(2, "line 2, column 8: the byte 0xff");
        run(&scene, &["import", "-"], b"{\"v\":1}\xff\n").refused(5, "line 1: byte 8");
        run(&scene, &["define", "-"], b"[workflow]\nname = \"\xff\"").refused(2, "-:2:9");
        run(&scene, &["define", "-"], b"[workflow]\nname = \"a\0b\"").refused(2, ":2:");
        run(&scene, &["append"], b"{\"do\":\"note\",\0\"text\":\"x\"}").refused(2, "line 1, column 14");
        let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        run(&scene, &["import", "--format", "history", "-"], &wide).refused(2, "line 1");
    });
    // A name from the environment that is no text is refused where it is ours, and not used where it is the system's.
    let named = |by: Option<&OsStr>, user: &OsStr| {
        let mut command = scene.command();
        command.args(["note", "x"]).env_remove("PHASELEDGER_BY").env("USER", user).env("LOGNAME", "eve");
        by.into_iter().for_each(|by| _ = command.env("PHASELEDGER_BY", by));
        super::finish(command, b"").code
    };
    assert_eq!(named(Some(bad), OsStr::new("eve")), Some(2));
    assert_eq!(named(None, bad), Some(0));
    assert!(String::from_utf8(export(&scene)).expect("UTF-8").contains("\"name\":\"eve\""));
}

#[test]
fn an_argument_may_be_as_large_as_the_system_lets_it() {
    let scene = Scene::small();
    let large = "x".repeat(130_000);
    unchanged(&scene, || {
        for args in [
            &["note", &large][..],
            &["start", &large],
            &["tag", &large],
            &["note", "x", "--by", &large],
            &["note", "x", "--expect", &large],
            &["note", "x", "--occurred-at", &large],
            &["note", "x", "--id", &large],
            &[&large],
            &["export", "--at", &large],
            &["define", &large],
        ] {
            let said = run(&scene, args, b"").refused_somehow(&[args[0].get(..9).unwrap_or(args[0])]);
            assert!(
                said.len() < 2000,
                "an error of {} bytes repeats what it was given: {}",
                said.len(),
                args[0]
            );
        }
    });
    let meta = format!("x={large}");
    assert_eq!(run(&scene, &["meta", "a", &meta], b"").code, Some(0));
    unchanged(&scene, || {
        let second = format!("y={large}");
        let third = format!("z={large}");
        run(&scene, &["meta", "a", &second, &third], b"").refused(2, "262144");
    });
}
