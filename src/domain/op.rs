//! What a person did about it: one immutable act.

use super::event::SeriesKey;
use super::id::{IncidentId, NodeId, OpId, UserName};
use super::runbook::{Revision, RunbookName};
use super::severity::Severity;
use super::time::Timestamp;

/// Longest note in bytes; an operation as a whole stays under 16 KiB.
pub const NOTE_BYTES_MAX: usize = 8 * 1024;
/// Longest reason or ticket of a wait in bytes.
pub const REASON_BYTES_MAX: usize = 512;
/// Most series that one split names; an operation as a whole stays under 16 KiB.
pub const SPLIT_SERIES_MAX: usize = 100;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// "I have seen it and I am on it." By its owner: "still on it", the lease begins anew.
    Ack,
    /// Gives an ack back.
    Unack,
    /// Takes it from its present owner.
    TakeOver,
    /// The owner's console has shown its owner that it is theirs. Written by the console, not by a key.
    Seen,
    /// Quiet until then.
    Snooze {
        /// When it wakes at the latest.
        until: Timestamp,
        /// Also wakes when another service or owner is hit, or the number of series doubles. A rise of severity wakes every snooze.
        until_change: bool,
    },
    /// Quiet because somebody else must act first: a disk, a vendor.
    Wait {
        /// For what.
        reason: String,
        /// Where that is followed; may be empty.
        ticket: String,
        /// When to look again.
        until: Timestamp,
    },
    /// Calls more people.
    Escalate {
        /// This person, or the next level.
        to: Option<UserName>,
        /// Levels that were called already when the person looked: two who escalate at once escalate once.
        level_seen: u32,
    },
    /// Offers it to somebody; the offerer stays owner until that person accepts.
    Offer {
        /// To whom.
        to: UserName,
        /// When the offer ends.
        expires_at: Timestamp,
    },
    /// Takes what was offered.
    Accept {
        /// The offer.
        offer: OpId,
    },
    /// Refuses what was offered.
    Decline {
        /// The offer.
        offer: OpId,
    },
    /// Calls a person to take it; nothing else changes until that person acks.
    Assign {
        /// Whom.
        to: UserName,
    },
    /// Says how bad it is.
    SetSeverity {
        /// How bad.
        to: Severity,
    },
    /// Words for everybody.
    Note {
        /// At most [`NOTE_BYTES_MAX`] bytes.
        text: String,
    },
    /// Ends the incident.
    Resolve {
        /// Also while series fire: their present start is dismissed.
        force: bool,
    },
    /// Opens a resolved incident again.
    Reopen,
    /// Moves all its series into another incident, which goes on for both.
    Merge {
        /// The one that goes on.
        into: IncidentId,
    },
    /// Makes an incident of its own of some of the series.
    Split {
        /// Which, at most [`SPLIT_SERIES_MAX`].
        series: Vec<SeriesKey>,
    },
    /// "I've read it": the whole text of a runbook. About no incident: it counts wherever it was read.
    Read {
        /// Which runbook.
        runbook: RunbookName,
        /// Which text.
        revision: Revision,
    },
    /// Ticks an item of a runbook's checklist within the incident, or takes the tick back.
    Tick {
        /// Which runbook.
        runbook: RunbookName,
        /// Which item: the id that its words have.
        task: String,
        /// Its words, cut; at most [`super::runbook::TASK_BYTES_MAX`] bytes.
        text: String,
        /// Whether it is done.
        done: bool,
    },
    /// Words to the author of a runbook. About no incident.
    Remark {
        /// Which runbook.
        runbook: RunbookName,
        /// On which text.
        revision: Revision,
        /// On which line of it, from 1.
        line: u32,
        /// At most [`super::runbook::REMARK_BYTES_MAX`] bytes.
        text: String,
    },
    /// Takes an earlier operation back, where that means anything and nothing newer stands.
    Undo {
        /// Which.
        op: OpId,
        /// What kind it was.
        kind: Kind,
    },
    /// A kind that this version does not know: kept and passed on, never judged.
    Unknown {
        /// Its name.
        kind: String,
        /// Its arguments, CBOR as they came.
        args: Vec<u8>,
    },
}

/// The kinds of operations that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`Act::Ack`].
    Ack,
    /// [`Act::Unack`].
    Unack,
    /// [`Act::TakeOver`].
    TakeOver,
    /// [`Act::Seen`].
    Seen,
    /// [`Act::Snooze`].
    Snooze,
    /// [`Act::Wait`].
    Wait,
    /// [`Act::Escalate`].
    Escalate,
    /// [`Act::Offer`].
    Offer,
    /// [`Act::Accept`].
    Accept,
    /// [`Act::Decline`].
    Decline,
    /// [`Act::Assign`].
    Assign,
    /// [`Act::SetSeverity`].
    SetSeverity,
    /// [`Act::Note`].
    Note,
    /// [`Act::Resolve`].
    Resolve,
    /// [`Act::Reopen`].
    Reopen,
    /// [`Act::Merge`].
    Merge,
    /// [`Act::Split`].
    Split,
    /// [`Act::Read`].
    Read,
    /// [`Act::Tick`].
    Tick,
    /// [`Act::Remark`].
    Remark,
    /// [`Act::Undo`].
    Undo,
}

