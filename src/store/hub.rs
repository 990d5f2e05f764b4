//! The hub's store: each method is one whole transaction. An enum of back ends; one contract suite is for all of them.
//!
//! What a transaction does is written once, on rows (`hub/tables.rs`); a back end says how rows are kept.

mod asked;
pub(in crate::store) mod claims;
pub(in crate::store) mod devices;
pub(in crate::store) mod due;
pub(in crate::store) mod fold;
pub(in crate::store) mod items;
pub(in crate::store) mod ops;
pub(in crate::store) mod pages;
pub(in crate::store) mod read;
pub(in crate::store) mod reload;
pub(in crate::store) mod runbooks;
pub(in crate::store) mod silences;
pub(in crate::store) mod sources;
pub(in crate::store) mod start;
pub(in crate::store) mod tables;
mod ties;
pub(in crate::store) mod upstream;
mod work;

pub use super::memory::MemoryHub;
pub use super::sqlite::hub::SqliteHub;
pub use runbooks::Found;
pub use sources::Round;
pub use upstream::Fronts;
pub use work::Committed;

use super::{FeedPage, Quarantined, StoreError};
use crate::domain::envelope::SignedOp;
use crate::domain::event::{Event, SeriesKey};
use crate::domain::holds::Handles;
use crate::domain::id::{IncidentId, NodeId, Number, OpId, SourceName, UserName};
use crate::domain::incident::{self, Incident, Timing};
use crate::domain::item::{Change, Claim, Item, ItemKind, Silence};
use crate::domain::judge::Verdict;
use crate::domain::label::IdentityRule;
use crate::domain::paging::{Page, PageId, Paging};
use crate::domain::runbook::RunbookName;
use crate::domain::series::Series;
use crate::domain::source::Watched;
use crate::domain::time::Timestamp;
use crate::rules::{Decision, Rulebook, Said};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tables::Tables as _;

/// What the store's transactions go by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Windows and delays.
    pub timing: Timing,
    /// Who is called.
    pub paging: Paging,
    /// Which labels say who an alert is.
    pub identity: IdentityRule,
    /// From what is said to severity, group, plan and people.
    pub book: Arc<Rulebook>,
    /// Says how loud a series is.
    pub handles: Arc<dyn Handles>,
    /// Makes incident ids.
    pub mint: Mint,
}

/// Makes the id of an incident that is opened now; a parameter, so that a simulation can repeat itself.
#[derive(Clone)]
pub struct Mint(Arc<dyn Fn(Timestamp) -> IncidentId + Send + Sync>);

impl Mint {
    /// Returns the mint that makes ids so; no two may be the same.
    pub fn new(make: impl Fn(Timestamp) -> IncidentId + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    fn id(&self, now: Timestamp) -> IncidentId {
        (self.0)(now)
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint")
    }
}

impl Rules {
    /// Returns what the rules make of a series.
    pub fn decide(&self, series: &Series) -> Decision {
        let Series { source, labels, annotations, .. } = series;
        self.book.decide(Said { source, labels, annotations })
    }

    /// Returns what the domain goes by.
    pub fn domain(&self) -> incident::Rules<'_> {
        incident::Rules { timing: &self.timing, paging: &self.paging }
    }
}

/// Everything that was queued, for one transaction.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// By the hub's clock.
    pub now: Timestamp,
    /// Alerts, in any order.
    pub events: Vec<Event>,
    /// What could not be taken.
    pub quarantined: Vec<Quarantined>,
}

/// Repeats of one series that were answered from memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Which series.
    pub key: SeriesKey,
    /// The latest of them.
    pub last_seen: Timestamp,
    /// How many.
    pub deliveries: u64,
    /// The latest end that the sender gave.
    pub ends_at: Option<Timestamp>,
}

/// What happened by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// What the transaction left behind.
    pub committed: Committed,
    /// More is due than one transaction takes.
    pub more: bool,
}

/// What became of one pushed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// Judged, now or before.
    Judged(Verdict),
    /// Operations before it are missing.
    Gap {
        /// The number that the chain goes on with.
        expected: u64,
    },
    /// Another operation stands at its place: the console's database was copied or restored.
    Fork,
    /// The device was revoked before this operation came; nothing of it is stored.
    Revoked,
}

/// The answers to a push, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// One for each operation.
    pub answers: Vec<(OpId, Pushed)>,
    /// What the transaction left behind.
    pub committed: Committed,
}

