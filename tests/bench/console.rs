//! The console at its limits: a large mirror, a storm while keys are pressed, a week of storms; and beside tig on the same pseudo-terminal.
//!
//! What is measured, each time between the bytes that go into a terminal of 120x40 and those that come out of it:
//! - *first frame*: from the start of the program to a row of its list on the screen; the median of some starts
//! - *key to frame*: from a key to the first byte that answers it, when nothing else happens
//! - *in a storm*: from a key to the cursor on another incident, while the hub takes alerts and the console shows them
//!
//! tig shows a repository of 20,000 commits. It is no rival, it is a measure of what a terminal program feels like.

mod storm;
mod tig;

use super::Options;
use super::measure;
use super::rivals::fresh;
use super::support::alerts::{firing_until, in_seconds};
use super::support::hub::Hub;
use super::support::person::Person;
use super::support::pty::Pty;
use super::support::{try_until, until};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Incidents that the mirror knows, and how many of them are open.
const INCIDENTS: usize = 10_000;
const OPEN: usize = 1_000;
/// Series of each incident.
const SERIES: usize = 10;
const STARTS: usize = 9;
const KEYS: usize = 200;
const LIMIT: Duration = Duration::from_secs(60);
/// After so long without a byte a screen stands still.
const QUIET: Duration = Duration::from_millis(60);
const IDLE: Duration = Duration::from_secs(10);
/// What resolves is over at once, and nobody's lease runs out while it is measured.
pub const HUB_TOML: &str = "[timing]\nflap_window = \"1s\"\nack_lease = \"24h\"\n[limits]\nfiring_series = 400000\n";

/// What one program came to.
pub struct Measured {
    /// Microseconds, going up.
    starts: Vec<u32>,
    keys: Vec<u32>,
    bytes_a_key: f64,
    idle_bytes: usize,
    idle_cpu: Duration,
    memory: f64,
}

/// Prints the tables.
pub fn run(_options: &Options) {
    let dir = fresh("console");
    let hub = Hub::start(&dir.join("hub"), HUB_TOML);
    fill(&hub);
    let mira = Person::near(&hub, &dir.join("mira"), "mira");
    let known = mira.list().len();
    assert!(known >= OPEN, "{known} incidents are listed");
    let ours = measured(|| mira.pty(120, 40), |screen| screen.contains("S5 ") && screen.contains("Filler"), b"j", b"k");
    let theirs = tig::measured(&dir.join("repository"));
    print(&ours, &theirs);
    lone_events(&hub, &mira);
    storm::run(&hub, &mira);
}

/// Gives the hub its incidents; all but some are over.
fn fill(hub: &Hub) {
    let began = Instant::now();
    post(hub, 0, in_seconds(86_400));
    post(hub, OPEN, in_seconds(0));
    println!("{} series, most of them over: {:.0} s", INCIDENTS * SERIES, began.elapsed().as_secs_f64());
}

/// Posts the series of all incidents but the first.
fn post(hub: &Hub, but: usize, end: jiff::Timestamp) {
    let numbers: Vec<usize> = (but * SERIES..INCIDENTS * SERIES).collect();
    for chunk in numbers.chunks(1000) {
        let alerts: Vec<Value> = chunk.iter().map(|number| filler(*number, end)).collect();
        hub.alert(&alerts);
    }
}

fn filler(number: usize, end: jiff::Timestamp) -> Value {
    let (incident, series) = (number / SERIES, number % SERIES);
    let labels = [
        ("service", format!("service-{:03}", incident % 300)),
        ("instance", format!("node-{series:02}:9100")),
        ("severity", "warning".to_owned()),
    ];
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
    firing_until(&format!("Filler{incident:05}"), &labels, end)
}

