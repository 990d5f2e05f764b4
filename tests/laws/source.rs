//! Monitoring systems: they fire, resolve, flap, repeat what burns, and send again what was not answered.

use crate::console::Which;
use crate::world::{Ask, Event, From, Place, World};
use nightdesk::domain::event::{self, Alert, End};
use nightdesk::domain::id::SourceName;
use nightdesk::domain::label::{IdentityRule, LabelLimits, Labels};
use nightdesk::domain::time::Timestamp;
use std::time::Duration;

/// How often what burns is repeated, in milliseconds.
const REPEAT_MS: i64 = 9000;
/// Alerts of one source.
pub const ALERTS: usize = 4;

pub struct Source {
    index: usize,
    burns: [bool; ALERTS],
    /// Was told to the hub and answered.
    said: [bool; ALERTS],
    no: u64,
}

impl Source {
    pub fn new(index: usize) -> Self {
        Self { index, burns: [false; ALERTS], said: [true; ALERTS], no: 0 }
    }
}

pub fn name(index: usize) -> SourceName {
    SourceName::parse(["prometheus", "zabbix"][index % 2]).expect("it is a name")
}

/// Returns what a source says of an alert: the first ends by itself unless repeated, the second is of a webhook and does not.
pub fn event(source: usize, which: usize, burns: bool, now: Timestamp) -> event::Event {
    let severity = ["critical", "warning", "info", "s1"][(which + source) % 4];
    let instance = format!("i{which}");
    let labels = [
        ("alertname", ["Down", "Full"][which % 2]),
        ("instance", instance.as_str()),
        ("severity", severity),
        ("service", ["pay", "mail"][which / 2 % 2]),
    ];
    let end = match (burns, source) {
        (false, _) => End::Ended(now),
        (true, 0) => End::Until(now.plus(Duration::from_millis(4 * REPEAT_MS as u64))),
        (true, _) => End::Open,
    };
    let alert = Alert {
        labels: Labels::new(labels, &LabelLimits::LABELS).expect("they are labels"),
        annotations: Labels::default(),
        starts_at: None,
        end,
        generator_url: String::new(),
    };
    event::Event::new(name(source), alert, &IdentityRule::default(), now)
}

impl World {
    pub fn speaks(&mut self, index: usize) {
        let wait = if self.calm { 3000 } else { self.random.between(500, REPEAT_MS) };
        self.at(wait, Event::Speaks(index));
        for which in 0..ALERTS {
            let source = &mut self.sources[index];
            let flips = if source.burns[which] { 60 } else { 45 };
            if !self.calm && self.random.permille(flips) {
                source.burns[which] = !source.burns[which];
                source.said[which] = false;
            }
        }
        let source = &mut self.sources[index];
        if self.calm {
            (source.burns, source.said) = ([false; ALERTS], [false; ALERTS]);
        }
        let alerts: Vec<(usize, bool)> = (0..ALERTS)
            .filter(|which| source.burns[*which] || !source.said[*which])
            .map(|which| (which, source.burns[which]))
            .collect();
        source.no += 1;
        let place = Place::Source(source.index);
        let from = From { place, session: 0, which: Which::Push, no: source.no };
        self.send(place, Place::Hub, || Event::Asked(from, Ask::Alerts(alerts.clone())));
    }

    /// The hub has what was said last.
    pub fn source_answered(&mut self, index: usize, no: u64) {
        let source = &mut self.sources[index];
        if source.no == no {
            source.said = [true; ALERTS];
        }
    }
}
