//! Connections to other consoles: who is called when, who is let in, and how much of each is taken.
//!
//! ```text
//!   peers = ["https://host:port", "unix:/directory"]   called every 5 s and at once when there is something new; one attempt at a time
//!   listen_peers, the own socket in the directory      TLS with keys of the roster; bounded bodies; so many steps a second
//! ```

use super::tls::{Ends, Team, key_of};
use super::wire::{BODY_BYTES_MAX, PATH, Step};
use crate::config::Peers;
use crate::domain::id::NodeId;
use crate::store::file;
use crate::sync::desk::Note;
use crate::sync::device::random;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, ServerName};
use std::collections::HashMap;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often a peer is called where nothing is new.
const CALL_EVERY: Duration = Duration::from_secs(5);
/// How long a connection and its handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// How long one step may take.
const STEP_WITHIN: Duration = Duration::from_secs(10);
/// Longest pause after failures.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Steps of one exchange: a week's operations of a team go through in one, and an exchange that finds no end stops.
const STEPS_MAX: usize = 100;
/// Connections that are served at once.
const CONNECTIONS_MAX: usize = 64;
/// Sockets of one directory that are looked at.
const SOCKETS_MAX: usize = 256;
/// Steps that one device may take at once, and how many a second it regains. A step carries at most 500 operations.
const STEPS_BURST: f64 = 60.0;
const STEPS_SECOND: f64 = 10.0;

