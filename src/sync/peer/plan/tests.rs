//! Mirrors that tell each other: they converge however they meet, and no liar among them changes what is confirmed.

use super::*;
use crate::domain::event::{Alert, End, Event};
use crate::domain::id::{IncidentId, OpId, SourceName};
use crate::domain::incident::{Incident, Timing};
use crate::domain::judge::Verdict;
use crate::domain::label::{IdentityRule, LabelLimits, Labels};
use crate::domain::op::{Act, Basis, Op};
use crate::domain::paging::Paging;
use crate::domain::scope::Scope;
use crate::store::devices::NewToken;
use crate::store::hub::{Batch, MemoryHub, Mint, Pushed, Rules};
use crate::store::mirror::Saying;
use crate::store::{Device, FeedPage};
use crate::sync::exchange::Round;
use crate::sync::wire::{OpAnswer, OpResult, PushAnswer};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use std::cell::Cell;
use tempfile::TempDir;
use uuid::Uuid;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1000)
}

fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn user(number: u8) -> UserName {
    UserName::parse(&format!("user{number}")).unwrap()
}

/// Consoles 1 to 9 are let in, under the node and key of their number; 8 was revoked.
struct Roster;

impl Who for Roster {
    fn device(&self, of: NodeId) -> Option<Known> {
        let number = of.as_bytes()[0];
        let let_in = (1..=9).contains(&number) && number != 8 && of == node(number);
        let_in.then(|| Known { user: user(number), key: key(number).verifying_key() })
    }
}

struct Console {
    mirror: Mirror,
    number: u8,
    dir: TempDir,
    told: Cell<u128>,
}

impl Console {
    fn new(number: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(&dir.path().join("m.db"), &user(number), node(number), at(0)).unwrap();
        Self { mirror, number, dir, told: Cell::new(0) }
    }

    /// Writes a note on incident 1.
    fn note(&mut self, text: &str) -> SignedOp {
        let (number, count) = (self.number, self.told.get());
        self.told.set(count + 1);
        let op_id = OpId(Uuid::from_u128(u128::from(number) << 64 | count));
        let sign =
            |node, nseq, prev_hash| SignedOp::sign(said(number, op_id, node, nseq, prev_hash, text), &key(number));
        self.mirror.append(sign).unwrap()
    }

    fn have(&mut self) -> Have {
        have(&mut self.mirror, 0).unwrap()
    }

    fn take(&mut self, page: Page, from: u8) -> Taken {
        take(&mut self.mirror, page, node(from), &Roster, &hub_key().verifying_key(), at(50)).unwrap()
    }

    /// Hears one page of another.
    fn hear(&mut self, other: &mut Self, limits: Limits) -> Taken {
        let page = answer(&mut other.mirror, &self.have(), limits).unwrap();
        assert!(page.ops.len() <= limits.ops && page.rows.len() <= limits.rows);
        self.take(page, other.number)
    }

    /// Hears all that another has to tell, and tells it all.
    fn meet(&mut self, other: &mut Self) {
        self.meet_by(other, Limits::default());
    }

    fn meet_by(&mut self, other: &mut Self, limits: Limits) {
        for _ in 0..200 {
            if self.hear(other, limits).new + other.hear(self, limits).new == 0 {
                return;
            }
        }
        panic!("they never come to an end");
    }

    fn said(&mut self) -> Vec<Saying> {
        self.mirror.said().unwrap()
    }

    /// Everything of others that it would carry, and its own, by chain.
    fn carries(&mut self) -> BTreeMap<NodeId, Vec<SignedOp>> {
        let nodes: Vec<NodeId> = self.mirror.held(100).unwrap().into_iter().map(|held| held.node).collect();
        let chains = nodes.into_iter().map(|node| (node, self.mirror.waiting_of(node, 1, 10_000).unwrap()));
        chains.filter(|(_, ops)| !ops.is_empty()).collect()
    }
}

fn said(number: u8, op_id: OpId, node: NodeId, nseq: u64, prev_hash: [u8; 32], text: &str) -> Op {
    Op {
        op_id,
        node,
        nseq,
        prev_hash,
        created_at: at(nseq as i64),
        actor: user(number),
        incident: IncidentId(Uuid::from_u128(1 << 64)),
        basis: Basis { rev: 1, claim_no: 0 },
        act: Act::Note { text: text.into() },
    }
}

fn hub_key() -> SigningKey {
    key(99)
}

/// A hub that signs what it is asked for.
struct Hub(MemoryHub);

