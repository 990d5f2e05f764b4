//! The hub: the real store, between a network, a timer and a provider that all fail. What is here of a hub's own code is what surrounds
//! its store: who may ask, who waits for news, when the timer looks.

use crate::console::Console;
use crate::source;
use crate::world::{Ask, Event, From, Place, Reply, World};
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::id::{IncidentId, OpId, SourceName, UserName};
use nightdesk::domain::incident::Timing;
use nightdesk::domain::label::IdentityRule;
use nightdesk::domain::paging::{CONSOLE, Callee, Level, Link, PageId, Paging};
use nightdesk::domain::scope::Scope;
use nightdesk::domain::severity::Severity;
use nightdesk::domain::source::Heard;
use nightdesk::domain::time::Timestamp;
use nightdesk::store::devices::NewToken;
use nightdesk::store::hub::{Batch, Delivery, Mint, Outcome, Pushed, Receipt, Rules};
use nightdesk::store::memory::MemoryHub;
use nightdesk::store::{Cursor, FeedPage};
use nightdesk::sync::wire::{FeedAnswer, OpAnswer, OpResult, PushAnswer};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// How long a page's sender has.
pub const LEASE: Duration = Duration::from_secs(5);
/// From which gap between two rounds on the hub takes itself for away, as its engine does.
const AWAY: Duration = Duration::from_secs(30);
/// A channel that is no console.
pub const PHONE: &str = "phone";

pub struct Hub {
    pub store: MemoryHub,
    /// How far its clock is ahead.
    pub offset: i64,
    pub boot: u64,
    pub down: bool,
    pub paused_until: i64,
    /// Nothing of it changes any more.
    pub frozen: bool,
    /// When it last started, or its clock was set: what it owes counts from here.
    pub disturbed_at: i64,
    pub copy: Option<MemoryHub>,
    pub rules: Rules,
    /// What was heard of sources since the round before.
    pub heard: Vec<Heard>,
    epoch: String,
    up_since: Timestamp,
    last: Timestamp,
    spoke: BTreeMap<SourceName, Timestamp>,
    last_spoke: BTreeMap<usize, Timestamp>,
    /// Who waits for news after which place, and until when.
    waiting: Vec<(From, Cursor, nightdesk::domain::id::NodeId, i64)>,
    /// When a console of that person last asked.
    asked: BTreeMap<UserName, i64>,
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn user(name: &str) -> UserName {
    UserName::parse(name).expect("it is a name")
}

pub fn rules() -> Rules {
    let next = AtomicU64::new(1);
    let mint = move |_| IncidentId(Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::Relaxed)) << 64));
    let level = |call| Level { call, within: seconds(15) };
    let link = |channel: &str, after| Link { channel: channel.into(), after: seconds(after) };
    Rules {
        book: Default::default(),
        timing: Timing {
            flap_window: seconds(20),
            ack_lease: seconds(60),
            lease_warning: seconds(10),
            seen_within: seconds(8),
            snooze_max: seconds(90),
            wait_max: seconds(120),
            offer_max: seconds(40),
        },
        paging: Paging {
            levels: vec![
                level(vec![Callee::Person(user("mira")), Callee::Person(user("jonas"))]),
                level(vec![Callee::Everyone]),
            ],
            policies: Default::default(),
            on_call: Vec::new(),
            chains: [(user("mira"), vec![link(CONSOLE, 0), link(PHONE, 4)]), (user("lena"), vec![link(PHONE, 0)])]
                .into(),
            bundle: seconds(3),
            down_to: Severity::P2_MILDEST,
            calendars: Default::default(),
        },
        identity: IdentityRule::default(),
        handles: std::sync::Arc::new(nightdesk::domain::holds::AtOnce),
        mint: Mint::new(mint),
    }
}

impl Hub {
    pub fn new(consoles: &[Console], ruled: bool) -> Self {
        let rules = if ruled { crate::rules::ruled(rules(), 0) } else { rules() };
        let mut store = MemoryHub::new(rules.clone(), "epoch-0").expect("an empty store is made");
        for console in consoles {
            let id = format!("{:08}", console.index);
            let token = NewToken {
                hash: [console.index as u8 + 1; 32],
                id,
                scope: Scope::Console,
                created_at: Timestamp::default(),
            };
            store.register(&console.device(), token).expect("a new console is registered");
        }
        let start = Timestamp::from_millis(1_700_000_000_000);
        Self {
            store,
            offset: 0,
            boot: 0,
            down: false,
            paused_until: 0,
            frozen: false,
            disturbed_at: 0,
            copy: None,
            rules,
            heard: Vec::new(),
            epoch: "epoch-0".into(),
            up_since: start,
            last: start,
            spoke: BTreeMap::new(),
            last_spoke: BTreeMap::new(),
            waiting: Vec::new(),
            asked: BTreeMap::new(),
        }
    }

