//! The laws of the verdict table, over every sequence of up to three acts by several people, each fresh or stale, from every life.
//!
//! A sequence in any order is an interleaving of its people, so all orders of two and of three acts are among these.

use super::super::grouping::Group;
use super::super::id::{NodeId, Number};
use super::super::incident::{Shown, Timing};
use super::super::op::{Basis, every_act};
use super::super::paging::{Callee, Level, Page, Paging};
use super::super::series::SeriesState::{Expired, Firing, Unknown};
use super::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// When everything is judged.
const NOW: i64 = 10;
/// Named by no standing operation.
const NO_OP: OpId = OpId(uuid::Uuid::from_bytes([8; 16]));

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("it is a name")
}

fn op_id(mark: u8) -> OpId {
    OpId::from_bytes([mark; 16])
}

/// Three levels of one person each.
fn paging() -> Paging {
    let level = |name: &str| Level { call: vec![Callee::Person(user(name))], within: Duration::from_secs(300) };
    Paging { levels: ["jonas", "lena", "ben"].map(level).to_vec(), ..Paging::default() }
}

/// What everything goes by.
struct Court {
    timing: Timing,
    paging: Paging,
}

impl Court {
    fn new() -> Self {
        Self { timing: Timing::default(), paging: paging() }
    }

    fn rules(&self) -> Rules<'_> {
        Rules { timing: &self.timing, paging: &self.paging }
    }

    fn judge(&self, incident: &mut Incident, op: &Op) -> Judgement {
        let context =
            Context { now: at(NOW), rules: self.rules(), successor: None, knows: true, target_open: true, split: 1 };
        judge(incident, op, &context)
    }

    /// Does an act that must be welcome, as part of how a world came to be.
    fn does(&self, incident: &mut Incident, actor: &str, mark: u8, act: Act) {
        let op = op(incident, actor, mark, basis(incident), act);
        let verdict = self.judge(incident, &op).verdict;
        assert!(verdict.is_welcome(), "{op:?}: {verdict:?}");
    }
}

fn basis(incident: &Incident) -> Basis {
    Basis { rev: incident.rev, claim_no: incident.claim_no }
}

fn op(incident: &Incident, actor: &str, mark: u8, basis: Basis, act: Act) -> Op {
    Op {
        op_id: op_id(mark),
        node: NodeId::from_bytes([2; 16]),
        nseq: 1,
        prev_hash: [0; 32],
        created_at: at(1),
        actor: user(actor),
        incident: incident.id,
        basis,
        act,
    }
}

fn firing() -> Incident {
    let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
    let mut incident = Incident::open(IncidentId::from_bytes([4; 16]), Number(1), group, at(0));
    incident.count(None, Firing);
    incident.count(None, Firing);
    incident.severity = Some(Severity::new(5).expect("it is a severity"));
    incident.machine_severity = incident.severity;
    incident
}

fn ack(court: &Court, incident: &mut Incident) {
    court.does(incident, "mira", 0x20, Act::Ack);
}

