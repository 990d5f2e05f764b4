//! One alert over time: the fold of its events into episodes, flaps and counters.

use super::day::DayNumber;
use super::event::{End, Event};
use super::id::{IncidentId, SourceName};
use super::label::{AlertmanagerFingerprint, Fingerprint, Labels};
use super::severity::Severity;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Episodes kept with a series, newest last; older ones live on in the flap count alone.
pub const EPISODES_KEPT: usize = 20;

/// Whether the alert burns, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesState {
    /// The source says it burns.
    Firing,
    /// The source said it is over (or a person dismissed it).
    Resolved,
    /// Its end passed without a word, while its source spoke of other things: taken as over.
    Expired,
    /// Its end passed and its source is silent too: nobody knows, so it keeps its incident open.
    Unknown,
    /// Its source says it burns, but not for long enough to be real: no incident speaks of it yet.
    Pending,
}

impl SeriesState {
    /// Returns whether the incident may be over as far as this series goes.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Resolved | Self::Expired)
    }
}

/// How a stretch of burning ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The source said so.
    Source,
    /// Its end passed without a word.
    Expiry,
    /// A person resolved the incident by force.
    Person,
}

/// One stretch from firing to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// When it began, by the source's word.
    pub started_at: Timestamp,
    /// When it ended, or `None` while it burns.
    pub ended_at: Option<Timestamp>,
    /// How it ended, or `None` while it burns.
    pub ended_by: Option<EndedBy>,
}

/// One alert of one source over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The system that sends it.
    pub source: SourceName,
    /// Who it is, within its source.
    pub fingerprint: Fingerprint,
    /// What Alertmanager calls it.
    pub alertmanager_fingerprint: AlertmanagerFingerprint,
    /// All its labels, the ignored ones as they came first.
    pub labels: Labels,
    /// The latest text.
    pub annotations: Labels,
    /// Where the sender says it comes from, latest.
    pub generator_url: String,
    /// The latest value, where the sender gives one in an annotation `value`.
    pub value: Option<String>,
    /// By the rules, else by its `severity` label; `None` is unexamined.
    pub severity: Option<Severity>,
    /// A rule says that it is a fact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instant: bool,
    /// Whether it burns.
    pub state: SeriesState,
    /// While pending: when it is real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_until: Option<Timestamp>,
    /// Episodes that ended before they were real.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub never_real: u64,
    /// Newest last, at most [`EPISODES_KEPT`]; empty only for an alert first seen when it was over before it began.
    pub episodes: Vec<Episode>,
    /// While firing: when the sender's word runs out (`None`: never by itself). Else: when it ended.
    pub ends_at: Option<Timestamp>,
    /// How long the sender's word holds from its arrival, in milliseconds; the grace it gets after the hub itself was away.
    pub promise_ms: Option<u64>,
    /// The latest start that any message gave; a person's dismissal is of everything up to it.
    #[serde(default)]
    pub newest_start: Timestamp,
    /// Times it fired again after an end.
    pub flaps: u64,
    /// First message.
    pub first_seen: Timestamp,
    /// Latest message, to the minute or so: counters reach the disk later than what matters.
    pub last_seen: Timestamp,
    /// Messages so far, repeats and duplicates included.
    pub deliveries: u64,
    /// The incident it speaks of now, or spoke of last.
    pub incident: Option<IncidentId>,
    /// The day on which it was last counted as real: it began to burn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_on: Option<DayNumber>,
}

/// What one event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Counters only: nothing a person would want to know at once.
    Counters,
    /// The text, the value, how long the word holds, or that it began earlier.
    Text,
    /// It burns, and did not before (or nobody knew of it).
    Fired,
    /// It was unknown and burns: the source is back.
    Confirmed,
    /// It is over, and burned before.
    Ended,
    /// First seen, already over: kept, and opens nothing.
    SeenOver,
}

