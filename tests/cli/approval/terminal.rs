//! A person at a terminal, who is asked.

use super::{Scene, scene};
use crate::terminal;

/// Asks on a terminal; none where there is no Python with a `pty`.
fn asked(scene: &Scene, answers: &str, more: &[&str]) -> Option<String> {
    let ask = ["approval", "request", "delete_plan", "--estimate", "12", "--items", "3"];
    terminal::seen(scene, "dumb", answers, &[&ask, more].concat())
}

fn decisions(scene: &Scene) -> Vec<String> {
    let list = scene.ok(&["approval", "list", "--json"]).json();
    let list = list["approvals"].as_array().expect("a list").clone();
    list.iter().map(|one| format!("{}: {}", one["status"], one["decision"]["reason"])).collect()
}

#[test]
fn who_may_grant_their_own_is_asked() {
    let scene = scene("self_approval = true");
    let Some(granted) = asked(&scene, "y,looks right", &[]) else { return };
    assert!(granted.contains("grant it? [y]es, [n]o, or Enter to leave it for later: "), "{granted}");
    assert!(granted.contains("granted by ana in e3: looks right"), "{granted}");
    assert!(granted.ends_with("exit 0\n"), "{granted}");
    let rejected = asked(&scene, "n,", &[]).expect("a terminal");
    assert!(rejected.ends_with("exit 1\n"), "{rejected}");
    for (answers, more) in [("", &[] as &[&str]), ("END", &[]), ("y", &["--json"]), ("y", &["--wait", "0s"])]
    {
        let left = asked(&scene, answers, more).expect("a terminal");
        assert!(left.ends_with("exit 75\n"), "{left}");
    }
    let left = "\"PENDING\": null".to_owned();
    let mut expected = vec![
        "\"GRANTED\": \"looks right\"".to_owned(),
        "\"REJECTED\": \"decided at the terminal\"".to_owned(),
    ];
    expected.extend(vec![left; 4]);
    assert_eq!(decisions(&scene), expected);
}

#[test]
fn who_may_not_is_told_who_may() {
    let scene = scene("");
    let Some(told) = asked(&scene, "y", &[]) else { return };
    assert!(!told.contains("grant it?"), "{told}");
    assert!(
        told.contains("a person other than ana decides: `phaseledger approval grant seq:2 --reason …`"),
        "{told}"
    );
    assert!(told.ends_with("exit 75\n"), "{told}");
}
