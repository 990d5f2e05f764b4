//! What is remembered: whole transactions, and nothing of how they are kept.
//!
//! Two stores. [`HubStore`] is the hub's: async, for its back ends may be a network away. [`mirror::Mirror`] is a console's: blocking, on
//! a thread of its own. No transaction crosses their methods, none stays open over an `.await`.

pub mod devices;
pub mod file;
pub mod health;
pub mod hub;
pub mod memory;
pub mod mirror;
mod sqlite;
#[cfg(test)]
mod tests;

pub use hub::HubStore;

use crate::domain::id::{NodeId, SourceName};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How long resolved incidents stay, at the hub and in mirrors.
const INCIDENTS_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// How long series that are over stay, at the hub and in mirrors.
const SERIES_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Why the store did not do it. What was not answered with `Ok` is not remembered.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the file for more than 5 s.
    #[error("the database is held by another process")]
    Busy,
    /// The file is damaged.
    #[error("the database {path} is damaged")]
    Corrupt {
        /// Which.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    #[error(
        "the database {path} was written by a newer nightdesk (schema {found}, this one knows {known}); upgrade this program"
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// The schema it has.
        found: i64,
        /// The schema this program knows.
        known: i64,
    },
    /// The file was brought to a newer layout, or another one put in its place, while this program had it open.
    #[error("the database {path} was upgraded or replaced underneath this program; restart it: nothing is lost")]
    Underneath {
        /// Which.
        path: PathBuf,
    },
    /// The file could not be brought to this program's layout.
    #[error(
        "the database {path} (schema {found}) could not be upgraded: {why}; it is as it was, and a copy lies in {copy}. \
         The program that you had before still reads it"
    )]
    Upgrade {
        /// Which.
        path: PathBuf,
        /// A copy of it.
        copy: PathBuf,
        /// The schema it has.
        found: i64,
        /// What went wrong.
        why: String,
    },
    /// A place that cannot hold a database.
    #[error(
        "{path} lies on {kind}, where SQLite loses data; set NIGHTDESK_HOME=/local/path, or --data for a hub, to a directory on a local disk"
    )]
    NetworkFile {
        /// Where.
        path: PathBuf,
        /// What kind of file system.
        kind: &'static str,
    },
    /// A directory or file that others may read, or that is no plain file.
    #[error("{path}: {why}")]
    Unsafe {
        /// Which.
        path: PathBuf,
        /// Why it is not used.
        why: String,
    },
    /// The disk failed at a time when nobody knows what it kept; the process must end and look again.
    #[error("the disk failed; the hub stops, for nobody knows what was kept")]
    Disk(#[source] rusqlite::Error),
    /// The disk is full: nothing was kept, and it may work later.
    #[error("the disk is full")]
    Full,
    /// A file operation failed.
    #[error("{path}")]
    Io {
        /// On which file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
    /// A row that this program cannot read.
    #[error("a stored row cannot be read")]
    Row(#[from] serde_json::Error),
    /// A rule of the tables would not hold any more: this program is wrong.
    #[error("this would break a rule of the store: {rule}")]
    Broken {
        /// Which.
        rule: String,
    },
    /// Too many items of a kind, or one that is too large; nothing was kept.
    #[error("{0}")]
    Items(String),
    /// The writer has stopped.
    #[error("the store has stopped")]
    Stopped,
    /// Anything else SQLite says.
    #[error("SQLite")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// Returns the error for a rule of the tables that would not hold any more.
    fn broken(rule: &str) -> Self {
        Self::Broken { rule: rule.to_owned() }
    }

    /// Returns whether this program must not write any more because another, newer one does.
    pub fn is_outdated(&self) -> bool {
        matches!(self, Self::Newer { .. } | Self::Underneath { .. })
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error),
            Some(ErrorCode::ConstraintViolation) => Self::Broken { rule: error.to_string() },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path: PathBuf::from("its file") }
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// A place in the hub's history: the branch of it, and how far.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The branch; another one after a restore. Empty before the first answer.
    pub epoch: String,
    /// The last change seen; 0 before the first.
    pub seq: u64,
}

/// What one change of the feed is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    /// An incident's newest state.
    Incident,
    /// A series' newest state.
    Series,
    /// A line of a timeline.
    Line,
    /// A page's newest state.
    Page,
    /// A shared item's newest state; peers do not relay it.
    Item,
    /// A verdict on an operation of the asking node.
    Verdict,
}

/// One change, newest state of its row; `body` is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Its place.
    pub seq: u64,
    /// Of what.
    pub kind: FeedKind,
    /// The row.
    pub body: String,
}

/// Changes in `(asked, next]`, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The branch of history.
    pub epoch: String,
    /// The place that was asked from: the page is no use to who has less.
    pub after: u64,
    /// Ask from here next.
    pub next: u64,
    /// The newest change there is.
    pub head: u64,
    /// The changes.
    pub rows: Vec<FeedRow>,
    /// The hub's signatures of incidents and verdicts among them, where they were asked for.
    pub signatures: Option<Signatures>,
}

/// Signatures of rows of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// When the hub signed, by its clock.
    pub signed_at: Timestamp,
    /// The place of the row, and the signature.
    pub of: BTreeMap<u64, [u8; 64]>,
}

impl FeedPage {
    /// Returns the rows that are signed, in order, to be passed on.
    fn signed_rows(&self) -> impl Iterator<Item = mirror::SignedRow> {
        let signatures = self.signatures.iter();
        signatures.flat_map(|Signatures { signed_at, of }| {
            self.rows.iter().filter_map(|row| {
                let FeedRow { seq, kind, body } = row.clone();
                Some(mirror::SignedRow { seq, kind, signed_at: *signed_at, body, signature: *of.get(&seq)? })
            })
        })
    }
}

/// Something that could not be taken, kept for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// When it came.
    pub received_at: Timestamp,
    /// Who sent it.
    pub source: SourceName,
    /// As which format it was read.
    pub format: String,
    /// Why it could not be taken.
    pub reason: String,
    /// What came, cut at 64 KiB.
    pub raw: Vec<u8>,
    /// How long it was.
    pub raw_bytes: u64,
}

/// A console that the hub knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The database that signs.
    pub node: NodeId,
    /// Whose it is.
    pub user: crate::domain::id::UserName,
    /// What its signatures are checked with.
    pub public_key: [u8; 32],
}
