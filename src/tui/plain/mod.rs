//! The console as lines: for screen readers, terminals that cannot move their cursor, and logs.
//!
//! ```text
//!   newest picture ─┬─► changes ─► lines that begin with a word ─► standard output, append only
//!   lines typed ────┴─► talk ─────► the same verbs, questions and answers as on the screen
//! ```
//!
//! `changes` and `talk` are plain; `run` holds the I/O.

pub(super) mod changes;
mod run;
pub(super) mod talk;

pub use run::{Handle, Plain};

use crate::domain::incident::{Incident, Shown};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;

/// Most characters of one piece of outside text.
const CHARS_MAX: usize = 300;

/// Returns outside text as it may stand in a line.
fn safe(raw: &str) -> String {
    SafeText::line(raw, CHARS_MAX).to_string()
}

/// Returns `4131 S1 payments-api: error rate 38%`.
fn named(incident: &Incident) -> String {
    let severity = incident.severity.map_or("S?".to_owned(), |severity| severity.to_string());
    format!("{} {severity} {}: {}", incident.number, safe(&incident.service), safe(&incident.summary))
}

/// Returns the state in one whole word, as a line begins.
fn state_word(incident: &Incident) -> &'static str {
    match incident.shown() {
        Shown::New => "NEW",
        Shown::Acked => "ACK",
        Shown::Snoozed => "SNOOZED",
        Shown::Waiting => "WAITING",
        Shown::Recovering => "RECOVERING",
        Shown::Unknown => "UNKNOWN",
        Shown::Resolved => "RESOLVED",
    }
}

/// Returns `03:16Z`.
fn clock(at: Timestamp) -> String {
    format!("{}Z", at.hour_minute())
}