impl Hub {
    /// One with an incident, whose number and id are 1.
    fn new(epoch: &str) -> Self {
        let next = std::sync::atomic::AtomicU64::new(1);
        let mint = move |_| {
            IncidentId(Uuid::from_u128(u128::from(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) << 64))
        };
        let (timing, paging, identity) = (Timing::default(), Paging::default(), IdentityRule::default());
        let mut hub = Self(
            MemoryHub::new(Rules { timing, paging, identity, book: Default::default(), mint: Mint::new(mint) }, epoch)
                .unwrap(),
        );
        hub.fire("a", 0);
        for number in 1..=9 {
            hub.know(node(number), number);
        }
        hub
    }

    fn know(&mut self, node: NodeId, number: u8) {
        let device = Device { node, user: user(number), public_key: *key(number).verifying_key().as_bytes() };
        let (id, hash) = (node.to_string(), blake3::hash(node.as_bytes()).into());
        let token = NewToken { id, hash, scope: Scope::Console, created_at: at(0) };
        self.0.register(&device, token).unwrap();
    }

    fn fire(&mut self, name: &str, second: i64) {
        let labels = [("alertname", name), ("instance", "x"), ("severity", "warning")];
        let alert = Alert {
            labels: Labels::new(labels, &LabelLimits::LABELS).unwrap(),
            annotations: Labels::default(),
            starts_at: Some(at(second)),
            end: End::Until(at(second + 600)),
            generator_url: String::new(),
        };
        let event = Event::new(SourceName::parse("prometheus").unwrap(), alert, &IdentityRule::default(), at(second));
        self.0.ingest(Batch { now: at(second), events: vec![event], quarantined: Vec::new() }).unwrap();
    }

    /// The console reads the feed to its end, as one with peers does.
    fn feed(&mut self, console: &mut Console) -> bool {
        self.feed_signed(console, true)
    }

    fn feed_signed(&mut self, console: &mut Console, signed: bool) -> bool {
        let head = self.0.head().unwrap();
        let mut cursor = console.mirror.cursor().unwrap();
        if cursor.epoch != head.epoch {
            console.mirror.restart(&head.epoch, &cursor).unwrap();
            cursor = console.mirror.cursor().unwrap();
        }
        let mut page: FeedPage = self.0.feed(cursor.seq, 10_000, None).unwrap();
        if signed {
            page.signatures = Some(row::sign(&page, &hub_key(), at(60)));
        }
        console.mirror.apply(&page, at(60)).unwrap().twin
    }

    /// The console delivers everything that it carries.
    fn push(&mut self, console: &mut Console) -> bool {
        let (mut round, mut fork) = (Round::default(), false);
        for _ in 0..200 {
            let ops = round.next(&mut console.mirror).unwrap();
            if ops.is_empty() {
                return fork;
            }
            let answers = ops.iter().map(|op| self.judge(op)).collect();
            let answer = PushAnswer { head: self.0.head().unwrap().seq, answers };
            fork |= round.after(&mut console.mirror, &ops, answer).unwrap().fork;
        }
        panic!("the round never ends");
    }

    fn judge(&mut self, signed: &SignedOp) -> OpAnswer {
        let op_id = signed.op.op_id;
        if signed.op.node == node(5) {
            // The hub lost this console's name by a restore.
            return OpAnswer { op_id, result: OpResult::Invalid("not known".into()) };
        }
        let result = match self.0.submit(std::slice::from_ref(signed), at(70)).unwrap().answers.remove(0).1 {
            Pushed::Judged(verdict) => OpResult::Judged(verdict),
            Pushed::Gap { expected } => OpResult::Gap(expected),
            Pushed::Fork => OpResult::Fork,
            Pushed::Revoked => OpResult::Invalid("revoked".into()),
        };
        OpAnswer { op_id, result }
    }

    fn notes(&self) -> Vec<String> {
        let rows = self.0.feed(0, 10_000, None).unwrap().rows.into_iter();
        rows.filter(|row| row.kind == FeedKind::Line).map(|row| row.body).collect()
    }

    fn has_note(&self, text: &str) -> usize {
        self.notes().iter().filter(|body| body.contains(&format!("\"{text}\""))).count()
    }
}

/// Consoles 1 to 3 that know the incident, and their hub.
fn team() -> (Hub, [Console; 3]) {
    let mut hub = Hub::new("e");
    let mut team = [1, 2, 3].map(Console::new);
    for console in &mut team {
        hub.feed(console);
    }
    (hub, team)
}

