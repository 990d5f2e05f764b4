//! One contract for every back end of the hub's store, and the mirror's own.

mod calling;
mod claims;
mod course;
mod items;
mod runbooks;
mod silences;
mod sources;
mod twins;
mod upgrade;
mod upstream;

use super::devices::NewToken;
use super::hub::{Batch, Mint, Pushed, Rules, Touch};
use super::mirror::Mirror;
use super::{Cursor, Device, FeedKind, FeedPage, HubStore, Quarantined, StoreError};
use crate::domain::envelope::SignedOp;
use crate::domain::event::{Alert, End, Event};
use crate::domain::id::{IncidentId, NodeId, OpId, SourceName, UserName};
use crate::domain::incident::{Incident, Shown, Timing};
use crate::domain::judge::{Newer, Refusal, Verdict};
use crate::domain::label::{IdentityRule, LabelLimits, Labels};
use crate::domain::op::{Act, Basis, Op};
use crate::domain::paging::Paging;
use crate::domain::scope::Scope;
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use uuid::Uuid;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1000)
}

/// Returns rules whose incidents are numbered, from 1 in each store.
fn rules() -> Rules {
    let next = AtomicU64::new(1);
    let mint = move |_| IncidentId(Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::Relaxed)) << 64));
    Rules {
        book: Default::default(),
        timing: Timing::default(),
        paging: Paging::default(),
        identity: IdentityRule::default(),
        handles: std::sync::Arc::new(crate::domain::holds::AtOnce),
        mint: Mint::new(mint),
    }
}

/// A store with the things that a test does to it.
struct Desk {
    store: HubStore,
    /// Where its file lies, if it has one.
    dir: Option<TempDir>,
}

type Make = fn(Rules) -> Desk;

fn sqlite() -> Desk {
    sqlite_by(rules())
}

fn sqlite_by(rules: Rules) -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let store = HubStore::open_sqlite(&dir.path().join("hub.db"), rules, "epoch-1").unwrap();
    Desk { store, dir: Some(dir) }
}

fn memory_by(rules: Rules) -> Desk {
    Desk { store: HubStore::memory(rules, "epoch-1").unwrap(), dir: None }
}

fn alert(name: &str, instance: &str, start: i64, end: End) -> Alert {
    let labels = [("alertname", name), ("instance", instance), ("severity", "warning")];
    Alert {
        labels: Labels::new(labels, &LabelLimits::LABELS).unwrap(),
        annotations: Labels::default(),
        starts_at: Some(at(start)),
        end,
        generator_url: String::new(),
    }
}

fn event(source: &str, instance: &str, received: i64, start: i64, end: End) -> Event {
    let source = SourceName::parse(source).unwrap();
    Event::new(source, alert("Down", instance, start, end), &IdentityRule::default(), at(received))
}

fn fires(instance: &str, second: i64) -> Event {
    event("prometheus", instance, second, second, End::Until(at(second + 240)))
}

fn ends(instance: &str, second: i64) -> Event {
    event("prometheus", instance, second, second - 1, End::Ended(at(second)))
}

