//! The hub's rules: from what a source said to severity, group, plan, team and policy. Ordered lists; in each the first rule that fits
//! decides. Pure: the same alert and the same rules always give the same decision.

mod check;
mod circles;
pub(crate) mod raw;
mod read;
mod severity;

pub use check::{Seen, remarks};
pub use raw::Raw;
pub use read::{Fault, read};

use crate::domain::course::{Course, Way};
use crate::domain::grouping::{self, Group};
use crate::domain::holds::{Calendar, Handles, Handling, Plan, Ties};
use crate::domain::id::SourceName;
use crate::domain::label::Labels;
use crate::domain::series::Series;
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::query::{AlertSubject, Eyes, Field, Query, Subject, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Who says it.
    pub source: &'a SourceName,
    /// About what.
    pub labels: &'a Labels,
    /// In which words.
    pub annotations: &'a Labels,
}

/// What the rules make of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// How bad it is; `None` is unexamined.
    pub severity: Option<Severity>,
    /// Of which problem it speaks.
    pub group: Group,
    /// A fact, not a state.
    pub instant: bool,
    /// How long it must burn to be real.
    pub pending: Duration,
    /// Whether it calls people.
    pub plan: Plan,
    /// The working hours of [`Plan::Batch`].
    pub calendar: Option<String>,
    /// Whose it is, who is called, and why.
    pub course: Course,
}

/// Where a rule stands, and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule<T> {
    /// Its name, or its place in its list.
    pub name: String,
    /// Its line in the file.
    pub line: usize,
    /// Which alerts.
    pub query: Query,
    /// What becomes of them.
    pub then: T,
}

impl<T> Rule<T> {
    /// Returns how people are told of it.
    pub fn told(&self) -> String {
        format!("rule `{}` (line {})", self.name, self.line)
    }
}

/// How series become one incident.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grouping {
    /// The labels whose values must agree.
    pub by: Vec<String>,
    /// How long after its end a re-fire is the same incident.
    pub window: Option<Duration>,
    /// The incident's line, with labels as `{name}`.
    pub title: Option<String>,
    /// Each source by itself.
    pub isolate: bool,
}

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// The team.
    pub team: String,
    /// The escalation policy; empty is the default.
    pub policy: String,
}

/// Whether it calls people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceLevel {
    /// At once, in working hours, never.
    pub plan: Plan,
    /// The working hours.
    pub calendar: Option<String>,
}

/// While what is named burns, the pages of what depends on it wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// What it depends on.
    pub on: Query,
    /// Labels that must be equal in both.
    pub same: Vec<String>,
    /// The longest that its pages wait.
    pub hold: Duration,
}

/// A service that alerts speak of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// As the label says it.
    pub name: String,
    /// Whose it is.
    pub team: String,
    /// 1 (most critical) to 4.
    pub criticality: Option<u8>,
    /// What to look at, by name.
    pub links: BTreeMap<String, String>,
}

/// A saved view of the team.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The digit, 1 to 9, that shows it.
    pub key: Option<String>,
    /// What it shows.
    pub query: Query,
}

/// An Alertmanager in front whose silences and inhibitions count here too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alertmanager {
    /// Its address.
    pub url: String,
    /// How often it is asked.
    pub every: Duration,
    /// A file with its token.
    pub token_file: Option<std::path::PathBuf>,
}

/// How long what is unexamined may stay so.
pub const TRIAGE_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// All rules. The default is what the hub does without any.
#[derive(Debug, Clone, PartialEq)]
pub struct Rulebook {
    /// How bad it is.
    pub severities: Vec<Rule<Severity>>,
    /// Which incident it is.
    pub groupings: Vec<Rule<Grouping>>,
    /// What is a fact.
    pub instants: Vec<Rule<()>>,
    /// What must burn for a while first.
    pub pendings: Vec<Rule<Duration>>,
    /// Whether it calls.
    pub levels: Vec<Rule<ServiceLevel>>,
    /// Whose it is.
    pub routes: Vec<Rule<Route>>,
    /// What waits for what.
    pub dependencies: Vec<Rule<Dependency>>,
    /// Working hours, by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// Services, by name.
    pub services: BTreeMap<String, Service>,
    /// The team's saved views.
    pub views: Vec<View>,
    /// Alertmanagers in front.
    pub alertmanagers: Vec<Alertmanager>,
    /// How long what is unexamined may stay so.
    pub triage: Duration,
}

