//! What both back ends must hold of runbooks: texts, receipts, ticks and remarks, by operations as consoles sign them.

use super::calling::named;
use super::*;
use crate::domain::item::{Item, ItemKind, Items};
use crate::domain::judge::Refusal;
use crate::domain::runbook::{Made, Reading, Revision, Runbook, RunbookName};
use crate::store::hub::Found;
use std::collections::BTreeMap;

fn name() -> RunbookName {
    RunbookName::parse("pay/5xx.md").unwrap()
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn made(text: &str, second: i64) -> Made {
    let (author, message, commit) = ("lena".into(), "why".into(), String::new());
    Made { revision: Revision::of(text), at: at(second), author, message, commit }
}

/// The runbook with these texts, the current one first.
fn found(texts: &[&str], has_history: bool) -> Found {
    let made = texts.iter().enumerate().map(|(index, text)| made(text, 100 - index as i64)).collect();
    let runbook = Runbook {
        name: name(),
        title: "5xx".into(),
        owner: String::new(),
        matches: vec!["service=pay".into()],
        urls: Vec::new(),
        made,
        bytes: texts[0].len() as u64,
        fault: None,
    };
    let texts = texts.iter().map(|text| (Revision::of(text), (*text).to_owned())).collect();
    Found { runbook, has_history, texts }
}

/// One node that signs what people say of runbooks.
#[derive(Default)]
struct Signer {
    nseq: u64,
    hash: [u8; 32],
}

impl Desk {
    async fn keep(&self, texts: &[&str], has_history: bool, second: i64) {
        self.store.keep_runbooks(vec![found(texts, has_history)], Vec::new(), at(second)).await.unwrap();
    }

    async fn all_items(&self) -> (Items, Vec<String>) {
        let (mut items, mut texts) = (Items::default(), Vec::new());
        for kind in ItemKind::ALL {
            for item in self.store.items(kind).await.unwrap() {
                if let Item::Text(text) = &item {
                    texts.push(text.text.clone());
                }
                items.put(item);
            }
        }
        texts.sort();
        (items, texts)
    }

    async fn say(&self, signer: &mut Signer, incident: IncidentId, act: Act, second: i64) -> Verdict {
        signer.nseq += 1;
        let op = Op {
            op_id: OpId(Uuid::from_u128(0x9000 + u128::from(signer.nseq))),
            node: NODE,
            nseq: signer.nseq,
            prev_hash: signer.hash,
            created_at: at(second),
            actor: user("mira"),
            incident,
            basis: Basis { rev: 0, claim_no: 0 },
            act,
        };
        let signed = SignedOp::sign(op, &key());
        signer.hash = signed.hash();
        match self.push(&signed, second).await {
            Pushed::Judged(verdict) => verdict,
            other => panic!("{other:?}"),
        }
    }
}

fn nowhere() -> IncidentId {
    IncidentId(Uuid::nil())
}

fn read(text: &str) -> Act {
    Act::Read { runbook: name(), revision: Revision::of(text) }
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        $(
            mod $name {
                use super::*;
                #[tokio::test]
                async fn sqlite() { super::$name(sqlite_by).await }
                #[tokio::test]
                async fn memory() { super::$name(memory_by).await }
            }
        )*
    };
}

on_both!(
    texts_are_told_while_they_are_current_or_were_read,
    a_receipt_for_what_was_replaced_is_for_that_and_no_other,
    a_file_under_a_new_name_was_read_by_who_read_it,
    remarks_on_what_was_replaced_give_way,
    ticks_are_of_one_incident_and_stand_in_its_timeline,
    remarks_are_kept_beside_their_text,
    a_long_feed_comes_in_pieces,
);

async fn texts_are_told_while_they_are_current_or_were_read(make: Make) {
    let desk = make(rules());
    desk.know("mira").await;
    desk.keep(&["one"], false, 1).await;
    desk.keep(&["one"], false, 2).await;
    let (items, texts) = desk.all_items().await;
    assert_eq!((texts, items.runbooks[name().as_str()].made.len()), (vec!["one".to_owned()], 1));
    desk.keep(&["two"], false, 3).await;
    let (items, texts) = desk.all_items().await;
    let shown: Vec<_> = items.runbooks[name().as_str()].made.iter().map(|made| made.revision).collect();
    assert_eq!((texts, shown), (vec!["two".to_owned()], vec![Revision::of("two"), Revision::of("one")]));
    assert_eq!(desk.say(&mut Signer::default(), nowhere(), read("two"), 4).await, Verdict::Applied);
    // A history says what was before, even what the hub never saw.
    desk.keep(&["three", "two", "one", "zero"], true, 5).await;
    let (items, texts) = desk.all_items().await;
    assert_eq!(texts, ["three", "two"], "what was read can be compared with");
    assert_eq!(items.runbooks[name().as_str()].made.len(), 4);
    desk.store.keep_runbooks(Vec::new(), vec![name()], at(6)).await.unwrap();
    let (items, texts) = desk.all_items().await;
    assert!(items.runbooks.is_empty() && texts.is_empty() && items.readers.len() == 1, "what was read stays known");
}