#[test]
fn what_one_says_reaches_the_hub_through_another_and_the_verdict_comes_back() {
    let (mut hub, [mut a, mut b, _]) = team();
    let op = b.note("by b").op;
    a.meet(&mut b);
    assert_eq!(a.said().len(), 1, "shown as said");
    assert!(b.said().is_empty(), "one's own waits, and is no hearsay");
    assert!(!hub.push(&mut a));
    assert_eq!(hub.has_note("by b"), 1);
    assert!(a.said().is_empty(), "it is answered");
    assert_eq!(b.mirror.own_op(op.op_id).unwrap().unwrap().verdict, None);
    hub.feed(&mut a);
    a.meet(&mut b);
    assert_eq!(b.mirror.own_op(op.op_id).unwrap().unwrap().verdict, Some(Verdict::Applied));
    assert!(b.mirror.waiting(10).unwrap().is_empty());
}

#[test]
fn a_row_that_the_hub_signed_is_shown_until_the_own_mirror_has_caught_up() {
    let (mut hub, [mut a, mut b, mut c]) = team();
    assert!(b.mirror.relayed().unwrap().is_empty(), "all have the same");
    hub.fire("b", 20);
    hub.feed(&mut a);
    c.meet(&mut a);
    b.meet(&mut c);
    let relayed = b.mirror.relayed().unwrap();
    assert_eq!(relayed.iter().map(|one| (one.incident.number.0, one.signed_at)).collect::<Vec<_>>(), [(2, at(60))]);
    assert_eq!(b.mirror.incidents(at(-1)).unwrap().len(), 1, "the mirror itself holds what the hub told it");
    hub.feed(&mut b);
    assert!(b.mirror.relayed().unwrap().is_empty());
    assert_eq!(b.mirror.incidents(at(-1)).unwrap().len(), 2);
}

#[test]
fn rows_of_another_history_are_passed_over() {
    let (_, [mut a, mut b, _]) = team();
    let mut restored = Hub::new("f");
    restored.fire("b", 20);
    restored.feed(&mut a);
    a.meet(&mut b);
    assert!(b.mirror.relayed().unwrap().is_empty());
    let mut fresh = Console::new(4);
    fresh.meet(&mut a);
    assert_eq!(fresh.mirror.relayed().unwrap().len(), 2, "who never met the hub takes the first history it hears of");
}

/// 0, 1, one less than a page, a page, one more, two pages: nothing is left out, nothing is told twice.
#[test]
fn runs_of_any_length_arrive_whole() {
    for count in [0, 1, 2, 3, 4, 5, 6, 7, 9] {
        let (_, [mut a, mut b, _]) = team();
        let ops: Vec<SignedOp> = (0..count).map(|n| a.note(&format!("n{n}"))).collect();
        let limits = Limits { ops: 3, ..Limits::default() };
        let mut heard = 0;
        for _ in 0..5 {
            heard += b.hear(&mut a, limits).new;
        }
        assert_eq!(heard, count, "of {count}");
        assert_eq!(b.mirror.waiting_of(node(1), 1, 100).unwrap(), ops);
        assert!(answer(&mut a.mirror, &b.have(), limits).unwrap().is_empty());
    }
}

#[test]
fn a_page_is_no_longer_than_its_bytes() {
    let (_, [mut a, mut b, _]) = team();
    for _ in 0..40 {
        a.note(&"x".repeat(8000));
    }
    let page = answer(&mut a.mirror, &b.have(), Limits::default()).unwrap();
    let bytes: usize = page.ops.iter().map(|op| op.bytes.len() * 2).sum();
    assert!(bytes > PAGE_BYTES_MAX / 2 && bytes <= PAGE_BYTES_MAX, "{bytes}");
    a.meet(&mut b);
    assert_eq!(b.said().len(), 40);
}

#[test]
fn what_was_judged_in_between_makes_no_gap() {
    let (mut hub, [mut a, mut b, mut c]) = team();
    for n in 0..3 {
        a.note(&format!("old{n}"));
    }
    c.meet(&mut a);
    hub.push(&mut a);
    a.note("new");
    // Nobody told c of the verdicts; b never heard of the old ones at all.
    b.meet(&mut a);
    assert_eq!(b.said().len(), 1);
    hub.feed(&mut a);
    c.meet(&mut a);
    assert_eq!(c.said().len(), 1, "the verdicts came with the new one");
    assert_eq!(c.carries(), b.carries());
}

#[test]
fn a_relay_that_leaves_one_out_cannot_keep_it_from_coming_later() {
    let (_, [mut a, mut b, _]) = team();
    let ops: Vec<SignedOp> = (0..4).map(|n| a.note(&format!("n{n}"))).collect();
    let only = |op: &SignedOp| Page { epoch: "e".into(), ops: vec![op.clone()], rows: Vec::new() };
    assert_eq!(b.take(only(&ops[2]), 3).new, 1, "a run may begin anywhere");
    assert_eq!(b.take(only(&ops[0]), 3).refused, 1, "a hole");
    b.meet(&mut a);
    assert_eq!(b.mirror.waiting_of(node(1), 1, 100).unwrap(), ops);
}

