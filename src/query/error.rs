//! What is wrong with a text, where, and what was meant.

use std::fmt;
use std::ops::Range;
use unicode_width::UnicodeWidthStr as _;

/// Bytes of a line that are shown.
const SHOWN_MAX: usize = 240;

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Which bytes of the text are meant; may be empty, at the place where something is missing.
    pub span: Range<usize>,
    /// What is wrong, in a lower-case fragment.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl QueryError {
    /// Returns an error at these bytes, without a hint.
    pub(super) fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    /// Returns the same with what to write instead.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns three or four lines: the line of the text that is meant, carets under the place, what is wrong, and the hint.
    ///
    /// The text comes from outside: make it safe for a terminal as any other (it is no longer than a query may be).
    pub fn pointed(&self, text: &str) -> String {
        let (start, end) = (floor(text, self.span.start), floor(text, self.span.end));
        let begins = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let ends = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let (begins, ends) = window(text, begins, start, ends);
        // One character for each that stands there, so that the carets keep their place; tabs have no width of their own.
        let shown: String = text[begins..ends].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before = columns(&text[begins..start]);
        let under = columns(&text[start..end.clamp(start, ends)]).max(1);
        let mut out = format!("{shown}\n{}{}\n{}", " ".repeat(before), "^".repeat(under), self.message);
        if let Some(hint) = &self.hint {
            out.push_str("\nhint: ");
            out.push_str(hint);
        }
        out
    }
}

/// Returns the part of a line that is shown: all of it, or of a long one what is around the place.
fn window(text: &str, begins: usize, start: usize, ends: usize) -> (usize, usize) {
    if ends - begins <= SHOWN_MAX {
        return (begins, ends);
    }
    let from = floor(text, start.saturating_sub(SHOWN_MAX / 2).max(begins));
    (from, floor(text, (from + SHOWN_MAX).min(ends)))
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QueryError {}

fn columns(text: &str) -> usize {
    text.chars().map(|c| if c.is_control() { 1 } else { c.encode_utf8(&mut [0; 4]).width() }).sum()
}

/// Returns the place itself, or the beginning of the character in whose middle it is.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