/// Measures a program that shows a list: how it starts, how it answers keys, what it takes at rest.
fn measured(start: impl Fn() -> Pty, shown: impl Fn(&str) -> bool, down: &[u8], up: &[u8]) -> Measured {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let pty = start();
        pty.wait_for(LIMIT, &shown);
        starts.push(began.elapsed().as_micros() as u32);
    }
    let mut pty = start();
    pty.wait_for(LIMIT, &shown);
    settle(&pty);
    let (mut keys, before) = (Vec::new(), pty.bytes_written());
    for number in 0..KEYS {
        let (began, written) = (Instant::now(), pty.bytes_written());
        pty.write(if number % 40 < 20 { down } else { up });
        assert!(pty.wait_for_bytes(written, LIMIT), "a key was not answered");
        keys.push(began.elapsed().as_micros() as u32);
        settle(&pty);
    }
    let bytes_a_key = (pty.bytes_written() - before) as f64 / KEYS as f64;
    let (bytes, cpu) = (pty.bytes_written(), measure::cpu(pty.id()));
    rest(IDLE);
    starts.sort_unstable();
    keys.sort_unstable();
    Measured {
        starts,
        keys,
        bytes_a_key,
        idle_bytes: pty.bytes_written() - bytes,
        idle_cpu: measure::cpu(pty.id()) - cpu,
        memory: measure::memory(pty.id()).now,
    }
}

/// Waits until the program wrote nothing for a moment.
fn settle(pty: &Pty) {
    until("a screen that stands still", LIMIT, || {
        let before = pty.bytes_written();
        try_until(QUIET, || (pty.bytes_written() != before).then_some(())).is_none().then_some(())
    });
}

/// Lets that time pass without taking any of the processor.
fn rest(span: Duration) {
    let began = Instant::now();
    while let Some(left) = span.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

fn print(ours: &Measured, theirs: &Measured) {
    let ms = |micros: u32| f64::from(micros) / 1e3;
    let at = |list: &[u32], hundredth| ms(measure::percentile(list, hundredth));
    println!(
        "\n{INCIDENTS} incidents ({OPEN} open) with {} series, beside tig with {} commits, both at 120x40\n{:<26} {:>10} {:>10} {:>8}",
        INCIDENTS * SERIES,
        tig::COMMITS,
        "",
        "nightdesk",
        "tig",
        "ratio"
    );
    let row = |name: &str, ours: f64, theirs: f64| {
        let ratio = if theirs > 0.0 { format!("{:.2}", ours / theirs) } else { "-".to_owned() };
        println!("{name:<26} {ours:>10.2} {theirs:>10.2} {ratio:>8}");
    };
    row("first frame p50, ms", at(&ours.starts, 50), at(&theirs.starts, 50));
    row("first frame worst, ms", at(&ours.starts, 100), at(&theirs.starts, 100));
    row("key to frame p50, ms", at(&ours.keys, 50), at(&theirs.keys, 50));
    row("key to frame p99, ms", at(&ours.keys, 99), at(&theirs.keys, 99));
    row("key to frame worst, ms", at(&ours.keys, 100), at(&theirs.keys, 100));
    row("bytes a key", ours.bytes_a_key, theirs.bytes_a_key);
    row("resident, MiB", ours.memory, theirs.memory);
    row("idle 10 s, bytes", ours.idle_bytes as f64, theirs.idle_bytes as f64);
    row("idle 10 s, cpu ms", ours.idle_cpu.as_secs_f64() * 1e3, theirs.idle_cpu.as_secs_f64() * 1e3);
}

/// Prints how many bytes one alert and one page cost.
fn lone_events(hub: &Hub, mira: &Person) {
    let pty = mira.pty(120, 40);
    pty.wait_for(LIMIT, |screen| screen.contains("LIVE") && screen.contains("Filler"));
    for (what, severity) in [("a new alert that calls nobody", "info"), ("a page", "critical")] {
        settle(&pty);
        let before = pty.bytes_written();
        let end = in_seconds(86_400);
        hub.alert(&[firing_until(&format!("Lone-{severity}"), &[("service", "lone"), ("severity", severity)], end)]);
        assert!(pty.wait_for_bytes(before, LIMIT) || severity == "info", "{what} is not shown");
        settle(&pty);
        println!("{what}: {} bytes", pty.bytes_written() - before);
    }
}
