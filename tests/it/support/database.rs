//! A look into a database that nobody has open, past the program that wrote it.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params};
use std::path::Path;
use tempfile::TempDir;

/// A copy of a database with its journal, so that looking repairs and changes nothing of the real one.
pub struct Database {
    connection: Connection,
    /// Of a copy.
    _home: Option<TempDir>,
}

impl Database {
    /// Copies the file and its journal; its program must not run.
    pub fn copy(path: &Path) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        for suffix in ["", "-wal"] {
            let name = format!("{}{suffix}", path.display());
            if Path::new(&name).exists() {
                std::fs::copy(&name, home.path().join(format!("copy{suffix}"))).expect("the database can be copied");
            }
        }
        let connection = Connection::open(home.path().join("copy")).expect("the copy can be opened");
        Self { connection, _home: Some(home) }
    }

    /// Looks into the file itself while its program runs; only for databases with a write-ahead log, where readers disturb nobody.
    pub fn of_running(path: &Path) -> Self {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(path, flags).expect("the database can be opened");
        connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a time-out can be set");
        Self { connection, _home: None }
    }

    /// Returns the first column of the first row.
    #[track_caller]
    pub fn one<T: FromSql>(&self, sql: &str) -> T {
        self.connection.query_row(sql, (), |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Returns two columns of all rows.
    #[track_caller]
    pub fn pairs<A: FromSql, B: FromSql>(&self, sql: &str, params: impl Params) -> Vec<(A, B)> {
        let mut select = self.connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let rows = select.query_map(params, |row| Ok((row.get(0)?, row.get(1)?))).expect("the query runs");
        rows.collect::<Result<_, _>>().expect("the rows can be read")
    }
}

/// Changes a database whose program does not run.
pub fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("the database can be opened");
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}
