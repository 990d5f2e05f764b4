//! The invariants, as SYNC names them. What is checked after each commit, each round, each page of the feed, and at the end.

use crate::console::Console;
use crate::world::World;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::id::{IncidentId, NodeId, OpId, UserName};
use nightdesk::domain::incident::{Incident, Life};
use nightdesk::domain::judge::Verdict;
use nightdesk::domain::op::{Act, Op};
use nightdesk::domain::paging::{Page, PageId, PageState, Paging, Step};
use nightdesk::domain::series::Series;
use nightdesk::domain::time::Timestamp;
use nightdesk::store::hub::{Delivery, Outcome, Pushed};
use nightdesk::store::memory::MemoryHub;
use nightdesk::store::{FeedKind, FeedPage};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// How long the hub may take to call somebody beside what its rules say, in milliseconds.
const SLACK_MS: i64 = 6000;
/// Within which a page that is due is sent, while its channel may hang for a lease.
const LATE: Duration = Duration::from_secs(20);

/// What is known of a page.
struct Known {
    open: bool,
    attempts: u32,
    lease_no: u64,
    lease_until: Option<Timestamp>,
}

/// What was seen so far, by a witness who forgets nothing; of the hub's present branch of history where it is the hub's.
#[derive(Default)]
pub struct Ledger {
    pub counts: BTreeMap<&'static str, u64>,
    written: Vec<(usize, Op)>,
    verdicts: HashMap<OpId, Verdict>,
    notes: Vec<String>,
    chains: HashMap<NodeId, (u64, [u8; 32])>,
    won: HashMap<(IncidentId, u64), UserName>,
    seen: HashSet<(IncidentId, u64)>,
    answered: HashSet<(IncidentId, UserName)>,
    claims: HashMap<(IncidentId, u64), UserName>,
    /// Of every branch: a mirror may still show one that a restore lost.
    ever: HashSet<(IncidentId, u64, UserName)>,
    revs: HashMap<IncidentId, (u64, u64, u64)>,
    pages: BTreeMap<PageId, Known>,
    /// Leases that the channel itself gave back.
    given_back: HashSet<(PageId, u64)>,
    chased: HashSet<(IncidentId, u64)>,
    called_at: HashMap<IncidentId, i64>,
    burns_since: HashMap<IncidentId, i64>,
    unseen_since: HashMap<IncidentId, (u64, i64)>,
    /// What nobody had after the latest commit, and which revision was the latest to the louder side.
    triggered: HashMap<IncidentId, u64>,
    latest: Timestamp,
    restores: u64,
    pub waits: crate::rules::Waits,
    pub read: crate::runbooks::Written,
}

impl Ledger {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// The hub's clock showed this.
    pub fn saw(&mut self, clock: Timestamp) {
        self.latest = self.latest.max(clock);
    }

    /// Returns the latest time that the hub's clock ever showed.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Returns how often the hub went on from a copy.
    pub fn restores(&self) -> u64 {
        self.restores
    }

    /// An operation was written on a console's disk.
    pub fn wrote(&mut self, console: usize, signed: &SignedOp) {
        self.count("operations written");
        self.read.note(&signed.op);
        self.written.push((console, signed.op.clone()));
    }

    /// The hub's history goes on from an older copy: what came after it never was.
    pub fn restored(&mut self, store: &MemoryHub) {
        self.restores += 1;
        self.verdicts.clear();
        self.notes.clear();
        self.chains.clear();
        self.revs.clear();
        self.chased.clear();
        self.called_at.clear();
        self.burns_since.clear();
        self.unseen_since.clear();
        self.triggered.clear();
        self.waits.held.clear();
        self.pages = store.pages().map(|page| (page.id, known(page))).collect();
        let owned = |incident: &Incident| Some(((incident.id, incident.claim_no), incident.owner.clone()?));
        self.claims = store.incidents().filter_map(owned).collect();
        self.won.retain(|claim, owner| self.claims.get(claim) == Some(owner));
    }