fn token(id: &str) -> NewToken {
    let hash = *blake3::hash(id.as_bytes()).as_bytes();
    NewToken { id: id.to_owned(), hash, scope: Scope::Console, created_at: at(0) }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

const NODE: NodeId = NodeId(Uuid::from_bytes([2; 16]));

impl Desk {
    async fn take(&self, events: Vec<Event>) {
        let now = events.iter().map(|event| event.received_at).max().unwrap_or_default();
        self.store.ingest(Batch { now, events, quarantined: Vec::new() }).await.unwrap();
    }

    async fn page(&self, after: u64, max: usize) -> FeedPage {
        self.store.feed(after, max, NODE).await.unwrap()
    }

    async fn incidents(&self) -> Vec<Incident> {
        let rows = self.page(0, 10_000).await.rows;
        let mut all: Vec<Incident> = rows
            .iter()
            .filter(|row| row.kind == FeedKind::Incident)
            .map(|row| serde_json::from_str(&row.body).unwrap())
            .collect();
        all.sort_by_key(|incident| incident.number);
        all
    }

    async fn series(&self) -> Vec<Series> {
        let rows = self.page(0, 10_000).await.rows;
        let mut all: Vec<Series> = rows
            .iter()
            .filter(|row| row.kind == FeedKind::Series)
            .map(|row| serde_json::from_str(&row.body).unwrap())
            .collect();
        all.sort_by_key(|series| series.fingerprint);
        all
    }

    async fn due(&self, now: i64, spoke: i64) {
        let source = SourceName::parse("prometheus").unwrap();
        self.store.run_due(at(now), at(-1000), vec![(source, at(spoke))]).await.unwrap();
    }

    async fn know(&self, user: &str) {
        let device =
            Device { node: NODE, user: UserName::parse(user).unwrap(), public_key: *key().verifying_key().as_bytes() };
        self.store.register(device, token("aaaaaaaa")).await.unwrap();
    }

    async fn push(&self, op: &SignedOp, second: i64) -> Pushed {
        self.store.submit(vec![op.clone()], at(second)).await.unwrap().answers.remove(0).1
    }
}

fn op(incident: &Incident, nseq: u64, prev_hash: [u8; 32], act: Act) -> SignedOp {
    let op = Op {
        op_id: OpId(Uuid::from_u128(u128::from(nseq) << 8 | 1)),
        node: NODE,
        nseq,
        prev_hash,
        created_at: at(0),
        actor: UserName::parse("mira").unwrap(),
        incident: incident.id,
        basis: Basis { rev: incident.rev, claim_no: incident.claim_no },
        act,
    };
    SignedOp::sign(op, &key())
}

/// What must hold of any back end.
async fn all(make: Make) {
    one_alert_is_one_incident_with_a_timer(make(rules())).await;
    a_clock_that_was_ahead_leaves_no_trace(make(rules())).await;
    facts_past_their_end_hold_nothing_up(make(rules())).await;
    an_end_behind_its_beginning_in_one_batch_ends_it(make(rules())).await;
    counters_wake_nobody(make(rules())).await;
    two_ways_are_one_incident_until_both_are_over(make(rules())).await;
    a_fire_after_the_window_is_a_new_incident(make(rules())).await;
    a_silent_source_leaves_it_unknown_and_open(make(rules())).await;
    an_operation_happens_once_and_its_verdict_never_changes(make(rules())).await;
    an_operation_signed_anew_under_another_node_happens_once(make(rules())).await;
    a_chain_has_no_gaps_and_no_forks(make(rules())).await;
    force_dismisses_the_present_start_only(make(rules())).await;
    pages_of_any_size_tell_the_same(make(rules())).await;
    what_was_not_taken_is_kept(make(rules())).await;
    a_console_cannot_become_anothers(make(rules())).await;
    what_is_too_old_is_forgotten_and_what_is_open_never(make(rules())).await;
    an_opened_again_store_has_everything_and_the_same_history(make(rules())).await;
    other_ignored_labels_find_the_same_series_again(make(rules())).await;
    what_would_break_a_rule_leaves_nothing(make).await;
    calling::all(make).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    all(sqlite_by).await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    all(memory_by).await;
}

async fn one_alert_is_one_incident_with_a_timer(desk: Desk) {
    desk.take(vec![fires("a", 0), fires("b", 0)]).await;
    let incidents = desk.incidents().await;
    assert_eq!(incidents.len(), 1);
    assert_eq!((incidents[0].number.0, incidents[0].tally.firing, incidents[0].next_due_at), (1, 2, Some(at(0))));
    assert!(desk.series().await.iter().all(|series| series.incident == Some(incidents[0].id)));
}

async fn a_clock_that_was_ahead_leaves_no_trace(desk: Desk) {
    let ahead = 10_000_000;
    desk.due(ahead, ahead).await;
    desk.take(vec![event("alertmanager", "a", ahead, ahead, End::Open), fires("b", 0)]).await;
    desk.due(250, -5).await;
    let incident = desk.incidents().await.remove(0);
    assert!(
        incident.next_due_at.is_some_and(|due| due <= at(250).plus(Timing::default().longest(&Paging::default()))),
        "{incident:?}"
    );
    let state =
        |source: &str, all: Vec<Series>| all.into_iter().find(|one| one.source.as_str() == source).map(|one| one.state);
    assert_eq!(state("prometheus", desk.series().await), Some(SeriesState::Unknown));
}

async fn facts_past_their_end_hold_nothing_up(desk: Desk) {
    let mut events = vec![fires("state", 0)];
    for number in 0..510 {
        let mut one = event("prometheus", &format!("f{number}"), 0, 0, End::Until(at(10)));
        let labels = [("alertname", "Fact"), ("instance", &*format!("f{number}")), ("nightdesk", "instant")];
        one.alert.labels = Labels::new(labels, &LabelLimits::LABELS).unwrap();
        events.push(Event::new(one.key.source.clone(), one.alert, &IdentityRule::default(), at(0)));
    }
    desk.take(events).await;
    let source = SourceName::parse("prometheus").unwrap();
    let due = desk.store.run_due(at(250), at(-1000), vec![(source, at(249))]).await.unwrap();
    assert!(!due.more);
    let expired = desk.series().await.into_iter().filter(|series| series.state == SeriesState::Expired).count();
    assert_eq!(expired, 1);
}

async fn an_end_behind_its_beginning_in_one_batch_ends_it(desk: Desk) {
    // The beginning promises to 340, long after the end.
    desk.take(vec![fires("a", 100), event("prometheus", "a", 101, 100, End::Ended(at(101)))]).await;
    assert_eq!(desk.series().await[0].state, SeriesState::Resolved);
    assert_eq!(desk.incidents().await[0].shown(), Shown::Recovering);
}

async fn counters_wake_nobody(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    let head = desk.page(0, 100).await.head;
    let repeat = event("prometheus", "a", 60, 0, End::Until(at(300)));
    desk.take(vec![repeat.clone()]).await;
    let touch = Touch { key: repeat.key, last_seen: at(120), deliveries: 5, ends_at: Some(at(360)) };
    desk.store.touch(vec![touch], at(120)).await.unwrap();
    assert_eq!(desk.page(0, 100).await.head, head);
    let series = &desk.series().await[0];
    assert_eq!((series.deliveries, series.last_seen, series.ends_at), (7, at(120), Some(at(360))));
}

async fn two_ways_are_one_incident_until_both_are_over(desk: Desk) {
    desk.take(vec![fires("a", 0), event("alertmanager", "a", 1, 0, End::Open)]).await;
    desk.take(vec![ends("a", 10)]).await;
    let incidents = desk.incidents().await;
    assert_eq!((incidents.len(), incidents[0].shown(), incidents[0].tally.firing), (1, Shown::New, 1));
    desk.take(vec![event("alertmanager", "a", 12, 0, End::Ended(at(11)))]).await;
    assert_eq!(desk.incidents().await[0].shown(), Shown::Recovering);
}

async fn a_fire_after_the_window_is_a_new_incident(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    desk.take(vec![ends("a", 10)]).await;
    desk.take(vec![fires("a", 20)]).await;
    assert_eq!(desk.incidents().await[0].shown(), Shown::New);
    desk.take(vec![ends("a", 30)]).await;
    desk.due(630, 600).await;
    assert_eq!(desk.incidents().await[0].shown(), Shown::Resolved);
    desk.take(vec![fires("a", 700)]).await;
    let incidents = desk.incidents().await;
    assert_eq!((incidents.len(), incidents[1].number.0, incidents[1].shown()), (2, 2, Shown::New));
    assert_eq!((desk.series().await.len(), desk.series().await[0].flaps), (1, 2));
}

async fn a_silent_source_leaves_it_unknown_and_open(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    desk.due(241, 230).await;
    assert_eq!(desk.incidents().await[0].shown(), Shown::Unknown);
    assert!(desk.incidents().await[0].next_due_at.is_some());
    desk.due(500, 499).await;
    assert_eq!(desk.series().await[0].state, SeriesState::Expired);
    assert_eq!(desk.incidents().await[0].shown(), Shown::Recovering);
}

async fn an_operation_happens_once_and_its_verdict_never_changes(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    let incident = desk.incidents().await.remove(0);
    let ack = op(&incident, 1, [0; 32], Act::Ack);
    let first = desk.push(&ack, 10).await;
    assert_eq!(first, Pushed::Judged(Verdict::Won { claim_no: 1 }));
    let rev = desk.incidents().await[0].rev;
    assert_eq!(desk.push(&ack, 20).await, first);
    assert_eq!(desk.incidents().await[0].rev, rev);
    let told = desk.page(0, 100).await.rows.into_iter().filter(|row| row.kind == FeedKind::Verdict).count();
    assert_eq!(told, 1);
    let other = desk.store.feed(0, 100, NodeId(Uuid::from_bytes([9; 16]))).await.unwrap();
    assert!(other.rows.iter().all(|row| row.kind != FeedKind::Verdict));
    let head = other.head;
    for (after, node, expect) in [(0, NODE, true), (head, NODE, false), (0, NodeId(Uuid::from_bytes([9; 16])), false)] {
        assert_eq!(desk.store.has_verdicts(after, node).await.unwrap(), expect, "after {after}");
    }
}

/// A copied database became another node and signed anew what waited: the same act under the same id is one act.
async fn an_operation_signed_anew_under_another_node_happens_once(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    let incident = desk.incidents().await.remove(0);
    let fresh = NodeId(Uuid::from_bytes([3; 16]));
    let (user, public_key) = (UserName::parse("mira").unwrap(), *key().verifying_key().as_bytes());
    desk.store.register(Device { node: fresh, user, public_key }, token("cccccccc")).await.unwrap();
    let ack = op(&incident, 1, [0; 32], Act::Ack);
    let first = desk.push(&ack, 10).await;
    let rev = desk.incidents().await[0].rev;
    let anew = |nseq, prev_hash, change: fn(&mut Op)| {
        let mut anew = Op { node: fresh, nseq, prev_hash, ..ack.op.clone() };
        change(&mut anew);
        SignedOp::sign(anew, &key())
    };
    assert_eq!(desk.push(&anew(2, [9; 32], |_| {}), 11).await, Pushed::Gap { expected: 1 });
    for change in [|op: &mut Op| op.act = Act::TakeOver, |op: &mut Op| op.basis.rev += 1] {
        assert_eq!(desk.push(&anew(1, [0; 32], change), 11).await, Pushed::Fork, "another act");
    }
    let again = anew(1, [0; 32], |_| {});
    for second in [12, 13] {
        assert_eq!(desk.push(&again, second).await, first, "and its retry");
    }
    assert_eq!(desk.incidents().await[0].rev, rev, "once");
    let mut next = op(&incident, 2, again.hash(), Act::Note { text: "the chain goes on".into() }).op;
    next.node = fresh;
    assert_eq!(desk.push(&SignedOp::sign(next, &key()), 14).await, Pushed::Judged(Verdict::Applied));
    assert_eq!(desk.push(&again, 15).await, first, "later too");
    let mut same = op(&incident, 2, ack.hash(), Act::Ack).op;
    same.op_id = ack.op.op_id;
    assert_eq!(desk.push(&SignedOp::sign(same, &key()), 16).await, Pushed::Fork, "twice in one chain is no retry");
    let of_all = desk.store.feed(0, 100, None).await.unwrap().rows;
    let verdicts: Vec<_> = of_all.into_iter().filter(|row| row.kind == FeedKind::Verdict).collect();
    assert_eq!(verdicts.len(), 2, "whoever asks for everybody's has both");
}

async fn a_chain_has_no_gaps_and_no_forks(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    let incident = desk.incidents().await.remove(0);
    let first = op(&incident, 1, [0; 32], Act::Note { text: "one".into() });
    let second = op(&incident, 2, first.hash(), Act::Note { text: "two".into() });
    assert_eq!(desk.push(&second, 1).await, Pushed::Gap { expected: 1 });
    assert_eq!(desk.push(&first, 2).await, Pushed::Judged(Verdict::Applied));
    let mut twin = op(&incident, 2, [5; 32], Act::Note { text: "twin".into() }).op;
    twin.op_id = OpId(Uuid::from_u128(77));
    assert_eq!(desk.push(&SignedOp::sign(twin, &key()), 3).await, Pushed::Fork);
    assert_eq!(desk.push(&second, 4).await, Pushed::Judged(Verdict::Applied));
    let mut other = second.op.clone();
    other.act = Act::Resolve { force: true };
    assert_eq!(desk.push(&SignedOp::sign(other, &key()), 5).await, Pushed::Fork);
}

async fn force_dismisses_the_present_start_only(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0), fires("b", 0)]).await;
    let incident = desk.incidents().await.remove(0);
    let gentle = op(&incident, 1, [0; 32], Act::Resolve { force: false });
    assert_eq!(
        desk.push(&gentle, 5).await,
        Pushed::Judged(Verdict::Refused { because: Refusal::StillFiring { firing: 2 } })
    );
    let force = op(&incident, 2, gentle.hash(), Act::Resolve { force: true });
    assert_eq!(desk.push(&force, 6).await, Pushed::Judged(Verdict::Applied));
    desk.take(vec![event("prometheus", "a", 300, 0, End::Until(at(540)))]).await;
    assert_eq!(desk.incidents().await.len(), 1);
    let late = op(&incident, 3, force.hash(), Act::Ack);
    desk.take(vec![fires("b", 400)]).await;
    let incidents = desk.incidents().await;
    assert_eq!((incidents.len(), incidents[1].tally.firing), (2, 1));
    let by = Newer::Resolved { successor: Some(incidents[1].id) };
    assert_eq!(desk.push(&late, 401).await, Pushed::Judged(Verdict::Superseded { by }));
}

