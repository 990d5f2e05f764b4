//! What an operation does to an incident: one exhaustive match over the operation, the incident's life, and whether the person saw it as
//! it is.
//!
//! Quieting operations are compare-and-set on what the person saw. Louder ones always apply. So a conflict is settled towards more
//! people knowing.

use super::id::{IncidentId, OpId, UserName};
use super::incident::{Assigned, Author, Hold, Incident, Life, Line, Offer, Rules, SetSeverity, Told, Wait};
use super::op::{Act, Kind, Op};
use super::paging::{Call, Step, Whom};
use super::severity::Severity;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The hub's answer to an operation: stored once, sent again verbatim to every retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Verdict {
    /// The incident is the actor's, under this claim.
    Won {
        /// The claim.
        claim_no: u64,
    },
    /// The incident is the actor's, but it became louder since the actor looked: that call still goes out once.
    WonNoStop {
        /// The claim.
        claim_no: u64,
    },
    /// Another has it; the actor is noted as helper.
    Joined {
        /// Who has it.
        owner: UserName,
    },
    /// Done.
    Applied,
    /// Done, though not all of it: another's earlier wake stands.
    Shortened {
        /// When it wakes.
        until: Timestamp,
    },
    /// Something newer stands; nothing changed but the timeline.
    Superseded {
        /// What.
        by: Newer,
    },
    /// It came after its own deadline; nothing changed.
    Expired,
    /// The rules forbid it; nothing changed.
    Refused {
        /// Which.
        because: Refusal,
    },
    /// The hub does not know this kind of operation.
    Unsupported,
}

/// What stands instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "newer", rename_all = "snake_case")]
pub enum Newer {
    /// The incident is over; `successor` is the open one that goes on for it, or of the same group.
    Resolved {
        /// The open incident, if there is one.
        successor: Option<IncidentId>,
    },
    /// The claim is another's, or nobody's.
    Claim {
        /// Who has it.
        owner: Option<UserName>,
    },
    /// The offer was withdrawn, ran out, or is for another.
    Offer,
    /// Owner, severity or life changed since the person looked.
    Changed,
}

/// Which rule forbids it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Refusal {
    /// Series still fire.
    StillFiring {
        /// How many.
        firing: u32,
    },
    /// The hub knows no such incident.
    NoSuchIncident,
    /// The hub knows nobody of that name: a call would reach nobody.
    NoSuchPerson,
    /// Quieting what another has: take it over first.
    NotYours {
        /// Who has it.
        owner: UserName,
    },
    /// An offer to oneself.
    ToYourself,
    /// The other incident does not exist, is over, or is this one.
    NoSuchTarget,
    /// None of the named series is the incident's, or all of them are.
    NothingToSplit,
    /// Its effect cannot be taken back.
    CannotUndo {
        /// What was done.
        kind: String,
    },
    /// Neither it nor what it undoes is the actor's.
    NotYourOperation,
    /// The hub knows no such runbook, or no such text of it.
    NoSuchRunbook,
    /// As much of it is kept as can be.
    NoRoom,
}

impl Verdict {
    /// Returns whether the person got what was asked for, and nothing else needs to be said.
    pub fn is_welcome(&self) -> bool {
        matches!(self, Self::Won { .. } | Self::Applied)
    }

    /// Returns whether the incident is the actor's by it.
    pub fn is_won(&self) -> bool {
        matches!(self, Self::Won { .. } | Self::WonNoStop { .. })
    }

    /// Returns whether it stays before the person until dismissed: all that is neither what was asked for nor a plain line.
    pub fn stays(&self) -> bool {
        !self.is_welcome() && !matches!(self, Self::Joined { .. })
    }

    /// Returns one line for the person who asked.
    pub fn sentence(&self) -> String {
        match self {
            Self::Won { .. } => "yours, confirmed by the hub".into(),
            Self::WonNoStop { .. } => "yours; it became louder since you looked, and that call still rings once".into(),
            Self::Joined { owner } => format!("{owner} has it; you are noted as helping"),
            Self::Applied => "confirmed by the hub".into(),
            Self::Shortened { until } => {
                format!("another's earlier wake stands: it wakes at {}", until.date_and_second())
            }
            Self::Superseded { by } => by.sentence(),
            Self::Expired => "too late: its time had passed when it reached the hub; nothing changed".into(),
            Self::Refused { because } => because.sentence(),
            Self::Unsupported => {
                "not done: the hub is older than this console and does not know this; upgrade the hub".into()
            }
        }
    }
}

impl Newer {
    fn sentence(&self) -> String {
        match self {
            Self::Resolved { successor: None } => "too late: already resolved".into(),
            Self::Resolved { successor: Some(_) } => {
                "too late: already resolved, and another incident goes on for it".into()
            }
            Self::Claim { owner: Some(owner) } => format!("not done: {owner} has it now"),
            Self::Claim { owner: None } => "not done: nobody has it".into(),
            Self::Offer => "not done: the offer was withdrawn, ran out, or is for another".into(),
            Self::Changed => "not done: it changed since you looked; look again".into(),
        }
    }
}

