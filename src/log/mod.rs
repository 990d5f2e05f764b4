//! Where the program writes down what it does: files that are rotated while it runs, and the last lines in memory.
//!
//! One event is one line, whatever stands in it: characters that a terminal could obey, or that end a line, are written as escapes. A log
//! that cannot be written never troubles the program, and nothing of it reaches the terminal while a screen is up.

mod facts;
mod ring;
mod rotate;

pub use facts::fact_lines;
pub use ring::{LINES_MAX, recent_lines};
pub use rotate::{FILE_BYTES_MAX, FILES, Rotating};

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged where nobody said anything.
pub const DEFAULT_LEVEL: &str = "info";

/// A level of logging that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no log level; write error, warn, info, debug or trace, or nightdesk=debug for one part")]
pub struct BadLevel(String);

/// Checks a level such as `debug`, or directives such as `info,nightdesk::sync=trace`.
///
/// # Errors
/// [`BadLevel`].
pub fn check_level(text: &str) -> Result<(), BadLevel> {
    filter(text).map(drop)
}

fn filter(text: &str) -> Result<EnvFilter, BadLevel> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = if text.trim().is_empty() { DEFAULT_LEVEL } else { text };
    // A plain word that is no level would be taken as the name of a part, and nothing would be logged at all.
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let readable = text.split(',').map(str::trim).all(|word| word.contains('=') || is_level(word));
    let parsed = EnvFilter::builder().parse(text).ok();
    parsed.filter(|_| readable).ok_or_else(|| BadLevel(text.to_owned()))
}

/// Logs to that file and to memory from now on, for the whole process; a second call changes nothing.
///
/// # Errors
/// [`BadLevel`].
pub fn to_file(file: Rotating, level: &str) -> Result<(), BadLevel> {
    start(Sink { out: Out::File(Arc::new(file)) }, level)
}

/// Logs to standard error and to memory from now on, for the whole process; a second call changes nothing.
///
/// # Errors
/// [`BadLevel`].
pub fn to_stderr(level: &str) -> Result<(), BadLevel> {
    start(Sink { out: Out::Stderr }, level)
}

fn start(sink: Sink, level: &str) -> Result<(), BadLevel> {
    // A log that cannot be written would be told on standard error: over the screen.
    let written = tracing_subscriber::fmt::layer().with_ansi(false).log_internal_errors(false).with_writer(sink);
    let _ = tracing_subscriber::registry().with(filter(level)?).with(written).with(facts::facts()).try_init();
    Ok(())
}

/// Where lines go. The formatter hands over one event with one write.
#[derive(Clone)]
struct Sink {
    out: Out,
}

#[derive(Clone)]
enum Out {
    File(Arc<Rotating>),
    Stderr,
}

impl Write for Sink {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = one_line(&String::from_utf8_lossy(event));
        ring::keep(&line);
        // No reader of the log, or no room for it, is no reason to do anything else worse.
        let _ = match &self.out {
            Out::File(file) => file.append(&line),
            Out::Stderr => writeln!(io::stderr().lock(), "{line}"),
        };
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Longest line, in characters: a hostile name must not fill the disk by one event.
const LINE_CHARS_MAX: usize = 8000;

/// Returns the event as one line in which nothing is obeyed or hidden. Text that is safe already stays as it is.
fn one_line(event: &str) -> String {
    let event = event.trim_end();
    let mut line = String::with_capacity(event.len());
    for (count, c) in event.chars().enumerate() {
        if count == LINE_CHARS_MAX {
            line.push_str("[...]");
            break;
        }
        match c {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            c if is_obeyed_or_hidden(c) => drop(write!(line, "\\u{{{:x}}}", u32::from(c))),
            c => line.push(c),
        }
    }
    line
}

fn is_obeyed_or_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_and_obeyed_by_no_terminal() {
        let line = one_line("a\u{1b}[2J\r\nforged INFO line\u{9b}31m\u{202e}\u{2028}ü‹1b›\n");
        assert_eq!(line, "a\\u{1b}[2J\\u{d}\\nforged INFO line\\u{9b}31m\\u{202e}\\u{2028}ü‹1b›");
        assert_eq!(one_line(&line), line, "safe text stays as it is");
    }

    #[test]
    fn a_line_is_bounded() {
        assert!(one_line(&"x".repeat(100_000)).len() < LINE_CHARS_MAX + 10);
    }

    #[test]
    fn a_level_is_a_level_or_directives() {
        for good in ["", "info", "DEBUG", "off", "info,nightdesk::sync=trace", "nightdesk=debug"] {
            assert_eq!(check_level(good), Ok(()), "{good}");
        }
        for bad in ["loud", "nightdesk=loud", "info,loud"] {
            assert!(check_level(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_logged_stands_in_the_file_and_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nightdesk.log");
        let file = Rotating::open(&path).unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter("info").unwrap())
            .with_ansi(false)
            .with_writer(Sink { out: Out::File(Arc::new(file)) })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(name = "evil\u{1b}[31m\nforged", "canary-7431 message");
            tracing::debug!("canary-7431 below the level");
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("canary-7431 message") && !text.contains('\u{1b}'), "{text}");
        let kept: Vec<String> = recent_lines().into_iter().filter(|line| line.contains("canary-7431")).collect();
        assert_eq!(kept, [text.trim_end()]);
    }
}
