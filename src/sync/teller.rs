//! Tells what a person sees: the confirmed state of the mirror, with the own waiting operations laid over it.
//!
//! The overlay is computed anew for each picture and never written into the mirror.

mod duty;
mod outdated;
mod peering;
mod sleep;

pub(super) use peering::Peering;

use super::client::HubAddress;
use super::clock;
use super::desk::{Ask, Note};
use super::device::{Device, random};
use super::exchange::{Outcome, Round};
use super::foresight::{self, Known, Undoable};
use super::hearsay::Hearsay;
use super::indexed::Indexed;
use super::picture::{
    Answer, Beside, Detail, Letter, LetterId, Link, LocalAlarm, Matter, Notice, Picture, Row, Waiting,
};
use super::receipts::{Ledger, rings};
use super::roster;
use super::token;
use super::wire::{HubCard, PushAnswer};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{IncidentId, OpId, UserName, hex};
use crate::domain::incident::{Incident, Life};
use crate::domain::item::{Items, ticks_id};
use crate::domain::op::{Act, Basis, Op};
use crate::domain::paging::{Page, Paging};
use crate::domain::runbook::{Reading, Revision, RunbookName};
use crate::domain::scope::Scope;
use crate::domain::series::Series;
use crate::domain::similar::Similar;
use crate::domain::time::Timestamp;
use crate::query::runbooks::{Match, Shelf};
use crate::store::StoreError;
use crate::store::mirror::{AppendError, Applied, Mirror, OwnOp};
use duty::OwnDuty;
use ed25519_dalek::SigningKey;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long the hub is silent, and a step due, before a console rings by itself: a hub that is restarted is back sooner.
const ALARM_AFTER: Duration = Duration::from_secs(30);
/// How long a resolved incident stays in the stream.
const RESOLVED_SHOWN: Duration = Duration::from_secs(86_400);
/// Resolved incidents that are held in memory: those that are shown. Older ones of the day are on the disk.
const RESOLVED_KEPT: usize = Picture::RESOLVED_MAX;
/// Own operations that are looked through for one to take back.
const UNDO_LOOKED_AT: usize = 50;
/// How long who there is is not read again: it costs a look at thousands of lines.
const KNOWN_FOR: Duration = Duration::from_secs(30);
/// The note of the node that the token is of.
const TOKEN_NODE: &str = "token_node";
/// How often what is too old is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(86_400);
/// Skew from which on it is shown.
const SKEW_SHOWN_MS: i64 = 5000;

/// What the mirror's thread knows beside the disk.
pub(super) struct Teller {
    mirror: Mirror,
    device: Device,
    address: HubAddress,
    card: Option<HubCard>,
    embedded: bool,
    link: Link,
    as_of: Option<Timestamp>,
    last_answer: Option<Timestamp>,
    skew_ms: Option<i64>,
    incidents: BTreeMap<IncidentId, Arc<Incident>>,
    unshown: Vec<OwnOp>,
    rows: Arc<Vec<Row>>,
    rows_hidden: usize,
    waiting_apart: Arc<Vec<Waiting>>,
    rows_stale: bool,
    look: Option<IncidentId>,
    detail: Option<Arc<Detail>>,
    opened: Option<RunbookName>,
    book: Option<Arc<Beside>>,
    duty: OwnDuty,
    receipts: Ledger,
    calls: Arc<Vec<Arc<Page>>>,
    inbox: Vec<Letter>,
    undo: Vec<Undoable>,
    items: Arc<Items>,
    shelf: Shelf,
    indexed: Indexed,
    known: Arc<Known>,
    known_at: Timestamp,
    /// Claims that were told as seen: incident, claim, and the revision of the latest change to the louder side.
    presented: HashSet<(IncidentId, u64, u64)>,
    notices: Vec<Notice>,
    notice_no: u64,
    /// Operations asked for here whose answer was not told here yet: another process of this user may fetch and tell it first.
    untold: Vec<OpId>,
    data_version: i64,
    hearsay: Hearsay,
    peering: Peering,
    /// The present round of pushing, and what its last push sent.
    round: Round,
    sent: Vec<SignedOp>,
    /// Since when nothing is known to be current because this process did not run before; until the hub has answered what was asked since.
    woke_at: Option<Timestamp>,
    /// That is not passed on yet.
    wakes: bool,
    /// Why this program writes no more, in words for the banner.
    halted: Option<String>,
    /// When what is too old was last forgotten: a console stays open for weeks.
    pruned_at: Timestamp,
}

impl Teller {
    pub fn open(
        mirror: Mirror,
        device: Device,
        address: HubAddress,
        card: Option<HubCard>,
        embedded: bool,
        peering: Peering,
    ) -> Result<Self, StoreError> {
        let mut teller = Self {
            mirror,
            device,
            address,
            card,
            embedded,
            link: Link::Connecting,
            as_of: None,
            last_answer: None,
            skew_ms: None,
            incidents: BTreeMap::new(),
            unshown: Vec::new(),
            rows: Arc::default(),
            rows_hidden: 0,
            waiting_apart: Arc::default(),
            rows_stale: true,
            look: None,
            detail: None,
            opened: None,
            book: None,
            duty: OwnDuty::default(),
            calls: Arc::default(),
            receipts: Ledger::default(),
            inbox: Vec::new(),
            undo: Vec::new(),
            items: Arc::default(),
            shelf: Shelf::default(),
            indexed: Indexed::default(),
            known: Arc::default(),
            known_at: clock::now(),
            presented: HashSet::new(),
            notices: Vec::new(),
            notice_no: 0,
            untold: Vec::new(),
            data_version: 0,
            hearsay: Hearsay::default(),
            peering,
            round: Round::default(),
            sent: Vec::new(),
            woke_at: None,
            wakes: false,
            halted: None,
            pruned_at: clock::now(),
        };
        teller.begin()?;
        Ok(teller)
    }

