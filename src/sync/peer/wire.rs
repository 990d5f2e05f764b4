//! What stands on the wire between consoles: JSON, additive only; one request is one step of an exchange.

use super::plan::{Have, HaveChain, Page};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{NodeId, hex, unhex, unhex_all};
use crate::domain::time::Timestamp;
use crate::store::mirror::SignedRow;
use crate::sync::roster::SignedRoster;
use crate::sync::wire::{kind_of, kind_word};
use serde::{Deserialize, Serialize};

/// Bytes of one request or answer.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Longest roster that peers tell each other, in bytes; a longer one comes from the hub alone.
pub const ROSTER_BYTES_MAX: usize = 96 * 1024;
/// Where it is asked.
pub const PATH: &str = "/v1/peer/exchange";

/// One step: what the asking console has, and what it tells.
#[derive(Debug, Serialize, Deserialize)]
pub struct Step {
    /// Who speaks; its key is the one of the connection's certificate.
    pub node: NodeId,
    have: WireHave,
    /// The version of the roster that it goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster: Option<u64>,
    /// What it tells; nothing in a first step, when it does not know yet what the other has.
    #[serde(default)]
    page: WirePage,
    /// A newer roster than the other's, as [`SignedRoster::to_note`] has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_roster: Option<String>,
    /// How much of what it was told last was new: where neither side hears anything new, they are done.
    #[serde(default)]
    pub news: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct WireHave {
    epoch: String,
    seq: u64,
    /// Node, from, next, half of a hash, where it is stopped.
    chains: Vec<(NodeId, u64, u64, String, Option<u64>)>,
    all_chains: bool,
    rows: Vec<(u64, u64)>,
    #[serde(default)]
    rows_from: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct WirePage {
    #[serde(default)]
    epoch: String,
    /// Envelopes, hex.
    #[serde(default)]
    ops: Vec<String>,
    #[serde(default)]
    rows: Vec<WireRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireRow {
    seq: u64,
    kind: String,
    at: i64,
    body: String,
    signature: String,
}

impl Step {
    /// Returns the step that says this.
    pub fn new(node: NodeId, have: Have, page: Page, roster: Option<u64>) -> Self {
        let chain =
            |(node, chain): (NodeId, HaveChain)| (node, chain.from, chain.next, hex(&chain.hash), chain.stopped);
        let Have { epoch, seq, chains, all_chains, rows, rows_from } = have;
        let chains = chains.into_iter().map(chain).collect();
        let have = WireHave { epoch, seq, chains, all_chains, rows: rows.into_iter().collect(), rows_from };
        let row = |row: SignedRow| WireRow {
            seq: row.seq,
            kind: kind_word(row.kind).to_owned(),
            at: row.signed_at.as_millis(),
            signature: hex(&row.signature),
            body: row.body,
        };
        let Page { epoch, ops, rows } = page;
        let page = WirePage {
            epoch,
            ops: ops.iter().map(|op| hex(&op.bytes)).collect(),
            rows: rows.into_iter().map(row).collect(),
        };
        Self { node, have, roster, page, newer_roster: None, news: 0 }
    }

    /// Returns what the speaker has.
    pub fn have(&self) -> Have {
        let WireHave { epoch, seq, chains, all_chains, rows, rows_from } = &self.have;
        let chain = |(node, from, next, hash, stopped): &(NodeId, u64, u64, String, Option<u64>)| {
            Some((*node, HaveChain { from: *from, next: *next, hash: unhex(hash)?, stopped: *stopped }))
        };
        Have {
            epoch: epoch.clone(),
            seq: *seq,
            chains: chains.iter().filter_map(chain).collect(),
            all_chains: *all_chains,
            rows: rows.iter().copied().collect(),
            rows_from: *rows_from,
        }
    }

    /// Returns whether it is the first of an exchange: what the other has is not known yet.
    pub fn is_first(&self) -> bool {
        self.tells_nothing() && self.news == 0
    }

    /// Returns whether it tells no operation, no row and no roster.
    pub fn tells_nothing(&self) -> bool {
        self.page.ops.is_empty() && self.page.rows.is_empty() && self.newer_roster.is_none()
    }

    /// Takes out what the speaker tells. What cannot be read is left out: a newer version tells more than this one understands.
    pub fn take_page(&mut self) -> Page {
        let WirePage { epoch, ops, rows } = std::mem::take(&mut self.page);
        let op = |text: String| SignedOp::read(unhex_all(&text)?).ok();
        let row = |row: WireRow| {
            Some(SignedRow {
                seq: row.seq,
                kind: kind_of(&row.kind)?,
                signed_at: Timestamp::from_millis(row.at),
                body: row.body,
                signature: unhex(&row.signature)?,
            })
        };
        Page { epoch, ops: ops.into_iter().filter_map(op).collect(), rows: rows.into_iter().filter_map(row).collect() }
    }

    /// Adds the roster where the other goes by an older one, or by none.
    pub fn with_roster(mut self, mine: Option<&SignedRoster>, theirs: Option<u64>) -> Self {
        let newer = mine.filter(|mine| theirs.is_none_or(|version| version < mine.roster.version));
        let short = newer.filter(|newer| newer.bytes.len() <= ROSTER_BYTES_MAX);
        self.newer_roster = short.map(SignedRoster::to_note);
        if short.is_some() {
            // Both may not fit; the page is worked out anew for the next step.
            self.page = WirePage::default();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FeedKind;

    #[test]
    fn a_step_reads_back_as_it_was_written() {
        let node = NodeId::from_bytes([1; 16]);
        let chain = HaveChain { from: 2, next: 5, hash: [7; 16], stopped: Some(4) };
        let have = Have {
            epoch: "e".into(),
            seq: 9,
            chains: [(node, chain)].into(),
            all_chains: true,
            rows: [(3, 12)].into(),
            rows_from: 10,
        };
        let row = SignedRow {
            seq: 12,
            kind: FeedKind::Incident,
            signed_at: Timestamp::from_millis(3),
            body: "{\"a\":\"\\\"\"}".into(),
            signature: [9; 64],
        };
        let page = Page { epoch: "e".into(), ops: Vec::new(), rows: vec![row] };
        let step = Step::new(node, have.clone(), page.clone(), Some(4));
        let mut read: Step = serde_json::from_slice(&serde_json::to_vec(&step).unwrap()).unwrap();
        assert_eq!((read.node, read.have(), read.roster), (node, have, Some(4)));
        assert_eq!(read.take_page(), page);
    }

    /// The limits of the plan are chosen so that the longest step fits into one body.
    #[test]
    fn the_longest_step_fits() {
        use crate::sync::peer::plan::{HAVE_CHAINS_MAX, HAVE_ROWS_MAX, PAGE_BYTES_MAX};
        let chain = HaveChain { from: 1 << 40, next: 1 << 40, hash: [255; 16], stopped: Some(1 << 40) };
        let node = |number: usize| NodeId::from_bytes((number as u128).to_be_bytes());
        let have = Have {
            epoch: "0123456789abcdef0123456789abcdef".into(),
            seq: u64::MAX,
            chains: (0..HAVE_CHAINS_MAX).map(|number| (node(number), chain)).collect(),
            all_chains: true,
            rows: (0..HAVE_ROWS_MAX as u64).map(|number| (u64::MAX - number, u64::MAX >> 8)).collect(),
            rows_from: u64::MAX,
        };
        let step = Step::new(node(1), have, Page::default(), Some(u64::MAX));
        let bytes = serde_json::to_vec(&step).unwrap().len();
        assert!(bytes + PAGE_BYTES_MAX <= BODY_BYTES_MAX, "{bytes}");
        // A roster in a text has a backslash before each of its quotes.
        assert!(bytes + ROSTER_BYTES_MAX * 5 / 4 <= BODY_BYTES_MAX, "{bytes}");
    }
}
