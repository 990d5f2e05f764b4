//! An alertmanager.yml as its authors write it, and the way through its tree of routes.

use super::rules::Rules;
use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Deepest tree of routes that is followed.
const DEPTH_MAX: usize = 32;
/// Most routes that are followed.
const ROUTES_MAX: usize = 10_000;

/// What of the file matters here; all else is left alone, and named where it changes who is called.
#[derive(Debug, Deserialize)]
struct File {
    route: Route,
    #[serde(default)]
    inhibit_rules: Vec<Inhibit>,
    #[serde(default)]
    receivers: Vec<Receiver>,
    #[serde(default, alias = "mute_time_intervals")]
    time_intervals: Vec<TimeInterval>,
}

/// One route, with those below it.
#[derive(Debug, Clone, Deserialize)]
struct Route {
    receiver: Option<String>,
    group_by: Option<Vec<String>>,
    group_wait: Option<String>,
    group_interval: Option<String>,
    repeat_interval: Option<String>,
    #[serde(default)]
    r#match: BTreeMap<String, String>,
    #[serde(default)]
    match_re: BTreeMap<String, String>,
    #[serde(default)]
    matchers: Matchers,
    #[serde(default, rename = "continue")]
    goes_on: bool,
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(default)]
    mute_time_intervals: Vec<String>,
    #[serde(default)]
    active_time_intervals: Vec<String>,
}

/// Matchers as texts; Alertmanager takes one text alone too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
enum Matchers {
    #[default]
    None,
    One(String),
    List(Vec<String>),
}

/// What is quiet while something else burns.
#[derive(Debug, Deserialize)]
struct Inhibit {
    #[serde(default)]
    source_match: BTreeMap<String, String>,
    #[serde(default)]
    source_match_re: BTreeMap<String, String>,
    #[serde(default)]
    source_matchers: Matchers,
    #[serde(default)]
    target_match: BTreeMap<String, String>,
    #[serde(default)]
    target_match_re: BTreeMap<String, String>,
    #[serde(default)]
    target_matchers: Matchers,
    #[serde(default)]
    equal: Vec<String>,
}

/// Who is told, and by what.
#[derive(Debug, Deserialize)]
pub(super) struct Receiver {
    /// What routes call it.
    pub name: String,
    /// `slack_configs`, `webhook_configs` and so on.
    #[serde(flatten)]
    pub configs: BTreeMap<String, serde_yaml_ng::Value>,
}

/// Times of a week.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TimeInterval {
    /// What routes call it.
    pub name: String,
    /// Any of these.
    #[serde(default)]
    pub time_intervals: Vec<Times>,
}

/// Times of a week, as the file writes them.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Times {
    /// From and to, each `HH:MM`.
    #[serde(default)]
    pub times: Vec<Span>,
    /// Such as `monday:friday`.
    #[serde(default)]
    pub weekdays: Vec<String>,
    /// Days of the month, months and years.
    #[serde(default)]
    pub days_of_month: Vec<serde_yaml_ng::Value>,
    /// Months.
    #[serde(default)]
    pub months: Vec<serde_yaml_ng::Value>,
    /// Years.
    #[serde(default)]
    pub years: Vec<serde_yaml_ng::Value>,
    /// A zone such as `Europe/Berlin`; UTC without one.
    pub location: Option<String>,
}

/// From and to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Span {
    /// `HH:MM`.
    pub start_time: String,
    /// `HH:MM`, `24:00` for the end of the day.
    pub end_time: String,
}

impl Matchers {
    fn texts(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(text) => std::slice::from_ref(text),
            Self::List(texts) => texts,
        }
    }
}

/// What a route has from those above it.
#[derive(Clone, Default)]
struct Inherited {
    matchers: Vec<String>,
    receiver: String,
    group_by: Vec<String>,
    waits: [Option<String>; 3],
    muted: Vec<String>,
    active: Vec<String>,
}

