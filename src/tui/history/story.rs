//! What machines and people did, in one list.

use super::value;
use crate::domain::incident::{Author, Line, Told};
use crate::domain::paging::Page;
use crate::domain::series::{EndedBy, Series};
use crate::domain::time::Timestamp;
use crate::sync::picture::Detail;
use std::cmp::Reverse;
use std::time::Duration;

/// Most entries, the newest.
const ENTRIES_MAX: usize = 1000;
/// Within this of each other, what sources say of several series is one entry.
const TOGETHER: Duration = Duration::from_secs(60);

/// Whose doing it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Hub,
    Source(String),
    Person(String),
}

impl Who {
    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Hub => "hub",
            Self::Source(name) | Self::Person(name) => name,
        }
    }
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sure {
    /// The hub's word.
    Confirmed,
    /// Asked for here; the hub has not answered.
    Waits,
    /// Another said so by way of a peer; the hub was not asked.
    Heard,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When; of several that are one entry, the latest.
    pub(crate) at: Timestamp,
    pub(crate) who: Who,
    pub(crate) what: String,
    pub(crate) text: String,
    /// How many alike it stands for, at least 1.
    pub(crate) count: usize,
    pub(crate) sure: Sure,
}

impl Entry {
    /// Returns one confirmed entry.
    pub(crate) fn new(at: Timestamp, who: Who, what: &str, text: &str) -> Self {
        Self { at, who, what: what.to_owned(), text: text.to_owned(), count: 1, sure: Sure::Confirmed }
    }

    /// Returns whether `older` says the same again, so that one entry tells both.
    fn is_like(&self, older: &Self) -> bool {
        let same = (&self.who, &self.what, self.sure) == (&older.who, &older.what, older.sure);
        let of_source = matches!(self.who, Who::Source(_)) && self.at.since(older.at) <= TOGETHER;
        same && self.sure == Sure::Confirmed && (of_source || self.text == older.text)
    }
}

/// Returns what a detail tells, newest first.
pub(super) fn of(detail: &Detail) -> Vec<Entry> {
    let mut entries: Vec<Entry> = detail.lines.iter().rev().map(line).collect();
    entries.extend(detail.pages.iter().flat_map(page));
    let several = detail.series.len() > 1;
    entries.extend(detail.series.iter().flat_map(|series| episodes(series, several)));
    entries.sort_by_key(|entry| Reverse(entry.at));
    let mut folded: Vec<Entry> = Vec::new();
    for entry in entries {
        let full = folded.len() == ENTRIES_MAX;
        match folded.last_mut() {
            Some(newer) if newer.is_like(&entry) => newer.count += 1,
            _ if full => break,
            _ => folded.push(entry),
        }
    }
    folded
}

fn line(line: &Line) -> Entry {
    let who = match &line.author {
        Author::Hub => Who::Hub,
        Author::Source(source) => Who::Source(source.to_string()),
        Author::User(user) => Who::Person(user.to_string()),
    };
    Entry::new(line.at, who, told_word(line.told), line.text.trim())
}

/// Returns what a page's person did with it. That it was sent stands in the hub's lines.
fn page(page: &Page) -> Option<Entry> {
    let by = format!("the call by {}", page.channel);
    page.seen_at.map(|at| Entry::new(at, Who::Person(page.person.to_string()), "saw", &by))
}

/// Returns what a source said of one series, by the times that it gave.
fn episodes(series: &Series, several: bool) -> Vec<Entry> {
    let who = || Who::Source(series.source.to_string());
    let which = if several { which(series) } else { String::new() };
    let mut entries = Vec::new();
    for episode in &series.episodes {
        entries.push(Entry::new(episode.started_at, who(), "fires", &which));
        match (episode.ended_at, episode.ended_by) {
            (Some(at), Some(EndedBy::Source)) => entries.push(Entry::new(at, who(), "over", &which)),
            (Some(at), Some(EndedBy::Expiry)) => entries.push(Entry::new(at, who(), "says it no more", &which)),
            // A person's end stands among the lines.
            _ => {}
        }
    }
    entries
}

/// Returns a few labels that name a series among others.
fn which(series: &Series) -> String {
    let names = ["instance", "pod", "host", "node", "device"];
    let found = names.iter().map(|name| value(series, name)).find(|value| !value.is_empty());
    found.map_or_else(|| series.name().to_owned(), |found| format!("{} {found}", series.name()))
}

fn told_word(told: Told) -> &'static str {
    match told {
        Told::Opened => "opened",
        Told::FiredAgain => "fired again",
        Told::Raised => "raised",
        Told::Recovering => "recovering",
        Told::Unknown => "unknown",
        Told::Resolved => "resolved",
        Told::Overdue => "OVERDUE",
        Told::Called => "called",
        Told::Undelivered => "NOT DELIVERED",
        Told::Snoozed => "quiet",
        Told::Woke => "woke",
        Told::Escalated => "escalated",
        Told::Handover => "handover",
        Told::Assigned => "asked",
        Told::Severity => "severity",
        Told::Reopened => "reopened",
        Told::Regrouped => "regrouped",
        Told::Undone => "undid",
        Told::Held => "held",
        Told::Acked => "acked",
        Told::Joined => "joined",
        Told::Released => "gave back",
        Told::Note => "noted",
        Told::Changed => "changed",
        Told::Claimed => "claimed",
        Told::Ticked => "checklist",
    }
}
