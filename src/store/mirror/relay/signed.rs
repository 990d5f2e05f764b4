//! Rows that the hub signed: kept to be passed on, and taken from peers.

use super::chain::sql_number;
use super::{Answer, RESOLVED_KEPT, Relayed, SIGNED, SIGNED_INCIDENTS_MAX, SIGNED_VERDICTS_MAX, SignedRow, settle};
use crate::domain::id::NodeId;
use crate::domain::incident::Incident;
use crate::domain::time::Timestamp;
use crate::store::mirror::Mirror;
use crate::store::mirror::rows::{cursor, keep_verdict, set_meta};
use crate::store::{FeedKind, StoreError};
use rusqlite::{Transaction, params};

impl Mirror {
    /// Says whether the hub's signatures are wanted: with the first wish everything is read anew, for what was read without cannot be
    /// passed on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn want_signatures(&mut self, wanted: bool) -> Result<(), StoreError> {
        match (wanted, self.wants_signatures()?) {
            (true, false) => {
                let cursor = self.cursor()?;
                if !cursor.epoch.is_empty() {
                    self.restart(&cursor.epoch, &cursor)?;
                }
                self.set_note(SIGNED, "1")
            }
            (false, true) => {
                let tx = self.watch.begin(&mut self.connection)?;
                tx.execute("DELETE FROM meta WHERE key = ?1", [SIGNED])?;
                tx.execute("DELETE FROM signed_row", ())?;
                Ok(tx.commit()?)
            }
            (true, true) | (false, false) => Ok(()),
        }
    }

    /// Returns whether the feed is read with the hub's signatures.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn wants_signatures(&mut self) -> Result<bool, StoreError> {
        Ok(self.note(SIGNED)?.is_some())
    }

    /// Returns rows of incidents that are signed and stand after a place of the present history, oldest change first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_incidents(&mut self, after: u64, max: usize) -> Result<Vec<SignedRow>, StoreError> {
        let sql = "SELECT kind, seq, signed_at, body, signature FROM signed_row
                   WHERE kind = 'incident' AND seq > ?1 ORDER BY seq LIMIT ?2";
        read_signed(&self.connection.transaction()?, sql, params![sql_number(after), max as i64])
    }

    /// Returns signed answers to the operations `[from, next)` of a chain, in order, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_verdicts(
        &mut self,
        node: NodeId,
        from: u64,
        next: u64,
        max: usize,
    ) -> Result<Vec<SignedRow>, StoreError> {
        let sql = "SELECT kind, seq, signed_at, body, signature FROM signed_row
                   WHERE node = ?1 AND nseq >= ?2 AND nseq < ?3 ORDER BY nseq LIMIT ?4";
        let by = params![node.as_bytes(), sql_number(from), sql_number(next), max as i64];
        read_signed(&self.connection.transaction()?, sql, by)
    }

    /// Takes rows that a peer passed on; returns how many said anything new. The caller has checked the hub's signature of each.
    ///
    /// Rows of another history than the mirror's are passed over: which of two histories is the present one only the hub can say. A mirror
    /// that never met its hub takes the first history that it hears of.
    ///
    /// # Errors
    /// [`StoreError`]; none was taken then.
    pub fn take_rows(&mut self, epoch: &str, rows: &[SignedRow], now: Timestamp) -> Result<usize, StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        let mut held = cursor(&tx)?;
        if held.epoch.is_empty() && !rows.is_empty() {
            set_meta(&tx, "epoch", epoch)?;
            held.epoch = epoch.to_owned();
        }
        if held.epoch != epoch {
            return Ok(0);
        }
        let mut new = 0;
        for row in rows {
            let taken = match row.kind {
                FeedKind::Incident => row.seq > held.seq && put_signed(&tx, row, now)?,
                FeedKind::Verdict => take_answer(&tx, row, now)?,
                FeedKind::Series | FeedKind::Line | FeedKind::Page | FeedKind::Item => false,
            };
            new += usize::from(taken);
        }
        bound_signed(&tx)?;
        tx.commit()?;
        Ok(new)
    }

    /// Returns incidents as the hub confirmed them to others later than to this mirror.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn relayed(&mut self) -> Result<Vec<Relayed>, StoreError> {
        let after = self.cursor()?.seq;
        let rows = self.signed_incidents(after, SIGNED_INCIDENTS_MAX as usize)?;
        let read =
            |row: SignedRow| Ok(Relayed { incident: serde_json::from_str(&row.body)?, signed_at: row.signed_at });
        rows.into_iter().map(read).collect()
    }
}

