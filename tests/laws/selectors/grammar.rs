//! The forms that flags, lines of `append` and histories have in common, beyond those of decision 0007: each with the
//! instant that it means, or with why it is refused.

use phaseledger::model::{Request, TimeContext, When, WhenBase, Zone, ZoneError};

use super::{NOW, check_times, context, full};
use crate::zones::{BERLIN, HAVANA, KATHMANDU, tzif};

fn named(name: &str, rule: &str) -> TimeContext {
    let zone = Zone::named(name, &tzif(rule)).expect("a zone");
    TimeContext { now: NOW.parse().expect("a time"), zone }
}

const TAKEN: &[(&str, &str)] = &[
    ("2025-10-29T14:00:00+02", "2025-10-29 12"),
    ("2025-10-29T14:00:00+0200", "2025-10-29 12"),
    ("2025-10-29T14:00-0530", "2025-10-29 19:30"),
    ("2025-10-29T14:00-05", "2025-10-29 19"),
    ("2025-10-29 14:00:00 +02", "2025-10-29 12"),
    ("2025-10-29 +0200", "2025-10-28 22"),
    ("2025-10-29 2pm+02", "2025-10-29 12"),
    ("2025-10-29 14:00:00,25", "2025-10-29 14:00:00.25"),
    ("2025-10-29T14:00:00,123456789Z", "2025-10-29 14:00:00.123456"),
    ("2025-10-29 14:00:00,5+0200", "2025-10-29 12:00:00.5"),
    ("14:00:00,5+02", "2025-10-29 12:00:00.5"),
    ("@1730226421,25", "2024-10-29 18:27:01.25"),
    ("1h", "2025-10-29 17:27:01"),
    ("90m", "2025-10-29 16:57:01"),
    ("-90m", "2025-10-29 16:57:01"),
    ("2d", "2025-10-27 18:27:01"),
    ("1h30m", "2025-10-29 16:57:01"),
    ("2D12H", "2025-10-27 06:27:01"),
    ("1w", "2025-10-22 18:27:01"),
    ("1y", "2024-10-29 18:27:01"),
    ("500ms", "2025-10-29 18:27:00.5"),
    ("0s", "2025-10-29 18:27:01"),
];

#[test]
fn found_27_what_other_programs_write_is_read() {
    check_times("UTC", TAKEN);
}

/// A line of `append` has the same grammar: each form, as the time at which a note took effect.
#[test]
fn found_27_a_line_takes_what_a_flag_takes() {
    for (text, expected) in TAKEN {
        let line = format!("{{\"do\":\"note\",\"text\":\"x\",\"occurred_at\":\"{text}\"}}");
        let request = Request::read(&line, &context("UTC")).expect(text);
        assert_eq!(
            request.occurred_at.as_ref().map(|claim| claim.at.to_string()),
            Some(full(expected)),
            "{text}"
        );
        // Without a present only what names a day is a time.
        let alone = line.parse::<Request>();
        match text.starts_with('2') && text.contains('-') || text.starts_with('@') {
            true => assert_eq!(alone.expect(text).occurred_at, request.occurred_at),
            false => {
                let said = alone.expect_err(text).to_string();
                assert!(said.starts_with("`occurred_at` is told from the present"), "{said}");
            }
        }
    }
}

const REFUSED: &[(&str, &str)] = &[
    ("2 hours", "found the end at character 8, expected more of the length of time, or ` ago`"),
    ("2hours", "expected more of the length of time, or ` ago`"),
    ("1 h", "expected more of the length of time, or ` ago`"),
    ("1h30", "expected a unit"),
    ("1h ", "found ` ` at character 3"),
    ("1h agox", "expected the end"),
    ("90M", "expected a unit: `s`, `m` (minutes)"),
    ("1.5h", "cannot read `1.5h`"),
    ("+1h", "expected a time that has passed"),
    ("2025-10-29T14:00:00+2", "expected the offset's hours from 00 to 23"),
    ("2025-10-29T14:00:00+020", "expected the offset's minutes from 00 to 59"),
    ("2025-10-29T14:00:00+02:0", "expected the offset's minutes from 00 to 59"),
    ("2025-10-29T14:00:00+02:", "expected the offset's minutes from 00 to 59"),
    ("2025-10-29T14:00:00+2400", "expected the offset's hours from 00 to 23"),
    ("2025-10-29+02:00", "found `+02:00` at character 11"),
    ("2025-10-29 14:00:00,", "expected a digit"),
    ("2025-10-29 14:00,5", "found `,5` at character 17"),
    ("2025-10-29 14:00:00,5,5", "found `,5` at character 22"),
    ("2025-10-29 14:00 Europe/Berlin", "expected `UTC` or an offset"),
    ("999999999999w", "lies outside the years 0001 to 9999"),
];

