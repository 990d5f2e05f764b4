//! Who is called, in which order, and by what: levels, the on-call list, each person's chain of channels, and one page as a row.

use super::holds::Calendar;
use super::id::{IncidentId, OpId, UserName, hex};
use super::incident::{Incident, Life};
use super::severity::Severity;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The channel that is a person's consoles.
pub const CONSOLE: &str = "console";

/// The name of the policy of those incidents that no route gives another.
pub const DEFAULT_POLICY: &str = "default";

/// Whom one level calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// Whoever the list says at that moment.
    OnCall,
    /// Everybody the hub knows.
    Everyone,
    /// One person.
    Person(UserName),
}

/// One level of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Who is called, all at once.
    pub call: Vec<Callee>,
    /// How long they have before the next level is called.
    pub within: Duration,
}

/// One stretch of somebody's duty, `[from, to)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Whose.
    pub person: UserName,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub to: Timestamp,
}

/// One channel of a person's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name: [`CONSOLE`], or one that the hub's configuration explains.
    pub channel: String,
    /// How long after the call it is tried, unless one before it failed: then at once.
    pub after: Duration,
}

/// Levels, duty and chains: all that decides who is called. Without any of it, everybody's consoles ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// First to last; never empty. The last one repeats until somebody answers.
    pub levels: Vec<Level>,
    /// The levels of other policies, by name; none of them is empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Vec<Level>>,
    /// Who is on call when; may overlap, may have gaps.
    pub on_call: Vec<Shift>,
    /// Each person's chain; who is not named has consoles only.
    pub chains: BTreeMap<UserName, Vec<Link>>,
    /// Pages to one person by one channel within this span are one message.
    pub bundle: Duration,
    /// The mildest severity that calls people by itself; what is unexamined calls too.
    pub down_to: Severity,
    /// When people are at work, by the calendar's name; the hub's alone.
    #[serde(skip)]
    pub calendars: BTreeMap<String, Calendar>,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            levels: vec![Level { call: vec![Callee::OnCall], within: Duration::from_secs(300) }],
            policies: BTreeMap::new(),
            on_call: Vec::new(),
            chains: BTreeMap::new(),
            bundle: Duration::from_secs(25),
            down_to: Severity::P2_MILDEST,
            calendars: BTreeMap::new(),
        }
    }
}

impl Paging {
    /// Returns the levels of a policy; of one that is not known any more, those of the default.
    pub fn levels_of(&self, policy: &str) -> &[Level] {
        self.policies.get(policy).filter(|levels| !levels.is_empty()).unwrap_or(&self.levels)
    }

    /// Returns the level of the policy at that place, the last one for every place beyond.
    pub fn level(&self, policy: &str, index: u32) -> Option<&Level> {
        let levels = self.levels_of(policy);
        levels.get(index as usize).or(levels.last())
    }

    /// Returns how long the people of a level have.
    pub fn within(&self, policy: &str, index: u32) -> Duration {
        self.level(policy, index).map_or(Duration::from_secs(300), |level| level.within)
    }

    /// Returns who is on call at that moment.
    pub fn on_duty(&self, now: Timestamp) -> BTreeSet<UserName> {
        self.on_call
            .iter()
            .filter(|shift| shift.from <= now && now < shift.to)
            .map(|shift| shift.person.clone())
            .collect()
    }

    /// Returns whether the person is on call; without a list everybody is.
    pub fn is_on_duty(&self, person: &UserName, now: Timestamp) -> bool {
        self.on_call.is_empty() || self.on_duty(now).contains(person)
    }

    /// Returns the end of the person's present shift, where one of the list covers `now`.
    pub fn shift_end(&self, person: &UserName, now: Timestamp) -> Option<Timestamp> {
        let mut end = None;
        // Shifts that follow each other without a gap are one.
        while let Some(next) = self
            .on_call
            .iter()
            .filter(|shift| shift.person == *person)
            .filter(|shift| shift.from <= end.unwrap_or(now) && end.unwrap_or(now) < shift.to)
            .map(|shift| shift.to)
            .max()
        {
            end = Some(next);
        }
        end
    }

