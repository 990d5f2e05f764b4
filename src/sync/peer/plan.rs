//! What two consoles tell each other: pure over two mirrors, no network and no clock, so that tests and a simulation can run it.
//!
//! ```text
//!   mine: have ------------------> theirs: answer(have) -> page
//!   take(page) <-------------------------------------------'      and the same the other way, until both pages are empty
//! ```
//!
//! A page is bounded; whoever has more to tell tells it in the next, for each page is worked out anew from what the other then has.

use super::row;
use crate::domain::envelope::SignedOp;
use crate::domain::id::{NodeId, UserName};
use crate::domain::time::Timestamp;
use crate::store::mirror::{Held, Mirror, SignedRow};
use crate::store::{FeedKind, StoreError};
use ed25519_dalek::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};

/// Operations in one page.
pub const PAGE_OPS_MAX: usize = 500;
/// Bytes of one page as it stands on the wire.
pub const PAGE_BYTES_MAX: usize = 128 * 1024;
/// Chains that one side names.
pub const HAVE_CHAINS_MAX: usize = 500;
/// Rows that one side names.
pub const HAVE_ROWS_MAX: usize = 800;
/// Rows that a page has at most.
const PAGE_ROWS_MAX: usize = 500;
/// Rows of which a page is chosen.
const ROWS_LOOKED_AT: usize = crate::store::mirror::SIGNED_INCIDENTS_MAX as usize;
/// What a row costs on the wire beside its body.
const ROW_FRAME: usize = 224;

/// Who is who: what is asked of the hub's roster.
pub trait Who {
    /// Returns the device of that node; `None` when nobody knows it, or it was revoked.
    fn device(&self, node: NodeId) -> Option<Known>;
}

/// A device that is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The only actor of its operations.
    pub user: UserName,
    /// What its signatures are checked with.
    pub key: VerifyingKey,
}

/// What a console has, for another to tell it the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Have {
    /// The history that its mirror follows; empty when it never met its hub.
    pub epoch: String,
    /// Up to where it has all of that from the hub itself.
    pub seq: u64,
    /// What it has of each chain.
    pub chains: BTreeMap<NodeId, HaveChain>,
    /// Whether those are all chains that it knows of.
    pub all_chains: bool,
    /// The newest signed rows that it has beyond `seq`: a short name of the row, and its place.
    pub rows: BTreeMap<u64, u64>,
    /// It names no rows before this place, though it may have some: they are not told again.
    pub rows_from: u64,
}

/// What a console has of one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HaveChain {
    /// The first operation that waits for an answer, by what it knows.
    pub from: u64,
    /// The number after the last that it has or knows to be judged.
    pub next: u64,
    /// The first half of the hash of the operation before `next`; zeroes where it is not known.
    pub hash: [u8; 16],
    /// From here on it does not believe the node.
    pub stopped: Option<u64>,
}

/// What one console tells another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The history of the rows.
    pub epoch: String,
    /// Operations, each chain in its order.
    pub ops: Vec<SignedOp>,
    /// Rows that the hub signed.
    pub rows: Vec<SignedRow>,
}

impl Page {
    /// Returns whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.rows.is_empty()
    }
}

/// How much a page holds; parameters, so that a test can set them to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Operations.
    pub ops: usize,
    /// Rows.
    pub rows: usize,
    /// Bytes on the wire.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ops: PAGE_OPS_MAX, rows: PAGE_ROWS_MAX, bytes: PAGE_BYTES_MAX }
    }
}

/// What a page of a peer did here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Operations and rows that were new.
    pub new: usize,
    /// Operations and rows that were refused: forged, of unknown or revoked devices, out of order, or too many.
    pub refused: usize,
    /// Nodes that were caught telling two stories.
    pub caught: BTreeSet<NodeId>,
    /// An operation of this very node that this console never wrote: there is a copy of its database.
    pub twin: bool,
}

