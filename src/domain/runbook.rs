//! Runbooks: what to do about an alert, which text of it is current, who made it, and who has read which.
//!
//! A text is known by its hash: one that comes back is one that was read.

use super::id::{IncidentId, OpId, UserName, hex, unhex};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Longest text of a runbook in bytes.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Longest remark in bytes.
pub const REMARK_BYTES_MAX: usize = 1000;
/// Longest words of a checklist's item that an operation carries, in bytes.
pub const TASK_BYTES_MAX: usize = 200;
/// Revisions that are told of a runbook, the newest.
pub const MADE_MAX: usize = 30;
/// Receipts that are kept of one person for one runbook, the newest.
pub const RECEIPTS_MAX: usize = 8;
/// People whose receipts for one runbook are kept.
pub const READERS_MAX: usize = 500;
/// Items of one incident's checklist that can be ticked.
pub const TICKS_MAX: usize = 300;
/// Remarks that stand beside a runbook until its owner takes them up.
pub const REMARKS_MAX: usize = 100;
/// How long ticks stay after the latest one, beside what is kept of every item.
pub const TICKS_KEPT: Duration = Duration::from_secs(60 * 86_400);

/// Which runbook: its path within the directory of runbooks, such as `payments/5xx.md`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunbookName(String);

impl RunbookName {
    /// Longest name in bytes.
    pub const BYTES_MAX: usize = 200;

    /// Returns the name, or why it is none: a relative path of visible characters that leads nowhere else, at most 200 bytes long.
    ///
    /// # Errors
    /// [`RunbookNameError`].
    pub fn parse(raw: &str) -> Result<Self, RunbookNameError> {
        let whole = raw.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let plain = raw.chars().all(|c| !c.is_control() && !c.is_whitespace() || c == ' ');
        if raw.len() > Self::BYTES_MAX || !whole || !plain || raw.contains('\\') {
            return Err(RunbookNameError(raw.chars().take(Self::BYTES_MAX).collect()));
        }
        Ok(Self(raw.to_owned()))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RunbookName {
    type Error = RunbookNameError;
    fn try_from(raw: String) -> Result<Self, RunbookNameError> {
        Self::parse(&raw)
    }
}

impl From<RunbookName> for String {
    fn from(name: RunbookName) -> String {
        name.0
    }
}

impl fmt::Display for RunbookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path that cannot be the name of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a runbook's name: a path within the directory, of visible characters, at most 200 bytes long")]
pub struct RunbookNameError(String);

/// Which text: the first half of its BLAKE3 hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(pub [u8; 16]);

impl Revision {
    /// Returns the revision that a text is.
    pub fn of(text: &str) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        Self(first)
    }

    /// Returns as much of it as people compare: 7 hex digits.
    pub fn short(&self) -> String {
        hex(&self.0)[..7].to_owned()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl TryFrom<String> for Revision {
    type Error = RevisionError;
    fn try_from(raw: String) -> Result<Self, RevisionError> {
        unhex(&raw).map(Self).ok_or(RevisionError)
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> String {
        revision.to_string()
    }
}

/// A text that is no revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a revision is 32 hex digits")]
pub struct RevisionError;

/// Who made a revision, when and why, as its history tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Which.
    pub revision: Revision,
    /// When it was committed; without a history, when the hub first saw it.
    pub at: Timestamp,
    /// Who; empty where nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Why: the first line of its message; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The commit; empty without a history, and for what is not committed yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
}

/// A runbook as it is now, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    /// Which.
    pub name: RunbookName,
    /// What it is called.
    pub title: String,
    /// Who answers for it: a person or a team; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Queries, any of which an alert may fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<String>,
    /// Addresses by which rules name it in `runbook_url`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Its revisions, the current one first, at most [`MADE_MAX`]; empty while no good text was ever there.
    pub made: Vec<Made>,
    /// Bytes of the current text.
    pub bytes: u64,
    /// What is wrong with what stands in its file now, where that is not what is told here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What a person has read of a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The current text.
    Current {
        /// When they said so.
        at: Timestamp,
    },
    /// An earlier text.
    Changed {
        /// The newest that they have read.
        read: Revision,
        /// When they said so.
        at: Timestamp,
    },
    /// Nothing of it.
    Unread,
}

impl Runbook {
    /// Returns a runbook of which no good text was ever there.
    pub fn unread(name: RunbookName) -> Self {
        let (title, owner, matches, urls, made) = (name.to_string(), String::new(), Vec::new(), Vec::new(), Vec::new());
        Self { name, title, owner, matches, urls, made, bytes: 0, fault: None }
    }

    /// Returns the revision that counts now.
    pub fn current(&self) -> Option<&Made> {
        self.made.first()
    }

    /// Returns what a person has read of it, by the receipts for it. Of several texts the newest by its history counts, whenever it was
    /// confirmed; one that left the history counts by when it was confirmed.
    pub fn reading(&self, user: &UserName, readers: Option<&Readers>) -> Reading {
        let Some(receipts) = readers.and_then(|readers| readers.by.get(user)) else { return Reading::Unread };
        let known = self.made.iter().find_map(|made| receipts.get(&made.revision).map(|at| (made.revision, *at)));
        let latest = || receipts.iter().max_by_key(|(_, at)| **at).map(|(revision, at)| (*revision, *at));
        match known.or_else(latest) {
            Some((revision, at)) if self.current().is_some_and(|made| made.revision == revision) => {
                Reading::Current { at }
            }
            Some((read, at)) => Reading::Changed { read, at },
            None => Reading::Unread,
        }
    }
}

/// The text of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Of which runbook.
    pub runbook: RunbookName,
    /// Which.
    pub revision: Revision,
    /// All of it, as it is in its file.
    pub text: String,
}

/// Who has read which texts of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readers {
    /// Which runbook.
    pub runbook: RunbookName,
    /// Of each person, the revisions that they confirmed, and when the hub was told.
    pub by: BTreeMap<UserName, BTreeMap<Revision, Timestamp>>,
}

