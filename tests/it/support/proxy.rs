//! A wire that can be cut: a proxy in the test's process, before a hub or a peer.
//!
//! ```text
//!   console --[ Up ]--> proxy --[ Up ]--> hub        Way::Up carries requests,
//!           <-[Down]--        <-[Down]--             Way::Down answers
//! ```
//!
//! [`Proxy::cut`] is a network that says so (reset, refused); [`Proxy::hold`] one that does not: bytes go in and nothing comes out, until
//! [`Proxy::heal`], which lets through what was held, as TCP would. Held and then cut is an answer that was given and never heard.

use rustix::net::sockopt::set_socket_linger;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Which direction of all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From who connects to the target.
    Up,
    /// From the target to who connected.
    Down,
}

/// What is behind the proxy.
#[derive(Debug, Clone)]
enum Target {
    Tcp(String),
    Unix(PathBuf),
}

/// How one direction is.
#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    held: bool,
    delay: Duration,
    /// Bytes that were passed on.
    bytes: u64,
}

#[derive(Default)]
struct Wires {
    lanes: [Lane; 2],
    cut: bool,
    /// Both ends of every open connection, by its number.
    open: HashMap<u64, [Stream; 2]>,
    made: u64,
}

struct State {
    target: Target,
    wires: Mutex<Wires>,
    changed: Condvar,
}

/// The proxy; ends on drop and resets what is open.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one on a free loopback port before `127.0.0.1:PORT`.
    pub fn before(target: &str) -> Self {
        Self::start(Target::Tcp(target.to_owned()))
    }

    /// Starts one on a free loopback port before a Unix socket.
    pub fn before_socket(target: &Path) -> Self {
        Self::start(Target::Unix(target.to_owned()))
    }

    fn start(target: Target) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", super::free_port())).expect("the port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(State { target, wires: Mutex::default(), changed: Condvar::new() });
        let listening = Some(listen(listener, Arc::clone(&state)));
        Self { address, state, listening }
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Resets every connection, and refuses new ones until [`Proxy::heal`].
    pub fn cut(&mut self) {
        let mut wires = self.state.lock();
        wires.cut = true;
        wires.open.drain().for_each(|(_, ends)| ends.iter().for_each(Stream::reset));
        drop(wires);
        self.state.changed.notify_all();
        if let Some(listening) = self.listening.take() {
            let _ = TcpStream::connect(self.address); // wakes the accept
            listening.join().expect("the listener does not panic");
        }
    }

    /// Returns whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.state.lock().cut
    }

    /// Keeps back what goes that way; connections stay open and new ones are taken.
    pub fn hold(&self, way: Way) {
        self.state.lock().lanes[way as usize].held = true;
    }

    /// Lets what goes that way take so long, piece by piece of at most 64 KiB.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.state.lock().lanes[way as usize].delay = delay;
    }

    /// Makes everything whole: what was held goes on, what was cut can be connected anew, nothing is late.
    pub fn heal(&mut self) {
        let mut wires = self.state.lock();
        wires.cut = false;
        for lane in &mut wires.lanes {
            (lane.held, lane.delay) = (false, Duration::ZERO);
        }
        drop(wires);
        self.state.changed.notify_all();
        if self.listening.is_none() {
            let listener = TcpListener::bind(self.address).expect("the port is still ours");
            self.listening = Some(listen(listener, Arc::clone(&self.state)));
        }
    }

    /// Returns how many bytes were passed on that way so far.
    pub fn bytes(&self, way: Way) -> u64 {
        self.state.lock().lanes[way as usize].bytes
    }

    /// Returns how many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.state.lock().made
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Wires> {
        self.wires.lock().expect("no holder of this lock panics")
    }

    /// Waits until a piece that came now may go on; returns whether it may at all.
    fn pass(&self, way: Way, connection: u64, bytes: usize) -> bool {
        let came = Instant::now();
        let mut wires = self.lock();
        loop {
            if !wires.open.contains_key(&connection) {
                return false;
            }
            let lane = &mut wires.lanes[way as usize];
            let late = lane.delay.checked_sub(came.elapsed()).filter(|late| !late.is_zero());
            wires = match (lane.held, late) {
                (false, None) => {
                    lane.bytes += bytes as u64;
                    return true;
                }
                (true, _) => self.changed.wait(wires).expect("no holder of this lock panics"),
                (false, Some(late)) => self.changed.wait_timeout(wires, late).expect("no holder of this lock panics").0,
            };
        }
    }

    /// Connects one that came to the target, and carries between them.
    fn connect(self: &Arc<Self>, near: TcpStream) -> io::Result<()> {
        let near = Stream::Tcp(near);
        let far = match &self.target {
            Target::Tcp(address) => Stream::Tcp(TcpStream::connect(address)?),
            Target::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
        };
        near.hurry();
        far.hurry();
        let ends = [near.again()?, far.again()?];
        let mut wires = self.lock();
        if wires.cut {
            near.reset();
            return Ok(());
        }
        wires.made += 1;
        let number = wires.made;
        wires.open.insert(number, ends);
        drop(wires);
        for (way, from, to) in [(Way::Up, near.again()?, far.again()?), (Way::Down, far, near)] {
            let state = Arc::clone(self);
            std::thread::spawn(move || state.carry(way, number, from, to));
        }
        Ok(())
    }

    fn carry(&self, way: Way, connection: u64, mut from: Stream, mut to: Stream) {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            if !self.pass(way, connection, count) || to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        // An end that was held back is held back too.
        if self.pass(way, connection, 0) {
            to.shut(Shutdown::Write);
        }
        if way == Way::Down {
            self.lock().open.remove(&connection);
        }
    }
}

