//! The oracle itself, on small histories that are written by hand: what the design says of each.

use serde_json::{Value, json};

use crate::derive::derive;
use crate::judge::{judge, lawless, misjudged, unmet};
use crate::oracle::{Origin, World};
use crate::roots::{answered, roots, roots_allowed};
use crate::started::builds_on;

/// A history in the making: lines as they would be recorded, and the oracle that follows them.
#[derive(Default)]
struct Book {
    world: World,
    /// How many events were derived so far.
    derived: usize,
}

type Phases<'a> = &'a [(&'a str, &'a [&'a str])];

impl Book {
    fn new(phases: Phases<'_>) -> Book {
        let mut book = Book::default();
        book.define(phases);
        book
    }

    fn line(&self, kind: &str, phase: &str, to: Option<&str>, data: Value) -> Value {
        let seq = self.world.head + 1;
        let mut line =
            json!({"seq": seq, "id": format!("id-{seq}"), "kind": kind, "workflow": "w", "data": data});
        if !phase.is_empty() {
            line["phase"] = json!(phase);
        }
        if let Some(to) = to {
            line["from"] = json!(self.world.phases[&format!("w/{phase}")].state);
            line["to"] = json!(to);
        }
        line
    }

    /// Takes a line, and what follows from it.
    fn take(&mut self, line: &Value) -> u64 {
        self.world.apply(line);
        for expected in derive(&self.world, &[line]) {
            let phase = expected.phase.strip_prefix("w/").expect("of the workflow");
            let data = json!({"reason": "some", "reasons": expected.reasons});
            let mut line = self.line(expected.kind, phase, Some(expected.to), data);
            line["rule"] = json!("stale/1");
            self.world.apply(&line);
            self.derived += 1;
        }
        assert_eq!((misjudged(&self.world), lawless(&self.world)), (None, None));
        line["seq"].as_u64().expect("a number")
    }

    fn define(&mut self, phases: Phases<'_>) -> u64 {
        let versions: Vec<_> = phases.iter().map(|(id, needs)| (*id, *needs, Value::Null)).collect();
        self.define_versions(&versions)
    }

    fn define_versions(&mut self, phases: &[(&str, &[&str], Value)]) -> u64 {
        let known = |id: &str| self.world.phases.get(&format!("w/{id}")).filter(|spot| !spot.retired);
        let added: Vec<_> = phases.iter().map(|(id, ..)| *id).filter(|id| known(id).is_none()).collect();
        let kept = |name: &str| phases.iter().any(|(id, ..)| name == format!("w/{id}"));
        let retired = self.world.current().map(|(name, _)| name).filter(|name| !kept(name));
        let retired: Vec<_> = retired.map(|name| name.replace("w/", "")).collect();
        let mut changed = Vec::new();
        for (id, needs, version) in phases {
            let Some(spot) = known(id) else { continue };
            let mut changes = Vec::new();
            if spot.version != *version {
                changes.push(json!({"what": "version", "before": spot.version, "after": version}));
            }
            let full = needs.iter().map(|need| format!("w/{need}"));
            let new = full.filter(|need| !spot.needs.contains(need));
            changes.extend(new.map(|need| json!({"what": "needs", "before": null, "after": need})));
            if !changes.is_empty() {
                changed.push(json!({"phase": id, "changes": changes}));
            }
        }
        let of = |(id, needs, version): &(&str, &[&str], Value)| json!({"id": id, "needs": needs, "version": version});
        let phases: Vec<_> = phases.iter().map(of).collect();
        let definition = json!({"name": "w", "phases": phases});
        let data = json!({"definition": definition, "added": added, "retired": retired, "changed": changed});
        let line = self.line("workflow_defined", "", None, data);
        self.take(&line)
    }

    fn start(&mut self, phase: &str) -> u64 {
        let name = format!("w/{phase}");
        if self.world.phases[&name].state == "COMPLETE" {
            self.mark(phase);
        }
        let spot = &self.world.phases[&name];
        let behind =
            |need: &String| self.world.now().reach(need).iter().any(|above| self.world.phases[*above].stale);
        let stale: Vec<_> = spot.needs.iter().filter(|need| behind(need)).collect();
        let data = json!({"attempt": spot.attempt + 1, "version": spot.version, "reasons": stale});
        let mut line = self.line("phase_started", phase, Some("IN_PROGRESS"), data);
        line["causes"] = causes(&answered(&self.world, &name));
        self.take(&line)
    }

    fn complete(&mut self, phase: &str, output: Option<&str>) -> u64 {
        let line = self.ended("phase_completed", phase, "COMPLETE", json!({"output": output}));
        self.take(&line)
    }

    fn fail(&mut self, phase: &str) -> u64 {
        let line = self.ended("phase_failed", phase, "FAILED", json!({}));
        self.take(&line)
    }

    fn ended(&self, kind: &str, phase: &str, to: &str, data: Value) -> Value {
        let mut line = self.line(kind, phase, Some(to), data);
        let start = self.world.phases[&format!("w/{phase}")].started.expect("it started");
        line["causes"] = json!([{"seq": start, "event": format!("id-{start}"), "kind": "phase_started"}]);
        line
    }

    /// Starts and completes a phase, and returns the place of the start.
    fn run(&mut self, phase: &str) -> u64 {
        let start = self.start(phase);
        self.complete(phase, None);
        start
    }

    fn mark(&mut self, phase: &str) -> u64 {
        let stale = self.world.phases[&format!("w/{phase}")].stale;
        let kind = if stale { "rerun_cause_added" } else { "rerun_marked" };
        let line = self.line(kind, phase, Some("NEEDS_RERUN"), json!({"reason": "stale"}));
        self.take(&line)
    }

    fn skip(&mut self, phase: &str) -> u64 {
        let behind = causes(&answered(&self.world, &format!("w/{phase}")));
        let line = self.line("phase_skipped", phase, Some("PENDING"), json!({"behind": behind}));
        self.take(&line)
    }

    fn reset(&mut self, phase: &str) -> u64 {
        let line = self.line("phase_reset", phase, Some("PENDING"), json!({}));
        self.take(&line)
    }

    fn state(&self, phase: &str) -> &str {
        &self.world.phases[&format!("w/{phase}")].state
    }

    fn roots(&self, phase: &str) -> Vec<u64> {
        let phase = format!("w/{phase}");
        let roots = roots(&self.world, &phase);
        assert!(roots.is_subset(&roots_allowed(&self.world, &phase)));
        roots.into_iter().collect()
    }

    fn causes(&self, seq: u64) -> Vec<(u64, &str)> {
        let causes = &self.world.facts[seq as usize - 1].causes;
        causes.iter().map(|cause| (cause.seq, cause.kind.as_str())).collect()
    }

    fn reasons(&self, phase: &str) -> Vec<Value> {
        let judged = judge(&self.world);
        judged.get(&format!("w/{phase}")).into_iter().flatten().map(|reason| reason.json("w")).collect()
    }
}

fn causes(origins: &[Origin]) -> Value {
    let one = |origin: &Origin| json!({"seq": origin.seq, "event": origin.event, "kind": origin.kind});
    origins.iter().map(one).collect()
}

#[test]
fn found_11_both_marks_are_roots() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    book.run("a");
    book.run("b");
    let one = book.mark("a");
    let again = book.run("a");
    assert_eq!(book.causes(again), [(one, "rerun_marked")]);
    let two = book.mark("a");
    book.run("c");
    assert_eq!((book.state("c"), book.roots("c")), ("NEEDS_RERUN", vec![one, two]));
}

#[test]
fn found_11_a_reset_is_a_root_and_what_lies_behind_it_adds_nothing() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"])]);
    book.run("a");
    book.run("b");
    book.mark("a");
    let reset = book.reset("a");
    assert_eq!(book.roots("b"), [reset]);
    let again = book.run("a");
    assert_eq!((book.causes(again), book.roots("b")), (vec![(reset, "phase_reset")], vec![reset]));
}

#[test]
fn found_11_a_skip_keeps_what_lies_behind_it() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"])]);
    book.run("a");
    book.run("b");
    let mark = book.mark("a");
    let skip = book.skip("a");
    assert_eq!(book.roots("b"), [skip]);
    let again = book.run("a");
    assert_eq!(book.causes(again), [(skip, "phase_skipped"), (mark, "rerun_marked")]);
    assert_eq!(book.roots("b"), [mark, skip]);
}