async fn a_receipt_for_what_was_replaced_is_for_that_and_no_other(make: Make) {
    let desk = make(rules());
    desk.know("mira").await;
    desk.keep(&["one"], false, 1).await;
    desk.keep(&["two"], false, 2).await;
    let mut signer = Signer::default();
    // Given offline, while the hub replaced it.
    assert_eq!(desk.say(&mut signer, nowhere(), read("one"), 3).await, Verdict::Applied);
    let (items, texts) = desk.all_items().await;
    let (runbook, readers) = (&items.runbooks[name().as_str()], items.readers.get(name().as_str()));
    assert_eq!(texts, ["one", "two"]);
    assert_eq!(runbook.reading(&user("mira"), readers), Reading::Changed { read: Revision::of("one"), at: at(3) });
    assert_eq!(runbook.reading(&user("jonas"), readers), Reading::Unread);
    assert_eq!(desk.say(&mut signer, nowhere(), read("two"), 4).await, Verdict::Applied);
    assert_eq!(desk.say(&mut signer, nowhere(), read("one"), 9).await, Verdict::Applied, "it came late");
    let (items, _) = desk.all_items().await;
    let (runbook, readers) = (&items.runbooks[name().as_str()], items.readers.get(name().as_str()));
    assert_eq!(runbook.reading(&user("mira"), readers), Reading::Current { at: at(4) });
    let never = Verdict::Refused { because: Refusal::NoSuchRunbook };
    assert_eq!(desk.say(&mut signer, nowhere(), read("never there"), 10).await, never);
    let other = Act::Read { runbook: RunbookName::parse("other.md").unwrap(), revision: Revision::of("one") };
    assert_eq!(desk.say(&mut signer, nowhere(), other, 11).await, never);
}

async fn a_file_under_a_new_name_was_read_by_who_read_it(make: Make) {
    let desk = make(rules());
    desk.know("mira").await;
    desk.keep(&["one"], false, 1).await;
    assert_eq!(desk.say(&mut Signer::default(), nowhere(), read("one"), 2).await, Verdict::Applied);
    let named = |path: &str, text: &str| {
        let mut found = found(&[text], false);
        found.runbook.name = RunbookName::parse(path).unwrap();
        found
    };
    let (moved, other) = (named("moved/5xx.md", "one"), named("moved/other.md", "another text"));
    desk.store.keep_runbooks(vec![moved, other], Vec::new(), at(3)).await.unwrap();
    let reading = |items: &Items, path: &str| items.runbooks[path].reading(&user("mira"), items.readers.get(path));
    let items = desk.all_items().await.0;
    assert_eq!(reading(&items, "moved/5xx.md"), Reading::Unread, "while both are there, they are two");
    desk.store.keep_runbooks(Vec::new(), vec![name()], at(4)).await.unwrap();
    let items = desk.all_items().await.0;
    assert_eq!(reading(&items, "moved/5xx.md"), Reading::Current { at: at(2) });
    assert_eq!(reading(&items, "moved/other.md"), Reading::Unread);
}

async fn remarks_on_what_was_replaced_give_way(make: Make) {
    use crate::domain::runbook::REMARKS_MAX;
    let desk = make(rules());
    desk.know("mira").await;
    desk.keep(&["one"], false, 1).await;
    let mut signer = Signer::default();
    let remark = |text: &str, line: u32| Act::Remark {
        runbook: name(),
        revision: Revision::of(text),
        line,
        text: "it is port 81".into(),
    };
    for line in 1..=REMARKS_MAX as u32 {
        assert_eq!(desk.say(&mut signer, nowhere(), remark("one", line), 2).await, Verdict::Applied);
    }
    let full = Verdict::Refused { because: Refusal::NoRoom };
    assert_eq!(desk.say(&mut signer, nowhere(), remark("one", 999), 3).await, full, "all are of the current text");
    desk.keep(&["two"], false, 4).await;
    assert_eq!(desk.say(&mut signer, nowhere(), remark("two", 7), 5).await, Verdict::Applied);
    let remarks = desk.all_items().await.0.remarks[name().as_str()].remarks.clone();
    let ends = [&remarks[0], &remarks[REMARKS_MAX - 1]].map(|remark| (remark.line, remark.revision));
    assert_eq!((ends, remarks.len()), ([(2, Revision::of("one")), (7, Revision::of("two"))], REMARKS_MAX));
}