impl Default for Rulebook {
    fn default() -> Self {
        let (severities, groupings, instants, pendings, levels, routes) = Default::default();
        let (dependencies, calendars, services, views, alertmanagers) = Default::default();
        let triage = TRIAGE_DEADLINE;
        Self {
            severities,
            groupings,
            instants,
            pendings,
            levels,
            routes,
            dependencies,
            calendars,
            services,
            views,
            alertmanagers,
            triage,
        }
    }
}

/// An alert as a rule sees it: its labels, and what the rules before made of it.
struct Judged<'a> {
    said: Said<'a>,
    severity: Option<Severity>,
    team: &'a str,
}

impl Subject for Judged<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.said.labels.get(name)
    }

    fn labels(&self, each: &mut dyn FnMut(&str, &str)) {
        self.said.labels.iter().for_each(|(name, value)| each(name, value));
    }

    fn field(&self, field: Field) -> Value<'_> {
        match field {
            Field::Severity => Value::Severity(self.severity),
            Field::Team if !self.team.is_empty() => Value::Text(self.team),
            _ => match (AlertSubject { source: self.said.source, labels: self.said.labels }).field(field) {
                Value::None => Value::None,
                // What it borrows is of the alert, not of the subject that was made for the question.
                Value::Text(_) if field == Field::Source => Value::Text(self.said.source.as_str()),
                Value::Text(_) if field == Field::Service => Value::Text(grouping::service(self.said.labels)),
                Value::Text(_) => self.said.labels.get(field.name()).map_or(Value::None, Value::Text),
                Value::Words(words) => Value::Words(words),
                _ => Value::None,
            },
        }
    }
}

fn first<'r, T>(rules: &'r [Rule<T>], subject: &dyn Subject) -> Option<&'r Rule<T>> {
    // Rules know no clock: nothing that they ask has an age.
    let eyes = Eyes::nobody(Timestamp::default());
    rules.iter().find(|rule| rule.query.matches(subject, &eyes))
}

fn way(part: &str, by: String, made: impl Into<String>) -> Way {
    Way { part: part.to_owned(), by, made: made.into() }
}

const DEFAULT: &str = "the default";

impl Rulebook {
    /// Returns what becomes of an alert.
    pub fn decide(&self, said: Said<'_>) -> Decision {
        let mut ways = Vec::with_capacity(5);
        let severity = self.severity(said, &mut ways);
        let service = grouping::service(said.labels);
        let listed = self.services.get(service).map_or("", |service| service.team.as_str());
        let route = self.route(&Judged { said, severity, team: listed }, listed, &mut ways);
        let subject = Judged { said, severity, team: &route.team };
        let (group, window) = self.group(&subject, &mut ways);
        let level = match first(&self.levels, &subject) {
            Some(rule) => {
                let hours = rule.then.calendar.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
                ways.push(way("plan", rule.told(), format!("{}{hours}", rule.then.plan.word())));
                rule.then.clone()
            }
            None => {
                ways.push(way("plan", DEFAULT.into(), Plan::Page.word()));
                ServiceLevel::default()
            }
        };
        let pending = first(&self.pendings, &subject);
        if let Some(rule) = pending {
            ways.push(way("pending", rule.told(), format!("{} s", rule.then.as_secs())));
        }
        let course = Course {
            team: route.team.clone(),
            policy: route.policy.clone(),
            window_ms: window.and_then(|window| u64::try_from(window.as_millis()).ok()),
            ways,
        };
        let instant = said.labels.get("nightdesk") == Some("instant") || first(&self.instants, &subject).is_some();
        let pending = pending.map_or(Duration::ZERO, |rule| rule.then);
        Decision { severity, group, instant, pending, plan: level.plan, calendar: level.calendar, course }
    }

    /// Returns how bad an alert is; `None` is unexamined.
    pub fn severity_of(&self, said: Said<'_>) -> Option<Severity> {
        self.severity(said, &mut Vec::new())
    }