impl Refusal {
    fn sentence(&self) -> String {
        match self {
            Self::StillFiring { firing } => {
                format!("refused: {firing} series firing; snooze it, or force it")
            }
            Self::NoSuchRunbook => "refused: the hub knows no such text of that runbook".into(),
            Self::NoRoom => "refused: the hub keeps as many of these as it can".into(),
            Self::NoSuchIncident => "refused: the hub knows no such incident".into(),
            Self::NoSuchPerson => "refused: the hub knows nobody of that name".into(),
            Self::NotYours { owner } => format!("refused: {owner} has it; take it over first"),
            Self::ToYourself => "refused: you have it already".into(),
            Self::NoSuchTarget => "refused: the other incident is not open".into(),
            Self::NothingToSplit => "refused: a split takes some of its series, not none and not all".into(),
            Self::CannotUndo { kind } => match kind.as_str() {
                "escalate" => "refused: people have been called; tell them by a note".into(),
                "note" => "refused: words stay; write another note".into(),
                "merge" => "refused: a merge is taken back by a split".into(),
                "split" => "refused: a split is taken back by a merge".into(),
                other => format!("refused: {other} cannot be taken back"),
            },
            Self::NotYourOperation => "refused: only who offered it can withdraw it".into(),
        }
    }
}

/// What else a judged operation does, for the store to carry out in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The firing series' present starts are dismissed.
    DismissFiring,
    /// The series that a person dismissed burn again, as far as their source says so.
    Recall,
    /// People are called.
    Call(Call),
    /// All series go to that incident, which goes on for both.
    MoveAll(IncidentId),
    /// The operation's series become an incident of their own.
    SplitOff,
}

/// What judging goes by beside the incident and the operation.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// By the hub's clock.
    pub now: Timestamp,
    /// Windows, delays, and who is called.
    pub rules: Rules<'a>,
    /// The open incident that goes on for a resolved one: what it was merged into, or of the same group.
    pub successor: Option<IncidentId>,
    /// Whether the hub knows the person that the operation names ([`Act::names`]).
    pub knows: bool,
    /// Whether the other incident of a merge is open.
    pub target_open: bool,
    /// How many of a split's series are this incident's.
    pub split: u32,
}

/// What judging an operation gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What the timeline tells of it.
    pub line: Option<Line>,
    /// What else is to be done.
    pub effects: Vec<Effect>,
}

impl Judgement {
    fn quiet(verdict: Verdict) -> Self {
        Self { verdict, line: None, effects: Vec::new() }
    }

    fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

/// Whether the person saw the incident as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// The revision is the same.
    Fresh,
    /// Owner, snooze, severity or life changed since.
    Stale,
}

/// Judges one operation on its incident and changes the incident accordingly.
pub fn judge(incident: &mut Incident, op: &Op, context: &Context<'_>) -> Judgement {
    use Freshness::{Fresh, Stale};
    use Life::{Acked, Resolved, Triggered};
    let freshness = if op.basis.rev == incident.rev { Fresh } else { Stale };
    let before = incident.shown();
    let life = incident.life;
    let mut case = Case { incident, op, context };
    let judgement = match (&op.act, life, freshness) {
        (Act::Unknown { .. }, Triggered | Acked | Resolved, Fresh | Stale) => Judgement::quiet(Verdict::Unsupported),
        (Act::Note { text }, Triggered | Acked | Resolved, Fresh | Stale) => case.note(text),
        // What is read, ticked and remarked changes no incident; the hub keeps it beside.
        (Act::Read { .. } | Act::Tick { .. } | Act::Remark { .. }, Triggered | Acked | Resolved, Fresh | Stale) => {
            Judgement::quiet(Verdict::Applied)
        }
        (Act::Seen, Triggered | Acked | Resolved, Fresh | Stale) => case.seen(),
        (Act::Undo { op, kind }, Triggered | Acked | Resolved, Fresh | Stale) => case.undo(*op, *kind, freshness),

        (Act::Reopen, Resolved, Fresh | Stale) => case.reopen(),
        (Act::Reopen, Triggered | Acked, Fresh | Stale) => Judgement::quiet(Verdict::Applied),

        (
            Act::Ack
            | Act::Unack
            | Act::TakeOver
            | Act::Snooze { .. }
            | Act::Wait { .. }
            | Act::Escalate { .. }
            | Act::Offer { .. }
            | Act::Accept { .. }
            | Act::Decline { .. }
            | Act::Assign { .. }
            | Act::SetSeverity { .. }
            | Act::Resolve { .. }
            | Act::Merge { .. }
            | Act::Split { .. },
            Resolved,
            Fresh | Stale,
        ) => case.too_late(),

        (Act::Ack, Triggered, Fresh | Stale) => case.ack_free(),
        (Act::Ack, Acked, Fresh | Stale) => case.ack_owned(),
        (Act::Unack, Triggered | Acked, Fresh | Stale) => case.unack(),
        (Act::TakeOver, Triggered, Fresh | Stale) => case.ack_free(),
        (Act::TakeOver, Acked, Fresh | Stale) => case.take_over(),

        (Act::Snooze { .. } | Act::Wait { .. }, Triggered | Acked, Stale) => case.hold_stale(),
        (Act::Snooze { .. } | Act::Wait { .. }, Triggered | Acked, Fresh) => case.hold(),

        (Act::Escalate { to, level_seen }, Triggered | Acked, Fresh | Stale) => case.escalate(to.as_ref(), *level_seen),
        (Act::Assign { to }, Triggered | Acked, Fresh | Stale) => case.assign(to),

        (Act::Offer { .. } | Act::Accept { .. } | Act::Decline { .. }, Triggered, Fresh | Stale) => case.unclaimed(),
        (Act::Offer { to, expires_at }, Acked, Fresh | Stale) => case.offer(to, *expires_at),
        (Act::Accept { offer }, Acked, Fresh | Stale) => case.accept(*offer),
        (Act::Decline { offer }, Acked, Fresh | Stale) => case.decline(*offer),

        (Act::SetSeverity { to }, Triggered | Acked, Fresh | Stale) => case.set_severity(*to, freshness),

        (Act::Resolve { .. } | Act::Merge { .. } | Act::Split { .. }, Triggered | Acked, Stale) => case.changed(),
        (Act::Resolve { force }, Triggered | Acked, Fresh) => case.resolve(*force),
        (Act::Merge { into }, Triggered | Acked, Fresh) => case.merge(*into),
        (Act::Split { .. }, Triggered | Acked, Fresh) => case.split(),
    };
    incident.arm(context.now);
    if incident.shown() != before {
        incident.since = context.now;
    }
    judgement
}

