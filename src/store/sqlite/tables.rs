//! The hub's tables in SQLite: each method is one or two prepared statements.

use super::super::devices::{Bearer, Enrolment, KnownDevice, NewToken};
use super::super::hub::read::FEED_BYTES_MAX;
use super::super::hub::tables::{
    ChainEnd, CountedDay, IncidentPlace, JudgedOp, RanOut, SeriesPlace, SeriesRow, StoredOp, Tables, WaitingPages,
    line_body,
};
use super::super::{Device, FeedKind, FeedRow, Quarantined, StoreError};
use super::rows::{self, invalid, life_word, state_word};
use crate::domain::day::{Counts, DayNumber};
use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, NodeId, Number, OpId, SourceName, UserName};
use crate::domain::incident::{Incident, Line};
use crate::domain::item::{Change, Item, ItemKind};
use crate::domain::paging::{Page, PageId};
use crate::domain::runbook::{Revision, RunbookName};
use crate::domain::scope::Scope;
use crate::domain::series::{Series, SeriesState};
use crate::domain::source::Watched;
use crate::domain::time::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::BTreeSet;

/// One open transaction.
pub(in crate::store) struct SqliteTables<'c> {
    tx: Transaction<'c>,
}

impl<'c> SqliteTables<'c> {
    pub fn new(tx: Transaction<'c>) -> Self {
        Self { tx }
    }

    /// Keeps everything that was written; without it nothing is.
    pub fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit()?)
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, StoreError> {
        Ok(self.tx.prepare_cached(sql)?.execute(params)?)
    }

    fn one<R>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<R>,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.tx.prepare_cached(sql)?.query_row(params, read).optional()?)
    }

    fn all<R>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<R>,
    ) -> Result<Vec<R>, StoreError> {
        let mut select = self.tx.prepare_cached(sql)?;
        Ok(select.query_map(params, read)?.collect::<Result<_, _>>()?)
    }
}

impl SqliteTables<'_> {
    /// Returns the bodies that a statement selects.
    fn parsed<R: serde::de::DeserializeOwned>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<R>, StoreError> {
        let bodies: Vec<String> = self.all(sql, params, |row| row.get(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }
}

fn user(row: &Row<'_>, column: usize) -> rusqlite::Result<UserName> {
    let name: String = row.get(column)?;
    UserName::parse(&name).map_err(|error| invalid(column, error))
}

fn scope(row: &Row<'_>, column: usize) -> rusqlite::Result<Scope> {
    let word: String = row.get(column)?;
    // The tables' CHECK allows no other word.
    Scope::of_word(&word).ok_or(rusqlite::Error::InvalidColumnType(column, word, Type::Text))
}

fn read_device(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device { node: NodeId::from_bytes(row.get(0)?), user: user(row, 1)?, public_key: row.get(2)? })
}

fn read_token(row: &Row<'_>) -> rusqlite::Result<Bearer> {
    let created_at = Timestamp::from_millis(row.get(5)?);
    Ok(Bearer {
        token: NewToken { id: row.get(0)?, hash: row.get(1)?, scope: scope(row, 2)?, created_at },
        user: user(row, 3)?,
        node: NodeId::from_bytes(row.get(4)?),
        last_used_at: Timestamp::from_millis(row.get(6)?),
        public_key: None,
    })
}

fn read_enrolment(row: &Row<'_>) -> rusqlite::Result<Enrolment> {
    let expires_at = Timestamp::from_millis(row.get(3)?);
    Ok(Enrolment { hash: row.get(0)?, user: user(row, 1)?, scope: scope(row, 2)?, expires_at })
}

