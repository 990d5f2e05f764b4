//! Consoles: the real mirror and the product's own steps on it, one or two processes on each mirror, and the person before it.

use crate::random::Random;
use crate::world::{Ask, Event, From, Place, Reply, World};
use ed25519_dalek::SigningKey;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::id::{IncidentId, NodeId, OpId, UserName};
use nightdesk::domain::incident::{Incident, Life};
use nightdesk::domain::op::{Act, Basis, Kind};
use nightdesk::domain::severity::Severity;
use nightdesk::domain::time::Timestamp;
use nightdesk::store::Device;
use nightdesk::store::hub::Receipt;
use nightdesk::store::mirror::Mirror;
use nightdesk::sync::exchange::{Outcome, Round};
use nightdesk::sync::teller::{Draft, append_as};
use std::time::Duration;
use uuid::Uuid;

/// How long a console waits for an answer, in milliseconds.
const PATIENCE_MS: i64 = 20_000;

/// The two exchanges of a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    Pull,
    Push,
}

/// A request under way.
#[derive(Debug, Clone)]
pub struct Flight {
    no: u64,
    cursor: nightdesk::store::Cursor,
    asked_at: Timestamp,
}

/// One process on the mirror.
#[derive(Default)]
pub struct Session {
    pull: Option<Flight>,
    push: Option<Flight>,
    /// The present round of pushing, and what its last push sent.
    round: Round,
    sent: Vec<SignedOp>,
}

pub struct Console {
    pub index: usize,
    pub user: UserName,
    pub key: SigningKey,
    pub mirror: Mirror,
    pub sessions: Vec<Session>,
    pub boot: u64,
    pub down: bool,
    /// How far its clock is ahead.
    pub offset: i64,
    pub copy: Option<Mirror>,
    /// An older copy took the mirror's place: until a twin finds itself, such a mirror may be unable to go on, and says so.
    pub was_restored: bool,
    /// The hub said that another operation stands at its place.
    pub stuck: bool,
    /// What the person looked at a while ago.
    looked: Option<(Incident, Basis)>,
    /// What the person did lately.
    did: Vec<(OpId, Kind, IncidentId)>,
    patience: u64,
}

impl Console {
    pub fn new(index: usize, random: &mut Random) -> Self {
        let user = crate::hub::user(["mira", "jonas", "mira", "lena"][index % 4]);
        let node = NodeId::from_bytes([index as u8 + 1; 16]);
        let begin = Timestamp::from_millis(1_700_000_000_000);
        let mirror = Mirror::in_memory(&user, node, begin).expect("a mirror in memory is made");
        let processes = 1 + random.below(2);
        Self {
            index,
            user,
            key: SigningKey::from_bytes(&[index as u8 + 1; 32]),
            mirror,
            sessions: (0..processes).map(|_| Session::default()).collect(),
            boot: 0,
            down: false,
            offset: 0,
            copy: None,
            was_restored: false,
            stuck: false,
            looked: None,
            did: Vec::new(),
            patience: 0,
        }
    }

    pub fn device(&self) -> Device {
        let public_key = *self.key.verifying_key().as_bytes();
        Device { node: self.mirror.node(), user: self.user.clone(), public_key }
    }

    /// What is only in memory is gone.
    pub fn die(&mut self) {
        self.down = true;
        self.boot += 1;
        for session in &mut self.sessions {
            *session = Session::default();
        }
    }

    pub fn flight(&mut self, session: usize, which: Which) -> Option<&mut Option<Flight>> {
        self.sessions.get_mut(session).map(|session| match which {
            Which::Pull => &mut session.pull,
            Which::Push => &mut session.push,
        })
    }
}

