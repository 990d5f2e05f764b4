//! What both back ends must hold of sources, changes and the funnel, by a clock of the test's own.

use super::*;
use crate::domain::day::{Counts, DayNumber};
use crate::domain::holds::{Handles, Handling};
use crate::domain::incident::Told;
use crate::domain::item::{Change, ChangeKind, Item, ItemKind, SourceHealth, SourceState};
use crate::domain::source::{Expected, Heard, Outcome, Ping, Way};
use crate::store::hub::Round;
use std::time::Duration;

const EVERY: i64 = 300;
/// The span and its grace.
const PATIENCE: i64 = 330;

/// A store, and a hub's engine that looks at it once a second of a clock that the test sets.
struct Night {
    desk: Desk,
    now: i64,
    up_since: i64,
    way: Option<Way>,
}

fn prometheus() -> SourceName {
    SourceName::parse("prometheus").unwrap()
}

impl Night {
    /// A hub that just started and expects something of Prometheus.
    fn begin(make: Make, way: Way) -> Self {
        Self { desk: make(rules()), now: 0, up_since: 0, way: Some(way) }
    }

    /// A round of the engine, with what was heard before it.
    async fn round(&mut self, heard: Vec<Heard>) {
        let expected = self.way.map(|way| (prometheus(), (Expected { way, every_ms: EVERY as u64 * 1000 }, None)));
        let mut spoke: Vec<_> = heard.iter().map(|heard| (heard.source.clone(), heard.at)).collect();
        let round = Round {
            now: at(self.now),
            hub_up_since: Some(at(self.up_since)),
            expected: expected.into_iter().collect(),
            heard,
            tell_counts: false,
        };
        let mut round = round;
        while self.desk.store.watch(round.clone()).await.unwrap().more {
            round.heard.clear();
        }
        while self.desk.store.run_due(at(self.now), at(self.up_since), std::mem::take(&mut spoke)).await.unwrap().more {
        }
    }

    /// Lets the clock go on in steps of ten seconds, in which nothing is heard.
    async fn wait_until(&mut self, second: i64) {
        while self.now < second {
            self.now = (self.now + 10).min(second);
            self.round(Vec::new()).await;
        }
    }

    async fn hear(&mut self, beats: u64, outcome: Option<Outcome>) {
        let ping = outcome.map(|outcome| Ping { outcome, text: "disk full\nsecond line".into() });
        self.round(vec![Heard { source: prometheus(), at: at(self.now), requests: 1, beats, ping }]).await;
    }

    async fn source(&self) -> SourceState {
        let items = self.desk.store.items(ItemKind::Source).await.unwrap();
        let sources = items.into_iter().filter_map(|item| match item {
            Item::Source(source) => Some(source),
            _ => None,
        });
        sources.into_iter().find(|source| source.name == prometheus()).unwrap()
    }

    /// Returns the one incident of that alert, with the summary.
    async fn about(&self, name: &str) -> Option<Incident> {
        let incidents = self.desk.incidents().await;
        incidents.into_iter().rfind(|incident| incident.group_key.contains(name))
    }

    async fn state(&self, instance: &str) -> SeriesState {
        let series = self.desk.series().await;
        series.iter().find(|series| series.labels.get("instance") == Some(instance)).unwrap().state
    }

    async fn lines(&self, told: Told) -> Vec<String> {
        let rows = self.desk.page(0, 100_000).await.rows;
        let lines = rows.iter().filter(|row| row.kind == FeedKind::Line);
        let lines = lines.map(|row| serde_json::from_str::<crate::domain::incident::Line>(&row.body).unwrap());
        lines.filter(|line| line.told == told).map(|line| line.text).collect()
    }
}

macro_rules! on_both {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            mod $name {
                use super::*;
                #[tokio::test]
                async fn sqlite() { super::$name(sqlite_by).await }
                #[tokio::test]
                async fn memory() { super::$name(memory_by).await }
            }
        )*
    };
}

