//! The problem itself: the series that speak of it, and the people who work on it.

use super::claim::{Claimed, first_call};
use super::course::Course;
use super::grouping::Group;
use super::holds::{HELD_MAX, Handling, Held, Plan, TIES_MAX};
use super::id::{IncidentId, Number, OpId, SourceName, UserName};
use super::label::Labels;
use super::paging::{Call, Paging, Step, Whom};
use super::series::SeriesState;
use super::severity::Severity;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Quiet until a time, by its owner's word.
    Snoozed,
    /// Quiet because somebody else must act first.
    Waiting,
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
            Self::Snoozed => "snoozed",
            Self::Waiting => "waiting",
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
            // What is not real yet speaks of no problem; one that was real before waits in the incident of its former episode.
            SeriesState::Resolved | SeriesState::Expired | SeriesState::Pending => &mut self.over,
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
    /// How long before the end of the lease its owner is warned; nobody is when the lease is not longer than this.
    pub lease_warning: Duration,
    /// How long an owner's console has to show its owner that it is theirs.
    pub seen_within: Duration,
    /// The longest snooze.
    pub snooze_max: Duration,
    /// The longest wait for somebody else.
    pub wait_max: Duration,
    /// The longest that an offer may stay open.
    pub offer_max: Duration,
}

impl Timing {
    /// Returns the longest span after which any rule lets something happen.
    pub fn longest(&self, paging: &Paging) -> Duration {
        let levels = paging.levels.iter().chain(paging.policies.values().flatten()).map(|level| level.within);
        let spans =
            [self.flap_window, self.ack_lease, self.seen_within, self.snooze_max, self.wait_max, self.offer_max];
        spans.into_iter().chain(levels).max().unwrap_or_default()
    }
}

impl Default for Timing {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            flap_window: minutes(10),
            ack_lease: minutes(30),
            lease_warning: minutes(5),
            seen_within: minutes(1),
            snooze_max: minutes(24 * 60),
            wait_max: minutes(30 * 24 * 60),
            offer_max: minutes(12 * 60),
        }
    }
}

/// What the rules go by beside the incident itself.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Windows and delays.
    pub timing: &'a Timing,
    /// Who is called.
    pub paging: &'a Paging,
}

/// Why an owned incident is quiet, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The operation that asked for it.
    pub op: OpId,
    /// Who asked.
    pub by: UserName,
    /// When it wakes at the latest.
    pub until: Timestamp,
    /// What a person waits for; `None` is a snooze.
    pub wait: Option<Wait>,
    /// What it was like then; a snooze until a change wakes when it is worse than this.
    pub change: Option<Extent>,
}

/// What a person waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The disk, the vendor.
    pub reason: String,
    /// Where that is followed; may be empty.
    pub ticket: String,
}

/// How far the problem reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Series that burned or were unknown.
    pub series: u32,
    /// Services and owners hit.
    pub hit: usize,
}

/// Silences cover all of it that burns: it calls nobody, and is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// When the first of them ends that it needs.
    pub until: Timestamp,
    /// The silences, at most eight.
    pub by: Vec<String>,
    /// Who wanted the one that ends first.
    pub who: String,
    /// The Alertmanager in front that the one that ends first is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<super::silence::Upstream>,
}

/// An incident offered by its owner to another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The operation that offered it.
    pub op: OpId,
    /// To whom.
    pub to: UserName,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A person who was asked to take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The operation that asked.
    pub op: OpId,
    /// Whom.
    pub to: UserName,
}

/// A severity that a person set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSeverity {
    /// The operation that set it.
    pub op: OpId,
    /// What it was before.
    pub before: Option<Severity>,
}

/// What one step of the incident's own timers did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// For the timeline.
    pub line: Option<Line>,
    /// Whom it calls.
    pub calls: Vec<Call>,
}

