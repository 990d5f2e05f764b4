//! Consoles that act: every kind of operation, each answered once, and for ever the same.

use super::sender::CALLS;
use crate::support::database::Database;
use crate::support::hub::Hub;
use crate::support::operator::{Operator, results_of};
use crate::support::random::Random;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::event::SeriesKey;
use nightdesk::domain::id::{IncidentId, OpId, SourceName, UserName};
use nightdesk::domain::label::Fingerprint;
use nightdesk::domain::op::{Act, Basis, Kind};
use nightdesk::domain::runbook::{Revision, RunbookName};
use nightdesk::domain::severity::Severity;
use nightdesk::domain::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Answered operations that are pushed again after each kill.
const RETRIED: usize = 20;
/// Incidents that are acted on: those that call people and the newest, few of them resolved.
const KNOWN: usize = 10;

/// An operation that another of the consoles may name.
type Offers = Arc<Mutex<Vec<(IncidentId, OpId)>>>;

/// A person's operations, one after the other.
pub struct Chain {
    user: String,
    others: Vec<String>,
    operator: Operator,
    random: Random,
    offers: Offers,
    /// Incidents to act on, as they were.
    known: Vec<(IncidentId, Basis)>,
    /// Each answered operation with the hub's verdict.
    answered: Vec<(SignedOp, Value)>,
    /// The one that got no answer.
    perhaps: Option<SignedOp>,
}

impl Chain {
    /// Introduces one console.
    pub fn introduce(hub: &Hub, mut random: Random) -> Self {
        Self::crew(hub, &["robot"], &mut random).remove(0)
    }

    /// Introduces a console of each of these people.
    pub fn crew(hub: &Hub, users: &[&str], random: &mut Random) -> Vec<Self> {
        let offers = Offers::default();
        let others =
            |user: &str| users.iter().filter(|other| **other != user).map(|other| (*other).to_owned()).collect();
        let chain = |user: &&str| Self {
            user: (*user).to_owned(),
            others: others(user),
            operator: Operator::introduce(hub, user),
            random: random.fork(),
            offers: Arc::clone(&offers),
            known: Vec::new(),
            answered: Vec::new(),
            perhaps: None,
        };
        users.iter().map(chain).collect()
    }

    /// Returns how many operations were answered.
    pub fn answered(&self) -> usize {
        self.answered.len()
    }

    /// Counts the answers by kind and outcome.
    pub fn count(&self, into: &mut BTreeMap<String, usize>) {
        for (signed, result) in &self.answered {
            let outcome = result["judged"]["outcome"].as_str().unwrap_or("?");
            *into.entry(format!("{} {outcome}", signed.op.act.kind())).or_default() += 1;
        }
    }

    /// Returns each answered operation that is not stored once with the verdict it got, and what is stored beyond the one in doubt.
    pub fn wrong(&self, database: &Database) -> Vec<String> {
        let stored = database.pairs::<[u8; 16], String>(
            "SELECT op_id, verdict FROM op WHERE node = ?1 ORDER BY nseq",
            [self.operator.node().as_bytes()],
        );
        let mut wrong = Vec::new();
        let most = self.answered.len() + usize::from(self.perhaps.is_some());
        if stored.len() > most {
            wrong.push(format!("{} operations of {} are stored, {most} were sent", stored.len(), self.user));
        }
        for (place, (signed, result)) in self.answered.iter().enumerate() {
            let found = stored.get(place).filter(|(op_id, _)| signed.op.op_id.as_bytes() == op_id);
            let verdict = found.and_then(|(_, verdict)| serde_json::from_str::<Value>(verdict).ok());
            if verdict.as_ref() != Some(&result["judged"]) {
                wrong.push(format!("{result} was answered to {}, {verdict:?} is stored", self.user));
            }
        }
        wrong
    }

    /// Learns which incidents there are.
    pub fn look(&mut self, database: &Database) {
        let newest = "SELECT id, json_extract(body, '$.rev') || ' ' || json_extract(body, '$.claim_no') FROM incident
             ORDER BY life = 'resolved' AND number % 8 > 0, json_extract(body, '$.summary') LIKE ?2 DESC, number DESC LIMIT ?1";
        let rows = database.pairs::<[u8; 16], String>(newest, (KNOWN as i64, format!("{CALLS}-%")));
        self.known = rows.iter().map(|(id, basis)| (IncidentId::from_bytes(*id), read_basis(basis))).collect();
    }

    /// Does something to some incident; returns whether it was answered.
    pub fn send(&mut self, address: &str) -> bool {
        let Some((incident, known)) = self.pick() else { return false };
        let basis = Basis { rev: known.rev + self.random.below(2), claim_no: known.claim_no + self.random.below(2) };
        let act = self.act(incident);
        let signed = self.operator.sign(incident, basis, act);
        self.perhaps = Some(signed.clone());
        let Ok(answer) = self.operator.push(address, std::slice::from_ref(&signed)) else { return false };
        self.answer(signed, &answer);
        true
    }

