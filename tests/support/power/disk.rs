//! The file system: names, and the files behind them, as the calls of one process change them.
//!
//! Stricter than any file system in use: a name that was made, changed or removed is durable only after an
//! fsync of *its directory*; a sync of the file, or of another directory, does nothing for it. (ext4, xfs
//! and btrfs write a new file's name with the file's fsync, and ext4 writes all names in one journal.)
//! Until then a cut leaves some prefix of the directory's changes, each directory on its own, which is the order
//! that all three keep; or any of them, in no order at all. What is in the files: see [`super::file`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::calls::{Action, Call, Calls, Moment, Place};
use super::file::{Change, File};
use super::image::Image;

/// The model of one directory of the machine, and of all below it.
#[derive(Debug, Clone)]
pub struct Disk {
    root: String,
    nodes: Vec<Node>,
    /// What stands behind a process's descriptors.
    open: HashMap<(i64, i64), Descriptor>,
    /// Whether syncs do nothing: then what is acknowledged is lost, which the harness must see.
    pub ignores_syncs: bool,
}

/// A file or a directory.
#[derive(Debug, Clone)]
pub enum Node {
    /// A file.
    File(File),
    /// A directory.
    Directory(Directory),
}

/// A directory of the model.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    durable: BTreeMap<String, usize>,
    live: BTreeMap<String, usize>,
    pending: Vec<Naming>,
    syncs: BTreeMap<usize, BTreeSet<usize>>,
}

/// A change to a directory.
#[derive(Debug, Clone)]
enum Names {
    Add { name: String, node: usize },
    Rename { from: String, to: String, node: Option<usize> },
    Remove { name: String },
}

#[derive(Debug, Clone)]
struct Naming {
    call: usize,
    ended: bool,
    names: Names,
}

#[derive(Debug, Clone, Copy)]
struct Descriptor {
    node: usize,
    at: u64,
    appends: bool,
}

impl Disk {
    /// Makes the model of a directory whose contents were there, durably, before the process started.
    pub fn new(root: &str, start: &Image) -> Self {
        let (root, nodes, open) = (root.to_owned(), Vec::new(), HashMap::new());
        let mut disk = Disk { root, nodes, open, ignores_syncs: false };
        for (path, contents) in start.entries() {
            let node = match contents {
                Some(contents) => Node::File(File::durable(contents.to_vec())),
                None => Node::Directory(Directory::default()),
            };
            let number = disk.nodes.len();
            disk.nodes.push(node);
            if !path.is_empty() {
                let place = Place { fd: None, path: format!("{}/{path}", disk.root) };
                let (parent, name) = disk.place(0, &place).expect("below the root");
                let parent = disk.directory(parent);
                parent.durable.insert(name.clone(), number);
                parent.live.insert(name, number);
            }
        }
        disk
    }

    /// Returns a node by its number; 0 is the root.
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    /// Returns the file that a path names now.
    pub fn file(&self, path: &str) -> Option<&File> {
        let place = Place { fd: None, path: path.to_owned() };
        match &self.nodes[self.find(0, &place)?] {
            Node::File(file) => Some(file),
            Node::Directory(_) => None,
        }
    }

    /// Goes on to the next moment.
    pub fn step(&mut self, calls: &Calls, moment: Moment) {
        match moment {
            Moment::Begin(index) => self.begin(index, &calls.calls[index]),
            Moment::End(index) => self.end(index, &calls.calls[index]),
        }
    }

    /// Forgets all descriptors: no process is left.
    pub fn end_processes(&mut self) {
        self.open.clear();
    }

    fn begin(&mut self, index: usize, call: &Call) {
        let own = call.process;
        match &call.action {
            Action::Open { path, flags } => self.begin_open(index, own, path, flags),
            Action::Write { fd, at, bytes } => {
                let written = call.result.map_or(bytes.len(), |result| result as usize);
                self.begin_write(index, (own, *fd), *at, &bytes[..written]);
            }
            Action::Sync { fd } => match self.behind((own, *fd)) {
                Some(Node::File(file)) => file.begin_sync(index),
                Some(Node::Directory(directory)) => directory.begin_sync(index),
                None => {}
            },
            Action::Truncate { fd, length } => self.change(index, (own, *fd), Change::Length(*length)),
            Action::Allocate { fd, end } => {
                if let Some(Node::File(file)) = self.behind((own, *fd)) {
                    let length = file.length().max(*end);
                    file.begin(index, Change::Length(length));
                }
            }
            Action::Rename { from, to } => self.begin_rename(index, own, from, to),
            Action::Remove { path } => {
                if let Some((directory, name)) = self.place(own, path) {
                    self.directory(directory).begin(index, Names::Remove { name });
                }
            }
            Action::MakeDirectory { path } => {
                self.add(index, own, path, Node::Directory(Directory::default()));
            }
            Action::Close { fd } => {
                self.open.remove(&(own, *fd));
            }
            Action::Clone { is_thread } => self.begin_clone(own, *is_thread, call.result),
            Action::Seek { .. } | Action::Duplicate { .. } | Action::FailedSync { .. } => {}
            Action::Unknown { text } => panic!("a call that the model does not know: {text}"),
        }
    }

