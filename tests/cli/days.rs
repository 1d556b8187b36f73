//! Days, whoever is asked for them: what took effect on one, however late it was recorded, and in whose zone.

use serde_json::Value;

use crate::cli::Scene;

/// Amounts that are powers of two, so that each sum tells its parts: recorded in this order.
const SPENT: [(&str, &str); 6] = [
    ("2025-10-30T00:00:00Z", "1"),
    ("2025-10-28T22:30:00Z", "2"),
    ("2025-10-29T12:00:00Z", "4"),
    ("2025-10-29T00:00:00Z", "8"),
    ("2025-10-29T23:59:59.999999Z", "16"),
    ("2025-10-28T21:59:59.999999Z", "32"),
];

/// A ledger of costs that were all recorded after they were spent, and out of order.
fn spent() -> Scene {
    let scene = Scene::made();
    scene.clock("2025-10-28T12:00:00Z");
    scene.write("w.toml", "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n");
    scene.record(&["define", "w.toml"]);
    scene.clock("2025-11-02T12:00:00Z");
    for (time, amount) in SPENT {
        let told = scene.record(&["cost", "record", "a", amount, "--occurred-at", time]);
        assert_eq!(told.stderr, "", "nothing is raised");
    }
    scene
}

fn spent_on(scene: &Scene, day: &str, more: &[&str]) -> Value {
    let days = scene.ok(&[&["cost", "by", "day", "--json"], more].concat()).json();
    let group = days["groups"].as_array().expect("groups").iter().find(|group| group["key"] == day);
    group.expect("the day")["spent"].clone()
}

fn spent_in(scene: &Scene, range: &str, more: &[&str]) -> Value {
    scene.ok(&[&["cost", "by", "phase", range, "--json"], more].concat()).json()["total"][0]["spent"].clone()
}

fn places_in(scene: &Scene, range: &str, more: &[&str]) -> Vec<u64> {
    let lines = scene.ok(&[&["log", range, "--json"], more].concat()).stdout;
    let event = |line: &str| serde_json::from_str::<Value>(line).expect("an event")["seq"].as_u64();
    lines.lines().filter_map(event).collect()
}

#[test]
fn found_7_a_day_has_what_took_effect_on_it_however_late_it_was_recorded() {
    let scene = spent();
    let day = "2025-10-29..2025-10-30";
    assert_eq!(places_in(&scene, day, &[]), [4, 5, 6]);
    assert_eq!(spent_in(&scene, day, &[]), "28");
    assert_eq!(spent_on(&scene, "2025-10-29", &[]), "28");
    // Two days that meet share nothing, and leave nothing out.
    assert_eq!(spent_in(&scene, "2025-10-28..2025-10-29", &[]), "34");
    assert_eq!(spent_in(&scene, "2025-10-28..2025-10-30", &[]), "62");
    // As far as it was known once the first two of that day were.
    assert_eq!(places_in(&scene, day, &["--known-at", "e5"]), [4, 5]);
    assert_eq!(spent_on(&scene, "2025-10-29", &["--known-at", "e5"]), "12");
}

#[test]
fn found_7_a_day_of_another_zone_begins_at_its_own_midnight() {
    let scene = spent();
    let (day, zone) = ("2025-10-29..2025-10-30", ["--tz", "+02:00"]);
    assert_eq!(places_in(&scene, day, &zone), [3, 4, 5]);
    assert_eq!(spent_in(&scene, day, &zone), "14");
    assert_eq!(spent_on(&scene, "2025-10-29", &zone), "14");
}

#[test]
fn found_7_what_had_taken_effect_by_a_midnight_has_its_very_first_instant() {
    let scene = spent();
    let spent = |option: &str| {
        let status = scene.ok(&["status", "--json", option, "2025-10-29"]).json();
        status["phases"][0]["spent"].clone()
    };
    assert_eq!(spent("--at"), "42");
    assert_eq!(spent("--before"), "34");
}
