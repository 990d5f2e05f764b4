//! Chains of other nodes: what fits behind or before the run that is held, and what proves that a node told two stories.

use super::{EVIDENCE_NODE_MAX, Held, PENDING_NODE_MAX, PENDING_PEER_BYTES_MAX, PENDING_PEER_MAX, Taken};
use crate::domain::envelope::SignedOp;
use crate::domain::id::NodeId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeMap;

/// A hash and the bytes of an operation.
type Stored = ([u8; 32], Vec<u8>);

/// How much one peer may still tell.
pub(super) struct Room {
    pub via: NodeId,
    ops: u64,
    bytes: u64,
}

impl Room {
    pub fn of(tx: &Transaction<'_>, via: NodeId) -> Result<Self, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM relay WHERE via = ?1 AND verdict IS NULL";
        let used: (i64, i64) =
            tx.prepare_cached(sql)?.query_row([via.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (ops, bytes) = (used.0 as u64, used.1 as u64);
        Ok(Self { via, ops: PENDING_PEER_MAX.saturating_sub(ops), bytes: PENDING_PEER_BYTES_MAX.saturating_sub(bytes) })
    }

    fn take(&mut self, bytes: usize) -> bool {
        let fits = self.ops > 0 && self.bytes >= bytes as u64;
        if fits {
            self.ops -= 1;
            self.bytes -= bytes as u64;
        }
        fits
    }
}

/// What an operation is to the run that is held.
enum Fit {
    /// It goes on behind it, leads up to it, or begins one.
    New,
    /// It is held, or judged long ago.
    Known,
    /// Operations between are missing.
    Gap,
    /// It and the one that is held at this place, or beside it, cannot both be true: the place, and the one that is held.
    Contradicts(u64, Vec<u8>),
    /// It contradicts what the hub judged.
    Fork,
}

pub(super) fn take_one(
    tx: &Transaction<'_>,
    signed: &SignedOp,
    room: &mut Room,
    now: Timestamp,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let (node, nseq) = (signed.op.node, signed.op.nseq);
    let chain = chain_row(tx, node)?;
    if nseq == 0 || i64::try_from(nseq).is_err() {
        taken.refused += 1;
        return Ok(());
    }
    match fit(tx, signed, &chain)? {
        Fit::Known => {}
        Fit::Contradicts(place, held) => {
            if keep_evidence(tx, signed, place, held, now)? {
                taken.caught.insert(node);
            }
        }
        Fit::Fork => {
            if keep_evidence(tx, signed, nseq, Vec::new(), now)? {
                taken.caught.insert(node);
            }
        }
        Fit::New
            if chain.stopped.is_none_or(|stopped| nseq < stopped) && waiting_count(tx, node)? < PENDING_NODE_MAX =>
        {
            match room.take(signed.bytes.len()) {
                true => {
                    insert(tx, signed, room.via, now)?;
                    taken.new += 1;
                }
                false => taken.refused += 1,
            }
        }
        Fit::New | Fit::Gap => taken.refused += 1,
    }
    Ok(())
}

fn fit(tx: &Transaction<'_>, signed: &SignedOp, chain: &Held) -> Result<Fit, StoreError> {
    let (node, nseq, hash) = (signed.op.node, signed.op.nseq, signed.hash());
    if let Some((held, bytes)) = place(tx, node, nseq)? {
        return Ok(if held == hash { Fit::Known } else { Fit::Contradicts(nseq, bytes) });
    }
    // What came before the newest that the hub judged is of no use here any more.
    if nseq < chain.next {
        return Ok(Fit::Known);
    }
    if nseq == 1 && signed.op.prev_hash != [0; 32] {
        return Ok(Fit::Fork);
    }
    if nseq == chain.next && chain.hash != [0; 32] && chain.hash != signed.op.prev_hash {
        return Ok(Fit::Fork);
    }
    if let Some((before, bytes)) = place(tx, node, nseq - 1)? {
        return Ok(if before == signed.op.prev_hash { Fit::New } else { Fit::Contradicts(nseq - 1, bytes) });
    }
    if let Some((_, bytes)) = place(tx, node, nseq + 1)? {
        let next = SignedOp::read(bytes.clone()).ok();
        let links = next.is_some_and(|next| next.op.prev_hash == hash);
        return Ok(if links { Fit::New } else { Fit::Contradicts(nseq, bytes) });
    }
    // A run may begin anywhere: what came before it was judged, as its teller knows and this mirror does not yet.
    Ok(if first_held_waiting(tx, node)?.is_none() { Fit::New } else { Fit::Gap })
}

fn insert(tx: &Transaction<'_>, signed: &SignedOp, via: NodeId, now: Timestamp) -> Result<(), StoreError> {
    let op = &signed.op;
    tx.prepare_cached(
        "INSERT INTO relay (node, nseq, op_id, incident, created_at, hash, bytes, via, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        op.node.as_bytes(),
        sql_number(op.nseq),
        op.op_id.as_bytes(),
        op.incident.as_bytes(),
        op.created_at.as_millis(),
        signed.hash(),
        signed.bytes,
        via.as_bytes(),
        now.as_millis()
    ])?;
    Ok(())
}

/// Keeps both operations, and stops the node at the place; returns whether that is new.
fn keep_evidence(
    tx: &Transaction<'_>,
    signed: &SignedOp,
    place: u64,
    held: Vec<u8>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let node = signed.op.node;
    let count: i64 = tx
        .prepare_cached("SELECT count(*) FROM evidence WHERE node = ?1")?
        .query_row([node.as_bytes()], |row| row.get(0))?;
    if count < EVIDENCE_NODE_MAX {
        let both = [Some(signed.clone()), SignedOp::read(held).ok()];
        for op in both.into_iter().flatten() {
            tx.prepare_cached("INSERT INTO evidence VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")?
                .execute(params![node.as_bytes(), sql_number(op.op.nseq), op.hash(), op.bytes, now.as_millis()])?;
        }
    }
    stop(tx, node, place)
}

pub(super) fn stop(tx: &Transaction<'_>, node: NodeId, nseq: u64) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "INSERT INTO chain (node, stopped) VALUES (?1, ?2)
             ON CONFLICT (node) DO UPDATE SET told = iif(stopped IS NULL, 0, told), stopped = ?2 WHERE stopped IS NULL OR stopped > ?2",
        )?
        .execute(params![node.as_bytes(), sql_number(nseq.max(1))])?;
    Ok(changed > 0)
}