/// One operation before its incident.
struct Case<'a, 'b> {
    incident: &'a mut Incident,
    op: &'a Op,
    context: &'a Context<'b>,
}

impl Case<'_, '_> {
    fn told(&self, told: Told, text: impl Into<String>) -> Line {
        Line { at: self.context.now, author: Author::User(self.op.actor.clone()), told, text: text.into() }
    }

    fn done(&self, verdict: Verdict, told: Told, text: impl Into<String>) -> Judgement {
        Judgement { verdict, line: Some(self.told(told, text)), effects: Vec::new() }
    }

    fn mine(&self) -> bool {
        self.incident.owner.as_ref() == Some(&self.op.actor)
    }

    fn same_claim(&self) -> bool {
        self.op.basis.claim_no == self.incident.claim_no
    }

    /// Returns whether the person had seen the latest change to the louder side.
    fn heard(&self) -> bool {
        self.incident.was_heard_at(self.op.basis.rev)
    }

    fn too_late(&self) -> Judgement {
        Judgement::quiet(Verdict::Superseded { by: Newer::Resolved { successor: self.context.successor } })
    }

    fn changed(&self) -> Judgement {
        Judgement::quiet(Verdict::Superseded { by: Newer::Changed })
    }

    fn unclaimed(&self) -> Judgement {
        Judgement::quiet(Verdict::Superseded { by: Newer::Claim { owner: self.incident.owner.clone() } })
    }

    fn refused(&self, because: Refusal) -> Judgement {
        Judgement::quiet(Verdict::Refused { because })
    }

    fn claim(&mut self) {
        let Context { now, rules, .. } = *self.context;
        self.incident.claim(&self.op.actor, self.op.op_id, now, rules);
    }

    fn note(&mut self, text: &str) -> Judgement {
        if self.mine() && self.incident.life == Life::Acked {
            // Who writes is still on it.
            self.incident.renew(self.context.now, self.context.rules);
        }
        self.done(Verdict::Applied, Told::Note, text)
    }

    fn seen(&mut self) -> Judgement {
        if !self.mine() || !self.same_claim() || self.incident.life != Life::Acked {
            return self.unclaimed();
        }
        if !self.heard() {
            return self.changed();
        }
        self.incident.seen_due = None;
        Judgement::quiet(Verdict::Applied)
    }

    /// An ack of what nobody has.
    fn ack_free(&mut self) -> Judgement {
        // It became louder since the person looked: that call must still be heard.
        let heard = self.heard();
        let level = self.incident.level;
        let due = self.incident.step_due_at <= self.context.now;
        self.claim();
        let claim_no = self.incident.claim_no;
        if heard {
            return self.done(Verdict::Won { claim_no }, Told::Acked, "acknowledged");
        }
        // The level that is due now, which is called by this, or the one that was called last: its pages are the louder's.
        let level = if due || level == 0 { self.next_level() } else { level - 1 };
        let call = Call {
            whom: Whom::Level(level),
            step: Step::Level(level),
            why: format!("{} has it, and had not seen that it became louder", self.op.actor),
            must: true,
        };
        self.done(Verdict::WonNoStop { claim_no }, Told::Acked, "acknowledged, before seeing that it became louder")
            .with(Effect::Call(call))
    }

