//! From what was written to rules: all mistakes at once, each with its line and what to write instead.

use super::raw::{Raw, RawCalendar, RawSeverity};
use super::severity::{self, STEPS};
use super::{Alertmanager, Dependency, Grouping, Route, Rule, Rulebook, Service, ServiceLevel, View};
use crate::domain::holds::{Calendar, Plan};
use crate::domain::nearest::did_you_mean;
use crate::domain::paging::DEFAULT_POLICY;
use crate::domain::severity::Severity;
use crate::query::Query;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use toml::Spanned;

/// Longest words about one mistake, in bytes.
const WHY_BYTES_MAX: usize = 1500;

/// Most rules of one list.
const RULES_MAX: usize = 1000;
/// The longest that pages wait for what they depend on.
const HOLD_MAX: Duration = Duration::from_secs(3600);
/// How long they wait where nothing is said.
const HOLD: Duration = Duration::from_secs(15 * 60);
/// The longest that an alert must burn to be real.
const PENDING_MAX: Duration = Duration::from_secs(24 * 3600);

/// All plans.
const PLANS: [Plan; 3] = [Plan::Page, Plan::Batch, Plan::Keep];

/// The days of the week, as they are written.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A mistake in the rules, or something worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which line.
    pub line: usize,
    /// In which rule and field, such as `route 2: policy`.
    pub place: String,
    /// What is wrong, and what to write instead.
    pub why: String,
}

/// Returns the rules and all that is wrong in them; `policies` are the names of the escalation policies there are. With a mistake the
/// rules are not whole and must not be used.
pub fn read(raw: &Raw, text: &str, policies: &BTreeSet<String>) -> (Rulebook, Vec<Fault>) {
    let mut reader = Reader { text, policies, faults: Vec::new(), names: BTreeSet::new() };
    let book = reader.book(raw);
    (book, reader.faults)
}

struct Reader<'a> {
    text: &'a str,
    policies: &'a BTreeSet<String>,
    faults: Vec<Fault>,
    /// Names of rules that were given, each with its list.
    names: BTreeSet<(&'static str, String)>,
}

/// Where a rule stands.
struct Place<'p> {
    list: &'static str,
    number: usize,
    name: &'p Option<String>,
    query: &'p Spanned<String>,
}

