//! The console's side of the mirror: asks go in, pictures come out, and neither ever waits.

use super::peer::wire::Step;
use super::picture::{LetterId, Link, Picture};
use super::roster::SignedRoster;
use super::wire::{HubCard, PushAnswer, Receipts};
use crate::domain::envelope::SignedOp;
use crate::domain::id::IncidentId;
use crate::domain::op::{Act, Basis};
use crate::domain::paging::PageId;
use crate::domain::runbook::RunbookName;
use crate::domain::time::Timestamp;
use crate::store::{Cursor, FeedPage};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// What a person asks of the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Do this to that incident.
    Submit {
        /// Which.
        incident: IncidentId,
        /// What was on the screen.
        basis: Basis,
        /// What to do.
        act: Act,
    },
    /// Put this incident's series and timeline into the picture from now on.
    Look(Option<IncidentId>),
    /// Put this runbook's text into the picture from now on, whatever incident is looked at.
    Open(Option<RunbookName>),
    /// The person saw these on the screen and has pressed a key since: the hub may know that they know.
    Present {
        /// Claims of the person's that were shown: incident and claim.
        claims: Vec<(IncidentId, u64)>,
        /// Pages that were shown.
        calls: Vec<PageId>,
    },
    /// Put these letters away.
    Dismiss(Vec<LetterId>),
    /// Look at the disk again: another process wrote, or the feed brought something.
    Refresh,
    /// This process was stopped and goes on: nothing is known to be current until the hub has said so again.
    Wake,
    /// Stop.
    Close,
}

/// All that reaches the mirror's thread: asks of the person, and what the hub said.
pub(super) enum Note {
    Ask(Ask),
    Cursor(oneshot::Sender<Cursor>),
    Page {
        page: Box<FeedPage>,
        skew_ms: Option<i64>,
        asked_at: Timestamp,
        reply: oneshot::Sender<()>,
    },
    Gone {
        epoch: String,
        refused: Cursor,
        reply: oneshot::Sender<()>,
    },
    /// What to push; `begin` for the first time since there was something new.
    Waiting {
        begin: bool,
        reply: oneshot::Sender<Vec<SignedOp>>,
    },
    Answer(PushAnswer),
    /// A step of an exchange with a peer: what was heard of it, if anything yet; the reply is what this console says.
    Peer {
        heard: Option<Box<Step>>,
        reply: oneshot::Sender<Box<Step>>,
    },
    Receipts(oneshot::Sender<Receipts>),
    Receipted(Receipts),
    Link(Link),
    /// Something that a person should know.
    Trouble(String),
    Token(String),
    ReadToken(oneshot::Sender<(Option<String>, Option<Timestamp>)>),
    Roster(Box<SignedRoster>),
    Card(HubCard),
    OtherHub(HubCard),
}

/// The mirror takes no more asks: 1,000 already wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mirror is busy; nothing was done")]
pub struct DeskBusy;

type Waker = Box<dyn Fn() + Send>;

/// Where the newest picture lies: a slot, not a queue, so a slow reader sees the newest and never a backlog.
pub struct Slot {
    newest: Mutex<Arc<Picture>>,
    waker: Mutex<Option<Waker>>,
}

impl Slot {
    /// Returns a slot that holds a first picture.
    pub fn new(first: Picture) -> Self {
        Self { newest: Mutex::new(Arc::new(first)), waker: Mutex::new(None) }
    }

    /// Puts a newer picture in and wakes who looks, unless nothing changed.
    pub fn publish(&self, picture: Picture) {
        {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            if **newest == picture {
                return;
            }
            *newest = Arc::new(picture);
        }
        if let Some(wake) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }

    /// Returns the newest picture.
    pub fn newest(&self) -> Arc<Picture> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `wake` at each newer picture; it must not block.
    pub fn wake_with(&self, wake: impl Fn() + Send + 'static) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }
}

/// The handle that a screen holds.
#[derive(Clone)]
pub struct Desk {
    notes: SyncSender<Note>,
    slot: Arc<Slot>,
}

impl Desk {
    /// Returns the handle over these two ends.
    pub(super) fn new(notes: SyncSender<Note>, slot: Arc<Slot>) -> Self {
        Self { notes, slot }
    }

    /// Returns a handle whose mirror is gone: every ask is refused.
    #[cfg(test)]
    pub fn without_mirror(slot: Arc<Slot>) -> Self {
        Self::new(std::sync::mpsc::sync_channel(1).0, slot)
    }

    /// Hands an ask over without waiting.
    ///
    /// # Errors
    /// [`DeskBusy`] when the queue is full or the mirror has stopped.
    pub fn ask(&self, ask: Ask) -> Result<(), DeskBusy> {
        self.notes.try_send(Note::Ask(ask)).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => DeskBusy,
        })
    }

    /// Returns the newest picture.
    pub fn picture(&self) -> Arc<Picture> {
        self.slot.newest()
    }

    /// Calls `wake` at each newer picture.
    pub fn wake_with(&self, wake: impl Fn() + Send + 'static) {
        self.slot.wake_with(wake);
    }
}
