//! Three scenes: a disk that fills, a probe that flaps, and a storm from one root cause. Pure: the alerts of a moment.

use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// After this the scenes begin again.
const ROUND: u64 = 300;
/// How long an end is repeated.
const ENDS_REPEATED: u64 = 20;
/// How long the word of a firing alert holds.
const PROMISE: Duration = Duration::from_secs(60);

/// One alert's part in a scene, in seconds from the scene's beginning.
struct Part {
    labels: Vec<(&'static str, String)>,
    summary: String,
    from: u64,
    to: u64,
}

/// Returns the body of a POST to `/api/v2/alerts` at `now`, for scenes that began at `start`.
pub fn alerts(start: Timestamp, now: Timestamp) -> Vec<Value> {
    let elapsed = now.since(start).as_secs();
    let round = start.plus(Duration::from_secs(elapsed / ROUND * ROUND));
    let second = elapsed % ROUND;
    let mut parts = disk(second);
    parts.extend(probe(second));
    parts.extend(storm());
    parts.iter().filter_map(|part| part.alert(round, second, now)).collect()
}

impl Part {
    fn alert(&self, round: Timestamp, second: u64, now: Timestamp) -> Option<Value> {
        if second < self.from || second >= self.to + ENDS_REPEATED {
            return None;
        }
        let ends_at = if second < self.to { now.plus(PROMISE) } else { round.plus(Duration::from_secs(self.to)) };
        let labels: Map<String, Value> =
            self.labels.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone()))).collect();
        Some(json!({
            "labels": labels,
            "annotations": { "summary": self.summary },
            "startsAt": round.plus(Duration::from_secs(self.from)).to_string(),
            "endsAt": ends_at.to_string(),
            "generatorURL": "http://prometheus.demo.invalid/graph",
        }))
    }
}

fn labels(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// A disk that gets worse: its text says so, and from 92 % on a second rule raises the severity.
fn disk(second: u64) -> Vec<Part> {
    let disk = |severity| {
        labels(&[
            ("alertname", "DiskFilling"),
            ("service", "db-orders"),
            ("instance", "db-orders-1"),
            ("device", "/dev/nvme0n1"),
            ("severity", severity),
        ])
    };
    let full = (80 + second.min(190) / 10).min(99);
    let hours = 100_u64.saturating_sub(full) / 2;
    let summary = format!("/var/lib/postgresql is {full} % full, full in about {hours} h");
    vec![
        Part { labels: disk("warning"), summary: summary.clone(), from: 2, to: 230 },
        Part { labels: disk("critical"), summary, from: 120, to: 230 },
    ]
}

/// A probe that fails for six seconds out of fourteen.
fn probe(second: u64) -> Vec<Part> {
    let turn = second / 14;
    let labels = labels(&[
        ("alertname", "ProbeFailed"),
        ("service", "shop"),
        ("instance", "https://shop.demo.invalid/cart"),
        ("severity", "warning"),
    ]);
    let from = turn * 14 + 6;
    // Until its turn comes it shows the end of the turn before.
    let from = if second < from { from.saturating_sub(14) } else { from };
    if from == 0 || second < 6 {
        return Vec::new();
    }
    vec![Part { labels, summary: "checkout answers with 502 from eu-1".into(), from, to: from + 6 }]
}

/// One switch dies: what hangs on it follows within seconds.
fn storm() -> Vec<Part> {
    let switch = labels(&[
        ("alertname", "SwitchUnreachable"),
        ("service", "network"),
        ("instance", "sw4"),
        ("rack", "r4"),
        ("severity", "critical"),
    ]);
    let mut parts =
        vec![Part { labels: switch, summary: "switch sw4 (rack r4) does not answer".into(), from: 45, to: 150 }];
    for host in 1..=24_u64 {
        let instance = format!("node-r4-{host:02}");
        let labels = labels(&[
            ("alertname", "InstanceDown"),
            ("job", "node"),
            ("instance", &instance),
            ("rack", "r4"),
            ("severity", "error"),
        ]);
        parts.push(Part {
            labels,
            summary: format!("{instance} and others in rack r4 are down"),
            from: 48 + host / 4,
            to: 156 + host / 4,
        });
    }
    for (service, share) in [("payments-api", 38), ("search", 12), ("cdn-edge", 7)] {
        let labels = labels(&[("alertname", "ErrorRateHigh"), ("service", service), ("severity", "critical")]);
        parts.push(Part {
            labels,
            summary: format!("{share} % of requests fail, more than 5 % for 3 m"),
            from: 56,
            to: 160,
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{Format, Limits};

    fn at(second: u64) -> (usize, usize) {
        let start = Timestamp::from_millis(1_700_000_000_000);
        let now = start.plus(Duration::from_secs(second));
        let body = serde_json::to_vec(&alerts(start, now)).unwrap();
        let parsed = Format::AlertmanagerApi.parse(&body, &Limits::default(), now).unwrap();
        (parsed.alerts.len(), parsed.malformed.len())
    }

    #[test]
    fn every_moment_is_a_body_that_the_hub_takes() {
        for second in 0..2 * ROUND {
            assert_eq!(at(second).1, 0, "second {second}");
        }
    }

    #[test]
    fn the_storm_comes_and_goes() {
        assert_eq!(at(40).0, 2);
        assert_eq!(at(100).0, 30);
        assert_eq!(at(295).0, 1);
    }
}
