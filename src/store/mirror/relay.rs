//! What a mirror holds for others: operations of other nodes on their way to the hub, and rows that the hub signed, to be passed on.
//!
//! Nothing here changes what is confirmed. Of each node one unbroken run of operations is held, each naming the hash of the one before;
//! two operations for one place are kept as evidence, and from that place on the node is neither shown nor passed on.

mod chain;
mod signed;

use super::super::{FeedKind, StoreError};
use super::Mirror;
use super::rows::own_node;
use crate::domain::envelope::SignedOp;
use crate::domain::id::{IncidentId, NodeId, OpId, UserName};
use crate::domain::incident::Incident;
use crate::domain::judge::Verdict;
use crate::domain::op::{Act, Op};
use crate::domain::time::Timestamp;
use chain::{
    Room, chain_rows, first_held_waiting, first_waiting, has_own, judged_to, last_held, own_held, place, sql_number,
    stop, take_one,
};
use rusqlite::{Transaction, params};
use serde::Deserialize;
pub(super) use signed::{bound_signed, put_signed};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

/// Operations of one other node that may wait here for the hub.
pub const PENDING_NODE_MAX: u64 = 10_000;
/// Operations that one peer may have told and that still wait here.
pub const PENDING_PEER_MAX: u64 = 20_000;
/// Bytes of the same.
pub const PENDING_PEER_BYTES_MAX: u64 = 16 << 20;
/// Rows of incidents that are kept to be passed on.
pub const SIGNED_INCIDENTS_MAX: u64 = 5000;
/// Answers to operations that are kept to be passed on.
pub const SIGNED_VERDICTS_MAX: u64 = 10_000;
/// Unconfirmed words of others that a picture is made of.
pub const SAID_MAX: usize = 2000;
/// The note that the feed is read with the hub's signatures.
const SIGNED: &str = "signed";
/// Pieces of evidence that are kept of one node.
const EVIDENCE_NODE_MAX: i64 = 8;
/// How long operations of others stay once their answer is known.
const JUDGED_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long operations of others are carried that the hub does not take; their author has them for as long as it takes.
const WAITING_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long a resolved incident is passed on.
const RESOLVED_KEPT: Duration = Duration::from_secs(86_400);

/// A row of the feed as the hub signed it; of the mirror's present history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRow {
    /// Its place in the feed.
    pub seq: u64,
    /// [`FeedKind::Incident`] or [`FeedKind::Verdict`].
    pub kind: FeedKind,
    /// When the hub signed it, by its clock.
    pub signed_at: Timestamp,
    /// The row, JSON, byte for byte.
    pub body: String,
    /// The hub's signature over all of this, its key and its history.
    pub signature: [u8; 64],
}

/// What a mirror holds of one node's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub node: NodeId,
    /// The first operation that waits for an answer; `next` when none does.
    pub from: u64,
    /// The number after the last that is held or known to be judged.
    pub next: u64,
    /// The hash of the operation before `next`; zeroes where it is not known.
    pub hash: [u8; 32],
    /// From this number on the node is not believed: it told two stories.
    pub stopped: Option<u64>,
}

/// What taking operations did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Operations that were new here.
    pub new: usize,
    /// Operations that were refused: out of order, too many, or of a node that is not believed.
    pub refused: usize,
    /// Nodes that were caught with two operations for one place.
    pub caught: BTreeSet<NodeId>,
    /// An operation of this very node that this database does not have: there is a twin.
    pub twin: bool,
}

/// What somebody else did, by what peers tell; nothing of it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// About which incident.
    pub incident: IncidentId,
    /// Who.
    pub actor: UserName,
    /// What.
    pub act: Act,
    /// When, by that person's clock.
    pub created_at: Timestamp,
}

/// An incident as the hub confirmed it to somebody else, later than to this console.
#[derive(Debug, Clone, PartialEq)]
pub struct Relayed {
    /// The incident.
    pub incident: Incident,
    /// When the hub signed it, by its clock.
    pub signed_at: Timestamp,
}