    /// Takes one note; returns whether there is something to push now.
    pub fn take(&mut self, note: Note) -> Result<bool, StoreError> {
        if self.halted.is_some() {
            return self.take_outdated(note);
        }
        match note {
            Note::Ask(Ask::Submit { incident, basis, act }) => return self.submit(incident, basis, act),
            Note::Ask(Ask::Look(look)) => {
                self.look = look;
                self.read_detail()?;
            }
            Note::Ask(Ask::Open(runbook)) => {
                self.opened = runbook;
                self.read_book()?;
            }
            Note::Ask(Ask::Present { claims, calls }) => return self.present(&claims, &calls),
            Note::Ask(Ask::Dismiss(letters)) => self.dismiss(&letters)?,
            Note::Ask(Ask::Refresh) => return self.look_at_disk(),
            Note::Ask(Ask::Wake) => self.wake(clock::now())?,
            Note::Ask(Ask::Close) => {}
            Note::Cursor(reply) => {
                let _ = reply.send(self.mirror.cursor()?);
            }
            Note::Page { page, skew_ms, asked_at, reply } => {
                let newer = page.next > self.mirror.cursor()?.seq;
                let caught_up = page.next >= page.head;
                if newer {
                    let applied = self.mirror.apply(&page, asked_at)?;
                    if applied.twin {
                        self.become_another()?;
                    }
                    self.applied(applied)?;
                }
                self.answered(asked_at, skew_ms, newer && caught_up, caught_up)?;
                let _ = reply.send(());
                // Peers may hear of it; and what the hub turned out to have lost is offered again.
                return Ok(newer && (self.peering.is_on || caught_up));
            }
            Note::Gone { epoch, refused, reply } => {
                self.mirror.restart(&epoch, &refused)?;
                self.receipts.say_again();
                let _ = reply.send(());
            }
            Note::Waiting { begin, reply } => {
                if begin {
                    self.round = Round::default();
                }
                self.sent = self.round.next(&mut self.mirror)?;
                let _ = reply.send(self.sent.clone());
            }
            Note::Answer(answer) => self.judged(answer)?,
            Note::Peer { heard, reply } => return self.exchange(heard, reply),
            Note::Receipts(reply) => {
                let _ = reply.send(self.receipts.to_tell(&self.calls));
            }
            Note::Receipted(receipts) => self.receipts.told(&receipts),
            Note::Link(link) => self.link_changed(link)?,
            Note::Trouble(text) => self.notice(text, false, None),
            Note::Token(token) => keep_token(&mut self.mirror, &token, clock::now())?,
            Note::ReadToken(reply) => {
                let _ = reply.send(kept_token(&mut self.mirror)?);
            }
            Note::Roster(signed) => self.keep_roster(*signed)?,
            Note::Card(card) => self.card = Some(card),
            Note::OtherHub(card) => self.device.remember_hub(&self.address, &card)?,
        }
        Ok(false)
    }

    /// Returns whether the hub should hear of a page that this console has, or that its person saw.
    pub fn has_receipts(&self) -> bool {
        !self.receipts.to_tell(&self.calls).is_empty()
    }

    /// Tells a failure of the mirror to the person.
    pub fn complain(&mut self, error: &StoreError) {
        if error.is_outdated() || self.halted.is_some() {
            return self.halt(error);
        }
        tracing::error!(error = error as &dyn std::error::Error, "the mirror refused");
        let why = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
        self.notice(format!("the mirror refused: {error}{why}"), false, None);
    }

    fn submit(&mut self, incident: IncidentId, basis: Basis, act: Act) -> Result<bool, StoreError> {
        let draft = Draft { incident, basis, act };
        match append(&mut self.mirror, &self.device, draft) {
            Ok(signed) => {
                if signed.op.act != Act::Seen {
                    self.untold.push(signed.op.op_id);
                }
                self.read_unshown()?;
                Ok(true)
            }
            Err(AppendError::Store(error)) => Err(error),
            Err(error @ (AppendError::TooManyWait | AppendError::LookOnly | AppendError::Aside(_))) => {
                self.notice(error.to_string(), false, None);
                Ok(false)
            }
        }
    }

    /// Reads again what another process of this user wrote.
    fn look_at_disk(&mut self) -> Result<bool, StoreError> {
        let now = clock::now();
        if now.since(self.pruned_at) > PRUNE_EVERY {
            self.pruned_at = now;
            self.mirror.prune(now)?;
        }
        self.mirror.check()?;
        self.read_duty(now)?;
        let version = self.mirror.data_version()?;
        if std::mem::replace(&mut self.data_version, version) == version {
            return Ok(false);
        }
        self.reload()?;
        Ok(!self.unshown.is_empty())
    }

    fn reload(&mut self) -> Result<(), StoreError> {
        let after = clock::now().minus(RESOLVED_SHOWN);
        let recent = self.mirror.recent(after, RESOLVED_KEPT)?;
        let before = std::mem::take(&mut self.incidents);
        self.incidents = recent.into_iter().map(|incident| (incident.id, Arc::new(incident))).collect();
        self.incidents.keys().filter(|id| !before.contains_key(id)).for_each(|id| self.indexed.meet(*id));
        if before.keys().any(|id| !self.incidents.contains_key(id)) {
            self.indexed.keep(self.incidents.keys().copied().collect());
        }
        self.data_version = self.mirror.data_version()?;
        let node = self.mirror.refresh_node()?;
        self.peering.introduce_as(node);
        self.read_roster()?;
        self.read_items()?;
        self.read_calls()?;
        self.read_known()?;
        self.read_unshown()?;
        self.read_detail()
    }

    fn read_unshown(&mut self) -> Result<(), StoreError> {
        self.unshown = self.mirror.unshown()?;
        self.hearsay.read(&mut self.mirror, &mut self.incidents)?;
        // After it was read: what waited then and is answered meanwhile is told once.
        self.tell_verdicts()?;
        self.tell_own()?;
        self.rows_stale = true;
        self.read_calls()?;
        self.read_inbox()?;
        self.read_undo()
    }