impl World {
    /// Begins to pull or to push, unless that is under way.
    pub fn begin_exchange(&mut self, index: usize, session: usize, which: Which, boot: u64) {
        let console = &mut self.consoles[index];
        if console.boot != boot || console.down || console.flight(session, which).is_none_or(|flight| flight.is_some())
        {
            return;
        }
        let cursor = console.mirror.cursor().expect("the cursor is read");
        let ask = match which {
            Which::Pull => Ask::Feed { cursor: cursor.clone(), node: console.mirror.node() },
            Which::Push => {
                let ops = console.sessions[session].round.next(&mut console.mirror).expect("what waits is read");
                if ops.is_empty() {
                    // Woken by a key; looked at again in a while, for another process may have written.
                    console.sessions[session].round = Round::default();
                    return self.again(index, session, which, 9000);
                }
                console.sessions[session].sent.clone_from(&ops);
                Ask::Push(ops.into_iter().map(|op| op.bytes).collect())
            }
        };
        let (no, asked_at) = (self.fresh(), self.clock(self.consoles[index].offset));
        let from = From { place: Place::Console(index), session, which, no };
        if let Some(flight) = self.flight(from) {
            *flight = Some(Flight { no, cursor, asked_at });
        }
        self.at(PATIENCE_MS, Event::TimedOut(from));
        self.send(from.place, Place::Hub, || Event::Asked(from, ask.clone()));
    }

    fn again(&mut self, console: usize, session: usize, which: Which, after: i64) {
        let boot = self.consoles[console].boot;
        self.at(after, Event::Begin { console, session, which, boot });
    }

    pub fn timed_out(&mut self, from: From) {
        let Place::Console(index) = from.place else { return };
        let waits = self.flight(from).is_some_and(|flight| flight.as_ref().is_some_and(|flight| flight.no == from.no));
        if !waits {
            return;
        }
        if let Some(flight) = self.flight(from) {
            *flight = None;
        }
        let most = 250 << self.consoles[index].patience.min(4);
        self.consoles[index].patience += 1;
        let pause = self.random.between(0, most);
        self.again(index, from.session, from.which, pause);
    }

    /// Takes an answer of the hub.
    pub fn answered(&mut self, from: From, reply: Reply) {
        let index = match from.place {
            Place::Console(index) => index,
            Place::Source(source) => return self.source_answered(source, from.no),
            Place::Hub => return,
        };
        if self.consoles[index].down || matches!(reply, Reply::Taken) {
            return;
        }
        let Some(flight) = self.flight(from).and_then(|flight| flight.take_if(|flight| flight.no == from.no)) else {
            return;
        };
        // Answered, and the console may die before it writes.
        if self.console_dies(index) {
            return;
        }
        self.consoles[index].patience = 0;
        match reply {
            Reply::Page(page) => {
                let console = &mut self.consoles[index];
                console.mirror.apply(&page, flight.asked_at).expect("a page of the feed is applied");
                crate::checks::after_a_page(self, index, &page);
                self.again(index, from.session, Which::Pull, 0);
            }
            Reply::Gone(epoch) => {
                self.consoles[index].mirror.restart(&epoch, &flight.cursor).expect("a new history begins");
                self.again(index, from.session, Which::Pull, 0);
            }
            Reply::Pushed(answer) => {
                let console = &mut self.consoles[index];
                let Session { round, sent, .. } = &mut console.sessions[from.session];
                let outcome = round.after(&mut console.mirror, sent, answer).expect("verdicts are kept");
                let Outcome { fork, refused } = outcome;
                console.stuck |= fork || refused.is_some();
                self.again(index, from.session, Which::Push, 0);
            }
            Reply::Taken => {}
        }
        self.console_dies(index);
    }

    fn console_dies(&mut self, index: usize) -> bool {
        let dies = !self.calm && self.random.permille(self.faults.console_dies);
        if dies {
            self.kill_console(index);
        }
        dies
    }

    /// The person looks, and sometimes does something about what was seen.
    pub fn person(&mut self, index: usize) {
        if self.calm {
            return;
        }
        let wait = self.random.between(400, 14_000);
        self.at(wait, Event::Person(index));
        if self.consoles[index].down {
            return;
        }
        self.tells_of_pages(index);
        if self.confirms(index) {
            return;
        }
        let now = self.clock(0);
        let mirror = &mut self.consoles[index].mirror;
        let incidents = mirror.incidents(now.minus(Duration::from_secs(60))).expect("incidents are read");
        let Some(seen) = self.random.pick(&incidents).cloned() else { return };
        let fresh = (seen.clone(), Basis { rev: seen.rev, claim_no: seen.claim_no });
        let looked = self.consoles[index].looked.replace(fresh.clone());
        // Now and then it is something seen a while ago.
        let (seen, basis) = looked.filter(|_| self.random.permille(250)).unwrap_or(fresh);
        if let Some(act) = self.act(index, &seen, &incidents) {
            self.acts(index, seen.id, basis, act);
        }
    }