/// Keeps a signed row if it is newer than the one that is held, and worth passing on.
pub(in crate::store::mirror) fn put_signed(
    tx: &Transaction<'_>,
    row: &SignedRow,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (kind, id, place) = match row.kind {
        FeedKind::Incident => {
            let incident: Incident = serde_json::from_str(&row.body)?;
            if incident.resolved_at.is_some_and(|at| at < now.minus(RESOLVED_KEPT)) {
                tx.execute("DELETE FROM signed_row WHERE kind = 'incident' AND id = ?1", [incident.id.as_bytes()])?;
                return Ok(false);
            }
            ("incident", *incident.id.as_bytes(), None)
        }
        FeedKind::Verdict => {
            let (answer, op_id) = Answer::read(&row.body)?;
            let (Some(op_id), Some(node), Some(nseq)) = (op_id, answer.node, answer.nseq) else { return Ok(false) };
            ("verdict", *op_id.as_bytes(), Some((*node.as_bytes(), sql_number(nseq))))
        }
        FeedKind::Series | FeedKind::Line | FeedKind::Page | FeedKind::Item => return Ok(false),
    };
    let changed = tx
        .prepare_cached(
            "INSERT INTO signed_row (kind, id, seq, signed_at, node, nseq, body, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (kind, id) DO UPDATE SET seq = ?3, signed_at = ?4, node = ?5, nseq = ?6, body = ?7, signature = ?8
             WHERE seq < ?3",
        )?
        .execute(params![
            kind,
            id,
            sql_number(row.seq),
            row.signed_at.as_millis(),
            place.map(|(node, _)| node),
            place.map(|(_, nseq)| nseq),
            row.body,
            row.signature
        ])?;
    Ok(changed > 0)
}

/// Drops the oldest of what is kept to be passed on, beyond what may be.
pub(in crate::store::mirror) fn bound_signed(tx: &Transaction<'_>) -> Result<(), StoreError> {
    for (kind, max) in [("incident", SIGNED_INCIDENTS_MAX), ("verdict", SIGNED_VERDICTS_MAX)] {
        tx.prepare_cached(
            "DELETE FROM signed_row WHERE kind = ?1
               AND seq <= (SELECT seq FROM signed_row WHERE kind = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![kind, max as i64])?;
    }
    Ok(())
}

/// A verdict that a peer passed on: of use only to who holds the operation.
fn take_answer(tx: &Transaction<'_>, row: &SignedRow, now: Timestamp) -> Result<bool, StoreError> {
    let (answer, op_id) = Answer::read(&row.body)?;
    let Some(op_id) = op_id else { return Ok(false) };
    let own = keep_verdict(tx, op_id, &answer.verdict, row.seq)?;
    let other = settle(tx, op_id, &answer.verdict)?;
    if own || other {
        put_signed(tx, row, now)?;
    }
    Ok(own || other)
}

fn read_signed(tx: &Transaction<'_>, sql: &str, by: impl rusqlite::Params) -> Result<Vec<SignedRow>, StoreError> {
    let rows = tx
        .prepare_cached(sql)?
        .query_map(by, |row| {
            let kind = match row.get_ref(0)?.as_str()? {
                "incident" => FeedKind::Incident,
                _ => FeedKind::Verdict,
            };
            Ok(SignedRow {
                seq: row.get::<_, i64>(1)? as u64,
                kind,
                signed_at: Timestamp::from_millis(row.get(2)?),
                body: row.get(3)?,
                signature: row.get(4)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(rows)
}