    fn read_items(&mut self) -> Result<(), StoreError> {
        let items = self.mirror.items()?;
        if *self.items == items {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.items, Arc::new(items));
        let now = &self.items;
        if before.runbooks != now.runbooks {
            self.shelf = Shelf::of(now);
        }
        let differs = before.runbooks != now.runbooks
            || before.readers != now.readers
            || before.ticks != now.ticks
            || before.remarks != now.remarks;
        if differs {
            self.duty.outdate();
            self.read_book()?;
            self.read_detail()?;
        }
        Ok(())
    }

    /// Reads who may be called and who there is.
    fn read_known(&mut self) -> Result<(), StoreError> {
        let known = roster::known(&mut self.mirror)?;
        self.known_at = clock::now();
        if *self.known != known {
            self.duty.outdate();
            self.known = Arc::new(known);
        }
        Ok(())
    }

    /// Reads the pages that call this person, without those that the mirrored state has answered.
    fn read_calls(&mut self) -> Result<(), StoreError> {
        let calls = self.mirror.calls(&self.device.user, Picture::CALLS_MAX)?;
        let mut kept = Vec::with_capacity(calls.len());
        for page in calls {
            let asks = |incident: &Incident| page.needless(incident).is_none() && incident.recovering_until.is_none();
            let is_asked = match self.incidents.get(&page.incident) {
                Some(incident) => asks(incident),
                None => self.mirror.incident(page.incident)?.as_ref().is_none_or(asks),
            };
            if rings(&page) && is_asked {
                kept.push(page);
            }
        }
        self.receipts.keep(&kept);
        if *self.calls != kept {
            self.calls = Arc::new(kept);
        }
        Ok(())
    }

    fn read_inbox(&mut self) -> Result<(), StoreError> {
        let mut inbox = Vec::new();
        for own in self.mirror.inbox(Picture::INBOX_MAX)? {
            let Some(verdict) = own.verdict else { continue };
            let (id, op) = (LetterId::Answer(own.op.op_id), own.op);
            let number = self.mirror.incident(op.incident)?.map(|incident| incident.number);
            let matter = Matter::Answer { act: op.act, verdict };
            inbox.push(Letter { id, incident: op.incident, number, at: op.created_at, matter });
        }
        for loss in self.mirror.losses(Picture::INBOX_MAX)? {
            let number = self.mirror.incident(loss.incident)?.map(|incident| incident.number);
            let matter = Matter::Lost { owner: loss.owner, why: loss.why };
            inbox.push(Letter {
                id: LetterId::Loss(loss.no),
                incident: loss.incident,
                number,
                at: loss.learned_at,
                matter,
            });
        }
        inbox.sort_by_key(|letter| letter.at);
        inbox.truncate(Picture::INBOX_MAX);
        self.inbox = inbox;
        Ok(())
    }

    fn read_undo(&mut self) -> Result<(), StoreError> {
        let latest = self.mirror.latest(UNDO_LOOKED_AT)?;
        let waiting: Vec<&Op> = self.unshown.iter().filter(|own| own.is_hopeful()).map(|own| &own.op).collect();
        let paging = self.known.paging.as_ref();
        let incident = |id| self.incidents.get(&id).map(|incident| (**incident).clone());
        self.undo = foresight::undoable(&latest, &waiting, incident, &self.device.user, clock::now(), paging);
        Ok(())
    }

    fn dismiss(&mut self, letters: &[LetterId]) -> Result<(), StoreError> {
        let answers: Vec<OpId> = letters
            .iter()
            .filter_map(|letter| match letter {
                LetterId::Answer(op_id) => Some(*op_id),
                LetterId::Loss(_) => None,
            })
            .collect();
        let losses: Vec<u64> = letters
            .iter()
            .filter_map(|letter| match letter {
                LetterId::Loss(no) => Some(*no),
                LetterId::Answer(_) => None,
            })
            .collect();
        self.mirror.dismiss(&answers, &losses)?;
        self.read_inbox()
    }

    /// Tells the hub that this person knows what is theirs, once for each claim, and keeps which pages were seen; returns whether there
    /// is something to push.
    fn present(
        &mut self,
        claims: &[(IncidentId, u64)],
        calls: &[crate::domain::paging::PageId],
    ) -> Result<bool, StoreError> {
        self.receipts.look(calls);
        let mut said = false;
        for (id, claim_no) in claims {
            let Some(incident) = self.incidents.get(id) else { continue };
            let mine = incident.owner.as_ref() == Some(&self.device.user) && incident.claim_no == *claim_no;
            let once = (*id, *claim_no, incident.loud_rev);
            if !mine || incident.seen_due.is_none() || !self.presented.insert(once) {
                continue;
            }
            let basis = Basis { rev: incident.rev, claim_no: *claim_no };
            said |= self.submit(*id, basis, Act::Seen)?;
        }
        Ok(said)
    }

    fn read_detail(&mut self) -> Result<(), StoreError> {
        // Read once for each look: what came before changes seldom, and moving on reads it anew.
        let held =
            self.detail.as_ref().filter(|held| Some(held.incident) == self.look).map(|held| held.similar.clone());
        let similar = held.flatten();
        let Some(incident) = self.look else {
            self.detail = None;
            return Ok(());
        };
        let series = self.mirror.series_of(incident, Detail::SERIES_MAX)?;
        self.detail = Some(Arc::new(Detail {
            incident,
            similar,
            runbooks: self.read_runbooks(incident, &series)?,
            series,
            lines: self.mirror.lines_of(incident, Detail::LINES_MAX)?,
            pages: self.mirror.pages_of(incident, Detail::PAGES_MAX)?,
        }));
        Ok(())
    }

    /// Returns whether it was not looked yet for what is like the incident that is looked at.
    pub fn awaits_similar(&self) -> bool {
        self.halted.is_none() && self.detail.as_ref().is_some_and(|detail| detail.similar.is_none())
    }