/// Every life, with each thing that may stand beside it.
fn worlds() -> Vec<(&'static str, Incident)> {
    let court = Court::new();
    let with = |make: &dyn Fn(&mut Incident)| {
        let mut incident = firing();
        make(&mut incident);
        incident
    };
    let called = |incident: &mut Incident| {
        incident.on_due(at(1), court.rules());
    };
    let acked = |incident: &mut Incident| {
        called(incident);
        ack(&court, incident);
    };
    let seen = |incident: &mut Incident| {
        acked(incident);
        court.does(incident, "mira", 0x21, Act::Seen);
    };
    let then = |incident: &mut Incident, mark: u8, act: Act| {
        seen(incident);
        court.does(incident, "mira", mark, act);
    };
    let all_over = |incident: &mut Incident| {
        let shown = incident.shown();
        incident.count(Some(Firing), Expired);
        incident.count(Some(Firing), Expired);
        incident.settle(shown, at(5), court.rules());
    };
    let snooze = |until_change| Act::Snooze { until: at(5000), until_change };
    vec![
        ("triggered", with(&|_| {})),
        ("called", with(&called)),
        ("all levels called", {
            with(&|incident| {
                (incident.level, incident.round, incident.overdue) = (3, 1, true);
                incident.step_due_at = at(200);
                incident.arm(at(NOW));
            })
        }),
        ("acked", with(&acked)),
        ("seen", with(&seen)),
        ("snoozed at once", with(&|incident| court.does(incident, "mira", 0x22, snooze(false)))),
        ("snoozed", with(&|incident| then(incident, 0x22, snooze(false)))),
        ("snoozed until a change", with(&|incident| then(incident, 0x22, snooze(true)))),
        ("waiting", {
            let wait = || Act::Wait { reason: "a disk".into(), ticket: String::new(), until: at(80_000) };
            with(&|incident| then(incident, 0x22, wait()))
        }),
        ("offered", with(&|incident| then(incident, 0x23, Act::Offer { to: user("jonas"), expires_at: at(900) }))),
        ("assigned", with(&|incident| court.does(incident, "mira", 0x24, Act::Assign { to: user("jonas") }))),
        ("escalated over its owner", with(&|incident| then(incident, 0x25, Act::Escalate { to: None, level_seen: 1 }))),
        (
            "raised over its owner",
            with(&|incident| {
                then(incident, 0x26, Act::SetSeverity { to: Severity::new(2).expect("it is a severity") })
            }),
        ),
        (
            "lowered",
            with(&|incident| {
                court.does(incident, "mira", 0x26, Act::SetSeverity { to: Severity::new(8).expect("it is a severity") })
            }),
        ),
        ("recovering", with(&all_over)),
        (
            "recovering, acked",
            with(&|incident| {
                acked(incident);
                all_over(incident);
            }),
        ),
        (
            "unknown",
            with(&|incident| {
                let shown = incident.shown();
                incident.count(Some(Firing), Unknown);
                incident.count(Some(Firing), Unknown);
                incident.settle(shown, at(5), court.rules());
            }),
        ),
        ("resolved by a person", with(&|incident| then(incident, 0x27, Act::Resolve { force: true }))),
        (
            "resolved by itself",
            with(&|incident| {
                all_over(incident);
                incident.resolve(at(9), None);
            }),
        ),
        (
            "merged",
            with(&|incident| {
                court.does(incident, "mira", 0x28, Act::Merge { into: IncidentId::from_bytes([9; 16]) });
            }),
        ),
    ]
}

/// Every act, its operation the one that stands now where one stands.
fn aimed(incident: &Incident) -> Vec<Act> {
    let offer = incident.offer.as_ref().map_or(NO_OP, |offer| offer.op);
    let acts = every_act().into_iter().chain([Act::Unknown { kind: "teleport".into(), args: vec![0x80] }]);
    acts.map(|act| match act {
        Act::Accept { .. } => Act::Accept { offer },
        Act::Decline { .. } => Act::Decline { offer },
        Act::Escalate { to: None, .. } => Act::Escalate { to: None, level_seen: incident.level },
        Act::Undo { kind, .. } => Act::Undo { op: standing(incident, kind).unwrap_or(NO_OP), kind },
        other => other,
    })
    .collect()
}

/// Returns the operation of that kind whose effect stands.
fn standing(incident: &Incident, kind: Kind) -> Option<OpId> {
    match kind {
        Kind::Ack | Kind::TakeOver | Kind::Accept => incident.owned_by,
        Kind::Snooze | Kind::Wait => incident.hold.as_ref().map(|hold| hold.op),
        Kind::Offer => incident.offer.as_ref().map(|offer| offer.op),
        Kind::Assign => incident.assigned.as_ref().map(|assigned| assigned.op),
        Kind::SetSeverity => incident.severity_set.as_ref().map(|set| set.op),
        Kind::Resolve => incident.resolved_by,
        _ => None,
    }
}

