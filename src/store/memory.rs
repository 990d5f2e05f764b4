//! The hub's store in memory: nothing outlives the process. Synchronous, and a clone is a snapshot, for a simulation that must be able to
//! repeat itself, to go back and to try another way.

mod kept;
mod tables;

pub(super) use tables::MemoryTables;

use super::devices::{NewToken, Revoked};
use super::hub::tables::Tables as _;
use super::hub::{
    Audit, Batch, Committed, Delivery, Due, Found, Fronts, Outcome, Receipt, Round, Rules, Submitted, Touch, claims,
    devices, due, fold, items, ops, pages, read, reload, runbooks, silences, sources, start, upstream,
};
use super::{Cursor, Device, FeedPage, Quarantined, StoreError};
use crate::domain::envelope::SignedOp;
use crate::domain::event::SeriesKey;
use crate::domain::id::{NodeId, Number, SourceName, UserName};
use crate::domain::incident::Incident;
use crate::domain::item::{Change, Claim, Item, ItemKind, Silence};
use crate::domain::paging::{Page, PageId};
use crate::domain::runbook::RunbookName;
use crate::domain::series::Series;
use crate::domain::source::Watched;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// A hub's store in memory. Its methods are those of [`super::HubStore`], each one whole transaction.
///
/// A clone is a snapshot: it has the same rows and goes its own way. Only [`super::hub::Mint`] is shared.
#[derive(Debug, Clone)]
pub struct MemoryHub {
    pub(super) tables: MemoryTables,
    rules: Rules,
}

/// The open transaction: what is not committed is undone, after a panic too.
struct Open<'t>(&'t mut MemoryTables);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.roll_back();
    }
}

/// Does `work` in one transaction, which is kept whole when `work` says `Ok`, else undone whole.
pub(super) fn transaction<R>(
    tables: &mut MemoryTables,
    work: impl FnOnce(&mut MemoryTables) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let open = Open(tables);
    let done = work(open.0)?;
    open.0.commit();
    Ok(done)
}

impl MemoryHub {
    /// Returns an empty store of a new history.
    ///
    /// # Errors
    /// [`StoreError::Broken`] never happens to an empty store.
    pub fn new(rules: Rules, epoch: &str) -> Result<Self, StoreError> {
        Self { tables: MemoryTables::default(), rules: rules.clone() }.reopened(rules, epoch)
    }

    /// Returns the store as it is after a restart of its hub, perhaps by other rules; the history stays the same one.
    ///
    /// # Errors
    /// [`StoreError::Broken`].
    pub fn reopened(mut self, rules: Rules, fresh_epoch: &str) -> Result<Self, StoreError> {
        transaction(&mut self.tables, |tables| start::prepare(tables, &rules, fresh_epoch))?;
        Ok(Self { tables: self.tables, rules })
    }

    /// Returns the store as a new branch of history, which it is once it was restored from a copy.
    ///
    /// # Errors
    /// [`StoreError::Broken`].
    #[doc(hidden)]
    pub fn branched(mut self, epoch: &str) -> Result<Self, StoreError> {
        transaction(&mut self.tables, |tables| tables.set_meta(start::EPOCH, epoch))?;
        Ok(self)
    }

