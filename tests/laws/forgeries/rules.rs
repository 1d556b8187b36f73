//! What the rules cannot follow.

use serde_json::{Value, json};

use super::log::Log;
use super::{By, Forgery, by_all};

const NO_PHASE: &str = "apply_to: there is no phase `{id}`";
const ALREADY: &str = "requested: the request {} is there already";
const ELSE: &str = "decided: the request {request} is event {}, about something else";
const SUM: &str = "recorded: a cost of {} cannot be added to what was spent";
const NOTHING: &str = "change: there is nothing that it could be about";
const SPENT: &str = "change: what was spent is {found_spent}, with {limit}";
const HOLDS: &str = "reserved: {amount} cannot be held";
const RELEASES: &str = "released: nothing is held by {event}";

fn reason() -> Value {
    json!({"reason": "because"})
}

fn vouched(attempt: u32) -> Value {
    json!({"attempt": attempt, "reason": "because"})
}

fn taken_back() -> Value {
    json!({"reason": "because", "withdrawn": "manual"})
}

/// What takes an event back.
fn reverted(log: &Log, seq: usize, what: &str) -> Value {
    json!({"event": log.field(seq, "id"), "seq": seq, "reason": "because", "what": what})
}

/// What takes an event back that had taken a mark away, or has one there that had not.
fn marks(log: &Log, seq: usize, again: bool, marks: &[usize]) -> Value {
    let mut data = reverted(log, seq, "mark");
    (data["again"], data["marks"]) = (json!(again), json!(marks));
    data
}

fn note() -> Value {
    json!({"text": "here"})
}

fn started(attempt: u32) -> Value {
    json!({"attempt": attempt, "dependencies_met": true})
}

fn ended(attempt: u32) -> Value {
    json!({"attempt": attempt, "duration_seconds": 1.0, "error": "no"})
}

