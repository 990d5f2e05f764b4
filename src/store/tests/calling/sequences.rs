//! Sequences of acts, flaps, failures and restarts after which somebody must still be called, once.

use super::*;
use crate::store::hub::Submitted;

pub(super) async fn all(make: Make) {
    a_lease_that_ends_calls_the_first_level_anew(make(paged())).await;
    a_snooze_that_ends_calls_the_first_level_anew_when_its_person_is_silent(make(paged())).await;
    every_lease_is_warned_of(make(paged())).await;
    a_merge_of_a_merge_in_one_push_takes_everything_along(make(paged())).await;
    what_was_split_off_is_not_dismissed_with_the_rest_in_one_push(make(paged())).await;
    what_was_merged_is_not_opened_again_beside_its_groups_next(make(paged())).await;
    two_of_one_group_opened_again_in_one_push_are_one(make(paged())).await;
    a_flap_does_not_hold_back_what_is_to_be_tried_again(make(by_phone())).await;
    the_channel_that_fails_last_lets_the_next_level_be_called(make(paged())).await;
    who_was_revoked_is_not_called_and_nothing_is_handed_to_them(make(everyone())).await;
    a_merge_into_what_is_quiet_is_told_to_who_has_it(make(paged())).await;
    a_severity_that_a_person_set_goes_along_in_a_merge_and_a_split(make(paged())).await;
    a_mild_incident_that_a_person_escalated_is_called_on(make(paged())).await;
    what_was_asked_for_in_false_hope_is_not_fresh(make(paged())).await;
}

/// Everybody has a phone alone.
fn by_phone() -> Rules {
    let phone = vec![Link { channel: "phone".into(), after: Duration::ZERO }];
    let chains = [(user("mira"), phone.clone()), (user("lena"), phone)].into();
    Rules { paging: Paging { chains, ..paging() }, ..rules() }
}

fn everyone() -> Rules {
    let levels = vec![Level { call: vec![Callee::Everyone], within: Duration::from_secs(300) }];
    Rules { paging: Paging { levels, on_call: Vec::new(), chains: [].into(), ..Paging::default() }, ..rules() }
}

impl Desk {
    /// Lets everything due happen at each of these seconds; nobody leases pages meanwhile.
    async fn pass(&self, seconds: &[i64]) {
        for second in seconds {
            self.due(*second, *second).await;
        }
    }

    /// Returns who is asked for an answer by pages decided at that second or later.
    async fn called_since(&self, second: i64) -> Vec<String> {
        let fresh = |page: &Page| page.queued_at >= at(second) && page.is_open();
        let mut people: Vec<String> =
            self.pages().await.into_iter().filter(fresh).map(|page| page.person.to_string()).collect();
        people.sort();
        people.dedup();
        people
    }

    async fn push_all(&self, ops: Vec<SignedOp>, second: i64) -> Submitted {
        self.store.submit(ops, at(second)).await.unwrap()
    }

    async fn number(&self, number: u64) -> Incident {
        self.incidents().await.into_iter().find(|one| one.number.0 == number).unwrap()
    }
}

async fn a_lease_that_ends_calls_the_first_level_anew(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.pass(&[0, 300, 600, 900]).await;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Ack, 1, 1000).await;
    desk.act(&mut acts, Act::Seen, 1, 1001).await;
    desk.pass(&[2499, 2500, 2800, 2801]).await;
    assert_eq!(desk.number(1).await.shown(), Shown::New);
    assert_eq!(desk.called_since(2800).await, ["mira"], "the lease ended: whoever is on call now is called at once");
    desk.pass(&[3101]).await;
    assert_eq!(desk.called_since(3101).await, ["lena"], "and then the next level");
}

