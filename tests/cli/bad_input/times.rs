//! Times that are none: through `--occurred-at`, commands and histories, which have one grammar.

use std::fs;

use phaseledger::model::{Request, TimeContext, Zone};

use super::{Scene, run, shared, unchanged};

/// Every text of the public sets that is no date and time of RFC 3339, and that no other form makes one.
fn invalid(test: &str) -> Option<Vec<String>> {
    let folder = shared::data(test)?.join("conformance");
    let formats = folder.join("json-schema-formats/tests/draft2020-12/optional/format");
    let mut found = Vec::new();
    for format in ["date-time", "date", "time"] {
        let text = fs::read_to_string(formats.join(format!("{format}.json"))).expect("the set is there");
        let groups: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let tests = groups.as_array().into_iter().flatten().flat_map(|group| group["tests"].as_array());
        let invalid = tests.flatten().filter(|test| test["valid"] == false);
        found.extend(invalid.filter_map(|test| test["data"].as_str()).map(str::to_owned));
    }
    for entry in fs::read_dir(folder.join("toml-datetimes/tests/invalid/datetime")).expect("the set is there")
    {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a file");
        let values = text.lines().filter_map(|line| line.split('#').next()?.split_once('='));
        found.extend(values.map(|(_, value)| value.trim().to_owned()));
    }
    assert!(found.len() > 80, "{} texts", found.len());
    let context = TimeContext { now: "2025-10-29T18:27:01Z".parse().expect("a time"), zone: Zone::utc() };
    found.retain(|text| context.time(text).is_err());
    assert!(found.len() > 60, "{} texts", found.len());
    Some(found)
}

#[test]
fn a_time_that_is_none_is_refused() {
    let Some(texts) = invalid("a_time_that_is_none_is_refused") else { return };
    let scene = Scene::small();
    let mut lines = Vec::new();
    for text in &texts {
        let time = serde_json::to_string(text).expect("a text");
        let request = format!("{{\"do\":\"note\",\"text\":\"x\",\"occurred_at\":{time}}}").parse::<Request>();
        let said = request.expect_err(text).to_string();
        assert!(said.contains("as in `") || said.contains("is not UTF-8"), "{text:?}: {said}");
        lines.push(format!("{{\"at\":{time},\"phase\":\"a\",\"event\":\"start\"}}\n"));
    }
    assert!(lines.len() > 60, "{} lines", lines.len());
    unchanged(&scene, || {
        for line in lines.iter().step_by(6) {
            let history = format!("\n{line}");
            let outcome = run(&scene, &["import", "--format", "history", "-"], history.as_bytes());
            outcome.refused(2, "line 2: `at`: ");
        }
    });
}

#[test]
fn occurred_at_takes_no_nonsense() {
    let Some(texts) = invalid("occurred_at_takes_no_nonsense") else { return };
    let scene = Scene::small();
    unchanged(&scene, || {
        for text in texts.iter().filter(|text| text.contains(['T', 't']) && text.len() > 15).step_by(3) {
            let time = format!("--occurred-at={text}");
            run(&scene, &["note", "x", &time, "--dry-run"], b"").refused(2, "");
        }
    });
}

#[test]
fn neither_a_time_nor_a_duration() {
    let scene = Scene::small();
    unchanged(&scene, || {
        for text in
            ["", " ", "tomorrow", "0000-01-01", "10000-01-01", "2025-10-29 25:00", "99999999999999 hours ago"]
        {
            run(&scene, &["note", "x", &format!("--occurred-at={text}")], b"").refused(2, "");
        }
        run(&scene, &["note", "x", "--occurred-at", "9999-12-31"], b"").refused(6, "check the clock");
        for text in ["500000000000y", "367days", "-1s", "soon", "", "99999999999999999999s"] {
            let wait = format!("--lock-timeout={text}");
            run(&scene, &["note", "x", &wait], b"").refused(2, "'--lock-timeout <DURATION>'");
        }
    });
}
