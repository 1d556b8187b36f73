//! One state that a cut may leave: drawn from the model, held in memory, written where it is to be opened.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::disk::{Disk, Node};
use super::file::Loss;
use super::random::Random;

const PAGE: usize = 4_096;

/// Which of a directory's changes a cut lets through.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// All, also what a failed sync dropped: what processes see.
    Live,
    /// The first ones.
    First,
    /// Any of them.
    Any,
    /// The last one alone.
    Last,
    /// All but so many of the first ones.
    AllBut(usize),
}

/// Directories and files by their path below the root; a directory has no contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image(BTreeMap<String, Option<Vec<u8>>>);

impl Image {
    /// Returns an empty directory.
    pub fn empty() -> Self {
        Image(BTreeMap::from([(String::new(), None)]))
    }

    /// Draws what a cut leaves. Half of the images lose by the same rule in every file. Of names, most keep the first
    /// changes to a directory, some any of them, and some the last one alone: the worst order.
    pub fn draw(disk: &Disk, random: &mut Random) -> Self {
        let common = random.chance(50).then(|| random.next());
        let mut loss = |random: &mut Random, pending| match common {
            Some(seed) => Loss::draw(&mut Random::of(&[seed]), pending),
            None => Loss::draw(random, pending),
        };
        let order = match random.below(10) {
            0..4 => Order::First,
            4..7 => Order::Any,
            _ => Order::Last,
        };
        let mut image = Image::default();
        image.add(disk, 0, "", random, &mut loss, order);
        image
    }

    /// Draws what a cut leaves in the worst order: of the names the last ones without those before them, of what was
    /// written and not synced all, nothing, or the last piece alone.
    pub fn worst(disk: &Disk, random: &mut Random) -> Self {
        let order = match random.below(4) {
            0..2 => Order::Last,
            2 => Order::AllBut(1 + random.below(3) as usize),
            _ => Order::Any,
        };
        let loss = [Loss::Nothing, Loss::All, Loss::AllButLast, Loss::Some(50)][random.below(4) as usize];
        let mut image = Image::default();
        image.add(disk, 0, "", random, &mut |_, _| loss, order);
        image
    }

    /// Returns what the process itself sees: every call took effect.
    pub fn complete(disk: &Disk) -> Self {
        let mut image = Image::default();
        image.add(disk, 0, "", &mut Random::of(&[]), &mut |_, _| Loss::Nothing, Order::Live);
        image
    }

    fn add<F>(
        &mut self,
        disk: &Disk,
        number: usize,
        path: &str,
        random: &mut Random,
        loss: &mut F,
        order: Order,
    ) where
        F: FnMut(&mut Random, usize) -> Loss,
    {
        match disk.node(number) {
            Node::File(file) => {
                let contents = match order {
                    Order::Live => file.live(),
                    _ => {
                        let loss = loss(random, file.pending());
                        file.cut(random, loss)
                    }
                };
                self.0.insert(path.to_owned(), Some(contents));
            }
            Node::Directory(directory) => {
                self.0.insert(path.to_owned(), None);
                let pending = directory.pending();
                let kept = match loss(random, pending) {
                    Loss::Nothing => pending,
                    Loss::All => 0,
                    Loss::After(kept) => kept,
                    Loss::AllButLast | Loss::Some(_) => random.below(pending as u64 + 1) as usize,
                };
                let names = match order {
                    Order::Live => directory.live().clone(),
                    Order::First => directory.cut(kept),
                    Order::Any => directory.cut_any(|_| random.chance(50)),
                    Order::Last => directory.cut_any(|at| at + 1 == pending),
                    Order::AllBut(first) => directory.cut_any(|at| at >= first),
                };
                for (name, number) in names {
                    let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                    self.add(disk, number, &path, random, loss, order);
                }
            }
        }
    }

    /// Returns the names of the files that the root has.
    pub fn names(disk: &Disk) -> Vec<String> {
        match disk.node(0) {
            Node::File(_) => Vec::new(),
            Node::Directory(directory) => directory.live().keys().cloned().collect(),
        }
    }

    /// Returns the directories and files, each directory before what is in it.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0.iter().map(|(path, contents)| (path.as_str(), contents.as_deref()))
    }

    /// Puts a file into the image.
    pub fn put(&mut self, path: &str, contents: Vec<u8>) {
        self.0.insert(path.to_owned(), Some(contents));
    }

    /// Reads what is in a directory of this machine.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut image = Image::default();
        image.read_below(root, "")?;
        Ok(image)
    }

    fn read_below(&mut self, root: &Path, path: &str) -> io::Result<()> {
        self.0.insert(path.to_owned(), None);
        for entry in fs::read_dir(root.join(path))? {
            let entry = entry?;
            let name = entry.file_name().into_string().expect("a name of UTF-8");
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            if entry.file_type()?.is_dir() {
                self.read_below(root, &path)?;
            } else {
                self.0.insert(path, Some(fs::read(entry.path())?));
            }
        }
        Ok(())
    }

    /// Writes the image into an empty directory, pages of zeros as holes.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        for (path, contents) in &self.0 {
            match contents {
                None => fs::create_dir_all(root.join(path))?,
                Some(contents) => {
                    let file = fs::File::create(root.join(path))?;
                    file.set_len(contents.len() as u64)?;
                    for (index, page) in contents.chunks(PAGE).enumerate() {
                        if page != &[0; PAGE][..page.len()] {
                            file.write_all_at(page, (index * PAGE) as u64)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Names what differs between two images, zeros at the end of a file apart (see [`super::file`]).
    pub fn differences(&self, other: &Image) -> Vec<String> {
        fn contents<'a>(image: &'a Image, path: &String) -> Option<Option<&'a [u8]>> {
            image.0.get(path).map(|contents| contents.as_deref().map(without_zeros))
        }
        let paths = self.0.keys().chain(other.0.keys());
        let mut paths: Vec<_> = paths.filter(|path| contents(self, path) != contents(other, path)).collect();
        paths.sort();
        paths.dedup();
        let size = |image: &Image, path: &String| match image.0.get(path) {
            None => "absent".to_owned(),
            Some(None) => "a directory".to_owned(),
            Some(Some(contents)) => format!("{} bytes", contents.len()),
        };
        paths.into_iter().map(|path| format!("{path}: {}, {}", size(self, path), size(other, path))).collect()
    }
}

fn without_zeros(contents: &[u8]) -> &[u8] {
    let end = contents.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &contents[..end]
}
