//! Random ledgers: graphs of up to twelve phases in up to three workflows, and what is sent to them.
//!
//! A [`Plan`] is small numbers that shrink well; [`Plan::sent`] turns it into commands. Many of them are
//! refused, as in life. What a plan says never depends on what the ledger answers.

use chrono::DateTime;
use phaseledger::model::{
    Action, Actor, Again, Command, CommandId, Definition, Digest, Expectation, Metadata, PhaseDefinition,
    PhaseName, PhaseRef, Seq, StateName, TagName, Text, Timestamp, WorkflowName,
};
use proptest::prelude::*;

/// A command, and the clock when it is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub command: Command,
    pub now: Timestamp,
}

/// A graph, and what happens to it.
#[derive(Debug, Clone)]
pub struct Plan {
    workflows: u8,
    slots: Vec<Slot>,
    told: Vec<Told>,
}

/// A phase that may be. It needs none but slots before it, so that no plan has a cycle.
#[derive(Debug, Clone)]
struct Slot {
    workflow: u8,
    /// Gives the phase its place among the names of its workflow.
    order: u16,
    /// One bit for each slot before it.
    needs: u16,
}

#[derive(Debug, Clone)]
struct Told {
    step: Step,
    clock: u8,
    claim: u8,
    expect: u8,
    bare: bool,
}

/// What to do; slots and outputs are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    /// Start and complete every phase, in order.
    RunAll {
        outputs: u16,
    },
    /// Start and complete one phase.
    Run {
        slot: u8,
        output: u8,
        unmet: bool,
    },
    Start {
        slot: u8,
        unmet: bool,
        again: u8,
    },
    Complete {
        slot: u8,
        output: u8,
    },
    Fail {
        slot: u8,
    },
    Skip {
        slot: u8,
    },
    Rerun {
        slot: u8,
    },
    Reset {
        slot: u8,
    },
    ResetAll {
        workflow: u8,
    },
    Redefine {
        slot: u8,
        other: u8,
        what: u8,
    },
    Meta {
        slot: u8,
    },
    Note {
        slot: u8,
    },
    Tag {
        seq: u8,
    },
    /// Send an earlier command again.
    Again {
        index: u8,
    },
    /// Send something else under an earlier command's id.
    Other {
        index: u8,
    },
}

/// Plans with up to so many steps after the graph is there and has run once.
pub fn plans(steps_max: usize) -> impl Strategy<Value = Plan> {
    let slot = (0..3u8, any::<u16>(), any::<u16>(), any::<u16>());
    let slot = slot.prop_map(|(workflow, order, a, b)| Slot { workflow, order, needs: a & b });
    let told = (step(), any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>());
    let told = told.prop_map(|(step, clock, claim, expect, bare)| Told {
        step,
        clock: clock % 8,
        claim: claim % 20,
        expect: expect % 30,
        bare: bare % 8 == 7,
    });
    let slots = prop::collection::vec(slot, 1..=12);
    let told = prop::collection::vec(told, 0..=steps_max);
    (1..=3u8, slots, told).prop_map(|(workflows, slots, told)| Plan { workflows, slots, told })
}

fn step() -> impl Strategy<Value = Step> {
    let slot = || 0..12u8;
    let output = || 0..6u8;
    prop_oneof![
        3 => any::<u16>().prop_map(|outputs| Step::RunAll { outputs }),
        6 => (slot(), output(), any::<bool>()).prop_map(|(slot, output, unmet)| Step::Run { slot, output, unmet }),
        5 => (slot(), any::<bool>(), 0..6u8).prop_map(|(slot, unmet, again)| Step::Start { slot, unmet, again }),
        4 => (slot(), output()).prop_map(|(slot, output)| Step::Complete { slot, output }),
        2 => slot().prop_map(|slot| Step::Fail { slot }),
        2 => slot().prop_map(|slot| Step::Skip { slot }),
        4 => slot().prop_map(|slot| Step::Rerun { slot }),
        2 => slot().prop_map(|slot| Step::Reset { slot }),
        1 => (0..3u8).prop_map(|workflow| Step::ResetAll { workflow }),
        4 => (slot(), slot(), 0..5u8).prop_map(|(slot, other, what)| Step::Redefine { slot, other, what }),
        1 => slot().prop_map(|slot| Step::Meta { slot }),
        1 => slot().prop_map(|slot| Step::Note { slot }),
        1 => any::<u8>().prop_map(|seq| Step::Tag { seq }),
        1 => any::<u8>().prop_map(|index| Step::Again { index }),
        1 => any::<u8>().prop_map(|index| Step::Other { index }),
    ]
}

impl Plan {
    /// Returns the commands, in the order in which they are sent.
    pub fn sent(&self) -> Vec<Sent> {
        let mut sending = Sending::new(self);
        for workflow in (0..self.workflows).chain(0..self.workflows) {
            sending.define(workflow);
        }
        sending.run_all(0);
        for told in &self.told {
            sending.told = told.clone();
            sending.step();
        }
        sending.sent
    }
}

