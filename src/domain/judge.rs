//! What an operation does to an incident: one exhaustive match.
//!
//! Quieting operations are compare-and-set on what the person saw. Louder ones always apply. So a conflict is settled towards more
//! people knowing.

use super::id::{IncidentId, UserName};
use super::incident::{Author, Incident, Life, Line, Timing, Told};
use super::op::{Act, Op};
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
    /// Another has it; the actor is noted as helper.
    Joined {
        /// Who has it.
        owner: UserName,
    },
    /// Done.
    Applied,
    /// Something newer stands; nothing changed but the timeline.
    Superseded {
        /// What.
        by: Newer,
    },
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
    /// The incident is over; `successor` is the open one of the same group.
    Resolved {
        /// The open incident of the same group, if there is one.
        successor: Option<IncidentId>,
    },
    /// The claim is another's, or nobody's.
    Claim {
        /// Who has it.
        owner: Option<UserName>,
    },
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
}

impl Verdict {
    /// Returns whether the person got what was asked for.
    pub fn is_welcome(&self) -> bool {
        matches!(self, Self::Won { .. } | Self::Applied)
    }

    /// Returns one line for the person who asked.
    pub fn sentence(&self) -> String {
        match self {
            Self::Won { .. } => "yours, confirmed by the hub".into(),
            Self::Joined { owner } => format!("{owner} has it; you are noted as helping"),
            Self::Applied => "confirmed by the hub".into(),
            Self::Superseded { by: Newer::Resolved { successor: None } } => "too late: already resolved".into(),
            Self::Superseded { by: Newer::Resolved { successor: Some(_) } } => {
                "too late: already resolved, and it fired again as a new incident".into()
            }
            Self::Superseded { by: Newer::Claim { owner: Some(owner) } } => format!("not done: {owner} has it now"),
            Self::Superseded { by: Newer::Claim { owner: None } } => "not done: nobody has it".into(),
            Self::Superseded { by: Newer::Changed } => "not done: it changed since you looked; look again".into(),
            Self::Refused { because: Refusal::StillFiring { firing } } => {
                format!("refused: {firing} series still fire; use force to dismiss them")
            }
            Self::Refused { because: Refusal::NoSuchIncident } => "refused: the hub knows no such incident".into(),
            Self::Unsupported => {
                "not done: the hub is older than this console and does not know this; upgrade the hub".into()
            }
        }
    }
}

/// What judging an operation gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What the timeline tells of it.
    pub line: Option<Line>,
    /// The firing series' present starts are dismissed.
    pub dismiss_firing: bool,
}

impl Judgement {
    fn quiet(verdict: Verdict) -> Self {
        Self { verdict, line: None, dismiss_firing: false }
    }
}

/// Judges one operation on its incident and changes the incident accordingly.
///
/// `successor` is the open incident of the same group, asked for only when this one is resolved.
pub fn judge(
    incident: &mut Incident,
    op: &Op,
    successor: Option<IncidentId>,
    now: Timestamp,
    timing: &Timing,
) -> Judgement {
    let told =
        |told, text: &str| Some(Line { at: now, author: Author::User(op.actor.clone()), told, text: text.to_owned() });
    let mine = incident.owner.as_ref() == Some(&op.actor);
    let too_late = || Judgement::quiet(Verdict::Superseded { by: Newer::Resolved { successor } });
    match (&op.act, incident.life) {
        (Act::Unknown { .. }, Life::Triggered | Life::Acked | Life::Resolved) => Judgement::quiet(Verdict::Unsupported),
        (Act::Note { text }, Life::Triggered | Life::Acked | Life::Resolved) => {
            Judgement { verdict: Verdict::Applied, line: told(Told::Note, text), dismiss_firing: false }
        }
        (Act::Ack | Act::Unack | Act::Resolve { .. }, Life::Resolved) => too_late(),
        (Act::Ack, Life::Triggered) => {
            claim(incident, op, now, timing);
            let verdict = Verdict::Won { claim_no: incident.claim_no };
            Judgement { verdict, line: told(Told::Acked, "acknowledged"), dismiss_firing: false }
        }
        (Act::Ack, Life::Acked) if mine => {
            incident.overdue = false;
            incident.arm(now, timing);
            Judgement::quiet(Verdict::Applied)
        }
        (Act::Ack, Life::Acked) => match incident.owner.clone() {
            Some(owner) => {
                let verdict = Verdict::Joined { owner };
                Judgement { verdict, line: told(Told::Joined, "is on it too"), dismiss_firing: false }
            }
            // An acked incident has an owner by the store's own check; were it otherwise, the safe answer is an owner.
            None => {
                claim(incident, op, now, timing);
                Judgement::quiet(Verdict::Won { claim_no: incident.claim_no })
            }
        },
        (Act::Unack, Life::Triggered) => Judgement::quiet(Verdict::Superseded { by: Newer::Claim { owner: None } }),
        (Act::Unack, Life::Acked) if !mine || op.basis.claim_no != incident.claim_no => {
            Judgement::quiet(Verdict::Superseded { by: Newer::Claim { owner: incident.owner.clone() } })
        }
        (Act::Unack, Life::Acked) => {
            release(incident, now, timing);
            Judgement { verdict: Verdict::Applied, line: told(Told::Released, "gave it back"), dismiss_firing: false }
        }
        (Act::Resolve { .. }, Life::Triggered | Life::Acked) if op.basis.rev != incident.rev => {
            Judgement::quiet(Verdict::Superseded { by: Newer::Changed })
        }
        (Act::Resolve { force: false }, Life::Triggered | Life::Acked) if incident.tally.lasting() > 0 => {
            Judgement::quiet(Verdict::Refused { because: Refusal::StillFiring { firing: incident.tally.lasting() } })
        }
        (Act::Resolve { .. }, Life::Triggered | Life::Acked) => {
            let lasting = incident.tally.lasting();
            let firing = std::mem::take(&mut incident.tally.firing);
            incident.tally.over += firing;
            incident.tally.instant = 0;
            incident.resolve(now);
            let text = if lasting > 0 { "resolved by force while it fired" } else { "resolved" };
            Judgement { verdict: Verdict::Applied, line: told(Told::Resolved, text), dismiss_firing: firing > 0 }
        }
    }
}