    /// The hub answered a push.
    pub fn pushed(&mut self, store: &MemoryHub, consoles: &[Console], ops: &[SignedOp], answers: &[(OpId, Pushed)]) {
        assert_eq!(ops.len(), answers.len(), "each operation is answered");
        for (signed, (id, pushed)) in ops.iter().zip(answers) {
            assert_eq!(signed.op.op_id, *id, "answers are in the order of the push");
            let writer = consoles.iter().find(|console| console.mirror.node() == signed.op.node);
            let copied = writer.is_some_and(|writer| writer.was_restored);
            match pushed {
                Pushed::Judged(verdict) => self.judged(store, writer, signed, verdict, ops.len() == 1),
                Pushed::Gap { .. } => {
                    self.count("gaps");
                    assert!(self.restores > 0 || copied, "I15: a gap, though the hub lost nothing");
                }
                Pushed::Fork => {
                    self.count("forks");
                    assert!(copied, "I15: a fork, though nobody copied");
                }
                Pushed::Revoked => panic!("I16: nobody was revoked"),
            }
        }
    }

    fn judged(
        &mut self,
        store: &MemoryHub,
        writer: Option<&Console>,
        signed: &SignedOp,
        verdict: &Verdict,
        alone: bool,
    ) {
        let op = &signed.op;
        if let Some(before) = self.verdicts.get(&op.op_id).cloned() {
            self.count("operations answered again");
            assert_eq!(before, *verdict, "I10: another verdict for a retry of {op:?}");
            return;
        }
        self.count("operations judged");
        self.verdicts.insert(op.op_id, verdict.clone());
        if let Some((nseq, hash)) = self.chains.insert(op.node, (op.nseq, signed.hash())) {
            // After a restore a retry may be older than what this witness saw first.
            let follows = op.nseq == nseq + 1 && op.prev_hash == hash;
            assert!(follows || self.restores > 0, "I15: {op:?} does not follow {nseq}");
        }
        assert!(writer.is_some_and(|writer| writer.user == op.actor), "I16: {op:?} acts for another");
        let claim = store.incidents().find(|incident| incident.id == op.incident).map(|incident| incident.claim_no);
        let unheard = alone && self.triggered.get(&op.incident).is_some_and(|loud_rev| op.basis.rev < *loud_rev);
        let silences = unheard && op.act == Act::Ack && matches!(verdict, Verdict::Won { .. });
        assert!(!silences, "I8: an ack that had not seen the louder silences it: {op:?}");
        if let Verdict::Won { claim_no } | Verdict::WonNoStop { claim_no } = verdict {
            self.won.insert((op.incident, *claim_no), op.actor.clone());
        }
        let said = matches!(op.act, Act::Seen | Act::Ack) && *verdict == Verdict::Applied;
        if let Some(claim) = claim.filter(|_| said) {
            self.seen.insert((op.incident, claim.max(op.basis.claim_no)));
            self.seen.insert((op.incident, op.basis.claim_no));
        }
        if matches!(verdict, Verdict::Won { .. } | Verdict::Joined { .. }) || op.act == Act::Ack {
            self.answered.insert((op.incident, op.actor.clone()));
        }
        if let (Act::Note { text }, Verdict::Applied) = (&op.act, verdict) {
            self.notes.push(text.clone());
        }
    }

    /// Pages were leased to be sent.
    pub fn leased(&mut self, deliveries: &[Delivery], _now: i64) {
        for delivery in deliveries {
            assert!(!delivery.pages.is_empty(), "a message has a page");
            for (page, incident) in &delivery.pages {
                self.count("pages tried");
                assert!(page.needless(incident).is_none(), "I6: a needless page goes out: {page:?}");
            }
        }
    }

    /// A channel was given a message.
    pub fn sent(&mut self, _delivery: &Delivery, outcome: &Option<Outcome>) {
        self.count(match outcome {
            Some(Outcome::Sent) => "messages sent",
            Some(Outcome::Retry { .. }) => "messages to retry",
            Some(Outcome::Failed { .. }) => "messages refused",
            None => "messages never answered",
        });
    }

    /// A channel answers; returns the pages that were leased to another since, which must not heed it.
    pub fn finished(&mut self, store: &MemoryHub, done: &[(PageId, u64, Outcome)]) -> Vec<Page> {
        let mut fenced = Vec::new();
        for (id, lease_no, outcome) in done {
            let other = store.pages().find(|page| page.id == *id && page.lease_no != *lease_no);
            if let Some(other) = other {
                self.count("answers under an old lease");
                fenced.push(other.clone());
            }
            if matches!(outcome, Outcome::Retry { .. }) {
                self.given_back.insert((*id, *lease_no));
            }
        }
        fenced
    }
}

fn known(page: &Page) -> Known {
    Known { open: page.is_open(), attempts: page.attempts, lease_no: page.lease_no, lease_until: page.lease_until }
}

