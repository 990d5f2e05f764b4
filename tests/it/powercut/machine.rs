//! A machine whose power can go: a directory, the program that writes there, and what the disk below it holds.

use super::disk::{Disk, Left, files_below};
use super::recording::{Record, Recorder};
use crate::support::database::Database;
use crate::support::hub::{BINARY, Program};
use crate::support::random::Random;
use crate::support::try_until;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Earlier moments of each round that are looked at too.
const MOMENTS: u64 = 2;
/// How long an idle program may still write.
const LIMIT: Duration = Duration::from_secs(20);

/// How the databases are opened; the program's own is `Full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// The program as it is.
    Full,
    /// Synced at checkpoints only.
    Normal,
}

/// A directory on a disk that can lose its power, and the program that writes there.
pub struct Machine {
    /// Absolute and without links.
    pub root: PathBuf,
    disk: Disk,
    random: Random,
    recorder: Recorder,
    program: Program,
    /// What was read of the log since the last cut, with the disk before it.
    since: (Disk, Vec<Record>),
    _home: TempDir,
}

impl Machine {
    /// Returns a machine whose empty directory is `root`; everything that runs there must be its [`Machine::program`].
    pub fn new(root: &Path, synchronous: Synchronous, random: Random) -> Self {
        std::fs::create_dir_all(root).expect("the test's folder can be made");
        let root = root.canonicalize().expect("the test's folder is there");
        let home = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::compile(home.path(), &root);
        let path = match synchronous {
            Synchronous::Full => PathBuf::from(BINARY),
            Synchronous::Normal => with_normal(home.path()),
        };
        let program = Program { path, env: recorder.env() };
        let since = (Disk::default(), Vec::new());
        Self { root, disk: Disk::default(), random, recorder, program, since, _home: home }
    }

    /// Returns the program that runs there.
    pub fn program(&self) -> Program {
        self.program.clone()
    }

    /// Reads what its programs did; they must not run.
    pub fn catch_up(&mut self) {
        let records = self.recorder.take();
        records.iter().for_each(|record| self.disk.apply(record));
        self.since.1.extend(records);
    }

    /// Lets time pass until all that was written so far is on the disk; its programs must not run.
    pub fn settle(&mut self) {
        self.catch_up();
        self.disk.settle();
        self.since = (self.disk.clone(), Vec::new());
    }

    /// Lets the power go, its programs being killed, and come back.
    pub fn cut(&mut self, left: Left) {
        self.catch_up();
        self.disk = self.disk.cut(left, &mut self.random);
        self.since = (self.disk.clone(), Vec::new());
        self.disk.lay(&self.root);
    }

    /// Returns the keys, tokens and addresses that its programs gave out or go by: small files written once.
    pub fn identity(&self) -> BTreeMap<String, Vec<u8>> {
        let kept = |name: &String| [".key", ".token", ".json"].iter().any(|end| name.ends_with(end));
        let names = files_below(&self.root).into_iter().filter(kept);
        names.map(|name| (name.clone(), std::fs::read(self.root.join(name)).expect("it can be read"))).collect()
    }

    /// Returns what a cut right now would leave.
    pub fn if_cut(&mut self, left: Left) -> Disk {
        self.disk.cut(left, &mut self.random)
    }

    /// Calls `look` with the database as a cut at some moments since the last one would have left it. Half of them are within
    /// checkpoints, if there were any.
    pub fn at_moments(&mut self, database: &str, look: impl Fn(&Database)) {
        let (mut disk, records) = self.since.clone();
        let checkpoints: Vec<usize> = (0..records.len()).filter(|at| records[*at].name == database).collect();
        let mut moments: Vec<usize> = (0..MOMENTS)
            .map(|moment| match checkpoints.len() as u64 {
                some @ 1.. if moment % 2 == 0 => checkpoints[self.random.below(some) as usize],
                _ => self.random.below(records.len() as u64) as usize,
            })
            .collect();
        moments.sort_unstable();
        let mut done = 0;
        for moment in moments {
            records[done..moment].iter().for_each(|record| disk.apply(record));
            done = moment;
            let left = Left::any(&mut self.random);
            on_disk(&disk.cut(left, &mut self.random), database, &look);
        }
    }

    /// Waits until the files are what the log makes of them: the recorder missed nothing. Its programs are idle or have ended; one that
    /// is killed, or ends with a thread at work, may leave a step that was done and not written down.
    ///
    /// # Panics
    /// When they stay different; the message names the files.
    pub fn nothing_missed(&self) {
        let mut missed = Vec::new();
        let same = try_until(LIMIT, || {
            missed = self.missed();
            missed.is_empty().then_some(())
        });
        assert!(same.is_some(), "the recorder missed what was done to {missed:?}");
    }

    fn missed(&self) -> Vec<String> {
        let mut disk = self.disk.clone();
        self.recorder.look().iter().for_each(|record| disk.apply(record));
        let recorded = disk.contents();
        let is_file = |name: &String| !name.ends_with("-shm") && self.root.join(name).is_file();
        let there: BTreeSet<String> = files_below(&self.root).into_iter().filter(is_file).collect();
        let names = there.iter().chain(recorded.keys()).collect::<BTreeSet<_>>();
        let differs = |name: &&String| std::fs::read(self.root.join(name)).ok().as_ref() != recorded.get(*name);
        names.into_iter().filter(differs).cloned().collect()
    }
}

/// Calls `look` with the database as it is on that disk.
pub fn on_disk<T>(disk: &Disk, database: &str, look: impl FnOnce(&Database) -> T) -> T {
    let dir = tempfile::tempdir().expect("a temporary folder");
    disk.lay(dir.path());
    look(&Database::copy(&dir.path().join(database)))
}

/// Returns a copy of the program that differs in nothing but the one pragma.
fn with_normal(dir: &Path) -> PathBuf {
    const OURS: &[u8] = b"PRAGMA synchronous = FULL;";
    const NORMAL: &[u8] = b"PRAGMA synchronous = 1   ;"; // the number of NORMAL, for the length must stay
    let mut binary = std::fs::read(BINARY).expect("our own binary can be read");
    let found: Vec<usize> =
        binary.windows(OURS.len()).enumerate().filter(|(_, bytes)| *bytes == OURS).map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "the program says how it syncs in these words");
    for at in found {
        binary[at..at + OURS.len()].copy_from_slice(NORMAL);
    }
    let (bytes, path) = (dir.join("bytes"), dir.join("nightdesk-normal"));
    std::fs::write(&bytes, binary).expect("our own binary can be copied");
    // By another process: were the file open for writing here while another test forks, its child would hold it, and it could not be run.
    let made =
        Command::new("install").args(["-m", "700"]).args([&bytes, &path]).status().expect("install can be started");
    assert!(made.success(), "{made}");
    path
}