    /// What is only in memory is gone.
    pub fn die(&mut self) {
        self.down = true;
        self.boot += 1;
        self.spoke.clear();
        self.heard.clear();
        self.waiting.clear();
        self.asked.clear();
    }

    pub fn up_since(&self) -> Timestamp {
        self.up_since
    }

    /// Returns when a source last spoke, which a witness knows whatever the hub forgot.
    pub fn spoke_at(&self, index: usize) -> Option<Timestamp> {
        self.last_spoke.get(&index).copied()
    }

    pub fn start(&mut self, now: i64, clock: Timestamp) {
        self.down = false;
        (self.up_since, self.last, self.disturbed_at) = (clock, clock, now);
        self.epoch = self.store.head().expect("the head is read").epoch;
    }
}

impl World {
    /// Takes a request that reached the hub.
    pub fn asked(&mut self, from: From, ask: Ask) {
        if self.hub.down {
            return;
        }
        if self.now < self.hub.paused_until {
            let wait = self.hub.paused_until - self.now;
            return self.at(wait, Event::Asked(from, ask));
        }
        let changes = !matches!(ask, Ask::Feed { .. });
        if changes && (self.hub.frozen || self.dies()) {
            return;
        }
        let reply = match ask {
            Ask::Feed { cursor, node } => return self.feed(from, cursor, node),
            Ask::Push(ops) => Reply::Pushed(self.push(ops)),
            Ask::Receipts(person, receipts) => self.receipts(&person, &receipts),
            Ask::Alerts(alerts) => self.ingest(from.place, &alerts),
        };
        // Committed, and the hub may die before it answers.
        if self.dies() {
            return;
        }
        self.committed();
        self.reply(from, reply);
    }

    /// Rolls whether the hub dies here.
    fn dies(&mut self) -> bool {
        let dies = !self.calm && self.random.permille(self.faults.hub_dies);
        if dies {
            self.kill_hub();
        }
        dies
    }

    fn reply(&mut self, from: From, reply: Reply) {
        let mut reply = Some(reply);
        // An answer comes once, if it comes: the connection is the request's.
        let twice = std::mem::take(&mut self.faults.twice);
        self.send(Place::Hub, from.place, || Event::Answered(from, reply.take().expect("it is sent once")));
        self.faults.twice = twice;
    }

    fn feed(&mut self, from: From, cursor: Cursor, node: nightdesk::domain::id::NodeId) {
        if let Place::Console(index) = from.place {
            let user = self.consoles[index].user.clone();
            self.hub.asked.insert(user, self.now);
        }
        let head = self.hub.store.head().expect("the head is read");
        if cursor.epoch != self.hub.epoch || cursor.seq > head.seq {
            let epoch = self.hub.epoch.clone();
            return self.reply(from, Reply::Gone(epoch));
        }
        if head.seq > cursor.seq {
            return self.reply_page(from, &cursor, node);
        }
        let until = self.now + 10_000;
        self.hub.waiting.push((from, cursor, node, until));
    }

    fn reply_page(&mut self, from: From, cursor: &Cursor, node: nightdesk::domain::id::NodeId) {
        let page = self.hub.store.feed(cursor.seq, self.faults.rows_max, node).expect("the feed is read");
        let page = if self.faults.versions { told_by_a_newer_hub(page) } else { page };
        self.reply(from, Reply::Page(page));
    }

    /// Wakes who waits for news.
    pub fn committed(&mut self) {
        let head = self.hub.store.head().expect("the head is read").seq;
        let waiting = std::mem::take(&mut self.hub.waiting);
        for (from, cursor, node, until) in waiting {
            if head > cursor.seq {
                self.reply_page(from, &cursor, node);
            } else if self.now >= until {
                let epoch = self.hub.epoch.clone();
                let page = FeedPage {
                    epoch,
                    after: cursor.seq,
                    next: cursor.seq,
                    head: cursor.seq,
                    rows: Vec::new(),
                    signatures: None,
                };
                self.reply(from, Reply::Page(page));
            } else {
                self.hub.waiting.push((from, cursor, node, until));
            }
        }
    }

