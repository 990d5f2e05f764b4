//! The hub: takes alerts in, judges operations, feeds consoles, and lets happen what is due.

mod api;
mod attempts;
mod auth;
mod engine;
mod firing;
mod fold;
mod heart;
mod metrics;
mod news;
mod own;
mod pager;
mod presence;
mod runbooks;
mod serve;
mod sources;
mod tls;
mod upstream;

use crate::config;
use crate::domain::id::{IncidentId, SourceName, hex};
use crate::domain::time::Timestamp;
use crate::notify::{Channels, Heart};
use crate::store::hub::{Mint, Rules};
use crate::store::{HubStore, StoreError, file};
use crate::sync::client::HubAddress;
use crate::sync::clock;
use crate::sync::device::random;
use crate::sync::wire::HubCard;
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Where a hub listens by default.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7400);

/// How a hub is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its directory.
    pub data: PathBuf,
    /// Where it listens: in the clear on loopback, over TLS everywhere else.
    pub listen: SocketAddr,
    /// Where it listens beside that.
    pub also: Vec<SocketAddr>,
    /// Take the next free port when this one is taken.
    pub next_free_port: bool,
    /// Take alerts without a token: an embedded hub's or a demonstration's.
    pub open_ingest: bool,
    /// A demonstration.
    pub demo: bool,
    /// The rest.
    pub config: config::Hub,
}

/// Why a hub did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process is the hub of this directory: be its console.
    #[error("another nightdesk is the hub of {0}")]
    Taken(PathBuf),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// What every part of a running hub shares.
struct Hub {
    store: HubStore,
    config: config::Hub,
    tokens: auth::Tokens,
    firing: firing::Firing,
    queue: mpsc::UnboundedSender<fold::Queued>,
    /// Alerts that may still be queued: what bounds the queue.
    room: Arc<Semaphore>,
    /// Connections that may still be open, of all listeners together.
    places: Arc<Semaphore>,
    head: watch::Sender<u64>,
    news: news::News,
    /// Wakes the pager.
    paged: Notify,
    presence: presence::Presence,
    epoch: String,
    spoke: Mutex<HashMap<SourceName, Timestamp>>,
    watch: sources::Watch,
    /// The Alertmanagers in front.
    fronts: watch::Sender<Vec<crate::rules::Alertmanager>>,
    /// Where runbooks come from.
    runbooks: watch::Sender<Option<config::Runbooks>>,
    metrics: metrics::Metrics,
    card: HubCard,
    /// Signs the roster.
    key: SigningKey,
    /// What others are met by; `None` when the hub is this machine's alone.
    tls: Option<tls::Tls>,
    /// On which port it listens for others; 0 when it does not.
    port: u16,
    /// Where others reach it, `host:port`, the likeliest first.
    reached_at: Vec<String>,
    attempts: attempts::Attempts,
    roster_version: AtomicU64,
    /// How long something may be unexamined, in milliseconds, by the rules that count now.
    triage_ms: AtomicU64,
    /// Counts revocations; who waits with a token looks at it again.
    revocations: watch::Sender<u64>,
    started_at: Timestamp,
    stop: CancellationToken,
}

impl Hub {
    /// Notes that a source spoke; the engine writes it down.
    fn spoke(&self, source: &SourceName, at: Timestamp) {
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        match spoke.get_mut(source) {
            Some(latest) => *latest = at.max(*latest),
            None => {
                spoke.insert(source.clone(), at);
            }
        }
    }

    /// Reads the roster's version after devices changed, for the consoles to see.
    async fn read_roster_version(&self) -> Result<(), StoreError> {
        let (version, _) = self.store.roster().await?;
        self.roster_version.fetch_max(version, Ordering::Relaxed);
        Ok(())
    }

