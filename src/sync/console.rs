//! A console at work: one thread owns the mirror and tells what it shows; two tasks pull the feed and push operations.
//!
//! ```text
//!   screen --Ask--> [ mirror thread ] --Picture--> slot
//!                     ^   |        \
//!           Page, Link|   |waiting   woken
//!                   [pull]  ------> [push] --> hub
//! ```
//!
//! A key press is on the disk before anything else happens; the network is never between the key and the screen.

use super::client::{ClientError, HubAddress, HubClient, Pulled};
use super::clock;
use super::desk::{Ask, Desk, Note, Slot};
use super::device::Device;
use super::peer::links::{self, Links};
use super::peer::tls;
use super::picture::{Link, Picture};
use super::roster::{self, SignedRoster};
use super::teller::{Peering, Teller, kept_token, token_is_of_another};
use super::wire::{FeedQuery, HubCard, WAIT_SECONDS_MAX};
use crate::config::Peers;
use crate::domain::id::NodeId;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::mirror::Mirror;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Asks and answers that may wait for the mirror thread.
const NOTES_MAX: usize = 1000;
/// No roster is held; the hub's versions do not come near.
const NO_ROSTER: u64 = u64::MAX;
/// How often the mirror thread looks whether another process of the same user wrote.
const LOOK_AT_DISK: Duration = Duration::from_secs(1);
/// How long nothing comes until the cursor rests, and what takes longer than a frame is read for where it stands.
const RESTS_AFTER: Duration = Duration::from_millis(150);
/// How long that is put off at most while something comes all the time.
const RESTS_WITHIN: Duration = Duration::from_secs(1);
/// A longer absence of this process than this means that nothing shown is known to be current.
const GAP: Duration = Duration::from_secs(5);
/// Longest pause between two attempts to reach a hub that many consoles may want.
const BACKOFF_MAX: Duration = Duration::from_secs(15);
/// The same over a socket, where only this user's consoles come.
const BACKOFF_MAX_SOCKET: Duration = Duration::from_secs(2);

/// A console at work; ends when it is closed.
pub struct Console {
    /// What a screen holds.
    pub desk: Desk,
    stop: CancellationToken,
    tasks: TaskTracker,
    notes: SyncSender<Note>,
    teller: thread::JoinHandle<()>,
}

/// What a console is made of.
pub struct Parts {
    /// The user's key.
    pub device: Device,
    /// The mirror of the hub.
    pub mirror: Mirror,
    /// The way to the hub.
    pub client: HubClient,
    /// The hub's card, where it answered already.
    pub card: Option<HubCard>,
    /// The key (hex) of the hub whose mirror this is.
    pub hub_key: String,
    /// The admin token, where one is configured.
    pub admin_token: Option<String>,
    /// The hub runs in this process, and ends with it.
    pub embedded: bool,
    /// Other consoles.
    pub peers: Peers,
}

