//! A night before the hub's real store: messages, timers, pages and the people who answer them, under a virtual clock.

use super::night::{BEGIN, Cause, HOURS, Night, source};
use ed25519_dalek::SigningKey;
use nightdesk::config;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::event::SeriesKey;
use nightdesk::domain::id::{IncidentId, NodeId, OpId, UserName};
use nightdesk::domain::incident::Incident;
use nightdesk::domain::item::Day;
use nightdesk::domain::op::{Act, Basis, Op};
use nightdesk::domain::paging::{Page, PageState, Shift, Step};
use nightdesk::domain::scope::Scope;
use nightdesk::domain::series::Series;
use nightdesk::domain::time::Timestamp;
use nightdesk::store::devices::NewToken;
use nightdesk::store::hub::{Batch, Committed, Mint, Outcome, Pushed, Round, Rules};
use nightdesk::store::memory::MemoryHub;
use nightdesk::store::{Device, FeedKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// How far the clock goes at once.
const TICK: i64 = 5000;
/// How long the hub runs on when its sources have said all.
const AFTER: i64 = 70 * 60_000;
/// How long a person needs to answer a page.
const ANSWER: i64 = 3 * 60_000;
/// How long one attempt to send may take.
const LEASE: Duration = Duration::from_secs(20);

/// Who is called, with a device to answer by.
struct Person {
    name: UserName,
    node: NodeId,
    key: SigningKey,
    nseq: u64,
    prev_hash: [u8; 32],
}

/// What became of a night.
pub struct Vigil {
    /// The hub's store as the morning finds it.
    pub hub: MemoryHub,
    /// In which incidents the series of each burn were.
    pub incidents: Vec<BTreeSet<IncidentId>>,
    /// Series that spoke.
    pub series: usize,
    /// The funnel, as the hub counted it.
    pub counted: Day,
    people: Vec<Person>,
    /// Who answers what, and when.
    answers: BTreeSet<(i64, usize, IncidentId)>,
    ops: u128,
    places: BTreeMap<SeriesKey, Vec<usize>>,
}

fn rules(config: &config::Hub) -> Rules {
    let next = AtomicU64::new(1);
    let mint = move |_| IncidentId(Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::Relaxed)) << 64));
    let book = Arc::new(config.book.clone());
    let mut paging = config.paging.clone();
    let (from, to) = (Timestamp::from_millis(BEGIN), Timestamp::from_millis(BEGIN + 86_400_000));
    paging.on_call = vec![Shift { person: name("mira"), from, to }];
    Rules {
        timing: config.timing,
        paging,
        identity: config.identity.clone(),
        handles: book.clone(),
        book,
        mint: Mint::new(mint),
    }
}

fn name(text: &str) -> UserName {
    UserName::parse(text).expect("it is a name")
}

/// Lets the night pass before a hub with this configuration; `mira` is on call.
pub fn pass(night: &Night, config: &config::Hub) -> Vigil {
    let hub = MemoryHub::new(rules(config), "epoch").expect("an empty store is made");
    let incidents = vec![BTreeSet::new(); night.burns.len()];
    let mut vigil = Vigil {
        hub,
        incidents,
        series: 0,
        counted: Day::default(),
        people: Vec::new(),
        answers: BTreeSet::new(),
        ops: 0,
        places: BTreeMap::new(),
    };
    ["mira", "jonas", "lena"].into_iter().enumerate().for_each(|(place, user)| vigil.register(place as u8 + 1, user));
    let mut words = night.words.iter().copied().peekable();
    let mut at = BEGIN;
    while at <= BEGIN + HOURS * 3_600_000 + AFTER {
        let now = Timestamp::from_millis(at);
        let mut said = Vec::new();
        while let Some(word) = words.next_if(|word| word.0 <= at) {
            said.push(word);
        }
        vigil.take(night, &said, now);
        vigil.tick(now, !said.is_empty());
        at += TICK;
    }
    assert!(words.next().is_none(), "every message was said");
    vigil.count(Timestamp::from_millis(at));
    vigil
}

impl Vigil {
    fn register(&mut self, number: u8, user: &str) {
        let (node, key) = (NodeId::from_bytes([number; 16]), SigningKey::from_bytes(&[number; 32]));
        let device = Device { node, user: name(user), public_key: *key.verifying_key().as_bytes() };
        let token = NewToken {
            id: format!("{number:08}"),
            hash: [number; 32],
            scope: Scope::Console,
            created_at: Timestamp::from_millis(BEGIN),
        };
        self.hub.register(&device, token).expect("a new console is registered");
        self.people.push(Person { name: device.user, node, key, nseq: 0, prev_hash: [0; 32] });
    }

    fn take(&mut self, night: &Night, said: &[super::night::Word], now: Timestamp) {
        if said.is_empty() {
            return;
        }
        let mut events = Vec::with_capacity(said.len());
        for word in said {
            let event = night.event(*word, now);
            let places = self.places.entry(event.key.clone()).or_default();
            if places.last() != Some(&word.1) {
                places.push(word.1);
            }
            events.push(event);
        }
        let committed = self.hub.ingest(Batch { now, events, quarantined: Vec::new() }).expect("alerts are folded");
        self.note(&committed);
    }

