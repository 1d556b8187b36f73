//! Limits with a reason and of a period, amounts that are held, and what `status` tells of money (FOUND 36).

mod together;

use serde_json::{Value, json};

use crate::cli::{Scene, assert_snapshot, pictures};

const FILE: &str = "[workflow]\nname = \"w\"\ncurrency = \"USD\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n";

/// A workflow in USD without limits that is some days old, on a Tuesday afternoon.
pub fn scene() -> Scene {
    let scene = Scene::made();
    scene.clock("2025-11-20T12:00:00Z");
    scene.write("w.toml", FILE);
    scene.record(&["define", "w.toml"]);
    scene.clock("2025-11-25T15:00:00Z");
    scene
}

fn kinds(scene: &Scene) -> Vec<String> {
    let lines = scene.ok(&["export"]).stdout;
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line"));
    lines.filter_map(|line| line["kind"].as_str().map(str::to_owned)).collect()
}

fn count(scene: &Scene, kind: &str) -> usize {
    kinds(scene).iter().filter(|known| *known == kind).count()
}

fn last(scene: &Scene, kind: &str) -> Value {
    scene.ok(&["log", "--kind", kind, "--json", "-n", "1"]).json()
}

#[test]
fn found_36_a_limit_has_a_reason_and_a_period() {
    let scene = scene();
    let mut runs = vec![
        scene.record(&["cost", "record", "a", "1.50", "--model", "opus"]),
        scene.record(&["cost", "limit", "a", "4", "--per", "day", "--reason", "the trial is over"]),
        scene.record(&[
            "cost",
            "limit",
            "--workflow",
            "20",
            "--per",
            "week",
            "--reason",
            "budget 2025-W48",
            "--tz",
            "+02:00",
        ]),
        scene.record(&["cost", "limit", "a", "30", "--reason", "all of it"]),
        scene.record(&["start", "a"]),
        scene.record(&["cost", "record", "a", "3.00", "--model", "opus"]),
        scene.run(&["start", "a"]),
        scene.ok(&["status"]),
        scene.run(&["cost", "check", "a", "--estimate", "1"]),
        scene.ok(&["cost", "remaining", "a"]),
        scene.ok(&["cost", "summary"]),
        scene.ok(&["why", "a"]),
    ];
    scene.clock("2025-11-26T00:30:00Z");
    runs.extend([
        scene.ok(&["cost", "check", "a", "--estimate", "1"]),
        scene.ok(&["status"]),
        scene.ok(&["status", "--at", "2025-11-25T23:59:59Z"]),
        scene.record(&["start", "a"]),
        scene.record(&["cost", "limit", "a", "--none", "--per", "day", "--reason", "no longer"]),
        scene.ok(&["log", "--kind", "cost_limit_set"]),
    ]);
    assert_snapshot("money_periods", &pictures(runs));
    let set = last(&scene, "cost_limit_set");
    assert_eq!(set["data"]["reason"], "no longer");
    assert_eq!(set["data"]["period"]["per"], "day");
    assert_eq!(set["data"]["before"], "4");
    assert_eq!(scene.ok(&["verify"]).code, 0);
}

