//! What burns now, in memory: to answer a repeat without the disk, and a filter without a query.
//!
//! A repeat needs no write before its answer as long as no crash can make the alert look expired: while the *stored* end is later than
//! now plus one resend interval of its sender. Counters of such repeats reach the disk within a minute.
//!
//! The set follows commits and is not truth: with several hubs on one database it must be told of the others' commits before it may
//! answer for the disk.

use crate::domain::event::{End, Event, SeriesKey};
use crate::domain::id::SourceName;
use crate::domain::label::{Fingerprint, Labels};
use crate::domain::series::{Series, SeriesState};
use crate::domain::time::Timestamp;
use crate::query::{AlertSubject, Eyes, Query};
use crate::store::hub::Touch;
use crate::store::{HubStore, StoreError};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A sender's promise is four resend intervals (Prometheus); a third of it is one interval and a margin.
const RESENDS_PROMISED: u32 = 3;

/// Series that burn or are unknown.
pub struct Firing {
    inner: Mutex<Inner>,
    /// Keyed anew in each process, so that nobody can choose texts that look alike to it.
    hasher: RandomState,
}

#[derive(Default)]
struct Inner {
    sources: Vec<SourceName>,
    /// How many series of each source are in the set.
    burning: Vec<usize>,
    series: HashMap<(u16, Fingerprint), Entry>,
    /// Series with repeats that are not on the disk yet.
    dirty: Vec<(u16, Fingerprint)>,
}

struct Entry {
    labels: Labels,
    /// Two bits for each label: a filter sees by them, without touching the text, that nearly all others lack what it wants.
    marks: u64,
    /// Hash of the text that accompanies it, to see whether a repeat says something new.
    text: u64,
    state: SeriesState,
    started_at: Timestamp,
    /// The end as the disk has it; `None` never.
    stored_end: Option<Timestamp>,
    /// The end as the latest repeat gave it.
    seen_end: Option<Timestamp>,
    last_seen: Timestamp,
    /// Repeats that the disk has not counted.
    repeats: u32,
    /// When something new about it arrived that is on its way to the disk: until it is there, nobody knows what a repeat repeats.
    pending: Option<Timestamp>,
}

/// One series of a filtered read.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub key: SeriesKey,
    /// The end by the latest repeat.
    pub ends_at: Option<Timestamp>,
    /// The latest repeat.
    pub last_seen: Timestamp,
}

