//! The hub's store: each method is one whole transaction. An enum of back ends; one contract suite is for all of them.

use super::sqlite::lane::Lane;
pub use super::sqlite::work::Committed;
use super::sqlite::{self, Schema, due, fold, ops};
use super::{FeedPage, Quarantined, StoreError};
use crate::domain::envelope::SignedOp;
use crate::domain::event::{Event, SeriesKey};
use crate::domain::id::{IncidentId, NodeId, OpId, SourceName};
use crate::domain::incident::Timing;
use crate::domain::judge::Verdict;
use crate::domain::label::IdentityRule;
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;

/// What the store's transactions go by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Windows and delays.
    pub timing: Timing,
    /// Which labels say who an alert is.
    pub identity: IdentityRule,
    /// Makes incident ids; a parameter, so that a simulation can repeat itself.
    pub mint: fn(Timestamp) -> IncidentId,
}

/// Everything that was queued, for one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    /// By the hub's clock.
    pub now: Timestamp,
    /// Alerts, in any order.
    pub events: Vec<Event>,
    /// What could not be taken.
    pub quarantined: Vec<Quarantined>,
}

/// Repeats of one series that were answered from memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Which series.
    pub key: SeriesKey,
    /// The latest of them.
    pub last_seen: Timestamp,
    /// How many.
    pub deliveries: u64,
    /// The latest end that the sender gave.
    pub ends_at: Option<Timestamp>,
}

/// What happened by itself.
#[derive(Debug)]
pub struct Due {
    /// What the transaction left behind.
    pub committed: Committed,
    /// More is due than one transaction takes.
    pub more: bool,
}

/// What became of one pushed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// Judged, now or before.
    Judged(Verdict),
    /// Operations before it are missing.
    Gap {
        /// The number that the chain goes on with.
        expected: u64,
    },
    /// Another operation stands at its place: the console's database was copied or restored.
    Fork,
    /// The device was revoked before this operation came; nothing of it is stored.
    Revoked,
}

/// The answers to a push, in its order.
#[derive(Debug)]
pub struct Submitted {
    /// One for each operation.
    pub answers: Vec<(OpId, Pushed)>,
    /// What the transaction left behind.
    pub committed: Committed,
}

/// The hub's store.
#[derive(Clone)]
pub enum HubStore {
    /// One SQLite file, one hub.
    Sqlite(SqliteHub),
}

/// SQLite: one thread writes, one reads.
#[derive(Clone)]
pub struct SqliteHub {
    writer: Lane,
    reader: Lane,
    rules: Rules,
}

const SCHEMA: Schema = Schema { application_id: 0x6e64_4862, version: 1, sql: include_str!("sqlite/hub.sql") };

impl HubStore {
    /// Opens or makes the hub's database.
    ///
    /// # Errors
    /// [`StoreError`] says what stands against it.
    pub fn open_sqlite(path: &Path, rules: Rules, fresh_epoch: &str) -> Result<Self, StoreError> {
        let mut writer = sqlite::open(path, &SCHEMA)?;
        prepare(&mut writer, &rules, fresh_epoch)?;
        let reader = sqlite::open_reader(path)?;
        let spawn = |name, connection| {
            Lane::spawn(name, connection).map_err(|source| StoreError::Io { path: path.to_owned(), source })
        };
        let hub = SqliteHub { writer: spawn("hub-writer", writer)?, reader: spawn("hub-reader", reader)?, rules };
        Ok(Self::Sqlite(hub))
    }

    fn sqlite(&self) -> &SqliteHub {
        let Self::Sqlite(hub) = self;
        hub
    }

    /// Folds a batch in: series, incidents, timers, feed and quarantine. `Ok` means that it is on the disk.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch is remembered then.
    pub async fn ingest(&self, batch: Batch) -> Result<Committed, StoreError> {
        let rules = self.sqlite().rules.clone();
        self.sqlite().writer.run(move |connection| fold::ingest(connection, &rules, batch)).await
    }

    /// Writes counters of repeats that were answered before.
    ///
    /// # Errors
    /// [`StoreError`]; counters are as they were then.
    pub async fn touch(&self, batch: Vec<Touch>, now: Timestamp) -> Result<(), StoreError> {
        let rules = self.sqlite().rules.clone();
        self.sqlite().writer.run(move |connection| fold::touch(connection, &rules, &batch, now)).await
    }

    /// Lets happen what is due: words that ran out, flap windows that ended, due times that passed.
    ///
    /// # Errors
    /// [`StoreError`]; nothing happened then.
    pub async fn run_due(
        &self,
        now: Timestamp,
        hub_up_since: Timestamp,
        spoke: Vec<(SourceName, Timestamp)>,
    ) -> Result<Due, StoreError> {
        let rules = self.sqlite().rules.clone();
        self.sqlite().writer.run(move |connection| due::run_due(connection, &rules, now, hub_up_since, &spoke)).await
    }

