//! What stands on the wire between a console and its hub: JSON, additive only.
//!
//! The rows of the feed are the domain's own types, for both ends are this program; a field that is added has a default.

use crate::domain::id::{NodeId, OpId, UserName, hex, unhex};
use crate::domain::judge::Verdict;
use crate::domain::paging::PageId;
use crate::domain::time::Timestamp;
use crate::store::{FeedKind, FeedPage, FeedRow, Signatures};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Most changes in a page.
pub const FEED_ROWS_MAX: usize = 1000;
/// Longest wait of a long poll, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 10;
/// Most operations in a push.
pub const PUSH_OPS_MAX: usize = 500;
/// Most bytes of envelopes in a push; as hex, twice that stands in its body.
pub const PUSH_BYTES_MAX: usize = 256 * 1024;
/// Most pages that one list of receipts names.
pub const RECEIPTS_MAX: usize = 1000;
/// The header that carries the hub's time, in milliseconds since 1970.
pub const TIME_HEADER: &str = "nightdesk-time-ms";

/// What a console asks of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedQuery {
    /// The branch of history it follows; empty at first.
    #[serde(default)]
    pub epoch: String,
    /// The last change it has.
    #[serde(default)]
    pub after: u64,
    /// How many seconds to wait for a change, at most [`WAIT_SECONDS_MAX`].
    #[serde(default)]
    pub wait: u64,
    /// The node whose verdicts it wants.
    pub node: NodeId,
    /// 1 for a console with peers: verdicts of everybody, and the hub's signatures under what may be passed on.
    #[serde(default)]
    pub peers: u8,
}

/// Changes in `(after, next]`.
#[derive(Debug, Serialize, Deserialize)]
pub struct FeedAnswer {
    epoch: String,
    after: u64,
    next: u64,
    head: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_at_ms: Option<i64>,
    rows: Vec<WireRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireRow {
    seq: u64,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    body: Box<RawValue>,
}

/// Status 410: the cursor is of another history; begin again from zero in this one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Gone {
    /// The present branch.
    pub epoch: String,
}

pub(crate) fn kind_word(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Incident => "incident",
        FeedKind::Series => "series",
        FeedKind::Line => "line",
        FeedKind::Page => "page",
        FeedKind::Item => "item",
        FeedKind::Verdict => "verdict",
    }
}

pub(crate) fn kind_of(word: &str) -> Option<FeedKind> {
    [FeedKind::Incident, FeedKind::Series, FeedKind::Line, FeedKind::Page, FeedKind::Item, FeedKind::Verdict]
        .into_iter()
        .find(|kind| kind_word(*kind) == word)
}

impl TryFrom<FeedPage> for FeedAnswer {
    type Error = serde_json::Error;
    fn try_from(page: FeedPage) -> Result<Self, serde_json::Error> {
        let signatures = page.signatures;
        let row = |row: FeedRow| {
            let signature = signatures.as_ref().and_then(|signatures| signatures.of.get(&row.seq));
            Ok(WireRow {
                seq: row.seq,
                kind: kind_word(row.kind).to_owned(),
                signature: signature.map(|bytes| hex(bytes)),
                body: RawValue::from_string(row.body)?,
            })
        };
        let rows = page.rows.into_iter().map(row).collect::<Result<_, serde_json::Error>>()?;
        let signed_at_ms = signatures.as_ref().map(|signatures| signatures.signed_at.as_millis());
        Ok(Self { epoch: page.epoch, after: page.after, next: page.next, head: page.head, signed_at_ms, rows })
    }
}

