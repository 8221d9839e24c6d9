//! A disk that keeps only what it promised to keep.
//!
//! It is told every call of a process ([`Event`]) and can say at any moment what might be found
//! after a power loss. The promises are those of POSIX and of Linux' file systems, and not one
//! more:
//! - what was written before an `fsync` of the file began is there once the `fsync` has ended;
//! - a name that was made, changed or removed is durable after an `fsync` of its folder;
//! - anything else may be there or not, page by page; `sync_file_range` promises nothing.

use super::trace::{Call, Event};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

const PAGE: usize = 4_096;

/// What becomes of that which was never promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unpromised {
    /// Everything is lost.
    Lost,
    /// Every page and the names by chance, from this seed.
    ByChance(u64),
}

/// Files and names, with what is durable of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    root: PathBuf,
    inodes: Vec<Inode>,
    /// What running processes see.
    names: Names,
    history: Vec<NameChange>,
    open: HashMap<i64, Open>,
    under_way: HashMap<usize, (Call, Covered)>,
}

/// What a path leads to. A folder stands before what is in it.
type Names = BTreeMap<PathBuf, Entry>;

#[derive(Debug, Clone, Copy)]
enum Entry {
    File(usize),
    Folder,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
struct Change {
    what: What,
    ended: bool,
    durable: bool,
}

#[derive(Debug, Clone)]
enum What {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate { length: u64 },
}

#[derive(Debug, Clone)]
struct NameChange {
    what: Naming,
    durable: bool,
}

#[derive(Debug, Clone)]
enum Naming {
    Link(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    Folder(PathBuf),
}

#[derive(Debug, Clone)]
enum Open {
    File { inode: usize, position: u64 },
    Folder(PathBuf),
}

/// What a call under way will have done when it ends.
#[derive(Debug, Clone, Default)]
struct Covered {
    inode: usize,
    changes: Vec<usize>,
    names: Vec<usize>,
}

impl Disk {
    /// A disk on which `root` is durable as it is now.
    pub(crate) fn with(root: &Path) -> Self {
        let mut disk = Self {
            root: root.to_path_buf(),
            ..Self::default()
        };
        disk.adopt(root);
        for change in &mut disk.history {
            change.durable = true;
        }
        disk
    }

    fn adopt(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.rename(Naming::Folder(path.clone()));
                self.adopt(&path);
                continue;
            }
            let inode = self.create(&path);
            self.inodes[inode].changes.push(Change {
                what: What::Write {
                    offset: 0,
                    bytes: std::fs::read(&path).unwrap(),
                },
                ended: true,
                durable: true,
            });
        }
    }

    /// Takes note of what happened. Returns what was written to the standard output.
    pub(crate) fn apply(&mut self, event: &Event) -> Option<Vec<u8>> {
        match event {
            Event::Begin(id, call) => self.begin(*id, call),
            Event::End(id, result) => {
                let (call, covered) = self.under_way.remove(id).expect("it had begun");
                self.end(&call, &covered, *result);
                None
            }
        }
    }

    fn begin(&mut self, id: usize, call: &Call) -> Option<Vec<u8>> {
        let mut covered = Covered::default();
        match call {
            Call::Write { fd: 1, bytes, .. } => {
                self.under_way.insert(id, (Call::Other, covered));
                return Some(bytes.clone());
            }
            Call::Write { fd, offset, bytes } => {
                if let Some(Open::File { inode, position }) = self.open.get_mut(fd) {
                    let at = offset.unwrap_or(*position);
                    if offset.is_none() {
                        *position += bytes.len() as u64;
                    }
                    let what = What::Write {
                        offset: at,
                        bytes: bytes.clone(),
                    };
                    let inode = *inode;
                    covered = self.change(inode, what);
                }
            }
            Call::Truncate { fd, length } => {
                if let Some(Open::File { inode, .. }) = self.open.get(fd) {
                    let inode = *inode;
                    covered = self.change(inode, What::Truncate { length: *length });
                }
            }
            Call::Sync { fd } => covered = self.covered_by_sync(*fd),
            Call::Duplicate { fd } => {
                assert!(
                    !self.open.contains_key(fd),
                    "no file here is known by two numbers"
                );
            }
            Call::Close { fd } => {
                self.open.remove(fd);
            }
            _ => {}
        }
        self.under_way.insert(id, (call.clone(), covered));
        None
    }