    fn ack_owned(&mut self) -> Judgement {
        let actor = &self.op.actor;
        let asked = self.incident.assigned.as_ref().is_some_and(|assigned| assigned.to == *actor)
            || self.incident.offer.as_ref().is_some_and(|offer| offer.to == *actor);
        if self.mine() {
            self.incident.overdue = false;
            self.incident.renew(self.context.now, self.context.rules);
            if !self.heard() {
                return Judgement::quiet(Verdict::WonNoStop { claim_no: self.incident.claim_no });
            }
            if self.same_claim() {
                self.incident.seen_due = None;
            }
            return Judgement::quiet(Verdict::Applied);
        }
        let Some(owner) = self.incident.owner.clone().filter(|_| !asked) else {
            self.claim();
            let verdict = Verdict::Won { claim_no: self.incident.claim_no };
            return self.done(verdict, Told::Acked, "took it as asked");
        };
        // Somebody answered who was called beside its owner, if what they saw is what called them.
        if self.heard() {
            self.incident.escalating = false;
        }
        self.done(Verdict::Joined { owner }, Told::Joined, "is on it too")
    }

    fn unack(&mut self) -> Judgement {
        if self.incident.life != Life::Acked || !self.mine() || !self.same_claim() {
            return self.unclaimed();
        }
        self.incident.release(self.context.now);
        self.done(Verdict::Applied, Told::Released, "gave it back")
    }

    fn take_over(&mut self) -> Judgement {
        if self.mine() {
            return Judgement::quiet(Verdict::Applied);
        }
        if !self.same_claim() {
            return self.unclaimed();
        }
        let from = self.incident.owner.clone();
        self.claim();
        let verdict = Verdict::Won { claim_no: self.incident.claim_no };
        let from = from.map_or("nobody".to_owned(), |owner| owner.to_string());
        self.done(verdict, Told::Acked, format!("took it over from {from}"))
    }

    /// Returns the hold that the operation asks for, its end within what the rules allow.
    fn wanted(&self) -> Option<Hold> {
        let Context { now, rules, .. } = *self.context;
        let (until, longest, wait, change) = match &self.op.act {
            Act::Snooze { until, until_change } => {
                (*until, rules.timing.snooze_max, None, until_change.then(|| self.incident.extent()))
            }
            Act::Wait { reason, ticket, until } => {
                let wait = Wait { reason: reason.clone(), ticket: ticket.clone() };
                (*until, rules.timing.wait_max, Some(wait), None)
            }
            _ => return None,
        };
        let until = until.min(now.plus(longest));
        Some(Hold { op: self.op.op_id, by: self.op.actor.clone(), until, wait, change })
    }

    fn hold(&mut self) -> Judgement {
        let Some(hold) = self.wanted() else { return self.changed() };
        if hold.until <= self.context.now {
            return Judgement::quiet(Verdict::Expired);
        }
        if self.incident.life == Life::Acked && !self.mine() {
            let owner = self.incident.owner.clone();
            return owner.map_or_else(|| self.changed(), |owner| self.refused(Refusal::NotYours { owner }));
        }
        let until = hold.until.date_and_second();
        let text = match (&hold.wait, hold.change) {
            (Some(wait), _) if wait.ticket.is_empty() => format!("waits until {until}: {}", wait.reason),
            (Some(wait), _) => format!("waits until {until}: {} ({})", wait.reason, wait.ticket),
            (None, Some(_)) => format!("snoozed until {until}, or until it gets worse"),
            (None, None) => format!("snoozed until {until}"),
        };
        let verdict = if self.incident.life == Life::Triggered {
            self.claim();
            Verdict::Won { claim_no: self.incident.claim_no }
        } else {
            self.incident.rev += 1;
            self.incident.escalating = false;
            Verdict::Applied
        };
        self.incident.hold = Some(hold);
        self.done(verdict, Told::Snoozed, text)
    }

    /// A snooze by somebody who had not seen what stands: it can only make the present snooze shorter.
    fn hold_stale(&mut self) -> Judgement {
        let Some(wanted) = self.wanted() else { return self.changed() };
        if wanted.until <= self.context.now {
            return Judgement::quiet(Verdict::Expired);
        }
        let anothers = self.incident.life == Life::Acked && !self.mine();
        match &mut self.incident.hold {
            None if anothers => self.unclaimed(),
            None => self.changed(),
            Some(hold) if wanted.until >= hold.until => {
                let until = hold.until;
                Judgement::quiet(Verdict::Shortened { until })
            }
            Some(hold) => {
                hold.until = wanted.until;
                self.incident.rev += 1;
                let text = format!("wakes earlier: {}", wanted.until.date_and_second());
                self.done(Verdict::Applied, Told::Snoozed, text)
            }
        }
    }

    fn louder(&mut self) {
        self.incident.rev += 1;
        self.incident.loud_rev = self.incident.rev;
    }

    /// Takes the next level, or the last one again, whose people have their time from now on.
    fn next_level(&mut self) -> u32 {
        let Context { now, rules, .. } = *self.context;
        let count = rules.paging.levels_of(self.incident.course.policy()).len().max(1) as u32;
        let level = self.incident.level.min(count - 1);
        if self.incident.level >= count {
            self.incident.round += 1;
        }
        self.incident.level = (self.incident.level + 1).min(count);
        self.incident.step_due_at = now.plus(rules.paging.within(self.incident.course.policy(), level));
        level
    }

