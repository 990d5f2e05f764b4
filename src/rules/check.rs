//! What is not wrong in the rules and still not meant: rules that nothing reaches, that overlap, that match nothing.

use super::read::Fault;
use super::{Judged, Rule, Rulebook, Said};
use crate::domain::id::SourceName;
use crate::domain::label::Labels;
use crate::domain::severity::Severity;
use crate::domain::time::Timestamp;
use crate::query::{Eyes, Query};
use std::collections::BTreeSet;

/// An alert that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who sent it.
    pub source: SourceName,
    /// What it was.
    pub labels: Labels,
}

/// Returns what is worth a look: in the rules alone, and in what `seen` says of the last weeks, where that is known.
pub fn remarks(book: &Rulebook, seen: Option<&[Seen]>) -> Vec<Fault> {
    let mut found = Vec::new();
    unreachable("severity", &book.severities, &mut found);
    unreachable("grouping", &book.groupings, &mut found);
    unreachable("pending", &book.pendings, &mut found);
    unreachable("service_level", &book.levels, &mut found);
    unreachable("route", &book.routes, &mut found);
    super::circles::circles(&book.dependencies, &mut found);
    if !book.routes.is_empty() && !book.routes.iter().any(|route| route.query.is_all()) {
        let line = book.routes.last().map_or(1, |route| route.line);
        let why = "nothing catches what no route names: it goes to team `unrouted` and the default policy; end with match = \"\"";
        found.push(Fault { line, place: "route".into(), why: why.into() });
    }
    if let Some(seen) = seen {
        let judged: Vec<Judgement<'_>> = seen.iter().map(|seen| judgement(book, seen)).collect();
        unexamined(book, seen, &mut found);
        let seen = judged.as_slice();
        unmatched("severity", &book.severities, seen, &mut found);
        unmatched("grouping", &book.groupings, seen, &mut found);
        unmatched("pending", &book.pendings, seen, &mut found);
        unmatched("service_level", &book.levels, seen, &mut found);
        unmatched("route", &book.routes, seen, &mut found);
        unmatched("dependency", &book.dependencies, seen, &mut found);
        unmatched("instant", &book.instants, seen, &mut found);
    }
    found.sort_by_key(|fault| fault.line);
    found
}

/// What of a query tells whether another one is within it.
pub(super) struct Shape<'q> {
    query: &'q Query,
    text: String,
    equalities: Vec<(&'q str, &'q str)>,
}

impl<'q> Shape<'q> {
    pub fn of(query: &'q Query) -> Self {
        Self { query, text: query.to_string(), equalities: query.equalities() }
    }

    /// Returns whether all that fits `other` fits this one too, as far as that can be told from labels alone.
    pub fn holds_all_of(&self, other: &Self) -> bool {
        if self.query.is_all() || self.text == other.text {
            return true;
        }
        // Equalities say all of a query only where nothing else stands in it.
        let labels = self.equalities.len();
        let only = self.query.tree().musts().len().max(1) == labels;
        only && labels > 0 && self.equalities.iter().all(|pair| other.equalities.contains(pair))
    }
}

fn unreachable<T>(list: &str, rules: &[Rule<T>], found: &mut Vec<Fault>) {
    let shapes: Vec<Shape<'_>> = rules.iter().map(|rule| Shape::of(&rule.query)).collect();
    for (place, rule) in rules.iter().enumerate() {
        let Some(earlier) = shapes[..place].iter().position(|earlier| earlier.holds_all_of(&shapes[place])) else {
            continue;
        };
        let earlier = rules[earlier].told();
        let why = format!("never reached: all that fits it fits {earlier} before it; move it up or take it away");
        found.push(Fault { line: rule.line, place: format!("{list} `{}`", rule.name), why });
    }
}

fn judgement<'s>(book: &Rulebook, seen: &'s Seen) -> Judgement<'s> {
    let Seen { source, labels } = seen;
    let decision = book.decide(Said { source, labels, annotations: &Labels::default() });
    let named = labels.get("severity").and_then(Severity::from_label);
    Judgement { seen, named, severity: decision.severity, team: decision.course.team }
}

/// An alert that was seen, with what the rules make of it.
struct Judgement<'s> {
    seen: &'s Seen,
    /// By its label alone, as the severity rules see it.
    named: Option<Severity>,
    severity: Option<Severity>,
    team: String,
}

fn unmatched<T>(list: &str, rules: &[Rule<T>], seen: &[Judgement<'_>], found: &mut Vec<Fault>) {
    let eyes = Eyes::nobody(Timestamp::default());
    let nothing = Labels::default();
    for rule in rules.iter().filter(|rule| !rule.query.is_all()) {
        let fits = |one: &Judgement<'_>| {
            let said = Said { source: &one.seen.source, labels: &one.seen.labels, annotations: &nothing };
            let severity = if list == "severity" { one.named } else { one.severity };
            rule.query.matches(&Judged { said, severity, team: &one.team }, &eyes)
        };
        if !seen.iter().any(fits) {
            let why =
                format!("no alert of the last 30 days fits `{}` ({} series were looked at)", rule.query, seen.len());
            found.push(Fault { line: rule.line, place: format!("{list} `{}`", rule.name), why });
        }
    }
}

/// Names the severity labels that were seen and that no rule examines.
fn unexamined(book: &Rulebook, seen: &[Seen], found: &mut Vec<Fault>) {
    let mut words: BTreeSet<(String, String)> = BTreeSet::new();
    for alert in seen {
        let said = Said { source: &alert.source, labels: &alert.labels, annotations: &Labels::default() };
        if book.severity_of(said).is_none() {
            let word = alert.labels.get("severity").unwrap_or("(none)");
            words.insert((word.to_owned(), alert.labels.get("alertname").unwrap_or_default().to_owned()));
        }
    }
    for (word, name) in words.iter().take(20) {
        let why = format!("no rule says how bad {name} with severity {word} is: it is unexamined; add a [[severity]]");
        found.push(Fault { line: 1, place: "severity".into(), why });
    }
    if words.len() > 20 {
        let why = format!("and {} more that no rule examines", words.len() - 20);
        found.push(Fault { line: 1, place: "severity".into(), why });
    }
}
