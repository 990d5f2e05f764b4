//! Once a second: what is due happens, and what is only in memory reaches the disk.

use super::{Hub, fold, own, sources};
use crate::domain::time::Timestamp;
use crate::sync::clock;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often due times are looked at. They are stored as instants, so a late round loses nothing.
const ROUND: Duration = Duration::from_secs(1);
/// A gap between two rounds from which on the hub was away: suspended, stopped, or its clock was set.
const AWAY: Duration = Duration::from_secs(30);
/// Rounds between two writes of counters.
const ROUNDS_BETWEEN_COUNTERS: u64 = 60;
/// Rounds between two tellings of what is only counted: consoles are woken for it.
const ROUNDS_BETWEEN_COUNTS_TOLD: u64 = 300;
/// Rounds between two looks at what is too old to keep; the first is right after the start.
const ROUNDS_BETWEEN_PRUNINGS: u64 = 86_400;
/// Rounds between two looks at what should have happened and has not.
const ROUNDS_BETWEEN_AUDITS: u64 = 30;
/// How late something may be before the hub speaks of it; longer than two looks apart, so that what is under way is not told.
const LATE: Duration = Duration::from_secs(60);
/// Series in one write of counters.
const COUNTERS_MAX: usize = 2000;

/// Runs until the hub stops, then writes what is in memory.
pub async fn run(hub: Arc<Hub>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut engine =
        Engine { hub: hub.clone(), up_since: clock::now(), last: clock::now(), refused: 0, round: 0, pruning: false };
    loop {
        tokio::select! {
            _ = rounds.tick() => engine.round().await,
            () = hub.stop.cancelled() => break,
        }
    }
    engine.write_counters(usize::MAX).await;
}

struct Engine {
    hub: Arc<Hub>,
    /// Since when repeats could reach the hub without a break.
    up_since: Timestamp,
    last: Timestamp,
    /// Requests refused for want of room, as of the last round.
    refused: u64,
    round: u64,
    /// Something too old may be left.
    pruning: bool,
}

impl Engine {
    async fn round(&mut self) {
        let now = clock::now();
        if now.since(self.last) > AWAY || self.last.since(now) > AWAY {
            tracing::warn!(last = %self.last, %now, "the hub was away or its clock was set; words get their full length again");
            self.up_since = now;
        }
        if self.round == 0 {
            // The store takes it for a start only when both are the same.
            self.up_since = now;
        }
        self.last = now;
        self.round += 1;
        if self.round.is_multiple_of(ROUNDS_BETWEEN_COUNTERS) {
            self.write_counters(COUNTERS_MAX).await;
        }
        // First, so that what a source left unsaid while it was silent is not taken for over.
        sources::look(&self.hub, now, self.up_since, self.round.is_multiple_of(ROUNDS_BETWEEN_COUNTS_TOLD)).await;
        self.due(now).await;
        self.tell_overload(now).await;
        self.audit(now).await;
        self.prune(now).await;
        self.hub.metrics.tick.set(now.as_millis() / 1000);
    }

    /// Forgets what is too old, a piece a round, so that alerts get in between.
    async fn prune(&mut self, now: Timestamp) {
        if !self.pruning && self.round % ROUNDS_BETWEEN_PRUNINGS != 1 {
            return;
        }
        let outcome = self.hub.store.prune(now).await;
        self.pruning = matches!(outcome, Ok(true));
        if let Err(error) = outcome {
            fold::failed(&self.hub, &error);
        }
    }