    fn escalate(&mut self, to: Option<&UserName>, level_seen: u32) -> Judgement {
        let Context { now, rules, .. } = *self.context;
        if to.is_some() && !self.context.knows {
            return self.refused(Refusal::NoSuchPerson);
        }
        let why = format!("{} calls for help", self.op.actor);
        let call = match to {
            Some(person) => {
                let step = Step::Escalated(self.op.op_id);
                Call { whom: Whom::Person(person.clone()), step, why, must: true }
            }
            // Who escalates what was called on since has been obeyed already.
            None if self.incident.level > level_seen => {
                return self.done(Verdict::Applied, Told::Escalated, "escalated; that level was called already");
            }
            None => {
                let level = self.next_level();
                Call { whom: Whom::Level(level), step: Step::Level(level), why, must: true }
            }
        };
        self.louder();
        self.incident.escalating = true;
        if to.is_some() {
            // Who was called has their time before the next one is. Where nobody has it, the levels go on as they would have, and what waited
            // for working hours waits no longer than that.
            let level = self.incident.level.saturating_sub(1);
            let after = now.plus(rules.paging.within(self.incident.course.policy(), level));
            let before = self.incident.step_due_at;
            self.incident.step_due_at = if self.incident.life == Life::Acked { after } else { before.min(after) };
        }
        let text = match to {
            Some(person) => format!("escalated to {person}"),
            None => format!("escalated to level {}", self.incident.level),
        };
        self.done(Verdict::Applied, Told::Escalated, text).with(Effect::Call(call))
    }

    fn assign(&mut self, to: &UserName) -> Judgement {
        if !self.context.knows {
            return self.refused(Refusal::NoSuchPerson);
        }
        if self.incident.owner.as_ref() == Some(to) {
            return Judgement::quiet(Verdict::Applied);
        }
        self.incident.assigned = Some(Assigned { op: self.op.op_id, to: to.clone() });
        let call = Call {
            whom: Whom::Person(to.clone()),
            step: Step::Assigned(self.op.op_id),
            why: format!("{} asks you to take it", self.op.actor),
            must: true,
        };
        self.done(Verdict::Applied, Told::Assigned, format!("asked {to} to take it")).with(Effect::Call(call))
    }

    fn offer(&mut self, to: &UserName, expires_at: Timestamp) -> Judgement {
        let Context { now, rules, knows, .. } = *self.context;
        if !self.mine() || !self.same_claim() {
            return self.unclaimed();
        }
        if !knows {
            return self.refused(Refusal::NoSuchPerson);
        }
        if *to == self.op.actor {
            return self.refused(Refusal::ToYourself);
        }
        let expires_at = expires_at.min(now.plus(rules.timing.offer_max));
        if expires_at <= now {
            return Judgement::quiet(Verdict::Expired);
        }
        self.incident.renew(now, rules);
        self.incident.offer = Some(Offer { op: self.op.op_id, to: to.clone(), expires_at });
        let call = Call {
            whom: Whom::Person(to.clone()),
            step: Step::Offer(self.op.op_id),
            why: format!("{} offers it to you until {}", self.op.actor, expires_at.hour_minute()),
            must: false,
        };
        self.done(Verdict::Applied, Told::Handover, format!("offered it to {to}")).with(Effect::Call(call))
    }

    fn accept(&mut self, offer: OpId) -> Judgement {
        let good = |standing: &Offer| standing.op == offer && standing.to == self.op.actor;
        if !self.incident.offer.as_ref().is_some_and(good) {
            return Judgement::quiet(Verdict::Superseded { by: Newer::Offer });
        }
        let (from, hold) = (self.incident.owner.clone(), self.incident.hold.take());
        self.claim();
        // What was quiet stays quiet: the baton changes hands, not the incident.
        self.incident.hold = hold;
        let verdict = Verdict::Won { claim_no: self.incident.claim_no };
        let from = from.map_or("nobody".to_owned(), |owner| owner.to_string());
        self.done(verdict, Told::Handover, format!("accepted it from {from}"))
    }

    fn decline(&mut self, offer: OpId) -> Judgement {
        let good = |standing: &Offer| standing.op == offer && standing.to == self.op.actor;
        if !self.incident.offer.as_ref().is_some_and(good) {
            return Judgement::quiet(Verdict::Superseded { by: Newer::Offer });
        }
        self.incident.offer = None;
        let owner = self.incident.owner.clone();
        let told = self.done(Verdict::Applied, Told::Handover, "declined the offer");
        match owner {
            Some(owner) => {
                let why = format!("{} declined: it is still yours", self.op.actor);
                told.with(Effect::Call(Call { whom: Whom::Person(owner), step: Step::Offer(offer), why, must: true }))
            }
            None => told,
        }
    }

    fn set_severity(&mut self, to: Severity, freshness: Freshness) -> Judgement {
        let before = self.incident.severity;
        if before == Some(to) {
            return Judgement::quiet(Verdict::Applied);
        }
        let worse = before.is_some_and(|before| to.is_worse_than(before));
        if !worse && freshness == Freshness::Stale {
            return self.changed();
        }
        self.incident.severity = Some(to);
        self.incident.severity_set = Some(SetSeverity { op: self.op.op_id, before });
        let text = match before {
            Some(before) => format!("set the severity from {before} to {to}"),
            None => format!("set the severity to {to}"),
        };
        let done = self.done(Verdict::Applied, Told::Severity, text.clone());
        if !worse {
            self.incident.rev += 1;
            return done;
        }
        let calls = self.incident.louder(self.context.now, self.context.rules, &text);
        calls.into_iter().fold(done, |done, call| done.with(Effect::Call(call)))
    }

