//! Rules, silences, claims and heartbeats in the nights: what lets calls wait, and what must hold of all that waits.

use crate::source;
use crate::world::World;
use nightdesk::domain::holds::Plan;
use nightdesk::domain::id::IncidentId;
use nightdesk::domain::incident::{Incident, Life};
use nightdesk::domain::item::{Claim, Item, ItemKind, Silence};
use nightdesk::domain::series::{EndedBy, Series, SeriesState};
use nightdesk::domain::severity::Severity;
use nightdesk::domain::source::{Expected, Heard, Way};
use nightdesk::domain::time::Timestamp;
use nightdesk::query::{AlertSubject, Eyes, Query};
use nightdesk::store::hub::{Round, Rules};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest that a rule of these nights holds a call, and a person silences.
const HOLD: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(40);
/// The longest that a series burns before it is real.
const PENDING: Duration = Duration::from_secs(9);
/// How much later than its bound the timer may be, beside what the hub itself was away.
const SLACK: Duration = Duration::from_secs(6);

/// Two books between which a night goes to and fro; the second groups otherwise. In both a circle is closed by what depends on what; the first office opens for two
/// minutes after forty seconds, the second for one minute at once.
const BOOKS: [&str; 2] = [
    r#"
[[severity]]
match = '{alertname="Down", instance="i2"}'
severity = "S3"
[[pending]]
match = '{alertname="Down", service="mail"}'
for = "6s"
[[service_level]]
match = '{alertname="Full", service="pay"}'
plan = "batch"
calendar = "office"
[[service_level]]
match = '{alertname="Full", service="mail", severity="info"}'
plan = "keep"
[[calendar]]
name = "office"
zone = "UTC"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "22:14"
to = "22:16"
[[dependency]]
match = '{alertname="Down"}'
on = '{alertname="Full"}'
same = ["service"]
hold = "30s"
[[dependency]]
match = '{service="mail"}'
on = '{service="pay"}'
hold = "20s"
[[dependency]]
match = '{service="pay", alertname="Full"}'
on = '{service="mail", alertname="Down"}'
hold = "25s"
"#,
    r#"
[[severity]]
match = '{severity="warning"}'
severity = "S2"
[[grouping]]
match = '{service="mail"}'
by = ["service"]
[[pending]]
match = '{alertname="Full"}'
for = "9s"
[[service_level]]
match = '{alertname="Down", service="mail"}'
plan = "batch"
calendar = "office"
[[calendar]]
name = "office"
zone = "UTC"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "22:13"
to = "22:14"
[[dependency]]
match = '{service="pay"}'
on = '{service="mail"}'
hold = "15s"
"#,
];

/// What a witness remembers of what waits.
#[derive(Default)]
pub struct Waits {
    /// The end of the first hold of each incident since its levels began, which they do when it is opened again.
    pub held: HashMap<IncidentId, (u64, Timestamp)>,
    /// All silences that ever were.
    silences: BTreeMap<String, Kept>,
    /// What the sources' series were after the latest commit.
    series: BTreeMap<(usize, usize), SeriesState>,
    /// Since when series are pending, in true time.
    pending: BTreeMap<(usize, usize), i64>,
    /// Since when the worst is held, in true time.
    worst: HashMap<IncidentId, i64>,
    next: u64,
    book: usize,
}

/// A silence, as a witness remembers it.
struct Kept {
    /// What it covers.
    query: Query,
    ends_at: Timestamp,
    /// Somebody ended it then, when the hub had gone on from so many copies: a copy may not know of it.
    ended: Option<(Timestamp, u64)>,
}

impl Kept {
    /// Returns until when it may quieten.
    fn until(&self, restores: u64) -> Timestamp {
        self.ended.filter(|(_, then)| *then == restores).map_or(self.ends_at, |(at, _)| at.min(self.ends_at))
    }
}

/// Returns the rules of a night that has some.
pub fn ruled(base: Rules, book: usize) -> Rules {
    let (hub, faults) = nightdesk::config::Hub::parse(Path::new("hub.toml"), BOOKS[book % 2]).expect("a book is read");
    assert!(faults.is_empty(), "a book without mistakes: {faults:?}");
    let book = Arc::new(hub.book);
    let mut rules = Rules { handles: book.clone(), book, ..base };
    rules.paging.calendars = hub.paging.calendars;
    rules
}

/// Returns whether an incident may call nobody now, for a reason that has an end.
pub fn waits(rules: &Rules, incident: &Incident, clock: Timestamp) -> bool {
    let opens = || {
        let calendar = incident.calendar.as_ref().and_then(|name| rules.paging.calendars.get(name));
        calendar.is_some_and(|calendar| calendar.next_open(clock) > clock)
    };
    let planned = match incident.plan {
        Plan::Page => false,
        Plan::Batch => opens(),
        Plan::Keep => true,
    };
    let held = incident.held.as_ref().is_some_and(|held| clock < held.until);
    let silenced = incident.silenced.as_ref().is_some_and(|silenced| clock < silenced.until);
    !incident.escalating && (planned || held || silenced)
}