/// Commands in the making, with what they have defined so far.
struct Sending<'a> {
    plan: &'a Plan,
    told: Told,
    present: Vec<bool>,
    needs: Vec<u16>,
    versions: Vec<u32>,
    /// What each slot needs in the definition sent last; none when that does not have it.
    defined: Vec<Option<Vec<usize>>>,
    clock: i64,
    sent: Vec<Sent>,
}

impl<'a> Sending<'a> {
    fn new(plan: &'a Plan) -> Self {
        let count = plan.slots.len();
        Sending {
            plan,
            told: Told { step: Step::Tag { seq: 0 }, clock: 2, claim: 0, expect: 0, bare: false },
            present: vec![true; count],
            needs: plan.slots.iter().map(|slot| slot.needs).collect(),
            versions: vec![1; count],
            defined: vec![None; count],
            clock: 1_700_000_000_000_000,
            sent: Vec::new(),
        }
    }

    fn workflow(&self, slot: usize) -> u8 {
        self.plan.slots[slot].workflow % self.plan.workflows
    }

    fn phase(&self, slot: u8) -> PhaseRef {
        let slot = usize::from(slot) % self.plan.slots.len();
        let full = self.name(slot);
        PhaseRef { workflow: full.workflow.filter(|_| !self.told.bare), phase: full.phase }
    }

    /// Names of one workflow are `a`, `b` …; so bare names are ambiguous where there are several workflows.
    fn name(&self, slot: usize) -> PhaseRef {
        let slots = &self.plan.slots;
        let before = |&other: &usize| {
            self.workflow(other) == self.workflow(slot)
                && (slots[other].order, other) < (slots[slot].order, slot)
        };
        let place = (0..slots.len()).filter(before).count();
        let letter = char::from(b'a' + u8::try_from(place).expect("twelve at most"));
        PhaseRef {
            workflow: Some(workflow_name(self.workflow(slot))),
            phase: PhaseName::new(&letter.to_string()).expect("a letter"),
        }
    }

    fn send(&mut self, action: Action) {
        let id = CommandId::new(uuid::Uuid::from_u128(
            0x0199_0000_0000_7000_8000_0000_0000_0000 + self.sent.len() as u128,
        ));
        self.clock += [0, 1, 1_000_000, 1_000_000, 1_000_000, 86_400_000_000, 999, -3_600_000_000]
            [usize::from(self.told.clock)];
        let claim = match self.told.claim {
            16 => Some(self.clock - 300_000_000),
            17 => Some(self.clock + 60_000_000),
            18 => Some(self.clock + 60_000_001),
            19 => Some(self.clock - 1),
            _ => None,
        };
        let expect = match self.told.expect {
            26 => vec![Expectation::State(vec![StateName::Complete, StateName::NeedsRerun])],
            27 => vec![Expectation::Attempt(1)],
            28 => vec![Expectation::Seq(Seq::new(40))],
            29 => vec![Expectation::Seq(Seq::new(1 << 40))],
            _ => Vec::new(),
        };
        let command = Command { occurred_at: claim.map(time), expect, ..command(id, action) };
        self.sent.push(Sent { command, now: time(self.clock) });
    }

    fn define(&mut self, workflow: u8) {
        let mut phases = Vec::new();
        for slot in 0..self.plan.slots.len() {
            if self.workflow(slot) != workflow {
                continue;
            }
            let there = |need: usize| {
                self.present[need] && (self.workflow(need) == workflow || self.defined[need].is_some())
            };
            let needed = |need: &usize| self.needs[slot] >> need & 1 == 1 && there(*need);
            let needs: Vec<_> = (0..slot).filter(needed).collect();
            let local = |need: usize| self.workflow(need) == workflow && need.is_multiple_of(2);
            let named = |&need: &usize| PhaseRef {
                workflow: self.name(need).workflow.filter(|_| !local(need)),
                ..self.name(need)
            };
            if self.present[slot] {
                let needs = needs.iter().map(named).collect();
                phases.push(phase(self.name(slot).phase, needs, self.versions[slot]));
            }
            self.defined[slot] = self.present[slot].then_some(needs);
        }
        let definition = Definition::new(workflow_name(workflow), phases).expect("no cycle");
        self.send(Action::Define { definition: Box::new(definition) });
    }

    fn run(&mut self, slot: u8, output: u8, allow_unmet: bool) {
        let start = Action::Start {
            phase: self.phase(slot),
            metadata: metadata("run", slot),
            allow_unmet,
            again: None,
        };
        self.send(start);
        self.complete(slot, output);
    }

    fn complete(&mut self, slot: u8, output: u8) {
        let phase = self.phase(slot);
        let output = digest(output);
        self.send(Action::Complete { phase, metadata: metadata("end", slot), output, outputs: Vec::new() });
    }

    fn run_all(&mut self, outputs: u16) {
        for slot in 0..self.plan.slots.len() {
            self.run(slot as u8, 1 + (outputs >> slot & 1) as u8, false);
        }
    }

