//! What they sent: one file a format, bytes -> alerts and malformed.
//!
//! A format's parser is pure: no clock, no I/O. It answers with what it could take, and keeps what it could not exactly as it came, with a
//! reason a person understands. One bad alert never costs its neighbours; only a body that is none of the format is refused as a whole.
//!
//! Two paths lead through a parser. The fast one reads the whole body once, without copies, and gives up at the first thing that is not as it
//! should be. The careful one then cuts the body into elements without understanding them, and reads each by itself.

mod alertmanager_api;
mod alertmanager_webhook;
mod batch;
mod body;
pub mod change;
mod map;
mod scan;
mod value;
mod wire;

use crate::domain::event::Alert;
use crate::domain::label::LabelLimits;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// How much of one request is taken. The defaults stand in THREATS.md under "Limits".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most alerts of one request.
    pub alerts_max: usize,
    /// Deepest nesting of arrays and objects.
    pub depth_max: usize,
    /// What a set of labels may be; beyond it the alert is malformed, because labels are its identity.
    pub labels: LabelLimits,
    /// What annotations may be; beyond it they are cut, because no alert is lost for its text.
    pub annotations: LabelLimits,
    /// How long the word of a sender holds that names no end.
    pub resolve_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            alerts_max: 1000,
            depth_max: 32,
            labels: LabelLimits::LABELS,
            annotations: LabelLimits::ANNOTATIONS,
            resolve_timeout: Duration::from_secs(5 * 60),
        }
    }
}

/// Something that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The bytes, exactly as they came.
    pub raw: Box<[u8]>,
    /// Why, with the field and the way out. May quote the sender: show it as safe text only.
    pub reason: String,
}

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// What could be taken, in the order of the body.
    pub alerts: Vec<Alert>,
    /// What could not, in the order of the body. All that is beyond `alerts_max` is one of these, so that a body of a million commas is not
    /// a million entries.
    pub malformed: Vec<Malformed>,
    /// How many alerts the sender says that he left out: absence from this body then means nothing.
    pub truncated: u64,
}

/// A body that is none of its format; nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// Why, and what to send instead.
    pub reason: String,
}

impl Unreadable {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// A format that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// What Prometheus sends: `POST /api/v2/alerts`, an array.
    AlertmanagerApi,
    /// What an Alertmanager sends: an object with `alerts`.
    AlertmanagerWebhook,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::AlertmanagerApi, Self::AlertmanagerWebhook];

    /// Returns the name under which the format is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlertmanagerApi => "alertmanager-api-v2",
            Self::AlertmanagerWebhook => "alertmanager-webhook-v4",
        }
    }

    /// Returns the name of the source where nobody configured one.
    pub fn default_source(self) -> &'static str {
        match self {
            Self::AlertmanagerApi => "prometheus",
            Self::AlertmanagerWebhook => "alertmanager",
        }
    }

    /// Returns what the body holds.
    ///
    /// # Errors
    /// [`Unreadable`] when the body is none of this format; the sender is to hear of it.
    pub fn parse(self, body: &[u8], limits: &Limits, now: Timestamp) -> Result<Parsed, Unreadable> {
        let body = body::checked(body, self, limits.depth_max)?;
        match self {
            Self::AlertmanagerApi => alertmanager_api::parse(body, limits, now),
            Self::AlertmanagerWebhook => alertmanager_webhook::parse(body, limits, now),
        }
    }
}

#[cfg(test)]
mod tests;
