//! Forgeries: logs whose root, head and rows are right, and of which one line says what cannot be. Each can be told
//! by one check alone, and no check is without a forgery.

mod export;
mod lines;
mod log;
mod places;
mod rules;

use std::collections::BTreeSet;
use std::io::Cursor;

use phaseledger::ledger::restore;
use phaseledger::store::Log as _;

use self::log::Log;
use crate::play::Shared;

/// Who can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// Whoever adds the events up, and whoever checks the lines.
    All,
    /// As `All`, but who checks the lines finds something else first.
    Rules,
    /// Only who checks the lines.
    Audit,
    /// Only who derives anew what rules derived.
    Verify,
}

/// A log that is not what it says.
struct Forgery {
    /// The check that tells: its function, and its words as they stand in the source.
    check: &'static str,
    /// What it says of the last line, so far as it says that of no other forgery.
    says: &'static str,
    told: By,
    forge: Box<dyn Fn(&mut Log)>,
}

fn by_all(check: &'static str, says: &'static str, forge: impl Fn(&mut Log) + 'static) -> Forgery {
    Forgery { check, says, told: By::All, forge: Box::new(forge) }
}

fn table() -> Vec<Forgery> {
    let mut table = rules::order();
    table.extend(rules::phases());
    table.extend(rules::passing());
    table.extend(rules::attempts());
    table.extend(rules::reverts());
    table.extend(rules::metadata());
    table.extend(rules::budgets());
    table.extend(rules::approvals());
    table.extend(lines::unreadable());
    table.extend(lines::misplaced());
    table.extend(lines::underived());
    table
}

/// What the library says of a log: who adds its events up, who verifies it, and who takes its export in.
fn asked(log: &Log) -> [Result<(), String>; 3] {
    let shared = log.store();
    let head = shared.head().expect("memory").seq;
    let folded = shared.ledger().table_at(head).map(drop).map_err(|error| error.to_string());
    let verified = shared.ledger().verify(false, |_| {}).expect("memory");
    let restored = Shared::default();
    let taken = restore(&mut restored.ledger(), Cursor::new(log.export()), |_| {});
    assert_eq!(restored.lines().len(), if taken.is_ok() { shared.lines().len() } else { 0 });
    [
        folded,
        verified.map(drop).map_err(|error| error.to_string()),
        taken.map(drop).map_err(|error| error.to_string()),
    ]
}

#[test]
fn found_42_each_check_tells_a_forgery_with_a_right_root() {
    let recorded = Log::recorded();
    assert_eq!(asked(&recorded), [Ok(()), Ok(()), Ok(())]);
    let mut untold = Vec::new();
    for (number, Forgery { check, says, told, forge }) in table().into_iter().enumerate() {
        let mut log = Log::recorded();
        forge(&mut log);
        let answers = asked(&log);
        let says_it =
            answers.each_ref().map(|answer| answer.as_ref().is_err_and(|error| error.contains(says)));
        let right = match told {
            By::All => says_it == [true; 3],
            By::Rules => says_it[0] && answers[1].is_err() && answers[2].is_err(),
            By::Verify => answers[0].is_ok() && says_it[1] && answers[2].is_ok(),
            By::Audit => answers[0].is_ok() && says_it[1..] == [true; 2],
        };
        if !right {
            untold.push(format!("{number}: `{check}`, by {told:?}, expected `{says}`, found {answers:?}"));
        }
    }
    assert!(
        untold.is_empty(),
        "{} forgeries are not told:
{}",
        untold.len(),
        untold.join(
            "
"
        )
    );
}

#[test]
fn found_42_no_check_is_without_a_forgery() {
    let forged = table().into_iter().map(|forgery| forgery.check);
    let forged: BTreeSet<String> = forged.chain(export::CHECKS.iter().copied()).map(str::to_owned).collect();
    let refusals = &places::refusals() | &places::of_types();
    assert!(refusals.len() > 40, "the source is not read as it is written: {refusals:#?}");
    let without: Vec<_> = refusals.difference(&forged).collect();
    let gone: Vec<_> = forged.difference(&refusals).collect();
    assert!(
        without.is_empty() && gone.is_empty(),
        "no forgery for {without:#?}, no check any more {gone:#?}"
    );
}

/// Events as the forgeries add them follow where they say what is so: only the one lie makes a forgery.
#[test]
fn found_42_what_no_forgery_is_follows() {
    let mut log = Log::recorded();
    for honest in [rules::honest, lines::honest] {
        honest(&mut log);
    }
    let [folded, verified, taken] = asked(&log);
    assert_eq!((folded, taken), (Ok(()), Ok(())));
    // Their rules would derive others.
    assert!(verified.is_err_and(|error| error.contains("is not what the rules derive")));
}
