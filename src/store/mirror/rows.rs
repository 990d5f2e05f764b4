//! The mirror's rows: what the feed brings, what is remembered beside it, and what is too old.

use super::super::{Cursor, INCIDENTS_KEPT, SERIES_KEPT, StoreError};
use super::{OwnOp, PRUNED_AT, past, relay};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{IncidentId, NodeId, OpId, unhex};
use crate::domain::incident::{Incident, Life};
use crate::domain::item::{ITEMS_KEPT, ITEMS_MAX, Item};
use crate::domain::judge::Verdict;
use crate::domain::op::Act;
use crate::domain::paging::{CONSOLE, Page};
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Deserialize;

pub(super) fn own((bytes, verdict): (Vec<u8>, Option<String>)) -> Option<OwnOp> {
    let op = SignedOp::read(bytes).ok()?.op;
    Some(OwnOp { op, verdict: verdict.and_then(|text| serde_json::from_str(&text).ok()) })
}

pub(super) fn read_ops(bytes: Vec<Vec<u8>>) -> Vec<SignedOp> {
    // Own bytes that cannot be read any more would be a bug of ours; they stay in the table and are not lost.
    bytes.into_iter().filter_map(|bytes| SignedOp::read(bytes).ok()).collect()
}

pub(super) fn meta(tx: &Transaction<'_>, key: &str) -> Result<Option<String>, StoreError> {
    Ok(tx.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()?)
}

pub(super) fn set_meta(tx: &Transaction<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?
        .execute([key, value])?;
    Ok(())
}

pub(super) fn cursor(tx: &Transaction<'_>) -> Result<Cursor, StoreError> {
    let seq = meta(tx, "seq")?.and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Cursor { epoch: meta(tx, "epoch")?.unwrap_or_default(), seq })
}

