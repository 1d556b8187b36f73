//! What no line is, and lines that contradict those before them.

use serde_json::{Value, json};

use super::log::{Log, id};
use super::{By, Forgery, by_all};
use crate::make::time;

fn note(log: &mut Log) -> &mut Log {
    log.add("note_added", "", json!({"text": "here"}))
}

/// Adds what follows: a command of several events, with causes.
pub fn honest(log: &mut Log) {
    note(log).caused_by(&[4, 20]).and("note_added", "", json!({"text": "too"})).caused_by(&[20]);
}

/// Lines that are no events.
pub fn unreadable() -> Vec<Forgery> {
    let edge = "from_line: an edge names a bare phase, but the event has no `workflow`";
    let derived = "from_line: `derived` without `rule`, or `rule` without `derived`";
    let leads = "from_line: `from` without `to`, or `to` without `from`";
    let causation = "from_line: `causation_id` is not the first of `causes`";
    vec![
        by_all("from_line: `phase` without `workflow`", "`phase` without `workflow`", |log| {
            note(log).set("phase", json!("idle"));
        }),
        by_all(leads, "`from` without `to`", |log| {
            note(log).set("from", json!("PENDING"));
        }),
        by_all(leads, "`from` without `to`", |log| {
            note(log).set("to", json!("PENDING"));
        }),
        by_all(edge, "an edge names a bare phase", |log| {
            note(log).caused_by(&[2]).last()["causes"][0]["edge"] = json!(["idle", "stale"]);
        }),
        by_all(causation, "`causation_id` is not the first", |log| {
            note(log).caused_by(&[2]).without("causation_id");
        }),
        by_all(causation, "`causation_id` is not the first", |log| {
            let other = log.field(3, "id");
            note(log).caused_by(&[2, 3]).set("causation_id", other);
        }),
        by_all(derived, "`derived` without `rule`", |log| {
            note(log).set("derived", json!(true));
        }),
        by_all(derived, "`derived` without `rule`", |log| {
            note(log).set("rule", json!("reset_all/1"));
        }),
        by_all(VERSION, "the event has format version 3", |log| {
            note(log).set("v", json!(3));
        }),
        by_all(KIND, "unknown kind of event `note_subtracted`", |log| {
            note(log).set("kind", json!("note_subtracted"));
        }),
        by_all(JSON, "the line is not an event", |log| {
            note(log).without("by");
        }),
        by_all(JSON, "the line is not an event", |log| {
            note(log).set("data", json!({}));
        }),
        by_all(JSON, "the line is not an event", |log| {
            note(log);
            *log.last() = Value::Null;
        }),
    ]
}

/// What a line that is no event is told by: words of the error itself.
const VERSION: &str =
    "LineError: the event has format version {found}; this version reads 1 to {FORMAT_VERSION}";
const KIND: &str = "LineError: unknown kind of event `{found}`";
const JSON: &str = "LineError: the line is not an event: {0}";

/// Events that the rules derive otherwise.
pub fn underived() -> Vec<Forgery> {
    let told = |check, says, forge: fn(&mut Log)| Forgery { told: By::Verify, ..by_all(check, says, forge) };
    vec![
        told("follow: its rule derives {expected} here", "its rule derives nothing here", |log| {
            let mark = json!({"reason": "because"});
            note(log).and("rerun_marked", "w/complete", mark).leads("COMPLETE", "NEEDS_RERUN");
            let note = log.place("note_added", 2);
            log.caused_by(&[note]).set("rule", json!("stale/1")).set("derived", json!(true));
        }),
        told(
            "follow: its command derives {} in front of it",
            "its command derives `phase_failed` of w/running in front of it",
            |log| {
                log.add("cost_recorded", "w/running", json!({"amount": "2", "currency": "USD"}));
                let cost = log.place("cost_recorded", 1);
                let over = json!({"limit": "10", "spent": "11", "over": "1", "currency": "USD"});
                log.and("cost_limit_exceeded", "w/running", over).caused_by(&[cost]);
                log.set("rule", json!("cost_limit/1")).set("derived", json!(true));
                log.last()["causes"][0]["kind"] = json!("cost_recorded");
                log.and("note_added", "", json!({"text": "in front of what is derived"}));
            },
        ),
        told(
            "end: its command derives {} after it",
            "its command derives `cost_limit_exceeded` of w/running after it",
            |log| {
                log.add("cost_recorded", "w/running", json!({"amount": "2", "currency": "USD"}));
            },
        ),
    ]
}