    fn resolve(&mut self, force: bool) -> Judgement {
        let lasting = self.incident.tally.lasting();
        if lasting > 0 && !force {
            return self.refused(Refusal::StillFiring { firing: lasting });
        }
        let firing = std::mem::take(&mut self.incident.tally.firing);
        self.incident.tally.over += firing;
        self.incident.tally.instant = 0;
        self.incident.resolve(self.context.now, Some(self.op.op_id));
        let text = if lasting > 0 { "resolved by force while it fired" } else { "resolved" };
        let done = self.done(Verdict::Applied, Told::Resolved, text);
        if firing > 0 { done.with(Effect::DismissFiring) } else { done }
    }

    fn reopen(&mut self) -> Judgement {
        if self.context.successor.is_some() {
            // It is open already, under another number: as loud as was asked for.
            return self.too_late();
        }
        self.incident.reopen(self.context.now);
        self.done(Verdict::Applied, Told::Reopened, "opened it again").with(Effect::Recall)
    }

    fn merge(&mut self, into: IncidentId) -> Judgement {
        if !self.context.target_open || into == self.incident.id {
            return self.refused(Refusal::NoSuchTarget);
        }
        self.incident.resolve(self.context.now, None);
        self.incident.merged_into = Some(into);
        self.done(Verdict::Applied, Told::Regrouped, "merged into another incident").with(Effect::MoveAll(into))
    }

    fn split(&mut self) -> Judgement {
        let (named, total) = (self.context.split, self.incident.tally.total());
        if named == 0 || named >= total {
            return self.refused(Refusal::NothingToSplit);
        }
        self.incident.rev += 1;
        self.done(Verdict::Applied, Told::Regrouped, format!("split {named} series off")).with(Effect::SplitOff)
    }

    fn undo(&mut self, undone: OpId, kind: Kind, freshness: Freshness) -> Judgement {
        let open = self.incident.life != Life::Resolved;
        let held = self.incident.hold.as_ref().is_some_and(|hold| hold.op == undone);
        let owns = self.incident.owned_by == Some(undone) && self.incident.life == Life::Acked;
        match kind {
            Kind::Seen
            | Kind::Unack
            | Kind::Decline
            | Kind::Note
            | Kind::Escalate
            | Kind::Merge
            | Kind::Split
            | Kind::Reopen
            | Kind::Read
            | Kind::Tick
            | Kind::Remark
            | Kind::Undo => self.refused(Refusal::CannotUndo { kind: kind.word().to_owned() }),
            Kind::Resolve if self.incident.resolved_by == Some(undone) && !open => self.reopen(),
            Kind::Resolve if open => self.changed(),
            Kind::Resolve => self.too_late(),
            _ if !open => self.too_late(),
            Kind::Ack | Kind::TakeOver | Kind::Accept if owns && self.mine() => self.undo_claim("took the ack back"),
            Kind::Ack | Kind::TakeOver | Kind::Accept => self.unclaimed(),
            Kind::Snooze | Kind::Wait if held && owns => self.undo_claim("took the snooze back"),
            Kind::Snooze | Kind::Wait if held => self.undo_hold(),
            Kind::Snooze | Kind::Wait => self.changed(),
            Kind::Offer => self.undo_offer(undone),
            Kind::Assign => self.undo_assign(undone),
            Kind::SetSeverity => self.undo_severity(undone, freshness),
        }
    }

    /// Calling goes on where it stood: at once if its time has passed, else for what remains.
    fn undo_claim(&mut self, text: &str) -> Judgement {
        self.incident.release(self.context.now);
        self.done(Verdict::Applied, Told::Undone, text)
    }

    /// The snooze ends, and who had it before still has it.
    fn undo_hold(&mut self) -> Judgement {
        self.incident.hold = None;
        self.louder();
        self.incident.renew(self.context.now, self.context.rules);
        self.done(Verdict::Applied, Told::Undone, "took the snooze back")
    }

    fn undo_offer(&mut self, undone: OpId) -> Judgement {
        match &self.incident.offer {
            Some(offer) if offer.op == undone && !self.mine() => self.refused(Refusal::NotYourOperation),
            Some(offer) if offer.op == undone => {
                self.incident.offer = None;
                self.done(Verdict::Applied, Told::Undone, "withdrew the offer")
            }
            _ => Judgement::quiet(Verdict::Superseded { by: Newer::Offer }),
        }
    }

    fn undo_assign(&mut self, undone: OpId) -> Judgement {
        if self.incident.assigned.as_ref().is_none_or(|assigned| assigned.op != undone) {
            return self.changed();
        }
        self.incident.assigned = None;
        self.done(Verdict::Applied, Told::Undone, "no longer asks for it to be taken")
    }