    /// Returns `host:port` where a console of another machine reaches this hub: as asked for, if the certificate holds that name.
    fn address_for_others(&self, asked: Option<&str>) -> Result<String, String> {
        let Some(tls) = &self.tls else {
            let way = "start it with `nightdesk serve --listen 0.0.0.0:7400`, or at another address of this machine";
            return Err(format!("this hub listens on this machine alone; {way}"));
        };
        let port = self.port;
        let address = match asked {
            // A name without a port is met where the hub listens.
            Some(name) if name.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{name}]:{port}"),
            Some(name) if !name.contains(':') || name.ends_with(']') => format!("{name}:{port}"),
            Some(address) => address.to_owned(),
            None => self
                .reached_at
                .first()
                .cloned()
                .ok_or("where others reach this hub is not known; say it with --at HOST")?,
        };
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
        match tls.holds(host) && HubAddress::parse(&format!("https://{address}")).is_ok() {
            true => Ok(address),
            false => Err(format!(
                "the hub's certificate is not for {host:?}; add that name to names in [tls] of hub.toml and start the hub again"
            )),
        }
    }

    /// Makes a commit known: to the set of what fires, and to who waits for news.
    fn committed(&self, committed: &crate::store::hub::Committed) {
        self.firing.update(&committed.series);
        self.metrics.opened.inc_by(committed.opened);
        self.metrics.firing.set(self.firing.len() as i64);
        self.advance(committed.head);
        if committed.queued {
            self.paged.notify_one();
        }
    }

    /// Makes known how far the feed reaches.
    fn advance(&self, reached: u64) {
        self.head.send_if_modified(|head| {
            let newer = reached > *head;
            *head = reached.max(*head);
            newer
        });
    }
}

/// A running hub.
pub struct Running {
    /// Where sources send.
    pub address: SocketAddr,
    /// Where this machine's sources send in the clear, if they can.
    pub clear: Option<SocketAddr>,
    /// Where others reach it over TLS, `https://host:port`.
    pub https: Option<String>,
    /// Where consoles of the same user meet it.
    pub socket: PathBuf,
    hub: Arc<Hub>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Held as long as this process is the hub.
    _lock: File,
}

impl Running {
    /// Returns what takes other rules while the hub runs.
    pub fn reloader(&self) -> Reloader {
        Reloader(self.hub.clone())
    }

