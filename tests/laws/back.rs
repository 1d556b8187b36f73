//! Going back: what is taken back is as if it had not been.

use phaseledger::ledger::{AnswerStatus, Ledger};
use phaseledger::model::{
    Action, CommandId, FileRole, PhaseId, PhaseRef, Said, Seq, StateName, Timestamp, action,
};
use phaseledger::rules::{Phase, Table};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use uuid::Uuid;

use crate::generate::{Sent, plans};
use crate::make::{changes, command, text, time};
use crate::oracle::World;
use crate::play::{Shared, blameless, cases, play};
use crate::propagation::follow;

/// A ledger, and the second implementation beside it.
struct Game {
    shared: Shared,
    ledger: Ledger,
    world: World,
    sent: u128,
    now: Timestamp,
}

impl Game {
    fn new(sent: &[Sent]) -> Game {
        let shared = Shared::default();
        let (ledger, now) = (shared.ledger(), sent.last().map_or(time(0), |sent| sent.now));
        let mut game = Game { shared, ledger, world: World::default(), sent: 0, now };
        play(&mut game.ledger, sent);
        game.shared.json(Seq::ZERO).iter().for_each(|line| game.world.apply(line));
        game
    }

    /// Sends what must be recorded, and lets the second implementation follow.
    fn send(&mut self, action: Action) {
        self.sent += 1;
        let command = command(CommandId::new(Uuid::from_u128(1 << 100 | self.sent)), action);
        let answer = blameless(self.ledger.submit(&command, self.now)).expect("it is allowed");
        assert_eq!(answer.status, AnswerStatus::Appended, "{:?}", command.action);
        let lines = self.shared.json(Seq::new(self.world.head));
        follow(&mut self.world, &lines);
    }

    fn mark(&mut self, id: &PhaseId, by: Said) {
        let action = said(id, by, false);
        self.send(action);
    }

    fn take_back(&mut self, id: &PhaseId, by: Said) {
        let action = said(id, by, true);
        self.send(action);
    }

    fn table(&self) -> Table {
        self.ledger.table().expect("memory")
    }

    /// Returns the phases as JSON, but for what tells when they were last written about, for what comes later rests on that;
    /// and what a revert would put back.
    fn phases(&self) -> Vec<Value> {
        let shown = |phase: &Phase| {
            let mut shown = serde_json::to_value(phase).expect("a row");
            let fields = shown.as_object_mut().expect("an object");
            for field in ["last_seq", "updated_at", "moved", "replaced"] {
                fields.remove(field);
            }
            shown
        };
        self.table().phases.values().map(shown).collect()
    }
}

/// What says of a phase that it must run again, and what takes that back.
fn said(id: &PhaseId, by: Said, is_back: bool) -> Action {
    let phase = PhaseRef::from(id.clone());
    match by {
        Said::Manual => Action::Rerun(action::Rerun { phase, reason: text("so"), withdraw: is_back }),
        Said::Input | Said::Output => {
            let role = if by == Said::Input { FileRole::Inputs } else { FileRole::Outputs };
            let changes = changes(role, if is_back { 0 } else { 5 });
            Action::FilesChanged(action::FilesChanged { phase, role, changes })
        }
    }
}

/// Says whether something may be said of a phase, and is not said yet.
fn may_be_said(phase: &Phase, by: Said) -> bool {
    let is_there = match phase.state.name() {
        StateName::Complete | StateName::NeedsRerun => true,
        StateName::InProgress => by == Said::Input,
        StateName::Pending | StateName::Failed => false,
    };
    is_there && !phase.retired && !phase.is_told(by)
}

proptest! {
    #![proptest_config(cases(96))]

    /// What is said of some phases and taken back, in any order, with nothing run in between, leaves every phase as it was.
    #[test]
    fn found_31_what_is_taken_back_leaves_nothing(
        plan in plans(25),
        marks in prop::collection::vec((any::<Index>(), 0..3_usize), 1..5),
        order in prop::collection::vec(any::<Index>(), 5),
    ) {
        let mut game = Game::new(&plan.sent());
        let before = game.phases();
        let mut open = Vec::new();
        for (which, by) in marks {
            let by = [Said::Manual, Said::Input, Said::Output][by];
            let table = game.table();
            let may: Vec<_> = table.phases.values().filter(|phase| may_be_said(phase, by)).collect();
            if may.is_empty() {
                continue;
            }
            let id = which.get(&may).id.clone();
            game.mark(&id, by);
            open.push((id, by));
        }
        for which in order {
            if open.is_empty() {
                break;
            }
            let (id, by) = open.remove(which.index(open.len()));
            game.take_back(&id, by);
        }
        prop_assert_eq!(game.phases(), before);
    }
}
