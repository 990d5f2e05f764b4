//! What a person sees: confirmed state, with the own operations that still wait laid over it.

use crate::domain::id::{IncidentId, Number, OpId, UserName};
use crate::domain::incident::{Incident, Line};
use crate::domain::judge::Verdict;
use crate::domain::op::Act;
use crate::domain::paging::Page;
use crate::domain::series::Series;
use crate::domain::time::Timestamp;
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
    /// As the hub confirmed it.
    pub incident: Incident,
    /// Own operations on it that wait, oldest first.
    pub waiting: Vec<Waiting>,
    /// What others say by way of peers, not confirmed, oldest first.
    pub said: Vec<Said>,
}

/// One incident whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// Which.
    pub incident: IncidentId,
    /// Its series, firing first, at most [`Detail::SERIES_MAX`].
    pub series: Vec<Series>,
    /// Its timeline, oldest first, the newest [`Detail::LINES_MAX`].
    pub lines: Vec<Line>,
    /// Whom the hub called about it, oldest first, at most [`Detail::PAGES_MAX`].
    pub pages: Vec<Page>,
}

impl Detail {
    /// Most series that a picture carries; the incident's tally has the true count.
    pub const SERIES_MAX: usize = 500;
    /// Most pages that a picture carries.
    pub const PAGES_MAX: usize = 200;
    /// Most lines of a timeline that a picture carries.
    pub const LINES_MAX: usize = 500;
}

/// A verdict to tell the person, newest last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counts notices; a larger number is newer.
    pub no: u64,
    /// One line, such as "ack 12: yours, confirmed by the hub".
    pub text: String,
    /// Whether the person got what was asked for.
    pub welcome: bool,
}

/// An unwelcome verdict, or a loss of what was the person's: stays until dismissed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Which operation was answered so.
    pub op_id: OpId,
    /// About which incident.
    pub incident: IncidentId,
    /// Its number, where the mirror knows it.
    pub number: Option<Number>,
    /// What was asked for.
    pub act: Act,
    /// When the key was pressed.
    pub created_at: Timestamp,
    /// What the hub said.
    pub verdict: Verdict,
}

/// Why a console without a hub rings by itself. It changes no shared state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalAlarm {
    /// Which incident.
    pub incident: IncidentId,
    /// Its number.
    pub number: Number,
    /// When somebody was to be called.
    pub due_at: Timestamp,
    /// Since when the hub is silent.
    pub silent_since: Timestamp,
    /// The level that would be called, from 1.
    pub level: u32,
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
    /// When the hub last confirmed that this is all; `None` before the first time.
    pub as_of: Option<Timestamp>,
    /// Own clock minus the hub's, in milliseconds, where it matters (5 s and more).
    pub skew_ms: Option<i64>,
    /// Open incidents and those resolved within the last day, in no particular order, at most [`Picture::ROWS_MAX`].
    pub rows: Arc<Vec<Row>>,
    /// Incidents beyond the rows.
    pub rows_hidden: usize,
    /// The incident that the person looks at, once it is read.
    pub detail: Option<Arc<Detail>>,
    /// Pages that call the person who looks and are not answered, oldest first, at most [`Picture::CALLS_MAX`].
    pub calls: Vec<Page>,
    /// Unwelcome verdicts that the person has not dismissed, oldest first, at most [`Picture::INBOX_MAX`].
    pub inbox: Vec<Letter>,
    /// The hub is silent, and this incident's time to call the person who looks has passed: the console rings by itself.
    pub alarm: Option<LocalAlarm>,
    /// Own operations that the hub has not confirmed.
    pub unsent: usize,
    /// The latest verdicts, at most 20, oldest first.
    pub notices: Vec<Notice>,
}

impl Picture {
    /// Most calls that a picture carries.
    pub const CALLS_MAX: usize = 1000;
    /// Most letters that a picture carries.
    pub const INBOX_MAX: usize = 500;
    /// Most rows that a picture carries: worst and newest first.
    pub const ROWS_MAX: usize = 5000;
}
