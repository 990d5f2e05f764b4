//! Tells what a person sees: the confirmed state of the mirror, with the own waiting operations laid over it.
//!
//! The overlay is computed anew for each picture and never written into the mirror.

use super::client::HubAddress;
use super::clock;
use super::desk::{Ask, Note};
use super::device::{Device, random};
use super::exchange;
use super::picture::{Detail, Link, Notice, Picture, Row, Waiting};
use super::receipts::{Ledger, rings};
use super::wire::{HubCard, OpResult, PUSH_OPS_MAX, PushAnswer};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{IncidentId, OpId};
use crate::domain::incident::Incident;
use crate::domain::incident::{Rules, Timing};
use crate::domain::judge::{Context, Verdict, judge};
use crate::domain::op::{Act, Basis, Op};
use crate::domain::paging::{Page, Paging};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::mirror::{AppendError, Applied, Mirror, OwnOp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a resolved incident stays in the stream.
const RESOLVED_SHOWN: Duration = Duration::from_secs(86_400);
/// Verdicts that a picture carries.
const NOTICES_MAX: usize = 20;
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
    incidents: BTreeMap<IncidentId, Incident>,
    unshown: Vec<OwnOp>,
    rows: Arc<Vec<Row>>,
    rows_hidden: usize,
    rows_stale: bool,
    look: Option<IncidentId>,
    detail: Option<Arc<Detail>>,
    /// Pages that call the person now.
    calls: Vec<Page>,
    receipts: Ledger,
    notices: Vec<Notice>,
    notice_no: u64,
    data_version: i64,
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
            rows_stale: true,
            look: None,
            detail: None,
            calls: Vec::new(),
            receipts: Ledger::default(),
            notices: Vec::new(),
            notice_no: 0,
            data_version: 0,
            pruned_at: clock::now(),
        };
        teller.as_of = teller.mirror.as_of()?;
        teller.reload()?;
        Ok(teller)
    }

    /// Takes one note; returns whether there is something to push now.
    pub fn take(&mut self, note: Note) -> Result<bool, StoreError> {
        match note {
            Note::Ask(Ask::Submit { incident, basis, act }) => return self.submit(incident, basis, act),
            Note::Ask(Ask::Look(look)) => {
                self.look = look;
                self.read_detail()?;
            }
            Note::Ask(Ask::Present { claims: _, calls }) => self.receipts.look(&calls),
            Note::Ask(Ask::Refresh) => return self.look_at_disk(),
            Note::Ask(Ask::Close) => {}
            Note::Cursor(reply) => {
                let _ = reply.send(self.mirror.cursor()?);
            }
            Note::Page { page, skew_ms, asked_at, reply } => {
                let newer = page.next > self.mirror.cursor()?.seq;
                let caught_up = page.next >= page.head;
                if newer {
                    let applied = self.mirror.apply(&page, asked_at)?;
                    self.applied(applied)?;
                }
                self.answered(asked_at, skew_ms, newer && caught_up, caught_up)?;
                let _ = reply.send(());
            }
            Note::Gone { epoch, refused, reply } => {
                self.mirror.restart(&epoch, &refused)?;
                self.receipts.say_again();
                let _ = reply.send(());
            }
            Note::Waiting { from, reply } => {
                let ops = match from {
                    Some(nseq) => self.mirror.ops_from(nseq, PUSH_OPS_MAX)?,
                    None => self.mirror.waiting(PUSH_OPS_MAX)?,
                };
                let _ = reply.send(exchange::one_push(ops));
            }
            Note::Answer(answer) => self.judged(answer)?,
            Note::Receipts(reply) => {
                let _ = reply.send(self.receipts.to_tell(&self.calls));
            }
            Note::Receipted(receipts) => self.receipts.told(&receipts),
            Note::Link(link) => self.link_changed(link)?,
            Note::Token(token) => self.mirror.set_note("token", &token)?,
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
        tracing::error!(error = error as &dyn std::error::Error, "the mirror refused");
        let why = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
        self.notice(format!("the mirror refused: {error}{why}"), false);
    }

    fn submit(&mut self, incident: IncidentId, basis: Basis, act: Act) -> Result<bool, StoreError> {
        let draft = Draft { incident, basis, act };
        match append(&mut self.mirror, &self.device, draft) {
            Ok(_) => {
                self.read_unshown()?;
                Ok(true)
            }
            Err(AppendError::Store(error)) => Err(error),
            Err(error @ AppendError::TooManyWait) => {
                self.notice(error.to_string(), false);
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
        let version = self.mirror.data_version()?;
        if std::mem::replace(&mut self.data_version, version) == version {
            return Ok(false);
        }
        self.reload()?;
        Ok(!self.unshown.is_empty())
    }

    fn reload(&mut self) -> Result<(), StoreError> {
        let after = clock::now().minus(RESOLVED_SHOWN);
        self.incidents = self.mirror.incidents(after)?.into_iter().map(|incident| (incident.id, incident)).collect();
        self.data_version = self.mirror.data_version()?;
        self.read_calls()?;
        self.read_unshown()?;
        self.read_detail()
    }

    fn read_calls(&mut self) -> Result<(), StoreError> {
        self.calls = self.mirror.calls(&self.device.user, Picture::CALLS_MAX)?;
        self.calls.retain(rings);
        self.receipts.keep(&self.calls);
        Ok(())
    }

    fn read_unshown(&mut self) -> Result<(), StoreError> {
        self.tell_verdicts()?;
        self.unshown = self.mirror.unshown()?;
        self.rows_stale = true;
        Ok(())
    }

    fn read_detail(&mut self) -> Result<(), StoreError> {
        self.detail = match self.look {
            Some(id) => Some(Arc::new(Detail {
                incident: id,
                series: self.mirror.series_of(id, Detail::SERIES_MAX)?,
                lines: self.mirror.lines_of(id, Detail::LINES_MAX)?,
                pages: self.mirror.pages_of(id, Detail::PAGES_MAX)?,
            })),
            None => None,
        };
        Ok(())
    }

    fn applied(&mut self, applied: Applied) -> Result<(), StoreError> {
        if applied.swept {
            self.reload()?;
        }
        let looked_at = |id: &IncidentId| self.look == Some(*id);
        let detail =
            applied.touched.iter().any(looked_at) || applied.incidents.iter().any(|incident| looked_at(&incident.id));
        for incident in applied.incidents {
            self.incidents.insert(incident.id, incident);
        }
        self.read_calls()?;
        let horizon = clock::now().minus(RESOLVED_SHOWN);
        self.incidents.retain(|_, incident| incident.resolved_at.is_none_or(|at| at > horizon));
        self.read_unshown()?;
        if detail { self.read_detail() } else { Ok(()) }
    }

    fn answered(&mut self, at: Timestamp, skew_ms: Option<i64>, news: bool, caught_up: bool) -> Result<(), StoreError> {
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
        if let Some(reason) = exchange::stuck(&answer) {
            self.notice(format!("the hub cannot take what waits: {reason}; it is kept"), false);
        }
        let judged = answer.answers.into_iter().filter_map(|one| match one.result {
            OpResult::Judged(verdict) => Some((one.op_id, verdict)),
            OpResult::Gap(_) | OpResult::Fork | OpResult::Invalid(_) => None,
        });
        self.mirror.settle(judged.collect(), answer.head)?;
        self.read_unshown()
    }

    /// Tells the verdicts that nobody was told yet, those that another process of this user fetched among them.
    fn tell_verdicts(&mut self) -> Result<(), StoreError> {
        for own in self.mirror.tell()? {
            let Some(verdict) = &own.verdict else { continue };
            let name = match self.mirror.incident(own.op.incident)? {
                Some(incident) => incident.number.to_string(),
                None => own.op.incident.to_string(),
            };
            self.notice(format!("{} {name}: {}", own.op.act.kind(), verdict.sentence()), verdict.is_welcome());
        }
        Ok(())
    }

    fn notice(&mut self, text: String, welcome: bool) {
        self.notice_no += 1;
        self.notices.push(Notice { no: self.notice_no, text, welcome });
        let surplus = self.notices.len().saturating_sub(NOTICES_MAX);
        self.notices.drain(..surplus);
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
            as_of: self.as_of,
            skew_ms: self.skew_ms,
            rows: self.rows.clone(),
            rows_hidden: self.rows_hidden,
            detail: self.detail.clone(),
            calls: self.calls.clone(),
            inbox: Vec::new(),
            alarm: None,
            unsent: self.unshown.iter().filter(|own| own.verdict.is_none()).count(),
            notices: self.notices.clone(),
        }
    }

    fn lay_over(&mut self) {
        let mut waiting: HashMap<IncidentId, Vec<Waiting>> = HashMap::new();
        for own in &self.unshown {
            let one = Waiting { op_id: own.op.op_id, act: own.op.act.clone(), created_at: own.op.created_at };
            waiting.entry(own.op.incident).or_default().push(one);
        }
        let mut rows: Vec<Row> = self
            .incidents
            .values()
            .map(|incident| Row {
                incident: incident.clone(),
                waiting: waiting.remove(&incident.id).unwrap_or_default(),
                said: Vec::new(),
            })
            .collect();
        if rows.len() > Picture::ROWS_MAX {
            // Worst and newest first; an unexamined one counts as the worst, for nobody has looked.
            rows.sort_by_key(|row| {
                let incident = &row.incident;
                (
                    incident.resolved_at.is_some(),
                    incident.severity.map_or(0, |severity| severity.number()),
                    std::cmp::Reverse(incident.since),
                )
            });
        }
        self.rows_hidden = rows.len().saturating_sub(Picture::ROWS_MAX);
        rows.truncate(Picture::ROWS_MAX);
        self.rows = Arc::new(rows);
    }
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
    let Draft { incident, basis, act } = draft;
    let basis = after_own(mirror, incident, basis)?;
    mirror.append(|node, nseq, prev_hash| {
        let actor = device.user.clone();
        let op = Op { op_id, node, nseq, prev_hash, created_at: now, actor, incident, basis, act };
        SignedOp::sign(op, &device.key)
    })
}

/// Returns the basis as it will be once the own operations before this one are judged: the person saw them too, as waiting.
///
/// If the hub judges one of them otherwise, the basis is wrong and what relies on it is superseded: the loud side.
fn after_own(mirror: &mut Mirror, id: IncidentId, basis: Basis) -> Result<Basis, StoreError> {
    let Some(now) = mirror.incident(id)? else { return Ok(basis) };
    let mut then = now.clone();
    let (timing, paging) = (Timing::default(), Paging::default());
    for own in mirror.unshown()?.into_iter().filter(|own| own.op.incident == id) {
        if own.verdict.as_ref().is_none_or(Verdict::is_welcome) {
            let context = Context {
                now: own.op.created_at,
                rules: Rules { timing: &timing, paging: &paging },
                successor: None,
                knows: true,
                target_open: true,
                split: 1,
            };
            judge(&mut then, &own.op, &context);
        }
    }
    Ok(Basis { rev: basis.rev + (then.rev - now.rev), claim_no: basis.claim_no + (then.claim_no - now.claim_no) })
}

/// Returns a new mirror's node.
pub fn fresh_node() -> crate::domain::id::NodeId {
    crate::domain::id::NodeId::from_bytes(random())
}