    fn redefine(&mut self, slot: u8, other: u8, what: u8) {
        let slot = usize::from(slot) % self.plan.slots.len();
        let workflow = self.workflow(slot);
        let elsewhere = |by: &usize| {
            self.workflow(*by) != workflow
                && self.defined[*by].as_ref().is_some_and(|needs| needs.contains(&slot))
        };
        match what {
            0 => self.versions[slot] ^= 2,
            1 | 2 if slot > 0 => self.needs[slot] ^= 1 << (usize::from(other) % slot),
            3 if !(0..self.plan.slots.len()).any(|by| elsewhere(&by)) => self.present[slot] ^= true,
            _ => {}
        }
        self.define(workflow);
    }

    fn step(&mut self) {
        match self.told.step.clone() {
            Step::RunAll { outputs } => self.run_all(outputs),
            Step::Run { slot, output, unmet } => self.run(slot, output, unmet),
            Step::Start { slot, unmet, again } => {
                let again = match again {
                    0 => Some(Again::Rerun(text("once more"))),
                    1 => Some(Again::TakeOver(text("nobody there"))),
                    _ => None,
                };
                let phase = self.phase(slot);
                let metadata = metadata("start", slot);
                self.send(Action::Start { phase, metadata, allow_unmet: unmet, again });
            }
            Step::Complete { slot, output } => self.complete(slot, output),
            Step::Redefine { slot, other, what } => self.redefine(slot, other, what),
            Step::Again { index } => {
                let Sent { command, now } = self.sent[usize::from(index) % self.sent.len()].clone();
                self.sent.push(Sent { command, now });
            }
            Step::Other { index } => {
                let Sent { command, now } = self.sent[usize::from(index) % self.sent.len()].clone();
                let action = Action::Note { phase: None, text: text("something else") };
                self.sent.push(Sent { command: Command { action, ..command }, now });
            }
            step => {
                let action = self.action(&step);
                self.send(action);
            }
        }
    }

    /// Returns the action of a step that is one command, whatever has been defined.
    fn action(&self, step: &Step) -> Action {
        match *step {
            Step::Fail { slot } => Action::Fail {
                phase: self.phase(slot),
                error: text("it broke"),
                exit_code: Some(1),
                signal: None,
                metadata: metadata("fail", slot),
            },
            Step::Skip { slot } => Action::Skip {
                phase: self.phase(slot),
                reason: text("not today"),
                metadata: metadata("skip", slot),
            },
            Step::Rerun { slot } => Action::Rerun { phase: self.phase(slot), reason: text("stale") },
            Step::Reset { slot } => Action::Reset { phase: self.phase(slot), reason: text("anew") },
            Step::ResetAll { workflow } => Action::ResetAll {
                workflow: (workflow < 3).then(|| workflow_name(workflow % self.plan.workflows)),
                reason: text("all anew"),
            },
            Step::Meta { slot } => Action::Meta { phase: self.phase(slot), metadata: metadata("meta", slot) },
            Step::Note { slot } => {
                Action::Note { phase: (slot < 8).then(|| self.phase(slot)), text: text("seen") }
            }
            Step::Tag { seq } => Action::Tag {
                name: TagName::new(&format!("tag-{}", seq % 3)).expect("a name"),
                seq: (seq > 9).then(|| Seq::new(u64::from(seq))),
            },
            _ => unreachable!("more than one command"),
        }
    }
}

/// Returns a command that a caller may send again.
pub fn command(id: CommandId, action: Action) -> Command {
    let by = Actor { name: "ana".into(), host: "build-3".into(), via: "test".into() };
    Command { id, may_repeat: true, by, occurred_at: None, expect: Vec::new(), inferred: None, action }
}

/// Returns the instant so many microseconds after 1970.
pub fn time(micros: i64) -> Timestamp {
    Timestamp::new(DateTime::from_timestamp_micros(micros).expect("a time")).expect("a year")
}

/// Returns a phase of a definition.
pub fn phase(id: PhaseName, needs: Vec<PhaseRef>, version: u32) -> PhaseDefinition {
    let version = (version > 1).then(|| version.to_string());
    let (inputs, outputs) = (Vec::new(), Vec::new());
    PhaseDefinition { id, needs, cost_limit: None, version, inputs, outputs, description: None }
}

pub fn text(text: &str) -> Text {
    Text::new(text).expect("a text")
}

fn workflow_name(workflow: u8) -> WorkflowName {
    WorkflowName::new(["x", "y", "z"][usize::from(workflow)]).expect("a letter")
}

fn metadata(key: &str, slot: u8) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.insert(key, &slot.to_string()).expect("a number");
    metadata.insert("last", &format!("\"{key}\"")).expect("a string");
    metadata
}

/// Outputs come from so small an alphabet that they are often equal; 0 is none.
fn digest(output: u8) -> Option<Digest> {
    match output {
        0 => None,
        5 => Some(Digest::sha256(b"y")),
        1 | 3 | 4 => Some(Digest::sha256(b"x")),
        _ => Some(Digest::sha256(b"z")),
    }
}