/// One act on one state, and what it gave.
struct Turn<'a> {
    before: &'a Incident,
    op: &'a Op,
    given: &'a Judgement,
    after: &'a Incident,
    court: &'a Court,
}

impl Turn<'_> {
    fn stale(&self) -> bool {
        self.op.basis.rev != self.before.rev
    }

    fn check(&self) -> Result<(), &'static str> {
        self.never_silent()?;
        self.one_owner_for_each_claim()?;
        self.time_and_counts_go_on()?;
        self.a_refusal_changes_nothing()?;
        self.quiet_needs_a_fresh_eye()?;
        self.louder_is_done_and_heard()?;
        self.joining_leaves_the_owner()
    }

    /// I1.
    fn never_silent(&self) -> Result<(), &'static str> {
        let Incident { life, next_due_at, open_key, owner, .. } = self.after;
        let resolved = *life == Life::Resolved;
        need(resolved == next_due_at.is_none(), "I1: an open incident has a timer, and only that")?;
        need(resolved == open_key.is_none(), "I1: an incident has its group's key until it is resolved")?;
        let reach = at(NOW).plus(self.court.timing.longest(&self.court.paging));
        need(next_due_at.is_none_or(|due| due <= reach), "I1: no timer lies further away than any rule")?;
        need(*life != Life::Acked || owner.is_some(), "I1: an acked incident has an owner")
    }

    /// I3.
    fn one_owner_for_each_claim(&self) -> Result<(), &'static str> {
        let claims = (self.before.claim_no, self.after.claim_no);
        need(claims.0 <= claims.1, "I3: claim numbers only rise")?;
        need(self.before.owner == self.after.owner || claims.0 < claims.1, "I3: another owner is another claim")?;
        let (Verdict::Won { claim_no } | Verdict::WonNoStop { claim_no }) = self.given.verdict else { return Ok(()) };
        let had = self.before.owner.as_ref() == Some(&self.op.actor);
        need(claim_no == claims.1 && (had || claims.0 < claims.1), "I3: who won has a claim of their own")?;
        need(self.after.owner.as_ref() == Some(&self.op.actor), "I3: who won has it")
    }

    fn time_and_counts_go_on(&self) -> Result<(), &'static str> {
        let (before, after) = (self.before, self.after);
        need(
            before.rev <= after.rev && after.loud_rev <= after.rev,
            "rev only rises, and loud_rev is one of its values",
        )?;
        need(before.loud_rev <= after.loud_rev && before.fire_no <= after.fire_no, "loud_rev and fire_no only rise")?;
        need(before.since <= after.since, "since goes on")?;
        let seen = |incident: &Incident| {
            (incident.life, incident.owner.clone(), incident.hold.clone(), incident.severity, incident.level)
        };
        let moved = before.life != Life::Resolved && seen(before) != seen(after);
        need(!moved || before.rev < after.rev, "rev counts changes of owner, snooze, severity, level and life")
    }

    fn a_refusal_changes_nothing(&self) -> Result<(), &'static str> {
        let nothing = matches!(
            self.given.verdict,
            Verdict::Superseded { .. }
                | Verdict::Refused { .. }
                | Verdict::Expired
                | Verdict::Unsupported
                | Verdict::Shortened { .. }
        );
        if !nothing {
            return Ok(());
        }
        need(self.given.effects.is_empty() && self.given.line.is_none(), "what is refused does nothing")?;
        let mut after = self.after.clone();
        after.next_due_at = self.before.next_due_at;
        need(after == *self.before, "what is refused changes nothing")
    }

    /// Returns what of the two states is quieter: somebody would be called later, or it is less bad, or over.
    fn quieter(&self) -> bool {
        let (before, after) = (self.before, self.after);
        let until = |incident: &Incident| incident.hold.as_ref().map(|hold| hold.until);
        let chased = |incident: &Incident| incident.life == Life::Acked && incident.seen_due.is_some();
        let milder = before.severity.zip(after.severity).is_some_and(|(before, after)| before.is_worse_than(after));
        before.life == Life::Triggered && after.life == Life::Acked
            || before.life != Life::Resolved && after.life == Life::Resolved
            || until(after).is_some_and(|new| until(before).is_none_or(|old| old < new))
            || before.escalating && after.life == Life::Acked && !after.escalating
            || chased(before) && after.life == Life::Acked && !chased(after)
            || milder
    }

    /// What quiets did so by an eye that saw the latest louder change; else it is said, and that call goes out.
    fn quiet_needs_a_fresh_eye(&self) -> Result<(), &'static str> {
        let heard = self.op.basis.rev >= self.before.loud_rev;
        if !self.quieter() || !self.stale() || heard {
            return Ok(());
        }
        match self.op.act {
            Act::Ack | Act::TakeOver if self.before.life == Life::Triggered => {
                let must = |effect: &Effect| matches!(effect, Effect::Call(call) if call.must);
                need(matches!(self.given.verdict, Verdict::WonNoStop { .. }), "a stale ack does not stop the call")?;
                need(self.given.effects.iter().any(must), "the call that a stale ack had not seen goes out")
            }
            // Compared by the claim and the offer; the calls of an escalation go out in any case.
            Act::TakeOver | Act::Accept { .. } => {
                need(self.before.claim_no + 1 == self.after.claim_no, "a claim changes hands by its number")
            }
            Act::Ack => need(self.after.owner.as_ref() == Some(&self.op.actor), "who was asked takes it"),
            Act::Undo { kind: Kind::Offer | Kind::Assign, .. } => Ok(()),
            _ => Err("quieting by an eye that had not seen the louder"),
        }
    }

    /// What is louder is done at once, whatever its author saw; only a resolve that came before it is before it.
    fn louder_is_done_and_heard(&self) -> Result<(), &'static str> {
        let (before, after) = (self.before, self.after);
        if before.life == Life::Resolved {
            return Ok(());
        }
        let calls = |person: &UserName| {
            let to = |effect: &Effect| matches!(effect, Effect::Call(call) if call.whom == Whom::Person(person.clone()) && call.must);
            self.given.effects.iter().any(to)
        };
        match &self.op.act {
            Act::Escalate { to: Some(person), .. } => {
                need(calls(person), "an escalation to a person calls that person")
            }
            Act::Escalate { to: None, level_seen } => {
                need(after.level >= before.level, "an escalation never goes back a level")?;
                let rose = after.level > before.level || after.round > before.round;
                need(rose == (before.level <= *level_seen), "the same escalation twice rises once")
            }
            Act::Assign { to } if before.owner.as_ref() != Some(to) => need(calls(to), "who is asked is called"),
            Act::SetSeverity { to } if before.severity.is_some_and(|before| to.is_worse_than(before)) => {
                need(after.severity == Some(*to) && after.fire_no > before.fire_no, "a raise is a reason to call anew")
            }
            Act::Note { .. } => need(self.given.verdict == Verdict::Applied, "words are always taken"),
            _ => Ok(()),
        }
    }

    fn joining_leaves_the_owner(&self) -> Result<(), &'static str> {
        let Verdict::Joined { owner } = &self.given.verdict else { return Ok(()) };
        let same = |incident: &Incident| incident.owner.as_ref() == Some(owner);
        need(same(self.before) && same(self.after) && *owner != self.op.actor, "who joins leaves the owner")?;
        need(self.before.hold == self.after.hold, "who joins leaves the snooze")
    }
}

