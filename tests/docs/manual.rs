//! `docs/cli.md` is what the program says of itself. `UPDATE_DOCS=1 cargo test --test docs` writes it anew.

use std::path::Path;
use std::process::Command;

#[test]
fn the_manual_is_not_stale() {
    let output = Command::new(env!("CARGO_BIN_EXE_phaseledger"))
        .args(["man", "--format", "markdown"])
        .env_remove("PHASELEDGER_DIR")
        .output()
        .expect("the program runs");
    let made = String::from_utf8(output.stdout).expect("UTF-8");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).expect("the page is written");
    }
    let page = std::fs::read_to_string(&path).expect("docs/cli.md");
    assert!(page == made, "docs/cli.md is stale: UPDATE_DOCS=1 cargo test --test docs writes it anew");
}