    /// A process begins with the descriptors of the one that made it.
    fn begin_clone(&mut self, own: i64, is_thread: bool, made: Option<i64>) {
        let Some(made) = made.filter(|_| !is_thread) else { return };
        self.open.retain(|(process, _), _| *process != made);
        let copies: Vec<_> = self.open.iter().filter(|((process, _), _)| *process == own).collect();
        let copies: Vec<_> = copies.into_iter().map(|((_, fd), behind)| ((made, *fd), *behind)).collect();
        self.open.extend(copies);
    }

    fn end(&mut self, index: usize, call: &Call) {
        for node in &mut self.nodes {
            match node {
                Node::File(file) => file.end(index),
                Node::Directory(directory) => directory.end(index),
            }
        }
        let own = call.process;
        let result = call.result.unwrap_or(-1);
        match &call.action {
            Action::Open { path, flags } => {
                self.open.remove(&(own, result));
                if let Some(node) = self.find(own, path) {
                    let appends = flags.contains("O_APPEND");
                    self.open.insert((own, result), Descriptor { node, at: 0, appends });
                }
            }
            // One that was cut short promised nothing.
            Action::Sync { .. } if self.ignores_syncs || call.result.is_none() => {}
            Action::Sync { fd } => match self.behind((own, *fd)) {
                Some(Node::File(file)) => file.end_sync(index),
                Some(Node::Directory(directory)) => directory.end_sync(index),
                None => {}
            },
            Action::FailedSync { fd } => {
                // Names are not dropped: a file system that cannot write them stops, or writes them later.
                if let Some(Node::File(file)) = self.behind((own, *fd)) {
                    file.fail_sync();
                }
            }
            Action::Seek { fd } => {
                if let Some(descriptor) = self.open.get_mut(&(own, *fd)) {
                    descriptor.at = result as u64;
                }
            }
            Action::Duplicate { fd } => {
                self.open.remove(&(own, result));
                if let Some(descriptor) = self.open.get(&(own, *fd)).copied() {
                    self.open.insert((own, result), descriptor);
                }
            }
            _ => {}
        }
    }

    fn begin_open(&mut self, index: usize, own: i64, path: &Place, flags: &str) {
        assert!(!flags.contains("O_TMPFILE") || self.place(own, path).is_none(), "a file without a name");
        match self.find(own, path) {
            Some(node) => {
                if let (true, Node::File(file)) = (flags.contains("O_TRUNC"), &mut self.nodes[node]) {
                    file.begin(index, Change::Length(0));
                }
            }
            None if flags.contains("O_CREAT") => self.add(index, own, path, Node::File(File::default())),
            None => {}
        }
    }

    fn begin_write(&mut self, index: usize, fd: (i64, i64), at: Option<u64>, bytes: &[u8]) {
        let Some(descriptor) = self.open.get(&fd).copied() else { return };
        let Node::File(file) = &self.nodes[descriptor.node] else { return };
        let place = match at {
            Some(at) => at,
            None if descriptor.appends => file.length(),
            None => descriptor.at,
        };
        if at.is_none() {
            let end = place + bytes.len() as u64;
            self.open.insert(fd, Descriptor { at: end, ..descriptor });
        }
        self.change(index, fd, Change::Write { at: place, bytes: bytes.to_vec() });
    }

    fn change(&mut self, index: usize, fd: (i64, i64), change: Change) {
        if let Some(Node::File(file)) = self.behind(fd) {
            file.begin(index, change);
        }
    }

    fn begin_rename(&mut self, index: usize, own: i64, from: &Place, to: &Place) {
        match (self.place(own, from), self.place(own, to)) {
            (Some((old, from)), Some((new, to))) if old == new => {
                let node = self.child(old, &from);
                self.directory(old).begin(index, Names::Rename { from, to, node });
            }
            (None, None) => {}
            _ => panic!("a rename between directories, which the model does not know: {from:?} to {to:?}"),
        }
    }

