//! The corpus of exports that fuzzing found, read once more.

use std::fs;
use std::path::Path;

use crate::exported;

#[test]
fn the_corpus_of_exports_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/export");
    let files: Vec<_> = fs::read_dir(folder).expect("a corpus").collect();
    let accepted: usize = files
        .iter()
        .map(|file| exported::check(&fs::read(file.as_ref().expect("a file").path()).expect("a file")))
        .sum();
    assert!(files.len() >= 10 && accepted >= 10, "{accepted} of {} accepted: another form", files.len());
}
