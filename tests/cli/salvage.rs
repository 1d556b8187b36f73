//! What can be saved of a damaged log, what is refused above a hole, and what comes of it: `salvage`, `import`, `backup`.

mod backup;
mod holes;
mod imports;
mod old;
mod rebuild;
mod refused;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::Scene;
use crate::folder::{self, Tree};
use crate::safety::{log, notes};

/// A ledger with several segments and a journal, what it exports, and its log.
fn archived() -> (Scene, String, Tree) {
    let scene = Scene::small();
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a"]);
    // Streams of their own, so that events are archived in between.
    (0..4).for_each(|_| notes(&scene, 1_100));
    notes(&scene, 200);
    let export = exported(&scene);
    let log = folder::tree(&log(&scene));
    assert!(segments(&scene).len() >= 3, "{:?}", log.keys());
    (scene, export, log)
}

/// Returns what the program exports, byte for byte.
fn exported(scene: &Scene) -> String {
    let output = scene.command().arg("export").output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns the segments, the first one first.
fn segments(scene: &Scene) -> Vec<PathBuf> {
    let files = folder::files(&log(scene).join("segments"));
    files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "seg")).collect()
}

/// Returns the places that a segment's name promises.
fn places(segment: &Path) -> (u64, u64) {
    let name = segment.file_stem().expect("a name").to_string_lossy().into_owned();
    let (first, last) = name.split_once('-').expect("two places");
    (first.parse().expect("a place"), last.parse().expect("a place"))
}

/// Flips a bit of a file.
fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).expect("a file");
    bytes[at] ^= 4;
    fs::write(file, bytes).expect("a file");
}

/// Returns where the sections of a segment are: kind, start and length.
fn sections(segment: &Path) -> Vec<(u16, usize, usize)> {
    let bytes = fs::read(segment).expect("a file");
    // The directory is in front of the trailer, which says where it begins.
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8")) as usize;
    let directory = &bytes[number(bytes.len() - 24)..bytes.len() - 24];
    let start = bytes.len() - 24 - directory.len();
    let entries = (0..directory.len() / 24).map(|at| start + at * 24);
    entries
        .map(|at| (u16::from_le_bytes([bytes[at], bytes[at + 1]]), number(at + 4), number(at + 12)))
        .collect()
}

/// Cuts all off a segment but its blocks.
fn cut_to_blocks(segment: &Path) {
    let end = sections(segment)[0].1 as u64;
    cut(segment, fs::metadata(segment).expect("a file").len() - end);
}

/// Cuts bytes off a file's end.
fn cut(file: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(file).expect("a file");
    let length = file.metadata().expect("a file").len();
    file.set_len(length - bytes).expect("a cut");
}

/// Salvages, and returns the lines and what is missing; checks that each line is one of the export's, in its place.
fn salvaged(scene: &Scene, export: &str) -> (Vec<String>, Value) {
    let out = scene.dir().join("out.jsonl");
    let _ = fs::remove_file(&out);
    let before = folder::tree(&log(scene));
    let ran = scene.run(&["salvage", "out.jsonl", "--json"]);
    assert!(ran.code < 2, "{}", ran.picture());
    assert!(folder::tree(&log(scene)) == before, "nothing of the log is changed");
    let answer = ran.json();
    let whole = answer["status"] == "whole";
    assert_eq!(ran.code, i32::from(!whole), "{}", ran.picture());
    assert_eq!(ran.stderr, "", "{}", ran.picture());
    let text = fs::read_to_string(out).expect("the file");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let end: Value = serde_json::from_str(&lines.pop().expect("an end")).expect("JSON");
    let exported: Vec<&str> = export.lines().collect();
    for line in &lines {
        let seq = serde_json::from_str::<Value>(line).expect("an event")["seq"].as_u64().expect("a place");
        assert_eq!(line, exported[seq as usize - 1], "e{seq}");
    }
    assert_eq!(answer["events"], lines.len());
    if whole {
        assert_eq!(text, export);
        assert_eq!(answer["missing"], json!([]));
    } else {
        assert_eq!((&end["schema"], &end["missing"]), (&json!("salvaged/1"), &answer["missing"]));
    }
    (lines, answer["missing"].clone())
}
