//! Command lines that nobody would write: the program answers or refuses, and never panics.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Scene, export, finish, run};

const VERBS: &[&str] = &[
    "init",
    "define",
    "import",
    "completions",
    "man",
    "start",
    "complete",
    "fail",
    "skip",
    "rerun",
    "reset",
    "meta",
    "note",
    "tag",
    "append",
    "verify",
    "export",
    "help",
    "fly",
    "",
    "status",
    "next",
    "log",
    "show",
    "why",
    "graph",
    "report",
    "replay",
];

const FLAGS: &[&str] = &[
    "--json",
    "--tz",
    "--lock-timeout",
    "--id",
    "--expect",
    "--occurred-at",
    "--by",
    "--dry-run",
    "--reason",
    "--error",
    "--exit-code",
    "--signal",
    "--meta",
    "--metadata",
    "--output",
    "--digest",
    "--all",
    "--workflow",
    "--rerun",
    "--take-over",
    "--allow-unmet",
    "--abandoned",
    "--phase",
    "--format",
    "--define",
    "--as",
    "--repair",
    "--before",
    "--at",
    "--known-at",
    "--atomic",
    "--rebuild",
    "--",
    "-",
    "-h",
    "--version",
    "--dir",
];

const VALUES: &[&str] = &[
    "a",
    "b",
    "c",
    "w/a",
    "w",
    "v/x",
    "a/b/c",
    "",
    " ",
    "-1",
    "0",
    "18446744073709551615",
    "99999999999999999999999",
    "head",
    "#0",
    "e1",
    "1",
    "e1..2",
    "#2~1",
    "#18446744073709551615~18446744073709551615",
    "id:0",
    "id:",
    "tag:x",
    "tag:",
    "#1..#2",
    "..",
    "2025-10-29",
    "2025-10-29T18:27:01.123456Z",
    "0001-01-01",
    "9999-12-31T23:59:59.999999999Z",
    "yesterday 14:00",
    "-90m",
    "9999999999999999 years ago",
    "2 hours ago",
    "+23:59",
    "-24:00",
    "UTC",
    "local",
    "10s",
    "500000000000y",
    "0s",
    "seq:1",
    "seq:18446744073709551615",
    "state=PENDING,FAILED",
    "attempt=4294967295",
    "key:x",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "k=v",
    "=",
    "k=",
    "k=[[[[",
    "{\"a\":1e999}",
    "{\"a\":{\"a\":{}}}",
    "{",
    "[]",
    "null",
    "\u{202e}\u{1b}[2J",
    "\u{1F600}",
    "e\u{301}",
    "%s%n{}{0}",
    "../../x.d",
    ".",
    "w.toml",
    "history",
    "export",
    "bash",
    "roff",
    "markdown",
    "SIGKILL",
];

fn argument() -> impl Strategy<Value = String> {
    let from = |list: &'static [&'static str]| prop::sample::select(list).prop_map(str::to_owned);
    prop_oneof![
        5 => from(VALUES),
        4 => from(FLAGS),
        1 => (from(FLAGS), from(VALUES)).prop_map(|(flag, value)| format!("{flag}={value}")),
        1 => "\\PC{0,12}".prop_map(|text| text.replace(['\0', '/', '.'], "")),
    ]
}

fn command_line() -> impl Strategy<Value = (Vec<String>, String)> {
    let verb = prop::sample::select(VERBS).prop_map(str::to_owned);
    let input = prop_oneof![
        3 => Just(String::new()),
        1 => prop::sample::select(VALUES).prop_map(str::to_owned),
        1 => Just("{\"do\":\"note\",\"text\":\"x\"}\n{\"do\":\"start\",\"phase\":\"c\"}\n".to_owned()),
    ];
    let args = (verb, prop::collection::vec(argument(), 0..6));
    (args.prop_map(|(verb, args)| std::iter::once(verb).chain(args).collect()), input)
}

#[test]
fn no_command_line_makes_it_panic() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    let scene = Scene::small();
    // What it writes stays in the scene, wherever its paths lead.
    let folder = scene.dir().join("1/2/3/4");
    std::fs::create_dir_all(&folder).expect("a folder");
    scene.write("1/2/3/4/w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    let before = std::cell::RefCell::new(export(&scene));
    let refused = Cell::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&command_line(), |(args, input)| {
        let mut command = scene.command();
        command.args(&args).current_dir(&folder).env("PHASELEDGER_DIR", scene.dir().join("ledger"));
        let outcome = finish(command, input.as_bytes()).calm(&format!("{args:?}"));
        let after = export(&scene);
        if outcome.code != Some(0) {
            refused.set(refused.get() + 1);
            // A stream's lines before the refused one stand; everything else is all or nothing.
            prop_assert!(args[0] == "append" || *before.borrow() == after, "{args:?} changed the log");
        }
        *before.borrow_mut() = after;
        Ok(())
    });
    outcome.expect("no panic, and nothing written by what was refused");
    assert!(refused.get() > 0 && run(&scene, &["verify"], b"").code == Some(0));
}
