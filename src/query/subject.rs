//! What is asked about: an alert by its labels alone, or an incident together with one of its series.

use super::field::Field;
use crate::domain::grouping;
use crate::domain::id::{IncidentId, SourceName, UserName};
use crate::domain::incident::{Incident, Life, Shown};
use crate::domain::label::Labels;
use crate::domain::series::{Series, SeriesState};
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use std::collections::{BTreeSet, HashSet};

/// Who looks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Eyes<'a> {
    /// For ages.
    pub now: Timestamp,
    /// Who `me` is.
    pub me: Option<&'a UserName>,
    /// Who `oncall` is, where that is known.
    pub on_call: Option<&'a BTreeSet<UserName>>,
    /// Incidents that call the person who looks, where that is known.
    pub calls: Option<&'a HashSet<IncidentId>>,
}

impl Eyes<'_> {
    /// Returns the eyes of a rule: nobody's.
    pub fn nobody(now: Timestamp) -> Self {
        Self { now, me: None, on_call: None, calls: None }
    }
}

/// What is yes or no, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// See [`Field::Held`].
    Held,
    /// See [`Field::Silenced`].
    Silenced,
    /// See [`Field::Claimed`].
    Claimed,
}

/// What is asked about. What a subject does not have is `None`, and fits nothing that asks for it.
pub trait Subject {
    /// Returns the value of a label.
    fn label(&self, name: &str) -> Option<&str>;
    /// Returns whether one of its texts is as wanted.
    fn any_text(&self, wanted: &mut dyn FnMut(&str) -> bool) -> bool;
    /// Returns a field that is text or a single word.
    fn name(&self, field: Field) -> Option<&str>;
    /// Returns a field that is a number.
    fn number(&self, field: Field) -> Option<i64>;
    /// Returns the severity: `None` has none, `Some(None)` is unexamined.
    fn severity(&self) -> Option<Option<Severity>>;
    /// Returns whether a word of [`Field::State`] says how it stands.
    fn is_state(&self, word: &str) -> bool;
    /// Returns the owner: `None` has none, `Some(None)` is nobody.
    fn owner(&self) -> Option<Option<&UserName>>;
    /// Returns when it was opened.
    fn opened_at(&self) -> Option<Timestamp>;
    /// Returns what is yes or no.
    fn flag(&self, flag: Flag) -> Option<bool>;
    /// Returns which incident it is.
    fn incident(&self) -> Option<IncidentId>;
}

/// An alert as a rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct AlertSubject<'a> {
    /// Who sent it.
    pub source: &'a SourceName,
    /// Its labels.
    pub labels: &'a Labels,
    /// What earlier rules made of it; `None` where none has spoken yet.
    pub severity: Option<Option<Severity>>,
}

impl Subject for AlertSubject<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name)
    }
    fn any_text(&self, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        self.labels.iter().any(|(_, value)| wanted(value))
    }
    fn name(&self, field: Field) -> Option<&str> {
        match field {
            Field::Source => Some(self.source.as_str()),
            Field::Service => Some(grouping::service(self.labels)),
            _ => None,
        }
    }
    fn number(&self, _: Field) -> Option<i64> {
        None
    }
    fn severity(&self) -> Option<Option<Severity>> {
        self.severity
    }
    fn is_state(&self, _: &str) -> bool {
        false
    }
    fn owner(&self) -> Option<Option<&UserName>> {
        None
    }
    fn opened_at(&self) -> Option<Timestamp> {
        None
    }
    fn flag(&self, _: Flag) -> Option<bool> {
        None
    }
    fn incident(&self) -> Option<IncidentId> {
        None
    }
}

/// An incident together with one of its series, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct IncidentSubject<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// One of its series.
    pub series: Option<&'a Series>,
    /// Whether somebody claims it, where that is known.
    pub claimed: Option<bool>,
}

impl<'a> IncidentSubject<'a> {
    /// Returns the incident without a series.
    pub fn alone(incident: &'a Incident) -> Self {
        Self { incident, series: None, claimed: None }
    }
}

/// Returns whether a word of [`Field::State`] says how the incident stands.
pub fn incident_is(incident: &Incident, word: &str) -> bool {
    match word {
        // A silent source does not make it anybody's.
        "new" | "unacked" => incident.life == Life::Triggered,
        "ack" | "acked" => incident.life == Life::Acked,
        "open" => incident.life != Life::Resolved,
        "firing" => incident.tally.firing > 0,
        _ => word == incident.shown().word(),
    }
}

impl Subject for IncidentSubject<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.series.and_then(|series| series.labels.get(name))
    }
    fn any_text(&self, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        incident_text(self.incident, wanted)
            || self.series.is_some_and(|series| series.labels.iter().any(|(_, value)| wanted(value)))
    }
    fn name(&self, field: Field) -> Option<&str> {
        match field {
            Field::Source => self.series.map(|series| series.source.as_str()),
            Field::Service => Some(&self.incident.service),
            _ => None,
        }
    }
    fn number(&self, field: Field) -> Option<i64> {
        match field {
            Field::Number => i64::try_from(self.incident.number.0).ok(),
            Field::Series => Some(i64::from(self.incident.tally.total())),
            Field::Flaps => self.series.and_then(|series| i64::try_from(series.flaps).ok()),
            _ => None,
        }
    }
    fn severity(&self) -> Option<Option<Severity>> {
        Some(self.incident.severity)
    }
    fn is_state(&self, word: &str) -> bool {
        match word {
            "pending" => false,
            "firing" => match self.series {
                Some(series) => series.state == SeriesState::Firing,
                None => self.incident.tally.firing > 0,
            },
            _ => incident_is(self.incident, word),
        }
    }
    fn owner(&self) -> Option<Option<&UserName>> {
        Some(self.incident.owner.as_ref())
    }
    fn opened_at(&self) -> Option<Timestamp> {
        Some(self.incident.opened_at)
    }
    fn flag(&self, flag: Flag) -> Option<bool> {
        match flag {
            Flag::Claimed => self.claimed,
            Flag::Held | Flag::Silenced => Some(false),
        }
    }
    fn incident(&self) -> Option<IncidentId> {
        Some(self.incident.id)
    }
}

/// Returns whether one of the incident's own texts is as wanted.
pub fn incident_text(incident: &Incident, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
    let severity = incident.severity.map_or("S?".to_owned(), |severity| severity.to_string());
    wanted(&incident.summary)
        || wanted(&incident.service)
        || wanted(&incident.number.to_string())
        || wanted(&severity)
        || wanted(state_text(incident.shown()))
        || incident.owner.as_ref().is_some_and(|owner| wanted(owner.as_str()))
}

fn state_text(shown: Shown) -> &'static str {
    shown.word()
}
