//! Senders of alerts.

use super::journal::Journal;
use crate::support::alerts::{body, in_seconds, stretch};
use crate::support::http;
use crate::support::random::Random;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// Flapping series of one sender.
const FLAPPERS: u64 = 12;
/// Series of one sender that burn all the time and are told of again and again.
const STEADY: u64 = 6;
/// How the names of those begin.
pub const CALLS: &str = "calls";
/// How long the word for a steady series holds; a kill takes far less.
const STEADY_SECONDS: i64 = 120;
/// Series of one sender that are bad enough to call somebody, and burn all the time.
const CALLING: u64 = 3;

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
            3..5 => format!("steady-{}-{}", self.number, self.random.below(STEADY)),
            5 => format!("{CALLS}-{}-{}", self.number, self.random.below(CALLING)),
            _ => format!("flapper-{}-{}", self.number, self.random.below(FLAPPERS)),
        }
    }

    /// Notes what is about to be said of it, and returns the alert.
    fn say(&mut self, name: &str) -> Value {
        let (state, start, end) = match name.split('-').next() {
            Some("flapper") => self.flap(name),
            Some("steady" | CALLS) => ("firing", self.steady_since, in_seconds(STEADY_SECONDS)),
            _ => ("firing", in_seconds(0), in_seconds(3600)),
        };
        self.journal.say(name, state);
        // Only some call people: the others come by the hundred.
        let severity = if name.starts_with(CALLS) { "critical" } else { "info" };
        stretch(name, &[("severity", severity)], start, end)
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