on_both!(
    a_silent_source_is_an_incident_and_what_it_had_firing_is_unknown_at_once,
    what_is_real_only_after_its_source_fell_silent_is_unknown,
    what_is_not_repeated_after_a_silence_expires_after_its_promise,
    a_word_without_an_end_holds_again_after_a_silence,
    a_source_never_heard_is_silent_after_every,
    the_hubs_downtime_is_no_silence_of_a_source,
    a_silence_survives_a_restart,
    a_flapping_heartbeat_is_one_incident,
    clock_jumps_silence_nobody_and_hide_no_silence,
    a_source_that_is_expected_no_more_is_silent_no_more,
    more_series_than_one_transaction_takes_become_unknown,
    a_failed_job_is_an_alert_that_the_next_success_resolves,
    the_funnel_counts_exactly,
    a_change_stands_in_the_timelines_that_it_is_about,
    a_flood_of_changes_does_not_flood_timelines,
);

async fn a_silent_source_is_an_incident_and_what_it_had_firing_is_unknown_at_once(make: Make) {
    let mut night = Night::begin(make, Way::Heartbeat);
    night.hear(1, None).await;
    night.desk.take(vec![event("prometheus", "a", 0, 0, End::Until(at(100_000)))]).await;
    night.wait_until(PATIENCE - 1).await;
    assert!(night.about("SourceSilent").await.is_none());
    assert_eq!(night.state("a").await, SeriesState::Firing);
    night.wait_until(PATIENCE).await;
    let silent = night.about("SourceSilent").await.unwrap();
    assert_eq!(silent.summary, format!("source prometheus is silent since {}Z", at(0).hour_minute()));
    assert_eq!((silent.severity.unwrap().number(), silent.shown()), (2, Shown::New));
    assert_eq!(night.state("a").await, SeriesState::Unknown, "long before its word runs out");
    assert_eq!(night.about("Down").await.unwrap().shown(), Shown::Unknown);
    let source = night.source().await;
    assert_eq!((source.state, source.silent_since), (SourceHealth::Silent, Some(at(0))));
    // It speaks again, and repeats what burns.
    night.now += 10;
    night.hear(1, None).await;
    assert_eq!(night.about("SourceSilent").await.unwrap().shown(), Shown::Recovering);
    assert_eq!(night.source().await.state, SourceHealth::Heard);
    let now = night.now;
    night.desk.take(vec![event("prometheus", "a", now, 0, End::Until(at(100_000)))]).await;
    assert_eq!(night.state("a").await, SeriesState::Firing);
    assert_eq!(night.about("Down").await.unwrap().shown(), Shown::New);
}

/// Everything must burn for ten minutes.
#[derive(Debug)]
struct Slowly;

impl Handles for Slowly {
    fn handling(&self, _: &Series) -> Handling {
        Handling { pending: Duration::from_secs(600), ..Handling::default() }
    }
}

async fn what_is_real_only_after_its_source_fell_silent_is_unknown(make: Make) {
    let desk = make(Rules { handles: Arc::new(Slowly), ..rules() });
    let mut night = Night { desk, now: 0, up_since: 0, way: Some(Way::Heartbeat) };
    night.hear(1, None).await;
    night.desk.take(vec![event("prometheus", "a", 0, 0, End::Until(at(100_000)))]).await;
    night.wait_until(599).await;
    assert_eq!(night.state("a").await, SeriesState::Pending);
    night.wait_until(600).await;
    assert_eq!(night.state("a").await, SeriesState::Unknown, "nobody knows whether it still burns");
    assert_eq!(night.about("Down").await.unwrap().shown(), Shown::Unknown, "and it is not kept back");
}

async fn what_is_not_repeated_after_a_silence_expires_after_its_promise(make: Make) {
    let mut night = Night::begin(make, Way::Heartbeat);
    night.hear(1, None).await;
    night.desk.take(vec![fires("a", 0)]).await;
    // Its word ran out at 240, and requests without the heartbeat prove nothing.
    night.wait_until(600).await;
    night.hear(0, None).await;
    night.wait_until(1000).await;
    assert_eq!(night.state("a").await, SeriesState::Unknown);
    night.hear(1, None).await;
    night.wait_until(1239).await;
    assert_eq!(night.state("a").await, SeriesState::Unknown, "its source has its time to repeat it");
    night.wait_until(1240).await;
    assert_eq!(night.state("a").await, SeriesState::Expired);
}