fn need(holds: bool, law: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(law) }
}

/// A state that was reached, and what its people saw at first.
#[derive(Clone, PartialEq)]
struct Reached {
    incident: Incident,
    first: Basis,
}

/// States, each once.
#[derive(Default)]
struct Distinct(HashMap<Sketch, Vec<Reached>>);

/// What most states differ in.
type Sketch = (u64, u64, u64, Option<Timestamp>, Shown, u32);

impl Distinct {
    fn add(&mut self, reached: Reached) {
        let Incident { rev, claim_no, next_due_at, level, .. } = reached.incident;
        let shown = reached.incident.shown();
        let bucket = self.0.entry((rev, claim_no, reached.first.rev, next_due_at, shown, level)).or_default();
        if !bucket.contains(&reached) {
            bucket.push(reached);
        }
    }

    fn all(self) -> Vec<Reached> {
        self.0.into_values().flatten().collect()
    }
}

/// Does every act on a state, by the given people, each fresh and as it was at first; returns how many.
fn every_turn(court: &Court, reached: &Reached, actors: &[&str], mark: u8, mut then: impl FnMut(Reached)) -> usize {
    let mut count = 0;
    let before = &reached.incident;
    for act in aimed(before) {
        for actor in actors {
            for seen in [basis(before), reached.first] {
                let op = op(before, actor, mark, seen, act.clone());
                let mut after = before.clone();
                let given = court.judge(&mut after, &op);
                let turn = Turn { before, op: &op, given: &given, after: &after, court };
                if let Err(law) = turn.check() {
                    panic!(
                        "{law}\n{:?} by {actor}, having seen {seen:?}\n{given:?}\nbefore {before:?}\nafter {after:?}",
                        op.act
                    );
                }
                count += 1;
                then(Reached { incident: after, first: reached.first });
            }
        }
    }
    count
}