async fn a_snooze_that_ends_calls_the_first_level_anew_when_its_person_is_silent(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.pass(&[0, 300, 600]).await;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Snooze { until: at(2000), until_change: false }, 1, 610).await;
    desk.act(&mut acts, Act::Seen, 1, 611).await;
    desk.pass(&[2000]).await;
    assert_eq!(desk.called_since(2000).await, ["mira"], "who asked for it");
    desk.pass(&[2300]).await;
    assert_eq!(desk.called_since(2300).await, ["mira"], "who is on call");
    desk.pass(&[2600]).await;
    assert_eq!(desk.called_since(2600).await, ["lena"]);
}

async fn every_lease_is_warned_of(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.pass(&[0]).await;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Ack, 1, 10).await;
    desk.act(&mut acts, Act::Seen, 1, 11).await;
    desk.pass(&[1510]).await;
    assert_eq!(desk.called_since(1510).await, ["mira"], "the lease ends at 1810");
    desk.act(&mut acts, Act::Ack, 1, 1600).await;
    assert_eq!(desk.called_since(1510).await, [""; 0], "still on it");
    desk.pass(&[3100]).await;
    assert_eq!(desk.called_since(3100).await, ["mira"], "the lease ends at 3400");
}

async fn a_merge_of_a_merge_in_one_push_takes_everything_along(desk: Desk) {
    desk.know("mira").await;
    let one = |name| named(name, name, "a", "critical", 0);
    desk.take(vec![one("A"), one("B"), one("C")]).await;
    let (a, b, c) = (desk.number(1).await, desk.number(2).await, desk.number(3).await);
    let mut acts = Acts::default();
    let ops = vec![acts.sign(&a, Act::Merge { into: b.id }), acts.sign(&b, Act::Merge { into: c.id })];
    let answers = desk.push_all(ops, 5).await.answers;
    assert!(answers.iter().all(|(_, pushed)| *pushed == Pushed::Judged(Verdict::Applied)), "{answers:?}");
    let last = desk.number(3).await;
    assert_eq!(last.tally.firing, 3, "nothing burns outside of an open incident");
    assert!(desk.series().await.iter().all(|series| series.incident == Some(last.id)));
}

async fn what_was_split_off_is_not_dismissed_with_the_rest_in_one_push(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![fires("a", 0), fires("b", 0)]).await;
    let before = desk.number(1).await;
    let key = desk.series().await.into_iter().find(|one| one.labels.get("instance") == Some("b")).unwrap();
    let series = vec![SeriesKey { source: key.source, fingerprint: key.fingerprint }];
    let mut acts = Acts::default();
    let split = acts.sign(&before, Act::Split { series });
    let after = Incident { rev: before.rev + 1, ..before };
    let resolve = acts.sign(&after, Act::Resolve { force: true });
    let answers = desk.push_all(vec![split, resolve], 5).await.answers;
    assert!(answers.iter().all(|(_, pushed)| *pushed == Pushed::Judged(Verdict::Applied)), "{answers:?}");
    assert_eq!(desk.number(1).await.shown(), Shown::Resolved);
    let off = desk.number(2).await;
    assert_eq!((off.shown(), off.tally.firing), (Shown::New, 1), "nobody dismissed what was split off");
}

async fn what_was_merged_is_not_opened_again_beside_its_groups_next(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("A", "a", "x", "critical", 0), named("B", "b", "x", "critical", 0)]).await;
    let into = desk.number(2).await.id;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Merge { into }, 1, 5).await;
    desk.act(&mut acts, Act::Resolve { force: true }, 2, 6).await;
    desk.take(vec![named("A", "a", "y", "critical", 10)]).await;
    let next = desk.number(3).await.id;
    let verdict = desk.act(&mut acts, Act::Reopen, 1, 11).await;
    let by = crate::domain::judge::Newer::Resolved { successor: Some(next) };
    assert_eq!(verdict, Verdict::Superseded { by });
}