#[test]
fn one_chain_that_the_hub_cannot_take_holds_up_no_other() {
    let (mut hub, [mut a, mut b, mut c]) = team();
    for n in 0..3 {
        b.note(&format!("b{n}"));
    }
    c.note("of c");
    // A relay told a all of b's but the first, which the hub does not have either.
    let page = answer(&mut b.mirror, &a.have(), Limits::default()).unwrap();
    a.take(Page { ops: page.ops[1..].to_vec(), ..page }, 2);
    a.meet(&mut c);
    let mut stranger = Console::new(5);
    stranger.note("of nobody that the hub knows");
    a.meet(&mut stranger);
    a.note("of a");
    assert!(!hub.push(&mut a));
    assert_eq!((hub.has_note("of a"), hub.has_note("of c"), hub.has_note("b1")), (1, 1, 0));
    a.meet(&mut b);
    assert!(!hub.push(&mut a));
    assert_eq!(hub.has_note("b2"), 1, "with the missing one the chain goes on");
}

#[test]
fn two_stories_are_kept_as_evidence_and_silence_the_node_everywhere() {
    let (_, [mut a, mut b, mut c]) = team();
    let first = a.note("first");
    let op =
        |text: &str, id| SignedOp::sign(said(1, OpId(Uuid::from_u128(id)), node(1), 2, first.hash(), text), &key(1));
    let (to_b, to_c) = (op("to b", 71), op("to c", 72));
    let page =
        |second: &SignedOp| Page { epoch: "e".into(), ops: vec![first.clone(), second.clone()], rows: Vec::new() };
    b.take(page(&to_b), 1);
    c.take(page(&to_c), 1);
    b.meet(&mut c);
    for console in [&mut b, &mut c] {
        assert_eq!(console.said().len(), 1, "what came before is believed");
        let evidence = console.mirror.evidence_of(node(1)).unwrap();
        assert_eq!(evidence.len(), 2);
        assert!(evidence.contains(&to_b) && evidence.contains(&to_c));
        assert_eq!(console.mirror.tell_stopped().unwrap(), [node(1)]);
        assert!(console.mirror.tell_stopped().unwrap().is_empty(), "told once");
        assert_eq!(console.carries()[&node(1)], std::slice::from_ref(&first));
    }
    let third = SignedOp::sign(said(1, OpId(Uuid::from_u128(73)), node(1), 3, to_b.hash(), "more"), &key(1));
    assert_eq!(b.take(Page { ops: vec![third], ..Page::default() }, 1).refused, 1);
    let mut d = Console::new(4);
    d.meet(&mut b);
    assert_eq!((d.said().len(), d.mirror.evidence_of(node(1)).unwrap().len()), (1, 2), "the alarm spreads");
    assert!(a.hear(&mut b, Limits::default()).twin, "and reaches the node itself");
}

#[test]
fn an_own_operation_that_this_database_does_not_have_is_a_twins() {
    let (mut hub, [mut a, mut b, _]) = team();
    let op = SignedOp::sign(said(1, OpId(Uuid::from_u128(7)), node(1), 1, [0; 32], "by the twin"), &key(1));
    let page = Page { epoch: "e".into(), ops: vec![op.clone()], rows: Vec::new() };
    b.take(page, 1);
    assert!(a.hear(&mut b, Limits::default()).twin);
    hub.push(&mut b);
    assert!(hub.feed(&mut a), "the hub's feed says so too");
    assert!(!hub.feed(&mut b));
}