async fn a_word_without_an_end_holds_again_after_a_silence(make: Make) {
    let mut night = Night::begin(make, Way::Any);
    night.hear(0, None).await;
    night.desk.take(vec![event("prometheus", "a", 0, 0, End::Open)]).await;
    night.wait_until(PATIENCE).await;
    assert_eq!(night.state("a").await, SeriesState::Unknown);
    night.hear(0, None).await;
    assert_eq!(night.state("a").await, SeriesState::Firing);
}

async fn a_source_never_heard_is_silent_after_every(make: Make) {
    let mut night = Night::begin(make, Way::Heartbeat);
    night.round(Vec::new()).await;
    night.wait_until(PATIENCE - 1).await;
    assert!(night.about("SourceSilent").await.is_none());
    assert_eq!(night.source().await.state, SourceHealth::Never);
    night.wait_until(PATIENCE).await;
    assert!(night.about("SourceSilent").await.unwrap().summary.contains("never heard"));
}

async fn the_hubs_downtime_is_no_silence_of_a_source(make: Make) {
    let mut night = Night::begin(make, Way::Heartbeat);
    night.hear(1, None).await;
    night.wait_until(120).await;
    // Away for an hour; the source has what was left of its patience.
    (night.now, night.up_since) = (3720, 3720);
    night.round(Vec::new()).await;
    night.wait_until(3720 + PATIENCE - 120 - 1).await;
    assert!(night.about("SourceSilent").await.is_none());
    // At most what the hub's presence is written down late more.
    night.wait_until(3720 + PATIENCE - 120 + 60).await;
    assert!(night.about("SourceSilent").await.is_some());
    assert_eq!(night.source().await.silent_since, Some(at(0)));
}

async fn a_silence_survives_a_restart(make: Make) {
    let mut night = Night::begin(make, Way::Any);
    night.hear(0, None).await;
    night.desk.take(vec![fires("a", 0)]).await;
    night.wait_until(PATIENCE).await;
    let before = night.about("SourceSilent").await.unwrap();
    (night.now, night.up_since) = (4000, 4000);
    night.round(Vec::new()).await;
    night.wait_until(8000).await;
    assert_eq!(night.about("SourceSilent").await.unwrap().number, before.number);
    assert_eq!(night.state("a").await, SeriesState::Unknown);
    night.hear(0, None).await;
    night.wait_until(8010).await;
    assert_eq!(night.about("SourceSilent").await.unwrap().shown(), Shown::Recovering);
}

async fn a_flapping_heartbeat_is_one_incident(make: Make) {
    let mut night = Night::begin(make, Way::Heartbeat);
    night.desk.take(vec![event("prometheus", "a", 0, 0, End::Until(at(1_000_000)))]).await;
    for turn in 0..5 {
        night.hear(1, None).await;
        let began = night.now;
        night.desk.take(vec![event("prometheus", "a", began, 0, End::Until(at(1_000_000)))]).await;
        assert_eq!(night.state("a").await, SeriesState::Firing, "turn {turn}");
        night.wait_until(began + PATIENCE + 20).await;
        assert_eq!(night.state("a").await, SeriesState::Unknown, "turn {turn}");
    }
    let silent: Vec<_> =
        night.desk.incidents().await.into_iter().filter(|one| one.group_key.contains("SourceSilent")).collect();
    assert_eq!(silent.len(), 1, "a flap is not a new night");
    assert_eq!(night.desk.store.sources().await.unwrap()[0].silences, 5);
}

async fn clock_jumps_silence_nobody_and_hide_no_silence(make: Make) {
    let mut night = Night::begin(make, Way::Any);
    night.hear(0, None).await;
    night.wait_until(60).await;
    // Ahead by a day: the engine takes it for an absence.
    (night.now, night.up_since) = (86_460, 86_460);
    night.round(Vec::new()).await;
    assert!(night.about("SourceSilent").await.is_none());
    night.hear(0, None).await;
    // And back: what lies in the future now does not hide a silence.
    (night.now, night.up_since) = (100, 100);
    night.round(Vec::new()).await;
    night.wait_until(100 + PATIENCE - 1).await;
    assert!(night.about("SourceSilent").await.is_none());
    night.wait_until(100 + PATIENCE).await;
    assert!(night.about("SourceSilent").await.is_some());
    // Silent, and the clock goes back again: it can still come back.
    (night.now, night.up_since) = (10, 10);
    night.hear(0, None).await;
    assert_eq!(night.about("SourceSilent").await.unwrap().shown(), Shown::Recovering);
    night.desk.take(vec![fires("a", 10)]).await;
    night.wait_until(20).await;
    assert_eq!(night.state("a").await, SeriesState::Firing);
}

