//! The hub's database: one SQLite file, one hub.

use super::super::StoreError;
use super::super::hub::{Rules, start};
use super::Schema;
use super::lane::Lane;
use super::tables::SqliteTables;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

pub(in crate::store) const SCHEMA: Schema = Schema {
    application_id: 0x6e64_4862,
    version: 2,
    sql: include_str!("hub.sql"),
    steps: &[include_str!("hub_2.sql")],
};

/// SQLite: one thread writes, one reads.
#[derive(Clone)]
pub struct SqliteHub {
    writer: Lane,
    reader: Lane,
    rules: Arc<RwLock<Arc<Rules>>>,
}

impl SqliteHub {
    pub(in crate::store) fn open(path: &Path, rules: Rules, fresh_epoch: &str) -> Result<Self, StoreError> {
        let mut writer = super::open(path, &SCHEMA)?;
        transaction(&mut writer, |tables| start::prepare(tables, &rules, fresh_epoch))?;
        let reader = super::open_reader(path)?;
        let spawn = |name, connection| {
            Lane::spawn(name, connection).map_err(|source| StoreError::Io { path: path.to_owned(), source })
        };
        Ok(Self {
            writer: spawn("hub-writer", writer)?,
            reader: spawn("hub-reader", reader)?,
            rules: Arc::new(RwLock::new(Arc::new(rules))),
        })
    }

    /// Does `work` in one transaction, which is kept whole when `work` says `Ok`, else undone whole.
    pub(in crate::store) async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteTables<'_>, &Rules) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let shared = self.rules.clone();
        self.writer
            .run(move |connection| {
                // Those that count when the transaction begins, not when it was asked for.
                let rules = shared.read().unwrap_or_else(PoisonError::into_inner).clone();
                transaction(connection, |tables| work(tables, &rules))
            })
            .await
    }

    /// Does `work` by other rules in one transaction, and goes by them from then on; by the old ones where it fails.
    pub(in crate::store) async fn replace_rules<R: Send + 'static>(
        &self,
        rules: Rules,
        work: impl FnOnce(&mut SqliteTables<'_>, &Rules) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let shared = self.rules.clone();
        self.writer
            .run(move |connection| {
                let done = transaction(connection, |tables| work(tables, &rules))?;
                // Still in the writer's thread: no transaction lies between.
                *shared.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
                Ok(done)
            })
            .await
    }

    /// Does `look` in one transaction that reads: all tables are seen at one moment.
    pub(in crate::store) async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&SqliteTables<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.reader.run(move |connection| look(&SqliteTables::new(connection.transaction()?))).await
    }
}

pub(in crate::store) fn transaction<R>(
    connection: &mut Connection,
    work: impl FnOnce(&mut SqliteTables<'_>) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let mut tables = SqliteTables::new(super::immediate(connection)?);
    let done = work(&mut tables)?;
    tables.commit()?;
    Ok(done)
}