    fn end(&mut self, call: &Call, covered: &Covered, result: i64) {
        if result < 0 {
            return;
        }
        match call {
            Call::Open {
                at,
                path,
                create,
                truncate,
            } => {
                if let Some(path) = self.resolve(*at, path) {
                    self.opened(&path, *create, *truncate, result);
                }
            }
            Call::Write { bytes, .. } if !covered.changes.is_empty() => {
                assert_eq!(
                    result,
                    bytes.len() as i64,
                    "the model knows whole writes only"
                );
                self.ended(covered);
            }
            Call::Truncate { .. } => self.ended(covered),
            Call::Sync { .. } => {
                for change in &covered.changes {
                    self.inodes[covered.inode].changes[*change].durable = true;
                }
                for change in &covered.names {
                    self.history[*change].durable = true;
                }
            }
            Call::Rename { from, to } if from.starts_with(&self.root) => {
                self.rename(Naming::Rename(from.clone(), to.clone()));
            }
            Call::Remove { at, path } => {
                if let Some(path) = self.resolve(*at, path) {
                    self.rename(Naming::Remove(path));
                }
            }
            Call::MakeFolder { path } if path.starts_with(&self.root) => {
                self.rename(Naming::Folder(path.clone()));
            }
            _ => {}
        }
    }

    /// The path of a file of ours.
    fn resolve(&self, at: Option<i64>, path: &Path) -> Option<PathBuf> {
        let path = match at.map(|fd| self.open.get(&fd)) {
            Some(Some(Open::Folder(folder))) => folder.join(path),
            Some(_) => return None,
            None => path.to_path_buf(),
        };
        path.starts_with(&self.root).then_some(path)
    }

    fn opened(&mut self, path: &Path, create: bool, truncate: bool, fd: i64) {
        let inode = match self.names.get(path) {
            Some(Entry::File(inode)) => *inode,
            None if create => self.create(path),
            // The root is a folder that it holds no name for.
            Some(Entry::Folder) | None => {
                self.open.insert(fd, Open::Folder(path.to_path_buf()));
                return;
            }
        };
        if truncate {
            let covered = self.change(inode, What::Truncate { length: 0 });
            self.ended(&covered);
        }
        self.open.insert(fd, Open::File { inode, position: 0 });
    }

    fn create(&mut self, path: &Path) -> usize {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.rename(Naming::Link(path.to_path_buf(), inode));
        inode
    }

    fn change(&mut self, inode: usize, what: What) -> Covered {
        let changes = &mut self.inodes[inode].changes;
        changes.push(Change {
            what,
            ended: false,
            durable: false,
        });
        Covered {
            inode,
            changes: vec![changes.len() - 1],
            names: Vec::new(),
        }
    }

    fn ended(&mut self, covered: &Covered) {
        for change in &covered.changes {
            self.inodes[covered.inode].changes[*change].ended = true;
        }
    }

    fn covered_by_sync(&self, fd: i64) -> Covered {
        match self.open.get(&fd) {
            Some(Open::File { inode, .. }) => {
                let changes = self.inodes[*inode].changes.iter().enumerate();
                Covered {
                    inode: *inode,
                    changes: changes
                        .filter(|(_, change)| change.ended)
                        .map(|(at, _)| at)
                        .collect(),
                    names: Vec::new(),
                }
            }
            Some(Open::Folder(folder)) => {
                let names = self.history.iter().enumerate();
                Covered {
                    names: names
                        .filter(|(_, change)| change.what.folder() == Some(folder.as_path()))
                        .map(|(at, _)| at)
                        .collect(),
                    ..Covered::default()
                }
            }
            None => Covered::default(),
        }
    }

