//! The bytes of files: byte order marks and ends of lines are taken, what is no text is named.

use super::{fed, last};
use crate::cli::Scene;

const COMMANDS: &str = "{\"do\":\"note\",\"text\":\"one\"}\n{\"do\":\"note\",\"text\":\"two\"}\n";
const HISTORY: &str = "{\"at\":\"2025-10-29T10:00:00Z\",\"phase\":\"a\",\"event\":\"start\"}\n\
                       {\"at\":\"2025-10-29T11:00:00Z\",\"phase\":\"a\",\"event\":\"complete\"}\n";
const PLAN: &str = "{\"phase\":\"a\",\"amount\":\"0.10\"}\n{\"phase\":\"b\",\"amount\":1.5e-07}\n";
const TOML: &str = "[workflow]\nname = \"x\"\n[[phase]]\nid = \"p\"\n";
const JSON: &str = "{\"workflow\": {\"name\": \"y\"},\n \"phase\": [{\"id\": \"p\"}]}\n";

/// The verbs that read a file, what they read, and what they answer of a line that is none.
const READERS: [(&[&str], &str); 5] = [
    (&["append"], COMMANDS),
    (&["import", "--format", "history", "-"], HISTORY),
    (&["cost", "project", "-"], PLAN),
    (&["define", "-"], TOML),
    (&["define", "-"], JSON),
];

#[test]
fn found_35_a_byte_order_mark_and_crlf_are_taken() {
    for (args, text) in READERS {
        for bytes in [
            format!("\u{FEFF}{text}"),
            text.replace('\n', "\r\n"),
            format!("\u{FEFF}{}", text.replace('\n', "\r\n")),
            format!("\u{FEFF}\r\n{}", text.replace('\n', "\r\n")),
            text.trim_end().to_owned(),
        ] {
            let (code, _, stderr) = fed(&Scene::small(), args, bytes.as_bytes(), &[]);
            assert_eq!(code, 0, "{args:?} {bytes:?}: {stderr}");
        }
    }
}

/// The same lines are known, with a byte order mark or without, and however they end.
#[test]
fn found_35_a_history_is_the_same_with_a_mark_and_without() {
    let scene = Scene::small();
    let import = ["import", "--format", "history", "-", "--json"];
    for (text, known) in [
        (HISTORY.to_owned(), "\"known\":0"),
        (format!("\u{FEFF}{}", HISTORY.replace('\n', "\r\n")), "\"known\":2"),
    ] {
        let (code, stdout, stderr) = fed(&scene, &import, text.as_bytes(), &[]);
        assert!(code == 0 && stdout.contains(known), "{stdout}{stderr}");
    }
    assert_eq!(scene.ok(&["status", "a", "--json"]).json()["phases"][0]["duration_seconds"], 3600.0);
}

#[test]
fn found_35_other_encodings_are_named_with_what_to_do() {
    for (args, text) in READERS {
        for mark in ["", "\u{FEFF}"] {
            let text = format!("{mark}{text}");
            let units = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
            let points = |order: fn(u32) -> [u8; 4]| {
                text.chars().flat_map(|c| order(u32::from(c))).collect::<Vec<u8>>()
            };
            for (bytes, name) in [
                (units(u16::to_le_bytes), "UTF-16LE"),
                (units(u16::to_be_bytes), "UTF-16BE"),
                (points(u32::to_le_bytes), "UTF-32LE"),
                (points(u32::to_be_bytes), "UTF-32BE"),
            ] {
                let (code, stdout, stderr) = fed(&Scene::small(), args, &bytes, &[]);
                assert!(code == 2 && stdout.is_empty(), "{args:?} {name}: {stdout}{stderr}");
                let said = format!("it is {name}, expected UTF-8");
                assert!(stderr.contains(&said) && stderr.contains("iconv -f"), "{args:?}: {stderr}");
            }
        }
    }
}