    /// Looks for what came before and is like the incident that is looked at: beside thousands of others that takes longer than a frame, so
    /// it waits until nothing else does.
    pub fn read_similar(&mut self) {
        let Some(detail) = self.detail.clone().filter(|_| self.awaits_similar()) else { return };
        let similar = self.mirror.similar(detail.incident, clock::now()).unwrap_or_else(|error| {
            self.complain(&error);
            Similar::default()
        });
        self.detail = Some(Arc::new(Detail { similar: Some(Arc::new(similar)), ..(*detail).clone() }));
    }

    /// Reads the runbooks of an incident with the texts that this person needs.
    fn read_runbooks(&mut self, incident: IncidentId, series: &[Series]) -> Result<Vec<Beside>, StoreError> {
        let mut found = self.shelf.matching(series, clock::now());
        found.truncate(Detail::RUNBOOKS_MAX);
        let mut runbooks = Vec::new();
        for Match { name, why, anchor, .. } in found {
            let ticks = self.items.ticks.get(&ticks_id(incident, &name)).cloned();
            runbooks.extend(self.read_beside(&name)?.map(|beside| Beside { why, anchor, ticks, ..beside }));
        }
        Ok(runbooks)
    }

    /// Reads the runbook that is open beside no incident.
    fn read_book(&mut self) -> Result<(), StoreError> {
        let opened = self.opened.clone();
        self.book = opened.map_or(Ok(None), |name| self.read_beside(&name))?.map(Arc::new);
        Ok(())
    }

    /// Reads a runbook with the texts that this person needs, where there is one of that name.
    fn read_beside(&mut self, name: &RunbookName) -> Result<Option<Beside>, StoreError> {
        let items = self.items.clone();
        let Some(runbook) = items.runbooks.get(name.as_str()).cloned() else { return Ok(None) };
        let reading = runbook.reading(&self.device.user, items.readers.get(name.as_str()));
        let mut text = |revision: Option<Revision>| -> Result<Option<Arc<str>>, StoreError> {
            let Some(revision) = revision else { return Ok(None) };
            Ok(self.mirror.runbook_text(name, revision)?.map(Arc::from))
        };
        let current = text(runbook.current().map(|made| made.revision))?;
        let read = match reading {
            Reading::Changed { read, .. } => text(Some(read))?,
            Reading::Current { .. } | Reading::Unread => None,
        };
        let remarks = items.remarks.get(name.as_str()).map_or_else(Vec::new, |all| all.remarks.clone());
        Ok(Some(Beside {
            runbook,
            why: String::new(),
            anchor: String::new(),
            reading,
            text: current,
            read,
            ticks: None,
            remarks,
        }))
    }

    fn applied(&mut self, applied: Applied) -> Result<(), StoreError> {
        if applied.swept {
            self.reload()?;
        } else if applied.items {
            self.read_items()?;
        }
        let looked_at = |id: &IncidentId| self.look == Some(*id);
        let detail =
            applied.touched.iter().any(looked_at) || applied.incidents.iter().any(|incident| looked_at(&incident.id));
        let heard = applied.incidents.iter().filter_map(|incident| incident.owner.as_ref());
        let strange = heard.clone().any(|owner| !self.known.people.contains(owner));
        if strange || clock::now().since(self.known_at) > KNOWN_FOR {
            self.read_known()?;
        }
        for incident in applied.incidents {
            let id = incident.id;
            if self.incidents.insert(id, Arc::new(incident)).is_none() {
                self.indexed.meet(id);
            }
        }
        self.read_calls()?;
        self.forget_old();
        self.read_unshown()?;
        if detail { self.read_detail() } else { Ok(()) }
    }

    /// Forgets what was resolved long ago; and, when very much was resolved of late, all but the latest.
    fn forget_old(&mut self) {
        let before = self.incidents.len();
        let horizon = clock::now().minus(RESOLVED_SHOWN);
        self.incidents.retain(|_, incident| incident.resolved_at.is_none_or(|at| at > horizon));
        let mut over: Vec<Timestamp> = self.incidents.values().filter_map(|incident| incident.resolved_at).collect();
        // Twice as many, so that this is not done for each that is resolved.
        if over.len() > 2 * RESOLVED_KEPT {
            over.sort_unstable();
            let horizon = over[over.len() - RESOLVED_KEPT];
            self.incidents.retain(|_, incident| incident.resolved_at.is_none_or(|at| at >= horizon));
        }
        if self.incidents.len() < before {
            self.indexed.keep(self.incidents.keys().copied().collect());
        }
        let known = &self.incidents;
        self.presented.retain(|(id, ..)| known.contains_key(id));
    }

    fn answered(&mut self, at: Timestamp, skew_ms: Option<i64>, news: bool, caught_up: bool) -> Result<(), StoreError> {
        if !self.is_of_now(at) {
            // Asked before this process slept: true, but not known to be the newest.
            return Ok(());
        }
        self.last_answer = Some(at);
        let was_live = self.link == Link::Live;
        if caught_up {
            self.link = Link::Live;
            if news {
                // The transaction that applied the news wrote it down.
                self.as_of = Some(at);
            } else if !was_live || self.as_of.is_none() {
                self.confirmed_at(at)?;
            }
        }
        let skew = skew_ms.filter(|skew| skew.abs() >= SKEW_SHOWN_MS);
        // A second more or less is no news, and news is bytes on a terminal.
        if skew.is_some() != self.skew_ms.is_some()
            || skew.zip(self.skew_ms).is_some_and(|(new, old)| (new - old).abs() > 2000)
        {
            self.skew_ms = skew;
        }
        Ok(())
    }

    fn confirmed_at(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.as_of = Some(at);
        self.mirror.set_as_of(at)
    }