    /// Returns who is called by a level at that moment; a list with a gap calls everybody rather than nobody.
    pub fn callees(&self, policy: &str, index: u32, now: Timestamp, known: &BTreeSet<UserName>) -> BTreeSet<UserName> {
        let mut people = BTreeSet::new();
        for callee in self.level(policy, index).map_or(&[][..], |level| &level.call) {
            match callee {
                Callee::OnCall => people.extend(self.on_duty(now)),
                Callee::Everyone => people.extend(known.iter().cloned()),
                Callee::Person(person) => {
                    people.insert(person.clone());
                }
            }
        }
        if people.is_empty() { self.everybody(known) } else { people }
    }

    /// Returns everybody: who has a console, a chain, a shift or a place in a level.
    pub fn everybody(&self, known: &BTreeSet<UserName>) -> BTreeSet<UserName> {
        let all = self.levels.iter().chain(self.policies.values().flatten());
        let levels = all.flat_map(|level| &level.call).filter_map(|callee| match callee {
            Callee::Person(person) => Some(person),
            Callee::OnCall | Callee::Everyone => None,
        });
        let shifts = self.on_call.iter().map(|shift| &shift.person);
        known.iter().chain(self.chains.keys()).chain(shifts).chain(levels).cloned().collect()
    }

    /// Returns the person's chain; who has none configured has consoles.
    pub fn chain(&self, person: &UserName) -> Vec<Link> {
        match self.chains.get(person) {
            Some(chain) if !chain.is_empty() => chain.clone(),
            _ => vec![Link { channel: CONSOLE.into(), after: Duration::ZERO }],
        }
    }
}

/// Which call of people it is: with the incident, its `fire_no` and the round the identity of a page, so that a decision made twice
/// pages once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step", content = "of")]
pub enum Step {
    /// A level of the policy, counted from 0.
    Level(u32),
    /// The owner of this claim has not seen that it is theirs.
    Claim(u64),
    /// The lease that ends then ends soon.
    LeaseEnds(Timestamp),
    /// The lease of this claim ended, or its owner never saw it: its former owner is told.
    Lost(u64),
    /// The snooze or wait of this revision is over: who asked for it is told.
    Wake(u64),
    /// The severity rose to this revision while somebody had it.
    Raised(u64),
    /// An offer waits for its answer, or for its offerer to hear that there is none.
    Offer(OpId),
    /// A person was asked to take it.
    Assigned(OpId),
    /// A person was called by a person.
    Escalated(OpId),
    /// Who claimed it is called before the levels.
    Claimer,
}

impl Step {
    /// Returns whether the hub's rules ask for it, and no person.
    pub fn is_the_hubs(self) -> bool {
        match self {
            Self::Level(_) | Self::Claim(_) | Self::LeaseEnds(_) | Self::Lost(_) => true,
            Self::Wake(_) | Self::Raised(_) | Self::Claimer => true,
            Self::Offer(_) | Self::Assigned(_) | Self::Escalated(_) => false,
        }
    }
}

/// Whom a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// All of a level.
    Level(u32),
    /// One person.
    Person(UserName),
}

/// A demand for somebody's attention, before it is known who that is and by what they are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// For whom.
    pub whom: Whom,
    /// Which call it is.
    pub step: Step,
    /// Why, in a few words for that person.
    pub why: String,
    /// Goes out even though somebody has it by now: louder than the ack that had not seen it.
    pub must: bool,
}

/// The identity of a page: a hash, so that the same decision made twice is one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageId(pub [u8; 16]);

impl From<PageId> for String {
    fn from(id: PageId) -> String {
        hex(&id.0)
    }
}

