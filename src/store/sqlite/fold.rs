//! Taking alerts in: one transaction for everything that was queued.

use super::super::Quarantined;
use super::super::StoreError;
use super::super::hub::{Batch, Rules, Touch};
use super::work::{Committed, Work};
use crate::domain::event::{Event, SeriesKey};
use crate::domain::series::{Change, Series};
use rusqlite::{Connection, params};

/// Rows that the quarantine keeps; the oldest go first.
const QUARANTINE_ROWS_MAX: i64 = 10_000;

pub(in crate::store) fn ingest(
    connection: &mut Connection,
    rules: &Rules,
    mut batch: Batch,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(connection, rules, batch.now)?;
    batch.events.sort_by_key(Event::order);
    for event in &batch.events {
        take(&mut work, event, &mut batch.quarantined)?;
    }
    for item in &batch.quarantined {
        quarantine(&work, item)?;
    }
    work.commit()
}

fn take(work: &mut Work<'_>, event: &Event, quarantined: &mut Vec<Quarantined>) -> Result<(), StoreError> {
    let identity = work.rules().identity.clone();
    let (before, change) = match work.series(&event.key)? {
        None => {
            let (series, change) = Series::begin(event);
            work.add_series(event.key.clone(), series);
            (None, change)
        }
        Some(series) if !identity.same(&series.labels, &event.alert.labels) => {
            quarantined.push(collision(event, series));
            return Ok(());
        }
        Some(series) => {
            let before = series.state;
            (Some(before), series.fold(event))
        }
    };
    if change == Change::Counters {
        work.counted(&event.key);
        return Ok(());
    }
    work.conclude(&event.key, before)
}

/// Nobody can make two label sets meet in 128 bits of BLAKE3 on purpose; should it happen, it is seen and nothing is merged.
fn collision(event: &Event, series: &Series) -> Quarantined {
    let raw = format!("{:?}\nmeets\n{:?}", event.alert.labels, series.labels).into_bytes();
    Quarantined {
        received_at: event.received_at,
        source: event.key.source.clone(),
        format: "fingerprint".into(),
        reason: format!(
            "two label sets have the fingerprint {}; the second was not taken",
            event.key.fingerprint.to_hex()
        ),
        raw_bytes: raw.len() as u64,
        raw,
    }
}

fn quarantine(work: &Work<'_>, item: &Quarantined) -> Result<(), StoreError> {
    work.tx
        .prepare_cached("INSERT INTO quarantine (received_at, source, format, reason, raw, raw_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            item.received_at.as_millis(),
            item.source.as_str(),
            item.format,
            item.reason,
            item.raw,
            item.raw_bytes as i64
        ])?;
    let newest = work.tx.last_insert_rowid();
    work.tx.prepare_cached("DELETE FROM quarantine WHERE id <= ?1")?.execute([newest - QUARANTINE_ROWS_MAX])?;
    Ok(())
}

/// Writes counters of repeats that were answered without a write.
pub(in crate::store) fn touch(
    connection: &mut Connection,
    rules: &Rules,
    batch: &[Touch],
    now: crate::domain::time::Timestamp,
) -> Result<(), StoreError> {
    let mut work = Work::begin(connection, rules, now)?;
    for touch in batch {
        let key = SeriesKey { source: touch.key.source.clone(), fingerprint: touch.key.fingerprint };
        if let Some(series) = work.series(&key)? {
            series.deliveries += touch.deliveries;
            series.last_seen = series.last_seen.max(touch.last_seen);
            // An end that was answered from memory extends the stored one, never the other way round.
            if let (Some(stored), Some(seen)) = (series.ends_at, touch.ends_at)
                && !series.state.is_over()
            {
                series.ends_at = Some(stored.max(seen));
            }
            work.counted(&key);
        }
    }
    work.commit().map(|_| ())
}