impl Firing {
    /// Reads what burns from the store.
    pub async fn load(store: &HubStore) -> Result<Self, StoreError> {
        let firing = Self { inner: Mutex::default(), hasher: RandomState::new() };
        let mut after = 0;
        loop {
            let (series, last) = store.burning(after, 5000).await?;
            let Some(last) = last else { return Ok(firing) };
            firing.update(&series);
            after = last;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while it was held would leave a set that is at worst incomplete: then repeats are written, which is always right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.lock().series.len()
    }

    /// Returns whether any series of the source burns.
    pub fn has(&self, source: &SourceName) -> bool {
        let inner = self.lock();
        let number = inner.sources.iter().position(|known| known == source);
        number.is_some_and(|number| inner.burning[number] > 0)
    }

    /// Follows a commit.
    pub fn update(&self, committed: &[Series]) {
        if committed.is_empty() {
            return;
        }
        let mut inner = self.lock();
        for series in committed {
            let key = (inner.source(&series.source), series.fingerprint);
            if series.state.is_over() {
                if inner.series.remove(&key).is_some() {
                    inner.burning[usize::from(key.0)] -= 1;
                }
                continue;
            }
            let entry = Entry {
                marks: series.labels.iter().fold(0, |marks, (name, value)| marks | self.mark(name, value)),
                labels: series.labels.clone(),
                text: self.text(&series.annotations, &series.generator_url),
                state: series.state,
                started_at: series.started_at(),
                stored_end: series.ends_at,
                seen_end: series.ends_at,
                last_seen: series.last_seen,
                repeats: 0,
                pending: None,
            };
            // Of several changes in the queue the first may be on the disk and the last not yet.
            let before = inner.series.get(&key).map(|before| {
                let pending = before.pending.filter(|arrived| *arrived > series.last_seen);
                (before.repeats, pending)
            });
            if before.is_none() {
                inner.burning[usize::from(key.0)] += 1;
            }
            let (repeats, pending) = before.unwrap_or_default();
            inner.series.insert(key, Entry { repeats, pending, ..entry });
        }
    }

    /// Returns those of the events that must be written before they are answered; counts the others.
    ///
    /// `room` is how many series may burn at once; what is new beyond it comes back apart.
    pub fn sift(&self, source: &SourceName, events: Vec<Event>, room: usize) -> (Vec<Event>, Vec<Event>) {
        let texts: Vec<u64> =
            events.iter().map(|event| self.text(&event.alert.annotations, &event.alert.generator_url)).collect();
        let mut inner = self.lock();
        let source = inner.source(source);
        let mut free = room.saturating_sub(inner.series.len());
        let (mut news, mut beyond) = (Vec::new(), Vec::new());
        for (event, text) in events.into_iter().zip(texts) {
            let key = (source, event.key.fingerprint);
            match inner.series.get_mut(&key) {
                Some(entry) if entry.pending.is_none() && entry.repeated_by(&event, text) => {
                    let first = entry.repeats == 0;
                    entry.repeat(&event);
                    if first {
                        inner.dirty.push(key);
                    }
                }
                Some(entry) => {
                    entry.pending = entry.pending.max(Some(event.received_at));
                    news.push(event);
                }
                None if matches!(event.alert.end, End::Ended(_)) => news.push(event),
                None if free == 0 => beyond.push(event),
                None => {
                    free -= 1;
                    news.push(event);
                }
            }
        }
        (news, beyond)
    }

    /// Returns how many series have repeats that the disk has not counted.
    pub fn repeats_waiting(&self) -> usize {
        self.lock().dirty.len()
    }

    /// Takes at most `max` series whose repeats the disk has not counted.
    pub fn take_repeats(&self, max: usize) -> Vec<Touch> {
        let mut inner = self.lock();
        let rest = inner.dirty.len().saturating_sub(max);
        let keys = inner.dirty.split_off(rest);
        let mut touches = Vec::with_capacity(keys.len());
        for (source, fingerprint) in keys {
            let name = inner.sources[usize::from(source)].clone();
            let Some(entry) = inner.series.get_mut(&(source, fingerprint)) else { continue };
            let deliveries = u64::from(std::mem::take(&mut entry.repeats));
            if deliveries > 0 {
                let key = SeriesKey { source: name, fingerprint };
                touches.push(Touch { key, last_seen: entry.last_seen, deliveries, ends_at: entry.seen_end });
            }
        }
        touches
    }

    /// Notes that these repeats are on the disk.
    pub fn touched(&self, touches: &[Touch]) {
        let mut inner = self.lock();
        for touch in touches {
            let key = (inner.source(&touch.key.source), touch.key.fingerprint);
            if let Some(entry) = inner.series.get_mut(&key) {
                entry.stored_end = entry.stored_end.max(touch.ends_at);
            }
        }
    }

    /// Returns the series that fit the query.
    pub fn find(&self, query: &Query) -> Vec<Found> {
        let wanted = query.equalities().into_iter();
        let marks = wanted.fold(0, |marks, (name, value)| marks | self.mark(name, value));
        // The API's filters ask labels: nobody looks, and no time counts.
        let eyes = Eyes::nobody(Timestamp::from_millis(0));
        let inner = self.lock();
        let matching = inner.series.iter().filter(|((source, _), entry)| {
            let subject = AlertSubject { source: &inner.sources[usize::from(*source)], labels: &entry.labels };
            entry.marks & marks == marks && query.matches(&subject, &eyes)
        });
        matching
            .map(|((source, fingerprint), entry)| Found {
                key: SeriesKey { source: inner.sources[usize::from(*source)].clone(), fingerprint: *fingerprint },
                ends_at: entry.seen_end,
                last_seen: entry.last_seen,
            })
            .collect()
    }

    /// Returns the bits of one label in [`Entry::marks`].
    fn mark(&self, name: &str, value: &str) -> u64 {
        let hash = self.hasher.hash_one((name, value));
        1 << (hash & 63) | 1 << (hash >> 6 & 63)
    }

    fn text(&self, annotations: &Labels, generator_url: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        annotations.hash(&mut hasher);
        generator_url.hash(&mut hasher);
        hasher.finish()
    }
}

impl Inner {
    /// Returns the number of the source: a name in each of 100,000 keys would be megabytes.
    fn source(&mut self, name: &SourceName) -> u16 {
        let known = self.sources.iter().position(|source| source == name);
        let index = known.unwrap_or_else(|| {
            self.sources.push(name.clone());
            self.burning.push(0);
            self.sources.len() - 1
        });
        u16::try_from(index).expect("sources come from the configuration and are few")
    }
}

impl Entry {
    /// Returns whether the event says nothing that the disk must know before the answer.
    fn repeated_by(&self, event: &Event, text: u64) -> bool {
        let lasting = match (self.stored_end, event.promise()) {
            (None, None) => matches!(event.alert.end, End::Open),
            (Some(end), Some(promise)) => end > event.received_at.plus(resend(promise)),
            (None, Some(_)) | (Some(_), None) => false,
        };
        lasting
            && self.state == SeriesState::Firing
            && self.text == text
            && event.starts_at() >= self.started_at
            && self.labels == event.alert.labels
    }

