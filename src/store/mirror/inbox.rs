//! What must stay before the person until they dismiss it, whom they know, and which pages they have seen.

use super::rows::{own, read_ops};
use super::{Mirror, OwnOp};
use crate::domain::id::{IncidentId, OpId, UserName};
use crate::domain::incident::{Author, Incident, Life, Line, Told};
use crate::domain::op::{Act, Kind, Op};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;

/// The newest lines that are looked at for people's names.
const LINES_LOOKED_AT: i64 = 5000;
/// The newest lines of an incident that may say why it is no longer the person's.
const WHY_LINES: i64 = 20;

/// An incident that was this user's and is no longer, though this user did not give it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Counts losses; names this one.
    pub no: u64,
    /// Which incident.
    pub incident: IncidentId,
    /// When this mirror learned of it, by its own clock.
    pub learned_at: Timestamp,
    /// Who has it instead; `None` is nobody.
    pub owner: Option<UserName>,
    /// What the timeline says of it; may be empty.
    pub why: String,
}

impl Mirror {
    /// Returns own operations whose answer stays until it is dismissed, oldest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn inbox(&mut self, max: usize) -> Result<Vec<OwnOp>, StoreError> {
        let rows: Vec<(Vec<u8>, Option<String>)> = self
            .connection
            .prepare_cached(
                "SELECT bytes, verdict FROM op WHERE verdict IS NOT NULL AND dismissed = 0 ORDER BY nseq LIMIT ?1",
            )?
            .query_map([max as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(rows.into_iter().filter_map(own).collect())
    }

    /// Returns what was this user's, is no longer, and was not dismissed, oldest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn losses(&mut self, max: usize) -> Result<Vec<Loss>, StoreError> {
        let loss = |row: &rusqlite::Row<'_>| {
            Ok(Loss {
                no: row.get::<_, i64>(0)? as u64,
                incident: IncidentId::from_bytes(row.get(1)?),
                learned_at: Timestamp::from_millis(row.get(2)?),
                owner: row.get::<_, Option<String>>(3)?.and_then(|name| UserName::parse(&name).ok()),
                why: row.get(4)?,
            })
        };
        let mut select = self.connection.prepare_cached(
            "SELECT no, incident, learned_at, owner, why FROM loss WHERE dismissed = 0 ORDER BY no LIMIT ?1",
        )?;
        Ok(select.query_map([max as i64], loss)?.collect::<Result<_, _>>()?)
    }

    /// Puts answers and losses away: the person has read them.
    ///
    /// # Errors
    /// [`StoreError`]; none was put away then.
    pub fn dismiss(&mut self, answers: &[OpId], losses: &[u64]) -> Result<(), StoreError> {
        let tx = self.watch.begin(&mut self.connection)?;
        for op_id in answers {
            tx.execute("UPDATE op SET dismissed = 1 WHERE op_id = ?1 AND verdict IS NOT NULL", [op_id.as_bytes()])?;
        }
        for no in losses {
            tx.execute("UPDATE loss SET dismissed = 1 WHERE no = ?1", [*no as i64])?;
        }
        Ok(tx.commit()?)
    }

    /// Returns the latest own operations, newest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn latest(&mut self, max: usize) -> Result<Vec<OwnOp>, StoreError> {
        let rows: Vec<(Vec<u8>, Option<String>)> = self
            .connection
            .prepare_cached("SELECT bytes, verdict FROM op ORDER BY nseq DESC LIMIT ?1")?
            .query_map([max as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(rows.into_iter().filter_map(own).collect())
    }

    /// Returns everybody of whom this mirror has heard: owners, writers of timelines, people who were called, and those that were named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people(&mut self) -> Result<BTreeSet<UserName>, StoreError> {
        let tx = self.connection.transaction()?;
        let mut people = BTreeSet::from([self.user.clone()]);
        let mut named = |sql: &str, limit: i64| -> Result<(), StoreError> {
            let names: Vec<Option<String>> =
                tx.prepare_cached(sql)?.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
            people.extend(names.into_iter().flatten().filter_map(|name| UserName::parse(&name).ok()));
            Ok(())
        };
        named("SELECT DISTINCT person FROM page LIMIT ?1", LINES_LOOKED_AT)?;
        named("SELECT body ->> '$.owner' FROM incident ORDER BY number DESC LIMIT ?1", LINES_LOOKED_AT)?;
        named("SELECT body ->> '$.offer.to' FROM incident ORDER BY number DESC LIMIT ?1", LINES_LOOKED_AT)?;
        named("SELECT body ->> '$.author.user' FROM line ORDER BY seq DESC LIMIT ?1", LINES_LOOKED_AT)?;
        Ok(people)
    }
}