fn first_of(incident: &Incident) -> Reached {
    // What somebody saw before the latest change.
    let first = Basis { rev: incident.rev.saturating_sub(1), claim_no: incident.claim_no };
    Reached { incident: incident.clone(), first }
}

#[test]
fn every_act_and_every_pair_of_acts_keeps_the_laws() {
    let (court, mut count) = (Court::new(), 0);
    for (_, world) in worlds() {
        let mut after_one = Distinct::default();
        count +=
            every_turn(&court, &first_of(&world), &["mira", "jonas", "lena"], 0x31, |reached| after_one.add(reached));
        for reached in after_one.all() {
            count += every_turn(&court, &reached, &["mira", "jonas"], 0x32, |_| {});
        }
    }
    assert!(count > 50_000, "{count}");
}

#[test]
fn every_triple_of_acts_keeps_the_laws() {
    let (court, mut count) = (Court::new(), 0);
    let mut after_two = Distinct::default();
    for (_, world) in worlds() {
        let mut after_one = Distinct::default();
        every_turn(&court, &first_of(&world), &["mira", "jonas"], 0x31, |reached| after_one.add(reached));
        for reached in after_one.all() {
            every_turn(&court, &reached, &["mira", "jonas"], 0x32, |reached| after_two.add(reached));
        }
    }
    for reached in after_two.all() {
        count += every_turn(&court, &reached, &["mira", "jonas"], 0x33, |_| {});
    }
    println!("{count} distinct third acts");
    assert!(count > 100_000, "{count}");
}

/// What is said of an operation that stands no longer is refused, not guessed.
#[test]
fn what_names_no_standing_operation_changes_nothing() {
    let court = Court::new();
    for (name, world) in worlds() {
        for act in every_act() {
            if !matches!(act, Act::Accept { .. } | Act::Decline { .. } | Act::Undo { .. }) {
                continue;
            }
            let mut after = world.clone();
            let given = court.judge(&mut after, &op(&world, "mira", 0x31, basis(&world), act.clone()));
            assert!(matches!(given.verdict, Verdict::Superseded { .. } | Verdict::Refused { .. }), "{act:?} on {name}");
            after.next_due_at = world.next_due_at;
            assert_eq!((&after, given.effects), (&world, vec![]), "{act:?} on {name}");
        }
    }
}

/// Who would be called by when, if from now on nobody did anything: the loudness of a state and of the calls that led to it.
struct Loudness {
    open: bool,
    severity: Option<Severity>,
    called: BTreeMap<UserName, Timestamp>,
}

