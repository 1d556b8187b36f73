//! Zones by their names, from a database that is made here.

use std::fs;

use super::fed;
use crate::cli::Scene;
use crate::zones::{BERLIN, KATHMANDU, tzif};

/// Makes a database of two zones, and what else such a folder has.
fn database(scene: &Scene) -> String {
    let folder = scene.dir().join("zoneinfo");
    fs::create_dir_all(folder.join("Europe")).expect("a folder");
    fs::create_dir_all(folder.join("right/Europe")).expect("a folder");
    fs::write(folder.join("Europe/Berlin"), tzif(BERLIN)).expect("a file");
    fs::write(folder.join("right/Europe/Berlin"), tzif(BERLIN)).expect("a file");
    fs::write(folder.join("Nepal"), tzif(KATHMANDU)).expect("a file");
    fs::write(folder.join("Broken"), "no zone").expect("a file");
    fs::write(folder.join("zone.tab"), "no zone either").expect("a file");
    folder.to_str().expect("a path of ASCII").to_owned()
}

fn last(scene: &Scene) -> serde_json::Value {
    super::last(scene)["at"].clone()
}

#[test]
fn found_27_a_zone_has_a_name() {
    let scene = Scene::small();
    let folder = database(&scene);
    let zones = [("TZDIR", folder.as_str())];
    for (zone, expected) in [
        ("Europe/Berlin", "2025-10-29T09:00:00.000000Z"),
        ("europe/BERLIN", "2025-10-29T09:00:00.000000Z"),
        ("Nepal", "2025-10-29T04:15:00.000000Z"),
        ("-05:00", "2025-10-29T15:00:00.000000Z"),
    ] {
        let args = ["note", zone, "--occurred-at", "2025-10-29 10:00", "--tz", zone];
        let (code, _, stderr) = fed(&scene, &args, b"", &zones);
        assert_eq!((code, last(&scene)), (0, expected.into()), "{zone}: {stderr}");
    }
    // Times are shown in it too, as they are read.
    let (_, shown, _) = fed(&scene, &["show", "head", "--tz", "Europe/Berlin"], b"", &zones);
    assert!(shown.contains("2025-10-29 16:00:00.000000+01:00"), "{shown}");
    let at = ["show", "2025-10-29 16:00:00.000000+01:00", "--json"];
    assert_eq!(fed(&scene, &at, b"", &zones).0, 0);
}

#[test]
fn found_27_the_environment_names_a_zone() {
    let scene = Scene::small();
    let folder = database(&scene);
    let zones = [("TZDIR", folder.as_str()), ("PHASELEDGER_TZ", "Europe/Berlin")];
    let note = |more: &[&str], zones: &[(&str, &str)]| {
        let args = [&["note", "x", "--occurred-at", "2025-10-29 10:00"], more].concat();
        let (code, _, stderr) = fed(&scene, &args, b"", zones);
        assert_eq!(code, 0, "{stderr}");
        last(&scene)
    };
    assert_eq!(note(&[], &zones), "2025-10-29T09:00:00.000000Z");
    assert_eq!(note(&["--tz", "UTC"], &zones), "2025-10-29T10:00:00.000000Z");
    assert_eq!(note(&[], &[("PHASELEDGER_TZ", "")]), "2025-10-29T10:00:00.000000Z");
    let (code, _, stderr) = fed(&scene, &["status"], b"", &[("PHASELEDGER_TZ", "Mars"), zones[0]]);
    assert!(code == 2 && stderr.contains("`PHASELEDGER_TZ`: there is no zone `Mars`"), "{stderr}");
}

