//! What happens by itself: words that run out, due times that pass.

use super::super::hub::{Due, Rules};
use super::super::{INCIDENTS_KEPT, SERIES_KEPT, StoreError};
use super::work::Work;
use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, SourceName};
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use rusqlite::{Connection, params};
use std::time::Duration;

/// Series whose word ran out, and incidents whose time came, that one transaction takes; what is left is taken by the next.
const MAX: i64 = 500;
/// A step of the clock that is no step: NTP moves it by less.
const CLOCK_STEP: Duration = Duration::from_secs(60);

pub(in crate::store) fn run_due(
    connection: &mut Connection,
    rules: &Rules,
    now: Timestamp,
    hub_up_since: Timestamp,
    spoke: &[(SourceName, Timestamp)],
) -> Result<Due, StoreError> {
    let mut work = Work::begin(connection, rules, now)?;
    for (source, at) in spoke {
        work.spoke(source, *at)?;
    }
    mend_after_a_wrong_clock(&mut work)?;
    let (ran_out, due) = (run_out(&mut work, hub_up_since)?, incidents(&mut work)?);
    let committed = work.commit()?;
    Ok(Due { committed, more: ran_out >= MAX || due >= MAX })
}

/// Takes back what a clock that was ahead wrote: a source cannot have spoken in the future, nor be a timer further away than any rule.
fn mend_after_a_wrong_clock(work: &mut Work<'_>) -> Result<(), StoreError> {
    let (now, rules) = (work.now, work.rules().clone());
    work.tx
        .prepare_cached("UPDATE source SET spoke_at = 0 WHERE spoke_at > ?1")?
        .execute([now.plus(CLOCK_STEP).as_millis()])?;
    let reach = now.plus(rules.timing.longest(&rules.paging) + CLOCK_STEP).as_millis();
    let far: Vec<[u8; 16]> = work
        .tx
        .prepare_cached("SELECT id FROM incident WHERE next_due_at IS NOT NULL AND next_due_at > ?1 LIMIT ?2")?
        .query_map([reach, MAX], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in far {
        if let Some(incident) = work.incident_mut(IncidentId::from_bytes(id))? {
            incident.pull_back(now, rules.domain());
        }
    }
    Ok(())
}

fn run_out(work: &mut Work<'_>, hub_up_since: Timestamp) -> Result<i64, StoreError> {
    // What is unknown already is looked at again only once its source spoke.
    let sql = "SELECT series.body, coalesce(source.spoke_at, 0) FROM series LEFT JOIN source ON source.name = series.source
         WHERE ends_at <= ?1 AND state IN ('firing', 'unknown') AND ends_at IS NOT NULL AND ?2 + coalesce(promise_ms, 0) <= ?1
           AND (state = 'firing' OR spoke_at > ends_at) ORDER BY ends_at LIMIT ?3";
    let found: Vec<(String, i64)> = work
        .tx
        .prepare_cached(sql)?
        .query_map(params![work.now.as_millis(), hub_up_since.as_millis(), MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut count = 0;
    for (body, spoke_at) in found {
        let series: Series = serde_json::from_str(&body)?;
        let key = SeriesKey { source: series.source, fingerprint: series.fingerprint };
        let now = work.now;
        let Some(series) = work.series(&key)? else { continue };
        let Some(state) = series.run_out(now, Timestamp::from_millis(spoke_at), hub_up_since) else { continue };
        let before = series.state;
        series.apply_run_out(state);
        work.conclude(&key, Some(before))?;
        count += 1;
    }
    Ok(count)
}

fn incidents(work: &mut Work<'_>) -> Result<i64, StoreError> {
    let sql =
        "SELECT id FROM incident WHERE next_due_at IS NOT NULL AND next_due_at <= ?1 ORDER BY next_due_at LIMIT ?2";
    let due: Vec<[u8; 16]> = work
        .tx
        .prepare_cached(sql)?
        .query_map(params![work.now.as_millis(), MAX], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (now, rules) = (work.now, work.rules().clone());
    for id in &due {
        let id = IncidentId::from_bytes(*id);
        if let Some(happened) = work.incident_mut(id)?.map(|incident| incident.on_due(now, rules.domain())) {
            work.happened(id, happened);
        }
    }
    Ok(due.len() as i64)
}

/// Rows of each table that one pruning takes.
const PRUNED_MAX: i64 = 5000;

/// Forgets what is too old, a bounded number of rows; returns whether there may be more.
pub(in crate::store) fn prune(connection: &mut Connection, now: Timestamp) -> Result<bool, StoreError> {
    let tx = super::immediate(connection)?;
    let mut gone = tx.execute(
        "DELETE FROM series WHERE id IN
           (SELECT id FROM series WHERE state IN ('resolved', 'expired') AND ends_at < ?1 LIMIT ?2)",
        params![now.minus(SERIES_KEPT).as_millis(), PRUNED_MAX],
    )?;
    // An incident that a series still names stays until the series goes. Operations and verdicts stay: they are the record.
    let old = "SELECT id FROM incident WHERE life = 'resolved' AND json_extract(body, '$.resolved_at') < ?1
                 AND id NOT IN (SELECT incident FROM series WHERE incident IS NOT NULL) LIMIT ?2";
    let parameters = params![now.minus(INCIDENTS_KEPT).as_millis(), PRUNED_MAX];
    tx.execute(&format!("DELETE FROM line WHERE incident IN ({old})"), parameters)?;
    gone = gone.max(tx.execute(&format!("DELETE FROM incident WHERE id IN ({old})"), parameters)?);
    tx.commit()?;
    Ok(gone as i64 >= PRUNED_MAX)
}
