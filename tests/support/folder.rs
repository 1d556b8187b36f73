//! Folders as they are: copied, listed, held in memory.

#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder, by its path from there, and every folder, which has no bytes.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Returns the files below a folder, in the order of their names.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    tree(folder).into_iter().filter(|(_, bytes)| bytes.is_some()).map(|(path, _)| folder.join(path)).collect()
}

/// Copies a folder to where none is.
pub fn copy(from: &Path, to: &Path) {
    write(&tree(from), to);
}

/// Reads all that is below a folder.
pub fn tree(folder: &Path) -> Tree {
    let (mut tree, mut folders) = (Tree::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = path.is_file().then(|| fs::read(&path).expect("a file"));
            if bytes.is_none() {
                folders.push(path.clone());
            }
            tree.insert(path.strip_prefix(folder).expect("below the folder").to_owned(), bytes);
        }
    }
    tree
}

/// Writes a folder to where none is.
pub fn write(tree: &Tree, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for (path, bytes) in tree {
        let path = folder.join(path);
        match bytes {
            Some(bytes) => fs::write(path, bytes).expect("a file"),
            None => fs::create_dir_all(path).expect("a folder"),
        }
    }
}

/// Makes a folder hold what a tree does, and nothing else.
pub fn replace(folder: &Path, tree: &Tree) {
    fs::remove_dir_all(folder).expect("the folder goes");
    write(tree, folder);
}

/// Reads a folder whose files are compressed, each with an ending more to its name.
pub fn unpacked(folder: &Path) -> Tree {
    let unpack = |(path, bytes): (PathBuf, Option<Vec<u8>>)| match bytes {
        Some(bytes) => {
            let bytes = zstd::decode_all(&bytes[..]).expect("a compressed file");
            (path.with_extension(""), Some(bytes))
        }
        None => (path, None),
    };
    tree(folder).into_iter().map(unpack).collect()
}