impl TryFrom<String> for PageId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        super::id::unhex(&text).map(Self).ok_or_else(|| format!("{text:?} is not the id of a page"))
    }
}

/// How far a page has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "because")]
pub enum PageState {
    /// Waits for its time, or for the next attempt.
    Queued,
    /// Somebody is sending it.
    Sending,
    /// The channel took it: a console has it, a provider said yes.
    Sent,
    /// Every attempt failed; the next channel or level is called at once.
    Failed(String),
    /// Not sent, for this confirmed reason.
    Skipped(String),
}

/// One demand for one person's attention by one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Which.
    pub id: PageId,
    /// About what.
    pub incident: IncidentId,
    /// The incident's [`Incident::fire_no`] when it was decided.
    pub fire_no: u64,
    /// Which call.
    #[serde(flatten)]
    pub step: Step,
    /// Times the policy had been gone through.
    pub round: u32,
    /// For whom.
    pub person: UserName,
    /// By what.
    pub channel: String,
    /// The channel's place in the person's chain, from 0.
    pub link: u32,
    /// See [`Call::must`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must: bool,
    /// Why, in a few words.
    pub why: String,
    /// How far it has come.
    #[serde(flatten)]
    pub state: PageState,
    /// When it was decided.
    pub queued_at: Timestamp,
    /// Not tried before.
    pub not_before: Timestamp,
    /// Times it was tried.
    pub attempts: u32,
    /// Counts leases: an answer under an older one is not taken.
    pub lease_no: u64,
    /// Until when the present attempt may take; after it another is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// When the channel took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// When it was before the person's eyes, where the channel can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// When the person answered: took the incident, or joined who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// Why it asks for no answer any more, though it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

impl Page {
    /// Returns the identity of such a page.
    pub fn id_of(incident: IncidentId, fire_no: u64, step: Step, round: u32, person: &UserName, link: u32) -> PageId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(incident.as_bytes()).update(&fire_no.to_le_bytes());
        match step {
            Step::Level(level) => hasher.update(b"level").update(&level.to_le_bytes()),
            Step::Claim(claim) => hasher.update(b"claim").update(&claim.to_le_bytes()),
            Step::LeaseEnds(until) => hasher.update(b"lease").update(&until.as_millis().to_le_bytes()),
            Step::Lost(claim) => hasher.update(b"lost").update(&claim.to_le_bytes()),
            Step::Wake(rev) => hasher.update(b"wake").update(&rev.to_le_bytes()),
            Step::Raised(rev) => hasher.update(b"raised").update(&rev.to_le_bytes()),
            Step::Offer(op) => hasher.update(b"offer").update(op.as_bytes()),
            Step::Assigned(op) => hasher.update(b"assigned").update(op.as_bytes()),
            Step::Escalated(op) => hasher.update(b"escalated").update(op.as_bytes()),
            Step::Claimer => hasher.update(b"claimer"),
        };
        hasher.update(&round.to_le_bytes()).update(&link.to_le_bytes()).update(person.as_str().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        PageId(id)
    }

    /// Returns the pages of a call to one person: one for each channel of the chain, each with its own time.
    pub fn chain(incident: &Incident, call: &Call, person: &UserName, paging: &Paging, now: Timestamp) -> Vec<Self> {
        let links = paging.chain(person).into_iter().enumerate();
        links
            .map(|(place, link)| {
                let place = place as u32;
                Self {
                    id: Self::id_of(incident.id, incident.fire_no, call.step, incident.round, person, place),
                    incident: incident.id,
                    fire_no: incident.fire_no,
                    step: call.step,
                    round: incident.round,
                    person: person.clone(),
                    channel: link.channel,
                    link: place,
                    must: call.must,
                    why: call.why.clone(),
                    state: PageState::Queued,
                    queued_at: now,
                    not_before: now.plus(link.after),
                    attempts: 0,
                    lease_no: 0,
                    lease_until: None,
                    delivered_at: None,
                    seen_at: None,
                    acknowledged_at: None,
                    closed: None,
                }
            })
            .collect()
    }