async fn two_of_one_group_opened_again_in_one_push_are_one(desk: Desk) {
    desk.know("mira").await;
    let mut acts = Acts::default();
    for (number, second) in [(1, 0), (2, 100)] {
        desk.take(vec![fires("a", second)]).await;
        desk.act(&mut acts, Act::Resolve { force: true }, number, second + 1).await;
    }
    let (one, two) = (desk.number(1).await, desk.number(2).await);
    let ops = vec![acts.sign(&one, Act::Reopen), acts.sign(&two, Act::Reopen)];
    let answers = desk.push_all(ops, 200).await.answers;
    assert_eq!(answers[0].1, Pushed::Judged(Verdict::Applied));
    let by = crate::domain::judge::Newer::Resolved { successor: Some(one.id) };
    assert_eq!(answers[1].1, Pushed::Judged(Verdict::Superseded { by }));
}

async fn a_flap_does_not_hold_back_what_is_to_be_tried_again(desk: Desk) {
    desk.take(vec![fires("a", 0)]).await;
    desk.due(0, 0).await;
    let page = desk.lease(0).await.remove(0).pages.remove(0).0;
    desk.finish(&page, Outcome::Retry { at: at(5), why: "500".into() }, 1).await;
    desk.take(vec![ends("a", 2)]).await;
    assert_eq!(desk.lease(6).await, [], "perhaps it was nothing");
    desk.take(vec![fires("a", 20)]).await;
    assert_eq!(who(&desk.lease(20).await), [("mira", "phone", 1)]);
}

async fn the_channel_that_fails_last_lets_the_next_level_be_called(desk: Desk) {
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    let console = desk.lease(0).await.remove(0).pages.remove(0).0;
    let deliveries = desk.lease(60).await;
    let again = deliveries.iter().find(|one| one.channel == "console").unwrap().pages[0].0.clone();
    let phone = deliveries.iter().find(|one| one.channel == "phone").unwrap().pages[0].0.clone();
    assert_eq!(again.id, console.id);
    desk.finish(&phone, Outcome::Failed { why: "no such number".into() }, 61).await;
    desk.finish(&again, Outcome::Failed { why: "no console said that it has it".into() }, 62).await;
    desk.due(62, 62).await;
    assert_eq!(who(&desk.lease(62).await), [("lena", "console", 1)], "nobody of the first level was reached");
}

async fn who_was_revoked_is_not_called_and_nothing_is_handed_to_them(desk: Desk) {
    desk.know("mira").await;
    let gone = Device { node: NodeId::from_bytes([9; 16]), user: user("jonas"), public_key: [9; 32] };
    desk.store.register(gone, token("bbbbbbbb")).await.unwrap();
    desk.store.revoke(crate::store::devices::Revoked::User(user("jonas")), at(0)).await.unwrap();
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    desk.due(0, 0).await;
    assert_eq!(desk.called_since(0).await, ["mira"]);
    let verdict = desk.act(&mut Acts::default(), Act::Assign { to: user("jonas") }, 1, 5).await;
    assert_eq!(verdict, Verdict::Refused { because: crate::domain::judge::Refusal::NoSuchPerson });
}

async fn a_merge_into_what_is_quiet_is_told_to_who_has_it(desk: Desk) {
    desk.know("mira").await;
    let jonas = Device { node: NodeId::from_bytes([9; 16]), user: user("jonas"), public_key: [9; 32] };
    desk.store.register(jonas, token("bbbbbbbb")).await.unwrap();
    let one = |name| named(name, name, "a", "critical", 0);
    desk.take(vec![one("A"), one("B"), one("C"), one("D")]).await;
    desk.pass(&[0]).await;
    let (mut hash, quiet) = ([0; 32], Act::Snooze { until: at(9000), until_change: false });
    for (nseq, number, act) in [(1, 2, quiet), (2, 3, Act::Ack)] {
        let mut other = op(&desk.number(number).await, nseq, hash, act).op;
        other.op_id = OpId::from_bytes([nseq as u8 + 9; 16]);
        (other.node, other.actor) = (NodeId::from_bytes([9; 16]), user("jonas"));
        let signed = SignedOp::sign(other, &key());
        hash = signed.hash();
        assert!(matches!(desk.push(&signed, 5).await, Pushed::Judged(Verdict::Won { .. })));
    }
    let mut acts = Acts::default();
    let (snoozed, acked) = (desk.number(2).await.id, desk.number(3).await.id);
    desk.act(&mut acts, Act::Merge { into: snoozed }, 1, 10).await;
    assert_eq!(desk.number(2).await.shown(), Shown::New, "what burned and was nobody's does not fall asleep with it");
    desk.pass(&[10]).await;
    assert_eq!(desk.called_since(10).await, ["mira"], "who is on call, for jonas is not");
    desk.act(&mut acts, Act::Merge { into: acked }, 4, 20).await;
    assert_eq!(desk.number(3).await.owner, Some(user("jonas")));
    assert_eq!(desk.called_since(20).await, ["jonas"], "it is more than jonas took");
}

