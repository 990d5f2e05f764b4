//! What many consoles are told at once: one announcement for many commits, one reading of a page for all who ask from the same place.
//!
//! ```text
//!   commits   | ||| |  ||||| |  |||            head of the feed
//!   announced |        |        |              at once when it is quiet, else after a pause that grows with who listens
//! ```
//!
//! A thousand consoles that were woken for each commit would ask a thousand times for a row or two, each from another place. Announced
//! together they ask from the same place for the same rows, which are read and written as JSON once.

use super::Hub;
use crate::domain::id::NodeId;
use crate::store::{FeedPage, HubStore, StoreError};
use crate::sync::clock;
use crate::sync::peer::row;
use crate::sync::wire::{FEED_ROWS_MAX, FeedAnswer, FeedQuery};
use axum::body::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, watch};
use uuid::Uuid;

/// Answers for which one announcement makes room, in a second: what a core can give beside taking alerts.
const ANSWERS_PER_SECOND: u32 = 2000;
/// Longest pause between two announcements: another console shows an owner within a second.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Pages that are kept for who asks the same; each is about a megabyte at most.
const PAGES_KEPT: usize = 16;

/// The announcements of a hub.
pub struct News {
    announced: watch::Sender<u64>,
    /// Consoles that wait now.
    waiting: AtomicU32,
    /// Answers since the last announcement.
    answered: AtomicU32,
    pages: Mutex<VecDeque<Kept>>,
}

/// A page as JSON, read once.
struct Kept {
    asked: Asked,
    page: Arc<OnceCell<Bytes>>,
}

/// What those who get the same page have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    after: u64,
    /// The newest change that was known when it was asked.
    known: u64,
    /// Whether all there is was asked for, not what was announced.
    whole: bool,
}

impl Asked {
    fn of(query: &FeedQuery, known: u64) -> Self {
        Self { after: query.after, known, whole: query.wait == 0 }
    }

    /// Leaves out what is newer than the announcement: who asked from elsewhere comes to the same place, and asks the same from then on.
    ///
    /// A row that changed since is left out with it, for it stands at its newest change alone. Whoever waits has it as it was before or
    /// gets it in a moment; to whoever takes the page for all there is, it would not exist.
    fn cut(self, mut page: FeedPage) -> FeedPage {
        if !self.whole {
            page.rows.retain(|row| row.seq <= self.known);
            (page.next, page.head) = (page.next.min(self.known), self.known);
        }
        page
    }
}

impl News {
    /// Returns the news of a hub whose feed is at `head`.
    pub fn new(head: u64) -> Self {
        let announced = watch::Sender::new(head);
        Self { announced, waiting: AtomicU32::new(0), answered: AtomicU32::new(0), pages: Mutex::default() }
    }

    /// Returns what tells of announcements: the newest change that consoles are told of.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.announced.subscribe()
    }

    /// Counts a console as waiting until the answer is dropped.
    pub fn wait(hub: &Hub) -> Waiting<'_> {
        hub.metrics.waiting.inc();
        hub.news.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(hub)
    }

    /// Announces, and returns how long to keep quiet then.
    fn announce(&self, head: u64) -> Duration {
        self.announced.send_if_modified(|announced| {
            let newer = head > *announced;
            *announced = head.max(*announced);
            newer
        });
        let busy = self.answered.swap(0, Ordering::Relaxed);
        let listeners = self.waiting.load(Ordering::Relaxed).max(busy);
        (Duration::from_secs(1) * listeners / ANSWERS_PER_SECOND).min(PAUSE_MAX)
    }

    fn kept(&self, asked: Asked) -> Arc<OnceCell<Bytes>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = pages.iter().find(|kept| kept.asked == asked) {
            return Arc::clone(&kept.page);
        }
        let page = Arc::default();
        if pages.len() >= PAGES_KEPT {
            pages.pop_front();
        }
        pages.push_back(Kept { asked, page: Arc::clone(&page) });
        page
    }
}

/// A console that waits.
pub struct Waiting<'h>(&'h Hub);