    fn push(&mut self, ops: Vec<Vec<u8>>) -> PushAnswer {
        let mut answers = Vec::new();
        let mut valid = Vec::new();
        for bytes in ops {
            match self.checked(bytes) {
                Ok(op) => {
                    answers.push(OpAnswer { op_id: op.op.op_id, result: OpResult::Fork });
                    valid.push(op);
                }
                Err((op_id, reason)) => answers.push(OpAnswer { op_id, result: OpResult::Invalid(reason) }),
            }
        }
        let now = self.hub_clock();
        let before = self.hub.store.head().expect("the head is read").seq;
        let submitted = self.hub.store.submit(&valid, now).expect("what is pushed can be judged");
        self.ledger.pushed(&self.hub.store, &self.consoles, &valid, &submitted.answers);
        self.changed(before);
        let mut judged = submitted.answers.into_iter();
        for answer in answers.iter_mut().filter(|answer| !matches!(answer.result, OpResult::Invalid(_))) {
            answer.result = match judged.next().expect("each is answered").1 {
                Pushed::Judged(verdict) => OpResult::Judged(verdict),
                Pushed::Gap { expected } => OpResult::Gap(expected),
                Pushed::Fork => OpResult::Fork,
                Pushed::Revoked => OpResult::Invalid("revoked".into()),
            };
        }
        PushAnswer { head: submitted.committed.head, answers }
    }

