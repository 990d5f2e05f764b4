//! What a disk holds, and what of it is left when the power goes.
//!
//! The model, as strict as POSIX allows where file systems differ:
//! - A file's bytes and length last once the file was synced. Until then each sector of each write, and each truncation, may be there
//!   or not, in any combination.
//! - A name (made, changed by a rename, taken away) lasts once its *directory* was synced; syncing the file is not enough. Until then
//!   the changes of one directory are there up to some point in the order they were made; a rename is there whole or not at all.
//! - Directories are there from when they are made, and a write never harms bytes beside it.

use super::recording::{Record, Step};
use crate::support::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// What of the things not synced a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// None of it.
    Nothing,
    /// Each sector of so many bytes by the toss of a coin.
    Sectors(u64),
}

impl Left {
    /// Returns one of those there are.
    pub fn any(random: &mut Random) -> Self {
        [Self::Nothing, Self::Sectors(512), Self::Sectors(4096)][random.below(3) as usize]
    }
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl Change {
    fn apply_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => write(bytes, *offset, data),
            Self::Truncate(length) => bytes.resize(*length as usize, 0),
        }
    }
}

/// A file, whatever its name.
#[derive(Debug, Clone, Default)]
struct File {
    lasting: Vec<u8>,
    /// Not synced yet, oldest first.
    pending: Vec<Change>,
}

/// Names that become what they are together; `None` is a name that goes.
type Naming = Vec<(String, Option<usize>)>;

/// The disk below one directory.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    /// As programs see them.
    names: BTreeMap<String, usize>,
    lasting_names: BTreeMap<String, usize>,
    /// By directory, oldest first.
    pending_names: BTreeMap<String, Vec<Naming>>,
}

impl Disk {
    /// Does what the program did.
    pub fn apply(&mut self, record: &Record) {
        let name = &record.name;
        match &record.step {
            Step::Create => {
                self.files.push(File::default());
                self.rename(vec![(name.clone(), Some(self.files.len() - 1))]);
            }
            Step::Write(offset, data) => self.file(name).pending.push(Change::Write(*offset, data.clone())),
            Step::Truncate(length) => self.file(name).pending.push(Change::Truncate(*length)),
            Step::Sync => self.file(name).sync(),
            Step::SyncNames => self.sync_names(name),
            Step::Rename(to) => {
                assert_eq!(parent(name), parent(to), "a rename across directories is not modelled");
                let file = *self.names.get(name).unwrap_or_else(|| panic!("{name} is renamed and was never made"));
                self.rename(vec![(name.clone(), None), (to.clone(), Some(file))]);
            }
            Step::Link(to) => {
                let file = *self.names.get(name).unwrap_or_else(|| panic!("{name} is linked and was never made"));
                self.rename(vec![(to.clone(), Some(file))]);
            }
            // A socket, a -shm file: nothing that was recorded.
            Step::Unlink if !self.names.contains_key(name) => {}
            Step::Unlink => self.rename(vec![(name.clone(), None)]),
        }
    }

    /// Lets everything reach the disk, as it does by itself within a minute.
    pub fn settle(&mut self) {
        self.files.iter_mut().for_each(File::sync);
        self.lasting_names = self.names.clone();
        self.pending_names.clear();
    }

    /// Returns what there is after a power cut.
    pub fn cut(&self, left: Left, random: &mut Random) -> Self {
        let mut names = self.lasting_names.clone();
        for namings in self.pending_names.values() {
            let kept = if left == Left::Nothing { 0 } else { random.below(namings.len() as u64 + 1) as usize };
            namings[..kept].iter().for_each(|naming| put(&mut names, naming));
        }
        let mut after = Self::default();
        for (name, file) in names {
            let lasting = self.files[file].left(left, random);
            after.files.push(File { lasting, pending: Vec::new() });
            after.names.insert(name, after.files.len() - 1);
        }
        after.lasting_names = after.names.clone();
        after
    }

    /// Returns the names there are with their contents, as programs see them.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.names.iter().map(|(name, file)| (name.clone(), self.files[*file].seen())).collect()
    }

    /// Makes the directory hold these files and no others. Directories stay.
    pub fn lay(&self, root: &Path) {
        for name in files_below(root) {
            std::fs::remove_file(root.join(name)).expect("a file of the test can be removed");
        }
        for (name, contents) in self.contents() {
            let path = root.join(name);
            let dir = path.parent().expect("a file lies in a directory");
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).expect("a directory can be made");
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let file = file.as_mut().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            std::io::Write::write_all(file, &contents).expect("a file of the test can be written");
        }
    }

    #[track_caller]
    fn file(&mut self, name: &str) -> &mut File {
        let file = self.names.get(name).unwrap_or_else(|| panic!("{name} is used and was never made"));
        &mut self.files[*file]
    }

    fn rename(&mut self, naming: Naming) {
        put(&mut self.names, &naming);
        let dir = parent(&naming[0].0).to_owned();
        self.pending_names.entry(dir).or_default().push(naming);
    }

    fn sync_names(&mut self, dir: &str) {
        for naming in self.pending_names.remove(dir).unwrap_or_default() {
            put(&mut self.lasting_names, &naming);
        }
    }
}

