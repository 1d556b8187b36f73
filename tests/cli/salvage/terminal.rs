//! What a terminal acts on does not reach it in JSON.

use crate::cli::Scene;
use crate::terminal;

#[test]
fn found_25_json_does_nothing_to_a_terminal() {
    let scene = Scene::small();
    let acts = "x\u{9b}2Jy\u{85}z\u{202e}w\u{7f}v\u{2028}u\u{200b}";
    scene.ok(&["note", acts]);
    scene.ok(&["start", "a"]);
    scene.ok(&["fail", "a", "--error", acts]);
    for args in [
        &["log", "--json"][..],
        &["export"],
        &["salvage", "-"],
        &["status", "--json"],
        &["show", "e2", "--json"],
        &["why", "a", "--json"],
        &["report", "--format", "json"],
    ] {
        let Some(shown) = terminal::seen(&scene, "xterm", "", args) else { return };
        let bad = |c: char| c != '\n' && (c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c));
        assert!(!shown.contains(bad), "{args:?}: {shown:?}");
        assert!(shown.contains("\\u009b2Jy\\u0085z\\u202ew\\u007f"), "{args:?}: {shown:?}");
        // Whatever parses it reads the same as from a pipe.
        let values = |text: &str| -> Vec<serde_json::Value> {
            let lines = text.lines().filter(|line| line.starts_with('{'));
            lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
        };
        let piped = scene.command().args(args).output().expect("the program runs").stdout;
        let piped = String::from_utf8(piped).expect("UTF-8");
        let expected = values(&piped);
        assert!(expected.iter().all(|value| values(&shown).contains(value)), "{args:?}");
        if args[0] != "status" && args[0] != "show" {
            assert!(piped.contains('\u{9b}'), "{args:?}: bytes in a pipe stay");
        }
    }
}