#[test]
fn found_35_what_is_no_text_is_told_by_line_and_column() {
    for (args, text) in READERS {
        let is_file = args[0] == "define";
        let (first, second) = text.split_at(text.find('\n').expect("two lines") + 1);
        for (bytes, said) in [
            ([first.as_bytes(), b"{\"\xe9t\xe9\":1}\n"].concat(), "the byte 0xe9 is not UTF-8"),
            ([first.as_bytes(), b"{\"\0\":1}\n"].concat(), "found a NUL byte"),
            ([first.as_bytes(), b"{\"\r\":1}\n", second.as_bytes()].concat(), "carriage return"),
        ] {
            let (code, stdout, stderr) = fed(&Scene::small(), args, &bytes, &[]);
            assert_eq!(code, 2, "{args:?} {said}: {stdout}{stderr}");
            // TOML and JSON have words of their own for a carriage return within a line.
            assert!(stderr.contains(said) || (is_file && said == "carriage return"), "{args:?}: {stderr}");
            let place = if is_file { "2:" } else { "line 2, column 3" };
            assert!(stderr.contains(place), "{args:?}: {stderr}");
        }
    }
}

#[test]
fn found_35_a_history_has_times_of_the_zone() {
    let line = |at: &str, event: &str| format!("{{\"at\":\"{at}\",\"phase\":\"a\",\"event\":\"{event}\"}}\n");
    for (zone, at, expected) in [
        (None, "2025-10-28 10:00", "2025-10-28T10:00:00.000000Z"),
        (Some("+02:00"), "2025-10-28 10:00", "2025-10-28T08:00:00.000000Z"),
        (Some("-05:30"), "2025-10-28T10:00:00,5", "2025-10-28T15:30:00.500000Z"),
        (Some("+02:00"), "2025-10-28T10:00:00+0000", "2025-10-28T10:00:00.000000Z"),
        (Some("+02:00"), "2025-10-28T10:00:00Z", "2025-10-28T10:00:00.000000Z"),
    ] {
        let scene = Scene::small();
        let import: Vec<&str> = ["import", "--format", "history", "-"]
            .into_iter()
            .chain(zone.iter().flat_map(|zone| ["--tz", *zone]))
            .collect();
        let (code, _, stderr) = fed(&scene, &import, line(at, "start").as_bytes(), &[]);
        assert_eq!(code, 0, "{stderr}");
        let status = scene.ok(&["status", "a", "--json"]).json();
        assert_eq!(status["phases"][0]["started_at"], expected, "{zone:?} {at}");
    }
    // The order is that of the instants, whatever is written.
    let scene = Scene::small();
    let mixed = [line("2025-10-28T12:00", "complete"), line("2025-10-28T11:30+02:00", "start")].concat();
    let (code, _, stderr) = fed(&scene, &["import", "--format", "history", "-"], mixed.as_bytes(), &[]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(scene.ok(&["status", "a", "--json"]).json()["phases"][0]["duration_seconds"], 9000.0);
    let (code, _, stderr) =
        fed(&scene, &["import", "--format", "history", "-"], line("tomorrow", "start").as_bytes(), &[]);
    assert!(code == 2 && stderr.contains("line 1: `at`: cannot read `tomorrow`"), "{stderr}");
}

#[test]
fn found_35_a_line_has_times_of_the_zone() {
    let scene = Scene::small();
    for (zone, text, expected) in [
        ("UTC", "2025-10-29 10:00", "2025-10-29T10:00:00.000000Z"),
        ("+02:00", "2025-10-29 10:00", "2025-10-29T08:00:00.000000Z"),
        ("+02:00", "2025-10-29T10:00:00-0100", "2025-10-29T11:00:00.000000Z"),
    ] {
        let line = format!("{{\"do\":\"note\",\"text\":\"{zone} {text}\",\"occurred_at\":\"{text}\"}}");
        let (code, _, stderr) = fed(&scene, &["append", "--tz", zone], line.as_bytes(), &[]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(last(&scene)["at"], expected, "{line}");
    }
}