impl Change {
    /// Returns whether people and disks need to know now.
    pub fn is_material(self) -> bool {
        self != Self::Counters
    }
}

impl Series {
    /// Returns the series that a first event begins, and what that changed.
    pub fn begin(event: &Event) -> (Self, Change) {
        let (state, change) = match event.alert.end {
            End::Open | End::Until(_) => (SeriesState::Firing, Change::Fired),
            End::Ended(_) => (SeriesState::Resolved, Change::SeenOver),
        };
        let mut series = Self {
            source: event.key.source.clone(),
            fingerprint: event.key.fingerprint,
            alertmanager_fingerprint: AlertmanagerFingerprint::of(&event.alert.labels),
            labels: event.alert.labels.clone(),
            annotations: Labels::default(),
            generator_url: String::new(),
            value: None,
            severity: event.alert.labels.get("severity").and_then(Severity::from_label),
            instant: false,
            state,
            pending_until: None,
            never_real: 0,
            episodes: Vec::new(),
            ends_at: None,
            promise_ms: None,
            newest_start: event.starts_at(),
            flaps: 0,
            first_seen: event.received_at,
            last_seen: event.received_at,
            deliveries: 1,
            incident: None,
            real_on: None,
        };
        series.take_text(event);
        match event.alert.end {
            End::Open | End::Until(_) => series.burn(event, event.starts_at()),
            End::Ended(at) => {
                let ended =
                    Episode { started_at: event.starts_at(), ended_at: Some(at), ended_by: Some(EndedBy::Source) };
                series.episodes.push(ended);
                series.ends_at = Some(at);
            }
        }
        (series, change)
    }

    /// Returns whether it is a fact ("backup failed"), not a state: the label `nightdesk="instant"` or a rule says so. A fact has no end by itself
    /// and none by its source; a person closes it.
    pub fn is_instant(&self) -> bool {
        self.instant || self.labels.get("nightdesk") == Some("instant")
    }

    /// Folds one event in and returns what it changed.
    ///
    /// Events of one batch come sorted by [`Event::order`]. What is older than the last transition moves counters only.
    pub fn fold(&mut self, event: &Event) -> Change {
        let quiet = event.received_at.since(self.last_seen);
        self.deliveries += 1;
        self.last_seen = self.last_seen.max(event.received_at);
        match (self.state, event.alert.end) {
            (SeriesState::Firing | SeriesState::Unknown | SeriesState::Pending, End::Ended(_)) if self.is_instant() => {
                Change::Counters
            }
            (SeriesState::Firing | SeriesState::Pending, End::Open | End::Until(_)) => self.repeat(event),
            (SeriesState::Unknown, End::Open | End::Until(_)) => {
                self.state = SeriesState::Firing;
                self.take_text(event);
                self.extend(event);
                Change::Confirmed
            }
            (SeriesState::Firing | SeriesState::Unknown | SeriesState::Pending, End::Ended(at)) => self.end(at, event),
            (SeriesState::Resolved | SeriesState::Expired, End::Open | End::Until(_)) => self.fire_again(event, quiet),
            (SeriesState::Resolved | SeriesState::Expired, End::Ended(_)) => Change::Counters,
        }
    }

    /// Returns what the state becomes when `now` is past the end of the sender's word, or `None` while the word holds.
    ///
    /// `source_spoke_at` is the latest request of the source. `hub_up_since` is when the hub last came back to its senses: a word that
    /// ran out while the hub was away gets its full length again, for the repeats had nobody to reach.
    pub fn run_out(&self, now: Timestamp, source_spoke_at: Timestamp, hub_up_since: Timestamp) -> Option<SeriesState> {
        if self.state.is_over() || self.is_instant() {
            return None;
        }
        let ends_at = self.ends_at?;
        if now < ends_at.max(hub_up_since.plus(self.promise())) {
            return None;
        }
        let state = match (source_spoke_at > ends_at, self.state) {
            (true, _) => SeriesState::Expired,
            // Nobody says that it is over: it becomes real in its time, and unknown then.
            (false, SeriesState::Pending) => return None,
            (false, _) => SeriesState::Unknown,
        };
        (state != self.state).then_some(state)
    }