/// Why an exchange broke off.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("the peer is not reached")]
    Io(#[from] std::io::Error),
    #[error("the peer does not answer in time")]
    Slow,
    #[error("the peer does not speak this protocol")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made")]
    Request(#[from] hyper::http::Error),
    #[error("the peer answered {0}")]
    Refused(StatusCode),
    #[error("the peer's answer cannot be read")]
    Unreadable(#[from] serde_json::Error),
    #[error("the peer's answer is longer than {BODY_BYTES_MAX} bytes, or broke off")]
    Body,
    #[error("the peer speaks for a node that is not its own")]
    NotItself,
    #[error("this console stops")]
    Stopping,
}

/// What all connections share.
pub(in crate::sync) struct Links {
    pub ends: Ends,
    pub team: Arc<Team>,
    pub notes: SyncSender<Note>,
    /// Counts what is new here and may be told.
    pub news: watch::Receiver<u64>,
    pub stop: CancellationToken,
}

/// Starts listening and calling, on the present tokio runtime. What does not listen is said in the log and returned for people.
pub(in crate::sync) fn start(links: Arc<Links>, peers: &Peers, node: NodeId, tasks: &TaskTracker) -> Vec<String> {
    let mut troubles = Vec::new();
    let gate = Arc::new(Gate { places: Arc::new(Semaphore::new(CONNECTIONS_MAX)), buckets: Mutex::default() });
    if let Some(address) = peers.listen {
        match listen_tcp(address) {
            Ok(listener) => drop(tasks.spawn(serve_tcp(links.clone(), listener, gate.clone(), tasks.clone()))),
            Err(error) => troubles.push(format!("cannot listen for peers at {address}: {error}")),
        }
    }
    for dir in &peers.dirs {
        match listen_unix(dir, node) {
            Ok(Some(listener)) => {
                let own = dir.join(socket_name(node));
                drop(tasks.spawn(serve_unix(links.clone(), listener, own, gate.clone(), tasks.clone())));
            }
            // Another process of this user serves for this console.
            Ok(None) => {}
            Err(why) => troubles.push(why),
        }
    }
    if !peers.call.is_empty() || !peers.dirs.is_empty() {
        let (call, dirs) = (peers.call.clone(), peers.dirs.clone());
        tasks.spawn(call_all(links, call, dirs, node));
    }
    troubles
}

// --- calling -------------------------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Target {
    Tcp(String),
    Unix(PathBuf),
}

#[derive(Default)]
struct State {
    in_flight: bool,
    /// Something new came while it was called.
    again: bool,
    failures: u32,
    not_before: Option<Instant>,
}

async fn call_all(links: Arc<Links>, call: Vec<String>, dirs: Vec<PathBuf>, own: NodeId) {
    let mut states: HashMap<Target, State> = HashMap::new();
    let mut calls: JoinSet<(Target, Result<(), LinkError>)> = JoinSet::new();
    let mut ticks = tokio::time::interval(CALL_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut news = links.news.clone();
    loop {
        tokio::select! {
            () = links.stop.cancelled() => return calls.shutdown().await,
            _ = ticks.tick() => {}
            changed = news.changed() => if changed.is_err() { return calls.shutdown().await },
            Some(done) = calls.join_next(), if !calls.is_empty() => {
                if let Ok((target, outcome)) = done
                    && ended(states.entry(target).or_default(), &outcome)
                {
                    // What came meanwhile is told at once.
                } else {
                    continue;
                }
            }
        }
        let tcp = call.iter().cloned().map(Target::Tcp);
        let targets: Vec<Target> = tcp.chain(dirs.iter().flat_map(|dir| sockets(dir, own, &links.team))).collect();
        states.retain(|target, state| state.in_flight || targets.contains(target));
        for target in targets {
            let state = states.entry(target.clone()).or_default();
            if state.in_flight {
                state.again = true;
            } else if state.not_before.is_none_or(|at| at <= Instant::now()) {
                state.in_flight = true;
                let links = links.clone();
                calls.spawn(async move {
                    let outcome = exchange(&links, &target).await;
                    (target, outcome)
                });
            }
        }
    }
}

/// Notes how a call ended; returns whether it is to be made again at once.
fn ended(state: &mut State, outcome: &Result<(), LinkError>) -> bool {
    state.in_flight = false;
    let again = std::mem::take(&mut state.again);
    match outcome {
        Ok(()) => {
            (state.failures, state.not_before) = (0, None);
            again
        }
        Err(error) => {
            tracing::debug!(error = error as &dyn std::error::Error, "a peer was not reached");
            state.failures += 1;
            let most = BACKOFF_MAX.min(Duration::from_millis(500) * 2u32.saturating_pow(state.failures.min(10)));
            // Full jitter, as towards the hub.
            let random = u64::from_le_bytes(random::<8>());
            state.not_before = Some(Instant::now() + Duration::from_millis(random % (most.as_millis() as u64 + 1)));
            false
        }
    }
}

/// Returns the sockets of other consoles of the team in a directory.
fn sockets(dir: &Path, own: NodeId, team: &Team) -> Vec<Target> {
    use super::plan::Who as _;
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let of_team = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".sock")?.parse().ok());
        name.map(NodeId).is_some_and(|node| node != own && team.device(node).is_some())
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(of_team)
        .take(SOCKETS_MAX)
        .map(Target::Unix)
        .collect()
}

async fn exchange(links: &Links, target: &Target) -> Result<(), LinkError> {
    // Who never met the hub knows nobody; no use in knocking.
    if links.team.roster().is_none() {
        return Ok(());
    }
    match target {
        Target::Tcp(address) => {
            let stream = within(HANDSHAKE_WITHIN, TcpStream::connect(address)).await??;
            let _ = stream.set_nodelay(true);
            exchange_over(links, stream).await
        }
        Target::Unix(path) => {
            let stream = within(HANDSHAKE_WITHIN, UnixStream::connect(path)).await??;
            exchange_over(links, stream).await
        }
    }
}

