//! Looks, before each write, whether the file is still the one that was opened, in the layout that this program writes.
//!
//! A console stays open for weeks. Meanwhile a newer program may be installed, started by the same person, and bring the database to its own
//! layout; or a copy may be put in its place. Writing on would damage the first and be lost with the second.

use super::super::{StoreError, sqlite};
use super::SCHEMA;
use rusqlite::{Connection, Transaction};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file that was opened.
pub(super) struct Watch {
    path: PathBuf,
    /// Device and number of the file; `None` for one that ends with its process.
    file: Option<(u64, u64)>,
    /// The layout that it had when it was opened, where this program does not know it.
    newer: Option<(i64, i64)>,
}

impl Watch {
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let file = file(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: Some(file), newer: None })
    }

    /// Returns the watch over a file of a layout that this program does not know.
    pub fn newer(path: &Path, found: i64, known: i64) -> Result<Self, StoreError> {
        Ok(Self { newer: Some((found, known)), ..Self::of(path)? })
    }

    /// Returns that of a database in memory: nobody else has it.
    pub fn nothing() -> Self {
        Self { path: PathBuf::from(":memory:"), file: None, newer: None }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn check(&self, connection: &Connection) -> Result<(), StoreError> {
        if let Some((found, known)) = self.newer {
            return Err(StoreError::Newer { path: self.path.clone(), found, known });
        }
        let Some(opened) = self.file else { return Ok(()) };
        // A file that cannot be looked at now is not known to be another one: the write itself says what is wrong.
        let is_other = match file(&self.path) {
            Ok(now) => now != opened,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        match is_other || sqlite::version(connection)? != SCHEMA.version {
            true => Err(StoreError::Underneath { path: self.path.clone() }),
            false => Ok(()),
        }
    }

    /// Begins a transaction that writes, if this program still may; nobody can change the layout until it ends.
    pub fn begin<'c>(&self, connection: &'c mut Connection) -> Result<Transaction<'c>, StoreError> {
        if self.newer.is_some() {
            self.check(connection)?;
        }
        let tx = sqlite::immediate(connection)?;
        self.check(&tx)?;
        Ok(tx)
    }
}

fn file(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()))
}