/// Pages to one person by one channel, to be sent as one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// To whom.
    pub person: UserName,
    /// By what.
    pub channel: String,
    /// Each with its incident as it is confirmed now; never empty.
    pub pages: Vec<(Page, Incident)>,
    /// Labels that are equal in all of them: with more than one page, what makes them a storm.
    pub common: Vec<(String, String)>,
}

/// What a channel said of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took it.
    Sent,
    /// It may take it later.
    Retry {
        /// When to try again.
        at: Timestamp,
        /// What went wrong.
        why: String,
    },
    /// It does not take it.
    Failed {
        /// What went wrong.
        why: String,
    },
}

/// What a console says of a page to its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It has it.
    Delivered,
    /// The person pressed a key while it was on the screen.
    Seen,
}

/// What should have happened and has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Incidents whose due time passed, at most 100.
    pub overdue: Vec<Number>,
    /// Pages that were due and are not sent.
    pub late_pages: u64,
    /// Pages that are to be sent or being sent, late or not.
    pub waiting_pages: u64,
    /// When the first of those was or will be due.
    pub oldest_due: Option<Timestamp>,
}

/// The hub's store.
#[derive(Clone)]
pub enum HubStore {
    /// One SQLite file, one hub.
    Sqlite(Arc<SqliteHub>),
    /// Nothing outlives the process: for simulations and tests.
    Memory(Arc<Mutex<MemoryHub>>),
}

impl HubStore {
    /// Opens or makes the hub's database.
    ///
    /// # Errors
    /// [`StoreError`] says what stands against it.
    pub fn open_sqlite(path: &Path, rules: Rules, fresh_epoch: &str) -> Result<Self, StoreError> {
        Ok(Self::Sqlite(Arc::new(SqliteHub::open(path, rules, fresh_epoch)?)))
    }

    /// Makes an empty store in memory.
    ///
    /// # Errors
    /// [`StoreError::Broken`] never happens to an empty store.
    pub fn memory(rules: Rules, epoch: &str) -> Result<Self, StoreError> {
        Ok(Self::Memory(Arc::new(Mutex::new(MemoryHub::new(rules, epoch)?))))
    }