    /// Notes in which incidents series are.
    fn note(&mut self, committed: &Committed) {
        for Series { source, fingerprint, incident, .. } in &committed.series {
            let key = SeriesKey { source: source.clone(), fingerprint: *fingerprint };
            // What burned before this burn is of that one.
            let place = self.places.get(&key).and_then(|places| places.last());
            if let (Some(place), Some(incident)) = (place, incident) {
                self.incidents[*place].insert(*incident);
            }
        }
    }

    fn tick(&mut self, now: Timestamp, mut spoke: bool) {
        let begin = Timestamp::from_millis(BEGIN);
        loop {
            let heard: Vec<_> = std::mem::take(&mut spoke).then(|| (source(), now)).into_iter().collect();
            let due = self.hub.run_due(now, begin, &heard).expect("what is due happens");
            self.note(&due.committed);
            if !due.more {
                break;
            }
        }
        for delivery in self.hub.lease_pages(now, LEASE, 50).expect("pages are leased") {
            let done = delivery.pages.iter().map(|(page, _)| (page.id, page.lease_no, Outcome::Sent)).collect();
            self.hub.finish_pages(done, now).expect("the channel's answer is taken");
            let who = self.people.iter().position(|person| person.name == delivery.person).expect("a known person");
            for (page, _) in &delivery.pages {
                self.answers.insert((now.as_millis() + ANSWER, who, page.incident));
            }
        }
        while let Some(answer) = self.answers.pop_first() {
            if answer.0 > now.as_millis() {
                self.answers.insert(answer);
                break;
            }
            self.answer(answer.1, answer.2, now);
        }
    }

    /// Takes the incident, or says "still on it", and sees that it is one's own.
    fn answer(&mut self, who: usize, id: IncidentId, now: Timestamp) {
        for act in [Act::Ack, Act::Seen] {
            let Some(incident) = self.incident(id) else { return };
            let others = incident.owner.as_ref().is_some_and(|owner| *owner != self.people[who].name);
            if incident.open_key.is_none() || others {
                return;
            }
            let basis = Basis { rev: incident.rev, claim_no: incident.claim_no };
            self.ops += 1;
            let person = &mut self.people[who];
            person.nseq += 1;
            let op = Op {
                op_id: OpId(Uuid::from_u128(self.ops)),
                node: person.node,
                nseq: person.nseq,
                prev_hash: person.prev_hash,
                created_at: now,
                actor: person.name.clone(),
                incident: id,
                basis,
                act,
            };
            let signed = SignedOp::sign(op, &person.key);
            person.prev_hash = signed.hash();
            let submitted = self.hub.submit(&[signed], now).expect("an operation is judged");
            assert!(matches!(submitted.answers[0].1, Pushed::Judged(_)), "{:?}", submitted.answers);
            self.note(&submitted.committed);
        }
    }

    fn count(&mut self, now: Timestamp) {
        let round = Round { now, hub_up_since: None, expected: BTreeMap::new(), heard: Vec::new(), tell_counts: true };
        self.hub.watch(&round).expect("days are told");
        self.series = self.places.len();
        let mut after = 0;
        loop {
            let page = self.hub.feed(after, 1000, None).expect("the feed is read");
            for row in page.rows.iter().filter(|row| row.kind == FeedKind::Item) {
                let row: serde_json::Value = serde_json::from_str(&row.body).expect("an item is JSON");
                if row["kind"] == "day" && row["item"]["source"] == super::night::SOURCE {
                    self.counted = serde_json::from_value(row["item"].clone()).expect("a day");
                }
            }
            if page.next >= page.head {
                return;
            }
            after = page.next;
        }
    }

    /// Returns the incident.
    pub fn incident(&self, id: IncidentId) -> Option<Incident> {
        self.hub.incidents().find(|incident| incident.id == id).cloned()
    }

    /// Returns the pages that went out, the first first.
    pub fn sent(&self) -> Vec<Page> {
        let mut pages: Vec<Page> = self.hub.pages().filter(|page| page.state == PageState::Sent).cloned().collect();
        pages.sort_by_key(|page| (page.queued_at, page.incident));
        pages
    }

    /// Returns the pages that called somebody to the incident: not those that remind its owner.
    pub fn calls(&self, id: IncidentId) -> Vec<Page> {
        let is_call = |page: &Page| page.incident == id && matches!(page.step, Step::Level(_) | Step::Raised(_));
        self.sent().into_iter().filter(is_call).collect()
    }

    /// Returns whether its calls waited for another incident.
    pub fn was_held(&self, id: IncidentId) -> bool {
        self.incident(id).is_some_and(|incident| incident.held_until.is_some())
    }

    /// Returns the incidents that the burns of a cause were in.
    pub fn of(&self, night: &Night, cause: Cause) -> BTreeSet<IncidentId> {
        let burns = night.burns.iter().zip(&self.incidents).filter(|(burn, _)| burn.cause == cause);
        burns.flat_map(|(_, incidents)| incidents.iter().copied()).collect()
    }
}