    fn link_changed(&mut self, link: Link) -> Result<(), StoreError> {
        if let (Link::Offline { reason: new, .. }, Link::Offline { reason: old, .. }) = (&link, &self.link)
            && new == old
        {
            // Still the same outage: it began when it began.
            return Ok(());
        }
        if matches!((&link, &self.link), (Link::Stale { .. }, Link::Stale { .. })) {
            return Ok(());
        }
        let was_live = self.link == Link::Live;
        self.link = match (link, self.last_answer) {
            (Link::Stale { .. }, Some(since)) => Link::Stale { since },
            (link, _) => link,
        };
        match self.last_answer {
            Some(at) if was_live => self.confirmed_at(at),
            _ => Ok(()),
        }
    }

    fn judged(&mut self, answer: PushAnswer) -> Result<(), StoreError> {
        let Outcome { fork, refused } = self.round.after(&mut self.mirror, &self.sent, answer)?;
        if let Some(reason) = refused {
            self.notice(format!("the hub cannot take what waits: {reason}; it is kept"), false, None);
        }
        if fork {
            self.become_another()?;
        }
        self.read_unshown()
    }

    /// Tells the verdicts that nobody was told yet, those that another process of this user fetched among them.
    fn tell_verdicts(&mut self) -> Result<(), StoreError> {
        self.tell_peers_news()?;
        for own in self.mirror.tell()? {
            self.untold.retain(|op_id| *op_id != own.op.op_id);
            self.tell_verdict(own)?;
        }
        Ok(())
    }

    /// Tells the verdicts on what was asked for here that another process of this user told its own person, in another pane perhaps.
    fn tell_own(&mut self) -> Result<(), StoreError> {
        if self.untold.is_empty() {
            return Ok(());
        }
        let waits: HashSet<OpId> =
            self.unshown.iter().filter(|own| own.verdict.is_none()).map(|own| own.op.op_id).collect();
        let (still, answered): (Vec<OpId>, Vec<OpId>) =
            std::mem::take(&mut self.untold).into_iter().partition(|op_id| waits.contains(op_id));
        self.untold = still;
        for op_id in answered {
            if let Some(own) = self.mirror.own_op(op_id)? {
                self.tell_verdict(own)?;
            }
        }
        Ok(())
    }

    fn tell_verdict(&mut self, own: OwnOp) -> Result<(), StoreError> {
        let Some(verdict) = own.verdict else { return Ok(()) };
        let name = match (own.op.act.runbook(), self.mirror.incident(own.op.incident)?) {
            (Some(runbook), None) => runbook.to_string(),
            (_, Some(incident)) => incident.number.to_string(),
            (None, None) => own.op.incident.to_string(),
        };
        let text = format!("{} {name}: {}", own.op.act.kind(), verdict.sentence());
        let welcome = verdict.is_welcome();
        let answer = Answer { op_id: own.op.op_id, incident: own.op.incident, act: own.op.act, verdict };
        self.notice(text, welcome, Some(answer));
        Ok(())
    }

    fn notice(&mut self, text: String, welcome: bool, answer: Option<Answer>) {
        self.notice_no += 1;
        self.notices.push(Notice { no: self.notice_no, text, welcome, answer });
        let surplus = self.notices.len().saturating_sub(Picture::NOTICES_MAX);
        self.notices.drain(..surplus);
    }