/// A copy of a database that slipped past the file beside it: both work, nothing is lost, nothing happens twice.
#[test]
fn a_copy_becomes_another_node_and_loses_nothing() {
    let (mut hub, [mut a, mut b, _]) = team();
    a.note("both have it, confirmed");
    hub.push(&mut a);
    a.note("both have it, waiting");
    let copy_dir = tempfile::tempdir().unwrap();
    for name in ["m.db", "m.db-wal", "m.twin"] {
        if a.dir.path().join(name).exists() {
            std::fs::copy(a.dir.path().join(name), copy_dir.path().join(name)).unwrap();
        }
    }
    let mirror = Mirror::open(&copy_dir.path().join("m.db"), &user(1), node(7), at(0)).unwrap();
    let mut twin = Console { mirror, number: 1, dir: copy_dir, told: Cell::new(50) };
    assert!(!twin.mirror.is_copy().unwrap(), "its token came along");
    assert_eq!(twin.mirror.node(), node(1));
    a.note("only a");
    twin.note("only the twin");
    assert!(!hub.push(&mut a));
    assert!(hub.push(&mut twin), "the hub has another operation there");
    let was = twin.mirror.node();
    let fresh = NodeId::from_bytes([77; 16]);
    assert!(twin.mirror.rotate(was, fresh, |op| SignedOp::sign(op, &key(1))).unwrap());
    assert!(!twin.mirror.rotate(was, NodeId::from_bytes([78; 16]), |op| SignedOp::sign(op, &key(1))).unwrap());
    assert!(twin.mirror.tell_rotation().unwrap() && !twin.mirror.tell_rotation().unwrap(), "told once");
    hub.know(fresh, 1);
    assert!(!hub.push(&mut twin));
    assert!(twin.mirror.waiting(10).unwrap().is_empty() && a.mirror.waiting(10).unwrap().is_empty());
    for text in ["both have it, confirmed", "both have it, waiting", "only a", "only the twin"] {
        assert_eq!(hub.has_note(text), 1, "{text}");
    }
    twin.note("later");
    a.note("later too");
    b.meet(&mut a);
    assert!(!hub.push(&mut twin) && !hub.push(&mut b));
    assert_eq!((hub.has_note("later"), hub.has_note("later too")), (1, 1));
    drop(twin.mirror);
    let mut again = Mirror::open(&twin.dir.path().join("m.db"), &user(1), node(6), at(0)).unwrap();
    assert_eq!((again.node(), again.is_copy().unwrap()), (fresh, false));
}

#[test]
fn a_database_without_its_token_beside_it_is_a_copy() {
    let (mut hub, [mut a, _, _]) = team();
    a.note("waits");
    let dir = tempfile::tempdir().unwrap();
    drop(a.mirror);
    std::fs::copy(a.dir.path().join("m.db"), dir.path().join("m.db")).unwrap();
    let mut copy = Mirror::open(&dir.path().join("m.db"), &user(1), node(5), at(0)).unwrap();
    assert!(copy.is_copy().unwrap());
    let fresh = NodeId::from_bytes([77; 16]);
    assert!(copy.rotate(node(1), fresh, |op| SignedOp::sign(op, &key(1))).unwrap());
    assert!(!copy.is_copy().unwrap());
    hub.know(fresh, 1);
    let mut copy = Console { mirror: copy, number: 1, dir, told: Cell::new(50) };
    assert!(!hub.push(&mut copy));
    assert_eq!(hub.has_note("waits"), 1);
    let mirror = Mirror::open(&a.dir.path().join("m.db"), &user(1), node(5), at(0)).unwrap();
    let mut a = Console { mirror, number: 1, dir: a.dir, told: Cell::new(60) };
    assert!(!a.mirror.is_copy().unwrap(), "the original is what it was");
    assert!(!hub.push(&mut a));
    assert_eq!(hub.has_note("waits"), 1, "one operation under two nodes happens once");
    assert!(a.mirror.waiting(10).unwrap().is_empty());
}

/// The old chain of a copy reaches the hub by a peer, after its operations were judged under the new one: the chain goes on.
#[test]
fn one_operation_under_two_nodes_is_answered_alike_wherever_it_comes_from() {
    let (mut hub, [mut a, mut b, _]) = team();
    let old = a.note("one");
    b.meet(&mut a);
    assert_eq!(b.said().len(), 1);
    let fresh = NodeId::from_bytes([77; 16]);
    a.mirror.rotate(node(1), fresh, |op| SignedOp::sign(op, &key(1))).unwrap();
    hub.know(fresh, 1);
    hub.push(&mut a);
    assert_eq!(hub.has_note("one"), 1);
    assert!(!hub.push(&mut b));
    assert!(b.said().is_empty());
    assert_eq!(hub.has_note("one"), 1);
    let next = SignedOp::sign(said(1, OpId(Uuid::from_u128(5)), node(1), 2, old.hash(), "two"), &key(1));
    assert_eq!(hub.judge(&next).result, OpResult::Judged(Verdict::Applied));
    for op in [&old, &next] {
        assert_eq!(hub.judge(op).result, OpResult::Judged(Verdict::Applied), "and again");
    }
    let mut other = said(1, old.op.op_id, node(1), 3, next.hash(), "another act under the same id");
    other.created_at = at(1);
    assert_eq!(hub.judge(&SignedOp::sign(other, &key(1))).result, OpResult::Fork);
    // To a mirror that heard both, it is one saying.
    let mut c = Console::new(3);
    let reissued = SignedOp::sign(said(2, OpId(Uuid::from_u128(9)), node(2), 1, [0; 32], "twice"), &key(2));
    c.take(Page { ops: vec![reissued], ..Page::default() }, 2);
    assert_eq!(c.said().len(), 1);
}