impl Drop for Waiting<'_> {
    /// Also when the console went away while it waited.
    fn drop(&mut self) {
        self.0.metrics.waiting.dec();
        self.0.news.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.news.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Announces what was committed until the hub stops.
pub async fn run(hub: Arc<Hub>) {
    let mut head = hub.head.subscribe();
    loop {
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = hub.stop.cancelled() => return,
        }
        let newest = *head.borrow_and_update();
        let quiet = hub.news.announce(newest);
        if !quiet.is_zero() && tokio::time::timeout(quiet, hub.stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Returns the changes after the place that was asked from, as the JSON of a [`FeedAnswer`]: up to `known`, the newest that was announced,
/// for who waits; all that the disk has, which may be more, for who does not.
///
/// # Errors
/// [`StoreError`].
pub async fn page(hub: &Hub, query: &FeedQuery, known: u64) -> Result<Bytes, StoreError> {
    if query.peers > 0 {
        let page = hub.store.feed(query.after, FEED_ROWS_MAX, None).await?;
        return body(signed(hub, Asked::of(query, known).cut(page)));
    }
    shared(&hub.news, &hub.store, query, known).await
}

async fn shared(news: &News, store: &HubStore, query: &FeedQuery, known: u64) -> Result<Bytes, StoreError> {
    let asked = Asked::of(query, known);
    let read = async |node| body(asked.cut(store.feed(query.after, FEED_ROWS_MAX, Some(node)).await?));
    let kept = news.kept(asked);
    let page = kept.get_or_try_init(|| read(nobody())).await?.clone();
    // Asked after the page was read, so no verdict of a change in it is missed.
    match store.has_verdicts(query.after, query.node).await? {
        true => read(query.node).await,
        false => Ok(page),
    }
}

/// Returns a page without changes.
///
/// # Errors
/// [`StoreError::Row`] never happens to an empty page.
pub fn nothing(hub: &Hub, query: &FeedQuery) -> Result<Bytes, StoreError> {
    let at = query.after;
    body(FeedPage { epoch: hub.epoch.clone(), after: at, next: at, head: at, rows: Vec::new(), signatures: None })
}

/// Signs what may be passed on, for a console that has whom to pass it on to: the others pay nothing.
fn signed(hub: &Hub, page: FeedPage) -> FeedPage {
    let signatures = Some(row::sign(&page, &hub.key, clock::now()));
    FeedPage { signatures, ..page }
}

fn body(page: FeedPage) -> Result<Bytes, StoreError> {
    Ok(serde_json::to_vec(&FeedAnswer::try_from(page)?)?.into())
}

/// A node that no console is: its pages are what all have in common.
fn nobody() -> NodeId {
    NodeId(Uuid::nil())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::holds::AtOnce;
    use crate::domain::id::IncidentId;
    use crate::domain::incident::Timing;
    use crate::domain::item::{Item, Service};
    use crate::domain::label::IdentityRule;
    use crate::domain::paging::Paging;
    use crate::domain::time::Timestamp;
    use crate::store::hub::{Mint, Rules};
    use crate::store::memory::MemoryHub;
    use crate::store::{FeedKind, FeedRow};

    fn check(seqs: &[u64], next: u64, head: u64, known: u64, expect: (&[u64], u64)) {
        let row = |seq: &u64| FeedRow { seq: *seq, kind: FeedKind::Line, body: "{}".into() };
        let rows = seqs.iter().map(row).collect();
        let page = FeedPage { epoch: String::new(), after: 1, next, head, rows, signatures: None };
        let page = Asked { after: 1, known, whole: false }.cut(page);
        let left: Vec<u64> = page.rows.iter().map(|row| row.seq).collect();
        assert_eq!((left.as_slice(), page.next, page.head), (expect.0, expect.1, known));
    }

    #[test]
    fn a_page_ends_where_the_announcement_does() {
        check(&[2, 5, 9], 9, 9, 9, (&[2, 5, 9], 9));
        check(&[2, 5, 9], 12, 12, 6, (&[2, 5], 6));
        check(&[7, 9], 12, 12, 6, (&[], 6));
        check(&[2, 3], 3, 12, 6, (&[2, 3], 3)); // a full page: more of it is to come
    }

    fn store() -> HubStore {
        let rules = Rules {
            book: Arc::default(),
            timing: Timing::default(),
            paging: Paging::default(),
            identity: IdentityRule::default(),
            handles: Arc::new(AtOnce),
            mint: Mint::new(|_| IncidentId(Uuid::nil())),
        };
        HubStore::Memory(Arc::new(Mutex::new(MemoryHub::new(rules, "epoch").unwrap())))
    }

    fn service(name: &str, team: &str) -> Item {
        Item::Service(Service { name: name.into(), team: team.into(), criticality: None, links: Default::default() })
    }

    #[tokio::test]
    async fn who_asks_for_all_there_is_gets_what_changes_meanwhile() {
        let (store, news) = (store(), News::new(0));
        let at = Timestamp::from_millis(0);
        let known = store.put_items(vec![service("pay", "a"), service("shop", "a")], at).await.unwrap().head;
        // On the disk, and not announced yet.
        let head = store.put_items(vec![service("pay", "b")], at).await.unwrap().head;
        let ask = async |wait| {
            let query = FeedQuery { epoch: "epoch".into(), after: 0, wait, node: nobody(), peers: 0 };
            let body = shared(&news, &store, &query, known).await.unwrap();
            let page: FeedPage = serde_json::from_slice::<FeedAnswer>(&body).unwrap().into();
            (page.rows.len(), page.next, page.head)
        };
        assert_eq!(ask(10).await, (1, known, known));
        assert_eq!(ask(0).await, (2, head, head));
    }

    #[test]
    fn the_pause_grows_with_who_listens_and_ends_somewhere() {
        let news = News::new(0);
        let pause = |waiting| {
            news.waiting.store(waiting, Ordering::Relaxed);
            news.announce(1)
        };
        assert_eq!([0, 2, 100, 100_000].map(pause), [0, 1, 50, 500].map(Duration::from_millis));
        assert_eq!(*news.subscribe().borrow(), 1);
    }
}
