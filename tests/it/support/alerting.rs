//! The alert rules of the corpus, as the series that they would send; and what the hub's rules make of them.

use super::corpus;
use nightdesk::config;
use nightdesk::domain::holds::Plan;
use nightdesk::domain::id::SourceName;
use nightdesk::domain::label::{LabelLimits, Labels};
use nightdesk::domain::severity::Severity;
use nightdesk::rules::{Decision, Rulebook, Said};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Labels whose values are the same for all instances of a rule: they say where, not which.
const PLACES: [(&str, &str); 8] = [
    ("cluster", "eu-1"),
    ("namespace", "shop"),
    ("exported_namespace", "shop"),
    ("service", "checkout"),
    ("env", "prod"),
    ("environment", "prod"),
    ("region", "eu"),
    ("tenant", "all"),
];

/// One alert rule of the corpus.
#[derive(Debug, Clone)]
pub struct AlertRule {
    /// Its `alertname`.
    pub name: String,
    /// Labels that it sets itself.
    pub labels: BTreeMap<String, String>,
    /// Its texts, templates unexpanded.
    pub annotations: BTreeMap<String, String>,
    /// Labels of its series that its texts name.
    pub named: BTreeSet<String>,
    /// The job that is scraped: as its expression says, else its group.
    pub job: String,
}

/// Returns all rules of the corpus, in its order.
pub fn rules() -> Vec<AlertRule> {
    let text = std::fs::read_to_string(corpus::folder().join("rules.json")).expect("the rules can be read");
    let rules: Vec<Value> = serde_json::from_str(&text).expect("the rules are JSON");
    rules.iter().map(AlertRule::of).collect()
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

impl AlertRule {
    fn of(rule: &Value) -> Self {
        let annotations = texts(&rule["annotations"]);
        let named = annotations.values().flat_map(|text| labels_in(text)).collect();
        let expr = rule["expr"].as_str().unwrap_or_default();
        let group = rule["group"].as_str().unwrap_or_default().to_lowercase().replace(' ', "-");
        let job = between(expr, "job=\"", "\"").map_or(group, str::to_owned);
        let name = rule["name"].as_str().unwrap_or_default().to_owned();
        Self { name, labels: texts(&rule["labels"]), annotations, named, job }
    }

    /// Returns the word of its label `severity`; empty without one.
    pub fn severity(&self) -> &str {
        self.labels.get("severity").map_or("", String::as_str)
    }

    /// Returns whether it always fires, to show that alerting works.
    pub fn is_watchdog(&self) -> bool {
        let names = ["Watchdog", "InfoInhibitor", "DeadMansSwitch", "SnitchHeartBeat"];
        names.contains(&self.name.as_str()) || self.name.ends_with("DeadManSwitch")
    }

    /// Returns labels and annotations of its series of that number; `more` stands over what is made up.
    pub fn series(&self, number: usize, more: &[(&str, &str)]) -> (Labels, Labels) {
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in
            [("alertname", self.name.as_str()), ("cluster", "eu-1"), ("env", "prod"), ("job", &self.job)]
        {
            labels.insert(name.to_owned(), value.to_owned());
        }
        for name in &self.named {
            labels.entry(name.clone()).or_insert_with(|| value_of(name, number));
        }
        if !labels.keys().any(|name| !["alertname", "job"].contains(&name.as_str()) && place(name).is_none()) {
            labels.insert("instance".into(), value_of("instance", number));
        }
        labels.extend(self.labels.clone());
        labels.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let annotations = self.annotations.iter().map(|(name, text)| (name.clone(), expand(text, &labels)));
        let annotations: BTreeMap<String, String> = annotations.collect();
        (made(&labels, &LabelLimits::LABELS), made(&annotations, &LabelLimits::ANNOTATIONS))
    }
}

fn made(pairs: &BTreeMap<String, String>, limits: &LabelLimits) -> Labels {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    Labels::new(pairs.map(|(name, value)| (name.as_str(), value.as_str())), limits).expect("they are labels")
}

fn place(name: &str) -> Option<&'static str> {
    PLACES.iter().find(|(place, _)| *place == name).map(|(_, value)| *value)
}

fn value_of(name: &str, number: usize) -> String {
    match (place(name), name) {
        (Some(value), _) => value.to_owned(),
        (None, "instance") => format!("host-{number}:9100"),
        (None, "node" | "host" | "hostname" | "fqdn") => format!("host-{number}"),
        (None, "mountpoint") => "/var/lib".to_owned(),
        (None, _) => format!("{name}-{number}"),
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(between, _)| between)
}

fn labels_in(text: &str) -> Vec<String> {
    let rests = text.split("$labels.").skip(1);
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    rests.map(word).filter(|word| !word.is_empty()).collect()
}

/// Fills templates: labels that stand alone with their values, all else with a sign.
fn expand(text: &str, labels: &BTreeMap<String, String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else { break };
        filled.push_str(before);
        let label = inside.trim().strip_prefix("$labels.").and_then(|name| labels.get(name));
        filled.push_str(label.map_or("…", String::as_str));
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// Returns what a file of `examples/` says.
pub fn example(name: &str) -> config::Hub {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    config::Hub::read(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// What rules make of one series.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Of which rule of the corpus, by its place.
    pub rule: usize,
    /// What became of it.
    pub decision: Decision,
}

impl Judged {
    /// Returns `S1` to `S9`, or `unexamined`.
    pub fn severity(&self) -> String {
        self.decision.severity.map_or("unexamined".into(), |severity| severity.to_string())
    }

    /// Returns whether it calls people, now or in working hours: what is milder than `down_to` waits on a screen.
    pub fn calls(&self, down_to: Severity) -> bool {
        let heard = self.decision.severity.is_none_or(|severity| !down_to.is_worse_than(severity));
        heard && self.decision.plan != Plan::Keep
    }
}

/// Lets every rule fire for so many instances; returns what the book makes of each.
pub fn judge(book: &Rulebook, rules: &[AlertRule], instances: usize) -> Vec<Judged> {
    let source = SourceName::parse("prometheus-eu").expect("a name");
    let each =
        rules.iter().enumerate().flat_map(|(place, rule)| (0..instances).map(move |number| (place, rule, number)));
    each.map(|(place, rule, number)| {
        let (labels, annotations) = rule.series(number, &[]);
        let said = Said { source: &source, labels: &labels, annotations: &annotations };
        Judged { rule: place, decision: book.decide(said) }
    })
    .collect()
}