async fn exchange_over<S>(links: &Links, stream: S) -> Result<(), LinkError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let name = ServerName::try_from("nightdesk-console").map_err(std::io::Error::other)?;
    let connector = TlsConnector::from(links.ends.client.clone());
    let stream = within(HANDSHAKE_WITHIN, connector.connect(name, stream)).await??;
    let key = shown(stream.get_ref().1.peer_certificates()).ok_or(LinkError::NotItself)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let running = tokio::spawn(connection);
    let done = async {
        let mut step = links.step(None).await?;
        for _ in 0..STEPS_MAX {
            let body = Full::new(Bytes::from(serde_json::to_vec(&step)?));
            let request = Request::builder()
                .method(Method::POST)
                .uri(PATH)
                .header(header::HOST, "nightdesk-console")
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)?;
            let heard = within(STEP_WITHIN, async {
                let response = sender.send_request(request).await?;
                match response.status() {
                    StatusCode::OK => read(response.into_body()).await,
                    other => Err(LinkError::Refused(other)),
                }
            })
            .await??;
            if !links.team.is_key_of(heard.node, &key) {
                return Err(LinkError::NotItself);
            }
            let theirs = heard.news;
            let first = step.is_first();
            step = links.step(Some(heard)).await?;
            // The first step told nothing; after it, they are done when neither told the other anything new.
            if step.tells_nothing() && step.news == 0 || !first && step.news == 0 && theirs == 0 {
                return Ok(());
            }
        }
        Ok(())
    };
    let outcome = done.await;
    running.abort();
    outcome
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, LinkError> {
    tokio::time::timeout(limit, work).await.map_err(|_| LinkError::Slow)
}

async fn read<B>(body: B) -> Result<Step, LinkError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let bytes = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|_| LinkError::Body)?.to_bytes();
    Ok(serde_json::from_slice(&bytes)?)
}