fn cost(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

fn held(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD", "until": "2000-01-01T00:00:00.000000Z"})
}

fn released(log: &Log, seq: usize) -> Value {
    json!({"reservation": {"event": log.field(seq, "id"), "seq": seq}, "amount": "1"})
}

fn request() -> Value {
    json!({"operation": "open", "estimate": "7", "items": 1})
}

/// Adds events that follow, of every kind that the forgeries have.
pub fn honest(log: &mut Log) {
    log.add("note_added", "w/idle", note()).caused_by(&[3, 2]);
    log.add("phase_started", "w/idle", started(1)).leads("PENDING", "IN_PROGRESS");
    log.add("rerun_deferred", "w/running", reason());
    log.add("phase_completed", "w/running", ended(1)).leads("IN_PROGRESS", "COMPLETE");
    log.add("rerun_marked", "w/running", reason()).leads("COMPLETE", "NEEDS_RERUN");
    log.add("rerun_cause_added", "w/running", reason());
    log.add("rerun_withdrawn", "w/running", taken_back());
    log.add("rerun_cleared", "w/running", json!({"compared": []})).leads("NEEDS_RERUN", "COMPLETE");
    log.add("phase_failed", "w/idle", ended(1)).leads("IN_PROGRESS", "FAILED");
    log.add("phase_accepted", "w/idle", vouched(1)).leads("FAILED", "COMPLETE");
    log.add("rerun_marked", "w/idle", reason()).leads("COMPLETE", "NEEDS_RERUN");
    log.add("phase_skipped", "w/idle", reason()).leads("NEEDS_RERUN", "PENDING");
    let data = reverted(log, log.place("phase_skipped", 0), "skip");
    log.add("reverted", "w/idle", data).leads("PENDING", "NEEDS_RERUN");
    let marked = log.place("rerun_marked", 0);
    let data = marks(log, marked, false, &[marked]);
    log.add("reverted", "w/stale", data);
    let unmarked = log.place("reverted", 1);
    let data = marks(log, unmarked, true, &[marked]);
    log.add("reverted", "w/stale", data);
    log.add("phase_reset", "w", reason());
    log.and("phase_reset", "w/idle", reason()).leads("NEEDS_RERUN", "PENDING");
    log.add("tag_set", "", json!({"name": "last", "seq": 3}));
    log.add("tag_removed", "", json!({"name": "last", "seq": 3}));
    log.add("cost_recorded", "w/pending", cost("1")).add("cost_recorded", "w/pending", cost("-1"));
    log.add("cost_limit_set", "w/idle", json!({"limit": "1", "before": "10"}));
    log.add("cost_recorded", "w/idle", cost("1"));
    log.and("cost_warning_raised", "w/idle", json!({"limit": "1", "spent": "1", "threshold_percent": 80}));
    log.add("cost_recorded", "w/idle", cost("1"));
    log.and("cost_limit_exceeded", "w/idle", json!({"limit": "1", "spent": "2", "over": "1"}));
    log.add("cost_reserved", "w/idle", held("1"));
    let data = released(log, log.end());
    log.add("cost_released", "w/idle", data);
    let period = json!({"per": "day", "clocks": {"zone": "UTC", "rule": "UTC0"}, "from": "1970-01-01T00:00:00.000000Z", "spent": "2"});
    let of_day = json!({"limit": "9", "before": null, "period": period});
    log.add("cost_limit_set", "w/idle", of_day);
    log.add("approval_requested", "w", request());
    decide(log, 0, "w/running", 0);
    for _ in 0..2 {
        let data = reverted(log, log.end(), "decision");
        log.add("reverted", "w/running", data);
    }
    // What was asked of a phase outlives it.
    decide(log, 2, "w/gone", 0);
    log.add("history_imported", "w", history());
    log.add("metadata_recorded", "w/idle", large("a"));
}

/// Places and causes that the log cannot have.
pub fn order() -> Vec<Forgery> {
    let place = "evolve: it is event {}, expected event {}";
    let cause = "evolve: its cause is event {}, which is not before it";
    let caused =
        |forge: fn(&mut Log)| Forgery { told: By::Rules, ..by_all(cause, "which is not before it", forge) };
    vec![
        by_all(place, "it is event 23, expected event 22", |log| {
            log.add("note_added", "", note()).set("seq", json!(23));
        }),
        by_all(place, "it is event 21, expected event 22", |log| {
            log.add("note_added", "", note()).set("seq", json!(21));
        }),
        caused(|log| {
            log.add("note_added", "", note()).caused_by(&[22]);
        }),
        caused(|log| {
            log.add("note_added", "", note()).caused_by(&[2]);
            log.last()["causes"][0]["seq"] = json!(23);
        }),
    ]
}

/// Events about what is not there, or leads elsewhere.
pub fn phases() -> Vec<Forgery> {
    vec![
        by_all("apply_to: about_else(record)", "`phase_started` cannot be about that", |log| {
            log.add("phase_started", "w", started(1));
        }),
        by_all("apply_to: about_else(record)", "`phase_reset` cannot be about that", |log| {
            log.add("phase_reset", "", reason());
        }),
        by_all("noted: about_else(record)", "`note_added` cannot be about that", |log| {
            log.add("note_added", "w", note());
        }),
        by_all("tagged: about_else(record)", "`tag_set` cannot be about that", |log| {
            log.add("tag_set", "", json!({"name": "now", "seq": 22}));
        }),
        by_all("tagged: about_else(record)", "`tag_set` cannot be about that", |log| {
            log.add("tag_set", "", json!({"name": "later", "seq": 23}));
        }),
        by_all("defined: about_else(record)", "`workflow_defined` cannot be about that", |log| {
            let data = log.field(1, "data");
            log.add("workflow_defined", "v", data);
        }),
        by_all("retired: about_else(record)", "`workflow_retired` cannot be about that", |log| {
            log.add("workflow_retired", "w/idle", json!({"reason": "because", "retired": ["idle"]}));
        }),
        by_all(
            "retired: there is no workflow `{name}` in force",
            "there is no workflow `v` in force",
            |log| {
                log.add("workflow_retired", "v", reason());
            },
        ),
        by_all(
            "retired: `{name}` has other phases than those that it retires",
            "`w` has other phases than those that it retires",
            |log| {
                log.add("workflow_retired", "w", json!({"reason": "because", "retired": ["idle"]}));
            },
        ),
        by_all("imported: misplaced(record)", "a `history_imported` does not fit", |log| {
            log.add("history_imported", "w/idle", history());
        }),
        by_all(NO_PHASE, "there is no phase `w/nowhere`", |log| {
            log.add("note_added", "w/nowhere", note());
        }),
        by_all(NO_PHASE, "there is no phase `w/gone`", |log| {
            log.add("note_added", "w/gone", note());
        }),
        by_all(
            "apply_to: `{id}` is {found}, expected {from}",
            "`w/idle` is PENDING, expected FAILED",
            |log| {
                log.add("phase_started", "w/idle", started(1)).leads("FAILED", "IN_PROGRESS");
            },
        ),
        by_all(
            "apply_to: `{id}` is {found}, expected {from}",
            "`w/gone` is PENDING, expected FAILED",
            |log| {
                decide(log, 2, "w/gone", 0).leads("FAILED", "PENDING");
            },
        ),
        by_all("apply_to: `{}` does not lead to {to}", "`phase_started` does not lead to COMPLETE", |log| {
            log.add("phase_started", "w/idle", started(1)).leads("PENDING", "COMPLETE");
        }),
        by_all("apply_to: `{}` does not lead to {to}", "`note_added` does not lead to FAILED", |log| {
            log.add("note_added", "w/idle", note()).leads("PENDING", "FAILED");
        }),
        by_all("apply_to: `{}` does not lead to {to}", "`phase_reset` does not lead to FAILED", |log| {
            log.add("phase_reset", "w/failed", reason());
        }),
    ]
}

/// Events that leave a phase as it stands, and say that it stands otherwise.
pub fn passing() -> Vec<Forgery> {
    let kinds: [(&str, Value); 6] = [
        ("note_added", note()),
        ("metadata_recorded", json!({"metadata": {}})),
        ("cost_recorded", cost("8")),
        ("cost_limit_set", json!({"limit": "1", "before": "10"})),
        ("cost_warning_raised", told("8", "10")),
        ("approval_requested", request()),
    ];
    let mut table: Vec<Forgery> = Vec::new();
    for (kind, data) in kinds {
        let says = "`w/idle` is PENDING, expected FAILED";
        let elsewhere = by_all("apply_to: `{id}` is {found}, expected {from}", says, move |log| {
            log.add("cost_recorded", "w/idle", cost("8"));
            log.add(kind, "w/idle", data.clone()).leads("FAILED", "FAILED");
        });
        table.push(elsewhere);
    }
    table.push(by_all(NO_PHASE, "there is no phase `w/gone`", |log| {
        log.add("approval_requested", "w/gone", request());
    }));
    table
}

/// Attempts and reruns in a state that has none.
pub fn attempts() -> Vec<Forgery> {
    let end = "end: misplaced(record)";
    vec![
        by_all("started: misplaced(record)", "a `phase_started` does not fit", |log| {
            log.add("phase_started", "w/complete", started(2)).leads("COMPLETE", "IN_PROGRESS");
        }),
        by_all("started: misplaced(record)", "a `phase_started` does not fit", |log| {
            log.add("phase_started", "w/running", started(2)).leads("IN_PROGRESS", "IN_PROGRESS");
        }),
        by_all("started: it starts attempt {}, expected {}", "it starts attempt 1, expected 2", |log| {
            log.add("phase_started", "w/failed", started(1)).leads("FAILED", "IN_PROGRESS");
        }),
        by_all("started: it starts attempt {}, expected {}", "it starts attempt 3, expected 2", |log| {
            log.add("phase_started", "w/stale", started(3)).leads("NEEDS_RERUN", "IN_PROGRESS");
        }),
        by_all("end: it ends attempt {ended}, expected {}", "it ends attempt 2, expected 1", |log| {
            log.add("phase_completed", "w/running", ended(2)).leads("IN_PROGRESS", "COMPLETE");
        }),
        by_all("end: it ends attempt {ended}, expected {}", "it ends attempt 0, expected 1", |log| {
            log.add("phase_failed", "w/running", ended(0)).leads("IN_PROGRESS", "FAILED");
        }),
        by_all(end, "a `phase_completed` does not fit", |log| {
            log.add("phase_completed", "w/complete", ended(1)).leads("COMPLETE", "COMPLETE");
        }),
        by_all(end, "a `phase_completed` does not fit", |log| {
            log.add("phase_completed", "w/idle", ended(0)).leads("PENDING", "COMPLETE");
        }),
        by_all(end, "a `phase_failed` does not fit", |log| {
            log.add("phase_failed", "w/stale", ended(1)).leads("NEEDS_RERUN", "FAILED");
        }),
        by_all("marked: misplaced(record)", "a `rerun_marked` does not fit", |log| {
            log.add("rerun_marked", "w/idle", reason()).leads("PENDING", "NEEDS_RERUN");
        }),
        by_all("cause_added: misplaced(record)", "a `rerun_cause_added` does not fit", |log| {
            log.add("rerun_cause_added", "w/complete", reason());
        }),
        by_all("deferred: misplaced(record)", "a `rerun_deferred` does not fit", |log| {
            log.add("rerun_deferred", "w/complete", reason());
        }),
        by_all("accepted: misplaced(record)", "a `phase_accepted` does not fit", |log| {
            log.add("phase_accepted", "w/running", vouched(1)).leads("IN_PROGRESS", "COMPLETE");
        }),
        by_all(
            "accepted: it vouches for attempt {}, expected {}",
            "it vouches for attempt 2, expected 1",
            |log| {
                log.add("phase_accepted", "w/stale", vouched(2)).leads("NEEDS_RERUN", "COMPLETE");
            },
        ),
        by_all("take: misplaced(record)", "a `rerun_withdrawn` does not fit", |log| {
            log.add("rerun_withdrawn", "w/complete", taken_back());
        }),
        by_all("take: there is nothing that a `{}` takes back", "nothing that a `rerun_withdrawn`", |log| {
            log.add("rerun_withdrawn", "w/stale", json!({"reason": "because", "withdrawn": "input"}));
        }),
        by_all("cleared: misplaced(record)", "a `rerun_cleared` does not fit", |log| {
            log.add("rerun_cleared", "w/complete", json!({"compared": []})).leads("COMPLETE", "COMPLETE");
        }),
    ]
}

/// What is taken back and is not there, or not as it must be.
pub fn reverts() -> Vec<Forgery> {
    let nothing = "lifted: event {replaced_by} replaced nothing that could be there again";
    let no_marks = "marked_again: event {} took no marks back";
    let no_decision = "reopened: event {replaced_by} is no decision that stands";
    let takes = "take: there is nothing that a `{}` takes back";
    let other = "check_place: the tag `{name}` names event {}, expected {seq}";
    let no_tag = "check_place: there is no tag `{name}`";
    vec![
        by_all(nothing, "event 3 replaced nothing that could be there again", |log| {
            let data = reverted(log, 3, "skip");
            log.add("reverted", "w/idle", data);
        }),
        // It moved on since.
        by_all(nothing, "replaced nothing that could be there again", |log| {
            log.add("phase_skipped", "w/idle", reason()).add("phase_reset", "w/idle", reason());
            let data = reverted(log, log.place("phase_skipped", 0), "skip");
            log.add("reverted", "w/idle", data);
        }),
        // It took marks back, and no phase away.
        by_all(nothing, "replaced nothing that could be there again", |log| {
            log.add("rerun_withdrawn", "w/stale", taken_back());
            let data = reverted(log, log.end(), "skip");
            log.add("reverted", "w/stale", data);
        }),
        by_all(no_marks, "event 3 took no marks back", |log| {
            let data = marks(log, 3, true, &[3]);
            log.add("reverted", "w/stale", data);
        }),
        by_all(no_marks, "took no marks back", |log| {
            log.add("rerun_withdrawn", "w/stale", taken_back());
            let withdrawn = log.end();
            for _ in 0..2 {
                let data = marks(log, withdrawn, true, &[log.place("rerun_marked", 0)]);
                log.add("reverted", "w/stale", data);
            }
        }),
        by_all("marked_again: misplaced(record)", "a `reverted` does not fit", |log| {
            log.add("rerun_deferred", "w/running", reason());
            log.add("rerun_withdrawn", "w/running", taken_back());
            let data = marks(log, log.end(), true, &[log.end() - 1]);
            log.add("reverted", "w/running", data);
        }),
        by_all(takes, "nothing that a `reverted`", |log| {
            let data = marks(log, 3, false, &[3]);
            log.add("reverted", "w/stale", data);
        }),
        by_all("take: misplaced(record)", "a `reverted` does not fit", |log| {
            let marked = log.place("rerun_marked", 0);
            let data = marks(log, marked, false, &[marked]);
            log.add("reverted", "w/complete", data);
        }),
        by_all(no_decision, "event 3 is no decision that stands", |log| {
            let data = reverted(log, 3, "decision");
            log.add("reverted", "w/running", data);
        }),
        // It is, but of something else.
        by_all(no_decision, "is no decision that stands", |log| {
            decide(log, 0, "w/running", 0);
            let data = reverted(log, log.end(), "decision");
            log.add("reverted", "w/idle", data);
        }),
        by_all(no_decision, "is no decision that stands", |log| {
            decide(log, 0, "w/running", 0);
            let decided = log.end();
            for _ in 0..2 {
                let data = reverted(log, decided, "decision");
                log.add("reverted", "w/running", data);
            }
        }),
        by_all(other, "the tag `here` names event", |log| {
            log.add("tag_removed", "", json!({"name": "here", "seq": 3}));
        }),
        by_all(other, "the tag `here` names event", |log| {
            log.add("tag_set", "", json!({"name": "here", "seq": 2, "from": 3}));
        }),
        by_all(no_tag, "there is no tag `there`", |log| {
            log.add("tag_set", "", json!({"name": "there", "seq": 2, "from": 3}));
        }),
        by_all(no_tag, "there is no tag `there`", |log| {
            log.add("tag_removed", "", json!({"name": "there", "seq": 3}));
        }),
        by_all(no_tag, "there is no tag `here`", |log| {
            let seq = log.field(log.place("tag_set", 0), "data")["seq"].clone();
            log.add("tag_removed", "w", json!({"name": "here", "seq": seq}));
        }),
    ]
}

/// Half of what may be attached to a phase, and a bit.
fn large(key: &str) -> Value {
    json!({"metadata": {key: "x".repeat(140_000)}})
}

fn with(mut data: Value, more: Value) -> Value {
    data["metadata"] = more["metadata"].clone();
    data
}

/// Metadata that is too much with what is there.
pub fn metadata() -> Vec<Forgery> {
    let says = "the metadata has 280014 bytes; at most 262144 are kept";
    vec![
        by_all("attached: .merge(", says, |log| {
            log.add("metadata_recorded", "w/idle", large("a")).add("metadata_recorded", "w/idle", large("b"));
        }),
        by_all("completed: .merge(", says, |log| {
            let data = with(ended(1), large("b"));
            log.add("metadata_recorded", "w/running", large("a"));
            log.add("phase_completed", "w/running", data).leads("IN_PROGRESS", "COMPLETE");
        }),
        by_all("failed: .merge(", says, |log| {
            let data = with(ended(1), large("b"));
            log.add("metadata_recorded", "w/running", large("a"));
            log.add("phase_failed", "w/running", data).leads("IN_PROGRESS", "FAILED");
        }),
        by_all("skipped: .merge(", says, |log| {
            log.add("metadata_recorded", "w/idle", large("a"));
            log.add("phase_skipped", "w/idle", with(reason(), large("b")));
        }),
    ]
}

/// Sums, limits and alerts that are not those of what was spent.
pub fn budgets() -> Vec<Forgery> {
    let spends = |about: &'static str, amount: &'static str| {
        by_all(SUM, "cannot be added to what was spent", move |log| {
            log.add("cost_recorded", about, cost(amount));
        })
    };
    let limits = |check, says, about: &'static str, before: Option<&'static str>| {
        let data = json!({"limit": "1", "before": before});
        by_all(check, says, move |log| {
            log.add("cost_limit_set", about, data.clone());
        })
    };
    let nothing = |about| limits(NOTHING, "there is nothing that it could be about", about, None);
    // So much is spent on `idle`, whose limit is 10, and then that is told.
    let tells = |kind: &'static str, amount: &'static str, (spent, limit): (&'static str, &'static str)| {
        by_all(SPENT, "with a limit of 10", move |log| {
            log.add("cost_recorded", "w/idle", cost(amount)).add(kind, "w/idle", told(spent, limit));
        })
    };
    let again = |kind: &'static str| {
        by_all(SPENT, "what was spent is 9, with a limit of 10", move |log| {
            log.add(kind, "w/running", told("9", "10"));
        })
    };
    vec![
        spends("w", "1"),
        spends("", "1"),
        spends("w/nowhere", "1"),
        spends("w/gone", "1"),
        // More than was spent on the phase, but not on the workflow; too much for the workflow, but not for the phase.
        spends("w/idle", "-1"),
        spends("w/idle", "999999999999999995"),
        nothing(""),
        nothing("v"),
        nothing("w/nowhere"),
        nothing("w/gone"),
        limits(SPENT, "what was spent is 9, with a limit of 10", "w/running", Some("9")),
        limits(SPENT, "what was spent is 0, with no limit", "w/pending", Some("9")),
        by_all(HOLDS, "1 cannot be held", |log| {
            log.add("cost_reserved", "w", held("1"));
        }),
        by_all(HOLDS, "1 cannot be held", |log| {
            log.add("cost_reserved", "w/gone", held("1"));
        }),
        by_all(HOLDS, "999999999999999999 cannot be held", |log| {
            log.add("cost_reserved", "w/idle", held("1")).add(
                "cost_reserved",
                "w/idle",
                held("999999999999999999"),
            );
        }),
        by_all(RELEASES, "nothing is held by", |log| {
            let data = released(log, 1);
            log.add("cost_released", "w/idle", data);
        }),
        by_all(RELEASES, "nothing is held by", |log| {
            log.add("cost_reserved", "w/idle", held("1"));
            let data = released(log, log.end());
            log.add("cost_released", "w/running", data);
        }),
        by_all(SPENT, "what was spent is 0, with a limit of 10", |log| {
            let clocks = json!({"zone": "UTC", "rule": "UTC0"});
            let period =
                json!({"per": "day", "clocks": clocks, "from": "1970-01-02T00:00:00.000000Z", "spent": "0"});
            log.add("cost_limit_set", "w/idle", json!({"limit": "1", "before": null, "period": period}));
        }),
        again("cost_warning_raised"),
        tells("cost_warning_raised", "7", ("7", "10")),
        tells("cost_warning_raised", "8", ("9", "10")),
        tells("cost_warning_raised", "8", ("8", "9")),
        tells("cost_limit_exceeded", "10", ("10", "10")),
        tells("cost_limit_exceeded", "11", ("12", "10")),
        tells("cost_limit_exceeded", "11", ("11", "9")),
    ]
}

