//! `verify` and `export`.

use std::fs;

use super::{Scene, assert_snapshot, digests, done, refused};

#[test]
fn verify() {
    let scene = Scene::example();
    done("verify", &scene, &[&["verify"], &["verify", "--rebuild"]]);
    done("verify_json", &scene, &[&["verify", "--json"], &["verify", "--json", "--rebuild"]]);
}

#[test]
fn verify_refused() {
    let scene = Scene::small();
    fs::remove_file(scene.dir().join("ledger/log/head")).expect("the witness");
    let text = scene.run(&["verify"]);
    let json = scene.run(&["verify", "--json"]);
    assert_eq!((text.code, json.code), (5, 5), "{}", text.picture());
    assert_snapshot("verify_refused", &super::pictures([text, json]));
}

#[test]
fn export() {
    let scene = Scene::small();
    scene.ok(&["start", "a", "--id", "key:own/1", "--reason", "x", "--take-over"][..4]);
    let ids = scene.ok(&["export", "--at", "e1"]).stdout;
    assert_eq!(ids.lines().count(), 2, "{ids}");
    let last = scene.ok(&["export"]).stdout.lines().nth(1).expect("the start").to_owned();
    assert_snapshot("export", &digests(&last));
    done(
        "export_output",
        &scene,
        &[&["export", "--output", "file.jsonl"], &["export", "--output", "before.jsonl", "--before", "e1"]],
    );
    let file = fs::read(scene.dir().join("file.jsonl")).expect("the file");
    assert_eq!(file, scene.command().arg("export").output().expect("the program runs").stdout);
    refused("export_refused", &scene, 4, &[&["export", "--output", "no/file"], &["export", "--at", "e99"]]);
    refused(
        "export_misuse",
        &scene,
        2,
        &[&["export", "--at", "e1", "--before", "e2"], &["export", "--at", "x"]],
    );
}
