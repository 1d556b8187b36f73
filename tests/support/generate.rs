//! Random ledgers: graphs of up to twelve phases in up to three workflows, and what is sent to them.
//!
//! A [`Plan`] is small numbers that shrink well; [`Plan::sent`] turns it into commands. Many of them are
//! refused, as in life. What a plan says never depends on what the ledger answers.

use phaseledger::model::{
    Action, Again, Amount, Command, CommandId, Definition, EventId, Expectation, FileRole, FoundByRole,
    PhaseDefinition, PhaseName, PhaseRef, Seq, StateName, TagName, Timestamp, WorkflowName, action,
};
use proptest::prelude::*;

use crate::asking;
use crate::make::{changes, command, digest, files, found, metadata, phase, text, time};

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

/// What to do. Slots and outputs are taken modulo what there is; no verb uses every number.
#[derive(Debug, Clone)]
struct Told {
    verb: Verb,
    slot: u8,
    other: u8,
    what: u8,
    output: u8,
    unmet: bool,
    clock: u8,
    claim: u8,
    expect: u8,
    bare: bool,
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    /// Start and complete every phase, in order.
    RunAll,
    /// Start and complete one phase, again if need be.
    Run,
    /// Start a phase, let something happen to one before it, and complete the phase.
    Race,
    /// Skip a phase between two, complete the one after it, then the one before it.
    Detour,
    Start,
    Complete,
    Fail,
    Skip,
    Accept,
    Rerun,
    /// Mark a phase, or state that its inputs changed, and take that back after something else, or at once.
    Regret,
    /// State that inputs changed, to one of a few contents.
    Scan,
    Reset,
    ResetAll,
    Redefine,
    /// Retire a workflow, and perhaps define it again, at once or after something else.
    Retire,
    /// Give a phase another name, mostly saying so, or its old one again.
    Rename,
    Meta,
    Note,
    Tag,
    /// Record costs and refunds, perhaps in an attempt that is started for it.
    Cost,
    /// Set the limit of a phase or a workflow.
    Limit,
    /// Ask leave for something.
    Ask,
    /// Decide on what was asked.
    Decide,
    /// Do something that can be taken back, take it back at once or after something else, and perhaps that too.
    Mistake,
    /// Take an earlier command back, or what is none.
    Revert,
    /// Send an earlier command again.
    Again,
    /// Send something else under an earlier command's id.
    Other,
}

/// Plans with up to so many steps after the graph is there and has run once.
pub fn plans(steps_max: usize) -> impl Strategy<Value = Plan> {
    let slot = (0..3u8, any::<u16>(), any::<u16>(), any::<u16>());
    let slot = slot.prop_map(|(workflow, order, a, b)| Slot { workflow, order, needs: a & b });
    let slots = prop::collection::vec(slot, 1..=12);
    let told = prop::collection::vec(told(), 0..=steps_max);
    (1..=3u8, slots, told).prop_map(|(workflows, slots, told)| Plan { workflows, slots, told })
}

fn told() -> impl Strategy<Value = Told> {
    let verb = prop_oneof![
        3 => Just(Verb::RunAll),
        6 => Just(Verb::Run),
        6 => Just(Verb::Race),
        2 => Just(Verb::Detour),
        5 => Just(Verb::Start),
        4 => Just(Verb::Complete),
        2 => Just(Verb::Fail),
        3 => Just(Verb::Skip),
        5 => Just(Verb::Accept),
        4 => Just(Verb::Rerun),
        5 => Just(Verb::Regret),
        5 => Just(Verb::Scan),
        2 => Just(Verb::Reset),
        1 => Just(Verb::ResetAll),
        4 => Just(Verb::Redefine),
        3 => Just(Verb::Retire),
        5 => Just(Verb::Rename),
        1 => Just(Verb::Meta),
        1 => Just(Verb::Note),
        1 => Just(Verb::Tag),
        10 => Just(Verb::Cost),
        4 => Just(Verb::Limit),
        3 => Just(Verb::Ask),
        3 => Just(Verb::Decide),
        9 => Just(Verb::Mistake),
        7 => Just(Verb::Revert),
        1 => Just(Verb::Again),
        1 => Just(Verb::Other),
    ];
    let rare = (0..8u8, 0..20u8, 0..30u8, 0..8u8);
    (verb, any::<u8>(), any::<u8>(), 0..6u8, 0..6u8, any::<bool>(), rare).prop_map(
        |(verb, slot, other, what, output, unmet, (clock, claim, expect, bare))| {
            let bare = bare == 7;
            Told { verb, slot, other, what, output, unmet, clock, claim, expect, bare }
        },
    )
}