    /// Returns every incident, as it is stored.
    #[doc(hidden)]
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.tables.all_incidents()
    }

    /// Returns every page, as it is stored.
    #[doc(hidden)]
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.tables.all_pages()
    }

    /// Returns whether both have the same rows.
    pub fn same_rows(&self, other: &Self) -> bool {
        self.tables == other.tables
    }

    pub(super) fn write<R>(
        &mut self,
        work: impl FnOnce(&mut MemoryTables, &Rules) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let Self { tables, rules } = self;
        transaction(tables, |tables| work(tables, rules))
    }

    /// As [`super::HubStore::reload`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; the old rules stay then.
    pub fn reload(&mut self, rules: Rules, now: Timestamp) -> Result<Committed, StoreError> {
        let committed = transaction(&mut self.tables, |tables| reload::reload(tables, &rules, now))?;
        self.rules = rules;
        Ok(committed)
    }

    /// As [`super::HubStore::ingest`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing of the batch is remembered then.
    pub fn ingest(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.write(|tables, rules| fold::ingest(tables, rules, batch))
    }

    /// As [`super::HubStore::touch`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; counters are as they were then.
    pub fn touch(&mut self, batch: &[Touch], now: Timestamp) -> Result<(), StoreError> {
        self.write(|tables, rules| fold::touch(tables, rules, batch, now))
    }

    /// As [`super::HubStore::run_due`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing happened then.
    pub fn run_due(
        &mut self,
        now: Timestamp,
        hub_up_since: Timestamp,
        spoke: &[(SourceName, Timestamp)],
    ) -> Result<Due, StoreError> {
        self.write(|tables, rules| due::run_due(tables, rules, now, hub_up_since, spoke))
    }

    /// As [`super::HubStore::call_uncalled`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing is due then that was not.
    pub fn call_uncalled(&mut self, now: Timestamp) -> Result<Committed, StoreError> {
        self.write(|tables, rules| pages::call_uncalled(tables, rules, now))
    }

    /// As [`super::HubStore::watch`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing was heard then.
    pub fn watch(&mut self, round: &Round) -> Result<Due, StoreError> {
        self.write(|tables, rules| sources::round(tables, rules, round))
    }

    /// As [`super::HubStore::changed`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none is remembered then.
    pub fn changed(
        &mut self,
        changes: Vec<Change>,
        quarantined: &[Quarantined],
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.write(|tables, rules| sources::changes(tables, rules, changes, quarantined, now))
    }

    /// As [`super::HubStore::sources`].
    ///
    /// # Errors
    /// None yet: as the other back ends may have some.
    pub fn sources(&self) -> Result<Vec<Watched>, StoreError> {
        self.tables.source_states()
    }

    /// As [`super::HubStore::submit`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none was judged then.
    pub fn submit(&mut self, ops: &[SignedOp], now: Timestamp) -> Result<Submitted, StoreError> {
        self.write(|tables, rules| ops::submit(tables, rules, ops, now))
    }

    /// As [`super::HubStore::lease_pages`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none was leased then.
    pub fn lease_pages(&mut self, now: Timestamp, lease: Duration, max: usize) -> Result<Vec<Delivery>, StoreError> {
        self.write(|tables, rules| pages::lease(tables, rules, now, lease, max))
    }

    /// As [`super::HubStore::finish_pages`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none was taken then.
    pub fn finish_pages(&mut self, done: Vec<(PageId, u64, Outcome)>, now: Timestamp) -> Result<Committed, StoreError> {
        self.write(|tables, rules| pages::finish(tables, rules, done, now))
    }

    /// As [`super::HubStore::receipts`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none was taken then.
    pub fn receipts(
        &mut self,
        person: &UserName,
        receipts: &[(PageId, Receipt)],
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.write(|tables, rules| pages::receipts(tables, rules, person, receipts, now))
    }

    /// As [`super::HubStore::put_items`].
    ///
    /// # Errors
    /// [`StoreError::Items`], [`StoreError::Broken`]; none was written then.
    pub fn put_items(&mut self, items: &[Item], now: Timestamp) -> Result<Committed, StoreError> {
        self.write(|tables, rules| items::put(tables, rules, items, now))
    }

    /// As [`super::HubStore::keep_runbooks`].
    ///
    /// # Errors
    /// [`StoreError::Items`]; none was taken in then.
    pub fn keep_runbooks(
        &mut self,
        found: Vec<Found>,
        gone: &[RunbookName],
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.write(|tables, rules| runbooks::keep(tables, rules, found, gone, now))
    }

    /// As [`super::HubStore::hear_fronts`].
    ///
    /// # Errors
    /// [`StoreError::Items`]; nothing happened then.
    pub fn hear_fronts(&mut self, fronts: &Fronts, now: Timestamp) -> Result<Due, StoreError> {
        self.write(|tables, rules| upstream::hear(tables, rules, fronts, now))
    }

    /// As [`super::HubStore::claim`].
    ///
    /// # Errors
    /// [`StoreError::Items`]; nothing was written then.
    pub fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<Committed, StoreError> {
        self.write(|tables, rules| claims::make(tables, rules, claim, now))
    }

    /// As [`super::HubStore::end_claims`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none was ended then.
    pub fn end_claims(&mut self, ids: &[String], now: Timestamp) -> Result<Committed, StoreError> {
        self.write(|tables, rules| claims::end(tables, rules, ids, now))
    }

    /// As [`super::HubStore::remove_items`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; none was taken away then.
    pub fn remove_items(&mut self, ids: &[(ItemKind, String)], now: Timestamp) -> Result<Committed, StoreError> {
        self.write(|tables, rules| items::remove(tables, rules, ids, now))
    }

    /// As [`super::HubStore::items`].
    ///
    /// # Errors
    /// None yet: as the other back ends may have some.
    pub fn items(&self, kind: ItemKind) -> Result<Vec<Item>, StoreError> {
        self.tables.items(kind)
    }

    /// As [`super::HubStore::put_silence`].
    ///
    /// # Errors
    /// [`StoreError::Items`], [`StoreError::Broken`]; nothing happened then.
    pub fn put_silence(
        &mut self,
        silence: &Silence,
        replaced: Option<&str>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.write(|tables, rules| silences::put(tables, rules, silence, replaced, now))
    }

    /// As [`super::HubStore::end_silence`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing happened then.
    pub fn end_silence(&mut self, id: &str, who: &str, now: Timestamp) -> Result<Option<Committed>, StoreError> {
        self.write(|tables, rules| silences::end(tables, rules, id, who, now))
    }

    /// As [`super::HubStore::audit`].
    ///
    /// # Errors
    /// None.
    pub fn audit(&self, now: Timestamp, late: Duration) -> Result<Audit, StoreError> {
        pages::audit(&self.tables, now, late)
    }

    /// As [`super::HubStore::unexamined`].
    ///
    /// # Errors
    /// None.
    pub fn unexamined(&self, before: Timestamp) -> Result<Vec<Number>, StoreError> {
        pages::unexamined(&self.tables, before)
    }

    /// As [`super::HubStore::prune`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing was forgotten then.
    pub fn prune(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|tables, _| due::prune(tables, now))
    }

    /// As [`super::HubStore::register`].
    ///
    /// # Errors
    /// [`StoreError::Unsafe`] when the node is known with another key or user, its key was revoked, or there are too many.
    pub fn register(&mut self, device: &Device, token: NewToken) -> Result<bool, StoreError> {
        self.write(|tables, _| devices::register(tables, device, token))
    }

    /// As [`super::HubStore::revoke`].
    ///
    /// # Errors
    /// [`StoreError::Broken`]; nothing is revoked then.
    pub fn revoke(&mut self, whom: &Revoked, now: Timestamp) -> Result<Vec<NodeId>, StoreError> {
        self.write(|tables, _| devices::revoke(tables, whom, now))
    }

    /// As [`super::HubStore::feed`].
    ///
    /// # Errors
    /// [`StoreError::Row`].
    pub fn feed(&self, after: u64, max: usize, verdicts: impl Into<Option<NodeId>>) -> Result<FeedPage, StoreError> {
        read::feed(&self.tables, after, max, verdicts.into())
    }

    /// As [`super::HubStore::has_verdicts`].
    ///
    /// # Errors
    /// [`StoreError::Row`].
    pub fn has_verdicts(&self, after: u64, node: NodeId) -> Result<bool, StoreError> {
        self.tables.has_verdicts(after, node)
    }

    /// As [`super::HubStore::head`].
    ///
    /// # Errors
    /// [`StoreError::Row`].
    pub fn head(&self) -> Result<Cursor, StoreError> {
        read::head(&self.tables)
    }

    /// As [`super::HubStore::burning`].
    ///
    /// # Errors
    /// None yet: as the other back ends may have some.
    pub fn burning(&self, after: i64, max: usize) -> Result<(Vec<Series>, Option<i64>), StoreError> {
        read::burning(&self.tables, after, max)
    }

    /// As [`super::HubStore::series`].
    ///
    /// # Errors
    /// None yet: as the other back ends may have some.
    pub fn series(&self, keys: &[SeriesKey]) -> Result<Vec<Series>, StoreError> {
        read::series(&self.tables, keys)
    }

    /// As [`super::HubStore::quarantine`].
    ///
    /// # Errors
    /// None yet: as the other back ends may have some.
    pub fn quarantine(&self, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError> {
        self.tables.quarantined(max)
    }

    /// As [`super::HubStore::device`].
    ///
    /// # Errors
    /// None yet: as the other back ends may have some.
    pub fn device(&self, node: NodeId) -> Result<Option<Device>, StoreError> {
        self.tables.device(node)
    }
}
