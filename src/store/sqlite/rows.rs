//! Rows to domain values and back.

use super::super::StoreError;
use crate::domain::event::SeriesKey;
use crate::domain::id::IncidentId;
use crate::domain::incident::{Incident, Life};
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// A series as it stands in its row.
pub(in crate::store) struct SeriesRow {
    pub id: i64,
    pub series: Series,
}

/// Where a series stands: its row, and what of it has an index. SQLite writes an index anew for each column that a statement names, even
/// when it stays the same, and each costs a page in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct SeriesPlace {
    pub id: i64,
    pub incident: Option<IncidentId>,
}

/// What of an incident's row has an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct IncidentPlace {
    open: bool,
    next_due_at: Option<Timestamp>,
}

impl IncidentPlace {
    /// Returns what the incident's row has now; its key never changes while it is open.
    pub fn of(incident: &Incident) -> Self {
        Self { open: incident.open_key.is_some(), next_due_at: incident.next_due_at }
    }
}

pub(in crate::store) fn series_by_key(tx: &Transaction<'_>, key: &SeriesKey) -> Result<Option<SeriesRow>, StoreError> {
    let mut select = tx.prepare_cached("SELECT id, body FROM series WHERE source = ?1 AND fingerprint = ?2")?;
    let found = select
        .query_row(params![key.source.as_str(), key.fingerprint.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    found.map(|(id, body)| Ok(SeriesRow { id, series: serde_json::from_str(&body)? })).transpose()
}

pub(in crate::store) fn insert_series(tx: &Transaction<'_>, series: &Series, seq: u64) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO series (source, fingerprint, state, ends_at, promise_ms, incident, seq, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        series.source.as_str(),
        series.fingerprint.0,
        state_word(series.state),
        series.ends_at.map(|at| at.as_millis()),
        series.promise_ms.map(|ms| ms as i64),
        series.incident.map(|id| *id.as_bytes()),
        seq as i64,
        serde_json::to_string(series)?,
    ])?;
    Ok(())
}

/// Writes a series over its row.
pub(in crate::store) fn update_series(
    tx: &Transaction<'_>,
    place: &SeriesPlace,
    series: &Series,
    seq: u64,
) -> Result<(), StoreError> {
    let mut update = tx.prepare_cached(if place.incident == series.incident {
        "UPDATE series SET state = ?2, ends_at = ?3, promise_ms = ?4, seq = ?6, body = ?7 WHERE id = ?1"
    } else {
        "UPDATE series SET state = ?2, ends_at = ?3, promise_ms = ?4, incident = ?5, seq = ?6, body = ?7 WHERE id = ?1"
    })?;
    update.execute(params![
        place.id,
        state_word(series.state),
        series.ends_at.map(|at| at.as_millis()),
        series.promise_ms.map(|ms| ms as i64),
        series.incident.map(|id| *id.as_bytes()),
        seq as i64,
        serde_json::to_string(series)?,
    ])?;
    Ok(())
}

/// Writes a series of which only counters moved, and with them perhaps its end: no console is woken for it.
pub(in crate::store) fn update_counters(
    tx: &Transaction<'_>,
    place: &SeriesPlace,
    series: &Series,
) -> Result<(), StoreError> {
    let mut update =
        tx.prepare_cached("UPDATE series SET state = ?2, ends_at = ?3, promise_ms = ?4, body = ?5 WHERE id = ?1")?;
    update.execute(params![
        place.id,
        state_word(series.state),
        series.ends_at.map(|at| at.as_millis()),
        series.promise_ms.map(|ms| ms as i64),
        serde_json::to_string(series)?,
    ])?;
    Ok(())
}

pub(in crate::store) fn incident_by_id(tx: &Transaction<'_>, id: IncidentId) -> Result<Option<Incident>, StoreError> {
    let mut select = tx.prepare_cached("SELECT body FROM incident WHERE id = ?1")?;
    let body: Option<String> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    body.map(|body| Ok(serde_json::from_str(&body)?)).transpose()
}

pub(in crate::store) fn incident_by_open_key(tx: &Transaction<'_>, key: &str) -> Result<Option<Incident>, StoreError> {
    let mut select = tx.prepare_cached("SELECT body FROM incident WHERE open_key = ?1")?;
    let body: Option<String> = select.query_row([key], |row| row.get(0)).optional()?;
    body.map(|body| Ok(serde_json::from_str(&body)?)).transpose()
}

pub(in crate::store) fn insert_incident(tx: &Transaction<'_>, incident: &Incident, seq: u64) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO incident (id, number, open_key, life, owner, next_due_at, seq, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        incident.id.as_bytes(),
        incident.number.0 as i64,
        incident.open_key,
        life_word(incident.life),
        incident.owner.as_ref().map(|owner| owner.as_str()),
        incident.next_due_at.map(|at| at.as_millis()),
        seq as i64,
        serde_json::to_string(incident)?,
    ])?;
    Ok(())
}

/// Writes an incident over its row.
pub(in crate::store) fn update_incident(
    tx: &Transaction<'_>,
    place: &IncidentPlace,
    incident: &Incident,
    seq: u64,
) -> Result<(), StoreError> {
    let mut update = tx.prepare_cached(if *place == IncidentPlace::of(incident) {
        "UPDATE incident SET life = ?3, owner = ?4, seq = ?6, body = ?7 WHERE id = ?1"
    } else {
        "UPDATE incident SET open_key = ?2, life = ?3, owner = ?4, next_due_at = ?5, seq = ?6, body = ?7 WHERE id = ?1"
    })?;
    update.execute(params![
        incident.id.as_bytes(),
        incident.open_key,
        life_word(incident.life),
        incident.owner.as_ref().map(|owner| owner.as_str()),
        incident.next_due_at.map(|at| at.as_millis()),
        seq as i64,
        serde_json::to_string(incident)?,
    ])?;
    Ok(())
}

fn state_word(state: SeriesState) -> &'static str {
    match state {
        SeriesState::Firing => "firing",
        SeriesState::Resolved => "resolved",
        SeriesState::Expired => "expired",
        SeriesState::Unknown => "unknown",
    }
}

fn life_word(life: Life) -> &'static str {
    match life {
        Life::Triggered => "triggered",
        Life::Acked => "acked",
        Life::Resolved => "resolved",
    }
}