    fn severity(&self, said: Said<'_>, ways: &mut Vec<Way>) -> Option<Severity> {
        let label = said.labels.get("severity");
        let named = label.and_then(Severity::from_label);
        if let Some(rule) = first(&self.severities, &Judged { said, severity: named, team: "" }) {
            ways.push(way("severity", rule.told(), rule.then.to_string()));
            return Some(rule.then);
        }
        let by =
            label.map_or("no rule, and no severity label".to_owned(), |label| format!("the label severity={label}"));
        ways.push(way("severity", by, named.map_or("unexamined".to_owned(), |severity| severity.to_string())));
        named
    }

    fn route(&self, subject: &Judged<'_>, listed: &str, ways: &mut Vec<Way>) -> Route {
        let rule = first(&self.routes, subject);
        let route = match rule {
            Some(rule) if rule.then.team.is_empty() => Route { team: listed.to_owned(), ..rule.then.clone() },
            Some(rule) => rule.then.clone(),
            None => Route { team: listed.to_owned(), policy: String::new() },
        };
        let by = match rule {
            Some(rule) => rule.told(),
            None if !listed.is_empty() => "the service's owner".into(),
            None => "no route".into(),
        };
        let course = Course { team: route.team.clone(), policy: route.policy.clone(), ..Course::default() };
        ways.push(way("route", by, format!("team {}, policy {}", course.team(), course.policy())));
        route
    }

    fn group(&self, subject: &Judged<'_>, ways: &mut Vec<Way>) -> (Group, Option<Duration>) {
        let said = subject.said;
        let Some(rule) = first(&self.groupings, subject) else {
            let group = grouping::group_of(said.labels, said.annotations);
            ways.push(way("group", DEFAULT.into(), "alertname, cluster, namespace, service, job"));
            return (group, None);
        };
        let Grouping { by, window, title, isolate } = &rule.then;
        let pairs: Vec<(&str, &str)> =
            by.iter().filter_map(|name| Some((name.as_str(), said.labels.get(name)?))).collect();
        let source = isolate.then(|| said.source.as_str());
        // A rule's name cannot be a list: no key of the default is one of a rule.
        let key = serde_json::to_string(&(&rule.name, source, &pairs)).unwrap_or_default();
        let summary = match title {
            Some(title) => fill(title, said.labels),
            None => grouping::summary_of(said.labels, said.annotations),
        };
        ways.push(way("group", rule.told(), if by.is_empty() { "all of it".into() } else { by.join(", ") }));
        (Group { key, service: grouping::service(said.labels).to_owned(), summary }, *window)
    }
}

impl Handles for Rulebook {
    fn handling(&self, series: &Series) -> Handling {
        let Series { source, labels, annotations, .. } = series;
        let said = Said { source, labels, annotations };
        let Decision { severity, pending, plan, calendar, course, .. } = self.decide(said);
        Handling { pending, plan, calendar, ties: self.ties(&Judged { said, severity, team: &course.team }) }
    }
}

impl Rulebook {
    /// Returns what ties an alert to others. One that lacks a label that must be the same is tied to nothing: what is not known holds
    /// nothing.
    fn ties(&self, subject: &Judged<'_>) -> Ties {
        let eyes = Eyes::nobody(Timestamp::default());
        let mut ties = Ties::default();
        for rule in &self.dependencies {
            let same: Option<Vec<&str>> = rule.then.same.iter().map(|name| subject.label(name)).collect();
            let Some(same) = same else { continue };
            let Ok(key) = serde_json::to_string(&(&rule.name, same)) else { continue };
            if rule.then.on.matches(subject, &eyes) {
                ties.bears.push(key.clone());
            }
            if rule.query.matches(subject, &eyes) {
                ties.leans.insert(key, rule.then.hold);
            }
        }
        ties
    }
}

/// Fills `{name}` with the label's value; an absent one is a dash.
fn fill(title: &str, labels: &Labels) -> String {
    let mut filled = String::new();
    let mut rest = title;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(labels.get(name.trim()).unwrap_or("-"));
        rest = behind;
    }
    filled.push_str(rest);
    grouping::cut(&filled)
}