async fn a_source_that_is_expected_no_more_is_silent_no_more(make: Make) {
    let mut night = Night::begin(make, Way::Any);
    night.desk.take(vec![event("prometheus", "a", 0, 0, End::Open)]).await;
    night.wait_until(PATIENCE + 10).await;
    assert_eq!(night.state("a").await, SeriesState::Unknown);
    night.way = None;
    night.wait_until(PATIENCE + 20).await;
    assert_eq!(night.about("SourceSilent").await.unwrap().shown(), Shown::Recovering);
    assert_eq!((night.state("a").await, night.source().await.heartbeat), (SeriesState::Firing, None));
}

async fn more_series_than_one_transaction_takes_become_unknown(make: Make) {
    let mut night = Night::begin(make, Way::Any);
    let many = (0..1200).map(|no| event("prometheus", &no.to_string(), 0, 0, End::Until(at(100_000))));
    night.desk.take(many.collect()).await;
    night.desk.take(vec![event("other", "mine", 0, 0, End::Until(at(100_000)))]).await;
    night.hear(0, None).await;
    night.wait_until(PATIENCE).await;
    let of = |state| move |series: &&Series| series.state == state;
    let series = night.desk.series().await;
    assert_eq!(series.iter().filter(of(SeriesState::Unknown)).count(), 1200);
    assert_eq!(night.state("mine").await, SeriesState::Firing, "another source's");
}

async fn a_failed_job_is_an_alert_that_the_next_success_resolves(make: Make) {
    let mut night = Night::begin(make, Way::Ping);
    night.hear(0, Some(Outcome::Succeeded)).await;
    assert!(night.desk.series().await.is_empty(), "a success opens nothing");
    night.wait_until(10).await;
    night.hear(0, Some(Outcome::Failed(Some(3)))).await;
    let failed = night.about("PingFailed").await.unwrap();
    assert_eq!(failed.summary, "prometheus failed with exit status 3: disk full");
    assert_eq!(night.desk.series().await[0].annotations.get("description"), Some("disk full\nsecond line"));
    night.hear(0, Some(Outcome::Logged)).await;
    assert_eq!(night.lines(Told::Note).await, ["disk full\nsecond line"]);
    night.wait_until(20).await;
    night.hear(0, Some(Outcome::Succeeded)).await;
    assert_eq!(night.about("PingFailed").await.unwrap().shown(), Shown::Recovering);
    night.hear(0, Some(Outcome::Started)).await;
    night.wait_until(20 + PATIENCE).await;
    assert!(night.about("SourceSilent").await.unwrap().summary.contains("did not report its end"));
}

async fn the_funnel_counts_exactly(make: Make) {
    let desk = make(rules());
    let day = 86_400;
    // The epoch of these tests is 22:13:20 of its day.
    let morning = 7200;
    desk.take(vec![fires("a", 0), fires("b", 0), fires("a", 1)]).await;
    desk.take(vec![ends("a", 5)]).await;
    desk.take(vec![fires("a", 10)]).await;
    let key = desk.series().await[0].clone();
    let key = crate::domain::event::SeriesKey { source: key.source, fingerprint: key.fingerprint };
    let touch = |second, deliveries| Touch { key: key.clone(), last_seen: at(second), deliveries, ends_at: None };
    desk.store.touch(vec![touch(20, 4)], at(20)).await.unwrap();
    desk.store.touch(vec![touch(morning, 7)], at(morning)).await.unwrap();
    desk.take(vec![fires("b", morning + day)]).await;
    let tell = Round { now: at(morning + day), tell_counts: true, ..Round::default() };
    desk.store.watch(tell.clone()).await.unwrap();
    let mut days = desk.store.items(ItemKind::Day).await.unwrap();
    days.sort_by_key(Item::id);
    let counts: Vec<Counts> = days
        .iter()
        .map(|item| match item {
            Item::Day(day) => Counts::of(day),
            _ => Counts::default(),
        })
        .collect();
    let of = |events, series, real, incidents| Counts { events, series, real, incidents, pages: 0 };
    assert_eq!(counts, [of(9, 2, 2, 1), of(7, 1, 0, 0), of(1, 1, 0, 0)]);
    assert_eq!(days[0].id(), format!("{}/prometheus", DayNumber::of(at(0))));
    // What is told already is not told again.
    let head = desk.store.head().await.unwrap();
    desk.store.watch(tell).await.unwrap();
    assert_eq!(desk.store.head().await.unwrap(), head);
}