fn shown(chain: Option<&[CertificateDer<'_>]>) -> Option<[u8; 32]> {
    key_of(chain?.first()?)
}

impl Links {
    /// Lets the mirror's thread take what was heard, and say what this console has and tells.
    async fn step(&self, heard: Option<Step>) -> Result<Step, LinkError> {
        let (reply, answer) = oneshot::channel();
        let (notes, note) = (self.notes.clone(), Note::Peer { heard: heard.map(Box::new), reply });
        let _ = tokio::task::spawn_blocking(move || notes.send(note)).await;
        answer.await.map(|step| *step).map_err(|_| LinkError::Stopping)
    }
}

// --- being called --------------------------------------------------------------------------------------------------------------------

/// How much is taken of whom.
struct Gate {
    places: Arc<Semaphore>,
    buckets: Mutex<HashMap<[u8; 32], Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Gate {
    /// Takes one step of a device; returns whether it had one. Only devices of the roster get here, so there are not many.
    fn passes(&self, key: &[u8; 32], now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(*key).or_insert(Bucket { left: STEPS_BURST, at: now });
        let regained = now.saturating_duration_since(bucket.at).as_secs_f64() * STEPS_SECOND;
        *bucket = Bucket { left: (bucket.left + regained).min(STEPS_BURST), at: now };
        let passes = bucket.left >= 1.0;
        if passes {
            bucket.left -= 1.0;
        }
        passes
    }
}

fn listen_tcp(address: std::net::SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn socket_name(node: NodeId) -> String {
    format!("{node}.sock")
}

/// Makes this console's socket in a shared directory; `None` when another process of this user serves there already.
fn listen_unix(dir: &Path, node: NodeId) -> Result<Option<UnixListener>, String> {
    let unusable = |why: String| format!("cannot meet peers in {}: {why}", dir.display());
    let meta = std::fs::metadata(dir).map_err(|error| unusable(error.to_string()))?;
    let mode = meta.permissions().mode();
    if !meta.is_dir() || mode & 0o1002 == 0o0002 {
        return Err(unusable(
            "it must be a directory, and one that everybody may write to must be sticky (chmod +t)".into(),
        ));
    }
    let path = dir.join(socket_name(node));
    let taken = std::os::unix::net::UnixStream::connect(&path).is_ok();
    if taken {
        return Ok(None);
    }
    if let Ok(left) = std::fs::symlink_metadata(&path) {
        // Left behind by a console that was killed. Another user's file of that name is theirs to remove.
        if !left.file_type().is_socket() || left.uid() != file::user() {
            return Err(unusable(format!("{} is not this user's socket", path.display())));
        }
        std::fs::remove_file(&path).map_err(|error| unusable(error.to_string()))?;
    }
    let listener = UnixListener::bind(&path).map_err(|error| unusable(error.to_string()))?;
    // Who may connect is the directory's matter and the roster's; the group of the directory is the team.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660))
        .map_err(|error| unusable(error.to_string()))?;
    Ok(Some(listener))
}

async fn serve_tcp(links: Arc<Links>, listener: TcpListener, gate: Arc<Gate>, tasks: TaskTracker) {
    while let Some(Ok(place)) = links.stop.run_until_cancelled(gate.places.clone().acquire_owned()).await {
        match links.stop.run_until_cancelled(listener.accept()).await {
            None => return,
            Some(Ok((stream, _))) => {
                let _ = stream.set_nodelay(true);
                let (links, gate) = (links.clone(), gate.clone());
                tasks.spawn(async move {
                    serve(&links, stream, &gate).await;
                    drop(place);
                });
            }
            Some(Err(error)) => breathe(&error).await,
        }
    }
}

async fn serve_unix(links: Arc<Links>, listener: UnixListener, own: PathBuf, gate: Arc<Gate>, tasks: TaskTracker) {
    while let Some(Ok(place)) = links.stop.run_until_cancelled(gate.places.clone().acquire_owned()).await {
        match links.stop.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Ok((stream, _))) => {
                let (links, gate) = (links.clone(), gate.clone());
                tasks.spawn(async move {
                    serve(&links, stream, &gate).await;
                    drop(place);
                });
            }
            Some(Err(error)) => breathe(&error).await,
        }
    }
    let _ = std::fs::remove_file(own);
}

async fn breathe(error: &std::io::Error) {
    tracing::warn!(%error, "cannot accept a peer");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn serve<S>(links: &Arc<Links>, stream: S, gate: &Arc<Gate>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, TlsAcceptor::from(links.ends.server.clone()).accept(stream));
    let Some(Ok(Ok(stream))) = links.stop.run_until_cancelled(handshake).await else { return };
    let Some(key) = shown(stream.get_ref().1.peer_certificates()) else { return };
    let service = service_fn(|request: Request<Incoming>| async move {
        let (status, body) = match answer(links, gate, &key, request).await {
            Ok(step) => (StatusCode::OK, serde_json::to_vec(&step).unwrap_or_default()),
            Err(status) => (status, Vec::new()),
        };
        Response::builder().status(status).body(Full::new(Bytes::from(body)))
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(2 * CALL_EVERY).max_buf_size(64 * 1024);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    // How a connection ends is the other side's matter.
    let _ = links.stop.run_until_cancelled(serving).await;
}

async fn answer(links: &Links, gate: &Gate, key: &[u8; 32], request: Request<Incoming>) -> Result<Step, StatusCode> {
    if request.method() != Method::POST || request.uri().path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    if !gate.passes(key, Instant::now()) {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    let heard = within(STEP_WITHIN, read(request.into_body())).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
    let heard = heard.map_err(|_| StatusCode::BAD_REQUEST)?;
    // Revoked since the handshake, or speaking for another.
    if !links.team.is_key_of(heard.node, key) {
        return Err(StatusCode::FORBIDDEN);
    }
    links.step(Some(heard)).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_burst_and_then_so_many_steps_a_second() {
        let gate = Gate { places: Arc::new(Semaphore::new(1)), buckets: Mutex::default() };
        let start = Instant::now();
        let passed = |at: Instant, count: usize| (0..count).filter(|_| gate.passes(&[1; 32], at)).count();
        assert_eq!(passed(start, 100), 60);
        assert_eq!(passed(start + Duration::from_secs(1), 100), 10);
        assert!(gate.passes(&[2; 32], start), "another device has its own");
        assert_eq!(passed(start + Duration::from_secs(3600), 100), 60);
    }

    #[test]
    fn a_shared_directory_must_not_let_others_take_a_socket_away() {
        let dir = tempfile::tempdir().unwrap();
        let node = NodeId::from_bytes([1; 16]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let mode = |mode| std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        assert!(listen_unix(dir.path(), node).is_err());
        mode(0o1777);
        let listener = listen_unix(dir.path(), node).unwrap().unwrap();
        assert!(listen_unix(dir.path(), node).unwrap().is_none(), "another process of this user serves");
        drop(listener);
        assert!(listen_unix(dir.path(), node).unwrap().is_some(), "a stale one is replaced");
        std::fs::write(dir.path().join(socket_name(NodeId::from_bytes([2; 16]))), "a file").unwrap();
        assert!(listen_unix(dir.path(), NodeId::from_bytes([2; 16])).is_err());
    }

    /// A console that listens over a pipe, and how it answers one request of a device that is let in.
    async fn status_of(method: &str, path: &str, body: Vec<u8>) -> Option<StatusCode> {
        use crate::domain::id::{UserName, hex};
        use crate::sync::peer::tls::ends;
        use crate::sync::roster::{Member, Roster, SignedRoster};
        let key = |number: u8| ed25519_dalek::SigningKey::from_bytes(&[number; 32]);
        let member = |number: u8| Member {
            node: NodeId::from_bytes([number; 16]),
            user: UserName::parse("mira").unwrap(),
            public_key: hex(key(number).verifying_key().as_bytes()),
            revoked: false,
        };
        let hub_key = hex(key(9).verifying_key().as_bytes());
        let devices = vec![member(1), member(2)];
        let roster = Roster { version: 1, hub_key, epoch: "e".into(), devices, paging: None };
        let team = Arc::new(Team::default());
        team.set(SignedRoster::sign(roster, &key(9)).ok());
        // Nobody takes the notes: what gets as far as the mirror's thread is answered 503.
        let (notes, _) = std::sync::mpsc::sync_channel(1);
        let (_news, news) = watch::channel(0);
        let stop = CancellationToken::new();
        let links =
            Arc::new(Links { ends: ends(&key(1), team.clone()).unwrap(), team: team.clone(), notes, news, stop });
        let gate = Arc::new(Gate { places: Arc::new(Semaphore::new(1)), buckets: Mutex::default() });
        let (near, far) = tokio::io::duplex(64 * 1024);
        let serving = tokio::spawn(async move { serve(&links, far, &gate).await });
        let name = ServerName::try_from("nightdesk-console").unwrap();
        let stream = TlsConnector::from(ends(&key(2), team).unwrap().client).connect(name, near).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let running = tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header(header::HOST, "x");
        let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await;
        running.abort();
        serving.abort();
        response.ok().map(|response| response.status())
    }

    #[tokio::test]
    async fn what_is_too_long_or_none_or_in_anothers_name_does_not_reach_the_mirror() {
        use crate::sync::peer::plan::{Have, Page};
        let step = |number: u8| {
            let step = Step::new(NodeId::from_bytes([number; 16]), Have::default(), Page::default(), None);
            serde_json::to_vec(&step).unwrap()
        };
        assert_eq!(status_of("POST", PATH, step(2)).await, Some(StatusCode::SERVICE_UNAVAILABLE), "it got through");
        assert_eq!(status_of("POST", PATH, step(1)).await, Some(StatusCode::FORBIDDEN), "the name of another");
        assert_eq!(status_of("POST", PATH, step(7)).await, Some(StatusCode::FORBIDDEN), "a name that nobody has");
        assert_eq!(status_of("GET", PATH, step(2)).await, Some(StatusCode::NOT_FOUND));
        assert_eq!(status_of("POST", "/v1/ops", step(2)).await, Some(StatusCode::NOT_FOUND));
        assert_eq!(status_of("POST", PATH, b"{".to_vec()).await, Some(StatusCode::BAD_REQUEST));
        let long = [step(2), vec![b' '; BODY_BYTES_MAX]].concat();
        let refused = status_of("POST", PATH, long).await;
        assert!(matches!(refused, None | Some(StatusCode::BAD_REQUEST)), "{refused:?}");
    }
}
