//! What a query is asked of, and by whom.

use super::field::{Field, NO, YES, plan, state};
use crate::domain::grouping;
use crate::domain::holds::Plan;
use crate::domain::id::{IncidentId, SourceName, UserName};
use crate::domain::incident::{Incident, Life, Shown};
use crate::domain::label::Labels;
use crate::domain::series::{Series, SeriesState};
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// Something with labels and fields.
pub trait Subject {
    /// Returns the value of a label, or `None` when it is absent.
    fn label(&self, name: &str) -> Option<&str>;
    /// Tells each label's name and value.
    fn labels(&self, each: &mut dyn FnMut(&str, &str));
    /// Returns a field; `Field::Text` is the summary.
    fn field(&self, field: Field) -> Value<'_>;
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing, or not known of such a thing.
    None,
    /// A text.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// A severity; `None` is unexamined.
    Severity(Option<Severity>),
    /// When it began, for its age.
    Since(Timestamp),
    /// Which words of the field it fulfils, as bits.
    Words(u16),
    /// Which incident it is; who looks knows whether that calls them.
    Incident(IncidentId),
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Eyes<'a> {
    /// Now.
    pub now: Timestamp,
    /// Whom `me` means; `None`: nobody.
    pub me: Option<&'a UserName>,
    /// Whom `oncall` means.
    pub on_call: &'a BTreeSet<UserName>,
    /// Incidents that call the person.
    pub calls: &'a HashSet<IncidentId>,
}

static NO_USERS: BTreeSet<UserName> = BTreeSet::new();
static NO_CALLS: LazyLock<HashSet<IncidentId>> = LazyLock::new(HashSet::new);

impl Eyes<'static> {
    /// Returns the eyes of nobody: for rules, and wherever no person asks.
    pub fn nobody(now: Timestamp) -> Self {
        Self { now, me: None, on_call: &NO_USERS, calls: &NO_CALLS }
    }
}

/// An alert by itself, before any incident: what rules look at.
#[derive(Debug, Clone, Copy)]
pub struct AlertSubject<'a> {
    /// Who sent it.
    pub source: &'a SourceName,
    /// What it says it is.
    pub labels: &'a Labels,
}

impl Subject for AlertSubject<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name)
    }

    fn labels(&self, each: &mut dyn FnMut(&str, &str)) {
        self.labels.iter().for_each(|(name, value)| each(name, value));
    }

    /// Severity, service and team are what its labels say; all that only an incident has is nothing.
    fn field(&self, field: Field) -> Value<'_> {
        match field {
            Field::Severity => Value::Severity(self.labels.get("severity").and_then(Severity::from_label)),
            Field::Source => Value::Text(self.source.as_str()),
            Field::Service => Value::Text(grouping::service(self.labels)),
            Field::Team => self.labels.get("team").map_or(Value::None, Value::Text),
            Field::State => Value::Words(state::FIRING),
            Field::Held | Field::Silenced | Field::Claimed => Value::Words(NO),
            Field::Owner
            | Field::Age
            | Field::Number
            | Field::Flaps
            | Field::Series
            | Field::Policy
            | Field::Plan
            | Field::Page
            | Field::Text => Value::None,
        }
    }
}

/// One series together with its incident; without a series, what the incident alone says.
#[derive(Debug, Clone, Copy)]
pub struct IncidentSubject<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// One of its series.
    pub series: Option<&'a Series>,
}

impl Subject for IncidentSubject<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.series?.labels.get(name)
    }

    fn labels(&self, each: &mut dyn FnMut(&str, &str)) {
        if let Some(series) = self.series {
            series.labels.iter().for_each(|(name, value)| each(name, value));
        }
    }

    fn field(&self, field: Field) -> Value<'_> {
        match (field, self.series) {
            (Field::Source, Some(series)) => Value::Text(series.source.as_str()),
            (Field::Flaps, Some(series)) => Value::Number(series.flaps),
            (Field::State, Some(series)) => Value::Words(states(self.incident) | burns(series.state)),
            (Field::State, None) => {
                let firing = if self.incident.tally.firing > 0 { state::FIRING } else { 0 };
                Value::Words(states(self.incident) | firing)
            }
            (field, _) => of_incident(self.incident, field),
        }
    }
}

fn planned(of: Plan) -> u16 {
    match of {
        Plan::Page => plan::PAGE,
        Plan::Batch => plan::BATCH,
        Plan::Keep => plan::KEEP,
    }
}

/// Returns a field that all series of an incident share. `state` is without `firing` and `pending`, which each series has by itself.
pub(super) fn of_incident(incident: &Incident, field: Field) -> Value<'_> {
    match field {
        Field::Severity => Value::Severity(incident.severity),
        Field::State => Value::Words(states(incident)),
        Field::Owner => incident.owner.as_ref().map_or(Value::None, |owner| Value::Text(owner.as_str())),
        Field::Age => Value::Since(incident.opened_at),
        Field::Number => Value::Number(incident.number.0),
        Field::Series => Value::Number(u64::from(incident.tally.total())),
        Field::Service => Value::Text(&incident.service),
        Field::Text => Value::Text(&incident.summary),
        Field::Page => Value::Incident(incident.id),
        Field::Claimed => Value::Words(if incident.claimed.is_some() { YES } else { NO }),
        Field::Silenced => Value::Words(if incident.silenced.is_some() { YES } else { NO }),
        Field::Held => Value::Words(if incident.held.is_some() { YES } else { NO }),
        Field::Team => Value::Text(incident.course.team()),
        Field::Policy => Value::Text(incident.course.policy()),
        Field::Plan => Value::Words(planned(incident.plan)),
        Field::Source | Field::Flaps => Value::None,
    }
}

/// Returns the words that its state fulfils. A silent source does not make it anybody's: `new` and `acked` are by who has it.
fn states(incident: &Incident) -> u16 {
    let owned = match incident.life {
        Life::Triggered => state::NEW | state::UNACKED | state::OPEN,
        Life::Acked => state::ACKED | state::OPEN,
        Life::Resolved => state::RESOLVED,
    };
    let shown = match incident.shown() {
        Shown::New | Shown::Acked => 0,
        Shown::Snoozed => state::SNOOZED,
        Shown::Waiting => state::WAITING,
        Shown::Recovering => state::RECOVERING,
        Shown::Unknown => state::UNKNOWN,
        Shown::Resolved => state::RESOLVED,
    };
    owned | shown
}

pub(super) fn burns(series: SeriesState) -> u16 {
    match series {
        SeriesState::Firing => state::FIRING,
        SeriesState::Pending => state::PENDING,
        SeriesState::Resolved | SeriesState::Expired | SeriesState::Unknown => 0,
    }
}
