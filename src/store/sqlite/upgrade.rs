//! A database of an earlier layout becomes one of today's: a copy first, then all steps in one transaction, checked before they count.

use super::{Schema, StoreError, file, immediate};
use rusqlite::{Connection, Transaction};
use std::path::{Path, PathBuf};

/// Copies that are kept.
const COPIES: usize = 2;

/// Brings the database to the layout that this program writes. Where that fails, it stays as it was, and the copy beside it too.
pub(super) fn run(connection: &mut Connection, path: &Path, schema: &Schema, found: i64) -> Result<(), StoreError> {
    let copy = copy(connection, path, found)?;
    let failed = |why: String| StoreError::Upgrade { path: path.to_owned(), copy: copy.clone(), found, why };
    let tx = immediate(connection)?;
    // Another process may have been faster.
    let found: i64 = tx.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or_default().saturating_sub(1);
    let steps = schema.steps.get(done..).unwrap_or_default();
    for step in steps {
        tx.execute_batch(step).map_err(|error| failed(error.to_string()))?;
    }
    tx.execute_batch(&format!("PRAGMA user_version = {}", found + steps.len() as i64))?;
    if found + steps.len() as i64 != schema.version {
        return Err(failed(format!("no step leads from layout {found} to {}", schema.version)));
    }
    // What was begun is rolled back with the transaction: nothing but the whole ever counts.
    match faults(&tx).map_err(|error| failed(error.to_string()))?.as_str() {
        "" => Ok(tx.commit()?),
        faults => Err(failed(faults.to_owned())),
    }
}

/// Returns what is wrong with the tables; nothing, where nothing is.
fn faults(tx: &Transaction<'_>) -> rusqlite::Result<String> {
    let whole: String = tx.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if whole != "ok" {
        return Ok(whole);
    }
    let strays = tx.prepare("PRAGMA foreign_key_check")?.exists(())?;
    Ok(if strays { "a row names another that is not there".into() } else { String::new() })
}

/// Copies the database beside itself, for its owner alone; the copies of the latest two layouts are kept.
fn copy(connection: &Connection, path: &Path, version: i64) -> Result<PathBuf, StoreError> {
    let copy = path.with_extension(format!("db.bak-{version}"));
    let io = |source| StoreError::Io { path: copy.clone(), source };
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    // Empty and private before SQLite writes into it.
    drop(file::private_file(&copy)?);
    connection.execute("VACUUM INTO ?1", [copy.display().to_string()])?;
    std::fs::File::open(&copy).and_then(|file| file.sync_all()).map_err(io)?;
    for old in copies(path).into_iter().rev().skip(COPIES) {
        let _ = std::fs::remove_file(old);
    }
    Ok(copy)
}

/// Returns the copies beside a database, that of the earliest layout first.
fn copies(path: &Path) -> Vec<PathBuf> {
    let stem = path.with_extension("db.bak-").file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = path.parent().and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.strip_prefix(&stem)?.parse::<i64>().ok();
    let mut copies: Vec<(i64, PathBuf)> =
        entries.map(|entry| entry.path()).filter_map(|path| Some((version(&path)?, path))).collect();
    copies.sort();
    copies.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const ID: i32 = 0x6e64_5465;
    const FIRST: Schema = Schema {
        application_id: ID,
        version: 1,
        sql: "CREATE TABLE a (x INTEGER NOT NULL); INSERT INTO a VALUES (7)",
        steps: &[],
    };

    /// Layouts that were never written by a release: each adds a column.
    fn layout(version: i64, steps: &'static [&'static str]) -> Schema {
        Schema { version, steps, ..FIRST }
    }

    const STEPS: &[&str] = &[
        "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1",
        "ALTER TABLE a ADD COLUMN z INTEGER; UPDATE a SET z = y + 1",
        "CREATE INDEX b ON a (z)",
    ];

    fn version(path: &Path) -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap()
    }

    #[test]
    fn steps_are_taken_in_order_and_two_private_copies_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.db");
        drop(open(&path, &FIRST).unwrap());
        drop(open(&path, &layout(2, &STEPS[..1])).unwrap());
        drop(open(&path, &layout(3, &STEPS[..2])).unwrap());
        let connection = open(&path, &layout(4, STEPS)).unwrap();
        let row = connection.query_row("SELECT x, y, z FROM a", (), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        assert_eq!((row.unwrap(), version(&path)), ((7, 8, 9), 4));
        let left = copies(&path);
        assert_eq!(left, [dir.path().join("mirror.db.bak-2"), dir.path().join("mirror.db.bak-3")]);
        assert_eq!(version(&left[1]), 3);
        assert_eq!(std::fs::metadata(&left[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn several_layouts_are_passed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.db");
        drop(open(&path, &FIRST).unwrap());
        drop(open(&path, &layout(4, STEPS)).unwrap());
        assert_eq!((version(&path), copies(&path).len()), (4, 1));
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was_and_says_where_the_copy_is() {
        let broken: [(&'static [&'static str], &str); 3] = [
            (&["UPDATE a SET x = 9; ALTER TABLE none ADD COLUMN y"], "no such table"),
            (&["UPDATE a SET x = 9; PRAGMA defer_foreign_keys = ON;
                CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE q (p REFERENCES p (id)); INSERT INTO q VALUES (5)"], "not there"),
            (&[], "no step leads"),
        ];
        for (steps, why) in broken {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("mirror.db");
            drop(open(&path, &FIRST).unwrap());
            let error = open(&path, &layout(2, steps)).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("mirror.db.bak-1"), "{error}");
            let connection = open(&path, &FIRST).unwrap();
            let x: i64 = connection.query_row("SELECT x FROM a", (), |row| row.get(0)).unwrap();
            assert_eq!((x, version(&path)), (7, 1), "{why}");
        }
    }
}
