//! SQLite: how a database is opened, and the threads that own its connections.

pub(super) mod health;
pub(super) mod hub;
mod lane;
mod rows;
mod tables;
mod upgrade;

use super::{StoreError, file};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// How long a connection waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// First SQLite without the race that can corrupt a WAL with several connections.
const SAFE_VERSION: i32 = 3_051_003;

/// One database file: who made it and in which layout.
pub(super) struct Schema {
    /// Marks the file as ours: "ndHb", "ndMi".
    pub application_id: i32,
    /// The layout this program writes.
    pub version: i64,
    /// What makes it.
    pub sql: &'static str,
    /// What makes each layout of the one before: the first step leads from 1 to 2.
    pub steps: &'static [&'static str],
}

/// Opens the file for writing, makes it private first, and its tables when it is new.
pub(super) fn open(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    assert!(rusqlite::version_number() >= SAFE_VERSION, "the bundled SQLite is newer than its WAL bug");
    drop(file::private_file(path)?);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let found = version(&connection)?;
    if (1..schema.version).contains(&found) {
        check(&connection, path, schema)?;
        upgrade::run(&mut connection, path, schema, found)?;
    }
    make(&mut connection, path, schema)?;
    Ok(connection)
}

/// Returns which layout a database has; 0 is none.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("PRAGMA user_version")?.query_row((), |row| row.get(0))?)
}

/// Makes tables that end with their connection.
pub(super) fn in_memory(schema: &Schema) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_in_memory_with_flags(flags)?;
    make(&mut connection, Path::new(":memory:"), schema)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens another connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // A parent that is a link (/tmp on some systems) is fine; the file itself must not be one.
    let path = match (path.parent().and_then(|dir| dir.canonicalize().ok()), path.file_name()) {
        (Some(dir), Some(name)) => dir.join(name),
        _ => path.to_owned(),
    };
    let connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // synchronous is set by hand, for builds and libraries change its default. FULL: a commit that was answered is on the disk.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 2000;
         PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes the tables where there are none.
fn make(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), StoreError> {
    let tx = immediate(connection)?;
    check(&tx, path, schema)?;
    if version(&tx)? == 0 {
        tx.execute_batch(schema.sql)?;
        tx.execute_batch(&format!(
            "PRAGMA user_version = {}; PRAGMA application_id = {}",
            schema.version, schema.application_id
        ))?;
    }
    Ok(tx.commit()?)
}

/// Makes sure that the database is ours and not of a later layout.
fn check(connection: &Connection, path: &Path, schema: &Schema) -> Result<(), StoreError> {
    let found = version(connection)?;
    let application: i32 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    if application != 0 && application != schema.application_id {
        let why = "this database belongs to another program".into();
        return Err(StoreError::Unsafe { path: path.to_owned(), why });
    }
    if found > schema.version {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: schema.version });
    }
    Ok(())
}

/// Begins a transaction that may write: a read upgraded later fails at once when another writer was faster.
pub(super) fn immediate(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(Transaction::new(connection, TransactionBehavior::Immediate)?)
}
