//! The verbs that set up, record and prove, as they look: their answers, their refusals, and the help of all.

mod prove;
mod refused;
mod safely;
mod set_up;
mod verbs;

use std::io::Write;
use std::process::Stdio;

use crate::cli::{Ran, Scene, assert_snapshot, pictures};

/// Runs each command, which must be done, and compares how all of them look.
fn done(name: &str, scene: &Scene, runs: &[&[&str]]) {
    assert_snapshot(name, &digests(&pictures(runs.iter().map(|args| scene.ok(args)))));
}

/// Runs each command as text and with `--json`, and compares how all of them look. Each must be refused with
/// an exit code, no answer, one object with `--json`, and leave the log as it was, byte for byte.
fn refused(name: &str, scene: &Scene, code: i32, runs: &[&[&str]]) {
    let before = scene.run(&["export"]).stdout;
    let mut pictured = Vec::new();
    for args in runs {
        for json in [false, true] {
            let args: Vec<_> = args.iter().copied().chain(json.then_some("--json")).collect();
            let ran = scene.run(&args);
            assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{}", ran.picture());
            if json {
                check_object(&ran);
            }
            pictured.push(ran);
        }
    }
    assert_eq!(before, scene.run(&["export"]).stdout, "a refused command changed the log");
    assert_snapshot(name, &digests(&pictures(pictured)));
}

fn check_object(ran: &Ran) {
    let object: serde_json::Value = serde_json::from_str(&ran.stderr).expect("one object on stderr");
    let error = &object["error"];
    assert!(error["code"].is_string() && error["message"].is_string(), "{}", ran.picture());
    assert!(error.get("hint").is_some(), "{}", ran.picture());
}

/// Runs the program with something on its standard input, and returns all that a person would have seen.
fn fed(scene: &Scene, args: &[&str], input: &str) -> String {
    let mut command = scene.command();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("the program reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().expect("the program exits by itself");
    format!(
        "$ phaseledger {} <<END\n{input}END\n--- stdout\n{stdout}--- stderr\n{stderr}--- exit {code}\n",
        args.join(" ")
    )
}

/// Takes out what depends on the machine's name: the root over events that carry it.
fn digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut fixed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        fixed.push_str("sha256:");
        fixed.push_str(if digits == 64 { "ROOT" } else { &part[..digits] });
        fixed.push_str(&part[digits..]);
    }
    fixed
}

/// Returns the commands that a page of the help lists.
fn commands(page: &str) -> Vec<String> {
    let listed =
        page.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What is indented further goes on with the line before.
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = named.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    names.filter(|name| name != "help").collect()
}

/// The help of every verb, and of every verb of a family, is printed, and is what docs/cli.md has; `tests/docs` holds
/// that page, so the help has no snapshot of its own.
#[test]
fn help() {
    let scene = Scene::empty();
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let manual = squeezed(include_str!("../../docs/cli.md"));
    let mut pages = vec![Vec::new()];
    let mut count = 0;
    while let Some(verb) = pages.pop() {
        let args: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let page = scene.ok(&args).stdout;
        let usage = format!("Usage: phaseledger {}", verb.join(" "));
        assert!(page.contains(usage.trim_end()), "{verb:?}: {page}");
        for paragraph in page.split("\n\n").map(squeezed) {
            assert!(manual.contains(&paragraph), "{verb:?}: docs/cli.md has no `{paragraph}`");
        }
        pages.extend(commands(&page).into_iter().map(|name| [verb.clone(), vec![name]].concat()));
        count += 1;
    }
    assert!(count > 40, "the verbs are found: {count}");
}