impl Console {
    /// Starts the mirror's thread and the tasks, on the present tokio runtime.
    ///
    /// # Errors
    /// [`StoreError`] when the mirror cannot be read.
    pub fn start(parts: Parts) -> Result<Self, StoreError> {
        let Parts { device, mut mirror, client, card, hub_key, admin_token, embedded, peers } = parts;
        if mirror.check().is_ok() {
            mirror.want_signatures(peers.is_on())?;
        }
        let (token, token_at) = kept_token(&mut mirror)?;
        let held = mirror.note(roster::NOTE)?.and_then(|note| SignedRoster::of_note(&note, &hub_key).ok());
        let introduced_as = Mutex::new((!token_is_of_another(&mut mirror)?).then(|| mirror.node()));
        let peering = Peering::new(device.introduction(mirror.node()), hub_key.clone(), peers.is_on());
        let (introduction, team) = (peering.introduction.clone(), peering.team.clone());
        let (news, newer) = watch::channel(0);
        let (notes, inbox) = sync_channel(NOTES_MAX);
        let ends = match peers.is_on() {
            true => Some(tls::ends(&device.key, team.clone())),
            false => None,
        };
        let node = mirror.node();
        let session = Arc::new(Session {
            client,
            introduction,
            introduced_as,
            signed: u8::from(peers.is_on()),
            news,
            admin_token,
            token: Mutex::new(Held { token, since: token_at, refused: None }),
            roster: AtomicU64::new(held.map_or(NO_ROSTER, |held| held.roster.version)),
            notes: notes.clone(),
            woken: Notify::new(),
            called: Notify::new(),
            awake: Notify::new(),
            stop: CancellationToken::new(),
            hub_key,
        });
        let mut teller = Teller::open(mirror, device, session.client.address().clone(), card, embedded, peering)?;
        let slot = Arc::new(Slot::new(teller.picture()));
        let (thread_slot, waker) = (slot.clone(), session.clone());
        let teller = thread::Builder::new()
            .name("mirror".into())
            .spawn(move || tell(teller, &inbox, &thread_slot, &waker))
            .map_err(|source| StoreError::Io { path: "the mirror's thread".into(), source })?;
        let tasks = TaskTracker::new();
        tasks.spawn(pull(session.clone()));
        tasks.spawn(push(session.clone()));
        tasks.spawn(acknowledge_receipt(session.clone()));
        match ends {
            Some(Ok(ends)) => {
                let stop = session.stop.clone();
                let links = Arc::new(Links { ends, team, notes: notes.clone(), news: newer, stop });
                for trouble in links::start(links, &peers, node, &tasks) {
                    tracing::error!(trouble, "peers");
                    let _ = notes.try_send(Note::Trouble(trouble));
                }
            }
            Some(Err(error)) => {
                let _ = notes.try_send(Note::Trouble(error.to_string()));
            }
            None => {}
        }
        Ok(Self { desk: Desk::new(notes.clone(), slot), stop: session.stop.clone(), tasks, notes, teller })
    }

    /// Returns the newest picture.
    pub fn picture(&self) -> Arc<Picture> {
        self.desk.picture()
    }

    /// Stops. What waits for the hub stays on the disk.
    pub async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let _ = self.notes.send(Note::Ask(Ask::Close));
        let _ = self.teller.join();
    }
}

