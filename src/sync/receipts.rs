//! What a console has to say of the pages that call its person: that it has them, and that the person saw them.

use super::wire::{RECEIPTS_MAX, Receipts};
use crate::domain::paging::{Page, PageId, PageState};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Returns whether the page rings now: not one that is to follow another channel later, nor one that waits for the end of a flap; one that
/// found no console does.
pub fn rings(page: &Page) -> bool {
    let is_on_its_way = page.state != PageState::Queued || page.not_before <= page.queued_at;
    (page.calls_the_console() && is_on_its_way) || page.missed_the_console()
}

/// What was seen and what was said; the rest stands in the pages themselves, once the hub confirmed it.
#[derive(Debug, Default)]
pub struct Ledger {
    /// On the screen when a key was pressed.
    seen: BTreeSet<PageId>,
    /// Said to the hub, and not yet confirmed by its feed.
    told_delivered: BTreeSet<PageId>,
    told_seen: BTreeSet<PageId>,
}

impl Ledger {
    /// Takes what calls now: what does not any more needs no receipt.
    pub fn keep(&mut self, calls: &[Arc<Page>]) {
        let calling: BTreeSet<PageId> = calls.iter().map(|page| page.id).collect();
        for set in [&mut self.seen, &mut self.told_delivered, &mut self.told_seen] {
            set.retain(|id| calling.contains(id));
        }
    }

    /// Notes that the person pressed a key while these were on the screen.
    pub fn look(&mut self, calls: &[PageId]) {
        self.seen.extend(calls);
    }

    /// Returns what the hub does not know yet.
    pub fn to_tell(&self, calls: &[Arc<Page>]) -> Receipts {
        let delivered = calls.iter().filter(|page| page.delivered_at.is_none());
        let seen = calls.iter().filter(|page| page.seen_at.is_none() && self.seen.contains(&page.id));
        let fresh = |told: &BTreeSet<PageId>, id: &PageId| !told.contains(id);
        Receipts {
            delivered: delivered
                .map(|page| page.id)
                .filter(|id| fresh(&self.told_delivered, id))
                .take(RECEIPTS_MAX)
                .collect(),
            seen: seen.map(|page| page.id).filter(|id| fresh(&self.told_seen, id)).take(RECEIPTS_MAX).collect(),
        }
    }

    /// Notes that the hub took these.
    pub fn told(&mut self, receipts: &Receipts) {
        self.told_delivered.extend(&receipts.delivered);
        self.told_seen.extend(&receipts.seen);
    }

    /// Forgets what was said: the hub's history is another one now.
    pub fn say_again(&mut self) {
        self.told_delivered.clear();
        self.told_seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{IncidentId, Number, UserName};
    use crate::domain::incident::Incident;
    use crate::domain::paging::{Call, Paging, Step, Whom};
    use crate::domain::time::Timestamp;

    fn page(number: u8) -> Page {
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        let now = Timestamp::from_millis(1000);
        let incident = Incident::open(IncidentId::from_bytes([number; 16]), Number(number.into()), group, now);
        let call = Call { whom: Whom::Level(0), step: Step::Level(0), why: String::new(), must: false };
        Page::chain(&incident, &call, &UserName::parse("mira").unwrap(), &Paging::default(), now).remove(0)
    }

    fn receipts(delivered: &[&Arc<Page>], seen: &[&Arc<Page>]) -> Receipts {
        let ids = |pages: &[&Arc<Page>]| pages.iter().map(|page| page.id).collect();
        Receipts { delivered: ids(delivered), seen: ids(seen) }
    }

    #[test]
    fn each_is_told_once_and_again_to_a_hub_that_was_restored() {
        let (mut ledger, calls) = (Ledger::default(), [page(1).into(), page(2).into()]);
        assert_eq!(ledger.to_tell(&calls), receipts(&[&calls[0], &calls[1]], &[]));
        ledger.told(&ledger.to_tell(&calls));
        assert!(ledger.to_tell(&calls).is_empty());
        ledger.look(&[calls[0].id]);
        assert_eq!(ledger.to_tell(&calls), receipts(&[], &[&calls[0]]), "what came later was not seen");
        ledger.told(&ledger.to_tell(&calls));
        assert!(ledger.to_tell(&calls).is_empty());
        ledger.say_again();
        assert_eq!(ledger.to_tell(&calls), receipts(&[&calls[0], &calls[1]], &[&calls[0]]));
    }

    #[test]
    fn what_the_hub_confirmed_or_what_calls_no_more_needs_no_word() {
        let (mut ledger, mut call) = (Ledger::default(), page(1));
        ledger.look(&[call.id]);
        ledger.keep(&[]);
        call.delivered_at = Some(Timestamp::from_millis(2000));
        assert!(ledger.to_tell(&[call.into()]).is_empty());
    }

    #[test]
    fn a_page_that_is_to_follow_later_does_not_ring_yet() {
        let mut page = page(1);
        assert!(rings(&page));
        page.not_before = Timestamp::from_millis(61_000);
        assert!(!rings(&page));
        page.state = PageState::Sending;
        assert!(rings(&page), "its time came");
        page.state = PageState::Failed("no console was there".into());
        assert!(rings(&page), "a console came");
        page.closed = Some("called again".into());
        assert!(!rings(&page));
    }
}