#[test]
fn found_27_what_could_mean_two_things_is_still_refused() {
    for (text, why) in REFUSED {
        let error = context("UTC").time(text).expect_err(text).to_string();
        assert!(error.contains(why), "`{text}`: {error}");
        let line = format!("{{\"do\":\"note\",\"text\":\"x\",\"occurred_at\":\"{text}\"}}");
        let refused = Request::read(&line, &context("UTC")).expect_err(text);
        assert!(refused.to_string().contains(why), "`{text}`: {refused}");
        assert!(refused.column().is_some(), "the place is told: {refused}");
    }
}

#[test]
fn found_27_a_named_zone_changes_its_clocks() {
    let berlin = named("Europe/Berlin", BERLIN);
    for (text, expected) in [
        ("2025-10-29 14:00", "2025-10-29 13"),
        ("2025-07-01 14:00", "2025-07-01 12"),
        ("2025-10-26", "2025-10-25 22"),
        ("2025-10-27", "2025-10-26 23"),
        ("2025-10-26 01:59:59", "2025-10-25 23:59:59"),
        ("2025-10-26 03:00", "2025-10-26 02"),
        ("2025-03-30 01:59", "2025-03-30 00:59"),
        ("2025-03-30 03:00", "2025-03-30 01"),
        ("2025-10-26 02:30 +02", "2025-10-26 00:30"),
        ("2025-10-26 02:30+0100", "2025-10-26 01:30"),
        ("yesterday 14:00", "2025-10-28 13"),
        ("4d", "2025-10-25 17:27:01"),
        ("96h", "2025-10-25 18:27:01"),
    ] {
        assert_eq!(berlin.time(text).map(|time| time.to_string()), Ok(full(expected)), "{text}");
    }
    let nepal = named("Asia/Kathmandu", KATHMANDU);
    assert_eq!(nepal.time("2025-10-29 14:00").map(|time| time.to_string()), Ok(full("2025-10-29 08:15")));
    assert_eq!(nepal.zone.to_string(), "Asia/Kathmandu");
}

/// The rule: a time that came twice is refused, with both; one that never came is refused, with the next; a day begins
/// at its first instant.
#[test]
fn found_27_a_time_that_came_twice_or_never_is_refused_by_name() {
    let error = |context: &TimeContext, text: &str| context.time(text).expect_err(text).to_string();
    let berlin = named("Europe/Berlin", BERLIN);
    assert_eq!(
        error(&berlin, "2025-10-26 02:30"),
        "`2025-10-26 02:30` came twice in the zone `Europe/Berlin`; expected one of `2025-10-26T02:30:00+02:00` and \
         `2025-10-26T02:30:00+01:00`"
    );
    assert_eq!(
        error(&berlin, "2025-03-30 02:30"),
        "`2025-03-30 02:30` never came in the zone `Europe/Berlin`, whose clocks skipped it; expected another time, as \
         in `2025-03-30T03:30:00+02:00`"
    );
    // Its clocks skip midnight itself, and show it twice in autumn.
    let havana = named("America/Havana", HAVANA);
    for (day, first) in [("2025-03-09", "2025-03-09 05"), ("2025-11-02", "2025-11-02 04")] {
        assert_eq!(havana.time(day).map(|time| time.to_string()), Ok(full(first)), "{day}");
        let line = format!("{{\"do\":\"note\",\"text\":\"x\",\"occurred_at\":\"{day} 00:30\"}}");
        let said = Request::read(&line, &havana).expect_err(day).to_string();
        assert!(said.contains("in the zone `America/Havana`"), "{said}");
    }
}

#[test]
fn what_is_no_zone_is_refused() {
    let refused = |bytes: &[u8]| Zone::named("Some/Where", bytes).expect_err("no zone").to_string();
    for bytes in [&b""[..], b"TZif", b"+02:00", &tzif(BERLIN)[..60], &tzif("CET-1CEST")] {
        assert!(refused(bytes).starts_with("the zone `Some/Where` cannot be read: "), "{}", refused(bytes));
    }
    let names = ["Europe/Berlin", "Europe/Bern", "America/New_York", "UTC"].map(str::to_owned);
    for (typed, near) in [
        ("Europe/Berln", Some("Europe/Berlin")),
        ("berlin", Some("Europe/Berlin")),
        ("new_york", Some("America/New_York")),
        ("Mars/Olympus", None),
        ("../../etc/passwd", None),
    ] {
        let ZoneError::Unknown { near: found, .. } = ZoneError::unknown(typed, &names) else {
            panic!("{typed}")
        };
        assert_eq!(found.as_deref(), near, "{typed}");
    }
}

#[test]
fn a_key_is_a_place() {
    let when = When::parse("key:2025-10-29/ingest~1", &context("UTC")).expect("a place");
    let WhenBase::Key(key) = &when.base else { panic!("{when:?}") };
    let sent: phaseledger::model::CallerId = "key:2025-10-29/ingest".parse().expect("an id");
    assert_eq!((key.id(), when.back), (sent.command(), 1));
}
