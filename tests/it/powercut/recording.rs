//! What a program did to its files, as `recorder.c` wrote it down.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One operation that the program did, in the order it did them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file that was not there was made, empty.
    Create,
    /// Bytes were written from this offset on.
    Write(u64, Vec<u8>),
    /// The file was cut off, or grew, to this length.
    Truncate(u64),
    /// The file's contents were synced.
    Sync,
    /// A directory was synced: the names in it.
    SyncNames,
    /// The file got this name.
    Rename(String),
    /// The file has that name too.
    Link(String),
    /// The name was taken away.
    Unlink,
}

/// A step and the file it is about, as a path below the watched directory; the directory itself is "".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which file.
    pub name: String,
    /// What was done to it.
    pub step: Step,
}

/// The library and its log.
#[derive(Debug)]
pub struct Recorder {
    library: PathBuf,
    log: PathBuf,
    root: PathBuf,
}

/// Bytes before the names and data of a record.
const HEAD: usize = 32;

impl Recorder {
    /// Compiles the library into `dir`, where the log will lie too, to watch all below `root`.
    ///
    /// # Panics
    /// When there is no C compiler: `tests/run` installs it.
    pub fn compile(dir: &Path, root: &Path) -> Self {
        let library = dir.join("recorder.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/powercut/recorder.c");
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library).arg(source);
        let output = command.args(["-ldl", "-pthread"]).output().expect("cc can be started: tests/run installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { library, log: dir.join("log"), root: root.to_owned() }
    }

    /// Returns what the program's environment needs.
    pub fn env(&self) -> Vec<(String, String)> {
        let pair = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        vec![
            pair("LD_PRELOAD", &self.library),
            pair("NIGHTDESK_POWERCUT_DIR", &self.root),
            pair("NIGHTDESK_POWERCUT_LOG", &self.log),
        ]
    }

    /// Returns what was done since the last [`Recorder::take`].
    pub fn look(&self) -> Vec<Record> {
        read(&std::fs::read(&self.log).expect("the recorder was loaded and wrote its log"))
    }

    /// Returns what was done since the last call. No watched program may run: it would write between the look and the emptying.
    pub fn take(&self) -> Vec<Record> {
        let records = self.look();
        std::fs::write(&self.log, b"").expect("the log can be emptied");
        records
    }
}

/// Reads a log. A record that SIGKILL cut short at its end was not done.
fn read(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(record) = bytes.first_chunk::<HEAD>().and_then(|head| bytes.get(..length(head))) {
        records.push(one(record));
        bytes = &bytes[record.len()..];
    }
    records
}

fn length(head: &[u8; HEAD]) -> usize {
    u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize
}

fn one(record: &[u8]) -> Record {
    let short = |at: usize| usize::from(u16::from_le_bytes([record[at], record[at + 1]]));
    let offset = u64::from_le_bytes(record[8..16].try_into().expect("eight bytes"));
    let (names, second_at) = (&record[HEAD..], short(6));
    let (name, rest) = names.split_at(second_at);
    let (second, data) = rest.split_at(short(16));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("our own names are text");
    let step = match record[4] {
        b'c' => Step::Create,
        b'w' => Step::Write(offset, data.to_vec()),
        b't' => Step::Truncate(offset),
        b's' => Step::Sync,
        b'd' => Step::SyncNames,
        b'r' => Step::Rename(text(second)),
        b'l' => Step::Link(text(second)),
        b'u' => Step::Unlink,
        other => panic!("the log has an unknown kind {other}"),
    };
    Record { name: text(name), step }
}