    fn undo_severity(&mut self, undone: OpId, freshness: Freshness) -> Judgement {
        let Some(set) = self.incident.severity_set.clone().filter(|set| set.op == undone) else {
            return self.changed();
        };
        let now = self.incident.severity;
        let worse = set.before.zip(now).is_some_and(|(before, now)| before.is_worse_than(now));
        if !worse && freshness == Freshness::Stale {
            return self.changed();
        }
        self.incident.severity = set.before;
        self.incident.severity_set = None;
        let text = format!("took the severity back to {}", set.before.map_or("unexamined".into(), |to| to.to_string()));
        let done = self.done(Verdict::Applied, Told::Undone, text.clone());
        if !worse {
            self.incident.rev += 1;
            return done;
        }
        let calls = self.incident.louder(self.context.now, self.context.rules, &text);
        calls.into_iter().fold(done, |done, call| done.with(Effect::Call(call)))
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests {
    use super::super::grouping::Group;
    use super::super::id::{NodeId, Number, OpId};
    use super::super::incident::{Shown, Timing};
    use super::super::op::{Basis, every_act};
    use super::super::paging::Paging;
    use super::super::series::SeriesState;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn firing() -> Incident {
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        let mut incident = Incident::open(IncidentId::from_bytes([4; 16]), Number(1), group, at(0));
        incident.count(None, SeriesState::Firing);
        incident
    }

    fn by(actor: &str, incident: &Incident, act: Act) -> Op {
        Op {
            op_id: OpId::from_bytes([1; 16]),
            node: NodeId::from_bytes([2; 16]),
            nseq: 1,
            prev_hash: [0; 32],
            created_at: at(1),
            actor: UserName::parse(actor).unwrap(),
            incident: incident.id,
            basis: Basis { rev: incident.rev, claim_no: incident.claim_no },
            act,
        }
    }

    fn judged(incident: &mut Incident, op: &Op) -> Judgement {
        judged_with(incident, op, None)
    }

    fn judged_with(incident: &mut Incident, op: &Op, successor: Option<IncidentId>) -> Judgement {
        let (timing, paging) = (Timing::default(), Paging::default());
        let rules = Rules { timing: &timing, paging: &paging };
        judge(incident, op, &Context { now: at(10), rules, successor, knows: true, target_open: true, split: 1 })
    }

    fn verdict(incident: &mut Incident, op: &Op) -> Verdict {
        judged(incident, op).verdict
    }

    #[test]
    fn two_acks_leave_one_owner_and_the_other_told_who() {
        let mut incident = firing();
        let (mira, jonas) = (by("mira", &incident, Act::Ack), by("jonas", &incident, Act::Ack));
        assert_eq!(verdict(&mut incident, &mira), Verdict::Won { claim_no: 1 });
        assert_eq!(verdict(&mut incident, &jonas), Verdict::Joined { owner: UserName::parse("mira").unwrap() });
        assert_eq!((incident.shown(), incident.claim_no, incident.rev), (Shown::Acked, 1, 2));
        // Until its owner is known to know, the timer is short.
        assert_eq!((incident.next_due_at, incident.lease_until), (Some(at(70)), Some(at(1810))));
    }

    #[test]
    fn giving_back_needs_the_claim_and_re_arms_the_step() {
        let mut incident = firing();
        let before = by("mira", &incident, Act::Unack);
        let ack = by("mira", &incident, Act::Ack);
        verdict(&mut incident, &ack);
        assert!(matches!(verdict(&mut incident, &before), Verdict::Superseded { by: Newer::Claim { .. } }));
        let unack = by("mira", &incident, Act::Unack);
        assert_eq!(verdict(&mut incident, &unack), Verdict::Applied);
        assert_eq!((incident.shown(), incident.next_due_at, incident.owner.clone()), (Shown::New, Some(at(10)), None));
    }

    #[test]
    fn a_level_called_by_a_stale_ack_is_not_due_again_when_it_is_given_back() {
        let mut incident = firing();
        let (late, call) = (by("mira", &incident, Act::Ack), Act::Escalate { to: Some(user("lena")), level_seen: 0 });
        let escalate = by("jonas", &incident, call);
        verdict(&mut incident, &escalate);
        assert_eq!((incident.level, incident.step_due_at), (0, at(0)), "a person's call holds no level up");
        assert!(matches!(verdict(&mut incident, &late), Verdict::WonNoStop { .. }));
        let unack = by("mira", &incident, Act::Unack);
        verdict(&mut incident, &unack);
        assert_eq!((incident.level, incident.next_due_at), (1, Some(at(310))));
    }

    #[test]
    fn a_late_seen_or_still_on_it_does_not_silence_a_raise() {
        for act in [Act::Seen, Act::Ack] {
            let mut incident = firing();
            incident.severity = Severity::new(5).ok();
            let ack = by("mira", &incident, Act::Ack);
            verdict(&mut incident, &ack);
            let late = by("mira", &incident, act);
            let raise = by("jonas", &incident, Act::SetSeverity { to: Severity::S1 });
            verdict(&mut incident, &raise);
            assert!(verdict(&mut incident, &late).stays());
            assert_eq!((incident.seen_due, incident.next_due_at), (Some(at(70)), Some(at(70))));
            let now = by("mira", &incident, Act::Seen);
            assert_eq!(verdict(&mut incident, &now), Verdict::Applied);
            assert_eq!(incident.seen_due, None);
        }
    }

    #[test]
    fn resolve_is_refused_while_series_fire_unless_forced() {
        let mut incident = firing();
        let gentle = by("mira", &incident, Act::Resolve { force: false });
        assert_eq!(verdict(&mut incident, &gentle), Verdict::Refused { because: Refusal::StillFiring { firing: 1 } });
        let force = by("mira", &incident, Act::Resolve { force: true });
        let judgement = judged(&mut incident, &force);
        assert_eq!(judgement.effects, [Effect::DismissFiring]);
        assert_eq!((incident.shown(), incident.tally.firing, incident.next_due_at), (Shown::Resolved, 0, None));
    }

    #[test]
    fn facts_are_closed_without_force() {
        let mut incident = firing();
        incident.count_instant(None, SeriesState::Firing);
        let resolve = by("mira", &incident, Act::Resolve { force: false });
        let judgement = judged(&mut incident, &resolve);
        assert_eq!((judgement.verdict, judgement.effects), (Verdict::Applied, vec![Effect::DismissFiring]));
        assert_eq!(incident.tally.instant, 0);
    }

    #[test]
    fn resolve_needs_what_the_person_saw_and_a_note_does_not() {
        let mut incident = firing();
        let (resolve, note) = (
            by("mira", &incident, Act::Resolve { force: true }),
            by("mira", &incident, Act::Note { text: "hm".into() }),
        );
        let ack = by("jonas", &incident, Act::Ack);
        verdict(&mut incident, &ack);
        assert_eq!(verdict(&mut incident, &resolve), Verdict::Superseded { by: Newer::Changed });
        let rev = incident.rev;
        assert_eq!(verdict(&mut incident, &note), Verdict::Applied);
        assert_eq!(incident.rev, rev);
    }

    #[test]
    fn a_late_ack_never_reopens() {
        let mut incident = firing();
        let ack = by("mira", &incident, Act::Ack);
        incident.resolve(at(5), None);
        let successor = IncidentId::from_bytes([5; 16]);
        let judgement = judged_with(&mut incident, &ack, Some(successor));
        assert_eq!(judgement.verdict, Verdict::Superseded { by: Newer::Resolved { successor: Some(successor) } });
        assert_eq!(incident.life, Life::Resolved);
    }

    #[test]
    fn a_kind_of_the_future_is_answered_not_guessed() {
        let mut incident = firing();
        let op = by("mira", &incident, Act::Unknown { kind: "teleport".into(), args: vec![0x80] });
        assert_eq!(verdict(&mut incident, &op), Verdict::Unsupported);
    }

    #[test]
    fn a_word_that_it_was_seen_does_not_cover_what_became_louder_since() {
        let (timing, paging) = (Timing::default(), Paging::default());
        let mut incident = firing();
        incident.count(None, SeriesState::Firing);
        incident.raise(Severity::new(5).ok(), at(1), Rules { timing: &timing, paging: &paging });
        let ack = by("mira", &incident, Act::Ack);
        verdict(&mut incident, &ack);
        let (seen, still) = (by("mira", &incident, Act::Seen), by("mira", &incident, Act::Ack));
        incident.raise(Some(Severity::S1), at(9), Rules { timing: &timing, paging: &paging });
        for before in [seen, still] {
            verdict(&mut incident, &before);
            assert_eq!(incident.seen_due, Some(at(69)), "{:?} was written before it rose", before.act);
        }
        let seen = by("mira", &incident, Act::Seen);
        assert_eq!((verdict(&mut incident, &seen), incident.seen_due), (Verdict::Applied, None));
    }

    #[test]
    fn a_look_at_a_future_that_the_hub_lost_has_seen_nothing() {
        let mut incident = firing();
        let mut ack = by("mira", &incident, Act::Ack);
        ack.basis.rev = u64::MAX;
        assert_eq!(verdict(&mut incident, &ack), Verdict::WonNoStop { claim_no: 1 });
    }

    /// I1 over every sequence of three acts by two people, fresh and stale.
    #[test]
    fn no_acts_leave_an_open_incident_without_a_timer() {
        let acts = every_act();
        let mut cases = vec![firing()];
        for _ in 0..2 {
            let mut next: Vec<Incident> = Vec::new();
            for incident in &cases {
                for (act, actor, older) in
                    acts.iter().flat_map(|act| [("mira", 0), ("jonas", 0), ("mira", 1)].map(|(who, s)| (act, who, s)))
                {
                    let mut after = incident.clone();
                    let mut op = by(actor, &after, act.clone());
                    op.basis.rev = op.basis.rev.saturating_sub(older);
                    verdict(&mut after, &op);
                    assert_eq!(after.life == Life::Resolved, after.next_due_at.is_none(), "{act:?} on {incident:?}");
                    assert_eq!(after.life == Life::Resolved, after.open_key.is_none(), "{act:?} on {incident:?}");
                    assert_eq!(after.life == Life::Acked, after.owner.is_some() && after.life != Life::Resolved);
                    if !next.contains(&after) {
                        next.push(after);
                    }
                }
            }
            cases = next;
        }
        assert!(cases.len() > 100, "{}", cases.len());
    }
}
