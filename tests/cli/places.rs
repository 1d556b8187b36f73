//! Places, as they are written and as they are read.

use crate::cli::{Scene, user};

/// What asks of the shipped ledger, and prints places.
const ASKS: &[&[&str]] = &[
    &["status"],
    &["log"],
    &["show", "e9"],
    &["show", "phase_3_synthesis"],
    &["why", "phase_3_synthesis"],
    &["why", "phase_3_synthesis", "--full"],
    &["graph"],
    &["next"],
    &["replay"],
    &["report"],
    &["cost", "summary"],
    &["approval", "list"],
    &["verify"],
    &["log", "--json"],
    &["why", "phase_3_synthesis", "--json"],
    &["status", "--at", "e99"],
    &["rerun", "phase_0_foundation", "--reason", "wrong", "--dry-run"],
];

#[test]
fn found_26_no_answer_and_no_refusal_has_a_place_that_a_shell_takes_for_a_comment() {
    let scene = Scene::example();
    for args in ASKS {
        let ran = scene.run(args);
        let text = format!("{}{}", ran.stdout, ran.stderr);
        // A colour of a drawing comes after a colon.
        let is_comment = |(at, _): (usize, &str)| {
            text[at + 1..].starts_with(|next: char| next.is_ascii_digit()) && !text[..at].ends_with(':')
        };
        assert!(!text.match_indices('#').any(is_comment), "{}", ran.picture());
    }
}

/// What was printed once, a place or with a sign in front of it, is read for ever.
#[test]
fn found_26_a_place_is_read_in_every_form_and_through_a_shell() {
    let scene = Scene::example();
    let log = scene.ok(&["log"]).stdout;
    let printed = log.split_whitespace().find(|word| *word == "e9").expect("it is printed as it is typed");
    let wanted = scene.ok(&["show", printed]).stdout;
    for form in ["9", "'#9'", "seq:9", "e9"] {
        let program = scene.command();
        let mut shell = std::process::Command::new("sh");
        shell
            .current_dir(scene.dir())
            .args(["-c", &format!("\"$0\" show {form}")])
            .arg(program.get_program());
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().expect("sh runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let text = text.replace(&format!(" on {host} "), " on HOST ");
        assert_eq!(text.replace(&format!("(as {})", user()), "(as USER)"), wanted, "{form}");
    }
}
