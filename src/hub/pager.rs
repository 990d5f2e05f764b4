//! Sends what the store decided: leases pages, hands them to channels, writes down what became of them.
//!
//! Nothing of it is only in memory: who dies between lease and answer leaves a lease that runs out, and the page is sent again, marked as
//! such. A person's consoles get their pages by the feed; here it is only watched whether one of them said so.

use super::metrics::ByChannel;
use super::{Hub, fold};
use crate::domain::id::UserName;
use crate::domain::paging::{CONSOLE, Page, PageId};
use crate::notify::{Answer, Channels, Message};
use crate::store::hub::{Delivery, Outcome};
use crate::sync::clock;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How often due pages are looked for; a commit that queued some wakes the pager at once.
const ROUND: Duration = Duration::from_secs(1);
/// Messages on their way at once, each to another person or by another channel.
const AT_ONCE: usize = 16;
/// Leases taken in one round: what a failing channel hands on is sent in the same round, but not for ever.
const LEASES_MAX: usize = 100;
/// Leases within which a console must say that it has its page.
const CONSOLE_LEASES: u32 = 2;
/// How long messages on their way may go on once the hub stops; what is cut off is sent again by the next hub.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs until the hub stops.
pub async fn run(hub: Arc<Hub>, channels: Channels) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pager =
        Pager { hub: hub.clone(), channels: Arc::new(channels), sending: JoinSet::new(), up: Instant::now() };
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            () = hub.paged.notified() => {}
            Some(_) = pager.sending.join_next() => {}
            () = hub.stop.cancelled() => break,
        }
        pager.round().await;
    }
    let _ = tokio::time::timeout(LAST_WORDS, async { while pager.sending.join_next().await.is_some() {} }).await;
}

struct Pager {
    hub: Arc<Hub>,
    channels: Arc<Channels>,
    sending: JoinSet<()>,
    up: Instant,
}

impl Pager {
    async fn round(&mut self) {
        while self.sending.try_join_next().is_some() {}
        for _ in 0..LEASES_MAX {
            let free = AT_ONCE.saturating_sub(self.sending.len());
            if free == 0 || self.hub.stop.is_cancelled() {
                return;
            }
            let leased = self.hub.store.lease_pages(clock::now(), self.hub.config.page_lease, free).await;
            match leased {
                Ok(deliveries) if deliveries.is_empty() => return,
                Ok(deliveries) => self.deliver(deliveries).await,
                Err(error) => return fold::failed(&self.hub, &error),
            }
        }
    }

    async fn deliver(&mut self, deliveries: Vec<Delivery>) {
        // That somebody is being called is news for every screen.
        if let Ok(head) = self.hub.store.head().await {
            self.hub.advance(head.seq);
        }
        let mut unreached = Vec::new();
        for delivery in deliveries {
            if delivery.channel == CONSOLE {
                unreached.extend(self.at_consoles(&delivery));
            } else {
                self.sending.spawn(send(self.hub.clone(), self.channels.clone(), delivery));
            }
        }
        if !unreached.is_empty() {
            finish(&self.hub, CONSOLE, unreached).await;
        }
    }

    /// Returns the pages that no console of their person will show.
    fn at_consoles(&self, delivery: &Delivery) -> Vec<(PageId, u64, Outcome)> {
        // Consoles need a moment to come back to a hub that was started anew.
        let here = self.hub.presence.is_here(&delivery.person) || self.up.elapsed() < self.hub.config.page_lease;
        let pages = delivery.pages.iter();
        pages
            .filter_map(|(page, _)| {
                let why = unreachable(page, here, &delivery.person)?;
                Some((page.id, page.lease_no, Outcome::Failed { why }))
            })
            .collect()
    }
}

/// Returns why a page cannot be left to its person's consoles.
fn unreachable(page: &Page, here: bool, person: &UserName) -> Option<String> {
    if !here {
        return Some(format!("no console of {person} is connected"));
    }
    (page.attempts > CONSOLE_LEASES).then(|| format!("no console of {person} said that it has it"))
}

async fn send(hub: Arc<Hub>, channels: Arc<Channels>, delivery: Delivery) {
    let Delivery { person, channel, pages, .. } = &delivery;
    let message = Message::of(&delivery);
    let answer = channels.send(channel, &message).await;
    let attempt = message.attempt;
    match &answer {
        Answer::Sent => tracing::info!(%person, channel, attempt, pages = pages.len(), "paged"),
        Answer::Later(why) | Answer::Never(why) => {
            tracing::warn!(%person, channel, attempt, why, "a page did not go out")
        }
    }
    let now = clock::now();
    let outcome = |page: &Page| (page.id, page.lease_no, channels.plan(channel, &answer, page.attempts, now));
    finish(&hub, channel, pages.iter().map(|(page, _)| outcome(page)).collect()).await;
}

async fn finish(hub: &Hub, channel: &str, done: Vec<(PageId, u64, Outcome)>) {
    for (_, _, outcome) in &done {
        hub.metrics.pages.get_or_create(&ByChannel { channel: channel.to_owned(), outcome: word(outcome) }).inc();
    }
    match hub.store.finish_pages(done, clock::now()).await {
        Ok(committed) => hub.committed(&committed),
        Err(error) => fold::failed(hub, &error),
    }
    // A channel that failed brought the next one forward.
    hub.paged.notify_one();
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Sent => "sent",
        Outcome::Retry { .. } => "retry",
        Outcome::Failed { .. } => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grouping::Group;
    use crate::domain::id::{IncidentId, Number};
    use crate::domain::incident::Incident;
    use crate::domain::paging::{Call, Paging, Step, Whom};
    use crate::domain::time::Timestamp;

    #[track_caller]
    fn check(attempts: u32, here: bool, wanted: Option<&str>) {
        let (now, mira) = (Timestamp::from_millis(1000), UserName::parse("mira").unwrap());
        let group = Group { key: "k".into(), service: "api".into(), summary: "down".into() };
        let incident = Incident::open(IncidentId::from_bytes([1; 16]), Number(1), group, now);
        let call = Call { whom: Whom::Level(0), step: Step::Level(0), why: String::new(), must: false };
        let mut page = Page::chain(&incident, &call, &mira, &Paging::default(), now).remove(0);
        page.attempts = attempts;
        assert_eq!(unreachable(&page, here, &mira).as_deref(), wanted);
    }

    #[test]
    fn a_console_has_two_leases_to_say_that_it_has_its_page_and_an_absent_one_has_none() {
        check(1, true, None);
        check(2, true, None);
        check(3, true, Some("no console of mira said that it has it"));
        check(1, false, Some("no console of mira is connected"));
        check(2, false, Some("no console of mira is connected"));
    }
}