/// I12: whatever the page size, the last picture of each row is the same, and the places have no gap that hides a change.
async fn pages_of_any_size_tell_the_same(desk: Desk) {
    for second in 0..20 {
        desk.take(vec![fires(&format!("i{}", second % 7), second)]).await;
    }
    let whole = desk.page(0, 10_000).await;
    assert_eq!(whole.next, whole.head);
    for size in [1, 2, whole.rows.len() - 1, whole.rows.len(), whole.rows.len() + 1] {
        let (mut after, mut rows) = (0, Vec::new());
        loop {
            let page = desk.page(after, size).await;
            rows.extend(page.rows);
            after = page.next;
            if page.next >= page.head {
                break;
            }
        }
        assert_eq!(rows, whole.rows, "pages of {size}");
    }
    assert!(desk.page(whole.head, 10).await.rows.is_empty());
}

fn refused(second: i64) -> Quarantined {
    Quarantined {
        received_at: at(second),
        source: SourceName::parse("prometheus").unwrap(),
        format: "x".into(),
        reason: "why".into(),
        raw: vec![0, 255],
        raw_bytes: 2,
    }
}

async fn what_was_not_taken_is_kept(desk: Desk) {
    let item = refused(0);
    desk.store
        .ingest(Batch { now: at(0), events: vec![fires("a", 0)], quarantined: vec![item.clone()] })
        .await
        .unwrap();
    let kept: Vec<Quarantined> = desk.store.quarantine(10).await.unwrap().into_iter().map(|(_, row)| row).collect();
    assert_eq!(kept, [item]);
    assert_eq!(desk.incidents().await.len(), 1);
}