fn told(spent: &str, limit: &str) -> Value {
    json!({"limit": limit, "spent": spent, "over": "1", "threshold_percent": 80})
}

/// Adds a person's decision on a request, counted among the requests; `off` is how far it misses the request's place.
fn decide<'a>(log: &'a mut Log, index: usize, about: &str, off: usize) -> &'a mut Log {
    let seq = log.place("approval_requested", index);
    let request = log.field(seq, "id");
    let data =
        json!({"request": request, "request_seq": seq + off, "decided_by": "person", "reason": "because"});
    log.add("approval_granted", about, data)
}

/// Requests of nobody, and decisions on nothing.
pub fn approvals() -> Vec<Forgery> {
    let no_workflow = "requested: it is about no workflow";
    let decided = "decided: the request {request} was decided by event {}";
    vec![
        by_all(no_workflow, "it is about no workflow", |log| {
            log.add("approval_requested", "", request());
        }),
        by_all(no_workflow, "it is about no workflow", |log| {
            log.add("approval_requested", "v", request());
        }),
        by_all(ALREADY, "is there already", |log| {
            // The same command once more, though not next to itself: its ids are what they must be.
            let seq = log.place("approval_requested", 0);
            let (command, event) = (log.field(seq, "command_id"), log.field(seq, "id"));
            log.add("approval_requested", "w/running", request());
            log.set("command_id", command).set("id", event.clone()).set("correlation_id", event);
        }),
        by_all("decided: there is no request {request}", "there is no request", |log| {
            decide(log, 0, "w/running", 0);
            let other = log.field(1, "id");
            log.last()["data"]["request"] = other;
        }),
        by_all(decided, "was decided by event", |log| {
            decide(log, 1, "w", 0);
        }),
        by_all(decided, "was decided by event", |log| {
            decide(log, 0, "w/running", 0);
            decide(log, 0, "w/running", 0);
        }),
        by_all(ELSE, "about something else", |log| {
            decide(log, 0, "w/running", 1);
        }),
        by_all(ELSE, "about something else", |log| {
            decide(log, 0, "w/idle", 0);
        }),
    ]
}

fn history() -> Value {
    json!({"source": "x", "lines": 1, "digest": format!("sha256:{}", "0".repeat(64))})
}
