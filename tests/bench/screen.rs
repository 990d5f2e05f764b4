//! An alert posted to its row on the screen: hub, console and terminal are real, the terminal is read through vt100.

use super::Options;
use super::measure;
use super::rivals::fresh;
use super::support::hub::{BINARY, Hub};
use super::support::pty::Pty;
use std::time::{Duration, Instant};

const ALERTS: usize = 200;
/// How long the console may take to show an alert.
const LIMIT: Duration = Duration::from_secs(10);

/// Prints the times.
pub fn run(_options: &Options) {
    let dir = fresh("screen");
    let hub = Hub::start(&dir, "");
    let (socket, home) = (hub.socket(), hub.home());
    let home = home.to_str().expect("target's path is text");
    let pty = Pty::start(120, 40, BINARY, &["--hub", &socket], &[("NIGHTDESK_HOME", home)]);
    // The worst one stays on top and selected, so that the newest of the others is always in view.
    post(&hub, "BenchPinned", "emergency", "pinned on top");
    pty.wait_for(LIMIT, |screen| screen.contains("pinned on top"));
    let mut micros = Vec::with_capacity(ALERTS);
    for number in 0..ALERTS {
        let summary = format!("row {number:06}");
        let began = Instant::now();
        post(&hub, &format!("BenchRow{number:06}"), "warning", &summary);
        pty.wait_for(LIMIT, |screen| screen.contains(&summary));
        micros.push(began.elapsed().as_micros() as u32);
    }
    micros.sort_unstable();
    let ms = |hundredth| f64::from(measure::percentile(&micros, hundredth)) / 1e3;
    println!(
        "{ALERTS} alerts, one after the other, from the first byte of the request (a new connection each) to the row at 120x40:\n\
         p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        ms(50),
        ms(99),
        ms(100)
    );
}

fn post(hub: &Hub, name: &str, severity: &str, summary: &str) {
    let body = format!(
        "[{{\"labels\":{{\"alertname\":\"{name}\",\"service\":\"checkout\",\"severity\":\"{severity}\"}},\
         \"annotations\":{{\"summary\":\"{summary}\"}}}}]"
    );
    let answer = hub.ingest("/api/v2/alerts", &body).expect("the hub answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
}