    fn rename(&mut self, what: Naming) {
        what.apply_to(&mut self.names);
        self.history.push(NameChange {
            what,
            durable: false,
        });
    }

    /// What might be found after a power loss now, put into `folder` in place of the root.
    pub(crate) fn after_power_loss(&self, unpromised: Unpromised, folder: &Path) {
        let mut chance = Chance::of(unpromised);
        // Journals keep the order of names: by chance, they end somewhere behind the last promise.
        let promised = self.history.iter().rposition(|change| change.durable);
        let promised = promised.map_or(0, |last| last + 1);
        let kept = promised + chance.below(self.history.len() - promised + 1);
        let mut names = Names::new();
        for (at, change) in self.history.iter().enumerate() {
            if change.durable || (unpromised != Unpromised::Lost && at < kept) {
                change.what.apply_to(&mut names);
            }
        }
        for (path, entry) in names {
            let place = folder.join(path.strip_prefix(&self.root).unwrap());
            // What is in a lost folder is lost.
            if place.parent().unwrap().exists() {
                match entry {
                    Entry::Folder => std::fs::create_dir(place).unwrap(),
                    Entry::File(inode) => {
                        std::fs::write(place, self.inodes[inode].content(&mut chance)).unwrap();
                    }
                }
            }
        }
    }
}

impl Naming {
    /// The folder that holds the name. Both names of a rename are in one folder, here.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Link(path, _)
            | Self::Rename(_, path)
            | Self::Remove(path)
            | Self::Folder(path) => path.parent(),
        }
    }

    fn apply_to(&self, names: &mut Names) {
        match self {
            Self::Link(path, inode) => {
                names.insert(path.clone(), Entry::File(*inode));
            }
            Self::Rename(from, to) => {
                let moved = names.extract_if(.., |path, _| path.starts_with(from));
                let moved: Vec<_> = moved.collect();
                for (path, entry) in moved {
                    let tail = path.strip_prefix(from).unwrap();
                    // Joining nothing would make a file's path end like a folder's.
                    let path = match tail.as_os_str().is_empty() {
                        true => to.clone(),
                        false => to.join(tail),
                    };
                    names.insert(path, entry);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Folder(path) => {
                names.insert(path.clone(), Entry::Folder);
            }
        }
    }
}

impl Inode {
    fn content(&self, chance: &mut Chance) -> Vec<u8> {
        let mut content = Vec::new();
        for change in &self.changes {
            match &change.what {
                What::Truncate { length } if change.durable || chance.keeps() => {
                    content.resize(*length as usize, 0);
                }
                What::Truncate { .. } => {}
                What::Write { offset, bytes } => {
                    let mut done = 0;
                    while done < bytes.len() {
                        let at = *offset as usize + done;
                        let end = (done + PAGE - at % PAGE).min(bytes.len());
                        if change.durable || chance.keeps() {
                            let part = &bytes[done..end];
                            if content.len() < at + part.len() {
                                content.resize(at + part.len(), 0);
                            }
                            content[at..at + part.len()].copy_from_slice(part);
                        }
                        done = end;
                    }
                }
            }
        }
        content
    }
}

/// Coin flips that can be repeated.
struct Chance(Option<u64>);

impl Chance {
    fn of(unpromised: Unpromised) -> Self {
        match unpromised {
            Unpromised::Lost => Self(None),
            Unpromised::ByChance(seed) => Self(Some(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)),
        }
    }

    fn keeps(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Zero when nothing is left to chance.
    fn below(&mut self, end: usize) -> usize {
        let Some(state) = &mut self.0 else { return 0 };
        // xorshift64
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 33) as usize % end
    }
}
