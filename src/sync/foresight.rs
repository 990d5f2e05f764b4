//! What an operation will most likely become, by the mirrored state: for previews and questions. The hub alone decides.

use crate::domain::event::SeriesKey;
use crate::domain::id::{IncidentId, NodeId, OpId, UserName};
use crate::domain::incident::{Incident, Life, Rules, Timing};
use crate::domain::judge::{Context, Newer, Refusal, Verdict, judge};
use crate::domain::op::{Act, Basis, Kind, Op, SPLIT_SERIES_MAX};
use crate::domain::paging::Paging;
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
use crate::store::mirror::OwnOp;
use std::collections::{BTreeSet, HashSet};

/// Who may be called, as far as this console knows: what predictions and the local alarm go by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Levels, duty and chains; `None` while the hub has not told them: everybody is in every level then.
    pub paging: Option<Paging>,
    /// Everybody this console has heard of, in order of their names.
    pub people: BTreeSet<UserName>,
}

/// Changes the incident as these own operations will, the hub willing; none of them is judged by anybody but the hub.
pub fn apply<'a>(incident: &mut Incident, ops: impl IntoIterator<Item = &'a Op>) {
    for op in ops {
        judged(incident, op, op.created_at, None);
    }
}

/// Returns what the hub will most likely answer, and the incident as it will be then.
pub fn predict(
    incident: &Incident,
    actor: &UserName,
    act: Act,
    now: Timestamp,
    paging: Option<&Paging>,
) -> (Verdict, Incident) {
    let mut then = incident.clone();
    let op = Op {
        op_id: OpId::from_bytes([0xff; 16]),
        node: NodeId::from_bytes([0; 16]),
        nseq: 0,
        prev_hash: [0; 32],
        created_at: now,
        actor: actor.clone(),
        incident: incident.id,
        basis: Basis { rev: incident.rev, claim_no: incident.claim_no },
        act,
    };
    (judged(&mut then, &op, now, paging), then)
}

fn judged(incident: &mut Incident, op: &Op, now: Timestamp, paging: Option<&Paging>) -> Verdict {
    let (timing, everybody) = (Timing::default(), Paging::default());
    let rules = Rules { timing: &timing, paging: paging.unwrap_or(&everybody) };
    let split = match &op.act {
        // The series named were on the screen as this incident's.
        Act::Split { series } => series.len() as u32,
        _ => 0,
    };
    let context = Context { now, rules, successor: incident.merged_into, knows: true, target_open: true, split };
    judge(incident, op, &context).verdict
}

/// Returns a few words for a preview: what this person would get by the act on that incident.
pub fn foretold(incident: &Incident, actor: &UserName, act: &Act, now: Timestamp, paging: Option<&Paging>) -> String {
    let (verdict, then) = predict(incident, actor, act.clone(), now, paging);
    let owner = incident.owner.as_ref().filter(|_| incident.life == Life::Acked);
    match &verdict {
        Verdict::Won { .. } => match owner {
            Some(owner) if owner != actor => format!("yours, {owner} loses it"),
            _ => quiet_until(&then).map_or("yours".into(), |until| format!("yours, quiet until {until}")),
        },
        Verdict::WonNoStop { .. } => "yours, and the next call still rings once".into(),
        Verdict::Joined { owner } => format!("joined, {owner} has it"),
        Verdict::Applied => applied(act, &then, owner.is_some_and(|owner| owner == actor)),
        Verdict::Shortened { until } => format!("wakes at {} already", until.hour_minute()),
        Verdict::Superseded { by: Newer::Resolved { .. } } => "too late, it is resolved".into(),
        Verdict::Superseded { by: Newer::Claim { owner: Some(owner) } } => format!("not done, {owner} has it"),
        Verdict::Superseded { by: Newer::Claim { owner: None } } => "not done, nobody has it".into(),
        Verdict::Superseded { by: Newer::Offer } => "not done, the offer is over".into(),
        Verdict::Superseded { by: Newer::Changed } => "not done, it changed".into(),
        Verdict::Expired => "not done, that time is over".into(),
        Verdict::Refused { because: Refusal::StillFiring { firing } } => format!("refused, {firing} still fire"),
        Verdict::Refused { because: Refusal::NotYours { owner } } => format!("refused, {owner} has it"),
        Verdict::Refused { .. } | Verdict::Unsupported => verdict.sentence(),
    }
}

