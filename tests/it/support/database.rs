//! A look into a database that nobody has open, past the program that wrote it.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params};
use std::path::Path;
use tempfile::TempDir;

/// A copy of a database with its journal, so that looking repairs and changes nothing of the real one.
pub struct Database {
    connection: Connection,
    _home: TempDir,
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
        Self { connection, _home: home }
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