    /// Judges operations whose signatures were checked; each once, every retry gets the stored verdict.
    ///
    /// # Errors
    /// [`StoreError`]; none was judged then.
    pub async fn submit(&self, ops: Vec<SignedOp>, now: Timestamp) -> Result<Submitted, StoreError> {
        let rules = self.sqlite().rules.clone();
        self.sqlite().writer.run(move |connection| ops::submit(connection, &rules, &ops, now)).await
    }

    /// Forgets what is too old: series over for 30 days, incidents resolved for 400; a bounded number of each, so it returns
    /// whether there may be more.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was forgotten then.
    pub async fn prune(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.sqlite().writer.run(move |connection| due::prune(connection, now)).await
    }

    /// Returns at most `max` changes after `after`, verdicts on operations of `node` among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed(&self, after: u64, max: usize, node: NodeId) -> Result<FeedPage, StoreError> {
        self.sqlite().reader.run(move |connection| sqlite::feed::feed(connection, after, max, node)).await
    }

    /// Returns series that burn or are unknown, by row id after `after`, at most `max`, and the last row id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn burning(&self, after: i64, max: usize) -> Result<(Vec<Series>, Option<i64>), StoreError> {
        self.sqlite().reader.run(move |connection| burning(connection, after, max)).await
    }

    /// Returns these series, as far as they exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn series(&self, keys: Vec<SeriesKey>) -> Result<Vec<Series>, StoreError> {
        self.sqlite().reader.run(move |connection| series(connection, &keys)).await
    }

    /// Returns what could not be taken, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantine(&self, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError> {
        self.sqlite().reader.run(move |connection| quarantine(connection, max)).await
    }

    /// Does a transaction on the thread that writes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.sqlite().writer.run(work).await
    }

    /// Reads on the thread that reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.sqlite().reader.run(work).await
    }

    /// Returns the branch of history and the newest change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn head(&self) -> Result<super::Cursor, StoreError> {
        self.feed(u64::MAX >> 1, 1, NodeId::from_bytes([0; 16]))
            .await
            .map(|page| super::Cursor { epoch: page.epoch, seq: page.head })
    }
}

/// Writes the epoch of a new database, and keys open series anew when the ignored labels changed.
fn prepare(connection: &mut Connection, rules: &Rules, fresh_epoch: &str) -> Result<(), StoreError> {
    let tx = sqlite::immediate(connection)?;
    tx.execute("INSERT INTO meta VALUES ('epoch', ?1) ON CONFLICT DO NOTHING", [fresh_epoch])?;
    let version = rules.identity.version();
    let stored: Option<String> =
        tx.query_row("SELECT value FROM meta WHERE key = 'identity'", (), |row| row.get(0)).optional()?;
    if stored.is_some_and(|stored| stored != version) {
        rekey(&tx, rules)?;
    }
    tx.execute("INSERT INTO meta VALUES ('identity', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1", [version])?;
    Ok(tx.commit()?)
}

/// Gives each series that still burns the fingerprint of the new rule, so that its next message finds it.
///
/// Where two become one, the older row keeps the fingerprint; the other stays under its old one and runs out or is resolved by hand.
fn rekey(tx: &rusqlite::Transaction<'_>, rules: &Rules) -> Result<(), StoreError> {
    let rows: Vec<(i64, String)> = tx
        .prepare("SELECT id, body FROM series WHERE state IN ('firing', 'unknown') ORDER BY id")?
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, body) in rows {
        let mut series: Series = serde_json::from_str(&body)?;
        series.fingerprint = rules.identity.fingerprint(&series.labels);
        tx.execute(
            "UPDATE OR IGNORE series SET fingerprint = ?2, body = ?3 WHERE id = ?1",
            params![id, series.fingerprint.0, serde_json::to_string(&series)?],
        )?;
    }
    Ok(())
}

fn burning(connection: &mut Connection, after: i64, max: usize) -> Result<(Vec<Series>, Option<i64>), StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, body FROM series WHERE id > ?1 AND state IN ('firing', 'unknown') ORDER BY id LIMIT ?2",
    )?;
    let rows: Vec<(i64, String)> = select
        .query_map(params![after, max as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let last = rows.last().map(|(id, _)| *id);
    let series = rows.iter().map(|(_, body)| serde_json::from_str(body)).collect::<Result<_, _>>()?;
    Ok((series, last))
}

fn series(connection: &mut Connection, keys: &[SeriesKey]) -> Result<Vec<Series>, StoreError> {
    let tx = connection.transaction()?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(sqlite::rows::series_by_key(&tx, key)?.map(|row| row.series));
    }
    Ok(found)
}

fn quarantine(connection: &mut Connection, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, received_at, source, format, reason, raw, raw_bytes FROM quarantine ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = select.query_map([max as i64], |row| {
        let source: String = row.get(2)?;
        Ok((
            row.get(0)?,
            Quarantined {
                received_at: Timestamp::from_millis(row.get(1)?),
                source: SourceName::parse(&source).map_err(|error| invalid(2, error))?,
                format: row.get(3)?,
                reason: row.get(4)?,
                raw: row.get(5)?,
                raw_bytes: row.get::<_, i64>(6)? as u64,
            },
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn invalid(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