    /// Goes by other rules from the next transaction on. What is open keeps its group; a severity that is worse by the new rules, and
    /// another team, policy or plan, count for it at once.
    ///
    /// # Errors
    /// [`StoreError`]; the old rules stay then.
    pub async fn reload(&self, rules: Rules, now: Timestamp) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => {
                hub.replace_rules(rules, move |tables, rules| reload::reload(tables, rules, now)).await
            }
            Self::Memory(hub) => lock(hub).reload(rules, now),
        }
    }

    /// Folds a batch in: series, incidents, timers, feed and quarantine. `Ok` means that it is on the disk.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch is remembered then.
    pub async fn ingest(&self, batch: Batch) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| fold::ingest(tables, rules, batch)).await,
            Self::Memory(hub) => lock(hub).ingest(batch),
        }
    }

    /// Writes counters of repeats that were answered before.
    ///
    /// # Errors
    /// [`StoreError`]; counters are as they were then.
    pub async fn touch(&self, batch: Vec<Touch>, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| fold::touch(tables, rules, &batch, now)).await,
            Self::Memory(hub) => lock(hub).touch(&batch, now),
        }
    }

    /// Lets happen what is due: words that ran out, flap windows that ended, due times that passed.
    ///
    /// # Errors
    /// [`StoreError`]; nothing happened then.
    pub async fn run_due(
        &self,
        now: Timestamp,
        hub_up_since: Timestamp,
        spoke: Vec<(SourceName, Timestamp)>,
    ) -> Result<Due, StoreError> {
        match self {
            Self::Sqlite(hub) => {
                hub.write(move |tables, rules| due::run_due(tables, rules, now, hub_up_since, &spoke)).await
            }
            Self::Memory(hub) => lock(hub).run_due(now, hub_up_since, &spoke),
        }
    }

    /// Makes due what nobody has and nobody was called for, because the hub knew nobody: to be asked when somebody came.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is due then that was not.
    pub async fn call_uncalled(&self, now: Timestamp) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| pages::call_uncalled(tables, rules, now)).await,
            Self::Memory(hub) => lock(hub).call_uncalled(now),
        }
    }

    /// Lets sources fall silent and come back by what was heard of them, and tells consoles what is new of them.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was heard then.
    pub async fn watch(&self, round: Round) -> Result<Due, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| sources::round(tables, rules, &round)).await,
            Self::Memory(hub) => lock(hub).watch(&round),
        }
    }

    /// Remembers changes; each new one goes into the timelines of the open incidents that it may have to do with.
    ///
    /// # Errors
    /// [`StoreError`]; none is remembered then.
    pub async fn changed(
        &self,
        changes: Vec<Change>,
        quarantined: Vec<Quarantined>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => {
                hub.write(move |tables, rules| sources::changes(tables, rules, changes, &quarantined, now)).await
            }
            Self::Memory(hub) => lock(hub).changed(changes, &quarantined, now),
        }
    }

    /// Returns every source of which something is known, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sources(&self) -> Result<Vec<Watched>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(|tables| tables.source_states()).await,
            Self::Memory(hub) => lock(hub).sources(),
        }
    }

    /// Judges operations whose signatures were checked; each once, every retry gets the stored verdict.
    ///
    /// # Errors
    /// [`StoreError`]; none was judged then.
    pub async fn submit(&self, ops: Vec<SignedOp>, now: Timestamp) -> Result<Submitted, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| ops::submit(tables, rules, &ops, now)).await,
            Self::Memory(hub) => lock(hub).submit(&ops, now),
        }
    }

    /// Leases pages that are due, at most `max` messages; who was reached within the bundle's span waits for its end. What became needless
    /// is closed instead.
    ///
    /// # Errors
    /// [`StoreError`]; none was leased then.
    pub async fn lease_pages(&self, now: Timestamp, lease: Duration, max: usize) -> Result<Vec<Delivery>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| pages::lease(tables, rules, now, lease, max)).await,
            Self::Memory(hub) => lock(hub).lease_pages(now, lease, max),
        }
    }

    /// Takes the answers of channels; each counts only under the lease that it was sent with.
    ///
    /// # Errors
    /// [`StoreError`]; none was taken then, and the leases run out.
    pub async fn finish_pages(
        &self,
        done: Vec<(PageId, u64, Outcome)>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| pages::finish(tables, rules, done, now)).await,
            Self::Memory(hub) => lock(hub).finish_pages(done, now),
        }
    }

    /// Takes what the consoles of a person say of pages to that person.
    ///
    /// # Errors
    /// [`StoreError`]; none was taken then.
    pub async fn receipts(
        &self,
        person: UserName,
        receipts: Vec<(PageId, Receipt)>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => {
                hub.write(move |tables, rules| pages::receipts(tables, rules, &person, &receipts, now)).await
            }
            Self::Memory(hub) => lock(hub).receipts(&person, &receipts, now),
        }
    }

    /// Writes items, each in the place of the one of its kind and id, in one transaction. One that is as it was is no change.
    ///
    /// # Errors
    /// [`StoreError::Items`] when there are too many of a kind or one is too large; none was written then.
    pub async fn put_items(&self, items: Vec<Item>, now: Timestamp) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| items::put(tables, rules, &items, now)).await,
            Self::Memory(hub) => lock(hub).put_items(&items, now),
        }
    }

    /// Takes runbooks in, and forgets those that are gone: consoles have the current texts, and each that somebody has read.
    ///
    /// # Errors
    /// [`StoreError::Items`] when there are too many or one is too large; none was taken in then.
    pub async fn keep_runbooks(
        &self,
        found: Vec<Found>,
        gone: Vec<RunbookName>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| runbooks::keep(tables, rules, found, &gone, now)).await,
            Self::Memory(hub) => lock(hub).keep_runbooks(found, &gone, now),
        }
    }

    /// Takes items away; consoles hear of it.
    ///
    /// # Errors
    /// [`StoreError`]; none was taken away then.
    pub async fn remove_items(&self, ids: Vec<(ItemKind, String)>, now: Timestamp) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| items::remove(tables, rules, &ids, now)).await,
            Self::Memory(hub) => lock(hub).remove_items(&ids, now),
        }
    }

    /// Takes a claim in: what is open and fits it shows whom to ask.
    ///
    /// # Errors
    /// [`StoreError::Items`] when there are too many; nothing was written then.
    pub async fn claim(&self, claim: Claim, now: Timestamp) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| claims::make(tables, rules, &claim, now)).await,
            Self::Memory(hub) => lock(hub).claim(&claim, now),
        }
    }

    /// Ends claims before their time.
    ///
    /// # Errors
    /// [`StoreError`]; none was ended then.
    pub async fn end_claims(&self, ids: Vec<String>, now: Timestamp) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| claims::end(tables, rules, &ids, now)).await,
            Self::Memory(hub) => lock(hub).end_claims(&ids, now),
        }
    }

    /// Returns the items of a kind, by id; those that are over too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn items(&self, kind: ItemKind) -> Result<Vec<Item>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| tables.items(kind)).await,
            Self::Memory(hub) => lock(hub).items(kind),
        }
    }

    /// Keeps a new silence, which may end and replace another, and lets it count: incidents that it covers are quiet in the same
    /// transaction. Whoever calls has checked it.
    ///
    /// # Errors
    /// [`StoreError::Items`] when there are too many; nothing happened then.
    pub async fn put_silence(
        &self,
        silence: Silence,
        replaced: Option<String>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(hub) => {
                hub.write(move |tables, rules| silences::put(tables, rules, &silence, replaced.as_deref(), now)).await
            }
            Self::Memory(hub) => lock(hub).put_silence(&silence, replaced.as_deref(), now),
        }
    }

    /// Takes in what Alertmanagers in front hide, as much as one transaction takes; what they no longer hide pages at once.
    ///
    /// # Errors
    /// [`StoreError::Items`] when there is too much of it; nothing happened then.
    pub async fn hear_fronts(&self, fronts: Fronts, now: Timestamp) -> Result<Due, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| upstream::hear(tables, rules, &fronts, now)).await,
            Self::Memory(hub) => lock(hub).hear_fronts(&fronts, now),
        }
    }

    /// Ends a silence before its time, by a person's word; what burns pages at once. `None`: no such silence is alive.
    ///
    /// # Errors
    /// [`StoreError`]; nothing happened then.
    pub async fn end_silence(&self, id: String, who: String, now: Timestamp) -> Result<Option<Committed>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, rules| silences::end(tables, rules, &id, &who, now)).await,
            Self::Memory(hub) => lock(hub).end_silence(&id, &who, now),
        }
    }

    /// Returns what should have happened `late` ago and has not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit(&self, now: Timestamp, late: Duration) -> Result<Audit, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| pages::audit(tables, now, late)).await,
            Self::Memory(hub) => lock(hub).audit(now, late),
        }
    }

    /// Returns what is open, was opened before `before`, and is unexamined: no rule, no label and no person says how bad it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unexamined(&self, before: Timestamp) -> Result<Vec<Number>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| pages::unexamined(tables, before)).await,
            Self::Memory(hub) => lock(hub).unexamined(before),
        }
    }

    /// Forgets what is too old: series over for 30 days, incidents resolved for 400; a bounded number of each, so it returns
    /// whether there may be more.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was forgotten then.
    pub async fn prune(&self, now: Timestamp) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, _| due::prune(tables, now)).await,
            Self::Memory(hub) => lock(hub).prune(now),
        }
    }

    /// Returns at most `max` changes after `after`, verdicts on operations of one node among them, or of
    /// everybody (`None`).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed(
        &self,
        after: u64,
        max: usize,
        verdicts: impl Into<Option<NodeId>>,
    ) -> Result<FeedPage, StoreError> {
        let node = verdicts.into();
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| read::feed(tables, after, max, node)).await,
            Self::Memory(hub) => lock(hub).feed(after, max, node),
        }
    }

    /// Returns whether an operation of this node was judged after `after`: whether a page for it holds more than one for others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_verdicts(&self, after: u64, node: NodeId) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| tables.has_verdicts(after, node)).await,
            Self::Memory(hub) => lock(hub).has_verdicts(after, node),
        }
    }

    /// Returns series that burn or are unknown, by row id after `after`, at most `max`, and the last row id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn burning(&self, after: i64, max: usize) -> Result<(Vec<Series>, Option<i64>), StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| read::burning(tables, after, max)).await,
            Self::Memory(hub) => lock(hub).burning(after, max),
        }
    }

    /// Returns these series, as far as they exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn series(&self, keys: Vec<SeriesKey>) -> Result<Vec<Series>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| read::series(tables, &keys)).await,
            Self::Memory(hub) => lock(hub).series(&keys),
        }
    }

    /// Returns what could not be taken, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantine(&self, max: usize) -> Result<Vec<(i64, Quarantined)>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| tables.quarantined(max)).await,
            Self::Memory(hub) => lock(hub).quarantine(max),
        }
    }

    /// Returns the branch of history and the newest change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn head(&self) -> Result<super::Cursor, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(|tables| read::head(tables)).await,
            Self::Memory(hub) => lock(hub).head(),
        }
    }
}

/// A panic cannot leave half a transaction: what was begun is undone on the way out.
pub(super) fn lock(hub: &Mutex<MemoryHub>) -> MutexGuard<'_, MemoryHub> {
    hub.lock().unwrap_or_else(PoisonError::into_inner)
}
