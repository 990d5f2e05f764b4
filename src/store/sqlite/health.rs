//! Looks at a database without changing it: is it whole, is it ours, what does it hold.

use super::super::StoreError;
use super::Schema;
use crate::domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use std::time::Duration;

/// How long a look waits for a writer.
const WAIT: Duration = Duration::from_secs(1);

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A hub's.
    Hub,
    /// A console's.
    Mirror,
}

impl Database {
    fn schema(self) -> &'static Schema {
        match self {
            Self::Hub => &super::hub::SCHEMA,
            Self::Mirror => &super::super::mirror::SCHEMA,
        }
    }
}

/// What a look at a database found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The layout that it has.
    pub version: i64,
    /// The newest layout that this program knows.
    pub known: i64,
    /// It was made by this program.
    pub ours: bool,
    /// What `quick_check` says is damaged; empty for a whole one.
    pub damage: Vec<String>,
}

/// What a mirror says of its console.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Whose it is.
    pub user: Option<String>,
    /// The console's token. Not for printing.
    pub token: Option<String>,
    /// When the token was given.
    pub token_at: Option<Timestamp>,
    /// When the mirror last held all that the hub had.
    pub as_of: Option<Timestamp>,
    /// Own operations that the hub has not answered.
    pub unsent: u64,
    /// Series whose source is silent, by source.
    pub silent: Vec<(String, u64)>,
}

/// Returns the version of the SQLite that this program carries.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Looks whether a database is whole. Reads all of it: for a large one that takes seconds.
///
/// # Errors
/// [`StoreError`] when it cannot be read at all.
pub fn examine(path: &Path, database: Database) -> Result<Health, StoreError> {
    let connection = look(path)?;
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), (), |row| row.get::<_, i64>(0));
    let damage: Vec<String> = connection
        .prepare("PRAGMA quick_check(3)")?
        .query_map((), |row| row.get::<_, String>(0))?
        .collect::<Result<_, _>>()?;
    let schema = database.schema();
    Ok(Health {
        version: number("user_version")?,
        known: schema.version,
        ours: number("application_id")? == i64::from(schema.application_id),
        damage: damage.into_iter().filter(|line| line != "ok").collect(),
    })
}

/// Returns what a mirror says of its console.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub fn kept(path: &Path) -> Result<Kept, StoreError> {
    let connection = look(path)?;
    let meta = |key: &str| {
        let select = "SELECT value FROM meta WHERE key = ?1";
        connection.query_row(select, [key], |row| row.get::<_, String>(0)).optional()
    };
    let time = |text: Option<String>| text.and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
    let unsent: i64 = connection.query_row("SELECT count(*) FROM op WHERE verdict IS NULL", (), |row| row.get(0))?;
    let silent = connection
        .prepare("SELECT source, count(*) FROM series WHERE body ->> '$.state' = 'unknown' GROUP BY source LIMIT 100")?
        .query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
        .collect::<Result<_, _>>()?;
    Ok(Kept {
        user: meta("user")?,
        token: meta("token")?,
        token_at: time(meta("token_at")?),
        as_of: time(meta("as_of")?),
        unsent: unsent.unsigned_abs(),
        silent,
    })
}

fn look(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WAIT)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;")?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{NodeId, UserName};
    use crate::store::mirror::Mirror;

    fn mirror(path: &Path) -> Mirror {
        let user = UserName::parse("mira").unwrap();
        Mirror::open(path, &user, NodeId::from_bytes([7; 16]), Timestamp::from_millis(1)).unwrap()
    }

    #[test]
    fn a_whole_mirror_is_whole_and_no_hub() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.db");
        mirror(&path).set_note("token_at", "1000").unwrap();
        let health = examine(&path, Database::Mirror).unwrap();
        assert!(health.ours && health.damage.is_empty() && health.version == health.known, "{health:?}");
        assert!(!examine(&path, Database::Hub).unwrap().ours);
        let kept = kept(&path).unwrap();
        assert_eq!(kept.user.as_deref(), Some("mira"));
        assert_eq!((kept.token_at, kept.unsent, kept.silent), (Some(Timestamp::from_millis(1000)), 0, Vec::new()));
    }

    #[test]
    fn a_damaged_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.db");
        drop(mirror(&path));
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[4096..half].fill(0x5a);
        std::fs::write(&path, &bytes).unwrap();
        // Another process' leavings would mend it.
        let _ = std::fs::remove_file(dir.path().join("mirror.db-wal"));
        let found = examine(&path, Database::Mirror);
        assert!(found.as_ref().map_or(true, |health| !health.damage.is_empty()), "{found:?}");
        std::fs::write(&path, b"no database at all, but long enough to be looked at as one").unwrap();
        assert!(examine(&path, Database::Mirror).is_err());
    }
}