/// Checks what the hub holds, after every commit.
pub fn after_a_commit(world: &mut World) {
    let (now, clock) = (world.now, world.hub_clock());
    world.say(|world| {
        let brief = |one: &Incident| {
            let Incident { number, rev, life, owner, level, round, fire_no, step_due_at, .. } = one;
            let owner = owner.as_ref().map_or("-", UserName::as_str);
            let due = step_due_at.since(clock).as_millis();
            format!("{number}: rev {rev} {life:?} {owner} fire {fire_no} level {level} round {round} step in {due}; ")
        };
        world.hub.store.incidents().map(brief).collect()
    });
    let World { hub, ledger, faults, .. } = world;
    ledger.count("commits");
    let rules = &hub.rules;
    // Working hours begin a day later at the most.
    let longest = if faults.rules { 25 * 3600 } else { 3600 };
    let reach = ledger.latest.plus(rules.timing.longest(&rules.paging).max(Duration::from_secs(longest)));
    let mut incidents = HashMap::new();
    ledger.triggered.clear();
    for incident in hub.store.incidents() {
        if incident.life == Life::Triggered {
            ledger.triggered.insert(incident.id, incident.loud_rev);
        }
        incidents.insert(incident.id, incident);
        let resolved = incident.life == Life::Resolved;
        assert_eq!(resolved, incident.next_due_at.is_none(), "I1: no timer: {incident:?}");
        assert!(incident.next_due_at.is_none_or(|due| due <= reach), "I1: a timer out of reach: {incident:?}");
        let counts = (incident.rev, incident.claim_no, incident.fire_no);
        let (rev, claim, fire) = ledger.revs.insert(incident.id, counts).unwrap_or_default();
        assert!(rev <= counts.0 && claim <= counts.1 && fire <= counts.2, "I3: a count went back: {incident:?}");
        if let Some(owner) = &incident.owner {
            let key = (incident.id, incident.claim_no);
            let had = ledger.claims.entry(key).or_insert_with(|| owner.clone());
            assert_eq!(had, owner, "I3: two owners of one claim: {incident:?}");
            assert_eq!(ledger.won.get(&key), Some(owner), "I4: a claim that no verdict gave: {incident:?}");
            ledger.ever.insert((incident.id, incident.claim_no, owner.clone()));
        }
    }
    let mut fresh = Vec::new();
    for page in hub.store.pages() {
        let incident = incidents[&page.incident];
        let before = ledger.pages.get(&page.id);
        match before {
            None => fresh.push(page),
            Some(before) => {
                let tried = page.attempts - before.attempts.min(page.attempts);
                assert!(page.attempts >= before.attempts && page.lease_no >= before.lease_no, "I7: {page:?}");
                let ended = before.lease_until.is_none_or(|until| until <= clock);
                let given_back = ledger.given_back.contains(&(page.id, before.lease_no));
                assert!(tried == 0 || before.attempts == 0 || ended || given_back, "I7: sent twice at once: {page:?}");
            }
        }
        let closed = before.is_none_or(|before| before.open) && !page.is_open();
        if closed && !matches!(page.state, PageState::Failed(_)) {
            explained(ledger, hub.store.pages(), page, incident);
        }
    }
    for page in &fresh {
        ledger.count("pages queued");
        let id = Page::id_of(page.incident, page.fire_no, page.step, page.round, &page.person, page.link);
        assert_eq!(id, page.id, "I7: the identity of a page is what it is about: {page:?}");
        ledger.called_at.insert(page.incident, now);
        match page.step {
            Step::Claim(claim) => _ = ledger.chased.insert((page.incident, claim)),
            Step::Raised(_) => _ = ledger.chased.insert((page.incident, incidents[&page.incident].claim_no)),
            _ => {}
        }
    }
    ledger.pages = hub.store.pages().map(|page| (page.id, known(page))).collect();
    crate::rules::after_a_commit(world);
    crate::runbooks::after_a_commit(world);
}