fn quiet_until(incident: &Incident) -> Option<String> {
    incident.hold.as_ref().map(|hold| format!("{}Z", hold.until.hour_minute()))
}

fn applied(act: &Act, then: &Incident, mine: bool) -> String {
    match act {
        Act::Ack if mine => "yours already, the lease begins anew".into(),
        Act::Unack => next_call(then).map_or("given back".into(), |call| format!("given back, {call}")),
        Act::Snooze { .. } | Act::Wait { .. } => {
            quiet_until(then).map_or("quiet".into(), |until| format!("quiet until {until}"))
        }
        Act::Escalate { to: Some(person), .. } => format!("{person} is called"),
        Act::Escalate { to: None, .. } => format!("level {} is called", then.level),
        Act::Offer { to, .. } => format!("{to} is asked; it stays yours until then"),
        Act::Assign { to } => format!("{to} is called to take it"),
        Act::Resolve { .. } => "resolved".into(),
        Act::Undo { .. } => next_call(then).map_or("taken back".into(), |call| format!("taken back, {call}")),
        _ => "done".into(),
    }
}

/// Returns when people are called next by the incident as it is, in a few words; `None` while somebody has it, or it is over.
pub fn next_call(incident: &Incident) -> Option<String> {
    let calls = (incident.life == Life::Triggered && incident.recovering_until.is_none()) || incident.escalating;
    let silenced = incident.silenced.is_some() && !incident.escalating;
    if !calls || silenced || incident.life == Life::Resolved {
        return None;
    }
    let what = if incident.level == 0 { "the first call" } else { "escalation" };
    Some(format!("{what} at {}Z", incident.step_due_at.hour_minute()))
}

/// Why words name no series that can be split off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamedError {
    /// One of them fits none.
    #[error("no series is {0:?}: write label=value, or eight digits or more of a fingerprint")]
    None(String),
    /// Too many at once.
    #[error("{0} series fit; a split takes at most {SPLIT_SERIES_MAX}")]
    TooMany(usize),
}

/// Returns the series that fit any of the words: `label=value`, or the beginning of a fingerprint.
///
/// # Errors
/// [`NamedError`] where a word fits none, so that a slip splits nothing.
pub fn named_series<'a>(
    series: &[Series],
    words: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<SeriesKey>, NamedError> {
    let mut named = BTreeSet::new();
    for word in words {
        let fits = |one: &&Series| match word.split_once('=') {
            Some((label, value)) => one.labels.get(label) == Some(value),
            None => word.len() >= 8 && one.fingerprint.to_hex().starts_with(&word.to_lowercase()),
        };
        let before = named.len();
        let found = series.iter().filter(fits);
        let keys: Vec<SeriesKey> =
            found.map(|one| SeriesKey { source: one.source.clone(), fingerprint: one.fingerprint }).collect();
        let known = keys.iter().any(|key| named.contains(key));
        named.extend(keys);
        if named.len() == before && !known {
            return Err(NamedError::None(word.chars().take(60).collect()));
        }
    }
    match named.len() {
        0 => Err(NamedError::None(String::new())),
        more if more > SPLIT_SERIES_MAX => Err(NamedError::TooMany(more)),
        _ => Ok(named.into_iter().collect()),
    }
}

/// An own operation that could be taken back, or that nobody can take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// Which operation.
    pub op: OpId,
    /// Its kind.
    pub kind: Kind,
    /// About which incident.
    pub incident: IncidentId,
    /// When the key was pressed.
    pub created_at: Timestamp,
    /// Why it cannot be taken back; `None` where it most likely can.
    pub refused: Option<String>,
    /// When people are called next once it is taken back, in a few words.
    pub call: Option<String>,
    /// When that is.
    pub call_at: Option<Timestamp>,
}

