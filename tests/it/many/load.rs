//! 200 alerts a second at their own times, whatever the hub does: what a fleet of Prometheus servers in trouble sends.
//!
//! Of twenty alerts sixteen repeat what is known, two turn a series over, two are of series never seen before.

use crate::support::alerts::{body, in_seconds, stretch};
use crate::support::{http, measure, until};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Senders, each with requests of its own.
const SENDERS: usize = 4;
/// Alerts in a request.
const ALERTS: usize = 10;
/// From the beginning of one request of a sender to the next: together 200 alerts a second.
const EVERY: Duration = Duration::from_millis(200);
/// Problems that the series are of.
const PROBLEMS: usize = 20;
/// Steady series of a sender.
const STEADY: usize = 40;
/// A request that the hub did not take is sent again so much later.
const AGAIN: Duration = Duration::from_millis(100);

/// One request: when it was due, and how long after that it was answered.
type Answered = (Instant, Duration);

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicUsize,
    requests: Mutex<Vec<Answered>>,
    names: Mutex<Vec<String>>,
}

/// The senders at work.
pub struct Load {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(address: &str, token: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let senders = (0..SENDERS).map(|number| {
            let sender = Sender { number, unique: 0, since: in_seconds(-1), turned: 0 };
            let (shared, address, token) = (Arc::clone(&shared), address.to_owned(), token.to_owned());
            std::thread::spawn(move || sender.run(&shared, &address, &format!("Bearer {token}")))
        });
        Self { senders: senders.collect(), shared }
    }

    /// Returns how many alerts were answered.
    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Waits until so many were answered.
    pub fn wait_for(&self, alerts: usize) {
        until("alerts to be answered", Duration::from_secs(60), || (self.answered() >= alerts).then_some(()));
    }

    /// Ends it; returns the names of all series that were answered for, and what the answers took that were due after `ready`.
    pub fn stop(self, ready: Instant) -> (Vec<String>, String) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.senders.into_iter().for_each(|sender| sender.join().expect("a sender does not panic"));
        let requests = self.shared.requests.lock().expect("whole");
        let micros = |after: bool| {
            let of = requests.iter().filter(|(due, _)| (*due >= ready) == after);
            let mut micros: Vec<u32> = of.map(|(_, took)| took.as_micros() as u32).collect();
            micros.sort_unstable();
            micros
        };
        let (before, after) = (micros(false), micros(true));
        let ms = |sorted: &[u32], hundredth| f64::from(measure::percentile(sorted, hundredth)) / 1000.0;
        let report = format!(
            "ingest after the start: {} requests of {ALERTS}, p50 {:.0} ms, p99 {:.0} ms, at most {:.0} ms (before the kill and over it: p50 {:.0} ms, at most {:.0} ms)",
            after.len(),
            ms(&after, 50),
            ms(&after, 99),
            ms(&after, 100),
            ms(&before, 50),
            ms(&before, 100),
        );
        (self.shared.names.lock().expect("whole").clone(), report)
    }
}

struct Sender {
    number: usize,
    unique: usize,
    since: Timestamp,
    turned: usize,
}

impl Sender {
    fn run(mut self, shared: &Shared, address: &str, bearer: &str) {
        let began = Instant::now() + EVERY * self.number as u32 / SENDERS as u32;
        for round in 0.. {
            let due = began + EVERY * round;
            wait_until(due);
            if shared.stop.load(Ordering::SeqCst) {
                return;
            }
            let (names, alerts) = self.request(round as usize);
            let body = body(&alerts);
            // A request that was not answered is sent again, as a Prometheus does; it counts from when it was due.
            while http::post(address, "/api/v2/alerts", &[("authorization", bearer)], body.as_bytes())
                .map_or(true, |answer| answer.status != 200)
            {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                wait_until(Instant::now() + AGAIN);
            }
            shared.requests.lock().expect("whole").push((due, due.elapsed()));
            shared.names.lock().expect("whole").extend(names);
            shared.answered.fetch_add(alerts.len(), Ordering::SeqCst);
        }
    }

    fn request(&mut self, round: usize) -> (Vec<String>, Vec<Value>) {
        let mut names = Vec::new();
        let mut alerts: Vec<Value> = (0..ALERTS - 2)
            .map(|index| {
                self.alert(
                    &format!("steady-{}-{}", self.number, (round * (ALERTS - 2) + index) % STEADY),
                    self.since,
                    3600,
                )
            })
            .collect();
        self.unique += 1;
        let unique = format!("unique-{}-{}", self.number, self.unique);
        alerts.push(self.alert(&unique, in_seconds(0), 3600));
        let (turned, over) = (self.turned / 2, self.turned % 2 == 1);
        let name = format!("turning-{}-{}", self.number, turned % STEADY);
        alerts.push(self.alert(&name, in_seconds(-1), if over { 0 } else { 3600 }));
        self.turned += 1;
        names.push(unique);
        (names, alerts)
    }

    fn alert(&self, host: &str, start: Timestamp, seconds: i64) -> Value {
        let problem = host.bytes().map(usize::from).sum::<usize>() % PROBLEMS;
        stretch(&format!("Problem{problem}"), &[("host", host), ("service", "shop")], start, in_seconds(seconds))
    }
}

fn wait_until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}
