//! The page of the documentation that shows the figures.

use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- figures: written by `cargo bench -- --write` -->\n";
const END: &str = "<!-- end of the figures -->";

/// Puts figures in place of those on the page, and the picture beside it.
pub fn write(figures: &str, picture: &str) {
    let docs = docs();
    let path = docs.join("performance.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (front, rest) = page.split_once(BEGIN).expect("where figures begin");
    let (_, back) = rest.split_once(END).expect("where figures end");
    fs::write(&path, format!("{front}{BEGIN}\n{figures}{END}{back}")).expect("the page");
    fs::write(docs.join("growth.svg"), picture).expect("the picture");
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}