async fn what_is_too_old_is_forgotten_and_what_is_open_never(desk: Desk) {
    const DAY: i64 = 86_400;
    desk.take(vec![fires("a", 0), event("prometheus", "b", 0, 0, End::Open)]).await;
    desk.take(vec![ends("a", 10)]).await;
    let other =
        Event::new(SourceName::parse("x").unwrap(), alert("Other", "c", 0, End::Open), &IdentityRule::default(), at(0));
    desk.take(vec![other.clone()]).await;
    desk.take(vec![Event { alert: alert("Other", "c", 0, End::Ended(at(5))), ..other }]).await;
    desk.due(700, 700).await;
    desk.store.prune(at(31 * DAY)).await.unwrap();
    assert_eq!(desk.series().await.len(), 1);
    assert_eq!(desk.incidents().await.len(), 2);
    desk.store.prune(at(401 * DAY)).await.unwrap();
    let left = desk.incidents().await;
    assert_eq!((left.len(), left[0].shown()), (1, Shown::New));
}

async fn a_console_cannot_become_anothers(desk: Desk) {
    desk.know("mira").await;
    let thief = Device { node: NODE, user: UserName::parse("eve").unwrap(), public_key: [3; 32] };
    assert!(desk.store.register(thief, token("bbbbbbbb")).await.is_err());
    assert_eq!(desk.store.bearer("aaaaaaaa".into()).await.unwrap().unwrap().user.as_str(), "mira");
    assert_eq!(desk.store.bearer("bbbbbbbb".into()).await.unwrap(), None);
}