    /// Completes when the hub stops by itself: its disk failed.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Stops taking requests, finishes those under way, writes what is in memory, and ends.
    pub async fn shut_down(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Takes other rules while the hub runs.
#[derive(Clone)]
pub struct Reloader(Arc<Hub>);

impl Reloader {
    /// Reads the file anew: all of it counts from the next transaction on, or nothing where anything in it is wrong; then an incident of the
    /// hub's own says so. Addresses, tokens, channels and limits count from the next start.
    pub async fn read(&self, path: &Path) {
        let hub = &self.0;
        match config::Hub::read(path) {
            Ok(config) => self.take(&config).await,
            Err(error) => {
                hub.metrics.reloads.get_or_create(&metrics::ByReason { reason: "refused" }).inc();
                tracing::error!(%error, path = %path.display(), "the configuration was not read; the old one stays");
                let first = error.to_string().lines().next().unwrap_or_default().to_owned();
                let summary = format!("the hub goes by its old rules, for the new ones are wrong: {first}");
                let place = path.display().to_string();
                let identity = &hub.config.identity;
                let event = own::alert("NightdeskRulesRefused", ("file", &place), &summary, identity, clock::now());
                fold::raise(hub, event).await;
            }
        }
    }

    async fn take(&self, config: &config::Hub) {
        let hub = &self.0;
        let book = Arc::new(config.book.clone());
        let rules = Rules {
            timing: config.timing,
            paging: config.paging.clone(),
            // Series are keyed by it: it counts from the next start.
            identity: hub.config.identity.clone(),
            handles: book.clone(),
            book,
            mint: Mint::new(mint),
        };
        match hub.store.reload(rules, clock::now()).await {
            Ok(committed) => {
                hub.watch.expect(&config.sources);
                hub.triage_ms.store(millis(config.book.triage), Ordering::Relaxed);
                hub.fronts.send_if_modified(|fronts| {
                    let others = *fronts != config.book.alertmanagers;
                    fronts.clone_from(&config.book.alertmanagers);
                    others
                });
                hub.runbooks.send_if_modified(|runbooks| {
                    let others = *runbooks != config.runbooks;
                    runbooks.clone_from(&config.runbooks);
                    others
                });
                hub.committed(&committed);
                hub.metrics.reloads.get_or_create(&metrics::ByReason { reason: "taken" }).inc();
                tracing::info!("the new configuration counts");
            }
            Err(error) => fold::failed(hub, &error),
        }
    }
}

/// Starts a hub in this process.
///
/// # Errors
/// [`StartError`] says what stands against it.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let data = options.data.as_path();
    file::private_dir(data).context("making the hub's directory")?;
    let lock = lock(data)?;
    let listener = listen(&options).await?;
    let address = listener.local_addr().context("asking where the hub listens")?;
    let mut listeners = vec![listener];
    for also in options.also.iter().chain(&options.config.tls.listen) {
        let bound = TcpListener::bind(also).await;
        listeners.push(bound.with_context(|| format!("listening on {also}; choose another address with --listen"))?);
    }
    let addresses: Result<Vec<_>, _> = listeners.iter().map(TcpListener::local_addr).collect();
    let addresses = addresses.context("asking where the hub listens")?;
    let socket = data.join("hub.sock");
    let unix = listen_unix(&socket)?;

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let (channels, heart) = outward(&options)?;
    let (hub, queue) = prepare(&options, &addresses, stop.clone()).await?;
    tasks.spawn(fold::run(hub.clone(), queue));
    tasks.spawn(engine::run(hub.clone()));
    tasks.spawn(news::run(hub.clone()));
    tasks.spawn(upstream::run(hub.clone()));
    tasks.spawn(runbooks::run(hub.clone()));
    tasks.spawn(pager::run(hub.clone(), channels));
    if let Some(heart) = heart {
        tasks.spawn(heart::run(hub.clone(), heart));
    }
    for listener in listeners {
        tasks.spawn(serve::tcp(listener, api::router(hub.clone()), hub.clone(), tasks.clone()));
    }
    tasks.spawn(serve::certificates(hub.clone()));
    tasks.spawn(serve::unix(unix, api::router(hub.clone()), hub.clone(), tasks.clone()));
    // Last, for who reads it may connect at once.
    file::write_private(&data.join("address"), format!("{address}\n").as_bytes())
        .context("writing the hub's address")?;
    tracing::info!(%address, data = %data.display(), "hub listens");
    Ok(Running {
        address,
        clear: in_the_clear(&addresses),
        https: hub.card.https.clone(),
        socket,
        hub,
        stop,
        tasks,
        _lock: lock,
    })
}

/// Makes ready all that reaches people who have no console open.
fn outward(options: &Options) -> Result<(Channels, Option<Heart>), anyhow::Error> {
    let channels = Channels::prepare(&options.config.channels)
        .map_err(|(name, error)| anyhow::Error::new(error).context(format!("channel {name}")))?;
    let heart = options.config.heartbeat.as_ref().map(Heart::prepare).transpose().context("the heartbeat")?;
    // An embedded hub ends with its console, and a demonstration is none.
    if heart.is_none() && !options.open_ingest {
        tracing::warn!("no [heartbeat] in hub.toml: nobody is told when this hub dies");
    }
    Ok((channels, heart))
}

fn lock(data: &Path) -> Result<File, StartError> {
    let lock = file::private_file(&data.join("hub.lock")).context("opening the hub's lock")?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StartError::Taken(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(anyhow::Error::new(error).context("locking the hub's directory").into()),
    }
}

async fn listen(options: &Options) -> Result<TcpListener, anyhow::Error> {
    let last = if options.next_free_port { options.listen.port().saturating_add(50) } else { options.listen.port() };
    let mut refused = None;
    for port in options.listen.port()..=last {
        match TcpListener::bind(SocketAddr::new(options.listen.ip(), port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some(error),
        }
    }
    let error = refused.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into());
    Err(error).with_context(|| format!("listening on {}; choose another address with --listen", options.listen))
}

fn listen_unix(socket: &Path) -> Result<UnixListener, anyhow::Error> {
    // The lock is ours, so a socket that lies here is a dead hub's.
    let _ = std::fs::remove_file(socket);
    UnixListener::bind(socket).with_context(|| format!("listening on {}", socket.display()))
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

async fn prepare(
    options: &Options,
    addresses: &[SocketAddr],
    stop: CancellationToken,
) -> Result<(Arc<Hub>, mpsc::UnboundedReceiver<fold::Queued>), anyhow::Error> {
    let key = hub_key(&options.data).context("reading the hub's key")?;
    let (tls, port, reached_at) = for_others(options, addresses)?;
    let book = Arc::new(options.config.book.clone());
    let rules = Rules {
        timing: options.config.timing,
        paging: options.config.paging.clone(),
        identity: options.config.identity.clone(),
        handles: book.clone(),
        book,
        mint: Mint::new(mint),
    };
    let fresh_epoch = crate::domain::id::hex(&random::<16>());
    let store = HubStore::open_sqlite(&options.data.join("hub.db"), rules.clone(), &fresh_epoch)
        .context("opening the hub's database")?;
    // They may be others than those that it went by last.
    store.reload(rules, clock::now()).await.context("going by the rules")?;
    let firing = firing::Firing::load(&store).await.context("reading what fires")?;
    let cursor = store.head().await.context("reading the head of the feed")?;
    // What stands in the roster beside devices: another key of the hub, another history, or others to call, is another roster.
    let paging = serde_json::to_string(&options.config.paging).context("writing who is called")?;
    let rest = crate::sync::token::hash(&format!("{} {} {paging}", hex(key.verifying_key().as_bytes()), cursor.epoch));
    let roster_version = store.roster_rest(rest).await.context("reading the roster")?;
    let address = in_the_clear(addresses).or(addresses.first().copied()).map_or(String::new(), |at| at.to_string());
    let card = HubCard::new(key.verifying_key().as_bytes(), address, options.open_ingest, options.demo);
    let https = tls.as_ref().and(reached_at.first()).map(|address| format!("https://{address}"));
    let (queue, queued) = mpsc::unbounded_channel();
    let hub = Hub {
        tokens: auth::Tokens::prepare(&options.data, &options.config.sources, options.open_ingest)?,
        firing,
        queue,
        places: Arc::new(Semaphore::new(options.config.connections_max)),
        room: Arc::new(Semaphore::new(options.config.queued_alerts_max)),
        head: watch::Sender::new(cursor.seq),
        news: news::News::new(cursor.seq),
        paged: Notify::new(),
        presence: presence::Presence::default(),
        epoch: cursor.epoch,
        spoke: Mutex::default(),
        watch: sources::Watch::over(&options.config.sources),
        fronts: watch::Sender::new(options.config.book.alertmanagers.clone()),
        runbooks: watch::Sender::new(options.config.runbooks.clone()),
        metrics: metrics::Metrics::new(),
        card: HubCard { https, ..card },
        key,
        tls,
        port,
        reached_at,
        attempts: attempts::Attempts::default(),
        roster_version: AtomicU64::new(roster_version),
        triage_ms: AtomicU64::new(millis(options.config.book.triage)),
        revocations: watch::Sender::new(0),
        started_at: clock::now(),
        config: options.config.clone(),
        store,
        stop,
    };
    Ok((Arc::new(hub), queued))
}

/// Returns where this machine is spoken to in the clear: a listener on loopback, or one on all addresses.
fn in_the_clear(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let loopback = addresses.iter().copied().find(|address| address.ip().is_loopback());
    let everywhere = addresses.iter().find(|address| address.ip().is_unspecified());
    loopback.or(everywhere.map(|address| SocketAddr::new(DEFAULT_LISTEN.ip(), address.port())))
}

/// What is shown, on which port, and where that is reached.
type ForOthers = (Option<tls::Tls>, u16, Vec<String>);

/// Returns what the hub shows to others and where they reach it; nothing when it listens on loopback alone.
fn for_others(options: &Options, addresses: &[SocketAddr]) -> Result<ForOthers, anyhow::Error> {
    let outward: Vec<SocketAddr> =
        addresses.iter().copied().filter(|address| !address.ip().to_canonical().is_loopback()).collect();
    let Some(first) = outward.first() else { return Ok((None, 0, Vec::new())) };
    let config = &options.config.tls;
    let tls = tls::Tls::prepare(&options.data, config, &outward, clock::now()).context("preparing TLS")?;
    let names = config.names.iter().map(|name| match name.parse::<std::net::IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, first.port()).to_string(),
        Err(_) => format!("{name}:{}", first.port()),
    });
    let reached = outward
        .iter()
        .flat_map(|address| tls::reached_at(address.ip()).into_iter().map(|ip| SocketAddr::new(ip, address.port())));
    let all = names.chain(reached.map(|address| address.to_string())).collect();
    Ok((Some(tls), first.port(), all))
}

/// Returns the hub's own key; made at its first start.
fn hub_key(data: &Path) -> Result<SigningKey, StoreError> {
    let path = data.join("hub.key");
    if let Some(seed) = file::read_secret(&path)?.and_then(|hex| crate::domain::id::unhex(&hex)) {
        return Ok(SigningKey::from_bytes(&seed));
    }
    let seed = random::<32>();
    file::write_private(&path, crate::domain::id::hex(&seed).as_bytes())?;
    Ok(SigningKey::from_bytes(&seed))
}

fn mint(now: Timestamp) -> IncidentId {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix_time(millis / 1000, (millis % 1000) as u32 * 1_000_000, 0, 0);
    IncidentId(Uuid::new_v7(time))
}
