//! The systems that send alerts, and their silence: an alarm that does not come proves nothing unless its source is known to live.

use super::id::SourceName;
use super::item::{Heartbeat, SourceCounts, SourceHealth, SourceState};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A source may be late by this part of its span.
const GRACE: u32 = 10;
/// Bytes of a ping's body that are kept.
pub const PING_BYTES_MAX: usize = 10 * 1024;

/// Bytes of it that consoles are told.
const SAID_BYTES_MAX: usize = 2048;

/// By what a source shows that it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Any request of it.
    Any,
    /// An alert that a query of the configuration fits, such as Prometheus' Watchdog.
    Heartbeat,
    /// Pings that say how a job ended.
    Ping,
}

/// What the configuration expects of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// By what.
    pub way: Way,
    /// How often at least, in milliseconds.
    pub every_ms: u64,
}

impl Expected {
    /// Returns how long it may say nothing: its span and a tenth.
    pub fn patience(self) -> Duration {
        let every = Duration::from_millis(self.every_ms);
        every + every / GRACE
    }
}

/// What a ping says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It begins.
    Started,
    /// It ended well.
    Succeeded,
    /// It failed, with its exit status where one was given.
    Failed(Option<u8>),
    /// Words, and nothing else.
    Logged,
}

/// A ping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// What it says.
    pub outcome: Outcome,
    /// Its body as text, at most [`PING_BYTES_MAX`].
    pub text: String,
}

/// What was heard of a source since it was last written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Of which.
    pub source: SourceName,
    /// The latest request.
    pub at: Timestamp,
    /// Requests.
    pub requests: u64,
    /// Alerts among them that were heartbeats and nothing else.
    pub beats: u64,
    /// A ping, if it was one.
    pub ping: Option<Ping>,
}

/// A walk through the series of a source, by row: it may be longer than one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// What fires becomes unknown; rows after this one are left.
    Doubt(i64),
    /// What was unknown and has no end fires again; rows after this one are left.
    Trust(i64),
}

/// A source as the hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Its name.
    pub name: SourceName,
    /// What is expected of it; `None` when it may be silent.
    pub expected: Option<Expected>,
    /// The heartbeat's query, as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Since when that is expected.
    pub expected_since: Timestamp,
    /// The latest request; `None` before the first.
    pub heard_at: Option<Timestamp>,
    /// The latest sign of life that was expected.
    pub beat_at: Option<Timestamp>,
    /// Requests so far.
    pub requests: u64,
    /// Expected signs of life so far.
    pub beats: u64,
    /// From when its patience runs: the latest beat or start, later by what the hub itself was away since.
    pub counted_from: Timestamp,
    /// The first start of a job that has not reported its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Since when its job fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// What its latest ping said, as it came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// Since when it is silent, which is its latest beat; `None` while it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
    /// Times that it fell silent.
    #[serde(default)]
    pub silences: u64,
    /// Series that are looked at after it fell silent or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Counters moved since consoles were told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untold: bool,
}

/// What a moment meant for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It fell silent.
    Silent,
    /// It speaks again, or need not any more.
    Back,
}

impl Watched {
    /// Returns a source of which nothing was heard yet and nothing is expected.
    pub fn new(name: SourceName, now: Timestamp) -> Self {
        Self {
            name,
            expected: None,
            query: None,
            expected_since: now,
            heard_at: None,
            beat_at: None,
            requests: 0,
            beats: 0,
            counted_from: now,
            started_at: None,
            failing_since: None,
            said: String::new(),
            silent_since: None,
            silences: 0,
            sweep: None,
            untold: false,
        }
    }

    /// Returns it as consoles know it.
    pub fn item(&self) -> SourceState {
        let heartbeat = self.expected.map(|expected| Heartbeat {
            query: self.query.clone(),
            every_ms: expected.every_ms,
            last: self.beat_at,
        });
        let state = match (self.silent_since, self.heard_at) {
            (Some(_), _) => SourceHealth::Silent,
            (None, None) => SourceHealth::Never,
            (None, Some(_)) => SourceHealth::Heard,
        };
        let counts = SourceCounts {
            requests: self.requests,
            beats: self.beats,
            silences: self.silences,
            failing_since: self.failing_since,
            running_since: self.started_at,
            said: self.said.clone(),
        };
        let (name, last_seen, silent_since) = (self.name.clone(), self.heard_at, self.silent_since);
        SourceState { name, last_seen, heartbeat, silent_since, state, counts }
    }

    /// Returns whether this says more than `before` did, counters aside: what consoles are told at once.
    pub fn is_news(&self, before: &Self) -> bool {
        let said = |watched: &Self| {
            let Self { expected, silent_since, failing_since, started_at, .. } = watched;
            let heard = (watched.heard_at.is_some(), watched.beat_at.is_some());
            (*expected, heard, *silent_since, *failing_since, *started_at)
        };
        said(self) != said(before) || self.query != before.query
    }