    async fn due(&self, now: Timestamp) {
        if self.hub.firing.has(&own::source()) {
            // While this runs, the hub's silence about its own alerts means that they are over.
            self.hub.spoke(&own::source(), now);
        }
        let mut spoke: Vec<_> =
            std::mem::take(&mut *self.hub.spoke.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect();
        loop {
            match self.hub.store.run_due(now, self.up_since, std::mem::take(&mut spoke)).await {
                Ok(due) => {
                    self.hub.committed(&due.committed);
                    if !due.more || self.hub.stop.is_cancelled() {
                        return;
                    }
                }
                Err(error) => return fold::failed(&self.hub, &error),
            }
        }
    }

    /// Writes the counters of repeats, all of them in pieces, so that alerts get in between.
    async fn write_counters(&self, piece: usize) {
        // What waits now, and no more: under load repeats come in faster than they are written.
        let mut left = self.hub.firing.repeats_waiting();
        while left > 0 {
            let touches = self.hub.firing.take_repeats(piece.min(left));
            left = left.saturating_sub(piece);
            if touches.is_empty() {
                continue;
            }
            match self.hub.store.touch(touches.clone(), clock::now()).await {
                Ok(()) => self.hub.firing.touched(&touches),
                Err(error) => return fold::failed(&self.hub, &error),
            }
        }
    }

    /// What the hub had no room for is told to people, not only counted.
    async fn tell_overload(&mut self, now: Timestamp) {
        let refused = self.hub.metrics.refused_for_room();
        if refused == self.refused {
            return;
        }
        let more = refused - std::mem::replace(&mut self.refused, refused);
        let summary = format!(
            "the hub had no room for {more} requests in the last second; their senders were told to come again"
        );
        self.raise("NightdeskOverloaded", ("limit", "queued_alerts"), &summary, now).await;
    }

    /// Tells people what should have happened and has not: an alarm, not a silent repair.
    async fn audit(&self, now: Timestamp) {
        if !self.round.is_multiple_of(ROUNDS_BETWEEN_AUDITS) {
            return;
        }
        // A page may wait for others to go out with it.
        let late = LATE + self.hub.config.paging.bundle;
        let audit = match self.hub.store.audit(now, late).await {
            Ok(audit) => audit,
            Err(error) => return fold::failed(&self.hub, &error),
        };
        self.hub.metrics.overdue.set(audit.overdue.len() as i64);
        self.hub.metrics.late_pages.set(audit.late_pages as i64);
        self.hub.metrics.waiting_pages.set(audit.waiting_pages as i64);
        self.hub.metrics.oldest_due.set(audit.oldest_due.map_or(0, |due| due.as_millis() / 1000));
        // Just back, the hub is still catching up.
        let just_back = now.since(self.up_since) < AWAY;
        if let Some(summary) = own::late(&audit).filter(|_| !just_back) {
            tracing::error!(summary, "the hub is late");
            self.raise("NightdeskOverdue", ("check", "audit"), &summary, now).await;
        }
        self.triage(now).await;
    }

    /// Tells people what nobody has said how bad it is for longer than the rules let it be.
    async fn triage(&self, now: Timestamp) {
        let deadline = Duration::from_millis(self.hub.triage_ms.load(Ordering::Relaxed));
        match self.hub.store.unexamined(now.minus(deadline)).await {
            Ok(unexamined) => {
                if let Some(summary) = own::untriaged(&unexamined) {
                    let event =
                        own::mild("NightdeskUnexamined", ("check", "triage"), &summary, &self.hub.config.identity, now);
                    fold::raise(&self.hub, event).await;
                }
            }
            Err(error) => fold::failed(&self.hub, &error),
        }
    }

    /// Takes an alert of the hub about itself in.
    async fn raise(&self, name: &str, about: (&str, &str), summary: &str, now: Timestamp) {
        let event = own::alert(name, about, summary, &self.hub.config.identity, now);
        fold::raise(&self.hub, event).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::domain::event::{Alert, End, Event};
    use crate::domain::id::SourceName;
    use crate::domain::label::{LabelLimits, Labels};
    use crate::hub::{Options, prepare};
    use crate::store::hub::Batch;
    use tokio_util::sync::CancellationToken;

    /// An engine over a store in which an alert came in at that time, and nothing has happened since.
    async fn with_an_alert(dir: &std::path::Path, at: Timestamp) -> Engine {
        let options = Options {
            data: dir.to_owned(),
            listen: crate::hub::DEFAULT_LISTEN,
            also: Vec::new(),
            next_free_port: false,
            open_ingest: true,
            demo: false,
            config: config::Hub::default(),
        };
        let (hub, _) = prepare(&options, &[options.listen], CancellationToken::new()).await.unwrap();
        let labels = Labels::new([("alertname", "Down"), ("severity", "critical")], &LabelLimits::LABELS).unwrap();
        let annotations = Labels::new([("summary", "down")], &LabelLimits::ANNOTATIONS).unwrap();
        let end = End::Until(at.plus(Duration::from_secs(1_000_000)));
        let alert = Alert { labels, annotations, starts_at: Some(at), end, generator_url: String::new() };
        let event = Event::new(SourceName::parse("prom").unwrap(), alert, &hub.config.identity, at);
        hub.store.ingest(Batch { now: at, events: vec![event], ..Batch::default() }).await.unwrap();
        Engine { hub, up_since: at, last: at, refused: 0, round: ROUNDS_BETWEEN_AUDITS, pruning: false }
    }

    /// Returns what the feed holds of a kind, as JSON.
    async fn bodies(engine: &Engine, kind: crate::store::FeedKind) -> Vec<serde_json::Value> {
        let page = engine.hub.store.feed(0, 1000, crate::domain::id::NodeId::from_bytes([0; 16])).await.unwrap();
        let rows = page.rows.into_iter().filter(|row| row.kind == kind);
        rows.map(|row| serde_json::from_str(&row.body).unwrap()).collect()
    }

    #[tokio::test]
    async fn what_is_late_becomes_an_incident_about_the_hub() {
        let (dir, now) = (tempfile::tempdir().unwrap(), clock::now());
        let engine = with_an_alert(dir.path(), now.minus(Duration::from_secs(600))).await;
        engine.audit(now).await;
        let incidents = bodies(&engine, crate::store::FeedKind::Incident).await;
        let summary = "the time of incidents 1 passed and nothing happened; see the hub's log";
        assert!(incidents.iter().any(|incident| incident["summary"] == summary), "{incidents:?}");
        assert_eq!(engine.hub.metrics.overdue.get(), 1);
    }

    #[tokio::test]
    async fn what_nobody_examined_by_the_deadline_becomes_an_incident() {
        let (dir, now) = (tempfile::tempdir().unwrap(), clock::now());
        let engine = with_an_alert(dir.path(), now.minus(Duration::from_secs(7200))).await;
        let strange = Labels::new([("alertname", "Odd"), ("severity", "purple")], &LabelLimits::LABELS).unwrap();
        let end = End::Until(now.plus(Duration::from_secs(1000)));
        let annotations = Labels::default();
        let alert = Alert { labels: strange, annotations, starts_at: None, end, generator_url: String::new() };
        let then = now.minus(Duration::from_secs(3600));
        let event = Event::new(SourceName::parse("prom").unwrap(), alert, &engine.hub.config.identity, then);
        engine.hub.store.ingest(Batch { now: then, events: vec![event], ..Batch::default() }).await.unwrap();
        let summary = "nobody has said how bad incidents 2 are: say it on the incident, or by a [[severity]] rule";
        let told = async || {
            engine.triage(now).await;
            let incidents = bodies(&engine, crate::store::FeedKind::Incident).await;
            incidents.iter().any(|incident| incident["summary"] == summary)
        };
        assert!(!told().await, "the deadline is a day");
        engine.hub.triage_ms.store(1_800_000, Ordering::Relaxed);
        assert!(told().await);
    }

    #[tokio::test]
    async fn a_hub_that_just_came_back_catches_up_before_it_speaks_of_being_late() {
        let (dir, now) = (tempfile::tempdir().unwrap(), clock::now());
        let mut engine = with_an_alert(dir.path(), now.minus(Duration::from_secs(600))).await;
        engine.up_since = now.minus(Duration::from_secs(1));
        engine.audit(now).await;
        assert_eq!(bodies(&engine, crate::store::FeedKind::Incident).await.len(), 1);
    }

    #[tokio::test]
    async fn a_hub_that_starts_mends_what_a_wrong_clock_wrote_however_long_its_first_round_lets_wait() {
        let (dir, now) = (tempfile::tempdir().unwrap(), clock::now());
        let ahead = now.plus(Duration::from_secs(20 * 86_400));
        let mut engine = with_an_alert(dir.path(), ahead).await;
        engine.due(ahead).await;
        (engine.up_since, engine.last, engine.round) =
            (now.minus(Duration::from_millis(5)), now.minus(Duration::from_millis(5)), 0);
        engine.round().await;
        let due = bodies(&engine, crate::store::FeedKind::Incident).await[0]["next_due_at"].as_i64().unwrap();
        assert!(due <= now.plus(Duration::from_secs(600)).as_millis(), "{due}");
    }

    #[tokio::test]
    async fn a_clock_that_jumps_ahead_calls_one_level_and_not_all_that_the_time_would_have_been_for() {
        let (dir, now) = (tempfile::tempdir().unwrap(), clock::now());
        let engine = with_an_alert(dir.path(), now).await;
        let known = crate::store::Device {
            node: crate::domain::id::NodeId::from_bytes([1; 16]),
            user: crate::domain::id::UserName::parse("mira").unwrap(),
            public_key: [1; 32],
        };
        let token = crate::store::devices::NewToken {
            id: "00000001".into(),
            hash: [1; 32],
            scope: crate::domain::scope::Scope::Console,
            created_at: now,
        };
        engine.hub.store.register(known, token).await.unwrap();
        engine.due(now.plus(Duration::from_secs(10 * 3600))).await;
        let pages = bodies(&engine, crate::store::FeedKind::Page).await;
        assert_eq!(pages.len(), 1, "{pages:?}");
        engine.due(now.plus(Duration::from_secs(10 * 3600 + 1))).await;
        assert_eq!(bodies(&engine, crate::store::FeedKind::Page).await.len(), 1, "the people called have their time");
    }
}