/// How often what is too mild to call anybody is looked at again.
const MILD_LOOKED_AT: Duration = Duration::from_secs(3600);
/// Services and owners that an incident remembers as hit.
const HIT_MAX: usize = 64;
/// The labels whose values are the services and owners that are hit.
const HIT_LABELS: [&str; 4] = ["service", "owner", "team", "cluster"];

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
    /// People were called.
    Called,
    /// A page could not be delivered.
    Undelivered,
    /// Quiet for a while.
    Snoozed,
    /// A snooze or wait is over.
    Woke,
    /// Called louder by a person.
    Escalated,
    /// Offered, accepted, declined, expired.
    Handover,
    /// A person was asked to take it.
    Assigned,
    /// A person said how bad it is.
    Severity,
    /// Opened again by a person.
    Reopened,
    /// Merged or split.
    Regrouped,
    /// An operation was taken back.
    Undone,
    /// Calls of people wait: for working hours, or for another problem.
    Held,
    /// Somebody has it.
    Acked,
    /// Somebody acked what another has.
    Joined,
    /// Nobody has it any more.
    Released,
    /// A person's words.
    Note,
    /// Something was changed that it may come from.
    Changed,
    /// A person says whom to ask about it, or no longer does.
    Claimed,
    /// An item of a runbook's checklist was ticked, or unticked.
    Ticked,
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
    /// How bad it is: the worst of its series so far, or what a person set; `None` is unexamined.
    pub severity: Option<Severity>,
    /// The worst that machines said so far: only something worse than that moves what a person set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_severity: Option<Severity>,
    /// The latest severity that a person set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_set: Option<SetSeverity>,
    /// The service it is about; empty when no label says.
    pub service: String,
    /// One line for people, as it came.
    pub summary: String,
    /// What the rules made of it: team, policy, plan, and why.
    #[serde(default)]
    pub course: Course,
    /// Its series by state.
    pub tally: Tally,
    /// Who is on it.
    pub owner: Option<UserName>,
    /// Counts owners: fences what a former owner still sends.
    pub claim_no: u64,
    /// The operation by which the owner has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<OpId>,
    /// Until when the owner's console must have shown it; `None` once it has, or when nobody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_due: Option<Timestamp>,
    /// The owner was called once because nothing showed that they know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen_asked: bool,
    /// Until when the owner need not say "still on it".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// When the owner is told that the lease ends soon; `None` once that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_at: Option<Timestamp>,
    /// Why it is quiet though nobody works on it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Covered by silences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
    /// Offered to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// A person was asked to take it and has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Assigned>,
    /// Counts reasons to page again: raises, re-fires, and each time that the levels begin anew.
    pub fire_no: u64,
    /// [`Incident::rev`] after the latest change to the louder side: an ack that had not seen it does not silence it.
    pub loud_rev: u64,
    /// Levels that were called since `fire_no` last rose.
    pub level: u32,
    /// Times the last level was called again.
    pub round: u32,
    /// Levels are called on by a person's word: although somebody has it, or though it is mild.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub escalating: bool,
    /// First alert, by the hub's clock.
    pub opened_at: Timestamp,
    /// Since when it stands in the state shown.
    pub since: Timestamp,
    /// Until when a re-fire is a flap; `None` while anything burns or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovering_until: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the next step of calling people is due; survives an ack, so that giving back re-arms it.
    pub step_due_at: Timestamp,
    /// When something happens by itself; never `None` unless resolved, so silence without a timer cannot be stored.
    pub next_due_at: Option<Timestamp>,
    /// Every level was called and nobody took it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// Services and owners that its series name, such as `service=pay`; at most 64.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hit: BTreeSet<String>,
    /// The operation that resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<OpId>,
    /// Opened again by a person: only a person ends it, unless a series fires and ends once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
    /// Who says that it is known to them; it calls nobody off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
    /// The `fire_no` for which the claimer was called before the levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimer_called: Option<u64>,
    /// The incident that goes on for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<IncidentId>,
    /// How loud it is: as its loudest series.
    #[serde(default, skip_serializing_if = "Plan::is_page")]
    pub plan: Plan,
    /// The calendar that `batch` goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Why it is quiet by its plan, in a few words: `waits for Mon 09:00 Europe/Berlin`; empty when it is not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quiet: String,
    /// What its calls wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The end of the time in which anything may hold it, counted from the first that did; nothing makes it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
    /// Ties by which it holds others; at most [`TIES_MAX`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bears: BTreeSet<String>,
    /// Ties by which others hold it, each for at most so many milliseconds; at most [`TIES_MAX`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leans: BTreeMap<String, u64>,
    /// Times it recovered or fell silent, for the timeline tells of the first [`FLAP_LINES_MAX`] only.
    pub recoveries: u64,
}

impl Incident {
    /// Returns a new incident of the group, with no series counted yet. Its first level is due at once.
    pub fn open(id: IncidentId, number: Number, group: Group, now: Timestamp) -> Self {
        Self {
            id,
            number,
            rev: 1,
            life: Life::Triggered,
            open_key: Some(group.key.clone()),
            group_key: group.key,
            severity: None,
            machine_severity: None,
            severity_set: None,
            service: group.service,
            summary: group.summary,
            course: Course::default(),
            tally: Tally::default(),
            owner: None,
            claim_no: 0,
            owned_by: None,
            seen_due: None,
            seen_asked: false,
            lease_until: None,
            warn_at: None,
            hold: None,
            silenced: None,
            offer: None,
            assigned: None,
            fire_no: 1,
            loud_rev: 1,
            level: 0,
            round: 0,
            escalating: false,
            opened_at: now,
            since: now,
            recovering_until: None,
            resolved_at: None,
            step_due_at: now,
            next_due_at: Some(now),
            overdue: false,
            recoveries: 0,
            hit: BTreeSet::new(),
            resolved_by: None,
            reopened: false,
            claimed: None,
            claimer_called: None,
            merged_into: None,
            plan: Plan::Page,
            calendar: None,
            quiet: String::new(),
            held: None,
            held_until: None,
            bears: BTreeSet::new(),
            leans: BTreeMap::new(),
        }
    }

