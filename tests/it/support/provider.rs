//! A provider of messages, such as ntfy: keeps every request, and answers as the test wants.

use super::until;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST` or `GET`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub body: String,
    /// When it was there whole.
    pub at: Instant,
}

impl Request {
    /// Returns the header of that lower-case name; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    /// Statuses of the next answers; 200 when there are none left.
    answers: VecDeque<u16>,
    /// Takes requests and answers none.
    hangs: bool,
    stop: bool,
}

#[derive(Clone, Default)]
struct Shared(Arc<(Mutex<State>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no holder of this lock panics")
    }
}

/// The provider; ends on drop.
pub struct Provider {
    address: SocketAddr,
    shared: Shared,
}

impl Provider {
    /// Starts it on a free loopback port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Shared::default();
        let copy = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if copy.lock().stop {
                    return;
                }
                let copy = copy.clone();
                std::thread::spawn(move || stream.ok().and_then(|stream| answer(stream, &copy)));
            }
        });
        Self { address, shared }
    }

    /// Returns the URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets the next answers have these statuses.
    pub fn answer_with(&self, statuses: &[u16]) {
        self.shared.lock().answers.extend(statuses);
    }

    /// Lets it take requests and answer none, or answer again.
    pub fn hang(&self, hangs: bool) {
        self.shared.lock().hangs = hangs;
        self.shared.0.1.notify_all();
    }

    /// Returns the requests to that path so far, oldest first.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        self.shared.lock().requests.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// Waits until so many requests to that path were there.
    #[track_caller]
    pub fn wait_for(&self, path: &str, count: usize, limit: Duration) -> Vec<Request> {
        until(&format!("{count} requests to {path}"), limit, || {
            Some(self.requests(path)).filter(|requests| requests.len() >= count)
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.hang(false);
        let _ = TcpStream::connect(self.address); // wakes the accept
    }
}

/// Takes one request, answers and closes; `None` when the client broke off.
fn answer(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|read| *read > 0)?;
        Some(text.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let status = {
        let mut state = shared.lock();
        state.requests.push(Request { method, path, headers, body, at: Instant::now() });
        while state.hangs {
            state = shared.0.1.wait(state).expect("no holder of this lock panics");
        }
        state.answers.pop_front().unwrap_or(200)
    };
    let text = format!("answer {status}\x1b[2J\n");
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )
    .ok()
}