impl Desk {
    /// Ends the hub and starts it again.
    fn reopened(self, rules: Rules) -> Self {
        let Self { store, dir } = self;
        let store = match (store, &dir) {
            (HubStore::Memory(hub), _) => {
                let hub = hub.lock().unwrap().clone().reopened(rules, "epoch-2").unwrap();
                HubStore::Memory(Arc::new(Mutex::new(hub)))
            }
            (HubStore::Sqlite(hub), dir) => {
                drop(hub);
                HubStore::open_sqlite(&dir.as_ref().unwrap().path().join("hub.db"), rules, "epoch-2").unwrap()
            }
        };
        Self { store, dir }
    }
}

async fn an_opened_again_store_has_everything_and_the_same_history(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    let before = desk.page(0, 100).await;
    let desk = desk.reopened(rules());
    assert_eq!(desk.page(0, 100).await, before);
    assert_eq!(before.epoch, "epoch-1");
    assert_eq!(desk.store.head().await.unwrap(), Cursor { epoch: before.epoch, seq: before.head });
}

async fn other_ignored_labels_find_the_same_series_again(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    let identity = IdentityRule::ignoring(["severity".to_owned()]);
    let desk = desk.reopened(Rules { identity: identity.clone(), ..rules() });
    let source = SourceName::parse("prometheus").unwrap();
    let ended = Event::new(source, alert("Down", "a", 0, End::Ended(at(5))), &identity, at(6));
    desk.take(vec![ended]).await;
    let series = desk.series().await;
    assert_eq!((series.len(), series[0].state), (1, SeriesState::Resolved));
}