async fn a_severity_that_a_person_set_goes_along_in_a_merge_and_a_split(desk: Desk) {
    desk.know("mira").await;
    let mild = |name, instance| named(name, name, instance, "info", 0);
    desk.take(vec![mild("A", "x"), mild("A", "y"), mild("B", "x")]).await;
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::SetSeverity { to: Severity::S1 }, 1, 5).await;
    let key = desk.series().await.into_iter().find(|one| one.labels.get("instance") == Some("y")).unwrap();
    let series = vec![SeriesKey { source: key.source, fingerprint: key.fingerprint }];
    desk.act(&mut acts, Act::Split { series }, 1, 6).await;
    assert_eq!(desk.number(3).await.severity, Some(Severity::S1));
    let into = desk.number(2).await.id;
    desk.act(&mut acts, Act::Merge { into }, 1, 7).await;
    assert_eq!(desk.number(2).await.severity, Some(Severity::S1));
    desk.pass(&[8]).await;
    assert_eq!(desk.called_since(8).await, ["mira"]);
}

async fn a_mild_incident_that_a_person_escalated_is_called_on(desk: Desk) {
    desk.know("mira").await;
    desk.take(vec![named("Note", "api", "a", "info", 0)]).await;
    desk.pass(&[0]).await;
    assert_eq!(desk.called_since(0).await, [""; 0]);
    let mut acts = Acts::default();
    desk.act(&mut acts, Act::Escalate { to: None, level_seen: 0 }, 1, 10).await;
    assert_eq!(desk.called_since(10).await, ["mira"]);
    desk.pass(&[310]).await;
    assert_eq!(desk.called_since(310).await, ["lena"], "nobody answered, and a person asked for somebody");
}

/// mira, cut off, takes it and ends it; jonas took it meanwhile. That both count to the same revision is chance.
async fn what_was_asked_for_in_false_hope_is_not_fresh(desk: Desk) {
    desk.know("mira").await;
    let jonas = Device { node: NodeId::from_bytes([9; 16]), user: user("jonas"), public_key: [9; 32] };
    desk.store.register(jonas, token("bbbbbbbb")).await.unwrap();
    desk.take(vec![named("Down", "api", "a", "critical", 0)]).await;
    let before = desk.number(1).await;
    let mut acts = Acts::default();
    let ack = acts.sign(&before, Act::Ack);
    let hoped = Incident { rev: before.rev + 1, claim_no: before.claim_no + 1, ..before.clone() };
    let resolve = acts.sign(&hoped, Act::Resolve { force: true });
    let mut other = op(&before, 1, [0; 32], Act::Ack).op;
    (other.op_id, other.node, other.actor) = (OpId::from_bytes([5; 16]), NodeId::from_bytes([9; 16]), user("jonas"));
    assert_eq!(desk.push(&SignedOp::sign(other, &key()), 5).await, Pushed::Judged(Verdict::Won { claim_no: 1 }));
    let answers = desk.push_all(vec![ack, resolve], 9).await.answers;
    assert_eq!(answers[0].1, Pushed::Judged(Verdict::Joined { owner: user("jonas") }));
    let by = crate::domain::judge::Newer::Changed;
    assert_eq!(answers[1].1, Pushed::Judged(Verdict::Superseded { by }));
    assert_eq!(desk.number(1).await.owner, Some(user("jonas")));
}
