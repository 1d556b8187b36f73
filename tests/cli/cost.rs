//! `cost` and its family, as they look: their answers, their refusals, and what programs read.

use crate::cli::{Ran, Scene, assert_snapshot, pictures};
use serde_json::Value;

/// A workflow in USD: `a` may cost 10, `b` (which needs it) nothing, `c` anything, all together 25.
fn scene() -> Scene {
    let scene = Scene::made();
    scene.clock("2025-10-29T18:00:00Z");
    define(&scene, "25", "10.00");
    scene
}

fn define(scene: &Scene, all: &str, a: &str) -> Ran {
    let file = format!(
        "[workflow]\nname = \"w\"\ncurrency = \"USD\"\ncost_limit = \"{all}\"\n\
         [[phase]]\nid = \"a\"\ncost_limit = \"{a}\"\n\
         [[phase]]\nid = \"b\"\nneeds = [\"a\"]\ncost_limit = \"0.00\"\n[[phase]]\nid = \"c\"\n"
    );
    scene.write("w.toml", &file);
    scene.record(&["define", "w.toml"])
}

/// A day's work: a first run, an edit's rerun, a refund, and money outside any attempt.
fn worked() -> Scene {
    let scene = scene();
    scene.record(&["start", "a"]);
    scene.record(&["cost", "record", "a", "1.10", "--model", "opus", "--operation", "analyse"]);
    scene.record(&["cost", "record", "a", "2", "--model", "haiku", "--operation", "analyse"]);
    scene.record(&["complete", "a"]);
    scene.record(&["cost", "record", "c", "0.25", "--operation", "look around"]);
    scene.record(&["start", "c"]);
    scene.record(&["cost", "record", "c", "3.00", "--model", "opus"]);
    scene.record(&["complete", "c"]);
    scene.clock("2025-10-30T01:30:00Z");
    scene.record(&["rerun", "a", "--reason", "the prompt of the analysis changed"]);
    scene.record(&["start", "a"]);
    scene.record(&["cost", "record", "a", "5.40", "--model", "opus", "--operation", "analyse"]);
    scene.record(&["cost", "record", "a", "-0.50", "--refund", "--model", "opus"]);
    scene.record(&["complete", "a"]);
    scene
}

fn fed(scene: &Scene, args: &[&str], input: &str) -> Ran {
    scene.write("input.jsonl", input);
    let with_file: Vec<&str> = args.iter().copied().chain(["input.jsonl"]).collect();
    scene.run(&with_file)
}

#[test]
fn a_record_that_jumps_over_a_limit_fails_the_attempt() {
    let scene = scene();
    scene.record(&["start", "a"]);
    let runs = [
        scene.record(&["cost", "record", "a", "7.99", "--model", "opus", "--meta", "tokens=1200"]),
        scene.record(&["cost", "record", "a", "0.01"]),
        scene.record(&["cost", "record", "a", "3.00"]),
        scene.run(&["status", "a"]),
        scene.run(&["why", "a"]),
        scene.run(&["start", "a"]),
        scene.run(&["start", "a", "--json"]),
        scene.record(&["start", "a", "--over-limit", "--reason", "ana said so"]),
        scene.record(&["cost", "record", "a", "1.00"]),
        scene.record(&["cost", "record", "a", "-9.50", "--refund"]),
        scene.record(&["cost", "record", "a", "9.00"]),
        scene.record(&["start", "c"]),
        scene.record(&["cost", "record", "c", "20.00", "--json"]),
        scene.run(&["start", "b", "--allow-unmet"]),
        scene.run(&["next", "--blocked"]),
        scene.run(&["log", "-n", "9"]),
        scene.run(&["show", "e12"]),
        scene.run(&["show", "a"]),
    ];
    assert_snapshot("cost_record", &pictures(runs));
    scene.ok(&["verify"]);
}