/// The mirror's thread: takes what comes, and publishes a picture when the inbox is empty.
fn tell(mut teller: Teller, inbox: &std::sync::mpsc::Receiver<Note>, slot: &Slot, session: &Session) {
    let mut watch = Watch::start();
    // The first picture went out without labels: whoever is woken sees what burns before all of them are read.
    let mut more = true;
    let mut put_off: Option<std::time::Instant> = None;
    loop {
        let later = teller.awaits_similar();
        let since = put_off.filter(|_| later);
        put_off = later.then(|| since.unwrap_or_else(std::time::Instant::now));
        let patience = match (more, later) {
            (true, _) => Duration::ZERO,
            (false, true) => RESTS_AFTER,
            (false, false) => LOOK_AT_DISK,
        };
        let mut next = match inbox.recv_timeout(patience) {
            Ok(note) => Some(note),
            Err(RecvTimeoutError::Timeout) if more || later => None,
            Err(RecvTimeoutError::Timeout) => Some(Note::Ask(Ask::Refresh)),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Some(gap) = watch.gap(LOOK_AT_DISK) {
            teller.slept(gap);
        }
        let idle = next.is_none();
        while let Some(note) = next {
            if matches!(note, Note::Ask(Ask::Close)) {
                return;
            }
            match teller.take(note) {
                Ok(wakes) if wakes => {
                    session.woken.notify_one();
                    session.news.send_modify(|count| *count += 1);
                }
                Ok(_) => {}
                Err(error) => teller.complain(&error),
            }
            next = inbox.try_recv().ok();
        }
        if teller.wakes() {
            session.awake.notify_one();
        }
        if teller.has_receipts() {
            session.called.notify_one();
        }
        // In a storm nothing ever rests.
        let is_due = put_off.is_some_and(|since| since.elapsed() > RESTS_WITHIN);
        if (idle && !more) || is_due {
            teller.read_similar();
        }
        more = teller.read_labels();
        watch = Watch::start();
        slot.publish(teller.picture());
    }
}

/// Finds out that time passed in which this process did not run: the machine slept, or somebody stopped it.
struct Watch {
    wall: Timestamp,
    running: std::time::Instant,
}

impl Watch {
    fn start() -> Self {
        Self { wall: clock::now(), running: std::time::Instant::now() }
    }

    /// Returns how long that was, if it was longer than anything else explains; a wait of `most` was wanted.
    ///
    /// A stopped process wakes late; while a machine sleeps, only the wall clock goes on. A wall clock that is set looks the same and costs
    /// one question to the hub.
    fn gap(&mut self, most: Duration) -> Option<Duration> {
        let (wall, running) = (clock::now().since(self.wall), self.running.elapsed());
        let stopped = wall.saturating_sub(most);
        let slept = wall.saturating_sub(running);
        Some(stopped.max(slept)).filter(|gap| *gap > GAP)
    }
}

/// Returns how long to wait after so many failed attempts in a row.
pub fn backoff(hub: &HubAddress, failures: u32) -> Duration {
    let longest = match hub {
        HubAddress::Unix(_) => BACKOFF_MAX_SOCKET,
        HubAddress::Http(_) | HubAddress::Https(_) => BACKOFF_MAX,
    };
    let most = longest.min(Duration::from_millis(250) * 2u32.saturating_pow(failures.min(10)));
    // Full jitter: a thousand consoles do not come back at once.
    let random = u64::from_le_bytes(super::device::random::<8>());
    Duration::from_millis(random % (most.as_millis() as u64 + 1))
}

/// What both tasks share.
struct Session {
    client: HubClient,
    /// What this console says of itself; the mirror's thread changes it when it finds a twin.
    introduction: Arc<Mutex<super::wire::Introduction>>,
    /// The node that the token is of, where that is known.
    introduced_as: Mutex<Option<NodeId>>,
    /// 1 where the hub is to sign what may be passed on.
    signed: u8,
    /// Counts what is new here and may be told to peers.
    news: watch::Sender<u64>,
    admin_token: Option<String>,
    token: Mutex<Held>,
    /// The version of the roster that the mirror holds.
    roster: AtomicU64,
    notes: SyncSender<Note>,
    woken: Notify,
    /// There is something to say of pages.
    called: Notify,
    /// The machine or this process slept: whatever waits for the hub must ask it anew.
    awake: Notify,
    stop: CancellationToken,
    hub_key: String,
}

/// The token that this console goes by.
#[derive(Default)]
struct Held {
    token: Option<String>,
    /// When it came.
    since: Option<Timestamp>,
    /// One that the hub refused: not to be tried again.
    refused: Option<String>,
}

impl Session {
    fn token(&self) -> Option<String> {
        self.held().token.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a token that the hub refused.
    fn refused(&self) {
        let mut held = self.held();
        held.refused = held.token.take();
    }

    /// Takes the token that another process of this user wrote down meanwhile: `nightdesk join`, for one.
    async fn recall(&self) {
        let Some((token, since)) = self.ask(Note::ReadToken).await else { return };
        let mut held = self.held();
        if token != held.refused {
            (held.token, held.since) = (token, since);
        }
    }

    fn is_old(&self) -> bool {
        let held = self.held();
        held.token.is_some() && held.since.is_none_or(|since| Scope::renew_at(since) < clock::now())
    }

    /// Gets a fresh token from the hub: by the one it has, by the admin token, or over the socket.
    async fn introduce(&self) -> Result<(), ClientError> {
        let by = self.token().or_else(|| self.admin_token.clone());
        let introduction = self.introduction();
        let token = self.client.introduce(&introduction, by.as_deref()).await?;
        *self.introduced_as.lock().unwrap_or_else(PoisonError::into_inner) = Some(introduction.node);
        self.say(Note::Token(token.clone())).await;
        *self.held() = Held { token: Some(token), since: Some(clock::now()), refused: None };
        self.woken.notify_one();
        Ok(())
    }

    fn introduction(&self) -> super::wire::Introduction {
        self.introduction.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the hub of the node that this console has become, if it became another: by the token of the one before.
    async fn present_as_another(&self) -> Result<(), ClientError> {
        let known = *self.introduced_as.lock().unwrap_or_else(PoisonError::into_inner);
        match known == Some(self.introduction().node) {
            true => Ok(()),
            false => self.introduce().await,
        }
    }

    /// Hands a note to the mirror's thread; waits off the runtime's threads while it is busy.
    async fn say(&self, note: Note) {
        let notes = self.notes.clone();
        let _ = tokio::task::spawn_blocking(move || notes.send(note)).await;
    }

    async fn ask<T: Send + 'static>(&self, note: impl FnOnce(oneshot::Sender<T>) -> Note) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.say(note(reply)).await;
        answer.await.ok()
    }

    async fn pause(&self, failures: u32) {
        let span = backoff(self.client.address(), failures);
        let _ = tokio::time::timeout(span, self.stop.cancelled()).await;
    }
}

async fn pull(session: Arc<Session>) {
    let mut failures = 0;
    let (mut met, mut live) = (false, false);
    while !session.stop.is_cancelled() {
        let round = async {
            if !met {
                meet(&session).await?;
            }
            pull_once(&session, live).await
        };
        let outcome = tokio::select! {
            outcome = round => outcome,
            () = session.awake.notified() => {
                // A connection from before may be dead and not know it, and what was asked before says nothing of now.
                (met, live, failures) = (false, false, 0);
                continue;
            }
            () = session.stop.cancelled() => return,
        };
        match outcome {
            Ok(caught_up) => (met, live, failures) = (true, caught_up, 0),
            Err(error) => {
                failures += 1;
                (met, live) = (false, false);
                session.say(Note::Link(link_after(&error))).await;
                tokio::select! {
                    () = session.pause(failures) => {}
                    () = session.awake.notified() => failures = 0,
                }
            }
        }
    }
}

/// Makes sure that it is the hub whose mirror is open, and that it knows this console.
async fn meet(session: &Session) -> Result<(), ClientError> {
    if session.token().is_none() {
        session.recall().await;
    }
    let card = loop {
        let token = session.token().or_else(|| session.admin_token.clone());
        match session.client.card(token.as_deref()).await {
            Err(ClientError::Denied) if session.token().is_some() => session.refused(),
            other => break other?,
        }
    };
    if card.hub_key != session.hub_key {
        session.say(Note::OtherHub(card)).await;
        let text = "another hub answers there now; start this console again to open that hub's mirror".to_owned();
        return Err(ClientError::Refused { status: 409, text });
    }
    if session.token().is_none() {
        session.introduce().await?;
    }
    session.present_as_another().await?;
    renew(session).await;
    session.say(Note::Card(card)).await;
    session.woken.notify_one();
    Ok(())
}

/// Gets a fresh token before the old one ends. A viewer's cannot be renewed, and that is no failure.
async fn renew(session: &Session) {
    if session.is_old()
        && let Err(error) = session.introduce().await
    {
        tracing::info!(%error, "the token is not renewed");
        session.held().since = Some(clock::now());
    }
}

/// Fetches the roster when the hub has another than the mirror. That it failed is tried again with the next page.
async fn fetch_roster(session: &Session, version: u64) {
    if session.roster.load(Ordering::Relaxed) == version {
        return;
    }
    match session.client.roster(&session.hub_key, session.token().as_deref()).await {
        Ok(signed) => {
            let version = signed.roster.version;
            session.say(Note::Roster(Box::new(signed))).await;
            session.roster.store(version, Ordering::Relaxed);
        }
        Err(error) => tracing::warn!(%error, "no roster"),
    }
}

/// Asks once for changes; returns whether the mirror is at the head of the feed.
async fn pull_once(session: &Session, live: bool) -> Result<bool, ClientError> {
    let Some(cursor) = session.ask(Note::Cursor).await else {
        // The mirror refused and said so on the screen; its disk may have room again in a while.
        session.pause(u32::MAX).await;
        return Ok(false);
    };
    session.present_as_another().await?;
    let node = session.introduction().node;
    // Nothing waits until the picture is known to be whole: that it is should be on the screen now.
    let wait = if live { WAIT_SECONDS_MAX } else { 0 };
    let query = FeedQuery { epoch: cursor.epoch.clone(), after: cursor.seq, wait, node, peers: session.signed };
    let sent = clock::now();
    let (pulled, told) = match session.client.feed(&query, session.token().as_deref()).await {
        Err(ClientError::Denied) => {
            session.refused();
            return session.introduce().await.map(|()| false);
        }
        other => other?,
    };
    let skew_ms = told.time.map(|hub| clock::now().as_millis() - hub.as_millis());
    let caught_up = matches!(&pulled, Pulled::Page(page) if page.next >= page.head);
    let done = session.ask(|reply| match pulled {
        Pulled::Page(page) => Note::Page { page: Box::new(page), skew_ms, asked_at: sent, reply },
        Pulled::Gone(epoch) => Note::Gone { epoch, refused: cursor, reply },
    });
    if done.await.is_none() {
        session.pause(u32::MAX).await;
    }
    if let Some(version) = told.roster {
        fetch_roster(session, version).await;
    }
    renew(session).await;
    Ok(caught_up)
}

fn link_after(error: &ClientError) -> Link {
    let since = clock::now();
    match error {
        ClientError::Slow(_) => Link::Stale { since },
        other => {
            let refused = matches!(other, ClientError::Denied);
            Link::Offline { since, reason: other.to_string(), refused }
        }
    }
}

async fn push(session: Arc<Session>) {
    let mut failures = 0;
    loop {
        tokio::select! {
            () = session.woken.notified() => {}
            () = session.stop.cancelled() => return,
        }
        while let Err(error) = push_all(&session).await {
            failures += 1;
            if session.stop.is_cancelled() {
                return;
            }
            if let ClientError::Denied = error {
                // The pull introduces this console again and wakes this task.
                break;
            }
            // The pull wakes this task when the hub is back, and a key when there is something new to try for.
            tokio::select! {
                () = session.pause(failures) => {}
                () = session.woken.notified() => {}
            }
        }
        failures = 0;
    }
}

async fn push_all(session: &Session) -> Result<(), ClientError> {
    let mut begin = true;
    loop {
        if session.token().is_some() {
            session.present_as_another().await?;
        }
        let Some(ops) = session.ask(|reply| Note::Waiting { begin, reply }).await else { return Ok(()) };
        if ops.is_empty() {
            return Ok(());
        }
        let answer = session.client.push(&ops, session.token().as_deref()).await?;
        session.say(Note::Answer(answer)).await;
        begin = false;
    }
}

/// Tells the hub which pages this console has and its person saw. What is not taken is said again: the mirror's thread looks each second.
async fn acknowledge_receipt(session: Arc<Session>) {
    let mut failures = 0;
    loop {
        tokio::select! {
            () = session.called.notified() => {}
            () = session.stop.cancelled() => return,
        }
        let Some(receipts) = session.ask(Note::Receipts).await.filter(|receipts| !receipts.is_empty()) else {
            continue;
        };
        match session.client.receipts(&receipts, session.token().as_deref()).await {
            Ok(()) => {
                failures = 0;
                session.say(Note::Receipted(receipts)).await;
            }
            Err(_) => {
                // The pull says what is wrong with the hub.
                failures += 1;
                session.pause(failures).await;
            }
        }
    }
}
