//! What is shared and is no incident: silences, claims, changes, how sources are, the team's views, services, counts of
//! days, runbooks and who has read them.
//!
//! Plain data. The hub alone writes them; they travel by the feed, each as its newest state. What each kind means stands elsewhere.

use super::day::DAYS_KEPT;
use super::id::{IncidentId, SourceName, UserName};
use super::label::Labels;
use super::runbook::{Readers, Remarks, Revision, Runbook, RunbookName, TEXT_BYTES_MAX, TICKS_KEPT, Text, Ticks};
use super::silence::Upstream;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most items of one kind.
pub const ITEMS_MAX: usize = 10_000;
/// Longest item as JSON.
pub const ITEM_BYTES_MAX: usize = 16 * 1024;
/// Longest list that many people write in, as JSON.
const LIST_BYTES_MAX: usize = 512 * 1024;
/// Longest text as JSON: escaped, a byte may become six.
const TEXT_ITEM_BYTES_MAX: usize = 6 * TEXT_BYTES_MAX + 1024;
/// How long an item stays after its end.
pub const ITEMS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// What an item is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A [`Silence`].
    Silence,
    /// A [`Claim`].
    Claim,
    /// A [`Change`].
    Change,
    /// A [`SourceState`].
    Source,
    /// A [`View`].
    View,
    /// A [`Service`].
    Service,
    /// A [`Day`].
    Day,
    /// A [`Runbook`].
    Runbook,
    /// A [`Text`] of a runbook.
    Text,
    /// A [`Readers`].
    Readers,
    /// A [`Ticks`].
    Ticks,
    /// A [`Remarks`].
    Remarks,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Silence,
        Self::Claim,
        Self::Change,
        Self::Source,
        Self::View,
        Self::Service,
        Self::Day,
        Self::Runbook,
        Self::Text,
        Self::Readers,
        Self::Ticks,
        Self::Remarks,
    ];

    /// Returns how long one of this kind may be as JSON.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Text => TEXT_ITEM_BYTES_MAX,
            Self::Readers | Self::Ticks | Self::Remarks => LIST_BYTES_MAX,
            _ => ITEM_BYTES_MAX,
        }
    }

    /// Returns its word, as it stands in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Claim => "claim",
            Self::Change => "change",
            Self::Source => "source",
            Self::View => "view",
            Self::Service => "service",
            Self::Day => "day",
            Self::Runbook => "runbook",
            Self::Text => "text",
            Self::Readers => "readers",
            Self::Ticks => "ticks",
            Self::Remarks => "remarks",
        }
    }
}

/// One shared thing; as JSON `{"kind":"silence","item":{..}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "item", rename_all = "snake_case")]
pub enum Item {
    /// Some series call nobody for a while.
    Silence(Silence),
    /// A person says whom to ask.
    Claim(Claim),
    /// Something was changed.
    Change(Change),
    /// How a source is.
    Source(SourceState),
    /// A view of the team's.
    View(View),
    /// A service of the catalogue.
    Service(Service),
    /// Counts of a day.
    Day(Day),
    /// A runbook, without its text.
    Runbook(Runbook),
    /// The text of a revision: the current one, and each that somebody has read.
    Text(Text),
    /// Who has read which texts of a runbook.
    Readers(Readers),
    /// What is ticked of a runbook within an incident.
    Ticks(Ticks),
    /// Words to the author of a runbook.
    Remarks(Remarks),
}

/// Series that a query in braces fits call nobody between two times. What it covers is still shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// A UUID as text; an edit makes another silence.
    pub id: String,
    /// Matchers in braces, canonical: `{service="pay", cluster=~"eu-.*"}`.
    pub matchers: String,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when; never later again.
    pub ends_at: Timestamp,
    /// Who wants it, as they gave it.
    pub created_by: String,
    /// Why.
    pub reason: String,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Who ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Whose it is, where an Alertmanager in front says it; `None`: the hub's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

/// A person says that what fits a query is known to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// A UUID as text.
    pub id: String,
    /// Whom to ask.
    pub by: UserName,
    /// What it is about: the text of a query.
    pub query: String,
    /// When it was made.
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Whether that person is called before all others.
    pub page_me: bool,
}

/// What kind of change it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A new version.
    Deploy,
    /// A feature flag.
    Flag,
    /// An exercise.
    Drill,
    /// An experiment.
    Experiment,
    /// Anything else.
    Other,
}

impl ChangeKind {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Flag => "flag",
            Self::Drill => "drill",
            Self::Experiment => "experiment",
            Self::Other => "other",
        }
    }
}

/// Something that somebody or something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// A UUID as text, or what its sender called it.
    pub id: String,
    /// When it was.
    pub at: Timestamp,
    /// What kind.
    pub kind: ChangeKind,
    /// One line, as it came.
    pub title: String,
    /// What it is about, by the labels that alerts have.
    #[serde(default)]
    pub labels: Labels,
    /// Where more stands; may be empty, is not checked.
    #[serde(default)]
    pub url: String,
    /// Who did it, as it came; may be empty.
    #[serde(default)]
    pub by: String,
}

