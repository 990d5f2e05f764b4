//! What the hub tells of itself at `/metrics`, in Prometheus' format.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The source of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BySource {
    /// Its name.
    pub source: String,
}

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByReason {
    /// In a word.
    pub reason: &'static str,
}

/// What became of pages, by their channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByChannel {
    /// Its name.
    pub channel: String,
    /// In a word.
    pub outcome: &'static str,
}

/// All of them.
pub struct Metrics {
    registry: Registry,
    /// Alerts received, repeats included.
    pub received: Family<BySource, Counter>,
    /// Alerts that repeated what was known and were answered from memory.
    pub repeated: Counter,
    /// Alerts and bodies kept in quarantine.
    pub quarantined: Family<BySource, Counter>,
    /// Requests refused.
    pub refused: Family<ByReason, Counter>,
    /// Seconds of a commit of queued alerts.
    pub commit_seconds: Histogram,
    /// Alerts in a commit.
    pub commit_alerts: Histogram,
    /// Series that burn or are unknown.
    pub firing: Gauge,
    /// Incidents opened.
    pub opened: Counter,
    /// Operations judged.
    pub judged: Family<ByReason, Counter>,
    /// Consoles that wait for news.
    pub waiting: Gauge,
    /// Attempts to page somebody, and what consoles said.
    pub pages: Family<ByChannel, Counter>,
    /// Pages that are to be sent or being sent, as of the last audit.
    pub waiting_pages: Gauge,
    /// When the first of those was or will be due, in seconds since 1970; 0 when there are none.
    pub oldest_due: Gauge,
    /// Pages that were due a minute ago and are not sent.
    pub late_pages: Gauge,
    /// Incidents whose due time passed a minute ago.
    pub overdue: Gauge,
    /// Times that the configuration was read anew.
    pub reloads: Family<ByReason, Counter>,
    /// Heartbeats to the outside.
    pub heartbeats: Family<ByReason, Counter>,
    /// When each source was heard last, in seconds since 1970.
    pub source_heard: Family<BySource, Gauge>,
    /// 1 for a source that is silent though it is expected to speak, else 0.
    pub source_silent: Family<BySource, Gauge>,
    /// Expected signs of life of each source so far.
    pub source_beats: Family<BySource, Gauge>,
    /// Silences and inhibited alerts of each Alertmanager in front that count here.
    pub upstream_hidden: Family<BySource, Gauge>,
    /// Polls of each Alertmanager in front that failed in a row; three, and it hides nothing.
    pub upstream_failures: Family<BySource, Gauge>,
    /// Seconds since 1970 of the engine's last round: a hub whose value is old has stopped.
    pub tick: Gauge,
}

impl Metrics {
    /// Returns a registry with every metric at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("nightdesk");
        let metrics = Self {
            received: Family::default(),
            repeated: Counter::default(),
            quarantined: Family::default(),
            refused: Family::default(),
            commit_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            commit_alerts: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            firing: Gauge::default(),
            opened: Counter::default(),
            judged: Family::default(),
            waiting: Gauge::default(),
            pages: Family::default(),
            waiting_pages: Gauge::default(),
            oldest_due: Gauge::default(),
            late_pages: Gauge::default(),
            overdue: Gauge::default(),
            reloads: Family::default(),
            heartbeats: Family::default(),
            source_heard: Family::default(),
            source_silent: Family::default(),
            source_beats: Family::default(),
            upstream_hidden: Family::default(),
            upstream_failures: Family::default(),
            tick: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("alerts_received", "Alerts received, repeats included", metrics.received.clone());
        registry.register("alerts_repeated", "Alerts that repeated what was known", metrics.repeated.clone());
        registry.register("quarantined", "Alerts and bodies kept in quarantine", metrics.quarantined.clone());
        registry.register("requests_refused", "Requests refused", metrics.refused.clone());
        registry.register("commit_seconds", "Seconds of a commit of queued alerts", metrics.commit_seconds.clone());
        registry.register("commit_alerts", "Alerts in a commit", metrics.commit_alerts.clone());
        registry.register("series_firing", "Series that burn or are unknown", metrics.firing.clone());
        registry.register("incidents_opened", "Incidents opened", metrics.opened.clone());
        registry.register("operations_judged", "Operations judged, by outcome", metrics.judged.clone());
        registry.register("consoles_waiting", "Consoles that wait for news", metrics.waiting.clone());
        registry.register("pages", "Pages, by channel and outcome of the attempt", metrics.pages.clone());
        registry.register("pages_waiting", "Pages to be sent or being sent", metrics.waiting_pages.clone());
        registry.register(
            "pages_oldest_due_seconds",
            "When the first waiting page was due",
            metrics.oldest_due.clone(),
        );
        registry.register("pages_late", "Pages due a minute ago that are not sent", metrics.late_pages.clone());
        registry.register("incidents_overdue", "Incidents due a minute ago", metrics.overdue.clone());
        registry.register("reloads", "Times the configuration was read anew, by outcome", metrics.reloads.clone());
        registry.register("heartbeats", "Heartbeats to the outside, by outcome", metrics.heartbeats.clone());
        registry.register("source_heard_seconds", "When each source was heard last", metrics.source_heard.clone());
        registry.register("source_silent", "Whether an expected source is silent", metrics.source_silent.clone());
        registry.register("source_beats", "Expected signs of life of each source", metrics.source_beats.clone());
        registry.register("upstream_hidden", "What an Alertmanager in front hides", metrics.upstream_hidden.clone());
        registry.register("upstream_failures", "Failed polls in a row", metrics.upstream_failures.clone());
        registry.register("engine_tick_seconds", "Time of the engine's last round", metrics.tick.clone());
        Self { registry, ..metrics }
    }

    /// Returns how many requests were refused because nothing more could be queued or written.
    pub fn refused_for_room(&self) -> u64 {
        ["queue_full", "not_committed"]
            .map(|reason| self.refused.get_or_create(&ByReason { reason }).get())
            .iter()
            .sum()
    }

    /// Returns the text for a scrape.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail; an empty page would show as a failed scrape.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