/// Returns what the mirror has. `turn` counts exchanges: where there are more chains than fit, each turn names others.
///
/// # Errors
/// [`StoreError`].
pub fn have(mirror: &mut Mirror, turn: u64) -> Result<Have, StoreError> {
    let cursor = mirror.cursor()?;
    let held = mirror.held(usize::MAX)?;
    let all_chains = held.len() <= HAVE_CHAINS_MAX;
    let (waits, mut rests): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|one| one.from < one.next);
    let turns = rests.len().max(1);
    rests.rotate_left((turn as usize).wrapping_mul(HAVE_CHAINS_MAX / 2) % turns);
    let chains = waits.into_iter().chain(rests).take(HAVE_CHAINS_MAX).map(|one| (one.node, HaveChain::of(&one)));
    let chains = chains.collect();
    let signed = mirror.signed_incidents(cursor.seq, ROWS_LOOKED_AT)?;
    let newest = &signed[signed.len().saturating_sub(HAVE_ROWS_MAX)..];
    let rows_from = if newest.len() < signed.len() { newest[0].seq } else { 0 };
    let rows = newest.iter().map(|row| (short_name(row), row.seq)).collect();
    Ok(Have { epoch: cursor.epoch, seq: cursor.seq, chains, all_chains, rows, rows_from })
}

impl HaveChain {
    fn of(held: &Held) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(&held.hash[..16]);
        Self { from: held.from, next: held.next, hash, stopped: held.stopped }
    }
}

/// Returns what the other lacks of what this mirror holds, as much as one page takes.
///
/// # Errors
/// [`StoreError`].
pub fn answer(mirror: &mut Mirror, theirs: &Have, limits: Limits) -> Result<Page, StoreError> {
    let epoch = mirror.cursor()?.epoch;
    let mut draft = Draft { page: Page { epoch, ..Page::default() }, limits, bytes: 0 };
    let one_history = !draft.page.epoch.is_empty() && (theirs.epoch == draft.page.epoch || theirs.epoch.is_empty());
    if one_history {
        // An answer may take a quarter, operations as much again and more, incidents the rest: none keeps the others waiting for ever.
        verdicts(mirror, theirs, &mut draft, limits.bytes / 4)?;
    }
    ops(mirror, theirs, &mut draft, limits.bytes * 3 / 4)?;
    if one_history {
        incidents(mirror, theirs, &mut draft)?;
    }
    Ok(draft.page)
}

struct Draft {
    page: Page,
    limits: Limits,
    bytes: usize,
}

impl Draft {
    /// Takes an operation, as long as the page is no longer than that; the first always fits.
    fn op(&mut self, op: SignedOp, bytes_max: usize) -> bool {
        let cost = op.bytes.len() * 2 + 4;
        let fits =
            self.page.ops.len() < self.limits.ops && (self.bytes + cost <= bytes_max || self.page.ops.is_empty());
        if fits {
            self.bytes += cost;
            self.page.ops.push(op);
        }
        fits
    }

    fn row(&mut self, row: SignedRow, bytes_max: usize) -> bool {
        let escaped = row.body.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        let cost = row.body.len() + escaped + ROW_FRAME;
        let fits =
            self.page.rows.len() < self.limits.rows && (self.bytes + cost <= bytes_max || self.page.rows.is_empty());
        if fits {
            self.bytes += cost;
            self.page.rows.push(row);
        }
        fits
    }
}

