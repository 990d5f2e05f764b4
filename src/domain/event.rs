//! One message of a source about one alert at one time.

use super::id::SourceName;
use super::label::{Fingerprint, IdentityRule, Labels};
use super::time::Timestamp;
use std::time::Duration;

/// What a source says of the end of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Burning, and the sender will say when it is over (webhooks): never expires by itself.
    Open,
    /// Burning until then, unless the sender repeats it before (Prometheus): after it nobody knows.
    Until(Timestamp),
    /// Over since then.
    Ended(Timestamp),
}

/// What a format's parser makes of one alert: what was sent, before anybody knows from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Who it is.
    pub labels: Labels,
    /// Text that accompanies it.
    pub annotations: Labels,
    /// When it began, or `None` where the sender did not say.
    pub starts_at: Option<Timestamp>,
    /// Whether it burns, and how long that word holds.
    pub end: End,
    /// Where the sender says it comes from; empty when unsaid.
    pub generator_url: String,
}

/// Where a series stands: its source and its labels' fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// The system that sends it.
    pub source: SourceName,
    /// Its labels.
    pub fingerprint: Fingerprint,
}

/// One alert of one source, received at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which series it speaks of.
    pub key: SeriesKey,
    /// What was sent.
    pub alert: Alert,
    /// When the hub had read it.
    pub received_at: Timestamp,
}

impl Event {
    /// Returns the event that this alert of this source is.
    ///
    /// What is said to have begun or ended in the future began or ended now: kept as sent, such a time would outweigh every later word.
    pub fn new(source: SourceName, mut alert: Alert, rule: &IdentityRule, received_at: Timestamp) -> Self {
        alert.starts_at = alert.starts_at.map(|at| at.min(received_at));
        if let End::Ended(at) = alert.end {
            alert.end = End::Ended(at.min(received_at));
        }
        let fingerprint = rule.fingerprint(&alert.labels);
        Self { key: SeriesKey { source, fingerprint }, alert, received_at }
    }

    /// Returns when the alert began: as sent, else when it arrived (or ended, if that was before).
    pub fn starts_at(&self) -> Timestamp {
        self.alert.starts_at.unwrap_or(match self.alert.end {
            End::Ended(at) => at.min(self.received_at),
            End::Open | End::Until(_) => self.received_at,
        })
    }

    /// Returns the order in which events of one batch fold: by start, then by arrival.
    ///
    /// Not by end: that of a burning alert is a promise, and lies after the end that the next message tells.
    pub fn order(&self) -> (Timestamp, Timestamp) {
        (self.starts_at(), self.received_at)
    }

    /// Returns until when the word holds, at least: its arrival, where it holds until taken back.
    pub fn until(&self) -> Timestamp {
        match self.alert.end {
            End::Open => self.received_at,
            End::Until(at) | End::Ended(at) => at,
        }
    }

    /// Returns how long the sender's word holds from its arrival; `None` when it holds until taken back.
    pub fn promise(&self) -> Option<Duration> {
        match self.alert.end {
            End::Until(at) => Some(at.since(self.received_at)),
            End::Open | End::Ended(_) => None,
        }
    }
}
