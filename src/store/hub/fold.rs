//! Taking alerts in: one transaction for everything that was queued.

use super::super::Quarantined;
use super::super::StoreError;
use super::tables::Tables;
use super::work::{Committed, Work};
use super::{Batch, Rules, Touch};
use crate::domain::day::{Counts, DayNumber};
use crate::domain::event::{Event, SeriesKey};
use crate::domain::series::{Change, Series};
use crate::domain::time::Timestamp;

/// Rows that the quarantine keeps; the oldest go first.
pub(super) const QUARANTINE_ROWS_MAX: usize = 10_000;

pub(in crate::store) fn ingest<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    mut batch: Batch,
) -> Result<Committed, StoreError> {
    let mut work = Work::begin(tables, rules, batch.now)?;
    batch.events.sort_by_key(Event::order);
    for event in &batch.events {
        take(&mut work, event, &mut batch.quarantined)?;
    }
    for item in &batch.quarantined {
        work.tables.insert_quarantined(item, QUARANTINE_ROWS_MAX)?;
    }
    work.write()
}

/// Folds one event in.
pub(super) fn take<T: Tables>(
    work: &mut Work<'_, T>,
    event: &Event,
    quarantined: &mut Vec<Quarantined>,
) -> Result<(), StoreError> {
    let identity = &work.rules().identity;
    // What it was until this message came does not depend on what came together with it.
    work.become_real(&event.key, event.received_at)?;
    let mut counts = Counts { events: 1, ..Counts::default() };
    let (before, change) = match work.series(&event.key)? {
        None => {
            let (mut series, change) = Series::begin(event);
            let decision = work.rules().decide(&series);
            (series.severity, series.instant) = (decision.severity, decision.instant);
            work.add_series(event.key.clone(), series);
            counts.series = 1;
            (None, change)
        }
        Some(series) if !identity.same(&series.labels, &event.alert.labels) => {
            quarantined.push(collision(event, series));
            return Ok(());
        }
        Some(series) => {
            let before = series.state;
            counts.series = u64::from(is_later_day(event.received_at, series.last_seen));
            (Some(before), series.fold(event))
        }
    };
    if change == Change::Fired && before.is_some() {
        // Other rules may count since it burned last.
        let rules = work.rules();
        if let Some(series) = work.series(&event.key)? {
            let decision = rules.decide(series);
            (series.severity, series.instant) = (decision.severity, decision.instant);
        }
    }
    work.count(event.received_at, &event.key.source, counts);
    if change == Change::Counters {
        work.counted(&event.key);
        return Ok(());
    }
    work.conclude(&event.key, before)
}

/// Returns whether a series that spoke last at `before` speaks on another day, and so is counted there.
fn is_later_day(at: Timestamp, before: Timestamp) -> bool {
    DayNumber::of(at) > DayNumber::of(before)
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

/// Writes counters of repeats that were answered without a write.
pub(in crate::store) fn touch<T: Tables>(
    tables: &mut T,
    rules: &Rules,
    batch: &[Touch],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut work = Work::begin(tables, rules, now)?;
    for touch in batch {
        let key = SeriesKey { source: touch.key.source.clone(), fingerprint: touch.key.fingerprint };
        if let Some(series) = work.series(&key)? {
            let counts = Counts {
                events: touch.deliveries,
                series: u64::from(is_later_day(touch.last_seen, series.last_seen)),
                ..Counts::default()
            };
            series.deliveries += touch.deliveries;
            series.last_seen = series.last_seen.max(touch.last_seen);
            // An end that was answered from memory extends the stored one, never the other way round.
            if let (Some(stored), Some(seen)) = (series.ends_at, touch.ends_at)
                && !series.state.is_over()
            {
                series.ends_at = Some(stored.max(seen));
            }
            work.counted(&key);
            work.count(touch.last_seen, &key.source, counts);
        }
    }
    work.write().map(|_| ())
}
