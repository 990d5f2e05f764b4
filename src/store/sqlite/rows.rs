//! Columns to domain values and back.

use super::super::StoreError;
use super::super::hub::tables::SeriesRow;
use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, SourceName};
use crate::domain::incident::Life;
use crate::domain::label::Fingerprint;
use crate::domain::series::SeriesState;
use rusqlite::Row;
use serde::de::DeserializeOwned;

pub(super) fn id_and_body(row: &Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

pub(super) fn series_row((id, body): (i64, String)) -> Result<SeriesRow, StoreError> {
    Ok(SeriesRow { id, series: serde_json::from_str(&body)? })
}

/// Reads source and fingerprint, which are the first two columns.
pub(super) fn series_key(row: &Row<'_>) -> rusqlite::Result<SeriesKey> {
    let source: String = row.get(0)?;
    let source = SourceName::parse(&source).map_err(|error| invalid(0, error))?;
    Ok(SeriesKey { source, fingerprint: Fingerprint(row.get(1)?) })
}

pub(super) fn incident_id(row: &Row<'_>) -> rusqlite::Result<IncidentId> {
    Ok(IncidentId::from_bytes(row.get(0)?))
}

pub(super) fn parsed<T: DeserializeOwned>(body: Option<String>) -> Result<Option<T>, StoreError> {
    body.map(|body| Ok(serde_json::from_str(&body)?)).transpose()
}

pub(super) fn invalid(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

pub(super) fn state_word(state: SeriesState) -> &'static str {
    match state {
        SeriesState::Firing => "firing",
        SeriesState::Resolved => "resolved",
        SeriesState::Expired => "expired",
        SeriesState::Unknown => "unknown",
        SeriesState::Pending => "pending",
    }
}

pub(super) fn life_word(life: Life) -> &'static str {
    match life {
        Life::Triggered => "triggered",
        Life::Acked => "acked",
        Life::Resolved => "resolved",
    }
}