/// Returns the incident as it is mirrored, where it is this user's and a newer body says otherwise.
pub(super) fn mine(tx: &Transaction<'_>, newer: &str, user: &UserName) -> Result<Option<Incident>, StoreError> {
    let newer: Incident = serde_json::from_str(newer)?;
    let body: Option<String> = tx
        .prepare_cached("SELECT body FROM incident WHERE id = ?1")?
        .query_row([newer.id.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(body) = body else { return Ok(None) };
    let before: Incident = serde_json::from_str(&body)?;
    let is_mine = |incident: &Incident| incident.life == Life::Acked && incident.owner.as_ref() == Some(user);
    // What is over needs nobody any more.
    let lost = is_mine(&before) && !is_mine(&newer) && newer.life != Life::Resolved;
    Ok(lost.then_some(before))
}

/// Notes that what was this user's is no longer, unless this user gave it back, or it came back within the same page of the feed.
pub(super) fn note_loss(
    tx: &Transaction<'_>,
    before: &Incident,
    user: &UserName,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let body: String = tx
        .prepare_cached("SELECT body FROM incident WHERE id = ?1")?
        .query_row([before.id.as_bytes()], |row| row.get(0))?;
    let after: Incident = serde_json::from_str(&body)?;
    if after.owner.as_ref() == Some(user) || gave_back(tx, before)? {
        return Ok(false);
    }
    let noted = tx
        .prepare_cached(
            "INSERT INTO loss (incident, claim_no, learned_at, owner, why) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (incident, claim_no) DO NOTHING",
        )?
        .execute(params![
            before.id.as_bytes(),
            before.claim_no as i64,
            now.as_millis(),
            after.owner.as_ref().map(UserName::as_str),
            why(tx, before.id)?
        ])?;
    Ok(noted > 0)
}

/// Returns whether this user asked for that claim to end.
fn gave_back(tx: &Transaction<'_>, before: &Incident) -> Result<bool, StoreError> {
    let bytes: Vec<Vec<u8>> = tx
        .prepare_cached("SELECT bytes FROM op WHERE incident = ?1 ORDER BY nseq DESC LIMIT 50")?
        .query_map([before.id.as_bytes()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let ends = |op: &Op| match &op.act {
        Act::Unack => op.basis.claim_no == before.claim_no,
        Act::Undo { op: undone, kind } => {
            let holds = matches!(kind, Kind::Snooze | Kind::Wait);
            before.owned_by == Some(*undone) || (holds && before.hold.as_ref().is_some_and(|hold| hold.op == *undone))
        }
        _ => false,
    };
    Ok(read_ops(bytes).iter().any(|signed| ends(&signed.op)))
}

/// Returns what the timeline says about the latest change of owner.
fn why(tx: &Transaction<'_>, incident: IncidentId) -> Result<String, StoreError> {
    let bodies: Vec<String> = tx
        .prepare_cached("SELECT body FROM line WHERE incident = ?1 ORDER BY seq DESC LIMIT ?2")?
        .query_map(params![incident.as_bytes(), WHY_LINES], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for body in bodies {
        let line: Line = serde_json::from_str(&body)?;
        if matches!(line.told, Told::Acked | Told::Released | Told::Handover | Told::Woke | Told::Undone) {
            return Ok(match line.author {
                Author::User(user) => format!("{user} {}", line.text),
                Author::Hub | Author::Source(_) => line.text,
            });
        }
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::SignedOp;
    use crate::domain::grouping::Group;
    use crate::domain::id::{NodeId, Number};
    use crate::domain::incident::{Rules, Timing};
    use crate::domain::judge::{Refusal, Verdict};
    use crate::domain::op::Basis;
    use crate::domain::paging::Paging;
    use crate::store::{FeedKind, FeedPage, FeedRow};
    use ed25519_dalek::SigningKey;
    use tempfile::TempDir;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn mirror() -> (Mirror, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let node = NodeId::from_bytes([1; 16]);
        (Mirror::open(&dir.path().join("mirror.db"), &user("mira"), node, at(0)).unwrap(), dir)
    }

    fn incident() -> Incident {
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        Incident::open(IncidentId::from_bytes([4; 16]), Number(1), group, at(0))
    }

    fn owned(mut incident: Incident, owner: &str, by: OpId) -> Incident {
        let (timing, paging) = (Timing::default(), Paging::default());
        incident.claim(&user(owner), by, at(1), Rules { timing: &timing, paging: &paging });
        incident
    }

    /// Feeds the mirror one incident and, where there are words, a line of another's.
    fn feed(mirror: &mut Mirror, incident: &Incident, said: Option<(Told, &str)>) -> bool {
        let seq = mirror.cursor().unwrap().seq;
        let mut rows =
            vec![FeedRow { seq: seq + 1, kind: FeedKind::Incident, body: serde_json::to_string(incident).unwrap() }];
        if let Some((told, text)) = said {
            let line = Line { at: at(2), author: Author::User(user("jonas")), told, text: text.into() };
            let mut body = serde_json::to_value(line).unwrap();
            body["incident"] = serde_json::to_value(incident.id).unwrap();
            rows.push(FeedRow { seq: seq + 2, kind: FeedKind::Line, body: body.to_string() });
        }
        let next = seq + rows.len() as u64;
        let page = FeedPage { epoch: String::new(), after: seq, next, head: next, rows, signatures: None };
        mirror.apply(&page, at(3)).unwrap().lost
    }

    #[test]
    fn what_is_too_old_is_forgotten_as_the_mirror_is_opened_once_a_day() {
        let (mut mirror, dir) = mirror();
        let old = Incident { resolved_at: Some(at(0)), ..incident() };
        let knows = |hours: i64, mirror: Mirror| {
            drop(mirror);
            let path = dir.path().join("mirror.db");
            let node = NodeId::from_bytes([1; 16]);
            let mut mirror = Mirror::open(&path, &user("mira"), node, at(hours * 3600)).unwrap();
            (mirror.incident(old.id).unwrap().is_some(), mirror)
        };
        feed(&mut mirror, &old, None);
        let mut held;
        // It is kept for 400 days, and it was looked at on the last of them.
        for (hours, expect) in [(400 * 24 - 1, true), (400 * 24 + 1, true), (400 * 24 + 24, false)] {
            (held, mirror) = knows(hours, mirror);
            assert_eq!(held, expect, "after {hours} hours");
        }
    }

    fn done(mirror: &mut Mirror, number: u8, incident: &Incident, act: Act, verdict: Verdict) -> OpId {
        let op_id = OpId::from_bytes([number; 16]);
        let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
        let id = incident.id;
        mirror
            .append(|node, nseq, prev_hash| {
                let actor = user("mira");
                let op = Op { op_id, node, nseq, prev_hash, created_at: at(1), actor, incident: id, basis, act };
                SignedOp::sign(op, &SigningKey::from_bytes(&[7; 32]))
            })
            .unwrap();
        mirror.settle(vec![(op_id, verdict)], 0).unwrap();
        op_id
    }

    #[test]
    fn only_what_must_stay_stays_and_until_it_is_dismissed() {
        let (mut mirror, _dir) = mirror();
        let incident = incident();
        let refused = Verdict::Refused { because: Refusal::StillFiring { firing: 1 } };
        done(&mut mirror, 1, &incident, Act::Ack, Verdict::Won { claim_no: 1 });
        done(&mut mirror, 2, &incident, Act::Ack, Verdict::Joined { owner: user("jonas") });
        let stays = done(&mut mirror, 3, &incident, Act::Resolve { force: false }, refused.clone());
        done(&mut mirror, 4, &incident, Act::Seen, refused);
        let ids = |mirror: &mut Mirror| -> Vec<OpId> {
            mirror.inbox(10).unwrap().into_iter().map(|own| own.op.op_id).collect()
        };
        assert_eq!(ids(&mut mirror), [stays]);
        assert_eq!(mirror.tell().unwrap().len(), 3, "that a claim was seen is told to nobody");
        assert_eq!(ids(&mut mirror), [stays], "told is not read");
        mirror.dismiss(&[stays], &[]).unwrap();
        assert_eq!(ids(&mut mirror), []);
    }

    #[test]
    fn what_was_mine_and_went_to_another_is_a_loss_once() {
        let (mut mirror, _dir) = mirror();
        let mine = owned(incident(), "mira", OpId::from_bytes([1; 16]));
        assert!(!feed(&mut mirror, &mine, None));
        let taken = owned(mine.clone(), "jonas", OpId::from_bytes([2; 16]));
        assert!(feed(&mut mirror, &taken, Some((Told::Acked, "took it over from mira"))));
        assert!(!feed(&mut mirror, &taken, None), "the same news is no news");
        let losses = mirror.losses(10).unwrap();
        assert_eq!((losses.len(), losses[0].owner.clone()), (1, Some(user("jonas"))));
        assert_eq!(losses[0].why, "jonas took it over from mira");
        mirror.dismiss(&[], &[losses[0].no]).unwrap();
        assert_eq!(mirror.losses(10).unwrap(), []);
    }

    #[test]
    fn a_lease_that_ended_is_a_loss_to_nobody() {
        let (mut mirror, _dir) = mirror();
        let mine = owned(incident(), "mira", OpId::from_bytes([1; 16]));
        feed(&mut mirror, &mine, None);
        let mut ended = mine;
        ended.release(at(9));
        assert!(feed(&mut mirror, &ended, None));
        assert_eq!(mirror.losses(10).unwrap()[0].owner, None);
    }

    #[test]
    fn who_gives_back_takes_back_or_resolves_has_lost_nothing() {
        let by = OpId::from_bytes([1; 16]);
        let mine = owned(incident(), "mira", by);
        let mut given = mine.clone();
        given.release(at(9));
        for act in [Act::Unack, Act::Undo { op: by, kind: Kind::Ack }] {
            let (mut mirror, _dir) = mirror();
            feed(&mut mirror, &mine, None);
            done(&mut mirror, 5, &mine, act, Verdict::Applied);
            assert!(!feed(&mut mirror, &given, None));
        }
        let (mut mirror, _dir) = mirror();
        feed(&mut mirror, &mine, None);
        let mut over = mine;
        over.resolve(at(9), None);
        assert!(!feed(&mut mirror, &over, None));
    }

    #[test]
    fn everybody_who_was_heard_of_is_known() {
        let (mut mirror, _dir) = mirror();
        feed(&mut mirror, &owned(incident(), "lena", OpId::from_bytes([1; 16])), Some((Told::Note, "hm")));
        assert_eq!(mirror.people().unwrap(), ["jonas", "lena", "mira"].map(user).into());
    }
}