/// I4, I8: a page that asks for no answer any more has a reason that the hub confirmed.
fn explained<'p>(ledger: &Ledger, mut all: impl Iterator<Item = &'p Page>, page: &Page, incident: &Incident) {
    let owner = incident.owner.as_ref();
    let acked = incident.life == Life::Acked;
    let seen = ledger.seen.contains(&(incident.id, incident.claim_no));
    let answered = page.acknowledged_at.is_some() && ledger.answered.contains(&(page.incident, page.person.clone()));
    let holds = match page.step {
        _ if incident.life == Life::Resolved || answered => true,
        _ if incident.silenced.is_some() && !page.must && page.step.is_the_hubs() => true,
        Step::Level(_) | Step::Escalated(_) | Step::Claimer => {
            let taken = acked && (!page.must || owner == Some(&page.person));
            let newer = |other: &Page| {
                (other.fire_no, other.round) > (page.fire_no, page.round)
                    && other.incident == page.incident
                    && other.person == page.person
            };
            taken || all.any(newer)
        }
        Step::Claim(claim) => incident.claim_no != claim || seen,
        Step::LeaseEnds(until) => incident.owner.as_ref() != Some(&page.person) || incident.lease_until != Some(until),
        Step::Raised(_) => incident.life == Life::Triggered || seen,
        Step::Lost(_) | Step::Wake(_) => acked,
        Step::Offer(op) => incident.offer.as_ref().is_none_or(|offer| offer.op != op),
        Step::Assigned(op) => incident.assigned.as_ref().is_none_or(|assigned| assigned.op != op),
    };
    assert!(holds, "I4: a page was closed for no confirmed reason: {page:?}\n{incident:?}");
}

/// Checks what the hub owes to people, after each round of its timer.
pub fn after_a_round(world: &mut World) {
    let (now, clock) = (world.now, world.hub_clock());
    let World { hub, ledger, faults, .. } = world;
    let Paging { levels, down_to, .. } = &hub.rules.paging;
    let within = levels.iter().map(|level| level.within.as_millis() as i64).max().unwrap_or_default();
    let seen_within = hub.rules.timing.seen_within.as_millis() as i64;
    for incident in hub.store.incidents() {
        let mild = incident.severity.is_some_and(|severity| down_to.is_worse_than(severity));
        let calm = incident.recovering_until.is_some();
        if incident.life != Life::Triggered || calm || mild || crate::rules::waits(&hub.rules, incident, clock) {
            ledger.burns_since.remove(&incident.id);
        } else {
            let since = *ledger.burns_since.entry(incident.id).or_insert(now);
            let called = ledger.called_at.get(&incident.id).copied().unwrap_or(0);
            let quiet = now - since.max(called).max(hub.disturbed_at);
            assert!(quiet <= within + SLACK_MS, "I1: nobody is called for {quiet} ms: {incident:?}");
        }
        let key = (incident.id, incident.claim_no);
        // A silence keeps back what the hub asks of its own accord.
        let asked = ledger.seen.contains(&key) || ledger.chased.contains(&key) || incident.silenced.is_some();
        if incident.life != Life::Acked || calm || asked {
            ledger.unseen_since.remove(&incident.id);
        } else {
            let (claim, since) = *ledger.unseen_since.entry(incident.id).or_insert((incident.claim_no, now));
            if claim != incident.claim_no {
                ledger.unseen_since.insert(incident.id, (incident.claim_no, now));
            } else {
                let unseen = now - since.max(hub.disturbed_at);
                assert!(unseen <= seen_within + SLACK_MS, "I5: nobody asked whether the owner knows: {incident:?}");
            }
        }
    }
    // After a step of the clock a lease may stand for a minute that nobody holds.
    let settled = if faults.hub_clock { Duration::from_secs(60) } else { LATE };
    if now - hub.disturbed_at > settled.as_millis() as i64 + SLACK_MS {
        let audit = hub.store.audit(clock, LATE).expect("the audit is read");
        assert_eq!(audit.overdue, [], "I1: overdue");
        let overdue = |incident: &&Incident| incident.next_due_at.is_some_and(|due| due < clock.minus(LATE));
        assert_eq!(hub.store.incidents().find(overdue), None, "I1: overdue, and no audit tells");
        let late = |page: &&Page| match page.state {
            PageState::Queued => page.not_before < clock.minus(LATE),
            PageState::Sending => page.lease_until.is_none_or(|until| until < clock.minus(LATE)),
            PageState::Sent | PageState::Failed(_) | PageState::Skipped(_) => false,
        };
        assert_eq!(hub.store.pages().find(late), None, "I6: late at {clock}");
        assert_eq!(audit.late_pages, 0, "I6: pages are late");
    }
    crate::rules::after_a_round(world);
}