#[test]
fn limits_are_set_and_lifted() {
    let scene = worked();
    let runs = [
        scene.record(&["cost", "limit", "a", "7.00"]),
        scene.record(&["cost", "limit", "a", "7"]),
        scene.record(&["cost", "limit", "a", "9.00"]),
        scene.run(&["cost", "limit", "--workflow", "11.00", "--dry-run"]),
        scene.record(&["cost", "limit", "--workflow=w", "5.00"]),
        scene.record(&["cost", "limit", "--workflow", "--none"]),
        scene.record(&["cost", "limit", "a", "--none"]),
        define(&scene, "30", "10.00"),
        scene.run(&["cost", "remaining", "a"]),
        define(&scene, "30", "6.00"),
        scene.run(&["cost", "remaining", "a"]),
    ];
    assert_snapshot("cost_limit", &pictures(runs));
    scene.ok(&["verify"]);
}

#[test]
fn what_is_no_amount_is_refused() {
    let scene = worked();
    let before = scene.run(&["export"]).stdout;
    let record = |amount: &'static str| scene.run(&["cost", "record", "a", amount]);
    let amounts = ["NaN", "Infinity", "1e400", "1,000", "+-", "", "1.0000000001", "1000000000000000000"];
    let mut runs: Vec<Ran> = amounts.into_iter().map(record).collect();
    let more: &[&[&str]] = &[
        &["cost", "record", "a", "-1"],
        &["cost", "record", "a", "1", "--refund"],
        &["cost", "record", "a", "0", "--refund"],
        &["cost", "record", "a", "-8.01", "--refund"],
        &["cost", "record", "a", "999999999999999999"],
        &["cost", "record", "a", "1", "--currency", "EUR"],
        &["cost", "record", "a", "1", "--currency", "EUR", "--json"],
        &["cost", "record", "nowhere", "1"],
        &["cost", "record", "a", "1", "--model", " "],
        &["cost", "limit", "a", "-1"],
        &["cost", "limit", "a", "ten"],
        &["cost", "limit", "a"],
        &["cost", "limit", "a", "5", "--none"],
        &["cost", "limit", "a", "5", "--workflow"],
        &["cost", "limit", "--workflow=v", "5"],
        &["cost", "limit", "nowhere", "5"],
        &["cost", "check", "a", "--estimate", "-1"],
        &["cost", "check", "nowhere", "--estimate", "1"],
        &["cost", "remaining", "a", "--per-item", "0"],
        &["cost", "summary", "--workflow", "v"],
        &["cost", "by", "weekday"],
        &["cost", "by", "phase", "e9..e2"],
        &["start", "a", "--over-limit"],
        &["cost"],
    ];
    runs.extend(more.iter().map(|args| scene.run(args)));
    assert!(runs.iter().all(|ran| ran.code != 0 && ran.stdout.is_empty()), "{}", pictures(runs));
    assert_eq!(before, scene.run(&["export"]).stdout, "a refused command changed the log");
    assert_snapshot("cost_refused", &pictures(runs));
}

#[test]
fn money_of_one_currency_is_not_taken_for_another() {
    let scene = worked();
    let other = "[workflow]\nname = \"w\"\ncurrency = \"EUR\"\n[[phase]]\nid = \"a\"\n";
    scene.write("eur.toml", other);
    scene.write("plain.toml", "[workflow]\nname = \"plain\"\n[[phase]]\nid = \"x\"\n");
    scene.record(&["define", "plain.toml"]);
    let runs = [
        scene.run(&["define", "eur.toml"]),
        scene.run(&["cost", "record", "x", "1", "--currency", "USD"]),
        scene.record(&["cost", "record", "x", "1"]),
        scene.run(&["cost", "by", "model"]),
        scene.run(&["cost", "by", "phase", "--workflow", "plain"]),
        scene.run(&["cost", "summary", "--workflow", "plain"]),
        scene.run(&["cost", "check", "x", "--estimate", "1000"]),
    ];
    assert_snapshot("cost_currency", &pictures(runs));
}

