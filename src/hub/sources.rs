//! What is heard of sources between two rounds of the engine, and which of their alerts are heartbeats and nothing else.

use super::{Hub, fold};
use crate::config::Source;
use crate::domain::event::{End, Event};
use crate::domain::id::SourceName;
use crate::domain::source::{Expected, Heard, Ping, Way};
use crate::domain::time::Timestamp;
use crate::query::{AlertSubject, Eyes, Query};
use crate::store::StoreError;
use crate::store::hub::{Due, Round};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What is expected of each source, and which of its alerts count as a beat.
type Expectations = BTreeMap<SourceName, (Expected, Option<Query>)>;

/// What is expected of sources, and what was heard of them since the last round.
#[derive(Default)]
pub struct Watch {
    expected: RwLock<Arc<Expectations>>,
    heard: Mutex<HashMap<SourceName, Heard>>,
}

impl Watch {
    /// Returns the watch over these sources.
    pub fn over(sources: &[Source]) -> Self {
        let watch = Self::default();
        watch.expect(sources);
        watch
    }

    /// Takes what is expected from now on.
    pub fn expect(&self, sources: &[Source]) {
        let expected = sources
            .iter()
            .filter_map(|source| Some((source.name.clone(), (source.expected?, source.heartbeat.clone()))))
            .collect();
        *self.expected.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(expected);
    }

    fn expected(&self) -> Arc<BTreeMap<SourceName, (Expected, Option<Query>)>> {
        self.expected.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether pings in that name are taken.
    pub fn takes_pings(&self, name: &SourceName) -> bool {
        self.expected().get(name).is_some_and(|(expected, _)| expected.way == Way::Ping)
    }

    /// Notes a request of a source, with how many heartbeats it held.
    pub fn hear(&self, source: &SourceName, at: Timestamp, requests: u64, beats: u64) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let one = heard.entry(source.clone()).or_insert_with(|| quiet(source, at));
        one.at = one.at.max(at);
        one.requests += requests;
        one.beats += beats;
    }

    /// Takes those out of the events that are heartbeats of their source: they are counted, and open nothing. One that says it is over is
    /// none.
    pub fn take_beats(&self, source: &SourceName, events: Vec<Event>, now: Timestamp) -> Vec<Event> {
        let expected = self.expected();
        let Some(query) = expected.get(source).and_then(|(_, query)| query.as_ref()) else { return events };
        let is_beat = |event: &Event| {
            let subject = AlertSubject { source, labels: &event.alert.labels };
            !matches!(event.alert.end, End::Ended(_)) && query.matches(&subject, &Eyes::nobody(now))
        };
        let all = events.len();
        let rest: Vec<Event> = events.into_iter().filter(|event| !is_beat(event)).collect();
        if rest.len() < all {
            self.hear(source, now, 0, (all - rest.len()) as u64);
        }
        rest
    }

    fn take_heard(&self) -> Vec<Heard> {
        let mut heard: Vec<Heard> =
            std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect();
        heard.sort_by(|a, b| a.source.cmp(&b.source));
        heard
    }

    fn round(&self, now: Timestamp, heard: Vec<Heard>) -> Round {
        let with_text = |(name, (expected, query)): (&SourceName, &(Expected, Option<Query>))| {
            (name.clone(), (*expected, query.as_ref().map(ToString::to_string)))
        };
        let expected = self.expected().iter().map(with_text).collect();
        Round { now, hub_up_since: None, expected, heard, tell_counts: false }
    }
}

fn quiet(source: &SourceName, at: Timestamp) -> Heard {
    Heard { source: source.clone(), at, requests: 0, beats: 0, ping: None }
}

/// Looks at all sources, once a second.
pub async fn look(hub: &Hub, now: Timestamp, hub_up_since: Timestamp, tell_counts: bool) {
    let mut round = hub.watch.round(now, hub.watch.take_heard());
    (round.hub_up_since, round.tell_counts) = (Some(hub_up_since), tell_counts);
    let heard = round.heard.clone();
    if let Err(error) = all(hub, round).await {
        // What was heard is written down when the store answers again.
        for one in heard {
            hub.watch.hear(&one.source, one.at, one.requests, one.beats);
        }
        fold::failed(hub, &error);
    }
}

/// Takes a ping; once this returns it is on the disk.
///
/// # Errors
/// [`StoreError`]; nothing was heard then.
pub async fn ping(hub: &Hub, name: SourceName, ping: Ping, now: Timestamp) -> Result<(), StoreError> {
    let heard = Heard { requests: 1, ping: Some(ping), ..quiet(&name, now) };
    all(hub, hub.watch.round(now, vec![heard])).await
}

/// Writes a round down, and goes on while series of a source that fell silent or came back are left.
async fn all(hub: &Hub, mut round: Round) -> Result<(), StoreError> {
    loop {
        let Due { committed, more } = hub.store.watch(round.clone()).await?;
        hub.committed(&committed);
        if !more || hub.stop.is_cancelled() {
            return Ok(());
        }
        // It was heard once.
        round.heard.clear();
    }
}