    /// Its console tells the hub which calls it has, and which the person saw.
    fn tells_of_pages(&mut self, index: usize) {
        let console = &mut self.consoles[index];
        let pages = console.mirror.calls(&console.user, 50).expect("pages are read");
        let seen = self.random.permille(500);
        let receipt = if seen { Receipt::Seen } else { Receipt::Delivered };
        let receipts: Vec<_> = pages.iter().map(|page| (page.id, receipt)).collect();
        if receipts.is_empty() {
            return;
        }
        let (place, user, no) = (Place::Console(index), self.consoles[index].user.clone(), self.fresh());
        let from = From { place, session: usize::MAX, which: Which::Push, no };
        self.send(place, Place::Hub, || Event::Asked(from, Ask::Receipts(user.clone(), receipts.clone())));
    }

    pub fn acts(&mut self, index: usize, incident: IncidentId, basis: Basis, act: Act) {
        let op_id = OpId(Uuid::from_u128(u128::from(self.fresh()) << 64 | 0x0b));
        let clock = self.clock(self.consoles[index].offset);
        let kind = act.known();
        let console = &mut self.consoles[index];
        let draft = Draft { incident, basis, act };
        let signed = append_as(&mut console.mirror, (&console.user, &console.key), draft, op_id, clock)
            .expect("an operation is written");
        if let Some(kind) = kind {
            console.did.push((op_id, kind, incident));
        }
        self.say(|_| format!("{} writes {} {:?}", signed.op.actor, signed.op.nseq, signed.op.act));
        self.ledger.wrote(index, &signed);
        for session in 0..self.consoles[index].sessions.len() {
            self.again(index, session, Which::Push, 0);
        }
    }

    fn act(&mut self, index: usize, seen: &Incident, all: &[Incident]) -> Option<Act> {
        let clock = self.clock(self.consoles[index].offset);
        let soon = |world: &mut Self| clock.plus(Duration::from_secs(world.random.between(1, 100) as u64));
        let mine = seen.owner.as_ref() == Some(&self.consoles[index].user) && seen.life == Life::Acked;
        let somebody = crate::hub::user(self.random.pick(&["mira", "jonas", "lena", "nobody"])?);
        let offer = seen.offer.as_ref().map(|offer| offer.op);
        Some(match self.random.below(30) {
            0..=5 => Act::Ack,
            6 | 7 if mine => Act::Seen,
            6 => Act::Seen,
            8 => Act::Unack,
            9 => Act::TakeOver,
            10 | 11 => Act::Snooze { until: soon(self), until_change: self.random.permille(500) },
            12 => Act::Wait { reason: "a disk".into(), ticket: String::new(), until: soon(self) },
            13 => Act::Escalate { to: None, level_seen: seen.level },
            14 => Act::Escalate { to: Some(somebody), level_seen: seen.level },
            15 => Act::Offer { to: somebody, expires_at: soon(self) },
            16 | 17 => Act::Accept { offer: offer? },
            18 => Act::Decline { offer: offer? },
            19 => Act::Assign { to: somebody },
            20 => Act::SetSeverity { to: Severity::new(self.random.between(1, 9) as u8).ok()? },
            21 | 22 => Act::Note { text: format!("words {}", self.fresh()) },
            23 => Act::Resolve { force: self.random.permille(400) },
            24 => Act::Reopen,
            25 => Act::Merge { into: self.random.pick(all)?.id },
            26 => {
                let series = self.consoles[index].mirror.series_of(seen.id, 9).expect("series are read");
                let one = self.random.pick(&series)?;
                Act::Split {
                    series: vec![nightdesk::domain::event::SeriesKey {
                        source: one.source.clone(),
                        fingerprint: one.fingerprint,
                    }],
                }
            }
            27 | 28 => {
                let (op, kind, _) = *self.consoles[index].did.iter().rev().find(|(_, _, of)| *of == seen.id)?;
                Act::Undo { op, kind }
            }
            29 if self.faults.versions => Act::Unknown { kind: "teleport".into(), args: vec![0x80] },
            _ => return None,
        })
    }
}
