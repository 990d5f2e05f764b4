//! Claims: both back ends show them, call who asked for it first, and end them by themselves.

use super::*;
use crate::domain::item::{Claim, ItemKind};
use crate::domain::paging::Step;

fn claim(id: &str, query: &str, until: i64) -> Claim {
    Claim {
        id: id.into(),
        by: UserName::parse("jonas").unwrap(),
        query: query.into(),
        at: at(0),
        until: at(until),
        reason: "disk swap".into(),
        page_me: true,
    }
}

/// An alert that calls people, for longer than any claim here.
fn burns() -> Event {
    let labels = [("alertname", "Down"), ("instance", "1"), ("severity", "critical")];
    let labels = Labels::new(labels, &LabelLimits::LABELS).unwrap();
    let alert = Alert { labels, ..alert("Down", "1", 1, End::Until(at(5000))) };
    Event::new(SourceName::parse("prometheus").unwrap(), alert, &IdentityRule::default(), at(1))
}

async fn steps(desk: &Desk) -> Vec<(String, Step)> {
    let rows = desk.page(0, 100_000).await.rows;
    let pages = rows.iter().filter(|row| row.kind == FeedKind::Page);
    let pages = pages.map(|row| serde_json::from_str::<crate::domain::paging::Page>(&row.body).unwrap());
    let mut pages: Vec<_> = pages.map(|page| (page.queued_at, page.person.to_string(), page.step)).collect();
    pages.sort_by_key(|(at, ..)| *at);
    pages.into_iter().map(|(_, person, step)| (person, step)).collect()
}

async fn only(desk: &Desk) -> Incident {
    desk.incidents().await.remove(0)
}

#[tokio::test]
async fn a_claim_shows_on_what_fits_calls_its_person_first_and_ends_by_itself() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.know("mira").await;
        desk.store.claim(claim("a", "alertname=Down", 1000), at(0)).await.unwrap();
        desk.take(vec![burns()]).await;
        assert_eq!(only(&desk).await.claimed.map(|claimed| claimed.id).as_deref(), Some("a"));
        desk.store.run_due(at(1), at(0), Vec::new()).await.unwrap();
        assert_eq!(steps(&desk).await, [("jonas".to_owned(), Step::Claimer)]);
        let next = only(&desk).await.next_due_at.unwrap();
        desk.store.run_due(next, at(0), Vec::new()).await.unwrap();
        assert!(steps(&desk).await[1..].iter().all(|(_, step)| *step == Step::Level(0)), "then the levels");
        assert!(steps(&desk).await.len() > 1, "a claim never silences");
        desk.store.run_due(at(1000), at(0), Vec::new()).await.unwrap();
        assert_eq!(only(&desk).await.claimed, None);
        assert_eq!(desk.store.items(ItemKind::Claim).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_claim_is_put_onto_what_is_open_and_taken_off_when_it_is_ended() {
    for make in [sqlite_by as Make, memory_by as Make] {
        let desk = make(rules());
        desk.take(vec![burns()]).await;
        desk.store.claim(claim("a", "alertname=Other", 1000), at(2)).await.unwrap();
        assert_eq!(only(&desk).await.claimed, None);
        desk.store.claim(claim("b", "alertname=Down", 1000), at(2)).await.unwrap();
        assert!(only(&desk).await.claimed.is_some());
        desk.store.end_claims(vec!["b".into()], at(3)).await.unwrap();
        assert_eq!(only(&desk).await.claimed, None);
        assert_eq!(desk.store.items(ItemKind::Claim).await.unwrap().len(), 1);
    }
}