/// What was spent is a fact: no reset, skip or definition takes it back.
#[test]
fn money_stays_spent() {
    let scene = worked();
    scene.record(&["reset", "--all", "--reason", "anew"]);
    scene.record(&["skip", "c", "--reason", "not today"]);
    let smaller =
        "[workflow]\nname = \"w\"\ncurrency = \"USD\"\ncost_limit = \"25\"\n[[phase]]\nid = \"c\"\n";
    scene.write("smaller.toml", smaller);
    scene.record(&["define", "smaller.toml"]);
    let spent = |scene: &Scene| -> Vec<(String, String)> {
        let json = scene.ok(&["cost", "summary", "--json"]).json();
        let of = |value: &Value| value["spent"].as_str().expect("a text").to_owned();
        let phases = json["workflows"][0]["phases"].as_array().expect("phases").clone();
        let phases =
            phases.iter().map(|phase| (phase["phase"].as_str().expect("a name").to_owned(), of(phase)));
        std::iter::once(("w".to_owned(), of(&json["workflows"][0]))).chain(phases).collect()
    };
    let told = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, spent)| ((*name).to_owned(), (*spent).to_owned())).collect()
    };
    assert_eq!(spent(&scene), told(&[("w", "11.25"), ("c", "3.25"), ("a", "8.00")]));
    let refused = scene.run(&["cost", "record", "a", "1"]);
    assert_eq!(refused.code, 4, "{}", refused.picture());
    let back = define(&scene, "25", "7.00");
    assert!(back.stdout.contains("cost_limit_exceeded a"), "{}", back.picture());
    assert_eq!(spent(&scene), told(&[("w", "11.25"), ("a", "8.00"), ("b", "0"), ("c", "3.25")]));
    scene.ok(&["verify"]);
}

#[test]
fn check_and_remaining() {
    let scene = worked();
    let runs = [
        scene.run(&["cost", "check", "a", "--estimate", "0.50"]),
        scene.run(&["cost", "check", "a", "--estimate", "2.00"]),
        scene.run(&["cost", "check", "a", "--estimate", "2.01"]),
        scene.run(&["cost", "check", "c", "--estimate", "100"]),
        scene.run(&["cost", "check", "a", "--estimate", "2.01", "--at", "e1"]),
        scene.run(&["cost", "check", "a", "--estimate", "2.01", "--json"]),
        scene.run(&["cost", "remaining", "a"]),
        scene.run(&["cost", "remaining", "a", "--per-item", "0.30"]),
        scene.run(&["cost", "remaining", "c", "--per-item", "0.30"]),
        scene.run(&["cost", "remaining", "a", "--per-item", "0.30", "--json"]),
    ];
    assert_snapshot("cost_check", &pictures(runs));
}

#[test]
fn plans_are_held_against_limits() {
    let scene = worked();
    let project = |plan: &str| fed(&scene, &["cost", "project"], plan);
    let runs = [
        project(
            "{\"phase\":\"a\",\"amount\":\"0.10\",\"count\":20,\"operation\":\"x\",\"model\":\"opus\"}\n\n",
        ),
        project("{\"phase\":\"a\",\"amount\":\"0.10\",\"count\":21}\n{\"phase\":\"c\",\"amount\":11.75}\n"),
        project("{\"phase\":\"b\",\"amount\":\"0\"}\n"),
        project("\n"),
        project("{\"phase\":\"a\",\"amount\":\"1\"}\n{\"phase\":\"a\",\"amount\":1e-10}\n"),
        project("{\"phase\":\"a\",\"amount\":\"1\"}\n{\"phase\":\"nowhere\",\"amount\":\"1\"}\n"),
        project("{\"phase\":\"a\",\"amount\":\"-1\"}\n"),
        project("{\"phase\":\"a\",\"amount\":\"1\",\"cuont\":2}\n"),
        project("{\"phase\":\"a\",\"amount\":\"999999999999999999\",\"count\":1000}\n"),
        project("[1]\n"),
        scene.run(&["cost", "project", "not-there.jsonl"]),
    ];
    assert_snapshot("cost_project", &pictures(runs));
    let plan = "{\"phase\":\"a\",\"amount\":\"0.10\",\"count\":21}\n";
    let json = fed(&scene, &["cost", "project", "--json"], plan).json();
    assert_eq!((&json["schema"], &json["fits"]), (&"cost-project/1".into(), &false.into()));
    assert_eq!((&json["total"][0]["planned"], &json["limits"][0]["over"]), (&"2.10".into(), &"0.10".into()));
}

