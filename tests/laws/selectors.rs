//! Selectors and times: what is read, as what, and what is refused with which words.

use std::process::Command;

use phaseledger::model::{Range, TimeContext, When, WhenBase};

mod conformance;
mod grammar;
mod laws;

/// A Wednesday, 18:27:01 in UTC and 20:27:01 two hours to the east.
const NOW: &str = "2025-10-29T18:27:01Z";

fn context(zone: &str) -> TimeContext {
    TimeContext { now: NOW.parse().expect("a time"), zone: zone.parse().expect("a zone") }
}

fn when(text: &str) -> String {
    match When::parse(text, &context("UTC")) {
        Ok(when) => when.to_string(),
        Err(error) => format!("error: {error}"),
    }
}

/// Fills in what a table leaves out of a time: `2025-10-28 14` for `2025-10-28T14:00:00.000000Z`.
fn full(short: &str) -> String {
    let template = "0000-00-00T00:00:00.000000Z";
    let written = short.replacen(' ', "T", 1);
    format!("{written}{}", &template[written.len()..])
}

/// Compares each text's time with the one beside it, and says which differ, all at once.
fn check_times(zone: &str, table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|&(text, expected)| {
            let found = match When::parse(text, &context(zone)) {
                Ok(When { base: WhenBase::Time(time), back: 0 }) => time.to_string(),
                other => format!("{other:?}"),
            };
            (found != full(expected)).then(|| format!("`{text}`: {found}, not {}", full(expected)))
        })
        .collect();
    assert!(wrong.is_empty(), "in {zone}:\n{}", wrong.join("\n"));
}

const IN_UTC: &[(&str, &str)] = &[
    ("2025-10-29T14:00:00Z", "2025-10-29 14"),
    ("2025-10-29t14:00:00.1234567z", "2025-10-29 14:00:00.123456"),
    ("2025-10-29T14:00:00+02:00", "2025-10-29 12"),
    ("2025-10-29 14:00:00-05:30", "2025-10-29 19:30"),
    ("2016-12-31T23:59:60Z", "2016-12-31 23:59:59.999999"),
    ("2025-10-29", "2025-10-29"),
    ("2025-10-29 UTC", "2025-10-29"),
    ("2025-10-29T14:00", "2025-10-29 14"),
    ("2025-10-29T14:00Z", "2025-10-29 14"),
    ("2025-10-29 14:00", "2025-10-29 14"),
    ("2025-10-29 14:00:01.5", "2025-10-29 14:00:01.5"),
    ("2025-10-29 14:00 UTC", "2025-10-29 14"),
    ("2025-10-29 14:00:00 +0200", "2025-10-29 12"),
    ("2025-10-29 14:00 -05:30", "2025-10-29 19:30"),
    ("2025-10-29 2pm", "2025-10-29 14"),
    ("2025-10-29 at 2:30 PM", "2025-10-29 14:30"),
    ("2025-10-29 noon", "2025-10-29 12"),
    ("2030-01-01", "2030-01-01"),
    ("@1730226421", "2024-10-29 18:27:01"),
    ("@1730226421.25", "2024-10-29 18:27:01.25"),
    ("@-1", "1969-12-31 23:59:59"),
    ("now", "2025-10-29 18:27:01"),
    ("today", "2025-10-29"),
    ("Today 14:00", "2025-10-29 14"),
    ("today 23:00", "2025-10-29 23"),
    ("yesterday", "2025-10-28"),
    ("yesterday 14:00", "2025-10-28 14"),
    ("yesterday at 2pm", "2025-10-28 14"),
    ("yesterday at 14:00 UTC", "2025-10-28 14"),
    ("yesterday noon", "2025-10-28 12"),
    ("yesterday 12am", "2025-10-28"),
    ("yesterday 12:30pm", "2025-10-28 12:30"),
    ("yesterday 14:00+02:00", "2025-10-28 12"),
    ("monday", "2025-10-27"),
    ("Mon 14:00", "2025-10-27 14"),
    ("thursday", "2025-10-23"),
    ("wednesday", "2025-10-29"),
    ("wednesday 18:00", "2025-10-29 18"),
    ("wednesday 19:00", "2025-10-22 19"),
    ("last wednesday", "2025-10-22"),
    ("last tuesday", "2025-10-28"),
    ("last Friday at 5pm", "2025-10-24 17"),
    ("14:00", "2025-10-29 14"),
    ("19:00", "2025-10-28 19"),
    ("19:00:00+02:00", "2025-10-29 17"),
    ("2pm", "2025-10-29 14"),
    ("7 pm", "2025-10-28 19"),
    ("noon", "2025-10-29 12"),
    ("midnight", "2025-10-29"),
    ("-90m", "2025-10-29 16:57:01"),
    ("-1h30m", "2025-10-29 16:57:01"),
    ("-1h 30m", "2025-10-29 16:57:01"),
    ("-2 hours", "2025-10-29 16:27:01"),
    ("-500ms", "2025-10-29 18:27:00.5"),
    ("-2w", "2025-10-15 18:27:01"),
    ("2 hours ago", "2025-10-29 16:27:01"),
    ("2 Hours Ago", "2025-10-29 16:27:01"),
    ("2h ago", "2025-10-29 16:27:01"),
    ("an hour ago", "2025-10-29 17:27:01"),
    ("a week ago", "2025-10-22 18:27:01"),
    ("3 days ago", "2025-10-26 18:27:01"),
    ("1 hour 30 minutes ago", "2025-10-29 16:57:01"),
    ("1 hour and 30 minutes ago", "2025-10-29 16:57:01"),
    ("1h30m ago", "2025-10-29 16:57:01"),
    ("90 seconds ago", "2025-10-29 18:25:31"),
    ("0 days ago", "2025-10-29 18:27:01"),
    ("1 month ago", "2025-09-29 18:27:01"),
    ("8 months ago", "2025-02-28 18:27:01"),
    ("1 year 2 days ago", "2024-10-27 18:27:01"),
];