fn deploy(id: &str, service: &str, second: i64) -> Change {
    Change {
        id: id.into(),
        at: at(second),
        kind: ChangeKind::Deploy,
        title: format!("{service} {id}"),
        labels: Labels::new([("service", service)], &LabelLimits::LABELS).unwrap(),
        url: String::new(),
        by: "mira".into(),
    }
}

async fn a_change_stands_in_the_timelines_that_it_is_about(make: Make) {
    let night = Night::begin(make, Way::Any);
    let store = &night.desk.store;
    let old = deploy("0", "pay", -3700);
    store.changed(vec![old, deploy("1", "pay", -3500), deploy("2", "web", -10)], Vec::new(), at(0)).await.unwrap();
    let mut pay = alert("Slow", "a", 0, End::Until(at(9000)));
    pay.labels = Labels::new([("alertname", "Slow"), ("service", "pay")], &LabelLimits::LABELS).unwrap();
    night.desk.take(vec![Event::new(prometheus(), pay, &IdentityRule::default(), at(0))]).await;
    let line = |id: &str, second| format!("deploy: pay {id} by mira ({}Z)", at(second).hour_minute());
    assert_eq!(night.lines(Told::Changed).await, [line("1", -3500)]);
    // While it is open; the same again is told once.
    for _ in 0..2 {
        store.changed(vec![deploy("3", "pay", 50), deploy("4", "web", 50)], Vec::new(), at(60)).await.unwrap();
    }
    assert_eq!(night.lines(Told::Changed).await, [line("1", -3500), line("3", 50)]);
    assert_eq!(store.items(ItemKind::Change).await.unwrap().len(), 5);
    store.prune(at(0).plus(Duration::from_secs(31 * 86_400))).await.unwrap();
    assert_eq!(store.items(ItemKind::Change).await.unwrap().len(), 0);
}

async fn a_flood_of_changes_does_not_flood_timelines(make: Make) {
    let night = Night::begin(make, Way::Any);
    let store = &night.desk.store;
    let mut pay = alert("Slow", "a", 0, End::Until(at(9000)));
    pay.labels = Labels::new([("alertname", "Slow"), ("service", "pay")], &LabelLimits::LABELS).unwrap();
    night.desk.take(vec![Event::new(prometheus(), pay.clone(), &IdentityRule::default(), at(0))]).await;
    let many = |from: usize| (from..from + 100).map(|id| deploy(&format!("{id:03}"), "pay", 50)).collect::<Vec<_>>();
    store.changed(many(0), Vec::new(), at(60)).await.unwrap();
    let lines = night.lines(Told::Changed).await;
    assert_eq!(
        (lines.len(), lines[0].as_str()),
        (21, "80 changes at once that may have to do with it, and those below")
    );
    assert!(lines[20].contains("pay 099"), "{lines:?}");
    // Of so many of an hour none says anything; each stands in the list of changes.
    store.changed(many(100), Vec::new(), at(61)).await.unwrap();
    store.changed(many(200), Vec::new(), at(62)).await.unwrap();
    assert_eq!(night.lines(Told::Changed).await.len(), 21);
    assert_eq!(store.items(ItemKind::Change).await.unwrap().len(), 300);
    // One that is opened then tells the newest.
    pay.labels = Labels::new([("alertname", "Down"), ("service", "pay")], &LabelLimits::LABELS).unwrap();
    night.desk.take(vec![Event::new(prometheus(), pay, &IdentityRule::default(), at(63))]).await;
    assert_eq!(night.lines(Told::Changed).await.len(), 41);
}