#[test]
fn summaries() {
    let scene = worked();
    let runs = [
        scene.run(&["cost", "summary"]),
        scene.run(&["cost", "summary", "--at", "e5"]),
        scene.run(&["cost", "summary", "--at", "e0"]),
        scene.run(&["cost", "summary", "--json"]),
    ];
    assert_snapshot("cost_summary", &pictures(runs));
}

#[test]
fn costs_are_grouped() {
    let scene = worked();
    let runs = [
        scene.run(&["cost", "by", "phase"]),
        scene.run(&["cost", "by", "model"]),
        scene.run(&["cost", "by", "operation"]),
        scene.run(&["cost", "by", "day"]),
        scene.run(&["cost", "by", "day", "--tz=-02:00"]),
        scene.run(&["cost", "by", "root-cause"]),
        scene.run(&["cost", "by", "root-cause", "2025-10-30..", "--json"]),
        scene.run(&["cost", "by", "phase", "e3..e4"]),
        scene.run(&["cost", "by", "phase", "--at", "e2"]),
    ];
    assert_snapshot("cost_by", &pictures(runs));
}

#[test]
fn the_report_has_a_section() {
    let scene = worked();
    scene.record(&["cost", "limit", "--workflow", "11.00"]);
    let report = scene.run(&["report"]).stdout;
    let section = report.split("\n## ").find(|section| section.starts_with("Costs")).expect("a section");
    assert_snapshot("cost_report", section);
    let json = scene.run(&["report", "--json"]).json();
    assert_eq!(json["workflows"][0]["costs"]["spent"], "11.25");
    assert_eq!(json["workflows"][0]["costs"]["status"], "over");
    let before = scene.run(&["report", "--at", "e1", "--json"]).json();
    assert_eq!(before["workflows"][0]["costs"]["spent"], "0");
}