/// A state, with the calls that were made on the way to it.
struct Heard<'a> {
    court: &'a Court,
    incident: Incident,
    calls: Vec<(Call, Incident)>,
}

impl<'a> Heard<'a> {
    fn new(court: &'a Court, incident: &Incident) -> Self {
        Self { court, incident: incident.clone(), calls: Vec::new() }
    }

    fn judge(&mut self, op: &Op) -> Verdict {
        let Judgement { verdict, effects, .. } = self.court.judge(&mut self.incident, op);
        for effect in effects {
            if let Effect::Call(call) = effect {
                self.calls.push((call, self.incident.clone()));
            }
        }
        verdict
    }

    /// Returns whom the call reaches, as far as its pages are still wanted now.
    fn reached(&self, call: &Call, then: &Incident, now: Timestamp) -> Vec<UserName> {
        let paging = &self.court.paging;
        let people = match &call.whom {
            Whom::Level(level) => paging.callees("", *level, now, &Default::default()),
            Whom::Person(person) => [person.clone()].into(),
        };
        let wanted = |person: &UserName| {
            let pages = Page::chain(then, call, person, paging, now);
            pages.iter().any(|page| page.needless(&self.incident).is_none())
        };
        people.into_iter().filter(wanted).collect()
    }

    /// Returns whom the acts themselves call.
    fn called_at_once(&self) -> BTreeSet<UserName> {
        self.calls.iter().flat_map(|(call, then)| self.reached(call, then, at(NOW))).collect()
    }

    fn loudness(mut self) -> Loudness {
        let mut called: BTreeMap<_, _> = self.called_at_once().into_iter().map(|person| (person, at(NOW))).collect();
        let (open, severity) = (self.incident.life != Life::Resolved, self.incident.severity);
        for _ in 0..16 {
            let Some(due) = self.incident.next_due_at else { break };
            for call in self.incident.on_due(due, self.court.rules()).calls {
                for person in self.reached(&call, &self.incident, due) {
                    called.entry(person).or_insert(due);
                }
            }
        }
        Loudness { open, severity, called }
    }
}

fn quieting(incident: &Incident) -> Vec<Act> {
    let quiet = |act: &Act| match act {
        Act::SetSeverity { to } => incident.severity.is_some_and(|now| now.is_worse_than(*to)),
        Act::Ack
        | Act::TakeOver
        | Act::Snooze { .. }
        | Act::Wait { .. }
        | Act::Accept { .. }
        | Act::Resolve { .. }
        | Act::Merge { .. } => true,
        _ => false,
    };
    aimed(incident).into_iter().filter(quiet).collect()
}

fn loud(incident: &Incident) -> Vec<Act> {
    let loud = |act: &Act| match act {
        Act::SetSeverity { to } => incident.severity.is_some_and(|now| to.is_worse_than(now)),
        Act::Undo { kind, .. } => !matches!(kind, Kind::Offer | Kind::Assign),
        Act::Unack | Act::Escalate { .. } | Act::Reopen => true,
        _ => false,
    };
    aimed(incident).into_iter().filter(loud).collect()
}