impl Plan {
    /// Returns the commands, in the order in which they are sent.
    pub fn sent(&self) -> Vec<Sent> {
        let mut sending = Sending::new(self);
        for workflow in (0..self.workflows).chain(0..self.workflows) {
            sending.define(workflow);
        }
        sending.run_all();
        for told in &self.told {
            sending.told = told.clone();
            sending.step();
        }
        sending.sent
    }
}

/// Complete what is there with one output, a second after the other.
const FIRST: Told = Told {
    verb: Verb::RunAll,
    slot: 0,
    other: 0,
    what: 0,
    output: 1,
    unmet: false,
    clock: 2,
    claim: 0,
    expect: 0,
    bare: false,
};

/// Commands in the making, with what they have defined so far.
struct Sending<'a> {
    plan: &'a Plan,
    told: Told,
    present: Vec<bool>,
    needs: Vec<u16>,
    versions: Vec<u32>,
    /// What each slot is called beside its letter, and was called before.
    suffixes: Vec<&'static str>,
    renamed_from: Vec<Option<PhaseName>>,
    /// The limit of each slot, and of each workflow after them.
    limits: Vec<Option<Amount>>,
    /// Which policy on approvals each workflow has.
    policies: [u8; 3],
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
            told: FIRST,
            present: vec![true; count],
            needs: plan.slots.iter().map(|slot| slot.needs).collect(),
            versions: vec![1; count],
            suffixes: vec![""; count],
            renamed_from: vec![None; count],
            limits: vec![None; count + 3],
            policies: [0; 3],
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
            phase: PhaseName::new(&format!("{letter}{}", self.suffixes[slot])).expect("a letter, and more"),
        }
    }

    /// Gives a phase another name. Now and then the definition does not say so, or says it once the name is there.
    fn rename(&mut self, slot: u8, what: u8) {
        let slot = usize::from(slot) % self.plan.slots.len();
        let before = self.name(slot).phase;
        if what == 5 && self.renamed_from[slot].is_none() {
            self.suffixes[slot] = if self.suffixes[slot] == "-x" { "-y" } else { "-x" };
            self.define(self.workflow(slot));
        } else if what < 5 {
            let suffixes = ["", "-x", "-y"];
            let others: Vec<_> =
                suffixes.into_iter().filter(|suffix| *suffix != self.suffixes[slot]).collect();
            self.suffixes[slot] = others[usize::from(what) % others.len()];
        }
        self.renamed_from[slot] = Some(before).filter(|before| *before != self.name(slot).phase);
        self.define(self.workflow(slot));
    }

    fn send(&mut self, action: Action) {
        let id = CommandId::new(uuid::Uuid::from_u128(
            0x0199_0000_0000_7000_8000_0000_0000_0000 + self.sent.len() as u128,
        ));
        self.clock += [0, 1, 1_000_000, 1_000_000, 1_999_998, 86_400_000_000, 999, -3_600_000_000]
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
        let look = |contents: u8| self.told.slot.is_multiple_of(4).then(|| found(contents % 4));
        let fingerprints = FoundByRole { inputs: look(self.told.other / 4), outputs: look(self.told.other) };
        let command = Command {
            occurred_at: claim.map(|at| time(at).into()),
            expect,
            fingerprints,
            ..command(id, action)
        };
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
            let named = |&need: &usize| {
                let PhaseRef { workflow: of, phase } = self.name(need);
                // Another workflow may speak of it by the name that it had.
                let old = self.renamed_from[need]
                    .clone()
                    .filter(|_| self.workflow(need) != workflow && self.told.output.is_multiple_of(2));
                PhaseRef { workflow: of.filter(|_| !local(need)), phase: old.unwrap_or(phase) }
            };
            if self.present[slot] {
                let needs = needs.iter().map(named).collect();
                let phase = phase(self.name(slot).phase, needs, self.versions[slot]);
                let renamed_from = self.renamed_from[slot].clone();
                phases.push(PhaseDefinition { cost_limit: self.limits[slot], renamed_from, ..phase });
            }
            self.defined[slot] = self.present[slot].then_some(needs);
        }
        let definition = Definition::new(workflow_name(workflow), phases).expect("no cycle");
        // Only one of them has a currency.
        let currency = (workflow == 0).then(|| "USD".to_owned());
        let limit = self.limits[self.plan.slots.len() + usize::from(workflow)];
        let definition = definition.described(None, currency, limit, Default::default());
        let definition = definition.approved_by(asking::policy(self.policies[usize::from(workflow)]));
        self.send(Action::Define(action::Define { definition: Box::new(definition) }));
    }

    fn start(&mut self, slot: u8, allow_unmet: bool, again: Option<Again>) {
        let (phase, metadata) = (self.phase(slot), metadata("start", slot));
        let over_limit = self.told.other.is_multiple_of(2).then(|| text("go on"));
        let inputs = if self.told.what == 5 { files(self.told.output) } else { Vec::new() };
        self.send(Action::Start(action::Start {
            phase,
            metadata,
            allow_unmet,
            again,
            over_limit,
            inputs,
            worker: None,
        }));
    }

    fn scan(&self, slot: u8, to: u8) -> Action {
        let role = if self.told.unmet { FileRole::Outputs } else { FileRole::Inputs };
        let (phase, changes) = (self.phase(slot), changes(role, to));
        Action::FilesChanged(action::FilesChanged { phase, role, changes })
    }

    /// Starts a phase whether it is complete or not: one of the two is refused.
    fn begin(&mut self, slot: u8, allow_unmet: bool) {
        self.start(slot, allow_unmet, None);
        self.start(slot, allow_unmet, Some(Again::Rerun(text("once more"))));
    }

    fn race(&mut self) {
        let Told { what, output, .. } = self.told;
        let slot = self.told.slot % self.plan.slots.len() as u8;
        let other = self.told.other % (slot + 1);
        self.begin(slot, true);
        match what {
            0 => self.redefine(other, 0),
            1 => self.send(Action::Reset(action::Reset { phase: self.phase(other), reason: text("anew") })),
            2 | 3 => self.send(self.rerun(other, false)),
            4 => self.send(self.scan(other, output)),
            _ => self.begin(other, true),
        }
        if what % 2 == 1 {
            self.start(other, true, None);
            self.complete(other, output);
        }
        self.complete(slot, output);
        self.complete(other, 1);
    }

    fn detour(&mut self) {
        let Told { what, output, .. } = self.told;
        let slot = self.told.slot % self.plan.slots.len() as u8;
        let between = self.told.other % (slot + 1);
        let first = what % (between + 1);
        self.send(Action::Reset(action::Reset { phase: self.phase(between), reason: text("anew") }));
        self.send(self.skip(between));
        self.begin(slot, true);
        if what < 4 {
            self.complete(slot, output);
        }
        self.begin(first, true);
        self.complete(first, output);
    }

    fn regret(&mut self) {
        let Told { slot, other, what, output, unmet, .. } = self.told;
        let by_scan = what % 2 == 0;
        let said = if by_scan { self.scan(slot, 1 + output) } else { self.rerun(slot, false) };
        self.send(said);
        match what / 2 {
            0 => {}
            1 => {
                self.begin(other, unmet);
                self.complete(other, output);
            }
            _ => self.send(self.rerun(other, false)),
        }
        self.send(if by_scan { self.scan(slot, 0) } else { self.rerun(slot, true) });
    }

    fn complete(&mut self, slot: u8, output: u8) {
        let phase = self.phase(slot);
        let output = digest(output);
        self.send(Action::Complete(action::Complete {
            phase,
            metadata: metadata("end", slot),
            output,
            outputs: Vec::new(),
        }));
    }

    /// Completes every phase; some with another output than the others.
    fn run_all(&mut self) {
        for slot in 0..self.plan.slots.len() as u8 {
            self.start(slot, false, None);
            let other = self.told.unmet && slot % 4 == self.told.slot % 4;
            self.complete(slot, if other { self.told.output } else { 1 });
        }
    }

    fn redefine(&mut self, slot: u8, what: u8) {
        let slot = usize::from(slot) % self.plan.slots.len();
        let workflow = self.workflow(slot);
        let elsewhere = |by: &usize| {
            self.workflow(*by) != workflow
                && self.defined[*by].as_ref().is_some_and(|needs| needs.contains(&slot))
        };
        match what {
            0 => self.versions[slot] ^= 2,
            1 | 2 if slot > 0 => self.needs[slot] ^= 1 << (usize::from(self.told.other) % slot),
            3 if !(0..self.plan.slots.len()).any(|by| elsewhere(&by)) => self.present[slot] ^= true,
            // Refused where another workflow needs it.
            4 => self.present[slot] ^= true,
            5 => self.policies[usize::from(workflow)] = self.told.other,
            // Sometimes a limit of the workflow as a whole.
            _ => {
                let slots = self.plan.slots.len();
                let of = if self.told.unmet { slots + usize::from(workflow) } else { slot.min(1) };
                self.limits[of] = limit(self.told.output);
            }
        }
        self.define(workflow);
    }

    /// Retires the workflow of a slot.
    fn retire(&mut self) {
        let Told { slot, other, what, output, .. } = self.told;
        let workflow = self.workflow(usize::from(slot) % self.plan.slots.len());
        let retire = action::Retire { workflow: workflow_name(workflow), reason: text("done with") };
        self.send(Action::Retire(retire));
        match what {
            0 | 1 => {}
            2 => self.begin(other, true),
            3 => {
                self.redefine(other, output);
                self.define(workflow);
            }
            _ => return,
        }
        self.define(workflow);
    }

    fn spend(&mut self) {
        let Told { slot, other, what, output, unmet, .. } = self.told;
        // Money goes where other money went.
        let slot = slot % 2;
        if unmet {
            self.begin(slot, true);
        }
        for number in 0..=what {
            let amounts = ["0.8", "-0.8", "1", "0.10", "2.0", "-1.00", "0.1", "-0.1"];
            let amount = amounts[usize::from(other.wrapping_add(number * (output + 1))) % amounts.len()];
            let currency = match (output, number) {
                (0, 0) => Some("EUR".to_owned()),
                (1, 0) => Some("USD".to_owned()),
                _ => None,
            };
            self.send(Action::Cost(action::Cost {
                phase: self.phase(slot),
                amount: amount.parse().expect("an amount"),
                currency,
                refund: amount.starts_with('-') != (what == 5 && number == 0),
                model: (other.is_multiple_of(3)).then(|| "opus".to_owned()),
                operation: None,
                metadata: metadata("cost", slot),
                reservation: None,
            }));
        }
    }

    /// Sends something that can be taken back.
    fn err(&mut self, which: u8) {
        let Told { slot, what, output, unmet, .. } = self.told;
        let step = |verb: Verb, slot: u8| Told { verb, slot, ..self.told.clone() };
        self.told = match which % 13 {
            0 | 1 => return self.send(self.rerun(slot, false)),
            2 | 3 => {
                self.send(self.rerun(slot, false));
                return self.send(self.rerun(slot, true));
            }
            4 => step(Verb::Note, slot),
            5 => Told { what: what % 2, ..step(Verb::Tag, slot % 16) },
            6 => step(Verb::Meta, slot),
            7 => Told { what: 0, ..step(Verb::Cost, slot) },
            8 => Told { what: 0, ..step(Verb::Limit, slot) },
            9 if unmet && output < 3 => step(Verb::Rename, slot),
            9 => Told { unmet: unmet && output > 3, ..step(Verb::Redefine, slot) },
            10 => return self.send(self.skip(slot)),
            11 => Told { what: 5, ..step(Verb::Retire, slot) },
            _ => Told { what: what.max(1), ..step(Verb::Decide, slot) },
        };
        self.step();
    }

    fn mistake(&mut self) {
        let told = self.told.clone();
        let Told { other, what, output, .. } = told;
        self.err(other);
        let mistake = self.sent.last().expect("just sent").command.id.event(0);
        self.told = told.clone();
        match output {
            0 => self.begin(other / 12, true),
            1 => self.err(other / 12),
            2 => self.send(self.rerun(other / 12, false)),
            _ => {}
        }
        self.told = told;
        let mut event = mistake;
        for _ in 0..=what % 4 {
            self.revert(event);
            event = self.sent.last().expect("just sent").command.id.event(0);
        }
    }

    fn revert(&mut self, event: EventId) {
        self.send(Action::Revert(action::Revert { event, reason: text("a slip") }));
    }

    /// Chooses an earlier command, rather one that can be taken back, and rather a late one.
    fn earlier(&self) -> EventId {
        let Told { slot, what, output, unmet, .. } = self.told;
        let slot = usize::from(slot);
        let may = |sent: &&Sent| {
            let verb = sent.command.action.verb();
            let may = [
                "rerun",
                "note",
                "tag",
                "meta",
                "cost record",
                "cost limit",
                "define",
                "retire",
                "skip",
                "revert",
            ];
            may.contains(&verb) || verb.starts_with("approval g") || verb.starts_with("approval rej")
        };
        let found: Vec<_> = match what {
            0 => self.sent.iter().collect(),
            _ if unmet => self
                .sent
                .iter()
                .filter(may)
                .filter(|sent| !["define", "retire"].contains(&sent.command.action.verb()))
                .collect(),
            _ => self.sent.iter().filter(may).collect(),
        };
        let Some(last) = found.len().checked_sub(1) else { return EventId::new(uuid::Uuid::from_u128(2)) };
        let which = found[last - slot % found.len().min(if output < 3 { 6 } else { 60 })].command.id;
        match (what, output) {
            (5, 5) => which.event(1),
            (5, 4) => EventId::new(uuid::Uuid::from_u128(2)),
            _ => which.event(0),
        }
    }

    fn step(&mut self) {
        let Told { verb, slot, what, output, unmet, .. } = self.told;
        match verb {
            Verb::RunAll => self.run_all(),
            Verb::Run => {
                self.begin(slot, unmet);
                self.complete(slot, output);
            }
            Verb::Race => self.race(),
            Verb::Cost => self.spend(),
            Verb::Limit => {
                let phase = (!unmet).then(|| self.phase(slot % 2));
                let workflow = unmet.then(|| workflow_name(slot % self.plan.workflows));
                let limit = if what == 5 { "-1".parse().ok() } else { limit(output) };
                self.send(Action::CostLimit(action::CostLimit {
                    phase,
                    workflow,
                    limit,
                    reason: None,
                    per: None,
                    tz: None,
                    clocks: None,
                    was_recorded: false,
                }));
            }
            Verb::Detour => self.detour(),
            Verb::Start => {
                let again = match what {
                    0 => Some(Again::Rerun(text("once more"))),
                    1 => Some(Again::TakeOver(text("nobody there"))),
                    _ => None,
                };
                self.start(slot, unmet, again);
            }
            Verb::Complete => self.complete(slot, output),
            Verb::Redefine => self.redefine(slot, what),
            Verb::Retire => self.retire(),
            Verb::Rename => self.rename(slot, what),
            Verb::Mistake => self.mistake(),
            Verb::Revert => self.revert(self.earlier()),
            Verb::Again | Verb::Other => {
                let Sent { mut command, now } = self.sent[usize::from(slot) % self.sent.len()].clone();
                // Files may have changed since.
                let found = Some(Ok(files(what)));
                command.fingerprints = FoundByRole { inputs: found.clone(), outputs: found };
                if let Verb::Other = verb {
                    command.action = Action::Note(action::Note { phase: None, text: text("something else") });
                }
                self.sent.push(Sent { command, now });
            }
            Verb::Fail => self.send(Action::Fail(action::Fail {
                phase: self.phase(slot),
                error: text("it broke"),
                exit_code: Some(1),
                signal: None,
                stderr: None,
                abandoned: false,
                metadata: metadata("fail", slot),
            })),
            Verb::Skip => self.send(self.skip(slot)),
            Verb::Accept => {
                let (phase, output) = (self.phase(slot), digest(output));
                let reason = text("good enough");
                let inputs = if unmet { files(what) } else { Vec::new() };
                let outputs = Vec::new();
                self.send(Action::Accept(action::Accept { phase, reason, output, outputs, inputs }));
            }
            Verb::Rerun => self.send(self.rerun(slot, what == 5)),
            Verb::Regret => self.regret(),
            Verb::Scan => self.send(self.scan(slot, what)),
            Verb::Reset => {
                self.send(Action::Reset(action::Reset { phase: self.phase(slot), reason: text("anew") }))
            }
            Verb::ResetAll => {
                let workflow = Some(workflow_name(slot % self.plan.workflows));
                self.send(Action::ResetAll(action::ResetAll { workflow, reason: text("all anew") }));
            }
            Verb::Meta => {
                self.send(Action::Meta(action::Meta {
                    phase: self.phase(slot),
                    metadata: metadata(["meta", "start", "skip", "more"][usize::from(what) % 4], output),
                }));
            }
            Verb::Note => {
                self.send(Action::Note(action::Note {
                    phase: unmet.then(|| self.phase(slot)),
                    text: text("seen"),
                }));
            }
            Verb::Ask => {
                let phase = (what % 2 == 0).then(|| self.phase(slot));
                let workflow = phase.is_none().then(|| workflow_name(slot % self.plan.workflows));
                self.send(asking::ask(workflow, phase, self.told.other, what, output));
            }
            Verb::Decide => {
                let asked = self.sent.iter().filter(|sent| sent.command.action.verb() == "approval request");
                let asked: Vec<_> = asked.map(|sent| sent.command.id.event(0)).collect();
                self.send(asking::decide(&asked, slot, unmet));
                if what > 0 {
                    self.sent.last_mut().expect("just sent").command.by.name = "bob".to_owned();
                }
            }
            Verb::Tag => {
                let name = TagName::new(&format!("tag-{what}")).expect("a name");
                // Names are few, so that they move and go; a move says so but for one in three.
                let (force, reason) = (slot % 3 > 0, unmet.then(|| text("no longer so")));
                let seq = unmet.then(|| Seq::new(u64::from(slot)));
                self.send(match output {
                    2.. => Action::Untag(action::Untag { name, reason }),
                    _ => Action::Tag(action::Tag { name, seq, force }),
                });
            }
        }
    }

    fn rerun(&self, slot: u8, withdraw: bool) -> Action {
        Action::Rerun(action::Rerun { phase: self.phase(slot), reason: text("stale"), withdraw })
    }

    fn skip(&self, slot: u8) -> Action {
        let phase = self.phase(slot);
        let metadata = if self.told.output < 3 { metadata("skip", slot) } else { Default::default() };
        Action::Skip(action::Skip { phase, reason: text("not today"), metadata })
    }
}

/// Limits come from so small an alphabet that they are often the same; 0 is none.
fn limit(which: u8) -> Option<Amount> {
    let limits = ["0", "1", "1.00", "2.5", "5"];
    which.checked_sub(1).and_then(|which| limits[usize::from(which) % limits.len()].parse().ok())
}

fn workflow_name(workflow: u8) -> WorkflowName {
    WorkflowName::new(["x", "y", "z"][usize::from(workflow)]).expect("a letter")
}
