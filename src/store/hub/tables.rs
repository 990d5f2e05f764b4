//! What a back end gives: plain access to rows, inside one transaction that the back end opened and will end.
//!
//! No rule of the hub stands here. What each back end checks by itself is in `sqlite/hub.sql`; what breaks it is
//! [`StoreError::Broken`], and then the whole transaction is undone. Another table is its methods here and in each back end; another
//! kind of row in the feed is a [`super::super::FeedKind`] besides, which [`Tables::changes`] returns.

use super::super::devices::{Bearer, Enrolment, KnownDevice};
use super::super::{Device, FeedRow, Quarantined, StoreError};
use crate::domain::day::{Counts, DayNumber};
use crate::domain::envelope::SignedOp;
use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, NodeId, Number, OpId, SourceName, UserName};
use crate::domain::incident::{Incident, Line};
use crate::domain::item::{Change, Item, ItemKind};
use crate::domain::judge::Verdict;
use crate::domain::paging::{Page, PageId};
use crate::domain::runbook::{Revision, RunbookName};
use crate::domain::series::{Series, SeriesState};
use crate::domain::source::Watched;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

/// Pages that are not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitingPages {
    /// All of them.
    pub all: u64,
    /// Those that should have been.
    pub late: u64,
    /// When the first of them was or will be due.
    pub oldest_due: Option<Timestamp>,
}

/// A series as it stands in its row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct SeriesRow {
    pub id: i64,
    pub series: Series,
}

/// Where a series stands: its row, and what of it has an index. A database may write an index anew for each column that a statement
/// names, even when it stays the same (SQLite does, and each costs a page in the journal).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct SeriesPlace {
    pub id: i64,
    pub incident: Option<IncidentId>,
}

/// What of an incident's row has an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct IncidentPlace {
    open: bool,
    next_due_at: Option<Timestamp>,
}

impl IncidentPlace {
    /// Returns what the incident's row has now; its key never changes while it is open.
    pub fn of(incident: &Incident) -> Self {
        Self { open: incident.open_key.is_some(), next_due_at: incident.next_due_at }
    }
}

/// What was counted of a source on a day.
pub(in crate::store) type CountedDay = (DayNumber, SourceName, Counts);

/// A series whose word ran out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct RanOut {
    pub key: SeriesKey,
    /// When its source spoke last; 0 when it never did, or is not to be trusted in what it leaves unsaid.
    pub spoke_at: Timestamp,
}

/// The end of a console's chain of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct ChainEnd {
    /// 0 before the first.
    pub nseq: u64,
    /// Zeroes before the first.
    pub hash: [u8; 32],
}

/// What is kept of an operation for its retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct StoredOp {
    pub hash: [u8; 32],
    /// As it came.
    pub bytes: Vec<u8>,
    pub verdict: Verdict,
}

/// An operation to be kept, at its place in the feed.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct JudgedOp<'a> {
    pub seq: u64,
    pub signed: &'a SignedOp,
    pub hash: [u8; 32],
    pub judged_at: Timestamp,
    pub verdict: &'a Verdict,
}

/// Rows, inside one open transaction. A list is in a fixed order, the same with every back end, so that each gives the same history.
pub(in crate::store) trait Tables {
    fn meta(&self, key: &str) -> Result<Option<String>, StoreError>;
    fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError>;

    /// Returns the newest change of the feed; 0 before the first.
    fn head(&self) -> Result<u64, StoreError>;
    fn set_head(&mut self, seq: u64) -> Result<(), StoreError>;
    /// Returns at most `max` rows that changed after `after`, in the order of their changes; verdicts for one node
    /// alone, or for everybody.
    fn changes(&self, after: u64, max: usize, node: Option<NodeId>) -> Result<Vec<FeedRow>, StoreError>;
    /// Returns whether an operation of this node was judged after `after`.
    fn has_verdicts(&self, after: u64, node: NodeId) -> Result<bool, StoreError>;

    /// Notes that the source spoke, unless it spoke later.
    fn spoke(&mut self, source: &SourceName, at: Timestamp) -> Result<(), StoreError>;
    /// Forgets every word of a source that is later than `latest`.
    fn unsay_after(&mut self, latest: Timestamp) -> Result<(), StoreError>;
    /// Says from when on what the source leaves unsaid counts as over, once a promise has passed since: [`Timestamp::NEVER`] while it is silent.
    fn trust(&mut self, source: &SourceName, from: Timestamp) -> Result<(), StoreError>;
    /// Returns every source of which something is remembered, by name.
    fn source_states(&self) -> Result<Vec<Watched>, StoreError>;
    fn put_source_state(&mut self, state: &Watched) -> Result<(), StoreError>;
    /// Returns series of the source in that state, by row after `after`, with their rows.
    fn series_from(
        &self,
        source: &SourceName,
        state: SeriesState,
        after: i64,
        max: usize,
    ) -> Result<Vec<SeriesRow>, StoreError>;

