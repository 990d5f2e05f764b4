//! Which node a database is, and what becomes of it when there are two of one name.
//!
//! The node and a token of its incarnation stand in the database; the token stands also in a file beside it. A copied or restored database
//! has none or another one beside it, and becomes another node. Copies that slip past this are found by the hub (two operations for one
//! place) and by hearing of an own operation that this database does not have.

use super::super::{StoreError, file};
use super::rows::{meta, own_node, set_meta};
use super::{AS_OF, Mirror};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{NodeId, hex};
use crate::domain::op::Op;
use crate::domain::time::Timestamp;
use rusqlite::{Transaction, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the confirmed operations of former chains stand: far below zero, each chain of them in a slab of its own, in order.
const FORMER: i64 = -(1 << 62);
/// The width of a slab.
const SLAB: i64 = 1 << 40;
/// How far back answered operations are offered to a hub with another history.
const OFFERED_AGAIN: Duration = Duration::from_secs(7 * 86_400);
/// Answered operations that are looked at for that.
const OFFERED_AGAIN_MAX: i64 = 10_000;

/// The file beside a database that says which incarnation of it it is; `None` for one that ends with its process.
pub(super) struct Beside(Option<PathBuf>);

impl Beside {
    pub fn of(database: &Path) -> Self {
        Self(Some(database.with_extension("twin")))
    }

    /// Returns that of a database in memory: nothing stands beside it.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// Returns whether this token stands beside the database.
    fn holds(&self, token: &str) -> Result<bool, StoreError> {
        match &self.0 {
            Some(path) => Ok(file::read_secret(path)?.as_deref() == Some(token)),
            None => Ok(true),
        }
    }

    fn write(&self, token: &str) -> Result<(), StoreError> {
        self.0.as_ref().map_or(Ok(()), |path| file::write_private(path, token.as_bytes()))
    }
}

/// Makes the database a node, or finds which one it is; what does not stand beside its token is marked to become another.
pub(super) fn establish(tx: &Transaction<'_>, beside: &Beside, fresh: NodeId) -> Result<NodeId, StoreError> {
    match (meta(tx, "node")?, meta(tx, "twin")?) {
        (Some(_), Some(token)) => {
            if !beside.holds(&token)? {
                set_meta(tx, "copied", "1")?;
            }
            own_node(tx)
        }
        (node, _) => {
            if node.is_none() {
                set_meta(tx, "node", &hex(fresh.as_bytes()))?;
            }
            name(tx, beside, fresh)?;
            own_node(tx)
        }
    }
}

/// Writes the token of an incarnation, here and beside. A crash between the two makes another node of it, which loses nothing.
fn name(tx: &Transaction<'_>, beside: &Beside, fresh: NodeId) -> Result<(), StoreError> {
    let token = blake3::derive_key("nightdesk 2026 mirror incarnation", fresh.as_bytes());
    let token = hex(&token[..16]);
    set_meta(tx, "twin", &token)?;
    beside.write(&token)
}

/// Marks the answered operations of the last days: what the new history turns out to have is unmarked as it is read.
pub(super) fn offer_again(tx: &Transaction<'_>) -> Result<(), StoreError> {
    // The places of the old history mean nothing in the new one.
    tx.execute("UPDATE op SET seq = 0 WHERE verdict IS NOT NULL", ())?;
    let Some(as_of) = meta(tx, AS_OF)?.and_then(|text| text.parse().ok()).map(Timestamp::from_millis) else {
        return Ok(());
    };
    let newest: Vec<(i64, Vec<u8>)> = tx
        .prepare_cached("SELECT nseq, bytes FROM op WHERE nseq > 0 ORDER BY nseq DESC LIMIT ?1")?
        .query_map([OFFERED_AGAIN_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let since = as_of.minus(OFFERED_AGAIN);
    let recent = newest
        .into_iter()
        .take_while(|(_, bytes)| SignedOp::read(bytes.clone()).is_ok_and(|signed| signed.op.created_at > since));
    if let Some((first, _)) = recent.last() {
        tx.execute("UPDATE op SET again = 1 WHERE nseq >= ?1 AND verdict IS NOT NULL", [first])?;
    }
    Ok(())
}

impl Mirror {
    /// Returns whether this database was copied or restored, by what stands beside it: it must become another node before it writes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_copy(&mut self) -> Result<bool, StoreError> {
        Ok(self.note("copied")?.is_some())
    }

    /// Becomes another node, unless another process of this user already did: `was` is the node that has a twin. What is confirmed stays; what
    /// waits is signed anew under the new node, each operation with its own id, so that none can happen twice. Returns whether it did.
    ///
    /// # Errors
    /// [`StoreError`]; it is the node that it was then.
    pub fn rotate(
        &mut self,
        was: NodeId,
        fresh: NodeId,
        mut sign: impl FnMut(Op) -> SignedOp,
    ) -> Result<bool, StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        let present = own_node(&tx)?;
        if present != was {
            self.node = present;
            return Ok(false);
        }
        let turn: i64 = meta(&tx, "turns")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        tx.execute(
            "UPDATE op SET nseq = ?1 + nseq, again = 0 WHERE nseq > 0 AND verdict IS NOT NULL",
            [FORMER + turn * SLAB],
        )?;
        set_meta(&tx, "turns", &(turn + 1).to_string())?;
        let waiting: Vec<(i64, Vec<u8>)> = tx
            .prepare_cached("SELECT nseq, bytes FROM op WHERE nseq > 0 ORDER BY nseq")?
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let (mut nseq, mut prev_hash) = (0, [0; 32]);
        for (was_at, bytes) in waiting {
            let Ok(SignedOp { op, .. }) = SignedOp::read(bytes) else { continue };
            nseq += 1;
            let signed = sign(Op { node: fresh, nseq, prev_hash, ..op });
            prev_hash = signed.hash();
            tx.prepare_cached("UPDATE op SET nseq = ?2, hash = ?3, bytes = ?4 WHERE nseq = ?1")?.execute(params![
                was_at,
                nseq as i64,
                prev_hash,
                signed.bytes
            ])?;
        }
        set_meta(&tx, "node", &hex(fresh.as_bytes()))?;
        tx.execute("DELETE FROM meta WHERE key = 'copied'", ())?;
        set_meta(&tx, "untold_twin", "1")?;
        name(&tx, &self.twin, fresh)?;
        tx.commit()?;
        self.node = fresh;
        Ok(true)
    }

    /// Returns whether this database became another node since that was last told, and notes that it is told now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tell_rotation(&mut self) -> Result<bool, StoreError> {
        if self.note("untold_twin")?.is_none() {
            return Ok(false);
        }
        let tx = self.watch.begin(&mut self.connection)?;
        let told = tx.execute("DELETE FROM meta WHERE key = 'untold_twin'", ())?;
        tx.commit()?;
        Ok(told > 0)
    }

    /// Looks again which node this database is: another process of this user may have changed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refresh_node(&mut self) -> Result<NodeId, StoreError> {
        self.node = own_node(&self.connection.transaction()?)?;
        Ok(self.node)
    }
}