    fn act(&mut self, incident: IncidentId) -> Act {
        let runbook = || RunbookName::parse("pay/5xx.md").expect("a name");
        let kind = Kind::ALL[self.random.below(Kind::ALL.len() as u64) as usize];
        let other = self.random.below(self.others.len().max(1) as u64) as usize;
        let to = UserName::parse(self.others.get(other).unwrap_or(&self.user)).expect("a name");
        let later = |seconds: i64| Timestamp::from_millis(jiff::Timestamp::now().as_millisecond() + seconds * 1000);
        match kind {
            Kind::Ack => Act::Ack,
            Kind::Unack => Act::Unack,
            Kind::TakeOver => Act::TakeOver,
            Kind::Seen => Act::Seen,
            Kind::Snooze => Act::Snooze { until: later(2), until_change: self.random.below(2) == 0 },
            Kind::Wait => Act::Wait { reason: "a disk".into(), ticket: String::new(), until: later(3) },
            Kind::Escalate => {
                let to = (self.random.below(2) == 0).then_some(to);
                Act::Escalate { to, level_seen: self.random.below(3) as u32 }
            }
            Kind::Offer => Act::Offer { to, expires_at: later(30) },
            Kind::Accept => Act::Accept { offer: self.offer(incident) },
            Kind::Decline => Act::Decline { offer: self.offer(incident) },
            Kind::Assign => Act::Assign { to },
            Kind::SetSeverity => {
                Act::SetSeverity { to: Severity::new(1 + self.random.below(9) as u8).expect("S1 to S9") }
            }
            Kind::Note => Act::Note { text: format!("{} {}", self.user, self.answered.len()) },
            // By force it would put out series that their senders say burn.
            Kind::Resolve => Act::Resolve { force: false },
            Kind::Reopen => Act::Reopen,
            Kind::Merge => Act::Merge { into: self.pick().map_or(incident, |(into, _)| into) },
            Kind::Read => Act::Read { runbook: runbook(), revision: Revision([6; 16]) },
            Kind::Tick => Act::Tick { runbook: runbook(), task: "0f".into(), text: "drain".into(), done: true },
            Kind::Remark => {
                let revision = Revision([6; 16]);
                Act::Remark { runbook: runbook(), revision, line: 1, text: "port 81".into() }
            }
            Kind::Split => {
                let source = SourceName::parse("prometheus").expect("a name");
                Act::Split { series: vec![SeriesKey { source, fingerprint: Fingerprint([1; 16]) }] }
            }
            Kind::Undo => self.undo(incident),
        }
    }

    /// Takes back the latest of the own operations on that incident; a note when there is none.
    fn undo(&self, incident: IncidentId) -> Act {
        let own = self.answered.iter().rev().map(|(signed, _)| &signed.op);
        let latest = own.filter(|op| op.incident == incident).find_map(|op| Some((op.op_id, op.act.known()?)));
        latest.map_or(Act::Note { text: format!("{} {}", self.user, self.answered.len()) }, |(op, kind)| Act::Undo {
            op,
            kind,
        })
    }

    fn offer(&self, incident: IncidentId) -> OpId {
        let offers = self.offers.lock().expect("whole");
        let here = offers.iter().rev().find(|(of, _)| *of == incident);
        here.map_or(OpId::from_bytes([8; 16]), |(_, offer)| *offer)
    }

    /// Pushes again what got no answer, and the latest that did: their verdicts must be what they were.
    pub fn retry(&mut self, hub: &Hub, round: u64) {
        if let Some(signed) = self.perhaps.take() {
            let answer = self.operator.push(hub.address(), std::slice::from_ref(&signed)).expect("the hub answers");
            self.answer(signed, &answer);
        }
        let from = self.answered.len().saturating_sub(RETRIED);
        self.same_again(hub, &self.answered[from..], round);
    }

    /// Pushes everything again.
    pub fn retry_all(&self, hub: &Hub) {
        for chunk in self.answered.chunks(200) {
            self.same_again(hub, chunk, u64::MAX);
        }
    }

    fn same_again(&self, hub: &Hub, answered: &[(SignedOp, Value)], round: u64) {
        let ops: Vec<SignedOp> = answered.iter().map(|(signed, _)| signed.clone()).collect();
        let answer = self.operator.push(hub.address(), &ops).expect("the hub answers");
        let verdicts: Vec<&Value> = answered.iter().map(|(_, verdict)| verdict).collect();
        assert_eq!(results_of(&answer).iter().collect::<Vec<_>>(), verdicts, "round {round}");
    }

    fn answer(&mut self, signed: SignedOp, answer: &str) {
        let result = results_of(answer).remove(0);
        assert!(result["judged"].is_object(), "{result}");
        if matches!(signed.op.act, Act::Offer { .. }) {
            self.offers.lock().expect("whole").push((signed.op.incident, signed.op.op_id));
        }
        self.perhaps = None;
        self.answered.push((signed, result));
    }

    fn pick(&mut self) -> Option<(IncidentId, Basis)> {
        let count = self.known.len() as u64;
        (count > 0).then(|| self.known[self.random.below(count) as usize])
    }
}

fn read_basis(text: &str) -> Basis {
    let mut numbers = text.split(' ').map(|number| number.parse().expect("a number"));
    Basis { rev: numbers.next().expect("a rev"), claim_no: numbers.next().expect("a claim") }
}
