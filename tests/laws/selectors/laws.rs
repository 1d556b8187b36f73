//! What holds for every selector.

use phaseledger::model::{
    CallerKey, EventId, IdPrefix, Range, Seq, TagName, TimeContext, Timestamp, When, WhenBase, Zone,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::context;
use crate::zones::{BERLIN, HAVANA, KATHMANDU, tzif};

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000_000_i64..=253_402_300_799_999_999).prop_map(|micros| {
        let time = chrono::DateTime::from_timestamp_micros(micros).expect("within chrono's years");
        Timestamp::new(time).expect("within the years 0001 to 9999")
    })
}

fn any_zone() -> impl Strategy<Value = Zone> {
    prop_oneof![
        3 => (-1439..=1439).prop_map(|minutes| {
            Zone::Fixed(chrono::FixedOffset::east_opt(minutes * 60).expect("below a day"))
        }),
        1 => Just(Zone::Local),
        2 => prop::sample::select(vec![BERLIN, KATHMANDU, HAVANA])
            .prop_map(|rule| Zone::named("Some/Where", &tzif(rule)).expect("a zone")),
    ]
}

fn any_id() -> impl Strategy<Value = IdPrefix> {
    (any::<u128>(), 4_usize..=32).prop_map(|(id, digits)| {
        let prefix: IdPrefix =
            Uuid::from_u128(id).simple().to_string()[..digits].parse().expect("hexadecimal digits");
        assert!(prefix.matches(EventId::new(Uuid::from_u128(id))));
        prefix
    })
}

fn any_when() -> impl Strategy<Value = When> {
    let tag = prop_oneof![r#"[a.~"\\ #:]{1,8}"#, "\\PC{1,20}"]
        .prop_filter_map("a name", |name| TagName::new(&name).ok());
    let key = prop_oneof![r#"[a.~"\\ #:/]{1,8}"#, "\\PC{1,20}"]
        .prop_filter_map("a key", |text| CallerKey::new(&text));
    let base = prop_oneof![
        key.prop_map(WhenBase::Key),
        Just(WhenBase::Head),
        any::<u64>().prop_map(|number| WhenBase::Seq(Seq::new(number))),
        any_id().prop_map(WhenBase::Id),
        tag.prop_map(WhenBase::Tag),
        any_time().prop_map(WhenBase::Time),
    ];
    (base, prop_oneof![Just(0), any::<u64>()]).prop_map(|(base, back)| When { base, back })
}

/// Texts made of the grammar's own words, right and wrong.
fn any_words() -> impl Strategy<Value = String> {
    let words = [
        "head",
        "#",
        "seq:",
        "id:",
        "key:",
        "tag:",
        ",",
        "\"",
        "\\",
        "~",
        "..",
        ".",
        " ",
        "-",
        "+",
        ":",
        "@",
        "T",
        "Z",
        "UTC",
        "2025",
        "10",
        "29",
        "00",
        "60",
        "1",
        "9999",
        "18446744073709551615",
        "h",
        "m",
        "months",
        "years",
        "days",
        "ago",
        "and",
        "an",
        "last",
        "monday",
        "yesterday",
        "noon",
        "at",
        "pm",
        "am",
        "/",
        "é",
        "٣",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..12).prop_map(|words| words.concat())
}

fn relative() -> impl Strategy<Value = String> {
    let unit =
        prop::sample::select(vec!["ms", "s", "m", "h", "d", "w", "months", "years", "minutes", "days"]);
    let span = prop::collection::vec((0_u32..100, unit), 1..4).prop_map(|parts| {
        parts.into_iter().map(|(count, unit)| format!("{count} {unit} ")).collect::<String>()
    });
    let clock = (0..24, 0..60).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    let day = prop::sample::select(vec!["monday", "tue", "wednesday", "thu", "fri", "sat", "sunday"]);
    let last_day = day.clone().prop_map(|day| format!("last {day}"));
    let short = prop::collection::vec(
        (0_u32..100, prop::sample::select(vec!["ms", "s", "m", "h", "d", "w", "y"])),
        1..4,
    );
    let short =
        short.prop_map(|parts| parts.into_iter().map(|(count, unit)| format!("{count}{unit}")).collect());
    prop_oneof![
        short,
        span.clone().prop_map(|span| format!("{span}ago")),
        span.prop_map(|span| format!("-{}", span.trim_end())),
        clock.clone(),
        day.clone().prop_map(str::to_owned),
        (day, clock.clone()).prop_map(|(day, clock)| format!("{day} {clock}")),
        (last_day, clock.clone()).prop_map(|(day, clock)| format!("{day} {clock}")),
        clock.prop_map(|clock| format!("yesterday {clock}")),
        prop::sample::select(vec!["now", "today", "yesterday", "noon", "midnight"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_much(
        text in prop_oneof!["\\PC*", ".{0,40}", any_words()],
        now in any_time(),
        zone in any_zone(),
    ) {
        let context = TimeContext { now, zone };
        if let Ok(when) = When::parse(&text, &context) {
            prop_assert_eq!(When::parse(&when.to_string(), &context), Ok(when));
        }
        let _ = Range::parse(&text, &context);
        let _ = text.parse::<Timestamp>();
        let _ = text.parse::<Zone>();
    }

    #[test]
    fn what_is_written_is_read_as_the_same(
        when in any_when(),
        after in prop::option::of(any_when()),
        through in prop::option::of(any_when()),
    ) {
        let context = context("-0330");
        prop_assert_eq!(When::parse(&when.to_string(), &context), Ok(when));
        let range = Range { after, through };
        prop_assert_eq!(Range::parse(&range.to_string(), &context), Ok(range));
    }

    #[test]
    fn times_are_read_as_they_are_written(time in any_time(), zone in any_zone()) {
        prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        // A local zone is left out: long ago its distance from UTC had seconds, which RFC 3339 cannot write.
        if zone == Zone::Local {
            return Ok(());
        }
        if let Zone::Fixed(_) = zone {
            prop_assert_eq!(zone.to_string().parse::<Zone>().expect("a zone"), zone);
        }
        let shown = zone.at(time).to_rfc3339();
        for form in ["%Y-%m-%d %H:%M:%S%.6f%:z", "%Y-%m-%d %H:%M:%S%.6f %z", "%Y-%m-%dT%H:%M:%S,%6f%z"] {
            let printed = zone.at(time).format(form).to_string();
            if printed.starts_with(|first: char| first.is_ascii_digit()) && !printed.starts_with("0000") {
                let context = TimeContext { now: time, zone: Zone::utc() };
                prop_assert_eq!(context.time(&printed), Ok(time), "{}", printed);
            }
        }
        if !shown.starts_with(['-', '+']) && !shown.starts_with("0000") {
            prop_assert_eq!(shown.parse::<Timestamp>(), Ok(time));
        }
    }

    #[test]
    fn a_relative_time_has_passed(text in relative(), now in any_time(), zone in any_zone()) {
        let context = TimeContext { now, zone };
        if let Ok(time) = context.time(&text) {
            prop_assert!(time <= now, "`{}` is {}, after {}", text, time, now);
        }
    }
}