pub(super) fn generation(tx: &Transaction<'_>) -> Result<i64, StoreError> {
    Ok(meta(tx, "generation")?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

pub(super) fn put_incident(tx: &Transaction<'_>, body: &str, generation: i64) -> Result<Incident, StoreError> {
    let incident: Incident = serde_json::from_str(body)?;
    tx.prepare_cached(
        "INSERT INTO incident (id, number, resolved_at, generation, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET number = ?2, resolved_at = ?3, generation = ?4, body = ?5",
    )?
    .execute(params![
        incident.id.as_bytes(),
        incident.number.0 as i64,
        incident.resolved_at.map(|at| at.as_millis()),
        generation,
        body
    ])?;
    past::put(tx, &incident)?;
    if incident.life != Life::Triggered {
        tx.prepare_cached("UPDATE page SET missed = 0 WHERE missed = 1 AND incident = ?1")?
            .execute([incident.id.as_bytes()])?;
    }
    Ok(incident)
}

pub(super) fn put_series(
    tx: &Transaction<'_>,
    seq: u64,
    body: &str,
    generation: i64,
) -> Result<Option<IncidentId>, StoreError> {
    let series: Series = serde_json::from_str(body)?;
    let over_since = series.state.is_over().then_some(series.ends_at).flatten();
    tx.prepare_cached(
        "INSERT INTO series (source, fingerprint, incident, over_since, generation, body, seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (source, fingerprint)
         DO UPDATE SET incident = ?3, over_since = ?4, generation = ?5, body = ?6, seq = ?7",
    )?
    .execute(params![
        series.source.as_str(),
        series.fingerprint.0,
        series.incident.map(|id| *id.as_bytes()),
        over_since.map(|at| at.as_millis()),
        generation,
        body,
        seq as i64
    ])?;
    Ok(series.incident)
}

pub(super) fn put_line(tx: &Transaction<'_>, seq: u64, body: &str, generation: i64) -> Result<IncidentId, StoreError> {
    #[derive(Deserialize)]
    struct Of {
        incident: IncidentId,
    }
    let Of { incident } = serde_json::from_str(body)?;
    tx.prepare_cached("INSERT OR REPLACE INTO line (seq, incident, generation, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![seq as i64, incident.as_bytes(), generation, body])?;
    Ok(incident)
}

pub(super) fn put_page(tx: &Transaction<'_>, body: &str, generation: i64) -> Result<IncidentId, StoreError> {
    let page: Page = serde_json::from_str(body)?;
    tx.prepare_cached(
        "INSERT INTO page (id, incident, person, channel, open, generation, body, missed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET open = ?5, generation = ?6, body = ?7, missed = ?8",
    )?
    .execute(params![
        String::from(page.id),
        page.incident.as_bytes(),
        page.person.as_str(),
        page.channel,
        page.calls_the_console(),
        generation,
        body,
        page.missed_the_console()
    ])?;
    if page.channel == CONSOLE {
        // A newer call stands for the older ones.
        tx.prepare_cached(
            "UPDATE page SET missed = 0 WHERE missed = 1 AND incident = ?1 AND person = ?2
               AND body ->> '$.queued_at' < ?3 ->> '$.queued_at'",
        )?
        .execute(params![page.incident.as_bytes(), page.person.as_str(), body])?;
    }
    Ok(page.incident)
}

/// Keeps an item, or forgets one that was taken away. Of each kind as many stay as the hub holds; what ended first goes first.
pub(super) fn put_item(tx: &Transaction<'_>, body: &str, generation: i64) -> Result<(), StoreError> {
    #[derive(Deserialize)]
    struct Of<'a> {
        #[serde(borrow)]
        kind: std::borrow::Cow<'a, str>,
        #[serde(borrow)]
        id: std::borrow::Cow<'a, str>,
        #[serde(borrow)]
        item: &'a serde_json::value::RawValue,
    }
    let Of { kind, id, item } = serde_json::from_str(body)?;
    let (kind, id): (&str, &str) = (&kind, &id);
    if item.get() == "null" {
        tx.prepare_cached("DELETE FROM item WHERE kind = ?1 AND id = ?2")?.execute([kind, id])?;
        return Ok(());
    }
    let ends_at = serde_json::from_str::<Item>(body).ok().and_then(|item| item.ends_at());
    tx.prepare_cached(
        "INSERT INTO item (kind, id, ends_at, generation, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (kind, id) DO UPDATE SET ends_at = ?3, generation = ?4, body = ?5",
    )?
    .execute(params![kind, id, ends_at.map(|at| at.as_millis()), generation, body])?;
    tx.prepare_cached(
        "DELETE FROM item WHERE kind = ?1 AND (SELECT count(*) FROM item WHERE kind = ?1) > ?2 AND id =
           (SELECT id FROM item WHERE kind = ?1 AND id <> ?3 ORDER BY ends_at IS NULL, ends_at LIMIT 1)",
    )?
    .execute(params![kind, ITEMS_MAX as i64, id])?;
    Ok(())
}

/// Keeps a verdict on anybody's operation; returns whether it is of one of this node's that this database does not have.
pub(super) fn put_verdict(tx: &Transaction<'_>, body: &str, seq: u64) -> Result<bool, StoreError> {
    let (answer, op_id) = relay::Answer::read(body)?;
    let Some(op_id) = op_id else { return Ok(false) };
    keep_verdict(tx, op_id, &answer.verdict, seq)?;
    relay::put_answer(tx, &answer, op_id)?;
    // Without a node it is an answer to this one.
    let own = match answer.node() {
        Some(node) => node == own_node(tx)?,
        None => true,
    };
    Ok(own && !relay::is_known(tx, op_id)?)
}

/// Keeps the answer to an own operation that waits or was offered again; returns whether there is one.
pub(super) fn keep_verdict(tx: &Transaction<'_>, op_id: OpId, verdict: &Verdict, seq: u64) -> Result<bool, StoreError> {
    let bytes: Option<Vec<u8>> = tx
        .prepare_cached("SELECT bytes FROM op WHERE op_id = ?1 AND (verdict IS NULL OR again = 1)")?
        .query_row([op_id.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(bytes) = bytes else { return Ok(false) };
    let is_seen = SignedOp::read(bytes).is_ok_and(|signed| signed.op.act == Act::Seen);
    // The same answer once more, after another history began, is no news.
    tx.prepare_cached(
        "UPDATE op SET verdict = ?2, seq = ?3, again = 0, told = iif(verdict IS ?2, told, 0),
           dismissed = iif(verdict IS ?2, dismissed, ?4) WHERE op_id = ?1",
    )?
    .execute(params![
        op_id.as_bytes(),
        serde_json::to_string(verdict)?,
        seq as i64,
        is_seen || !verdict.stays()
    ])?;
    Ok(true)
}

/// Returns the node that this database is, as another process may have changed it.
pub(super) fn own_node(tx: &Transaction<'_>) -> Result<NodeId, StoreError> {
    let node = meta(tx, "node")?.and_then(|hex| unhex(&hex)).map(NodeId::from_bytes);
    node.ok_or_else(|| StoreError::broken("a mirror has a node"))
}

pub(super) fn sweep(tx: &Transaction<'_>, generation: i64) -> Result<bool, StoreError> {
    let swept = meta(tx, "swept")?.and_then(|text| text.parse().ok()).unwrap_or(0);
    if swept >= generation {
        return Ok(false);
    }
    for table in ["incident", "series", "line", "page", "item"] {
        tx.execute(&format!("DELETE FROM {table} WHERE generation < ?1"), [generation])?;
    }
    tx.execute("DELETE FROM past WHERE number NOT IN (SELECT number FROM incident)", ())?;
    set_meta(tx, "swept", &generation.to_string())?;
    Ok(true)
}

pub(super) fn prune(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    let incidents = now.minus(INCIDENTS_KEPT).as_millis();
    tx.execute("DELETE FROM line WHERE incident IN (SELECT id FROM incident WHERE resolved_at < ?1)", [incidents])?;
    tx.execute("DELETE FROM page WHERE incident IN (SELECT id FROM incident WHERE resolved_at < ?1)", [incidents])?;
    tx.execute("DELETE FROM past WHERE number IN (SELECT number FROM incident WHERE resolved_at < ?1)", [incidents])?;
    tx.execute("DELETE FROM incident WHERE resolved_at < ?1", [incidents])?;
    tx.execute("DELETE FROM item WHERE ends_at < ?1", [now.minus(ITEMS_KEPT).as_millis()])?;
    tx.execute("DELETE FROM loss WHERE dismissed = 1 AND learned_at < ?1", [incidents])?;
    tx.execute("DELETE FROM series WHERE over_since < ?1", [now.minus(SERIES_KEPT).as_millis()])?;
    relay::prune(tx, now)?;
    set_meta(tx, PRUNED_AT, &now.as_millis().to_string())
}