fn verdicts(mirror: &mut Mirror, theirs: &Have, draft: &mut Draft, bytes_max: usize) -> Result<(), StoreError> {
    for (node, chain) in theirs.chains.iter().filter(|(_, chain)| chain.from < chain.next) {
        for row in mirror.signed_verdicts(*node, chain.from, chain.next, draft.limits.rows)? {
            if !draft.row(row, bytes_max) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn ops(mirror: &mut Mirror, theirs: &Have, draft: &mut Draft, bytes_max: usize) -> Result<(), StoreError> {
    for mine in mirror.held(usize::MAX)? {
        let theirs = match theirs.chains.get(&mine.node) {
            Some(chain) => *chain,
            None if theirs.all_chains => HaveChain { from: 1, next: 1, hash: [0; 16], stopped: None },
            None => continue,
        };
        if let Some(stopped) = mine.stopped
            && theirs.stopped.is_none()
            && theirs.from <= stopped
        {
            for op in mirror.evidence_of(mine.node)? {
                draft.op(op, bytes_max);
            }
        }
        for wanted in wanted(&mine, &theirs) {
            let max = usize::try_from(wanted.next - wanted.from).unwrap_or(usize::MAX).min(draft.limits.ops);
            for op in mirror.waiting_of(mine.node, wanted.from, max)? {
                if !draft.op(op, bytes_max) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Numbers `[from, next)` of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: u64,
    next: u64,
}

/// Returns what of a chain that waits here the other can use: what goes on behind its run without a gap, and what leads up to it.
fn wanted(mine: &Held, theirs: &HaveChain) -> Vec<Range> {
    let end = theirs.stopped.unwrap_or(u64::MAX).min(mine.next);
    let range =
        |from: u64, next: u64| Some(Range { from, next: next.min(end) }).filter(|range| range.from < range.next);
    let waits = theirs.from < theirs.next;
    let known = theirs.hash != [0; 16] && mine.hash != [0; 32];
    let differ = mine.next == theirs.next && known && theirs.hash != mine.hash[..16] && mine.from < mine.next;
    let last = if differ { range(mine.next - 1, mine.next) } else { None };
    let behind = match waits {
        true if mine.from > theirs.next => None,
        _ => range(mine.from.max(theirs.next), mine.next),
    };
    let before = match waits {
        // The other's run begins where it began to hear; the operations before it may wait too.
        true if mine.next >= theirs.from => range(mine.from, theirs.from),
        _ => None,
    };
    [before, behind, last].into_iter().flatten().collect()
}

fn incidents(mirror: &mut Mirror, theirs: &Have, draft: &mut Draft) -> Result<(), StoreError> {
    let after = if theirs.epoch.is_empty() { 0 } else { theirs.seq.max(theirs.rows_from.saturating_sub(1)) };
    for row in mirror.signed_incidents(after, ROWS_LOOKED_AT)? {
        let lacks = theirs.rows.get(&short_name(&row)).is_none_or(|seq| *seq < row.seq);
        if lacks && !draft.row(row, draft.limits.bytes) {
            return Ok(());
        }
    }
    Ok(())
}

/// Takes what a peer told: checks every signature, keeps what is new, and changes nothing that is confirmed here.
///
/// # Errors
/// [`StoreError`].
pub fn take(
    mirror: &mut Mirror,
    page: Page,
    via: NodeId,
    who: &impl Who,
    hub_key: &VerifyingKey,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let Page { epoch, ops, rows } = page;
    let (told_ops, told_rows) = (ops.len(), rows.len());
    let rows: Vec<SignedRow> = rows.into_iter().filter(|row| row::is_genuine(row, &epoch, hub_key)).collect();
    let ops: Vec<SignedOp> = ops.into_iter().filter(|op| is_said_by(op, who)).collect();
    let forged = told_ops - ops.len() + told_rows - rows.len();
    let new_rows = mirror.take_rows(&epoch, &rows, now)?;
    let taken = mirror.take_ops(&ops, via, now)?;
    Ok(Taken { new: new_rows + taken.new, refused: forged + taken.refused, caught: taken.caught, twin: taken.twin })
}

/// Returns whether the device that it names signed it, for its own user, and is let in.
fn is_said_by(signed: &SignedOp, who: &impl Who) -> bool {
    let Some(Known { user, key }) = who.device(signed.op.node) else { return false };
    user == signed.op.actor && signed.verify(&key).is_ok()
}

/// Eight bytes that name a row: its kind and whose newest state it is.
fn short_name(row: &SignedRow) -> u64 {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Option<serde_json::Value>,
        op_id: Option<String>,
    }
    let named: Option<Named> = serde_json::from_str(&row.body).ok();
    let id = named.and_then(|Named { id, op_id }| op_id.or_else(|| id.map(|id| id.to_string()))).unwrap_or_default();
    let kind = matches!(row.kind, FeedKind::Verdict);
    let hash = blake3::Hasher::new().update(&[u8::from(kind)]).update(id.as_bytes()).finalize();
    let mut short = [0; 8];
    short.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(short)
}

#[cfg(test)]
mod tests;