impl Kind {
    /// All of them, in the order of this enum.
    pub const ALL: [Self; 21] = [
        Self::Ack,
        Self::Unack,
        Self::TakeOver,
        Self::Seen,
        Self::Snooze,
        Self::Wait,
        Self::Escalate,
        Self::Offer,
        Self::Accept,
        Self::Decline,
        Self::Assign,
        Self::SetSeverity,
        Self::Note,
        Self::Resolve,
        Self::Reopen,
        Self::Merge,
        Self::Split,
        Self::Read,
        Self::Tick,
        Self::Remark,
        Self::Undo,
    ];

    /// Returns its name on the wire and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Unack => "unack",
            Self::TakeOver => "take_over",
            Self::Seen => "seen",
            Self::Snooze => "snooze",
            Self::Wait => "wait",
            Self::Escalate => "escalate",
            Self::Offer => "offer",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Assign => "assign",
            Self::SetSeverity => "severity",
            Self::Note => "note",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Read => "runbook_read",
            Self::Tick => "tick",
            Self::Remark => "remark",
            Self::Undo => "undo",
        }
    }

    /// Returns the kind of that name, if this version knows it.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Act {
    /// Returns the kind, or `None` for one that this version does not know.
    pub fn known(&self) -> Option<Kind> {
        Some(match self {
            Self::Ack => Kind::Ack,
            Self::Unack => Kind::Unack,
            Self::TakeOver => Kind::TakeOver,
            Self::Seen => Kind::Seen,
            Self::Snooze { .. } => Kind::Snooze,
            Self::Wait { .. } => Kind::Wait,
            Self::Escalate { .. } => Kind::Escalate,
            Self::Offer { .. } => Kind::Offer,
            Self::Accept { .. } => Kind::Accept,
            Self::Decline { .. } => Kind::Decline,
            Self::Assign { .. } => Kind::Assign,
            Self::SetSeverity { .. } => Kind::SetSeverity,
            Self::Note { .. } => Kind::Note,
            Self::Resolve { .. } => Kind::Resolve,
            Self::Reopen => Kind::Reopen,
            Self::Merge { .. } => Kind::Merge,
            Self::Split { .. } => Kind::Split,
            Self::Read { .. } => Kind::Read,
            Self::Tick { .. } => Kind::Tick,
            Self::Remark { .. } => Kind::Remark,
            Self::Undo { .. } => Kind::Undo,
            Self::Unknown { .. } => return None,
        })
    }

    /// Returns the name of the kind on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Unknown { kind, .. } => kind,
            known => known.known().map_or("", Kind::word),
        }
    }

    /// Returns the person that it names besides its actor.
    pub fn names(&self) -> Option<&UserName> {
        match self {
            Self::Escalate { to, .. } => to.as_ref(),
            Self::Offer { to, .. } | Self::Assign { to } => Some(to),
            _ => None,
        }
    }
}

/// What the person saw when the key was pressed; what quieting is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// [`super::incident::Incident::rev`].
    pub rev: u64,
    /// [`super::incident::Incident::claim_no`].
    pub claim_no: u64,
}

/// One act of one person on one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Makes it happen once, however often it arrives.
    pub op_id: OpId,
    /// The database it was written in.
    pub node: NodeId,
    /// Its place in that database's chain: 1, 2, 3 …
    pub nseq: u64,
    /// Hash of the operation before it in the chain; zeroes for the first.
    pub prev_hash: [u8; 32],
    /// When the key was pressed, by the console's clock: for display, never for a decision.
    pub created_at: Timestamp,
    /// Who did it.
    pub actor: UserName,
    /// About what.
    pub incident: IncidentId,
    /// What the person saw.
    pub basis: Basis,
    /// What was done.
    pub act: Act,
}

/// One of each kind, some in two forms.
#[cfg(test)]
pub fn every_act() -> Vec<Act> {
    let user = |name: &str| UserName::parse(name).unwrap();
    let at = |second: i64| Timestamp::from_millis(second * 1000);
    let source = super::id::SourceName::parse("prometheus").unwrap();
    let series = vec![SeriesKey { source, fingerprint: super::label::Fingerprint([7; 16]) }];
    let op = OpId::from_bytes([8; 16]);
    let (runbook, revision) = (|| RunbookName::parse("pay/5xx.md").unwrap(), Revision([6; 16]));
    let mut acts = vec![
        Act::Ack,
        Act::Unack,
        Act::TakeOver,
        Act::Seen,
        Act::Snooze { until: at(3600), until_change: false },
        Act::Snooze { until: at(7200), until_change: true },
        Act::Wait { reason: "a disk".into(), ticket: "OPS-1".into(), until: at(90_000) },
        Act::Escalate { to: None, level_seen: 1 },
        Act::Escalate { to: Some(user("lena")), level_seen: 0 },
        Act::Offer { to: user("jonas"), expires_at: at(900) },
        Act::Accept { offer: op },
        Act::Decline { offer: op },
        Act::Assign { to: user("jonas") },
        Act::SetSeverity { to: Severity::S1 },
        Act::SetSeverity { to: Severity::new(7).unwrap() },
        Act::Note { text: "t\u{fc}r".into() },
        Act::Resolve { force: false },
        Act::Resolve { force: true },
        Act::Reopen,
        Act::Merge { into: IncidentId::from_bytes([9; 16]) },
        Act::Split { series },
        Act::Read { runbook: runbook(), revision },
        Act::Tick { runbook: runbook(), task: "0f".into(), text: "drain".into(), done: true },
        Act::Remark { runbook: runbook(), revision, line: 3, text: "it is port 81".into() },
    ];
    acts.extend(Kind::ALL.map(|kind| Act::Undo { op, kind }));
    acts
}
