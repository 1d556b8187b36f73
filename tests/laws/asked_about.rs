//! What is asked about a phase is answered from a few rows, as it would be from all of them.

use phaseledger::ask::{self, AskError, Question, Show, ShowPhase, Status, Why};
use phaseledger::ledger::Ledger;
use phaseledger::model::PhaseRef;
use phaseledger::query::StatusFilter;
use phaseledger::store::Cache;
use proptest::prelude::*;
use serde::Serialize;

use crate::generate::plans;
use crate::play::{Shared, cases, play};

/// Returns an answer as JSON, or why there is none.
fn answer<Q: Question<View: Serialize>>(shared: &Shared, question: &Q) -> String {
    let answered = ask::now(|| Ok::<_, AskError>(shared.ledger()), question);
    let told = answered.map(|view| serde_json::to_string(&view).expect("JSON"));
    told.unwrap_or_else(|error| format!("{error:?}"))
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_few_rows_tell_of_a_phase_what_all_of_them_do(plan in plans(7)) {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let mut folded = shared.fork();
        folded.forget_cache().expect("memory");
        let table = Ledger::new(Box::new(folded.clone())).table().expect("memory");
        let names = table.phases.keys().map(|id| PhaseRef::from(id.clone()));
        let bare = table.phases.keys().map(|id| PhaseRef { workflow: None, phase: id.phase.clone() });
        for name in names.chain(bare) {
            let show = |otherwise, last| Show::Phase(ShowPhase { name: name.clone(), otherwise, last });
            let filter = StatusFilter { phases: vec![name.clone()], ..StatusFilter::default() };
            let status = Status { filter };
            let why = Why { phase: name.clone() };
            prop_assert_eq!(answer(&shared, &why), answer(&folded, &why));
            prop_assert_eq!(answer(&shared, &status), answer(&folded, &status));
            for last in [None, Some(1)] {
                prop_assert_eq!(answer(&shared, &show(None, last)), answer(&folded, &show(None, last)));
            }
        }
    }
}