/// The hub was restored from yesterday's copy: what it lost comes back from whoever said it, and nobody is told the same verdict again.
#[test]
fn a_restored_hub_gets_back_what_it_lost() {
    let (mut hub, [mut a, mut b, _]) = team();
    a.note("kept");
    hub.push(&mut a);
    hub.feed(&mut a);
    let backup = hub.0.clone();
    a.note("lost");
    b.note("lost by b");
    hub.push(&mut a);
    hub.push(&mut b);
    hub.feed(&mut a);
    assert_eq!(a.mirror.tell().unwrap().len(), 2);
    let rules = {
        let (timing, paging, identity) = (Timing::default(), Paging::default(), IdentityRule::default());
        Rules {
            timing,
            paging,
            identity,
            book: Default::default(),
            mint: Mint::new(|_| IncidentId(Uuid::from_u128(9))),
        }
    };
    let mut restored = Hub(backup.reopened(rules, "x").unwrap());
    // A restore begins another history; the store's own restart keeps it, so the mirror is told of one here.
    let refused = a.mirror.cursor().unwrap();
    a.mirror.restart("e2", &refused).unwrap();
    assert!(a.mirror.waiting(10).unwrap().is_empty(), "not before the new history is read");
    let mut page = restored.0.feed(0, 10_000, None).unwrap();
    page.epoch = "e2".into();
    a.mirror.apply(&page, at(80)).unwrap();
    let again: Vec<u64> = a.mirror.waiting(10).unwrap().iter().map(|op| op.op.nseq).collect();
    assert_eq!(again, [2], "what the new history has is not offered");
    restored.push(&mut a);
    assert_eq!((restored.has_note("kept"), restored.has_note("lost")), (1, 1));
    assert!(a.mirror.waiting(10).unwrap().is_empty());
    assert!(a.mirror.tell().unwrap().is_empty(), "the same answer is no news");
}

#[test]
fn forged_unknown_revoked_and_borrowed_operations_are_refused() {
    let (_, [mut a, mut b, _]) = team();
    let good = a.note("good");
    let op = |number: u8, of: NodeId, actor: u8, signer: u8| {
        let mut op = said(number, OpId(Uuid::from_u128(4)), of, 1, [0; 32], "bad");
        op.actor = user(actor);
        SignedOp::sign(op, &key(signer))
    };
    let bad = [
        op(1, node(1), 1, 3),
        op(1, node(1), 3, 1),
        op(8, node(8), 8, 8),
        op(55, NodeId::from_bytes([55; 16]), 55, 55),
    ];
    let mut flipped = good.bytes.clone();
    flipped[40] ^= 1;
    let ops = bad.into_iter().chain(SignedOp::read(flipped)).collect::<Vec<_>>();
    let count = ops.len();
    let taken = b.take(Page { epoch: "e".into(), ops, rows: Vec::new() }, 3);
    assert_eq!((taken.new, taken.refused, taken.twin), (0, count, false));
    assert!(b.said().is_empty());
}

#[test]
fn a_row_that_the_hub_did_not_sign_changes_nothing() {
    let (mut hub, [mut a, mut b, _]) = team();
    let op = b.note("mine");
    a.meet(&mut b);
    hub.fire("b", 20);
    hub.push(&mut a);
    hub.feed(&mut a);
    let page = answer(&mut a.mirror, &b.have(), Limits::default()).unwrap();
    assert!(page.rows.len() >= 2);
    let spoil: [fn(&mut SignedRow); 4] = [
        |row| {
            row.body = row.body.replace("triggered", "resolved").replace("applied", "unsupported").replace(":2", ":3")
        },
        |row| row.seq += 1,
        |row| row.signature = [3; 64],
        |row| row.signed_at = at(99),
    ];
    for spoil in spoil {
        let mut forged = page.clone();
        forged.rows.iter_mut().for_each(spoil);
        assert_eq!(b.take(forged, 1).new, 0);
    }
    let other = Page { epoch: "f".into(), ..page.clone() };
    assert_eq!(b.take(other, 1).new, 0, "under the name of another history");
    assert!(b.mirror.relayed().unwrap().is_empty());
    assert_eq!(b.mirror.own_op(op.op.op_id).unwrap().unwrap().verdict, None);
    assert_eq!(b.take(page.clone(), 1).new, page.rows.len());
    assert_eq!(b.take(page, 1).new, 0, "and a replay says nothing new");
}

