//! One console without a screen: it meets the hub, pulls, applies, and comes back after a pause when the hub is gone.

use crate::support::hub::Hub;
use nightdesk::domain::id::{NodeId, UserName, hex};
use nightdesk::store::mirror::Mirror;
use nightdesk::store::{Cursor, FeedPage};
use nightdesk::sync::client::{ClientError, HubClient, Pulled};
use nightdesk::sync::clock;
use nightdesk::sync::console::backoff;
use nightdesk::sync::wire::{FeedQuery, Introduction, WAIT_SECONDS_MAX};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What the test sees of one console.
#[derive(Default)]
pub struct Place {
    /// The last change it has.
    pub cursor: AtomicU64,
    /// Its last request was answered.
    pub connected: AtomicBool,
    /// When a request was sent to which the hub answered that there is nothing newer, and when that answer came: the first such pair
    /// since the connection was lost, in microseconds since the board's beginning; 0 for none.
    current: [AtomicU64; 2],
}

impl Place {
    /// Returns when it was first current by an answer to a request that was sent after `since`.
    pub fn current_after(&self, began: Instant, since: Instant) -> Option<Instant> {
        let [sent, came] = [&self.current[0], &self.current[1]].map(|at| at.load(Ordering::SeqCst));
        let after = sent > 0 && began + Duration::from_micros(sent) >= since;
        after.then(|| began + Duration::from_micros(came))
    }
}

/// What the test sees of all consoles.
pub struct Board {
    began: Instant,
    pub places: Vec<Place>,
    pages: AtomicU64,
    bytes: AtomicU64,
}

impl Board {
    pub fn new(consoles: usize) -> Self {
        let places = (0..consoles).map(|_| Place::default()).collect();
        Self { began: Instant::now(), places, pages: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    pub fn began(&self) -> Instant {
        self.began
    }

    /// Returns how many pages were pulled.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::SeqCst)
    }

    /// Returns how many bytes of rows were pulled.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    fn micros(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.began).as_micros() as u64 + 1
    }
}

/// Where a console keeps what it was told.
enum Memory {
    /// A file, as every console has it.
    Whole(Box<Mirror>),
    /// How far it is, and nothing else.
    Cursor(Cursor),
}

/// One console.
pub struct Follower {
    client: HubClient,
    admin_token: String,
    token: Option<String>,
    introduction: Introduction,
    place: usize,
    memory: Memory,
}