/// Events that are not where, when or of what they say.
pub fn misplaced() -> Vec<Forgery> {
    let told = |check, says, forge: fn(&mut Log)| Forgery { told: By::Audit, ..by_all(check, says, forge) };
    let digest = "check_place: the first event of a command, and no other, has a digest";
    let recorded = "check_place: it was recorded at {}, event {} at {}";
    let times = "check_place: its times are not those of event {}, of the same command";
    let rests = "check_rests: it took effect at {}, before event {} at {at}, which it rests on";
    let cause = "check_causes: its cause {} is not event {}";
    let root = "check_causes: its root is {}, expected {root}";
    vec![
        told("check_place: its id is {}, expected {expected}", "its id is", |log| {
            note(log).set("id", json!(id(99))).set("correlation_id", json!(id(99)));
        }),
        told("check_place: its id is {}, expected {expected}", "its id is", |log| {
            note(log).and("note_added", "", json!({"text": "too"}));
            let third = id(31).event(2);
            log.set("id", json!(third)).set("correlation_id", json!(third));
        }),
        told(digest, "has a digest", |log| {
            note(log).without("command_digest");
        }),
        told(digest, "has a digest", |log| {
            let digest = log.field(1, "command_digest");
            note(log).and("note_added", "", json!({"text": "too"})).set("command_digest", digest);
        }),
        told("check_place: its key is not that of its command's id", "its key is not", |log| {
            note(log).set("key", json!("another"));
        }),
        told("check_place: it took effect at {}, before event {} at {}", "it took effect at", |log| {
            note(log).set("at", json!(time(29))).of_first_form();
        }),
        told(
            "check_place: its form is that of version {}, that of event {} of version {}",
            "its form is",
            |log| {
                note(log).set("v", json!(1));
            },
        ),
        told(times, "its times are not those of event 22", |log| {
            note(log).and("note_added", "", json!({"text": "too"})).set("at", json!(time(32)));
        }),
        told(times, "its times are not those of event 22", |log| {
            note(log).and("note_added", "", json!({"text": "too"})).set("clock", json!(time(3)));
        }),
        told(
            "check_times: it keeps a claim of {claimed}, but took effect at {}",
            "it keeps a claim",
            |log| {
                note(log).set("occurred_at", json!(time(31)));
            },
        ),
        told("check_times: the clock was at {clock}, not behind {}", "the clock was at", |log| {
            note(log).set("clock", json!(time(31)));
        }),
        told(rests, "before event 1 at 1970-01-01T00:00:00.000001Z, which it rests on", |log| {
            log.add("note_added", "w/pending", json!({"text": "early"})).set("at", json!(time(0)));
        }),
        told(recorded, "it was recorded at", |log| {
            note(log).set("recorded_at", json!(time(30)));
        }),
        told(recorded, "it was recorded at", |log| {
            note(log).set("recorded_at", json!(time(29)));
        }),
        told(recorded, "it was recorded at", |log| {
            note(log).and("note_added", "", json!({"text": "too"})).set("recorded_at", json!(time(32)));
        }),
        told(recorded, "it was recorded at", |log| {
            note(log).and("note_added", "", json!({"text": "too"})).set("recorded_at", json!(time(30)));
        }),
        told(cause, "is not event 3", |log| {
            note(log).caused_by(&[2]).last()["causes"][0]["seq"] = json!(3);
        }),
        told(cause, "is not event 0", |log| {
            note(log).caused_by(&[2]).last()["causes"][0]["seq"] = json!(0);
        }),
        told(cause, "is not event 3", |log| {
            note(log).caused_by(&[2, 3]).last()["causes"][1]["event"] = json!(id(99));
        }),
        told(root, "its root is", |log| {
            let other = log.field(2, "id");
            note(log).set("correlation_id", other);
        }),
        told(root, "its root is", |log| {
            let own = note(log).last()["id"].clone();
            log.caused_by(&[2]).set("correlation_id", own);
        }),
        // The root of the second cause, and the first cause itself instead of its root.
        told(root, "its root is", |log| {
            let second = log.field(3, "correlation_id");
            note(log).caused_by(&[2, 3]).set("correlation_id", second);
        }),
        told(root, "its root is", |log| {
            let derived = log.place("cost_warning_raised", 0);
            let event = log.field(derived, "id");
            note(log).caused_by(&[derived]).set("correlation_id", event);
        }),
    ]
}