/// Checks what a console shows, after it took a page of the feed.
pub fn after_a_page(world: &mut World, index: usize, page: &FeedPage) {
    world.ledger.count("pages of the feed");
    if page.rows.is_empty() || !page.next.is_multiple_of(4) {
        return;
    }
    let incidents = world.consoles[index].mirror.incidents(Timestamp::default()).expect("incidents are read");
    for incident in &incidents {
        let Some(owner) = &incident.owner else { continue };
        let claim = (incident.id, incident.claim_no, owner.clone());
        assert!(world.ledger.ever.contains(&claim), "I2: no hub ever said so: {incident:?}");
    }
    let cursor = world.consoles[index].mirror.cursor().expect("the cursor is read");
    let head = world.hub.store.head().expect("the head is read");
    if page.next.is_multiple_of(16) && cursor == head {
        world.ledger.count("mirrors compared on the way");
        same_rows(world, index, "I12");
    }
}

/// What of a series reaches consoles when it matters: its counters alone wake nobody.
fn canonical(kind: FeedKind, body: String) -> String {
    if kind == FeedKind::Item {
        let row: serde_json::Value = serde_json::from_str(&body).expect("an item is JSON");
        return row.get("item").unwrap_or(&row).to_string();
    }
    if kind != FeedKind::Series {
        return body;
    }
    let mut series: Series = serde_json::from_str(&body).expect("a series is read");
    series.deliveries = 0;
    series.last_seen = Timestamp::default();
    series.newest_start = Timestamp::default();
    series.promise_ms = None;
    if !series.state.is_over() {
        series.ends_at = None;
    }
    serde_json::to_string(&series).expect("a series is JSON")
}

fn same_rows(world: &World, index: usize, law: &str) {
    let console = &world.consoles[index];
    let dumped = console.mirror.dump().expect("the mirror is read");
    let mut mirror: Vec<String> = dumped.into_iter().map(|(kind, body)| canonical(kind, body)).collect();
    let feed = world.hub.store.feed(0, usize::MAX, NodeId::from_bytes([0; 16])).expect("the feed is read");
    let rows = feed.rows.into_iter().filter(|row| row.kind != FeedKind::Verdict);
    let rows = rows.map(|row| canonical(row.kind, row.body));
    // What is gone is told as nothing.
    let mut hub: Vec<String> = rows.filter(|row| row != "null").collect();
    mirror.sort();
    hub.sort();
    if mirror == hub {
        return;
    }
    let (here, there): (BTreeSet<_>, BTreeSet<_>) = (mirror.iter().collect(), hub.iter().collect());
    let show = |only: Vec<&&String>| only.iter().map(|row| format!("\n  {row:.1200}")).take(6).collect::<String>();
    let only_here = show(here.difference(&there).collect());
    let only_there = show(there.difference(&here).collect());
    panic!("{law}: the mirror of console {index} differs\nonly there:{only_here}\nonly at the hub:{only_there}");
}

/// Everything has drained.
pub fn at_the_end(world: &mut World) {
    let clock = world.hub_clock();
    for index in 0..world.consoles.len() {
        same_rows(world, index, "I11");
        let console = &mut world.consoles[index];
        let waiting = console.mirror.waiting(10).expect("what waits is read");
        assert!(waiting.is_empty() || console.stuck, "I13: still waits: {waiting:?}");
        assert!(!console.stuck || console.was_restored, "I15: stuck, though nobody copied its mirror");
    }
    crate::rules::at_the_end(world);
    let written = std::mem::take(&mut world.ledger.written);
    crate::runbooks::at_the_end(world, &written);
    for (index, op) in written {
        let console = &mut world.consoles[index];
        if console.was_restored {
            continue;
        }
        let own = console.mirror.own_op(op.op_id).expect("operations are read");
        let Some(own) = own else { panic!("I13: vanished: {op:?}") };
        assert_eq!(own.op, op, "I13: an operation changed");
        assert!(own.verdict.is_some(), "I13: no verdict: {op:?}");
        if world.ledger.restores == 0 {
            assert_eq!(own.verdict.as_ref(), world.ledger.verdicts.get(&op.op_id), "I10: the console shows another");
        }
    }
    let mut lines: HashMap<String, u64> = HashMap::new();
    for row in world.hub.store.feed(0, usize::MAX, NodeId::from_bytes([0; 16])).expect("the feed is read").rows {
        if row.kind == FeedKind::Line {
            let line: serde_json::Value = serde_json::from_str(&row.body).expect("a line is JSON");
            *lines.entry(line["text"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    for note in &world.ledger.notes {
        assert_eq!(lines.get(note), Some(&1), "I10: {note:?} is not there once");
    }
    let audit = world.hub.store.audit(clock, LATE + Duration::from_secs(40)).expect("the audit is read");
    assert_eq!((audit.overdue, audit.late_pages), (vec![], 0), "I6: not drained");
}
