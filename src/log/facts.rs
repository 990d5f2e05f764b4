//! The last lines of the log, for a crash file: what this program said of itself, without what others wrote.

use std::collections::VecDeque;
use std::fmt;
use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines that are kept.
const LINES_MAX: usize = 200;
/// Longest line, in bytes.
const LINE_BYTES_MAX: usize = 300;

/// The last lines of the log; a layer of the subscriber fills them.
#[derive(Debug, Default)]
pub(super) struct Facts {
    lines: Mutex<VecDeque<String>>,
}

/// Returns the last lines without the words of others, oldest first: what a crash file may hold.
pub fn fact_lines() -> Vec<String> {
    facts().lines()
}

/// Returns what keeps the lines of this process.
pub(super) fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(Facts::default)
}

impl Facts {
    /// Returns the lines, oldest first.
    fn lines(&self) -> Vec<String> {
        // In a panic, whoever holds the lock may be this very thread: then there are none.
        self.lines.try_lock().map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }

    fn keep(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

impl<S: Subscriber> Layer<S> for &'static Facts {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let ours = meta.target().starts_with("nightdesk");
        let mut line = Line { ours, text: format!("{} {} {}", jiff::Timestamp::now(), meta.level(), meta.target()) };
        event.record(&mut line);
        line.text.truncate(line.text.floor_char_boundary(LINE_BYTES_MAX));
        self.keep(line.text);
    }
}

/// A line being put together.
struct Line {
    /// Said by this program, whose messages are fixed words, not by a library.
    ours: bool,
    text: String,
}

impl Line {
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        // Writing into a String does not fail.
        let _ = write!(self.text, " {}={value}", field.name());
    }
}

impl Visit for Line {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" if self.ours => drop(write!(self.text, " {value:?}")),
            // That there was a value is said, which one is not.
            name => drop(write!(self.text, " {name}=...")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    fn logged(log: impl FnOnce()) -> Vec<String> {
        let kept: &'static Facts = Box::leak(Box::default());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(kept), log);
        kept.lines()
    }

    #[test]
    fn fixed_words_and_numbers_are_kept_and_what_others_wrote_is_not() {
        let lines = logged(|| {
            let summary = "disk of tok_secret";
            tracing::warn!(summary, why = %summary, number = 7, "an alert came");
            tracing::warn!(target: "hyper::proto", "sent {summary}");
        });
        assert!(lines[0].contains("an alert came") && lines[0].contains("number=7"), "{lines:?}");
        assert!(lines[0].contains("summary=... why=..."), "{lines:?}");
        assert!(lines[1].contains("hyper::proto message=..."), "{lines:?}");
        assert!(!lines.concat().contains("tok_secret"), "{lines:?}");
    }

    #[test]
    fn no_more_than_the_last_lines_are_kept() {
        let lines = logged(|| (0..1000).for_each(|number| tracing::info!(number, "again")));
        assert_eq!(lines.len(), LINES_MAX);
        assert!(lines[0].ends_with("again number=800"), "{lines:?}");
    }
}