impl Follower {
    pub fn new(client: HubClient, admin_token: &str, place: usize, mirror: Option<&Path>) -> Self {
        let user = UserName::parse(&format!("crowd-{place}")).expect("a user's name");
        let fresh = NodeId(Uuid::now_v7());
        let memory = match mirror {
            Some(path) => {
                Memory::Whole(Box::new(Mirror::open(path, &user, fresh, clock::now()).expect("the mirror can be made")))
            }
            None => Memory::Cursor(Cursor::default()),
        };
        let node = match &memory {
            Memory::Whole(mirror) => mirror.node(),
            Memory::Cursor(_) => fresh,
        };
        let public_key = hex(ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
        let introduction = Introduction { node, user, public_key };
        Self { client, admin_token: admin_token.to_owned(), token: None, introduction, place, memory }
    }

    /// Follows the hub until it is told to stop.
    pub async fn follow(mut self, board: Arc<Board>, stop: CancellationToken) {
        let (mut failures, mut met, mut live) = (0, false, false);
        while !stop.is_cancelled() {
            let round = async {
                if !met {
                    self.meet().await?;
                }
                self.pull_once(live, &board).await
            };
            let outcome = tokio::select! {
                outcome = round => outcome,
                () = stop.cancelled() => return,
            };
            let place = &board.places[self.place];
            match outcome {
                Ok(caught_up) => (met, live, failures) = (true, caught_up, 0),
                Err(_) => {
                    failures += 1;
                    (met, live) = (false, false);
                    place.connected.store(false, Ordering::SeqCst);
                    place.current.iter().for_each(|at| at.store(0, Ordering::SeqCst));
                    let _ = tokio::time::timeout(backoff(self.client.address(), failures), stop.cancelled()).await;
                }
            }
        }
    }

    async fn meet(&mut self) -> Result<(), ClientError> {
        let token = self.token.clone().unwrap_or_else(|| self.admin_token.clone());
        self.client.card(Some(&token)).await?;
        if self.token.is_none() {
            self.token = Some(self.client.introduce(&self.introduction, Some(&self.admin_token)).await?);
        }
        Ok(())
    }

    async fn pull_once(&mut self, live: bool, board: &Board) -> Result<bool, ClientError> {
        let cursor = self.cursor();
        let wait = if live { WAIT_SECONDS_MAX } else { 0 };
        let query =
            FeedQuery { epoch: cursor.epoch.clone(), after: cursor.seq, wait, node: self.introduction.node, peers: 0 };
        let sent = Instant::now();
        let (pulled, _) = self.client.feed(&query, self.token.as_deref()).await?;
        let place = &board.places[self.place];
        place.connected.store(true, Ordering::SeqCst);
        let caught_up = match pulled {
            Pulled::Gone(epoch) => {
                self.restart(&epoch, &cursor);
                false
            }
            Pulled::Page(page) => {
                board.pages.fetch_add(1, Ordering::SeqCst);
                let bytes: usize = page.rows.iter().map(|row| row.body.len()).sum();
                board.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
                self.apply(&page, &cursor);
                place.cursor.store(page.next, Ordering::SeqCst);
                page.next >= page.head
            }
        };
        if caught_up && place.current[0].load(Ordering::SeqCst) == 0 {
            place.current[1].store(board.micros(Instant::now()), Ordering::SeqCst);
            place.current[0].store(board.micros(sent), Ordering::SeqCst);
        }
        Ok(caught_up)
    }

    fn cursor(&mut self) -> Cursor {
        match &mut self.memory {
            Memory::Whole(mirror) => mirror.cursor().expect("the mirror can be read"),
            Memory::Cursor(cursor) => cursor.clone(),
        }
    }

    fn restart(&mut self, epoch: &str, refused: &Cursor) {
        match &mut self.memory {
            Memory::Whole(mirror) => mirror.restart(epoch, refused).expect("the mirror can be written"),
            Memory::Cursor(cursor) => *cursor = Cursor { epoch: epoch.to_owned(), seq: 0 },
        }
    }

    fn apply(&mut self, page: &FeedPage, asked: &Cursor) {
        assert!(page.epoch == asked.epoch && page.after <= asked.seq, "a page of another place");
        let within = |seq: u64| (page.after + 1..=page.next).contains(&seq);
        assert!(page.rows.iter().all(|row| within(row.seq)) && page.next >= asked.seq, "a page with a hole");
        assert!(page.rows.windows(2).all(|pair| pair[0].seq < pair[1].seq), "in order and each once");
        match &mut self.memory {
            Memory::Whole(mirror) => drop(mirror.apply(page, clock::now()).expect("the mirror can be written")),
            Memory::Cursor(cursor) => cursor.seq = page.next,
        }
    }

    /// Reads everything once into a new mirror, and returns its file.
    pub fn fresh(hub: &Hub, path: &Path) -> PathBuf {
        let mut fresh = Self::new(super::client(hub), &hub.admin_token(), 0, Some(path));
        fresh.introduction.user = UserName::parse("fresh").expect("a user's name");
        let board = Board::new(1);
        alone(async {
            fresh.meet().await.expect("the hub answers");
            while !fresh.pull_once(false, &board).await.expect("the hub answers") {}
        });
        path.to_owned()
    }

    /// Returns the newest change of the hub, asked as an administrator.
    pub fn head(client: &HubClient, admin_token: &str) -> u64 {
        let node = NodeId(Uuid::nil());
        let ask = async |epoch: String| {
            let query = FeedQuery { epoch, after: 0, wait: 0, node, peers: 0 };
            client.feed(&query, Some(admin_token)).await.expect("the hub answers").0
        };
        alone(async {
            match ask(String::new()).await {
                Pulled::Page(page) => page.head,
                Pulled::Gone(epoch) => match ask(epoch).await {
                    Pulled::Page(page) => page.head,
                    Pulled::Gone(epoch) => panic!("the hub left {epoch} at once"),
                },
            }
        })
    }
}

fn alone<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}