#[test]
fn lines_record_costs_and_limits() {
    let scene = scene();
    let lines = [
        r#"{"do":"start","phase":"a","id":"key:line-1"}"#,
        r#"{"do":"cost","phase":"a","amount":1.10,"model":"opus","metadata":{"n":1},"id":"key:line-2"}"#,
        r#"{"do":"cost","phase":"a","amount":"-0.10","refund":true,"currency":"USD","id":"key:line-3"}"#,
        r#"{"do":"cost_limit","phase":"a","limit":"0.50","id":"key:line-4"}"#,
        r#"{"do":"cost_limit","workflow":"w","limit":null,"id":"key:line-5"}"#,
        r#"{"do":"cost","phase":"a","amount":1.10,"model":"opus","metadata":{"n":1},"id":"key:line-2"}"#,
        r#"{"do":"fail","phase":"a","error":"x","id":"key:line-6"}"#,
        r#"{"do":"start","phase":"a","over_limit":true,"reason":"go on","id":"key:line-7"}"#,
    ];
    let answers = fed(&scene, &["append"], &lines.join("\n")).stdout;
    let status = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["status"].clone();
    let statuses: Vec<Value> = answers.lines().map(status).collect();
    assert_eq!(statuses.len(), 8, "{answers}");
    assert_eq!(statuses.iter().filter(|status| **status == "duplicate").count(), 1);
    let refused = |line: &str| fed(&scene, &["append"], line);
    let runs = [
        refused(r#"{"do":"cost","phase":"a"}"#),
        refused(r#"{"do":"cost","phase":"a","amount":1e400}"#),
        refused(r#"{"do":"cost","phase":"a","amount":"NaN"}"#),
        refused(r#"{"do":"cost","phase":"a","amount":true}"#),
        refused(r#"{"do":"cost","phase":"a","amount":"1","limit":"1"}"#),
        refused(r#"{"do":"cost","phase":"a","amount":"1","currency":"EUR"}"#),
        refused(r#"{"do":"cost_limit","phase":"a"}"#),
        refused(r#"{"do":"cost_limit","limit":"1"}"#),
        refused(r#"{"do":"cost_limit","phase":"a","workflow":"w","limit":"1"}"#),
        refused(r#"{"do":"start","phase":"a","over_limit":true}"#),
    ];
    assert_snapshot("cost_append", &pictures(runs));
}

/// The exact line of each kind, so that a changed shape is seen.
#[test]
fn the_lines_are_as_documented() {
    let scene = scene();
    scene.record(&["start", "a"]);
    scene.record(&["cost", "record", "a", "10.50", "--model", "opus", "--operation", "x", "--meta", "n=1"]);
    scene.record(&["cost", "limit", "a", "--none"]);
    let text = scene.ok(&["export"]).stdout;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told: Vec<String> = lines
        .filter(|line| line["seq"].as_u64().is_some_and(|seq| seq > 2))
        .map(|line| {
            let causes: Vec<_> =
                line["causes"].as_array().into_iter().flatten().map(|c| &c["kind"]).collect();
            format!("{} {} {:?} {}", line["kind"], line["rule"], causes, line["data"])
        })
        .collect();
    assert_snapshot("cost_lines", &told.join("\n"));
}

#[test]
fn a_preview_forecasts_from_each_phases_own_history() {
    let scene = worked();
    // Four attempts of `a`: 0 s, 0 s, 100 s, 300 s; one failed, which is no sample. `b` took 40 s and cost nothing.
    let run = |phase: &str, started: &'static str, ended: &'static str, cost: Option<&str>| {
        scene.clock(started);
        scene.record(&["start", phase]);
        cost.iter().for_each(|amount| _ = scene.record(&["cost", "record", phase, amount]));
        scene.clock(ended);
        scene.record(&["complete", phase]);
    };
    let again = |phase: &str| scene.record(&["rerun", phase, "--reason", "again"]);
    scene.record(&["cost", "limit", "a", "1000"]);
    again("a");
    run("a", "2025-10-30T02:00:00Z", "2025-10-30T02:01:40Z", Some("0.105"));
    again("a");
    scene.record(&["start", "a"]);
    scene.clock("2025-10-30T03:00:00Z");
    scene.record(&["cost", "record", "a", "9.99"]);
    scene.record(&["fail", "a", "--error", "out of memory"]);
    run("a", "2025-10-30T04:00:00Z", "2025-10-30T04:05:00Z", None);
    run("b", "2025-10-30T05:00:00Z", "2025-10-30T05:00:40Z", None);
    let before = scene.ok(&["export"]).stdout;
    let json = scene.ok(&["rerun", "a", "--reason", "why not", "--dry-run", "--json"]).stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let a = &json["forecast"]["phases"][0];
    // The clock stands still but for a microsecond an event.
    let seconds = |value: &Value| value.as_f64().expect("a number").round();
    let took = &a["duration_seconds"];
    assert_eq!(took["samples"], 4);
    assert_eq!(["median", "min", "max"].map(|name| seconds(&took[name])), [50.0, 0.0, 300.0]);
    // Costs of 3.10, 4.90, 0.105, and 9.99 in the attempt that failed on the way to the last completion.
    assert_eq!(a["cost"], serde_json::json!({"samples": 4, "median": "4.00", "min": "0.105", "max": "9.99"}));
    let together = &json["forecast"]["duration_seconds"];
    assert_eq!((&together["phases"], seconds(&together["sum_of_medians"])), (&Value::from(2), 90.0));
    assert_snapshot(
        "rerun_forecast",
        &pictures([
            scene.run(&["rerun", "a", "--reason", "why not", "--dry-run"]),
            scene.run(&["rerun", "c", "--reason", "why not", "--dry-run"]),
        ]),
    );
    assert_eq!(scene.ok(&["export"]).stdout, before, "a preview writes nothing");
    let recorded = scene.record(&["rerun", "a", "--reason", "why not"]);
    assert!(!recorded.stdout.contains("forecast"), "{}", recorded.picture());
}