impl Readers {
    /// Takes a receipt in; the first one for a text counts. Returns whether there was room for the person.
    pub fn note(&mut self, user: &UserName, revision: Revision, at: Timestamp) -> bool {
        if !self.by.contains_key(user) && self.by.len() >= READERS_MAX {
            return false;
        }
        let receipts = self.by.entry(user.clone()).or_default();
        receipts.entry(revision).or_insert(at);
        while receipts.len() > RECEIPTS_MAX {
            let oldest = receipts.iter().filter(|(one, _)| **one != revision).min_by_key(|(_, at)| **at);
            let Some(oldest) = oldest.map(|(revision, _)| *revision) else { break };
            receipts.remove(&oldest);
        }
        true
    }

    /// Returns whether anybody has confirmed that text.
    pub fn know(&self, revision: Revision) -> bool {
        self.by.values().any(|receipts| receipts.contains_key(&revision))
    }
}

/// An item of a checklist that was ticked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticked {
    /// Its words.
    pub text: String,
    /// Who.
    pub by: UserName,
    /// When, by the hub's clock.
    pub at: Timestamp,
}

/// What is ticked of a runbook's checklists within one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticks {
    /// Within which incident.
    pub incident: IncidentId,
    /// Of which runbook.
    pub runbook: RunbookName,
    /// By the item's id: the hash of its words, so that it stays ticked where the text moves.
    pub ticked: BTreeMap<String, Ticked>,
    /// When one was last ticked or unticked.
    pub at: Timestamp,
}

/// Words to the author of a runbook, on a line of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The operation that it came by.
    pub op: OpId,
    /// On which text.
    pub revision: Revision,
    /// On which line of it, from 1.
    pub line: u32,
    /// The words.
    pub text: String,
    /// Who.
    pub by: UserName,
    /// When, by the hub's clock.
    pub at: Timestamp,
}

/// All remarks on a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// On which.
    pub runbook: RunbookName,
    /// Oldest first, at most [`REMARKS_MAX`].
    pub remarks: Vec<Remark>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn made(texts: &[&str]) -> Vec<Made> {
        let one = |(index, text): (usize, &&str)| Made {
            revision: Revision::of(text),
            at: at(100 - index as i64),
            author: "lena".into(),
            message: String::new(),
            commit: String::new(),
        };
        texts.iter().enumerate().map(one).collect()
    }

    fn runbook(texts: &[&str]) -> Runbook {
        Runbook {
            name: RunbookName::parse("a/b.md").unwrap(),
            title: "b".into(),
            owner: String::new(),
            matches: Vec::new(),
            urls: Vec::new(),
            made: made(texts),
            bytes: 1,
            fault: None,
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        for good in ["a.md", "a/b c.md", "\u{fc}ber/x"] {
            assert_eq!(RunbookName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "/a", "a/", "../a", "a/../b", "a//b", "./a", "a\nb", "a\u{1b}[0m", "a\\b", &"x".repeat(201)] {
            assert!(RunbookName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_newest_text_that_was_read_counts_and_not_the_latest_receipt() {
        let runbook = runbook(&["three", "two", "one"]);
        let mut readers = Readers { runbook: runbook.name.clone(), by: BTreeMap::new() };
        let mira = user("mira");
        assert_eq!(runbook.reading(&mira, None), Reading::Unread);
        assert!(readers.note(&mira, Revision::of("two"), at(5)));
        // What was confirmed offline, of an older text, arrives later.
        assert!(readers.note(&mira, Revision::of("one"), at(9)));
        let two = Reading::Changed { read: Revision::of("two"), at: at(5) };
        assert_eq!(runbook.reading(&mira, Some(&readers)), two);
        assert!(
            readers.note(&mira, Revision::of("three"), at(10)) && readers.note(&mira, Revision::of("three"), at(20))
        );
        assert_eq!(runbook.reading(&mira, Some(&readers)), Reading::Current { at: at(10) }, "the first receipt counts");
        assert_eq!(runbook.reading(&user("jonas"), Some(&readers)), Reading::Unread);
    }

    #[test]
    fn receipts_are_bounded_and_the_newest_stay() {
        let mut readers = Readers { runbook: RunbookName::parse("a").unwrap(), by: BTreeMap::new() };
        for index in 0..100 {
            assert!(readers.note(&user("mira"), Revision::of(&index.to_string()), at(index)));
        }
        let kept = &readers.by[&user("mira")];
        assert_eq!((kept.len(), kept.contains_key(&Revision::of("99"))), (RECEIPTS_MAX, true));
        for index in 1..READERS_MAX {
            assert!(readers.note(&user(&format!("u{index}")), Revision::of("x"), at(0)));
        }
        assert!(!readers.note(&user("one-too-many"), Revision::of("x"), at(0)));
        assert!(readers.note(&user("mira"), Revision::of("x"), at(101)), "who is known has room");
    }
}