impl World {
    /// Something about the rules: they are read anew, somebody silences or claims.
    pub fn rule_fault(&mut self) {
        if !self.faults.rules || self.hub.down || self.hub.frozen || self.now < self.hub.paused_until {
            return;
        }
        let (clock, before) = (self.hub_clock(), self.hub.store.head().expect("the head is read").seq);
        match self.random.below(4) {
            0 => self.reload(),
            1 | 2 => self.silence(clock),
            _ => self.claim(clock),
        }
        self.changed(before);
        self.committed();
    }

    fn reload(&mut self) {
        self.ledger.count("reloads of rules");
        let clock = self.hub_clock();
        self.ledger.waits.book += 1;
        self.hub.rules = ruled(self.hub.rules.clone(), self.ledger.waits.book);
        let identities = |world: &Self| -> BTreeSet<(u64, IncidentId, String)> {
            world.hub.store.incidents().map(|one| (one.number.0, one.id, one.group_key.clone())).collect()
        };
        let keyed = |world: &Self| -> Vec<_> {
            world.series_now().into_iter().map(|(key, series)| (key, series.state, series.incident)).collect()
        };
        let (incidents, series) = (identities(self), keyed(self));
        self.hub.store.reload(self.hub.rules.clone(), clock).expect("rules are read anew");
        assert_eq!(identities(self), incidents, "rules: a reload lost, doubled or moved an incident");
        assert_eq!(keyed(self), series, "rules: a reload lost, doubled or moved a series");
    }