/// Whether a source is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceHealth {
    /// Nothing was heard of it yet.
    Never,
    /// It speaks, as it should.
    Heard,
    /// Its heartbeat is late: what it had firing is unknown.
    Silent,
}

/// What is expected of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Which alerts count, as the text of a query; `None` is a ping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How often it should come, in milliseconds.
    pub every_ms: u64,
    /// When it came last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// How a source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Which.
    pub name: SourceName,
    /// When it spoke last, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// What is expected of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// Since when it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
    /// Whether it is heard.
    pub state: SourceHealth,
    /// What is counted of it, to some minutes; what a job said by pings.
    #[serde(default)]
    pub counts: SourceCounts,
}

/// What is counted of a source, and how its job does where it pings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Requests so far.
    #[serde(default)]
    pub requests: u64,
    /// Expected signs of life so far.
    #[serde(default)]
    pub beats: u64,
    /// Times that it fell silent.
    #[serde(default)]
    pub silences: u64,
    /// Since when its job fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Since when its job runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_since: Option<Timestamp>,
    /// What its latest ping said, as it came; cut where it is long.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// A view that a team shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What it is called.
    pub name: String,
    /// The digit, 1 to 9, that shows it; `None`: by name only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The text of its query.
    pub query: String,
    /// Whose it is; empty is everybody's.
    #[serde(default)]
    pub team: String,
}

/// A service of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name, as the label `service` has it.
    pub name: String,
    /// Who owns it; may be empty.
    #[serde(default)]
    pub team: String,
    /// 1 (worst) to 4; `None`: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<u8>,
    /// Addresses by name.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
}

/// What came of one day from one source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Day {
    /// `2026-11-23`, UTC.
    pub date: String,
    /// The name of the source; empty is the hub itself.
    #[serde(default)]
    pub source: String,
    /// Messages.
    #[serde(default)]
    pub events: u64,
    /// Series heard.
    #[serde(default)]
    pub series: u64,
    /// Those of them that burned long enough.
    #[serde(default)]
    pub real: u64,
    /// Incidents opened.
    #[serde(default)]
    pub incidents: u64,
    /// Pages queued.
    #[serde(default)]
    pub pages: u64,
}

impl Item {
    /// Returns what it is of.
    pub fn kind(&self) -> ItemKind {
        match self {
            Self::Silence(_) => ItemKind::Silence,
            Self::Claim(_) => ItemKind::Claim,
            Self::Change(_) => ItemKind::Change,
            Self::Source(_) => ItemKind::Source,
            Self::View(_) => ItemKind::View,
            Self::Service(_) => ItemKind::Service,
            Self::Day(_) => ItemKind::Day,
            Self::Runbook(_) => ItemKind::Runbook,
            Self::Text(_) => ItemKind::Text,
            Self::Readers(_) => ItemKind::Readers,
            Self::Ticks(_) => ItemKind::Ticks,
            Self::Remarks(_) => ItemKind::Remarks,
        }
    }

    /// Returns what tells it from others of its kind.
    pub fn id(&self) -> String {
        match self {
            Self::Silence(silence) => silence.id.clone(),
            Self::Claim(claim) => claim.id.clone(),
            Self::Change(change) => change.id.clone(),
            Self::Source(source) => source.name.to_string(),
            Self::View(view) => view.name.clone(),
            Self::Service(service) => service.name.clone(),
            Self::Day(day) => format!("{}/{}", day.date, day.source),
            Self::Runbook(runbook) => runbook.name.to_string(),
            Self::Text(text) => text_id(&text.runbook, text.revision),
            Self::Readers(readers) => readers.runbook.to_string(),
            Self::Ticks(ticks) => ticks_id(ticks.incident, &ticks.runbook),
            Self::Remarks(remarks) => remarks.runbook.to_string(),
        }
    }

    /// Returns when it is over; it is forgotten [`ITEMS_KEPT`] later. `None`: it stays until it is taken away.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match self {
            Self::Silence(silence) => Some(silence.ends_at),
            Self::Claim(claim) => Some(claim.until),
            Self::Change(change) => Some(change.at),
            // With the days that it is kept after its end: the 400 of the funnel.
            Self::Day(day) => day_begins(&day.date).map(|begins| begins.plus(DAYS_KEPT - ITEMS_KEPT)),
            Self::Ticks(ticks) => Some(ticks.at.plus(TICKS_KEPT)),
            Self::Source(_) | Self::View(_) | Self::Service(_) => None,
            Self::Runbook(_) | Self::Text(_) | Self::Readers(_) | Self::Remarks(_) => None,
        }
    }
}

