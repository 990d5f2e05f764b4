//! The problem itself: the series that speak of it, and the people who work on it.

use super::grouping::Group;
use super::id::{IncidentId, Number, SourceName, UserName};
use super::series::SeriesState;
use super::severity::Severity;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far people have come with it. Stored; what screens show is [`Shown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Nobody has said "mine".
    Triggered,
    /// Somebody is on it.
    Acked,
    /// Over.
    Resolved,
}

/// What a person needs to know first; the `state` of JSON output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Burns, and nobody has it.
    New,
    /// Somebody is on it.
    Acked,
    /// Every series is over; resolved unless one fires again within the flap window.
    Recovering,
    /// No series is known to burn, and at least one has a silent source.
    Unknown,
    /// Over.
    Resolved,
}

impl Shown {
    /// Returns the word of JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acked => "acked",
            Self::Recovering => "recovering",
            Self::Unknown => "unknown",
            Self::Resolved => "resolved",
        }
    }
}

/// Recoveries and silences that a timeline tells of; a flapping probe's later ones are counted with its series.
pub const FLAP_LINES_MAX: u64 = 50;

/// How many series of the incident are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Burning.
    pub firing: u32,
    /// Nobody knows.
    pub unknown: u32,
    /// Resolved or expired.
    pub over: u32,
    /// Those of the firing that are facts, which a person closes without force.
    #[serde(default)]
    pub instant: u32,
}

impl Tally {
    /// Returns how many there are in all.
    pub fn total(self) -> u32 {
        self.firing + self.unknown + self.over
    }

    /// Returns how many burn that are states: what force is needed against.
    pub fn lasting(self) -> u32 {
        self.firing.saturating_sub(self.instant)
    }

    fn slot(&mut self, state: SeriesState) -> &mut u32 {
        match state {
            SeriesState::Firing => &mut self.firing,
            SeriesState::Unknown => &mut self.unknown,
            SeriesState::Resolved | SeriesState::Expired => &mut self.over,
        }
    }
}

/// Windows and delays that rules go by; parameters, so that a test can make them seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long an incident whose series are all over waits for one to fire again. A flap is not a new night.
    pub flap_window: Duration,
    /// How long an ack holds before its owner must say "still on it".
    pub ack_lease: Duration,
    /// How long an unacknowledged incident waits for its next step.
    pub step: Duration,
}

impl Timing {
    /// Returns the longest span after which any rule lets something happen.
    pub fn longest(&self) -> Duration {
        self.flap_window.max(self.ack_lease).max(self.step)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            flap_window: Duration::from_secs(600),
            ack_lease: Duration::from_secs(1800),
            step: Duration::from_secs(300),
        }
    }
}

/// Who wrote a line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The hub's rules.
    Hub,
    /// A source's word.
    Source(SourceName),
    /// A person's act.
    User(UserName),
}

/// What a line of a timeline tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The incident was opened.
    Opened,
    /// It fires again within the flap window.
    FiredAgain,
    /// Its severity rose.
    Raised,
    /// Every series is over.
    Recovering,
    /// A source fell silent.
    Unknown,
    /// It is over.
    Resolved,
    /// A due time passed.
    Overdue,
    /// Somebody has it.
    Acked,
    /// Somebody acked what another has.
    Joined,
    /// Nobody has it any more.
    Released,
    /// A person's words.
    Note,
}

/// One line of a timeline; immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// Who wrote it.
    pub author: Author,
    /// What it tells.
    pub told: Told,
    /// Its words, as they came.
    pub text: String,
}

impl Line {
    /// Returns a line of the hub's.
    pub fn by_hub(at: Timestamp, told: Told, text: impl Into<String>) -> Self {
        Self { at, author: Author::Hub, told, text: text.into() }
    }
}

/// The problem itself. The hub alone changes it: by the fold of events and by judged operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Who it is.
    pub id: IncidentId,
    /// What people call it.
    pub number: Number,
    /// Counts changes of owner, snooze, severity, level and life alone; what a quieting operation must have seen.
    pub rev: u64,
    /// How far people have come.
    pub life: Life,
    /// The group whose one open incident this is; `None` once resolved.
    pub open_key: Option<String>,
    /// The group it is or was of.
    pub group_key: String,
    /// The worst of its series so far; `None` is unexamined.
    pub severity: Option<Severity>,
    /// The service it is about; empty when no label says.
    pub service: String,
    /// One line for people, as it came.
    pub summary: String,
    /// Its series by state.
    pub tally: Tally,
    /// Who is on it.
    pub owner: Option<UserName>,
    /// Counts owners: fences what a former owner still sends.
    pub claim_no: u64,
    /// Counts reasons to page again: raises and re-fires.
    pub fire_no: u64,
    /// First alert, by the hub's clock.
    pub opened_at: Timestamp,
    /// Since when it stands in the state shown.
    pub since: Timestamp,
    /// Until when a re-fire is a flap; `None` while anything burns or is unknown.
    pub recovering_until: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the next step of calling people is due; survives an ack, so that giving back re-arms it.
    pub step_due_at: Timestamp,
    /// When something happens by itself; never `None` unless resolved, so silence without a timer cannot be stored.
    pub next_due_at: Option<Timestamp>,
    /// A due time passed and nobody was called: paging does not exist yet.
    pub overdue: bool,
    /// Times it recovered or fell silent, for the timeline tells of the first [`FLAP_LINES_MAX`] only.
    pub recoveries: u64,
}

impl Incident {
    /// Returns a new incident of the group, with no series counted yet.
    pub fn open(id: IncidentId, number: Number, group: Group, now: Timestamp, timing: &Timing) -> Self {
        let step_due_at = now.plus(timing.step);
        Self {
            id,
            number,
            rev: 1,
            life: Life::Triggered,
            open_key: Some(group.key.clone()),
            group_key: group.key,
            severity: None,
            service: group.service,
            summary: group.summary,
            tally: Tally::default(),
            owner: None,
            claim_no: 0,
            fire_no: 1,
            opened_at: now,
            since: now,
            recovering_until: None,
            resolved_at: None,
            step_due_at,
            next_due_at: Some(step_due_at),
            overdue: false,
            recoveries: 0,
        }
    }

    /// Returns what a person needs to know first.
    pub fn shown(&self) -> Shown {
        match self.life {
            Life::Resolved => Shown::Resolved,
            _ if self.recovering_until.is_some() => Shown::Recovering,
            _ if self.tally.firing == 0 && self.tally.unknown > 0 => Shown::Unknown,
            Life::Acked => Shown::Acked,
            Life::Triggered => Shown::New,
        }
    }

    /// Moves one series of this incident from one state to another; `None` is a series new to it.
    pub fn count(&mut self, from: Option<SeriesState>, to: SeriesState) {
        if let Some(from) = from {
            let slot = self.tally.slot(from);
            *slot = slot.saturating_sub(1);
        }
        *self.tally.slot(to) += 1;
    }

    /// Counts one of the firing series as a fact, or no longer.
    pub fn count_instant(&mut self, from: Option<SeriesState>, to: SeriesState) {
        let fires = |state| u32::from(state == SeriesState::Firing);
        self.tally.instant = (self.tally.instant + fires(to)).saturating_sub(from.map_or(0, fires));
    }

    /// Takes the severity of a series that fires; a raise is a reason to page again.
    pub fn raise(&mut self, severity: Option<Severity>, now: Timestamp) -> Option<Line> {
        let worst = Severity::worse(self.severity, severity);
        if worst == self.severity {
            return None;
        }
        let before = std::mem::replace(&mut self.severity, worst);
        if self.tally.total() <= 1 {
            // The first series of a new incident gives it its severity: that is no raise.
            return None;
        }
        self.rev += 1;
        self.fire_no += 1;
        let name =
            |severity: Option<Severity>| severity.map_or("unexamined".to_owned(), |severity| severity.to_string());
        Some(Line::by_hub(now, Told::Raised, format!("severity rose from {} to {}", name(before), name(worst))))
    }

    /// Draws the conclusions from the tally once a batch is counted: recovering, fires again, unknown.
    pub fn settle(&mut self, before: Shown, now: Timestamp, timing: &Timing) -> Option<Line> {
        if self.life == Life::Resolved {
            return None;
        }
        let over = self.tally.firing == 0 && self.tally.unknown == 0;
        let line = match (over, self.recovering_until) {
            (true, None) => {
                let until = now.plus(timing.flap_window);
                self.recovering_until = Some(until);
                self.next_due_at = Some(until);
                self.recoveries += 1;
                Some(Line::by_hub(
                    now,
                    Told::Recovering,
                    format!("every series is over; resolved at {} unless one fires again", until.date_and_second()),
                ))
            }
            (false, Some(_)) => {
                self.recovering_until = None;
                self.fire_no += 1;
                self.arm(now, timing);
                Some(Line::by_hub(now, Told::FiredAgain, "fires again within the flap window"))
            }
            (true, Some(_)) | (false, None) => None,
        };
        let shown = self.shown();
        if shown != before {
            self.since = now;
        }
        match shown {
            Shown::Unknown if before != Shown::Unknown => {
                self.recoveries += 1;
                let text = "no series is known to fire, and a source is silent: nobody knows";
                Some(Line::by_hub(now, Told::Unknown, text)).filter(|_| self.recoveries <= FLAP_LINES_MAX)
            }
            _ => line.filter(|_| self.recoveries <= FLAP_LINES_MAX),
        }
    }

    /// Does what is due at `now`: the end of a flap window resolves; any other due time is pushed on and marked.
    pub fn on_due(&mut self, now: Timestamp, timing: &Timing) -> Option<Line> {
        if self.next_due_at.is_none_or(|due| now < due) {
            return None;
        }
        if self.recovering_until.is_some() {
            self.resolve(now);
            return Some(Line::by_hub(now, Told::Resolved, "resolved: every series stayed over for the flap window"));
        }
        let span = if self.life == Life::Acked { timing.ack_lease } else { timing.step };
        self.step_due_at = self.step_due_at.max(now.plus(timing.step));
        self.next_due_at = Some(now.plus(span));
        if std::mem::replace(&mut self.overdue, true) {
            return None;
        }
        let what = if self.life == Life::Acked { "the owner's lease ended" } else { "nobody took it in time" };
        Some(Line::by_hub(now, Told::Overdue, format!("overdue: {what}; this hub does not page yet")))
    }

    /// Brings due times that lie further away than any rule would set them back within reach: they were set by a clock that was wrong.
    pub fn pull_back(&mut self, now: Timestamp, timing: &Timing) {
        self.step_due_at = self.step_due_at.min(now.plus(timing.step));
        self.recovering_until = self.recovering_until.map(|until| until.min(now.plus(timing.flap_window)));
        self.arm(now, timing);
    }

    /// Ends it.
    pub fn resolve(&mut self, now: Timestamp) {
        self.life = Life::Resolved;
        self.rev += 1;
        self.open_key = None;
        self.recovering_until = None;
        self.next_due_at = None;
        self.resolved_at = Some(now);
        self.since = now;
        self.overdue = false;
    }

    /// Sets the next due time that the present life asks for.
    pub fn arm(&mut self, now: Timestamp, timing: &Timing) {
        self.next_due_at = match (self.life, self.recovering_until) {
            (Life::Resolved, _) => None,
            (_, Some(until)) => Some(until),
            (Life::Acked, None) => Some(now.plus(timing.ack_lease)),
            (Life::Triggered, None) => Some(self.step_due_at.max(now)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SeriesState::{Expired, Firing, Resolved, Unknown};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn opened() -> Incident {
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        Incident::open(IncidentId(Uuid::nil()), Number(1), group, at(0), &Timing::default())
    }

    fn step(incident: &mut Incident, from: Option<SeriesState>, to: SeriesState, second: i64) -> Option<Told> {
        let before = incident.shown();
        incident.count(from, to);
        incident.settle(before, at(second), &Timing::default()).map(|line| line.told)
    }

    #[test]
    fn it_recovers_when_all_are_over_and_resolves_after_the_window() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        step(&mut incident, None, Firing, 1);
        assert_eq!(step(&mut incident, Some(Firing), Resolved, 2), None);
        assert_eq!(step(&mut incident, Some(Firing), Expired, 3), Some(Told::Recovering));
        assert_eq!((incident.shown(), incident.next_due_at), (Shown::Recovering, Some(at(603))));
        assert!(incident.on_due(at(602), &Timing::default()).is_none());
        assert_eq!(incident.on_due(at(603), &Timing::default()).map(|line| line.told), Some(Told::Resolved));
        assert_eq!((incident.next_due_at, incident.open_key.clone()), (None, None));
    }

    #[test]
    fn a_flap_keeps_owner_and_incident() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        incident.life = Life::Acked;
        incident.owner = UserName::parse("mira").ok();
        step(&mut incident, Some(Firing), Resolved, 10);
        assert_eq!(step(&mut incident, Some(Resolved), Firing, 20), Some(Told::FiredAgain));
        assert_eq!((incident.shown(), incident.fire_no, incident.rev), (Shown::Acked, 2, 1));
        assert!(incident.owner.is_some() && incident.next_due_at.is_some());
    }

    #[test]
    fn a_silent_source_keeps_it_open() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        assert_eq!(step(&mut incident, Some(Firing), Unknown, 300), Some(Told::Unknown));
        assert_eq!(incident.shown(), Shown::Unknown);
        assert!(incident.next_due_at.is_some());
    }

    #[test]
    fn a_worse_series_raises_it_and_a_milder_one_does_not() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        assert!(incident.raise(Severity::new(5).ok(), at(0)).is_none());
        step(&mut incident, None, Firing, 1);
        assert!(incident.raise(Severity::new(8).ok(), at(1)).is_none());
        assert!(incident.raise(None, at(1)).is_none());
        assert_eq!(
            incident.raise(Severity::new(2).ok(), at(1)).map(|line| line.text).as_deref(),
            Some("severity rose from S5 to S2")
        );
        assert_eq!((incident.rev, incident.fire_no), (2, 2));
    }

    #[test]
    fn a_timer_set_by_a_wrong_clock_comes_back_within_reach() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 1_000_000);
        step(&mut incident, Some(Firing), Resolved, 1_000_000);
        incident.pull_back(at(10), &Timing::default());
        assert_eq!(incident.next_due_at, Some(at(610)));
    }

    #[test]
    fn what_is_overdue_says_so_once_and_keeps_a_timer() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        assert_eq!(incident.on_due(at(300), &Timing::default()).map(|line| line.told), Some(Told::Overdue));
        assert!(incident.on_due(at(600), &Timing::default()).is_none());
        assert_eq!((incident.overdue, incident.next_due_at), (true, Some(at(900))));
    }

    proptest! {
        /// I1: whatever the series do, an incident that is not resolved has a next due time.
        #[test]
        fn silence_always_has_a_timer(steps in proptest::collection::vec((0usize..4, 0usize..4, 0i64..900), 0..60)) {
            let states = [Firing, Unknown, Resolved, Expired];
            let mut incident = opened();
            let mut series = [None; 4];
            let mut clock = 0;
            for (which, to, wait) in steps {
                clock += wait;
                if incident.life == Life::Resolved { break; }
                step(&mut incident, series[which], states[to], clock);
                series[which] = Some(states[to]);
                incident.on_due(at(clock), &Timing::default());
                prop_assert_eq!(incident.life == Life::Resolved, incident.next_due_at.is_none());
                prop_assert_eq!(incident.life == Life::Resolved, incident.open_key.is_none());
                prop_assert_eq!(incident.tally.total() as usize, series.iter().flatten().count());
            }
        }
    }
}