    /// Returns whether it rings at its person's consoles: on its way to them or there, and not answered.
    pub fn calls_the_console(&self) -> bool {
        self.channel == CONSOLE
            && matches!(self.state, PageState::Queued | PageState::Sending | PageState::Sent)
            && self.is_open()
    }

    /// Returns whether no console of its person was there to take it: one that comes later rings all the same.
    pub fn missed_the_console(&self) -> bool {
        let unanswered = self.acknowledged_at.is_none() && self.closed.is_none();
        self.channel == CONSOLE && matches!(self.state, PageState::Failed(_)) && unanswered
    }

    /// Returns whether it only tells somebody that it is not theirs any more: others are called in any case.
    pub fn is_told_to_its_former_owner(&self) -> bool {
        matches!(self.step, Step::Lost(_))
    }

    /// Returns whether it is unanswered and asks for an answer.
    pub fn is_open(&self) -> bool {
        let alive = matches!(self.state, PageState::Queued | PageState::Sending | PageState::Sent);
        alive && self.acknowledged_at.is_none() && self.closed.is_none()
    }

    /// Returns when it is to be tried, the first time or again; `None` when it is no longer.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            PageState::Queued => Some(self.not_before),
            PageState::Sending => Some(self.lease_until.unwrap_or(self.not_before)),
            PageState::Sent | PageState::Failed(_) | PageState::Skipped(_) => None,
        }
    }

    /// Notes that it asks for no answer any more, sent or not.
    pub fn close(&mut self, because: &str) {
        if self.is_pending() {
            self.state = PageState::Skipped(because.to_owned());
        }
        self.closed = Some(because.to_owned());
    }

    /// Returns whether it may still go out.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, PageState::Queued | PageState::Sending)
    }

    /// Returns why it asks for no answer any more, by the incident as it is confirmed now; `None` while it does.
    pub fn needless(&self, incident: &Incident) -> Option<String> {
        if incident.life == Life::Resolved {
            return Some("resolved".into());
        }
        if incident.silenced.is_some() && !incident.escalating && !self.must && self.step.is_the_hubs() {
            return Some("silenced".into());
        }
        let owner = incident.owner.as_ref();
        let same_claim = |claim: u64| incident.claim_no == claim;
        match self.step {
            // A person of the level who acked has answered; who else has it need not keep what must be heard from going out.
            Step::Level(_) | Step::Escalated(_) | Step::Claimer => {
                let by_me = owner == Some(&self.person);
                let answered = incident.life == Life::Acked && !incident.escalating && (by_me || !self.must);
                answered.then(|| format!("{} has it", owner.map_or("somebody", UserName::as_str)))
            }
            Step::Claim(claim) => (!same_claim(claim) || incident.seen_due.is_none()).then(|| "it was seen".into()),
            Step::LeaseEnds(until) => {
                let ends = owner == Some(&self.person) && incident.lease_until == Some(until);
                (!ends).then(|| "still on it".into())
            }
            Step::Raised(_) => {
                (incident.life == Life::Triggered || incident.seen_due.is_none()).then(|| "it was seen".into())
            }
            Step::Lost(_) | Step::Wake(_) => {
                (incident.life == Life::Acked).then(|| format!("{} has it", owner.map_or("somebody", UserName::as_str)))
            }
            // The offer's end is told to who offered; to the other it is needless by then.
            Step::Offer(op) => {
                let open = incident.offer.as_ref().is_some_and(|offer| offer.op == op);
                (!open && owner != Some(&self.person)).then(|| "the offer is over".into())
            }
            Step::Assigned(op) => {
                let open = incident.assigned.as_ref().is_some_and(|assigned| assigned.op == op);
                (!open).then(|| "it was taken, or given to another".into())
            }
        }
    }
}