    fn repeat(&mut self, event: &Event) {
        self.repeats = self.repeats.saturating_add(1);
        self.last_seen = self.last_seen.max(event.received_at);
        if let End::Until(at) = event.alert.end {
            self.seen_end = self.seen_end.max(Some(at));
        }
    }
}

fn resend(promise: Duration) -> Duration {
    promise / RESENDS_PROMISED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Alert;
    use crate::domain::label::{IdentityRule, LabelLimits};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn source() -> SourceName {
        SourceName::parse("prometheus").unwrap()
    }

    fn event(received: i64, summary: &str, end: End) -> Event {
        let alert = Alert {
            labels: Labels::new([("alertname", "Down")], &LabelLimits::LABELS).unwrap(),
            annotations: Labels::new([("summary", summary)], &LabelLimits::ANNOTATIONS).unwrap(),
            starts_at: Some(at(0)),
            end,
            generator_url: String::new(),
        };
        Event::new(source(), alert, &IdentityRule::default(), at(received))
    }

    fn fires(received: i64) -> Event {
        event(received, "down", End::Until(at(received + 240)))
    }

    fn burning() -> Firing {
        let firing = Firing { inner: Mutex::default(), hasher: RandomState::new() };
        firing.update(&[Series::begin(&fires(0)).0]);
        firing
    }

    /// Returns how many of the events must be written, and how many find no room.
    fn sifted(firing: &Firing, events: &[Event]) -> (usize, usize) {
        let (news, beyond) = firing.sift(&source(), events.to_vec(), 1);
        (news.len(), beyond.len())
    }

    #[test]
    fn a_repeat_is_answered_from_memory_while_the_stored_end_is_far() {
        let firing = burning();
        assert_eq!(sifted(&firing, &[fires(60), fires(120)]), (0, 0));
        // 240 s were promised from 0; at 161 s less than one resend interval and its margin is left of them on the disk.
        assert_eq!(sifted(&firing, &[fires(161)]), (1, 0));
    }

    #[test]
    fn what_says_something_new_is_written_and_what_follows_it_too() {
        let firing = burning();
        assert_eq!(sifted(&firing, &[event(60, "worse", End::Until(at(300)))]), (1, 0));
        let firing = burning();
        assert_eq!(sifted(&firing, &[event(60, "down", End::Ended(at(59))), fires(61), fires(62)]), (3, 0));
    }

    #[test]
    fn a_change_that_waits_behind_another_still_holds_the_repeats() {
        let firing = burning();
        let text = event(60, "worse", End::Until(at(300)));
        assert_eq!(sifted(&firing, &[text.clone(), event(70, "worse", End::Ended(at(69)))]), (2, 0));
        let (mut series, _) = Series::begin(&fires(0));
        series.fold(&text);
        firing.update(&[series]);
        assert_eq!(sifted(&firing, &[event(80, "worse", End::Until(at(320)))]), (1, 0));
    }

    #[test]
    fn repeats_reach_the_disk_as_one_touch_and_extend_the_end() {
        let firing = burning();
        sifted(&firing, &[fires(60), fires(120)]);
        assert_eq!(firing.repeats_waiting(), 1);
        let touches = firing.take_repeats(10);
        assert_eq!((touches[0].deliveries, touches[0].last_seen, touches[0].ends_at), (2, at(120), Some(at(360))));
        assert_eq!(firing.repeats_waiting(), 0);
        firing.touched(&touches);
        assert_eq!(sifted(&firing, &[fires(200)]), (0, 0));
    }

    #[test]
    fn beyond_the_room_only_what_fires_anew_is_kept_apart() {
        let firing = burning();
        let mut other = fires(10);
        other.alert.labels = Labels::new([("alertname", "Other")], &LabelLimits::LABELS).unwrap();
        let other = Event::new(source(), other.alert, &IdentityRule::default(), at(10));
        assert_eq!(sifted(&firing, &[other]), (0, 1));
        assert!(firing.has(&source()) && firing.len() == 1);
    }
}