#[test]
fn times_are_read_in_utc() {
    check_times("UTC", IN_UTC);
}

#[test]
fn times_without_an_offset_are_in_the_zone() {
    check_times(
        "+09:00",
        &[
            ("2025-10-29", "2025-10-28 15"),
            ("2025-10-29 14:00", "2025-10-29 05"),
            ("2025-10-29 14:00 UTC", "2025-10-29 14"),
            ("2025-10-29T14:00:00Z", "2025-10-29 14"),
            ("today", "2025-10-29 15"),
            ("today UTC", "2025-10-29"),
            ("yesterday", "2025-10-28 15"),
            ("thursday", "2025-10-29 15"),
            ("last wednesday", "2025-10-28 15"),
            ("03:00", "2025-10-29 18"),
            ("04:00", "2025-10-28 19"),
            ("1 month ago", "2025-09-29 18:27:01"),
            ("2 hours ago", "2025-10-29 16:27:01"),
        ],
    );
}

#[test]
fn places_and_ranges_are_read() {
    for (text, shown) in [
        ("head", "head"),
        ("HEAD~2", "head~2"),
        ("e5", "e5"),
        ("E5~2", "e5~2"),
        ("5", "e5"),
        ("5~1", "e5~1"),
        ("20251029", "e20251029"),
        ("#5", "e5"),
        ("seq:5~1", "e5~1"),
        ("e0", "e0"),
        ("id:0199F3C1aa", "id:0199f3c1-aa"),
        ("id:0199~3", "id:0199~3"),
        ("key:2025-10-29/ingest", "key:2025-10-29/ingest"),
        ("KEY:Nightly run~2", "key:Nightly run~2"),
        (r#"key:"a~1..b"~2"#, r#"key:"a~1..b"~2"#),
        (r#"key:"ends ""#, r#"key:"ends ""#),
        ("tag:release", "tag:release"),
        ("tag:Nightly run 3~1", "tag:Nightly run 3~1"),
        (r#"tag:"a~1"~2"#, r#"tag:"a~1"~2"#),
        (r#"tag:"plain""#, "tag:plain"),
        (r#"tag:"a\"b..\\""#, r#"tag:"a\"b..\\""#),
        ("yesterday~1", "2025-10-28T00:00:00.000000Z~1"),
        ("@1.5~1", "1970-01-01T00:00:01.500000Z~1"),
    ] {
        assert_eq!(when(text), shown, "{text}");
    }
    for (text, shown) in [
        ("..", ".."),
        ("e5..", "e5.."),
        ("#5..#9", "e5..e9"),
        ("5..9~1", "e5..e9~1"),
        ("5 .. 9", "e5..e9"),
        ("..0", "..e0"),
        ("..tag:release~1", "..tag:release~1"),
        ("tag:a..tag:b", "tag:a..tag:b"),
        ("tag:a .. tag:b", "tag:a..tag:b"),
        ("key:a/1 .. key:b", "key:a/1..key:b"),
        ("2h..1h", "2025-10-29T16:27:01.000000Z..2025-10-29T17:27:01.000000Z"),
        ("-90m..-1h30m", "2025-10-29T16:57:01.000000Z..2025-10-29T16:57:01.000000Z"),
        (r#"tag:"a..b"..head"#, r#"tag:"a..b"..head"#),
        ("2025-10-28..2025-10-29", "2025-10-28T00:00:00.000000Z..2025-10-29T00:00:00.000000Z"),
        ("18:27:01.5..head", "2025-10-28T18:27:01.500000Z..head"),
        ("2 hours ago..now", "2025-10-29T16:27:01.000000Z..2025-10-29T18:27:01.000000Z"),
    ] {
        let range = Range::parse(text, &context("UTC")).map(|range| range.to_string());
        assert_eq!(range, Ok(shown.to_owned()), "{text}");
    }
}

const BAD: &[&str] = &[
    "",
    " ",
    "head ",
    " head",
    "headx",
    "head~",
    "head~x",
    "head~1~2",
    "head^",
    "release",
    "5 ",
    "5x",
    "5.5",
    "18446744073709551616",
    "e",
    "e-1",
    "e5x",
    "e 5",
    "e18446744073709551616",
    "#",
    "#x",
    "#-1",
    "#18446744073709551616",
    "seq:",
    "seq: 5",
    "e5..e6",
    "5..6",
    "id:",
    "id:019",
    "id:0199g",
    "id:0199-f3",
    "id:0199f3c1-aaaa-7bbb-8ccc-0123456789ab0",
    "key:",
    "key:\"\"",
    "key:\"a",
    "key:~1",
    "tag:",
    "tag:a/b",
    "tag: a",
    "tag:a~b",
    "tag:\"a",
    "tag:\"a\"b",
    "tag:a\u{202E}b",
    "10/11/2025",
    "10.11.2025",
    "29/10/2025",
    "10-10-2025",
    "2025/10/29",
    "2025-10",
    "2025-13-01",
    "2025-02-29",
    "2025-10-29Z",
    "2025-10-29x",
    "2025-10-29T",
    "2025-10-29T24:00",
    "2025-10-29 14",
    "2025-10-29 14:00 PST",
    "2025-10-29T14:00:60Z",
    "2025-10-29 14:00:00.",
    "0000-01-01",
    "0001-01-01T00:00+01:00",
    "2025-W44-3",
    "৪025-10-29",
    "8:30",
    "13pm",
    "0am",
    "2:60pm",
    "2 hours",
    "2 hours hence",
    "1h30",
    "-90",
    "-90M",
    "- 90m",
    "--90m",
    "-1.5h",
    "-90m ago",
    "+90m",
    "in 2 hours",
    "tomorrow",
    "next monday",
    "last week",
    "last",
    "half an hour ago",
    "99999999999 years ago",
    "99999999999999999999 hours ago",
    "3000 years ago",
    "today 25:00",
    "yesterday at",
    "yesterday @ 2pm",
    "@",
    "@x",
    "@99999999999999",
    "yesterday\u{1b}[2J",
];

const BAD_RANGES: &[&str] = &[
    "",
    "e5",
    "5",
    "#5",
    "head ",
    "e5...e6",
    "e5..e6..e7",
    "e5..e6 ",
    "e5.e6",
    "5.6",
    "tag:a",
    "..x",
    "yesterday-today",
    "e5.. ",
];

#[test]
fn errors_say_what_was_found_and_what_is_accepted() {
    let mut text = String::new();
    for bad in BAD {
        let error = When::parse(bad, &context("UTC")).expect_err(bad);
        text += &format!("{error}\n");
    }
    text += "\nranges\n";
    for bad in BAD_RANGES {
        let error = Range::parse(bad, &context("UTC")).expect_err(bad);
        text += &format!("{error}\n");
    }
    insta::with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("selectors__bad_selectors", text);
    });
}

/// The changes of the clocks in central Europe, as POSIX writes them.
const CENTRAL_EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// Runs again under a zone that changes its clocks: a test cannot set its own environment.
#[test]
#[cfg(unix)]
fn the_local_zone_changes_its_clocks() {
    if std::env::var("TZ").as_deref() != Ok(CENTRAL_EUROPE) {
        let mut test = Command::new(std::env::current_exe().expect("this program"));
        test.args(["--exact", "selectors::the_local_zone_changes_its_clocks", "--nocapture"])
            .env("TZ", CENTRAL_EUROPE);
        let output = test.output().expect("this program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    check_times(
        "local",
        &[
            ("2025-10-29", "2025-10-28 23"),
            ("2025-07-01", "2025-06-30 22"),
            ("2025-10-26", "2025-10-25 22"),
            ("3 days ago", "2025-10-26 18:27:01"),
            ("4 days ago", "2025-10-25 17:27:01"),
            ("-96h", "2025-10-25 18:27:01"),
            ("2025-10-26 02:30 +0200", "2025-10-26 00:30"),
        ],
    );
    let error = |text| When::parse(text, &context("local")).expect_err(text).to_string();
    assert_eq!(
        error("2025-10-26 02:30"),
        "`2025-10-26 02:30` came twice in the local zone; expected one of `2025-10-26T02:30:00+02:00` and \
         `2025-10-26T02:30:00+01:00`"
    );
    assert_eq!(
        error("2025-03-30 02:30~1"),
        "`2025-03-30 02:30` never came in the local zone, whose clocks skipped it; expected another time, as in \
         `2025-03-30T03:30:00+02:00`"
    );
}
