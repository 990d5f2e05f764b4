//! Storms: keys pressed while one goes on, and what many of them leave in memory.

use super::{LIMIT, rest, settle};
use crate::measure;
use crate::support::alerts::{firing_until, in_seconds};
use crate::support::hub::Hub;
use crate::support::person::Person;
use crate::support::pty::Pty;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Alerts of the storm, and how long it takes.
const ALERTS: usize = 10_000;
const SPAN: Duration = Duration::from_secs(10);
const BATCH: usize = 100;
/// Between two keys: a key held down repeats about so fast.
const KEY_EVERY: Duration = Duration::from_millis(40);
/// Storms of a week, with so many alerts each.
const WEEK: usize = 42;
const WEEK_ALERTS: usize = 2_000;

/// Prints both tables.
pub fn run(hub: &Hub, mira: &Person) {
    let mut pty = mira.pty(120, 40);
    pty.wait_for(LIMIT, |screen| screen.contains("LIVE") && selected(screen).is_some());
    settle(&pty);
    let before = measure::memory(pty.id()).now;
    let mut micros = keys_in_a_storm(hub, &mut pty);
    settle(&pty);
    micros.sort_unstable();
    let ms = |hundredth| f64::from(measure::percentile(&micros, hundredth)) / 1e3;
    println!(
        "\na storm of {ALERTS} alerts in {} s, {} keys meanwhile, each answered\n\
         key to cursor: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms; resident before {before:.1}, after {:.1} MiB",
        SPAN.as_secs(),
        micros.len(),
        ms(50),
        ms(99),
        ms(100),
        measure::memory(pty.id()).now
    );
    week(hub, &pty);
}

/// Presses keys until the storm is over; returns how long each took.
fn keys_in_a_storm(hub: &Hub, pty: &mut Pty) -> Vec<u32> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            blow(hub, "Storm", ALERTS, SPAN);
            over.store(true, Ordering::SeqCst);
        });
        let mut micros = Vec::new();
        while !over.load(Ordering::SeqCst) {
            let began = Instant::now();
            let before = selected(&pty.screen_text()).expect("a row is selected");
            pty.write(if micros.len() % 2 == 0 { b"j" } else { b"k" });
            pty.wait_for(LIMIT, |screen| selected(screen).is_some_and(|now| now != before));
            micros.push(began.elapsed().as_micros() as u32);
            rest(KEY_EVERY.saturating_sub(began.elapsed()));
        }
        micros
    })
}

/// Sends that many new alerts, spread over the span.
fn blow(hub: &Hub, name: &str, count: usize, span: Duration) {
    let began = Instant::now();
    for (turn, first) in (0..count).step_by(BATCH).enumerate() {
        let due = span.mul_f64((turn * BATCH) as f64 / count as f64);
        rest(due.saturating_sub(began.elapsed()));
        let alerts: Vec<Value> = (first..first + BATCH).map(|number| gust(name, number, 3600)).collect();
        hub.alert(&alerts);
    }
}

/// One alert of a storm: ten nodes of each service are one incident.
fn gust(name: &str, number: usize, seconds: i64) -> Value {
    let (service, node) = (format!("{name}-{:04}", number / 10), format!("node-{number:05}"));
    let labels = [("service", service.as_str()), ("instance", &node), ("severity", "critical")];
    firing_until(name, &labels, in_seconds(seconds))
}

/// Lets a week's storms pass over the same console and prints what it holds.
fn week(hub: &Hub, pty: &Pty) {
    let began = Instant::now();
    println!("\na week: {WEEK} storms of {WEEK_ALERTS} alerts that burn and end, with the same console");
    for storm in 0..WEEK {
        let name = format!("Week{storm:02}");
        blow(hub, &name, WEEK_ALERTS, Duration::ZERO);
        let ends: Vec<Value> = (0..WEEK_ALERTS).map(|number| gust(&name, number, 0)).collect();
        ends.chunks(1000).for_each(|chunk| hub.alert(chunk));
        if storm % 6 == 5 {
            settle(pty);
            let memory = measure::memory(pty.id());
            println!("day {}: resident {:.1} MiB, at most {:.1} MiB", storm / 6 + 1, memory.now, memory.most);
        }
    }
    println!("in {:.0} s", began.elapsed().as_secs_f64());
}

/// Returns the number of the incident under the cursor.
fn selected(screen: &str) -> Option<String> {
    let row = screen.lines().find(|line| line.starts_with("> "))?;
    row.split_whitespace().nth(2).map(str::to_owned)
}