impl Tables for SqliteTables<'_> {
    fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.one("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
    }

    fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        self.execute(sql, [key, value]).map(|_| ())
    }

    fn head(&self) -> Result<u64, StoreError> {
        let seq = self.one("SELECT seq FROM feed_head", (), |row| row.get::<_, i64>(0))?;
        Ok(seq.unwrap_or(0) as u64)
    }

    fn set_head(&mut self, seq: u64) -> Result<(), StoreError> {
        self.execute("UPDATE feed_head SET seq = ?1", [seq as i64]).map(|_| ())
    }

    fn changes(&self, after: u64, max: usize, verdicts: Option<NodeId>) -> Result<Vec<FeedRow>, StoreError> {
        let mut rows = Vec::new();
        let mut read = |kind, sql: &str, params: &[&dyn ToSql]| -> Result<(), StoreError> {
            let mut statement = self.tx.prepare_cached(sql)?;
            let mut found = statement.query(params)?;
            // What is more of one kind than a page holds is not in it, whatever there is of others.
            let mut bytes = 0;
            while bytes <= FEED_BYTES_MAX
                && let Some(row) = found.next()?
            {
                let row = FeedRow { seq: row.get::<_, i64>(0)? as u64, kind, body: row.get(1)? };
                bytes += row.body.len();
                rows.push(row);
            }
            Ok(())
        };
        let (after, limit) = (after as i64, max as i64);
        let place = params![after, limit];
        read(FeedKind::Incident, "SELECT seq, body FROM incident WHERE seq > ?1 ORDER BY seq LIMIT ?2", place)?;
        read(FeedKind::Series, "SELECT seq, body FROM series WHERE seq > ?1 ORDER BY seq LIMIT ?2", place)?;
        read(FeedKind::Line, "SELECT seq, body FROM line WHERE seq > ?1 ORDER BY seq LIMIT ?2", place)?;
        read(FeedKind::Page, "SELECT seq, body FROM page WHERE seq > ?1 ORDER BY seq LIMIT ?2", place)?;
        read(FeedKind::Item, "SELECT seq, body FROM item WHERE seq > ?1 ORDER BY seq LIMIT ?2", place)?;
        read(
            FeedKind::Verdict,
            "SELECT seq, json_object('op_id', lower(hex(op_id)), 'node', lower(hex(node)), 'nseq', nseq, 'hash', lower(hex(hash)),
               'verdict', json(verdict)) FROM op
             WHERE seq > ?1 AND (?3 IS NULL OR node = ?3) ORDER BY seq LIMIT ?2",
            params![after, limit, verdicts.map(|node| *node.as_bytes())],
        )?;
        rows.sort_by_key(|row| row.seq);
        rows.truncate(max);
        Ok(rows)
    }

    // The end of the node's chain is its newest.
    fn has_verdicts(&self, after: u64, node: NodeId) -> Result<bool, StoreError> {
        let sql = "SELECT seq FROM op WHERE node = ?1 ORDER BY nseq DESC LIMIT 1";
        let newest = self.one(sql, [node.as_bytes()], |row| row.get::<_, i64>(0))?;
        Ok(newest.is_some_and(|seq| seq as u64 > after))
    }

    fn spoke(&mut self, source: &SourceName, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO source (name, spoke_at) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET spoke_at = max(spoke_at, ?2)";
        self.execute(sql, params![source.as_str(), at.as_millis()]).map(|_| ())
    }

    fn unsay_after(&mut self, latest: Timestamp) -> Result<(), StoreError> {
        self.execute("UPDATE source SET spoke_at = 0 WHERE spoke_at > ?1", [latest.as_millis()]).map(|_| ())
    }

    fn series(&self, key: &SeriesKey) -> Result<Option<SeriesRow>, StoreError> {
        let sql = "SELECT id, body FROM series WHERE source = ?1 AND fingerprint = ?2";
        let found = self.one(sql, params![key.source.as_str(), key.fingerprint.0], rows::id_and_body)?;
        found.map(rows::series_row).transpose()
    }

    fn insert_series(&mut self, series: &Series, seq: u64) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO series (source, fingerprint, state, ends_at, promise_ms, incident, seq, body, pending_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let parameters = params![
            series.source.as_str(),
            series.fingerprint.0,
            state_word(series.state),
            series.ends_at.map(|at| at.as_millis()),
            series.promise_ms.map(|ms| ms as i64),
            series.incident.map(|id| *id.as_bytes()),
            seq as i64,
            serde_json::to_string(series)?,
            series.pending_until.map(|at| at.as_millis()),
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn update_series(&mut self, place: &SeriesPlace, series: &Series, seq: u64) -> Result<(), StoreError> {
        let sql = if place.incident == series.incident {
            "UPDATE series SET state = ?2, ends_at = ?3, promise_ms = ?4, seq = ?6, body = ?7, pending_until = ?8 WHERE id = ?1"
        } else {
            "UPDATE series SET state = ?2, ends_at = ?3, promise_ms = ?4, incident = ?5, seq = ?6, body = ?7, pending_until = ?8
             WHERE id = ?1"
        };
        let parameters = params![
            place.id,
            state_word(series.state),
            series.ends_at.map(|at| at.as_millis()),
            series.promise_ms.map(|ms| ms as i64),
            series.incident.map(|id| *id.as_bytes()),
            seq as i64,
            serde_json::to_string(series)?,
            series.pending_until.map(|at| at.as_millis()),
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn update_counters(&mut self, place: &SeriesPlace, series: &Series) -> Result<(), StoreError> {
        let sql =
            "UPDATE series SET state = ?2, ends_at = ?3, promise_ms = ?4, body = ?5, pending_until = ?6 WHERE id = ?1";
        let parameters = params![
            place.id,
            state_word(series.state),
            series.ends_at.map(|at| at.as_millis()),
            series.promise_ms.map(|ms| ms as i64),
            serde_json::to_string(series)?,
            series.pending_until.map(|at| at.as_millis()),
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn rekey_series(&mut self, id: i64, series: &Series) -> Result<(), StoreError> {
        let sql = "UPDATE OR IGNORE series SET fingerprint = ?2, body = ?3 WHERE id = ?1";
        self.execute(sql, params![id, series.fingerprint.0, serde_json::to_string(series)?]).map(|_| ())
    }

    fn burning(&self, after: i64, max: usize) -> Result<Vec<SeriesRow>, StoreError> {
        let sql = "SELECT id, body FROM series WHERE id > ?1 AND state IN ('firing', 'unknown', 'pending') ORDER BY id LIMIT ?2";
        let found = self.all(sql, params![after, max as i64], rows::id_and_body)?;
        found.into_iter().map(rows::series_row).collect()
    }

    fn ran_out(&self, now: Timestamp, hub_up_since: Timestamp, max: usize) -> Result<Vec<RanOut>, StoreError> {
        // What is unknown already is looked at again only once its source spoke.
        let sql = "SELECT series.source, series.fingerprint,
               iif(trusted_from + coalesce(promise_ms, 0) <= ?1, spoke_at, 0) AS spoke
             FROM series LEFT JOIN source ON source.name = series.source
             WHERE ends_at <= ?1 AND state IN ('firing', 'unknown', 'pending') AND ends_at IS NOT NULL
               AND ?2 + coalesce(promise_ms, 0) <= ?1 AND (state = 'firing' OR spoke > ends_at)
             ORDER BY ends_at, series.id LIMIT ?3";
        self.all(sql, params![now.as_millis(), hub_up_since.as_millis(), max as i64], |row| {
            Ok(RanOut { key: rows::series_key(row)?, spoke_at: Timestamp::from_millis(row.get(2)?) })
        })
    }

    fn become_real(&self, now: Timestamp, max: usize) -> Result<Vec<SeriesKey>, StoreError> {
        let sql = "SELECT source, fingerprint FROM series WHERE pending_until IS NOT NULL AND pending_until <= ?1
             ORDER BY pending_until, id LIMIT ?2";
        self.all(sql, params![now.as_millis(), max as i64], rows::series_key)
    }

    fn tied(&self, key: &str, bears: bool) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT incident FROM tie WHERE key = ?1 AND bears = ?2 ORDER BY incident";
        self.all(sql, params![key, bears], rows::incident_id)
    }

    fn set_ties(&mut self, incident: &Incident) -> Result<(), StoreError> {
        self.execute("DELETE FROM tie WHERE incident = ?1", [incident.id.as_bytes()])?;
        if incident.open_key.is_none() {
            return Ok(());
        }
        let bears = incident.bears.iter().map(|key| (key, true));
        for (key, bears) in bears.chain(incident.leans.keys().map(|key| (key, false))) {
            let sql = "INSERT INTO tie (key, bears, incident) VALUES (?1, ?2, ?3)";
            self.execute(sql, params![key, bears, incident.id.as_bytes()])?;
        }
        Ok(())
    }

    fn trust(&mut self, source: &SourceName, from: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO source (name, spoke_at, trusted_from) VALUES (?1, 0, ?2)
             ON CONFLICT (name) DO UPDATE SET trusted_from = excluded.trusted_from";
        self.execute(sql, params![source.as_str(), from.as_millis()]).map(|_| ())
    }

    fn source_states(&self) -> Result<Vec<Watched>, StoreError> {
        let sql = "SELECT body FROM source WHERE body IS NOT NULL ORDER BY name";
        self.parsed(sql, ())
    }

    fn put_source_state(&mut self, state: &Watched) -> Result<(), StoreError> {
        let sql = "INSERT INTO source (name, spoke_at, body) VALUES (?1, 0, ?2)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body";
        self.execute(sql, params![state.name.as_str(), serde_json::to_string(state)?]).map(|_| ())
    }

    fn series_from(
        &self,
        source: &SourceName,
        state: SeriesState,
        after: i64,
        max: usize,
    ) -> Result<Vec<SeriesRow>, StoreError> {
        // By row and not by an index: walked to its end in pieces, the table is read once.
        let sql = "SELECT id, body FROM series NOT INDEXED
             WHERE id > ?1 AND source = ?2 AND state = ?3 ORDER BY id LIMIT ?4";
        let params = params![after, source.as_str(), state_word(state), max as i64];
        let rows: Vec<(i64, String)> = self.all(sql, params, |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.into_iter().map(|(id, body)| Ok(SeriesRow { id, series: serde_json::from_str(&body)? })).collect()
    }

    fn add_counts(&mut self, day: DayNumber, source: &SourceName, counts: &Counts) -> Result<(), StoreError> {
        let sql = "INSERT INTO day VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (day, source) DO UPDATE SET events = events + ?3, series = series + ?4, real = real + ?5,
               incidents = incidents + ?6, pages = pages + ?7, untold = max(untold, ?8)";
        let untold = if counts.is_news() { 2 } else { 1 };
        let [events, series, real, incidents, pages] =
            [counts.events, counts.series, counts.real, counts.incidents, counts.pages].map(|count| count as i64);
        let params = params![day.0, source.as_str(), events, series, real, incidents, pages, untold];
        self.execute(sql, params).map(|_| ())
    }

    fn untold_days(&self, all: bool, max: usize) -> Result<Vec<CountedDay>, StoreError> {
        let sql = "SELECT day, source, events, series, real, incidents, pages FROM day
             WHERE untold >= ?1 AND untold > 0 ORDER BY day, source LIMIT ?2";
        self.all(sql, params![if all { 1 } else { 2 }, max as i64], |row| {
            let count = |column| row.get::<_, i64>(column).map(|count| count.unsigned_abs());
            let (events, series, real) = (count(2)?, count(3)?, count(4)?);
            let counts = Counts { events, series, real, incidents: count(5)?, pages: count(6)? };
            let source: String = row.get(1)?;
            let source = SourceName::parse(&source).map_err(|error| invalid(1, error))?;
            Ok((DayNumber(row.get(0)?), source, counts))
        })
    }

    fn day_told(&mut self, day: DayNumber, source: &SourceName) -> Result<(), StoreError> {
        let sql = "UPDATE day SET untold = 0 WHERE day = ?1 AND source = ?2";
        self.execute(sql, params![day.0, source.as_str()]).map(|_| ())
    }

    fn prune_days(&mut self, before: DayNumber) -> Result<usize, StoreError> {
        self.execute("DELETE FROM day WHERE day < ?1", [before.0])
    }

    fn change(&self, id: &str) -> Result<Option<Change>, StoreError> {
        Ok(self.parsed("SELECT body FROM change WHERE id = ?1", [id])?.pop())
    }

    fn put_text(&mut self, runbook: &RunbookName, revision: Revision, text: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO runbook_text VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.execute(sql, params![runbook.as_str(), revision.0, text]).map(|_| ())
    }

    fn text(&self, runbook: &RunbookName, revision: Revision) -> Result<Option<String>, StoreError> {
        let sql = "SELECT text FROM runbook_text WHERE runbook = ?1 AND revision = ?2";
        self.one(sql, params![runbook.as_str(), revision.0], |row| row.get(0))
    }

    fn texts(&self, runbook: &RunbookName) -> Result<Vec<Revision>, StoreError> {
        let sql = "SELECT revision FROM runbook_text WHERE runbook = ?1 ORDER BY revision";
        self.all(sql, [runbook.as_str()], |row| row.get(0).map(Revision))
    }

    fn forget_text(&mut self, runbook: &RunbookName, revision: Revision) -> Result<(), StoreError> {
        let sql = "DELETE FROM runbook_text WHERE runbook = ?1 AND revision = ?2";
        self.execute(sql, params![runbook.as_str(), revision.0]).map(|_| ())
    }

    fn put_change(&mut self, change: &Change) -> Result<(), StoreError> {
        let sql = "INSERT INTO change VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET at = excluded.at, body = excluded.body";
        let params = params![change.id, change.at.as_millis(), serde_json::to_string(change)?];
        self.execute(sql, params).map(|_| ())
    }

    fn changes_between(&self, from: Timestamp, to: Timestamp, max: usize) -> Result<Vec<Change>, StoreError> {
        let sql = "SELECT body FROM
               (SELECT id, at, body FROM change WHERE at BETWEEN ?1 AND ?2 ORDER BY at DESC, id DESC LIMIT ?3)
             ORDER BY at, id";
        self.parsed(sql, params![from.as_millis(), to.as_millis(), max as i64])
    }

    fn prune_changes(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM change WHERE id IN (SELECT id FROM change WHERE at < ?1 ORDER BY at, id LIMIT ?2)";
        self.execute(sql, params![before.as_millis(), max as i64])
    }

    fn open_incidents(&self, max: usize) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT id FROM incident WHERE open_key IS NOT NULL ORDER BY number DESC LIMIT ?1";
        self.all(sql, [max as i64], |row| Ok(IncidentId::from_bytes(row.get(0)?)))
    }

    fn firing_of(&self, incident: IncidentId) -> Result<Vec<SeriesKey>, StoreError> {
        let sql = "SELECT source, fingerprint FROM series WHERE incident = ?1 AND state = 'firing' ORDER BY id";
        self.all(sql, [incident.as_bytes()], rows::series_key)
    }

    fn prune_series(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM series WHERE id IN
             (SELECT id FROM series WHERE state IN ('resolved', 'expired') AND ends_at < ?1 ORDER BY id LIMIT ?2)";
        self.execute(sql, params![before.as_millis(), max as i64])
    }

    fn next_number(&mut self) -> Result<Number, StoreError> {
        let mut update = self.tx.prepare_cached("UPDATE counter SET number = number + 1 RETURNING number")?;
        let number: i64 = update.query_row((), |row| row.get(0))?;
        Ok(Number(number as u64))
    }

    fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let body = self.one("SELECT body FROM incident WHERE id = ?1", [id.as_bytes()], |row| row.get(0))?;
        rows::parsed(body)
    }

    fn incident_by_open_key(&self, key: &str) -> Result<Option<Incident>, StoreError> {
        let body = self.one("SELECT body FROM incident WHERE open_key = ?1", [key], |row| row.get(0))?;
        rows::parsed(body)
    }

    fn insert_incident(&mut self, incident: &Incident, seq: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO incident (id, number, open_key, life, owner, next_due_at, seq, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let parameters = params![
            incident.id.as_bytes(),
            incident.number.0 as i64,
            incident.open_key,
            life_word(incident.life),
            incident.owner.as_ref().map(|owner| owner.as_str()),
            incident.next_due_at.map(|at| at.as_millis()),
            seq as i64,
            serde_json::to_string(incident)?,
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn update_incident(&mut self, place: &IncidentPlace, incident: &Incident, seq: u64) -> Result<(), StoreError> {
        let sql = if *place == IncidentPlace::of(incident) {
            "UPDATE incident SET life = ?3, owner = ?4, seq = ?6, body = ?7 WHERE id = ?1"
        } else {
            "UPDATE incident SET open_key = ?2, life = ?3, owner = ?4, next_due_at = ?5, seq = ?6, body = ?7 WHERE id = ?1"
        };
        let parameters = params![
            incident.id.as_bytes(),
            incident.open_key,
            life_word(incident.life),
            incident.owner.as_ref().map(|owner| owner.as_str()),
            incident.next_due_at.map(|at| at.as_millis()),
            seq as i64,
            serde_json::to_string(incident)?,
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    // By row: an open incident's row is the younger, the later it was opened.
    fn due(&self, now: Timestamp, max: usize) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT id FROM incident WHERE next_due_at IS NOT NULL AND next_due_at <= ?1
             ORDER BY next_due_at, rowid LIMIT ?2";
        self.all(sql, params![now.as_millis(), max as i64], rows::incident_id)
    }

    fn due_after(&self, reach: Timestamp, max: usize) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT id FROM incident WHERE next_due_at IS NOT NULL AND next_due_at > ?1
             ORDER BY next_due_at, rowid LIMIT ?2";
        self.all(sql, params![reach.as_millis(), max as i64], rows::incident_id)
    }

    fn insert_line(&mut self, seq: u64, incident: IncidentId, line: &Line) -> Result<(), StoreError> {
        let sql = "INSERT INTO line (seq, incident, body) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![seq as i64, incident.as_bytes(), line_body(incident, line)?]).map(|_| ())
    }

    fn prune_incidents(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let old = "SELECT id FROM incident WHERE life = 'resolved' AND json_extract(body, '$.resolved_at') < ?1
             AND id NOT IN (SELECT incident FROM series WHERE incident IS NOT NULL) ORDER BY number LIMIT ?2";
        let parameters = params![before.as_millis(), max as i64];
        for table in ["line", "page", "alias"] {
            self.execute(&format!("DELETE FROM {table} WHERE incident IN ({old})"), parameters)?;
        }
        self.execute(&format!("DELETE FROM incident WHERE id IN ({old})"), parameters)
    }

    fn alias(&self, key: &str) -> Result<Option<IncidentId>, StoreError> {
        self.one("SELECT incident FROM alias WHERE key = ?1", [key], rows::incident_id)
    }

    fn set_alias(&mut self, key: &str, incident: IncidentId) -> Result<(), StoreError> {
        let sql = "INSERT INTO alias VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET incident = ?2";
        self.execute(sql, params![key, incident.as_bytes()]).map(|_| ())
    }

    fn series_of(&self, incident: IncidentId, max: usize) -> Result<Vec<SeriesKey>, StoreError> {
        let sql = "SELECT source, fingerprint FROM series WHERE incident = ?1 ORDER BY id LIMIT ?2";
        self.all(sql, params![incident.as_bytes(), max as i64], rows::series_key)
    }

    fn page(&self, id: PageId) -> Result<Option<Page>, StoreError> {
        rows::parsed(self.one("SELECT body FROM page WHERE id = ?1", [id.0], |row| row.get(0))?)
    }

    fn put_page(&mut self, page: &Page, seq: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO page (id, incident, person, channel, due_at, leased, open, seq, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET due_at = ?5, leased = ?6, open = ?7, seq = ?8, body = ?9";
        let parameters = params![
            page.id.0,
            page.incident.as_bytes(),
            page.person.as_str(),
            page.channel,
            page.due_at().map(|at| at.as_millis()),
            page.lease_until.filter(|_| page.is_pending()).map(|at| at.as_millis()),
            page.is_open(),
            seq as i64,
            serde_json::to_string(page)?,
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn pages_of(&self, incident: IncidentId, open: bool) -> Result<Vec<Page>, StoreError> {
        let sql = "SELECT body FROM page WHERE incident = ?1 AND open >= ?2 ORDER BY id";
        let bodies: Vec<String> = self.all(sql, params![incident.as_bytes(), open], |row| row.get(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    fn due_callees(&self, now: Timestamp) -> Result<Vec<(UserName, String)>, StoreError> {
        let sql = "SELECT DISTINCT person, channel FROM page WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY 1, 2";
        self.all(sql, [now.as_millis()], |row| {
            let person: String = row.get(0)?;
            Ok((UserName::parse(&person).map_err(|error| invalid(0, error))?, row.get(1)?))
        })
    }

    fn due_pages(&self, to: &UserName, by: &str, now: Timestamp, max: usize) -> Result<Vec<Page>, StoreError> {
        let sql = "SELECT body FROM page WHERE person = ?1 AND channel = ?2 AND due_at IS NOT NULL AND due_at <= ?3
             ORDER BY due_at, id LIMIT ?4";
        let bodies: Vec<String> =
            self.all(sql, params![to.as_str(), by, now.as_millis(), max as i64], |row| row.get(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    fn is_sending(&self, to: &UserName, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM page WHERE person = ?1 AND channel = ?2 AND due_at IS NOT NULL AND leased > ?3)";
        let sending = self.one(sql, params![to.as_str(), by, now.as_millis()], |row| row.get(0))?;
        Ok(sending.unwrap_or(false))
    }

    fn pages_due_after(&self, at: Timestamp) -> Result<Vec<Page>, StoreError> {
        let sql = "SELECT body FROM page WHERE due_at IS NOT NULL AND due_at > ?1 ORDER BY id";
        let bodies: Vec<String> = self.all(sql, [at.as_millis()], |row| row.get(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    fn prune_pages(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM page WHERE id IN (SELECT id FROM page WHERE open = 0 AND due_at IS NULL
             AND json_extract(body, '$.queued_at') < ?1 ORDER BY id LIMIT ?2)";
        self.execute(sql, params![before.as_millis(), max as i64])
    }

    fn waiting_pages(&self, before: Timestamp) -> Result<WaitingPages, StoreError> {
        let sql =
            "SELECT count(*), count(*) FILTER (WHERE due_at < ?1), min(due_at) FROM page WHERE due_at IS NOT NULL";
        let waiting = self.one(sql, [before.as_millis()], |row| {
            let oldest_due = row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis);
            Ok(WaitingPages { all: row.get::<_, i64>(0)? as u64, late: row.get::<_, i64>(1)? as u64, oldest_due })
        })?;
        Ok(waiting.unwrap_or_default())
    }

    fn reached_at(&self, person: &UserName, channel: &str) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at FROM reached WHERE person = ?1 AND channel = ?2";
        self.one(sql, [person.as_str(), channel], |row| Ok(Timestamp::from_millis(row.get(0)?)))
    }

    fn set_reached_at(&mut self, person: &UserName, channel: &str, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO reached VALUES (?1, ?2, ?3) ON CONFLICT (person, channel) DO UPDATE SET at = ?3";
        self.execute(sql, params![person.as_str(), channel, at.as_millis()]).map(|_| ())
    }

    fn item(&self, kind: ItemKind, id: &str) -> Result<Option<Item>, StoreError> {
        let sql = "SELECT body FROM item WHERE kind = ?1 AND id = ?2 AND gone = 0";
        rows::parsed(self.one(sql, [kind.word(), id], |row| row.get(0))?)
    }

    fn items(&self, kind: ItemKind) -> Result<Vec<Item>, StoreError> {
        let sql = "SELECT body FROM item WHERE kind = ?1 AND gone = 0 ORDER BY id";
        let bodies: Vec<String> = self.all(sql, [kind.word()], |row| row.get(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    fn items_ending_after(&self, kind: ItemKind, now: Timestamp) -> Result<Vec<Item>, StoreError> {
        let sql = "SELECT body FROM item WHERE kind = ?1 AND ends_at > ?2 AND gone = 0 ORDER BY id";
        let bodies: Vec<String> = self.all(sql, params![kind.word(), now.as_millis()], |row| row.get(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    fn count_items(&self, kind: ItemKind, now: Timestamp) -> Result<(usize, Option<String>), StoreError> {
        let sql = "SELECT count(*) FROM item WHERE kind = ?1 AND gone = 0";
        let count = self.one(sql, [kind.word()], |row| row.get::<_, i64>(0))?.unwrap_or(0);
        let sql = "SELECT id FROM item WHERE kind = ?1 AND gone = 0 AND ends_at <= ?2 ORDER BY ends_at, id LIMIT 1";
        Ok((count as usize, self.one(sql, params![kind.word(), now.as_millis()], |row| row.get(0))?))
    }

    fn put_item(&mut self, item: &Item, body: &str, seq: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO item (kind, id, ends_at, gone, seq, body) VALUES (?1, ?2, ?3, 0, ?4, ?5)
             ON CONFLICT (kind, id) DO UPDATE SET ends_at = ?3, gone = 0, seq = ?4, body = ?5";
        let ends_at = item.ends_at().map(|at| at.as_millis());
        self.execute(sql, params![item.kind().word(), item.id(), ends_at, seq as i64, body]).map(|_| ())
    }

    fn leave_item(&mut self, kind: ItemKind, id: &str, at: Timestamp, body: &str, seq: u64) -> Result<(), StoreError> {
        let sql = "UPDATE item SET ends_at = ?3, gone = 1, seq = ?4, body = ?5 WHERE kind = ?1 AND id = ?2";
        self.execute(sql, params![kind.word(), id, at.as_millis(), seq as i64, body]).map(|_| ())
    }

    fn forget_item(&mut self, kind: ItemKind, id: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM item WHERE kind = ?1 AND id = ?2", [kind.word(), id]).map(|_| ())
    }

    fn prune_items(&mut self, before: Timestamp, gone: Timestamp, max: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM item WHERE rowid IN
             (SELECT rowid FROM item WHERE ends_at < iif(gone, ?2, ?1) ORDER BY kind, id LIMIT ?3)";
        self.execute(sql, params![before.as_millis(), gone.as_millis(), max as i64])
    }

    fn users(&self) -> Result<BTreeSet<UserName>, StoreError> {
        let users = self.all("SELECT DISTINCT user FROM device WHERE revoked_at_seq IS NULL", (), |row| {
            let user: String = row.get(0)?;
            UserName::parse(&user).map_err(|error| invalid(0, error))
        })?;
        Ok(users.into_iter().collect())
    }

    fn op(&self, id: OpId) -> Result<Option<StoredOp>, StoreError> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?));
        let found = self.one("SELECT hash, bytes, verdict FROM op WHERE op_id = ?1", [id.as_bytes()], read)?;
        found.map(|(hash, bytes, body)| Ok(StoredOp { hash, bytes, verdict: serde_json::from_str(&body)? })).transpose()
    }

    fn insert_op(&mut self, judged: &JudgedOp<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO op (seq, op_id, node, nseq, hash, bytes, incident, judged_at, verdict)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let op = &judged.signed.op;
        let parameters = params![
            judged.seq as i64,
            op.op_id.as_bytes(),
            op.node.as_bytes(),
            op.nseq as i64,
            judged.hash,
            judged.signed.bytes,
            op.incident.as_bytes(),
            judged.judged_at.as_millis(),
            serde_json::to_string(judged.verdict)?,
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn reissued(&self, node: NodeId, nseq: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let sql = "SELECT hash FROM reissued WHERE node = ?1 AND nseq = ?2";
        self.one(sql, params![node.as_bytes(), nseq as i64], |row| row.get(0))
    }

    fn insert_reissued(&mut self, node: NodeId, end: &ChainEnd) -> Result<(), StoreError> {
        let sql = "INSERT INTO reissued (node, nseq, hash) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![node.as_bytes(), end.nseq as i64, end.hash]).map(|_| ())
    }

    fn device(&self, node: NodeId) -> Result<Option<Device>, StoreError> {
        self.one("SELECT node, user, public_key FROM device WHERE node = ?1", [node.as_bytes()], read_device)
    }

    fn devices(&self) -> Result<Vec<KnownDevice>, StoreError> {
        self.all("SELECT node, user, public_key, created_at, revoked_at_seq, revoked_at FROM device", (), |row| {
            Ok(KnownDevice {
                device: read_device(row)?,
                created_at: Timestamp::from_millis(row.get(3)?),
                last_used_at: None,
                revoked_at_seq: row.get::<_, Option<i64>>(4)?.map(|seq| seq as u64),
                revoked_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
            })
        })
    }

    fn count_devices(&self) -> Result<u64, StoreError> {
        Ok(self.one("SELECT count(*) FROM device", (), |row| row.get::<_, i64>(0))?.unwrap_or(0) as u64)
    }

    fn is_revoked(&self, node: NodeId) -> Result<bool, StoreError> {
        let sql = "SELECT revoked_at_seq IS NOT NULL FROM device WHERE node = ?1";
        Ok(self.one(sql, [node.as_bytes()], |row| row.get(0))?.unwrap_or(false))
    }

    fn is_revoked_key(&self, public_key: &[u8; 32]) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM device WHERE public_key = ?1 AND revoked_at_seq IS NOT NULL LIMIT 1";
        Ok(self.one(sql, [public_key], |_| Ok(()))?.is_some())
    }

    fn insert_device(&mut self, device: &Device, created_at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO device (node, user, public_key, nseq, hash, created_at) VALUES (?1, ?2, ?3, 0, zeroblob(32), ?4)";
        let parameters =
            params![device.node.as_bytes(), device.user.as_str(), device.public_key, created_at.as_millis()];
        self.execute(sql, parameters).map(|_| ())
    }

    fn set_revoked(&mut self, node: NodeId, at_seq: u64, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE device SET revoked_at_seq = ?2, revoked_at = ?3 WHERE node = ?1";
        self.execute(sql, params![node.as_bytes(), at_seq as i64, at.as_millis()]).map(|_| ())
    }

    fn token(&self, id: &str) -> Result<Option<Bearer>, StoreError> {
        let sql = "SELECT id, hash, scope, user, node, created_at, last_used_at FROM token WHERE id = ?1";
        self.one(sql, [id], read_token)
    }

    fn tokens(&self) -> Result<Vec<Bearer>, StoreError> {
        self.all("SELECT id, hash, scope, user, node, created_at, last_used_at FROM token", (), read_token)
    }

    fn tokens_of(&self, node: NodeId) -> Result<Vec<Bearer>, StoreError> {
        let sql = "SELECT id, hash, scope, user, node, created_at, last_used_at FROM token WHERE node = ?1";
        self.all(sql, [node.as_bytes()], read_token)
    }

    fn put_token(&mut self, bearer: &Bearer) -> Result<(), StoreError> {
        let sql = "INSERT INTO token (id, hash, scope, user, node, created_at, last_used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET last_used_at = ?7";
        let token = &bearer.token;
        let parameters = params![
            token.id,
            token.hash,
            token.scope.word(),
            bearer.user.as_str(),
            bearer.node.as_bytes(),
            token.created_at.as_millis(),
            bearer.last_used_at.as_millis(),
        ];
        self.execute(sql, parameters).map(|_| ())
    }

    fn remove_token(&mut self, id: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM token WHERE id = ?1", [id]).map(|_| ())
    }

    fn enrolment(&self, hash: &[u8; 32]) -> Result<Option<Enrolment>, StoreError> {
        self.one("SELECT hash, user, scope, expires_at FROM enrolment WHERE hash = ?1", [hash], read_enrolment)
    }

    fn enrolments(&self) -> Result<Vec<Enrolment>, StoreError> {
        self.all("SELECT hash, user, scope, expires_at FROM enrolment", (), read_enrolment)
    }

    fn put_enrolment(&mut self, enrolment: &Enrolment) -> Result<(), StoreError> {
        let Enrolment { hash, user, scope, expires_at } = enrolment;
        let parameters = params![hash, user.as_str(), scope.word(), expires_at.as_millis()];
        let sql = "INSERT INTO enrolment (hash, user, scope, expires_at) VALUES (?1, ?2, ?3, ?4)";
        self.execute(sql, parameters).map(|_| ())
    }

    fn remove_enrolment(&mut self, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.execute("DELETE FROM enrolment WHERE hash = ?1", [hash]).map(|_| ())
    }

    fn chain_end(&self, node: NodeId) -> Result<Option<ChainEnd>, StoreError> {
        let read = |row: &Row<'_>| Ok(ChainEnd { nseq: row.get::<_, i64>(0)? as u64, hash: row.get(1)? });
        self.one("SELECT nseq, hash FROM device WHERE node = ?1", [node.as_bytes()], read)
    }

    fn set_chain_end(&mut self, node: NodeId, end: &ChainEnd) -> Result<(), StoreError> {
        let sql = "UPDATE device SET nseq = ?2, hash = ?3 WHERE node = ?1";
        self.execute(sql, params![node.as_bytes(), end.nseq as i64, end.hash]).map(|_| ())
    }

    fn insert_quarantined(&mut self, item: &Quarantined, kept: usize) -> Result<(), StoreError> {
        let sql = "INSERT INTO quarantine (received_at, source, format, reason, raw, raw_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let parameters = params![
            item.received_at.as_millis(),
            item.source.as_str(),
            item.format,
            item.reason,
            item.raw,
            item.raw_bytes as i64
        ];
        self.execute(sql, parameters)?;
        let oldest = self.tx.last_insert_rowid() - kept as i64;
        self.execute("DELETE FROM quarantine WHERE id <= ?1", [oldest]).map(|_| ())
    }

    fn quarantined(&self, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError> {
        let sql =
            "SELECT id, received_at, source, format, reason, raw, raw_bytes FROM quarantine ORDER BY id DESC LIMIT ?1";
        self.all(sql, [max as i64], |row| {
            let source: String = row.get(2)?;
            let item = Quarantined {
                received_at: Timestamp::from_millis(row.get(1)?),
                source: SourceName::parse(&source).map_err(|error| invalid(2, error))?,
                format: row.get(3)?,
                reason: row.get(4)?,
                raw: row.get(5)?,
                raw_bytes: row.get::<_, i64>(6)? as u64,
            };
            Ok((row.get(0)?, item))
        })
    }
}