    /// Applies what [`Series::run_out`] found.
    pub fn apply_run_out(&mut self, state: SeriesState) {
        if state == SeriesState::Expired {
            self.close_episode(self.ends_at.unwrap_or(self.last_seen), EndedBy::Expiry);
        }
        self.state = state;
    }

    /// Makes what began to burn wait until it burned for `pending`, from its first message of this episode.
    pub fn wait_to_be_real(&mut self, pending: Duration) {
        self.state = SeriesState::Pending;
        self.pending_until = Some(self.last_seen.plus(pending));
    }

    /// Makes it real when it burned for long enough at `now`; returns whether it became so.
    pub fn become_real(&mut self, now: Timestamp) -> bool {
        let is_real = self.state == SeriesState::Pending && self.pending_until.is_none_or(|until| until <= now);
        if is_real {
            self.state = SeriesState::Firing;
            self.pending_until = None;
        }
        is_real
    }

    /// Takes note that its source is silent: nobody knows whether it burns, however long its last word would hold. A fact stays one. Returns
    /// whether that says something new.
    pub fn doubt(&mut self) -> bool {
        let doubtful = self.state == SeriesState::Firing && !self.is_instant();
        if doubtful {
            self.state = SeriesState::Unknown;
        }
        doubtful
    }

    /// Takes note that its source speaks again: a word that holds until it is taken back holds again, any other must be repeated. Returns
    /// whether that says something new.
    pub fn trust(&mut self) -> bool {
        let trusted = self.state == SeriesState::Unknown && self.ends_at.is_none();
        if trusted {
            self.state = SeriesState::Firing;
        }
        trusted
    }

    /// Ends what burns by a person's word; only a newer start fires again.
    pub fn dismiss(&mut self, now: Timestamp) {
        self.close_episode(now, EndedBy::Person);
        self.state = SeriesState::Resolved;
        self.ends_at = Some(now);
    }

    /// Takes a person's dismissal back; returns whether there was one. Its source must say again that it burns, or its word runs out.
    pub fn recall(&mut self, now: Timestamp) -> bool {
        let Some(episode) = self.episodes.last_mut().filter(|episode| episode.ended_by == Some(EndedBy::Person)) else {
            return false;
        };
        (episode.ended_at, episode.ended_by) = (None, None);
        self.state = SeriesState::Firing;
        self.ends_at = self.promise_ms.map(|promise| now.plus(Duration::from_millis(promise)));
        true
    }

    /// Returns how long the sender's word holds; zero when it holds until taken back.
    pub fn promise(&self) -> Duration {
        Duration::from_millis(self.promise_ms.unwrap_or(0))
    }

    /// Returns when the present or last episode began.
    pub fn started_at(&self) -> Timestamp {
        self.episodes.last().map_or(self.first_seen, |episode| episode.started_at)
    }