    /// Adds to what was counted of a source on a day.
    fn add_counts(&mut self, day: DayNumber, source: &SourceName, counts: &Counts) -> Result<(), StoreError>;
    /// Returns days whose counts changed since [`Tables::day_told`], by day and source: all, or only those with more news than messages.
    fn untold_days(&self, all: bool, max: usize) -> Result<Vec<CountedDay>, StoreError>;
    fn day_told(&mut self, day: DayNumber, source: &SourceName) -> Result<(), StoreError>;
    /// Deletes the counts of all days before `before`.
    fn prune_days(&mut self, before: DayNumber) -> Result<usize, StoreError>;

    /// Returns the change of that id.
    fn change(&self, id: &str) -> Result<Option<Change>, StoreError>;
    /// Remembers a change, in place of the one of that id.
    fn put_change(&mut self, change: &Change) -> Result<(), StoreError>;
    /// Returns the newest changes of `from` to `to`, both included; by time, then by id.
    fn changes_between(&self, from: Timestamp, to: Timestamp, max: usize) -> Result<Vec<Change>, StoreError>;
    /// Deletes at most `max` changes made before `before`.
    fn prune_changes(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError>;
    /// Keeps a text of a runbook; one that is kept already is as it was.
    fn put_text(&mut self, runbook: &RunbookName, revision: Revision, text: &str) -> Result<(), StoreError>;
    /// Returns a text of a runbook.
    fn text(&self, runbook: &RunbookName, revision: Revision) -> Result<Option<String>, StoreError>;
    /// Returns which texts of a runbook are kept.
    fn texts(&self, runbook: &RunbookName) -> Result<Vec<Revision>, StoreError>;
    /// Forgets a text of a runbook.
    fn forget_text(&mut self, runbook: &RunbookName, revision: Revision) -> Result<(), StoreError>;
    /// Returns the newest incidents that are open.
    fn open_incidents(&self, max: usize) -> Result<Vec<IncidentId>, StoreError>;

    fn series(&self, key: &SeriesKey) -> Result<Option<SeriesRow>, StoreError>;
    fn insert_series(&mut self, series: &Series, seq: u64) -> Result<(), StoreError>;
    /// Writes a series over its row.
    fn update_series(&mut self, place: &SeriesPlace, series: &Series, seq: u64) -> Result<(), StoreError>;
    /// Writes a series of which only counters moved, and with them perhaps its end: it keeps its place in the feed, so no console is
    /// woken for it.
    fn update_counters(&mut self, place: &SeriesPlace, series: &Series) -> Result<(), StoreError>;
    /// Writes a series with another fingerprint, unless another row has that one.
    fn rekey_series(&mut self, id: i64, series: &Series) -> Result<(), StoreError>;
    /// Returns series that burn or are unknown, by row after `after`.
    fn burning(&self, after: i64, max: usize) -> Result<Vec<SeriesRow>, StoreError>;
    /// Returns series that burn or are unknown, whose word ran out at or before `now` and would have since `hub_up_since`; the unknown
    /// only when their source spoke since. By end, then by row.
    fn ran_out(&self, now: Timestamp, hub_up_since: Timestamp, max: usize) -> Result<Vec<RanOut>, StoreError>;
    /// Returns pending series that are real at or before `now`, by that time, then by row.
    fn become_real(&self, now: Timestamp, max: usize) -> Result<Vec<SeriesKey>, StoreError>;
    /// Returns the series of the incident that burn, by row.
    fn firing_of(&self, incident: IncidentId) -> Result<Vec<SeriesKey>, StoreError>;
    /// Deletes at most `max` series that were over before `before`, by row, and returns how many.
    fn prune_series(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError>;

    /// Returns the number of the next incident, and counts on.
    fn next_number(&mut self) -> Result<Number, StoreError>;
    fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError>;
    fn incident_by_open_key(&self, key: &str) -> Result<Option<Incident>, StoreError>;
    fn insert_incident(&mut self, incident: &Incident, seq: u64) -> Result<(), StoreError>;
    /// Writes an incident over its row.
    fn update_incident(&mut self, place: &IncidentPlace, incident: &Incident, seq: u64) -> Result<(), StoreError>;
    /// Returns incidents that are due at or before `now`; by due time, then as they were opened.
    fn due(&self, now: Timestamp, max: usize) -> Result<Vec<IncidentId>, StoreError>;
    /// Returns incidents that are due after `reach`; by due time, then as they were opened.
    fn due_after(&self, reach: Timestamp, max: usize) -> Result<Vec<IncidentId>, StoreError>;
    fn insert_line(&mut self, seq: u64, incident: IncidentId, line: &Line) -> Result<(), StoreError>;
    /// Returns the open incidents with a tie, those that hold others by it or those that are held; by id.
    fn tied(&self, key: &str, bears: bool) -> Result<Vec<IncidentId>, StoreError>;
    /// Writes the ties of an incident in place of those it had; a resolved one has none.
    fn set_ties(&mut self, incident: &Incident) -> Result<(), StoreError>;
    /// Deletes at most `max` incidents that were resolved before `before` and that no series names, with their lines; by number. Returns
    /// how many incidents.
    fn prune_incidents(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError>;

    /// Returns the incident that goes on for a group whose incident was merged into it.
    fn alias(&self, key: &str) -> Result<Option<IncidentId>, StoreError>;
    fn set_alias(&mut self, key: &str, incident: IncidentId) -> Result<(), StoreError>;
    /// Returns the series of the incident, by row.
    fn series_of(&self, incident: IncidentId, max: usize) -> Result<Vec<SeriesKey>, StoreError>;

    fn page(&self, id: PageId) -> Result<Option<Page>, StoreError>;
    /// Writes a page, new or over its row.
    fn put_page(&mut self, page: &Page, seq: u64) -> Result<(), StoreError>;
    /// Returns the pages of an incident that are open ([`Page::is_open`]), or all of them; by id.
    fn pages_of(&self, incident: IncidentId, open: bool) -> Result<Vec<Page>, StoreError>;
    /// Returns who is to be reached by what at or before `now`, by name.
    fn due_callees(&self, now: Timestamp) -> Result<Vec<(UserName, String)>, StoreError>;
    /// Returns pages to one person by one channel that are due at or before `now`; by due time, then by id.
    fn due_pages(&self, to: &UserName, by: &str, now: Timestamp, max: usize) -> Result<Vec<Page>, StoreError>;
    /// Returns whether a page to that person by that channel is being sent now.
    fn is_sending(&self, to: &UserName, by: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// Returns the pages that are due after `at`, by id.
    fn pages_due_after(&self, at: Timestamp) -> Result<Vec<Page>, StoreError>;
    /// Deletes at most `max` pages that were decided before `before` and ask for no answer, by id, and returns how many.
    fn prune_pages(&mut self, before: Timestamp, max: usize) -> Result<usize, StoreError>;
    /// Returns how many pages are not sent; late are those that were due before `before`.
    fn waiting_pages(&self, before: Timestamp) -> Result<WaitingPages, StoreError>;
    /// Returns when the person was last reached by that channel.
    fn reached_at(&self, person: &UserName, channel: &str) -> Result<Option<Timestamp>, StoreError>;
    fn set_reached_at(&mut self, person: &UserName, channel: &str, at: Timestamp) -> Result<(), StoreError>;
    /// Returns the item, unless it was taken away.
    fn item(&self, kind: ItemKind, id: &str) -> Result<Option<Item>, StoreError>;
    /// Returns the items of a kind that were not taken away, by id.
    fn items(&self, kind: ItemKind) -> Result<Vec<Item>, StoreError>;
    /// Returns the items of a kind that end after `now`, by id.
    fn items_ending_after(&self, kind: ItemKind, now: Timestamp) -> Result<Vec<Item>, StoreError>;
    /// Returns how many items of a kind there are, and of those that are over at `now` the one that ended first.
    fn count_items(&self, kind: ItemKind, now: Timestamp) -> Result<(usize, Option<String>), StoreError>;
    /// Writes an item, new or over its row. `body` is [`item_body`].
    fn put_item(&mut self, item: &Item, body: &str, seq: u64) -> Result<(), StoreError>;
    /// Leaves word in the place of an item that it was taken away at `at`. `body` is [`gone_body`].
    fn leave_item(&mut self, kind: ItemKind, id: &str, at: Timestamp, body: &str, seq: u64) -> Result<(), StoreError>;
    /// Forgets the row of an item altogether.
    fn forget_item(&mut self, kind: ItemKind, id: &str) -> Result<(), StoreError>;
    /// Deletes at most `max` items that were over before `before`, and returns how many; of those that were taken away, those before `gone`.
    fn prune_items(&mut self, before: Timestamp, gone: Timestamp, max: usize) -> Result<usize, StoreError>;
    /// Returns everybody who has a console that is not revoked.
    fn users(&self) -> Result<BTreeSet<UserName>, StoreError>;

    fn op(&self, id: OpId) -> Result<Option<StoredOp>, StoreError>;
    fn insert_op(&mut self, op: &JudgedOp<'_>) -> Result<(), StoreError>;
    /// Returns the hash of what stands at a place of a chain and was judged at a place of another one.
    fn reissued(&self, node: NodeId, nseq: u64) -> Result<Option<[u8; 32]>, StoreError>;
    fn insert_reissued(&mut self, node: NodeId, end: &ChainEnd) -> Result<(), StoreError>;

    fn device(&self, node: NodeId) -> Result<Option<Device>, StoreError>;
    /// Returns all devices in no particular order, without when they were used.
    fn devices(&self) -> Result<Vec<KnownDevice>, StoreError>;
    fn count_devices(&self) -> Result<u64, StoreError>;
    /// Returns whether the device of that node is revoked.
    fn is_revoked(&self, node: NodeId) -> Result<bool, StoreError>;
    /// Returns whether a device with that key is revoked.
    fn is_revoked_key(&self, public_key: &[u8; 32]) -> Result<bool, StoreError>;
    /// Takes a device in, with an empty chain.
    fn insert_device(&mut self, device: &Device, created_at: Timestamp) -> Result<(), StoreError>;
    fn set_revoked(&mut self, node: NodeId, at_seq: u64, at: Timestamp) -> Result<(), StoreError>;
    /// Returns the token of that id, without the device's key.
    fn token(&self, id: &str) -> Result<Option<Bearer>, StoreError>;
    fn tokens(&self) -> Result<Vec<Bearer>, StoreError>;
    fn tokens_of(&self, node: NodeId) -> Result<Vec<Bearer>, StoreError>;
    /// Remembers a token, in place of the one of that id.
    fn put_token(&mut self, bearer: &Bearer) -> Result<(), StoreError>;
    fn remove_token(&mut self, id: &str) -> Result<(), StoreError>;
    fn enrolment(&self, hash: &[u8; 32]) -> Result<Option<Enrolment>, StoreError>;
    fn enrolments(&self) -> Result<Vec<Enrolment>, StoreError>;
    fn put_enrolment(&mut self, enrolment: &Enrolment) -> Result<(), StoreError>;
    fn remove_enrolment(&mut self, hash: &[u8; 32]) -> Result<(), StoreError>;
    /// Returns the end of the chain of a console; `None` when the console is not known.
    fn chain_end(&self, node: NodeId) -> Result<Option<ChainEnd>, StoreError>;
    fn set_chain_end(&mut self, node: NodeId, end: &ChainEnd) -> Result<(), StoreError>;

    /// Keeps what could not be taken, and of all that only the newest `kept`.
    fn insert_quarantined(&mut self, item: &Quarantined, kept: usize) -> Result<(), StoreError>;
    /// Returns what could not be taken, newest first, with its row.
    fn quarantined(&self, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError>;
}

/// A verdict as the feed carries it: what was answered, and where in its chain that operation stands.
#[derive(Debug, serde::Serialize)]
pub(in crate::store) struct AnswerBody<'a> {
    pub op_id: String,
    pub node: String,
    pub nseq: u64,
    pub hash: String,
    pub verdict: &'a Verdict,
}

/// Returns a line as the feed carries it: with the incident it belongs to.
pub(in crate::store) fn line_body(incident: IncidentId, line: &Line) -> Result<String, StoreError> {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        incident: IncidentId,
        #[serde(flatten)]
        line: &'a Line,
    }
    Ok(serde_json::to_string(&Body { incident, line })?)
}

/// Returns an item as the feed carries it: with its id beside it.
pub(in crate::store) fn item_body(item: &Item) -> Result<String, StoreError> {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        id: String,
        #[serde(flatten)]
        item: &'a Item,
    }
    Ok(serde_json::to_string(&Body { id: item.id(), item })?)
}

/// Returns what the feed carries in the place of an item that was taken away.
pub(in crate::store) fn gone_body(kind: ItemKind, id: &str) -> Result<String, StoreError> {
    Ok(serde_json::json!({ "kind": kind, "id": id, "item": null }).to_string())
}
