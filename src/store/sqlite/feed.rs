//! The feed: every row that changed after a place, newest state only, in the order of the changes.

use super::super::{FeedKind, FeedPage, FeedRow, StoreError};
use crate::domain::id::NodeId;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params};

pub(in crate::store) fn feed(
    connection: &mut Connection,
    after: u64,
    max: usize,
    node: NodeId,
) -> Result<FeedPage, StoreError> {
    // One read transaction: the four tables are seen at one moment.
    let tx = connection.transaction()?;
    let (epoch, head): (String, i64) = tx
        .prepare_cached("SELECT (SELECT value FROM meta WHERE key = 'epoch'), seq FROM feed_head")?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let limit = max as i64;
    let mut rows = Vec::new();
    let mut read = |kind, sql: &str, params: &[&dyn ToSql]| -> Result<(), StoreError> {
        let mut select = tx.prepare_cached(sql)?;
        let found = select
            .query_map(params, |row| Ok(FeedRow { seq: row.get::<_, i64>(0)? as u64, kind, body: row.get(1)? }))?;
        for row in found {
            rows.push(row?);
        }
        Ok(())
    };
    let after = after as i64;
    read(
        FeedKind::Incident,
        "SELECT seq, body FROM incident WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        params![after, limit],
    )?;
    read(FeedKind::Series, "SELECT seq, body FROM series WHERE seq > ?1 ORDER BY seq LIMIT ?2", params![after, limit])?;
    read(FeedKind::Line, "SELECT seq, body FROM line WHERE seq > ?1 ORDER BY seq LIMIT ?2", params![after, limit])?;
    read(
        FeedKind::Verdict,
        "SELECT seq, json_object('op_id', lower(hex(op_id)), 'verdict', json(verdict)) FROM op
         WHERE seq > ?1 AND node = ?3 ORDER BY seq LIMIT ?2",
        params![after, limit, node.as_bytes()],
    )?;
    rows.sort_by_key(|row| row.seq);
    rows.truncate(max);
    // A full page ends at its last row; a short one saw everything up to the head.
    let next = if rows.len() == max { rows.last().map_or(head as u64, |row| row.seq) } else { head as u64 };
    Ok(FeedPage { epoch, after: after as u64, next, head: head as u64, rows })
}