/// Returns the id of the item that holds a text.
pub fn text_id(runbook: &RunbookName, revision: Revision) -> String {
    format!("{revision}/{runbook}")
}

/// Returns the id of the item that holds an incident's ticks.
pub fn ticks_id(incident: IncidentId, runbook: &RunbookName) -> String {
    format!("{incident}/{runbook}")
}

/// Returns the beginning of a day such as `2026-11-23`, UTC; a text that is none never ends, so nothing is lost.
fn day_begins(date: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{date}T00:00:00Z")).ok()
}

/// All shared things of a hub, as a console or the hub knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Items {
    /// By id; those that are over too.
    pub silences: BTreeMap<String, Silence>,
    /// By id; those that are over too.
    pub claims: BTreeMap<String, Claim>,
    /// By id.
    pub changes: BTreeMap<String, Change>,
    /// By name.
    pub sources: BTreeMap<String, SourceState>,
    /// By name.
    pub views: BTreeMap<String, View>,
    /// By name.
    pub services: BTreeMap<String, Service>,
    /// By `date/source`.
    pub days: BTreeMap<String, Day>,
    /// By name; their texts are not kept in memory.
    pub runbooks: BTreeMap<String, Runbook>,
    /// By runbook.
    pub readers: BTreeMap<String, Readers>,
    /// By [`ticks_id`].
    pub ticks: BTreeMap<String, Ticks>,
    /// By runbook.
    pub remarks: BTreeMap<String, Remarks>,
}

impl Items {
    /// Takes an item in, in the place of the one of that id.
    pub fn put(&mut self, item: Item) {
        let id = item.id();
        match item {
            Item::Silence(item) => drop(self.silences.insert(id, item)),
            Item::Claim(item) => drop(self.claims.insert(id, item)),
            Item::Change(item) => drop(self.changes.insert(id, item)),
            Item::Source(item) => drop(self.sources.insert(id, item)),
            Item::View(item) => drop(self.views.insert(id, item)),
            Item::Service(item) => drop(self.services.insert(id, item)),
            Item::Day(item) => drop(self.days.insert(id, item)),
            Item::Runbook(item) => drop(self.runbooks.insert(id, item)),
            Item::Text(_) => {}
            Item::Readers(item) => drop(self.readers.insert(id, item)),
            Item::Ticks(item) => drop(self.ticks.insert(id, item)),
            Item::Remarks(item) => drop(self.remarks.insert(id, item)),
        }
    }

    /// Forgets an item.
    pub fn remove(&mut self, kind: ItemKind, id: &str) {
        match kind {
            ItemKind::Silence => drop(self.silences.remove(id)),
            ItemKind::Claim => drop(self.claims.remove(id)),
            ItemKind::Change => drop(self.changes.remove(id)),
            ItemKind::Source => drop(self.sources.remove(id)),
            ItemKind::View => drop(self.views.remove(id)),
            ItemKind::Service => drop(self.services.remove(id)),
            ItemKind::Day => drop(self.days.remove(id)),
            ItemKind::Runbook => drop(self.runbooks.remove(id)),
            ItemKind::Text => {}
            ItemKind::Readers => drop(self.readers.remove(id)),
            ItemKind::Ticks => drop(self.ticks.remove(id)),
            ItemKind::Remarks => drop(self.remarks.remove(id)),
        }
    }
}

impl FromIterator<Item> for Items {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        let mut all = Self::default();
        items.into_iter().for_each(|item| all.put(item));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_says_its_kind_and_comes_back_from_json() {
        let view = View { name: "payments".into(), key: None, query: "team=payments".into(), team: String::new() };
        let item = Item::View(view);
        let json = serde_json::to_string(&item).unwrap();
        assert_eq!(json, r#"{"kind":"view","item":{"name":"payments","query":"team=payments","team":""}}"#);
        assert_eq!(serde_json::from_str::<Item>(&json).unwrap(), item);
        for kind in ItemKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.word()));
        }
    }

    #[test]
    fn a_day_is_over_when_it_says_and_an_odd_one_never() {
        let day = |date: &str| Item::Day(Day { date: date.into(), ..Day::default() }).ends_at();
        assert_eq!(day("1970-01-02"), Some(Timestamp::from_millis(371 * 86_400_000)));
        assert_eq!(day("yesterday"), None);
    }

    #[test]
    fn items_stand_by_kind_and_id() {
        let service = |team: &str| {
            Item::Service(Service { name: "a".into(), team: team.into(), criticality: None, links: BTreeMap::new() })
        };
        let mut items: Items = [service("x"), service("y")].into_iter().collect();
        assert_eq!(items.services["a"].team, "y");
        items.remove(ItemKind::View, "a");
        assert_eq!(items.services.len(), 1);
        items.remove(ItemKind::Service, "a");
        assert_eq!(items, Items::default());
    }
}