impl Reader<'_> {
    fn line(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
    }

    fn fault(&mut self, line: usize, place: impl Into<String>, why: impl Into<String>) {
        let mut why = why.into();
        // It quotes what was written, and a file may hold a megabyte in one value.
        if why.len() > WHY_BYTES_MAX {
            why.truncate(why.floor_char_boundary(WHY_BYTES_MAX));
            why.push_str(" ..");
        }
        self.faults.push(Fault { line, place: place.into(), why });
    }

    /// Reads one query; what is wrong in it is pointed at.
    fn query(&mut self, written: &Spanned<String>, place: &str) -> Query {
        match Query::parse(written.get_ref()) {
            Ok(query) => query,
            Err(error) => {
                let line = self.line(written.span().start);
                let pointed = error.pointed(written.get_ref()).replace('\n', "\n    ");
                self.fault(line, place, format!("the query cannot be read\n    {pointed}"));
                Query::all()
            }
        }
    }

    /// Reads what all rules have.
    fn rule<T>(&mut self, at: Place<'_>, then: impl FnOnce(&mut Self, &str, usize) -> Option<T>) -> Option<Rule<T>> {
        let place = format!("{} {}", at.list, at.number + 1);
        let line = self.line(at.query.span().start);
        let query = self.query(at.query, &format!("{place}: match"));
        let name = at.name.clone().unwrap_or_else(|| place.clone());
        if !self.names.insert((at.list, name.clone())) {
            self.fault(
                line,
                format!("{place}: name"),
                format!("{name:?} stands there twice; the group of an incident is known by it"),
            );
        }
        let then = then(self, &place, line)?;
        Some(Rule { name, line, query, then })
    }

    fn list<R, T>(
        &mut self,
        list: &'static str,
        raw: &[R],
        parts: impl Fn(&R) -> (&Option<String>, &Spanned<String>),
        then: impl Fn(&mut Self, &R, &str, usize) -> Option<T>,
    ) -> Vec<Rule<T>> {
        if raw.len() > RULES_MAX {
            self.fault(1, list, format!("{} rules, at most {RULES_MAX} are taken", raw.len()));
            return Vec::new();
        }
        let each = raw.iter().enumerate().filter_map(|(number, one)| {
            let (name, query) = parts(one);
            self.rule(Place { list, number, name, query }, |reader, place, line| then(reader, one, place, line))
        });
        each.collect()
    }

    fn book(&mut self, raw: &Raw) -> Rulebook {
        let calendars = self.calendars(&raw.calendar);
        Rulebook {
            severities: self.list("severity", &raw.severity, |rule| (&rule.name, &rule.r#match), Self::severity),
            groupings: self.list(
                "grouping",
                &raw.grouping,
                |rule| (&rule.name, &rule.r#match),
                |reader, rule, place, line| {
                    let window =
                        rule.window.as_ref().and_then(|text| reader.span(text, &format!("{place}: window"), line));
                    if let Some(title) = &rule.title
                        && title.matches('{').count() != title.matches('}').count()
                    {
                        reader.fault(
                            line,
                            format!("{place}: title"),
                            "a brace is not closed; labels stand in it as {name}",
                        );
                    }
                    let isolate = rule.isolate.unwrap_or(false);
                    Some(Grouping { by: rule.by.clone(), window, title: rule.title.clone(), isolate })
                },
            ),
            instants: self.list("instant", &raw.instant, |rule| (&rule.name, &rule.r#match), |_, _, _, _| Some(())),
            pendings: self.list(
                "pending",
                &raw.pending,
                |rule| (&rule.name, &rule.r#match),
                |reader, rule, place, line| {
                    let place = format!("{place}: for");
                    let span = reader.span(&rule.r#for, &place, line)?;
                    if span > PENDING_MAX {
                        reader.fault(line, place, "at most 24h: what must burn for longer is found by its source");
                    }
                    Some(span)
                },
            ),
            levels: self.list(
                "service_level",
                &raw.service_level,
                |rule| (&rule.name, &rule.r#match),
                |reader, rule, place, line| {
                    let plan = reader.plan(&rule.plan, place, line)?;
                    reader.hours(plan, rule.calendar.as_ref(), &calendars, place, line);
                    Some(ServiceLevel { plan, calendar: rule.calendar.clone() })
                },
            ),
            routes: self.list(
                "route",
                &raw.route,
                |rule| (&rule.name, &rule.r#match),
                |reader, rule, place, line| {
                    let policy = rule.policy.clone().unwrap_or_default();
                    if !policy.is_empty() && policy != DEFAULT_POLICY && !reader.policies.contains(&policy) {
                        let near = did_you_mean(&policy, reader.policies.iter().map(String::as_str));
                        let why = format!("no [[policy]] is called {policy:?}{near}");
                        reader.fault(line, format!("{place}: policy"), why);
                    }
                    Some(Route { team: rule.team.clone().unwrap_or_default(), policy })
                },
            ),
            dependencies: self.list(
                "dependency",
                &raw.dependency,
                |rule| (&rule.name, &rule.r#match),
                |reader, rule, place, line| {
                    let on = reader.query(&rule.on, &format!("{place}: on"));
                    let hold = match &rule.hold {
                        Some(text) => reader.span(text, &format!("{place}: hold"), line)?,
                        None => HOLD,
                    };
                    if hold > HOLD_MAX {
                        let why = "at most 1h: pages that wait longer are silence";
                        reader.fault(line, format!("{place}: hold"), why);
                    }
                    Some(Dependency { on, same: rule.same.clone(), hold })
                },
            ),
            calendars: calendars.clone(),
            services: self.services(raw),
            views: self.views(raw),
            alertmanagers: self.alertmanagers(raw),
            triage: match &raw.triage.deadline {
                Some(text) => self.span(text, "triage.deadline", 1).unwrap_or(super::TRIAGE_DEADLINE),
                None => super::TRIAGE_DEADLINE,
            },
        }
    }

    fn severity(&mut self, rule: &RawSeverity, place: &str, line: usize) -> Option<Severity> {
        match (&rule.severity, &rule.impact, &rule.likelihood) {
            (Some(word), None, None) => {
                let found = Severity::from_label(word);
                if found.is_none() {
                    let why = format!("{word:?} is no severity; write S1 (worst) to S9");
                    self.fault(line, format!("{place}: severity"), why);
                }
                found
            }
            (None, Some(impact), Some(likelihood)) => {
                for (field, word) in [("impact", impact), ("likelihood", likelihood)] {
                    if !STEPS.contains(&word.as_str()) {
                        let why = format!("{word:?} is none of {}{}", STEPS.join(", "), did_you_mean(word, STEPS));
                        self.fault(line, format!("{place}: {field}"), why);
                    }
                }
                severity::of(impact, likelihood)
            }
            _ => {
                self.fault(line, place, "write severity = \"S2\", or impact and likelihood, each high, medium or low");
                None
            }
        }
    }

    fn plan(&mut self, word: &str, place: &str, line: usize) -> Option<Plan> {
        let found = PLANS.into_iter().find(|plan| plan.word() == word);
        if found.is_none() {
            let words = PLANS.map(Plan::word);
            let why = format!("{word:?} is none of page, batch, keep{}", did_you_mean(word, words));
            self.fault(line, format!("{place}: plan"), why);
        }
        found
    }

    fn hours(
        &mut self,
        plan: Plan,
        name: Option<&String>,
        calendars: &BTreeMap<String, Calendar>,
        place: &str,
        line: usize,
    ) {
        let place = format!("{place}: calendar");
        match (plan, name) {
            (Plan::Batch, None) => self.fault(line, place, "batch waits for working hours; name a [[calendar]]"),
            (Plan::Batch, Some(name)) if !calendars.contains_key(name) => {
                let near = did_you_mean(name, calendars.keys().map(String::as_str));
                self.fault(line, place, format!("no [[calendar]] is called {name:?}{near}"));
            }
            (Plan::Page | Plan::Keep, Some(_)) => {
                self.fault(line, place, format!("{} waits for no hours; leave it out", plan.word()))
            }
            _ => {}
        }
    }

    fn span(&mut self, text: &str, place: &str, line: usize) -> Option<Duration> {
        let span: Option<jiff::SignedDuration> = text.parse().ok();
        let span = span.and_then(|span| Duration::try_from(span).ok()).filter(|span| !span.is_zero());
        if span.is_none() {
            self.fault(line, place, format!("{text:?} is not a span of time; write 10m, 90s or 1h 30m"));
        }
        span
    }

    fn calendars(&mut self, raw: &[RawCalendar]) -> BTreeMap<String, Calendar> {
        let mut calendars = BTreeMap::new();
        for calendar in raw {
            let (name, line) = (calendar.name.get_ref(), self.line(calendar.name.span().start));
            let place = format!("calendar {name}");
            let zone = TimeZone::get(&calendar.zone).unwrap_or_else(|_| {
                let why = format!("{:?} is no zone of this machine; write UTC or such as Europe/Berlin", calendar.zone);
                self.fault(line, format!("{place}: zone"), why);
                TimeZone::UTC
            });
            let mut days = Vec::new();
            for day in &calendar.days {
                match DAYS.iter().find(|(word, _)| word == day) {
                    Some((_, day)) => days.push(*day),
                    None => {
                        let near = did_you_mean(day, DAYS.map(|(word, _)| word));
                        self.fault(
                            line,
                            format!("{place}: days"),
                            format!("{day:?} is no day; write mon to sun{near}"),
                        );
                    }
                }
            }
            if calendar.days.is_empty() {
                self.fault(line, format!("{place}: days"), "it has no days: what waits for it would wait for ever");
            }
            let from = self.clock(&calendar.from, &format!("{place}: from"), line).unwrap_or(Time::MIN);
            let to = match calendar.to.as_str() {
                "24:00" => Time::MIN,
                text => self.clock(text, &format!("{place}: to"), line).unwrap_or(Time::MIN),
            };
            let mut except = BTreeSet::new();
            for day in &calendar.except {
                match day.parse::<Date>() {
                    Ok(day) => drop(except.insert(day)),
                    Err(_) => {
                        let why = format!("{day:?} is no date; write such as 2026-12-25");
                        self.fault(line, format!("{place}: except"), why);
                    }
                }
            }
            let calendar = Calendar { zone, days, from, to, except };
            if calendars.insert(name.clone(), calendar).is_some() {
                self.fault(line, place, "it stands there twice");
            }
        }
        calendars
    }

    fn clock(&mut self, text: &str, place: &str, line: usize) -> Option<Time> {
        let time = text
            .split_once(':')
            .and_then(|(hours, minutes)| Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok());
        if time.is_none() {
            self.fault(line, place, format!("{text:?} is no time of day; write 09:00"));
        }
        time
    }

    fn services(&mut self, raw: &Raw) -> BTreeMap<String, Service> {
        let mut services = BTreeMap::new();
        for service in &raw.service {
            let (name, line) = (service.name.get_ref().clone(), self.line(service.name.span().start));
            if service.criticality.is_some_and(|number| !(1..=4).contains(&number)) {
                self.fault(line, format!("service {name}: criticality"), "1 (most critical) to 4");
            }
            for (link, url) in &service.links {
                if !url.starts_with("https://") && !url.starts_with("http://") {
                    let why = format!("{link} = {url:?} is no address; write https://…");
                    self.fault(line, format!("service {name}: links"), why);
                }
            }
            let team = service.team.clone().unwrap_or_default();
            let (criticality, links) = (service.criticality, service.links.clone());
            if services.insert(name.clone(), Service { name: name.clone(), team, criticality, links }).is_some() {
                self.fault(line, format!("service {name}"), "it stands there twice");
            }
        }
        services
    }

    fn views(&mut self, raw: &Raw) -> Vec<View> {
        let mut views: Vec<View> = Vec::new();
        for view in &raw.view {
            let (name, line) = (view.name.get_ref().clone(), self.line(view.name.span().start));
            let query = self.query(&view.query, &format!("view {name}: query"));
            if views.iter().any(|other| other.name == name) {
                self.fault(line, format!("view {name}"), "it stands there twice");
            }
            if view.key.as_ref().is_some_and(|key| !matches!(key.as_bytes(), [b'1'..=b'9'])) {
                self.fault(line, format!("view {name}: key"), "a digit from \"1\" to \"9\": f and that digit show it");
            }
            views.push(View { name, key: view.key.clone(), query });
        }
        views
    }

    fn alertmanagers(&mut self, raw: &Raw) -> Vec<Alertmanager> {
        let mut all = Vec::new();
        for one in &raw.alertmanager {
            let (url, line) = (one.url.get_ref(), self.line(one.url.span().start));
            if !url.starts_with("http://") && !url.starts_with("https://") {
                self.fault(line, "alertmanager: url", format!("{url:?} is no address; write http://127.0.0.1:9093"));
            }
            let every = match &one.every {
                Some(text) => self.span(text, "alertmanager: every", line).unwrap_or(Duration::from_secs(30)),
                None => Duration::from_secs(30),
            };
            all.push(Alertmanager {
                url: url.trim_end_matches('/').to_owned(),
                every,
                token_file: one.token_file.clone(),
            });
        }
        all
    }
}