#[test]
fn a_retry_answers_the_failure_and_what_that_attempt_answered() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"])]);
    book.run("a");
    book.run("b");
    let mark = book.mark("a");
    book.start("a");
    let failure = book.fail("a");
    let again = book.run("a");
    assert_eq!(book.causes(again), [(failure, "phase_failed"), (mark, "rerun_marked")]);
    assert_eq!(book.roots("b"), [mark], "a failure is no root");
}

#[test]
fn what_a_person_marks_again_is_one_more_own_event() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"])]);
    book.run("a");
    book.run("b");
    let before = book.derived;
    let marks = [book.mark("a"), book.mark("a"), book.mark("a")];
    assert_eq!((book.derived - before, book.roots("b")), (1, marks.to_vec()));
}

#[test]
fn skipped_failed_and_running_phases_are_looked_through_and_equal_outputs_cut_off() {
    let mut book = Book::new(&[("a", &[]), ("s", &["a"]), ("c", &["s"])]);
    book.start("a");
    book.complete("a", Some("x"));
    book.skip("s");
    let start = book.run("c");
    let a = json!({"phase": "w/a", "event": "id-3", "seq": 3, "output": "x"});
    let (consumed, through) = builds_on(book.world.after(start - 1), "w/c");
    assert_eq!(consumed, [json!({"phase": "w/s", "event": "id-4", "seq": 4})]);
    assert_eq!(through, [json!({"need": "w/s", "found": [a]})]);
    assert_eq!(book.state("c"), "COMPLETE");
    book.start("a");
    assert_eq!(book.reasons("c"), [json!({"reason": "need_changed", "need": "s"})]);
    book.complete("a", Some("x"));
    assert_eq!(book.state("c"), "COMPLETE", "cut off early, through the skip");
    let start = book.start("a");
    let mark = book.causes(start)[0].0;
    book.complete("a", Some("y"));
    assert_eq!((book.state("c"), book.roots("c")), ("NEEDS_RERUN", vec![mark]));
}

