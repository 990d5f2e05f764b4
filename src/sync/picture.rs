//! What a person sees: confirmed state, with the own operations that still wait laid over it.

use super::foresight::{Known, Undoable};
use super::indexed::INDEXED_MAX;
use crate::domain::id::{IncidentId, Number, OpId, UserName};
use crate::domain::incident::{Incident, Line};
use crate::domain::item::Items;
use crate::domain::judge::Verdict;
use crate::domain::op::Act;
use crate::domain::paging::Page;
use crate::domain::runbook::{Reading, Remark, Runbook, Ticks};
use crate::domain::series::Series;
use crate::domain::similar::Similar;
use crate::domain::time::Timestamp;
use crate::query::coverage::Due;
use crate::query::index::Index;
use std::sync::Arc;

/// How the picture stands to the hub's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// No answer yet since the start.
    Connecting,
    /// The hub answered within the last 20 s; nothing newer exists than what is shown.
    Live,
    /// The hub has not answered for 20 s, though nothing refused the connection.
    Stale {
        /// The last answer.
        since: Timestamp,
    },
    /// No connection.
    Offline {
        /// Since when.
        since: Timestamp,
        /// What the attempt said; sanitise before showing.
        reason: String,
        /// The hub is there and lets this console in no more.
        refused: bool,
    },
}

/// An own operation without the hub's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which operation.
    pub op_id: OpId,
    /// What was asked for.
    pub act: Act,
    /// When the key was pressed.
    pub created_at: Timestamp,
}

/// What another person says, heard by way of a peer and not confirmed by the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who.
    pub actor: UserName,
    /// What.
    pub act: Act,
    /// When, by that person's clock.
    pub created_at: Timestamp,
}

/// One incident of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As the hub confirmed it; the same one in each picture until the hub tells otherwise.
    pub incident: Arc<Incident>,
    /// Own operations on it that wait, oldest first.
    pub waiting: Vec<Waiting>,
    /// What others say by way of peers, not confirmed, oldest first.
    pub said: Vec<Said>,
    /// When the hub signed `incident`, by its clock, where a peer told it and this console has not asked the hub since.
    pub via_peer: Option<Timestamp>,
}

#[cfg(test)]
impl Row {
    /// Lets the hub's word be another one.
    pub fn incident_mut(&mut self) -> &mut Incident {
        Arc::make_mut(&mut self.incident)
    }
}

/// One incident whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// Which.
    pub incident: IncidentId,
    /// What came before and looks like it; `None` while it is looked for, which takes longer than all else.
    pub similar: Option<Arc<Similar>>,
    /// Its series, firing first, at most [`Detail::SERIES_MAX`].
    pub series: Vec<Series>,
    /// Its timeline, oldest first, the newest [`Detail::LINES_MAX`].
    pub lines: Vec<Line>,
    /// Whom the hub called about it, oldest first, at most [`Detail::PAGES_MAX`].
    pub pages: Vec<Page>,
    /// Its runbooks, the most specific first, at most [`Detail::RUNBOOKS_MAX`].
    pub runbooks: Vec<Beside>,
}

/// A runbook of an incident, with the texts that its reader needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// Which, and what the hub tells of it.
    pub runbook: Runbook,
    /// Why it is one; sanitise before showing. Empty where it was opened by its name.
    pub why: String,
    /// The heading that the rule's address points at, as addresses write it; empty: none.
    pub anchor: String,
    /// What the person who looks has read of it, by what the hub confirmed.
    pub reading: Reading,
    /// The current text; `None` while none is mirrored.
    pub text: Option<Arc<str>>,
    /// The text that the person has read, where that is another one and mirrored.
    pub read: Option<Arc<str>>,
    /// What is ticked of it within the incident.
    pub ticks: Option<Ticks>,
    /// Words to its author.
    pub remarks: Vec<Remark>,
}

impl Detail {
    /// Most series that a picture carries; the incident's tally has the true count.
    pub const SERIES_MAX: usize = 500;
    /// Most pages that a picture carries.
    pub const PAGES_MAX: usize = 200;
    /// Most lines of a timeline that a picture carries.
    pub const LINES_MAX: usize = 500;
    /// Most runbooks that a picture carries with their texts.
    pub const RUNBOOKS_MAX: usize = 9;
}

/// Something to tell the person, newest last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counts notices; a larger number is newer.
    pub no: u64,
    /// One line, such as "ack 12: yours, confirmed by the hub".
    pub text: String,
    /// Whether the person got what was asked for.
    pub welcome: bool,
    /// The verdict that it tells, if it tells one.
    pub answer: Option<Answer>,
}

/// The hub's answer to an own operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which operation.
    pub op_id: OpId,
    /// About which incident.
    pub incident: IncidentId,
    /// What was asked for.
    pub act: Act,
    /// What the hub said.
    pub verdict: Verdict,
}

/// Something that stays before the person until they dismiss it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Which letter.
    pub id: LetterId,
    /// About which incident.
    pub incident: IncidentId,
    /// Its number, where the mirror knows it.
    pub number: Option<Number>,
    /// When the key was pressed, or when the loss was learned of.
    pub at: Timestamp,
    /// What it says.
    pub matter: Matter,
}