    /// Takes what the configuration expects now.
    pub fn expect(&mut self, expected: Option<Expected>, now: Timestamp) -> Option<Turn> {
        if self.expected == expected {
            return None;
        }
        if self.expected.map(|before| before.way) != expected.map(|new| new.way) {
            // By another way it could not be heard before.
            (self.expected_since, self.counted_from) = (now, now);
            (self.beat_at, self.started_at) = (None, None);
        }
        self.expected = expected;
        if expected.is_none() { self.come_back() } else { None }
    }

    /// Makes up for a time in which the hub could hear nobody, and for a clock that was set back.
    pub fn excuse(&mut self, away: Duration, now: Timestamp) {
        self.counted_from = self.counted_from.plus(away).min(now);
        for at in [&mut self.heard_at, &mut self.beat_at, &mut self.started_at, &mut self.failing_since] {
            *at = at.map(|at| at.min(now));
        }
        self.silent_since = self.silent_since.map(|at| at.min(now));
        self.expected_since = self.expected_since.min(now);
    }

    /// Takes what was heard of it.
    pub fn hear(&mut self, heard: &Heard) -> Option<Turn> {
        self.requests += heard.requests;
        self.heard_at = self.heard_at.max(Some(heard.at));
        let beats = match self.expected.map(|expected| expected.way) {
            None => 0,
            Some(Way::Any) => heard.requests,
            Some(Way::Heartbeat) => heard.beats,
            Some(Way::Ping) => self.hear_ping(heard),
        };
        self.beats += beats;
        if beats == 0 {
            return None;
        }
        self.beat_at = self.beat_at.max(Some(heard.at));
        self.counted_from = self.counted_from.max(heard.at);
        self.come_back()
    }

    /// Returns how many signs of life a ping is: one, where a job reported its end, good or bad.
    fn hear_ping(&mut self, heard: &Heard) -> u64 {
        let Some(ping) = &heard.ping else { return 0 };
        ping.text[..ping.text.floor_char_boundary(SAID_BYTES_MAX)].clone_into(&mut self.said);
        match ping.outcome {
            Outcome::Logged => return 0,
            Outcome::Started => {
                // Of a job that begins again and again and never ends, the first start counts.
                if self.started_at.is_none() {
                    self.started_at = Some(heard.at);
                    self.counted_from = self.counted_from.max(heard.at);
                }
                return 0;
            }
            Outcome::Succeeded => self.failing_since = None,
            Outcome::Failed(_) => self.failing_since = self.failing_since.or(Some(heard.at)),
        }
        self.started_at = None;
        1
    }

    fn come_back(&mut self) -> Option<Turn> {
        self.silent_since.take().map(|_| {
            self.sweep = Some(Sweep::Trust(0));
            Turn::Back
        })
    }

    /// Returns when it will be silent unless it speaks; `None` when it need not, or is silent already.
    pub fn silent_at(&self) -> Option<Timestamp> {
        let expected = self.expected.filter(|_| self.silent_since.is_none())?;
        Some(self.counted_from.plus(expected.patience()))
    }

    /// Lets its patience run out.
    pub fn fall_silent(&mut self, now: Timestamp) -> Option<Turn> {
        if self.silent_at().is_none_or(|at| now < at) {
            return None;
        }
        self.silent_since = Some(self.started_at.or(self.beat_at).unwrap_or(self.expected_since).min(now));
        self.silences += 1;
        self.sweep = Some(Sweep::Doubt(0));
        Some(Turn::Silent)
    }

    /// Returns what its silence is told as, such as `source prometheus-eu is silent since 03:10Z`.
    pub fn silence(&self) -> String {
        let name = self.name.as_str();
        let since = self.silent_since.unwrap_or(self.counted_from).hour_minute();
        match (self.started_at, self.beat_at) {
            (Some(_), _) => format!("source {name} began at {since}Z and did not report its end"),
            (None, Some(_)) => format!("source {name} is silent since {since}Z"),
            (None, None) => format!("source {name} was never heard; it is expected since {since}Z"),
        }
    }
}

/// Returns the word for how a source is: `silent`, `failing`, `running`, `expected` (and never heard), `alive`, or `heard`, of which nothing is
/// expected.
pub fn word(source: &SourceState) -> &'static str {
    let SourceCounts { failing_since, running_since, .. } = &source.counts;
    match (source.state, failing_since, running_since, &source.heartbeat) {
        (SourceHealth::Silent, ..) => "silent",
        (_, Some(_), ..) => "failing",
        (_, None, Some(_), _) => "running",
        (_, None, None, Some(heartbeat)) if heartbeat.last.is_none() => "expected",
        (_, None, None, Some(_)) => "alive",
        (_, None, None, None) => "heard",
    }
}

