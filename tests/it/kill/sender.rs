//! The load: senders of alerts, and a person who acts on what there is.

use super::journal::Journal;
use crate::support::alerts::{body, in_seconds, stretch};
use crate::support::database::Database;
use crate::support::http;
use crate::support::hub::Hub;
use crate::support::operator::{Operator, results_of};
use crate::support::random::Random;
use jiff::Timestamp;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::id::IncidentId;
use nightdesk::domain::op::{Act, Basis};
use serde_json::Value;
use std::collections::HashMap;

/// Flapping series of one sender.
const FLAPPERS: u64 = 12;
/// Series of one sender that burn all the time and are told of again and again.
const STEADY: u64 = 6;
/// How long the word for a steady series holds; a kill takes far less.
const STEADY_SECONDS: i64 = 120;
/// Answered operations that are pushed again after each kill.
const RETRIED: usize = 20;

/// A sender with series of its own.
pub struct Sender {
    number: u64,
    random: Random,
    unique: u64,
    /// Start of the present stretch of each flapper that burns.
    flappers: HashMap<String, Timestamp>,
    steady_since: Timestamp,
    pub journal: Journal,
}

impl Sender {
    pub fn new(number: u64, random: Random) -> Self {
        let flappers = HashMap::new();
        Self { number, random, unique: 0, flappers, steady_since: in_seconds(0), journal: Journal::default() }
    }

    /// Sends one request; returns whether it was answered.
    pub fn send(&mut self, address: &str, token: &str) -> bool {
        let count = 1 + self.random.below(3);
        let mut names = Vec::new();
        let mut alerts = Vec::new();
        for _ in 0..count {
            let name = self.name();
            if !names.contains(&name) {
                alerts.push(self.say(&name));
                names.push(name);
            }
        }
        let bearer = format!("Bearer {token}");
        let answer = http::post(address, "/api/v2/alerts", &[("authorization", &bearer)], body(&alerts).as_bytes());
        let Ok(answer) = answer else { return false };
        assert_eq!(answer.status, 200, "{}", answer.text());
        names.iter().for_each(|name| self.journal.answer(name));
        true
    }

    /// Chooses what the next alert is about.
    fn name(&mut self) -> String {
        match self.random.below(10) {
            0..3 => {
                self.unique += 1;
                format!("unique-{}-{}", self.number, self.unique)
            }
            3..6 => format!("steady-{}-{}", self.number, self.random.below(STEADY)),
            _ => format!("flapper-{}-{}", self.number, self.random.below(FLAPPERS)),
        }
    }

    /// Notes what is about to be said of it, and returns the alert.
    fn say(&mut self, name: &str) -> Value {
        let (state, start, end) = match name.split('-').next() {
            Some("flapper") => self.flap(name),
            Some("steady") => ("firing", self.steady_since, in_seconds(STEADY_SECONDS)),
            _ => ("firing", in_seconds(0), in_seconds(3600)),
        };
        self.journal.say(name, state);
        stretch(name, &[], start, end)
    }

    /// Turns it over: each stretch begins after the end of the one before.
    fn flap(&mut self, name: &str) -> (&'static str, Timestamp, Timestamp) {
        let now = in_seconds(0);
        match self.flappers.remove(name) {
            Some(start) => ("resolved", start, now),
            None => {
                self.flappers.insert(name.to_owned(), now);
                ("firing", now, in_seconds(3600))
            }
        }
    }
}

/// A person's operations, one after the other.
pub struct Chain {
    operator: Operator,
    random: Random,
    /// Incidents to act on.
    known: Vec<IncidentId>,
    /// Each answered operation with the hub's verdict.
    answered: Vec<(SignedOp, Value)>,
    /// The one that got no answer.
    perhaps: Option<SignedOp>,
}

impl Chain {
    pub fn introduce(hub: &Hub, random: Random) -> Self {
        let operator = Operator::introduce(hub, "robot");
        Self { operator, random, known: Vec::new(), answered: Vec::new(), perhaps: None }
    }

    /// Returns how many operations were answered.
    pub fn answered(&self) -> usize {
        self.answered.len()
    }

    /// Returns what of the answered operations the database does not have, and what it has beyond them.
    pub fn wrong(&self, database: &Database) -> Vec<String> {
        let stored = database.pairs::<[u8; 16], i64>("SELECT op_id, nseq FROM op", ());
        let answered = self.answered.iter().map(|(signed, _)| signed);
        let is_stored = |signed: &&SignedOp| stored.iter().any(|(id, _)| id == signed.op.op_id.as_bytes());
        let lost = answered.clone().filter(|signed| !is_stored(signed));
        let mut wrong: Vec<String> = lost.map(|signed| format!("operation {} is lost", signed.op.nseq)).collect();
        let most = answered.chain(self.perhaps.as_ref()).filter(is_stored).count();
        if stored.len() != most {
            wrong.push(format!("{} operations are stored, {most} were sent", stored.len()));
        }
        wrong
    }

    /// Learns which incidents there are.
    pub fn look(&mut self, database: &Database) {
        let ids = database.pairs::<[u8; 16], i64>("SELECT id, number FROM incident ORDER BY number DESC LIMIT 50", ());
        self.known = ids.into_iter().map(|(id, _)| IncidentId::from_bytes(id)).collect();
    }

    /// Does something to some incident; returns whether it was answered.
    pub fn send(&mut self, address: &str) -> bool {
        let Some(incident) = self.pick() else { return false };
        let basis = Basis { rev: 1 + self.random.below(3), claim_no: self.random.below(3) };
        let act = match self.random.below(6) {
            0..2 => Act::Ack,
            2 => Act::Unack,
            3 => Act::Resolve { force: false },
            _ => Act::Note { text: format!("note {}", self.answered.len()) },
        };
        let signed = self.operator.sign(incident, basis, act);
        self.perhaps = Some(signed.clone());
        let Ok(answer) = self.operator.push(address, std::slice::from_ref(&signed)) else { return false };
        self.answer(signed, &answer);
        true
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
        self.perhaps = None;
        self.answered.push((signed, result));
    }

    fn pick(&mut self) -> Option<IncidentId> {
        let count = self.known.len() as u64;
        (count > 0).then(|| self.known[self.random.below(count) as usize])
    }
}