/// The part of a verdict's row that its place in the relay needs.
#[derive(Deserialize)]
pub(super) struct Answer {
    op_id: String,
    pub verdict: Verdict,
    node: Option<NodeId>,
    nseq: Option<u64>,
    hash: Option<String>,
}

impl Answer {
    pub fn read(body: &str) -> Result<(Self, Option<OpId>), StoreError> {
        let answer: Self = serde_json::from_str(body)?;
        let op_id = crate::domain::id::unhex(&answer.op_id).map(OpId::from_bytes);
        Ok((answer, op_id))
    }

    pub fn node(&self) -> Option<NodeId> {
        self.node
    }
}

impl Mirror {
    /// Returns what is held of each chain, the own one first, those that wait before those that do not, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn held(&mut self, max: usize) -> Result<Vec<Held>, StoreError> {
        let tx = self.connection.transaction()?;
        let own = own_node(&tx)?;
        let mut held = vec![own_held(&tx, own)?];
        let mut others: BTreeMap<NodeId, Held> = BTreeMap::new();
        for row in chain_rows(&tx)? {
            others.insert(row.node, row);
        }
        for (node, last, hash) in last_held(&tx)? {
            let one = others.entry(node).or_insert(Held { node, from: 0, next: 1, hash: [0; 32], stopped: None });
            if last >= one.next {
                (one.next, one.hash) = (last + 1, hash);
            }
        }
        let waiting = first_waiting(&tx)?;
        for one in others.values_mut() {
            if let Some(stopped) = one.stopped.filter(|stopped| *stopped < one.next) {
                one.next = stopped;
                one.hash = place(&tx, one.node, stopped.saturating_sub(1))?.map_or([0; 32], |(hash, _)| hash);
            }
            one.from = waiting.get(&one.node).map_or(one.next, |first| (*first).min(one.next));
        }
        others.remove(&own);
        let (waits, rests): (Vec<Held>, Vec<Held>) = others.into_values().partition(|one| one.from < one.next);
        held.extend(waits);
        held.extend(rests);
        held.truncate(max);
        Ok(held)
    }

    /// Returns the operations of a chain that wait for an answer, from a number on, in order, at most `max`; those of a node that is not
    /// believed end where that begins.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waiting_of(&mut self, node: NodeId, from: u64, max: usize) -> Result<Vec<SignedOp>, StoreError> {
        let tx = self.connection.transaction()?;
        let sql = if node == own_node(&tx)? {
            "SELECT bytes FROM op WHERE verdict IS NULL AND nseq >= ?1 AND ?2 = ?2 ORDER BY nseq LIMIT ?3"
        } else {
            "SELECT bytes FROM relay WHERE node = ?2 AND verdict IS NULL AND nseq >= ?1
               AND nseq < coalesce((SELECT stopped FROM chain WHERE chain.node = ?2), 9223372036854775807)
             ORDER BY nseq LIMIT ?3"
        };
        let bytes: Vec<Vec<u8>> = tx
            .prepare_cached(sql)?
            .query_map(params![sql_number(from.max(1)), node.as_bytes(), max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(super::rows::read_ops(bytes))
    }

    /// Returns the operations of another node that are held from a number on, answered ones too, in order, at most `max`: for a hub that lost
    /// them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn held_from(&mut self, node: NodeId, from: u64, max: usize) -> Result<Vec<SignedOp>, StoreError> {
        let bytes: Vec<Vec<u8>> = self
            .connection
            .prepare_cached(
                "SELECT bytes FROM relay WHERE node = ?1 AND nseq >= ?2
                   AND nseq < coalesce((SELECT stopped FROM chain WHERE chain.node = ?1), 9223372036854775807)
                 ORDER BY nseq LIMIT ?3",
            )?
            .query_map(params![node.as_bytes(), sql_number(from), max as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(super::rows::read_ops(bytes))
    }

    /// Returns other nodes with operations that wait for the hub and may be carried there, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn nodes_waiting(&mut self) -> Result<Vec<NodeId>, StoreError> {
        let tx = self.connection.transaction()?;
        let own = own_node(&tx)?;
        let stopped: BTreeMap<NodeId, u64> =
            chain_rows(&tx)?.into_iter().filter_map(|row| Some((row.node, row.stopped?))).collect();
        let waiting = first_waiting(&tx)?.into_iter();
        let free = waiting.filter(|(node, first)| stopped.get(node).is_none_or(|from| first < from));
        Ok(free.map(|(node, _)| node).filter(|node| *node != own).collect())
    }

    /// Returns what proves that a node told two stories, in order; empty while it did not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn evidence_of(&mut self, node: NodeId) -> Result<Vec<SignedOp>, StoreError> {
        let bytes: Vec<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM evidence WHERE node = ?1 ORDER BY nseq, hash")?
            .query_map([node.as_bytes()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(super::rows::read_ops(bytes))
    }

    /// Takes operations that a peer told. The caller has checked the signature of each, and that its node is known and not revoked.
    ///
    /// # Errors
    /// [`StoreError`]; none was taken then.
    pub fn take_ops(&mut self, ops: &[SignedOp], via: NodeId, now: Timestamp) -> Result<Taken, StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        let own = own_node(&tx)?;
        let mut taken = Taken::default();
        let mut room = Room::of(&tx, via)?;
        let mut runs: BTreeMap<NodeId, BTreeMap<u64, Vec<&SignedOp>>> = BTreeMap::new();
        for op in ops {
            runs.entry(op.op.node).or_default().entry(op.op.nseq).or_default().push(op);
        }
        for (node, run) in runs {
            if node == own {
                for op in run.into_values().flatten() {
                    taken.twin |= !has_own(&tx, op)?;
                }
                continue;
            }
            let first = first_held_waiting(&tx, node)?.unwrap_or(0);
            // What goes on behind the run in ascending order, what leads up to it in descending order: so each has its neighbour.
            let (before, behind): (Vec<_>, Vec<_>) = run.into_iter().partition(|(nseq, _)| *nseq < first);
            for (_, same_place) in behind.into_iter().chain(before.into_iter().rev()) {
                for op in same_place {
                    take_one(&tx, op, &mut room, now, &mut taken)?;
                }
            }
        }
        tx.commit()?;
        Ok(taken)
    }

    /// Forgets what waits of nodes that are not let in any more; returns how many operations that were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_unless(&mut self, let_in: impl Fn(NodeId) -> bool) -> Result<usize, StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        let mut gone = 0;
        for node in first_waiting(&tx)?.into_keys().filter(|node| !let_in(*node)) {
            gone += tx.execute("DELETE FROM relay WHERE node = ?1 AND verdict IS NULL", [node.as_bytes()])?;
        }
        tx.commit()?;
        Ok(gone)
    }

    /// Notes that the hub has another operation at this place of a node's chain: nothing of it is carried from there on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stop_node(&mut self, node: NodeId, nseq: u64) -> Result<(), StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        stop(&tx, node, nseq)?;
        Ok(tx.commit()?)
    }

    /// Returns nodes that are believed no more and of which nobody was told, and notes that they are told now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tell_stopped(&mut self) -> Result<Vec<NodeId>, StoreError> {
        let read = "SELECT node FROM chain WHERE stopped IS NOT NULL AND told = 0 ORDER BY node";
        let nodes = |tx: &Transaction<'_>| -> Result<Vec<NodeId>, StoreError> {
            let rows = tx.prepare_cached(read)?.query_map((), |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok(rows.into_iter().map(NodeId::from_bytes).collect())
        };
        if nodes(&self.connection.transaction()?)?.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.watch.begin(&mut self.connection)?;
        let told = nodes(&tx)?;
        tx.execute("UPDATE chain SET told = 1 WHERE stopped IS NOT NULL", ())?;
        tx.commit()?;
        Ok(told)
    }

    /// Returns what others say and the hub has not answered, by (their clock, node, number), at most [`SAID_MAX`]; what this user said
    /// under another node is not among it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn said(&mut self) -> Result<Vec<Saying>, StoreError> {
        let bytes: Vec<Vec<u8>> = self
            .connection
            .prepare_cached(
                "SELECT relay.bytes FROM relay LEFT JOIN chain ON chain.node = relay.node
                 WHERE relay.verdict IS NULL AND relay.nseq < coalesce(chain.stopped, 9223372036854775807)
                   AND NOT EXISTS (SELECT 1 FROM op WHERE op.op_id = relay.op_id)
                 ORDER BY relay.created_at, relay.node, relay.nseq LIMIT ?1",
            )?
            .query_map([SAID_MAX as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        let ops = super::rows::read_ops(bytes).into_iter().map(|signed| signed.op);
        // One operation may be told under two nodes: its author's database was copied and signed it anew.
        let once = ops.filter(|op| seen.insert(op.op_id));
        Ok(once
            .map(|Op { incident, actor, act, created_at, .. }| Saying { incident, actor, act, created_at })
            .collect())
    }
}