#[test]
fn revoked_nodes_are_forgotten() {
    let (_, [mut a, mut b, mut c]) = team();
    a.note("a");
    c.note("c");
    b.meet(&mut a);
    b.meet(&mut c);
    assert_eq!(b.said().len(), 2);
    assert_eq!(b.mirror.forget_unless(|of| of != node(1)).unwrap(), 1);
    assert_eq!(b.said().len(), 1);
}

#[test]
fn one_node_and_one_peer_may_leave_only_so_much() {
    use crate::store::mirror::PENDING_NODE_MAX;
    let (_, [_, mut b, _]) = team();
    let (mut prev, mut ops) = ([0; 32], Vec::new());
    for nseq in 1..=PENDING_NODE_MAX + 50 {
        let op = said(1, OpId(Uuid::from_u128(u128::from(nseq) << 8)), node(1), nseq, prev, "flood");
        // Signatures cost time and are not what is looked at here: the mirror takes what its caller checked.
        let signed = SignedOp::sign(op, &key(1));
        prev = signed.hash();
        ops.push(signed);
    }
    let taken = b.mirror.take_ops(&ops, node(1), at(1)).unwrap();
    assert_eq!((taken.new as u64, taken.refused), (PENDING_NODE_MAX, 50));
    let (_, [_, mut c, _]) = team();
    let (mut prev, mut ops) = ([0; 32], Vec::new());
    for nseq in 1..=2200 {
        let op = said(3, OpId(Uuid::from_u128(u128::from(nseq) << 8)), node(1), nseq, prev, &"x".repeat(8000));
        let signed = SignedOp::sign(op, &key(1));
        prev = signed.hash();
        ops.push(signed);
    }
    let taken = c.mirror.take_ops(&ops, node(1), at(1)).unwrap();
    let bytes: usize = ops[..taken.new].iter().map(|op| op.bytes.len()).sum();
    assert!(bytes as u64 <= crate::store::mirror::PENDING_PEER_BYTES_MAX && taken.refused > 0, "{bytes}");
}

/// A table of what one side tells of a chain.
#[test]
fn what_is_told_of_a_chain() {
    let held = |from, next| Held { node: node(1), from, next, hash: [1; 32], stopped: None };
    let theirs = |from, next, hash: u8| HaveChain { from, next, hash: [hash; 16], stopped: None };
    let check = |mine: Held, theirs: HaveChain, expect: &[(u64, u64)]| {
        let told: Vec<(u64, u64)> = wanted(&mine, &theirs).into_iter().map(|range| (range.from, range.next)).collect();
        assert_eq!(told, expect, "{mine:?} {theirs:?}");
    };
    check(held(5, 9), theirs(1, 1, 0), &[(5, 9)]);
    check(held(5, 9), theirs(7, 7, 2), &[(7, 9)]);
    check(held(5, 9), theirs(9, 9, 1), &[]);
    check(held(9, 9), theirs(3, 5, 1), &[]);
    check(held(5, 9), theirs(3, 5, 2), &[(5, 9)]);
    check(held(6, 9), theirs(3, 5, 2), &[]);
    check(held(5, 9), theirs(7, 9, 1), &[(5, 7)]);
    check(held(5, 9), theirs(7, 8, 2), &[(5, 7), (8, 9)]);
    check(held(5, 9), theirs(5, 9, 2), &[(8, 9)]);
    check(held(5, 9), theirs(12, 14, 2), &[]);
    check(held(5, 9), HaveChain { stopped: Some(6), ..theirs(1, 1, 0) }, &[(5, 6)]);
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize),
    Hear { who: usize, whom: usize, twice: bool, lost: bool, ops: usize },
    Push(usize),
    Feed(usize),
    Fire,
    Lie { to: usize, what: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3usize).prop_map(Step::Write),
        6 => (0..3usize, 0..3usize, any::<bool>(), prop::bool::weighted(0.2), 1..5usize)
            .prop_map(|(who, whom, twice, lost, ops)| Step::Hear { who, whom, twice, lost, ops }),
        1 => (0..3usize).prop_map(Step::Push),
        1 => (0..3usize).prop_map(Step::Feed),
        1 => Just(Step::Fire),
        2 => (0..3usize, any::<u8>()).prop_map(|(to, what)| Step::Lie { to, what }),
    ]
}

