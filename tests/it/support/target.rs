//! What a real Prometheus scrapes: an HTTP server whose gauges the test sets, and which keeps what is posted to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request with a body, as it came: an Alertmanager's webhook, for example.
#[derive(Debug, Clone)]
pub struct Posted {
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub body: String,
}

#[derive(Default)]
struct State {
    gauges: Mutex<BTreeMap<String, f64>>,
    posted: Mutex<Vec<Posted>>,
    stop: AtomicBool,
}

/// The server; ends on drop.
pub struct Target {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    /// Starts it on a free loopback port, with no gauges.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || serve(&listener, &shared));
        Self { address, state, thread: Some(thread) }
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Sets a gauge; `name` may carry labels: `probe_up{host="a"}`.
    pub fn set(&self, name: &str, value: f64) {
        lock(&self.state.gauges).insert(name.to_owned(), value);
    }

    /// Takes a gauge away, so that its alert's query has no answer any more.
    pub fn remove(&self, name: &str) {
        lock(&self.state.gauges).remove(name);
    }

    /// Returns what was posted so far, oldest first.
    pub fn posted(&self) -> Vec<Posted> {
        lock(&self.state.posted).clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the accept
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

fn serve(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming() {
        if state.stop.load(Ordering::SeqCst) {
            return;
        }
        let state = Arc::clone(state);
        // One thread a connection: a client that keeps its connection open must not keep the next one waiting.
        std::thread::spawn(move || stream.ok().and_then(|stream| answer(stream, &state)));
    }
}

/// Answers one request and closes; `None` when the client broke off.
fn answer(mut stream: TcpStream, state: &State) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|read| *read > 0)?;
        Some(text.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    if !body.is_empty() {
        lock(&state.posted).push(Posted { path, headers, body: String::from_utf8_lossy(&body).into_owned() });
    }
    let text: String = lock(&state.gauges).iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{text}", text.len()).ok()
}