    /// Returns the name of the alert, by convention the label `alertname`; empty when there is none.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").unwrap_or_default()
    }

    fn repeat(&mut self, event: &Event) -> Change {
        let mut earlier = false;
        if let (Some(episode), Some(start)) = (self.episodes.last_mut(), event.alert.starts_at) {
            // The earliest start wins, as in Alertmanager: twins and restarts report later ones.
            earlier = start < episode.started_at;
            episode.started_at = episode.started_at.min(start);
        }
        self.newest_start = self.newest_start.max(event.starts_at());
        let same_kind = self.promise_ms.is_some() == self.word(event).is_some();
        let text = self.take_text(event);
        self.extend(event);
        if text || earlier || !same_kind { Change::Text } else { Change::Counters }
    }

    fn end(&mut self, at: Timestamp, event: &Event) -> Change {
        let started_at = self.started_at();
        // Where the sender gives no start, ours is the arrival by our clock, which may be ahead of the sender's.
        let at = if event.alert.starts_at.is_none() { at.max(started_at) } else { at };
        if at < started_at {
            return Change::Counters;
        }
        self.take_text(event);
        self.close_episode(at, EndedBy::Source);
        self.state = SeriesState::Resolved;
        self.ends_at = Some(at);
        Change::Ended
    }

    fn fire_again(&mut self, event: &Event, quiet: Duration) -> Change {
        let start = match self.episodes.last() {
            Some(last) if !self.tells_of_later(last, event, quiet) => return Change::Counters,
            Some(last) => event.starts_at().max(last.ended_at.unwrap_or(last.started_at)),
            None => event.starts_at(),
        };
        self.flaps += 1;
        self.state = SeriesState::Firing;
        self.take_text(event);
        self.burn(event, start);
        Change::Fired
    }

    /// Returns whether a firing event tells of a time after the end of `last`, the latest episode. `quiet` is the time since the message
    /// before.
    ///
    /// After a word of the source the start decides; a sender that gives none always means now. After a person's dismissal only a later
    /// start counts, or without starts a message after silence. After an expiry the alert was never over for its source, so any word that
    /// still holds counts.
    fn tells_of_later(&self, last: &Episode, event: &Event, quiet: Duration) -> bool {
        let (Some(ended_at), Some(ended_by)) = (last.ended_at, last.ended_by) else {
            return true;
        };
        match (ended_by, event.alert.starts_at) {
            (EndedBy::Source, Some(start)) => {
                start >= ended_at && start > last.started_at || still_fires(ended_at, event)
            }
            (EndedBy::Source, None) => true,
            (EndedBy::Person, Some(start)) => start > self.newest_start,
            // Each message without a start is a fact of its own.
            (EndedBy::Person, None) if self.is_instant() => event.received_at > ended_at,
            (EndedBy::Person, None) => quiet > event.promise().map_or(Duration::from_secs(300), |promise| promise / 2),
            (EndedBy::Expiry, _) => event.until() > ended_at,
        }
    }

    fn burn(&mut self, event: &Event, started_at: Timestamp) {
        if self.episodes.len() == EPISODES_KEPT {
            self.episodes.remove(0);
        }
        self.episodes.push(Episode { started_at, ended_at: None, ended_by: None });
        self.newest_start = event.starts_at().max(started_at);
        self.ends_at = None;
        self.extend(event);
    }

    /// Takes the sender's newest word on how long it holds; a word never shortens a longer one of the same kind.
    fn extend(&mut self, event: &Event) {
        self.promise_ms = self.word(event).map(|span| span.as_millis() as u64);
        self.ends_at = match event.alert.end {
            End::Until(at) if self.promise_ms.is_some() => Some(self.ends_at.map_or(at, |ends_at| ends_at.max(at))),
            End::Open | End::Until(_) | End::Ended(_) => None,
        };
    }

    /// Returns how long the sender's word holds for this series: a fact has no end.
    fn word(&self, event: &Event) -> Option<Duration> {
        if self.is_instant() { None } else { event.promise() }
    }

    fn take_text(&mut self, event: &Event) -> bool {
        if self.annotations == event.alert.annotations && self.generator_url == event.alert.generator_url {
            return false;
        }
        self.annotations = event.alert.annotations.clone();
        self.generator_url.clone_from(&event.alert.generator_url);
        self.value = self.annotations.get("value").map(str::to_owned);
        true
    }

    fn close_episode(&mut self, at: Timestamp, by: EndedBy) {
        if self.state == SeriesState::Pending {
            self.never_real += 1;
            self.pending_until = None;
        }
        if let Some(episode) = self.episodes.last_mut() {
            episode.ended_at = Some(at.max(episode.started_at));
            episode.ended_by = Some(by);
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How much later than an end a word without a term must come, to be no message that was only late.
const LATE_AT_MOST: Duration = Duration::from_secs(30);

/// Returns whether the word was given after the end, though its start is before it: a twin of the source still sees the alert burn, or the
/// sender took it for over by mistake. Failing open: who says "burning" outweighs a resolve.
///
/// A word "until T" is given one promise before T. A message that was only late was given before the end.
fn still_fires(ended_at: Timestamp, event: &Event) -> bool {
    // Prometheus promises four resend intervals; a quarter of it is more than a message is ever late.
    let late = event.promise().map_or(LATE_AT_MOST, |promise| promise / 4);
    event.received_at > ended_at.plus(late)
}

/// Returns the labels that all of these have, with equal values.
pub fn common_labels(series: &[Series]) -> BTreeMap<String, String> {
    let Some((first, others)) = series.split_first() else { return BTreeMap::new() };
    let is_common = |(name, value): &(&str, &str)| others.iter().all(|one| one.labels.get(name) == Some(*value));
    first.labels.iter().filter(is_common).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::event::Alert;
    use super::super::label::{IdentityRule, LabelLimits};
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn event(received: i64, start: Option<i64>, end: End, summary: &str) -> Event {
        let alert = Alert {
            labels: Labels::new([("alertname", "Down"), ("severity", "critical")], &LabelLimits::LABELS).unwrap(),
            annotations: Labels::new([("summary", summary)], &LabelLimits::ANNOTATIONS).unwrap(),
            starts_at: start.map(at),
            end,
            generator_url: String::new(),
        };
        Event::new(SourceName::parse("prometheus").unwrap(), alert, &IdentityRule::default(), at(received))
    }

    fn firing(received: i64, start: i64) -> Event {
        event(received, Some(start), End::Until(at(received + 240)), "down")
    }

    fn ended(received: i64, start: i64, end: i64) -> Event {
        event(received, Some(start), End::Ended(at(end)), "down")
    }

    fn folded(events: &[Event]) -> (Series, Vec<Change>) {
        let (mut series, first) = Series::begin(&events[0]);
        let mut changes = vec![first];
        changes.extend(events[1..].iter().map(|event| series.fold(event)));
        (series, changes)
    }

    #[test]
    fn a_repeat_moves_counters_only() {
        let (series, changes) = folded(&[firing(10, 5), firing(70, 5), firing(130, 5)]);
        assert_eq!(changes, [Change::Fired, Change::Counters, Change::Counters]);
        assert_eq!((series.deliveries, series.last_seen, series.ends_at), (3, at(130), Some(at(370))));
        assert_eq!(series.severity.map(Severity::number), Some(2));
    }

    #[test]
    fn another_text_is_material() {
        let (series, changes) = folded(&[firing(10, 5), event(70, Some(5), End::Until(at(310)), "worse")]);
        assert_eq!(changes[1], Change::Text);
        assert_eq!(series.annotations.get("summary"), Some("worse"));
    }

    #[test]
    fn an_earlier_start_is_told_and_a_clock_that_was_set_back_is_none() {
        let (series, changes) = folded(&[firing(10, 5), firing(70, 3)]);
        assert_eq!((changes[1], series.started_at()), (Change::Text, at(3)));
        let open = |received| event(received, None, End::Open, "down");
        let (series, changes) = folded(&[open(100), open(40)]);
        assert_eq!((changes[1], series.started_at()), (Change::Counters, at(100)));
    }

    #[test]
    fn a_flap_is_one_series_with_its_episodes_counted() {
        let (series, changes) =
            folded(&[firing(10, 5), ended(40, 5, 38), firing(70, 68), ended(100, 68, 99), firing(130, 128)]);
        assert_eq!(changes, [Change::Fired, Change::Ended, Change::Fired, Change::Ended, Change::Fired]);
        assert_eq!((series.flaps, series.episodes.len(), series.state), (2, 3, SeriesState::Firing));
        assert_eq!(series.episodes[0].ended_by, Some(EndedBy::Source));
    }

    #[test]
    fn a_late_firing_message_does_not_undo_a_resolve() {
        let late = Event { received_at: at(41), ..firing(10, 5) };
        let (series, changes) = folded(&[firing(10, 5), ended(40, 5, 38), late]);
        assert_eq!(changes[2], Change::Counters);
        assert_eq!(series.state, SeriesState::Resolved);
    }

    #[test]
    fn a_twin_that_still_sees_it_burn_outweighs_the_resolve() {
        let (series, changes) = folded(&[firing(10, 5), ended(40, 5, 38), firing(130, 5)]);
        assert_eq!(changes[2], Change::Fired);
        assert_eq!(series.state, SeriesState::Firing);
    }

    #[test]
    fn a_fact_ends_by_a_person_only() {
        let instant = |mut event: Event| {
            event.alert.labels =
                Labels::new([("alertname", "BackupFailed"), ("nightdesk", "instant")], &LabelLimits::LABELS).unwrap();
            event
        };
        let (mut series, changes) = folded(&[instant(firing(10, 5)), instant(ended(40, 5, 38))]);
        assert_eq!(changes[1], Change::Counters);
        assert_eq!(series.run_out(at(9000), at(9000), at(0)), None);
        series.dismiss(at(9000));
        assert_eq!(series.fold(&instant(firing(9100, 5))), Change::Counters);
        assert_eq!(series.fold(&instant(firing(9100, 9050))), Change::Fired);
    }

    #[test]
    fn a_webhook_that_says_burning_after_its_resolve_is_believed() {
        let open = |received| event(received, Some(5), End::Open, "down");
        let (series, changes) = folded(&[open(10), ended(40, 5, 38), open(41), open(400)]);
        assert_eq!(changes[2..], [Change::Counters, Change::Fired]);
        assert_eq!(series.state, SeriesState::Firing);
    }

    #[test]
    fn without_starts_a_dismissed_alert_fires_again_after_silence() {
        let open = |received| event(received, None, End::Open, "down");
        let (mut series, _) = folded(&[open(10)]);
        series.dismiss(at(20));
        assert_eq!(series.fold(&open(70)), Change::Counters);
        assert_eq!(series.fold(&open(130)), Change::Counters);
        assert_eq!(series.fold(&open(1000)), Change::Fired);
    }

    #[test]
    fn a_dismissal_is_of_the_twins_start_too() {
        let (mut series, _) = folded(&[firing(10, 5), firing(12, 9)]);
        series.dismiss(at(20));
        assert_eq!(series.fold(&firing(72, 9)), Change::Counters);
        assert_eq!(series.fold(&firing(132, 30)), Change::Fired);
    }

    #[test]
    fn no_time_in_the_future_outweighs_what_comes_later() {
        let (series, changes) = folded(&[
            event(10, Some(5), End::Open, "down"),
            event(20, Some(5), End::Ended(at(9_000_000)), "down"),
            event(100, Some(90), End::Open, "down"),
        ]);
        assert_eq!(changes[2], Change::Fired);
        assert_eq!(series.episodes[0].ended_at, Some(at(20)));
        let (mut series, _) = folded(&[event(10, Some(9_000_000), End::Until(at(250)), "down")]);
        series.apply_run_out(SeriesState::Expired);
        assert_eq!(series.fold(&firing(300, 290)), Change::Fired);
    }

    #[test]
    fn an_end_by_a_slower_clock_ends_what_has_no_start() {
        let (series, changes) =
            folded(&[event(10, None, End::Open, "down"), event(20, None, End::Ended(at(8)), "down")]);
        assert_eq!((changes[1], series.ends_at), (Change::Ended, Some(at(10))));
    }

    #[test]
    fn an_alert_first_seen_over_opens_nothing() {
        let (series, changes) = folded(&[ended(40, 5, 38), ended(100, 5, 38)]);
        assert_eq!(changes, [Change::SeenOver, Change::Counters]);
        assert_eq!(series.state, SeriesState::Resolved);
    }

    #[test]
    fn a_word_that_runs_out_is_expired_only_if_the_source_spoke_since() {
        let (series, _) = folded(&[firing(10, 5)]);
        assert_eq!(series.run_out(at(249), at(240), at(0)), None);
        assert_eq!(series.run_out(at(251), at(251), at(0)), Some(SeriesState::Expired));
        assert_eq!(series.run_out(at(251), at(240), at(0)), Some(SeriesState::Unknown));
    }

    #[test]
    fn after_the_hubs_own_absence_a_word_gets_its_length_again() {
        let (series, _) = folded(&[firing(10, 5)]);
        assert_eq!(series.run_out(at(5000), at(4990), at(4980)), None);
        assert_eq!(series.run_out(at(5221), at(5220), at(4980)), Some(SeriesState::Expired));
    }

    #[test]
    fn an_unknown_series_burns_on_in_the_same_episode_when_its_source_is_back() {
        let (mut series, _) = folded(&[firing(10, 5)]);
        series.apply_run_out(SeriesState::Unknown);
        assert_eq!(series.fold(&firing(900, 5)), Change::Confirmed);
        assert_eq!((series.flaps, series.episodes.len()), (0, 1));
        assert_eq!(series.run_out(at(900), at(900), at(0)), None);
    }

    #[test]
    fn an_unknown_series_is_over_once_its_source_speaks_without_it() {
        let (mut series, _) = folded(&[firing(10, 5)]);
        series.apply_run_out(SeriesState::Unknown);
        assert_eq!(series.run_out(at(400), at(399), at(0)), Some(SeriesState::Expired));
    }

    #[test]
    fn a_webhook_without_an_end_never_runs_out() {
        let (series, _) = folded(&[event(10, Some(5), End::Open, "down")]);
        assert_eq!(series.run_out(at(10_000_000), at(10_000_000), at(0)), None);
    }

    #[test]
    fn a_dismissed_alert_fires_again_only_with_a_newer_start() {
        let (mut series, _) = folded(&[firing(10, 5)]);
        series.dismiss(at(20));
        assert_eq!(series.fold(&firing(400, 5)), Change::Counters);
        assert_eq!(series.fold(&firing(460, 450)), Change::Fired);
    }

    #[test]
    fn episodes_are_bounded_and_flaps_are_not() {
        let mut events = vec![firing(10, 5)];
        for round in 1..100 {
            events.push(ended(round * 100, round * 100 - 60, round * 100));
            events.push(firing(round * 100 + 20, round * 100 + 20));
        }
        let (series, _) = folded(&events);
        assert_eq!((series.flaps, series.episodes.len()), (99, EPISODES_KEPT));
    }

    proptest! {
        /// I14: what a batch boundary is cannot matter, for the fold is one event at a time; what can matter is order, and resends.
        #[test]
        fn resending_any_message_changes_counters_only(seconds in proptest::collection::vec((0i64..20, any::<bool>()), 1..20), again in any::<prop::sample::Index>()) {
            let mut clock = 0;
            let events: Vec<Event> = seconds.iter().map(|(step, over)| {
                clock += step + 1;
                if *over { ended(clock, clock - 1, clock) } else { firing(clock, clock) }
            }).collect();
            let (once, _) = folded(&events);
            let mut twice = events.clone();
            let index = again.index(events.len());
            twice.insert(index + 1, events[index].clone());
            let (resent, _) = folded(&twice);
            prop_assert_eq!((once.state, once.flaps, once.episodes, once.ends_at), (resent.state, resent.flaps, resent.episodes, resent.ends_at));
        }
    }
}
