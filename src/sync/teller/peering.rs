//! The part of the mirror's thread that speaks with peers: what they tell is taken, what this console has is said.

use super::Teller;
use crate::domain::id::{NodeId, unhex};
use crate::store::StoreError;
use crate::sync::clock;
use crate::sync::exchange::Round;
use crate::sync::peer::plan::{self, Limits, Page, Who as _};
use crate::sync::peer::tls::Team;
use crate::sync::peer::wire::Step;
use crate::sync::roster::{self, SignedRoster};
use crate::sync::wire::Introduction;
use ed25519_dalek::VerifyingKey;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// What the mirror's thread shares with those who speak to the hub and to peers.
pub(in crate::sync) struct Peering {
    /// Whether this console speaks to others.
    pub is_on: bool,
    /// The roster that is gone by.
    pub team: Arc<Team>,
    /// The hub's key.
    pub hub_key_hex: String,
    /// What this console says of itself to the hub: its node changes when it finds a twin.
    pub introduction: Arc<Mutex<Introduction>>,
    /// Counts steps of exchanges.
    pub turn: u64,
}

impl Peering {
    /// Returns what a console begins with: nobody is known until its mirror's roster is read.
    pub fn new(introduction: Introduction, hub_key_hex: String, is_on: bool) -> Self {
        let introduction = Arc::new(Mutex::new(introduction));
        Self { is_on, team: Arc::default(), hub_key_hex, introduction, turn: 0 }
    }

    fn hub_key(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&unhex(&self.hub_key_hex)?).ok()
    }

    pub(super) fn introduce_as(&self, node: NodeId) {
        self.introduction.lock().unwrap_or_else(PoisonError::into_inner).node = node;
    }
}

impl Teller {
    /// Takes what a peer said, and says what this console has and tells; returns whether anything was new.
    pub(super) fn exchange(
        &mut self,
        heard: Option<Box<Step>>,
        reply: oneshot::Sender<Box<Step>>,
    ) -> Result<bool, StoreError> {
        let (mut news, mut page, mut theirs) = (0, Page::default(), None);
        let first = heard.is_none();
        if let Some(mut heard) = heard {
            self.hear_roster(heard.newer_roster.take())?;
            let told = heard.take_page();
            if let Some(hub_key) = self.peering.hub_key() {
                let by = &*self.peering.team;
                let taken = plan::take(&mut self.mirror, told, heard.node, by, &hub_key, clock::now())?;
                if taken.refused > 0 {
                    tracing::debug!(peer = %heard.node, refused = taken.refused, "not all that a peer told was taken");
                }
                if taken.twin {
                    self.become_another()?;
                }
                news = taken.new;
            }
            page = plan::answer(&mut self.mirror, &heard.have(), Limits::default())?;
            theirs = heard.roster;
        }
        self.peering.turn += 1;
        let have = plan::have(&mut self.mirror, self.peering.turn / 16)?;
        let roster = self.peering.team.roster();
        let version = roster.as_ref().map(|signed| signed.roster.version);
        let mut step = Step::new(self.mirror.node(), have, page, version);
        if !first {
            step = step.with_roster(roster.as_deref(), theirs);
        }
        step.news = news;
        let _ = reply.send(Box::new(step));
        if news > 0 {
            self.read_unshown()?;
        }
        Ok(news > 0)
    }

    /// Reads the roster that the mirror holds, as another process may have written it.
    pub(super) fn read_roster(&mut self) -> Result<(), StoreError> {
        let held = self.mirror.note(roster::NOTE)?;
        let signed = held.and_then(|note| SignedRoster::of_note(&note, &self.peering.hub_key_hex).ok());
        let version = |signed: &SignedRoster| (signed.roster.epoch.clone(), signed.roster.version);
        if signed.as_ref().map(version) != self.peering.team.roster().as_deref().map(version) {
            self.peering.team.set(signed);
            self.forget_revoked()?;
        }
        Ok(())
    }

    pub(super) fn keep_roster(&mut self, signed: SignedRoster) -> Result<(), StoreError> {
        self.mirror.set_note(roster::NOTE, &signed.to_note())?;
        self.peering.team.set(Some(signed));
        self.read_known()?;
        self.forget_revoked()
    }

    /// Takes a roster that a peer told, if the hub signed it and it is newer than the one that is held.
    fn hear_roster(&mut self, note: Option<String>) -> Result<(), StoreError> {
        let heard = note.and_then(|note| SignedRoster::of_note(&note, &self.peering.hub_key_hex).ok());
        match (heard, self.peering.team.roster()) {
            (Some(heard), Some(held)) if held.yields_to(&heard) => self.keep_roster(heard),
            _ => Ok(()),
        }
    }

    /// What revoked devices said and the hub has not answered is neither shown nor carried any more.
    fn forget_revoked(&mut self) -> Result<(), StoreError> {
        if self.peering.team.roster().is_some() {
            let team = self.peering.team.clone();
            if self.mirror.forget_unless(|node| team.device(node).is_some())? > 0 {
                self.read_unshown()?;
            }
        }
        Ok(())
    }

    /// Becomes another node, for there is a copy of this database; tells the person, whichever process of theirs did it.
    pub(super) fn become_another(&mut self) -> Result<(), StoreError> {
        self.device.become_another(&mut self.mirror)?;
        self.peering.introduce_as(self.mirror.node());
        self.round = Round::default();
        self.tell_peers_news()
    }

    /// Tells what was found out about copies and liars and nobody was told yet.
    pub(super) fn tell_peers_news(&mut self) -> Result<(), StoreError> {
        if self.mirror.tell_rotation()? {
            let text = "this console's data was copied or restored: it goes on under a new name; what waited still waits, nothing is lost";
            self.notice(text.to_owned(), false, None);
        }
        for node in self.mirror.tell_stopped()? {
            let text = format!(
                "console {node} told two stories: nothing more of it is shown or passed on until its owner looks"
            );
            self.notice(text, false, None);
        }
        Ok(())
    }
}
