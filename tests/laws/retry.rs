//! What is sent again, refused, previewed or sent in batches.

use phaseledger::ledger::{Answer, AnswerStatus, LedgerError};
use phaseledger::model::{Action, Command, FoundByRole, action};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::generate::{Sent, plans};
use crate::make::{files, text};
use crate::play::{Shared, blameless, cases, play, submit};

proptest! {
    #![proptest_config(cases(64))]

    /// Whatever was recorded and is sent again, in any order, at any time, whatever it expects, changes
    /// nothing and is told its place; anything else under its id is refused.
    #[test]
    fn a_retry_changes_nothing(
        plan in plans(25),
        order in prop::collection::vec((any::<Index>(), any::<Index>()), 40),
        in_session in any::<bool>(),
    ) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = plan.sent();
        let mut recorded: Vec<(Sent, Answer)> = Vec::new();
        for sent in &sent {
            if let Ok(answer) = submit(&mut ledger, sent)
                && answer.status == AnswerStatus::Appended
            {
                recorded.push((sent.clone(), answer));
            }
        }
        prop_assume!(!recorded.is_empty());
        let before = (shared.lines(), shared.all_rows());
        let mut session = ledger.session().expect("memory");
        for (which, now) in order {
            let (again, first) = which.get(&recorded);
            let now = now.get(&sent).now;
            let expect = sent.iter().flat_map(|sent| sent.command.expect.clone()).collect();
            let found = Some(Ok(files(which.index(3) as u8)));
            let fingerprints = FoundByRole { inputs: found.clone(), outputs: found };
            let retry = Command { expect, fingerprints, ..again.command.clone() };
            let answer = session.stage(&retry, now).expect("a retry is never refused");
            assert_eq!((answer.status, answer.id, answer.seq), (AnswerStatus::Duplicate, first.id, first.seq));
            assert_eq!(answer.events, first.events, "as they were recorded");
            let action = Action::Note(action::Note { phase: None, text: text("quite something else") });
            let other = Command { action, ..retry };
            let refused = session.stage(&other, now);
            assert!(matches!(refused, Err(LedgerError::IdConflict { seq, .. }) if seq == first.seq));
            if !in_session {
                session.commit().expect("memory");
            }
        }
        session.commit().expect("memory");
        assert_eq!((shared.lines(), shared.all_rows()), before);
    }

    /// A sender that is cut off anywhere and starts over, any number of times, ends where one does that never
    /// was. (What was refused, or changed nothing, is not recorded: a sender that starts over leaves it out.)
    #[test]
    fn starting_over_ends_in_the_same_place(plan in plans(25), cuts in prop::collection::vec(any::<Index>(), 4)) {
        let calm = Shared::default();
        let answers = play(&mut calm.ledger(), &plan.sent());
        let recorded = |answer: &Result<Answer, LedgerError>| {
            answer.as_ref().is_ok_and(|answer| answer.status == AnswerStatus::Appended)
        };
        let sent = plan.sent().into_iter().zip(&answers);
        let sent: Vec<_> = sent.filter(|(_, answer)| recorded(answer)).map(|(sent, _)| sent).collect();
        let cut_off = Shared::default();
        for cut in cuts {
            play(&mut cut_off.ledger(), &sent[..cut.index(sent.len())]);
        }
        play(&mut cut_off.ledger(), &sent);
        assert_eq!(cut_off.lines(), calm.lines());
        assert_eq!(cut_off.all_rows(), calm.all_rows());
    }

    /// A preview tells what the command then does, and writes nothing.
    #[test]
    fn a_preview_tells_what_will_happen(plan in plans(40)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        for sent in plan.sent() {
            let before = (shared.lines().len(), shared.all_rows(), ledger.head().expect("memory"));
            let preview = blameless(ledger.preview(&sent.command, sent.now));
            let after = (shared.lines().len(), shared.all_rows(), ledger.head().expect("memory"));
            assert_eq!(before, after, "a preview writes nothing");
            let preview = preview.map(|answer| {
                let appended = answer.status == AnswerStatus::Preview;
                Answer { status: if appended { AnswerStatus::Appended } else { answer.status }, ..answer }
            });
            let answer = submit(&mut ledger, &sent);
            assert_eq!(format!("{preview:?}"), format!("{answer:?}"));
        }
    }

    /// A batch, committed wherever, does what its commands do one by one; those refused in the middle leave
    /// no trace.
    #[test]
    fn a_batch_does_what_its_commands_do(plan in plans(40), commits in any::<u64>()) {
        let (one_by_one, batch) = (Shared::default(), Shared::default());
        let sent = plan.sent();
        let answers = play(&mut one_by_one.ledger(), &sent);
        let mut ledger = batch.ledger();
        let mut session = ledger.session().expect("memory");
        for (place, (sent, answer)) in sent.iter().zip(&answers).enumerate() {
            let staged = session.staged_events();
            let found = blameless(session.stage(&sent.command, sent.now));
            assert_eq!(format!("{found:?}"), format!("{answer:?}"));
            let is_new = |answer: &Answer| answer.status == AnswerStatus::Appended;
            let more = found.ok().filter(is_new).map_or(0, |answer| answer.events.len());
            assert_eq!(session.staged_events(), staged + more);
            if commits >> (place % 64) & 1 == 1 && place % 3 == 0 {
                session.commit().expect("memory");
            }
        }
        let durable = batch.lines().len();
        assert_eq!(&batch.lines()[..], &one_by_one.lines()[..durable], "what is staged is not there");
        session.commit().expect("memory");
        drop(session);
        assert_eq!(batch.lines(), one_by_one.lines());
        assert_eq!(batch.all_rows(), one_by_one.all_rows());
        assert_eq!(ledger.head().expect("memory"), one_by_one.ledger().head().expect("memory"));
    }

    /// A batch that is dropped was never there.
    #[test]
    fn a_dropped_batch_leaves_nothing(plan in plans(10), from in any::<Index>()) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = plan.sent();
        let (first, rest) = sent.split_at(from.index(sent.len()));
        play(&mut ledger, first);
        let before = (shared.lines(), shared.all_rows());
        let mut session = ledger.session().expect("memory");
        for sent in rest {
            let _ = blameless(session.stage(&sent.command, sent.now));
        }
        drop(session);
        assert_eq!((shared.lines(), shared.all_rows()), before);
    }

    /// What is refused changes nothing, now or later: a ledger that was never sent it has the same log.
    #[test]
    fn a_refusal_changes_nothing(plan in plans(40)) {
        let (all, accepted) = (Shared::default(), Shared::default());
        let (mut ledger, mut other) = (all.ledger(), accepted.ledger());
        for sent in plan.sent() {
            let before = (ledger.head().expect("memory"), all.all_rows());
            let answer = submit(&mut ledger, &sent);
            if answer.as_ref().is_ok_and(|answer| answer.status == AnswerStatus::Appended) {
                let same = submit(&mut other, &sent);
                assert_eq!(format!("{same:?}"), format!("{answer:?}"));
            } else {
                assert_eq!((ledger.head().expect("memory"), all.all_rows()), before);
            }
        }
        assert_eq!(all.lines(), accepted.lines());
        assert_eq!(all.all_rows(), accepted.all_rows());
    }
}