#[test]
fn found_36_the_reason_is_optional_in_lines_too_and_the_zone_may_be_named() {
    let scene = scene();
    let lines = [
        r#"{"do":"cost_limit","phase":"a","limit":"5"}"#,
        r#"{"do":"cost_limit","phase":"a","limit":"3","per":"month","tz":"+05:30","reason":"a trial","id":"key:m"}"#,
        r#"{"do":"cost_limit","workflow":"w","limit":"9","per":"day"}"#,
    ];
    scene.write("lines", &lines.join("\n"));
    scene.ok(&["append", "lines"]);
    let again = scene.ok(&["append", "lines", "--json"]);
    assert!(again.stdout.contains("\"duplicate\""), "{}", again.picture());
    assert_eq!(count(&scene, "cost_limit_set"), 3, "a limit that is in force changes nothing");
    scene.write("bad", r#"{"do":"cost_limit","phase":"a","limit":"5","tz":"UTC"}"#);
    assert_eq!(scene.run(&["append", "bad"]).code, 2, "a zone is that of a period");
    scene.write("bad", r#"{"do":"cost_limit","phase":"a","limit":"5","per":"year"}"#);
    assert_eq!(scene.run(&["append", "bad"]).code, 2);
    scene.write("bad", r#"{"do":"cost_limit","phase":"a","limit":"5","per":"day","tz":"Europe/Nowhere"}"#);
    let nowhere = scene.run(&["append", "bad"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.picture());
    // Another zone under the same id is another command; its clocks are what a database says, and no part of it.
    let other = lines[1].replace("+05:30", "+05:00");
    scene.write("other", &other);
    assert_eq!(scene.run(&["append", "other"]).code, 3);
}

#[test]
fn found_36_a_late_cost_counts_for_the_day_when_it_was_spent() {
    let scene = scene();
    scene.record(&["cost", "limit", "a", "4", "--per", "day"]);
    scene.record(&["start", "a"]);
    scene.clock("2025-11-26T09:00:00Z");
    scene.record(&["cost", "record", "a", "3"]);
    let late = scene.record(&["cost", "record", "a", "4.50", "--occurred-at", "2025-11-25T22:00:00Z"]);
    assert!(late.stdout.contains("cost_limit_exceeded"), "{}", late.picture());
    assert!(late.stdout.contains("2025-11-25"), "it says of which day: {}", late.picture());
    assert!(
        late.stdout.contains("phase_failed"),
        "it was spent in the attempt under way: {}",
        late.picture()
    );
    scene.record(&["start", "a"]);
    let before_it_began =
        scene.record(&["cost", "record", "a", "1", "--occurred-at", "2025-11-25T23:00:00Z"]);
    assert!(!before_it_began.stdout.contains("phase_failed"), "{}", before_it_began.picture());
    let today = scene.ok(&["cost", "remaining", "a", "--json"]).json();
    assert_eq!((&today["remaining"], &today["bound_by_period"]["name"]), (&json!("1"), &json!("2025-11-26")));
    let then = scene.ok(&["cost", "remaining", "a", "--json", "--at", "2025-11-25T22:30:00Z"]).json();
    assert_eq!(then["remaining"], "-0.50");
}

#[test]
fn found_36_what_was_spent_before_the_limit_counts_for_its_period_alone() {
    let scene = scene();
    scene.record(&["cost", "record", "a", "7", "--occurred-at", "2025-11-24T12:00:00Z"]);
    scene.clock("2025-11-25T16:00:00Z");
    scene.record(&["cost", "record", "a", "3"]);
    let day = scene.record(&["cost", "limit", "a", "5", "--per", "day"]);
    assert!(!day.stdout.contains("cost_limit_exceeded"), "{}", day.picture());
    assert_eq!(last(&scene, "cost_limit_set")["data"]["period"]["spent"], "3");
    let week = scene.record(&["cost", "limit", "a", "5", "--per", "week"]);
    assert!(week.stdout.contains("cost_limit_exceeded"), "Monday is of the week: {}", week.picture());
    let late = scene.record(&["cost", "record", "a", "9", "--occurred-at", "2025-11-24T13:00:00Z"]);
    assert!(!late.stdout.contains("day"), "Monday had no limit of a day: {}", late.picture());
    // A limit that is claimed for a time before the costs that it counts begins with the last of them.
    let claimed =
        scene.record(&["cost", "limit", "b", "5", "--per", "day", "--occurred-at", "2025-11-24T20:00:00Z"]);
    assert_eq!(claimed.stderr, "", "{}", claimed.picture());
    let claimed =
        scene.record(&["cost", "limit", "a", "6", "--per", "day", "--occurred-at", "2025-11-24T20:00:00Z"]);
    assert!(claimed.stderr.contains("not at"), "{}", claimed.picture());
    scene.ok(&["verify"]);
}

#[test]
fn found_36_refunds_and_reverts_give_back_to_periods() {
    let scene = scene();
    scene.record(&["cost", "limit", "a", "4", "--per", "day"]);
    scene.record(&["cost", "record", "a", "5"]);
    scene.clock("2025-11-26T09:00:00Z");
    let left = |scene: &Scene, more: &[&str]| {
        scene.ok(&[&["cost", "remaining", "a", "--json"], more].concat()).json()["remaining"].clone()
    };
    let paid = last(&scene, "cost_recorded");
    let cost = paid["seq"].to_string();
    scene.record(&["cost", "record", "a", "-1", "--refund"]);
    assert_eq!(left(&scene, &[]), "4", "what is given back today buys no more today");
    scene.record(&["cost", "record", "a", "1"]);
    scene.record(&["revert", &format!("e{cost}"), "--reason", "typed twice"]);
    assert_eq!(
        left(&scene, &[]),
        "4",
        "what is taken back was yesterday's, what was spent today is what was given back"
    );
    assert_eq!(left(&scene, &["--at", "2025-11-25T23:00:00Z"]), "-1", "then it was not taken back yet");
    assert_eq!(last(&scene, "cost_recorded")["data"]["counts_at"], paid["at"]);
    // The limit is what it was: 4 a day, then none.
    scene.record(&["cost", "limit", "a", "1", "--per", "day"]);
    let set = last(&scene, "cost_limit_set")["seq"].to_string();
    scene.record(&["revert", &format!("e{set}"), "--reason", "a slip"]);
    assert_eq!(left(&scene, &[]), "4");
    // What is there again is the limit that the first one set, so that it can be taken back as well.
    let first = scene.ok(&["log", "--kind", "cost_limit_set", "--json"]).stdout;
    let first: Value = serde_json::from_str(first.lines().next().expect("one")).expect("a line");
    scene.record(&["revert", &format!("e{}", first["seq"]), "--reason", "that too"]);
    assert_eq!(left(&scene, &[]), Value::Null);
    scene.ok(&["verify"]);
}

#[test]
fn found_36_status_shows_what_is_over_and_nothing_where_nothing_is() {
    let scene = scene();
    let calm = scene.ok(&["status"]);
    assert!(!calm.stdout.contains("limit"), "{}", calm.picture());
    assert!(scene.ok(&["status", "--json"]).json().get("limits").is_none());
    scene.record(&["cost", "limit", "a", "10"]);
    scene.record(&["cost", "limit", "--workflow", "9", "--per", "day"]);
    scene.record(&["cost", "record", "a", "8"]);
    let near = scene.ok(&["status"]);
    assert_eq!(near.stdout.matches("near the limit").count(), 2, "{}", near.picture());
    scene.record(&["cost", "record", "a", "3"]);
    let over = scene.ok(&["status", "--json"]).json();
    let limits = over["limits"].as_array().expect("limits");
    assert_eq!(limits.len(), 2);
    assert_eq!((&limits[0]["scope"], &limits[0]["period"]["per"]), (&json!("workflow"), &json!("day")));
    assert_eq!((&limits[1]["scope"], &limits[1]["status"]), (&json!("phase"), &json!("over")));
    assert!(limits[1].get("period").is_none());
    scene.clock("2025-11-27T00:00:00Z");
    assert_eq!(scene.ok(&["status", "--json"]).json()["limits"].as_array().map(Vec::len), Some(1));
    let only_b = scene.ok(&["status", "b", "--json"]).json();
    assert!(only_b.get("limits").is_none(), "the limits are those of what is listed: {only_b}");
}

#[test]
fn found_36_a_limit_without_a_currency_is_refused() {
    let scene = Scene::made();
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    scene.record(&["define", "w.toml"]);
    let files = [
        "[workflow]\nname = \"v\"\ncost_limit = \"5\"\n[[phase]]\nid = \"a\"\n",
        "[workflow]\nname = \"v\"\n[[phase]]\nid = \"a\"\ncost_limit = 5\n",
        "[[phase]]\nid = \"a\"\ncost_limit = \"0\"\n[workflow]\nname = \"v\"\n",
    ];
    let mut runs = vec![
        scene.run(&["cost", "limit", "a", "5"]),
        scene.run(&["cost", "limit", "--workflow", "5", "--per", "month"]),
    ];
    for file in files {
        scene.write("v.toml", file);
        runs.push(scene.run(&["define", "v.toml"]));
    }
    runs.push(scene.run(&["cost", "limit", "a", "--none"]));
    runs.push(scene.record(&["cost", "record", "a", "5"]));
    assert_snapshot("money_no_currency", &pictures(runs));
    scene.write("w.toml", "[workflow]\nname = \"w\"\ncurrency = \"USD\"\n[[phase]]\nid = \"a\"\n");
    scene.record(&["define", "w.toml"]);
    scene.record(&["cost", "limit", "a", "5"]);
}

#[test]
fn found_36_cost_check_holds_what_it_grants() {
    let scene = scene();
    scene.record(&["cost", "limit", "a", "10", "--reason", "the trial"]);
    let mut runs = vec![
        scene.record(&["cost", "check", "a", "--estimate", "6", "--reserve", "--model", "opus"]),
        scene.run(&["cost", "check", "a", "--estimate", "5", "--reserve"]),
        scene.run(&["cost", "check", "a", "--estimate", "5"]),
        scene.ok(&["cost", "check", "a", "--estimate", "4", "--reserve", "--for", "10m", "--dry-run"]),
        scene.ok(&[
            "cost",
            "check",
            "a",
            "--estimate",
            "4",
            "--reserve",
            "--for",
            "10m",
            "--id",
            "key:short",
        ]),
        scene.ok(&[
            "cost",
            "check",
            "a",
            "--estimate",
            "4",
            "--reserve",
            "--for",
            "600s",
            "--id",
            "key:short",
        ]),
        scene.ok(&["cost", "remaining", "a"]),
        scene.ok(&["cost", "summary"]),
    ];
    scene.clock("2025-11-25T15:10:01Z");
    runs.extend([
        scene.ok(&["cost", "remaining", "a"]),
        scene.run(&["cost", "release", "key:short"]),
        scene.record(&["cost", "record", "a", "4.25", "--reservation", "e3"]),
        scene.ok(&["cost", "remaining", "a"]),
        scene.record(&["cost", "record", "a", "0.25", "--reservation", "e3"]),
        scene.ok(&["cost", "check", "a", "--estimate", "2", "--reserve", "--id", "key:by hand"]),
        scene.record(&["cost", "release", "key:by hand", "--reason", "not needed"]),
        scene.run(&["cost", "release", "key:by hand"]),
        scene.run(&["cost", "release", "key:nothing"]),
        scene.run(&["cost", "record", "a", "1", "--reservation", "key:nothing"]),
        scene.run(&["cost", "check", "a", "--estimate", "0", "--reserve"]),
        scene.run(&["cost", "check", "a", "--estimate", "1", "--reserve", "--at", "e1"]),
        scene.run(&["cost", "check", "a", "--estimate", "1", "--id", "key:x"]),
        scene.ok(&["log"]),
    ]);
    assert_snapshot("money_reservations", &pictures(runs));
    scene.ok(&["verify"]);
}

#[test]
fn found_36_reservations_are_told_to_programs() {
    let scene = scene();
    scene.record(&["cost", "limit", "--workflow", "10"]);
    let held =
        scene.ok(&["cost", "check", "a", "--estimate", "6", "--reserve", "--json", "--id", "key:h"]).json();
    assert_eq!((&held["schema"], &held["fits"]), (&json!("cost-check/1"), &json!(true)));
    let reservation = &held["reservation"];
    assert_eq!((&reservation["status"], &reservation["open"]), (&json!("appended"), &json!(true)));
    assert_eq!(reservation["until"], "2025-11-25T16:00:00.000001Z");
    assert_eq!(held["limits"][1]["remaining"], "4", "the estimate is planned, once");
    let other = scene.run(&["cost", "check", "b", "--estimate", "5", "--reserve", "--json"]);
    assert_eq!(other.code, 1, "{}", other.picture());
    let other = other.json();
    assert_eq!((&other["fits"], &other["limits"][1]["reserved"]), (&json!(false), &json!("6")));
    assert!(other.get("reservation").is_none());
    assert_eq!(other["reservations"][0]["seq"], reservation["seq"]);
    assert_eq!(count(&scene, "cost_reserved"), 1, "what does not fit records nothing");
    let summary = scene.ok(&["cost", "summary", "--json"]).json();
    assert_eq!(summary["workflows"][0]["reserved"], "6");
    assert_eq!(summary["workflows"][0]["reservations"][0]["phase"], "a");
    // Lines of append hold and release too; what does not fit is an answer of no.
    let line = r#"{"do":"cost_reserve","phase":"b","amount":"4","for":"2h","id":"key:line"}"#;
    scene.write("lines", line);
    assert!(scene.ok(&["append", "lines", "--json"]).stdout.contains("\"appended\""));
    assert!(scene.ok(&["append", "lines", "--json"]).stdout.contains("\"duplicate\""));
    scene.write("more", r#"{"do":"cost_reserve","phase":"b","amount":"0.01"}"#);
    let more = scene.run(&["append", "more", "--json"]);
    assert!(more.code == 1 && more.stderr.contains("\"does_not_fit\""), "{}", more.picture());
    scene.write("release", r#"{"do":"cost_release","reservation":"key:line","reason":"done without"}"#);
    scene.ok(&["append", "release"]);
    scene.write("spend", r#"{"do":"cost","phase":"a","amount":"5","reservation":"key:h"}"#);
    scene.ok(&["append", "spend"]);
    let cost = last(&scene, "cost_recorded");
    assert_eq!(cost["data"]["reservation"]["seq"], reservation["seq"]);
    assert_eq!(scene.ok(&["cost", "remaining", "a", "--json"]).json()["remaining"], "5");
    // A restored ledger holds what this one holds.
    let export = |scene: &Scene| scene.command().arg("export").output().expect("it runs").stdout;
    let restored = Scene::made();
    restored.write("lines", std::str::from_utf8(&export(&scene)).expect("UTF-8"));
    restored.ok(&["import", "lines"]);
    assert_eq!(export(&restored), export(&scene));
    assert_eq!(restored.ok(&["verify"]).code, 0);
}

#[test]
fn found_36_an_attempt_that_ends_leaves_what_is_held() {
    let scene = scene();
    scene.record(&["cost", "limit", "a", "10", "--per", "day"]);
    scene.record(&["start", "a"]);
    scene.record(&["cost", "check", "a", "--estimate", "6", "--reserve", "--for", "9h"]);
    scene.record(&["complete", "a"]);
    assert_eq!(scene.ok(&["cost", "remaining", "a", "--json"]).json()["remaining"], "4");
    // What is held at midnight counts for the new day, until it is over.
    scene.clock("2025-11-25T23:59:59Z");
    assert_eq!(scene.ok(&["cost", "remaining", "a", "--json"]).json()["remaining"], "4");
    scene.clock("2025-11-26T00:00:01Z");
    assert_eq!(scene.ok(&["cost", "remaining", "a", "--json"]).json()["remaining"], "10");
    let plan = scene.write("plan", r#"{"phase":"a","amount":"2","count":5}"#);
    let plan = plan.to_str().expect("a path");
    assert_eq!(scene.run(&["cost", "project", plan]).code, 0);
    assert_eq!(scene.run(&["cost", "project", plan, "--at", "2025-11-25T23:00:00Z"]).code, 1);
    let refused = scene.run(&["revert", "e4", "--reason", "no"]);
    assert!(refused.stderr.contains("cost release"), "{}", refused.picture());
}

#[test]
fn found_36_what_is_held_and_was_spent_today_comes_along_with_a_name() {
    let scene = scene();
    scene.ok(&["cost", "record", "a", "2"]);
    scene.ok(&["cost", "limit", "a", "9"]);
    scene.ok(&["cost", "check", "a", "--estimate", "3", "--reserve", "--id", "key:held"]);
    scene.write(
        "w.toml",
        &FILE.replace("id = \"a\"", "id = \"aa\"\nrenamed_from = \"a\"").replace("[\"a\"]", "[\"aa\"]"),
    );
    scene.ok(&["define", "w.toml"]);
    scene.ok(&["cost", "limit", "aa", "4", "--per", "day"]);
    assert_eq!(
        last(&scene, "cost_limit_set")["data"]["period"]["spent"],
        "2",
        "what was spent under the old name"
    );
    let left = scene.ok(&["cost", "remaining", "aa", "--json"]).json();
    assert_eq!(left["remaining"], "-1", "4 a day, 2 spent and 3 held");
    let spent = scene.ok(&["cost", "record", "aa", "1", "--reservation", "key:held"]);
    assert!(spent.stdout.contains("aa"), "{}", spent.picture());
    let left = scene.ok(&["cost", "remaining", "aa", "--json"]).json();
    assert_eq!(left["remaining"], "1", "4 a day, 3 spent and nothing held");
    scene.ok(&["verify"]);
}

#[test]
fn found_36_a_start_after_a_limit_that_a_revert_goes_over_is_verified() {
    let scene = scene();
    scene.ok(&["cost", "limit", "a", "5"]);
    scene.ok(&["cost", "record", "a", "3"]);
    scene.ok(&["revert", "head", "--reason", "on the wrong phase"]);
    scene.ok(&["start", "a"]);
    scene.ok(&["cost", "record", "a", "4"]);
    let again = scene.ok(&["revert", "e4", "--reason", "it was the right one"]);
    assert!(again.stdout.contains("phase_failed a"), "{}", again.picture());
    scene.ok(&["start", "a", "--over-limit", "--reason", "go on"]);
    let started = last(&scene, "phase_started");
    let lines = scene.ok(&["export"]).stdout;
    let lines: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let failed = lines.iter().find(|line| line["kind"] == "phase_failed").expect("it failed");
    assert_eq!(started["causation_id"], failed["id"]);
    assert_eq!(started["correlation_id"], failed["correlation_id"], "the root of the failure is the cost's");
    scene.ok(&["verify"]);
}

#[test]
fn found_8_a_release_that_is_sent_again_means_the_head_of_then() {
    let scene = scene();
    scene.ok(&["cost", "check", "a", "--estimate", "2", "--reserve"]);
    scene.ok(&["cost", "release", "head", "--id", "key:r"]);
    scene.ok(&["cost", "check", "a", "--estimate", "3", "--reserve"]);
    scene.ok(&["cost", "record", "a", "1", "--reservation", "head", "--id", "key:c"]);
    scene.ok(&["note", "since"]);
    for again in [
        &["cost", "release", "head", "--id", "key:r"][..],
        &["cost", "record", "a", "1", "--reservation", "head", "--id", "key:c"],
    ] {
        let again = scene.ok(again);
        assert!(again.stdout.starts_with("duplicate: "), "{}", again.picture());
    }
}