impl From<FeedAnswer> for FeedPage {
    /// Rows of a kind that this version does not know are left out: a newer hub tells more than this console can show.
    fn from(answer: FeedAnswer) -> Self {
        let row =
            |row: &WireRow| Some(FeedRow { seq: row.seq, kind: kind_of(&row.kind)?, body: row.body.get().to_owned() });
        let rows = answer.rows.iter().filter_map(row).collect();
        let signature = |row: &WireRow| Some((row.seq, unhex(row.signature.as_deref()?)?));
        let signatures = answer.signed_at_ms.map(|at| Signatures {
            signed_at: Timestamp::from_millis(at),
            of: answer.rows.iter().filter_map(signature).collect(),
        });
        let FeedAnswer { epoch, after, next, head, .. } = answer;
        Self { epoch, after, next, head, rows, signatures }
    }
}

/// Operations on their way to the hub, each as hex of its envelope.
#[derive(Debug, Serialize, Deserialize)]
pub struct Push {
    /// At most [`PUSH_OPS_MAX`], in the order of their chains.
    pub ops: Vec<String>,
}

/// What a console says of pages that call its person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    /// It has them and rings; at most [`RECEIPTS_MAX`].
    #[serde(default)]
    pub delivered: Vec<PageId>,
    /// The person pressed a key while they were on the screen; at most [`RECEIPTS_MAX`].
    #[serde(default)]
    pub seen: Vec<PageId>,
}

impl Receipts {
    /// Returns whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.seen.is_empty()
    }
}

/// What became of a push.
#[derive(Debug, Serialize, Deserialize)]
pub struct PushAnswer {
    /// The newest change of the feed after judging.
    pub head: u64,
    /// One for each operation, in order.
    pub answers: Vec<OpAnswer>,
}

/// What became of one operation.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpAnswer {
    /// Which.
    pub op_id: OpId,
    /// What.
    pub result: OpResult,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpResult {
    /// Judged.
    Judged(Verdict),
    /// Operations before it are missing; send from this number on.
    Gap(u64),
    /// Another operation stands at its place.
    Fork,
    /// It cannot be read, or is signed by somebody else; the reason.
    Invalid(String),
}

/// A console introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Its database.
    pub node: NodeId,
    /// Its user.
    pub user: UserName,
    /// Its device's Ed25519 key, hex.
    pub public_key: String,
}

impl Introduction {
    /// Returns the key, if the text is one.
    pub fn key(&self) -> Option<[u8; 32]> {
        unhex(&self.public_key)
    }
}

/// The hub's answer to an introduction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The bearer token of this console.
    pub token: String,
}

/// Who is to be let in no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// A user's name, or a node or its beginning (eight digits or more).
    pub who: String,
}

/// Who is let in no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedAnswer {
    /// The nodes whose tokens are gone and whose operations are refused from now on.
    pub nodes: Vec<NodeId>,
}

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesAnswer {
    /// Devices and viewers, oldest first.
    pub devices: Vec<DeviceRow>,
}

/// One device or viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Its database.
    pub node: NodeId,
    /// Whose it is.
    pub user: UserName,
    /// The word of its scope.
    pub scope: String,
    /// Its key, hex; a viewer has none.
    pub public_key: Option<String>,
    /// When it was let in, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it was last seen, to the minute.
    pub last_used_at_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_at_ms: Option<i64>,
}

/// Who the hub is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubCard {
    /// Its Ed25519 key, hex; a mirror belongs to one hub.
    pub hub_key: String,
    /// Its version.
    pub version: String,
    /// Where sources may send.
    pub ingest: String,
    /// Whether sources need no token.
    pub ingest_open: bool,
    /// A demonstration.
    pub demo: bool,
    /// Where consoles of other machines reach it over TLS, `https://host:port`; absent: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
}

impl HubCard {
    /// Returns the eight digits that name this hub's mirror file.
    pub fn short_key(&self) -> &str {
        self.hub_key.get(..8).unwrap_or("00000000")
    }

    /// Returns the card of the hub with this key.
    pub fn new(key: &[u8; 32], ingest: String, ingest_open: bool, demo: bool) -> Self {
        Self {
            hub_key: hex(key),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ingest,
            ingest_open,
            demo,
            https: None,
        }
    }
}