fn listen(listener: TcpListener, state: Arc<State>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if state.lock().cut {
                return;
            }
            // A target that refuses is told by the reset of the dropped connection.
            let _ = stream.and_then(|stream| state.connect(stream));
        }
    })
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn again(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
        }
    }

    /// Passes small pieces on at once.
    fn hurry(&self) {
        if let Self::Tcp(stream) = self {
            let _ = stream.set_nodelay(true);
        }
    }

    fn shut(&self, how: Shutdown) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }

    /// Lets the other side see a reset once all copies of it are dropped; who reads a copy sees its end at once.
    fn reset(&self) {
        match self {
            Self::Tcp(stream) => {
                let _ = set_socket_linger(stream, Some(Duration::ZERO));
                self.shut(Shutdown::Read);
            }
            Self::Unix(_) => self.shut(Shutdown::Both),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);
    const MOMENT: Duration = Duration::from_millis(50);

    /// Says everything back, and notes it.
    fn echo(mut stream: impl Read + Write, heard: &Mutex<Vec<u8>>) {
        let mut piece = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            heard.lock().expect("whole").extend(&piece[..count]);
            if stream.write_all(&piece[..count]).is_err() {
                return;
            }
        }
    }

    fn echo_server() -> (String, Arc<Mutex<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| echo(stream, &ears)));
        (address, heard)
    }

    fn connect(proxy: &Proxy, patience: Duration) -> TcpStream {
        let stream = TcpStream::connect(proxy.address()).expect("the proxy listens");
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        stream
    }

    fn heard_back(stream: &mut TcpStream, word: &[u8]) -> io::Result<()> {
        let mut back = vec![0; word.len()];
        stream.read_exact(&mut back)?;
        assert_eq!(back, word);
        Ok(())
    }

    #[test]
    fn a_cut_resets_and_refuses_until_it_heals() {
        let (address, _) = echo_server();
        let mut proxy = Proxy::before(&address);
        let mut stream = connect(&proxy, LIMIT);
        stream.write_all(b"one").expect("written");
        heard_back(&mut stream, b"one").expect("heard");
        assert_eq!((proxy.bytes(Way::Up), proxy.bytes(Way::Down)), (3, 3));
        proxy.cut();
        let error = heard_back(&mut stream, b"x").expect_err("the connection is gone");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
        let error = TcpStream::connect(proxy.address()).expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
        proxy.heal();
        let mut stream = connect(&proxy, LIMIT);
        stream.write_all(b"two").expect("written");
        heard_back(&mut stream, b"two").expect("heard");
    }

    #[test]
    fn what_is_held_one_way_goes_the_other_and_arrives_after_the_healing() {
        let (address, heard) = echo_server();
        let mut proxy = Proxy::before(&address);
        proxy.hold(Way::Down);
        let mut stream = connect(&proxy, MOMENT);
        stream.write_all(b"ask").expect("written");
        super::super::until("the question to arrive", LIMIT, || {
            (*heard.lock().expect("whole") == b"ask").then_some(())
        });
        assert!(heard_back(&mut stream, b"ask").is_err(), "the answer is held");
        proxy.heal();
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        heard_back(&mut stream, b"ask").expect("heard");

        proxy.hold(Way::Up);
        stream.write_all(b"more").expect("written");
        stream.set_read_timeout(Some(MOMENT)).expect("a timeout");
        assert!(heard_back(&mut stream, b"more").is_err() && *heard.lock().expect("whole") == b"ask");
        proxy.cut();
        proxy.heal();
        assert!(heard_back(&mut stream, b"more").is_err(), "held and then cut is lost");
        assert_eq!(*heard.lock().expect("whole"), b"ask");
    }

    #[test]
    fn what_is_late_takes_its_time() {
        let (address, _) = echo_server();
        let proxy = Proxy::before(&address);
        let mut stream = connect(&proxy, LIMIT);
        let late = Duration::from_millis(120);
        proxy.delay(Way::Down, late);
        let began = Instant::now();
        stream.write_all(b"slow").expect("written");
        heard_back(&mut stream, b"slow").expect("heard");
        assert!(began.elapsed() >= late, "{:?}", began.elapsed());
    }

    #[test]
    fn a_socket_is_reached_too() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| echo(stream, &Mutex::default())));
        let mut proxy = Proxy::before_socket(&path);
        let mut stream = connect(&proxy, LIMIT);
        stream.write_all(b"hello").expect("written");
        heard_back(&mut stream, b"hello").expect("heard");
        proxy.cut();
        assert!(heard_back(&mut stream, b"x").is_err());
    }
}