/// Keeps the answer to an operation of another node, where it is held; and how far its chain is judged.
pub(super) fn settle(tx: &Transaction<'_>, op_id: OpId, verdict: &Verdict) -> Result<bool, StoreError> {
    let text = serde_json::to_string(verdict)?;
    let rows: Vec<([u8; 16], i64, [u8; 32])> = tx
        .prepare_cached(
            "UPDATE relay SET verdict = ?2 WHERE op_id = ?1 AND verdict IS NULL RETURNING node, nseq, hash",
        )?
        .query_map(params![op_id.as_bytes(), text], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (node, nseq, hash) in &rows {
        judged_to(tx, NodeId::from_bytes(*node), *nseq as u64, *hash)?;
    }
    Ok(!rows.is_empty())
}

/// Keeps what a verdict of the own feed says of a chain, and the row itself where the hub signed it.
pub(super) fn put_answer(tx: &Transaction<'_>, answer: &Answer, op_id: OpId) -> Result<(), StoreError> {
    settle(tx, op_id, &answer.verdict)?;
    let hash = answer.hash.as_deref().and_then(crate::domain::id::unhex);
    if let (Some(node), Some(nseq), Some(hash)) = (answer.node, answer.nseq, hash) {
        judged_to(tx, node, nseq, hash)?;
    }
    Ok(())
}

/// Returns whether an own operation of this id is known; one that is not was written by a twin of this database.
pub(super) fn is_known(tx: &Transaction<'_>, op_id: OpId) -> Result<bool, StoreError> {
    let mut select = tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM op WHERE op_id = ?1)")?;
    Ok(select.query_row([op_id.as_bytes()], |row| row.get(0))?)
}

/// Forgets what another history signed.
pub(super) fn begin_anew(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM signed_row", ())?;
    // How far the new history has judged others nobody knows yet; what was answered by the old one may be lost in the new one.
    tx.execute("UPDATE chain SET judged = 0, hash = zeroblob(32)", ())?;
    tx.execute("UPDATE relay SET verdict = NULL WHERE verdict IS NOT NULL", ())?;
    Ok(())
}

pub(super) fn prune(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    let (judged, waiting) = (now.minus(JUDGED_KEPT).as_millis(), now.minus(WAITING_KEPT).as_millis());
    tx.execute("DELETE FROM relay WHERE verdict IS NOT NULL AND received_at < ?1", [judged])?;
    tx.execute("DELETE FROM relay WHERE received_at < ?1", [waiting])?;
    let resolved = now.minus(RESOLVED_KEPT).as_millis();
    tx.execute("DELETE FROM signed_row WHERE kind = 'incident' AND body ->> '$.resolved_at' < ?1", [resolved])?;
    Ok(())
}