#[test]
fn an_edge_goes_back_to_the_definition_that_made_or_removed_it() {
    let mut book = Book::new(&[("a", &[]), ("b", &[]), ("m", &["a"]), ("c", &["m"])]);
    book.run("a");
    book.run("b");
    book.run("c");
    let more = book.define(&[("a", &[]), ("b", &[]), ("m", &["a", "b"]), ("c", &["m"])]);
    assert_eq!(book.roots("c"), [more]);
    let less = book.define(&[("a", &[]), ("b", &[]), ("m", &[]), ("c", &["m"])]);
    assert_eq!(book.roots("c"), [less]);
    book.define(&[("a", &[]), ("b", &[]), ("m", &["a"]), ("c", &["m"])]);
    assert_eq!(book.state("c"), "COMPLETE", "undone");
    let nearer = book.run("m");
    assert_eq!(book.roots("c"), [nearer], "hidden behind a nearer completion");
}

#[test]
fn a_need_that_was_added_is_told_whether_it_ran_or_not() {
    let mut book = Book::new(&[("a", &[]), ("c", &[])]);
    book.run("c");
    let added = book.define(&[("a", &[]), ("c", &["a"])]);
    let reason = json!({"reason": "need_added", "need": "a"});
    assert_eq!((book.reasons("c"), book.roots("c")), (vec![reason.clone()], vec![added]));
    book.run("a");
    assert_eq!(book.reasons("c"), std::slice::from_ref(&reason), "`need_changed` is not said of it");
    book.mark("a");
    assert_eq!(book.reasons("c"), [reason, json!({"reason": "need_stale", "need": "a"})]);
    book.define(&[("a", &[]), ("c", &[])]);
    assert_eq!(book.state("c"), "COMPLETE");
}