async fn ticks_are_of_one_incident_and_stand_in_its_timeline(make: Make) {
    let desk = make(rules());
    desk.know("mira").await;
    desk.keep(&["- [ ] drain"], false, 1).await;
    desk.take(vec![named("Down", "pay", "a", "critical", 1), named("Full", "pay", "b", "critical", 1)]).await;
    let [first, second] = <[Incident; 2]>::try_from(desk.incidents().await).unwrap();
    let mut signer = Signer::default();
    let tick = |done| Act::Tick { runbook: name(), task: "0f".into(), text: "drain".into(), done };
    assert_eq!(desk.say(&mut signer, first.id, tick(true), 2).await, Verdict::Applied);
    assert_eq!(desk.say(&mut signer, first.id, tick(true), 3).await, Verdict::Applied, "twice is once");
    let (items, _) = desk.all_items().await;
    let ticked: Vec<_> = items.ticks.values().map(|ticks| (ticks.incident, ticks.ticked["0f"].at)).collect();
    assert_eq!(ticked, [(first.id, at(2))]);
    assert_eq!(desk.say(&mut signer, second.id, tick(false), 4).await, Verdict::Applied);
    assert_eq!(desk.say(&mut signer, first.id, tick(false), 5).await, Verdict::Applied);
    assert!(desk.all_items().await.0.ticks.values().all(|ticks| ticks.ticked.is_empty()));
    let unknown = Verdict::Refused { because: Refusal::NoSuchIncident };
    assert_eq!(desk.say(&mut signer, nowhere(), tick(true), 6).await, unknown);
    let rows = desk.page(0, 1000).await.rows;
    let lines = rows.iter().filter(|row| row.kind == FeedKind::Line && row.body.contains("ticked"));
    assert_eq!(lines.count(), 2, "ticked, and unticked");
    assert_eq!(desk.incidents().await[0].rev, first.rev, "nothing of the incident changed");
}

async fn remarks_are_kept_beside_their_text(make: Make) {
    let desk = make(rules());
    desk.know("mira").await;
    desk.keep(&["one"], false, 1).await;
    let mut signer = Signer::default();
    let remark = |text: &str| Act::Remark {
        runbook: name(),
        revision: Revision::of(text),
        line: 3,
        text: "it is port 81".into(),
    };
    assert_eq!(desk.say(&mut signer, nowhere(), remark("one"), 2).await, Verdict::Applied);
    desk.keep(&["two"], false, 3).await;
    let (items, _) = desk.all_items().await;
    let remarks: Vec<_> = items.remarks[name().as_str()].remarks.iter().map(|one| (one.line, one.revision)).collect();
    assert_eq!(remarks, [(3, Revision::of("one"))]);
    let never = Verdict::Refused { because: Refusal::NoSuchRunbook };
    assert_eq!(desk.say(&mut signer, nowhere(), remark("never there"), 4).await, never);
}

/// Twenty runbooks of 200 KiB are more than one page of the feed holds.
async fn a_long_feed_comes_in_pieces(make: Make) {
    let desk = make(rules());
    let texts: BTreeMap<usize, String> = (0..20).map(|index| (index, format!("{index}").repeat(100_000))).collect();
    for text in texts.values() {
        desk.keep(&[text.as_str()], true, 1).await;
        let other = RunbookName::parse(&format!("{}.md", Revision::of(text).short())).unwrap();
        let mut one = found(&[text.as_str()], true);
        one.runbook.name = other;
        desk.store.keep_runbooks(vec![one], Vec::new(), at(1)).await.unwrap();
    }
    let (mut after, mut pages, mut rows) = (0, 0, 0);
    loop {
        let page = desk.page(after, 1000).await;
        let bytes: usize = page.rows.iter().map(|row| row.body.len()).sum();
        assert!(bytes <= crate::store::hub::read::FEED_BYTES_MAX, "{bytes}");
        (pages, rows, after) = (pages + 1, rows + page.rows.len(), page.next);
        if page.next == page.head {
            break;
        }
    }
    let (items, told) = desk.all_items().await;
    assert!(pages > 1 && told.len() == 21, "{pages} pages, {} texts", told.len());
    assert!(rows >= items.runbooks.len() + told.len());
}