async fn what_would_break_a_rule_leaves_nothing(make: Make) {
    let stuck = Mint::new(|_| IncidentId(Uuid::from_u128(7)));
    let desk = make(Rules { mint: stuck, ..rules() });
    desk.know("mira").await;
    desk.take(vec![fires("a", 0)]).await;
    let before = desk.page(0, 100).await;
    let other =
        Event::new(SourceName::parse("x").unwrap(), alert("Other", "c", 9, End::Open), &IdentityRule::default(), at(9));
    let batch = Batch { now: at(9), events: vec![ends("a", 9), other, fires("b", 9)], quarantined: vec![refused(1)] };
    let error = desk.store.ingest(batch).await.unwrap_err();
    assert!(matches!(error, StoreError::Broken { .. }), "{error}");
    assert_eq!(desk.page(0, 100).await, before);
    assert_eq!((desk.series().await[0].deliveries, desk.store.quarantine(10).await.unwrap().len()), (1, 0));
    let mut stranger = op(&desk.incidents().await[0], 1, [0; 32], Act::Ack).op;
    (stranger.op_id, stranger.node) = (OpId(Uuid::from_u128(9)), NodeId(Uuid::from_bytes([9; 16])));
    let known = op(&desk.incidents().await[0], 1, [0; 32], Act::Ack);
    let error = desk.store.submit(vec![known, SignedOp::sign(stranger, &key())], at(10)).await.unwrap_err();
    assert!(matches!(error, StoreError::Broken { .. }), "{error}");
    assert_eq!(desk.page(0, 100).await, before);
    // It goes on from there.
    desk.take(vec![ends("a", 20)]).await;
    assert_eq!(desk.incidents().await[0].shown(), Shown::Recovering);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// I14, I1 and the tally: where batches are cut does not matter, and an incident counts exactly its series.
    #[test]
    fn where_batches_are_cut_does_not_matter(
        steps in proptest::collection::vec((0usize..4, any::<bool>(), 1i64..400), 1..25),
        cuts in proptest::collection::vec(any::<bool>(), 25),
    ) {
        let mut clock = 0;
        let events: Vec<Event> = steps.iter().map(|(which, over, wait)| {
            clock += wait;
            let instance = format!("i{which}");
            if *over { ends(&instance, clock) } else { fires(&instance, clock) }
        }).collect();
        let shape = |series: &Series| (series.state, series.flaps, series.episodes.clone(), series.deliveries);
        runtime().block_on(async {
            let (single, cut) = (sqlite(), sqlite());
            let mut batch = Vec::new();
            for (event, cut_here) in events.iter().zip(&cuts) {
                single.take(vec![event.clone()]).await;
                batch.push(event.clone());
                if *cut_here {
                    cut.take(std::mem::take(&mut batch)).await;
                }
            }
            cut.take(batch).await;
            let (a, b) = (single.series().await, cut.series().await);
            assert_eq!(a.iter().map(shape).collect::<Vec<_>>(), b.iter().map(shape).collect::<Vec<_>>());
            for desk in [&single, &cut] {
                let mut counted: BTreeMap<IncidentId, (u32, u32, u32)> = BTreeMap::new();
                for series in desk.series().await {
                    let Some(id) = series.incident else { continue };
                    let slot = counted.entry(id).or_default();
                    match series.state {
                        SeriesState::Firing => slot.0 += 1,
                        SeriesState::Unknown => slot.1 += 1,
                        SeriesState::Resolved | SeriesState::Expired | SeriesState::Pending => slot.2 += 1,
                    }
                }
                for incident in desk.incidents().await {
                    let tally = (incident.tally.firing, incident.tally.unknown, incident.tally.over);
                    assert_eq!(counted.get(&incident.id).copied().unwrap_or_default(), tally);
                    assert!(incident.next_due_at.is_some());
                }
            }
        });
    }
}