/// One leaf of the tree: which alerts, and what becomes of them.
pub(super) struct Leaf {
    /// A query.
    pub query: String,
    /// The receiver's name.
    pub receiver: String,
    /// The labels that make one notification.
    pub group_by: Vec<String>,
    /// `group_wait`, `group_interval` and `repeat_interval`.
    pub waits: [Option<String>; 3],
    /// Other routes are tried after it too.
    pub goes_on: bool,
    /// Names of intervals in which it is quiet.
    pub muted: Vec<String>,
    /// Names of intervals out of which it is quiet.
    pub active: Vec<String>,
}

/// Returns the rules that the text means.
pub(super) fn import(text: &str) -> anyhow::Result<String> {
    let file: File = serde_yaml_ng::from_str(text)?;
    let mut leaves = Vec::new();
    walk(&file.route, &Inherited::default(), "route", 0, &mut leaves)?;
    let mut rules = Rules::default();
    for leaf in &leaves {
        rules.route(leaf, &file.time_intervals)?;
    }
    for (place, inhibit) in file.inhibit_rules.iter().enumerate() {
        let at = || format!("inhibit_rules[{place}]");
        let source =
            query(&inhibit.source_match, &inhibit.source_match_re, &inhibit.source_matchers).with_context(at)?;
        let target =
            query(&inhibit.target_match, &inhibit.target_match_re, &inhibit.target_matchers).with_context(at)?;
        rules.dependency(&one(&target), &one(&source), &inhibit.equal);
    }
    for receiver in &file.receivers {
        rules.policy(receiver);
    }
    if let Some(name) = rules.unknown(file.receivers.iter().map(|receiver| receiver.name.as_str())).first() {
        bail!("a route names the receiver {name:?}, which the file does not explain");
    }
    Ok(rules.text())
}

/// Walks the tree as Alertmanager does: what a route's own routes take is not the route's, the first that fits has it.
fn walk(route: &Route, above: &Inherited, place: &str, depth: usize, leaves: &mut Vec<Leaf>) -> anyhow::Result<()> {
    ensure!(depth <= DEPTH_MAX, "{place}: routes are nested deeper than {DEPTH_MAX}");
    ensure!(leaves.len() < ROUTES_MAX, "{place}: more than {ROUTES_MAX} routes");
    let mut own = above.clone();
    own.matchers.extend(query(&route.r#match, &route.match_re, &route.matchers).with_context(|| place.to_owned())?);
    if let Some(receiver) = &route.receiver {
        own.receiver.clone_from(receiver);
    }
    ensure!(!own.receiver.is_empty(), "{place}: no receiver");
    if let Some(labels) = &route.group_by {
        own.group_by.clone_from(labels);
    }
    for (own, wait) in own.waits.iter_mut().zip([&route.group_wait, &route.group_interval, &route.repeat_interval]) {
        if wait.is_some() {
            own.clone_from(wait);
        }
    }
    // Not inherited, as in Alertmanager.
    own.muted.clone_from(&route.mute_time_intervals);
    own.active.clone_from(&route.active_time_intervals);
    for (number, below) in route.routes.iter().enumerate() {
        walk(below, &own, &format!("{place}.routes[{number}]"), depth + 1, leaves)?;
    }
    let Inherited { matchers, receiver, group_by, waits, muted, active } = own;
    leaves.push(Leaf { query: one(&matchers), receiver, group_by, waits, goes_on: route.goes_on, muted, active });
    Ok(())
}

/// Returns the matchers of a route or of one side of an inhibit rule.
fn query(
    equal: &BTreeMap<String, String>,
    regex: &BTreeMap<String, String>,
    matchers: &Matchers,
) -> anyhow::Result<Vec<String>> {
    let quoted = |value: &str| serde_json::to_string(value);
    let mut all = Vec::new();
    for (name, value) in equal {
        all.push(format!("{}={}", label(name)?, quoted(value)?));
    }
    for (name, value) in regex {
        all.push(format!("{}=~{}", label(name)?, quoted(value)?));
    }
    for text in matchers.texts() {
        all.push(super::write::matcher(text)?);
    }
    Ok(all)
}

fn label(name: &str) -> anyhow::Result<String> {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Ok(if plain { name.to_owned() } else { serde_json::to_string(name)? })
}

/// Returns one query of several matchers; everything, where there are none.
fn one(matchers: &[String]) -> String {
    format!("{{{}}}", matchers.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", "))
}