    fn silence(&mut self, clock: Timestamp) {
        let waits = &mut self.ledger.waits;
        let standing: Vec<String> = waits.silences.keys().cloned().collect();
        if !standing.is_empty() && self.random.permille(300) {
            let id = &standing[self.random.below(standing.len())];
            let ended = self.hub.store.end_silence(id, "lena", clock).expect("a silence is ended");
            let restores = self.ledger.restores();
            if let Some(kept) = self.ledger.waits.silences.get_mut(id).filter(|_| ended.is_some()) {
                kept.ended = Some((clock, restores));
            }
            self.ledger.count("silences ended early");
            return;
        }
        waits.next += 1;
        let id = format!("silence-{}", waits.next);
        let from = clock.plus(Duration::from_secs(self.random.below(10) as u64));
        let ends_at = from.plus(Duration::from_secs(5 + self.random.below(SILENCE.as_secs() as usize - 5) as u64));
        let matchers = [r#"{alertname="Down"}"#, r#"{service="pay"}"#, r#"{instance="i1"}"#][self.random.below(3)];
        let query = Query::parse(matchers).expect("a matcher is read");
        waits.silences.insert(id.clone(), Kept { query, ends_at, ended: None });
        let silence = Silence {
            id,
            matchers: matchers.into(),
            starts_at: from,
            ends_at,
            created_by: "mira".into(),
            reason: "the switch is replaced".into(),
            updated_at: clock,
            ended_by: None,
            upstream: None,
        };
        self.hub.store.put_silence(&silence, None, clock).expect("a silence is kept");
        self.ledger.count("silences");
    }

    fn claim(&mut self, clock: Timestamp) {
        let waits = &mut self.ledger.waits;
        waits.next += 1;
        let claim = Claim {
            id: format!("claim-{}", waits.next),
            by: crate::hub::user(["mira", "jonas"][self.random.below(2)]),
            query: ["service=pay", "severity<=3", "Down"][self.random.below(3)].into(),
            at: clock,
            until: clock.plus(Duration::from_secs(5 + self.random.below(60) as u64)),
            reason: "I am on it".into(),
            page_me: self.random.permille(500),
        };
        self.hub.store.claim(&claim, clock).expect("a claim is kept");
        self.ledger.count("claims");
    }

    /// Returns the series of the sources, by source and alert.
    fn series_now(&self) -> BTreeMap<(usize, usize), Series> {
        let which = |index| (0..source::ALERTS).map(move |which| (index, which));
        let all: Vec<(usize, usize)> = (0..self.sources.len()).flat_map(which).collect();
        let keys: Vec<_> =
            all.iter().map(|(index, which)| source::event(*index, *which, true, Timestamp::default()).key).collect();
        let found = self.hub.store.series(&keys).expect("series are read");
        let mut by = BTreeMap::new();
        for series in found {
            let at = keys
                .iter()
                .position(|key| key.source == series.source && key.fingerprint == series.fingerprint)
                .expect("it was asked for");
            assert!(by.insert(all[at], series).is_none(), "rules: a series is there twice");
        }
        by
    }

    /// The round that looks whether sources speak.
    pub fn watch(&mut self, now: Timestamp) {
        if !self.faults.rules {
            return;
        }
        let expected = Expected { way: Way::Any, every_ms: 20_000 };
        let mut round = Round {
            now,
            hub_up_since: Some(self.hub.up_since()),
            expected: [(source::name(0), (expected, None))].into(),
            heard: std::mem::take(&mut self.hub.heard),
            tell_counts: false,
        };
        loop {
            let before = self.hub.store.head().expect("the head is read").seq;
            let due = self.hub.store.watch(&round).expect("sources are watched");
            round.heard.clear();
            self.changed(before);
            if !due.more {
                break;
            }
        }
    }

    /// A request of a source came.
    pub fn heard(&mut self, index: usize, at: Timestamp) {
        if self.faults.rules {
            self.hub.heard.push(Heard { source: source::name(index), at, requests: 1, beats: 0, ping: None });
        }
    }

    /// Returns what is snoozed, with how bad it is.
    pub fn snoozed(&self) -> Vec<(IncidentId, Option<Severity>)> {
        let asleep = self.hub.store.incidents().filter(|one| one.hold.as_ref().is_some_and(|hold| hold.wait.is_none()));
        asleep.map(|one| (one.id, one.severity)).collect()
    }

    /// A batch came in while those slept: what got worse is awake.
    pub fn woken(&mut self, asleep: &[(IncidentId, Option<Severity>)]) {
        for incident in self.hub.store.incidents() {
            let Some((_, before)) = asleep.iter().find(|(id, _)| *id == incident.id) else { continue };
            let rose = match (before, incident.severity) {
                (Some(before), Some(now)) => now.is_worse_than(*before),
                (None, Some(_)) | (_, None) => false,
            };
            if rose && incident.life != Life::Resolved {
                self.ledger.count("snoozes that a rise woke");
                assert!(incident.hold.is_none(), "rules: it got worse and sleeps on: {incident:?}");
            }
        }
    }
}

/// What must hold after every commit.
pub fn after_a_commit(world: &mut World) {
    if !world.faults.rules {
        return;
    }
    let clock = world.hub_clock();
    let World { hub, ledger, .. } = world;
    let mut open = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for incident in hub.store.incidents() {
        assert!(numbers.insert(incident.number.0), "rules: one number, two incidents: {incident:?}");
        if let Some(key) = &incident.open_key {
            assert!(open.insert(key.clone()), "rules: one group, two open incidents: {incident:?}");
        }
        match &incident.held {
            Some(held) => {
                let (fire_no, first) = ledger.waits.held.entry(incident.id).or_insert((incident.fire_no, held.until));
                if *fire_no != incident.fire_no {
                    (*fire_no, *first) = (incident.fire_no, held.until);
                }
                assert!(held.until <= *first, "rules: held again beyond the end of its first hold: {incident:?}");
                assert!(
                    held.until <= ledger.latest().plus(HOLD),
                    "rules: held for longer than any rule says: {incident:?}"
                );
                let by = hub.store.incidents().find(|other| other.id == held.by);
                // One that was merged goes on as another, which its own ties let go.
                let is_over = by.is_none_or(|by| by.life == Life::Resolved && by.merged_into.is_none());
                // What recovers, or is silenced, calls nobody anyway: its hold is looked at when it would. What is due now is looked at
                // with the next step: such as what asks anew because rules were read anew.
                let would_call = incident.recovering_until.is_none()
                    && incident.silenced.is_none()
                    && incident.step_due_at > ledger.latest();
                assert!(!(would_call && is_over), "rules: held by what is over: {incident:?} by {by:?}");
                ledger.count("commits with a held incident");
            }
            None if incident.life == Life::Resolved => _ = ledger.waits.held.remove(&incident.id),
            None => {}
        }
        if let Some(silenced) = &incident.silenced {
            let kept = silenced.by.iter().filter_map(|id| ledger.waits.silences.get(id));
            let ends = kept.map(|kept| kept.until(ledger.restores())).min();
            assert!(ends.is_some_and(|end| silenced.until <= end), "rules: silent beyond its silence: {incident:?}");
            ledger.count("commits with a silenced incident");
        }
    }
    assert_eq!(numbers.last().copied().unwrap_or(0), numbers.len() as u64, "rules: a number is missing at {clock}");
}

/// What must hold of series and of what waits after each round of the timer.
pub fn after_a_round(world: &mut World) {
    if !world.faults.rules {
        return;
    }
    let clock = world.hub_clock();
    let silent = silent(world);
    let all = world.series_now();
    let settled = world.now - world.hub.disturbed_at > 12_000;
    for (key, series) in &all {
        if series.state != SeriesState::Pending || !settled || world.faults.hub_clock {
            world.ledger.waits.pending.remove(key);
        }
        if series.state == SeriesState::Pending {
            world.ledger.count("rounds with a pending series");
            if settled && !world.faults.hub_clock {
                let since = *world.ledger.waits.pending.entry(*key).or_insert(world.now);
                let most = (PENDING + SLACK).as_millis() as i64;
                assert!(world.now - since <= most, "rules: it becomes real later and later: {series:?}");
            }
            let until = series.pending_until.expect("what is pending has an end");
            let late = settled && until.plus(SLACK) < clock;
            assert!(!late, "rules: pending for longer than its rule: {series:?}");
            assert!(until <= world.ledger.latest().plus(PENDING), "rules: pending beyond every rule: {series:?}");
        }
        // A word that came since may have died with the hub before it counted for the source.
        let said = silent.is_some_and(|since| world.hub.spoke_at(0).is_some_and(|at| at > since));
        if key.0 == 0 && silent.is_some() && !said {
            world.ledger.count("rounds with series of a silent source");
            let before = world.ledger.waits.series.get(key);
            assert_ne!(series.state, SeriesState::Firing, "rules: its source is silent and it burns: {series:?}");
            // Its own last word and a person's count; its silence ends nothing.
            let by_itself = series.episodes.last().is_some_and(|last| last.ended_by == Some(EndedBy::Expiry));
            let ended = by_itself && before.is_some_and(|before| !before.is_over());
            assert!(!ended, "rules: its source is silent and it is over: {series:?}");
        }
    }
    world.ledger.waits.series = all.iter().map(|(key, series)| (*key, series.state)).collect();
    if !settled {
        return;
    }
    nothing_burns_unheard(world, &all, clock);
    let calm = clock.minus(SLACK);
    let burns = |one: &&Incident| one.life != Life::Resolved && one.recovering_until.is_none();
    for incident in world.hub.store.incidents().filter(burns) {
        // What became the worst is let go by the next round; where it is silenced as well, when the silence ends.
        if incident.held.is_some() && incident.silenced.is_none() && incident.severity.map(Severity::number) == Some(1)
        {
            let since = *world.ledger.waits.worst.entry(incident.id).or_insert(world.now);
            assert!(world.now - since < 3000, "rules: the worst is held: {incident:?}");
        } else {
            world.ledger.waits.worst.remove(&incident.id);
        }
        // The same holds of the hold's end; what a person escalated calls all the same.
        let looked_at = incident.silenced.is_none() && !incident.escalating;
        // What began anew in this round is looked at by the next.
        let waits_on = incident.next_due_at.is_some_and(|due| due > clock);
        let held = looked_at && incident.held.as_ref().is_some_and(|held| held.until < calm);
        let silenced = incident.silenced.as_ref().is_some_and(|silenced| silenced.until < calm);
        assert!(!waits_on || !held && !silenced, "rules: its bound is over and it waits on: {incident:?}");
    }
}

/// A silence hides an incident only while it covers all of it that burns.
fn nothing_burns_unheard(world: &mut World, all: &BTreeMap<(usize, usize), Series>, clock: Timestamp) {
    let eyes = Eyes::nobody(clock);
    let silenced = world.hub.store.incidents().filter(|one| one.silenced.as_ref().is_some_and(|by| clock < by.until));
    for incident in silenced {
        let of_it = all.values().filter(|one| one.incident == Some(incident.id) && one.state == SeriesState::Firing);
        for series in of_it {
            let subject = AlertSubject { source: &series.source, labels: &series.labels };
            let mut covers = world.ledger.waits.silences.values();
            let covered = covers.any(|kept| kept.query.matches(&subject, &eyes));
            assert!(covered, "rules: it burns, and another one's silence hides it: {series:?} {incident:?}");
        }
    }
}

/// Returns since when the watched source is silent, where all its series were looked at.
fn silent(world: &World) -> Option<Timestamp> {
    let states = world.hub.store.sources().expect("sources are read");
    let one = states.into_iter().find(|one| one.name == source::name(0) && one.sweep.is_none());
    one.and_then(|one| one.silent_since)
}

/// All drained: the source is back, and what it said counts.
pub fn at_the_end(world: &mut World) {
    if !world.faults.rules {
        return;
    }
    assert!(silent(world).is_none(), "rules: its source is back and it is taken for silent");
    if !world.faults.hub_clock && world.ledger.restores() == 0 {
        for (_, series) in world.series_now() {
            assert!(series.state.is_over(), "rules: its source said that it is over: {series:?}");
        }
        let standing = world.hub.store.items(ItemKind::Silence).expect("silences are read");
        let clock = world.hub_clock();
        let stands = |item: &Item| matches!(item, Item::Silence(silence) if silence.ends_at > clock);
        assert!(!standing.iter().any(stands), "rules: a silence stands for longer than it was made for");
    }
}