fn mira() -> UserName {
    UserName::parse("mira").unwrap()
}

#[test]
fn a_mirror_signs_for_one_user() {
    let dir = tempfile::tempdir().unwrap();
    drop(mirror(&dir));
    let eve = UserName::parse("eve").unwrap();
    let error = Mirror::open(&dir.path().join("mirror.db"), &eve, NODE, at(0)).err().unwrap().to_string();
    assert!(error.contains("this mirror is mira's and you are eve"), "{error}");
}

fn mirror(dir: &TempDir) -> Mirror {
    Mirror::open(&dir.path().join("mirror.db"), &mira(), NODE, at(0)).unwrap()
}

fn append(mirror: &mut Mirror, incident: &Incident, op_no: u128) -> SignedOp {
    let incident = incident.clone();
    mirror
        .append(|node, nseq, prev_hash| {
            let mut op = op(&incident, nseq, prev_hash, Act::Ack).op;
            (op.op_id, op.node) = (OpId(Uuid::from_u128(op_no)), node);
            SignedOp::sign(op, &key())
        })
        .unwrap()
}

#[tokio::test]
async fn a_mirror_that_follows_the_feed_is_the_hubs_picture() {
    let (desk, dir) = (sqlite(), tempfile::tempdir().unwrap());
    desk.take(vec![fires("a", 0), fires("b", 1)]).await;
    let mut mirror = mirror(&dir);
    mirror.restart("epoch-1", &Cursor::default()).unwrap();
    let mut after = 0;
    loop {
        let page = desk.page(after, 2).await;
        mirror.apply(&page, at(9)).unwrap();
        after = page.next;
        if page.next >= page.head {
            break;
        }
    }
    let incident = desk.incidents().await.remove(0);
    assert_eq!(mirror.incidents(at(0)).unwrap(), std::slice::from_ref(&incident));
    assert_eq!(mirror.find("1").unwrap(), std::slice::from_ref(&incident));
    assert_eq!(mirror.find(&incident.id.to_string()[..8]).unwrap(), std::slice::from_ref(&incident));
    assert_eq!(mirror.series_of(incident.id, 10).unwrap().len(), 2);
    assert_eq!(mirror.lines_of(incident.id, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn another_history_replaces_the_old_rows_at_its_head_and_keeps_what_waits() {
    let (desk, dir) = (sqlite(), tempfile::tempdir().unwrap());
    desk.take(vec![fires("a", 0)]).await;
    let mut mirror = mirror(&dir);
    mirror.restart("epoch-1", &Cursor::default()).unwrap();
    mirror.apply(&desk.page(0, 100).await, at(9)).unwrap();
    let old = desk.incidents().await.remove(0);
    append(&mut mirror, &old, 1);
    let refused = mirror.cursor().unwrap();
    mirror.restart("epoch-2", &refused).unwrap();
    assert_eq!(mirror.incidents(at(0)).unwrap().len(), 1);
    let empty = FeedPage { epoch: "epoch-2".into(), after: 0, next: 0, head: 0, rows: Vec::new(), signatures: None };
    assert!(mirror.apply(&empty, at(9)).unwrap().swept);
    assert!(mirror.incidents(at(0)).unwrap().is_empty());
    assert_eq!(mirror.waiting(10).unwrap().len(), 1);
    // A page of the old history that was still on its way changes nothing.
    mirror.apply(&desk.page(0, 100).await, at(9)).unwrap();
    assert!(mirror.incidents(at(0)).unwrap().is_empty());
}

#[tokio::test]
async fn a_page_that_begins_beyond_the_mirror_leaves_no_hole() {
    let (desk, dir) = (sqlite(), tempfile::tempdir().unwrap());
    desk.take(vec![fires("a", 0)]).await;
    let (mut one, mut two) = (mirror(&dir), mirror(&dir));
    one.restart("epoch-1", &Cursor::default()).unwrap();
    let first = desk.page(0, 100).await;
    one.apply(&first, at(1)).unwrap();
    // The other process was refused at the same empty cursor, and comes too late to begin anew.
    two.restart("epoch-1", &Cursor::default()).unwrap();
    assert_eq!(two.cursor().unwrap().seq, first.head);
    let refused = two.cursor().unwrap();
    two.restart("epoch-1", &refused).unwrap();
    desk.take(vec![fires("b", 5)]).await;
    one.apply(&desk.page(first.head, 100).await, at(2)).unwrap();
    assert_eq!(one.cursor().unwrap().seq, 0);
    one.apply(&desk.page(0, 100).await, at(3)).unwrap();
    assert_eq!(one.incidents(at(0)).unwrap(), desk.incidents().await);
}

#[tokio::test]
async fn two_processes_on_one_mirror_are_one_chain() {
    let (desk, dir) = (sqlite(), tempfile::tempdir().unwrap());
    desk.take(vec![fires("a", 0)]).await;
    let incident = desk.incidents().await.remove(0);
    let (mut one, mut two) = (mirror(&dir), mirror(&dir));
    let version = one.data_version().unwrap();
    let first = append(&mut one, &incident, 1);
    let second = append(&mut two, &incident, 2);
    assert_eq!((second.op.nseq, second.op.prev_hash), (2, first.hash()));
    assert_ne!(one.data_version().unwrap(), version);
    assert_eq!(one.waiting(10).unwrap(), [first.clone(), second]);
    two.settle(vec![(first.op.op_id, Verdict::Applied)], 9).unwrap();
    two.settle(vec![(first.op.op_id, Verdict::Unsupported)], 9).unwrap();
    // The first answer stands, and one of the two processes tells it, once.
    let told = one.tell().unwrap();
    assert_eq!((told.len(), told[0].verdict.clone()), (1, Some(Verdict::Applied)));
    assert!(two.tell().unwrap().is_empty());
    assert_eq!(one.waiting(10).unwrap().len(), 1);
    // Answered, and still laid over the picture: the feed has not brought what it did.
    assert_eq!(one.unshown().unwrap().len(), 2);
}

#[test]
fn the_schemas_change_only_by_a_new_version() {
    insta::assert_snapshot!("hub_schema", include_str!("sqlite/hub.sql"));
    insta::assert_snapshot!("mirror_schema", include_str!("sqlite/mirror.sql"));
}