    /// Adds a name and what it stands for. Outside of the model's root nothing happens.
    fn add(&mut self, index: usize, own: i64, path: &Place, node: Node) {
        if let Some((directory, name)) = self.place(own, path) {
            let number = self.nodes.len();
            self.nodes.push(node);
            self.directory(directory).begin(index, Names::Add { name, node: number });
        }
    }

    fn behind(&mut self, fd: (i64, i64)) -> Option<&mut Node> {
        let descriptor = self.open.get(&fd)?;
        Some(&mut self.nodes[descriptor.node])
    }

    fn directory(&mut self, number: usize) -> &mut Directory {
        match &mut self.nodes[number] {
            Node::Directory(directory) => directory,
            Node::File(_) => panic!("a file where a directory was"),
        }
    }

    /// Finds what a path names now.
    fn find(&self, own: i64, path: &Place) -> Option<usize> {
        if path.path.trim_end_matches('/') == self.root {
            return Some(0);
        }
        let (directory, name) = self.place(own, path)?;
        self.child(directory, &name)
    }

    fn child(&self, number: usize, name: &str) -> Option<usize> {
        match &self.nodes[number] {
            Node::Directory(directory) => directory.live.get(name).copied(),
            Node::File(_) => None,
        }
    }

    /// Finds what is being given another name, which another thread's call may still have found under its old one.
    fn renamed(&self, number: usize, name: &str) -> Option<usize> {
        let Node::Directory(directory) = &self.nodes[number] else { return None };
        directory.pending.iter().rev().filter(|naming| !naming.ended).find_map(|naming| match &naming.names {
            Names::Rename { from, node, .. } if from == name => *node,
            _ => None,
        })
    }

    /// Finds the directory that a path lies in, and the name there; none outside of the root.
    fn place(&self, own: i64, Place { fd, path }: &Place) -> Option<(usize, String)> {
        let (mut number, below) = match fd {
            Some(fd) => (self.open.get(&(own, *fd))?.node, path.as_str()),
            None => (0, path.strip_prefix(&self.root)?.strip_prefix('/')?),
        };
        let below = below.trim_end_matches('/');
        assert!(!below.split('/').any(|part| matches!(part, "." | ".." | "")), "an odd path: {path}");
        let (parents, name) = below.rsplit_once('/').unwrap_or(("", below));
        for part in parents.split('/').filter(|part| !part.is_empty()) {
            number = self.child(number, part).or_else(|| self.renamed(number, part))?;
        }
        Some((number, name.to_owned()))
    }
}

impl Directory {
    /// Returns how many changes are not known to be durable.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Returns the names that processes see.
    pub fn live(&self) -> &BTreeMap<String, usize> {
        &self.live
    }

    /// Returns the names as a cut may leave them that lets the first `kept` of the pending changes through.
    pub fn cut(&self, kept: usize) -> BTreeMap<String, usize> {
        let mut names = self.durable.clone();
        self.pending.iter().take(kept).for_each(|naming| apply(&mut names, &naming.names));
        names
    }

    /// Returns the names as a cut may leave them that lets some of the pending changes through, whatever came before.
    pub fn cut_any(&self, mut is_kept: impl FnMut(usize) -> bool) -> BTreeMap<String, usize> {
        let mut names = self.durable.clone();
        let kept = self.pending.iter().enumerate().filter(|(at, _)| is_kept(*at));
        kept.for_each(|(_, naming)| apply(&mut names, &naming.names));
        names
    }

    fn begin(&mut self, call: usize, names: Names) {
        apply(&mut self.live, &names);
        self.pending.push(Naming { call, ended: false, names });
    }

    fn end(&mut self, call: usize) {
        for naming in self.pending.iter_mut().filter(|naming| naming.call == call) {
            naming.ended = true;
        }
    }

    fn begin_sync(&mut self, call: usize) {
        let ended = self.pending.iter().take_while(|naming| naming.ended);
        self.syncs.insert(call, ended.map(|naming| naming.call).collect());
    }

    fn end_sync(&mut self, call: usize) {
        let covered = self.syncs.remove(&call).unwrap_or_default();
        while self.pending.first().is_some_and(|naming| covered.contains(&naming.call)) {
            apply(&mut self.durable, &self.pending.remove(0).names);
        }
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &Names) {
    match change {
        Names::Add { name, node } => {
            names.insert(name.clone(), *node);
        }
        Names::Rename { from, to, node } => {
            // It may not be there where an earlier change was lost.
            let node =
                names.remove(from).or(*node).unwrap_or_else(|| panic!("`{from}` is renamed, and not there"));
            names.insert(to.clone(), node);
        }
        Names::Remove { name } => {
            names.remove(name);
        }
    }
}