    /// As the hub's own check: signed by the console that it names, for that console's user.
    fn checked(&self, bytes: Vec<u8>) -> Result<SignedOp, (OpId, String)> {
        let op = SignedOp::read(bytes).map_err(|error| (OpId(Uuid::nil()), error.to_string()))?;
        let refuse = |reason: &str| (op.op.op_id, reason.to_owned());
        let device = self.hub.store.device(op.op.node).expect("devices are read").ok_or_else(|| refuse("unknown"))?;
        if op.op.actor != device.user {
            return Err(refuse("it acts for another"));
        }
        // The arithmetic of signatures is a tenth of a run; one run in eight does it.
        if !self.faults.signatures {
            return Ok(op);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(&device.public_key).map_err(|_| refuse("no key"))?;
        op.verify(&key).map_err(|error| refuse(&error.to_string()))?;
        Ok(op)
    }

    fn receipts(&mut self, person: &UserName, receipts: &[(PageId, Receipt)]) -> Reply {
        let (now, before) = (self.hub_clock(), self.hub.store.head().expect("the head is read").seq);
        self.hub.store.receipts(person, receipts, now).expect("receipts are taken");
        self.changed(before);
        Reply::Taken
    }

    fn ingest(&mut self, from: Place, alerts: &[(usize, bool)]) -> Reply {
        let Place::Source(index) = from else { return Reply::Taken };
        let (now, before) = (self.hub_clock(), self.hub.store.head().expect("the head is read").seq);
        let events = alerts.iter().map(|(which, burns)| source::event(index, *which, *burns, now)).collect();
        let asleep = self.snoozed();
        self.hub.store.ingest(Batch { now, events, quarantined: Vec::new() }).expect("alerts are folded");
        self.hub.spoke.insert(source::name(index), now);
        self.hub.last_spoke.insert(index, now);
        self.heard(index, now);
        self.woken(&asleep);
        self.changed(before);
        Reply::Taken
    }

    /// Something was committed: every law must hold now.
    pub fn changed(&mut self, before: u64) {
        let head = self.hub.store.head().expect("the head is read").seq;
        assert!(head >= before, "the feed goes on");
        // What is written and told to nobody yet has a time, too.
        self.ledger.saw(self.hub_clock());
        if head > before {
            crate::checks::after_a_commit(self);
        }
    }

    /// The timer's round, once a second.
    pub fn round(&mut self, boot: u64) {
        if boot != self.hub.boot || self.hub.down || self.hub.frozen {
            return;
        }
        if self.now < self.hub.paused_until {
            let wait = self.hub.paused_until - self.now;
            self.hub.disturbed_at = self.hub.paused_until;
            return self.at(wait, Event::Round { boot });
        }
        if self.dies() {
            return;
        }
        self.at(1000, Event::Round { boot });
        let now = self.hub_clock();
        if now.since(self.hub.last) > AWAY || self.hub.last.since(now) > AWAY {
            self.hub.up_since = now;
        }
        self.hub.last = now;
        self.watch(now);
        self.run_due(now);
        self.deliver(now);
        self.committed();
        crate::checks::after_a_round(self);
    }

    fn run_due(&mut self, now: Timestamp) {
        let mut spoke: Vec<_> = std::mem::take(&mut self.hub.spoke).into_iter().collect();
        loop {
            let before = self.hub.store.head().expect("the head is read").seq;
            let up_since = self.hub.up_since;
            let due = self.hub.store.run_due(now, up_since, &std::mem::take(&mut spoke)).expect("what is due happens");
            self.changed(before);
            if !due.more {
                return;
            }
        }
    }

    /// Hands what is due to the channels; they answer later, or never, or when it is too late.
    fn deliver(&mut self, now: Timestamp) {
        let before = self.hub.store.head().expect("the head is read").seq;
        let deliveries = self.hub.store.lease_pages(now, LEASE, 20).expect("pages are leased");
        self.ledger.leased(&deliveries, self.now);
        self.changed(before);
        for delivery in deliveries {
            let (wait, outcome) = self.provided(&delivery);
            self.ledger.sent(&delivery, &outcome);
            let Some(outcome) = outcome else { continue };
            let done = delivery.pages.iter().map(|(page, _)| (page.id, page.lease_no, outcome.clone())).collect();
            let boot = self.hub.boot;
            self.at(wait, Event::Finished { boot, done });
        }
    }

    /// Returns what the channel says, and how long after; `None` is a channel that never answers.
    fn provided(&mut self, delivery: &Delivery) -> (i64, Option<Outcome>) {
        let fails = |why: &str| Some(Outcome::Failed { why: why.into() });
        if delivery.channel == CONSOLE {
            let asked = self.hub.asked.get(&delivery.person);
            let connected = asked.is_some_and(|at| self.now - at < 20_000);
            return (1, if connected { Some(Outcome::Sent) } else { fails("nobody is connected") });
        }
        if self.calm || !self.random.permille(self.faults.provider) {
            return (self.random.between(10, 900), Some(Outcome::Sent));
        }
        match self.random.below(4) {
            0 => (500, fails("the number is not in use")),
            1 => {
                let at = self.hub_clock().plus(seconds(self.random.between(1, 8) as u64));
                (500, Some(Outcome::Retry { at, why: "busy".into() }))
            }
            // It took it, and says so when the lease is over.
            2 => (LEASE.as_millis() as i64 + self.random.between(1, 9000), Some(Outcome::Sent)),
            _ => (0, None),
        }
    }

    pub fn finished(&mut self, boot: u64, done: Vec<(PageId, u64, Outcome)>) {
        if boot != self.hub.boot || self.hub.down || self.hub.frozen {
            return;
        }
        if self.now < self.hub.paused_until {
            let wait = self.hub.paused_until - self.now;
            return self.at(wait, Event::Finished { boot, done });
        }
        // Sent, and the hub may die before it notes that.
        if self.dies() {
            return;
        }
        let (now, before) = (self.hub_clock(), self.hub.store.head().expect("the head is read").seq);
        let fenced = self.ledger.finished(&self.hub.store, &done);
        self.hub.store.finish_pages(done, now).expect("answers of channels are taken");
        for before in fenced {
            let after = self.hub.store.pages().find(|page| page.id == before.id);
            assert_eq!(after, Some(&before), "I6: an answer under an old lease was taken");
        }
        self.changed(before);
        self.committed();
    }
}

/// Returns the page as it comes over the wire from a hub that knows a kind of row more.
fn told_by_a_newer_hub(page: FeedPage) -> FeedPage {
    let (answer, next) = (FeedAnswer::try_from(page.clone()).expect("rows are JSON"), page.next);
    let text = serde_json::to_string(&answer).expect("an answer is JSON");
    let row = format!(r#""rows":[{{"seq":{next},"kind":"hologram","body":{{"depth":3}}}}"#);
    let row = if page.rows.is_empty() { row } else { row + "," };
    let answer: FeedAnswer = serde_json::from_str(&text.replacen(r#""rows":["#, &row, 1)).expect("it is read");

    answer.into()
}