/// Returns what `undo` would speak of, newest first: the latest operation where nobody can take it back, then the latest that can be.
///
/// `latest` are own operations, newest first; `waiting` those that the mirrored incidents do not show yet.
pub fn undoable(
    latest: &[OwnOp],
    waiting: &[&Op],
    incident: impl Fn(IncidentId) -> Option<Incident>,
    user: &UserName,
    now: Timestamp,
    paging: Option<&Paging>,
) -> Vec<Undoable> {
    let mut found = Vec::new();
    let undone: HashSet<OpId> = latest
        .iter()
        .filter(|own| own.is_hopeful())
        .filter_map(|own| match own.op.act {
            Act::Undo { op, .. } => Some(op),
            _ => None,
        })
        .collect();
    for own in latest.iter().filter(|own| own.is_hopeful() && !undone.contains(&own.op.op_id)) {
        let Some(kind) = own.op.act.known().filter(|kind| !matches!(kind, Kind::Seen | Kind::Undo)) else { continue };
        let id = own.op.incident;
        let Some(mut then) = incident(id) else { continue };
        apply(&mut then, waiting.iter().copied().filter(|op| op.incident == id));
        let act = Act::Undo { op: own.op.op_id, kind };
        let (verdict, after) = predict(&then, user, act, now, paging);
        let refused = match &verdict {
            Verdict::Applied => None,
            Verdict::Refused { because: Refusal::CannotUndo { .. } } if found.is_empty() => Some(verdict.sentence()),
            _ => continue,
        };
        let last = refused.is_none();
        let call = next_call(&after).filter(|_| last);
        let call_at = call.is_some().then_some(after.step_due_at);
        let (op, created_at) = (own.op.op_id, own.op.created_at);
        found.push(Undoable { op, kind, incident: own.op.incident, created_at, refused, call, call_at });
        if last {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::Number;
    use crate::domain::series::SeriesState;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn firing() -> Incident {
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        let mut incident = Incident::open(IncidentId::from_bytes([4; 16]), Number(1), group, at(0));
        incident.count(None, SeriesState::Firing);
        incident
    }

    #[track_caller]
    fn check(incident: &Incident, act: Act, expect: &str) {
        assert_eq!(foretold(incident, &user("mira"), &act, at(60), None), expect);
    }

    #[test]
    fn a_preview_says_what_each_would_get() {
        let free = firing();
        let owned_by = |owner: &str| predict(&free, &user(owner), Act::Ack, at(30), None).1;
        check(&free, Act::Ack, "yours");
        check(&owned_by("jonas"), Act::Ack, "joined, jonas has it");
        check(&owned_by("jonas"), Act::TakeOver, "yours, jonas loses it");
        check(&owned_by("mira"), Act::Ack, "yours already, the lease begins anew");
        check(&owned_by("mira"), Act::Unack, "given back, the first call at 00:01Z");
        check(&owned_by("jonas"), Act::Unack, "not done, jonas has it");
        let snooze = Act::Snooze { until: at(3660), until_change: false };
        check(&free, snooze.clone(), "yours, quiet until 01:01Z");
        check(&owned_by("mira"), snooze.clone(), "quiet until 01:01Z");
        check(&owned_by("jonas"), snooze, "refused, jonas has it");
        check(&free, Act::Snooze { until: at(1), until_change: false }, "not done, that time is over");
        check(&free, Act::Resolve { force: false }, "refused, 1 still fire");
        check(&free, Act::Resolve { force: true }, "resolved");
        check(&free, Act::Escalate { to: None, level_seen: 0 }, "level 1 is called");
    }

    #[test]
    fn the_next_call_is_told_while_nobody_has_it() {
        let free = firing();
        assert_eq!(next_call(&free).as_deref(), Some("the first call at 00:00Z"));
        let (_, owned) = predict(&free, &user("mira"), Act::Ack, at(30), None);
        assert_eq!(next_call(&owned), None);
        let (_, escalated) = predict(&owned, &user("mira"), Act::Escalate { to: None, level_seen: 0 }, at(30), None);
        assert_eq!(next_call(&escalated).as_deref(), Some("escalation at 00:05Z"));
    }
}
