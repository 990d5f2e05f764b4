//! What the tests stand on: real servers, terminals and a hub, each started in a folder of the test and killed on drop.
//!
//! Nothing sleeps: what is awaited is asked for again and again up to a limit ([`until`]).
#![allow(dead_code, reason = "a test uses the part it needs")]

pub mod alerting;
pub mod alerts;
pub mod corpus;
pub mod database;
pub mod desktop;
pub mod http;
pub mod hub;
pub mod light;
pub mod measure;
pub mod mirror;
pub mod night;
pub mod operator;
pub mod person;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod pty;
pub mod random;
pub mod runbooks;
pub mod servers;
pub mod target;
pub mod tmux;
pub mod vigil;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Asks `probe` every 20 ms until it answers.
///
/// # Panics
/// When `limit` has passed without an answer; the message names `what` was awaited.
pub fn until<T>(what: &str, limit: Duration, probe: impl FnMut() -> Option<T>) -> T {
    try_until(limit, probe).unwrap_or_else(|| panic!("waited {limit:?} in vain for {what}"))
}

/// Asks `probe` every 20 ms until it answers, or `None` when `limit` has passed. Asks at least once.
pub fn try_until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        let left = limit.checked_sub(began.elapsed())?;
        std::thread::park_timeout(left.min(Duration::from_millis(20)));
    }
}

/// Returns a number from the environment (`tests/long` sets larger ones), or `default` where it is not set.
///
/// # Panics
/// When the variable is set to something that is not a number: a typo must not shorten a test.
pub fn count(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
        Err(_) => default,
    }
}

/// Returns a loopback port nobody listens on, never the same twice in this process.
///
/// It lies below the ports that the kernel hands out (from 32768), so no outgoing connection takes it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    (0..10_000)
        .map(|_| 20_000 + (start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of 10,000 ports is free")
}