#[test]
fn found_27_a_zone_that_is_none_is_told_with_the_nearest() {
    let scene = Scene::small();
    let folder = database(&scene);
    let zones = [("TZDIR", folder.as_str())];
    for (zone, said) in [
        ("Europe/Berln", "there is no zone `Europe/Berln`; did you mean `Europe/Berlin`?"),
        ("Berlin", "did you mean `Europe/Berlin`?"),
        ("Mars/Olympus", "expected `UTC`, `local`, an offset or a name, as in `+02:00` or `Europe/Berlin`"),
        ("Europe", "there is no zone `Europe`"),
        ("../zoneinfo/Nepal", "cannot read `../zoneinfo/Nepal`"),
        ("right/Europe/Berlin", "there is no zone `right/Europe/Berlin`"),
        ("zone.tab", "there is no zone `zone.tab`"),
        ("Broken", "the zone `Broken` cannot be read"),
        ("-5:00", "expected the offset's hours from 00 to 23"),
    ] {
        let (code, _, stderr) = fed(&scene, &["status", "--tz", zone], b"", &zones);
        assert!(code == 2 && stderr.contains(said), "{zone}: {stderr}");
    }
    let missing = [("TZDIR", "/nowhere/at/all")];
    let (code, _, stderr) = fed(&scene, &["status", "--tz", "Europe/Berlin"], b"", &missing);
    assert!(code == 2 && stderr.contains("`Europe/Berlin`"), "{stderr}");
}

/// A day of a named zone is as long as its clocks make it, for `log`, `cost by` and `replay` alike.
#[test]
fn found_7_a_day_on_which_the_clocks_are_put_back_has_its_25_hours() {
    let scene = Scene::made();
    scene.clock("2025-10-20T12:00:00Z");
    scene.write("w.toml", "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n");
    scene.record(&["define", "w.toml"]);
    scene.clock("2025-11-02T12:00:00Z");
    let spent = [
        ("2025-10-25T21:59:59.999999Z", "1"),
        ("2025-10-25T22:00:00Z", "2"),
        ("2025-10-26T22:59:59.999999Z", "4"),
        ("2025-10-26T23:00:00Z", "8"),
    ];
    for (time, amount) in spent {
        scene.record(&["cost", "record", "a", amount, "--occurred-at", time]);
    }
    let folder = database(&scene);
    let zones = [("TZDIR", folder.as_str()), ("PHASELEDGER_TZ", "Europe/Berlin")];
    let (_, log, _) = fed(&scene, &["log", "2025-10-26..2025-10-27", "--json"], b"", &zones);
    let amounts: Vec<_> =
        log.lines().filter_map(|line| line.split_once("\"amount\":\"")).map(|(_, a)| &a[..1]).collect();
    assert_eq!(amounts, ["2", "4"], "{log}");
    let json = |args: &[&str]| -> serde_json::Value {
        let (code, stdout, stderr) = fed(&scene, args, b"", &zones);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(stdout.lines().last().unwrap_or_default()).expect("JSON")
    };
    let days = json(&["cost", "by", "day", "--json"]);
    let day = days["groups"].as_array().expect("groups").iter().find(|group| group["key"] == "2025-10-26");
    assert_eq!(day.expect("the day")["spent"], "6");
    assert_eq!(json(&["cost", "by", "phase", "2025-10-26..2025-10-27", "--json"])["total"][0]["spent"], "6");
    let replayed = json(&["replay", "2025-10-26..2025-10-27", "--json"]);
    assert_eq!((&replayed["events"], &replayed["as_of"]["seq"]), (&2.into(), &4.into()), "{replayed}");
}

/// What is in front of a time may have gaps: then there is nothing to compare the table with, and no damage to tell.
#[test]
fn found_7_a_replay_from_a_time_tells_no_damage_that_is_none() {
    let scene = Scene::small();
    scene.clock("2025-10-30T12:00:00Z");
    scene.record(&["note", "late", "--occurred-at", "2025-10-28 10:00"]);
    for range in ["2025-10-29..", "2025-10-28 12:00..", "2025-10-28..", "e1..", ".."] {
        let replayed = scene.ok(&["replay", range, "--json"]).stdout;
        let end: serde_json::Value =
            serde_json::from_str(replayed.lines().last().unwrap_or_default()).expect("JSON");
        assert_ne!(end["table_equal"], false, "{range}: {end}");
    }
    assert_eq!(scene.ok(&["replay", "--json", "-q"]).json()["table_equal"], true);
}