#[test]
fn a_version_that_goes_back_is_no_reason() {
    let mut book = Book::new(&[("a", &[]), ("c", &["a"])]);
    book.run("a");
    book.run("c");
    let next = book.define_versions(&[("a", &[], json!("2")), ("c", &["a"], Value::Null)]);
    assert_eq!(book.reasons("a"), [json!({"reason": "version", "before": null, "after": "2"})]);
    assert_eq!((book.roots("a"), book.roots("c")), (vec![next], vec![next]));
    book.define(&[("a", &[]), ("c", &["a"])]);
    assert_eq!((book.state("a"), book.state("c")), ("COMPLETE", "COMPLETE"));
}

#[test]
fn a_skip_satisfies_while_nothing_behind_it_is_stale() {
    let mut book = Book::new(&[("a", &[]), ("s", &["a"]), ("c", &["s"])]);
    book.skip("s");
    assert_eq!(unmet(&book.world, "w/c"), Vec::<String>::new(), "what has not run is not stale");
    book.run("a");
    book.mark("a");
    assert_eq!(unmet(&book.world, "w/c"), ["w/s"]);
}

#[test]
fn a_phase_that_comes_back_is_what_it_was_and_is_judged_anew() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    ["a", "b", "c"].iter().for_each(|phase| {
        book.run(phase);
    });
    book.define(&[("a", &[]), ("b", &["a"])]);
    book.mark("a");
    let back = book.define(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    assert_eq!((book.state("c"), book.world.phases["w/c"].attempt), ("NEEDS_RERUN", 1));
    assert_eq!(book.world.facts[back as usize].phase.as_deref(), Some("w/c"), "in the same batch");
}

#[test]
fn an_attempt_over_something_stale_says_so_itself_and_is_marked_as_it_completes() {
    let mut book = Book::new(&[("a", &[]), ("b", &["a"])]);
    book.run("a");
    let mark = book.mark("a");
    let before = book.derived;
    book.start("b");
    assert_eq!((book.world.phases["w/b"].stale, book.derived), (true, before));
    book.complete("b", None);
    assert_eq!((book.state("b"), book.derived, book.roots("b")), ("NEEDS_RERUN", before + 1, vec![mark]));
}

#[test]
fn two_resets_in_turn_lead_to_the_last_and_may_lead_to_both() {
    let mut book = Book::new(&[("a", &[]), ("c", &["a"])]);
    book.run("a");
    book.run("c");
    let again = book.run("a");
    let first = book.causes(again)[0].0;
    let reset = book.reset("a");
    assert_eq!(book.roots("c"), [reset]);
    assert!(roots_allowed(&book.world, "w/c").is_superset(&[first, reset].into()));
}

#[test]
fn derived_events_come_in_the_order_of_needs_and_then_of_names() {
    let mut book = Book::new(&[("p0", &[]), ("p1", &["p0"]), ("p2", &["p1"]), ("q", &["p0"]), ("a", &["q"])]);
    ["p0", "p1", "p2", "q", "a"].iter().for_each(|phase| {
        book.run(phase);
    });
    let mark = book.mark("p0");
    let order = book.world.facts[mark as usize..].iter().filter_map(|fact| fact.phase.as_deref());
    assert_eq!(order.collect::<Vec<_>>(), ["w/p1", "w/p2", "w/q", "w/a"]);
}