/// Returns a span as people write it, such as `90s`, `5m` or `1h30m`.
pub fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let words: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if words.is_empty() { format!("{millis}ms") } else { words }
}

/// Returns the span that a text such as `1h`, `90m` or `7d` names.
pub fn read_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(unit)?.min(400 * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn source(way: Way) -> Watched {
        let mut state = Watched::new(SourceName::parse("prom").unwrap(), at(0));
        state.expect(Some(Expected { way, every_ms: 60_000 }), at(0));
        state
    }

    fn heard(second: i64, beats: u64, outcome: Option<Outcome>) -> Heard {
        let ping = outcome.map(|outcome| Ping { outcome, text: "words".into() });
        Heard { source: SourceName::parse("prom").unwrap(), at: at(second), requests: 1, beats, ping }
    }

    #[test]
    fn a_source_never_heard_is_silent_after_its_span_and_a_tenth() {
        let mut state = source(Way::Heartbeat);
        assert_eq!(state.fall_silent(at(65)), None);
        assert_eq!(state.fall_silent(at(66)), Some(Turn::Silent));
        assert_eq!(state.silence(), "source prom was never heard; it is expected since 00:00Z");
        assert_eq!(state.fall_silent(at(600)), None, "it fell silent once");
    }

    #[test]
    fn requests_without_the_heartbeat_are_no_sign_of_life_unless_any_is() {
        let mut state = source(Way::Heartbeat);
        state.hear(&heard(50, 0, None));
        assert_eq!((state.heard_at, state.beats, state.fall_silent(at(66))), (Some(at(50)), 0, Some(Turn::Silent)));
        assert_eq!(state.hear(&heard(70, 0, None)), None);
        assert_eq!(state.hear(&heard(71, 1, None)), Some(Turn::Back));
        assert_eq!(state.silent_at(), Some(at(71 + 66)));
        let mut state = source(Way::Any);
        state.hear(&heard(50, 0, None));
        assert_eq!(state.fall_silent(at(66)), None);
    }

    #[test]
    fn the_hubs_own_absence_is_no_silence() {
        let mut state = source(Way::Any);
        state.hear(&heard(10, 0, None));
        // Away from 20 to 1020.
        state.excuse(Duration::from_secs(1000), at(1020));
        assert_eq!(state.fall_silent(at(1020 + 55)), None);
        assert_eq!(state.fall_silent(at(1020 + 56)), Some(Turn::Silent));
        assert_eq!(state.silent_since, Some(at(10)), "told by when it really spoke");
    }

    #[test]
    fn a_clock_set_back_leaves_nothing_in_the_future() {
        let mut state = source(Way::Any);
        state.hear(&heard(10_000, 0, None));
        state.excuse(Duration::ZERO, at(100));
        assert_eq!((state.heard_at, state.silent_at()), (Some(at(100)), Some(at(166))));
    }

    #[test]
    fn a_job_that_began_must_report_its_end_within_its_span() {
        let mut state = source(Way::Ping);
        state.hear(&heard(60, 0, Some(Outcome::Started)));
        state.hear(&heard(100, 0, Some(Outcome::Started)));
        assert_eq!(state.fall_silent(at(125)), None);
        assert_eq!(state.fall_silent(at(126)), Some(Turn::Silent));
        assert_eq!(state.silence(), "source prom began at 00:01Z and did not report its end");
        assert_eq!(state.hear(&heard(130, 0, Some(Outcome::Logged))), None);
        assert_eq!(state.hear(&heard(140, 0, Some(Outcome::Succeeded))), Some(Turn::Back));
        assert_eq!((word(&state.item()), state.said.as_str()), ("alive", "words"));
    }

    #[test]
    fn a_failed_job_lives_and_fails_until_it_succeeds() {
        let mut state = source(Way::Ping);
        state.hear(&heard(10, 0, Some(Outcome::Failed(Some(3)))));
        state.hear(&heard(20, 0, Some(Outcome::Failed(None))));
        assert_eq!(
            (word(&state.item()), state.failing_since, state.silent_at()),
            ("failing", Some(at(10)), Some(at(86)))
        );
        state.hear(&heard(30, 0, Some(Outcome::Succeeded)));
        assert_eq!((word(&state.item()), state.failing_since), ("alive", None));
    }

    #[test]
    fn what_is_expected_no_more_comes_back() {
        let mut state = source(Way::Any);
        state.fall_silent(at(600));
        assert_eq!(state.expect(None, at(700)), Some(Turn::Back));
        assert_eq!((state.silent_at(), state.sweep), (None, Some(Sweep::Trust(0))));
        assert_eq!(state.expect(Some(Expected { way: Way::Any, every_ms: 60_000 }), at(800)), None);
        assert_eq!(state.silent_at(), Some(at(800).plus(MINUTE + MINUTE / 10)), "from when it is expected anew");
    }
}