pub(super) fn judged_to(tx: &Transaction<'_>, node: NodeId, nseq: u64, hash: [u8; 32]) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO chain (node, judged, hash) VALUES (?1, ?2, ?3)
         ON CONFLICT (node) DO UPDATE SET judged = ?2, hash = ?3 WHERE judged < ?2",
    )?
    .execute(params![node.as_bytes(), sql_number(nseq), hash])?;
    Ok(())
}

/// Returns the operation at a place: its hash and its bytes.
pub(super) fn place(tx: &Transaction<'_>, node: NodeId, nseq: u64) -> Result<Option<Stored>, StoreError> {
    let mut select = tx.prepare_cached("SELECT hash, bytes FROM relay WHERE node = ?1 AND nseq = ?2")?;
    let by = params![node.as_bytes(), sql_number(nseq)];
    Ok(select.query_row(by, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

pub(super) fn has_own(tx: &Transaction<'_>, signed: &SignedOp) -> Result<bool, StoreError> {
    let mut select = tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM op WHERE nseq = ?1 AND hash = ?2)")?;
    Ok(select.query_row(params![sql_number(signed.op.nseq), signed.hash()], |row| row.get(0))?)
}

pub(super) fn own_held(tx: &Transaction<'_>, node: NodeId) -> Result<Held, StoreError> {
    let last: Option<(i64, [u8; 32])> = tx
        .prepare_cached("SELECT nseq, hash FROM op WHERE nseq > 0 ORDER BY nseq DESC LIMIT 1")?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let first: Option<i64> =
        tx.prepare_cached("SELECT min(nseq) FROM op WHERE verdict IS NULL")?.query_row((), |row| row.get(0))?;
    let (last, hash) = last.map_or((0, [0; 32]), |(last, hash)| (last as u64, hash));
    Ok(Held { node, from: first.map_or(last + 1, |first| first as u64), next: last + 1, hash, stopped: None })
}

/// Returns each chain that anything is known of: `next` after the newest judged, and where it is stopped.
pub(super) fn chain_rows(tx: &Transaction<'_>) -> Result<Vec<Held>, StoreError> {
    let rows = tx
        .prepare_cached("SELECT node, judged, hash, stopped FROM chain")?
        .query_map((), chain_of_row)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(rows)
}

fn chain_row(tx: &Transaction<'_>, node: NodeId) -> Result<Held, StoreError> {
    let row = tx
        .prepare_cached("SELECT node, judged, hash, stopped FROM chain WHERE node = ?1")?
        .query_row([node.as_bytes()], chain_of_row)
        .optional()?;
    Ok(row.unwrap_or(Held { node, from: 1, next: 1, hash: [0; 32], stopped: None }))
}

fn chain_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Held> {
    let next = row.get::<_, i64>(1)? as u64 + 1;
    let stopped = row.get::<_, Option<i64>>(3)?.map(|from| from as u64);
    Ok(Held { node: NodeId::from_bytes(row.get(0)?), from: next, next, hash: row.get(2)?, stopped })
}

pub(super) fn last_held(tx: &Transaction<'_>) -> Result<Vec<(NodeId, u64, [u8; 32])>, StoreError> {
    let rows = tx
        .prepare_cached("SELECT node, max(nseq), hash FROM relay GROUP BY node")?
        .query_map((), |row| Ok((NodeId::from_bytes(row.get(0)?), row.get::<_, i64>(1)? as u64, row.get(2)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(rows)
}

pub(super) fn first_waiting(tx: &Transaction<'_>) -> Result<BTreeMap<NodeId, u64>, StoreError> {
    let rows = tx
        .prepare_cached("SELECT node, min(nseq) FROM relay WHERE verdict IS NULL GROUP BY node")?
        .query_map((), |row| Ok((NodeId::from_bytes(row.get(0)?), row.get::<_, i64>(1)? as u64)))?
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(rows)
}

pub(super) fn first_held_waiting(tx: &Transaction<'_>, node: NodeId) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT min(nseq) FROM relay WHERE node = ?1 AND verdict IS NULL";
    let first: Option<i64> = tx.prepare_cached(sql)?.query_row([node.as_bytes()], |row| row.get(0))?;
    Ok(first.map(|first| first as u64))
}

fn waiting_count(tx: &Transaction<'_>, node: NodeId) -> Result<u64, StoreError> {
    let sql = "SELECT max(nseq) - min(nseq) + 1 FROM relay WHERE node = ?1 AND verdict IS NULL";
    let count: Option<i64> = tx.prepare_cached(sql)?.query_row([node.as_bytes()], |row| row.get(0))?;
    Ok(count.unwrap_or(0) as u64)
}

/// Numbers of a stranger may be larger than a column takes; none that is real is.
pub(super) fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
