//! Values that begin with `-`, and amounts as programs write them.

use super::{fed, last};
use crate::cli::Scene;

#[test]
fn found_27_a_value_may_begin_with_a_dash() {
    let scene = Scene::small();
    scene.clock("2025-10-29T18:27:01Z");
    scene.ok(&["note", "x", "--occurred-at", "-90m"]);
    assert_eq!(last(&scene)["at"], "2025-10-29T16:57:01.000000Z");
    scene.ok(&["note", "y", "--occurred-at", "2025-10-29 10:00", "--tz", "-05:00"]);
    assert_eq!(last(&scene)["at"], "2025-10-29T15:00:00.000000Z");
    for args in [
        &["status", "--at", "-90m"][..],
        &["status", "--before", "-1h30m", "--tz", "-0530"],
        &["status", "--known-at", "-0s"],
        &["--tz", "-05", "status"],
        &["log", "-2h..-1h"],
        &["log", "-2h..", "-n5"],
        &["log", "-n", "5", "-2h..", "--json"],
        &["cost", "by", "day", "-2h..", "--tz", "-05:00"],
        &["replay", "-2h.."],
        &["show", "-0s"],
        &["tag", "then", "-0s"],
    ] {
        scene.ok(args);
    }
}

/// What is no value stays what it is: an option that there is none of.
#[test]
fn found_27_an_option_that_is_none_is_no_value() {
    let scene = Scene::small();
    for (args, said) in [
        (&["log", "--phas", "a"][..], "unexpected argument '--phas'"),
        (&["log", "-x"], "unexpected argument '-x'"),
        (&["status", "-5", "-6", "-7"], "unexpected argument '-5'"),
        (&["status", "--at", "-90"], "expected a unit"),
        (&["log", "-90M.."], "expected a unit"),
        (&["note", "x", "--occurred-at", "-soon"], "cannot read `-soon`"),
    ] {
        let ran = scene.run(args);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{}", ran.picture());
    }
}

#[test]
fn found_27_lines_count_back_from_now() {
    let scene = Scene::small();
    scene.clock("2025-10-29T18:27:01Z");
    for (text, expected) in [
        ("1h", "2025-10-29T17:27:01.000000Z"),
        ("-90m", "2025-10-29T16:57:01.000000Z"),
        ("10 minutes ago", "2025-10-29T18:17:01.000000Z"),
    ] {
        let line = format!("{{\"do\":\"note\",\"text\":\"{text}\",\"occurred_at\":\"{text}\"}}");
        let (code, _, stderr) = fed(&scene, &["append"], line.as_bytes(), &[]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(last(&scene)["at"], expected);
    }
    let line = b"{\"do\":\"note\",\"text\":\"x\",\"occurred_at\":\"2 hours\"}";
    let (code, _, stderr) = fed(&scene, &["append"], line, &[]);
    assert!(code == 2 && stderr.contains("line 1, column 48: cannot read `2 hours`"), "{stderr}");
}

fn priced() -> Scene {
    let scene = Scene::made();
    scene.write(
        "w.toml",
        "[workflow]\nname = 'w'\ncurrency = 'USD'\ncost_limit = '1e2'\n[[phase]]\nid = 'a'\n",
    );
    scene.record(&["define", "w.toml"]);
    scene
}

#[test]
fn found_37_an_exponent_is_exact_or_refused() {
    let scene = priced();
    for (amount, kept) in [("1.5e-07", "0.00000015"), ("-1.5e-07", "-0.00000015"), ("2E1", "20")] {
        let refund = if amount.starts_with('-') { &["--refund"][..] } else { &[] };
        scene.ok(&[&["cost", "record", "a", amount], refund].concat());
        assert_eq!(last(&scene)["data"]["amount"], kept, "{amount}");
    }
    for (amount, said) in [
        ("1.5e-09", "`1.5e-09` is no amount: too many digits after the point; expected at most 9"),
        ("1e18", "`1e18` is no amount: too many digits before the point; expected at most 18"),
        ("1e", "`1e` is no amount: expected digits such as 30.00"),
    ] {
        let ran = scene.run(&["cost", "record", "a", amount]);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{}", ran.picture());
    }
}

/// JSON has one kind of number, and programs write it as they please.
#[test]
fn found_37_a_number_of_json_is_read_by_its_digits() {
    let scene = priced();
    for (number, kept) in [("1.5e-07", "0.00000015"), ("1E+1", "10"), ("1.10", "1.10"), ("5e-1", "0.5")] {
        let line = format!("{{\"do\":\"cost\",\"phase\":\"a\",\"amount\":{number}}}");
        let (code, _, stderr) = fed(&scene, &["append"], line.as_bytes(), &[]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(last(&scene)["data"]["amount"], kept, "{number}");
    }
    let line = b"{\"do\":\"cost\",\"phase\":\"a\",\"amount\":1.23456789e-3}";
    let (code, _, stderr) = fed(&scene, &["append"], line, &[]);
    assert!(code == 2 && stderr.contains("`1.23456789e-3` is no amount: too many digits"), "{stderr}");
}

#[test]
fn found_37_a_history_and_a_plan_take_exponents() {
    let scene = priced();
    let history = b"{\"at\":\"2025-10-28\",\"phase\":\"a\",\"event\":\"cost\",\"amount\":1.5e-07,\"currency\":\"USD\"}\n";
    let (code, _, stderr) = fed(&scene, &["import", "--format", "history", "-"], history, &[]);
    assert_eq!(code, 0, "{stderr}");
    let plan = b"{\"phase\":\"a\",\"amount\":2.5e-1,\"count\":4}\n";
    let (code, stdout, stderr) = fed(&scene, &["cost", "project", "-", "--json"], plan, &[]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("\"planned\":\"1.00\""), "{stdout}");
}