fn claim(incident: &mut Incident, op: &Op, now: Timestamp, timing: &Timing) {
    incident.owner = Some(op.actor.clone());
    incident.claim_no += 1;
    change_life(incident, Life::Acked, now, timing);
}

fn release(incident: &mut Incident, now: Timestamp, timing: &Timing) {
    incident.owner = None;
    incident.claim_no += 1;
    change_life(incident, Life::Triggered, now, timing);
}

fn change_life(incident: &mut Incident, life: Life, now: Timestamp, timing: &Timing) {
    let before = incident.shown();
    incident.life = life;
    incident.rev += 1;
    incident.overdue = false;
    incident.arm(now, timing);
    if incident.shown() != before {
        incident.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::super::grouping::Group;
    use super::super::id::{NodeId, Number, OpId};
    use super::super::incident::Shown;
    use super::super::op::Basis;
    use super::super::series::SeriesState;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn firing() -> Incident {
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        let mut incident = Incident::open(IncidentId::from_bytes([4; 16]), Number(1), group, at(0), &Timing::default());
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

    fn verdict(incident: &mut Incident, op: &Op) -> Verdict {
        judge(incident, op, None, at(10), &Timing::default()).verdict
    }

    #[test]
    fn two_acks_leave_one_owner_and_the_other_told_who() {
        let mut incident = firing();
        let (mira, jonas) = (by("mira", &incident, Act::Ack), by("jonas", &incident, Act::Ack));
        assert_eq!(verdict(&mut incident, &mira), Verdict::Won { claim_no: 1 });
        assert_eq!(verdict(&mut incident, &jonas), Verdict::Joined { owner: UserName::parse("mira").unwrap() });
        assert_eq!((incident.shown(), incident.claim_no, incident.rev), (Shown::Acked, 1, 2));
        assert_eq!(incident.next_due_at, Some(at(1810)));
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
        assert_eq!((incident.shown(), incident.next_due_at, incident.owner.clone()), (Shown::New, Some(at(300)), None));
    }

    #[test]
    fn resolve_is_refused_while_series_fire_unless_forced() {
        let mut incident = firing();
        let gentle = by("mira", &incident, Act::Resolve { force: false });
        assert_eq!(verdict(&mut incident, &gentle), Verdict::Refused { because: Refusal::StillFiring { firing: 1 } });
        let force = by("mira", &incident, Act::Resolve { force: true });
        let judgement = judge(&mut incident, &force, None, at(10), &Timing::default());
        assert!(judgement.dismiss_firing);
        assert_eq!((incident.shown(), incident.tally.firing, incident.next_due_at), (Shown::Resolved, 0, None));
    }

    #[test]
    fn facts_are_closed_without_force() {
        let mut incident = firing();
        incident.count_instant(None, SeriesState::Firing);
        let resolve = by("mira", &incident, Act::Resolve { force: false });
        let judgement = judge(&mut incident, &resolve, None, at(10), &Timing::default());
        assert_eq!((judgement.verdict, judgement.dismiss_firing), (Verdict::Applied, true));
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
        incident.resolve(at(5));
        let successor = IncidentId::from_bytes([5; 16]);
        let judgement = judge(&mut incident, &ack, Some(successor), at(10), &Timing::default());
        assert_eq!(judgement.verdict, Verdict::Superseded { by: Newer::Resolved { successor: Some(successor) } });
        assert_eq!(incident.life, Life::Resolved);
    }

    #[test]
    fn a_kind_of_the_future_is_answered_not_guessed() {
        let mut incident = firing();
        let op = by("mira", &incident, Act::Unknown { kind: "teleport".into(), args: vec![0x80] });
        assert_eq!(verdict(&mut incident, &op), Verdict::Unsupported);
    }

    /// I1 over every act, life and freshness.
    #[test]
    fn no_act_leaves_an_open_incident_without_a_timer() {
        let acts = [
            Act::Ack,
            Act::Unack,
            Act::Note { text: "x".into() },
            Act::Resolve { force: false },
            Act::Resolve { force: true },
        ];
        let mut cases = vec![firing()];
        for _ in 0..3 {
            let mut next = Vec::new();
            for (incident, act, actor, stale) in cases.iter().flat_map(|i| {
                acts.iter().flat_map(move |a| [("mira", 0), ("jonas", 0), ("mira", 1)].map(|(w, s)| (i, a, w, s)))
            }) {
                let mut after = incident.clone();
                let mut op = by(actor, incident, act.clone());
                op.basis = Basis { rev: op.basis.rev - stale, claim_no: op.basis.claim_no.saturating_sub(stale) };
                judge(&mut after, &op, None, at(20), &Timing::default());
                assert_eq!(after.life == Life::Resolved, after.next_due_at.is_none(), "{op:?}");
                assert_eq!(after.life == Life::Acked, after.life != Life::Resolved && after.owner.is_some(), "{op:?}");
                next.push(after);
            }
            cases = next;
        }
    }
}