    /// Reads some of the labels that are new in the mirror; returns whether there are more.
    pub fn read_labels(&mut self) -> bool {
        if self.halted.is_some() {
            return false;
        }
        let known = &self.incidents;
        match self.indexed.read(&mut self.mirror, |incident| known.contains_key(&incident)) {
            Ok(more) => more,
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    /// Returns the newest picture.
    pub fn picture(&mut self) -> Picture {
        if std::mem::take(&mut self.rows_stale) {
            self.lay_over();
        }
        let card = self.card.as_ref();
        Picture {
            user: self.device.user.clone(),
            hub: self.address.to_string(),
            ingest: card.filter(|_| self.embedded).map(|card| card.ingest.clone()),
            ingest_open: card.is_some_and(|card| card.ingest_open),
            demo: card.is_some_and(|card| card.demo),
            link: self.link.clone(),
            halted: self.halted.clone(),
            as_of: self.as_of,
            skew_ms: self.skew_ms,
            rows: self.rows.clone(),
            rows_hidden: self.rows_hidden,
            waiting_apart: self.waiting_apart.clone(),
            detail: self.detail.clone(),
            book: self.book.clone(),
            due: self.duty.due.clone(),
            calls: self.calls.clone(),
            inbox: self.inbox.clone(),
            alarms: self.alarms(clock::now()),
            undo: self.undo.clone(),
            items: self.items.clone(),
            labels: self.indexed.newest().into(),
            known: self.known.clone(),
            unsent: self.unshown.iter().filter(|own| own.verdict.is_none() && own.op.act != Act::Seen).count(),
            notices: self.notices.clone(),
        }
    }

    /// Returns for which incidents this console rings by itself: no hub answers, and the time to call this person has passed.
    fn alarms(&self, now: Timestamp) -> Vec<LocalAlarm> {
        let since = match &self.link {
            Link::Offline { since, refused: false, .. } | Link::Stale { since } => {
                self.last_answer.or(self.as_of).unwrap_or(*since)
            }
            Link::Connecting | Link::Live | Link::Offline { refused: true, .. } => return Vec::new(),
        };
        // What was known before a sleep is no ground for an alarm: the hub gets its time to answer first.
        let since = self.woke_at.map_or(since, |woke| woke.max(since));
        if now.since(since) < ALARM_AFTER {
            return Vec::new();
        }
        let mut due: Vec<(&Incident, u32)> = self
            .incidents
            .values()
            .filter_map(|incident| Some((&**incident, level_of(incident, &self.device.user, &self.known, now)?)))
            .collect();
        due.sort_by_key(|(incident, _)| {
            (incident.severity.map_or(0, |severity| severity.number()), incident.step_due_at, incident.id)
        });
        let alarm = |(incident, level): (&Incident, u32)| LocalAlarm {
            incident: incident.id,
            number: incident.number,
            due_at: incident.step_due_at,
            silent_since: since,
            level,
        };
        due.into_iter().take(Picture::ALARMS_MAX).map(alarm).collect()
    }

    fn lay_over(&mut self) {
        let mut waiting: HashMap<IncidentId, Vec<Waiting>> = HashMap::new();
        for own in self.unshown.iter().filter(|own| own.op.act != Act::Seen) {
            let one = Waiting { op_id: own.op.op_id, act: own.op.act.clone(), created_at: own.op.created_at };
            waiting.entry(own.op.incident).or_default().push(one);
        }
        // Worst and newest first; an unexamined one counts as the worst, for nobody has looked.
        let urgency = |incident: &&Arc<Incident>| {
            (incident.severity.map_or(0, |severity| severity.number()), Reverse(incident.since), incident.id)
        };
        let (mut over, mut open): (Vec<&Arc<Incident>>, Vec<&Arc<Incident>>) =
            self.incidents.values().partition(|incident| incident.resolved_at.is_some());
        self.rows_hidden = keep_first(&mut open, Picture::ROWS_MAX, urgency);
        keep_first(&mut over, Picture::RESOLVED_MAX, |incident| (Reverse(incident.resolved_at), incident.id));
        let row = |incident: &Arc<Incident>| Row {
            incident: incident.clone(),
            waiting: waiting.remove(&incident.id).unwrap_or_default(),
            said: self.hearsay.said_of(incident.id),
            via_peer: self.hearsay.via_peer(incident.id),
        };
        let rows = open.into_iter().chain(over).map(row).collect();
        self.rows = Arc::new(rows);
        self.waiting_apart = Arc::new(waiting.remove(&IncidentId(Uuid::nil())).unwrap_or_default());
    }
}

/// Keeps the first so many by that key, in no particular order; returns how many were left out.
fn keep_first<T, K: Ord>(list: &mut Vec<T>, most: usize, key: impl FnMut(&T) -> K) -> usize {
    let more = list.len().saturating_sub(most);
    if more > 0 {
        list.select_nth_unstable_by_key(most, key);
        list.truncate(most);
    }
    more
}

/// What a person wants done.
pub struct Draft {
    /// To which incident.
    pub incident: IncidentId,
    /// What was on the screen.
    pub basis: Basis,
    /// What to do.
    pub act: Act,
}

/// Writes an operation: signed, numbered, on the disk.
///
/// # Errors
/// [`AppendError`]; nothing was written then.
pub fn append(mirror: &mut Mirror, device: &Device, draft: Draft) -> Result<SignedOp, AppendError> {
    let now = clock::now();
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let op_id =
        OpId(Uuid::new_v7(uuid::Timestamp::from_unix_time(millis / 1000, (millis % 1000) as u32 * 1_000_000, 0, 0)));
    if mirror.check().is_ok() && mirror.note(token::NOTE_SCOPE)?.as_deref() == Some(Scope::Viewer.word()) {
        return Err(AppendError::LookOnly);
    }
    append_as(mirror, (&device.user, &device.key), draft, op_id, now)
}

/// As [`append`], by this user and key, under this id, at this time of the console's clock.
///
/// # Errors
/// [`AppendError`]; nothing was written then.
pub fn append_as(
    mirror: &mut Mirror,
    (user, key): (&UserName, &SigningKey),
    draft: Draft,
    op_id: OpId,
    created_at: Timestamp,
) -> Result<SignedOp, AppendError> {
    let Draft { incident, basis, act } = draft;
    // What was seen is the claim that the hub confirmed, whatever else was asked for since.
    let basis = match act {
        Act::Seen => basis,
        // Of a layout that it does not know, a program may be unable to read what was asked before.
        _ if mirror.check().is_err() => basis,
        _ => after_own(mirror, incident, basis)?,
    };
    mirror.append(|node, nseq, prev_hash| {
        let actor = user.clone();
        let op = Op { op_id, node, nseq, prev_hash, created_at, actor, incident, basis, act };
        SignedOp::sign(op, key)
    })
}

/// Returns the level, from 1, in which this person would be called by now; `None` where nobody's time has passed, or not theirs.
///
/// That is the level that was called last, or the next: who was called last may not have heard of it either.
fn level_of(incident: &Incident, user: &UserName, known: &Known, now: Timestamp) -> Option<u32> {
    let open = incident.life == Life::Triggered && incident.recovering_until.is_none() && !incident.is_silenced(now);
    if !open || incident.step_due_at.plus(ALARM_AFTER) > now {
        return None;
    }
    let everybody = Paging::default();
    let paging = known.paging.as_ref().unwrap_or(&everybody);
    let mild = incident.severity.is_some_and(|severity| paging.down_to.is_worse_than(severity));
    if mild && !incident.escalating {
        return None;
    }
    let people: BTreeSet<UserName> = known.people.iter().cloned().chain([user.clone()]).collect();
    let policy = incident.course.policy();
    let in_level = |level: &u32| known.paging.is_none() || paging.callees(policy, *level, now, &people).contains(user);
    [incident.level.saturating_sub(1), incident.level].into_iter().find(in_level).map(|level| level + 1)
}

/// Returns the basis as it will be once the own operations before this one are judged: the person saw them too, as waiting.
///
/// If the hub judges one of them otherwise, the basis is wrong and what relies on it is superseded: the loud side.
fn after_own(mirror: &mut Mirror, id: IncidentId, basis: Basis) -> Result<Basis, StoreError> {
    let Some(now) = mirror.incident(id)? else { return Ok(basis) };
    let mut then = now.clone();
    let unshown = mirror.unshown()?;
    let mine = unshown.iter().filter(|own| own.op.incident == id && own.is_hopeful());
    foresight::apply(&mut then, mine.map(|own| &own.op));
    Ok(Basis { rev: basis.rev + (then.rev - now.rev), claim_no: basis.claim_no + (then.claim_no - now.claim_no) })
}

/// Writes down this console's token and when it came.
///
/// # Errors
/// [`StoreError`].
pub fn keep_token(mirror: &mut Mirror, token: &str, at: Timestamp) -> Result<(), StoreError> {
    // The time first: a token without one would never be renewed.
    mirror.set_note(token::NOTE_AT, &at.as_millis().to_string())?;
    let node = hex(mirror.node().as_bytes());
    mirror.set_note(TOKEN_NODE, &node)?;
    mirror.set_note(token::NOTE, token)
}

/// Returns whether the token is of the node that this database was before: the hub has yet to hear of the new one.
///
/// # Errors
/// [`StoreError`].
pub fn token_is_of_another(mirror: &mut Mirror) -> Result<bool, StoreError> {
    let node = hex(mirror.refresh_node()?.as_bytes());
    Ok(mirror.note(token::NOTE)?.is_some() && mirror.note(TOKEN_NODE)?.is_some_and(|of| of != node))
}

/// Returns this console's token and when it came.
///
/// # Errors
/// [`StoreError`].
pub fn kept_token(mirror: &mut Mirror) -> Result<(Option<String>, Option<Timestamp>), StoreError> {
    let at = mirror.note(token::NOTE_AT)?.and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
    Ok((mirror.note(token::NOTE)?, at))
}

/// Returns a new mirror's node.
pub fn fresh_node() -> crate::domain::id::NodeId {
    crate::domain::id::NodeId::from_bytes(random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{NodeId, Number};
    use crate::domain::incident::{Rules, Timing};
    use crate::domain::paging::{Callee, Level};
    use crate::store::{FeedKind, FeedPage, FeedRow};
    use crate::sync::roster::Roster;
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn ago(seconds: u64) -> Timestamp {
        clock::now().minus(Duration::from_secs(seconds))
    }

    fn teller() -> (Teller, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let device = Device::open(dir.path(), user("mira")).unwrap();
        let node = NodeId::from_bytes([1; 16]);
        let mirror = Mirror::open(&dir.path().join("mirror.db"), &user("mira"), node, clock::now()).unwrap();
        let address = HubAddress::parse("unix:/nowhere").unwrap();
        {
            let peering = Peering::new(device.introduction(mirror.node()), "00".into(), false);
            (Teller::open(mirror, device, address, None, false, peering).unwrap(), dir)
        }
    }

    /// An incident that nobody has and whose next call was due that many seconds ago.
    fn incident(number: u8, due: u64) -> Incident {
        let group = Group { key: number.to_string(), service: "api".into(), summary: "down".into() };
        let mut incident = Incident::open(IncidentId::from_bytes([number; 16]), Number(number.into()), group, ago(600));
        incident.step_due_at = ago(due);
        incident
    }

    fn owned(mut incident: Incident, owner: &str) -> Incident {
        let (timing, paging) = (Timing::default(), Paging::default());
        let rules = Rules { timing: &timing, paging: &paging };
        incident.claim(&user(owner), OpId::from_bytes([9; 16]), clock::now(), rules);
        incident
    }

    fn feed(teller: &mut Teller, incident: &Incident) {
        let after = teller.mirror.cursor().unwrap().seq;
        let row = FeedRow { seq: after + 1, kind: FeedKind::Incident, body: serde_json::to_string(incident).unwrap() };
        let page = FeedPage {
            epoch: String::new(),
            after,
            next: after + 1,
            head: after + 1,
            rows: vec![row],
            signatures: None,
        };
        let (reply, _) = oneshot::channel();
        teller.take(Note::Page { page: Box::new(page), skew_ms: None, asked_at: ago(45), reply }).unwrap();
    }

    /// Cuts the hub off, whose last answer came that many seconds ago.
    fn offline(teller: &mut Teller, seconds: u64, refused: bool) {
        teller.last_answer = Some(ago(seconds));
        teller.link = Link::Live;
        teller.take(Note::Link(Link::Offline { since: clock::now(), reason: "gone".into(), refused })).unwrap();
    }

    fn alarms(teller: &mut Teller) -> Vec<(u64, u32)> {
        teller.picture().alarms.iter().map(|alarm| (alarm.number.0, alarm.level)).collect()
    }

    #[test]
    fn what_was_resolved_crowds_out_nothing_that_burns() {
        let (mut teller, _dir) = teller();
        for number in 0..200 {
            let mut one = incident(number, 60);
            if number >= 100 {
                one.resolved_at = Some(ago(u64::from(number)));
            }
            teller.incidents.insert(one.id, Arc::new(one));
        }
        teller.rows_stale = true;
        assert_eq!(teller.picture().rows.len(), 200);
        for number in 0..2 * RESOLVED_KEPT as u64 {
            let mut one = incident(0, 60);
            one.id = IncidentId::from_bytes(u128::from(number + 1).to_be_bytes());
            one.resolved_at = Some(ago(number + 1000));
            teller.incidents.insert(one.id, Arc::new(one));
        }
        teller.forget_old();
        teller.rows_stale = true;
        assert_eq!(teller.incidents.len(), 100 + RESOLVED_KEPT);
        assert_eq!(teller.picture().rows.len(), 100 + Picture::RESOLVED_MAX);
        assert!(teller.incidents.values().filter_map(|one| one.resolved_at).min() > Some(ago(100 + 2000 + 1000)));
        let mut numbers: Vec<u64> = (0..9).collect();
        assert_eq!(keep_first(&mut numbers, 4, |number| Reverse(*number)), 5);
        numbers.sort_unstable();
        assert_eq!(numbers, [5, 6, 7, 8]);
    }

    #[test]
    fn a_silent_hub_makes_what_is_due_ring_here_and_nothing_else() {
        let (mut teller, _dir) = teller();
        feed(&mut teller, &incident(1, 60));
        feed(&mut teller, &owned(incident(2, 60), "jonas"));
        let mut later = incident(3, 0);
        later.step_due_at = clock::now().plus(Duration::from_secs(600));
        feed(&mut teller, &later);
        assert_eq!(alarms(&mut teller), [], "a hub that answers calls by itself");
        offline(&mut teller, 5, false);
        assert_eq!(alarms(&mut teller), [], "a hub that is restarted is back sooner");
        offline(&mut teller, 60, true);
        assert_eq!(alarms(&mut teller), [], "who is let in no more is called no more");
        offline(&mut teller, 60, false);
        assert_eq!(alarms(&mut teller), [(1, 1)]);
        let alarm = teller.picture().alarms.remove(0);
        assert!(alarm.silent_since <= clock::now() && alarm.due_at == teller.incidents[&alarm.incident].step_due_at);
    }

    #[test]
    fn only_the_level_called_last_and_the_next_ring() {
        let (mut teller, _dir) = teller();
        let level = |name| Level { call: vec![Callee::Person(user(name))], within: Duration::from_secs(60) };
        let levels = ["lena", "jonas", "mira", "eve"].map(level).into();
        let paging = Paging { levels, ..Paging::default() };
        let (hub_key, epoch) = (String::new(), String::new());
        let roster = Roster { version: 1, hub_key, epoch, devices: Vec::new(), paging: Some(paging) };
        let note = format!("signature\n{}", serde_json::to_string(&roster).unwrap());
        teller.mirror.set_note(roster::NOTE, &note).unwrap();
        for called in 0..5 {
            let mut one = incident(called as u8 + 1, 60);
            one.level = called;
            feed(&mut teller, &one);
        }
        teller.reload().unwrap();
        offline(&mut teller, 60, false);
        // Called so far: none, lena, jonas (mira is next), mira (eve is next), all.
        assert_eq!(alarms(&mut teller), [(3, 3), (4, 3)]);
        assert!(teller.picture().known.people.contains(&user("eve")));
    }

    #[test]
    fn a_claim_is_told_as_seen_once_and_told_to_nobody_else() {
        let (mut teller, _dir) = teller();
        let mine = owned(incident(1, 60), "mira");
        feed(&mut teller, &mine);
        feed(&mut teller, &owned(incident(2, 60), "jonas"));
        let ids = [mine.id, IncidentId::from_bytes([2; 16])];
        let present = |teller: &mut Teller, claim_no| {
            let claims = ids.map(|id| (id, claim_no)).into();
            teller.take(Note::Ask(Ask::Present { claims, calls: Vec::new() })).unwrap()
        };
        assert!(!present(&mut teller, 7), "another claim than the hub confirmed");
        assert!(present(&mut teller, 1));
        assert!(!present(&mut teller, 1), "once");
        let waiting = teller.mirror.waiting(10).unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!((&waiting[0].op.act, waiting[0].op.basis.claim_no), (&Act::Seen, 1));
        let picture = teller.picture();
        assert!(picture.unsent == 0 && picture.rows.iter().all(|row| row.waiting.is_empty()));
        let verdicts = vec![(waiting[0].op.op_id, crate::domain::judge::Verdict::Expired)];
        teller.mirror.settle(verdicts, 0).unwrap();
        teller.reload().unwrap();
        let picture = teller.picture();
        assert!(picture.notices.is_empty() && picture.inbox.is_empty());
    }

    #[test]
    fn an_answer_is_told_where_it_was_asked_for_though_another_console_fetched_it() {
        let (mut here, dir) = teller();
        let one = incident(1, 60);
        feed(&mut here, &one);
        let basis = Basis { rev: one.rev, claim_no: one.claim_no };
        here.take(Note::Ask(Ask::Submit { incident: one.id, basis, act: Act::Ack })).unwrap();
        let op_id = here.mirror.waiting(1).unwrap()[0].op.op_id;
        let mut there = Mirror::open(&dir.path().join("mirror.db"), &user("mira"), fresh_node(), clock::now()).unwrap();
        let refused = crate::domain::judge::Verdict::Refused { because: crate::domain::judge::Refusal::NoSuchIncident };
        there.settle(vec![(op_id, refused)], 0).unwrap();
        assert_eq!(there.tell().unwrap().len(), 1, "the other console told it first");
        for _ in 0..2 {
            here.reload().unwrap();
            let told: Vec<_> = here.picture().notices.into_iter().map(|notice| notice.text).collect();
            assert_eq!(told, ["ack 1: refused: the hub knows no such incident"], "and here once");
        }
    }

    #[test]
    fn the_latest_act_can_be_undone_and_what_cannot_says_so() {
        let (mut teller, _dir) = teller();
        let one = incident(1, 60);
        feed(&mut teller, &one);
        let basis = Basis { rev: one.rev, claim_no: one.claim_no };
        let submit = |teller: &mut Teller, act| {
            teller.take(Note::Ask(Ask::Submit { incident: one.id, basis, act })).unwrap();
            teller.picture().undo
        };
        let undo = submit(&mut teller, Act::Ack);
        assert_eq!((undo.len(), undo[0].kind.word()), (1, "ack"));
        assert!(undo[0].call_at.is_some_and(|at| at <= clock::now()), "its time has passed: {undo:?}");
        let undo = submit(&mut teller, Act::Note { text: "hm".into() });
        assert_eq!(undo.iter().map(|one| one.kind.word()).collect::<Vec<_>>(), ["note", "ack"]);
        assert!(undo[0].refused.is_some() && undo[1].refused.is_none());
        let undo = submit(&mut teller, Act::Undo { op: undo[1].op, kind: undo[1].kind });
        assert_eq!(undo.iter().map(|one| one.kind.word()).collect::<Vec<_>>(), ["note"]);
    }

    #[test]
    fn a_letter_goes_when_it_is_dismissed() {
        let (mut teller, _dir) = teller();
        let one = incident(1, 60);
        feed(&mut teller, &owned(one.clone(), "mira"));
        let mut taken = owned(owned(one, "mira"), "jonas");
        taken.rev += 1;
        feed(&mut teller, &taken);
        let inbox = teller.picture().inbox;
        assert_eq!(inbox.len(), 1);
        assert_eq!(inbox[0].sentence(), "no longer yours: jonas has it");
        teller.take(Note::Ask(Ask::Dismiss(vec![inbox[0].id]))).unwrap();
        assert_eq!(teller.picture().inbox, []);
    }
}