    /// Returns what a person needs to know first.
    pub fn shown(&self) -> Shown {
        match (self.life, &self.hold) {
            (Life::Resolved, _) => Shown::Resolved,
            _ if self.recovering_until.is_some() => Shown::Recovering,
            _ if self.tally.firing == 0 && self.tally.unknown > 0 => Shown::Unknown,
            (Life::Acked, Some(Hold { wait: Some(_), .. })) => Shown::Waiting,
            (Life::Acked, Some(_)) => Shown::Snoozed,
            (Life::Acked, None) => Shown::Acked,
            (Life::Triggered, _) => Shown::New,
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

    /// Takes one series out: it goes to another incident.
    pub fn discount(&mut self, from: SeriesState, instant: bool) {
        let slot = self.tally.slot(from);
        *slot = slot.saturating_sub(1);
        if instant && from == SeriesState::Firing {
            self.tally.instant = self.tally.instant.saturating_sub(1);
        }
    }

    /// Counts one of the firing series as a fact, or no longer.
    pub fn count_instant(&mut self, from: Option<SeriesState>, to: SeriesState) {
        let fires = |state| u32::from(state == SeriesState::Firing);
        self.tally.instant = (self.tally.instant + fires(to)).saturating_sub(from.map_or(0, fires));
    }

    /// Notes which services and owners a series that burns hits.
    pub fn note_hit(&mut self, labels: &Labels) {
        for name in HIT_LABELS {
            if let Some(value) = labels.get(name)
                && self.hit.len() < HIT_MAX
            {
                self.hit.insert(format!("{name}={value}"));
            }
        }
    }

    /// Returns whether who saw this revision had seen the latest change to the louder side. A revision that is not there yet was counted in
    /// a history that a restored hub has lost, or in hope.
    pub fn was_heard_at(&self, rev: u64) -> bool {
        (self.loud_rev..=self.rev).contains(&rev)
    }

    /// Returns how far the problem reaches now.
    pub fn extent(&self) -> Extent {
        Extent { series: self.tally.firing + self.tally.unknown, hit: self.hit.len() }
    }

    /// Takes the severity of a series that fires; a raise is a reason to page again, and wakes a snooze.
    pub fn raise(&mut self, severity: Option<Severity>, now: Timestamp, rules: Rules<'_>) -> Happened {
        let worst = Severity::worse(self.machine_severity, severity);
        if worst == self.machine_severity {
            return Happened::default();
        }
        self.machine_severity = worst;
        let risen = Severity::worse(self.severity, worst);
        if risen == self.severity {
            return Happened::default();
        }
        let before = std::mem::replace(&mut self.severity, risen);
        if self.tally.total() <= 1 && before.is_none() {
            // The first series of a new incident gives it its severity: that is no raise.
            return Happened::default();
        }
        let text = format!("severity rose from {} to {}", severity_name(before), severity_name(risen));
        let calls = self.louder(now, rules, &text);
        Happened { line: Some(Line::by_hub(now, Told::Raised, text)), calls }
    }

    /// Makes it a new reason to call people: a snooze wakes, the levels begin anew, an owner must see it anew.
    pub fn louder(&mut self, now: Timestamp, rules: Rules<'_>, why: &str) -> Vec<Call> {
        if self.life == Life::Resolved {
            return Vec::new();
        }
        self.rev += 1;
        self.loud_rev = self.rev;
        let owner = self.owner.clone().filter(|_| self.life == Life::Acked);
        let calls = if self.hold.is_some() {
            self.wake(now, rules, why)
        } else if let Some(owner) = owner {
            self.fire_no += 1;
            self.seen_due = Some(now.plus(rules.timing.seen_within));
            // Called already: unless it is seen, calling goes on when the time is over.
            self.seen_asked = true;
            vec![self.call(Whom::Person(owner), Step::Raised(self.rev), why)]
        } else {
            self.restart_levels(now);
            Vec::new()
        };
        self.arm(now);
        calls
    }

    /// Draws the conclusions from the tally once a batch is counted: recovering, fires again, unknown, worse than when it was snoozed.
    pub fn settle(&mut self, before: Shown, now: Timestamp, rules: Rules<'_>) -> Happened {
        if self.life == Life::Resolved {
            return Happened::default();
        }
        let over = self.tally.firing == 0 && self.tally.unknown == 0;
        if self.tally.firing > 0 {
            self.reopened = false;
        }
        let mut happened = Happened::default();
        match (over, self.recovering_until) {
            (true, None) if !self.reopened => {
                let until = now.plus(self.course.window(rules.timing.flap_window));
                self.recovering_until = Some(until);
                self.recoveries += 1;
                self.arm(now);
                let text =
                    format!("every series is over; resolved at {} unless one fires again", until.date_and_second());
                happened.line = Some(Line::by_hub(now, Told::Recovering, text));
            }
            (false, Some(_)) => {
                self.recovering_until = None;
                self.fire_no += 1;
                self.arm(now);
                happened.line = Some(Line::by_hub(now, Told::FiredAgain, "fires again within the flap window"));
            }
            (true, None | Some(_)) | (false, None) => {}
        }
        if let Some(reason) = self.outgrown() {
            self.rev += 1;
            self.loud_rev = self.rev;
            happened.calls = self.wake(now, rules, &reason);
            self.arm(now);
            happened.line = Some(Line::by_hub(now, Told::Woke, format!("the snooze is over: {reason}")));
        }
        let shown = self.shown();
        if shown != before {
            self.since = now;
        }
        if shown == Shown::Unknown && before != Shown::Unknown {
            self.recoveries += 1;
            let text = "no series is known to fire, and a source is silent: nobody knows";
            happened.line = Some(Line::by_hub(now, Told::Unknown, text));
        }
        let flap = |line: &Line| !matches!(line.told, Told::Woke);
        happened.line = happened.line.filter(|line| !flap(line) || self.recoveries <= FLAP_LINES_MAX);
        happened
    }

    /// Returns how the problem outgrew what it was when it was snoozed until a change.
    fn outgrown(&self) -> Option<String> {
        let then = self.hold.as_ref()?.change?;
        let extent = self.extent();
        if extent.hit > then.hit {
            return Some("it hits another service or owner".into());
        }
        let doubled = extent.series >= then.series.max(1).saturating_mul(2);
        doubled.then(|| format!("{} series now, {} then", extent.series, then.series))
    }

    /// Does what is due at `now`, one step at a time: what is left is due again at once.
    pub fn on_due(&mut self, now: Timestamp, rules: Rules<'_>) -> Happened {
        if self.next_due_at.is_none_or(|due| now < due) {
            return Happened::default();
        }
        let before = self.shown();
        let happened = self.step(now, rules);
        self.arm(now);
        if self.shown() != before {
            self.since = now;
        }
        happened
    }

    fn step(&mut self, now: Timestamp, rules: Rules<'_>) -> Happened {
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if due(self.silenced.as_ref().map(|silenced| silenced.until)) {
            return Happened { line: self.silence(None, now), calls: Vec::new() };
        }
        if let Some(until) = self.recovering_until {
            if until <= now {
                self.resolve(now, None);
                let text = "resolved: every series stayed over for the flap window";
                return Happened { line: Some(Line::by_hub(now, Told::Resolved, text)), calls: Vec::new() };
            }
            return Happened::default();
        }
        if due(self.offer.as_ref().map(|offer| offer.expires_at)) {
            return self.expire_offer(now);
        }
        if self.life == Life::Acked && due(self.seen_due) {
            return self.owner_unseen(now, rules);
        }
        if due(self.hold.as_ref().map(|hold| hold.until)) {
            self.rev += 1;
            self.loud_rev = self.rev;
            let word = if self.hold.as_ref().is_some_and(|hold| hold.wait.is_some()) { "wait" } else { "snooze" };
            let text = format!("the {word} is over");
            let calls = self.wake(now, rules, &text);
            return Happened { line: Some(Line::by_hub(now, Told::Woke, text)), calls };
        }
        if self.life == Life::Acked && self.hold.is_none() && due(self.lease_until) {
            return self.end_lease(now, "its lease ended without a word");
        }
        if self.life == Life::Acked && self.hold.is_none() && due(self.warn_at) {
            return self.warn_owner();
        }
        if (self.life == Life::Triggered || self.escalating) && self.step_due_at <= now && !self.is_silenced(now) {
            return self.call_level(now, rules.paging);
        }
        Happened::default()
    }

    /// Takes what silences say of all of it that burns; what is covered no longer calls people anew, at once.
    pub fn silence(&mut self, silenced: Option<Silenced>, now: Timestamp) -> Option<Line> {
        if self.silenced == silenced || self.life == Life::Resolved {
            return None;
        }
        let before = std::mem::replace(&mut self.silenced, silenced);
        let line = match (&before, &self.silenced) {
            (None, Some(by)) => {
                let text = format!("{}: calls nobody", by.words(&by.until.date_and_second()));
                Some(Line::by_hub(now, Told::Snoozed, text))
            }
            // A flap: should it fire again, its time to call has come.
            (Some(_), None) if self.recovering_until.is_some() => None,
            (Some(_), None) => {
                self.rev += 1;
                self.loud_rev = self.rev;
                if self.life == Life::Triggered && !self.escalating {
                    self.restart_levels(now);
                }
                Some(Line::by_hub(now, Told::Woke, "no silence covers it any more"))
            }
            _ => None,
        };
        self.arm(now);
        line
    }

    /// Returns whether silences keep its calls back; what people ask of each other goes out.
    pub fn is_silenced(&self, now: Timestamp) -> bool {
        !self.escalating && self.silenced.as_ref().is_some_and(|silenced| now < silenced.until)
    }

    /// Calls the next level, or the last one again.
    fn call_level(&mut self, now: Timestamp, paging: &Paging) -> Happened {
        let count = paging.levels_of(self.course.policy()).len().max(1) as u32;
        let level = self.level.min(count - 1);
        let mild = !self.escalating && self.severity.is_some_and(|severity| paging.down_to.is_worse_than(severity));
        let at_level = (self.level, self.round);
        let first = first_call(self.claimed.as_ref(), self.claimer_called, self.fire_no, at_level, now).cloned();
        if let Some(claimer) = first.filter(|_| !mild) {
            self.claimer_called = Some(self.fire_no);
            self.step_due_at = now.plus(paging.within(self.course.policy(), 0));
            let why = "you claimed it; the levels are called next";
            let call = self.call(Whom::Person(claimer), Step::Claimer, why);
            return Happened { line: None, calls: vec![call] };
        }
        if self.level >= count {
            self.round += 1;
            self.overdue = true;
        }
        self.level = (self.level + 1).min(count);
        self.step_due_at = now.plus(paging.within(self.course.policy(), level));
        if mild {
            // Too mild to call anybody: it is looked at again in its time, and a rise of its severity calls.
            self.rewind_levels(at_level);
            self.step_due_at = now.plus(MILD_LOOKED_AT.max(paging.within(self.course.policy(), level)));
            return Happened::default();
        }
        if !self.escalating
            && let Some((until, quiet)) = self.waits(now, paging)
        {
            self.rewind_levels(at_level);
            self.step_due_at = until;
            let is_news = self.quiet != quiet;
            self.quiet.clone_from(&quiet);
            let line = is_news.then(|| Line::by_hub(now, Told::Held, quiet));
            return Happened { line, calls: Vec::new() };
        }
        self.quiet.clear();
        let why = if self.round > 0 { "nobody took it" } else { "" };
        let call = self.call(Whom::Level(level), Step::Level(level), why);
        Happened { line: None, calls: vec![call] }
    }

    /// Returns until when its plan lets it call nobody, and why.
    fn waits(&self, now: Timestamp, paging: &Paging) -> Option<(Timestamp, String)> {
        match self.plan {
            Plan::Page => None,
            Plan::Batch => {
                let calendar = paging.calendars.get(self.calendar.as_ref()?)?;
                let open = calendar.next_open(now);
                (open > now).then(|| (open, format!("waits for {}", calendar.says(open))))
            }
            Plan::Keep => Some((now.plus(MILD_LOOKED_AT), "kept for the retrospective: calls nobody".to_owned())),
        }
    }

    /// Takes what the rules say of a series that burns: the loudest one's plan counts, and a louder one pages anew.
    pub fn take_handling(&mut self, handling: &Handling, now: Timestamp) -> Option<Line> {
        for key in &handling.ties.bears {
            if self.bears.len() < TIES_MAX {
                self.bears.insert(key.clone());
            }
        }
        for (key, hold) in &handling.ties.leans {
            if self.leans.len() < TIES_MAX {
                self.leans.insert(key.clone(), hold.min(&HELD_MAX).as_millis() as u64);
            }
        }
        let waits = !self.quiet.is_empty();
        if self.tally.total() <= 1 && !(waits && handling.plan < self.plan) {
            let other = self.calendar != handling.calendar;
            (self.plan, self.calendar) = (handling.plan, handling.calendar.clone());
            if waits && other {
                self.ask_hours_anew(now);
            }
            return None;
        }
        if handling.plan >= self.plan {
            return None;
        }
        let before = std::mem::replace(&mut self.plan, handling.plan);
        self.calendar.clone_from(&handling.calendar);
        self.quiet.clear();
        if self.life == Life::Triggered {
            self.restart_levels(now);
            self.arm(now);
        }
        Some(Line::by_hub(now, Told::Raised, format!("louder: {} and no longer {}", self.plan.word(), before.word())))
    }

    /// Takes what other rules say of all its series that burn: what was said before does not count any more, and what is louder now calls
    /// anew.
    pub fn replace_handling(&mut self, handling: &Handling, now: Timestamp) -> Option<Line> {
        self.bears.clear();
        self.leans.clear();
        if handling.plan > self.plan {
            // Quieter: the next call waits for it.
            self.plan = handling.plan;
        }
        if handling.plan == self.plan {
            self.calendar.clone_from(&handling.calendar);
        }
        let before = self.plan;
        let line = self.take_handling(handling, now);
        if self.plan < before && line.is_none() && self.life == Life::Triggered {
            // Of one series only, it is no beginning either: what waited for hours that count no more calls now.
            self.quiet.clear();
            self.restart_levels(now);
            self.arm(now);
        }
        if !self.quiet.is_empty() {
            self.ask_hours_anew(now);
        }
        let worst = self.severity.is_some_and(|severity| severity.number() == 1);
        let free = if worst || self.leans.is_empty() { self.let_go(now, "by the rules of today") } else { None };
        free.or(line)
    }

    /// Its calendar may have other hours now: asked at once, it waits for those.
    fn ask_hours_anew(&mut self, now: Timestamp) {
        if self.plan == Plan::Batch && self.life == Life::Triggered {
            self.step_due_at = self.step_due_at.min(now);
            self.arm(now);
        }
    }

    /// Returns whether others may be held by it: it is known to burn, and waits for nothing itself. One level deep, so that a circle of
    /// problems that wait for each other pages.
    pub fn can_hold(&self) -> bool {
        self.life != Life::Resolved && self.tally.firing > 0 && self.held.is_none()
    }

    /// Returns whether what it held waits on: for its flap window too, but not for what nobody knows.
    pub fn holds_on(&self) -> bool {
        self.life != Life::Resolved && (self.tally.firing > 0 || self.tally.unknown == 0) && self.held.is_none()
    }

    /// Returns whether its next level is due.
    pub fn is_about_to_call(&self, now: Timestamp) -> bool {
        self.life == Life::Triggered && self.recovering_until.is_none() && self.step_due_at <= now
    }

    /// Returns whether its next call may wait for another problem: never the worst, and not what a person asked for.
    pub fn can_be_held(&self, now: Timestamp) -> bool {
        let calls = self.life == Life::Triggered && !self.escalating && self.recovering_until.is_none();
        let worst = self.severity.is_some_and(|severity| severity.number() == 1);
        calls && !worst && !self.leans.is_empty() && self.held_until.is_none_or(|until| now < until)
    }

    /// Returns for how long that other one may hold it; `None` where no tie leads to it.
    pub fn leans_on(&self, other: &Self) -> Option<Duration> {
        let spans = self.leans.iter().filter(|(key, _)| other.bears.contains(*key)).map(|(_, hold)| *hold);
        let span = spans.min().map(Duration::from_millis);
        if other.leans.keys().any(|key| self.bears.contains(key)) {
            // A circle: nobody knows which is the cause, so neither waits.
            return None;
        }
        span.filter(|span| !span.is_zero() && other.id != self.id && other.can_hold())
    }

    /// Lets its calls wait for another one, until the end of the first hold at the latest.
    pub fn hold_for(&mut self, other: &Self, span: Duration, now: Timestamp) -> Line {
        let until = *self.held_until.get_or_insert(now.plus(span));
        let in_retrospect = if self.level > 0 { ", which its people were called before; no more are" } else { "" };
        self.held = Some(Held { by: other.id, number: other.number, until });
        self.step_due_at = until;
        self.arm(now);
        let summary: String = other.summary.chars().take(80).collect();
        let text = format!("held by {} ({summary}){in_retrospect} until {}", other.number, until.hour_minute());
        Line::by_hub(now, Told::Held, text)
    }

    /// Calls people: what held it is over, or has for long enough.
    pub fn let_go(&mut self, now: Timestamp, why: &str) -> Option<Line> {
        let held = self.held.take()?;
        if self.life == Life::Triggered {
            self.step_due_at = self.step_due_at.min(now);
        }
        self.arm(now);
        Some(Line::by_hub(now, Told::Held, format!("no longer held by {}: {why}", held.number)))
    }

    fn expire_offer(&mut self, now: Timestamp) -> Happened {
        let Some(offer) = self.offer.take() else { return Happened::default() };
        let text = format!("{} did not accept in time", offer.to);
        let to_owner = self.owner.clone().map(|owner| self.call(Whom::Person(owner), Step::Offer(offer.op), &text));
        // Who wanted to leave may be gone: the next level hears of it.
        self.escalating = true;
        self.step_due_at = now;
        Happened { line: Some(Line::by_hub(now, Told::Handover, text)), calls: to_owner.into_iter().collect() }
    }

    fn owner_unseen(&mut self, now: Timestamp, rules: Rules<'_>) -> Happened {
        let Some(owner) = self.owner.clone() else { return Happened::default() };
        if std::mem::replace(&mut self.seen_asked, true) {
            let text = format!("nothing shows that {owner} knows");
            return self.end_lease(now, &text);
        }
        self.seen_due = Some(now.plus(rules.timing.seen_within));
        let call = self.call(Whom::Person(owner), Step::Claim(self.claim_no), "it is yours: do you know?");
        Happened { line: None, calls: vec![call] }
    }

    fn end_lease(&mut self, now: Timestamp, why: &str) -> Happened {
        let Some(owner) = self.owner.clone() else { return Happened::default() };
        self.release(now);
        self.restart_levels(now);
        let text = format!("{owner} no longer has it: {why}");
        let call = self.call(Whom::Person(owner), Step::Lost(self.claim_no), "you no longer have it");
        Happened { line: Some(Line::by_hub(now, Told::Released, text)), calls: vec![call] }
    }

    fn warn_owner(&mut self) -> Happened {
        self.warn_at = None;
        let Some((owner, until)) = self.owner.clone().zip(self.lease_until) else { return Happened::default() };
        let why = format!("still on it? others are called at {}", until.hour_minute());
        Happened { line: None, calls: vec![self.call(Whom::Person(owner), Step::LeaseEnds(until), &why)] }
    }

    /// Ends a snooze or wait: who asked for it is called if on duty, and who is on call in any case when that person does not answer.
    fn wake(&mut self, now: Timestamp, rules: Rules<'_>, why: &str) -> Vec<Call> {
        let Some(hold) = self.hold.take() else { return Vec::new() };
        // Who took it over since is who knows of it.
        let person = self.owner.clone().unwrap_or(hold.by);
        self.release_quietly();
        self.restart_levels(now);
        if !rules.paging.is_on_duty(&person, now) {
            return Vec::new();
        }
        self.step_due_at = now.plus(rules.paging.within(self.course.policy(), 0));
        vec![self.call(Whom::Person(person), Step::Wake(self.rev), why)]
    }

    fn call(&self, whom: Whom, step: Step, why: &str) -> Call {
        Call { whom, step, why: why.to_owned(), must: false }
    }

    /// Calls all of the levels anew: who was called before is called again, so it is a reason of its own.
    fn restart_levels(&mut self, now: Timestamp) {
        self.fire_no += 1;
        (self.level, self.round, self.overdue) = (0, 0, false);
        self.step_due_at = now;
    }

    /// Lets the levels begin anew when their time comes. Where some were called before, that is a reason of its own, too.
    fn rewind_levels(&mut self, before: (u32, u32)) {
        self.fire_no += u64::from(before != (0, 0));
        (self.level, self.round, self.overdue) = (0, 0, false);
    }

    /// Gives it to a person, under a new claim.
    pub fn claim(&mut self, owner: &UserName, op: OpId, now: Timestamp, rules: Rules<'_>) {
        self.owner = Some(owner.clone());
        self.owned_by = Some(op);
        self.claim_no += 1;
        self.rev += 1;
        self.life = Life::Acked;
        self.held = None;
        self.quiet.clear();
        self.offer = None;
        self.assigned = None;
        self.escalating = false;
        self.overdue = false;
        self.seen_due = Some(now.plus(rules.timing.seen_within));
        self.seen_asked = false;
        self.renew(now, rules);
    }

    /// Begins the owner's lease anew; it never reaches beyond the owner's shift.
    pub fn renew(&mut self, now: Timestamp, rules: Rules<'_>) {
        let Some(owner) = &self.owner else { return };
        let lease = now.plus(rules.timing.ack_lease);
        let shift = rules.paging.shift_end(owner, now);
        self.lease_until = Some(shift.map_or(lease, |end| end.min(lease)));
        // A lease that is shorter than its warning has none.
        self.warn_at =
            self.lease_until.map(|until| until.minus(rules.timing.lease_warning)).filter(|warn_at| *warn_at > now);
    }

    /// Nobody has it any more; calling goes on where it stood, at once if its time has passed.
    pub fn release(&mut self, now: Timestamp) {
        self.release_quietly();
        self.rev += 1;
        self.loud_rev = self.rev;
        self.step_due_at = self.step_due_at.max(now);
    }

    fn release_quietly(&mut self) {
        self.held = None;
        self.owner = None;
        self.owned_by = None;
        self.claim_no += 1;
        self.life = Life::Triggered;
        self.hold = None;
        self.offer = None;
        self.escalating = false;
        self.seen_due = None;
        self.seen_asked = false;
        self.lease_until = None;
        self.warn_at = None;
    }

    /// Brings due times that lie further away than any rule would set them back within reach: they were set by a clock that was wrong.
    pub fn pull_back(&mut self, now: Timestamp, rules: Rules<'_>) {
        let timing = rules.timing;
        let reach = |at: Timestamp, span: Duration| at.min(now.plus(span));
        let open = self.waits(now, rules.paging).map(|(until, _)| until).filter(|_| !self.quiet.is_empty());
        if let Some(held) = &mut self.held {
            held.until = reach(held.until, HELD_MAX);
        }
        self.held_until = self.held_until.map(|until| reach(until, HELD_MAX));
        // What waits for working hours or another problem waits on; by this clock.
        let waits_for = self.held.as_ref().map(|held| held.until).or(open);
        let step = now.plus(rules.paging.within(self.course.policy(), self.level)).max(waits_for.unwrap_or(now));
        self.step_due_at = self.step_due_at.min(step);
        self.recovering_until = self.recovering_until.map(|until| reach(until, self.course.window(timing.flap_window)));
        self.lease_until = self.lease_until.map(|until| reach(until, timing.ack_lease));
        let warned = timing.ack_lease.saturating_sub(timing.lease_warning);
        self.warn_at = self.warn_at.map(|warn_at| reach(warn_at, warned));
        self.seen_due = self.seen_due.map(|due| reach(due, timing.seen_within));
        if let Some(hold) = &mut self.hold {
            hold.until = reach(hold.until, if hold.wait.is_some() { timing.wait_max } else { timing.snooze_max });
        }
        if let Some(silenced) = &mut self.silenced {
            silenced.until = reach(silenced.until, super::silence::ADMIN_MAX);
        }
        if let Some(offer) = &mut self.offer {
            offer.expires_at = reach(offer.expires_at, timing.offer_max);
        }
        self.arm(now);
    }

    /// Ends it.
    pub fn resolve(&mut self, now: Timestamp, by: Option<OpId>) {
        self.life = Life::Resolved;
        self.rev += 1;
        self.open_key = None;
        self.recovering_until = None;
        self.next_due_at = None;
        self.resolved_at = Some(now);
        self.resolved_by = by;
        self.since = now;
        self.overdue = false;
        self.hold = None;
        self.silenced = None;
        self.offer = None;
        self.assigned = None;
        self.escalating = false;
        self.seen_due = None;
        self.lease_until = None;
        self.held = None;
        self.quiet.clear();
    }

    /// Opens it again: nobody has it, and the levels begin anew.
    pub fn reopen(&mut self, now: Timestamp) {
        self.release_quietly();
        self.rev += 1;
        self.loud_rev = self.rev;
        self.open_key = Some(self.group_key.clone());
        self.resolved_at = None;
        self.resolved_by = None;
        self.merged_into = None;
        self.reopened = true;
        self.held_until = None;
        self.recovering_until = None;
        self.since = now;
        self.restart_levels(now);
        self.arm(now);
    }

    /// Sets the next due time that the present life asks for.
    pub fn arm(&mut self, now: Timestamp) {
        let steps = (self.life == Life::Triggered || self.escalating) && !self.is_silenced(now);
        let stepping = steps.then_some(self.step_due_at);
        let owned = |at: Option<Timestamp>| at.filter(|_| self.life == Life::Acked);
        let working = |at: Option<Timestamp>| owned(at).filter(|_| self.hold.is_none());
        let times = [
            stepping,
            owned(self.seen_due),
            working(self.lease_until),
            working(self.warn_at),
            self.hold.as_ref().map(|hold| hold.until),
            self.offer.as_ref().map(|offer| offer.expires_at),
            self.silenced.as_ref().map(|silenced| silenced.until),
        ];
        self.next_due_at = match (self.life, self.recovering_until) {
            (Life::Resolved, _) => None,
            (_, Some(until)) => {
                let silenced = self.silenced.as_ref().map(|silenced| silenced.until.max(now));
                Some(silenced.map_or(until, |at| at.min(until)))
            }
            // Were there nothing to wait for, it would be due at once: silence without a timer cannot be stored.
            (_, None) => Some(times.into_iter().flatten().min().map_or(now, |at| at.max(now))),
        };
    }
}

fn severity_name(severity: Option<Severity>) -> String {
    severity.map_or("unexamined".to_owned(), |severity| severity.to_string())
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
        Incident::open(IncidentId(Uuid::nil()), Number(1), group, at(0))
    }

    fn by_rules<T>(act: impl FnOnce(Rules<'_>) -> T) -> T {
        let (timing, paging) = (Timing::default(), Paging::default());
        act(Rules { timing: &timing, paging: &paging })
    }

    fn due(incident: &mut Incident, second: i64) -> Happened {
        by_rules(|rules| incident.on_due(at(second), rules))
    }

    fn raise(incident: &mut Incident, severity: Option<Severity>, second: i64) -> Option<String> {
        by_rules(|rules| incident.raise(severity, at(second), rules)).line.map(|line| line.text)
    }

    fn step(incident: &mut Incident, from: Option<SeriesState>, to: SeriesState, second: i64) -> Option<Told> {
        let before = incident.shown();
        incident.count(from, to);
        by_rules(|rules| incident.settle(before, at(second), rules)).line.map(|line| line.told)
    }

    #[test]
    fn it_recovers_when_all_are_over_and_resolves_after_the_window() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        step(&mut incident, None, Firing, 1);
        assert_eq!(step(&mut incident, Some(Firing), Resolved, 2), None);
        assert_eq!(step(&mut incident, Some(Firing), Expired, 3), Some(Told::Recovering));
        assert_eq!((incident.shown(), incident.next_due_at), (Shown::Recovering, Some(at(603))));
        assert!(due(&mut incident, 602) == Happened::default());
        assert_eq!(due(&mut incident, 603).line.map(|line| line.told), Some(Told::Resolved));
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
        assert!(raise(&mut incident, Severity::new(5).ok(), 0).is_none());
        step(&mut incident, None, Firing, 1);
        assert!(raise(&mut incident, Severity::new(8).ok(), 1).is_none());
        assert!(raise(&mut incident, None, 1).is_none());
        assert_eq!(raise(&mut incident, Severity::new(2).ok(), 1).as_deref(), Some("severity rose from S5 to S2"));
        assert_eq!((incident.rev, incident.fire_no), (2, 2));
    }

    #[test]
    fn a_timer_set_by_a_wrong_clock_comes_back_within_reach() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 1_000_000);
        step(&mut incident, Some(Firing), Resolved, 1_000_000);
        by_rules(|rules| incident.pull_back(at(10), rules));
        assert_eq!(incident.next_due_at, Some(at(610)));
    }

    #[test]
    fn who_was_called_is_called_again_when_the_owner_loses_it_or_a_snooze_ends() {
        use super::super::paging::Page;
        let mira = UserName::parse("mira").unwrap();
        let pages = |incident: &Incident, calls: &[Call]| -> Vec<_> {
            let paging = Paging::default();
            let of = |call: &Call| Page::chain(incident, call, &mira, &paging, at(0)).first().map(|page| page.id);
            calls.iter().filter(|call| matches!(call.step, Step::Level(_))).filter_map(of).collect()
        };
        for snoozed in [false, true] {
            let mut incident = opened();
            step(&mut incident, None, Firing, 0);
            let calls = due(&mut incident, 0).calls;
            let first = pages(&incident, &calls);
            by_rules(|rules| incident.claim(&mira, OpId(Uuid::nil()), at(5), rules));
            if snoozed {
                let until = at(50);
                incident.seen_due = None;
                incident.hold = Some(Hold { op: OpId(Uuid::nil()), by: mira.clone(), until, wait: None, change: None });
            }
            incident.arm(at(5));
            let mut again = Vec::new();
            while let Some(now) = incident.next_due_at.filter(|_| again.is_empty()) {
                let calls = by_rules(|rules| incident.on_due(now, rules)).calls;
                again = pages(&incident, &calls);
            }
            assert!(!first.is_empty() && first != again, "snoozed: {snoozed}");
        }
    }

    #[test]
    fn no_timer_of_a_claim_stays_with_a_clock_that_was_ahead() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        let mira = UserName::parse("mira").unwrap();
        by_rules(|rules| incident.claim(&mira, OpId(Uuid::nil()), at(600), rules));
        by_rules(|rules| incident.pull_back(at(0), rules));
        assert_eq!((incident.seen_due, incident.next_due_at), (Some(at(60)), Some(at(60))));
        assert_eq!((incident.warn_at, incident.lease_until), (Some(at(1500)), Some(at(1800))));
    }

    #[test]
    fn who_claimed_it_is_called_for_a_levels_time_and_then_the_levels_as_always() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        incident.claimed = Some(Claimed {
            id: "1".into(),
            by: UserName::parse("jonas").unwrap(),
            reason: "disk swap".into(),
            until: at(100_000),
            page_me: true,
        });
        let calls = |incident: &mut Incident, second| {
            due(incident, second).calls.into_iter().map(|call| (call.whom, call.step)).collect::<Vec<_>>()
        };
        let jonas = || Whom::Person(UserName::parse("jonas").unwrap());
        assert_eq!(calls(&mut incident, 0), [(jonas(), Step::Claimer)]);
        assert_eq!((incident.level, incident.overdue, incident.next_due_at), (0, false, Some(at(300))));
        assert_eq!(calls(&mut incident, 300), [(Whom::Level(0), Step::Level(0))]);
        assert_eq!(calls(&mut incident, 600), [(Whom::Level(0), Step::Level(0))]);
        assert!(incident.overdue);
        // Too mild to call anybody by itself: a claim is no reason to.
        incident.severity = Severity::new(9).ok();
        by_rules(|rules| incident.louder(at(700), rules, "again"));
        assert_eq!(calls(&mut incident, 700), []);
    }

    #[test]
    fn what_waits_by_one_series_word_calls_by_anothers() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        let by = |plan| Handling { plan, ..Handling::default() };
        assert!(incident.take_handling(&by(Plan::Keep), at(0)).is_none(), "its first series' word is no news");
        assert_eq!(due(&mut incident, 1).calls, []);
        assert!(incident.next_due_at.is_some_and(|due| due > at(600)));
        let line = incident.take_handling(&by(Plan::Page), at(10)).map(|line| line.told);
        assert_eq!((line, incident.next_due_at), (Some(Told::Raised), Some(at(10))));
        assert_eq!(due(&mut incident, 10).calls.len(), 1);
    }

    #[test]
    fn the_last_level_is_called_until_somebody_answers() {
        let mut incident = opened();
        step(&mut incident, None, Firing, 0);
        for (second, round, overdue) in [(0, 0, false), (300, 1, true), (600, 2, true)] {
            let calls = due(&mut incident, second).calls;
            assert_eq!(calls.len(), 1);
            assert_eq!((calls[0].step, incident.round, incident.overdue), (Step::Level(0), round, overdue));
            assert_eq!(due(&mut incident, second + 299).calls, []);
            assert_eq!(incident.next_due_at, Some(at(second + 300)));
        }
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
                due(&mut incident, clock);
                prop_assert_eq!(incident.life == Life::Resolved, incident.next_due_at.is_none());
                prop_assert_eq!(incident.life == Life::Resolved, incident.open_key.is_none());
                prop_assert_eq!(incident.tally.total() as usize, series.iter().flatten().count());
            }
        }
    }
}