impl File {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply_to(&mut self.lasting);
        }
    }

    /// Returns what programs see.
    fn seen(&self) -> Vec<u8> {
        let mut bytes = self.lasting.clone();
        self.pending.iter().for_each(|change| change.apply_to(&mut bytes));
        bytes
    }

    /// Returns what a power cut leaves.
    fn left(&self, left: Left, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.lasting.clone();
        let Left::Sectors(sector) = left else { return bytes };
        for change in &self.pending {
            match change {
                Change::Write(offset, data) => {
                    for (at, part) in parts(*offset, data, sector) {
                        if random.below(2) == 0 {
                            write(&mut bytes, at, part);
                        }
                    }
                }
                Change::Truncate(length) if random.below(2) == 0 => bytes.resize(*length as usize, 0),
                Change::Truncate(_) => {}
            }
        }
        bytes
    }
}

/// Returns what of a write lies in each sector, with its offset.
fn parts(offset: u64, mut data: &[u8], sector: u64) -> Vec<(u64, &[u8])> {
    let (mut at, mut parts) = (offset, Vec::new());
    while !data.is_empty() {
        let (part, rest) = data.split_at(data.len().min((sector - at % sector) as usize));
        parts.push((at, part));
        (at, data) = (at + part.len() as u64, rest);
    }
    parts
}

fn write(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + data.len());
    bytes.resize(bytes.len().max(end), 0);
    bytes[start..end].copy_from_slice(data);
}

fn put(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    for (name, file) in naming {
        match file {
            Some(file) => names.insert(name.clone(), *file),
            None => names.remove(name),
        };
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Returns the names of all that lies below `root` and is no directory.
pub fn files_below(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).expect("a directory of the test can be read") {
            let path = entry.expect("a directory of the test can be read").path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(root).expect("it lies below");
                found.insert(name.to_str().expect("our own names are text").to_owned());
            }
        }
    }
    found
}

/// Returns what is left of these steps.
#[cfg(test)]
fn left_of(steps: &[(&str, Step)], left: Left, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut disk = Disk::default();
    for (name, step) in steps {
        disk.apply(&Record { name: (*name).to_owned(), step: step.clone() });
    }
    disk.cut(left, &mut Random::seeded(seed)).contents()
}

#[test]
fn what_was_synced_lasts_and_what_was_not_is_gone() {
    let write = |offset, text: &str| ("a", Step::Write(offset, text.as_bytes().to_vec()));
    let steps = [("a", Step::Create), write(0, "one"), ("a", Step::Sync), ("", Step::SyncNames), write(1, "XX")];
    let is = |contents: &str| BTreeMap::from([("a".to_owned(), contents.as_bytes().to_vec())]);
    assert_eq!(left_of(&steps, Left::Nothing, 1), is("one"));
    let synced = [&steps[..], &[("a", Step::Sync)]].concat();
    assert_eq!(left_of(&synced, Left::Nothing, 1), is("oXX"));
    let cut_off = [&synced[..], &[("a", Step::Truncate(0))]].concat();
    assert_eq!(left_of(&cut_off, Left::Nothing, 1), is("oXX"));
    assert_eq!(left_of(&steps[..3], Left::Nothing, 1), BTreeMap::new(), "its name is not on the disk");
}

#[test]
fn a_name_lasts_once_its_directory_was_synced() {
    let rename = ("d/new", Step::Rename("d/a".to_owned()));
    let made = [("d/new", Step::Create), ("d/new", Step::Write(0, b"x".to_vec())), ("d/new", Step::Sync)];
    let names = |steps: &[(&str, Step)]| left_of(steps, Left::Nothing, 1).into_keys().collect::<Vec<_>>();
    let synced = [&made[..], &[("d", Step::SyncNames), rename.clone()]].concat();
    assert_eq!(names(&synced), ["d/new"], "the rename is not");
    let other = [&made[..], &[rename.clone(), ("", Step::SyncNames)]].concat();
    assert_eq!(names(&other), [""; 0], "another directory's sync is none");
    let renamed = [&made[..], &[rename, ("d", Step::SyncNames), ("d/a", Step::Unlink)]].concat();
    assert_eq!(names(&renamed), ["d/a"], "and its end is not");
}

#[test]
fn a_torn_write_is_there_sector_by_sector() {
    let steps = [("a", Step::Create), ("", Step::SyncNames), ("a", Step::Write(500, vec![1; 1100]))];
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let bytes = left_of(&steps, Left::Sectors(512), seed).remove("a").expect("it is there");
        let there = |range: std::ops::Range<usize>| {
            let part = bytes.get(range.start..bytes.len().min(range.end)).unwrap_or_default();
            let whole = part.len() == range.len() && part.iter().all(|byte| *byte == 1);
            assert!(whole || part.iter().all(|byte| *byte == 0), "a sector is whole or not there");
            whole
        };
        seen.insert([there(500..512), there(512..1024), there(1024..1536), there(1536..1600)]);
    }
    assert_eq!(seen.len(), 16, "every combination comes");
}