/// What console 9, which is let in and lies, may tell: two stories of its own, gaps, replays, and what others never said.
fn lie(what: u8, others: &[SignedOp]) -> Vec<SignedOp> {
    let own = |nseq: u64, prev, text: &str, id: u128| {
        SignedOp::sign(said(9, OpId(Uuid::from_u128(id)), node(9), nseq, prev, text), &key(9))
    };
    let first = own(1, [0; 32], "first", 901);
    match what % 7 {
        0 => vec![first],
        1 => vec![first.clone(), own(2, first.hash(), "second", 902)],
        2 => vec![first.clone(), own(2, first.hash(), "another second", 903)],
        3 => vec![
            own(40, [5; 32], "far away", 904),
            own(u64::MAX, [6; 32], "too far", 905),
            own(0, [0; 32], "none", 906),
        ],
        4 => vec![own(1, [7; 32], "from nothing", 907)],
        5 => others.iter().rev().cloned().collect(),
        _ => {
            let forged = said(1, OpId(Uuid::from_u128(908)), node(1), 1, [0; 32], "forged");
            vec![SignedOp::sign(forged, &key(9))]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However three consoles meet, with losses, repeats and a liar among those they hear: nothing that the hub did not say becomes
    /// confirmed, and once they met they carry and show the same; what honest ones wrote reaches the hub once each.
    #[test]
    fn mirrors_that_met_show_the_same(steps in prop::collection::vec(step(), 1..40)) {
        let (mut hub, mut team) = team();
        let (mut written, mut seconds) = (Vec::new(), 100);
        for step in steps {
            match step {
                Step::Write(who) => {
                    let text = format!("note {}", written.len());
                    written.push((text.clone(), team[who].note(&text)));
                }
                Step::Hear { who, whom, twice, lost, ops } if who != whom => {
                    let have = team[who].have();
                    let page = answer(&mut team[whom].mirror, &have, Limits { ops, ..Limits::default() }).unwrap();
                    for _ in 0..=usize::from(twice) {
                        if !lost {
                            let taken = team[who].take(page.clone(), whom as u8 + 1);
                            prop_assert!(!taken.twin);
                        }
                    }
                }
                Step::Hear { .. } => {}
                Step::Push(who) => {
                    prop_assert!(!hub.push(&mut team[who]));
                    // Who reaches the hub also reads its feed; until then it knows answers that it cannot pass on.
                    hub.feed(&mut team[who]);
                }
                Step::Feed(who) => prop_assert!(!hub.feed(&mut team[who])),
                Step::Fire => {
                    seconds += 10;
                    hub.fire(&format!("f{seconds}"), seconds);
                }
                Step::Lie { to, what } => {
                    let confirmed = team[to].mirror.incidents(at(-1)).unwrap();
                    let others: Vec<SignedOp> = written.iter().map(|(_, op)| op.clone()).collect();
                    let page = Page { epoch: "e".into(), ops: lie(what, &others), rows: Vec::new() };
                    prop_assert!(!team[to].take(page, 9).twin);
                    prop_assert_eq!(team[to].mirror.incidents(at(-1)).unwrap(), confirmed);
                }
            }
        }
        for round in 0..6 {
            let [a, b, c] = &mut team;
            match round % 3 {
                0 => a.meet(b),
                1 => b.meet(c),
                _ => c.meet(a),
            }
        }
        let honest = |mut carried: BTreeMap<NodeId, Vec<SignedOp>>| {
            carried.remove(&node(9));
            carried
        };
        let carried: Vec<_> = team.iter_mut().map(Console::carries).map(honest).collect();
        prop_assert_eq!(&carried[0], &carried[1]);
        prop_assert_eq!(&carried[1], &carried[2]);
        let all = |console: &mut Console| -> BTreeMap<String, usize> {
            let mut texts = BTreeMap::new();
            for (_, ops) in honest(console.carries()) {
                for op in ops {
                    let Act::Note { text } = op.op.act else { continue };
                    *texts.entry(text).or_default() += 1;
                }
            }
            texts
        };
        prop_assert!(all(&mut team[0]).values().all(|times| *times == 1));
        // One of them reaches the hub: everything of everybody is there, once.
        prop_assert!(!hub.push(&mut team[1]));
        for (text, _) in &written {
            prop_assert_eq!(hub.has_note(text), 1, "{}", text);
        }
        hub.feed(&mut team[1]);
        let [a, b, c] = &mut team;
        a.meet(b);
        c.meet(b);
        let mut newest: Vec<Vec<Incident>> = Vec::new();
        for console in [a, b, c] {
            prop_assert!(console.mirror.waiting(100).unwrap().is_empty(), "the verdicts came back");
            let mut shown: BTreeMap<IncidentId, Incident> =
                console.mirror.incidents(at(-1)).unwrap().into_iter().map(|one| (one.id, one)).collect();
            shown.extend(console.mirror.relayed().unwrap().into_iter().map(|one| (one.incident.id, one.incident)));
            newest.push(shown.into_values().collect());
        }
        prop_assert_eq!(&newest[0], &newest[1]);
        prop_assert_eq!(&newest[1], &newest[2]);
    }
}
