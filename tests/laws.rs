//! smoke
use phaseledger::ledger::Ledger;
use phaseledger::model::*;
use phaseledger::store::MemoryStore;

fn cmd(n: u128, action: Action) -> Command {
    Command {
        id: CommandId::new(uuid::Uuid::from_u128(n)),
        may_repeat: true,
        by: Actor { name: "a".into(), host: "h".into(), via: "test".into() },
        occurred_at: None,
        expect: vec![],
        inferred: None,
        action,
    }
}
#[test]
fn smoke() {
    let mut l = Ledger::new(Box::new(MemoryStore::new()));
    let p = |id: &str, needs: &[&str]| PhaseDefinition {
        id: PhaseName::new(id).unwrap(),
        needs: needs.iter().map(|n| n.parse().unwrap()).collect(),
        cost_limit: None,
        version: None,
        inputs: vec![],
        outputs: vec![],
        description: None,
    };
    let d = Definition::new(
        WorkflowName::new("w").unwrap(),
        vec![p("a", &[]), p("b", &["a"]), p("c", &["a"]), p("d", &["b", "c"])],
    )
    .unwrap();
    let now: Timestamp = serde_json::from_str("\"2025-01-01T00:00:00Z\"").unwrap();
    let mut n = 0;
    let mut go = |l: &mut Ledger, a: Action| {
        n += 1;
        let c = cmd(n, a);
        let r = l.submit(&c, now).unwrap();
        for e in &r.events {
            println!("{}", e.to_line());
        }
    };
    go(&mut l, Action::Define { definition: Box::new(d) });
    for x in ["a", "b", "c", "d"] {
        go(
            &mut l,
            Action::Start {
                phase: x.parse().unwrap(),
                metadata: Metadata::default(),
                allow_unmet: false,
                again: None,
            },
        );
        go(
            &mut l,
            Action::Complete {
                phase: x.parse().unwrap(),
                metadata: Metadata::default(),
                output: None,
                outputs: vec![],
            },
        );
    }
    go(&mut l, Action::Rerun { phase: "a".parse().unwrap(), reason: Text::new("x").unwrap() });
    assert_eq!(l.table().unwrap(), l.table_at(l.head().unwrap().seq).unwrap());
    println!("{:?}", l.verify(false, |_| {}).unwrap().unwrap());
}
