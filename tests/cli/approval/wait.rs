//! Waiting for somebody else: bounded, and without holding the ledger.

use std::process::{Child, Stdio};

use super::{Scene, ask, ask_pending, assert_snapshot, scene};
use crate::patience::eventually;

const WAITING: &[&str] = &["delete_plan", "--estimate", "12.00", "--items", "3", "--wait", "60s"];

fn start(scene: &Scene, args: &[&str]) -> Child {
    let mut command = scene.command();
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program runs")
}

/// Waits until there are so many requests.
fn until_asked(scene: &Scene, count: u64) {
    eventually("somebody asks", || {
        scene.ok(&["approval", "list", "--json"]).json()["summary"]["total"] == count
    });
}

fn end(mut child: Child) -> (Option<i32>, String) {
    eventually("it waits no longer", || child.try_wait().expect("the program ends").is_some());
    let output = child.wait_with_output().expect("it ended");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn another_process_decides_meanwhile() {
    let scene = scene("");
    for (number, verdict, code) in [(1, "grant", 0), (2, "reject", 1)] {
        let id = format!("key:w{number}");
        let waits = start(&scene, &[&["approval", "request", "--id", &id], WAITING].concat());
        until_asked(&scene, number);
        let list = scene.ok(&["approval", "list", "--pending", "--json"]).json();
        let request = list["approvals"][0]["id"].as_str().expect("an id").to_owned();
        let also = start(&scene, &["approval", "wait", &request, "--json"]);
        scene.ok(&["approval", verdict, &request, "--reason", "looked at it", "--by", "bob"]);
        let (found, told) = end(waits);
        assert_eq!(found, Some(code), "{told}");
        assert!(told.contains("by bob in e") && told.contains("looked at it"), "{told}");
        let (found, told) = end(also);
        assert_eq!(found, Some(code), "{told}");
        let json: serde_json::Value = serde_json::from_str(&told).expect("an answer");
        assert_eq!(json["approval"]["decision"]["by"], "bob");
    }
}

#[test]
fn the_time_is_up_and_the_request_stays() {
    let scene = scene("");
    let args = ["delete_plan", "--estimate", "12.00", "--items", "3", "--wait", "600ms"];
    let first = ask(&scene, "w", &args);
    let json = ask(&scene, "w", &[args.as_slice(), &["--json"]].concat());
    let zero = scene.run(&["approval", "wait", "seq:2", "--timeout", "0s"]);
    assert_eq!((first.code, json.code, zero.code), (75, 75, 75));
    assert_eq!((&json.json()["status"], &json.json()["decision"]), (&"duplicate".into(), &"pending".into()));
    // The same command goes on waiting, and finds the decision.
    scene.ok(&["approval", "grant", "seq:2", "--reason", "late", "--by", "bob", "--id", "key:late"]);
    let again = ask(&scene, "w", &args);
    assert_eq!(again.code, 0);
    assert_snapshot("approval_wait", &super::pictures([first, zero, again]));
}

#[test]
fn what_is_decided_is_not_waited_for() {
    let scene = scene("");
    let cheap = ["approval", "request", "cheap", "--estimate", "1", "--items", "1", "--wait", "1h"];
    let (granted, _) = end(start(&scene, &[&cheap[..], &["--id", "key:w"]].concat()));
    ask_pending(&scene, "p");
    scene.ok(&["approval", "reject", "seq:4", "--reason", "no"]);
    let (rejected, _) = end(start(&scene, &["approval", "wait", "seq:4"]));
    assert_eq!((granted, rejected), (Some(0), Some(1)));
}
