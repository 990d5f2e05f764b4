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
use crate::store::{FeedPage, StoreError};
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
    after: u64,
    until: u64,
    page: Arc<OnceCell<Bytes>>,
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

    fn kept(&self, after: u64, until: u64) -> Arc<OnceCell<Bytes>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = pages.iter().find(|kept| (kept.after, kept.until) == (after, until)) {
            return Arc::clone(&kept.page);
        }
        let page = Arc::default();
        if pages.len() >= PAGES_KEPT {
            pages.pop_front();
        }
        pages.push_back(Kept { after, until, page: Arc::clone(&page) });
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

/// Returns the changes after the place that was asked from and up to `until`, as the JSON of a [`FeedAnswer`].
///
/// # Errors
/// [`StoreError`].
pub async fn page(hub: &Hub, query: &FeedQuery, until: u64) -> Result<Bytes, StoreError> {
    if query.peers > 0 {
        let page = cut(hub.store.feed(query.after, FEED_ROWS_MAX, None).await?, until);
        return body(signed(hub, page));
    }
    let shared = hub.news.kept(query.after, until);
    let read = || async { body(cut(hub.store.feed(query.after, FEED_ROWS_MAX, Some(nobody())).await?, until)) };
    let shared = shared.get_or_try_init(read).await?.clone();
    // Asked after the page was read, so no verdict of a change in it is missed.
    if !hub.store.has_verdicts(query.after, query.node).await? {
        return Ok(shared);
    }
    body(cut(hub.store.feed(query.after, FEED_ROWS_MAX, Some(query.node)).await?, until))
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

/// Leaves out what is newer: who asked from elsewhere comes to the same place, and asks the same from then on.
fn cut(mut page: FeedPage, until: u64) -> FeedPage {
    page.rows.retain(|row| row.seq <= until);
    (page.next, page.head) = (page.next.min(until), until);
    page
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
    use crate::store::{FeedKind, FeedRow};

    fn check(seqs: &[u64], next: u64, head: u64, until: u64, expect: (&[u64], u64)) {
        let row = |seq: &u64| FeedRow { seq: *seq, kind: FeedKind::Line, body: "{}".into() };
        let rows = seqs.iter().map(row).collect();
        let page = cut(FeedPage { epoch: String::new(), after: 1, next, head, rows, signatures: None }, until);
        let left: Vec<u64> = page.rows.iter().map(|row| row.seq).collect();
        assert_eq!((left.as_slice(), page.next, page.head), (expect.0, expect.1, until));
    }

    #[test]
    fn a_page_ends_where_the_announcement_does() {
        check(&[2, 5, 9], 9, 9, 9, (&[2, 5, 9], 9));
        check(&[2, 5, 9], 12, 12, 6, (&[2, 5], 6));
        check(&[7, 9], 12, 12, 6, (&[], 6));
        check(&[2, 3], 3, 12, 6, (&[2, 3], 3)); // a full page: more of it is to come
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