/// Names a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LetterId {
    /// The answer to this operation.
    Answer(OpId),
    /// This loss of the mirror's.
    Loss(u64),
}

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// The hub did not do what was asked for, or not all of it.
    Answer {
        /// What was asked for.
        act: Act,
        /// What the hub said.
        verdict: Verdict,
    },
    /// It was the person's by what the hub confirmed, and is no longer.
    Lost {
        /// Who has it instead; `None` is nobody.
        owner: Option<UserName>,
        /// What the timeline says of it; may be empty.
        why: String,
    },
}

impl Letter {
    /// Returns what it says in one line.
    pub fn sentence(&self) -> String {
        match &self.matter {
            Matter::Answer { act, verdict } => format!("{}: {}", act.kind(), verdict.sentence()),
            Matter::Lost { owner, why } => {
                let who = owner.as_ref().map_or("nobody has it".to_owned(), |owner| format!("{owner} has it"));
                let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
                format!("no longer yours: {who}{why}")
            }
        }
    }
}

/// Why a console without a hub rings by itself. It changes no shared state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalAlarm {
    /// Which incident.
    pub incident: IncidentId,
    /// Its number.
    pub number: Number,
    /// When somebody was to be called, by the hub's last word.
    pub due_at: Timestamp,
    /// Since when the hub is silent.
    pub silent_since: Timestamp,
    /// The level that would be called, from 1.
    pub level: u32,
}

/// The labels of many series. Two are equal where they are the same one.
#[derive(Debug, Clone, Default)]
pub struct LabelIndex(Arc<Index>);

impl LabelIndex {
    /// Returns whether so many series are known that the labels of some are not in it.
    pub fn is_full(&self) -> bool {
        self.0.len() >= INDEXED_MAX
    }
}

impl From<Arc<Index>> for LabelIndex {
    fn from(index: Arc<Index>) -> Self {
        Self(index)
    }
}

impl std::ops::Deref for LabelIndex {
    type Target = Index;
    fn deref(&self) -> &Index {
        &self.0
    }
}

impl PartialEq for LabelIndex {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What a person sees. Immutable; a newer one replaces it whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Who is looking.
    pub user: UserName,
    /// Where the hub is: an address, for people.
    pub hub: String,
    /// Where Prometheus may send, when the hub runs in this process.
    pub ingest: Option<String>,
    /// Whether anybody on this machine may send without a token.
    pub ingest_open: bool,
    /// A demonstration: nothing here is real.
    pub demo: bool,
    /// How it stands to the hub's.
    pub link: Link,
    /// Why this program writes no more, in words for the banner; what is done is kept beside the mirror.
    pub halted: Option<String>,
    /// When the hub last confirmed that this is all; `None` before the first time.
    pub as_of: Option<Timestamp>,
    /// Own clock minus the hub's, in milliseconds, where it matters (5 s and more).
    pub skew_ms: Option<i64>,
    /// Open incidents, at most [`Picture::ROWS_MAX`], and those that were resolved last, within a day, at most
    /// [`Picture::RESOLVED_MAX`]; in no particular order.
    pub rows: Arc<Vec<Row>>,
    /// Open incidents beyond the rows.
    pub rows_hidden: usize,
    /// Own operations about no incident that wait, oldest first: receipts for runbooks and remarks.
    pub waiting_apart: Arc<Vec<Waiting>>,
    /// The incident that the person looks at, once it is read.
    pub detail: Option<Arc<Detail>>,
    /// The runbook that the person reads beside no incident, once it is read.
    pub book: Option<Arc<Beside>>,
    /// What the person should still read before they are called for it.
    pub due: Arc<Vec<Due>>,
    /// Pages that call the person who looks and are not answered, oldest first, at most [`Picture::CALLS_MAX`].
    pub calls: Arc<Vec<Arc<Page>>>,
    /// Unwelcome verdicts and losses that the person has not dismissed, oldest first, at most [`Picture::INBOX_MAX`].
    pub inbox: Vec<Letter>,
    /// The hub is silent, and these incidents' time to call the person who looks has passed: the console rings by itself. Worst first, at
    /// most [`Picture::ALARMS_MAX`].
    pub alarms: Vec<LocalAlarm>,
    /// Own operations that `undo` would speak of, newest first: the latest that cannot be taken back if it is the very latest, then the
    /// latest that can.
    pub undo: Vec<Undoable>,
    /// Who may be called, and who there is.
    pub known: Arc<Known>,
    /// What is shared and is no incident: silences, claims, changes, sources, views, services, days; as the hub confirmed it.
    pub items: Arc<Items>,
    /// The labels of all series that are known, for filters.
    pub labels: LabelIndex,
    /// Own operations that the hub has not confirmed.
    pub unsent: usize,
    /// The latest things to tell, at most [`Picture::NOTICES_MAX`], oldest first.
    pub notices: Vec<Notice>,
}

impl Picture {
    /// Most calls that a picture carries.
    pub const CALLS_MAX: usize = 1000;
    /// Most alarms that a picture carries.
    pub const ALARMS_MAX: usize = 100;
    /// Most notices that a picture carries: the answers to as many operations as are done at once, and some.
    pub const NOTICES_MAX: usize = 500;
    /// Most letters that a picture carries.
    pub const INBOX_MAX: usize = 500;
    /// Most rows of open incidents that a picture carries: worst and newest first.
    pub const ROWS_MAX: usize = 5000;
    /// Most rows of resolved incidents: a screen shows what burns, `nightdesk list` has the rest of the day.
    pub const RESOLVED_MAX: usize = 500;
}