/// I8, for a quieting and a louder act of people who saw the same, in both orders.
///
/// Whoever the louder alone would have called earlier than without it is called as early in both orders, save for the grace that a
/// claim has until it must be seen, and one round of the levels after it; what is too mild by then calls whom the act itself calls. It is
/// as bad and as open as by the louder alone. The exceptions are told to the louder's author and stay before them: a resolve that came
/// first, and giving back what a newer claim or hold replaced.
#[test]
fn a_louder_act_wins_over_a_quieting_one_in_either_order() {
    let court = Court::new();
    let (mut count, mut broken) = (0, Vec::new());
    for (name, world) in worlds() {
        for (loud_act, loud_by) in pairs(loud(&world)) {
            let louder = op(&world, loud_by, 0x41, basis(&world), loud_act);
            for (quiet_act, quiet_by) in pairs(quieting(&world)) {
                let quiet = op(&world, quiet_by, 0x42, basis(&world), quiet_act);
                for (order, ops) in [("before", [&quiet, &louder]), ("after", [&louder, &quiet])] {
                    count += 1;
                    if let Err(why) = wins(&court, &world, &louder, ops) {
                        let acts = format!("{:?} by {loud_by}, {:?} by {quiet_by} {order} it", louder.act, quiet.act);
                        broken.push(format!("{name}: {acts}: {why}"));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} of {count}:\n{}", broken.len(), broken.join("\n"));
    assert!(count > 5_000, "{count}");
}

fn wins(court: &Court, world: &Incident, louder: &Op, ops: [&Op; 2]) -> Result<(), String> {
    let round: Duration = court.paging.levels.iter().map(|level| level.within).sum();
    let grace = court.timing.seen_within * 2 + round;
    let without = Heard::new(court, world).loudness();
    let mut alone = Heard::new(court, world);
    let applied = alone.judge(louder) == Verdict::Applied;
    if !applied || alone.incident.rev == world.rev {
        return Ok(());
    }
    let directly = alone.called_at_once();
    let mut both = Heard::new(court, world);
    let mut has = None;
    let verdicts = ops.map(|op| {
        let verdict = both.judge(op);
        has = both.incident.owner.clone().or(has.take());
        (op.op_id, verdict)
    });
    let told = verdicts.iter().find(|(id, _)| *id == louder.op_id).is_some_and(|(_, verdict)| verdict.stays());
    let too_mild = both.incident.severity.is_some_and(|severity| court.paging.down_to.is_worse_than(severity));
    let had = world.owner.clone();
    let (alone, both) = (alone.loudness(), both.loudness());
    let replaceable = matches!(louder.act, Act::Unack | Act::Undo { .. });
    if told && ops[1].op_id == louder.op_id && (replaceable || !both.open) {
        return Ok(());
    }
    if alone.open && !both.open {
        return Err("over".into());
    }
    let milder = alone.severity.zip(both.severity).is_some_and(|(alone, both)| alone.is_worse_than(both));
    if milder && alone.severity != without.severity {
        return Err("milder".into());
    }
    for (person, by) in &alone.called {
        let caused = without.called.get(person).is_none_or(|without| by < without);
        // What is said to the owner is said to whoever that is by then.
        let owner = has.as_ref().filter(|_| had.as_ref() == Some(person));
        let then = both.called.get(person).or(owner.and_then(|owner| both.called.get(owner)));
        let by_policy = too_mild && !directly.contains(person);
        // Who took it is awake, and chased until it is seen.
        let took = has.as_ref() == Some(person) && has != had;
        if caused && !by_policy && !took && then.is_none_or(|then| *then > by.plus(grace)) {
            return Err(format!("{person} by {by}, then {then:?}"));
        }
    }
    Ok(())
}

fn pairs(acts: Vec<Act>) -> Vec<(Act, &'static str)> {
    acts.into_iter().flat_map(|act| ["mira", "jonas"].map(|by| (act.clone(), by))).collect()
}

/// What a person's must-be-heard call asks for goes out although another took it meanwhile.
#[test]
fn a_call_that_must_be_heard_is_heard_whoever_took_it() {
    let court = Court::new();
    for quiet in [Act::Ack, Act::TakeOver, Act::Snooze { until: at(5000), until_change: false }] {
        let world = worlds().remove(1).1;
        let mut heard = Heard::new(&court, &world);
        let escalate = Act::Escalate { to: Some(user("ben")), level_seen: 0 };
        heard.judge(&op(&world, "jonas", 0x41, basis(&world), escalate));
        heard.judge(&op(&world, "mira", 0x42, basis(&world), quiet));
        assert_eq!(heard.loudness().called.get(&user("ben")), Some(&at(NOW)));
    }
}

/// An ack that is taken back leaves the timers as they were, at the earliest now; and the two together call nobody.
#[test]
fn taking_an_ack_back_re_arms_what_was_due_and_calls_nobody() {
    let court = Court::new();
    for (name, world) in worlds() {
        if world.life != Life::Triggered {
            continue;
        }
        for (act, kind) in [(Act::Ack, Kind::Ack), (Act::TakeOver, Kind::TakeOver)] {
            let mut heard = Heard::new(&court, &world);
            heard.judge(&op(&world, "mira", 0x41, basis(&world), act));
            let undo = op(&heard.incident, "mira", 0x42, basis(&world), Act::Undo { op: op_id(0x41), kind });
            assert_eq!(heard.judge(&undo), Verdict::Applied, "{name}");
            assert!(heard.calls.is_empty(), "{name}");
            let after = &heard.incident;
            assert_eq!((after.life, after.step_due_at), (Life::Triggered, world.step_due_at.max(at(NOW))), "{name}");
            assert_eq!(after.next_due_at, world.next_due_at.map(|due| due.max(at(NOW))), "{name}");
            assert_eq!((after.level, after.round, after.fire_no), (world.level, world.round, world.fire_no), "{name}");
        }
    }
}

#[test]
fn taking_back_twice_is_once() {
    let court = Court::new();
    for (name, world) in worlds() {
        for act in aimed(&world).into_iter().filter(|act| matches!(act, Act::Undo { .. })) {
            let mut once = world.clone();
            if court.judge(&mut once, &op(&world, "mira", 0x41, basis(&world), act.clone())).verdict != Verdict::Applied
            {
                continue;
            }
            let mut twice = once.clone();
            let again = court.judge(&mut twice, &op(&once, "mira", 0x42, basis(&once), act.clone()));
            assert!(matches!(again.verdict, Verdict::Superseded { .. }), "{act:?} on {name}: {again:?}");
            assert_eq!(once, twice, "{act:?} on {name}");
        }
    }
}

/// A snooze that is taken back: who had it before still has it, and who had it by the snooze alone has it no longer.
#[test]
fn taking_a_snooze_back_wakes_it() {
    let court = Court::new();
    for (name, world) in worlds() {
        let Some(hold) = &world.hold else { continue };
        let kind = if hold.wait.is_some() { Kind::Wait } else { Kind::Snooze };
        let mut after = world.clone();
        let undo = op(&world, "mira", 0x41, basis(&world), Act::Undo { op: hold.op, kind });
        assert_eq!(court.judge(&mut after, &undo).verdict, Verdict::Applied, "{name}");
        let by_the_snooze = world.owned_by == Some(hold.op);
        assert_eq!((after.hold, after.owner.is_none()), (None, by_the_snooze), "{name}");
        assert!(after.next_due_at < world.next_due_at && after.loud_rev > world.loud_rev, "{name}");
    }
}

/// Left alone, what burns calls somebody within the longest rule, and no instant keeps the engine busy.
#[test]
fn whatever_was_done_silence_ends() {
    let court = Court::new();
    let mut reached = Distinct::default();
    for (_, world) in worlds() {
        every_turn(&court, &first_of(&world), &["mira", "jonas"], 0x31, |one| reached.add(one));
    }
    for Reached { incident, .. } in reached.all() {
        let mild = incident.severity.is_some_and(|severity| court.paging.down_to.is_worse_than(severity));
        let (mut state, mut calls, mut last, mut steps) = (incident.clone(), 0, at(NOW), 0);
        while let Some(due) = state.next_due_at.filter(|_| calls == 0) {
            steps = if due == last { steps + 1 } else { 0 };
            assert!(due >= last && steps < 6, "the engine does not get on: {incident:?}");
            assert!(due <= last.plus(court.timing.longest(&court.paging)), "too far away: {incident:?}");
            last = due;
            calls += state.on_due(due, court.rules()).calls.len();
            if mild && state.life == Life::Triggered && state.severity == incident.severity {
                break;
            }
        }
        assert!(mild || calls > 0 || state.life == Life::Resolved, "nobody would ever be called: {incident:?}");
    }
}
